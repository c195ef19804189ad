//! The phases one by one, without a daemon: each command goes as far as the approvals let it, says which gate waits, and does
//! nothing twice.

use std::process::Output;

use super::*;
use crate::processes::text;

/// Runs a command; it must end with this code. Gives what its last line says.
fn said(world: &World, command: &str, code: i32) -> Value {
    let output: Output = world.run(&[command, "--json"]);
    assert_eq!(output.status.code(), Some(code), "{command}: {}", text(&output));
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(out.lines().count(), 1, "{command}: {out}");
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&said["command"], &said["daemon"]), (&Value::from(command), &Value::from(false)), "{said}");
    said
}

#[test]
fn each_command_goes_as_far_as_the_approvals_let_it() {
    let (promox, world) = world(150, 41);
    for command in ["survey", "configure", "sample"] {
        let said = said(&world, command, 4);
        assert_eq!((&said["state"], &said["gate"]), (&"waits".into(), &"map".into()), "{said}");
    }
    world.approve("map");
    let surveyed = said(&world, "survey", 0);
    assert_eq!((&surveyed["state"], &surveyed["gate"]), (&"done".into(), &"data".into()), "{surveyed}");
    assert!(surveyed["reports"].to_string().contains("quality.html"), "{surveyed}");
    let read = promox.get("requests")["total"].clone();
    said(&world, "survey", 0);
    assert_eq!(promox.get("requests")["total"], read, "what is read is not read again");
    for gate in ["data", "plan"] {
        for command in ["configure", "sample"] {
            let said = said(&world, command, 4);
            assert_eq!((&said["state"], &said["gate"]), (&"waits".into(), &gate.into()), "{command}: {said}");
        }
        assert_eq!(writes(&world), [], "before {gate} is approved");
        world.approve(gate);
    }
    let made = said(&world, "configure", 0);
    assert_eq!((&made["state"], &made["gate"]), (&"done".into(), &"workspace".into()), "{made}");
    assert!(made["tokens"].as_u64() > Some(100), "{made}");
    let before = writes(&world);
    said(&world, "configure", 0);
    said(&world, "sample", 4);
    assert_eq!(writes(&world), before, "nothing is made twice, and no record before the workspace is approved");
    world.approve("workspace");
    let sampled = said(&world, "sample", 0);
    assert_eq!((&sampled["state"], &sampled["gate"]), (&"done".into(), &"sample".into()), "{sampled}");
    let before = writes(&world);
    said(&world, "sample", 0);
    assert_eq!(writes(&world), before, "the sample is not loaded twice");
    let there: usize = KINDS.iter().map(|kind| live(&world, kind).len()).sum();
    assert_eq!(there, report(&world, "sample")["records"].as_array().expect("records").len());

    // Reports that the journal tells are written anew, and all are listed.
    let listed = world.run(&["report", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    for name in ["reconciliation", "plan", "sample", "quality"] {
        assert!(
            listed["reports"].as_array().expect("a list").iter().any(|one| one["name"] == name),
            "{name}: {listed}"
        );
    }
    let loaded = report(&world, "reconciliation")["totals"]["loaded"].as_u64();
    assert!(loaded > Some(0), "the sample is in it: {loaded:?}");
    assert_eq!(world.run(&["report", "nonsense"]).status.code(), Some(2));

    // The daemon goes on from there, and the commands say what it does.
    let daemon = world.daemon(&[]);
    wait_for("the gate", LONGEST, || {
        let status = world.status()?;
        status["waits"].as_str()?.contains("'sample'").then_some(())
    });
    let output = world.run(&["sample", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!((&told["state"], &told["daemon"]), (&"done".into(), &true.into()), "{told}");
    assert!(text(&world.run(&["survey"])).contains("it is at sample"), "the daemon's phase is told");
    world.approve("sample");
    follows(&world);
    finish(&promox, &world, daemon, 0);
}
