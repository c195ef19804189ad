//! The budget of one Pipedrive company through one token: the day's tokens, the rolling window, the reserve, the waits.
//!
//! Daily budget: 30,000 tokens × plan multiplier × seats plus top-ups, shared by the whole company; what others spend is
//! read from the answers' headers (`day`). Whatever stops all calls (a spent day, a blocked or refused token) ends with one
//! call that tries whether things are well again, while all others wait for its answer.
//! Source: Pipedrive documentation, "Rate limiting", 2026-09-17.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use tokio::sync::{Notify, watch};

use super::day::{Day, Hold, Memory};
use super::window::{Came, Place, Window};
use crate::clock::{Clock, Moment};
use crate::config::Spending;
use crate::error::{Error, Kind, Result};
use crate::progress::Progress;
use crate::retry::Pauses;
use crate::stop::Stop;
use crate::telemetry;

/// A wait of hours is counted in pieces of this length, so that it is seen while it lasts.
const TELL_WAIT: Duration = Duration::from_secs(600);

/// Answers over which the round trip is smoothed, about.
const SMOOTHING: u32 = 8;

/// The least wait after the window refused a call: it is over when all that filled it is.
const WINDOW_WAIT: Duration = Duration::from_secs(2);

/// How long nothing is sent after Pipedrive's gateway answered with its page for abusers, and at most, when it does so
/// again. How long such a block lasts is in no document; calls during it could lengthen it.
const BLOCK_WAIT: Duration = Duration::from_secs(3_600);
const BLOCK_WAIT_MAX: Duration = Duration::from_secs(8 * 3_600);

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
struct Wait {
    waiting: Waiting,
    began: Moment,
    /// Up to when it is in the metrics.
    counted: Moment,
}

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

/// Leave to send one call. Give it back with the answer; dropping it counts as no answer, or as not sent.
pub struct Slot<'a> {
    budget: &'a Budget,
    cost: u64,
    place: Option<Place>,
    is_scout: bool,
    is_look: bool,
    reply: Reply,
    sent: Moment,
    /// Whether the call went out. One that did not has spent nothing.
    is_sent: bool,
    /// What [`Day::answered`] was when the call was sent.
    answered_before: u64,
}

