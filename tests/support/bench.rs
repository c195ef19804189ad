//! A migration's write side in one process: a simulated Pipedrive, a journal, a client and a permit, on one clock.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Conflict, Credentials, Secret, Spending};
use crossdock::http::Http;
use crossdock::journal::{Bound, Decision, GateVerdict, Journal, Landing, Promised, Proof};
use crossdock::permit::{Gate, WritePermit};
use crossdock::pipedrive::{Budget, Client, NewField, Row};
use crossdock::progress::Progress;
use crossdock::record::{BindingKey, Entity, Fate, Object, Place, SourceRecord};
use crossdock::stage::item::{Known, Manner, Ready, Work};
use crossdock::stage::load::{self, LoadLimits, LoadParts, Loader, Markers, Swept};
use crossdock::standin::pipedrive::{Pipedrive, Running, Settings};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The longest a call may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// How late lists may show a write, as the load is told.
pub(crate) const LIST_LAG: Duration = Duration::from_secs(2);

/// Every kind of record that the load writes.
pub(crate) const ENTITIES: [Entity; 6] =
    [Entity::Organization, Entity::Person, Entity::Lead, Entity::Deal, Entity::Activity, Entity::Note];

/// The parts of a write side.
pub(crate) struct Bench {
    pub(crate) clock: Clock,
    pub(crate) running: Running,
    pub(crate) client: Client,
    pub(crate) journal: Journal,
    pub(crate) permit: WritePermit,
    pub(crate) markers: Markers,
    /// An organization that leads and notes hang on. It carries no marker.
    parent: i64,
    _folder: tempfile::TempDir,
}

/// Runs a test on a stepped clock against a fresh account that is loaded without limits on our side.
pub(crate) fn drive<F: Future<Output = ()>>(settings: Settings, test: impl FnOnce(Bench) -> F) {
    drive_paced(settings, Spending::Unlimited, test);
}

/// The same under a budget.
pub(crate) fn drive_paced<F: Future<Output = ()>>(
    settings: Settings,
    spending: Spending,
    test: impl FnOnce(Bench) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-03-02T10:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let bench = Bench::start(settings, spending, clock.clone()).await;
        test(bench).await;
    }));
}

impl Bench {
    async fn start(settings: Settings, spending: Spending, clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let running = Pipedrive::start(settings, clock.clone(), listener).expect("an account");
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(&folder.path().join("journal.db"), clock.clone()).expect("a journal");
        let decision = Decision {
            gate: Gate::Workspace,
            verdict: GateVerdict::Approved,
            by: "Ada".to_owned(),
            digest: "the workspace".to_owned(),
            proof: Proof::Name,
        };
        journal.decide(decision, clock.utc()).await.expect("kept");
        let approval = journal.approval(Gate::Workspace).await.expect("read");
        let permit = WritePermit::mint(Gate::Workspace, "the workspace", approval.as_ref()).expect("approved");
        let http = Http::new(clock.clone(), TIMEOUT, 8).expect("a client");
        let base = format!("http://{}", running.address()).parse().expect("an address");
        let budget = Arc::new(Budget::new(clock.clone(), spending, 64).expect("a budget"));
        let client = Client::new(http, base, Credentials::ApiToken(Secret::fixed(running.token().into())), budget);
        let mut codes = HashMap::new();
        for (entity, fields) in [
            (Entity::Organization, Entity::OrganizationField),
            (Entity::Person, Entity::PersonField),
            (Entity::Deal, Entity::DealField),
        ] {
            let new = NewField { name: "Source id".into(), field_type: "varchar".into(), options: Vec::new() };
            let field = client.create_field(fields, &new, &permit).await.expect("a field");
            codes.insert(entity, field.code);
        }
        let markers = Markers::new("m1", codes);
        let parent = body_of(json!({"name": "Parent"}));
        let parent = client.create(Entity::Organization, &parent, &permit).await.expect("a parent");
        let parent = parent.id.parse().expect("a number");
        Self { clock, running, client, journal, permit, markers, parent, _folder: folder }
    }

    /// A loader as a run begins with one. Making another one is what a restart does.
    pub(crate) fn loader(&self, conflict: Conflict) -> Arc<Loader> {
        self.loader_with(LoadLimits { calls_in_flight: 8, list_lag: LIST_LAG, conflict })
    }

