//! One portion of a list, taken out of an answer: its rows, what the source counts, and where it goes on.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::answer::Read;
use super::ask::{Next, next};
use super::drift;
use super::path::find;
use super::rows::{Reader, Row, id_text};
use crate::error::Result;
use crate::source::profile::{List, Total};

/// What an answer counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    /// Rows in all.
    pub(super) total: Option<u64>,
    /// Rows of a page, as the answer repeats it.
    pub(super) echo: Option<u64>,
}

/// One portion of a list.
#[derive(Debug)]
pub(in crate::source) struct Portion {
    pub(in crate::source) rows: Vec<Row>,
    /// What the source says it has in all.
    pub(in crate::source) total: Option<u64>,
    /// Rows that a full page has, as far as that is known: what was asked for, or less where the answer says so.
    pub(super) page_rows: Option<u64>,
    /// The answer says how many rows a page has, so that a shorter one is the last.
    pub(super) is_size_sure: bool,
    /// Time at the source when it answered, or earlier.
    pub(super) at: Timestamp,
    /// What was asked, for messages.
    pub(in crate::source) origin: Arc<str>,
    pub(in crate::source) next: Next,
    /// The source says that there is no such page.
    pub(super) past_end: bool,
}

impl Portion {
    /// Reads an answer as a page of a list. `page_rows` is the size that was asked for where the profile does not say.
    ///
    /// # Errors
    /// `Source` or `Drift` when there is no list where it should be, `Drift` when the rows are not what they were.
    pub(in crate::source) fn read(reader: &Reader, read: Read, origin: &str, page_rows: u32) -> Result<Self> {
        let list = &reader.list;
        let Read { mut body, headers, at, past_end } = read;
        let origin: Arc<str> = origin.into();
        if past_end {
            let (rows, next) = (Vec::new(), Next::End);
            return Ok(Self { rows, total: None, page_rows: None, is_size_sure: false, at, origin, next, past_end });
        }
        let total = total(list, &body, &headers);
        let size = list.page.size();
        let asked = size.filter(|size| size.param.is_some() || size.rows.is_some());
        let asked = asked.map(|size| u64::from(size.rows.unwrap_or(page_rows)));
        let echo = size.and_then(|size| size.echo.as_deref()).and_then(|path| number(find(&body, path)?));
        // A source may quietly give smaller pages than asked for; it never gives larger ones.
        let echo = echo.filter(|rows| *rows > 0);
        let full_rows = match (echo, asked) {
            (Some(echo), Some(asked)) => Some(echo.min(asked)),
            (echo, asked) => echo.or(asked),
        };
        let envelope = if needs_envelope(list) { body.clone() } else { Value::Null };
        let rows = reader.rows(&mut body, &origin)?;
        let body = if needs_envelope(list) { envelope } else { body };
        let next = next(list, &body, &headers, &rows);
        drift::check(list, &rows, &Counted { total, echo }, &origin)?;
        Ok(Self { rows, total, page_rows: full_rows, is_size_sure: echo.is_some(), at, origin, next, past_end })
    }

    /// What tells one page from another: the ids on it, in order. `None` for an empty page.
    pub(super) fn digest(&self) -> Option<[u8; 16]> {
        if self.rows.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        for row in &self.rows {
            let text = row.as_ref().map_or_else(|rejected| rejected.text.as_bytes(), |record| record.id.as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text);
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        Some(digest)
    }
}

/// Taking the rows out of a body leaves the rest of it whole, unless the rows are all of it.
fn needs_envelope(list: &List) -> bool {
    list.rows.is_empty()
}

fn number(value: &Value) -> Option<u64> {
    id_text(value)?.parse().ok()
}

/// What the source counts.
pub(in crate::source) fn total(list: &List, body: &Value, headers: &HeaderMap) -> Option<u64> {
    match &list.total {
        Total::Nowhere => None,
        Total::Body(path) => number(find(body, path)?),
        Total::Header(name) => headers.get(name)?.to_str().ok()?.trim().parse().ok(),
    }
}
