//! The rolling two-second window of one token: never more requests in it than Pipedrive allows, without a single 429.
//!
//! Pipedrive counts a request when it arrives, which is some time between our sending it and its answer. So a slot is
//! safe to use again two seconds after the answer. The reachable share of the limit is therefore 2 / (2 + round trip).
//! Source: Pipedrive documentation, "Rate limiting", 2026-09-17.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::concurrency::Concurrency;
use super::others::Others;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Notify;

use crate::clock::{Clock, Moment};

/// Length of the window.
pub(super) const WINDOW: Duration = Duration::from_secs(2);

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
    concurrency: Concurrency,
    others: Others,
    /// Number of the next request.
    next: u64,
}

/// A slot of the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    number: u64,
    /// How long it was waited for.
    pub(super) waited: Duration,
}

/// What became of the request in a slot.
#[derive(Debug, Clone, Copy)]
pub(super) enum Came {
    /// It was answered after that time; the window then had so many requests left, if the answer said so.
    Answer(Duration, Option<u32>),
    /// It was refused because the window was full.
    Refusal,
    /// No answer came, or it was not sent at all.
    Nothing,
}

impl Window {
    pub(super) fn new(clock: Clock, limit: u32, calls_in_flight: usize) -> Self {
        let pacer = pacer(&clock, limit);
        let state = State {
            limit,
            in_flight: 0,
            cooling: VecDeque::new(),
            pacer,
            closed_until: None,
            concurrency: Concurrency::new(calls_in_flight),
            others: Others::default(),
            next: 0,
        };
        Self { clock, state: Mutex::new(state), returned: Notify::new() }
    }

    /// Waits for a slot and takes it. Safe to drop half-way: nothing is taken then.
    pub(super) async fn take(&self) -> Place {
        let began = self.clock.now();
        loop {
            // Registered before looking, so that a slot that comes back in between is not missed.
            let returned = self.returned.notified();
            match self.try_take() {
                Ok(number) => return Place { number, waited: self.clock.now().since(began) },
                Err(Some(until)) => self.clock.sleep_until(until).await,
                Err(None) => returned.await,
            }
        }
    }

