//! Public files, where they are at hand.

use serde_json::json;

use super::*;

fn sample_data() -> Option<PathBuf> {
    let data = std::env::var_os("CROSSDOCK_DATA").map(PathBuf::from);
    if data.is_none() {
        println!("skipped: CROSSDOCK_DATA is not set");
    }
    data
}

/// A migration of a folder of files, with the mapping that `init` writes.
fn world_of(folder: &Path) -> World {
    let source = Source {
        settings: format!("folder = {folder:?}\npoll_seconds = 1"),
        token: String::new(),
        mapping: PROMOX.to_owned(),
        users: Vec::new(),
    };
    World::start(source, &[])
}

#[test]
fn the_spectrum_of_csv_is_read_to_the_last_row() {
    let Some(data) = sample_data() else { return };
    let world = world_of(&data.join("csv-spectrum/csvs"));
    assert_eq!(code(&world.run(&["discover"])), 0);
    let found = discovery(&world);
    let tables = found["tables"].as_array().expect("a list").clone();
    assert_eq!(tables.len(), 12, "{tables:?}");
    for table in &tables {
        let name = table["name"].as_str().expect("a name");
        let expected = std::fs::read(data.join(format!("csv-spectrum/json/{name}.json"))).expect("the answer");
        let expected: Value = serde_json::from_slice(&expected).expect("JSON");
        // A file of one row has it alone.
        let rows = expected.as_array().map_or(1, Vec::len);
        assert_eq!((&table["parsed"], &table["rejected"]), (&json!(rows), &json!(0)), "{name}");
    }
}

#[test]
fn a_public_crm_is_discovered_with_its_links_by_name() {
    let Some(data) = sample_data() else { return };
    let world = world_of(&data.join("maven-crm"));
    let output = world.run(&["discover"]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    let found = discovery(&world);
    let deals = item(&found["tables"], "name", "sales_pipeline");
    assert_eq!((&deals["parsed"], &deals["rejected"], &deals["object"]), (&json!(8800), &json!(0), &json!("project")));
    assert_eq!(item(&found["objects"], "object", "project")["method"], "csv");
    let product = found["links"].as_array().expect("links").iter().find(|link| link["column"] == "product");
    // "GTXPro" in the deals is "GTX Pro" in the table of products.
    let product = product.expect("products are named");
    assert!(product["missing"].as_u64() > Some(0) && product["filled"] == 8800, "{product}");
    assert!(found["questions"].to_string().contains("map --propose"), "{}", found["questions"]);
}