/// What became of a call, as far as it matters to the next ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Pipedrive worked on it.
    Heard {
        /// The time it took.
        took: Duration,
        /// Requests left in the window, if the answer said so.
        window_left: Option<u32>,
    },
    /// The window was full.
    WindowFull,
    /// It was turned away at the door: by the day's budget, for its token, or by the gateway. Or nothing came back.
    Unheard,
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

    /// Waits for a while, and says so to everybody who looks.
    ///
    /// # Errors
    /// `Stopped` when a stop is asked for meanwhile.
    pub(super) async fn wait(&self, waiting: Waiting, until: Timestamp) -> Result<()> {
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
    fn goes_on(&self, sent: Moment) {
        if lock(&self.waiting).as_ref().is_none_or(|wait| wait.began >= sent) {
            return;
        }
        self.count_wait();
        if lock(&self.waiting).take().is_some() {
            tracing::info!("going on");
            self.progress.waits("");
        }
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

impl Slot<'_> {
    /// The call goes out, under this name in the ledger.
    pub(super) fn spend(&mut self, endpoint: &'static str, cost: u32) {
        self.is_sent = true;
        self.budget.spend(endpoint, cost);
    }

    /// Gives the slot back with what the answer said.
    pub(super) fn give_back(mut self, told: Told, reply: Reply) {
        self.is_sent = true;
        let (budget, cost, before) = (self.budget, self.cost, self.answered_before);
        let (sent, is_look) = (self.sent, self.is_look);
        self.reply = reply;
        drop(self);
        let answered = budget.day.as_ref().map_or(0, |day| lock(day).answered());
        budget.told(told, answered.saturating_sub(before + cost));
        if let Reply::Heard { took, .. } = reply {
            budget.answered(took);
            if !is_look {
                budget.goes_on(sent);
            }
            *lock(&budget.refusals) = None;
            lock(&budget.block).times = 0;
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let budget = self.budget;
        if let Some(day) = &budget.day {
            let mut day = lock(day);
            if self.is_sent { day.ended(self.cost) } else { day.unspent(self.cost) }
        }
        if let (Some(window), Some(place)) = (&budget.window, self.place) {
            window.give_back(
                place,
                match self.reply {
                    Reply::Heard { took, window_left } => Came::Answer(took, window_left),
                    Reply::WindowFull => Came::Refusal,
                    Reply::Unheard => Came::Nothing,
                },
            );
        }
        if self.is_scout {
            let mut scout = lock(&budget.scout);
            scout.is_out = false;
            scout.is_needed &= !matches!(self.reply, Reply::Heard { .. });
            drop(scout);
            budget.changed.notify_waiters();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Plan;
    use crate::stop;

    fn budget(start: &str, reserve: u64, spent: u64) -> (Clock, Budget) {
        let clock = Clock::stepped(start.parse().expect("a valid instant"));
        let spending =
            Spending::Planned { plan: Plan::Lite, seats: 1, top_up_tokens_day: 0, reserve_tokens_day: reserve };
        let budget = Budget::new(clock.clone(), spending, 64).expect("a budget");
        budget.already_spent(spent);
        (clock, budget)
    }

    fn run<F: Future>(clock: &Clock, work: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(clock.track(work))
    }

    async fn take(budget: &Budget, cost: u32) -> Slot<'_> {
        budget.take(cost).await.expect("nobody stops it")
    }

    const HEARD: Reply = Reply::Heard { took: Duration::ZERO, window_left: None };

    fn left(remaining: u64) -> Told {
        Told { day_remaining: Some(remaining), ..Told::default() }
    }

    #[test]
    fn the_day_ends_at_the_reserve_and_begins_again_at_midnight() {
        let (clock, budget) = budget("2026-01-05T23:00:00Z", 1000, 28_985);
        run(&clock, async {
            take(&budget, 5).await.give_back(Told::default(), HEARD);
            assert_eq!(budget.tokens_left_today(), Some(10));
            take(&budget, 5).await.give_back(Told::default(), HEARD);
            take(&budget, 5).await.give_back(Told::default(), HEARD);
            assert_eq!(budget.tokens_left_today(), Some(0));
            // Two seconds for what an earlier run may have left in the window, and not a moment more.
            assert_eq!(clock.utc().to_string(), "2026-01-05T23:00:02Z");
            let slot = take(&budget, 5).await;
            assert_eq!(clock.utc().to_string(), "2026-01-06T00:00:00Z");
            slot.give_back(Told::default(), HEARD);
            assert_eq!(budget.tokens_left_today(), Some(30_000 - 1000 - 5));
            assert_eq!(budget.day(), "2026-01-06");
        });
    }

    #[test]
    fn what_others_spend_and_when_the_day_ends_is_learned() {
        let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 0);
        run(&clock, async {
            budget.told(left(87), 0);
            take(&budget, 5).await.give_back(left(82), HEARD);
            assert_eq!(budget.tokens_left_today(), Some(82));
            budget.day_refused(Some(Duration::from_secs(3600)));
            drop(take(&budget, 5).await);
            assert_eq!(clock.utc().to_string(), "2026-01-05T11:00:00Z");
        });
    }

    #[test]
    fn an_answer_that_was_overtaken_does_not_give_tokens_back() {
        let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 29_000);
        run(&clock, async {
            // Pipedrive works on the first one, then on the second one, whose answer comes first.
            let (first, second) = (take(&budget, 5).await, take(&budget, 10).await);
            second.give_back(left(985), HEARD);
            assert_eq!(budget.tokens_left_today(), Some(980), "the first one may not be in the figure");
            first.give_back(left(995), HEARD);
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
            let (slot, ()) = tokio::join!(take(&budget, 5), topped_up);
            drop(slot);
            assert!(clock.utc() < "2026-01-05T11:01:00Z".parse().expect("an instant"), "{}", clock.utc());
        });
    }

    #[test]
    fn a_new_day_is_tried_by_one_call_alone() {
        let (clock, budget) = budget("2026-01-05T23:59:00Z", 0, 30_000);
        run(&clock, async {
            // Midnight UTC was a wrong guess: the answer tells that nothing is left.
            let scout = take(&budget, 5).await;
            let second = async {
                let slot = take(&budget, 5).await;
                (clock.utc(), slot)
            };
            let answered = async {
                clock.sleep(Duration::from_secs(2)).await;
                scout.give_back(left(0), HEARD);
                clock.sleep(Duration::from_secs(3_600)).await;
                budget.told(left(29_000), 0);
            };
            let ((at, slot), ()) = tokio::join!(second, answered);
            assert_eq!(at.to_string(), "2026-01-06T01:00:02Z");
            slot.give_back(Told::default(), HEARD);
        });
    }

    #[test]
    fn a_block_stops_everything_for_a_long_time_and_over_a_restart() {
        let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 0);
        let memory = run(&clock, async {
            let memory = budget.memory();
            let (first, second) = (take(&budget, 5).await, take(&budget, 5).await);
            budget.blocked();
            budget.blocked();
            first.give_back(Told::default(), Reply::Unheard);
            second.give_back(Told::default(), Reply::Unheard);
            let known = memory.borrow().expect("something to remember");
            let slot = take(&budget, 5).await;
            assert_eq!(clock.utc().to_string(), "2026-01-05T11:00:00Z");
            assert_eq!(
                budget.waiting().map(|waiting| waiting.reason),
                Some(Reason::Blocked),
                "until an answer is heard"
            );
            budget.blocked();
            slot.give_back(Told::default(), Reply::Unheard);
            drop(take(&budget, 5).await);
            assert_eq!(clock.utc().to_string(), "2026-01-05T13:00:00Z", "twice as long");
            known
        });
        let (clock, budget) = self::budget("2026-01-05T10:30:00Z", 0, 0);
        budget.recall(memory);
        run(&clock, async {
            drop(take(&budget, 5).await);
            assert_eq!(clock.utc().to_string(), "2026-01-05T11:00:00Z");
        });
    }

    #[test]
    fn refusals_that_name_no_time_are_waited_out_longer_and_longer() {
        let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 0);
        run(&clock, async {
            let mut waits = Vec::new();
            for _ in 0..6 {
                let began = clock.now();
                let slot = take(&budget, 5).await;
                waits.push(clock.now().since(began));
                slot.give_back(Told::default(), Reply::WindowFull);
                budget.window_refused(None);
                budget.window_refused(None);
            }
            assert!(waits[1..].iter().all(|wait| *wait >= WINDOW_WAIT), "{waits:?}");
            assert!(waits[5] > Duration::from_secs(6), "{waits:?}");
            let slot = take(&budget, 5).await;
            slot.give_back(Told::default(), HEARD);
            budget.window_refused(Some(Duration::from_secs(7)));
            let began = clock.now();
            drop(take(&budget, 5).await);
            assert_eq!(clock.now().since(began), Duration::from_secs(7), "as the answer says");
        });
    }

    #[test]
    fn a_stop_ends_a_wait_of_hours() {
        let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 30_000);
        let (stopper, stop) = stop::switch();
        let progress = Progress::default();
        let budget = budget.of_run(stop, progress.clone());
        run(&clock, async {
            let stops = async {
                clock.sleep(Duration::from_secs(60)).await;
                assert_eq!(
                    progress.snapshot().doing.waits,
                    "until Pipedrive's tokens of the day are full again; goes on at 2026-01-06T00:00:00Z"
                );
                stopper.stop();
            };
            let (taken, ()) = tokio::join!(budget.take(5), stops);
            assert_eq!(taken.map(|_| ()).map_err(|error| error.kind()), Err(Kind::Stopped));
        });
    }

    #[test]
    fn a_reserve_that_leaves_nothing_is_refused() {
        let clock = Clock::system();
        let spending =
            Spending::Planned { plan: Plan::Lite, seats: 1, top_up_tokens_day: 0, reserve_tokens_day: 30_000 };
        assert_eq!(Budget::new(clock, spending, 64).map(|_| ()).map_err(|error| error.kind()), Err(Kind::Settings));
    }
}
