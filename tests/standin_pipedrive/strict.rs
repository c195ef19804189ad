//! Permissions, visibility, caps, and the facts that no document settles: both readings of each.

use crossdock::standin::pipedrive::{Plan, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Site, drive, ids, refuses, unlimited};

#[test]
fn users_without_rights_change_nothing_that_all_share() {
    drive(Settings { back_dating_needs_admin: true, ..unlimited() }, |site| async move {
        let riley = site.running.add_user("Riley Rep", "riley@example.test");
        for (path, body) in [
            ("/api/v2/dealFields", json!({"field_name": "F", "field_type": "text"})),
            ("/v1/dealFields", json!({"name": "F", "field_type": "text"})),
            ("/api/v2/pipelines", json!({"name": "P"})),
            ("/api/v2/stages", json!({"name": "S", "pipeline_id": 1})),
            ("/v1/activityTypes", json!({"name": "T", "icon_key": "car"})),
        ] {
            let refused = site.call_as(&riley.token, Method::POST, path, Some(body.clone())).await;
            refuses(&refused, 403, "administrators");
            site.made(path, body).await;
        }
        assert_eq!(site.call_as(&riley.token, Method::GET, "/api/v2/dealFields", None).await.status, 200);
        let dated = json!({"name": "Ada Muster", "add_time": "2019-03-04T09:00:00Z"});
        let refused = site.call_as(&riley.token, Method::POST, "/api/v2/persons", Some(dated)).await;
        refuses(&refused, 403, "add_time");
        let deal = site.made("/api/v2/deals", json!({"title": "D"})).await["id"].clone();
        let admin = site.running.users()[0].id;
        let note = json!({"content": "x", "deal_id": deal, "user_id": admin});
        refuses(&site.call_as(&riley.token, Method::POST, "/v1/notes", Some(note)).await, 403, "in the name of others");
    });
}

#[test]
fn what_only_its_owner_sees_is_not_there_for_others() {
    drive(unlimited(), |site| async move {
        let riley = site.running.add_user("Riley Rep", "riley@example.test");
        let hidden = site.made("/api/v2/deals", json!({"title": "Hidden", "visible_to": 1})).await["id"].clone();
        let open = site.made("/api/v2/deals", json!({"title": "Open"})).await["id"].clone();
        let listed = site.call_as(&riley.token, Method::GET, "/api/v2/deals", None).await;
        assert_eq!(ids(listed.data().as_array().expect("rows")), [open.as_u64().expect("an id")]);
        let path = format!("/api/v2/deals/{hidden}");
        for (method, body) in
            [(Method::GET, None), (Method::PATCH, Some(json!({"title": "x"}))), (Method::DELETE, None)]
        {
            refuses(&site.call_as(&riley.token, method, &path, body).await, 404, "Deal");
        }
        let changelog = format!("/v1/deals/{hidden}/changelog");
        refuses(&site.call_as(&riley.token, Method::GET, &changelog, None).await, 404, "Deal");
        site.wait(60).await;
        let recents = "/v1/recents?since_timestamp=2026-03-02%2000:00:00&items=deal";
        for (path, of_rows, all) in [
            (recents, "/data", 2),
            ("/api/v2/deals/search?term=Hidden", "/data/items", 1),
            ("/api/v2/itemSearch?term=Hidden", "/data/items", 1),
        ] {
            let rows = |body: &Value| body.pointer(of_rows).and_then(Value::as_array).map_or(0, Vec::len);
            let own = site.get(path).await.body;
            let theirs = site.call_as(&riley.token, Method::GET, path, None).await.body;
            assert_eq!((rows(&own), rows(&theirs)), (all, all - 1), "{path}");
        }
        site.patch(&path, json!({"owner_id": riley.id})).await.data();
        assert_eq!(site.call_as(&riley.token, Method::GET, &path, None).await.data()["title"], "Hidden");
        assert_eq!(site.get(&path).await.status, 200, "administrators see everything");
    });
}

async fn first_status(site: &Site, path: &str, bodies: &[Value]) -> Vec<u16> {
    let mut seen = Vec::new();
    for body in bodies {
        seen.push(site.post(path, body.clone()).await.status);
    }
    seen
}

