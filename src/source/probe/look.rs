//! Reading answers of which nobody said what they look like: what kind of answer it is, where its rows are, and which of
//! their columns is the id.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::http::Answer;
use crate::source::api::answer::{is_failure, is_page, value};
use crate::source::api::rows::{id_text, is_false, is_true};
use crate::source::api::soap;
use crate::source::profile::RowsForm;

/// What kind of answer it is.
#[derive(Debug, Clone)]
pub(super) enum Look {
    /// It wants credentials, or others.
    Refused,
    /// There is no such path.
    Missing {
        /// It says so in JSON.
        is_json: bool,
    },
    /// A web page.
    Page,
    /// JSON, or XML read as such, that says of itself no wrong.
    Json(Value),
    /// Anything else, with its status.
    Failed(u16),
}

impl Look {
    pub(super) fn kind(&self) -> u8 {
        match self {
            Look::Refused => 0,
            Look::Missing { is_json: false } => 1,
            Look::Missing { is_json: true } => 2,
            Look::Page => 3,
            Look::Json(_) => 4,
            Look::Failed(_) => 5,
        }
    }
}

/// Sorts an answer.
pub(super) fn look(answer: &Answer) -> Look {
    let body = value(answer).ok();
    match soap::status(answer) {
        401 | 403 | 407 => Look::Refused,
        404 | 405 | 410 => Look::Missing { is_json: body.is_some() },
        300..=399 => Look::Page,
        200..=299 => match body {
            None if is_page(answer) => Look::Page,
            None => Look::Failed(answer.status),
            Some(body) if is_failure(&body) => failure(answer, &body),
            Some(body) => Look::Json(body),
        },
        status => Look::Failed(status),
    }
}

/// What a failure with a good status means, by its words.
fn failure(answer: &Answer, body: &Value) -> Look {
    let text = body.to_string().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["not found", "not_found", "notfound", "unknown", "no such", "does not exist", "404", "nothing here"]) {
        Look::Missing { is_json: true }
    } else if says(&[
        "unauthor",
        "authenticat",
        "credential",
        "token",
        "api key",
        "apikey",
        "login",
        "log in",
        "denied",
        "401",
        "session",
    ]) {
        Look::Refused
    } else {
        Look::Failed(answer.status)
    }
}

/// Rows found in an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    pub(super) path: String,
    pub(super) form: RowsForm,
    pub(super) row: String,
    pub(super) wrapped: bool,
    pub(super) id: String,
    /// What was there is null or an empty list, so that nothing is known about rows.
    pub(super) is_empty: bool,
}

/// Keys under which lists stand when there are no rows to recognize them by.
const ENVELOPES: &[&str] =
    &["data", "items", "results", "value", "values", "records", "list", "rows", "entries", "content", "result"];

/// How deep lists are looked for.
const DEPTH_MAX: usize = 4;

/// Where the rows are. `name` is what the list is called.
pub(super) fn find_rows(body: &Value, name: &str) -> Option<Rows> {
    let mut candidates = Vec::new();
    gather(body, "", 0, &mut candidates);
    let best = candidates
        .into_iter()
        .max_by_key(|(path, values, keyed)| (values.len(), !*keyed, std::cmp::Reverse(path.matches('.').count())));
    if let Some((path, values, keyed)) = best {
        return described(path, &values, keyed, name);
    }
    empty(body, name)
}

type Candidate<'v> = (String, Vec<&'v Value>, bool);

fn gather<'v>(value: &'v Value, path: &str, depth: usize, into: &mut Vec<Candidate<'v>>) {
    match value {
        Value::Array(list) if list.iter().filter(|row| row.is_object()).count() * 2 > list.len() => {
            into.push((path.to_owned(), list.iter().collect(), false));
        }
        Value::Object(map) => {
            if is_keyed(map) {
                into.push((path.to_owned(), map.values().collect(), true));
                return;
            }
            for (key, inner) in map.iter().filter(|_| depth < DEPTH_MAX) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                gather(inner, &path, depth + 1, into);
            }
        }
        _ => {}
    }
}

/// Whether an object holds rows by their ids: all its values are objects alike, and its keys look like ids.
fn is_keyed(map: &Map<String, Value>) -> bool {
    let mut rows = map.values().map(Value::as_object);
    let Some(Some(first)) = rows.next() else { return false };
    let alike = |row: &Map<String, Value>| row.keys().filter(|key| first.contains_key(*key)).count() * 2 >= first.len();
    let looks_like_id = |key: &String| key.bytes().any(|byte| byte.is_ascii_digit()) && !key.contains(' ');
    first.len() > 1 && map.keys().all(looks_like_id) && rows.all(|row| row.is_some_and(alike))
}

