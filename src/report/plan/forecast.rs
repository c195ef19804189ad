//! How long a number of tokens and requests takes under a plan's limits. Pure; the same arithmetic for every plan.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::Spending;
use crate::report::page::counted;

/// Seconds of a budget's day.
pub(super) const DAY_SECONDS: u64 = 86_400;

/// Seconds of an hour.
const HOUR_SECONDS: f64 = 3_600.0;

/// Days that [`Limits::curve`] draws at the most: more are no longer told apart on a page.
const POINTS_MAX: u64 = 400;

/// Milliseconds of the rolling window that [`Plan::window_requests`](crate::config::Plan::window_requests) counts in.
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
    /// Tokens a day of the account as Pipedrive's answers name them; `None`: those of the settings.
    #[serde(default)]
    pub tokens_day: Option<u64>,
    /// Tokens that the company's other tools spend on a day, evenly, as seen so far.
    #[serde(default)]
    pub others_tokens_day: u64,
}

/// Limits in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens that may be spent on a day, by us and by others.
    pub tokens_day: u64,
    /// Tokens that others spend on a day, evenly.
    pub others_tokens_day: u64,
    /// Requests in two seconds.
    pub window_requests: u64,
    /// Milliseconds from a request to its answer. A slot of the window is free again two seconds after the answer, so
    /// this is time that the window loses.
    pub round_trip_ms: u64,
    /// Requests in an hour as they go at present, where that is slower than the window.
    pub pace_requests_hour: Option<u64>,
}

impl Limits {
    /// The limits of what may be spent; `None` without limits.
    #[must_use]
    pub fn of(spending: Spending, start: Start) -> Option<Self> {
        match spending {
            Spending::Unlimited => None,
            Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day } => {
                let bought = plan.tokens_seat_day() * u64::from(seats) + top_up_tokens_day;
                Some(Self {
                    tokens_day: start.tokens_day.unwrap_or(bought).saturating_sub(reserve_tokens_day),
                    others_tokens_day: start.others_tokens_day,
                    window_requests: u64::from(plan.window_requests()),
                    round_trip_ms: start.round_trip_ms,
                    pace_requests_hour: None,
                })
            }
        }
    }

    /// Requests in a second when nothing but the window, or the present pace, holds them back.
    #[must_use]
    pub fn requests_second(&self) -> f64 {
        let window = self.window_requests.max(1) as f64 * 1_000.0 / (WINDOW_MS + self.round_trip_ms) as f64;
        self.pace_requests_hour.map_or(window, |pace| window.min(pace.max(1) as f64 / HOUR_SECONDS))
    }

    /// How the work goes on from a start where `left` tokens remain for `until_reset` seconds; `None` when it never ends.
    ///
    /// Tokens are spent as fast as the window of requests allows until the day's are gone, while others spend theirs
    /// evenly over the day; then the work waits for the next day. Whole days are alike, so they are counted, not walked.
    fn course(&self, effort: Effort, left: u64, until_reset: u64) -> Option<Course> {
        // Floats: these are times, and far from exact to the second. u64 tokens up to 2^53 are exact.
        let all = effort.tokens as f64;
        let rate = self.requests_second() * all / effort.requests.max(1) as f64;
        let others = self.others_tokens_day as f64 / DAY_SECONDS as f64;
        // Seconds of work until a day's tokens are gone, or the day is over; and what is spent in them.
        let day = |left: f64, seconds: f64| {
            let works = seconds.min(left / (rate + others).max(f64::MIN_POSITIVE));
            (works, works * rate)
        };
        if effort.tokens == 0 {
            return Some(Course { today: (0.0, 0.0), whole_days: 0, each_day: (0.0, 0.0), last: 0.0 });
        }
        let (works, spent) = day(left as f64, until_reset as f64);
        // A thousandth of a token is rounding, not work that waits for another day.
        if all <= spent + 0.001 {
            return Some(Course { today: (all / rate, all), whole_days: 0, each_day: (0.0, 0.0), last: 0.0 });
        }
        let each_day = day(self.tokens_day as f64, DAY_SECONDS as f64);
        let rest = all - spent;
        if each_day.1 < 1.0 {
            return None;
        }
        // The last day is not waited out.
        let whole_days = ((rest - 0.001) / each_day.1).ceil() as u64 - 1;
        let last = (rest - whole_days as f64 * each_day.1) / rate;
        Some(Course { today: (works, spent), whole_days, each_day, last })
    }

    /// Seconds until the work is done, from a start where `left` tokens remain for `until_reset` seconds; `None` when the
    /// limits leave nothing for it.
    #[must_use]
    pub fn seconds(&self, effort: Effort, left: u64, until_reset: u64) -> Option<u64> {
        let course = self.course(effort, left, until_reset)?;
        let work = if course.last > 0.0 {
            let whole = course.whole_days.saturating_mul(DAY_SECONDS).saturating_add(until_reset);
            whole.saturating_add(course.last.ceil() as u64)
        } else {
            course.today.0.ceil() as u64
        };
        Some(work.saturating_add(effort.seconds))
    }

    /// Tokens spent as time passes: pairs of seconds and tokens, ascending and even in between, at most 400 days of them.
    /// Empty when the limits leave nothing for the work.
    #[must_use]
    pub fn curve(&self, effort: Effort, left: u64, until_reset: u64) -> Vec<(u64, u64)> {
        let Some(course) = self.course(effort, left, until_reset) else { return Vec::new() };
        let (all, reset, day) = (effort.tokens as f64, until_reset as f64, DAY_SECONDS as f64);
        let mut points = vec![(0.0, 0.0), course.today];
        if course.last > 0.0 {
            points.push((reset, course.today.1));
            for number in 0..course.whole_days.min(POINTS_MAX) {
                let (begins, spent) = (reset + number as f64 * day, course.today.1 + number as f64 * course.each_day.1);
                points.push((begins + course.each_day.0, spent + course.each_day.1));
                points.push((begins + day, spent + course.each_day.1));
            }
            if course.whole_days <= POINTS_MAX {
                points.push((reset + course.whole_days as f64 * day + course.last, all));
            }
        }
        points.into_iter().map(|(at, spent)| (at.ceil() as u64, spent.round() as u64)).collect()
    }
}

