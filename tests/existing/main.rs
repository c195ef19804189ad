//! Accounts that are not empty: who is there is found, filled where blank, linked to, and never doubled.
//!
//! People's records and an export that knows a part of them meet in one process, in virtual time. `EXISTING_RECORDS` is
//! how many persons there are; 2,000 without it.

#![cfg(feature = "standin")]
#![expect(clippy::print_stdout, reason = "the figures are what a run with more records is for")]

mod account;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::control::{Saying, keep};
use crossdock::journal::{GateVerdict, Journal, PhaseState};
use crossdock::migration::{Ending, GateState, Migration, Opening, Point, Signals, artefact};
use crossdock::permit::Gate;
use crossdock::pipedrive::Row;
use crossdock::record::{BindingKey, Entity, Fate, Object};
use crossdock::standin::pipedrive::{
    FaultKind, FaultRule, Ledger, PeopleAction, PeopleEdit, Pipedrive, Running, Settings,
};
use crossdock::stop;
use futures::FutureExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use account::{Account, COMPANIES, Kind, TWICE};

const MAPPING: &str = include_str!("../fixtures/existing.mapping.toml");

/// Rows of one list page (OpenAPI v2: `limit`), and what it costs.
const PAGE_ROWS: u64 = 500;
const PAGE_TOKENS: u64 = 10;

/// Both ends and the migration's folder.
struct World {
    clock: Clock,
    pipedrive: Arc<Running>,
    account: Account,
    folder: tempfile::TempDir,
    mapping: String,
}

/// The books at the moments of a run.
type Books = Arc<Mutex<Vec<(Point, Ledger)>>>;

fn drive<F: Future<Output = ()>>(persons: usize, test: impl FnOnce(World) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-01-05T14:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let settings = Settings { unlimited: true, caps: false, ..Settings::default() };
        let pipedrive = Arc::new(Pipedrive::start(settings, clock.clone(), listener).expect("an account"));
        let account = Account::fill(&pipedrive, persons);
        let folder = tempfile::tempdir().expect("a folder");
        account.export(folder.path());
        test(World { clock: clock.clone(), pipedrive, account, folder, mapping: MAPPING.to_owned() }).await;
    }));
}

impl World {
    /// Opens the migration, as a daemon does at its start; `at` lets people act.
    async fn open(&self, at: impl Fn(Point, &Running) + Send + Sync + 'static) -> (Migration, Books) {
        std::fs::write(self.folder.path().join("mapping.toml"), &self.mapping).expect("written");
        let text = format!(
            "name = \"m1\"\n[source]\nfolder = {:?}\npoll_seconds = 1\n[pipedrive]\naddress = \"http://{}\"\n\
             unlimited = true\nlist_lag_seconds = 0\n",
            self.folder.path(),
            self.pipedrive.address()
        );
        let environment = |name: &str| (name == "CROSSDOCK_PIPEDRIVE_TOKEN").then(|| self.pipedrive.token());
        let surroundings = Surroundings { folder: self.folder.path(), environment: &environment };
        let config = Config::parse(&text, &surroundings).expect("settings");
        let (signals, (_stopper, stop)) = (Signals::default(), stop::switch());
        signals.freeze();
        let (books, pipedrive) = (Books::default(), Arc::clone(&self.pipedrive));
        let kept = Arc::clone(&books);
        let checkpoint = move |point| {
            kept.lock().expect("not poisoned").push((point, pipedrive.ledger()));
            at(point, &pipedrive);
            async { Ok(()) }.boxed()
        };
        let opening = Opening {
            signals,
            checkpoint: Some(Arc::new(checkpoint)),
            ..Opening::new(self.folder.path(), self.clock.clone(), stop)
        };
        (Migration::open(config, opening).await.expect("it opens"), books)
    }

    async fn finish(&self, migration: &Migration) {
        let approver = tokio::spawn(self.clock.track(approve_all(migration.journal().clone(), self.clock.clone())));
        let ending = Box::pin(migration.run()).await.expect("it runs to its end");
        approver.abort();
        assert_eq!(ending, Ending::Done);
    }

    /// Live records by id.
    fn live(&self, entity: Entity) -> BTreeMap<i64, Row> {
        let rows = self.pipedrive.rows(entity).into_iter().filter(|row| row["is_deleted"] != true);
        let row = |row: Value| {
            let id = row["id"].as_i64().expect("an id");
            let Value::Object(body) = row else { panic!("an object") };
            (id, Row { id: id.to_string().into(), body })
        };
        rows.map(row).collect()
    }

