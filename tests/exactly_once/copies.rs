//! The sweep: doubles of our own go, whatever people made or touched stays and is asked about, and records that the
//! journal does not know are adopted.

use std::time::Duration;

use crossdock::config::Conflict;
use crossdock::record::{Entity, Fate};
use crossdock::standin::pipedrive::{FaultKind, FaultRule, PeopleAction, PeopleEdit};
use serde_json::json;

use crate::bench::{Bench, ENTITIES, drive, key, text_field, unlimited};

/// Makes the next create come through late, when its second try is long done.
fn late_once(bench: &Bench) {
    let kind = FaultKind::CutThenCommit { after: Duration::from_secs(100) };
    let rule = FaultRule { method: Some("POST".into()), ..FaultRule::new(kind).times(0, 1) };
    bench.running.set_faults(vec![rule]);
}

fn people(bench: &Bench, action: PeopleAction, entity: Entity, id: &str) {
    let text = if entity == Entity::Note { "<p>by hand [crossdock m1:note/1000#note]</p>" } else { "by hand" };
    let edit = PeopleEdit::new(action, entity, id);
    let edit = if action == PeopleAction::Update { edit.with(json!({text_field(entity): text})) } else { edit };
    bench.running.edit_as_people(edit).expect("people can do that");
}

async fn questions(bench: &Bench) -> usize {
    let questions = bench.journal.questions().await.expect("read");
    assert!(questions.iter().all(|question| question.topic == "copy"), "{questions:?}");
    questions.len()
}

#[test]
fn copies_by_people_stay_and_are_asked_about() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            bench.step(&loader, entity, 0..3, "first").await;
            let live = bench.live(entity);
            for number in 0..2 {
                let row = bench.the_record(&live, entity, number).await;
                people(&bench, PeopleAction::Duplicate, entity, &row.id);
            }
            bench.clock.sleep(Duration::from_secs(60)).await;
            let swept = loader.sweep(entity).await.expect("swept");
            assert_eq!((swept.marked, swept.removed, swept.adopted, swept.questions), (5, 0, 0, 2), "{entity}");
            assert_eq!((questions(&bench).await, bench.live(entity).len()), (2, 3), "{entity}");
            loader.sweep(entity).await.expect("swept");
            assert_eq!(questions(&bench).await, 2, "{entity}: a question is asked once");
            assert_eq!(bench.live(entity).values().map(Vec::len).sum::<usize>(), 5, "{entity}");
        });
    }
}

#[test]
fn a_copy_of_a_record_that_was_made_twice_is_no_double() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            late_once(&bench);
            let swept = bench.step(&loader, entity, 0..1, "first").await;
            assert_eq!((swept.removed, swept.questions), (1, 0), "{entity}");
            bench.clock.sleep(Duration::from_secs(2 * 3600)).await;
            let row = bench.the_record(&bench.live(entity), entity, 0).await;
            people(&bench, PeopleAction::Duplicate, entity, &row.id);
            bench.clock.sleep(Duration::from_secs(60)).await;
            let swept = loader.sweep(entity).await.expect("swept");
            assert_eq!((swept.removed, swept.questions, questions(&bench).await), (0, 1, 1), "{entity}");
        });
    }
}

#[test]
fn among_more_copies_than_tries_none_is_removed() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            late_once(&bench);
            loader.begin(entity).await.expect("begun");
            bench.run(&loader, entity, 0..1, "first").await;
            loader.settle(entity).await.expect("settled");
            let id = bench.bound(&key(entity, 0)).await.and_then(|bound| bound.dest_id).expect("loaded");
            people(&bench, PeopleAction::Duplicate, entity, &id);
            let swept = loader.sweep(entity).await.expect("swept");
            // A copied lead says that it was made by hand, so the other one is ours.
            let (removed, asked) = if entity == Entity::Lead { (1, 1) } else { (0, 2) };
            assert_eq!((swept.marked, swept.removed, swept.questions), (3, removed, asked), "{entity}");
            assert_eq!(questions(&bench).await as u64, asked, "{entity}");
        });
    }
}

