//! From a draft with symbolic values to a typed body with Pipedrive's ids. Pure: everything outside is looked up before.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value};

use super::owners::{Assignment, OwnerBook};
use super::slots::{Resolved, Slots, typed_body};
use super::workspace::{FieldKey, StageKey, Workspace};
use crate::mapping::Mapping;
use crate::mapping::field::custom_owner;
use crate::mapping::pipelines::Fallback;
use crate::pipedrive::{Api, Contact, CustomValue, CustomValues, route};
use crate::record::{BindingKey, ContactValue, Draft, Entity, FieldValue, Finding, LinkTarget, Target};

/// What stands behind a link at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinkState {
    /// This Pipedrive record.
    There(Arc<str>),
    /// The record is known and has no Pipedrive record yet.
    NotYet(String),
    /// The record will not have one (rejected, or left out by rule).
    Never(String),
    /// No such record was ever read.
    Unknown,
}

/// What bodies are made with.
pub(super) struct Desk<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) workspace: &'a Workspace,
    pub(super) owners: &'a OwnerBook,
    pub(super) links: &'a HashMap<BindingKey, LinkState>,
}

/// Why a draft has no body (yet).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It waits: for what, and why in words.
    Waits(&'static str, String),
    /// It can never be written.
    Impossible(String),
}

/// A body, and what was noticed while making it.
#[derive(Debug, PartialEq)]
pub(super) struct Assembled {
    pub(super) body: Result<Map<String, Value>, Obstacle>,
    pub(super) findings: Vec<Finding>,
}

/// One value that could not be resolved.
enum Gap {
    Waits(&'static str, String),
    Lost(Finding),
}

/// Which binding a link points at.
pub(super) fn link_key(link: &LinkTarget) -> BindingKey {
    BindingKey::new(link.object, link.value.as_str(), link.role.as_str())
}

/// Makes the body of a draft.
pub(super) fn assemble(draft: &Draft, desk: &Desk<'_>) -> Assembled {
    let mut work =
        Work { entity: draft.entity, desk, slots: Slots::default(), custom: BTreeMap::new(), findings: Vec::new() };
    let mut waits = None;
    for (target, value) in &draft.fields {
        match work.put(target, value) {
            Ok(()) => {}
            Err(Gap::Waits(what, why)) => waits = waits.or(Some(Obstacle::Waits(what, why))),
            Err(Gap::Lost(finding)) => work.findings.push(finding),
        }
    }
    let Work { mut slots, custom, findings, .. } = work;
    let body = match (waits, missing(draft.entity, &slots)) {
        (Some(waits), _) => Err(waits),
        (None, Some(impossible)) => Err(Obstacle::Impossible(impossible)),
        (None, None) => Ok(typed_body(draft.entity, &mut slots, custom)),
    };
    Assembled { body, findings }
}

/// What Pipedrive refuses a record without.
fn missing(entity: Entity, slots: &Slots) -> Option<String> {
    let any = |names: &[&str]| names.iter().any(|name| slots.has(name));
    match entity {
        Entity::Lead if !any(&["person_id", "organization_id"]) => {
            Some("a lead needs a person or an organization, and neither is there".to_owned())
        }
        Entity::Note if !any(&["lead_id", "deal_id", "person_id", "org_id"]) => {
            Some("the record that the note belongs to does not exist".to_owned())
        }
        _ => None,
    }
}

struct Work<'a> {
    entity: Entity,
    desk: &'a Desk<'a>,
    slots: Slots,
    custom: CustomValues,
    findings: Vec<Finding>,
}

