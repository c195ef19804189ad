//! One day's tokens, as the answers tell them: what is left, what is held back, and when the day begins anew.
//!
//! Pipedrive names neither the time zone of the reset nor a way to ask for the balance, so both are read from the answers
//! of ordinary calls. Midnight UTC is assumed until an exhausted-budget answer names the time, or until the tokens are
//! seen to be full again. Source: Pipedrive documentation, "Rate limiting", 2026-09-17; header names are seen on live
//! accounts by several clients, not documented.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use metrics::gauge;
use serde::{Deserialize, Serialize};

use crate::telemetry;

/// The length of a day.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How often one call looks whether there are tokens again, when the day's are spent. Resets fall on full hours.
const LOOK_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How long after the full hour, for clocks that differ.
const LOOK_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// What is held back for these looks is at most this part of the day's tokens: 0.4 %.
const LOOKS_PART: u64 = 250;

/// What is held back for others whose calls may come before the next answer tells of them is at most this part: 0.5 %.
const OTHERS_PART: u64 = 200;

/// Two answers this far apart say nothing about how fast others spend at present.
const TOLD_TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// A rise by this part of the day's tokens is a reset, not answers that overtook each other.
const RISE_PART: u64 = 10;

/// What a restart must not forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// When the day's tokens are full again.
    pub resets_at: Timestamp,
    /// Whether Pipedrive told or showed this time; otherwise it is assumed.
    pub is_known: bool,
    /// Tokens left until then, and when an answer said so, where the day is spent.
    pub left: Option<(u64, Timestamp)>,
    /// Tokens that others spend in an hour.
    #[serde(default)]
    pub others_hour: u64,
    /// Until when nothing may be sent because Pipedrive's gateway blocks the token.
    pub blocked_until: Option<Timestamp>,
}

/// Why a call may not be sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hold {
    /// When to look again.
    pub(super) until: Timestamp,
    /// When the day begins anew.
    pub(super) resets_at: Timestamp,
}

/// Leave to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leave {
    /// It is the first call of a new day, which must confirm that there is one.
    pub(super) is_first_of_day: bool,
    /// The day is spent, and this call looks whether there are tokens again.
    pub(super) is_look: bool,
}

/// The day.
pub(super) struct Day {
    limit: u64,
    reserve: u64,
    /// Tokens left, calls in flight already taken off.
    remaining: u64,
    in_flight: u64,
    /// Tokens of all calls that were answered so far.
    answered: u64,
    resets_at: Timestamp,
    is_known: bool,
    /// Set while the day is spent: when the next call may look.
    next_look: Option<Timestamp>,
    /// What the last answer told, and when.
    told: Option<(u64, Timestamp)>,
    /// The most that others were seen to spend between two answers.
    others: u64,
    /// Tokens that others spend in an hour, as far as seen on this day.
    others_hour: u64,
    /// What others were seen to spend, and since when.
    seen: (u64, Timestamp),
    /// Whether it is a staging company's day.
    is_staging: bool,
}

impl Day {
    /// A day with everything left, that ends at the next midnight, UTC.
    pub(super) fn new(limit: u64, reserve: u64, now: Timestamp) -> Self {
        Self {
            limit,
            reserve,
            remaining: limit,
            in_flight: 0,
            answered: 0,
            resets_at: next_midnight(now),
            is_known: false,
            next_look: None,
            told: None,
            others: 0,
            others_hour: 0,
            seen: (0, now),
            is_staging: false,
        }
    }

    /// The day of a staging company, which the metrics tell apart.
    pub(super) fn is_of_staging(&mut self) {
        self.is_staging = true;
    }

    /// Takes up what an earlier run knew.
    pub(super) fn recall(&mut self, memory: Memory, now: Timestamp) {
        (self.resets_at, self.is_known) = (memory.resets_at, memory.is_known);
        if let (Some((left, at)), true) = (memory.left, now < self.resets_at) {
            self.remaining = left.min(self.limit);
            (self.told, self.others_hour) = (Some((left, at)), memory.others_hour);
        }
        self.pass(now);
    }