    /// The same with other bounds.
    pub(crate) fn loader_with(&self, limits: LoadLimits) -> Arc<Loader> {
        Arc::new(Loader::new(LoadParts {
            client: self.client.clone(),
            journal: self.journal.clone(),
            clock: self.clock.clone(),
            permit: self.permit.clone(),
            markers: self.markers.clone(),
            limits,
            failpoint: None,
            progress: Progress::default(),
            field_names: HashMap::new(),
        }))
    }

    /// Lands records in the state that `value` stands for.
    pub(crate) async fn land(&self, entity: Entity, numbers: Range<usize>, value: &str) {
        let mut digest = [0; 16];
        digest.copy_from_slice(&blake3::hash(value.as_bytes()).as_bytes()[..16]);
        let landing = |number| {
            let key = key(entity, number);
            let record = SourceRecord {
                object: key.object,
                id: key.source_id,
                payload: body_of(json!({"value": value})),
                modified: None,
                deleted: false,
                place: Place { origin: "test".into(), row: number as u64 },
                children: Vec::new(),
                between: Vec::new(),
            };
            Landing { record, digest, parent: None, onward: Vec::new(), walk: None }
        };
        self.journal.land(numbers.map(landing).collect(), self.clock.utc()).await.expect("landed");
    }

    /// What is to be in Pipedrive for a record as it is landed now, with what its binding already holds.
    pub(crate) async fn ready(&self, entity: Entity, number: usize, value: &str) -> Ready {
        let key = key(entity, number);
        let landed = self.journal.record(key.object, Arc::clone(&key.source_id)).await.expect("read").expect("landed");
        let promised = self.promised(&key).await;
        let known = promised.as_ref().and_then(|promised| Known::of(promised).expect("JSON"));
        let body = self.body(entity, number, value);
        Ready { key, version: landed.version, entity, body, known, manner: Manner::Ours, modified: None }
    }

    /// Lands records and runs the write stage of them as a step does, without its beginning and end.
    pub(crate) async fn run(&self, loader: &Arc<Loader>, entity: Entity, numbers: Range<usize>, value: &str) {
        self.land(entity, numbers.clone(), value).await;
        let ready = numbers.map(|number| self.ready(entity, number, value));
        let work = futures::future::join_all(ready).await.into_iter().map(Work::Write);
        self.write(loader, work.collect()).await;
    }

    /// Writes records as they are landed, each in the state that its value stands for.
    pub(crate) async fn write_all(&self, loader: &Arc<Loader>, entity: Entity, values: &[(usize, &str)]) {
        let mut work = Vec::new();
        for (number, value) in values {
            work.push(Work::Write(self.ready(entity, *number, value).await));
        }
        self.write(loader, work).await;
    }

    /// Sends work through the load stage in small batches.
    pub(crate) async fn write(&self, loader: &Arc<Loader>, work: Vec<Work>) {
        self.write_by(loader, work, 8).await;
    }

    /// Sends work through the load stage in one batch.
    pub(crate) async fn write_together(&self, loader: &Arc<Loader>, work: Vec<Work>) {
        self.write_by(loader, work, usize::MAX).await;
    }

    async fn write_by(&self, loader: &Arc<Loader>, work: Vec<Work>, batch: usize) {
        let (sender, receiver) = mpsc::channel(2);
        let stage = load::run(receiver, Arc::clone(loader));
        let feed = async {
            let mut work = work.into_iter().peekable();
            while work.peek().is_some() {
                sender.send(work.by_ref().take(batch).collect()).await.expect("the stage listens");
            }
            drop(sender);
        };
        let (ended, ()) = tokio::join!(stage, feed);
        ended.expect("the stage ends well");
    }

    /// A whole step, as the migration does it.
    pub(crate) async fn step(&self, loader: &Arc<Loader>, entity: Entity, numbers: Range<usize>, value: &str) -> Swept {
        loader.begin(entity).await.expect("begun");
        self.run(loader, entity, numbers, value).await;
        loader.settle(entity).await.expect("settled");
        loader.sweep(entity).await.expect("swept")
    }

    /// A binding as it stands.
    pub(crate) async fn promised(&self, key: &BindingKey) -> Option<Promised> {
        self.journal.promised(vec![key.clone()]).await.expect("read").pop().flatten()
    }

