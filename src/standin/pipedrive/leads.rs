//! Leads (API v1). Facts: fact sheet 5.5. A lead needs a person or an organization, cannot be back-dated, and takes the
//! custom fields of deals as flat keys.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom::{self, Custom};
use super::custom_flat;
use super::deals::{Deal, FromLead};
use super::envelope::Refusal;
use super::lead_labels;
use super::links::{Linked, Links};
use super::list::{Filter, Listed};
use super::noun::Noun;
use super::pipelines;
use super::saved::Saved;
use super::state::{Act, State};
use super::system;
use super::table::{Meta, Row, Table};
use super::texts;
use super::users;

/// One lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lead {
    #[serde(skip)]
    meta: Meta,
    #[serde(with = "texts::uuid_text")]
    id: Uuid,
    title: String,
    owner_id: u64,
    creator_id: u64,
    #[serde(with = "texts::uuid_texts")]
    label_ids: Vec<Uuid>,
    person_id: Option<u64>,
    organization_id: Option<u64>,
    origin_id: Option<String>,
    channel: Option<u64>,
    channel_id: Option<String>,
    is_archived: bool,
    #[serde(default)]
    archive_time: Option<Timestamp>,
    was_seen: bool,
    value: Option<(Decimal, String)>,
    expected_close_date: Option<Date>,
    visible_to: u64,
    /// Made by people, which its origin says for ever.
    is_manual: bool,
    /// The deal that it was.
    source_deal_id: Option<u64>,
    #[serde(skip)]
    custom: Custom,
}

/// A lead in the words of API v1, without its custom fields.
#[derive(Serialize)]
struct View<'lead> {
    id: String,
    title: &'lead str,
    owner_id: u64,
    creator_id: u64,
    label_ids: Vec<String>,
    person_id: Option<u64>,
    organization_id: Option<u64>,
    source_name: &'static str,
    origin: &'static str,
    origin_id: Option<&'lead str>,
    channel: Option<u64>,
    channel_id: Option<&'lead str>,
    source_deal_id: Option<u64>,
    is_archived: bool,
    archive_time: Option<String>,
    was_seen: bool,
    value: Option<Money<'lead>>,
    expected_close_date: Option<Date>,
    next_activity_id: Option<u64>,
    add_time: String,
    update_time: String,
    visible_to: String,
    cc_email: String,
}

#[derive(Serialize)]
struct Money<'lead> {
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    amount: Decimal,
    currency: &'lead str,
}

impl Row for Lead {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Lead {
    const NOUN: Noun = Noun::Lead;
    const NAME: &'static str = "requested lead";

    fn table(state: &State) -> &Table<Self> {
        &state.leads
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.leads
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.millisecond(), act.by_api),
            id: state.uuid(),
            title: String::new(),
            owner_id: act.user,
            creator_id: act.user,
            label_ids: Vec::new(),
            person_id: None,
            organization_id: None,
            origin_id: None,
            channel: None,
            channel_id: None,
            is_archived: false,
            archive_time: None,
            was_seen: act.by_api,
            value: None,
            expected_close_date: None,
            visible_to: state.default_visibility(),
            is_manual: !act.by_api,
            source_deal_id: None,
            custom: Custom::default(),
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, act: &Act) {
        if body.purpose == Purpose::Update {
            let was_archived = self.is_archived;
            body.put("is_archived", &mut self.is_archived, check::flag);
            if was_archived && self.is_archived {
                body.refuse(Refusal::forbidden("Archived leads cannot be changed"));
            }
            if was_archived != self.is_archived {
                self.archive_time = self.is_archived.then(|| act.millisecond());
            }
        } else {
            body.put_or_null("origin_id", &mut self.origin_id, check::any_text(check::LINE_MAX));
        }
        body.require("title");
        body.put("title", &mut self.title, check::text(check::LINE_MAX));
        system::read_owner(body, state, &mut self.owner_id);
        self.read_parents(body, state);
        body.put("label_ids", &mut self.label_ids, |value| {
            check::list(|item| {
                let id = check::uuid(item)?;
                if lead_labels::exists(state, id) { Ok(id) } else { Err(format!("Label {id} does not exist")) }
            })(value)
        });
        body.put_or_null("value", &mut self.value, |value| read_value(value, state));
        body.put_or_null("expected_close_date", &mut self.expected_close_date, check::day);
        body.put("was_seen", &mut self.was_seen, check::flag);
        body.put_or_null("channel", &mut self.channel, check::whole(0, u64::MAX));
        body.put_or_null("channel_id", &mut self.channel_id, check::any_text(check::LINE_MAX));
        let allowed = system::visibilities(state);
        body.put("visible_to", &mut self.visible_to, |value| {
            let Value::String(text) = value else { return Err(check::expected("string", value)) };
            let level = text.parse().ok().filter(|level| allowed.contains(level));
            level.ok_or_else(|| format!("Expected one of {allowed:?} as text on this plan"))
        });
        custom_flat::read(&mut self.custom, body, &state.deal_fields, state);
    }

