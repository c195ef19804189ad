//! A mapping that is changed once the load has begun: every record whose drafts come out otherwise is counted and priced,
//! laid before the map gate, and changed in Pipedrive after the approval. Nothing is made twice, and nothing is deleted.
//!
//! Other keys of duplicates part records that were one, and make one of records that are not loaded yet. What is in Pipedrive
//! twice stays twice: whatever hangs on it there is people's work, too.

mod stands;

use std::collections::HashSet;
use std::sync::Arc;

use super::Migration;
use super::gates::Artefact;
use super::settled::unchangeable;
use crate::error::{Error, Kind, Result};
use crate::journal::{Landed, PhaseState};
use crate::mapping::Mapping;
use crate::mapping::written::Written;
use crate::permit::Gate;
use crate::pipedrive::{Api, Me, route};
use crate::record::{BindingKey, Draft, Entity, Fate, FieldValue, Object, Target};
use crate::report::amendment::{Amendment, Change};
use crate::stage::extract::PAGE_RECORDS;
use crate::stage::normalize::{Normalized, RoleResult, normalize};
use crate::stage::resolve::OwnerBook;
use stands::{Stand, Stands};

/// Rows that one call reads before they are changed (OpenAPI v2: `ids`).
const IDS: u64 = 100;

/// Where the journal keeps the digest of the mapping by whose keys records were last claimed anew.
const CLAIMED: &str = "amend:claimed";

/// Both mappings, and what differs between them outside of a record's own fields.
struct Comparing {
    old: Arc<Mapping>,
    new: Arc<Mapping>,
    /// Owners whose records go to somebody else.
    owners: HashSet<String>,
    /// Stages are found otherwise.
    stages: bool,
    /// Records for which another stands than before.
    stands: Stands,
}

/// How one role of a record comes out otherwise.
struct Otherwise {
    key: BindingKey,
    entity: Entity,
    change: Change,
    /// Names of the fields that differ.
    fields: Vec<String>,
}

impl Migration {
    /// Takes a mapping up that was changed since the load began. Before that the walk begins again with it.
    pub(super) async fn amended(&self, me: &Me) -> Result<()> {
        if self.journal.phase("load").await?.is_none() {
            return Ok(());
        }
        let mut needs = self.needs().await?;
        if needs.mapping.is_empty() || needs.mapping == self.mapping.digest() {
            return self.claims_follow().await;
        }
        tracing::info!("the mapping has changed since the load began; looking what that changes");
        if self.journal.phase("cutover").await? != Some(PhaseState::Done) {
            // What was verified is not what will be there; nobody shall approve it meanwhile.
            self.journal.withdraw(&[Gate::Cutover]).await?;
        }
        self.progress.begin("amend", "comparing", 0);
        let comparing = Arc::new(self.comparing(&needs.mapping).await?);
        let mut amendment = new_fields(&comparing);
        self.each_otherwise(&comparing, async |otherwise| {
            self.count(&mut amendment, otherwise).await?;
            Ok(())
        })
        .await?;
        for (key, stand) in &comparing.stands {
            match stand {
                Stand::Parted => amendment.name(&key.to_string(), None),
                Stand::Merged(other) | Stand::Twin(other) => amendment.name(&key.to_string(), Some(&other.to_string())),
            }
        }
        amendment.price(price);
        self.write_report("amendment", &amendment)?;
        self.pass(Gate::Map, self.map_artefact()?).await?;
        self.each_otherwise(&comparing, async |otherwise| {
            let records: HashSet<(Object, Arc<str>)> =
                otherwise.iter().map(|role| (role.key.object, Arc::clone(&role.key.source_id))).collect();
            self.journal.touch(records.into_iter().collect()).await
        })
        .await?;
        self.pass_data().await?;
        self.pass(Gate::Plan, Artefact::of_lines(&amendment.lines(self.mapping.digest()))).await?;
        self.put_json(CLAIMED, &self.mapping.digest()).await?;
        self.take_stands().await?;
        self.configure_again(me).await?;
        // What is behind now goes through the stages again, and what was verified was something else.
        self.journal.withdraw(&[Gate::Cutover]).await?;
        let is_loaded = self.journal.phase("load").await? == Some(PhaseState::Done);
        let again = if is_loaded { &["follow", "verify", "cutover"][..] } else { &[] };
        self.journal.forget_phases(again.to_vec()).await?;
        // Last: until this is written, all of it is done again after a crash.
        self.mapping.digest().clone_into(&mut needs.mapping);
        self.put_needs(&needs).await
    }

