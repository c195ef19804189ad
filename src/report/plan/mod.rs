//! The plan: what will be created in Pipedrive, what that costs and how long it takes, on this plan and on the others,
//! and where Pipedrive differs from what one may expect. Built from given numbers, so that its digest can be approved.

pub mod caps;
mod chart;
mod compared;
pub mod conflicts;
pub mod daily;
pub mod forecast;
mod page;
mod staging;
mod terminal;
#[cfg(test)]
pub(in crate::report) mod tests;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::deviations::{Affected, Deviation, deviations};
use super::preflight::Preflight;
use crate::config::Spending;
use crate::error::{Error, Kind, Result};
use crate::pipedrive::route;
use crate::record::Entity;
use caps::{CapLine, Existing, Need};
use compared::{allowance, comparison, curves, reserve};
use conflicts::{Conflict, Found};
use daily::{Daily, Following};
use forecast::{Effort, Schedule, Start};

pub use compared::{Allowance, Comparison, Curve, Ends, Reserve};
pub use staging::StagingPlan;

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
