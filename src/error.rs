//! The one error type: a kind (who must act), a sentence (what was tried), and the source.
//!
//! [`Error::verdict`] is the only place that decides between waiting, parking a record and halting. A message never
//! repeats its source's text: the chain is printed once, by [`Error::chain`], where the error is handled.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Shorthand used everywhere.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who must act, and on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The far end cannot be reached, or answers nonsense. Nothing was written.
    Unreachable,
    /// The far end asks for a slower pace.
    RateLimited,
    /// The day's tokens are used up.
    DayBudget,
    /// The far end blocks us for going on through refusals.
    Blocked,
    /// The far end does not accept our credentials.
    Unauthorized,
    /// The far end refused this one request as it stands.
    Refused,
    /// The far end does not have (or no longer has) the record that this one request names.
    Gone,
    /// A plan limit of the Pipedrive account is reached.
    Capped,
    /// A write was sent and its outcome is unknown.
    InDoubt,
    /// The source's record cannot be made into a Pipedrive record.
    Record,
    /// A file or answer of the source cannot be read.
    Source,
    /// The source answers in another form than its profile says.
    Drift,
    /// The journal is damaged, foreign, newer, locked or full.
    Journal,
    /// Settings or arguments are wrong.
    Settings,
    /// A gate is closed.
    Gate,
    /// Fates do not add up, or another invariant of the migration is broken.
    Conservation,
    /// A stop was asked for.
    Stopped,
    /// A broken assumption of our own.
    Bug,
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Wait and do the same again. The hint is the least time to wait, if the far end gave one.
    Wait(Option<Duration>),
    /// Settle first: look whether the write happened, then decide.
    Settle,
    /// Set this record aside; the rest goes on.
    Park,
    /// Stop and call the operator, with a hint of what to do.
    Halt(&'static str),
}

/// The error of every fallible function of this crate.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with a short sentence that says what was tried and for which key.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), retry_after: None, source: None }))
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the time the far end asked us to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// Who must act.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The sentence without the chain below it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The sentence and everything below it, joined by `: `.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.0.message.clone();
        let mut below = self.source();
        while let Some(error) = below {
            text.push_str(": ");
            text.push_str(&error.to_string());
            below = error.source();
        }
        text
    }

    /// What to do. The one table of the program; no catch-all arm, so a new kind must be placed here.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.0.kind {
            Kind::Unreachable | Kind::RateLimited | Kind::DayBudget => Verdict::Wait(self.0.retry_after),
            Kind::InDoubt => Verdict::Settle,
            Kind::Refused | Kind::Gone | Kind::Record => Verdict::Park,
            Kind::Blocked => Verdict::Halt("Pipedrive blocks this token; wait and lower the pace before resuming"),
            Kind::Unauthorized => Verdict::Halt("renew the token, then resume"),
            Kind::Capped => Verdict::Halt("raise the plan limit or archive records, then resume"),
            Kind::Source => Verdict::Halt("check the source's address, files and credentials"),
            Kind::Drift => {
                Verdict::Halt("the source has changed: run crossdock discover again, or correct source.toml")
            }
            Kind::Journal => Verdict::Halt("check the journal's file, disk and permissions"),
            Kind::Settings => Verdict::Halt("correct the settings"),
            Kind::Gate => Verdict::Halt("approve the gate, then resume"),
            Kind::Conservation => Verdict::Halt("keep the journal and report this: records do not add up"),
            Kind::Stopped => Verdict::Halt("start again to go on"),
            Kind::Bug => Verdict::Halt("keep the journal and report this as a bug"),
        }
    }

    /// The exit code of a command that ends with this error (design: section 11).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.0.kind {
            Kind::Settings => 2,
            Kind::Gate => 4,
            _ => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.chain())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_told_once_and_in_order() {
        let error = Error::new(Kind::Journal, "opening journal.db").because(Error::new(Kind::Bug, "locked"));
        assert_eq!(error.chain(), "opening journal.db: locked");
        assert_eq!(error.to_string(), "opening journal.db");
    }

    #[test]
    fn a_wait_keeps_the_far_ends_hint() {
        let error = Error::new(Kind::RateLimited, "posting").retry_after(Some(Duration::from_secs(3)));
        assert_eq!(error.verdict(), Verdict::Wait(Some(Duration::from_secs(3))));
        assert_eq!(Error::new(Kind::Settings, "x").exit_code(), 2);
    }
}
