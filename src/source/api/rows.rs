//! The rows of one answer: found where the profile says, and written as plain values, so that the mapping need not know how
//! this source writes custom fields, links, times and money. What the profile does not speak of stays as received.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::path::{find, take};
use super::soap::make_lists;
use super::time;
use crate::error::{Error, Kind, Result};
use crate::record::{Place, SourceRecord};
use crate::source::profile::{Custom, Deleted, LinkForm, List, MoneyForm, RowsForm, Stamp, TimeForm};
use crate::source::{RejectedRow, cut_text};

/// A row that is a record, or why it is none.
pub(in crate::source) type Row = Result<SourceRecord, RejectedRow>;

/// Reads rows as one list of the profile says.
#[derive(Debug, Clone)]
pub(in crate::source) struct Reader {
    pub(in crate::source) list: List,
    /// Zones of the columns with times.
    zones: BTreeMap<String, TimeZone>,
    /// The stamp's.
    stamp_zone: TimeZone,
}

impl Reader {
    /// A reader of a list in an account of a zone.
    ///
    /// # Errors
    /// `Settings` for a zone that nobody knows.
    pub(in crate::source) fn new(list: List, account_zone: Option<&str>) -> Result<Self> {
        let zone = |own: Option<&str>| {
            let name = own.or(account_zone);
            time::zone(name).ok_or_else(|| {
                let name = name.unwrap_or_default();
                Error::new(Kind::Settings, format!("source profile: '{name}' is not a time zone"))
            })
        };
        let stamp_zone = zone(list.stamp.as_ref().and_then(|stamp| stamp.zone.as_deref()))?;
        let zones = list
            .times
            .iter()
            .map(|(column, form)| Ok((column.clone(), zone(form.zone.as_deref())?)))
            .collect::<Result<_>>()?;
        Ok(Self { list, zones, stamp_zone })
    }

    /// Takes the rows out of an answer.
    ///
    /// # Errors
    /// `Source`, or `Drift` where the profile was made from answers, when there is no list at its place.
    pub(in crate::source) fn rows(&self, whole: &mut Value, origin: &Arc<str>) -> Result<Vec<Row>> {
        let list = &self.list;
        let missing = || {
            let kind = if list.columns.is_empty() { Kind::Source } else { Kind::Drift };
            let place = if list.rows.is_empty() { "at its top".to_owned() } else { format!("under '{}'", list.rows) };
            Error::new(kind, format!("reading {} {origin} from the source: no list {place}", self.verb()))
        };
        let is_within = list.form == RowsForm::Elements && holds_place(whole, &list.rows);
        let found = take(whole, &list.rows);
        let values: Vec<(Option<String>, Value)> = match (found, list.form) {
            (Some(Value::Null), _) if list.null_when_empty => Vec::new(),
            (Some(Value::Array(values)), RowsForm::List) => values.into_iter().map(|value| (None, value)).collect(),
            (Some(Value::Array(values)), RowsForm::AfterMetadata) => {
                values.into_iter().skip(1).map(|value| (None, value)).collect()
            }
            (Some(Value::Object(map)), RowsForm::Keyed) => {
                map.into_iter().map(|(id, value)| (Some(id), value)).collect()
            }
            (Some(Value::Array(values)), RowsForm::Elements) => values.into_iter().map(|value| (None, value)).collect(),
            (Some(value @ Value::Object(_)), RowsForm::Elements) => vec![(None, value)],
            (None, RowsForm::Elements) if is_within => Vec::new(),
            // PHP writes an empty object as an empty list.
            (Some(Value::Array(values)), RowsForm::Keyed) if values.is_empty() => Vec::new(),
            _ => return Err(missing()),
        };
        let rows = values.into_iter().enumerate().map(|(index, (key, value))| {
            let place = Place { origin: Arc::clone(origin), row: index as u64 + 1 };
            self.row(key, value, place)
        });
        Ok(rows.collect())
    }

