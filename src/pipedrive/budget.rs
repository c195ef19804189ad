//! The budget of one Pipedrive company through one token: the day's tokens, the rolling window, the reserve, the waits.
//!
//! Daily budget: 30,000 tokens × plan multiplier × seats plus top-ups, shared by the whole company; what others spend is
//! read from the answers' headers. It resets once a day at a time that Pipedrive does not name; until an exhausted-budget
//! answer tells it, midnight UTC is assumed. Source: Pipedrive documentation, "Rate limiting", 2026-09-17; the header
//! names are seen on live accounts by several clients, not documented.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use metrics::{counter, gauge};

use super::window::Window;
use crate::clock::Clock;
use crate::config::Spending;
use crate::error::{Error, Kind, Result};
use crate::telemetry;

/// A wait in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Why: `window`, `day_budget`, `rate_limited`.
    pub reason: &'static str,
    /// Until when, UTC, if known.
    pub until: Option<Timestamp>,
}

/// The budget. Share it behind an `Arc`; every call of one token goes through one budget.
pub struct Budget {
    clock: Clock,
    window: Option<Window>,
    day: Option<Mutex<Day>>,
    waiting: Mutex<Option<Waiting>>,
    spent: Mutex<HashMap<&'static str, (u64, u64)>>,
    round_trip: Mutex<Option<Duration>>,
}

/// Answers over which the round trip is smoothed, about.
const SMOOTHING: u32 = 8;

struct Day {
    limit: u64,
    reserve: u64,
    /// Tokens left today, calls in flight already taken off.
    remaining: u64,
    in_flight: u64,
    /// Tokens of all calls that were answered so far.
    answered: u64,
    resets_at: Timestamp,
}

/// A wait of hours is counted in pieces of this length, so that it is seen while it lasts.
const TELL_WAIT: Duration = Duration::from_secs(600);

impl Day {
    fn tell(&self) {
        gauge!(telemetry::TOKENS_REMAINING).set(self.remaining as f64);
    }
}

/// Leave to send one call. Give it back with the answer; dropping it counts as an answer without headers.
pub struct Slot<'a> {
    budget: &'a Budget,
    cost: u64,
    in_window: bool,
    /// What [`Day::answered`] was when the call was sent.
    answered_before: u64,
}

/// What an answer's headers say.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Told {
    /// Requests per two seconds (`x-ratelimit-limit`).
    pub(super) window_limit: Option<u32>,
    /// Tokens a day (`x-daily-ratelimit-token-limit`).
    pub(super) day_limit: Option<u64>,
    /// Tokens left today (`x-daily-ratelimit-token-remaining`).
    pub(super) day_remaining: Option<u64>,
}

