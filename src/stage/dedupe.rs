//! Dedupe: what makes a record new, and what makes two records the same. The core, without I/O.

mod run;

use std::sync::Arc;

use serde_json::Value;

use crate::clean::keys;
use crate::mapping::Mapping;
use crate::record::{Entity, SourceRecord};

pub use run::{Dedupe, claim_text, run};

/// How much of BLAKE3 a digest keeps: at ten million records, a chance of 10⁻²⁵ that any two differ unseen.
pub const DIGEST_BYTES: usize = 16;

/// What two records with the same key are to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyStrength {
    /// The same: one live record.
    Same,
    /// Alike: both stay and are flagged.
    Alike,
}

/// A key of one destination of a record. Keys are compared within an entity, whichever object or role they come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DuplicateKey {
    /// Kind of the destination record.
    pub entity: Entity,
    /// Role of the destination record.
    pub role: Arc<str>,
    /// The cleaned parts, joined.
    pub key: String,
    /// What the same key means.
    pub strength: KeyStrength,
}

/// A digest of what a record says: its payload without the modified column, whether it was deleted, and its children in
/// any order. Equal digests mean that nothing changed.
#[must_use]
pub fn digest(record: &SourceRecord, mapping: &Mapping) -> [u8; DIGEST_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hash_record(record, mapping, &mut hasher);
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..DIGEST_BYTES]);
    digest
}

/// The keys of every destination that applies to a record; none for rows that are skipped, deleted or folded.
#[must_use]
pub fn duplicate_keys(record: &SourceRecord, mapping: &Mapping) -> Vec<DuplicateKey> {
    let mut found = Vec::new();
    let Some(rules) = mapping.object(record.object) else { return found };
    if record.deleted || rules.skipped(&record.payload).is_some() {
        return found;
    }
    for destination in rules.to.iter().filter(|destination| destination.applies.holds(&record.payload)) {
        let strengths =
            [(KeyStrength::Same, &destination.duplicate_key), (KeyStrength::Alike, &destination.similar_key)];
        for (strength, parts) in strengths {
            if let Some(key) = keys::key(parts, &record.payload, &mapping.owners, &mapping.defaults) {
                found.push(DuplicateKey {
                    entity: destination.entity,
                    role: Arc::clone(&destination.role),
                    key,
                    strength,
                });
            }
        }
    }
    found
}

/// Each piece is hashed with its length or kind before it, so that no two payloads spell the same bytes.
fn hash_record(record: &SourceRecord, mapping: &Mapping, hasher: &mut blake3::Hasher) {
    hash_text(record.object.as_str(), hasher);
    hash_text(&record.id, hasher);
    hasher.update(&[u8::from(record.deleted)]);
    let modified =
        mapping.object(record.object).and_then(|rules| rules.modified.as_ref()).map(|column| column.name.as_str());
    let mut names: Vec<&String> = record.payload.keys().filter(|name| Some(name.as_str()) != modified).collect();
    names.sort_unstable();
    hash_length(names.len(), hasher);
    for name in names {
        hash_text(name, hasher);
        hash_value(&record.payload[name], hasher);
    }
    let mut children: Vec<&SourceRecord> = record.children.iter().collect();
    children.sort_unstable_by(|one, other| (one.object, &one.id).cmp(&(other.object, &other.id)));
    hash_length(children.len(), hasher);
    for child in children {
        hash_record(child, mapping, hasher);
        // They may say in which currency the child's amount is. Without any, digests are as they always were.
        child.between.iter().for_each(|between| hash_record(between, mapping, hasher));
    }
}

fn hash_value(value: &Value, hasher: &mut blake3::Hasher) {
    match value {
        Value::Null => {
            hasher.update(b"0");
        }
        Value::Bool(flag) => {
            hasher.update(if *flag { b"t" } else { b"f" });
        }
        Value::Number(number) => {
            hasher.update(b"n");
            hash_text(number.as_str(), hasher);
        }
        Value::String(text) => {
            hasher.update(b"s");
            hash_text(text, hasher);
        }
        Value::Array(values) => {
            hasher.update(b"a");
            hash_length(values.len(), hasher);
            values.iter().for_each(|value| hash_value(value, hasher));
        }
        Value::Object(parts) => {
            hasher.update(b"o");
            hash_length(parts.len(), hasher);
            let mut names: Vec<&String> = parts.keys().collect();
            names.sort_unstable();
            for name in names {
                hash_text(name, hasher);
                hash_value(&parts[name], hasher);
            }
        }
    }
}

