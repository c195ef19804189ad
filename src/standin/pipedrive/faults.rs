//! Scripted faults: which requests they strike, and what happens to those.
//!
//! Rules are tried in order and the first that strikes decides. Whether one strikes depends on the rule's own counts and
//! on the account's seeded random numbers, so that a run can be repeated.

use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::settings::{as_seconds, seconds};

/// One rule. It sees only requests that have an endpoint and a valid token and that the limits let through. In TOML and JSON, `kind` is a text (`"commit_then_cut"`) or one key with its parts
/// (`{ hold = { seconds = 5.0 } }`); unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// HTTP method it is for; default: any.
    #[serde(default)]
    pub method: Option<String>,
    /// Beginning of the path it is for, such as `/api/v2/deals`, as the request has it (`/v1` and `/api/v1` differ);
    /// default: any.
    #[serde(default)]
    pub path: Option<String>,
    /// Whole name of the endpoint as in the ledger, such as `POST /api/v2/deals`; default: any.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Matching requests that it lets pass first; default: 0.
    #[serde(default)]
    pub skip: u64,
    /// Requests that it strikes before it rests; default: no end.
    #[serde(default)]
    pub count: Option<u64>,
    /// Chance that it strikes a request it could strike, 0 to 1; default: 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// What happens.
    pub kind: FaultKind,
}

fn always() -> f64 {
    1.0
}

impl FaultRule {
    /// A rule that strikes every request.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { method: None, path: None, endpoint: None, skip: 0, count: None, probability: 1.0, kind }
    }

    /// The same, only for an endpoint by its whole name as in the ledger.
    #[must_use]
    pub fn at(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// The same, striking so many times after letting so many pass.
    #[must_use]
    pub fn times(mut self, skip: u64, count: u64) -> Self {
        (self.skip, self.count) = (skip, Some(count));
        self
    }
}

/// What happens to a request that a rule strikes. Spans are in seconds of the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Nothing is done; the answer has this status and body.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Body, sent as JSON; default: v2's error `ERR_UNKNOWN`.
        #[serde(default = "unknown_error")]
        body: String,
    },
    /// The request is carried out; the answer is an error all the same.
    CommitThenError {
        /// HTTP status, 5xx.
        status: u16,
    },
    /// Nothing is done; the answer is a web page with this status, as proxies in front of the API send.
    RefuseWithPage {
        /// HTTP status.
        status: u16,
    },
    /// Nothing is done; the connection closes without an answer.
    Cut,
    /// The request is carried out; the connection closes without an answer.
    CommitThenCut,
    /// The connection closes at once; the request is carried out later.
    CutThenCommit {
        /// How much later.
        #[serde(rename = "seconds", deserialize_with = "seconds", serialize_with = "as_seconds")]
        after: Duration,
    },
    /// The request waits, is then carried out and answered, whether or not the caller still listens.
    Hold {
        /// How long it waits.
        #[serde(rename = "seconds", deserialize_with = "seconds", serialize_with = "as_seconds")]
        wait: Duration,
    },
    /// The request is carried out at once; the answer comes late.
    AnswerLate {
        /// How late.
        #[serde(rename = "seconds", deserialize_with = "seconds", serialize_with = "as_seconds")]
        wait: Duration,
    },
    /// The request is carried out; the answer's JSON breaks off half-way, at its announced length.
    TruncatedJson,
    /// The request is carried out; the answer's body comes in pieces, the last one at the end of this span.
    SlowBody {
        /// How long the whole body takes.
        #[serde(rename = "seconds", deserialize_with = "seconds", serialize_with = "as_seconds")]
        wait: Duration,
    },
    /// The request is carried out; the answer is a web page with status 200.
    HtmlAnswer,
    /// Nothing is done, and the token that was sent is worth nothing from now on; `/standin/tokens` makes a new one.
    RevokeToken,
    /// Somebody deletes a custom field that the body names just before the request is carried out; without one, it is
    /// carried out as usual.
    DeleteField,
    /// Somebody deletes the record of the path just before the request is carried out.
    DeleteRecord,
    /// The request is carried out and answered; lists show it only after this span.
    Lag {
        /// How late lists show it.
        #[serde(rename = "seconds", deserialize_with = "seconds", serialize_with = "as_seconds")]
        lag: Duration,
    },
}

