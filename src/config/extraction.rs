//! How each kind of record is read: from the API, from files, from a workbook that people fill in, or not at all.
//!
//! `crossdock discover` keeps what it decided in [`FILE`], beside the settings; `[source.from]` in the settings goes before
//! it. Without either everything comes from the one place that the settings name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SourceConfig;
use super::raw::RawSource;
use crate::record::{Object, named_enum};

named_enum! {
    /// How one kind of record is read.
    Method {
        /// Page by page from the API.
        Api = "api",
        /// From the folder of exports.
        Csv = "csv",
        /// From a workbook that people fill in.
        Workbook = "workbook",
        /// Not at all.
        None = "none",
    }
}

/// What `discover` decided, in a migration's folder.
pub const FILE: &str = "extraction.toml";

/// The head of [`FILE`].
const HEAD: &str = "# How each kind of record is read, as `crossdock discover` decided. It is written anew by each discovery; to decide\n\
    # otherwise, say so in migration.toml, which goes before this file:\n\
    # [source.from]\n\
    # task = \"workbook\"     # api, csv, workbook or none\n\n";

/// How each kind of record is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extraction {
    /// The folder of exports, where the settings name one.
    pub folder: Option<PathBuf>,
    /// The folder of the workbooks that people fill in.
    pub workbooks: PathBuf,
    /// The share of a table's rows, in percent, that a later file may lack without somebody being asked.
    pub vanished_percent: u8,
    /// What the settings say.
    pub said: BTreeMap<Object, Method>,
    /// What was decided; empty before the first discovery.
    pub decided: BTreeMap<Object, Method>,
}

/// [`FILE`] as written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    from: BTreeMap<Object, Method>,
}

impl Extraction {
    /// As the settings say it, with what was decided.
    ///
    /// # Errors
    /// What is wrong with [`FILE`], or with what the settings say, in words.
    pub(super) fn read(raw: &RawSource, folder: &Path) -> Result<Self, String> {
        let path = folder.join(FILE);
        let kept = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| format!("{} cannot be used: {error}", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        for (object, method) in &raw.from {
            let lacks = match method {
                Method::Api => raw.address.is_none().then_some("address"),
                Method::Csv => raw.folder.is_none().then_some("folder"),
                Method::Workbook | Method::None => None,
            };
            if let Some(lacks) = lacks {
                return Err(format!("source.from.{object} = \"{method}\": [source] names no {lacks}"));
            }
        }
        Ok(Self {
            folder: raw.folder.as_ref().map(|own| folder.join(own)),
            workbooks: folder.join(&raw.workbooks),
            vanished_percent: raw.vanished_percent,
            said: raw.from.clone(),
            decided: kept.from,
        })
    }

    /// How an object is read; `source` is the place that the settings name first.
    #[must_use]
    pub fn method(&self, object: Object, source: &SourceConfig) -> Method {
        let known = self.said.get(&object).or_else(|| self.decided.get(&object)).copied();
        known.unwrap_or(match source {
            SourceConfig::Api { .. } => Method::Api,
            SourceConfig::Csv { .. } => Method::Csv,
        })
    }

    /// Whether everything comes from the one place that the settings name.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.said.is_empty() && self.decided.is_empty()
    }
}

/// The text of [`FILE`] for what was decided.
#[must_use]
pub fn text(decided: &BTreeMap<Object, Method>) -> String {
    let lines: String = decided.iter().map(|(object, method)| format!("{object} = \"{method}\"\n")).collect();
    format!("{HEAD}[from]\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decided_reads_back() {
        let decided = BTreeMap::from([(Object::Client, Method::Csv), (Object::Task, Method::Workbook)]);
        let kept: Kept = toml::from_str(&text(&decided)).expect("TOML");
        assert_eq!(kept.from, decided);
    }

    #[test]
    fn the_settings_go_before_what_was_decided() {
        let source = SourceConfig::Csv { folder: PathBuf::new(), poll: std::time::Duration::ZERO };
        let mut extraction = Extraction::default();
        assert_eq!(extraction.method(Object::Task, &source), Method::Csv);
        extraction.decided.insert(Object::Task, Method::Workbook);
        assert_eq!(extraction.method(Object::Task, &source), Method::Workbook);
        extraction.said.insert(Object::Task, Method::None);
        assert_eq!(extraction.method(Object::Task, &source), Method::None);
    }
}
