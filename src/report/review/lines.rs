//! A line of the workbook as it was and as it was given back, and what both are compared and read by.

use toml::{Table, Value};

use crate::mapping::accepted::{accepted, custom_type};
use crate::mapping::field::Kind;
use crate::mapping::object::Destination;
use crate::record::Object;
use crate::report::workbook::place;

/// A line as it was when the workbook was made.
pub(super) struct Origin {
    pub(super) object: Object,
    pub(super) role: String,
    pub(super) position: usize,
    pub(super) fingerprint: String,
    pub(super) target: String,
    pub(super) transform: String,
    pub(super) remark: String,
}

/// A line as people gave it back.
pub(super) struct Given {
    pub(super) sheet: String,
    pub(super) sheet_position: usize,
    pub(super) row: u32,
    pub(super) columns: Vec<u32>,
    pub(super) target: String,
    pub(super) transform: String,
    pub(super) remark: String,
}

impl Given {
    pub(super) fn cell(&self, file: &str, heading: usize) -> String {
        let column = self.columns.get(heading).copied().unwrap_or_default();
        format!("{file}, sheet {}, cell {}", self.sheet, place(self.row, column))
    }
}

/// Texts are compared as people see them: without the space around, with one kind of line end.
pub(super) fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

/// The columns of a field as it is written.
pub(super) fn columns(field: &Table) -> Vec<String> {
    match field.get("from") {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The kind that fits a target: the one it has, or the target's own first.
pub(super) fn kind_for(destination: &Destination, to: &str, kind: Option<Kind>) -> Kind {
    match accepted(destination.entity).iter().find(|facts| facts.name == to) {
        Some(facts) => {
            kind.filter(|kind| facts.kinds.contains(kind)).or(facts.kinds.first().copied()).unwrap_or(Kind::Text)
        }
        None => kind.filter(|kind| custom_type(*kind).is_some()).unwrap_or(Kind::Text),
    }
}
