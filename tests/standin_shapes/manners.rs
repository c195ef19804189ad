//! Changes, deletions, limits and errors.

use std::time::Duration;

use crossdock::record::Object;
use crossdock::standin::promox::shapes::{Drift, Edit, Serving};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Client, Read, at, drive};

fn changed(object: Object, key: u64) -> Edit {
    let fields: Map<String, Value> = [("title".to_owned(), json!("Buyer"))].into_iter().collect();
    Edit::Change { object, key, fields }
}

fn first_client(serving: &Serving) -> u64 {
    serving.truth(Object::Client).iter().find(|row| row.deleted.is_none()).expect("a live client").key
}

fn ids(read: &Read) -> Vec<u64> {
    let rows = read.body["data"].as_array().into_iter().flatten();
    rows.filter_map(|row| row["id"].as_u64()).collect()
}

/// Changes one client at 15:10 on the day and asks for what changed since.
fn changes(shape: &str, query: &str, expected: bool) {
    drive(shape, 60, |client| async move {
        client.clock.sleep(Duration::from_secs(600)).await;
        let key = client.serving.edit(changed(Object::Client, first_client(&client.serving))).expect("edited");
        let read = client.get(query).await;
        let all = client.serving.listed(Object::Client).len();
        assert_eq!(ids(&read), if expected { vec![key] } else { vec![] }, "{shape} {query} of {all}: {}", read.status);
    });
}

#[test]
fn filters_by_time_have_every_name() {
    for name in [
        "updated_since",
        "updated_after",
        "changedSince",
        "since",
        "modified_after",
        "updated_at_min",
        "date_updated__gt",
        "updated_at[after]",
        "filters[updated_after]",
        "search[updated_since]",
        "conditions[modified][from_date]",
    ] {
        let shape = format!("delta={name}");
        changes(&shape, &format!("clients?{name}=2026-03-02T15:09:59Z"), true);
        changes(&shape, &format!("clients?{name}=2026-03-02T15:10:01Z"), false);
    }
    changes("delta=expression", "clients?filter=updated_at%20gt%202026-03-02T15:09:59Z", true);
    changes("delta=expression", "clients?filter=updated_at%20gt%202026-03-02T15:10:00Z", false);
    changes("delta=expression", "clients?filter=updated_at%20ge%202026-03-02T15:10:00Z", true);
    changes("delta=search-path", "clients/search?updated_after_utc=2026-03-02%2015:09:59", true);
    drive("delta=if-modified-since", 60, |client| async move {
        let url = format!("{}/clients", client.serving.root());
        let asked = async |at: &str| client.call(Method::GET, &url, &[("if-modified-since", at)], None).await;
        assert_eq!(asked("Mon, 02 Mar 2026 14:59:00 GMT").await.status, 304);
        client.serving.edit(changed(Object::Client, first_client(&client.serving))).expect("edited");
        assert_eq!(ids(&asked("Mon, 02 Mar 2026 14:59:00 GMT").await).len(), 1);
    });
    drive("delta=none", 60, |client| async move {
        let (all, filtered) = (client.get("clients").await, client.get("clients?updated_since=2026-03-02").await);
        assert_eq!(all.body, filtered.body);
        assert_eq!(client.get("clients?updated_since=yesterday").await.status, 200);
    });
}

