//! What happens when a record was written: its changelog grows, and webhooks hear of it.
//!
//! Changelogs: OpenAPI v1 of 2026-08-18, `GET /v1/{deals|persons|organizations}/{id}/changelog`. They have changes of
//! values only, newest first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::check;
use super::crud::{self, Resource};
use super::envelope::{Answer, Refusal};
use super::ledger::Write;
use super::list;
use super::noun::Noun;
use super::query::Query;
use super::state::{Act, State};
use super::webhooks;

/// Changes kept of the whole account; the oldest fall out, so that a long rehearsal does not grow without end.
const CHANGES_MAX: usize = 100_000;

/// One changed value of one record.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Change {
    field_key: String,
    old_value: Value,
    new_value: Value,
    actor_user_id: u64,
    time: Timestamp,
    by_api: bool,
}

/// Kind and number of a record, and the number of the change.
type Place = (Noun, u64, u64);

/// All changes that are kept.
#[derive(Debug, Default)]
pub(super) struct History {
    changes: BTreeMap<Place, Change>,
    oldest: VecDeque<Place>,
    next: u64,
}

impl History {
    /// Everything kept, for a file.
    pub(super) fn saved(&self) -> Value {
        json!(self.changes.iter().collect::<Vec<_>>())
    }

    /// The history of a file.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn restore(saved: Value) -> serde_json::Result<Self> {
        let changes: Vec<(Place, Change)> = serde_json::from_value(saved)?;
        let next = changes.iter().map(|((_, _, number), _)| *number).max().unwrap_or(0);
        let mut oldest: Vec<Place> = changes.iter().map(|(place, _)| *place).collect();
        oldest.sort_unstable_by_key(|(_, _, number)| *number);
        Ok(Self { changes: changes.into_iter().collect(), oldest: oldest.into(), next })
    }

    fn add(&mut self, noun: Noun, number: u64, change: Change) {
        self.next += 1;
        let place = (noun, number, self.next);
        self.changes.insert(place, change);
        self.oldest.push_back(place);
        if self.oldest.len() > CHANGES_MAX
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.changes.remove(&oldest);
        }
    }
}

/// Told after every write of a record, with what it was before; `None` where it was made.
pub(super) fn wrote<R: Resource>(state: &mut State, act: &Act, number: u64, before: Option<&Arc<R>>, write: Write) {
    let logged = write == Write::Update && matches!(R::NOUN, Noun::Deal | Noun::Person | Noun::Organization);
    let heard = webhooks::wants(state, R::NOUN, write);
    if !logged && !heard {
        return;
    }
    let Some(after) = R::table(state).get(number).cloned() else { return };
    let after_keys = keys(state, after.as_ref());
    let before_keys = before.map(|before| keys(state, before.as_ref()));
    let changed = before_keys.as_ref().map(|before| changes(before, &after_keys)).unwrap_or_default();
    if logged {
        for (field_key, (old_value, new_value)) in changed {
            let by_api = act.by_api;
            let change =
                Change { field_key, old_value, new_value, actor_user_id: act.user, time: act.second(), by_api };
            state.history.add(R::NOUN, number, change);
        }
    }
    if heard {
        webhooks::tell(state, act, (R::NOUN, write), &after.public_id(), (before_keys, after_keys));
    }
}

/// A record's keys as answers have them.
fn keys<R: Resource>(state: &State, row: &R) -> Map<String, Value> {
    let mut text = Vec::with_capacity(512);
    row.write(state, None, &mut text);
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Old and new value of each key that differs; custom fields are named by their codes.
fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> BTreeMap<String, (Value, Value)> {
    let mut changed = BTreeMap::new();
    for (key, new) in after {
        let old = before.get(key).unwrap_or(&Value::Null);
        match (old, new) {
            (Value::Object(old), Value::Object(new)) if key == "custom_fields" => changed.extend(changes(old, new)),
            (old, new) if old != new && key != "update_time" => {
                changed.insert(key.clone(), (old.clone(), new.clone()));
            }
            _ => {}
        }
    }
    changed
}

/// The changelog of a record: newest first, a page by a cursor.
///
/// # Errors
/// 404 for an unknown record; 400 for parameters that cannot be read.
pub(super) fn page<R: Resource>(state: &State, act: &Act, id: &str, query: &str) -> Result<Answer, Refusal> {
    let number = R::number(state, id).filter(|number| R::table(state).get(*number).is_some());
    let number = number.ok_or_else(|| Refusal::not_found(R::NAME))?;
    crud::visible::<R>(state, act, number)?;
    let mut query = Query::parse(query);
    let limit = list::limit(&mut query);
    let after = query.read("cursor", "cursor", |text| list::Cursor::parse(text, "change"));
    query.finish(true)?;
    let end = after.map_or(u64::MAX, |cursor| cursor.id);
    let mut own = state.history.changes.range((R::NOUN, number, 0)..(R::NOUN, number, end)).rev().peekable();
    let (mut rows, mut last) = (Vec::new(), None);
    while rows.len() < limit
        && let Some(((_, _, place), change)) = own.next()
    {
        rows.push(row(change));
        last = Some(*place);
    }
    let next = own.peek().and(last).map(|place| list::Cursor::after_id("change", place).text());
    let body = json!({"success": true, "data": rows, "additional_data": {"next_cursor": next}});
    Ok(Answer::json(200, body.to_string()))
}

fn row(change: &Change) -> Value {
    let text = |value: &Value| match value {
        Value::Null | Value::String(_) => value.clone(),
        other => Value::from(other.to_string()),
    };
    let (source, agent) = if change.by_api { ("api", Value::Null) } else { ("app", Value::from("Mozilla/5.0")) };
    json!({
        "field_key": change.field_key,
        "old_value": text(&change.old_value),
        "new_value": text(&change.new_value),
        "actor_user_id": change.actor_user_id,
        "time": check::v1_text(change.time),
        "change_source": source,
        "change_source_user_agent": agent,
        "is_bulk_update_flag": false,
    })
}
