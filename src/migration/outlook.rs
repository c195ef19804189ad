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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A record is made for it, or another one stands for it.
    Made,
    /// It waits.
    Waits,
    /// Nothing is made for it.
    Nothing,
}

/// Walks drafts in the order of the steps, so that what a draft points at was seen before it.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// Owners without a user.
    without_user: HashSet<String>,
    /// Roles that are not made, by the hash of their key: few, where all roles would be many.
    not_made: HashMap<BindingKey, End>,
}

impl Outlook {
    /// With the users that are there now.
    pub(super) fn new(book: &OwnerBook, owners: &[SourceOwner]) -> Self {
        let waits = |owner: &&SourceOwner| matches!(book.assignment(&owner.id), Assignment::Waits(_));
        let without_user = owners.iter().filter(waits).map(|owner| owner.id.clone()).collect();
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
                    self.not_made.insert(drafted.key.clone(), end);
                }
                end
            })
            .collect())
    }

    fn end(&self, drafted: &Drafted, nowhere: &HashSet<(Object, Arc<str>)>) -> End {
        let draft = match &drafted.became {
            Became::Draft(draft) => draft,
            Became::Merged(survivor) => return self.not_made.get(survivor).copied().unwrap_or(End::Made),
            Became::Nothing(..) | Became::Deleted => return End::Nothing,
        };
        let waits_for_owner = draft.fields.iter().any(|(_, value)| match value {
            FieldValue::Owner(owner) => self.without_user.contains(owner),
            _ => false,
        });
        let mut ends = links(draft).map(|key| {
            let is_nowhere = nowhere.contains(&(key.object, Arc::clone(&key.source_id)));
            if is_nowhere { End::Nothing } else { self.not_made.get(&key).copied().unwrap_or(End::Made) }
        });
        if waits_for_owner || ends.clone().any(|end| end == End::Waits) {
            return End::Waits;
        }
        if needs_a_link(draft.entity) && ends.all(|end| end == End::Nothing) { End::Nothing } else { End::Made }
    }
}

/// Kinds that Pipedrive refuses when they hang on nothing (`resolve` knows the same).
fn needs_a_link(entity: Entity) -> bool {
    matches!(entity, Entity::Lead | Entity::Note)
}

/// Links of drafts that need one, whose record the source does not have.
async fn nowhere(journal: &Journal, batch: &[Drafted]) -> Result<HashSet<(Object, Arc<str>)>> {
    let draft = |drafted: &Drafted| match &drafted.became {
        Became::Draft(draft) if needs_a_link(drafted.entity) => Some(draft.clone()),
        _ => None,
    };
    let named: HashSet<(Object, Arc<str>)> = batch
        .iter()
        .filter_map(draft)
        .flat_map(|draft| links(&draft).map(|key| (key.object, key.source_id)).collect::<Vec<_>>())
        .collect();
    let named: Vec<_> = named.into_iter().collect();
    let exist = journal.exist(named.clone()).await?;
    Ok(named.into_iter().zip(exist).filter(|(_, exists)| !exists).map(|(key, _)| key).collect())
}

fn links(draft: &Draft) -> impl Iterator<Item = BindingKey> + Clone {
    draft.fields.iter().filter_map(|(_, value)| match value {
        FieldValue::Link(link) => Some(BindingKey::new(link.object, link.value.as_str(), link.role.as_str())),
        _ => None,
    })
}