    /// What a person has: name, addresses, numbers, organization, account number.
    fn person(&self, row: &Row) -> Value {
        let values = |name: &str| -> Vec<Value> {
            row.body[name].as_array().expect("a list").iter().map(|entry| entry["value"].clone()).collect()
        };
        let account = row.custom(&self.account.account_code).cloned().unwrap_or_default();
        json!([row.body["name"], values("emails"), values("phones"), row.body["org_id"], account])
    }

    /// Ids of companies by number: those that were there, and those that were made.
    fn companies(&self) -> Vec<i64> {
        let live = self.live(Entity::Organization);
        let made = |name: String| *live.iter().find(|(_, row)| row.text("name") == Some(&name)).expect("made").0;
        let there = self.account.companies.iter().enumerate();
        there.map(|(number, id)| id.unwrap_or_else(|| made(format!("Company {number} ltd")))).collect()
    }

    /// The person of each deal and each note, by title or text.
    fn children(&self) -> BTreeMap<String, Option<i64>> {
        let of = |entity: Entity, name: &'static str| {
            let title = |row: &Row| row.text(name).expect("a text").replace("<p>", "").replace("</p>", " ");
            let first = move |row: &Row| title(row).split('[').next().expect("a text").trim().to_owned();
            self.live(entity).into_values().map(move |row| (first(&row), row.body["person_id"].as_i64()))
        };
        of(Entity::Deal, "title").chain(of(Entity::Note, "content")).collect()
    }
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

fn of(ledger: &BTreeMap<String, u64>, name: &str) -> u64 {
    ledger.get(name).copied().unwrap_or_default()
}

fn client(id: impl ToString, role: &str) -> BindingKey {
    BindingKey::new(Object::Client, id.to_string(), role)
}

#[test]
fn an_account_that_is_not_empty_is_filled_and_nobody_is_doubled() {
    let persons = std::env::var("EXISTING_RECORDS").map_or(2_000, |text| text.parse().expect("a number"));
    drive(persons, |world| async move {
        let before = world.live(Entity::Person);
        let (migration, books) = world.open(|_, _| {}).await;
        world.finish(&migration).await;
        check_counts(&world);
        check_persons(&world, &before);
        check_organizations(&world);
        check_children(&world);
        check_unclear(&world, &migration).await;
        check_fates(&world, &migration).await;
        check_plan(&world);
        check_tokens(&world, &books);
        Box::pin(again(&world, migration)).await;
    });
}

/// Existing and new ones, no more, and nothing deleted.
fn check_counts(world: &World) {
    let (Account { persons, .. }, live) = (&world.account, world.live(Entity::Person));
    assert_eq!(live.len(), persons + world.account.new_clients());
    assert_eq!(world.live(Entity::Organization).len(), COMPANIES);
    let ledger = world.pipedrive.ledger();
    assert_eq!(of(&ledger.created, "person"), world.account.new_clients() as u64);
    // And the throw-away record of the preflight, which is deleted at once.
    assert_eq!(of(&ledger.created, "organization"), COMPANIES as u64 / 2 + 1);
    assert_eq!((of(&ledger.deleted, "person"), of(&ledger.deleted, "organization")), (0, 1));
    // Blank and mixed ones once; full, unclear and strange ones never.
    assert_eq!(of(&ledger.updated, "person"), *persons as u64 * 4 / 10);
    assert_eq!(of(&ledger.updated, "organization"), COMPANIES as u64 / 4);
}

/// Blanks are filled, and what people put stays.
fn check_persons(world: &World, before: &BTreeMap<i64, Row>) {
    let (live, companies) = (world.live(Entity::Person), world.companies());
    let marked = |row: &Row| row.body["custom_fields"].to_string().contains("m1:client/");
    for number in 0..world.account.persons {
        let (id, kind) = (world.account.ids[number], account::kind(number));
        let (was, row) = (world.person(&before[&id]), &live[&id]);
        let mut expected = was.clone();
        if matches!(kind, Kind::Blank | Kind::Mixed) {
            (expected[3], expected[4]) = (json!(companies[number % COMPANIES]), json!(format!("A-c{number}")));
        }
        if kind == Kind::Blank {
            expected[2] = json!([format!("+1312555{:04}", number % 1000)]);
        }
        assert_eq!(world.person(row), expected, "{kind:?} {number}");
        assert_eq!(marked(row), matches!(kind, Kind::Blank | Kind::Mixed), "{kind:?} {number}");
        if matches!(kind, Kind::Full | Kind::Pair | Kind::Stranger) {
            assert_eq!(row.body["update_time"], before[&id].body["update_time"], "{kind:?} {number} was touched");
        }
    }
}

