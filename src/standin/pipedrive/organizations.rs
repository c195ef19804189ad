//! Organizations (API v2). Facts: fact sheet 5.2.

use serde::{Deserialize, Serialize};

use serde_json::{Value, json};

use super::address::Address;
use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom::Custom;
use super::extras;
use super::fields::Owner;
use super::links::Anchor;
use super::list::{Filter, Listed};
use super::merge::Mergeable;
use super::noun::Noun;
use super::saved::Saved;
use super::state::{Act, State};
use super::system;
use super::table::{Meta, Row, Table};

/// One organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Organization {
    #[serde(flatten, skip_deserializing)]
    meta: Meta,
    name: String,
    owner_id: u64,
    address: Option<Box<Address>>,
    visible_to: u64,
    label_ids: Vec<u64>,
    /// Only in accounts that have the feature.
    #[serde(flatten, skip_deserializing)]
    profile: Option<Box<Profile>>,
    #[serde(skip)]
    custom: Custom,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
struct Profile {
    website: Option<String>,
    linkedin: Option<String>,
    industry: Option<u64>,
    annual_revenue: Option<u64>,
    employee_count: Option<u64>,
}

impl Row for Organization {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Organization {
    const NOUN: Noun = Noun::Organization;
    const NAME: &'static str = "Organization";

    fn table(state: &State) -> &Table<Self> {
        &state.organizations
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.organizations
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            name: String::new(),
            owner_id: act.user,
            address: None,
            visible_to: state.default_visibility(),
            label_ids: Vec::new(),
            profile: state.settings.organization_profile.then(Box::default),
            custom: Custom::default(),
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, act: &Act) {
        body.require("name");
        body.put("name", &mut self.name, check::text(check::LINE_MAX));
        system::read_owner(body, state, &mut self.owner_id);
        system::read_visibility(body, state, &mut self.visible_to);
        system::read_labels(body, state, Owner::Organization, &mut self.label_ids);
        if body.purpose == Purpose::Create {
            system::read_add_time(body, state, act, &mut self.meta.add_time, check::instant);
        }
        body.put_or_null("address", &mut self.address, |value| Address::read(value).map(Box::new));
        if let Some(profile) = &mut self.profile {
            body.put_or_null("website", &mut profile.website, check::text(check::LINE_MAX));
            body.put_or_null("linkedin", &mut profile.linkedin, check::text(check::LINE_MAX));
            let has = |id| state.organization_fields.get("industry").is_some_and(|field| field.has_option(id));
            body.put_or_null("industry", &mut profile.industry, check::link("Option", has));
            body.put_or_null("annual_revenue", &mut profile.annual_revenue, check::whole(0, u64::MAX));
            body.put_or_null("employee_count", &mut profile.employee_count, check::whole(0, u64::MAX));
        }
        system::read_custom(body, state, Owner::Organization, &mut self.custom);
    }

    fn is_seen_by(&self, user: u64) -> bool {
        self.visible_to != system::OWNER_ONLY || self.owner_id == user
    }

    fn write(&self, state: &State, only: Option<&[String]>, out: &mut Vec<u8>) {
        crud::write_with_custom(self, &self.custom, &state.organization_fields, only, out);
    }
}

impl Mergeable for Organization {
    fn absorb(&mut self, other: &Self) {
        if self.address.is_none() {
            self.address.clone_from(&other.address);
        }
        system::unite(&mut self.label_ids, &other.label_ids);
        self.custom.fill(&other.custom);
    }

    fn anchor(id: u64) -> Anchor {
        Anchor::Organization(id)
    }
}

impl Saved for Organization {
    fn custom(&self) -> Option<&Custom> {
        Some(&self.custom)
    }

    fn set_custom(&mut self, custom: Custom) {
        self.custom = custom;
    }

    fn rest(&self) -> Value {
        json!(self.profile)
    }

    fn set_rest(&mut self, rest: Value) -> serde_json::Result<()> {
        self.profile = serde_json::from_value(rest)?;
        Ok(())
    }
}

impl Listed for Organization {
    const INCLUDES: &'static [&'static str] = extras::OF_ORGANIZATIONS;
    const FILTERS: &'static [&'static str] = &["ids", "filter_id", "owner_id", "updated_since", "updated_until"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        Filter::is(filter.owner_id, Some(self.owner_id))
    }
}

impl Organization {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
