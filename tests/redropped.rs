//! An export that is dropped again while the migration follows is a delta: what changed is changed, what is missing is
//! deleted, what cannot be read stays, and a cut export is asked about.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::control::{Saying, keep};
use crossdock::error::Result;
use crossdock::journal::{GateVerdict, Journal};
use crossdock::migration::{Ending, GateState, Migration, Opening, Point, Signals, artefact};
use crossdock::permit::Gate;
use crossdock::record::{Entity, Fate, Object};
use crossdock::standin::pipedrive::{Pipedrive, Running, Settings};
use crossdock::standin::promox::lookalike::maven_lookalike;
use crossdock::stop;
use futures::FutureExt as _;
use serde_json::Value;

const DEALS: usize = 120;

/// Rounds in which nothing may happen any more before something is taken for not happening.
const QUIET_ROUNDS: u32 = 4;

/// The deals' file, as lines.
struct Drop {
    path: PathBuf,
    lines: Vec<String>,
}

impl Drop {
    fn read(folder: &Path) -> Self {
        let path = folder.join("sales_pipeline.csv");
        let text = std::fs::read_to_string(&path).expect("read");
        Self { path, lines: text.lines().map(str::to_owned).collect() }
    }

    fn id(&self, line: usize) -> String {
        self.lines[line].split(',').next().expect("an id").to_owned()
    }

    fn write(&self, lines: &[String]) {
        std::fs::write(&self.path, lines.join("\r\n") + "\r\n").expect("written");
    }

    /// Three rows are gone, one is won at a new price, one has a cell too many.
    fn edited(&self) -> Vec<String> {
        let mut lines = self.lines.clone();
        lines[5].push_str(",one cell too many");
        let mut cells: Vec<&str> = lines[8].split(',').collect();
        cells[7] = "98765";
        lines[8] = cells.join(",");
        drop(lines.drain(1..4));
        lines
    }
}

/// What a person at the source does, step by step.
struct Script {
    export: Drop,
    pipedrive: Arc<Running>,
    journal: Journal,
    signals: Signals,
    step: u32,
    quiet: u32,
}

impl Script {
    async fn next(&mut self) -> Result<()> {
        let deals = live(&self.pipedrive).len();
        self.quiet += 1;
        match self.step {
            0 => {
                assert_eq!(deals, DEALS);
                self.export.write(&self.export.edited());
                self.advance();
            }
            1 if deals < DEALS => {
                assert_eq!(deals, DEALS - 3, "three rows were taken out of the export");
                assert!(self.questions("vanished").await.is_empty());
                let half = self.export.edited();
                self.export.write(&half[..DEALS / 2]);
                self.advance();
            }
            2 if !self.questions("vanished").await.is_empty() => {
                let asked = self.questions("vanished").await;
                assert!(asked[0].contains("sales_pipeline lacks 58 of 118 rows"), "{asked:?}");
                self.advance();
            }
            3 if self.quiet > QUIET_ROUNDS => {
                assert_eq!(deals, DEALS - 3, "a cut export deletes nothing");
                self.export.write(&self.export.edited());
                self.advance();
            }
            4 if self.questions("vanished").await.is_empty() && self.quiet > QUIET_ROUNDS => self.signals.freeze(),
            _ => assert!(self.quiet < 60, "step {} does not end; {deals} deals", self.step),
        }
        Ok(())
    }

    fn advance(&mut self) {
        self.step += 1;
        self.quiet = 0;
    }

    async fn questions(&self, topic: &str) -> Vec<String> {
        let all = self.journal.questions().await.expect("read");
        all.into_iter().filter(|question| question.topic == topic).map(|question| question.text).collect()
    }
}

fn live(pipedrive: &Running) -> Vec<Value> {
    let mut rows = pipedrive.rows(Entity::Deal);
    rows.retain(|row| row["is_deleted"] != true);
    rows
}

