//! The plan: what will be created in Pipedrive, what that costs and how long it takes, on this plan and on the others,
//! and where Pipedrive differs from what one may expect. Built from given numbers, so that its digest can be approved.

pub mod caps;
pub mod forecast;
mod page;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::deviations::{DEVIATIONS, Deviation};
use crate::config::{Plan as Tariff, Spending};
use crate::error::{Error, Kind, Result};
use crate::pipedrive::route;
use crate::record::Entity;
use caps::CapLine;
use forecast::{Effort, Limits, Schedule, Start};

/// Seats that the comparison of plans shows, beside the account's own number.
const SEATS_COMPARED: [u32; 5] = [1, 3, 5, 10, 25];

/// Passes over the list pages of every kind of record: the sweep that ends its load, and the verification.
const LIST_PASSES: u64 = 2;

/// A custom field that will be created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedField {
    /// Whose field: organization, person or deal (leads use the deal's).
    pub entity: Entity,
    /// Its name.
    pub name: String,
    /// Pipedrive's type.
    pub field_type: String,
    /// Options of a list; 0 for other types.
    pub options: u64,
}

/// A pipeline that will be created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedPipeline {
    /// Its name.
    pub name: String,
    /// Its stages in order.
    pub stages: Vec<PlannedStage>,
}

/// A stage of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStage {
    /// Its name.
    pub name: String,
    /// Probability in percent, where it is used.
    #[serde(with = "rust_decimal::serde::arbitrary_precision_option")]
    pub probability: Option<Decimal>,
}

/// What is in the Pipedrive account already and counts towards its plan's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Existing {
    /// Custom fields.
    pub custom_fields: u64,
    /// Active leads and deals.
    pub leads_and_deals: u64,
}

/// One line of the cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// What for.
    pub what: String,
    /// Whether no migration of this data can do without it.
    pub minimum: bool,
    /// Tokens, requests, time.
    #[serde(flatten)]
    pub effort: Effort,
}

/// What a plan is built from.
#[derive(Debug, Clone)]
pub struct PlanInput {
    /// Custom fields to create.
    pub fields: Vec<PlannedField>,
    /// Pipelines to create.
    pub pipelines: Vec<PlannedPipeline>,
    /// Lead labels to create.
    pub lead_labels: Vec<String>,
    /// Activity types to create.
    pub activity_types: Vec<String>,
    /// Records to create, by kind; kinds of the workspace (fields, pipelines, …) do not belong here.
    pub records: BTreeMap<Entity, u64>,
    /// What else will be spent: following changes, walks of ids, what reading the workspace costs.
    pub further: Vec<Cost>,
    /// What the account has already.
    pub existing: Existing,
    /// What may be spent.
    pub spending: Spending,
    /// From when the forecast counts.
    pub start: Start,
    /// What the load does beside creating records, in words: webhooks that fire, automations that run.
    pub side_effects: Vec<String>,
}

/// The days that one plan needs with some numbers of seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The plan.
    pub plan: Tariff,
    /// Tokens of one seat on one day.
    pub tokens_seat_day: u64,
    /// Seconds by number of seats.
    pub seconds: BTreeMap<u32, u64>,
}

/// What may be spent, as reports show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Allowance {
    /// The plan; `None` without limits.
    pub plan: Option<Tariff>,
    /// Paid seats; 0 without limits.
    pub seats: u32,
    /// Tokens that the migration may spend on a day; `None` without limits.
    pub tokens_day: Option<u64>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Custom fields that will be created.
    pub fields: Vec<PlannedField>,
    /// Pipelines that will be created.
    pub pipelines: Vec<PlannedPipeline>,
    /// Lead labels that will be created.
    pub lead_labels: Vec<String>,
    /// Activity types that will be created.
    pub activity_types: Vec<String>,
    /// Records that will be created, by kind.
    pub records: BTreeMap<Entity, u64>,
    /// What it costs, line by line.
    pub costs: Vec<Cost>,
    /// Sum of the lines that no migration of this data can do without.
    pub minimum: Effort,
    /// Sum of all lines.
    pub forecast: Effort,
    /// What may be spent.
    pub allowance: Allowance,
    /// The plan's limits against this data.
    pub caps: Vec<CapLine>,
    /// All plans. Not part of the digest either: it follows from the effort and from how fast Pipedrive answers.
    pub comparison: Vec<Comparison>,
    /// What the load does beside creating records.
    pub side_effects: Vec<String>,
    /// Where Pipedrive cannot do what one may expect.
    pub deviations: &'static [Deviation],
    /// When it will be done. Not part of the digest.
    pub schedule: Schedule,
}

