//! The discovery: what the source holds, how each kind of record will be read, and what is still to be asked. The first
//! report that a customer reads.

mod difference;
mod page;
mod text;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::extraction::Method;
use crate::record::{Entity, Object, named_enum};

pub use difference::{Change, Changes};

/// Name of the report.
pub const NAME: &str = "discovery";

/// Rejected rows of a table that are shown, each with its place.
pub const REJECTED_SHOWN: usize = 20;

/// The report.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Discovery {
    /// What was looked at, and what that took, in sentences.
    pub did: Vec<String>,
    /// Requests to the source's API.
    pub requests: u64,
    /// Those of the probe, one by one.
    #[serde(default)]
    pub asked: Vec<Asked>,
    /// What became of the source profile; `None` where there is no API.
    #[serde(default)]
    pub profile: Option<ProfileKept>,
    /// Kinds of record, with how each will be read.
    pub objects: Vec<ObjectFound>,
    /// Tables, files and lists.
    pub tables: Vec<TableFound>,
    /// Columns that name records of other tables, and how well they join.
    pub links: Vec<LinkFound>,
    /// Custom fields to be made in Pipedrive.
    pub fields: Vec<FieldToMake>,
    /// Where these come from, in a sentence.
    pub fields_from: String,
    /// What is not migrated and must be built again.
    pub inventory: Inventory,
    /// How files come over.
    pub files: Vec<FilesFound>,
    /// What somebody must answer.
    pub questions: Vec<Question>,
    /// What is different from the discovery before; `None` for the first one.
    pub changes: Option<Changes>,
}

/// A request of the probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its number, from 1.
    pub number: u64,
    /// What the probe was finding out.
    pub stage: String,
    /// Method, path and query, without secrets.
    pub request: String,
    /// The answer's status; `None` where there was none.
    pub status: Option<u16>,
    /// Why it was asked.
    pub purpose: String,
    /// A hash of the answer.
    pub answer: String,
}

/// What became of the source profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileKept {
    /// BLAKE3 of the profile that we last wrote, in hex: what an edit is told from.
    pub digest: String,
    /// Somebody edited it, so it was left as it is.
    pub is_edited: bool,
    /// Lines in which the file and what was found now differ, at most a few.
    pub differences: Vec<String>,
    /// The zone of times that name none, where the profile in force names it.
    #[serde(default)]
    pub zone: Option<String>,
}

/// A kind of record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectFound {
    /// The kind.
    pub object: Object,
    /// How it will be read.
    pub method: Method,
    /// The table, list or workbook that holds it; empty where there is none.
    pub table: String,
    /// Its records, as far as they were counted.
    pub records: u64,
    /// Whether these are all.
    pub is_whole: bool,
    /// Why it is read so.
    pub reasons: Vec<String>,
    /// What may go wrong.
    pub risks: Vec<String>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFound {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub method: Method,
    /// What its rows are; `None`: nothing that is migrated.
    pub object: Option<Object>,
    /// Rows below the headers.
    pub rows: u64,
    /// Of these, the ones that could be read.
    pub parsed: u64,
    /// Of these, the ones that are no records.
    pub rejected: u64,
    /// Whether all rows were looked at.
    pub is_whole: bool,
    /// The files it is read from.
    pub files: Vec<FileFound>,
    /// The first rejected rows.
    pub rejected_rows: Vec<RejectedFound>,
    /// The column of its key; empty where none was found.
    pub key: String,
    /// Its columns, in order.
    pub columns: Vec<ColumnFound>,
}

/// A file of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFound {
    /// Its name.
    pub name: String,
    /// Its encoding.
    pub encoding: String,
    /// What stands between cells, in words.
    pub delimiter: String,
    /// Rows above the header.
    pub rows_above: u64,
    /// Bytes.
    pub bytes: u64,
    /// Rows below the header.
    pub rows: u64,
    /// Of these, the ones that could be read.
    pub parsed: u64,
    /// Of these, the ones that could not.
    pub rejected: u64,
    /// BLAKE3 of the content, in hex: read again, it is the same.
    pub digest: String,
}

