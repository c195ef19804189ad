//! The plan: what will be created in Pipedrive, what that costs and how long it takes, on this plan and on the others,
//! and where Pipedrive differs from what one may expect. Built from given numbers, so that its digest can be approved.

pub mod caps;
mod chart;
pub mod conflicts;
pub mod daily;
pub mod forecast;
mod page;
mod staging;
mod terminal;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::deviations::{Affected, Deviation, deviations};
use super::preflight::Preflight;
use crate::config::{Plan as Tariff, Spending};
use crate::error::{Error, Kind, Result};
use crate::pipedrive::route;
use crate::record::Entity;
use caps::{CapLine, Existing, Need, SOLD_TODAY};
use conflicts::{Conflict, Found};
use daily::{Daily, Following};
use forecast::{Effort, Limits, Schedule, Start};

pub use staging::StagingPlan;

/// Seats that the comparison of plans shows, beside the account's own number.
const SEATS_COMPARED: [u32; 5] = [1, 3, 5, 10, 25];

/// Other plans are drawn until this many times the account's own time, or the own line would be a stroke.
const DRAWN_TIMES: u64 = 2;

/// A custom field that must be there.
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
    /// Of these, options that the field of the account does not have yet.
    pub new_options: u64,
    /// What the account has of it.
    pub found: Found,
    /// Records that have a value for it; `None` for fields that Crossdock fills itself.
    pub filled: Option<u64>,
    /// Records that could have one.
    pub records: u64,
}

/// A pipeline that must be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedPipeline {
    /// Its name.
    pub name: String,
    /// What the account has of it.
    pub found: Found,
    /// Its stages in order.
    pub stages: Vec<PlannedStage>,
}

/// A stage of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedStage {
    /// Its name.
    pub name: String,
    /// What the account has of it.
    pub found: Found,
    /// Probability in percent, where it is used.
    #[serde(with = "rust_decimal::serde::arbitrary_precision_option")]
    pub probability: Option<Decimal>,
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
    /// Custom fields that must be there.
    pub fields: Vec<PlannedField>,
    /// Pipelines that must be there.
    pub pipelines: Vec<PlannedPipeline>,
    /// Lead labels to create.
    pub lead_labels: Vec<String>,
    /// Activity types to create.
    pub activity_types: Vec<String>,
    /// Records to create, by kind; kinds of the workspace (fields, pipelines, …) do not belong here.
    pub records: BTreeMap<Entity, u64>,
    /// Of these, records that wait for an owner who had no user at the survey.
    pub waiting: u64,
    /// What else will be spent: following changes, walks of ids, what reading the workspace costs.
    pub further: Vec<Cost>,
    /// What the account has already that concerns it.
    pub conflicts: Vec<Conflict>,
    /// Whether the account is ready.
    pub preflight: Preflight,
    /// What the account has already; `None` when nobody counted.
    pub existing: Option<Existing>,
    /// Deals to create that are won or lost.
    pub closed_deals: u64,
    /// Values that are left out because they are too long, and values that are cut.
    pub too_long: (u64, u64),
    /// What changes at the source, and how often it is asked.
    pub following: Following,
    /// What may be spent.
    pub spending: Spending,
    /// From when the forecast counts.
    pub start: Start,
    /// What the load does beside creating records, in words: webhooks that fire, automations that run.
    pub side_effects: Vec<String>,
}

/// How long the same work takes on one plan with some numbers of seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The plan.
    pub plan: Tariff,
    /// Tokens of one seat on one day.
    pub tokens_seat_day: u64,
    /// By number of seats.
    pub seats: BTreeMap<u32, Ends>,
}

/// When work would be done on one plan with one number of seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ends {
    /// Seconds from now; `None` when what is kept back leaves nothing to spend.
    pub seconds: Option<u64>,
    /// Days of the budget, counting begun ones.
    pub days: Option<u64>,
    /// The end, UTC.
    pub finishes_at: Option<Timestamp>,
    /// Whether the data fits into the plan's limits.
    pub fits: bool,
}

