//! Tables of which nothing is known yet: read row by row, before any mapping names a key.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::chain::{Chain, Looked, Parts};
use super::parts::{self, Part, Shelf};
use super::rows::Row;
use super::{dialect, payload};
use crate::error::Result;
use crate::record::Place;
use crate::source::RejectedRow;

/// Rows read at once.
const BATCH: usize = 500;

/// The tables of a folder by name, sorted. What an export split into numbered parts is one table, if all parts have the
/// same columns.
///
/// # Errors
/// `Settings` when the folder cannot be read, `Source` for an archive, workbook or file that cannot.
pub fn tables(folder: &Path) -> Result<Vec<String>> {
    let shelf = Shelf::new(folder);
    let mut by_base: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    for part in shelf.list()? {
        by_base.entry(parts::numbered(part.stem()).0.to_lowercase()).or_default().push(part);
    }
    let mut names = Vec::new();
    for (_, parts) in by_base {
        let whole = parts.iter().find(|part| parts::numbered(part.stem()).1.is_none()).or(parts.first());
        let Some(whole) = whole else { continue };
        if parts.len() > 1 && Looked::all(&parts, &[])?.is_ok() {
            names.push(parts::numbered(whole.stem()).0.to_owned());
        } else {
            names.extend(parts.iter().map(|part| part.stem().to_owned()));
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// A table read from its first row on.
pub struct RawTable {
    parts: Parts,
    names: Vec<String>,
    rows: Chain,
}

impl RawTable {
    /// Opens a table and finds its header.
    ///
    /// # Errors
    /// `Settings` for a table that is not there or has no header, `Source` for one that cannot be read.
    pub fn open(folder: &Path, table: &str) -> Result<Self> {
        let looked = Looked::table(&Shelf::new(folder), table, &[])?;
        let rows = Chain::new(Arc::clone(&looked))?;
        let names = dialect::column_names(rows.header());
        Ok(Self { parts: looked, names, rows })
    }

    /// The names of its columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.names
    }

    /// The next rows; `None` at the end. Rows that are none are given with the reason, as a load would reject them.
    ///
    /// # Errors
    /// `Source` when the table cannot be read.
    pub fn next_rows(&mut self) -> Result<Option<Vec<Result<RawRow, RejectedRow>>>> {
        let batch = self.rows.next_batch(BATCH)?;
        if batch.is_empty() {
            return Ok(None);
        }
        let row = |own: Row| RawRow { values: payload(&self.names, &own.cells), place: own.place };
        Ok(Some(batch.into_iter().map(|own| own.map(row)).collect()))
    }

    /// The files, members and sheets that it is read from, with how each is written and the digest of its content.
    #[must_use]
    pub fn files(&self) -> Vec<RawFile> {
        let file = |part: &Looked| RawFile {
            name: part.name().to_owned(),
            encoding: part.probe.encoding.name(),
            delimiter: char::from(part.layout.dialect.delimiter),
            header_row: part.layout.header_row,
            bytes: part.probe.bytes,
            digest: part.probe.digest.clone(),
        };
        self.parts.iter().map(file).collect()
    }
}

/// A row as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRow {
    /// Its cells by their columns' names.
    pub values: Map<String, Value>,
    /// Where it was read.
    pub place: Place,
}

/// One file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFile {
    /// Its name; of a member or sheet, behind that of the archive or workbook.
    pub name: String,
    /// Its encoding.
    pub encoding: &'static str,
    /// What stands between cells.
    pub delimiter: char,
    /// The number of its header among the rows, from 1.
    pub header_row: u64,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its content, in hex.
    pub digest: String,
}
