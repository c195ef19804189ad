//! Webhooks: made, listed and removed, and what a receiver hears, also one that fails.

use std::sync::{Arc, Mutex};

use crossdock::clock::{CALL_HEADER, Clock};
use crossdock::standin::pipedrive::{Noun, PeopleAction, PeopleEdit};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::site::{Site, drive, refuses, unlimited};

/// A receiver that answers with a status of the test's choice and keeps what it heard.
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    status: Arc<Mutex<u16>>,
}

impl Receiver {
    async fn start(clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook?a=1", listener.local_addr().expect("an address"));
        let receiver = Self { url, heard: Arc::default(), status: Arc::new(Mutex::new(200)) };
        let (heard, status, clock) = (Arc::clone(&receiver.heard), Arc::clone(&receiver.status), clock.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let status = *status.lock().expect("a status");
                let (head, body) = hear(&clock, stream, status).await;
                heard.lock().expect("a list").push((head, body));
            }
        });
        receiver
    }

    fn heard(&self) -> Vec<(String, Value)> {
        self.heard.lock().expect("a list").clone()
    }

    fn answer(&self, status: u16) {
        *self.status.lock().expect("a status") = status;
    }
}

async fn hear(clock: &Clock, mut stream: TcpStream, status: u16) -> (String, Value) {
    let mut text = Vec::new();
    loop {
        stream.read_buf(&mut text).await.expect("a request");
        let whole = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            head.lines()
                .find_map(|line| Some(line.split_once(": ")?).filter(|(own, _)| *own == name))
                .map(|(_, value)| value)
        };
        let length: usize = header("content-length").and_then(|text| text.parse().ok()).expect("a length");
        if body.len() < length {
            continue;
        }
        let served = clock.serve(header(CALL_HEADER));
        stream
            .write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes())
            .await
            .expect("an answer");
        drop(served);
        return (head.to_owned(), serde_json::from_str(body).expect("JSON"));
    }
}

fn hook(url: &str) -> Value {
    json!({"subscription_url": url, "event_action": "*", "event_object": "deal", "name": "Watch"})
}

async fn deal_titled(site: &Site, title: &str) -> Value {
    let deal = site.made("/api/v2/deals", json!({ "title": title })).await;
    site.wait(1).await;
    deal
}

#[test]
fn a_webhook_hears_of_what_it_asked_for() {
    drive(unlimited(), |site| async move {
        let receiver = Receiver::start(&site.clock).await;
        let mut body = hook(&receiver.url);
        (body["http_auth_user"], body["http_auth_password"]) = (json!("user"), json!("pass"));
        let made = site.post("/v1/webhooks", body).await;
        assert_eq!((made.status, &made.body["status"]), (201, &json!("ok")));
        let listed = site.get("/v1/webhooks").await;
        assert_eq!(listed.data()[0]["id"], made.data()["id"]);

        let field = site.made("/api/v2/dealFields", json!({"field_name": "Mark", "field_type": "varchar"})).await;
        let code = field["field_code"].as_str().expect("a code").to_owned();
        site.made("/api/v2/persons", json!({"name": "Unheard Of"})).await;
        let deal = deal_titled(&site, "A").await;
        let path = format!("/api/v2/deals/{}", deal["id"]);
        let change = json!({"title": "B", "custom_fields": {&code: "x"}});
        let edit = PeopleEdit::new(PeopleAction::Update, Noun::Deal, &deal["id"]).with(change);
        site.running.edit_as_people(edit).expect("an edit");
        site.wait(1).await;
        site.delete(&path).await.data();
        site.wait(1).await;
        let heard = receiver.heard();
        let actions: Vec<&Value> = heard.iter().map(|(_, event)| &event["meta"]["action"]).collect();
        assert_eq!(actions, ["create", "change", "delete"]);
        let [(head, created), (_, changed), (_, deleted)] = &heard[..] else { panic!("three events") };
        assert!(head.starts_with("POST /hook?a=1 HTTP/1.1"), "{head}");
        assert!(head.contains("authorization: Basic dXNlcjpwYXNz"), "{head}");
        assert_eq!((&created["data"]["title"], &created["previous"]), (&json!("A"), &Value::Null));
        assert_eq!((&created["meta"]["entity"], &created["meta"]["attempt"]), (&json!("deal"), &json!(1)));
        assert_eq!(created["meta"]["entity_id"], json!(deal["id"].to_string()));
        assert_eq!(
            (&created["meta"]["change_source"], &changed["meta"]["change_source"]),
            (&json!("api"), &json!("app"))
        );
        assert_eq!(
            (&changed["previous"]["title"], &changed["previous"]["custom_fields"][&code]),
            (&json!("A"), &Value::Null)
        );
        assert!(changed["previous"].get("value").is_none(), "only what changed");
        assert_eq!((&deleted["data"], &deleted["previous"]["title"]), (&Value::Null, &json!("B")));

        let path = format!("/v1/webhooks/{}", made.data()["id"]);
        assert_eq!(site.delete(&path).await.body, json!({"status": "ok", "success": true}));
        let gone = site.delete(&path).await;
        assert_eq!((gone.status, &gone.body["errors"]["id"][0]), (404, &json!("not found")));
        deal_titled(&site, "C").await;
        assert_eq!(receiver.heard().len(), 3);
        assert_eq!(site.running.ledger().tokens_by_endpoint["POST /v1/webhooks"], 10);
    });
}

