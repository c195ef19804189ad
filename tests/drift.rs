//! Changes of the source's API in the middle of a follow phase: each is noticed, nothing wrong is loaded, everything else goes
//! on, and what was missed is made up for once the API is as before.

#![cfg(feature = "standin")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Secret, SourceCredentials, Surroundings, base_url};
use crossdock::control::{Saying, Status, keep};
use crossdock::http::Http;
use crossdock::journal::{GateVerdict, Journal};
use crossdock::mapping::PROMOX;
use crossdock::migration::{Ending, GateState, Migration, Opening, Point, Signals, artefact, blocked, paused};
use crossdock::permit::Gate;
use crossdock::record::{Entity, Object};
use crossdock::source::probe::{Allowance, Target, probe};
use crossdock::source::profile::{FILE, Profile};
use crossdock::standin::pipedrive::{Pipedrive, Running, Settings};
use crossdock::standin::promox::generate::generate;
use crossdock::standin::promox::shapes::{self, Drift, Edit, Serving, Shape};
use crossdock::stop;
use futures::FutureExt as _;
use serde_json::{Map, Value, json};

/// Records of the account.
const RECORDS: usize = 900;

/// Records that are edited at the same moment: more than the source gives in one page.
const EDITED: usize = PAGE_ROWS + 5;

/// Rows that the source gives in one page.
const PAGE_ROWS: usize = 50;

/// The API before anything changes.
const SHAPE: &str = "page-max=50,page-default=50";

/// Rounds after which something that does not come is not waited for any more.
const ROUNDS_MAX: u32 = 400;

/// On the stepped clock: what waits longer waits for nothing. The changes themselves take half an hour.
const LONGEST: Duration = Duration::from_secs(6 * 3_600);

/// One change of the API.
struct Change {
    name: &'static str,
    drift: Drift,
    /// The objects that must be paused by it; the other one of [`WATCHED`] goes on.
    pauses: &'static [Object],
    /// It stays, and the operator accepts it.
    is_accepted: bool,
    /// It shows on the second page only: what the first one brings is as right as before.
    shows_later: bool,
}

/// The objects of which a record is edited while the API is another one, with the kinds of record that they become.
const WATCHED: [(Object, Entity, &str); 2] =
    [(Object::Lead, Entity::Lead, "title"), (Object::Project, Entity::Deal, "title")];

fn changes() -> Vec<Change> {
    let (lead, both) = (&[Object::Lead] as &[_], &[Object::Lead, Object::Project] as &[_]);
    let field = |field: &str| (Object::Lead, field.to_owned());
    let (object, gone) = field("source");
    let (_, retyped) = field("score");
    let (_, renamed) = field("stage");
    let change = |name, drift, pauses| Change { name, drift, pauses, is_accepted: false, shows_later: false };
    vec![
        change("a field disappears", Drift::FieldGone { object, field: gone }, lead),
        change("a type changes", Drift::TypeChanged { object, field: retyped }, lead),
        change("the envelope moves", Drift::EnvelopeMoved("items".to_owned()), both),
        change("ids change", Drift::IdsChanged("uuid".to_owned()), both),
        Change { shows_later: true, ..change("pages turn otherwise", Drift::PagingChanged("cursor".to_owned()), both) },
        change("dates are written otherwise", Drift::DatesChanged("dmy".to_owned()), both),
        change("an option is renamed", Drift::OptionRenamed { object, field: renamed, option: String::new() }, &[]),
        Change {
            is_accepted: true,
            ..change("a field disappears for good", Drift::FieldGone { object, field: "score".to_owned() }, lead)
        },
    ]
}

/// Where the test is.
enum Stage {
    /// The next change is planted at the next moment.
    Next,
    /// It is planted, and one round went by.
    Planted { before: Vec<Vec<Value>> },
    /// It is undone, and the round that reads again is waited for.
    Undone,
}