    fn write(&self, state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        let manual = self.is_manual;
        let labels = self.label_ids.iter().filter(|id| lead_labels::exists(state, **id));
        let view = View {
            id: self.id.to_string(),
            title: &self.title,
            owner_id: self.owner_id,
            creator_id: self.creator_id,
            label_ids: labels.map(Uuid::to_string).collect(),
            person_id: self.person_id,
            organization_id: self.organization_id,
            source_name: if manual { "Manually created" } else { "API" },
            origin: if manual { "ManuallyCreated" } else { "API" },
            origin_id: self.origin_id.as_deref(),
            channel: self.channel,
            channel_id: self.channel_id.as_deref(),
            source_deal_id: self.source_deal_id,
            is_archived: self.is_archived,
            archive_time: self.archive_time.map(with_milliseconds),
            was_seen: self.was_seen,
            value: self.value.as_ref().map(|(amount, currency)| Money { amount: *amount, currency }),
            expected_close_date: self.expected_close_date,
            next_activity_id: None,
            add_time: with_milliseconds(self.meta.add_time),
            update_time: with_milliseconds(self.meta.update_time),
            visible_to: self.visible_to.to_string(),
            cc_email: format!("{}+lead{}@pipedrivemail.example", state.settings.company_domain, self.meta.id),
        };
        custom::write_json(&view, out);
        out.pop();
        custom_flat::write(&self.custom, &state.deal_fields, out);
        out.push(b'}');
    }

    fn number(state: &State, id: &str) -> Option<u64> {
        state.lead_numbers.get(&Uuid::parse_str(id).ok()?).copied()
    }

    fn public_id(&self) -> Value {
        Value::from(self.id.to_string())
    }

    fn renew(&mut self, state: &mut State) {
        self.id = state.uuid();
        // The API copies no leads: whoever copies one is a person.
        self.is_manual = true;
    }

    fn stamp(act: &Act) -> Timestamp {
        act.millisecond()
    }

    fn is_archived(&self) -> bool {
        !self.meta.is_deleted && self.is_archived
    }

    fn is_seen_by(&self, user: u64) -> bool {
        self.visible_to != system::OWNER_ONLY || self.owner_id == user
    }

    fn is_active(&self) -> bool {
        !self.meta.is_deleted && !self.is_archived
    }

    fn is_lenient(state: &State) -> bool {
        !state.settings.strict_leads
    }

    fn made(state: &mut State, number: u64, _act: &Act) {
        if let Some(lead) = state.leads.get(number) {
            state.lead_numbers.insert(lead.id, number);
        }
    }
}

impl Lead {
    pub(super) fn uuid(&self) -> Uuid {
        self.id
    }

    /// Takes over what a deal leaves to the lead that takes its place.
    pub(super) fn take_over(&mut self, deal: u64, custom: Custom) {
        (self.source_deal_id, self.custom) = (Some(deal), custom);
    }

    fn read_parents(&mut self, body: &mut Body, state: &State) {
        let named = [body.has("person_id"), body.has("organization_id")];
        let person = check::link("Person", |id| state.persons.live(id).is_some());
        let organization = check::link("Organization", |id| state.organizations.live(id).is_some());
        let well = [
            body.put_or_null("person_id", &mut self.person_id, person),
            body.put_or_null("organization_id", &mut self.organization_id, organization),
        ];
        // A parent that was named and is wrong has its own problem.
        let wrong = (0..2).any(|place| named[place] && !well[place]);
        if !wrong && self.person_id.is_none() && self.organization_id.is_none() {
            body.problem("person_id", "A lead must be linked to a person_id or an organization_id");
        }
    }
}

