//! Landed records: as received, in the order of landing, with their fate and findings.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value};

use super::parents::{Onward, lead_on, parent_through, put_onward, touch_parent, way_of};
use super::{Journal, unknown_name, unreadable};
use crate::error::Result;
use crate::record::{Fate, Finding, Object, Place, ROW, SourceRecord};

/// A record about to be landed.
#[derive(Debug, Clone)]
pub struct Landing {
    /// The record as received.
    pub record: SourceRecord,
    /// Digest of what counts as its content.
    pub digest: [u8; 16],
    /// The record it folds into, if its object folds and the row names that record itself.
    pub parent: Option<(Object, Arc<str>)>,
    /// Where children that reach their parent through others go on to from here; of such a child its own first step too.
    pub onward: Vec<Onward>,
    /// The whole walk of the table that it was read in, where the source has such: then rows that are not in it are gone.
    pub walk: Option<Arc<str>>,
}

/// What landing a record brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// It was not known.
    New,
    /// It was known with other content.
    Changed,
    /// It was known with this content; only the count of such reads grew.
    Unchanged,
}

/// A landed record as read back.
#[derive(Debug, Clone)]
pub struct Landed {
    /// Its place in the order of landing.
    pub seq: i64,
    /// Grows with every change of the record or of what folds into it.
    pub version: i64,
    /// How it ended so far.
    pub fate: Option<Fate>,
    /// Why, in words.
    pub reason: Option<String>,
    /// What was found on it.
    pub findings: Vec<Finding>,
    /// The record; its children are filled in when they were asked for.
    pub record: SourceRecord,
}

/// How many records of an object ended in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FateCount {
    /// The object.
    pub object: Object,
    /// The fate; `None` while a record has none.
    pub fate: Option<Fate>,
    /// How many.
    pub records: u64,
}

pub(super) const COLUMNS: &str =
    "seq, object, source_id, payload, modified, deleted, origin, origin_row, version, fate, reason, findings";

