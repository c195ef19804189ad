//! GraphQL: what may be asked for is in the schema, so that nothing about the lists needs to be guessed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::guard::Guard;
use super::lists::{Call, Expression, Listed, WANTED};
use super::look::{Look, Rows, find_rows, look};
use super::words::folded;
use super::{Ended, Known, Stage};
use crate::http::Answer;
use crate::record::Object;
use crate::source::api::ask::address;
use crate::source::api::auth::Draft;
use crate::source::profile::{At, Method, Paging, RowsForm, Size};

/// The path below the base.
const PATH: &str = "/graphql";

/// The question for the schema: types, their fields, and what these take.
const SCHEMA: &str = "query{__schema{queryType{name} types{kind name fields{name args{name type{kind name ofType{kind name}}} \
                      type{kind name ofType{kind name ofType{kind name ofType{kind name}}}}}}}}";

/// How deep objects in a row are asked for.
const DEPTH_MAX: usize = 2;

/// Types by name, each with its fields.
struct Schema {
    root: String,
    types: BTreeMap<String, Type>,
}

struct Type {
    kind: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    /// Arguments with their types, as a query declares them.
    takes: Vec<(String, String)>,
    /// Its type without wrappers.
    of: String,
}

/// Finds the lists of the schema.
pub(super) async fn discover(guard: &mut Guard<'_>, known: &mut Known) -> Result<bool, Ended> {
    let Some((_, body)) = ask(guard, known, json!({"query": SCHEMA}), "what the schema of GraphQL is").await? else {
        return Ok(false);
    };
    let Some(schema) = read(&body["data"]["__schema"]) else { return Ok(false) };
    known.evidence.extend(guard.last().map(|sent| sent.evidence("the schema of GraphQL")));
    for (object, names) in WANTED {
        for name in *names {
            let fields = schema.types.get(&schema.root).map(|root| root.fields.as_slice()).unwrap_or_default();
            let Some(field) = fields.iter().find(|field| folded(&field.name) == folded(name)) else { continue };
            if try_list(guard, known, (*object, &schema, field)).await? {
                break;
            }
        }
    }
    Ok(!known.lists.is_empty())
}

async fn ask(
    guard: &mut Guard<'_>,
    known: &Known,
    body: Value,
    purpose: &str,
) -> Result<Option<(Answer, Value)>, Ended> {
    let mut draft = Draft::new(Method::Post, address(&known.base, PATH).map_err(Ended)?);
    draft.body = Some(body);
    let Some(answer) = guard.read(Stage::Objects, purpose, draft).await? else { return Ok(None) };
    Ok(match look(&answer) {
        Look::Json(body) => Some((answer, body)),
        _ => None,
    })
}

/// Asks for the first rows of one connection.
async fn try_list(
    guard: &mut Guard<'_>,
    known: &mut Known,
    (object, schema, field): (Object, &Schema, &Field),
) -> Result<bool, Ended> {
    let Some((query, rows, id)) = question(schema, field) else { return Ok(false) };
    let name = field.name.as_str();
    let body = json!({"query": query, "variables": {}});
    let purpose = format!("whether we may read {name}");
    let Some((answer, seen)) = ask(guard, known, body.clone(), &purpose).await? else { return Ok(false) };
    let place = format!("data.{name}.{rows}");
    let empty = Rows {
        path: place.clone(),
        form: RowsForm::List,
        row: String::new(),
        wrapped: false,
        id: id.clone(),
        is_empty: true,
    };
    let found = find_rows(&seen, name).filter(|found| found.path == place && !found.is_empty).unwrap_or(empty);
    let call = Call { method: Method::Post, body: Some(body), ..Call::default() };
    let mut list = Listed::new((object, name, PATH.to_owned()), (call, At::Body), found, (&answer, seen));
    let has = |argument: &str| field.takes.iter().any(|(name, _)| name == argument);
    list.rules.page = Some(Paging::Cursor {
        param: "variables.after".to_owned(),
        next: format!("data.{name}.pageInfo.endCursor"),
        more: Some(format!("data.{name}.pageInfo.hasNextPage")),
        size: Size { param: Some("variables.first".to_owned()), rows: None, echo: None },
        at: At::Body,
    });
    list.is_told = true;
    list.filter =
        has("filter").then(|| Expression { param: "variables.filter".to_owned(), form: "{column} gt {time}" });
    list.note(guard, format!("{} rows in the first answer of a connection", list.bare.ids.len()));
    known.lists.push(list);
    Ok(true)
}

