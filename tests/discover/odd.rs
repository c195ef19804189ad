//! A source in a shape of its own: probed, proposed, migrated and verified by what was learned.

use std::collections::BTreeMap;

use super::processes::Standin;
use super::*;

/// Nothing counts the rows, so each list is read twice; records point at each other by address.
const SHAPE: &str = "auth=bearer,base=v1,paging=offset,total=none,links=urls,money=object,dates=naive-space,\
                     delta=since,window=2-at-once";

#[test]
fn an_api_of_a_shape_of_its_own_is_migrated_by_what_was_learned() {
    let promox = Standin::start(&format!("promox --shape {SHAPE}"), &["records=300"]);
    let settings = format!("address = \"{}\"\nrequests_per_second = 1000\npoll_seconds = 1", promox.address);
    let owners = promox.get("truth/owner");
    let text_of = |row: &Value, name: &str| row["fields"][name].as_str().expect("a text").to_owned();
    let users =
        owners.as_array().expect("rows").iter().map(|row| {
            (format!("{} {}", text_of(row, "first_name"), text_of(row, "last_name")), text_of(row, "email"))
        });
    let users = users.collect();
    let source = Source { settings, token: promox.token.clone(), mapping: PROMOX.to_owned(), users };
    let world = World::start(source, &[]);
    let output = world.run(&["discover"]);
    assert!([0, 3].contains(&code(&output)), "{}", text(&output));
    let found = discovery(&world);
    let there = |object: &str| -> u64 {
        let rows = promox.get(&format!("truth/{object}"));
        rows.as_array().expect("rows").iter().filter(|row| row["deleted"].is_null()).count() as u64
    };
    let counted: BTreeMap<&str, u64> = found["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .filter_map(|table| Some((table["object"].as_str()?, table["rows"].as_u64()?)))
        .collect();
    assert!(counted.len() >= 8, "{counted:?}");
    for (object, rows) in &counted {
        assert_eq!(*rows, there(object), "each row of {object} counts once");
    }

    let output = world.run(&["map", "--propose"]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    to_the_end(&world, world.daemon(&[]));
    let path = world.folder.join("reports/verification.json");
    let verification: Value = serde_json::from_slice(&std::fs::read(path).expect("the report")).expect("JSON");
    assert_eq!(verification["tone"], "good", "{}", verification["says"]);
    let live = |kind: &str| {
        let rows = world.pipedrive.get(&format!("rows/{kind}"));
        let rows = rows.as_array().expect("a list").clone();
        rows.into_iter().filter(|row| row["is_deleted"] != true).collect::<Vec<_>>()
    };
    let deals = live("deal");
    assert!(deals.len() as u64 * 10 > there("project") * 9, "{} of {} projects", deals.len(), there("project"));
    let linked = deals.iter().filter(|deal| !deal["org_id"].is_null() || !deal["person_id"].is_null()).count();
    assert!(linked * 10 > deals.len() * 9, "{linked} of {} deals know their client", deals.len());
}

/// Archived clients are clients: nobody decides for the customer, and what is answered is done. Of files one is tried.
#[test]
fn hidden_rows_are_asked_about_and_a_file_is_tried() {
    let promox = Standin::start("promox --shape hidden=archived,files=content,window=none", &["records=300"]);
    let settings = format!("address = \"{}\"\nrequests_per_second = 1000\npoll_seconds = 1", promox.address);
    let source = Source { settings, token: promox.token.clone(), mapping: PROMOX.to_owned(), users: Vec::new() };
    let world = World::start(source, &[]);
    let output = world.run(&["discover"]);
    assert!([0, 3].contains(&code(&output)), "{}", text(&output));
    let found = discovery(&world);
    let is_it =
        |question: &&Value| question["about"] == "clients" && question["asks"].to_string().contains("archived=true");
    let asked = found["questions"].as_array().expect("questions").iter().find(is_it).expect("it is asked about");
    assert!(asked["answer"].to_string().contains("[object.client]"), "{asked}");
    let file = item(&found["files"], "place", "files");
    assert!(file["method"].to_string().contains("/files/{id}/content"), "{file}");
    assert!(file["reason"].to_string().contains("those of PDF") && file["count"].as_u64() > Some(0), "{file}");
    let page = std::fs::read_to_string(world.folder.join("reports/discovery.html")).expect("the page");
    assert!(page.contains("those of PDF") && page.contains("archived=true"), "the page says so too");
    let path = world.folder.join("source.toml");
    let learned = std::fs::read_to_string(&path).expect("the profile");
    assert!(learned.contains("[object.file.files]") && !learned.contains("[object.client.query]"), "{learned}");

    let living = || {
        let rows = promox.get("truth/client");
        rows.as_array().expect("rows").iter().filter(|row| row["deleted"].is_null()).count() as u64
    };
    let counted = |found: &Value| item(&found["tables"], "object", "client")["rows"].as_u64();
    assert!(counted(&found) < Some(living()), "some are left out");
    std::fs::write(&path, format!("{learned}\n[object.client.query]\narchived = \"true\"\n")).expect("answered");
    let output = world.run(&["discover"]);
    assert!([0, 3].contains(&code(&output)), "{}", text(&output));
    assert_eq!(counted(&discovery(&world)), Some(living()), "all come along");
}

/// Nobody but people can tell in which zone the times are.
#[test]
fn the_zone_of_times_is_asked_for_and_the_answer_kept() {
    let promox = Standin::start(
        "promox --shape auth=bearer,base=v1,identity=none,dates=naive-space,delta=since,window=2-at-once",
        &["records=40"],
    );
    let settings = format!("address = \"{}\"\nrequests_per_second = 1000\npoll_seconds = 1", promox.address);
    let source = Source { settings, token: promox.token.clone(), mapping: PROMOX.to_owned(), users: Vec::new() };
    let world = World::start(source, &[]);
    let asks = || {
        let output = world.run(&["discover"]);
        assert!([0, 3].contains(&code(&output)), "{}", text(&output));
        let found = discovery(&world);
        let is_asked = found["questions"].to_string().contains("Which time zone are its times in?");
        (is_asked, found["objects"].to_string().contains("UTC is assumed"))
    };
    assert_eq!(asks(), (true, true));
    let path = world.folder.join("source.toml");
    let learned = std::fs::read_to_string(&path).expect("the profile");
    let answered = learned.replacen("version = 1\n", "version = 1\nzone = \"America/New_York\"\n", 1);
    assert_ne!(learned, answered);
    std::fs::write(&path, &answered).expect("edited");
    assert_eq!(asks(), (false, false));
    assert_eq!(std::fs::read_to_string(&path).expect("the profile"), answered);
}
