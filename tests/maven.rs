//! Moves a public CRM export as it comes, "CRM Sales Opportunities" of Maven Analytics, and compares every deal with its row.
//!
//! A look-alike with the same counts is moved always; the real files as well where `CROSSDOCK_DATA` names the folder of the
//! public sample data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::control::{Saying, keep};
use crossdock::journal::{GateVerdict, Journal, Landed};
use crossdock::migration::{Ending, GateState, Migration, Opening, Signals, artefact};
use crossdock::permit::Gate;
use crossdock::record::{Entity, Fate, Object};
use crossdock::report::verification::Verification;
use crossdock::standin::pipedrive::{Pipedrive, Running, Settings};
use crossdock::standin::promox::lookalike::maven_lookalike;
use crossdock::stop;
use futures::FutureExt as _;
use rust_decimal::Decimal;
use serde_json::Value;

/// Deals of the public set, which the look-alike repeats.
const DEALS: usize = 8_800;

/// A row of a file by its columns.
type Line = BTreeMap<String, String>;

#[test]
fn a_lookalike_of_the_public_set_is_moved_to_the_cent() {
    let folder = tempfile::tempdir().expect("a folder");
    maven_lookalike(folder.path(), DEALS, 11).expect("written");
    check(folder.path());
}

#[test]
fn the_public_set_is_moved_to_the_cent() {
    match std::env::var("CROSSDOCK_DATA") {
        Ok(data) => check(&Path::new(&data).join("maven-crm")),
        Err(_) => println!("CROSSDOCK_DATA is not set; the look-alike stands for the public set"),
    }
}

fn check(files: &Path) {
    let export = Export::read(files);
    let moved = Moved::from(&export);
    moved.check_counts();
    moved.check_pipeline();
    moved.check_every_deal(&export);
    moved.check_sums(&export);
    moved.check_findings(&export);
}

/// The files as they are.
struct Export {
    folder: PathBuf,
    agents: Vec<Line>,
    deals: Vec<Line>,
}

impl Export {
    fn read(folder: &Path) -> Self {
        let lines = |file: &str| -> Vec<Line> {
            let mut reader = csv::Reader::from_path(folder.join(file)).expect("the file opens");
            reader.deserialize().map(|line| line.expect("a row")).collect()
        };
        let (agents, deals) = (lines("sales_teams.csv"), lines("sales_pipeline.csv"));
        Self { folder: folder.to_owned(), agents, deals }
    }
}

/// What became of it.
struct Moved {
    pipedrive: Running,
    journal: Journal,
    verification: Verification,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Moved {
    fn from(export: &Export) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let (pipedrive, journal, verification) = runtime.block_on(migrate(export, folder.path()));
        Self { pipedrive, journal, verification, runtime, _folder: folder }
    }

    fn live(&self, entity: Entity) -> Vec<Value> {
        let mut rows = self.pipedrive.rows(entity);
        rows.retain(|row| row["is_deleted"] != true);
        rows
    }

    /// Names by id.
    fn names(&self, entity: Entity) -> BTreeMap<i64, String> {
        let name = |row: &Value| (row["id"].as_i64().expect("an id"), text(&row["name"]));
        self.live(entity).iter().map(name).collect()
    }

    fn landed(&self, object: Object) -> Vec<Landed> {
        self.runtime.block_on(self.journal.landed(object, 0, 10_000)).expect("the journal reads")
    }

    fn check_counts(&self) {
        assert!(self.verification.is_clean(), "{:?}", self.verification);
        let fates = |object: Object, fate: Fate| {
            let all = self.landed(object);
            let others: Vec<_> = all.iter().filter(|one| one.fate != Some(fate)).take(5).collect();
            assert!(others.is_empty(), "{others:?}");
            all.len()
        };
        assert_eq!(fates(Object::Project, Fate::Loaded), DEALS);
        assert_eq!(fates(Object::Client, Fate::Loaded), 85);
        assert_eq!(fates(Object::Owner, Fate::Matched), 35);
        assert_eq!(self.live(Entity::Deal).len(), DEALS);
        assert_eq!(self.live(Entity::Organization).len(), 85);
        assert_eq!(self.live(Entity::Person).len() + self.live(Entity::Lead).len(), 0);
    }

