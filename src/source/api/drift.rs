//! Whether a page still looks as the profile says. A page that does not is not read: what a renamed or retyped column would
//! load is wrong in every row.

use serde_json::Value;

use super::rows::Row;
use crate::error::{Error, Kind, Result};
use crate::source::profile::{List, ValueKind};

/// Compares the rows of a page with the columns of the profile. Rows of deleted records are often bare, so they do not count.
///
/// # Errors
/// `Drift`, naming every column that no row has any more, and every one whose values are all of another kind.
pub(super) fn check(list: &List, rows: &[Row], origin: &str) -> Result<()> {
    let live: Vec<_> = rows.iter().flatten().filter(|record| !record.deleted).collect();
    let has_rows = rows.iter().any(Result::is_ok);
    if list.columns.is_empty() || rows.is_empty() || (live.is_empty() && has_rows) {
        return Ok(());
    }
    let mut differences = Vec::new();
    if !has_rows {
        differences.push(format!("no row has an id under '{}'", list.id));
    }
    for (column, kind) in list.columns.iter().filter(|_| !live.is_empty()) {
        let mut values = live.iter().filter_map(|record| record.payload.get(column)).peekable();
        if values.peek().is_none() {
            differences.push(format!("no row has '{column}' any more"));
            continue;
        }
        let kinds: Vec<ValueKind> = values.filter(|value| !is_empty(value)).filter_map(ValueKind::of).collect();
        if let Some(now) = kinds.first().filter(|_| kinds.iter().all(|now| !kind.allows(*now))) {
            differences.push(format!("'{column}' was {} and is {}", word(*kind), word(*now)));
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    let what = differences.join("; ");
    Err(Error::new(Kind::Drift, format!("reading {} from the source ({origin}): {what}", list.object)))
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