    /// Tokens that earlier runs spent on this day.
    pub(super) fn already_spent(&mut self, tokens: u64) {
        self.remaining = self.remaining.min(self.limit.saturating_sub(tokens));
    }

    pub(super) fn memory(&self) -> Memory {
        Memory {
            resets_at: self.resets_at,
            is_known: self.is_known,
            left: self.next_look.and(self.told).map(|(_, at)| (self.remaining, at)),
            others_hour: self.others_hour,
            blocked_until: None,
        }
    }

    pub(super) fn tell(&self) {
        gauge!(telemetry::TOKENS_REMAINING, telemetry::of_company(self.is_staging, &[])).set(self.remaining as f64);
    }

    /// Tokens that can still be spent today.
    pub(super) fn left(&self) -> u64 {
        self.remaining.saturating_sub(self.reserve)
    }

    /// Tokens of a whole day, and those left of it, with the reserve.
    pub(super) fn balance(&self) -> (u64, u64) {
        (self.limit, self.remaining)
    }

    pub(super) fn resets_at(&self) -> Timestamp {
        self.resets_at
    }

    /// When the running day began.
    pub(super) fn began(&self) -> Timestamp {
        self.resets_at - DAY
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered
    }

    /// Takes tokens for a call, if the day has them.
    pub(super) fn take(&mut self, cost: u64, now: Timestamp) -> Result<Leave, Hold> {
        let is_first_of_day = now >= self.resets_at;
        if is_first_of_day {
            self.remaining = self.limit.saturating_sub(self.in_flight);
            (self.next_look, self.told, self.others_hour) = (None, None, 0);
            self.pass(now);
        }
        let needed = self.reserve + cost + self.others_since_told(now);
        let may_look = self.remaining >= needed;
        let is_look = may_look && self.next_look.is_some_and(|look| now >= look);
        if !is_look && self.remaining < needed + self.held_back(cost, now) {
            let look = *self.next_look.get_or_insert_with(|| next_look(now));
            // Without tokens for a look, only the reset helps: a refused look would help nobody.
            let until = if may_look { look.min(self.resets_at) } else { self.resets_at };
            return Err(Hold { until: until.max(now), resets_at: self.resets_at });
        }
        if is_look {
            self.next_look = Some(next_look(now));
        }
        self.remaining -= cost;
        self.in_flight += cost;
        self.tell();
        Ok(Leave { is_first_of_day, is_look })
    }

    /// A call was not sent after all.
    pub(super) fn unspent(&mut self, cost: u64) {
        self.in_flight -= cost;
        self.remaining += cost;
        self.tell();
    }

    /// A call has ended; its tokens are spent.
    pub(super) fn ended(&mut self, cost: u64) {
        self.in_flight -= cost;
        self.answered += cost;
    }

    /// Takes over what an answer tells. `unseen` are tokens of calls that were answered while this one was under way.
    pub(super) fn told(&mut self, limit: Option<u64>, remaining: Option<u64>, unseen: u64, now: Timestamp) {
        let before = self.limit;
        if let Some(limit) = limit.filter(|limit| *limit > self.reserve && *limit != before) {
            tracing::info!(before, now = limit, "tokens a day learned from Pipedrive");
            self.limit = limit;
        }
        if let Some(remaining) = remaining {
            if self.limit == before {
                self.compare(remaining, unseen, now);
            }
            self.told = Some((remaining, now));
            // Calls in flight may or may not be in the figure, and so may those answered meanwhile, because answers
            // overtake each other; taking them off errs on the safe side.
            self.remaining = remaining.saturating_sub(self.in_flight + unseen);
            if self.next_look.is_some() && self.remaining >= self.reserve + self.limit / RISE_PART {
                self.next_look = None;
            }
        }
        self.tell();
    }

