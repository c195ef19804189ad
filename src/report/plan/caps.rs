//! What a Pipedrive plan allows, against what this data needs.
//!
//! Source: Pipedrive Knowledge Base, "Usage limits", and the revisions of May and September 2025 for older plans. Plans
//! without a published limit have none here.

use serde::Serialize;

use crate::config::Plan;

/// Most active leads and deals of an account, however many seats it has ("Usage limits"); Enterprise has no such ceiling.
const ACTIVE_CEILING: u64 = 300_000;

/// One limit of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapLine {
    /// What is limited.
    pub what: &'static str,
    /// What is there already.
    pub existing: u64,
    /// What the migration adds.
    pub added: u64,
    /// What the plan allows; `None`: no limit is known.
    pub allowed: Option<u64>,
    /// Whether it fits.
    pub fits: bool,
}

impl CapLine {
    /// Compares a need with what is allowed.
    #[must_use]
    pub fn new(what: &'static str, existing: u64, added: u64, allowed: Option<u64>) -> Self {
        let fits = allowed.is_none_or(|allowed| existing.saturating_add(added) <= allowed);
        Self { what, existing, added, allowed, fits }
    }
}

/// Active leads and deals (neither archived nor deleted; won and lost deals count) of an account.
#[must_use]
pub fn active_leads_and_deals(plan: Plan, seats: u32) -> Option<u64> {
    let each = match plan {
        Plan::Essential => 2_000,
        Plan::Lite => 2_500,
        Plan::Advanced => 4_000,
        Plan::Growth => 5_000,
        Plan::Professional => 10_000,
        Plan::Premium | Plan::Power => 15_000,
        Plan::Ultimate => 20_000,
        Plan::Enterprise => return None,
    };
    Some((each * u64::from(seats)).min(ACTIVE_CEILING))
}

/// Custom fields of an account.
#[must_use]
pub const fn custom_fields(plan: Plan) -> Option<u64> {
    match plan {
        Plan::Lite | Plan::Essential => Some(30),
        Plan::Growth | Plan::Advanced => Some(100),
        Plan::Premium | Plan::Professional => Some(300),
        Plan::Ultimate | Plan::Power => Some(500),
        Plan::Enterprise => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_published() {
        assert_eq!(active_leads_and_deals(Plan::Growth, 5), Some(25_000));
        assert_eq!(active_leads_and_deals(Plan::Ultimate, 20), Some(300_000));
        assert_eq!(active_leads_and_deals(Plan::Enterprise, 1), None);
        assert_eq!(custom_fields(Plan::Lite), Some(30));
        assert!(CapLine::new("x", 10, 20, Some(30)).fits && !CapLine::new("x", 11, 20, Some(30)).fits);
    }
}
