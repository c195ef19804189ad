//! Which record is meant where a row names it by an e-mail address or a name instead of its id: one that nobody else has,
//! or nobody.
//!
//! What records are called is told by whoever has read them ([`Called::add`]); it is no part of the mapping file.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::column::Payload;
use super::field::LinkRule;
use super::object::{Destination, ObjectRules};
use super::{Mapping, Owners};
use crate::record::{Object, Target, fold_name, named_enum};

named_enum! {
    /// What a link's column holds.
    LinkBy {
        /// The id of the record.
        Id = "id",
        /// An e-mail address of it.
        Email = "email",
        /// Its name, exact first, then without regard to case and spaces.
        Name = "name",
    }
}

/// Names that are kept: some 200 MB. Beyond that an account needs links by id.
pub const NAMES_MAX: usize = 1_000_000;

/// Records of one name that are told.
const TOLD: usize = 3;

/// What records are called, for the links of a mapping that need it.
#[derive(Debug, Clone, Default)]
pub struct Called {
    /// By what is linked to, as written and folded: the ids.
    ids: HashMap<(Object, String, LinkBy), HashMap<String, Ids>>,
    names: usize,
}

/// The records of one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ids {
    count: u32,
    /// The first few.
    told: Vec<String>,
    /// What makes the first one's record the same as another's.
    same: Option<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// This record.
    One(String),
    /// One of several: their ids, of many only the first.
    Several(Vec<String>),
    /// No record.
    Nobody,
}

impl Called {
    /// The links of a mapping that are by name or address: the objects whose records must be told.
    #[must_use]
    pub fn wanted(mapping: &Mapping) -> Vec<Object> {
        let mut objects: Vec<Object> = mapping.links_by_name().map(|link| link.object).collect();
        objects.sort_unstable();
        objects.dedup();
        objects
    }

    /// Tells what a record is called in each of its roles that some link names so. `same` gives what makes a role of it one
    /// with others: clients of one company share its organization, and its name is that of one record then.
    pub fn add(
        &mut self,
        rules: &ObjectRules,
        (id, row): (&str, &Payload),
        mapping: &Mapping,
        same: impl Fn(&Destination) -> Option<String>,
    ) {
        let mut wanted: Vec<&LinkRule> = mapping.links_by_name().filter(|link| link.object == rules.object).collect();
        wanted.sort_unstable_by_key(|link| (&link.role, link.by));
        wanted.dedup_by_key(|link| (&link.role, link.by));
        for link in wanted {
            let same = rules.destination(&link.role).and_then(&same);
            for name in names(rules, link, row, &mapping.owners) {
                let known = self.ids.entry((link.object, link.role.clone(), link.by)).or_default();
                // A folded form that is another record's exact one must not hide it, so each is kept as such.
                for form in [format!("={}", name.trim()), fold_name(&name)] {
                    let ids = known.entry(form).or_default();
                    let is_one = ids.told.first().is_some_and(|first| first == id)
                        || (ids.count > 0 && same.is_some() && ids.same == same);
                    if is_one {
                        continue;
                    }
                    if ids.count == 0 {
                        ids.same.clone_from(&same);
                    }
                    ids.count += 1;
                    self.names += 1;
                    if ids.told.len() < TOLD {
                        ids.told.push(id.to_owned());
                    }
                }
            }
        }
    }

    /// How many names are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names == 0
    }

    /// The record that a link's column means.
    #[must_use]
    pub fn meant(&self, link: &LinkRule, written: &str) -> Meant {
        let key = (link.object, link.role.clone(), link.by);
        let Some(known) = self.ids.get(&key) else { return Meant::Nobody };
        let forms = [format!("={}", written.trim()), fold_name(written)];
        match forms.iter().find_map(|form| known.get(form)) {
            None => Meant::Nobody,
            Some(ids) if ids.count == 1 => ids.told.first().cloned().map_or(Meant::Nobody, Meant::One),
            Some(ids) => Meant::Several(ids.told.clone()),
        }
    }
}

