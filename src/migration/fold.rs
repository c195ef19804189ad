//! Folding: a child has no record of its own; it ends as its parent ends. Where another mapping folds it elsewhere before
//! the load, the journal learns that here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Migration;
use super::land::{onward_of, parent_of};
use crate::error::Result;
use crate::journal::{Landed, RoleFate};
use crate::mapping::object::{Destination, FoldInto};
use crate::record::{BindingKey, Entity, Fate, Object, SourceRecord};
use crate::stage::extract::PAGE_RECORDS;
use crate::stage::normalize::{Normalized, ParentKey, normalize};

/// The role of children: they have no other.
const FOLD: &str = "fold";

/// Where the journal keeps what was folded into what when the records landed.
const FOLDS: &str = "folds";

/// Where a child's way leads.
enum Led {
    /// To this record.
    To(ParentKey),
    /// Nowhere, which ends the child so, for this reason.
    Nowhere(Fate, String),
}

impl Migration {
    /// Folds landed records into others than before, where the mapping says so now. Rows know their parent from landing,
    /// and are landed again only when they change.
    pub(super) async fn refold(&self) -> Result<()> {
        let folds: BTreeMap<Object, String> = self
            .mapping
            .objects
            .iter()
            .filter_map(|rules| rules.fold_into.as_ref().map(|fold| (rules.object, fold)))
            .map(|(object, fold)| (object, self.way_in_words(fold)))
            .collect();
        let before: BTreeMap<Object, String> = self.fact(FOLDS).await?.unwrap_or_default();
        let objects: BTreeSet<Object> = before.keys().chain(folds.keys()).copied().collect();
        for object in objects.into_iter().filter(|object| before.get(object) != folds.get(object)) {
            let fold = self.mapping.object(object).and_then(|rules| rules.fold_into.as_ref());
            let through: Vec<Object> =
                fold.iter().flat_map(|fold| &fold.through).map(|through| through.object).collect();
            self.journal.forget_ways(object).await?;
            for on_the_way in &through {
                self.keep_ways(*on_the_way, object).await?;
            }
            if through.is_empty() {
                self.set_parents(object).await?;
            } else {
                self.keep_ways(object, object).await?;
                self.find_parents(object).await?;
            }
        }
        self.put_json(FOLDS, &folds).await
    }

    /// What a change of which folds records elsewhere: the way, and which rows on it count.
    fn way_in_words(&self, fold: &FoldInto) -> String {
        // A record that is folded into one that it names is written as it always was.
        let mut words = format!("{}/{}", fold.object, fold.from.name);
        for through in &fold.through {
            let skip = self.mapping.object(through.object).map(|rules| rules.skip.as_slice()).unwrap_or_default();
            words.push_str(&format!("/{}/{}{skip:?}", through.object, through.from.name));
        }
        words
    }

    async fn each_page(&self, object: Object, mut each: impl AsyncFnMut(Vec<Landed>) -> Result<()>) -> Result<()> {
        let mut after_seq = 0;
        loop {
            self.border().await?;
            let page = self.journal.landed(object, after_seq, PAGE_RECORDS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after_seq = last.seq;
            each(page).await?;
        }
    }

    async fn set_parents(&self, object: Object) -> Result<()> {
        self.each_page(object, async |page| {
            let parented = |landed: &Landed| (Arc::clone(&landed.record.id), parent_of(&landed.record, &self.mapping));
            self.journal.set_parents(object, page.iter().map(parented).collect()).await.map(drop)
        })
        .await
    }

    /// Keeps where records of a kind go on to from those of an object.
    async fn keep_ways(&self, object: Object, child: Object) -> Result<()> {
        self.each_page(object, async |page| {
            let way = |landed: &Landed| {
                let onward = onward_of(&landed.record, &self.mapping).into_iter().filter(|way| way.child == child);
                (Arc::clone(&landed.record.id), onward.collect())
            };
            self.journal.keep_ways(object, page.iter().map(way).collect()).await
        })
        .await
    }

    async fn find_parents(&self, object: Object) -> Result<()> {
        self.each_page(object, async |page| {
            let ids = page.iter().map(|landed| Arc::clone(&landed.record.id)).collect();
            self.journal.find_parents(object, ids).await
        })
        .await
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

    /// Where the way of a child leads that names a record, by the records between as they landed.
    async fn led(&self, child: Object, named: ParentKey) -> Result<Led> {
        let mut at = named;
        let through = self.mapping.object(child).and_then(|rules| rules.fold_into.as_ref());
        for (object, column, next) in through.into_iter().flat_map(|fold| fold.way(child)).skip(1) {
            let what = format!("{object} {}", at.source_id);
            let Some(between) = self.journal.record(object, at.source_id.as_str().into()).await? else {
                let reason = format!("goes through {what}, which does not exist at the source");
                return Ok(Led::Nowhere(Fate::Rejected, reason));
            };
            let payload = &between.record.payload;
            let skip = self.mapping.object(object).and_then(|rules| rules.skipped(payload));
            let skipped =
                if between.record.deleted { Some("deleted at the source") } else { skip.map(|skip| &*skip.reason) };
            if let Some(why) = skipped {
                return Ok(Led::Nowhere(Fate::Skipped, format!("goes through {what}, which was skipped: {why}")));
            }
            let Some(id) = column.text(payload) else {
                return Ok(Led::Nowhere(Fate::Rejected, format!("goes through {what}, which names no {next}")));
            };
            at = ParentKey { object: next, source_id: id.into_owned() };
        }
        Ok(Led::To(at))
    }

    async fn fold_one(&self, landed: &Landed, (parent, entity): (Object, Entity)) -> Result<Option<RoleFate>> {
        let key = BindingKey::new(landed.record.object, Arc::clone(&landed.record.id), FOLD);
        let end = |fate| RoleFate::new(key, entity, landed.version, fate);
        Ok(Some(match normalize(&landed.record, &self.mapping, None) {
            Normalized::Folded(named) => {
                let into = match self.led(landed.record.object, named).await? {
                    Led::To(into) => into,
                    Led::Nowhere(fate, reason) => return Ok(Some(end(fate).because(reason))),
                };
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
