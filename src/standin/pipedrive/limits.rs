//! The two limits of the API: requests of a token in a rolling window of two seconds, and tokens of the company per day.
//!
//! Others may spend of both (`rival`). Beside them stand the limit of searches, and the daily one of 2019, if it still holds.
//!
//! Numbers and headers: document "Rate limiting" and fact sheet 1.4, 1.5. Where no document says: refused requests are not
//! counted in the window, a request that costs more than what is left of the day is refused, and a token that collects
//! too many 429 within a minute is blocked for a while.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::envelope::{self, Answer};
use super::rival;
use super::settings::Settings;
use crate::clock::Moment;

/// Length of the rolling window ("Rate limiting").
const WINDOW: Duration = Duration::from_secs(2);

/// Searches in the window, on every plan and with any token ("Rate limiting").
const SEARCHES: usize = 10;

/// POST and PUT requests of one user per UTC day (changelog of 2019, "Daily API limit for POST/PUT").
const WRITES_PER_DAY: u64 = 10_000;

/// OAuth apps may send four times as much as an API token ("Rate limiting").
const OAUTH_FACTOR: usize = 4;

/// The time over which refusals are counted towards a block.
const REFUSALS_WITHIN: Duration = Duration::from_secs(60);

const DAY_SECONDS: i64 = 86_400;

/// How a request proves who sends it; each kind has a window of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Credential {
    /// The header `x-api-token` of a user.
    ApiToken(u64),
    /// The header `Authorization: Bearer` of a user.
    OAuth(u64),
}

/// The state of both limits.
#[derive(Debug, Default)]
pub(super) struct Limits {
    windows: HashMap<Credential, Window>,
    /// Number of the budget's day that `spent` is about.
    day: i64,
    spent: u64,
    /// Of which others spent in all days, and the minute of the day up to which that is known.
    rival: u64,
    rival_minute: i64,
    /// UTC day and POST and PUT requests of each user.
    writes: HashMap<u64, (i64, u64)>,
    /// Answers given, because the first ones may lack the daily headers.
    answered: u64,
}

/// What a request asks of the limits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Demand {
    pub(super) tokens: u64,
    pub(super) is_search: bool,
    /// It is a POST or a PUT.
    pub(super) is_write: bool,
}

#[derive(Debug, Default)]
struct Window {
    /// When the requests that still count arrived.
    arrivals: VecDeque<Moment>,
    searches: VecDeque<Moment>,
    /// Until when the requests of others are among the arrivals.
    rival_until: Moment,
    refusals: VecDeque<Moment>,
    blocked_until: Option<Moment>,
}

/// What the headers of an answer say about the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) window_limit: u64,
    pub(super) window_remaining: u64,
    /// Whole seconds, a duration.
    pub(super) window_reset: u64,
    /// Tokens of the day, and those left; missing where the account is set so.
    pub(super) daily: Option<(u64, u64)>,
    /// POST and PUT requests left today, on such requests only.
    pub(super) writes_left: Option<u64>,
}

/// When a request arrived: on the clock, and by the calendar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) moment: Moment,
    pub(super) at: Timestamp,
}

impl Limits {
    /// Lets a request of that cost pass, or gives the answer that refuses it. A request that passes counts in the window.
    pub(super) fn admit(
        &mut self,
        settings: &Settings,
        who: Credential,
        arrival: Arrival,
        demand: Demand,
    ) -> Result<(), Answer> {
        if settings.unlimited {
            return Ok(());
        }
        self.turn_day(settings, arrival.at);
        let left = settings.daily_tokens().saturating_sub(self.spent);
        let window = self.windows.entry(who).or_default();
        let now = arrival.moment;
        window.rival(settings, who, now);
        window.forget(now);
        if window.blocked_until.is_some_and(|until| now < until) {
            return Err(envelope::blocked());
        }
        let written = written(&mut self.writes, who, arrival.at);
        let answer = if demand.tokens > left {
            envelope::over_budget(seconds_to_reset(settings, arrival.at))
        } else if settings.write_limit_2019 && demand.is_write && *written >= WRITES_PER_DAY {
            envelope::over_writes(seconds_to_midnight(arrival.at))
        } else if window.arrivals.len() >= limit(settings, who)
            || (demand.is_search && window.searches.len() >= SEARCHES)
        {
            envelope::over_window(settings.burst_retry_after)
        } else {
            window.arrivals.push_back(now);
            if demand.is_search {
                window.searches.push_back(now);
            }
            *written += u64::from(demand.is_write);
            return Ok(());
        };
        window.refusals.push_back(now);
        // Only traffic of API tokens is blocked this way ("Rate limiting").
        if matches!(who, Credential::ApiToken(_)) && window.refusals.len() > settings.block_after_refusals {
            window.refusals.clear();
            window.blocked_until = Some(now + settings.block);
        }
        Err(answer)
    }