/// How work goes on: seconds of work and tokens of the first day and of each whole one, and seconds on the last one,
/// zero when the first day is enough.
struct Course {
    today: (f64, f64),
    whole_days: u64,
    each_day: (f64, f64),
    last: f64,
}

/// When the work will be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// From where it was counted.
    pub start: Start,
    /// Seconds from the start to the end; `None` without limits, and where the limits leave nothing to spend.
    pub seconds: Option<u64>,
    /// Days of the budget that are used, counting begun ones; `None` as for `seconds`.
    pub days: Option<u64>,
    /// The end, UTC; `None` as for `seconds`, or when it is centuries away.
    pub finishes_at: Option<Timestamp>,
}

impl Schedule {
    /// When work that begins at `start` will be done.
    #[must_use]
    pub fn of(effort: Effort, spending: Spending, start: Start) -> Self {
        Limits::of(spending, start).map_or_else(|| Self::never(start), |limits| Self::under(limits, effort, start))
    }

    /// The same under limits that are known.
    #[must_use]
    pub fn under(limits: Limits, effort: Effort, start: Start) -> Self {
        let until_reset = start.until_reset();
        let left = start.tokens_left.unwrap_or(limits.tokens_day);
        let Some(seconds) = limits.seconds(effort, left, until_reset) else { return Self::never(start) };
        let after_reset = seconds.saturating_sub(until_reset);
        let finish = i64::try_from(seconds).ok().map(SignedDuration::from_secs);
        Self {
            start,
            seconds: Some(seconds),
            days: Some(1 + after_reset.div_ceil(DAY_SECONDS)),
            finishes_at: finish.and_then(|finish| start.at.checked_add(finish).ok()),
        }
    }

    fn never(start: Start) -> Self {
        Self { start, seconds: None, days: None, finishes_at: None }
    }
}

