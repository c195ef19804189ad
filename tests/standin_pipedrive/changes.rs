//! Merges, conversions, changelogs and what changed lately: by the API and by people.

use std::time::Duration;

use crossdock::standin::pipedrive::{Noun, PeopleAction, PeopleEdit, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Site, drive, refuses, unlimited};

async fn two_persons(site: &Site) -> [Value; 2] {
    let home = site.made("/api/v2/organizations", json!({"name": "Harbor"})).await["id"].clone();
    let ada = json!({"name": "Ada Muster", "org_id": home, "emails": [{"value": "a@example.test"}]});
    let bob = json!({"name": "A. Muster", "emails": [{"value": "b@example.test"}]});
    [site.made("/api/v2/persons", ada).await["id"].clone(), site.made("/api/v2/persons", bob).await["id"].clone()]
}

#[test]
fn a_merge_keeps_the_record_of_the_body_and_moves_what_hangs_on_the_other() {
    drive(unlimited(), |site| async move {
        let [ada, bob] = two_persons(&site).await;
        let deal = site.made("/api/v2/deals", json!({"title": "D", "person_id": ada})).await["id"].clone();
        let note = site.made("/v1/notes", json!({"content": "x", "person_id": ada})).await["id"].clone();
        let task = json!({"subject": "T", "participants": [{"person_id": ada, "primary": true}]});
        let task = site.made("/api/v2/activities", task).await["id"].clone();
        let merge = format!("/v1/persons/{ada}/merge");
        refuses(&site.call(Method::PUT, &merge, Some(json!({"merge_with_id": ada}))).await, 400, "merge_with_id");
        let merged = site.call(Method::PUT, &merge, Some(json!({"merge_with_id": bob}))).await.data().clone();
        assert_eq!((&merged["id"], &merged["merge_what_id"], &merged["name"]), (&bob, &ada, &json!("A. Muster")));
        let mails: Vec<&Value> = merged["email"].as_array().expect("mails").iter().map(|one| &one["value"]).collect();
        assert_eq!(mails, ["b@example.test", "a@example.test"]);
        assert!(merged["org_id"].is_u64(), "blanks are filled");
        assert_eq!(site.get(&format!("/api/v2/persons/{ada}")).await.data()["is_deleted"], json!(true));
        assert_eq!(site.get(&format!("/api/v2/deals/{deal}")).await.data()["person_id"], bob);
        assert_eq!(site.get(&format!("/v1/notes/{note}")).await.data()["person_id"], bob);
        assert_eq!(site.get(&format!("/api/v2/activities/{task}")).await.data()["person_id"], bob);
        assert_eq!(site.running.ledger().tokens_by_endpoint["PUT /v1/persons/{id}/merge"], 40);
    });
    drive(Settings { merge_keeps_path_id: true, ..unlimited() }, |site| async move {
        let [ada, bob] = two_persons(&site).await;
        let merge = format!("/v1/persons/{ada}/merge");
        let merged = site.call(Method::PUT, &merge, Some(json!({"merge_with_id": bob}))).await.data().clone();
        assert_eq!((&merged["id"], &merged["merge_what_id"]), (&ada, &bob));
        let [other, _] = two_persons(&site).await;
        let edit = PeopleEdit::new(PeopleAction::Merge, Noun::Person, &ada).with(json!({"merge_with_id": other}));
        assert_eq!(site.running.edit_as_people(edit).expect("a merge")["id"], other);
    });
}

