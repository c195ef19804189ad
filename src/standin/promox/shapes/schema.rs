//! The fields of each object as the account keeps them, and what each field is.

use crate::record::Object;

/// What a field is; decides how a shape writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The row's own id.
    Id,
    /// The id of another row.
    Link(Object),
    /// The id of a row whose object stands in the field `related_type`.
    AnyLink,
    /// The object that an [`Role::AnyLink`] names.
    AnyType,
    /// An instant.
    Instant,
    /// The time of the last change.
    Stamp,
    /// A day.
    Day,
    /// Money, where it is a number.
    Money,
    /// A currency.
    Currency,
    /// A long text in HTML.
    Html,
    /// A label of a list.
    Label,
    /// A number.
    Number,
    /// Anything else, written as it is.
    Plain,
}

/// A field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) role: Role,
    /// Whether the customer made it.
    pub(super) custom: bool,
}

const fn field(name: &'static str, role: Role) -> Field {
    Field { name, role, custom: false }
}

const fn custom(name: &'static str, role: Role) -> Field {
    Field { name, role, custom: true }
}

const fn plain(name: &'static str) -> Field {
    field(name, Role::Plain)
}

const ID: Field = field("id", Role::Id);
const CREATED: Field = field("created_at", Role::Instant);
const UPDATED: Field = field("updated_at", Role::Stamp);

const OWNER: &[Field] = &[
    ID,
    plain("email"),
    plain("first_name"),
    plain("last_name"),
    field("role", Role::Label),
    plain("active"),
    plain("team"),
    field("default_commission_rate", Role::Number),
    CREATED,
    UPDATED,
];

const PIPELINE: &[Field] = &[
    ID,
    plain("name"),
    plain("team"),
    plain("record_type"),
    field("position", Role::Number),
    plain("active"),
    plain("stages"),
    CREATED,
    UPDATED,
];

const CLIENT: &[Field] = &[
    ID,
    plain("account_number"),
    plain("first_name"),
    plain("last_name"),
    plain("title"),
    plain("company"),
    plain("email"),
    plain("phone"),
    field("status", Role::Label),
    field("industry", Role::Label),
    plain("tags"),
    plain("website"),
    plain("billing_address"),
    field("owner_id", Role::Link(Object::Owner)),
    custom("supplier_tier", Role::Label),
    custom("artwork_formats", Role::Plain),
    plain("opted_out"),
    custom("birthday", Role::Day),
    field("notes", Role::Html),
    CREATED,
    UPDATED,
];

const LEAD: &[Field] = &[
    ID,
    plain("name"),
    plain("email"),
    plain("phone"),
    plain("company"),
    plain("pipeline"),
    plain("stage"),
    custom("score", Role::Number),
    custom("territory", Role::Label),
    field("source", Role::Label),
    field("owner_id", Role::Link(Object::Owner)),
    plain("converted"),
    field("client_id", Role::Link(Object::Client)),
    field("project_id", Role::Link(Object::Project)),
    CREATED,
    UPDATED,
];

const PROJECT: &[Field] = &[
    ID,
    plain("number"),
    plain("name"),
    field("client_id", Role::Link(Object::Client)),
    field("owner_id", Role::Link(Object::Owner)),
    field("pipeline_id", Role::Link(Object::Pipeline)),
    plain("stage"),
    field("status", Role::Label),
    field("value", Role::Money),
    field("currency", Role::Currency),
    field("order_date", Role::Day),
    field("in_hands_date", Role::Day),
    field("expected_close", Role::Day),
    field("closed_at", Role::Instant),
    field("rush", Role::Number),
    custom("customer_po", Role::Plain),
    custom("fulfillment_status", Role::Label),
    custom("decoration_method", Role::Label),
    field("notes_internal", Role::Html),
    CREATED,
    UPDATED,
];

const COMMISSION: &[Field] = &[
    ID,
    field("project_id", Role::Link(Object::Project)),
    field("rep_id", Role::Link(Object::Owner)),
    plain("rep_type"),
    custom("basis", Role::Label),
    field("base_amount", Role::Money),
    plain("rate"),
    field("amount", Role::Money),
    field("split", Role::Number),
    field("status", Role::Label),
    field("paid_date", Role::Day),
    CREATED,
    UPDATED,
];

const TASK: &[Field] = &[
    ID,
    plain("subject"),
    field("body", Role::Html),
    field("type", Role::Label),
    field("due_date", Role::Day),
    plain("due_time"),
    field("status", Role::Label),
    field("completed_at", Role::Instant),
    field("assignee_id", Role::Link(Object::Owner)),
    field("related_type", Role::AnyType),
    field("related_id", Role::AnyLink),
    CREATED,
    UPDATED,
];

const NOTE: &[Field] = &[
    ID,
    field("body", Role::Html),
    field("author_id", Role::Link(Object::Owner)),
    field("related_type", Role::AnyType),
    field("related_id", Role::AnyLink),
    CREATED,
    UPDATED,
];

const FILE: &[Field] = &[
    ID,
    plain("file_name"),
    field("project_id", Role::Link(Object::Project)),
    field("size", Role::Number),
    plain("mime_type"),
    CREATED,
    UPDATED,
];

/// The fields of an object, in the order in which rows have them.
pub(super) fn fields(object: Object) -> &'static [Field] {
    match object {
        Object::Owner => OWNER,
        Object::Pipeline => PIPELINE,
        Object::Client => CLIENT,
        Object::Lead => LEAD,
        Object::Project => PROJECT,
        Object::Commission => COMMISSION,
        Object::Task => TASK,
        Object::Note => NOTE,
        Object::File => FILE,
        _ => &[],
    }
}

/// The objects of the account, and its files.
pub(super) const SERVED: &[Object] = &[
    Object::Owner,
    Object::Pipeline,
    Object::Client,
    Object::Lead,
    Object::Project,
    Object::Commission,
    Object::Task,
    Object::Note,
    Object::File,
];
