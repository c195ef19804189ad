//! A full walk through a list by page number, sorted by id, while people go on working in it.
//!
//! Page numbers count places, so a row deleted behind the walk moves every later row one place forward and one row slips
//! through between two pages. The only sign is that the total shrinks. Then the walk steps back as many pages as that
//! takes and reads them again; the window drops what it knows. At the end the rows read must fit the total, less what was
//! deleted on the way; if they do not, the whole walk is made once more, and then it is an error with both numbers.
//!
//! What no client of such an API can see is one deletion and one insertion between the same two requests. The verification
//! counts both ends afresh for that reason.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::record::Object;
use crate::source::{At, Counts, Cursor, Page};

use super::Ask;
use super::answer::List;
use super::changes::ChangesAt;
use super::window::Window;

/// A walk may ask for this many times its pages before it counts as endless; stepping back asks for some twice.
const REQUESTS_PER_PAGE_MAX: u64 = 4;

/// And for this many more, so that a short walk may step back too.
const REQUESTS_SPARE: u64 = 50;

/// How far a full walk is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FullAt {
    /// Pages that are read.
    done: u32,
    /// Time at the source when the walk began; changes since then are for the next walk.
    started: Option<Timestamp>,
    /// The total of the last answer.
    total: Option<u64>,
    /// By how much the total has shrunk in sum during this pass.
    shrunk: u64,
    counts: Counts,
    pass: u32,
}

/// One full walk.
pub(super) struct Full {
    object: Object,
    at: FullAt,
    window: Window,
    /// Digests of the pages since the walk last stepped back: 16 bytes a page.
    pages: HashSet<[u8; 16]>,
    requests: u64,
}

impl Full {
    pub(super) fn resumed(object: Object, at: FullAt) -> Self {
        Self { object, at, window: Window::default(), pages: HashSet::new(), requests: 0 }
    }

    pub(super) fn ask(&self) -> Ask {
        Ask { page: self.at.done + 1, since: None }
    }

    /// Takes the answer to [`Full::ask`].
    ///
    /// # Errors
    /// `Source` when pages repeat, when there is no end, or when the rows do not fit the total for the second time.
    pub(super) fn take(&mut self, list: List) -> Result<Page> {
        self.guard(&list)?;
        let started = *self.at.started.get_or_insert(list.at);
        let rows = list.rows.len() as u64;
        let shrunk = match (self.at.total, list.total) {
            (Some(before), Some(now)) => before.saturating_sub(now),
            _ => 0,
        };
        self.at.total = list.total.or(self.at.total);
        self.at.shrunk += shrunk;
        self.at.done += 1;

        let sifted = self.window.sift(list.rows);
        self.at.counts.records += sifted.fresh;
        self.at.counts.rejected += sifted.rejected.len() as u64;
        self.at.counts.repeated += sifted.repeated.len() as u64;
        let mut page = Page {
            records: sifted.records,
            rejected: sifted.rejected,
            repeated: sifted.repeated,
            cursor: Cursor::start(),
            last: false,
            total: self.at.total,
            counts: self.at.counts,
            whole: None,
            pass: self.at.pass,
        };

        let read_through = u64::from(self.at.done) * list.page_rows;
        let at_end = rows == 0 || self.at.total.map_or(rows < list.page_rows, |total| read_through >= total);
        if shrunk > 0 && self.at.done > 1 {
            self.step_back(shrunk.div_ceil(list.page_rows));
        } else if at_end && self.fits() {
            page.last = true;
            page.cursor = Cursor(At::Changes(ChangesAt::since(started)));
            return Ok(page);
        } else if at_end {
            self.begin_again()?;
        }
        page.cursor = Cursor(At::Full(self.at.clone()));
        Ok(page)
    }

    /// The page just read and as many before it are asked for again.
    fn step_back(&mut self, pages: u64) {
        let pages = u32::try_from(pages).unwrap_or(u32::MAX).saturating_add(1);
        tracing::info!(object = %self.object, "rows moved while paging; stepping back");
        self.at.done = self.at.done.saturating_sub(pages);
        self.pages.clear();
    }

    /// Rows deleted behind the walk were counted and are no longer in the total; those deleted before it never were.
    fn fits(&self) -> bool {
        let seen = self.at.counts.records + self.at.counts.rejected;
        self.at.total.is_none_or(|total| (total..=total + self.at.shrunk).contains(&seen))
    }

    fn begin_again(&mut self) -> Result<()> {
        let seen = self.at.counts.records + self.at.counts.rejected;
        let (object, total) = (self.object, self.at.total.unwrap_or_default());
        if self.at.pass > 0 {
            let what = format!("reading all of {object} twice gave {seen} rows, but the source counts {total}");
            return Err(Error::new(Kind::Source, what));
        }
        tracing::warn!(%object, seen, total, "rows do not fit the total; reading all once more");
        self.at = FullAt { started: self.at.started, pass: 1, ..FullAt::default() };
        self.window = Window::default();
        self.pages.clear();
        self.requests = 0;
        Ok(())
    }

    /// Stops a walk that goes in circles.
    fn guard(&mut self, list: &List) -> Result<()> {
        self.requests += 1;
        let pages = list.total.unwrap_or_default() / list.page_rows + 1;
        let most = pages * REQUESTS_PER_PAGE_MAX + REQUESTS_SPARE;
        if list.total.is_some() && self.requests > most {
            let what = format!("reading {} from the source: {most} requests did not reach the end", self.object);
            return Err(Error::new(Kind::Source, what));
        }
        if let Some(digest) = list.digest()
            && !self.pages.insert(digest)
        {
            let what = format!("reading GET {} from the source: it repeats an earlier page", list.origin);
            return Err(Error::new(Kind::Source, what));
        }
        Ok(())
    }
}
