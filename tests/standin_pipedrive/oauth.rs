//! OAuth: tokens that end, refreshes, and a window four times as wide.

use std::time::Duration;

use crossdock::http::Request;
use crossdock::standin::pipedrive::{FaultKind, FaultRule, Plan, Settings};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

use crate::site::{Site, drive};

/// `standin-app:standin-secret` in Base64.
const APP: &str = "Basic c3RhbmRpbi1hcHA6c3RhbmRpbi1zZWNyZXQ=";

async fn send(site: &Site, method: Method, path: &str, authorization: &str, body: Option<String>) -> (u16, Value) {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, authorization.parse().expect("a header"));
    headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().expect("a type"));
    let url = format!("http://{}{path}", site.running.address()).parse().expect("an address");
    let answer = site.http.send(Request { method, url, headers, body: body.map(Into::into) }).await.expect("an answer");
    (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
}

async fn me(site: &Site, tokens: &Value) -> u16 {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    send(site, Method::GET, "/v1/users/me", &bearer, None).await.0
}

#[test]
fn access_ends_and_is_refreshed() {
    let settings = Settings { plan: Plan::Lite, ..Settings::default() };
    drive(settings, |site| async move {
        let user = site.running.users()[0].id;
        let first = site.post("/standin/oauth", json!({ "user_id": user })).await.body;
        assert_eq!((&first["expires_in"], &first["token_type"]), (&json!(3600), &json!("bearer")));
        for _ in 0..80 {
            assert_eq!(me(&site, &first).await, 200);
        }
        assert_eq!(me(&site, &first).await, 429, "four times the window of an API token");
        assert_eq!(site.get("/v1/users/me").await.status, 200, "which is one of its own");
        site.wait(3_600).await;
        assert_eq!(me(&site, &first).await, 401);
        let refresh =
            format!("grant_type=refresh_token&refresh_token={}", first["refresh_token"].as_str().expect("a token"));
        let ask = async |authorization: &str, body: &str| {
            send(&site, Method::POST, "/oauth/token", authorization, Some(body.to_owned())).await
        };
        let (status, second) = ask(APP, &refresh).await;
        assert_eq!((status, &second["refresh_token"]), (200, &first["refresh_token"]), "it stays the same");
        assert_eq!(me(&site, &second).await, 200);
        site.running.set_faults(vec![FaultRule::new(FaultKind::RevokeToken).times(0, 1)]);
        assert_eq!((me(&site, &second).await, me(&site, &second).await), (401, 401));
        let (_, third) = ask(APP, &refresh).await;
        assert_eq!(me(&site, &third).await, 200);
        assert_eq!(ask("Basic x", &refresh).await.0, 401);
        assert_eq!(ask(APP, "grant_type=refresh_token&refresh_token=x").await.0, 400);
        assert_eq!(ask(APP, "grant_type=password").await.0, 400);
        site.clock.sleep(Duration::from_secs(60 * 86_400)).await;
        assert_eq!(ask(APP, &refresh).await.0, 400, "unused for sixty days");
    });
}
