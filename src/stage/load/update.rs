//! Changes: only the fields that the source changed, after a look at what Pipedrive holds now.
//!
//! Pipedrive has no compare-and-set, so a change by a person in the moment between our look and our write can be
//! overwritten; it is found afterwards by the verification. What was changed on both sides before the look is decided by
//! [`Conflict`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Loader;
use super::send::Write;
use crate::clean::existing::is_blank;
use crate::config::Conflict;
use crate::error::Result;
use crate::journal::{DECISION, EffectKind, Intent, Question, RoleFate};
use crate::pipedrive::{Api, Listing, Row, differences, route};
use crate::record::{Entity, Fate, Finding};
use crate::stage::item::{Known, Manner, Ready};

/// Rows that one call reads by their ids at the most (OpenAPI v2: `ids`).
const IDS: usize = 100;

/// What a parked role waits for when the record that was found for it is gone: the next round.
const VANISHED: &str = "pipedrive";

/// Values by field; custom fields under `custom_fields/CODE`, so that each is compared and sent by itself.
type Fields = HashMap<String, Value>;

/// Records as they are now.
struct Now {
    rows: HashMap<(Entity, Arc<str>), Row>,
    /// Read through lists, which may lag.
    listed: HashSet<Entity>,
}

/// What a change comes to.
enum Decision {
    /// Something is to be sent.
    Send(Write),
    /// Pipedrive holds it all already, or people's values are kept.
    Holds(Intent),
}

impl Loader {
    /// Plans the changes of a batch. Records that need none are brought up to date in the journal at once.
    pub(super) async fn updates_of(&self, batch: Vec<Ready>) -> Result<Vec<Write>> {
        let mut unchanged = Vec::new();
        let mut changed = Vec::new();
        for mut ready in batch {
            if ready.manner == Manner::Ours {
                self.markers.put(ready.entity, &ready.key, &mut ready.body);
            }
            let Some(known) = ready.known.take() else { continue };
            let wanted = changes(&ready.body, &known.asked);
            if wanted.is_empty() {
                let end = RoleFate::new(ready.key, ready.entity, ready.version, Fate::Loaded);
                unchanged.push(end.at(known.dest_id));
            } else {
                changed.push((ready, known, wanted));
            }
        }
        let mut now = self.rows_now(&changed).await?;
        let mut writes = Vec::with_capacity(changed.len());
        let mut held = Vec::new();
        for (ready, known, wanted) in changed {
            let mut row = now.rows.remove(&(ready.entity, Arc::clone(&known.dest_id)));
            if now.listed.contains(&ready.entity)
                && row.as_ref().is_none_or(|row| is_suspect(&ready, &known, &wanted, row))
            {
                // A lagging list is no reason to say that people deleted or changed a record; the record itself is.
                row = self.client.get(ready.entity, &known.dest_id).await?;
            }
            match row {
                None if known.existing && known.base.is_empty() => self.forget_vanished(&ready, &known).await?,
                None => self.ask_about_missing(&ready, &known).await?,
                Some(row) => match self.decide(&ready, &known, wanted, &row).await? {
                    Decision::Send(write) => writes.push(write),
                    Decision::Holds(intent) => held.push((intent, row)),
                },
            }
        }
        self.journal.end_roles(unchanged).await?;
        self.hold(held).await?;
        Ok(writes)
    }

    /// What Pipedrive holds now: 100 rows a call where the API can, one by one elsewhere.
    async fn rows_now(&self, changed: &[(Ready, Known, Fields)]) -> Result<Now> {
        let mut by_entity: HashMap<Entity, Vec<Arc<str>>> = HashMap::new();
        for (ready, known, _) in changed {
            by_entity.entry(ready.entity).or_default().push(Arc::clone(&known.dest_id));
        }
        let mut now = Now { rows: HashMap::new(), listed: HashSet::new() };
        for (entity, ids) in by_entity {
            // One call for up to 100 rows costs as much as ten single reads (OpenAPI v2: list 10, get 1).
            let together = route(entity).api == Api::V2 && ids.len() > 10;
            if together {
                now.listed.insert(entity);
            }
            let chunks = if together { ids.chunks(IDS) } else { ids.chunks(1) };
            for ids in chunks {
                let found = if together {
                    let listing = Listing { ids: ids.to_vec(), ..Listing::default() };
                    self.client.page(entity, &listing, None).await?.rows
                } else {
                    self.client.get(entity, &ids[0]).await?.into_iter().collect()
                };
                now.rows.extend(found.into_iter().map(|row| ((entity, Arc::clone(&row.id)), row)));
            }
        }
        Ok(now)
    }

