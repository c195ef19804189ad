//! Is what Pipedrive holds what we promised? Compares values the way Pipedrive keeps them.
//!
//! Pipedrive trims text, rounds numbers, sanitizes HTML, completes addresses and answers v1 enums as text. Such changes of
//! form are equal here; anything else is a difference. Sources: documentation "API v2 migration guide", "Custom fields".

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::record::Entity;

/// One value that is not what was promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field; custom fields by their code.
    pub field: String,
    /// What was promised, as JSON.
    pub promised: String,
    /// What is there, as JSON.
    pub found: String,
}

/// Every promised field that Pipedrive does not hold as promised. Fields that were not promised are not looked at.
#[must_use]
pub fn differences(entity: Entity, promise: &Map<String, Value>, found: &Map<String, Value>) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (field, promised) in promise {
        match (field.as_str(), promised, found.get(field)) {
            ("custom_fields", Value::Object(promised), found) => {
                let empty = Map::new();
                let found = found.and_then(Value::as_object).unwrap_or(&empty);
                for (code, promised) in promised {
                    push(&mut differences, entity, code, promised, found.get(code));
                }
            }
            (_, promised, found) => push(&mut differences, entity, field, promised, found),
        }
    }
    differences
}

/// How many fields a promise has: what a verification of it compares.
#[must_use]
pub fn field_count(promise: &Map<String, Value>) -> u64 {
    let custom = promise.get("custom_fields").and_then(Value::as_object).map_or(0, |custom| custom.len());
    let system = promise.keys().filter(|field| *field != "custom_fields").count();
    (system + custom) as u64
}

fn push(list: &mut Vec<Difference>, entity: Entity, field: &str, promised: &Value, found: Option<&Value>) {
    let found = found.unwrap_or(&Value::Null);
    if !same(entity, field, promised, found) {
        list.push(Difference { field: field.to_owned(), promised: promised.to_string(), found: found.to_string() });
    }
}

fn same(entity: Entity, field: &str, promised: &Value, found: &Value) -> bool {
    if promised == found {
        return true;
    }
    match (entity, field) {
        (Entity::Note, "content") | (Entity::Activity, "note") => return same_html(promised, found),
        (Entity::Activity, "participants") => return same_participants(promised, found),
        _ => {}
    }
    match field {
        "emails" | "phones" => return same_contacts(promised, found),
        "address" => return same_text(promised.get("value"), found.get("value")),
        "label_ids" => return as_set(promised) == as_set(found),
        _ if field.ends_with("_time") || field == "due_time" => return same_time(promised, found),
        _ => {}
    }
    same_value(promised, found)
}

/// Custom values and plain fields.
fn same_value(promised: &Value, found: &Value) -> bool {
    match (promised, found) {
        (Value::Number(_), Value::Number(_) | Value::String(_)) | (Value::String(_), Value::Number(_)) => {
            matches!((decimal(promised), decimal(found)), (Some(one), Some(other)) if one == other)
        }
        (Value::String(_), Value::String(_)) => {
            same_text(Some(promised), Some(found)) || (is_id_list(promised) && as_set(promised) == as_set(found))
        }
        (Value::Array(_), Value::Array(_) | Value::String(_)) => as_set(promised) == as_set(found),
        // Money, times and addresses come back with more parts than were sent.
        (Value::Object(promised), Value::Object(found)) => {
            promised.iter().all(|(part, promised)| same_value(promised, found.get(part).unwrap_or(&Value::Null)))
        }
        // An empty text is kept as nothing.
        (Value::String(text), Value::Null) => text.trim().is_empty(),
        _ => promised == found,
    }
}

fn same_text(promised: Option<&Value>, found: Option<&Value>) -> bool {
    let promised = promised.and_then(Value::as_str).map(squeeze);
    promised == found.and_then(Value::as_str).map(squeeze)
}

fn squeeze(text: &str) -> Cow<'_, str> {
    let tidy = !text.contains("  ") && !text.contains(|c: char| c.is_whitespace() && c != ' ') && text.trim() == text;
    if tidy { Cow::Borrowed(text) } else { Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" ")) }
}

/// HTML is the same when a reader sees the same words: sanitizers differ in tags and attributes.
fn same_html(promised: &Value, found: &Value) -> bool {
    let words = |value: &Value| value.as_str().map(|html| squeeze(&visible(html)).into_owned());
    words(promised) == words(found)
}