    /// Takes tokens from the day that has `at` in it.
    pub(super) fn charge(&mut self, settings: &Settings, at: Timestamp, tokens: u64) {
        self.turn_day(settings, at);
        self.spent += tokens;
    }

    /// How much later an answer comes because the window is nearly used up. No answer says so.
    pub(super) fn slow_down(&self, settings: &Settings, who: Credential) -> Duration {
        if settings.unlimited || settings.slow_down.is_zero() || settings.slow_down_share >= 1.0 {
            return Duration::ZERO;
        }
        let used = self.windows.get(&who).map_or(0, |window| window.arrivals.len());
        let share = used as f64 / limit(settings, who) as f64;
        let over = (share - settings.slow_down_share) / (1.0 - settings.slow_down_share);
        settings.slow_down.mul_f64(over.clamp(0.0, 1.0))
    }

    /// The budget's day and what was spent of it, for a file.
    pub(super) fn day(&self) -> (i64, u64) {
        (self.day, self.spent)
    }

    /// Limits that begin with what was spent of a day.
    pub(super) fn of_day((day, spent): (i64, u64)) -> Self {
        Self { day, spent, ..Self::default() }
    }

    /// Tokens that others spent since the start.
    pub(super) fn rival_tokens(&self) -> u64 {
        self.rival
    }

    /// What an answer says; `None` when nothing is limited.
    pub(super) fn headers(
        &mut self,
        settings: &Settings,
        who: Credential,
        arrival: Arrival,
        is_write: bool,
    ) -> Option<Headers> {
        if settings.unlimited {
            return None;
        }
        self.turn_day(settings, arrival.at);
        self.answered += 1;
        let left = settings.daily_tokens().saturating_sub(self.spent);
        let daily = (self.answered > settings.daily_headers_missing).then(|| (settings.daily_tokens(), left));
        let tells = settings.write_limit_2019 && is_write && matches!(who, Credential::ApiToken(_));
        let writes_left = tells.then(|| WRITES_PER_DAY.saturating_sub(*written(&mut self.writes, who, arrival.at)));
        let window = self.windows.entry(who).or_default();
        let (limit, used) = (limit(settings, who), window.arrivals.len());
        let oldest = window.arrivals.front().map_or(Duration::ZERO, |first| arrival.moment.since(*first));
        Some(Headers {
            window_limit: limit as u64,
            window_remaining: limit.saturating_sub(used) as u64,
            window_reset: WINDOW.saturating_sub(oldest).as_millis().div_ceil(1000) as u64,
            daily,
            writes_left,
        })
    }

    fn turn_day(&mut self, settings: &Settings, at: Timestamp) {
        let day = local_second(settings, at).div_euclid(DAY_SECONDS);
        if day != self.day {
            (self.day, self.spent, self.rival_minute) = (day, 0, -1);
        }
        if settings.rival_day_share > 0.0 {
            let minute = local_second(settings, at).rem_euclid(DAY_SECONDS) / 60;
            while self.rival_minute < minute {
                self.rival_minute += 1;
                let left = settings.daily_tokens().saturating_sub(self.spent);
                let tokens = rival::tokens(settings, day, self.rival_minute).min(left);
                self.spent += tokens;
                self.rival += tokens;
            }
        }
    }
}

impl Window {
    /// Lets the requests of others arrive that came since the last look.
    fn rival(&mut self, settings: &Settings, who: Credential, now: Moment) {
        let limit = limit(settings, who);
        for moment in rival::requests(settings, limit, self.rival_until, now) {
            self.forget(moment);
            if self.arrivals.len() < limit {
                self.arrivals.push_back(moment);
            }
        }
        self.rival_until = now;
    }

    fn forget(&mut self, now: Moment) {
        while self.arrivals.front().is_some_and(|first| now.since(*first) >= WINDOW) {
            self.arrivals.pop_front();
        }
        while self.searches.front().is_some_and(|first| now.since(*first) >= WINDOW) {
            self.searches.pop_front();
        }
        while self.refusals.front().is_some_and(|first| now.since(*first) >= REFUSALS_WITHIN) {
            self.refusals.pop_front();
        }
    }
}

