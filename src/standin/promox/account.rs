//! The account as the simulated source holds it: one table per object, rows kept as the JSON text that is served.
//!
//! Text instead of values keeps a row at its size on the wire: 200,000 records take about 100 MB. Two indexes of positions,
//! by id and by (change time, id), make a page cost what it holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::edits::EditSummary;
use super::invent::Registry;
use super::mess::Truth;
use crate::record::Object;

/// The objects the source serves, each with its name in the path, in the order they depend on one another.
pub const OBJECTS: &[(Object, &str)] = &[
    (Object::Owner, "owners"),
    (Object::Pipeline, "pipelines"),
    (Object::Client, "clients"),
    (Object::Lead, "leads"),
    (Object::Project, "projects"),
    (Object::Commission, "commissions"),
    (Object::Task, "tasks"),
    (Object::Note, "notes"),
];

/// The account's zone, in which times without a zone are written.
pub const TIME_ZONE: &str = "America/Chicago";

/// A user of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Id in the source: `u_17`.
    pub id: String,
    /// First and last name.
    pub name: String,
    /// E-mail, lower case.
    pub email: String,
    /// False for people who left; they still own records.
    pub active: bool,
    /// Whether they have a Pipedrive user.
    pub pipedrive: PipedriveUser,
}

/// Whether a user of the source has a Pipedrive user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipedriveUser {
    /// From the start.
    Present,
    /// An administrator adds one while the migration runs.
    Late,
    /// Never.
    Absent,
}

/// A PromoXcrm account.
pub struct Account {
    pub(super) seed: u64,
    pub(super) tables: BTreeMap<Object, Table>,
    pub(super) owners: Vec<Owner>,
    pub(super) truth: Truth,
    /// Names that are taken, for clients that edits add.
    pub(super) registry: Registry,
    /// The edit rounds made so far.
    pub(super) rounds: BTreeMap<u32, EditSummary>,
}

impl Account {
    /// How many live records each object has, by its name in the path.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        OBJECTS.iter().map(|(object, path)| (*path, self.table(*object).live.len())).collect()
    }

    /// How many live records there are over all objects.
    #[must_use]
    pub fn records(&self) -> usize {
        self.tables.values().map(|table| table.live.len()).sum()
    }

    /// What was planted when the account was made. Edits do not change it.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// All users of the source.
    #[must_use]
    pub fn owners(&self) -> &[Owner] {
        &self.owners
    }

    /// Name and e-mail of the people who have a Pipedrive user from the start: all active owners, and the inactive ones
    /// except two.
    #[must_use]
    pub fn expected_users(&self) -> Vec<(String, String)> {
        let present = self.owners.iter().filter(|owner| owner.pipedrive == PipedriveUser::Present);
        present.map(|owner| (owner.name.clone(), owner.email.clone())).collect()
    }

    /// Name and e-mail of the one whom an administrator adds to Pipedrive later.
    #[must_use]
    pub fn late_user(&self) -> Option<(String, String)> {
        let late = self.owners.iter().find(|owner| owner.pipedrive == PipedriveUser::Late);
        late.map(|owner| (owner.name.clone(), owner.email.clone()))
    }

    /// All live rows of an object as JSON texts, by id.
    pub fn texts(&self, object: Object) -> impl Iterator<Item = &str> {
        let table = self.table(object);
        table.live.iter().map(|position| &*table.rows[*position as usize].text)
    }

    /// All live rows of an object, by id.
    #[must_use]
    pub fn rows(&self, object: Object) -> Vec<Value> {
        self.texts(object).map(|text| Value::Object(parsed(text))).collect()
    }

    /// The answer of `GET /api/v1/account`.
    #[must_use]
    pub fn description(&self) -> Value {
        json!({"name": "Larkspur Promotional Co.", "timezone": TIME_ZONE, "currency": "USD"})
    }

    /// One page of an object's rows as JSON texts, and the number of rows of all pages. Without `since`: live rows by id.
    /// With it: rows changed at or after that second, deleted ones too, by (change time, id).
    ///
    /// `None` if the account has no such object.
    #[must_use]
    pub fn page(&self, object: Object, since: Option<Timestamp>, part: Part) -> Option<(Vec<&str>, usize)> {
        let table = self.tables.get(&object)?;
        let listed = match since {
            None => table.live.as_slice(),
            Some(since) => table.changed_since(since),
        };
        let from = part.page.saturating_sub(1).saturating_mul(part.per_page).min(listed.len());
        let until = from.saturating_add(part.per_page).min(listed.len());
        let texts = listed[from..until].iter().map(|position| &*table.rows[*position as usize].text).collect();
        Some((texts, listed.len()))
    }

    pub(super) fn table(&self, object: Object) -> &Table {
        self.tables.get(&object).expect("an account has a table for each of its objects")
    }

    pub(super) fn table_mut(&mut self, object: Object) -> &mut Table {
        self.tables.get_mut(&object).expect("an account has a table for each of its objects")
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Number of the page, from 1.
    pub page: usize,
    /// Rows of a page, at least 1.
    pub per_page: usize,
}

/// The rows of one object. Rows lie by id; a deleted row stays as what is said of it.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    /// Positions of the rows that are not deleted, by id.
    live: Vec<u32>,
    /// Positions of all rows by (change time, id).
    changed: Vec<u32>,
}