impl Plan {
    /// Prices what will be created and says how long it takes.
    #[must_use]
    pub fn build(input: PlanInput) -> Self {
        let costs = costs(&input);
        let sum = |keep: &dyn Fn(&Cost) -> bool| {
            costs.iter().filter(|cost| keep(cost)).fold(Effort::default(), |sum, cost| sum.plus(cost.effort))
        };
        let (minimum, forecast) = (sum(&|cost| cost.minimum), sum(&|_| true));
        Self {
            caps: cap_lines(&input),
            comparison: comparison(forecast, input.spending, input.start.round_trip_ms),
            allowance: allowance(input.spending),
            schedule: Schedule::of(forecast, input.spending, input.start),
            fields: input.fields,
            pipelines: input.pipelines,
            lead_labels: input.lead_labels,
            activity_types: input.activity_types,
            records: input.records,
            costs,
            minimum,
            forecast,
            side_effects: input.side_effects,
            deviations: DEVIATIONS,
        }
    }

    /// BLAKE3 of everything that does not depend on the moment, in hexadecimal: what the plan gate approves.
    ///
    /// # Errors
    /// `Bug` when the plan cannot be written as JSON.
    pub fn digest(&self) -> Result<String> {
        let not_json = |error| Error::new(Kind::Bug, "the plan as JSON").because(error);
        let mut value = serde_json::to_value(self).map_err(not_json)?;
        if let Some(fields) = value.as_object_mut() {
            fields.remove("schedule");
            fields.remove("comparison");
        }
        Ok(blake3::hash(&serde_json::to_vec(&value).map_err(not_json)?).to_hex().to_string())
    }

    /// Records that will be created.
    #[must_use]
    pub fn record_count(&self) -> u64 {
        self.records.values().sum()
    }

    /// Whether everything fits into the limits of the account's plan.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.caps.iter().all(|cap| cap.fits)
    }
}

/// One create per element of the workspace and per record; then the pages that sweeps and verification read.
fn costs(input: &PlanInput) -> Vec<Cost> {
    let fields = |entity: Entity| input.fields.iter().filter(|field| field.entity == entity).count() as u64;
    let stages: usize = input.pipelines.iter().map(|pipeline| pipeline.stages.len()).sum();
    let workspace = [
        (Entity::OrganizationField, fields(Entity::Organization)),
        (Entity::PersonField, fields(Entity::Person)),
        (Entity::DealField, fields(Entity::Deal)),
        (Entity::Pipeline, input.pipelines.len() as u64),
        (Entity::Stage, stages as u64),
        (Entity::LeadLabel, input.lead_labels.len() as u64),
        (Entity::ActivityType, input.activity_types.len() as u64),
    ];
    let records = input.records.iter().map(|(entity, count)| (*entity, *count));
    let mut costs: Vec<Cost> = workspace
        .into_iter()
        .chain(records)
        .filter(|(_, count)| *count > 0)
        .map(|(entity, count)| {
            let what = format!("Create: {}", entity.as_str().replace('_', " "));
            let tokens = count * u64::from(route(entity).create);
            Cost { what, minimum: true, effort: Effort { requests: count, tokens, seconds: 0 } }
        })
        .collect();
    let mut reading = Effort::default();
    for (entity, count) in &input.records {
        let route = route(*entity);
        let pages = count.div_ceil(u64::from(route.page_rows.max(1))) * LIST_PASSES;
        reading = reading.plus(Effort { requests: pages, tokens: pages * u64::from(route.list), seconds: 0 });
    }
    if reading.requests > 0 {
        costs.push(Cost { what: "Count and verify every record".to_owned(), minimum: false, effort: reading });
    }
    costs.extend(input.further.iter().cloned());
    costs
}

fn cap_lines(input: &PlanInput) -> Vec<CapLine> {
    let Spending::Planned { plan, seats, .. } = input.spending else { return Vec::new() };
    let added: u64 = [Entity::Lead, Entity::Deal].iter().filter_map(|entity| input.records.get(entity).copied()).sum();
    let (active, fields) = (caps::active_leads_and_deals(plan, seats), caps::custom_fields(plan));
    vec![
        CapLine::new("active leads and deals", input.existing.leads_and_deals, added, active),
        CapLine::new("custom fields", input.existing.custom_fields, input.fields.len() as u64, fields),
    ]
}

