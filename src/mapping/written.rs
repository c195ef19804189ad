//! A mapping as it is written: its TOML, and the tables beside it that values are looked up in.
//!
//! It is what lies before the map gate, kept whole: so a later change of either can be named, and records can be compared
//! with both mappings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Mapping;
use super::difference::difference;
use super::shape::Lookup;
use crate::error::{Error, Kind, Result};

/// Values of one table that are named in a difference, of each kind of change.
const NAMED: usize = 5;

/// A mapping and its tables, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The TOML.
    pub mapping: String,
    /// The texts of the tables, by the names of their files.
    pub tables: BTreeMap<String, String>,
}

impl Written {
    /// Reads and checks a mapping that is called `name`; `read` gives the text of a file beside it.
    ///
    /// # Errors
    /// `Settings`, as [`Mapping::parse`] and [`Mapping::take_lookups`].
    pub fn parse(
        text: String,
        name: &str,
        read: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<(Self, Mapping)> {
        let mut mapping = Mapping::parse(&text, name)?;
        let tables = mapping.take_lookups(read)?;
        Ok((Self { mapping: text, tables }, mapping))
    }

    /// The checked mapping. One that was kept without its tables finds nothing in them.
    ///
    /// # Errors
    /// As [`Written::parse`].
    pub fn checked(&self, name: &str) -> Result<Mapping> {
        let mut mapping = Mapping::parse(&self.mapping, name)?;
        if !self.tables.is_empty() {
            let missing = || "was not kept".to_owned();
            mapping.take_lookups(|file| self.tables.get(file).cloned().ok_or_else(missing))?;
        }
        Ok(mapping)
    }

    /// One text for both: the TOML alone where there are no tables.
    ///
    /// # Errors
    /// `Bug` when it cannot be written as JSON.
    pub fn to_text(&self) -> Result<String> {
        if self.tables.is_empty() {
            return Ok(self.mapping.clone());
        }
        serde_json::to_string(self).map_err(|error| Error::new(Kind::Bug, "a mapping and its tables").because(error))
    }

    /// Reads [`Written::to_text`]. No TOML is a JSON object, so the two are never taken for one another.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let alone = |_| Self { mapping: text.to_owned(), tables: BTreeMap::new() };
        serde_json::from_str(text).unwrap_or_else(alone)
    }

    /// What changed since an older one, in words: one line for each change, empty when there is none.
    #[must_use]
    pub fn since(&self, old: &Self) -> Vec<String> {
        let mut lines = difference(&old.mapping, &self.mapping);
        for (file, text) in &self.tables {
            match old.tables.get(file) {
                Some(before) if before == text => {}
                Some(before) => lines.extend(self.table_since(file, before, text)),
                None => lines.push(format!("lookup file {file}: is used now")),
            }
        }
        let gone = old.tables.keys().filter(|file| !self.tables.contains_key(*file));
        lines.extend(gone.map(|file| format!("lookup file {file}: is no longer used")));
        lines
    }

    /// Lines for one table, each pair of columns that the mapping uses by itself.
    fn table_since(&self, file: &str, before: &str, now: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for lookup in self.lookups(file) {
            let place = format!("lookup file {file}, {} to {}", lookup.key, lookup.value);
            match (lookup.rows(before), lookup.rows(now)) {
                (Ok(before), Ok(now)) => lines.extend(keys_since(&place, &before, &now)),
                // One of them was laid before a gate, so it could be read; the columns are others now.
                (Err(reason), _) | (_, Err(reason)) => lines.push(format!("{place}: before or now it {reason}")),
            }
        }
        if lines.is_empty() {
            lines.push(format!("lookup file {file}: changed where the mapping does not look"));
        }
        lines
    }

    /// The lookups in one file, each pair of columns once.
    fn lookups(&self, file: &str) -> Vec<Lookup> {
        let mapping = Mapping::parse(&self.mapping, "a mapping").ok();
        let fields = mapping.iter().flat_map(|mapping| &mapping.objects).flat_map(|rules| &rules.to);
        let all = fields.flat_map(|to| &to.fields).filter_map(|field| field.lookup.as_ref());
        let mut found: Vec<Lookup> = Vec::new();
        for lookup in all.filter(|lookup| lookup.file == file) {
            if !found.contains(lookup) {
                found.push(lookup.clone());
            }
        }
        found
    }
}

