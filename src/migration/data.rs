//! The *data* gate: mapping, decisions and what the survey found are approved before anything is planned from them.
//!
//! New rows under approved rules do not close it. More rejected or waiting records than were approved, by a number in the
//! settings, do: then a rule that was right for the data of last week is not right for that of today.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Migration;
use super::gates::Artefact;
use super::survey::Needs;
use crate::error::Result;
use crate::journal::Troubled;
use crate::permit::Gate;

/// Where the journal keeps the [`Approved`].
const APPROVED: &str = "data_approved";

/// What the approval of the data is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Approved {
    /// Digest of the mapping, which holds rules and decisions.
    mapping: String,
    /// Roles that are rejected or wait.
    troubled: u64,
}

impl Migration {
    /// Waits until the data is approved as it is, give or take what the settings allow.
    pub(super) async fn pass_data(&self) -> Result<()> {
        let needs = self.needs().await?;
        self.pass(Gate::Data, self.data_artefact(&needs).await?).await.map(drop)
    }

    /// What lies before the gate: the same as long as the rules are and not many more records are in trouble.
    pub(super) async fn data_artefact(&self, needs: &Needs) -> Result<Artefact> {
        // Before the load the survey's expectation counts, later what came of it.
        let is_loading = self.journal.phase("load").await?.is_some();
        let expected = expected(needs);
        let troubled = if is_loading {
            self.journal.troubled(Troubled::All).await?
        } else {
            expected.values().sum::<u64>() + self.journal.troubled(Troubled::Rows).await?
        };
        let known: Option<Approved> = self.fact(APPROVED).await?;
        let stands = known.filter(|known| {
            known.mapping == self.mapping.digest()
                && troubled <= known.troubled.saturating_add(self.config.new_problems)
        });
        let approved = match stands {
            Some(known) => known,
            None => {
                let new = Approved { mapping: self.mapping.digest().to_owned(), troubled };
                self.put_json(APPROVED, &new).await?;
                new
            }
        };
        let mut lines = vec![
            format!("mapping with its rules and decisions: {}", approved.mapping),
            format!("rejected or waiting: {}", approved.troubled),
        ];
        lines.extend(expected.iter().map(|(what, count)| format!("expected by the survey, {what}: {count}")));
        let digest = blake3::hash(format!("{} {}", approved.mapping, approved.troubled).as_bytes());
        Ok(Artefact { digest: digest.to_hex().to_string(), content: lines.join("\n") })
    }
}

/// What the survey expects to be in trouble, by what it is.
fn expected(needs: &Needs) -> BTreeMap<String, u64> {
    let mut expected = BTreeMap::new();
    let mut add = |what: String, count: u64| {
        if count > 0 {
            *expected.entry(what).or_default() += count;
        }
    };
    for (what, count) in &needs.without_record {
        if ["rejected", "parked"].iter().any(|fate| what.ends_with(fate)) {
            add(what.clone(), *count);
        }
    }
    for (kind, count) in &needs.lost {
        add(format!("{kind} without what it belongs to"), *count);
    }
    for (owner, kinds) in &needs.waiting {
        add(format!("records that wait for a user for owner {owner}"), kinds.values().sum());
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_will_not_get_across_is_expected() {
        let counts = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let needs = Needs {
            without_record: counts(&[
                ("person rejected", 3),
                ("person merged", 9),
                ("deal parked", 1),
                ("deal skipped", 5),
            ]),
            lost: counts(&[("note", 2)]),
            waiting: [("u_17".to_owned(), counts(&[("deal", 4), ("note", 1)]))].into_iter().collect(),
            ..Needs::default()
        };
        let expected = expected(&needs);
        assert_eq!(expected.values().sum::<u64>(), 3 + 1 + 2 + 5);
        assert_eq!(expected["records that wait for a user for owner u_17"], 5);
    }
}
