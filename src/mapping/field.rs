//! The checked rules of one field: where its value comes from, how it is read, where it goes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::called::LinkBy;
use super::column::{Column, Condition, Payload};
use super::object::Applies;
use super::owners::Owners;
use super::shape::{Format, Lookup, Split};
use super::template::Template;
use crate::record::{Entity, Object, Target, fold_name, named_enum};

named_enum! {
    /// How a value is read and what it becomes.
    Kind {
        /// One line of text.
        Text = "text",
        /// Several lines of text.
        LongText = "long_text",
        /// A person's name.
        Name = "name",
        /// A number that is not money.
        Number = "number",
        /// A share in percent: `10%`, `10` and `0.1` are 10.
        Percent = "percent",
        /// An amount with its currency.
        Money = "money",
        /// A calendar day.
        Date = "date",
        /// An instant.
        Datetime = "datetime",
        /// A time of day.
        Time = "time",
        /// A day and perhaps a time of day in the account's zone; writes `due_date` and `due_time` in UTC.
        Due = "due",
        /// Yes or no. In a custom field an option, since Pipedrive has no such field type.
        Bool = "bool",
        /// One of several options.
        Enum = "enum",
        /// Several of several options.
        Set = "set",
        /// One e-mail address, as text.
        Email = "email",
        /// E-mail addresses.
        Emails = "emails",
        /// Phone numbers.
        Phones = "phones",
        /// HTML; plain text in a custom field.
        Html = "html",
        /// A postal address.
        Address = "address",
        /// An owner.
        Owner = "owner",
        /// Another record.
        Link = "link",
        /// A stage.
        Stage = "stage",
        /// An activity type, by name.
        ActivityType = "activity_type",
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The same text for every row.
    Constant(String),
    /// The first column that has a value.
    First(Vec<Column>),
    /// All columns that have a value, joined.
    Joined(Vec<Column>, String),
    /// A text made of columns.
    Template(Template),
    /// The row's own id: links to other roles of the same row.
    OwnId,
}

impl Origin {
    /// The text for a row; `None` when there is none.
    #[must_use]
    pub fn text<'p>(&'p self, payload: &'p Payload, owners: &Owners) -> Option<Cow<'p, str>> {
        match self {
            Origin::Constant(text) => Some(Cow::Borrowed(text)),
            Origin::First(columns) => columns.iter().find_map(|column| column.text(payload)),
            Origin::Joined(columns, separator) => {
                let filled: Vec<Cow<'_, str>> = columns.iter().filter_map(|column| column.text(payload)).collect();
                (!filled.is_empty()).then(|| Cow::Owned(filled.join(separator)))
            }
            Origin::Template(template) => template.render(payload, owners).map(Cow::Owned),
            Origin::OwnId => None,
        }
    }

    /// The columns it reads, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<&Column> {
        match self {
            Origin::Constant(_) | Origin::OwnId => Vec::new(),
            Origin::First(columns) | Origin::Joined(columns, _) => columns.iter().collect(),
            Origin::Template(template) => template.columns().collect(),
        }
    }

    /// The columns' names, as findings show them.
    #[must_use]
    pub fn label(&self) -> String {
        self.columns().iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join("+")
    }
}

/// What a field takes from the records folded into the row.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    /// Kind of the children.
    pub object: Object,
    /// All must hold for a child that counts; empty: every child does.
    pub only: Vec<Condition>,
    /// Of a sum: only amounts in this currency (ISO 4217) count. Those whose currency nothing tells are set aside, with a
    /// finding.
    pub currency: Option<String>,
    /// How they become one value.
    pub of: FoldOf,
}

/// How several children become one value.
#[derive(Debug, Clone, PartialEq)]
pub enum FoldOf {
    /// How many there are.
    Count,
    /// The sum of a column.
    Sum(Column),
    /// A line for each, in the order of their ids.
    List(Template),
    /// The value of one of them, read as the field says from its own columns.
    Pick(Pick),
}

/// Which of several children gives its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick {
    /// Counted from the last one instead of the first.
    pub from_end: bool,
    /// The column with the time or number that puts them in order, ids deciding between equals; children without a value
    /// in it come first. `None`: the order of their ids.
    pub by: Option<Column>,
    /// Which one, from 1.
    pub nth: usize,
}

