//! Which records are folded into which: told as they land, and anew where another mapping folds them elsewhere.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Journal;
use super::records::object_at;
use crate::error::Result;
use crate::record::Object;

/// A record of an object, and the record that it is folded into.
pub type Parented = (Arc<str>, Option<(Object, Arc<str>)>);

/// Steps on the longest way from a child to its parent: one for each kind of record, of which mappings have far fewer.
const STEPS_MAX: usize = 8;

/// Where children of one kind go on to from a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward {
    /// Kind of the children.
    pub child: Object,
    /// The next record; `None` where the way ends, because the record names none or does not count.
    pub to: Option<(Object, Arc<str>)>,
    /// Whether the next record is the parent.
    pub is_parent: bool,
}

impl Journal {
    /// Forgets every way of a kind of children; what they are folded into stays until it is said anew.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn forget_ways(&self, child: Object) -> Result<()> {
        self.write("forgetting ways to parents", move |connection| {
            connection.execute("DELETE FROM onward WHERE child = ?1", [child.as_str()]).map(drop)
        })
        .await
    }

    /// Keeps where children go on to from records of an object, without saying anew what the children are folded into.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn keep_ways(&self, object: Object, ways: Vec<(Arc<str>, Vec<Onward>)>) -> Result<()> {
        self.write("keeping ways to parents", move |connection| {
            ways.iter().try_for_each(|(id, onward)| put_onward(connection, object.as_str(), id, onward))
        })
        .await
    }

    /// Says anew what records of an object are folded into, by the ways that are kept.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn find_parents(&self, object: Object, ids: Vec<Arc<str>>) -> Result<()> {
        self.write("folding records by way of others", move |connection| {
            ids.iter().try_for_each(|id| {
                let parent = parent_through(connection, object.as_str(), id)?;
                set_parent(connection, object.as_str(), id, parent.as_ref()).map(drop)
            })
        })
        .await
    }

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

/// Writes where children go on to from a record.
pub(super) fn put_onward(connection: &Connection, object: &str, id: &str, all: &[Onward]) -> rusqlite::Result<()> {
    for onward in all {
        let child = onward.child.as_str();
        let Some((to_object, to_id)) = &onward.to else {
            connection
                .prepare_cached("DELETE FROM onward WHERE child = ?1 AND object = ?2 AND source_id = ?3")?
                .execute(params![child, object, id])?;
            continue;
        };
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO onward (child, object, source_id, to_object, to_id, is_parent) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![child, object, id, to_object.as_str(), to_id, onward.is_parent])?;
    }
    Ok(())
}

/// The parent at the end of a child's way, or none where the way breaks off.
pub(super) fn parent_through(
    connection: &Connection,
    child: &str,
    id: &str,
) -> rusqlite::Result<Option<(Object, Arc<str>)>> {
    let mut statement = connection.prepare_cached(
        "SELECT to_object, to_id, is_parent FROM onward WHERE child = ?1 AND object = ?2 AND source_id = ?3",
    )?;
    let mut at = (child.to_owned(), Arc::from(id));
    for _ in 0..STEPS_MAX {
        let next = statement
            .query_row(params![child, at.0, at.1], |row| {
                Ok((object_at(row, 0)?, row.get::<_, Arc<str>>(1)?, row.get(2)?))
            })
            .optional()?;
        match next {
            None => return Ok(None),
            Some((object, id, true)) => return Ok(Some((object, id))),
            Some((object, id, false)) => at = (object.as_str().to_owned(), id),
        }
    }
    Ok(None)
}

/// The records between a child and its parent, the one that the child names first.
pub(super) fn way_of(connection: &Connection, child: &str, id: &str) -> rusqlite::Result<Vec<(Object, Arc<str>)>> {
    let mut statement = connection.prepare_cached(
        "SELECT to_object, to_id FROM onward WHERE child = ?1 AND object = ?2 AND source_id = ?3 AND is_parent = 0",
    )?;
    let mut way: Vec<(Object, Arc<str>)> = Vec::new();
    while way.len() < STEPS_MAX {
        let (object, at) = way.last().map_or((child, id), |(object, at)| (object.as_str(), &**at));
        let next =
            statement.query_row(params![child, object, at], |row| Ok((object_at(row, 0)?, row.get(1)?))).optional()?;
        let Some(next) = next else { break };
        way.push(next);
    }
    Ok(way)
}

/// Says anew what the children are folded into that go through a record. Those that still reach no parent come up again
/// all the same: why they do not may be another reason now. So do the parents of the others: the record between may say in
/// which currency a child's amount is.
pub(super) fn lead_on(connection: &Connection, child: Object, object: &str, id: &str) -> rusqlite::Result<()> {
    let child = child.as_str();
    let ids: Vec<String> = connection
        .prepare_cached(
            "WITH RECURSIVE way (object, source_id) AS (VALUES (?2, ?3) UNION \
             SELECT onward.object, onward.source_id FROM onward JOIN way ON onward.child = ?1 \
             AND onward.to_object = way.object AND onward.to_id = way.source_id) \
             SELECT source_id FROM way WHERE object = ?1",
        )?
        .query_map(params![child, object, id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in ids {
        let parent = parent_through(connection, child, &id)?;
        match (set_parent(connection, child, &id, parent.as_ref())?, &parent) {
            (true, _) => {}
            (false, Some(_)) => touch_parent(connection, child, &id)?,
            (false, None) => {
                connection
                    .prepare_cached(
                        "UPDATE record SET version = version + 1, pending = 1 WHERE object = ?1 AND source_id = ?2",
                    )?
                    .execute(params![child, id])?;
            }
        }
    }
    Ok(())
}
