//! A staging company takes the sample before the company itself is written to: both accounts' books are looked at, ids of
//! one never reach the other, and a daemon that is killed in between leaves nothing twice in either.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;

use serde_json::json;

use super::*;
use crate::processes::text;

/// Records that people of the staging company have made, so that ids there are other ids.
const OLD: u64 = 40;

/// Steps of a write at which the daemon dies, with how many come by before.
const DEATHS: [&str; 5] = ["before_intent:2", "after_intent:3", "after_send:9", "after_answer:7", "before_outcome:2"];

/// `SIGABRT`, by which a process dies that reaches a failpoint.
const SIGABRT: i32 = 6;

/// A staging company in which `users` of the real one have a user.
fn staging(world: &World, users: usize) -> Standin {
    let settings = ["unlimited=true", "caps=false", "company_id=42", "seed=4242"];
    let staging = Standin::start("pipedrive", &settings);
    let real = world.pipedrive.get("users");
    // The first one is whom the token belongs to, in each company.
    for user in real.as_array().expect("users").iter().skip(1).take(users) {
        staging.post("users", &json!({"name": user["name"], "email": user["email"]}));
    }
    for number in 0..OLD {
        let make = |entity: &str, fields: Value| {
            staging.post("people", &json!({"action": "create", "entity": entity, "fields": fields}))
        };
        let organization = make("organization", json!({"name": format!("Staging only {number}")}));
        make("person", json!({"name": format!("Nobody Else {number}")}));
        make("deal", json!({"title": format!("Old deal {number}")}));
        make("activity", json!({"subject": format!("Old call {number}"), "type": "call"}));
        make("note", json!({"content": "old", "org_id": organization["id"]}));
    }
    staging
}

/// Names the staging company in the settings, as a person does.
fn name_staging(world: &World, staging: &Standin) {
    fs::write(world.folder.join("staging.token"), &staging.token).expect("written");
    let file = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    let section = format!(
        "[pipedrive.staging]\naddress = \"{}\"\ntoken_file = \"{}\"\nunlimited = true\n",
        staging.address,
        world.folder.join("staging.token").display()
    );
    fs::write(&file, format!("{settings}{section}")).expect("written");
}

/// The settings without the staging company again.
fn unname_staging(world: &World) {
    let file = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    let before = settings.split("[pipedrive.staging]").next().expect("text").to_owned();
    fs::write(&file, before).expect("written");
}

/// Markers of our live records in an account; none stands there twice.
fn markers(account: &Standin, kind: &str) -> BTreeSet<String> {
    let all: Vec<String> = live_in(account, kind).iter().filter_map(marker).collect();
    let distinct: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(all.len(), distinct.len(), "{kind}s are there twice");
    distinct
}

fn all_markers(account: &Standin) -> BTreeSet<String> {
    KINDS
        .iter()
        .flat_map(|kind| markers(account, kind).into_iter().map(move |marker| format!("{kind} {marker}")))
        .collect()
}

/// Records that the books say were made in an account.
fn made(account: &Standin) -> u64 {
    let created = account.get("ledger")["created"].clone();
    KINDS.iter().filter_map(|kind| created[*kind].as_u64()).sum()
}

fn waits_for_sample(world: &World) {
    wait_for("the sample", LONGEST, || world.waits_at("sample").then_some(()));
}

/// Everything of the old records of the staging company is there as it was.
fn old_ones_are_there(staging: &Standin) {
    for kind in ["organization", "person", "deal", "activity", "note"] {
        let old = live_in(staging, kind).iter().filter(|row| marker(row).is_none()).count() as u64;
        assert_eq!(old, OLD, "{kind}s of people in staging");
    }
}

