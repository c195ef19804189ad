//! What Pipedrive will not take: one poison record stops nobody else, a limit of the account stops one kind of record
//! only, and both go on when the cause is gone.

use crossdock::config::Conflict;
use crossdock::record::{Entity, Fate};
use crossdock::stage::item::Work;
use crossdock::standin::pipedrive::{FaultKind, FaultRule};
use serde_json::json;

use crate::bench::{Bench, drive, key, unlimited};

/// Records of each test.
const RECORDS: usize = 40;

/// The one that Pipedrive refuses.
const POISON: usize = 7;

async fn parked(bench: &Bench, entity: Entity, waits_for: &str) -> Vec<usize> {
    let mut parked = Vec::new();
    for number in 0..RECORDS {
        let bound = bench.bound(&key(entity, number)).await.expect("an end");
        if bound.fate == Fate::Parked {
            assert_eq!(bound.waits_for.as_deref(), Some(waits_for), "{bound:?}");
            parked.push(number);
        } else {
            assert_eq!(bound.fate, Fate::Loaded, "{bound:?}");
        }
    }
    parked
}

#[test]
fn a_poison_record_is_parked_with_field_value_and_reason_and_can_be_mended() {
    drive(unlimited(), |bench| async move {
        let loader = bench.loader(Conflict::Ask);
        loader.begin(Entity::Deal).await.expect("begun");
        bench.land(Entity::Deal, 0..RECORDS, "first").await;
        let mut work = Vec::new();
        for number in 0..RECORDS {
            let mut ready = bench.ready(Entity::Deal, number, "first").await;
            if number == POISON {
                ready.body.insert("expected_close_date".into(), json!("someday"));
            }
            work.push(Work::Write(ready));
        }
        bench.write(&loader, work).await;
        assert_eq!(parked(&bench, Entity::Deal, "correction").await, vec![POISON]);
        let reason = bench.bound(&key(Entity::Deal, POISON)).await.and_then(|bound| bound.reason).expect("a reason");
        assert!(
            reason.contains("field 'expected_close_date' with the value \"someday\"") && reason.contains("400"),
            "{reason}"
        );
        // Nothing happens to it by itself; then its cause is mended, and somebody says so.
        let before = bench.running.ledger().tokens;
        assert!(bench.bound(&key(Entity::Deal, POISON)).await.expect("an end").waits_for_people());
        assert_eq!(bench.journal.retry().await.expect("kept"), 1);
        assert!(!bench.bound(&key(Entity::Deal, POISON)).await.expect("an end").waits_for_people());
        assert_eq!(bench.running.ledger().tokens, before);
        bench.write_all(&bench.loader(Conflict::Ask), Entity::Deal, &[(POISON, "first")]).await;
        assert!(parked(&bench, Entity::Deal, "correction").await.is_empty());
        assert_eq!(bench.journal.retry().await.expect("kept"), 0);
    });
}

#[test]
fn a_limit_of_the_account_stops_its_kind_of_record_only_and_goes_on_when_there_is_room() {
    drive(unlimited(), |bench| async move {
        let full = r#"{"success":false,"error":"Couldn't add the deal. Open deals limit reached.",
            "code":"feature_capping_deals_limit"}"#;
        let rule = FaultRule::new(FaultKind::Refuse { status: 403, body: full.to_owned() });
        bench.running.set_faults(vec![FaultRule { skip: 10, ..rule.at("POST /api/v2/deals") }]);
        let loader = bench.loader(Conflict::Ask);
        bench.step(&loader, Entity::Deal, 0..RECORDS, "first").await;
        let waits = parked(&bench, Entity::Deal, "plan_limit").await;
        assert_eq!(waits.len(), RECORDS - 10);
        let statuses = bench.running.ledger().requests_by_endpoint["POST /api/v2/deals"].clone();
        assert!(statuses[&403] <= 8, "those in flight met the limit, and no others: {statuses:?}");
        let questions = bench.journal.questions().await.expect("read");
        let [question] = questions.as_slice() else { panic!("{questions:?}") };
        assert_eq!((question.topic.as_str(), question.subject.as_str()), ("plan_limit", "deal"));
        assert!(question.text.contains("Open deals limit reached") && question.text.contains("archive closed deals"));
        // The other kinds are not stopped.
        bench.step(&loader, Entity::Organization, 0..RECORDS, "first").await;
        assert!(parked(&bench, Entity::Organization, "").await.is_empty());
        // One record of the next pass looks, and the rest still waits.
        let again: Vec<(usize, &str)> = waits.iter().map(|number| (*number, "first")).collect();
        bench.write_all(&bench.loader(Conflict::Ask), Entity::Deal, &again).await;
        assert_eq!(parked(&bench, Entity::Deal, "plan_limit").await, waits);
        // A larger plan.
        bench.running.set_faults(Vec::new());
        bench.write_all(&bench.loader(Conflict::Ask), Entity::Deal, &again).await;
        assert!(parked(&bench, Entity::Deal, "plan_limit").await.is_empty());
        assert_eq!(bench.created(Entity::Deal), RECORDS as u64);
    });
}
