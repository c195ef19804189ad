//! A simulated account that people have worked in, an export beside it, and a migration of the one into the other that is
//! walked as far as a test wants.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::control::{Saying, keep};
use crossdock::error::Error;
use crossdock::journal::{GateVerdict, Journal};
use crossdock::migration::{Ending, GateState, Migration, Opening, Signals, artefact, blocked};
use crossdock::permit::Gate;
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{Noun, PeopleAction, PeopleEdit, Pipedrive, Running, Settings};
use crossdock::stop::{self, Stopper};
use futures::FutureExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const MAPPING: &str = include_str!("../fixtures/workspace.mapping.toml");

/// Longest virtual time that a test waits for what must come.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Both ends and the migration's folder.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) pipedrive: Arc<Running>,
    pub(crate) folder: tempfile::TempDir,
    /// The mapping as the next start reads it.
    pub(crate) mapping: String,
    /// The limits as the settings name them.
    pub(crate) limits: &'static str,
    /// The token of the settings.
    pub(crate) token: String,
}

/// A migration that can be told things.
pub(crate) struct Walk {
    pub(crate) migration: Migration,
    pub(crate) signals: Signals,
    stopper: Stopper,
}

/// Runs a test on a stepped clock against a fresh account and a small export.
pub(crate) fn drive<F: Future<Output = ()>>(settings: Settings, test: impl FnOnce(World) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-01-05T14:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let pipedrive = Arc::new(Pipedrive::start(settings, clock.clone(), listener).expect("an account"));
        let folder = tempfile::tempdir().expect("a folder");
        export(folder.path(), &[]);
        let (mapping, token) = (MAPPING.to_owned(), pipedrive.token());
        test(World { clock: clock.clone(), pipedrive, folder, mapping, limits: "unlimited = true", token }).await;
    }));
}

/// An account without limits of its own.
pub(crate) fn unlimited() -> Settings {
    Settings { unlimited: true, caps: false, ..Settings::default() }
}

/// Writes the export; `departed` are owners with as many organizations as named, a deal for every third, a task each.
pub(crate) fn export(folder: &Path, departed: &[(&str, usize)]) {
    let mut owners = "id,name,email\nu1,Ada Here,ada@here.example\n".to_owned();
    let mut clients = "id,company,owner_id,name,email\nc1,First Co,u1,Ann One,ann@one.example\n".to_owned();
    let mut projects = "id,name,client_id,stage,value,currency,po,due,method\n\
                        p1,Mugs,c1,Quote,100,USD,PO-1,2026-02-01,Embroidery\n\
                        p2,Pens,c1,Proof,50,MXN,PO-2,2026-02-02,Screen print\n"
        .to_owned();
    let mut tasks = "id,subject,type,project_id\nt1,Send proof,proof,p1\n".to_owned();
    for (owner, organizations) in departed {
        writeln!(owners, "{owner},Gone {owner},{owner}@gone.example").expect("written");
        for number in 0..*organizations {
            let id = format!("{owner}-{number}");
            writeln!(clients, "{id},Company {id},{owner},Person {id},{id}@client.example").expect("written");
            if number % 3 == 0 {
                writeln!(projects, "{id},Deal {id},{id},Quote,10,USD,,,Embroidery").expect("written");
                writeln!(tasks, "{id},Call about {id},call,{id}").expect("written");
            }
        }
    }
    let leads = "id,name,client_id,stage\nl1,Maybe,c1,Qualified\nl2,Perhaps,c1,New\n";
    for (name, text) in
        [("owners", &*owners), ("clients", &*clients), ("leads", leads), ("projects", &*projects), ("tasks", &*tasks)]
    {
        std::fs::write(folder.join(format!("{name}.csv")), text).expect("written");
    }
}

impl World {
    /// Lets people make something in the account; gives the record.
    pub(crate) fn people_make(&self, noun: impl Into<Noun>, body: Value) -> Value {
        let edit = PeopleEdit::new(PeopleAction::Create, noun, "").with(body);
        self.pipedrive.edit_as_people(edit).expect("people can make it")
    }

    /// Lets people change something.
    pub(crate) fn people_change(&self, noun: impl Into<Noun>, id: impl ToString, body: Value) {
        let edit = PeopleEdit::new(PeopleAction::Update, noun, id).with(body);
        self.pipedrive.edit_as_people(edit).expect("people can change it");
    }

    /// Opens the migration, as a daemon does at its start.
    pub(crate) async fn open(&self) -> Walk {
        std::fs::write(self.folder.path().join("mapping.toml"), &self.mapping).expect("written");
        let text = format!(
            "name = \"m1\"\n[source]\nfolder = {:?}\npoll_seconds = 1\n[pipedrive]\naddress = \"http://{}\"\n{}\n\
             list_lag_seconds = 0\n",
            self.folder.path(),
            self.pipedrive.address(),
            self.limits
        );
        let environment = |name: &str| (name == "CROSSDOCK_PIPEDRIVE_TOKEN").then(|| self.token.clone());
        let surroundings = Surroundings { folder: self.folder.path(), environment: &environment };
        let config = Config::parse(&text, &surroundings).expect("settings");
        let (signals, (stopper, stop)) = (Signals::default(), stop::switch());
        let opening = Opening {
            signals: signals.clone(),
            checkpoint: Some(Arc::new(|_| async { Ok(()) }.boxed())),
            ..Opening::new(self.folder.path(), self.clock.clone(), stop)
        };
        let migration = Migration::open(config, opening).await.expect("it opens");
        Walk { migration, signals, stopper }
    }

