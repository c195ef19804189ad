//! Whether a page still looks as the profile says. A page that does not is not read: what a renamed or retyped column would
//! load is wrong in every row.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;

use serde_json::Value;

use super::page::Counted;
use super::path::find;
use super::rows::Row;
use super::time;
use crate::error::{Error, Kind, Result};
use crate::record::SourceRecord;
use crate::source::profile::{List, TimeStyle, Total, ValueKind};

/// So many times of one column that cannot be read are no mistakes of people any more.
const UNREADABLE_TIMES: usize = 5;

/// What is different on a page, as the source of an error of kind `Drift`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drifted {
    /// Columns that are gone, and those whose values are of another kind, with what they are now.
    pub columns: BTreeMap<String, Option<ValueKind>>,
    /// True when nothing else is different, so that a profile with these columns could be followed.
    pub only_columns: bool,
    words: Vec<String>,
}

impl fmt::Display for Drifted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join("; "))
    }
}

impl StdError for Drifted {}

/// Compares a page with the profile. Rows of deleted records are often bare, so they do not count.
///
/// # Errors
/// `Drift` because of [`Drifted`]: every column that no row has any more, every one whose values are all of another kind,
/// times that are written otherwise, and counts that are not where they were.
pub(super) fn check(list: &List, rows: &[Row], counted: &Counted, origin: &str) -> Result<()> {
    let live: Vec<&SourceRecord> = rows.iter().flatten().filter(|record| !record.deleted).collect();
    let has_rows = rows.iter().any(Result::is_ok);
    if list.columns.is_empty() || rows.is_empty() || (live.is_empty() && has_rows) {
        return Ok(());
    }
    let mut drifted = Drifted { only_columns: true, ..Drifted::default() };
    if !has_rows {
        drifted.add(format!("no row has an id under '{}'", list.id));
    }
    if !live.is_empty() {
        columns(list, &live, &mut drifted);
        times(list, &live, &mut drifted);
    }
    counts(list, counted, &mut drifted);
    if drifted.words.is_empty() {
        return Ok(());
    }
    Err(Error::new(Kind::Drift, format!("reading {} from the source ({origin})", list.object)).because(drifted))
}

impl Drifted {
    fn add(&mut self, words: String) {
        self.only_columns = false;
        self.words.push(words);
    }
}

fn columns(list: &List, live: &[&SourceRecord], drifted: &mut Drifted) {
    for (column, kind) in &list.columns {
        let mut values = live.iter().filter_map(|record| record.payload.get(column)).peekable();
        if values.peek().is_none() {
            drifted.words.push(format!("no row has '{column}' any more"));
            drifted.columns.insert(column.clone(), None);
            continue;
        }
        let kinds: Vec<ValueKind> = values.filter(|value| !is_empty(value)).filter_map(ValueKind::of).collect();
        if let Some(now) = kinds.first().filter(|_| kinds.iter().all(|now| !kind.allows(*now))) {
            drifted.words.push(format!("'{column}' was {} and is {}", word(*kind), word(*now)));
            drifted.columns.insert(column.clone(), Some(*now));
        }
    }
}

/// The source itself writes the time of a change, so one that cannot be read is one too many. Other times are typed by people,
/// who make mistakes.
fn times(list: &List, live: &[&SourceRecord], drifted: &mut Drifted) {
    if let Some(stamp) = &list.stamp {
        let holds = |record: &&&SourceRecord| written(record, &stamp.column).is_some_and(is_dated);
        if live.iter().filter(holds).any(|record| record.modified.is_none()) {
            drifted.add(format!("'{}', the time of the change, is written otherwise", stamp.column));
        }
    }
    for column in list.times.keys() {
        // What could be read was rewritten by the reader.
        let is_read = |value: &&Value| {
            let utc = jiff::tz::TimeZone::UTC;
            [TimeStyle::Rfc3339, TimeStyle::Date].iter().any(|style| time::read(value, *style, &utc).is_some())
        };
        let values = live.iter().filter_map(|record| record.payload.get(column)).filter(|value| is_dated(value));
        let (read, unread): (Vec<&Value>, Vec<&Value>) = values.partition(is_read);
        if read.is_empty() && unread.len() >= UNREADABLE_TIMES {
            drifted.add(format!("the times of '{column}' are written otherwise"));
        }
    }
}

fn written<'a>(record: &'a SourceRecord, column: &str) -> Option<&'a Value> {
    record.payload.get(column).or_else(|| {
        let (first, rest) = column.split_once('.')?;
        find(record.payload.get(first)?, rest)
    })
}

/// Whether something stands there that can be a time: `N/A`, `0` and `0000-00-00` stand for nothing.
fn is_dated(value: &Value) -> bool {
    match value {
        Value::String(text) => text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Object(map) => !map.is_empty(),
        Value::Null | Value::Bool(_) | Value::Array(_) => false,
    }
}

/// Where a source stops counting or repeats no size any more, nothing tells a whole list from a part of it.
fn counts(list: &List, counted: &Counted, drifted: &mut Drifted) {
    let place = match &list.total {
        Total::Nowhere => None,
        Total::Body(path) => Some(format!("under '{path}'")),
        Total::Header(name) => Some(format!("in header '{name}'")),
    };
    if let Some(place) = place.filter(|_| counted.total.is_none()) {
        drifted.add(format!("the rows are not counted {place} any more"));
    }
    if let Some(echo) = list.page.size().and_then(|size| size.echo.as_deref())
        && counted.echo.is_none()
    {
        drifted.add(format!("the size of the page does not stand under '{echo}' any more"));
    }
}

/// Empty text and empty lists stand for nothing in many sources, whatever the column holds otherwise.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(flag) => !flag,
        _ => false,
    }
}

const fn word(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Text => "text",
        ValueKind::Uuid => "a UUID",
        ValueKind::Number => "a number",
        ValueKind::Flag => "true or false",
        ValueKind::List => "a list",
        ValueKind::Object => "an object",
        ValueKind::Any => "anything",
    }
}