#[test]
fn facts_that_no_document_settles_have_both_readings() {
    let deals = vec![json!({"title": "D"}); 2_501];
    let archived = json!({"title": "D", "is_archived": true});
    for (archived_needs_room, expected) in [(false, 200), (true, 403)] {
        let settings = Settings { plan: Plan::Lite, seats: 1, archived_needs_room, archive_max: 1, ..unlimited() };
        drive(settings, |site| {
            let (deals, archived) = (&deals, &archived);
            async move {
                let seen = first_status(&site, "/api/v2/deals", deals).await;
                assert_eq!((seen[2_499], seen[2_500]), (200, 403));
                assert_eq!(site.post("/api/v2/deals", archived.clone()).await.status, expected);
                refuses(&site.post("/api/v2/deals", archived.clone()).await, 403, "limit reached");
            }
        });
    }
    for strict in [false, true] {
        let settings = Settings {
            stage_mismatch_refused: strict,
            lost_reasons: if strict { vec!["Price".to_owned()] } else { Vec::new() },
            contacts_max: strict.then_some(1),
            notes_per_deal_max: strict.then_some(1),
            activity_types_max: strict.then_some(7),
            label_options_in_v2: strict,
            created_status: if strict { 201 } else { 200 },
            ..unlimited()
        };
        drive(settings, |site| async move {
            let check = |reply: u16, status: u16| assert_eq!(reply, if strict { status } else { 200 });
            let other = site.made("/api/v2/pipelines", json!({"name": "Other"})).await["id"].clone();
            check(
                site.post("/api/v2/deals", json!({"title": "D", "pipeline_id": other, "stage_id": 1})).await.status,
                400,
            );
            let lost = json!({"title": "D", "status": "lost", "lost_reason": "Weather"});
            check(site.post("/api/v2/deals", lost).await.status, 400);
            let mails = json!({"name": "A B", "emails": [{"value": "a"}, {"value": "b"}]});
            check(site.post("/api/v2/persons", mails).await.status, 400);
            let deal = site.post("/api/v2/deals", json!({"title": "D"})).await;
            check(deal.status, 201);
            let note = json!({"content": "x", "deal_id": deal.data()["id"]});
            site.made("/v1/notes", note.clone()).await;
            check(site.post("/v1/notes", note).await.status, 403);
            site.made("/v1/activityTypes", json!({"name": "T", "icon_key": "car"})).await;
            check(site.post("/v1/activityTypes", json!({"name": "U", "icon_key": "car"})).await.status, 403);
            let label = site.post("/api/v2/dealFields/label_ids/options", json!([{"label": "New"}])).await;
            assert_eq!(label.status, if strict { 200 } else { 403 });
        });
    }
}

#[test]
fn the_priority_of_an_activity_is_an_option_of_its_field() {
    drive(unlimited(), |site| async move {
        let field = site.get("/api/v2/activityFields/priority").await.data().clone();
        let high = field["options"][0]["id"].clone();
        let task = site.made("/api/v2/activities", json!({"subject": "T", "priority": high})).await;
        assert_eq!(task["priority"], high);
        refuses(&site.post("/api/v2/activities", json!({"subject": "T", "priority": 1})).await, 400, "priority");
        assert!(site.pages("/api/v2/activityFields?limit=5").await.contains(&field));
        refuses(&site.post("/api/v2/activityFields", json!({})).await, 405, "Method");
    });
}

#[test]
fn fields_of_the_older_api_are_numbered_and_send_all_options() {
    drive(unlimited(), |site| async move {
        let options = json!([{"label": "Gold"}, {"label": "Silver"}]);
        let made = site.made("/v1/dealFields", json!({"name": "Tier", "field_type": "enum", "options": options})).await;
        let path = format!("/v1/dealFields/{}", made["id"]);
        assert_eq!(site.get(&path).await.data(), &made);
        let code = made["key"].as_str().expect("a key").to_owned();
        let newer = site.get(&format!("/api/v2/dealFields/{code}")).await.data()["options"].clone();
        for (newer, made) in newer.as_array().into_iter().flatten().zip(made["options"].as_array().expect("options")) {
            assert_eq!((&newer["id"], &newer["label"]), (&made["id"], &made["label"]));
        }
        let kept = json!([{"id": made["options"][1]["id"], "label": "Platinum"}, {"label": "Bronze"}]);
        let put = async |path: &str, body: Value| site.call(Method::PUT, path, Some(body)).await;
        let changed = put(&path, json!({"name": "Level", "options": kept})).await.data().clone();
        let labels: Vec<&Value> =
            changed["options"].as_array().expect("options").iter().map(|one| &one["label"]).collect();
        assert_eq!((&changed["name"], labels), (&json!("Level"), vec![&json!("Platinum"), &json!("Bronze")]));
        refuses(&put(&path, json!({"options": [{"id": 999, "label": "x"}]})).await, 400, "options");
        refuses(&put(&path, json!({"options": []})).await, 400, "options");

        let all = site.get("/v1/leadFields?limit=500").await.data().clone();
        let label = all.as_array().expect("rows").iter().find(|row| row["key"] == "label").expect("labels").clone();
        let mut options = label["options"].clone();
        options.as_array_mut().expect("options").push(json!({"label": "New"}));
        let path = format!("/v1/dealFields/{}", label["id"]);
        let new = put(&path, json!({ "options": options })).await.data()["options"][3]["id"].clone();
        site.made("/api/v2/deals", json!({"title": "D", "label_ids": [new]})).await;
        refuses(&put(&path, json!({"name": "Marks"})).await, 403, "label_ids");
        let page = site.get("/v1/personFields?limit=2&start=1").await;
        assert_eq!(page.body["additional_data"]["pagination"]["next_start"], json!(3));
        assert_eq!(site.delete(&format!("/v1/dealFields/{}", made["id"])).await.data(), &json!({"id": made["id"]}));
        refuses(&site.get(&format!("/v1/dealFields/{}", made["id"])).await, 404, "Field");
    });
}
