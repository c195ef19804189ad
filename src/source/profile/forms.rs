//! How values are written at the source: custom fields, links, times, money, totals, deleted rows, files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rules::{At, Stamp};

/// Where a list says how many rows it has in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Total {
    /// It does not.
    Nowhere,
    /// At a dotted path of the body.
    Body(String),
    /// In a header.
    Header(String),
}

/// How a deleted row shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deleted {
    /// It is not in the list any more. Only a walk through all rows finds it.
    Vanishes,
    /// A column is true.
    Flag {
        /// The column.
        column: String,
    },
    /// A column is false, or zero, in rows that are deleted: `active`.
    ActiveFlag {
        /// The column.
        column: String,
    },
    /// A column holds the time of the deletion, and nothing in living rows.
    Stamp {
        /// The column.
        column: String,
    },
    /// A column holds a word.
    Word {
        /// The column.
        column: String,
        /// The word, whatever its case.
        word: String,
    },
}

/// Where a source tells of deleted rows that a list leaves out. They are read after each walk through changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deletions {
    /// Beside the other rows when a parameter asks for them; [`Deleted`] says how they are marked. Only what changed is asked
    /// for so, so that what is read as a whole are living rows.
    Parameter {
        /// The parameter.
        param: String,
        /// Its value.
        value: String,
        /// Where it goes.
        #[serde(default)]
        at: At,
    },
    /// In a list that has nothing else. Ids are enough.
    List {
        /// Its path, added to the address.
        path: String,
        /// Parameters that are sent beside those of the list.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        query: BTreeMap<String, String>,
        /// Where its rows are, if not where the list has its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rows: Option<String>,
        /// Column of the id, if it is called otherwise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Where its rows say when they were deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stamp: Option<Stamp>,
        /// Whether it takes the filter for changes; otherwise all of it is read each time.
        #[serde(default)]
        filtered: bool,
    },
}

/// Where custom fields stand in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum Custom {
    /// Among the other columns, or there are none.
    Inline,
    /// In an object under one key; each of its keys becomes a column.
    Map {
        /// The key.
        key: String,
    },
    /// In a list of objects under one key.
    Pairs {
        /// The key.
        key: String,
        /// Under which key of a pair its name or id stands.
        name: String,
        /// Under which key its value stands.
        value: String,
    },
}

/// How one column points at another record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LinkForm {
    /// An id, as it stands.
    Id,
    /// An object that holds the id under this key.
    Object(String),
    /// An address whose last segment is the id.
    Url,
    /// An id behind a prefix that the id itself does not have, such as `3x` in `3x77`; or before such a suffix.
    Affixed {
        /// What stands before it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// What stands after it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        suffix: String,
    },
    /// A name, which is left as it is.
    Name,
}

/// How times of a column are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeForm {
    /// The style.
    pub style: TimeStyle,
    /// Zone of times that name none, if it is not the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A way to write a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeStyle {
    /// `2026-03-05T14:02:10Z`, with any offset; also without the colon of the offset.
    Rfc3339,
    /// `2026-03-05T14:02:10` without a zone.
    Naive,
    /// `2026-03-05 14:02:10` without a zone.
    Space,
    /// `2026-03-05`.
    Date,
    /// Seconds since 1970, as a number or as text.
    Epoch,
    /// Milliseconds since 1970.
    EpochMs,
    /// `/Date(1709648530000+0000)/`.
    Net,
    /// `03/05/2026`, the month first, perhaps with a time behind it.
    MonthFirst,
    /// `05/03/2026`, the day first, perhaps with a time behind it.
    DayFirst,
    /// `Thu, 05 Mar 2026 14:02:10 GMT`.
    Http,
    /// Several of these in one column, each recognized by its form; a day written in figures is read as month first.
    MixedMonthFirst,
    /// Several of these in one column; a day written in figures is read as day first.
    MixedDayFirst,
}

/// How money of a column is written, where it is not a decimal number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MoneyForm {
    /// A whole number of hundredths.
    Cents,
    /// An object; the amount and its currency stand under these keys.
    Object {
        /// Key of the amount.
        amount: String,
        /// Key of the currency, which becomes a column of its own: the money's name with `_currency` behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    },
}

/// How one record is read by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordAt {
    /// Its path, added to the address; `{id}` stands for the id.
    pub path: String,
    /// The status of the answer when there is no such record; 200 where only the body says so.
    pub missing: u16,
    /// The status for one that was deleted, where that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u16>,
}

/// How the bytes of files are reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum Files {
    /// At the address that a column holds.
    Address {
        /// The column.
        column: String,
        /// Only a record that is read by its id has it, because the address does not live long.
        #[serde(default)]
        record: bool,
        /// What is shown there.
        key: FileKey,
        /// The other host that it leads to, where nothing is shown; empty where it leads to none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        leads_to: String,
    },
    /// At a path of their own.
    Path {
        /// The path, added to the address; `{id}` stands for the id.
        path: String,
        /// What is shown there.
        key: FileKey,
        /// The other host that it leads to, where nothing is shown; empty where it leads to none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        leads_to: String,
    },
    /// In the record, as base64.
    Base64 {
        /// The column.
        column: String,
        /// Only a record that is read by its id has it.
        #[serde(default)]
        record: bool,
    },
    /// On a page for people that a column leads to.
    Page {
        /// The column.
        column: String,
    },
    /// By a job that has to be begun first, which is no read.
    Job {
        /// The column that holds its address.
        column: String,
    },
    /// They are named, and no way to their bytes is known.
    Name {
        /// The column.
        column: String,
    },
}

/// What is shown to get a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FileKey {
    /// The credentials, as for any read.
    Credentials,
    /// Nothing: the address itself is the key, and often refuses another one.
    Nothing,
    /// A cookie of this name, which answers of the API set.
    Cookie(String),
}

/// What kind of value a column holds; part of what the reader expects of every page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// Text.
    Text,
    /// Text that is a UUID.
    Uuid,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// A list.
    List,
    /// An object.
    Object,
    /// Several kinds, or nothing but nulls so far.
    Any,
}

impl ValueKind {
    /// The kind of a value; `None` for null, which has none.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(_) => ValueKind::Flag,
            Value::Number(_) => ValueKind::Number,
            Value::String(text) if text.len() == 36 && uuid::Uuid::try_parse(text).is_ok() => ValueKind::Uuid,
            Value::String(_) => ValueKind::Text,
            Value::Array(_) => ValueKind::List,
            Value::Object(_) => ValueKind::Object,
        })
    }

    /// Whether a value of another kind is still what this one promised.
    #[must_use]
    pub fn allows(self, other: ValueKind) -> bool {
        self == other || self == ValueKind::Any || self == ValueKind::Text && other == ValueKind::Uuid
    }
}

/// Columns by name.
pub(super) type Columns<T> = BTreeMap<String, T>;
