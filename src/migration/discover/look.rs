//! Reads every table once: what its columns hold, and what became of each of its rows.

use std::path::Path;

use futures::TryStreamExt as _;

use crate::config::extraction::Method;
use crate::error::{Error, Kind, Result};
use crate::migration::map::{Reading, Spool, stopped};
use crate::propose::profile::Table;
use crate::record::Object;
use crate::report::discovery::{FileFound, REJECTED_SHOWN, RejectedFound};
use crate::source::csv::raw::{RawFile, RawTable};
use crate::source::{Cursor, RejectedRow, Source};

/// Rows of a list of an API that are looked at: some minutes of reading at most.
const ROWS: u64 = 50_000;

/// A table that was read.
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) method: Method,
    /// What is known of its rows beforehand: lists of an API and workbooks hold one kind of record.
    pub(super) object: Option<Object>,
    /// What its columns hold.
    pub(super) table: Table,
    /// Its rows.
    pub(super) spool: Spool,
    pub(super) files: Vec<FileFound>,
    pub(super) parsed: u64,
    pub(super) rejected: u64,
    pub(super) rejected_rows: Vec<RejectedFound>,
    /// Requests that it took.
    pub(super) requests: u64,
}

impl Seen {
    fn new(name: &str, method: Method, object: Option<Object>, header: &[String]) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            method,
            object,
            table: Table::new(name, header),
            spool: Spool::new()?,
            files: Vec::new(),
            parsed: 0,
            rejected: 0,
            rejected_rows: Vec::new(),
            requests: 0,
        })
    }

    fn reject(&mut self, row: RejectedRow) {
        self.rejected += 1;
        if self.rejected_rows.len() < REJECTED_SHOWN {
            self.rejected_rows.push(RejectedFound {
                file: row.place.origin.to_string(),
                row: row.place.row,
                line: row.line,
                byte: row.byte,
                // Line and byte have places of their own.
                reason: match row.reason.split_once(" (line ") {
                    Some((reason, _)) if row.line.is_some() => reason.to_owned(),
                    _ => row.reason,
                },
            });
        }
    }
}

/// Reads a table of files to its end.
///
/// # Errors
/// Those of reading it; `Conservation` when its rows do not add up.
pub(super) async fn files(folder: &Path, name: &str, reading: &Reading) -> Result<Seen> {
    reading.progress.begin("discover", name, 0);
    let (folder, name, job, own) = (folder.to_owned(), name.to_owned(), reading.clock.job(), reading.clone());
    let read = tokio::task::spawn_blocking(move || (read_files(&folder, &name, &own), job));
    let (read, _job) = read.await.map_err(|error| Error::new(Kind::Bug, "reading a table").because(error))?;
    read
}

fn read_files(folder: &Path, name: &str, reading: &Reading) -> Result<Seen> {
    let mut rows = RawTable::open(folder, name)?;
    let mut seen = Seen::new(name, Method::Csv, None, rows.header())?;
    seen.files = rows.files().into_iter().map(found).collect();
    seen.table.is_whole = true;
    let mut last = vec![0; seen.files.len()];
    while let Some(batch) = rows.next_rows()? {
        stopped(&reading.stop)?;
        reading.progress.add_done(batch.len() as u64);
        for row in batch {
            let place = match &row {
                Ok(row) => &row.place,
                Err(row) => &row.place,
            };
            let file = seen.files.iter().position(|file| *file.name == *place.origin);
            let file = file.ok_or_else(|| Error::new(Kind::Bug, format!("a row of no file: {place}")))?;
            last[file] = place.row;
            let own = &mut seen.files[file];
            own.rows += 1;
            match row {
                Ok(row) => {
                    own.parsed += 1;
                    seen.parsed += 1;
                    seen.table.add(&row.values);
                    seen.spool.add(&row.values)?;
                }
                Err(row) => {
                    own.rejected += 1;
                    seen.reject(row);
                }
            }
        }
    }
    add_up(&seen, &last)?;
    Ok(seen)
}

/// Rows of a text are numbered by who splits them, so the last number says how many there are. Sheets leave empty rows out.
fn add_up(seen: &Seen, last: &[u64]) -> Result<()> {
    for (file, last) in seen.files.iter().zip(last) {
        let counted = last.saturating_sub(file.rows_above + 1);
        let is_text = file.bytes > 0 && !file.name.to_lowercase().contains(".xlsx/");
        if file.rows != file.parsed + file.rejected || (is_text && *last > 0 && counted != file.rows) {
            let what = format!(
                "file '{}': {counted} rows, of which {} were read and {} rejected",
                file.name, file.parsed, file.rejected
            );
            return Err(Error::new(Kind::Conservation, what));
        }
    }
    Ok(())
}

fn found(file: RawFile) -> FileFound {
    let delimiter = match file.delimiter {
        ',' => "commas",
        ';' => "semicolons",
        '\t' => "tabs",
        _ => "bars",
    };
    FileFound {
        name: file.name,
        encoding: file.encoding.to_owned(),
        delimiter: delimiter.to_owned(),
        rows_above: file.header_row - 1,
        bytes: file.bytes,
        rows: 0,
        parsed: 0,
        rejected: 0,
        digest: file.digest,
    }
}

/// Reads a list of an API, or a workbook.
///
/// # Errors
/// Those of reading it; `Stopped`.
pub(super) async fn pages(
    source: &Source,
    (object, name, method): (Object, &str, Method),
    reading: &Reading,
) -> Result<Seen> {
    reading.progress.begin("discover", name, 0);
    let mut seen = Seen::new(name, method, Some(object), &[])?;
    let mut pages = source.pages(object, Cursor::start());
    let mut pass = 0;
    while let Some(page) = pages.try_next().await? {
        stopped(&reading.stop)?;
        if page.pass != pass {
            // A walk that begins again gives every row once more.
            pass = page.pass;
            seen = Seen { requests: seen.requests, ..Seen::new(name, method, Some(object), &[])? };
            reading.progress.begin("discover", name, 0);
        }
        reading.progress.add_done(page.records.len() as u64);
        seen.requests += 1;
        seen.parsed += (page.records.len() + page.repeated.len()) as u64;
        for record in &page.records {
            seen.table.add(&record.payload);
            seen.spool.add(&record.payload)?;
        }
        page.rejected.into_iter().for_each(|row| seen.reject(row));
        seen.table.is_whole = page.last;
        if seen.table.rows >= ROWS {
            break;
        }
    }
    Ok(seen)
}
