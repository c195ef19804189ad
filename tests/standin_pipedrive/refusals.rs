//! Wrong requests are refused with the documented status, and the key is named.

use crossdock::http::Request;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::site::{drive, refuses, unlimited};

#[test]
fn wrong_requests_are_refused_and_name_the_key() {
    drive(unlimited(), |site| async move {
        let gone = site.made("/api/v2/persons", json!({"name": "Gone"})).await["id"].clone();
        site.delete(&format!("/api/v2/persons/{gone}")).await.data();
        let deal = |key: &str, value: Value| ("/api/v2/deals", json!({"title": "T", key: value}), key.to_owned());
        let person = |key: &str, value: Value| ("/api/v2/persons", json!({"name": "A B", key: value}), key.to_owned());
        for (path, body, key) in [
            ("/api/v2/deals", json!({}), "title: Required".to_owned()),
            ("/api/v2/deals", json!([]), "body".to_owned()),
            ("/api/v2/deals", json!({"title": "  "}), "title".to_owned()),
            deal("add_time", json!("2019-03-04T09:00:00Z")),
            deal("stage_change_time", json!("2019-03-04T09:00:00Z")),
            deal("origin_id", json!("7")),
            deal("value", json!("12.50")),
            deal("value", Value::Null),
            deal("currency", json!("XXX")),
            deal("owner_id", json!("11")),
            deal("owner_id", json!(999)),
            deal("person_id", gone.clone()),
            deal("org_id", json!(1)),
            deal("stage_id", json!(77)),
            deal("pipeline_id", json!(77)),
            deal("status", json!("deleted")),
            deal("won_time", json!("2019-03-04T09:00:00Z")),
            deal("close_time", json!("2019-03-04T09:00:00Z")),
            deal("lost_reason", json!("price")),
            deal("is_deleted", json!(true)),
            deal("is_archived", json!(1)),
            deal("archive_time", json!("2019-03-04 09:00:00")),
            deal("visible_to", json!(7)),
            deal("visible_to", json!("3")),
            deal("label_ids", json!([999])),
            deal("expected_close_date", json!("2019-03-04T09:00:00Z")),
            deal("probability", json!(101)),
            deal("title", json!("x".repeat(256))),
            person("org_id", json!(5)),
            person("add_time", json!("2019-03-04T09:00:00.5Z")),
            person("add_time", json!("2019-03-04 09:00:00")),
            person("emails", json!("a@example.test")),
            person("emails", json!([{"value": "a", "primary": 1}])),
            person("email", json!([{"value": "a"}])),
            person("update_time", json!("2019-03-04T09:00:00Z")),
            ("/api/v2/organizations", json!({"name": "A", "website": "x.test"}), "website".to_owned()),
            ("/api/v2/organizations", json!({"name": "A", "address": "1 Main St"}), "address".to_owned()),
            ("/api/v2/stages", json!({"name": "S"}), "pipeline_id".to_owned()),
            ("/api/v2/stages", json!({"name": "S", "pipeline_id": 1, "order_nr": 2}), "order_nr".to_owned()),
            ("/api/v2/pipelines", json!({"name": "S", "is_deal_probability_enabled": 0}), "is_deal_prob".to_owned()),
            ("/api/v2/dealFields", json!({"field_name": "F", "field_type": "bool"}), "field_type".to_owned()),
            ("/api/v2/dealFields", json!({"field_name": "F", "field_type": "enum"}), "options".to_owned()),
            ("/api/v2/dealFields", json!({"field_name": "", "field_type": "text"}), "field_name".to_owned()),
        ] {
            let reply = site.post(path, body).await;
            refuses(&reply, 400, &key);
            assert_eq!(reply.body["code"], "ERR_SCHEMA_VALIDATION_FAILED");
        }
        refuses(&site.post("/api/v2/persons", json!({"name": "A", "job_title": "x"})).await, 403, "job_title");
    });
}

#[test]
fn wrong_paths_and_parameters_are_refused() {
    drive(unlimited(), |site| async move {
        for (path, key) in [
            ("/api/v2/deals?foo=1", "foo"),
            ("/api/v2/deals?limit=501", "limit"),
            ("/api/v2/deals?cursor=abc", "cursor"),
            ("/api/v2/deals?sort_by=title", "sort_by"),
            ("/api/v2/deals?updated_since=2019-03-04T09:00:00.123Z", "updated_since"),
            ("/api/v2/deals?filter_id=3", "filter_id"),
            ("/api/v2/organizations?org_id=3", "org_id"),
            ("/api/v2/persons?ids=1,x", "ids"),
        ] {
            refuses(&site.get(path).await, 400, key);
        }
        refuses(&site.get("/api/v2/deals/99").await, 404, "Deal");
        refuses(&site.get("/api/v2/nothing").await, 404, "Unknown");
        refuses(&site.call(Method::PUT, "/api/v2/deals/1", None).await, 405, "Method");
    });
}

#[test]
fn a_missing_token_is_refused_by_the_gateway() {
    drive(unlimited(), |site| async move {
        for (name, value, expected) in [
            ("x-other", "1".to_owned(), 401),
            ("x-api-token", "wrong".to_owned(), 401),
            ("authorization", format!("Bearer {}", site.running.token()), 401),
            ("x-api-token", site.running.token(), 200),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a header"));
            let url = format!("http://{}/v1/users/me", site.running.address()).parse().expect("an address");
            let request = Request { method: Method::GET, url, headers, body: None };
            let answer = site.http.send(request).await.expect("an answer");
            assert_eq!(answer.status, expected, "{name}");
            let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
            if expected == 401 {
                assert_eq!((&body["error"], &body["errorCode"]), (&json!("unauthorized access"), &json!(401)));
            } else {
                assert_eq!(body["data"]["company_domain"], "standin");
            }
        }
    });
}
