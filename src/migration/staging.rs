//! Staging: another Pipedrive company takes the workspace and the sample before the company itself is written to.
//!
//! What happens there has a journal of its own, so that no binding, key, effect or count of one company can be taken for the
//! other's. It holds copies of the sample's records, as they landed. The gates are the migration's: approving the plan
//! unlocks workspace and sample in staging, approving the sample unlocks the workspace in the company itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use metrics::gauge;
use serde::{Deserialize, Serialize};

use super::gates::Artefact;
use super::sample::SAMPLE_OF;
use super::survey::Needs;
use super::{Migration, STAGING_JOURNAL, ahead, gates, open_source, owners, pipedrive_client, write};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::journal::{Journal, PhaseState};
use crate::permit::Gate;
use crate::pipedrive::Me;
use crate::report::plan::{Plan, StagingPlan};
use crate::report::sample::InStaging;
use crate::stage::extract::PAGE_RECORDS;
use crate::stage::resolve::OwnerBook;
use crate::telemetry;

/// The phase, as journal and status name it.
const PHASE: &str = "staging";

/// Where the journal keeps what the plan says of the staging company: JSON, `null` when there is none any more.
const STAGED: &str = "staging";

/// Where the journal keeps which company is written to.
const WRITES_TO: &str = "writes_to";

/// What is known of the staging company since the plan was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Staged {
    /// Digest of the mapping that the plan is for.
    mapping: String,
    plan: StagingPlan,
}

/// Who stands in for owners, in the staging company. Known once the users of both companies were read.
pub(super) type Standby = Mutex<Option<StandIn>>;

/// The user who stands in for owners who have a user in the company itself and none in staging.
pub(super) struct StandIn {
    real: OwnerBook,
    user: i64,
}

/// Which company is written to, in words; empty before the first write.
///
/// # Errors
/// `Journal`.
pub async fn writes_to(journal: &Journal) -> Result<String> {
    Ok(journal.fact(WRITES_TO).await?.unwrap_or_default())
}

impl Migration {
    /// The staging company's side of this migration: its own account, journal and budget, and the same mapping, clock and
    /// switch. `None` when the settings name no staging company.
    ///
    /// # Errors
    /// `Settings`, `Journal`.
    pub(super) async fn staging_beside(&self, journal: Journal) -> Result<Option<Self>> {
        let Some(account) = self.config.staging.clone() else { return Ok(None) };
        let config = Config { pipedrive: account, staging: None, ..self.config.clone() };
        let progress = self.progress.of_phase(PHASE);
        let run = (self.stop.clone(), progress.clone());
        Ok(Some(Self {
            client: pipedrive_client(&config, &self.clock, &journal, run, true).await?,
            source: open_source(&config, &self.clock, &self.mapping)?,
            config,
            journal,
            progress,
            folder: self.folder.clone(),
            clock: self.clock.clone(),
            told: self.told.clone(),
            turn: self.turn.clone(),
            stop: self.stop.clone(),
            signals: self.signals.clone(),
            checkpoint: None,
            failpoint: self.failpoint.clone(),
            mapping: self.mapping.clone(),
            written: self.written.clone(),
            profile_digest: self.profile_digest.clone(),
            passed: gates::Passed::default(),
            patience: ahead::Patience::default(),
            users: owners::Known::default(),
            cpu: self.cpu.clone(),
            verified: Mutex::default(),
            swept: write::SweptCounts::default(),
            staging: None,
            as_staging: Some(Standby::default()),
        }))
    }

    /// The journal of the staging company, for commands.
    #[must_use]
    pub fn staging_journal(&self) -> Option<&Journal> {
        self.staging.as_deref().map(|staging| &staging.journal)
    }

    /// Whether this is the staging company's side.
    pub(super) const fn is_staging(&self) -> bool {
        self.as_staging.is_some()
    }

    /// What the plan says of the staging company; `None` for migrations without one.
    pub(super) async fn staging_plan(&self) -> Result<Option<StagingPlan>> {
        let staged: Option<Option<Staged>> = self.fact(STAGED).await?;
        Ok(staged.flatten().map(|staged| staged.plan))
    }

    /// Whether the sample goes, or went, to a staging company.
    pub(super) async fn went_by_staging(&self) -> Result<bool> {
        Ok(self.staging_plan().await?.is_some())
    }

    /// Workspace and sample in staging, and the sample's approval, before anything is made in the company itself.
    pub(super) async fn staged(&self, me: &Me) -> Result<()> {
        self.look_at_staging(me, false).await?;
        if self.went_by_staging().await? {
            self.phase(PHASE, async || Box::pin(self.in_staging(me)).await).await?;
            // Also when it was taken back later: without it nothing is made in the company itself, and nothing of it is asked
            // about either.
            if self.standing_permit(Gate::Sample).await.is_err_and(|error| error.kind() == Kind::Gate) {
                self.journal.withdraw(&[Gate::Workspace]).await?;
            }
            self.pass_again(Gate::Sample).await?;
        }
        self.writes_to(me).await
    }