impl Budget {
    /// A budget at the beginning of a run; `spent_today` are tokens that the journal knows to be spent since the reset.
    ///
    /// # Errors
    /// `Settings` when the reserve leaves nothing.
    pub fn new(clock: Clock, spending: Spending, spent_today: u64) -> Result<Self> {
        let (window, day) = match spending {
            Spending::Unlimited => (None, None),
            Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day } => {
                let limit = plan.tokens_seat_day() * u64::from(seats) + top_up_tokens_day;
                if reserve_tokens_day >= limit {
                    let why =
                        format!("reserve_tokens_day {reserve_tokens_day} leaves nothing of the day's {limit} tokens");
                    return Err(Error::new(Kind::Settings, why));
                }
                let day = Day {
                    limit,
                    reserve: reserve_tokens_day,
                    remaining: limit.saturating_sub(spent_today),
                    in_flight: 0,
                    answered: 0,
                    resets_at: next_midnight(clock.utc()),
                };
                (Some(Window::new(clock.clone(), plan.window_requests())), Some(Mutex::new(day)))
            }
        };
        day.iter().for_each(|day| lock(day).tell());
        Ok(Self {
            clock,
            window,
            day,
            waiting: Mutex::default(),
            spent: Mutex::default(),
            round_trip: Mutex::default(),
        })
    }

    /// Waits until a call of this cost may be sent.
    pub async fn take(&self, cost: u32) -> Slot<'_> {
        let cost = u64::from(cost);
        let mut waits = false;
        while let Err(resets_at) = self.try_take_day(cost) {
            waits = true;
            self.wait_for_tokens(resets_at).await;
        }
        if waits {
            *lock(&self.waiting) = None;
        }
        // Made before the wait for the window, so that a caller that goes away gives the tokens back.
        let mut slot = Slot { budget: self, cost, in_window: false, answered_before: 0 };
        if let Some(window) = &self.window {
            let waited = window.take().await;
            slot.in_window = true;
            if !waited.is_zero() {
                counter!(telemetry::WAIT_SECONDS, "reason" => "window").increment(whole_seconds(waited));
            }
        }
        slot.answered_before = self.day.as_ref().map_or(0, |day| lock(day).answered);
        slot
    }

    /// Takes over what others may have spent, and the limits, from an answer's headers. `unseen` are tokens of calls that
    /// were answered while this one was under way.
    fn told(&self, told: Told, unseen: u64) {
        if let (Some(window), Some(limit)) = (&self.window, told.window_limit) {
            window.learn(limit);
        }
        let Some(day) = &self.day else { return };
        let mut day = lock(day);
        if let Some(limit) = told.day_limit.filter(|limit| *limit > day.reserve) {
            if limit != day.limit {
                tracing::info!(before = day.limit, now = limit, "tokens a day learned from Pipedrive");
            }
            day.limit = limit;
        }
        if let Some(remaining) = told.day_remaining {
            // Calls in flight may or may not be in the figure, and so may those answered meanwhile, because answers
            // overtake each other; taking them off errs on the safe side.
            day.remaining = remaining.saturating_sub(day.in_flight + unseen);
        }
        day.tell();
    }

    /// The window refused a call: sends nothing for the time the answer names, or for a whole window.
    pub(super) fn window_refused(&self, retry_after: Option<Duration>) {
        let wait = retry_after.unwrap_or(Duration::from_secs(2)).max(Duration::from_secs(2));
        counter!(telemetry::WAIT_SECONDS, "reason" => "rate_limited").increment(whole_seconds(wait));
        if let Some(window) = &self.window {
            window.close_for(wait);
        }
    }

    /// The day's budget refused a call: nothing is left until the reset, which the answer may have named.
    pub(super) fn day_refused(&self, retry_after: Option<Duration>) {
        let Some(day) = &self.day else { return };
        let mut day = lock(day);
        day.remaining = 0;
        day.tell();
        if let Some(wait) = retry_after.and_then(|wait| SignedDuration::try_from(wait).ok()) {
            day.resets_at = self.clock.utc().checked_add(wait).unwrap_or(day.resets_at);
        }
    }

    /// Tokens that can still be spent today; `None` without limits.
    #[must_use]
    pub fn tokens_left_today(&self) -> Option<u64> {
        self.day.as_ref().map(|day| {
            let day = lock(day);
            day.remaining.saturating_sub(day.reserve)
        })
    }

    /// Tokens of a whole day, as Pipedrive's answers named them or else as bought, and those left of it, with the reserve;
    /// `None` without limits.
    #[must_use]
    pub fn day_balance(&self) -> Option<(u64, u64)> {
        self.day.as_ref().map(|day| {
            let day = lock(day);
            (day.limit, day.remaining)
        })
    }

    /// When the day's tokens are full again, UTC; `None` without limits.
    #[must_use]
    pub fn resets_at(&self) -> Option<Timestamp> {
        self.day.as_ref().map(|day| lock(day).resets_at)
    }

    /// How long Pipedrive takes for an answer, smoothed; zero before the first one.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        lock(&self.round_trip).unwrap_or_default()
    }

    /// Notes how long an answer took.
    fn answered(&self, took: Duration) {
        let mut round_trip = lock(&self.round_trip);
        *round_trip = Some(round_trip.map_or(took, |before| (before * (SMOOTHING - 1) + took) / SMOOTHING));
    }

    /// Why calls wait at present, if they do.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        lock(&self.waiting).clone()
    }

    /// The day that tokens are spent on now: the date, UTC, on which the running day began.
    #[must_use]
    pub fn day(&self) -> String {
        let began = match &self.day {
            None => self.clock.utc(),
            Some(day) => lock(day).resets_at - SignedDuration::from_hours(24),
        };
        began.max(self.clock.utc() - SignedDuration::from_hours(24)).to_zoned_datetime(TimeZone::UTC).date().to_string()
    }

    /// Notes a request that was sent, for the ledger.
    pub(super) fn spend(&self, endpoint: &'static str, cost: u32) {
        counter!(telemetry::TOKENS_SPENT, "endpoint" => endpoint).increment(u64::from(cost));
        let mut spent = lock(&self.spent);
        let entry = spent.entry(endpoint).or_default();
        entry.0 += 1;
        entry.1 += u64::from(cost);
    }

    /// Requests and tokens by endpoint since this was last asked, for the journal's ledger.
    pub fn take_spent(&self) -> Vec<(&'static str, u64, u64)> {
        let spent = std::mem::take(&mut *lock(&self.spent));
        spent.into_iter().map(|(endpoint, (requests, tokens))| (endpoint, requests, tokens)).collect()
    }

    /// `Err`: not before this time.
    fn try_take_day(&self, cost: u64) -> Result<(), Timestamp> {
        let Some(day) = &self.day else { return Ok(()) };
        let mut day = lock(day);
        let now = self.clock.utc();
        if now >= day.resets_at {
            day.remaining = day.limit.saturating_sub(day.in_flight);
            while day.resets_at <= now {
                day.resets_at += SignedDuration::from_hours(24);
            }
        }
        if day.remaining < day.reserve + cost {
            return Err(day.resets_at);
        }
        day.remaining -= cost;
        day.in_flight += cost;
        day.tell();
        Ok(())
    }

    /// Waits for the reset, or for a look whether an answer to somebody else told of more tokens meanwhile.
    async fn wait_for_tokens(&self, resets_at: Timestamp) {
        let waiting = Waiting { reason: "day_budget", until: Some(resets_at) };
        if lock(&self.waiting).replace(waiting.clone()) != Some(waiting) {
            tracing::info!(until = %resets_at, "the day's tokens are spent; waiting for the reset");
        }
        let left = Duration::try_from(resets_at.duration_since(self.clock.utc())).unwrap_or_default();
        let wait = left.min(TELL_WAIT);
        self.clock.sleep(wait).await;
        counter!(telemetry::WAIT_SECONDS, "reason" => "day_budget").increment(whole_seconds(wait));
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("tokens_left_today", &self.tokens_left_today()).finish_non_exhaustive()
    }
}

