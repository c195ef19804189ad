//! Which Pipedrive user stands for each owner of the source.

use std::collections::{HashMap, HashSet};

use crate::mapping::owners::{MatchBy, OwnerDecision, Owners};
use crate::pipedrive::User;
use crate::record::fold_name;

/// An owner of the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceOwner {
    /// Its id in the source.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its e-mail address; empty when the source has none.
    pub email: String,
}

/// Whom the records of an owner go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// To this user.
    User(i64),
    /// To this user, by decision; the owner's own name is kept in a field.
    Reassigned(i64, String),
    /// To nobody yet, for this reason.
    Waits(String),
}

/// Assignments by the owner's id in the source.
#[derive(Debug, Clone, Default)]
pub struct OwnerBook {
    assignments: HashMap<String, Assignment>,
    /// Owners who wait because the user they would be is deactivated.
    deactivated: HashSet<String>,
    /// Owners for whom somebody stands in.
    stood_in: HashSet<String>,
}

impl OwnerBook {
    /// Matches every owner of the source to the users of the account.
    #[must_use]
    pub fn new(owners: &[SourceOwner], rules: &Owners, users: &[User]) -> Self {
        let assignments = owners.iter().map(|owner| (owner.id.clone(), assign(owner, rules, users)));
        // Would there be a user if the deactivated ones were not?
        let all: Vec<User> = users.iter().map(|user| User { active: true, ..user.clone() }).collect();
        let assignments: HashMap<String, Assignment> = assignments.collect();
        let is_off = |owner: &&SourceOwner| {
            matches!(assignments[&owner.id], Assignment::Waits(_))
                && !matches!(assign(owner, rules, &all), Assignment::Waits(_))
        };
        let deactivated = owners.iter().filter(is_off).map(|owner| owner.id.clone()).collect();
        Self { assignments, deactivated, stood_in: HashSet::new() }
    }

    /// The same in a staging company, where not everybody has a user: whoever has one in the `real` company and none here
    /// is stood in for by this user. Who has none there either waits here as there.
    #[must_use]
    pub fn stand_in(mut self, real: &Self, user: i64) -> Self {
        for (owner, assignment) in &mut self.assignments {
            if !matches!(assignment, Assignment::Waits(_)) {
                continue;
            }
            *assignment = match real.assignment(owner) {
                Assignment::Waits(why) => Assignment::Waits(why),
                Assignment::User(_) => Assignment::User(user),
                Assignment::Reassigned(_, original) => Assignment::Reassigned(user, original),
            };
            if !matches!(assignment, Assignment::Waits(_)) {
                self.stood_in.insert(owner.clone());
            }
        }
        self
    }

    /// Whether somebody stands in for an owner.
    #[must_use]
    pub fn is_stood_in(&self, owner_id: &str) -> bool {
        self.stood_in.contains(owner_id)
    }

    /// Whether an owner waits only because the user it would be is deactivated.
    #[must_use]
    pub fn is_deactivated(&self, owner_id: &str) -> bool {
        self.deactivated.contains(owner_id)
    }

    /// Whom the records of an owner go to.
    #[must_use]
    pub fn assignment(&self, owner_id: &str) -> Assignment {
        let unknown = || Assignment::Waits(format!("owner {owner_id} is not among the source's owners"));
        self.assignments.get(owner_id).cloned().unwrap_or_else(unknown)
    }
}

fn assign(owner: &SourceOwner, rules: &Owners, users: &[User]) -> Assignment {
    let by_email = |email: &str| {
        let found = users.iter().find(|user| user.active && fold_name(&user.email) == fold_name(email));
        found.and_then(|user| user.id.parse().ok())
    };
    let called = if owner.name.is_empty() { &owner.id } else { &owner.name };
    match rules.decision(&owner.id) {
        OwnerDecision::Match(email) => match by_email(email) {
            Some(user) => Assignment::User(user),
            None => Assignment::Waits(format!("owner {called} was matched to {email}, who is no active user")),
        },
        OwnerDecision::Provision(email) => match by_email(email) {
            Some(user) => Assignment::User(user),
            None => Assignment::Waits(format!("owner {called} waits until the user {email} is made and active")),
        },
        OwnerDecision::Reassign(email) => match by_email(email) {
            Some(user) => Assignment::Reassigned(user, called.clone()),
            None => Assignment::Waits(format!("owner {called} was reassigned to {email}, who is no active user")),
        },
        OwnerDecision::Park => {
            let user = match rules.match_by {
                MatchBy::Email if owner.email.is_empty() => None,
                MatchBy::Email => by_email(rules.look_for(&owner.email)),
                MatchBy::Name => by_name(users, rules.look_for(called)),
            };
            user.map_or_else(
                || Assignment::Waits(format!("owner {called} has no active Pipedrive user")),
                Assignment::User,
            )
        }
    }
}

