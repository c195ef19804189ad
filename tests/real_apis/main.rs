//! Servers with APIs that nobody here wrote: filled with data, probed by `crossdock discover`, and read row for row by what it
//! learned.
//!
//! `run.sh` installs them and names their folder in `REAL_APIS`; without it there is nothing to test. Kinds of shapes that
//! our own stand-in knows say nothing about what it does not know.

#![expect(clippy::print_stdout, reason = "the figures are what the run is for")]

mod data;
mod servers;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::http::Http;
use crossdock::mapping::PROMOX;
use crossdock::record::SourceRecord;
use crossdock::source::api::{Client, Settings};
use crossdock::source::profile::Profile;
use crossdock::source::{Cursor, Source};
use futures::TryStreamExt as _;
use serde_json::Value;

use data::{Table, lookalike, maven};
use servers::{Server, Start, datasette, json_server, kinto};

/// Requests that a probe may make.
const CEILING: usize = 150;

const SERVERS: [(&str, Start); 3] = [("json-server", json_server), ("Datasette", datasette), ("Kinto", kinto)];

#[test]
fn json_server_is_read_row_for_row() {
    check(SERVERS[0]);
}

#[test]
fn datasette_is_read_row_for_row() {
    check(SERVERS[1]);
}

#[test]
fn kinto_is_read_row_for_row() {
    check(SERVERS[2]);
}

fn check((name, start): (&str, Start)) {
    let Some(tools) = std::env::var_os("REAL_APIS").map(PathBuf::from) else {
        println!("REAL_APIS is not set; tests/real_apis/run.sh installs {name} and sets it");
        return;
    };
    probe_and_read(name, start, &tools, &lookalike());
    if let Ok(data) = std::env::var("CROSSDOCK_DATA") {
        probe_and_read(name, start, &tools, &maven(&Path::new(&data).join("maven-crm")));
    }
}

fn probe_and_read(name: &str, start: Start, tools: &Path, tables: &[Table]) {
    let scratch = tempfile::tempdir().expect("a folder");
    let server = start(tools, scratch.path(), tables);
    let folder = scratch.path().join("migration");
    write_settings(&folder, &server);
    let requests = discover(name, &folder, &server);
    let mut rows = 0;
    for (table, records) in read(&folder, &server) {
        let table = tables.iter().find(|known| known.name == table).unwrap_or_else(|| panic!("{name}: {table}"));
        compare(name, table, &records, server.shown);
        rows += records.len();
    }
    let expected: usize = tables.iter().map(|table| table.rows.len()).sum();
    assert_eq!(rows, expected, "{name}: a table was not read");
    println!("{name}: {requests} requests, {rows} rows of {} tables, each as it is there", tables.len());
}

fn write_settings(folder: &Path, server: &Server) {
    std::fs::create_dir(folder).expect("a folder");
    let text = format!(
        "name = \"real\"\n[source]\naddress = \"{}\"\n{}requests_per_second = 50\n[pipedrive]\n\
         address = \"http://127.0.0.1:9\"\nunlimited = true\n",
        server.address, server.credentials
    );
    std::fs::write(folder.join("migration.toml"), text).expect("written");
    std::fs::write(folder.join("mapping.toml"), PROMOX).expect("written");
}

/// Runs `crossdock discover`, and gives how many requests the probe took.
fn discover(name: &str, folder: &Path, server: &Server) -> usize {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
    command.arg("discover").arg("-C").arg(folder);
    command.env(server.secret.0, server.secret.1).env("CROSSDOCK_PIPEDRIVE_TOKEN", "none");
    let output = command.output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {said}");
    let report = std::fs::read(folder.join("reports/discovery.json")).expect("the report");
    let found: Value = serde_json::from_slice(&report).expect("JSON");
    let asked = found["asked"].as_array().expect("requests");
    let is_read = |one: &Value| one["request"].as_str().is_some_and(|request| request.starts_with("GET "));
    assert!(asked.iter().all(is_read), "{name}: not only reads: {asked:?}");
    assert!(!asked.is_empty() && asked.len() <= CEILING, "{name}: {} requests", asked.len());
    assert!(!found.to_string().contains(server.secret.1), "{name}: a secret in the report");
    asked.len()
}

/// Reads every list of the profile that was learned, as the migration does.
fn read(folder: &Path, server: &Server) -> Vec<(String, Vec<SourceRecord>)> {
    let environment = |name: &str| match name {
        _ if name == server.secret.0 => Some(server.secret.1.to_owned()),
        _ => Some("none".to_owned()),
    };
    let config = Config::load(&Surroundings { folder, environment: &environment }).expect("settings");
    let crossdock::config::SourceConfig::Api { address, credentials, .. } = config.source else {
        panic!("it is an API");
    };
    let clock = Clock::system();
    let http = Http::new(clock, Duration::from_secs(60), 2).expect("a client");
    let settings = Settings {
        base: address,
        credentials,
        profile: Profile::load(folder).expect("a profile").expect("it is written"),
        page_rows: NonZeroU32::new(200).expect("not zero"),
        period: Duration::from_millis(2),
        overlap: Duration::from_secs(900),
        retries: 5,
        pace_file: None,
    };
    let source = Source::api(Client::new(http, settings).expect("a profile that can be followed"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut all = Vec::new();
        for (object, table) in source.lists() {
            let pages: Vec<_> = source.pages(object, Cursor::start()).try_collect().await.expect("a whole walk");
            assert!(pages.iter().all(|page| page.rejected.is_empty()), "{table}: a row was rejected");
            // A list that counts nothing is read twice; the last walk is the one that counts.
            let last = pages.last().map(|page| page.pass);
            let pages = pages.into_iter().filter(|page| Some(page.pass) == last);
            all.push((table, pages.flat_map(|page| page.records).collect()));
        }
        all
    })
}

/// Every row, no row twice, and every value of it. A server may add columns of its own.
fn compare(name: &str, table: &Table, records: &[SourceRecord], shown: fn(&Value) -> Value) {
    let read: BTreeMap<&str, &SourceRecord> = records.iter().map(|record| (&*record.id, record)).collect();
    assert_eq!(read.len(), records.len(), "{name}: rows of {} came twice", table.name);
    for row in &table.rows {
        let id = row["id"].as_str().expect("a text");
        let record = read.get(id).unwrap_or_else(|| panic!("{name}: {} {id} is missing", table.name));
        for (column, value) in row {
            let found = record.payload.get(column).unwrap_or(&Value::Null);
            assert!(
                is_same(&shown(value), found),
                "{name}: {} {id}, {column}: {value} was read as {found}",
                table.name
            );
        }
    }
    assert_eq!(read.len(), table.rows.len(), "{name}: {} has more rows than there are", table.name);
}

/// Numbers are the same whatever digits they are written with.
fn is_same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(expected), Value::Number(found)) => expected.as_f64() == found.as_f64(),
        _ => expected == found,
    }
}
