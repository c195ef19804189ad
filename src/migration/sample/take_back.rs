//! Taking a sample back: what it made in Pipedrive is deleted, children before their parents, and its records are as they
//! were before it. What people changed meanwhile, or added something to, is theirs as well; it stays, with all that it belongs
//! to, and is changed by the next sample instead.
//!
//! What people added is found by listing what changed since the sample began, not by a look at each record. Comments on notes
//! are in no such list.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::load::STEPS;
use super::super::{Migration, load::Run};
use crate::error::Result;
use crate::journal::{Promised, RoleFate};
use crate::permit::WritePermit;
use crate::pipedrive::{Listing, Me};
use crate::record::{Entity, Fate};
use crate::stage::item::{Known, Removal, Why, Work};
use crate::stage::load;

/// Removals that are handed to the load stage together.
const BATCH: usize = 100;

/// How far Pipedrive's clock may be behind ours.
const SKEW: Duration = Duration::from_secs(60);

/// Records that something hangs on, by kind and id.
type Parents = HashSet<(Entity, Arc<str>)>;

impl Migration {
    pub(super) async fn take_sample_back(&self, me: &Me, permit: WritePermit) -> Result<()> {
        tracing::info!("the mapping is another one than that of the sample; taking the sample back");
        let run = self.begin_run(me, permit, self.match_owners().await?).await?;
        let mut kept = self.added_by_people().await?;
        for entity in STEPS.into_iter().rev() {
            self.border().await?;
            self.progress.begin("sample", &format!("taking {entity}s back"), 0);
            run.loader.begin(entity).await?;
            self.remove_sample(&run, entity, &kept).await?;
            run.loader.settle(entity).await?;
            // What stays needs what it belongs to.
            for promised in self.journal.promised_sample(entity).await? {
                if let Some(known) = Known::of(&promised)? {
                    kept.extend(parents(&known.promise));
                }
            }
        }
        self.keep_ledger().await?;
        self.journal.forget_sample().await?;
        self.journal.clear_sample().await
    }

    /// Whatever people have hung something on since the sample began: a record or a file that is none of ours. A list of
    /// what changed is cheap: some tokens for five hundred rows.
    async fn added_by_people(&self) -> Result<Parents> {
        let mut began: Option<Timestamp> = None;
        for entity in STEPS {
            let at = self.journal.promised_sample(entity).await?.into_iter().filter_map(|one| one.bound.intended_at);
            began = began.into_iter().chain(at).min();
        }
        let Some(began) = began else { return Ok(Parents::new()) };
        let since = began.checked_sub(SKEW).unwrap_or(began);
        self.progress.begin("sample", "looking for what people added", 0);
        self.pause_for(self.config.pipedrive.list_lag).await;
        let mut parents_of_theirs = Parents::new();
        for entity in STEPS {
            self.border().await?;
            let listing = Listing { updated_since: Some(since), ..Listing::default() };
            self.client
                .pages(entity, &listing, async |rows| {
                    let ids = rows.iter().map(|row| row.id.to_string()).collect();
                    let bound = self.journal.bound_to(entity, ids).await?;
                    let theirs = rows.iter().filter(|row| bound.get(&*row.id).is_none_or(|bound| bound.existing));
                    parents_of_theirs.extend(theirs.flat_map(|row| parents(&row.body)));
                    Ok(())
                })
                .await?;
        }
        let mut from = None;
        loop {
            let page = self.client.files(from.as_deref()).await?;
            let is_older = |at: Timestamp| at < since;
            let ends = page.rows.iter().any(|file| file.added_at().is_some_and(is_older));
            parents_of_theirs.extend(page.rows.into_iter().flat_map(|file| file.parents()));
            match page.next {
                Some(next) if !ends => from = Some(next),
                _ => return Ok(parents_of_theirs),
            }
        }
    }

    async fn remove_sample(&self, run: &Run, entity: Entity, kept: &Parents) -> Result<()> {
        let (mut removals, mut stay) = (Vec::new(), Vec::new());
        for promised in self.journal.promised_sample(entity).await? {
            // A record that was there before us is not ours to delete: the next sample brings it up to date.
            let Some(known) = Known::of(&promised)?.filter(|known| !known.existing) else { continue };
            if kept.contains(&(entity, Arc::clone(&known.dest_id))) {
                stay.push(stays(promised, &known.dest_id));
                continue;
            }
            let bound = promised.bound;
            removals.push(Work::Remove(Removal {
                key: bound.key,
                version: bound.version,
                entity,
                known,
                why: Why::TakenBack,
            }));
        }
        self.journal.end_roles(stay).await?;
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

fn stays(promised: Promised, id: &Arc<str>) -> RoleFate {
    let bound = promised.bound;
    let why = format!("the sample was taken back, but something hangs on {} {id} and it was kept", bound.entity);
    RoleFate::new(bound.key, bound.entity, bound.version, Fate::Loaded).because(why).at(Arc::clone(id))
}

/// What a record hangs on, by the links in its body.
fn parents(body: &Map<String, Value>) -> Vec<(Entity, Arc<str>)> {
    const LINKS: [(&str, Entity); 5] = [
        ("deal_id", Entity::Deal),
        ("lead_id", Entity::Lead),
        ("person_id", Entity::Person),
        ("org_id", Entity::Organization),
        ("organization_id", Entity::Organization),
    ];
    let id = |value: &Value| match value {
        Value::Number(number) => Some(Arc::from(number.to_string())),
        Value::String(text) => Some(Arc::from(text.as_str())),
        _ => None,
    };
    let direct = LINKS.iter().filter_map(|(name, entity)| Some((*entity, id(body.get(*name)?)?)));
    let listed = body.get("participants").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.filter_map(|entry| Some((Entity::Person, id(entry.get("person_id")?)?)));
    direct.chain(listed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_hangs_on_what_it_links_to() {
        let check = |body: Value, expected: &[(Entity, &str)]| {
            let found = parents(body.as_object().expect("an object"));
            let found: Vec<(Entity, &str)> = found.iter().map(|(entity, id)| (*entity, &**id)).collect();
            assert_eq!(found, expected, "{body}");
        };
        check(
            json!({"deal_id": 7, "person_id": null, "org_id": 9}),
            &[(Entity::Deal, "7"), (Entity::Organization, "9")],
        );
        check(json!({"lead_id": "a-b", "content": "x"}), &[(Entity::Lead, "a-b")]);
        check(
            json!({"organization_id": 3, "participants": [{"person_id": 4, "primary": true}]}),
            &[(Entity::Organization, "3"), (Entity::Person, "4")],
        );
        check(json!({"title": "x"}), &[]);
    }
}
