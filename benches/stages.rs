//! The parts of the stages by themselves: what one record costs in each.
//!
//! `cargo bench --bench stages`. Rows are those of a generated account of 4,000 records; times are for batches of 128 rows,
//! as they travel between the stages, except where the name says otherwise.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use crossdock::clock::Clock;
use crossdock::config::{Plan, Spending};
use crossdock::journal::{Conclusion, EffectKind, Intent, Journal, Landing, Outcome, RoleFate};
use crossdock::mapping::Mapping;
use crossdock::mapping::field::custom_owner;
use crossdock::mapping::workspace::YES_NO;
use crossdock::pipedrive::{Budget, User, differences};
use crossdock::progress::Progress;
use crossdock::record::{BindingKey, Draft, Entity, Fate, FieldValue, Object, Place, SourceRecord, Target};
use crossdock::stage::dedupe::{digest, duplicate_keys};
use crossdock::stage::item::{Became, Drafted, Work};
use crossdock::stage::normalize::{Normalized, RoleResult, normalize};
use crossdock::stage::resolve::{self, FieldKey, OwnerBook, Resolver, ResolverParts, SourceOwner, StageKey, Workspace};
use crossdock::standin::promox::account::Owner;
use crossdock::standin::promox::generate::generate;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

/// Rows of a batch.
const BATCH: usize = 128;

/// What each object's records are made into in these benches.
const MADE: [(Object, Entity); 5] = [
    (Object::Client, Entity::Person),
    (Object::Lead, Entity::Lead),
    (Object::Project, Entity::Deal),
    (Object::Task, Entity::Activity),
    (Object::Note, Entity::Note),
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let bench = Bench::new();
    bench.pure(&mut criterion);
    bench.resolve(&mut criterion);
    bench.journal(&mut criterion);
    bench.budget(&mut criterion);
    criterion.final_summary();
}