fn check_organizations(world: &World) {
    let live = world.live(Entity::Organization);
    for (number, id) in world.account.companies.iter().enumerate().filter_map(|(number, id)| Some((number, (*id)?))) {
        let address = if number.is_multiple_of(4) { "1 Old Rd".to_owned() } else { format!("{number} New St") };
        assert_eq!(live[&id].body["address"]["value"], json!(address), "company {number}");
        assert_eq!(live[&id].text("name"), Some(&*format!("company   {number} LTD")));
    }
}

/// Children hang on the person that was there; those of unclear ones wait.
fn check_children(world: &World) {
    let children = world.children();
    for (number, id) in world.account.ids.iter().enumerate() {
        let (deal, note) = (children.get(&format!("Deal c{number}")), children.get(&format!("Note c{number}")));
        match account::kind(number) {
            Kind::Pair | Kind::Stranger => assert_eq!((deal, note), (None, None), "{number}"),
            _ => {
                assert_eq!(deal, Some(&Some(*id)), "{number}");
                assert_eq!(note, number.is_multiple_of(7).then_some(&Some(*id)), "{number}");
            }
        }
        if number.is_multiple_of(TWICE) {
            assert_eq!(children.get(&format!("Deal c{number}b")), Some(&Some(*id)), "{number}b");
        }
    }
}

/// One question for each pair, which names both.
async fn check_unclear(world: &World, migration: &Migration) {
    let questions = migration.journal().questions().await.expect("read");
    assert_eq!(questions.len(), world.account.persons / 10);
    for number in world.account.of(Kind::Pair).step_by(2) {
        let (one, other) = (world.account.ids[number], world.account.ids[number + 1]);
        let key = client(format!("c{number}"), "person");
        let question = questions.iter().find(|question| question.subject == key.to_string()).expect("asked");
        assert_eq!(question.topic, "existing");
        assert!(question.text.contains(&format!("{one}, {other}")), "{} {one} {other}", question.text);
        let bound = migration.journal().bound(vec![key]).await.expect("read").pop().flatten().expect("bound");
        assert_eq!((bound.fate, bound.waits_for.as_deref(), bound.dest_id), (Fate::Parked, Some("existing"), None));
    }
}

/// Everything adds up, and both layers of the verification are content.
async fn check_fates(world: &World, migration: &Migration) {
    let (journal, Account { persons, .. }) = (migration.journal(), &world.account);
    let reconciliation = migration.reconciliation().await.expect("read");
    assert!(reconciliation.balanced, "{:?}", reconciliation.entities);
    let clients = reconciliation.objects.iter().find(|line| line.object == Object::Client).expect("clients").fates;
    let total = persons * 6 / 10 + persons / TWICE + world.account.new_clients();
    assert_eq!(clients.extracted, total as u64);
    let person = reconciliation.entities.iter().find(|line| line.entity == Entity::Person).expect("persons");
    assert_eq!((person.loaded, person.matched), (world.account.new_clients() as u64, *persons as u64 / 2));
    for number in [0, 3, 4] {
        let bound = journal
            .bound(vec![client(format!("c{number}"), "person")])
            .await
            .expect("read")
            .pop()
            .flatten()
            .expect("bound");
        assert_eq!(bound.dest_id.as_deref(), Some(&*world.account.ids[number].to_string()));
        assert_eq!((bound.fate, bound.existing), (Fate::Matched, true), "{number}");
        assert!(bound.reason.is_some_and(|why| why.contains("the same emails")), "{number}");
    }
    let second = journal.bound(vec![client("c0b", "person")]).await.expect("read").pop().flatten().expect("bound");
    assert_eq!((second.fate, second.survivor), (Fate::Merged, Some(client("c0", "person"))));
    let verification = migration.verification().expect("verified");
    assert!(verification.is_clean(), "{}", verification.says());
    assert_eq!(verification.entities[&Entity::Person].compared, person.loaded + person.matched);
}

