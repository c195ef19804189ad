//! Claims of duplicate keys: the first record that claims a key survives, and stands for all that claim it later.
//!
//! A comparison of two mappings makes its claims apart from those that stand, under a prefix, until it is carried out.

use rusqlite::{Connection, params};

use super::Journal;
use super::bindings::key_row;
use crate::error::Result;
use crate::record::{BindingKey, Entity};

/// How the claims of records that are the same, or alike, begin; others are about what Pipedrive holds.
const OF_KEYS: [&str; 2] = ["same:", "alike:"];

/// The claim that makes records with this key the same.
#[must_use]
pub fn claim_of_same(key: &str) -> String {
    format!("{}{key}", OF_KEYS[0])
}

/// The claim by which records with this key are alike. It never meets one of [`claim_of_same`].
#[must_use]
pub fn claim_of_alike(key: &str) -> String {
    format!("{}{key}", OF_KEYS[1])
}

impl Journal {
    /// Names the survivor for each duplicate key: the first binding that ever claimed it, so the claimant itself when the
    /// key is new.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn claim(&self, claims: Vec<(Entity, String, BindingKey)>) -> Result<Vec<BindingKey>> {
        self.write("claiming duplicate keys", move |connection| {
            claims.iter().map(|(entity, key, claimant)| claim_one(connection, *entity, key, claimant)).collect()
        })
        .await
    }

    /// Merged roles whose survivor ended without a record of its own: takes their claim away and makes them pending, so
    /// that the next of them survives. Says how many there were.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn release_merged(&self, entity: Entity) -> Result<u64> {
        self.write("releasing merged records", move |connection| {
            let survivors = "SELECT 1 FROM binding s WHERE s.fate IN ('rejected', 'skipped') AND s.dest_id IS NULL \
                 AND s.object = json_extract(m.survivor, '$.object') \
                 AND s.source_id = json_extract(m.survivor, '$.source_id') AND s.role = json_extract(m.survivor, '$.role')";
            let released = connection.execute(
                &format!(
                    "UPDATE record SET pending = 1, version = version + 1 WHERE EXISTS (SELECT 1 FROM binding m \
                     WHERE m.object = record.object AND m.source_id = record.source_id AND m.entity = ?1 \
                     AND m.fate = 'merged' AND EXISTS ({survivors}))"
                ),
                [entity.as_str()],
            )?;
            connection.execute(
                "DELETE FROM duplicate WHERE entity = ?1 AND EXISTS (SELECT 1 FROM binding b WHERE b.object = duplicate.object \
                 AND b.source_id = duplicate.source_id AND b.role = duplicate.role AND b.fate IN ('rejected', 'skipped') \
                 AND b.dest_id IS NULL)",
                [entity.as_str()],
            )?;
            Ok(released as u64)
        })
        .await
    }

    /// Gives up every claim of a binding that ended without a record of its own, so that the next one can survive.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn disclaim(&self, claimants: Vec<BindingKey>) -> Result<()> {
        self.write("giving up duplicate keys", move |connection| {
            let mut statement = connection
                .prepare_cached("DELETE FROM duplicate WHERE object = ?1 AND source_id = ?2 AND role = ?3")?;
            claimants.iter().try_for_each(|claimant| {
                statement.execute(params![claimant.object.as_str(), &*claimant.source_id, &*claimant.role]).map(drop)
            })
        })
        .await
    }

    /// Takes every claim away: keys that another mapping made say nothing about those of this one.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn forget_claims(&self) -> Result<()> {
        self.write("forgetting duplicate keys", |connection| connection.execute("DELETE FROM duplicate", []).map(drop))
            .await
    }

    /// Puts the claims that were made under a prefix in place of those that stand.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn take_claims(&self, prefix: &'static str) -> Result<()> {
        self.write("changing duplicate keys", move |connection| {
            for kind in OF_KEYS {
                connection.execute("DELETE FROM duplicate WHERE substr(key, 1, length(?1)) = ?1", [kind])?;
            }
            connection
                .execute(
                    "UPDATE duplicate SET key = substr(key, length(?1) + 1) WHERE substr(key, 1, length(?1)) = ?1",
                    [prefix],
                )
                .map(drop)
        })
        .await
    }

    /// Takes the claims away that were made under a prefix.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn drop_claims(&self, prefix: &'static str) -> Result<()> {
        self.write("forgetting compared keys", move |connection| {
            connection.execute("DELETE FROM duplicate WHERE substr(key, 1, length(?1)) = ?1", [prefix]).map(drop)
        })
        .await
    }
}

pub(super) fn claim_one(
    connection: &Connection,
    entity: Entity,
    key: &str,
    claimant: &BindingKey,
) -> rusqlite::Result<BindingKey> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO duplicate (entity, key, object, source_id, role) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![entity.as_str(), key, claimant.object.as_str(), &*claimant.source_id, &*claimant.role])?;
    if inserted == 1 {
        return Ok(claimant.clone());
    }
    connection
        .prepare_cached("SELECT object, source_id, role FROM duplicate WHERE entity = ?1 AND key = ?2")?
        .query_row(params![entity.as_str(), key], key_row)
}
