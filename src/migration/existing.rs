//! What Pipedrive held before us: its persons and organizations are read through list pages, and their keys kept in the
//! journal, before any is made.
//!
//! The survey reads the lists once, so that the plan counts what will be found, and the load reads them again at the
//! beginning of each kind: what is there then is complete. While changes are followed, only what was changed since is read,
//! and only when a new record waits. Not covered: who is made by people between that look and our create.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Migration;
use crate::clean::existing::{is_blank, keys_of_row};
use crate::error::{Error, Kind, Result};
use crate::journal::Held;
use crate::mapping::existing::MatchKey;
use crate::pipedrive::{Listing, Row};
use crate::record::{Entity, Target};
use crate::stage::load::Markers;
use crate::stage::resolve::{UNCLEAR, Workspace};

/// The kinds of record that are looked for, in the order of the load.
pub(super) const LOOKED_FOR: [Entity; 2] = [Entity::Organization, Entity::Person];

/// How often it is looked whether people have made one of several: a look costs a call for each hundred of them.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// Rows that one call reads by their ids at the most (OpenAPI v2: `ids`).
const IDS: usize = 100;

/// How far Pipedrive's clock may be behind ours.
const SKEW: Duration = Duration::from_secs(60);

/// What one walk looks at and by what.
struct Look {
    entity: Entity,
    by: BTreeSet<MatchKey>,
    /// Fields that the mapping may fill: system fields by name, custom ones by code.
    fields: BTreeSet<String>,
    markers: Markers,
}

impl Migration {
    /// Reads all there is of one kind. An empty account costs one page, a kind that no rule looks for costs nothing. Says
    /// how many records were seen that are not ours.
    pub(super) async fn look_for_existing(&self, entity: Entity, workspace: &Workspace) -> Result<u64> {
        let began = self.clock.utc();
        let look = self.look(entity, workspace);
        self.journal.forget_existing(entity).await?;
        let seen = self.walk_existing(&look, Listing::default()).await?;
        self.journal.put_cursor(looked(entity), began.to_string()).await?;
        Ok(seen)
    }

    /// Before the first create of a kind; false when that was done before. A run that is taken up again knows what was
    /// there before its own records.
    pub(super) async fn existing_before_load(&self, entity: Entity, workspace: &Workspace) -> Result<bool> {
        let done = format!("existing {entity} before the load");
        if !LOOKED_FOR.contains(&entity) || self.journal.cursor(done.clone()).await?.is_some() {
            return Ok(false);
        }
        let seen = self.look_for_existing(entity, workspace).await?;
        tracing::info!(%entity, records = seen, "looked at what Pipedrive holds");
        self.journal.put_cursor(done, seen.to_string()).await?;
        Ok(true)
    }

    /// Before a round of changes: what people made or changed since the last look, when a new record waits; and whether they
    /// have made one of several.
    pub(super) async fn existing_since(&self, entity: Entity, workspace: &Workspace) -> Result<()> {
        if !LOOKED_FOR.contains(&entity) {
            return Ok(());
        }
        self.look_at_unclear(entity).await?;
        self.existing_news(entity, workspace).await
    }

    /// What people made or changed since the last look, when a new record waits.
    pub(super) async fn existing_news(&self, entity: Entity, workspace: &Workspace) -> Result<()> {
        if !LOOKED_FOR.contains(&entity) {
            return Ok(());
        }
        if !self.journal.awaits_first(entity, self.objects_of(entity)).await? {
            return Ok(());
        }
        let Some(since) = self.time_of(looked(entity)).await? else { return Ok(()) };
        let (began, margin) = (self.clock.utc(), self.config.pipedrive.list_lag + SKEW);
        let since = since.checked_sub(margin).unwrap_or(since);
        let look = self.look(entity, workspace);
        self.walk_existing(&look, Listing { updated_since: Some(since), ..Listing::default() }).await?;
        self.journal.put_cursor(looked(entity), began.to_string()).await
    }

