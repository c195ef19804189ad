//! A mapping that is changed once the load has begun: every record whose drafts come out otherwise is counted and priced,
//! laid before the map gate, and changed in Pipedrive after the approval. Nothing is made twice, and nothing is deleted.

use std::collections::HashSet;
use std::sync::Arc;

use super::Migration;
use super::gates::Artefact;
use crate::error::{Error, Kind, Result};
use crate::journal::{Landed, PhaseState};
use crate::mapping::Mapping;
use crate::permit::Gate;
use crate::pipedrive::{Api, Me, route};
use crate::record::{BindingKey, Draft, Entity, FieldValue, Object, Target};
use crate::report::amendment::{Amendment, Change};
use crate::stage::extract::PAGE_RECORDS;
use crate::stage::normalize::{Normalized, RoleResult, normalize};
use crate::stage::resolve::OwnerBook;

/// Rows that one call reads before they are changed (OpenAPI v2: `ids`).
const IDS: u64 = 100;

/// Both mappings, and what differs between them outside of a record's own fields.
struct Comparing {
    old: Mapping,
    new: Mapping,
    /// Owners whose records go to somebody else.
    owners: HashSet<String>,
    /// Stages are found otherwise.
    stages: bool,
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
            return Ok(());
        }
        tracing::info!("the mapping has changed since the load began; looking what that changes");
        self.progress.begin("amend", "comparing", 0);
        let comparing = Arc::new(self.comparing(&needs.mapping).await?);
        let mut amendment = self.new_fields(&comparing);
        self.each_otherwise(&comparing, async |otherwise| {
            self.count(&mut amendment, otherwise).await?;
            Ok(())
        })
        .await?;
        amendment.price(price);
        self.write_report("amendment", &amendment)?;
        self.pass(Gate::Map, self.map_artefact()).await?;
        self.each_otherwise(&comparing, async |otherwise| {
            let records: HashSet<(Object, Arc<str>)> =
                otherwise.iter().map(|role| (role.key.object, Arc::clone(&role.key.source_id))).collect();
            self.journal.touch(records.into_iter().collect()).await
        })
        .await?;
        self.pass_data().await?;
        self.pass(Gate::Plan, Artefact::of_lines(&amendment.lines(self.mapping.digest()))).await?;
        self.configure_again(me).await?;
        self.mapping.digest().clone_into(&mut needs.mapping);
        self.put_needs(&needs).await?;
        // What is behind now goes through the stages again, and what was verified was something else.
        let is_loaded = self.journal.phase("load").await? == Some(PhaseState::Done);
        let again = if is_loaded { &["follow", "verify", "cutover"][..] } else { &[] };
        self.journal.forget_phases(again.to_vec()).await
    }

    async fn comparing(&self, approved: &str) -> Result<Comparing> {
        let unknown = || Error::new(Kind::Journal, "journal: the mapping that was approved before is not in it");
        let text = self.journal.artefact(Gate::Map, approved.to_owned()).await?.ok_or_else(unknown)?;
        let old = Mapping::parse(&text, "the mapping as it was approved before")?;
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
        let (users, owners) = (self.users().await?, self.owners().await?);
        let book = |mapping: &Mapping| OwnerBook::new(&owners, &mapping.owners, &users);
        let (before, now) = (book(&old), book(&new));
        let moved = owners.iter().filter(|owner| before.assignment(&owner.id) != now.assignment(&owner.id));
        Ok(Comparing {
            owners: moved.map(|owner| owner.id.clone()).collect(),
            stages: old.pipelines != new.pipelines,
            old: self.with_names(old).await?,
            new: self.with_names(new).await?,
        })
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
            let is_live = bound.is_some_and(|bound| bound.live_id().is_some());
            let change = match (role.change, is_live) {
                (Change::Stays, true) => Change::Stays,
                // Never loaded, and will not be.
                (Change::Stays, false) => continue,
                (Change::Changed | Change::Made, true) => Change::Changed,
                (Change::Changed | Change::Made, false) => Change::Made,
            };
            amendment.add(role.entity, change, &role.fields);
        }
        Ok(())
    }

    /// Custom fields that only the new mapping has.
    fn new_fields(&self, comparing: &Comparing) -> Amendment {
        let old = comparing.old.custom_fields();
        let is_new = |field: &crate::mapping::workspace::CustomField| {
            !old.iter().any(|known| known.entity == field.entity && known.name == field.name)
        };
        let new = comparing.new.custom_fields().into_iter().filter(is_new);
        Amendment::new(new.map(|field| format!("{} of {} ({})", field.name, field.entity, field.field_type)).collect())
    }
}

/// Tokens for so many records of a kind: a look before each change, and the write (`pipedrive-api.md`, section 4).
fn price(entity: Entity, change: Change, records: u64) -> u64 {
    let route = route(entity);
    match change {
        Change::Changed if route.api == Api::V2 => {
            records * u64::from(route.update) + records.div_ceil(IDS) * u64::from(route.list)
        }
        Change::Changed => records * u64::from(route.update + route.get),
        Change::Made => records * u64::from(route.create),
        Change::Stays => 0,
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
