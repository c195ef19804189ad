//! Values of custom fields: read strictly by the type of their field, kept sparsely, written with a null for every field
//! that is not set.
//!
//! Formats: fact sheet 5.10 (v2 column). Leads read and write the same values in v1's flat format, in `custom_flat`.

use jiff::civil::{Date, Time};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::Address;
use super::check;
use super::field_set::{FieldDef, FieldKind, FieldSet};
use super::state::State;
use super::users;

/// One value. Serialized as v2 writes it. The large ones are boxed, because records keep many small ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum CustomValue {
    Text(Box<str>),
    Number(#[serde(with = "rust_decimal::serde::arbitrary_precision")] Decimal),
    Money(Box<Money>),
    /// Id of an option, user, organization or person.
    Id(u64),
    /// Ids of options, ascending.
    Ids(Box<[u64]>),
    Day(Date),
    Days {
        value: Date,
        until: Date,
    },
    Time(Box<TimeOfDay>),
    Address(Box<Address>),
}

/// An amount and its currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Money {
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    value: Decimal,
    currency: String,
}

/// A time of day, or two, in a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TimeOfDay {
    value: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
    timezone_id: Option<u64>,
    timezone_name: String,
}

/// The custom values of one record: those that are set, by the number of their field.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Custom(Vec<(u32, CustomValue)>);

impl Custom {
    /// The values with the numbers of their fields, for a file.
    pub(super) fn values(&self) -> &[(u32, CustomValue)] {
        &self.0
    }

    /// The value of a field.
    pub(super) fn get(&self, number: u32) -> Option<&CustomValue> {
        self.0.binary_search_by_key(&number, |(own, _)| *own).ok().map(|place| &self.0[place].1)
    }

    /// Sets or clears the value of a field.
    pub(super) fn set(&mut self, number: u32, value: Option<CustomValue>) {
        match (self.0.binary_search_by_key(&number, |(own, _)| *own), value) {
            (Ok(place), Some(value)) => self.0[place].1 = value,
            (Ok(place), None) => {
                self.0.remove(place);
            }
            (Err(place), Some(value)) => self.0.insert(place, (number, value)),
            (Err(_), None) => {}
        }
    }

    /// Takes over every value that it does not have itself.
    pub(super) fn fill(&mut self, other: &Self) {
        for (number, value) in &other.0 {
            if self.get(*number).is_none() {
                self.set(*number, Some(value.clone()));
            }
        }
    }

    /// Reads the object `custom_fields` of a body; what it does not name stays.
    ///
    /// # Errors
    /// The problem with the first key that is unknown or has a wrong value.
    pub(super) fn read(&mut self, value: &Value, fields: &FieldSet, state: &State) -> Result<(), String> {
        let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
        for (key, value) in keys {
            let field = fields.custom(key).ok_or_else(|| format!("Unknown key '{key}'"))?;
            let value = read(field, value, state).map_err(|why| format!("Field '{key}': {why}"))?;
            self.set(field.number, value);
        }
        Ok(())
    }

