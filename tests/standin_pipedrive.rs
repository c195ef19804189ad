//! Drives the simulated Pipedrive over loopback: each kind of record made, read, listed, changed and deleted; wrong
//! requests refused with the key named; limits, lag and faults exactly as documented; the ledger's minimum.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use crossdock::clock::Clock;
use crossdock::http::{Http, Reached, Request};
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{
    CUT_STATUS, FaultKind, FaultRule, PeopleAction, PeopleEdit, Pipedrive, Plan, Running, Settings,
};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A running account and a client on its clock.
struct Site {
    clock: Clock,
    http: Http,
    running: Running,
}

/// An answer with its body as JSON; a body that is none is a text.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    fn data(&self) -> &Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        &self.body["data"]
    }

    fn number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.parse().ok()
    }
}

impl Site {
    async fn try_call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Reply, Reached> {
        let url: Url = format!("http://{}{path}", self.running.address()).parse().expect("an address");
        let mut headers = HeaderMap::new();
        headers.insert("x-api-token", self.running.token().parse().expect("a token"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = body.map(|body| Bytes::from(body.to_string()));
        let answer = self.http.send(Request { method, url, headers, body }).await.map_err(|error| error.reached)?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply { status: answer.status, headers: answer.headers, body })
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.try_call(method, path, body).await.expect("an answer")
    }

    async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PATCH, path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None).await
    }

    /// Makes a record and gives its data.
    async fn made(&self, path: &str, body: Value) -> Value {
        self.post(path, body).await.data().clone()
    }

    /// All pages of a v2 list.
    async fn pages(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut next = path.to_owned();
        loop {
            let page = self.get(&next).await;
            rows.extend(page.data().as_array().expect("rows").iter().cloned());
            let Some(cursor) = page.body["additional_data"]["next_cursor"].as_str() else { return rows };
            let join = if path.contains('?') { '&' } else { '?' };
            next = format!("{path}{join}cursor={cursor}");
        }
    }

    async fn wait(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

/// Runs a test on a stepped clock against a fresh account.
fn drive<F: Future<Output = ()>>(settings: Settings, test: impl FnOnce(Site) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-03-02T10:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let running = Pipedrive::start(settings, clock.clone(), listener).expect("an account");
        let http = Http::new(clock.clone(), Duration::from_secs(30), 8).expect("a client");
        test(Site { clock: clock.clone(), http, running }).await;
    }));
}

fn unlimited() -> Settings {
    Settings { unlimited: true, ..Settings::default() }
}

fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect()
}

/// Checks that an answer refuses, with the status, and names the key.
fn refuses(reply: &Reply, status: u16, key: &str) {
    let error = reply.body["error"].as_str().unwrap_or_default();
    assert_eq!(reply.status, status, "{}", reply.body);
    assert!(error.contains(key), "{error} does not name {key}");
    assert_eq!(reply.body["success"], json!(false));
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
            ("authorization", format!("Bearer {}", site.running.token()), 200),
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

#[test]
fn the_window_refuses_exactly_behind_its_limit() {
    drive(Settings { plan: Plan::Lite, ..Settings::default() }, |site| async move {
        for request in 0..20 {
            let reply = site.get("/v1/users/me").await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.number("x-ratelimit-limit"), Some(20));
            assert_eq!(reply.number("x-ratelimit-remaining"), Some(19 - request));
        }
        let refused = site.get("/v1/users/me").await;
        refuses(&refused, 429, "request over limit");
        assert_eq!((refused.number("x-ratelimit-reset"), refused.number("retry-after")), (Some(2), None));
        site.wait(2).await;
        assert_eq!(site.get("/v1/users/me").await.status, 200);
        let ledger = site.running.ledger();
        assert_eq!((ledger.requests, ledger.rate_limited, ledger.tokens), (22, 1, 42));
    });
}

