//! Bindings: how each role of each record ended, and which Pipedrive record stands for it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::effects::{EffectKind, kind_of};
use super::records::object_at;
use super::{Journal, unknown_name, unreadable};
use crate::error::Result;
use crate::record::{BindingKey, Entity, Fate, Finding, Object};

/// One role of one record, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Which role of which record.
    pub key: BindingKey,
    /// How it ended.
    pub fate: Fate,
    /// The version of the record that this stands for.
    pub version: i64,
    /// What kind of Pipedrive record it is about.
    pub entity: Entity,
    /// The Pipedrive record, for loaded, merged and matched roles, and for others that have been loaded before.
    pub dest_id: Option<Arc<str>>,
    /// Why, in words.
    pub reason: Option<String>,
    /// What a parked role waits for.
    pub waits_for: Option<String>,
    /// What the last write did.
    pub written: Option<EffectKind>,
    /// When the last write was intended, UTC.
    pub intended_at: Option<Timestamp>,
    /// For merged roles: whose record stands for it.
    pub survivor: Option<BindingKey>,
    /// Whether the Pipedrive record was there before us.
    pub existing: bool,
}

/// A role with the bodies of its last write, which are much larger than all the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promised {
    /// The role.
    pub bound: Bound,
    /// What we promised to have in Pipedrive, as JSON. Empty for roles without a write.
    pub promise: Option<String>,
    /// What the source asked for, as JSON, where people's values were kept instead.
    pub asked: Option<String>,
    /// What Pipedrive answered, as JSON.
    pub base: Option<String>,
}

impl Bound {
    /// The role's own record in Pipedrive, which stays its own whatever becomes of a later change: rejected, parked or
    /// left out, it is brought up to date when that changes again, and never made a second time. `None` as well while
    /// people are asked whether a record that they deleted shall be made again; see [`Bound::own_id`].
    #[must_use]
    pub fn live_id(&self) -> Option<&Arc<str>> {
        self.own_id().filter(|_| !self.waits_for_decision())
    }

    /// As [`Bound::live_id`], and the deleted record too while people are asked about it.
    #[must_use]
    pub fn own_id(&self) -> Option<&Arc<str>> {
        // A user that an owner was matched to is nobody's to change.
        let has_own = matches!(self.fate, Fate::Loaded | Fate::Parked | Fate::Rejected | Fate::Skipped)
            || (self.fate == Fate::Matched && self.existing);
        self.dest_id.as_ref().filter(|_| has_own)
    }

    /// Whether nothing happens to it until people have done something, however often it is looked at.
    #[must_use]
    pub fn waits_for_people(&self) -> bool {
        self.fate == Fate::Parked && matches!(self.waits_for.as_deref(), Some(DECISION | CORRECTION))
    }

    /// Whether nothing happens to it until people have decided.
    #[must_use]
    pub fn waits_for_decision(&self) -> bool {
        self.fate == Fate::Parked && self.waits_for.as_deref() == Some(DECISION)
    }
}

/// What a parked role waits for when its Pipedrive record was deleted by people.
pub const DECISION: &str = "decision";

/// What a parked role waits for that Pipedrive refused: that it changes at the source, or that somebody has mended the
/// cause elsewhere and says so ([`Journal::retry`]).
pub const CORRECTION: &str = "correction";

/// What a role waits for that is to be tried again.
const RETRY: &str = "retry";

/// [`Bound::live_id`] in SQL, of a binding `b`.
pub(super) const LIVE: &str = "b.dest_id IS NOT NULL AND (b.fate IN ('loaded', 'parked', 'rejected', 'skipped') \
                    OR (b.fate = 'matched' AND b.existing = 1)) \
                    AND b.waits_for IS NOT 'decision'";

/// How a role ends without a write of its own.
#[derive(Debug, Clone)]
pub struct RoleFate {
    /// Which role of which record.
    pub key: BindingKey,
    /// What kind of Pipedrive record it is about.
    pub entity: Entity,
    /// The version of the record that this stands for.
    pub version: i64,
    /// How it ends.
    pub fate: Fate,
    /// The Pipedrive record it went to; `None` leaves the one it has.
    pub dest_id: Option<Arc<str>>,
    /// True when its Pipedrive record is there no more.
    pub gone: bool,
    /// Why, in words.
    pub reason: Option<String>,
    /// What it waits for, for parked roles: a short class such as `owner` or `person`, for grouping.
    pub waits_for: Option<String>,
    /// The binding it was merged into, for merged roles.
    pub survivor: Option<BindingKey>,
    /// True when its Pipedrive record was there before us. It stays true until that record is gone.
    pub existing: bool,
}

