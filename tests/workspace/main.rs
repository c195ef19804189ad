//! The workspace in an account that people have worked in: what is in the way is known before the first write, what is there
//! is used as it is, what is missing is made once, whatever happens meanwhile.

#![cfg(feature = "standin")]

mod changed;
mod departed;
mod interrupted;
mod world;

use crossdock::permit::Gate;
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{Plan, Settings};
use serde_json::{Value, json};

use world::{BEFORE_PLAN, WITH_PLAN, World, approve, drive, field, list, unlimited};

/// Writes that the account carried out for us.
fn writes(world: &World) -> u64 {
    let ledger = world.pipedrive.ledger();
    [ledger.created, ledger.updated, ledger.deleted].iter().flat_map(|kinds| kinds.values()).sum()
}

/// Walks until the plan is blocked; gives why, and checks that nothing was written and nothing can be approved.
async fn blocked(world: &World) -> String {
    let walk = world.open().await;
    world.walk(&walk, &WITH_PLAN, |seen| !seen.blocked.is_empty()).await;
    assert_eq!(writes(world), 0, "nothing is written while something is in the way");
    let refused = approve(walk.migration.journal(), &world.clock, Gate::Plan).await.expect_err("it cannot be approved");
    let plan = world.report("plan");
    assert!(plan["says"].as_str().expect("a sentence").contains("in its way"), "{}", plan["says"]);
    refused.chain()
}

fn names(rows: &[Value], key: &str) -> Vec<String> {
    rows.iter().map(|row| row[key].as_str().expect("a text").to_owned()).collect()
}

/// Half of the fields, one of another type, a pipeline in another order with a stage missing, a label in other case.
fn fill(world: &World) -> Value {
    world.people_make(Entity::DealField, field("customer  po", "varchar"));
    world.people_make(Entity::DealField, list("Method", &["EMBROIDERY", "Laser"]));
    let due = world.people_make(Entity::DealField, field("In-hands date", "varchar"));
    world.people_make(Entity::PersonField, field("Crossdock ID", "varchar"));
    let pipeline = world.people_make(Entity::Pipeline, json!({"name": "orders", "is_deal_probability_enabled": true}));
    for (name, percent) in [("Proof", 55), ("Quote", 10), ("Their own", 20)] {
        let body = json!({"name": name, "pipeline_id": pipeline["id"], "deal_probability": percent});
        world.people_make(Entity::Stage, body);
    }
    world.people_make(Entity::LeadLabel, json!({"name": "QUALIFIED", "color": "red"}));
    due["field_code"].clone()
}

/// What the plan says of what is there.
fn check_said(plan: &Value) {
    let conflicts = plan["conflicts"].as_array().expect("conflicts").clone();
    let says = |name: &str| {
        let conflict = conflicts.iter().find(|conflict| conflict["name"] == name).expect("said");
        (conflict["says"].as_str().expect("a text").to_owned(), conflict["blocks"] == true)
    };
    assert!(says("In-hands date").1);
    assert!(says("Method").0.contains("added: 'Screen print'") && says("Method").0.contains("'Embroidery'"));
    let (orders, blocks) = says("Orders");
    for expected in [
        "as 'orders'",
        "it has 'Quote', 'Proof'",
        "Added behind its last stage: 'Shipped'",
        "1 stage stays of its own: 'Their own'",
        "another order",
        "'Proof' is 55 % there and 40 % at the source",
    ] {
        assert!(orders.contains(expected), "{expected} is not in {orders}");
    }
    assert!(!blocks && !says("Qualified").1);
    assert_eq!(plan["lead_labels"], json!(["New"]));
}

/// Everything is there once, and nothing of theirs is another than it was.
fn check_made(world: &World, before: &[Value]) {
    for (kind, name) in [
        (Entity::DealField, "Customer PO"),
        (Entity::DealField, "Method"),
        (Entity::DealField, "In-hands date"),
        (Entity::DealField, "Old date"),
        (Entity::PersonField, "Crossdock ID"),
        (Entity::Pipeline, "Orders"),
        (Entity::LeadLabel, "Qualified"),
        (Entity::LeadLabel, "New"),
        (Entity::ActivityType, "Proof"),
    ] {
        assert_eq!(world.called(kind, name).len(), 1, "{kind} {name}");
    }
    let method = world.called(Entity::DealField, "Method").remove(0);
    assert_eq!(names(method["options"].as_array().expect("options"), "label"), ["EMBROIDERY", "Laser", "Screen print"]);
    // Nothing of theirs is another than it was, and the missing stage stands behind.
    let stages = world.live(Entity::Stage);
    assert_eq!(stages[..before.len()], before[..]);
    assert_eq!(names(&stages[before.len()..], "name"), ["Shipped"]);
    let ledger = world.pipedrive.ledger();
    assert_eq!(
        ledger.deleted.iter().map(|(kind, count)| (kind.as_str(), *count)).collect::<Vec<_>>(),
        [("organization", 1)]
    );
    assert_eq!(
        ledger.updated.iter().map(|(kind, count)| (kind.as_str(), *count)).collect::<Vec<_>>(),
        [("deal_field", 1)]
    );
    let workspace = world.report("workspace");
    let adopted = workspace["fields"].as_array().expect("fields").iter().filter(|field| field["adopted"] == true);
    assert_eq!(names(&adopted.cloned().collect::<Vec<_>>(), "name"), ["Crossdock ID", "Customer PO", "Method"]);
    let proved = world.report("preflight");
    assert!(proved["proved"].as_array().expect("proof").iter().all(|check| check["outcome"] == "good"), "{proved}");
    assert_eq!(proved["confirmed"]["by"], "Ada Tester");
}

