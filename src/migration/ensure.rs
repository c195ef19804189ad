//! Making something once that has no marker but its name: fields, pipelines, stages, labels, types.
//!
//! What is there by its name is taken as it is. A create whose answer is lost is looked for by name, after a quiet time,
//! before it is tried again.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Migration;
use super::inventory::Ours;
use super::survey::Needs;
use crate::error::{Error, Kind, Result};
use crate::permit::WritePermit;
use crate::pipedrive::{Me, Row};
use crate::record::{Entity, fold_name};
use crate::retry::Pauses;

/// Tries of one create.
const TRIES: usize = 6;

/// What making the workspace goes by.
pub(super) struct Work<'a> {
    /// Whose workspace.
    pub(super) me: &'a Me,
    /// What the data needs.
    pub(super) needs: &'a Needs,
    /// What of the account was our own work when it began.
    pub(super) ours: Ours,
    /// Leave to write.
    pub(super) permit: &'a WritePermit,
}

impl Migration {
    /// Makes a label or a type unless `known`, its keys by folded name, has it.
    pub(super) async fn ensure_named(
        &self,
        work: &Work<'_>,
        (entity, name): (Entity, &str),
        (key, body): (&str, Value),
        known: &mut HashMap<String, String>,
    ) -> Result<()> {
        let folded = fold_name(name);
        if let Some(key) = known.get(&folded) {
            if work.ours.was_making(entity, name) && !work.ours.made(entity, key) {
                self.made(work.me, entity, (key, name)).await?;
            }
            return Ok(());
        }
        self.border().await?;
        let body: Map<_, _> = body.as_object().cloned().unwrap_or_default();
        self.making(work.me, entity, name).await?;
        let find = async || {
            let rows = self.client.all(entity).await?;
            Ok(rows.iter().filter_map(|row| named(row, key)).find(|(name, _)| *name == folded).map(|(_, key)| key))
        };
        let create = async || {
            let row = self.client.create(entity, &body, work.permit).await?;
            let made = named(&row, key).map(|(_, key)| key);
            made.ok_or_else(|| Error::new(Kind::Unreachable, format!("{entity} '{name}' was answered without its key")))
        };
        let made = self.ensure(name, find, create).await?;
        self.made(work.me, entity, (&made, name)).await?;
        known.insert(folded, made);
        Ok(())
    }

    /// Makes `what` unless `find` finds it.
    pub(super) async fn ensure<T>(
        &self,
        what: &str,
        find: impl AsyncFn() -> Result<Option<T>>,
        create: impl AsyncFn() -> Result<T>,
    ) -> Result<T> {
        let mut pauses = Pauses::new(TRIES);
        for _ in 0..TRIES {
            let error = match create().await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            match error.kind() {
                Kind::InDoubt => {
                    tracing::warn!(what, error = error.chain(), "the answer was lost; looking for it by name");
                    self.pause_for(self.quiet_time()).await;
                    if let Some(found) = find().await? {
                        return Ok(found);
                    }
                }
                Kind::Unreachable => match pauses.next(None) {
                    Some(pause) => self.pause_for(pause).await,
                    None => return Err(error),
                },
                _ => return Err(error),
            }
            self.border().await?;
        }
        Err(Error::new(Kind::Unreachable, format!("{what}: Pipedrive gave no answer {TRIES} times")))
    }

    /// A call of an earlier run may still be on its way: waits until it is there, or never will be.
    ///
    /// # Errors
    /// `Stopped`.
    pub(super) async fn outwait(&self, what: &str) -> Result<()> {
        let seconds = self.quiet_time().as_secs_f64();
        tracing::info!(what, seconds, "waiting for what may still be on its way from an earlier run");
        self.pause_for(self.quiet_time()).await;
        self.border().await
    }

    /// After this time what is not in a list is not on its way.
    pub(super) fn quiet_time(&self) -> Duration {
        self.client.timeout() + self.config.pipedrive.list_lag + Duration::from_millis(500)
    }
}

/// Name (folded) and key of a label or type; inactive ones do not count.
fn named(row: &Row, key: &str) -> Option<(String, String)> {
    if row.body.get("active_flag").and_then(Value::as_bool) == Some(false) {
        return None;
    }
    let key = if key == "id" { row.id.to_string() } else { row.text(key)?.to_owned() };
    Some((fold_name(row.text("name")?), key))
}