/// Tokens over time on one plan: what the chart draws.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Curve {
    /// The plan, with the account's seats.
    pub plan: Tariff,
    /// Whether it is the account's own.
    pub own: bool,
    /// Seconds and tokens spent by then, ascending; even in between.
    pub points: Vec<(u64, u64)>,
}

/// What keeping tokens back costs in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reserve {
    /// Tokens a day that are never touched.
    pub tokens_day: u64,
    /// When the load would be done without it.
    pub without: Schedule,
    /// Tokens that the company's other tools spend on a day, as seen so far.
    pub others_tokens_day: u64,
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
    /// The staging company that goes first, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staging: Option<StagingPlan>,
    /// What the account has already: what is in the way, and what a person should know.
    pub conflicts: Vec<Conflict>,
    /// Whether the account is ready.
    pub preflight: Preflight,
    /// Custom fields that must be there.
    pub fields: Vec<PlannedField>,
    /// Pipelines that must be there.
    pub pipelines: Vec<PlannedPipeline>,
    /// Lead labels that will be created.
    pub lead_labels: Vec<String>,
    /// Activity types that will be created.
    pub activity_types: Vec<String>,
    /// Records that will be created, by kind.
    pub records: BTreeMap<Entity, u64>,
    /// Of these, records that wait for an owner who had no user at the survey.
    pub waiting: u64,
    /// What it costs, line by line.
    pub costs: Vec<Cost>,
    /// Sum of the lines that no migration of this data can do without.
    pub minimum: Effort,
    /// Sum of all lines.
    pub forecast: Effort,
    /// Of these, the verification, which comes after the load.
    pub verification: Effort,
    /// What goes on day by day beside the load and after it.
    pub daily: Vec<Daily>,
    /// What may be spent.
    pub allowance: Allowance,
    /// The plan's limits against this data.
    pub caps: Vec<CapLine>,
    /// All plans. Not part of the digest either: it follows from the effort and from how fast Pipedrive answers.
    pub comparison: Vec<Comparison>,
    /// What the load does beside creating records.
    pub side_effects: Vec<String>,
    /// Where Pipedrive cannot do what one may expect.
    pub deviations: Vec<Deviation>,
    /// When the load will be done. Not part of the digest.
    pub schedule: Schedule,
    /// What the reserve costs; `None` without limits. Not part of the digest.
    pub reserve: Option<Reserve>,
    /// Tokens over time. Not part of the digest.
    pub curves: Vec<Curve>,
}

/// Parts of a plan that follow from the moment in which it was built, or from how fast Pipedrive answers: nobody approves
/// them, and an approval does not end with them.
const OF_THE_MOMENT: [&str; 4] = ["schedule", "comparison", "reserve", "curves"];

impl Plan {
    /// Prices what will be created and says how long it takes.
    #[must_use]
    pub fn build(input: PlanInput) -> Self {
        let costs = costs(&input);
        let sum = |keep: &dyn Fn(&Cost) -> bool| {
            costs.iter().filter(|cost| keep(cost)).fold(Effort::default(), |sum, cost| sum.plus(cost.effort))
        };
        let (minimum, forecast) = (sum(&|cost| cost.minimum), sum(&|_| true));
        let verification = pass(&input.records);
        let load = forecast.less(verification);
        let need = need(&input);
        let caps = match input.spending {
            Spending::Planned { plan, seats, .. } => need.lines(plan, seats),
            Spending::Unlimited => Vec::new(),
        };
        let schedule = Schedule::of(load, input.spending, input.start);
        let deviations = deviations(&affected(&input));
        let comparison = comparison(load, &input, &need);
        Self {
            staging: None,
            caps,
            comparison,
            allowance: allowance(input.spending),
            reserve: reserve(load, input.spending, input.start),
            curves: curves(load, &input, schedule),
            schedule,
            daily: daily::lines(&input.following, verification),
            conflicts: input.conflicts,
            preflight: input.preflight,
            fields: input.fields,
            pipelines: input.pipelines,
            lead_labels: input.lead_labels,
            activity_types: input.activity_types,
            records: input.records,
            waiting: input.waiting,
            costs,
            minimum,
            forecast,
            verification,
            side_effects: input.side_effects,
            deviations,
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
            for name in OF_THE_MOMENT {
                fields.remove(name);
            }
        }
        Ok(blake3::hash(&serde_json::to_vec(&value).map_err(not_json)?).to_hex().to_string())
    }

