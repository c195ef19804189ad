//! The pace of reading: one token per period, asked of `governor` on our [`Clock`], slower after a refusal and slowly back.
//!
//! The source's limits are unknown, so nothing is ever sent to find them out: the pace is raised only while answers that
//! are wanted anyway come clean, and never above the rate that the settings call safe. It is halved by a refusal, and by
//! answers that have become slow (source API shapes, section 6).

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::{Clock, Moment};
use crate::error::{Error, Kind, Result};

/// The slowest pace, one request in this time; beyond it the source's Retry-After takes over.
const PERIOD_MAX: Duration = Duration::from_secs(60);

/// Answers without a refusal after which the pace is raised by a quarter.
const CLEAN_ANSWERS: u32 = 20;

/// Answers of which the baseline of their time is taken, and of which the present time is.
const TIMED_ANSWERS: usize = 20;

/// Differences below this are noise.
const SLOWER_MIN: Duration = Duration::from_millis(100);

/// After this many halvings within [`HOLD_WINDOW`] the pace is not raised any more.
const HALVINGS_MAX: usize = 3;

/// See [`HALVINGS_MAX`].
const HOLD_WINDOW: Duration = Duration::from_secs(3600);

/// governor's view of our clock.
struct Ticks(Clock);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now().elapsed()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// The common pace of everyone who reads from one source.
pub(super) struct Pace {
    clock: Clock,
    /// The period of the safe rate; the pace never gets faster.
    fastest: Duration,
    /// It began slower than that, to be raised while all goes well.
    is_learning: bool,
    /// Where the present pace is kept for the next time.
    file: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    limiter: Arc<Limiter>,
    period: Duration,
    clean: u32,
    /// Median time of the first answers.
    baseline: Option<Duration>,
    /// Times of the last answers.
    times: VecDeque<Duration>,
    halvings: VecDeque<Moment>,
    /// It was halved so often that it stays as it is.
    holds: bool,
}

impl Pace {
    /// A pace of one request per `period`, which may become one per `fastest`.
    ///
    /// # Errors
    /// `Settings` for a period of zero or above a minute.
    pub(super) fn new(clock: Clock, fastest: Duration, period: Duration) -> Result<Self> {
        if period > PERIOD_MAX || fastest > PERIOD_MAX {
            let most = PERIOD_MAX.as_secs();
            return Err(Error::new(Kind::Settings, format!("source read rate: below one request in {most} s")));
        }
        let limiter = Arc::new(limiter(&clock, period)?);
        let (times, halvings) = (VecDeque::new(), VecDeque::new());
        let state = State { limiter, period, clean: 0, baseline: None, times, halvings, holds: false };
        Ok(Self { clock, fastest, is_learning: period > fastest, file: None, state: Mutex::new(state) })
    }

    /// The same, which begins as it was when it was kept in a file, and keeps there what it becomes. A pace that was kept is
    /// no more than an advice: a file that cannot be read or written costs a slower beginning and nothing else.
    ///
    /// # Errors
    /// As [`Pace::new`].
    pub(super) fn kept(clock: Clock, fastest: Duration, period: Duration, file: PathBuf) -> Result<Self> {
        let before = kept_period(&file).map(|kept| kept.clamp(fastest, PERIOD_MAX.max(fastest)));
        let pace = Self::new(clock, fastest, before.unwrap_or(period))?;
        Ok(Self { file: Some(file), ..pace })
    }

    /// Waits for this caller's turn.
    pub(super) async fn turn(&self) {
        loop {
            // The lock is released before waiting; a pace that changes meanwhile is met at the next round.
            let limiter = Arc::clone(&self.lock().limiter);
            let Err(not_until) = limiter.check() else { return };
            self.clock.sleep(not_until.wait_time_from(self.clock.now().elapsed())).await;
        }
    }

