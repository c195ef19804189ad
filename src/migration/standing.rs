//! What the account has of what the mapping needs, judged from an inventory without asking anybody: what will be made, what
//! is used as it is, what is in the way.

pub(super) mod checks;
mod pipelines;

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{FIELD_OWNERS, Inventory, Known, Ours, field_entity};
use super::pipelines::PipelinePlan;
use super::survey::{Needs, option_key};
use crate::mapping::Mapping;
use crate::mapping::workspace::{CustomField, Options};
use crate::pipedrive::{Field, FieldOption};
use crate::record::{Entity, fold_name};
use crate::report::page::{counted, number};
use crate::report::plan::conflicts::{Conflict, Found};
use crate::report::plan::{PlannedField, PlannedPipeline, type_words};
use crate::report::preflight::Check;

/// Longest name of a field, option, label, stage (OpenAPI v2: `field_name` and `label`, 255; the others by analogy).
const NAME_CHARS: usize = 255;

/// Names that a sentence lists; the reader finds the others in the account.
const NAMED: usize = 5;

/// What is needed.
pub(super) struct Wanted<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) needs: &'a Needs,
    pub(super) pipelines: &'a [PipelinePlan],
    pub(super) ours: &'a Ours,
    /// Whether records are seen by groups too, and not only by owners or everybody.
    pub(super) has_groups: bool,
}

/// How the account stands to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Standing {
    pub(super) fields: Vec<PlannedField>,
    pub(super) pipelines: Vec<PlannedPipeline>,
    /// Lead labels to make.
    pub(super) lead_labels: Vec<String>,
    /// Activity types to make.
    pub(super) activity_types: Vec<String>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) checks: Vec<Check>,
    /// Custom fields that the account has.
    pub(super) custom_fields: u64,
}

/// Judges an account.
pub(super) fn judge(inventory: &Inventory, wanted: &Wanted<'_>) -> Standing {
    let mut standing = Standing { custom_fields: inventory.custom_fields(), ..Standing::default() };
    standing.judge_fields(inventory, wanted);
    standing.pipelines = pipelines::judge(inventory, wanted, &mut standing.conflicts);
    standing.judge_labels(inventory, wanted);
    standing.judge_types(inventory, wanted);
    standing.judge_currencies(inventory, wanted);
    standing.checks = checks::of(inventory, wanted);
    standing
}

impl Standing {
    fn judge_fields(&mut self, inventory: &Inventory, wanted: &Wanted<'_>) {
        let fields = wanted.mapping.custom_fields();
        for owner in FIELD_OWNERS {
            let mut called: BTreeMap<String, &str> = BTreeMap::new();
            for field in fields.iter().filter(|field| field.entity == owner) {
                let about = format!("Custom field of {}s", field.entity);
                if let Some(first) = called.insert(fold_name(&field.name), &field.name) {
                    let says = format!("The mapping has '{first}' too, and people cannot tell the two names apart.");
                    self.conflicts.push(Conflict::block(&*about, &field.name, says).way(RENAME_OURS));
                }
                let judged = JudgedField::new(inventory.fields_of(owner), field, wanted);
                self.conflicts.extend(judged.conflicts(&about));
                self.fields.push(judged.planned(wanted));
            }
            let kind = field_entity(owner);
            let is_unused =
                |field: &&Field| wanted.ours.made(kind, &field.code) && !called.contains_key(&fold_name(&field.name));
            for field in inventory.fields_of(owner).iter().filter(is_unused) {
                let says = "This migration made it, and the mapping fills it no longer. It stays as it is: nothing is \
                            deleted, and whoever does not need it can delete it (Pipedrive: Company settings, Data fields).";
                self.conflicts.push(Conflict::notice(format!("Custom field of {owner}s"), &field.name, says));
            }
        }
    }

    fn judge_labels(&mut self, inventory: &Inventory, wanted: &Wanted<'_>) {
        let mut made = BTreeSet::new();
        for name in &wanted.needs.lead_labels {
            self.too_long("Lead label", name);
            match inventory.lead_labels.iter().find(|label| label.is_called(name)) {
                Some(there) => self.spelled("Lead label", name, there.text("name")),
                None if made.insert(fold_name(name)) => self.lead_labels.push(name.clone()),
                None => {}
            }
        }
    }

    fn judge_types(&mut self, inventory: &Inventory, wanted: &Wanted<'_>) {
        let mut made = BTreeSet::new();
        for name in &wanted.needs.activity_types {
            self.too_long("Activity type", name);
            match find_type(&inventory.activity_types, name) {
                Some(there) if is_active(there) && fold_name(there.text("key_string")) != fold_name(name) => {
                    self.spelled("Activity type", name, there.text("name"));
                }
                // The types that every account has are meant by their keys, whatever they were renamed to.
                Some(there) if is_active(there) => {}
                Some(_) => {
                    let says = "It is there and switched off; a second one of that name would be a double.";
                    let conflict = Conflict::block("Activity type", name, says)
                        .way("switch it on (Pipedrive: Company settings, Activities)")
                        .way("name another type in the mapping");
                    self.conflicts.push(conflict);
                }
                None if made.insert(fold_name(name)) => self.activity_types.push(name.clone()),
                None => {}
            }
        }
    }

