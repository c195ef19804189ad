//! The rows of a table over all its parts, with the cells of each in the order of the first one's columns.

use std::sync::Arc;

use ::csv::StringRecord;

use super::dialect::{self, Layout, clean_name};
use super::parts::{Content, Part, Shelf};
use super::probe::{self, Probe};
use super::rows::{Row, Rows};
use super::text::Text;
use crate::error::{Error, Kind, Result};
use crate::source::RejectedRow;

/// A part that was looked at: what it holds, and how it is written.
#[derive(Debug)]
pub(super) struct Looked {
    content: Content,
    pub(super) probe: Probe,
    pub(super) layout: Layout,
    /// For each column of the first part, where this one has it; `None` where the order is the same.
    order: Option<Vec<usize>>,
}

/// The parts of one table, in their order.
pub(super) type Parts = Arc<[Looked]>;

impl Looked {
    /// Looks at the parts of a table. `required` are names of columns that the header must have; when there are none, the
    /// header is guessed. The inner error says that the parts do not have the same columns.
    ///
    /// # Errors
    /// `Settings` for a part without a header or without a required column, `Source` for one that cannot be read.
    pub(super) fn all(parts: &[Part], required: &[&str]) -> Result<Result<Parts>> {
        let mut looked: Vec<Self> = Vec::new();
        let mut first: Option<(Arc<str>, Vec<String>)> = None;
        for part in parts {
            let content = part.open()?;
            let probe = probe::probe(&content)?;
            let layout = layout(&content, &probe, required)?;
            let rows = Rows::new(content.clone(), &probe, layout)?;
            let names = dialect::column_names(rows.header());
            let order = match &first {
                None => {
                    first = Some((Arc::clone(&content.name), names));
                    None
                }
                Some((_, known)) if *known == names => None,
                Some((other, known)) => match ordered(known, &names) {
                    Some(order) => Some(order),
                    None => return Ok(Err(unlike(other, known, &content.name, &names))),
                },
            };
            looked.push(Self { content, probe, layout, order });
        }
        Ok(Ok(looked.into()))
    }

    /// Looks at a table. A numbered part beside one that is called exactly as the table is part of it only if it has the
    /// same columns: otherwise it is a table of its own.
    ///
    /// # Errors
    /// As [`Looked::all`]; `Settings` when numbered parts alone do not have the same columns, or when there is no part.
    pub(super) fn table(shelf: &Shelf, table: &str, required: &[&str]) -> Result<Parts> {
        let (exact, further): (Vec<_>, Vec<_>) =
            shelf.of_table(table)?.into_iter().partition(|(number, _)| number.is_none());
        let plain = |parts: Vec<(Option<u64>, Part)>| parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>();
        let (mut parts, further) = (plain(exact), plain(further));
        if parts.is_empty() {
            return Self::all(&further, required)?;
        }
        for part in further {
            parts.push(part);
            // One that lacks a column which must be there, or holds no table, belongs to another table as well.
            let is_part = Self::all(&parts, required).is_ok_and(|looked| looked.is_ok());
            if !is_part && let Some(part) = parts.pop() {
                tracing::warn!(table, file = &*part.name, "has other columns, so it is no part of the table");
            }
        }
        Self::all(&parts, required)?
    }

    /// The part's name.
    pub(super) fn name(&self) -> &str {
        &self.content.name
    }
}

/// Where each column of `known` is among `names`; `None` unless they are the same.
fn ordered(known: &[String], names: &[String]) -> Option<Vec<usize>> {
    if known.len() != names.len() {
        return None;
    }
    known.iter().map(|name| names.iter().position(|other| other == name)).collect()
}

fn unlike(other: &str, known: &[String], name: &str, names: &[String]) -> Error {
    let only = |these: &[String], those: &[String]| {
        let only: Vec<String> =
            these.iter().filter(|name| !those.contains(name)).map(|name| format!("'{name}'")).collect();
        if only.is_empty() { "no other column".to_owned() } else { only.join(", ") }
    };
    let what = format!(
        "file '{name}' and file '{other}' are parts of one table by their names, but the first has {} that the other has \
         not, and lacks {}",
        only(names, known),
        only(known, names)
    );
    Error::new(Kind::Settings, what)
}

fn layout(content: &Content, probe: &Probe, required: &[&str]) -> Result<Layout> {
    let mut text = Text::of(content, probe)?;
    let mut is_whole = false;
    while text.rest().len() < dialect::SAMPLE_BYTES && !is_whole {
        is_whole = !text.fill()?;
    }
    if required.is_empty() {
        return dialect::guess(text.rest(), is_whole, &content.name);
    }
    let required: Vec<&str> = required.iter().map(|name| clean_name(name)).collect();
    dialect::layout(text.rest(), is_whole, &required, &content.name)
}

/// The rows of all parts, one part after the other.
pub(super) struct Chain {
    parts: Parts,
    /// The part that is read.
    at: usize,
    rows: Rows,
    header: StringRecord,
}

impl Chain {
    /// # Errors
    /// `Source` when a part cannot be read.
    pub(super) fn new(parts: Parts) -> Result<Self> {
        let first = parts.first().ok_or_else(|| Error::new(Kind::Bug, "a table without a part"))?;
        let rows = Rows::new(first.content.clone(), &first.probe, first.layout)?;
        let header = rows.header().clone();
        Ok(Self { parts, at: 0, rows, header })
    }

    /// The cells of the first part's header as written.
    pub(super) fn header(&self) -> &StringRecord {
        &self.header
    }

    /// The next rows, at most `most`; none at the end of the table.
    ///
    /// # Errors
    /// `Source` when a part cannot be read.
    pub(super) fn next_batch(&mut self, most: usize) -> Result<Vec<Result<Row, RejectedRow>>> {
        let mut rows = Vec::with_capacity(most);
        while rows.len() < most {
            let mut batch = self.rows.next_batch(most - rows.len())?;
            if batch.is_empty() {
                let Some(next) = self.parts.get(self.at + 1) else { break };
                self.rows = Rows::new(next.content.clone(), &next.probe, next.layout)?;
                self.at += 1;
                continue;
            }
            if let Some(order) = self.parts.get(self.at).and_then(|part| part.order.as_ref()) {
                batch.iter_mut().flatten().for_each(|row| reorder(row, order));
            }
            rows.append(&mut batch);
        }
        Ok(rows)
    }
}

fn reorder(row: &mut Row, order: &[usize]) {
    row.cells = order.iter().map(|column| row.cells.get(*column).unwrap_or_default()).collect();
}
