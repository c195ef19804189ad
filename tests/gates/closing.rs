//! What closes a gate again, what does not, and that the reason is named.

use super::*;
use crate::processes::text;

#[test]
fn a_changed_mapping_closes_the_gates_and_is_named() {
    let (_promox, world) = world(150, 3);
    let daemon = world.daemon(&[]);
    pass(&world, "map");
    pass(&world, "data");
    wait_for("plan", LONGEST, || world.waits_at("plan").then_some(()));

    // Comments and layout change nothing.
    edit(&world, "version = 1\n", "version = 1\n# looked at by Ada\n\n");
    std::thread::sleep(Duration::from_secs(12));
    assert!(world.waits_at("plan") && !world.waits_at("map"), "a comment is no change");

    edit(&world, "custom:Customer PO", "custom:PO number");
    wait_for("the map gate", LONGEST, || world.waits_at("map").then_some(()));
    let lines = changed(&world, "map").join("\n");
    assert!(lines.contains("Customer PO") && lines.contains("PO number"), "{lines}");
    let shown = text(&world.run(&["status"]));
    assert!(shown.contains("PO number"), "{shown}");
    // What lies before the later gates follows from what is not approved yet.
    for gate in ["data", "plan"] {
        assert!(!world.waits_at(gate), "{gate}");
        let output = world.run(&["approve", gate, "--by", "Eve"]);
        assert!(!output.status.success(), "{gate}: {}", text(&output));
    }
    // An approval of what lay there before opens nothing.
    std::thread::sleep(Duration::from_secs(3));
    let status = world.status().expect("a status");
    assert!(status["waits"].as_str().is_some_and(|waits| waits.contains("'map'")), "{status}");

    // The same mapping as was approved needs no second approval.
    edit(&world, "custom:PO number", "custom:Customer PO");
    wait_for("the plan gate", LONGEST, || {
        let status = world.status()?;
        (!world.waits_at("map") && status["waits"].as_str()?.contains("'plan'")).then_some(())
    });

    // A decision about an owner is part of what is approved about the data, too.
    let path = world.folder.join("mapping.toml");
    let mapping = fs::read_to_string(&path).expect("the mapping");
    fs::write(&path, format!("{mapping}\n[[owners.decision]]\nowner = \"u_999\"\npark = true\n")).expect("written");
    pass(&world, "map");
    wait_for("the data gate", LONGEST, || world.waits_at("data").then_some(()));
    daemon.kill();
}

#[test]
fn an_approval_that_is_taken_back_stops_the_load() {
    taken_back("sample", 5);
}

#[test]
fn an_approval_of_the_workspace_that_is_taken_back_stops_the_load() {
    taken_back("workspace", 6);
}

/// Takes the approval of a gate back in the middle of the load.
fn taken_back(gate: &str, seed: u64) {
    let (promox, world) = world(1_200, seed);
    // Slow enough to be met in the middle.
    let file = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    fs::write(&file, settings.replace("[pipedrive]\n", "[pipedrive]\ncalls_in_flight = 1\n")).expect("written");
    let daemon = world.daemon(&[]);
    for passed in BEFORE_LOAD {
        if passed == "sample" {
            wait_for(passed, LONGEST, || world.waits_at(passed).then_some(()));
            let hold = serde_json::json!({"method": "POST", "path": "/api/v2/persons", "count": 30,
                "kind": {"hold": {"seconds": 1}}});
            world.pipedrive.post("faults", &hold);
        }
        pass(&world, passed);
    }
    let sampled = live(&world, "person").len();
    wait_for("the first persons", LONGEST, || (live(&world, "person").len() > sampled + 5).then_some(()));
    assert!(world.run(&["reject", gate, "--by", "Bo"]).status.success());
    wait_for("the gate", LONGEST, || {
        let status = world.status()?;
        status["waits"].as_str()?.contains(&format!("'{gate}'")).then_some(())
    });
    let before = writes(&world);
    assert_eq!(
        world.status().expect("a status")["phase"],
        "load",
        "it stopped in the middle, not at the end of the load"
    );
    assert_eq!(changed(&world, gate), ["Bo took the approval back"]);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(writes(&world), before, "nothing is written while the gate is closed");
    world.approve(gate);
    follows(&world);
    finish(&promox, &world, daemon, 0);
}

