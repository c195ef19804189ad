//! Folding: a child has no record of its own; it ends as its parent ends.

use std::sync::Arc;

use super::Migration;
use crate::error::Result;
use crate::journal::{Landed, RoleFate};
use crate::record::{BindingKey, Entity, Fate, Object};
use crate::stage::extract::PAGE_RECORDS;
use crate::stage::normalize::{Normalized, normalize};

/// The role of children: they have no other.
const FOLD: &str = "fold";

impl Migration {
    /// Writes how every pending record of `child` ends, now that its parents are done.
    pub(super) async fn fold(&self, child: Object, parent: Object) -> Result<()> {
        let mut after_seq = 0;
        loop {
            let page = self.journal.pending(child, after_seq, PAGE_RECORDS).await?;
            let Some(last) = page.last() else { break };
            after_seq = last.seq;
            let mut ends = Vec::with_capacity(page.len());
            for landed in page {
                if let Some(end) = self.fold_one(&landed, parent).await? {
                    ends.push(end);
                }
            }
            self.progress.add_done(ends.len() as u64);
            self.journal.end_roles(ends).await?;
        }
        self.journal.clear_pending(vec![child]).await
    }

    async fn fold_one(&self, landed: &Landed, parent: Object) -> Result<Option<RoleFate>> {
        let key = BindingKey::new(landed.record.object, Arc::clone(&landed.record.id), FOLD);
        let end = |fate| RoleFate::new(key, Entity::Deal, landed.version, fate);
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
