//! What the simulated Pipedrive can be told at its start: the plan and its numbers, delays, the seed, and faults.
//!
//! Plan numbers: Pipedrive's page "Rate limiting" (2026-09-17) for budgets and windows, knowledge base "Usage limits"
//! (November 2025) for the caps on records and fields.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::faults::FaultRule;
use super::team::Team;
use crate::record::named_enum;

/// Tokens of one seat per day before the plan's multiplier ("Rate limiting").
const TOKENS_PER_SEAT: u64 = 30_000;

/// Leads and deals that are neither archived nor deleted, on every plan but Enterprise ("Usage limits").
const ACTIVE_CEILING: u64 = 300_000;

named_enum! {
    /// A Pipedrive plan; the last five are those sold before 2025-05-29.
    Plan {
        /// Lite.
        Lite = "lite",
        /// Growth.
        Growth = "growth",
        /// Premium.
        Premium = "premium",
        /// Ultimate.
        Ultimate = "ultimate",
        /// Essential (old).
        Essential = "essential",
        /// Advanced (old).
        Advanced = "advanced",
        /// Professional (old).
        Professional = "professional",
        /// Power (old).
        Power = "power",
        /// Enterprise (old).
        Enterprise = "enterprise",
    }
}

/// The numbers of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlanNumbers {
    /// Multiplier of the daily tokens per seat.
    multiplier: u64,
    /// Requests of one API token in two seconds.
    pub(super) window_requests: usize,
    /// Active leads and deals per seat; `None`: no cap at all.
    active_per_seat: Option<u64>,
    /// Custom fields of the whole company; `None`: no cap.
    custom_fields: Option<usize>,
    /// True where visibility groups exist, so that `visible_to` may also be 5 and 7.
    pub(super) visibility_groups: bool,
    /// True where products can be billed more than once (OpenAPI v2: Growth and above).
    pub(super) recurring_products: bool,
}

impl Plan {
    pub(super) const fn numbers(self) -> PlanNumbers {
        let (multiplier, window_requests, active_per_seat, custom_fields, visibility_groups) = match self {
            Plan::Lite => (1, 20, Some(2_500), Some(30), false),
            Plan::Growth => (2, 40, Some(5_000), Some(100), false),
            Plan::Premium => (5, 100, Some(15_000), Some(300), true),
            Plan::Ultimate => (7, 120, Some(20_000), Some(500), true),
            Plan::Essential => (1, 20, Some(2_000), Some(30), false),
            Plan::Advanced => (2, 40, Some(4_000), Some(100), false),
            Plan::Professional => (3, 80, Some(10_000), Some(300), false),
            // The window of Power is in no document; 100 by analogy with Premium.
            Plan::Power => (5, 100, Some(15_000), Some(500), true),
            Plan::Enterprise => (7, 120, None, None, true),
        };
        let recurring_products = !matches!(self, Plan::Lite | Plan::Essential);
        PlanNumbers {
            multiplier,
            window_requests,
            active_per_seat,
            custom_fields,
            visibility_groups,
            recurring_products,
        }
    }
}