#[test]
fn what_is_there_is_used_and_what_is_in_the_way_is_solved_first() {
    drive(unlimited(), |world| async move {
        let due = fill(&world);
        drop(world.pipedrive.add_user("Ada Here", "ada@here.example"));
        let before = world.live(Entity::Stage);
        let why = blocked(&world).await;
        for expected in ["'In-hands date'", "type Text", "type Date", "rename ours in the mapping", "rename theirs"] {
            assert!(why.contains(expected), "{expected} is not in {why}");
        }
        check_said(&world.report("plan"));

        // Somebody renames theirs; the daemon looks again by itself.
        world.people_change(Entity::DealField, due.as_str().expect("a code"), json!({"field_name": "Old date"}));
        let walk = world.open().await;
        world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
        check_made(&world, &before);

        // To the end: what was there is neither missing nor different.
        let walk = world.open().await;
        world.finish(&walk).await;
        let verified = walk.migration.verification().expect("verified");
        assert!(verified.is_clean(), "{}", verified.says());
        assert_eq!(world.live(Entity::Deal).len(), 2);
    });
}

#[test]
fn what_is_missing_and_what_does_not_fit_is_named_with_its_record() {
    drive(unlimited(), |world| async move {
        drop(world.pipedrive.add_user("Ada Here", "ada@here.example"));
        let path = |name: &str| world.folder.path().join(name);
        let clients = std::fs::read_to_string(path("clients.csv")).expect("clients");
        let rows: Vec<&str> = clients.lines().chain(["c9,Lost Co,u77,Ann Nine,ann@nine.example"]).collect();
        // One column more, of which the mapping says nothing.
        let cell = |row: usize| ["fax", "555 1", ""][row.min(2)];
        let rows = rows.iter().enumerate().map(|(row, line)| format!("{line},{}\n", cell(row)));
        std::fs::write(path("clients.csv"), rows.collect::<String>()).expect("written");
        let long = "x".repeat(300);
        let projects = std::fs::read_to_string(path("projects.csv")).expect("projects");
        let more = format!("p9,Cups,c404,Quote,lots,USD,{long},someday,Embroidery\n");
        std::fs::write(path("projects.csv"), projects + &more).expect("written");
        let walk = world.open().await;
        world.walk(&walk, &BEFORE_PLAN, |seen| seen.waits.contains(&Gate::Plan)).await;
        let quality = world.report("quality");
        let groups = quality["findings"]["groups"].as_array().expect("groups").clone();
        let found = |code: &str| {
            let group =
                groups.iter().find(|group| group["code"] == code).unwrap_or_else(|| panic!("{code}: {groups:?}"));
            let example = &group["examples"][0];
            ["record", "field", "detail"].map(|part| example[part].as_str().expect("a text").to_owned())
        };
        assert_eq!(found("broken_link"), ["project p9", "person_id", "client c404"]);
        assert_eq!(found("unknown_owner"), ["client c9", "owner_id", "owner u77"]);
        for (code, field) in [("invalid_date", "due"), ("invalid_money", "value"), ("too_long", "po")] {
            let [record, named, _] = found(code);
            assert_eq!((record.as_str(), named.as_str()), ("project p9", field), "{code}");
        }
        let fax = &quality["undecided_columns"][0];
        assert_eq!((fax["column"].as_str(), fax["filled"].as_u64()), (Some("fax"), Some(1)), "{fax}");
        assert_eq!(quality["undecided_columns"].as_array().map(Vec::len), Some(1), "{quality}");
        let page = std::fs::read_to_string(path("reports/quality.html")).expect("the page");
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
        assert!(place("What is missing or leads nowhere") < place("client c404"));
        assert!(place("client c404") < place("Values that will not fit"));
        // What waits for an owner whom nobody knows is not in the forecast: the organization, and the person with it.
        assert_eq!(world.report("plan")["waiting"], 2);
    });
}

