//! Whatever is wrong with what comes in, the message names the place, the exit code tells who must act, and no secret is
//! told to anybody.

mod processes;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::error::{Error, Kind};
use crossdock::journal::{Journal, Landed};
use crossdock::migration::{JOURNAL, Migration, Opening};
use crossdock::record::{Fate, Object};
use crossdock::standin::promox::lookalike::maven_lookalike;
use crossdock::standin::promox::server::{Fault, FaultKind};
use crossdock::standin::{pipedrive, promox};
use crossdock::stop;
use serde_json::{Value, json};

use processes::{Source, Standin, World, crossdock, text, wait_for};

/// Everything here takes seconds; this is for machines that are busy with something else.
const LONGEST: Duration = Duration::from_secs(240);

/// The mapping of the look-alike's files.
const MAVEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/maven-crm.mapping.toml");

/// A small account at the source, and a folder for it.
fn small_world(promox: &[&str]) -> (Standin, World) {
    let promox = Standin::start("promox", &[&["records=400", "rtt_ms=0"], promox].concat());
    let world = World::start(Source::promox(&promox), &[]);
    (promox, world)
}

/// The exit code is this, and the message holds all of these.
fn refused(output: &Output, code: i32, parts: &[&str]) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_says(&said, parts);
}

fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "'{part}' is not in: {said}");
    }
}

// An export with faults.

/// A look-alike of 300 deals, to be damaged.
struct Export(tempfile::TempDir);

impl Export {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        maven_lookalike(folder.path(), 300, 5).expect("written");
        Self(folder)
    }

    /// The lines of a file.
    fn lines(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.0.path().join(file)).expect("the file reads");
        text.lines().map(str::to_owned).collect()
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(file), bytes).expect("written");
    }

    /// Rehearses it; gives what the command said and the folder that was kept.
    fn rehearse(&self) -> (Output, PathBuf) {
        let into = self.0.path().join("kept");
        let mut command = crossdock();
        command.arg("rehearse").arg("--export").arg(self.0.path()).args(["--mapping", MAVEN, "--json", "--into"]);
        let output = command.arg(&into).output().expect("the command runs");
        (output, into)
    }
}

/// Every deal of a kept folder that something is said about.
fn noteworthy_deals(folder: &Path) -> Vec<Landed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let journal = Journal::read_only(&folder.join(JOURNAL), Clock::system()).expect("a journal");
    let all = runtime.block_on(journal.landed(Object::Project, 0, 10_000)).expect("it reads");
    all.into_iter().filter(|deal| deal.fate != Some(Fate::Loaded) || !deal.findings.is_empty()).collect()
}

