//! Removals: the source deleted a record that is in Pipedrive, or a sample is taken back.
//!
//! Nothing is removed that somebody changed in Pipedrive. When the source deletes, only records that stand for one source
//! record alone are removed: organizations and persons may stand for many, and carry the work of others. They stay, and
//! become a question. A sample goes as a whole, so nothing of ours is left that hangs on what is removed; and a record of
//! it that was changed in any way since our last write stays, also where the change is none of the fields that we fill.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Loader;
use super::send::Write;
use crate::error::Result;
use crate::journal::{EffectKind, Intent, Question, RoleFate};
use crate::pipedrive::{differences, time_of};
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
        let is_touched = is_whole && was_updated(&known.base, &row.body);
        if !is_alone || is_touched || !differences(entity, &known.promise, &row.body).is_empty() {
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

/// Whether Pipedrive says that a record was updated since it gave us the answer. Also what it does there by itself counts:
/// nobody can tell that from the work of people. Its times are whole seconds: what people do within the second of our write
/// is seen only in the fields that we filled.
fn was_updated(answer: &Map<String, Value>, now: &Map<String, Value>) -> bool {
    let at = |body: &Map<String, Value>| time_of(body.get("update_time")?.as_str()?);
    at(answer).is_some_and(|answered| at(now) != Some(answered))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_after_our_write_is_seen_in_either_form_of_time() {
        let check = |answer: Value, now: Value, expected: bool| {
            let map = |value: &Value| value.as_object().expect("an object").clone();
            assert_eq!(was_updated(&map(&answer), &map(&now)), expected, "{answer} {now}");
        };
        let at = |time: &str| json!({"update_time": time});
        check(at("2026-01-05T14:00:00Z"), at("2026-01-05 14:00:00"), false);
        check(at("2026-01-05T14:00:00Z"), at("2026-01-05T14:00:01Z"), true);
        check(at("2026-01-05T14:00:00.120Z"), at("2026-01-05T14:00:00.121Z"), true);
        check(json!({}), at("2026-01-05T14:00:00Z"), false);
    }
}
