//! A running account, a client on its clock, and the checks that all tests share.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use crossdock::clock::Clock;
use crossdock::http::{Http, Reached, Request};
use crossdock::standin::pipedrive::{Pipedrive, Running, Settings};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A running account and a client on its clock.
pub(crate) struct Site {
    pub(crate) clock: Clock,
    pub(crate) http: Http,
    pub(crate) running: Running,
}

/// An answer with its body as JSON; a body that is none is a text.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn data(&self) -> &Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        &self.body["data"]
    }

    pub(crate) fn number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.parse().ok()
    }
}

impl Site {
    pub(crate) async fn try_call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Reply, Reached> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        self.try_send(method, path, "application/json", body).await
    }

    /// Sends a request in the name of another user.
    pub(crate) async fn call_as(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        let body = body.map(|body| Bytes::from(body.to_string()));
        self.exchange(token, method, path, ("application/json", body)).await.expect("an answer")
    }

    /// Sends a body of any type.
    pub(crate) async fn send(&self, method: Method, path: &str, kind: &str, body: impl Into<Bytes>) -> Reply {
        self.try_send(method, path, kind, Some(body.into())).await.expect("an answer")
    }

    /// Uploads one file with further parts.
    pub(crate) async fn upload(&self, path: &str, name: &str, content: &[u8], parts: &[(&str, String)]) -> Reply {
        let mut body = Vec::new();
        for (key, value) in parts {
            let part = format!("--limit\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!("--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--limit--\r\n");
        self.send(Method::POST, path, "multipart/form-data; boundary=limit", body).await
    }

    async fn try_send(&self, method: Method, path: &str, kind: &str, body: Option<Bytes>) -> Result<Reply, Reached> {
        self.exchange(&self.running.token(), method, path, (kind, body)).await
    }

    async fn exchange(
        &self,
        token: &str,
        method: Method,
        path: &str,
        (kind, body): (&str, Option<Bytes>),
    ) -> Result<Reply, Reached> {
        let url: Url = format!("http://{}{path}", self.running.address()).parse().expect("an address");
        let mut headers = HeaderMap::new();
        headers.insert("x-api-token", token.parse().expect("a token"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).expect("a content type"));
        let answer = self.http.send(Request { method, url, headers, body }).await.map_err(|error| error.reached)?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply { status: answer.status, headers: answer.headers, body })
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.try_call(method, path, body).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None).await
    }

    /// The bytes of an answer that is no JSON.
    pub(crate) async fn download(&self, path: &str) -> Vec<u8> {
        let url: Url = format!("http://{}{path}", self.running.address()).parse().expect("an address");
        let mut headers = HeaderMap::new();
        headers.insert("x-api-token", self.running.token().parse().expect("a token"));
        let answer =
            self.http.send(Request { method: Method::GET, url, headers, body: None }).await.expect("an answer");
        assert_eq!(answer.status, 200);
        answer.body.to_vec()
    }

    /// Makes a record and gives its data.
    pub(crate) async fn made(&self, path: &str, body: Value) -> Value {
        self.post(path, body).await.data().clone()
    }

    /// All pages of a v2 list.
    pub(crate) async fn pages(&self, path: &str) -> Vec<Value> {
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

    pub(crate) async fn wait(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

/// Runs a test on a stepped clock against a fresh account.
pub(crate) fn drive<F: Future<Output = ()>>(settings: Settings, test: impl FnOnce(Site) -> F) {
    run(settings, None, test);
}

/// The same against an account with data.
pub(crate) fn drive_with<F: Future<Output = ()>>(settings: Settings, state: Value, test: impl FnOnce(Site) -> F) {
    run(settings, Some(state), test);
}

fn run<F: Future<Output = ()>>(settings: Settings, state: Option<Value>, test: impl FnOnce(Site) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-03-02T10:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let running = match state {
            None => Pipedrive::start(settings, clock.clone(), listener),
            Some(state) => Pipedrive::start_with(settings, clock.clone(), listener, state),
        };
        let running = running.expect("an account");
        let http = Http::new(clock.clone(), Duration::from_secs(30), 8).expect("a client");
        test(Site { clock: clock.clone(), http, running }).await;
    }));
}

pub(crate) fn unlimited() -> Settings {
    Settings { unlimited: true, ..Settings::default() }
}

pub(crate) fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect()
}

/// Checks that an answer refuses, with the status, and names the key.
pub(crate) fn refuses(reply: &Reply, status: u16, key: &str) {
    let error = reply.body["error"].as_str().unwrap_or_default();
    assert_eq!(reply.status, status, "{}", reply.body);
    assert!(error.contains(key), "{error} does not name {key}");
    assert_eq!(reply.body["success"], json!(false));
}
