//! What others do in the same window: the customer's other tools, when they use the same token.
//!
//! Every answer says how many requests are left in the window, and we know how many of them are ours; the rest are
//! others'. That is known as of the answer's request, so a margin covers what may have come since, and a refusal, which
//! shows that it was too small, widens it. While nobody else is seen, nothing is held back.

use std::collections::VecDeque;
use std::time::Duration;

use super::window::WINDOW;
use crate::clock::Moment;

/// How long others are reckoned with after they were last seen for certain.
const SHARED: Duration = Duration::from_secs(30);

/// Share of the window that others are taken to use at least, as far as their next requests are concerned: those who were
/// quiet for two seconds may be back at once. Found by simulation, as are the next two.
const FLOOR_SHARE: f64 = 0.5;

/// Standard deviations of what others may send until our request arrives.
const DEVIATIONS: f64 = 1.5;

/// Requests without a refusal after which the margin becomes one smaller.
const CALM: u32 = 1_500;

/// The margin when others are first seen: a refusal to find one out costs two seconds.
const FIRST_MARGIN: u32 = 2;

/// The margin's bound, as a share of the window.
const MARGIN_SHARE: u32 = 4;

/// How long it is waited before looking again whether others left room; nobody tells when they do.
const LOOK: Duration = Duration::from_millis(10);

/// How long an answer's arrival is remembered: longer than a window, by any round trip that leaves one usable.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Answers over which the round trip is smoothed, about.
const SMOOTHING: u32 = 8;

/// A request of ours that was answered.
struct Arrived {
    number: u64,
    sent: Moment,
    answered: Moment,
}

impl Arrived {
    /// When it arrived, as far as one can tell: half-way between sending and answer.
    fn at(&self) -> Duration {
        (self.sent.elapsed() + self.answered.elapsed()) / 2
    }
}

/// What is known of others.
#[derive(Default)]
pub(super) struct Others {
    arrived: VecDeque<Arrived>,
    /// Requests of ours under way, oldest first.
    under_way: VecDeque<(u64, Moment)>,
    round_trip: Duration,
    shared_until: Option<Moment>,
    /// Requests of others in the window, as of the request that arrived at `told_at`.
    count: u32,
    told_at: Duration,
    newest: u64,
    margin: u32,
    calm: u32,
}

impl Others {
    pub(super) fn sent(&mut self, number: u64, now: Moment) {
        self.under_way.push_back((number, now));
    }

    /// A request of ours will not be answered any more.
    pub(super) fn gone(&mut self, number: u64) {
        self.under_way.retain(|(own, _)| *own != number);
    }

    /// An answer told how many requests are left of `limit`.
    pub(super) fn told(&mut self, number: u64, now: Moment, limit: u32, left: u32) {
        let Some(arrived) = self.answered(number, now) else { return };
        let at = arrived.at();
        let used = limit.saturating_sub(left);
        let certainly_others = used.saturating_sub(self.ours_at_most(arrived.sent));
        self.arrived.push_back(arrived);
        if certainly_others > 0 {
            if self.shared_until.is_none() {
                self.margin = self.margin.max(FIRST_MARGIN);
            }
            self.shared_until = Some(now + SHARED);
        }
        if number >= self.newest {
            (self.newest, self.told_at) = (number, at);
            self.count = used.saturating_sub(self.ours_before(number, at));
        }
        self.calm += 1;
        if self.calm >= CALM {
            (self.margin, self.calm) = (self.margin.saturating_sub(1), 0);
        }
    }

    /// A request of ours was refused: it does not count in the window, and the window was full.
    pub(super) fn refused(&mut self, number: u64, now: Moment, limit: u32) {
        let Some(refused) = self.answered(number, now) else { return };
        self.shared_until = Some(now + SHARED);
        self.margin = (self.margin + 1).min(limit / MARGIN_SHARE);
        self.calm = 0;
        if number >= self.newest {
            (self.newest, self.told_at) = (number, refused.at());
            self.count = limit.saturating_sub(self.ours_before(number, refused.at()));
        }
    }

    /// Whether others leave room for one more request beside `used` of ours; `Err`: not before that moment.
    pub(super) fn room(&self, now: Moment, limit: u32, used: u32) -> Result<(), Moment> {
        if self.shared_until.is_none_or(|until| until <= now) {
            return Ok(());
        }
        let age = now.elapsed().saturating_sub(self.told_at) + self.round_trip / 2;
        // All that was told about is over, and nothing of ours is there: one request finds out more.
        if used == 0 && age > WINDOW {
            return Ok(());
        }
        let rate = f64::from(self.count).max(FLOOR_SHARE * f64::from(limit)) / WINDOW.as_secs_f64();
        // Others come and go: the spread of the difference of two such streams.
        let spread = DEVIATIONS * (2.0 * rate * age.as_secs_f64()).sqrt();
        let taken = f64::from(used + self.count + self.margin) + spread;
        if taken < f64::from(limit) { Ok(()) } else { Err(now + LOOK) }
    }

    fn answered(&mut self, number: u64, now: Moment) -> Option<Arrived> {
        let place = self.under_way.iter().position(|(own, _)| *own == number)?;
        let (_, sent) = self.under_way.remove(place)?;
        let took = now.since(sent);
        self.round_trip =
            if self.round_trip.is_zero() { took } else { (self.round_trip * (SMOOTHING - 1) + took) / SMOOTHING };
        while self.arrived.front().is_some_and(|first| now.since(first.answered) > REMEMBERED) {
            self.arrived.pop_front();
        }
        Some(Arrived { number, sent, answered: now })
    }

    /// Requests of ours that the window can have held when one that was sent at `sent` arrived, itself included.
    fn ours_at_most(&self, sent: Moment) -> u32 {
        let lately = self.arrived.iter().rev().take_while(|other| other.answered + WINDOW > sent);
        count(1 + self.under_way.len() + lately.count())
    }

    /// Requests of ours that the window held when request `number` arrived, itself included, as far as one can tell.
    fn ours_before(&self, number: u64, at: Duration) -> u32 {
        let lately = self.arrived.iter().filter(|other| other.number <= number && other.at() + WINDOW > at);
        count(lately.count() + self.under_way.iter().filter(|(other, _)| *other < number).count())
    }
}

fn count(requests: usize) -> u32 {
    u32::try_from(requests).unwrap_or(u32::MAX)
}
