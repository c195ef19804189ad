//! GraphQL: connections with cursors, records by id, and enough of the schema for a client that asks (section 15).

use std::collections::BTreeMap;

use graphql_parser::query::{
    Definition, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet, parse_query,
};
use serde_json::{Map, Value, json};

use super::choices::{Delta, Nulls};
use super::delta;
use super::desk::Desk;
use super::dimension::Dimension as _;
use super::errors::Fault;
use super::graphql_schema::{fields_of, introspection};
use super::list::{Ask, listed};
use super::names;
use super::paging::{self, Part, Turn, read_place, write_place};
use super::reply::{Purpose, Reply};
use super::shape::Shape;
use crate::record::Object;

/// The path below the base.
pub(super) const PATH: &str = "graphql";

/// How deep selections may lie in one another, so that fragments which name themselves end.
const DEPTH_MAX: usize = 24;

/// A question while it is answered.
struct Question<'a> {
    desk: &'a Desk<'a>,
    variables: &'a Value,
    fragments: BTreeMap<&'a str, &'a FragmentDefinition<'a, &'a str>>,
}

/// Answers the body of a request.
pub(super) fn answer(desk: &Desk, body: &Value) -> Result<Reply, Fault> {
    let text = body["query"].as_str().ok_or_else(|| Fault::bad("query is missing."))?;
    let document = parse_query::<&str>(text).map_err(|error| Fault::bad(format!("Syntax Error: {error}")))?;
    let mut fragments = BTreeMap::new();
    let mut operation = None;
    for definition in &document.definitions {
        match definition {
            Definition::Fragment(fragment) => {
                fragments.insert(fragment.name, fragment);
            }
            Definition::Operation(found) => operation = operation.or(Some(found)),
        }
    }
    let set = match operation {
        Some(OperationDefinition::SelectionSet(set)) => set,
        Some(OperationDefinition::Query(query)) => &query.selection_set,
        Some(OperationDefinition::Mutation(_)) => {
            let body = json!({"data": {"ok": true}});
            return Ok(Reply::json(200, body).of(Purpose::Write));
        }
        _ => return Err(Fault::bad("There is no query.")),
    };
    let question = Question { desk, variables: &body["variables"], fragments };
    let mut rows = 0;
    let mut data = Map::new();
    for field in question.fields(set, 0)? {
        let name = field.alias.unwrap_or(field.name);
        data.insert(name.to_owned(), question.root(field, &mut rows)?);
    }
    Ok(Reply::json(200, json!({"data": data})).holding(rows))
}

