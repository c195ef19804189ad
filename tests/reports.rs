//! Reports on a small journal: the figures are right, pages are safe and whole, files are complete, JSON is stable.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossdock::clock::Clock;
use crossdock::config::{Plan as Tariff, Spending};
use crossdock::journal::{Conclusion, EffectKind, Intent, Journal, Landing, Outcome, Question, RoleFate};
use crossdock::record::{BindingKey, Entity, Fate, Finding, Object, Place, SourceRecord};
use crossdock::report;
use crossdock::report::handover::Handover;
use crossdock::report::owners::{OwnerLine, OwnerUser, Owners};
use crossdock::report::plan::caps::Existing;
use crossdock::report::plan::conflicts::Found;
use crossdock::report::plan::daily::Following;
use crossdock::report::plan::forecast::{Effort, Start};
use crossdock::report::plan::{Cost, Plan, PlanInput, PlannedField, PlannedPipeline, PlannedStage};
use crossdock::report::preflight::Preflight;
use crossdock::report::questions::Questions;
use crossdock::report::reconciliation::Reconciliation;
use crossdock::report::survey::{Survey, Undecided};
use crossdock::report::verification::{IdentityLine, SumLine, Verification, Verifying};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// A value that breaks out of careless HTML and CSV.
const HOSTILE: &str = "=cmd|'/c calc'!A1</td><script>alert(\"x\")</script>";

struct Bench {
    journal: Journal,
    folder: Folder,
}

/// Where the reports go: a temporary folder, or a kept one to look at the pages.
enum Folder {
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn new() -> Self {
        match std::env::var_os("CROSSDOCK_REPORT_SAMPLES") {
            Some(kept) => Folder::Kept(kept.into()),
            None => Folder::Temporary(tempfile::tempdir().expect("a folder")),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Temporary(folder) => folder.path(),
            Folder::Kept(path) => path,
        }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join("reports").join(name)).expect("the report is there")
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(&format!("{name}.json"))).expect("the report is JSON")
    }
}

fn at() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().expect("a time")
}

fn run<T>(test: impl AsyncFnOnce(Bench) -> T) -> T {
    let folder = Folder::new();
    let store = tempfile::tempdir().expect("a folder");
    let journal = Journal::open(&store.path().join("journal.db"), Clock::system()).expect("opened");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(test(Bench { journal, folder }))
}

fn landing(object: Object, id: &str) -> Landing {
    let payload: Map<_, _> = [("value".to_owned(), json!(id))].into_iter().collect();
    let place = Place { origin: "test".into(), row: 1 };
    let record = SourceRecord {
        object,
        id: id.into(),
        payload,
        modified: None,
        deleted: false,
        place,
        children: Vec::new(),
        between: Vec::new(),
    };
    Landing { record, digest: [0; 16], parent: None, onward: Vec::new(), walk: None }
}

impl Bench {
    async fn land(&self, object: Object, ids: impl Iterator<Item = u32>) {
        let landings = ids.map(|id| landing(object, &id.to_string())).collect();
        self.journal.land(landings, at()).await.expect("landed");
    }

    async fn end(&self, object: Object, ids: impl Iterator<Item = u32>, role: (&str, Entity), end: (Fate, &str)) {
        let ends = ids.map(|id| {
            let key = BindingKey::new(object, id.to_string(), role.0);
            let ended = RoleFate::new(key, role.1, 1, end.0).because(end.1.replace("ID", &id.to_string()));
            if end.0 == Fate::Parked { ended.waiting_for("owner") } else { ended }
        });
        self.journal.end_roles(ends.collect()).await.expect("written");
    }

    async fn load(&self, object: Object, ids: impl Iterator<Item = u32>, role: (&str, Entity)) {
        let intents: Vec<Intent> = ids
            .map(|id| Intent {
                key: BindingKey::new(object, id.to_string(), role.0),
                version: 1,
                entity: role.1,
                kind: EffectKind::Create,
                body: "{}".into(),
                sent: None,
                asked: None,
                floor_id: None,
                dest_id: None,
                preimage: None,
                tries: 1,
            })
            .collect();
        let effects = self.journal.intend(intents, at()).await.expect("intended");
        let done = effects.into_iter().enumerate().map(|(place, effect)| Conclusion {
            effect,
            outcome: Outcome::Done { dest_id: Arc::from((place + 1).to_string()), base: "{}".into() },
            tokens: 5,
        });
        self.journal.conclude(done.collect(), at()).await.expect("concluded");
    }

