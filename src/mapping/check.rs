//! From the mapping as written to the mapping ready for use: sections, objects and destinations.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use toml::Value;

use super::check_field::{self, Columns};
use super::column::{Column, Condition};
use super::defaults::Defaults;
use super::existing::Existing;
use super::object::{Applies, Destination, Each, FoldInto, ObjectRules, Skip, Through};
use super::owners::{OwnerDecision, Owners};
use super::pipelines::{DeclaredPipeline, DeclaredStage, Fallback, Pipelines};
use super::placement::{Placement, Placements};
use super::problems::{Problem, Problems};
use super::raw::{
    OneOrMany, RawConditions, RawDecision, RawDefaults, RawDestination, RawExisting, RawMapping, RawObject, RawOwners,
    RawPipeline, RawPipelines, RawSkip,
};
use super::{Mapping, accepted, check_links};
use crate::error::{Error, Kind, Result};
use crate::record::Object;

/// The one version of the format there is.
const VERSION: u32 = 1;

/// The marker field's name where the mapping gives none.
const MARKER: &str = "Crossdock ID";

/// Reads and checks a whole mapping.
pub(super) fn mapping(text: &str, name: &str) -> Result<Mapping> {
    let table: toml::Table = toml::from_str(text)
        .map_err(|error| Error::new(Kind::Settings, format!("{name} is not TOML")).because(error))?;
    let digest = digest(&table)?;
    let mut problems = Problems::default();
    let checked = checked(table, digest, &mut problems);
    match (problems.into_error(name), checked) {
        (None, Some(mapping)) => Ok(mapping),
        (Some(error), _) => Err(error),
        (None, None) => Err(Error::new(Kind::Bug, format!("{name} failed its check without a problem"))),
    }
}

fn checked(table: toml::Table, digest: String, problems: &mut Problems) -> Option<Mapping> {
    problems.read::<RawMapping>("mapping", Value::Table(table)).and_then(|raw| sections(raw, digest, problems))
}

/// Everything wrong with a mapping, one by one.
pub(super) fn problems(text: &str) -> Vec<Problem> {
    let mut problems = Problems::default();
    match toml::from_str::<toml::Table>(text) {
        Ok(table) => {
            checked(table, String::new(), &mut problems);
        }
        Err(error) => problems.add("mapping", "", format!("is not TOML: {}", error.message())),
    }
    problems.into_found()
}

/// BLAKE3 of the content as JSON with sorted keys.
fn digest(table: &toml::Table) -> Result<String> {
    // A TOML table keeps its keys sorted, and so does the JSON map it becomes.
    let canonical = serde_json::to_value(table)
        .and_then(|value| serde_json::to_vec(&value))
        .map_err(|error| Error::new(Kind::Settings, "the mapping holds a value that JSON cannot").because(error))?;
    Ok(blake3::hash(&canonical).to_hex().to_string())
}

/// Checks all sections, also after one of them failed, so that every problem is told.
fn sections(raw: RawMapping, digest: String, problems: &mut Problems) -> Option<Mapping> {
    if raw.version != VERSION {
        problems.add("version", raw.version.to_string(), format!("is not known; this program reads version {VERSION}"));
    }
    let defaults = problems.read("defaults", raw.defaults).and_then(|raw| defaults(raw, problems));
    let owners = match raw.owners {
        None => Owners::default(),
        Some(section) => problems.read("owners", section).map(|raw| owners(raw, problems)).unwrap_or_default(),
    };
    let pipelines = match raw.pipelines {
        None => Some(Pipelines { declared: Vec::new(), fallback: Fallback::Park, status_from_stage: false }),
        Some(section) => problems.read("pipelines", section).map(|raw| pipelines(raw, problems)),
    };
    let mut objects: Vec<ObjectRules> = Vec::new();
    let mut aliases = BTreeMap::new();
    for (position, section) in raw.object.into_iter().enumerate() {
        let place = section
            .get("kind")
            .and_then(Value::as_str)
            .map_or(format!("object {}", position + 1), |kind| format!("object {kind}"));
        let Some(raw) = problems.read::<RawObject>(&place, section) else { continue };
        aliases.insert(raw.kind, raw.aliases.clone());
        let Some(rules) = object(raw, &place, problems) else { continue };
        if objects.iter().any(|known| known.object == rules.object) {
            let free = Object::customs().find(|free| !objects.iter().any(|known| known.object == *free));
            let further = match free {
                Some(free) if rules.object.is_custom() => {
                    format!("is mapped twice; a further kind of custom object is kind = \"{free}\"")
                }
                _ => "is mapped twice".to_owned(),
            };
            problems.add(&place, rules.object.as_str(), further);
        }
        objects.push(rules);
    }
    for through in objects.iter_mut().filter_map(|rules| rules.fold_into.as_mut()).flat_map(|fold| &mut fold.through) {
        if let Some(aliases) = aliases.get(&through.object) {
            through.from = Columns { aliases }.column(&through.from.name);
        }
    }
    let placements = placements(raw.placement, problems);
    let (marker, defaults) = defaults?;
    let called = std::sync::Arc::default();
    let mapping = Mapping { defaults, owners, pipelines: pipelines?, placements, marker, objects, called, digest };
    check_links::check(&mapping, problems);
    Some(mapping)
}

