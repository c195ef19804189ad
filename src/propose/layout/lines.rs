//! Lines that every kind of record has alike: system fields, joined names and addresses, custom fields.

use std::collections::BTreeMap;

use super::{Scene, line, remark};
use crate::mapping::accepted::custom_type;
use crate::mapping::field::{Kind, custom_owner};
use crate::propose::answer::Place;
use crate::propose::fields::Ranked;
use crate::propose::plan::{Found, Planned};
use crate::propose::shape::Shape;
use crate::propose::write::Line;
use crate::record::{Entity, fold_name};

/// Custom fields so far: a name has one type for each kind of record.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<(Entity, String), &'static str>);

/// Names that say too little without the record they belong to.
const BARE: &[&str] = &[
    "number",
    "type",
    "status",
    "source",
    "stage",
    "score",
    "notes",
    "note",
    "tags",
    "tag",
    "label",
    "labels",
    "pipeline",
    "id",
    "title",
    "value",
    "category",
    "rating",
    "description",
    "name",
    "code",
    "reference",
    "date",
    "priority",
    "email",
    "phone",
    "state",
    "owner",
    "group",
    "comment",
    "comments",
    "kind",
    "level",
];

/// Fields that Crossdock fills itself.
const RESERVED: &[&str] = &["crossdock id", "original owner"];

/// The parts of a person's name in the order in which they are said.
const NAME_PARTS: &[&str] = &["first_name", "middle_name", "last_name", "name_suffix"];

/// The parts of an address in the order in which they are written.
const ADDRESS_PARTS: &[&str] = &["address", "street", "street_2", "city", "state", "zip", "country", "address_other"];

/// A column's name as people write names of fields: `in_hands_date` is `In hands date`. Names that say too little alone
/// have the kind of their record before them.
pub(super) fn title(column: &str, plan: &Planned) -> String {
    let words = plain_title(column);
    if !BARE.contains(&words.to_lowercase().as_str()) {
        return words;
    }
    let own = plan.object.map_or(String::new(), |object| object.to_string());
    capital(&format!("{own} {}", words.to_lowercase()))
}

/// The same from the name alone.
pub(super) fn plain_title(column: &str) -> String {
    let spaced: String =
        column.chars().map(|sign| if matches!(sign, '_' | '.' | '-' | '\t') { ' ' } else { sign }).collect();
    let mut words = String::new();
    let mut before = ' ';
    for sign in spaced.trim_end_matches("__c").chars() {
        if sign.is_uppercase() && before.is_lowercase() {
            words.push(' ');
            words.extend(sign.to_lowercase());
        } else {
            words.push(sign);
        }
        before = sign;
    }
    capital(&words.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}", letters.as_str()).chars().take(200).collect()
}