    async fn in_staging(&self, me: &Me) -> Result<()> {
        let gone = || Error::new(Kind::Bug, "the staging company is planned for and not in the settings");
        let staging = self.staging.as_deref().ok_or_else(gone)?;
        let there = self.contact_staging(me, staging).await?;
        let approved = self.approved_plan(me, (staging, &there)).await?;
        self.keep_company(&format!("staging company {} ({})", there.company_name, there.company_id), true).await?;
        staging.make_workspace(&there, &approved.permit, &approved.inventory).await?;
        let user =
            there.user_id.parse().map_err(|error| Error::new(Kind::Bug, "our user in staging").because(error))?;
        staging.stands_in(StandIn { real: self.match_owners().await?, user });
        let choose = async || self.choose_for_staging(staging).await;
        let mut sample = staging.load_sample(&there, approved.permit, choose).await?;
        sample.staging = Some(self.what_staging_means(me, (staging, &there)).await?);
        self.write_report("sample", &sample)?;
        staging.keep_ledger().await?;
        self.pass(Gate::Sample, Artefact::of_lines(&sample.lines())).await.map(drop)
    }

    /// Refuses a wrong staging company at once, and not after the survey. One whose part is over is not asked any more.
    ///
    /// # Errors
    /// As [`Migration::contact_staging`].
    pub(super) async fn greet_staging(&self, me: &Me) -> Result<()> {
        match self.staging.as_deref() {
            Some(staging) if self.journal.phase(PHASE).await? != Some(PhaseState::Done) => {
                self.contact_staging(me, staging).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Who the token of the staging company belongs to. Any other company than the first one is refused there too, and so is
    /// the company itself.
    async fn contact_staging(&self, me: &Me, staging: &Self) -> Result<Me> {
        let there = staging.client.me().await?;
        if there.company_id == me.company_id {
            let why = format!(
                "[pipedrive.staging]: its token is of company {}, which is the company of [pipedrive]; a staging company is \
                 another one",
                there.company_id
            );
            return Err(Error::new(Kind::Settings, why));
        }
        let other = |error: Error| {
            let why = format!(
                "[pipedrive.staging]: this migration began with another staging company; name that one, or move \
                 {STAGING_JOURNAL} out of the folder to begin with a new one"
            );
            if error.kind() == Kind::Settings { Error::new(Kind::Settings, why).because(error) } else { error }
        };
        staging.known_as(&there).await.map_err(other)?;
        Ok(there)
    }

    /// Settles whether the sample goes by way of a staging company, and says in the plan what is made there. It is looked
    /// at once for each mapping, and again when `anew`, because something in the way may be solved.
    ///
    /// # Errors
    /// `Settings` when a staging company is named after something was made in the company itself, or is that company; those
    /// of reads.
    pub(super) async fn look_at_staging(&self, me: &Me, anew: bool) -> Result<()> {
        if self.journal.phase(PHASE).await? == Some(PhaseState::Done) {
            return Ok(());
        }
        let known: Option<Staged> = self.fact::<Option<Staged>>(STAGED).await?.flatten();
        let Some(staging) = self.staging.as_deref() else { return self.forget_staging(known).await };
        if known.is_none() && self.has_made().await? {
            let why = "[pipedrive.staging] was added after the workspace had been begun in the company itself, which \
                       therefore takes the sample too; take the section out again";
            return Err(Error::new(Kind::Settings, why));
        }
        let needs = self.needs().await?;
        if !anew && known.is_some_and(|known| known.mapping == needs.mapping) {
            return Ok(());
        }
        let there = self.contact_staging(me, staging).await?;
        // Pipelines are planned from the source's.
        self.copy_to_staging(staging).await?;
        let inventory = staging.read_inventory(&there).await?;
        staging.keep_inventory(&inventory).await?;
        let mut wanted = of_sample(&needs, self.config.sample_records);
        staging.count_existing(&mut wanted, &inventory).await?;
        staging.put_needs(&wanted).await?;
        let plan = staging.plan(&there, &wanted).await?;
        staging.keep_ledger().await?;
        self.put_json(STAGED, &Some(Staged { mapping: needs.mapping, plan: staging_plan(&there, &plan) })).await
    }

    /// The staging company is no longer in the settings, and its sample was not approved: the company itself takes it. What
    /// was made in staging stays there.
    async fn forget_staging(&self, known: Option<Staged>) -> Result<()> {
        let Some(Staged { plan, .. }) = known else { return Ok(()) };
        tracing::warn!(
            company = plan.called(),
            "the staging company is no longer in the settings; what was made there stays there"
        );
        self.journal.clear_sample().await?;
        self.journal.withdraw(&[Gate::Sample]).await?;
        self.journal.forget_phases(vec![PHASE]).await?;
        self.put_json(STAGED, &None::<Staged>).await
    }

    /// Chooses the sample among all records, and copies it, with what it is made from, into the staging company's journal.
    async fn choose_for_staging(&self, staging: &Self) -> Result<()> {
        let of: Option<String> = self.fact(SAMPLE_OF).await?;
        if of.as_deref() != Some(self.mapping.digest()) {
            // Who stood for records of the staging company followed from the mapping before.
            staging.journal.forget_claims().await?;
            self.journal.clear_sample().await?;
            self.put_json(SAMPLE_OF, &self.mapping.digest()).await?;
        }
        self.choose().await?;
        self.copy_to_staging(staging).await?;
        staging.journal.add_to_sample(self.journal.sample().await?).await?;
        staging.journal.copy_claims(self.journal.sampled_claims().await?).await
    }

    async fn copy_to_staging(&self, staging: &Self) -> Result<()> {
        let mut after_seq = 0;
        loop {
            let page = self.journal.sampled(after_seq, PAGE_RECORDS).await?;
            let Some(last) = page.last() else {
                return staging.journal.take_ways(self.journal.sampled_ways().await?).await;
            };
            after_seq = last.seq();
            staging.journal.take_copies(page).await?;
        }
    }

    /// Lets somebody stand in for owners, on the staging company's side.
    fn stands_in(&self, stand_in: StandIn) {
        if let Some(standby) = &self.as_staging {
            *standby.lock().unwrap_or_else(PoisonError::into_inner) = Some(stand_in);
        }
    }

    /// Who stands for the owners, with the one who stands in where this is the staging company's side.
    pub(super) fn standing_in(&self, book: OwnerBook) -> OwnerBook {
        let Some(standby) = &self.as_staging else { return book };
        match &*standby.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(StandIn { real, user }) => book.stand_in(real, *user),
            None => book,
        }
    }

    async fn what_staging_means(&self, me: &Me, (staging, there): (&Self, &Me)) -> Result<InStaging> {
        let (book, users) = (staging.match_owners().await?, staging.users().await?);
        let stand_in = users.iter().find(|user| user.id == there.user_id);
        let stood_in_for = staging.owners().await?.into_iter().filter(|owner| book.is_stood_in(&owner.id));
        Ok(InStaging {
            company_id: there.company_id.clone(),
            instead_of: me.company_name.clone(),
            stand_in: stand_in.map_or_else(|| format!("user {}", there.user_id), |user| user.name.clone()),
            stood_in_for: stood_in_for.map(|owner| owner.name).collect(),
        })
    }

    /// From here on the company itself is written to.
    async fn writes_to(&self, me: &Me) -> Result<()> {
        self.keep_company(&format!("{} ({})", me.company_name, me.company_id), false).await
    }

    async fn keep_company(&self, company: &str, is_staging: bool) -> Result<()> {
        self.progress.writes_to(company);
        for (name, is_it) in [("real", !is_staging), ("staging", is_staging)] {
            gauge!(telemetry::WRITES_TO, "company" => name).set(if is_it { 1.0 } else { 0.0 });
        }
        self.journal.put_fact(WRITES_TO, company.to_owned()).await
    }

    /// As for the company's own tokens. Never ends by itself.
    pub(super) async fn keep_staging_budget(&self) -> Result<()> {
        match self.staging.as_deref() {
            Some(staging) => staging.keep_budget().await,
            None => std::future::pending().await,
        }
    }
}

/// What the sample needs of an account: the whole workspace, and a share of the records. What another company holds and who
/// is missing there says nothing about this one.
fn of_sample(needs: &Needs, records: usize) -> Needs {
    let kinds = needs.drafts.values().filter(|drafts| **drafts > 0).count().max(1);
    let of_a_kind = records.div_ceil(kinds).max(1) as u64;
    let drafts = needs.drafts.iter().map(|(kind, drafts)| (kind.clone(), (*drafts).min(of_a_kind)));
    Needs {
        drafts: drafts.collect(),
        lost: BTreeMap::new(),
        waiting: BTreeMap::new(),
        matched: BTreeMap::new(),
        to_fill: BTreeMap::new(),
        unclear: BTreeMap::new(),
        held: BTreeMap::new(),
        deactivated: BTreeMap::new(),
        existing: None,
        closed_deals: needs.closed_deals.min(of_a_kind),
        ..needs.clone()
    }
}

fn staging_plan(there: &Me, plan: &Plan) -> StagingPlan {
    // Told as sums.
    let is_sum = |line: &String| line.starts_with("tokens: ") || line.contains("s to make: ");
    StagingPlan {
        company: there.company_name.clone(),
        company_id: there.company_id.clone(),
        lines: plan.lines().into_iter().filter(|line| !is_sum(line)).collect(),
        records: plan.record_count(),
        tokens: plan.minimum.tokens,
        blockers: plan.blockers(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_needs_the_whole_workspace_and_a_share_of_the_records() {
        let counts = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let needs = Needs {
            mapping: "d".into(),
            lead_labels: ["New".to_owned()].into(),
            drafts: counts(&[("deal", 900), ("person", 7), ("note", 0)]),
            matched: counts(&[("person", 3)]),
            closed_deals: 400,
            ..Needs::default()
        };
        let of = of_sample(&needs, 60);
        assert_eq!(of.drafts, counts(&[("deal", 30), ("person", 7), ("note", 0)]));
        assert_eq!((of.lead_labels, of.matched, of.closed_deals), (needs.lead_labels, BTreeMap::new(), 30));
    }
}