    /// Walks until something is so, while somebody approves what waits at the gates named, and then stops.
    pub(crate) async fn walk(
        &self,
        walk: &Walk,
        gates: &[Gate],
        until: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    ) {
        let (journal, clock) = (walk.migration.journal().clone(), self.clock.clone());
        let (stopper, pipedrive, gates) = (walk.stopper.clone(), Arc::clone(&self.pipedrive), gates.to_vec());
        let watch = async move {
            for _ in 0..LONGEST.as_secs() {
                for gate in &gates {
                    if let GateState::Waits(_) = artefact(&journal, *gate).await.expect("the journal reads") {
                        drop(approve(&journal, &clock, *gate).await);
                    }
                }
                let seen = Seen {
                    blocked: blocked(&journal, Gate::Plan).await.expect("the journal reads"),
                    waits: waiting(&journal).await,
                    created: pipedrive.ledger().created.values().sum(),
                };
                if until(&seen) {
                    stopper.stop();
                    return true;
                }
                clock.sleep(Duration::from_secs(1)).await;
            }
            false
        };
        let watch = tokio::spawn(self.clock.track(watch));
        let ended = Box::pin(walk.migration.run()).await.expect("it runs");
        assert_eq!(ended, Ending::Stopped);
        assert!(watch.await.expect("it watches"), "it never came");
    }

    /// Walks to the end, while somebody approves everything.
    pub(crate) async fn finish(&self, walk: &Walk) {
        walk.signals.freeze();
        let (journal, clock) = (walk.migration.journal().clone(), self.clock.clone());
        let approving = async move {
            loop {
                for gate in Gate::ALL {
                    if let GateState::Waits(_) = artefact(&journal, *gate).await.expect("the journal reads") {
                        approve(&journal, &clock, *gate).await.expect("approved");
                    }
                }
                clock.sleep(Duration::from_secs(1)).await;
            }
        };
        let approver = tokio::spawn(self.clock.track(approving));
        let ended = Box::pin(walk.migration.run()).await.expect("it runs to its end");
        approver.abort();
        assert_eq!(ended, Ending::Done);
    }

    /// A report as it stands.
    pub(crate) fn report(&self, name: &str) -> Value {
        let path = self.folder.path().join(format!("reports/{name}.json"));
        serde_json::from_str(&std::fs::read_to_string(path).expect("the report")).expect("JSON")
    }

    /// What of a kind is there and not deleted.
    pub(crate) fn live(&self, noun: impl Into<Noun>) -> Vec<Value> {
        self.pipedrive.rows(noun).into_iter().filter(|row| row["is_deleted"] != true).collect()
    }

    /// Those of a name, however it is spelled.
    pub(crate) fn called(&self, noun: impl Into<Noun>, name: &str) -> Vec<Value> {
        let fold = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let of = |row: &Value| row["name"].as_str().or(row["field_name"].as_str()).map(fold);
        self.live(noun).into_iter().filter(|row| of(row) == Some(fold(name))).collect()
    }
}

/// What a test can wait for.
pub(crate) struct Seen {
    /// Why nothing can be approved at the plan gate.
    pub(crate) blocked: String,
    /// Gates at which something waits.
    pub(crate) waits: Vec<Gate>,
    /// Creates that the account carried out.
    pub(crate) created: u64,
}

async fn waiting(journal: &Journal) -> Vec<Gate> {
    let mut waits = Vec::new();
    for gate in Gate::ALL {
        if let GateState::Waits(_) = artefact(journal, *gate).await.expect("the journal reads") {
            waits.push(*gate);
        }
    }
    waits
}

/// What a person says with `crossdock approve`.
pub(crate) async fn approve(journal: &Journal, clock: &Clock, gate: Gate) -> Result<String, Error> {
    let saying = Saying { gate, verdict: GateVerdict::Approved, by: "Ada Tester".to_owned() };
    keep(journal, clock, saying).await
}

/// The gates before the plan's own.
pub(crate) const BEFORE_PLAN: [Gate; 2] = [Gate::Map, Gate::Data];

/// And with it.
pub(crate) const WITH_PLAN: [Gate; 3] = [Gate::Map, Gate::Data, Gate::Plan];

/// A field as people make it.
pub(crate) fn field(name: &str, field_type: &str) -> Value {
    json!({"field_name": name, "field_type": field_type})
}

/// A list field as people make it.
pub(crate) fn list(name: &str, labels: &[&str]) -> Value {
    let options: Vec<Value> = labels.iter().map(|label| json!({"label": label})).collect();
    json!({"field_name": name, "field_type": "enum", "options": options})
}

/// The kinds of which a workspace is made.
pub(crate) const KINDS: [Entity; 7] = [
    Entity::OrganizationField,
    Entity::PersonField,
    Entity::DealField,
    Entity::Pipeline,
    Entity::Stage,
    Entity::LeadLabel,
    Entity::ActivityType,
];
