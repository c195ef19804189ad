//! Webhooks: made and removed through API v1, and what they are told, in format 2.0. `delivery` sends it.
//!
//! Facts: fact sheet 5.14, document "Guide for Webhooks v2", OpenAPI v1 of 2026-08-18. Whether the ids in `meta` are
//! texts is in no document that we have; a setting decides. Format 1.0 is refused here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::check::{self, Body, Purpose};
use super::envelope::{Answer, Refusal};
use super::leads::with_milliseconds;
use super::ledger::Write;
use super::noun::Noun;
use super::state::{Act, State};
use super::users;
use crate::clock::Moment;

/// Webhooks of one user (document "Guide for Webhooks v2").
const PER_USER_MAX: usize = 40;

/// What a webhook can be about.
const OBJECTS: &[&str] =
    &["activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user", "*"];

/// What can have happened.
const ACTIONS: &[&str] = &["create", "change", "delete", "*"];

/// Events that wait to be sent; more are lost, as in a service that is overrun.
const OUTBOX_MAX: usize = 100_000;

/// One webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub(super) id: u64,
    owner_id: u64,
    user_id: u64,
    event_action: String,
    event_object: String,
    subscription_url: String,
    pub(super) http_auth_user: Option<String>,
    pub(super) http_auth_password: Option<String>,
    name: String,
    add_time: Timestamp,
    pub(super) last_delivery_time: Option<Timestamp>,
    pub(super) last_http_status: Option<u16>,
    /// First attempts that failed since the last one that did not.
    #[serde(skip)]
    pub(super) first_failures: u32,
    /// Nothing is sent before.
    #[serde(skip)]
    pub(super) banned_until: Option<Moment>,
    /// When a delivery last succeeded, or when the webhook was made.
    #[serde(skip)]
    pub(super) well_at: Moment,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) webhook: u64,
    pub(super) url: Url,
    pub(super) payload: Value,
}

/// All webhooks, and what is to be sent.
#[derive(Debug, Default)]
pub(super) struct Webhooks {
    pub(super) all: BTreeMap<u64, Webhook>,
    pub(super) next_id: u64,
    pub(super) outbox: Vec<Event>,
}

impl Webhook {
    fn row(&self, state: &State) -> Value {
        json!({
            "id": self.id,
            "company_id": state.settings.company_id,
            "owner_id": self.owner_id,
            "user_id": self.user_id,
            "event_action": self.event_action,
            "event_object": self.event_object,
            "subscription_url": self.subscription_url,
            "version": "2.0",
            "is_active": 1,
            "add_time": with_milliseconds(self.add_time),
            "remove_time": null,
            "type": "general",
            "http_auth_user": self.http_auth_user,
            "http_auth_password": self.http_auth_password,
            "remove_reason": null,
            "last_delivery_time": self.last_delivery_time.map(with_milliseconds),
            "last_http_status": self.last_http_status,
            "admin_id": self.owner_id,
            "name": self.name,
        })
    }

    fn hears(&self, object: &str, action: &str) -> bool {
        (self.event_object == "*" || self.event_object == object)
            && (self.event_action == "*" || self.event_action == action)
    }
}

/// `POST /v1/webhooks`. Wrong keys are told by field, in the envelope that webhooks have of their own.
pub(super) fn create(state: &mut State, act: &Act, bytes: &[u8]) -> Result<Answer, Refusal> {
    let mut body = Body::parse(bytes, Purpose::Create)?;
    let mut errors: Map<String, Value> = Map::new();
    let mut line = |body: &mut Body, key: &str, allowed: Option<&'static [&'static str]>| {
        let read = body.take(key).filter(|value| !value.is_null());
        let read = read.ok_or_else(|| "is required".to_owned()).and_then(|value| match allowed {
            Some(allowed) => check::one_of(allowed)(&value).map(str::to_owned),
            None => check::text(check::LINE_MAX)(&value),
        });
        read.map_err(|why| errors.insert(key.to_owned(), json!([why]))).unwrap_or_default()
    };
    let subscription_url = line(&mut body, "subscription_url", None);
    let event_action = line(&mut body, "event_action", Some(ACTIONS));
    let event_object = line(&mut body, "event_object", Some(OBJECTS));
    let name = line(&mut body, "name", None);
    if body.has("version") {
        line(&mut body, "version", Some(&["2.0"]));
    }
    if !subscription_url.is_empty() && address(&subscription_url).is_none() {
        errors.insert("subscription_url".to_owned(), json!(["invalid or non-reachable URL"]));
    }
    let (mut user_id, mut auth) = (act.user, (None, None));
    body.put("user_id", &mut user_id, check::link("User", |id| users::get(state, id).is_some()));
    body.put_or_null("http_auth_user", &mut auth.0, check::text(check::LINE_MAX));
    body.put_or_null("http_auth_password", &mut auth.1, check::text(check::LINE_MAX));
    body.finish(true)?;
    if !errors.is_empty() {
        return Ok(failed(400, errors));
    }
    if state.webhooks.all.values().filter(|own| own.user_id == user_id).count() >= PER_USER_MAX {
        let full = json!([format!("limit of {PER_USER_MAX} webhooks per user reached")]);
        return Ok(failed(422, Map::from_iter([("user_id".to_owned(), full)])));
    }
    state.webhooks.next_id += 1;
    let webhook = Webhook {
        id: state.webhooks.next_id,
        owner_id: act.user,
        user_id,
        event_action,
        event_object,
        subscription_url,
        http_auth_user: auth.0,
        http_auth_password: auth.1,
        name,
        add_time: act.millisecond(),
        last_delivery_time: None,
        last_http_status: None,
        first_failures: 0,
        banned_until: None,
        well_at: act.moment,
    };
    let row = webhook.row(state);
    state.webhooks.all.insert(webhook.id, webhook);
    state.books.wrote(Noun::Webhook, Write::Create);
    Ok(Answer::json(201, json!({"status": "ok", "success": true, "data": row}).to_string()))
}