    /// `Err(Some(when))`: not before; `Err(None)`: when an answer comes in.
    fn try_take(&self) -> Result<u64, Option<Moment>> {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Err(Some(until));
        }
        while state.cooling.front().is_some_and(|free| *free <= now) {
            state.cooling.pop_front();
        }
        let used = state.in_flight + u32::try_from(state.cooling.len()).unwrap_or(u32::MAX);
        if used >= state.limit {
            return Err(state.cooling.front().copied());
        }
        let in_flight = state.in_flight;
        if !state.concurrency.admits(in_flight) {
            return Err(None);
        }
        state.others.room(now, state.limit, used).map_err(Some)?;
        match state.pacer.check() {
            Ok(()) => {
                state.in_flight += 1;
                state.next += 1;
                let number = state.next;
                state.others.sent(number, now);
                Ok(number)
            }
            Err(early) => Err(Some(now + early.wait_time_from(now.elapsed()).max(Duration::from_micros(1)))),
        }
    }

    /// Gives a slot back when its answer is in, or when nobody waits for one any more.
    pub(super) fn give_back(&self, place: Place, came: Came) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.in_flight -= 1;
        state.cooling.push_back(now + WINDOW);
        let limit = state.limit;
        match came {
            Came::Answer(took, left) => {
                state.concurrency.answered(now, took);
                match left {
                    Some(left) => state.others.told(place.number, now, limit, left),
                    None => state.others.gone(place.number),
                }
            }
            Came::Refusal => state.others.refused(place.number, now, limit),
            Came::Nothing => state.others.gone(place.number),
        }
        drop(state);
        self.returned.notify_waiters();
    }

    /// Whether answers are slower than usual at present.
    pub(super) fn is_slower(&self) -> bool {
        self.lock().concurrency.is_slower()
    }

    /// Sends nothing for a while, because the far end asked for it.
    pub(super) fn close_for(&self, wait: Duration) {
        let until = self.clock.now() + wait;
        let mut state = self.lock();
        state.closed_until = state.closed_until.max(Some(until));
    }

    /// Whether nothing is sent at present because the far end asked for it.
    pub(super) fn is_closed(&self) -> bool {
        let now = self.clock.now();
        self.lock().closed_until.is_some_and(|until| until > now)
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

#[cfg(all(test, feature = "standin"))]
mod tests {
    use super::*;
    use std::sync::Arc;

    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    /// The far end: a rolling window that counts what arrives, and others who use it too.
    struct FarEnd {
        limit: usize,
        arrivals: VecDeque<Duration>,
        others: VecDeque<Duration>,
        others_admitted: usize,
        ours: Vec<Duration>,
        refused: usize,
    }

    impl FarEnd {
        /// Others send a random number of requests at random moments of every two seconds: their share on average.
        fn new(limit: u32, seconds: u64, others_share: f64) -> Self {
            let mut random = ChaCha8Rng::seed_from_u64(7);
            let mut others = Vec::new();
            for span in 0..seconds / 2 {
                let count = (random.random::<f64>() * (2.0 * others_share * f64::from(limit) + 1.0)) as usize;
                let moments = (0..count).map(|_| Duration::from_secs_f64(2.0 * (span as f64 + random.random::<f64>())));
                others.extend(moments);
            }
            others.sort_unstable();
            let (arrivals, ours) = (VecDeque::new(), Vec::new());
            let limit = limit as usize;
            Self { limit, arrivals, others: others.into(), others_admitted: 0, ours, refused: 0 }
        }

        /// Whether a request that arrives now passes, and what is left then.
        fn admit(&mut self, now: Duration) -> Option<u32> {
            while let Some(moment) = self.others.front().copied().filter(|moment| *moment <= now) {
                self.others.pop_front();
                self.forget(moment);
                if self.arrivals.len() < self.limit {
                    self.arrivals.push_back(moment);
                    self.others_admitted += 1;
                }
            }
            self.forget(now);
            if self.arrivals.len() >= self.limit {
                self.refused += 1;
                return None;
            }
            self.arrivals.push_back(now);
            self.ours.push(now);
            u32::try_from(self.limit - self.arrivals.len()).ok()
        }

        fn forget(&mut self, now: Duration) {
            while self.arrivals.front().is_some_and(|first| now.saturating_sub(*first) >= WINDOW) {
                self.arrivals.pop_front();
            }
        }
    }

    /// Sends for a time, as many requests as the window lets pass.
    fn run(limit: u32, seconds: u64, round_trip: Duration, others_share: f64) -> FarEnd {
        let clock = Clock::stepped("2026-01-05T00:00:00Z".parse().expect("a valid instant"));
        let window = Window::new(clock.clone(), limit, 1_000);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let far_end = Arc::new(Mutex::new(FarEnd::new(limit, seconds, others_share)));
        runtime.block_on(clock.track(async {
            let workers = (0..limit).map(async |_| {
                while clock.now().elapsed() < Duration::from_secs(seconds) {
                    let place = window.take().await;
                    clock.sleep(round_trip / 2).await;
                    let left = far_end.lock().expect("not poisoned").admit(clock.now().elapsed());
                    clock.sleep(round_trip / 2).await;
                    match left {
                        Some(left) => window.give_back(place, Came::Answer(round_trip, Some(left))),
                        None => {
                            window.give_back(place, Came::Refusal);
                            window.close_for(WINDOW);
                        }
                    }
                }
            });
            futures::future::join_all(workers).await;
        }));
        Arc::into_inner(far_end).expect("nobody else has it").into_inner().expect("not poisoned")
    }

    #[test]
    fn no_two_seconds_ever_see_more_than_the_limit_and_the_bound_is_reached() {
        for round_trip_ms in [0, 50, 200] {
            let round_trip = Duration::from_millis(round_trip_ms);
            let far_end = run(40, 200, round_trip, 0.0);
            assert_eq!(far_end.refused, 0, "at a round trip of {round_trip_ms} ms");
            for group in far_end.ours.windows(41) {
                assert!(group[40] - group[0] >= WINDOW, "41 requests within {:?}", group[40] - group[0]);
            }
            let bound = 200.0 * 40.0 / (2.0 + round_trip.as_secs_f64());
            let share = far_end.ours.len() as f64 / bound;
            assert!(share >= 0.98, "at a round trip of {round_trip_ms} ms only {share:.3} of the bound");
        }
    }

    #[test]
    fn beside_others_hardly_anything_is_refused_and_most_of_the_rest_is_used() {
        // The longer the round trip, the older is what is known of others.
        for (round_trip_ms, least) in [(2, 0.90), (50, 0.85), (200, 0.70)] {
            let round_trip = Duration::from_millis(round_trip_ms);
            let far_end = run(40, 1_000, round_trip, 0.3);
            let left = 1_000.0 * 20.0 - far_end.others_admitted as f64;
            let share = far_end.ours.len() as f64 / (left * 2.0 / (2.0 + round_trip.as_secs_f64()));
            let refused = far_end.refused as f64 / (far_end.ours.len() + far_end.refused) as f64;
            println!("round trip {round_trip_ms} ms: {share:.3} of what is left, {:.3} % refused", 100.0 * refused);
            assert!(share >= least, "at a round trip of {round_trip_ms} ms only {share:.3} of what others leave");
            assert!(refused <= 0.001, "at a round trip of {round_trip_ms} ms {refused:.4} were refused");
        }
    }
}
