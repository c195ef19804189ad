//! A walk through a list of deletions, after the walk through what changed: a row that was deleted may stand there and in no
//! list of changes.
//!
//! It is read as a list of changes is, from where that one began, and each of its rows is one that was deleted. What was
//! deleted long before that is passed over, since rows that were never read need no deletion.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ask::Ask;
use super::changes::{Changes, ChangesAt};
use super::full::whole;
use super::page::Portion;
use crate::error::Result;
use crate::source::profile::{Changes as Rules, Deleted, Deletions as Told, List};
use crate::source::{At, Cursor, Page};

/// Rows that were deleted this long before what changed begins are passed over: clocks and zones differ by less.
const REACH: SignedDuration = SignedDuration::from_hours(48);

/// How far the reading of deletions is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeletionsAt {
    /// Where the next reading of changes begins.
    pub(super) then: ChangesAt,
    /// From when on deletions are wanted.
    since: Timestamp,
    at: ChangesAt,
}

/// One walk through deletions.
pub(super) struct Deletions {
    at: DeletionsAt,
    walk: Changes,
}

/// How a list of deletions is read; `None` where a list has none.
pub(in crate::source) fn list(of: &List) -> Option<List> {
    let Some(Told::List { path, query, rows, id, stamp, filtered }) = &of.deletions else { return None };
    let mut own = of.clone();
    own.path.clone_from(path);
    own.query.extend(query.clone());
    own.rows = rows.clone().unwrap_or(own.rows);
    own.id = id.clone().unwrap_or(own.id);
    own.stamp = stamp.clone();
    own.changes = if *filtered { own.changes } else { Rules::Reread };
    own.deleted = Deleted::Vanishes;
    own.deletions = None;
    own.compare = false;
    // Such rows hold less than living ones, and sometimes nothing but the id.
    own.columns.clear();
    Some(own)
}

/// The last page of a walk through changes that began at `since`, with the deletions still to come.
pub(super) fn before(page: Page, since: Timestamp) -> Page {
    let At::Changes(then) = page.cursor.0 else { return page };
    let cursor = Cursor(At::Deletions(Box::new(DeletionsAt { then, since, at: ChangesAt::since(since) })));
    Page { last: false, cursor, ..page }
}

impl Deletions {
    pub(super) fn resumed(at: DeletionsAt, own: &List, overlap: Duration) -> Self {
        Self { walk: Changes::resumed(at.at.clone(), own, overlap), at }
    }

    pub(super) fn ask(&self) -> Ask {
        self.walk.ask()
    }

    /// Takes the answer to [`Deletions::ask`], read as `own` says; `list` is that of the living rows.
    ///
    /// # Errors
    /// Those of a walk through changes.
    pub(super) fn take(&mut self, portion: Portion, own: &List, list: &List) -> Result<Page> {
        let mut page = self.walk.take(portion, own)?;
        let oldest = self.at.since.checked_sub(REACH).unwrap_or(Timestamp::MIN);
        page.records.retain(|record| record.modified.is_none_or(|deleted| deleted >= oldest));
        for record in &mut page.records {
            record.deleted = true;
            if own.id != list.id
                && let Some(id) = record.payload.remove(&own.id)
            {
                record.payload.insert(list.id.clone(), id);
            }
        }
        page.whole = whole(list, self.at.then.compared, false);
        if let At::Changes(at) = page.cursor.0 {
            page.cursor = Cursor(if page.last {
                At::Changes(self.at.then.clone())
            } else {
                self.at.at = at;
                At::Deletions(Box::new(self.at.clone()))
            });
        }
        Ok(page)
    }
}
