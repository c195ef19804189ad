//! Removals: the source deleted a record that is in Pipedrive, or a sample is taken back.
//!
//! Nothing is removed that somebody changed in Pipedrive. When the source deletes, only records that stand for one source
//! record alone are removed: organizations and persons may stand for many, and carry the work of others. They stay, and
//! become a question. A sample goes as a whole, so nothing of ours is left that hangs on what is removed.

use std::sync::Arc;

use serde_json::Value;

use super::Loader;
use super::send::Write;
use crate::error::Result;
use crate::journal::{EffectKind, Intent, Question, RoleFate};
use crate::pipedrive::differences;
use crate::record::{Entity, Fate};
use crate::stage::item::{Removal, Why};

/// Why a record that the source deleted is gone from Pipedrive, too.
const REMOVED: &str = "deleted at the source, removed from Pipedrive";

impl Loader {
    /// Plans one removal; `None` when nothing is to be sent.
    pub(super) async fn removal_of(&self, removal: Removal) -> Result<Option<Write>> {
        let Removal { key, version, entity, known, why } = removal;
        let now = self.client.get(entity, &known.dest_id).await?;
        let Some(row) = now else {
            let end = RoleFate::new(key.clone(), entity, version, Fate::Skipped).because(REMOVED).gone();
            self.journal.end_roles(vec![end]).await?;
            return Ok(None);
        };
        let is_whole = why == Why::TakenBack;
        let is_alone = is_whole || matches!(entity, Entity::Lead | Entity::Deal | Entity::Activity | Entity::Note);
        if !is_alone || !differences(entity, &known.promise, &row.body).is_empty() {
            let text = if is_whole {
                format!("the sample was taken back, but {entity} {} was changed in Pipedrive and was kept", row.id)
            } else {
                let why = if is_alone { "it was changed in Pipedrive" } else { "others may depend on it" };
                format!("the source deleted {key}, but {entity} {} was kept: {why}; delete it by hand?", row.id)
            };
            if !is_whole {
                let question = Question { topic: "deleted".to_owned(), subject: key.to_string(), text: text.clone() };
                self.journal.ask(vec![question], self.clock.utc()).await?;
            }
            // It stays ours: verification goes on comparing it with what was promised last.
            let kept = RoleFate::new(key.clone(), entity, version, Fate::Loaded).because(text).at(row.id);
            self.journal.end_roles(vec![kept]).await?;
            return Ok(None);
        }
        Ok(Some(Write::new(Intent {
            key,
            version,
            entity,
            kind: EffectKind::Delete,
            body: "{}".to_owned(),
            sent: None,
            asked: None,
            floor_id: None,
            dest_id: Some(Arc::clone(&known.dest_id)),
            preimage: Some(Value::Object(row.body).to_string()),
            tries: 1,
        })))
    }
}

/// How the role of a removed record ends. The role of a double stays with its twin.
pub(super) fn end_of(intent: &Intent) -> Option<RoleFate> {
    let end = RoleFate::new(intent.key.clone(), intent.entity, intent.version, Fate::Skipped).because(REMOVED).gone();
    (!is_double(intent)).then_some(end)
}

/// Version 0 marks the removal of a double.
pub(super) fn is_double(intent: &Intent) -> bool {
    intent.version == 0
}
