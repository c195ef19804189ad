//! Taking a sample back: what it made in Pipedrive is deleted, children before their parents, and its records are as they
//! were before it. What people changed meanwhile is theirs as well; it stays, and is changed by the next sample instead.

use std::sync::Arc;

use super::super::load::STEPS;
use super::super::{Migration, load::Run};
use crate::error::Result;
use crate::permit::WritePermit;
use crate::pipedrive::Me;
use crate::record::Entity;
use crate::stage::item::{Known, Removal, Why, Work};
use crate::stage::load;

/// Removals that are handed to the load stage together.
const BATCH: usize = 100;

impl Migration {
    pub(super) async fn take_sample_back(&self, me: &Me, permit: WritePermit) -> Result<()> {
        tracing::info!("the mapping is another one than that of the sample; taking the sample back");
        let run = self.begin_run(me, permit, self.match_owners().await?).await?;
        for entity in STEPS.into_iter().rev() {
            self.border().await?;
            self.progress.begin("sample", &format!("taking {entity}s back"), 0);
            run.loader.begin(entity).await?;
            self.remove_sample(&run, entity).await?;
            run.loader.settle(entity).await?;
        }
        self.keep_ledger().await?;
        self.journal.forget_sample().await?;
        self.journal.clear_sample().await
    }

    async fn remove_sample(&self, run: &Run, entity: Entity) -> Result<()> {
        let mut removals = Vec::new();
        for promised in self.journal.promised_sample(entity).await? {
            // A record that was there before us is not ours to delete: the next sample brings it up to date.
            let Some(known) = Known::of(&promised)?.filter(|known| !known.existing) else { continue };
            let bound = promised.bound;
            removals.push(Work::Remove(Removal {
                key: bound.key,
                version: bound.version,
                entity,
                known,
                why: Why::TakenBack,
            }));
        }
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let batches: Vec<Vec<Work>> = removals.chunks(BATCH).map(<[Work]>::to_vec).collect();
        let feed = async move {
            for batch in batches {
                // The other side has ended with an error of its own.
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        futures::future::try_join(feed, load::run(receiver, Arc::clone(&run.loader))).await.map(drop)
    }
}
