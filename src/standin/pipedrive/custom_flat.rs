//! Custom values of leads: flat top-level keys in API v1's format, over the fields of deals.
//!
//! Format: fact sheet 5.10 (v1 column). A value is turned into v2's form and read by the same rules.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::address;
use super::check::Body;
use super::custom::{self, Custom, CustomValue};
use super::field_set::{FieldDef, FieldKind, FieldSet};
use super::state::State;

/// Digits of a field's code.
const CODE_DIGITS: usize = 40;

/// Takes every key of a custom field out of a body; keys of unknown fields stay in it.
pub(super) fn read(custom: &mut Custom, body: &mut Body, fields: &FieldSet, state: &State) {
    let codes: BTreeSet<String> = body.names().filter_map(|key| Some(key.get(..CODE_DIGITS)?.to_owned())).collect();
    for code in codes {
        let Some(field) = fields.custom(&code) else { continue };
        let whole = body.take(&code);
        let parts: Map<String, Value> = suffixes(field.kind)
            .iter()
            .filter_map(|part| Some(((*part).to_owned(), body.take(&format!("{code}_{part}"))?)))
            .collect();
        if whole.is_none() && parts.is_empty() {
            continue;
        }
        let value = to_v2(field, custom.get(field.number), whole, parts, &state.settings.currency);
        match custom::read(field, &value, state) {
            Ok(value) => custom.set(field.number, value),
            Err(why) => body.problem(&code, why),
        }
    }
}

/// Appends the keys of all values that are set, each with a comma before it; unset fields have no key.
pub(super) fn write(custom: &Custom, fields: &FieldSet, out: &mut Vec<u8>) {
    for field in fields.live_custom() {
        let Some(value) = custom.get(field.number) else { continue };
        for (suffix, value) in from_v2(field, value) {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(field.code.as_bytes());
            if !suffix.is_empty() {
                out.push(b'_');
                out.extend_from_slice(suffix.as_bytes());
            }
            out.extend_from_slice(b"\":");
            custom::write_json(&value, out);
        }
    }
}

/// The parts that a type has besides its main value.
fn suffixes(kind: FieldKind) -> &'static [&'static str] {
    match kind {
        FieldKind::Monetary => &["currency"],
        FieldKind::Daterange => &["until"],
        FieldKind::Time => &["timezone_id"],
        FieldKind::Timerange => &["until", "timezone_id"],
        FieldKind::Address => &address::PARTS,
        _ => &[],
    }
}

/// A v1 value in v2's form. A part alone is laid over the value that is there.
fn to_v2(
    field: &FieldDef,
    own: Option<&CustomValue>,
    whole: Option<Value>,
    parts: Map<String, Value>,
    currency: &str,
) -> Value {
    let composite = !suffixes(field.kind).is_empty();
    match (whole, field.kind) {
        (Some(Value::Null), _) => Value::Null,
        (Some(Value::String(text)), FieldKind::Set) => text.split(',').map(|id| number(id.trim())).collect(),
        (Some(Value::String(text)), FieldKind::Enum) => number(&text),
        (Some(whole), _) if !composite => whole,
        (whole, kind) => {
            let mut keys = match (&whole, own.map(|own| json!(own))) {
                (None, Some(Value::Object(keys))) => keys,
                _ => Map::new(),
            };
            if kind == FieldKind::Monetary && !keys.contains_key("currency") {
                keys.insert("currency".to_owned(), Value::from(currency));
            }
            keys.extend(whole.map(|whole| ("value".to_owned(), whole)));
            keys.extend(parts);
            Value::Object(keys)
        }
    }
}

/// The number in a text; the text itself if there is none, which is then refused by its type.
fn number(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

/// The suffixes and values of a value in v1's form; no suffix for the main one.
fn from_v2(field: &FieldDef, value: &CustomValue) -> Vec<(&'static str, Value)> {
    match value {
        // Option ids are texts in answers of v1, several in one text; options may have been deleted since.
        CustomValue::Id(id) if field.kind == FieldKind::Enum => {
            let id = field.has_option(*id).then(|| Value::from(id.to_string()));
            id.map(|id| ("", id)).into_iter().collect()
        }
        CustomValue::Ids(ids) => {
            let ids: Vec<String> = ids.iter().filter(|id| field.has_option(**id)).map(u64::to_string).collect();
            if ids.is_empty() { Vec::new() } else { vec![("", Value::from(ids.join(",")))] }
        }
        value => match json!(value) {
            Value::Object(mut keys) => {
                let main = ("", keys.remove("value").unwrap_or_default());
                let part = |part: &&'static str| Some((*part, keys.get(*part)?.clone()));
                std::iter::once(main).chain(suffixes(field.kind).iter().filter_map(part)).collect()
            }
            whole => vec![("", whole)],
        },
    }
}
