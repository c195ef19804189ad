//! What people do in the web application while a migration runs: edits that cost no tokens and appear in no book.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::activities::Activity;
use super::activity_types::ActivityType;
use super::call_logs::CallLog;
use super::check::{Body, Purpose};
use super::comments::Comment;
use super::convert;
use super::crud::{self, Resource};
use super::deal_products::DealProduct;
use super::deals::Deal;
use super::envelope::Refusal;
use super::fields::{self, Input, Owner};
use super::files::File;
use super::lead_labels::LeadLabel;
use super::leads::{self, Lead};
use super::limits::Arrival;
use super::links::{self, Anchor};
use super::merge;
use super::notes::Note;
use super::noun::Noun;
use super::organizations::Organization;
use super::participants::Participant;
use super::persons::Person;
use super::pipelines::{Pipeline, Stage};
use super::products::Product;
use super::route::{Collection, Operation};
use super::state::{Act, State};
use crate::record::named_enum;

named_enum! {
    /// What people do with a record.
    PeopleAction {
        /// They make one.
        Create = "create",
        /// They change one.
        Update = "update",
        /// They delete one.
        Delete = "delete",
        /// They turn a lead into a deal, or a deal into a lead, which the answer then is; the first is gone.
        Convert = "convert",
        /// They merge one into another, which the answer then is; `merge_with_id` among the fields names it.
        Merge = "merge",
        /// They make a copy of one with all its fields, custom ones too, as the web application does with deals.
        Duplicate = "duplicate",
    }
}

/// One edit by people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleEdit {
    /// What they do.
    pub action: PeopleAction,
    /// With what kind of record.
    pub entity: Noun,
    /// Id of the record (a field's code for fields), as text or number; empty when one is made.
    #[serde(default, deserialize_with = "text_or_number")]
    pub id: String,
    /// Keys as in the body of the API.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

impl PeopleEdit {
    /// An edit of an existing record, without fields.
    #[must_use]
    pub fn new(action: PeopleAction, entity: impl Into<Noun>, id: impl ToString) -> Self {
        Self { action, entity: entity.into(), id: id.to_string(), fields: Map::new() }
    }

    /// The same with fields: the keys of a JSON object; anything else has none.
    #[must_use]
    pub fn with(mut self, fields: Value) -> Self {
        if let Value::Object(fields) = fields {
            self.fields = fields;
        }
        self
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("id is a text or a number")),
    }
}

/// An act of people, in the name of the administrator, that lists show as late as the account's own lag.
pub(super) fn act(state: &State, arrival: Arrival) -> Act {
    let user = state.users.first().map_or(0, |user| user.id);
    Act {
        user,
        by_api: false,
        now: arrival.at,
        moment: arrival.moment,
        lag: state.settings.list_lag,
        search_lag: state.settings.search_lag,
    }
}

/// Carries out an edit; the answer is the record afterwards.
///
/// # Errors
/// The refusal that the API would give, or 404 for what people cannot edit here.
pub(super) fn edit(state: &mut State, act: &Act, edit: PeopleEdit) -> Result<Value, Refusal> {
    match edit.entity {
        noun if edit.action == PeopleAction::Merge => merge_records(state, act, noun, &edit),
        Noun::Deal if edit.action == PeopleAction::Convert => {
            let number = crud::number::<Deal>(state, &edit.id)?;
            let lead = convert::deal_to_lead(state, act, number)?;
            record::<Lead>(state, crud::number::<Lead>(state, &lead.to_string())?)
        }
        Noun::Organization => edit_record::<Organization>(state, act, edit),
        Noun::Person => edit_record::<Person>(state, act, edit),
        Noun::Deal => edit_record::<Deal>(state, act, edit),
        Noun::Lead if edit.action == PeopleAction::Convert => {
            let number = crud::number::<Lead>(state, &edit.id)?;
            let lead = crud::live::<Lead>(state, number)?.uuid();
            let number = leads::convert(state, act, number, None)?;
            links::shift(state, act, Anchor::Lead(lead), Anchor::Deal(number));
            record::<Deal>(state, number)
        }
        Noun::Lead => edit_record::<Lead>(state, act, edit),
        Noun::LeadLabel => edit_record::<LeadLabel>(state, act, edit),
        Noun::Activity => edit_record::<Activity>(state, act, edit),
        Noun::ActivityType => edit_record::<ActivityType>(state, act, edit),
        Noun::Note => edit_record::<Note>(state, act, edit),
        Noun::Product => edit_record::<Product>(state, act, edit),
        Noun::File => edit_record::<File>(state, act, edit),
        Noun::DealProduct => edit_record::<DealProduct>(state, act, edit),
        Noun::Pipeline => edit_record::<Pipeline>(state, act, edit),
        Noun::Stage => edit_record::<Stage>(state, act, edit),
        Noun::OrganizationField => edit_field(state, act, Owner::Organization, &edit),
        Noun::PersonField => edit_field(state, act, Owner::Person, &edit),
        Noun::DealField => edit_field(state, act, Owner::Deal, &edit),
        Noun::ProductField => edit_field(state, act, Owner::Product, &edit),
        Noun::Comment => edit_record::<Comment>(state, act, edit),
        Noun::User | Noun::Participant | Noun::CallLog | Noun::Webhook => Err(Refusal::not_found("Edit of this kind")),
    }
}