impl Work<'_> {
    fn put(&mut self, target: &Target, value: &FieldValue) -> Result<(), Gap> {
        match target {
            Target::System(name) => {
                let resolved = self.system(name, value)?;
                if let Some(resolved) = resolved {
                    self.slots.put(name, resolved);
                }
                Ok(())
            }
            Target::Custom(name) => {
                let owner = custom_owner(self.entity);
                let key = owner.and_then(|owner| self.desk.workspace.field(owner, name)).ok_or_else(|| {
                    Gap::Waits("workspace", format!("the custom field '{name}' is not in the workspace"))
                })?;
                let value = self.custom(name, key, value)?;
                self.custom.insert(key.code.clone(), value);
                Ok(())
            }
        }
    }

    fn system(&mut self, name: &str, value: &FieldValue) -> Result<Option<Resolved>, Gap> {
        Ok(Some(match value {
            FieldValue::Owner(owner) => Resolved::Id(self.user(owner)?),
            FieldValue::Link(link) => match self.link(name, link)? {
                Some(id) => id,
                None => return Ok(None),
            },
            FieldValue::Stage { pipeline, stage } => {
                let key = self.stage(pipeline.as_deref(), stage)?;
                if self.desk.mapping.pipelines.status_from_stage && !self.slots.has("status") && key.kind != "open" {
                    self.slots.put("status", Resolved::Text(key.kind.clone()));
                }
                self.slots.put("pipeline_id", Resolved::Id(key.pipeline_id));
                Resolved::Id(key.stage_id)
            }
            FieldValue::Choices(labels) if self.entity == Entity::Lead && name == "label_ids" => {
                Resolved::Texts(labels.iter().map(|label| self.lead_label(label)).collect::<Result<_, _>>()?)
            }
            FieldValue::Choice(label) if self.entity == Entity::Activity && name == "type" => {
                Resolved::Text(self.activity_type(label)?)
            }
            FieldValue::Choice(text) | FieldValue::Text(text) | FieldValue::Html(text) => Resolved::Text(text.clone()),
            FieldValue::Address(text) | FieldValue::Time(text) => Resolved::Text(text.clone()),
            FieldValue::Number(number) => Resolved::Number(*number),
            FieldValue::Money { amount, currency } => Resolved::Money(*amount, currency.clone()),
            FieldValue::Date(date) => Resolved::Text(date.to_string()),
            FieldValue::Timestamp(time) => Resolved::Text(wire_time(self.entity, *time)),
            FieldValue::Bool(flag) => Resolved::Bool(*flag),
            FieldValue::Emails(values) | FieldValue::Phones(values) => Resolved::Contacts(contacts(values)),
            FieldValue::Choices(_) => return Err(lost(name, "labels of this kind of record are not written")),
        }))
    }

    fn custom(&mut self, name: &str, key: &FieldKey, value: &FieldValue) -> Result<CustomValue, Gap> {
        let option = |label: &str| {
            let id = key.options.get(label.trim()).copied();
            id.ok_or_else(|| Gap::Waits("option", format!("field '{name}' has no option '{label}' yet")))
        };
        Ok(match value {
            FieldValue::Choice(label) => CustomValue::Option(option(label)?),
            FieldValue::Bool(flag) => CustomValue::Option(option(if *flag { "Yes" } else { "No" })?),
            FieldValue::Choices(labels) => {
                let mut ids = labels.iter().map(|label| option(label)).collect::<Result<Vec<_>, _>>()?;
                ids.sort_unstable();
                CustomValue::Options(ids)
            }
            FieldValue::Text(text) | FieldValue::Html(text) => CustomValue::Text(text.clone()),
            FieldValue::Number(number) => CustomValue::Number(*number),
            FieldValue::Money { amount, currency } => {
                CustomValue::Money { amount: *amount, currency: currency.clone() }
            }
            FieldValue::Date(date) => CustomValue::Date(date.to_string()),
            FieldValue::Time(text) => CustomValue::Time(text.clone()),
            FieldValue::Timestamp(time) => CustomValue::Text(time.to_string()),
            FieldValue::Address(text) => CustomValue::Address(text.clone()),
            FieldValue::Owner(owner) => CustomValue::User(self.user(owner)?),
            FieldValue::Emails(values) | FieldValue::Phones(values) => {
                let texts: Vec<&str> = values.iter().map(|contact| contact.value.as_str()).collect();
                CustomValue::Text(texts.join(", "))
            }
            FieldValue::Link(_) | FieldValue::Stage { .. } => {
                return Err(lost(name, "links and stages have no form in a custom field"));
            }
        })
    }

    /// The user for an owner; a reassigned owner's name goes into its field.
    fn user(&mut self, owner: &str) -> Result<i64, Gap> {
        match self.desk.owners.assignment(owner) {
            Assignment::User(user) => Ok(user),
            Assignment::Waits(why) => Err(Gap::Waits("owner", why)),
            Assignment::Reassigned(user, original) => {
                let field = self.desk.mapping.owners.original_field.as_deref();
                let key = field.and_then(|field| self.desk.workspace.field(custom_owner(self.entity)?, field));
                if let Some(key) = key {
                    self.custom.insert(key.code.clone(), CustomValue::Text(original));
                }
                Ok(user)
            }
        }
    }

    fn link(&mut self, name: &str, link: &LinkTarget) -> Result<Option<Resolved>, Gap> {
        if !link.several.is_empty() {
            // The first of them would be a guess that nobody notices.
            let (object, value, ids) = (link.object, &link.value, link.several.join(", "));
            return Err(Gap::Waits("link", format!("several {object} records are called '{value}': {ids}")));
        }
        match self.desk.links.get(&link_key(link)).unwrap_or(&LinkState::Unknown) {
            LinkState::There(id) => Ok(Some(match id.parse() {
                Ok(id) => Resolved::Id(id),
                Err(_) => Resolved::Text(id.to_string()),
            })),
            LinkState::NotYet(why) => Err(Gap::Waits("link", why.clone())),
            // Left out by rule or rejected: the record goes on without it. Said once, on the record that lost it.
            LinkState::Never(why) => {
                self.findings.push(Finding::new("lost_link", name, format!("{} {}: {why}", link.object, link.value)));
                Ok(None)
            }
            LinkState::Unknown => {
                let detail = format!("{} {} does not exist at the source", link.object, link.value);
                Err(Gap::Lost(Finding::new("broken_link", name, detail)))
            }
        }
    }

    fn stage(&mut self, pipeline: Option<&str>, stage: &str) -> Result<StageKey, Gap> {
        let workspace = self.desk.workspace;
        if let Some(key) = workspace.stage(pipeline, stage) {
            return Ok(key.clone());
        }
        let stand_in = match &self.desk.mapping.pipelines.fallback {
            Fallback::Park => None,
            Fallback::FirstOpen => workspace.first_open(pipeline),
            Fallback::Stage(name) => workspace.stage(pipeline, name),
        };
        let unknown = format!("stage '{stage}' is not in pipeline '{}'", pipeline.unwrap_or_default());
        let Some(key) = stand_in else { return Err(Gap::Waits("stage", unknown)) };
        self.findings.push(Finding::new("unknown_stage", "stage", format!("{unknown}; put into '{}'", key.name)));
        Ok(key.clone())
    }

    fn lead_label(&self, label: &str) -> Result<String, Gap> {
        let found = self.desk.workspace.lead_labels.get(&crate::record::fold_name(label)).cloned();
        found.ok_or_else(|| Gap::Waits("option", format!("there is no lead label '{label}' yet")))
    }

    fn activity_type(&self, name: &str) -> Result<String, Gap> {
        let found = self.desk.workspace.activity_types.get(&crate::record::fold_name(name)).cloned();
        found.ok_or_else(|| Gap::Waits("workspace", format!("there is no activity type '{name}' yet")))
    }
}

fn lost(field: &str, why: &str) -> Gap {
    Gap::Lost(Finding::new("not_written", field, why))
}

fn contacts(values: &[ContactValue]) -> Vec<Contact> {
    let contact = |(index, contact): (usize, &ContactValue)| Contact {
        value: contact.value.clone(),
        primary: index == 0,
        label: contact.label.clone(),
    };
    values.iter().enumerate().map(contact).collect()
}

/// Whole seconds, UTC, in the form of the record's API version.
fn wire_time(entity: Entity, time: jiff::Timestamp) -> String {
    let time = time.to_zoned_datetime(TimeZone::UTC);
    let form = if route(entity).api == Api::V1 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%dT%H:%M:%SZ" };
    time.strftime(form).to_string()
}

/// Whole numbers for fields that take no others.
pub(super) fn whole(number: Decimal) -> Option<i64> {
    number.round().to_i64()
}
