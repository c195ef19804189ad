//! The second port: the truth, the ledger, edits, hooks and drift for tests in other processes, and the storage of files.
//!
//! It listens on loopback only.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Request, State as Extract};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::drift::Drift;
use super::errors::Fault;
use super::files::{self, STORAGE};
use super::reply::Reply;
use super::route;
use super::serve::{Shared, State, incoming};
use super::shape::Shape;
use super::store::Store;
use super::truth;
use crate::clock::CALL_HEADER;
use crate::error::{Error, Kind, Result};
use crate::record::Object;

/// A change of the account. Fields are those of the account: links as numbers, RFC 3339, ISO days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// A new row, like the first one but for these fields.
    Insert {
        /// The row's object.
        object: Object,
        /// What it holds otherwise.
        #[serde(default)]
        fields: Map<String, Value>,
    },
    /// Other values in a row.
    Change {
        /// The row's object.
        object: Object,
        /// Its number.
        key: u64,
        /// The values.
        fields: Map<String, Value>,
    },
    /// A row is deleted.
    Delete {
        /// The row's object.
        object: Object,
        /// Its number.
        key: u64,
    },
}

/// Edits that happen while somebody turns pages: right after so many answered lists of an object, counted from now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// The object whose lists count.
    pub object: Object,
    /// After so many of them, at least 1.
    pub after: u32,
    /// What happens then.
    pub edits: Vec<Edit>,
}

/// The hooks that have not struck.
#[derive(Debug, Default)]
pub(super) struct Hooks(Vec<Hook>);

impl Hooks {
    pub(super) fn add(&mut self, hook: Hook) {
        self.0.push(hook);
    }

    /// A list of an object was answered.
    pub(super) fn listed(&mut self, object: Object, store: &mut Store, at: i64) {
        for hook in self.0.iter_mut().filter(|hook| hook.object == object) {
            hook.after = hook.after.saturating_sub(1);
        }
        let due = self.0.extract_if(.., |hook| hook.object == object && hook.after == 0).collect::<Vec<_>>();
        for edit in due.into_iter().flat_map(|hook| hook.edits) {
            // A hook may name a row that is gone meanwhile; then there is nothing to do.
            drop(apply(store, edit, at));
        }
    }
}

/// Makes an edit; gives the row's number.
pub(super) fn apply(store: &mut Store, edit: Edit, at: i64) -> Result<u64> {
    let gone = |object: Object, key: u64| Error::new(Kind::Gone, format!("{object} {key}: there is no such live row"));
    match edit {
        Edit::Insert { object, fields } => {
            let none = || Error::new(Kind::Gone, format!("{object}: there is no row to be like"));
            store.insert(object, fields, at).ok_or_else(none)
        }
        Edit::Change { object, key, fields } => match store.change(object, key, fields, at) {
            true => Ok(key),
            false => Err(gone(object, key)),
        },
        Edit::Delete { object, key } => match store.delete(object, key, at) {
            true => Ok(key),
            false => Err(gone(object, key)),
        },
    }
}

impl State {
    pub(super) fn edit(&mut self, edit: Edit, now: Timestamp) -> Result<u64> {
        apply(&mut self.store, edit, now.as_second())
    }

    pub(super) fn drift(&mut self, drift: Drift) -> Result<()> {
        self.drifted.apply(drift, &mut self.shape)
    }

    pub(super) fn undo_drift(&mut self) {
        self.drifted.undo(&mut self.shape);
    }
}

/// The address of the API.
pub(super) fn root(shared: &Shared, shape: &Shape) -> String {
    format!("{}{}", shared.site, route::base_path(shape))
}

/// The paths of the second port.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route(&format!("{STORAGE}{{file}}"), get(storage))
        .route("/truth/{object}", get(told))
        .route("/ledger", get(ledger))
        .route("/shape", get(shape))
        .route("/edits", post(edit))
        .route("/rounds/{round}", post(round))
        .route("/hooks", post(hook))
        .route("/drift", post(drift).delete(undo_drift))
        .with_state(Arc::clone(shared))
}

async fn storage(Extract(shared): Extract<Arc<Shared>>, request: Request) -> Response {
    let call = request.headers().get(CALL_HEADER).and_then(|value| value.to_str().ok().map(str::to_owned));
    let served = shared.clock.serve(call.as_deref());
    let reply = match incoming(request).await {
        Some(incoming) => files::of_storage(&incoming, shared.clock.utc().as_second()),
        None => Reply::empty(413),
    };
    served.hold(std::time::Duration::from_millis(shared.settings.rtt_ms)).await;
    reply.into_response()
}

async fn told(Extract(shared): Extract<Arc<Shared>>, Path(object): Path<String>) -> Response {
    let Some(object) = Object::parse(&object) else { return wrong("there is no such object") };
    let state = shared.lock();
    let root = root(&shared, &state.shape);
    let rows = truth::all(&state.desk(&shared, &root), object);
    Json(json!(rows)).into_response()
}

async fn ledger(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let books = shared.lock().books(shared.clock.now());
    Json(json!(books)).into_response()
}

async fn shape(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let shape = shared.lock().shape.to_string();
    Json(json!({"shape": shape})).into_response()
}

async fn edit(Extract(shared): Extract<Arc<Shared>>, body: std::result::Result<Json<Edit>, JsonRejection>) -> Response {
    match body {
        Ok(Json(edit)) => said(shared.lock().edit(edit, shared.clock.utc()).map(|key| json!({"key": key}))),
        Err(rejection) => wrong(&rejection.body_text()),
    }
}

async fn round(Extract(shared): Extract<Arc<Shared>>, Path(round): Path<u32>) -> Response {
    let summary = shared.lock().store.edit_round(round, shared.clock.utc());
    Json(json!(summary)).into_response()
}

async fn hook(Extract(shared): Extract<Arc<Shared>>, body: std::result::Result<Json<Hook>, JsonRejection>) -> Response {
    match body {
        Ok(Json(hook)) => {
            shared.lock().hooks.add(hook);
            Json(json!({"added": true})).into_response()
        }
        Err(rejection) => wrong(&rejection.body_text()),
    }
}

async fn undo_drift(Extract(shared): Extract<Arc<Shared>>) -> Response {
    shared.lock().undo_drift();
    Json(json!({"drifted": false})).into_response()
}

async fn drift(
    Extract(shared): Extract<Arc<Shared>>,
    body: std::result::Result<Json<Drift>, JsonRejection>,
) -> Response {
    match body {
        Ok(Json(drift)) => said(shared.lock().drift(drift).map(|()| json!({"drifted": true}))),
        Err(rejection) => wrong(&rejection.body_text()),
    }
}

fn said(done: Result<Value>) -> Response {
    match done {
        Ok(value) => Json(value).into_response(),
        Err(error) => wrong(error.message()),
    }
}

fn wrong(message: &str) -> Response {
    Fault::bad(message).reply(&Shape::default()).into_response()
}