impl Journal {
    /// Lands records in order. A changed record keeps its fate until its roles are done again; a changed child makes its
    /// parent change too.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn land(&self, landings: Vec<Landing>, at: jiff::Timestamp) -> Result<Vec<Novelty>> {
        self.write("landing records", move |connection| {
            let at = at.to_string();
            landings.iter().map(|landing| land_one(connection, landing, &at)).collect()
        })
        .await
    }

    /// At most `limit` landed records of an object after a place in the order, with what folds into them.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn landed(&self, object: Object, after_seq: i64, limit: usize) -> Result<Vec<Landed>> {
        let sql = format!("SELECT {COLUMNS} FROM record WHERE object = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
        self.read("reading landed records", move |connection| walk(connection, &sql, object, after_seq, limit)).await
    }

    /// As [`Journal::landed`], but only records with a role that may be behind.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn pending(&self, object: Object, after_seq: i64, limit: usize) -> Result<Vec<Landed>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM record WHERE pending = 1 AND object = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
        );
        self.read("reading pending records", move |connection| walk(connection, &sql, object, after_seq, limit)).await
    }

    /// At most `limit` contents of an object's rows after a place in the order, each with its own place. Rows that were
    /// no records have none.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn contents(
        &self,
        object: Object,
        after_seq: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Map<String, Value>)>> {
        self.read("reading contents of records", move |connection| {
            connection
                .prepare_cached(
                    "SELECT seq, payload FROM record WHERE object = ?1 AND seq > ?2 AND NOT EXISTS \
                     (SELECT 1 FROM binding WHERE binding.object = record.object AND \
                     binding.source_id = record.source_id AND binding.role = ?4) ORDER BY seq LIMIT ?3",
                )?
                .query_map(params![object.as_str(), after_seq, row_limit(limit), ROW], |row| {
                    let content = serde_json::from_str(row.get_ref(1)?.as_str()?);
                    Ok((row.get(0)?, content.map_err(|error| unreadable(1, error))?))
                })?
                .collect()
        })
        .await
    }

    /// How many records of the objects have a role that may be behind.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn pending_count(&self, objects: Vec<Object>) -> Result<u64> {
        self.read("counting pending records", move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT count(*) FROM record WHERE pending = 1 AND object = ?1")?;
            objects.iter().try_fold(0, |sum, object| {
                let count: i64 = statement.query_row([object.as_str()], |row| row.get(0))?;
                Ok(sum + count.unsigned_abs())
            })
        })
        .await
    }

    /// How many records of an object are landed and not deleted at the source since.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn live_records(&self, object: Object) -> Result<u64> {
        self.read("counting live records", move |connection| {
            let count: i64 = connection
                .prepare_cached("SELECT count(*) FROM record WHERE object = ?1 AND deleted = 0")?
                .query_row([object.as_str()], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
        .await
    }

    /// One landed record with what folds into it.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn record(&self, object: Object, source_id: Arc<str>) -> Result<Option<Landed>> {
        self.read("reading a record", move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM record WHERE object = ?1 AND source_id = ?2");
            let found = connection
                .prepare_cached(&sql)?
                .query_row(params![object.as_str(), &*source_id], landed_row)
                .optional()?;
            found.map(|landed| with_children(connection, landed)).transpose()
        })
        .await
    }

    /// Which of these records were ever landed.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn exist(&self, records: Vec<(Object, Arc<str>)>) -> Result<Vec<bool>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        self.read("looking for records", move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM record WHERE object = ?1 AND source_id = ?2)";
            let mut statement = connection.prepare_cached(sql)?;
            let mut exists = |(object, id): &(Object, Arc<str>)| {
                statement.query_row(params![object.as_str(), &**id], |row| row.get(0))
            };
            records.iter().map(&mut exists).collect()
        })
        .await
    }

    /// Takes the pending mark off every record of the objects none of whose roles is behind.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn clear_pending(&self, objects: Vec<Object>) -> Result<()> {
        self.write("clearing pending marks", move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE record SET pending = 0 WHERE object = ?1 AND pending = 1 \
                 AND EXISTS (SELECT 1 FROM binding b WHERE b.object = record.object AND b.source_id = record.source_id) \
                 AND NOT EXISTS (SELECT 1 FROM binding b WHERE b.object = record.object \
                     AND b.source_id = record.source_id AND (b.version < record.version OR b.fate = 'parked'))",
            )?;
            objects.iter().try_for_each(|object| statement.execute([object.as_str()]).map(drop))
        })
        .await
    }

    /// Makes every role of these records behind, because what they become is another thing now.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn touch(&self, records: Vec<(Object, Arc<str>)>) -> Result<()> {
        self.write("bringing records up again", move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE record SET pending = 1, version = version + 1, findings = NULL WHERE object = ?1 AND source_id = ?2",
            )?;
            records.iter().try_for_each(|(object, id)| statement.execute(params![object.as_str(), &**id]).map(drop))
        })
        .await
    }

    /// Records by object and fate, in the order of the objects' names.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn fates(&self) -> Result<Vec<FateCount>> {
        self.read("counting fates", |connection| {
            connection
                .prepare_cached(
                    "SELECT object, fate, count(*) FROM record GROUP BY object, fate ORDER BY object, fate",
                )?
                .query_map([], |row| {
                    let fate: Option<String> = row.get(1)?;
                    let fate = fate.map(|text| Fate::parse(&text).ok_or_else(|| unknown_name(1, &text))).transpose()?;
                    let records: i64 = row.get(2)?;
                    Ok(FateCount { object: object_at(row, 0)?, fate, records: records.unsigned_abs() })
                })?
                .collect()
        })
        .await
    }

    /// How many records of an object have a fate, and how many times a read brought nothing new.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn unchanged_reads(&self) -> Result<u64> {
        self.read("counting unchanged reads", |connection| {
            let total: i64 =
                connection.query_row("SELECT coalesce(sum(unchanged_reads), 0) FROM record", [], |row| row.get(0))?;
            Ok(total.unsigned_abs())
        })
        .await
    }

    /// At most `limit` records of a fate, or with findings when `fate` is `None`, after a place in the order.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn noteworthy(&self, fate: Option<Fate>, after_seq: i64, limit: usize) -> Result<Vec<Landed>> {
        self.read("reading noteworthy records", move |connection| {
            let which = match fate {
                Some(_) => "fate = ?1",
                None => "?1 IS NULL AND findings IS NOT NULL",
            };
            let sql = format!("SELECT {COLUMNS} FROM record WHERE {which} AND seq > ?2 ORDER BY seq LIMIT ?3");
            connection
                .prepare_cached(&sql)?
                .query_map(params![fate.map(Fate::as_str), after_seq, row_limit(limit)], landed_row)?
                .collect()
        })
        .await
    }
}