type Rows = BTreeMap<String, (String, String)>;

/// Keys that are new, gone, or stand for something else; the first few by name.
fn keys_since(place: &str, before: &Rows, now: &Rows) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tell = |kind: &str, all: Vec<String>| {
        let more = all.len().saturating_sub(NAMED);
        lines.extend(all.into_iter().take(NAMED).map(|line| format!("{place}: {line}")));
        if more > 0 {
            lines.push(format!("{place}: and {more} more {kind}"));
        }
    };
    let changed = now.iter().filter_map(|(key, (name, value))| {
        let (_, old) = before.get(key)?;
        (old != value).then(|| format!("{name:?} stands for {value:?} now; it stood for {old:?}"))
    });
    tell("that stand for something else", changed.collect());
    let new = now.iter().filter(|(key, _)| !before.contains_key(*key));
    tell("that are new", new.map(|(_, (name, value))| format!("{name:?} is new and stands for {value:?}")).collect());
    let gone = before.iter().filter(|(key, _)| !now.contains_key(*key));
    tell("that are gone", gone.map(|(_, (name, value))| format!("{name:?} is gone; it stood for {value:?}")).collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::PROMOX;

    fn written(table: &str) -> Written {
        let line = r#"  { to = "custom:Rush", kind"#;
        let lookup = r#"  { to = "custom:Region", kind = "text", from = "region", lookup = { file = "t.csv", key = "code", value = "name" } },"#;
        assert!(PROMOX.contains(line));
        let text = PROMOX.replacen(line, &format!("{lookup}\n{line}"), 1);
        Written::parse(text, "test", |_| Ok(table.to_owned())).expect("a mapping").0
    }

    #[test]
    fn a_mapping_is_kept_with_its_tables() {
        let with = written("code,name\nN,North\n");
        let text = with.to_text().expect("written");
        assert_eq!(Written::from_text(&text), with);
        assert_eq!(
            Written::from_text(&text).checked("test").expect("a mapping").digest(),
            with.checked("test").expect("a mapping").digest()
        );
        let alone = Written { mapping: PROMOX.to_owned(), tables: BTreeMap::new() };
        assert_eq!(alone.to_text().expect("written"), PROMOX);
        assert_eq!(Written::from_text(PROMOX), alone);
    }

    #[test]
    fn a_changed_table_is_named_key_by_key() {
        let old = written("code,name,note\nN,North,\nS,South,\nW,West,\n");
        let check = |table: &str, expected: &[&str]| {
            let place = "lookup file t.csv";
            let expected: Vec<String> = expected.iter().map(|line| format!("{place}{line}")).collect();
            assert_eq!(written(table).since(&old), expected);
        };
        check("code,name,note\nN,North,\nS,South,\nW,West,\n", &[]);
        check("code,name,note\nN,North,x\nS,South,\nW,West,\n", &[": changed where the mapping does not look"]);
        check(
            "code,name\nn,Nord\nS,South\nE,East\n",
            &[
                ", code to name: \"n\" stands for \"Nord\" now; it stood for \"North\"",
                ", code to name: \"E\" is new and stands for \"East\"",
                ", code to name: \"W\" is gone; it stood for \"West\"",
            ],
        );
        let many: String = (0..12).map(|number| format!("x{number},X\n")).collect();
        let lines = written(&format!("code,name\nN,North\nS,South\nW,West\n{many}")).since(&old);
        assert_eq!(lines.len(), NAMED + 1);
        assert_eq!(lines[NAMED], "lookup file t.csv, code to name: and 7 more that are new");
    }

    #[test]
    fn a_table_that_comes_or_goes_is_named() {
        let (with, alone) = (written("code,name\nN,North\n"), Written::from_text(PROMOX));
        assert!(with.since(&alone).contains(&"lookup file t.csv: is used now".to_owned()));
        assert!(alone.since(&with).contains(&"lookup file t.csv: is no longer used".to_owned()));
    }
}
