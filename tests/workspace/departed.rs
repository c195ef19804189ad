//! A rep who left: what hangs on their records waits and nothing else does, a decision or a user ends the wait.

use crossdock::permit::Gate;
use crossdock::record::Entity;
use serde_json::{Value, json};

use super::world::{World, drive, export, unlimited};

/// Organizations of the rep who left; a third of them has a deal with a task.
const ORGANIZATIONS: usize = 300;

fn counts(world: &World) -> [usize; 4] {
    [Entity::Organization, Entity::Person, Entity::Deal, Entity::Activity].map(|kind| world.live(kind).len())
}

const ALL: [usize; 4] = [ORGANIZATIONS + 1, ORGANIZATIONS + 1, ORGANIZATIONS / 3 + 2, ORGANIZATIONS / 3 + 1];

/// The line of the owner who left.
fn line(world: &World) -> Value {
    let owners = world.report("owners");
    owners["owners"].as_array().expect("owners").iter().find(|owner| owner["id"] == "gone").expect("a line").clone()
}

#[test]
fn what_hangs_on_a_rep_who_left_waits_and_wakes_by_itself() {
    drive(unlimited(), |world| async move {
        export(world.folder.path(), &[("gone", ORGANIZATIONS)]);
        drop(world.pipedrive.add_user("Ada Here", "ada@here.example"));
        let walk = world.open().await;
        let followed = |seen: &super::world::Seen| seen.created > 20 && seen.waits.is_empty();
        let all = [Gate::Map, Gate::Data, Gate::Plan, Gate::Workspace, Gate::Sample];
        let account = std::sync::Arc::clone(&world.pipedrive);
        // Everything of the others is there once their last activity is.
        let until = move |seen: &super::world::Seen| {
            followed(seen) && account.rows(Entity::Activity).iter().any(|row| row["is_deleted"] == false)
        };
        world.walk(&walk, &all, until).await;
        drop(walk);
        let waiting = json!({"organization": 300, "person": 300, "deal": 100, "activity": 100});
        let owner = line(&world);
        assert_eq!((&owner["records"], &owner["with_descendants"]), (&json!(300), &waiting));
        assert!(
            owner["user"]["nobody"].as_str().is_some_and(|why| why.contains("no active Pipedrive user")),
            "{owner}"
        );
        assert_eq!(world.report("owners")["waiting"], 800);
        assert_eq!(counts(&world), [1, 1, 2, 1], "what hangs on others does not wait");

        drop(world.pipedrive.add_user("Gone gone", "gone@gone.example"));
        let walk = world.open().await;
        world.finish(&walk).await;
        assert_eq!(counts(&world), ALL);
        assert!(walk.migration.verification().expect("verified").is_clean());
    });
}

#[test]
fn a_user_who_was_deactivated_is_told_from_one_who_never_was() {
    drive(unlimited(), |world| async move {
        export(world.folder.path(), &[("gone", 30)]);
        let user = world.pipedrive.add_user("Gone gone", "gone@gone.example");
        assert!(world.pipedrive.deactivate_user(user.id));
        let walk = world.open().await;
        world.walk(&walk, &super::BEFORE_PLAN, |seen| seen.waits.contains(&Gate::Plan)).await;
        let plan = world.report("plan");
        let checks = plan["preflight"]["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["about"] == "Owners with a deactivated user").expect("checked");
        assert_eq!(check["outcome"], "look");
        assert!(check["says"].as_str().is_some_and(|says| says.starts_with("'Gone gone'; 80 records wait")), "{check}");
    });
}

#[test]
fn a_decision_gives_the_records_to_another_and_keeps_who_owned_them() {
    drive(unlimited(), |mut world| async move {
        export(world.folder.path(), &[("gone", 30), ("moved", 3)]);
        let ada = world.pipedrive.add_user("Ada Here", "ada@here.example");
        let bo = world.pipedrive.add_user("Bo There", "bo@there.example");
        world.mapping.push_str(
            "\n[[owners.decision]]\nowner = \"gone\"\nreassign = \"ada@here.example\"\n\
             [[owners.decision]]\nowner = \"moved\"\nmatch = \"bo@there.example\"\n",
        );
        let walk = world.open().await;
        world.finish(&walk).await;
        let field = world.called(Entity::OrganizationField, "Original owner").remove(0);
        let code = field["field_code"].as_str().expect("a code");
        for row in world.live(Entity::Organization) {
            let kept = row["custom_fields"][code].as_str();
            let expected = match row["name"].as_str().expect("a name") {
                name if name.starts_with("Company gone") => (ada.id, Some("Gone Gone")),
                name if name.starts_with("Company moved") => (bo.id, None),
                _ => (ada.id, None),
            };
            let owner = row["owner_id"].as_u64().expect("an owner");
            assert_eq!((owner, kept.map(str::to_lowercase)), (expected.0, expected.1.map(str::to_lowercase)), "{row}");
        }
        assert_eq!(world.live(Entity::Organization).len(), 34);
        let owners = world.report("owners");
        assert_eq!(owners["waiting"], 0);
    });
}