fn hash_text(text: &str, hasher: &mut blake3::Hasher) {
    hash_length(text.len(), hasher);
    hasher.update(text.as_bytes());
}

fn hash_length(length: usize, hasher: &mut blake3::Hasher) {
    hasher.update(&(length as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::{Object, Place};

    fn record(object: Object, id: &str, payload: Value) -> SourceRecord {
        SourceRecord {
            object,
            id: id.into(),
            payload: payload.as_object().expect("an object").clone(),
            modified: None,
            deleted: false,
            place: Place { origin: "test".into(), row: 1 },
            children: Vec::new(),
            between: Vec::new(),
        }
    }

    #[test]
    fn a_digest_follows_what_the_record_says() {
        let mapping = Mapping::promox();
        let of = |payload: Value| digest(&record(Object::Project, "1", payload), &mapping);
        let first = of(json!({"name": "Kits", "value": "1", "updated_at": "2024-01-01T00:00:00Z"}));
        assert_eq!(first, of(json!({"updated_at": "2025-01-01T00:00:00Z", "value": "1", "name": "Kits"})));
        assert_ne!(first, of(json!({"name": "Kits", "value": 1})));
        assert_ne!(first, of(json!({"name": "Kits", "value": "1", "rush": null})));
        assert_ne!(of(json!({"a": "b", "c": ""})), of(json!({"a": "", "c": "b"})));
        assert_ne!(of(json!({"a": ["b", "c"]})), of(json!({"a": ["bc"]})));
        let mut deleted = record(Object::Project, "1", json!({}));
        let live = digest(&deleted, &mapping);
        deleted.deleted = true;
        assert_ne!(live, digest(&deleted, &mapping));
    }

    #[test]
    fn a_digest_covers_children_in_any_order() {
        let mapping = Mapping::promox();
        let child = |id: &str, amount: i32| record(Object::Commission, id, json!({"amount": amount, "updated_at": id}));
        let mut project = record(Object::Project, "1", json!({"name": "Kits"}));
        let alone = digest(&project, &mapping);
        project.children = vec![child("1", 5), child("2", 6)];
        let both = digest(&project, &mapping);
        assert_ne!(alone, both);
        project.children.reverse();
        assert_eq!(both, digest(&project, &mapping));
        project.children[0] = child("2", 7);
        assert_ne!(both, digest(&project, &mapping));
    }

    #[test]
    fn leads_and_clients_share_the_keys_of_their_people() {
        let mapping = Mapping::promox();
        let client = json!({"first_name": "Dana", "last_name": "Ruiz", "email": "dana@x.org", "company": "Harbor"});
        let lead = json!({"name": "Ruiz, Dana", "email": "DANA@x.org", "company": " harbor ", "converted": false});
        let keys = |object, payload| {
            let mut keys = duplicate_keys(&record(object, "1", payload), &mapping);
            keys.sort();
            keys
        };
        let of_client = keys(Object::Client, client);
        assert_eq!(of_client, keys(Object::Lead, lead));
        let told: Vec<_> = of_client.iter().map(|key| (key.entity, key.key.as_str(), key.strength)).collect();
        assert_eq!(
            told,
            [
                (Entity::Organization, "harbor", KeyStrength::Same),
                (Entity::Person, "dana@x.org", KeyStrength::Alike),
                (Entity::Person, "dana@x.org\u{1f}dana ruiz\u{1f}harbor", KeyStrength::Same),
            ]
        );
        let converted = json!({"name": "Dana", "email": "dana@x.org", "converted": true});
        assert!(keys(Object::Lead, converted).is_empty());
        let of_known_client = json!({"name": "Dana", "email": "dana@x.org", "company": "Harbor", "client_id": 5});
        assert!(keys(Object::Lead, of_known_client).is_empty());
    }
}
