//! What was asked of a shape, for tests: reads, log-ins, and everything that was neither.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::reply::Purpose;

/// How many of the latest requests are kept one by one.
const RECENT_MAX: usize = 2_000;

/// How many endpoints are counted by name; the rest count as `other`.
const ENDPOINTS_MAX: usize = 500;

/// The requests so far. Control requests are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// All requests.
    pub total: u64,
    /// How many were answered with each status.
    pub by_status: BTreeMap<u16, u64>,
    /// How many came for each method and path.
    pub by_endpoint: BTreeMap<String, u64>,
    /// Requests that read.
    pub reads: u64,
    /// Log-ins and tokens.
    pub logins: u64,
    /// Requests that would have changed something.
    pub writes: u64,
    /// Credentials that were wrong.
    pub failed_logins: u64,
    /// Whether the account is locked for too many of them.
    pub locked: bool,
    /// Requests that were too many.
    pub refused_for_pace: u64,
    /// The most requests that were open at once.
    pub most_in_flight: u64,
    /// Rows in all answers.
    pub rows: u64,
    /// Files marked as downloaded, by their number.
    pub downloaded: BTreeMap<u64, u64>,
    /// The latest requests, oldest first.
    pub recent: VecDeque<Line>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When it came, RFC 3339, on the clock.
    pub at: String,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query as sent.
    pub query: String,
    /// Status of the answer.
    pub status: u16,
    /// Rows in the answer.
    pub rows: usize,
}

impl Ledger {
    pub(super) fn add(&mut self, line: Line, purpose: Purpose) {
        self.total += 1;
        *self.by_status.entry(line.status).or_default() += 1;
        let endpoint = format!("{} {}", line.method, line.path);
        let known = self.by_endpoint.len() < ENDPOINTS_MAX || self.by_endpoint.contains_key(&endpoint);
        *self.by_endpoint.entry(if known { endpoint } else { "other".to_owned() }).or_default() += 1;
        match purpose {
            Purpose::Read => self.reads += 1,
            Purpose::Login => self.logins += 1,
            Purpose::Write => self.writes += 1,
        }
        self.rows += line.rows as u64;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(line);
    }
}
