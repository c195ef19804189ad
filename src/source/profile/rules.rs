//! How one list is read: where it is, how it is paged, what proves that all of it was read, and how changes are found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Evidence;
use super::forms::{
    Columns, Custom, Deleted, Deletions, Files, LinkForm, MoneyForm, RecordAt, TimeForm, TimeStyle, Total, ValueKind,
};
use super::soap::Soap;
use crate::record::Object;

/// A verb.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// POST: a read that somebody approved.
    Post,
}

/// How the rows stand in the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsForm {
    /// A list of objects.
    #[default]
    List,
    /// An object whose keys are the ids.
    Keyed,
    /// A list whose first element tells about the list and is no row.
    AfterMetadata,
    /// Elements that are repeated: one of them is no list, and none is nothing.
    Elements,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// In the query.
    #[default]
    Query,
    /// In the JSON body, at a dotted path.
    Body,
    /// In a header.
    Header,
    /// Where its name stands in braces in a parameter that is always sent: `{skip}` in
    /// `select * from clients limit {skip},{size}`.
    Blank,
}

/// How many rows are asked for at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// The parameter; missing where the source decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// Rows of a full page. Missing: as many as the settings ask for, at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Dotted path at which the answer repeats the size, where a source may quietly give less than asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<String>,
}

/// How the rows of a list come in portions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "style", rename_all = "snake_case", deny_unknown_fields)]
pub enum Paging {
    /// All rows in one answer. An answer of as many rows as `cap` may be cut, and is refused.
    None {
        /// Where the source cuts, if it was seen to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap: Option<u64>,
    },
    /// By page number.
    Page {
        /// The parameter.
        param: String,
        /// The number of the first page.
        first: u32,
        /// Rows of a page.
        size: Size,
        /// Where the parameters go.
        #[serde(default)]
        at: At,
    },
    /// By the number of rows before the page.
    Offset {
        /// The parameter.
        param: String,
        /// What it counts.
        #[serde(default)]
        step: Step,
        /// Rows of a page.
        size: Size,
        /// Where the parameters go.
        #[serde(default)]
        at: At,
    },
    /// By a value from the answer before.
    Cursor {
        /// The parameter.
        param: String,
        /// Dotted path of the next value; nothing there ends the list.
        next: String,
        /// Dotted path of a flag that says whether there is more, where the value alone does not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<String>,
        /// Rows of a page.
        size: Size,
        /// Where the parameters go.
        #[serde(default)]
        at: At,
    },
    /// By the address of the next page in the body.
    Url {
        /// Dotted path of the address; nothing there ends the list.
        next: String,
        /// Rows of a page.
        size: Size,
    },
    /// By the `Link` header (RFC 8288) with `rel="next"`, or by a header `Next-Page` that holds the address alone.
    Link {
        /// Rows of a page.
        size: Size,
    },
    /// By the id of the last row, in ascending order.
    Keyset {
        /// The parameter: rows with larger ids.
        param: String,
        /// Rows of a page.
        size: Size,
        /// Where the parameters go.
        #[serde(default)]
        at: At,
    },
}

/// What an offset counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Rows, from 0.
    #[default]
    Rows,
    /// Rows, from 1.
    RowsFromOne,
    /// Pages, from 0, whatever the parameter's name says.
    Pages,
}

/// What a source answers to a page behind the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PastEnd {
    /// A page without rows.
    #[default]
    Empty,
    /// The last page again.
    Repeats,
    /// Status 404 or 410.
    NotFound,
    /// Status 400, 416 or 422.
    Refused,
    /// A good status with nothing in it, or with a failure that says in words that there is nothing.
    Failure,
    /// The first page: where the next one is always told, that of the last page leads back.
    Restarts,
}

/// What shows that all rows of a list were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// As many different rows were read as the source counts.
    Total,
    /// Two readings, one after the other, gave the same ids.
    Twice,
    /// One reading: ids ascend, or everything came in one answer.
    Once,
}

