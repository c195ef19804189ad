//! The map under review: page and workbooks of a mapping and its rows, edited by another program, and read back.

mod libreoffice;
#[path = "../processes/mod.rs"]
mod processes;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crossdock::mapping::PROMOX;
use crossdock::mapping::difference::difference;
use serde_json::Value;

use processes::{Source, Standin, World, text, wait_for};

const LONGEST: Duration = Duration::from_secs(240);

fn small_world() -> (Standin, World) {
    let promox = Standin::start("promox", &["records=400", "rtt_ms=0"]);
    let world = World::start(Source::promox(&promox), &[]);
    (promox, world)
}

fn well(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    text(output)
}

fn report(world: &World) -> Value {
    let path = world.folder.join("reports/mapping.json");
    serde_json::from_slice(&std::fs::read(path).expect("the report")).expect("JSON")
}

/// The line of a client's field, as the report has it.
fn line(world: &World, target: &str) -> Value {
    let report = report(world);
    let tables = report["tables"].as_array().expect("a list");
    let clients = tables.iter().find(|table| table["object"] == "client").expect("clients");
    let fields = clients["fields"].as_array().expect("a list");
    fields.iter().find(|field| field["target"] == target).unwrap_or_else(|| panic!("{target}")).clone()
}

/// A Python that has openpyxl: the one of the system's packages, or the one in the path.
fn python() -> Option<&'static str> {
    ["/usr/bin/python3", "python3"].into_iter().find(|python| {
        Command::new(python).args(["-c", "import openpyxl"]).output().is_ok_and(|output| output.status.success())
    })
}

