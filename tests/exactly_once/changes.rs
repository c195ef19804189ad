//! Changes after the load: only what the source changed is sent, people's work is decided about field by field, and no
//! change is made twice or brings a record back.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crossdock::config::{Conflict, Plan, Spending};
use crossdock::journal::{Bound, Promised};
use crossdock::record::{Entity, Fate};
use crossdock::stage::item::{Known, Ready, Removal, Why, Work};
use crossdock::stage::load::Loader;
use crossdock::standin::pipedrive::{FaultKind, FaultRule, PeopleAction, PeopleEdit, Settings};
use serde_json::{Value, json};

use crate::bench::{Bench, ENTITIES, LIST_LAG, drive, drive_paced, key, text_field, unlimited};

/// A second field of each kind of record, with a value of the source's and one of people's. Notes have only their text.
fn other_field(entity: Entity) -> Option<(&'static str, Value, Value)> {
    match entity {
        Entity::Organization => Some(("address", json!({"value": "2 Main St"}), json!({"value": "3 Main St"}))),
        Entity::Person => {
            let phone = |number: &str| json!([{"value": number, "label": "work", "primary": true}]);
            Some(("phones", phone("+1 555 0200"), phone("+1 555 0300")))
        }
        Entity::Lead => Some(("expected_close_date", json!("2026-06-01"), json!("2026-07-01"))),
        Entity::Deal => Some(("value", json!(200), json!(300))),
        Entity::Activity => Some(("duration", json!("01:00:00"), json!("02:00:00"))),
        _ => None,
    }
}

/// The text that people put in, with our marker where it is part of the text.
fn text_by_people(bench: &Bench, entity: Entity, number: usize) -> Value {
    if entity == Entity::Note {
        json!(format!("<p>by people</p><p>[crossdock {}]</p>", bench.markers.text(&key(entity, number))))
    } else {
        json!("by people")
    }
}

async fn people(bench: &Bench, entity: Entity, number: usize, field: &str, value: &Value) {
    let id = bound(bench, entity, number).await.dest_id.expect("loaded");
    let edit = PeopleEdit::new(PeopleAction::Update, entity, id).with(json!({field: value}));
    bench.running.edit_as_people(edit).expect("edited");
    // Lists show it, and it is later than what the source did before.
    bench.clock.sleep(Duration::from_secs(60)).await;
}

async fn bound(bench: &Bench, entity: Entity, number: usize) -> Bound {
    promised(bench, entity, number).await.bound
}

async fn promised(bench: &Bench, entity: Entity, number: usize) -> Promised {
    bench.promised(&key(entity, number)).await.expect("a binding")
}

/// A change of a record with a value for its second field, too.
async fn ready_with(bench: &Bench, entity: Entity, text: &str, other: Option<(&str, &Value)>) -> Ready {
    let mut ready = bench.ready(entity, 0, text).await;
    if let Some((field, value)) = other {
        ready.body.insert(field.to_owned(), value.clone());
    }
    ready
}

async fn row_text(bench: &Bench, entity: Entity, number: usize) -> String {
    let row = bench.the_record(&bench.live(entity), entity, number).await;
    row.text(text_field(entity)).unwrap_or_default().to_owned()
}

#[test]
fn only_what_the_source_changed_is_sent() {
    for entity in ENTITIES {
        let Some((field, _, theirs)) = other_field(entity) else { continue };
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Source);
            bench.step(&loader, entity, 0..2, "first").await;
            people(&bench, entity, 0, field, &theirs).await;
            // The source changed both records, but the second one in nothing that is mapped.
            bench.land(entity, 0..2, "second").await;
            bench.write_all(&loader, entity, &[(0, "second"), (1, "first")]).await;
            assert!(row_text(&bench, entity, 0).await.contains("second"), "{entity}");
            let row = bench.the_record(&bench.live(entity), entity, 0).await;
            let kept =
                crossdock::pipedrive::differences(entity, &crate::bench::body_of(json!({field: theirs})), &row.body);
            assert!(kept.is_empty(), "{entity}: people's {field} was overwritten: {kept:?}");
            assert_eq!((bench.created(entity), bench.updated(entity)), (2, 1), "{entity}");
            for number in 0..2 {
                assert_eq!(bound(&bench, entity, number).await.version, 2, "{entity}");
            }
        });
    }
}

