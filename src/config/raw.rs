//! The settings file as written. Unknown keys are refused; nothing else is checked here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::approvers::RawApprover;
use super::extraction::Method;
use super::staging::RawStaging;
use super::{Conflict, Plan};
use crate::record::Object;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) name: String,
    #[serde(default = "default_mapping")]
    pub(super) mapping: PathBuf,
    pub(super) source: RawSource,
    pub(super) pipedrive: RawPipedrive,
    #[serde(default)]
    pub(super) daemon: RawDaemon,
    #[serde(default)]
    pub(super) gates: RawGates,
    #[serde(default)]
    pub(super) sample: RawSample,
    #[serde(default)]
    pub(super) approver: Vec<RawApprover>,
    #[serde(default)]
    pub(super) map: RawMap,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMap {
    pub(super) model: Option<RawModel>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    pub(super) address: String,
    pub(super) model: String,
    pub(super) token_env: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    #[serde(default = "default_model_seconds")]
    pub(super) timeout_seconds: u64,
}

/// Large models take their time; a person who waits for a proposal does not wait much longer.
pub(super) const fn default_model_seconds() -> u64 {
    60
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    pub(super) address: Option<String>,
    pub(super) folder: Option<PathBuf>,
    pub(super) token_env: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) key_env: Option<String>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) second_env: Option<String>,
    pub(super) second_file: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) password_env: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret_env: Option<String>,
    pub(super) client_secret_file: Option<PathBuf>,
    pub(super) refresh_token_env: Option<String>,
    pub(super) refresh_token_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) beside: BTreeMap<String, RawSecret>,
    #[serde(default)]
    pub(super) probe: RawProbe,
    #[serde(default = "default_requests_per_second")]
    pub(super) requests_per_second: u32,
    #[serde(default = "default_overlap_seconds")]
    pub(super) overlap_seconds: u64,
    #[serde(default = "default_poll_seconds")]
    pub(super) poll_seconds: u64,
    #[serde(default = "default_vanished_percent")]
    pub(super) vanished_percent: u8,
    #[serde(default = "default_workbooks")]
    pub(super) workbooks: PathBuf,
    #[serde(default)]
    pub(super) from: BTreeMap<Object, Method>,
}

/// Where one secret is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSecret {
    pub(super) env: Option<String>,
    pub(super) file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProbe {
    pub(super) hosts: Vec<String>,
    pub(super) logins: Vec<String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) posts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPipedrive {
    pub(super) address: String,
    pub(super) token_env: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) oauth: Option<RawOAuth>,
    pub(super) plan: Option<Plan>,
    pub(super) seats: Option<u32>,
    #[serde(default)]
    pub(super) top_up_tokens_day: u64,
    #[serde(default)]
    pub(super) reserve_tokens_day: u64,
    #[serde(default)]
    pub(super) unlimited: bool,
    #[serde(default = "default_request_timeout_seconds")]
    pub(super) request_timeout_seconds: u64,
    #[serde(default = "default_list_lag_seconds")]
    pub(super) list_lag_seconds: u64,
    #[serde(default = "default_calls_in_flight")]
    pub(super) calls_in_flight: usize,
    #[serde(default = "default_conflict")]
    pub(super) conflict: Conflict,
    pub(super) staging: Option<RawStaging>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOAuth {
    pub(super) client_id: String,
    pub(super) client_secret_env: Option<String>,
    pub(super) client_secret_file: Option<PathBuf>,
    pub(super) refresh_token_env: Option<String>,
    pub(super) refresh_token_file: Option<PathBuf>,
    #[serde(default = "default_token_address")]
    pub(super) token_address: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDaemon {
    pub(super) listen: String,
    pub(super) shutdown_grace_seconds: u64,
}

impl Default for RawDaemon {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7077".to_owned(), shutdown_grace_seconds: 60 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawGates {
    pub(super) new_problems: u64,
}

/// Enough that a bad day does not call somebody for nothing, few enough that a broken rule does.
impl Default for RawGates {
    fn default() -> Self {
        Self { new_problems: 100 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawSample {
    pub(super) records: usize,
}

/// What a person can look through in an hour.
impl Default for RawSample {
    fn default() -> Self {
        Self { records: 60 }
    }
}

pub(super) fn default_mapping() -> PathBuf {
    PathBuf::from("mapping.toml")
}

/// A pace that hardly any web application notices; nothing is known about PromoXcrm's limits.
pub(super) const fn default_requests_per_second() -> u32 {
    5
}

/// At least a quarter of an hour: rows may become visible later than their stamp says (source shapes, section 5).
pub(super) const fn default_overlap_seconds() -> u64 {
    900
}

/// Fewer rows vanish between two exports of a living account; where more do, the later one was filtered or cut.
pub(super) const fn default_vanished_percent() -> u8 {
    10
}

pub(super) fn default_workbooks() -> PathBuf {
    PathBuf::from("workbooks")
}

pub(super) const fn default_poll_seconds() -> u64 {
    60
}

pub(super) const fn default_request_timeout_seconds() -> u64 {
    30
}

pub(super) const fn default_list_lag_seconds() -> u64 {
    10
}

/// Pipedrive documentation, "OAuth authorization".
pub(super) fn default_token_address() -> String {
    "https://oauth.pipedrive.com/oauth/token".to_owned()
}

pub(super) const fn default_calls_in_flight() -> usize {
    64
}

pub(super) const fn default_conflict() -> Conflict {
    Conflict::Ask
}
