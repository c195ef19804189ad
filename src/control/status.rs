//! Where a migration stands, for people and for machines.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::journal::{Journal, PhaseState};
use crate::migration::{
    Accepted, Course, GateState, PHASES, Paused, accepted, artefact, changes, course, found, paused, writes_to,
};
use crate::permit::Gate;
use crate::progress::Progress;
use crate::record::Entity;
use crate::report::page::{instant, number};

/// Where a migration stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The phase under way; the last one that was begun when no daemon runs.
    pub phase: String,
    /// The part of it.
    pub part: String,
    /// Records of the part that are done.
    pub done: u64,
    /// Records of the part; 0 when not known.
    pub total: u64,
    /// The Pipedrive company that is written to; empty before anything may be written.
    #[serde(default)]
    pub company: String,
    /// Why nothing moves; empty when it does.
    pub waits: String,
    /// Whether a daemon told this, or only the journal.
    pub running: bool,
    /// Gates in their order.
    pub gates: Vec<GateStatus>,
    /// Records by object.
    pub objects: Vec<ObjectStatus>,
    /// Parked roles by what they wait for.
    pub parked: BTreeMap<String, u64>,
    /// Kinds of records that are not read, because the source answers in another form than it did.
    #[serde(default)]
    pub paused: Vec<Paused>,
    /// Changes of the source that somebody accepted, oldest first.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
    /// Writes whose outcome is unknown.
    pub in_doubt: u64,
    /// Tokens spent, all days.
    pub tokens_spent: u64,
    /// What was done in the staging company; `None` without one.
    #[serde(default)]
    pub staging: Option<StagingStatus>,
    /// The load's forecast against what came so far; `None` before the plan is approved.
    #[serde(default)]
    pub forecast: Option<Course>,
    /// Open questions to the customer.
    pub questions: u64,
    /// What the last verification found, in one sentence; empty before there was one.
    pub verified: String,
}

/// What was done in the staging company.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagingStatus {
    /// Its id; empty before the first contact.
    pub company_id: String,
    /// Records of the sample that are live there.
    pub records: u64,
    /// Writes there whose outcome is unknown.
    pub in_doubt: u64,
    /// Its tokens spent, all days.
    pub tokens_spent: u64,
}

/// How one gate stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStatus {
    /// The gate.
    pub gate: String,
    /// `not reached`, `waits`, `approved`.
    pub state: String,
    /// Digest of the artefact.
    pub digest: String,
    /// Who approved it.
    pub by: String,
    /// What is different from what was approved there before; empty when it was not, or nothing is.
    #[serde(default)]
    pub changed: Vec<String>,
}

/// Records of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectStatus {
    /// The object.
    pub object: String,
    /// Records landed.
    pub records: u64,
    /// Records by fate; `none` for those without one yet.
    pub fates: BTreeMap<String, u64>,
}

