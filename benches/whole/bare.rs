//! The yardstick: a bare loop that posts the same bodies to a fresh stand-in, with nothing kept and nothing checked.

use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::daemon::Part;
use crate::process::{Standin, Usage};

/// Kinds of record in the order of their loading, with their paths. The first two belong to the workspace.
const CREATED: [(&str, &str); 8] = [
    ("pipeline", "api/v2/pipelines"),
    ("stage", "api/v2/stages"),
    ("organization", "api/v2/organizations"),
    ("person", "api/v2/persons"),
    ("lead", "api/v1/leads"),
    ("deal", "api/v2/deals"),
    ("activity", "api/v2/activities"),
    ("note", "api/v1/notes"),
];

/// What is made before the records, by path, with the parts that are sent again.
const WORKSPACE: [(&str, &[&str]); 5] = [
    ("api/v2/organizationFields", &["field_name", "field_type", "options"]),
    ("api/v2/personFields", &["field_name", "field_type", "options"]),
    ("api/v2/dealFields", &["field_name", "field_type", "options"]),
    ("api/v1/leadLabels", &["name", "color"]),
    ("api/v1/activityTypes", &["name", "icon_key"]),
];

/// One account, as a plain client sees it.
pub(crate) struct Account<'a> {
    client: reqwest::Client,
    standin: &'a Standin,
}

/// Bodies of one kind of record, in the order of their intents.
pub(crate) struct Bodies {
    path: &'static str,
    bodies: Vec<Bytes>,
}

/// The bodies of every record that a migration made, from its journal.
pub(crate) fn bodies(folder: &Path) -> Vec<Bodies> {
    let journal = rusqlite::Connection::open(folder.join("journal.db")).expect("the journal opens");
    let sql = "SELECT body FROM effect WHERE entity = ?1 AND kind = 'create' AND state = 'done' ORDER BY id";
    let mut statement = journal.prepare(sql).expect("the journal has effects");
    let of = |(entity, path): (&str, &'static str)| {
        let bodies = statement.query_map([entity], |row| row.get::<_, String>(0)).expect("effects");
        Bodies { path, bodies: bodies.map(|body| body.expect("a body").into()).collect() }
    };
    CREATED.into_iter().map(of).collect()
}

/// How many records the bodies make, workspace left out.
pub(crate) fn count(bodies: &[Bodies]) -> usize {
    bodies.iter().skip(2).map(|kind| kind.bodies.len()).sum()
}

impl<'a> Account<'a> {
    pub(crate) fn new(standin: &'a Standin) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the yardstick is the bare client")]
        let builder = reqwest::Client::builder();
        let client = builder.no_proxy().tcp_nodelay(true).pool_max_idle_per_host(crate::CALLS_IN_FLIGHT);
        Self { client: client.build().expect("a client"), standin }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}/{path}", self.standin.address));
        let answer = request.header("x-api-token", &self.standin.token).bearer_auth(&self.standin.token).send().await;
        let body = answer.expect("an answer").bytes().await.expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// Posts one body and reads the whole answer.
    pub(crate) async fn post(&self, path: &str, body: Bytes) -> Bytes {
        let request = self.client.post(format!("{}/{path}", self.standin.address));
        let request = request.header("x-api-token", &self.standin.token).header("content-type", "application/json");
        let answer = request.body(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "POST {path}: {}", answer.status());
        answer.bytes().await.expect("a body")
    }

    /// Gives the account its users, so that owners are found.
    pub(crate) async fn invite(&self, users: &Value) {
        for user in users.as_array().into_iter().flatten() {
            self.post("standin/users", user.to_string().into()).await;
        }
    }

    /// Makes the workspace of another account of the same seed again: fields, labels and types get the same keys.
    pub(crate) async fn copy_workspace(&self, other: &Account<'_>) {
        for (path, parts) in WORKSPACE {
            let there = self.get(path).await;
            let there = keys(&there);
            let rows = other.get(&format!("{path}?limit=500")).await;
            for row in rows["data"].as_array().into_iter().flatten().filter(|row| !there.contains(&key(row))) {
                let sent = parts.iter().filter(|part| !row[**part].is_null());
                let mut body: Value = sent.map(|part| ((*part).to_owned(), row[*part].clone())).collect();
                if let Some(options) = row["options"].as_array() {
                    body["options"] = options.iter().map(|option| json!({ "label": option["label"] })).collect();
                }
                let made: Value =
                    serde_json::from_slice(&self.post(path, body.to_string().into()).await).expect("JSON");
                assert_eq!(key(&made["data"]), key(row), "{path}: another account of the same seed makes other keys");
            }
        }
    }

    /// Posts every body, one kind of record after the other, as many at a time as the daemon does.
    pub(crate) async fn post_all(&self, bodies: &[Bodies]) -> Part {
        let (workspace, records) = bodies.split_at(2);
        for kind in workspace {
            for body in &kind.bodies {
                self.post(kind.path, body.clone()).await;
            }
        }
        let pid = std::process::id();
        let (began, before) = (Instant::now(), Usage::of(pid));
        for kind in records {
            stream::iter(&kind.bodies)
                .map(|body| self.post(kind.path, body.clone()))
                .buffer_unordered(crate::CALLS_IN_FLIGHT)
                .for_each(|_| std::future::ready(()))
                .await;
        }
        Part { wall: began.elapsed(), used: Usage::of(pid).since(&before) }
    }
}

fn keys(list: &Value) -> Vec<String> {
    list["data"].as_array().into_iter().flatten().map(key).collect()
}

/// What names a field, label or type within its account.
fn key(row: &Value) -> String {
    ["field_code", "key_string", "id"]
        .iter()
        .find(|name| !row[**name].is_null())
        .map(|name| row[*name].to_string())
        .unwrap_or_default()
}
