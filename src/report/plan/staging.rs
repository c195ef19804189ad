//! What a plan says of the staging company that takes the workspace and the sample before the company itself does.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::report::page::{Cell, Row, Section, Table, Tone, number};

/// The staging company's part of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagingPlan {
    /// Its name.
    pub company: String,
    /// Its id.
    pub company_id: String,
    /// What is made there, and what is there already: one line for each thing.
    pub lines: Vec<String>,
    /// Records of the sample at the least; what they belong to comes along.
    pub records: u64,
    /// Tokens of the staging company that this takes at the least.
    pub tokens: u64,
    /// What is in the way there, in words.
    pub blockers: Vec<String>,
}

impl StagingPlan {
    /// Name and id.
    #[must_use]
    pub fn called(&self) -> String {
        format!("{} ({})", self.company, self.company_id)
    }

    /// What is in the way there, with where it is.
    pub(super) fn blocking(&self) -> impl Iterator<Item = String> {
        self.blockers.iter().map(|blocker| format!("Staging company {}: {blocker}", self.company))
    }

    /// What an approval is about, one line for each thing.
    pub(super) fn approved_lines(&self) -> impl Iterator<Item = String> {
        let first = format!("company of staging, which takes workspace and sample first: {}", self.called());
        let in_staging = |line: &String| format!("in staging, {line}");
        [first].into_iter().chain(self.lines.iter().map(in_staging))
    }

    /// The same in one sentence.
    pub(super) fn says(&self) -> String {
        format!(
            "{} takes the workspace and the sample first: {} records and what they belong to, for at least {} of its own tokens",
            self.called(),
            number(self.records),
            number(self.tokens)
        )
    }

    /// The section of the page.
    pub(super) fn section(&self) -> Section {
        let line = |line: &String| Row::new(vec![Cell::words(line), Cell::text("")]);
        let blocker = |line: &String| Row::new(vec![Cell::words(line), Cell::text("blocks the plan").tone(Tone::Bad)]);
        let rows = self.blockers.iter().map(blocker).chain(self.lines.iter().map(line)).collect();
        let intro = format!(
            "{}. Approving the plan unlocks both, there only; in the company itself nothing is made before the sample, as \
             it is there, is approved. Owners without a user there are stood in for by the user of the token.",
            self.says()
        );
        Section::new("In the staging company first", intro, Table::new(&["What", ""], rows, "Nothing is made."))
    }
}

impl Plan {
    /// The plan with a staging company that goes first.
    #[must_use]
    pub fn by_way_of(self, staging: Option<StagingPlan>) -> Self {
        Self { staging, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::tests::input;

    #[test]
    fn a_staging_company_is_part_of_what_is_approved_and_may_be_in_the_way() {
        let staging = StagingPlan {
            company: "Acme Staging".into(),
            company_id: "42".into(),
            lines: vec!["lead label: New".into()],
            records: 60,
            tokens: 1_200,
            blockers: Vec::new(),
        };
        let without = Plan::build(input());
        let with = without.clone().by_way_of(Some(staging.clone()));
        assert_ne!(without.digest().expect("a digest"), with.digest().expect("a digest"));
        let new: Vec<String> = with.lines().into_iter().filter(|line| !without.lines().contains(line)).collect();
        assert_eq!(
            new,
            [
                "company of staging, which takes workspace and sample first: Acme Staging (42)",
                "in staging, lead label: New"
            ]
        );
        assert!(with.text().contains("Staging       Acme Staging (42) takes the workspace"), "{}", with.text());
        let blocked = StagingPlan { blockers: vec!["Currency 'XTS': not known.".into()], ..staging };
        let blocked = without.by_way_of(Some(blocked));
        assert_eq!(blocked.blockers(), ["Staging company Acme Staging: Currency 'XTS': not known."]);
    }
}
