//! A whole migration of files beside workbooks, from the discovery to the cutover.

use serde_json::json;

use super::processes::wait_for;
use super::*;

#[test]
fn files_and_workbooks_together_are_migrated_and_verified() {
    let Some(python) = python() else { return };
    let world = world();
    let by_id = "from = \"client_id\", object = \"client\", role = \"person\", flag_missing";
    let by_name = "from = \"contact\", object = \"client\", role = \"person\", by = \"name\", flag_missing";
    assert!(PROMOX.contains(by_id));
    std::fs::write(world.folder.join("mapping.toml"), PROMOX.replace(by_id, by_name)).expect("written");
    assert_eq!(code(&world.run(&["discover"])), 0);
    fill_in(python, &world);
    assert_eq!(code(&world.run(&["discover"])), 3, "one task has no day");
    let found = discovery(&world);
    assert_eq!(item(&found["objects"], "object", "pipeline")["records"], 1);

    // A daemon that is killed goes on with the same sources.
    let daemon = world.daemon(&[]);
    wait_for("the first gate", LONGEST, || world.waits_at("map").then_some(()));
    assert!(!daemon.kill().success());
    to_the_end(&world, world.daemon(&[]));
    let report = |name: &str| -> Value {
        let path = world.folder.join(format!("reports/{name}.json"));
        serde_json::from_slice(&std::fs::read(path).expect("the report")).expect("JSON")
    };
    let verification = report("verification");
    assert_eq!(verification["tone"], "good", "{}", verification["says"]);
    let live = |kind: &str| {
        let rows = world.pipedrive.get(&format!("rows/{kind}"));
        rows.as_array().expect("a list").iter().filter(|row| row["is_deleted"] != true).count()
    };
    assert_eq!((live("person"), live("deal"), live("activity")), (30, 19, 5));
    // A name that two persons have is a question, and the record waits.
    let waits = text(&world.run(&["explain", "project", "p19"]));
    assert!(waits.contains("several client records are called 'Renée Müller29': 29, 30"), "{waits}");
    assert!(report("questions").to_string().contains("Several client records are called 'Renée Müller29'"));
    let stage = world.run(&["explain", "task", "t1"]);
    assert!(text(&stage).contains("loaded"), "{}", text(&stage));
    // The row with a mistake is accounted for.
    let rows = text(&world.run(&["status"]));
    assert!(!rows.is_empty());
    let reconciliation = report("reconciliation");
    assert!(reconciliation.to_string().contains("tasks.xlsx, sheet tasks, cell"), "{reconciliation}");
}

/// Three stages of a pipeline, five tasks, and one whose day cannot be read.
fn fill_in(python: &str, world: &World) {
    let stage = |id: &str, name: &str, kind: &str, position: u32| {
        json!({"id": "1", "name": "Orders", "stages.id": id,
        "stages.name": name, "stages.position": position, "stages.kind": kind, "stages.probability": "40%",
        "updated_at": "2026-01-05 10:00:00"})
    };
    let stages = json!([stage("10", "New", "open", 1), stage("11", "Proof", "open", 2), stage("12", "Won", "won", 3)]);
    fill(python, world, "pipelines", &stages);
    let task = |number: u32| {
        json!({"id": format!("t{number}"), "subject": format!("Task {number}"), "type": "call",
        "status": "open", "assignee_id": "Ada Li", "due_date": "day:2026-03-31", "related_type": "project",
        "related_id": format!("p{number}"), "updated_at": "2026-01-05 10:00:00"})
    };
    let mut tasks: Vec<Value> = (1..=5).map(task).collect();
    tasks.push({
        let mut wrong = task(6);
        wrong["due_date"] = json!("sometime");
        wrong
    });
    fill(python, world, "tasks", &json!(tasks));
}