#[test]
fn filters_have_zones_edges_grains_and_flaws() {
    let exact = "clients?updated_since=2026-03-02T15:10:00Z";
    changes("delta-edge=inclusive", exact, true);
    changes("delta-edge=exclusive", exact, false);
    // 15:10 in UTC is 09:10 in the account's zone.
    changes("delta-zone=account", "clients?updated_since=2026-03-02T09:09:59Z", true);
    changes("delta-zone=account", "clients?updated_since=2026-03-02T09:10:01Z", false);
    changes("delta-grain=day", "clients?updated_since=2026-03-02T23:00:00Z", true);
    changes("delta-grain=day,delta-edge=exclusive", "clients?updated_since=2026-03-02T00:00:00Z", false);
    drive("delta-flaw=ignored", 60, |client| async move {
        assert_eq!(client.get("clients?updated_since=2030-01-01").await.body, client.get("clients").await.body);
    });
    drive("delta-flaw=lag", 60, |client| async move {
        client.serving.edit(changed(Object::Client, first_client(&client.serving))).expect("edited");
        assert_eq!(ids(&client.get("clients?updated_since=2026-03-02T15:00:00Z").await).len(), 0);
        client.clock.sleep(Duration::from_secs(200)).await;
        assert_eq!(ids(&client.get("clients?updated_since=2026-03-02T15:00:00Z").await).len(), 1);
    });
    drive("stamp=some", 60, |client| async move {
        assert!(client.get("users").await.body["data"][0].get("updated_at").is_none());
        assert!(client.get("clients").await.body["data"][0].get("updated_at").is_some());
    });
    drive("stamp=none,delta=none", 60, |client| async move {
        assert!(client.get("clients").await.body["data"][0].get("updated_at").is_none());
    });
}

#[test]
fn edits_of_children_leave_their_parents_stamps() {
    drive("default", 60, |client| async move {
        let before = client.serving.truth(Object::Client);
        client.serving.edit(Edit::Insert { object: Object::Note, fields: Map::new() }).expect("edited");
        assert_eq!(client.serving.truth(Object::Client), before);
    });
}

#[test]
fn deleted_rows_end_in_every_way() {
    let gone = |shape: &str, status: u16, shown: fn(&Value) -> bool| {
        drive(shape, 60, |client| async move {
            let key = first_client(&client.serving);
            client.serving.edit(Edit::Delete { object: Object::Client, key }).expect("deleted");
            let (list, record) = (client.walk(Object::Client).await, client.get(&format!("clients/{key}")).await);
            assert_eq!(record.status, status, "{shape}");
            let found = list.iter().find(|(id, _)| *id == key.to_string()).map(|(_, row)| row);
            assert!(shown(found.unwrap_or(&Value::Null)), "{shape}: {found:?}");
        });
    };
    gone("deleted=vanish", 404, Value::is_null);
    gone("deleted=vanish,gone=410", 410, Value::is_null);
    gone("deleted=flag", 200, |row| row["is_deleted"] == json!(true));
    gone("deleted=timestamp", 200, |row| row["deleted_at"].as_str() == Some("2026-03-02T15:00:00Z"));
    gone("deleted=trashed", 200, |row| row["record_status"] == "Trashed");
    gone("deleted=inverted", 200, |row| row["is_delete"] == json!(0));
    gone("deleted=endpoint", 404, Value::is_null);
    gone("deleted=include_deleted", 404, Value::is_null);
    gone("deleted=archived", 404, Value::is_null);
    gone("deleted=grave", 404, Value::is_null);
    gone("deleted=deleted-only", 404, Value::is_null);
    gone("deleted=endpoint-ids,gone=410", 410, Value::is_null);
    let listed = |shape: &str, query: &str, mark: fn(&Value) -> bool| {
        drive(shape, 60, |client| async move {
            let key = first_client(&client.serving);
            client.serving.edit(Edit::Delete { object: Object::Client, key }).expect("deleted");
            let read = client.get(query).await;
            let rows = read.body["data"].as_array().cloned().unwrap_or_default();
            let row = rows.iter().find(|row| row["id"] == json!(key));
            assert!(row.is_some_and(mark), "{shape}: {}", read.body);
        });
    };
    listed("deleted=endpoint", "clients/deleted?limit=100", |_| true);
    listed("deleted=include_deleted", "clients?include_deleted=true&limit=100", |row| row["is_deleted"] == json!(true));
    listed("deleted=archived", "clients?archived=true&limit=100", |row| row["archived"] == json!(true));
    listed("deleted=deleted-only", "clients?deleted=true&limit=100", |row| row.get("is_deleted").is_none());
    listed("deleted=endpoint-ids", "clients/deleted?limit=100", |row| {
        row.as_object().is_some_and(|row| row.len() == 2) && row["deleted_at"] == json!("2026-03-02T15:00:00Z")
    });
    listed("deleted=grave", "clients?updated_since=2026-03-02T15:00:00Z", |row| {
        row.as_object().is_some_and(|row| row.len() == 3) && row["is_deleted"] == json!(true)
    });
}

