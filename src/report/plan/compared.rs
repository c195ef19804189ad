//! What other plans, seats and reserves would mean for the same load, and how the day's tokens run out and come back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::PlanInput;
use super::caps::{Need, SOLD_TODAY};
use super::forecast::{Effort, Limits, Schedule, Start};
use crate::config::{Plan as Tariff, Spending};

/// Seats that the comparison of plans shows, beside the account's own number.
const SEATS_COMPARED: [u32; 5] = [1, 3, 5, 10, 25];

/// Other plans are drawn until this many times the account's own time, or the own line would be a stroke.
const DRAWN_TIMES: u64 = 2;

/// How long the same work takes on one plan with some numbers of seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The plan.
    pub plan: Tariff,
    /// Tokens of one seat on one day.
    pub tokens_seat_day: u64,
    /// By number of seats.
    pub seats: BTreeMap<u32, Ends>,
}

/// When work would be done on one plan with one number of seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ends {
    /// Seconds from now; `None` when what is kept back leaves nothing to spend.
    pub seconds: Option<u64>,
    /// Days of the budget, counting begun ones.
    pub days: Option<u64>,
    /// The end, UTC.
    pub finishes_at: Option<Timestamp>,
    /// Whether the data fits into the plan's limits.
    pub fits: bool,
}

/// Tokens over time on one plan: what the chart draws.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Curve {
    /// The plan, with the account's seats.
    pub plan: Tariff,
    /// Whether it is the account's own.
    pub own: bool,
    /// Seconds and tokens spent by then, ascending; even in between.
    pub points: Vec<(u64, u64)>,
}

/// What keeping tokens back costs in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reserve {
    /// Tokens a day that are never touched.
    pub tokens_day: u64,
    /// When the load would be done without it.
    pub without: Schedule,
    /// Tokens that the company's other tools spend on a day, as seen so far.
    pub others_tokens_day: u64,
}

/// What may be spent, as reports show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Allowance {
    /// The plan; `None` without limits.
    pub plan: Option<Tariff>,
    /// Paid seats; 0 without limits.
    pub seats: u32,
    /// Tokens that the migration may spend on a day; `None` without limits.
    pub tokens_day: Option<u64>,
}

/// How long the same work takes on every plan, begun at the same moment, with the same tokens kept back and the same
/// others: the line of the account's own plan is the schedule itself.
pub(super) fn comparison(load: Effort, input: &PlanInput, need: &Need<'_>) -> Vec<Comparison> {
    let mut seats = SEATS_COMPARED.to_vec();
    if let Spending::Planned { seats: own, .. } = input.spending {
        seats.push(own);
    }
    let compare = |plan: &Tariff| {
        let ends = seats.iter().map(|seats| {
            let (spending, start) = instead(input, *plan, *seats);
            let Schedule { seconds, days, finishes_at, .. } = Schedule::of(load, spending, start);
            (*seats, Ends { seconds, days, finishes_at, fits: need.fits(*plan, *seats) })
        });
        Comparison { plan: *plan, tokens_seat_day: plan.tokens_seat_day(), seats: ends.collect() }
    };
    Tariff::ALL.iter().map(compare).collect()
}

/// The same account on another plan: what was spent of the day so far is spent there too.
fn instead(input: &PlanInput, plan: Tariff, seats: u32) -> (Spending, Start) {
    let start = input.start;
    let Spending::Planned { plan: own, seats: own_seats, top_up_tokens_day, reserve_tokens_day } = input.spending
    else {
        return (Spending::Planned { plan, seats, top_up_tokens_day: 0, reserve_tokens_day: 0 }, start);
    };
    if (plan, seats) == (own, own_seats) {
        return (input.spending, start);
    }
    let spending = Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day };
    let other = Start { tokens_day: None, ..start };
    let whole = Limits::of(input.spending, start).map_or(0, |limits| limits.tokens_day);
    let spent = whole.saturating_sub(start.tokens_left.unwrap_or(whole));
    let left = Limits::of(spending, other).map(|limits| limits.tokens_day.saturating_sub(spent));
    (spending, Start { tokens_left: left, ..other })
}

/// What the reserve costs.
pub(super) fn reserve(load: Effort, spending: Spending, start: Start) -> Option<Reserve> {
    let Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day } = spending else { return None };
    let without = Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day: 0 };
    let start = Start { tokens_left: start.tokens_left.map(|left| left + reserve_tokens_day), ..start };
    Some(Reserve {
        tokens_day: reserve_tokens_day,
        without: Schedule::of(load, without, start),
        others_tokens_day: start.others_tokens_day,
    })
}

/// Tokens over time: on the account's own plan, and on those sold today with the same seats.
pub(super) fn curves(load: Effort, input: &PlanInput, schedule: Schedule) -> Vec<Curve> {
    let Spending::Planned { plan: own, seats, .. } = input.spending else { return Vec::new() };
    let Some(seconds) = schedule.seconds else { return Vec::new() };
    let until = seconds.saturating_mul(DRAWN_TIMES);
    let plans = SOLD_TODAY.into_iter().filter(|plan| *plan != own).chain([own]);
    plans
        .filter_map(|plan| {
            let (spending, start) = instead(input, plan, seats);
            let limits = Limits::of(spending, start)?;
            let left = start.tokens_left.unwrap_or(limits.tokens_day);
            let mut points = limits.curve(load, left, start.until_reset());
            // Time without requests is spread over the work; it is drawn at its end.
            points.extend(points.last().map(|(at, tokens)| (at + load.seconds, *tokens)));
            // The line goes on to the edge.
            let within = points.iter().take_while(|(at, _)| *at <= until).count();
            let edge = points.get(within).zip(points.get(within.wrapping_sub(1))).map(|(after, before)| {
                let share = (until - before.0) as f64 / (after.0 - before.0) as f64;
                (until, before.1 + ((after.1 - before.1) as f64 * share) as u64)
            });
            points.truncate(within);
            points.extend(edge);
            (!points.is_empty()).then_some(Curve { plan, own: plan == own, points })
        })
        .collect()
}

pub(super) fn allowance(spending: Spending) -> Allowance {
    match spending {
        Spending::Unlimited => Allowance { plan: None, seats: 0, tokens_day: None },
        Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day } => {
            let bought = plan.tokens_seat_day() * u64::from(seats) + top_up_tokens_day;
            Allowance { plan: Some(plan), seats, tokens_day: Some(bought.saturating_sub(reserve_tokens_day)) }
        }
    }
}
