//! Writing what the phases found, for machines and for people.

use std::collections::BTreeMap;

use super::Migration;
use crate::error::Result;
use crate::record::Entity;
use crate::report::handover::Handover;
use crate::report::questions::Questions;
use crate::report::reconciliation::Reconciliation;
use crate::report::{self, Report};

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
        self.write_report("handover", &Handover::build(&self.folder)?)
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