#[test]
fn test_orders_are_hidden_unless_asked_for() {
    drive("hidden=test-orders,page-max=500", 2_000, |client| async move {
        let (plain, all) =
            (client.get("projects?limit=500").await, client.get("projects?limit=500&include_test=1").await);
        assert!(ids(&plain).len() < ids(&all).len());
        assert_eq!(ids(&plain).len(), client.serving.listed(Object::Project).len());
    });
}

#[test]
fn archived_and_inactive_rows_are_hidden_and_readable_by_their_ids() {
    let check = |shape: &str, query: &str, mark: fn(&Value) -> bool| {
        drive(&format!("{shape},page-max=500"), 300, |client| async move {
            let plain = client.get("clients?limit=500").await;
            let all = client.get(&format!("clients?limit=500&{query}")).await;
            let hidden: Vec<_> = ids(&all).into_iter().filter(|id| !ids(&plain).contains(id)).collect();
            assert!(!hidden.is_empty(), "{shape}");
            let record = client.get(&format!("clients/{}", hidden[0])).await;
            assert!(record.status == 200 && mark(&record.body["data"]), "{shape}: {}", record.body);
            let rows = plain.body["data"].as_array().cloned().unwrap_or_default();
            assert!(rows.iter().all(|row| !mark(row)), "{shape}");
        });
    };
    check("hidden=archived", "archived=true", |row| row["archived"] == json!(true));
    check("hidden=inactive", "status=all", |row| row["record_status"] == "Inactive");
}

/// Asks until one request is too many.
async fn first_refused(client: &Client) -> Read {
    let (headers, _, _) = client.credentials().await;
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let url = format!("{}/clients?limit=1", client.serving.root());
    for _ in 0..200 {
        let read = client.send(Method::GET, &url, &headers, None).await;
        if client.serving.ledger().refused_for_pace > 0 {
            return read;
        }
        assert_eq!(read.status, 200);
    }
    panic!("nothing was refused");
}

#[test]
fn too_many_requests_are_told_in_every_way() {
    let check = |shape: &str, status: u16, hint: fn(&Read) -> bool| {
        drive(&format!("window=30/min,{shape}"), 30, |client| async move {
            let read = first_refused(&client).await;
            assert_eq!(read.status, status, "{shape}: {}", read.body);
            assert!(hint(&read), "{shape}: {:?} {}", read.headers, read.body);
            client.clock.sleep(Duration::from_secs(61)).await;
            assert_eq!(client.get("clients").await.status, 200, "{shape}: the next window is open");
        });
    };
    fn header<'a>(read: &'a Read, name: &str) -> &'a str {
        read.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
    /// A number of seconds up to a minute.
    fn is_wait(text: &str) -> bool {
        text.parse::<u64>().is_ok_and(|seconds| (1..=60).contains(&seconds))
    }
    fn is_epoch(text: &str) -> bool {
        text.parse::<i64>().is_ok_and(|at| (1_772_463_600..1_772_463_700).contains(&at))
    }
    check("limits=silent", 429, |read| !read.headers.contains_key("retry-after"));
    check("limits=retry-after", 429, |read| is_wait(header(read, "retry-after")));
    check("limits=retry-date", 429, |read| header(read, "retry-after").ends_with("GMT"));
    check("limits=503", 503, |_| true);
    check("limits=403", 403, |_| true);
    check("limits=400", 400, |_| true);
    check("limits=200-body", 200, |read| read.body.to_string().contains("retry in"));
    check("limits=200-body,errors=ok-false", 200, |read| read.body["errMsg"].to_string().contains("retry in"));
    check("limits=words", 429, |read| at(&read.body, "error.message").to_string().contains("retry in"));
    let reset = |form: &str, test: fn(&Read) -> bool| check(&format!("limits=x-ratelimit,reset={form}"), 429, test);
    reset("epoch", |read| is_epoch(header(read, "x-ratelimit-reset")) && header(read, "x-ratelimit-remaining") == "0");
    reset("seconds", |read| is_wait(header(read, "x-ratelimit-reset")));
    reset("epoch-ms", |read| header(read, "x-ratelimit-reset").len() == 13);
    reset("iso", |read| header(read, "x-ratelimit-reset").parse::<Timestamp>().is_ok());
    reset("http-date", |read| header(read, "x-ratelimit-reset").ends_with("GMT"));
    reset("x-rate-limit-reset", |read| is_epoch(header(read, "x-rate-limit-reset")));
    reset("ratelimit-reset", |read| is_wait(header(read, "ratelimit-reset")));
    reset("vendor", |read| is_wait(header(read, "x-promox-quota-resets-in")));
}

