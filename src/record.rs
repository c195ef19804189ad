//! The nouns every layer shares: objects, entities, fates, source records, drafts and their bindings.
//!
//! Nothing here does I/O. Ids are text, money is [`Decimal`], instants are UTC ([`Timestamp`]), days are [`Date`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Makes a closed enum whose every variant has one fixed text form, used in the journal, settings, metrics and reports.
macro_rules! named_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The fixed text form.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// Reads the fixed text form; `None` for anything else.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}
pub(crate) use named_enum;

named_enum! {
    /// A kind of source record (design: section 3).
    Object {
        /// A user of the source: salesperson, service rep.
        Owner = "owner",
        /// A pipeline with its stages nested in it.
        Pipeline = "pipeline",
        /// A client: a person, a company, or both.
        Client = "client",
        /// A person of a client, where the source keeps clients as companies and their people in a table of their own.
        Contact = "contact",
        /// A lead.
        Lead = "lead",
        /// A deal, where the source keeps deals in a table of their own beside its projects.
        Deal = "deal",
        /// A project: a promotional-products order or campaign.
        Project = "project",
        /// A commission record of a project.
        Commission = "commission",
        /// A task.
        Task = "task",
        /// A note of the history.
        Note = "note",
        /// A call of the history.
        Call = "call",
        /// An e-mail of the history.
        Email = "email",
        /// A meeting of the history.
        Meeting = "meeting",
        /// A presentation.
        Presentation = "presentation",
        /// A file.
        File = "file",
        /// A record of a custom object. Each kind of custom object is a kind of record of its own, since their ids say
        /// nothing of one another; twenty of them are more than accounts have.
        Custom = "custom",
        /// A record of a further kind of custom object.
        Custom2 = "custom_2",
        /// A record of a further kind of custom object.
        Custom3 = "custom_3",
        /// A record of a further kind of custom object.
        Custom4 = "custom_4",
        /// A record of a further kind of custom object.
        Custom5 = "custom_5",
        /// A record of a further kind of custom object.
        Custom6 = "custom_6",
        /// A record of a further kind of custom object.
        Custom7 = "custom_7",
        /// A record of a further kind of custom object.
        Custom8 = "custom_8",
        /// A record of a further kind of custom object.
        Custom9 = "custom_9",
        /// A record of a further kind of custom object.
        Custom10 = "custom_10",
        /// A record of a further kind of custom object.
        Custom11 = "custom_11",
        /// A record of a further kind of custom object.
        Custom12 = "custom_12",
        /// A record of a further kind of custom object.
        Custom13 = "custom_13",
        /// A record of a further kind of custom object.
        Custom14 = "custom_14",
        /// A record of a further kind of custom object.
        Custom15 = "custom_15",
        /// A record of a further kind of custom object.
        Custom16 = "custom_16",
        /// A record of a further kind of custom object.
        Custom17 = "custom_17",
        /// A record of a further kind of custom object.
        Custom18 = "custom_18",
        /// A record of a further kind of custom object.
        Custom19 = "custom_19",
        /// A record of a further kind of custom object.
        Custom20 = "custom_20",
    }
}

named_enum! {
    /// A kind of Pipedrive record.
    Entity {
        /// A user. Only matched, never written.
        User = "user",
        /// A pipeline.
        Pipeline = "pipeline",
        /// A stage of a pipeline.
        Stage = "stage",
        /// A lead label.
        LeadLabel = "lead_label",
        /// An activity type.
        ActivityType = "activity_type",
        /// A custom field of organizations.
        OrganizationField = "organization_field",
        /// A custom field of persons.
        PersonField = "person_field",
        /// A custom field of deals, which leads share.
        DealField = "deal_field",
        /// An organization.
        Organization = "organization",
        /// A person.
        Person = "person",
        /// A lead. Its ids are UUIDs.
        Lead = "lead",
        /// A deal.
        Deal = "deal",
        /// An activity.
        Activity = "activity",
        /// A note.
        Note = "note",
    }
}

named_enum! {
    /// How a source record ends. Every record ends with exactly one (design: section 3).
    Fate {
        /// It has its own live record.
        Loaded = "loaded",
        /// It went into a survivor.
        Merged = "merged",
        /// Its data lives in another record's fields or note.
        Folded = "folded",
        /// An owner or an existing Pipedrive record was found for it.
        Matched = "matched",
        /// It waits for something named and wakes by itself.
        Parked = "parked",
        /// It cannot be loaded.
        Rejected = "rejected",
        /// A rule or a decision left it out.
        Skipped = "skipped",
    }
}

impl Object {
    /// The kinds of custom objects, in the order in which they are taken.
    pub fn customs() -> impl Iterator<Item = Object> {
        Object::ALL.iter().copied().filter(|object| object.is_custom())
    }

    /// Whether it is a kind of custom object.
    #[must_use]
    pub fn is_custom(self) -> bool {
        self >= Object::Custom
    }
}

/// The role of rows that are no records of any object: they have no other, and were rejected as they landed.
pub const ROW: &str = "row";

/// Which destination record of a source record is meant: one source record may bind several, under different roles.
///
/// The role is a short text fixed by the mapping (`organization`, `person`, `deal`) or `stage:ID` for the stages
/// nested in a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BindingKey {
    /// Kind of the source record.
    pub object: Object,
    /// Id of the source record, as the source writes it.
    pub source_id: Arc<str>,
    /// Role of the destination record.
    pub role: Arc<str>,
}

