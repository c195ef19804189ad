//! Reads a folder of CSV exports: which encoding, delimiter and header each file has, and then its rows in pages. Files may
//! lie in ZIP archives, rows may stand in sheets of workbooks, and an export may be split into several parts.
//!
//! Every row below the header becomes a record, a rejected row or a repeated row, and at the end the three must add up to
//! the rows that a separate pass counted. A row with too few or too many cells, bytes without meaning or a broken quote is
//! rejected whole: no value ever lands in another column. Two rows with one id and different values are both rejected,
//! because nothing says which one is right.
//!
//! Reading blocks, so each page is read by a job outside of the async threads, counted on the clock. Memory holds one page,
//! a bit table of a few dozen MiB at most, and the ids that stand in the file more than once.

mod chain;
mod dialect;
mod duplicates;
mod parts;
mod probe;
pub mod raw;
mod rows;
mod split;
mod text;

use std::path::PathBuf;
use std::sync::Arc;

use ::csv::StringRecord;
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::record::{Object, Place, SourceRecord};
use crate::source::{At, Counts, Cursor, Page, RejectedRow, RepeatedRow, Whole};

use chain::{Chain, Looked, Parts};
use dialect::clean_name;
use duplicates::{Duplicates, Standing};
use parts::Shelf;
use rows::Row;

/// Rows given out at once: a few hundred kilobytes, and well below the time that a page of the API takes.
const PAGE_ROWS: usize = 500;

/// Which file holds an object, and the columns that every reader must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The object.
    pub object: Object,
    /// Its name: that of a file, of a member of a ZIP archive or of a sheet of a workbook, without ending and without the
    /// number of a part; or the whole name of one of these.
    pub name: String,
    /// The columns that make the id, one or several. Several are joined by `|`, with `\` before a `\` or `|` of a cell.
    pub id_columns: Vec<String>,
    /// The column that says when a row was changed, as RFC 3339; other forms give a record without that time.
    pub modified_column: Option<String>,
}

/// A folder of CSV files. Clones are the same folder.
#[derive(Clone)]
pub struct Folder(Arc<Inner>);

struct Inner {
    shelf: Shelf,
    tables: Vec<Table>,
    clock: Clock,
}

/// How far a file is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileAt {
    /// blake3 of the content, hexadecimal: another export of the same name is read from its start.
    digest: String,
    counts: Counts,
    ended: bool,
    /// Names, lengths and times of the files, to see without reading them that they are still the same; empty in journals
    /// of older versions.
    #[serde(default)]
    stamp: String,
}

impl FileAt {
    pub(crate) fn is_at_end(&self) -> bool {
        self.ended
    }
}

impl Folder {
    /// A folder and what is in it; nothing is read yet. One table per object.
    ///
    /// # Errors
    /// `Settings` for a table without id columns, or an object with two tables.
    pub fn new(path: impl Into<PathBuf>, tables: Vec<Table>, clock: Clock) -> Result<Self> {
        for (index, table) in tables.iter().enumerate() {
            let wrong = |what: &str| Err(Error::new(Kind::Settings, format!("table '{}': {what}", table.name)));
            if table.id_columns.is_empty() {
                return wrong("no column is named as its id");
            }
            if tables[..index].iter().any(|other| other.object == table.object) {
                return wrong("its object has a file already");
            }
        }
        Ok(Self(Arc::new(Inner { shelf: Shelf::new(path), tables, clock })))
    }

    /// The objects that have a file.
    pub(super) fn objects(&self) -> Vec<Object> {
        self.0.tables.iter().map(|table| table.object).collect()
    }

    /// The names of an object's columns, in the order of the file.
    pub(super) async fn columns(&self, object: Object) -> Result<Vec<String>> {
        let (job, folder) = (self.0.clock.job(), self.clone());
        let read = tokio::task::spawn_blocking(move || {
            let columns = folder.table(object).and_then(|table| {
                let required: Vec<&str> = table.id_columns.iter().map(String::as_str).collect();
                let parts = Looked::table(&folder.0.shelf, &table.name, &required)?;
                Ok(dialect::column_names(Chain::new(parts)?.header()))
            });
            (columns, job)
        });
        let (columns, _job) = read
            .await
            .map_err(|error| Error::new(Kind::Bug, format!("reading the header of {object}")).because(error))?;
        columns
    }

    fn table(&self, object: Object) -> Result<&Table> {
        let table = self.0.tables.iter().find(|table| table.object == object);
        table.ok_or_else(|| Error::new(Kind::Settings, format!("no file is named for objects '{object}'")))
    }

    /// See [`super::Source::pages`].
    pub(super) fn pages(&self, object: Object, from: Cursor) -> impl Stream<Item = Result<Page>> + use<> {
        let folder = self.clone();
        stream::try_unfold(Reading::Closed(from), move |reading| {
            let folder = folder.clone();
            async move { folder.page(object, reading).await }
        })
    }