#[test]
fn a_damaged_export_is_loaded_but_for_what_is_wrong_and_every_fault_has_its_place() {
    let export = Export::new();
    let mut deals = export.lines("sales_pipeline.csv");
    assert!(deals[2].contains(",Won,") || deals[2].contains(",Lost,") || deals[2].contains(",Engaging,"));
    let id = |line: &str| line.split(',').next().expect("an id").to_owned();
    let change = |line: &str, column: usize, value: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells[column] = value;
        cells.join(",")
    };
    deals[1].push_str(",one cell too many");
    deals[2] = change(&deals[2], 5, "2016-02-31");
    deals[3] = change(&deals[3], 7, "12 or so");
    deals[4] = change(&deals[4], 0, "");
    deals[5] = change(&deals[5], 4, "Gone Fishing");
    deals[6] = change(&deals[6], 1, "Nobody Known");
    let (date, number, stage, owner) = (id(&deals[2]), id(&deals[3]), id(&deals[5]), id(&deals[6]));
    // A mark, so that the file cannot be in any other encoding than UTF-8.
    let mut bytes = b"\xEF\xBB\xBF".to_vec();
    for (index, line) in deals.iter().enumerate() {
        bytes.extend_from_slice(line.as_bytes());
        if index == 7 {
            // Means nothing in UTF-8.
            bytes.extend_from_slice(b"\xE2\x28");
        }
        bytes.extend_from_slice(b"\r\n");
    }
    export.write("sales_pipeline.csv", &bytes);

    let (output, folder) = export.rehearse();

    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let noteworthy = noteworthy_deals(&folder);
    let rejected: Vec<&Landed> = noteworthy.iter().filter(|deal| deal.fate == Some(Fate::Rejected)).collect();
    let reasons: String = rejected.iter().fold(String::new(), |mut all, deal| {
        writeln!(all, "{}", deal.reason.as_deref().unwrap_or_default()).expect("a text grows");
        all
    });
    assert_says(
        &reasons,
        &[
            "sales_pipeline.csv row 2: it has 9 cells where the header has 8 (line 2, byte ",
            "sales_pipeline.csv row 5: it has no id: column 'opportunity_id' is empty (line 5, byte ",
            " has no meaning in the file's encoding (line 8, byte ",
        ],
    );
    assert_eq!(rejected.len(), 3, "{reasons}");
    let said_about = |id: &str| {
        let deal = noteworthy.iter().find(|deal| &*deal.record.id == id).expect("something is said about it");
        format!("{:?} {:?} {:?} {}", deal.fate, deal.reason, deal.findings, deal.record.place)
    };
    assert_says(&said_about(&date), &["Loaded", "engage_date", "2016-02-31", "sales_pipeline.csv row 3"]);
    assert_says(&said_about(&number), &["Loaded", "close_value", "12 or so", "sales_pipeline.csv row 4"]);
    assert_says(&said_about(&stage), &["Loaded", "stage", "Gone Fishing", "sales_pipeline.csv row 6"]);
    assert_says(&said_about(&owner), &["Parked", "Nobody Known", "sales_pipeline.csv row 7"]);
}

#[test]
fn an_export_in_no_known_encoding_stops_before_anything_is_written() {
    let check = |start: &[u8], parts: &[&str]| {
        let export = Export::new();
        let noise = (0..4_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x1F);
        export.write("sales_pipeline.csv", &start.iter().copied().chain(noise).collect::<Vec<u8>>());
        let (output, folder) = export.rehearse();
        refused(&output, 1, &[&["sales_pipeline.csv", "export it as CSV in UTF-8"], parts].concat());
        assert!(noteworthy_deals(&folder).is_empty());
    };
    check(b"\x00\x01\x02", &["not text in any known encoding"]);
    // How a workbook begins.
    check(b"PK\x03\x04\x14\x00\x06\x00", &["is a workbook"]);
}

#[test]
fn an_export_without_a_file_or_a_column_names_it() {
    let export = Export::new();
    let deals = export.lines("sales_pipeline.csv");
    let renamed = deals.join("\r\n").replacen("deal_stage", "phase", 1);
    export.write("sales_pipeline.csv", renamed.as_bytes());
    std::fs::remove_file(export.0.path().join("accounts.csv")).expect("removed");

    let (output, _) = export.rehearse();

    assert_ne!(output.status.code(), Some(0), "{}", text(&output));
    assert_says(&text(&output), &["accounts.csv"]);
}

// A source that answers nonsense.

#[test]
fn a_source_that_stumbles_is_read_whole() {
    let (promox, world) = small_world(&[]);
    for (path, kind) in [
        ("/api/v1/clients", json!({"status": 500})),
        ("/api/v1/leads", json!("html")),
        ("/api/v1/projects", json!("truncated_json")),
        ("/api/v1/tasks", json!("cut")),
        ("/api/v1/notes", json!({"retry_after": 1})),
    ] {
        promox.post("faults", &json!({"path": path, "kind": kind}));
    }
    let daemon = world.daemon(&[]);
    wait_for("gate map", LONGEST, || world.waits_at("map").then_some(()));
    world.approve("map");
    wait_for("gate data", LONGEST, || world.waits_at("data").then_some(()));
    world.approve("data");
    wait_for("gate plan", LONGEST, || world.waits_at("plan").then_some(()));
    drop(daemon);

    let counts = promox.get("account")["counts"].clone();
    let status = world.status().expect("a journal");
    for (object, path) in promox::OBJECTS {
        let all = status["objects"].as_array().expect("a list");
        let landed = all.iter().find(|one| one["object"] == object.as_str()).expect("the object landed");
        assert_eq!(landed["records"], counts[path], "{object}");
    }
    assert_says(&world.said(), &["/api/v1/clients", "/api/v1/leads", "/api/v1/projects", "/api/v1/tasks"]);
}

