//! One request from its arrival to its answer: where it leads, who sends it, the pace, the read, the books, the wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State as Extract};
use axum::response::Response;

use super::answer::answer;
use super::auth::Gate;
use super::control::Hooks;
use super::desk::Desk;
use super::drift::Drifted;
use super::errors::Fault;
use super::ledger::{Ledger, Line};
use super::limits::{Limiter, http_date};
use super::purpose::purpose;
use super::reply::Incoming;
use super::settings::Settings;
use super::shape::Shape;
use super::store::Store;
use crate::clock::{CALL_HEADER, Clock, Moment};

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
    pub(super) jobs: Vec<(u64, i64)>,
}

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
    if let Ok(date) = axum::http::HeaderValue::from_str(&http_date(at)) {
        response.headers_mut().insert("date", date);
    }
    served.hold(Duration::from_millis(shared.settings.rtt_ms) + wait).await;
    shared.lock().limiter.end();
    response
}