    /// What the change since the last answer says: a reset, or others at work.
    fn compare(&mut self, remaining: u64, unseen: u64, now: Timestamp) {
        let spent = self.remaining.saturating_sub(remaining.saturating_sub(self.in_flight)).saturating_sub(unseen);
        let Some((before, at)) = self.told else {
            // Whatever we did not spend ourselves since the day began.
            self.seen = (0, now);
            self.others_hour = self.others_hour.max(an_hour(spent, self.began(), now));
            return;
        };
        if remaining > before + self.limit / RISE_PART {
            let hour = now.round(TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Floor));
            let began = hour.ok().filter(|hour| *hour > at).unwrap_or(now);
            (self.resets_at, self.is_known) = (began + DAY, true);
            (self.others, self.others_hour, self.seen) = (0, 0, (0, now));
            tracing::info!(next = %self.resets_at, "the day's tokens are full again");
            return;
        }
        self.seen.0 += spent;
        self.others_hour = self.others_hour.max(an_hour(self.seen.0, self.seen.1, now));
        if now.duration_since(at) <= TOLD_TOGETHER {
            self.others = self.others.max(spent);
        }
    }

    /// What others may have spent since the last answer, and half as much again.
    fn others_since_told(&self, now: Timestamp) -> u64 {
        let Some((_, at)) = self.told else { return 0 };
        let since = now.duration_since(at).as_secs().max(0).unsigned_abs();
        self.others_hour * since * 3 / 2 / LOOK_EVERY.as_secs().unsigned_abs()
    }

    /// The day's budget refused a call: nothing is left until the reset, which the answer may have named.
    pub(super) fn refused(&mut self, retry_after: Option<Duration>, now: Timestamp) {
        (self.remaining, self.told) = (0, Some((0, now)));
        self.next_look.get_or_insert_with(|| next_look(now));
        let named = retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        match named.and_then(|wait| now.checked_add(wait).ok()) {
            Some(at) => (self.resets_at, self.is_known) = (at, true),
            // The day has not begun anew when it was thought to.
            None if !self.is_known && self.resets_at - now > DAY - LOOK_EVERY => self.resets_at = next_look(now),
            None => {}
        }
        self.tell();
    }

    /// For looks, of which each is a call that is to be made anyway, and for others' next calls.
    fn held_back(&self, cost: u64, now: Timestamp) -> u64 {
        // Full hours that come before the reset.
        let hours = (self.resets_at.duration_since(now).as_secs() - 1).max(0).unsigned_abs() / 3_600;
        (hours * cost).min(self.limit / LOOKS_PART) + (2 * self.others).min(self.limit / OTHERS_PART)
    }

    /// Moves the reset into the future.
    fn pass(&mut self, now: Timestamp) {
        while self.resets_at <= now {
            self.resets_at += DAY;
        }
    }
}

/// Tokens in an hour at the pace of those since `began`. A short time says too little of a pace.
fn an_hour(tokens: u64, began: Timestamp, now: Timestamp) -> u64 {
    let least = 5 * TOLD_TOGETHER.as_secs();
    let seconds = now.duration_since(began).as_secs().clamp(least, DAY.as_secs()).unsigned_abs();
    tokens * LOOK_EVERY.as_secs().unsigned_abs() / seconds
}

/// Shortly after the next full hour.
fn next_look(now: Timestamp) -> Timestamp {
    let into_hour = SignedDuration::from_secs(now.as_second().rem_euclid(LOOK_EVERY.as_secs()));
    now + (LOOK_EVERY - into_hour) + LOOK_AFTER
}

