//! The shell of dedupe: looks bindings up, computes keys on the CPU threads, claims them in the journal.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc;

use super::{DuplicateKey, KeyStrength, duplicate_keys};
use crate::error::Result;
use crate::journal::{Bound, Journal, Landed, claim_of_alike, claim_of_same};
use crate::mapping::Mapping;
use crate::record::{BindingKey, Entity, Fate, Finding, ROW};
use crate::stage::cpu::Cpu;
use crate::stage::item::{Fresh, FreshRole, Known, LandedBatch};
use crate::telemetry::BatchTimer;

/// What dedupe works with.
#[derive(Clone)]
pub struct Dedupe {
    /// The journal.
    pub journal: Journal,
    /// The approved mapping.
    pub mapping: Arc<Mapping>,
    /// The CPU threads.
    pub cpu: Cpu,
    /// The kind of Pipedrive record that this step makes.
    pub entity: Entity,
}

/// Passes on what is behind, with survivors named, until the input is closed and empty.
///
/// # Errors
/// `Journal`; `Bug` when a job panics.
pub async fn run(input: mpsc::Receiver<LandedBatch>, output: mpsc::Sender<Vec<Fresh>>, dedupe: Dedupe) -> Result<()> {
    let batches = stream::unfold(input, |mut input| async { input.recv().await.map(|batch| (batch, input)) });
    batches
        .map(async |batch| {
            let timer = BatchTimer::start("dedupe");
            Ok((timer, dedupe.keyed(batch).await?))
        })
        // In order: the first record that claims a key is its survivor, on every run.
        .buffered(dedupe.cpu.threads())
        .try_for_each(|(timer, keyed)| async {
            let fresh = dedupe.claimed(keyed).await?;
            // What follows is the wait for the next stage.
            drop(timer);
            if !fresh.is_empty() && output.send(fresh).await.is_err() {
                tracing::debug!("the stage after dedupe has ended");
            }
            Ok(())
        })
        .await
}

/// A record that is behind, and its keys.
type Keyed = (Fresh, Vec<DuplicateKey>);

impl Dedupe {
    /// Drops what is up to date and computes the keys of the rest.
    async fn keyed(&self, batch: LandedBatch) -> Result<Vec<Keyed>> {
        let batch = self.without_rows(batch).await?;
        let roles = |landed: &Landed| -> Vec<Arc<str>> {
            let destinations =
                self.mapping.object(landed.record.object).map(|rules| rules.to.as_slice()).unwrap_or_default();
            let ours = destinations.iter().filter(|to| to.entity == self.entity && to.each.is_none());
            ours.map(|to| Arc::clone(&to.role)).collect()
        };
        let key = |landed: &Landed, role: &Arc<str>| {
            BindingKey::new(landed.record.object, Arc::clone(&landed.record.id), Arc::clone(role))
        };
        let wanted: Vec<(Landed, Vec<Arc<str>>)> =
            batch.into_iter().map(|landed| (roles(&landed), landed)).map(|(roles, landed)| (landed, roles)).collect();
        let keys = wanted.iter().flat_map(|(landed, roles)| roles.iter().map(|role| key(landed, role)));
        let mut bound = self.journal.promised(keys.collect()).await?.into_iter();
        let mut fresh = Vec::new();
        for (landed, roles) in wanted {
            let mut behind = Vec::new();
            for role in roles {
                let bound = bound.next().flatten();
                if !is_up_to_date(&landed, bound.as_ref().map(|promised| &promised.bound)) {
                    let known = bound.as_ref().map(Known::of).transpose()?.flatten();
                    behind.push(FreshRole { role, known, survivor: None });
                }
            }
            if !behind.is_empty() {
                fresh.push(Fresh { landed, roles: behind, findings: Vec::new() });
            }
        }
        let (mapping, entity) = (Arc::clone(&self.mapping), self.entity);
        let with_keys = move || {
            let keys = |fresh: &Fresh| {
                let mut keys = duplicate_keys(&fresh.landed.record, &mapping);
                keys.retain(|key| key.entity == entity);
                keys
            };
            fresh.into_iter().map(|fresh| (keys(&fresh), fresh)).map(|(keys, fresh)| (fresh, keys)).collect()
        };
        self.cpu.run(with_keys).await
    }

    /// Leaves out rows that are no records: all that a mapping could make of one is nonsense, and the reason why it was
    /// rejected must stand.
    async fn without_rows(&self, batch: LandedBatch) -> Result<LandedBatch> {
        let row = |landed: &Landed| BindingKey::new(landed.record.object, Arc::clone(&landed.record.id), ROW);
        let may_be = |landed: &&Landed| matches!(landed.fate, Some(Fate::Rejected | Fate::Skipped));
        let keys = batch.iter().filter(may_be).map(row).collect();
        let mut bound = self.journal.bound(keys).await?.into_iter();
        let is_record = |landed: &Landed| !may_be(&landed) || bound.next().flatten().is_none();
        let mut batch = batch;
        batch.retain(is_record);
        Ok(batch)
    }

    /// Claims the keys and names survivors.
    async fn claimed(&self, keyed: Vec<Keyed>) -> Result<Vec<Fresh>> {
        let claims = keyed.iter().flat_map(|(fresh, keys)| {
            keys.iter().map(|key| {
                let record = &fresh.landed.record;
                let claimant = BindingKey::new(record.object, Arc::clone(&record.id), Arc::clone(&key.role));
                (key.entity, claim_text(key), claimant)
            })
        });
        let claims: Vec<_> = claims.collect();
        if claims.is_empty() {
            return Ok(keyed.into_iter().map(|(fresh, _)| fresh).collect());
        }
        let mut survivors = self.journal.claim(claims).await?.into_iter();
        let mut all = Vec::with_capacity(keyed.len());
        for (mut fresh, keys) in keyed {
            for key in keys {
                if let Some(survivor) = survivors.next() {
                    name_survivor(&mut fresh, &key, survivor);
                }
            }
            all.push(fresh);
        }
        Ok(all)
    }
}

/// What the journal claims for a key. Two strengths of key never meet.
#[must_use]
pub fn claim_text(key: &DuplicateKey) -> String {
    match key.strength {
        KeyStrength::Same => claim_of_same(&key.key),
        KeyStrength::Alike => claim_of_alike(&key.key),
    }
}

fn name_survivor(fresh: &mut Fresh, key: &DuplicateKey, survivor: BindingKey) {
    let record = &fresh.landed.record;
    if survivor.object == record.object && survivor.source_id == record.id && survivor.role == key.role {
        return;
    }
    let who = format!("{} {}", survivor.object, survivor.source_id);
    let Some(role) = fresh.roles.iter_mut().find(|role| role.role == key.role) else { return };
    match (key.strength, &role.known) {
        (KeyStrength::Same, None) => role.survivor = Some(survivor),
        // Both are in Pipedrive already; merging them is for people to decide.
        (KeyStrength::Same, Some(_)) => {
            fresh.findings.push(Finding::new("became_duplicate", "", format!("is now the same {} as {who}", key.role)));
        }
        (KeyStrength::Alike, _) => {
            fresh.findings.push(Finding::new("similar", "", format!("may be the same {} as {who}", key.role)));
        }
    }
}

fn is_up_to_date(landed: &Landed, bound: Option<&Bound>) -> bool {
    // What waits for people is not looked at again for nothing: every look costs tokens.
    let ended = |bound: &Bound| bound.fate != Fate::Parked || bound.waits_for_people();
    bound.is_some_and(|bound| bound.version == landed.version && ended(bound))
}
