//! What is different between two discoveries of one source.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Discovery, TableFound};

/// Percentage points by which a fill rate may move without being named.
const FILL_POINTS: u64 = 2;

/// What is different from the discovery before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// When that was made.
    pub since: Timestamp,
    /// What changed; empty when nothing did.
    pub list: Vec<Change>,
}

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The table, column or kind of record.
    pub subject: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub now: String,
}

impl Changes {
    /// Compares two discoveries.
    #[must_use]
    pub fn between(before: &Discovery, since: Timestamp, now: &Discovery) -> Self {
        let mut list = Vec::new();
        for object in &now.objects {
            let known = before.objects.iter().find(|known| known.object == object.object);
            let was = known.map_or("not known".to_owned(), |known| known.method.to_string());
            push(&mut list, format!("{} is read from", object.object), was, object.method.to_string());
        }
        for object in &before.objects {
            if !now.objects.iter().any(|known| known.object == object.object) {
                push(&mut list, object.object.to_string(), "known".to_owned(), "gone".to_owned());
            }
        }
        for table in &now.tables {
            match before.tables.iter().find(|known| known.name == table.name && known.method == table.method) {
                None => push(&mut list, format!("table {}", table.name), "not there".to_owned(), "new".to_owned()),
                Some(known) => tables(known, table, &mut list),
            }
        }
        for table in &before.tables {
            if !now.tables.iter().any(|known| known.name == table.name && known.method == table.method) {
                push(&mut list, format!("table {}", table.name), "there".to_owned(), "gone".to_owned());
            }
        }
        Self { since, list }
    }
}

fn tables(before: &TableFound, now: &TableFound, list: &mut Vec<Change>) {
    let count = |what: &str, was: u64, is: u64, list: &mut Vec<Change>| {
        push(list, format!("{what} of {}", now.name), was.to_string(), is.to_string());
    };
    count("rows", before.rows, now.rows, list);
    count("rejected rows", before.rejected, now.rejected, list);
    for column in &now.columns {
        let subject = format!("{}.{}", now.name, column.name);
        let Some(known) = before.columns.iter().find(|known| known.name == column.name) else {
            push(list, subject, "not there".to_owned(), "new".to_owned());
            continue;
        };
        push(list, format!("type of {subject}"), known.shape.clone(), column.shape.clone());
        let (was, is) = (before.fill(known), now.fill(column));
        let emptied = (known.filled == 0) != (column.filled == 0);
        if was.abs_diff(is) >= FILL_POINTS || emptied {
            push(list, format!("fill rate of {subject}"), format!("{was} %"), format!("{is} %"));
        }
    }
    for column in &before.columns {
        if !now.columns.iter().any(|known| known.name == column.name) {
            push(list, format!("{}.{}", now.name, column.name), "there".to_owned(), "gone".to_owned());
        }
    }
}

fn push(list: &mut Vec<Change>, subject: String, before: String, now: String) {
    if before != now {
        list.push(Change { subject, before, now });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ColumnFound, ObjectFound};
    use super::*;
    use crate::config::extraction::Method;
    use crate::record::Object;

    fn found(rows: u64, columns: &[(&str, &str, u64)], method: Method) -> Discovery {
        let column = |(name, shape, filled): &(&str, &str, u64)| ColumnFound {
            name: (*name).to_owned(),
            holds: String::new(),
            shape: (*shape).to_owned(),
            filled: *filled,
            distinct: 0,
            has_more: false,
            samples: Vec::new(),
            days: None,
        };
        let table = TableFound {
            name: "clients".to_owned(),
            method: Method::Csv,
            object: Some(Object::Client),
            rows,
            parsed: rows,
            rejected: 0,
            is_whole: true,
            files: Vec::new(),
            rejected_rows: Vec::new(),
            key: "id".to_owned(),
            columns: columns.iter().map(column).collect(),
        };
        let object = ObjectFound {
            object: Object::Client,
            method,
            table: "clients".to_owned(),
            records: rows,
            is_whole: true,
            reasons: Vec::new(),
            risks: Vec::new(),
        };
        Discovery { objects: vec![object], tables: vec![table], ..Discovery::default() }
    }

    #[test]
    fn what_changed_is_named_and_nothing_else() {
        let since = Timestamp::UNIX_EPOCH;
        let before = found(100, &[("id", "id", 100), ("fax", "phone", 50), ("sum", "number", 100)], Method::Csv);
        assert_eq!(Changes::between(&before, since, &before).list, []);
        let now = found(120, &[("id", "id", 120), ("sum", "text", 60), ("tier", "enum", 1)], Method::Workbook);
        let told: Vec<String> = Changes::between(&before, since, &now)
            .list
            .into_iter()
            .map(|change| format!("{}: {} → {}", change.subject, change.before, change.now))
            .collect();
        assert_eq!(
            told,
            [
                "client is read from: csv → workbook",
                "rows of clients: 100 → 120",
                "type of clients.sum: number → text",
                "fill rate of clients.sum: 100 % → 50 %",
                "clients.tier: not there → new",
                "clients.fax: there → gone",
            ]
        );
        let gone = Changes::between(&before, since, &Discovery::default()).list;
        assert_eq!(gone.len(), 2, "{gone:?}");
    }
}