    /// What it is about, one line for each thing, so that a change between two plans can be named.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let field =
            |field: &PlannedField| format!("custom field {} of {}: {}", field.name, field.entity, field.found.words());
        let stage = |pipeline: &PlannedPipeline| {
            let name = pipeline.name.clone();
            let stages = pipeline.stages.iter();
            stages
                .map(move |stage| format!("stage {} of {name}: {}", stage.name, stage.found.words()))
                .collect::<Vec<_>>()
        };
        let mut lines: Vec<String> = self.fields.iter().map(field).collect();
        lines.extend(self.pipelines.iter().flat_map(stage));
        lines.extend(self.lead_labels.iter().map(|name| format!("lead label: {name}")));
        lines.extend(self.activity_types.iter().map(|name| format!("activity type: {name}")));
        lines.extend(self.records.iter().map(|(entity, count)| format!("{entity}s to make: {count}")));
        lines.extend(
            self.caps.iter().map(|cap| format!("{}, there already: {}", cap.what, cap.existing.unwrap_or_default())),
        );
        lines.extend(self.preflight.checks.iter().map(|check| format!("{}: {}", check.about, check.says)));
        lines.extend(self.conflicts.iter().map(Conflict::line));
        lines.extend(self.staging.iter().flat_map(StagingPlan::approved_lines));
        lines.push(format!("tokens: {}", self.forecast.tokens));
        lines
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
    // One call makes a field with its options, and one adds the options that a field lacks.
    let is_made =
        |field: &&PlannedField, entity| field.entity == entity && (!field.found.is_there() || field.new_options > 0);
    let fields = |entity: Entity| input.fields.iter().filter(|field| is_made(field, entity)).count() as u64;
    let pipelines = input.pipelines.iter().filter(|pipeline| !pipeline.found.is_there()).count();
    let stages = input.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
    let stages = stages.filter(|stage| !stage.found.is_there()).count();
    let workspace = [
        (Entity::OrganizationField, fields(Entity::Organization)),
        (Entity::PersonField, fields(Entity::Person)),
        (Entity::DealField, fields(Entity::Deal)),
        (Entity::Pipeline, pipelines as u64),
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
    let reading = pass(&input.records);
    if reading.requests > 0 {
        for what in ["Count every record, at the end of each step of the load", "Verify every record"] {
            costs.push(Cost { what: what.to_owned(), minimum: false, effort: reading });
        }
    }
    costs.extend(input.further.iter().cloned());
    costs
}

/// One pass over the list pages of every kind of record: what a sweep, a verification and a walk of ids each cost.
fn pass(records: &BTreeMap<Entity, u64>) -> Effort {
    records.iter().fold(Effort::default(), |sum, (entity, count)| {
        let route = route(*entity);
        let pages = count.div_ceil(u64::from(route.page_rows.max(1)));
        sum.plus(Effort { requests: pages, tokens: pages * u64::from(route.list), seconds: 0 })
    })
}

fn affected(input: &PlanInput) -> Affected {
    let count = |entity: Entity| input.records.get(&entity).copied().unwrap_or_default();
    Affected {
        leads: count(Entity::Lead),
        deals: count(Entity::Deal),
        activities: count(Entity::Activity),
        notes: count(Entity::Note),
        waiting: input.waiting,
        too_long: input.too_long.0 + input.too_long.1,
    }
}

fn need(input: &PlanInput) -> Need<'_> {
    let count = |entity: Entity| input.records.get(&entity).copied().unwrap_or_default();
    Need {
        existing: input.existing,
        leads: count(Entity::Lead),
        deals: count(Entity::Deal),
        closed_deals: input.closed_deals,
        contacts: count(Entity::Person) + count(Entity::Organization),
        activity_types: input.activity_types.len() as u64,
        pipelines: input.pipelines.iter().filter(|pipeline| !pipeline.found.is_there()).count() as u64,
        fields: &input.fields,
        too_long: input.too_long.0,
        cut: input.too_long.1,
    }
}

