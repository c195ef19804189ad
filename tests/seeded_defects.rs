//! Seeded defects: verification finds each one that is put into a finished load, counts it once, and names it.
//!
//! A small account is moved whole, in virtual time, and nothing differs. Then Pipedrive, or the promise itself, is changed
//! behind the migration's back, and both layers of the verification look again. `SEED` chooses the account.

#![cfg(feature = "standin")]
#![expect(clippy::print_stdout, reason = "the seed belongs into the test's output")]

#[expect(dead_code, reason = "the tests that kill the daemon use more of it")]
mod processes;

#[path = "support/ends.rs"]
mod ends;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crossdock::config::{Credentials, Secret, Spending};
use crossdock::control::Status;
use crossdock::http::Http;
use crossdock::journal::{EffectKind, Intent, Outcome, Promised};
use crossdock::migration::{GateState, Migration, artefact, found};
use crossdock::permit::Gate;
use crossdock::pipedrive::{Budget, Client, Me};
use crossdock::record::Entity;
use crossdock::report::summary::{self, Run, Summary};
use crossdock::report::verification::{Compared, Verification};
use crossdock::standin::pipedrive::{PeopleAction, PeopleEdit, Running};
use serde_json::{Map, Value, json};

use ends::{ENTITIES, Ends, RECORDS, drive, id_of, live_ids, seed};
use processes::{Source, Standin, World, text, wait_for};

/// A step of a real daemon takes seconds; this is for machines that are busy with something else.
const LONGEST: Duration = Duration::from_secs(120);

/// What is done to Pipedrive between the load and the verification of the walk.
type Tampering = fn(&Running);

/// An account that was moved, with both ends still there.
struct Moved {
    ends: Ends,
    migration: Migration,
    me: Me,
    /// Tokens that Pipedrive charged the migration.
    charged: u64,
}

/// One difference, as the file of all differences has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    what: String,
    entity: String,
    destination_id: String,
    record: String,
    field: String,
    promised: String,
    found: String,
}

/// Moves an account and runs a test on what is there then.
fn moved<F: Future<Output = ()>>(tampering: Tampering, test: impl FnOnce(Moved) -> F) {
    drive(|ends| async move {
        let migration = ends.open(tampering).await;
        ends.finish(&migration).await;
        let charged = ends.pipedrive.ledger().tokens;
        let me = client(&ends).me().await.expect("an answer");
        test(Moved { ends, migration, me, charged }).await;
    });
}

impl Moved {
    /// Both layers, now.
    async fn verify(&self) -> Verification {
        self.migration.verify_now(&self.me).await.expect("verified")
    }

    /// Every difference of the last verification.
    fn differences(&self) -> BTreeSet<Line> {
        let path = self.ends.folder().join("reports/data/verification.csv");
        let mut reader = csv::Reader::from_path(path).expect("the file opens");
        let line = |row: csv::StringRecord| {
            let [what, entity, destination_id, record, field, promised, found] =
                std::array::from_fn(|column| row[column].to_owned());
            Line { what, entity, destination_id, record, field, promised, found }
        };
        reader.records().map(|row| line(row.expect("a row"))).collect()
    }

    /// What stands on the terminal at the end, and whether everything is balanced.
    async fn summary(&self, verification: &Verification) -> (String, bool) {
        let reconciliation = self.migration.reconciliation().await.expect("built");
        let summary = Summary::new(&reconciliation, verification, Run::default());
        (summary::text(&summary), summary.balanced)
    }

    /// The bindings of a kind of record that have a live record of their own, by its id.
    async fn bound(&self, entity: Entity) -> BTreeMap<String, Promised> {
        let ids = live_ids(&self.ends.pipedrive, entity);
        self.migration.journal().promised_to(entity, ids).await.expect("read").into_iter().collect()
    }

    /// Writes another promise into the journal, as if everything had been made by it.
    async fn promise(&self, promised: &Promised, promise: &Map<String, Value>) {
        let bound = &promised.bound;
        let intent = Intent {
            key: bound.key.clone(),
            version: bound.version,
            entity: bound.entity,
            kind: EffectKind::Update,
            body: Value::Object(promise.clone()).to_string(),
            sent: None,
            asked: None,
            floor_id: None,
            dest_id: bound.dest_id.clone(),
            preimage: None,
            tries: 1,
        };
        let (dest_id, base) = (bound.dest_id.clone().expect("loaded"), promised.base.clone().expect("loaded"));
        let held = vec![(intent, Outcome::Done { dest_id, base })];
        self.migration.journal().hold(held, self.ends.clock.utc()).await.expect("kept");
    }