impl Linked for Lead {
    fn links_mut(&mut self) -> Links<'_> {
        Links { person: Some(&mut self.person_id), organization: Some(&mut self.organization_id), ..Links::default() }
    }
}

impl Saved for Lead {
    fn custom(&self) -> Option<&Custom> {
        Some(&self.custom)
    }

    fn set_custom(&mut self, custom: Custom) {
        self.custom = custom;
    }
}

impl Listed for Lead {
    const FILTERS: &'static [&'static str] =
        &["owner_id", "person_id", "organization_id", "updated_since", "filter_id"];
    const ORDERS: &'static [&'static str] =
        &["id", "title", "owner_id", "creator_id", "was_seen", "expected_close_date", "next_activity_id"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        self.is_archived == filter.archived
            && Filter::is(filter.owner_id, Some(self.owner_id))
            && Filter::is(filter.person_id, self.person_id)
            && Filter::is(filter.org_id, self.organization_id)
    }

    fn place(&self, order: &str) -> String {
        match order {
            "title" => self.title.clone(),
            "owner_id" => format!("{:020}", self.owner_id),
            "creator_id" => format!("{:020}", self.creator_id),
            "was_seen" => self.was_seen.to_string(),
            // Leads here have no next activity.
            "next_activity_id" => String::new(),
            "expected_close_date" => self.expected_close_date.map(|day| day.to_string()).unwrap_or_default(),
            _ => self.id.to_string(),
        }
    }
}

fn read_value(value: &Value, state: &State) -> Result<(Decimal, String), String> {
    let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
    if let Some(key) = keys.keys().find(|key| *key != "amount" && *key != "currency") {
        return Err(format!("Unknown key '{key}'"));
    }
    let part = |key: &str| keys.get(key).ok_or_else(|| format!("{key}: Required"));
    let currency = users::currency(state)(part("currency")?)?;
    Ok((users::round_money(check::number(part("amount")?)?, &currency), currency))
}

/// RFC 3339 with three decimals, as leads and their labels have times.
pub(super) fn with_milliseconds(time: Timestamp) -> String {
    let mut text = String::with_capacity(24);
    write!(text, "{time:.3}").expect("memory does not fail");
    text
}

/// The title of a lead.
pub(super) fn title(state: &State, id: Uuid) -> Option<&str> {
    state.leads.get(*state.lead_numbers.get(&id)?).map(|lead| lead.title.as_str())
}

/// True if a lead of that id is there and not deleted.
pub(super) fn exists(state: &State, id: Uuid) -> bool {
    state.lead_numbers.get(&id).is_some_and(|number| state.leads.live(*number).is_some())
}

/// What happens when a lead ripens: a deal takes its place with all its values, in a stage or in the first one of the
/// first pipeline, and the lead is gone.
///
/// # Errors
/// 404 for an unknown lead.
pub(super) fn convert(state: &mut State, act: &Act, number: u64, stage: Option<u64>) -> Result<u64, Refusal> {
    let lead = Lead::clone(crud::live::<Lead>(state, number)?);
    let mut keys = Map::new();
    for (key, value) in [
        ("title", json!(lead.title)),
        ("owner_id", json!(lead.owner_id)),
        ("person_id", json!(lead.person_id)),
        ("org_id", json!(lead.organization_id)),
        ("expected_close_date", json!(lead.expected_close_date)),
    ] {
        keys.insert(key.to_owned(), value);
    }
    let from = FromLead { lead_id: lead.id.to_string(), value: lead.value, custom: lead.custom };
    crud::delete::<Lead>(state, act, number)?;
    let mut deal = Deal::blank(state, act);
    let mut body = Body::new(keys, Purpose::Create);
    deal.apply(&mut body, state, act);
    body.finish(false)?;
    deal.take_over(from);
    if let Some((stage, id)) = stage.and_then(|id| Some((pipelines::stage(state, id)?, id))) {
        deal.enter(stage, id);
    }
    crud::add(state, act, deal)
}