/// A look at Pipedrive that nobody waits for would keep its place in the window for ever, and with it every call.
#[test]
fn changes_are_looked_up_while_others_are_sent() {
    const RECORDS: usize = 60;
    let (ended, hears) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let limits = Spending::Planned { plan: Plan::Ultimate, seats: 50, top_up_tokens_day: 0, reserve_tokens_day: 0 };
        for entity in ENTITIES {
            let settings = Settings { rtt: Duration::from_millis(200), list_lag: LIST_LAG, ..unlimited() };
            drive_paced(settings, limits, |bench| async move {
                let loader = bench.loader(Conflict::Source);
                bench.step(&loader, entity, 0..RECORDS, "first").await;
                bench.land(entity, 0..RECORDS, "second").await;
                let second: Vec<(usize, &str)> = (0..RECORDS).map(|number| (number, "second")).collect();
                bench.write_all(&loader, entity, &second).await;
                assert_eq!(bench.updated(entity), RECORDS as u64, "{entity}");
            });
        }
        ended.send(()).expect("the test waits");
    });
    // No figure of speed: it stands for "never".
    hears.recv_timeout(Duration::from_secs(120)).expect("it ends, and does not wait for itself");
}

/// Who wins, and whether the customer is asked, when both sides changed the text; `source_is_later` tells when.
fn conflict(policy: Conflict, source_is_later: Option<bool>, source_wins: bool, asks: bool) {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let what = format!("{entity}, {policy:?}, source later: {source_is_later:?}");
            let loader = bench.loader(policy);
            bench.step(&loader, entity, 0..1, "first").await;
            bench.clock.sleep(Duration::from_secs(60)).await;
            let before = bench.clock.utc();
            people(&bench, entity, 0, text_field(entity), &text_by_people(&bench, entity, 0)).await;
            bench.land(entity, 0..1, "second").await;
            let mut ready = bench.ready(entity, 0, "second").await;
            ready.modified = source_is_later.map(|later| if later { bench.clock.utc() } else { before });
            bench.write(&loader, vec![Work::Write(ready)]).await;
            let (kept, updated) = if source_wins { ("second", 1) } else { ("by people", 0) };
            assert!(row_text(&bench, entity, 0).await.contains(kept), "{what}");
            assert_eq!(bench.updated(entity), updated, "{what}");
            assert_eq!(bound(&bench, entity, 0).await.version, 2, "{what}");
            let record = bench.journal.record(key(entity, 0).object, key(entity, 0).source_id).await.expect("read");
            let findings = record.expect("landed").findings;
            assert_eq!(findings.iter().any(|finding| finding.code == "conflict"), !source_wins, "{what}: {findings:?}");
            let questions = bench.journal.questions().await.expect("read");
            assert_eq!(
                questions.iter().filter(|question| question.topic == "conflict").count(),
                usize::from(asks),
                "{what}"
            );
        });
    }
}

#[test]
fn conflicts_are_decided_by_the_policy() {
    conflict(Conflict::Source, None, true, false);
    conflict(Conflict::Pipedrive, Some(true), false, false);
    conflict(Conflict::Ask, Some(true), false, true);
    conflict(Conflict::Newest, Some(true), true, false);
    conflict(Conflict::Newest, Some(false), false, false);
    conflict(Conflict::Newest, None, false, false);
}

