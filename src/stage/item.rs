//! What travels between the stages: one type for each arrow, so that a stage cannot be skipped or swapped.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};
use crate::journal::{Landed, Promised};
use crate::record::{BindingKey, Draft, Entity, Fate, Finding};

/// extract → dedupe: landed records in the order of landing.
pub type LandedBatch = Vec<Landed>;

/// One role of a record that is behind.
#[derive(Debug, Clone, PartialEq)]
pub struct FreshRole {
    /// The role.
    pub role: Arc<str>,
    /// What its binding already holds.
    pub known: Option<Known>,
    /// Whose record stands for it, when another record claimed its key first.
    pub survivor: Option<BindingKey>,
}

/// dedupe → normalize: a record with the roles that are behind; never without one.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The record.
    pub landed: Landed,
    /// Its roles that are behind.
    pub roles: Vec<FreshRole>,
    /// What was noticed while looking for duplicates.
    pub findings: Vec<Finding>,
}

/// What a role became.
#[derive(Debug, Clone, PartialEq)]
pub enum Became {
    /// What shall be in Pipedrive.
    Draft(Draft),
    /// Part of another record.
    Merged(BindingKey),
    /// Nothing: rejected or skipped, for this reason.
    Nothing(Fate, String),
    /// The source deleted it.
    Deleted,
}

/// normalize → resolve: one role of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Drafted {
    /// Which role of which record.
    pub key: BindingKey,
    /// What kind of Pipedrive record.
    pub entity: Entity,
    /// The version of the record that this stands for.
    pub version: i64,
    /// When the source last changed the record, if it says so.
    pub modified: Option<Timestamp>,
    /// What its binding already holds.
    pub known: Option<Known>,
    /// What it became.
    pub became: Became,
    /// What was noticed about its values.
    pub findings: Vec<Finding>,
}

/// What a binding already holds when its record comes by again.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The Pipedrive record.
    pub dest_id: Arc<str>,
    /// What we last promised to have there.
    pub promise: Map<String, Value>,
    /// What the source asked for then. It is the promise, except where people's values were kept.
    pub asked: Map<String, Value>,
    /// What Pipedrive answered to that. Empty while we have written nothing to a record that was there before us.
    pub base: Map<String, Value>,
    /// Whether the Pipedrive record was there before us.
    pub existing: bool,
}

impl Known {
    /// What a binding holds; `None` when it has no record of its own in Pipedrive.
    ///
    /// # Errors
    /// `Journal` when what was kept is not JSON.
    pub fn of(promised: &Promised) -> Result<Option<Self>> {
        let Some(dest_id) = promised.bound.own_id() else { return Ok(None) };
        let parse = |text: &Option<String>| match text {
            None => Ok(Map::new()),
            Some(text) => serde_json::from_str(text)
                .map_err(|error| Error::new(Kind::Journal, "journal: a body is not JSON").because(error)),
        };
        let (promise, base) = (parse(&promised.promise)?, parse(&promised.base)?);
        let asked = if promised.asked.is_some() { parse(&promised.asked)? } else { promise.clone() };
        Ok(Some(Self { dest_id: Arc::clone(dest_id), promise, asked, base, existing: promised.bound.existing }))
    }

    /// A record that was there before us, to which nothing was written yet.
    #[must_use]
    pub fn found(dest_id: Arc<str>) -> Self {
        Self { dest_id, promise: Map::new(), asked: Map::new(), base: Map::new(), existing: true }
    }
}

/// resolve → load.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// A record to be there as it says.
    Write(Ready),
    /// A record to be gone.
    Remove(Removal),
}

/// Why a record that was loaded is to be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The source deleted it.
    DeletedAtSource,
    /// What was loaded is taken back, all of it.
    TakenBack,
}

/// A record that was loaded and is to be gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// Which role of which record.
    pub key: BindingKey,
    /// The version of the record that this stands for.
    pub version: i64,
    /// What kind of Pipedrive record.
    pub entity: Entity,
    /// What is there.
    pub known: Known,
    /// Why it is to be gone.
    pub why: Why,
}

/// Whose a Pipedrive record is, and with it what may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// We made it, or are about to.
    Ours,
    /// It was there before us: only what is blank is filled.
    Fill,
    /// It was there before us, and the source wins the first time.
    Update,
}

/// A record ready to be written: every link, owner, option and key is Pipedrive's.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// Which role of which record.
    pub key: BindingKey,
    /// The version of the record that this stands for.
    pub version: i64,
    /// What kind of Pipedrive record.
    pub entity: Entity,
    /// The whole body, without our marker.
    pub body: Map<String, Value>,
    /// What is there already; `None` makes it a create.
    pub known: Option<Known>,
    /// Whose record it is.
    pub manner: Manner,
    /// When the source last changed the record, if it says so.
    pub modified: Option<Timestamp>,
}
