//! Metrics that the journal knows, read when they are asked for: what is parked, and how far behind we are.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::gauge;

use crate::clock::Clock;
use crate::error::Result;
use crate::journal::Journal;
use crate::migration::in_step_since;
use crate::telemetry;

/// The reasons told so far: one that is gone is told as zero, or its last value would stand for ever. They are few, as
/// the program names them itself.
#[derive(Debug, Default)]
pub(super) struct Gauges(Mutex<BTreeSet<String>>);

impl Gauges {
    /// Brings the metrics up to date.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn tell(&self, journal: &Journal, clock: &Clock) -> Result<()> {
        let parked = journal.parked().await?;
        {
            let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for reason in reasons.iter().filter(|known| parked.iter().all(|(reason, _)| reason != *known)) {
                gauge!(telemetry::PARKED, "reason" => reason.clone()).set(0.0);
            }
            for (reason, count) in parked {
                gauge!(telemetry::PARKED, "reason" => reason.clone()).set(count as f64);
                reasons.insert(reason);
            }
        }
        if let Some(instant) = in_step_since(journal).await? {
            let lag = Duration::try_from(clock.utc().duration_since(instant)).unwrap_or_default();
            gauge!(telemetry::DELTA_LAG_SECONDS).set(lag.as_secs_f64());
        }
        Ok(())
    }
}
