//! One request from its arrival to its answer: where it leads, who sends it, the pace, the read, the books, the wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State as Extract};
use axum::response::Response;
use jiff::Timestamp;

use super::auth::{self, Gate};
use super::choices::*;
use super::control::Hooks;
use super::desk::Desk;
use super::docs;
use super::drift::Drifted;
use super::errors::Fault;
use super::files;
use super::ledger::{Ledger, Line};
use super::limits::{Limiter, Pace};
use super::reply::{Body, Incoming, Params, Purpose, Reply};
use super::route::{self, FilePart, Route};
use super::settings::Settings;
use super::shape::Shape;
use super::store::Store;
use super::{credentials, graphql, odata, sql, writes, xml};
use crate::clock::{CALL_HEADER, Clock, Moment};
use crate::record::Object;

/// The longest body that is read.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What all requests share.
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    /// Scheme and host of the site and of the storage.
    pub(super) site: String,
    pub(super) storage: String,
    state: Mutex<State>,
}

/// What changes.
pub(super) struct State {
    pub(super) shape: Shape,
    pub(super) store: Store,
    pub(super) drifted: Drifted,
    pub(super) gate: Gate,
    pub(super) limiter: Limiter,
    pub(super) ledger: Ledger,
    pub(super) hooks: Hooks,
    /// File and beginning of each job.
    jobs: Vec<(u64, i64)>,
}

/// Jobs kept; more are refused.
const JOBS_MAX: usize = 1_000;

impl Shared {
    pub(super) fn new(clock: Clock, settings: Settings, (site, storage): (String, String), state: State) -> Self {
        Self { clock, settings, site, storage, state: Mutex::new(state) }
    }

    /// Every change under the lock is whole before anything can panic, so a poisoned lock is still sound.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn new(shape: Shape, store: Store, settings: &Settings, now: Moment) -> Self {
        Self {
            shape,
            store,
            drifted: Drifted::default(),
            gate: Gate::new(settings.lockout),
            limiter: Limiter::new(now),
            ledger: Ledger::default(),
            hooks: Hooks::default(),
            jobs: Vec::new(),
        }
    }

    /// What reads are answered from.
    pub(super) fn desk<'a>(&'a self, shared: &'a Shared, root: &'a str) -> Desk<'a> {
        Desk {
            shape: &self.shape,
            store: &self.store,
            drifted: &self.drifted,
            now: shared.clock.utc().as_second(),
            site: &shared.site,
            root,
            storage: &shared.storage,
        }
    }

    /// The requests so far, with what the gate and the limiter counted.
    pub(super) fn books(&self, now: Moment) -> Ledger {
        Ledger {
            failed_logins: self.gate.failures,
            locked: self.gate.is_locked(now),
            refused_for_pace: self.limiter.refused,
            most_in_flight: u64::from(self.limiter.most_in_flight),
            ..self.ledger.clone()
        }
    }
}

/// Everything that the API and its site answer.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    Router::new().fallback(exchange).with_state(Arc::clone(shared))
}

/// Takes a request out of its connection.
pub(super) async fn incoming(request: Request) -> Option<Incoming> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.ok()?;
    Some(Incoming {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    })
}