#[test]
fn retry_looks_at_the_account_again() {
    drive(unlimited(), |world| async move {
        let due = fill(&world);
        let walk = world.open().await;
        let (signals, pipedrive) = (walk.signals.clone(), std::sync::Arc::clone(&world.pipedrive));
        let told = std::sync::atomic::AtomicBool::new(false);
        let began = world.clock.now();
        let solve = move |seen: &world::Seen| {
            if !seen.blocked.is_empty() && !told.swap(true, std::sync::atomic::Ordering::Relaxed) {
                let edit = crossdock::standin::pipedrive::PeopleEdit::new(
                    crossdock::standin::pipedrive::PeopleAction::Update,
                    Entity::DealField,
                    due.as_str().expect("a code"),
                );
                pipedrive.edit_as_people(edit.with(json!({"field_name": "Old date"}))).expect("renamed");
                signals.retry();
            }
            seen.waits.contains(&Gate::Plan)
        };
        world.walk(&walk, &BEFORE_PLAN, solve).await;
        let took = world.clock.now().since(began);
        assert!(took < std::time::Duration::from_secs(30), "by itself it would look after a minute: {took:?}");
    });
}

#[test]
fn an_account_that_changes_while_the_gate_stands_open_is_planned_anew() {
    drive(unlimited(), |world| async move {
        let walk = world.open().await;
        world.walk(&walk, &BEFORE_PLAN, |seen| seen.waits.contains(&Gate::Plan)).await;
        world.people_make(Entity::DealField, field("Customer PO", "double"));
        let why = blocked(&world).await;
        assert!(why.contains("'Customer PO'"), "{why}");
    });
}

#[test]
fn too_many_fields_for_the_plan_are_known_before_the_first_write() {
    let settings = Settings { plan: Plan::Lite, seats: 5, ..Settings::default() };
    drive(settings, |mut world| async move {
        world.limits = "plan = \"lite\"\nseats = 5";
        (0..22).for_each(|number| drop(world.people_make(Entity::DealField, field(&format!("F{number}"), "varchar"))));
        let why = blocked(&world).await;
        for expected in ["custom fields: 22 there, 9 added, 30 allowed", "Rarely filled", "Growth allows 100"] {
            assert!(why.contains(expected), "{expected} is not in {why}");
        }
    });
}

#[test]
fn a_currency_that_is_off_is_known_before_the_first_write() {
    let settings = Settings { currencies_off: vec!["MXN".to_owned()], ..unlimited() };
    drive(settings, |world| async move {
        let why = blocked(&world).await;
        assert!(why.contains("Currency 'MXN': 1 amount of the data is in it"), "{why}");
    });
}

#[test]
fn a_user_who_is_no_administrator_is_known_before_the_first_write() {
    drive(unlimited(), |mut world| async move {
        world.token = world.pipedrive.add_user("Bo", "bo@here.example").token;
        let why = blocked(&world).await;
        assert!(why.contains("does not administer") && why.contains("Use the token of an administrator"), "{why}");
    });
}

#[test]
fn what_the_mapping_gains_is_made_at_the_next_start_and_nothing_goes() {
    drive(unlimited(), |mut world| async move {
        let walk = world.open().await;
        world.walk(&walk, &WITH_PLAN, |seen| seen.waits.contains(&Gate::Workspace)).await;
        drop(walk);
        let before = world.live(Entity::DealField);
        let line = "{ to = \"custom:Customer PO\", kind = \"text\", from = \"po\" },";
        let more = format!("{line}\n  {{ to = \"custom:Currency\", kind = \"text\", from = \"currency\" }},");
        world.mapping = world.mapping.replace(line, &more);
        let walk = world.open().await;
        let made = move |seen: &world::Seen| seen.waits.contains(&Gate::Plan);
        world.walk(&walk, &BEFORE_PLAN, made).await;
        let plan = world.report("plan");
        let fields = plan["fields"].as_array().expect("fields");
        let new: Vec<&Value> =
            fields.iter().filter(|field| field["found"] != "ours").map(|field| &field["name"]).collect();
        assert_eq!(new, ["Currency"], "what was made before is known as ours");
        let walk = world.open().await;
        world.finish(&walk).await;
        let after = world.live(Entity::DealField);
        assert_eq!(after[..before.len()], before[..]);
        assert_eq!(names(&after[before.len()..], "field_name"), ["Currency"]);
    });
}
