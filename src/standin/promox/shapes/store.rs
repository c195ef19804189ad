//! The account's rows as values, live and deleted, apart from any shape.
//!
//! Instants are RFC 3339 in UTC and days ISO here, also where the account keeps them otherwise; what is no instant or day
//! stays the mess it is. Ids are whole numbers; a shape makes its own form of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::super::account::{Account, OBJECTS, instant};
use super::super::edits::{EditKind, EditSummary};
use super::super::spell::naive_instant;
use super::schema::{Role, fields};
use crate::record::Object;

/// One project in so many has a file.
const FILE_ONE_IN: usize = 5;

/// Ids of files begin after this.
const FILE_ID_FIRST: u64 = 70_000;

/// A row of the account.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) key: u64,
    /// By the names of [`fields`]; links are whole numbers.
    pub(super) fields: Map<String, Value>,
    /// Seconds since 1970.
    pub(super) updated: i64,
    /// When it was deleted, in seconds since 1970.
    pub(super) deleted: Option<i64>,
}

/// All rows.
pub(super) struct Store {
    account: Account,
    tables: BTreeMap<Object, Vec<Row>>,
}

impl Store {
    pub(super) fn new(account: Account) -> Self {
        let mut tables = BTreeMap::new();
        for (object, _) in OBJECTS {
            tables.insert(*object, imported(&account, *object));
        }
        let files = files(&tables[&Object::Project]);
        tables.insert(Object::File, files);
        Self { account, tables }
    }

    /// All rows of an object by key, deleted ones too.
    pub(super) fn rows(&self, object: Object) -> &[Row] {
        self.tables.get(&object).map_or(&[], Vec::as_slice)
    }

    pub(super) fn find(&self, object: Object, key: u64) -> Option<&Row> {
        let rows = self.rows(object);
        rows.binary_search_by_key(&key, |row| row.key).ok().map(|place| &rows[place])
    }

    /// What people call a row: a name, a subject, or its number.
    pub(super) fn name(&self, object: Object, key: u64) -> Option<String> {
        let row = self.find(object, key)?;
        Some(title(row))
    }

