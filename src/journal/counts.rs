//! How many bindings ended how.

use rusqlite::params;

use super::Journal;
use super::bindings::LIVE;
use crate::error::Result;
use crate::record::Entity;

/// Which rejected or waiting roles are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Troubled {
    /// All of them.
    All,
    /// Rows that are no records: all that is known of such before the load.
    Rows,
}

impl Journal {
    /// How many live Pipedrive records of an entity we made.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn loaded(&self, entity: Entity) -> Result<u64> {
        self.count_live(entity, 0).await
    }

    /// How many live Pipedrive records of an entity were there before us and stand for one of the source.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn matched(&self, entity: Entity) -> Result<u64> {
        self.count_live(entity, 1).await
    }

    async fn count_live(&self, entity: Entity, existing: u8) -> Result<u64> {
        self.read("counting live records", move |connection| {
            let sql = format!("SELECT count(*) FROM binding b WHERE b.entity = ?1 AND b.existing = ?2 AND {LIVE}");
            let count: i64 =
                connection.prepare_cached(&sql)?.query_row(params![entity.as_str(), existing], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
        .await
    }

    /// How many roles with a Pipedrive record of their own to come were rejected or wait for something, and rows that are no
    /// records. Owners have a report of their own, and what is folded ends as what it belongs to.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn troubled(&self, which: Troubled) -> Result<u64> {
        let role = match which {
            Troubled::All => "<> 'fold'",
            Troubled::Rows => "= 'row'",
        };
        let sql = format!(
            "SELECT count(*) FROM binding WHERE fate IN ('rejected', 'parked') AND entity <> 'user' AND role {role}"
        );
        self.read("counting rejected and parked roles", move |connection| {
            let count: i64 = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
        .await
    }

    /// Parked roles by what they wait for, most first.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn parked(&self) -> Result<Vec<(String, u64)>> {
        self.read("counting parked records", |connection| {
            connection
                .prepare_cached(
                    "SELECT coalesce(waits_for, 'unnamed'), count(*) FROM binding WHERE fate = 'parked' \
                     GROUP BY 1 ORDER BY 2 DESC, 1",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
                .collect()
        })
        .await
    }
}