    /// Reads one page outside of the async threads.
    async fn page(&self, object: Object, reading: Reading) -> Result<Option<(Page, Reading)>> {
        let (job, folder) = (self.0.clock.job(), self.clone());
        let read = tokio::task::spawn_blocking(move || {
            let page = match reading {
                Reading::Ended => Ok(None),
                Reading::Closed(from) => folder.open(object, from).and_then(Reading::page).map(Some),
                reading => reading.page().map(Some),
            };
            // The job's count goes back with its result, so that time cannot pass before the result was taken.
            (page, job)
        });
        let (page, _job) = read
            .await
            .map_err(|error| Error::new(Kind::Bug, format!("reading the file of {object}")).because(error))?;
        page
    }

    fn open(&self, object: Object, from: Cursor) -> Result<Reading> {
        let table = self.table(object)?;
        let stamps =
            self.0.shelf.of_table(&table.name)?.iter().map(|(_, part)| part.stamp()).collect::<Result<Vec<_>>>()?;
        let stamp = stamps.join("; ");
        match from.0 {
            At::File(at) if at.ended && at.stamp == stamp => Ok(Reading::Same(at)),
            from => Reader::open(&self.0.shelf, table, from, stamp).map(Reading::Open),
        }
    }
}

/// The state of a stream of pages.
enum Reading {
    Closed(Cursor),
    Open(Box<Reader>),
    /// Read to the end before, and nothing was written to it since.
    Same(FileAt),
    Ended,
}

impl Reading {
    fn page(self) -> Result<(Page, Self)> {
        match self {
            Self::Open(reader) => reader.page(),
            Self::Same(at) => Ok((empty_page(at), Self::Ended)),
            Self::Closed(_) | Self::Ended => Err(Error::new(Kind::Bug, "a page of a table that is not open")),
        }
    }
}

/// What is left of a table that was read to its end: nothing.
fn empty_page(at: FileAt) -> Page {
    let (counts, whole) = (at.counts, Whole { digest: at.digest.as_str().into(), settled: true });
    Page {
        records: Vec::new(),
        rejected: Vec::new(),
        repeated: Vec::new(),
        cursor: Cursor(At::File(at)),
        last: true,
        total: Some(counts.sum()),
        counts,
        whole: Some(whole),
        pass: 0,
    }
}

/// One table being read.
struct Reader {
    columns: Columns,
    rows: Chain,
    duplicates: Duplicates,
    digest: String,
    stamp: String,
    /// Rows below the headers, counted by a pass of its own.
    total: u64,
    counts: Counts,
}

/// What the columns mean.
struct Columns {
    object: Object,
    names: Vec<String>,
    ids: Vec<usize>,
    modified: Option<usize>,
}

impl Reader {
    fn open(shelf: &Shelf, table: &Table, from: At, stamp: String) -> Result<Box<Self>> {
        let required: Vec<&str> = table.id_columns.iter().chain(&table.modified_column).map(String::as_str).collect();
        let parts = Looked::table(shelf, &table.name, &required)?;
        let open = || Chain::new(Arc::clone(&parts));
        let mut rows = open()?;
        let columns = Columns::new(table, rows.header())?;
        let bytes = parts.iter().map(|part| part.probe.bytes).sum();
        let scan = duplicates::scan(open, |cells| columns.id(cells).ok(), bytes)?;
        for part in parts.iter() {
            tracing::info!(
                file = part.name(),
                encoding = part.probe.encoding.name(),
                delimiter = %char::from(part.layout.dialect.delimiter),
                rows_above_header = part.layout.header_row - 1,
                "reading a file of the source"
            );
        }
        let digest = digest(&parts);
        let counts = match from {
            At::File(at) if at.digest == digest => at.counts,
            _ => Counts::default(),
        };
        skip(&mut rows, counts.sum())?;
        let (duplicates, total) = (scan.duplicates, scan.rows);
        Ok(Box::new(Self { columns, rows, duplicates, digest, stamp, total, counts }))
    }

    fn page(mut self: Box<Self>) -> Result<(Page, Reading)> {
        let batch = self.rows.next_batch(PAGE_ROWS)?;
        let is_empty = batch.is_empty();
        let (mut records, mut rejected, mut repeated) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
        for row in batch {
            match row.and_then(|row| self.sort(row)) {
                Err(row) => rejected.push(row),
                Ok(Sorted::Repeated(row)) => repeated.push(row),
                Ok(Sorted::Record(record)) => records.push(*record),
            }
        }
        self.counts.records += records.len() as u64;
        self.counts.rejected += rejected.len() as u64;
        self.counts.repeated += repeated.len() as u64;
        let (counts, total, read) = (self.counts, self.total, self.counts.sum());
        let last = is_empty || read >= total;
        if last && read != total {
            let what =
                format!("reading the table of {}: {read} rows are accounted for of {total}", self.columns.object);
            return Err(Error::new(Kind::Conservation, what));
        }
        let cursor =
            Cursor(At::File(FileAt { digest: self.digest.clone(), counts, ended: last, stamp: self.stamp.clone() }));
        let whole = Some(Whole { digest: self.digest.as_str().into(), settled: false });
        let page = Page { records, rejected, repeated, cursor, last, total: Some(total), counts, whole, pass: 0 };
        Ok((page, if last { Reading::Ended } else { Reading::Open(self) }))
    }