    fn verb(&self) -> &'static str {
        match self.list.method {
            crate::source::profile::Method::Get => "GET",
            crate::source::profile::Method::Post => "POST",
        }
    }

    /// One row as a record.
    pub(in crate::source) fn row(&self, key: Option<String>, mut value: Value, place: Place) -> Row {
        let list = &self.list;
        let reject = |value: &Value, place, reason: &str| {
            Err(RejectedRow { reason: reason.to_owned(), text: cut_text(&value.to_string()), ..RejectedRow::at(place) })
        };
        if !list.row.is_empty() {
            value = take(&mut value, &list.row).unwrap_or(Value::Null);
        }
        let Value::Object(mut payload) = value else { return reject(&value, place, "it is not an object") };
        if let Some(soap) = &list.soap {
            make_lists(&mut payload, soap);
        }
        if list.wrapped {
            payload.values_mut().for_each(unwrap);
        }
        if let Some(key) = key
            && !payload.contains_key(&list.id)
        {
            payload.insert(list.id.clone(), Value::String(key));
        }
        let id = match payload.get(&list.id) {
            None => Err("it has no id"),
            Some(id) => id_text(id).ok_or("its id is neither text nor a whole number"),
        };
        let id = match id {
            Err(reason) => return reject(&Value::Object(payload), place, reason),
            Ok(id) => id,
        };
        let modified = list.stamp.as_ref().and_then(|stamp| self.stamp(&payload, stamp));
        let deleted = is_deleted(&payload, &list.deleted);
        self.plain(&mut payload);
        Ok(SourceRecord {
            object: list.object,
            id,
            payload,
            modified,
            deleted,
            place,
            children: Vec::new(),
            between: Vec::new(),
        })
    }

    fn stamp(&self, payload: &Map<String, Value>, stamp: &Stamp) -> Option<Timestamp> {
        let value = match payload.get(&stamp.column) {
            Some(value) => value,
            None => {
                let (first, rest) = stamp.column.split_once('.')?;
                find(payload.get(first)?, rest)?
            }
        };
        time::instant(value, stamp.style, &self.stamp_zone)
    }

    fn plain(&self, payload: &mut Map<String, Value>) {
        flatten(payload, &self.list.custom, self.list.wrapped);
        for (column, form) in &self.list.links {
            if let Some(value) = payload.get_mut(column)
                && let Some(rest) = plain_link(value, form)
            {
                for (name, value) in rest {
                    payload.entry(format!("{column}.{name}")).or_insert(value);
                }
            }
        }
        if let Some(stem) = &self.list.addresses {
            let own = payload.iter_mut().filter(|(column, _)| **column != self.list.id && !is_own_address(column));
            own.for_each(|(_, value)| plain_address(value, stem));
        }
        for (column, form) in &self.list.times {
            if let (Some(value), Some(zone)) = (payload.get_mut(column), self.zones.get(column)) {
                plain_time(value, form, zone);
            }
        }
        for (column, form) in &self.list.money {
            if let Some(value) = payload.get_mut(column)
                && let Some(currency) = plain_money(value, form)
            {
                payload.entry(format!("{column}_currency")).or_insert(currency);
            }
        }
    }
}

/// Whether there is something in which the rows would be, if there were any.
fn holds_place(whole: &Value, path: &str) -> bool {
    path.rsplit_once('.').is_none_or(|(outer, _)| find(whole, outer).is_some())
}

/// `{"value": x}` becomes x.
fn unwrap(value: &mut Value) {
    if let Value::Object(map) = value
        && let Some(inner) = map.get_mut("value")
    {
        *value = inner.take();
    }
}

/// Custom fields become columns beside the others. One whose name is taken gets the key of its place before it.
fn flatten(payload: &mut Map<String, Value>, custom: &Custom, wrapped: bool) {
    let add = |payload: &mut Map<String, Value>, key: &str, name: String, mut value: Value| {
        if wrapped || matches!(&value, Value::Object(map) if map.len() == 1 && map.contains_key("value")) {
            unwrap(&mut value);
        }
        let name = if payload.contains_key(&name) { format!("{key}.{name}") } else { name };
        payload.insert(name, value);
    };
    match custom {
        Custom::Inline => {}
        Custom::Map { key } => match payload.remove(key) {
            Some(Value::Object(fields)) => fields.into_iter().for_each(|(name, value)| add(payload, key, name, value)),
            // An empty list is how PHP writes an empty object.
            Some(Value::Array(list)) if list.is_empty() => {}
            Some(Value::Null) | None => {}
            Some(other) => drop(payload.insert(key.clone(), other)),
        },
        Custom::Pairs { key, name, value } => match payload.remove(key) {
            Some(Value::Array(pairs)) if pairs.iter().all(|pair| pair_name(pair, name).is_some()) => {
                for mut pair in pairs {
                    let own = pair_name(&pair, name).unwrap_or_default();
                    let held = take(&mut pair, value).unwrap_or(Value::Null);
                    add(payload, key, own, held);
                }
            }
            Some(Value::Null) | None => {}
            Some(other) => drop(payload.insert(key.clone(), other)),
        },
    }
}

fn pair_name(pair: &Value, name: &str) -> Option<String> {
    id_text(find(pair, name)?).map(|text| text.as_ref().to_owned())
}

/// Makes a link its id. Gives what else stood in the object.
fn plain_link(value: &mut Value, form: &LinkForm) -> Option<Map<String, Value>> {
    match form {
        LinkForm::Id | LinkForm::Name => None,
        LinkForm::Object(key) => {
            let Value::Object(map) = value else { return None };
            let id = map.remove(key)?;
            let rest = std::mem::take(map);
            *value = id;
            Some(rest)
        }
        LinkForm::Url => {
            let id = address_id(value.as_str()?)?.to_owned();
            *value = Value::String(id);
            None
        }
        LinkForm::Affixed { prefix, suffix } => {
            let inner = value.as_str()?.strip_prefix(prefix.as_str())?.strip_suffix(suffix.as_str())?;
            let id = inner.to_owned();
            *value = Value::String(id);
            None
        }
    }
}

