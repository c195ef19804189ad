//! What lists and records are wrapped in, and where totals and next pages stand beside them (section 4).

use serde_json::{Map, Value, json};

use super::choices::*;
use super::dimension::Dimension as _;
use super::names;
use super::shape::Shape;
use crate::record::Object;

/// The path in the body at which rows stand; empty for a bare array.
pub(super) fn path(shape: &Shape, object: Object) -> Vec<String> {
    let cased = |name: &str| if shape.spelling == Spelling::Pascal { names::capital(name) } else { name.to_owned() };
    match shape.envelope {
        Envelope::Bare | Envelope::Keyed => Vec::new(),
        Envelope::Data => vec![cased("data")],
        Envelope::Resource => vec![names::resource(shape, object)],
        Envelope::Items => vec![cased("items")],
        Envelope::Results => vec![cased("results")],
        Envelope::Nested => match shape.nesting {
            Nesting::Result => vec!["result".to_owned(), names::resource(shape, object)],
            other => other.text().split('.').map(str::to_owned).collect(),
        },
    }
}

/// Wraps the rows of a list; `beside` are dotted paths and their values.
pub(super) fn list(
    shape: &Shape,
    object: Object,
    rows: Vec<(String, Map<String, Value>)>,
    beside: Vec<(&'static str, Value)>,
) -> Value {
    let is_empty = rows.is_empty();
    let mut body = match shape.envelope {
        Envelope::Keyed => {
            let keyed: Map<String, Value> = rows.into_iter().map(|(id, row)| (id, Value::Object(row))).collect();
            match (is_empty, shape.empty) {
                (true, Empty::Null) => json!({"data": null}),
                // PHP writes an empty map as an empty list.
                (true, Empty::List) => json!({"data": []}),
                _ => json!({"data": keyed}),
            }
        }
        _ => {
            let mut array: Vec<Value> = rows.into_iter().map(|(_, row)| Value::Object(row)).collect();
            if shape.meta_row == MetaRow::Yes {
                let about = json!({"object": names::word(shape.words, object).1, "rows": array.len()});
                array.insert(0, about);
            }
            let array = if is_empty && shape.empty == Empty::Null { Value::Null } else { Value::Array(array) };
            wrapped(&path(shape, object), array)
        }
    };
    for (path, value) in beside {
        put(&mut body, path, value);
    }
    if shape.errors == Errors::SuccessText && body.is_object() {
        put(&mut body, "success", Value::from("1"));
    }
    if matches!(shape.errors, Errors::Success | Errors::Ok) && body.is_object() {
        put(&mut body, if shape.errors == Errors::Ok { "ok" } else { "success" }, Value::from(true));
    }
    body
}

/// A single record.
pub(super) fn single(shape: &Shape, object: Object, row: Map<String, Value>) -> Value {
    let row = Value::Object(row);
    let list = path(shape, object);
    match shape.single {
        Single::Bare => row,
        Single::List => wrapped(&list, json!([row])),
        Single::Wrapped => match shape.envelope {
            Envelope::Resource => json!({names::word(shape.words, object).0: row}),
            Envelope::Bare => row,
            _ => json!({"data": row}),
        },
    }
}

fn wrapped(path: &[String], inner: Value) -> Value {
    path.iter().rev().fold(inner, |inner, name| json!({name: inner}))
}

/// Puts a value at a dotted path, beside what is there. A bare array has no place for it.
pub(super) fn put(body: &mut Value, path: &str, value: Value) {
    let mut at = body;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let Some(members) = at.as_object_mut() else { return };
        if names.peek().is_none() {
            members.insert(name.to_owned(), value);
            return;
        }
        at = members.entry(name).or_insert_with(|| json!({}));
    }
}

/// What a list says in its body about the number of all its rows.
pub(super) fn total(shape: &Shape, total: usize, size: usize, has_more: bool) -> Option<(&'static str, Value)> {
    let value = match shape.total {
        Total::None | Total::Header | Total::OnRequest => return None,
        Total::HasMore => Value::from(has_more),
        Total::TotalPages => Value::from(total.div_ceil(size.max(1))),
        _ => Value::from(total),
    };
    Some((shape.total.text(), value))
}
