//! Discovery over real files and processes: exports in several encodings, workbooks for what they lack, filled in by
//! another program, read back with every mistake told by its cell, and migrated.
//!
//! With `CROSSDOCK_DATA` set to the folder of the public sample data, its `csv-spectrum` and `maven-crm` files are
//! discovered too. What needs `openpyxl` is skipped where Python has none.

#![cfg(feature = "standin")]
#![expect(clippy::print_stdout, reason = "what is skipped is told")]

mod api;
mod odd;
#[path = "../processes/mod.rs"]
mod processes;
mod public;
mod whole;
mod workbooks;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crossdock::mapping::PROMOX;
use serde_json::Value;

use processes::{Daemon, Source, World, text, wait_for};

/// The longest that a step may take on a slow machine.
const LONGEST: Duration = Duration::from_secs(300);

const GATES: [&str; 6] = ["map", "data", "plan", "workspace", "sample", "cutover"];

/// Approves each gate when it is reached, and freezes the source, until the daemon ends.
fn to_the_end(world: &World, daemon: Daemon) {
    let mut approved = Vec::new();
    wait_for("the last gate", LONGEST, || {
        let status = world.status();
        let doing = status.as_ref().map(|status| status["phase"].to_string()).unwrap_or_default();
        if doing.contains("follow") {
            world.run(&["freeze"]);
        }
        for gate in GATES {
            if !approved.contains(&gate) && world.waits_at(gate) {
                world.approve(gate);
                approved.push(gate);
            }
        }
        (approved.len() == GATES.len()).then_some(())
    });
    let verified = || std::fs::read_to_string(world.folder.join("reports/verification.json")).unwrap_or_default();
    assert!(daemon.end(LONGEST).success(), "{}\n{}", world.said(), verified());
    assert_eq!(approved, GATES, "{}", world.said());
}

/// An export of an account in three encodings, without pipelines, leads, commissions, tasks and notes.
fn export(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    let owners = "\u{feff}id,email,first_name,last_name,active,updated_at\r\n\
        u_1,ada@acme.example,Ada,Li,true,2026-01-05T10:00:00Z\r\nu_2,bo@acme.example,Bo,Ek,true,2026-01-05T10:00:00Z\r\n";
    std::fs::write(folder.join("owners.csv"), owners).expect("written");
    let mut clients = String::from(
        "Clients of Acme;;;;;;;\r\nid;company;first_name;last_name;email;owner_id;created_at;updated_at\r\n",
    );
    for number in 1..=30 {
        clients.push_str(&format!(
            "{number};Café {number};Renée;Müller{};r{number}@cafe.example;u_{};0{}/0{}/2025;2026-01-05T10:00:00Z\r\n",
            number.min(29),
            number % 2 + 1,
            number % 9 + 1,
            number % 7 + 1
        ));
    }
    // A row whose cells may have shifted.
    clients.push_str("31;Shifted;Ann\r\n");
    let (clients, _, is_lossy) = encoding_rs::WINDOWS_1252.encode(&clients);
    assert!(!is_lossy);
    std::fs::write(folder.join("clients.csv"), &clients).expect("written");
    let mut projects = String::from(
        "id\tname\tcontact\tclient_id\towner_id\tpipeline_id\tstage\tstatus\tvalue\tcurrency\tupdated_at\n",
    );
    for number in 1..=20 {
        // The last one names a client that is not there.
        let client = if number == 20 { 999 } else { number };
        // And the one before it a person of whom there are two.
        let contact = if number == 19 { 29 } else { number };
        projects.push_str(&format!(
            "p{number}\tŁódź order {number}\tRenée Müller{contact}\t{client}\tu_1\t1\tProof\topen\t{number}50.25\tUSD\t2026-01-05T10:00:00Z\n"
        ));
    }
    let bytes: Vec<u8> = projects.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.join("projects.tsv"), [b"\xFF\xFE".as_slice(), &bytes].concat()).expect("written");
}

/// A migration of that export, with an account to go to.
fn world() -> World {
    let people = [("Ada Li", "ada@acme.example"), ("Bo Ek", "bo@acme.example")];
    let source = Source {
        settings: "folder = \"export\"\npoll_seconds = 1".to_owned(),
        token: String::new(),
        mapping: PROMOX.to_owned(),
        users: people.map(|(name, email)| (name.to_owned(), email.to_owned())).to_vec(),
    };
    let world = World::start(source, &[]);
    export(&world.folder.join("export"));
    world
}

fn discovery(world: &World) -> Value {
    let path = world.folder.join("reports/discovery.json");
    serde_json::from_slice(&std::fs::read(path).expect("the report")).expect("JSON")
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{}", text(output)))
}

fn item<'v>(list: &'v Value, key: &str, value: &str) -> &'v Value {
    let found = list.as_array().expect("a list").iter().find(|item| item[key] == value);
    found.unwrap_or_else(|| panic!("{key} {value} is not in {list}"))
}

/// A Python that has openpyxl: the one of the system's packages, or the one in the path.
fn python() -> Option<&'static str> {
    let found = ["/usr/bin/python3", "python3"].into_iter().find(|python| {
        Command::new(python).args(["-c", "import openpyxl"]).output().is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        println!("skipped: no python3 with openpyxl");
    }
    found
}

/// Fills a workbook of the world in.
fn fill(python: &str, world: &World, table: &str, rows: &Value) {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/discover/fill.py");
    let book = world.folder.join(format!("workbooks/{table}.xlsx"));
    let output = Command::new(python).arg(script).arg(book).arg(table).arg(rows.to_string()).output().expect("python");
    assert!(output.status.success(), "{}", text(&output));
}