#[test]
fn leads_and_deals_turn_into_one_another() {
    drive(Settings { conversion: Duration::from_secs(10), ..unlimited() }, |site| async move {
        let [ada, _] = two_persons(&site).await;
        let field = site.made("/api/v2/dealFields", json!({"field_name": "Mark", "field_type": "varchar"})).await;
        let code = field["field_code"].as_str().expect("a code").to_owned();
        let lead = json!({"title": "L", "person_id": ada, "value": {"amount": 7.5, "currency": "EUR"}, &code: "M-1"});
        let lead = site.made("/v1/leads", lead).await["id"].as_str().expect("a uuid").to_owned();
        let note = site.made("/v1/notes", json!({"content": "x", "lead_id": lead})).await["id"].clone();
        let ask = format!("/api/v2/leads/{lead}/convert/deal");
        refuses(&site.post(&ask, json!({"stage_id": 99})).await, 400, "stage_id");
        let job = site.post(&ask, json!({"stage_id": 3})).await.data()["conversion_id"].clone();
        let status = format!("/api/v2/leads/{lead}/convert/status/{}", job.as_str().expect("a uuid"));
        assert_eq!(site.get(&status).await.data()["status"], "not_started");
        site.wait(6).await;
        assert_eq!(site.get(&status).await.data()["status"], "running");
        site.wait(5).await;
        let done = site.get(&status).await.data().clone();
        assert_eq!(done["status"], "completed");
        refuses(&site.get(&format!("/v1/leads/{lead}")).await, 404, "lead");
        let path = format!("/api/v2/deals/{}", done["deal_id"]);
        let deal = site.get(&path).await.data().clone();
        assert_eq!((&deal["stage_id"], &deal["source_lead_id"]), (&json!(3), &json!(lead)));
        assert_eq!((&deal["custom_fields"][&code], deal["value"].to_string()), (&json!("M-1"), "7.5".to_owned()));
        assert_eq!(site.get(&format!("/v1/notes/{note}")).await.data()["deal_id"], deal["id"]);

        let job = site.post(&format!("{path}/convert/lead"), json!({})).await.data()["conversion_id"].clone();
        site.wait(10).await;
        let status = format!("{path}/convert/status/{}", job.as_str().expect("a uuid"));
        let back = site.get(&status).await.data()["lead_id"].as_str().expect("a lead").to_owned();
        let lead = site.get(&format!("/v1/leads/{back}")).await.data().clone();
        assert_eq!((&lead["source_deal_id"], &lead[&code]), (&deal["id"], &json!("M-1")));
        assert_eq!(site.get(&path).await.data()["is_deleted"], json!(true));
        let missing = site.get(&format!("/api/v2/deals/1/convert/status/{back}")).await;
        refuses(&missing, 404, "Entity was not found");
        assert_eq!(missing.body["error_info"], "Object was not found.");

        let alone = site.made("/api/v2/deals", json!({"title": "Alone"})).await["id"].clone();
        let path = format!("/api/v2/deals/{alone}/convert");
        let job = site.post(&format!("{path}/lead"), json!({})).await.data()["conversion_id"].clone();
        site.wait(10).await;
        let status = site.get(&format!("{path}/status/{}", job.as_str().expect("a uuid"))).await;
        assert_eq!(status.data()["status"], "failed", "no lead is without person and organization");
    });
}

#[test]
fn a_changelog_tells_who_changed_what() {
    drive(unlimited(), |site| async move {
        let deal = site.made("/api/v2/deals", json!({"title": "A", "value": 1})).await["id"].clone();
        let path = format!("/api/v2/deals/{deal}");
        site.patch(&path, json!({"title": "B", "value": 2})).await.data();
        site.wait(60).await;
        let edit = PeopleEdit::new(PeopleAction::Update, Noun::Deal, &deal).with(json!({"title": "C"}));
        site.running.edit_as_people(edit).expect("an edit");
        let log = format!("/v1/deals/{deal}/changelog");
        let page = site.get(&format!("{log}?limit=2")).await;
        let first = &page.data()[0];
        assert_eq!(
            (&first["field_key"], &first["old_value"], &first["new_value"]),
            (&json!("title"), &json!("B"), &json!("C"))
        );
        assert_eq!((&first["change_source"], &first["time"]), (&json!("app"), &json!("2026-03-02 10:01:00")));
        let cursor = page.body["additional_data"]["next_cursor"].as_str().expect("a cursor").to_owned();
        let rest = site.get(&format!("{log}?cursor={cursor}")).await;
        assert_eq!(rest.data().as_array().map(Vec::len), Some(1));
        assert_eq!(rest.data()[0]["change_source"], "api");
        assert_eq!(rest.body["additional_data"]["next_cursor"], Value::Null);
        refuses(&site.get("/v1/deals/7/changelog").await, 404, "Deal");
    });
}

#[test]
fn recents_tell_what_changed_of_all_kinds() {
    drive(unlimited(), |site| async move {
        let [ada, _] = two_persons(&site).await;
        site.wait(60).await;
        let deal = site.made("/api/v2/deals", json!({"title": "D"})).await["id"].clone();
        site.made("/v1/notes", json!({"content": "x", "deal_id": deal})).await;
        site.wait(60).await;
        site.patch(&format!("/api/v2/persons/{ada}"), json!({"name": "Ada Lovett"})).await.data();
        let page = site.get("/v1/recents?since_timestamp=2026-03-02%2010:01:00").await;
        let items: Vec<&Value> = page.data().as_array().expect("rows").iter().map(|row| &row["item"]).collect();
        assert_eq!(items, ["deal", "note", "person"]);
        assert_eq!(page.body["additional_data"]["last_timestamp_on_page"], "2026-03-02 10:02:00");
        let some = site.get("/v1/recents?since_timestamp=2026-03-02%2009:00:00&items=person,note&limit=2").await;
        assert_eq!(some.data().as_array().map(Vec::len), Some(2));
        assert_eq!(some.body["additional_data"]["pagination"]["next_start"], json!(2));
        refuses(&site.get("/v1/recents").await, 400, "since_timestamp");
        refuses(&site.get("/v1/recents?since_timestamp=2026-03-02%2009:00:00&items=leads").await, 400, "items");
        site.wait(40 * 86_400).await;
        let late = site.get("/v1/recents?since_timestamp=2026-03-02%2009:00:00").await;
        assert_eq!(late.data(), &json!([]), "it reaches back a month");
    });
}
