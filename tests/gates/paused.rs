//! A kind of record that is paused because the source has changed: the pause outlives a killed daemon, and only who may approve
//! the map accepts the change, in their own name.

use serde_json::json;

use super::approvers::approver;
use super::*;
use crate::processes::{NAME, text};

/// An API whose pages hold few rows, as its own probe finds it.
const SHAPE: &str = "page-max=50,page-default=50";

/// The column that goes.
const COLUMN: &str = "score";

fn shaped() -> (Standin, World) {
    let promox = Standin::start(&format!("promox --shape {SHAPE}"), &["records=300"]);
    let owners = promox.get("truth/owner");
    let text_of = |row: &Value, name: &str| row["fields"][name].as_str().expect("a text").to_owned();
    let user =
        |row: &Value| (format!("{} {}", text_of(row, "first_name"), text_of(row, "last_name")), text_of(row, "email"));
    let users = owners.as_array().expect("rows").iter().map(user).collect();
    let settings = format!("address = \"{}\"\nrequests_per_second = 1000\npoll_seconds = 1", promox.address);
    let mapping = crossdock::mapping::PROMOX.to_owned();
    let world = World::start(Source { settings, token: promox.token.clone(), mapping, users }, &[]);
    let output = world.run(&["discover"]);
    assert!(output.status.code().is_some_and(|code| [0, 3].contains(&code)), "{}", text(&output));
    (promox, world)
}

/// Since when leads are paused, as the status says it.
fn paused_since(world: &World) -> Option<String> {
    let status = world.status()?;
    let lead = status["paused"].as_array()?.iter().find(|paused| paused["object"] == "lead")?.clone();
    Some(lead["since"].as_str().expect("a time").to_owned())
}

/// The titles of the live leads in Pipedrive.
fn has_lead(world: &World, title: &str) -> bool {
    live(world, "lead").iter().any(|row| row["title"] == title)
}

#[test]
fn a_pause_outlives_a_killed_daemon_and_is_accepted_by_who_may_approve_the_map() {
    let (promox, world) = shaped();
    let daemon = world.daemon(&[]);
    for gate in BEFORE_LOAD {
        pass(&world, gate);
    }
    follows(&world);

    let rows = promox.get("truth/lead");
    let bound = live(&world, "lead");
    let bound: Vec<&str> = bound.iter().filter_map(|row| row["title"].as_str()).collect();
    let is_there = |row: &&Value| {
        row["deleted"].is_null() && row["fields"]["name"].as_str().is_some_and(|name| bound.contains(&name))
    };
    let row = rows.as_array().expect("rows").iter().find(is_there).expect("a lead that is loaded");
    promox.post("drift", &json!({"field_gone": {"object": "lead", "field": COLUMN}}));
    let title = "Edited while it was paused";
    promox.post("edits", &json!({"change": {"object": "lead", "key": row["key"], "fields": {"name": title}}}));
    let since = wait_for("the pause", LONGEST, || paused_since(&world));

    // SIGKILL: nothing is said and nothing is tidied up.
    assert_eq!(daemon.kill().code(), None);
    assert_eq!(paused_since(&world), Some(since.clone()), "without a daemon");
    let daemon = world.daemon(&[]);
    wait_for("the second daemon", LONGEST, || world.status().filter(|status| status["running"] == true));
    assert_eq!(paused_since(&world), Some(since), "with the next daemon");
    assert!(!has_lead(&world, title), "something of it was loaded");

    // Once people are listed, only those of them that approve the map accept it.
    let file = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    let ((ada, token), (bo, other)) = (approver("Ada Li"), approver("Bo Ek"));
    let lines = format!("{settings}\n{ada}{bo}gates = [\"data\"]\n");
    fs::write(&file, lines).expect("written");
    let accept = |by: &str, token: &str| {
        let mut command = world.command(&["accept", "lead", "--by", by]);
        command.env("CROSSDOCK_APPROVER_TOKEN", token).output().expect("it runs")
    };
    for (by, token, why) in [
        ("Eve", &token, "Eve is not among the approvers"),
        ("Ada Li", &other, "that is not the token of Ada Li"),
        ("Bo Ek", &other, "Bo Ek is no approver of gate 'map'"),
    ] {
        let output = accept(by, token);
        assert!(!output.status.success() && text(&output).contains(why), "{}", text(&output));
    }
    assert!(paused_since(&world).is_some() && world.status().expect("a status")["accepted"] == json!([]));
    assert!(!world.run(&["accept", "lead"]).status.success(), "without a name");
    let output = accept("Ada Li", &token);
    assert!(
        output.status.success() && text(&output).contains("lead: 'score' is not expected any more"),
        "{}",
        text(&output)
    );
    fs::write(&file, settings).expect("written");

    wait_for("the end of the pause", LONGEST, || paused_since(&world).is_none().then_some(()));
    wait_for("what was missed", LONGEST, || has_lead(&world, title).then_some(()));
    let accepted = world.status().expect("a status")["accepted"].clone();
    let one = &accepted.as_array().expect("a list")[0];
    assert_eq!((&one["by"], &one["by_token"], &one["object"]), (&json!("Ada Li"), &json!(true), &json!("lead")));
    assert!(one["at"].is_string() && one["columns"] == json!({COLUMN: null}), "{one}");
    let said = text(&world.run(&["status"]));
    assert!(
        said.contains("accepted  lead by Ada Li at ") && said.contains("'score' is not expected any more"),
        "{said}"
    );

    wait_for("freeze", LONGEST, || world.run(&["freeze"]).status.success().then_some(()));
    pass(&world, "cutover");
    assert_eq!(daemon.end(LONGEST).code(), Some(0), "{}", world.said());
    let handover = fs::read_to_string(world.folder.join("reports/handover.html")).expect("the handover");
    assert!(handover.contains("lead by Ada Li at "), "the handover says nothing of it");
    // Each live lead is one of ours, once.
    let markers: std::collections::BTreeSet<String> = live(&world, "lead").iter().filter_map(marker).collect();
    assert_eq!(markers.len(), live(&world, "lead").len(), "{NAME}");
}
