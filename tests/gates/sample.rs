//! Corrections go through the sample: change, approve, the sample is taken back and loaded anew; an approved one stays.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn ids(world: &World, kind: &str) -> BTreeSet<String> {
    live(world, kind).iter().map(|row| row["id"].to_string()).collect()
}

#[test]
fn a_corrected_sample_is_loaded_anew_and_an_approved_one_is_kept() {
    let (promox, world) = world(500, 21);
    let daemon = world.daemon(&[]);
    for gate in ["map", "data", "plan", "workspace"] {
        pass(&world, gate);
    }
    wait_for("sample", LONGEST, || world.waits_at("sample").then_some(()));
    let first: Vec<BTreeSet<String>> = KINDS.iter().map(|kind| ids(&world, kind)).collect();
    assert!(first.iter().all(|ids| !ids.is_empty()), "{first:?}");
    let shown = report(&world, "sample");
    assert!(shown["says"].as_str().is_some_and(|says| says.contains("every field holds what was promised")), "{shown}");

    let of_first = digest(&world, "sample");
    // Pipedrive tells when a record was updated by the second, and people need longer than one to get to it.
    std::thread::sleep(Duration::from_millis(1_100));
    let (mut touched, added) = people_work(&world);
    // One note cannot be deleted: then what it hangs on must not be, either.
    let refusal = json!({"method": "DELETE", "path": "/api/v1/notes", "count": 1, "kind": {"refuse": {"status": 400}}});
    world.pipedrive.post("faults", &refusal);

    edit(
        &world,
        "{ to = \"custom:Customer PO\", kind = \"text\", from = \"customer_po\" }",
        "{ to = \"custom:PO number\", kind = \"text\", from = \"customer_po\" }",
    );
    let lines = || changed(&world, "map").join("\n");
    wait_for("the map gate", LONGEST, || world.waits_at("map").then_some(()));
    assert!(lines().contains("PO number"), "{}", lines());
    for gate in ["map", "data", "plan", "workspace"] {
        pass(&world, gate);
    }
    wait_for("the new sample", LONGEST, || world.waits_at("sample").then_some(()));
    assert_ne!(digest(&world, "sample"), of_first, "another sample is another thing to approve");
    let second: Vec<BTreeSet<String>> = KINDS.iter().map(|kind| ids(&world, kind)).collect();
    let refused: Vec<Value> =
        live(&world, "note").into_iter().filter(|row| first[5].contains(&row["id"].to_string())).collect();
    assert_eq!(refused.len(), 1, "the note that could not be deleted");
    belongs_to(&world, "note", &refused[0], &mut touched);
    for ((kind, before), now) in KINDS.iter().zip(&first).zip(&second) {
        let kept: BTreeSet<String> = before.intersection(now).cloned().collect();
        let expected: BTreeSet<String> =
            touched.iter().filter(|(own, _)| own == kind).map(|(_, id)| id.clone()).collect();
        assert_eq!(kept, expected, "{kind}s that stayed");
        let theirs = added.iter().filter(|(own, _)| own == kind).count();
        assert_eq!(before.len() + theirs, now.len(), "{kind}s of the same records");
    }
    for (kind, id) in &added {
        assert!(ids(&world, kind).contains(id), "{kind} {id} of people is still there");
    }
    assert_eq!(live(&world, "organization").iter().filter(|row| row.to_string().contains(CREDIT)).count(), 1);

    world.approve("sample");
    follows(&world);
    for (kind, sample) in KINDS.iter().zip(&second) {
        let all = ids(&world, kind);
        assert!(sample.is_subset(&all), "{kind}s of the approved sample are still there");
        assert!(all.len() > sample.len(), "{kind}: the rest is loaded");
    }
    // Nothing is there twice: each live record carries a marker of its own.
    for kind in KINDS {
        let markers: Vec<String> = live(&world, kind).iter().filter_map(marker).collect();
        let distinct: BTreeSet<&String> = markers.iter().collect();
        assert_eq!(markers.len(), distinct.len(), "{kind}");
        let theirs = added.iter().filter(|(own, _)| *own == kind).count();
        assert_eq!(markers.len() + theirs, ids(&world, kind).len(), "{kind}");
    }
    // The title that people gave their deal is theirs, and told.
    finish(&promox, &world, daemon, 1);
}

/// What people put into a field of their own.
const CREDIT: &str = "good for 5,000";

/// Kinds and ids of records.
type Records = BTreeSet<(String, String)>;

/// People work on what the sample made: they change a field of ours, fill one of their own, and hang things on records. Gives
/// the records that are theirs as well now, with all that these belong to, and what they added.
fn people_work(world: &World) -> (Records, Records) {
    let tell = |action: &str, entity: &str, id: &Value, fields: Value| {
        let edit = json!({"action": action, "entity": entity, "id": id, "fields": fields});
        world.pipedrive.post("people", &edit)
    };
    let pick = |kind: &str, nth: usize| live(world, kind)[nth].clone();
    let (deal, activity, lead) = (pick("deal", 0), pick("activity", 0), pick("lead", 0));
    let (person, organization) = (pick("person", 1), pick("organization", 2));
    tell("update", "deal", &deal["id"], json!({"title": "Ours now"}));
    let field = json!({"field_name": "Credit", "field_type": "varchar"});
    let code =
        tell("create", "organization_field", &json!(""), field)["field_code"].as_str().expect("a code").to_owned();
    tell("update", "organization", &organization["id"], json!({"custom_fields": {code: CREDIT}}));
    let note = tell("create", "note", &json!(""), json!({"content": "Called", "person_id": person["id"]}));
    let ring = json!({"subject": "Ring again", "type": "call", "lead_id": lead["id"]});
    let ring = tell("create", "activity", &json!(""), ring);
    tell("create", "file", &json!(""), json!({"name": "proof.pdf", "activity_id": activity["id"]}));
    let added = [("note", note), ("activity", ring)].map(|(kind, row)| (kind.to_owned(), row["id"].to_string()));
    let mut touched = Records::new();
    for (kind, row) in
        [("deal", deal), ("activity", activity), ("lead", lead), ("person", person), ("organization", organization)]
    {
        belongs_to(world, kind, &row, &mut touched);
    }
    (touched, added.into_iter().collect())
}

/// Adds a record and all that it belongs to, be that there or deleted.
fn belongs_to(world: &World, kind: &str, row: &Value, all: &mut Records) {
    all.insert((kind.to_owned(), row["id"].to_string()));
    let links = [
        ("deal_id", "deal"),
        ("lead_id", "lead"),
        ("person_id", "person"),
        ("org_id", "organization"),
        ("organization_id", "organization"),
    ];
    for (link, parent) in links {
        let rows = world.pipedrive.get(&format!("rows/{parent}"));
        let is_parent = |one: &&Value| !row[link].is_null() && one["id"] == row[link];
        if let Some(row) = rows.as_array().expect("a list").iter().find(is_parent) {
            belongs_to(world, parent, row, all);
        }
    }
}
