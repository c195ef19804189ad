//! Forecast against actual: how far the load is, and when it will be over by what is left and how it goes at present.
//! Kept in the journal, so that a status without a daemon and a daemon after a restart know it too.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::gauge;
use serde::{Deserialize, Serialize};

use super::load::STEPS;
use super::{Actual, Forecast, Migration};
use crate::clock::Moment;
use crate::error::{Error, Kind, Result};
use crate::journal::Journal;
use crate::pipedrive::route;
use crate::report::plan::forecast::{Limits, Schedule, span};
use crate::telemetry;

/// How often it is estimated anew while the load runs.
const LOOK: Duration = Duration::from_secs(60);

/// Looks that the present pace is taken from: ten minutes outlast the pause between two kinds of record.
const LOOKS: usize = 10;

/// The pace counts only where it is below this share of what the window allows: above, it is the window.
const SLOW: f64 = 0.9;

/// A difference below this is none: the forecast is not exact to the minute.
const SAME: SignedDuration = SignedDuration::from_mins(2);

/// Where the journal keeps the [`Course`].
const COURSE: &str = "course";

/// Forecast against actual at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The moment, UTC.
    pub at: Timestamp,
    /// Whether the load is over: then the figures are the actual ones.
    pub is_over: bool,
    /// Records made so far.
    pub records_done: u64,
    /// Records that were to be made.
    pub records_forecast: u64,
    /// Tokens spent so far, from the first call on.
    pub tokens_spent: u64,
    /// Tokens that all of it was to cost until the end of the load.
    pub tokens_forecast: u64,
    /// When the load was to be over as forecast before the first write, UTC; `None` without limits.
    pub finish_forecast: Option<Timestamp>,
    /// When it will be over as things stand, or was, UTC; `None` as above.
    pub finish: Option<Timestamp>,
}

impl Course {
    /// How far it is by tokens, in whole percent; never 100 before it is over.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let percent = u128::from(self.tokens_spent) * 100 / u128::from(self.tokens_forecast.max(1));
        if self.is_over { 100 } else { u64::try_from(percent).unwrap_or(u64::MAX).min(99) }
    }

    /// How the present finish differs from the first forecast, in words; empty where nothing was forecast.
    #[must_use]
    pub fn difference(&self) -> String {
        let (Some(first), Some(now)) = (self.finish_forecast, self.finish) else { return String::new() };
        let late = now.duration_since(first);
        let words = if late.abs() < SAME {
            "as forecast".to_owned()
        } else {
            let side = if late.is_negative() { "earlier" } else { "later" };
            format!("{} {side} than forecast", span(late.as_secs().unsigned_abs()))
        };
        // Tokens tell whether the work grew or the pace fell.
        match (self.is_over, self.tokens_spent.cmp(&self.tokens_forecast)) {
            (true, std::cmp::Ordering::Greater) => {
                format!("{words}, for {} tokens more", self.tokens_spent - self.tokens_forecast)
            }
            (true, std::cmp::Ordering::Less) => {
                format!("{words}, for {} tokens less", self.tokens_forecast - self.tokens_spent)
            }
            _ => words,
        }
    }

    fn tell(&self) {
        let kinds = |name: &'static str, forecast: u64, actual: u64| {
            gauge!(name, "kind" => "forecast").set(forecast as f64);
            gauge!(name, "kind" => "actual").set(actual as f64);
        };
        kinds(telemetry::LOAD_RECORDS, self.records_forecast, self.records_done);
        kinds(telemetry::LOAD_TOKENS, self.tokens_forecast, self.tokens_spent);
        if let Some(finish) = self.finish {
            gauge!(telemetry::FORECAST_FINISH).set(finish.as_second() as f64);
        }
        if let Some(finish) = self.finish_forecast {
            gauge!(telemetry::FORECAST_FIRST_FINISH).set(finish.as_second() as f64);
        }
    }
}

/// Forecast against actual as it was last estimated. `None` before the plan is approved.
///
/// # Errors
/// `Journal`.
pub async fn course(journal: &Journal) -> Result<Option<Course>> {
    let unreadable = |error| Error::new(Kind::Journal, "journal: forecast against actual").because(error);
    journal.fact(COURSE).await?.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()
}

/// Requests so far at the latest looks, without waits for the day's tokens between them.
#[derive(Debug, Default)]
pub(super) struct Pace(VecDeque<(Moment, u64)>);

impl Pace {
    fn look(&mut self, now: Moment, requests: u64) {
        self.0.push_back((now, requests));
        let excess = self.0.len().saturating_sub(LOOKS);
        drop(self.0.drain(..excess));
    }

    /// Requests an hour; `None` before there are two looks, and while nothing moves, which is no pace.
    fn requests_hour(&self) -> Option<u64> {
        let ((from, before), (to, after)) = (self.0.front()?, self.0.back()?);
        let seconds = to.since(*from).as_secs();
        let requests = after.saturating_sub(*before);
        (seconds >= LOOK.as_secs() && requests > 0).then(|| requests.saturating_mul(3_600) / seconds)
    }
}

