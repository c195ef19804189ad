//! What a request was for: reading, logging in, or anything that would have changed something.

use super::choices::Protocol;
use super::reply::{Incoming, Purpose};
use super::shape::Shape;
use super::soap;

/// Last words of paths and services that read; POSTs to others are no reads, whatever came of them.
const READING: &[&str] = &[
    "list",
    "get",
    "search",
    "query",
    "find",
    "describe",
    "deleted",
    "fields",
    "definitions",
    "content",
    "download",
    "render",
    "graphql",
    "ping",
    "me",
    "whoami",
    "account",
    "user",
    "custom_fields",
    "metadata",
];
const LOGGING_IN: &[&str] = &["login", "auth", "token", "session", "sessions"];

/// What a request was for: reads are GET, and POSTs that say so.
pub(super) fn purpose(shape: &Shape, incoming: &Incoming, told: Purpose) -> Purpose {
    if told != Purpose::Read || matches!(incoming.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        return told;
    }
    if shape.protocol == Protocol::Soap && incoming.method == "POST" {
        return soap::purpose(shape, incoming);
    }
    let service = incoming.json()["serviceId"].as_str().map(str::to_owned);
    let named = service.filter(|_| shape.protocol == Protocol::RpcSingle).unwrap_or_else(|| incoming.path.clone());
    let last = named.rsplit(['/', '.']).next().unwrap_or_default().to_owned();
    match last.as_str() {
        word if incoming.method == "POST" && READING.contains(&word) => Purpose::Read,
        word if incoming.method == "POST" && LOGGING_IN.contains(&word) => Purpose::Login,
        _ => Purpose::Write,
    }
}
