//! A proposed mapping with all that a person needs to judge it: what each column holds, where it goes and why there.
//!
//! `crossdock map` makes it; the workbook, the page and `reports/mapping.json` show it. The mapping itself stands in
//! `mapping.toml`; this is what was known when it was proposed, and it decides nothing.

use serde::{Deserialize, Serialize};

use crate::record::{Entity, Object};

/// What was found and proposed for a whole source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Proposal {
    /// Tables of the source, in the mapping's order; those that are left out last.
    pub tables: Vec<ProposedTable>,
    /// Whether names, types and masked samples were shown to a language model, and to which address.
    pub shown_to: Option<String>,
    /// Fields that Pipedrive had when it was proposed; empty when nobody could be asked, `None` where nobody kept them.
    /// Tables are laid out anew from these: what was made by the mapping itself says nothing about it.
    #[serde(default)]
    pub held: Option<Vec<Held>>,
}

/// A field that Pipedrive has already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Organization, person or deal.
    pub entity: Entity,
    /// Its code: the API's name of a system field.
    pub code: String,
    /// Its name, as people see it.
    pub name: String,
    /// Pipedrive's type.
    pub field_type: String,
    /// False for the fields that every account has.
    pub custom: bool,
    /// Labels of its options.
    pub options: Vec<String>,
}

/// One table of the source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProposedTable {
    /// Its name at the source: last segment of the API path, or the file's name without its ending.
    pub table: String,
    /// What kind of record its rows are taken for; `None`: it is proposed to leave it out.
    pub object: Option<Object>,
    /// Rows that were looked at.
    pub rows: u64,
    /// Whether these were all rows.
    pub is_whole: bool,
    /// What a row becomes, in words: `a person, and an organization for its company`.
    pub placement: String,
    /// The same as the mapping's `[placement]` writes it; `None` where nobody can choose.
    #[serde(default)]
    pub placed: Option<String>,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Other placements, best first; at most three.
    pub alternatives: Vec<PlacementChoice>,
    /// Its columns, in the source's order.
    pub columns: Vec<ColumnFacts>,
    /// Its proposed fields, in the mapping's order.
    pub fields: Vec<ProposedField>,
}

/// Another placement.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PlacementChoice {
    /// As the mapping's `[placement]` writes it.
    pub placed: String,
    /// In words, as the end of "Each row becomes …".
    pub words: String,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// Its name; a dotted path into nested objects.
    pub name: String,
    /// What its values look like, in words: `e-mail address`, `one of 7 values`, `text up to 240 characters`.
    pub holds: String,
    /// Rows that have a value.
    pub filled: u64,
    /// Distinct values, counted up to a limit.
    pub distinct: u64,
    /// A few values with letters and digits masked, so that they may be mailed around.
    pub samples: Vec<String>,
}

/// Where one value goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProposedField {
    /// The columns it comes from.
    pub columns: Vec<String>,
    /// Kind of the Pipedrive record; `None`: it is proposed not to migrate it.
    pub entity: Option<Entity>,
    /// Role of the destination in the mapping; empty when it is not migrated.
    pub role: String,
    /// Its target as the mapping writes it: `emails`, `custom:Industry`; the reason when it is not migrated.
    pub target: String,
    /// How sure that is, 0 to 1, as measured on labelled fields of other CRMs.
    pub confidence: f64,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Other targets, best first; at most three.
    pub alternatives: Vec<Alternative>,
    /// What would be lost on the rows looked at: `12 of 4,200 values are longer than 255 characters`.
    pub losses: Vec<String>,
}

/// Another target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Kind of the Pipedrive record; `None`: not migrated.
    pub entity: Option<Entity>,
    /// As [`ProposedField::target`].
    pub target: String,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
}