    /// Distinct labels of a field in order, by which options are numbered from 1.
    pub(super) fn labels(&self, object: Object, field: &str) -> Vec<&str> {
        let mut labels: Vec<&str> = self
            .rows(object)
            .iter()
            .filter_map(|row| row.fields.get(field)?.as_str())
            .filter(|l| !l.is_empty())
            .collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    pub(super) fn description(&self) -> Value {
        self.account.description()
    }

    /// Changes some fields of a live row. False if there is none.
    pub(super) fn change(&mut self, object: Object, key: u64, changed: Map<String, Value>, at: i64) -> bool {
        let Some(row) = self.live_mut(object, key) else { return false };
        row.fields.extend(changed);
        stamp(row, at);
        true
    }

    /// Deletes a live row. False if there is none.
    pub(super) fn delete(&mut self, object: Object, key: u64, at: i64) -> bool {
        let Some(row) = self.live_mut(object, key) else { return false };
        row.deleted = Some(at);
        stamp(row, at);
        true
    }

    /// Adds a row like the first live one, under the next id; `None` if there is none to be like.
    pub(super) fn insert(&mut self, object: Object, changed: Map<String, Value>, at: i64) -> Option<u64> {
        let rows = self.tables.get_mut(&object)?;
        let key = rows.last()?.key + 1;
        let mut row = rows.iter().find(|row| row.deleted.is_none())?.clone();
        row.key = key;
        row.fields.insert("id".to_owned(), Value::from(key));
        row.fields.insert("created_at".to_owned(), Value::from(instant(at)));
        row.fields.extend(changed);
        stamp(&mut row, at);
        rows.push(row);
        Some(key)
    }

    /// A round of the sales team's edits, as [`Account::edit_round`] makes them.
    pub(super) fn edit_round(&mut self, round: u32, now: Timestamp) -> EditSummary {
        let summary = self.account.edit_round(round, now);
        let at = now.as_second();
        for edit in &summary.edits {
            if edit.kind == EditKind::Deleted {
                self.delete(edit.object, edit.id, at);
                continue;
            }
            let table = self.account.table(edit.object);
            let Some(number) = table.find(edit.id) else { continue };
            let (key, fields) = table.row(number);
            let row = Row { key, fields: canonical(edit.object, fields), updated: at, deleted: None };
            let Some(rows) = self.tables.get_mut(&edit.object) else { continue };
            match rows.binary_search_by_key(&key, |row| row.key) {
                Ok(place) => rows[place] = row,
                Err(place) => rows.insert(place, row),
            }
        }
        summary
    }

    fn live_mut(&mut self, object: Object, key: u64) -> Option<&mut Row> {
        let rows = self.tables.get_mut(&object)?;
        let place = rows.binary_search_by_key(&key, |row| row.key).ok()?;
        rows.get_mut(place).filter(|row| row.deleted.is_none())
    }
}

fn stamp(row: &mut Row, at: i64) {
    row.updated = at;
    row.fields.insert("updated_at".to_owned(), Value::from(instant(at)));
}

/// What people call a row.
pub(super) fn title(row: &Row) -> String {
    let text = |field: &str| row.fields.get(field).and_then(Value::as_str).unwrap_or_default().trim();
    let full = format!("{} {}", text("first_name"), text("last_name"));
    let found = [text("company"), text("name"), full.trim(), text("subject"), text("file_name"), text("email")];
    found.iter().find(|name| !name.is_empty()).map_or_else(|| format!("No. {}", row.key), |name| (*name).to_owned())
}

/// The live rows of the account, and between them its deleted ones with the content of the row before them: what a
/// deleted row once held is nowhere, and nobody compares it.
fn imported(account: &Account, object: Object) -> Vec<Row> {
    let table = account.table(object);
    let mut rows: Vec<Row> = (0..table.len())
        .map(|number| {
            let (key, fields) = table.row(number);
            let fields = canonical(object, fields);
            let updated = fields.get("updated_at").and_then(Value::as_str).and_then(|text| text.parse().ok());
            Row { key, updated: updated.map_or(0, Timestamp::as_second), fields, deleted: None }
        })
        .collect();
    for (key, at) in table.graves() {
        let place = rows.partition_point(|row| row.key < key);
        let Some(mut grave) = rows.get(place.saturating_sub(1)).cloned() else { continue };
        grave.key = key;
        grave.fields.insert("id".to_owned(), Value::from(key));
        stamp(&mut grave, at);
        grave.deleted = Some(at);
        rows.insert(place, grave);
    }
    rows
}

/// A row with whole numbers for ids, RFC 3339 for instants and ISO for days, its fields in the order of the schema.
fn canonical(object: Object, mut row: Map<String, Value>) -> Map<String, Value> {
    let mut ordered = Map::new();
    for field in fields(object) {
        let value = row.remove(field.name).unwrap_or(Value::Null);
        let text = value.as_str().map(str::to_owned);
        let value = match (field.role, text) {
            (Role::Id | Role::Link(_), Some(text)) => number_of(&text).unwrap_or(value),
            (Role::Instant, Some(text)) => naive_instant(&text).map_or(value, |at| Value::from(instant(at))),
            (Role::Day, Some(text)) => us_date(&text).map_or(value, |day| Value::from(day.to_string())),
            _ => value,
        };
        ordered.insert(field.name.to_owned(), value);
    }
    ordered
}

/// `17` of `u_17`.
fn number_of(text: &str) -> Option<Value> {
    let digits = text.trim_start_matches("u_");
    digits.parse::<u64>().ok().map(Value::from)
}

/// A day as `MM/DD/YYYY`.
fn us_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '/');
    let (month, day, year) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Date::new(year, month, day).ok()
}

fn files(projects: &[Row]) -> Vec<Row> {
    let live = projects.iter().filter(|row| row.deleted.is_none());
    let chosen = live.step_by(FILE_ONE_IN).zip(FILE_ID_FIRST + 1..);
    chosen
        .map(|(project, key)| {
            let created = project.fields.get("created_at").cloned().unwrap_or(Value::Null);
            let fields = json!({
                "id": key,
                "file_name": format!("Proof {}.pdf", project.key),
                "project_id": project.key,
                "size": content(key).len(),
                "mime_type": "application/pdf",
                "created_at": created,
                "updated_at": instant(project.updated),
            });
            let Value::Object(fields) = fields else { unreachable!("an object was written") };
            Row { key, fields, updated: project.updated, deleted: None }
        })
        .collect()
}

/// The bytes of a file: a small PDF of its own.
pub(super) fn content(key: u64) -> Vec<u8> {
    let mut bytes = format!("%PDF-1.4\n% proof {key}\n").into_bytes();
    let mut reader = blake3::Hasher::new().update(&key.to_le_bytes()).finalize_xof();
    let mut rest = vec![0_u8; 512 + usize::try_from(key % 512).unwrap_or_default()];
    reader.fill(&mut rest);
    bytes.extend(rest);
    bytes.extend(b"\n%%EOF\n");
    bytes
}
