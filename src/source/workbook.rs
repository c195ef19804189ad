//! Workbooks that people filled in for kinds of record that nothing else delivers: rows of a sheet, each cell checked, and
//! every mistake told with its cell.
//!
//! A sheet is read as exports are ([`super::csv`]), so that rows, repeated ids and later changes are accounted for the same
//! way. What is added here: an example row that nobody meant is passed over, a row with a cell that cannot be right is
//! rejected whole, and rows of one record with a list in it become that record.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Map, Value};

use super::csv::{Folder, Table};
use super::{Cursor, Page, RejectedRow};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::record::{Object, SourceRecord};

/// The id of the row that shows how to fill a sheet in begins so.
pub const EXAMPLE: &str = "EXAMPLE";

/// Says why the text of a cell cannot be right; `None` when it can.
pub type Check = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Says why a row as a whole cannot be right; `None` when it can.
pub type RowCheck = Arc<dyn Fn(&Map<String, Value>) -> Option<String> + Send + Sync>;

/// One sheet to be filled in.
#[derive(Clone)]
pub struct Sheet {
    /// The kind of its records.
    pub object: Object,
    /// The workbook's file in the folder of workbooks.
    pub file: String,
    /// The sheet's name.
    pub sheet: String,
    /// The columns that make a record's id.
    pub ids: Vec<String>,
    /// The column with the time of the last change.
    pub modified: Option<String>,
    /// Columns whose cells are checked.
    pub checks: Vec<(String, Check)>,
    /// What a row needs as a whole.
    pub needs: RowCheck,
    /// A list in each record, which takes a row for each of its elements.
    pub list: Option<List>,
}

/// A list in a record: its columns are called `name.part`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The list's name.
    pub name: String,
    /// The part that is an element's id.
    pub id: String,
}

/// Workbooks in a folder. Clones are the same ones.
#[derive(Clone)]
pub struct Books(Arc<Inner>);

struct Inner {
    folder: Folder,
    sheets: Vec<Sheet>,
}

impl Books {
    /// The sheets in a folder; nothing is read yet.
    ///
    /// # Errors
    /// As [`Folder::new`].
    pub fn new(folder: impl Into<PathBuf>, sheets: Vec<Sheet>, clock: Clock) -> Result<Self> {
        let table = |sheet: &Sheet| {
            let part = |list: &List| format!("{}.{}", list.name, list.id);
            Table {
                object: sheet.object,
                name: format!("{}/{}", sheet.file, sheet.sheet),
                id_columns: sheet.ids.iter().cloned().chain(sheet.list.as_ref().map(part)).collect(),
                modified_column: sheet.modified.clone(),
            }
        };
        let folder = Folder::new(folder, sheets.iter().map(table).collect(), clock)?;
        Ok(Self(Arc::new(Inner { folder, sheets })))
    }

    /// The objects that have a sheet.
    pub(super) fn objects(&self) -> Vec<Object> {
        self.0.folder.objects()
    }

    /// See [`super::Source::pages`].
    pub(super) fn pages(&self, object: Object, from: Cursor) -> impl Stream<Item = Result<Page>> + use<> {
        let books = self.clone();
        stream::once(async move { books.open(object, from).await }).try_flatten()
    }

    async fn open(self, object: Object, from: Cursor) -> Result<stream::BoxStream<'static, Result<Page>>> {
        let Some(sheet) = self.0.sheets.iter().find(|sheet| sheet.object == object).cloned() else {
            return Err(Error::new(Kind::Settings, format!("no workbook is there for objects '{object}'")));
        };
        let columns = self.0.folder.columns(object).await?;
        let pages = self.0.folder.pages(object, from);
        let list = sheet.list.clone();
        let mut sifter = Sifter { sheet, columns, dropped: 0 };
        let sifted = pages.map_ok(move |page| sifter.sift(page));
        Ok(match list {
            None => sifted.boxed(),
            // Rows of one record may stand on either side of a page's border. Records with lists are few.
            Some(list) => stream::once(async move { gathered(sifted.boxed(), &list).await }).boxed(),
        })
    }
}

struct Sifter {
    sheet: Sheet,
    columns: Vec<String>,
    /// Example rows so far.
    dropped: u64,
}

impl Sifter {
    fn sift(&mut self, page: Page) -> Page {
        let mut kept = Vec::with_capacity(page.records.len());
        let mut rejected: Vec<RejectedRow> = page.rejected.into_iter().map(|row| self.in_cells(row)).collect();
        let mut spoilt = 0;
        for record in page.records {
            if record.id.trim_start().to_uppercase().starts_with(EXAMPLE) {
                self.dropped += 1;
                continue;
            }
            let wrong = self.mistakes(&record);
            if wrong.is_empty() {
                kept.push(record);
                continue;
            }
            spoilt += 1;
            let text = Value::Object(record.payload).to_string();
            rejected.push(RejectedRow {
                reason: wrong.join("; "),
                text: super::cut_text(&text),
                ..RejectedRow::at(record.place)
            });
        }
        rejected.sort_by_key(|row| row.place.row);
        let mut counts = page.counts;
        counts.records = counts.records.saturating_sub(self.dropped + spoilt);
        counts.rejected += spoilt;
        let total = page.total.map(|total| total.saturating_sub(self.dropped));
        Page { records: kept, rejected, counts, total, ..page }
    }