impl Scene<'_> {
    /// The custom field for a column: one of the same meaning that Pipedrive has already, else a new one whose name no
    /// other type has.
    pub(super) fn custom(
        &mut self,
        column: &Found,
        entity: Entity,
        kind: Kind,
        plan: &Planned,
    ) -> (String, Kind, String) {
        let owner = custom_owner(entity).unwrap_or(entity);
        let mut kind = if custom_type(kind).is_some() { kind } else { Kind::Text };
        // The date of a deal cannot be set, and its own date of creation will stand beside this one.
        let at_source = if column.concept() == "created" { " source" } else { "" };
        let wanted = format!("{}{at_source}", title(&column.name, plan));
        if let Some(held) = self.held(column, owner, &wanted) {
            let why = format!("; Pipedrive has the field {:?} already", held.0);
            if let Some(held_kind) = fitting(kind, &held.1) {
                self.names.0.insert((owner, fold_name(&held.0)), custom_type(held_kind).unwrap_or("varchar"));
                return (format!("custom:{}", held.0), held_kind, why);
            }
        }
        let mut field_type = custom_type(kind).unwrap_or("varchar");
        let mut name = wanted.clone();
        let is_taken = |names: &Names, name: &str, field_type: &str| {
            let known = names.0.get(&(owner, fold_name(name)));
            known.is_some_and(|known| *known != field_type) || RESERVED.contains(&fold_name(name).as_str())
        };
        if is_taken(&self.names, &name, field_type) {
            let own = plan.object.map_or(String::new(), |object| object.to_string());
            name = title(&format!("{own} {wanted}"), plan);
        }
        if is_taken(&self.names, &name, field_type) {
            // Twice taken by other types: text can hold whatever it is.
            kind = Kind::Text;
            field_type = "varchar";
            name = format!("{name} (text)");
        }
        self.names.0.insert((owner, fold_name(&name)), field_type);
        (format!("custom:{name}"), kind, String::new())
    }

    /// A custom field by its name alone, of exactly this kind.
    pub(super) fn named(&mut self, name: &str, kind: Kind, entity: Entity, plan: &Planned) -> (String, Kind) {
        const TRIES: usize = 9;
        let mut wanted = name.to_owned();
        for number in 2..2 + TRIES {
            let found = Found {
                name: wanted,
                shape: Shape::Text,
                values: Vec::new(),
                ranked: Ranked { answers: Vec::new(), confidence: 0.0 },
                points_at: Vec::new(),
            };
            let (to, given, _) = self.custom(&found, entity, kind, plan);
            if given == kind {
                return (to, kind);
            }
            // The name is taken by a field of another type, which cannot hold what is made here.
            wanted = format!("{name} {number}");
        }
        (format!("custom:{wanted}"), kind)
    }

    /// A custom field of the account with the same name, or with most of the column's values among its options.
    fn held(&self, column: &Found, entity: Entity, wanted: &str) -> Option<(String, String)> {
        let plain = |text: &str| -> String {
            text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let own = self.known.held.iter().filter(|held| held.custom && held.entity == entity);
        let own = own.filter(|held| !RESERVED.contains(&fold_name(&held.name).as_str()));
        let same = |name: &str| plain(name) == plain(wanted) || plain(name) == plain(&column.name);
        let shares = |options: &[String]| {
            let options: Vec<String> = options.iter().map(|option| fold_name(option)).collect();
            let found = column.values.iter().filter(|value| options.contains(&fold_name(value))).count();
            column.values.len() >= 3 && found * 5 >= column.values.len() * 4
        };
        let alike = |name: &str| strsim::jaro_winkler(&plain(name), &plain(wanted)) > 0.8;
        let mut found = own.clone().find(|held| same(&held.name));
        found = found.or_else(|| own.clone().find(|held| shares(&held.options) && alike(&held.name)));
        found.map(|held| (held.name.clone(), held.field_type.clone()))
    }

    /// Whether the account has a system field that only some accounts have.
    fn has_system(&self, entity: Entity, code: &str) -> bool {
        self.known.held.iter().any(|held| !held.custom && held.entity == entity && held.code == code)
    }

    /// The lines of a record's columns whose place is on it, but for those in `done`.
    pub(super) fn lines_of(&mut self, entity: Entity, plan: &Planned, done: &[&str]) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let own = plan.columns.iter().filter(|column| column.place().entity() == Some(entity));
        let own: Vec<&Found> = own.filter(|column| !is_empty(column)).collect();
        let mut address: Vec<&Found> = Vec::new();
        let mut other_address: Vec<&Found> = Vec::new();
        for column in &own {
            let Place::System(_, field) = column.place() else {
                let is_part = ADDRESS_PARTS.contains(&column.concept()) && is_part_of_address(column);
                match (is_part, column.concept()) {
                    (true, "address_other") => other_address.push(column),
                    (true, _) => address.push(column),
                    (false, _) => lines.push(self.custom_line(column, entity, plan)),
                }
                continue;
            };
            if done.contains(&field.as_str()) || lines.iter().any(|line| line.to == field) {
                continue;
            }
            let same: Vec<&Found> = own.iter().copied().filter(|other| other.place() == column.place()).collect();
            match self.system_line(entity, &field, &same, plan) {
                Some(line) => lines.push(line),
                None => lines.extend(same.iter().map(|column| self.custom_line(column, entity, plan))),
            }
        }
        for (parts, name) in [(address, "Address"), (other_address, "Other address")] {
            lines.extend(self.address_line(&parts, name, entity, plan));
        }
        lines
    }

    /// A line of a system field; `None` where this account lacks the field or its values cannot be told beforehand.
    fn system_line(&self, entity: Entity, field: &str, columns: &[&Found], plan: &Planned) -> Option<Line> {
        let first = *columns.first()?;
        let names = |columns: &[&Found]| columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let joined = |kind: &str, columns: &[&Found], with: &str| {
            let joined = Line::from(field, kind, &names(columns)).remark(remark(first, plan));
            if columns.len() > 1 { joined.key(format!("join = {with:?}")) } else { joined }
        };
        match field {
            "name" if matches!(entity, Entity::Person | Entity::User) => {
                Some(joined("name", &name_parts(columns), " "))
            }
            "emails" => Some(joined("emails", columns, "; ")),
            "phones" => Some(joined("phones", columns, "; ")),
            "email" => Some(joined("email", &columns[..1], " ")),
            "address" => Some(joined("address", &address_parts(columns), ", ")),
            "name" => Some(joined("text", &columns[..1], " ")),
            "owner_id" | "user_id" => self.owner_line(field, columns, plan),
            "add_time" => Some(line(field, "datetime", first, plan)),
            "active" => Some(line(field, "bool", first, plan)),
            "website" | "linkedin" if self.has_system(entity, field) => Some(line(field, "text", first, plan)),
            "annual_revenue" | "employee_count" if self.has_system(entity, field) => {
                Some(line(field, "number", first, plan))
            }
            "label_ids" if entity == Entity::Lead => Some(joined("set", &columns[..1], "; ")),
            "expected_close_date" => Some(line(field, "date", first, plan)),
            "probability" => Some(line(field, "percent", first, plan)),
            "lost_reason" => Some(line(field, "text", first, plan)),
            _ => None,
        }
    }

    /// The owner, where the source's owners are known; otherwise the name is kept as text.
    pub(super) fn owner_line(&self, field: &str, columns: &[&Found], plan: &Planned) -> Option<Line> {
        let owners = self.of_object(crate::record::Object::Owner)?.at;
        let column = columns.iter().find(|column| column.points_at.first() == Some(&owners))?;
        Some(line(field, "owner", column, plan))
    }

    /// A custom field of one column.
    pub(super) fn custom_line(&mut self, column: &Found, entity: Entity, plan: &Planned) -> Line {
        let kind = custom_kind(column);
        let (to, kind, why) = self.custom(column, entity, kind, plan);
        let line = line(&to, kind.as_str(), column, plan);
        let line = if matches!(kind, Kind::LongText | Kind::Html | Kind::Text) { line.key("cut = true") } else { line };
        let said = format!("{}{why}", line.remark);
        line.remark(said)
    }

    fn address_line(&mut self, parts: &[&Found], name: &str, entity: Entity, plan: &Planned) -> Option<Line> {
        let first = *parts.first()?;
        if let [only] = parts {
            return Some(self.custom_line(only, entity, plan));
        }
        let named = Found { name: name.to_owned(), ..first.clone() };
        let (to, kind, why) = self.custom(&named, entity, Kind::Address, plan);
        let columns: Vec<String> = address_parts(parts).iter().map(|column| column.name.clone()).collect();
        let line = Line::from(&to, kind.as_str(), &columns).key("join = \", \"");
        Some(line.remark(format!("{}{why}", remark(first, plan))))
    }
}

