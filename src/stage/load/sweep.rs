//! The sweep that ends a step: every marker of one kind of record, compared with the journal.
//!
//! It finds what settling could not: a request that Pipedrive committed after we had given it up and tried again. Only
//! such doubles of our own are removed, and only when nobody touched them. A copy that a person made carries our marker
//! too; it stays, and becomes a question.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Loader;
use super::send::parse;
use crate::error::Result;
use crate::journal::{EffectKind, Intent, Misses, Question};
use crate::pipedrive::{Listing, Row, differences};
use crate::record::{BindingKey, Entity};

/// Quiet times between the last call in doubt and a sweep that has second tries to look after: a request that was given
/// up may still come through minutes later.
const LATE: u32 = 4;

/// Times the list is read until it shows every second try, each after a pause twice as long as the one before: at a quiet
/// time of 35 seconds, half an hour in all.
const LOOKS: u32 = 6;

/// How long after its miss was proved a request can still come through. What is made later was made by somebody else.
const COMES_THROUGH: SignedDuration = SignedDuration::from_hours(1);

/// What a sweep saw and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Live records that carry a marker of this migration, but those that were there before us: what we write to may be
    /// deleted or merged by people, whose it is, at any time.
    pub marked: u64,
    /// Doubles of our own that were removed.
    pub removed: u64,
    /// Records of ours that the journal did not know and now does.
    pub adopted: u64,
    /// Copies that became questions.
    pub questions: u64,
}

/// What one look at the list found.
#[derive(Default)]
struct Look {
    /// Rows with a marker of ours, but those that were there before us.
    marked: u64,
    /// Rows with a marker of ours that are nobody's binding, by marker, oldest first.
    strays: BTreeMap<String, Vec<Row>>,
    /// Second tries that the list does not show.
    unseen: HashSet<String>,
}

impl Loader {
    /// Sweeps one kind of record, once nothing of it is in doubt.
    ///
    /// # Errors
    /// Those of reads and writes.
    pub async fn sweep(&self, entity: Entity) -> Result<Swept> {
        let look = self.look_at_all(entity).await?;
        let mut swept = Swept { marked: look.marked, ..Swept::default() };
        let mut removed = Vec::new();
        for (marker, strays) in look.strays {
            removed.extend(self.place(entity, &marker, strays, &mut swept).await?);
        }
        if !removed.is_empty() {
            self.settle(entity).await?;
        }
        for (id, marker) in removed {
            // A removal that Pipedrive refused leaves a double behind, which is then for people to remove.
            if self.client.get(entity, &id).await?.is_none() {
                swept.removed += 1;
            } else {
                swept.questions += 1;
                self.ask_about(entity, &id, &marker).await?;
            }
        }
        if swept.removed + swept.adopted + swept.questions > 0 {
            tracing::warn!(%entity, ?swept, "the sweep found strays");
        }
        Ok(swept)
    }

    /// Reads the whole list, again and again until it shows every record that was made by a second try. Before that it
    /// may not show the first try either.
    async fn look_at_all(&self, entity: Entity) -> Result<Look> {
        let again: HashSet<String> = self.journal.second_tries(entity).await?.into_iter().collect();
        if !again.is_empty() {
            self.wait_after(self.last_doubt(), LATE * self.quiet_time()).await;
        }
        let mut pause = self.quiet_time();
        for _ in 1..LOOKS {
            let look = self.look(entity, &again).await?;
            if !self.is_there(entity, &look.unseen).await? {
                return Ok(look);
            }
            tracing::warn!(%entity, unseen = look.unseen.len(), "the list lags; the sweep looks again after a pause");
            self.clock.sleep(pause).await;
            pause *= 2;
        }
        self.look(entity, &again).await
    }

    async fn look(&self, entity: Entity, again: &HashSet<String>) -> Result<Look> {
        let mut look = Look { unseen: again.clone(), ..Look::default() };
        self.client
            .pages(entity, &Listing::default(), async |rows| {
                let marked: Vec<Row> =
                    rows.into_iter().filter(|row| self.markers.read(entity, row).is_some()).collect();
                let ids = marked.iter().map(|row| row.id.to_string()).collect();
                let bound = self.journal.bound_to(entity, ids).await?;
                for row in marked {
                    look.unseen.remove(&*row.id);
                    let bound = bound.get(&*row.id);
                    look.marked += u64::from(bound.is_none_or(|bound| !bound.existing));
                    if bound.is_none() {
                        let marker = self.markers.read(entity, &row).unwrap_or_default().to_owned();
                        look.strays.entry(marker).or_default().push(row);
                    }
                }
                Ok(())
            })
            .await?;
        Ok(look)
    }

