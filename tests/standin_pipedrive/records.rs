//! Records of API v2 and their fields: made, read, listed, changed and deleted, and what is kept of what was sent.

use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{drive, ids, refuses, unlimited};

#[test]
fn rows_have_besides_what_is_asked_for() {
    drive(unlimited(), |site| async move {
        let options = json!([{"label": "Gold"}, {"label": "Silver"}]);
        let tier = json!({"field_name": "Tier", "field_type": "enum", "options": options});
        let tier = site.made("/api/v2/dealFields", tier).await;
        let (code, gold) = (tier["field_code"].as_str().expect("a code"), &tier["options"][0]["id"]);
        let label = site.get("/api/v2/dealFields/label_ids").await.data()["options"][0].clone();
        let person = site.made("/api/v2/persons", json!({"name": "Ada Muster"})).await["id"].clone();
        let deal =
            json!({"title": "D", "person_id": person, "label_ids": [label["id"]], "custom_fields": {code: gold}});
        let deal = site.made("/api/v2/deals", deal).await["id"].clone();
        site.made("/v1/notes", json!({"content": "x", "deal_id": deal})).await;
        for (done, day) in [(true, "2026-01-01"), (false, "2026-05-02"), (false, "2026-05-01")] {
            let task = json!({"subject": "T", "deal_id": deal, "done": done, "due_date": day});
            site.made("/api/v2/activities", task).await;
        }
        let plain = site.get(&format!("/api/v2/deals/{deal}")).await.data().clone();
        assert!(plain.get("notes_count").is_none() && plain.get("labels").is_none());
        let asked = "include_fields=notes_count,undone_activities_count,participants_count,next_activity_id\
            &include_labels=true&include_option_labels=true";
        for path in [format!("/api/v2/deals/{deal}?{asked}"), format!("/api/v2/deals?ids={deal}&{asked}")] {
            let data = site.get(&path).await.data().clone();
            let row = data.as_array().map_or(&data, |rows| &rows[0]);
            assert_eq!((&row["notes_count"], &row["undone_activities_count"]), (&json!(1), &json!(2)));
            assert_eq!(row["participants_count"], json!(1), "the contact person is one");
            let next = site.get(&format!("/api/v2/activities/{}", row["next_activity_id"])).await;
            assert_eq!(next.data()["due_date"], "2026-05-01");
            assert_eq!(row["labels"], json!([{"id": label["id"], "label": label["label"]}]));
            assert_eq!(row["custom_fields"][code], json!({"id": gold, "label": "Gold"}));
        }
        let person =
            site.get(&format!("/api/v2/persons/{person}?include_fields=open_deals_count,won_deals_count")).await;
        assert_eq!((&person.data()["open_deals_count"], &person.data()["won_deals_count"]), (&json!(1), &json!(0)));
    });
}

#[test]
fn v2_records_are_made_read_listed_changed_and_deleted() {
    drive(unlimited(), |site| async move {
        let pipeline = site.made("/api/v2/pipelines", json!({"name": "Orders"})).await;
        let stage = json!({"name": "Quote", "pipeline_id": pipeline["id"]});
        for (path, body, change) in [
            ("/api/v2/organizations", json!({"name": "Harbor Foods"}), json!({"name": "Harbor Foods Ltd"})),
            ("/api/v2/persons", json!({"name": "Ada Muster"}), json!({"name": "Ada Lovett"})),
            ("/api/v2/deals", json!({"title": "P1", "value": 12.5}), json!({"value": 13})),
            ("/api/v2/stages", stage, json!({"deal_probability": 40})),
            ("/api/v2/pipelines", json!({"name": "Samples"}), json!({"is_deal_probability_enabled": true})),
        ] {
            let first = site.made(path, body.clone()).await;
            let before = site.pages(path).await.len();
            for _ in 0..6 {
                site.made(path, body.clone()).await;
            }
            let rows = site.pages(&format!("{path}?limit=2")).await;
            assert_eq!(rows.len(), before + 6, "{path}");
            let mut down = ids(&site.pages(&format!("{path}?limit=3&sort_by=id&sort_direction=desc")).await);
            down.reverse();
            assert_eq!(down, ids(&rows), "{path}");
            for order in ["add_time", "update_time"] {
                let sorted = site.pages(&format!("{path}?limit=2&sort_by={order}&sort_direction=desc")).await;
                assert_eq!(sorted.len(), rows.len(), "{path} {order}");
            }

            let one = format!("{path}/{}", first["id"]);
            assert_eq!(site.get(&one).await.data(), &first, "{path}");
            site.wait(5).await;
            let changed = site.patch(&one, change.clone()).await.data().clone();
            for (key, value) in change.as_object().expect("keys") {
                assert_eq!(&changed[key], value, "{path}");
            }
            assert_ne!(changed["update_time"], first["update_time"], "{path}");

            assert_eq!(site.delete(&one).await.data(), &json!({"id": first["id"]}), "{path}");
            assert_eq!(site.pages(path).await.len(), before + 5, "{path}");
            assert_eq!(site.get(&one).await.data()["is_deleted"], json!(true), "{path}");
            refuses(&site.patch(&one, change).await, 404, "not found");
            refuses(&site.delete(&one).await, 404, "not found");
        }
    });
}