impl Status {
    /// Reads where a migration stands.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn read(journal: &Journal, staging: Option<&Journal>, progress: Option<&Progress>) -> Result<Self> {
        let mut status = Self { running: progress.is_some(), ..Self::default() };
        for phase in PHASES {
            if journal.phase(phase).await?.is_some_and(|state| state == PhaseState::Running || !status.running) {
                phase.clone_into(&mut status.phase);
            }
        }
        status.company = writes_to(journal).await?;
        if let Some(progress) = progress {
            let now = progress.snapshot();
            (status.phase, status.part, status.waits) = (now.doing.phase, now.doing.part, now.doing.waits);
            (status.done, status.total) = (now.done, now.total);
        }
        for gate in Gate::ALL {
            status.gates.extend(gate_status(journal, *gate).await?);
        }
        for count in journal.fates().await? {
            let object = count.object.to_string();
            if status.objects.last().is_none_or(|last| last.object != object) {
                status.objects.push(ObjectStatus { object, records: 0, fates: BTreeMap::new() });
            }
            if let Some(last) = status.objects.last_mut() {
                last.records += count.records;
                last.fates.insert(count.fate.map_or("none", |fate| fate.as_str()).to_owned(), count.records);
            }
        }
        status.parked = journal.parked().await?.into_iter().collect();
        status.paused = paused(journal).await?;
        status.accepted = accepted(journal).await?;
        status.in_doubt = journal.in_doubt(None).await?.len() as u64;
        status.tokens_spent = tokens(journal).await?;
        if let Some(staging) = staging {
            status.staging = Some(StagingStatus::read(staging).await?);
        }
        status.forecast = course(journal).await?;
        status.questions = journal.questions().await?.len() as u64;
        status.verified = found(journal).await?.map(|found| found.says).unwrap_or_default();
        Ok(status)
    }

    /// The gate that waits, if one does.
    #[must_use]
    pub fn waiting_gate(&self) -> Option<&GateStatus> {
        self.gates.iter().find(|gate| gate.state == "waits")
    }

    /// The status in a few lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let running = if self.running { "" } else { " (no daemon is running)" };
        let mut line = |words: String| text.extend([words.as_str(), "\n"]);
        line(format!("phase     {} {}{running}", self.phase, self.part));
        if !self.company.is_empty() {
            line(format!("company   {}", self.company));
        }
        if self.total > 0 {
            line(format!("progress  {} of {}", self.done, self.total));
        }
        if !self.waits.is_empty() {
            line(format!("waits     {}", self.waits));
        }
        for gate in &self.gates {
            let by = if gate.by.is_empty() { String::new() } else { format!(" by {}", gate.by) };
            line(format!(
                "gate      {:<10} {}{by}  {}",
                gate.gate,
                gate.state,
                gate.digest.get(..16).unwrap_or_default()
            ));
            for change in &gate.changed {
                line(format!("            changed: {change}"));
            }
        }
        for object in &self.objects {
            let fates: Vec<String> = object.fates.iter().map(|(fate, count)| format!("{count} {fate}")).collect();
            line(format!("records   {:<12} {:>8}   {}", object.object, object.records, fates.join(", ")));
        }
        for (waits_for, count) in &self.parked {
            line(format!("parked    {count} for {waits_for}"));
        }
        for paused in &self.paused {
            line(format!("paused    {}", paused.says()));
            line(format!("            looked at again {}", instant(paused.next_look)));
        }
        for accepted in &self.accepted {
            line(format!("accepted  {}", accepted.says()));
        }
        for (name, words) in self.forecast.iter().flat_map(forecast_lines) {
            line(format!("{name:<9} {words}"));
        }
        if !self.verified.is_empty() {
            line(format!("verified  {}", self.verified));
        }
        if let Some(staging) = &self.staging {
            line(format!(
                "staging   company {}: {} records of the sample, {} tokens spent, {} writes in doubt",
                staging.company_id, staging.records, staging.tokens_spent, staging.in_doubt
            ));
        }
        line(format!(
            "tokens    {} spent, {} writes in doubt, {} open questions",
            self.tokens_spent, self.in_doubt, self.questions
        ));
        text
    }
}

impl StagingStatus {
    async fn read(journal: &Journal) -> Result<Self> {
        let mut status = Self { tokens_spent: tokens(journal).await?, ..Self::default() };
        status.company_id = journal.company().await?.unwrap_or_default();
        status.in_doubt = journal.in_doubt(None).await?.len() as u64;
        for entity in [Entity::Organization, Entity::Person, Entity::Lead, Entity::Deal, Entity::Activity, Entity::Note]
        {
            status.records += journal.promised_sample(entity).await?.len() as u64;
        }
        Ok(status)
    }
}

async fn tokens(journal: &Journal) -> Result<u64> {
    Ok(journal.ledger().await?.iter().map(|entry| entry.tokens).sum())
}

/// The load against its forecast.
fn forecast_lines(course: &Course) -> Vec<(&'static str, String)> {
    let (done, records) = (number(course.records_done), number(course.records_forecast));
    let (spent, tokens) = (number(course.tokens_spent), number(course.tokens_forecast));
    let at = |finish: Option<Timestamp>| finish.map_or_else(|| "unknown".to_owned(), instant);
    let mut lines =
        vec![("load", format!("{} %: {done} of {records} records, {spent} of {tokens} tokens", course.percent()))];
    if course.finish_forecast.is_some() {
        let (first, now) = (at(course.finish_forecast), at(course.finish));
        let word = if course.is_over { "was over" } else { "now" };
        lines.push(("forecast", format!("{first} before the first write; {word} {now}: {}", course.difference())));
    }
    if !course.is_over {
        lines.push(("", format!("estimated {}", instant(course.at))));
    }
    lines
}

async fn gate_status(journal: &Journal, gate: Gate) -> Result<Option<GateStatus>> {
    let gate_name = gate.to_string();
    let (state, digest, by, changed) = match artefact(journal, gate).await? {
        GateState::NotReached => return Ok(None),
        GateState::Waits(digest) => ("waits", digest, String::new(), changes(journal, gate).await?),
        GateState::Approved { digest, by } => ("approved", digest, by, Vec::new()),
    };
    Ok(Some(GateStatus { gate: gate_name, state: state.to_owned(), digest, by, changed }))
}