async fn exchange(Extract(shared): Extract<Arc<Shared>>, request: Request) -> Response {
    let call = request.headers().get(CALL_HEADER).and_then(|value| value.to_str().ok().map(str::to_owned));
    let served = shared.clock.serve(call.as_deref());
    let Some(incoming) = incoming(request).await else {
        return Fault::new(413, "too_large", "The body is too large.").reply(&shared.lock().shape).into_response();
    };
    let (now, at) = (shared.clock.now(), shared.clock.utc());
    let (reply, wait) = {
        let mut state = shared.lock();
        state.limiter.begin();
        let (reply, wait, listed) = answer(&mut state, &shared, &incoming, (now, at));
        let line = Line {
            at: at.to_string(),
            method: incoming.method.to_string(),
            path: incoming.path.clone(),
            query: incoming.query.clone(),
            status: reply.status,
            rows: reply.rows,
        };
        let purpose = purpose(&state.shape, &incoming, reply.purpose);
        state.ledger.add(line, purpose);
        if let Some(object) = listed {
            let State { hooks, store, .. } = &mut *state;
            hooks.listed(object, store, at.as_second());
        }
        (reply, wait)
    };
    let mut response = reply.into_response();
    if let Ok(date) = axum::http::HeaderValue::from_str(&super::limits::http_date(at)) {
        response.headers_mut().insert("date", date);
    }
    served.hold(Duration::from_millis(shared.settings.rtt_ms) + wait).await;
    shared.lock().limiter.end();
    response
}

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
fn purpose(shape: &Shape, incoming: &Incoming, told: Purpose) -> Purpose {
    if told != Purpose::Read || matches!(incoming.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        return told;
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

/// The answer, how long it is held beyond the round trip, and the object that was listed.
fn answer(
    state: &mut State,
    shared: &Shared,
    incoming: &Incoming,
    (now, at): (Moment, Timestamp),
) -> (Reply, Duration, Option<Object>) {
    let quick = |reply: Reply| (reply, Duration::ZERO, None);
    let shape = state.shape.clone();
    let root = format!("{}{}", shared.site, route::base_path(&shape));
    if !names_host(&shape, incoming.host()) {
        return quick(docs::around(Site::Missing, &incoming.path));
    }
    let around = {
        let desk = state.desk(shared, &root);
        docs::public(&desk, &incoming.path).map(|reply| (reply, None)).or_else(|| files::of_site(&desk, incoming))
    };
    if let Some((reply, marked)) = around {
        if let Some(file) = marked {
            *state.ledger.downloaded.entry(file).or_default() += 1;
        }
        return quick(reply);
    }
    let is_oauth = matches!(shape.auth, Auth::OauthClient | Auth::OauthRefresh);
    if is_oauth && incoming.path == auth::TOKEN_PATH && incoming.method == "POST" {
        return quick(state.gate.token(&shape, incoming, now));
    }
    let below =
        incoming.path.strip_prefix(route::base_path(&shape)).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let Some(below) = below else { return quick(docs::around(shape.site, &incoming.path)) };
    let below = below.trim_matches('/');
    let (wait, headers) = match state.limiter.pace(&shape, now, at) {
        Pace::Pass(wait, headers) => (wait, headers),
        Pace::Over(reply) => return quick(reply),
    };
    let (mut reply, listed) = inside(state, shared, (incoming, below, &root), now);
    reply.headers.extend(headers);
    if let (Protocol::Xml, Body::Json(value)) = (shape.protocol, &reply.body) {
        reply.body = Body::Typed("application/xml", xml::document(value).into_bytes());
    }
    (reply, wait, listed)
}

/// Whether the API answers to this host.
fn names_host(shape: &Shape, host: &str) -> bool {
    match shape.host {
        Host::Any => true,
        Host::Api => host.starts_with("api."),
        Host::Tenant => host.starts_with(&format!("{}.", credentials::COMPANY)),
    }
}

/// The answer of the API itself.
fn inside(
    state: &mut State,
    shared: &Shared,
    (incoming, below, root): (&Incoming, &str, &str),
    now: Moment,
) -> (Reply, Option<Object>) {
    let shape = state.shape.clone();
    if shape.version == VersionHeader::Header && incoming.header("api-version") != Some(credentials::VERSION) {
        let message = format!("The header api-version is needed; supported: {}.", credentials::VERSION);
        return (Fault::bad(message).reply(&shape), None);
    }
    if let Some(reply) = state.gate.log_in(&shape, incoming, below, now) {
        return (reply, None);
    }
    let is_rpc = matches!(shape.protocol, Protocol::Rpc | Protocol::RpcSingle);
    let mut params = if is_rpc && incoming.method == "POST" { body_params(incoming) } else { incoming.params() };
    let mut of_query = if is_rpc { incoming.params() } else { Params::default() };
    let admitted = state.gate.admit(
        &shape,
        incoming,
        if is_rpc && shape.auth != Auth::Body { &mut of_query } else { &mut params },
        now,
    );
    if let Err(fault) = admitted {
        let mut reply = fault.reply(&shape);
        if let (401, Some(scheme)) = (fault.status, auth::challenge(&shape)) {
            reply = reply.header("www-authenticate", scheme);
        }
        return (reply, None);
    }
    match perform(state, shared, (incoming, below, root), &mut params) {
        Ok(done) => done,
        Err(fault) => (fault.reply(&shape), None),
    }
}

/// Parameters of a body, and of the query where there are some beside it.
fn body_params(incoming: &Incoming) -> Params {
    Params::of_json(&incoming.json())
}

type Done = (Reply, Option<Object>);

fn perform(
    state: &mut State,
    shared: &Shared,
    (incoming, below, root): (&Incoming, &str, &str),
    params: &mut Params,
) -> Result<Done, Fault> {
    let shape = state.shape.clone();
    let is_get = matches!(incoming.method.as_str(), "GET" | "HEAD");
    let desk = state.desk(shared, root);
    match shape.protocol {
        Protocol::Graphql if below == graphql::PATH => {
            if incoming.method != "POST" {
                return Err(Fault::new(405, "method_not_allowed", "Questions are POSTs."));
            }
            return graphql::answer(&desk, &incoming.json()).map(|reply| (reply, None));
        }
        Protocol::Graphql => return Err(Fault::not_found()),
        Protocol::Odata4 | Protocol::Odata2 if is_get => {
            let listed = desk.lists().into_iter().find(|(_, set)| set == below).map(|(object, _)| object);
            return odata::read(&desk, below, params).map(|reply| (reply, listed));
        }
        Protocol::Sql if is_get => return sql::read(&desk, below, params).map(|reply| (reply, None)),
        Protocol::Rpc | Protocol::RpcSingle => {
            let verb = verb(&shape, below, params).ok_or_else(Fault::not_found)?;
            let found = route::of_verb(&shape, &verb, params.take("id"));
            if incoming.method != "POST" {
                return Err(Fault::new(405, "method_not_allowed", "Every call is a POST."));
            }
            let Some(found) = found else { return writes::of_verb(&desk, &verb).map(|reply| (reply, None)) };
            return read(state, shared, (incoming, root), &found, params);
        }
        _ => {}
    }
    let found = route::of_path(&shape, below);
    if is_get {
        return read(state, shared, (incoming, root), &found.ok_or_else(Fault::not_found)?, params);
    }
    if let (Some(Route::File(id, FilePart::Render)), "POST") = (&found, incoming.method.as_str()) {
        return render(state, shared, root, id);
    }
    writes::of_method(&desk, incoming.method.as_str(), found.as_ref()).map(|reply| (reply, None))
}

/// The verb of a call by POST: the path, or what the body names.
fn verb(shape: &Shape, below: &str, params: &mut Params) -> Option<String> {
    if shape.protocol == Protocol::Rpc {
        return Some(below.to_owned());
    }
    below.is_empty().then(|| params.take("serviceId")).flatten()
}

fn read(
    state: &mut State,
    shared: &Shared,
    (incoming, root): (&Incoming, &str),
    found: &Route,
    params: &mut Params,
) -> Result<Done, Fault> {
    match found {
        Route::File(id, FilePart::Render) => return render(state, shared, root, id),
        Route::Job(number) => {
            let job = number.parse::<usize>().ok().and_then(|number| state.jobs.get(number).copied());
            return Ok((files::job(&state.desk(shared, root), job.ok_or_else(Fault::not_found)?), None));
        }
        _ => {}
    }
    let desk = state.desk(shared, root);
    if let Route::File(id, FilePart::Content) = found {
        return files::fetch(&desk, id, incoming).map(|reply| (reply, None));
    }
    let mut reply = desk.read(found, incoming, params)?;
    if let Some(cookie) = files::cookie(&desk) {
        reply = reply.header("set-cookie", cookie);
    }
    let listed = match found {
        Route::List(object) | Route::Search(object) => Some(*object),
        _ => None,
    };
    Ok((reply, listed))
}

fn render(state: &mut State, shared: &Shared, root: &str, id: &str) -> Result<Done, Fault> {
    if state.jobs.len() >= JOBS_MAX {
        return Err(Fault::new(429, "too_many_jobs", "Too many jobs."));
    }
    let desk = state.desk(shared, root);
    let (reply, key) = files::render(&desk, id, state.jobs.len())?;
    let begun = desk.now;
    state.jobs.push((key, begun));
    // Rendering makes a file that is thrown away; it changes nothing that the account holds.
    Ok((reply.of(Purpose::Read), None))
}
