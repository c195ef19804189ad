//! Which columns of a table the mapping says nothing of, so that nothing is lost silently.

use std::collections::BTreeSet;

use super::column::Column;
use super::field::FoldOf;
use super::object::{Destination, KeyPart};
use super::{Mapping, ObjectRules};
use crate::record::{Entity, Object};

impl Mapping {
    /// The columns, of those that a table has, that are neither migrated nor left out on purpose; in the table's order.
    ///
    /// A column counts as migrated when its value goes somewhere: into a field, into a parent it is folded into, or into
    /// what identifies, dates and links the record, or when it decides what becomes of it. A column that is only asked
    /// whether it is filled does not.
    /// `columns` names nested values by their dotted path; a mapped object covers what is inside it.
    #[must_use]
    pub fn uncovered<'c>(&self, object: Object, columns: &[&'c str]) -> Vec<&'c str> {
        let Some(rules) = self.object(object) else { return columns.to_vec() };
        let used = self.used(rules);
        let is_known = |column: &str| {
            let is_inside = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
            // A list or object whose parts are mapped is no column of its own.
            used.iter()
                .chain(rules.leave.keys())
                .any(|name| name == column || is_inside(column, name) || is_inside(name, column))
        };
        columns.iter().copied().filter(|column| !is_known(column)).collect()
    }

    /// The columns whose values the mapping carries over.
    fn used(&self, rules: &ObjectRules) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        add(&mut used, rules.id.iter().chain(&rules.modified));
        add(&mut used, rules.deleted.iter().map(|condition| &condition.column));
        add(&mut used, rules.skip.iter().flat_map(|skip| &skip.conditions).map(|condition| &condition.column));
        for destination in &rules.to {
            add_destination(&mut used, destination);
        }
        add(&mut used, self.ways_through(rules.object).map(|(column, _)| column));
        if let Some(fold) = &rules.fold_into {
            add(&mut used, [&fold.from]);
            let fields = self.object(fold.object).into_iter().flat_map(|parent| &parent.to).flat_map(|to| &to.fields);
            for field in fields {
                let Some(folded) = field.fold.as_ref().filter(|folded| folded.object == rules.object) else { continue };
                add(&mut used, folded.only.iter().map(|condition| &condition.column));
                match &folded.of {
                    FoldOf::Count => {}
                    FoldOf::Sum(column) => add(&mut used, [column]),
                    FoldOf::List(template) => add(&mut used, template.columns()),
                    FoldOf::Pick(pick) => add(&mut used, field.from.columns().into_iter().chain(&pick.by)),
                }
            }
        }
        used
    }
}

fn add_destination(used: &mut BTreeSet<String>, destination: &Destination) {
    // What is inside a list of elements is named by the list.
    let within = |column: &Column| match &destination.each {
        Some(each) => format!("{}.{}", each.column.name, column.name),
        None => column.name.clone(),
    };
    for field in &destination.fields {
        used.extend(field.columns().into_iter().map(within));
        add(used, field.applies.only_if.iter().map(|condition| &condition.column));
    }
    if let Some(each) = &destination.each {
        used.insert(format!("{}.{}", each.column.name, each.id.name));
        if destination.entity == Entity::Stage {
            // Which stage is won or lost decides the status of its deals; `configure` reads it under this name.
            used.insert(format!("{}.kind", each.column.name));
        }
        used.extend(each.order.iter().map(|order| format!("{}.{}", each.column.name, order.name)));
    }
    let keys = destination.duplicate_key.iter().chain(&destination.similar_key);
    add(used, keys.flat_map(|key: &KeyPart| key.from.columns()));
}

fn add<'c>(used: &mut BTreeSet<String>, columns: impl IntoIterator<Item = &'c Column>) {
    used.extend(columns.into_iter().map(|column| column.name.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(object: Object, columns: &[&str], expected: &[&str]) {
        assert_eq!(Mapping::promox().uncovered(object, columns), expected);
    }

    #[test]
    fn what_is_not_mapped_is_named() {
        check(Object::Client, &["id", "email", "fax", "updated_at", "is_deleted", "shoe_size"], &["fax", "shoe_size"]);
        check(
            Object::Client,
            &["billing_address", "billing_address.city", "billing_addresses"],
            &["billing_addresses"],
        );
        check(
            Object::Pipeline,
            &["name", "stages.id", "stages.name", "stages.color", "stages.kind", "stages", "record_type"],
            &["stages.color"],
        );
        check(Object::Commission, &["id", "project_id", "amount", "rate", "approved_by"], &["approved_by"]);
        check(Object::Project, &["currency", "closed_at", "pipeline_id", "margin"], &["margin"]);
        check(Object::Task, &["related_type", "related_id", "completed_at", "due_time"], &[]);
        check(Object::Meeting, &["id"], &["id"]);
    }

    #[test]
    fn what_is_left_is_covered() {
        let text = crate::mapping::PROMOX
            .replace("kind = \"client\"\n", "kind = \"client\"\nleave = { fax = \"nobody faxes\" }\n");
        let mapping = Mapping::parse(&text, "test").expect("a mapping");
        assert_eq!(mapping.uncovered(Object::Client, &["fax", "telex"]), ["telex"]);
    }
}
