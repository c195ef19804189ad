//! Who stands for whom: which records are the same by the keys of two mappings, and what that changes for those that are
//! loaded.
//!
//! Both mappings' keys are claimed once more, apart from the claims that stand. Records that are in Pipedrive claim first: one
//! that is there stands for one that is not, whichever is older at the source.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::Migration;
use super::super::load::STEPS;
use crate::error::Result;
use crate::journal::{Bound, Landed};
use crate::mapping::Mapping;
use crate::record::{BindingKey, Entity, Object};
use crate::stage::dedupe::{KeyStrength, claim_text, duplicate_keys};
use crate::stage::extract::PAGE_RECORDS;

/// The claims by the mapping as it was, while two are compared.
const WAS: &str = "was:";

/// And by the new one.
const WILL_BE: &str = "will:";

/// What other keys of duplicates mean for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    /// Another record stood for it; now it has one of its own.
    Parted,
    /// This record stands for it, which did not before.
    Merged(BindingKey),
    /// It is the same as this one now, and both are in Pipedrive.
    Twin(BindingKey),
}

/// The roles whose stand changes: a line for each in memory.
pub(super) type Stands = HashMap<BindingKey, Stand>;

/// One role with its keys, as the claims of a page are made.
struct Claimant {
    key: BindingKey,
    /// What is claimed for it, by the mapping as it was and the new one.
    claims: [Vec<String>; 2],
    /// Which of the claims say that records are the same.
    same: [Option<usize>; 2],
}

impl Migration {
    /// Compares the keys of all records by two mappings.
    pub(super) async fn stands(&self, old: &Arc<Mapping>, new: &Arc<Mapping>) -> Result<Stands> {
        for prefix in [WAS, WILL_BE] {
            self.journal.drop_claims(prefix).await?;
        }
        let mut stands = Stands::new();
        for entity in STEPS {
            let has_keys = |object: &Object| {
                [old, new]
                    .into_iter()
                    .filter_map(|mapping| mapping.object(*object))
                    .flat_map(|rules| &rules.to)
                    .any(|to| to.entity == entity && !(to.duplicate_key.is_empty() && to.similar_key.is_empty()))
            };
            let objects: Vec<Object> = self.objects_of(entity).into_iter().filter(has_keys).collect();
            for live in [true, false] {
                for object in &objects {
                    self.claim_anew((entity, *object), live, (old, new), &mut stands).await?;
                }
            }
        }
        self.journal.drop_claims(WAS).await?;
        Ok(stands)
    }

    /// From now on the claims that were made by the new mapping's keys stand.
    pub(super) async fn take_stands(&self) -> Result<()> {
        self.journal.take_claims(WILL_BE).await
    }

    /// Claims for the records of an object that are in Pipedrive, or for the others.
    async fn claim_anew(
        &self,
        (entity, object): (Entity, Object),
        live: bool,
        (old, new): (&Arc<Mapping>, &Arc<Mapping>),
        stands: &mut Stands,
    ) -> Result<()> {
        let mut after_seq = 0;
        loop {
            self.border().await?;
            let page = self.journal.landed(object, after_seq, PAGE_RECORDS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after_seq = last.seq;
            let mappings = [Arc::clone(old), Arc::clone(new)];
            let claimants = move || page.iter().flat_map(|landed| claimants(landed, entity, &mappings)).collect();
            let claimants: Vec<Claimant> = self.cpu.run(claimants).await?;
            let bound = self.journal.bound(claimants.iter().map(|one| one.key.clone()).collect()).await?;
            let is_live = |bound: &Option<Bound>| bound.as_ref().is_some_and(|bound| bound.live_id().is_some());
            let of_this_pass: Vec<Claimant> = claimants
                .into_iter()
                .zip(bound)
                .filter(|(_, bound)| is_live(bound) == live)
                .map(|(one, _)| one)
                .collect();
            let was = self.survivors(entity, &of_this_pass, 0, WAS).await?;
            let will_be = self.survivors(entity, &of_this_pass, 1, WILL_BE).await?;
            for ((one, was), will_be) in of_this_pass.into_iter().zip(was).zip(will_be) {
                if let Some(stand) = stand(&one.key, live, was, will_be) {
                    stands.insert(one.key, stand);
                }
            }
        }
    }

    /// Who stands for each by the keys of one of the mappings.
    async fn survivors(
        &self,
        entity: Entity,
        claimants: &[Claimant],
        side: usize,
        prefix: &str,
    ) -> Result<Vec<BindingKey>> {
        let claim = |one: &Claimant, text: &String| (entity, format!("{prefix}{text}"), one.key.clone());
        let claims = claimants.iter().flat_map(|one| one.claims[side].iter().map(move |text| claim(one, text)));
        let mut claimed = self.journal.claim(claims.collect()).await?.into_iter();
        let survivor = |one: &Claimant| {
            let all: Vec<BindingKey> = claimed.by_ref().take(one.claims[side].len()).collect();
            one.same[side].and_then(|position| all.get(position).cloned()).unwrap_or_else(|| one.key.clone())
        };
        Ok(claimants.iter().map(survivor).collect())
    }
}

/// The roles of a record that have keys of one kind of Pipedrive record.
fn claimants(landed: &Landed, entity: Entity, mappings: &[Arc<Mapping>; 2]) -> Vec<Claimant> {
    let record = &landed.record;
    let mut found: Vec<Claimant> = Vec::new();
    for (side, mapping) in mappings.iter().enumerate() {
        for key in duplicate_keys(record, mapping).into_iter().filter(|key| key.entity == entity) {
            let own = BindingKey::new(record.object, Arc::clone(&record.id), Arc::clone(&key.role));
            let position = found.iter().position(|one| one.key == own).unwrap_or_else(|| {
                found.push(Claimant { key: own, claims: [Vec::new(), Vec::new()], same: [None, None] });
                found.len() - 1
            });
            let one = &mut found[position];
            if key.strength == KeyStrength::Same {
                one.same[side] = Some(one.claims[side].len());
            }
            one.claims[side].push(claim_text(&key));
        }
    }
    found
}

/// What becomes of a role for which `was` stood and `will_be` stands, which may be itself.
fn stand(key: &BindingKey, is_live: bool, was: BindingKey, will_be: BindingKey) -> Option<Stand> {
    match (was == *key, will_be == *key) {
        (true, true) => None,
        // What is in Pipedrive stands for itself, whatever the keys say.
        (true, false) if is_live => Some(Stand::Twin(will_be)),
        _ if is_live => None,
        (false, true) => Some(Stand::Parted),
        (true, false) => Some(Stand::Merged(will_be)),
        (false, false) => (was != will_be).then_some(Stand::Merged(will_be)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_follows_from_who_stood_and_who_stands() {
        let key = |id: &str| BindingKey::new(Object::Client, id, "person");
        let check = |is_live, was: &str, will_be: &str, expected: Option<Stand>| {
            assert_eq!(stand(&key("1"), is_live, key(was), key(will_be)), expected, "{is_live} {was} {will_be}");
        };
        check(false, "1", "1", None);
        check(false, "2", "1", Some(Stand::Parted));
        check(false, "1", "2", Some(Stand::Merged(key("2"))));
        check(false, "2", "3", Some(Stand::Merged(key("3"))));
        check(false, "2", "2", None);
        check(true, "1", "2", Some(Stand::Twin(key("2"))));
        check(true, "2", "1", None);
        check(true, "2", "3", None);
    }
}