    /// Field by field: who changed it, and what is sent.
    async fn decide(&self, ready: &Ready, known: &Known, wanted: Fields, row: &Row) -> Result<Decision> {
        let (base, now, promised) = (fields(&known.base), fields(&row.body), fields(&known.promise));
        let mut promise = if ready.manner == Manner::Fill { promised.clone() } else { fields(&ready.body) };
        keep_earlier(&mut promise, &wanted, known);
        let (mut sent, mut preimage, mut conflicts) = (Fields::new(), Fields::new(), Vec::new());
        for (field, value) in wanted {
            let current = now.get(&field).cloned().unwrap_or(Value::Null);
            // What people keep in a record of theirs is not ours to promise, unless we put it there.
            let is_theirs = ready.manner == Manner::Fill && !promised.contains_key(&field);
            if is_theirs && (is_blank(&value) || !is_blank(&current)) {
                continue;
            }
            if ready.manner == Manner::Fill {
                promise.insert(field.clone(), value.clone());
            }
            if same(ready.entity, &field, &value, &current) {
                continue;
            }
            let has_base = !is_theirs && (ready.manner == Manner::Ours || !base.is_empty());
            if has_base && is_by_people(ready.entity, &field, &base, &current) && self.pipedrive_wins(ready, row) {
                conflicts.push(conflict(&field, &value, &current));
                promise.insert(field, current);
                continue;
            }
            preimage.insert(field.clone(), current);
            sent.insert(field, value);
        }
        self.report(ready, conflicts).await?;
        let sends = !sent.is_empty();
        if sends && ready.manner != Manner::Ours {
            // What we write to carries our marker from then on. Alone it is not worth a call.
            let mut marker = Map::new();
            self.markers.put(ready.entity, &ready.key, &mut marker);
            for (field, value) in fields(&marker) {
                preimage.insert(field.clone(), now.get(&field).cloned().unwrap_or(Value::Null));
                promise.insert(field.clone(), value.clone());
                sent.insert(field, value);
            }
        }
        let (promise, asked) = (body(promise), &ready.body);
        let intent = Intent {
            key: ready.key.clone(),
            version: ready.version,
            entity: ready.entity,
            kind: EffectKind::Update,
            asked: (promise != *asked).then(|| Value::Object(asked.clone()).to_string()),
            body: Value::Object(promise).to_string(),
            sent: Some(Value::Object(body(sent)).to_string()),
            floor_id: None,
            dest_id: Some(Arc::clone(&known.dest_id)),
            preimage: Some(Value::Object(body(preimage)).to_string()),
            tries: 1,
        };
        let fate = if ready.manner == Manner::Ours { Fate::Loaded } else { Fate::Matched };
        Ok(if sends { Decision::Send(Write { fate, ..Write::new(intent) }) } else { Decision::Holds(intent) })
    }

    fn pipedrive_wins(&self, ready: &Ready, row: &Row) -> bool {
        if ready.manner == Manner::Fill {
            return true;
        }
        match self.limits.conflict {
            Conflict::Source => false,
            Conflict::Pipedrive | Conflict::Ask => true,
            Conflict::Newest => match (ready.modified, row.time("update_time")) {
                (Some(source), Some(pipedrive)) => pipedrive >= source,
                _ => true,
            },
        }
    }

    async fn report(&self, ready: &Ready, conflicts: Vec<Finding>) -> Result<()> {
        if conflicts.is_empty() {
            return Ok(());
        }
        if self.limits.conflict == Conflict::Ask {
            let questions = conflicts.iter().map(|finding| Question {
                topic: "conflict".to_owned(),
                subject: format!("{} {}", ready.key, finding.field),
                text: finding.detail.clone(),
            });
            self.journal.ask(questions.collect(), self.clock.utc()).await?;
        }
        self.journal.add_findings(vec![(ready.key.clone(), conflicts)]).await
    }

    /// Somebody deleted or merged a record after it was found and before anything was written to it: it is as if it had
    /// never been found, and the next round makes one.
    async fn forget_vanished(&self, ready: &Ready, known: &Known) -> Result<()> {
        self.journal.forget_gone(ready.entity, vec![Arc::clone(&known.dest_id)]).await?;
        let end = RoleFate::new(ready.key.clone(), ready.entity, ready.version, Fate::Parked)
            .because(format!("{} {} was found and then deleted in Pipedrive", ready.entity, known.dest_id))
            .waiting_for(VANISHED)
            .gone();
        self.journal.end_roles(vec![end]).await
    }

