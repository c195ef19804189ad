//! What the account saw: requests, tokens and writes, and the least tokens that the same end state could have cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::noun::Noun;
use super::route::Endpoint;

/// The status under which requests are counted whose connection was closed without an answer.
pub const CUT_STATUS: u16 = 0;

/// The account's books. Requests of the control API and edits by people are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// All requests, refused ones too.
    pub requests: u64,
    /// Those that were answered with 429.
    pub rate_limited: u64,
    /// Requests by endpoint (`POST /api/v2/deals`) and HTTP status; status 0: the connection was closed without an
    /// answer. Requests that never got to an endpoint are under `other`.
    pub requests_by_endpoint: BTreeMap<String, BTreeMap<u16, u64>>,
    /// Tokens of the daily budget spent since the start.
    pub tokens: u64,
    /// The same by endpoint.
    pub tokens_by_endpoint: BTreeMap<String, u64>,
    /// Tokens that other clients of the same company spent; not among `tokens`.
    #[serde(default)]
    pub rival_tokens: u64,
    /// Records made, by entity (`deal`).
    pub created: BTreeMap<String, u64>,
    /// Updates that succeeded, by entity, with or without an effect.
    pub updated: BTreeMap<String, u64>,
    /// Records deleted, by entity.
    pub deleted: BTreeMap<String, u64>,
    /// Live records made through the API, by entity.
    pub live: BTreeMap<String, u64>,
    /// The least tokens: one create for each live record that was made through the API, and one update for each live
    /// record that an update through the API changed in effect, at official cost.
    pub minimum: u64,
}

/// The counts while they grow.
#[derive(Debug, Default)]
pub(super) struct Books {
    requests: BTreeMap<(Option<Endpoint>, u16), u64>,
    tokens: BTreeMap<Endpoint, u64>,
    writes: BTreeMap<(Noun, Write), u64>,
}

/// A write that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Write {
    Create,
    Update,
    Delete,
}

impl Books {
    /// A request got its answer, or none ([`CUT_STATUS`]).
    pub(super) fn request(&mut self, endpoint: Option<Endpoint>, status: u16) {
        *self.requests.entry((endpoint, status)).or_default() += 1;
    }

    /// Tokens were spent.
    pub(super) fn spent(&mut self, endpoint: Endpoint, tokens: u64) {
        *self.tokens.entry(endpoint).or_default() += tokens;
    }

    /// A record was written through the API.
    pub(super) fn wrote(&mut self, noun: Noun, write: Write) {
        *self.writes.entry((noun, write)).or_default() += 1;
    }

    /// The books in words, without what depends on the records themselves.
    pub(super) fn in_words(&self) -> Ledger {
        let mut ledger = Ledger::default();
        for ((endpoint, status), count) in &self.requests {
            let name = endpoint.map_or_else(|| "other".to_owned(), Endpoint::label);
            *ledger.requests_by_endpoint.entry(name).or_default().entry(*status).or_default() += count;
            ledger.requests += count;
            if *status == 429 {
                ledger.rate_limited += count;
            }
        }
        for (endpoint, tokens) in &self.tokens {
            ledger.tokens_by_endpoint.insert(endpoint.label(), *tokens);
            ledger.tokens += tokens;
        }
        for ((noun, write), count) in &self.writes {
            let counts = match write {
                Write::Create => &mut ledger.created,
                Write::Update => &mut ledger.updated,
                Write::Delete => &mut ledger.deleted,
            };
            counts.insert(noun.as_str().to_owned(), *count);
        }
        ledger
    }
}

impl Ledger {
    /// Adds the live records of an entity to the minimum: how many were made through the API and how many an update
    /// through the API changed, at the cost of a create and of an update.
    pub(super) fn add_live(&mut self, noun: Noun, made: u64, changed: u64, costs: (u64, u64)) {
        if made > 0 {
            *self.live.entry(noun.as_str().to_owned()).or_default() += made;
        }
        self.minimum += made * costs.0 + changed * costs.1;
    }
}
