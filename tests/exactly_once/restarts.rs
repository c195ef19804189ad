//! Restarts: a load that ended between intent and outcome is settled by the next one, and what was on its way is not made
//! again.

use std::sync::Arc;
use std::time::Duration;

use crossdock::config::{Conflict, Plan, Spending};
use crossdock::journal::{EffectKind, Intent};
use crossdock::record::{Entity, Fate};
use crossdock::stage::item::Work;
use crossdock::stage::load::LoadLimits;
use crossdock::standin::pipedrive::{self, FaultKind, FaultRule, PeopleAction, PeopleEdit, Settings};
use serde_json::{Value, json};

use crate::bench::{Bench, ENTITIES, LIST_LAG, body_of, drive, drive_paced, key, text_field, unlimited};

/// An intent of a create as the load writes it.
fn create(bench: &Bench, entity: Entity, number: usize) -> Intent {
    let mut body = bench.body(entity, number, "first");
    assert!(bench.markers.put(entity, &key(entity, number), &mut body));
    Intent {
        key: key(entity, number),
        version: 1,
        entity,
        kind: EffectKind::Create,
        body: Value::Object(body).to_string(),
        sent: None,
        asked: None,
        floor_id: Some("1".to_owned()),
        dest_id: None,
        preimage: None,
        tries: 1,
    }
}

fn parse(body: &str) -> serde_json::Map<String, Value> {
    body_of(serde_json::from_str(body).expect("JSON"))
}

#[test]
fn creates_without_outcome_are_settled_by_the_next_load() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            bench.land(entity, 0..4, "first").await;
            let intents: Vec<Intent> = (0..4).map(|number| create(&bench, entity, number)).collect();
            bench.journal.intend(intents.clone(), bench.clock.utc()).await.expect("intended");
            // Of four intents two were sent before the end, one of them for nobody to hear.
            bench.client.create(entity, &parse(&intents[1].body), &bench.permit).await.expect("made");
            bench.running.set_faults(vec![FaultRule::new(FaultKind::CutThenCommit { after: Duration::from_secs(20) })]);
            bench.client.create(entity, &parse(&intents[2].body), &bench.permit).await.expect_err("cut");
            bench.running.set_faults(Vec::new());

            let loader = bench.loader(Conflict::Ask);
            loader.begin(entity).await.expect("begun");
            assert_eq!((bench.in_doubt().await, bench.created(entity)), (0, 4), "{entity}");
            let live = bench.live(entity);
            for number in 0..4 {
                bench.the_record(&live, entity, number).await;
            }
        });
    }
}

#[test]
fn a_long_stop_is_no_proof_that_a_call_is_over() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            bench.land(entity, 0..1, "first").await;
            let intent = create(&bench, entity, 0);
            bench.journal.intend(vec![intent.clone()], bench.clock.utc()).await.expect("intended");
            // The call waited for the day's tokens and went out just before the process died.
            bench.clock.sleep(Duration::from_secs(12 * 3600)).await;
            bench.running.set_faults(vec![FaultRule::new(FaultKind::CutThenCommit { after: Duration::from_secs(25) })]);
            bench.client.create(entity, &parse(&intent.body), &bench.permit).await.expect_err("cut");
            bench.running.set_faults(Vec::new());
            bench.loader(Conflict::Ask).begin(entity).await.expect("begun");
            assert_eq!(bench.created(entity), 1, "{entity}");
            bench.the_record(&bench.live(entity), entity, 0).await;
        });
    }
}

