//! Making the workspace while answers are lost and the process dies: everything is there once in the end.

use std::time::Duration;

use crossdock::permit::Gate;
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{CUT_STATUS, FaultKind, FaultRule, Settings};
use serde_json::json;

use super::world::{KINDS, WITH_PLAN, World, drive, unlimited};

/// Names of all that a workspace is made of, with how often each is there.
fn once(world: &World) {
    for kind in KINDS {
        let rows = world.live(kind);
        let name = |row: &serde_json::Value| {
            let name = row["name"].as_str().or(row["field_name"].as_str()).expect("a name").to_lowercase();
            format!("{}/{name}", row["pipeline_id"])
        };
        let mut names: Vec<String> = rows.iter().map(name).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{kind}: {names:?}");
    }
    for name in ["Crossdock ID", "Original owner", "Customer PO", "In-hands date", "Method"] {
        assert_eq!(world.called(Entity::DealField, name).len(), 1, "{name}");
    }
    let pipeline = world.called(Entity::Pipeline, "Orders").remove(0);
    let mut stages = world.live(Entity::Stage);
    stages.retain(|stage| stage["pipeline_id"] == pipeline["id"]);
    let names: Vec<&str> = stages.iter().filter_map(|stage| stage["name"].as_str()).collect();
    assert_eq!(names, ["Quote", "Proof", "Shipped"]);
}

/// Writes of the workspace and of the throw-away record, when nothing happens.
const CREATES: u64 = 1 + 9 + 1 + 3 + 2 + 1;

#[test]
fn a_process_that_dies_anywhere_goes_on_where_it_was() {
    // Whether a new pipeline comes with stages is not documented; with them there is more to remember.
    let settings = || Settings { new_pipeline_stages: true, ..unlimited() };
    drive(settings(), |world| async move {
        for wanted in 1..=CREATES {
            let walk = world.open().await;
            // Dropping the run in the middle of what it does is what a kill does to it.
            // The clock of the test runs ahead where the machine is slow: a day of it is some minutes at the most.
            let until = world.clock.timeout(Duration::from_secs(86_400), async {
                tokio::select! {
                    _ = Box::pin(walk.migration.run()) => {}
                    () = created(&world, &walk.migration, wanted) => {}
                }
            });
            assert!(until.await.is_some(), "{wanted} creates");
        }
        let walk = world.open().await;
        world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
        once(&world);
        assert_eq!(world.pipedrive.ledger().created.values().sum::<u64>(), CREATES);
        let workspace = world.report("workspace");
        let adopted = |part: &str| {
            let lines = workspace[part].as_array().expect("lines").iter();
            lines.filter(|line| line["adopted"] == true).count()
        };
        assert_eq!((adopted("fields"), adopted("stages")), (0, 0), "a restart knows its own work");
    });
}

/// Turns that others get before the clock may go on.
const YIELDS: usize = 2_000;

/// Approves what waits and ends once so many records were made.
async fn created(world: &World, migration: &crossdock::migration::Migration, wanted: u64) {
    as_soon_as(world, migration, || world.pipedrive.ledger().created.values().sum::<u64>() >= wanted).await;
}

/// Approves what waits and ends once something is so.
async fn as_soon_as(world: &World, migration: &crossdock::migration::Migration, is_so: impl Fn() -> bool) {
    loop {
        for gate in WITH_PLAN {
            drop(super::approve(migration.journal(), &world.clock, gate).await);
        }
        // Calls take no time on this clock: whoever wants to be between a create and its answer must not wait on it.
        for _ in 0..YIELDS {
            if is_so() {
                return;
            }
            tokio::task::yield_now().await;
        }
        world.clock.sleep(Duration::from_millis(100)).await;
    }
}

/// Every kind of write that makes the workspace, and the throw-away record's.
const WRITES: [&str; 8] = [
    "POST /api/v2/dealFields",
    "POST /api/v2/personFields",
    "POST /api/v2/pipelines",
    "POST /api/v2/stages",
    "POST /v1/leadLabels",
    "POST /v1/activityTypes",
    "POST /api/v2/organizations",
    "DELETE /api/v2/organizations/{id}",
];

