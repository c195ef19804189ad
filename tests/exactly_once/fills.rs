//! Records that were there before us: what is blank is filled once, whatever happens to the call or to the process, and
//! what people put stays.

use std::sync::Arc;
use std::time::Duration;

use crossdock::config::Conflict;
use crossdock::journal::{EffectKind, RoleFate};
use crossdock::record::{Entity, Fate};
use crossdock::stage::item::{Manner, Ready, Work};
use crossdock::stage::load::Swept;
use crossdock::standin::pipedrive::{FaultKind, FaultRule, PeopleAction, PeopleEdit};
use serde_json::{Value, json};

use crate::bench::{Bench, body_of, drive, key, unlimited};

const ENTITY: Entity = Entity::Person;

/// Records of each test.
const RECORDS: usize = 12;

/// What is blank in all of them, and what the source has for it.
fn phones(number: usize) -> Value {
    json!([{"value": format!("+1 312 555 01{number:02}"), "label": "work", "primary": true}])
}

/// Lets people make persons without a phone, and binds them as the stage before does.
async fn found(bench: &Bench) -> Vec<i64> {
    let mut ids = Vec::new();
    for number in 0..RECORDS {
        let body = json!({"name": format!("Kept {number}"), "emails": [{"value": format!("p{number}@x.org")}]});
        let made = bench.running.edit_as_people(PeopleEdit::new(PeopleAction::Create, ENTITY, "").with(body));
        ids.push(made.expect("made")["id"].as_i64().expect("an id"));
    }
    bench.land(ENTITY, 0..RECORDS, "first").await;
    let bound = |(number, id): (usize, &i64)| {
        RoleFate::new(key(ENTITY, number), ENTITY, 0, Fate::Matched).found_at(id.to_string().into()).because("the same")
    };
    bench.journal.end_roles(ids.iter().enumerate().map(bound).collect()).await.expect("bound");
    ids
}

/// What the source has for a record that was found.
async fn ready(bench: &Bench, number: usize) -> Ready {
    let ready = bench.ready(ENTITY, number, "source").await;
    let body = body_of(json!({"name": "Source", "phones": phones(number)}));
    Ready { body, manner: Manner::Fill, ..ready }
}

async fn all_ready(bench: &Bench) -> Vec<Work> {
    let mut work = Vec::new();
    for number in 0..RECORDS {
        work.push(Work::Write(ready(bench, number).await));
    }
    work
}

/// Every record was filled once, is nobody's own, and its old values are kept.
async fn check(bench: &Bench, ids: &[i64], what: &str) {
    assert_eq!((bench.in_doubt().await, bench.created(ENTITY)), (0, 0), "{what}");
    assert_eq!(bench.journal.loaded(ENTITY).await.expect("counted"), 0, "{what}");
    assert_eq!(bench.journal.matched(ENTITY).await.expect("counted"), RECORDS as u64, "{what}");
    let rows = bench.running.rows(ENTITY);
    for (number, id) in ids.iter().enumerate() {
        let row = rows.iter().find(|row| row["id"] == *id).expect("there");
        let phone = phones(number)[0]["value"].clone();
        assert_eq!((&row["name"], &row["phones"][0]["value"]), (&json!(format!("Kept {number}")), &phone), "{what}");
        assert!(row["custom_fields"].to_string().contains(&bench.markers.text(&key(ENTITY, number))), "{what}");
        let bound = bench.bound(&key(ENTITY, number)).await.expect("bound");
        assert_eq!((bound.fate, bound.version, bound.existing), (Fate::Matched, 1, true), "{what}");
        assert_eq!(bound.dest_id.as_deref(), Some(&*id.to_string()), "{what}");
        assert_eq!((bound.reason.as_deref(), bound.written), (Some("the same"), Some(EffectKind::Update)), "{what}");
    }
    // Our marker on a record of theirs is not one that we must account for.
    let swept = bench.loader(Conflict::Ask).sweep(ENTITY).await.expect("swept");
    assert_eq!(swept, Swept::default(), "{what}");
}

