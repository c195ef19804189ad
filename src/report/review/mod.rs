//! The map as people review it: for every column what it holds, where it goes, why there, how sure that is, what would be
//! lost, and what becomes of real values.
//!
//! [`Review::new`] puts together what the mapping says, what was found in the source and what was remarked. `page` shows
//! it, `sheets` makes the workbook of it, `answers` reads the edited workbook back.

mod aliases;
pub mod answers;
mod lines;
pub mod owners;
mod page;
mod placements;
pub mod remarks;
pub mod sheets;
pub mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::mapping::edit_note::NOTE;
use crate::mapping::object::ObjectRules;
use crate::mapping::proposal::{Alternative, ColumnFacts, PlacementChoice, Proposal, ProposedField, ProposedTable};
use crate::mapping::{Mapping, clauses};
use crate::record::{Entity, Object};
use remarks::Remarks;

/// Previews kept of one field.
pub const PREVIEWS_MAX: usize = 3;

/// The report `mapping`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Review {
    /// Digest of the mapping it shows.
    pub mapping: String,
    /// The mapped tables in the mapping's order, then those that are left out.
    pub tables: Vec<TableReview>,
    /// Why there are no previews on real rows; empty when there are.
    pub no_previews: String,
    /// Who the owners are.
    #[serde(default)]
    pub owners: owners::OwnersReview,
    /// What was found and proposed, as it was told.
    pub proposal: Proposal,
}

/// One table of the source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TableReview {
    /// Its name at the source.
    pub table: String,
    /// What its rows are taken for; `None`: it is left out.
    pub object: Option<Object>,
    /// Rows that were looked at.
    pub rows: u64,
    /// Whether these were all rows.
    pub is_whole: bool,
    /// What a row becomes, in words.
    pub placement: String,
    /// How sure that is, 0 to 1; `None` when nobody proposed it.
    pub confidence: Option<f64>,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// The placement as the mapping's `[placement]` writes it; empty where nobody can choose.
    #[serde(default)]
    pub placed: String,
    /// Other placements, best first.
    pub alternatives: Vec<PlacementChoice>,
    /// What each rule would make of real rows, where they are folded.
    #[serde(default)]
    pub rules: RulePreviews,
    /// Its fields in the mapping's order, then its columns that are left out, then those that nobody decided about.
    pub fields: Vec<FieldReview>,
}

/// One line: a field of the mapping, or a column that goes nowhere.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FieldReview {
    /// Names the line when the workbook is read back.
    pub key: String,
    /// Role of the destination; empty for a column that goes nowhere.
    pub role: String,
    /// Its line among the destination's fields, from 0.
    pub position: usize,
    /// Hash of the field as the mapping writes it, or of the column's name.
    pub fingerprint: String,
    /// The columns it comes from.
    pub columns: Vec<String>,
    /// What they hold, in words.
    pub holds: String,
    /// Rows that have a value; `None` when nobody counted.
    pub filled: Option<u64>,
    /// A few values, masked.
    pub samples: Vec<String>,
    /// Where it goes, as [`target::Target`] writes it; empty when nobody decided.
    pub target: String,
    /// What happens to the value, as [`clauses::write`] writes it.
    pub transform: String,
    /// How sure the target is, 0 to 1; `None` when nobody proposed it.
    pub confidence: Option<f64>,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Other targets, best first.
    pub alternatives: Vec<String>,
    /// What would be lost.
    pub losses: Vec<String>,
    /// What becomes of real values.
    pub previews: Vec<Preview>,
    /// What the customer remarked.
    pub remark: String,
}

/// What becomes of one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// As the source holds it.
    pub before: String,
    /// As Pipedrive will; empty when nothing is left of it.
    pub after: String,
    /// What was noticed on the way.
    pub notes: Vec<String>,
}

/// What each rule of folding would make of the rows of a few real records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RulePreviews {
    /// The records, each with how many rows belong to it.
    pub parents: Vec<String>,
    /// The rules.
    pub rules: Vec<RulePreview>,
}

/// What one rule would make of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulePreview {
    /// The rule, as a placement writes it.
    pub rule: String,
    /// What each record would hold, in their order.
    pub gives: Vec<String>,
}

