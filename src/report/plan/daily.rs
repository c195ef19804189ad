//! What goes on day by day beside the load and after it: following the source, and what a verification or a walk of all
//! ids costs on the day on which it is made.

use std::collections::BTreeMap;

use serde::Serialize;

use super::forecast::Effort;
use crate::pipedrive::route;
use crate::record::Entity;
use crate::report::page::{counted, number};

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;

/// What following costs depends on: the settings, and how much people changed lately.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Following {
    /// Seconds between two polls of the source.
    pub poll_seconds: u64,
    /// Seconds after which what is parked is tried again while nothing changes.
    pub tries_seconds: u64,
    /// Whether anything will be parked.
    pub waits: bool,
    /// Records to create that were changed at the source in the days before the survey, by kind.
    pub changed: BTreeMap<Entity, u64>,
    /// How many days these are.
    pub over_days: u64,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Daily {
    /// What for.
    pub what: String,
    /// How often, in words.
    pub how_often: String,
    /// Whether it is part of following, and so of every day until the source is frozen.
    pub following: bool,
    /// Requests and tokens to Pipedrive on a day on which it happens.
    #[serde(flatten)]
    pub effort: Effort,
}

/// All of it; what a day of following costs in sum is told by [`following`].
pub(super) fn lines(input: &Following, pass: Effort) -> Vec<Daily> {
    let polls = (DAY_SECONDS / input.poll_seconds.max(1) as f64).floor();
    let line = |what: &str, how_often: String, following: bool, effort: Effort| Daily {
        what: what.to_owned(),
        how_often,
        following,
        effort,
    };
    let changes: f64 = input.changed.values().map(|count| *count as f64 / input.over_days.max(1) as f64).sum();
    let users = u64::from(route(Entity::User).list);
    // Changes come independently of each other, so several may share a round (Poisson).
    let rounds = (polls * (1.0 - (-changes / polls.max(1.0)).exp())).ceil() as u64;
    // A try falls on the first poll after its time.
    let between = input.tries_seconds.div_ceil(input.poll_seconds.max(1)).max(1) * input.poll_seconds.max(1);
    let tries = if input.waits { (DAY_SECONDS / between as f64).floor() as u64 } else { 0 };
    let carrying = input.changed.iter().fold(Effort::default(), |sum, (entity, count)| {
        let route = route(*entity);
        let a_day = count.div_ceil(input.over_days.max(1));
        // A change is a look at the record, because people may have changed it too, and a write.
        let tokens = a_day * u64::from(route.get + route.update);
        sum.plus(Effort { requests: 2 * a_day, tokens, seconds: 0 })
    });
    vec![
        line(
            "Polling the source for changes",
            format!("{} times a day; Pipedrive is not asked", number(polls as u64)),
            true,
            Effort::default(),
        ),
        line(
            "Looking whether users have appeared for owners whose records wait",
            counted(tries, "time a day", "times a day"),
            true,
            Effort { requests: tries, tokens: tries * users, seconds: 0 },
        ),
        line(
            "Matching owners to users before changes go across",
            counted(rounds, "time a day", "times a day"),
            true,
            Effort { requests: rounds, tokens: rounds * users, seconds: 0 },
        ),
        line(
            "Carrying changes across",
            format!("{} a day, as in the last {}", about(changes), counted(input.over_days, "day", "days")),
            true,
            carrying,
        ),
        line("Verification of every record", "once, when the source is frozen".to_owned(), false, pass),
        line(
            "Walk of all ids, for what people delete or merge",
            "not made while following; the verification finds it".to_owned(),
            false,
            pass,
        ),
    ]
}

/// What a day of following costs.
#[must_use]
pub fn following(lines: &[Daily]) -> Effort {
    lines.iter().filter(|line| line.following).fold(Effort::default(), |sum, line| sum.plus(line.effort))
}

fn about(changes: f64) -> String {
    let whole = changes.round() as u64;
    match whole {
        0 if changes > 0.0 => "less than one change".to_owned(),
        whole => format!("about {}", counted(whole, "change", "changes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_costs_what_its_rounds_and_changes_do() {
        let check = |poll_seconds, waits, changed: u64, expected: [u64; 2]| {
            let changed = BTreeMap::from([(Entity::Deal, changed), (Entity::Lead, 0)]);
            let input = Following { poll_seconds, tries_seconds: 900, waits, changed, over_days: 30 };
            let lines = lines(&input, Effort { requests: 7, tokens: 80, seconds: 0 });
            let sum = following(&lines);
            assert_eq!([sum.requests, sum.tokens], expected, "{lines:#?}");
            assert_eq!(lines.iter().filter(|line| line.effort.tokens == 80).count(), 2);
        };
        check(60, false, 0, [0, 0]);
        // 96 tries a day at 20 tokens.
        check(60, true, 0, [96, 1_920]);
        // 10 changes a day: a look at 1 and a write at 5 each, nearly each in a round of its own.
        check(60, false, 300, [10 + 20, 10 * 20 + 60]);
        // Rare polls gather many changes, and no more rounds happen than polls.
        check(43_200, true, 300_000, [4 + 20_000, 4 * 20 + 60_000]);
        // Tries wait for the next poll.
        check(600, true, 0, [72, 1_440]);
    }

    #[test]
    fn changes_read_well() {
        let check = |changes, expected: &str| assert_eq!(about(changes), expected);
        check(0.0, "about 0 changes");
        check(0.2, "less than one change");
        check(1.2, "about 1 change");
        check(12_345.0, "about 12,345 changes");
    }
}
