//! One request from its arrival to its answer: who sends it, the limits, the faults, the work, the books, the wait.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::control;
use super::convert;
use super::delivery;
use super::envelope::{self, Answer, Refusal};
use super::faults::FaultKind;
use super::fields::Input;
use super::ledger::CUT_STATUS;
use super::limits::{Arrival, Credential, Demand, Headers};
use super::oauth;
use super::people;
use super::perform::perform;
use super::reply::{cut, drip, respond};
use super::route::{self, Endpoint, NoRoute};
use super::state::{Act, State};
use super::users;
use crate::clock::{CALL_HEADER, Clock, Served};

/// The longest body that is read; a note of 100 KB fits ten times.
const BODY_BYTES_MAX: usize = 1 << 20;

const API_TOKEN: HeaderName = HeaderName::from_static("x-api-token");

/// The running account: its state, its clock, and the requests that outlive their connections.
#[derive(Debug)]
pub(super) struct App {
    state: Mutex<State>,
    pub(super) clock: Clock,
    /// Turns true when the server stops; every wait ends then.
    pub(super) stop: watch::Receiver<bool>,
    /// Requests carried out apart from their connection. Ended ones leave when the next one comes.
    apart: Mutex<VecDeque<JoinHandle<()>>>,
}

/// A request taken out of its connection.
#[derive(Debug)]
struct Incoming {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A request that was let in.
#[derive(Debug)]
struct Admitted {
    endpoint: Endpoint,
    /// The ids in its path.
    ids: [Box<str>; 2],
    who: Credential,
}

/// What goes back: an answer with its headers, or a closed connection.
#[derive(Debug)]
struct Reply {
    answer: Option<Answer>,
    limits: Option<Headers>,
    /// How long the answer is held.
    wait: Duration,
    /// Over how long its body is spread.
    body_wait: Duration,
}

/// What the first look at a request leads to.
enum Begun {
    Reply(Reply),
    /// The connection closes now; the work follows after a span.
    Later(Admitted, Duration),
    /// The work follows after a span, then the answer.
    Held(Admitted, Duration),
}

impl App {
    pub(super) fn new(state: State, clock: Clock, stop: watch::Receiver<bool>) -> Self {
        Self { state: Mutex::new(state), clock, stop, apart: Mutex::default() }
    }

    /// The state. A panic while it was locked can only leave one record half-written in its indexes, which tests see.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present, on the clock and by the calendar.
    pub(super) fn arrival(&self) -> Arrival {
        Arrival { moment: self.clock.now(), at: self.clock.utc() }
    }