fn limit(settings: &Settings, who: Credential) -> usize {
    let requests = settings.plan.numbers().window_requests;
    match who {
        Credential::ApiToken(_) => requests,
        Credential::OAuth(_) => requests * OAUTH_FACTOR,
    }
}

/// POST and PUT requests of a user on this UTC day.
fn written(writes: &mut HashMap<u64, (i64, u64)>, who: Credential, at: Timestamp) -> &mut u64 {
    let (Credential::ApiToken(user) | Credential::OAuth(user)) = who;
    let day = at.as_second().div_euclid(DAY_SECONDS);
    let own = writes.entry(user).or_default();
    if own.0 != day {
        *own = (day, 0);
    }
    &mut own.1
}

fn seconds_to_midnight(at: Timestamp) -> u64 {
    u64::try_from(DAY_SECONDS - at.as_second().rem_euclid(DAY_SECONDS)).unwrap_or(1)
}

fn local_second(settings: &Settings, at: Timestamp) -> i64 {
    at.as_second() + i64::from(settings.daily_reset_offset_hours) * 3600
}

/// Whole seconds until the day's tokens are there again, at least 1.
fn seconds_to_reset(settings: &Settings, at: Timestamp) -> u64 {
    let into_day = local_second(settings, at).rem_euclid(DAY_SECONDS);
    u64::try_from(DAY_SECONDS - into_day).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::super::settings::Plan;
    use super::*;

    const USER: Credential = Credential::ApiToken(1);

    fn arrival(ms: u64) -> Arrival {
        let start: Timestamp = "2026-01-05T23:00:00Z".parse().expect("an instant");
        let wait = Duration::from_millis(ms);
        let at = start.checked_add(jiff::SignedDuration::try_from(wait).expect("short")).expect("near");
        Arrival { moment: Moment::default() + wait, at }
    }

    fn status(limits: &mut Limits, settings: &Settings, ms: u64, cost: u64) -> u16 {
        limits
            .admit(settings, USER, arrival(ms), Demand { tokens: cost, ..Demand::default() })
            .map_or_else(|answer| answer.status, |()| 200)
    }

    #[test]
    fn the_window_rolls_and_is_exact() {
        let settings = Settings { plan: Plan::Lite, ..Settings::default() };
        let mut limits = Limits::default();
        for request in 0..20 {
            assert_eq!(status(&mut limits, &settings, request * 10, 1), 200);
        }
        assert_eq!(status(&mut limits, &settings, 1_999, 1), 429);
        assert_eq!(status(&mut limits, &settings, 2_000, 1), 200);
        assert_eq!(status(&mut limits, &settings, 2_009, 1), 429);
        assert_eq!(status(&mut limits, &settings, 2_010, 1), 200);
        let headers = limits.headers(&settings, USER, arrival(2_010), false).expect("limits");
        assert_eq!((headers.window_limit, headers.window_remaining, headers.window_reset), (20, 0, 1));
        let app = limits.admit(&settings, Credential::OAuth(1), arrival(2_010), Demand::default());
        assert!(app.is_ok(), "an app has a window of its own");
    }

    #[test]
    fn the_day_ends_with_a_hint_and_begins_anew() {
        let settings = Settings { plan: Plan::Lite, seats: 1, ..Settings::default() };
        let mut limits = Limits::default();
        limits.charge(&settings, arrival(0).at, 29_996);
        assert_eq!(status(&mut limits, &settings, 0, 4), 200);
        let refused = limits
            .admit(&settings, USER, arrival(1_000), Demand { tokens: 5, ..Demand::default() })
            .expect_err("the day is used up");
        assert_eq!((refused.status, refused.retry_after), (429, Some(3_599)));
        assert_eq!(status(&mut limits, &settings, 3_600_000, 5), 200);
        let headers = limits.headers(&settings, USER, arrival(3_600_000), false).expect("limits");
        assert_eq!(headers.daily, Some((30_000, 30_000)));
    }

    #[test]
    fn going_on_through_refusals_ends_in_a_block() {
        let settings = Settings { plan: Plan::Lite, block_after_refusals: 3, ..Settings::default() };
        let mut limits = Limits::default();
        let seen: Vec<u16> = (0..26).map(|_| status(&mut limits, &settings, 0, 1)).collect();
        assert_eq!(seen[20..], [429, 429, 429, 429, 403, 403]);
        assert_eq!(status(&mut limits, &settings, 599_999, 1), 403);
        assert_eq!(status(&mut limits, &settings, 600_000, 1), 200);
    }
}