    fn judge_currencies(&mut self, inventory: &Inventory, wanted: &Wanted<'_>) {
        if inventory.currencies.is_empty() {
            return;
        }
        for (code, amounts) in &wanted.needs.currencies {
            let there = inventory.currencies.iter().find(|currency| currency.code == *code);
            let says = match there {
                Some(currency) if currency.active_flag => continue,
                Some(_) => "in it, and the account has it switched off.",
                None => "in it, and the account does not know it.",
            };
            let says = format!("{} {says}", counted(*amounts, "amount of the data is", "amounts of the data are"));
            let conflict = Conflict::block("Currency", code, says)
                .way("switch it on (Pipedrive: Company settings, Currencies)")
                .way("correct these amounts at the source")
                .way("let the mapping read another currency");
            self.conflicts.push(conflict);
        }
    }

    fn spelled(&mut self, about: &str, name: &str, there: &str) {
        if there != name {
            let says = format!("It is there as '{there}' and is used as it is.");
            self.conflicts.push(Conflict::notice(about, name, says));
        }
    }

    fn too_long(&mut self, about: &str, name: &str) {
        self.conflicts.extend(too_long(about, name));
    }
}

const RENAME_OURS: &str = "rename ours in the mapping";

fn too_long(about: &str, name: &str) -> Option<Conflict> {
    let chars = name.chars().count();
    (chars > NAME_CHARS).then(|| {
        let says = format!("The name has {chars} characters and Pipedrive takes {NAME_CHARS}.");
        Conflict::block(about, name, says).way("shorten it, in the mapping or at the source")
    })
}

/// A type by its name, or by its key, the active one first.
pub(super) fn find_type<'k>(types: &'k [Known], name: &str) -> Option<&'k Known> {
    let called = |known: &&Known| known.is_called(name) || fold_name(known.text("key_string")) == fold_name(name);
    types.iter().filter(called).max_by_key(|known| is_active(known))
}

pub(super) fn is_active(known: &Known) -> bool {
    known.flag("active_flag") != Some(false)
}

/// Declared options first, in their order; then what the data holds. Labels that people would call the same are one.
pub(super) fn options(field: &CustomField, needs: &Needs) -> Vec<String> {
    if !matches!(field.field_type, "enum" | "set") {
        return Vec::new();
    }
    let declared = match &field.options {
        Options::Declared(options) => options.as_slice(),
        Options::FromData => &[],
    };
    let found = needs.options.get(&option_key(field.entity, &field.name)).into_iter().flatten();
    declared.iter().chain(found).cloned().collect()
}

/// Labels of which none is there: each once, however it is spelled.
pub(super) fn missing_options(wanted: &[String], there: &[FieldOption]) -> Vec<String> {
    let mut known: BTreeSet<String> = there.iter().map(|option| fold_name(&option.label)).collect();
    wanted.iter().filter(|label| known.insert(fold_name(label))).cloned().collect()
}

/// Fields that people would call by a name: custom ones, and those that every account has.
pub(super) fn called<'f>(fields: &'f [Field], name: &str) -> (Vec<&'f Field>, Vec<&'f Field>) {
    let name = fold_name(name);
    fields.iter().filter(|field| fold_name(&field.name) == name).partition(|field| field.custom)
}

/// One field of the mapping and what the account has of it.
struct JudgedField<'a> {
    wanted: &'a CustomField,
    /// The field that is used, if its type is right.
    there: Option<&'a Field>,
    /// Custom fields of that name.
    customs: Vec<&'a Field>,
    /// Fields of that name that every account has.
    systems: Vec<&'a Field>,
    options: Vec<String>,
    is_ours: bool,
}

impl<'a> JudgedField<'a> {
    fn new(fields: &'a [Field], field: &'a CustomField, wanted: &Wanted<'_>) -> Self {
        let (customs, systems) = called(fields, &field.name);
        let there = wanted.ours.pick(&customs);
        let kind = field_entity(field.entity);
        let is_ours =
            there.is_some_and(|there| wanted.ours.made(kind, &there.code) || wanted.ours.was_making(kind, &field.name));
        Self { wanted: field, there, customs, systems, options: options(field, wanted.needs), is_ours }
    }

