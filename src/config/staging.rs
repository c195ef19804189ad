//! A staging company: a second Pipedrive account, where a migration may be tried before it comes near the real one.
//!
//! It has its own address, credentials, plan and seats. How patient we are with it and who wins a conflict are properties
//! of the migration, so those keys exist once and hold for both.

use std::path::PathBuf;

use serde::Deserialize;

use super::Plan;
use super::raw::{RawOAuth, RawPipedrive};

/// The keys of an account that have a name of their own for each account.
pub(super) struct Account {
    /// The table they stand in.
    pub(super) table: &'static str,
    /// Where the token is, when no other variable is named.
    pub(super) token: &'static str,
    /// The same for the secret of an OAuth app.
    pub(super) client_secret: &'static str,
    /// The same for what the user's consent gave.
    pub(super) refresh_token: &'static str,
}

/// The account that the migration is for.
pub(super) const REAL: Account = Account {
    table: "pipedrive",
    token: "CROSSDOCK_PIPEDRIVE_TOKEN",
    client_secret: "CROSSDOCK_PIPEDRIVE_CLIENT_SECRET",
    refresh_token: "CROSSDOCK_PIPEDRIVE_REFRESH_TOKEN",
};

/// The staging company. Its secrets have other names, so that one account's never reach the other by mistake.
pub(super) const STAGING: Account = Account {
    table: "pipedrive.staging",
    token: "CROSSDOCK_STAGING_TOKEN",
    client_secret: "CROSSDOCK_STAGING_CLIENT_SECRET",
    refresh_token: "CROSSDOCK_STAGING_REFRESH_TOKEN",
};

/// The table `[pipedrive.staging]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStaging {
    pub(super) address: String,
    token_env: Option<String>,
    token_file: Option<PathBuf>,
    oauth: Option<RawOAuth>,
    plan: Option<Plan>,
    seats: Option<u32>,
    #[serde(default)]
    top_up_tokens_day: u64,
    #[serde(default)]
    reserve_tokens_day: u64,
    #[serde(default)]
    unlimited: bool,
}

impl RawStaging {
    /// The whole settings of the account: its own keys, and the real account's for the rest.
    pub(super) fn beside(self, real: &RawPipedrive) -> RawPipedrive {
        RawPipedrive {
            address: self.address,
            token_env: self.token_env,
            token_file: self.token_file,
            oauth: self.oauth,
            plan: self.plan,
            seats: self.seats,
            top_up_tokens_day: self.top_up_tokens_day,
            reserve_tokens_day: self.reserve_tokens_day,
            unlimited: self.unlimited,
            request_timeout_seconds: real.request_timeout_seconds,
            list_lag_seconds: real.list_lag_seconds,
            calls_in_flight: real.calls_in_flight,
            conflict: real.conflict,
            staging: None,
        }
    }
}