    /// A crash may have left the claims of a mapping that was taken back before anything was made with it.
    async fn claims_follow(&self) -> Result<()> {
        let claimed: Option<String> = self.fact(CLAIMED).await?;
        if claimed.is_none_or(|claimed| claimed == self.mapping.digest()) {
            return Ok(());
        }
        let mapping = Arc::new(self.mapping.clone());
        self.stands(&mapping, &mapping).await?;
        self.take_stands().await?;
        self.put_json(CLAIMED, &self.mapping.digest()).await
    }

    async fn comparing(&self, approved: &str) -> Result<Comparing> {
        let unknown = || Error::new(Kind::Journal, "journal: the mapping that was approved before is not in it");
        let text = self.journal.artefact(Gate::Map, approved.to_owned()).await?.ok_or_else(unknown)?;
        let old = Written::from_text(&text).checked("the mapping as it was approved before")?;
        let new = self.mapping.clone();
        for (what, before, now) in [
            ("defaults.marker", Some(&old.marker), Some(&new.marker)),
            ("owners.original_field", old.owners.original_field.as_ref(), new.owners.original_field.as_ref()),
        ] {
            if before.is_some() && before != now {
                let why = format!("{what} cannot be changed once the load has begun: records carry it");
                return Err(Error::new(Kind::Settings, why));
            }
        }
        let settled = unchangeable(&old, &new);
        if !settled.is_empty() {
            let lines = settled.join("\n  ");
            return Err(Error::new(
                Kind::Settings,
                format!("what cannot be changed once the load has begun:\n  {lines}"),
            ));
        }
        let (users, owners) = (self.users().await?, self.owners().await?);
        let book = |mapping: &Mapping| OwnerBook::new(&owners, &mapping.owners, &users);
        let (before, now) = (book(&old), book(&new));
        let moved = owners.iter().filter(|owner| before.assignment(&owner.id) != now.assignment(&owner.id));
        let (owners, stages) = (moved.map(|owner| owner.id.clone()).collect(), old.pipelines != new.pipelines);
        let (old, new) = (Arc::new(self.with_names(old).await?), Arc::new(self.with_names(new).await?));
        let stands = self.stands(&old, &new).await?;
        Ok(Comparing { old, new, owners, stages, stands })
    }

    async fn with_names(&self, mut mapping: Mapping) -> Result<Mapping> {
        self.tell_names(&mut mapping).await?;
        Ok(mapping)
    }

    /// Hands on, page by page, the roles that come out otherwise.
    async fn each_otherwise(
        &self,
        comparing: &Arc<Comparing>,
        mut each: impl AsyncFnMut(Vec<Otherwise>) -> Result<()>,
    ) -> Result<()> {
        for object in Object::ALL.iter().copied() {
            let mut after_seq = 0;
            loop {
                self.border().await?;
                let page = self.journal.landed(object, after_seq, PAGE_RECORDS).await?;
                let Some(last) = page.last() else { break };
                after_seq = last.seq;
                self.progress.add_done(page.len() as u64);
                let comparing = Arc::clone(comparing);
                let otherwise =
                    self.cpu.run(move || page.iter().flat_map(|landed| comparing.roles(landed)).collect()).await?;
                each(otherwise).await?;
            }
        }
        Ok(())
    }

    async fn count(&self, amendment: &mut Amendment, otherwise: Vec<Otherwise>) -> Result<()> {
        let keys = otherwise.iter().map(|role| role.key.clone()).collect();
        let bound = self.journal.bound(keys).await?;
        for (role, bound) in otherwise.into_iter().zip(bound) {
            let is_live = bound.as_ref().is_some_and(|bound| bound.live_id().is_some());
            let is_merged = bound.is_some_and(|bound| bound.fate == Fate::Merged);
            let change = match (role.change, is_live) {
                (Change::Parted | Change::Merged | Change::Twin, _) => role.change,
                (Change::Stays, true) => Change::Stays,
                // Never loaded, and will not be.
                (Change::Stays, false) => continue,
                (Change::Changed | Change::Made, true) => Change::Changed,
                // Whoever stands for it goes on doing so.
                (Change::Changed | Change::Made, false) if is_merged => continue,
                (Change::Changed | Change::Made, false) => Change::Made,
            };
            amendment.add(role.entity, change, &role.fields);
        }
        Ok(())
    }
}