#[test]
fn calls_cut_off_by_the_end_of_a_run_are_settled() {
    // Far more than can be sent until the cut, however many batches ahead the intents are.
    const RECORDS: usize = 80;
    for entity in ENTITIES {
        drive(Settings { rtt: Duration::from_secs(1), ..paced() }, |bench| async move {
            let rule = FaultRule {
                method: Some("POST".into()),
                probability: 0.3,
                ..FaultRule::new(FaultKind::AnswerLate { wait: Duration::from_secs(20) })
            };
            bench.running.set_faults(vec![rule]);
            let first = bench.loader(Conflict::Ask);
            first.begin(entity).await.expect("begun");
            let cut = bench.clock.timeout(Duration::from_secs(4), bench.run(&first, entity, 0..RECORDS, "first")).await;
            assert!(cut.is_none() && bench.in_doubt().await > 0, "{entity}");
            bench.running.set_faults(Vec::new());

            let second = bench.loader(Conflict::Ask);
            second.begin(entity).await.expect("begun");
            let mut left = Vec::new();
            for number in 0..RECORDS {
                if bench.bound(&key(entity, number)).await.is_none() {
                    left.push(Work::Write(bench.ready(entity, number, "first").await));
                }
            }
            assert!(!left.is_empty(), "{entity}: it was cut off too late");
            bench.write(&second, left).await;
            second.settle(entity).await.expect("settled");
            let swept = second.sweep(entity).await.expect("swept");
            assert_eq!(
                (swept.marked, swept.removed, bench.created(entity)),
                (RECORDS as u64, 0, RECORDS as u64),
                "{entity}"
            );
            let live = bench.live(entity);
            for number in 0..RECORDS {
                bench.the_record(&live, entity, number).await;
            }
        });
    }
}

/// An account whose limits hold, but are far away.
fn paced() -> Settings {
    Settings { plan: pipedrive::Plan::Ultimate, seats: 50, list_lag: LIST_LAG, caps: false, ..Settings::default() }
}

#[test]
fn the_quiet_time_begins_with_the_call_and_not_with_its_intent() {
    // One call in ten seconds: the last of eight goes out more than a minute after its intent.
    let settings = Settings { rtt: Duration::from_secs(10), ..paced() };
    let spending = Spending::Planned { plan: Plan::Ultimate, seats: 50, top_up_tokens_day: 0, reserve_tokens_day: 0 };
    for entity in ENTITIES {
        drive_paced(settings.clone(), spending, |bench| async move {
            let limits = LoadLimits { calls_in_flight: 1, list_lag: LIST_LAG, conflict: Conflict::Ask };
            let loader = bench.loader_with(limits);
            loader.begin(entity).await.expect("begun");
            let kind = FaultKind::CutThenCommit { after: Duration::from_secs(20) };
            let rule = FaultRule { method: Some("POST".into()), ..FaultRule::new(kind).times(7, 1) };
            bench.running.set_faults(vec![rule]);
            bench.run(&loader, entity, 0..8, "first").await;
            assert_eq!(bench.in_doubt().await, 1, "{entity}");
            loader.settle(entity).await.expect("settled");
            assert_eq!((bench.in_doubt().await, bench.created(entity)), (0, 8), "{entity}");
            assert_eq!(bench.running.ledger().rate_limited, 0, "{entity}");
        });
    }
}

#[test]
fn a_record_that_pipedrive_never_answers_for_is_parked_and_made_later() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            let kind = FaultKind::Refuse { status: 503, body: String::new() };
            let rule = FaultRule { method: Some("POST".into()), ..FaultRule::new(kind) };
            bench.running.set_faults(vec![rule]);
            let swept = bench.step(&loader, entity, 0..2, "first").await;
            assert_eq!((swept.marked, bench.in_doubt().await), (0, 0), "{entity}");
            for number in 0..2 {
                let bound = bench.bound(&key(entity, number)).await.expect("an end");
                assert_eq!((bound.fate, bound.waits_for.as_deref()), (Fate::Parked, Some("pipedrive")), "{entity}");
            }
            bench.running.set_faults(Vec::new());
            bench.step(&loader, entity, 0..2, "first").await;
            assert_eq!(bench.created(entity), 2, "{entity}");
            let live = bench.live(entity);
            for number in 0..2 {
                bench.the_record(&live, entity, number).await;
            }
        });
    }
}