    /// The source answered as it should, after some time.
    pub(super) fn answered(&self, took: Duration) {
        let mut state = self.lock();
        if state.has_become_slow(took) {
            drop(state);
            return self.refused();
        }
        state.clean += 1;
        if state.clean >= CLEAN_ANSWERS && state.period > self.fastest && !state.holds {
            let period = (state.period * 4 / 5).max(self.fastest);
            self.change(&mut state, period);
        }
    }

    /// The source asked for a slower pace: half of what it was.
    pub(super) fn refused(&self) {
        let mut state = self.lock();
        let now = self.clock.now();
        state.halvings.push_back(now);
        while state.halvings.front().is_some_and(|then| now.since(*then) > HOLD_WINDOW) {
            state.halvings.pop_front();
        }
        if state.halvings.len() >= HALVINGS_MAX && self.is_learning {
            state.holds = true;
        }
        let period = (state.period * 2).min(PERIOD_MAX);
        self.change(&mut state, period);
    }

    /// The present time between two requests.
    pub(super) fn period(&self) -> Duration {
        self.lock().period
    }

    fn change(&self, state: &mut State, period: Duration) {
        state.clean = 0;
        // A new limiter would let one request pass at once; its first turn is taken here, so that changes cost no burst.
        if let Ok(limiter) = limiter(&self.clock, period)
            && limiter.check().is_ok()
        {
            (state.limiter, state.period) = (Arc::new(limiter), period);
            tracing::info!(period_seconds = period.as_secs_f64(), "pace of reading from the source");
            if let Some(file) = &self.file
                && let Err(error) = keep_period(file, period)
            {
                tracing::warn!(file = %file.display(), %error, "the pace of reading is not kept");
            }
        }
    }

    /// The state is replaced as a whole, so a panic elsewhere leaves it valid.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether nearly all of the last answers took more than twice as long as the first ones did.
    fn has_become_slow(&mut self, took: Duration) -> bool {
        self.times.push_back(took);
        if self.times.len() < TIMED_ANSWERS {
            return false;
        }
        let mut sorted: Vec<Duration> = self.times.iter().copied().collect();
        sorted.sort_unstable();
        self.times.pop_front();
        let Some(baseline) = self.baseline else {
            self.baseline = sorted.get(TIMED_ANSWERS / 2).copied();
            return false;
        };
        let is_slow = sorted.first().is_some_and(|least| *least > baseline * 2 + SLOWER_MIN);
        if is_slow {
            self.times.clear();
        }
        is_slow
    }
}

/// Name of the key in the file.
const KEY: &str = "period_ms";

