//! The mapping file as written. Unknown keys are refused; nothing else is checked here.
//!
//! Sections are read one by one, so that a mistake in one field does not hide those in the others.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::defaults::{DayOrder, DecimalSign};
use super::existing::Then;
use super::field::Kind;
use super::object::KeyClean;
use super::owners::MatchBy;
use super::pipelines::StageKind;
use super::shape::Lookup;
use crate::record::{Entity, Object};

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        }
    }
}

/// Columns with the values they must have.
pub(super) type RawConditions = BTreeMap<String, OneOrMany>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMapping {
    pub(super) version: u32,
    pub(super) defaults: Value,
    pub(super) owners: Option<Value>,
    pub(super) pipelines: Option<Value>,
    #[serde(default)]
    pub(super) placement: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) object: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDefaults {
    pub(super) currency: String,
    pub(super) time_zone: String,
    pub(super) day_order: DayOrder,
    pub(super) phone_country: String,
    pub(super) decimal_sign: DecimalSign,
    pub(super) marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOwners {
    pub(super) match_by: MatchBy,
    pub(super) original_field: Option<String>,
    #[serde(default)]
    pub(super) aliases: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) decision: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDecision {
    pub(super) owner: String,
    #[serde(rename = "match")]
    pub(super) match_user: Option<String>,
    pub(super) reassign: Option<String>,
    pub(super) provision: Option<String>,
    #[serde(default)]
    pub(super) park: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPipelines {
    #[serde(default)]
    pub(super) status_from_stage: bool,
    pub(super) unknown_stage: Option<String>,
    #[serde(default)]
    pub(super) declare: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPipeline {
    pub(super) name: String,
    pub(super) stages: Vec<RawStage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStage {
    pub(super) name: String,
    pub(super) probability: Option<i64>,
    pub(super) kind: StageKind,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawObject {
    pub(super) kind: Object,
    pub(super) table: String,
    pub(super) id: OneOrMany,
    pub(super) modified: Option<String>,
    #[serde(default)]
    pub(super) deleted: RawConditions,
    pub(super) fold_into: Option<RawFoldInto>,
    #[serde(default)]
    pub(super) skip: Vec<Value>,
    #[serde(default)]
    pub(super) aliases: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) leave: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) to: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFoldInto {
    pub(super) object: Object,
    pub(super) from: String,
    #[serde(default)]
    pub(super) through: Vec<RawThrough>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawThrough {
    pub(super) object: Object,
    pub(super) from: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSkip {
    #[serde(rename = "if")]
    pub(super) conditions: RawConditions,
    pub(super) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDestination {
    pub(super) entity: Entity,
    pub(super) role: Option<String>,
    pub(super) each: Option<RawEach>,
    pub(super) when: Option<OneOrMany>,
    pub(super) when_any: Option<OneOrMany>,
    pub(super) unless: Option<OneOrMany>,
    #[serde(default)]
    pub(super) only_if: RawConditions,
    #[serde(default)]
    pub(super) duplicate_key: Vec<Value>,
    #[serde(default)]
    pub(super) similar_key: Vec<Value>,
    pub(super) existing: Option<Value>,
    #[serde(default)]
    pub(super) fields: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExisting {
    pub(super) by: Option<Vec<OneOrMany>>,
    pub(super) then: Then,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEach {
    pub(super) from: String,
    pub(super) id: String,
    pub(super) order: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeyPart {
    pub(super) from: Option<OneOrMany>,
    pub(super) join: Option<String>,
    pub(super) template: Option<String>,
    pub(super) clean: KeyClean,
    #[serde(default)]
    pub(super) required: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSplit {
    pub(super) at: String,
    pub(super) part: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawField {
    pub(super) to: String,
    pub(super) kind: Kind,
    // Where the value comes from.
    pub(super) from: Option<OneOrMany>,
    pub(super) join: Option<String>,
    pub(super) template: Option<String>,
    pub(super) constant: Option<String>,
    pub(super) own_role: Option<String>,
    pub(super) fold: Option<Object>,
    #[serde(default)]
    pub(super) count: bool,
    pub(super) sum: Option<String>,
    pub(super) sum_in: Option<String>,
    pub(super) list: Option<String>,
    pub(super) first: Option<String>,
    pub(super) latest: Option<String>,
    /// Of a fold: the column that the rows are sorted by. Of a link: what its column holds.
    pub(super) by: Option<String>,
    pub(super) nth: Option<usize>,
    #[serde(default)]
    pub(super) fold_if: RawConditions,
    // When it applies.
    pub(super) when: Option<OneOrMany>,
    pub(super) unless: Option<OneOrMany>,
    #[serde(default)]
    pub(super) only_if: RawConditions,
    // What the value becomes.
    pub(super) split: Option<RawSplit>,
    pub(super) format: Option<String>,
    pub(super) lookup: Option<Lookup>,
    pub(super) values: Option<BTreeMap<String, String>>,
    pub(super) other: Option<String>,
    #[serde(default)]
    pub(super) keep_other: bool,
    pub(super) default: Option<String>,
    pub(super) flag_missing: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) max_length: Option<usize>,
    #[serde(default)]
    pub(super) cut: bool,
    pub(super) scale: Option<String>,
    // For some kinds only.
    pub(super) currency_from: Option<String>,
    pub(super) time_from: Option<String>,
    pub(super) pipeline_from: Option<String>,
    pub(super) pipeline: Option<String>,
    pub(super) options: Option<Vec<String>>,
    pub(super) label: Option<String>,
    pub(super) footer: Option<Vec<String>>,
    pub(super) object: Option<Object>,
    pub(super) role: Option<String>,
}