    fn fits(&self) -> Option<&'a Field> {
        self.there.filter(|there| there.field_type == self.wanted.field_type)
    }

    fn found(&self) -> Found {
        match (self.customs.is_empty(), self.fits(), self.is_ours) {
            (true, ..) => Found::New,
            (false, None, _) => Found::InTheWay,
            (false, Some(_), true) => Found::Ours,
            (false, Some(_), false) => Found::There,
        }
    }

    fn planned(&self, wanted: &Wanted<'_>) -> PlannedField {
        let drafts = |entity: Entity| wanted.needs.drafts.get(entity.as_str()).copied().unwrap_or_default();
        let (mapping, field) = (wanted.mapping, self.wanted);
        let own = field.name == mapping.marker || mapping.owners.original_field.as_deref() == Some(&*field.name);
        let key = option_key(field.entity, &field.name);
        let leads = if field.entity == Entity::Deal { drafts(Entity::Lead) } else { 0 };
        let there = self.fits().map_or(&[][..], |there| &there.options);
        let found = self.found();
        let new_options = if found.is_there() { missing_options(&self.options, there).len() as u64 } else { 0 };
        PlannedField {
            options: missing_options(&self.options, &[]).len() as u64,
            new_options,
            found,
            filled: (!own).then(|| wanted.needs.filled.get(&key).copied().unwrap_or_default()),
            records: drafts(field.entity) + leads,
            entity: field.entity,
            name: field.name.clone(),
            field_type: field.field_type.to_owned(),
        }
    }

    fn conflicts(&self, about: &str) -> Vec<Conflict> {
        let name = &self.wanted.name;
        let mut conflicts: Vec<Conflict> = too_long(about, name).into_iter().collect();
        let long = self.options.iter().filter(|label| label.chars().count() > NAME_CHARS).count() as u64;
        if long > 0 {
            let says = format!(
                "{} longer than the {NAME_CHARS} characters that Pipedrive takes of an option.",
                counted(long, "of its values is", "of its values are")
            );
            conflicts.push(Conflict::block(about, name, says).way("read it as `long_text` in the mapping"));
        }
        match (self.there, &*self.customs) {
            (None, []) => {}
            (None, several) => {
                let says = format!(
                    "The account has {} of that name, and nobody can tell which is meant: {}.",
                    counted(several.len() as u64, "field", "fields"),
                    several.iter().map(|field| kind_of(field)).collect::<Vec<_>>().join(", ")
                );
                conflicts.push(Conflict::block(about, name, says).way(RENAME_OURS).way(RENAME_THEIRS));
            }
            (Some(there), _) if there.field_type != self.wanted.field_type => {
                let (theirs, ours) = (type_words(&there.field_type), type_words(self.wanted.field_type));
                let says = format!(
                    "It is there with the type {theirs} and is needed with the type {ours}. A type cannot be changed."
                );
                let mut conflict = Conflict::block(about, name, says).way(RENAME_OURS).way(RENAME_THEIRS);
                if let Some(kind) = kind_for(&there.field_type) {
                    conflict = conflict.way(format!("let the mapping fill theirs, with kind = \"{kind}\""));
                }
                conflicts.push(conflict);
            }
            (Some(there), _) => conflicts.extend(self.notices(about, there)),
        }
        if self.customs.is_empty() && !self.systems.is_empty() {
            let says = "Pipedrive itself has a field of that name; people will see two.";
            conflicts.push(Conflict::notice(about, name, says).way(RENAME_OURS));
        }
        conflicts
    }

    /// What people should know about a field that is used as it is.
    fn notices(&self, about: &str, there: &Field) -> Option<Conflict> {
        let mut says = Vec::new();
        if there.name != self.wanted.name {
            says.push(format!("It is there as '{}' and is used as it is.", there.name));
        }
        let otherwise = |label: &&String| {
            let same = |option: &&FieldOption| fold_name(&option.label) == fold_name(label);
            let found: Vec<_> = there.options.iter().filter(same).collect();
            !found.is_empty() && found.iter().all(|option| option.label != **label)
        };
        let otherwise: Vec<&str> = self.options.iter().filter(otherwise).map(String::as_str).collect();
        if !otherwise.is_empty() {
            says.push(format!(
                "Options that are there in another spelling are used as they are: {}.",
                names(&otherwise)
            ));
        }
        let added = missing_options(&self.options, &there.options);
        if !added.is_empty() && !there.options.is_empty() {
            let added: Vec<&str> = added.iter().map(String::as_str).collect();
            let has = counted(there.options.len() as u64, "option stays", "options stay");
            says.push(format!("Its {has}; added: {}.", names(&added)));
        }
        (!says.is_empty()).then(|| Conflict::notice(about, &self.wanted.name, says.join(" ")))
    }
}

const RENAME_THEIRS: &str = "rename theirs (Pipedrive: Company settings, Data fields)";

/// Some names, and how many there are beyond.
pub(super) fn names(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {} more", number(more as u64)),
    }
}

fn kind_of(field: &Field) -> String {
    let options =
        if field.options.is_empty() { String::new() } else { format!(" with {} options", field.options.len()) };
    format!("{}{options}", type_words(&field.field_type))
}

/// How the mapping would fill a field of a type; `None` where it cannot.
fn kind_for(field_type: &str) -> Option<&'static str> {
    Some(match field_type {
        "varchar" => "text",
        "text" => "long_text",
        "double" => "number",
        "monetary" => "money",
        "date" => "date",
        "time" => "time",
        "enum" => "enum",
        "set" => "set",
        "phone" => "phones",
        "address" => "address",
        "user" => "owner",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
