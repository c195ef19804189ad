//! Finds ids that stand in a file more than once, before its rows are given out, with memory for the repeated ids only.
//!
//! A first pass marks every id in a bit table and notes ids whose bit was marked already: all repeated ones, and a few that
//! only share a bit. A second pass, made only if there are any, looks at those alone.

use std::collections::{HashMap, HashSet};

use ::csv::StringRecord;

use crate::error::Result;
use crate::record::Place;

use super::chain::Chain;
use super::rows::Row;

/// Rows read at once.
const BATCH_ROWS: usize = 1_000;

/// Bits per byte of the file. A row has a few dozen bytes at least, so that an id shares its bit with another by chance once
/// in some dozens of rows at most.
const BITS_PER_BYTE: u64 = 4;

/// The most bits: 32 MiB, and with ten million rows one id in twenty-seven shares a bit.
const BITS_MAX: u64 = 1 << 28;

/// A number for an id or a row, wide enough that two never share one.
type Digest = u128;

/// The ids that stand in a file more than once.
#[derive(Debug, Default)]
pub(super) struct Duplicates(HashMap<Digest, Group>);

/// The rows of one repeated id.
#[derive(Debug)]
struct Group {
    first: Place,
    row: Digest,
    rows: u64,
    /// The first row that differs from the first one.
    differs: Option<Place>,
}

/// What a row is among those of its id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// The only one, or the first of several that are the same.
    First,
    /// The same as an earlier one.
    Repeats(&'a Place),
    /// One of several that differ; the place is that of another one.
    Conflicts(&'a Place),
}

/// What the passes found.
pub(super) struct Scan {
    /// Rows below the header, rejected ones too.
    pub(super) rows: u64,
    pub(super) duplicates: Duplicates,
}

/// Reads the file that `open` opens once or twice. `id` gives a row's id, `None` where it has none; `bytes` is the length of
/// the file.
///
/// # Errors
/// `Source` when the file cannot be read.
pub(super) fn scan(
    open: impl Fn() -> Result<Chain>,
    id: impl Fn(&StringRecord) -> Option<String>,
    bytes: u64,
) -> Result<Scan> {
    let bits = (bytes * BITS_PER_BYTE).clamp(1 << 12, BITS_MAX).next_power_of_two();
    let mut marked = vec![0_u64; usize::try_from(bits / 64).unwrap_or(1)];
    let mut suspects: HashSet<Digest> = HashSet::new();
    let rows = each_row(&open, |row| {
        let Some(digest) = id(&row.cells).map(|id| digest([id.as_str()])) else { return };
        let (at, mark) = bit_of(digest, marked.len());
        if marked[at] & mark != 0 {
            suspects.insert(digest);
        }
        marked[at] |= mark;
    })?;
    let mut groups: HashMap<Digest, Group> = HashMap::new();
    if !suspects.is_empty() {
        each_row(&open, |row| {
            let Some(own) = id(&row.cells).map(|id| digest([id.as_str()])).filter(|id| suspects.contains(id)) else {
                return;
            };
            let content = digest(row.cells.iter());
            let first = || Group { first: row.place.clone(), row: content, rows: 0, differs: None };
            let group = groups.entry(own).or_insert_with(first);
            group.rows += 1;
            if group.row != content && group.differs.is_none() {
                group.differs = Some(row.place);
            }
        })?;
        groups.retain(|_, group| group.rows > 1);
    }
    Ok(Scan { rows, duplicates: Duplicates(groups) })
}

impl Duplicates {
    /// What a row with this id is among those of its id.
    pub(super) fn standing(&self, id: &str, place: &Place) -> Standing<'_> {
        let Some(group) = self.0.get(&digest([id])) else { return Standing::First };
        match &group.differs {
            Some(differs) if group.first == *place => Standing::Conflicts(differs),
            Some(_) => Standing::Conflicts(&group.first),
            None if group.first == *place => Standing::First,
            None => Standing::Repeats(&group.first),
        }
    }
}

/// Gives every parsed row to `take`; counts all rows, rejected ones too.
fn each_row(open: &impl Fn() -> Result<Chain>, mut take: impl FnMut(Row)) -> Result<u64> {
    let mut rows = open()?;
    let mut count = 0;
    loop {
        let batch = rows.next_batch(BATCH_ROWS)?;
        if batch.is_empty() {
            return Ok(count);
        }
        count += batch.len() as u64;
        batch.into_iter().flatten().for_each(&mut take);
    }
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Digest::from_le_bytes(bytes)
}

/// The word of the bit table that holds an id's bit, and the bit. `words` is a power of two.
fn bit_of(digest: Digest, words: usize) -> (usize, u64) {
    let at = usize::try_from(digest >> 64 & (words as Digest - 1)).unwrap_or_default();
    (at, 1 << (digest & 63))
}
