//! One whole migration by the daemon in a process of its own, timed by what it logs; the bench approves at every gate.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::process::{Process, Standin, Usage, program};

/// What one part of a migration took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// Time on the wall, waits at gates left out.
    pub(crate) wall: Duration,
    /// What the daemon used.
    pub(crate) used: Usage,
}

/// One migration. Parts that are not listed (configuring, following) cost next to nothing here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Migrated {
    /// The source's rows into the journal.
    pub(crate) landing: Part,
    /// Landed rows through to drafts, without a write.
    pub(crate) survey: Part,
    /// Landed rows through all five stages into Pipedrive, with sweeps and reconciliation.
    pub(crate) load: Part,
    /// Everything read back from both ends and compared.
    pub(crate) verify: Part,
}

impl Migrated {
    /// The parts in their order.
    pub(crate) fn parts(&self) -> [&Part; 4] {
        [&self.landing, &self.survey, &self.load, &self.verify]
    }
}

/// A line of the daemon's log.
#[derive(Deserialize)]
struct Line {
    level: String,
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    message: String,
    #[serde(default)]
    phase: String,
    #[serde(default)]
    gate: String,
}

/// Where a part may begin or end.
struct Mark {
    at: Instant,
    used: Usage,
}

impl Mark {
    fn now(pid: u32) -> Self {
        Self { at: Instant::now(), used: Usage::of(pid) }
    }

    fn until(&self, end: &Mark) -> Part {
        Part { wall: end.at - self.at, used: end.used.since(&self.used) }
    }
}

/// Writes the settings of a migration without limits between the two stand-ins.
pub(crate) fn set_up(folder: &Path, promox: &Standin, pipedrive: &Standin) {
    command(folder, &["init"]).arg(folder).stdout(Stdio::null()).status().expect("init runs");
    let settings = format!(
        "name = \"bench\"\n[source]\naddress = \"{}\"\nrequests_per_second = 1000\n[pipedrive]\naddress = \"{}\"\n\
         unlimited = true\nlist_lag_seconds = 0\ncalls_in_flight = {}\n[daemon]\nlisten = \"127.0.0.1:0\"\n",
        promox.address,
        pipedrive.address,
        crate::CALLS_IN_FLIGHT
    );
    std::fs::write(folder.join("migration.toml"), settings).expect("the folder is writable");
}

/// Runs a migration to its end.
pub(crate) fn migrate(folder: &Path, promox: &Standin, pipedrive: &Standin) -> Migrated {
    let mut command = command(folder, &["run", "-C"]);
    command.arg(folder).stderr(Stdio::piped());
    command.env("CROSSDOCK_SOURCE_TOKEN", &promox.token).env("CROSSDOCK_PIPEDRIVE_TOKEN", &pipedrive.token);
    let mut daemon = Process::start(&mut command);
    let pid = daemon.0.id();
    let log = BufReader::new(daemon.0.stderr.take().expect("its log is a pipe"));
    let mut migrated = Migrated::default();
    let mut from = Mark::now(pid);
    for line in log.lines() {
        let line = line.expect("the log is text");
        let now = Mark::now(pid);
        let Ok(Line { level, fields }) = serde_json::from_str(&line) else { panic!("the daemon said: {line}") };
        assert!(level == "INFO" || level == "WARN", "the daemon said: {line}");
        match (fields.message.as_str(), fields.phase.as_str(), fields.gate.as_str()) {
            ("waiting at a gate", _, gate) => tell(folder, &["approve", gate, "--by", "bench", "-C"]),
            ("gate is open", _, "map" | "sample") | ("phase begins", "verify", _) => from = now,
            ("phase begins", "load", _) => tell(folder, &["freeze", "-C"]),
            // The last object that is landed ends the landing.
            ("landed", ..) => {
                let part = from.until(&now);
                migrated.landing = part;
            }
            ("phase is done", "survey", _) => {
                let whole = from.until(&now);
                migrated.survey = Part {
                    wall: whole.wall.saturating_sub(migrated.landing.wall),
                    used: whole.used.since(&migrated.landing.used),
                };
            }
            ("phase is done", "load", _) => migrated.load = from.until(&now),
            ("phase is done", "verify", _) => migrated.verify = from.until(&now),
            _ => {}
        }
    }
    let status = daemon.0.wait().expect("the daemon ends");
    assert!(status.success(), "the migration did not end well: {status}");
    migrated
}

fn tell(folder: &Path, arguments: &[&str]) {
    let status = command(folder, arguments).arg(folder).stdout(Stdio::null()).status().expect("the command runs");
    assert!(status.success(), "{arguments:?} failed");
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(folder);
    command
}