impl BindingKey {
    /// Names one destination record of one source record.
    pub fn new(object: Object, source_id: impl Into<Arc<str>>, role: impl Into<Arc<str>>) -> Self {
        Self { object, source_id: source_id.into(), role: role.into() }
    }
}

impl fmt::Display for BindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.object, self.source_id, self.role)
    }
}

/// Where a source record was read, for messages a person can follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// File name, or path and query of the request without secrets.
    pub origin: Arc<str>,
    /// Row in the file or page, from 1; header rows count.
    pub row: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} row {}", self.origin, self.row)
    }
}

/// One record as the source gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRecord {
    /// Its kind.
    pub object: Object,
    /// Its id in the source, never empty.
    pub id: Arc<str>,
    /// Its fields as received. Numbers keep their digits.
    pub payload: Map<String, Value>,
    /// When the source last changed it, if it says so.
    pub modified: Option<Timestamp>,
    /// True when the source says that it was deleted.
    pub deleted: bool,
    /// Where it was read.
    pub place: Place,
    /// Records folded into this one (commissions of a project); empty until they are read back from the journal.
    pub children: Vec<SourceRecord>,
    /// Records by way of which this one reaches the record that it is folded into, the one that it names first; empty where
    /// it names that record itself, and until they are read back from the journal.
    pub between: Vec<SourceRecord>,
}

/// Something worth saying about a record, whatever its fate.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// A fixed short code: `missing_value`, `too_long`, `unknown_option`, …
    pub code: String,
    /// The source field it is about; empty when it is about the whole record.
    pub field: String,
    /// What was found and what was done about it, in words.
    pub detail: String,
}

impl Finding {
    /// A finding about one source field.
    pub fn new(code: impl Into<String>, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), field: field.into(), detail: detail.into() }
    }
}

/// One e-mail address or phone number of a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContactValue {
    /// The address or number, cleaned.
    pub value: String,
    /// `work`, `home`, `mobile` or `other`.
    pub label: String,
}

/// How one record points at another while both are still source records.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkTarget {
    /// Kind of the record pointed at.
    pub object: Object,
    /// Role of its destination record.
    pub role: String,
    /// The source's id of it; where nobody can tell which record is meant, what the row calls it.
    pub value: String,
    /// The ids of records that may be meant, where a name is that of several; otherwise empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub several: Vec<String>,
}

/// One value of a draft, still free of Pipedrive's ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FieldValue {
    /// Plain text.
    Text(String),
    /// HTML for a note or an activity.
    Html(String),
    /// A number that is not money.
    Number(Decimal),
    /// Money with its ISO currency.
    Money {
        /// The amount in units of the currency.
        amount: Decimal,
        /// ISO 4217 code.
        currency: String,
    },
    /// A calendar day.
    Date(Date),
    /// A time of day, "HH:MM:SS".
    Time(String),
    /// An instant, whole seconds.
    Timestamp(Timestamp),
    /// Yes or no.
    Bool(bool),
    /// One option of a list, by its label.
    Choice(String),
    /// Several options of a list, by their labels, sorted.
    Choices(BTreeSet<String>),
    /// E-mail addresses; the first is the primary one.
    Emails(Vec<ContactValue>),
    /// Phone numbers; the first is the primary one.
    Phones(Vec<ContactValue>),
    /// A postal address in one line.
    Address(String),
    /// An owner as the source names it: id, e-mail or name, as the mapping's owner rule says.
    Owner(String),
    /// Another record.
    Link(LinkTarget),
    /// A stage, by the source's pipeline and stage names or ids.
    Stage {
        /// Pipeline as the source names it; `None` where the mapping has only one.
        pipeline: Option<String>,
        /// Stage as the source names it.
        stage: String,
    },
}

/// Where in the destination record a value goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Target {
    /// A field that every account has, by its API name (`title`, `org_id`, `won_time`).
    System(String),
    /// A custom field, by its name; its key is known only after `configure`.
    Custom(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::System(name) => f.write_str(name),
            Target::Custom(name) => write!(f, "custom:{name}"),
        }
    }
}

/// A Pipedrive-shaped record with symbolic links: what shall be there, before any id is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Whose record it is.
    pub binding: BindingKey,
    /// What kind of Pipedrive record.
    pub entity: Entity,
    /// The values, each target at most once.
    pub fields: Vec<(Target, FieldValue)>,
    /// Exact duplicate key: drafts of one entity with the same key become one record. `None`: never merged.
    pub duplicate_key: Option<String>,
}

impl Draft {
    /// The value for a system field, if the draft has one.
    #[must_use]
    pub fn system(&self, name: &str) -> Option<&FieldValue> {
        self.fields.iter().find_map(|(target, value)| match target {
            Target::System(own) if own == name => Some(value),
            _ => None,
        })
    }
}

/// The form under which two names count as the same: trimmed, inner white space single, lower case.
#[must_use]
pub fn fold_name(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_by_case_and_space_only() {
        assert_eq!(fold_name("  Harbor   FOODS Ltd "), "harbor foods ltd");
        assert_eq!(fold_name("Ångström"), "ångström");
        assert_ne!(fold_name("O'Neil"), fold_name("O’Neil"));
    }

    #[test]
    fn every_name_reads_back() {
        for object in Object::ALL {
            assert_eq!(Object::parse(object.as_str()), Some(*object));
        }
        assert_eq!(Fate::parse("vanished"), None);
        assert_eq!((Object::customs().count(), Object::File.is_custom()), (20, false));
    }
}
