//! How well columns that name records of other tables join: by key, e-mail address or name, and never by guessing.
//!
//! Keys, addresses and names are kept as sorted hashes, eight bytes each.

use serde_json::Value;

use crate::mapping::column::{Column, Payload};
use crate::record::fold_name;
use crate::report::discovery::LinkFound;

/// Records of a table that are kept for joining: 64 MB of hashes. A table with more is not joined.
pub(super) const RECORDS_MAX: u64 = 2_000_000;

/// What a table's records can be named by.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: Vec<u64>,
    emails: Vec<u64>,
    names: Vec<u64>,
    folded: Vec<u64>,
}

/// Which columns of a table hold its keys, addresses and names.
#[derive(Debug, Clone, Default)]
pub(super) struct Naming {
    pub(super) ids: Vec<Column>,
    pub(super) emails: Vec<Column>,
    /// Each is a name by itself.
    pub(super) names: Vec<Column>,
    /// Together they are one.
    pub(super) parts: Vec<Column>,
}

impl Names {
    pub(super) fn add(&mut self, row: &Payload, naming: &Naming) {
        let id: Vec<String> = naming.ids.iter().filter_map(|column| column.text(row)).map(|text| text.into()).collect();
        if !id.is_empty() && id.len() == naming.ids.len() {
            self.ids.push(hash(&id.join("/")));
        }
        for text in naming.emails.iter().filter_map(|column| column.text(row)) {
            self.emails.extend(text.split([';', ',']).map(|email| hash(&fold_name(email))));
        }
        let parts: Vec<String> =
            naming.parts.iter().filter_map(|column| column.text(row)).map(|text| text.into()).collect();
        let whole = Some(parts.join(" ")).filter(|name| !name.is_empty());
        let mut names: Vec<String> =
            naming.names.iter().filter_map(|column| column.text(row)).map(|text| text.into()).collect();
        names.extend(whole);
        names.dedup();
        for name in names {
            self.names.push(hash(&name));
            self.folded.push(hash(&fold_name(&name)));
        }
    }

    /// No more is added.
    pub(super) fn close(&mut self) {
        for hashes in [&mut self.ids, &mut self.emails, &mut self.names, &mut self.folded] {
            hashes.sort_unstable();
        }
    }
}

/// How a value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Missing,
    Ambiguous,
    FoldedName,
    Name,
    Email,
    Id,
}

fn find(text: &str, among: &Names) -> Found {
    let count = |hashes: &[u64], wanted: u64| {
        let from = hashes.partition_point(|own| *own < wanted);
        hashes[from..].iter().take_while(|own| **own == wanted).take(2).count()
    };
    if count(&among.ids, hash(text)) > 0 {
        return Found::Id;
    }
    let folded = hash(&fold_name(text));
    for (hashes, wanted, found) in [
        (&among.emails, folded, Found::Email),
        (&among.names, hash(text), Found::Name),
        (&among.folded, folded, Found::FoldedName),
    ] {
        match count(hashes, wanted) {
            0 => {}
            1 => return found,
            _ => return Found::Ambiguous,
        }
    }
    Found::Missing
}

/// Counts the values of a row's column.
pub(super) fn count(link: &mut LinkFound, row: &Payload, tables: &[&Names]) {
    let column = Column::new(&link.column);
    if matches!(column.value(row), Some(Value::Array(_))) {
        return;
    }
    let Some(text) = column.text(row) else { return };
    link.filled += 1;
    // A column that names records of several tables names one of them.
    let best = tables.iter().map(|names| find(&text, names)).max().unwrap_or(Found::Missing);
    *match best {
        Found::Id => &mut link.by_id,
        Found::Email => &mut link.by_email,
        Found::Name => &mut link.by_name,
        Found::FoldedName => &mut link.by_folded_name,
        Found::Ambiguous => &mut link.ambiguous,
        Found::Missing => &mut link.missing,
    } += 1;
}

fn hash(text: &str) -> u64 {
    let digest = blake3::hash(text.trim().as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: &Value) -> &Payload {
        value.as_object().expect("an object")
    }

    #[test]
    fn a_name_of_two_records_is_nobodys() {
        let naming = Naming {
            ids: vec![Column::new("id")],
            emails: vec![Column::new("email")],
            names: vec![Column::new("company")],
            parts: vec![Column::new("first"), Column::new("last")],
        };
        let mut names = Names::default();
        for client in [
            json!({"id": 7, "email": "a@x.test; b@x.test", "company": "Harbor Foods", "first": "Ann", "last": "Lee"}),
            json!({"id": "8", "company": "Acme", "email": "C@X.test"}),
            json!({"id": "9", "company": "Acme"}),
        ] {
            names.add(row(&client), &naming);
        }
        names.close();
        let check = |text: &str, expected: Found| assert_eq!(find(text, &names), expected, "{text}");
        check("7", Found::Id);
        check("b@x.test", Found::Email);
        check("c@x.test", Found::Email);
        check("Harbor Foods", Found::Name);
        check("harbor  foods", Found::FoldedName);
        check("Ann Lee", Found::Name);
        check("Acme", Found::Ambiguous);
        check("acme", Found::Ambiguous);
        check("10", Found::Missing);
        let mut link = LinkFound {
            table: "projects".to_owned(),
            column: "client".to_owned(),
            to: vec!["clients".to_owned()],
            filled: 0,
            by_id: 0,
            by_email: 0,
            by_name: 0,
            by_folded_name: 0,
            ambiguous: 0,
            missing: 0,
        };
        for value in ["7", "", "Acme", "gone"] {
            count(&mut link, row(&json!({ "client": value })), &[&names]);
        }
        assert_eq!((link.filled, link.by_id, link.ambiguous, link.missing), (3, 1, 1, 1));
    }
}
