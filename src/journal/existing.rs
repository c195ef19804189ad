//! What Pipedrive held before us, by key: written by a walk of its lists, looked up before a record is made.

use std::sync::Arc;

use rusqlite::params;

use super::Journal;
use super::claims::claim_one;
use crate::error::Result;
use crate::record::{BindingKey, Entity, Object};

/// A record of Pipedrive that is not ours, with its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub dest_id: Arc<str>,
    /// Its keys.
    pub keys: Vec<[u8; 16]>,
    /// Its fields that hold a value, as the walk saw them, parted by spaces: system fields by name, custom ones by code.
    pub filled: String,
}

/// A record that was found by a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub dest_id: Arc<str>,
    /// As in [`Held`].
    pub filled: String,
}

/// The claim that makes one record of the source stand for a record of Pipedrive; no duplicate key begins like this.
pub(super) const CLAIM: &str = "existing:";

impl Journal {
    /// Forgets what was seen of one kind, and who was to stand for it: a walk begins.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn forget_existing(&self, entity: Entity) -> Result<()> {
        self.write("forgetting what Pipedrive held", move |connection| {
            connection.execute("DELETE FROM existing WHERE entity = ?1", [entity.as_str()])?;
            // Who is bound stays: only the others may be given to another record the next time.
            connection
                .execute(
                    "DELETE FROM duplicate WHERE entity = ?1 AND key >= ?2 AND key < ?3 AND NOT EXISTS (SELECT 1 \
                     FROM binding b WHERE b.object = duplicate.object AND b.source_id = duplicate.source_id \
                     AND b.role = duplicate.role AND b.existing = 1)",
                    params![entity.as_str(), CLAIM, "existing;"],
                )
                .map(drop)
        })
        .await
    }

    /// Keeps what a page showed; records that are known already take their new keys.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn keep_existing(&self, entity: Entity, held: Vec<Held>) -> Result<()> {
        self.write("keeping what Pipedrive holds", move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO existing (entity, key, dest_id, filled) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO UPDATE SET filled = excluded.filled",
            )?;
            held.iter().try_for_each(|held| {
                held.keys.iter().try_for_each(|key| {
                    statement.execute(params![entity.as_str(), key, &*held.dest_id, held.filled]).map(drop)
                })
            })
        })
        .await
    }

    /// Whether anything is known to exist of a kind.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn holds_existing(&self, entity: Entity) -> Result<bool> {
        self.read("asking whether Pipedrive held anything", move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM existing WHERE entity = ?1)";
            connection.prepare_cached(sql)?.query_row([entity.as_str()], |row| row.get(0))
        })
        .await
    }

    /// For each group of keys: the records that have one of them, by id, each once.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn find_existing(&self, entity: Entity, groups: Vec<Vec<[u8; 16]>>) -> Result<Vec<Vec<Candidate>>> {
        self.read("looking for what Pipedrive holds", move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT dest_id, filled FROM existing WHERE entity = ?1 AND key = ?2")?;
            let mut all = Vec::with_capacity(groups.len());
            for keys in groups {
                let mut found: Vec<Candidate> = Vec::new();
                for key in keys {
                    let rows = statement.query_map(params![entity.as_str(), key], |row| {
                        Ok(Candidate { dest_id: row.get::<_, String>(0)?.into(), filled: row.get(1)? })
                    })?;
                    for candidate in rows {
                        let candidate = candidate?;
                        if found.iter().all(|known| known.dest_id != candidate.dest_id) {
                            found.push(candidate);
                        }
                    }
                }
                all.push(found);
            }
            Ok(all)
        })
        .await
    }

    /// Names who stands for records of Pipedrive: the first binding that claimed each, so the claimant itself when nobody
    /// did before. What was asked about a claimant under `topic` is answered with that.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn claim_existing(
        &self,
        topic: &'static str,
        claims: Vec<(Entity, Arc<str>, BindingKey)>,
    ) -> Result<Vec<BindingKey>> {
        self.write("claiming what Pipedrive holds", move |connection| {
            let mut answer =
                connection.prepare_cached("UPDATE question SET answer = ?3 WHERE topic = ?1 AND subject = ?2")?;
            let mut claim = |(entity, dest_id, claimant): &(Entity, Arc<str>, BindingKey)| {
                answer.execute(params![topic, claimant.to_string(), format!("{entity} {dest_id}")])?;
                claim_one(connection, *entity, &format!("{CLAIM}{dest_id}"), claimant)
            };
            claims.iter().map(&mut claim).collect()
        })
        .await
    }

    /// Notes that one of several must be chosen by people, and marks all of them.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn mark_unclear(&self, entity: Entity, dest_ids: Vec<Arc<str>>) -> Result<()> {
        self.write("marking what is unclear", move |connection| {
            let mut statement =
                connection.prepare_cached("UPDATE existing SET unclear = 1 WHERE entity = ?1 AND dest_id = ?2")?;
            dest_ids.iter().try_for_each(|id| statement.execute(params![entity.as_str(), &**id]).map(drop))
        })
        .await
    }

    /// At most `limit` records that somebody waits for people to make one of, after an id.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn unclear(&self, entity: Entity, after: String, limit: usize) -> Result<Vec<Arc<str>>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("reading what is unclear", move |connection| {
            connection
                .prepare_cached(
                    "SELECT DISTINCT dest_id FROM existing WHERE entity = ?1 AND unclear = 1 AND dest_id > ?2 \
                     ORDER BY dest_id LIMIT ?3",
                )?
                .query_map(params![entity.as_str(), after, limit], |row| Ok(row.get::<_, String>(0)?.into()))?
                .collect()
        })
        .await
    }

    /// Forgets records that are gone.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn forget_gone(&self, entity: Entity, dest_ids: Vec<Arc<str>>) -> Result<()> {
        self.write("forgetting what is gone", move |connection| {
            let mut statement = connection.prepare_cached("DELETE FROM existing WHERE entity = ?1 AND dest_id = ?2")?;
            dest_ids.iter().try_for_each(|id| statement.execute(params![entity.as_str(), &**id]).map(drop))
        })
        .await
    }

    /// Whether a record of these objects waits that has no role of this kind yet: it may become one that exists.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn awaits_first(&self, entity: Entity, objects: Vec<Object>) -> Result<bool> {
        self.read("looking for new records", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM record r WHERE r.pending = 1 AND r.object = ?1 AND NOT EXISTS (SELECT 1 \
                 FROM binding b WHERE b.object = r.object AND b.source_id = r.source_id AND b.entity = ?2))",
            )?;
            for object in objects {
                if statement.query_row([object.as_str(), entity.as_str()], |row| row.get(0))? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }
}