    /// 40 clients: 30 loaded (2 of them without their organization), 10 merged; 20 leads: 8 loaded, 4 rejected, 3
    /// skipped, 5 waiting; 6 projects loaded.
    async fn fill(&self) {
        let person = ("person", Entity::Person);
        self.land(Object::Client, 1..=40).await;
        self.load(Object::Client, 1..=30, person).await;
        self.end(Object::Client, 31..=40, person, (Fate::Merged, "the same person as client 1")).await;
        let organization = ("organization", Entity::Organization);
        self.end(Object::Client, 3..=4, organization, (Fate::Rejected, "Pipedrive refused \"Co ID\"")).await;
        self.land(Object::Lead, 1..=20).await;
        let lead = ("lead", Entity::Lead);
        self.load(Object::Lead, 1..=8, lead).await;
        self.end(Object::Lead, 9..=12, lead, (Fate::Rejected, HOSTILE)).await;
        self.end(Object::Lead, 13..=15, lead, (Fate::Skipped, "converted: its project is loaded")).await;
        self.end(Object::Lead, 16..=20, lead, (Fate::Parked, "owner u_ID has no Pipedrive user")).await;
        self.land(Object::Project, 1..=6).await;
        self.load(Object::Project, 1..=6, ("deal", Entity::Deal)).await;
        let findings = (1..=6).map(|id: u32| {
            let key = BindingKey::new(Object::Project, id.to_string(), "deal");
            (key, vec![Finding::new("missing_value", "value", HOSTILE)])
        });
        self.journal.add_findings(findings.collect()).await.expect("written");
    }

    async fn reconcile(&self, marked_persons: u64) -> Reconciliation {
        let marked = BTreeMap::from([(Entity::Person, marked_persons), (Entity::Lead, 8), (Entity::Deal, 6)]);
        Reconciliation::build(&self.journal, self.folder.path(), &marked).await.expect("built")
    }
}

#[test]
fn the_reconciliation_adds_up() {
    run(async |bench: Bench| {
        bench.fill().await;
        let built = bench.reconcile(30).await;
        report::write(bench.folder.path(), "reconciliation", at(), &built).expect("written");
        assert!(built.balanced);
        let json = bench.folder.json("reconciliation");
        let expected = json!({
            "extracted": 66, "loaded": 44, "merged": 10, "folded": 0, "matched": 0, "parked": 5, "rejected": 4,
            "skipped": 3, "without_fate": 0,
        });
        assert_eq!(json["totals"], expected);
        assert_eq!(json["objects"][1]["object"], "lead");
        assert_eq!(json["objects"][1]["balanced"], true);
        assert_eq!(
            json["entities"][0],
            json!({"entity": "person", "loaded": 30, "matched": 0, "marked": 30, "agrees": true})
        );
        assert_eq!(json["waits"], json!([{"waits_for": "owner", "roles": 5}]));
        assert_eq!(json["left_out"]["total"], 12);
        assert_eq!(json["left_out"]["groups"][0]["reason"], "owner … has no Pipedrive user");
        assert_eq!(json["parts_left_out"]["groups"][0]["count"], 2);
        assert_eq!(json["findings"]["groups"][0]["code"], "missing_value");
        let left_out = bench.folder.read("data/reconciliation.csv");
        // The head, 12 records, and the 2 parts.
        assert_eq!(left_out.lines().count(), 15);
        assert!(left_out.contains("client,3,organization,rejected,\"Pipedrive refused \"\"Co 3\"\"\""), "{left_out}");
        assert_eq!(bench.folder.read("data/findings.csv").lines().count(), 7);
    });
}

#[test]
fn a_record_without_fate_or_an_unknown_live_record_is_not_balanced() {
    run(async |bench: Bench| {
        bench.fill().await;
        assert!(!bench.reconcile(31).await.balanced);
        bench.land(Object::Task, 1..=1).await;
        let built = bench.reconcile(30).await;
        assert_eq!((built.balanced, built.totals.without_fate), (false, 1));
    });
}

#[test]
fn hostile_values_stay_text() {
    run(async |bench: Bench| {
        bench.fill().await;
        report::write(bench.folder.path(), "reconciliation", at(), &bench.reconcile(30).await).expect("written");
        let page = bench.folder.read("reconciliation.html");
        assert!(!page.contains("<script") && page.contains("&#60;script&#62;"), "escaped");
        for file in ["data/reconciliation.csv", "data/findings.csv"] {
            let text = bench.folder.read(file);
            assert!(text.contains("'=cmd") && !text.contains(",=cmd") && !text.contains("\"=cmd"), "{file}: {text}");
        }
    });
}