impl<'a> Question<'a> {
    /// The fields of a selection, with fragments put in their places.
    fn fields(&self, set: &'a SelectionSet<'a, &'a str>, depth: usize) -> Result<Vec<&'a Field<'a, &'a str>>, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::bad("The query is too deep."));
        }
        let mut fields = Vec::new();
        for selection in &set.items {
            match selection {
                Selection::Field(field) => fields.push(field),
                Selection::InlineFragment(inline) => fields.extend(self.fields(&inline.selection_set, depth + 1)?),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.fragments.get(spread.fragment_name);
                    let fragment =
                        fragment.ok_or_else(|| Fault::bad(format!("Unknown fragment {}.", spread.fragment_name)))?;
                    fields.extend(self.fields(&fragment.selection_set, depth + 1)?);
                }
            }
        }
        Ok(fields)
    }

    fn root(&self, field: &'a Field<'a, &'a str>, rows: &mut usize) -> Result<Value, Fault> {
        let desk = self.desk;
        match field.name {
            "__typename" => return Ok(json!("Query")),
            "__schema" => return self.project(&introspection(desk), &field.selection_set, 0),
            "__type" => {
                let name = self.argument(field, "name");
                let schema = introspection(desk);
                let types = schema["types"].as_array().into_iter().flatten();
                let found = types.into_iter().find(|one| one["name"] == name).cloned().unwrap_or(Value::Null);
                return self.project(&found, &field.selection_set, 0);
            }
            "me" => return self.project(&desk.whoami(), &field.selection_set, 0),
            _ => {}
        }
        for (object, _) in desk.lists() {
            let (singular, plural) = names::word(desk.shape.words, object);
            if field.name == plural {
                return self.connection(object, field, rows);
            }
            if field.name == singular {
                desk.gated(object)?;
                let id = self.argument(field, "id");
                let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                let Ok(row) = desk.find(object, &id, false) else { return Ok(Value::Null) };
                *rows += 1;
                let row = whole(desk, object, desk.listed_row(&desk.wire(true), object, row));
                self.check(object, &field.selection_set)?;
                return self.project(&row, &field.selection_set, 0);
            }
        }
        Err(Fault::bad(format!("Cannot query field \"{}\" on type \"Query\".", field.name)))
    }

    fn connection(&self, object: Object, field: &'a Field<'a, &'a str>, rows: &mut usize) -> Result<Value, Fault> {
        let (desk, shape) = (self.desk, self.desk.shape);
        desk.gated(object)?;
        for (name, _) in &field.arguments {
            if !arguments(shape).contains(name) {
                return Err(Fault::bad(format!("Unknown argument \"{name}\" on field \"Query.{}\".", field.name)));
            }
        }
        let most: usize = shape.page_max.text().parse().unwrap_or(100);
        let default: usize = shape.page_default.text().parse().unwrap_or(100);
        let size = match self.argument(field, "first") {
            Value::Null => default.min(most),
            given => given
                .as_u64()
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| *size > 0)
                .ok_or_else(|| Fault::bad("first is a whole number from 1."))?
                .min(most),
        };
        let turn = match self.argument(field, "after").as_str() {
            None => Turn::At(0),
            Some(text) => read_place(text).ok_or_else(|| Fault::bad("after is not one of ours."))?,
        };
        let mut ask = Ask::default();
        if let Some(filter) = self.argument(field, "filter").as_str() {
            ask.since = Some(delta::where_clause(shape, filter)?);
        }
        let listed = listed(shape, desk.store, object, &ask, desk.now);
        let page = paging::cut(shape, object, &listed, Part { turn, size })?;
        *rows += page.rows.len();
        let wire = desk.wire(true);
        let nodes: Vec<Value> =
            page.rows.iter().map(|row| whole(desk, object, desk.listed_row(&wire, object, row))).collect();
        let cursor = |at: usize| {
            page.rows
                .get(at)
                .map_or(Value::Null, |row| Value::from(write_place(Turn::After(row.key, page.from + at + 1))))
        };
        let end = page.rows.len().checked_sub(1).map_or(Value::Null, cursor);
        let edges: Vec<Value> =
            nodes.iter().enumerate().map(|(at, node)| json!({"node": node, "cursor": cursor(at)})).collect();
        for inner in self.fields(&field.selection_set, 0)? {
            match inner.name {
                "nodes" => self.check(object, &inner.selection_set)?,
                "edges" => {
                    for edge in self.fields(&inner.selection_set, 0)?.iter().filter(|edge| edge.name == "node") {
                        self.check(object, &edge.selection_set)?;
                    }
                }
                "pageInfo" | "totalCount" | "__typename" => {}
                other => return Err(Fault::bad(format!("Cannot query field \"{other}\" on a connection."))),
            }
        }
        let whole = json!({
            "nodes": nodes,
            "edges": edges,
            "pageInfo": {"hasNextPage": page.next.is_some(), "endCursor": end},
            "totalCount": page.total,
        });
        self.project(&whole, &field.selection_set, 0)
    }

    /// Refuses a selection of fields that rows of this object do not have.
    fn check(&self, object: Object, set: &'a SelectionSet<'a, &'a str>) -> Result<(), Fault> {
        let known = fields_of(self.desk, object);
        for field in self.fields(set, 0)? {
            let kind = known.get(field.name);
            if kind.is_none() && field.name != "__typename" {
                let word = names::capital(names::word(self.desk.shape.words, object).0);
                return Err(Fault::bad(format!("Cannot query field \"{}\" on type \"{word}\".", field.name)));
            }
        }
        Ok(())
    }

    /// What a selection takes out of a value. Scalars and values without a selection come whole.
    fn project(&self, value: &Value, set: &'a SelectionSet<'a, &'a str>, depth: usize) -> Result<Value, Fault> {
        if set.items.is_empty() {
            return Ok(value.clone());
        }
        match value {
            Value::Array(items) => items.iter().map(|item| self.project(item, set, depth + 1)).collect(),
            Value::Object(members) => {
                let mut out = Map::new();
                for field in self.fields(set, depth)? {
                    let inner = members.get(field.name).unwrap_or(&Value::Null);
                    let name = field.alias.unwrap_or(field.name).to_owned();
                    out.insert(name, self.project(inner, &field.selection_set, depth + 1)?);
                }
                Ok(Value::Object(out))
            }
            other => Ok(other.clone()),
        }
    }

    /// An argument with variables put in their places; null if it is not there.
    fn argument(&self, field: &Field<'a, &'a str>, name: &str) -> Value {
        use graphql_parser::query::Value as Given;
        let given = field.arguments.iter().find(|(own, _)| *own == name).map(|(_, value)| value);
        match given {
            Some(Given::Variable(variable)) => self.variables[*variable].clone(),
            Some(Given::Int(number)) => number.as_i64().map_or(Value::Null, Value::from),
            Some(Given::String(text)) => Value::from(text.as_str()),
            Some(Given::Boolean(flag)) => Value::from(*flag),
            _ => Value::Null,
        }
    }
}

/// The arguments of a list.
pub(super) fn arguments(shape: &Shape) -> &'static [&'static str] {
    if shape.delta == Delta::None { &["first", "after"] } else { &["first", "after", "filter"] }
}

/// A row with every field of its type: what is missing is null, since a type promises its fields.
fn whole(desk: &Desk, object: Object, mut row: Map<String, Value>) -> Value {
    if desk.shape.nulls == Nulls::Missing {
        for name in fields_of(desk, object).into_keys() {
            row.entry(name).or_insert(Value::Null);
        }
    }
    Value::Object(row)
}