    /// Writes the object `custom_fields` of an answer: all fields, or only those named.
    pub(super) fn write(&self, fields: &FieldSet, only: Option<&[String]>, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut first = true;
        for field in fields.live_custom() {
            if only.is_some_and(|only| !only.contains(&field.code)) {
                continue;
            }
            if !first {
                out.push(b',');
            }
            first = false;
            out.push(b'"');
            out.extend_from_slice(field.code.as_bytes());
            out.extend_from_slice(b"\":");
            match self.get(field.number) {
                Some(value) => write(field, value, out),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
    }
}

/// Appends a value as JSON. Writing to memory cannot fail.
pub(super) fn write_json(value: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("rows have text keys and memory does not fail");
}

fn write(field: &FieldDef, value: &CustomValue, out: &mut Vec<u8>) {
    match value {
        // Options may have been deleted since.
        CustomValue::Id(id) if field.kind == FieldKind::Enum && !field.has_option(*id) => {
            out.extend_from_slice(b"null");
        }
        CustomValue::Ids(ids) => {
            let ids: Vec<u64> = ids.iter().copied().filter(|id| field.has_option(*id)).collect();
            if ids.is_empty() { out.extend_from_slice(b"null") } else { write_json(&ids, out) }
        }
        CustomValue::Address(address) => {
            let formatted = std::iter::once(("formatted_address", Some(address.value.as_str())));
            let keys: serde_json::Map<String, Value> = address
                .entries()
                .chain(formatted)
                .map(|(key, text)| (key.to_owned(), text.map_or(Value::Null, Value::from)))
                .collect();
            write_json(&keys, out);
        }
        value => write_json(value, out),
    }
}

/// Reads a value by the type of its field; null and empty text clear it.
pub(super) fn read(field: &FieldDef, value: &Value, state: &State) -> Result<Option<CustomValue>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let read = match field.kind {
        FieldKind::Varchar | FieldKind::VarcharAuto | FieldKind::Phone => return text(check::LINE_MAX, value),
        FieldKind::Text => return text(check::TEXT_MAX, value),
        FieldKind::Double => CustomValue::Number(check::number(value)?),
        FieldKind::Monetary => money(value, state)?,
        FieldKind::Enum => CustomValue::Id(option(field, value)?),
        FieldKind::Set => CustomValue::Ids(options(field, value)?.into()),
        FieldKind::User => CustomValue::Id(check::link("User", |id| users::get(state, id).is_some())(value)?),
        FieldKind::Org => {
            CustomValue::Id(check::link("Organization", |id| state.organizations.live(id).is_some())(value)?)
        }
        FieldKind::People => CustomValue::Id(check::link("Person", |id| state.persons.live(id).is_some())(value)?),
        FieldKind::Date => CustomValue::Day(check::day(value)?),
        FieldKind::Daterange => days(value)?,
        FieldKind::Time => time(value, &["value"], state)?,
        FieldKind::Timerange => time(value, &["value", "until"], state)?,
        FieldKind::Address => CustomValue::Address(Box::new(Address::read(value)?)),
    };
    Ok(Some(read))
}

fn text(max: usize, value: &Value) -> Result<Option<CustomValue>, String> {
    let text = check::any_text(max)(value)?;
    Ok((!text.is_empty()).then(|| CustomValue::Text(text.into())))
}

/// The id of an existing option.
fn option(field: &FieldDef, value: &Value) -> Result<u64, String> {
    check::link("Option", |id| field.has_option(id))(value)
}

/// Ids of existing options, each once; an empty list is refused (fact sheet 5.10).
fn options(field: &FieldDef, value: &Value) -> Result<Vec<u64>, String> {
    let mut ids = check::list(|item| option(field, item))(value)?;
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() { Err("Array must contain at least 1 element(s)".to_owned()) } else { Ok(ids) }
}

/// The parts of an object value: `needed` ones are present and not null, others are at most `optional`.
fn parts<'value>(
    value: &'value Value,
    needed: &[&str],
    optional: &[&str],
) -> Result<&'value serde_json::Map<String, Value>, String> {
    let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
    if let Some(key) = keys.keys().find(|key| !needed.contains(&key.as_str()) && !optional.contains(&key.as_str())) {
        return Err(format!("Unknown key '{key}'"));
    }
    match needed.iter().find(|key| keys.get(**key).is_none_or(Value::is_null)) {
        Some(key) => Err(format!("{key}: Required")),
        None => Ok(keys),
    }
}

fn money(value: &Value, state: &State) -> Result<CustomValue, String> {
    let parts = parts(value, &["value", "currency"], &[])?;
    let currency = users::currency(state)(&parts["currency"])?;
    let value = users::round_money(check::number(&parts["value"])?, &currency);
    Ok(CustomValue::Money(Box::new(Money { value, currency })))
}

fn days(value: &Value) -> Result<CustomValue, String> {
    let parts = parts(value, &["value", "until"], &[])?;
    Ok(CustomValue::Days { value: check::day(&parts["value"])?, until: check::day(&parts["until"])? })
}

fn time(value: &Value, needed: &[&str], state: &State) -> Result<CustomValue, String> {
    let parts = parts(value, needed, &["timezone_name", "timezone_id"])?;
    let (timezone_id, timezone_name) = zone(parts, state)?;
    let until = parts.get("until").map(check::time_of_day).transpose()?;
    let value = check::time_of_day(&parts["value"])?;
    Ok(CustomValue::Time(Box::new(TimeOfDay { value, until, timezone_id, timezone_name })))
}

/// The zone of a time: the user's by default (fact sheet 5.10).
fn zone(parts: &serde_json::Map<String, Value>, state: &State) -> Result<(Option<u64>, String), String> {
    let id = parts.get("timezone_id").filter(|id| !id.is_null()).map(check::whole(1, 10_000)).transpose()?;
    let name = match parts.get("timezone_name").filter(|name| !name.is_null()) {
        None => state.settings.timezone.clone(),
        Some(name) => {
            let name = check::text(check::LINE_MAX)(name)?;
            jiff::tz::TimeZone::get(&name).map_err(|_| format!("Unknown time zone '{name}'"))?;
            name
        }
    };
    Ok((id, name))
}
