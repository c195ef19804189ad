//! An account that is saved and loaded is the same account, and what it brings was there before.

use crossdock::clock::Clock;
use crossdock::standin::pipedrive::{Noun, Pipedrive, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::site::{Site, drive, drive_with, unlimited};

const KINDS: [&str; 16] = [
    "varchar",
    "varchar_auto",
    "text",
    "double",
    "monetary",
    "date",
    "daterange",
    "time",
    "timerange",
    "set",
    "enum",
    "address",
    "phone",
    "org",
    "people",
    "user",
];

/// One of everything, with a value in a custom field of every type.
async fn fill(site: &Site) {
    let org = json!({"name": "Harbor", "website": "x.test", "employee_count": 7, "address": {"value": "1 Main St", "locality": "Reno"}});
    let org = site.made("/api/v2/organizations", org).await["id"].clone();
    let ada = json!({"name": "Ada Muster", "org_id": org, "emails": [{"value": "a@example.test"}], "add_time": "2019-03-04T09:00:00Z"});
    let ada = site.made("/api/v2/persons", ada).await["id"].clone();
    let mut custom = json!({});
    for kind in KINDS {
        let mut field = json!({"field_name": kind, "field_type": kind});
        if matches!(kind, "set" | "enum") {
            field["options"] = json!([{"label": "Gold"}, {"label": "Silver"}]);
        }
        let field = site.made("/api/v2/dealFields", field).await;
        let option = field["options"][1]["id"].clone();
        custom[field["field_code"].as_str().expect("a code")] = match kind {
            "double" => json!(0.1),
            "monetary" => json!({"value": 10.5, "currency": "EUR"}),
            "date" => json!("2020-02-03"),
            "daterange" => json!({"value": "2020-02-03", "until": "2020-02-04"}),
            "time" => json!({"value": "09:30"}),
            "timerange" => json!({"value": "09:30", "until": "10:30"}),
            "set" => json!([option]),
            "enum" => option,
            "address" => json!({"value": "1 Main St", "country": "US"}),
            "org" => org.clone(),
            "people" => ada.clone(),
            "user" => json!(11),
            _ => json!("text"),
        };
    }
    let deal = json!({"title": "D", "value": 12.5, "status": "won", "person_id": ada, "custom_fields": custom});
    let deal = site.made("/api/v2/deals", deal).await["id"].clone();
    let labels = site.get("/v1/leadLabels").await.data().clone();
    let lead = json!({"title": "L", "person_id": ada, "label_ids": [labels[0]["id"]], "value": {"amount": 3.5, "currency": "EUR"}});
    let lead = site.made("/v1/leads", lead).await["id"].clone();
    let task = json!({"subject": "T", "lead_id": lead, "participants": [{"person_id": ada, "primary": true}], "due_time": "09:30",
        "attendees": [{"email": "b@example.test"}], "location": {"value": "Here"}});
    site.made("/api/v2/activities", task).await;
    site.made("/v1/notes", json!({"content": "<p>x</p>", "lead_id": lead, "pinned_to_lead_flag": 1})).await;
    site.upload("/v1/files", "a.pdf", &[0, 1, 255], &[("deal_id", deal.to_string())]).await.data();
    let call = json!({"outcome": "busy", "to_phone_number": "+1", "start_time": "2019-03-04 09:00:00", "end_time": "2019-03-04 09:20:00"});
    site.made("/v1/callLogs", call).await;
    let mug = json!({"name": "Mug", "billing_frequency": "weekly", "billing_frequency_cycles": 4});
    let mug = site.made("/api/v2/products", mug).await["id"].clone();
    let line = json!({"product_id": mug, "item_price": 2.25, "quantity": 3, "billing_frequency": "monthly"});
    site.made(&format!("/api/v2/deals/{deal}/products"), line).await;
    site.made(&format!("/v1/deals/{deal}/participants"), json!({"person_id": ada})).await;
    let hook =
        json!({"subscription_url": "http://127.0.0.1:9/", "event_action": "*", "event_object": "user", "name": "W"});
    site.post("/v1/webhooks", hook).await.data();
    site.patch(&format!("/api/v2/deals/{deal}"), json!({"title": "E"})).await.data();
    let gone = site.made("/api/v2/persons", json!({"name": "Gone"})).await["id"].clone();
    site.delete(&format!("/api/v2/persons/{gone}")).await.data();
    site.post("/standin/users", json!({"name": "Riley Rep", "email": "riley@example.test"})).await;
}

fn settings() -> Settings {
    Settings { organization_profile: true, ..unlimited() }
}

#[test]
fn an_account_is_the_same_after_a_load() {
    let mut state = Value::Null;
    let mut rows = Vec::new();
    let mut log = Value::Null;
    drive(settings(), |site| {
        let (state, rows, log) = (&mut state, &mut rows, &mut log);
        async move {
            fill(&site).await;
            *state = site.get("/standin/state").await.body;
            assert_eq!(*state, site.running.state());
            rows.extend(Noun::ALL.iter().map(|noun| site.running.rows(*noun)));
            *log = site.get(&format!("/v1/deals/{}/changelog", site.running.rows(Noun::Deal)[0]["id"])).await.body;
        }
    });
    // A file is text: what is loaded went through it.
    let text = state.to_string();
    drive_with(settings(), serde_json::from_str(&text).expect("JSON"), |site| {
        let (state, rows, log) = (&state, &rows, &log);
        async move {
            for (noun, before) in Noun::ALL.iter().zip(rows) {
                assert_eq!(&site.running.rows(*noun), before, "{noun}");
            }
            assert_eq!(&site.running.state(), state, "nothing is lost on the way");
            assert_eq!(site.running.ledger().minimum, 0, "it was there before");
            let deal = site.running.rows(Noun::Deal)[0]["id"].clone();
            assert_eq!(&site.get(&format!("/v1/deals/{deal}/changelog")).await.body, log);
            let file = site.running.rows(Noun::File)[0]["id"].clone();
            assert_eq!(site.download(&format!("/v1/files/{file}/download")).await, [0, 1, 255]);
            let last = site.running.rows(Noun::Person).last().and_then(|row| row["id"].as_u64());
            let next = site.made("/api/v2/persons", json!({"name": "New"})).await["id"].as_u64();
            assert_eq!(next, last.map(|last| last + 1));
            assert_eq!(site.pages("/api/v2/persons").await.len(), 2);
            let found = site.get("/api/v2/itemSearch?term=harbor").await;
            assert_eq!(found.data()["items"].as_array().map(Vec::len), Some(1));
            assert_eq!(site.running.ledger().minimum, 5);
            let lead = site.running.rows(Noun::Lead)[0]["id"].as_str().expect("a uuid").to_owned();
            site.patch(&format!("/v1/leads/{lead}"), json!({"title": "M"})).await.data();
        }
    });
}

#[test]
fn a_state_of_another_kind_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let state =
            Pipedrive::start(settings(), Clock::system(), TcpListener::bind("127.0.0.1:0").await.expect("a port"));
        let state = state.expect("an account").state();
        for (key, value) in [
            ("format", json!(2)),
            ("users", Value::Null),
            ("random", json!(["00", "0"])),
            ("tables", json!({})),
            ("fields", json!({"deal_field": [{}]})),
            ("day", json!("x")),
        ] {
            let mut wrong = state.clone();
            wrong[key] = value;
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let refused = Pipedrive::start_with(settings(), Clock::system(), listener, wrong);
            assert!(refused.is_err(), "{key}");
        }
    });
}
