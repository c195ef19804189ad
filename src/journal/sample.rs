//! The sample: which records are loaded first, and taking them back.

use std::sync::Arc;

use rusqlite::params;

use super::Journal;
use super::bindings::{BODIES, COLUMNS, LIVE, Promised, promised_row};
use super::records::{self, Landed, object_at};
use crate::error::Result;
use crate::record::{Entity, Object};

/// A record of the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Kind of the record.
    pub object: Object,
    /// Its id in the source.
    pub source_id: Arc<str>,
    /// Why it was chosen, in words.
    pub why: String,
}

impl Journal {
    /// Adds records to the sample; those that are in it keep their reason. Gives how many are new.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn add_to_sample(&self, chosen: Vec<Chosen>) -> Result<u64> {
        self.write("choosing the sample", move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO sample (object, source_id, why) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?;
            chosen.iter().try_fold(0, |new, Chosen { object, source_id, why }| {
                Ok(new + statement.execute(params![object.as_str(), &**source_id, why])? as u64)
            })
        })
        .await
    }

    /// Every record of the sample, by object and id.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn sample(&self) -> Result<Vec<Chosen>> {
        self.read("reading the sample", |connection| {
            connection
                .prepare_cached("SELECT object, source_id, why FROM sample ORDER BY object, source_id")?
                .query_map([], |row| {
                    let source_id = row.get::<_, String>(1)?.into();
                    Ok(Chosen { object: object_at(row, 0)?, source_id, why: row.get(2)? })
                })?
                .collect()
        })
        .await
    }

    /// Empties the sample, so that another one can be chosen.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn clear_sample(&self) -> Result<()> {
        self.write("emptying the sample", |connection| connection.execute("DELETE FROM sample", []).map(drop)).await
    }

    /// As [`Journal::pending`], but only records of the sample.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn pending_sample(&self, object: Object, after_seq: i64, limit: usize) -> Result<Vec<Landed>> {
        let sql = format!(
            "SELECT {} FROM record WHERE pending = 1 AND object = ?1 AND seq > ?2 AND EXISTS (SELECT 1 FROM sample s \
             WHERE s.object = record.object AND s.source_id = record.source_id) ORDER BY seq LIMIT ?3",
            records::COLUMNS
        );
        self.read("reading the sample", move |connection| records::walk(connection, &sql, object, after_seq, limit))
            .await
    }

    /// How many pending records of the objects are in the sample.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn pending_sample_count(&self, objects: Vec<Object>) -> Result<u64> {
        self.read("counting the sample", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT count(*) FROM sample s JOIN record r ON r.object = s.object AND r.source_id = s.source_id \
                 WHERE r.pending = 1 AND r.object = ?1",
            )?;
            objects.iter().try_fold(0, |sum, object| {
                let count: i64 = statement.query_row([object.as_str()], |row| row.get(0))?;
                Ok(sum + count.unsigned_abs())
            })
        })
        .await
    }

    /// The roles of the sample's records that have a live Pipedrive record of one kind, with the bodies.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn promised_sample(&self, entity: Entity) -> Result<Vec<Promised>> {
        let sql = format!(
            "SELECT {COLUMNS}, {BODIES} FROM sample s JOIN binding b ON b.object = s.object AND b.source_id = s.source_id \
             LEFT JOIN effect e ON e.id = b.effect WHERE b.entity = ?1 AND {LIVE} ORDER BY b.object, b.source_id, b.role"
        );
        self.read("reading what the sample became", move |connection| {
            connection.prepare_cached(&sql)?.query_map([entity.as_str()], promised_row)?.collect()
        })
        .await
    }

    /// Makes the sample's records as if nothing had been done about them: roles without a live Pipedrive record are
    /// forgotten, those that still have one are brought up to date when they come by again. What was done stays written
    /// in the effects.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn forget_sample(&self) -> Result<()> {
        self.write("taking the sample back", |connection| {
            connection.execute(
                "DELETE FROM binding AS b WHERE EXISTS (SELECT 1 FROM sample s WHERE s.object = b.object \
                 AND s.source_id = b.source_id) AND b.dest_id IS NULL AND b.role <> 'row'",
                [],
            )?;
            connection
                .execute(
                    "UPDATE record SET pending = 1, version = version + 1, findings = NULL, \
                     fate = CASE WHEN EXISTS (SELECT 1 FROM binding b WHERE b.object = record.object \
                         AND b.source_id = record.source_id) THEN fate END, \
                     reason = CASE WHEN EXISTS (SELECT 1 FROM binding b WHERE b.object = record.object \
                         AND b.source_id = record.source_id) THEN reason END \
                     WHERE EXISTS (SELECT 1 FROM sample s WHERE s.object = record.object \
                         AND s.source_id = record.source_id)",
                    [],
                )
                .map(drop)
        })
        .await
    }
}