impl Slot<'_> {
    /// Gives the slot back with what the answer said and how long it took.
    pub(super) fn give_back(self, told: Told, took: Duration) {
        let (budget, cost, before) = (self.budget, self.cost, self.answered_before);
        drop(self);
        let answered = budget.day.as_ref().map_or(0, |day| lock(day).answered);
        budget.told(told, answered.saturating_sub(before + cost));
        budget.answered(took);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Some(day) = &self.budget.day {
            let mut day = lock(day);
            day.in_flight -= self.cost;
            day.answered += self.cost;
        }
        if let (Some(window), true) = (&self.budget.window, self.in_window) {
            window.give_back();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counters are whole numbers; a wait shorter than a second still counts as one, so that it is seen.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

fn next_midnight(now: Timestamp) -> Timestamp {
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    today
        .tomorrow()
        .and_then(|day| day.to_datetime(Time::midnight()).to_zoned_datetime(TimeZone::UTC))
        .map_or(now + SignedDuration::from_hours(24), |zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Plan;

    fn budget(start: &str, reserve: u64, spent: u64) -> (Clock, Budget) {
        let clock = Clock::stepped(start.parse().expect("a valid instant"));
        let spending =
            Spending::Planned { plan: Plan::Lite, seats: 1, top_up_tokens_day: 0, reserve_tokens_day: reserve };
        let budget = Budget::new(clock.clone(), spending, spent).expect("a budget");
        (clock, budget)
    }

    fn run<F: Future>(clock: &Clock, work: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(clock.track(work))
    }

    #[test]
    fn the_day_ends_at_the_reserve_and_begins_again_at_midnight() {
        let (clock, budget) = budget("2026-01-05T23:00:00Z", 1000, 28_990);
        run(&clock, async {
            drop(budget.take(5).await);
            drop(budget.take(5).await);
            assert_eq!(budget.tokens_left_today(), Some(0));
            drop(budget.take(5).await);
            assert_eq!(clock.utc().to_string(), "2026-01-06T00:00:00Z");
            assert_eq!(budget.tokens_left_today(), Some(30_000 - 1000 - 5));
            assert_eq!(budget.day(), "2026-01-06");
        });
    }

    #[test]
    fn what_others_spend_and_when_the_day_ends_is_learned() {
        let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 0);
        run(&clock, async {
            budget.told(Told { day_remaining: Some(7), ..Told::default() }, 0);
            drop(budget.take(5).await);
            assert_eq!(budget.tokens_left_today(), Some(2));
            budget.day_refused(Some(Duration::from_secs(3600)));
            drop(budget.take(5).await);
            assert_eq!(clock.utc().to_string(), "2026-01-05T11:00:00Z");
        });
    }

    #[test]
    fn an_answer_that_was_overtaken_does_not_give_tokens_back() {
        let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 29_000);
        let told = |remaining| Told { day_remaining: Some(remaining), ..Told::default() };
        run(&clock, async {
            // Pipedrive works on the first one, then on the second one, whose answer comes first.
            let (first, second) = (budget.take(5).await, budget.take(10).await);
            second.give_back(told(985), Duration::ZERO);
            assert_eq!(budget.tokens_left_today(), Some(980), "the first one may not be in the figure");
            first.give_back(told(995), Duration::ZERO);
            assert_eq!(budget.tokens_left_today(), Some(985));
        });
    }

    #[test]
    fn a_top_up_ends_the_wait() {
        let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 30_000);
        run(&clock, async {
            let topped_up = async {
                clock.sleep(Duration::from_secs(3_000)).await;
                let told = Told { day_limit: Some(35_000), day_remaining: Some(5_000), ..Told::default() };
                budget.told(told, 0);
            };
            let (slot, ()) = tokio::join!(budget.take(5), topped_up);
            drop(slot);
            assert!(clock.utc() < "2026-01-05T11:01:00Z".parse().expect("an instant"), "{}", clock.utc());
        });
    }

    #[test]
    fn a_reserve_that_leaves_nothing_is_refused() {
        let clock = Clock::system();
        let spending =
            Spending::Planned { plan: Plan::Lite, seats: 1, top_up_tokens_day: 0, reserve_tokens_day: 30_000 };
        assert_eq!(Budget::new(clock, spending, 0).map(|_| ()).map_err(|error| error.kind()), Err(Kind::Settings));
    }
}
