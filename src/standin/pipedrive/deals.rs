//! Deals (API v2). Facts: fact sheet 5.4. They cannot be back-dated, and archived ones cannot be changed.
//!
//! Where no document says: the value is rounded to the decimals of its currency; a close time that is not given follows
//! from the won or lost time, and the other way round; re-opening clears all three.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::check::{self, Body};
use super::crud::{self, Resource};
use super::custom::Custom;
use super::deal_products;
use super::envelope::Refusal;
use super::extras;
use super::fields::Owner;
use super::links::{Anchor, Linked, Links};
use super::list::{Filter, Listed};
use super::merge::Mergeable;
use super::noun::Noun;
use super::pipelines;
use super::saved::Saved;
use super::state::{Act, State};
use super::system;
use super::table::{Meta, Row, Table};
use super::users;

/// The status of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Open,
    Won,
    Lost,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Won => "won",
            Status::Lost => "lost",
        }
    }
}

/// One deal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Deal {
    #[serde(flatten, skip_deserializing)]
    meta: Meta,
    title: String,
    creator_user_id: u64,
    owner_id: u64,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    value: Decimal,
    person_id: Option<u64>,
    org_id: Option<u64>,
    stage_id: u64,
    pipeline_id: u64,
    currency: String,
    archive_time: Option<Timestamp>,
    stage_change_time: Timestamp,
    status: Status,
    is_archived: bool,
    probability: Option<u64>,
    lost_reason: Option<String>,
    visible_to: u64,
    close_time: Option<Timestamp>,
    won_time: Option<Timestamp>,
    lost_time: Option<Timestamp>,
    local_won_date: Option<Date>,
    local_lost_date: Option<Date>,
    local_close_date: Option<Date>,
    expected_close_date: Option<Date>,
    label_ids: Vec<u64>,
    origin: Cow<'static, str>,
    origin_id: Option<String>,
    channel: Option<u64>,
    channel_id: Option<String>,
    source_lead_id: Option<String>,
    /// Recurring revenue, which only deals with products have.
    acv: Option<u64>,
    arr: Option<u64>,
    mrr: Option<u64>,
    #[serde(skip)]
    custom: Custom,
}

/// What a converted lead leaves to its deal besides the keys that both have.
#[derive(Debug)]
pub(super) struct FromLead {
    pub(super) lead_id: String,
    pub(super) value: Option<(Decimal, String)>,
    pub(super) custom: Custom,
}

impl Row for Deal {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Deal {
    const NOUN: Noun = Noun::Deal;
    const NAME: &'static str = "Deal";