/// What a row's role is called, by the fields that the mapping fills.
fn names(rules: &ObjectRules, link: &LinkRule, row: &Payload, owners: &Owners) -> Vec<String> {
    let Some(destination) = rules.destination(&link.role).filter(|to| to.applies.holds(row)) else { return Vec::new() };
    let wanted: &[&str] = match link.by {
        LinkBy::Id => &[],
        LinkBy::Email => &["emails", "email"],
        LinkBy::Name => &["name", "title", "subject"],
    };
    let is_name = |target: &Target| matches!(target, Target::System(name) if wanted.contains(&name.as_str()));
    let fields = destination.fields.iter().filter(|field| is_name(&field.target) && field.applies.holds(row));
    let texts = fields.filter_map(|field| field.from.text(row, owners)).take(1);
    match link.by {
        LinkBy::Email => texts
            .flat_map(|text| text.split([';', ',', ' ', '\n']).map(str::to_owned).collect::<Vec<_>>())
            .filter(|text| text.contains('@'))
            .collect(),
        _ => texts.map(|text| text.into_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(rows: &[Value]) -> (Mapping, Called) {
        let text = crate::mapping::PROMOX
            .replace("from = \"client_id\", object = \"client\", role = \"person\", flag", "from = \"client_id\", object = \"client\", role = \"person\", by = \"email\", flag")
            .replace("from = \"client_id\", object = \"client\", role = \"organization\" },\n  { to = \"stage_id\"", "from = \"client_id\", object = \"client\", role = \"organization\", by = \"name\" },\n  { to = \"stage_id\"");
        let mapping = Mapping::parse(&text, "test").expect("a mapping");
        let mut called = Called::default();
        let rules = mapping.object(Object::Client).expect("clients");
        for row in rows {
            let row = row.as_object().expect("an object");
            // As the mapping's own key of organizations: the company.
            let same = |to: &Destination| {
                let company = row.get("company")?.as_str()?.to_lowercase();
                (&*to.role == "organization" && company == "shared ltd").then_some(company)
            };
            called.add(rules, (&rules.source_id(row).expect("an id"), row), &mapping, same);
        }
        (mapping, called)
    }

    #[test]
    fn only_a_name_of_one_record_is_meant() {
        let (mapping, called) = told(&[
            json!({"id": 1, "company": "Harbor Foods", "first_name": "Ann", "email": "ann@x.test; a@x.test"}),
            json!({"id": 2, "company": "Acme", "first_name": "Bo", "email": "shared@x.test"}),
            json!({"id": 3, "company": "ACME", "first_name": "Cy", "email": "shared@x.test"}),
            json!({"id": 4, "company": "Shared Ltd"}),
            json!({"id": 5, "company": "Shared Ltd"}),
        ]);
        assert_eq!(Called::wanted(&mapping), [Object::Client]);
        let link = |role: &str, by| LinkRule { object: Object::Client, role: role.to_owned(), by };
        let check = |by, role: &str, written: &str, expected: Meant| {
            assert_eq!(called.meant(&link(role, by), written), expected, "{written}");
        };
        check(LinkBy::Name, "organization", "Harbor Foods", Meant::One("1".to_owned()));
        check(LinkBy::Name, "organization", "harbor  foods", Meant::One("1".to_owned()));
        check(LinkBy::Name, "organization", "Acme", Meant::One("2".to_owned()));
        check(LinkBy::Name, "organization", "acme", Meant::Several(vec!["2".to_owned(), "3".to_owned()]));
        check(LinkBy::Name, "organization", "shared ltd", Meant::One("4".to_owned()));
        check(LinkBy::Name, "organization", "gone", Meant::Nobody);
        check(LinkBy::Email, "person", "A@x.test", Meant::One("1".to_owned()));
        check(LinkBy::Email, "person", "shared@x.test", Meant::Several(vec!["2".to_owned(), "3".to_owned()]));
    }
}
