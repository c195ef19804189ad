//! Rows of cells: what the splitter trusts, parsed by the `csv` crate, with the wrong number of cells rejected.

use std::sync::Arc;

use ::csv::{ReaderBuilder, StringRecord};

use crate::error::{Error, Kind, Result};
use crate::record::Place;
use crate::source::{RejectedRow, cut_text};

use super::dialect::{Edge, Layout};
use super::parts::Content;
use super::probe::Probe;
use super::split::{Dialect, Escape, Flaw, RawRow, Splitter};
use super::text::Text;

/// The rows below a header.
pub(super) struct Rows {
    splitter: Splitter,
    layout: Layout,
    header: StringRecord,
    content: Content,
}

/// A row with as many cells as the header.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) raw: RawRow,
    pub(super) cells: StringRecord,
}

impl Rows {
    /// The rows of a part behind its header.
    ///
    /// # Errors
    /// `Source` when it cannot be read, or has changed since the header was found.
    pub(super) fn new(content: Content, probe: &Probe, layout: Layout) -> Result<Self> {
        let mut splitter = Splitter::new(Text::of(&content, probe)?, layout.dialect);
        let changed = || Error::new(Kind::Source, format!("file '{}' changed while it was read", content.name));
        for _ in 1..layout.header_row {
            splitter.next()?.ok_or_else(changed)?;
        }
        let raw = splitter.next()?.filter(|raw| raw.flaw.is_none()).ok_or_else(changed)?;
        let mut header = parse(&[raw], layout.dialect)?.pop().ok_or_else(changed)?;
        if layout.edge == Edge::HeaderLonger {
            header.truncate(header.len().saturating_sub(1));
        }
        Ok(Self { splitter, layout, header, content })
    }

    /// The header's cells as written.
    pub(super) fn header(&self) -> &StringRecord {
        &self.header
    }

    /// The next rows, at most `most`; none at the end of the file.
    ///
    /// # Errors
    /// `Source` when the file cannot be read.
    pub(super) fn next_batch(&mut self, most: usize) -> Result<Vec<Result<Row, RejectedRow>>> {
        let mut raws = Vec::with_capacity(most);
        while raws.len() < most
            && let Some(mut raw) = self.splitter.next()?
        {
            if self.content.is_sheet() {
                // Lines and bytes are those of a text that nobody sees.
                (raw.line, raw.offset) = (0, None);
            }
            raws.push(raw);
        }
        let trusted: Vec<RawRow> = raws.iter().filter(|raw| raw.flaw.is_none()).cloned().collect();
        let mut parsed = parse(&trusted, self.layout.dialect)?.into_iter();
        let mut rows = Vec::with_capacity(raws.len());
        for raw in raws {
            let row = match raw.flaw {
                Some(flaw) => Err(self.rejected(&raw, flaw_text(flaw))),
                None => self.checked(raw, parsed.next().unwrap_or_default()),
            };
            rows.push(row);
        }
        Ok(rows)
    }

    fn checked(&self, raw: RawRow, mut cells: StringRecord) -> Result<Row, RejectedRow> {
        let (found, expected) = (cells.len(), self.header.len());
        if self.layout.edge == Edge::RowsLonger && found == expected + 1 && cells.get(expected) == Some("") {
            cells.truncate(expected);
        } else if found != expected || self.layout.edge == Edge::RowsLonger {
            return Err(self.rejected(&raw, format!("it has {found} cells where the header has {expected}")));
        }
        if cells == self.header {
            return Err(self.rejected(&raw, "it repeats the header".to_owned()));
        }
        Ok(Row { place: self.place(&raw), raw, cells })
    }

    fn place(&self, raw: &RawRow) -> Place {
        Place { origin: Arc::clone(&self.content.name), row: self.content.row_number(raw.row) }
    }

    fn rejected(&self, raw: &RawRow, reason: String) -> RejectedRow {
        reject(self.place(raw), raw, reason)
    }
}

/// A rejected row, with its line and byte in the reason where it has them.
pub(super) fn reject(place: Place, raw: &RawRow, reason: String) -> RejectedRow {
    let byte = raw.offset.map(|offset| format!(", byte {offset}")).unwrap_or_default();
    let reason = if raw.line == 0 { reason } else { format!("{reason} (line {}{byte})", raw.line) };
    let line = Some(raw.line).filter(|line| *line > 0);
    RejectedRow { place, reason, text: cut_text(&raw.text), line, byte: raw.offset.filter(|_| line.is_some()) }
}

fn flaw_text(flaw: Flaw) -> String {
    match flaw {
        Flaw::Undecodable(offset) => format!("byte {offset} has no meaning in the file's encoding"),
        Flaw::QuoteOpen => "a quote is opened and never closed".to_owned(),
        Flaw::QuoteInside => "a quoted cell goes on after its closing quote".to_owned(),
    }
}

/// The cells of rows that the splitter trusts, one record each.
///
/// # Errors
/// `Bug` when the splitter and the `csv` crate see different rows.
pub(super) fn parse(rows: &[RawRow], dialect: Dialect) -> Result<Vec<StringRecord>> {
    let mut text = String::with_capacity(rows.iter().map(|row| row.text.len() + 1).sum());
    for row in rows {
        text.push_str(&row.text);
        text.push('\n');
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.delimiter)
        .escape((dialect.escape == Escape::Backslash).then_some(b'\\'))
        .from_reader(text.as_bytes());
    let records: Vec<StringRecord> = reader
        .records()
        .collect::<Result<_, ::csv::Error>>()
        .map_err(|error| Error::new(Kind::Bug, "parsing rows that were split before").because(error))?;
    if records.len() == rows.len() {
        return Ok(records);
    }
    let (split, parsed) = (rows.len(), records.len());
    Err(Error::new(Kind::Bug, format!("splitting gave {split} rows and parsing {parsed}")))
}
