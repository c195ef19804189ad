//! Where a column can go, as one closed set of answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::Entity;

/// Where a column goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// A field that every account has.
    System(Entity, String),
    /// A custom field of one of Pipedrive's types (`pipedrive-api.md` section 5.10).
    Custom(Entity, String),
    /// A note of the record; for activities their own text.
    Note(Entity),
    /// It stays behind.
    Leave,
    /// It is the row's key.
    Id,
    /// It says when the row was changed.
    Modified,
    /// It says that the row was deleted.
    Deleted,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::System(entity, field) => write!(f, "{entity}:{field}"),
            Place::Custom(entity, field_type) => write!(f, "{entity}:custom:{field_type}"),
            Place::Note(entity) => write!(f, "{entity}:note"),
            Place::Leave => f.write_str("none"),
            Place::Id => f.write_str("id"),
            Place::Modified => f.write_str("modified"),
            Place::Deleted => f.write_str("deleted"),
        }
    }
}

impl Place {
    /// The kind of record it is on, if any.
    #[must_use]
    pub const fn entity(&self) -> Option<Entity> {
        match self {
            Place::System(entity, _) | Place::Custom(entity, _) | Place::Note(entity) => Some(*entity),
            _ => None,
        }
    }

    /// How many columns may go there; `None`: any number, because they are joined, listed or fields of their own.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        match self {
            Place::Id | Place::Modified | Place::Deleted => Some(1),
            Place::System(entity, field) => match (entity, field.as_str()) {
                (Entity::Person | Entity::User, "name") | (Entity::Activity, "due_date" | "duration") => None,
                (_, "emails" | "phones" | "address" | "label_ids" | "content" | "note" | "participants") => None,
                // The stage with its pipeline, an amount with its currency, an id with a name beside it, a status in
                // several flags.
                (_, "status") => Some(3),
                (_, "stage_id" | "value") => Some(4),
                // A user has an id, a name and an address of mail.
                (_, "owner_id" | "user_id") => Some(3),
                (_, "org_id" | "person_id" | "organization_id" | "deal_id" | "lead_id") => Some(2),
                (Entity::Lead, "title") | (_, "lost_reason") => Some(2),
                (Entity::Organization, "website" | "linkedin") => Some(2),
                _ => Some(1),
            },
            Place::Custom(..) | Place::Note(_) | Place::Leave => None,
        }
    }
}

/// A place for one column, with what speaks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Where.
    pub place: Place,
    /// How well name and values fit, 0 to 1 and a little more. Not a probability.
    pub score: f64,
    /// How likely it is beside the other answers of its column ([`super::weights`]), 0 to 1; these add up to 1.
    pub likely: f64,
    /// The concept that the column was taken for; empty where only its values speak.
    pub concept: String,
    /// Why, in words.
    pub why: String,
    /// What it rests on.
    pub evidence: Evidence,
}

/// What an answer rests on, each 0 to 1; nothing of it where only the form of the values speaks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence {
    /// How well the name fits the concept: 1 is word by word.
    pub name: f64,
    /// How well the values go with the concept.
    pub shape: f64,
    /// Name and label say the same.
    pub agrees: bool,
}

/// The letter by which the vocabulary's homes name a kind of record.
#[must_use]
pub const fn letter(entity: Entity) -> &'static str {
    match entity {
        Entity::Organization => "o",
        Entity::Person => "p",
        Entity::Lead => "l",
        Entity::Deal => "d",
        Entity::Activity => "a",
        Entity::Note => "n",
        Entity::User => "u",
        Entity::Pipeline => "i",
        Entity::Stage => "s",
        _ => "any",
    }
}
