//! The ledger with its minimum, and the control API.

use crossdock::record::Entity;
use crossdock::standin::pipedrive::{PeopleAction, PeopleEdit, Plan, Settings};
use serde_json::json;

use crate::site::{drive, refuses, unlimited};

#[test]
fn the_ledger_knows_the_minimum() {
    drive(unlimited(), |site| async move {
        let mut paths = Vec::new();
        for _ in 0..3 {
            let deal = site.made("/api/v2/deals", json!({"title": "D"})).await;
            paths.push(format!("/api/v2/deals/{}", deal["id"]));
        }
        site.made("/api/v2/dealFields", json!({"field_name": "F", "field_type": "text"})).await;
        site.delete(&paths[2]).await.data();
        for title in ["D", "E", "F"] {
            site.patch(&paths[0], json!({ "title": title })).await.data();
        }
        site.patch(&paths[1], json!({"title": "D"})).await.data();
        site.pages("/api/v2/deals").await;
        let edit =
            PeopleEdit::new(PeopleAction::Duplicate, Entity::Deal, site.running.rows(Entity::Deal)[0]["id"].clone());
        site.running.edit_as_people(edit).expect("a copy");
        let ledger = site.running.ledger();
        assert_eq!(ledger.minimum, 2 * 5 + 5 + 5, "two live deals, a field, one deal changed in effect");
        assert_eq!(ledger.tokens, 3 * 5 + 5 + 3 + 4 * 5 + 10);
        assert_eq!((ledger.created["deal"], ledger.updated["deal"], ledger.deleted["deal"]), (3, 4, 1));
        assert_eq!((ledger.live["deal"], ledger.requests), (2, 10));
        assert_eq!(ledger.requests_by_endpoint["PATCH /api/v2/deals/{id}"][&200], 4);
        assert_eq!(ledger.tokens_by_endpoint["GET /api/v2/deals"], 10);
    });
}

#[test]
fn the_control_api_sets_and_shows() {
    drive(Settings { plan: Plan::Lite, ..Settings::default() }, |site| async move {
        assert_eq!(site.get("/standin/health").await.body["up"], json!(true));
        let user = site.post("/standin/users", json!({"name": "Riley Rep", "email": "riley@example.test"})).await.body;
        let found = site.get("/v1/users/find?term=riley@&search_by_email=1").await;
        assert_eq!(found.data()[0]["id"], user["id"]);
        assert_eq!(site.running.users().len(), 2);

        let deal = site.made("/api/v2/deals", json!({"title": "D"})).await;
        let edit = json!({"action": "update", "entity": "deal", "id": deal["id"], "fields": {"title": "By people"}});
        assert_eq!(site.post("/standin/people", edit).await.body["title"], "By people");
        let copy = json!({"action": "duplicate", "entity": "deal", "id": deal["id"]});
        assert_eq!(site.post("/standin/people", copy).await.body["title"], "By people");
        let gone = json!({"action": "delete", "entity": "deal", "id": deal["id"].to_string()});
        site.post("/standin/people", gone).await;
        let rows = site.get("/standin/rows/deal").await.body;
        assert_eq!((&rows[0]["is_deleted"], &rows[1]["is_deleted"]), (&json!(true), &json!(false)));
        refuses(&site.post("/standin/people", json!({"action": "steal", "entity": "deal"})).await, 400, "steal");

        let rule = json!({"method": "GET", "path": "/api/v2/deals", "count": 1, "kind": {"refuse": {"status": 500}}});
        site.post("/standin/faults", rule.clone()).await;
        assert_eq!(site.get("/api/v2/deals").await.status, 500);
        site.post("/standin/faults", json!([rule])).await;
        let late = json!({"probability": 0.5, "kind": {"hold": {"seconds": 0.5}}});
        assert_eq!(site.post("/standin/faults", late.clone()).await.body, json!({"added": 1}), "numbers with a point");
        assert_eq!(site.post("/standin/faults", json!([late, late])).await.body, json!({"added": 2}));
        site.delete("/standin/faults").await;
        assert_eq!(site.get("/api/v2/deals").await.status, 200);
        let ledger = site.get("/standin/ledger").await.body;
        assert_eq!(ledger["requests"], json!(4), "the control API is not counted");
        assert_eq!(ledger["tokens"], json!(40 + 5 + 10), "nor are refused requests charged");
    });
}
