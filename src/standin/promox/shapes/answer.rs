//! Where a request leads: the documents, the site around the API, a log-in, or a read or write within it.

use std::time::Duration;

use jiff::Timestamp;

use super::choices::*;
use super::errors::Fault;
use super::files;
use super::limits::Pace;
use super::reply::{Body, Incoming, Params, Purpose, Reply};
use super::route::{self, FilePart, Route};
use super::serve::{Shared, State};
use super::shape::Shape;
use super::{auth, credentials, docs, graphql, odata, soap, sql, writes, xml};
use crate::clock::Moment;
use crate::record::Object;

/// Jobs kept; more are refused.
const JOBS_MAX: usize = 1_000;

/// An answer, and the object whose list it is.
type Done = (Reply, Option<Object>);

/// The answer, how long it is held beyond the round trip, and the object that was listed.
pub(super) fn answer(
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
    if shape.protocol == Protocol::Soap {
        return soap::answer(state, shared, (incoming, below, root), now);
    }
    if shape.version == VersionHeader::Header && incoming.header("api-version") != Some(credentials::VERSION) {
        let message = format!("The header api-version is needed; supported: {}.", credentials::VERSION);
        return (Fault::bad(message).reply(&shape), None);
    }
    if let Some(reply) = state.gate.log_in(&shape, incoming, below, now) {
        return (reply, None);
    }
    let is_rpc = matches!(shape.protocol, Protocol::Rpc | Protocol::RpcSingle);
    let is_call = is_rpc && incoming.method == "POST";
    let mut params = if is_call { Params::of_json(&incoming.json()) } else { incoming.params() };
    // Keys in the query stay there where the rest is in the body.
    let mut of_query = incoming.params();
    let shown = if is_call && shape.auth != Auth::Body { &mut of_query } else { &mut params };
    let admitted = state.gate.admit(&shape, incoming, shown, now);
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

/// A read or a write by somebody who was let in.
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
        Protocol::Graphql => return Err(absent(&shape)),
        Protocol::Odata4 | Protocol::Odata2 if is_get => {
            let listed = desk.lists().into_iter().find(|(_, set)| set == below).map(|(object, _)| object);
            return odata::read(&desk, below, params).map(|reply| (reply, listed));
        }
        Protocol::Sql if is_get => return sql::read(&desk, below, params).map(|reply| (reply, None)),
        Protocol::Rpc | Protocol::RpcSingle => {
            let verb = verb(&shape, below, params).ok_or_else(|| absent(&shape))?;
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
        return read(state, shared, (incoming, root), &found.ok_or_else(|| absent(&shape))?, params);
    }
    if let (Some(Route::File(id, FilePart::Render)), "POST") = (&found, incoming.method.as_str()) {
        return render(state, shared, root, id);
    }
    writes::of_method(&desk, incoming.method.as_str(), found.as_ref()).map(|reply| (reply, None))
}

/// What is said of a path or verb that is not there.
fn absent(shape: &Shape) -> Fault {
    match shape.absent {
        Absent::Missing => Fault::not_found(),
        Absent::Forbidden => Fault::new(403, "forbidden", "This is not for you."),
    }
}

/// The verb of a call by POST: the path, or what the body names.
fn verb(shape: &Shape, below: &str, params: &mut Params) -> Option<String> {
    if shape.protocol == Protocol::Rpc {
        return Some(below.to_owned());
    }
    below.is_empty().then(|| params.take("serviceId")).flatten()
}

/// A read. Files and jobs are looked after here, the rest at the desk.
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

/// Begins a job that renders a file.
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