/// All records of a kind as the API writes them, deleted ones too, each with `is_deleted`.
pub(super) fn rows(state: &State, noun: Noun) -> Vec<Value> {
    match noun {
        Noun::Organization => all::<Organization>(state),
        Noun::Person => all::<Person>(state),
        Noun::Deal => all::<Deal>(state),
        Noun::Lead => all::<Lead>(state),
        Noun::LeadLabel => all::<LeadLabel>(state),
        Noun::Activity => all::<Activity>(state),
        Noun::ActivityType => all::<ActivityType>(state),
        Noun::Note => all::<Note>(state),
        Noun::Product => all::<Product>(state),
        Noun::DealProduct => all::<DealProduct>(state),
        Noun::Participant => all::<Participant>(state),
        Noun::Comment => all::<Comment>(state),
        Noun::File => all::<File>(state),
        Noun::CallLog => all::<CallLog>(state),
        Noun::Webhook => Vec::new(),
        Noun::Pipeline => all::<Pipeline>(state),
        Noun::Stage => all::<Stage>(state),
        Noun::OrganizationField => state.organization_fields.rows(),
        Noun::PersonField => state.person_fields.rows(),
        Noun::DealField => state.deal_fields.rows(),
        Noun::ProductField => state.product_fields.rows(),
        Noun::User => state.users.iter().filter_map(|user| serde_json::to_value(user).ok()).collect(),
    }
}

fn all<R: Resource>(state: &State) -> Vec<Value> {
    R::table(state).iter().map(|row| value(state, row.as_ref())).collect()
}

fn value<R: Resource>(state: &State, row: &R) -> Value {
    let mut text = Vec::new();
    row.write(state, None, &mut text);
    let mut value: Value = serde_json::from_slice(&text).unwrap_or_default();
    value["is_deleted"] = Value::Bool(row.meta().is_deleted);
    value
}

fn edit_record<R: Resource>(state: &mut State, act: &Act, edit: PeopleEdit) -> Result<Value, Refusal> {
    let number = match edit.action {
        PeopleAction::Create => crud::create::<R>(state, act, Body::new(edit.fields, Purpose::Create))?,
        action => {
            let number = crud::number::<R>(state, &edit.id)?;
            match action {
                PeopleAction::Delete => crud::delete::<R>(state, act, number)?,
                PeopleAction::Duplicate => return duplicate::<R>(state, act, number),
                PeopleAction::Convert => return Err(Refusal::forbidden("Only leads and deals are converted")),
                _ => crud::update::<R>(state, act, number, Body::new(edit.fields, Purpose::Update))?,
            }
            number
        }
    };
    record::<R>(state, number)
}

fn record<R: Resource>(state: &State, number: u64) -> Result<Value, Refusal> {
    R::table(state).get(number).map(|row| value(state, row.as_ref())).ok_or_else(|| Refusal::not_found(R::NAME))
}

fn merge_records(state: &mut State, act: &Act, noun: Noun, edit: &PeopleEdit) -> Result<Value, Refusal> {
    let wrong = || Refusal::invalid(&["merge_with_id: Expected the ids of two records".to_owned()]);
    let survivor = edit.fields.get("merge_with_id").and_then(Value::as_u64).ok_or_else(wrong)?;
    let gone = edit.id.parse().ok().filter(|gone| *gone != survivor).ok_or_else(wrong)?;
    match noun {
        Noun::Organization => merge::merge::<Organization>(state, act, survivor, gone)?,
        Noun::Person => merge::merge::<Person>(state, act, survivor, gone)?,
        Noun::Deal => merge::merge::<Deal>(state, act, survivor, gone)?,
        _ => return Err(Refusal::forbidden("Only organizations, persons and deals are merged")),
    }
    match noun {
        Noun::Organization => record::<Organization>(state, survivor),
        Noun::Person => record::<Person>(state, survivor),
        _ => record::<Deal>(state, survivor),
    }
}

fn duplicate<R: Resource>(state: &mut State, act: &Act, number: u64) -> Result<Value, Refusal> {
    let number = crud::duplicate::<R>(state, act, number)?;
    record::<R>(state, number)
}

/// Deletes the first custom field that a body names by its code; nothing if it names none.
pub(super) fn delete_field(state: &mut State, act: &Act, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    for owner in Owner::ALL {
        let named = state.fields(owner).live_custom().find(|field| text.contains(&field.code));
        if let Some(code) = named.map(|field| field.code.clone()) {
            let edit = PeopleEdit::new(PeopleAction::Delete, owner.noun(), &code);
            // It was found just now, so nothing can refuse it.
            drop(edit_field(state, act, owner, &edit));
            return;
        }
    }
}

/// Deletes the record that a path names, if it is one that people delete.
pub(super) fn delete_record(state: &mut State, act: &Act, collection: Collection, id: &str) {
    let noun = match collection {
        Collection::Organizations => Noun::Organization,
        Collection::Persons => Noun::Person,
        Collection::Deals | Collection::DealProducts | Collection::Participants => Noun::Deal,
        Collection::Leads => Noun::Lead,
        Collection::Activities => Noun::Activity,
        Collection::Notes | Collection::Comments => Noun::Note,
        Collection::Products => Noun::Product,
        Collection::Files => Noun::File,
        Collection::Pipelines => Noun::Pipeline,
        Collection::Stages => Noun::Stage,
        _ => return,
    };
    // A record that is gone already stays gone.
    drop(edit(state, act, PeopleEdit::new(PeopleAction::Delete, noun, id)));
}

fn edit_field(state: &mut State, act: &Act, owner: Owner, edit: &PeopleEdit) -> Result<Value, Refusal> {
    let operation = match edit.action {
        PeopleAction::Create => Operation::Create,
        PeopleAction::Update => Operation::Update,
        PeopleAction::Delete => Operation::Delete,
        _ => return Err(Refusal::forbidden("Fields are neither copied nor converted")),
    };
    let body = Value::Object(edit.fields.clone()).to_string();
    let input = Input { sub: "", query: "", kind: "", body: body.as_bytes() };
    let answer = fields::perform(state, act, (owner, operation), &edit.id, input)?;
    let mut answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    Ok(answer["data"].take())
}
