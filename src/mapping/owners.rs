//! How the source's owners become Pipedrive users.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{fold_name, named_enum};

named_enum! {
    /// What an owner and a user are compared by.
    MatchBy {
        /// The e-mail address, without case.
        Email = "email",
        /// The whole name, compared as [`fold_name`] does.
        Name = "name",
    }
}

/// What the customer decided about one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerDecision {
    /// It is the user with this e-mail address; nothing else is kept.
    Match(String),
    /// Its records go to the user with this e-mail address; its name is kept in [`Owners::original_field`].
    Reassign(String),
    /// A user with this e-mail address will be made; its records wait until then, and the user is it.
    Provision(String),
    /// Its records wait until a user appears. What is done without a decision.
    Park,
}

/// The `[owners]` of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Owners {
    /// What owners and users are compared by.
    pub match_by: MatchBy,
    /// Custom field of organizations, persons and deals that keeps a reassigned owner's name.
    pub original_field: Option<String>,
    /// Decisions, by the owner's id in the source.
    pub decisions: BTreeMap<String, OwnerDecision>,
    /// By the folded name or e-mail address: how it is written, and the one to look for instead.
    aliases: BTreeMap<String, (String, String)>,
    /// Names of owners by id, for templates. Not part of the mapping file.
    names: HashMap<String, String>,
}

impl Default for Owners {
    fn default() -> Self {
        Self {
            match_by: MatchBy::Email,
            original_field: None,
            decisions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            names: HashMap::new(),
        }
    }
}

impl Owners {
    /// Adds an alias: where the owner's e-mail address or name is `written`, look for the user `meant`.
    pub fn add_alias(&mut self, written: &str, meant: &str) {
        self.aliases.insert(fold_name(written), (written.to_owned(), meant.to_owned()));
    }

    /// The e-mail address or name to look for among the users, after the aliases.
    #[must_use]
    pub fn look_for<'o>(&'o self, email_or_name: &'o str) -> &'o str {
        self.aliases.get(&fold_name(email_or_name)).map_or(email_or_name, |(_, meant)| meant)
    }

    /// The aliases: what is written at the source, and the e-mail address or name to look for instead.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.aliases.values().map(|(written, meant)| (written.as_str(), meant.as_str()))
    }

    /// The decision about an owner, by its id in the source.
    #[must_use]
    pub fn decision(&self, owner_id: &str) -> &OwnerDecision {
        self.decisions.get(owner_id).unwrap_or(&OwnerDecision::Park)
    }

    /// Tells the names of owners by id, so that templates can show them. Call it once, before the first record.
    pub fn set_names(&mut self, names: impl IntoIterator<Item = (String, String)>) {
        self.names = names.into_iter().collect();
    }

    /// The owner's name, or the reference itself where no name was told.
    #[must_use]
    pub fn display_name<'o>(&'o self, owner_id: &'o str) -> &'o str {
        self.names.get(owner_id).map_or(owner_id, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_decisions() {
        let mut owners = Owners::default();
        owners.add_alias("Old@X.org", "new@x.org");
        owners.decisions.insert("u_2".to_owned(), OwnerDecision::Reassign("boss@x.org".to_owned()));
        assert_eq!(owners.look_for("old@x.org "), "new@x.org");
        assert_eq!(owners.look_for("other@x.org"), "other@x.org");
        assert_eq!(owners.decision("u_2"), &OwnerDecision::Reassign("boss@x.org".to_owned()));
        assert_eq!(owners.decision("u_3"), &OwnerDecision::Park);
    }
}