/// Whether a column is one for the address of the row itself, or of something to be downloaded.
pub(in crate::source) fn is_own_address(column: &str) -> bool {
    let column = column.to_lowercase();
    ["self", "href", "link", "url", "website", "photo", "avatar", "image"].iter().any(|word| column.contains(word))
}

/// Makes the address of a record its id.
fn plain_address(value: &mut Value, stem: &str) {
    let id = value.as_str().filter(|text| text.starts_with(stem)).and_then(address_id).map(str::to_owned);
    if let Some(id) = id {
        *value = Value::String(id);
    }
}

/// The id that an address ends with.
fn address_id(text: &str) -> Option<&str> {
    let text = text.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let last = text.rsplit('/').next().unwrap_or_default();
    Some(last.trim_end_matches(".json")).filter(|id| !id.is_empty())
}

/// Writes a time as RFC 3339, and a day as a day. What cannot be read so stays as it is, for the mapping to complain about.
fn plain_time(value: &mut Value, form: &TimeForm, zone: &TimeZone) {
    match time::read(value, form.style, zone) {
        Some(time::Read::Instant(at)) => *value = Value::String(at.to_string()),
        Some(time::Read::Day(day)) => *value = Value::String(day.to_string()),
        None => {}
    }
}

/// Writes money as decimal text. Gives the currency that stood with it.
fn plain_money(value: &mut Value, form: &MoneyForm) -> Option<Value> {
    match form {
        MoneyForm::Cents => {
            let text = match &*value {
                Value::Number(number) => number.to_string(),
                Value::String(text) => text.trim().to_owned(),
                _ => return None,
            };
            let cents: i128 = text.parse().ok()?;
            let decimal = rust_decimal::Decimal::try_from_i128_with_scale(cents, 2).ok()?;
            *value = Value::String(decimal.to_string());
            None
        }
        MoneyForm::Object { amount, currency } => {
            let Value::Object(map) = value else { return None };
            let held = map.remove(amount)?;
            let currency = currency.as_ref().and_then(|key| map.remove(key));
            *value = match held {
                Value::Number(number) => Value::String(number.to_string()),
                other => other,
            };
            currency
        }
    }
}

/// Whether a row is marked as deleted.
pub(in crate::source) fn is_deleted(payload: &Map<String, Value>, deleted: &Deleted) -> bool {
    match deleted {
        Deleted::Vanishes => false,
        Deleted::Flag { column } => payload.get(column).is_some_and(is_true),
        Deleted::ActiveFlag { column } => payload.get(column).is_some_and(is_false),
        Deleted::Stamp { column } => payload.get(column).is_some_and(|value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => {
                !matches!(text.trim(), "" | "0" | "0000-00-00" | "0000-00-00 00:00:00" | "-" | "N/A")
            }
            Value::Number(number) => number.to_string() != "0",
            Value::Array(_) | Value::Object(_) => false,
            Value::Bool(true) => true,
        }),
        Deleted::Word { column, word } => {
            payload.get(column).and_then(Value::as_str).is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
        }
    }
}

/// The one record of an answer that has an id, however it is wrapped; `None` where none has it, or others stand beside it as
/// in a list.
pub(in crate::source) fn record_in<'v>(body: &'v Value, id: &str, wanted: &str) -> Option<&'v Map<String, Value>> {
    match body {
        Value::Object(map) => {
            let own = map.get(id).map(|own| own.get("value").unwrap_or(own)).and_then(id_text);
            if own.as_deref() == Some(wanted) {
                return Some(map);
            }
            map.values().find_map(|inner| record_in(inner, id, wanted))
        }
        Value::Array(list) if list.len() == 1 => list.iter().find_map(|inner| record_in(inner, id, wanted)),
        _ => None,
    }
}

/// An id as text: trimmed text, or a whole number with all its digits. `None` for anything else.
pub(in crate::source) fn id_text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(Arc::from),
        Value::Number(number) => {
            let text = number.to_string();
            let digits = text.strip_prefix('-').unwrap_or(&text);
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.into())
        }
        _ => None,
    }
}

/// Flags come as booleans, numbers and words (source API shapes, section 20).
pub(in crate::source) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.to_string() == "1",
        Value::String(text) => {
            matches!(text.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "y" | "on" | "t")
        }
        _ => false,
    }
}

/// The words and numbers for "no"; nothing at all is not one of them.
pub(in crate::source) fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !*flag,
        Value::Number(number) => number.to_string() == "0",
        Value::String(text) => {
            matches!(text.trim().to_ascii_lowercase().as_str(), "0" | "false" | "no" | "n" | "off" | "f")
        }
        _ => false,
    }
}
