//! The schema that the GraphQL of a shape shows: types by what rows hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::choices::Nulls;
use super::desk::Desk;
use super::graphql::arguments;
use super::names;
use super::shape::Shape;
use crate::record::Object;

/// Rows that are looked at for the types of fields.
const LOOKED_AT: usize = 30;

/// The fields of an object's rows, each with the name of its type.
pub(super) fn fields_of(desk: &Desk, object: Object) -> BTreeMap<String, &'static str> {
    let shape = Shape { nulls: Nulls::Null, ..desk.shape.clone() };
    let wire = super::row::Wire { shape: &shape, ..desk.wire(true) };
    let mut fields: BTreeMap<String, &'static str> = BTreeMap::new();
    for row in desk.store.rows(object).iter().take(LOOKED_AT) {
        let mut shown = wire.row(object, row);
        if object == Object::File {
            super::files::decorate(desk, row, &mut shown, false);
        }
        let id_key = wire.id_key(object);
        for (name, value) in shown {
            let kind = if name == id_key { "ID" } else { kind_of(&value) };
            let known = fields.entry(name).or_insert(kind);
            if *known == "Null" {
                *known = kind;
            }
        }
    }
    fields.into_iter().map(|(name, kind)| (name, if kind == "Null" { "String" } else { kind })).collect()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "Int",
        Value::Number(_) => "Float",
        Value::String(_) => "String",
        Value::Object(members) if members.contains_key("id") && members.len() == 2 => "Ref",
        Value::Object(members) if members.contains_key("amount") => "Money",
        Value::Array(_) | Value::Object(_) => "JSON",
    }
}

/// What `__schema` gives.
pub(super) fn introspection(desk: &Desk) -> Value {
    let shape = desk.shape;
    let mut types = vec![
        object_type("PageInfo", &[("hasNextPage", "Boolean"), ("endCursor", "String")]),
        object_type("Ref", &[("id", "ID"), ("name", "String")]),
        object_type("Money", &[("amount", "Float"), ("currency", "String")]),
    ];
    for scalar in ["ID", "String", "Int", "Float", "Boolean", "JSON"] {
        types.push(json!({"kind": "SCALAR", "name": scalar, "fields": null}));
    }
    let mut queries = Vec::new();
    for (object, _) in desk.lists() {
        let (singular, plural) = names::word(shape.words, object);
        let name = names::capital(singular);
        let fields = fields_of(desk, object);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        types.push(object_type(&name, &fields));
        types.push(json!({"kind": "OBJECT", "name": format!("{name}Edge"), "fields": [
            field("node", named("OBJECT", &name), &[]), field("cursor", scalar("String"), &[]),
        ]}));
        types.push(json!({"kind": "OBJECT", "name": format!("{name}Connection"), "fields": [
            field("nodes", list_of(named("OBJECT", &name)), &[]),
            field("edges", list_of(named("OBJECT", &format!("{name}Edge"))), &[]),
            field("pageInfo", named("OBJECT", "PageInfo"), &[]),
            field("totalCount", scalar("Int"), &[]),
        ]}));
        queries.push(field(plural, named("OBJECT", &format!("{name}Connection")), arguments(shape)));
        queries.push(field(singular, named("OBJECT", &name), &["id"]));
    }
    queries.push(field("me", scalar("JSON"), &[]));
    types.push(json!({"kind": "OBJECT", "name": "Query", "fields": queries}));
    json!({"queryType": {"name": "Query"}, "mutationType": {"name": "Mutation"}, "types": types})
}

fn object_type(name: &str, fields: &[(&str, &str)]) -> Value {
    let kind_of = |kind: &str| if matches!(kind, "Ref" | "Money") { named("OBJECT", kind) } else { scalar(kind) };
    let fields: Vec<Value> = fields.iter().map(|(name, kind)| field(name, kind_of(kind), &[])).collect();
    json!({"kind": "OBJECT", "name": name, "fields": fields})
}

fn field(name: &str, kind: Value, arguments: &[&str]) -> Value {
    let argument = |name: &&str| {
        let kind = match *name {
            "first" => scalar("Int"),
            "id" => json!({"kind": "NON_NULL", "name": null, "ofType": scalar("ID")}),
            _ => scalar("String"),
        };
        json!({"name": name, "type": kind})
    };
    json!({"name": name, "args": arguments.iter().map(argument).collect::<Vec<_>>(), "type": kind})
}

fn scalar(name: &str) -> Value {
    named("SCALAR", name)
}

fn named(kind: &str, name: &str) -> Value {
    json!({"kind": kind, "name": name, "ofType": null})
}

fn list_of(inner: Value) -> Value {
    json!({"kind": "LIST", "name": null, "ofType": inner})
}