#[test]
fn the_sample_is_made_corrected_and_approved_in_staging_before_anything_is_written_to_the_company() {
    let (promox, world) = world(400, 31);
    let staging = staging(&world, 2);
    name_staging(&world, &staging);
    let daemon = world.daemon(&[]);
    pass(&world, "map");
    pass(&world, "data");
    wait_for("plan", LONGEST, || world.waits_at("plan").then_some(()));
    assert_eq!(writes_to(&staging), [], "in staging before the plan is approved");
    let plan = report(&world, "plan");
    assert_eq!(plan["staging"]["company_id"], "42", "{}", plan["staging"]);
    let lines = plan["staging"]["lines"].as_array().expect("lines").len();
    assert!(lines > 10, "what is made there is in the plan: {}", plan["staging"]);
    world.approve("plan");
    waits_for_sample(&world);

    let sample = report(&world, "sample");
    assert_eq!(sample["staging"]["company_id"], "42", "{}", sample["says"]);
    assert!(
        sample["says"].as_str().is_some_and(|says| says.contains("every field holds what was promised")),
        "{sample}"
    );
    let stood_in = sample["staging"]["stood_in_for"].as_array().expect("owners").len();
    assert!(stood_in > 0, "owners without a user there: {}", sample["staging"]);
    let records = sample["records"].as_array().expect("records").len();
    assert_eq!(all_markers(&staging).len(), records, "records in staging, and in the report");
    let status = world.status().expect("a status");
    assert!(status["company"].as_str().is_some_and(|company| company.starts_with("staging company")), "{status}");
    assert_eq!(status["staging"]["records"], records, "{}", status["staging"]);
    assert!(text(&world.run(&["status"])).contains("staging   company 42: "), "told to people too");
    old_ones_are_there(&staging);

    // A correction goes through staging again.
    let first = ids_of(&staging);
    edit(&world, "custom:Customer PO", "custom:PO number");
    for gate in ["map", "data", "plan"] {
        pass(&world, gate);
    }
    waits_for_sample(&world);
    let second = ids_of(&staging);
    assert!(first.is_disjoint(&second), "the first sample is taken back");
    assert_eq!(first.len(), second.len(), "the same records");
    assert!(live_in(&staging, "deal_field").iter().any(|field| field["field_name"] == "PO number"), "the new field");
    old_ones_are_there(&staging);
    assert_eq!(writes(&world), [], "in the company itself before its gates");

    world.approve("sample");
    wait_for("workspace", LONGEST, || world.waits_at("workspace").then_some(()));
    assert!(!writes(&world).is_empty(), "the workspace is made in the company itself");
    for kind in KINDS {
        assert_eq!(live(&world, kind), Vec::<Value>::new(), "{kind}s before the workspace is approved");
    }
    let in_staging = (writes_to(&staging), ids_of(&staging));
    world.approve("workspace");
    follows(&world);
    finish(&promox, &world, daemon, 0);
    assert!(all_markers(&world.pipedrive).is_superset(&all_markers(&staging)), "the sample's records are loaded too");
    assert_eq!((writes_to(&staging), ids_of(&staging)), in_staging, "nothing more was written to staging");
    old_ones_are_there(&staging);
    no_key_of_staging_leaked(&world, &staging);
}

/// Ids of our live records, with their kinds.
fn ids_of(account: &Standin) -> BTreeSet<String> {
    let ours = |kind: &'static str| live_in(account, kind).into_iter().filter(|row| marker(row).is_some());
    KINDS.into_iter().flat_map(|kind| ours(kind).map(move |row| format!("{kind} {}", row["id"]))).collect()
}

/// No code of a custom field of staging stands in a record or a request body of the company itself, nor the other way round.
fn no_key_of_staging_leaked(world: &World, staging: &Standin) {
    let codes = |account: &Standin| -> BTreeSet<String> {
        let fields = ["organization_field", "person_field", "deal_field"].into_iter();
        let code = |row: &Value| row["field_code"].as_str().filter(|code| code.len() == 40).map(str::to_owned);
        fields.flat_map(|kind| live_in(account, kind).iter().filter_map(code).collect::<Vec<_>>()).collect()
    };
    let (real, there) = (codes(&world.pipedrive), codes(staging));
    assert!(!real.is_empty() && !there.is_empty(), "custom fields in both: {real:?} {there:?}");
    assert!(real.is_disjoint(&there), "the accounts have keys of their own");
    for kind in KINDS {
        let (in_real, in_staging) = (json!(live(world, kind)).to_string(), json!(live_in(staging, kind)).to_string());
        assert!(there.iter().all(|code| !in_real.contains(code)), "{kind}s of the company itself");
        assert!(real.iter().all(|code| !in_staging.contains(code)), "{kind}s of staging");
    }
}

#[test]
fn a_daemon_that_is_killed_while_the_sample_is_made_in_staging_leaves_nothing_twice() {
    let (promox, world) = world(400, 32);
    let staging = staging(&world, 1);
    name_staging(&world, &staging);
    let daemon = world.daemon(&[]);
    pass(&world, "map");
    pass(&world, "data");
    pass(&world, "plan");
    wait_for("fields", LONGEST, || (!writes_to(&staging).is_empty()).then_some(()));
    daemon.kill();
    for death in DEATHS {
        let ended = world.daemon(&["--failpoint", death]).end(LONGEST);
        assert_eq!(ended.signal(), Some(SIGABRT), "{death}: {ended}: {}", world.said());
        assert_eq!(writes(&world), [], "in the company itself, at {death}");
    }
    let daemon = world.daemon(&[]);
    waits_for_sample(&world);
    let sample = all_markers(&staging);
    assert_eq!(sample.len(), report(&world, "sample")["records"].as_array().expect("records").len());
    let status = world.status().expect("a status");
    assert_eq!(status["staging"]["in_doubt"], 0, "{status}");
    // The throw-away record of the preflight, and each record once.
    assert_eq!(made(&staging), sample.len() as u64 + 1, "not even for a moment was anything there twice");
    assert_eq!(writes(&world), [], "in the company itself");
    // Killed once more while it waits: the next one goes on without a write.
    let before = writes_to(&staging);
    daemon.kill();
    let daemon = world.daemon(&[]);
    wait_for("the sample again", LONGEST, || {
        let status = world.status()?;
        status["waits"].as_str()?.contains("'sample'").then_some(())
    });
    assert_eq!(writes_to(&staging), before, "by a daemon started at the gate");
    world.approve("sample");
    pass(&world, "workspace");
    follows(&world);
    finish(&promox, &world, daemon, 0);
    all_markers(&world.pipedrive);
    no_key_of_staging_leaked(&world, &staging);
}