/// What the benches share.
struct Bench {
    mapping: Arc<Mapping>,
    rows: BTreeMap<Object, Vec<SourceRecord>>,
    owners: OwnerBook,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Self {
        let account = generate(4_000, 1, "2026-01-05T14:00:00Z".parse().expect("an instant"));
        let place = Place { origin: "bench".into(), row: 1 };
        let record = |object, row: Value| {
            let Value::Object(payload) = row else { panic!("a row is an object") };
            let id: Arc<str> = payload["id"].as_str().map_or_else(|| payload["id"].to_string(), str::to_owned).into();
            let place = place.clone();
            SourceRecord {
                object,
                id,
                payload,
                modified: None,
                deleted: false,
                place,
                children: Vec::new(),
                between: Vec::new(),
            }
        };
        let rows = MADE.map(|(object, _)| {
            let rows = account.rows(object).into_iter().take(BATCH).map(|row| record(object, row)).collect();
            (object, rows)
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mapping = Arc::new(Mapping::promox());
        let owners = owners(account.owners(), &mapping);
        Self { mapping, rows: rows.into_iter().collect(), owners, runtime }
    }

    /// Digest, keys, normalize and compare: functions without any I/O.
    fn pure(&self, criterion: &mut Criterion) {
        for (name, of) in [
            (
                "digest",
                (|record, mapping| {
                    black_box(digest(record, mapping));
                }) as fn(&SourceRecord, &Mapping),
            ),
            ("duplicate_keys", |record, mapping| {
                black_box(duplicate_keys(record, mapping));
            }),
        ] {
            let mut group = criterion.benchmark_group(name);
            for (object, rows) in &self.rows {
                group.throughput(Throughput::Elements(rows.len() as u64));
                group.bench_with_input(BenchmarkId::from_parameter(object), rows, |bencher, rows| {
                    bencher.iter(|| rows.iter().for_each(|record| of(record, &self.mapping)));
                });
            }
        }
        let mut group = criterion.benchmark_group("normalize");
        for (object, entity) in MADE {
            let rows = &self.rows[&object];
            group.throughput(Throughput::Elements(rows.len() as u64));
            group.bench_with_input(BenchmarkId::from_parameter(object), rows, |bencher, rows| {
                bencher.iter(|| {
                    rows.iter().for_each(|record| drop(black_box(normalize(record, &self.mapping, Some(entity)))));
                });
            });
        }
        group.finish();
        let mut group = criterion.benchmark_group("differences");
        for (object, entity) in MADE {
            let bodies = self.bodies(object, entity);
            group.throughput(Throughput::Elements(bodies.len() as u64));
            group.bench_with_input(BenchmarkId::from_parameter(entity), &bodies, |bencher, bodies| {
                bencher.iter(|| bodies.iter().for_each(|body| drop(black_box(differences(entity, body, body)))));
            });
        }
    }

    /// The whole resolve stage over its channels, links looked up in an empty journal.
    fn resolve(&self, criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group("resolve");
        for (object, entity) in MADE {
            let drafted = self.drafted(object, entity);
            let folder = tempfile::tempdir().expect("a folder");
            let resolver = Arc::new(self.resolver(&drafted, &journal(&folder)));
            group.throughput(Throughput::Elements(drafted.len() as u64));
            group.bench_with_input(BenchmarkId::from_parameter(entity), &drafted, |bencher, drafted| {
                bencher.iter_batched(
                    || drafted.clone(),
                    |batch| self.runtime.block_on(resolved(batch, &resolver)),
                    BatchSize::LargeInput,
                );
            });
        }
    }

    /// Rows in and effects out, durably.
    fn journal(&self, criterion: &mut Criterion) {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = journal(&folder);
        let at = Timestamp::UNIX_EPOCH;
        let mut group = criterion.benchmark_group("journal");
        group.throughput(Throughput::Elements(BATCH as u64));
        let mut next = 0;
        let mut landings = || {
            next += 1;
            let landing = |record: &SourceRecord| {
                let id = format!("{}-{next}", record.id).into();
                let record = SourceRecord { id, ..record.clone() };
                Landing { digest: digest(&record, &self.mapping), record, parent: None, onward: Vec::new(), walk: None }
            };
            self.rows[&Object::Project].iter().map(landing).collect::<Vec<_>>()
        };
        group.bench_function("land", |bencher| {
            bencher.iter_batched(
                &mut landings,
                |landings| self.runtime.block_on(journal.land(landings, at)).expect("landed"),
                BatchSize::LargeInput,
            );
        });
        let mut next = 0;
        let bodies = self.bodies(Object::Project, Entity::Deal);
        let mut intents = || {
            next += 1;
            let intent = |(number, body): (usize, &Map<String, Value>)| intent(&format!("{number}-{next}"), body);
            bodies.iter().enumerate().map(intent).collect::<Vec<_>>()
        };
        group.bench_function("intend", |bencher| {
            bencher.iter_batched(
                &mut intents,
                |intents| self.runtime.block_on(journal.intend(intents, at)).expect("intended"),
                BatchSize::LargeInput,
            );
        });
        group.bench_function("conclude", |bencher| {
            bencher.iter_batched(
                || {
                    let intents = intents();
                    let bases: Vec<String> = intents.iter().map(|intent| intent.body.clone()).collect();
                    let ids = self.runtime.block_on(journal.intend(intents, at)).expect("intended");
                    let conclusion = |(effect, base)| {
                        let outcome = Outcome::Done { dest_id: "1".into(), base };
                        Conclusion { effect, outcome, tokens: 5 }
                    };
                    ids.into_iter().zip(bases).map(conclusion).collect::<Vec<_>>()
                },
                |conclusions| self.runtime.block_on(journal.conclude(conclusions, at)).expect("concluded"),
                BatchSize::LargeInput,
            );
        });
    }

    /// One call let through by the day's budget and the window, and given back.
    fn budget(&self, criterion: &mut Criterion) {
        let spending =
            Spending::Planned { plan: Plan::Ultimate, seats: 100, top_up_tokens_day: 0, reserve_tokens_day: 0 };
        let clock = Clock::stepped("2026-01-05T00:00:00Z".parse().expect("an instant"));
        let budget = Budget::new(clock.clone(), spending, 64).expect("a budget");
        criterion.bench_function("budget/take", |bencher| {
            bencher.iter(|| self.runtime.block_on(clock.track(async { drop(budget.take(0).await) })));
        });
    }

    /// What normalize makes of an object's rows.
    fn drafted(&self, object: Object, entity: Entity) -> Vec<Drafted> {
        let rows = self.rows[&object].iter();
        let outcomes = rows.filter_map(|record| match normalize(record, &self.mapping, Some(entity)) {
            Normalized::Roles(roles) => Some(roles),
            _ => None,
        });
        let drafts = outcomes.flatten().filter_map(|outcome| match outcome.result {
            RoleResult::Draft { draft, .. } => Some(draft),
            RoleResult::LeftOut(_) => None,
        });
        let drafted = |draft: Draft| Drafted {
            key: draft.binding.clone(),
            entity,
            version: 1,
            modified: None,
            known: None,
            became: Became::Draft(draft),
            findings: Vec::new(),
        };
        drafts.map(drafted).collect()
    }

    /// Bodies as resolve makes them.
    fn bodies(&self, object: Object, entity: Entity) -> Vec<Map<String, Value>> {
        let drafted = self.drafted(object, entity);
        let folder = tempfile::tempdir().expect("a folder");
        let resolver = Arc::new(self.resolver(&drafted, &journal(&folder)));
        let work = self.runtime.block_on(resolved(drafted, &resolver));
        let body = |work| match work {
            Work::Write(ready) => Some(ready.body),
            Work::Remove(_) => None,
        };
        work.into_iter().filter_map(body).collect()
    }

    /// A resolver to whom every link, field, option, label and type of the drafts is known.
    fn resolver(&self, drafted: &[Drafted], journal: &Journal) -> Resolver {
        let mut workspace = Workspace::default();
        for (number, field) in self.mapping.custom_fields().into_iter().enumerate() {
            let options = YES_NO.iter().zip(1..).map(|(label, id)| ((*label).to_owned(), id)).collect();
            let key = FieldKey { code: format!("{number:040x}"), field_type: field.field_type.to_owned(), options };
            workspace.fields.insert((field.entity, field.name), key);
        }
        let mut links = Vec::new();
        let drafts = drafted.iter().filter_map(|drafted| match &drafted.became {
            Became::Draft(draft) => Some(draft),
            _ => None,
        });
        for (draft, (target, value)) in drafts.flat_map(|draft| draft.fields.iter().map(move |field| (draft, field))) {
            if let FieldValue::Link(link) = value {
                let key = BindingKey::new(link.object, link.value.as_str(), link.role.as_str());
                links.push(RoleFate::new(key, draft.entity, 1, Fate::Loaded).at("7".into()));
            }
            know(&mut workspace, draft.entity, target, value);
        }
        self.runtime.block_on(journal.end_roles(links)).expect("bound");
        Resolver::new(ResolverParts {
            journal: journal.clone(),
            mapping: Arc::clone(&self.mapping),
            clock: Clock::system(),
            workspace,
            owners: self.owners.clone(),
            progress: Progress::default(),
        })
    }
}

/// Every owner has a user.
fn owners(owners: &[Owner], mapping: &Mapping) -> OwnerBook {
    let user = |(owner, id): (&Owner, u32)| User {
        id: id.to_string().into(),
        name: owner.name.clone(),
        email: owner.email.clone(),
        active: true,
        admin: false,
    };
    let source =
        |owner: &Owner| SourceOwner { id: owner.id.clone(), name: owner.name.clone(), email: owner.email.clone() };
    let users: Vec<User> = owners.iter().zip(1..).map(user).collect();
    OwnerBook::new(&owners.iter().map(source).collect::<Vec<_>>(), &mapping.owners, &users)
}

/// Adds what a value needs in the workspace.
fn know(workspace: &mut Workspace, entity: Entity, target: &Target, value: &FieldValue) {
    let fold = crossdock::record::fold_name;
    let labels: Vec<&String> = match value {
        FieldValue::Stage { pipeline, stage } => {
            let key =
                StageKey { pipeline_id: 1, stage_id: 1, name: stage.clone(), position: 0, kind: "open".to_owned() };
            workspace.stages.insert((fold(pipeline.as_deref().unwrap_or_default()), fold(stage)), key);
            return;
        }
        FieldValue::Choice(label) => vec![label],
        FieldValue::Choices(labels) => labels.iter().collect(),
        _ => return,
    };
    for label in labels {
        let folded = fold(label);
        match target {
            Target::System(_) if entity == Entity::Lead => workspace.lead_labels.insert(folded, label.clone()),
            Target::System(_) => workspace.activity_types.insert(folded, label.clone()),
            Target::Custom(name) => {
                let owner = custom_owner(entity).expect("only such kinds have custom fields");
                if let Some(key) = workspace.fields.get_mut(&(owner, name.clone())) {
                    let next = key.options.len() as i64 + 1;
                    key.options.entry(label.clone()).or_insert(next);
                }
                None
            }
        };
    }
}

fn journal(folder: &tempfile::TempDir) -> Journal {
    Journal::open(&folder.path().join("journal.db"), Clock::system()).expect("a journal")
}

/// Runs one batch through the stage.
async fn resolved(batch: Vec<Drafted>, resolver: &Arc<Resolver>) -> Vec<Work> {
    let (input, batches) = tokio::sync::mpsc::channel(1);
    let (output, mut work) = tokio::sync::mpsc::channel(1);
    input.send(batch).await.expect("the stage listens");
    drop(input);
    resolve::run(batches, output, Arc::clone(resolver)).await.expect("resolved");
    work.recv().await.unwrap_or_default()
}

fn intent(id: &str, body: &Map<String, Value>) -> Intent {
    Intent {
        key: BindingKey::new(Object::Project, id, "deal"),
        version: 1,
        entity: Entity::Deal,
        kind: EffectKind::Create,
        body: serde_json::to_string(body).expect("a JSON map is JSON"),
        sent: None,
        asked: None,
        floor_id: Some("7".to_owned()),
        dest_id: None,
        preimage: None,
        tries: 1,
    }
}
