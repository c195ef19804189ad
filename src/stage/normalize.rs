//! Normalize: from a source record to drafts, by the approved mapping. The core: plain functions without I/O.
//!
//! A bad value in an optional field drops that field with a finding. A bad or missing value in a required one rejects the
//! whole record, also when only another of its roles is asked for: a record has one fate.

mod convert;
mod folds;
mod run;
mod value;

use std::sync::Arc;

use serde_json::Value;

use crate::clean::keys;
use crate::mapping::Mapping;
use crate::mapping::accepted::{accepted, one_of};
use crate::mapping::column::Payload;
use crate::mapping::field::Origin;
use crate::mapping::object::{Destination, Each, ObjectRules};
use crate::record::{BindingKey, Draft, Entity, FieldValue, Finding, Object, SourceRecord, Target};

pub use run::{Normalize, run};

/// What a source record becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Normalized {
    /// Its roles, in the mapping's order; those of the entity asked for, if one was.
    Roles(Vec<RoleOutcome>),
    /// It is folded into its parent and has no draft. What it names is the parent, or the first record on the way there.
    Folded(ParentKey),
    /// A rule leaves it out, for this reason.
    Skipped(String),
    /// It cannot be loaded.
    Rejected(Rejection),
}

/// One role of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleOutcome {
    /// The role.
    pub role: Arc<str>,
    /// Kind of the destination record.
    pub entity: Entity,
    /// A draft, or why there is none.
    pub result: RoleResult,
}

/// A draft, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum RoleResult {
    /// What shall be there.
    Draft {
        /// The draft.
        draft: Draft,
        /// What was noticed about its values.
        findings: Vec<Finding>,
    },
    /// The role does not apply to this record, for this reason.
    LeftOut(String),
}

/// The record that a child is folded into, or through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParentKey {
    /// Its kind.
    pub object: Object,
    /// Its id in the source.
    pub source_id: String,
}

/// Why a record cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The role that cannot be made; empty when it is about the whole record.
    pub role: String,
    /// The source's field.
    pub field: String,
    /// Its value as written, at most the first part of it; empty when it is missing.
    pub value: String,
    /// Why, in words.
    pub reason: String,
}

/// What every field of a row is read from.
struct Row<'a> {
    mapping: &'a Mapping,
    rules: &'a ObjectRules,
    record: &'a SourceRecord,
    /// The row, or one element of a list nested in it.
    payload: &'a Payload,
    /// Where a child stands in for the row: the records by way of which it is folded into it.
    between: &'a [SourceRecord],
    /// For each destination, why it does not apply.
    refusals: &'a [Option<String>],
}

impl Row<'_> {
    /// Whether this record has the role too.
    fn has_role(&self, role: &str) -> bool {
        self.rules
            .to
            .iter()
            .zip(self.refusals)
            .any(|(destination, refusal)| *destination.role == *role && refusal.is_none())
    }
}

/// Applies the mapping to one record, with its children where others are folded into it.
///
/// With `only`, drafts of other entities are left out of the answer, but what would reject the record still does.
#[must_use]
pub fn normalize(record: &SourceRecord, mapping: &Mapping, only: Option<Entity>) -> Normalized {
    let Some(rules) = mapping.object(record.object) else {
        return Normalized::Skipped(format!("the mapping leaves {} records out", record.object));
    };
    if record.deleted {
        return Normalized::Skipped("deleted at the source".to_owned());
    }
    if let Some(skip) = rules.skipped(&record.payload) {
        return Normalized::Skipped(skip.reason.clone());
    }
    if let Some(fold) = &rules.fold_into {
        return match fold.from.text(&record.payload) {
            Some(id) => Normalized::Folded(ParentKey { object: fold.named(), source_id: id.into_owned() }),
            None => Normalized::Rejected(Rejection {
                role: String::new(),
                field: fold.from.name.clone(),
                value: String::new(),
                reason: format!("names no {} to fold it into", fold.named()),
            }),
        };
    }
    match roles(record, rules, mapping, only) {
        Ok(roles) => Normalized::Roles(roles),
        Err(rejection) => Normalized::Rejected(rejection),
    }
}

fn roles(
    record: &SourceRecord,
    rules: &ObjectRules,
    mapping: &Mapping,
    only: Option<Entity>,
) -> Result<Vec<RoleOutcome>, Rejection> {
    let refusals: Vec<Option<String>> =
        rules.to.iter().map(|destination| destination.applies.refusal(&record.payload)).collect();
    if refusals.iter().all(Option::is_some) {
        let reasons: Vec<&str> = refusals.iter().flatten().map(String::as_str).collect();
        return Err(Rejection {
            role: String::new(),
            field: String::new(),
            value: String::new(),
            reason: reasons.join("; "),
        });
    }
    let row = Row { mapping, rules, record, payload: &record.payload, between: &[], refusals: &refusals };
    let mut roles = Vec::with_capacity(rules.to.len());
    for (destination, refusal) in rules.to.iter().zip(&refusals) {
        let is_asked = only.is_none_or(|entity| entity == destination.entity);
        match (refusal, &destination.each) {
            (Some(reason), _) if is_asked => roles.push(RoleOutcome {
                role: Arc::clone(&destination.role),
                entity: destination.entity,
                result: RoleResult::LeftOut(reason.clone()),
            }),
            (Some(_), _) => {}
            (None, None) if is_asked => roles.push(draft(&row, destination, Arc::clone(&destination.role))?),
            (None, None) => check(&row, destination)?,
            (None, Some(each)) => elements(&row, destination, each, is_asked, &mut roles)?,
        }
    }
    Ok(roles)
}

