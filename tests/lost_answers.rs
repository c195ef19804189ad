//! Whole migrations whose answers are lost on the way end as one that was left alone: every record once, nothing in doubt.
//!
//! The tests of the load try every fault on its parts; these see that the steps of a migration put the parts together:
//! what an earlier run left is settled before anything is sent, what is in doubt after it, and every step ends with a
//! sweep.

#![cfg(feature = "standin")]
#![expect(clippy::print_stdout, reason = "the seed belongs into the test's output")]

#[path = "support/ends.rs"]
mod ends;

use std::collections::BTreeMap;
use std::time::Duration;

use crossdock::migration::Migration;
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{FaultKind, FaultRule, Ledger};

use ends::{ENTITIES, Ends, drive, live_ids};

/// Longer than two quiet times of 30.5 seconds, after which a create is tried again, and shorter than the four after
/// which the sweep looks.
const LATE: Duration = Duration::from_secs(100);

/// How long answers are held while a run is cut off: less than a call may take.
const HOLD: Duration = Duration::from_secs(20);

/// Creates of each kind of record that a fault strikes, after letting some pass.
const STRUCK: u64 = 3;

/// Records by kind, as the account's books count them.
type Counts = BTreeMap<Entity, u64>;

/// The end state of a migration.
#[derive(Debug, PartialEq, Eq)]
struct End {
    live: Counts,
    created: Counts,
    deleted: Counts,
}

impl End {
    async fn of(ends: &Ends, migration: &Migration) -> Self {
        let verification = migration.verification().expect("it was verified");
        assert!(verification.is_clean(), "{verification:?}");
        assert!(migration.reconciliation().await.expect("built").balanced);
        let journal = migration.journal();
        assert!(journal.in_doubt(None).await.expect("read").is_empty());
        assert!(journal.questions().await.expect("read").iter().all(|question| question.topic != "copy"));
        let Ledger { created, deleted, .. } = ends.pipedrive.ledger();
        let of = |books: &BTreeMap<String, u64>| {
            ENTITIES.map(|entity| (entity, books.get(entity.as_str()).copied().unwrap_or_default())).into()
        };
        let live = ENTITIES.map(|entity| (entity, live_ids(&ends.pipedrive, entity).len() as u64)).into();
        Self { live, created: of(&created), deleted: of(&deleted) }
    }
}

/// A rule for the creates of each kind of record.
fn on_creates(kind: &FaultKind) -> Vec<FaultRule> {
    let paths =
        ["/api/v2/organizations", "/api/v2/persons", "/v1/leads", "/api/v2/deals", "/api/v2/activities", "/v1/notes"];
    paths.map(|path| FaultRule::new(kind.clone()).at(format!("POST {path}")).times(2, STRUCK)).into()
}

/// Walks a migration with faults on its creates; gives its end.
fn under(rules: &[FaultRule]) -> End {
    let end = std::cell::OnceCell::new();
    drive(|ends| {
        let end = &end;
        async move {
            ends.pipedrive.set_faults(rules.to_vec());
            let migration = ends.open(|_| ()).await;
            ends.finish(&migration).await;
            end.set(End::of(&ends, &migration).await).expect("once");
        }
    });
    end.into_inner().expect("it ended")
}

#[test]
fn what_was_made_without_an_answer_is_found_and_not_made_again() {
    let alone = under(&[]);
    assert!(alone.created.values().all(|created| *created > 2 + STRUCK), "{alone:?}");
    assert_eq!(under(&on_creates(&FaultKind::CommitThenCut)), alone);
}

#[test]
fn what_comes_through_after_its_second_try_is_removed_by_the_sweep_of_its_step() {
    let alone = under(&[]);
    let late = under(&on_creates(&FaultKind::CutThenCommit { after: LATE }));
    assert_eq!(late.live, alone.live);
    for entity in ENTITIES {
        assert_eq!(late.created[&entity], alone.created[&entity] + STRUCK, "{entity} made");
        assert_eq!(late.deleted[&entity], alone.deleted[&entity] + STRUCK, "{entity} removed");
    }
}

#[test]
fn what_a_run_left_on_its_way_is_settled_before_the_next_one_sends_anything() {
    let alone = under(&[]);
    for entity in ENTITIES {
        drive(|ends| {
            let alone = &alone;
            async move {
                let late = FaultRule::new(FaultKind::AnswerLate { wait: HOLD });
                ends.pipedrive.set_faults(vec![FaultRule { method: Some("POST".to_owned()), ..late }]);
                let first = ends.open(|_| ()).await;
                // The run is dropped as it stands, with calls in flight that have been carried out.
                let is_under_way = async || {
                    // The preflight's throw-away record is live for a moment, too.
                    let in_doubt = first.journal().in_doubt(Some(entity)).await.expect("read");
                    !live_ids(&ends.pipedrive, entity).is_empty() && !in_doubt.is_empty()
                };
                let cut_off = async {
                    while !is_under_way().await {
                        ends.clock.sleep(Duration::from_secs(1)).await;
                    }
                };
                let run = async {
                    tokio::select! {
                        ended = first.run() => panic!("{entity}: it ended too early: {ended:?}"),
                        () = cut_off => {}
                    }
                };
                ends.approving(&first, Box::pin(run)).await;
                let left = first.journal().in_doubt(Some(entity)).await.expect("read").len();
                assert!(left > 0, "{entity}: nothing was on its way");
                drop(first);
                ends.pipedrive.set_faults(Vec::new());

                let second = ends.open(|_| ()).await;
                ends.finish(&second).await;
                assert_eq!(End::of(&ends, &second).await, *alone, "cut off with {left} of {entity} on their way");
            }
        });
    }
}
