//! What the survey expects of each draft: whether it will be made at the load, or held back because an owner has no user
//! or because what it belongs to is not there. A forecast without this prices records that nobody will make yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::Result;
use crate::journal::Journal;
use crate::record::{BindingKey, Draft, Entity, FieldValue, Object};
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
    /// Roles that are not made: few, where all roles would be many.
    not_made: HashMap<BindingKey, End>,
}

impl Outlook {
    /// With the users that are there now.
    pub(super) fn new(book: &OwnerBook, owners: &[SourceOwner]) -> Self {
        let waits = |owner: &&SourceOwner| matches!(book.assignment(&owner.id), Assignment::Waits(_));
        let without_user = owners.iter().filter(waits).map(|owner| Arc::from(owner.id.as_str())).collect();
        Self { without_user, not_made: HashMap::new() }
    }

    /// What is expected of the drafts of a batch, in their order.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn of(&mut self, journal: &Journal, batch: &[Drafted]) -> Result<Vec<End>> {
        let nowhere = nowhere(journal, batch).await?;
        Ok(batch
            .iter()
            .map(|drafted| {
                let end = self.end(drafted, &nowhere);
                if end != End::Made {
                    self.not_made.insert(drafted.key.clone(), end.clone());
                }
                end
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
            FieldValue::Owner(owner) => self.without_user.get(owner.as_str()),
            _ => None,
        });
        if let Some(owner) = owner {
            return End::Waits(Arc::clone(owner));
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

/// Kinds that Pipedrive refuses when they hang on nothing (`resolve` knows the same).
fn needs_a_link(entity: Entity) -> bool {
    matches!(entity, Entity::Lead | Entity::Note)
}

/// Links of drafts that need one, whose record the source does not have.
async fn nowhere(journal: &Journal, batch: &[Drafted]) -> Result<HashSet<(Object, Arc<str>)>> {
    let mut named = HashSet::new();
    for drafted in batch.iter().filter(|drafted| needs_a_link(drafted.entity)) {
        if let Became::Draft(draft) = &drafted.became {
            named.extend(links(draft).map(|key| (key.object, key.source_id)));
        }
    }
    let named: Vec<(Object, Arc<str>)> = named.into_iter().collect();
    let exist = journal.exist(named.clone()).await?;
    Ok(named.into_iter().zip(exist).filter(|(_, exists)| !exists).map(|(key, _)| key).collect())
}

fn links(draft: &Draft) -> impl Iterator<Item = BindingKey> {
    draft.fields.iter().filter_map(|(_, value)| match value {
        FieldValue::Link(link) => Some(BindingKey::new(link.object, link.value.as_str(), link.role.as_str())),
        _ => None,
    })
}
