//! A walk through what changed since an instant, sorted by the time of the change.
//!
//! Rows that change meanwhile move to the end and shift the rest, so the walk does not count pages: after each page it asks
//! for what changed since the last row of that page, less a second, and the window drops what it knows. Only where one
//! second holds more changes than a page does it go on by page number.
//!
//! The next walk begins a while before the newest change that this one saw (`overlap`), because rows can appear late. A
//! change stamped in the future does not move that point beyond the present.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::source::{At, Counts, Cursor, Page};

use super::Ask;
use super::answer::List;
use super::window::Window;

/// The walk goes on this long before the last row of a page: sources round their filter to whole seconds, and some leave
/// the very instant out (source API shapes, section 5).
const STEP_BACK: SignedDuration = SignedDuration::from_secs(1);

/// A row changed this long before what was asked for shows that the filter is ignored. Filters of whole days, in a zone of
/// their own, give up to two days more than asked.
const FILTER_SLACK: SignedDuration = SignedDuration::from_hours(48);

/// How far the reading of changes is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangesAt {
    /// Everything changed up to here has been read, but for what appears late.
    watermark: Timestamp,
    /// The walk under way.
    step: Option<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    since: Timestamp,
    /// Pages of this `since` that are read.
    done: u32,
    newest: Option<Timestamp>,
    /// Time at the source when the walk began.
    started: Option<Timestamp>,
    counts: Counts,
}

impl ChangesAt {
    /// Everything changed up to an instant has been read.
    pub(crate) fn since(watermark: Timestamp) -> Self {
        Self { watermark, step: None }
    }
}

/// One walk through changes.
pub(super) struct Changes {
    watermark: Timestamp,
    step: Step,
    window: Window,
    last_page: Option<[u8; 16]>,
}

impl Changes {
    pub(super) fn resumed(at: ChangesAt, overlap: Duration) -> Self {
        let watermark = at.watermark;
        let begin = || {
            let overlap = SignedDuration::try_from(overlap).unwrap_or(SignedDuration::MAX);
            let since = watermark.checked_sub(overlap).unwrap_or(Timestamp::UNIX_EPOCH);
            Step { since, done: 0, newest: None, started: None, counts: Counts::default() }
        };
        let step = at.step.unwrap_or_else(begin);
        Self { watermark, step, window: Window::default(), last_page: None }
    }

    pub(super) fn ask(&self) -> Ask {
        Ask { page: self.step.done + 1, since: Some(self.step.since) }
    }

    /// Takes the answer to [`Changes::ask`].
    ///
    /// # Errors
    /// `Source` when the source ignores `updated_since` or repeats a page.
    pub(super) fn take(&mut self, list: List) -> Result<Page> {
        let stamps: Vec<Timestamp> = list.rows.iter().flatten().filter_map(|record| record.modified).collect();
        self.guard(&list, &stamps)?;
        let started = *self.step.started.get_or_insert(list.at);
        let rows = list.rows.len() as u64;
        self.step.done += 1;
        self.step.newest = self.step.newest.max(stamps.iter().copied().max());

        let sifted = self.window.sift(list.rows);
        let counts = &mut self.step.counts;
        counts.records += sifted.fresh;
        counts.rejected += sifted.rejected.len() as u64;
        counts.repeated += sifted.repeated.len() as u64;
        let mut page = Page {
            records: sifted.records,
            rejected: sifted.rejected,
            repeated: sifted.repeated,
            cursor: Cursor::start(),
            last: false,
            total: list.total,
            counts: *counts,
            whole: None,
            pass: 0,
        };

        let read_through = u64::from(self.step.done) * list.page_rows;
        page.last = rows == 0 || list.total.map_or(rows < list.page_rows, |total| read_through >= total);
        let step = if page.last {
            let newest = self.step.newest.map_or(self.watermark, |newest| newest.min(started));
            self.watermark = self.watermark.max(newest);
            None
        } else {
            self.step_on(&stamps);
            Some(self.step.clone())
        };
        page.cursor = Cursor(At::Changes(ChangesAt { watermark: self.watermark, step }));
        Ok(page)
    }

    /// On to the last row's time where that leads further, else to the next page of the same time.
    fn step_on(&mut self, stamps: &[Timestamp]) {
        let next = stamps.last().and_then(|last| last.checked_sub(STEP_BACK).ok());
        // Only a sorted page says that nothing older is still to come.
        if let Some(next) = next.filter(|next| *next > self.step.since && stamps.is_sorted()) {
            self.step.since = next;
            self.step.done = 0;
            self.last_page = None;
        }
    }

    fn guard(&mut self, list: &List, stamps: &[Timestamp]) -> Result<()> {
        let wrong =
            |what: &str| Err(Error::new(Kind::Source, format!("reading GET {} from the source: {what}", list.origin)));
        if stamps.iter().any(|stamp| self.step.since.duration_since(*stamp) > FILTER_SLACK) {
            return wrong("it gives older rows than asked for; it seems to ignore 'updated_since'");
        }
        let digest = list.digest();
        if digest.is_some() && digest == self.last_page {
            return wrong("it repeats the page before it");
        }
        self.last_page = digest;
        Ok(())
    }
}
