//! Before its gate is approved no command and no request to the daemon makes a call that changes something in Pipedrive.

use std::process::Command;

use serde_json::json;

use super::*;
use crate::processes::text;

/// Every command that takes a folder, with arguments that mean something. `approve` and `reject` are tried at the gates that
/// nobody has reached.
const COMMANDS: &[&[&str]] = &[
    &["survey"],
    &["survey", "--json"],
    &["configure"],
    &["sample"],
    &["report"],
    &["report", "--json"],
    &["discover"],
    &["discover", "--json"],
    &["plan"],
    &["plan", "--json"],
    &["status"],
    &["status", "--json"],
    &["explain", "client", "4001"],
    &["freeze"],
    &["pause"],
    &["resume"],
    &["retry"],
    &["accept", "client", "--by", "Eve"],
];

/// Commands that have nothing to do with a migration's folder.
const ELSEWHERE: &[&str] = &["rehearse", "init", "standin", "approver", "help"];

/// The commands of the program, as its help lists them: a new one must be placed above or below.
fn all_commands() -> Vec<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_crossdock")).arg("--help").output().expect("help");
    let help = text(&help);
    let listed = help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).expect("commands");
    let name = |line: &str| {
        line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?.split(' ').next().map(str::to_owned)
    };
    listed.lines().filter_map(name).collect()
}

/// Tries everything that the gate does not unlock. Gives the writes that the account saw meanwhile.
fn try_everything(world: &World, reached: &[&str]) {
    let before = writes(world);
    for arguments in COMMANDS {
        world.run(arguments);
    }
    for gate in BEFORE_LOAD.iter().chain(&["cutover"]).filter(|gate| !reached.contains(gate)) {
        let output = world.run(&["approve", gate, "--by", "Eve"]);
        assert!(!output.status.success(), "nothing waits at {gate}: {}", text(&output));
        world.run(&["reject", gate, "--by", "Eve"]);
    }
    // The daemon's own face, without its word and with a wrong one.
    if let Ok(run) = fs::read_to_string(world.folder.join("crossdock.run")) {
        let run: Value = serde_json::from_str(&run).expect("JSON");
        let address = run["address"].as_str().expect("an address");
        let saying = json!({"saying": {"gate": reached.last(), "verdict": "approved", "by": "Eve"}, "token": null});
        for word in ["", "00000000000000000000000000000000"] {
            for path in ["decide", "signal/resume", "signal/retry", "signal/freeze"] {
                let output = Command::new("curl")
                    .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-H"])
                    .arg(format!("x-crossdock-word: {word}"))
                    .args(["-H", "content-type: application/json", "-d", &saying.to_string()])
                    .arg(format!("http://{address}/{path}"))
                    .output();
                // Without curl the same is asked by the tests of the daemon's face.
                if let Ok(output) = output {
                    assert_eq!(text(&output), "401", "{path}");
                }
            }
        }
    }
    assert_eq!(writes(world), before, "after {reached:?}");
}

#[test]
fn commands_without_a_daemon_only_read_before_the_approvals() {
    let (_promox, world) = world(120, 13);
    let own: &[&[&str]] =
        &[&["map", "--check"], &["map"], &["map", "--read"], &["map", "--read", "--check"], &["map", "--propose"]];
    let mapping = fs::read(world.folder.join("mapping.toml")).expect("the mapping");
    for gate in ["map", "data", "plan"] {
        for arguments in COMMANDS.iter().chain(own) {
            let output = world.run(arguments);
            assert_eq!(writes(&world), [], "{arguments:?} before {gate}: {}", text(&output));
        }
        fs::write(world.folder.join("mapping.toml"), &mapping).expect("written");
        // The walk goes to the gate again, with the mapping that was there.
        let walked = world.run(&["configure"]);
        assert_eq!(walked.status.code(), Some(4), "{}", text(&walked));
        assert_eq!(writes(&world), [], "configure before {gate}");
        world.approve(gate);
    }
    // All that could be written is written now: the ledger would have told.
    assert!(world.run(&["configure"]).status.success());
    assert!(!writes(&world).is_empty());
}

#[test]
fn nothing_but_reads_leaves_before_its_gate() {
    let placed = |name: &String| {
        COMMANDS.iter().any(|arguments| arguments[0] == name)
            || ELSEWHERE.contains(&name.as_str())
            || ["run", "approve", "reject", "map"].contains(&name.as_str())
    };
    let stray: Vec<String> = all_commands().into_iter().filter(|name| !placed(name)).collect();
    assert!(stray.is_empty(), "say above what these do before the approvals: {stray:?}");

    let (_promox, world) = world(250, 11);
    let users = writes(&world);
    assert_eq!(users, [], "the account begins without a write");
    let daemon = world.daemon(&[]);
    for (number, gate) in ["map", "data", "plan"].into_iter().enumerate() {
        wait_for(gate, LONGEST, || world.waits_at(gate).then_some(()));
        try_everything(&world, &BEFORE_LOAD[..=number]);
        assert_eq!(writes(&world), [], "at gate {gate}");
        let output = world.run(&["approve", gate, "--by", "Ada Tester"]);
        assert!(output.status.success(), "{}", text(&output));
        let confirms = text(&output).contains("confirmed with it, in the name given: Automations");
        assert_eq!(confirms, gate == "plan", "whoever approves reads what that confirms: {}", text(&output));
    }
    // The plan unlocks the workspace, and no record.
    wait_for("workspace", LONGEST, || world.waits_at("workspace").then_some(()));
    let made: Vec<String> = writes(&world).into_iter().map(|(endpoint, _)| endpoint).collect();
    assert!(made.contains(&"POST /api/v2/dealFields".to_owned()), "{made:?}");
    for kind in ["organization", "person", "deal", "lead", "activity", "note"] {
        assert_eq!(live(&world, kind), Vec::<Value>::new(), "{kind}s before the workspace is approved");
    }
    try_everything(&world, &BEFORE_LOAD[..4]);
    // The workspace unlocks the sample, and nothing beside it.
    world.approve("workspace");
    wait_for("sample", LONGEST, || world.waits_at("sample").then_some(()));
    let sample = report(&world, "sample")["records"].as_array().expect("records").len();
    let there: usize = KINDS.iter().map(|kind| live(&world, kind).len()).sum();
    assert_eq!(there, sample, "records in the account, and in the report");
    assert!(sample > 30, "{sample}");
    try_everything(&world, &BEFORE_LOAD);
    daemon.kill();
    // A daemon that is started again at a closed gate writes nothing either.
    let before = writes(&world);
    let daemon = world.daemon(&[]);
    wait_for("sample", LONGEST, || {
        world
            .status()
            .is_some_and(|status| status["waits"].as_str().unwrap_or_default().contains("sample"))
            .then_some(())
    });
    daemon.kill();
    assert_eq!(writes(&world), before, "by a daemon started at the sample gate");
}