struct Row {
    id: u64,
    /// Seconds since 1970.
    updated: i64,
    text: Box<str>,
}

impl Table {
    /// The id for the next row; ids only grow.
    pub(super) fn next_id(&self, first: u64) -> u64 {
        self.rows.last().map_or(first, |row| row.id + 1)
    }

    /// Adds a row under the highest id. Call [`Table::index`] after the last.
    pub(super) fn push(&mut self, id: u64, updated: i64, row: &impl Serialize) {
        let position = self.append(id, updated, text(row));
        self.live.push(position);
    }

    /// Adds what is left of a row that was deleted.
    pub(super) fn push_deleted(&mut self, id: u64, updated: i64) {
        self.append(id, updated, text(&grave(id, updated)));
    }

    fn append(&mut self, id: u64, updated: i64, text: Box<str>) -> u32 {
        let position = u32::try_from(self.rows.len()).expect("an account has fewer than four billion rows");
        self.rows.push(Row { id, updated, text });
        self.changed.push(position);
        position
    }

    /// Puts the index by change time in order. Nearly ordered, so this is one pass over the positions.
    pub(super) fn index(&mut self) {
        let rows = &self.rows;
        self.changed.sort_by_key(|position| (rows[*position as usize].updated, *position));
    }

    /// How many rows are not deleted.
    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// Id and fields of the live row of this number, counted by id.
    pub(super) fn row(&self, number: usize) -> (u64, Map<String, Value>) {
        let row = &self.rows[self.live[number] as usize];
        (row.id, parsed(&row.text))
    }

    /// Id of the live row of this number, counted by id.
    pub(super) fn id(&self, number: usize) -> u64 {
        self.rows[self.live[number] as usize].id
    }

    /// Number of the live row with this id.
    pub(super) fn find(&self, id: u64) -> Option<usize> {
        self.live.binary_search_by_key(&id, |position| self.rows[*position as usize].id).ok()
    }

    /// Writes the live row of this number again.
    pub(super) fn replace(&mut self, number: usize, updated: i64, fields: &Map<String, Value>) {
        let row = &mut self.rows[self.live[number] as usize];
        row.updated = updated;
        row.text = text(fields);
    }

    /// Deletes the live row of this number. Later rows move down by one number.
    pub(super) fn delete(&mut self, number: usize, updated: i64) {
        let position = self.live.remove(number);
        let row = &mut self.rows[position as usize];
        row.updated = updated;
        row.text = text(&grave(row.id, updated));
    }

    /// Id and time of each deleted row, by id.
    pub(super) fn graves(&self) -> Vec<(u64, i64)> {
        let is_grave = |place: usize| {
            let position = u32::try_from(place).unwrap_or(u32::MAX);
            self.live.binary_search(&position).is_err()
        };
        let graves = self.rows.iter().enumerate().filter(|(place, _)| is_grave(*place));
        graves.map(|(_, row)| (row.id, row.updated)).collect()
    }

    fn changed_since(&self, since: Timestamp) -> &[u32] {
        // Rows change on whole seconds, so a fraction of a second means the next one.
        let first = since.as_second() + i64::from(since.subsec_nanosecond() > 0);
        let from = self.changed.partition_point(|position| self.rows[*position as usize].updated < first);
        &self.changed[from..]
    }
}

/// RFC 3339 in UTC, whole seconds.
pub(super) fn instant(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

fn grave(id: u64, updated: i64) -> Value {
    json!({"id": id, "is_deleted": true, "updated_at": instant(updated)})
}

fn text(row: &impl Serialize) -> Box<str> {
    serde_json::to_string(row).expect("a row has only text keys and plain values").into_boxed_str()
}

fn parsed(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).expect("a stored row is the JSON object it was written as")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::default();
        for (id, updated) in [(1, 50), (2, 30), (5, 50), (9, 40)] {
            table.push(id, updated, &json!({"id": id}));
        }
        table.push_deleted(11, 45);
        table.index();
        table
    }

    #[test]
    fn changes_come_by_time_then_id_from_their_very_second() {
        let table = table();
        let ids = |since: &str| -> Vec<u64> {
            let since = since.parse().expect("a valid instant");
            table.changed_since(since).iter().map(|position| table.rows[*position as usize].id).collect()
        };
        assert_eq!(ids("1970-01-01T00:00:30Z"), [2, 9, 11, 1, 5]);
        assert_eq!(ids("1970-01-01T00:00:30.5Z"), [9, 11, 1, 5]);
        assert_eq!(ids("1970-01-01T00:00:50Z"), [1, 5]);
        assert_eq!(ids("1970-01-01T00:00:51Z"), [0; 0]);
    }

    #[test]
    fn a_deleted_row_leaves_the_list_and_keeps_its_grave() {
        let mut table = table();
        table.delete(1, 60);
        table.index();
        assert_eq!(table.len(), 3);
        assert_eq!((0..3).map(|number| table.id(number)).collect::<Vec<_>>(), [1, 5, 9]);
        let last = table.changed.last().map(|position| &*table.rows[*position as usize].text);
        assert_eq!(last, Some(r#"{"id":2,"is_deleted":true,"updated_at":"1970-01-01T00:01:00Z"}"#));
        assert_eq!(table.next_id(1), 12);
    }
}
