//! Where approvers are listed, only they approve, with their own tokens; and no token is written down anywhere.

use std::path::Path;

use super::*;
use crate::processes::text;

/// A new approver: the lines for the settings, and the token.
pub(super) fn approver(name: &str) -> (String, String) {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_crossdock")).args(["approver", name]).output().expect("it runs");
    let lines = String::from_utf8(output.stdout).expect("text");
    let said = String::from_utf8(output.stderr).expect("text");
    let is_token = |line: &&str| line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    let token = said.lines().find(is_token).expect("a token").to_owned();
    assert!(!lines.contains(&token), "the settings get the digest only");
    (lines, token)
}

fn no_file_holds(folder: &Path, secret: &str) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            no_file_holds(&entry, secret);
        } else {
            let bytes = fs::read(&entry).expect("readable");
            let told = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!told, "{} holds a token", entry.display());
        }
    }
}

#[test]
fn only_listed_people_approve_with_a_daemon_and_without() {
    let (_promox, world) = world(150, 4);
    let (lines, token) = approver("Ada \"Lovelace\" Li");
    let (_, other) = approver("Bo");
    let file = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    fs::write(&file, format!("{settings}\n{lines}")).expect("written");
    let by = "Ada \"Lovelace\" Li";
    let say = |gate: &str, by: &str, token: Option<&str>| {
        let mut command = world.command(&["approve", gate, "--by", by]);
        match token {
            Some(token) => command.env("CROSSDOCK_APPROVER_TOKEN", token),
            None => command.env_remove("CROSSDOCK_APPROVER_TOKEN"),
        };
        command.output().expect("it runs")
    };
    let refused = |gate: &str| {
        for (by, token, why) in [
            (by, None, "must show their token"),
            (by, Some(&*other), "not the token of"),
            ("Bo", Some(&*other), "not among the approvers"),
            ("Eve", Some(&*token), "not among the approvers"),
        ] {
            let output = say(gate, by, token);
            assert!(!output.status.success() && text(&output).contains(why), "{by}: {}", text(&output));
        }
        assert!(world.waits_at(gate), "{gate} is still closed");
    };
    let daemon = world.daemon(&[]);
    wait_for("map", LONGEST, || world.waits_at("map").then_some(()));
    refused("map");
    assert!(say("map", by, Some(&token)).status.success());
    wait_for("data", LONGEST, || world.waits_at("data").then_some(()));
    daemon.kill();
    refused("data");
    // From a file, as a person without a shell history would; a line end at its end is no part of it.
    let secret = world.folder.parent().expect("a folder").join("ada.token");
    fs::write(&secret, format!("{token}\n")).expect("written");
    let output = world.run(&["approve", "data", "--by", by, "--token-file", secret.to_str().expect("text")]);
    assert!(output.status.success(), "{}", text(&output));
    no_file_holds(&world.folder, &token);
    assert!(!world.said().contains(&token), "the log holds a token");
}