    /// Whether one of these records is there after all.
    async fn is_there(&self, entity: Entity, ids: &HashSet<String>) -> Result<bool> {
        for id in ids {
            if self.client.get(entity, id).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Decides about the records that carry one marker of ours but are nobody's binding; gives those that were removed.
    async fn place(
        &self,
        entity: Entity,
        marker: &str,
        mut strays: Vec<Row>,
        swept: &mut Swept,
    ) -> Result<Vec<(Arc<str>, String)>> {
        let Some(key) = self.markers.parse(marker) else {
            return self.ask_about_all(entity, marker, strays, swept).await;
        };
        let mut bound = self.journal.promised(vec![key.clone()]).await?.pop().flatten();
        if bound.as_ref().is_none_or(|promised| promised.bound.live_id().is_none()) {
            swept.adopted += 1;
            self.adopt(entity, key.clone(), strays.remove(0)).await?;
            bound = self.journal.promised(vec![key.clone()]).await?.pop().flatten();
        }
        let misses = self.journal.misses(key.clone()).await?;
        let (doubles, copies): (Vec<Row>, Vec<Row>) = match bound {
            Some(bound) => {
                let promise = bound.promise.as_deref().map(parse).transpose()?.unwrap_or_default();
                strays
                    .into_iter()
                    .partition(|stray| is_ours(stray, &misses) && differences(entity, &promise, &stray.body).is_empty())
            }
            None => (Vec::new(), strays),
        };
        // Every double is a request that was given up. When there are more, some are copies, and nobody can tell which.
        if doubles.len() as u64 > misses.count {
            let all = doubles.into_iter().chain(copies).collect();
            return self.ask_about_all(entity, marker, all, swept).await;
        }
        let removed = doubles.iter().map(|double| (Arc::clone(&double.id), marker.to_owned())).collect();
        for double in doubles {
            self.remove(entity, key.clone(), double).await?;
        }
        self.ask_about_all(entity, marker, copies, swept).await?;
        Ok(removed)
    }

    async fn ask_about_all(
        &self,
        entity: Entity,
        marker: &str,
        copies: Vec<Row>,
        swept: &mut Swept,
    ) -> Result<Vec<(Arc<str>, String)>> {
        for copy in copies {
            swept.questions += 1;
            self.ask_about(entity, &copy.id, marker).await?;
        }
        Ok(Vec::new())
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
            asked: None,
            floor_id: None,
            dest_id: Some(double.id),
            tries: 1,
        };
        self.write_alone(intent).await
    }

    /// Binds a record of ours that the journal does not know. It was given up and came through all the same: then it
    /// holds what was sent. Or the journal was restored from a backup: then nobody knows what was promised, the record
    /// is still pending, and its next round compares all its fields.
    async fn adopt(&self, entity: Entity, key: BindingKey, row: Row) -> Result<()> {
        let tried = self.journal.misses(key.clone()).await?.tried;
        let (version, body) = tried.unwrap_or_else(|| (0, "{}".to_owned()));
        let intent = Intent {
            key,
            version,
            entity,
            kind: EffectKind::Create,
            body,
            sent: None,
            asked: None,
            floor_id: None,
            dest_id: None,
            preimage: None,
            tries: 1,
        };
        self.hold(vec![(intent, row)]).await
    }

    async fn ask_about(&self, entity: Entity, id: &str, marker: &str) -> Result<()> {
        let text = format!("{entity} {id} carries the marker of another record ({marker}): was it copied by hand?");
        let question = Question { topic: "copy".to_owned(), subject: format!("{entity} {id}"), text };
        self.journal.ask(vec![question], self.clock.utc()).await
    }
}

/// Whether a stray can be a request that we had given up: it was not made by hand (deals and leads say so in `origin`:
/// OpenAPI v1 and v2), and not long after its miss was proved. While nobody touches a record, its time of update is the
/// time at which it was made; its time of adding may be ours.
fn is_ours(stray: &Row, misses: &Misses) -> bool {
    let made = stray.time("update_time");
    let in_time = made
        .zip(misses.last)
        .is_some_and(|(made, last): (Timestamp, Timestamp)| made.duration_since(last) <= COMES_THROUGH);
    in_time && stray.text("origin").is_none_or(|origin| origin == "API")
}
