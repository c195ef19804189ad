//! The budget of one Pipedrive company through one token: the day's tokens, the rolling window, the reserve, the waits.
//!
//! Daily budget: 30,000 tokens × plan multiplier × seats plus top-ups, shared by the whole company; what others spend is
//! read from the answers' headers (`day`). Whatever stops all calls (a spent day, a blocked or refused token) ends with one
//! call that tries whether things are well again, while all others wait for its answer.
//! Source: Pipedrive documentation, "Rate limiting", 2026-09-17.

mod slot;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use tokio::sync::{Notify, watch};

use super::day::{Day, Hold, Memory};
use super::window::Window;
use crate::clock::Clock;
use crate::config::Spending;
use crate::error::{Error, Kind, Result};
use crate::progress::Progress;
use crate::retry::Pauses;
use crate::stop::Stop;
use crate::telemetry;

use waits::Wait;

pub(super) use slot::Reply;
pub use slot::Slot;
pub use waits::{Reason, Waiting};

/// Answers over which the round trip is smoothed, about.
const SMOOTHING: u32 = 8;

/// The least wait after the window refused a call: it is over when all that filled it is.
const WINDOW_WAIT: Duration = Duration::from_secs(2);

/// How long nothing is sent after Pipedrive's gateway answered with its page for abusers, and at most, when it does so
/// again. How long such a block lasts is in no document; calls during it could lengthen it.
const BLOCK_WAIT: Duration = Duration::from_secs(3_600);
const BLOCK_WAIT_MAX: Duration = Duration::from_secs(8 * 3_600);

/// The budget. Share it behind an `Arc`; every call of one token goes through one budget.
pub struct Budget {
    clock: Clock,
    stop: Option<Stop>,
    progress: Progress,
    window: Option<Window>,
    day: Option<Mutex<Day>>,
    block: Mutex<Block>,
    scout: Mutex<Scout>,
    /// Wakes those who wait for a scout's answer, or for tokens that may be there again.
    changed: Notify,
    /// Pauses of a row of refusals that named none.
    refusals: Mutex<Option<Pauses>>,
    waiting: Mutex<Option<Wait>>,
    spent: Mutex<HashMap<&'static str, (u64, u64)>>,
    round_trip: Mutex<Option<Duration>>,
    memory: watch::Sender<Option<Memory>>,
    /// Whether these are a staging company's tokens, which the metrics tell apart.
    pub(super) is_staging: bool,
}

/// A block by the gateway.
#[derive(Default)]
struct Block {
    until: Option<Timestamp>,
    /// Blocks since the last answer that was none.
    times: u32,
}

/// One call that goes alone, to find out whether things are well again.
#[derive(Default)]
struct Scout {
    is_needed: bool,
    is_out: bool,
}

/// What keeps a call from being sent at once.
enum Obstacle {
    Blocked(Timestamp),
    /// A scout is under way.
    Scout,
    Spent(Hold),
}

/// What an answer's headers say.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Told {
    /// Requests per two seconds (`x-ratelimit-limit`).
    pub(super) window_limit: Option<u32>,
    /// Requests left of them (`x-ratelimit-remaining`).
    pub(super) window_left: Option<u32>,
    /// Tokens a day (`x-daily-ratelimit-token-limit`).
    pub(super) day_limit: Option<u64>,
    /// Tokens left today (`x-daily-ratelimit-token-remaining`).
    pub(super) day_remaining: Option<u64>,
}

