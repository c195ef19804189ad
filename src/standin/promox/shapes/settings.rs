//! What is set beside the shape.

use serde::Deserialize;

/// Settings that are not part of a shape.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Records over all objects of an account that is made. Default 5,000.
    pub records: usize,
    /// Seed of an account that is made. Default 1.
    pub seed: u64,
    /// Time from a request to its answer, in milliseconds of the clock. Default 40.
    pub rtt_ms: u64,
    /// Wrong credentials until the account is locked for 15 minutes. Default 10.
    pub lockout: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { records: 5_000, seed: 1, rtt_ms: 40, lockout: 10 }
    }
}
