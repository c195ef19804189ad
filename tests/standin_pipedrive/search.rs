//! The search: what it finds, how late, and its own limit.

use std::time::Duration;

use crossdock::standin::pipedrive::Settings;
use serde_json::{Value, json};

use crate::site::{Site, drive, refuses, unlimited};

async fn names(site: &Site, path: &str) -> Vec<Value> {
    let page = site.get(path).await;
    let items = page.data()["items"].as_array().expect("items").clone();
    items
        .into_iter()
        .map(|row| row["item"]["name"].as_str().map_or(row["item"]["title"].clone(), Value::from))
        .collect()
}

#[test]
fn it_finds_by_many_fields_and_never_at_once() {
    let settings = Settings { search_lag: Duration::from_secs(30), ..unlimited() };
    drive(settings, |site| async move {
        let field = site.made("/api/v2/personFields", json!({"field_name": "Mark", "field_type": "varchar"})).await;
        let code = field["field_code"].as_str().expect("a code").to_owned();
        let home = site.made("/api/v2/organizations", json!({"name": "Harbor Foods"})).await["id"].clone();
        let ada = json!({"name": "Ada Muster", "org_id": home, "emails": [{"value": "ada@example.test"}],
            "custom_fields": {&code: "SRC-0012"}});
        let ada = site.made("/api/v2/persons", ada).await["id"].clone();
        let deal = site.made("/api/v2/deals", json!({"title": "Harbor mugs", "person_id": ada})).await["id"].clone();
        site.made("/v1/notes", json!({"content": "ships from the harbor", "person_id": ada})).await;
        site.made("/v1/leads", json!({"title": "Harbor pens", "person_id": ada})).await;
        site.made("/api/v2/products", json!({"name": "Harbor mug", "code": "H-1"})).await;
        assert!(names(&site, "/api/v2/itemSearch?term=harbor").await.is_empty(), "no write is found at once");
        site.wait(29).await;
        assert!(names(&site, "/api/v2/itemSearch?term=harbor").await.is_empty());
        site.wait(1).await;
        let all = names(&site, "/api/v2/itemSearch?term=HARBOR").await;
        assert_eq!(all, ["Harbor mugs", "Ada Muster", "Harbor Foods", "Harbor mug", "Harbor pens"]);
        let check = async |path: &str, expected: &[&str]| assert_eq!(names(&site, path).await, expected, "{path}");
        check(
            "/api/v2/itemSearch?term=harbor&fields=title,name",
            &["Harbor mugs", "Harbor Foods", "Harbor mug", "Harbor pens"],
        )
        .await;
        check("/api/v2/itemSearch?term=harbor&item_types=lead,product&limit=1", &["Harbor pens"]).await;
        check("/api/v2/persons/search?term=ada@example.test&exact_match=true&fields=email", &["Ada Muster"]).await;
        check("/api/v2/persons/search?term=ada@example&exact_match=true", &[]).await;
        check("/api/v2/persons/search?term=src-0012", &["Ada Muster"]).await;
        check(&format!("/api/v2/deals/search?term=harbor&person_id={ada}"), &["Harbor mugs"]).await;
        check("/api/v2/deals/search?term=harbor&person_id=7", &[]).await;
        check("/api/v2/deals/search?term=harbor&status=won", &[]).await;
        check(&format!("/api/v2/leads/search?term=pens&person_id={ada}"), &["Harbor pens"]).await;

        let by_field = format!("/api/v2/itemSearch/field?entity_type=person&field={code}");
        let found = site.get(&format!("{by_field}&term=SRC-0012")).await;
        assert_eq!(found.data(), &json!([{"id": ada, "name": "Ada Muster"}]));
        assert_eq!(site.get(&format!("{by_field}&term=src-0012")).await.data(), &json!([]), "case matters here");
        assert_eq!(site.get(&format!("{by_field}&term=SRC&match=beginning")).await.data()[0]["id"], ada);

        site.patch(&format!("/api/v2/deals/{deal}"), json!({"title": "Lake mugs"})).await.data();
        check("/api/v2/deals/search?term=harbor", &["Harbor mugs"]).await;
        site.delete(&format!("/api/v2/deals/{deal}")).await.data();
        site.wait(30).await;
        check("/api/v2/deals/search?term=mugs", &[]).await;

        for (path, key) in [
            ("/api/v2/itemSearch?term=h", "term"),
            ("/api/v2/itemSearch", "term"),
            ("/api/v2/itemSearch?term=ha&limit=101", "limit"),
            ("/api/v2/itemSearch?term=ha&item_types=boat", "item_types"),
            ("/api/v2/persons/search?term=ha&fields=title", "fields"),
            ("/api/v2/organizations/search?term=ha&status=open", "status"),
            ("/api/v2/itemSearch/field?term=ha&entity_type=deal", "field"),
            ("/api/v2/itemSearch/field?term=ha&entity_type=deal&field=stage_id&match=any", "match"),
        ] {
            refuses(&site.get(path).await, 400, key);
        }
    });
}

#[test]
fn ten_searches_pass_in_two_seconds() {
    drive(Settings::default(), |site| async move {
        for _ in 0..10 {
            assert_eq!(site.get("/api/v2/persons/search?term=ada").await.status, 200);
        }
        refuses(&site.get("/api/v2/itemSearch?term=ada").await, 429, "request over limit");
        assert_eq!(site.get("/v1/users/me").await.status, 200, "other requests go on");
        site.wait(2).await;
        assert_eq!(site.get("/api/v2/persons/search?term=ada").await.status, 200);
    });
}
