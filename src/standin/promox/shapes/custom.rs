//! Custom fields: where they are in a row, and the definitions that name them.

use serde_json::{Map, Value, json};

use super::choices::{Custom, Options, Spelling};
use super::names;
use super::schema::{Field, Role, fields};
use super::shape::Shape;
use super::store::Store;
use crate::record::Object;

/// Ids of options begin here, so that none is taken for a count.
const OPTION_ID_FIRST: u64 = 300;

/// Where a custom field stands.
pub(super) enum Place {
    /// Among the others, under this name.
    Inline(String),
    /// With the other custom fields, under this name.
    Collected(String),
}

/// Where a custom field of a shape stands.
pub(super) fn place(shape: &Shape, object: Object, name: &str) -> Place {
    let label = label(name);
    match shape.custom {
        Custom::Inline | Custom::Typed => Place::Inline(names::spelled(shape.spelling, name)),
        Custom::Prefixed => Place::Inline(format!("cf_{}", number(object, name))),
        Custom::Hashed => Place::Inline(hashed(object, name)),
        Custom::Suffixed => Place::Inline(format!("{}__c", label.replace(' ', "_"))),
        Custom::Map | Custom::Fields | Custom::Expand => Place::Collected(names::spelled(shape.spelling, name)),
        Custom::Array => Place::Collected(label),
    }
}

/// What people call a field: `Supplier Tier`.
fn label(name: &str) -> String {
    names::spelled(Spelling::Title, name)
}

/// A number of its own for each custom field of the account.
fn number(object: Object, name: &str) -> usize {
    let all = super::schema::SERVED
        .iter()
        .flat_map(|object| fields(*object).iter().filter(|field| field.custom).map(move |field| (*object, field.name)));
    all.into_iter().position(|own| own == (object, name)).map_or(0, |at| at + 11)
}

fn hashed(object: Object, name: &str) -> String {
    blake3::hash(format!("{object}.{name}").as_bytes()).to_hex().chars().take(40).collect()
}

/// The id of an option by its place among the labels.
pub(super) fn option_id(object: Object, name: &str, at: usize) -> u64 {
    OPTION_ID_FIRST + (number(object, name) * 100 + at) as u64
}

/// The custom fields that stand together.
pub(super) struct Collector<'a> {
    shape: &'a Shape,
    map: Map<String, Value>,
    array: Vec<Value>,
    is_used: bool,
}

impl<'a> Collector<'a> {
    pub(super) fn new(shape: &'a Shape) -> Self {
        Self { shape, map: Map::new(), array: Vec::new(), is_used: false }
    }

    pub(super) fn add(&mut self, name: String, value: Option<Value>) {
        self.is_used = true;
        let Some(value) = value else { return };
        if self.shape.custom == Custom::Array {
            let spelled = |word: &str| names::spelled(self.shape.spelling, word);
            self.array.push(json!({spelled("field_name"): name, spelled("field_value"): value}));
        } else {
            self.map.insert(name, value);
        }
    }

    /// Puts them into their row, where there are any.
    pub(super) fn finish(self, out: &mut Map<String, Value>) {
        if self.is_used {
            let all =
                if self.shape.custom == Custom::Array { Value::Array(self.array) } else { Value::Object(self.map) };
            out.insert(names::spelled(self.shape.spelling, "custom_fields"), all);
        }
    }
}

/// The definitions of an object's custom fields: key, label, type, and options where there are some.
pub(super) fn definitions(shape: &Shape, store: &Store, object: Object) -> Vec<Value> {
    let own = fields(object).iter().filter(|field| field.custom);
    own.map(|field| definition(shape, store, object, field)).collect()
}

fn definition(shape: &Shape, store: &Store, object: Object, field: &Field) -> Value {
    let (Place::Inline(key) | Place::Collected(key)) = place(shape, object, field.name);
    let kind = match field.role {
        Role::Day => "date",
        Role::Number => "number",
        Role::Label => "list",
        _ => "text",
    };
    let mut out =
        json!({"key": key, "label": label(field.name), "type": kind, "object": names::word(shape.words, object).0});
    if field.role == Role::Label {
        let option = |(at, label): (usize, &str)| json!({"id": option_id(object, field.name, at), "label": label});
        let labels = store.labels(object, field.name);
        let options: Vec<Value> = match shape.options {
            Options::Ids => labels.into_iter().enumerate().map(option).collect(),
            Options::Labels => labels.into_iter().map(|label| json!({"label": label})).collect(),
        };
        out["options"] = Value::Array(options);
    }
    out
}
