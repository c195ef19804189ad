//! Limits of the pace, and how too many requests are told about them (section 6).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::choices::*;
use super::errors::{Fault, is_proper};
use super::reply::Reply;
use super::shape::Shape;
use crate::clock::Moment;

/// Requests of a minute that an API which slows down answers at once.
const QUICK: u32 = 60;

/// What each further one waits longer, and the longest wait.
const SLOWER: Duration = Duration::from_millis(250);
const SLOWEST: Duration = Duration::from_secs(9);

/// Requests that may be open at once where that is limited.
const AT_ONCE: u32 = 2;

/// How long metered reads are counted.
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// Counts requests in windows that begin with their first one.
pub(super) struct Limiter {
    start: Moment,
    used: u32,
    in_flight: u32,
    pub(super) most_in_flight: u32,
    pub(super) refused: u64,
}

/// What becomes of a request.
pub(super) enum Pace {
    /// It may go on; its answer is held for so long, and carries these headers.
    Pass(Duration, Vec<(&'static str, String)>),
    /// It is one too many.
    Over(Reply),
}

impl Limiter {
    pub(super) fn new(now: Moment) -> Self {
        Self { start: now, used: 0, in_flight: 0, most_in_flight: 0, refused: 0 }
    }

    /// Counts a request that came.
    pub(super) fn begin(&mut self) {
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
    }

    /// Counts a request that was answered.
    pub(super) fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Counts a request of the API against its limit.
    pub(super) fn pace(&mut self, shape: &Shape, now: Moment, at: Timestamp) -> Pace {
        let (most, span) = match shape.window {
            Window::Minute => (120, Duration::from_secs(60)),
            Window::Second => (5, Duration::from_secs(1)),
            Window::Slow => (30, Duration::from_secs(60)),
            Window::Day => (2_000, Duration::from_secs(86_400)),
            Window::Credits => (1_000, MONTH),
            Window::SlowDown => (u32::MAX, Duration::from_secs(60)),
            Window::Concurrent if self.in_flight > AT_ONCE => {
                self.refused += 1;
                return Pace::Over(over(shape, Duration::from_secs(1), at, (AT_ONCE, 0)));
            }
            Window::Concurrent | Window::None => return Pace::Pass(Duration::ZERO, Vec::new()),
        };
        if now.since(self.start) >= span {
            (self.start, self.used) = (now, 0);
        }
        let wait = span.saturating_sub(now.since(self.start));
        if self.used >= most {
            self.refused += 1;
            return Pace::Over(over(shape, wait, at, (most, 0)));
        }
        self.used += 1;
        if shape.window == Window::SlowDown {
            let late = SLOWER.saturating_mul(self.used.saturating_sub(QUICK)).min(SLOWEST);
            return Pace::Pass(late, Vec::new());
        }
        let left = most - self.used;
        let headers = match (shape.window, shape.limits) {
            (Window::Credits, _) => vec![("x-credits-remaining", left.to_string())],
            (_, Limits::Headers) => state(shape, wait, at, (most, left)),
            _ => Vec::new(),
        };
        Pace::Pass(Duration::ZERO, headers)
    }
}

/// The answer to one request too many.
fn over(shape: &Shape, wait: Duration, at: Timestamp, count: (u32, u32)) -> Reply {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    let fault = |status: u16, message: String| Fault::new(status, "rate_limited", message);
    let plain = || "Too many requests.".to_owned();
    if shape.window == Window::Credits {
        return strict(shape, &Fault::new(403, "credits_used_up", "The month's credits are used up: access is off."));
    }
    let worded = || format!("Rate limit exceeded, retry in {seconds} seconds.");
    match shape.limits {
        Limits::Silent => strict(shape, &fault(429, plain())),
        Limits::RetryAfter => strict(shape, &fault(429, plain())).header("retry-after", seconds.to_string()),
        Limits::RetryDate => strict(shape, &fault(429, plain())).header("retry-after", http_date(later(at, wait))),
        Limits::Headers => {
            let mut reply = strict(shape, &fault(429, plain()));
            reply.headers.extend(state(shape, wait, at, count));
            reply
        }
        Limits::Unavailable => strict(shape, &fault(503, plain())),
        Limits::Body if is_proper(shape.errors) => Reply { status: 200, ..fault(429, worded()).reply(shape) },
        Limits::Body => fault(429, worded()).reply(shape),
        Limits::Forbidden => strict(shape, &fault(403, worded())),
        Limits::BadRequest => strict(shape, &fault(400, worded())),
        Limits::Words => strict(shape, &fault(429, worded())),
    }
}

/// With its own status also where other errors come with 200: gateways count, not applications.
fn strict(shape: &Shape, fault: &Fault) -> Reply {
    Reply { status: fault.status, ..fault.reply(shape) }
}

/// The headers that tell where the window stands: limit, left, reset.
fn state(shape: &Shape, wait: Duration, at: Timestamp, (most, left): (u32, u32)) -> Vec<(&'static str, String)> {
    let seconds = wait.as_millis().div_ceil(1_000).max(1).to_string();
    let then = later(at, wait);
    let epoch = then.as_second() + i64::from(then.subsec_nanosecond() > 0);
    let (name, reset) = match shape.reset {
        Reset::Epoch => ("x-ratelimit-reset", epoch.to_string()),
        Reset::Seconds => ("x-ratelimit-reset", seconds),
        Reset::EpochMs => ("x-ratelimit-reset", then.as_millisecond().to_string()),
        Reset::Iso => ("x-ratelimit-reset", then.to_string()),
        Reset::HttpDate => ("x-ratelimit-reset", http_date(then)),
        Reset::Dashed => ("x-rate-limit-reset", epoch.to_string()),
        Reset::Plain => ("ratelimit-reset", seconds),
        Reset::Vendor => ("x-promox-quota-resets-in", seconds),
    };
    let (limit, remaining) = match shape.reset {
        Reset::Dashed => ("x-rate-limit-limit", "x-rate-limit-remaining"),
        Reset::Plain => ("ratelimit-limit", "ratelimit-remaining"),
        _ => ("x-ratelimit-limit", "x-ratelimit-remaining"),
    };
    vec![(limit, most.to_string()), (remaining, left.to_string()), (name, reset)]
}

fn later(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(at)
}

/// A moment as HTTP writes it (RFC 9110, section 5.6.7), not before it.
pub(super) fn http_date(at: Timestamp) -> String {
    let whole = Timestamp::from_second(at.as_second() + i64::from(at.subsec_nanosecond() > 0)).unwrap_or(at);
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&whole).unwrap_or_default()
}