#[test]
fn what_people_won_once_is_not_overwritten_by_the_next_change() {
    for policy in [Conflict::Pipedrive, Conflict::Ask] {
        for entity in ENTITIES {
            let Some((field, ours, _)) = other_field(entity) else { continue };
            drive(unlimited(), |bench| async move {
                let loader = bench.loader(policy);
                bench.step(&loader, entity, 0..1, "first").await;
                people(&bench, entity, 0, text_field(entity), &text_by_people(&bench, entity, 0)).await;
                bench.land(entity, 0..1, "second").await;
                bench.write_all(&loader, entity, &[(0, "second")]).await;
                // The text stays at what the source said before; only the other field changes.
                for other in [Some((field, &ours)), None] {
                    bench.land(entity, 0..1, if other.is_some() { "third" } else { "fourth" }).await;
                    let ready = ready_with(&bench, entity, "second", other).await;
                    bench.write(&loader, vec![Work::Write(ready)]).await;
                    assert_eq!(row_text(&bench, entity, 0).await, "by people", "{entity} {policy:?}");
                }
                assert_eq!(bench.updated(entity), 2, "{entity} {policy:?}");
                let promise = promised(&bench, entity, 0).await.promise.unwrap_or_default();
                assert!(promise.contains("by people"), "{entity}: verification would miss {promise}");
                // When the source changes the text itself again, it is the only one that did since.
                bench.land(entity, 0..1, "fifth").await;
                bench.write_all(&loader, entity, &[(0, "fifth")]).await;
                assert!(row_text(&bench, entity, 0).await.contains("fifth"), "{entity} {policy:?}");
            });
        }
    }
}

#[test]
fn a_change_whose_answer_is_lost_is_made_once() {
    let seconds = Duration::from_secs;
    let cases = [
        (FaultKind::CommitThenCut, 12),
        (FaultKind::CommitThenError { status: 500 }, 12),
        (FaultKind::HtmlAnswer, 12),
        (FaultKind::TruncatedJson, 12),
        (FaultKind::AnswerLate { wait: seconds(40) }, 12),
        (FaultKind::CutThenCommit { after: seconds(20) }, 12),
        (FaultKind::Refuse { status: 502, body: String::new() }, 12),
        // The second try and the first one, which says the same.
        (FaultKind::CutThenCommit { after: seconds(100) }, 16),
    ];
    for entity in ENTITIES {
        let cases = cases.clone();
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            for (case, (kind, updates)) in cases.into_iter().enumerate() {
                changes_under(&bench, &loader, (entity, 12 * case), kind, updates).await;
            }
        });
    }
}

/// Changes twelve records from a number on, a third of them under a fault, and counts the updates that it took.
async fn changes_under(
    bench: &Bench,
    loader: &Arc<Loader>,
    (entity, first): (Entity, usize),
    kind: FaultKind,
    updates: u64,
) {
    let numbers = first..first + 12;
    let before = bench.updated(entity);
    bench.step(loader, entity, numbers.clone(), "first").await;
    bench.clock.sleep(Duration::from_secs(60)).await;
    loader.begin(entity).await.expect("begun");
    let rule = |method: &str| {
        let rule = FaultRule::new(kind.clone()).times(2, 4);
        FaultRule { method: Some(method.to_owned()), ..rule }
    };
    bench.running.set_faults(vec![rule("PATCH"), rule("PUT")]);
    bench.run(loader, entity, numbers.clone(), "second").await;
    assert_eq!(bench.in_doubt().await, 4, "{entity} {kind:?}");
    loader.settle(entity).await.expect("settled");
    bench.running.set_faults(Vec::new());
    bench.clock.sleep(Duration::from_secs(200)).await;
    assert_eq!((bench.in_doubt().await, bench.updated(entity) - before), (0, updates), "{entity} {kind:?}");
    assert_eq!(bench.created(entity), numbers.end as u64, "{entity} {kind:?}");
    let live = bench.live(entity);
    for number in numbers {
        let row = bench.the_record(&live, entity, number).await;
        assert!(row.text(text_field(entity)).is_some_and(|text| text.contains("second")), "{entity} {kind:?}");
        assert_eq!(bound(bench, entity, number).await.version, 2, "{entity} {kind:?}");
    }
}