#[test]
fn it_keeps_what_the_real_one_keeps() {
    drive(unlimited(), |site| async move {
        let person = json!({"name": "  Ada   von Muster ", "add_time": "2019-03-04T09:00:00Z",
            "emails": [{"value": " ada@example.test "}], "phones": [{"value": "+1", "label": "mobile"}]});
        let person = site.made("/api/v2/persons", person).await;
        assert_eq!(person["name"], "Ada von Muster");
        assert_eq!((&person["first_name"], &person["last_name"]), (&json!("Ada"), &json!("von Muster")));
        assert_eq!(person["emails"], json!([{"value": "ada@example.test", "primary": true, "label": "work"}]));
        assert_eq!(person["add_time"], "2019-03-04T09:00:00Z");
        assert_eq!(person["update_time"], "2026-03-02T10:00:00Z");

        let won = json!({"title": "Won", "value": 1250.555, "status": "won", "won_time": "2020-01-31T03:00:00Z"});
        let deal = site.made("/api/v2/deals", won).await;
        assert_eq!(deal["value"].to_string(), "1250.56");
        assert_eq!((&deal["currency"], &deal["visible_to"]), (&json!("USD"), &json!(3)));
        assert_eq!((&deal["close_time"], &deal["lost_time"]), (&json!("2020-01-31T03:00:00Z"), &Value::Null));
        assert_eq!(deal["local_won_date"], "2020-01-30", "in Chicago");
        assert_eq!((&deal["stage_id"], &deal["pipeline_id"]), (&json!(1), &json!(1)));
        assert_eq!(deal["owner_id"], site.get("/v1/users/me").await.data()["id"]);
        let path = format!("/api/v2/deals/{}", deal["id"]);
        let open = site.patch(&path, json!({"status": "open"})).await;
        assert_eq!((&open.data()["won_time"], &open.data()["close_time"]), (&Value::Null, &Value::Null));

        let archived = site.patch(&path, json!({"is_archived": true})).await;
        assert_eq!(archived.data()["archive_time"], "2026-03-02T10:00:00Z");
        refuses(&site.patch(&path, json!({"title": "x"})).await, 403, "Archived");
        assert!(site.pages("/api/v2/deals").await.is_empty());
        assert_eq!(site.pages("/api/v2/deals/archived").await.len(), 1);
        assert_eq!(site.patch(&path, json!({"is_archived": false, "title": "x"})).await.data()["title"], "x");

        let place = json!({"name": "Harbor", "address": {"value": "1 Main St", "locality": "Reno"}});
        let place = site.made("/api/v2/organizations", place).await;
        assert_eq!((&place["address"]["locality"], &place["address"]["country"]), (&json!("Reno"), &Value::Null));
    });
}

#[test]
fn lists_filter_as_documented() {
    drive(unlimited(), |site| async move {
        let home = site.made("/api/v2/organizations", json!({"name": "A"})).await["id"].clone();
        let body = |number: u64| json!({"title": format!("D{number}"), "org_id": if number < 2 { home.clone() } else { Value::Null }});
        let mut deals = Vec::new();
        for number in 0..4 {
            deals.push(site.made("/api/v2/deals", body(number)).await["id"].as_u64().expect("an id"));
            site.wait(60).await;
        }
        site.patch(&format!("/api/v2/deals/{}", deals[0]), json!({"status": "lost", "lost_reason": "price"}))
            .await
            .data();
        let check = async |query: String, expected: &[usize]| {
            let expected: Vec<u64> = expected.iter().map(|place| deals[*place]).collect();
            assert_eq!(ids(&site.pages(&format!("/api/v2/deals?{query}")).await), expected, "{query}");
        };
        check(format!("org_id={home}"), &[0, 1]).await;
        check("status=lost".into(), &[0]).await;
        check("status=open,lost&sort_by=update_time".into(), &[1, 2, 3, 0]).await;
        check(format!("ids={},{},999", deals[3], deals[1]), &[1, 3]).await;
        check("updated_since=2026-03-02T10:02:00Z&limit=1".into(), &[0, 2, 3]).await;
        check(
            "updated_since=2026-03-02T10:01:00Z&updated_until=2026-03-02T10:03:00Z&sort_by=update_time".into(),
            &[1, 2],
        )
        .await;
        check("sort_by=update_time&sort_direction=desc&limit=2".into(), &[0, 3, 2, 1]).await;
        site.delete(&format!("/api/v2/deals/{}", deals[2])).await.data();
        check("status=deleted".into(), &[2]).await;
        check("stage_id=1&pipeline_id=1".into(), &[0, 1, 3]).await;
        check("stage_id=2".into(), &[]).await;
    });
}

