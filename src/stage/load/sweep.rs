//! The sweep that ends a step: every marker of one kind of record, compared with the journal.
//!
//! It finds what settling could not: a request that Pipedrive committed after we had given it up and tried again. Only
//! such doubles of our own are removed, and only when nobody touched them. A copy that a person made carries our marker
//! too; it stays, and becomes a question.

use serde_json::Value;

use super::Loader;
use super::send::parse;
use crate::error::Result;
use crate::journal::{Bound, EffectKind, Intent, Outcome, Question};
use crate::pipedrive::{Listing, Row, differences};
use crate::record::{BindingKey, Entity, Fate};

/// What a sweep saw and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Live records that carry a marker of this migration.
    pub marked: u64,
    /// Doubles of our own that were removed.
    pub removed: u64,
    /// Records of ours that the journal did not know and now does.
    pub adopted: u64,
    /// Copies that became questions.
    pub questions: u64,
}

impl Loader {
    /// Sweeps one kind of record.
    ///
    /// # Errors
    /// Those of reads and writes.
    pub async fn sweep(&self, entity: Entity) -> Result<Swept> {
        let mut swept = Swept::default();
        let mut strays = Vec::new();
        self.client
            .pages(entity, &Listing::default(), async |rows| {
                let marked = rows.into_iter().filter(|row| self.markers.read(entity, row).is_some());
                let marked: Vec<Row> = marked.collect();
                swept.marked += marked.len() as u64;
                let ids = marked.iter().map(|row| row.id.to_string()).collect();
                let bound = self.journal.bound_to(entity, ids).await?;
                strays.extend(marked.into_iter().filter(|row| !bound.contains_key(&*row.id)));
                Ok(())
            })
            .await?;
        for stray in strays {
            self.place(entity, stray, &mut swept).await?;
        }
        if swept.removed + swept.adopted + swept.questions > 0 {
            tracing::warn!(%entity, ?swept, "the sweep found strays");
        }
        Ok(swept)
    }

    /// Decides about one record that carries our marker but is nobody's binding.
    async fn place(&self, entity: Entity, stray: Row, swept: &mut Swept) -> Result<()> {
        let marker = self.markers.read(entity, &stray).unwrap_or_default().to_owned();
        let Some(key) = self.markers.parse(&marker) else {
            swept.questions += 1;
            return self.ask_about(entity, &stray, &marker).await;
        };
        let bound = self.journal.bound(vec![key.clone()]).await?.pop().flatten();
        match bound {
            Some(bound) if bound.fate == Fate::Loaded => {
                let ours = self.journal.retried(vec![key.clone()]).await?.pop() == Some(true);
                if ours && is_untouched(&bound, &stray)? {
                    swept.removed += 1;
                    self.remove(entity, key, stray).await
                } else {
                    swept.questions += 1;
                    self.ask_about(entity, &stray, &marker).await
                }
            }
            _ => {
                swept.adopted += 1;
                self.adopt(entity, key, stray).await
            }
        }
    }

    async fn remove(&self, entity: Entity, key: BindingKey, double: Row) -> Result<()> {
        let intent = Intent {
            key,
            version: 0,
            entity,
            kind: EffectKind::Delete,
            preimage: Some(Value::Object(double.body).to_string()),
            body: "{}".to_owned(),
            sent: None,
            floor_id: None,
            dest_id: Some(double.id),
            tries: 1,
        };
        self.write_alone(intent).await
    }

    /// Binds a record of ours that the journal does not know: it was restored from a backup, or lost its last minutes.
    async fn adopt(&self, entity: Entity, key: BindingKey, row: Row) -> Result<()> {
        let base = Value::Object(row.body).to_string();
        let intent = Intent {
            key,
            version: 0,
            entity,
            kind: EffectKind::Create,
            body: base.clone(),
            sent: None,
            floor_id: None,
            dest_id: None,
            preimage: None,
            tries: 1,
        };
        self.journal.adopt(intent, Outcome::Done { dest_id: row.id, base }, self.clock.utc()).await
    }

    async fn ask_about(&self, entity: Entity, copy: &Row, marker: &str) -> Result<()> {
        let text =
            format!("{entity} {} carries the marker of another record ({marker}): was it copied by hand?", copy.id);
        let question = Question { topic: "copy".to_owned(), subject: format!("{entity} {}", copy.id), text };
        self.journal.ask(vec![question], self.clock.utc()).await
    }
}

/// Nobody touched a double if it still holds everything that was promised for its twin.
fn is_untouched(twin: &Bound, double: &Row) -> Result<bool> {
    let promise = twin.promise.as_deref().map(parse).transpose()?.unwrap_or_default();
    Ok(differences(twin.entity, &promise, &double.body).is_empty())
}