/// `GET /v1/webhooks`: all of them, without pages.
pub(super) fn list(state: &State) -> Answer {
    let rows: Vec<Value> = state.webhooks.all.values().map(|own| own.row(state)).collect();
    Answer::json(200, json!({"status": "ok", "success": true, "data": rows}).to_string())
}

/// `DELETE /v1/webhooks/{id}`.
pub(super) fn delete(state: &mut State, id: &str) -> Answer {
    match id.parse().ok().and_then(|id: u64| state.webhooks.all.remove(&id)) {
        Some(_) => {
            state.books.wrote(Noun::Webhook, Write::Delete);
            Answer::json(200, r#"{"status":"ok","success":true}"#)
        }
        None => failed(404, Map::from_iter([("id".to_owned(), json!(["not found"]))])),
    }
}

fn failed(status: u16, errors: Map<String, Value>) -> Answer {
    Answer::json(status, json!({"status": "error", "success": false, "errors": errors}).to_string())
}

/// A stand-in never speaks to other machines: only plain HTTP to this one can be reached.
fn address(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let loopback = match url.host()? {
        url::Host::Ipv4(ip) => ip.is_loopback(),
        url::Host::Ipv6(ip) => ip.is_loopback(),
        url::Host::Domain(name) => name == "localhost",
    };
    (loopback && url.scheme() == "http").then_some(url)
}

fn action(write: Write) -> &'static str {
    match write {
        Write::Create => "create",
        Write::Update => "change",
        Write::Delete => "delete",
    }
}

/// True if a webhook wants to hear of such a write.
pub(super) fn wants(state: &State, noun: Noun, write: Write) -> bool {
    let all = &state.webhooks.all;
    !all.is_empty()
        && OBJECTS.contains(&noun.as_str())
        && all.values().any(|own| own.hears(noun.as_str(), action(write)))
}

/// Puts an event for every webhook that wants it into the outbox: what the record was and what it is.
pub(super) fn tell(
    state: &mut State,
    act: &Act,
    (noun, write): (Noun, Write),
    id: &Value,
    (before, after): (Option<Map<String, Value>>, Map<String, Value>),
) {
    let (data, previous) = match (write, before) {
        (Write::Create, _) => (Value::Object(after), Value::Null),
        (Write::Delete, before) => (Value::Null, before.map_or(Value::Null, Value::Object)),
        (Write::Update, before) => {
            let previous = before.map_or(Value::Null, |before| Value::Object(differences(before, &after)));
            (Value::Object(after), previous)
        }
    };
    let ids: Vec<u64> =
        state.webhooks.all.values().filter(|own| own.hears(noun.as_str(), action(write))).map(|own| own.id).collect();
    let correlation = state.uuid().to_string();
    for webhook in ids {
        let (event, as_text) = (state.uuid().to_string(), state.settings.webhook_ids_as_text);
        let own = &state.webhooks.all[&webhook];
        let text = |id: u64| if as_text { Value::from(id.to_string()) } else { Value::from(id) };
        let entity_id =
            if as_text { Value::from(id.as_str().map_or_else(|| id.to_string(), str::to_owned)) } else { id.clone() };
        let users: Vec<Value> = state.users.iter().map(|user| text(user.id)).collect();
        let meta = json!({
            "action": action(write),
            "entity": noun.as_str(),
            "entity_id": entity_id,
            "company_id": text(state.settings.company_id),
            "correlation_id": correlation,
            "id": event,
            "is_bulk_edit": false,
            "timestamp": with_milliseconds(act.now),
            "type": "general",
            "user_id": text(act.user),
            "version": "2.0",
            "webhook_id": text(webhook),
            "webhook_owner_id": text(own.owner_id),
            "change_source": if act.by_api { "api" } else { "app" },
            "permitted_user_ids": users,
            "attempt": 1,
            "host": format!("{}.pipedrive.com", state.settings.company_domain),
        });
        let Some(url) = address(&own.subscription_url) else { continue };
        if state.webhooks.outbox.len() < OUTBOX_MAX {
            let payload = json!({"meta": meta, "data": data, "previous": previous});
            state.webhooks.outbox.push(Event { webhook, url, payload });
        }
    }
}

/// The old values of all keys that differ.
fn differences(before: Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut changed = Map::new();
    for (key, old) in before {
        match (old, after.get(&key)) {
            (Value::Object(old), Some(Value::Object(new))) if key == "custom_fields" => {
                let inner = differences(old, new);
                if !inner.is_empty() {
                    changed.insert(key, Value::Object(inner));
                }
            }
            (old, new) if new != Some(&old) => {
                changed.insert(key, old);
            }
            _ => {}
        }
    }
    changed
}
