//! How many calls may be in flight: as many as Pipedrive bears without becoming slower.
//!
//! Pipedrive slows callers down without saying so. More calls in flight would then only wait longer (Little's law), so
//! the number falls by a tenth while answers take clearly longer than they did, and rises by one while they do not and
//! all of it is used: additive increase, multiplicative decrease. The idea and the proportions are those of Vector's
//! adaptive request concurrency (its article of 2020-09-18).

use std::time::Duration;

use metrics::gauge;

use crate::clock::Moment;
use crate::telemetry;

/// Weight of the newest span in what is taken for usual.
const NEWEST: f64 = 0.4;

/// Standard deviations above the usual that count as slower.
const DEVIATIONS: f64 = 2.5;

/// Less than this above the usual is never slower: pages differ from single records.
const SLOWER: f64 = 0.1;

/// What remains of the number when answers are slower.
const DECREASE: f64 = 0.9;

/// A span over which answers are taken together is at least this long and has at least so many.
const SPAN: Duration = Duration::from_secs(1);
const ANSWERS: u32 = 8;

/// Never fewer than this: the number could not be seen to be too small otherwise.
const LEAST: f64 = 2.0;

/// The number, and what it is judged by.
pub(super) struct Concurrency {
    most: f64,
    now: f64,
    /// Mean and deviation of earlier spans, in seconds.
    usual: Option<(f64, f64)>,
    began: Option<Moment>,
    answers: u32,
    seconds: f64,
    was_used_up: bool,
    is_slower: bool,
}

impl Concurrency {
    /// At most so many; begins there, because the window of requests paces the start.
    pub(super) fn new(most: usize) -> Self {
        let most = (most as f64).max(LEAST);
        let idle = Self {
            most,
            now: most,
            usual: None,
            began: None,
            answers: 0,
            seconds: 0.0,
            was_used_up: false,
            is_slower: false,
        };
        idle.tell();
        idle
    }

    /// Whether one more call may be in flight beside so many.
    pub(super) fn admits(&mut self, in_flight: u32) -> bool {
        let admits = f64::from(in_flight) < self.now.floor();
        self.was_used_up |= !admits;
        admits
    }

    /// Whether answers are slower than usual at present.
    pub(super) fn is_slower(&self) -> bool {
        self.is_slower
    }

    /// Takes an answer into account.
    pub(super) fn answered(&mut self, now: Moment, took: Duration) {
        let began = *self.began.get_or_insert(now);
        self.answers += 1;
        self.seconds += took.as_secs_f64();
        if now.since(began) < SPAN || self.answers < ANSWERS {
            return;
        }
        let mean = self.seconds / f64::from(self.answers);
        self.judge(mean);
        (self.began, self.answers, self.seconds, self.was_used_up) = (Some(now), 0, 0.0, false);
    }

    fn judge(&mut self, mean: f64) {
        let Some((usual, deviation)) = self.usual else {
            self.usual = Some((mean, 0.0));
            return;
        };
        let is_slower = mean > usual + (DEVIATIONS * deviation).max(SLOWER);
        if is_slower {
            self.now = (self.now * DECREASE).max(LEAST);
        } else if self.was_used_up {
            self.now = (self.now + 1.0).min(self.most);
        }
        if is_slower && !self.is_slower {
            tracing::warn!(
                usual_seconds = usual,
                seconds = mean,
                calls_in_flight = self.now.floor(),
                "Pipedrive answers more slowly and does not say why; fewer calls at a time"
            );
        }
        self.is_slower = is_slower;
        let off = mean - usual;
        self.usual = Some((usual + NEWEST * off, deviation + NEWEST * (off.abs() - deviation)));
        self.tell();
    }

    fn tell(&self) {
        gauge!(telemetry::CALLS_IN_FLIGHT_LIMIT).set(self.now.floor());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets answers come for some seconds, each after `took`, with all calls used, and gives the number at the end.
    fn after(concurrency: &mut Concurrency, from: u64, seconds: u64, took: Duration) -> f64 {
        for tenth in from * 10..(from + seconds) * 10 {
            let in_flight = concurrency.now as u32;
            assert!(!concurrency.admits(in_flight));
            concurrency.answered(Moment::default() + Duration::from_millis(tenth * 100), took);
        }
        concurrency.now
    }

    #[test]
    fn it_falls_while_answers_become_slower_and_rises_again() {
        let mut concurrency = Concurrency::new(40);
        let fast = Duration::from_millis(50);
        assert!((after(&mut concurrency, 0, 10, fast) - 40.0).abs() < f64::EPSILON, "as many as allowed");
        let slow = after(&mut concurrency, 10, 3, Duration::from_secs(1));
        assert!(slow < 40.0, "{slow}: it did not fall");
        assert!(concurrency.admits(0) && !concurrency.admits(40));
        let again = after(&mut concurrency, 13, 40, fast);
        assert!(again > slow, "{again} after {slow}: it did not rise again");
    }

    #[test]
    fn pages_that_take_a_little_longer_than_records_change_nothing() {
        let mut concurrency = Concurrency::new(40);
        for span in 0..20 {
            after(&mut concurrency, span, 1, Duration::from_millis(20 + 60 * (span % 2)));
        }
        assert!((concurrency.now - 40.0).abs() < f64::EPSILON, "{}", concurrency.now);
    }
}