#[test]
fn pages_hold_the_figures_and_nothing_from_elsewhere() {
    run(async |bench: Bench| {
        bench.fill().await;
        report::write(bench.folder.path(), "reconciliation", at(), &bench.reconcile(30).await).expect("written");
        let page = bench.folder.read("reconciliation.html");
        let says = "66 records were read: the data of 54 is in Pipedrive, 3 were left out by rule, 5 wait and 4 cannot be \
                    loaded. Everything adds up.";
        for expected in [says, "owner … has no Pipedrive user", "data/reconciliation.csv", "2026-11-23 08:00 UTC"] {
            assert!(page.contains(expected), "{expected}");
        }
        for foreign in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let index = bench.folder.read("index.html");
        assert!(index.contains("reconciliation.html") && index.contains(says), "{index}");
    });
}

#[test]
fn the_same_journal_gives_the_same_bytes() {
    run(async |bench: Bench| {
        bench.fill().await;
        let mut written = Vec::new();
        for _ in 0..2 {
            report::write(bench.folder.path(), "reconciliation", at(), &bench.reconcile(30).await).expect("written");
            written.push((bench.folder.read("reconciliation.json"), bench.folder.read("reconciliation.html")));
        }
        assert_eq!(written[0], written[1]);
        assert!(written[0].0.starts_with("{\n  \"name\": \"reconciliation\",\n  \"title\": \"Reconciliation\",\n"));
    });
}

fn owner(id: &str, user: OwnerUser, records: u64) -> OwnerLine {
    let decision = if records == 41 { "reassign to sales@acme.example" } else { "" };
    OwnerLine {
        id: id.to_owned(),
        name: format!("Dana {id}"),
        email: format!("{id}@acme.example"),
        decision: decision.to_owned(),
        with_descendants: BTreeMap::from([("deal".to_owned(), records)]),
        user,
        records,
    }
}

fn owners() -> Vec<OwnerLine> {
    vec![
        owner("u_1", OwnerUser::Is("dana@acme.example".into()), 500),
        owner("u_2", OwnerUser::Nobody("no user has this e-mail address".into()), 70),
        owner("u_3", OwnerUser::Is("sales@acme.example".into()), 41),
    ]
}

fn survey() -> Survey {
    let mut survey = Survey::default();
    for (object, records) in
        [(Object::Client, 1_400), (Object::Lead, 900), (Object::Project, 1_100), (Object::Task, 700)]
    {
        survey.add_records(object, records);
    }
    for (entity, records) in [(Entity::Organization, 600), (Entity::Person, 1_300), (Entity::Deal, 1_080)] {
        (0..records).for_each(|_| survey.add_draft(entity));
    }
    for id in 0..35 {
        let id = id.to_string();
        survey.add_left_out(Object::Lead, &id, Fate::Rejected, "has neither a name nor a company");
        survey.add_left_out(Object::Client, &id, Fate::Merged, &format!("the same person as client {id}0"));
        let finding = Finding::new("invalid_date", "in_hands_date", "\"0000-00-00\" is not a date; it was left out");
        survey.add_finding(Object::Project, &id, &finding);
        survey.add_label(Entity::Deal, "Decoration method", ["Embroidery", "Screen print", "Laser"][id.len() % 3]);
    }
    survey.set_owners(owners());
    let column = |column: &str, filled| Undecided {
        object: Object::Client,
        table: "clients".into(),
        column: column.into(),
        filled,
        rows: 1_400,
    };
    survey.set_undecided(vec![column("fax", 12), column("shoe_size", 700)]);
    survey
}

#[test]
fn the_survey_is_a_report() {
    let folder = Folder::new();
    report::write(folder.path(), "quality", at(), &survey()).expect("written");
    let json = folder.json("quality");
    assert_eq!(json["objects"]["client"], 1_400);
    assert_eq!(json["drafts"]["deal"], 1_080);
    assert_eq!(
        json["owners"][0],
        json!({
            "id": "u_2", "name": "Dana u_2", "email": "u_2@acme.example", "decision": "",
            "user": {"nobody": "no user has this e-mail address"}, "records": 70, "with_descendants": {"deal": 70},
        })
    );
    assert_eq!(json["left_out"]["groups"][0]["examples"].as_array().map(Vec::len), Some(20));
    assert_eq!(
        json["undecided_columns"][0],
        json!({"object": "client", "table": "clients", "column": "shoe_size", "filled": 700, "rows": 1_400})
    );
    let page = folder.read("quality.html");
    assert!(page.contains("Columns that nobody decided about") && page.contains("shoe_size"), "{page}");
    assert!(page.contains("4,100 records were read") && page.contains("20 examples"), "{page}");
    assert_eq!(folder.read("data/owners.csv").lines().count(), 4);
    assert_eq!(folder.read("data/options.csv").lines().count(), 3);
}

