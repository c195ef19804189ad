//! Corrections go through the sample: change, approve, the sample is taken back and loaded anew; an approved one stays.

use std::collections::BTreeSet;

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

    // Somebody in Pipedrive has worked on one deal of the sample meanwhile: it is theirs as well now.
    let deal = live(&world, "deal")[0]["id"].clone();
    let edited = serde_json::json!({"action": "update", "entity": "deal", "id": deal, "fields": {"title": "Ours now"}});
    world.pipedrive.post("people", &edited);

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
    let second: Vec<BTreeSet<String>> = KINDS.iter().map(|kind| ids(&world, kind)).collect();
    for ((kind, before), now) in KINDS.iter().zip(&first).zip(&second) {
        let kept: Vec<&String> = before.intersection(now).collect();
        let expected = if *kind == "deal" { vec![deal.to_string()] } else { Vec::new() };
        assert_eq!(kept.iter().map(|id| (*id).clone()).collect::<Vec<_>>(), expected, "{kind}s that stayed");
        assert_eq!(before.len(), now.len(), "{kind}s of the same records");
    }

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
        assert_eq!(markers.len(), ids(&world, kind).len(), "{kind}");
    }
    // The title that people gave their deal is theirs, and told.
    finish(&promox, &world, daemon, 1);
}