#[test]
fn more_new_problems_than_were_agreed_close_the_data_gate() {
    let (promox, world) = world(150, 9);
    let file = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    fs::write(&file, format!("{settings}\n[gates]\nnew_problems = 1\n")).expect("written");
    let daemon = world.daemon(&[]);
    for gate in BEFORE_LOAD {
        pass(&world, gate);
    }
    follows(&world);
    assert!(!world.waits_at("data"), "what the survey expected is approved already: {:?}", changed(&world, "data"));
    // A record that Pipedrive refuses waits; one such is agreed to, more are not.
    let refuse =
        serde_json::json!({"method": "POST", "path": "/api/v2/deals", "count": 3, "kind": {"refuse": {"status": 400}}});
    promox.post("edits/1", &Value::Null);
    world.pipedrive.post("faults", &refuse);
    for round in 2..=4 {
        promox.post(&format!("edits/{round}"), &Value::Null);
    }
    wait_for("the data gate", LONGEST, || world.waits_at("data").then_some(()));
    let lines = changed(&world, "data").join("\n");
    assert!(lines.contains("rejected or waiting: was "), "{lines}");
    world.approve("data");
    daemon.kill();
}

#[test]
fn new_problems_stop_the_load_before_its_next_kind() {
    let (_promox, world) = world(300, 9);
    let file = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&file).expect("settings");
    let settings = format!("{settings}\n[gates]\nnew_problems = 1\n[sample]\nrecords = 5\n");
    fs::write(&file, settings).expect("written");
    let daemon = world.daemon(&[]);
    for gate in BEFORE_LOAD {
        if gate == "sample" {
            wait_for(gate, LONGEST, || world.waits_at(gate).then_some(()));
            // More than all that the survey expected of later kinds, which is agreed to already.
            let refuse = serde_json::json!({"method": "POST", "path": "/api/v2/deals", "count": 100,
                "kind": {"refuse": {"status": 400}}});
            world.pipedrive.post("faults", &refuse);
        }
        pass(&world, gate);
    }
    let notes = live(&world, "note").len();
    wait_for("the data gate", LONGEST, || world.waits_at("data").then_some(()));
    assert_eq!(world.status().expect("a status")["phase"], "load");
    assert_eq!(live(&world, "note").len(), notes, "what comes after the deals waits for the approval");
    daemon.kill();
}

#[test]
fn a_changed_lookup_file_closes_the_gates_and_is_named() {
    let (_promox, world) = world(150, 17);
    let rush = "{ to = \"custom:Rush\", kind = \"bool\", from = \"rush\" }";
    let lookup = "{ to = \"custom:Rush\", kind = \"text\", from = \"rush\", \
                  lookup = { file = \"rush.csv\", key = \"code\", value = \"word\" } }";
    edit(&world, rush, lookup);
    let table = world.folder.join("rush.csv");
    fs::write(&table, "code,word\ntrue,In a hurry\nfalse,Takes its time\n").expect("written");
    let daemon = world.daemon(&[]);
    pass(&world, "map");
    pass(&world, "data");
    wait_for("plan", LONGEST, || world.waits_at("plan").then_some(()));

    fs::write(&table, "code,word\ntrue,Today\nyes,Today\n").expect("written");
    wait_for("the map gate", LONGEST, || world.waits_at("map").then_some(()));
    let place = "lookup file rush.csv, code to word: ";
    let named = [
        "\"true\" stands for \"Today\" now; it stood for \"In a hurry\"",
        "\"yes\" is new and stands for \"Today\"",
        "\"false\" is gone; it stood for \"Takes its time\"",
    ];
    assert_eq!(changed(&world, "map"), named.map(|line| format!("{place}{line}")));
    daemon.kill();

    for (bytes, reason) in [
        (None, "rush.csv cannot be read: "),
        (Some(&b"code,word\ntrue,Today\nyes,Heute fr\xfch\n"[..]), "rush.csv is not UTF-8 in line 3"),
        (Some(b"code,word\ntrue,Today\nTrue,Later\n"), "rush.csv says in line 3 that \"True\" is \"Later\""),
    ] {
        match bytes {
            None => fs::remove_file(&table).expect("removed"),
            Some(bytes) => fs::write(&table, bytes).expect("written"),
        }
        let output = world.run(&["run"]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(reason) && said.contains("(object project, custom:Rush)"), "{said}");
    }
}
