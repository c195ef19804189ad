//! What was asked of the simulated source, for tests and for people who watch a rehearsal.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// How many of the latest requests are kept one by one; older ones stay in the totals.
const RECENT_MAX: usize = 10_000;

/// The requests of the API so far. The control API is not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// All requests.
    pub total: u64,
    /// How many were answered with each status.
    pub by_status: BTreeMap<u16, u64>,
    /// How many asked for each path of the API; unknown paths count as `other`.
    pub by_path: BTreeMap<String, u64>,
    /// The latest requests, oldest first.
    pub recent: VecDeque<RequestLine>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestLine {
    /// The answer's `x-request-id`.
    pub id: String,
    /// When it came, RFC 3339, on the clock.
    pub at: String,
    /// Its path.
    pub path: String,
    /// Its query as sent; empty without one.
    pub query: String,
    /// Status of the answer.
    pub status: u16,
    /// Rows in the answer.
    pub rows: usize,
    /// The fault it met.
    pub fault: Option<String>,
}

impl Requests {
    /// Number of the next request, from 1.
    pub(super) fn next(&self) -> u64 {
        self.total + 1
    }

    /// Adds an answered request, which counts under `path`.
    pub(super) fn add(&mut self, line: RequestLine, path: String) {
        self.total += 1;
        *self.by_status.entry(line.status).or_default() += 1;
        *self.by_path.entry(path).or_default() += 1;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(line);
    }
}