    fn row(&self, entity: Entity, id: &str) -> Value {
        let rows = self.ends.pipedrive.rows(entity);
        rows.into_iter().find(|row| id_of(row) == id).expect("the record is there")
    }

    fn edit(&self, action: PeopleAction, entity: Entity, id: &str, fields: Value) -> Result<Value, String> {
        let edit = PeopleEdit::new(action, entity, id).with(fields);
        self.ends.pipedrive.edit_as_people(edit).map_err(|error| error.chain())
    }
}

/// A client of our own for the same account.
fn client(ends: &Ends) -> Client {
    let http = Http::new(ends.clock.clone(), Duration::from_secs(30), 1).expect("a client");
    let base = format!("http://{}", ends.pipedrive.address()).parse().expect("an address");
    let budget = Arc::new(Budget::new(ends.clock.clone(), Spending::Unlimited, 64).expect("a budget"));
    Client::new(http, base, Credentials::ApiToken(Secret::fixed(ends.pipedrive.token().into())), budget)
}

fn body_of(text: Option<&String>) -> Map<String, Value> {
    serde_json::from_str(text.expect("a body")).expect("a JSON object")
}

fn leave_alone(_: &Running) {}

fn drop_a_note(pipedrive: &Running) {
    let id = live_ids(pipedrive, Entity::Note).pop().expect("a note");
    pipedrive.edit_as_people(PeopleEdit::new(PeopleAction::Delete, Entity::Note, id)).expect("deleted");
}

#[test]
fn what_is_left_alone_is_clean() {
    moved(leave_alone, |moved| async move {
        let walked = moved.migration.verification().expect("it was verified");
        assert!(walked.is_clean(), "{:?}", moved.differences());
        assert!(walked.totals.compared > 200 && walked.totals.fields > 2_000, "{:?}", walked.totals);
        assert!(walked.stages.len() > 2 && walked.owners.len() > 2 && walked.counts.len() > 5, "{walked:?}");
        for entity in ENTITIES {
            assert!(walked.entities[&entity].compared > 0, "{entity}");
        }
        let counted: u64 =
            moved.migration.journal().ledger().await.expect("read").iter().map(|entry| entry.tokens).sum();
        assert_eq!(counted, moved.charged, "tokens as we count them, and as Pipedrive charges them");
        let (text, balanced) = moved.summary(&walked).await;
        assert!(balanced && text.contains("all as promised\n"), "{text}");
        let found = found(moved.migration.journal()).await.expect("read").expect("kept");
        assert!(found.is_clean && found.says.ends_with("everything is in Pipedrive as promised."), "{found:?}");
        assert_eq!(moved.verify().await, walked);
    });
}

#[test]
fn a_dropped_record_is_missing_in_every_word_about_the_migration() {
    moved(drop_a_note, |moved| async move {
        let walked = moved.migration.verification().expect("it was verified");
        let Compared { mismatched, missing, extra, .. } = walked.totals;
        assert_eq!((mismatched, missing, extra, walked.is_clean()), (0, 1, 0, false), "{:?}", moved.differences());
        let (text, balanced) = moved.summary(&walked).await;
        assert!(!balanced && text.contains("0 DIFFER, 1 MISSING, 0 EXTRA") && text.contains("NOT BALANCED"), "{text}");
        let page = |name: &str| std::fs::read_to_string(moved.ends.folder().join("reports").join(name)).expect("there");
        assert!(page("verification.html").contains("1 record is missing."));
        assert!(page("reconciliation.html").contains("another number of our records than the journal"));
        let status = Status::read(moved.migration.journal(), None, None).await.expect("read");
        assert!(status.text().contains("1 record is missing."), "{}", status.text());
    });
}

#[test]
fn what_is_approved_at_the_cutover_is_what_was_verified() {
    let digests = [leave_alone, leave_alone, drop_a_note as Tampering].map(|tampering| {
        let digest = std::cell::OnceCell::new();
        moved(tampering, |moved| {
            let digest = &digest;
            async move {
                let state = artefact(moved.migration.journal(), Gate::Cutover).await.expect("read");
                let GateState::Approved { digest: approved, .. } = state else { panic!("{state:?}") };
                digest.set(approved).expect("once");
            }
        });
        digest.into_inner().expect("approved")
    });
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
}

