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
    /// Ids by e-mail address and by name, folded; `None` where several owners are called so. Not part of the mapping file.
    called: HashMap<String, Option<String>>,
}

impl Default for Owners {
    fn default() -> Self {
        Self {
            match_by: MatchBy::Email,
            original_field: None,
            decisions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            names: HashMap::new(),
            called: HashMap::new(),
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

    /// Tells by what else than their ids rows may name owners: e-mail addresses and names. Call it once, before the first
    /// record.
    pub fn set_called<'o>(&mut self, owners: impl IntoIterator<Item = (&'o str, [&'o str; 2])>) {
        self.called.clear();
        for (id, names) in owners {
            for name in names.into_iter().filter(|name| !name.trim().is_empty()) {
                let known = self.called.entry(fold_name(name)).or_insert_with(|| Some(id.to_owned()));
                if known.as_ref().is_some_and(|known| known != id) {
                    *known = None;
                }
            }
        }
    }

    /// The id of the owner that a row names: by its id, or by an address or name that only one owner has.
    #[must_use]
    pub fn id_of<'o>(&'o self, written: &'o str) -> &'o str {
        if self.names.contains_key(written) {
            return written;
        }
        self.called.get(&fold_name(written)).and_then(Option::as_deref).unwrap_or(written)
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
    fn an_owner_is_known_by_an_address_or_name_that_is_its_own() {
        let mut owners = Owners::default();
        owners.set_names([("a".to_owned(), "Ada Li".to_owned()), ("Bo Ek".to_owned(), "odd id".to_owned())]);
        owners.set_called([("a", ["ada@x.test", "Ada Li"]), ("b", ["", "Bo Ek"]), ("c", ["c@x.test", "Bo Ek"])]);
        let check = |written: &str, expected: &str| assert_eq!(owners.id_of(written), expected);
        check("a", "a");
        check("ADA@x.test", "a");
        check("ada  li", "a");
        check("c@x.test", "c");
        check("bo ek", "bo ek");
        check("Bo Ek", "Bo Ek");
        check("nobody", "nobody");
    }

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