/// How long the same work takes on every plan, begun at the same moment, with the same tokens kept back and the same
/// others: the line of the account's own plan is the schedule itself.
fn comparison(load: Effort, input: &PlanInput, need: &Need<'_>) -> Vec<Comparison> {
    let mut seats = SEATS_COMPARED.to_vec();
    if let Spending::Planned { seats: own, .. } = input.spending {
        seats.push(own);
    }
    let compare = |plan: &Tariff| {
        let ends = seats.iter().map(|seats| {
            let (spending, start) = instead(input, *plan, *seats);
            let Schedule { seconds, days, finishes_at, .. } = Schedule::of(load, spending, start);
            (*seats, Ends { seconds, days, finishes_at, fits: need.fits(*plan, *seats) })
        });
        Comparison { plan: *plan, tokens_seat_day: plan.tokens_seat_day(), seats: ends.collect() }
    };
    Tariff::ALL.iter().map(compare).collect()
}

/// The same account on another plan: what was spent of the day so far is spent there too.
fn instead(input: &PlanInput, plan: Tariff, seats: u32) -> (Spending, Start) {
    let start = input.start;
    let Spending::Planned { plan: own, seats: own_seats, top_up_tokens_day, reserve_tokens_day } = input.spending
    else {
        return (Spending::Planned { plan, seats, top_up_tokens_day: 0, reserve_tokens_day: 0 }, start);
    };
    if (plan, seats) == (own, own_seats) {
        return (input.spending, start);
    }
    let spending = Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day };
    let other = Start { tokens_day: None, ..start };
    let whole = Limits::of(input.spending, start).map_or(0, |limits| limits.tokens_day);
    let spent = whole.saturating_sub(start.tokens_left.unwrap_or(whole));
    let left = Limits::of(spending, other).map(|limits| limits.tokens_day.saturating_sub(spent));
    (spending, Start { tokens_left: left, ..other })
}

/// What the reserve costs.
fn reserve(load: Effort, spending: Spending, start: Start) -> Option<Reserve> {
    let Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day } = spending else { return None };
    let without = Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day: 0 };
    let start = Start { tokens_left: start.tokens_left.map(|left| left + reserve_tokens_day), ..start };
    Some(Reserve {
        tokens_day: reserve_tokens_day,
        without: Schedule::of(load, without, start),
        others_tokens_day: start.others_tokens_day,
    })
}

/// Tokens over time: on the account's own plan, and on those sold today with the same seats.
fn curves(load: Effort, input: &PlanInput, schedule: Schedule) -> Vec<Curve> {
    let Spending::Planned { plan: own, seats, .. } = input.spending else { return Vec::new() };
    let Some(seconds) = schedule.seconds else { return Vec::new() };
    let until = seconds.saturating_mul(DRAWN_TIMES);
    let plans = SOLD_TODAY.into_iter().filter(|plan| *plan != own).chain([own]);
    plans
        .filter_map(|plan| {
            let (spending, start) = instead(input, plan, seats);
            let limits = Limits::of(spending, start)?;
            let left = start.tokens_left.unwrap_or(limits.tokens_day);
            let mut points = limits.curve(load, left, start.until_reset());
            // Time without requests is spread over the work; it is drawn at its end.
            points.extend(points.last().map(|(at, tokens)| (at + load.seconds, *tokens)));
            // The line goes on to the edge.
            let within = points.iter().take_while(|(at, _)| *at <= until).count();
            let edge = points.get(within).zip(points.get(within.wrapping_sub(1))).map(|(after, before)| {
                let share = (until - before.0) as f64 / (after.0 - before.0) as f64;
                (until, before.1 + ((after.1 - before.1) as f64 * share) as u64)
            });
            points.truncate(within);
            points.extend(edge);
            (!points.is_empty()).then_some(Curve { plan, own: plan == own, points })
        })
        .collect()
}