/// A name must be one user's only: two of the same name are nobody's.
fn by_name(users: &[User], name: &str) -> Option<i64> {
    let name = fold_name(name);
    let mut found = users.iter().filter(|user| user.active && fold_name(&user.name) == name);
    match (found.next(), found.next()) {
        (Some(user), None) => user.id.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, name: &str, email: &str, active: bool) -> User {
        User { id: id.into(), name: name.into(), email: email.into(), active, admin: false }
    }

    #[test]
    fn owners_match_by_rule_alias_and_decision() {
        let users = [
            user("1", "Ada", "ada@x.test", true),
            user("2", "Bo", "bo@x.test", false),
            user("3", "Cy", "cy@x.test", true),
        ];
        let owner =
            |id: &str, email: &str| SourceOwner { id: id.into(), name: format!("Name {id}"), email: email.into() };
        let owners =
            [owner("a", " ADA@x.test"), owner("b", "bo@x.test"), owner("c", "old@x.test"), owner("d", "d@x.test")];
        let mut rules = Owners::default();
        rules.add_alias("old@x.test", "cy@x.test");
        rules.decisions.insert("d".into(), OwnerDecision::Reassign("ada@x.test".into()));
        let book = OwnerBook::new(&owners, &rules, &users);
        assert_eq!(book.assignment("a"), Assignment::User(1));
        assert!(matches!(book.assignment("b"), Assignment::Waits(_)), "deactivated users own nothing new");
        assert!(book.is_deactivated("b") && !book.is_deactivated("a") && !book.is_deactivated("d"));
        assert_eq!(book.assignment("c"), Assignment::User(3));
        assert_eq!(book.assignment("d"), Assignment::Reassigned(1, "Name d".into()));
        assert!(matches!(book.assignment("nobody"), Assignment::Waits(_)));
    }

    #[test]
    fn in_staging_somebody_stands_in_for_who_has_a_user_in_the_real_company_only() {
        let owner = |id: &str| SourceOwner { id: id.into(), name: format!("Name {id}"), email: format!("{id}@x.test") };
        let owners = [owner("a"), owner("b"), owner("c"), owner("d")];
        let mut rules = Owners::default();
        rules.decisions.insert("d".into(), OwnerDecision::Reassign("a@x.test".into()));
        let real = [user("1", "A", "a@x.test", true), user("2", "B", "b@x.test", true)];
        let staging = [user("71", "B", "b@x.test", true)];
        let book = |users: &[User]| OwnerBook::new(&owners, &rules, users);
        let there = book(&staging).stand_in(&book(&real), 70);
        assert_eq!(there.assignment("a"), Assignment::User(70));
        assert_eq!(there.assignment("b"), Assignment::User(71));
        assert!(matches!(there.assignment("c"), Assignment::Waits(_)), "nobody in the real company either");
        assert_eq!(there.assignment("d"), Assignment::Reassigned(70, "Name d".into()));
        let stood_in: Vec<bool> = ["a", "b", "c", "d"].iter().map(|id| there.is_stood_in(id)).collect();
        assert_eq!(stood_in, [true, false, false, true]);
    }

    #[test]
    fn a_name_of_two_users_matches_neither() {
        let users =
            [user("1", "Ada Li", "a@x.test", true), user("2", "ada  li", "b@x.test", true), user("3", "Bo", "", true)];
        let mut rules = Owners::default();
        rules.match_by = MatchBy::Name;
        let owner = |name: &str| SourceOwner { id: name.into(), name: name.into(), email: String::new() };
        let book = OwnerBook::new(&[owner("Ada Li"), owner("bo")], &rules, &users);
        assert!(matches!(book.assignment("Ada Li"), Assignment::Waits(_)));
        assert_eq!(book.assignment("bo"), Assignment::User(3));
    }
}
