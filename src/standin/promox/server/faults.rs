//! Faults by rule: the n-th to m-th request of a path is answered badly.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// A rule: of the requests whose path starts with `path`, the first `skip` are answered well, the next `count` badly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Start of the path: `/api/v1/projects`; `/` means every request.
    pub path: String,
    /// Matching requests that are answered well first. Default 0.
    #[serde(default)]
    pub skip: u32,
    /// Matching requests that meet the fault. Default 1.
    #[serde(default = "once")]
    pub count: u32,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// What goes wrong. In JSON: `"html"`, `{"status": 503}`, `{"hold": 30}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// An error answer with this status, 400 to 599, usually 500 or 503.
    Status(u16),
    /// A page for people instead of JSON, with status 200, as a proxy or login wall gives it.
    Html,
    /// Half of the JSON text, as if that were all.
    TruncatedJson,
    /// The connection ends in the middle of the answer.
    Cut,
    /// The right answer, so many seconds late.
    Hold(u64),
    /// 429 with a `Retry-After` of so many seconds.
    RetryAfter(u64),
}

fn once() -> u32 {
    1
}

/// A rule and how many matching requests it has seen.
pub(super) struct Armed {
    fault: Fault,
    seen: u32,
}

impl Armed {
    pub(super) fn new(fault: Fault) -> Result<Self> {
        if let FaultKind::Status(status) = fault.kind
            && !(400..600).contains(&status)
        {
            let message = format!("a fault answers with a status of 400 to 599, not {status}");
            return Err(Error::new(Kind::Settings, message));
        }
        Ok(Self { fault, seen: 0 })
    }
}

/// The fault that a request of this path meets: that of the first rule in force. All matching rules count the request.
pub(super) fn met(faults: &mut [Armed], path: &str) -> Option<FaultKind> {
    let mut met = None;
    for armed in faults.iter_mut().filter(|armed| path.starts_with(&armed.fault.path)) {
        let place = armed.seen;
        armed.seen = armed.seen.saturating_add(1);
        let until = armed.fault.skip.saturating_add(armed.fault.count);
        if (armed.fault.skip..until).contains(&place) && met.is_none() {
            met = Some(armed.fault.kind);
        }
    }
    met
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed(path: &str, skip: u32, count: u32, kind: FaultKind) -> Armed {
        Armed::new(Fault { path: path.to_owned(), skip, count, kind }).expect("a valid fault")
    }

    #[test]
    fn a_rule_skips_then_strikes_then_rests() {
        let mut faults = [armed("/api/v1/projects", 1, 2, FaultKind::Html), armed("/", 3, 1, FaultKind::Cut)];
        let seen: Vec<_> = ["clients", "projects", "projects", "projects", "projects"]
            .map(|object| met(&mut faults, &format!("/api/v1/{object}")))
            .into();
        assert_eq!(seen, [None, None, Some(FaultKind::Html), Some(FaultKind::Html), None]);
    }

    #[test]
    fn rules_read_from_json() {
        let fault: Fault = serde_json::from_str(r#"{"path": "/", "kind": {"status": 503}}"#).expect("a valid rule");
        assert_eq!(fault, Fault { path: "/".to_owned(), skip: 0, count: 1, kind: FaultKind::Status(503) });
        assert!(serde_json::from_str::<Fault>(r#"{"path": "/", "kind": "html", "times": 2}"#).is_err());
        let wrong = Fault { kind: FaultKind::Status(200), ..fault };
        assert_eq!(Armed::new(wrong).map(|_| ()).map_err(|error| error.kind()), Err(Kind::Settings));
    }
}