    /// Ends every request that outlives its connection.
    pub(super) fn abort_apart(&self) {
        for task in self.apart.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    /// Runs work that outlives its request, until it ends or the server stops.
    pub(super) fn spawn_apart(&self, work: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(self.clock.track(work));
        let mut apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        apart.retain(|task| !task.is_finished());
        apart.push_back(task);
    }

    /// Holds an answer on the clock, until the server stops.
    pub(super) async fn hold(&self, served: &Served, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        let mut stop = self.stop.clone();
        // Both can be dropped half-way: the hold gives its count back, and the other only looks.
        tokio::select! {
            () = served.hold(wait) => {}
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
    }

    /// Looks at a request at its arrival and does at once what is to be done at once.
    fn begin(&self, request: &Incoming) -> Begun {
        let mut state = self.lock();
        let state = &mut *state;
        let arrival = self.arrival();
        convert::run_due(state, arrival);
        let found = route::find(&request.method, &request.path);
        let endpoint = found.as_ref().ok().map(|route| route.endpoint);
        let Some(who) = credential(state, &request.headers, arrival) else {
            return Begun::Reply(refused(state, endpoint, envelope::unauthorized()));
        };
        let route = match found {
            Ok(route) => route,
            Err(why) => return Begun::Reply(refused(state, None, no_route(why))),
        };
        let is_write = is_write(&request.method);
        let demand = Demand { tokens: route.endpoint.tokens(), is_search: route.endpoint.is_search(), is_write };
        if let Err(answer) = state.limits.admit(&state.settings, who, arrival, demand) {
            let limits = state.limits.headers(&state.settings, who, arrival, is_write);
            let reply = refused(state, endpoint, answer);
            return Begun::Reply(Reply { limits, ..reply });
        }
        let admitted = Admitted { endpoint: route.endpoint, ids: route.ids.map(Into::into), who };
        let label = || route.endpoint.label();
        let fault = state.faults.strike(&mut state.random, &request.method, &request.path, label);
        match fault {
            Some(FaultKind::CutThenCommit { after }) => {
                // Its connection is closed now, whatever comes of it later.
                state.books.request(Some(admitted.endpoint), CUT_STATUS);
                Begun::Later(admitted, after)
            }
            Some(FaultKind::Hold { wait }) => Begun::Held(admitted, wait),
            fault => Begun::Reply(finish(state, arrival, request, &admitted, fault)),
        }
    }

    /// Carries out a request whose time has come.
    fn resume(&self, request: &Incoming, admitted: &Admitted, fault: Option<FaultKind>) -> Reply {
        let mut state = self.lock();
        finish(&mut state, self.arrival(), request, admitted, fault)
    }
}

/// Answers one request.
pub(super) async fn handle(
    Shared(app): Shared<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let call = request.headers().get(CALL_HEADER).and_then(|value| value.to_str().ok());
    let served = app.clock.serve(call);
    let (parts, body) = request.into_parts();
    let is_form = |kind: &HeaderValue| kind.as_bytes().starts_with(b"multipart/");
    let is_form = parts.headers.get(CONTENT_TYPE).is_some_and(is_form);
    let body_bytes_max = if is_form { app.lock().settings.file_bytes_max + BODY_BYTES_MAX } else { BODY_BYTES_MAX };
    let Ok(body) = axum::body::to_bytes(body, body_bytes_max).await else {
        return respond(Answer::json(413, r#"{"success":false,"error":"Payload too large"}"#), None);
    };
    let path = parts.uri.path();
    if path.starts_with(control::PREFIX) {
        let answer = control::answer(&app, peer, parts.method.as_str(), path, &body);
        delivery::start(&app);
        return respond(answer, None);
    }
    if path.trim_end_matches('/') == oauth::PATH && parts.method == Method::POST {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let now = app.clock.now();
        return respond(oauth::exchange(&mut app.lock(), now, header, &body), None);
    }
    let request = Incoming {
        method: parts.method.as_str().to_owned(),
        path: path.to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    let begun = app.begin(&request);
    delivery::start(&app);
    let (reply, served) = match begun {
        Begun::Reply(reply) => (reply, served),
        Begun::Later(admitted, after) => {
            let later = Arc::clone(&app);
            app.spawn_apart(async move {
                later.clock.sleep(after).await;
                later.resume(&request, &admitted, Some(FaultKind::CutThenCommit { after }));
                delivery::start(&later);
            });
            return cut();
        }
        Begun::Held(admitted, wait) => {
            // A task of its own, because the real service goes on when its caller has hung up.
            let (sender, receiver) = oneshot::channel();
            let apart = Arc::clone(&app);
            app.spawn_apart(async move {
                apart.hold(&served, wait).await;
                let reply = apart.resume(&request, &admitted, None);
                delivery::start(&apart);
                // Nobody may be left to receive it.
                drop(sender.send((reply, served)));
            });
            match receiver.await {
                Ok(reply) => reply,
                Err(_) => return cut(),
            }
        }
    };
    app.hold(&served, reply.wait).await;
    let Some(answer) = reply.answer else { return cut() };
    if !reply.body_wait.is_zero() {
        return drip(app, served, answer, (reply.limits, reply.body_wait));
    }
    respond(answer, reply.limits)
}

/// Counts a request that got nowhere.
fn refused(state: &mut State, endpoint: Option<Endpoint>, answer: Answer) -> Reply {
    state.books.request(endpoint, answer.status);
    Reply { answer: Some(answer), limits: None, wait: round_trip(state), body_wait: Duration::ZERO }
}

/// The two methods of the daily limit of 2019.
fn is_write(method: &str) -> bool {
    matches!(method, "POST" | "PUT")
}

fn round_trip(state: &State) -> Duration {
    if state.settings.unlimited { Duration::ZERO } else { state.settings.rtt }
}

/// Does the work, spoils the answer if a fault says so, and keeps the books.
fn finish(
    state: &mut State,
    arrival: Arrival,
    request: &Incoming,
    admitted: &Admitted,
    fault: Option<FaultKind>,
) -> Reply {
    let endpoint = admitted.endpoint;
    let mut wait = round_trip(state) + state.limits.slow_down(&state.settings, admitted.who);
    let mut body_wait = Duration::ZERO;
    let answer = if let Some(refused) = refuse(state, admitted, fault.as_ref()) {
        charge(state, arrival, endpoint, refused.as_ref().is_some_and(|answer| answer.status < 400));
        refused
    } else {
        let lag = match fault {
            Some(FaultKind::Lag { lag }) => lag,
            _ => state.settings.list_lag,
        };
        let user = match admitted.who {
            Credential::ApiToken(user) | Credential::OAuth(user) => user,
        };
        let act = Act {
            user,
            by_api: true,
            now: arrival.at,
            moment: arrival.moment,
            lag,
            search_lag: state.settings.search_lag,
        };
        let kind = request.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let [id, sub] = &admitted.ids;
        meddle(state, &act, admitted, fault.as_ref(), &request.body);
        let input = Input { sub, query: &request.query, kind, body: &request.body };
        let done = accepts(endpoint, kind).and_then(|()| perform(state, &act, endpoint, id, input));
        charge(state, arrival, endpoint, done.is_ok());
        let mut answer = done.unwrap_or_else(|refusal| refusal.answer(endpoint.version()));
        match fault {
            Some(FaultKind::CommitThenCut | FaultKind::CutThenCommit { .. }) => None,
            Some(FaultKind::CommitThenError { status }) => {
                Some(Answer::json(status, r#"{"success":false,"error":"Internal server error","code":"ERR_UNKNOWN"}"#))
            }
            Some(FaultKind::TruncatedJson) => {
                answer.body.truncate(answer.body.len() / 2);
                Some(answer)
            }
            Some(FaultKind::HtmlAnswer) => Some(envelope::page(200)),
            Some(FaultKind::SlowBody { wait }) => {
                body_wait = wait;
                Some(answer)
            }
            Some(FaultKind::AnswerLate { wait: late }) => {
                wait += late;
                Some(answer)
            }
            _ => Some(answer),
        }
    };
    let is_counted = matches!(fault, Some(FaultKind::CutThenCommit { .. }));
    if !is_counted {
        state.books.request(Some(endpoint), answer.as_ref().map_or(CUT_STATUS, |answer| answer.status));
    }
    let limits = state.limits.headers(&state.settings, admitted.who, arrival, is_write(&request.method));
    Reply { answer, limits, wait, body_wait }
}

/// What a fault answers in place of the work: an answer, or none; `None` where the work is done.
fn refuse(state: &mut State, admitted: &Admitted, fault: Option<&FaultKind>) -> Option<Option<Answer>> {
    match fault? {
        FaultKind::Refuse { status, body } => Some(Some(Answer::json(*status, body.clone()))),
        FaultKind::RefuseWithPage { status } => Some(Some(envelope::page(*status))),
        FaultKind::Cut => Some(None),
        FaultKind::RevokeToken => {
            match admitted.who {
                Credential::ApiToken(user) => users::revoke(state, user),
                Credential::OAuth(user) => state.grants.end_access(user),
            }
            Some(Some(envelope::unauthorized()))
        }
        _ => None,
    }
}

/// What somebody does in the account just before a request is carried out.
fn meddle(state: &mut State, act: &Act, admitted: &Admitted, fault: Option<&FaultKind>, body: &[u8]) {
    let by_people = Act { by_api: false, ..*act };
    match fault {
        Some(FaultKind::DeleteField) => people::delete_field(state, &by_people, body),
        Some(FaultKind::DeleteRecord) => {
            people::delete_record(state, &by_people, admitted.endpoint.collection(), &admitted.ids[0]);
        }
        _ => {}
    }
}

fn charge(state: &mut State, arrival: Arrival, endpoint: Endpoint, accepted: bool) {
    if accepted || state.settings.charge_refused {
        state.limits.charge(&state.settings, arrival.at, endpoint.tokens());
        state.books.spent(endpoint, endpoint.tokens());
    }
}

/// Bodies are of the type that the endpoint has in the OpenAPI documents, and say so.
fn accepts(endpoint: Endpoint, kind: &str) -> Result<(), Refusal> {
    match endpoint.body_type() {
        Some(expected) if !kind.starts_with(expected) => {
            Err(Refusal::invalid(&[format!("content-type: Expected {expected}")]))
        }
        _ => Ok(()),
    }
}

/// Who sends a request, by the token in its header.
fn credential(state: &State, headers: &HeaderMap, arrival: Arrival) -> Option<Credential> {
    let user = |token: &str| state.tokens.get(token).copied();
    if let Some(token) = headers.get(API_TOKEN) {
        return token.to_str().ok().and_then(user).map(Credential::ApiToken);
    }
    let bearer = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let api_token = state.settings.bearer_api_token.then(|| user(bearer)).flatten();
    state.grants.user(bearer, arrival.moment).or(api_token).map(Credential::OAuth)
}

fn no_route(why: NoRoute) -> Answer {
    let (version, status, error) = match why {
        NoRoute::Unknown(version) => (version, 404, "Unknown method ."),
        NoRoute::Method(version) => (version, 405, "Method not allowed"),
    };
    Refusal { status, error: error.to_owned(), code: Some("ERR_NOT_FOUND") }.answer(version)
}
