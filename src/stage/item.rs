//! What travels between the stages: one type for each arrow, so that a stage cannot be skipped or swapped.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::record::{BindingKey, Entity, Finding};

/// What a binding already holds when its record comes by again.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The Pipedrive record.
    pub dest_id: Arc<str>,
    /// What we last promised to have there.
    pub promise: Map<String, Value>,
    /// What Pipedrive answered to that.
    pub base: Map<String, Value>,
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
    /// When the source last changed the record, if it says so.
    pub modified: Option<Timestamp>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
}
