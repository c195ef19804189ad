//! Landed records copied from one journal into another: the sample and what its records are made from, as received, and
//! nothing of what was done about them. What became of a record in one Pipedrive company says nothing about another.

use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};

use super::Journal;
use super::existing::CLAIM;
use crate::error::Result;
use crate::record::Object;

/// What is copied of a record; `seq` first, as it is the place at which the next page goes on.
const COPIED: &str = "seq, object, source_id, payload, digest, modified, deleted, origin, origin_row, parent_object, \
                      parent_id, landed_at, version";

/// A record on its way from one journal to another.
#[derive(Debug)]
pub struct Copied(Vec<Value>);

/// A claim of a duplicate key on its way.
#[derive(Debug)]
pub struct CopiedClaim(Vec<Value>);

/// A step of a child's way on its way.
#[derive(Debug)]
pub struct CopiedWay(Vec<Value>);

/// The children of the sample's records, and the records by way of which they belong to them.
const WAYS: &str = "WITH RECURSIVE way (child, object, source_id) AS (SELECT c.object, c.object, c.source_id FROM record c \
    JOIN sample s ON s.object = c.parent_object AND s.source_id = c.parent_id UNION \
    SELECT o.child, o.to_object, o.to_id FROM onward o JOIN way ON o.child = way.child AND o.object = way.object \
    AND o.source_id = way.source_id WHERE o.is_parent = 0)";

impl Copied {
    /// The record's place in the order of landing.
    #[must_use]
    pub fn seq(&self) -> i64 {
        match self.0.first() {
            Some(Value::Integer(seq)) => *seq,
            _ => 0,
        }
    }
}

impl Journal {
    /// At most `limit` records, after a place in the order of landing, that the sample is made from: its records with their
    /// children and those by way of which these belong to them, and every owner and pipeline.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn sampled(&self, after_seq: i64, limit: usize) -> Result<Vec<Copied>> {
        let whole = format!("('{}', '{}')", Object::Owner, Object::Pipeline);
        let in_sample = |object: &str, id: &str| {
            format!("EXISTS (SELECT 1 FROM sample s WHERE s.object = {object} AND s.source_id = {id})")
        };
        let sql = format!(
            "{WAYS} SELECT {COPIED} FROM record r WHERE r.seq > ?1 AND (r.object IN {whole} OR r.parent_object IN {whole} \
             OR {} OR (r.parent_id IS NOT NULL AND {}) OR (r.object, r.source_id) IN (SELECT object, source_id FROM way)) \
             ORDER BY r.seq LIMIT ?2",
            in_sample("r.object", "r.source_id"),
            in_sample("r.parent_object", "r.parent_id"),
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("reading the sample's records", move |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let columns = statement.column_count();
            statement
                .query_map(params![after_seq, limit], |row| (0..columns).map(|column| row.get(column)).collect())?
                .map(|row| row.map(Copied))
                .collect()
        })
        .await
    }

    /// The ways on which the children of the sample's records belong to them.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn sampled_ways(&self) -> Result<Vec<CopiedWay>> {
        let sql = format!(
            "{WAYS} SELECT o.child, o.object, o.source_id, o.to_object, o.to_id, o.is_parent FROM onward o JOIN way \
             ON o.child = way.child AND o.object = way.object AND o.source_id = way.source_id"
        );
        self.read("reading the sample's ways", move |connection| {
            connection
                .prepare_cached(&sql)?
                .query_map([], |row| (0..6).map(|column| row.get(column)).collect())?
                .map(|row| row.map(CopiedWay))
                .collect()
        })
        .await
    }

    /// Takes copied ways up.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn take_ways(&self, ways: Vec<CopiedWay>) -> Result<()> {
        self.write("taking copied ways up", move |connection| {
            let mut statement = connection.prepare_cached(
                "INSERT OR REPLACE INTO onward (child, object, source_id, to_object, to_id, is_parent) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            ways.iter().try_for_each(|CopiedWay(row)| statement.execute(params_from_iter(row)).map(drop))
        })
        .await
    }

    /// Takes copied records up. One that is there already is brought up to date, and is behind only if it is another now.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn take_copies(&self, copies: Vec<Copied>) -> Result<()> {
        self.write("taking copied records up", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "INSERT INTO record ({COPIED}, pending) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 1) \
                 ON CONFLICT (object, source_id) DO UPDATE SET payload = excluded.payload, digest = excluded.digest, \
                 modified = excluded.modified, deleted = excluded.deleted, origin = excluded.origin, \
                 origin_row = excluded.origin_row, parent_object = excluded.parent_object, \
                 parent_id = excluded.parent_id, landed_at = excluded.landed_at, findings = NULL, pending = 1, \
                 version = max(version, excluded.version) + 1 \
                 WHERE digest <> excluded.digest OR deleted <> excluded.deleted OR parent_id IS NOT excluded.parent_id",
            ))?;
            copies.iter().try_for_each(|Copied(row)| statement.execute(params_from_iter(row)).map(drop))
        })
        .await
    }

    /// Duplicate keys that records of the sample have claimed. Claims of what a Pipedrive company holds stay where they are:
    /// they name its ids.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn sampled_claims(&self) -> Result<Vec<CopiedClaim>> {
        self.read("reading the sample's claims", |connection| {
            connection
                .prepare_cached(
                    "SELECT entity, key, d.object, d.source_id, role FROM duplicate d JOIN sample s \
                     ON s.object = d.object AND s.source_id = d.source_id WHERE substr(key, 1, length(?1)) <> ?1",
                )?
                .query_map([CLAIM], |row| (0..5).map(|column| row.get(column)).collect())?
                .map(|row| row.map(CopiedClaim))
                .collect()
        })
        .await
    }

    /// Takes copied claims up in place of all others, but those of what the company of this journal holds.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn copy_claims(&self, claims: Vec<CopiedClaim>) -> Result<()> {
        self.write("taking copied claims up", move |connection| {
            connection.execute("DELETE FROM duplicate WHERE substr(key, 1, length(?1)) <> ?1", [CLAIM])?;
            let mut statement = connection.prepare_cached(
                "INSERT INTO duplicate (entity, key, object, source_id, role) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            claims.iter().try_for_each(|CopiedClaim(row)| statement.execute(params_from_iter(row)).map(drop))
        })
        .await
    }
}
