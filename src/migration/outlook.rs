//! What the survey expects of each draft: whether it will be made at the load, or held back because an owner has no user
//! or because what it belongs to is not there. A forecast without this prices records that nobody will make yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::Result;
use crate::journal::Journal;
use crate::record::{BindingKey, Draft, Entity, FieldValue, Finding, Object};
use crate::stage::item::{Became, Drafted};
use crate::stage::resolve::{Assignment, OwnerBook, SourceOwner};

/// What is expected of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// A record is made for it, or another one stands for it.
    Made,
    /// It waits for the user of this owner.
    Waits(Arc<str>),
    /// Nothing is made for it.
    Nothing,
}

/// Walks drafts in the order of the steps, so that what a draft points at was seen before it.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// Owners without a user.
    without_user: HashSet<Arc<str>>,
    /// All owners of the source; `None` where they are not looked at.
    owners: Option<HashSet<Arc<str>>>,
    /// Roles that are not made: few, where all roles would be many.
    not_made: HashMap<BindingKey, End>,
}

impl Outlook {
    /// With the users that are there now.
    pub(super) fn new(book: &OwnerBook, owners: &[SourceOwner]) -> Self {
        let waits = |owner: &&SourceOwner| matches!(book.assignment(&owner.id), Assignment::Waits(_));
        let without_user = owners.iter().filter(waits).map(|owner| Arc::from(owner.id.as_str())).collect();
        let owners = Some(owners.iter().map(|owner| Arc::from(owner.id.as_str())).collect());
        Self { without_user, owners, not_made: HashMap::new() }
    }

    /// What is expected of the drafts of a batch, in their order, and what they name that the source does not have.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn of(&mut self, journal: &Journal, batch: &[Drafted]) -> Result<Vec<(End, Vec<Finding>)>> {
        let nowhere = nowhere(journal, batch).await?;
        Ok(batch
            .iter()
            .map(|drafted| {
                let end = self.end(drafted, &nowhere);
                if end != End::Made {
                    self.not_made.insert(drafted.key.clone(), end.clone());
                }
                (end, self.broken(drafted, &nowhere))
            })
            .collect())
    }

    fn end(&self, drafted: &Drafted, nowhere: &HashSet<(Object, Arc<str>)>) -> End {
        let draft = match &drafted.became {
            Became::Draft(draft) => draft,
            Became::Merged(survivor) => return self.not_made.get(survivor).cloned().unwrap_or(End::Made),
            Became::Nothing(..) | Became::Deleted => return End::Nothing,
        };
        let owner = draft.fields.iter().find_map(|(_, value)| match value {
            FieldValue::Owner(owner) if self.is_unknown(owner) => Some(Arc::from(owner.as_str())),
            FieldValue::Owner(owner) => self.without_user.get(owner.as_str()).cloned(),
            _ => None,
        });
        if let Some(owner) = owner {
            return End::Waits(owner);
        }
        let mut is_all_nothing = true;
        for key in links(draft) {
            let is_nowhere = nowhere.contains(&(key.object, Arc::clone(&key.source_id)));
            match self.not_made.get(&key) {
                Some(End::Waits(owner)) => return End::Waits(Arc::clone(owner)),
                Some(End::Nothing) => {}
                Some(End::Made) | None => is_all_nothing &= is_nowhere,
            }
        }
        if is_all_nothing && needs_a_link(draft.entity) { End::Nothing } else { End::Made }
    }
}

/// A finding of a record that names an owner whom the source does not have; its records wait.
pub(super) const UNKNOWN_OWNER: &str = "unknown_owner";

/// A finding of a record that hangs on one that the source does not have: it comes without the link.
pub(super) const BROKEN_LINK: &str = "broken_link";

impl Outlook {
    fn is_unknown(&self, owner: &str) -> bool {
        self.owners.as_ref().is_some_and(|owners| !owners.contains(owner))
    }

    /// What a draft names that the source does not have: each owner and each record once.
    fn broken(&self, drafted: &Drafted, nowhere: &HashSet<(Object, Arc<str>)>) -> Vec<Finding> {
        let Became::Draft(draft) = &drafted.became else { return Vec::new() };
        let mut named = HashSet::new();
        let mut broken = Vec::new();
        let mut say = |code: &str, field: String, detail: String| {
            if named.insert(detail.clone()) {
                broken.push(Finding { code: code.to_owned(), field, detail });
            }
        };
        for (target, value) in &draft.fields {
            match value {
                FieldValue::Owner(owner) if self.is_unknown(owner) => {
                    say(UNKNOWN_OWNER, target.to_string(), format!("owner {owner}"));
                }
                FieldValue::Link(link) if nowhere.contains(&(link.object, Arc::from(link.value.as_str()))) => {
                    say(BROKEN_LINK, target.to_string(), format!("{} {}", link.object, link.value));
                }
                _ => {}
            }
        }
        broken
    }
}

/// Kinds that Pipedrive refuses when they hang on nothing (`resolve` knows the same).
fn needs_a_link(entity: Entity) -> bool {
    matches!(entity, Entity::Lead | Entity::Note)
}

/// Links whose record the source does not have.
async fn nowhere(journal: &Journal, batch: &[Drafted]) -> Result<HashSet<(Object, Arc<str>)>> {
    let mut named = HashSet::new();
    for drafted in batch {
        if let Became::Draft(draft) = &drafted.became {
            // Roles of one record link to one another.
            let own = |key: &BindingKey| (key.object, &key.source_id) == (drafted.key.object, &drafted.key.source_id);
            named.extend(links(draft).filter(|key| !own(key)).map(|key| (key.object, key.source_id)));
        }
    }
    let named: Vec<(Object, Arc<str>)> = named.into_iter().collect();
    let exist = journal.exist(named.clone()).await?;
    Ok(named.into_iter().zip(exist).filter(|(_, exists)| !exists).map(|(key, _)| key).collect())
}

fn links(draft: &Draft) -> impl Iterator<Item = BindingKey> {
    draft.fields.iter().filter_map(|(_, value)| match value {
        FieldValue::Link(link) if link.several.is_empty() => {
            Some(BindingKey::new(link.object, link.value.as_str(), link.role.as_str()))
        }
        _ => None,
    })
}
