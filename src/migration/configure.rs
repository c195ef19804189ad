//! Configure: the workspace that the mapping needs, made once and by name. Only here are fields, stages and labels made, and
//! only when the plan for them is approved, nothing stands in its way, and the account is still as the plan says.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use super::Migration;
use super::ahead::Stuck;
use super::ensure::Work;
use super::inventory::{FIELD_OWNERS, Inventory, Known, field_entity};
use super::outlook::Outlook;
use super::plan::plan_artefact;
use super::standing::{find_type, is_active};
use super::survey::Seen;
use crate::error::{Error, Kind, Result};
use crate::permit::{Gate, WritePermit};
use crate::pipedrive::Me;
use crate::record::{Entity, fold_name};
use crate::report::plan::Plan;
use crate::report::workspace::WorkspaceReport;
use crate::stage::extract::Which;
use crate::stage::resolve::Workspace;

/// Colours of lead labels, in turn (OpenAPI v1: `leadLabels`).
const COLORS: [&str; 6] = ["blue", "green", "orange", "purple", "yellow", "gray"];

/// Where the journal keeps the digest of the plan under which making began.
const BEGUN: &str = "configure:begun";

/// How often it is looked whether somebody asks for a new look at the account. A look itself costs some hundred tokens, so
/// it comes by itself only after pauses that grow from the first to the last.
const LISTEN: Duration = Duration::from_secs(1);
const FIRST_LOOK: Duration = Duration::from_secs(60);
const LAST_LOOK: Duration = Duration::from_secs(3_600);

/// A plan that may be carried out.
pub(super) struct Approved {
    plan: Plan,
    pub(super) permit: WritePermit,
    /// The account just before, or as it is now when making began in an earlier run.
    pub(super) inventory: Inventory,
}

impl Migration {
    pub(super) async fn configure(&self, me: &Me) -> Result<()> {
        let Approved { plan, permit, inventory } = self.approved_plan(me, (self, me)).await?;
        let owners = self.match_owners_to(&inventory.users).await?;
        self.keep_forecast(self.forecast_of(&plan, &self.needs().await?, &owners).await?).await?;
        self.make_workspace(me, &permit, &inventory).await
    }

    /// Makes what the data needs, once, in the company whose journal this is.
    pub(super) async fn make_workspace(&self, me: &Me, permit: &WritePermit, inventory: &Inventory) -> Result<()> {
        let needs = self.needs().await?;
        let work = Work { me, needs: &needs, ours: self.ours(me).await?, permit };
        let workspace = Workspace {
            fields: self.ensure_fields(&work, &inventory.fields).await?,
            lead_labels: self.ensure_labels(&work, &inventory.lead_labels).await?,
            activity_types: self.ensure_types(&work, &inventory.activity_types).await?,
            stages: self.ensure_pipelines(&work, inventory).await?,
        };
        self.journal.put_keys(me.company_id.clone(), workspace.to_keys()?).await
    }

    /// Adds what later changes need: fields, options, labels and types under the rules of the approved plan.
    pub(super) async fn configure_again(&self, me: &Me) -> Result<()> {
        let needs = self.draft_walk(Which::Pending, &mut Seen::default(), Outlook::default()).await?;
        let permit = self.standing_permit(Gate::Plan).await?;
        self.outwait_makings(me).await?;
        let mut fields = Vec::new();
        for owner in FIELD_OWNERS {
            fields.push((owner, self.client.fields(field_entity(owner)).await?));
        }
        let mut workspace = self.workspace(me).await?;
        let work = Work { me, needs: &needs, ours: self.ours(me).await?, permit: &permit };
        workspace.fields.extend(self.ensure_fields(&work, &fields).await?);
        if !needs.lead_labels.is_empty() {
            let known = self.known(Entity::LeadLabel).await?;
            workspace.lead_labels.extend(self.ensure_labels(&work, &known).await?);
        }
        if !needs.activity_types.is_empty() {
            let known = self.known(Entity::ActivityType).await?;
            workspace.activity_types.extend(self.ensure_types(&work, &known).await?);
        }
        self.journal.put_keys(me.company_id.clone(), workspace.to_keys()?).await?;
        self.show_workspace(me).await
    }

    /// The workspace as it was made.
    pub(super) async fn workspace(&self, me: &Me) -> Result<Workspace> {
        Workspace::from_keys(self.journal.keys(me.company_id.clone()).await?)
    }

    /// Waits until a plan is approved in whose way nothing stands, and that is still about the account as it is: the
    /// company itself, or the staging company.
    pub(super) async fn approved_plan(&self, me: &Me, (account, there): (&Self, &Me)) -> Result<Approved> {
        let mut pause = FIRST_LOOK;
        loop {
            let (plan, permit) = self.pass_plan(me, &mut pause).await?;
            let digest = plan.digest()?;
            if account.journal.fact(BEGUN).await?.as_ref() == Some(&digest) {
                // Under this very plan making began: what is there by now is partly our own work.
                account.outwait_makings(there).await?;
                self.write_proved(&plan, account).await?;
                return Ok(Approved { plan, permit, inventory: account.read_inventory(there).await? });
            }
            // The gate may have stood open for days.
            let needs = account.needs().await?;
            let (before, inventory) = (account.inventory(there).await?, account.read_inventory(there).await?);
            if account.standing(there, &needs, &before).await? != account.standing(there, &needs, &inventory).await? {
                tracing::info!("the account is no longer as the approved plan says; planning anew");
                account.keep_inventory(&inventory).await?;
                self.look_at_staging(me, true).await?;
                continue;
            }
            account.prove(&permit).await?;
            self.write_proved(&plan, account).await?;
            let preflight = account.proved_preflight(&plan).await?;
            let blockers: Vec<String> =
                preflight.blocking().map(|check| format!("{}: {}", check.about, check.says)).collect();
            if blockers.is_empty() {
                account.journal.put_fact(BEGUN, digest).await?;
                return Ok(Approved { plan, permit, inventory });
            }
            self.wait_out(me, &blockers, &mut pause).await?;
        }
    }