struct Script {
    folder: PathBuf,
    serving: Serving,
    pipedrive: Arc<Running>,
    signals: Signals,
    journal: Mutex<Option<Journal>>,
    state: Mutex<(usize, Stage)>,
    noticed: Mutex<Vec<&'static str>>,
    /// The records that are edited, by their ids before anything changes.
    edited: Mutex<[Vec<String>; 2]>,
}

impl Script {
    fn journal(&self) -> Journal {
        self.journal.lock().expect("no panic").clone().expect("the migration is open")
    }

    fn rows(&self) -> Vec<Vec<Value>> {
        WATCHED.iter().map(|(_, entity, _)| self.pipedrive.rows(*entity)).collect()
    }

    /// Whether the edits of a change are in Pipedrive, all of those whose record has one of its own there.
    async fn is_across(&self, number: usize, at: usize) -> bool {
        let (object, entity, field) = WATCHED[at];
        let rows = self.pipedrive.rows(entity);
        let journal = self.journal();
        let edited = self.edited.lock().expect("no panic")[at].clone();
        let (mut there, mut expected) = (0, 0);
        for id in &edited {
            let roles = journal.roles(object, id.as_str().into()).await.expect("read");
            let Some(dest) = roles.into_iter().find(|role| role.entity == entity).and_then(|role| role.dest_id) else {
                continue;
            };
            let is_it = |row: &&Value| row["id"].as_str().map_or_else(|| row["id"].to_string(), str::to_owned) == *dest;
            let row = rows.iter().find(is_it).expect("a record that is loaded is there");
            expected += 1;
            there += usize::from(row[field] == json!(title(number, id)));
        }
        assert!(expected > PAGE_ROWS / 2, "only {expected} records of {object} are loaded");
        there == expected
    }

    async fn followed(&self, round: u32, changes: &mut [Change]) {
        let (number, stage) = {
            let mut state = self.state.lock().expect("no panic");
            (state.0, std::mem::replace(&mut state.1, Stage::Next))
        };
        let Some(change) = changes.get_mut(number) else {
            self.signals.freeze();
            return;
        };
        assert!(round < ROUNDS_MAX, "{}: nothing comes of it", change.name);
        let next = match stage {
            Stage::Next => {
                self.plant(number, change);
                (number, Stage::Planted { before: self.rows() })
            }
            Stage::Planted { before } => {
                self.check_paused(number, change, &before).await;
                self.noticed.lock().expect("no panic").push(change.name);
                if change.is_accepted {
                    self.accept();
                } else {
                    self.serving.undo_drift();
                }
                (number, Stage::Undone)
            }
            Stage::Undone if paused(&self.journal()).await.expect("read").is_empty() => {
                for at in 0..WATCHED.len() {
                    assert!(self.is_across(number, at).await, "{}: what was missed is not made up for", change.name);
                }
                (number + 1, Stage::Next)
            }
            Stage::Undone => (number, Stage::Undone),
        };
        *self.state.lock().expect("no panic") = next;
    }

    /// Edits more records of each watched object than a page holds, and changes the API.
    fn plant(&self, number: usize, change: &mut Change) {
        for (at, (object, ..)) in WATCHED.iter().enumerate() {
            let live = self.serving.truth(*object).into_iter().filter(|row| row.deleted.is_none());
            let rows: Vec<_> = live.take(EDITED).collect();
            for row in &rows {
                let fields = [("name".to_owned(), json!(title(number, &row.id)))].into_iter().collect();
                self.serving.edit(Edit::Change { object: *object, key: row.key, fields }).expect("a live row");
            }
            self.edited.lock().expect("no panic")[at] = rows.into_iter().map(|row| row.id).collect();
        }
        if let Drift::OptionRenamed { object, field, option } = &mut change.drift {
            *option = row_of(&self.serving, *object).fields[&*field].as_str().expect("a word").to_owned();
        }
        if change.is_accepted {
            // From here on the follow phase would end, were nothing paused.
            self.signals.freeze();
        }
        self.serving.drift(change.drift.clone()).unwrap_or_else(|error| panic!("{}: {}", change.name, error.chain()));
    }