impl Start {
    /// Seconds until the day's budget is full again.
    #[must_use]
    pub fn until_reset(&self) -> u64 {
        u64::try_from(self.budget_resets_at.duration_since(self.at).as_secs()).unwrap_or(0)
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
    use crate::config::Plan;

    /// Growth with 5 seats: 300,000 tokens a day, 40 requests in two seconds.
    const GROWTH: Limits = Limits {
        tokens_day: 300_000,
        others_tokens_day: 0,
        window_requests: 40,
        round_trip_ms: 0,
        pace_requests_hour: None,
    };

    fn creates(requests: u64) -> Effort {
        Effort { requests, tokens: requests * 5, seconds: 0 }
    }

    #[test]
    fn the_day_budget_decides_long_work_and_the_window_short_work() {
        let check = |requests: u64, left: u64, until_reset: u64, expected: u64| {
            assert_eq!(GROWTH.seconds(creates(requests), left, until_reset), Some(expected), "{requests} requests");
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
        // Ages are no reason to overflow.
        assert!(GROWTH.seconds(creates(u64::MAX / 10), 300_000, 1_000).is_some_and(|seconds| seconds > 1 << 60));
    }

    #[test]
    fn others_spend_while_we_do() {
        // 100 tokens a second of ours and 1 of others: of each 101, 100 are ours.
        let shared = Limits { others_tokens_day: 86_400, ..GROWTH };
        let ours = 300_000 * 100 / 101;
        assert_eq!(shared.seconds(creates(ours / 5), 300_000, 86_400), Some(2_971));
        assert_eq!(shared.seconds(creates(ours / 5 + 1), 300_000, 86_400), Some(86_401));
        // Others who take more than there is leave us our share of it all the same: who asks first is served.
        let crowded = Limits { others_tokens_day: 86_400 * 100, ..GROWTH };
        assert_eq!(crowded.seconds(creates(30_000), 300_000, 86_400), Some(1_500));
        assert_eq!(crowded.seconds(creates(30_001), 300_000, 86_400), Some(86_401));
        // Nothing is left of any day.
        let nothing = Limits { tokens_day: 0, ..GROWTH };
        assert_eq!((nothing.seconds(creates(1), 0, 60), nothing.seconds(creates(1), 5, 60)), (None, Some(1)));
    }

    #[test]
    fn the_pace_counts_where_it_is_slower_than_the_window() {
        let paced = |pace| Limits { pace_requests_hour: Some(pace), ..GROWTH }.seconds(creates(3_600), 300_000, 86_400);
        assert_eq!((paced(36_000), paced(1_000_000), paced(0)), (Some(360), Some(180), Some(3_600 * 3_600)));
    }

    #[test]
    fn the_curve_ends_with_everything_spent_when_the_schedule_says() {
        let check = |requests: u64, left: u64, until_reset: u64, points: usize| {
            let effort = creates(requests);
            let curve = GROWTH.curve(effort, left, until_reset);
            assert_eq!(curve.len(), points, "{curve:?}");
            assert!(curve.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1), "{curve:?}");
            let end = curve.last().copied().unwrap_or_default();
            assert_eq!((Some(end.0), end.1), (GROWTH.seconds(effort, left, until_reset), effort.tokens));
        };
        check(1_000, 300_000, 86_400, 2);
        check(150_000, 300_000, 7_200, 6);
        check(150_000, 0, 7_200, 8);
        assert_eq!(GROWTH.curve(creates(60_000 * 1_000), 300_000, 7_200).len(), 3 + 2 * 400);
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
            tokens_day: None,
            others_tokens_day: 0,
        };
        let spending =
            Spending::Planned { plan: Plan::Growth, seats: 5, top_up_tokens_day: 0, reserve_tokens_day: 100_000 };
        let schedule = Schedule::of(Effort { requests: 50_000, tokens: 250_000, seconds: 0 }, spending, start);
        assert_eq!((schedule.days, schedule.seconds), (Some(2), Some(14_400 + 1_500)));
        assert_eq!(schedule.finishes_at.map(|at| at.to_string()), Some("2026-11-24T00:25:00Z".to_owned()));
        // Pipedrive knows better than the settings how much there is.
        let learned = Start { tokens_day: Some(500_000), ..start };
        let more = Schedule::of(Effort { requests: 100_000, tokens: 500_000, seconds: 0 }, spending, learned);
        assert_eq!(more.days, Some(2));
        let unlimited = Schedule::of(Effort::default(), Spending::Unlimited, start);
        assert_eq!((unlimited.seconds, unlimited.finishes_at), (None, None));
    }
}