#[test]
fn the_day_refuses_until_it_ends() {
    let settings = Settings { plan: Plan::Lite, seats: 1, daily_reset_offset_hours: -8, ..Settings::default() };
    drive(settings, |site| async move {
        let mut left = 30_000;
        loop {
            let reply = site.get("/v1/users/find?term=nobody").await;
            if reply.status == 429 && reply.number("x-daily-ratelimit-token-remaining") > Some(0) {
                site.wait(2).await;
                continue;
            }
            if reply.status == 429 {
                refuses(&reply, 429, "daily request budget exceeded");
                assert_eq!(left, 0);
                let now = site.clock.utc();
                let reset: jiff::Timestamp = "2026-03-03T08:00:00Z".parse().expect("an instant");
                let seconds = u64::try_from(reset.as_second() - now.as_second()).expect("the reset is ahead");
                assert_eq!(reply.number("retry-after"), Some(seconds));
                site.wait(seconds).await;
                break;
            }
            left -= 40;
            assert_eq!(reply.number("x-daily-ratelimit-token-remaining"), Some(left));
            assert_eq!(reply.number("x-daily-ratelimit-token-limit"), Some(30_000));
        }
        assert_eq!(site.get("/v1/users/me").await.status, 200);
    });
}

#[test]
fn going_on_through_429_ends_in_a_page_that_is_not_json() {
    let settings = Settings { plan: Plan::Lite, block_after_refusals: 5, ..Settings::default() };
    drive(settings, |site| async move {
        let mut last = site.get("/v1/users/me").await;
        for _ in 0..26 {
            last = site.get("/v1/users/me").await;
        }
        assert_eq!(last.status, 403);
        assert!(last.body.as_str().is_some_and(|page| page.contains("Access denied")));
    });
}

#[test]
fn caps_of_the_plan_hold() {
    let settings = Settings { plan: Plan::Lite, seats: 1, ..unlimited() };
    drive(settings, |site| async move {
        for number in 0..30 {
            site.made("/api/v2/personFields", json!({"field_name": format!("F{number}"), "field_type": "text"})).await;
        }
        let refused = site.post("/api/v2/dealFields", json!({"field_name": "F", "field_type": "text"})).await;
        refuses(&refused, 403, "limit reached");
        assert_eq!(refused.body["code"], "feature_capping_custom_fields_limit");
        let mut last = Value::Null;
        for _ in 0..2_500 {
            last = site.made("/api/v2/deals", json!({"title": "D"})).await["id"].clone();
        }
        let refused = site.post("/api/v2/deals", json!({"title": "D"})).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("feature_capping_deals_limit")));
        site.made("/api/v2/deals", json!({"title": "D", "is_archived": true})).await;
        site.delete(&format!("/api/v2/deals/{last}")).await.data();
        site.made("/api/v2/deals", json!({"title": "D"})).await;
    });
}

#[test]
fn lists_show_writes_late_and_one_record_at_once() {
    let settings = Settings { list_lag: Duration::from_secs(5), ..unlimited() };
    drive(settings, |site| async move {
        let deal = site.made("/api/v2/deals", json!({"title": "New"})).await;
        let path = format!("/api/v2/deals/{}", deal["id"]);
        assert_eq!(site.get(&path).await.data()["title"], "New");
        assert!(site.pages("/api/v2/deals").await.is_empty());
        site.wait(5).await;
        site.patch(&path, json!({"title": "Changed"})).await.data();
        let listed = async || site.pages("/api/v2/deals").await[0]["title"].clone();
        assert_eq!(listed().await, "New");
        site.wait(5).await;
        assert_eq!(listed().await, "Changed");
    });
}