impl RoleFate {
    /// A role that ends in one way, without a record, reason or wait yet.
    #[must_use]
    pub fn new(key: BindingKey, entity: Entity, version: i64, fate: Fate) -> Self {
        let (dest_id, reason, waits_for, survivor) = (None, None, None, None);
        Self { key, entity, version, fate, dest_id, gone: false, reason, waits_for, survivor, existing: false }
    }

    /// Adds why, in words.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    /// Adds what it waits for.
    #[must_use]
    pub fn waiting_for(self, what: &str) -> Self {
        Self { waits_for: Some(what.to_owned()), ..self }
    }

    /// Adds the Pipedrive record that stands for it.
    #[must_use]
    pub fn at(self, dest_id: Arc<str>) -> Self {
        Self { dest_id: Some(dest_id), ..self }
    }

    /// Adds a Pipedrive record that was there before us.
    #[must_use]
    pub fn found_at(self, dest_id: Arc<str>) -> Self {
        Self { dest_id: Some(dest_id), existing: true, ..self }
    }

    /// Takes its Pipedrive record away: it was removed.
    #[must_use]
    pub fn gone(self) -> Self {
        Self { gone: true, ..self }
    }

    /// Adds the binding that it was merged into.
    #[must_use]
    pub fn into_survivor(self, survivor: BindingKey) -> Self {
        Self { survivor: Some(survivor), ..self }
    }
}

/// The creates of one binding that were given up as not done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misses {
    /// How many.
    pub count: u64,
    /// When the last of them was given up, UTC.
    pub last: Option<Timestamp>,
    /// For which version of the record, and with which body, as JSON, the last of them was.
    pub tried: Option<(i64, String)>,
}

pub(super) const COLUMNS: &str = "b.object, b.source_id, b.role, b.fate, b.version, b.entity, b.dest_id, b.reason, b.waits_for, \
                       b.survivor, e.intended_at, e.kind, b.existing";

/// What [`Promised`] has on top of [`COLUMNS`].
pub(super) const BODIES: &str = "e.body, e.asked, e.base";

