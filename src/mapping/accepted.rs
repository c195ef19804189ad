//! What Pipedrive accepts in each system field at creation, and how long custom values may be.
//!
//! Facts: `pipedrive-api.md` sections 3.3 (lengths) and 5.1 to 5.10 (fields). Fields that we write
//! ourselves (`origin_id` of leads, the marker) are not listed, so a mapping cannot claim them.

use super::field::Kind;
use crate::record::Entity;

/// The longest `varchar` and `phone` value, in characters (section 3.3). Names and titles have no published limit; the
/// same is taken for them.
pub const LINE_CHARS: usize = 255;
/// The longest large text field, in characters (section 3.3 says 65k).
pub const TEXT_CHARS: usize = 65_000;
/// The longest note and activity note, in bytes: the published 100 KB less room for our marker line.
pub const HTML_BYTES: usize = 99_000;
/// The longest option label and field name, in characters (section 3.3).
pub const LABEL_CHARS: usize = 255;

/// One system field.
#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    /// Its API name.
    pub name: &'static str,
    /// The kinds of value that fit.
    pub kinds: &'static [Kind],
    /// Pipedrive refuses a record without it.
    pub required: bool,
    /// The longest text.
    pub max_length: usize,
    /// The only values it takes; empty: any.
    pub choices: &'static [&'static str],
    /// What a link in it may point at; empty: it holds no link.
    pub links: &'static [Entity],
}

const fn field(name: &'static str, kinds: &'static [Kind]) -> Accepted {
    Accepted { name, kinds, required: false, max_length: LINE_CHARS, choices: &[], links: &[] }
}

const fn required(name: &'static str, kinds: &'static [Kind]) -> Accepted {
    Accepted { name, kinds, required: true, max_length: LINE_CHARS, choices: &[], links: &[] }
}

const fn link(name: &'static str, links: &'static [Entity]) -> Accepted {
    Accepted { name, kinds: &[Kind::Link], required: false, max_length: LINE_CHARS, choices: &[], links }
}

const fn html(name: &'static str, required: bool) -> Accepted {
    Accepted { name, kinds: &[Kind::Html], required, max_length: HTML_BYTES, choices: &[], links: &[] }
}

const TEXT: &[Kind] = &[Kind::Text];
const NAME: &[Kind] = &[Kind::Text, Kind::Name];
const NUMBER: &[Kind] = &[Kind::Number, Kind::Percent];
const DATETIME: &[Kind] = &[Kind::Datetime];
const DATE: &[Kind] = &[Kind::Date];
const BOOL: &[Kind] = &[Kind::Bool];
const OWNER: &[Kind] = &[Kind::Owner];
const SET: &[Kind] = &[Kind::Set];

const USER: &[Accepted] = &[field("email", &[Kind::Email]), field("name", NAME), field("active", BOOL)];

const PIPELINE: &[Accepted] = &[required("name", TEXT), field("is_deal_probability_enabled", BOOL)];

const STAGE: &[Accepted] = &[
    required("name", TEXT),
    link("pipeline_id", &[Entity::Pipeline]),
    field("deal_probability", NUMBER),
    field("is_deal_rot_enabled", BOOL),
    field("days_to_rotten", NUMBER),
];

const ORGANIZATION: &[Accepted] = &[
    required("name", TEXT),
    field("owner_id", OWNER),
    field("add_time", DATETIME),
    field("label_ids", SET),
    field("address", &[Kind::Address]),
    field("website", TEXT),
    field("linkedin", TEXT),
    field("industry", &[Kind::Enum]),
    field("annual_revenue", NUMBER),
    field("employee_count", NUMBER),
];

const PERSON: &[Accepted] = &[
    required("name", NAME),
    field("owner_id", OWNER),
    link("org_id", &[Entity::Organization]),
    field("add_time", DATETIME),
    field("emails", &[Kind::Emails]),
    field("phones", &[Kind::Phones]),
    field("label_ids", SET),
];

const LEAD: &[Accepted] = &[
    required("title", NAME),
    field("owner_id", OWNER),
    field("label_ids", SET),
    link("person_id", &[Entity::Person]),
    link("organization_id", &[Entity::Organization]),
    field("value", &[Kind::Money]),
    field("expected_close_date", DATE),
    field("was_seen", BOOL),
];