    async fn walk_existing(&self, look: &Look, listing: Listing) -> Result<u64> {
        let mut seen = 0;
        if look.by.is_empty() {
            return Ok(seen);
        }
        self.client
            .pages(look.entity, &listing, async |rows| {
                let ids = rows.iter().map(|row| row.id.to_string()).collect();
                let bound = self.journal.bound_to(look.entity, ids).await?;
                let is_ours = |row: &Row| match bound.get(&*row.id) {
                    Some(bound) => !bound.existing,
                    // Made by us, with its answer lost: settling and sweeping see to it.
                    None => look.markers.read(look.entity, row).is_some(),
                };
                let held: Vec<Held> =
                    rows.iter().filter(|row| !is_ours(row)).map(|row| look.held(row, &self.mapping.defaults)).collect();
                seen += held.len() as u64;
                if held.is_empty() { Ok(()) } else { self.journal.keep_existing(look.entity, held).await }
            })
            .await?;
        Ok(seen)
    }

    fn look(&self, entity: Entity, workspace: &Workspace) -> Look {
        let destinations = || self.mapping.destinations().filter(move |(_, to)| to.entity == entity);
        let name = |target: &Target| match target {
            Target::System(name) => Some(name.clone()),
            Target::Custom(name) => workspace.field(entity, name).map(|key| key.code.clone()),
        };
        Look {
            entity,
            by: destinations().flat_map(|(_, to)| to.existing.by.iter().cloned()).collect(),
            fields: destinations().flat_map(|(_, to)| &to.fields).filter_map(|field| name(&field.target)).collect(),
            markers: self.markers(workspace),
        }
    }

    /// People merge or delete what was unclear; what is gone is no candidate any more.
    async fn look_at_unclear(&self, entity: Entity) -> Result<()> {
        let name = format!("unclear {entity}");
        let now = self.clock.utc();
        let is_early = |last: Timestamp| now.duration_since(last) < LOOK_AGAIN;
        if self.time_of(name.clone()).await?.is_some_and(is_early) {
            return Ok(());
        }
        let mut after = String::new();
        loop {
            let ids = self.journal.unclear(entity, after.clone(), IDS).await?;
            let Some(last) = ids.last() else { break };
            after = last.to_string();
            let listing = Listing { ids: ids.clone(), ..Listing::default() };
            let there = self.client.page(entity, &listing, None).await?.rows;
            let gone = ids.into_iter().filter(|id| there.iter().all(|row| row.id != *id || is_deleted(row)));
            self.journal.forget_gone(entity, gone.collect()).await?;
        }
        if after.is_empty() { Ok(()) } else { self.journal.put_cursor(name, now.to_string()).await }
    }

    async fn time_of(&self, cursor: String) -> Result<Option<Timestamp>> {
        let unreadable = |error| Error::new(Kind::Journal, "journal: a time").because(error);
        self.journal.cursor(cursor).await?.map(|text| text.parse().map_err(unreadable)).transpose()
    }
}

/// Where the journal keeps when a kind was last looked at.
fn looked(entity: Entity) -> String {
    format!("{UNCLEAR} {entity}")
}

fn is_deleted(row: &Row) -> bool {
    row.body.get("is_deleted").and_then(Value::as_bool) == Some(true)
}

impl Look {
    fn held(&self, row: &Row, defaults: &crate::mapping::defaults::Defaults) -> Held {
        let is_filled = |name: &&String| {
            let value = row.custom(name);
            value.is_some_and(|value| !is_blank(value))
        };
        let filled: Vec<&str> = self.fields.iter().filter(is_filled).map(String::as_str).collect();
        let keys = if is_deleted(row) { Vec::new() } else { keys_of_row(self.entity, &self.by, &row.body, defaults) };
        Held { dest_id: Arc::clone(&row.id), keys, filled: filled.join(" ") }
    }
}
