//! Reads a folder of CSV exports: which encoding, delimiter and header each file has, and then its rows in pages.
//!
//! Every row below the header becomes a record, a rejected row or a repeated row, and at the end the three must add up to
//! the rows that a separate pass counted. A row with too few or too many cells, bytes without meaning or a broken quote is
//! rejected whole: no value ever lands in another column. Two rows with one id and different values are both rejected,
//! because nothing says which one is right.
//!
//! Reading blocks, so each page is read by a job outside of the async threads, counted on the clock. Memory holds one page,
//! a bit table of a few dozen MiB at most, and the ids that stand in the file more than once.

mod dialect;
mod duplicates;
mod probe;
pub mod raw;
mod rows;
mod split;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::csv::StringRecord;
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::record::{Object, Place, SourceRecord};
use crate::source::{At, Counts, Cursor, Page, RejectedRow, RepeatedRow};

use dialect::{Layout, clean_name};
use duplicates::{Duplicates, Standing};
use probe::Probe;
use rows::{Row, Rows};
use text::Text;

/// Rows given out at once: a few hundred kilobytes, and well below the time that a page of the API takes.
const PAGE_ROWS: usize = 500;

/// Which file holds an object, and the columns that every reader must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The object.
    pub object: Object,
    /// Name of the file, relative to the folder.
    pub file: String,
    /// The columns that make the id, one or several. Several are joined by `|`, with `\` before a `\` or `|` of a cell.
    pub id_columns: Vec<String>,
    /// The column that says when a row was changed, as RFC 3339; other forms give a record without that time.
    pub modified_column: Option<String>,
}

/// A folder of CSV files. Clones are the same folder.
#[derive(Clone)]
pub struct Folder(Arc<Inner>);

struct Inner {
    path: PathBuf,
    tables: Vec<Table>,
    clock: Clock,
}

/// How far a file is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileAt {
    /// blake3 of the file, hexadecimal: another file of the same name is read from its start.
    digest: String,
    counts: Counts,
    ended: bool,
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
            let wrong = |what: &str| Err(Error::new(Kind::Settings, format!("file '{}': {what}", table.file)));
            if table.id_columns.is_empty() {
                return wrong("no column is named as its id");
            }
            if tables[..index].iter().any(|other| other.object == table.object) {
                return wrong("its object has a file already");
            }
        }
        Ok(Self(Arc::new(Inner { path: path.into(), tables, clock })))
    }

    /// The objects that have a file.
    pub(super) fn objects(&self) -> Vec<Object> {
        self.0.tables.iter().map(|table| table.object).collect()
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
                Reading::Closed(from) => folder.open(object, from).and_then(Reader::page).map(Some),
                Reading::Open(reader) => reader.page().map(Some),
            };
            // The job's count goes back with its result, so that time cannot pass before the result was taken.
            (page, job)
        });
        let (page, _job) = read
            .await
            .map_err(|error| Error::new(Kind::Bug, format!("reading the file of {object}")).because(error))?;
        page
    }

    fn open(&self, object: Object, from: Cursor) -> Result<Box<Reader>> {
        let Some(table) = self.0.tables.iter().find(|table| table.object == object) else {
            return Err(Error::new(Kind::Settings, format!("no file is named for objects '{object}'")));
        };
        Reader::open(&self.0.path.join(&table.file), table, from)
    }
}

/// The state of a stream of pages.
enum Reading {
    Closed(Cursor),
    Open(Box<Reader>),
    Ended,
}

/// One file being read.
struct Reader {
    columns: Columns,
    rows: Rows,
    duplicates: Duplicates,
    digest: String,
    /// Rows below the header, counted by a pass of its own.
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
    fn open(path: &Path, table: &Table, from: Cursor) -> Result<Box<Self>> {
        let probe = probe::probe(path, &table.file)?;
        let layout = find_layout(path, table, &probe)?;
        let file: Arc<str> = table.file.as_str().into();
        let open =
            || Rows::new(open_text(path, &table.file, &probe)?, layout.dialect, layout.header_row, Arc::clone(&file));
        let mut rows = open()?;
        let columns = Columns::new(table, rows.header())?;
        let scan = duplicates::scan(open, |cells| columns.id(cells).ok(), probe.bytes)?;
        tracing::info!(
            file = table.file,
            encoding = probe.encoding.name(),
            delimiter = %char::from(layout.dialect.delimiter),
            rows_above_header = layout.header_row - 1,
            rows = scan.rows,
            "reading a file of the source"
        );
        let counts = match from.0 {
            At::File(at) if at.digest == probe.digest => at.counts,
            _ => Counts::default(),
        };
        skip(&mut rows, counts.sum())?;
        let (duplicates, total) = (scan.duplicates, scan.rows);
        Ok(Box::new(Self { columns, rows, duplicates, digest: probe.digest, total, counts }))
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
            let what = format!("reading the file of {}: {read} rows are accounted for of {total}", self.columns.object);
            return Err(Error::new(Kind::Conservation, what));
        }
        let cursor = Cursor(At::File(FileAt { digest: self.digest.clone(), counts, ended: last }));
        let page = Page { records, rejected, repeated, cursor, last, total: Some(total), counts, pass: 0 };
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
                let reason = format!("id '{id}' stands in row {} too, with other values", other.row);
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
                .ok_or_else(|| Error::new(Kind::Settings, format!("file '{}' has no column '{name}'", table.file)))
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
        let values = cells.iter().map(|cell| Value::String(cell.to_owned()));
        let payload: Map<String, Value> = self.names.iter().cloned().zip(values).collect();
        let modified = self.modified.and_then(|column| cells.get(column)?.trim().parse().ok());
        let object = self.object;
        SourceRecord { object, id: id.into(), payload, modified, deleted: false, place, children: Vec::new() }
    }
}

impl Counts {
    /// All rows that are counted.
    fn sum(self) -> u64 {
        self.records + self.rejected + self.repeated
    }
}

fn open_text(path: &Path, name: &str, probe: &Probe) -> Result<Text> {
    Text::new(Box::new(probe::open(path, name)?), name, probe.encoding, probe.mark_bytes)
}

fn find_layout(path: &Path, table: &Table, probe: &Probe) -> Result<Layout> {
    let mut text = open_text(path, &table.file, probe)?;
    let mut is_whole = false;
    while text.rest().len() < dialect::SAMPLE_BYTES && !is_whole {
        is_whole = !text.fill()?;
    }
    let required: Vec<&str> =
        table.id_columns.iter().chain(&table.modified_column).map(|name| clean_name(name)).collect();
    dialect::layout(text.rest(), is_whole, &required, &table.file)
}

/// Passes over rows that were given out before.
fn skip(rows: &mut Rows, mut count: u64) -> Result<()> {
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