#[test]
fn every_dropped_record_is_missing_and_every_doubled_one_extra() {
    moved(leave_alone, |moved| async move {
        let (mut missing, mut extra) = (0, 0);
        for entity in ENTITIES {
            let bound = moved.bound(entity).await;
            let mut ids = bound.keys();
            let (first, second) = (ids.next().expect("one"), ids.next().expect("another"));
            moved.edit(PeopleAction::Duplicate, entity, first, Value::Null).expect("doubled");
            extra += 1;
            let doubled = moved.verify().await;
            let expected = Compared { missing, extra, ..doubled.totals };
            assert_eq!((doubled.totals, doubled.totals.mismatched), (expected, 0), "{entity} doubled");
            let copy = moved.differences().into_iter().find(|line| {
                let is_copy = line.what == "extra" && line.entity == entity.as_str();
                is_copy && line.record.contains(&*bound[first].bound.key.source_id)
            });
            assert!(copy.is_some_and(|copy| copy.destination_id != *first), "{entity} {first}");

            moved.edit(PeopleAction::Delete, entity, second, Value::Null).expect("deleted");
            missing += 1;
            let dropped = moved.verify().await;
            let expected = Compared { missing, extra, ..dropped.totals };
            assert_eq!((dropped.totals, dropped.totals.mismatched), (expected, 0), "{entity} dropped");
            let is_it = |line: &Line| {
                (line.what.as_str(), line.destination_id.as_str(), line.record.as_str())
                    == ("missing", second.as_str(), bound[second].bound.key.to_string().as_str())
            };
            assert!(moved.differences().iter().any(is_it), "{entity} {second}: {:?}", moved.differences());
            assert!(!moved.summary(&dropped).await.1, "{entity}: balanced without one of its records");
        }
    });
}

/// One field that is given another value than was promised.
struct Alteration {
    entity: Entity,
    id: String,
    promise: Promised,
    field: String,
    promised: Value,
    other: Value,
}

impl Alteration {
    /// For each field that a kind of record promises: one record, and the value of another one.
    fn all(entity: Entity, bound: &BTreeMap<String, Promised>) -> Vec<Self> {
        let promises: Vec<(&String, &Promised, Map<String, Value>)> =
            bound.iter().map(|(id, bound)| (id, bound, flat(body_of(bound.promise.as_ref())))).collect();
        let fields: BTreeSet<&String> = promises.iter().flat_map(|(.., promise)| promise.keys()).collect();
        let of_field = |field: &String| {
            let mut held = promises.iter().filter_map(|(id, bound, promise)| Some((id, bound, promise.get(field)?)));
            let (id, bound, promised) = held.next()?;
            let other = match held.find(|(.., other)| *other != promised) {
                // These end with our marker, which is no part of the text.
                Some(_) if is_marked_text(entity, field) => json!(format!("<p>altered</p>{}", promised.as_str()?)),
                Some((.., other)) => other.clone(),
                None => return None,
            };
            let (id, bound, field, promised) = ((*id).clone(), (*bound).clone(), field.clone(), promised.clone());
            Some(Self { entity, id, promise: bound, field, promised, other })
        };
        fields.into_iter().filter_map(of_field).collect()
    }

    /// Whether it is a custom field that stands below a key of its own.
    fn is_nested(&self) -> bool {
        let has_nested = matches!(self.entity, Entity::Organization | Entity::Person | Entity::Deal);
        has_nested && self.field.len() == 40 && self.field.chars().all(|c| c.is_ascii_hexdigit())
    }

    /// Puts the other value into Pipedrive; false when nobody can, because the field is fixed once the record is made.
    fn alter(&self, moved: &Moved) -> bool {
        let before = moved.row(self.entity, &self.id);
        let body = match self.is_nested() {
            true => json!({"custom_fields": {&self.field: &self.other}}),
            false => json!({&self.field: &self.other}),
        };
        let edited = moved.edit(PeopleAction::Update, self.entity, &self.id, body);
        edited.is_ok() && moved.row(self.entity, &self.id) != before
    }

    /// Puts back what was promised, and what Pipedrive changed along with it.
    fn restore(&self, moved: &Moved) {
        let promise = body_of(self.promise.promise.as_ref());
        let together = [self.field.as_str()].into_iter().chain(self.companions().iter().copied());
        let mut body: Map<String, Value> =
            together.filter_map(|field| Some((field.to_owned(), promise.get(field)?.clone()))).collect();
        if self.is_nested() {
            body = [("custom_fields".to_owned(), json!({&self.field: &self.promised}))].into_iter().collect();
        }
        moved.edit(PeopleAction::Update, self.entity, &self.id, Value::Object(body)).expect("put back");
    }