/// The period that was kept, if there is one.
fn kept_period(file: &Path) -> Option<Duration> {
    let table: toml::Table = std::fs::read_to_string(file).ok()?.parse().ok()?;
    let milliseconds = table.get(KEY)?.as_integer().and_then(|value| u64::try_from(value).ok())?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// Keeps a period: a whole new file in the place of the old one.
fn keep_period(file: &Path, period: Duration) -> std::io::Result<()> {
    let text = format!(
        "# Time between two requests that the source bore last, in milliseconds. Reading begins with it and becomes faster\n\
         # while all goes well. To begin as source.toml says, remove this file.\n{KEY} = {}\n",
        period.as_millis()
    );
    let part = file.with_extension("part");
    std::fs::write(&part, text)?;
    std::fs::rename(part, file)
}

fn limiter(clock: &Clock, period: Duration) -> Result<Limiter> {
    let quota = Quota::with_period(period)
        .ok_or_else(|| Error::new(Kind::Settings, "source read rate: the time between requests is zero"))?;
    Ok(RateLimiter::direct_with_clock(quota, Ticks(clock.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(2);

    /// Seconds that `turns` turns take after what `before` did to the pace.
    fn seconds(turns: u32, before: impl Fn(&Pace)) -> f64 {
        let clock = Clock::stepped("2026-01-05T00:00:00Z".parse().expect("a valid instant"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let pace = Pace::new(clock.clone(), PERIOD, PERIOD).expect("a valid pace");
        runtime.block_on(clock.track(async {
            before(&pace);
            for _ in 0..turns {
                pace.turn().await;
            }
            clock.now().elapsed().as_secs_f64()
        }))
    }

    #[test]
    fn requests_keep_their_distance() {
        assert!((seconds(10, |_| ()) - 18.0).abs() < 0.01);
    }

    #[test]
    fn a_refusal_halves_the_pace_and_clean_answers_bring_it_back() {
        assert!((seconds(3, Pace::refused) - 12.0).abs() < 0.01);
        let recover = |pace: &Pace| {
            pace.refused();
            (0..CLEAN_ANSWERS * 8).for_each(|_| pace.answered(Duration::ZERO));
            assert_eq!(pace.period(), PERIOD, "never faster than what is safe");
        };
        assert!((seconds(3, recover) - 6.0).abs() < 0.01);
        let never_stops = |pace: &Pace| (0..40).for_each(|_| pace.refused());
        assert!((seconds(1, never_stops) - 60.0).abs() < 0.01);
    }

    #[test]
    fn an_unknown_source_is_read_slowly_at_first() {
        let clock = Clock::stepped("2026-01-05T00:00:00Z".parse().expect("a valid instant"));
        let pace = Pace::new(clock, PERIOD / 10, PERIOD).expect("a valid pace");
        (0..CLEAN_ANSWERS).for_each(|_| pace.answered(Duration::ZERO));
        assert_eq!(pace.period(), PERIOD * 4 / 5);
        (0..CLEAN_ANSWERS * 20).for_each(|_| pace.answered(Duration::ZERO));
        assert_eq!(pace.period(), PERIOD / 10);
        (0..3).for_each(|_| pace.refused());
        (0..CLEAN_ANSWERS * 20).for_each(|_| pace.answered(Duration::ZERO));
        assert_eq!(pace.period(), PERIOD * 8 / 10, "three refusals within an hour: it stays there");
    }

    #[test]
    fn answers_that_become_slow_halve_the_pace() {
        let pace = Pace::new(Clock::system(), PERIOD, PERIOD).expect("a valid pace");
        (0..40).for_each(|_| pace.answered(Duration::from_millis(200)));
        assert_eq!(pace.period(), PERIOD);
        (0..20).for_each(|_| pace.answered(Duration::from_millis(600)));
        assert_eq!(pace.period(), PERIOD * 2);
    }

    #[test]
    fn what_was_learned_is_where_the_next_one_begins() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pace.toml");
        let open = || Pace::kept(Clock::system(), PERIOD / 10, PERIOD, file.clone()).expect("a valid pace");
        let first = open();
        assert_eq!(first.period(), PERIOD, "nothing was kept yet");
        (0..CLEAN_ANSWERS * 2).for_each(|_| first.answered(Duration::ZERO));
        assert_eq!(first.period(), PERIOD * 16 / 25);
        let second = open();
        assert_eq!(second.period(), first.period());
        second.refused();
        let third = open();
        assert_eq!(third.period(), second.period(), "a refusal is remembered too");
        (0..CLEAN_ANSWERS * 40).for_each(|_| third.answered(Duration::ZERO));
        assert_eq!(open().period(), PERIOD / 10, "never faster than what is safe");
        std::fs::write(&file, "period_ms = 1").expect("written");
        assert_eq!(open().period(), PERIOD / 10, "nor when somebody writes so");
        std::fs::write(&file, "period_ms = 900000").expect("written");
        assert_eq!(open().period(), PERIOD_MAX);
        std::fs::write(&file, "what").expect("written");
        assert_eq!(open().period(), PERIOD);
    }

    #[test]
    fn an_impossible_rate_is_a_wrong_setting() {
        for period in [Duration::ZERO, Duration::from_secs(61)] {
            let error = Pace::new(Clock::system(), period, period).map(|_| ()).map_err(|error| error.kind());
            assert_eq!(error, Err(Kind::Settings));
        }
    }
}