impl Journal {
    /// Looks bindings up; the answer is in the order of the keys.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn bound(&self, keys: Vec<BindingKey>) -> Result<Vec<Option<Bound>>> {
        self.find_bound(keys, COLUMNS.to_owned(), bound_row).await
    }

    /// As [`Journal::bound`], with the bodies.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn promised(&self, keys: Vec<BindingKey>) -> Result<Vec<Option<Promised>>> {
        self.find_bound(keys, format!("{COLUMNS}, {BODIES}"), promised_row).await
    }

    async fn find_bound<T: Send + 'static>(
        &self,
        keys: Vec<BindingKey>,
        columns: String,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<Option<T>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {columns} FROM binding b LEFT JOIN effect e ON e.id = b.effect \
             WHERE b.object = ?1 AND b.source_id = ?2 AND b.role = ?3"
        );
        self.read("looking up bindings", move |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut find = |key: &BindingKey| {
                statement.query_row(params![key.object.as_str(), &*key.source_id, &*key.role], read).optional()
            };
            keys.iter().map(&mut find).collect()
        })
        .await
    }

    /// Every role of one record, by name.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn roles(&self, object: Object, source_id: Arc<str>) -> Result<Vec<Bound>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM binding b LEFT JOIN effect e ON e.id = b.effect \
             WHERE b.object = ?1 AND b.source_id = ?2 ORDER BY b.role"
        );
        self.read("looking up roles", move |connection| {
            connection.prepare_cached(&sql)?.query_map(params![object.as_str(), &*source_id], bound_row)?.collect()
        })
        .await
    }

    /// Looks up who stands behind Pipedrive records of one entity: the role whose own record it is.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn bound_to(&self, entity: Entity, dest_ids: Vec<String>) -> Result<HashMap<String, Bound>> {
        self.find_bound_to(entity, dest_ids, COLUMNS.to_owned(), bound_row).await
    }

    /// As [`Journal::bound_to`], with the bodies.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn promised_to(&self, entity: Entity, dest_ids: Vec<String>) -> Result<HashMap<String, Promised>> {
        self.find_bound_to(entity, dest_ids, format!("{COLUMNS}, {BODIES}"), promised_row).await
    }

    async fn find_bound_to<T: Send + 'static>(
        &self,
        entity: Entity,
        dest_ids: Vec<String>,
        columns: String,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<HashMap<String, T>> {
        let sql = format!(
            "SELECT {columns} FROM binding b LEFT JOIN effect e ON e.id = b.effect \
             WHERE b.entity = ?1 AND b.dest_id = ?2 AND {LIVE}"
        );
        self.read("looking up destinations", move |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut found = HashMap::with_capacity(dest_ids.len());
            for dest_id in dest_ids {
                if let Some(bound) = statement.query_row(params![entity.as_str(), dest_id], read).optional()? {
                    found.insert(dest_id, bound);
                }
            }
            Ok(found)
        })
        .await
    }

    /// Whatever Pipedrive refused is tried once more, because somebody has mended the cause. Gives how many roles.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn retry(&self) -> Result<u64> {
        self.write("trying refused records again", move |connection| {
            let again = connection
                .prepare_cached("UPDATE binding SET waits_for = ?1 WHERE fate = 'parked' AND waits_for = ?2")?
                .execute([RETRY, CORRECTION])?;
            Ok(again as u64)
        })
        .await
    }

    /// Writes how roles end, and with them the fates of their records.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn end_roles(&self, ends: Vec<RoleFate>) -> Result<()> {
        self.write("writing fates", move |connection| {
            ends.iter().try_for_each(|end| {
                put_binding(connection, end, None)?;
                recompute_fate(connection, &end.key)
            })
        })
        .await
    }

    /// Adds findings to records; those already there stay once.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn add_findings(&self, found: Vec<(BindingKey, Vec<Finding>)>) -> Result<()> {
        self.write("writing findings", move |connection| {
            found.iter().try_for_each(|(key, findings)| add_findings(connection, key, findings))
        })
        .await
    }

    /// The creates of a binding that were given up as not done: only those can have left a double of our own.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn misses(&self, key: BindingKey) -> Result<Misses> {
        self.read("counting misses", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT answered_at, version, body FROM effect WHERE object = ?1 AND source_id = ?2 AND role = ?3 \
                 AND kind = 'create' AND state = 'void' ORDER BY id",
            )?;
            let mut rows = statement.query(params![key.object.as_str(), &*key.source_id, &*key.role])?;
            let mut misses = Misses::default();
            while let Some(row) = rows.next()? {
                misses.count += 1;
                (misses.last, misses.tried) = (time_at(row, 0)?, Some((row.get(1)?, row.get(2)?)));
            }
            Ok(misses)
        })
        .await
    }

    /// Live Pipedrive records of an entity that were made after an earlier create of theirs had been given up.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn second_tries(&self, entity: Entity) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT DISTINCT b.dest_id FROM effect e JOIN binding b ON (b.object, b.source_id, b.role) = \
             (e.object, e.source_id, e.role) WHERE e.entity = ?1 AND e.kind = 'create' AND e.state = 'void' AND {LIVE}"
        );
        self.read("looking for second tries", move |connection| {
            connection.prepare_cached(&sql)?.query_map([entity.as_str()], |row| row.get(0))?.collect()
        })
        .await
    }

    /// The highest numeric id that any create of an entity was answered with.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn highest_id(&self, entity: Entity) -> Result<Option<u64>> {
        self.read("looking for the highest id", move |connection| {
            let highest: Option<i64> = connection
                .prepare_cached(
                    "SELECT max(CAST(dest_id AS INTEGER)) FROM effect WHERE entity = ?1 AND kind = 'create' AND state = 'done'",
                )?
                .query_row([entity.as_str()], |row| row.get(0))?;
            Ok(highest.map(i64::unsigned_abs))
        })
        .await
    }

    /// Marks bindings as seen by a verification run.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn mark_verified(&self, entity: Entity, dest_ids: Vec<String>, run: i64) -> Result<()> {
        self.write("marking what was verified", move |connection| {
            let sql =
                format!("UPDATE binding AS b SET verified = ?3 WHERE b.entity = ?1 AND b.dest_id = ?2 AND {LIVE}");
            let mut statement = connection.prepare_cached(&sql)?;
            dest_ids.iter().try_for_each(|id| statement.execute(params![entity.as_str(), id, run]).map(drop))
        })
        .await
    }

    /// At most `limit` bindings of an entity with a live record that a verification run has not seen.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn unverified(&self, entity: Entity, run: i64, limit: usize) -> Result<Vec<Bound>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM binding b LEFT JOIN effect e ON e.id = b.effect \
             WHERE b.entity = ?1 AND b.verified <> ?2 AND {LIVE} LIMIT ?3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("looking for what was not verified", move |connection| {
            connection.prepare_cached(&sql)?.query_map(params![entity.as_str(), run, limit], bound_row)?.collect()
        })
        .await
    }
}

