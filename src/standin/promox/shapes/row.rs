//! A row as the API writes it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::choices::*;
use super::custom::Place;
use super::drift::Drifted;
use super::list::is_hidden;
use super::schema::{Field, Role, fields};
use super::shape::Shape;
use super::store::{Row, Store};
use super::{custom, ids, names, values};
use crate::record::Object;

/// What rows are written with.
#[derive(Clone, Copy)]
pub(super) struct Wire<'a> {
    pub(super) shape: &'a Shape,
    pub(super) store: &'a Store,
    pub(super) drifted: &'a Drifted,
    /// Scheme, host and base path of the API, for links by address.
    pub(super) root: &'a str,
    /// Whether custom fields were asked for, where they must be.
    pub(super) with_custom: bool,
}

impl Wire<'_> {
    /// The id of a row as lists show it.
    pub(super) fn id(&self, object: Object, key: u64) -> Value {
        ids::value(self.shape.ids, object, key)
    }

    /// The same as text.
    pub(super) fn id_text(&self, object: Object, key: u64) -> String {
        ids::text(self.shape.ids, object, key)
    }

    /// The name of the id's field.
    pub(super) fn id_key(&self, object: Object) -> String {
        match self.shape.id_key {
            IdKey::Id => names::spelled(self.shape.spelling, "id"),
            IdKey::Object => {
                let (singular, _) = names::word(self.shape.words, object);
                names::spelled(self.shape.spelling, &format!("{singular}_id"))
            }
            IdKey::Under => "_id".to_owned(),
            IdKey::Uuid => "uuid".to_owned(),
            IdKey::Guid => "guid".to_owned(),
            IdKey::Key => "key".to_owned(),
        }
    }

    /// A row with all that the shape shows of it.
    pub(super) fn row(&self, object: Object, row: &Row) -> Map<String, Value> {
        let mut out = Map::new();
        let mut own = custom::Collector::new(self.shape);
        for field in fields(object) {
            if self.drifted.is_gone(object, field.name) || !self.has(object, field) {
                continue;
            }
            let value = row.fields.get(field.name).unwrap_or(&Value::Null);
            if field.custom {
                if self.with_custom {
                    self.put_custom(&mut out, &mut own, (object, field), (value, row.key));
                }
                continue;
            }
            self.put(&mut out, (object, field), value, row);
        }
        own.finish(&mut out);
        self.put_deleted(&mut out, row);
        self.put_hidden(&mut out, object, row);
        if self.shape.custom == Custom::Typed {
            let id_key = self.id_key(object);
            for (name, value) in &mut out {
                if *name != id_key {
                    *value = json!({"value": value.take()});
                }
            }
        }
        out
    }

    fn has(&self, object: Object, field: &Field) -> bool {
        let lists_people = matches!(object, Object::Owner | Object::Pipeline);
        match field.role {
            Role::Stamp => match self.shape.stamp {
                Stamp::All => true,
                Stamp::Some => !lists_people,
                Stamp::None => false,
            },
            Role::Currency => self.shape.currency == Currency::Sibling,
            _ => true,
        }
    }

    fn put_custom(
        &self,
        out: &mut Map<String, Value>,
        own: &mut custom::Collector,
        (object, field): (Object, &Field),
        (value, key): (&Value, u64),
    ) {
        let value = self.value((object, field), value, key);
        let value = match (&value, field.role) {
            (Some(Value::String(label)), Role::Label) if self.shape.options == Options::Ids => {
                let at = self.store.labels(object, field.name).iter().position(|known| known == label);
                at.map(|at| Value::from(custom::option_id(object, field.name, at)))
            }
            _ => value,
        };
        match custom::place(self.shape, object, field.name) {
            Place::Inline(name) => out.extend(value.map(|value| (name, value))),
            Place::Collected(name) => own.add(name, value),
        }
    }

    fn put(&self, out: &mut Map<String, Value>, (object, field): (Object, &Field), value: &Value, row: &Row) {
        let shape = self.shape;
        let name = names::field(shape, field.name);
        match field.role {
            Role::Id => {
                out.insert(self.id_key(object), self.id(object, row.key));
            }
            Role::Link(target) => self.put_link(out, field.name, target, value),
            Role::AnyLink => {
                let kind = row.fields.get("related_type").and_then(Value::as_str).unwrap_or_default();
                let target = Object::parse(kind).unwrap_or(Object::Client);
                self.put_link(out, field.name, target, value);
            }
            Role::AnyType => {
                let kind = value.as_str().and_then(Object::parse);
                let word = kind.map(|kind| Value::from(names::word(shape.words, kind).0));
                out.extend(word.or_else(|| values::missing(shape.nulls, field.role)).map(|value| (name, value)));
            }
            Role::Html => {
                let Some(html) = value.as_str().filter(|text| !text.is_empty()) else {
                    out.extend(values::missing(shape.nulls, field.role).map(|value| (name, value)));
                    return;
                };
                let (text, twin) = values::text(shape.text, html);
                out.insert(name, Value::from(text));
                if let Some(twin) = twin {
                    out.insert(names::field(shape, &format!("{}_html", field.name)), Value::from(twin));
                }
            }
            _ => out.extend(self.value((object, field), value, row.key).map(|value| (name, value))),
        }
    }

    /// A value that is no link; `None` leaves its key out.
    fn value(&self, (object, field): (Object, &Field), value: &Value, key: u64) -> Option<Value> {
        let shape = self.shape;
        if value.is_null() || value.as_str().is_some_and(str::is_empty) {
            return values::missing(shape.nulls, field.role);
        }
        let value = self.drifted.changed(object, field.name, value);
        let written = match (field.role, &value) {
            (Role::Instant | Role::Stamp, Value::String(text)) => {
                let at = text.parse::<Timestamp>().ok();
                at.map(|at| values::instant(shape, at, field.name == "created_at"))
            }
            (Role::Day, Value::String(text)) => text.parse::<Date>().ok().map(|day| values::day(shape, day)),
            (Role::Money, Value::Number(amount)) => Some(values::money(shape, amount, key)),
            (Role::Plain, Value::Object(parts)) => Some(Value::Object(self.spelled(parts))),
            (Role::Plain, Value::Array(items)) => {
                let spelled =
                    |item: &Value| item.as_object().map_or(item.clone(), |parts| Value::Object(self.spelled(parts)));
                Some(items.iter().map(spelled).collect())
            }
            _ => None,
        };
        Some(written.unwrap_or(value))
    }

    fn spelled(&self, parts: &Map<String, Value>) -> Map<String, Value> {
        parts.iter().map(|(name, value)| (names::spelled(self.shape.spelling, name), value.clone())).collect()
    }

    fn put_link(&self, out: &mut Map<String, Value>, field: &str, target: Object, value: &Value) {
        let shape = self.shape;
        let bare = field.strip_suffix("_id").unwrap_or(field);
        let Some(key) = value.as_u64() else {
            let name = if matches!(shape.links, Links::Ids | Links::Text) { field } else { bare };
            let missing = values::missing(shape.nulls, Role::Link(target));
            out.extend(missing.map(|value| (names::field(shape, name), value)));
            return;
        };
        let (name, value) = match shape.links {
            Links::Ids => (field, self.id(target, key)),
            Links::Text => (field, Value::from(self.id_text(target, key))),
            Links::Objects => {
                let name = self.store.name(target, key).map_or(Value::Null, Value::from);
                let spelled = |word: &str| names::spelled(shape.spelling, word);
                (bare, json!({spelled("id"): self.id(target, key), spelled("name"): name}))
            }
            Links::Urls => {
                let id = self.id_text(target, key);
                (bare, Value::from(format!("{}/{}", self.root, names::record_path(shape, target, &id))))
            }
            // The name of what is not there is not there either.
            Links::Names => (bare, self.store.name(target, key).map_or(Value::Null, Value::from)),
        };
        out.insert(names::field(shape, name), value);
    }

    fn put_deleted(&self, out: &mut Map<String, Value>, row: &Row) {
        let shape = self.shape;
        let mut put = |name: &str, value: Value| out.insert(names::spelled(shape.spelling, name), value);
        match shape.deleted {
            Deleted::Vanish | Deleted::Endpoint | Deleted::Grave | Deleted::Only | Deleted::Ids => {}
            Deleted::Flag | Deleted::IncludeDeleted => drop(put("is_deleted", Value::from(row.deleted.is_some()))),
            Deleted::Archived => drop(put("archived", Value::from(row.deleted.is_some()))),
            Deleted::Inverted => drop(put("is_delete", Value::from(u8::from(row.deleted.is_none())))),
            Deleted::Trashed => {
                drop(put("record_status", Value::from(if row.deleted.is_some() { "Trashed" } else { "Active" })))
            }
            Deleted::Stamp => {
                let at = row.deleted.and_then(|at| Timestamp::from_second(at).ok());
                let value = at.map(|at| values::instant(shape, at, false));
                if let Some(value) = value.or_else(|| values::missing(shape.nulls, Role::Instant)) {
                    put("deleted_at", value);
                }
            }
        }
    }

    fn put_hidden(&self, out: &mut Map<String, Value>, object: Object, row: &Row) {
        let is_hidden = is_hidden(self.shape, object, row);
        let (name, value) = match self.shape.hidden {
            Hidden::None | Hidden::TestOrders => return,
            Hidden::Archived => ("archived", Value::from(is_hidden)),
            Hidden::Inactive => ("record_status", Value::from(if is_hidden { "Inactive" } else { "Active" })),
        };
        out.insert(names::spelled(self.shape.spelling, name), value);
    }

    /// What a list of deletions says of one: its id and the time.
    pub(super) fn trace(&self, object: Object, row: &Row) -> Map<String, Value> {
        let at = Timestamp::from_second(row.deleted.unwrap_or(row.updated)).unwrap_or_default();
        let time = names::spelled(self.shape.spelling, "deleted_at");
        [(self.id_key(object), self.id(object, row.key)), (time, values::instant(self.shape, at, false))]
            .into_iter()
            .collect()
    }

    /// What is left of a deleted row: its id, a flag and the time.
    pub(super) fn grave(&self, object: Object, row: &Row) -> Map<String, Value> {
        let spelled = |name: &str| names::spelled(self.shape.spelling, name);
        let at = Timestamp::from_second(row.deleted.unwrap_or(row.updated)).unwrap_or_default();
        let mut out = Map::new();
        out.insert(self.id_key(object), self.id(object, row.key));
        out.insert(spelled("is_deleted"), Value::from(true));
        out.insert(names::field(self.shape, "updated_at"), values::instant(self.shape, at, false));
        out
    }
}
