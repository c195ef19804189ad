//! Proposed mappings: for the generated account and for exports of other layouts they are good enough to migrate with, to
//! the last column.

#![expect(clippy::print_stdout, reason = "the seed belongs into the test's output")]

#[path = "../support/ends.rs"]
mod ends;
mod layouts;
mod model;
mod placement;
mod through;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crossdock::mapping::field::Origin;
use crossdock::mapping::proposal::Proposal;
use crossdock::mapping::{Mapping, PROMOX};
use crossdock::migration::map::{Reading, propose};
use crossdock::progress::Progress;
use crossdock::record::{Entity, Fate, Object, Target};
use crossdock::stop;

use ends::{ENTITIES, Ends, drive, live_ids};

/// Every column of every table is in one proposed field, and in the mapping or among what it leaves.
pub(crate) fn assert_nothing_is_silent(proposal: &Proposal, text: &str) {
    for table in &proposal.tables {
        let columns: BTreeSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        if table.object.is_none() {
            assert!(text.contains(&format!("# Left out: {}", table.table)), "{} is left out silently", table.table);
            continue;
        }
        let named: Vec<&str> = table.fields.iter().flat_map(|field| &field.columns).map(String::as_str).collect();
        assert_eq!(named.len(), columns.len(), "{}: each column once", table.table);
        assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), columns, "{}", table.table);
        for field in &table.fields {
            assert!(!field.target.is_empty() && (0.0..=1.0).contains(&field.confidence), "{field:?}");
            for column in &field.columns {
                assert!(text.contains(column.as_str()), "{}.{column} is not in the mapping", table.table);
            }
        }
    }
}

/// Which system fields a mapping fills from which columns.
fn system_lines(mapping: &Mapping) -> BTreeSet<(Object, Entity, String, String)> {
    let mut lines = BTreeSet::new();
    for (object, destination) in mapping.destinations() {
        for field in &destination.fields {
            if let (Target::System(name), Origin::First(columns) | Origin::Joined(columns, _)) =
                (&field.target, &field.from)
            {
                for column in columns {
                    lines.insert((object, destination.entity, name.clone(), column.name.clone()));
                }
            }
        }
    }
    lines
}

async fn proposed(ends: &Ends) -> (Proposal, String) {
    let (_stopper, stop) = stop::switch();
    let reading = Reading { clock: ends.clock.clone(), stop, progress: Progress::default() };
    let proposed = propose(&ends.config(), &reading).await.expect("a proposal");
    (proposed.proposal, proposed.mapping)
}

#[test]
fn the_generated_account_is_mapped_as_by_hand() {
    drive(|ends| async move {
        let (proposal, text) = proposed(&ends).await;
        println!("{text}");
        assert_nothing_is_silent(&proposal, &text);
        let (own, by_hand) = (Mapping::parse(&text, "proposed").expect("valid"), Mapping::promox());
        let missing: Vec<_> = system_lines(&by_hand).difference(&system_lines(&own)).cloned().collect();
        assert!(missing.is_empty(), "by hand, and not proposed: {missing:?}");
        assert_ne!(text, PROMOX);
    });
}

/// How many records of each kind ended how, and how many live records there are.
type Outcome = (Vec<(Object, Option<Fate>, u64)>, Vec<(Entity, usize)>);

/// A whole rehearsal with a mapping.
async fn rehearse(ends: &Ends, text: &str) -> Outcome {
    std::fs::write(ends.folder().join("mapping.toml"), text).expect("written");
    let migration = ends.open(|_| ()).await;
    ends.finish(&migration).await;
    let verification = migration.verification().expect("it was verified");
    assert!(verification.is_clean(), "{verification:?}");
    let fates = migration.journal().fates().await.expect("the journal reads");
    let fates = fates.into_iter().map(|count| (count.object, count.fate, count.records)).collect();
    (fates, ENTITIES.map(|entity| (entity, live_ids(&ends.pipedrive, entity).len())).to_vec())
}

#[test]
fn a_migration_with_the_proposed_mapping_ends_like_one_with_that_by_hand() {
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    for is_proposed in [true, false] {
        let outcomes = Arc::clone(&outcomes);
        drive(|ends| async move {
            let text = if is_proposed { proposed(&ends).await.1 } else { PROMOX.to_owned() };
            let outcome = rehearse(&ends, &text).await;
            outcomes.lock().expect("no panic").push(outcome);
        });
    }
    let outcomes = outcomes.lock().expect("no panic");
    assert_eq!(outcomes[0], outcomes[1], "proposed, by hand");
}