/// Edits a client's line with openpyxl, after sorting the rows.
fn edit(python: &str, path: &Path, edit: [&str; 4]) {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/review/edit.py");
    let [key, target, transform, remark] = edit;
    let mut command = Command::new(python);
    command.arg(script).arg(path).args(["Clients", key, target, transform, remark]);
    let output = command.output().expect("python runs");
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_mapping_and_its_rows_are_shown() {
    let (_promox, world) = small_world();
    let said = well(&world.run(&["map"]));
    assert!(said.contains("mapping.html") && said.contains("owners.xlsx"), "{said}");
    let emails = line(&world, "person: emails");
    let previews = emails["previews"].as_array().expect("previews");
    assert_eq!(previews.len(), 3, "{emails}");
    assert!(previews.iter().all(|preview| preview["after"].as_str().is_some_and(|after| after.contains('@'))));
    assert!(emails["holds"].as_str().is_some_and(|holds| holds.contains("e-mail")), "{emails}");
    let samples = emails["samples"].as_array().expect("samples");
    assert!(samples.iter().all(|sample| sample.as_str().is_some_and(|sample| sample.contains("x@x"))), "{samples:?}");
    let users = report(&world)["owners"]["users"].as_array().map(Vec::len);
    assert!(users.is_some_and(|users| users > 1), "{users:?}");
    assert!(!world.folder.join("journal.db").exists(), "a review begins no migration");
    // Nothing was edited.
    let said = well(&world.run(&["map", "--read"]));
    assert!(said.contains("The mapping stays as it is."), "{said}");
    assert_eq!(std::fs::read_to_string(world.folder.join("mapping.toml")).expect("there"), PROMOX);
}

#[test]
fn another_program_edits_and_only_that_changes() {
    let Some(python) = python() else {
        println!("skipped: no python3 with openpyxl");
        return;
    };
    let (_promox, world) = small_world();
    well(&world.run(&["map"]));
    let path = world.folder.join("reports/mapping.xlsx");
    let birthday = line(&world, "person: custom:Birthday")["key"].as_str().expect("a key").to_owned();
    edit(python, &path, [&birthday, "custom:Born", "as date\nformat: %d.%m.%Y", "ask Dana"]);
    let said = well(&world.run(&["map", "--read", "--check"]));
    assert!(said.contains("2 changes would be made; nothing was written."), "{said}");
    let said = well(&world.run(&["map", "--read"]));
    let expected = [
        "object client, person: birthday goes to custom:Born; it went to custom:Birthday",
        "object client, person, custom:Born: format is now \"%d.%m.%Y\"; it was not set",
    ];
    for change in expected {
        assert!(said.contains(change), "{said}");
    }
    let now = std::fs::read_to_string(world.folder.join("mapping.toml")).expect("there");
    assert_eq!(difference(PROMOX, &now), expected);
    let only = |one: &str, other: &str| one.lines().filter(|line| !other.lines().any(|own| own == *line)).count();
    assert_eq!((only(&now, PROMOX), only(PROMOX, &now)), (1, 1), "one line of the file changed");
    assert_eq!(std::fs::read_to_string(world.folder.join("mapping.before.toml")).expect("kept"), PROMOX);
    assert_eq!(line(&world, "person: custom:Born")["remark"], "ask Dana");
    // Read again, the new workbook says the same.
    assert!(well(&world.run(&["map", "--read"])).contains("The mapping stays as it is."));

    // A mistake is told with its cell, and nothing is applied.
    let emails = line(&world, "person: emails")["key"].as_str().expect("a key").to_owned();
    edit(python, &path, [&emails, "emials", "-", "-"]);
    let output = world.run(&["map", "--read"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("mapping.xlsx, sheet Clients, cell F") && said.contains("did you mean emails?"), "{said}");
    assert_eq!(std::fs::read_to_string(world.folder.join("mapping.toml")).expect("there"), now);
    // Making the workbook again keeps the edits that were not read.
    let said = well(&world.run(&["map"]));
    assert!(said.contains("held edits that were not read back"), "{said}");
    assert!(world.folder.join("reports/mapping.before.xlsx").exists());
    // openpyxl takes such a remark for a formula, which has no value before Excel computes one.
    edit(python, &path, [&emails, "-", "-", "=ask Dana"]);
    let output = world.run(&["map", "--read"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("holds a formula without a value at sheet Clients, cell L"), "{}", text(&output));
}

#[test]
fn a_running_daemon_keeps_its_journal() {
    let (_promox, world) = small_world();
    well(&world.run(&["map"]));
    let daemon = world.daemon(&[]);
    wait_for("the first gate", LONGEST, || world.waits_at("map").then_some(()));
    let said = well(&world.run(&["map"]));
    assert!(said.contains("without a place"), "{said}");
    // The values are those of the last review.
    let previews = line(&world, "person: emails")["previews"].as_array().map(Vec::len);
    assert_eq!(previews, Some(3));
    world.approve("map");
    wait_for("the second gate", LONGEST, || world.waits_at("data").then_some(()));
    let stopped = Command::new("kill").args(["-TERM", &daemon.0.id().to_string()]).status().expect("kill runs");
    assert!(stopped.success());
    let ended = daemon.end(LONGEST);
    assert!(ended.code().is_some(), "{ended}: {}", world.said());
    // Now the rows are those of the journal, and the survey has counted what waits for each owner.
    well(&world.run(&["map"]));
    let owners = report(&world)["owners"].clone();
    assert_eq!(owners["is_counted"], true);
    let owners = owners["owners"].as_array().expect("a list").clone();
    assert!(owners.iter().any(|owner| owner["records"].as_u64() > Some(0)), "{owners:?}");
    assert!(
        !world.daemon(&[]).kill().success(),
        "the journal is free again, and the next daemon runs until it is killed"
    );
}

#[test]
fn what_is_no_workbook_of_ours_is_refused() {
    let (_promox, world) = small_world();
    let stranger = world.folder.join("stranger.xlsx");
    std::fs::write(&stranger, b"no workbook").expect("written");
    let output = world.command(&["map"]).arg("--read").arg(&stranger).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("stranger.xlsx is no XLSX workbook"), "{}", text(&output));
    let output = world.run(&["map", "--read"]);
    assert!(text(&output).contains("crossdock map makes it"), "{}", text(&output));
}
