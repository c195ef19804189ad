//! The labelled field lists as files.

use std::path::Path;

use serde::Deserialize;

use crossdock::mapping::accepted::accepted;
use crossdock::record::Entity;

/// Types of custom fields that a label may name (`pipedrive-api.md` section 5.10).
const CUSTOM: &[&str] = &[
    "varchar", "text", "double", "monetary", "date", "time", "enum", "set", "phone", "address", "user", "org", "people",
];

/// What a catalogue is for (`README.md` beside this file).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Half {
    /// Tuned on from the start.
    Tune,
    /// Measured on once, and tuned on since.
    Test,
    /// Measured on once after that, and tuned on since.
    Fresh,
    /// Measured on once after that, and tuned on since.
    Unseen,
    /// Measured on once after that, and tuned on since.
    Untouched,
    /// Never tuned on, and never listed.
    Untouched2,
}

impl Half {
    pub(crate) const ALL: [Self; 6] =
        [Self::Tune, Self::Test, Self::Fresh, Self::Unseen, Self::Untouched, Self::Untouched2];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tune => "tune",
            Self::Test => "test",
            Self::Fresh => "fresh",
            Self::Unseen => "unseen",
            Self::Untouched => "untouched",
            Self::Untouched2 => "untouched2",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|half| half.as_str() == text)
    }

    /// Its fields may be looked at by whoever tunes.
    pub(crate) const fn is_open(self) -> bool {
        !matches!(self, Self::Untouched2)
    }
}

/// One CRM.
#[derive(Debug, Deserialize)]
pub(crate) struct Catalogue {
    pub(crate) name: String,
    pub(crate) split: Half,
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

/// Every catalogue beside this file, by name; each field has an answer that Pipedrive can take.
pub(crate) fn read_all() -> Result<Vec<Catalogue>, Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/map/catalogues");
    let mut catalogues: Vec<Catalogue> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let catalogue: Catalogue = toml::from_str(&std::fs::read_to_string(&path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            check(&catalogue)?;
            catalogues.push(catalogue);
        }
    }
    catalogues.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(catalogues)
}

/// A label that names nothing would count every answer as wrong.
fn check(catalogue: &Catalogue) -> Result<(), String> {
    for table in &catalogue.table {
        for field in &table.field {
            let place = format!("{}, {}.{}", catalogue.name, table.name, field.name);
            if field.target.is_empty() {
                return Err(format!("{place} has no answer"));
            }
            if let Some(answer) = field.target.iter().find(|answer| !is_place(answer)) {
                return Err(format!("{place}: {answer} is no place in Pipedrive"));
            }
        }
    }
    Ok(())
}

/// `none`, `id`, `modified`, `deleted`, `ENTITY:FIELD`, `ENTITY:custom:TYPE` or `ENTITY:note`.
fn is_place(answer: &str) -> bool {
    let Some((entity, field)) = answer.split_once(':') else {
        return ["none", "id", "modified", "deleted"].contains(&answer);
    };
    let Some(entity) = Entity::parse(entity) else {
        return false;
    };
    match field.split_once(':') {
        Some((custom, kind)) => custom == "custom" && CUSTOM.contains(&kind),
        None => field == "note" || accepted(entity).iter().any(|system| system.name == field),
    }
}
