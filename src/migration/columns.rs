//! Columns of the source that the mapping says nothing of: counted over everything that was landed, so that the quality
//! report names what would stay behind without anybody having decided it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Migration;
use crate::error::Result;
use crate::record::Object;
use crate::report::survey::Undecided;

/// Rows counted at a time.
const BATCH: usize = 1_000;

/// Columns counted of one object. A source that names its fields by an id of each row has no end of them.
const COLUMNS_MAX: usize = 2_000;

impl Migration {
    /// Columns of landed rows that are filled in at least one of them and neither migrated nor left out on purpose.
    pub(super) async fn undecided_columns(&self) -> Result<Vec<Undecided>> {
        let mut undecided = Vec::new();
        for object in self.objects() {
            self.border().await?;
            let (rows, filled) = self.filled_columns(object).await?;
            let names: Vec<&str> = filled.keys().map(String::as_str).collect();
            let table = self.mapping.object(object).map(|rules| rules.table.clone()).unwrap_or_default();
            undecided.extend(self.mapping.uncovered(object, &names).into_iter().map(|column| Undecided {
                object,
                table: table.clone(),
                column: column.to_owned(),
                filled: filled[column],
                rows,
            }));
        }
        Ok(undecided)
    }

    /// The rows of an object, and how many of them have a value in each column.
    async fn filled_columns(&self, object: Object) -> Result<(u64, BTreeMap<String, u64>)> {
        let (mut rows, mut filled) = (0, BTreeMap::new());
        let mut after = 0;
        loop {
            let batch = self.journal.contents(object, after, BATCH).await?;
            let Some((last, _)) = batch.last() else { return Ok((rows, filled)) };
            after = *last;
            rows += batch.len() as u64;
            for (_, row) in &batch {
                count(row, &mut filled);
            }
        }
    }
}

/// Counts each column that has a value once, however many elements of a list have one.
fn count(row: &Map<String, Value>, filled: &mut BTreeMap<String, u64>) {
    let mut names: Vec<String> =
        leaves(row).into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let has_room = filled.len() < COLUMNS_MAX;
        match filled.get_mut(&name) {
            Some(count) => *count += 1,
            None if has_room => drop(filled.insert(name, 1)),
            None => {}
        }
    }
}

/// The columns of a row with their texts; what is nested, also in lists, by dotted paths.
pub(super) fn leaves(row: &Map<String, Value>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, value) in row {
        match value {
            Value::Object(inside) => {
                found.extend(leaves(inside).into_iter().map(|(inner, text)| (format!("{name}.{inner}"), text)));
            }
            Value::Array(list) if list.iter().any(Value::is_object) => {
                let inside = list.iter().filter_map(Value::as_object).flat_map(leaves);
                found.extend(inside.map(|(inner, text)| (format!("{name}.{inner}"), text)));
            }
            Value::Array(list) if list.is_empty() => found.push((name.clone(), String::new())),
            Value::Null => found.push((name.clone(), String::new())),
            Value::String(text) => found.push((name.clone(), text.trim().to_owned())),
            other => found.push((name.clone(), other.to_string())),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: &Value) -> &Map<String, Value> {
        value.as_object().expect("an object")
    }

    #[test]
    fn nested_values_are_columns_of_their_own() {
        let nested = json!({"a": {"b": 1, "c": {"d": null}}, "list": [{"id": 1}], "tags": ["x"]});
        let names: Vec<String> = leaves(row(&nested)).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.b", "a.c.d", "list.id", "tags"]);
    }

    #[test]
    fn a_column_counts_once_for_a_row_and_only_with_a_value() {
        let mut filled = BTreeMap::new();
        count(row(&json!({"a": " ", "b": null, "c": "x", "d": [{"e": 1}, {"e": 2}], "f": [], "g": 0})), &mut filled);
        count(row(&json!({"c": "y", "a": false})), &mut filled);
        let expected = [("a", 1), ("c", 2), ("d.e", 1), ("g", 1)].map(|(name, rows)| (name.to_owned(), rows));
        assert_eq!(filled, BTreeMap::from(expected));
    }

    #[test]
    fn columns_without_end_are_bounded() {
        let mut filled = BTreeMap::new();
        for number in 0..COLUMNS_MAX + 5 {
            count(row(&json!({ number.to_string(): 1 })), &mut filled);
        }
        assert_eq!(filled.len(), COLUMNS_MAX);
    }
}
