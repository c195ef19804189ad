//! Waits of all calls: why, how long, and who is told.

use std::time::Duration;

use jiff::Timestamp;
use metrics::counter;

use super::{Budget, lock};
use crate::clock::Moment;
use crate::error::{Error, Kind, Result};
use crate::telemetry;

/// A wait of hours is counted in pieces of this length, so that it is seen while it lasts.
const TELL_WAIT: Duration = Duration::from_secs(600);

/// Whatever keeps all calls waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The day's tokens are spent, down to the reserve.
    DayBudget,
    /// Pipedrive's gateway blocks the token.
    Blocked,
    /// Pipedrive does not accept the token.
    Unauthorized,
}

impl Reason {
    /// Its name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::DayBudget => "day_budget",
            Reason::Blocked => "blocked",
            Reason::Unauthorized => "unauthorized",
        }
    }

    /// What people read while it lasts.
    fn words(self, until: Option<Timestamp>) -> String {
        let goes_on = until.map_or_else(String::new, |until| format!("; goes on at {until:.0}"));
        match self {
            Reason::DayBudget => format!("until Pipedrive's tokens of the day are full again{goes_on}"),
            Reason::Blocked => {
                format!("because Pipedrive's gateway blocks the token (HTML page with status 403){goes_on}")
            }
            Reason::Unauthorized => {
                "for a token that Pipedrive accepts: renew it in its file, and it goes on by itself; a token from the \
                 environment needs a restart"
                    .to_owned()
            }
        }
    }
}

/// A wait in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Why.
    pub reason: Reason,
    /// Until when, UTC, if known.
    pub until: Option<Timestamp>,
}

/// A wait with what is needed to count it.
pub(super) struct Wait {
    pub(super) waiting: Waiting,
    began: Moment,
    /// Up to when it is in the metrics.
    counted: Moment,
}

impl Budget {
    /// Waits for a while, and says so to everybody who looks.
    ///
    /// # Errors
    /// `Stopped` when a stop is asked for meanwhile.
    pub(in crate::pipedrive) async fn wait(&self, waiting: Waiting, until: Timestamp) -> Result<()> {
        if self.begins_to_wait(waiting) {
            let words = waiting.reason.words(waiting.until);
            tracing::warn!(reason = waiting.reason.as_str(), "waiting {words}");
            self.progress.waits(&words);
        }
        let left = Duration::try_from(until.duration_since(self.clock.utc())).unwrap_or_default();
        let left = left.min(TELL_WAIT).max(Duration::from_millis(1));
        let stopped = match self.stop.clone() {
            None => {
                self.clock.sleep(left).await;
                false
            }
            Some(mut stop) => self.clock.timeout(left, stop.stopped()).await.is_some(),
        };
        self.count_wait();
        if stopped { Err(Error::new(Kind::Stopped, "a stop was asked for during a wait")) } else { Ok(()) }
    }

    /// Notes a wait; says whether it is a new one.
    fn begins_to_wait(&self, waiting: Waiting) -> bool {
        let now = self.clock.now();
        let mut known = lock(&self.waiting);
        if known.as_ref().is_some_and(|wait| wait.waiting == waiting) {
            return false;
        }
        *known = Some(Wait { waiting, began: now, counted: now });
        true
    }

    /// Counts what was waited since the last count: many calls wait, but time passes once.
    fn count_wait(&self) {
        let now = self.clock.now();
        if let Some(wait) = lock(&self.waiting).as_mut() {
            let seconds = now.since(wait.counted).as_secs();
            wait.counted = wait.counted + Duration::from_secs(seconds);
            counter!(telemetry::WAIT_SECONDS, "reason" => wait.waiting.reason.as_str()).increment(seconds);
        }
    }

    /// A call that was sent at that time was answered well. One that was under way when the wait began says nothing.
    pub(super) fn goes_on(&self, sent: Moment) {
        if lock(&self.waiting).as_ref().is_none_or(|wait| wait.began >= sent) {
            return;
        }
        self.count_wait();
        if lock(&self.waiting).take().is_some() {
            tracing::info!("going on");
            self.progress.waits("");
        }
    }
}
