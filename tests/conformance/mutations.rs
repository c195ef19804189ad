//! Requests with exactly one thing wrong, made from a request that is right and the schema of the document.

use serde_json::{Map, Value, json};

/// An id that nothing has.
pub(crate) const NOBODY: u64 = 999_999_999;

/// A UUID that nothing has.
pub(crate) const NO_UUID: &str = "00000000-0000-4000-8000-000000000000";

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    UnknownKey,
    Type,
    /// A number as text, a text as number, 1 for true: what API v2 refuses (migration guide) and v1 may take.
    LooseType,
    Missing,
    Length,
    Option,
    Format,
    ForeignId,
    /// Too many items, or a number out of its bounds.
    Bounds,
    PathId,
    UnknownParameter,
    ParameterType,
    ParameterOption,
    ParameterMissing,
    ParameterBounds,
}

/// A body with one thing wrong.
#[derive(Debug, Clone)]
pub(crate) struct Mutation {
    pub(crate) wrong: Wrong,
    /// Where, as in `prices[0].price`.
    pub(crate) at: String,
    pub(crate) body: Value,
}

/// Keys that name a record of the account, or several.
const LINKS: &[&str] = &[
    "owner_id",
    "user_id",
    "person_id",
    "org_id",
    "organization_id",
    "deal_id",
    "lead_id",
    "project_id",
    "task_id",
    "product_id",
    "activity_id",
    "pipeline_id",
    "stage_id",
    "merge_with_id",
    "item_id",
    "label_ids",
    "product_variation_id",
    "category",
    "industry",
    "priority",
    "outcome_id",
];

/// Lengths that the fact sheet gives and the schemas do not: end of the path of a key, and characters at most.
const LENGTHS: &[(&str, usize)] = &[("content", 100_000), ("note", 102_400)];

/// All bodies with one thing wrong.
pub(crate) fn of_body(schema: &Value, body: &Value) -> Vec<Mutation> {
    let mut found = Vec::new();
    walk(schema, body, String::new(), &|wrong| wrong, &mut found);
    found
}

/// Puts a wrong part into the whole body.
type Whole<'part> = &'part dyn Fn(Value) -> Value;

fn walk(schema: &Value, value: &Value, at: String, whole: Whole<'_>, found: &mut Vec<Mutation>) {
    let mut add = |wrong: Wrong, at: &str, part: Value| {
        found.push(Mutation { wrong, at: at.to_owned(), body: whole(part) });
    };
    if let Some(part) = of_another_type(schema) {
        add(Wrong::Type, &at, part);
    }
    if let Some(part) = nearly_of_type(schema) {
        add(Wrong::LooseType, &at, part);
    }
    if schema["enum"].is_array() {
        add(Wrong::Option, &at, if value.is_string() { json!("no_such_option") } else { json!(99) });
    }
    let key = at.rsplit(['.', ']']).next().unwrap_or_default();
    if value.is_string() {
        let own = schema["maxLength"].as_u64().and_then(|max| usize::try_from(max).ok());
        let max = own.or_else(|| LENGTHS.iter().find(|(name, _)| *name == key).map(|(_, max)| *max));
        if let Some(max) = max {
            add(Wrong::Length, &at, json!("x".repeat(max + 1)));
        }
        if schema["minLength"].as_u64().is_some_and(|min| min > 0) {
            add(Wrong::Length, &at, json!(""));
        }
        if matches!(schema["format"].as_str(), Some("date" | "date-time" | "uuid")) {
            add(Wrong::Format, &at, json!("soon"));
        }
    }
    if LINKS.contains(&key) && !value.is_array() {
        add(Wrong::ForeignId, &at, if value.is_string() { json!(NO_UUID) } else { json!(NOBODY) });
    }
    match value {
        Value::Object(keys) => walk_object(schema, keys, &at, whole, found),
        Value::Array(items) => walk_array(schema, items, &at, (key, whole), found),
        _ => {}
    }
}