/// How long the same work takes on every plan, from a full day's budget.
fn comparison(effort: Effort, spending: Spending, round_trip_ms: u64) -> Vec<Comparison> {
    let mut seats = SEATS_COMPARED.to_vec();
    if let Spending::Planned { seats: own, .. } = spending {
        seats.push(own);
    }
    let compare = |plan: &Tariff| {
        let seconds = seats.iter().map(|seats| {
            let limits = Limits::plan(*plan, *seats, round_trip_ms);
            (*seats, limits.seconds(effort, limits.tokens_day, 86_400))
        });
        Comparison { plan: *plan, tokens_seat_day: plan.tokens_seat_day(), seconds: seconds.collect() }
    };
    Tariff::ALL.iter().map(compare).collect()
}

fn allowance(spending: Spending) -> Allowance {
    let tokens_day = Limits::of(spending, 0).map(|limits| limits.tokens_day);
    match spending {
        Spending::Unlimited => Allowance { plan: None, seats: 0, tokens_day },
        Spending::Planned { plan, seats, .. } => Allowance { plan: Some(plan), seats, tokens_day },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::report) fn input() -> PlanInput {
        let at = |text: &str| text.parse().expect("a time");
        let stage =
            |name: &str, percent| PlannedStage { name: name.to_owned(), probability: Some(Decimal::from(percent)) };
        PlanInput {
            fields: vec![PlannedField {
                entity: Entity::Deal,
                name: "Customer PO".into(),
                field_type: "varchar".into(),
                options: 0,
            }],
            pipelines: vec![PlannedPipeline {
                name: "Orders".into(),
                stages: vec![stage("Quote", 10), stage("Proof", 60)],
            }],
            lead_labels: vec!["New".into()],
            activity_types: vec!["Proof".into()],
            records: BTreeMap::from([(Entity::Organization, 1_000), (Entity::Lead, 2_000), (Entity::Deal, 24_000)]),
            further: vec![Cost {
                what: "Follow changes for a week".into(),
                minimum: false,
                effort: Effort { requests: 100, tokens: 1_000, seconds: 60 },
            }],
            existing: Existing { custom_fields: 3, leads_and_deals: 10 },
            spending: Spending::Planned { plan: Tariff::Growth, seats: 5, top_up_tokens_day: 0, reserve_tokens_day: 0 },
            start: Start {
                at: at("2026-11-23T08:00:00Z"),
                budget_resets_at: at("2026-11-24T00:00:00Z"),
                tokens_left: None,
                round_trip_ms: 0,
            },
            side_effects: vec!["Webhooks of the account fire for every record.".into()],
        }
    }

    #[test]
    fn costs_are_creates_and_pages() {
        let plan = Plan::build(input());
        // 1 field, 1 pipeline and 2 stages at 5; 1 label and 1 type at 10; 25,000 records at 5 and 2,000 leads at 10.
        assert_eq!(plan.minimum, Effort { requests: 27_006, tokens: 20 + 20 + 125_000 + 20_000, seconds: 0 });
        // Twice: 2 pages of organizations and 48 of deals at 10, 4 of leads at 20.
        let reading = Effort { requests: 108, tokens: 2 * (500 + 80), seconds: 0 };
        let further = Effort { requests: 100, tokens: 1_000, seconds: 60 };
        assert_eq!(plan.forecast, plan.minimum.plus(reading).plus(further));
        assert_eq!((plan.schedule.days, plan.comparison.len()), (Some(1), Tariff::ALL.len()));
        let fits: Vec<bool> = plan.caps.iter().map(|cap| cap.fits).collect();
        assert_eq!(fits, [false, true]);
    }

    #[test]
    fn the_digest_does_not_depend_on_the_moment() {
        let plan = Plan::build(input());
        let mut later = input();
        later.start.tokens_left = Some(5);
        later.start.at = "2026-11-23T09:00:00Z".parse().expect("a time");
        assert_eq!(plan.digest().expect("a digest"), Plan::build(later).digest().expect("a digest"));
        let mut other = input();
        other.lead_labels.push("Old".into());
        assert_ne!(plan.digest().expect("a digest"), Plan::build(other).digest().expect("a digest"));
    }
}
