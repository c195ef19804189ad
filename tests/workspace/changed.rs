//! What people change in the workspace before they approve it is named, and asks again.

use std::sync::Arc;
use std::time::Duration;

use crossdock::migration::{GateState, artefact, changes};
use crossdock::permit::Gate;
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{PeopleAction, PeopleEdit};
use serde_json::json;

use super::world::{WITH_PLAN, approve, drive, unlimited};

/// Looks at the gate, a second apart, before people give it up.
const LOOKS: usize = 600;

#[test]
fn what_people_change_before_the_approval_is_named() {
    drive(unlimited(), |world| async move {
        let walk = world.open().await;
        world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
        assert_eq!(changes(walk.migration.journal(), Gate::Workspace).await.expect("read"), Vec::<String>::new());
        let first = match artefact(walk.migration.journal(), Gate::Workspace).await.expect("the journal reads") {
            GateState::Waits(digest) => digest,
            state => panic!("{state:?}"),
        };
        drop(walk);

        // Nobody approved anything yet, and no daemon runs.
        let only = |kind, name: &str| world.called(kind, name).remove(0);
        let method = only(Entity::DealField, "Method");
        let code = method["field_code"].as_str().expect("a code").to_owned();
        world.people_change(Entity::DealField, &code, json!({"field_name": "Way"}));
        world.people_change(Entity::Pipeline, &only(Entity::Pipeline, "Orders")["id"], json!({"name": "Jobs"}));
        let label = only(Entity::LeadLabel, "New")["id"].as_str().expect("an id").to_owned();
        world.people_change(Entity::LeadLabel, label, json!({"name": "Fresh"}));
        world.people_change(Entity::ActivityType, &only(Entity::ActivityType, "Proof")["id"], json!({"name": "Check"}));

        let walk = world.open().await;
        let (journal, clock, pipedrive) =
            (walk.migration.journal().clone(), world.clock.clone(), Arc::clone(&world.pipedrive));
        let stage = only(Entity::Stage, "Proof")["id"].to_string();
        let people = tokio::spawn(world.clock.track(async move {
            let waits = async |other: &str| {
                for _ in 0..LOOKS {
                    match artefact(&journal, Gate::Workspace).await.expect("the journal reads") {
                        GateState::Waits(digest) if digest != other => return digest,
                        _ => clock.sleep(Duration::from_secs(1)).await,
                    }
                }
                panic!("nothing else came before the gate");
            };
            let second = waits(&first).await;
            let before = changes(&journal, Gate::Workspace).await.expect("read");
            // Between the look that was laid before the gate and the approval of it.
            let edit = PeopleEdit::new(PeopleAction::Update, Entity::Stage, &stage);
            pipedrive.edit_as_people(edit.with(json!({"deal_probability": 55}))).expect("people can");
            approve(&journal, &clock, Gate::Workspace).await.expect("approved");
            waits(&second).await;
            let between = changes(&journal, Gate::Workspace).await.expect("read");
            approve(&journal, &clock, Gate::Workspace).await.expect("approved");
            (before, between)
        }));
        world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Sample)).await;
        let (before, between) = people.await.expect("they watch");
        let expected = [
            "activity type Proof: was Proof, is Check".to_owned(),
            format!("field Method of deals ({code}): was Method, type enum, is Way, type enum"),
            "lead label New: was New, is Fresh".to_owned(),
        ];
        assert_eq!(before[..3], expected, "{before:?}");
        let pipeline = ": was Orders, with probability, is Jobs, with probability";
        assert!(before.len() == 4 && before[3].ends_with(pipeline), "{before:?}");
        let proof = ": was Proof, place 2, 40 %, is Proof, place 2, 55 %";
        assert!(between.len() == 1 && between[0].ends_with(proof), "{between:?}");
    });
}
