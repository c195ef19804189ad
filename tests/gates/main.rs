//! Gates as people meet them: nothing but reads leaves before the approvals, whatever command is tried; a closed gate says
//! what changed; a sample is taken back and loaded anew; a mapping that is changed later becomes updates.

#![cfg(feature = "standin")]

mod amend;
mod approvers;
mod closing;
mod commands;
mod duplicates;
mod paused;
mod placement;
#[path = "../processes/mod.rs"]
mod processes;
mod reads;
mod sample;
mod staging;

use std::fs;
use std::time::Duration;

use serde_json::Value;

use processes::{Source, Standin, World, wait_for};

/// A step of a real daemon takes seconds; this is for machines that are busy with something else.
const LONGEST: Duration = Duration::from_secs(180);

/// All gates before the load, in their order.
const BEFORE_LOAD: [&str; 5] = ["map", "data", "plan", "workspace", "sample"];

/// The kinds of record that the load writes.
const KINDS: [&str; 6] = ["organization", "person", "deal", "lead", "activity", "note"];

/// A small account at the source, and a folder of a migration from it.
fn world(records: u64, seed: u64) -> (Standin, World) {
    let promox = Standin::start("promox", &[&*format!("records={records}"), &*format!("seed={seed}"), "rtt_ms=0"]);
    let world = World::start(Source::promox(&promox), &[&format!("seed={seed}")]);
    (promox, world)
}

fn pass(world: &World, gate: &str) {
    wait_for(gate, LONGEST, || world.waits_at(gate).then_some(()));
    world.approve(gate);
}

/// Everything that is not a read, by endpoint, as the account's own books have it.
fn writes(world: &World) -> Vec<(String, u64)> {
    writes_to(&world.pipedrive)
}

fn writes_to(account: &Standin) -> Vec<(String, u64)> {
    let ledger = account.get("ledger");
    let endpoints = ledger["requests_by_endpoint"].as_object().expect("endpoints").clone();
    let count = |statuses: &Value| statuses.as_object().expect("statuses").values().filter_map(Value::as_u64).sum();
    endpoints
        .iter()
        .filter(|(endpoint, _)| !endpoint.starts_with("GET "))
        .map(|(endpoint, statuses)| (endpoint.clone(), count(statuses)))
        .collect()
}

/// Live records of one kind in the account.
fn live(world: &World, kind: &str) -> Vec<Value> {
    live_in(&world.pipedrive, kind)
}

fn live_in(account: &Standin, kind: &str) -> Vec<Value> {
    let rows = account.get(&format!("rows/{kind}"));
    rows.as_array().expect("a list").iter().filter(|row| row["is_deleted"] != true).cloned().collect()
}

/// Changes the mapping as a person with an editor does.
fn edit(world: &World, from: &str, to: &str) {
    let path = world.folder.join("mapping.toml");
    let mapping = fs::read_to_string(&path).expect("the mapping");
    assert!(mapping.contains(from), "{from:?} is in the mapping");
    fs::write(path, mapping.replace(from, to)).expect("written");
}

/// What the status says is different at a gate.
fn changed(world: &World, gate: &str) -> Vec<String> {
    let status = world.status().expect("a status");
    let gates = status["gates"].as_array().expect("gates").clone();
    let it = gates.iter().find(|one| one["gate"] == gate).expect("the gate");
    it["changed"].as_array().expect("a list").iter().map(|line| line.as_str().expect("text").to_owned()).collect()
}

/// Digest of what lies before a gate.
fn digest(world: &World, gate: &str) -> String {
    let status = world.status().expect("a status");
    let gates = status["gates"].as_array().expect("gates").clone();
    let it = gates.iter().find(|one| one["gate"] == gate).expect("the gate");
    it["digest"].as_str().expect("a digest").to_owned()
}

fn report(world: &World, name: &str) -> Value {
    let path = world.folder.join(format!("reports/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).expect("the report")).expect("JSON")
}

/// Waits until the load is over and the source is followed.
fn follows(world: &World) {
    wait_for("the end of the load", LONGEST, || {
        world.status().is_some_and(|status| status["phase"] == "follow").then_some(())
    });
}

/// Freezes the source and waits for a verification that finds so many fields that are not as promised.
fn finish(promox: &Standin, world: &World, daemon: processes::Daemon, mismatched: u64) {
    promox.post("freeze", &Value::Null);
    end(world, daemon, mismatched);
}

/// The same for a source that changes no more.
fn end(world: &World, daemon: processes::Daemon, mismatched: u64) {
    wait_for("freeze", LONGEST, || world.run(&["freeze"]).status.success().then_some(()));
    pass(world, "cutover");
    let ended = daemon.end(LONGEST);
    assert_eq!(ended.code(), Some(if mismatched == 0 { 0 } else { 3 }), "{ended}: {}", world.said());
    let verification = report(world, "verification");
    for (kind, expected) in [("mismatched", mismatched), ("missing", 0), ("extra", 0)] {
        assert_eq!(verification["totals"][kind], expected, "{kind}: {verification}");
    }
    let status = world.status().expect("a status");
    for object in status["objects"].as_array().expect("objects") {
        assert!(object["fates"]["none"].is_null(), "{object}");
    }
}

/// The marker in a record, wherever it stands.
fn marker(row: &Value) -> Option<String> {
    let text = row.to_string();
    let start = text.find(&format!("{}:", processes::NAME))?;
    text[start..].split(['"', ']', '\\', '<']).next().map(str::to_owned)
}