/// Which record a link points at.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRule {
    /// Kind of the record.
    pub object: Object,
    /// Role of its destination.
    pub role: String,
    /// What the column holds.
    pub by: LinkBy,
}

/// A table of values: what the source writes, what is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueMap {
    /// Folded source value to destination value.
    pub listed: HashMap<String, String>,
    /// What values that are not listed become.
    pub other: Other,
}

/// What becomes of values that a [`ValueMap`] does not list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Other {
    /// The value is left out, with the finding `unknown_value`.
    Drop,
    /// The value stays as it is.
    Keep,
    /// This value, with the finding `unknown_value`.
    Use(String),
}

impl ValueMap {
    /// The destination value that is listed for a source value.
    #[must_use]
    pub fn get(&self, value: &str) -> Option<&str> {
        self.listed.get(value).or_else(|| self.listed.get(&fold_name(value))).map(String::as_str)
    }
}

/// The rules of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Where the value goes.
    pub target: Target,
    /// How it is read.
    pub kind: Kind,
    /// Where it comes from; of a value that one of the children gives, in the child.
    pub from: Origin,
    /// The columns it comes from, as findings name them.
    pub label: String,
    /// When the field applies.
    pub applies: Applies,
    /// Taken from folded records instead of the row itself.
    pub fold: Option<Fold>,
    /// The part of the text that is meant.
    pub split: Option<Split>,
    /// The table that says what the value stands for.
    pub lookup: Option<Lookup>,
    /// How dates, times and numbers are written; without it as the defaults say.
    pub format: Option<Format>,
    /// The table of values.
    pub values: Option<ValueMap>,
    /// The text that stands in for a missing or unreadable value.
    pub default: Option<String>,
    /// The code of the finding when the value is missing.
    pub flag_missing: Option<String>,
    /// A record without it is rejected.
    pub required: bool,
    /// The longest value: characters of text, bytes of HTML.
    pub max_length: usize,
    /// Whether a longer text is cut; otherwise it is left out.
    pub cut: bool,
    /// What numbers and amounts are multiplied by.
    pub scale: Option<Decimal>,
    /// What belongs to some kinds only.
    pub extra: Extra,
}

impl Field {
    /// The columns of the row whose values it keeps, in order; those of folded children are not among them.
    #[must_use]
    pub fn columns(&self) -> Vec<&Column> {
        let mut columns = if self.fold.is_some() { Vec::new() } else { self.from.columns() };
        match &self.extra {
            Extra::Currency(column) | Extra::Time(column) | Extra::Pipeline(column) => columns.push(column),
            Extra::Footer(templates) => columns.extend(templates.iter().flat_map(Template::columns)),
            Extra::None
            | Extra::Options(_)
            | Extra::Label(_)
            | Extra::Link(_)
            | Extra::OwnRole(_)
            | Extra::PipelineNamed(_) => {}
        }
        columns
    }
}

/// What belongs to some kinds of field only.
#[derive(Debug, Clone, PartialEq)]
pub enum Extra {
    /// Nothing.
    None,
    /// Money: the column with the currency.
    Currency(Column),
    /// Due: the column with the time of day.
    Time(Column),
    /// Stage: the column with the pipeline.
    Pipeline(Column),
    /// Stage: the pipeline's name, the same for every row.
    PipelineNamed(String),
    /// Enum, set: all options, in their order and spelling.
    Options(Vec<String>),
    /// E-mails, phones: their label.
    Label(String),
    /// HTML: paragraphs added at the end, each only if one of its columns has a value.
    Footer(Vec<Template>),
    /// Link: what it points at.
    Link(LinkRule),
    /// Link: another role of the same row.
    OwnRole(String),
}

/// The entity whose custom fields a destination uses: leads share those of deals.
#[must_use]
pub fn custom_owner(entity: Entity) -> Option<Entity> {
    match entity {
        Entity::Organization | Entity::Person | Entity::Deal => Some(entity),
        Entity::Lead => Some(Entity::Deal),
        _ => None,
    }
}
