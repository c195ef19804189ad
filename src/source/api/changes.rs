//! A walk through what changed since an instant.
//!
//! Where pages are counted and sorted by the time of the change, rows that change meanwhile move to the end and shift the
//! rest. So the walk does not count on: after each page it asks for what changed since the last row of that page, less a
//! second, and the window drops what it knows. Only where one second holds more changes than a page, or where the rows are
//! not sorted, does it go on page by page. A source that has no filter but sorts is read newest first, until what was known
//! begins.
//!
//! The next walk begins a while before the newest change that this one saw (`overlap`), because rows can appear late. A
//! change stamped in the future does not move that point beyond the present.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ask::{Ask, Next, Spot};
use super::full::whole;
use super::page::Portion;
use super::window::Window;
use crate::error::{Error, Kind, Result};
use crate::source::profile::{Changes as Rules, Edge, List, PastEnd};
use crate::source::{At, Counts, Cursor, Page};

/// The walk goes on this long before the last row of a page: sources round their filter to whole seconds, and some leave
/// the very instant out (source API shapes, section 5).
const STEP_BACK: SignedDuration = SignedDuration::from_secs(1);

/// A row changed this long before what was asked for shows that the filter is ignored. Filters of whole days, in a zone of
/// their own, give up to two days more than asked.
const FILTER_SLACK: SignedDuration = SignedDuration::from_hours(48);

/// Pages of one walk; what is longer is no list of changes.
const PAGES_MAX: u32 = 100_000;

/// How far the reading of changes is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangesAt {
    /// Everything changed up to here has been read, but for what appears late.
    watermark: Timestamp,
    /// The walk under way.
    step: Option<Step>,
    /// When all rows were read the last time, for sources where deleted ones vanish.
    #[serde(default)]
    pub(super) compared: Option<Timestamp>,
    /// What a walk through everything by time of change must bring.
    #[serde(default)]
    must: Option<Must>,
}

/// What a walk through everything must bring, because a walk by pages was cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Must {
    /// As many rows as the source counts.
    total: Option<u64>,
    /// More rows than this, where it counts nothing.
    more_than: u64,
    pass: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    since: Timestamp,
    /// Pages of this `since` that are read.
    done: u32,
    /// Rows on them.
    #[serde(default)]
    rows: u64,
    /// Rows of a full page, as the first one showed.
    #[serde(default)]
    page_rows: Option<u64>,
    /// Where the source said that the list goes on.
    #[serde(default)]
    spot: Option<Spot>,
    newest: Option<Timestamp>,
    /// Time at the source when the walk began.
    started: Option<Timestamp>,
    counts: Counts,
}

impl ChangesAt {
    /// Everything changed up to an instant has been read.
    pub(crate) fn since(watermark: Timestamp) -> Self {
        Self { watermark, step: None, compared: None, must: None }
    }

    /// All rows were read by a walk that began then.
    pub(super) fn after_all(started: Timestamp) -> Self {
        Self { compared: Some(started), ..Self::since(started) }
    }

    /// Nothing that a walk by pages read counts; everything is to be read by time of change.
    pub(super) fn all(total: Option<u64>, more_than: u64, pass: u32) -> Self {
        Self { must: Some(Must { total, more_than, pass }), ..Self::since(Timestamp::UNIX_EPOCH) }
    }

    /// No walk is under way.
    pub(super) fn is_between_walks(&self) -> bool {
        self.step.is_none() && self.must.is_none()
    }
}

/// One walk through changes.
pub(super) struct Changes {
    at: ChangesAt,
    step: Step,
    window: Window,
    last_page: Option<[u8; 16]>,
    spots: HashSet<[u8; 32]>,
}