    fn sort(&self, row: Row) -> Result<Sorted, RejectedRow> {
        let Row { place, raw, cells } = row;
        let id = match self.columns.id(&cells) {
            Ok(id) => id,
            Err(column) => {
                return Err(rows::reject(place, &raw, format!("it has no id: column '{column}' is empty")));
            }
        };
        match self.duplicates.standing(&id, &place) {
            Standing::First => Ok(Sorted::Record(Box::new(self.columns.record(&id, &cells, place)))),
            Standing::Repeats(first) => {
                Ok(Sorted::Repeated(RepeatedRow { id: id.into(), place, first: first.clone() }))
            }
            Standing::Conflicts(other) => {
                let file = if other.origin == place.origin { String::new() } else { format!(" of {}", other.origin) };
                let reason = format!("id '{id}' stands in row {}{file} too, with other values", other.row);
                Err(rows::reject(place, &raw, reason))
            }
        }
    }
}

/// A row that is not rejected.
enum Sorted {
    Record(Box<SourceRecord>),
    Repeated(RepeatedRow),
}

impl Columns {
    fn new(table: &Table, header: &StringRecord) -> Result<Self> {
        let names = dialect::column_names(header);
        let place = |name: &String| {
            header
                .iter()
                .position(|cell| clean_name(cell) == clean_name(name))
                .ok_or_else(|| Error::new(Kind::Settings, format!("table '{}' has no column '{name}'", table.name)))
        };
        let ids = table.id_columns.iter().map(place).collect::<Result<_>>()?;
        let modified = table.modified_column.as_ref().map(place).transpose()?;
        Ok(Self { object: table.object, names, ids, modified })
    }

    /// The row's id, or the name of the column whose cell is empty.
    fn id(&self, cells: &StringRecord) -> Result<String, &str> {
        let part = |column: &usize| {
            let cell = cells.get(*column).map(str::trim).filter(|cell| !cell.is_empty());
            cell.ok_or_else(|| self.names.get(*column).map_or("", String::as_str))
        };
        let parts: Vec<&str> = self.ids.iter().map(part).collect::<Result<_, _>>()?;
        Ok(match parts.as_slice() {
            [only] => (*only).to_owned(),
            several => {
                let escaped = several.iter().map(|part| part.replace('\\', "\\\\").replace('|', "\\|"));
                escaped.collect::<Vec<_>>().join("|")
            }
        })
    }

    fn record(&self, id: &str, cells: &StringRecord, place: Place) -> SourceRecord {
        let payload = payload(&self.names, cells);
        let modified = self.modified.and_then(|column| cells.get(column)?.trim().parse().ok());
        let object = self.object;
        SourceRecord {
            object,
            id: id.into(),
            payload,
            modified,
            deleted: false,
            place,
            children: Vec::new(),
            between: Vec::new(),
        }
    }
}

impl Counts {
    /// All rows that are counted.
    fn sum(self) -> u64 {
        self.records + self.rejected + self.repeated
    }
}

/// The cells under their columns' names.
fn payload(names: &[String], cells: &StringRecord) -> Map<String, Value> {
    let values = cells.iter().map(|cell| Value::String(unguarded(cell).to_owned()));
    names.iter().cloned().zip(values).collect()
}

/// A cell without the apostrophe that exports put before what a spreadsheet would take for a formula (source API shapes,
/// section 18, "guard").
fn unguarded(cell: &str) -> &str {
    let text = cell.strip_prefix('\'').filter(|text| text.starts_with(['=', '+', '-', '@', '\t', '\r']));
    text.unwrap_or(cell)
}

/// Tells one content of a table from another.
fn digest(parts: &Parts) -> String {
    match &**parts {
        [only] => only.probe.digest.clone(),
        several => {
            let mut hasher = blake3::Hasher::new();
            for part in several {
                hasher.update(part.probe.digest.as_bytes());
            }
            hasher.finalize().to_hex().to_string()
        }
    }
}

/// Passes over rows that were given out before.
fn skip(rows: &mut Chain, mut count: u64) -> Result<()> {
    while count > 0 {
        let most = usize::try_from(count).unwrap_or(PAGE_ROWS).min(PAGE_ROWS);
        let passed = rows.next_batch(most)?.len() as u64;
        if passed == 0 {
            break;
        }
        count -= passed;
    }
    Ok(())
}
