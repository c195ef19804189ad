//! From an answer to HTTP: whole, in slow pieces, or cut off.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::response::Response;

use super::envelope::Answer;
use super::limits::Headers;
use super::serve::App;
use crate::clock::Served;

/// An answer with what it says about the limits.
pub(super) fn respond(answer: Answer, limits: Option<Headers>) -> Response {
    let mut response = Response::new(HttpBody::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&answer.kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    if let Some(limits) = limits {
        for (name, value) in [
            ("x-ratelimit-limit", limits.window_limit),
            ("x-ratelimit-remaining", limits.window_remaining),
            ("x-ratelimit-reset", limits.window_reset),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        for (name, value) in [
            ("x-daily-ratelimit-token-limit", limits.daily.map(|(limit, _)| limit)),
            ("x-daily-ratelimit-token-remaining", limits.daily.map(|(_, left)| left)),
            ("x-daily-requests-left", limits.writes_left),
        ] {
            if let Some(value) = value {
                headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
            }
        }
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Pieces of a body that comes slowly.
const PIECES: u32 = 8;

/// Sends a body in pieces over a span; its length is announced at once.
pub(super) fn drip(
    app: Arc<App>,
    served: Served,
    mut answer: Answer,
    (limits, wait): (Option<Headers>, Duration),
) -> Response {
    let body = Bytes::from(std::mem::take(&mut answer.body));
    let length = body.len();
    let piece = length.div_ceil(PIECES as usize).max(1);
    let wait = wait / PIECES;
    let pieces = futures::stream::unfold((app, served, body), move |(app, served, mut rest)| async move {
        if rest.is_empty() {
            return None;
        }
        app.hold(&served, wait).await;
        let next = rest.split_to(piece.min(rest.len()));
        Some((Ok::<_, io::Error>(next), (app, served, rest)))
    });
    let mut response = respond(answer, limits);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    *response.body_mut() = HttpBody::from_stream(pieces);
    response
}

/// Closes the connection: the body fails before its first byte, which makes the server drop the connection with all that
/// it had not sent yet.
pub(super) fn cut() -> Response {
    let failure = futures::stream::once(async { Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
    let mut response = Response::new(HttpBody::from_stream(failure));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("64"));
    response
}
