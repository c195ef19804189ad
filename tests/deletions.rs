//! A row that is deleted at the source while changes are followed: found by the way in which the source tells of it, within
//! minutes, and not by the daily reading of everything.

#![cfg(feature = "standin")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Secret, SourceCredentials, Surroundings, base_url};
use crossdock::control::{Saying, keep};
use crossdock::http::Http;
use crossdock::journal::{GateVerdict, Journal};
use crossdock::mapping::PROMOX;
use crossdock::migration::{Ending, GateState, Migration, Opening, Point, Signals, artefact};
use crossdock::permit::Gate;
use crossdock::record::{Entity, Fate, Object};
use crossdock::source::probe::{Allowance, Target, probe};
use crossdock::source::profile::{FILE, Profile};
use crossdock::standin::pipedrive::{Pipedrive, Running, Settings};
use crossdock::standin::promox::generate::generate;
use crossdock::standin::promox::shapes::{self, Edit, Serving, Shape};
use crossdock::stop;
use futures::FutureExt as _;

/// Rounds of changes after the deletion.
const ROUNDS: u32 = 3;

/// What becomes of a project at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edited {
    Deleted,
    /// The list does not show it any more, and it can still be read by its id.
    Archived,
}

/// What the test does and sees between two rounds.
struct Script {
    edited: Edited,
    serving: Serving,
    pipedrive: Running,
    signals: Signals,
    journal: Mutex<Option<Journal>>,
    /// The project that was deleted, and whether that was noticed.
    deleted: Mutex<Option<String>>,
    noticed: Mutex<bool>,
    /// Whether people are asked about it.
    asked: Mutex<bool>,
}

impl Script {
    fn journal(&self) -> Journal {
        self.journal.lock().expect("no panic").clone().expect("the migration is open")
    }

    /// The fate of what became of a project.
    async fn fate(&self, id: &str) -> Option<Fate> {
        let roles = self.journal().roles(Object::Project, id.into()).await.expect("read");
        roles.into_iter().find(|role| role.entity == Entity::Deal).map(|role| role.fate)
    }

    async fn followed(&self, round: u32) {
        if round == 1 {
            for row in self.serving.truth(Object::Project).into_iter().filter(|row| row.deleted.is_none()) {
                if self.fate(&row.id).await == Some(Fate::Loaded) {
                    let (object, key) = (Object::Project, row.key);
                    let fields = [("archived".to_owned(), true.into())].into_iter().collect();
                    let edit = match self.edited {
                        Edited::Deleted => Edit::Delete { object, key },
                        Edited::Archived => Edit::Change { object, key, fields },
                    };
                    self.serving.edit(edit).expect("a living row");
                    *self.deleted.lock().expect("no panic") = Some(row.id);
                    return;
                }
            }
            panic!("no project is loaded");
        }
        if round == 1 + ROUNDS {
            let id = self.deleted.lock().expect("no panic").clone().expect("deleted");
            *self.noticed.lock().expect("no panic") = self.fate(&id).await != Some(Fate::Loaded);
            if self.edited == Edited::Archived {
                let questions = self.journal().questions().await.expect("read");
                let is_asked = questions.iter().any(|question| question.text.contains("archived rather than deleted"));
                *self.asked.lock().expect("no panic") = is_asked;
            }
            self.signals.freeze();
        }
    }
}

/// Whether a deletion is noticed by the profile that is learned; or by that without what it says of deletions.
fn notices(shape: &str, without: bool) -> bool {
    run(shape, without, Edited::Deleted).0
}

/// Whether an edit is taken for a deletion, and whether people are asked about it.
fn run(shape: &str, without: bool, edited: Edited) -> (bool, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-01-05T14:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(Box::pin(follow((shape, without, edited), clock.clone()))))
}