#[test]
fn each_fault_does_what_it_says() {
    drive(unlimited(), |site| async move {
        let seconds = Duration::from_secs;
        let deals = || site.running.rows(Entity::Deal).len();
        let post = async |kind: FaultKind| {
            site.running.set_faults(vec![FaultRule::new(kind).at("POST /api/v2/deals").times(0, 1)]);
            let started = site.clock.now();
            let reply = site.try_call(Method::POST, "/api/v2/deals", Some(json!({"title": "D"}))).await;
            (reply, site.clock.now().since(started).as_secs(), deals())
        };
        let status = |reply: &Result<Reply, Reached>| reply.as_ref().map_or(CUT_STATUS, |reply| reply.status);

        let (reply, _, made) = post(FaultKind::Refuse { status: 503, body: "{}".into() }).await;
        assert_eq!((status(&reply), made), (503, 0));
        let (reply, _, made) = post(FaultKind::CommitThenError { status: 502 }).await;
        assert_eq!((status(&reply), made), (502, 1));
        let (reply, _, made) = post(FaultKind::CommitThenCut).await;
        assert_eq!((reply.err(), made), (Some(Reached::Perhaps), 2));
        let (reply, _, made) = post(FaultKind::CutThenCommit { after: seconds(60) }).await;
        assert_eq!((reply.err(), made), (Some(Reached::Perhaps), 2));
        site.wait(61).await;
        assert_eq!(deals(), 3);
        let (reply, took, made) = post(FaultKind::Hold { wait: seconds(9) }).await;
        assert_eq!((status(&reply), took, made), (200, 9, 4));
        let (reply, took, made) = post(FaultKind::AnswerLate { wait: seconds(8) }).await;
        assert_eq!((status(&reply), took, made), (200, 8, 5));
        let (reply, _, made) = post(FaultKind::TruncatedJson).await;
        assert_eq!((status(&reply), made), (200, 6));
        assert!(reply.is_ok_and(|reply| reply.body.is_string()), "half an object is no JSON");
        let (reply, _, made) = post(FaultKind::HtmlAnswer).await;
        assert_eq!((status(&reply), made), (200, 7));
        assert!(reply.is_ok_and(|reply| reply.body.as_str().is_some_and(|page| page.contains("<html>"))));
        let (_, _, made) = post(FaultKind::Lag { lag: seconds(30) }).await;
        assert_eq!((made, site.pages("/api/v2/deals").await.len()), (8, 7));
        site.wait(30).await;
        assert_eq!(site.pages("/api/v2/deals").await.len(), 8);

        // A caller that hangs up does not stop a held request.
        let (reply, took, made) = post(FaultKind::Hold { wait: seconds(100) }).await;
        assert_eq!((reply.err(), took, made), (Some(Reached::Perhaps), 30, 8));
        site.wait(71).await;
        assert_eq!(deals(), 9);
        let (reply, took, made) = post(FaultKind::AnswerLate { wait: seconds(100) }).await;
        assert_eq!((reply.err(), took, made), (Some(Reached::Perhaps), 30, 10));
        let counts = &site.running.ledger().requests_by_endpoint["POST /api/v2/deals"];
        assert_eq!((counts[&CUT_STATUS], counts[&503], counts[&502]), (2, 1, 1));
    });
}

#[test]
fn the_round_trip_is_held_on_the_clock() {
    let settings = Settings { rtt: Duration::from_millis(80), ..Settings::default() };
    drive(settings, |site| async move {
        let started = site.clock.now();
        for _ in 0..10 {
            assert_eq!(site.get("/v1/users/me").await.status, 200);
        }
        assert_eq!(site.clock.now().since(started), Duration::from_millis(800));
    });
}

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
        site.delete("/standin/faults").await;
        assert_eq!(site.get("/api/v2/deals").await.status, 200);
        let ledger = site.get("/standin/ledger").await.body;
        assert_eq!(ledger["requests"], json!(4), "the control API is not counted");
        assert_eq!(ledger["tokens"], json!(40 + 5 + 10), "nor are refused requests charged");
    });
}

#[test]
fn it_stops_while_answers_are_held() {
    drive(unlimited(), |site| async move {
        site.running.set_faults(vec![FaultRule::new(FaultKind::AnswerLate { wait: Duration::from_secs(3600) })]);
        let (http, address, token) = (site.http.clone(), site.running.address(), site.running.token());
        let waiting = tokio::spawn(site.clock.track(async move {
            let headers =
                HeaderMap::from_iter([("x-api-token".parse().expect("a name"), token.parse().expect("a token"))]);
            let url = format!("http://{address}/v1/users/me").parse().expect("an address");
            http.send(Request { method: Method::GET, url, headers, body: None }).await.is_ok()
        }));
        while site.running.ledger().requests == 0 {
            tokio::task::yield_now().await;
        }
        let job = site.clock.job();
        site.running.shutdown().await;
        drop(job);
        waiting.await.expect("the caller ends");
    });
}
