//! What the metrics tell about a migration as a whole, at moments when it changes.

use jiff::Timestamp;
use metrics::gauge;

use super::{Migration, PHASES};
use crate::error::{Error, Kind, Result};
use crate::journal::Journal;
use crate::telemetry;

/// Where the journal keeps the instant of [`in_step_since`].
const IN_STEP_SINCE: &str = "in_step_since";

/// The state of the source at this instant is settled in Pipedrive: every change before it is there or has a fate.
/// Before the load is over it is the instant at which the survey began to read. `None` before the survey.
///
/// # Errors
/// `Journal`.
pub async fn in_step_since(journal: &Journal) -> Result<Option<Timestamp>> {
    let Some(text) = journal.fact(IN_STEP_SINCE).await? else { return Ok(None) };
    let wrong = |error| Error::new(Kind::Journal, format!("journal: {IN_STEP_SINCE}")).because(error);
    text.parse().map(Some).map_err(wrong)
}

/// Exactly one phase is on.
pub(super) fn tell_phase(name: &str) {
    for phase in PHASES {
        gauge!(telemetry::PHASE, "phase" => phase).set(if phase == name { 1.0 } else { 0.0 });
    }
}

impl Migration {
    /// What an earlier run left behind.
    pub(super) async fn tell_at_start(&self) -> Result<()> {
        tell_phase("");
        let mut in_doubt = self.journal.in_doubt(None).await?.len();
        if let Some(staging) = &self.staging {
            in_doubt += staging.journal.in_doubt(None).await?.len();
        }
        gauge!(telemetry::IN_DOUBT).set(in_doubt as f64);
        self.tell_course().await
    }

    /// Remembers that everything the source held at `instant` is settled.
    pub(super) async fn is_in_step_since(&self, instant: Timestamp) -> Result<()> {
        self.journal.put_fact(IN_STEP_SINCE, instant.to_string()).await
    }

    /// Remembers when the first reading began, once: a survey that is interrupted goes on where it was.
    pub(super) async fn begins_to_read(&self) -> Result<()> {
        match in_step_since(&self.journal).await? {
            Some(_) => Ok(()),
            None => self.is_in_step_since(self.clock.utc()).await,
        }
    }
}
