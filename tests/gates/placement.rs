//! Another placement of a table, through the binary: chosen with an editor and in the workbook, laid out anew, approved, made;
//! and once more after its approval, which closes the gates again and says what changed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::*;
use crate::processes::text;

fn well(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    text(output)
}

fn mapping(world: &World) -> String {
    fs::read_to_string(world.folder.join("mapping.toml")).expect("the mapping")
}

/// A Python that has openpyxl: the one of the system's packages, or the one in the path.
fn python() -> Option<&'static str> {
    ["/usr/bin/python3", "python3"].into_iter().find(|python| {
        Command::new(python).args(["-c", "import openpyxl"]).output().is_ok_and(|output| output.status.success())
    })
}

/// Chooses another placement in the workbook and gives it back. Without openpyxl the same is chosen in mapping.toml, which
/// a daemon must not read half-way: it is stopped before and started after.
fn choose(
    world: &World,
    daemon: Option<processes::Daemon>,
    table: &str,
    from: &str,
    to: &str,
) -> Option<processes::Daemon> {
    if let Some(python) = python() {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/gates/place.py");
        let book = world.folder.join("reports/mapping.xlsx");
        let output = Command::new(python).arg(script).arg(book).args([table, to]).output().expect("python runs");
        well(&output);
        let said = well(&world.run(&["map", "--read"]));
        assert!(said.contains("made in mapping.toml"), "{said}");
        return daemon;
    }
    let was_running = daemon.is_some();
    if let Some(daemon) = daemon {
        daemon.kill();
    }
    edit(world, &format!("{table} = \"{from}\""), &format!("{table} = \"{to}\""));
    let said = well(&world.run(&["map"]));
    assert!(said.contains("laid out anew"), "{said}");
    was_running.then(|| world.daemon(&[]))
}

/// Names of the custom fields of deals or persons.
fn has_field(world: &World, kind: &str, name: &str) -> bool {
    world.pipedrive.get(&format!("rows/{kind}")).to_string().contains(&format!("\"{name}\""))
}