impl Changes {
    pub(super) fn resumed(at: ChangesAt, list: &List, overlap: Duration) -> Self {
        let begin = || {
            let overlap = SignedDuration::try_from(overlap.max(own_overlap(list))).unwrap_or(SignedDuration::MAX);
            let since = at.watermark.checked_sub(overlap).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH);
            Step {
                since,
                done: 0,
                rows: 0,
                page_rows: None,
                spot: None,
                newest: None,
                started: None,
                counts: Counts::default(),
            }
        };
        let step = at.step.clone().unwrap_or_else(begin);
        Self { at, step, window: Window::default(), last_page: None, spots: HashSet::new() }
    }

    pub(super) fn ask(&self) -> Ask {
        let counted = Spot::Behind { pages: u64::from(self.step.done), rows: self.step.rows };
        let spot = self.step.spot.clone().unwrap_or(counted);
        // What must be brought was counted without deleted rows.
        Ask { spot, since: Some(self.step.since), newest: true, deleted: self.at.must.is_none(), page_rows: 0 }
    }

    /// Everything changed up to here had been read before this walk.
    pub(super) fn watermark(&self) -> Timestamp {
        self.at.watermark
    }

    /// Takes the answer to [`Changes::ask`].
    ///
    /// # Errors
    /// `Source` when the source ignores its filter, does not sort, repeats a page or goes in circles, and when a walk through
    /// everything brings too little.
    pub(super) fn take(&mut self, portion: Portion, list: &List) -> Result<Page> {
        let stamps: Vec<Timestamp> = portion.rows.iter().flatten().filter_map(|record| record.modified).collect();
        let is_repeat = self.guard(&portion, &stamps, list)?;
        let started = *self.step.started.get_or_insert(portion.at);
        let rows = if is_repeat { 0 } else { portion.rows.len() as u64 };
        let full = match (portion.page_rows.filter(|_| portion.is_size_sure), self.step.page_rows) {
            (Some(sure), _) => Some(sure),
            (None, Some(seen)) => Some(seen),
            (None, None) => portion.page_rows.filter(|asked| rows >= *asked),
        };
        self.step.done += 1;
        self.step.rows += rows;
        self.step.page_rows = full;
        self.step.newest = self.step.newest.max(stamps.iter().copied().max());

        let is_known_again =
            matches!(list.changes, Rules::Newest { .. }) && stamps.last().is_some_and(|last| *last < self.step.since);
        let sifted = self.window.sift(portion.rows);
        let counts = &mut self.step.counts;
        counts.records += sifted.fresh;
        counts.rejected += sifted.rejected.len() as u64;
        counts.repeated += sifted.repeated.len() as u64;
        let counts = *counts;
        let mut page = Page {
            records: sifted.records,
            rejected: sifted.rejected,
            repeated: sifted.repeated,
            cursor: Cursor::start(),
            last: false,
            total: portion.total,
            counts,
            whole: match &self.at.must {
                Some(_) => whole(list, Some(started), true),
                // Changed rows belong to the last reading of everything, so that the next one can miss them.
                None => whole(list, self.at.compared, false),
            },
            pass: self.at.must.as_ref().map_or(0, |must| must.pass),
        };

        page.last = is_known_again
            || match &portion.next {
                Next::End => true,
                Next::At(_) => is_repeat,
                // A page that is shorter than those before is the last only where the answer says how long pages are: the size
                // may be heard no longer.
                Next::Counted => {
                    let is_short = portion.is_size_sure && full.is_some_and(|full| rows < full);
                    rows == 0 || portion.total.map_or(is_short, |total| self.step.rows >= total)
                }
            };
        let step = if page.last {
            self.end(list, counts, started)?;
            None
        } else {
            self.step_on(&stamps, &portion.next, list);
            Some(self.step.clone())
        };
        page.cursor = Cursor(At::Changes(ChangesAt { step, ..self.at.clone() }));
        Ok(page)
    }

    /// The walk is over: moves the watermark, and holds a walk through everything against what it must bring.
    fn end(&mut self, list: &List, counts: Counts, started: Timestamp) -> Result<()> {
        if let Some(must) = self.at.must.take() {
            let seen = counts.records + counts.rejected;
            if must.total.map_or(seen <= must.more_than, |total| seen < total) {
                let counted = must.total.map_or("nothing shows that these are all".to_owned(), |total| {
                    format!("the source counts {total}")
                });
                let what = format!(
                    "reading all of {} gave exactly {} rows, at which the source seems to cut; by time of change it gave \
                     {seen}, and {counted}",
                    list.object, must.more_than
                );
                return Err(Error::new(Kind::Source, what));
            }
            self.at.compared = Some(started);
        }
        let newest = self.step.newest.map_or(self.at.watermark, |newest| newest.min(started));
        self.at.watermark = self.at.watermark.max(newest);
        Ok(())
    }

    /// On to where the source says; where pages are counted, to the last row's time where that leads further, else to the
    /// next page of the same time.
    fn step_on(&mut self, stamps: &[Timestamp], next: &Next, list: &List) {
        if let Next::At(spot) = next {
            self.step.spot = Some(spot.clone());
            return;
        }
        let Rules::Filter { granularity_seconds, .. } = &list.changes else { return };
        let back = SignedDuration::from_secs(i64::try_from(*granularity_seconds).unwrap_or(i64::MAX)).max(STEP_BACK);
        let next = stamps.last().and_then(|last| last.checked_sub(back).ok());
        // Only a sorted page says that nothing older is still to come.
        if let Some(next) = next.filter(|next| *next > self.step.since && stamps.is_sorted()) {
            self.step.since = next;
            self.step.done = 0;
            self.step.rows = 0;
            self.last_page = None;
        }
    }

    /// True for a page that ends the list by coming again.
    fn guard(&mut self, portion: &Portion, stamps: &[Timestamp], list: &List) -> Result<bool> {
        let origin = &portion.origin;
        let wrong = |what: &str| Err(Error::new(Kind::Source, format!("reading GET {origin} from the source: {what}")));
        match &list.changes {
            Rules::Filter { param, .. }
                if stamps.iter().any(|stamp| self.step.since.duration_since(*stamp) > FILTER_SLACK) =>
            {
                return wrong(&format!("it gives older rows than asked for; it seems to ignore '{param}'"));
            }
            Rules::Newest { .. } if !stamps.is_sorted_by(|earlier, later| earlier >= later) => {
                return wrong("its rows are not sorted, the newest first");
            }
            _ => {}
        }
        if self.step.done > PAGES_MAX {
            return wrong("the list of changes has no end");
        }
        if let Next::At(spot) = &portion.next {
            let text = serde_json::to_vec(spot).unwrap_or_default();
            if !self.spots.insert(blake3::hash(&text).into()) {
                return if portion.rows.is_empty() || list.past_end == PastEnd::Restarts {
                    Ok(true)
                } else {
                    wrong("it goes on at a place where it was before")
                };
            }
        }
        let digest = portion.digest();
        if digest.is_some() && digest == self.last_page {
            let ends_so = list.past_end == PastEnd::Repeats && portion.total.is_none();
            return if ends_so { Ok(true) } else { wrong("it repeats the page before it") };
        }
        self.last_page = digest;
        Ok(false)
    }
}

/// How far back the filter of a list makes a walk reach: over the granule that the instant lies in, and past an edge that
/// is left out.
fn own_overlap(list: &List) -> Duration {
    match &list.changes {
        Rules::Filter { granularity_seconds, edge, overlap_seconds, .. } => {
            let edge = u64::from(*edge == Edge::Exclusive);
            let granule = if *granularity_seconds > 1 { granularity_seconds.saturating_mul(2) } else { 0 };
            Duration::from_secs(overlap_seconds.unwrap_or_default().max(granule).saturating_add(edge))
        }
        _ => Duration::ZERO,
    }
}