    /// What the operator does who sees the alarm. Another process does it, beside the one that runs the migration.
    fn accept(&self) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"));
        let output =
            command.args(["accept", "lead", "--by", "Ada Tester", "-C"]).arg(&self.folder).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("lead: 'score' is not expected any more"), "{said}");
    }

    async fn check_paused(&self, number: usize, change: &Change, before: &[Vec<Value>]) {
        let name = change.name;
        let journal = self.journal();
        let known = paused(&journal).await.expect("read");
        let status = Status::read(&journal, None, None).await.expect("read").text();
        let questions = journal.questions().await.expect("read");
        let in_the_way = blocked(&journal, Gate::Cutover).await.expect("read");
        assert_eq!(in_the_way.is_empty(), change.pauses.is_empty(), "{name}: {in_the_way}");
        for (at, (object, ..)) in WATCHED.iter().enumerate() {
            let found = known.iter().find(|paused| paused.object == *object);
            if !change.pauses.contains(object) {
                assert!(found.is_none(), "{name}: {object} is paused: {found:?}");
                assert!(self.is_across(number, at).await, "{name}: {object} does not go on");
                continue;
            }
            assert!(found.is_some(), "{name}: {object} is not paused, but {known:?}");
            let is_as_before = self.rows()[at] == before[at];
            assert!(is_as_before || change.shows_later, "{name}: something of {object} was loaded");
            assert!(!self.is_across(number, at).await, "{name}: all of {object} was read");
            assert!(status.contains(&format!("paused    {object} since")), "{status}");
            let table = format!("{object}s");
            assert!(questions.iter().any(|question| question.subject == table), "{name}: {questions:?}");
        }
        if let Drift::OptionRenamed { option, .. } = &change.drift {
            // People may add options at any time: the new word is taken over as it is, and becomes an option of its own.
            let labels = Value::from(self.pipedrive.rows(Entity::LeadLabel)).to_string();
            assert!(labels.contains(&format!("{option} (new)")), "{labels}");
        }
    }
}

fn title(number: usize, id: &str) -> String {
    format!("Edited while change {number} was on, {id}")
}

/// The row that is edited: the same each time.
fn row_of(serving: &Serving, object: Object) -> shapes::TrueRow {
    let filled = |fields: &Map<String, Value>| match object {
        Object::Lead => {
            ["source", "score", "stage"].iter().all(|name| fields.get(*name).is_some_and(|it| !it.is_null()))
        }
        _ => true,
    };
    serving.truth(object).into_iter().find(|row| row.deleted.is_none() && filled(&row.fields)).expect("a row")
}

#[test]
fn seven_changes_of_the_api_pause_what_they_are_about_and_nothing_else() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-01-05T14:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(Box::pin(follow(clock.clone()))));
}

