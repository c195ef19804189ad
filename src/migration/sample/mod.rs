//! The sample: some records loaded first, read back for people to look at, and approved before all others are.
//!
//! A sample that was loaded under another mapping is taken back before the new one is loaded. An approved one stays: the
//! load finds its records done.

mod choose;
mod read_back;
mod take_back;

use std::collections::HashSet;

use super::load::{STEPS, Sweep};
use super::{Migration, gates::Artefact};
use crate::error::{Error, Kind, Result};
use crate::journal::Chosen;
use crate::permit::{Gate, WritePermit};
use crate::pipedrive::Me;
use crate::pipeline::{self, Step};
use crate::record::{BindingKey, FieldValue};
use crate::report::sample::Sample;
use crate::stage::extract::Which;
use crate::stage::item::{Became, Drafted};

pub(super) use choose::{Sampler, Seed};

/// Where the journal keeps what the survey chose.
pub(super) const SEEDS: &str = "sample_seeds";

/// Where the journal keeps the digest of the mapping under which the sample was, or is being, loaded.
pub(super) const SAMPLE_OF: &str = "sample_of";

/// Rounds of looking for what the sample's records belong to. Records hang on one another four levels deep at the most
/// (a note on a deal of a person of a company), and merged ones on their survivors.
const ROUNDS: usize = 20;

impl Migration {
    /// Loads the sample, shows it, and waits for its approval. One that was approved in staging is not loaded here: what is
    /// left to do is to pass the gate of the workspace.
    pub(super) async fn sample(&self, me: &Me) -> Result<()> {
        let permit = self.pass_workspace(me).await?;
        if self.went_by_staging().await? {
            return self.pass_again(Gate::Sample).await.map(drop);
        }
        let sample = self.load_sample(me, permit, async || self.choose().await).await?;
        self.write_report("sample", &sample)?;
        self.pass(Gate::Sample, Artefact::of_lines(&sample.lines())).await.map(drop)
    }

    /// Loads the sample of this mapping into the company whose journal this is, in place of one of another mapping, and reads
    /// it back.
    pub(super) async fn load_sample(
        &self,
        me: &Me,
        permit: WritePermit,
        choose: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<Sample> {
        let of: Option<String> = self.fact(SAMPLE_OF).await?;
        if of.is_some_and(|of| of != self.mapping.digest()) {
            self.take_sample_back(me, permit.clone()).await?;
        }
        self.put_json(SAMPLE_OF, &self.mapping.digest()).await?;
        choose().await?;
        let run = self.begin_run(me, permit, self.match_owners().await?).await?;
        for entity in STEPS {
            self.step(&run, entity, Sweep::Sample).await?;
        }
        self.journal.clear_pending(self.objects()).await?;
        let sample = self.read_back(me).await?;
        tracing::info!(records = sample.records.len(), different = sample.different(), "the sample is loaded");
        Ok(sample)
    }

    /// The survey's choice, and everything that those records belong to.
    pub(super) async fn choose(&self) -> Result<()> {
        let seeds: Vec<Seed> = self.fact(SEEDS).await?.unwrap_or_default();
        let chosen = |seed: Seed| Chosen { object: seed.object, source_id: seed.source_id, why: seed.why };
        self.journal.add_to_sample(seeds.into_iter().map(chosen).collect()).await?;
        let parts = self.parts().await?;
        for _ in 0..ROUNDS {
            let mut needed: HashSet<BindingKey> = HashSet::new();
            for entity in STEPS {
                let step = Step { entity, objects: self.objects_of(entity), which: Which::Sample };
                pipeline::drafts(&parts, step, async |batch| {
                    needed.extend(batch.iter().flat_map(needs));
                    Ok(())
                })
                .await?;
            }
            if self.add_needed(needed).await? == 0 {
                return Ok(());
            }
        }
        Err(Error::new(Kind::Bug, format!("the sample still grows after {ROUNDS} rounds")))
    }

    async fn add_needed(&self, needed: HashSet<BindingKey>) -> Result<u64> {
        let mut needed: Vec<BindingKey> = needed.into_iter().collect();
        needed.sort_unstable();
        let records = needed.iter().map(|key| (key.object, key.source_id.clone())).collect();
        let exist = self.journal.exist(records).await?;
        let there = needed.into_iter().zip(exist).filter(|(_, exists)| *exists).map(|(key, _)| key);
        let along = |key: BindingKey| Chosen {
            object: key.object,
            source_id: key.source_id,
            why: "others of the sample belong to it".to_owned(),
        };
        self.journal.add_to_sample(there.map(along).collect()).await
    }
}

/// The records without which this one cannot be loaded: those that it links to, and the one that it is merged into.
fn needs(drafted: &Drafted) -> Vec<BindingKey> {
    match &drafted.became {
        Became::Draft(draft) => {
            let links = draft.fields.iter().filter_map(|(_, value)| match value {
                FieldValue::Link(link) => Some(BindingKey::new(link.object, link.value.as_str(), link.role.as_str())),
                _ => None,
            });
            links.collect()
        }
        Became::Merged(survivor) => vec![survivor.clone()],
        Became::Nothing(..) | Became::Deleted => Vec::new(),
    }
}