fn allowance(spending: Spending) -> Allowance {
    match spending {
        Spending::Unlimited => Allowance { plan: None, seats: 0, tokens_day: None },
        Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day } => {
            let bought = plan.tokens_seat_day() * u64::from(seats) + top_up_tokens_day;
            Allowance { plan: Some(plan), seats, tokens_day: Some(bought.saturating_sub(reserve_tokens_day)) }
        }
    }
}

/// Pipedrive's type as its screens name it; unknown ones as they are.
#[must_use]
pub fn type_words(name: &str) -> &str {
    match name {
        "varchar" => "Text",
        "varchar_auto" => "Autocomplete",
        "text" => "Large text",
        "double" => "Numerical",
        "monetary" => "Monetary",
        "date" => "Date",
        "time" => "Time",
        "enum" => "Single option",
        "set" => "Multiple options",
        "phone" => "Phone",
        "address" => "Address",
        "int" => "Whole number",
        other => other,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::report) fn input() -> PlanInput {
        let at = |text: &str| text.parse().expect("a time");
        let stage = |name: &str, percent| PlannedStage {
            name: name.to_owned(),
            found: Found::New,
            probability: Some(Decimal::from(percent)),
        };
        PlanInput {
            fields: vec![PlannedField {
                entity: Entity::Deal,
                name: "Customer PO".into(),
                field_type: "varchar".into(),
                options: 0,
                new_options: 0,
                found: Found::New,
                filled: Some(40),
                records: 26_000,
            }],
            pipelines: vec![PlannedPipeline {
                name: "Orders".into(),
                found: Found::New,
                stages: vec![stage("Quote", 10), stage("Proof", 60)],
            }],
            lead_labels: vec!["New".into()],
            activity_types: vec!["Proof".into()],
            records: BTreeMap::from([(Entity::Organization, 1_000), (Entity::Lead, 2_000), (Entity::Deal, 24_000)]),
            waiting: 120,
            further: vec![Cost {
                what: "Follow changes for a week".into(),
                minimum: false,
                effort: Effort { requests: 100, tokens: 1_000, seconds: 60 },
            }],
            conflicts: Vec::new(),
            preflight: Preflight::default(),
            existing: Some(Existing { custom_fields: 3, leads_and_deals: 10, ..Existing::default() }),
            closed_deals: 9_000,
            too_long: (0, 0),
            following: Following {
                poll_seconds: 60,
                tries_seconds: 900,
                waits: true,
                changed: BTreeMap::from([(Entity::Deal, 300)]),
                over_days: 30,
            },
            spending: Spending::Planned { plan: Tariff::Growth, seats: 5, top_up_tokens_day: 0, reserve_tokens_day: 0 },
            start: Start {
                at: at("2026-11-23T08:00:00Z"),
                budget_resets_at: at("2026-11-24T00:00:00Z"),
                tokens_left: None,
                round_trip_ms: 0,
                tokens_day: None,
                others_tokens_day: 0,
            },
            side_effects: vec!["Webhooks of the account fire for every record.".into()],
        }
    }

    #[test]
    fn costs_are_creates_and_pages() {
        let plan = Plan::build(input());
        // 1 field, 1 pipeline and 2 stages at 5; 1 label and 1 type at 10; 25,000 records at 5 and 2,000 leads at 10.
        assert_eq!(plan.minimum, Effort { requests: 27_006, tokens: 20 + 20 + 125_000 + 20_000, seconds: 0 });
        // 2 pages of organizations and 48 of deals at 10, 4 of leads at 20: once to count, once to verify.
        assert_eq!(plan.verification, Effort { requests: 54, tokens: 500 + 80, seconds: 0 });
        let further = Effort { requests: 100, tokens: 1_000, seconds: 60 };
        assert_eq!(plan.forecast, plan.minimum.plus(plan.verification).plus(plan.verification).plus(further));
        assert_eq!((plan.schedule.days, plan.comparison.len()), (Some(1), Tariff::ALL.len()));
        let fits: Vec<bool> = plan.caps.iter().map(|cap| cap.fits).collect();
        assert_eq!(fits, [false, true, true, true, true, true, true]);
    }

    #[test]
    fn a_field_that_is_there_is_not_paid_again() {
        let mut known = input();
        known.fields[0].found = Found::There;
        assert_eq!(Plan::build(known.clone()).minimum.tokens + 5, Plan::build(input()).minimum.tokens);
        // Options that it lacks are one call; a pipeline that is there costs only its new stages.
        known.fields[0].new_options = 3;
        known.pipelines[0].found = Found::There;
        known.pipelines[0].stages[1].found = Found::Ours;
        assert_eq!(Plan::build(known).minimum.tokens + 10, Plan::build(input()).minimum.tokens);
    }

    #[test]
    fn what_stands_in_the_way_is_said_and_what_does_not_is_not() {
        let mut input = input();
        input.conflicts = vec![
            Conflict::notice("Pipeline", "Orders", "It is there already."),
            Conflict::block("Custom field of deals", "Rush", "It is a text there.").way("rename theirs"),
        ];
        input.fields =
            (0..100).map(|number| PlannedField { name: format!("F{number}"), ..input.fields[0].clone() }).collect();
        let blockers = Plan::build(input).blockers();
        assert_eq!(blockers.len(), 2, "{blockers:?}");
        assert!(
            blockers[0].contains("'Rush'") && blockers[1].starts_with("custom fields: 3 there, 100 added, 100 allowed")
        );
    }

    #[test]
    fn the_own_line_of_the_comparison_is_the_schedule_and_the_reserve_has_a_price() {
        let mut input = input();
        input.spending =
            Spending::Planned { plan: Tariff::Growth, seats: 5, top_up_tokens_day: 0, reserve_tokens_day: 200_000 };
        // 20,000 were spent today, by us or by others.
        input.start.tokens_left = Some(80_000);
        let plan = Plan::build(input);
        let of = |tariff: Tariff| plan.comparison.iter().find(|line| line.plan == tariff).expect("compared");
        let own = of(Tariff::Growth).seats[&5];
        assert_eq!((own.seconds, own.finishes_at), (plan.schedule.seconds, plan.schedule.finishes_at));
        assert_eq!((own.fits, of(Tariff::Premium).seats[&5].fits), (false, true));
        // 100,000 a day: today's 80,000, and the rest tomorrow. Without the reserve today is enough.
        assert_eq!((plan.schedule.days, plan.reserve.and_then(|reserve| reserve.without.days)), (Some(2), Some(1)));
        // On Lite the reserve takes more than there is.
        assert_eq!((of(Tariff::Lite).seats[&5].seconds, of(Tariff::Ultimate).seats[&1].days), (None, Some(16)));
        let curve = plan.curves.last().expect("the own curve");
        assert!(curve.own, "{curve:?}");
        assert_eq!(curve.points.last(), plan.schedule.seconds.map(|end| (end, plan.forecast.tokens - 580)).as_ref());
    }

    #[test]
    fn the_digest_does_not_depend_on_the_moment() {
        let plan = Plan::build(input());
        let mut later = input();
        later.start.tokens_left = Some(5);
        later.start.at = "2026-11-23T09:00:00Z".parse().expect("a time");
        later.start.others_tokens_day = 9_000;
        assert_eq!(plan.digest().expect("a digest"), Plan::build(later).digest().expect("a digest"));
        let mut other = input();
        other.lead_labels.push("Old".into());
        assert_ne!(plan.digest().expect("a digest"), Plan::build(other).digest().expect("a digest"));
    }
}