    /// Writes the other value into the promise instead.
    async fn promise(&self, moved: &Moved) {
        let mut promise = body_of(self.promise.promise.as_ref());
        let fields = match promise.get_mut("custom_fields") {
            Some(Value::Object(custom)) if self.is_nested() => custom,
            _ => &mut promise,
        };
        fields.insert(self.field.clone(), self.other.clone());
        moved.promise(&self.promise, &promise).await;
    }

    /// Fields that Pipedrive changes along with this one.
    fn companions(&self) -> &'static [&'static str] {
        match (self.entity, self.field.as_str()) {
            (Entity::Deal, "pipeline_id") => &["stage_id"],
            (Entity::Deal, "stage_id") => &["pipeline_id"],
            (Entity::Deal, "status") => &["won_time", "lost_time"],
            _ => &[],
        }
    }

    /// This alteration is the only difference, and is named with both values.
    fn check(&self, verification: &Verification, lines: &BTreeSet<Line>, promised: &Value) {
        let what = format!("{} {}: {lines:?}", self.promise.bound.key, self.field);
        let of_record = |line: &Line| {
            (line.what.as_str(), line.entity.as_str(), line.destination_id.as_str(), line.record.as_str())
                == ("differs", self.entity.as_str(), self.id.as_str(), self.promise.bound.key.to_string().as_str())
        };
        let is_this = |line: &&Line| of_record(line) && line.field == self.field;
        let is_companion = |line: &Line| of_record(line) && self.companions().contains(&line.field.as_str());
        let this = lines.iter().find(is_this).unwrap_or_else(|| panic!("not noticed: {what}"));
        assert!(lines.iter().all(|line| line == this || is_companion(line)), "{what}");
        assert_eq!(this.promised, promised.to_string(), "{what}");
        assert!(!this.found.is_empty() && this.found != this.promised, "{what}");
        let Compared { mismatched, missing, extra, .. } = verification.totals;
        assert_eq!((mismatched, missing, extra), (lines.len() as u64, 0, 0), "{what}");
        assert_eq!(verification.entities[&self.entity].mismatched, mismatched, "{what}");
        assert!(!verification.is_clean(), "{what}");
    }
}

/// A promise with its custom fields beside the others.
fn flat(mut promise: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(custom)) = promise.remove("custom_fields") {
        promise.extend(custom);
    }
    promise
}

fn is_marked_text(entity: Entity, field: &str) -> bool {
    matches!((entity, field), (Entity::Note, "content") | (Entity::Activity, "note"))
}

#[test]
fn every_altered_field_differs_by_its_name_and_both_values() {
    moved(leave_alone, |moved| async move {
        let mut altered = BTreeSet::new();
        let mut fixed = BTreeSet::new();
        for entity in ENTITIES {
            for alteration in Alteration::all(entity, &moved.bound(entity).await) {
                let name = if alteration.is_nested() { "custom" } else { &alteration.field };
                if alteration.alter(&moved) {
                    let now = moved.verify().await;
                    alteration.check(&now, &moved.differences(), &alteration.promised);
                    altered.insert((entity, name.to_owned()));
                    alteration.restore(&moved);
                } else {
                    alteration.promise(&moved).await;
                    let now = moved.verify().await;
                    alteration.check(&now, &moved.differences(), &alteration.other);
                    fixed.insert((entity, name.to_owned()));
                    moved.promise(&alteration.promise, &body_of(alteration.promise.promise.as_ref())).await;
                }
            }
        }
        println!("altered {altered:?}, fixed {fixed:?}");
        // Texts, amounts, days, times, custom fields, links and owners are all among them.
        for (entity, fields) in [
            (Entity::Organization, &["name", "address", "owner_id", "custom"][..]),
            (Entity::Person, &["name", "emails", "phones", "org_id", "owner_id", "custom"]),
            (Entity::Lead, &["title", "person_id", "organization_id", "label_ids", "owner_id"]),
            (Entity::Deal, &["title", "value", "stage_id", "status", "won_time", "expected_close_date", "custom"]),
            (Entity::Deal, &["person_id", "org_id", "owner_id"]),
            (Entity::Activity, &["subject", "type", "due_date", "due_time", "done", "note", "deal_id", "owner_id"]),
            (Entity::Note, &["content", "add_time", "deal_id", "user_id"]),
        ] {
            for field in fields {
                assert!(altered.contains(&(entity, (*field).to_owned())), "{entity} {field} was not altered");
            }
        }
        let expected = [(Entity::Organization, "add_time"), (Entity::Person, "add_time"), (Entity::Lead, "origin_id")];
        assert_eq!(fixed, expected.map(|(entity, field)| (entity, field.to_owned())).into_iter().collect());
        assert!(moved.verify().await.is_clean(), "{:?}", moved.differences());
    });
}

