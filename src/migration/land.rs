//! Landing: the source's pages into the journal, as received, with a cursor that moves only behind what is durable.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value};

use super::Migration;
use crate::clean::identity;
use crate::error::{Error, Kind, Result};
use crate::journal::{Landing, Onward, RoleFate};
use crate::mapping::Mapping;
use crate::record::{BindingKey, Entity, Fate, Object, Place, ROW, SourceRecord};
use crate::source::{Cursor, Page, Whole};
use crate::stage::dedupe;
use crate::stage::extract::{LandCount, land};

/// What a page leaves to do once it is landed.
struct After {
    cursor: Cursor,
    rejected: Vec<RoleFate>,
    /// Of the last page, which state of the table it ends.
    ended: Option<Whole>,
}

impl Migration {
    /// Reads one object from its cursor on and lands it; the first time all of it, later what changed. An object whose
    /// answers are not what they were is paused instead, and nothing of it is read before it is time to look again.
    pub(super) async fn land_object(&self, object: Object) -> Result<LandCount> {
        if !self.is_due(object).await? {
            return Ok(LandCount::default());
        }
        match Box::pin(self.land_on(object)).await {
            Ok(count) => {
                self.unpause_object(object).await?;
                Ok(count)
            }
            Err(error) if self.is_drift(object, &error).await? => {
                self.pause_object(object, &error).await?;
                Ok(LandCount::default())
            }
            Err(error) => Err(error),
        }
    }

    async fn land_on(&self, object: Object) -> Result<LandCount> {
        let name = format!("source:{object}");
        let from = match self.journal.cursor(name.clone()).await? {
            None => Cursor::start(),
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                Error::new(Kind::Journal, format!("journal: the cursor of {object}")).because(error)
            })?,
        };
        let mapping = Arc::new(self.mapping.clone());
        let progress = self.progress.clone();
        let stop = self.stop.clone();
        let pages = self.source.pages(object, from);
        let pages = pages.map_ok(move |page| {
            progress.add_done(page.records.len() as u64);
            landings(object, page, &mapping)
        });
        // A stop takes effect at a page border.
        let pages = pages.take_while(move |_| std::future::ready(!stop.is_stopped()));
        let mut ended = None;
        let count = land(&self.journal, &self.clock, pages, async |after: After| {
            self.journal.end_roles(after.rejected).await?;
            ended = after.ended;
            let text = serde_json::to_string(&after.cursor)
                .map_err(|error| Error::new(Kind::Bug, "a cursor is not JSON").because(error))?;
            self.journal.put_cursor(name.clone(), text).await
        })
        .await?;
        if self.stop.is_stopped() {
            return Err(Error::new(Kind::Stopped, "a stop was asked for"));
        }
        let vanished = match ended {
            Some(whole) => self.end_vanished(object, &whole).await?,
            None => 0,
        };
        Ok(LandCount { changed: count.changed + vanished, ..count })
    }
}

/// A page's records with digest and parent; rows that are no records become records that are rejected at once, so that
/// they have a fate like all others.
fn landings(object: Object, page: Page, mapping: &Mapping) -> (Vec<Landing>, After) {
    let walk = page.whole.as_ref().map(|whole| Arc::clone(&whole.digest));
    let mut landings = Vec::with_capacity(page.records.len());
    let mut rejected = Vec::new();
    for record in page.records {
        match mapping.object(object) {
            None => landings.push(landing(record, mapping)),
            Some(rules) => {
                let place = record.place.clone();
                match identity::source_record(rules, &mapping.defaults, record.payload.clone(), record.place) {
                    // What the profile knows of deleted rows need not stand in a column.
                    Ok(own) => {
                        landings.push(landing(SourceRecord { deleted: own.deleted || record.deleted, ..own }, mapping));
                    }
                    Err(error) => {
                        let text = Value::Object(record.payload).to_string();
                        // The message names the place already.
                        let reason = error.message().to_owned();
                        landings.push(reject(object, place, text, reason, &mut rejected, mapping));
                    }
                }
            }
        }
    }
    for row in page.rejected {
        let reason = format!("{}: {}", row.place, row.reason);
        landings.push(reject(object, row.place, row.text, reason, &mut rejected, mapping));
    }
    for landing in &mut landings {
        landing.walk.clone_from(&walk);
    }
    (landings, After { cursor: page.cursor, rejected, ended: page.whole.filter(|_| page.last) })
}

fn landing(record: SourceRecord, mapping: &Mapping) -> Landing {
    let digest = dedupe::digest(&record, mapping);
    let parent = parent_of(&record, mapping);
    let onward = onward_of(&record, mapping);
    Landing { record, digest, parent, onward, walk: None }
}

/// The record that a row is folded into, as the mapping says; none where others lie between.
pub(super) fn parent_of(record: &SourceRecord, mapping: &Mapping) -> Option<(Object, Arc<str>)> {
    let fold = mapping.object(record.object)?.fold_into.as_ref().filter(|fold| fold.through.is_empty())?;
    let id = fold.from.text(&record.payload)?;
    Some((fold.object, Arc::from(id.as_ref())))
}

/// Where children go on to from a row, itself among them: one for each kind of children whose way leads through it.
/// Nothing goes on from rows between that are deleted or left out by a rule.
pub(super) fn onward_of(record: &SourceRecord, mapping: &Mapping) -> Vec<Onward> {
    let Some(own) = mapping.object(record.object) else { return Vec::new() };
    let mut found = Vec::new();
    for rules in &mapping.objects {
        let Some(fold) = rules.fold_into.as_ref().filter(|fold| !fold.through.is_empty()) else { continue };
        let steps = fold.way(rules.object);
        for (_, column, next) in steps.filter(|(object, ..)| *object == record.object) {
            let is_child = rules.object == record.object;
            let counts = is_child || !(record.deleted || own.skipped(&record.payload).is_some());
            let id = column.text(&record.payload).filter(|_| counts);
            found.push(Onward {
                child: rules.object,
                to: id.map(|id| (next, Arc::from(id.as_ref()))),
                is_parent: next == fold.object,
            });
        }
    }
    found
}

#[expect(clippy::too_many_arguments, reason = "one row, its place and reason, and where both of its halves go")]
fn reject(
    object: Object,
    place: Place,
    text: String,
    reason: String,
    rejected: &mut Vec<RoleFate>,
    mapping: &Mapping,
) -> Landing {
    let id: Arc<str> = format!("row {} of {}", place.row, place.origin).into();
    let key = BindingKey::new(object, Arc::clone(&id), ROW);
    rejected.push(RoleFate::new(key, Entity::Note, 1, Fate::Rejected).because(reason));
    let payload: Map<String, Value> = [("row".to_owned(), Value::String(text))].into_iter().collect();
    landing(
        SourceRecord {
            object,
            id,
            payload,
            modified: None,
            deleted: false,
            place,
            children: Vec::new(),
            between: Vec::new(),
        },
        mapping,
    )
}
