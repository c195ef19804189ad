//! A note made of a row's own text: the destination that the first column in it needs, and the end of one with none left.

use toml::{Table, Value};
use toml_edit::{Array, InlineTable, Item};

use super::object::ObjectRules;
use crate::record::Entity;

/// The role of such a note, and the field that holds its text.
pub const NOTE: (&str, &str) = ("note", "content");

/// Records that a note can belong to, with its field for each; a deal or a lead goes before those that it belongs to.
const PARENTS: [(Entity, &str); 4] = [
    (Entity::Deal, "deal_id"),
    (Entity::Lead, "lead_id"),
    (Entity::Person, "person_id"),
    (Entity::Organization, "org_id"),
];

/// Whether the rows of an object may have a note of their own text: they become a record that it can belong to.
#[must_use]
pub fn may_have_note(rules: &ObjectRules) -> bool {
    let entities = || rules.to.iter().map(|to| to.entity);
    entities().any(|entity| PARENTS.iter().any(|(parent, _)| *parent == entity))
        && entities().all(|entity| entity != Entity::Note)
}

/// The links of a note to a row's own records.
fn links(entities: &[Entity]) -> Vec<(Entity, &'static str)> {
    let own: Vec<(Entity, &str)> = PARENTS.iter().copied().filter(|(entity, _)| entities.contains(entity)).collect();
    match own.first() {
        Some(main @ (Entity::Deal | Entity::Lead, _)) => vec![*main],
        _ => own,
    }
}

/// The destination of a note for an object whose rows become these kinds of record. `field` is the one with the text.
pub(super) fn destination(entities: &[Entity], field: &Table) -> toml_edit::Table {
    let mut made = toml_edit::Table::new();
    made.insert("entity", toml_edit::value(Entity::Note.as_str()));
    let mut columns = Array::new();
    match field.get("from") {
        Some(Value::String(name)) => columns.push(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).for_each(|name| columns.push(name)),
        _ => {}
    }
    // A row without text has no note.
    if !columns.is_empty() {
        made.insert("when_any", toml_edit::value(columns));
    }
    let mut fields = Array::new();
    for (entity, name) in links(entities) {
        let mut link = InlineTable::new();
        for (key, value) in [("to", name), ("kind", "link"), ("own_role", entity.as_str())] {
            link.insert(key, value.into());
        }
        let mut value = toml_edit::Value::InlineTable(link);
        value.decor_mut().set_prefix("\n  ");
        fields.push_formatted(value);
    }
    fields.set_trailing("\n");
    fields.set_trailing_comma(true);
    made.insert("fields", toml_edit::value(fields));
    made
}

/// Removes the notes of an object whose text is gone.
pub(super) fn drop_empty(object: &mut toml_edit::Table) {
    let Some(to) = object.get_mut("to").and_then(Item::as_array_of_tables_mut) else { return };
    to.retain(|table| {
        let is_note = table.get("entity").and_then(Item::as_str) == Some(Entity::Note.as_str());
        let fields = table.get("fields").and_then(Item::as_array).into_iter().flatten();
        let target = |field: &toml_edit::Value| field.as_inline_table()?.get("to")?.as_str().map(str::to_owned);
        !is_note || fields.filter_map(target).any(|to| to == NOTE.1)
    });
}