fn described(path: String, values: &[&Value], keyed: bool, name: &str) -> Option<Rows> {
    let inner = |row: &&Value| row.get("node").is_some_and(Value::is_object);
    let row = if values.iter().all(inner) { "node" } else { "" };
    let rows: Vec<&Map<String, Value>> = values
        .iter()
        .filter_map(|value| if row.is_empty() { value.as_object() } else { value.get(row)?.as_object() })
        .collect();
    let wrapped = rows.iter().all(|row| {
        let inside = row.values().filter(|value| value.get("value").is_some() && !value.is_array()).count();
        inside * 2 > row.len()
    });
    if keyed {
        let id = id_column(&rows, wrapped, name).unwrap_or_else(|| "id".to_owned());
        return Some(Rows { path, form: RowsForm::Keyed, row: row.to_owned(), wrapped, id, is_empty: false });
    }
    if let Some(id) = id_column(&rows, wrapped, name) {
        return Some(Rows { path, form: RowsForm::List, row: row.to_owned(), wrapped, id, is_empty: false });
    }
    // The first element may tell about the list.
    let id = id_column(rows.get(1..)?, wrapped, name)?;
    Some(Rows { path, form: RowsForm::AfterMetadata, row: row.to_owned(), wrapped, id, is_empty: false })
}

/// Where a list without rows stands.
fn empty(body: &Value, name: &str) -> Option<Rows> {
    let nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    let rows = |path: &str| Rows {
        path: path.to_owned(),
        form: RowsForm::List,
        row: String::new(),
        wrapped: false,
        id: "id".to_owned(),
        is_empty: true,
    };
    match body {
        Value::Array(list) if list.is_empty() => Some(rows("")),
        Value::Object(map) => {
            let is_named =
                |key: &str| ENVELOPES.contains(&key.to_lowercase().as_str()) || key.eq_ignore_ascii_case(name);
            map.iter().find(|(key, value)| is_named(key) && nothing(value)).map(|(key, _)| rows(key))
        }
        _ => None,
    }
}

/// The column that tells rows apart.
pub(super) fn id_column(rows: &[&Map<String, Value>], wrapped: bool, name: &str) -> Option<String> {
    let first = rows.first()?;
    let singular = super::words::folded(name.trim_end_matches(".json")).trim_end_matches('s').to_owned();
    let stem = singular.trim_end_matches("ie").to_owned();
    let mut best: Option<(u8, &String)> = None;
    for key in first.keys() {
        let name = super::words::folded(key);
        let score = match name.as_str() {
            "id" => 10,
            "uuid" | "guid" | "key" | "recordid" | "objectid" => 8,
            _ if name.starts_with(&stem)
                && (name.ends_with("id") || name.ends_with("uuid") || name.ends_with("guid")) =>
            {
                9
            }
            _ if name.ends_with("id") && name.len() <= 4 => 7,
            _ if key.ends_with("id") || key.ends_with("Id") || key.ends_with("ID") || name.ends_with("number") => 3,
            _ => continue,
        };
        if best.is_none_or(|(known, _)| score > known) && is_unique(rows, key, wrapped) {
            best = Some((score, key));
        }
    }
    best.map(|(_, key)| key.clone())
}

fn is_unique(rows: &[&Map<String, Value>], key: &str, wrapped: bool) -> bool {
    let mut seen = BTreeSet::new();
    rows.iter().all(|row| {
        let value =
            row.get(key).and_then(|value| if wrapped { value.get("value").or(Some(value)) } else { Some(value) });
        value.and_then(id_text).is_some_and(|id| seen.insert(id))
    })
}

/// Numbers of an answer outside of its rows, by path.
pub(super) fn numbers(body: &Value, rows: &Rows) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    leaves(body, "", rows, &mut |path, value| {
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => return,
        };
        if let Ok(number) = text.parse::<u64>() {
            found.push((path.to_owned(), number));
        }
    });
    found
}

/// Where an answer says how the list goes on: path and value.
pub(super) fn next_values(body: &Value, rows: &Rows) -> Vec<(String, String)> {
    let mut found = Vec::new();
    leaves(body, "", rows, &mut |path, value| {
        let Some(text) = id_text(value) else { return };
        let folded = super::words::folded(path);
        let last = super::words::folded(path.rsplit('.').next().unwrap_or(path));
        let is_next = folded.contains("next")
            || matches!(last.as_str(), "cursor" | "bookmark" | "endcursor" | "after" | "continuation");
        let is_count = last.contains("total") || last.contains("hasnext") || last.contains("prev");
        if is_next && !is_count {
            found.push((path.to_owned(), text.as_ref().to_owned()));
        }
    });
    found
}

/// A flag that says whether there is more: path.
pub(super) fn more_flag(body: &Value, rows: &Rows) -> Option<String> {
    let mut found = None;
    leaves(body, "", rows, &mut |path, value| {
        let last = super::words::folded(path.rsplit('.').next().unwrap_or(path));
        let is_flag = is_true(value) || is_false(value);
        if is_flag && matches!(last.as_str(), "hasmore" | "more" | "hasnext" | "hasnextpage" | "morerecords") {
            found = Some(path.to_owned());
        }
    });
    found
}

fn leaves(value: &Value, path: &str, rows: &Rows, each: &mut impl FnMut(&str, &Value)) {
    if path == rows.path && !path.is_empty() {
        return;
    }
    match value {
        Value::Object(_) if path.is_empty() && rows.path.is_empty() && rows.form == RowsForm::Keyed => {}
        Value::Object(map) => {
            for (key, inner) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(inner, &path, rows, each);
            }
        }
        Value::Array(list) if path.is_empty() && rows.form == RowsForm::AfterMetadata => {
            if let Some(first) = list.first() {
                leaves(first, "0", rows, each);
            }
        }
        Value::Array(_) => {}
        value => each(path, value),
    }
}