#[test]
fn windows_are_what_the_shape_says() {
    drive("window=120/min,limits=x-ratelimit", 30, |client| async move {
        let read = client.get("clients").await;
        assert_eq!(
            (&read.headers["x-ratelimit-limit"], &read.headers["x-ratelimit-remaining"]),
            (&"120".parse().expect("a value"), &"119".parse().expect("a value"))
        );
    });
    drive("window=2000/day", 30, |client| async move {
        let (headers, _, _) = client.credentials().await;
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let url = format!("{}/pipelines?limit=1", client.serving.root());
        for _ in 0..2_000 {
            assert_eq!(client.send(Method::GET, &url, &headers, None).await.status, 200);
        }
        assert_eq!(client.send(Method::GET, &url, &headers, None).await.status, 429);
        client.clock.sleep(Duration::from_secs(3_600)).await;
        assert_eq!(client.send(Method::GET, &url, &headers, None).await.status, 429, "the day is not over");
        client.clock.sleep(Duration::from_secs(86_400)).await;
        assert_eq!(client.send(Method::GET, &url, &headers, None).await.status, 200);
    });
    drive("window=credits", 30, |client| async move {
        let (headers, _, _) = client.credentials().await;
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let url = format!("{}/pipelines?limit=1", client.serving.root());
        let first = client.send(Method::GET, &url, &headers, None).await;
        assert_eq!(first.headers["x-credits-remaining"], "999");
        for _ in 1..1_000 {
            client.send(Method::GET, &url, &headers, None).await;
        }
        client.clock.sleep(Duration::from_secs(86_400)).await;
        let off = client.send(Method::GET, &url, &headers, None).await;
        assert_eq!((off.status, off.body["error"]["code"].clone()), (403, json!("credits_used_up")));
    });
    drive("window=2-at-once", 30, |client| async move {
        let all = futures::future::join_all((0..4).map(|_| async {
            let (headers, _, _) = client.credentials().await;
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            client.send(Method::GET, &format!("{}/clients", client.serving.root()), &headers, None).await.status
        }));
        let mut statuses = all.await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 429, 429]);
        assert_eq!(client.serving.ledger().most_in_flight, 4);
    });
    drive("window=slow-down", 30, |client| async move {
        let start = client.clock.now();
        for _ in 0..60 {
            client.get("clients").await;
        }
        let quick = client.clock.now().since(start);
        for _ in 0..30 {
            client.get("clients").await;
        }
        assert!(client.clock.now().since(start) > quick * 3);
        assert_eq!(client.serving.ledger().refused_for_pace, 0);
    });
}