fn following() -> Following {
    Following {
        poll_seconds: 60,
        tries_seconds: 900,
        waits: true,
        changed: BTreeMap::from([(Entity::Deal, 1_200), (Entity::Note, 3_000)]),
        over_days: 30,
    }
}

fn plan() -> Plan {
    let stage = |name: &str, percent| PlannedStage {
        name: name.into(),
        found: Found::New,
        probability: Some(Decimal::from(percent)),
    };
    let pipeline = |name: &str| PlannedPipeline {
        name: name.into(),
        found: Found::New,
        stages: vec![stage("Quote", 10), stage("Virtual proof", 40), stage("In production", 90), stage("Shipped", 100)],
    };
    let field = |entity, name: &str, field_type: &str, options| PlannedField {
        entity,
        name: name.into(),
        field_type: field_type.into(),
        options,
        new_options: 0,
        found: Found::New,
        filled: if name == "Crossdock ID" { None } else { Some(8_000) },
        records: 22_000,
    };
    let fields = [Entity::Organization, Entity::Person, Entity::Deal].into_iter().flat_map(|entity| {
        [
            field(entity, "Crossdock ID", "varchar", 0),
            field(entity, "Original owner", "varchar", 0),
            field(entity, "Decoration method", "enum", 7),
        ]
    });
    Plan::build(PlanInput {
        fields: fields.collect(),
        pipelines: vec![pipeline("Orders"), pipeline("Reorders")],
        lead_labels: vec!["New".into(), "Contacted".into(), "Qualified".into()],
        activity_types: vec!["Proof".into()],
        records: BTreeMap::from([
            (Entity::Organization, 61_000),
            (Entity::Person, 130_000),
            (Entity::Lead, 4_000),
            (Entity::Deal, 18_000),
            (Entity::Activity, 240_000),
            (Entity::Note, 310_000),
        ]),
        waiting: 1_400,
        further: vec![Cost {
            what: "Follow changes until the cutover".into(),
            minimum: false,
            effort: Effort { requests: 9_000, tokens: 60_000, seconds: 3_600 },
        }],
        existing: Some(Existing { custom_fields: 12, leads_and_deals: 20_000, ..Existing::default() }),
        conflicts: Vec::new(),
        preflight: Preflight::default(),
        closed_deals: 11_000,
        too_long: (0, 3),
        following: following(),
        spending: Spending::Planned {
            plan: Tariff::Growth,
            seats: 7,
            top_up_tokens_day: 0,
            reserve_tokens_day: 20_000,
        },
        start: Start {
            at: at(),
            budget_resets_at: "2026-11-24T00:00:00Z".parse().expect("a time"),
            tokens_left: None,
            round_trip_ms: 80,
            tokens_day: Some(420_000),
            others_tokens_day: 84_000,
        },
        side_effects: vec!["Webhooks and automations of the account start for every record that is created.".into()],
    })
}

