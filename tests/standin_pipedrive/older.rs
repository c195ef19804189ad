//! Leads, notes and what else speaks API v1, and activities, which hang on them.

use std::time::Duration;

use crossdock::record::Entity;
use crossdock::standin::pipedrive::{PeopleAction, PeopleEdit, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Site, drive, refuses, unlimited};

async fn person(site: &Site) -> Value {
    site.made("/api/v2/persons", json!({"name": "Ada Muster"})).await["id"].clone()
}

/// The ids of one page of a v1 list.
async fn listed(site: &Site, path: &str) -> Vec<Value> {
    let page = site.get(path).await;
    page.data().as_array().into_iter().flatten().map(|row| row["id"].clone()).collect()
}

#[test]
fn leads_live_in_the_older_api() {
    drive(unlimited(), |site| async move {
        let person = person(&site).await;
        let labels = site.get("/v1/leadLabels").await.data().clone();
        let body = json!({"title": " Mugs ", "person_id": person, "label_ids": [labels[2]["id"]], "origin_id": "L-1",
            "value": {"amount": 300.456, "currency": "EUR"}, "visible_to": "3", "unknown": 1});
        let reply = site.post("/v1/leads", body).await;
        assert_eq!(reply.status, 201);
        let lead = reply.data().clone();
        assert_eq!((&lead["title"], &lead["origin_id"]), (&json!("Mugs"), &json!("L-1")));
        assert_eq!((&lead["source_name"], &lead["visible_to"]), (&json!("API"), &json!("3")));
        assert_eq!(lead["value"].to_string(), r#"{"amount":300.46,"currency":"EUR"}"#);
        assert_eq!(lead["add_time"], "2026-03-02T10:00:00.000Z");
        assert!(lead.get("unknown").is_none(), "API v1 passes over what it does not know");

        let path = format!("/api/v1/leads/{}", lead["id"].as_str().expect("a uuid"));
        site.wait(3).await;
        let changed = site.patch(&path, json!({"value": null, "is_archived": true})).await.data().clone();
        assert_eq!((&changed["value"], &changed["update_time"]), (&Value::Null, &json!("2026-03-02T10:00:03.000Z")));
        refuses(&site.patch(&path, json!({"title": "x"})).await, 403, "Archived");
        assert!(listed(&site, "/v1/leads").await.is_empty());
        assert_eq!(listed(&site, "/v1/leads/archived").await, [lead["id"].clone()]);
        assert_eq!(site.delete(&path).await.data(), &json!({"id": lead["id"]}));
        let gone = site.get(&path).await;
        refuses(&gone, 404, "requested lead not found");
        assert_eq!(gone.body["error_info"], "Object was not found.");
        for (key, value) in [
            ("title", Value::Null),
            ("person_id", json!(7)),
            ("organization_id", json!("7")),
            ("owner_id", json!(7)),
            ("label_ids", json!(["f08b42a0-4e75-11ea-9643-03698ef1cfd6"])),
            ("value", json!({"amount": 3})),
            ("value", json!(3)),
            ("visible_to", json!(3)),
            ("was_seen", json!(1)),
            ("expected_close_date", json!("soon")),
        ] {
            let mut body = json!({"title": "T", "person_id": person});
            body[key] = value;
            let refused = site.post("/v1/leads", body).await;
            refuses(&refused, 400, key);
            assert_eq!(refused.body["data"], Value::Null);
        }
        refuses(&site.post("/v1/leads", json!({"title": "T"})).await, 400, "person_id");
    });
    drive(Settings { strict_leads: true, ..unlimited() }, |site| async move {
        let body = json!({"title": "T", "person_id": person(&site).await, "add_time": "2020-01-01 00:00:00"});
        refuses(&site.post("/v1/leads", body).await, 400, "add_time");
    });
}

#[test]
fn leads_are_listed_by_offset_in_any_order() {
    drive(unlimited(), |site| async move {
        let person = person(&site).await;
        let mut made = Vec::new();
        for title in ["C", "A", "B", "A"] {
            made.push(site.made("/v1/leads", json!({"title": title, "person_id": person})).await["id"].clone());
            site.wait(1).await;
        }
        site.patch(&format!("/v1/leads/{}", made[1].as_str().expect("a uuid")), json!({"title": "D"})).await.data();
        let check = async |query: &str, expected: &[usize]| {
            let expected: Vec<Value> = expected.iter().map(|place| made[*place].clone()).collect();
            assert_eq!(listed(&site, &format!("/v1/leads?{query}")).await, expected, "{query}");
        };
        check("", &[0, 1, 2, 3]).await;
        check("start=1&limit=2", &[1, 2]).await;
        check("sort=add_time%20DESC", &[3, 2, 1, 0]).await;
        check("sort=update_time DESC&limit=1", &[1]).await;
        check("sort=title ASC", &[3, 2, 0, 1]).await;
        check("updated_since=2026-03-02T10:00:02Z", &[1, 2, 3]).await;
        check("person_id=1", &[]).await;
        let page = site.get("/v1/leads?limit=3").await.body["additional_data"]["pagination"].clone();
        assert_eq!(page, json!({"start": 0, "limit": 3, "more_items_in_collection": true, "next_start": 3}));
        refuses(&site.get("/v1/leads?sort=colour").await, 400, "sort");
    });
}

#[test]
fn leads_take_the_fields_of_deals_as_flat_keys() {
    drive(unlimited(), |site| async move {
        let person = person(&site).await;
        let define = async |kind: &str| {
            let mut body = json!({"field_name": kind, "field_type": kind});
            if matches!(kind, "enum" | "set") {
                body["options"] = json!([{"label": "Gold"}, {"label": "Silver"}]);
            }
            site.made("/api/v2/dealFields", body).await
        };
        let code = |field: &Value| field["field_code"].as_str().expect("a code").to_owned();
        let (text, money, range) = (define("text").await, define("monetary").await, define("daterange").await);
        let (choice, choices) = (define("enum").await, define("set").await);
        let option = |field: &Value, place: usize| field["options"][place]["id"].clone();
        let both = format!("{},{}", option(&choices, 0), option(&choices, 1));
        let until = format!("{}_until", code(&range));
        let currency = format!("{}_currency", code(&money));
        let body = json!({"title": "T", "person_id": person, code(&text): " x ", code(&money): 10.5,
            code(&range): "2026-01-01", &until: "2026-02-01", code(&choice): option(&choice, 0), code(&choices): both});
        let lead = site.made("/v1/leads", body).await;
        assert_eq!((&lead[code(&text)], &lead[&until]), (&json!("x"), &json!("2026-02-01")));
        assert_eq!((lead[code(&money)].to_string(), &lead[&currency]), ("10.5".to_owned(), &json!("USD")));
        assert_eq!(lead[code(&choice)], json!(option(&choice, 0).to_string()));
        assert_eq!(lead[code(&choices)], json!(both));

        let path = format!("/v1/leads/{}", lead["id"].as_str().expect("a uuid"));
        let changed = site.patch(&path, json!({&currency: "EUR", code(&text): null})).await.data().clone();
        assert_eq!((changed[code(&money)].to_string(), &changed[&currency]), ("10.5".to_owned(), &json!("EUR")));
        assert!(changed.get(code(&text)).is_none(), "unset fields have no key");
        refuses(&site.patch(&path, json!({code(&choice): 999})).await, 400, &code(&choice));

        let edit = PeopleEdit::new(PeopleAction::Convert, Entity::Lead, lead["id"].as_str().expect("a uuid"));
        let deal = site.running.edit_as_people(edit).expect("a deal");
        assert_eq!((&deal["source_lead_id"], &deal["title"]), (&lead["id"], &json!("T")));
        assert_eq!(deal["custom_fields"][code(&choices)], json!([option(&choices, 0), option(&choices, 1)]));
        refuses(&site.get(&path).await, 404, "lead");
    });
}

#[test]
fn labels_and_activity_types_are_short_lists() {
    drive(unlimited(), |site| async move {
        let label = site.made("/v1/leadLabels", json!({"name": "Quoted", "color": "dark-gray"})).await;
        let path = format!("/v1/leadLabels/{}", label["id"].as_str().expect("a uuid"));
        assert_eq!(site.patch(&path, json!({"color": "pink"})).await.data()["color"], "pink");
        assert_eq!(listed(&site, "/v1/leadLabels").await.len(), 4);
        site.delete(&path).await.data();
        assert_eq!(listed(&site, "/v1/leadLabels").await.len(), 3);
        refuses(&site.post("/v1/leadLabels", json!({"name": "Q", "color": "mauve"})).await, 400, "color");
        assert_eq!(site.get("/v1/leadSources").await.data()[9]["name"], "API");

        let kind = site.made("/v1/activityTypes", json!({"name": "Art Proof", "icon_key": "brush"})).await;
        assert_eq!((&kind["key_string"], &kind["is_custom_flag"]), (&json!("art_proof"), &json!(true)));
        let path = format!("/v1/activityTypes/{}", kind["id"]);
        let renamed = site.call(Method::PUT, &path, Some(json!({"name": "Proof"}))).await;
        assert_eq!((&renamed.data()["name"], &renamed.data()["key_string"]), (&json!("Proof"), &json!("art_proof")));
        assert_eq!(listed(&site, "/v1/activityTypes").await.len(), 7);
        refuses(&site.post("/v1/activityTypes", json!({"name": "X", "icon_key": "sun"})).await, 400, "icon_key");
        assert_eq!(site.get("/v1/currencies?term=usd").await.data()[0]["decimal_points"], 2);
    });
}

#[test]
fn activities_hang_on_people_through_participants() {
    drive(unlimited(), |site| async move {
        let person = person(&site).await;
        let deal = site.made("/api/v2/deals", json!({"title": "D"})).await["id"].clone();
        let path = "/api/v2/activities";
        let body = json!({"subject": " Proof ", "type": "task", "deal_id": deal, "due_date": "2020-01-10",
            "due_time": "09:30", "duration": "00:20", "done": true, "participants": [{"person_id": person}],
            "note": "<p onclick=\"x()\">ok</p><script>x()</script>"});
        let made = site.made(path, body).await;
        assert_eq!((&made["subject"], &made["due_time"]), (&json!("Proof"), &json!("09:30:00")));
        assert_eq!((&made["person_id"], &made["participants"][0]["primary"]), (&person, &json!(true)));
        assert_eq!(
            (&made["marked_as_done_time"], &made["note"]),
            (&json!("2026-03-02T10:00:00Z"), &json!("<p>ok</p>"))
        );
        let other = site.made(path, json!({})).await;
        assert_eq!((&other["subject"], &other["type"]), (&json!("Call"), &json!("call")));

        assert_eq!(site.pages(&format!("{path}?person_id={person}")).await.len(), 1);
        assert_eq!(site.pages(&format!("{path}?deal_id={deal}&done=false")).await.len(), 0);
        let by_day = site.pages(&format!("{path}?sort_by=due_date&sort_direction=desc&limit=1")).await;
        assert_eq!((by_day.len(), &by_day[0]["id"]), (2, &made["id"]));
        let one = format!("{path}/{}", made["id"]);
        assert_eq!(site.patch(&one, json!({"done": false})).await.data()["marked_as_done_time"], Value::Null);
        site.delete(&one).await.data();
        assert_eq!(site.pages(path).await.len(), 1);

        let lead = site.made("/v1/leads", json!({"title": "T", "person_id": person})).await["id"].clone();
        site.made(path, json!({"lead_id": lead})).await;
        for (key, value) in [
            ("person_id", person.clone()),
            ("type", json!("proof")),
            ("due_time", json!("9:30 am")),
            ("done", json!(1)),
            ("participants", json!([{"person_id": 1}])),
            ("lead_id", lead.clone()),
            ("project_id", json!(1)),
            ("priority", json!(1)),
            ("marked_as_done_time", json!("2020-01-01T00:00:00Z")),
            ("add_time", json!("2020-01-01T00:00:00Z")),
            ("note", json!("x".repeat(102_401))),
        ] {
            let mut body = json!({"deal_id": deal});
            body[key] = value;
            refuses(&site.post(path, body).await, 400, key);
        }
    });
}

#[test]
fn notes_can_be_back_dated_and_are_cleaned() {
    drive(unlimited(), |site| async move {
        let deal = site.made("/api/v2/deals", json!({"title": "D"})).await["id"].clone();
        assert_eq!(site.get("/v1/notes").await.data(), &Value::Null);
        let body = json!({"content": "<p>Old <img src=\"data:image/png;base64,AA\"> remark</p><style>p{}</style>",
            "deal_id": deal, "add_time": "2018-05-06 07:08:09", "pinned_to_deal_flag": 1});
        let note = site.made("/v1/notes", body).await;
        assert_eq!(note["content"], "<p>Old <img> remark</p>");
        assert_eq!(
            (&note["add_time"], &note["update_time"]),
            (&json!("2018-05-06 07:08:09"), &json!("2026-03-02 10:00:00"))
        );
        assert_eq!((&note["deal"]["title"], &note["pinned_to_deal_flag"]), (&json!("D"), &json!(true)));
        for _ in 0..3 {
            site.made("/v1/notes", json!({"content": "x", "deal_id": deal})).await;
        }
        let all = listed(&site, "/v1/notes").await;
        assert_eq!(all.len(), 4);
        let page = listed(&site, "/v1/notes?sort=id DESC&limit=2&start=1").await;
        assert_eq!(page, [all[2].clone(), all[1].clone()]);
        assert_eq!(listed(&site, &format!("/v1/notes?deal_id={deal}&end_date=2018-05-06")).await, [note["id"].clone()]);

        let path = format!("/v1/notes/{}", note["id"]);
        let changed = site.call(Method::PUT, &path, Some(json!({"content": "new"}))).await;
        assert_eq!(changed.data()["content"], "new");
        assert_eq!(site.delete(&path).await.data(), &json!(true));
        refuses(&site.get(&path).await, 404, "Note");
        for (key, value) in [
            ("content", json!("")),
            ("content", json!("x".repeat(100_001))),
            ("deal_id", json!(5)),
            ("lead_id", json!("x")),
            ("user_id", json!(5)),
            ("add_time", json!("2018-05-06T07:08:09Z")),
            ("pinned_to_person_flag", json!(1)),
            ("pinned_to_deal_flag", json!(true)),
        ] {
            let mut body = json!({"content": "x", "deal_id": deal});
            body[key] = value;
            refuses(&site.post("/v1/notes", body).await, 400, key);
        }
        refuses(&site.post("/v1/notes", json!({"content": "x"})).await, 400, "deal_id");
    });
}

#[test]
fn the_older_lists_lag_too_and_their_writes_are_in_the_minimum() {
    let settings = Settings { list_lag: Duration::from_secs(4), ..unlimited() };
    drive(settings, |site| async move {
        let person = person(&site).await;
        site.made("/v1/leads", json!({"title": "T", "person_id": person})).await;
        site.made("/v1/notes", json!({"content": "x", "person_id": person})).await;
        site.made("/v1/leadLabels", json!({"name": "Q", "color": "red"})).await;
        site.made("/v1/activityTypes", json!({"name": "Proof", "icon_key": "brush"})).await;
        let lengths = async || {
            let mut lengths = Vec::new();
            for path in ["/v1/leads", "/v1/notes", "/v1/leadLabels", "/v1/activityTypes"] {
                lengths.push(listed(&site, path).await.len());
            }
            lengths
        };
        assert_eq!(lengths().await, [0, 0, 3, 6]);
        site.wait(4).await;
        assert_eq!(lengths().await, [1, 1, 4, 7]);
        assert_eq!(site.running.ledger().minimum, 5 + 4 * 10);
    });
}
