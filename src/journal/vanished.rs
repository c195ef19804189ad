//! Rows that a later export does not have any more, told by the whole walk that each row was read in last.

use std::sync::Arc;

use rusqlite::{Connection, ToSql, params};

use super::parents::{Onward, lead_on, put_onward};
use super::{Journal, unknown_name};
use crate::error::Result;
use crate::record::{Fate, Object, ROW};

/// What a whole walk did not have any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vanished {
    /// Rows that are there and were read in a whole walk.
    pub rows: u64,
    /// Of these, the ones that were read in an earlier one only.
    pub vanished: u64,
    /// Besides, the ones that may be among the rows of the last walk that could not be read. They are still there.
    pub unreadable: u64,
    /// The id of a vanished one.
    pub example: Option<String>,
}

/// A row that was read, but not in the walk `?2`.
const GONE: &str = "record.walk <> ?2";

/// Its id, or the first part of it, stands in a row of the walk that could not be read: it may be that row. An id with an
/// escaped sign is written otherwise in its row, so any such row may be it.
const UNREADABLE: &str = "EXISTS (SELECT 1 FROM record AS other JOIN binding USING (object, source_id) \
     WHERE other.object = ?1 AND other.walk = ?2 AND other.deleted = 0 AND binding.role = ?3 \
     AND (instr(record.source_id, '\\') > 0 OR instr(json_extract(other.payload, '$.row'), \
     substr(record.source_id, 1, instr(record.source_id || '|', '|') - 1)) > 0))";

impl Journal {
    /// How many rows of an object are there and were read in a whole walk, and how many of these only in others than this.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn count_vanished(&self, object: Object, walk: Arc<str>) -> Result<Vanished> {
        self.read("counting vanished rows", move |connection| {
            let sql = format!(
                "SELECT count(*), count(*) FILTER (WHERE {GONE}), count(*) FILTER (WHERE {GONE} AND {UNREADABLE}), \
                 min(source_id) FILTER (WHERE {GONE} AND NOT {UNREADABLE}) \
                 FROM record WHERE object = ?1 AND deleted = 0 AND walk IS NOT NULL"
            );
            connection.prepare_cached(&sql)?.query_row(params![object.as_str(), walk, ROW], |row| {
                let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                let (rows, gone, unreadable) = (count(0)?, count(1)?, count(2)?);
                Ok(Vanished { rows, vanished: gone - unreadable, unreadable, example: row.get(3)? })
            })
        })
        .await
    }

    /// Ids of rows that [`Journal::count_vanished`] counts as vanished, at most so many.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn vanished(&self, object: Object, walk: Arc<str>, most: usize) -> Result<Vec<String>> {
        self.read("listing vanished rows", move |connection| {
            let sql = format!(
                "SELECT source_id FROM record WHERE object = ?1 AND deleted = 0 AND walk IS NOT NULL AND {GONE} \
                 AND NOT {UNREADABLE} ORDER BY source_id LIMIT ?4"
            );
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            connection
                .prepare_cached(&sql)?
                .query_map(params![object.as_str(), walk, ROW, most], |row| row.get(0))?
                .collect()
        })
        .await
    }

    /// Counts rows as read in a walk that did not have them, because they are there all the same.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn keep_vanished(&self, object: Object, walk: Arc<str>, ids: Vec<String>) -> Result<()> {
        self.write("keeping vanished rows", move |connection| {
            let mut update =
                connection.prepare_cached("UPDATE record SET walk = ?3 WHERE object = ?1 AND source_id = ?2")?;
            ids.iter().try_for_each(|id| update.execute(params![object.as_str(), id, walk]).map(drop))
        })
        .await
    }

    /// Marks the rows that a whole walk did not have, and an earlier one had, as deleted at the source; not those whose id
    /// stands in a row of the walk that could not be read. What folds into others changes these. Rows that were no records
    /// end as skipped, with the reason.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn delete_vanished(
        &self,
        object: Object,
        walk: Arc<str>,
        reason: String,
        at: jiff::Timestamp,
    ) -> Result<u64> {
        self.write("marking vanished rows", move |connection| {
            let run = |sql: &str, values: &[&dyn ToSql]| connection.prepare(sql)?.execute(values);
            let object = object.as_str();
            // A list of its own, since what is marked below would no longer be found.
            run("CREATE TEMP TABLE IF NOT EXISTS vanished (source_id TEXT PRIMARY KEY) WITHOUT ROWID", &[])?;
            run("DELETE FROM vanished", &[])?;
            let list = format!(
                "INSERT INTO vanished SELECT source_id FROM record WHERE object = ?1 AND deleted = 0 \
                 AND walk IS NOT NULL AND {GONE} AND NOT {UNREADABLE}"
            );
            let marked = run(&list, &[&object, &walk, &ROW])?;
            run(
                "UPDATE record SET version = version + 1, pending = 1 WHERE (object, source_id) IN \
                 (SELECT parent_object, parent_id FROM record WHERE object = ?1 AND parent_id IS NOT NULL \
                 AND source_id IN (SELECT source_id FROM vanished))",
                &[&object],
            )?;
            let skipped = Fate::Skipped.as_str();
            run(
                "UPDATE record SET fate = ?2, reason = ?3 WHERE object = ?1 AND source_id IN (SELECT source_id \
                 FROM vanished JOIN binding USING (source_id) WHERE binding.object = ?1 AND role = ?4)",
                &[&object, &skipped, &reason, &ROW],
            )?;
            run(
                "UPDATE binding SET fate = ?2, reason = ?3 WHERE object = ?1 AND role = ?4 \
                 AND source_id IN (SELECT source_id FROM vanished)",
                &[&object, &skipped, &reason, &ROW],
            )?;
            run(
                "UPDATE record SET deleted = 1, version = version + 1, pending = 1, findings = NULL, landed_at = ?2 \
                 WHERE object = ?1 AND source_id IN (SELECT source_id FROM vanished)",
                &[&object, &at.to_string()],
            )?;
            end_ways(connection, object)?;
            Ok(marked as u64)
        })
        .await
    }
}

/// Nothing is folded through vanished rows any more.
fn end_ways(connection: &Connection, object: &str) -> rusqlite::Result<()> {
    let ways: Vec<(String, String)> = connection
        .prepare(
            "SELECT child, source_id FROM onward WHERE object = ?1 AND child <> ?1 \
             AND source_id IN (SELECT source_id FROM vanished)",
        )?
        .query_map([object], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (child, id) in ways {
        let child = Object::parse(&child).ok_or_else(|| unknown_name(0, &child))?;
        put_onward(connection, object, &id, &[Onward { child, to: None, is_parent: false }])?;
        lead_on(connection, child, object, &id)?;
    }
    Ok(())
}