fn add_findings(connection: &Connection, key: &BindingKey, findings: &[Finding]) -> rusqlite::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let known: Option<String> = connection
        .prepare_cached("SELECT findings FROM record WHERE object = ?1 AND source_id = ?2")?
        .query_row(params![key.object.as_str(), &*key.source_id], |row| row.get(0))
        .optional()?
        .flatten();
    let mut all: Vec<Finding> = match &known {
        None => Vec::new(),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(0, error))?,
    };
    all.extend_from_slice(findings);
    all.sort_unstable();
    all.dedup();
    let text = serde_json::to_string(&all).map_err(|error| unreadable(0, error))?;
    if known.as_deref() == Some(text.as_str()) {
        return Ok(());
    }
    connection
        .prepare_cached("UPDATE record SET findings = ?3 WHERE object = ?1 AND source_id = ?2")?
        .execute(params![key.object.as_str(), &*key.source_id, text])
        .map(drop)
}

pub(super) fn put_binding(connection: &Connection, end: &RoleFate, effect: Option<i64>) -> rusqlite::Result<()> {
    let survivor =
        end.survivor.as_ref().map(serde_json::to_string).transpose().map_err(|error| unreadable(10, error))?;
    connection
        .prepare_cached(
            // A record that was there before us is never said to be loaded, whatever is written to it; why it was taken
            // for the same is worth keeping.
            "INSERT INTO binding (object, source_id, role, fate, version, entity, dest_id, effect, reason, waits_for, \
             survivor, existing) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?13) \
             ON CONFLICT (object, source_id, role) DO UPDATE SET \
             fate = CASE WHEN existing AND excluded.fate = 'loaded' THEN 'matched' ELSE excluded.fate END, \
             version = excluded.version, entity = excluded.entity, \
             dest_id = CASE WHEN ?12 THEN NULL ELSE coalesce(excluded.dest_id, dest_id) END, \
             effect = coalesce(excluded.effect, effect), \
             reason = CASE WHEN existing AND excluded.fate IN ('loaded', 'matched') THEN coalesce(excluded.reason, reason) \
             ELSE excluded.reason END, waits_for = excluded.waits_for, survivor = excluded.survivor, \
             existing = CASE WHEN ?12 THEN 0 ELSE max(existing, excluded.existing) END",
        )?
        .execute(params![
            end.key.object.as_str(),
            &*end.key.source_id,
            &*end.key.role,
            end.fate.as_str(),
            end.version,
            end.entity.as_str(),
            end.dest_id.as_deref(),
            effect,
            end.reason,
            end.waits_for,
            survivor,
            end.gone,
            end.existing,
        ])
        .map(drop)
}

/// A record's fate is that of its most telling role: what still waits first, then what is there, then the rest.
pub(super) fn recompute_fate(connection: &Connection, key: &BindingKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE record SET (fate, reason) = (SELECT fate, reason FROM binding \
             WHERE object = ?1 AND source_id = ?2 ORDER BY CASE fate WHEN 'parked' THEN 0 WHEN 'loaded' THEN 1 \
             WHEN 'matched' THEN 2 WHEN 'merged' THEN 3 WHEN 'folded' THEN 4 WHEN 'rejected' THEN 5 ELSE 6 END LIMIT 1) \
             WHERE object = ?1 AND source_id = ?2",
        )?
        .execute(params![key.object.as_str(), &*key.source_id])
        .map(drop)
}

pub(super) fn key_row(row: &Row<'_>) -> rusqlite::Result<BindingKey> {
    Ok(BindingKey::new(object_at(row, 0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
}

pub(super) fn entity_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Entity> {
    let text = row.get_ref(column)?.as_str()?;
    Entity::parse(text).ok_or_else(|| unknown_name(column, text))
}

fn time_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|error| unreadable(column, error))).transpose()
}

fn bound_row(row: &Row<'_>) -> rusqlite::Result<Bound> {
    let fate = row.get_ref(3)?.as_str()?;
    Ok(Bound {
        key: key_row(row)?,
        fate: Fate::parse(fate).ok_or_else(|| unknown_name(3, fate))?,
        version: row.get(4)?,
        entity: entity_at(row, 5)?,
        dest_id: row.get::<_, Option<String>>(6)?.map(Into::into),
        reason: row.get(7)?,
        waits_for: row.get(8)?,
        survivor: row
            .get::<_, Option<String>>(9)?
            .map(|text| serde_json::from_str(&text).map_err(|error| unreadable(9, error)))
            .transpose()?,
        intended_at: time_at(row, 10)?,
        written: row.get::<_, Option<String>>(11)?.map(|kind| kind_of(11, &kind)).transpose()?,
        existing: row.get(12)?,
    })
}

pub(super) fn promised_row(row: &Row<'_>) -> rusqlite::Result<Promised> {
    Ok(Promised { bound: bound_row(row)?, promise: row.get(13)?, asked: row.get(14)?, base: row.get(15)? })
}
