//! Folding: a child has no record of its own; it ends as its parent ends. Where another mapping folds it elsewhere before
//! the load, the journal learns that here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Migration;
use super::land::parent_of;
use crate::error::Result;
use crate::journal::{Landed, RoleFate};
use crate::mapping::object::Destination;
use crate::record::{BindingKey, Entity, Fate, Object, SourceRecord};
use crate::stage::extract::PAGE_RECORDS;
use crate::stage::normalize::{Normalized, ParentKey, normalize};

/// The role of children: they have no other.
const FOLD: &str = "fold";

/// Where the journal keeps what was folded into what when the records landed.
const FOLDS: &str = "folds";

impl Migration {
    /// Folds landed records into others than before, where the mapping says so now. Rows know their parent from landing,
    /// and are landed again only when they change.
    pub(super) async fn refold(&self) -> Result<()> {
        let folds: BTreeMap<Object, String> = self
            .mapping
            .objects
            .iter()
            .filter_map(|rules| rules.fold_into.as_ref().map(|fold| (rules.object, fold)))
            .map(|(object, fold)| (object, format!("{}/{}", fold.object, fold.from.name)))
            .collect();
        let before: BTreeMap<Object, String> = self.fact(FOLDS).await?.unwrap_or_default();
        let objects: BTreeSet<Object> = before.keys().chain(folds.keys()).copied().collect();
        for object in objects.into_iter().filter(|object| before.get(object) != folds.get(object)) {
            let mut after_seq = 0;
            loop {
                self.border().await?;
                let page = self.journal.landed(object, after_seq, PAGE_RECORDS).await?;
                let Some(last) = page.last() else { break };
                after_seq = last.seq;
                let parented =
                    |landed: &Landed| (Arc::clone(&landed.record.id), parent_of(&landed.record, &self.mapping));
                self.journal.set_parents(object, page.iter().map(parented).collect()).await?;
            }
        }
        self.put_json(FOLDS, &folds).await
    }

    /// Writes how every pending record of `child` ends, now that its parents are done; `entity` is the last of these.
    pub(super) async fn fold(&self, child: Object, parent: Object, entity: Entity) -> Result<()> {
        let mut after_seq = 0;
        loop {
            let page = self.journal.pending(child, after_seq, PAGE_RECORDS).await?;
            let Some(last) = page.last() else { break };
            after_seq = last.seq;
            let mut ends = Vec::with_capacity(page.len());
            for landed in page {
                if let Some(end) = self.fold_one(&landed, (parent, entity)).await? {
                    ends.push(end);
                }
            }
            self.progress.add_done(ends.len() as u64);
            self.journal.end_roles(ends).await?;
        }
        self.journal.clear_pending(vec![child]).await
    }

    /// Whether a record of the parent's own holds what is folded into it: duplicates that were merged into others have none.
    async fn is_held(&self, child: &SourceRecord, into: &ParentKey) -> Result<bool> {
        let holds = |to: &&Destination| {
            to.fields.iter().any(|field| field.fold.as_ref().is_some_and(|fold| fold.object == child.object))
        };
        let roles = self.mapping.object(into.object).into_iter().flat_map(|rules| rules.to.iter().filter(holds));
        let keys: Vec<BindingKey> =
            roles.map(|to| BindingKey::new(into.object, into.source_id.as_str(), Arc::clone(&to.role))).collect();
        if keys.is_empty() {
            return Ok(true);
        }
        let bound = self.journal.bound(keys).await?;
        Ok(bound.into_iter().flatten().any(|bound| bound.fate != Fate::Merged && bound.fate != Fate::Skipped))
    }

    async fn fold_one(&self, landed: &Landed, (parent, entity): (Object, Entity)) -> Result<Option<RoleFate>> {
        let key = BindingKey::new(landed.record.object, Arc::clone(&landed.record.id), FOLD);
        let end = |fate| RoleFate::new(key, entity, landed.version, fate);
        Ok(Some(match normalize(&landed.record, &self.mapping, None) {
            Normalized::Folded(into) => {
                let found = self.journal.record(parent, into.source_id.as_str().into()).await?;
                let what = format!("{parent} {}", into.source_id);
                match found.and_then(|parent| parent.fate) {
                    None if self.journal.exist(vec![(parent, into.source_id.as_str().into())]).await? == [true] => {
                        end(Fate::Parked).because(format!("{what} is not there yet")).waiting_for("link")
                    }
                    None => {
                        end(Fate::Rejected).because(format!("belongs to {what}, which does not exist at the source"))
                    }
                    Some(Fate::Parked) => end(Fate::Parked).because(format!("{what} waits")).waiting_for("link"),
                    Some(fate @ (Fate::Rejected | Fate::Skipped)) => {
                        end(fate).because(format!("belongs to {what}, which was {fate}"))
                    }
                    Some(_) if !self.is_held(&landed.record, &into).await? => end(Fate::Rejected).because(format!(
                        "belongs to {what}, which is part of another record; that one holds only what belongs to it directly"
                    )),
                    Some(Fate::Loaded | Fate::Merged | Fate::Folded | Fate::Matched) => {
                        end(Fate::Folded).because(format!("part of {what}"))
                    }
                }
            }
            Normalized::Skipped(reason) => end(Fate::Skipped).because(reason),
            Normalized::Rejected(rejection) => end(Fate::Rejected).because(rejection.reason),
            // A child with a record of its own went through the stages.
            Normalized::Roles(_) => return Ok(None),
        }))
    }
}
