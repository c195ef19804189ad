//! The labelled field lists as files.

use std::path::Path;

use serde::Deserialize;

use crossdock::record::Entity;

/// One CRM.
#[derive(Debug, Deserialize)]
pub(crate) struct Catalogue {
    pub(crate) name: String,
    pub(crate) split: String,
    pub(crate) table: Vec<Table>,
}

/// One of its tables.
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) becomes: Vec<Entity>,
    pub(crate) field: Vec<Field>,
}

/// One field with the answers that count as right, best first.
#[derive(Debug, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    #[serde(rename = "type")]
    pub(crate) declared: Option<String>,
    #[serde(default)]
    pub(crate) options: Vec<String>,
    pub(crate) target: Vec<String>,
}

/// Every catalogue beside this file, by name.
pub(crate) fn read_all() -> Result<Vec<Catalogue>, Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/map/catalogues");
    let mut catalogues: Vec<Catalogue> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            catalogues.push(toml::from_str(&std::fs::read_to_string(path)?)?);
        }
    }
    catalogues.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(catalogues)
}