    /// Somebody deleted or merged the record in Pipedrive while the source went on changing it.
    async fn ask_about_missing(&self, ready: &Ready, known: &Known) -> Result<()> {
        let reason = format!("{} {} was deleted in Pipedrive while the source changed it", ready.entity, known.dest_id);
        let question = Question {
            topic: "deleted".to_owned(),
            subject: ready.key.to_string(),
            text: format!("{reason}; make it again?"),
        };
        self.journal.ask(vec![question], self.clock.utc()).await?;
        let end = RoleFate::new(ready.key.clone(), ready.entity, ready.version, Fate::Parked)
            .because(reason)
            .waiting_for(DECISION);
        self.journal.end_roles(vec![end]).await
    }
}

/// People's values that were kept earlier stay promised while the source does not change those fields again.
fn keep_earlier(promise: &mut Fields, wanted: &Fields, known: &Known) {
    let asked = fields(&known.asked);
    for (field, kept) in fields(&known.promise) {
        if asked.get(&field) != Some(&kept) && !wanted.contains_key(&field) {
            promise.insert(field, kept);
        }
    }
}

/// Whether a row from a list may say something that is not so any more: that people changed what the source changed.
fn is_suspect(ready: &Ready, known: &Known, wanted: &Fields, row: &Row) -> bool {
    let (base, now) = (fields(&known.base), fields(&row.body));
    if known.existing && base.is_empty() {
        return false;
    }
    let is_by_people =
        |field: &String| is_by_people(ready.entity, field, &base, now.get(field).unwrap_or(&Value::Null));
    wanted.keys().any(is_by_people)
}

fn is_by_people(entity: Entity, field: &str, base: &Fields, current: &Value) -> bool {
    !same(entity, field, base.get(field).unwrap_or(&Value::Null), current)
}

fn conflict(field: &str, source: &Value, pipedrive: &Value) -> Finding {
    let detail =
        format!("both sides changed it: the source to {source}, Pipedrive to {pipedrive}; Pipedrive's value was kept");
    Finding::new("conflict", field, detail)
}

/// What the source changed since it asked last: changed and new values, and null for those that went away.
fn changes(body: &Map<String, Value>, asked: &Map<String, Value>) -> Fields {
    let (new, old) = (fields(body), fields(asked));
    let gone = old.iter().filter(|(field, value)| !new.contains_key(*field) && !value.is_null());
    let mut changes: Fields = gone.map(|(field, old)| (field.clone(), nothing_like(old))).collect();
    changes.extend(new.into_iter().filter(|(field, value)| old.get(field) != Some(value)));
    changes
}

/// Lists are emptied, everything else becomes null.
fn nothing_like(value: &Value) -> Value {
    if value.is_array() { Value::Array(Vec::new()) } else { Value::Null }
}

const CUSTOM: &str = "custom_fields/";

fn fields(body: &Map<String, Value>) -> Fields {
    let mut fields = Fields::new();
    for (field, value) in body {
        match (field.as_str(), value) {
            ("custom_fields", Value::Object(custom)) => {
                fields.extend(custom.iter().map(|(code, value)| (format!("{CUSTOM}{code}"), value.clone())));
            }
            _ => {
                fields.insert(field.clone(), value.clone());
            }
        }
    }
    fields
}

fn body(fields: Fields) -> Map<String, Value> {
    let mut body = Map::new();
    let mut custom = Map::new();
    for (field, value) in fields {
        match field.strip_prefix(CUSTOM) {
            // A set cannot be emptied by an empty list, only by null (documentation "Custom fields").
            Some(code) => {
                custom.insert(code.to_owned(), if value == Value::Array(Vec::new()) { Value::Null } else { value })
            }
            None => body.insert(field, value),
        };
    }
    if !custom.is_empty() {
        body.insert("custom_fields".to_owned(), Value::Object(custom));
    }
    body
}

fn same(entity: Entity, field: &str, one: &Value, other: &Value) -> bool {
    let name = field.strip_prefix(CUSTOM).unwrap_or(field).to_owned();
    let map = |value: &Value| Map::from_iter([(name.clone(), value.clone())]);
    differences(entity, &map(one), &map(other)).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("a map")
    }

    #[test]
    fn only_what_changed_is_sent() {
        let old = map(json!({"title": "a", "value": 1, "org_id": 7, "custom_fields": {"k": "x", "m": "y", "s": [1]}}));
        let new = map(json!({"title": "a", "value": 2, "custom_fields": {"k": "x", "m": "z", "n": 1}}));
        let sent = Value::Object(body(changes(&new, &old)));
        assert_eq!(sent, json!({"value": 2, "org_id": null, "custom_fields": {"m": "z", "n": 1, "s": null}}));
        assert!(changes(&new, &new).is_empty());
    }

    #[test]
    fn bodies_survive_the_split_into_fields() {
        let whole = map(json!({"title": "a", "custom_fields": {"k": {"value": 1, "currency": "EUR"}}}));
        assert_eq!(body(fields(&whole)), whole);
    }
}
