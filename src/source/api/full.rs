//! A full walk through a list, while people go on working in it.
//!
//! Where pages are counted (by number or offset), a row deleted behind the walk moves every later row one place forward and
//! one row slips through between two pages. The only sign is that the total shrinks. Then the walk steps back as many pages
//! as that takes and reads them again; the window drops what it knows. At the end the rows read must fit the total, less
//! what was deleted on the way; if they do not, the whole walk is made once more, and then it is an error with both numbers.
//!
//! Where the source counts nothing, the walk is made again until two of them in a row read the same ids. A list that ends
//! at a round number at which sources are known to cut is read on by the time of the change, or refused.
//!
//! What no client of such an API can see is one deletion and one insertion between the same two requests. The verification
//! counts both ends afresh for that reason.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Next, Spot};
use super::changes::ChangesAt;
use super::page::Portion;
use super::window::{Sifted, Window};
use crate::error::{Error, Kind, Result};
use crate::record::Object;
use crate::source::profile::{Changes, List, Paging, PastEnd, Proof};
use crate::source::{At, Counts, Cursor, Page, Whole};

/// A walk may ask for this many times its pages before it counts as endless; stepping back asks for some twice.
const REQUESTS_PER_PAGE_MAX: u64 = 4;

/// And for this many more, so that a short walk may step back too.
const REQUESTS_SPARE: u64 = 50;

/// Readings of a list that counts nothing, before it counts as one that never stands still.
const PASSES_MAX: u32 = 5;

/// Pages of one reading where nothing counts the rows; what is longer has no end.
const PAGES_MAX: u32 = 1_000_000;

/// Pages in a row that bring no row which was not known.
const STALE_PAGES_MAX: u32 = 3;

/// Numbers of rows at which sources are known to cut what they give at once.
const CUT_AT_ONCE: &[u64] = &[50, 100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000];

/// Numbers of rows at which sources are known to stop paging (source API shapes, section 3).
const CUT_PAGES: &[u64] = &[1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000];

/// Whether sources are known to cut what they give at once at so many rows: then no answer of that length is trusted.
pub(in crate::source) fn is_known_cut(rows: u64) -> bool {
    CUT_AT_ONCE.contains(&rows) || CUT_PAGES.contains(&rows)
}

/// How far a full walk is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FullAt {
    /// Pages that are read.
    done: u32,
    /// Rows on them.
    #[serde(default)]
    rows: u64,
    /// Rows of a full page, once that is known.
    #[serde(default)]
    page_rows: Option<u64>,
    /// Where the source said that the list goes on.
    #[serde(default)]
    spot: Option<Spot>,
    /// Time at the source when the walk began; changes since then are for the next walk.
    started: Option<Timestamp>,
    /// Digest of the first page.
    #[serde(default)]
    first_page: Option<[u8; 16]>,
    /// The total of the last answer.
    total: Option<u64>,
    /// By how much the total has shrunk in sum during this pass.
    shrunk: u64,
    counts: Counts,
    pass: u32,
    /// Sum over the digests of all ids of this pass: the same for the same ids in any order.
    #[serde(default)]
    sum: u64,
    /// Number of rows and sum of the pass before.
    #[serde(default)]
    before: Option<(u64, u64)>,
}

/// One full walk.
pub(super) struct Full {
    object: Object,
    at: FullAt,
    window: Window,
    /// Digests of the pages since the walk last stepped back: 16 bytes a page.
    pages: HashSet<[u8; 16]>,
    /// The last of them.
    last_page: Option<[u8; 16]>,
    /// Digests of the cursors and addresses that were followed.
    spots: HashSet<[u8; 32]>,
    stale_pages: u32,
    requests: u64,
}

impl Full {
    pub(super) fn resumed(list: &List, at: FullAt) -> Self {
        Self {
            object: list.object,
            at,
            window: Window::default(),
            pages: HashSet::new(),
            last_page: None,
            spots: HashSet::new(),
            stale_pages: 0,
            requests: 0,
        }
    }

    pub(super) fn ask(&self) -> Ask {
        let counted = Spot::Behind { pages: u64::from(self.at.done), rows: self.at.rows };
        Ask { spot: self.at.spot.clone().unwrap_or(counted), ..Ask::default() }
    }

