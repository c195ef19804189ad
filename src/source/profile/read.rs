//! Reads a profile. What is wrong is told all at once, each with its line and key.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{Auth, FILE, Limits, PROMOX, Profile, Rules, check};
use crate::error::{Error, Kind, Result};
use crate::record::Object;

impl Profile {
    /// The built-in profile: what the API of PromoXcrm is assumed to look like.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn promox() -> Self {
        Self::parse(PROMOX).expect("the built-in profile is tested")
    }

    /// The profile of a migration's folder; `None` when there is none.
    ///
    /// # Errors
    /// `Settings` when it cannot be read, and as [`Profile::parse`].
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::new(Kind::Settings, format!("reading {}", path.display())).because(error)),
        }
    }

    /// Reads a profile and checks it.
    ///
    /// # Errors
    /// `Settings` with every problem at once, each with its line and key.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |problems: Vec<String>| {
            Err(Error::new(Kind::Settings, format!("{FILE} cannot be used")).because(problems.join("; ")))
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let problems = errors.iter().map(|error| problem(text, error.span(), "", error.message()));
            return wrong(problems.collect());
        }
        let mut reading = Reading { text, problems: Vec::new() };
        let profile = reading.profile(table.get_ref());
        let places = Places { text, table: table.get_ref() };
        reading.problems.extend(check::problems(&profile, &places));
        if reading.problems.is_empty() { Ok(profile) } else { wrong(reading.problems) }
    }
}

/// One problem as it is told.
fn problem(text: &str, span: Option<Range<usize>>, key: &str, what: &str) -> String {
    let what = what.trim();
    let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
    match span {
        None => format!("{key}{what}"),
        Some(span) => format!("line {}: {key}{what}", line(text, span.start)),
    }
}

fn line(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Where things stand in the file.
pub(super) struct Places<'a> {
    text: &'a str,
    table: &'a DeTable<'a>,
}

impl Places<'_> {
    /// A problem at a key, with the line of as much of the key as there is.
    pub(super) fn problem(&self, key: &str, what: &str) -> String {
        let mut table = Some(self.table);
        let mut span = None;
        for part in key.split('.') {
            let found = table.and_then(|table| table.iter().find(|(name, _)| name.get_ref().as_ref() == part));
            let Some((name, value)) = found else { break };
            span = Some(name.span());
            table = match value.get_ref() {
                DeValue::Table(inner) => Some(inner),
                _ => None,
            };
        }
        problem(self.text, span, key, what)
    }
}

struct Reading<'a> {
    text: &'a str,
    problems: Vec<String>,
}

impl Reading<'_> {
    fn profile(&mut self, table: &DeTable<'_>) -> Profile {
        let mut profile = Profile {
            version: 0,
            address: None,
            zone: None,
            quirks: Vec::new(),
            auth: Auth::default(),
            account: None,
            limits: Limits::default(),
            defaults: Rules::default(),
            object: BTreeMap::new(),
            evidence: Vec::new(),
        };
        for (name, value) in table {
            let key = name.get_ref().as_ref();
            match key {
                "version" => self.section(key, value, &mut profile.version),
                "address" => self.section(key, value, &mut profile.address),
                "zone" => self.section(key, value, &mut profile.zone),
                "quirks" => self.section(key, value, &mut profile.quirks),
                "auth" => self.section(key, value, &mut profile.auth),
                "account" => self.section(key, value, &mut profile.account),
                "limits" => self.section(key, value, &mut profile.limits),
                "defaults" => self.section(key, value, &mut profile.defaults),
                "evidence" => self.section(key, value, &mut profile.evidence),
                "object" => self.objects(value, &mut profile.object),
                _ => self.problems.push(problem(self.text, Some(name.span()), key, "there is no such key")),
            }
        }
        profile
    }

    fn objects(&mut self, value: &Spanned<DeValue<'_>>, objects: &mut BTreeMap<Object, Rules>) {
        let DeValue::Table(table) = value.get_ref() else {
            self.problems.push(problem(self.text, Some(value.span()), "object", "must be a table for each object"));
            return;
        };
        for (name, value) in table {
            let key = format!("object.{}", name.get_ref());
            let Some(object) = Object::parse(name.get_ref()) else {
                let names: Vec<&str> = Object::ALL.iter().map(|object| object.as_str()).collect();
                let what = format!("is no object; must be one of {}", names.join(", "));
                self.problems.push(problem(self.text, Some(name.span()), &key, &what));
                continue;
            };
            let mut rules = Rules::default();
            self.section(&key, value, &mut rules);
            objects.insert(object, rules);
        }
    }

    fn section<T: DeserializeOwned>(&mut self, key: &str, value: &Spanned<DeValue<'_>>, into: &mut T) {
        match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(read) => *into = read,
            Err(error) => {
                let span = error.span().or(Some(value.span()));
                self.problems.push(problem(self.text, span, key, error.message()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::profile::{Paging, Proof, Total};

    #[test]
    fn the_built_in_profile_is_good_and_survives_being_written() {
        let profile = Profile::promox();
        let list = profile.list(Object::Client).expect("clients");
        assert_eq!((list.path.as_str(), list.table.as_str(), list.proof), ("/api/v1/clients", "clients", Proof::Total));
        assert!(matches!(list.page, Paging::Page { first: 1, .. }));
        assert_eq!(list.total, Total::Body("total".to_owned()));
        let text = profile.to_text();
        assert_eq!(Profile::parse(&text).expect("it reads back"), profile, "{text}");
    }

    #[test]
    fn every_problem_is_told_at_once_with_line_and_key() {
        let bad = r#"version = 2
zone = "Mars/Olympus"
colour = "red"
[[auth.send]]
at = "header"
name = "Authorization"
value = "Bearer {tokken}"
[defaults]
proof = "total"
[object.client]
path = "clients"
sise = 3
[object.planet]
path = "/planets"
[object.lead]
changes = { how = "filter", param = "since", value = "x", style = "rfc3339" }
[object.task]
path = "/tasks"
page = { style = "page", param = "page", first = 1, size = { param = "n", rows = 0 } }
"#;
        let told = Profile::parse(bad).expect_err("bad").chain();
        for expected in [
            "line 1: version",
            "line 2: zone",
            "line 3: colour: there is no such key",
            "{tokken}",
            "line 12: object.client: unknown field `sise`",
            "line 13: object.planet: is no object",
            "line 15: object.lead.path",
            "line 16: object.lead.changes.value",
            "object.lead.stamp",
            "object.task.page.size.rows",
            "object.task.proof",
        ] {
            assert!(told.contains(expected), "{expected} is not in {told}");
        }
        let told = Profile::parse("version = 1\n[auth\n").expect_err("bad").chain();
        assert!(told.contains("line 2"), "{told}");
    }

    #[test]
    fn a_profile_lives_in_the_migrations_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Profile::load(folder.path()).expect("no file"), None);
        std::fs::write(folder.path().join(FILE), PROMOX).expect("written");
        assert_eq!(Profile::load(folder.path()).expect("a file"), Some(Profile::promox()));
    }

    #[test]
    fn what_lists_have_in_common_goes_into_the_defaults() {
        let mut profile = Profile::promox();
        let lists: Vec<_> = profile.objects().filter_map(|object| profile.list(object)).collect();
        let defaults = std::mem::take(&mut profile.defaults);
        profile.object.values_mut().for_each(|rules| *rules = rules.over(&defaults));
        profile.gather_defaults();
        assert_eq!(profile, Profile::promox());
        assert_eq!(profile.objects().filter_map(|object| profile.list(object)).collect::<Vec<_>>(), lists);
    }
}