/// What is put together.
pub struct Parts<'a> {
    /// The mapping as it is written.
    pub text: &'a str,
    /// The same, checked.
    pub mapping: &'a Mapping,
    /// What is known of the source's tables, and what was proposed.
    pub proposal: Proposal,
    /// What the customer remarked.
    pub remarks: &'a Remarks,
    /// What each rule of folding would make of real rows, by the kind of these.
    pub rules: BTreeMap<Object, RulePreviews>,
    /// Previews by object, role and position.
    pub previews: BTreeMap<(Object, String, usize), Vec<Preview>>,
    /// Why there are none; empty when there are.
    pub no_previews: String,
    /// Who the owners are.
    pub owners: owners::OwnersReview,
}

impl Review {
    /// Puts a review together.
    #[must_use]
    pub fn new(parts: Parts<'_>) -> Self {
        let document: Table = parts.text.parse().unwrap_or_default();
        let mut tables: Vec<TableReview> = Vec::new();
        for (rules, written) in parts.mapping.objects.iter().zip(sections(&document, "object")) {
            tables.push(table(&parts, rules, written));
        }
        let is_left = |proposed: &&ProposedTable| !tables.iter().any(|known| known.table == proposed.table);
        let left: Vec<TableReview> = parts.proposal.tables.iter().filter(is_left).map(left_table).collect();
        tables.extend(left);
        Self {
            mapping: parts.mapping.digest().to_owned(),
            tables,
            no_previews: parts.no_previews,
            owners: parts.owners,
            proposal: parts.proposal,
        }
    }

    /// Columns that are neither migrated nor left out on purpose, by table.
    #[must_use]
    pub fn uncovered(&self) -> Vec<(&str, &str)> {
        let of = |table: &'_ TableReview| table.object.is_some();
        self.tables
            .iter()
            .filter(|table| of(table))
            .flat_map(|table| {
                let open = table.fields.iter().filter(|field| field.target.is_empty());
                open.filter_map(|field| Some((table.table.as_str(), field.columns.first()?.as_str())))
            })
            .collect()
    }
}

fn sections<'t>(table: &'t Table, key: &str) -> Vec<&'t Table> {
    let list = table.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_table).collect()
}

/// A hash that tells whether a part of the mapping is still as it was.
pub(super) fn fingerprint(of: &str) -> String {
    blake3::hash(of.as_bytes()).to_hex()[..16].to_owned()
}

/// The fields of a destination as the mapping writes them.
pub(super) fn written_fields(document: &Table, object: Object, role: &str) -> Vec<Table> {
    let own = |table: &&Table| table.get("kind").and_then(Value::as_str) == Some(object.as_str());
    let has_role = |table: &&Table| ["role", "entity"].iter().find_map(|key| table.get(*key)?.as_str()) == Some(role);
    let object = sections(document, "object").into_iter().find(own);
    let to = object.and_then(|object| sections(object, "to").into_iter().find(has_role));
    to.map(|to| sections(to, "fields").into_iter().cloned().collect()).unwrap_or_default()
}

fn left_table(proposed: &ProposedTable) -> TableReview {
    TableReview {
        table: proposed.table.clone(),
        object: None,
        rows: proposed.rows,
        is_whole: proposed.is_whole,
        placement: "not migrated".to_owned(),
        confidence: Some(proposed.confidence),
        reasons: proposed.reasons.clone(),
        placed: proposed.placed.clone().unwrap_or_default(),
        alternatives: proposed.alternatives.clone(),
        rules: RulePreviews::default(),
        fields: Vec::new(),
    }
}

