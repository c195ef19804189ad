//! Tables of which nothing is known yet: read row by row, before any mapping names a key.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::chain::{Chain, Looked};
use super::parts::{self, Part, Shelf};
use super::{dialect, payload};
use crate::error::Result;

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
        let rows = Chain::new(looked)?;
        let names = dialect::column_names(rows.header());
        Ok(Self { names, rows })
    }

    /// The names of its columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.names
    }

    /// The next rows; empty at the end. Rows that are none are passed over, as a load would reject them.
    ///
    /// # Errors
    /// `Source` when the table cannot be read.
    pub fn next_rows(&mut self) -> Result<Option<Vec<Map<String, Value>>>> {
        let batch = self.rows.next_batch(BATCH)?;
        if batch.is_empty() {
            return Ok(None);
        }
        Ok(Some(batch.iter().flatten().map(|own| payload(&self.names, &own.cells)).collect()))
    }
}
