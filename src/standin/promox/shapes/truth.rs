//! What the account holds, apart from the wire, so that a test can hold what was extracted against it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::desk::Desk;
use super::list::{Ask, listed};
use super::store::Row;
use crate::record::Object;

/// A row as it is, and as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrueRow {
    /// Its number in the account.
    pub key: u64,
    /// Its id as text, in the form of the wire.
    pub id: String,
    /// When it was last changed.
    pub updated: Timestamp,
    /// When it was deleted, if it was.
    pub deleted: Option<Timestamp>,
    /// Its fields by the account's names: links as numbers, instants as RFC 3339, days as ISO, money as numbers.
    pub fields: Map<String, Value>,
    /// The row exactly as a list shows it now, with its custom fields.
    pub wire: Map<String, Value>,
}

/// Every row of an object by its number, deleted ones too.
pub(super) fn all(desk: &Desk, object: Object) -> Vec<TrueRow> {
    desk.store.rows(object).iter().map(|row| told(desk, object, row)).collect()
}

/// The rows that a walk of the plain list gives which misses none, by number.
pub(super) fn walked(desk: &Desk, object: Object) -> Vec<TrueRow> {
    let mut rows = listed(desk.shape, desk.store, object, &Ask::default(), desk.now);
    rows.sort_by_key(|row| row.key);
    rows.into_iter().map(|row| told(desk, object, row)).collect()
}

fn told(desk: &Desk, object: Object, row: &Row) -> TrueRow {
    let wire = desk.wire(true);
    let at = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    TrueRow {
        key: row.key,
        id: wire.id_text(object, row.key),
        updated: at(row.updated),
        deleted: row.deleted.map(at),
        fields: row.fields.clone(),
        wire: desk.listed_row(&wire, object, row),
    }
}
