//! The plan: what will be made in Pipedrive and what it costs, approved before the first write.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::existing::LOOKED_FOR;
use super::follow::TRY_PARKED;
use super::gates::Artefact;
use super::inventory::Inventory;
use super::load::STEPS;
use super::made::looks;
use super::standing::{Standing, Wanted, checks, judge};
use super::survey::{Needs, RECENT_DAYS};
use super::{Forecast, Migration};
use crate::config::Spending;
use crate::error::Result;
use crate::journal::PhaseState;
use crate::permit::Gate;
use crate::pipedrive::{Api, Client, Me, route};
use crate::record::Entity;
use crate::report::plan::caps::Existing;
use crate::report::plan::daily::Following;
use crate::report::plan::forecast::{Effort, Schedule, Start};
use crate::report::plan::{Cost, Plan, PlanInput};
use crate::report::preflight::Preflight;
use crate::stage::resolve::{Assignment, OwnerBook};

/// Tokens that reading the account costs beside the lists: who we are, users, fields, labels, types, first pages.
const SETTING_UP_TOKENS: u64 = 250;

/// Calls of that.
const SETTING_UP_CALLS: u64 = 16;

/// What came of planning ahead.
#[derive(Debug)]
pub enum Planned {
    /// The plan, written as a report and laid before its gate.
    Plan(Box<Plan>),
    /// A gate must be passed first.
    Waits(Gate),
    /// The workspace is made: what is there to be planned is under way.
    Past,
}

impl Migration {
    /// Plans without the daemon: surveys the source if that was not done yet, writes the plan and lays it before its gate.
    /// Nothing is written to Pipedrive, and reading it costs a few hundred tokens once.
    ///
    /// # Errors
    /// Those of reads and of the survey; `Settings` when a report cannot be written.
    pub async fn plan_ahead(&self) -> Result<Planned> {
        let is_made = self.journal.phase("configure").await? == Some(PhaseState::Done);
        if is_made && self.needs().await?.mapping == self.mapping.digest() {
            return Ok(Planned::Past);
        }
        if !self.is_approved(Gate::Map, self.map_artefact()?).await? {
            return Ok(Planned::Waits(Gate::Map));
        }
        let me = self.first_contact().await?;
        self.greet_staging(&me).await?;
        self.surveyed(&me).await?;
        let needs = self.needs().await?;
        let data = self.data_artefact(&needs).await?;
        self.is_approved(Gate::Data, data).await?;
        self.look_at_staging(&me, false).await?;
        let mut plan = self.plan(&me, &needs).await?;
        if !plan.blockers().is_empty() {
            // Somebody may have solved it meanwhile.
            self.keep_inventory(&self.read_inventory(&me).await?).await?;
            self.look_at_staging(&me, true).await?;
            plan = self.plan(&me, &needs).await?;
        }
        self.write_plan(&plan)?;
        let blockers = plan.blockers();
        if blockers.is_empty() {
            self.is_approved(Gate::Plan, plan_artefact(&plan)?).await?;
        } else {
            self.block(Gate::Plan, &blockers).await?;
        }
        Ok(Planned::Plan(Box::new(plan)))
    }

    /// Makes the survey, once for each mapping: what it found is about the drafts, and those follow from the mapping. Until
    /// the load begins another mapping sends the walk back to its beginning.
    ///
    /// # Errors
    /// Those of the survey.
    pub(super) async fn surveyed(&self, me: &Me) -> Result<()> {
        self.phase("survey", async || self.survey(me).await).await?;
        let is_loading = self.journal.phase("load").await?.is_some();
        let of = self.needs().await?.mapping;
        if !is_loading && !of.is_empty() && of != self.mapping.digest() {
            tracing::info!("the mapping is another one than that of the survey; surveying again");
            self.pass(Gate::Map, self.map_artefact()?).await?;
            self.journal.forget_phases(vec!["staging", "configure", "sample"]).await?;
            self.journal.withdraw(&[Gate::Data, Gate::Plan, Gate::Workspace, Gate::Sample]).await?;
            // Keys that the other mapping made say nothing, and what is loaded as a sample counts as if it were not.
            self.journal.forget_claims().await?;
            let sample = self.journal.sample().await?;
            self.journal.touch(sample.into_iter().map(|chosen| (chosen.object, chosen.source_id)).collect()).await?;
            self.survey(me).await?;
            self.keep_ledger().await?;
        }
        Ok(())
    }