#[test]
fn an_event_is_sent_four_times_and_a_failing_receiver_is_banned() {
    drive(unlimited(), |site| async move {
        let receiver = Receiver::start(&site.clock).await;
        site.post("/v1/webhooks", hook(&receiver.url)).await.data();
        receiver.answer(500);
        deal_titled(&site, "A").await;
        let attempts =
            || receiver.heard().iter().map(|(_, event)| event["meta"]["attempt"].clone()).collect::<Vec<_>>();
        assert_eq!(attempts(), [1]);
        site.wait(3).await;
        assert_eq!(attempts(), [1, 2]);
        site.wait(30).await;
        site.wait(149).await;
        assert_eq!(attempts(), [1, 2, 3]);
        site.wait(1000).await;
        assert_eq!(attempts(), [1, 2, 3, 4]);
        for _ in 0..9 {
            deal_titled(&site, "B").await;
        }
        site.wait(200).await;
        let before = receiver.heard().len();
        receiver.answer(200);
        deal_titled(&site, "Lost").await;
        assert_eq!(receiver.heard().len(), before, "banned");
        site.wait(30 * 60).await;
        deal_titled(&site, "Heard").await;
        assert_eq!(receiver.heard().last().expect("an event").1["data"]["title"], "Heard");
    });
}

#[test]
fn wrong_webhooks_are_refused() {
    drive(unlimited(), |site| async move {
        for (key, value) in [
            ("subscription_url", json!("https://example.test/hook")),
            ("subscription_url", Value::Null),
            ("event_action", json!("added")),
            ("event_object", json!("boat")),
            ("name", json!("x".repeat(256))),
            ("version", json!("1.0")),
        ] {
            let mut body = hook("http://127.0.0.1:9/");
            body[key] = value;
            let refused = site.post("/v1/webhooks", body).await;
            assert_eq!((refused.status, &refused.body["status"]), (400, &json!("error")), "{key}");
            assert!(refused.body["errors"][key][0].is_string(), "{}", refused.body);
        }
        for _ in 0..40 {
            site.post("/v1/webhooks", hook("http://127.0.0.1:9/")).await.data();
        }
        assert_eq!(site.post("/v1/webhooks", hook("http://127.0.0.1:9/")).await.status, 422);
        refuses(&site.call(reqwest::Method::PUT, "/v1/webhooks/1", None).await, 405, "Method");
    });
}
