//! Everything the simulated account holds, in one place under one lock.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::activities::Activity;
use super::activity_types::{self, ActivityType};
use super::call_logs::CallLog;
use super::comments::Comment;
use super::convert::Conversions;
use super::deal_products::DealProduct;
use super::deals::Deal;
use super::faults::Faults;
use super::field_defaults;
use super::field_set::FieldSet;
use super::fields::Owner;
use super::files::File;
use super::history::History;
use super::lead_labels::{self, LeadLabel};
use super::leads::Lead;
use super::ledger::{Books, Ledger};
use super::limits::{Arrival, Limits};
use super::notes::Note;
use super::noun::Noun;
use super::oauth::Grants;
use super::organizations::Organization;
use super::participants::Participant;
use super::people::PeopleEdit;
use super::persons::Person;
use super::pipelines::{self, Pipeline, Stage};
use super::products::Product;
use super::route::{Collection, Endpoint, Operation};
use super::settings::Settings;
use super::table::{Row, Shows, Table};
use super::users::{self, User};
use super::webhooks::Webhooks;
use crate::clock::Moment;
use crate::error::{Error, Kind, Result};

/// First ids of the account's records: different ranges, so that an id of one kind is never one of another by chance.
const FIRST_ORGANIZATION: u64 = 100_001;
const FIRST_PERSON: u64 = 1_000_001;
const FIRST_DEAL: u64 = 10_000_001;
const FIRST_ACTIVITY: u64 = 20_000_001;
const FIRST_NOTE: u64 = 40_000_001;
const FIRST_FILE: u64 = 50_000_001;
const FIRST_PRODUCT: u64 = 60_000_001;
const FIRST_DEAL_PRODUCT: u64 = 70_000_001;
const FIRST_COMMENT: u64 = 1;
const FIRST_PARTICIPANT: u64 = 80_000_001;

/// The account.
#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) timezone: TimeZone,
    pub(super) random: ChaCha8Rng,
    pub(super) users: Vec<User>,
    /// User of each token.
    pub(super) tokens: HashMap<String, u64>,
    pub(super) organizations: Table<Organization>,
    pub(super) persons: Table<Person>,
    pub(super) deals: Table<Deal>,
    pub(super) leads: Table<Lead>,
    /// Number of each lead by its public id.
    pub(super) lead_numbers: HashMap<Uuid, u64>,
    pub(super) lead_labels: Table<LeadLabel>,
    pub(super) activities: Table<Activity>,
    pub(super) activity_types: Table<ActivityType>,
    pub(super) notes: Table<Note>,
    pub(super) products: Table<Product>,
    pub(super) deal_products: Table<DealProduct>,
    pub(super) participants: Table<Participant>,
    pub(super) comments: Table<Comment>,
    pub(super) files: Table<File>,
    pub(super) call_logs: Table<CallLog>,
    pub(super) pipelines: Table<Pipeline>,
    pub(super) stages: Table<Stage>,
    pub(super) organization_fields: FieldSet,
    pub(super) person_fields: FieldSet,
    pub(super) deal_fields: FieldSet,
    pub(super) product_fields: FieldSet,
    pub(super) next_option: u64,
    /// Leads and deals that are neither archived nor deleted.
    pub(super) active: u64,
    /// Those that are archived and not deleted.
    pub(super) archived: u64,
    pub(super) history: History,
    pub(super) webhooks: Webhooks,
    pub(super) conversions: Conversions,
    /// What the simulated team did, in order.
    pub(super) team_log: Vec<PeopleEdit>,
    pub(super) grants: Grants,
    pub(super) limits: Limits,
    pub(super) books: Books,
    pub(super) faults: Faults,
}

/// Who writes, when, and how late lists show it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    /// The user in whose name it is done.
    pub(super) user: u64,
    /// Through the API; else by people in the web application.
    pub(super) by_api: bool,
    /// The present, with milliseconds.
    pub(super) now: Timestamp,
    /// The same on the clock.
    pub(super) moment: Moment,
    /// How late lists show it.
    pub(super) lag: Duration,
    /// How late the search finds it.
    pub(super) search_lag: Duration,
}