/// Runs a migration against a source that never answers well again, in virtual time; gives the error it ends with.
fn read_from_broken_source(kind: FaultKind) -> Error {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::stepped("2026-01-05T14:00:00Z".parse().expect("a time"));
    let listener = || async { tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port") };
    runtime.block_on(clock.track(async {
        let settings = promox::Settings { records: 400, ..promox::Settings::default() };
        let promox = promox::Promox::start(settings, clock.clone(), listener().await).expect("a source");
        let settings = pipedrive::Settings::default();
        let pipedrive = pipedrive::Pipedrive::start(settings, clock.clone(), listener().await).expect("an account");
        promox.fault(Fault { path: "/api/v1/clients".to_owned(), skip: 0, count: u32::MAX, kind }).expect("a fault");
        let settings = format!(
            "name = \"broken\"\n[source]\naddress = \"http://{}\"\n[pipedrive]\naddress = \"http://{}\"\nunlimited = true\n",
            promox.address(),
            pipedrive.address()
        );
        std::fs::write(folder.path().join("mapping.toml"), crossdock::mapping::PROMOX).expect("written");
        let environment = |name: &str| match name {
            "CROSSDOCK_SOURCE_TOKEN" => Some(promox.token().to_owned()),
            _ => Some(pipedrive.token()),
        };
        let surroundings = Surroundings { folder: folder.path(), environment: &environment };
        let config = Config::parse(&settings, &surroundings).expect("settings");
        let (_stopper, stop) = stop::switch();
        let opening = Opening::new(folder.path(), clock.clone(), stop);
        let migration = Migration::open(config, opening).await.expect("it opens");
        let approver = tokio::spawn(clock.track(approve_map(migration.journal().clone(), clock.clone())));
        let error = migration.run().await.expect_err("the source is broken");
        approver.abort();
        error
    }))
}

async fn approve_map(journal: Journal, clock: Clock) {
    let saying = || crossdock::control::Saying {
        gate: crossdock::permit::Gate::Map,
        verdict: crossdock::journal::GateVerdict::Approved,
        by: "Ada Tester".to_owned(),
    };
    while crossdock::control::keep(&journal, &clock, saying()).await.is_err() {
        clock.sleep(Duration::from_secs(1)).await;
    }
}

#[test]
fn a_source_that_stays_broken_is_named_with_its_path_and_fault() {
    let check = |kind: FaultKind, parts: &[&str]| {
        let error = read_from_broken_source(kind);
        assert!(matches!(error.kind(), Kind::Unreachable | Kind::Source | Kind::Unauthorized), "{error:?}");
        assert_eq!(error.exit_code(), 1);
        assert_says(&error.chain(), parts);
    };
    check(FaultKind::Status(500), &["/api/v1/clients", "500"]);
    check(FaultKind::Html, &["/api/v1/clients"]);
    check(FaultKind::TruncatedJson, &["/api/v1/clients"]);
    check(FaultKind::Status(403), &["/api/v1/clients", "403"]);
}

// Settings and arguments.

#[test]
fn settings_that_cannot_be_used_name_the_key_and_end_with_2() {
    let (_promox, world) = small_world(&[]);
    let missing = world.command(&["run"]).env_remove("CROSSDOCK_PIPEDRIVE_TOKEN").output().expect("it runs");
    refused(&missing, 2, &["pipedrive", "pipedrive.token: is missing", "CROSSDOCK_PIPEDRIVE_TOKEN"]);
    let mut both = world.command(&["run"]);
    both.env_remove("CROSSDOCK_PIPEDRIVE_TOKEN").env("CROSSDOCK_SOURCE_TOKEN", " \n");
    refused(&both.output().expect("it runs"), 2, &["CROSSDOCK_PIPEDRIVE_TOKEN", "source", "CROSSDOCK_SOURCE_TOKEN"]);

    let path = world.folder.join("migration.toml");
    let good = std::fs::read_to_string(&path).expect("it reads");
    let refuse = |text: String, parts: &[&str]| {
        std::fs::write(&path, text).expect("written");
        refused(&world.run(&["run"]), 2, parts);
    };
    refuse(good.replace("unlimited", "unlimitted"), &["migration.toml", "unlimitted", "unknown field"]);
    refuse(good.replace("timeout_seconds = 1", "timeout_seconds = 0"), &["pipedrive.request_timeout_seconds", "\"0\""]);
    refuse(good.replace("\"source\"", "\"loudest\""), &["migration.toml", "loudest"]);
    refuse(good.replace("[source]", "[source"), &["migration.toml", "line 2"]);
    refuse(good.replace("127.0.0.1:0", "0.0.0.0:80"), &["daemon.listen", "0.0.0.0:80", "loopback"]);
    std::fs::remove_file(&path).expect("removed");
    refused(&world.run(&["run"]), 2, &["migration.toml"]);

    std::fs::write(&path, &good).expect("written");
    std::fs::write(world.folder.join("mapping.toml"), "version = 1\nmarked = \"x\"\n").expect("written");
    refused(&world.run(&["run"]), 2, &["mapping.toml", "marked"]);
}

#[test]
fn arguments_that_cannot_be_used_end_with_2() {
    let check = |arguments: &[&str], parts: &[&str]| {
        refused(&crossdock().args(arguments).output().expect("it runs"), 2, parts);
    };
    check(&["rehearse", "--plan", "platinum"], &["--plan", "platinum", "growth"]);
    check(&["rehearse", "--records", "many"], &["--records", "many"]);
    check(&["rehearse", "--export", "somewhere"], &["--mapping"]);
    check(&["rehearse", "--export", "nowhere", "--mapping", MAVEN], &["--export", "nowhere"]);
    check(&["rehearse", "--export", ".", "--mapping", "nowhere.toml"], &["--mapping", "nowhere.toml"]);
    check(&["approve", "gatekeeper", "--by", "Ada"], &["gatekeeper", "cutover"]);
    check(&["explain", "spaceship", "1"], &["spaceship", "client"]);
    check(&["status", "-C", "nowhere"], &["nowhere"]);
    check(&["freeze", "-C", "nowhere"], &["nowhere", "no daemon"]);
    check(&["standin", "pipedrive", "--set", "sets=5"], &["sets"]);
    check(&["standin", "promox", "--listen", "0.0.0.0:0"], &["--listen", "loopback"]);
    check(&["dance"], &["dance"]);
}

// Journals.

#[test]
fn a_journal_that_is_not_this_migrations_is_left_as_it_is() {
    let (_promox, world) = small_world(&[]);
    let daemon = world.daemon(&[]);
    wait_for("gate map", LONGEST, || world.waits_at("map").then_some(()));

    refused(&world.run(&["run"]), 2, &["another crossdock is running", "migration"]);
    daemon.kill();

    let other = Standin::start("pipedrive", &["unlimited=true", "company_id=31337"]);
    world.write_settings(&other.address);
    let output = world.command(&["run"]).env("CROSSDOCK_PIPEDRIVE_TOKEN", &other.token).output().expect("it runs");
    refused(&output, 2, &["31337", "7204931"]);
    world.write_settings(&world.pipedrive.address);

    // Opening it took the log into the file, so the file is all there is.
    let path = world.folder.join(JOURNAL);
    let whole = std::fs::read(&path).expect("it reads");
    let refuse = |bytes: Vec<u8>, parts: &[&str]| {
        std::fs::write(&path, &bytes).expect("written");
        refused(&world.run(&["run"]), 1, parts);
        refused(&world.run(&["status"]), 1, parts);
        assert!(std::fs::read(&path).expect("it reads") == bytes, "{parts:?}: the file was changed");
    };
    let with = |at: usize, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        bytes
    };
    refuse(with(63, 99), &["journal.db", "newer crossdock", "99"]);
    refuse(with(3, b'?'), &["journal.db", "not a journal"]);
    refuse(with(71, 0), &["journal.db", "another program"]);
    refuse(whole[..60].to_vec(), &["journal.db", "damaged"]);
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0xA5);
    std::fs::write(&path, &damaged).expect("written");
    refused(&world.run(&["run"]), 1, &["journal.db", "damaged"]);
}