fn land_one(connection: &Connection, landing: &Landing, at: &str) -> rusqlite::Result<Novelty> {
    let record = &landing.record;
    let (object, id) = (record.object.as_str(), &*record.id);
    let known = connection
        .prepare_cached("SELECT digest, deleted FROM record WHERE object = ?1 AND source_id = ?2")?
        .query_row(params![object, id], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, bool>(1)?)))
        .optional()?;
    let modified = record.modified.map(|time| time.to_string());
    if known == Some((landing.digest, record.deleted)) {
        connection
            .prepare_cached(
                "UPDATE record SET unchanged_reads = unchanged_reads + 1, modified = ?3, walk = ?4 \
                 WHERE object = ?1 AND source_id = ?2",
            )?
            .execute(params![object, id, modified, landing.walk])?;
        return Ok(Novelty::Unchanged);
    }
    let payload = serde_json::to_string(&record.payload).map_err(|error| unreadable(0, error))?;
    put_onward(connection, object, id, &landing.onward)?;
    let is_far = landing.onward.iter().any(|onward| onward.child == record.object);
    let parent = if is_far { parent_through(connection, object, id)? } else { landing.parent.clone() };
    let (parent_object, parent_id) = parent.as_ref().map(|(object, id)| (object.as_str(), &**id)).unzip();
    let row = i64::try_from(record.place.row).unwrap_or(i64::MAX);
    if known.is_some() {
        touch_parent(connection, object, id)?;
        connection
            .prepare_cached(
                "UPDATE record SET payload = CASE WHEN ?6 THEN payload ELSE ?3 END, digest = ?4, modified = ?5, \
                 deleted = ?6, origin = ?7, origin_row = ?8, parent_object = ?9, parent_id = ?10, landed_at = ?11, \
                 walk = ?12, findings = NULL, version = version + 1, pending = 1 WHERE object = ?1 AND source_id = ?2",
            )?
            .execute(params![
                object,
                id,
                payload,
                landing.digest,
                modified,
                record.deleted,
                &*record.place.origin,
                row,
                parent_object,
                parent_id,
                at,
                landing.walk
            ])?;
    } else {
        connection
            .prepare_cached(
                "INSERT INTO record (object, source_id, payload, digest, modified, deleted, origin, origin_row, \
                 parent_object, parent_id, landed_at, walk, version, pending) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1, 1)",
            )?
            .execute(params![
                object,
                id,
                payload,
                landing.digest,
                modified,
                record.deleted,
                &*record.place.origin,
                row,
                parent_object,
                parent_id,
                at,
                landing.walk
            ])?;
    }
    bring_family_up(connection, landing, parent_id.is_some(), known.is_some())?;
    Ok(if known.is_some() { Novelty::Changed } else { Novelty::New })
}