#[test]
fn a_refused_change_leaves_the_record_ours() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            bench.step(&loader, entity, 0..1, "first").await;
            let kind = FaultKind::Refuse { status: 400, body: r#"{"success":false,"error":"Too odd"}"#.to_owned() };
            bench.running.set_faults(vec![
                FaultRule { method: Some("PATCH".to_owned()), ..FaultRule::new(kind.clone()) },
                FaultRule { method: Some("PUT".to_owned()), ..FaultRule::new(kind) },
            ]);
            bench.run(&loader, entity, 0..1, "second").await;
            bench.running.set_faults(Vec::new());
            let record = bench.journal.record(key(entity, 0).object, key(entity, 0).source_id).await.expect("read");
            let record = record.expect("landed");
            assert!(record.reason.as_deref().is_some_and(|why| why.contains("Too odd")), "{entity} {record:?}");
            assert!(record.findings.iter().any(|finding| finding.code == "refused"), "{entity} {record:?}");
            assert!(row_text(&bench, entity, 0).await.contains("first"), "{entity}");
            bench.run(&loader, entity, 0..1, "third").await;
            assert!(row_text(&bench, entity, 0).await.contains("third"), "{entity}");
            assert_eq!((bench.created(entity), bench.updated(entity)), (1, 1), "{entity}");
        });
    }
}

#[test]
fn what_people_deleted_is_asked_about_and_never_comes_back_by_itself() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Source);
            bench.step(&loader, entity, 0..1, "first").await;
            let id = bound(&bench, entity, 0).await.dest_id.expect("loaded");
            bench.running.edit_as_people(PeopleEdit::new(PeopleAction::Delete, entity, &id)).expect("deleted");
            bench.clock.sleep(Duration::from_secs(60)).await;
            for value in ["second", "third", "third"] {
                bench.step(&loader, entity, 0..1, value).await;
                let bound = bound(&bench, entity, 0).await;
                assert_eq!(
                    (bound.fate, bound.waits_for.as_deref()),
                    (Fate::Parked, Some("decision")),
                    "{entity} {bound:?}"
                );
                let questions = bench.journal.questions().await.expect("read");
                assert!(questions.len() == 1 && questions[0].topic == "deleted", "{entity} {questions:?}");
            }
            assert_eq!((bench.created(entity), bench.live(entity).len()), (1, 0), "{entity}");
            assert_eq!(bench.journal.loaded(entity).await.expect("counted"), 0, "{entity}");
        });
    }
}

#[test]
fn what_people_delete_between_look_and_write_is_asked_about_the_next_time() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Source);
            bench.step(&loader, entity, 0..1, "first").await;
            let gone = FaultKind::Refuse { status: 404, body: r#"{"success":false,"error":"not found"}"#.to_owned() };
            bench.running.set_faults(vec![
                FaultRule { method: Some("PATCH".to_owned()), ..FaultRule::new(gone.clone()) },
                FaultRule { method: Some("PUT".to_owned()), ..FaultRule::new(gone) },
            ]);
            bench.run(&loader, entity, 0..1, "second").await;
            let behind = bound(&bench, entity, 0).await;
            assert_eq!((behind.fate, behind.version), (Fate::Loaded, 1), "{entity} {behind:?}");
        });
    }
}