impl Migration {
    /// Estimates anew as long as it is asked. Safe to drop half-way: what is kept is one line of the journal.
    pub(super) async fn keep_course(&self) {
        let mut pace = Pace::default();
        loop {
            self.clock.sleep(LOOK).await;
            // The load goes on without a forecast of its end; the next look may succeed.
            if let Err(error) = self.estimate(&mut pace).await {
                tracing::warn!(error = error.chain(), "the course of the load could not be kept");
            }
        }
    }

    /// Estimates when the load will be over. Before the forecast and after the load there is nothing to estimate.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn estimate(&self, pace: &mut Pace) -> Result<()> {
        let Some(forecast) = self.forecast().await? else { return Ok(()) };
        if let Some(actual) = self.actual().await? {
            return self.end_course(&forecast, actual).await;
        }
        let (requests, spent) = self.spent_requests().await?;
        if self.client.budget().waiting().is_some() {
            *pace = Pace::default();
        } else {
            pace.look(self.clock.now(), requests);
        }
        let load = forecast.effort.less(forecast.verification);
        let start = self.start().await?;
        let limits = Limits::of(self.config.pipedrive.spending, start).map(|limits| {
            let slow = |pace: &u64| (*pace as f64) < limits.requests_second() * 3_600.0 * SLOW;
            Limits { pace_requests_hour: pace.requests_hour().filter(slow), ..limits }
        });
        let finish = limits.and_then(|limits| Schedule::under(limits, load.after(spent), start).finishes_at);
        self.put_course(&forecast, (self.records_done().await?, spent), finish, false).await
    }

    async fn end_course(&self, forecast: &Forecast, actual: Actual) -> Result<()> {
        if course(&self.journal).await?.is_some_and(|course| course.is_over) {
            return Ok(());
        }
        let took = SignedDuration::try_from(actual.took).unwrap_or_default();
        let finish = forecast.schedule.start.at.checked_add(took).ok();
        let done = (self.records_done().await?, actual.load_tokens);
        self.put_course(forecast, done, finish, true).await
    }

    async fn put_course(
        &self,
        forecast: &Forecast,
        (records_done, tokens_spent): (u64, u64),
        finish: Option<Timestamp>,
        is_over: bool,
    ) -> Result<()> {
        let course = Course {
            at: self.clock.utc(),
            is_over,
            records_done,
            records_forecast: forecast.records,
            tokens_spent,
            tokens_forecast: forecast.effort.less(forecast.verification).tokens,
            finish_forecast: forecast.schedule.finishes_at,
            finish,
        };
        course.tell();
        self.put_json(COURSE, &course).await
    }

    /// Records made so far: creates that were sent, because counting records would read the whole journal at each look.
    async fn records_done(&self) -> Result<u64> {
        let creates = STEPS.map(|entity| route(entity).create_name);
        let ledger = self.journal.ledger().await?;
        Ok(ledger.iter().filter(|it| creates.contains(&it.endpoint.as_str())).map(|it| it.requests).sum())
    }

    /// Requests and tokens so far.
    async fn spent_requests(&self) -> Result<(u64, u64)> {
        let spent = self.spent().await?;
        Ok((self.journal.ledger().await?.iter().map(|entry| entry.requests).sum(), spent))
    }

    /// What an earlier run knew, told again.
    pub(super) async fn tell_course(&self) -> Result<()> {
        if let Some(course) = course(&self.journal).await? {
            course.tell();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(spent: u64, finish: &str, is_over: bool) -> Course {
        let at = |text: &str| text.parse().expect("a time");
        Course {
            at: at("2026-01-05T15:00:00Z"),
            is_over,
            records_done: 10,
            records_forecast: 20,
            tokens_spent: spent,
            tokens_forecast: 1_000,
            finish_forecast: Some(at("2026-01-06T00:10:00Z")),
            finish: Some(at(finish)),
        }
    }

    #[test]
    fn the_difference_is_told_in_words() {
        let check = |spent, finish: &str, is_over, percent, words: &str| {
            let course = course(spent, finish, is_over);
            assert_eq!((course.percent(), course.difference().as_str()), (percent, words));
        };
        check(500, "2026-01-06T00:11:00Z", false, 50, "as forecast");
        check(1_200, "2026-01-06T02:15:00Z", false, 99, "2 h 5 min later than forecast");
        check(0, "2026-01-05T23:10:00Z", false, 0, "1 h earlier than forecast");
        check(1_004, "2026-01-06T00:10:30Z", true, 100, "as forecast, for 4 tokens more");
        check(990, "2026-01-06T00:10:30Z", true, 100, "as forecast, for 10 tokens less");
        let unlimited = Course { finish: None, finish_forecast: None, ..course(5, "2026-01-06T00:10:00Z", false) };
        assert_eq!(unlimited.difference(), "");
    }

    #[test]
    fn the_pace_is_that_of_the_last_minutes() {
        let at = |minutes: u64| Moment::default() + Duration::from_secs(60 * minutes);
        let mut pace = Pace::default();
        assert_eq!(pace.requests_hour(), None);
        pace.look(at(0), 100);
        assert_eq!(pace.requests_hour(), None);
        pace.look(at(1), 100);
        assert_eq!(pace.requests_hour(), None, "nothing moved");
        (2..30).for_each(|minute| pace.look(at(minute), 100 + 600 * minute));
        assert_eq!((pace.requests_hour(), pace.0.len()), (Some(36_000), LOOKS));
    }
}
