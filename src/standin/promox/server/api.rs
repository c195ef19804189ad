//! The API of the source: lists by page and by change time, and how every request is let in, answered and written down.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::super::account::{OBJECTS, Part};
use super::faults::{FaultKind, met};
use super::ledger::RequestLine;
use super::{Shared, control};
use crate::clock::CALL_HEADER;
use crate::record::Object;

/// Rows of a page when the request does not say.
const PER_PAGE: usize = 100;

/// More rows than this are not given, whatever the request says.
const PER_PAGE_MAX: usize = 200;

/// Longer than any page: 200 rows of a few kilobytes.
const BODY_BYTES_MAX: usize = 16 << 20;

/// What a maintenance page looks like.
const HTML_PAGE: &str = "<!doctype html><html><head><title>PromoXcrm</title></head><body><h1>We'll be right back</h1>\
                         <p>PromoXcrm is down for maintenance.</p></body></html>";

/// All paths: the API behind its exchange, and the control API.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/api/v1/account", get(account))
        .route("/api/v1/{object}", get(list))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(shared), exchange))
        .with_state(Arc::clone(shared));
    Router::new().nest("/standin", control::router(shared)).merge(api)
}

/// An error as the API writes it.
pub(super) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    json_answer(status, json!({"error": {"code": code, "message": message}}).to_string())
}

/// JSON text with its content type.
pub(super) fn json_answer(status: StatusCode, text: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}

/// How many rows an answer holds, for the ledger.
#[derive(Clone, Copy)]
struct RowCount(usize);

/// One request from arrival to answer: counted on the clock, admitted, answered, spoiled if a fault is due, written down,
/// and held for the round trip.
async fn exchange(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let call = request.headers().get(CALL_HEADER).and_then(|value| value.to_str().ok());
    let served = shared.clock.serve(call);
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let at = shared.clock.utc().to_string();
    let (mut response, fault) = match admit(&shared, &request) {
        Err(refused) => (*refused, None),
        Ok(fault) => (spoil(next.run(request).await, fault).await, fault),
    };
    let id = {
        let mut state = shared.lock();
        let id = format!("px-{:08}", state.requests.next());
        let line = RequestLine {
            id: id.clone(),
            at,
            query,
            status: response.status().as_u16(),
            rows: response.extensions().get::<RowCount>().map_or(0, |count| count.0),
            fault: fault.map(|fault| format!("{fault:?}")),
            path,
        };
        let key = if is_known(&line.path) { line.path.clone() } else { "other".to_owned() };
        state.requests.add(line, key);
        id
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    let late = if let Some(FaultKind::Hold(seconds)) = fault { seconds } else { 0 };
    served.hold(Duration::from_millis(shared.settings.rtt_ms) + Duration::from_secs(late)).await;
    response
}

/// Token, then rate limit, then the fault that is due.
fn admit(shared: &Shared, request: &Request) -> Result<Option<FaultKind>, Box<Response>> {
    let expected = format!("Bearer {}", shared.settings.token);
    if request.headers().get(AUTHORIZATION).is_none_or(|given| given.as_bytes() != expected.as_bytes()) {
        let refused = refusal(StatusCode::UNAUTHORIZED, "unauthorized", "A valid bearer token is needed.");
        return Err(Box::new(refused));
    }
    let mut state = shared.lock();
    if let Some(wait) = state.over_limit(shared.settings.requests_per_minute, shared.clock.now()) {
        return Err(Box::new(too_many(wait.as_millis().div_ceil(1_000))));
    }
    Ok(met(&mut state.faults, request.uri().path()))
}

fn too_many(seconds: impl ToString) -> Response {
    let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests.");
    if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// What a fault makes of the right answer.
async fn spoil(right: Response, fault: Option<FaultKind>) -> Response {
    match fault {
        None | Some(FaultKind::Hold(_)) => right,
        Some(FaultKind::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            refusal(status, "internal", "Something went wrong.")
        }
        Some(FaultKind::RetryAfter(seconds)) => too_many(seconds),
        Some(FaultKind::Html) => {
            (StatusCode::OK, [(CONTENT_TYPE, "text/html; charset=utf-8")], HTML_PAGE).into_response()
        }
        Some(FaultKind::TruncatedJson) => {
            let (parts, half, _) = halved(right).await;
            Response::from_parts(parts, Body::from(half))
        }
        Some(FaultKind::Cut) => {
            let (mut parts, half, whole_bytes) = halved(right).await;
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole_bytes));
            let end = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            Response::from_parts(parts, Body::from_stream(futures::stream::iter([Ok(half), Err(end)])))
        }
    }
}

async fn halved(right: Response) -> (axum::http::response::Parts, Bytes, usize) {
    let (mut parts, body) = right.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let whole = to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
    (parts, whole.slice(..whole.len() / 2), whole.len())
}

async fn account(State(shared): State<Arc<Shared>>) -> Response {
    let text = shared.lock().account.description().to_string();
    json_answer(StatusCode::OK, text)
}

/// Unknown parameters are ignored, as most such APIs do.
#[derive(Deserialize)]
struct ListQuery {
    page: Option<String>,
    per_page: Option<String>,
    updated_since: Option<String>,
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response {
    let Some(object) = object_of(&name) else { return not_found().await };
    let asked = query.map_err(|_| "The query cannot be read.").and_then(|Query(query)| query.parsed());
    match asked {
        Ok((part, since)) => page(&shared, object, part, since),
        Err(message) => refusal(StatusCode::BAD_REQUEST, "bad_request", message),
    }
}

fn page(shared: &Shared, object: Object, part: Part, since: Option<Timestamp>) -> Response {
    let state = shared.lock();
    let (rows, total) = state.account.page(object, since, part).unwrap_or_default();
    let mut text = String::with_capacity(rows.iter().map(|row| row.len() + 1).sum::<usize>() + 80);
    text.push_str("{\"data\":[");
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(row);
    }
    text.push_str(&format!("],\"page\":{},\"per_page\":{},\"total\":{total}}}", part.page, part.per_page));
    let count = RowCount(rows.len());
    drop(state);
    let mut response = json_answer(StatusCode::OK, text);
    response.extensions_mut().insert(count);
    response
}

impl ListQuery {
    fn parsed(&self) -> Result<(Part, Option<Timestamp>), &'static str> {
        let number = |text: &Option<String>, default: usize| match text {
            None => Ok(default),
            Some(text) => match text.parse::<usize>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err("page and per_page are whole numbers from 1."),
            },
        };
        let (page, per_page) = (number(&self.page, 1)?, number(&self.per_page, PER_PAGE)?);
        let since = self.updated_since.as_deref().map(str::parse::<Timestamp>).transpose();
        let since = since.map_err(|_| "updated_since is a time as in RFC 3339, with its zone.")?;
        Ok((Part { page, per_page: per_page.min(PER_PAGE_MAX) }, since))
    }
}

fn object_of(name: &str) -> Option<Object> {
    OBJECTS.iter().find(|(_, path)| *path == name).map(|(object, _)| *object)
}

/// Whether the API has this path; the ledger counts the others as one, so that its keys stay few.
fn is_known(path: &str) -> bool {
    path.strip_prefix("/api/v1/").is_some_and(|name| name == "account" || object_of(name).is_some())
}

async fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
}

async fn wrong_method() -> Response {
    refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "The API only reads.")
}