    /// What is wrong with a row, each with its cell.
    fn mistakes(&self, record: &SourceRecord) -> Vec<String> {
        let text = |column: &str| record.payload.get(column).and_then(Value::as_str).unwrap_or_default().trim();
        let wrong = self.sheet.checks.iter().filter_map(|(column, check)| {
            let text = text(column);
            let why = Some(text).filter(|text| !text.is_empty()).and_then(|text| check(text))?;
            Some(format!("{}: {column} {text:?} {why}", self.cell(column, record.place.row)))
        });
        let needs = (self.sheet.needs)(&record.payload);
        let needs = needs.map(|why| format!("{}, row {}: {why}", self.place(), record.place.row));
        wrong.chain(needs).collect()
    }

    /// What the reader of exports says of ids, with the cell of the id.
    fn in_cells(&self, row: RejectedRow) -> RejectedRow {
        let id = self.sheet.ids.first().map_or("", String::as_str);
        let reason = format!("{}: {}", self.cell(id, row.place.row), row.reason);
        RejectedRow { reason, ..row }
    }

    fn place(&self) -> String {
        format!("{}, sheet {}", self.sheet.file, self.sheet.sheet)
    }

    fn cell(&self, column: &str, row: u64) -> String {
        let at = self.columns.iter().position(|name| name == column);
        let letters = at.map_or_else(|| "?".to_owned(), |at| crate::spreadsheet::column_letters(at as u32));
        format!("{}, cell {letters}{row}", self.place())
    }
}

/// All pages as one, in which rows of one record are that record.
async fn gathered(mut pages: stream::BoxStream<'static, Result<Page>>, list: &List) -> Result<Page> {
    let missing = || Error::new(Kind::Bug, "a workbook without a page");
    let mut whole = pages.try_next().await?.ok_or_else(missing)?;
    while let Some(page) = pages.try_next().await? {
        whole.records.extend(page.records);
        whole.rejected.extend(page.rejected);
        whole.repeated.extend(page.repeated);
        (whole.cursor, whole.last, whole.counts, whole.whole) = (page.cursor, page.last, page.counts, page.whole);
    }
    whole.records = joined(std::mem::take(&mut whole.records), list);
    whole.counts.records = whole.records.len() as u64;
    whole.total = None;
    Ok(whole)
}

/// Records with their lists, in the order of their first rows. What a later row says beside the list is not asked.
fn joined(rows: Vec<SourceRecord>, list: &List) -> Vec<SourceRecord> {
    let prefix = format!("{}.", list.name);
    let mut order: Vec<SourceRecord> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for mut row in rows {
        // The reader's id is that of the element behind that of the record.
        let id = row.id.rsplit_once('|').map_or(&*row.id, |(id, _)| id).to_owned();
        let (parts, own): (Map<String, Value>, Map<String, Value>) =
            std::mem::take(&mut row.payload).into_iter().partition(|(name, _)| name.starts_with(&prefix));
        let element: Map<String, Value> = parts
            .into_iter()
            .filter(|(_, value)| value.as_str().is_none_or(|text| !text.trim().is_empty()))
            .map(|(name, value)| (name[prefix.len()..].to_owned(), value))
            .collect();
        let at = *known.entry(id.clone()).or_insert_with(|| {
            let mut payload = own;
            payload.insert(list.name.clone(), Value::Array(Vec::new()));
            order.push(SourceRecord { id: id.as_str().into(), payload, ..row });
            order.len() - 1
        });
        if let Some(Value::Array(elements)) = order[at].payload.get_mut(&list.name) {
            elements.push(Value::Object(element));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Place;

    #[test]
    fn rows_of_one_record_become_its_list() {
        let row = |id: &str, payload: Value| SourceRecord {
            object: Object::Pipeline,
            id: id.into(),
            payload: payload.as_object().expect("an object").clone(),
            modified: None,
            deleted: false,
            place: Place { origin: "x".into(), row: 2 },
            children: Vec::new(),
            between: Vec::new(),
        };
        let rows = vec![
            row("1|10", json!({"id": "1", "name": "Sales", "stages.id": "10", "stages.name": "New"})),
            row("2|20", json!({"id": "2", "name": "Web", "stages.id": "20", "stages.name": ""})),
            row("1|11", json!({"id": "1", "name": "", "stages.id": "11", "stages.name": "Won"})),
        ];
        let list = List { name: "stages".to_owned(), id: "id".to_owned() };
        let found = joined(rows, &list);
        let shown: Vec<(String, Value)> =
            found.into_iter().map(|record| (record.id.to_string(), Value::Object(record.payload))).collect();
        let sales =
            json!({"id": "1", "name": "Sales", "stages": [{"id": "10", "name": "New"}, {"id": "11", "name": "Won"}]});
        assert_eq!(
            shown,
            [("1".to_owned(), sales), ("2".to_owned(), json!({"id": "2", "name": "Web", "stages": [{"id": "20"}]}))]
        );
    }
}