    /// One pipeline, its stages in order, and the deals of the set in each.
    fn check_pipeline(&self) {
        let pipelines = self.names(Entity::Pipeline);
        let sales: Vec<i64> = pipelines.iter().filter(|(_, name)| *name == "Sales").map(|(id, _)| *id).collect();
        assert_eq!(sales.len(), 1, "{pipelines:?}");
        let mut stages = self.live(Entity::Stage);
        stages.retain(|stage| stage["pipeline_id"].as_i64() == Some(sales[0]));
        stages.sort_by_key(|stage| stage["order_nr"].as_i64());
        let deals = self.live(Entity::Deal);
        let found = stages.iter().map(|stage| {
            let here = deals.iter().filter(|deal| deal["stage_id"] == stage["id"]);
            let statuses: BTreeSet<String> = here.clone().map(|deal| text(&deal["status"])).collect();
            (text(&stage["name"]), here.count(), statuses.into_iter().collect::<Vec<_>>().join(" "))
        });
        let expected =
            [("Prospecting", 500, "open"), ("Engaging", 1_589, "open"), ("Won", 4_238, "won"), ("Lost", 2_473, "lost")];
        assert_eq!(
            found.collect::<Vec<_>>(),
            expected.map(|(name, count, status)| (name.to_owned(), count, status.to_owned()))
        );
    }

    /// Each row of the file against the deal that carries its id.
    fn check_every_deal(&self, export: &Export) {
        let (stages, organizations) = (self.names(Entity::Stage), self.names(Entity::Organization));
        let users: BTreeMap<i64, String> =
            self.pipedrive.users().into_iter().map(|user| (user.id.cast_signed(), user.name)).collect();
        let fields = self.pipedrive.rows(Entity::DealField);
        let field = |name: &str| fields.iter().find(|field| field["field_name"] == name).expect("the field is there");
        let product = field("Product");
        let options = product["options"].as_array().expect("options");
        assert!(options.iter().all(|option| option["label"] != "GTXPro"), "{options:?}");
        let named = |names: &BTreeMap<i64, String>, id: &Value| {
            id.as_i64()
                .map_or_else(String::new, |id| names.get(&id).cloned().unwrap_or_else(|| format!("unknown {id}")))
        };
        let mut deals = self.deals_by_source_id();
        for line in &export.deals {
            let id = &line["opportunity_id"];
            let deal = deals.remove(id).unwrap_or_else(|| panic!("{id} has no deal"));
            let option = &deal["custom_fields"][text(&product["field_code"])];
            let label = options.iter().find(|known| known["id"] == *option).map(|known| text(&known["label"]));
            let closed = if line["deal_stage"] == "Won" { "won_time" } else { "lost_time" };
            let found = [
                named(&stages, &deal["stage_id"]),
                named(&users, &deal["owner_id"]),
                named(&organizations, &deal["org_id"]),
                label.unwrap_or_default(),
                deal[closed].as_str().and_then(|time| time.get(..10)).unwrap_or_default().to_owned(),
            ];
            let column = |name: &str| line[name].clone();
            let product = column("product").replace("GTXPro", "GTX Pro");
            let expected =
                [column("deal_stage"), column("sales_agent"), column("account"), product, column("close_date")];
            assert_eq!(found, expected, "{id}: {deal}");
            assert_eq!(decimal(&deal["value"]), worth(line), "{id}: {deal}");
        }
        assert!(deals.is_empty(), "deals without a row: {:?}", deals.keys().take(5).collect::<Vec<_>>());
    }

    /// Deals by the id in their marker.
    fn deals_by_source_id(&self) -> BTreeMap<String, Value> {
        let mut deals = BTreeMap::new();
        for deal in self.live(Entity::Deal) {
            let text = deal.to_string();
            let id = text.split("maven:project/").nth(1).and_then(|rest| rest.split('#').next()).expect("a marker");
            if let Some(twin) = deals.insert(id.to_owned(), deal) {
                panic!("two deals of {id}: {twin}");
            }
        }
        deals
    }

