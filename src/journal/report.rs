//! What reports read: records that did not simply end well, roles that were lost, without payloads and in bounded walks.

use std::sync::Arc;

use rusqlite::{Row, params};

use super::bindings::{entity_at, key_row};
use super::records::object_at;
use super::{Journal, unknown_name, unreadable};
use crate::error::Result;
use crate::record::{BindingKey, Entity, Fate, Finding, Object};

/// A record that a report has something to say about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notable {
    /// Kind of the record.
    pub object: Object,
    /// Its id in the source.
    pub source_id: Arc<str>,
    /// How it ended; `None` while it has no fate.
    pub fate: Option<Fate>,
    /// Why, in words.
    pub reason: Option<String>,
    /// What was found on it.
    pub findings: Vec<Finding>,
}

/// A role that was rejected although its record is in Pipedrive under another role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOutRole {
    /// Which role of which record.
    pub key: BindingKey,
    /// What kind of Pipedrive record it would have been.
    pub entity: Entity,
    /// Why, in words.
    pub reason: String,
}

impl Journal {
    /// The place of the newest landed record in the order of landing; 0 when there is none.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn last_seq(&self) -> Result<i64> {
        self.read("looking for the newest record", |connection| {
            connection.query_row("SELECT coalesce(max(seq), 0) FROM record", [], |row| row.get(0))
        })
        .await
    }

    /// Of the records at places `after_seq + 1` to `upto_seq`: those that are parked, rejected, skipped or without a
    /// fate, and those with findings; in the order of landing. The caller chooses the span, so one call stays short
    /// however rare such records are.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn notable(&self, after_seq: i64, upto_seq: i64) -> Result<Vec<Notable>> {
        self.read("reading notable records", move |connection| {
            connection
                .prepare_cached(
                    "SELECT object, source_id, fate, reason, findings FROM record WHERE seq > ?1 AND seq <= ?2 \
                     AND (fate IS NULL OR fate IN ('parked', 'rejected', 'skipped') OR findings IS NOT NULL) ORDER BY seq",
                )?
                .query_map([after_seq, upto_seq], notable_row)?
                .collect()
        })
        .await
    }

    /// At most `limit` rejected roles, after a role in the order of object, id and role, of records that are in Pipedrive
    /// under another role.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn left_out_roles(&self, after: Option<BindingKey>, limit: usize) -> Result<Vec<LeftOutRole>> {
        self.read("reading rejected roles", move |connection| {
            let (object, id, role) =
                after.as_ref().map_or(("", "", ""), |after| (after.object.as_str(), &*after.source_id, &*after.role));
            connection
                .prepare_cached(
                    "SELECT b.object, b.source_id, b.role, b.entity, coalesce(b.reason, '') FROM binding b \
                     JOIN record r ON r.object = b.object AND r.source_id = b.source_id WHERE b.fate = 'rejected' \
                     AND r.fate IN ('loaded', 'merged', 'folded', 'matched') \
                     AND (b.object, b.source_id, b.role) > (?1, ?2, ?3) \
                     ORDER BY b.object, b.source_id, b.role LIMIT ?4",
                )?
                .query_map(params![object, id, role, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                    Ok(LeftOutRole { key: key_row(row)?, entity: entity_at(row, 3)?, reason: row.get(4)? })
                })?
                .collect()
        })
        .await
    }
}

fn notable_row(row: &Row<'_>) -> rusqlite::Result<Notable> {
    let fate: Option<String> = row.get(2)?;
    let findings: Option<String> = row.get(4)?;
    Ok(Notable {
        object: object_at(row, 0)?,
        source_id: row.get::<_, String>(1)?.into(),
        fate: fate.map(|text| Fate::parse(&text).ok_or_else(|| unknown_name(2, &text))).transpose()?,
        reason: row.get(3)?,
        findings: findings
            .map(|text| serde_json::from_str(&text).map_err(|error| unreadable(4, error)))
            .transpose()?
            .unwrap_or_default(),
    })
}