    /// The same without the bodies of its last write.
    pub(crate) async fn bound(&self, key: &BindingKey) -> Option<Bound> {
        self.journal.bound(vec![key.clone()]).await.expect("read").pop().flatten()
    }

    /// The body of a record, whose text holds `value`.
    pub(crate) fn body(&self, entity: Entity, number: usize, value: &str) -> Map<String, Value> {
        let text = format!("{entity} {number} {value}");
        body_of(match entity {
            Entity::Organization => json!({"name": text, "address": {"value": "1 Main St"}}),
            Entity::Person => json!({"name": text, "phones": [{"value": "+1 555 0100", "label": "work"}]}),
            Entity::Lead => json!({"title": text, "organization_id": self.parent, "was_seen": false}),
            Entity::Deal => json!({"title": text, "value": 100, "currency": "USD"}),
            Entity::Activity => json!({"subject": text, "note": "<p>call first</p>", "duration": "00:30:00"}),
            _ => json!({"content": format!("<p>{text}</p>"), "org_id": self.parent}),
        })
    }

    /// Records that carry a marker of ours and are not deleted, by marker: whatever the journal thinks.
    pub(crate) fn live(&self, entity: Entity) -> HashMap<String, Vec<Row>> {
        let mut live: HashMap<String, Vec<Row>> = HashMap::new();
        for row in self.running.rows(entity) {
            let id = row["id"].as_str().map_or_else(|| row["id"].to_string(), str::to_owned);
            let row = Row { id: id.into(), body: body_of(row) };
            if row.body["is_deleted"] == json!(false)
                && let Some(marker) = self.markers.read(entity, &row).map(str::to_owned)
            {
                live.entry(marker).or_default().push(row);
            }
        }
        live
    }

    /// The one live record of a binding among [`Bench::live`] ones, which the journal must know too.
    pub(crate) async fn the_record(&self, live: &HashMap<String, Vec<Row>>, entity: Entity, number: usize) -> Row {
        let key = key(entity, number);
        let rows = live.get(&self.markers.text(&key)).map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&str> = rows.iter().map(|row| &*row.id).collect();
        let bound = self.bound(&key).await;
        let known =
            bound.as_ref().filter(|bound| bound.fate == Fate::Loaded).and_then(|bound| bound.dest_id.as_deref());
        assert!(ids.len() == 1 && known == Some(ids[0]), "{key}: Pipedrive has {ids:?}, the journal says {bound:?}");
        rows[0].clone()
    }

    /// How many records of a kind were made through the API with a marker or without.
    pub(crate) fn created(&self, entity: Entity) -> u64 {
        let parents = u64::from(entity == Entity::Organization);
        self.running.ledger().created.get(entity.as_str()).copied().unwrap_or_default() - parents
    }

    /// How many updates of a kind succeeded.
    pub(crate) fn updated(&self, entity: Entity) -> u64 {
        self.running.ledger().updated.get(entity.as_str()).copied().unwrap_or_default()
    }

    /// How many writes are in doubt.
    pub(crate) async fn in_doubt(&self) -> usize {
        self.journal.in_doubt(None).await.expect("read").len()
    }
}

/// An account without limits of its own.
pub(crate) fn unlimited() -> Settings {
    Settings { unlimited: true, list_lag: LIST_LAG, ..Settings::default() }
}

/// The field that holds a record's text.
pub(crate) fn text_field(entity: Entity) -> &'static str {
    match entity {
        Entity::Organization | Entity::Person => "name",
        Entity::Activity => "subject",
        Entity::Note => "content",
        _ => "title",
    }
}

/// The binding of a record, under the object and role that the default mapping uses.
pub(crate) fn key(entity: Entity, number: usize) -> BindingKey {
    let object = match entity {
        Entity::Organization | Entity::Person => Object::Client,
        Entity::Lead => Object::Lead,
        Entity::Deal => Object::Project,
        Entity::Activity => Object::Task,
        _ => Object::Note,
    };
    BindingKey::new(object, (1000 + number).to_string(), entity.as_str())
}

/// A JSON object as a map.
pub(crate) fn body_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(body) => body,
        other => panic!("not an object: {other}"),
    }
}
