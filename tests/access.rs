//! A daemon whose credentials change while it works: an API token that is renewed, and an OAuth app whose access tokens
//! end every few seconds. All of it in real processes and real time; and nobody is told a secret.

#![cfg(feature = "standin")]

#[expect(dead_code, reason = "the tests that kill the daemon use more of it")]
mod processes;

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use processes::{Source, Standin, World, wait_for};

/// A step of a real daemon takes seconds; this is for machines that are busy with something else.
const LONGEST: Duration = Duration::from_secs(180);

/// Puts lines into the part of the settings that is about Pipedrive.
fn set(world: &World, lines: &str) {
    let file = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    fs::write(&file, settings.replace("[pipedrive]\n", &format!("[pipedrive]\n{lines}"))).expect("written");
}

fn approve(world: &World, gate: &str) {
    wait_for(gate, LONGEST, || world.waits_at(gate).then_some(()));
    world.approve(gate);
}

fn first_user(world: &World) -> Value {
    world.pipedrive.get("users")[0]["id"].clone()
}

fn waits(world: &World) -> String {
    world.status().map_or_else(String::new, |status| status["waits"].as_str().unwrap_or_default().to_owned())
}

/// Looks into every file of a folder.
fn no_file_tells(folder: &Path, secrets: &[String]) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            no_file_tells(&entry, secrets);
        } else if entry.extension().is_none_or(|ending| ending != "secret") {
            tells_none(&entry.display().to_string(), &fs::read(&entry).expect("readable"), secrets);
        }
    }
}

fn tells_none(what: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        let told = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!told, "{what} tells a secret");
    }
}

#[test]
fn a_token_that_is_renewed_while_it_loads() {
    let promox = Standin::start("promox", &["records=1500", "seed=4", "rtt_ms=0"]);
    let world = World::start(Source::promox(&promox), &["rtt_seconds=0.05"]);
    let file = world.folder.join("pipedrive.secret");
    fs::write(&file, &world.pipedrive.token).expect("written");
    // Slow enough to be met in the middle.
    set(&world, "token_file = \"pipedrive.secret\"\ncalls_in_flight = 4\n");
    let daemon = world.daemon(&[]);
    for gate in ["map", "data", "plan", "workspace", "sample"] {
        approve(&world, gate);
    }
    let made = || world.pipedrive.get("ledger")["created"]["person"].as_u64().unwrap_or_default();
    wait_for("the first persons", LONGEST, || (made() > 20).then_some(()));
    let new = world.pipedrive.post("tokens", &json!({"user_id": first_user(&world)}))["token"].clone();
    let new = new.as_str().expect("a token").to_owned();
    let why = wait_for("the daemon to notice", LONGEST, || {
        Some(waits(&world)).filter(|waits| waits.contains("renew it in its file"))
    });
    let stopped_at = made();
    assert!(stopped_at < 1_000, "it was to be in the middle: {stopped_at}, {why}");
    fs::write(&file, &new).expect("written");
    wait_for("the source to be followed", LONGEST, || {
        world.status().filter(|status| status["phase"] == "follow" && !waits(&world).contains("token"))
    });
    let output = world.run(&["freeze"]);
    assert!(output.status.success());
    approve(&world, "cutover");
    assert_eq!(daemon.end(LONGEST).code(), Some(0), "{}", world.said());
    let status = world.status().expect("a status");
    assert_eq!((status["in_doubt"].as_u64(), made() > stopped_at), (Some(0), true), "{status}");
    let secrets = [world.pipedrive.token.clone(), new];
    no_file_tells(&world.folder, &secrets);
    tells_none("the log", world.said().as_bytes(), &secrets);
}

#[test]
fn an_oauth_app_whose_access_ends_every_few_seconds() {
    let promox = Standin::start("promox", &["records=1500", "seed=5", "rtt_ms=0"]);
    let account = ["rtt_seconds=0.01", "oauth_life_seconds=4", "oauth_client_secret=\"whisper-5f1c\""];
    let world = World::start(Source::promox(&promox), &account);
    let grant = world.pipedrive.post("oauth", &json!({"user_id": first_user(&world)}));
    let refresh = grant["refresh_token"].as_str().expect("a token").to_owned();
    fs::write(world.folder.join("refresh.secret"), &refresh).expect("written");
    fs::write(world.folder.join("client.secret"), "whisper-5f1c\n").expect("written");
    let settings = fs::read_to_string(world.folder.join("migration.toml")).expect("settings");
    let oauth = format!(
        "[pipedrive.oauth]\nclient_id = \"standin-app\"\nclient_secret_file = \"client.secret\"\n\
         refresh_token_file = \"refresh.secret\"\ntoken_address = \"{}/oauth/token\"\n[daemon]\n",
        world.pipedrive.address
    );
    fs::write(world.folder.join("migration.toml"), settings.replace("[daemon]\n", &oauth)).expect("written");
    let mut daemon = world.daemon(&[]);
    for gate in ["map", "data", "plan", "workspace", "sample"] {
        approve(&world, gate);
    }
    wait_for("the source to be followed", LONGEST, || {
        assert_eq!(daemon.ended(), None, "{}", world.said());
        world.status().filter(|status| status["phase"] == "follow")
    });
    let command_line = fs::read(format!("/proc/{}/cmdline", daemon.0.id())).unwrap_or_default();
    let secrets = ["whisper-5f1c".to_owned(), refresh, grant["access_token"].as_str().expect("a token").to_owned()];
    tells_none("the process list", &command_line, &secrets);
    assert!(world.run(&["freeze"]).status.success());
    approve(&world, "cutover");
    assert_eq!(daemon.end(LONGEST).code(), Some(0), "{}", world.said());
    let refused = |ledger: &Value| -> u64 {
        let counts = ledger["requests_by_endpoint"].as_object().expect("a map").values();
        counts.filter_map(|counts| counts["401"].as_u64()).sum()
    };
    let ledger = world.pipedrive.get("ledger");
    assert_eq!(refused(&ledger), 0, "renewed in time, each time");
    no_file_tells(&world.folder, &secrets);
    tells_none("the log", world.said().as_bytes(), &secrets);
}