fn table(parts: &Parts<'_>, rules: &ObjectRules, written: &Table) -> TableReview {
    let known = parts.proposal.tables.iter().find(|known| known.table == rules.table);
    let columns: &[ColumnFacts] = known.map(|known| known.columns.as_slice()).unwrap_or_default();
    let proposed: &[ProposedField] = known.map(|known| known.fields.as_slice()).unwrap_or_default();
    let mut fields = Vec::new();
    for destination in &rules.to {
        let written = written_of(written, &destination.role);
        for (position, (field, written)) in destination.fields.iter().zip(written).enumerate() {
            // What is inside a list of elements is named by the list.
            let within = |name: &str| match &destination.each {
                Some(each) => format!("{}.{name}", each.column.name),
                None => name.to_owned(),
            };
            let names: Vec<String> = field.columns().iter().map(|column| within(&column.name)).collect();
            let from: Vec<String> = field.from.columns().iter().map(|column| column.name.clone()).collect();
            let target = target::Target::field(&destination.role, &field.target.to_string());
            let mut review = FieldReview {
                key: format!("{}/{}/{position}", rules.object, destination.role),
                role: destination.role.to_string(),
                position,
                fingerprint: fingerprint(&written.to_string()),
                target: target.to_string(),
                transform: clauses::write(written),
                previews: parts
                    .previews
                    .get(&(rules.object, destination.role.to_string(), position))
                    .cloned()
                    .unwrap_or_default(),
                remark: parts.remarks.get(rules.object.as_str(), &remarks::field_key(&target.to_string(), &from)),
                ..FieldReview::default()
            };
            describe(&mut review, if names.is_empty() { &from } else { &names }, columns);
            judge(&mut review, rules, proposed, &field.target.to_string(), &from);
            fields.push(review);
        }
    }
    let left = rules.leave.iter().map(|(column, reason)| {
        let mut line = column_line(parts, rules, column, columns);
        line.target = target::LEAVE.to_owned();
        line.reasons = vec![reason.clone()];
        line
    });
    fields.extend(left);
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let open = parts.mapping.uncovered(rules.object, &names).into_iter().map(|column| {
        let mut line = column_line(parts, rules, column, columns);
        let own = |field: &&ProposedField| field.columns == [column.to_owned()];
        if let Some(field) = proposed.iter().find(own) {
            line.alternatives =
                alternatives(rules, field.entity.map(|entity| (entity, field.target.as_str())), &field.alternatives);
            line.reasons = field.reasons.clone();
        }
        line
    });
    fields.extend(open);
    TableReview {
        table: rules.table.clone(),
        object: Some(rules.object),
        rules: parts.rules.get(&rules.object).cloned().unwrap_or_default(),
        rows: known.map_or(0, |known| known.rows),
        is_whole: known.is_some_and(|known| known.is_whole),
        placement: known
            .map(|known| known.placement.clone())
            .filter(|words| !words.is_empty())
            .unwrap_or_else(|| placement(rules)),
        confidence: known.filter(|known| !known.fields.is_empty()).map(|known| known.confidence),
        reasons: known.map(|known| known.reasons.clone()).unwrap_or_default(),
        placed: placed(parts, rules, known),
        alternatives: known.map(|known| known.alternatives.clone()).unwrap_or_default(),
        fields,
    }
}

/// The placement: as the mapping names it, or else as it was proposed.
fn placed(parts: &Parts<'_>, rules: &ObjectRules, known: Option<&ProposedTable>) -> String {
    let own = parts.mapping.placements.get(&rules.table).map(ToString::to_string);
    own.or_else(|| known.and_then(|known| known.placed.clone())).unwrap_or_default()
}

fn written_of<'t>(object: &'t Table, role: &str) -> Vec<&'t Table> {
    let has_role = |table: &&Table| ["role", "entity"].iter().find_map(|key| table.get(*key)?.as_str()) == Some(role);
    sections(object, "to").into_iter().find(has_role).map(|to| sections(to, "fields")).unwrap_or_default()
}

/// What a row becomes, in words.
fn placement(rules: &ObjectRules) -> String {
    if let Some(fold) = &rules.fold_into {
        let through: Vec<String> = fold.through.iter().map(|through| format!("its {}", through.object)).collect();
        let through = if through.is_empty() { String::new() } else { format!(", by way of {}", through.join(" and ")) };
        return format!("part of its {}{through}", fold.object);
    }
    let each = |entity: Entity| {
        let name = entity.as_str().replace('_', " ");
        let article = if name.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
        format!("{article} {name}")
    };
    match rules.to.as_slice() {
        [] => "nothing: every row is skipped by a rule".to_owned(),
        [one] if one.entity == Entity::User => "a user that it is matched to".to_owned(),
        to => to.iter().map(|to| each(to.entity)).collect::<Vec<_>>().join(" and "),
    }
}