async fn follow((shape, without, edited): (&str, bool, Edited), clock: Clock) -> (bool, bool) {
    let listener = async || tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let account = generate(120, 1, clock.utc());
    let settings = shapes::Settings { rtt_ms: 0, ..shapes::Settings::default() };
    let parsed = shape.parse::<Shape>().expect("a shape");
    let serving = shapes::serve(account, parsed, settings, clock.clone(), listener().await).await.expect("a source");
    let settings = Settings { unlimited: true, caps: false, ..Settings::default() };
    let pipedrive = Pipedrive::start(settings, clock.clone(), listener().await).expect("an account");
    for owner in serving.truth(Object::Owner) {
        let text = |name: &str| owner.fields[name].as_str().unwrap_or_default();
        drop(pipedrive.add_user(&format!("{} {}", text("first_name"), text("last_name")), text("email")));
    }
    // What was deleted before shows how the source tells of it.
    let first = serving.truth(Object::Project).into_iter().find(|row| row.deleted.is_none()).expect("a project");
    serving.edit(Edit::Delete { object: Object::Project, key: first.key }).expect("a living row");
    let mut profile = learn(&serving, &clock).await;
    if without {
        profile.defaults.deletions = None;
        profile.object.values_mut().for_each(|rules| (rules.deletions, rules.record) = (None, None));
    } else if !shape.contains("delta=none") {
        let list = profile.list(Object::Project).expect("projects");
        assert!(list.deletions.is_some() && list.compare, "{shape}: {:?}", list.deletions);
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mapping.toml"), PROMOX).expect("written");
    std::fs::write(folder.path().join(FILE), profile.to_text()).expect("written");
    let signals = Signals::default();
    let script = Arc::new(Script {
        edited,
        serving,
        pipedrive,
        signals: signals.clone(),
        journal: Mutex::default(),
        deleted: Mutex::default(),
        noticed: Mutex::default(),
        asked: Mutex::default(),
    });
    let (_stopper, stop) = stop::switch();
    let told = Arc::clone(&script);
    let checkpoint = move |point| {
        let script = Arc::clone(&told);
        async move {
            if let Point::Followed(round) = point {
                script.followed(round).await;
            }
            Ok(())
        }
        .boxed()
    };
    let opening =
        Opening { signals, checkpoint: Some(Arc::new(checkpoint)), ..Opening::new(folder.path(), clock.clone(), stop) };
    let migration = Migration::open(config(folder.path(), &script), opening).await.expect("it opens");
    *script.journal.lock().expect("no panic") = Some(migration.journal().clone());
    let approver = tokio::spawn(clock.track(approve_all(migration.journal().clone(), clock.clone())));
    assert_eq!(Box::pin(migration.run()).await.expect("it runs to its end"), Ending::Done);
    approver.abort();
    let noticed = *script.noticed.lock().expect("no panic");
    if !without && edited == Edited::Deleted {
        let verification = migration.verification().expect("verified");
        assert!(verification.is_clean(), "{shape}: {verification:?}");
    }
    (noticed, *script.asked.lock().expect("no panic"))
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
        "name = \"deletions\"\n[source]\naddress = \"{}\"\n[pipedrive]\naddress = \"http://{}\"\nunlimited = true\n\
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

#[test]
fn a_deletion_that_a_parameter_shows_is_found_while_changes_are_followed() {
    assert!(notices("deleted=include_deleted", false));
    assert!(!notices("deleted=include_deleted", true), "without it only the daily reading of everything would find it");
}

#[test]
fn a_deletion_in_a_list_of_its_own_is_found_while_changes_are_followed() {
    assert!(notices("deleted=endpoint-ids", false));
    assert!(!notices("deleted=endpoint-ids", true), "without it only the daily reading of everything would find it");
}

/// Here all rows are read again in each round, so that a row which is not in the list any more is noticed at once.
#[test]
fn a_row_that_is_archived_is_asked_about_and_not_deleted() {
    let shape = "hidden=archived,delta=none";
    assert_eq!(run(shape, false, Edited::Archived), (false, true));
    let without = (true, false);
    assert_eq!(run(shape, true, Edited::Archived), without, "nobody could tell it from a deleted one");
    assert_eq!(run("delta=none", false, Edited::Deleted), (true, false), "a deleted one is not there by its id either");
}