#[test]
fn a_double_that_people_touched_stays() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            late_once(&bench);
            loader.begin(entity).await.expect("begun");
            bench.run(&loader, entity, 0..1, "first").await;
            loader.settle(entity).await.expect("settled");
            bench.clock.sleep(Duration::from_secs(200)).await;
            let id = bench.bound(&key(entity, 0)).await.and_then(|bound| bound.dest_id).expect("loaded");
            let rows = bench.live(entity).remove(&bench.markers.text(&key(entity, 0))).expect("two rows");
            let double = rows.iter().find(|row| row.id != id).expect("a double");
            people(&bench, PeopleAction::Update, entity, &double.id);
            bench.clock.sleep(Duration::from_secs(60)).await;
            let swept = loader.sweep(entity).await.expect("swept");
            assert_eq!((swept.marked, swept.removed, swept.questions), (2, 0, 1), "{entity}");
        });
    }
}

#[test]
fn a_removal_is_a_write_like_others() {
    let refuse = FaultKind::Refuse { status: 403, body: r#"{"success":false,"error":"No permission"}"#.to_owned() };
    let after = Duration::from_secs(5);
    for (kind, removed) in [
        (FaultKind::CommitThenCut, 1),
        (FaultKind::CutThenCommit { after }, 1),
        (FaultKind::CommitThenError { status: 502 }, 1),
        (FaultKind::Refuse { status: 503, body: String::new() }, 1),
        (refuse, 0),
    ] {
        for entity in ENTITIES {
            let kind = kind.clone();
            drive(unlimited(), |bench| async move {
                let loader = bench.loader(Conflict::Ask);
                late_once(&bench);
                loader.begin(entity).await.expect("begun");
                bench.run(&loader, entity, 0..1, "first").await;
                loader.settle(entity).await.expect("settled");
                let count = if matches!(kind, FaultKind::Refuse { status: 403, .. }) { 9 } else { 1 };
                let rule = FaultRule { method: Some("DELETE".into()), ..FaultRule::new(kind.clone()).times(0, count) };
                bench.running.set_faults(vec![rule]);
                let swept = loader.sweep(entity).await.expect("swept");
                assert_eq!((swept.removed, swept.questions), (removed, 1 - removed), "{entity} {kind:?}");
                assert_eq!(bench.in_doubt().await, 0, "{entity} {kind:?}");
                let bound = bench.bound(&key(entity, 0)).await.expect("bound");
                assert_eq!((bound.fate, bound.version), (Fate::Loaded, 1), "{entity} {kind:?}: {bound:?}");
                if removed == 1 {
                    bench.the_record(&bench.live(entity), entity, 0).await;
                }
            });
        }
    }
}

#[test]
fn what_a_lost_journal_does_not_know_is_adopted_and_then_compared() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            for number in 0..3 {
                let mut body = bench.body(entity, number, "first");
                assert!(bench.markers.put(entity, &key(entity, number), &mut body));
                bench.client.create(entity, &body, &bench.permit).await.expect("made");
            }
            bench.clock.sleep(Duration::from_secs(60)).await;
            let loader = bench.loader(Conflict::Source);
            bench.land(entity, 0..3, "first").await;
            let swept = loader.sweep(entity).await.expect("swept");
            assert_eq!((swept.marked, swept.adopted, swept.removed), (3, 3, 0), "{entity}");
            // Only one of them changed at the source while nobody looked.
            bench.land(entity, 1..2, "second").await;
            bench.write_all(&loader, entity, &[(0, "first"), (1, "second"), (2, "first")]).await;
            assert_eq!((bench.created(entity), bench.updated(entity)), (3, 1), "{entity}");
            for (number, value) in [(0, "first"), (1, "second"), (2, "first")] {
                let row = bench.the_record(&bench.live(entity), entity, number).await;
                assert!(row.text(text_field(entity)).is_some_and(|text| text.contains(value)), "{entity} {row:?}");
                let promised = bench.promised(&key(entity, number)).await.expect("bound");
                let promise = promised.promise.unwrap_or_default();
                assert!(promise.contains(value), "{entity} {number}: verification would compare {promise} only");
            }
        });
    }
}