    /// Takes the answer to [`Full::ask`].
    ///
    /// # Errors
    /// `Source` when pages repeat, when there is no end, or when nothing proves that all rows were read.
    pub(super) fn take(&mut self, portion: Portion, list: &List) -> Result<Page> {
        let is_repeat = self.guard(&portion, list)?;
        let started = *self.at.started.get_or_insert(portion.at);
        let rows = if is_repeat { 0 } else { portion.rows.len() as u64 };
        let shrunk = match (self.at.total, portion.total) {
            (Some(before), Some(now)) => before.saturating_sub(now),
            _ => 0,
        };
        self.at.total = portion.total.or(self.at.total);
        self.at.shrunk += shrunk;
        self.learn_size(&portion, rows);
        self.at.done += 1;
        self.at.rows += rows;
        // The window may have forgotten the rows of a first page that comes again.
        let is_restart = is_repeat && list.past_end == PastEnd::Restarts;
        let sifted = self.window.sift(if is_restart { Vec::new() } else { portion.rows });
        if !is_restart {
            self.count(&sifted, &portion.origin)?;
        }
        let mut page = self.page(sifted, list, started);
        let at_end = match &portion.next {
            Next::End => true,
            Next::At(_) if is_repeat => true,
            Next::At(spot) => {
                self.at.spot = Some(spot.clone());
                false
            }
            Next::Counted => {
                portion.past_end
                    || rows == 0
                    || match self.at.total {
                        Some(total) => self.at.rows >= total,
                        None => self.at.page_rows.is_some_and(|full| rows < full),
                    }
            }
        };
        if shrunk > 0 && self.at.done > 1 && portion.next == Next::Counted {
            self.step_back(shrunk, rows);
        } else if at_end && self.ends(list, &portion.next)? {
            page.last = true;
            page.cursor = Cursor(At::Changes(ChangesAt::after_all(started)));
            return Ok(page);
        } else if at_end && self.may_be_cut(list) && self.can_go_by_change(list) {
            tracing::warn!(object = %self.object, rows = self.seen(), "the list may be cut; reading on by time of change");
            page.pass = self.at.pass + 1;
            page.cursor = Cursor(At::Changes(ChangesAt::all(self.at.total, self.seen(), page.pass)));
            return Ok(page);
        } else if at_end {
            self.begin_again(list)?;
        }
        page.cursor = Cursor(At::Full(self.at.clone()));
        Ok(page)
    }

    fn page(&self, sifted: Sifted, list: &List, started: Timestamp) -> Page {
        Page {
            records: sifted.records,
            rejected: sifted.rejected,
            repeated: sifted.repeated,
            cursor: Cursor::start(),
            last: false,
            total: self.at.total,
            counts: self.at.counts,
            whole: whole(list, Some(started), true),
            pass: self.at.pass,
        }
    }

    fn count(&mut self, sifted: &Sifted, origin: &str) -> Result<()> {
        self.at.counts.records += sifted.fresh;
        self.at.counts.rejected += sifted.rejected.len() as u64;
        self.at.counts.repeated += sifted.repeated.len() as u64;
        self.at.sum = self.at.sum.wrapping_add(sifted.sum);
        let brings_nothing = sifted.fresh == 0 && sifted.rejected.is_empty();
        self.stale_pages = if brings_nothing { self.stale_pages + 1 } else { 0 };
        if self.stale_pages > STALE_PAGES_MAX {
            let what =
                format!("reading GET {origin} from the source: page after page brings no row that was not read before");
            return Err(Error::new(Kind::Source, what));
        }
        Ok(())
    }

    /// How many rows a full page has. What was asked for is not always given, and only the first page can show that.
    fn learn_size(&mut self, portion: &Portion, rows: u64) {
        if portion.is_size_sure {
            self.at.page_rows = portion.page_rows;
        } else if self.at.done == 0 {
            self.at.page_rows = match (portion.page_rows, portion.total) {
                (Some(asked), _) if rows >= asked => Some(rows),
                // More is to come, so that this page was a full one.
                (_, Some(total)) if rows < total => Some(rows),
                (asked, Some(_)) => asked,
                // Either all rows, or a page smaller than asked for: the next page tells.
                (_, None) => None,
            };
        } else if self.at.page_rows.is_none() && rows > 0 {
            self.at.page_rows = Some(self.at.rows);
        }
    }

    /// The page just read and as many before it as rows moved are asked for again.
    fn step_back(&mut self, moved: u64, rows: u64) {
        tracing::info!(object = %self.object, "rows moved while paging; stepping back");
        let full = self.at.page_rows.unwrap_or(rows).max(1);
        let pages = moved.div_ceil(full) + 1;
        self.at.done = self.at.done.saturating_sub(u32::try_from(pages).unwrap_or(u32::MAX));
        self.at.rows = u64::from(self.at.done) * full;
        self.pages.clear();
        self.last_page = None;
        self.stale_pages = 0;
    }

    fn seen(&self) -> u64 {
        self.at.counts.records + self.at.counts.rejected
    }

    /// Whether it is shown that all rows were read.
    fn ends(&self, list: &List, next: &Next) -> Result<bool> {
        let seen = self.seen();
        if let Some(total) = self.at.total {
            // Rows deleted behind the walk were counted and are no longer in the total; those deleted before it never were.
            // Where the source pages by cursors of its own nobody can step back, so nothing may have moved.
            let moved = self.at.shrunk > 0 && matches!(next, Next::End) && !is_stable(list);
            return Ok(!moved && (total..=total + self.at.shrunk).contains(&seen));
        }
        if self.may_be_cut(list) {
            return Ok(false);
        }
        match list.proof {
            Proof::Total => {
                let what =
                    format!("reading all of {} from the source: it does not say how many there are", self.object);
                Err(Error::new(Kind::Source, what))
            }
            Proof::Once => Ok(true),
            Proof::Twice => Ok(self.at.before == Some((seen, self.at.sum))),
        }
    }

