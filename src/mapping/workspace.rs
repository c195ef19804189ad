//! What the mapping needs in the Pipedrive account before the first record: custom fields, activity types, labels.

use std::collections::BTreeSet;

use super::accepted;
use super::field::{Extra, Field, Kind, Origin, custom_owner};
use super::{Destination, Mapping};
use crate::record::{Entity, Object, Target};

/// The labels of the option field that stands for yes and no.
pub const YES_NO: [&str; 2] = ["Yes", "No"];

/// A custom field that must exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// Organization, person or deal. Leads use the deal's.
    pub entity: Entity,
    /// Its name.
    pub name: String,
    /// Pipedrive's type (`pipedrive-api.md` section 5.10).
    pub field_type: &'static str,
    /// Its options; empty and declared for types without any.
    pub options: Options,
}

/// The options of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Options {
    /// Exactly these.
    Declared(Vec<String>),
    /// Whatever labels the survey finds in the data.
    FromData,
}

impl Mapping {
    /// The custom fields the account must have, in a fixed order: by entity, then in the mapping's order; the marker and
    /// the field for reassigned owners first.
    #[must_use]
    pub fn custom_fields(&self) -> Vec<CustomField> {
        let mut fields: Vec<CustomField> = Vec::new();
        for entity in [Entity::Organization, Entity::Person, Entity::Deal] {
            for name in std::iter::once(&self.marker).chain(&self.owners.original_field) {
                fields.push(CustomField {
                    entity,
                    name: name.clone(),
                    field_type: "varchar",
                    options: Options::Declared(Vec::new()),
                });
            }
            for (_, destination) in self.destinations() {
                if custom_owner(destination.entity) == Some(entity) {
                    add_fields(&mut fields, entity, destination);
                }
            }
        }
        fields
    }

    /// The activity types that tasks become, by name, sorted.
    #[must_use]
    pub fn activity_types(&self) -> BTreeSet<String> {
        let fields = self.destinations().flat_map(|(_, destination)| &destination.fields);
        fields.filter(|field| field.kind == Kind::ActivityType).flat_map(possible_values).collect()
    }

    /// Whether leads get labels; which ones is in the data.
    #[must_use]
    pub fn uses_lead_labels(&self) -> bool {
        let is_label = |field: &Field| field.target == Target::System("label_ids".to_owned());
        self.destinations()
            .any(|(_, destination)| destination.entity == Entity::Lead && destination.fields.iter().any(is_label))
    }

    /// Every destination with the object it belongs to.
    pub fn destinations(&self) -> impl Iterator<Item = (Object, &Destination)> {
        self.objects.iter().flat_map(|rules| rules.to.iter().map(|destination| (rules.object, destination)))
    }
}

fn add_fields(fields: &mut Vec<CustomField>, entity: Entity, destination: &Destination) {
    for field in &destination.fields {
        let (Target::Custom(name), Some(field_type)) = (&field.target, accepted::custom_type(field.kind)) else {
            continue;
        };
        let options = options_of(field);
        match fields.iter_mut().find(|known| known.entity == entity && known.name == *name) {
            Some(known) => merge_options(&mut known.options, options),
            None => fields.push(CustomField { entity, name: name.clone(), field_type, options }),
        }
    }
}

fn options_of(field: &Field) -> Options {
    match (&field.kind, &field.extra) {
        (Kind::Bool, _) => Options::Declared(YES_NO.map(str::to_owned).to_vec()),
        (Kind::Enum | Kind::Set, Extra::Options(options)) => Options::Declared(options.clone()),
        (Kind::Enum | Kind::Set, _) => Options::FromData,
        _ => Options::Declared(Vec::new()),
    }
}

/// Two destinations may fill one field: its options are those of both.
fn merge_options(known: &mut Options, other: Options) {
    match (&mut *known, other) {
        (Options::Declared(own), Options::Declared(more)) => {
            for option in more {
                if !own.contains(&option) {
                    own.push(option);
                }
            }
        }
        _ => *known = Options::FromData,
    }
}

/// Every value a field with a table of values can have.
fn possible_values(field: &Field) -> Vec<String> {
    let mut values: Vec<String> = field.default.iter().cloned().collect();
    if let Origin::Constant(constant) = &field.from {
        values.push(constant.clone());
    }
    if let Some(map) = &field.values {
        values.extend(map.listed.values().cloned());
        if let super::field::Other::Use(other) = &map.other {
            values.push(other.clone());
        }
    }
    values
}