/// The settings of one simulated account. Unknown keys are refused; every key has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The plan. Default: Growth.
    pub plan: Plan,
    /// Paid seats. Default: 5.
    pub seats: u32,
    /// Tokens bought on top of the plan's, per day. Default: 0.
    pub top_up_tokens: u64,
    /// No window, no daily budget and no round trip. Tokens are counted all the same. Default: false.
    pub unlimited: bool,
    /// Whether the plan's caps on active leads and deals and on custom fields hold. Default: true.
    pub caps: bool,
    /// How long every answer is held on the clock; key `rtt_seconds`. Default: 0.
    #[serde(rename = "rtt_seconds", deserialize_with = "seconds")]
    pub rtt: Duration,
    /// How long lists do not show a write; key `list_lag_seconds`. Default: 0.
    #[serde(rename = "list_lag_seconds", deserialize_with = "seconds")]
    pub list_lag: Duration,
    /// Seed of everything that looks random: field codes, lead ids, tokens, faults. Default: 1.
    pub seed: u64,
    /// Whether refused requests (4xx except 401 and 429, and 5xx) cost their tokens; no document says. Default: false.
    pub charge_refused: bool,
    /// Whether a new pipeline comes with five default stages; no document says. Default: false.
    pub new_pipeline_stages: bool,
    /// Whether an unknown top-level key in a lead is refused; by the document "Custom fields", v1 ignores it.
    /// Default: false.
    pub strict_leads: bool,
    /// Whether organizations have website, linkedin, industry, annual_revenue and employee_count, which only some
    /// accounts do (changelog of 2026-05-21). Default: false.
    pub organization_profile: bool,
    /// Status of a successful create of API v2 where the OpenAPI document says 200; live accounts may say 201. Default: 200.
    pub created_status: u16,
    /// Whether a deal's value follows the products on it; no document says. Default: true.
    pub products_set_value: bool,
    /// Largest file, in bytes; no document says. Default: 52,428,800.
    pub file_bytes_max: usize,
    /// Status that refuses a larger one; no document says. Default: 413.
    pub file_too_large_status: u16,
    /// Whether a Google Drive account is connected, without which files cannot be linked. Default: false.
    pub google_drive: bool,
    /// Whether a merge keeps the record of the path, not the one in the body as seen on live accounts. Default: false.
    pub merge_keeps_path_id: bool,
    /// How long a conversion takes; key `conversion_seconds`. No document says. Default: 2.
    #[serde(rename = "conversion_seconds", deserialize_with = "seconds")]
    pub conversion: Duration,
    /// How long the search does not find a write, at least; key `search_lag_seconds`. It always lags. Default: 10.
    #[serde(rename = "search_lag_seconds", deserialize_with = "seconds")]
    pub search_lag: Duration,
    /// Whether the ids in the `meta` of webhook events are texts; no document says. Default: true.
    pub webhook_ids_as_text: bool,
    /// Whether API v2 changes the options of labels too, as v1 does; no document says. Default: false.
    pub label_options_in_v2: bool,
    /// Id of the OAuth app. Default: `standin-app`.
    pub oauth_client_id: String,
    /// Secret of the OAuth app; a simulated one. Default: `standin-secret`.
    pub oauth_client_secret: String,
    /// Life of an OAuth access token; key `oauth_life_seconds`. Default: 3600.
    #[serde(rename = "oauth_life_seconds", deserialize_with = "seconds")]
    pub oauth_life: Duration,
    /// Whether the API token of a user also passes as an OAuth access token, for clients that are given only one; the real
    /// service refuses it. Default: false.
    pub bearer_api_token: bool,
    /// Archived leads and deals at most ("Archive deals and leads", September 2025). Default: 300,000.
    pub archive_max: u64,
    /// Whether a record that is made as archived needs room among the active ones too; no document says. Default: false.
    pub archived_needs_room: bool,
    /// Whether only administrators can set `add_time` of persons, organizations and notes; no document says.
    /// Default: false.
    pub back_dating_needs_admin: bool,
    /// E-mail addresses, and phone numbers, of one person at most; there is a limit and no document says which.
    /// Default: none.
    pub contacts_max: Option<usize>,
    /// Notes of one deal at most; there is a limit and no document says which. Default: none.
    pub notes_per_deal_max: Option<usize>,
    /// Activity types at most; there is a limit and no document says which. Default: none.
    pub activity_types_max: Option<usize>,
    /// Reasons for a loss, if the account allows no others; no document says how it answers then. Default: any text.
    pub lost_reasons: Vec<String>,
    /// Whether a stage of another pipeline than the one sent with it is refused; as API v1 did, it is not. Default: false.
    pub stage_mismatch_refused: bool,
    /// Id of the company. Default: 7204931.
    pub company_id: u64,
    /// The company's domain below pipedrive.com. Default: `standin`.
    pub company_domain: String,
    /// Default currency of every user, ISO 4217. Default: USD.
    pub currency: String,
    /// Currencies that the account has switched off, ISO 4217. Default: none.
    pub currencies_off: Vec<String>,
    /// IANA time zone of the company, for the local dates of deals. Default: America/Chicago.
    pub timezone: String,
    /// The budget's day begins at midnight of a zone that many hours east of UTC (−12 to 14). Default: 0.
    pub daily_reset_offset_hours: i8,
    /// Share of the day's tokens that others spend, 0 to 1, at random times of the day. Default: 0.
    pub rival_day_share: f64,
    /// Share of each token's window that others use with the same token, 0 to 1, on average. Default: 0.
    pub rival_window_share: f64,
    /// Whether the limit of 10,000 POST and PUT requests a day of 2019 still holds; no document says. Default: false.
    pub write_limit_2019: bool,
    /// Whether a 429 of the window has `retry-after` too; live answers differ. Default: false.
    pub burst_retry_after: bool,
    /// Answers from the start that lack the daily headers, as seen after long inactivity. Default: 0.
    pub daily_headers_missing: u64,
    /// Share of the window from which on answers slow down without saying so, 0 to 1. Default: 1, never.
    pub slow_down_share: f64,
    /// By how much they do when the window is full; key `slow_down_seconds`. Default: 0.
    #[serde(rename = "slow_down_seconds", deserialize_with = "seconds")]
    pub slow_down: Duration,
    /// Answers 429 within one minute after which a token is taken for abuse and blocked. Default: 600.
    pub block_after_refusals: usize,
    /// How long a blocked token gets 403 pages; key `block_seconds`. No document says. Default: 600.
    #[serde(rename = "block_seconds", deserialize_with = "seconds")]
    pub block: Duration,
    /// What the customer's people do meanwhile in the web application. Default: nothing.
    pub team: Option<Team>,
    /// Faults from the start. Default: none.
    pub faults: Vec<FaultRule>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plan: Plan::Growth,
            seats: 5,
            top_up_tokens: 0,
            unlimited: false,
            caps: true,
            rtt: Duration::ZERO,
            list_lag: Duration::ZERO,
            seed: 1,
            charge_refused: false,
            new_pipeline_stages: false,
            strict_leads: false,
            organization_profile: false,
            products_set_value: true,
            file_bytes_max: 50 << 20,
            file_too_large_status: 413,
            google_drive: false,
            created_status: 200,
            merge_keeps_path_id: false,
            conversion: Duration::from_secs(2),
            search_lag: Duration::from_secs(10),
            webhook_ids_as_text: true,
            label_options_in_v2: false,
            oauth_client_id: "standin-app".to_owned(),
            oauth_client_secret: "standin-secret".to_owned(),
            oauth_life: Duration::from_secs(3_600),
            bearer_api_token: false,
            archive_max: 300_000,
            archived_needs_room: false,
            back_dating_needs_admin: false,
            contacts_max: None,
            notes_per_deal_max: None,
            activity_types_max: None,
            lost_reasons: Vec::new(),
            stage_mismatch_refused: false,
            company_id: 7_204_931,
            company_domain: "standin".to_owned(),
            currency: "USD".to_owned(),
            currencies_off: Vec::new(),
            timezone: "America/Chicago".to_owned(),
            daily_reset_offset_hours: 0,
            rival_day_share: 0.0,
            rival_window_share: 0.0,
            write_limit_2019: false,
            burst_retry_after: false,
            daily_headers_missing: 0,
            slow_down_share: 1.0,
            slow_down: Duration::ZERO,
            block_after_refusals: 600,
            block: Duration::from_secs(600),
            team: None,
            faults: Vec::new(),
        }
    }
}

