//! Files of which nothing is known yet: read row by row, before any mapping names a key.

use std::path::Path;

use serde_json::{Map, Value};

use super::rows::Rows;
use super::{dialect, open_text, probe};
use crate::error::{Error, Kind, Result};

/// Rows read at once.
const BATCH: usize = 500;

/// The CSV files of a folder by name, sorted.
///
/// # Errors
/// `Settings` when the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<String>> {
    let failed = |error| Error::new(Kind::Settings, format!("folder '{}'", folder.display())).because(error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.to_lowercase().ends_with(".csv") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A file read from its first row on.
pub struct RawFile {
    names: Vec<String>,
    rows: Rows,
}

impl RawFile {
    /// Opens a file and finds its header.
    ///
    /// # Errors
    /// `Settings` for a file without a header, `Source` for one that cannot be read.
    pub fn open(folder: &Path, file: &str) -> Result<Self> {
        let path = folder.join(file);
        let probe = probe::probe(&path, file)?;
        let mut text = open_text(&path, file, &probe)?;
        let mut is_whole = false;
        while text.rest().len() < dialect::SAMPLE_BYTES && !is_whole {
            is_whole = !text.fill()?;
        }
        let layout = dialect::guess(text.rest(), is_whole, file)?;
        let rows = Rows::new(open_text(&path, file, &probe)?, layout.dialect, layout.header_row, file.into())?;
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
    /// `Source` when the file cannot be read.
    pub fn next_rows(&mut self) -> Result<Option<Vec<Map<String, Value>>>> {
        let batch = self.rows.next_batch(BATCH)?;
        if batch.is_empty() {
            return Ok(None);
        }
        let row = |cells: &::csv::StringRecord| {
            let values = cells.iter().map(|cell| Value::String(cell.to_owned()));
            self.names.iter().cloned().zip(values).collect()
        };
        Ok(Some(batch.iter().flatten().map(|own| row(&own.cells)).collect()))
    }
}