#[test]
fn custom_fields_are_defined_set_listed_and_cleared() {
    drive(unlimited(), |site| async move {
        let define = async |kind: &str| {
            let mut body = json!({"field_name": format!("F {kind}"), "field_type": kind});
            if matches!(kind, "enum" | "set") {
                body["options"] = json!([{"label": "Gold"}, {"label": "Silver"}]);
            }
            site.made("/api/v2/dealFields", body).await
        };
        let (text, number, money) = (define("varchar").await, define("double").await, define("monetary").await);
        let (choice, choices, day) = (define("enum").await, define("set").await, define("date").await);
        let code = |field: &Value| field["field_code"].as_str().expect("a code").to_owned();
        assert_eq!(code(&text).len(), 40);
        let option = |field: &Value, place: usize| field["options"][place]["id"].clone();
        let custom = json!({
            code(&text): " PO 0012 ", code(&number): 0.1, code(&money): {"value": 10.005, "currency": "EUR"},
            code(&choice): option(&choice, 1), code(&choices): [option(&choices, 1), option(&choices, 0)],
            code(&day): "2019-12-01",
        });
        let deal = site.made("/api/v2/deals", json!({"title": "T", "custom_fields": custom})).await;
        let kept = &deal["custom_fields"];
        assert_eq!(kept[code(&text)], "PO 0012");
        assert_eq!(kept[code(&number)].to_string(), "0.1");
        assert_eq!(kept[code(&money)].to_string(), r#"{"currency":"EUR","value":10.01}"#);
        assert_eq!(kept[code(&choices)], json!([option(&choices, 0), option(&choices, 1)]));

        let later = define("user").await;
        let path = format!("/api/v2/deals/{}", deal["id"]);
        assert_eq!(site.get(&path).await.data()["custom_fields"][code(&later)], Value::Null);
        let cleared = site.patch(&path, json!({"custom_fields": {code(&choices): null}})).await.data().clone();
        assert_eq!(cleared["custom_fields"][code(&choices)], Value::Null);
        assert_eq!(cleared["custom_fields"][code(&text)], "PO 0012");
        let only = site.get(&format!("/api/v2/deals?custom_fields={}", code(&day))).await;
        assert_eq!(only.data()[0]["custom_fields"], json!({code(&day): "2019-12-01"}));

        for (value, key) in [
            (json!({"0123456789012345678901234567890123456789": 1}), "Unknown key"),
            (json!({code(&number): "0.1"}), "Expected number"),
            (json!({code(&choice): 999}), "Option 999"),
            (json!({code(&choices): []}), "at least 1"),
            (json!({code(&money): 5}), "Expected object"),
            (json!({code(&money): {"value": 5}}), "currency"),
            (json!({code(&day): "2019-13-01"}), "Invalid date"),
            (json!({code(&text): "x".repeat(256)}), "255"),
        ] {
            let reply = site.post("/api/v2/deals", json!({"title": "T", "custom_fields": value})).await;
            refuses(&reply, 400, "custom_fields");
            refuses(&reply, 400, key);
            assert_eq!(reply.body["code"], "ERR_SCHEMA_VALIDATION_FAILED");
        }
        refuses(&site.post("/api/v2/deals", json!({"title": "T", code(&text): "x"})).await, 400, "is not allowed");

        let options = format!("/api/v2/dealFields/{}/options", code(&choice));
        let added = site.post(&options, json!([{"label": "Bronze"}])).await.data()[0].clone();
        site.patch(&options, json!([{"id": added["id"], "label": "Brass"}])).await.data();
        site.call(Method::DELETE, &options, Some(json!([{"id": option(&choice, 1)}]))).await.data();
        let field = site.get(&format!("/api/v2/dealFields/{}", code(&choice))).await;
        let labels: Vec<&Value> =
            field.data()["options"].as_array().expect("options").iter().map(|one| &one["label"]).collect();
        assert_eq!(labels, ["Gold", "Brass"]);
        assert_eq!(site.get(&path).await.data()["custom_fields"][code(&choice)], Value::Null, "its option is gone");

        let all = site.pages("/api/v2/dealFields?limit=5").await;
        assert!(all.iter().any(|field| field["field_code"] == "label_ids" && field["is_custom_field"] == json!(false)));
        assert_eq!(all.iter().filter(|field| field["is_custom_field"] == json!(true)).count(), 7);
        site.delete(&format!("/api/v2/dealFields/{}", code(&text))).await.data();
        assert!(site.get(&path).await.data()["custom_fields"].get(code(&text)).is_none());
        refuses(&site.patch(&path, json!({"custom_fields": {code(&text): "x"}})).await, 400, "Unknown key");
        refuses(&site.delete("/api/v2/dealFields/title").await, 403, "title");
    });
}