/// The question for a connection with every column of its rows; where they stand; and which column is the id.
fn question(schema: &Schema, field: &Field) -> Option<(String, &'static str, String)> {
    let connection = schema.types.get(&field.of)?;
    let takes = |name: &str| field.takes.iter().find(|(own, _)| own == name).map(|(_, kind)| kind.clone());
    let (first, after) = (takes("first")?, takes("after")?);
    let part = |name: &str| connection.fields.iter().find(|field| field.name == name);
    part("pageInfo")?;
    let (rows, row) = match (part("nodes"), part("edges")) {
        (Some(nodes), _) => ("nodes", schema.types.get(&nodes.of)?),
        (None, Some(edges)) => {
            let node = schema.types.get(&edges.of)?.fields.iter().find(|field| field.name == "node")?;
            ("edges", schema.types.get(&node.of)?)
        }
        (None, None) => return None,
    };
    let id = row.fields.iter().find(|field| field.of == "ID")?.name.clone();
    let columns = selection(schema, row, 0);
    let columns = if rows == "edges" { format!("node{{{columns}}}") } else { columns };
    let total = part("totalCount").map_or("", |_| " totalCount");
    let (declared, passed) = match takes("filter") {
        Some(kind) => (format!(",$filter:{kind}"), ",filter:$filter"),
        None => (String::new(), ""),
    };
    let name = &field.name;
    let query = format!(
        "query($first:{first},$after:{after}{declared}){{{name}(first:$first,after:$after{passed}){{{rows}{{{columns}}} \
         pageInfo{{hasNextPage endCursor}}{total}}}}}"
    );
    Some((query, rows, id))
}

/// The columns of a row, with the objects in it as far as they are no lists of their own.
fn selection(schema: &Schema, row: &Type, depth: usize) -> String {
    let mut names = Vec::new();
    for field in row.fields.iter().filter(|field| field.takes.is_empty()) {
        match schema.types.get(&field.of) {
            Some(inner) if inner.kind == "OBJECT" => {
                let is_list = inner.fields.iter().any(|field| field.name == "pageInfo");
                let columns =
                    if depth < DEPTH_MAX && !is_list { selection(schema, inner, depth + 1) } else { String::new() };
                if !columns.is_empty() {
                    names.push(format!("{}{{{columns}}}", field.name));
                }
            }
            Some(inner) if inner.kind == "INTERFACE" || inner.kind == "UNION" => {}
            _ => names.push(field.name.clone()),
        }
    }
    names.join(" ")
}

fn read(schema: &Value) -> Option<Schema> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let root = text(&schema["queryType"]["name"])?;
    let mut types = BTreeMap::new();
    for one in schema["types"].as_array()? {
        let fields = one["fields"].as_array().into_iter().flatten().filter_map(|field| {
            let takes = field["args"].as_array().into_iter().flatten();
            let takes = takes.filter_map(|taken| Some((text(&taken["name"])?, declared(&taken["type"])?))).collect();
            Some(Field { name: text(&field["name"])?, takes, of: innermost(&field["type"])? })
        });
        types.insert(text(&one["name"])?, Type { kind: text(&one["kind"])?, fields: fields.collect() });
    }
    Some(Schema { root, types })
}

/// The name of a type without wrappers.
fn innermost(kind: &Value) -> Option<String> {
    let mut at = kind;
    while at["name"].is_null() && at["ofType"].is_object() {
        at = &at["ofType"];
    }
    at["name"].as_str().map(str::to_owned)
}

/// A type as a query declares it.
fn declared(kind: &Value) -> Option<String> {
    match kind["kind"].as_str()? {
        "NON_NULL" => declared(&kind["ofType"]).map(|inner| format!("{inner}!")),
        "LIST" => declared(&kind["ofType"]).map(|inner| format!("[{inner}]")),
        _ => kind["name"].as_str().map(str::to_owned),
    }
}