fn walk_object(schema: &Value, keys: &Map<String, Value>, at: &str, whole: Whole<'_>, found: &mut Vec<Mutation>) {
    let Some(known) = schema["properties"].as_object() else { return };
    let join = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    if schema["additionalProperties"] != true {
        let mut more = keys.clone();
        more.insert("no_such_key".to_owned(), json!(1));
        found.push(Mutation { wrong: Wrong::UnknownKey, at: join("no_such_key"), body: whole(Value::Object(more)) });
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let mut less = keys.clone();
        less.remove(key);
        found.push(Mutation { wrong: Wrong::Missing, at: join(key), body: whole(Value::Object(less)) });
    }
    for (key, value) in keys {
        let Some(schema) = known.get(key) else { continue };
        let inner = |part: Value| {
            let mut keys = keys.clone();
            keys.insert(key.clone(), part);
            whole(Value::Object(keys))
        };
        walk(schema, value, join(key), &inner, found);
    }
}

fn walk_array(schema: &Value, items: &[Value], at: &str, (key, whole): (&str, Whole<'_>), found: &mut Vec<Mutation>) {
    let Some(first) = items.first() else { return };
    if let Some(max) = schema["maxItems"].as_u64().and_then(|max| usize::try_from(max).ok()) {
        let many = vec![first.clone(); max + 1];
        found.push(Mutation { wrong: Wrong::Bounds, at: at.to_owned(), body: whole(Value::Array(many)) });
    }
    let inner = |part: Value| {
        let mut items = items.to_vec();
        items[0] = part;
        whole(Value::Array(items))
    };
    if LINKS.contains(&key) {
        let foreign = if first.is_string() { json!(NO_UUID) } else { json!(NOBODY) };
        found.push(Mutation { wrong: Wrong::ForeignId, at: format!("{at}[0]"), body: inner(foreign) });
    }
    walk(&schema["items"], first, format!("{at}[0]"), &inner, found);
}

fn own_type(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::Array(all) => all.iter().find_map(Value::as_str),
        own => own.as_str(),
    }
}

/// A value that means the same in another type; `None` where there is none.
fn nearly_of_type(schema: &Value) -> Option<Value> {
    match own_type(schema)? {
        "string" => Some(json!(7)),
        "integer" | "number" => Some(json!("7")),
        "boolean" => Some(json!(1)),
        _ => None,
    }
}

/// A value that the schema does not allow for its type; `None` where it says no type.
fn of_another_type(schema: &Value) -> Option<Value> {
    Some(match own_type(schema)? {
        "string" => json!({"wrong": true}),
        "integer" | "number" => json!("x"),
        "boolean" => json!("maybe"),
        _ => json!("x"),
    })
}

/// What is wrong, with which parameter, and the pairs to be sent.
pub(crate) type WrongQuery = (Wrong, String, Vec<(String, String)>);

/// All queries with one thing wrong, each as the pairs to be sent.
pub(crate) fn of_query(parameters: &Map<String, Value>, needed: &[(String, String)]) -> Vec<WrongQuery> {
    let mut found = Vec::new();
    let with = |key: &str, value: &str| {
        let mut pairs: Vec<_> = needed.iter().filter(|(own, _)| own != key).cloned().collect();
        pairs.push((key.to_owned(), value.to_owned()));
        pairs
    };
    let name = "no_such_parameter";
    found.push((Wrong::UnknownParameter, name.to_owned(), with(name, "1")));
    for (key, schema) in parameters {
        let mut add = |wrong, value: &str| found.push((wrong, key.clone(), with(key, value)));
        match schema["type"].as_str() {
            Some("integer" | "number") => add(Wrong::ParameterType, "x"),
            Some("boolean") => add(Wrong::ParameterType, "maybe"),
            Some("array") => add(Wrong::ParameterType, "x"),
            _ => {}
        }
        if schema["enum"].is_array() {
            add(Wrong::ParameterOption, "no_such_option");
        }
        if key == "cursor" {
            add(Wrong::ParameterType, "abc");
        }
        if key == "limit" {
            add(Wrong::ParameterBounds, "501");
        }
        if schema["needed"] == true {
            let less = needed.iter().filter(|(own, _)| own != key).cloned().collect();
            found.push((Wrong::ParameterMissing, key.clone(), less));
        }
    }
    found
}
