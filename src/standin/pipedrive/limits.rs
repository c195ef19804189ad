//! The two limits of the API: requests of a token in a rolling window of two seconds, and tokens of the company per day.
//!
//! Numbers and headers: document "Rate limiting" and fact sheet 1.4, 1.5. Where no document says: refused requests are not
//! counted in the window, a request that costs more than what is left of the day is refused, and a token that collects
//! too many 429 within a minute is blocked for a while.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::envelope::{self, Answer};
use super::settings::Settings;
use crate::clock::Moment;

/// Length of the rolling window ("Rate limiting").
const WINDOW: Duration = Duration::from_secs(2);

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
}

#[derive(Debug, Default)]
struct Window {
    /// When the requests that still count arrived.
    arrivals: VecDeque<Moment>,
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
    pub(super) daily_limit: u64,
    pub(super) daily_remaining: u64,
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
        cost: u64,
    ) -> Result<(), Answer> {
        if settings.unlimited {
            return Ok(());
        }
        self.turn_day(settings, arrival.at);
        let left = settings.daily_tokens().saturating_sub(self.spent);
        let window = self.windows.entry(who).or_default();
        let now = arrival.moment;
        window.forget(now);
        if window.blocked_until.is_some_and(|until| now < until) {
            return Err(envelope::blocked());
        }
        let answer = if cost > left {
            envelope::over_budget(seconds_to_reset(settings, arrival.at))
        } else if window.arrivals.len() >= limit(settings, who) {
            envelope::over_window()
        } else {
            window.arrivals.push_back(now);
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

    /// What an answer says; `None` when nothing is limited.
    pub(super) fn headers(&mut self, settings: &Settings, who: Credential, arrival: Arrival) -> Option<Headers> {
        if settings.unlimited {
            return None;
        }
        self.turn_day(settings, arrival.at);
        let window = self.windows.entry(who).or_default();
        let (limit, used) = (limit(settings, who), window.arrivals.len());
        let oldest = window.arrivals.front().map_or(Duration::ZERO, |first| arrival.moment.since(*first));
        Some(Headers {
            window_limit: limit as u64,
            window_remaining: limit.saturating_sub(used) as u64,
            window_reset: WINDOW.saturating_sub(oldest).as_millis().div_ceil(1000) as u64,
            daily_limit: settings.daily_tokens(),
            daily_remaining: settings.daily_tokens().saturating_sub(self.spent),
        })
    }

    fn turn_day(&mut self, settings: &Settings, at: Timestamp) {
        let day = local_second(settings, at).div_euclid(DAY_SECONDS);
        if day != self.day {
            (self.day, self.spent) = (day, 0);
        }
    }
}

impl Window {
    fn forget(&mut self, now: Moment) {
        while self.arrivals.front().is_some_and(|first| now.since(*first) >= WINDOW) {
            self.arrivals.pop_front();
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
        limits.admit(settings, USER, arrival(ms), cost).map_or_else(|answer| answer.status, |()| 200)
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
        let headers = limits.headers(&settings, USER, arrival(2_010)).expect("limits");
        assert_eq!((headers.window_limit, headers.window_remaining, headers.window_reset), (20, 0, 1));
        let app = limits.admit(&settings, Credential::OAuth(1), arrival(2_010), 1);
        assert!(app.is_ok(), "an app has a window of its own");
    }

    #[test]
    fn the_day_ends_with_a_hint_and_begins_anew() {
        let settings = Settings { plan: Plan::Lite, seats: 1, ..Settings::default() };
        let mut limits = Limits::default();
        limits.charge(&settings, arrival(0).at, 29_996);
        assert_eq!(status(&mut limits, &settings, 0, 4), 200);
        let refused = limits.admit(&settings, USER, arrival(1_000), 5).expect_err("the day is used up");
        assert_eq!((refused.status, refused.retry_after), (429, Some(3_599)));
        assert_eq!(status(&mut limits, &settings, 3_600_000, 5), 200);
        let headers = limits.headers(&settings, USER, arrival(3_600_000)).expect("limits");
        assert_eq!(headers.daily_remaining, 30_000);
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