/// Matches are counted before the load, and are no creates.
fn check_plan(world: &World) {
    let path = world.folder.path().join("reports/plan.json");
    let plan: Value = serde_json::from_slice(&std::fs::read(path).expect("written")).expect("JSON");
    assert_eq!(plan["records"]["person"], json!(world.account.new_clients()));
    assert_eq!(plan["records"]["organization"], json!(COMPANIES / 2));
    let costs = plan["costs"].as_array().expect("a list");
    let filling = costs.iter().find(|cost| cost["what"].as_str().is_some_and(|what| what.starts_with("Fill")));
    let filled = world.account.persons / 2 + COMPANIES / 2;
    assert_eq!(filling.expect("a line")["requests"], json!(filled));
}

/// Looks at persons that belong to the sample alone: lists of up to 500 or by their ids at 10 tokens each, and some single
/// ones.
const SAMPLE_TOKENS: f64 = 90.0;

/// Finding out costs a tenth of a token for each record that was there, everything counted: the survey's walk, the load's,
/// and the look at blanks just before they are filled. The sweep at the end of the load is none of it.
fn check_tokens(world: &World, books: &Books) {
    let books = books.lock().expect("not poisoned");
    let at = |wanted: Point| &books.iter().find(|(point, _)| *point == wanted).expect("reached").1.tokens_by_endpoint;
    let reading = |ledger: &BTreeMap<String, u64>, kind: &str| {
        let (list, get) = (format!("GET /api/v2/{kind}"), format!("GET /api/v2/{kind}/{{id}}"));
        assert!(ledger.keys().all(|name| !name.starts_with(&list) || *name == list || *name == get), "{ledger:?}");
        of(ledger, &list) + of(ledger, &get)
    };
    let sweep = world.live(Entity::Person).len() as u64;
    let swept = sweep.div_ceil(PAGE_ROWS) * PAGE_TOKENS;
    let (survey, load) = (reading(at(Point::Surveyed), "persons"), reading(at(Point::HalfLoaded), "persons") - swept);
    let persons = world.account.persons as f64;
    println!(
        "{persons} persons were there: {survey} tokens to find out in the survey, {load} with the load, {:.4} each",
        load as f64 / persons
    );
    assert_eq!(survey, (persons as u64).div_ceil(PAGE_ROWS) * PAGE_TOKENS);
    // The sample finds out where the list ends and reads its own persons back, however many there are.
    assert!(load as f64 <= 0.1 * persons + SAMPLE_TOKENS, "{load} tokens for {persons}");
}

/// Another load of the same does nothing.
async fn again(world: &World, migration: Migration) {
    let before = world.pipedrive.ledger();
    for phase in ["load", "follow", "verify"] {
        migration.journal().put_phase(phase, PhaseState::Running, world.clock.utc()).await.expect("kept");
    }
    drop(migration);
    let (migration, _) = world.open(|_, _| {}).await;
    world.finish(&migration).await;
    let after = world.pipedrive.ledger();
    assert_eq!((before.created, before.updated, before.deleted), (after.created, after.updated, after.deleted));
    assert!(migration.verification().expect("verified").is_clean());
}

#[test]
fn fills_whose_answers_are_lost_are_made_once() {
    let late = FaultKind::CutThenCommit { after: Duration::from_secs(20) };
    for kind in
        [FaultKind::CommitThenCut, FaultKind::HtmlAnswer, late, FaultKind::Refuse { status: 502, body: String::new() }]
    {
        drive(200, |world| async move {
            let before = world.live(Entity::Person);
            let rule = |method: &str| {
                let rule =
                    FaultRule { path: Some("/api/v2/persons".into()), ..FaultRule::new(kind.clone()).times(2, 5) };
                FaultRule { method: Some(method.to_owned()), ..rule }
            };
            world.pipedrive.set_faults(vec![rule("PATCH"), rule("POST")]);
            let (migration, _) = world.open(|_, _| {}).await;
            world.finish(&migration).await;
            check_counts(&world);
            check_persons(&world, &before);
            check_children(&world);
            check_fates(&world, &migration).await;
        });
    }
}

