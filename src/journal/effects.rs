//! Effects: one row per write. The intent is durable before the call, the outcome after it; an intent without an outcome
//! is in doubt.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::bindings::{RoleFate, entity_at, key_row, put_binding, recompute_fate};
use super::{Journal, unknown_name, unreadable};
use crate::error::Result;
use crate::record::{BindingKey, Entity, Fate, named_enum};
use serde::{Deserialize, Serialize};
use std::fmt;

named_enum! {
    /// What a write does.
    EffectKind {
        /// Makes a record.
        Create = "create",
        /// Changes a record.
        Update = "update",
        /// Deletes a record.
        Delete = "delete",
    }
}

/// The number of an effect in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EffectId(pub i64);

/// A write about to be made.
#[derive(Debug, Clone)]
pub struct Intent {
    /// For which role of which record.
    pub key: BindingKey,
    /// The version of the record that it brings across.
    pub version: i64,
    /// What kind of Pipedrive record.
    pub entity: Entity,
    /// What it does.
    pub kind: EffectKind,
    /// What shall be in Pipedrive afterwards, as JSON: the promise that verification compares with.
    pub body: String,
    /// What is sent, as JSON, where that is less than the promise (updates).
    pub sent: Option<String>,
    /// What the source asks for, as JSON, where people's values were kept instead, so that the promise is another.
    pub asked: Option<String>,
    /// The highest id of this entity known before the call; settling lists no further back.
    pub floor_id: Option<String>,
    /// The record that is changed or deleted.
    pub dest_id: Option<Arc<str>>,
    /// Old values of what an update changes, as JSON, for rollback.
    pub preimage: Option<String>,
    /// 1 for the first try, one more for each after a proved miss.
    pub tries: u32,
}

/// How a write ended.
#[derive(Debug, Clone)]
pub struct Conclusion {
    /// Which write.
    pub effect: EffectId,
    /// How.
    pub outcome: Outcome,
    /// Tokens it cost, settling not counted.
    pub tokens: u32,
}

/// The outcomes of a write.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was done. For a create or update the binding now stands for the record.
    Done {
        /// The Pipedrive record.
        dest_id: Arc<str>,
        /// What Pipedrive answered, as JSON.
        base: String,
    },
    /// Pipedrive refused it; nothing was changed.
    Refused {
        /// Pipedrive's reason.
        note: String,
    },
    /// It was sent, and proved not to have happened by then. It may still come through later.
    Void {
        /// The proof.
        note: String,
    },
    /// It certainly never happens: nothing was sent, or it was turned away before anybody looked at it.
    NotDone {
        /// Why.
        note: String,
    },
}

/// A write whose outcome is not known.
#[derive(Debug, Clone)]
pub struct OpenEffect {
    /// Its number.
    pub id: EffectId,
    /// What was intended.
    pub intent: Intent,
    /// When, UTC.
    pub intended_at: Timestamp,
}

impl Journal {
    /// Writes intents; when this answers, the calls may be made.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn intend(&self, intents: Vec<Intent>, at: Timestamp) -> Result<Vec<EffectId>> {
        self.write("writing intents", move |connection| {
            let at = at.to_string();
            intents.iter().map(|intent| intend_one(connection, intent, &at)).collect()
        })
        .await
    }

    /// Writes outcomes, and with a create or update its binding and the record's fate.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn conclude(&self, conclusions: Vec<Conclusion>, at: Timestamp) -> Result<()> {
        self.write("writing outcomes", move |connection| {
            let at = at.to_string();
            conclusions.iter().try_for_each(|conclusion| conclude_one(connection, conclusion, &at))
        })
        .await
    }

    /// Binds records that Pipedrive holds already: intent and outcome at once, so that neither is
    /// ever without the other.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn hold(&self, held: Vec<(Intent, Outcome)>, at: Timestamp) -> Result<()> {
        self.write("writing what Pipedrive holds already", move |connection| {
            let at = at.to_string();
            held.into_iter().try_for_each(|(intent, outcome)| {
                let effect = intend_one(connection, &intent, &at)?;
                conclude_one(connection, &Conclusion { effect, outcome, tokens: 0 }, &at)
            })
        })
        .await
    }

    /// Every write in doubt, oldest first.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn in_doubt(&self, entity: Option<Entity>) -> Result<Vec<OpenEffect>> {
        self.read("reading what is in doubt", move |connection| {
            connection
                .prepare_cached(
                    "SELECT object, source_id, role, id, version, entity, kind, body, sent, floor_id, dest_id, preimage, \
                     tries, intended_at, asked FROM effect WHERE state = 'in_doubt' AND (?1 IS NULL OR entity = ?1) ORDER BY id",
                )?
                .query_map([entity.map(Entity::as_str)], open_row)?
                .collect()
        })
        .await
    }

    /// Tokens that the writes themselves cost.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn tokens_of_effects(&self) -> Result<u64> {
        self.read("adding up effects", |connection| {
            let total: i64 =
                connection.query_row("SELECT coalesce(sum(tokens), 0) FROM effect", [], |row| row.get(0))?;
            Ok(total.unsigned_abs())
        })
        .await
    }
}

