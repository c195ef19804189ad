//! The preflight: whether our user sees and may do what a migration needs, and what else in the account matters to it.
//!
//! What can be read is looked at before the plan is approved and stands in it. What only a write can prove is proved by a
//! record that is made, listed and deleted once the plan is approved. What no call can tell, a person confirms.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Report;
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, counted, number};
use crate::record::named_enum;

named_enum! {
    /// How a check came out.
    Outcome {
        /// As it should be.
        Good = "good",
        /// Somebody should know.
        Look = "look",
        /// Nothing can be made before it is solved.
        Blocks = "blocks",
        /// Pipedrive does not tell.
        Unknown = "unknown",
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is about.
    pub about: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What is so, as sentences.
    pub says: String,
}

impl Check {
    /// A check that came out in some way.
    #[must_use]
    pub fn new(about: &str, outcome: Outcome, says: impl Into<String>) -> Self {
        Self { about: about.to_owned(), outcome, says: says.into() }
    }
}

/// The check of currencies. What it says of each stands with its ways out among what the account has already, too.
pub const CURRENCIES: &str = "Currencies";

/// Who confirmed the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirmed {
    /// The person who approved the plan.
    pub by: String,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Preflight {
    /// What was read.
    pub checks: Vec<Check>,
    /// What no call can tell: whoever approves the plan confirms it.
    pub to_confirm: Vec<String>,
    /// What was proved by a throw-away record; empty before the plan is approved.
    pub proved: Vec<Check>,
    /// Who confirmed; `None` before the plan is approved.
    pub confirmed: Option<Confirmed>,
}

impl Preflight {
    /// The checks that stand in the way.
    pub fn blocking(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().chain(&self.proved).filter(|check| check.outcome == Outcome::Blocks)
    }

    /// What was read, and what is to be confirmed, as sections of a page.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        let by = match &self.confirmed {
            Some(confirmed) => format!("Confirmed by {}, who approved the plan.", confirmed.by),
            None => "Whoever approves the plan confirms this with their name.".to_owned(),
        };
        let items = self.to_confirm.iter().map(|item| Row::new(vec![Cell::words(item)])).collect();
        vec![
            Section::new("Whether the account is ready", CHECKS_INTRO, checks_table(&self.checks, "Nothing.")),
            Section::new("To be confirmed by a person", by, Table::new(&["What must be so"], items, "Nothing.")),
        ]
    }

    /// The proof, as a section of a page.
    #[must_use]
    pub fn proof(&self) -> Section {
        Section::new("Proved by a throw-away record", PROOF_INTRO, checks_table(&self.proved, "Not yet."))
    }

    fn count(&self, outcome: Outcome) -> u64 {
        self.checks.iter().chain(&self.proved).filter(|check| check.outcome == outcome).count() as u64
    }
}

fn checks_table(checks: &[Check], empty: &'static str) -> Table {
    let row = |check: &Check| {
        let (state, tone) = match check.outcome {
            Outcome::Good => ("good", Tone::Good),
            Outcome::Look => ("look", Tone::Attention),
            Outcome::Blocks => ("blocks the plan", Tone::Bad),
            Outcome::Unknown => ("not told", Tone::Attention),
        };
        Row::new(vec![Cell::words(&check.about), Cell::words(&check.says), Cell::text(state).tone(tone)])
    };
    Table::new(&["About", "What is so", ""], checks.iter().map(row).collect(), empty)
}

impl Report for Preflight {
    fn page(&self) -> Page {
        let (blocks, looks) = (self.count(Outcome::Blocks), self.count(Outcome::Look) + self.count(Outcome::Unknown));
        let (says, tone) = match (blocks, self.confirmed.is_some()) {
            (0, true) => ("The account is ready; reading, writing and deleting were proved.".to_owned(), Tone::Good),
            (0, false) => ("Nothing that can be read stands in the way of the migration.".to_owned(), Tone::Plain),
            (count, _) => {
                let things = counted(count, "thing stands", "things stand");
                (format!("{things} in the way: nothing is made before they are solved."), Tone::Bad)
            }
        };
        let mut sections = self.sections();
        sections.insert(1, self.proof());
        Page {
            title: "Preflight".to_owned(),
            says,
            tone,
            figures: vec![
                Figure::new("Checks", number((self.checks.len() + self.proved.len()) as u64)),
                Figure::zero_is_good("In the way", blocks, Tone::Bad),
                Figure::zero_is_good("To look at", looks, Tone::Attention),
            ],
            sections,
        }
    }
}

const CHECKS_INTRO: &str = "Read from the account without changing anything.";
const PROOF_INTRO: &str = "One organization is made, found in the list and deleted again, before anything else is made. Pipedrive \
    keeps it among its deleted items for 30 days.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_blocks_is_said_first_and_a_proof_needs_an_approval() {
        let mut preflight = Preflight {
            checks: vec![
                Check::new("Access", Outcome::Blocks, "No administrator."),
                Check::new("x", Outcome::Good, ""),
            ],
            to_confirm: vec!["Automations are paused.".to_owned()],
            ..Preflight::default()
        };
        assert_eq!(preflight.blocking().count(), 1);
        assert_eq!(preflight.page().tone, Tone::Bad);
        preflight.checks.remove(0);
        assert!(preflight.page().says.starts_with("Nothing that can be read"));
        preflight.confirmed = Some(Confirmed { by: "Ada".to_owned() });
        let page = preflight.page();
        assert_eq!(page.tone, Tone::Good);
        assert!(page.sections[2].intro.contains("Confirmed by Ada"), "{:?}", page.sections[2]);
    }
}