/// Nothing is in it.
pub(super) fn is_empty(column: &Found) -> bool {
    column.shape == Shape::Unknown
}

fn is_part_of_address(column: &Found) -> bool {
    matches!(column.place(), Place::Custom(_, field_type) if field_type == "address")
}

/// How a column is read into a custom field.
pub(super) fn custom_kind(column: &Found) -> Kind {
    let by_type = match column.place() {
        Place::Custom(_, field_type) => match field_type.as_str() {
            "phone" => Some(Kind::Phones),
            "address" => Some(Kind::Address),
            "enum" => Some(Kind::Enum),
            "set" => Some(Kind::Set),
            "date" => Some(Kind::Date),
            "double" => Some(Kind::Number),
            "monetary" => Some(Kind::Money),
            "text" => Some(Kind::LongText),
            _ => None,
        },
        Place::Note(_) => Some(Kind::LongText),
        _ => None,
    };
    match (column.shape, by_type) {
        (Shape::Html, _) => Kind::Html,
        (Shape::Address, _) => Kind::Address,
        // What the values are is surer than what the name says.
        (Shape::Bool | Shape::Date | Shape::Datetime | Shape::Set | Shape::Money | Shape::Percent, _) => {
            column.shape.kind()
        }
        (Shape::Enum, _) if !column.values.is_empty() => Kind::Enum,
        (Shape::Number, Some(Kind::Money)) => Kind::Money,
        (Shape::Number, Some(Kind::Number | Kind::Enum)) => Kind::Number,
        (Shape::Email, _) => Kind::Emails,
        (Shape::Phone, _) => Kind::Phones,
        (Shape::LongText, _) => Kind::LongText,
        (_, Some(Kind::Phones)) => Kind::Phones,
        (_, Some(Kind::Address)) => Kind::Address,
        // Numbers, days and options are taken as such only where the values are; anything else is text.
        (Shape::User | Shape::Reference, Some(Kind::Enum)) if !column.values.is_empty() => Kind::Enum,
        (Shape::Number | Shape::User | Shape::Reference, _) => Kind::Text,
        (_, Some(Kind::Enum)) if !column.values.is_empty() => Kind::Enum,
        _ => Kind::Text,
    }
}

/// First names before last names; a whole name only where there are no parts.
fn name_parts<'f>(columns: &[&'f Found]) -> Vec<&'f Found> {
    let rank = |column: &&Found| NAME_PARTS.iter().position(|part| *part == column.concept());
    let mut parts: Vec<&Found> = columns.iter().copied().filter(|column| rank(column).is_some()).collect();
    parts.sort_by_key(rank);
    if parts.len() > 1 {
        parts
    } else {
        columns.iter().copied().filter(|column| rank(column).is_none()).chain(parts).take(1).collect()
    }
}

fn address_parts<'f>(columns: &[&'f Found]) -> Vec<&'f Found> {
    let rank = |column: &&Found| ADDRESS_PARTS.iter().position(|part| *part == column.concept()).unwrap_or(usize::MAX);
    let mut parts = columns.to_vec();
    parts.sort_by_key(rank);
    parts
}

/// How a column that would be read as `kind` is read into a field of another type; `None`: it does not fit.
fn fitting(kind: Kind, field_type: &str) -> Option<Kind> {
    match field_type {
        _ if custom_type(kind) == Some(field_type) => Some(kind),
        "varchar" => Some(Kind::Text),
        "text" => Some(Kind::LongText),
        "enum" if matches!(kind, Kind::Text) => Some(Kind::Enum),
        _ => None,
    }
}