#[test]
fn a_dropped_export_is_a_delta() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (export, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    maven_lookalike(export.path(), DEALS, 3).expect("written");
    let first = Drop::read(export.path());
    let [gone, broken, won] = [1, 5, 8].map(|line| first.id(line));
    let (pipedrive, journal) = runtime.block_on(migrate(export.path(), folder.path()));
    let fate = |id: &str| {
        let record = runtime.block_on(journal.record(Object::Project, id.into())).expect("read").expect("known");
        (record.fate, record.record.deleted)
    };
    assert_eq!(fate(&gone), (Some(Fate::Skipped), true));
    assert_eq!(fate(&broken), (Some(Fate::Loaded), false), "a row that cannot be read is not deleted");
    let value = |id: &str| {
        let marker = format!("project/{id}#");
        live(&pipedrive).iter().find(|deal| deal.to_string().contains(&marker)).map(|deal| deal["value"].to_string())
    };
    assert_eq!(value(&won).as_deref(), Some("98765"));
    assert!(value(&broken).is_some());
    let fates = runtime.block_on(journal.fates()).expect("counted");
    let rejected: u64 =
        fates.iter().filter(|count| count.fate == Some(Fate::Rejected)).map(|count| count.records).sum();
    assert_eq!(rejected, 1, "the row with a cell too many");
}

/// Moves the export with a script of edits; every gate is approved.
async fn migrate(export: &Path, folder: &Path) -> (Arc<Running>, Journal) {
    let clock = Clock::system();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let settings = Settings { unlimited: true, caps: false, ..Settings::default() };
    let pipedrive = Arc::new(Pipedrive::start(settings, clock.clone(), listener).expect("an account"));
    for line in csv::Reader::from_path(export.join("sales_teams.csv")).expect("opened").records() {
        let name = line.expect("a row")[0].to_owned();
        drop(pipedrive.add_user(&name, &format!("{}@users.example", name.replace(' ', ".").to_lowercase())));
    }
    std::fs::write(folder.join("mapping.toml"), include_str!("fixtures/maven-crm.mapping.toml")).expect("written");
    let text = format!(
        "name = \"maven\"\n[source]\nfolder = {export:?}\npoll_seconds = 1\n[pipedrive]\naddress = \"http://{}\"\n\
         unlimited = true\nlist_lag_seconds = 0\n",
        pipedrive.address()
    );
    let environment = |name: &str| (name == "CROSSDOCK_PIPEDRIVE_TOKEN").then(|| pipedrive.token());
    let config = Config::parse(&text, &Surroundings { folder, environment: &environment }).expect("settings");
    let (signals, (_stopper, stop)) = (Signals::default(), stop::switch());
    let script: Arc<Mutex<Option<Script>>> = Arc::default();
    let acting = Arc::clone(&script);
    let opening = Opening {
        signals: signals.clone(),
        checkpoint: Some(Arc::new(move |point| {
            let acting = Arc::clone(&acting);
            async move {
                let Point::Followed(_) = point else { return Ok(()) };
                let taken = acting.lock().expect("nobody panicked").take();
                let mut script = taken.expect("there is a script");
                script.next().await?;
                *acting.lock().expect("nobody panicked") = Some(script);
                Ok(())
            }
            .boxed()
        })),
        ..Opening::new(folder, clock.clone(), stop)
    };
    let migration = Migration::open(config, opening).await.expect("it opens");
    let journal = migration.journal().clone();
    *script.lock().expect("nobody panicked") = Some(Script {
        export: Drop::read(export),
        pipedrive: Arc::clone(&pipedrive),
        journal: journal.clone(),
        signals,
        step: 0,
        quiet: 0,
    });
    let approver = tokio::spawn(approve_all(journal.clone(), clock));
    let ending = migration.run().await.expect("it runs to its end");
    approver.abort();
    assert_eq!(ending, Ending::Done);
    let verification = migration.verification().expect("it was verified");
    assert!(verification.is_clean(), "{verification:?}");
    (pipedrive, journal)
}

async fn approve_all(journal: Journal, clock: Clock) {
    loop {
        for gate in Gate::ALL {
            if let GateState::Waits(_) = artefact(&journal, *gate).await.expect("the journal reads") {
                let saying = Saying { gate: *gate, verdict: GateVerdict::Approved, by: "Ada Tester".to_owned() };
                keep(&journal, &clock, saying).await.expect("kept");
            }
        }
        clock.sleep(Duration::from_millis(200)).await;
    }
}