#[test]
fn an_approval_of_the_sample_that_is_taken_back_closes_the_company_again() {
    let (_promox, world) = world(150, 33);
    let staging = staging(&world, 3);
    name_staging(&world, &staging);
    let daemon = world.daemon(&[]);
    for gate in ["map", "data", "plan", "sample"] {
        pass(&world, gate);
    }
    wait_for("workspace", LONGEST, || world.waits_at("workspace").then_some(()));
    assert!(world.run(&["reject", "sample", "--by", "Bo"]).status.success());
    waits_for_sample(&world);
    assert_eq!(changed(&world, "sample"), ["Bo took the approval back"]);
    let before = (writes(&world), writes_to(&staging));
    daemon.kill();
    let daemon = world.daemon(&[]);
    wait_for("the sample gate", LONGEST, || {
        let status = world.status()?;
        status["waits"].as_str()?.contains("'sample'").then_some(())
    });
    assert_eq!((writes(&world), writes_to(&staging)), before, "nothing is written while the gate is closed");
    daemon.kill();
}

#[test]
fn a_staging_company_that_is_taken_out_of_the_settings_leaves_the_sample_to_the_company() {
    let (promox, world) = world(150, 34);
    let staging = staging(&world, 1);
    name_staging(&world, &staging);
    let daemon = world.daemon(&[]);
    for gate in ["map", "data", "plan"] {
        pass(&world, gate);
    }
    waits_for_sample(&world);
    daemon.kill();
    unname_staging(&world);
    let in_staging = (writes_to(&staging), ids_of(&staging));
    let daemon = world.daemon(&[]);
    wait_for("the plan gate", LONGEST, || world.waits_at("plan").then_some(()));
    let named = changed(&world, "plan").join("\n");
    assert!(named.contains("no longer: company of staging"), "{named}");
    assert_eq!(writes(&world), [], "before the plan without staging is approved");
    for gate in ["plan", "workspace"] {
        pass(&world, gate);
    }
    waits_for_sample(&world);
    let sample = report(&world, "sample");
    assert!(sample["staging"].is_null(), "{}", sample["says"]);
    assert_eq!(all_markers(&world.pipedrive).len(), sample["records"].as_array().expect("records").len());
    world.approve("sample");
    follows(&world);
    finish(&promox, &world, daemon, 0);
    assert_eq!((writes_to(&staging), ids_of(&staging)), in_staging, "what was made in staging stays there");
}

#[test]
fn a_staging_company_that_comes_too_late_or_is_the_company_itself_is_refused() {
    let (_promox, world) = world(100, 35);
    // The same company at another address.
    let twin = Standin::start("pipedrive", &["unlimited=true", "caps=false"]);
    name_staging(&world, &twin);
    let refused = |why: &str| {
        let ended = world.daemon(&[]).end(LONGEST);
        assert_eq!(ended.code(), Some(2), "{ended}: {}", world.said());
        assert!(world.said().contains(why), "{}", world.said());
    };
    refused("which is the company of [pipedrive]; a staging company is another one");
    assert_eq!(writes_to(&twin), []);
    unname_staging(&world);
    let daemon = world.daemon(&[]);
    for gate in ["map", "data", "plan"] {
        pass(&world, gate);
    }
    wait_for("workspace", LONGEST, || world.waits_at("workspace").then_some(()));
    daemon.kill();
    let staging = staging(&world, 1);
    name_staging(&world, &staging);
    let before = writes(&world);
    refused("was added after the workspace had been begun in the company itself");
    assert_eq!((writes(&world), writes_to(&staging)), (before, Vec::new()));
    // Without it the migration goes on.
    unname_staging(&world);
    let daemon = world.daemon(&[]);
    wait_for("workspace", LONGEST, || world.waits_at("workspace").then_some(()));
    daemon.kill();
}