fn placements(raw: BTreeMap<String, String>, problems: &mut Problems) -> Placements {
    let mut placements = Placements::new();
    for (table, written) in raw {
        let place = format!("placement, {table}");
        let read = problems.take(&place, &written, Placement::parse(&written));
        placements.extend(read.map(|placement| (table, placement)));
    }
    placements
}

fn defaults(raw: RawDefaults, problems: &mut Problems) -> Option<(String, Defaults)> {
    let place = "defaults";
    if raw.currency.len() != 3 || !raw.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        problems.add(place, &*raw.currency, "is no ISO 4217 code; write three capitals such as USD");
    }
    let zone = problems.take(
        place,
        &raw.time_zone,
        TimeZone::get(&raw.time_zone).map_err(|_| "is no IANA time zone such as America/Chicago"),
    );
    let country = problems.take(
        place,
        &raw.phone_country,
        raw.phone_country.parse().map_err(|_| "is no ISO 3166 country; write two capitals such as US"),
    );
    let marker = raw.marker.unwrap_or_else(|| MARKER.to_owned());
    check_field_name(place, &marker, problems);
    let defaults = Defaults {
        currency: raw.currency,
        time_zone: zone?,
        day_order: raw.day_order,
        phone_country: country?,
        decimal_sign: raw.decimal_sign,
    };
    Some((marker, defaults))
}

/// A custom field's name must fit Pipedrive.
pub(super) fn check_field_name(place: &str, name: &str, problems: &mut Problems) {
    if name.trim().is_empty() || name.trim() != name || name.chars().count() > accepted::LABEL_CHARS {
        problems.add(place, name, "is no field name: 1 to 255 characters without spaces around them");
    }
}

fn owners(raw: RawOwners, problems: &mut Problems) -> Owners {
    let mut owners = Owners::default();
    owners.match_by = raw.match_by;
    owners.original_field = raw.original_field;
    if let Some(name) = &owners.original_field {
        check_field_name("owners, original_field", name, problems);
    }
    for (written, meant) in &raw.aliases {
        owners.add_alias(written, meant);
    }
    for (position, section) in raw.decision.into_iter().enumerate() {
        let place = format!("owners, decision {}", position + 1);
        let Some(raw) = problems.read::<RawDecision>(&place, section) else { continue };
        let decision = match (raw.match_user, raw.reassign, raw.provision, raw.park) {
            (Some(user), None, None, false) => OwnerDecision::Match(user),
            (None, Some(user), None, false) => {
                if owners.original_field.is_none() {
                    problems.add(
                        &place,
                        &*user,
                        "needs original_field in [owners], where the original owner's name is kept",
                    );
                }
                OwnerDecision::Reassign(user)
            }
            (None, None, Some(user), false) => OwnerDecision::Provision(user),
            (None, None, None, true) => OwnerDecision::Park,
            _ => {
                problems.add(&place, &*raw.owner, "needs exactly one of match, reassign, provision and park");
                continue;
            }
        };
        if owners.decisions.insert(raw.owner.clone(), decision).is_some() {
            problems.add(&place, raw.owner, "is decided twice");
        }
    }
    owners
}

fn pipelines(raw: RawPipelines, problems: &mut Problems) -> Pipelines {
    let mut declared: Vec<DeclaredPipeline> = Vec::new();
    for (position, section) in raw.declare.into_iter().enumerate() {
        let place = format!("pipelines, declare {}", position + 1);
        let Some(raw) = problems.read::<RawPipeline>(&place, section) else { continue };
        if raw.stages.is_empty() {
            problems.add(&place, &*raw.name, "has no stages");
        }
        let stages = raw.stages.into_iter().map(|stage| {
            if stage.probability.is_some_and(|percent| !(0..=100).contains(&percent)) {
                problems.add(&place, &*stage.name, "has a probability outside 0 to 100");
            }
            DeclaredStage { name: stage.name, probability: stage.probability.map(Decimal::from), kind: stage.kind }
        });
        declared.push(DeclaredPipeline { stages: stages.collect(), name: raw.name });
    }
    let fallback = match raw.unknown_stage.as_deref() {
        None | Some("park") => Fallback::Park,
        Some("first_open") => Fallback::FirstOpen,
        Some(stage) => Fallback::Stage(stage.to_owned()),
    };
    if let Fallback::Stage(name) = &fallback {
        for pipeline in declared.iter().filter(|pipeline| pipeline.stage(name).is_none()) {
            problems.add("pipelines, unknown_stage", name, format!("is no stage of pipeline {}", pipeline.name));
        }
    }
    Pipelines { declared, fallback, status_from_stage: raw.status_from_stage }
}

