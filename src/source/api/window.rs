//! The rows of the last few pages, by id: enough to notice that rows moved between two requests, and flat in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::record::{Place, SourceRecord};
use crate::source::{RejectedRow, RepeatedRow};

/// Pages that are remembered. Rows move by as many places as rows were deleted between two requests; four hundred places
/// are far more than that, and a larger move makes a full walk begin again.
const PAGES: usize = 4;

/// What is remembered of a row.
#[derive(Debug)]
struct Known {
    modified: Option<Timestamp>,
    first: Place,
}

/// The rows of the last few pages.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<HashMap<Arc<str>, Known>>);

/// A page after the window.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    pub(super) records: Vec<SourceRecord>,
    pub(super) rejected: Vec<RejectedRow>,
    pub(super) repeated: Vec<RepeatedRow>,
    /// Records among them that the window did not know.
    pub(super) fresh: u64,
    /// Sum over the digests of the ids of these and of the rejected rows, the same in any order.
    pub(super) sum: u64,
}

impl Window {
    /// Drops the rows that repeat what the window knows, and remembers the page. A row that is known but was changed since
    /// goes on as a record.
    pub(super) fn sift(&mut self, rows: Vec<Result<SourceRecord, RejectedRow>>) -> Sifted {
        let mut sifted = Sifted::default();
        self.0.push_back(HashMap::with_capacity(rows.len()));
        if self.0.len() > PAGES {
            self.0.pop_front();
        }
        for row in rows {
            match row {
                Err(rejected) => {
                    sifted.sum = sifted.sum.wrapping_add(summand(rejected.text.as_bytes()));
                    sifted.rejected.push(rejected);
                }
                Ok(record) => self.sift_record(record, &mut sifted),
            }
        }
        sifted
    }

    fn sift_record(&mut self, record: SourceRecord, sifted: &mut Sifted) {
        let known = self.0.iter_mut().rev().find_map(|page| page.remove(&record.id));
        let (id, place) = (Arc::clone(&record.id), record.place.clone());
        let first = known.as_ref().map_or_else(|| place.clone(), |known| known.first.clone());
        // A known row moves to the newest page, so that pages read again do not push it out.
        let modified = record.modified.max(known.as_ref().and_then(|known| known.modified));
        if let Some(page) = self.0.back_mut() {
            page.insert(Arc::clone(&id), Known { modified, first: first.clone() });
        }
        let is_news = known.as_ref().is_none_or(|known| record.modified.is_none() || record.modified > known.modified);
        if known.is_some() {
            sifted.repeated.push(RepeatedRow { id, place, first });
        } else {
            sifted.sum = sifted.sum.wrapping_add(summand(record.id.as_bytes()));
            sifted.fresh += 1;
        }
        if is_news {
            sifted.records.push(record);
        }
    }
}

fn summand(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    blake3::Hasher::new().update(text).finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