    /// The plan as the accounts stand, and its permit, once nothing is in its way and it is approved.
    async fn pass_plan(&self, me: &Me, pause: &mut Duration) -> Result<(Plan, WritePermit)> {
        loop {
            let plan = self.plan(me, &self.needs().await?).await?;
            self.write_plan(&plan)?;
            let blockers = plan.blockers();
            if blockers.is_empty() || self.has_begun(&plan.digest()?).await? {
                let permit = self.pass(Gate::Plan, plan_artefact(&plan)?).await?;
                return Ok((plan, permit));
            }
            self.wait_out(me, &blockers, pause).await?;
        }
    }

    /// Whether making began under the plan with this digest, in the company itself or in staging.
    async fn has_begun(&self, digest: &String) -> Result<bool> {
        let staging = self.staging.as_deref();
        for account in [Some(self), staging].into_iter().flatten() {
            if account.journal.fact(BEGUN).await?.as_ref() == Some(digest) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether anything was ever made in the company whose journal this is.
    pub(super) async fn has_made(&self) -> Result<bool> {
        Ok(self.journal.fact(BEGUN).await?.is_some())
    }

    /// The preflight is about the company itself; what was proved in staging stands in the log.
    async fn write_proved(&self, plan: &Plan, account: &Self) -> Result<()> {
        if !account.is_staging() {
            return self.write_report("preflight", &self.proved_preflight(plan).await?);
        }
        for check in account.proof().await? {
            tracing::info!(about = check.about, says = check.says, "proved in the staging company");
        }
        Ok(())
    }

    /// Waits until what is in the way may be solved, and looks at the accounts again.
    async fn wait_out(&self, me: &Me, blockers: &[String], pause: &mut Duration) -> Result<()> {
        self.block(Gate::Plan, blockers).await?;
        self.wait_for_a_way(blockers, *pause).await?;
        *pause = (*pause * 2).min(LAST_LOOK);
        self.keep_inventory(&self.read_inventory(me).await?).await?;
        self.look_at_staging(me, true).await.map(drop)
    }

    /// Waits until somebody may have solved what is in the way: `crossdock retry` says so, otherwise a pause passes.
    async fn wait_for_a_way(&self, blockers: &[String], pause: Duration) -> Result<()> {
        self.patience.waits_for(Stuck::Blocked(blockers.to_vec()))?;
        for blocker in blockers {
            tracing::warn!(blocker, "nothing is made before this is solved");
        }
        let things =
            if blockers.len() == 1 { "1 thing stands".to_owned() } else { format!("{} things stand", blockers.len()) };
        let waits = format!("{things} in the way of the plan, see reports/plan.html; `crossdock retry` looks again");
        let began = self.clock.now();
        self.progress.waits(&waits);
        while self.clock.now().since(began) < pause && !self.signals.take_retry() {
            if self.stop.is_stopped() {
                return Err(Error::new(Kind::Stopped, "a stop was asked for"));
            }
            self.pause_for(LISTEN).await;
        }
        self.progress.waits("");
        Ok(())
    }

    /// Writes the workspace as it was made, and what of it lies before its gate.
    pub(super) async fn write_workspace(
        &self,
        me: &Me,
        workspace: &Workspace,
        (digest, holds): (&str, Vec<String>),
    ) -> Result<()> {
        let proved = self.proof().await?;
        let ours = self.ours(me).await?;
        let is_ours = |entity, key: &str| ours.made(entity, key);
        let mut report = WorkspaceReport::new(workspace, proved, &is_ours);
        (report.digest, report.holds) = (digest.to_owned(), holds);
        self.write_report("workspace", &report)
    }

    async fn ensure_labels(&self, work: &Work<'_>, there: &[Known]) -> Result<HashMap<String, String>> {
        let called = |label: &Known| (fold_name(label.text("name")), label.id.clone());
        let mut labels: HashMap<String, String> = there.iter().map(called).collect();
        for (index, name) in work.needs.lead_labels.iter().enumerate() {
            let body = json!({ "name": name, "color": COLORS[index % COLORS.len()] });
            self.ensure_named(work, (Entity::LeadLabel, name), ("id", body), &mut labels).await?;
        }
        Ok(labels)
    }

    async fn ensure_types(&self, work: &Work<'_>, there: &[Known]) -> Result<HashMap<String, String>> {
        let active = || there.iter().filter(|known| is_active(known));
        let key = |known: &Known| known.text("key_string").to_owned();
        // The types that every account has are known by their keys, whatever they were renamed to.
        let mut types: HashMap<String, String> =
            active().map(|known| (fold_name(known.text("key_string")), key(known))).collect();
        types.extend(active().map(|known| (fold_name(known.text("name")), key(known))));
        for name in &work.needs.activity_types {
            if find_type(there, name).is_some_and(|known| !is_active(known)) {
                let why =
                    format!("activity type '{name}' is switched off; switch it on, or name another in the mapping");
                return Err(Error::new(Kind::Settings, why));
            }
            let body = json!({ "name": name, "icon_key": "task" });
            self.ensure_named(work, (Entity::ActivityType, name), ("key_string", body), &mut types).await?;
        }
        Ok(types)
    }
}