// Secrets.

#[test]
fn no_secret_is_told_to_anybody() {
    let token = "tell-nobody-4f1c9b7e2d";
    let (promox, world) = small_world(&[&format!("token=\"{token}\"")]);
    let secrets = [token.to_owned(), world.pipedrive.token.clone()];
    let untold = |what: &str, bytes: &[u8]| {
        for secret in &secrets {
            let told = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!told, "{what} tells {secret}: {}", String::from_utf8_lossy(bytes));
        }
    };
    // Errors are where secrets slip out, so there are some at both ends.
    promox.post("faults", &json!({"path": "/api/v1/clients", "kind": {"status": 500}}));
    promox.post("faults", &json!({"path": "/api/v1/leads", "kind": "html"}));
    let cut = json!({"method": "POST", "skip": 50, "count": 3, "kind": "commit_then_cut"});
    world.pipedrive.post("faults", &cut);

    let mut daemon = world.daemon(&["--log", "trace"]);
    for gate in ["map", "data", "plan", "workspace", "sample"] {
        wait_for(&format!("gate {gate}"), LONGEST, || world.waits_at(gate).then_some(()));
        world.approve(gate);
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", daemon.0.id())).expect("it runs");
    untold("the process list", &arguments);
    wait_for("the end of the load", LONGEST, || {
        assert!(daemon.ended().is_none(), "{}", world.said());
        world.status().is_some_and(|status| status["phase"] == "follow").then_some(())
    });
    wait_for("freeze", LONGEST, || world.run(&["freeze"]).status.success().then_some(()));
    wait_for("gate cutover", LONGEST, || world.waits_at("cutover").then_some(()));
    for arguments in [&["status"][..], &["status", "--json"], &["explain", "client", "1"]] {
        untold("a command", text(&world.run(arguments)).as_bytes());
    }
    untold("the daemon's face", &face(&world));
    world.approve("cutover");
    assert!(daemon.end(LONGEST).success(), "{}", world.said());

    // A token that the other side does not accept is no reason to print it.
    let wrong = world.command(&["run", "--log", "trace"]).env("CROSSDOCK_PIPEDRIVE_TOKEN", token).output();
    let wrong = wrong.expect("it runs");
    refused(&wrong, 1, &["Pipedrive", "token"]);
    untold("an error", text(&wrong).as_bytes());
    untold("the log", world.said().as_bytes());
    let files = files_below(&world.folder);
    assert!(files.iter().any(|file| file.ends_with("reports/verification.json")), "{files:?}");
    for file in files {
        untold(&file.display().to_string(), &std::fs::read(&file).expect("it reads"));
    }
}

/// What the running daemon shows on loopback.
fn face(world: &World) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    let run: Value =
        serde_json::from_slice(&std::fs::read(world.folder.join("crossdock.run")).expect("it runs")).expect("JSON");
    let address = run["address"].as_str().expect("an address");
    let mut all = Vec::new();
    for page in ["healthz", "readyz", "metrics", "status"] {
        let mut connection = std::net::TcpStream::connect(address).expect("it answers");
        write!(connection, "GET /{page} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("asked");
        connection.read_to_end(&mut all).expect("answered");
    }
    assert!(String::from_utf8_lossy(&all).contains("crossdock_"), "the metrics are there");
    all
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}