/// A draft for each element of a nested list, in its order.
fn elements(
    row: &Row<'_>,
    destination: &Destination,
    each: &Each,
    is_asked: bool,
    roles: &mut Vec<RoleOutcome>,
) -> Result<(), Rejection> {
    let Some(Value::Array(list)) = each.column.value(row.payload) else { return Ok(()) };
    let mut elements: Vec<&Payload> = list.iter().filter_map(Value::as_object).collect();
    if let Some(order) = &each.order {
        elements.sort_by_key(|element| folds::natural_order(order.text(element).as_deref().unwrap_or_default()));
    }
    for element in elements {
        let Some(id) = each.id.text(element) else {
            let reason = format!("an element of {} has no {}", each.column.name, each.id.name);
            return Err(Rejection {
                role: destination.role.to_string(),
                field: each.column.name.clone(),
                value: String::new(),
                reason,
            });
        };
        let role: Arc<str> = format!("{}:{id}", destination.role).into();
        let row = Row { payload: element, ..*row };
        if is_asked {
            roles.push(draft(&row, destination, role)?);
        } else {
            check(&row, destination)?;
        }
    }
    Ok(())
}

fn draft(row: &Row<'_>, destination: &Destination, role: Arc<str>) -> Result<RoleOutcome, Rejection> {
    let mut fields: Vec<(Target, FieldValue)> = Vec::with_capacity(destination.fields.len());
    let mut findings = Vec::new();
    for field in &destination.fields {
        value::fill(row, field, &mut fields, &mut findings).map_err(|rejection| rejection.of_role(destination))?;
    }
    check_needed(destination, &fields)?;
    value::status_from_stage(row.mapping, destination.entity, &mut fields);
    let binding =
        BindingKey { object: row.record.object, source_id: Arc::clone(&row.record.id), role: Arc::clone(&role) };
    let duplicate_key = keys::key(&destination.duplicate_key, row.payload, &row.mapping.owners, &row.mapping.defaults);
    let draft = Draft { binding, entity: destination.entity, fields, duplicate_key };
    Ok(RoleOutcome { role, entity: destination.entity, result: RoleResult::Draft { draft, findings } })
}

/// Reads only what could reject the record.
fn check(row: &Row<'_>, destination: &Destination) -> Result<(), Rejection> {
    let needed = one_of(destination.entity);
    let mut fields = Vec::new();
    let mut findings = Vec::new();
    for field in &destination.fields {
        let is_needed = matches!(&field.target, Target::System(name) if needed.contains(&name.as_str()));
        if field.required || is_needed {
            value::fill(row, field, &mut fields, &mut findings).map_err(|rejection| rejection.of_role(destination))?;
        }
    }
    check_needed(destination, &fields)
}

/// Pipedrive refuses a record without its required fields, a lead without a person or an organization, a note without a
/// parent.
fn check_needed(destination: &Destination, fields: &[(Target, FieldValue)]) -> Result<(), Rejection> {
    let has = |name: &str| fields.iter().any(|(target, _)| matches!(target, Target::System(own) if own == name));
    if let Some(facts) = accepted(destination.entity).iter().find(|facts| facts.required && !has(facts.name)) {
        return Err(lacks(destination, &[facts.name]));
    }
    let needed = one_of(destination.entity);
    if needed.is_empty() || needed.iter().any(|name| has(name)) { Ok(()) } else { Err(lacks(destination, needed)) }
}

fn lacks(destination: &Destination, names: &[&str]) -> Rejection {
    let is_meant = |target: &Target| matches!(target, Target::System(name) if names.contains(&name.as_str()));
    let lines = destination.fields.iter().filter(|field| is_meant(&field.target) && field.from != Origin::OwnId);
    let mut columns: Vec<&str> = lines.map(|field| field.label.as_str()).collect();
    columns.dedup();
    let reason = format!("gives no {}, and Pipedrive refuses a {} without it", names.join(" or "), destination.entity);
    Rejection { role: destination.role.to_string(), field: columns.join("+"), value: String::new(), reason }
}

impl Rejection {
    fn of_role(self, destination: &Destination) -> Self {
        Self { role: destination.role.to_string(), ..self }
    }
}

#[cfg(test)]
mod tests;