#[test]
fn a_fill_is_made_once_whatever_happens_to_its_call() {
    let seconds = Duration::from_secs;
    let cases = [
        (FaultKind::CommitThenCut, 0),
        (FaultKind::CommitThenError { status: 500 }, 0),
        (FaultKind::TruncatedJson, 0),
        (FaultKind::AnswerLate { wait: seconds(40) }, 0),
        (FaultKind::CutThenCommit { after: seconds(20) }, 0),
        (FaultKind::Refuse { status: 502, body: String::new() }, 0),
        // The second try and the first one, which says the same.
        (FaultKind::CutThenCommit { after: seconds(100) }, 4),
    ];
    for (kind, more) in cases {
        drive(unlimited(), |bench| async move {
            let ids = found(&bench).await;
            let rule = FaultRule::new(kind.clone()).times(2, 4);
            bench.running.set_faults(vec![FaultRule { method: Some("PATCH".to_owned()), ..rule }]);
            bench.write(&bench.loader(Conflict::Source), all_ready(&bench).await).await;
            assert_eq!(bench.in_doubt().await, 4, "{kind:?}");
            bench.running.set_faults(Vec::new());
            // Another process takes it up.
            bench.loader(Conflict::Source).begin(ENTITY).await.expect("settled");
            bench.clock.sleep(seconds(200)).await;
            assert_eq!(bench.updated(ENTITY), RECORDS as u64 + more, "{kind:?}");
            check(&bench, &ids, &format!("{kind:?}")).await;
        });
    }
}

#[test]
fn a_process_that_dies_between_finding_and_filling_goes_on_after_it() {
    drive(unlimited(), |bench| async move {
        let ids = found(&bench).await;
        // It died after half of them were filled; the rest is only bound.
        let half: Vec<Work> = all_ready(&bench).await.into_iter().take(RECORDS / 2).collect();
        bench.write(&bench.loader(Conflict::Source), half).await;
        let loader = bench.loader(Conflict::Source);
        loader.begin(ENTITY).await.expect("begun");
        bench.write(&loader, all_ready(&bench).await).await;
        assert_eq!(bench.updated(ENTITY), RECORDS as u64);
        check(&bench, &ids, "half").await;
    });
}

#[test]
fn what_people_fill_first_is_theirs_and_what_we_filled_follows_the_source() {
    drive(unlimited(), |bench| async move {
        let ids = found(&bench).await;
        let people = |id: &i64, number: &str| {
            let body = json!({"phones": [{"value": number, "label": "home", "primary": true}]});
            let edit = PeopleEdit::new(PeopleAction::Update, ENTITY, id).with(body);
            bench.running.edit_as_people(edit).expect("edited");
        };
        people(&ids[0], "+1 312 555 0190");
        bench.clock.sleep(Duration::from_secs(60)).await;
        let loader = bench.loader(Conflict::Source);
        bench.write(&loader, all_ready(&bench).await).await;
        let phone = |id: &i64| {
            let rows = bench.running.rows(ENTITY);
            let row = rows.iter().find(|row| row["id"] == *id).expect("there");
            row["phones"][0]["value"].as_str().map(str::to_owned)
        };
        assert_eq!((phone(&ids[0]).as_deref(), bench.updated(ENTITY)), (Some("+1 312 555 0190"), RECORDS as u64 - 1));
        // People change one that we filled; then the source changes three.
        people(&ids[1], "+1 312 555 0191");
        bench.clock.sleep(Duration::from_secs(60)).await;
        bench.land(ENTITY, 0..3, "second").await;
        for number in 0..3 {
            let mut ready = ready(&bench, number).await;
            ready.body.insert("phones".to_owned(), phones(number + 50));
            bench.write(&loader, vec![Work::Write(ready)]).await;
        }
        assert_eq!(phone(&ids[0]).as_deref(), Some("+1 312 555 0190"), "theirs from the start");
        assert_eq!(
            phone(&ids[1]).as_deref(),
            Some("+1 312 555 0191"),
            "theirs since they changed it, under any policy"
        );
        assert_eq!(phone(&ids[2]).as_deref(), phones(52)[0]["value"].as_str(), "ours, and only the source changed it");
    });
}

#[test]
fn what_vanished_after_it_was_found_is_not_bound() {
    drive(unlimited(), |bench| async move {
        let ids = found(&bench).await;
        bench.running.edit_as_people(PeopleEdit::new(PeopleAction::Delete, ENTITY, ids[3])).expect("deleted");
        bench.clock.sleep(Duration::from_secs(60)).await;
        let loader: Arc<_> = bench.loader(Conflict::Source);
        bench.write(&loader, all_ready(&bench).await).await;
        let bound = bench.bound(&key(ENTITY, 3)).await.expect("bound");
        assert_eq!((bound.fate, bound.dest_id, bound.existing), (Fate::Parked, None, false));
        assert!(!bench.bound(&key(ENTITY, 3)).await.expect("bound").waits_for_decision());
        // It comes by again, is nowhere to be found, and is made.
        let work = Work::Write(bench.ready(ENTITY, 3, "source").await);
        bench.write(&loader, vec![work]).await;
        let bound = bench.bound(&key(ENTITY, 3)).await.expect("bound");
        assert_eq!((bound.fate, bound.existing, bench.created(ENTITY)), (Fate::Loaded, false, 1));
    });
}