fn column_line(parts: &Parts<'_>, rules: &ObjectRules, column: &str, facts: &[ColumnFacts]) -> FieldReview {
    let mut line = FieldReview {
        key: format!("{}//{column}", rules.object),
        fingerprint: fingerprint(column),
        remark: parts.remarks.get(rules.object.as_str(), &remarks::column_key(column)),
        ..FieldReview::default()
    };
    describe(&mut line, &[column.to_owned()], facts);
    line
}

/// What is known of the columns of a line.
fn describe(line: &mut FieldReview, columns: &[String], facts: &[ColumnFacts]) {
    line.columns = columns.to_vec();
    let known: Vec<&ColumnFacts> =
        columns.iter().filter_map(|column| facts.iter().find(|facts| facts.name == *column)).collect();
    // A whole nested object, of which only the parts were looked at.
    if let ([whole], true) = (columns, known.is_empty()) {
        let parts = facts.iter().filter_map(|facts| Some((facts.name.strip_prefix(whole)?.strip_prefix('.')?, facts)));
        let parts: Vec<(&str, &ColumnFacts)> = parts.collect();
        if !parts.is_empty() {
            line.holds = format!("parts: {}", parts.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
            line.filled = parts.iter().map(|(_, facts)| facts.filled).max();
            line.samples = parts.iter().flat_map(|(_, facts)| facts.samples.first().cloned()).take(3).collect();
        }
        return;
    }
    line.filled = known.iter().map(|facts| facts.filled).max();
    line.holds = match known.as_slice() {
        [one] => one.holds.clone(),
        several => {
            several.iter().map(|facts| format!("{}: {}", facts.name, facts.holds)).collect::<Vec<_>>().join("\n")
        }
    };
    line.samples = known.iter().flat_map(|facts| facts.samples.iter().take(3).cloned()).take(3).collect();
}

/// What was proposed for a field, and whether the mapping still says so.
fn judge(line: &mut FieldReview, rules: &ObjectRules, proposed: &[ProposedField], target: &str, from: &[String]) {
    let of_columns = |field: &&ProposedField| {
        !from.is_empty() && field.columns == from && (field.role.is_empty() || field.role == line.role)
    };
    let exact = proposed.iter().filter(of_columns).find(|field| field.role == line.role && field.target == target);
    if let Some(field) = exact {
        line.confidence = Some(field.confidence);
        line.reasons = field.reasons.clone();
        line.losses = field.losses.clone();
        line.alternatives = alternatives(rules, None, &field.alternatives);
        return;
    }
    let Some(field) = proposed.iter().find(of_columns) else { return };
    let was = match field.entity {
        Some(_) => target::Target::field(&field.role, &field.target).to_string(),
        None => target::LEAVE.to_owned(),
    };
    if was != line.target {
        line.reasons = vec![format!("chosen by you; {was} was proposed")];
        line.alternatives = vec![was];
        line.alternatives.extend(alternatives(rules, None, &field.alternatives));
        line.alternatives.retain(|other| *other != line.target);
    }
}

fn alternatives(rules: &ObjectRules, first: Option<(Entity, &str)>, more: &[Alternative]) -> Vec<String> {
    let role_of = |entity: Entity| rules.to.iter().find(|to| to.entity == entity).map(|to| to.role.to_string());
    let more = more.iter().map(|other| (other.entity, other.target.as_str()));
    let all = first.map(|(entity, target)| (Some(entity), target)).into_iter().chain(more);
    all.filter_map(|(entity, target)| match entity {
        None => Some(target::LEAVE.to_owned()),
        // A note of the row's own text, as the proposal calls it.
        Some(_) if target == "a note" => Some(target::Target::field(NOTE.0, NOTE.1).to_string()),
        Some(entity) => Some(target::Target::field(&role_of(entity)?, target).to_string()),
    })
    .collect()
}
