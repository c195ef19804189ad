//! List lag, each kind of fault, and stopping in the middle of them.

use std::time::Duration;

use crossdock::http::{Reached, Request};
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{CUT_STATUS, FaultKind, FaultRule, Settings};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::site::{Reply, drive, unlimited};

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

#[test]
fn what_is_not_done_leaves_no_record() {
    drive(unlimited(), |site| async move {
        let strike = |kind: FaultKind| site.running.set_faults(vec![FaultRule::new(kind).times(0, 1)]);
        let made = || site.running.rows(Entity::Deal).len();
        strike(FaultKind::Cut);
        let reply = site.try_call(Method::POST, "/api/v2/deals", Some(json!({"title": "D"}))).await;
        assert_eq!((reply.err(), made()), (Some(Reached::Perhaps), 0));
        strike(FaultKind::RefuseWithPage { status: 502 });
        let reply = site.post("/api/v2/deals", json!({"title": "D"})).await;
        assert_eq!((reply.status, made()), (502, 0));
        assert!(reply.headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/html")));
        let started = site.clock.now();
        strike(FaultKind::SlowBody { wait: Duration::from_secs(16) });
        let reply = site.post("/api/v2/deals", json!({"title": "D"})).await;
        assert_eq!((&reply.data()["title"], made()), (&json!("D"), 1));
        assert_eq!(site.clock.now().since(started).as_secs(), 16);
    });
}

#[test]
fn a_revoked_token_is_dead_until_there_is_a_new_one() {
    drive(unlimited(), |site| async move {
        let user = site.running.users()[0].id;
        site.running.set_faults(vec![FaultRule::new(FaultKind::RevokeToken).times(1, 1)]);
        assert_eq!(site.get("/v1/users/me").await.status, 200);
        for _ in 0..3 {
            assert_eq!(site.get("/v1/users/me").await.status, 401);
        }
        let token = site.post("/standin/tokens", json!({ "user_id": user })).await.body["token"].clone();
        assert_eq!(token, json!(site.running.token()));
        assert_eq!(site.get("/v1/users/me").await.status, 200);
        assert!(site.running.renew_token(7).is_none());
    });
}

#[test]
fn fields_and_records_go_away_while_they_are_used() {
    drive(unlimited(), |site| async move {
        let field = site.made("/api/v2/dealFields", json!({"field_name": "Mark", "field_type": "varchar"})).await;
        let code = field["field_code"].as_str().expect("a code").to_owned();
        let body = json!({"title": "D", "custom_fields": {code: "x"}});
        let deal = site.made("/api/v2/deals", body.clone()).await["id"].clone();
        site.running.set_faults(vec![FaultRule::new(FaultKind::DeleteField).times(0, 1)]);
        let reply = site.post("/api/v2/deals", body).await;
        assert_eq!(reply.status, 400);
        assert_eq!(site.running.ledger().deleted.get("deal_field"), None, "people did it");
        site.running.set_faults(vec![FaultRule::new(FaultKind::DeleteRecord).times(0, 1)]);
        let path = format!("/api/v2/deals/{deal}");
        assert_eq!(site.patch(&path, json!({"title": "E"})).await.status, 404);
        assert_eq!(site.get(&path).await.data()["is_deleted"], json!(true));
    });
}