fn unknown_error() -> String {
    r#"{"success":false,"error":"Internal server error","code":"ERR_UNKNOWN"}"#.to_owned()
}

/// The rules in force, and how often each was met.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<(FaultRule, Met)>,
}

#[derive(Debug, Default)]
struct Met {
    matched: u64,
    struck: u64,
}

impl Faults {
    /// Rules that were never met.
    pub(super) fn new(rules: Vec<FaultRule>) -> Self {
        Self { rules: rules.into_iter().map(|rule| (rule, Met::default())).collect() }
    }

    /// Adds rules behind those in force.
    pub(super) fn extend(&mut self, rules: Vec<FaultRule>) {
        self.rules.extend(Self::new(rules).rules);
    }

    /// What happens to a request of an endpoint, by its method, path and label; `None`: nothing special.
    pub(super) fn strike(
        &mut self,
        random: &mut ChaCha8Rng,
        method: &str,
        path: &str,
        label: impl Fn() -> String,
    ) -> Option<FaultKind> {
        for (rule, met) in &mut self.rules {
            let matches = rule.method.as_deref().is_none_or(|own| own == method)
                && rule.path.as_deref().is_none_or(|own| path.starts_with(own))
                && rule.endpoint.as_deref().is_none_or(|own| own == label());
            if !matches {
                continue;
            }
            met.matched += 1;
            if met.matched <= rule.skip || rule.count.is_some_and(|count| met.struck >= count) {
                continue;
            }
            if rule.probability < 1.0 && random.random::<f64>() >= rule.probability {
                continue;
            }
            met.struck += 1;
            return Some(rule.kind.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn strikes(rules: Vec<FaultRule>, requests: &[(&str, &str)]) -> Vec<bool> {
        let mut faults = Faults::new(rules);
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut strike =
            |(method, path): &(&str, &str)| faults.strike(&mut random, method, path, || format!("{method} {path}"));
        requests.iter().map(|request| strike(request).is_some()).collect()
    }

    #[test]
    fn a_rule_strikes_what_it_names_and_as_often_as_it_says() {
        let posts = [("POST", "/api/v2/deals"); 4];
        let rule = || FaultRule::new(FaultKind::CommitThenCut);
        assert_eq!(strikes(vec![rule().times(1, 2)], &posts), [false, true, true, false]);
        assert_eq!(strikes(vec![rule().at("POST /api/v2/persons")], &posts), [false; 4]);
        assert_eq!(strikes(vec![rule().at("POST /api/v2/deals").times(0, 1)], &posts[..2]), [true, false]);
        let get = FaultRule { method: Some("GET".into()), path: Some("/api/v2".into()), ..rule() };
        assert_eq!(
            strikes(vec![get], &[("GET", "/api/v2/deals"), ("GET", "/v1/leads"), posts[0]]),
            [true, false, false]
        );
    }

    #[test]
    fn chance_is_seeded() {
        let rule = FaultRule { probability: 0.5, ..FaultRule::new(FaultKind::HtmlAnswer) };
        let requests = [("GET", "/"); 200];
        let first = strikes(vec![rule.clone()], &requests);
        assert_eq!(first, strikes(vec![rule], &requests));
        let struck = first.iter().filter(|struck| **struck).count();
        assert!((70..130).contains(&struck), "{struck} of 200");
    }

    #[test]
    fn rules_read_from_json() {
        let read = |text: &str| serde_json::from_str::<FaultRule>(text);
        let rule = read(r#"{"method":"POST","skip":2,"count":1,"kind":{"hold":{"seconds":1.5}}}"#).expect("a rule");
        assert_eq!(rule.kind, FaultKind::Hold { wait: Duration::from_millis(1500) });
        assert_eq!(read(r#"{"kind":"truncated_json"}"#).expect("a rule").kind, FaultKind::TruncatedJson);
        assert!(read(r#"{"kind":"nonsense"}"#).is_err());
        assert!(read(r#"{"kind":"html_answer","hurry":1}"#).is_err());
    }
}
