//! The keys of one account's workspace: field codes, option ids, stages, labels, activity types.
//!
//! Built by `configure`, kept in the journal by company, and only read here.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::record::{Entity, fold_name};

/// A custom field of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldKey {
    /// Its code.
    pub code: String,
    /// Its type, as Pipedrive names it.
    pub field_type: String,
    /// Option ids by label.
    pub options: BTreeMap<String, i64>,
}

/// A stage of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageKey {
    /// Its pipeline.
    pub pipeline_id: i64,
    /// Its id.
    pub stage_id: i64,
    /// Its name there.
    pub name: String,
    /// Its place in the pipeline, from 0.
    pub position: u32,
    /// `open`, `won` or `lost`.
    pub kind: String,
}

/// Keys of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Custom fields of organizations, persons and deals, by entity and name.
    pub fields: HashMap<(Entity, String), FieldKey>,
    /// Lead labels: UUID by folded name.
    pub lead_labels: HashMap<String, String>,
    /// Activity types: key by folded name.
    pub activity_types: HashMap<String, String>,
    /// Stages by (pipeline, stage), each as the source names it (id or name), folded.
    pub stages: HashMap<(String, String), StageKey>,
}

const LEAD_LABEL: &str = "lead_label";
const ACTIVITY_TYPE: &str = "activity_type";
const STAGE: &str = "stage:";
const FIELD: &str = "field:";

impl Workspace {
    /// A field by its entity and name.
    #[must_use]
    pub fn field(&self, entity: Entity, name: &str) -> Option<&FieldKey> {
        self.fields.get(&(entity, name.to_owned()))
    }

    /// A stage by what the source calls it; the first open one of the pipeline with [`Workspace::first_open`].
    #[must_use]
    pub fn stage(&self, pipeline: Option<&str>, stage: &str) -> Option<&StageKey> {
        let stage = fold_name(stage);
        match pipeline {
            Some(pipeline) => self.stages.get(&(fold_name(pipeline), stage)),
            None => self.stages.iter().find(|((_, name), _)| *name == stage).map(|(_, key)| key),
        }
    }

    /// The first open stage of a pipeline; of the lowest pipeline id when none is named.
    #[must_use]
    pub fn first_open(&self, pipeline: Option<&str>) -> Option<&StageKey> {
        let pipeline = pipeline.map(fold_name);
        self.stages
            .iter()
            .filter(|((own, _), key)| key.kind == "open" && pipeline.as_ref().is_none_or(|pipeline| pipeline == own))
            .map(|(_, key)| key)
            .min_by_key(|key| (key.pipeline_id, key.position))
    }

    /// What asks for another approval when it changes: fields and stages. Options, labels and types grow with the data under
    /// approved rules, so they do not count.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut lines: Vec<String> = self
            .fields
            .iter()
            .map(|((entity, name), key)| format!("{entity}/{name}/{}/{}", key.code, key.field_type))
            .chain(self.stages.iter().map(|((pipeline, stage), key)| format!("{pipeline}/{stage}/{}", key.stage_id)))
            .collect();
        lines.sort_unstable();
        blake3::hash(lines.join("\n").as_bytes()).to_hex().to_string()
    }

    /// The form kept in the journal: (scope, name, key).
    ///
    /// # Errors
    /// `Bug` when a key cannot be written as JSON.
    pub fn to_keys(&self) -> Result<Vec<(String, String, String)>> {
        let mut keys = Vec::new();
        for ((entity, name), key) in &self.fields {
            keys.push((format!("{FIELD}{entity}"), name.clone(), json(key)?));
        }
        for (name, key) in &self.lead_labels {
            keys.push((LEAD_LABEL.to_owned(), name.clone(), key.clone()));
        }
        for (name, key) in &self.activity_types {
            keys.push((ACTIVITY_TYPE.to_owned(), name.clone(), key.clone()));
        }
        for ((pipeline, stage), key) in &self.stages {
            keys.push((format!("{STAGE}{pipeline}"), stage.clone(), json(key)?));
        }
        Ok(keys)
    }

    /// Reads the form kept in the journal.
    ///
    /// # Errors
    /// `Journal` when a key cannot be read.
    pub fn from_keys(keys: Vec<(String, String, String)>) -> Result<Self> {
        let mut workspace = Self::default();
        let unreadable = |scope: &str| Error::new(Kind::Journal, format!("journal: a workspace key of {scope}"));
        for (scope, name, key) in keys {
            if let Some(entity) = scope.strip_prefix(FIELD) {
                let entity = Entity::parse(entity).ok_or_else(|| unreadable(&scope))?;
                let key = serde_json::from_str(&key).map_err(|error| unreadable(&scope).because(error))?;
                workspace.fields.insert((entity, name), key);
            } else if let Some(pipeline) = scope.strip_prefix(STAGE) {
                let key = serde_json::from_str(&key).map_err(|error| unreadable(&scope).because(error))?;
                workspace.stages.insert((pipeline.to_owned(), name), key);
            } else if scope == LEAD_LABEL {
                workspace.lead_labels.insert(name, key);
            } else if scope == ACTIVITY_TYPE {
                workspace.activity_types.insert(name, key);
            }
        }
        Ok(workspace)
    }
}

fn json(key: &impl Serialize) -> Result<String> {
    serde_json::to_string(key).map_err(|error| Error::new(Kind::Bug, "a workspace key is not JSON").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_the_journal_and_stages_are_found_by_any_spelling() {
        let stage = |name: &str, stage_id, position, kind: &str| {
            let key = StageKey { pipeline_id: 2, stage_id, name: name.into(), position, kind: kind.into() };
            (("7".to_owned(), fold_name(name)), key)
        };
        let options = [("Gold".to_owned(), 42)].into_iter().collect();
        let field = FieldKey { code: "c0de".into(), field_type: "enum".into(), options };
        let workspace = Workspace {
            fields: [((Entity::Deal, "Tier".to_owned()), field)].into_iter().collect(),
            lead_labels: [("hot".to_owned(), "uuid".to_owned())].into_iter().collect(),
            activity_types: [("proof".to_owned(), "proof".to_owned())].into_iter().collect(),
            stages: [stage("Lost", 10, 2, "lost"), stage("Quote Sent", 9, 1, "open")].into_iter().collect(),
        };
        assert_eq!(workspace.stage(Some("7"), " quote  SENT ").map(|key| key.stage_id), Some(9));
        assert_eq!(workspace.stage(Some("8"), "Quote Sent"), None);
        assert_eq!(workspace.first_open(Some("7")).map(|key| key.stage_id), Some(9));
        let keys = workspace.to_keys().expect("written");
        assert_eq!(Workspace::from_keys(keys).expect("read"), workspace);
    }
}