#[test]
fn the_plan_is_a_report() {
    let folder = Folder::new();
    let plan = plan();
    report::write(folder.path(), "plan", at(), &plan).expect("written");
    let json = folder.json("plan");
    let creates = 9 * 5 + 10 * 5 + 3 * 10 + 10 + 449_000 * 5 + 314_000 * 10;
    assert_eq!(json["minimum"]["tokens"], creates);
    assert_eq!(json["allowance"], json!({"plan": "growth", "seats": 7, "tokens_day": 400_000}));
    assert_eq!(json["comparison"][0]["seats"].as_object().map(Map::len), Some(6));
    assert_eq!(json["comparison"][1]["seats"]["7"]["finishes_at"], json["schedule"]["finishes_at"]);
    let daily = |name: &str| {
        let mut lines = json["daily"].as_array().expect("lines").iter();
        lines.find(|line| line["what"].as_str().is_some_and(|what| what.starts_with(name))).expect("a line")["tokens"]
            .clone()
    };
    // One page of 500 rows each: v2 at 10 tokens, leads and notes at 20.
    let pass = (122 + 260 + 36 + 480) * 10 + (8 + 620) * 20;
    assert_eq!(
        [daily("Verification"), daily("Walk of all ids"), daily("Polling")],
        [json!(pass), json!(pass), json!(0)]
    );
    assert_eq!(daily("Carrying changes"), 40 * 6 + 100 * 12);
    let page = folder.read("plan.html");
    for expected in [
        "763,000",
        "Growth with 7 seats",
        "Single option",
        "Lead stages",
        "<svg",
        "about 84,000 tokens a day (20 %)",
        "7,000 too many. 11,000 of the 18,000 deals to create are won or lost",
        "Without a reserve",
        "1,400 of them wait for owners without a user",
        "about 140 changes a day, as in the last 30 days",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    for foreign in ["<script", "http://www.w3.org/1999/xlink", "src=", "@import"] {
        assert!(!page.contains(foreign), "the page must work without a network: {foreign}");
    }
}

fn verification(folder: &Path, broken: bool) -> Verification {
    let mut verifying = Verifying::begin(folder, "verification", "the whole account").expect("begun");
    verifying.compared(Entity::Person, 1_300, 11_700);
    verifying.compared(Entity::Deal, 1_080, 19_440);
    if broken {
        let key = BindingKey::new(Object::Project, "77", "deal");
        verifying.mismatched(Entity::Deal, ("901", &key), ("title", "\"Tote bags\"", "\"Tote\"")).expect("written");
        verifying.missing(Entity::Deal, "902", &key).expect("written");
        verifying.extra(Entity::Person, "44", "acme/client/9#person").expect("written");
    }
    let report = verifying.report();
    report.counts.push(SumLine::count("deals", 1_080, 1_080));
    report.stages.push(SumLine {
        what: "Orders / Quote".into(),
        currency: "USD".into(),
        source: Decimal::new(123_456_789, 2),
        pipedrive: Decimal::new(if broken { 123_456_700 } else { 123_456_789 }, 2),
        allowed: String::new(),
    });
    let mut emails = IdentityLine::new(Entity::Person, "emails");
    emails.values = 1_290;
    report.identities.push(emails);
    verifying.finish().expect("finished")
}

#[test]
fn a_verification_is_clean_or_names_what_differs() {
    let folder = Folder::new();
    let clean = verification(folder.path(), false);
    assert!(clean.is_clean());
    let broken = verification(folder.path(), true);
    report::write(folder.path(), "verification", at(), &broken).expect("written");
    assert!(!broken.is_clean());
    let json = folder.json("verification");
    assert_eq!(json["totals"], json!({"compared": 2380, "fields": 31140, "mismatched": 1, "missing": 1, "extra": 1}));
    assert_eq!(json["stages"][0]["source"].to_string(), "1234567.89");
    assert_eq!(json["tone"], "bad");
    let page = folder.read("verification.html");
    assert!(page.contains("1 field differs, 1 record is missing, 1 record is there that nobody promised"), "{page}");
    assert!(page.contains("&#34;Tote&#34;") && page.contains("1,234,567.89"), "{page}");
    assert_eq!(folder.read("data/verification.csv").lines().count(), 4);
}

#[test]
fn questions_owners_and_the_handover() {
    run(async |bench: Bench| {
        let question = |number: u32| Question {
            topic: "copy".into(),
            subject: format!("deal {number}"),
            text: format!("deal {number} carries the marker of another record: was it copied by hand?"),
        };
        bench.journal.ask((1..=450).map(question).collect(), at()).await.expect("asked");
        let questions = Questions::build(&bench.journal).await.expect("built");
        let folder = bench.folder.path();
        report::write(folder, "questions", at(), &questions).expect("written");
        report::write(folder, "owners", at(), &Owners::new(owners())).expect("written");
        report::write(
            folder,
            "handover",
            at(),
            &Handover::build(folder, vec!["lead by Ada".to_owned()]).expect("built"),
        )
        .expect("written");
        // A page shows the first 200, the file all.
        let page = bench.folder.read("questions.html");
        assert!(page.contains("The first 200 of 450") && page.contains("deal 200 ") && !page.contains("deal 201 "));
        assert_eq!(bench.folder.read("data/questions.csv").lines().count(), 451);
        assert_eq!(bench.folder.json("owners")["waiting"], 70);
        let handover = bench.folder.json("handover");
        assert!(handover["deviations"].as_array().is_some_and(|all| all.len() > 10));
        let names: Vec<&str> =
            handover["reports"].as_array().into_iter().flatten().filter_map(|head| head["name"].as_str()).collect();
        assert!(names.contains(&"questions") && names.contains(&"owners") && !names.contains(&"handover"));
        assert!(
            bench.folder.read("index.html").contains("1 owner has no user in Pipedrive yet; 70 records wait for them.")
        );
    });
}