fn visible(html: &str) -> String {
    // A tag may stand for a break, so it must not glue two words together.
    let spaced = html.replace('<', " <");
    ammonia::Builder::empty().clean(&spaced).to_string()
}

fn same_contacts(promised: &Value, found: &Value) -> bool {
    let values = |list: &Value| -> Vec<String> {
        let values = list.as_array().map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(|entry| entry.get("value")?.as_str().map(|text| text.trim().to_owned())).collect()
    };
    values(promised) == values(found)
}

fn same_participants(promised: &Value, found: &Value) -> bool {
    let persons = |list: &Value| -> BTreeSet<String> {
        let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().filter_map(|entry| entry.get("person_id").map(ToString::to_string)).collect()
    };
    persons(promised) == persons(found)
}

/// `2020-01-31T10:00:00Z`, `2020-01-31 10:00:00` and, for times of day, `10:00` and `10:00:00`.
fn same_time(promised: &Value, found: &Value) -> bool {
    let plain = |value: &Value| {
        let text = value.as_str()?.trim().trim_end_matches('Z').replace('T', " ");
        let text = text.split_once('.').map_or(text.as_str(), |(whole, _)| whole).to_owned();
        Some(if text.len() == 5 { format!("{text}:00") } else { text })
    };
    plain(promised) == plain(found)
}

fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
}

fn is_id_list(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains(',') && text.chars().all(|c| c.is_ascii_digit() || c == ','))
}

fn as_set(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
        }
        Value::String(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(entity: Entity, promise: Value, found: Value, expected: &[&str]) {
        let (Value::Object(promise), Value::Object(found)) = (promise, found) else { panic!("maps") };
        let fields: Vec<_> =
            differences(entity, &promise, &found).into_iter().map(|difference| difference.field).collect();
        assert_eq!(fields, expected, "{promise:?} / {found:?}");
    }

    #[test]
    fn changes_of_form_are_equal() {
        check(Entity::Deal, json!({"value": 1250.10}), json!({"value": 1250.1}), &[]);
        check(Entity::Deal, json!({"title": " Fall  Kits "}), json!({"title": "Fall Kits"}), &[]);
        check(
            Entity::Deal,
            json!({"won_time": "2020-01-31T10:00:00Z"}),
            json!({"won_time": "2020-01-31 10:00:00"}),
            &[],
        );
        check(Entity::Lead, json!({"k": 42, "s": "2,1"}), json!({"k": "42", "s": "1,2"}), &[]);
        check(Entity::Activity, json!({"due_time": "09:30"}), json!({"due_time": "09:30:00"}), &[]);
        check(
            Entity::Organization,
            json!({"address": {"value": "1 Rd"}}),
            json!({"address": {"value": "1 Rd", "country": null}}),
            &[],
        );
        let money = json!({"custom_fields": {"k": {"value": 10, "currency": "EUR"}}});
        check(Entity::Deal, money, json!({"custom_fields": {"k": {"value": 10.00, "currency": "EUR"}}}), &[]);
        let emails = json!({"emails": [{"value": "a@b.test", "primary": true, "label": "work"}]});
        check(Entity::Person, emails, json!({"emails": [{"value": "a@b.test", "primary": true}]}), &[]);
        check(
            Entity::Note,
            json!({"content": "<p>Hi<b> you</b></p>"}),
            json!({"content": "<p>Hi <b>you</b></p>"}),
            &[],
        );
    }

    #[test]
    fn real_changes_are_differences() {
        check(Entity::Deal, json!({"value": 1250.10}), json!({"value": 1250.11}), &["value"]);
        check(Entity::Deal, json!({"title": "Fall"}), json!({"title": "fall"}), &["title"]);
        check(Entity::Deal, json!({"org_id": 7}), json!({"org_id": null}), &["org_id"]);
        check(Entity::Deal, json!({"custom_fields": {"k": "x"}}), json!({"custom_fields": {"k": null}}), &["k"]);
        check(Entity::Person, json!({"emails": [{"value": "a@b.test"}]}), json!({"emails": []}), &["emails"]);
        check(Entity::Note, json!({"content": "<p>one</p><p>two</p>"}), json!({"content": "<p>one</p>"}), &["content"]);
        check(Entity::Lead, json!({"label_ids": ["u1"]}), json!({"label_ids": ["u2"]}), &["label_ids"]);
    }

    #[test]
    fn every_promised_field_is_counted() {
        let promise = json!({"title": "x", "custom_fields": {"a": 1, "b": 2}});
        assert_eq!(field_count(promise.as_object().expect("a map")), 3);
    }
}
