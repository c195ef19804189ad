//! Writing what the phases found, for machines and for people.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use super::Migration;
use super::accept::{Accepted, accepted};
use crate::error::Result;
use crate::journal::Journal;
use crate::record::Entity;
use crate::report::handover::Handover;
use crate::report::questions::Questions;
use crate::report::reconciliation::Reconciliation;
use crate::report::{self, Report, reports};

impl Migration {
    /// Writes one report; of a staging company, beside that of the company itself.
    pub(super) fn write_report(&self, name: &str, report: &impl Report) -> Result<()> {
        let name = if self.is_staging() { &*format!("staging-{name}") } else { name };
        report::write(&self.folder, name, self.clock.utc(), report)
    }

    /// Writes the reports that are read from the journal, as things stand.
    pub(super) async fn write_reports(&self) -> Result<()> {
        self.write_report("reconciliation", &self.reconciliation().await?)?;
        self.write_report("questions", &Questions::build(&self.journal).await?)?;
        self.write_report("handover", &Handover::build(&self.folder, accepted_lines(&self.journal).await?)?)
    }

    /// Records by fate and reason, as things stand.
    ///
    /// # Errors
    /// `Journal`; `Settings` when the file of all records cannot be written.
    pub async fn reconciliation(&self) -> Result<Reconciliation> {
        let swept = self.swept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        Reconciliation::build(&self.journal, &self.folder, &swept).await
    }

    /// Keeps what a sweep saw, for the reconciliation.
    pub(super) fn note_sweep(&self, entity: Entity, marked: u64) {
        let mut swept = self.swept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        swept.insert(entity, marked);
    }
}

/// Live records with our marker that the sweeps saw, by kind.
pub(super) type SweptCounts = std::sync::Mutex<BTreeMap<Entity, u64>>;

/// Writes the reports anew that the journal tells alone, or the one of them with this `name`. Others stay as they are.
///
/// # Errors
/// `Journal`; `Settings` when a file cannot be written.
pub async fn refresh_reports(journal: &Journal, folder: &Path, at: Timestamp, name: Option<&str>) -> Result<()> {
    let wants = |own: &str| name.is_none_or(|name| name == own);
    if wants("reconciliation") {
        let swept = still_swept(journal, folder).await?;
        report::write(folder, "reconciliation", at, &Reconciliation::build(journal, folder, &swept).await?)?;
    }
    if wants("questions") {
        report::write(folder, "questions", at, &Questions::build(journal).await?)?;
    }
    if wants("handover") && reports(folder).is_dir() {
        report::write(folder, "handover", at, &Handover::build(folder, accepted_lines(journal).await?)?)?;
    }
    Ok(())
}

async fn accepted_lines(journal: &Journal) -> Result<Vec<String>> {
    Ok(accepted(journal).await?.iter().map(Accepted::says).collect())
}

/// What the sweeps saw by the last reconciliation, for the kinds of which the journal knows as many records as then.
async fn still_swept(journal: &Journal, folder: &Path) -> Result<BTreeMap<Entity, u64>> {
    #[derive(Default, Deserialize)]
    struct Before {
        entities: Vec<Count>,
    }
    #[derive(Deserialize)]
    struct Count {
        entity: Entity,
        loaded: u64,
        marked: Option<u64>,
    }
    let text = std::fs::read(reports(folder).join("reconciliation.json")).unwrap_or_default();
    let before: Before = serde_json::from_slice(&text).unwrap_or_default();
    let mut swept = BTreeMap::new();
    for count in before.entities {
        if let Some(marked) = count.marked
            && journal.loaded(count.entity).await? == count.loaded
        {
            swept.insert(count.entity, marked);
        }
    }
    Ok(swept)
}