    /// Sums by stage and by owner, which no field can hide in.
    fn check_sums(&self, export: &Export) {
        let (stages, users) = (self.names(Entity::Stage), self.pipedrive.users());
        let user = |id: &Value| users.iter().find(|user| Some(user.id) == id.as_u64()).expect("a user").name.clone();
        let deals = self.live(Entity::Deal);
        let sums = |name: &dyn Fn(&Value) -> String| {
            deals.iter().fold(BTreeMap::<String, Decimal>::new(), |mut sums, deal| {
                *sums.entry(name(deal)).or_default() += decimal(&deal["value"]);
                sums
            })
        };
        let expected = |column: &str| {
            export.deals.iter().fold(BTreeMap::<String, Decimal>::new(), |mut sums, line| {
                *sums.entry(line[column].clone()).or_default() += worth(line);
                sums
            })
        };
        let by_stage = sums(&|deal| stages[&deal["stage_id"].as_i64().expect("a stage")].clone());
        assert_eq!(by_stage, expected("deal_stage"));
        assert_eq!(sums(&|deal| user(&deal["owner_id"])), expected("sales_agent"));
    }

    /// What is missing is flagged, and nothing else is.
    fn check_findings(&self, export: &Export) {
        let deals = self.landed(Object::Project);
        let flagged = |code: &str| -> BTreeSet<Arc<str>> {
            let has = |deal: &&Landed| deal.findings.iter().any(|finding| finding.code == code);
            deals.iter().filter(has).map(|deal| Arc::clone(&deal.record.id)).collect()
        };
        let empty = |column: &str| -> BTreeSet<Arc<str>> {
            let lines = export.deals.iter().filter(|line| line[column].is_empty());
            lines.map(|line| Arc::from(line["opportunity_id"].as_str())).collect()
        };
        assert_eq!((empty("account").len(), empty("close_value").len()), (1_425, 2_089));
        assert!(flagged("missing_account") == empty("account"), "{} flagged", flagged("missing_account").len());
        assert!(flagged("missing_value") == empty("close_value"), "{} flagged", flagged("missing_value").len());
        let without = self.live(Entity::Deal).into_iter().filter(|deal| deal["org_id"].is_null()).count();
        assert_eq!(without, 1_425);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn decimal(value: &Value) -> Decimal {
    Decimal::from_str(&value.to_string()).expect("a number")
}

/// The value that a row says; nothing counts as zero.
fn worth(line: &Line) -> Decimal {
    let text = &line["close_value"];
    if text.is_empty() { Decimal::ZERO } else { Decimal::from_str(text).expect("a number") }
}

/// Moves the whole export into a simulated account without limits; every gate is approved.
async fn migrate(export: &Export, folder: &Path) -> (Running, Journal, Verification) {
    let clock = Clock::system();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let settings = Settings { unlimited: true, caps: false, ..Settings::default() };
    let pipedrive = Pipedrive::start(settings, clock.clone(), listener).expect("an account");
    for agent in &export.agents {
        let name = &agent["sales_agent"];
        drop(pipedrive.add_user(name, &format!("{}@users.example", name.replace(' ', ".").to_lowercase())));
    }
    std::fs::write(folder.join("mapping.toml"), include_str!("fixtures/maven-crm.mapping.toml")).expect("written");
    let text = format!(
        "name = \"maven\"\n[source]\nfolder = {:?}\npoll_seconds = 1\n[pipedrive]\naddress = \"http://{}\"\n\
         unlimited = true\nlist_lag_seconds = 0\n",
        export.folder,
        pipedrive.address()
    );
    let environment = |name: &str| (name == "CROSSDOCK_PIPEDRIVE_TOKEN").then(|| pipedrive.token());
    let config = Config::parse(&text, &Surroundings { folder, environment: &environment }).expect("settings");
    let (_stopper, stop) = stop::switch();
    let signals = Signals::default();
    // An export does not change any more.
    signals.freeze();
    let opening = Opening {
        signals,
        checkpoint: Some(Arc::new(|_| async { Ok(()) }.boxed())),
        ..Opening::new(folder, clock.clone(), stop)
    };
    let migration = Migration::open(config, opening).await.expect("it opens");
    let approver = tokio::spawn(approve_all(migration.journal().clone(), clock));
    let ending = migration.run().await.expect("it runs to its end");
    approver.abort();
    assert_eq!(ending, Ending::Done);
    (pipedrive, migration.journal().clone(), migration.verification().expect("it was verified"))
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
