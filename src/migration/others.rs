//! What the company's other tools spend of the same day's tokens, learned from what Pipedrive's answers say is left.
//!
//! Each day is looked at while something of it is left, since nobody can spend of an empty one; the last look at a day
//! stands for it.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Migration;
use crate::error::Result;

/// Days that are kept: a week holds every day of the week once.
const DAYS: usize = 7;

/// A day is looked at only after so long: before, a single call of others would be taken for a habit.
const LOOK_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;

/// Where the journal keeps [`Others`].
const OTHERS: &str = "others";

/// What was seen of each day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Others {
    days: BTreeMap<String, Seen>,
}

/// What others spent from the beginning of a day until it was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    tokens: u64,
    seconds: u64,
}

impl Others {
    fn look(&mut self, day: String, seen: Seen) {
        self.days.insert(day, seen);
        while self.days.len() > DAYS {
            self.days.pop_first();
        }
    }

    /// Tokens a day at the pace of all that was seen; 0 when nothing was.
    fn tokens_day(&self) -> u64 {
        let sum = self.days.values().fold((0_u128, 0_u128), |(tokens, seconds), seen| {
            (tokens + u128::from(seen.tokens), seconds + u128::from(seen.seconds))
        });
        u64::try_from(sum.0 * u128::from(DAY_SECONDS) / sum.1.max(1)).unwrap_or(u64::MAX)
    }
}

impl Migration {
    /// Looks at the running day, and says what others spend on a day. What was spent is in the ledger by then.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn others_tokens_day(&self) -> Result<u64> {
        let mut others: Others = self.fact(OTHERS).await?.unwrap_or_default();
        if let Some((day, seen)) = self.look_at_others().await?
            && others.days.get(&day) != Some(&seen)
        {
            others.look(day, seen);
            self.put_json(OTHERS, &others).await?;
        }
        Ok(others.tokens_day())
    }

    /// `None` when the day tells nothing: it has just begun, or nothing is left of it, or there are no limits.
    async fn look_at_others(&self) -> Result<Option<(String, Seen)>> {
        let budget = self.client.budget();
        let (Some((limit, left)), Some(resets_at)) = (budget.day_balance(), budget.resets_at()) else {
            return Ok(None);
        };
        let now = self.clock.utc();
        let since = SignedDuration::from_hours(24) - resets_at.duration_since(now);
        if left == 0 || since < LOOK_AFTER || resets_at <= now {
            return Ok(None);
        }
        let day = budget.day();
        let own: u64 = self.journal.ledger().await?.iter().filter(|entry| entry.day == day).map(|it| it.tokens).sum();
        let tokens = limit.saturating_sub(left + own);
        let seconds = u64::try_from(since.as_secs()).unwrap_or(DAY_SECONDS);
        Ok(Some((day, Seen { tokens, seconds })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_of_looks_is_weighed_by_its_time() {
        let mut others = Others::default();
        assert_eq!(others.tokens_day(), 0);
        others.look("2026-01-05".into(), Seen { tokens: 35_000, seconds: 50_400 });
        assert_eq!(others.tokens_day(), 60_000);
        // A later look at the same day stands for it; a short day counts for little.
        others.look("2026-01-05".into(), Seen { tokens: 36_000, seconds: 51_840 });
        others.look("2026-01-06".into(), Seen { tokens: 1_000, seconds: 600 });
        assert_eq!(others.tokens_day(), 37_000 * 86_400 / 52_440);
        for day in 10..30 {
            others.look(format!("2026-01-{day}"), Seen { tokens: 100, seconds: 86_400 });
        }
        assert_eq!((others.days.len(), others.tokens_day()), (DAYS, 100));
    }
}
