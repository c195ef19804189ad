//! The rolling two-second window of one token: never more requests in it than Pipedrive allows, without a single 429.
//!
//! Pipedrive counts a request when it arrives, which is some time between our sending it and its answer. So a slot is
//! safe to use again two seconds after the answer. The reachable share of the limit is therefore 2 / (2 + round trip).
//! Source: Pipedrive documentation, "Rate limiting", 2026-09-17.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Notify;

use crate::clock::{Clock, Moment};

/// Length of the window.
const WINDOW: Duration = Duration::from_secs(2);

/// Gives `governor` our clock.
#[derive(Debug, Clone)]
struct Pace(Clock);

impl governor::clock::Clock for Pace {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.now().elapsed()
    }
}

type Pacer = RateLimiter<NotKeyed, InMemoryState, Pace, NoOpMiddleware<Duration>>;

/// The window. `limit` requests at the most between any answer and two seconds after it.
pub(super) struct Window {
    clock: Clock,
    state: Mutex<State>,
    returned: Notify,
}

struct State {
    limit: u32,
    in_flight: u32,
    /// When slots whose answer is in may be used again, earliest first.
    cooling: VecDeque<Moment>,
    /// Spreads requests over the window, so that one token's load does not come in bursts.
    pacer: Pacer,
    /// Nothing is sent before this moment: the far end said so.
    closed_until: Option<Moment>,
}

impl Window {
    pub(super) fn new(clock: Clock, limit: u32) -> Self {
        let pacer = pacer(&clock, limit);
        let state = State { limit, in_flight: 0, cooling: VecDeque::new(), pacer, closed_until: None };
        Self { clock, state: Mutex::new(state), returned: Notify::new() }
    }

    /// Waits for a slot and takes it. Says how long it waited. Safe to drop half-way: nothing is taken then.
    pub(super) async fn take(&self) -> Duration {
        let began = self.clock.now();
        loop {
            // Registered before looking, so that a slot that comes back in between is not missed.
            let returned = self.returned.notified();
            match self.try_take() {
                Ok(()) => return self.clock.now().since(began),
                Err(Some(until)) => self.clock.sleep_until(until).await,
                Err(None) => returned.await,
            }
        }
    }

    /// `Err(Some(when))`: not before; `Err(None)`: when an answer comes in.
    fn try_take(&self) -> Result<(), Option<Moment>> {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Err(Some(until));
        }
        while state.cooling.front().is_some_and(|free| *free <= now) {
            state.cooling.pop_front();
        }
        let used = state.in_flight as usize + state.cooling.len();
        if used >= state.limit as usize {
            return Err(state.cooling.front().copied());
        }
        match state.pacer.check() {
            Ok(()) => {
                state.in_flight += 1;
                Ok(())
            }
            Err(early) => Err(Some(now + early.wait_time_from(now.elapsed()).max(Duration::from_micros(1)))),
        }
    }

    /// Gives a slot back when its answer is in, or when nobody waits for one any more.
    pub(super) fn give_back(&self) {
        let free = self.clock.now() + WINDOW;
        let mut state = self.lock();
        state.in_flight -= 1;
        state.cooling.push_back(free);
        drop(state);
        self.returned.notify_waiters();
    }

    /// Sends nothing for a while, because the far end asked for it.
    pub(super) fn close_for(&self, wait: Duration) {
        let until = self.clock.now() + wait;
        let mut state = self.lock();
        state.closed_until = state.closed_until.max(Some(until));
    }

    /// Takes over the limit that the far end names in its answers.
    pub(super) fn learn(&self, limit: u32) {
        let mut state = self.lock();
        if limit != state.limit && limit > 0 {
            tracing::info!(before = state.limit, now = limit, "requests per two seconds learned from Pipedrive");
            state.limit = limit;
            state.pacer = pacer(&self.clock, limit);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Half the limit a second with a quarter of it at once: as fast as the window allows in the long run, but evenly.
fn pacer(clock: &Clock, limit: u32) -> Pacer {
    let at_least_one = |value: u32| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
    let period = WINDOW / limit.max(1);
    let quota = Quota::with_period(period.max(Duration::from_nanos(1)))
        .unwrap_or(Quota::per_second(at_least_one(limit)))
        .allow_burst(at_least_one(limit / 4));
    RateLimiter::direct_with_clock(quota, Pace(clock.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Sends `calls` requests with a round trip, and gives the moments they arrived and the whole time.
    fn run(limit: u32, calls: usize, round_trip: Duration) -> (Vec<Duration>, Duration) {
        let clock = Clock::stepped("2026-01-05T00:00:00Z".parse().expect("a valid instant"));
        let window = Arc::new(Window::new(clock.clone(), limit));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let arrived = Arc::new(Mutex::new(Vec::new()));
        runtime.block_on(clock.track(async {
            let workers = (0..limit * 2).map(|worker| {
                let (clock, window, arrived) = (clock.clone(), Arc::clone(&window), Arc::clone(&arrived));
                let share =
                    calls / (limit as usize * 2) + usize::from((worker as usize) < calls % (limit as usize * 2));
                async move {
                    for _ in 0..share {
                        window.take().await;
                        clock.sleep(round_trip / 2).await;
                        arrived.lock().expect("not poisoned").push(clock.now().elapsed());
                        clock.sleep(round_trip / 2).await;
                        window.give_back();
                    }
                }
            });
            futures::future::join_all(workers).await;
        }));
        let arrived = arrived.lock().expect("not poisoned").clone();
        (arrived, clock.now().elapsed())
    }

    #[test]
    fn no_two_seconds_ever_see_more_than_the_limit_and_the_bound_is_reached() {
        for round_trip_ms in [0, 50, 200] {
            let round_trip = Duration::from_millis(round_trip_ms);
            let (mut arrived, took) = run(40, 4000, round_trip);
            arrived.sort_unstable();
            for group in arrived.windows(41) {
                assert!(group[40] - group[0] >= WINDOW, "41 requests within {:?}", group[40] - group[0]);
            }
            let bound = 40.0 / (2.0 + round_trip.as_secs_f64());
            let share = 4000.0 / took.as_secs_f64() / bound;
            assert!(share >= 0.98, "at a round trip of {round_trip_ms} ms only {share:.3} of the bound");
        }
    }
}
