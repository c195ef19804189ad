//! Which records are folded into which: told as they land, and anew where another mapping folds them elsewhere.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::Journal;
use crate::error::Result;
use crate::record::Object;

/// A record of an object, and the record that it is folded into.
pub type Parented = (Arc<str>, Option<(Object, Arc<str>)>);

impl Journal {
    /// Says anew what records of an object are folded into. Where that is another record than before, both parents and the
    /// record itself change.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn set_parents(&self, object: Object, parents: Vec<Parented>) -> Result<u64> {
        self.write("folding records elsewhere", move |connection| {
            let mut moved = 0;
            for (id, parent) in &parents {
                moved += u64::from(set_parent(connection, object.as_str(), id, parent.as_ref())?);
            }
            Ok(moved)
        })
        .await
    }
}

fn set_parent(
    connection: &Connection,
    object: &str,
    id: &str,
    parent: Option<&(Object, Arc<str>)>,
) -> rusqlite::Result<bool> {
    let (parent_object, parent_id) = parent.map(|(object, id)| (object.as_str(), &**id)).unzip();
    let is_so: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM record WHERE object = ?1 AND source_id = ?2 AND parent_object IS ?3 \
             AND parent_id IS ?4)",
        )?
        .query_row(params![object, id, parent_object, parent_id], |row| row.get(0))?;
    if is_so {
        return Ok(false);
    }
    touch_parent(connection, object, id)?;
    connection
        .prepare_cached(
            "UPDATE record SET parent_object = ?3, parent_id = ?4, version = version + 1, pending = 1 \
             WHERE object = ?1 AND source_id = ?2",
        )?
        .execute(params![object, id, parent_object, parent_id])?;
    touch_parent(connection, object, id)?;
    Ok(true)
}

/// What is folded into a parent is part of the parent's content, so the parent changes with it.
pub(super) fn touch_parent(connection: &Connection, object: &str, id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE record SET version = version + 1, pending = 1 WHERE (object, source_id) = \
             (SELECT parent_object, parent_id FROM record WHERE object = ?1 AND source_id = ?2)",
        )?
        .execute(params![object, id])
        .map(drop)
}