    /// Whether the list ends where sources are known to cut, with nothing that says otherwise.
    fn may_be_cut(&self, list: &List) -> bool {
        let seen = self.seen();
        if self.at.total.is_some_and(|total| seen >= total) {
            return false;
        }
        match &list.page {
            Paging::None { cap: Some(cap) } if seen <= *cap => seen == *cap,
            // Beyond the longest answer that was seen, nothing is known of where the source cuts.
            Paging::None { .. } => is_known_cut(seen),
            Paging::Keyset { .. } => false,
            _ => CUT_PAGES.contains(&seen),
        }
    }

    fn can_go_by_change(&self, list: &List) -> bool {
        matches!(list.changes, Changes::Filter { .. }) && list.stamp.is_some()
    }

    fn begin_again(&mut self, list: &List) -> Result<()> {
        let (object, seen) = (self.object, self.seen());
        let why = match self.at.total {
            _ if self.may_be_cut(list) => Some(format!(
                "reading all of {object} gave exactly {seen} rows, a number at which sources cut, and nothing shows that \
                 these are all"
            )),
            Some(total) if self.at.pass > 0 => {
                Some(format!("reading all of {object} twice gave {seen} rows, but the source counts {total}"))
            }
            None if self.at.pass + 1 >= PASSES_MAX => {
                Some(format!("reading all of {object} {PASSES_MAX} times never gave the same rows twice in a row"))
            }
            _ => None,
        };
        if let Some(why) = why {
            return Err(Error::new(Kind::Source, why));
        }
        let total = self.at.total;
        if total.is_some() {
            tracing::warn!(%object, seen, total, "rows do not fit the total; reading all once more");
        } else {
            tracing::info!(%object, seen, "nothing counts the rows; reading all once more");
        }
        let before = Some((seen, self.at.sum));
        self.at = FullAt { started: self.at.started, pass: self.at.pass + 1, before, ..FullAt::default() };
        self.window = Window::default();
        self.pages.clear();
        self.last_page = None;
        self.spots.clear();
        self.stale_pages = 0;
        self.requests = 0;
        Ok(())
    }

    /// Stops a walk that goes in circles. True for a last page that is given again, where the profile says that this ends
    /// the list, and for an empty page that leads to itself.
    fn guard(&mut self, portion: &Portion, list: &List) -> Result<bool> {
        self.requests += 1;
        let wrong = |what: String| Err(Error::new(Kind::Source, what));
        if let (Some(total), Some(page_rows)) = (portion.total, portion.page_rows) {
            let pages = total / self.at.page_rows.unwrap_or(page_rows).max(1) + 1;
            let most = pages * REQUESTS_PER_PAGE_MAX + REQUESTS_SPARE;
            if self.requests > most {
                return wrong(format!(
                    "reading {} from the source: {most} requests did not reach the end",
                    self.object
                ));
            }
        }
        if self.at.done >= PAGES_MAX {
            return wrong(format!("reading {} from the source: {PAGES_MAX} pages did not reach the end", self.object));
        }
        let digest = portion.digest();
        if list.past_end == PastEnd::Restarts && self.is_restart(portion, digest) {
            return Ok(true);
        }
        if let Next::At(spot) = &portion.next {
            let text = serde_json::to_vec(spot).unwrap_or_default();
            if !self.spots.insert(blake3::hash(&text).into()) {
                if portion.rows.is_empty() {
                    return Ok(true);
                }
                return wrong(format!(
                    "reading GET {} from the source: it goes on at a place where it was before",
                    portion.origin
                ));
            }
        }
        let Some(digest) = digest else { return Ok(false) };
        if self.at.done == 0 {
            self.at.first_page = Some(digest);
        }
        if self.pages.insert(digest) {
            self.last_page = Some(digest);
            return Ok(false);
        }
        // The first page again may also mean that the page number is ignored.
        let ends_so = list.past_end == PastEnd::Repeats && portion.total.is_none() && self.last_page == Some(digest);
        if ends_so && (self.at.done > 1 || self.at.page_rows.is_none()) {
            return Ok(true);
        }
        wrong(format!("reading GET {} from the source: it repeats an earlier page", portion.origin))
    }
}

impl Full {
    /// Whether the list began again. A full first page that comes at once again may also mean that the way to the next one is
    /// ignored.
    fn is_restart(&self, portion: &Portion, digest: Option<[u8; 16]>) -> bool {
        let is_full = portion.page_rows.is_some_and(|full| portion.rows.len() as u64 >= full);
        digest.is_some() && digest == self.at.first_page && self.at.done > 0 && (self.at.done > 1 || !is_full)
    }
}

/// Which reading of everything a page belongs to, for lists of which rows that are gone count as deleted.
pub(super) fn whole(list: &List, started: Option<Timestamp>, settled: bool) -> Option<Whole> {
    let digest: Arc<str> = format!("{} {}", list.object, started?).into();
    list.compare.then_some(Whole { digest, settled })
}

/// Whether rows that are deleted meanwhile move no other row out of the walk's sight.
fn is_stable(list: &List) -> bool {
    matches!(list.page, Paging::Keyset { .. } | Paging::None { .. })
}