fn object(raw: RawObject, place: &str, problems: &mut Problems) -> Option<ObjectRules> {
    let columns = Columns { aliases: &raw.aliases };
    let id = raw.id.into_vec();
    if id.is_empty() || id.iter().any(|name| name.trim().is_empty()) {
        problems.add(place, "", "needs the column of the id");
    }
    if raw.table.trim().is_empty() {
        problems.add(place, "", "needs the name of its table");
    }
    for (name, reason) in &raw.leave {
        if name.trim().is_empty() || reason.trim().is_empty() {
            problems.add(&format!("{place}, leave"), &**name, "needs the name of a column and a reason");
        }
    }
    let mut to: Vec<Destination> = Vec::new();
    for (position, section) in raw.to.into_iter().enumerate() {
        let named = |key| section.get(key).and_then(Value::as_str);
        let name =
            named("role").or_else(|| named("entity")).map_or(format!("destination {}", position + 1), str::to_owned);
        let place = format!("{place}, {name}");
        let Some(destination) = problems.read(&place, section).map(|raw| destination(raw, &columns, &place, problems))
        else {
            continue;
        };
        if to.iter().any(|known| known.role == destination.role) {
            problems.add(&place, &*destination.role, "is the role of two destinations");
        }
        to.push(destination);
    }
    let mut skip = Vec::new();
    for (position, section) in raw.skip.into_iter().enumerate() {
        let place = format!("{place}, skip {}", position + 1);
        let Some(raw) = problems.read::<RawSkip>(&place, section) else { continue };
        if raw.conditions.is_empty() || raw.reason.trim().is_empty() {
            problems.add(&place, "", "needs a condition and a reason");
        }
        skip.push(Skip { conditions: conditions(raw.conditions, &columns), reason: raw.reason });
    }
    Some(ObjectRules {
        object: raw.kind,
        table: raw.table,
        id: id.iter().map(|name| columns.column(name)).collect(),
        modified: raw.modified.map(|name| columns.column(&name)),
        deleted: conditions(raw.deleted, &columns),
        fold_into: raw.fold_into.map(|fold| FoldInto {
            object: fold.object,
            from: columns.column(&fold.from),
            // Columns of other objects, whose corrections are added when all are read.
            through: fold
                .through
                .into_iter()
                .map(|through| Through { object: through.object, from: Column::new(&through.from) })
                .collect(),
        }),
        skip,
        leave: raw.leave,
        to,
    })
}

fn destination(raw: RawDestination, columns: &Columns<'_>, place: &str, problems: &mut Problems) -> Destination {
    if accepted::accepted(raw.entity).is_empty() {
        problems.add(place, raw.entity.as_str(), "is nothing that a mapping writes");
    }
    let mut key = |sections: Vec<Value>, name: &str| {
        let parts = sections.into_iter().enumerate().filter_map(|(position, section)| {
            let place = format!("{place}, {name} {}", position + 1);
            let raw = problems.read(&place, section)?;
            check_field::key_part(raw, columns, &place, problems)
        });
        parts.collect::<Vec<_>>()
    };
    let duplicate_key = key(raw.duplicate_key, "duplicate_key");
    let similar_key = key(raw.similar_key, "similar_key");
    let mut fields = Vec::new();
    for (position, section) in raw.fields.into_iter().enumerate() {
        let target = section.get("to").and_then(Value::as_str).unwrap_or("no target");
        let place = format!("{place}, field {} ({target})", position + 1);
        let written = problems.read(&place, section);
        fields.extend(written.and_then(|written| check_field::field(written, raw.entity, columns, &place, problems)));
    }
    let existing = raw
        .existing
        .and_then(|section| problems.read::<RawExisting>(&format!("{place}, existing"), section))
        .map_or_else(
            || Existing::unsaid(raw.entity, &fields),
            |written| Existing::read(written, raw.entity, &fields, (place, problems)),
        );
    Destination {
        entity: raw.entity,
        role: raw.role.unwrap_or_else(|| raw.entity.as_str().to_owned()).into(),
        each: raw.each.map(|each| Each {
            column: columns.column(&each.from),
            id: columns.column(&each.id),
            order: each.order.map(|name| columns.column(&name)),
        }),
        applies: Applies {
            when: columns.all(raw.when),
            when_any: columns.all(raw.when_any),
            unless: columns.all(raw.unless),
            only_if: conditions(raw.only_if, columns),
        },
        duplicate_key,
        similar_key,
        existing,
        fields,
    }
}

/// Conditions on columns.
pub(super) fn conditions(raw: RawConditions, columns: &Columns<'_>) -> Vec<Condition> {
    raw.into_iter().map(|(name, values)| Condition::new(columns.column(&name), &values.into_vec())).collect()
}

impl Columns<'_> {
    /// The columns of a list that may be missing.
    pub(super) fn all(&self, names: Option<OneOrMany>) -> Vec<super::column::Column> {
        names.map(OneOrMany::into_vec).unwrap_or_default().iter().map(|name| self.column(name)).collect()
    }
}

/// Corrections by column, as an object declares them.
pub(super) type Aliases = BTreeMap<String, BTreeMap<String, String>>;
