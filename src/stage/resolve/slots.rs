//! Resolved values by field name, and the typed body that each kind of record is made of.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::body::whole;
use crate::pipedrive::{
    Activity, Address, Contact, CustomValues, Deal, DealStatus, Lead, LeadValue, Note, Organization, Participant,
    Person, Pipeline, Stage, to_body,
};
use crate::record::Entity;

/// A value with Pipedrive's ids in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resolved {
    Text(String),
    Texts(Vec<String>),
    Id(i64),
    Number(Decimal),
    Money(Decimal, String),
    Bool(bool),
    Contacts(Vec<Contact>),
}

/// Values by the name of their system field.
#[derive(Debug, Default)]
pub(super) struct Slots(HashMap<String, Resolved>);

impl Slots {
    /// The first value for a field stays: the mapping lists alternatives in order of preference.
    pub(super) fn put(&mut self, name: &str, value: Resolved) {
        self.0.entry(name.to_owned()).or_insert(value);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name)? {
            Resolved::Text(text) => Some(text),
            Resolved::Id(id) => Some(id.to_string()),
            _ => None,
        }
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        match self.0.remove(name) {
            Some(Resolved::Texts(texts)) => texts,
            _ => Vec::new(),
        }
    }

    fn id(&mut self, name: &str) -> Option<i64> {
        match self.0.remove(name)? {
            Resolved::Id(id) => Some(id),
            _ => None,
        }
    }

    fn whole(&mut self, name: &str) -> Option<i64> {
        match self.0.remove(name)? {
            Resolved::Number(number) => whole(number),
            Resolved::Id(number) => Some(number),
            _ => None,
        }
    }

    fn money(&mut self, name: &str) -> Option<(Decimal, String)> {
        match self.0.remove(name)? {
            Resolved::Money(amount, currency) => Some((amount, currency)),
            _ => None,
        }
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        match self.0.remove(name)? {
            Resolved::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    fn contacts(&mut self, name: &str) -> Vec<Contact> {
        match self.0.remove(name) {
            Some(Resolved::Contacts(contacts)) => contacts,
            _ => Vec::new(),
        }
    }

    fn address(&mut self, name: &str) -> Option<Address> {
        self.text(name).map(|value| Address { value })
    }
}

/// The body of one record.
pub(super) fn typed_body(entity: Entity, slots: &mut Slots, custom_fields: CustomValues) -> Map<String, Value> {
    match entity {
        Entity::Organization => to_body(&organization(slots, custom_fields)),
        Entity::Person => to_body(&person(slots, custom_fields)),
        Entity::Deal => to_body(&deal(slots, custom_fields)),
        Entity::Lead => lead(slots, custom_fields).to_body(),
        Entity::Activity => to_body(&activity(slots)),
        Entity::Note => to_body(&note(slots)),
        Entity::Pipeline => to_body(&Pipeline {
            name: slots.text("name").unwrap_or_default(),
            is_deal_probability_enabled: slots.flag("is_deal_probability_enabled").unwrap_or(false),
        }),
        Entity::Stage => to_body(&Stage {
            name: slots.text("name").unwrap_or_default(),
            pipeline_id: slots.id("pipeline_id").unwrap_or_default(),
            deal_probability: slots.whole("deal_probability"),
        }),
        // Users are matched, never written; the rest belongs to the workspace and has no draft.
        Entity::User
        | Entity::LeadLabel
        | Entity::ActivityType
        | Entity::OrganizationField
        | Entity::PersonField
        | Entity::DealField => Map::new(),
    }
}

fn organization(slots: &mut Slots, custom_fields: CustomValues) -> Organization {
    Organization {
        name: slots.text("name").unwrap_or_default(),
        owner_id: slots.id("owner_id"),
        add_time: slots.text("add_time"),
        address: slots.address("address"),
        label_ids: Vec::new(),
        website: slots.text("website"),
        linkedin: slots.text("linkedin"),
        annual_revenue: slots.whole("annual_revenue"),
        employee_count: slots.whole("employee_count"),
        custom_fields,
    }
}

fn person(slots: &mut Slots, custom_fields: CustomValues) -> Person {
    Person {
        name: slots.text("name").unwrap_or_default(),
        owner_id: slots.id("owner_id"),
        org_id: slots.id("org_id"),
        add_time: slots.text("add_time"),
        emails: slots.contacts("emails"),
        phones: slots.contacts("phones"),
        label_ids: Vec::new(),
        custom_fields,
    }
}

fn deal(slots: &mut Slots, custom_fields: CustomValues) -> Deal {
    let status = slots.text("status").and_then(|status| match status.as_str() {
        "won" => Some(DealStatus::Won),
        "lost" => Some(DealStatus::Lost),
        "open" => Some(DealStatus::Open),
        _ => None,
    });
    let (value, currency) = slots.money("value").unzip();
    // Each time is accepted with its own status only (OpenAPI v2).
    let mut only_if = |wanted: DealStatus, name: &str| slots.text(name).filter(|_| status == Some(wanted));
    let won_time = only_if(DealStatus::Won, "won_time");
    let lost_time = only_if(DealStatus::Lost, "lost_time");
    let lost_reason = only_if(DealStatus::Lost, "lost_reason");
    let is_closed = matches!(status, Some(DealStatus::Won | DealStatus::Lost));
    Deal {
        title: slots.text("title").unwrap_or_default(),
        owner_id: slots.id("owner_id"),
        person_id: slots.id("person_id"),
        org_id: slots.id("org_id"),
        pipeline_id: slots.id("pipeline_id"),
        stage_id: slots.id("stage_id"),
        value,
        currency,
        status,
        won_time,
        lost_time,
        close_time: slots.text("close_time").filter(|_| is_closed),
        lost_reason,
        expected_close_date: slots.text("expected_close_date"),
        probability: slots.whole("probability"),
        label_ids: Vec::new(),
        custom_fields,
    }
}

fn lead(slots: &mut Slots, custom_fields: CustomValues) -> Lead {
    Lead {
        title: slots.text("title").unwrap_or_default(),
        owner_id: slots.id("owner_id"),
        person_id: slots.id("person_id"),
        organization_id: slots.id("organization_id"),
        label_ids: slots.texts("label_ids"),
        value: slots.money("value").map(|(amount, currency)| LeadValue { amount, currency }),
        expected_close_date: slots.text("expected_close_date"),
        was_seen: slots.flag("was_seen"),
        custom_fields,
    }
}

fn activity(slots: &mut Slots) -> Activity {
    Activity {
        subject: slots.text("subject").unwrap_or_default(),
        activity_type: slots.text("type"),
        owner_id: slots.id("owner_id"),
        deal_id: slots.id("deal_id"),
        lead_id: slots.text("lead_id"),
        org_id: slots.id("org_id"),
        due_date: slots.text("due_date"),
        due_time: slots.text("due_time"),
        duration: slots.text("duration"),
        busy: slots.flag("busy"),
        location: slots.address("location"),
        public_description: slots.text("public_description"),
        done: slots.flag("done").unwrap_or(false),
        note: slots.text("note"),
        participants: slots
            .id("participants")
            .map(|person_id| Participant { person_id, primary: true })
            .into_iter()
            .collect(),
    }
}

fn note(slots: &mut Slots) -> Note {
    Note {
        content: slots.text("content").unwrap_or_default(),
        lead_id: slots.text("lead_id"),
        deal_id: slots.id("deal_id"),
        person_id: slots.id("person_id"),
        org_id: slots.id("org_id"),
        user_id: slots.id("user_id"),
        add_time: slots.text("add_time"),
    }
}
