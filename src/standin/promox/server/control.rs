//! The control API of the stand-in, under `/standin`: what a rehearsal does to the source, and what a watcher asks of it.
//!
//! It needs no token and answers to loopback addresses only.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::Shared;
use super::api::{json_answer, refusal};
use super::faults::Fault;
use crate::clock::CALL_HEADER;

/// The paths below `/standin`.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/edits/{round}", post(edit))
        .route("/account", get(account))
        .route("/requests", get(requests))
        .route("/faults", post(add_fault).delete(clear_faults))
        .route("/freeze", post(freeze))
        .layer(from_fn_with_state(Arc::clone(shared), guarded))
        .with_state(Arc::clone(shared))
}

/// Lets only this machine in, and counts the call on the clock until its answer is ready.
async fn guarded(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let call = request.headers().get(CALL_HEADER).and_then(|value| value.to_str().ok());
    let _served = shared.clock.serve(call);
    if !peer.ip().to_canonical().is_loopback() {
        return refusal(StatusCode::FORBIDDEN, "forbidden", "The control API is for this machine only.");
    }
    next.run(request).await
}

async fn edit(State(shared): State<Arc<Shared>>, Path(round): Path<u32>) -> Response {
    match shared.edit(round) {
        Ok(summary) => json_answer(StatusCode::OK, json!(summary).to_string()),
        Err(error) => refusal(StatusCode::CONFLICT, "frozen", error.message()),
    }
}

async fn account(State(shared): State<Arc<Shared>>) -> Response {
    let state = shared.lock();
    let account = &state.account;
    let user = |(name, email): (String, String)| json!({"name": name, "email": email});
    let described = json!({
        "account": account.description(),
        "records": account.records(),
        "counts": account.counts(),
        "truth": account.truth(),
        "frozen": state.is_frozen,
        "rounds": account.rounds.keys().collect::<Vec<_>>(),
        "expected_users": account.expected_users().into_iter().map(user).collect::<Vec<_>>(),
        "late_user": account.late_user().map(user),
    });
    json_answer(StatusCode::OK, described.to_string())
}

async fn requests(State(shared): State<Arc<Shared>>) -> Response {
    let text = json!(shared.lock().requests).to_string();
    json_answer(StatusCode::OK, text)
}

async fn add_fault(State(shared): State<Arc<Shared>>, fault: Result<Json<Fault>, JsonRejection>) -> Response {
    let added = match fault {
        Ok(Json(fault)) => shared.add_fault(fault).map_err(|error| error.message().to_owned()),
        Err(rejection) => Err(rejection.body_text()),
    };
    match added {
        Ok(()) => json_answer(StatusCode::OK, json!({"added": true}).to_string()),
        Err(message) => refusal(StatusCode::BAD_REQUEST, "bad_fault", &message),
    }
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> Response {
    shared.lock().faults.clear();
    json_answer(StatusCode::OK, json!({"cleared": true}).to_string())
}

async fn freeze(State(shared): State<Arc<Shared>>) -> Response {
    shared.lock().is_frozen = true;
    json_answer(StatusCode::OK, json!({"frozen": true}).to_string())
}