async fn follow(clock: Clock) {
    let listener = async || tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let account = generate(RECORDS, 1, clock.utc());
    let settings = shapes::Settings { rtt_ms: 0, ..shapes::Settings::default() };
    let serving =
        shapes::serve(account, SHAPE.parse::<Shape>().expect("a shape"), settings, clock.clone(), listener().await)
            .await;
    let serving = serving.expect("a source");
    let settings = Settings { unlimited: true, caps: false, ..Settings::default() };
    let pipedrive = Arc::new(Pipedrive::start(settings, clock.clone(), listener().await).expect("an account"));
    for owner in serving.truth(Object::Owner) {
        let text = |name: &str| owner.fields[name].as_str().unwrap_or_default();
        drop(pipedrive.add_user(&format!("{} {}", text("first_name"), text("last_name")), text("email")));
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mapping.toml"), PROMOX).expect("written");
    // Whoever accepts a change is held against the approvers in it, of which there are none.
    std::fs::write(folder.path().join("migration.toml"), "").expect("written");
    std::fs::write(folder.path().join(FILE), learn(&serving, &clock).await.to_text()).expect("written");

    let signals = Signals::default();
    let script = Arc::new(Script {
        folder: folder.path().to_owned(),
        serving,
        pipedrive,
        signals: signals.clone(),
        journal: Mutex::default(),
        state: Mutex::new((0, Stage::Next)),
        noticed: Mutex::default(),
        edited: Mutex::default(),
    });
    let (_stopper, stop) = stop::switch();
    let changes = changes();
    let changes_made = changes.len();
    let (told, changes) = (Arc::clone(&script), Arc::new(tokio::sync::Mutex::new(changes)));
    let checkpoint = move |point| {
        let (script, changes) = (Arc::clone(&told), Arc::clone(&changes));
        async move {
            if let Point::Followed(round) = point {
                script.followed(round, &mut changes.lock().await).await;
            }
            Ok(())
        }
        .boxed()
    };
    let opening =
        Opening { signals, checkpoint: Some(Arc::new(checkpoint)), ..Opening::new(folder.path(), clock.clone(), stop) };
    let mut migration = Migration::open(config(folder.path(), &script), opening).await.expect("it opens");
    *script.journal.lock().expect("no panic") = Some(migration.journal().clone());
    let approver = tokio::spawn(clock.track(approve_all(migration.journal().clone(), clock.clone())));
    // The accepted profile is another one, by which the migration is opened again.
    let in_time = async |migration: &Migration| {
        let ended = clock.timeout(LONGEST, Box::pin(migration.run())).await;
        ended.expect("it still waits when all changes should be over").expect("it runs until then")
    };
    assert_eq!(in_time(&migration).await, Ending::TurnedBack);
    migration = migration.reopen().await.expect("it opens again");
    assert_eq!(in_time(&migration).await, Ending::Done);
    approver.abort();
    for at in 0..WATCHED.len() {
        assert!(script.is_across(changes_made - 1, at).await, "what was missed before the freeze is not made up for");
    }
    assert_eq!(script.noticed.lock().expect("no panic").len(), changes_made);
    let verification = migration.verification().expect("verified");
    assert!(verification.is_clean(), "{verification:?}");
}

/// Probes the source, as `crossdock discover` does.
async fn learn(serving: &Serving, clock: &Clock) -> Profile {
    let http = Http::new(clock.clone(), Duration::from_secs(30), 2).expect("a client");
    let token = serving.credentials().token.expect("a token");
    let address = base_url(&serving.site()).expect("loopback");
    let target = Target { address, hosts: Vec::new(), logins: Vec::new(), headers: Vec::new(), posts: Vec::new() };
    let (_stopper, stop) = stop::switch();
    let credentials = SourceCredentials::Token(Secret::fixed(token.as_str().into()));
    let probed = Box::pin(probe(&http, target, &credentials, Allowance::default(), stop)).await;
    probed.map_err(|failed| failed.error.chain()).expect("it is probed").profile
}

fn config(folder: &Path, script: &Script) -> Config {
    let text = format!(
        "name = \"drift\"\n[source]\naddress = \"{}\"\n[pipedrive]\naddress = \"http://{}\"\nunlimited = true\n\
         list_lag_seconds = 0\n",
        script.serving.site(),
        script.pipedrive.address()
    );
    let environment = |name: &str| match name {
        "CROSSDOCK_SOURCE_TOKEN" => script.serving.credentials().token,
        _ => Some(script.pipedrive.token()),
    };
    Config::parse(&text, &Surroundings { folder, environment: &environment }).expect("settings")
}

async fn approve_all(journal: Journal, clock: Clock) {
    loop {
        for gate in Gate::ALL {
            if let GateState::Waits(_) = artefact(&journal, *gate).await.expect("the journal reads") {
                let saying = Saying { gate: *gate, verdict: GateVerdict::Approved, by: "Ada Tester".to_owned() };
                keep(&journal, &clock, saying).await.expect("kept");
            }
        }
        clock.sleep(Duration::from_secs(1)).await;
    }
}