#[test]
fn a_lagging_list_is_no_reason_to_call_a_record_deleted_or_changed() {
    let settings = Settings { list_lag: Duration::from_secs(300), ..unlimited() };
    for entity in ENTITIES {
        drive(settings.clone(), |bench| async move {
            let loader = bench.loader(Conflict::Pipedrive);
            bench.run(&loader, entity, 0..16, "first").await;
            for value in ["second", "third"] {
                bench.land(entity, 0..16, value).await;
                let mut batch = Vec::new();
                for number in 0..16 {
                    batch.push(Work::Write(bench.ready(entity, number, value).await));
                }
                bench.write_together(&loader, batch).await;
            }
            let live = bench.live(entity);
            for number in 0..16 {
                let row = bench.the_record(&live, entity, number).await;
                assert!(row.text(text_field(entity)).is_some_and(|text| text.contains("third")), "{entity} {row:?}");
            }
            assert_eq!((bench.created(entity), bench.updated(entity)), (16, 32), "{entity}");
            assert!(bench.journal.questions().await.expect("read").is_empty(), "{entity}");
        });
    }
}

#[test]
fn a_later_change_is_no_proof_that_the_list_shows_new_records() {
    let settings = Settings { list_lag: Duration::from_secs(60), ..unlimited() };
    for entity in ENTITIES {
        drive(settings.clone(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            bench.run(&loader, entity, 0..1, "first").await;
            bench.clock.sleep(Duration::from_secs(600)).await;
            let rule = FaultRule { method: Some("POST".into()), ..FaultRule::new(FaultKind::CommitThenCut) };
            bench.running.set_faults(vec![rule]);
            bench.run(&loader, entity, 1..2, "first").await;
            bench.clock.sleep(Duration::from_secs(1)).await;
            bench.run(&loader, entity, 0..1, "second").await;
            loader.settle(entity).await.expect("settled");
            assert_eq!((bench.created(entity), bench.updated(entity)), (2, 1), "{entity}");
            bench.the_record(&bench.live(entity), entity, 1).await;
        });
    }
}

async fn removal(bench: &Bench, entity: Entity, number: usize) -> Work {
    let promised = promised(bench, entity, number).await;
    let known = Known::of(&promised).expect("JSON").expect("loaded");
    Work::Remove(Removal { key: key(entity, number), version: 2, entity, known, why: Why::DeletedAtSource })
}

#[test]
fn what_the_source_deleted_is_removed_once_unless_others_may_depend_on_it() {
    let seconds = Duration::from_secs;
    for kind in [
        FaultKind::Lag { lag: Duration::ZERO },
        FaultKind::CommitThenCut,
        FaultKind::CutThenCommit { after: seconds(20) },
        FaultKind::CutThenCommit { after: seconds(100) },
        FaultKind::Refuse { status: 500, body: String::new() },
    ] {
        for entity in ENTITIES {
            let kind = kind.clone();
            drive(unlimited(), |bench| async move {
                let loader = bench.loader(Conflict::Ask);
                bench.step(&loader, entity, 0..3, "first").await;
                people(&bench, entity, 1, text_field(entity), &text_by_people(&bench, entity, 1)).await;
                bench.land(entity, 0..3, "deleted").await;
                let rule = FaultRule { method: Some("DELETE".into()), ..FaultRule::new(kind.clone()).times(0, 1) };
                bench.running.set_faults(vec![rule]);
                let work = vec![removal(&bench, entity, 0).await, removal(&bench, entity, 1).await];
                bench.write(&loader, work).await;
                loader.settle(entity).await.expect("settled");
                assert_eq!(bench.in_doubt().await, 0, "{entity} {kind:?}");
                let alone = !matches!(entity, Entity::Organization | Entity::Person);
                let left = bound(&bench, entity, 0).await;
                if alone {
                    assert_eq!((left.fate, left.dest_id), (Fate::Skipped, None), "{entity} {kind:?}");
                } else {
                    bench.the_record(&bench.live(entity), entity, 0).await;
                }
                bench.the_record(&bench.live(entity), entity, 1).await;
                assert_eq!(bench.live(entity).len(), if alone { 2 } else { 3 }, "{entity} {kind:?}");
                let questions = bench.journal.questions().await.expect("read");
                assert_eq!(questions.len(), if alone { 1 } else { 2 }, "{entity} {kind:?}: {questions:?}");
            });
        }
    }
}
