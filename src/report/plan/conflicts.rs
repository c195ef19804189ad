//! What the account has already that concerns what the mapping needs: what is in the way, and what a person should know.
//!
//! Nothing here is solved by the program: whoever owns the account or the mapping chooses one of the ways out.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Plan, StagingPlan};
use crate::record::named_enum;
use crate::report::page::{Cell, Row, Section, Table, Tone, number};
use crate::report::preflight::CURRENCIES;

named_enum! {
    /// What the account has of something that the migration needs.
    Found {
        /// Nothing: it will be made.
        New = "new",
        /// Something of that name and kind, which will be used as it is.
        There = "there",
        /// What this migration made itself, at an earlier start.
        Ours = "ours",
        /// Something of that name that cannot be used.
        InTheWay = "in_the_way",
    }
}

impl Found {
    /// Whether it need not be made.
    #[must_use]
    pub const fn is_there(self) -> bool {
        matches!(self, Found::There | Found::Ours)
    }

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Found::New => "new",
            Found::There => "there already, used as it is",
            Found::Ours => "made by us earlier",
            Found::InTheWay => "in the way",
        }
    }
}

/// Something that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// What it is: `Custom field of deals`, `Pipeline`, `Currency`.
    pub about: String,
    /// Its name, as the mapping or the data have it.
    pub name: String,
    /// What is so, as sentences.
    pub says: String,
    /// What can be done about it; empty when nothing must be.
    pub ways: Vec<String>,
    /// Whether nothing can be made before it is solved.
    pub blocks: bool,
}

impl Conflict {
    /// Something that people should know.
    #[must_use]
    pub fn notice(about: impl Into<String>, name: &str, says: impl Into<String>) -> Self {
        Self { about: about.into(), name: name.to_owned(), says: says.into(), ways: Vec::new(), blocks: false }
    }

    /// Something that must be solved first.
    #[must_use]
    pub fn block(about: impl Into<String>, name: &str, says: impl Into<String>) -> Self {
        Self { blocks: true, ..Self::notice(about, name, says) }
    }

    /// Adds a way out.
    #[must_use]
    pub fn way(mut self, way: impl Into<String>) -> Self {
        self.ways.push(way.into());
        self
    }

    /// In one line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!("{} '{}': {}", self.about, self.name, self.says);
        if !self.ways.is_empty() {
            line.push_str(" Either ");
            line.push_str(&self.ways.join(", or "));
            line.push('.');
        }
        line
    }
}

impl Plan {
    /// Why nothing may be made yet, one reason a line, in words; empty when the plan can be approved. Each is solved in the
    /// mapping, in the account or in its plan, and needs a new look at the account.
    #[must_use]
    pub fn blockers(&self) -> Vec<String> {
        let conflicts = self.conflicts.iter().filter(|conflict| conflict.blocks).map(Conflict::line);
        let caps = self.caps.iter().filter(|cap| cap.blocks).map(|cap| {
            let (there, added) = (cap.existing.unwrap_or_default(), number(cap.added));
            let allowed = cap.allowed.map_or_else(|| "?".to_owned(), number);
            format!("{}: {} there, {added} added, {allowed} allowed. {}", cap.what, number(there), cap.advice)
        });
        // Currencies are named one by one among the conflicts.
        let checks = self.preflight.blocking().filter(|check| check.about != CURRENCIES);
        let checks = checks.map(|check| format!("{}: {}", check.about, check.says));
        let staging = self.staging.iter().flat_map(StagingPlan::blocking);
        checks.chain(conflicts).chain(caps).chain(staging).collect()
    }
}

/// The table of what is there, what blocks first.
pub(super) fn section(conflicts: &[Conflict]) -> Section {
    let mut sorted: Vec<&Conflict> = conflicts.iter().collect();
    sorted.sort_by_key(|conflict| !conflict.blocks);
    let row = |conflict: &&Conflict| {
        let state = if conflict.blocks { ("blocks the plan", Tone::Bad) } else { ("for information", Tone::Plain) };
        Row::new(vec![
            Cell::text(&*conflict.about),
            Cell::words(&conflict.name),
            Cell::words(&conflict.says),
            Cell::words(&conflict.ways.join("; or ")),
            Cell::text(state.0).tone(state.1),
        ])
    };
    let columns = ["What", "Name", "What is so", "Ways out", ""];
    let table = Table::new(&columns, sorted.iter().map(row).collect(), "Nothing: no name of ours is taken.");
    Section::new("What the account has already", INTRO, table)
}

const INTRO: &str = "Nothing that is there is changed, renamed or deleted, and nothing is made twice: names that people would \
    call the same (case and spaces aside) count as the same. What blocks the plan must be solved before anything is made.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_so_and_what_can_be_done() {
        let conflict = Conflict::block("Custom field of deals", "Rush", "It is a text there.")
            .way("rename ours in the mapping")
            .way("rename theirs");
        assert_eq!(
            conflict.line(),
            "Custom field of deals 'Rush': It is a text there. Either rename ours in the mapping, or rename theirs."
        );
        assert_eq!(Conflict::notice("Pipeline", "Orders", "Used.").line(), "Pipeline 'Orders': Used.");
    }
}