    fn table(state: &State) -> &Table<Self> {
        &state.deals
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.deals
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        let pipeline_id = pipelines::default_pipeline(state).unwrap_or_default();
        Self {
            meta: Meta::new(act.second(), act.by_api),
            title: String::new(),
            creator_user_id: act.user,
            owner_id: act.user,
            value: Decimal::ZERO,
            person_id: None,
            org_id: None,
            stage_id: pipelines::first_stage(state, pipeline_id).unwrap_or_default(),
            pipeline_id,
            currency: state.settings.currency.clone(),
            archive_time: None,
            stage_change_time: act.second(),
            status: Status::Open,
            is_archived: false,
            probability: None,
            lost_reason: None,
            visible_to: state.default_visibility(),
            close_time: None,
            won_time: None,
            lost_time: None,
            local_won_date: None,
            local_lost_date: None,
            local_close_date: None,
            expected_close_date: None,
            label_ids: Vec::new(),
            origin: Cow::Borrowed(if act.by_api { "API" } else { "ManuallyCreated" }),
            origin_id: None,
            channel: None,
            channel_id: None,
            source_lead_id: None,
            acv: None,
            arr: None,
            mrr: None,
            custom: Custom::default(),
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, act: &Act) {
        self.read_archive(body, act);
        body.require("title");
        body.put("title", &mut self.title, check::text(check::LINE_MAX));
        system::read_owner(body, state, &mut self.owner_id);
        system::read_visibility(body, state, &mut self.visible_to);
        system::read_labels(body, state, Owner::Deal, &mut self.label_ids);
        let person = check::link("Person", |id| state.persons.live(id).is_some());
        body.put_or_null("person_id", &mut self.person_id, person);
        let organization = check::link("Organization", |id| state.organizations.live(id).is_some());
        body.put_or_null("org_id", &mut self.org_id, organization);
        self.read_stage(body, state, act);
        body.put("value", &mut self.value, check::number);
        body.put("currency", &mut self.currency, users::currency(state));
        self.value = users::round_money(self.value, &self.currency);
        body.put_or_null("probability", &mut self.probability, check::whole(0, 100));
        body.put_or_null("expected_close_date", &mut self.expected_close_date, check::day);
        self.read_status(body, state, act);
        let mut is_deleted = false;
        body.put("is_deleted", &mut is_deleted, check::flag);
        if is_deleted {
            body.problem("is_deleted", "A deal cannot be created or changed as deleted");
        }
        system::read_custom(body, state, Owner::Deal, &mut self.custom);
    }

    fn write(&self, state: &State, only: Option<&[String]>, out: &mut Vec<u8>) {
        crud::write_with_custom(self, &self.custom, &state.deal_fields, only, out);
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
}

impl Deal {
    /// Takes over what a converted lead leaves to its deal.
    pub(super) fn take_over(&mut self, from: FromLead) {
        self.source_lead_id = Some(from.lead_id);
        self.custom = from.custom;
        if let Some((value, currency)) = from.value {
            (self.value, self.currency) = (value, currency);
        }
    }

    /// What it leaves to the lead that takes its place: the keys that both have, and its custom values.
    pub(super) fn as_lead(&self) -> (Map<String, Value>, Custom) {
        let mut keys = Map::new();
        for (key, value) in [
            ("title", json!(self.title)),
            ("owner_id", json!(self.owner_id)),
            ("person_id", json!(self.person_id)),
            ("organization_id", json!(self.org_id)),
            ("expected_close_date", json!(self.expected_close_date)),
            ("visible_to", json!(self.visible_to.to_string())),
        ] {
            keys.insert(key.to_owned(), value);
        }
        if !self.value.is_zero() {
            let amount = serde_json::Number::from_string_unchecked(self.value.to_string());
            keys.insert("value".to_owned(), json!({"amount": amount, "currency": self.currency}));
        }
        (keys, self.custom.clone())
    }

    /// Puts it into a stage of a pipeline.
    pub(super) fn enter(&mut self, stage: &pipelines::Stage, id: u64) {
        (self.stage_id, self.pipeline_id) = (id, stage.pipeline_id);
    }

    pub(super) fn is_in_archive(&self) -> bool {
        self.is_archived
    }

    pub(super) fn currency(&self) -> &str {
        &self.currency
    }

    /// Sets the value; false if it was that already.
    pub(super) fn set_value(&mut self, value: Decimal) -> bool {
        let value = users::round_money(value, &self.currency);
        std::mem::replace(&mut self.value, value) != value
    }

    pub(super) fn person_id(&self) -> Option<u64> {
        self.person_id
    }

    pub(super) fn status_text(&self) -> &'static str {
        self.status.as_str()
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// An archived deal can only be un-archived, with or without other changes (changelog of 2025-07-15).
    fn read_archive(&mut self, body: &mut Body, act: &Act) {
        let was_archived = self.is_archived;
        body.put("is_archived", &mut self.is_archived, check::flag);
        if was_archived && self.is_archived {
            body.refuse(Refusal::forbidden("Archived deals cannot be changed"));
        }
        if self.is_archived != was_archived {
            self.archive_time = self.is_archived.then(|| act.second());
        }
        let read = |value: &Value| check::v1_instant(value).or_else(|_| check::instant(value));
        if body.has("archive_time") && !self.is_archived {
            body.problem("archive_time", "Only with is_archived true");
        }
        body.put_or_null("archive_time", &mut self.archive_time, read);
    }

    /// A stage decides the pipeline, also against a `pipeline_id` of the same body; a pipeline alone means its first stage.
    fn read_stage(&mut self, body: &mut Body, state: &State, act: &Act) {
        let before = (self.stage_id, self.pipeline_id);
        let pipeline = check::link("Pipeline", |id| state.pipelines.live(id).is_some());
        body.put("pipeline_id", &mut self.pipeline_id, pipeline);
        let given = body.put("stage_id", &mut self.stage_id, |value| {
            check::link("Stage", |id| pipelines::stage(state, id).is_some())(value)
        });
        if given {
            let named = (self.pipeline_id != before.1).then_some(self.pipeline_id);
            let own = pipelines::stage(state, self.stage_id).map(|stage| stage.pipeline_id);
            if state.settings.stage_mismatch_refused && named.is_some() && named != own {
                body.problem("stage_id", "The stage is of another pipeline than pipeline_id");
            }
            self.pipeline_id = pipelines::stage(state, self.stage_id).map_or(before.1, |stage| stage.pipeline_id);
        } else if self.pipeline_id != before.1 {
            match pipelines::first_stage(state, self.pipeline_id) {
                Some(stage) => self.stage_id = stage,
                None => body.problem("pipeline_id", "The pipeline has no stages"),
            }
        }
        if self.stage_id == 0 {
            body.problem("stage_id", "Required, because no pipeline has stages");
        }
        if self.stage_id != before.0 {
            self.stage_change_time = act.second();
        }
    }

    fn read_status(&mut self, body: &mut Body, state: &State, act: &Act) {
        let before = self.status;
        body.put("status", &mut self.status, |value| {
            let name = check::one_of(&["open", "won", "lost"])(value)?;
            Ok(match name {
                "won" => Status::Won,
                "lost" => Status::Lost,
                _ => Status::Open,
            })
        });
        let (won, lost) = (self.status == Status::Won, self.status == Status::Lost);
        for (key, allowed, when) in [
            ("won_time", won, "Only when the deal is won"),
            ("lost_time", lost, "Only when the deal is lost"),
            ("close_time", won || lost, "Only when the deal is won or lost"),
            ("lost_reason", lost, "Only when the deal is lost"),
        ] {
            if body.has(key) && !allowed {
                body.problem(key, when);
            }
        }
        if self.status != before {
            (self.close_time, self.won_time, self.lost_time) = (None, None, None);
        }
        body.put_or_null("won_time", &mut self.won_time, check::instant);
        body.put_or_null("lost_time", &mut self.lost_time, check::instant);
        body.put_or_null("close_time", &mut self.close_time, check::instant);
        let given = body.put_or_null("lost_reason", &mut self.lost_reason, check::any_text(check::TEXT_MAX));
        let reasons = &state.settings.lost_reasons;
        if let Some(reason) = self.lost_reason.as_ref().filter(|_| given && !reasons.is_empty())
            && !reasons.contains(reason)
        {
            body.problem("lost_reason", "Not among the predefined reasons");
        }
        self.lost_reason = self.lost_reason.take().filter(|text| lost && !text.is_empty());
        let ended = self.won_time.or(self.lost_time);
        if won || lost {
            let closed = self.close_time.or(ended).unwrap_or_else(|| act.second());
            self.close_time = Some(closed);
            self.won_time = won.then(|| self.won_time.unwrap_or(closed));
            self.lost_time = lost.then(|| self.lost_time.unwrap_or(closed));
        }
        let local = |time: Option<Timestamp>| time.map(|time| state.timezone.to_datetime(time).date());
        self.local_won_date = local(self.won_time);
        self.local_lost_date = local(self.lost_time);
        self.local_close_date = local(self.close_time);
    }
}

impl Linked for Deal {
    fn links_mut(&mut self) -> Links<'_> {
        Links { person: Some(&mut self.person_id), organization: Some(&mut self.org_id), ..Links::default() }
    }
}

impl Mergeable for Deal {
    fn absorb(&mut self, other: &Self) {
        self.person_id = self.person_id.or(other.person_id);
        self.org_id = self.org_id.or(other.org_id);
        self.expected_close_date = self.expected_close_date.or(other.expected_close_date);
        self.probability = self.probability.or(other.probability);
        if self.value.is_zero() {
            (self.value, self.currency) = (other.value, other.currency.clone());
        }
        system::unite(&mut self.label_ids, &other.label_ids);
        self.custom.fill(&other.custom);
    }

