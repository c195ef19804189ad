//! Settings: what the file may say, checked and ready for use.
//!
//! Secrets come from the environment or from files, never from the settings file itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::named_enum;

named_enum! {
    /// A Pipedrive plan, new and old names.
    Plan {
        /// Lite, 2025 and later.
        Lite = "lite",
        /// Growth, 2025 and later.
        Growth = "growth",
        /// Premium, 2025 and later.
        Premium = "premium",
        /// Ultimate, 2025 and later.
        Ultimate = "ultimate",
        /// Essential, before 2025.
        Essential = "essential",
        /// Advanced, before 2025.
        Advanced = "advanced",
        /// Professional, before 2025.
        Professional = "professional",
        /// Power, before 2025.
        Power = "power",
        /// Enterprise, before 2025.
        Enterprise = "enterprise",
    }
}

impl Plan {
    /// Tokens a seat and day ("Rate limiting", 2026-09-17).
    #[must_use]
    pub const fn tokens_seat_day(self) -> u64 {
        30_000
            * match self {
                Plan::Lite | Plan::Essential => 1,
                Plan::Growth | Plan::Advanced => 2,
                Plan::Professional => 3,
                Plan::Premium | Plan::Power => 5,
                Plan::Ultimate | Plan::Enterprise => 7,
            }
    }

    /// Requests per two seconds with an API token ("Rate limiting", 2026-09-17; Power by analogy with Premium).
    #[must_use]
    pub const fn window_requests(self) -> u32 {
        match self {
            Plan::Lite | Plan::Essential => 20,
            Plan::Growth | Plan::Advanced => 40,
            Plan::Professional => 80,
            Plan::Premium | Plan::Power => 100,
            Plan::Ultimate | Plan::Enterprise => 120,
        }
    }
}

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Within a plan's limits.
    Planned {
        /// The plan.
        plan: Plan,
        /// Paid seats.
        seats: u32,
        /// Purchased tokens a day on top.
        top_up_tokens_day: u64,
        /// Tokens a day left to the customer's other tools.
        reserve_tokens_day: u64,
    },
    /// Without limits: for stand-ins only.
    Unlimited,
}
