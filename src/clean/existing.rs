//! Keys by which a record of Pipedrive and a draft of ours are found to be the same.
//!
//! A key is a digest: addresses and numbers of people who are not migrated leave no trace in the journal.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::keys::{self, BETWEEN};
use crate::mapping::defaults::Defaults;
use crate::mapping::existing::{Existing, KeyField, MatchKey};
use crate::record::{Draft, Entity, FieldValue};

/// How much of BLAKE3 a key keeps: at a million records, a chance of 10⁻²⁶ that any two meet by accident.
pub const KEY_BYTES: usize = 16;

/// Keys of one kind that one record has at the most. Nobody has more addresses; a record that does is found by the first.
const KEYS_MAX: usize = 64;

/// One key.
pub type Key = [u8; KEY_BYTES];

/// The keys of a draft for each key of the rule, in the rule's order; empty where a part of it is missing.
#[must_use]
pub fn keys_of_draft(rule: &Existing, draft: &Draft, defaults: &Defaults) -> Vec<Vec<Key>> {
    let texts = |field: KeyField| -> Vec<&str> {
        match draft.system(field.as_str()) {
            Some(FieldValue::Emails(values) | FieldValue::Phones(values)) => {
                values.iter().map(|contact| contact.value.as_str()).collect()
            }
            Some(FieldValue::Text(text) | FieldValue::Address(text) | FieldValue::Choice(text)) => vec![text],
            _ => Vec::new(),
        }
    };
    rule.by.iter().map(|key| keys_of(draft.entity, key, &texts, defaults)).collect()
}

/// The keys of a record as Pipedrive answers it, for every one of these.
#[must_use]
pub fn keys_of_row(entity: Entity, by: &BTreeSet<MatchKey>, row: &Map<String, Value>, defaults: &Defaults) -> Vec<Key> {
    let texts = |field: KeyField| -> Vec<&str> {
        match row.get(field.as_str()) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(|entry| entry.get("value")?.as_str()).collect(),
            Some(Value::Object(parts)) => parts.get("value").and_then(Value::as_str).into_iter().collect(),
            _ => Vec::new(),
        }
    };
    by.iter().flat_map(|key| keys_of(entity, key, &texts, defaults)).collect()
}

/// Every combination of the values of the parts.
fn keys_of<'a>(
    entity: Entity,
    key: &MatchKey,
    texts: &impl Fn(KeyField) -> Vec<&'a str>,
    defaults: &Defaults,
) -> Vec<Key> {
    let mut combined = vec![String::new()];
    for field in key {
        let values: BTreeSet<String> = texts(*field)
            .into_iter()
            .flat_map(|text| keys::values(text, field.clean(entity), defaults))
            .filter(|value| !value.is_empty())
            .collect();
        let with = |start: &String| -> Vec<String> {
            values.iter().map(|value| format!("{start}{BETWEEN}{field}{BETWEEN}{value}")).collect()
        };
        combined = combined.iter().flat_map(with).take(KEYS_MAX).collect();
    }
    combined.iter().map(|text| digest(entity, text)).collect()
}

fn digest(entity: Entity, text: &str) -> Key {
    let hash = blake3::hash(format!("{entity}{text}").as_bytes());
    let mut key = Key::default();
    key.copy_from_slice(&hash.as_bytes()[..KEY_BYTES]);
    key
}

/// Whether a field of Pipedrive holds nothing: null, blank text, an empty list, or parts that are all blank. Zero and
/// "no" are values.
#[must_use]
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        // An address or number that was deleted by hand may leave its entry behind, with its label.
        Value::Array(list) => list.iter().all(|entry| match entry {
            Value::Object(contact) => contact.get("value").is_some_and(is_blank),
            entry => is_blank(entry),
        }),
        // Money without an amount still has its currency, an address without a text none of its parts.
        Value::Object(parts) => parts.get("value").is_none_or(is_blank),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::existing::Then;
    use crate::record::{BindingKey, ContactValue, Object, Target};
    use serde_json::json;

    fn draft(fields: Vec<(&str, FieldValue)>) -> Draft {
        let fields = fields.into_iter().map(|(name, value)| (Target::System(name.to_owned()), value)).collect();
        let binding = BindingKey::new(Object::Client, "1", "person");
        Draft { binding, entity: Entity::Person, fields, duplicate_key: None }
    }

    fn contacts(values: &[&str]) -> Vec<ContactValue> {
        values.iter().map(|value| ContactValue { value: (*value).into(), label: "work".into() }).collect()
    }

    #[track_caller]
    fn check(by: &[KeyField], row: Value, expected: bool) {
        let rule = Existing { by: vec![by.to_vec()], then: Then::Fill };
        let ours = draft(vec![
            ("name", FieldValue::Text("Dana Ruiz".into())),
            ("emails", FieldValue::Emails(contacts(&["dana@x.org", "d.ruiz@x.org"]))),
            ("phones", FieldValue::Phones(contacts(&["+1 312 555 0100"]))),
        ]);
        let defaults = Defaults::promox();
        let ours: BTreeSet<Key> = keys_of_draft(&rule, &ours, &defaults).concat().into_iter().collect();
        let row = row.as_object().expect("an object").clone();
        let by = BTreeSet::from([by.to_vec()]);
        let found = keys_of_row(Entity::Person, &by, &row, &defaults).iter().any(|key| ours.contains(key));
        assert_eq!(found, expected, "{row:?}");
    }

    #[test]
    fn equal_values_are_found_in_any_spelling() {
        use KeyField::{Emails, Name, Phones};
        check(&[Emails], json!({"emails": [{"value": "other@x.org"}, {"value": " D.Ruiz@X.ORG "}]}), true);
        check(&[Emails], json!({"emails": [{"value": "dana@x.or"}]}), false);
        check(&[Emails], json!({"emails": [{"value": ""}], "name": "Dana Ruiz"}), false);
        check(&[Phones], json!({"phones": [{"value": "(312) 555-0100"}]}), true);
        check(&[Phones], json!({"phones": [{"value": "(312) 555-0101"}]}), false);
        check(&[Emails, Name], json!({"emails": [{"value": "dana@x.org"}], "name": "RUIZ,  Dana"}), true);
        check(&[Emails, Name], json!({"emails": [{"value": "dana@x.org"}], "name": "Ana Ruiz"}), false);
        check(&[Emails, Name], json!({"emails": [{"value": "dana@x.org"}]}), false);
        check(&[Emails], json!({}), false);
    }

    #[test]
    fn what_people_put_is_not_blank() {
        for blank in [
            json!(null),
            json!("  "),
            json!([]),
            json!([{"value": "", "primary": true, "label": "work"}]),
            json!({"value": null, "currency": "USD"}),
            json!({"value": "", "country": null}),
        ] {
            assert!(is_blank(&blank), "{blank}");
        }
        for value in [
            json!(0),
            json!(false),
            json!("x"),
            json!([7]),
            json!([{"value": "a@b.test", "label": "work"}]),
            json!({"value": 0, "currency": "USD"}),
        ] {
            assert!(!is_blank(&value), "{value}");
        }
    }
}