    fn anchor(id: u64) -> Anchor {
        Anchor::Deal(id)
    }
}

impl Saved for Deal {
    fn custom(&self) -> Option<&Custom> {
        Some(&self.custom)
    }

    fn set_custom(&mut self, custom: Custom) {
        self.custom = custom;
    }
}

/// Filters of the archived list of API v1, which has other words for some.
pub(super) const OLDER_FILTERS: &[&str] = &[
    "user_id",
    "filter_id",
    "person_id",
    "org_id",
    "product_id",
    "pipeline_id",
    "stage_id",
    "older_status",
    "owned_by_you",
];

impl Listed for Deal {
    const INCLUDES: &'static [&'static str] = extras::OF_DEALS;
    const FILTERS: &'static [&'static str] = &[
        "ids",
        "filter_id",
        "owner_id",
        "person_id",
        "org_id",
        "pipeline_id",
        "stage_id",
        "status",
        "updated_since",
        "updated_until",
    ];

    fn passes(&self, filter: &Filter, state: &State) -> bool {
        let status = if self.meta.is_deleted { "deleted" } else { self.status.as_str() };
        self.is_archived == filter.archived
            && Filter::is(filter.owner_id, Some(self.owner_id))
            && Filter::is(filter.user_id, Some(self.owner_id))
            && filter.product_id.is_none_or(|product| deal_products::has(state, self.meta.id, product))
            && Filter::is(filter.person_id, self.person_id)
            && Filter::is(filter.org_id, self.org_id)
            && Filter::is(filter.pipeline_id, Some(self.pipeline_id))
            && Filter::is(filter.stage_id, Some(self.stage_id))
            && filter.statuses.as_ref().is_none_or(|all| all.iter().any(|one| one == status))
    }
}