#[test]
fn errors_have_their_shapes() {
    let check = |errors: &str, status: u16, test: fn(&Read) -> bool| {
        drive(&format!("errors={errors}"), 30, |client| async move {
            let read = client.get("clients/999999").await;
            assert_eq!(read.status, status, "{errors}: {}", read.body);
            assert!(test(&read), "{errors}: {}", String::from_utf8_lossy(&read.bytes));
            assert_eq!(client.get("clients").await.status, 200);
        });
    };
    check("object", 404, |read| read.body["error"]["code"].is_string());
    check("text", 404, |read| read.body["error"].is_string());
    check("list", 404, |read| read.body["errors"][0]["message"].is_string());
    check("message", 404, |read| read.body["message"].is_string());
    check("problem", 404, |read| read.headers["content-type"] == "application/problem+json");
    check("success-false", 200, |read| read.body["success"] == json!(false));
    check("success-0", 200, |read| read.body["success"] == "0" && read.body["data"]["success"] == "0");
    check("ok-false", 200, |read| read.body["ok"] == json!(false) && read.body["errNum"].is_u64());
    check("false", 200, |read| read.body == json!(false));
    check("204", 204, |read| read.bytes.is_empty());
    check("html", 404, |read| read.bytes.starts_with(b"<!doctype html>"));
    check("empty", 404, |read| read.bytes.is_empty());
    drive("protocol=xml,envelope=resource,nulls=text", 30, |client| async move {
        let read = client.get("clients/999999").await;
        assert!(String::from_utf8_lossy(&read.bytes).contains("<faultcode>not_found</faultcode>"));
    });
}

#[test]
fn writes_are_answered_written_down_and_change_nothing() {
    drive("default", 60, |client| async move {
        let key = first_client(&client.serving);
        let before = client.serving.truth(Object::Client);
        let root = client.serving.root();
        let check = async |method: Method, path: String, status: u16| {
            let read = client.call(method, &format!("{root}/{path}"), &[], Some(json!({"title": "x"}))).await;
            assert_eq!(read.status, status, "{path}");
        };
        check(Method::POST, "clients".to_owned(), 201).await;
        check(Method::PATCH, format!("clients/{key}"), 200).await;
        check(Method::DELETE, format!("clients/{key}"), 204).await;
        check(Method::POST, "clients/merge".to_owned(), 405).await;
        assert_eq!(client.serving.ledger().writes, 4);
        assert_eq!(client.serving.truth(Object::Client), before);
    });
}

#[test]
fn an_api_drifts_in_seven_ways() {
    let check = |shape: &str, drift: Drift, test: fn(&Value) -> bool| {
        drive(shape, 60, |client| async move {
            let before = client.get("clients?limit=10").await;
            assert!(!test(&before.body), "{drift:?} shows before it happens");
            client.serving.drift(drift.clone()).expect("it can drift");
            let after = client.get("clients?limit=10").await;
            assert!(test(&after.body), "{drift:?}: {}", after.body);
            assert_ne!(client.serving.ledger().total, 0);
        });
    };
    let object = Object::Client;
    check("default", Drift::FieldGone { object, field: "phone".to_owned() }, |body| {
        body["data"][0].get("phone").is_none()
    });
    check("default", Drift::TypeChanged { object, field: "first_name".to_owned() }, |body| {
        body["data"].as_array().into_iter().flatten().any(|row| row["first_name"]["value"].is_string())
    });
    check("default", Drift::EnvelopeMoved("results".to_owned()), |body| body["results"].is_array());
    check("default", Drift::IdsChanged("uuid".to_owned()), |body| body["data"][0]["id"].is_string());
    check("default", Drift::PagingChanged("cursor".to_owned()), |body| body["next_cursor"].is_string());
    check("default", Drift::DatesChanged("epoch".to_owned()), |body| body["data"][0]["updated_at"].is_i64());
    check(
        "default",
        Drift::OptionRenamed { object, field: "status".to_owned(), option: "Active".to_owned() },
        |body| body["data"].as_array().into_iter().flatten().any(|row| row["status"] == "Active (new)"),
    );
}

#[test]
fn a_round_of_edits_is_that_of_the_sales_team() {
    drive("default", 300, |client| async move {
        client.clock.sleep(Duration::from_secs(60)).await;
        let summary = client.serving.edit_round(1);
        for edit in &summary.edits {
            let rows = client.serving.truth(edit.object);
            let row = rows.iter().find(|row| row.key == edit.id).expect("the row is there");
            assert_eq!(row.updated.to_string(), summary.at, "{edit:?}");
        }
    });
}