/// The parent changes with a record. Children that were there first and had no parent are part of it now, and those that go
/// through it may have another parent.
fn bring_family_up(
    connection: &Connection,
    landing: &Landing,
    has_parent: bool,
    is_known: bool,
) -> rusqlite::Result<()> {
    let (object, id) = (landing.record.object.as_str(), &*landing.record.id);
    if has_parent {
        touch_parent(connection, object, id)?;
    }
    if !is_known {
        connection
            .prepare_cached(
                "UPDATE record SET version = version + 1, pending = 1 \
                 WHERE parent_object = ?1 AND parent_id = ?2 AND fate = 'rejected'",
            )?
            .execute(params![object, id])?;
    }
    let through = landing.onward.iter().filter(|onward| onward.child != landing.record.object);
    through.map(|onward| onward.child).try_for_each(|child| lead_on(connection, child, object, id))
}

pub(super) fn walk(
    connection: &Connection,
    sql: &str,
    object: Object,
    after_seq: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Landed>> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![object.as_str(), after_seq, row_limit(limit)], landed_row)?;
    // Most objects have no children at all, which one look tells for the whole page.
    let has_children: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM record WHERE parent_object = ?1 AND parent_id IS NOT NULL)")?
        .query_row([object.as_str()], |row| row.get(0))?;
    if !has_children {
        return found.collect();
    }
    found.map(|landed| with_children(connection, landed?)).collect()
}

fn with_children(connection: &Connection, mut landed: Landed) -> rusqlite::Result<Landed> {
    let sql = format!(
        "SELECT {COLUMNS} FROM record WHERE parent_object = ?1 AND parent_id = ?2 AND deleted = 0 ORDER BY seq"
    );
    landed.record.children = connection
        .prepare_cached(&sql)?
        .query_map(params![landed.record.object.as_str(), &*landed.record.id], landed_row)?
        .map(|child| child.map(|child| child.record))
        .collect::<rusqlite::Result<_>>()?;
    for child in &mut landed.record.children {
        child.between = between(connection, child)?;
    }
    Ok(landed)
}

/// The records by way of which a child reaches what it is folded into, as they landed.
fn between(connection: &Connection, child: &SourceRecord) -> rusqlite::Result<Vec<SourceRecord>> {
    let way = way_of(connection, child.object.as_str(), &child.id)?;
    let sql = format!("SELECT {COLUMNS} FROM record WHERE object = ?1 AND source_id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let read =
        |(object, id): &(Object, Arc<str>)| statement.query_row(params![object.as_str(), id], landed_row).optional();
    let found: Vec<Option<Landed>> = way.iter().map(read).collect::<rusqlite::Result<_>>()?;
    Ok(found.into_iter().flatten().map(|landed| landed.record).collect())
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn object_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Object> {
    let text = row.get_ref(column)?.as_str()?;
    Object::parse(text).ok_or_else(|| unknown_name(column, text))
}

fn landed_row(row: &Row<'_>) -> rusqlite::Result<Landed> {
    let payload: Map<String, Value> =
        serde_json::from_str(row.get_ref(3)?.as_str()?).map_err(|error| unreadable(3, error))?;
    let modified: Option<String> = row.get(4)?;
    let modified = modified.map(|text| text.parse().map_err(|error| unreadable(4, error))).transpose()?;
    let origin_row: i64 = row.get(7)?;
    let fate: Option<String> = row.get(9)?;
    let findings: Option<String> = row.get(11)?;
    let record = SourceRecord {
        object: object_at(row, 1)?,
        id: row.get::<_, String>(2)?.into(),
        payload,
        modified,
        deleted: row.get(5)?,
        place: Place { origin: row.get::<_, String>(6)?.into(), row: origin_row.unsigned_abs() },
        children: Vec::new(),
        between: Vec::new(),
    };
    Ok(Landed {
        seq: row.get(0)?,
        version: row.get(8)?,
        fate: fate.map(|text| Fate::parse(&text).ok_or_else(|| unknown_name(9, &text))).transpose()?,
        reason: row.get(10)?,
        findings: findings
            .map(|text| serde_json::from_str(&text).map_err(|error| unreadable(11, error)))
            .transpose()?
            .unwrap_or_default(),
        record,
    })
}