/// How changes since an instant are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case", deny_unknown_fields)]
pub enum Changes {
    /// By reading everything again; what is unchanged is dropped by its digest.
    Reread,
    /// By a filter.
    Filter {
        /// The parameter or header.
        param: String,
        /// What is written there; `{time}` stands for the instant.
        #[serde(default = "only_time")]
        value: String,
        /// Where it goes.
        #[serde(default)]
        at: At,
        /// How the instant is written.
        style: TimeStyle,
        /// The zone in which it is written, where the style names none; UTC if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
        /// Whether rows of that very instant are given.
        #[serde(default)]
        edge: Edge,
        /// The least step of the filter, in seconds: 86,400 for one that knows whole days only.
        #[serde(default = "second")]
        granularity_seconds: u64,
        /// How far a walk of changes reaches back, if more than the settings say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overlap_seconds: Option<u64>,
        /// A path of its own for such reads, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// By reading the newest first, until what is known begins.
    Newest {
        /// Parameters that sort so.
        query: BTreeMap<String, String>,
    },
}

fn only_time() -> String {
    "{time}".to_owned()
}

const fn second() -> u64 {
    1
}

/// Whether a filter gives rows of the very instant that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// It does.
    #[default]
    Inclusive,
    /// It does not.
    Exclusive,
}

/// Where a row says when it was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// The column; a dotted path where it is nested.
    pub column: String,
    /// How it is written.
    pub style: TimeStyle,
    /// Zone of times that name none, if it is not the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// What a profile says about a list; what is missing is taken from the defaults, and then from the format.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Name of the list, for people and for the mapping. Missing: the last word of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Its path, added to the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its verb.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// JSON body of a POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where the rows are: a dotted path, or nothing for the whole answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// How they stand there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<RowsForm>,
    /// Where in each of them the record is: `node`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// Whether a list without rows is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_when_empty: Option<bool>,
    /// Whether each value stands in an object of its own: `{"value": …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapped: Option<bool>,
    /// Column of the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What shows that all rows were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// What somebody should know about this list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quirks: Vec<String>,
    /// Parameters that are always sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<BTreeMap<String, String>>,
    /// How it is called by SOAP, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soap: Option<Soap>,
    /// How it comes in portions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<Paging>,
    /// What comes behind the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past_end: Option<PastEnd>,
    /// Where it says how many rows there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
    /// Where rows say when they were changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// How changes are found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// How deleted rows show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Deleted>,
    /// Where deleted rows are told that the list leaves out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletions: Option<Deletions>,
    /// Whether everything is read once a day, so that rows which are not there any more are found. Missing: only where
    /// deleted rows vanish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<bool>,
    /// Where custom fields stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
    /// Path of the list that defines the custom fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_definitions: Option<String>,
    /// Columns that point at other records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Columns<LinkForm>>,
    /// What the addresses of records begin with. In whatever column such an address stands, it becomes the id that it ends
    /// with; columns that hold the address of the row itself or of a download are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<String>,
    /// Columns with times that are to be read as the profile says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<Columns<TimeForm>>,
    /// Columns with money that is no decimal number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Columns<MoneyForm>>,
    /// How the bytes of files are reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
    /// How one record is read by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordAt>,
    /// Columns that every row had when the list was looked at, and what they held. A page without them is not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns<ValueKind>>,
    /// What this rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// How one list is read, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// What it holds.
    pub object: Object,
    /// Its name.
    pub table: String,
    /// Its path.
    pub path: String,
    /// Its verb.
    pub method: Method,
    /// JSON body of a POST.
    pub body: Option<String>,
    /// How it is called by SOAP, where it is.
    pub soap: Option<Soap>,
    /// Parameters that are always sent.
    pub query: BTreeMap<String, String>,
    /// Where the rows are.
    pub rows: String,
    /// How they stand there.
    pub form: RowsForm,
    /// Where in each of them the record is; empty when it is the row itself.
    pub row: String,
    /// Whether a list without rows is null.
    pub null_when_empty: bool,
    /// Whether values stand in objects of their own.
    pub wrapped: bool,
    /// Column of the id.
    pub id: String,
    /// How it comes in portions.
    pub page: Paging,
    /// What comes behind the last page.
    pub past_end: PastEnd,
    /// Where it says how many rows there are.
    pub total: Total,
    /// What shows that all rows were read.
    pub proof: Proof,
    /// Where rows say when they were changed.
    pub stamp: Option<Stamp>,
    /// How changes are found.
    pub changes: Changes,
    /// How deleted rows show.
    pub deleted: Deleted,
    /// Where deleted rows are told that the list leaves out.
    pub deletions: Option<Deletions>,
    /// Whether rows that are not there any more count as deleted, for which everything is read once a day.
    pub compare: bool,
    /// Where custom fields stand.
    pub custom: Custom,
    /// How one record is read by its id.
    pub record: Option<RecordAt>,
    /// Columns that point at other records.
    pub links: Columns<LinkForm>,
    /// What the addresses of records begin with.
    pub addresses: Option<String>,
    /// Columns with times to be read.
    pub times: Columns<TimeForm>,
    /// Columns with money to be read.
    pub money: Columns<MoneyForm>,
    /// What every row is expected to have.
    pub columns: Columns<ValueKind>,
}

