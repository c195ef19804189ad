//! The plan: what will be made in Pipedrive and what it costs, approved before the first write.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::existing::LOOKED_FOR;
use super::follow::TRY_PARKED;
use super::inventory::Inventory;
use super::load::STEPS;
use super::standing::{Standing, Wanted, checks, judge};
use super::survey::{Needs, RECENT_DAYS};
use super::{Forecast, Migration};
use crate::config::Spending;
use crate::error::Result;
use crate::journal::PhaseState;
use crate::permit::Gate;
use crate::pipedrive::{Client, Me, route};
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
        if self.journal.phase("configure").await? == Some(PhaseState::Done) {
            return Ok(Planned::Past);
        }
        if !self.is_approved(Gate::Map, self.mapping.digest()).await? {
            return Ok(Planned::Waits(Gate::Map));
        }
        let me = self.first_contact().await?;
        self.surveyed(&me).await?;
        let needs = self.needs().await?;
        let mut plan = self.plan(&me, &needs).await?;
        if !plan.blockers().is_empty() {
            // Somebody may have solved it meanwhile.
            self.keep_inventory(&self.read_inventory(&me).await?).await?;
            plan = self.plan(&me, &needs).await?;
        }
        self.write_plan(&plan)?;
        let blockers = plan.blockers();
        if blockers.is_empty() {
            self.is_approved(Gate::Plan, &plan.digest()?).await?;
        } else {
            self.block(Gate::Plan, &blockers).await?;
        }
        Ok(Planned::Plan(Box::new(plan)))
    }

    /// Makes the survey, once for each mapping: what it found is about the drafts, and those follow from the mapping.
    ///
    /// # Errors
    /// Those of the survey.
    pub(super) async fn surveyed(&self, me: &Me) -> Result<()> {
        self.phase("survey", async || self.survey(me).await).await?;
        let of = self.needs().await?.mapping;
        if of.is_empty() || of == self.mapping.digest() || self.has_loaded().await? {
            return Ok(());
        }
        tracing::info!("the mapping is another one than that of the survey; surveying again");
        self.survey(me).await?;
        self.keep_ledger().await?;
        if self.journal.phase("configure").await? == Some(PhaseState::Done) {
            // What the mapping needs now and did not need then is made under a plan of its own; nothing goes.
            self.journal.put_phase("configure", PhaseState::Running, self.clock.utc()).await?;
        }
        Ok(())
    }

    /// Whether records were made: from then on another mapping is a change of what is there, not of what will be.
    async fn has_loaded(&self) -> Result<bool> {
        for entity in STEPS {
            if self.journal.loaded(entity).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
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
        Ok(Plan::build(PlanInput {
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
                Cost {
                    what: "Waiting until lists show what was written".to_owned(),
                    minimum: false,
                    effort: Effort { requests: 0, tokens: 0, seconds: lags },
                },
            ]
            .into_iter()
            .chain(existing_costs(needs))
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
        }))
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

/// Whether records can be seen by groups on this plan (OpenAPI v1, `visible_to`). Unknown without limits.
const fn has_groups(spending: Spending) -> bool {
    use crate::config::Plan::{Enterprise, Power, Premium, Ultimate};
    matches!(spending, Spending::Planned { plan: Premium | Ultimate | Power | Enterprise, .. })
}
