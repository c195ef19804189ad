//! What people remarked in the workbooks, kept in `remarks.toml` beside the mapping.
//!
//! A file of its own, because a remark may be about what the mapping has no line for (a column that nobody decided about,
//! an owner), and because the mapping then stays as its author laid it out. Nothing is decided by a remark.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::report::file;

/// Name of the file.
pub const REMARKS: &str = "remarks.toml";

const HEAD: &str = "# Remarks from reports/mapping.xlsx and reports/owners.xlsx. Nothing is decided by them.\n\n";

/// Remarks by section (an object, or `owners`) and by what they are about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Remarks(BTreeMap<String, BTreeMap<String, String>>);

/// What a remark about a field is filed under.
#[must_use]
pub fn field_key(target: &str, columns: &[String]) -> String {
    if columns.is_empty() { target.to_owned() } else { format!("{target} from {}", columns.join(" + ")) }
}

/// What a remark about a column that goes nowhere is filed under.
#[must_use]
pub fn column_key(column: &str) -> String {
    format!("column {column}")
}

impl Remarks {
    /// Reads the remarks beside a mapping; none where there is no file.
    ///
    /// # Errors
    /// `Settings` when the file cannot be read.
    pub fn read(mapping: &Path) -> Result<Self> {
        let path = mapping.with_file_name(REMARKS);
        let failed = |what: &str| Error::new(Kind::Settings, format!("{} {what}", path.display()));
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| failed("is no file of remarks").because(error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed("cannot be read").because(error)),
        }
    }

    /// Writes them beside a mapping.
    ///
    /// # Errors
    /// `Settings` when the file cannot be written.
    pub fn write(&self, mapping: &Path) -> Result<()> {
        let text = toml::to_string(self).map_err(|error| Error::new(Kind::Bug, "remarks as TOML").because(error))?;
        file::write(&mapping.with_file_name(REMARKS), format!("{HEAD}{text}").as_bytes())
    }

    /// The remark; empty when there is none.
    #[must_use]
    pub fn get(&self, section: &str, about: &str) -> String {
        self.0.get(section).and_then(|remarks| remarks.get(about)).cloned().unwrap_or_default()
    }

    /// Sets a remark; an empty one removes it.
    pub fn set(&mut self, section: &str, about: &str, remark: &str) {
        if remark.is_empty() {
            if let Some(remarks) = self.0.get_mut(section) {
                remarks.remove(about);
            }
            self.0.retain(|_, remarks| !remarks.is_empty());
        } else {
            self.0.entry(section.to_owned()).or_default().insert(about.to_owned(), remark.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_survive_their_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let mapping = folder.path().join("mapping.toml");
        let mut remarks = Remarks::read(&mapping).expect("none yet");
        assert_eq!(remarks, Remarks::default());
        let about = field_key("person: emails", &["email".to_owned(), "e \"2\"".to_owned()]);
        remarks.set("client", &about, "ask Dana\n=1+1 \"really\"");
        remarks.set("owners", "u_1", "left in May");
        remarks.write(&mapping).expect("written");
        let read = Remarks::read(&mapping).expect("read");
        assert_eq!(read, remarks);
        assert_eq!(read.get("client", &about), "ask Dana\n=1+1 \"really\"");
        remarks.set("owners", "u_1", "");
        assert_eq!(remarks.get("owners", "u_1"), "");
        assert!(!toml::to_string(&remarks).expect("TOML").contains("owners"));
    }
}
