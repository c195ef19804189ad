//! A mapping that is changed after the load: counted and priced, approved, and then updates of what is there.

use std::collections::BTreeMap;

use super::*;

#[test]
fn a_mapping_changed_after_the_load_becomes_priced_updates() {
    let (promox, world) = world(400, 31);
    let daemon = world.daemon(&[]);
    for gate in BEFORE_LOAD {
        pass(&world, gate);
    }
    follows(&world);
    let deals: BTreeMap<String, Value> =
        live(&world, "deal").into_iter().map(|deal| (deal["id"].to_string(), deal["title"].clone())).collect();
    // Somebody works on another field of a deal meanwhile: an update that wrote more than what changed would undo it.
    let theirs = live(&world, "deal")[0]["id"].clone();
    let edited = serde_json::json!({"action": "update", "entity": "deal", "id": theirs, "fields": {"value": 4_711}});
    world.pipedrive.post("people", &edited);
    let before = writes(&world);

    edit(
        &world,
        "{ to = \"title\", kind = \"text\", from = [\"name\", \"number\"], cut = true }",
        "{ to = \"title\", kind = \"text\", template = \"{number} {name}\", cut = true }",
    );
    wait_for("the map gate", LONGEST, || world.waits_at("map").then_some(()));
    let amendment = report(&world, "amendment");
    let count = |entity: &str, change: &str| {
        let records = amendment["records"].as_array().expect("records").clone();
        let found = records.iter().find(|line| line[0] == entity && line[1] == change).map(|line| line[2].clone());
        found.and_then(|count| count.as_u64()).unwrap_or_default()
    };
    let changed_deals = count("deal", "changed");
    assert!(changed_deals > 0 && changed_deals <= deals.len() as u64, "{amendment}");
    assert_eq!((count("person", "changed"), count("organization", "changed")), (0, 0), "{amendment}");
    // Five for each update, ten for a look at a hundred (`pipedrive-api.md`, section 4), five for each deal that is made.
    let price = changed_deals * 5 + changed_deals.div_ceil(100) * 10 + count("deal", "made") * 5;
    assert_eq!(amendment["tokens"].as_u64(), Some(price), "{amendment}");
    assert_eq!(writes(&world), before, "nothing is written before the approval");

    pass(&world, "map");
    pass(&world, "data");
    pass(&world, "plan");
    let is_new = |row: &Value| {
        let title = row["title"].as_str().unwrap_or_default();
        deals
            .get(&row["id"].to_string())
            .and_then(Value::as_str)
            .is_some_and(|old| title != old && title.ends_with(old))
    };
    wait_for("the updates", LONGEST, || {
        let now = live(&world, "deal").iter().filter(|row| is_new(row)).count() as u64;
        (now == changed_deals).then_some(())
    });
    assert_eq!(live(&world, "deal").len(), deals.len(), "no deal is made twice");
    let worked_on = live(&world, "deal").into_iter().find(|row| row["id"] == theirs).expect("their deal");
    assert_eq!(worked_on["value"], 4_711, "{worked_on}");
    finish(&promox, &world, daemon, 1);
}

#[test]
fn a_mapping_changed_at_the_cutover_is_carried_out_and_verified_first() {
    let folder = crate::duplicates::export();
    let world = crate::duplicates::migration(&folder);
    let daemon = world.daemon(&[]);
    for gate in BEFORE_LOAD {
        pass(&world, gate);
    }
    follows(&world);
    wait_for("freeze", LONGEST, || world.run(&["freeze"]).status.success().then_some(()));
    wait_for("cutover", LONGEST, || world.waits_at("cutover").then_some(()));
    let title = "{ to = \"title\", kind = \"text\", from = \"name\" }";
    edit(&world, title, "{ to = \"title\", kind = \"text\", template = \"{id} {name}\" }");
    for gate in ["map", "data", "plan", "cutover"] {
        pass(&world, gate);
    }
    let ended = daemon.end(LONGEST);
    assert_eq!(ended.code(), Some(0), "{ended}: {}", world.said());
    let mut titles: Vec<String> = live(&world, "deal").iter().map(|row| row["title"].to_string()).collect();
    titles.sort();
    assert_eq!(titles, ["\"p1 Mugs\"", "\"p2 Pens\"", "\"p3 Caps\""]);
    let verification = report(&world, "verification");
    assert_eq!((&verification["totals"]["mismatched"], &verification["totals"]["missing"]), (&0.into(), &0.into()));
}