fn next_midnight(now: Timestamp) -> Timestamp {
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    today
        .tomorrow()
        .and_then(|day| day.to_datetime(Time::midnight()).to_zoned_datetime(TimeZone::UTC))
        .map_or(now + DAY, |zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a valid instant")
    }

    /// Spends all that may be spent in calls of 5, and gives how much that was.
    fn spend(day: &mut Day, now: Timestamp) -> u64 {
        let before = day.remaining;
        while day.take(5, now).is_ok() {
            day.ended(5);
        }
        before - day.remaining
    }

    #[test]
    fn at_least_99_percent_are_spent_and_the_rest_looks_for_more() {
        let mut day = Day::new(30_000, 1_000, at("2026-01-05T00:05:00Z"));
        assert_eq!(spend(&mut day, at("2026-01-05T00:05:00Z")), 29_000 - 23 * 5);
        let hold = day.take(5, at("2026-01-05T00:06:00Z")).expect_err("spent");
        assert_eq!(hold, Hold { until: at("2026-01-05T01:00:10Z"), resets_at: at("2026-01-06T00:00:00Z") });
        for hour in 1..24 {
            let now = at("2026-01-05T00:00:10Z") + SignedDuration::from_hours(hour);
            assert!(day.take(5, now).is_ok(), "one call an hour looks");
            day.ended(5);
            assert_eq!(spend(&mut day, now), 0);
        }
        assert_eq!(day.remaining, 1_000, "the reserve is kept");
        let leave = day.take(5, at("2026-01-06T00:00:00Z")).expect("a new day");
        assert!(leave.is_first_of_day);
    }

    #[test]
    fn a_reset_at_another_hour_is_seen_and_kept() {
        let mut day = Day::new(30_000, 0, at("2026-01-05T10:00:00Z"));
        spend(&mut day, at("2026-01-05T10:20:00Z"));
        day.told(None, Some(day.remaining), 0, at("2026-01-05T10:20:00Z"));
        day.told(None, Some(29_995), 0, at("2026-01-05T15:00:11Z"));
        assert_eq!((day.resets_at, day.is_known), (at("2026-01-06T15:00:00Z"), true));
        assert!(spend(&mut day, at("2026-01-05T15:01:00Z")) > 29_000);
        let memory = Memory { left: Some((0, at("2026-01-05T15:01:00Z"))), ..day.memory() };
        let mut later = Day::new(30_000, 0, at("2026-01-06T14:00:00Z"));
        later.recall(memory, at("2026-01-06T14:00:00Z"));
        assert!(later.take(5, at("2026-01-06T14:59:00Z")).is_err());
        assert!(later.take(5, at("2026-01-06T15:00:00Z")).is_ok_and(|leave| leave.is_first_of_day));
    }

    #[test]
    fn a_refusal_names_the_reset_or_it_is_looked_for_every_hour() {
        let mut day = Day::new(30_000, 0, at("2026-01-05T10:00:00Z"));
        day.refused(Some(Duration::from_secs(3_939)), at("2026-01-05T10:00:00Z"));
        assert_eq!((day.resets_at, day.is_known), (at("2026-01-05T11:05:39Z"), true));
        // Midnight UTC was a wrong guess, and the refusal does not say what is right.
        let mut day = Day::new(30_000, 0, at("2026-01-05T23:00:00Z"));
        assert!(day.take(5, at("2026-01-06T00:00:00Z")).is_ok());
        day.refused(None, at("2026-01-06T00:00:01Z"));
        assert_eq!(day.take(5, at("2026-01-06T00:10:00Z")).map_err(|hold| hold.until), Err(at("2026-01-06T01:00:10Z")));
        assert!(day.take(5, at("2026-01-06T01:00:10Z")).is_ok());
    }

    #[test]
    fn others_who_spend_are_given_room_at_the_end_of_the_day() {
        let mut day = Day::new(30_000, 0, at("2026-01-05T10:00:00Z"));
        let now = at("2026-01-05T10:00:00Z");
        day.told(None, Some(29_000), 0, now);
        assert!(day.take(5, now).is_ok());
        day.ended(5);
        day.told(None, Some(28_965), 0, now + SignedDuration::from_secs(10));
        assert_eq!(day.others, 30);
        assert_eq!(spend(&mut day, now), 28_965 - 60 - 13 * 5);
    }
}