#[test]
fn a_pair_that_people_merge_is_found_by_itself() {
    drive(100, |world| async move {
        let (one, other) = (world.account.ids[5], world.account.ids[6]);
        let merge = move |point, pipedrive: &Running| {
            if point == Point::Loaded {
                let edit =
                    PeopleEdit::new(PeopleAction::Merge, Entity::Person, other).with(json!({"merge_with_id": one}));
                pipedrive.edit_as_people(edit).expect("merged");
            }
        };
        let (migration, _) = world.open(merge).await;
        world.finish(&migration).await;
        let bound = migration.journal().bound(vec![client("c5", "person")]).await.expect("read").pop().flatten();
        let bound = bound.expect("bound");
        assert_eq!((bound.fate, bound.dest_id.as_deref()), (Fate::Matched, Some(&*one.to_string())));
        assert_eq!(world.children().get("Deal c5"), Some(&Some(one)));
        let questions = migration.journal().questions().await.expect("read");
        assert!(questions.len() == 9 && questions.iter().all(|question| !question.subject.contains("/c5#")));
        assert_eq!(of(&world.pipedrive.ledger().created, "person"), world.account.new_clients() as u64);
        assert!(migration.verification().expect("verified").is_clean());
    });
}

#[test]
fn what_the_mapping_says_becomes_of_a_match() {
    for (then, updated, created) in [("keep", 0, 0), ("update", 50, 0), ("ignore", 0, 60)] {
        drive(100, |world| async move {
            let world = World { mapping: MAPPING.replace("then = \"fill\"", &format!("then = \"{then}\"")), ..world };
            let world = World {
                mapping: world.mapping.replace("by = [\"emails\"], then = \"ignore\"", "then = \"ignore\""),
                ..world
            };
            let world = World {
                mapping: world.mapping.replace("by = [\"name\"], then = \"ignore\"", "then = \"ignore\""),
                ..world
            };
            let before = world.live(Entity::Person);
            let (migration, _) = world.open(|_, _| {}).await;
            world.finish(&migration).await;
            let ledger = world.pipedrive.ledger();
            let new = world.account.new_clients() as u64 + created + if then == "ignore" { 1 } else { 0 };
            assert_eq!((of(&ledger.updated, "person"), of(&ledger.created, "person")), (updated, new), "{then}");
            assert!(migration.verification().expect("verified").is_clean(), "{then}");
            assert!(migration.reconciliation().await.expect("read").balanced, "{then}");
            let live = world.live(Entity::Person);
            for number in world.account.of(Kind::Full) {
                let id = world.account.ids[number];
                let (was, is) = (world.person(&before[&id]), world.person(&live[&id]));
                if then == "update" {
                    assert_eq!((&is[0], &is[4]), (&json!(format!("Source c{number}")), &json!(format!("A-c{number}"))));
                } else {
                    assert_eq!(is, was, "{then}");
                }
            }
            let linked = world.children()["Deal c0"].expect("a person");
            assert_eq!(linked == world.account.ids[0], then != "ignore", "{then}");
        });
    }
}

#[test]
fn who_is_made_on_both_sides_while_changes_are_followed_is_found() {
    drive(100, |world| async move {
        let clients = world.folder.path().join("clients.csv");
        let meet = move |point, pipedrive: &Running| {
            if point == Point::Loaded {
                let body = json!({"name": "Met Late", "emails": [{"value": "Late@Example.com", "label": "work"}]});
                let edit = PeopleEdit::new(PeopleAction::Create, Entity::Person, "").with(body);
                pipedrive.edit_as_people(edit).expect("made");
                let mut text = std::fs::read_to_string(&clients).expect("read");
                text.push_str("late,Late,late@example.com,,,,A-late,2020-01-02T00:00:00Z\n");
                std::fs::write(&clients, text).expect("written");
            }
        };
        let (migration, _) = world.open(meet).await;
        world.finish(&migration).await;
        let bound = migration.journal().bound(vec![client("late", "person")]).await.expect("read").pop().flatten();
        let bound = bound.expect("bound");
        let live = world.live(Entity::Person);
        let (id, _) = live.iter().find(|(_, row)| row.text("name") == Some("Met Late")).expect("there");
        assert_eq!((bound.fate, bound.dest_id.as_deref()), (Fate::Matched, Some(&*id.to_string())));
        assert_eq!(live.len(), 100 + world.account.new_clients() + 1);
        assert_eq!(world.person(&live[id])[4], json!("A-late"));
        assert!(migration.verification().expect("verified").is_clean());
    });
}

#[test]
fn an_empty_account_costs_one_page() {
    drive(0, |world| async move {
        let (migration, books) = world.open(|_, _| {}).await;
        world.finish(&migration).await;
        let books = books.lock().expect("not poisoned");
        let (_, ledger) = books.iter().find(|(point, _)| *point == Point::Surveyed).expect("reached");
        assert_eq!(of(&ledger.tokens_by_endpoint, "GET /api/v2/persons"), PAGE_TOKENS);
    });
}