#[test]
fn another_placement_is_laid_out_approved_and_made_and_closes_the_gates_again() {
    let (promox, world) = world(300, 51);
    well(&world.run(&["map", "--propose"]));
    assert!(mapping(&world).contains("commissions = \"deal: sum\""), "{}", mapping(&world));

    // Chosen with an editor: the next map lays it out.
    edit(&world, "commissions = \"deal: sum\"", "commissions = \"deal: count\"");
    let said = well(&world.run(&["map"]));
    assert!(said.contains("laid out anew"), "{said}");
    assert!(mapping(&world).contains("count = true") && !mapping(&world).contains("Commission total"));
    let page = fs::read_to_string(world.folder.join("reports/mapping.html")).expect("the page");
    assert!(page.contains("rules to choose from"), "what each rule would give is shown");
    // The two rows of one project: their sum has two digits behind the point, and a count is a count.
    let shown = |rule: &str| {
        let line = said.lines().find_map(|line| line.trim_start().strip_prefix(rule)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{rule}: {said}")).trim().to_owned()
    };
    let count: usize = shown("count").parse().expect("a count");
    assert!(count > 1, "{said}");
    assert!(
        shown("sum").contains(&format!("; {count} rows: ")) && shown("note").starts_with(&format!("{count} notes"))
    );
    let sum = shown("sum").split(';').next().expect("a sum").to_owned();
    assert!(shown("split").starts_with(&format!("together {sum}; 1. ")), "{said}");
    for rule in ["sum", "first", "latest", "count", "list", "split", "note", "activity"] {
        assert!(!shown(rule).is_empty(), "{rule}: {said}");
    }
    // Chosen in the workbook, and read back.
    choose(&world, None, "commissions", "deal: count", "deal: latest");
    let now = mapping(&world);
    assert!(now.contains("commissions = \"deal: latest\"") && now.contains("Commission amount"), "{now}");

    let daemon = world.daemon(&[]);
    for gate in ["map", "data"] {
        pass(&world, gate);
    }
    wait_for("the plan gate", LONGEST, || world.waits_at("plan").then_some(()));

    // Another one after the approval.
    let daemon = choose(&world, Some(daemon), "commissions", "deal: latest", "person: list").expect("it runs");
    wait_for("the map gate", LONGEST, || world.waits_at("map").then_some(()));
    let lines = changed(&world, "map").join("\n");
    assert!(lines.contains("commission") && lines.contains("person: list"), "{lines}");
    for gate in ["data", "plan", "workspace", "sample"] {
        let output = world.run(&["approve", gate, "--by", "Eve"]);
        assert!(!output.status.success(), "{gate}: {}", text(&output));
    }
    assert_eq!(writes(&world), [], "nothing is made before it is approved");
    for gate in BEFORE_LOAD {
        pass(&world, gate);
    }
    follows(&world);
    assert!(has_field(&world, "person_field", "Commission details"));
    assert!(!has_field(&world, "deal_field", "Commission amount"));
    finish(&promox, &world, daemon, 0);
}

/// Custom fields of a kind that people see.
fn fields(world: &World, kind: &str) -> BTreeSet<String> {
    let rows = world.pipedrive.get(&format!("rows/{kind}"));
    let name = |row: &Value| row["field_name"].as_str().or_else(|| row["name"].as_str()).map(str::to_owned);
    rows.as_array().expect("a list").iter().filter_map(name).collect()
}

/// Every live record of the account is bound once, and every binding is to one of them.
fn bound_once(world: &World) {
    let journal = rusqlite::Connection::open(world.folder.join("journal.db")).expect("the journal");
    for kind in KINDS {
        let sql = "SELECT dest_id FROM binding WHERE entity = ?1 AND dest_id IS NOT NULL AND fate NOT IN ('merged', 'folded')";
        let mut statement = journal.prepare(sql).expect("bindings");
        let mut bound: Vec<String> =
            statement.query_map([kind], |row| row.get(0)).expect("bindings").map(|id| id.expect("an id")).collect();
        let mut there: Vec<String> =
            live(world, kind).iter().map(|row| row["id"].to_string().trim_matches('"').to_owned()).collect();
        bound.sort();
        there.sort();
        assert_eq!(bound, there, "{kind}s: bound, and there");
        let markers: BTreeSet<String> = live(world, kind).iter().filter_map(marker).collect();
        assert_eq!(markers.len(), there.len(), "{kind}s: each with a marker of its own");
    }
}

/// Ids of what is live in the account, by kind.
fn all_ids(world: &World) -> Vec<(&'static str, BTreeSet<String>)> {
    let ids = |kind| live(world, kind).iter().map(|row| row["id"].to_string()).collect();
    KINDS.iter().map(|kind| (*kind, ids(kind))).collect()
}

/// Changes a placement while the sample lies before its gate; every gate is approved again, up to that of the new sample,
/// of whose records none is one of the old. Gives what the plan says of fields that nobody fills any more.
fn change(
    world: &World,
    daemon: processes::Daemon,
    (table, object): (&str, &str),
    from: &str,
    to: &str,
) -> (processes::Daemon, String) {
    let before = all_ids(world);
    let daemon = choose(world, Some(daemon), table, from, to).expect("it runs");
    wait_for("the map gate", LONGEST, || world.waits_at("map").then_some(()));
    let lines = changed(world, "map").join("\n");
    assert!(lines.contains(object) && lines.contains(&format!("\"{to}\"")), "{lines}");
    for gate in ["data", "plan", "workspace", "sample"] {
        let output = world.run(&["approve", gate, "--by", "Eve"]);
        assert!(!output.status.success(), "{gate}: {}", text(&output));
    }
    assert_eq!(all_ids(world), before, "something changed before anything was approved");
    for gate in ["map", "data"] {
        pass(world, gate);
    }
    wait_for("the plan gate", LONGEST, || world.waits_at("plan").then_some(()));
    let plan = report(world, "plan");
    let unused = plan["conflicts"].as_array().expect("a list").iter().filter(|conflict| {
        conflict["says"].as_str().is_some_and(|says| says.contains("fills it no longer")) && conflict["blocks"] == false
    });
    let unused: Vec<String> = unused.map(|conflict| format!("{} {}", conflict["about"], conflict["name"])).collect();
    pass(world, "plan");
    // A workspace in which nothing is new is the one that was approved.
    let next = ["workspace", "sample"];
    let asked = wait_for("a gate", LONGEST, || next.into_iter().find(|gate| world.waits_at(gate)));
    if plan["fields"].as_array().expect("a list").iter().any(|field| field["found"] == "new") {
        assert_eq!(asked, "workspace");
        world.approve("workspace");
    }
    wait_for("the new sample", LONGEST, || world.waits_at("sample").then_some(()));
    for ((kind, old), (_, new)) in before.iter().zip(all_ids(world)) {
        assert!(old.is_disjoint(&new), "{kind}s of the old sample are still there");
    }
    (daemon, unused.join("\n"))
}

#[test]
fn another_placement_after_the_workspace_was_made_adds_what_is_new_and_loads_the_sample_anew() {
    let (promox, world) = world(400, 57);
    well(&world.run(&["map", "--propose"]));
    let daemon = world.daemon(&[]);
    for gate in ["map", "data", "plan", "workspace"] {
        pass(&world, gate);
    }
    wait_for("the sample", LONGEST, || world.waits_at("sample").then_some(()));
    let (deals, persons) = (fields(&world, "deal_field"), fields(&world, "person_field"));
    assert!(deals.contains("Commission total") && !live(&world, "organization").is_empty());
    let is_of_commission = |row: &Value| marker(row).is_some_and(|marker| marker.contains(":commission/"));
    assert!(!live(&world, "note").iter().any(is_of_commission));

    // What was folded into a deal becomes a record of its own.
    let (daemon, unused) = change(&world, daemon, ("commissions", "commission"), "deal: sum", "deal: note");
    assert!(unused.contains("deals") && unused.contains("Commission total"), "{unused}");
    assert_eq!(fields(&world, "deal_field"), deals, "nothing is new, and nothing is deleted");
    assert!(live(&world, "note").iter().any(is_of_commission));

    // And what was two records becomes one, while the other placement stays as it was chosen.
    let (daemon, unused) = change(&world, daemon, ("clients", "client"), "person and organization", "person");
    assert!(unused.contains("Commission total"), "{unused}");
    let is_of_client = |row: &Value| marker(row).is_some_and(|marker| marker.contains(":client/"));
    assert!(!live(&world, "organization").iter().any(is_of_client), "companies of clients are still there");
    assert!(live(&world, "note").iter().any(is_of_commission));
    let more = fields(&world, "person_field");
    assert!(more.is_superset(&persons) && more.len() > persons.len(), "{more:?}");
    assert!(fields(&world, "deal_field").is_superset(&deals));
    let deleted = |(endpoint, _): &(String, u64)| endpoint.starts_with("DELETE") && endpoint.contains("ield");
    assert!(!writes(&world).iter().any(deleted), "{:?}", writes(&world));

    pass(&world, "sample");
    follows(&world);
    assert!(!live(&world, "organization").iter().any(is_of_client));
    finish(&promox, &world, daemon, 0);
    bound_once(&world);
}

#[test]
fn a_map_is_proposed_while_pipedrive_does_not_answer() {
    let (_promox, world) = world(60, 53);
    fs::remove_file(world.folder.join("mapping.toml")).expect("removed");
    // Nobody listens here any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    world.write_settings(&format!("http://{gone}"));
    let said = well(&world.run(&["map", "--propose"]));
    assert!(said.contains("Pipedrive did not answer within 20 seconds"), "{said}");
    assert!(said.contains("without knowing which fields are there already"), "{said}");
    assert!(said.contains("the account's users could not be read"), "{said}");
    assert!(mapping(&world).contains("[[object]]"));
}
