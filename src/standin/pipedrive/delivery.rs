//! Sending events to webhooks over HTTP: within ten seconds, again after 3, 30 and 150 seconds, and no more to those that
//! fail for too long.
//!
//! Facts: document "Guide for Webhooks v2". Only plain HTTP to this machine is spoken (see `webhooks`), so the few lines
//! of HTTP that a notification needs are written here; the client of this crate is not shared.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::serve::App;
use super::webhooks::Event;
use crate::clock::CALL_HEADER;

/// How long an endpoint has to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Waits before the second, third and fourth attempt.
const RETRIES: [Duration; 3] = [Duration::from_secs(3), Duration::from_secs(30), Duration::from_secs(150)];

/// First attempts that fail in a row before a webhook is banned, and for how long; what happens meanwhile is lost.
const FAILURES_MAX: u32 = 10;
const BAN: Duration = Duration::from_secs(30 * 60);

/// Without a success for so long, a webhook is removed.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 86_400);

/// Bytes of an answer that are read; only its status counts.
const HEAD_BYTES: usize = 512;

/// Sends everything that waits in the outbox, each event by a task of its own.
pub(super) fn start(app: &Arc<App>) {
    let events = {
        let mut state = app.lock();
        if state.webhooks.outbox.is_empty() {
            return;
        }
        std::mem::take(&mut state.webhooks.outbox)
    };
    for event in events {
        let task = Arc::clone(app);
        app.spawn_apart(async move { deliver(&task, event).await });
    }
}

async fn deliver(app: &App, mut event: Event) {
    for attempt in 0..=RETRIES.len() {
        if attempt > 0 {
            app.clock.sleep(RETRIES[attempt - 1]).await;
        }
        let Some(auth) = may_send(app, event.webhook) else { return };
        event.payload["meta"]["attempt"] = Value::from(attempt + 1);
        let status = app.clock.timeout(TIMEOUT, send(app, &event, auth)).await.flatten();
        if note(app, event.webhook, attempt, status) {
            return;
        }
    }
}

/// User and password of a webhook that can be sent to now; `None` for one that is gone or banned.
fn may_send(app: &App, webhook: u64) -> Option<Option<(String, String)>> {
    let now = app.clock.now();
    let state = app.lock();
    let own = state.webhooks.all.get(&webhook)?;
    if own.banned_until.is_some_and(|until| now < until) {
        return None;
    }
    Some(own.http_auth_user.clone().map(|user| (user, own.http_auth_password.clone().unwrap_or_default())))
}

/// Keeps a webhook's record after an attempt; true if the event needs no more.
fn note(app: &App, webhook: u64, attempt: usize, status: Option<u16>) -> bool {
    let (now, at) = (app.clock.now(), app.clock.utc());
    let mut state = app.lock();
    let Some(own) = state.webhooks.all.get_mut(&webhook) else { return true };
    (own.last_delivery_time, own.last_http_status) = (Some(at), status);
    if status.is_some_and(|status| (200..300).contains(&status)) {
        (own.first_failures, own.banned_until, own.well_at) = (0, None, now);
        return true;
    }
    if attempt == 0 {
        own.first_failures += 1;
        if own.first_failures >= FAILURES_MAX {
            (own.first_failures, own.banned_until) = (0, Some(now + BAN));
        }
    }
    if now.since(own.well_at) >= GIVEN_UP_AFTER {
        state.webhooks.all.remove(&webhook);
        return true;
    }
    false
}

/// Sends an event once; the status of the answer, or `None` without one.
async fn send(app: &App, event: &Event, auth: Option<(String, String)>) -> Option<u16> {
    let url = &event.url;
    let call = app.clock.call();
    let address = (url.host_str()?.trim_matches(['[', ']']).to_owned(), url.port_or_known_default()?);
    let mut stream = TcpStream::connect(address).await.ok()?;
    let body = event.payload.to_string();
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         user-agent: Pipedrive Webhooks\r\nconnection: close\r\n",
        url.authority(),
        body.len(),
    );
    if let Some(id) = call.header() {
        head.push_str(&format!("{CALL_HEADER}: {id}\r\n"));
    }
    if let Some((user, password)) = auth {
        head.push_str(&format!("authorization: Basic {}\r\n", base64(format!("{user}:{password}").as_bytes())));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    let mut answer = Vec::with_capacity(HEAD_BYTES);
    while answer.len() < HEAD_BYTES && !answer.contains(&b'\n') {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            break;
        }
    }
    let line = String::from_utf8_lossy(&answer);
    line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "))?.get(..3)?.parse().ok()
}

/// Base64 with padding (RFC 4648).
pub(super) fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(sign) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("user:pass", "dXNlcjpwYXNz")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
