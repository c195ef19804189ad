//! The marker: our source id, written where each kind of record can carry it, so that a lost answer can be settled.
//!
//! Organizations, persons and deals carry it in a custom field, leads in `origin_id`, activities and notes as the last
//! line of their text. A marker is a hint, not identity: people duplicate deals, and copies carry it.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::pipedrive::Row;
use crate::record::{BindingKey, Entity, Object};

/// Ids longer than this, or with other characters than [`is_plain`] allows, are replaced by their hash: a varchar field
/// holds 255 characters, and HTML must not eat any of them.
const ID_BYTES_MAX: usize = 120;

/// Opens the marker in a text; the closing bracket ends it.
const OPEN: &str = "[crossdock ";

/// Writes and reads the markers of one migration in one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markers {
    migration: String,
    codes: HashMap<Entity, String>,
}

impl Markers {
    /// Markers of a migration; `codes` are the keys of the marker fields of organizations, persons and deals.
    #[must_use]
    pub fn new(migration: &str, codes: HashMap<Entity, String>) -> Self {
        Self { migration: migration.to_owned(), codes }
    }

    /// The marker of one destination record: `MIGRATION:client/42#person`.
    #[must_use]
    pub fn text(&self, key: &BindingKey) -> String {
        let id = &*key.source_id;
        let Self { migration, .. } = self;
        if id.len() <= ID_BYTES_MAX && id.chars().all(is_plain) {
            return format!("{migration}:{}/{id}#{}", key.object, key.role);
        }
        let hash = blake3::hash(id.as_bytes()).to_hex();
        format!("{migration}:{}/~{}#{}", key.object, &hash[..32], key.role)
    }

    /// Whose record a marker says it is; `None` for foreign markers and for hashed ids, which cannot be read back.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<BindingKey> {
        let rest = text.strip_prefix(&self.migration)?.strip_prefix(':')?;
        let (object, rest) = rest.split_once('/')?;
        let (id, role) = rest.rsplit_once('#')?;
        if id.starts_with('~') || id.is_empty() || role.is_empty() {
            return None;
        }
        Some(BindingKey::new(Object::parse(object)?, id, role))
    }

    /// Adds the marker to a body. False when this kind of record has no place for it (or its field does not exist yet).
    pub fn put(&self, entity: Entity, key: &BindingKey, body: &mut Map<String, Value>) -> bool {
        let text = self.text(key);
        match entity {
            Entity::Organization | Entity::Person | Entity::Deal => {
                let Some(code) = self.codes.get(&entity) else { return false };
                let custom = body.entry("custom_fields").or_insert_with(|| Value::Object(Map::new()));
                let Some(custom) = custom.as_object_mut() else { return false };
                custom.insert(code.clone(), text.into());
            }
            Entity::Lead => {
                body.insert("origin_id".to_owned(), text.into());
            }
            Entity::Activity => append_line(body, "note", &text),
            Entity::Note => append_line(body, "content", &text),
            _ => return false,
        }
        true
    }

    /// The marker that a record carries, if it is of this migration.
    #[must_use]
    pub fn read<'a>(&self, entity: Entity, row: &'a Row) -> Option<&'a str> {
        let found = match entity {
            Entity::Organization | Entity::Person | Entity::Deal => row.custom(self.codes.get(&entity)?)?.as_str(),
            Entity::Lead => row.text("origin_id"),
            Entity::Activity => row.text("note").and_then(last_marker),
            Entity::Note => row.text("content").and_then(last_marker),
            _ => None,
        }?;
        let ours = found.strip_prefix(&self.migration).is_some_and(|rest| rest.starts_with(':'));
        ours.then_some(found)
    }
}

/// Characters that no custom field, no HTML sanitizer and no trimming changes.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._@-".contains(character)
}

fn append_line(body: &mut Map<String, Value>, field: &str, marker: &str) {
    let text = body.get(field).and_then(Value::as_str).unwrap_or_default();
    let text = format!("{text}<p>{OPEN}{marker}]</p>");
    body.insert(field.to_owned(), text.into());
}

fn last_marker(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once(OPEN)?;
    rest.split_once(']').map(|(marker, _)| marker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn markers() -> Markers {
        Markers::new("m1", [(Entity::Deal, "c0de".to_owned())].into_iter().collect())
    }

    #[test]
    fn every_place_reads_back_what_was_put() {
        for entity in [Entity::Deal, Entity::Lead, Entity::Activity, Entity::Note] {
            for id in ["10522", "P-1.a@b", "Acme & Söhne <x>", &"9".repeat(300)] {
                let key = BindingKey::new(Object::Project, id, "deal");
                let mut body = json!({"note": "<p>hello</p>"}).as_object().cloned().expect("a map");
                assert!(markers().put(entity, &key, &mut body));
                let row = Row { id: "1".into(), body };
                let read = markers().read(entity, &row).map(str::to_owned);
                assert_eq!(read, Some(markers().text(&key)), "{entity} {id}");
                let parsed = markers().parse(&read.expect("read"));
                assert!(parsed.is_none_or(|parsed| parsed == key));
                assert!(markers().text(&key).len() <= 255);
            }
        }
    }

    #[test]
    fn foreign_markers_are_not_ours() {
        let key = BindingKey::new(Object::Project, "1", "deal");
        let mut body = Map::new();
        assert!(Markers::new("m11", markers().codes).put(Entity::Deal, &key, &mut body));
        assert_eq!(markers().read(Entity::Deal, &Row { id: "1".into(), body }), None);
        assert_eq!(markers().parse("m1:project/1#deal"), Some(key));
        assert_eq!(markers().parse("m1:planet/1#deal"), None);
    }
}