const DEAL: &[Accepted] = &[
    required("title", NAME),
    field("owner_id", OWNER),
    link("person_id", &[Entity::Person]),
    link("org_id", &[Entity::Organization]),
    field("stage_id", &[Kind::Stage]),
    field("value", &[Kind::Money]),
    Accepted { choices: &["open", "won", "lost"], ..field("status", &[Kind::Enum]) },
    field("probability", NUMBER),
    field("lost_reason", TEXT),
    field("close_time", DATETIME),
    field("won_time", DATETIME),
    field("lost_time", DATETIME),
    field("expected_close_date", DATE),
    field("label_ids", SET),
    field("is_archived", BOOL),
    field("archive_time", DATETIME),
];

const ACTIVITY: &[Accepted] = &[
    required("subject", TEXT),
    field("type", &[Kind::ActivityType]),
    field("owner_id", OWNER),
    link("deal_id", &[Entity::Deal]),
    link("lead_id", &[Entity::Lead]),
    link("org_id", &[Entity::Organization]),
    // `person_id` of an activity is read-only: the person is its first participant (section 5.7).
    link("participants", &[Entity::Person]),
    field("due_date", &[Kind::Due, Kind::Date]),
    field("due_time", &[Kind::Time]),
    field("duration", &[Kind::Time]),
    field("busy", BOOL),
    field("done", BOOL),
    field("location", &[Kind::Address]),
    Accepted { max_length: TEXT_CHARS, ..field("public_description", &[Kind::LongText]) },
    html("note", false),
];

const NOTE: &[Accepted] = &[
    html("content", true),
    link("lead_id", &[Entity::Lead]),
    link("deal_id", &[Entity::Deal]),
    link("person_id", &[Entity::Person]),
    link("org_id", &[Entity::Organization]),
    field("user_id", OWNER),
    field("add_time", DATETIME),
    field("pinned_to_deal_flag", BOOL),
    field("pinned_to_lead_flag", BOOL),
    field("pinned_to_person_flag", BOOL),
    field("pinned_to_organization_flag", BOOL),
];

/// The system fields that a mapping may fill; empty for entities that no mapping writes.
#[must_use]
pub fn accepted(entity: Entity) -> &'static [Accepted] {
    match entity {
        Entity::User => USER,
        Entity::Pipeline => PIPELINE,
        Entity::Stage => STAGE,
        Entity::Organization => ORGANIZATION,
        Entity::Person => PERSON,
        Entity::Lead => LEAD,
        Entity::Deal => DEAL,
        Entity::Activity => ACTIVITY,
        Entity::Note => NOTE,
        Entity::LeadLabel
        | Entity::ActivityType
        | Entity::OrganizationField
        | Entity::PersonField
        | Entity::DealField => &[],
    }
}

/// The Pipedrive type of the custom field that holds a kind of value (section 5.10); `None` where none can.
#[must_use]
pub fn custom_type(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Text | Kind::Name | Kind::Email | Kind::Emails => "varchar",
        Kind::LongText | Kind::Html => "text",
        Kind::Number | Kind::Percent => "double",
        Kind::Money => "monetary",
        Kind::Date => "date",
        Kind::Time => "time",
        Kind::Bool | Kind::Enum => "enum",
        Kind::Set => "set",
        Kind::Phones => "phone",
        Kind::Address => "address",
        Kind::Owner => "user",
        Kind::Datetime | Kind::Due | Kind::Link | Kind::Stage | Kind::ActivityType => return None,
    })
}

/// The longest value of a custom field: characters.
#[must_use]
pub fn custom_length(kind: Kind) -> usize {
    match kind {
        Kind::LongText | Kind::Html => TEXT_CHARS,
        _ => LINE_CHARS,
    }
}

/// Fields of which a record needs at least one: a lead has a person or an organization (section 5.5), a note a parent
/// (section 5.8). Empty for entities without such a rule.
#[must_use]
pub fn one_of(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::Lead => &["person_id", "organization_id"],
        Entity::Note => &["lead_id", "deal_id", "person_id", "org_id"],
        _ => &[],
    }
}