impl Budget {
    /// A budget at the beginning of a run, with at most so many calls in flight.
    ///
    /// # Errors
    /// `Settings` when the reserve leaves nothing.
    pub fn new(clock: Clock, spending: Spending, calls_in_flight: usize) -> Result<Self> {
        let (window, day) = match spending {
            Spending::Unlimited => (None, None),
            Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day: reserve } => {
                let limit = plan.tokens_seat_day() * u64::from(seats) + top_up_tokens_day;
                if reserve >= limit {
                    let why = format!("reserve_tokens_day {reserve} leaves nothing of the day's {limit} tokens");
                    return Err(Error::new(Kind::Settings, why));
                }
                let window = Window::new(clock.clone(), plan.window_requests(), calls_in_flight);
                (Some(window), Some(Mutex::new(Day::new(limit, reserve, clock.utc()))))
            }
        };
        Ok(Self {
            clock,
            stop: None,
            progress: Progress::default(),
            window,
            day,
            block: Mutex::default(),
            scout: Mutex::default(),
            changed: Notify::new(),
            refusals: Mutex::default(),
            waiting: Mutex::default(),
            spent: Mutex::default(),
            round_trip: Mutex::default(),
            memory: watch::Sender::new(None),
            is_staging: false,
        })
    }

    /// Ends waits when a stop is asked for, and says there why it waits.
    #[must_use]
    pub fn of_run(self, stop: Stop, progress: Progress) -> Self {
        self.day.iter().for_each(|day| lock(day).tell());
        Self { stop: Some(stop), progress, ..self }
    }

    /// The budget of a staging company, which the metrics tell apart.
    #[must_use]
    pub fn of_staging(self) -> Self {
        if let Some(day) = &self.day {
            lock(day).is_of_staging();
        }
        Self { is_staging: true, ..self }
    }

    /// Takes up what an earlier run knew.
    pub fn recall(&self, memory: Memory) {
        lock(&self.block).until = memory.blocked_until;
        if let Some(day) = &self.day {
            lock(day).recall(memory, self.clock.utc());
        }
        self.needs_scout();
    }

    /// Tokens that earlier runs spent on this day. One that was killed a moment ago has left its requests in the window.
    pub fn already_spent(&self, tokens: u64) {
        if let (Some(window), true) = (&self.window, tokens > 0) {
            window.close_for(WINDOW_WAIT);
        }
        if let Some(day) = &self.day {
            let mut day = lock(day);
            day.already_spent(tokens);
            day.tell();
        }
    }

    /// What a restart must not forget, whenever it changes.
    pub fn memory(&self) -> watch::Receiver<Option<Memory>> {
        self.memory.subscribe()
    }

    /// Waits until a call of this cost may be sent.
    ///
    /// # Errors
    /// `Stopped` when a stop is asked for during a wait of hours.
    pub async fn take(&self, cost: u32) -> Result<Slot<'_>> {
        // Made before the wait for the window, so that a caller that goes away gives the tokens back.
        let mut slot = self.leave(u64::from(cost)).await?;
        if let Some(window) = &self.window {
            let place = window.take().await;
            slot.place = Some(place);
            if !place.waited.is_zero() {
                counter!(telemetry::WAIT_SECONDS, "reason" => "window").increment(whole_seconds(place.waited));
            }
        }
        slot.answered_before = self.day.as_ref().map_or(0, |day| lock(day).answered());
        slot.sent = self.clock.now();
        Ok(slot)
    }

    /// Waits for everything but the window.
    async fn leave(&self, cost: u64) -> Result<Slot<'_>> {
        loop {
            // Registered before looking, so that a change in between is not missed.
            let changed = self.changed.notified();
            match self.try_leave(cost) {
                Ok(slot) => return Ok(slot),
                Err(Obstacle::Scout) => changed.await,
                Err(Obstacle::Blocked(until)) => {
                    self.wait(Waiting { reason: Reason::Blocked, until: Some(until) }, until).await?;
                }
                Err(Obstacle::Spent(hold)) => {
                    self.remember();
                    let waiting = Waiting { reason: Reason::DayBudget, until: Some(hold.resets_at) };
                    tokio::select! {
                        // Both are safe to drop half-way: the loop looks again.
                        () = changed => {}
                        waited = self.wait(waiting, hold.until) => waited?,
                    }
                }
            }
        }
    }

    fn try_leave(&self, cost: u64) -> Result<Slot<'_>, Obstacle> {
        let now = self.clock.utc();
        if let Some(until) = lock(&self.block).until.filter(|until| *until > now) {
            return Err(Obstacle::Blocked(until));
        }
        let mut scout = lock(&self.scout);
        if scout.is_needed && scout.is_out {
            return Err(Obstacle::Scout);
        }
        let mut is_look = false;
        if let Some(day) = &self.day {
            let leave = lock(day).take(cost, now).map_err(Obstacle::Spent)?;
            scout.is_needed |= leave.is_first_of_day;
            is_look = leave.is_look;
        }
        let is_scout = scout.is_needed;
        scout.is_out |= is_scout;
        let sent = self.clock.now();
        let reply = Reply::Unheard;
        Ok(Slot { budget: self, cost, place: None, is_scout, is_look, reply, sent, is_sent: false, answered_before: 0 })
    }

    /// Takes over what others may have spent, and the limits, from an answer's headers. `unseen` are tokens of calls that
    /// were answered while this one was under way.
    fn told(&self, told: Told, unseen: u64) {
        if let (Some(window), Some(limit)) = (&self.window, told.window_limit) {
            window.learn(limit);
        }
        let Some(day) = &self.day else { return };
        let changes = {
            let mut day = lock(day);
            let before = (day.left(), day.resets_at());
            day.told(told.day_limit, told.day_remaining, unseen, self.clock.utc());
            (day.left() > before.0, day.resets_at() != before.1)
        };
        if changes.0 {
            self.changed.notify_waiters();
        }
        if changes.1 {
            self.remember();
        }
    }

    /// The window refused a call: sends nothing for the time that the answer names, or for a time that grows.
    pub(super) fn window_refused(&self, retry_after: Option<Duration>) {
        let Some(window) = &self.window else { return };
        if window.is_closed() {
            // One of several calls that were under way together.
            return;
        }
        let wait = match retry_after {
            Some(wait) => wait.max(WINDOW_WAIT),
            None => {
                let mut refusals = lock(&self.refusals);
                let pauses = refusals.get_or_insert_with(|| Pauses::new(usize::MAX));
                pauses.next(Some(WINDOW_WAIT)).unwrap_or(WINDOW_WAIT)
            }
        };
        tracing::warn!(pause_seconds = wait.as_secs_f64(), "Pipedrive's window was full; nothing is sent for a while");
        counter!(telemetry::WAIT_SECONDS, "reason" => "rate_limited").increment(whole_seconds(wait));
        window.close_for(wait);
    }

    /// The day's budget refused a call: nothing is left until the reset, which the answer may have named.
    pub(super) fn day_refused(&self, retry_after: Option<Duration>) {
        let Some(day) = &self.day else { return };
        lock(day).refused(retry_after, self.clock.utc());
        self.remember();
    }

    /// The gateway answered with its page for abusers: sends nothing for a long time, and then one call alone.
    pub(super) fn blocked(&self) {
        let now = self.clock.utc();
        {
            let mut block = lock(&self.block);
            if block.until.is_some_and(|until| until > now) {
                // One of several calls that were under way together.
                return;
            }
            let wait = BLOCK_WAIT.saturating_mul(1 << block.times.min(8)).min(BLOCK_WAIT_MAX);
            block.times += 1;
            block.until = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
        }
        self.needs_scout();
        self.remember();
    }

    /// The next call goes alone, and the others wait for its answer.
    pub(super) fn needs_scout(&self) {
        lock(&self.scout).is_needed = true;
    }

    /// Tokens that can still be spent today; `None` without limits.
    #[must_use]
    pub fn tokens_left_today(&self) -> Option<u64> {
        self.day.as_ref().map(|day| lock(day).left())
    }

    /// Tokens of a whole day, as Pipedrive's answers named them or else as bought, and those left of it, with the reserve;
    /// `None` without limits.
    #[must_use]
    pub fn day_balance(&self) -> Option<(u64, u64)> {
        self.day.as_ref().map(|day| lock(day).balance())
    }

    /// When the day's tokens are full again, UTC; `None` without limits.
    #[must_use]
    pub fn resets_at(&self) -> Option<Timestamp> {
        self.day.as_ref().map(|day| lock(day).resets_at())
    }

    /// How long Pipedrive takes for an answer, smoothed; zero before the first one.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        lock(&self.round_trip).unwrap_or_default()
    }

    /// Whether Pipedrive answers more slowly than it did.
    #[must_use]
    pub fn is_slowed_down(&self) -> bool {
        self.window.as_ref().is_some_and(Window::is_slower)
    }

    /// Notes how long an answer took.
    fn answered(&self, took: Duration) {
        let mut round_trip = lock(&self.round_trip);
        *round_trip = Some(round_trip.map_or(took, |before| (before * (SMOOTHING - 1) + took) / SMOOTHING));
    }

    /// Why calls wait at present, if they do.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        lock(&self.waiting).as_ref().map(|wait| wait.waiting)
    }

    /// The day that tokens are spent on now: the date, UTC, on which the running day began.
    #[must_use]
    pub fn day(&self) -> String {
        let yesterday = self.clock.utc() - SignedDuration::from_hours(24);
        let began = self.day.as_ref().map_or(self.clock.utc(), |day| lock(day).began());
        began.max(yesterday).to_zoned_datetime(TimeZone::UTC).date().to_string()
    }

    /// Notes a request that was sent, for the ledger.
    fn spend(&self, endpoint: &'static str, cost: u32) {
        counter!(telemetry::TOKENS_SPENT, telemetry::of_company(self.is_staging, &[("endpoint", endpoint)]))
            .increment(u64::from(cost));
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

    fn remember(&self) {
        let Some(day) = &self.day else { return };
        let blocked_until = lock(&self.block).until.filter(|until| *until > self.clock.utc());
        let memory = Some(Memory { blocked_until, ..lock(day).memory() });
        self.memory.send_if_modified(|known| {
            let changes = *known != memory;
            *known = memory;
            changes
        });
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("tokens_left_today", &self.tokens_left_today()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counters are whole numbers; a wait shorter than a second still counts as one, so that it is seen.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}
