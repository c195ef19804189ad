//! Making the workspace while answers are lost and the process dies: everything is there once in the end.

use crossdock::permit::Gate;
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{FaultKind, FaultRule, Settings};

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
            let until = world.clock.timeout(std::time::Duration::from_secs(86_400), async {
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
    loop {
        for gate in WITH_PLAN {
            drop(super::approve(migration.journal(), &world.clock, gate).await);
        }
        // Calls take no time on this clock: whoever wants to be between a create and its answer must not wait on it.
        for _ in 0..YIELDS {
            if world.pipedrive.ledger().created.values().sum::<u64>() >= wanted {
                return;
            }
            tokio::task::yield_now().await;
        }
        world.clock.sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[test]
fn answers_that_are_lost_are_looked_for_by_name() {
    for kind in [FaultKind::CommitThenCut, FaultKind::CommitThenError { status: 502 }, FaultKind::Cut] {
        drive(Settings { new_pipeline_stages: true, ..unlimited() }, |world| async move {
            let endpoints = [
                "POST /api/v2/dealFields",
                "POST /api/v2/personFields",
                "POST /api/v2/pipelines",
                "POST /api/v2/stages",
                "POST /v1/leadLabels",
                "POST /v1/activityTypes",
                "POST /api/v2/organizations",
                "DELETE /api/v2/organizations/{id}",
            ];
            let rule = |endpoint: &&str| FaultRule::new(kind.clone()).at(*endpoint).times(0, 2);
            world.pipedrive.set_faults(endpoints.iter().map(rule).collect());
            let walk = world.open().await;
            world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
            once(&world);
            assert_eq!(world.live(Entity::Organization).len(), 0, "the throw-away record is gone");
            assert_eq!(world.pipedrive.ledger().created.values().sum::<u64>(), CREATES);
        });
    }
}