impl Act {
    /// The present in whole seconds, as most records keep it.
    pub(super) fn second(&self) -> Timestamp {
        Timestamp::from_second(self.now.as_second()).unwrap_or(self.now)
    }

    /// The present in milliseconds, as leads keep it.
    pub(super) fn millisecond(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now.as_millisecond()).unwrap_or(self.now)
    }

    /// From when lists show it, and the search finds it.
    pub(super) fn shown_at(&self) -> Shows {
        let lists = (!self.lag.is_zero()).then(|| self.moment + self.lag);
        Shows { lists, search: self.moment + self.search_lag, now: self.moment }
    }
}

impl State {
    /// A fresh account with its first user, its default pipeline, fields and labels.
    ///
    /// # Errors
    /// `Settings` when the time zone or the currency is unknown.
    pub(super) fn new(settings: Settings, start: Arrival) -> Result<Self> {
        let wrong = |what: &str, text: &str| Error::new(Kind::Settings, format!("stand-in: unknown {what} '{text}'"));
        let timezone =
            TimeZone::get(&settings.timezone).map_err(|error| wrong("time zone", &settings.timezone).because(error))?;
        if users::decimals(&settings.currency).is_none() || settings.currencies_off.contains(&settings.currency) {
            return Err(wrong("currency", &settings.currency));
        }
        if let Some((key, share)) = settings.shares().into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(Error::new(Kind::Settings, format!("stand-in: {key} is {share}; a share is from 0 to 1")));
        }
        let random = ChaCha8Rng::seed_from_u64(settings.seed);
        let faults = Faults::new(settings.faults.clone());
        let mut state = Self {
            settings,
            timezone,
            random,
            users: Vec::new(),
            tokens: HashMap::new(),
            organizations: Table::new(FIRST_ORGANIZATION),
            persons: Table::new(FIRST_PERSON),
            deals: Table::new(FIRST_DEAL),
            leads: Table::new(1),
            lead_numbers: HashMap::new(),
            lead_labels: Table::new(1),
            activities: Table::new(FIRST_ACTIVITY),
            activity_types: Table::new(1),
            notes: Table::new(FIRST_NOTE),
            products: Table::new(FIRST_PRODUCT),
            deal_products: Table::new(FIRST_DEAL_PRODUCT),
            participants: Table::new(FIRST_PARTICIPANT),
            comments: Table::new(FIRST_COMMENT),
            files: Table::new(FIRST_FILE),
            call_logs: Table::new(1),
            pipelines: Table::new(1),
            stages: Table::new(1),
            organization_fields: FieldSet::default(),
            person_fields: FieldSet::default(),
            deal_fields: FieldSet::default(),
            product_fields: FieldSet::default(),
            next_option: 11,
            active: 0,
            archived: 0,
            history: History::default(),
            webhooks: Webhooks::default(),
            conversions: Conversions::default(),
            team_log: Vec::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            books: Books::default(),
            faults,
        };
        let user = users::add(&mut state, "Avery Admin", "admin@standin.example", start.at);
        let act = Act {
            user,
            by_api: false,
            now: start.at,
            moment: start.moment,
            lag: Duration::ZERO,
            search_lag: Duration::ZERO,
        };
        for owner in Owner::ALL {
            field_defaults::add(&mut state, owner);
        }
        pipelines::add_default(&mut state, &act);
        lead_labels::add_defaults(&mut state, &act);
        activity_types::add_defaults(&mut state, &act);
        Ok(state)
    }

    /// A fresh key of so many hexadecimal digits.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.random.next_u64()));
        }
        text.truncate(digits);
        text
    }

    /// A fresh UUID.
    pub(super) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.random.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A fresh option id.
    pub(super) fn option_id(&mut self) -> u64 {
        self.next_option += 1;
        self.next_option - 1
    }

    /// What a new record's `visible_to` is: the whole company (fact sheet 5.10).
    pub(super) fn default_visibility(&self) -> u64 {
        if self.settings.plan.numbers().visibility_groups { 7 } else { 3 }
    }

    /// The fields of organizations, persons or deals.
    pub(super) fn fields(&self, owner: Owner) -> &FieldSet {
        match owner {
            Owner::Organization => &self.organization_fields,
            Owner::Person => &self.person_fields,
            Owner::Deal => &self.deal_fields,
            Owner::Product => &self.product_fields,
        }
    }

    /// The same, to be changed.
    pub(super) fn fields_mut(&mut self, owner: Owner) -> &mut FieldSet {
        match owner {
            Owner::Organization => &mut self.organization_fields,
            Owner::Person => &mut self.person_fields,
            Owner::Deal => &mut self.deal_fields,
            Owner::Product => &mut self.product_fields,
        }
    }

    /// The books, with the minimum as it is now. Takes time by the number of records.
    pub(super) fn ledger(&self) -> Ledger {
        let mut ledger = self.books.in_words();
        ledger.rival_tokens = self.limits.rival_tokens();
        count(&mut ledger, Noun::Organization, Collection::Organizations, &self.organizations);
        count(&mut ledger, Noun::Person, Collection::Persons, &self.persons);
        count(&mut ledger, Noun::Deal, Collection::Deals, &self.deals);
        count(&mut ledger, Noun::Lead, Collection::Leads, &self.leads);
        count(&mut ledger, Noun::LeadLabel, Collection::LeadLabels, &self.lead_labels);
        count(&mut ledger, Noun::Activity, Collection::Activities, &self.activities);
        count(&mut ledger, Noun::ActivityType, Collection::ActivityTypes, &self.activity_types);
        count(&mut ledger, Noun::Note, Collection::Notes, &self.notes);
        count(&mut ledger, Noun::Product, Collection::Products, &self.products);
        count(&mut ledger, Noun::Participant, Collection::Participants, &self.participants);
        count(&mut ledger, Noun::Comment, Collection::Comments, &self.comments);
        count(&mut ledger, Noun::File, Collection::Files, &self.files);
        count(&mut ledger, Noun::CallLog, Collection::CallLogs, &self.call_logs);
        self.count_deal_products(&mut ledger);
        count(&mut ledger, Noun::Pipeline, Collection::Pipelines, &self.pipelines);
        count(&mut ledger, Noun::Stage, Collection::Stages, &self.stages);
        for owner in Owner::ALL {
            let (made, changed) = self.fields(owner).made_and_changed();
            ledger.add_live(owner.noun(), made, changed, costs(owner.collection()));
        }
        ledger
    }

    /// Products of one deal cost least in requests of a hundred, and few of them one by one.
    fn count_deal_products(&self, ledger: &mut Ledger) {
        let mut of_deals: HashMap<u64, u64> = HashMap::new();
        for row in self.deal_products.iter().filter(|row| !row.meta().is_deleted && row.meta().by_api) {
            *of_deals.entry(row.deal_id()).or_default() += 1;
        }
        let of = |operation| Endpoint::of(Collection::DealProducts, operation).map_or(0, Endpoint::tokens);
        let (one, many) = (of(Operation::Create), of(Operation::Bulk));
        for count in of_deals.into_values() {
            let tokens = (one * count).min(many * count.div_ceil(100));
            ledger.add_live(Noun::DealProduct, count, 0, (0, 0));
            ledger.minimum += tokens;
        }
    }
}

fn count<R: Row>(ledger: &mut Ledger, noun: Noun, collection: Collection, table: &Table<R>) {
    let (mut made, mut changed) = (0, 0);
    for row in table.iter().filter(|row| !row.meta().is_deleted) {
        made += u64::from(row.meta().by_api);
        changed += u64::from(row.meta().changed_by_api);
    }
    ledger.add_live(noun, made, changed, costs(collection));
}

/// The official cost of a create and of an update.
fn costs(collection: Collection) -> (u64, u64) {
    let of = |operation| Endpoint::of(collection, operation).map_or(0, Endpoint::tokens);
    (of(Operation::Create), of(Operation::Update))
}