/// A row that is no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedFound {
    /// The file, archive member or sheet.
    pub file: String,
    /// Its row, from 1; header rows count.
    pub row: u64,
    /// Its line; `None` where people see no lines.
    pub line: Option<u64>,
    /// The byte it begins at; `None` where the encoding does not tell.
    pub byte: Option<u64>,
    /// Why.
    pub reason: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnFound {
    /// Its name.
    pub name: String,
    /// What its values look like, in words.
    pub holds: String,
    /// Its type, as a fixed word.
    pub shape: String,
    /// Rows that have a value.
    pub filled: u64,
    /// Different values.
    pub distinct: u64,
    /// Whether there may be more of them.
    pub has_more: bool,
    /// Values with letters and digits masked.
    pub samples: Vec<String>,
    /// Days that may be read two ways; `None` for other columns.
    pub days: Option<Days>,
}

/// Days written with figures only, and in which order they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Days {
    /// `03/04/2024`: may be read both ways.
    pub ambiguous: u64,
    /// `25/12/2024`: the day stands first.
    pub day_first: u64,
    /// `12/25/2024`: the month stands first.
    pub month_first: u64,
    /// How they are read, and why.
    pub settled: String,
}

/// A column that names records of other tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFound {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The tables whose records it names.
    pub to: Vec<String>,
    /// Rows with a value.
    pub filled: u64,
    /// Found by the key.
    pub by_id: u64,
    /// Found by an e-mail address of one record only.
    pub by_email: u64,
    /// Found by the exact name of one record only.
    pub by_name: u64,
    /// Found by the name of one record only, without regard to case and spaces.
    pub by_folded_name: u64,
    /// Several records have this name or address: none is chosen.
    pub ambiguous: u64,
    /// Nothing has this key, name or address.
    pub missing: u64,
}

/// A custom field to be made in Pipedrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldToMake {
    /// Whose field it is.
    pub entity: Entity,
    /// Its name.
    pub name: String,
    /// Pipedrive's type.
    pub field_type: String,
    /// Why it is needed.
    pub why: String,
    /// A masked value; empty where there is none.
    pub sample: String,
}

/// What is not migrated and must be built again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inventory {
    /// How it is known, in a sentence.
    pub known: String,
    /// Whether there is an answer at all.
    pub is_answered: bool,
    /// What there is.
    pub entries: Vec<Entry>,
}

named_enum! {
    /// What is not migrated and must be built again.
    Sort {
        /// A rule that does something by itself.
        Automation = "automation",
        /// A task that a stage brings.
        TaskRule = "task_rule",
        /// Another program that is connected.
        Integration = "integration",
        /// A report or dashboard.
        Report = "report",
        /// A text for e-mails.
        Template = "template",
    }
}

/// One thing to be built again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub sort: Sort,
    /// Its name.
    pub name: String,
    /// What it does.
    pub does: String,
    /// Whether it is on, as the source or the customer says it.
    pub state: String,
    /// What to build in Pipedrive.
    pub rebuild: String,
    /// Where it was read.
    pub place: String,
}

/// Files that records name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesFound {
    /// The table and column.
    pub place: String,
    /// Values.
    pub count: u64,
    /// How they come over.
    pub method: String,
    /// What that rests on.
    #[serde(default)]
    pub reason: String,
    /// What may go wrong; empty for nothing in particular.
    #[serde(default)]
    pub risk: String,
}

/// What somebody must answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What it is about.
    pub about: String,
    /// What is asked.
    pub asks: String,
    /// How to answer.
    pub answer: String,
    /// Whether the migration cannot go on without an answer.
    pub blocks: bool,
}

impl Discovery {
    /// What it says in one sentence.
    #[must_use]
    pub fn says(&self) -> String {
        page::says(self)
    }

    /// The lines for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// Rows of filled-in workbooks that cannot be right.
    #[must_use]
    pub fn spoilt(&self) -> u64 {
        self.tables.iter().filter(|table| table.method == Method::Workbook).map(|table| table.rejected).sum()
    }
}

impl TableFound {
    /// The share of rows with a value in a column, in percent.
    #[must_use]
    pub fn fill(&self, column: &ColumnFound) -> u64 {
        (column.filled * 100).checked_div(self.parsed).unwrap_or_default()
    }
}
