//! How long a number of tokens and requests takes under a plan's limits. Pure; the same arithmetic for every plan.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::{Plan, Spending};
use crate::report::page::counted;

/// Seconds of a budget's day.
const DAY_SECONDS: u64 = 86_400;

/// Milliseconds of the rolling window that [`Plan::window_requests`] counts in.
const WINDOW_MS: u64 = 2_000;

/// What is to be done: tokens and requests, and time that passes beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Effort {
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
    /// Seconds that pass without a request to Pipedrive, such as reading the source at its pace.
    pub seconds: u64,
}

impl Effort {
    /// What is left of it when so many tokens are spent: the same share of everything.
    #[must_use]
    pub fn after(self, spent: u64) -> Self {
        let left = self.tokens.saturating_sub(spent);
        let share = |all: u64| {
            let share = u128::from(all) * u128::from(left) / u128::from(self.tokens.max(1));
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        Self { requests: share(self.requests), tokens: left, seconds: share(self.seconds) }
    }

    /// What is left without a part of it.
    #[must_use]
    pub fn less(self, part: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(part.requests),
            tokens: self.tokens.saturating_sub(part.tokens),
            seconds: self.seconds.saturating_sub(part.seconds),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            tokens: self.tokens + other.tokens,
            seconds: self.seconds + other.seconds,
        }
    }
}

/// From where a forecast counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// When the work begins, UTC.
    pub at: Timestamp,
    /// When the day's budget is next full again, UTC.
    pub budget_resets_at: Timestamp,
    /// Tokens that may still be spent until then; `None`: a whole day's.
    pub tokens_left: Option<u64>,
    /// Milliseconds that Pipedrive takes for an answer, as seen so far.
    pub round_trip_ms: u64,
}

/// Limits in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens that may be spent on a day.
    pub tokens_day: u64,
    /// Requests in two seconds.
    pub window_requests: u64,
    /// Milliseconds from a request to its answer. A slot of the window is free again two seconds after the answer, so
    /// this is time that the window loses.
    pub round_trip_ms: u64,
}

impl Limits {
    /// The limits of what may be spent; `None` without limits.
    #[must_use]
    pub fn of(spending: Spending, round_trip_ms: u64) -> Option<Self> {
        match spending {
            Spending::Unlimited => None,
            Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day } => {
                let bought = plan.tokens_seat_day() * u64::from(seats) + top_up_tokens_day;
                Some(Self {
                    tokens_day: bought.saturating_sub(reserve_tokens_day),
                    window_requests: u64::from(plan.window_requests()),
                    round_trip_ms,
                })
            }
        }
    }

    /// The limits of a plan with a number of seats.
    #[must_use]
    pub fn plan(plan: Plan, seats: u32, round_trip_ms: u64) -> Self {
        Self {
            tokens_day: plan.tokens_seat_day() * u64::from(seats),
            window_requests: u64::from(plan.window_requests()),
            round_trip_ms,
        }
    }

    /// Seconds until the work is done, from a start where `left` tokens remain for `until_reset` seconds.
    ///
    /// Tokens are spent as fast as the window of requests allows until the day's are gone; then the work waits for the
    /// next day.
    #[must_use]
    pub fn seconds(&self, effort: Effort, left: u64, until_reset: u64) -> u64 {
        let window_ms = u128::from(WINDOW_MS + self.round_trip_ms);
        // Time that a share of the tokens takes, their requests evenly spread. u128: tokens × requests may be large.
        let burst = |tokens: u64| -> u64 {
            let paced = u128::from(tokens) * u128::from(effort.requests) * window_ms;
            let by = u128::from(effort.tokens.max(1)) * u128::from(self.window_requests.max(1)) * 1_000;
            u64::try_from(paced.div_ceil(by)).unwrap_or(u64::MAX)
        };
        let spent_in = |seconds: u64| -> u64 {
            let spent = u128::from(seconds) * 1_000 * u128::from(self.window_requests) * u128::from(effort.tokens);
            let by = u128::from(effort.requests.max(1)) * window_ms;
            u64::try_from(spent / by).unwrap_or(u64::MAX)
        };
        let today = left.min(spent_in(until_reset));
        let work = if effort.tokens <= today {
            burst(effort.tokens)
        } else {
            let rest = effort.tokens - today;
            let each_day = self.tokens_day.min(spent_in(DAY_SECONDS)).max(1);
            // The last day is not waited out.
            let whole_days = (rest - 1) / each_day;
            until_reset
                .saturating_add(whole_days.saturating_mul(DAY_SECONDS))
                .saturating_add(burst(rest - whole_days * each_day))
        };
        work.saturating_add(effort.seconds)
    }
}