    /// The plan for what the survey found.
    pub(super) async fn plan(&self, me: &Me, needs: &Needs) -> Result<Plan> {
        let inventory = self.inventory(me).await?;
        let standing = self.standing(me, needs, &inventory).await?;
        let lost = |entity: &Entity| needs.lost.get(entity.as_str()).copied().unwrap_or_default();
        let matched = |entity: &Entity| needs.matched.get(entity.as_str()).copied().unwrap_or_default();
        let made = |entity: &Entity| Some(needs.drafts.get(entity.as_str())? - lost(entity) - matched(entity));
        let count = |entity: &Entity| Some((*entity, made(entity)?));
        let lags = self.config.pipedrive.list_lag.as_secs() * STEPS.len() as u64;
        let counting = needs.existing.unwrap_or_default();
        let staging = self.staging_plan().await?;
        let reading_back = staging.is_none().then(|| self.sample_cost(needs));
        let plan = Plan::build(PlanInput {
            fields: standing.fields,
            pipelines: standing.pipelines,
            lead_labels: standing.lead_labels,
            activity_types: standing.activity_types,
            conflicts: standing.conflicts,
            preflight: Preflight {
                checks: standing.checks,
                to_confirm: checks::to_confirm(&inventory),
                ..Preflight::default()
            },
            records: STEPS.iter().filter_map(count).collect(),
            waiting: needs.waiting.values().flat_map(BTreeMap::values).sum(),
            further: [
                Cost {
                    what: "Reading the account: users, fields, labels, types".to_owned(),
                    minimum: false,
                    effort: Effort { requests: SETTING_UP_CALLS, tokens: SETTING_UP_TOKENS, seconds: 0 },
                },
                Cost {
                    what: "Counting what the account holds already, at the survey".to_owned(),
                    minimum: false,
                    effort: Effort { requests: counting.requests, tokens: counting.tokens, seconds: 0 },
                },
                Cost { what: "Reading the workspace back at its gate".to_owned(), minimum: false, effort: looks() },
                Cost {
                    what: "Waiting until lists show what was written".to_owned(),
                    minimum: false,
                    effort: Effort { requests: 0, tokens: 0, seconds: lags },
                },
            ]
            .into_iter()
            .chain(existing_costs(needs))
            .chain(reading_back)
            .collect(),
            existing: needs.existing.map(|existing| Existing { custom_fields: standing.custom_fields, ..existing }),
            closed_deals: needs.closed_deals,
            too_long: (needs.too_long, needs.cut),
            following: self.following(needs),
            spending: self.config.pipedrive.spending,
            start: self.start().await?,
            side_effects: vec![
                "Every write fires the account's webhooks and automations: pause automations before the load."
                    .to_owned(),
                "Nobody is invited and no attendees are set, ever.".to_owned(),
            ],
        });
        Ok(plan.by_way_of(staging))
    }