#[test]
fn a_call_that_was_on_its_way_when_the_process_died_is_waited_for() {
    for endpoint in WRITES {
        drive(Settings { new_pipeline_stages: true, ..unlimited() }, |world| async move {
            let late = FaultKind::CutThenCommit { after: Duration::from_secs(20) };
            world.pipedrive.set_faults(vec![FaultRule::new(late).at(endpoint).times(0, 1)]);
            let walk = world.open().await;
            tokio::select! {
                _ = Box::pin(walk.migration.run()) => unreachable!("it dies before"),
                () = cut(&world, &walk.migration, endpoint) => {}
            }
            let walk = world.open().await;
            world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
            // What would come late is there by then.
            world.clock.sleep(Duration::from_secs(60)).await;
            once(&world);
            assert_eq!(world.live(Entity::Organization).len(), 0, "the throw-away record is gone");
            assert_eq!(world.pipedrive.ledger().created.values().sum::<u64>(), CREATES, "{endpoint}");
        });
    }
}

#[test]
fn options_on_their_way_when_the_process_died_are_waited_for() {
    drive(unlimited(), |world| async move {
        let there = json!({"field_name": "Method", "field_type": "enum", "options": [{"label": "Laser"}]});
        world.people_make(Entity::DealField, there);
        let endpoint = "POST /api/v2/dealFields/{field_code}/options";
        let late = FaultKind::CutThenCommit { after: Duration::from_secs(20) };
        world.pipedrive.set_faults(vec![FaultRule::new(late).at(endpoint).times(0, 1)]);
        let walk = world.open().await;
        tokio::select! {
            _ = Box::pin(walk.migration.run()) => unreachable!("it dies before"),
            () = cut(&world, &walk.migration, endpoint) => {}
        }
        let walk = world.open().await;
        world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
        world.clock.sleep(Duration::from_secs(60)).await;
        let method = world.called(Entity::DealField, "Method").remove(0);
        let options = method["options"].as_array().expect("options").iter();
        let labels: Vec<&str> = options.filter_map(|option| option["label"].as_str()).collect();
        assert_eq!(labels, ["Laser", "Embroidery", "Screen print"]);
    });
}

#[test]
fn a_throw_away_record_that_is_deleted_is_not_made_again() {
    drive(unlimited(), |world| async move {
        let walk = world.open().await;
        let is_deleted = || world.pipedrive.ledger().deleted.contains_key("organization");
        tokio::select! {
            _ = Box::pin(walk.migration.run()) => unreachable!("it dies before"),
            () = as_soon_as(&world, &walk.migration, is_deleted) => {}
        }
        let walk = world.open().await;
        world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
        let ledger = world.pipedrive.ledger();
        assert_eq!((ledger.created["organization"], ledger.deleted["organization"]), (1, 1));
        let proved = world.report("preflight");
        let about = proved["proved"].as_array().expect("checks").iter().map(|check| check["about"].as_str());
        let about: Option<Vec<&str>> = about.collect();
        let all = [
            "Making records",
            "Original dates",
            "Who sees new records",
            "Finding records in lists",
            "Deleting records",
        ];
        assert_eq!(about.expect("texts"), all);
    });
}

/// Approves what waits, and ends once the connection of a call was closed.
async fn cut(world: &World, migration: &crossdock::migration::Migration, endpoint: &str) {
    let is_cut = || {
        let requests = world.pipedrive.ledger().requests_by_endpoint;
        requests.get(endpoint).is_some_and(|statuses| statuses.contains_key(&CUT_STATUS))
    };
    as_soon_as(world, migration, is_cut).await;
}

#[test]
fn answers_that_are_lost_are_looked_for_by_name() {
    for kind in [FaultKind::CommitThenCut, FaultKind::CommitThenError { status: 502 }, FaultKind::Cut] {
        drive(Settings { new_pipeline_stages: true, ..unlimited() }, |world| async move {
            let rule = |endpoint: &&str| FaultRule::new(kind.clone()).at(*endpoint).times(0, 2);
            world.pipedrive.set_faults(WRITES.iter().map(rule).collect());
            let walk = world.open().await;
            world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
            once(&world);
            assert_eq!(world.live(Entity::Organization).len(), 0, "the throw-away record is gone");
            assert_eq!(world.pipedrive.ledger().created.values().sum::<u64>(), CREATES);
        });
    }
}