#[test]
fn a_record_that_comes_through_after_it_was_given_up_is_adopted_as_it_was_sent() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            let kind = FaultKind::CutThenCommit { after: Duration::from_secs(1500) };
            let rule = FaultRule { method: Some("POST".into()), ..FaultRule::new(kind) };
            bench.running.set_faults(vec![rule]);
            loader.begin(entity).await.expect("begun");
            bench.run(&loader, entity, 0..1, "first").await;
            loader.settle(entity).await.expect("settled");
            assert_eq!(bench.bound(&key(entity, 0)).await.map(|bound| bound.fate), Some(Fate::Parked), "{entity}");
            bench.clock.sleep(Duration::from_secs(3000)).await;
            let swept = loader.sweep(entity).await.expect("swept");
            assert_eq!((swept.marked, swept.adopted, swept.removed, swept.questions), (6, 1, 5, 0), "{entity}");
            bench.the_record(&bench.live(entity), entity, 0).await;
            let ready = bench.ready(entity, 0, "first").await;
            bench.write(&loader, vec![Work::Write(ready)]).await;
            assert_eq!((bench.created(entity), bench.updated(entity)), (6, 0), "{entity}");
        });
    }
}

#[test]
fn changes_without_outcome_are_settled_by_the_next_load() {
    for entity in ENTITIES {
        drive(unlimited(), |bench| async move {
            let loader = bench.loader(Conflict::Ask);
            bench.step(&loader, entity, 0..3, "first").await;
            bench.land(entity, 0..3, "second").await;
            let field = text_field(entity);
            let mut dest_ids = Vec::new();
            for number in 0..3 {
                let promised = bench.promised(&key(entity, number)).await.expect("loaded");
                let bound = promised.bound;
                let dest_id = bound.dest_id.clone().expect("loaded");
                let mut promise = bench.body(entity, number, "second");
                assert!(bench.markers.put(entity, &bound.key, &mut promise));
                let sent = body_of(json!({field: promise[field]}));
                let old = parse(promised.promise.as_deref().expect("a promise"))[field].clone();
                let intent = Intent {
                    kind: EffectKind::Update,
                    version: 2,
                    body: Value::Object(promise).to_string(),
                    sent: Some(Value::Object(sent.clone()).to_string()),
                    dest_id: Some(Arc::clone(&dest_id)),
                    preimage: Some(json!({field: old}).to_string()),
                    ..create(&bench, entity, number)
                };
                bench.journal.intend(vec![intent], bench.clock.utc()).await.expect("intended");
                if number == 1 {
                    bench
                        .client
                        .update_encoded(entity, &dest_id, Value::Object(sent).to_string().into(), &bench.permit)
                        .await
                        .expect("changed");
                }
                dest_ids.push(dest_id);
            }
            // What people changed meanwhile is not overwritten: the record stays behind and comes by again.
            let edit = PeopleEdit::new(PeopleAction::Update, entity, &dest_ids[2]);
            let marked = format!("by people <p>[crossdock {}]</p>", bench.markers.text(&key(entity, 2)));
            let text = if entity == Entity::Note { marked.as_str() } else { "by people" };
            bench.running.edit_as_people(edit.with(json!({field: text}))).expect("edited");

            bench.loader(Conflict::Ask).begin(entity).await.expect("begun");
            assert_eq!((bench.in_doubt().await, bench.updated(entity)), (0, 2), "{entity}");
            let live = bench.live(entity);
            for (number, value, version) in [(0, "second", 2), (1, "second", 2), (2, "by people", 1)] {
                let row = bench.the_record(&live, entity, number).await;
                assert!(row.text(field).is_some_and(|text| text.contains(value)), "{entity} {row:?}");
                let bound = bench.bound(&key(entity, number)).await.expect("bound");
                assert_eq!(bound.version, version, "{entity} {number}");
            }
        });
    }
}
