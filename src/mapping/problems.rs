//! Collects everything wrong with a mapping, each with its place, so that one reading shows all of it.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Value;

use crate::error::{Error, Kind};

/// One thing wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `object client, organization, field 3 (name)`.
    pub place: String,
    /// The value as written; empty when something is missing.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{}: {}", self.place, self.reason)
        } else {
            write!(f, "{}: {:?} {}", self.place, self.value, self.reason)
        }
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    pub(super) fn add(&mut self, place: &str, value: impl Into<String>, reason: impl Into<String>) {
        self.found.push(Problem { place: place.to_owned(), value: value.into(), reason: reason.into() });
    }

    /// Reads one section; a mistake in it becomes a problem.
    pub(super) fn read<T: DeserializeOwned>(&mut self, place: &str, section: Value) -> Option<T> {
        match section.try_into() {
            Ok(read) => Some(read),
            Err(error) => {
                let reason = error.to_string();
                self.add(place, "", reason.trim().replace('\n', " "));
                None
            }
        }
    }

    /// Keeps the value, or notes why there is none.
    pub(super) fn take<T>(&mut self, place: &str, value: &str, read: Result<T, impl fmt::Display>) -> Option<T> {
        read.map_err(|reason| self.add(place, value, reason.to_string())).ok()
    }

    /// The problems themselves.
    pub(super) fn into_found(self) -> Vec<Problem> {
        self.found
    }

    /// The error that tells all problems; `None` when there are none.
    pub(super) fn into_error(self, name: &str) -> Option<Error> {
        if self.found.is_empty() {
            return None;
        }
        let count = self.found.len();
        let lines: Vec<String> = self.found.iter().map(|problem| format!("  {problem}")).collect();
        let noun = if count == 1 { "problem" } else { "problems" };
        Some(Error::new(Kind::Settings, format!("{name} has {count} {noun}:\n{}", lines.join("\n"))))
    }
}
