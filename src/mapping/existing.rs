//! What counts as the same as a record that Pipedrive holds already, and what becomes of it then.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::field::Field;
use super::object::KeyClean;
use super::problems::Problems;
use super::raw::{OneOrMany, RawExisting};
use crate::record::{Entity, Target, named_enum};

named_enum! {
    /// What becomes of a record that was there before.
    Then {
        /// It is bound, so that others link to it; nothing is written.
        Keep = "keep",
        /// Fields that are blank in Pipedrive are filled; nothing else is written.
        Fill = "fill",
        /// The source wins in every mapped field.
        Update = "update",
        /// It is not looked for: the source record gets one of its own.
        Ignore = "ignore",
    }
}

named_enum! {
    /// A field that can be compared.
    KeyField {
        /// E-mail addresses of a person; one in common is enough.
        Emails = "emails",
        /// Phone numbers of a person; one in common is enough.
        Phones = "phones",
        /// The name.
        Name = "name",
        /// The address of an organization.
        Address = "address",
    }
}

impl KeyField {
    /// How it is cleaned before it is compared: as a duplicate key of the same thing is.
    #[must_use]
    pub const fn clean(self, entity: Entity) -> KeyClean {
        match (self, entity) {
            (KeyField::Emails, _) => KeyClean::Emails,
            (KeyField::Phones, _) => KeyClean::Phones,
            (KeyField::Name, Entity::Person) => KeyClean::Name,
            (KeyField::Name | KeyField::Address, _) => KeyClean::Text,
        }
    }

    /// The fields of a kind of record that can be compared; empty: records of this kind are never looked for.
    #[must_use]
    pub const fn of(entity: Entity) -> &'static [KeyField] {
        match entity {
            Entity::Person => &[KeyField::Emails, KeyField::Phones, KeyField::Name],
            Entity::Organization => &[KeyField::Name, KeyField::Address],
            _ => &[],
        }
    }

    /// Whether it tells records of a kind apart by itself. Many people share a name, many companies an address.
    const fn tells_apart(self, entity: Entity) -> bool {
        match self {
            KeyField::Emails | KeyField::Phones => true,
            KeyField::Name => matches!(entity, Entity::Organization),
            KeyField::Address => false,
        }
    }
}

/// Fields that must all agree; sorted, never empty.
pub type MatchKey = Vec<KeyField>;

/// The rule of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Keys in order: the first by which anything is found decides. Empty: nothing is looked for.
    pub by: Vec<MatchKey>,
    /// What becomes of what is found.
    pub then: Then,
}

impl Existing {
    /// The rule where the mapping says nothing: nobody is doubled, and nothing of what people keep is changed.
    pub(super) fn unsaid(entity: Entity, fields: &[Field]) -> Self {
        let by = KeyField::of(entity).iter().filter(|key| key.tells_apart(entity) && is_mapped(**key, fields));
        Self { by: by.take(1).map(|key| vec![*key]).collect(), then: Then::Keep }
    }

    /// Reads the rule as written; every mistake becomes a problem.
    pub(super) fn read(raw: RawExisting, entity: Entity, fields: &[Field], at: (&str, &mut Problems)) -> Self {
        let (place, problems) = (format!("{}, existing", at.0), at.1);
        let unsaid = Self::unsaid(entity, fields);
        if KeyField::of(entity).is_empty() {
            problems.add(&place, entity.as_str(), "is not looked for in Pipedrive; only persons and organizations are");
            return unsaid;
        }
        let by = match raw.by {
            None => unsaid.by,
            Some(_) if raw.then == Then::Ignore => {
                problems.add(&place, "ignore", "looks for nothing; leave out by");
                Vec::new()
            }
            Some(written) => keys(written, entity, fields, (&place, problems)),
        };
        if by.is_empty() && raw.then != Then::Ignore {
            problems.add(&place, "", "needs a key in by");
        }
        Self { by: if raw.then == Then::Ignore { Vec::new() } else { by }, then: raw.then }
    }
}

fn keys(written: Vec<OneOrMany>, entity: Entity, fields: &[Field], at: (&str, &mut Problems)) -> Vec<MatchKey> {
    let (place, problems) = at;
    let mut keys: Vec<MatchKey> = Vec::new();
    for names in written.into_iter().map(OneOrMany::into_vec) {
        let mut key: MatchKey = Vec::new();
        for name in &names {
            match KeyField::parse(name).filter(|field| KeyField::of(entity).contains(field)) {
                None => problems.add(place, name, format!("is no key of a {entity}; known: {}", known(entity))),
                Some(field) if !is_mapped(field, fields) => {
                    problems.add(place, name, "is a key, but no field of this destination is filled with it");
                }
                Some(field) => key.push(field),
            }
        }
        key.sort_unstable();
        key.dedup();
        let all = names.join(" + ");
        if key.len() == names.len() && !key.is_empty() && !key.iter().any(|field| field.tells_apart(entity)) {
            problems.add(place, &*all, format!("does not tell one {entity} from another; add another field"));
        }
        if keys.contains(&key) {
            problems.add(place, &*all, "is a key already");
        }
        // What was refused above must not be told a second time as missing.
        keys.push(key);
    }
    keys
}

fn is_mapped(key: KeyField, fields: &[Field]) -> bool {
    fields.iter().any(|field| field.target == Target::System(key.as_str().to_owned()))
}

fn known(entity: Entity) -> String {
    let names: Vec<&str> = KeyField::of(entity).iter().map(|key| key.as_str()).collect();
    names.join(", ")
}