#[test]
fn a_wrong_promise_that_was_kept_is_seen_in_the_sums() {
    moved(leave_alone, |moved| async move {
        let deals = moved.bound(Entity::Deal).await;
        let worth =
            |bound: &&Promised| body_of(bound.promise.as_ref())["value"].as_f64().is_some_and(|value| value > 1.0);
        let bound = deals.values().find(worth).expect("a deal with a value");
        let mut promise = body_of(bound.promise.as_ref());
        let value = promise["value"].as_f64().expect("a number");
        let wrong = json!(value + 1_000.0);
        promise.insert("value".to_owned(), wrong.clone());
        moved.promise(bound, &promise).await;
        let id = bound.bound.dest_id.as_deref().expect("loaded");
        moved.edit(PeopleAction::Update, Entity::Deal, id, json!({"value": wrong})).expect("edited");

        let verification = moved.verify().await;
        assert!(verification.totals.is_clean() && !verification.is_clean(), "{:?}", verification.totals);
        for lines in [&verification.stages, &verification.owners] {
            let wrong: Vec<_> = lines.iter().filter(|line| !line.is_clean()).collect();
            assert!(wrong.len() == 1 && wrong[0].pipedrive - wrong[0].source == 1_000.into(), "{wrong:?}");
        }
        let (text, balanced) = moved.summary(&verification).await;
        assert!(balanced && text.contains("all as promised, but TOTALS DISAGREE with the source"), "{text}");
        assert!(verification.says().ends_with("2 totals do not agree."), "{}", verification.says());
    });
}

#[test]
fn a_wrong_promise_about_a_name_is_seen_among_the_identities() {
    moved(leave_alone, |moved| async move {
        let deals = moved.bound(Entity::Deal).await;
        let (id, bound) = deals.first_key_value().expect("a deal");
        let mut promise = body_of(bound.promise.as_ref());
        let right = promise.insert("title".to_owned(), json!("Another name")).expect("a title");
        moved.promise(bound, &promise).await;
        moved.edit(PeopleAction::Update, Entity::Deal, id, json!({"title": "Another name"})).expect("edited");

        let verification = moved.verify().await;
        assert!(verification.totals.is_clean() && !verification.is_clean(), "{:?}", verification.totals);
        let line = verification.identities.first().expect("titles are compared");
        assert_eq!((line.only_source, line.only_pipedrive), (1, 1), "{line:?}");
        assert!(line.examples.contains(&"Pipedrive: Another name".to_owned()), "{line:?}");
        assert!(line.examples.contains(&format!("source: {}", right.as_str().expect("a text"))), "{line:?}");
    });
}

/// What the operator of a real migration sees of it: at the gate, in the status, and from the daemon's exit code.
#[test]
fn the_daemon_tells_of_differences_at_the_gate_and_ends_with_3() {
    let source = [format!("records={RECORDS}"), format!("seed={}", seed()), "rtt_ms=0".to_owned()];
    let promox = Standin::start("promox", &source.each_ref().map(String::as_str));
    let world = World::start(Source::promox(&promox), &[]);
    let daemon = world.daemon(&[]);
    for gate in ["map", "data", "plan", "workspace", "sample"] {
        wait_for(gate, LONGEST, || world.waits_at(gate).then_some(()));
        world.approve(gate);
    }
    wait_for("the end of the load", LONGEST, || (world.status()?["phase"] == "follow").then_some(()));
    let rows = world.pipedrive.get("rows/note");
    world.pipedrive.post("people", &json!({"action": "delete", "entity": "note", "id": rows[0]["id"]}));
    let frozen = world.run(&["freeze"]);
    assert!(frozen.status.success(), "{}", text(&frozen));

    wait_for("the cutover gate", LONGEST, || world.waits_at("cutover").then_some(()));
    let status = world.run(&["status"]);
    assert_eq!(status.status.code(), Some(4), "{}", text(&status));
    assert!(text(&status).contains("1 record is missing."), "{}", text(&status));
    world.approve("cutover");
    assert_eq!(daemon.end(LONGEST).code(), Some(3), "{}", world.said());
}