impl Settings {
    /// Tokens of the whole company per day.
    #[must_use]
    pub fn daily_tokens(&self) -> u64 {
        TOKENS_PER_SEAT * self.plan.numbers().multiplier * u64::from(self.seats) + self.top_up_tokens
    }

    /// The cap on leads and deals that are neither archived nor deleted; `None`: no cap.
    #[must_use]
    pub fn active_cap(&self) -> Option<u64> {
        let per_seat = self.plan.numbers().active_per_seat.filter(|_| self.caps)?;
        Some((per_seat * u64::from(self.seats)).min(ACTIVE_CEILING))
    }

    /// All settings that are shares, by their keys.
    pub(super) fn shares(&self) -> [(&'static str, f64); 3] {
        [
            ("rival_day_share", self.rival_day_share),
            ("rival_window_share", self.rival_window_share),
            ("slow_down_share", self.slow_down_share),
        ]
    }

    /// The cap on archived leads and deals; `None`: no cap.
    #[must_use]
    pub fn archive_cap(&self) -> Option<u64> {
        self.caps.then_some(self.archive_max)
    }

    /// The cap on custom fields of the company; `None`: no cap.
    #[must_use]
    pub fn custom_field_cap(&self) -> Option<usize> {
        self.plan.numbers().custom_fields.filter(|_| self.caps)
    }
}

/// Reads a span written in seconds, whole or with a fraction.
pub(super) fn seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(from)?;
    Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
}

/// Writes a span in seconds.
pub(super) fn as_seconds<S: serde::Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_have_the_documented_numbers() {
        let check = |plan, seats, tokens, active, fields| {
            let settings = Settings { plan, seats, ..Settings::default() };
            assert_eq!(settings.daily_tokens(), tokens, "{plan}");
            assert_eq!(settings.active_cap(), active, "{plan}");
            assert_eq!(settings.custom_field_cap(), fields, "{plan}");
        };
        check(Plan::Lite, 1, 30_000, Some(2_500), Some(30));
        check(Plan::Growth, 5, 300_000, Some(25_000), Some(100));
        check(Plan::Premium, 10, 1_500_000, Some(150_000), Some(300));
        check(Plan::Ultimate, 20, 4_200_000, Some(300_000), Some(500));
        check(Plan::Enterprise, 2, 420_000, None, None);
    }

    #[test]
    fn settings_read_from_toml_and_refuse_unknown_keys() {
        let settings: Settings = toml::from_str(
            "plan = \"premium\"\nrtt_seconds = 0.05\n[[faults]]\nmethod = \"POST\"\ncount = 1\nkind = \"commit_then_cut\"\n",
        )
        .expect("settings");
        assert_eq!(settings.rtt, Duration::from_millis(50));
        assert_eq!(settings.faults.len(), 1);
        assert!(toml::from_str::<Settings>("plam = \"lite\"").is_err());
    }
}