/// Custom fields that only the new mapping has.
fn new_fields(comparing: &Comparing) -> Amendment {
    let old = comparing.old.custom_fields();
    let is_new = |field: &crate::mapping::workspace::CustomField| {
        !old.iter().any(|known| known.entity == field.entity && known.name == field.name)
    };
    let new = comparing.new.custom_fields().into_iter().filter(is_new);
    Amendment::new(new.map(|field| format!("{} of {} ({})", field.name, field.entity, field.field_type)).collect())
}

/// Tokens for so many records of a kind: a look before each change, and the write (`pipedrive-api.md`, section 4).
fn price(entity: Entity, change: Change, records: u64) -> u64 {
    let route = route(entity);
    match change {
        Change::Changed if route.api == Api::V2 => {
            records * u64::from(route.update) + records.div_ceil(IDS) * u64::from(route.list)
        }
        Change::Changed => records * u64::from(route.update + route.get),
        Change::Made | Change::Parted => records * u64::from(route.create),
        Change::Stays | Change::Merged | Change::Twin => 0,
    }
}

impl Comparing {
    fn roles(&self, landed: &Landed) -> Vec<Otherwise> {
        let record = &landed.record;
        let (old, new) = (drafts(normalize(record, &self.old, None)), drafts(normalize(record, &self.new, None)));
        let otherwise = |draft: &Draft, change, fields| Otherwise {
            key: draft.binding.clone(),
            entity: draft.entity,
            change,
            fields,
        };
        let twin = |drafts: &[Draft], draft: &Draft| {
            drafts.iter().position(|other| other.binding == draft.binding && other.entity == draft.entity)
        };
        let mut found = Vec::new();
        for draft in &new {
            match self.stands.get(&draft.binding) {
                None => {}
                Some(Stand::Parted) => {
                    found.push(otherwise(draft, Change::Parted, Vec::new()));
                    continue;
                }
                Some(Stand::Merged(_)) => {
                    found.push(otherwise(draft, Change::Merged, Vec::new()));
                    continue;
                }
                Some(Stand::Twin(_)) => found.push(otherwise(draft, Change::Twin, Vec::new())),
            }
            match twin(&old, draft) {
                None => found.push(otherwise(draft, Change::Made, Vec::new())),
                Some(position) => {
                    let fields = self.different(&old[position], draft);
                    if !fields.is_empty() {
                        found.push(otherwise(draft, Change::Changed, fields));
                    }
                }
            }
        }
        let gone = old.iter().filter(|draft| twin(&new, draft).is_none());
        found.extend(gone.map(|draft| otherwise(draft, Change::Stays, Vec::new())));
        found
    }

    /// Names of the fields that are not the same in both.
    fn different(&self, old: &Draft, new: &Draft) -> Vec<String> {
        let value = |draft: &Draft, target: &Target| {
            draft.fields.iter().find(|(known, _)| known == target).map(|(_, value)| value.clone())
        };
        let moves = |value: &FieldValue| match value {
            FieldValue::Owner(owner) => self.owners.contains(owner),
            FieldValue::Stage { .. } => self.stages,
            FieldValue::Link(link) => {
                let key = BindingKey::new(link.object, link.value.as_str(), link.role.as_str());
                matches!(self.stands.get(&key), Some(Stand::Parted | Stand::Merged(_)))
            }
            _ => false,
        };
        let mut names = Vec::new();
        for (target, now) in &new.fields {
            if moves(now) || value(old, target).as_ref() != Some(now) {
                names.push(target.to_string());
            }
        }
        let gone = old.fields.iter().filter(|(target, _)| value(new, target).is_none());
        names.extend(gone.map(|(target, _)| target.to_string()));
        names
    }
}

fn drafts(normalized: Normalized) -> Vec<Draft> {
    let Normalized::Roles(roles) = normalized else { return Vec::new() };
    let draft = |result| match result {
        RoleResult::Draft { draft, .. } => Some(draft),
        RoleResult::LeftOut(_) => None,
    };
    roles.into_iter().filter_map(|role| draft(role.result)).collect()
}