/// Does something with each field of [`Rules`] that defaults can give.
macro_rules! each_field {
    ($do:ident) => {
        $do!(
            method,
            body,
            rows,
            form,
            row,
            null_when_empty,
            wrapped,
            id,
            proof,
            query,
            page,
            past_end,
            total,
            stamp,
            changes,
            deleted,
            deletions,
            compare,
            custom,
            custom_definitions,
            links,
            addresses,
            times,
            money,
            files
        )
    };
}

impl Rules {
    /// These rules, with what they leave open taken from the defaults.
    pub(super) fn over(&self, defaults: &Rules) -> Rules {
        let mut rules = self.clone();
        macro_rules! fill {
            ($($field:ident),+) => { $(if rules.$field.is_none() { rules.$field.clone_from(&defaults.$field); })+ };
        }
        each_field!(fill);
        rules
    }

    /// Moves what all of `lists` say alike into the defaults.
    pub(super) fn gather(defaults: &mut Rules, mut lists: Vec<&mut Rules>) {
        macro_rules! move_common {
            ($($field:ident),+) => { $(
                let first = lists.first().and_then(|rules| rules.$field.clone());
                if first.is_some() && defaults.$field.is_none() && lists.iter().all(|rules| rules.$field == first) {
                    defaults.$field = first;
                    lists.iter_mut().for_each(|rules| rules.$field = None);
                }
            )+ };
        }
        each_field!(move_common);
    }

    /// The rules with what the format assumes for everything that is still open.
    pub(in crate::source) fn resolved(self, object: Object) -> List {
        let path = self.path.unwrap_or_default();
        let last_word = path.rsplit('/').find(|word| !word.is_empty()).unwrap_or(object.as_str()).to_owned();
        let page = self.page.unwrap_or(Paging::None { cap: None });
        let total = self.total.unwrap_or(Total::Nowhere);
        let proof = self.proof.unwrap_or(match (&total, &page) {
            (Total::Nowhere, Paging::None { .. } | Paging::Keyset { .. }) => Proof::Once,
            (Total::Nowhere, _) => Proof::Twice,
            _ => Proof::Total,
        });
        List {
            object,
            table: self.table.unwrap_or(last_word),
            path,
            method: self.method.unwrap_or_default(),
            body: self.body,
            soap: self.soap,
            query: self.query.unwrap_or_default(),
            rows: self.rows.unwrap_or_default(),
            form: self.form.unwrap_or_default(),
            row: self.row.unwrap_or_default(),
            null_when_empty: self.null_when_empty.unwrap_or(false),
            wrapped: self.wrapped.unwrap_or(false),
            id: self.id.unwrap_or_else(|| "id".to_owned()),
            page,
            past_end: self.past_end.unwrap_or_default(),
            total,
            proof,
            stamp: self.stamp,
            changes: self.changes.unwrap_or(Changes::Reread),
            compare: self.compare.unwrap_or(matches!(self.deleted, None | Some(Deleted::Vanishes))),
            deleted: self.deleted.unwrap_or(Deleted::Vanishes),
            deletions: self.deletions,
            custom: self.custom.unwrap_or(Custom::Inline),
            record: self.record,
            links: self.links.unwrap_or_default(),
            addresses: self.addresses,
            times: self.times.unwrap_or_default(),
            money: self.money.unwrap_or_default(),
            columns: self.columns.unwrap_or_default(),
        }
    }
}

/// The size in a way of paging, borrowed as that is.
macro_rules! sizes {
    ($paging:expr) => {
        match $paging {
            Paging::None { .. } => None,
            Paging::Page { size, .. }
            | Paging::Offset { size, .. }
            | Paging::Cursor { size, .. }
            | Paging::Url { size, .. }
            | Paging::Link { size }
            | Paging::Keyset { size, .. } => Some(size),
        }
    };
}

impl Paging {
    /// Rows of a page.
    #[must_use]
    pub fn size(&self) -> Option<&Size> {
        sizes!(self)
    }

    /// The same, to be changed.
    pub(in crate::source) fn size_mut(&mut self) -> Option<&mut Size> {
        sizes!(self)
    }

    /// Its name, for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Paging::None { .. } => "all at once",
            Paging::Page { .. } => "page number",
            Paging::Offset { .. } => "offset",
            Paging::Cursor { .. } => "cursor",
            Paging::Url { .. } => "address of the next page",
            Paging::Link { .. } => "Link header",
            Paging::Keyset { .. } => "id of the last row",
        }
    }
}