/// When the work will be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// From where it was counted.
    pub start: Start,
    /// Seconds from the start to the end; `None` without limits.
    pub seconds: Option<u64>,
    /// Days of the budget that are used, counting begun ones; `None` without limits.
    pub days: Option<u64>,
    /// The end, UTC; `None` without limits, or when it is centuries away.
    pub finishes_at: Option<Timestamp>,
}

impl Schedule {
    /// When work that begins at `start` will be done.
    #[must_use]
    pub fn of(effort: Effort, spending: Spending, start: Start) -> Self {
        let Some(limits) = Limits::of(spending, start.round_trip_ms) else {
            return Self { start, seconds: None, days: None, finishes_at: None };
        };
        let until_reset = u64::try_from(start.budget_resets_at.duration_since(start.at).as_secs()).unwrap_or(0);
        let left = start.tokens_left.unwrap_or(limits.tokens_day);
        let seconds = limits.seconds(effort, left, until_reset);
        let after_reset = seconds.saturating_sub(until_reset);
        let finish = i64::try_from(seconds).ok().map(SignedDuration::from_secs);
        Self {
            start,
            seconds: Some(seconds),
            days: Some(1 + after_reset.div_ceil(DAY_SECONDS)),
            finishes_at: finish.and_then(|finish| start.at.checked_add(finish).ok()),
        }
    }
}

/// A time span in the two units that matter: `3 days 4 h`, `2 h 5 min`, `40 s`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / DAY_SECONDS, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) if minutes < 10 && !seconds.is_multiple_of(60) => format!("{minutes} min {} s", seconds % 60),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) if days < 10 => counted(days, "day", "days"),
        (days, hours, _) if days < 10 => format!("{} {hours} h", counted(days, "day", "days")),
        _ => whole_days(seconds),
    }
}

/// As [`span`], but with begun days counted as whole ones.
#[must_use]
pub fn whole_days(seconds: u64) -> String {
    if seconds < DAY_SECONDS { span(seconds) } else { counted(seconds.div_ceil(DAY_SECONDS), "day", "days") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_budget_decides_long_work_and_the_window_short_work() {
        // Growth with 5 seats: 300,000 tokens a day, 40 requests in two seconds.
        let limits = Limits::plan(Plan::Growth, 5, 0);
        let check = |requests: u64, left: u64, until_reset: u64, expected: u64| {
            let effort = Effort { requests, tokens: requests * 5, seconds: 0 };
            assert_eq!(limits.seconds(effort, left, until_reset), expected, "{requests} requests");
        };
        check(0, 300_000, 3_600, 0);
        check(1_000, 300_000, 86_400, 50);
        // Exactly one day's tokens: 60,000 requests at 20 a second.
        check(60_000, 300_000, 86_400, 3_000);
        // One more has to wait for the next day.
        check(60_001, 300_000, 86_400, 86_401);
        // Two days and a half: rest of today, one whole day, half a day's tokens.
        check(150_000, 300_000, 7_200, 7_200 + 86_400 + 1_500);
        // The reset comes before the window lets today's tokens through.
        check(60_000, 300_000, 1_000, 1_000 + 2_000);
    }

    #[test]
    fn spans_read_well() {
        let check = |seconds: u64, expected: &str| assert_eq!(span(seconds), expected);
        check(0, "0 s");
        check(59, "59 s");
        check(90, "1 min 30 s");
        check(3_000, "50 min");
        check(7_500, "2 h 5 min");
        check(86_400, "1 day");
        check(273_600, "3 days 4 h");
        check(864_000 + 4_000, "11 days");
        assert_eq!(
            (whole_days(86_401), whole_days(86_400), whole_days(7_500)),
            ("2 days".into(), "1 day".into(), "2 h 5 min".into())
        );
    }

    #[test]
    fn a_schedule_counts_begun_days() {
        let at: Timestamp = "2026-11-23T20:00:00Z".parse().expect("a time");
        let start = Start {
            at,
            budget_resets_at: "2026-11-24T00:00:00Z".parse().expect("a time"),
            tokens_left: Some(100_000),
            round_trip_ms: 0,
        };
        let spending =
            Spending::Planned { plan: Plan::Growth, seats: 5, top_up_tokens_day: 0, reserve_tokens_day: 100_000 };
        let schedule = Schedule::of(Effort { requests: 50_000, tokens: 250_000, seconds: 0 }, spending, start);
        assert_eq!((schedule.days, schedule.seconds), (Some(2), Some(14_400 + 1_500)));
        assert_eq!(schedule.finishes_at.map(|at| at.to_string()), Some("2026-11-24T00:25:00Z".to_owned()));
        let unlimited = Schedule::of(Effort::default(), Spending::Unlimited, start);
        assert_eq!((unlimited.seconds, unlimited.finishes_at), (None, None));
    }
}