    /// How the account stands to what the mapping and the data need.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn standing(&self, me: &Me, needs: &Needs, inventory: &Inventory) -> Result<Standing> {
        let wanted = Wanted {
            mapping: &self.mapping,
            needs,
            pipelines: &self.pipeline_plans().await?,
            ours: &self.ours(me).await?,
            has_groups: has_groups(self.config.pipedrive.spending),
        };
        Ok(judge(inventory, &wanted))
    }

    /// The plan, and what of it concerns the account's readiness, as reports.
    pub(super) fn write_plan(&self, plan: &Plan) -> Result<()> {
        self.write_report("plan", plan)?;
        self.write_report("preflight", &plan.preflight)
    }

    /// The plan's forecast less what waits for owners who still have no user.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn forecast_of(&self, plan: &Plan, needs: &Needs, owners: &OwnerBook) -> Result<Forecast> {
        let waits = |owner: &String| matches!(owners.assignment(owner), Assignment::Waits(_));
        let mut waiting = Effort::default();
        let mut records = plan.record_count();
        for kinds in needs.waiting.iter().filter(|(owner, _)| waits(owner)).map(|(_, kinds)| kinds) {
            for entity in STEPS {
                let requests = kinds.get(entity.as_str()).copied().unwrap_or_default();
                let tokens = requests * u64::from(route(entity).create);
                records = records.saturating_sub(requests);
                waiting = waiting.plus(Effort { requests, tokens, seconds: 0 });
            }
        }
        let effort = plan.forecast.less(waiting);
        let spending = self.config.pipedrive.spending;
        let schedule = Schedule::of(effort.less(plan.verification), spending, self.start().await?);
        Ok(Forecast { effort, verification: plan.verification, records, schedule })
    }

    /// What following the source will be like.
    fn following(&self, needs: &Needs) -> Following {
        let recent = |entity: &Entity| Some((*entity, *needs.recent.get(entity.as_str())?));
        Following {
            poll_seconds: self.config.source.poll().as_secs(),
            tries_seconds: TRY_PARKED.as_secs().unsigned_abs(),
            waits: !needs.waiting.is_empty(),
            changed: STEPS.iter().filter_map(recent).collect(),
            over_days: RECENT_DAYS,
        }
    }

    /// From where a forecast counts now.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn start(&self) -> Result<Start> {
        let others_tokens_day = self.others_tokens_day().await?;
        let now = self.clock.utc();
        let budget = self.client.budget();
        Ok(Start {
            at: now,
            budget_resets_at: budget.resets_at().unwrap_or(now + SignedDuration::from_hours(24)),
            tokens_left: budget.tokens_left_today(),
            round_trip_ms: u64::try_from(budget.round_trip().as_millis()).unwrap_or(u64::MAX),
            tokens_day: budget.day_balance().map(|(limit, _)| limit),
            others_tokens_day,
        })
    }

    /// What the sample costs beside its records, which are made only once: finding out where each list ends, and reading
    /// what came of it.
    pub(super) fn sample_cost(&self, needs: &Needs) -> Cost {
        let kinds =
            || STEPS.iter().filter(|entity| needs.drafts.get(entity.as_str()).is_some_and(|drafts| *drafts > 0));
        let of_a_kind = (self.config.sample_records.div_ceil(kinds().count().max(1))) as u64;
        let effort = kinds().fold(Effort::default(), |sum, entity| {
            let (route, drafts) = (route(*entity), needs.drafts.get(entity.as_str()).copied().unwrap_or_default());
            let records = of_a_kind.min(drafts);
            let list = Effort { requests: 1, tokens: u64::from(route.list), seconds: 0 };
            let read = match route.api {
                // A hundred with one call, and what the chosen ones belong to is about as many again.
                Api::V2 => list,
                Api::V1 => Effort { requests: records, tokens: records * u64::from(route.get), seconds: 0 },
            };
            sum.plus(list).plus(read)
        });
        Cost { what: "Read the sample back".to_owned(), minimum: false, effort }
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
        let (route, filled) = (route(entity), of(&needs.to_fill));
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

/// The plan, as it lies before its gate.
pub(super) fn plan_artefact(plan: &Plan) -> Result<Artefact> {
    Ok(Artefact { digest: plan.digest()?, content: plan.lines().join("\n") })
}

/// Whether records can be seen by groups on this plan (OpenAPI v1, `visible_to`). Unknown without limits.
const fn has_groups(spending: Spending) -> bool {
    use crate::config::Plan::{Enterprise, Power, Premium, Ultimate};
    matches!(spending, Spending::Planned { plan: Premium | Ultimate | Power | Enterprise, .. })
}
