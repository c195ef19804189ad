//! The checked rules of one source object: where it is, which rows count, and what each becomes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::column::{Column, Condition, Payload};
use super::existing::Existing;
use super::field::{Field, Origin};
use crate::record::{Entity, Object, named_enum};

/// The rules of one source object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectRules {
    /// Kind of the source records.
    pub object: Object,
    /// Last segment of the API path, or the file's name without its ending.
    pub table: String,
    /// Columns that make the id, joined by `/`; never empty.
    pub id: Vec<Column>,
    /// Column with the time of the last change.
    pub modified: Option<Column>,
    /// All must hold for a row that was deleted at the source; empty when the source does not say.
    pub deleted: Vec<Condition>,
    /// The record is folded into this one and has no destination of its own.
    pub fold_into: Option<FoldInto>,
    /// Rows left out by rule; the first that applies gives the reason.
    pub skip: Vec<Skip>,
    /// Columns that are not migrated, each with the reason.
    pub leave: BTreeMap<String, String>,
    /// What a row becomes, in the mapping's order.
    pub to: Vec<Destination>,
}

/// Into which record a child is folded.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldInto {
    /// Kind of the parent.
    pub object: Object,
    /// Column with the parent's id; where others lie between, with the id of the first of these.
    pub from: Column,
    /// The records through which the parent is reached, in order; empty: the row names its parent itself.
    pub through: Vec<Through>,
}

/// A record that names the next one on the way from a child to its parent.
#[derive(Debug, Clone, PartialEq)]
pub struct Through {
    /// Its kind.
    pub object: Object,
    /// Column with the id of the next record.
    pub from: Column,
}

impl FoldInto {
    /// The way from a row of `child` to its parent: each kind of record on it, with its column and what that names.
    pub fn way(&self, child: Object) -> impl Iterator<Item = (Object, &Column, Object)> {
        let first = std::iter::once((child, &self.from));
        let steps = first.chain(self.through.iter().map(|through| (through.object, &through.from)));
        let named = self.through.iter().map(|through| through.object).chain([self.object]);
        steps.zip(named).map(|((object, column), next)| (object, column, next))
    }

    /// The kind of record that the row itself names.
    #[must_use]
    pub fn named(&self) -> Object {
        self.through.first().map_or(self.object, |through| through.object)
    }

    /// What it is folded into and by which columns, in words: `client by project_id, then client_id of project`.
    #[must_use]
    pub fn words(&self) -> String {
        let then = self.through.iter().map(|through| format!(", then {} of {}", through.from.name, through.object));
        format!("{} by {}{}", self.object, self.from.name, then.collect::<String>())
    }
}

/// A rule that leaves rows out.
#[derive(Debug, Clone, PartialEq)]
pub struct Skip {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// The reason, as reports show it.
    pub reason: String,
}

/// One Pipedrive record that a source row becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// What kind of Pipedrive record.
    pub entity: Entity,
    /// Its role; for nested elements the beginning of it, followed by `:` and the element's id.
    pub role: Arc<str>,
    /// One record for each element of a list nested in the row.
    pub each: Option<Each>,
    /// When the role applies.
    pub applies: Applies,
    /// What makes two records the same; empty: never merged.
    pub duplicate_key: Vec<KeyPart>,
    /// What makes two records alike: both stay, and are flagged. Empty: never.
    pub similar_key: Vec<KeyPart>,
    /// What counts as the same in Pipedrive, and what becomes of it then.
    pub existing: Existing,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A list nested in the row.
#[derive(Debug, Clone, PartialEq)]
pub struct Each {
    /// Column with the list.
    pub column: Column,
    /// Column of the element's id, in the element.
    pub id: Column,
    /// Column of the element that sorts them (numbers first by value, then text); none: as listed.
    pub order: Option<Column>,
}

/// When a role applies to a row. All of it must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applies {
    /// Columns that must all be filled.
    pub when: Vec<Column>,
    /// Columns of which one must be filled; empty: no such demand.
    pub when_any: Vec<Column>,
    /// Columns of which none may be filled.
    pub unless: Vec<Column>,
    /// Columns with the values they must have.
    pub only_if: Vec<Condition>,
}

impl Applies {
    /// Why it does not apply to the row; `None` when it does.
    #[must_use]
    pub fn refusal(&self, payload: &Payload) -> Option<String> {
        if let Some(column) = self.when.iter().find(|column| !column.is_filled(payload)) {
            return Some(format!("{} is empty", column.name));
        }
        if !self.when_any.is_empty() && !self.when_any.iter().any(|column| column.is_filled(payload)) {
            let names: Vec<&str> = self.when_any.iter().map(|column| column.name.as_str()).collect();
            return Some(format!("{} are empty", names.join(" and ")));
        }
        if let Some(column) = self.unless.iter().find(|column| column.is_filled(payload)) {
            return Some(format!("{} is given", column.name));
        }
        let condition = self.only_if.iter().find(|condition| !condition.holds(payload))?;
        Some(format!("{} is {:?}", condition.column.name, condition.column.text(payload).unwrap_or_default()))
    }

    /// Whether it applies to the row.
    #[must_use]
    pub fn holds(&self, payload: &Payload) -> bool {
        self.when.iter().all(|column| column.is_filled(payload))
            && (self.when_any.is_empty() || self.when_any.iter().any(|column| column.is_filled(payload)))
            && !self.unless.iter().any(|column| column.is_filled(payload))
            && self.only_if.iter().all(|condition| condition.holds(payload))
    }

    /// Whether it can ever fail.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        !(self.when.is_empty() && self.when_any.is_empty() && self.unless.is_empty() && self.only_if.is_empty())
    }
}

named_enum! {
    /// How a part of a key is cleaned before it is compared.
    KeyClean {
        /// Trimmed, nothing else.
        Exact = "exact",
        /// White space single, letters without case.
        Text = "text",
        /// As a person's name ("Last, First" turned round), letters without case.
        Name = "name",
        /// All addresses, lower case, sorted.
        Emails = "emails",
        /// All numbers in E.164, sorted.
        Phones = "phones",
    }
}

/// One part of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyPart {
    /// Where its value comes from.
    pub from: Origin,
    /// How it is cleaned.
    pub clean: KeyClean,
    /// Without it the record has no key.
    pub required: bool,
}

impl ObjectRules {
    /// The id of a row; `None` when one of its columns is empty.
    #[must_use]
    pub fn source_id(&self, payload: &Payload) -> Option<String> {
        let mut id = String::new();
        for (position, column) in self.id.iter().enumerate() {
            if position > 0 {
                id.push('/');
            }
            id.push_str(&column.text(payload)?);
        }
        (!id.is_empty()).then_some(id)
    }

    /// The rule that leaves a row out, if one does.
    #[must_use]
    pub fn skipped(&self, payload: &Payload) -> Option<&Skip> {
        self.skip.iter().find(|skip| skip.conditions.iter().all(|condition| condition.holds(payload)))
    }

    /// Whether the source says that the row was deleted.
    #[must_use]
    pub fn is_deleted(&self, payload: &Payload) -> bool {
        !self.deleted.is_empty() && self.deleted.iter().all(|condition| condition.holds(payload))
    }

    /// The destination with a role.
    #[must_use]
    pub fn destination(&self, role: &str) -> Option<&Destination> {
        self.to.iter().find(|destination| *destination.role == *role)
    }
}
