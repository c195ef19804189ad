//! The plan: what will be made in Pipedrive and what it costs, approved before the first write.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::existing::LOOKED_FOR;
use super::load::STEPS;
use super::survey::{Needs, option_key};
use super::{Forecast, Migration};
use crate::error::Result;
use crate::pipedrive::{Client, route};
use crate::record::Entity;
use crate::report::plan::forecast::{Effort, Schedule, Start};
use crate::report::plan::{Cost, Existing, Plan, PlanInput, PlannedField, PlannedPipeline, PlannedStage};
use crate::stage::resolve::{Assignment, OwnerBook};

/// Tokens that reading the account costs beside the lists: who we are, users, fields, labels, types, first pages.
const SETTING_UP_TOKENS: u64 = 250;

/// Calls of that.
const SETTING_UP_CALLS: u64 = 16;

impl Migration {
    /// The plan for what the survey found.
    pub(super) async fn plan(&self, needs: &Needs) -> Result<Plan> {
        let lost = |entity: &Entity| needs.lost.get(entity.as_str()).copied().unwrap_or_default();
        let matched = |entity: &Entity| needs.matched.get(entity.as_str()).copied().unwrap_or_default();
        let made = |entity: &Entity| Some(needs.drafts.get(entity.as_str())? - lost(entity) - matched(entity));
        let count = |entity: &Entity| Some((*entity, made(entity)?));
        let lags = self.config.pipedrive.list_lag.as_secs() * STEPS.len() as u64;
        Ok(Plan::build(PlanInput {
            fields: self.planned_fields(needs),
            pipelines: self.planned_pipelines().await?,
            lead_labels: needs.lead_labels.iter().cloned().collect(),
            activity_types: needs.activity_types.iter().cloned().collect(),
            records: STEPS.iter().filter_map(count).collect(),
            further: [
                Cost {
                    what: "Reading the account: users, fields, labels, types".to_owned(),
                    minimum: false,
                    effort: Effort { requests: SETTING_UP_CALLS, tokens: SETTING_UP_TOKENS, seconds: 0 },
                },
                Cost {
                    what: "Waiting until lists show what was written".to_owned(),
                    minimum: false,
                    effort: Effort { requests: 0, tokens: 0, seconds: lags },
                },
            ]
            .into_iter()
            .chain(existing_costs(needs))
            .collect(),
            existing: Existing::default(),
            spending: self.config.pipedrive.spending,
            start: self.start(),
            side_effects: vec![
                "Every write fires the account's webhooks and automations: pause automations before the load."
                    .to_owned(),
                "Nobody is invited and no attendees are set, ever.".to_owned(),
            ],
        }))
    }

    /// The plan's forecast less what waits for owners who still have no user.
    pub(super) fn forecast_of(&self, plan: &Plan, needs: &Needs, owners: &OwnerBook) -> Forecast {
        let waits = |owner: &String| matches!(owners.assignment(owner), Assignment::Waits(_));
        let mut waiting = Effort::default();
        for kinds in needs.waiting.iter().filter(|(owner, _)| waits(owner)).map(|(_, kinds)| kinds) {
            for entity in STEPS {
                let requests = kinds.get(entity.as_str()).copied().unwrap_or_default();
                let tokens = requests * u64::from(route(entity).create);
                waiting = waiting.plus(Effort { requests, tokens, seconds: 0 });
            }
        }
        let effort = plan.forecast.less(waiting);
        Forecast { effort, schedule: self.schedule(effort) }
    }

    /// From where a forecast counts now.
    fn start(&self) -> Start {
        let now = self.clock.utc();
        let budget = self.client.budget();
        Start {
            at: now,
            budget_resets_at: budget.resets_at().unwrap_or(now + SignedDuration::from_hours(24)),
            tokens_left: budget.tokens_left_today(),
            round_trip_ms: u64::try_from(budget.round_trip().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// When work of this size will be done if it begins now.
    pub(super) fn schedule(&self, effort: Effort) -> Schedule {
        Schedule::of(effort, self.config.pipedrive.spending, self.start())
    }

    fn planned_fields(&self, needs: &Needs) -> Vec<PlannedField> {
        let planned = self.mapping.custom_fields().into_iter().map(|field| PlannedField {
            options: needs
                .options
                .get(&option_key(field.entity, &field.name))
                .map_or(0, |options| options.len() as u64),
            entity: field.entity,
            name: field.name,
            field_type: field.field_type.to_owned(),
        });
        planned.collect()
    }

    async fn planned_pipelines(&self) -> Result<Vec<PlannedPipeline>> {
        let plans = self.pipeline_plans().await?;
        let planned = plans.into_iter().map(|plan| PlannedPipeline {
            name: plan.name,
            stages: plan
                .stages
                .into_iter()
                .map(|stage| PlannedStage { name: stage.name, probability: stage.probability.map(Into::into) })
                .collect(),
        });
        Ok(planned.collect())
    }

    /// The client, for what it was told about the budget.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// Passes over what Pipedrive held before us, beside that of the survey: before the load, in its sweep, in the verification.
const EXISTING_PASSES: u64 = 3;

/// What it costs that the account is not empty: its lists are longer, and what is found may have blanks to fill. At most one
/// write for each; a look at its blanks just before, for a hundred at a time.
fn existing_costs(needs: &Needs) -> Vec<Cost> {
    let (mut reading, mut filling) = (Effort::default(), Effort::default());
    for entity in LOOKED_FOR {
        let of = |counts: &BTreeMap<String, u64>| counts.get(entity.as_str()).copied().unwrap_or_default();
        let (route, filled) = (route(entity), of(&needs.filled));
        let pages =
            of(&needs.held).div_ceil(u64::from(route.page_rows.max(1))) * EXISTING_PASSES + filled.div_ceil(100);
        reading = reading.plus(Effort { requests: pages, tokens: pages * u64::from(route.list), seconds: 0 });
        filling = filling.plus(Effort { requests: filled, tokens: filled * u64::from(route.update), seconds: 0 });
    }
    let lines = [
        ("Find what Pipedrive holds already", false, reading),
        ("Fill what Pipedrive holds already, at most", true, filling),
    ];
    let cost = |(what, minimum, effort): (&str, bool, Effort)| Cost { what: what.to_owned(), minimum, effort };
    lines.into_iter().filter(|(_, _, effort)| effort.requests > 0).map(cost).collect()
}