fn intend_one(connection: &Connection, intent: &Intent, at: &str) -> rusqlite::Result<EffectId> {
    connection
        .prepare_cached(
            "INSERT INTO effect (object, source_id, role, entity, kind, version, state, body, sent, intended_at, tries, \
             floor_id, dest_id, preimage, asked) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'in_doubt', ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            intent.key.object.as_str(),
            &*intent.key.source_id,
            &*intent.key.role,
            intent.entity.as_str(),
            intent.kind.as_str(),
            intent.version,
            intent.body,
            intent.sent,
            at,
            intent.tries,
            intent.floor_id,
            intent.dest_id.as_deref(),
            intent.preimage,
            intent.asked,
        ])?;
    Ok(EffectId(connection.last_insert_rowid()))
}

fn conclude_one(connection: &Connection, conclusion: &Conclusion, at: &str) -> rusqlite::Result<()> {
    let id = conclusion.effect.0;
    let (state, dest_id, base, note) = match &conclusion.outcome {
        Outcome::Done { dest_id, base } => ("done", Some(&**dest_id), Some(base.as_str()), None),
        Outcome::Refused { note } => ("refused", None, None, Some(note.as_str())),
        Outcome::Void { note } => ("void", None, None, Some(note.as_str())),
        Outcome::NotDone { note } => ("not_done", None, None, Some(note.as_str())),
    };
    let (key, entity, kind, version) = connection
        .prepare_cached(
            "UPDATE effect SET state = ?2, dest_id = coalesce(?3, dest_id), base = ?4, note = ?5, answered_at = ?6, \
             tokens = tokens + ?7 WHERE id = ?1 RETURNING object, source_id, role, entity, kind, version",
        )?
        .query_row(params![id, state, dest_id, base, note, at, conclusion.tokens], |row| {
            let kind = kind_of(4, row.get_ref(4)?.as_str()?)?;
            Ok((key_row(row)?, entity_at(row, 3)?, kind, row.get::<_, i64>(5)?))
        })?;
    if let (Outcome::Done { dest_id, .. }, EffectKind::Create | EffectKind::Update) = (&conclusion.outcome, kind) {
        let end = RoleFate::new(key, entity, version, Fate::Loaded).at(Arc::clone(dest_id));
        put_binding(connection, &end, Some(id))?;
        recompute_fate(connection, &end.key)?;
    }
    Ok(())
}

fn open_row(row: &Row<'_>) -> rusqlite::Result<OpenEffect> {
    let intended_at: String = row.get(13)?;
    Ok(OpenEffect {
        id: EffectId(row.get(3)?),
        intent: Intent {
            key: key_row(row)?,
            version: row.get(4)?,
            entity: entity_at(row, 5)?,
            kind: kind_of(6, row.get_ref(6)?.as_str()?)?,
            body: row.get(7)?,
            sent: row.get(8)?,
            asked: row.get(14)?,
            floor_id: row.get(9)?,
            dest_id: row.get::<_, Option<String>>(10)?.map(Into::into),
            preimage: row.get(11)?,
            tries: row.get(12)?,
        },
        intended_at: intended_at.parse().map_err(|error| unreadable(13, error))?,
    })
}

pub(super) fn kind_of(column: usize, text: &str) -> rusqlite::Result<EffectKind> {
    EffectKind::parse(text).ok_or_else(|| unknown_name(column, text))
}
