//! What can only be checked on the whole mapping: links, folds, roles, repeated targets, types of shared custom fields.

use super::Mapping;
use super::accepted::{accepted, custom_type};
use super::called::LinkBy;
use super::field::{Extra, Field, Kind, Origin, custom_owner};
use super::object::{Destination, FoldInto, ObjectRules};
use super::problems::Problems;
use crate::record::{Entity, Object, Target};

/// Adds every problem that needs more than one destination to be seen.
pub(super) fn check(mapping: &Mapping, problems: &mut Problems) {
    for rules in &mapping.objects {
        check_fold(mapping, rules, problems);
        for destination in &rules.to {
            let place = format!("object {}, {}", rules.object, destination.role);
            check_targets(mapping, destination, &place, problems);
            check_left(rules, destination, &place, problems);
            for (position, field) in destination.fields.iter().enumerate() {
                let place = format!("{place}, field {} ({})", position + 1, field.target);
                check_link(mapping, rules, (destination.entity, field), &place, problems);
                check_folded(mapping, rules.object, field, &place, problems);
                check_pipeline(mapping, field, &place, problems);
            }
        }
    }
    check_custom_types(mapping, problems);
    for (table, placement, reason) in super::placement::differing(mapping) {
        problems.add(&format!("placement, {table}"), placement.to_string(), reason);
    }
}

/// A folded object needs its parent in the mapping and no destination of its own.
fn check_fold(mapping: &Mapping, rules: &ObjectRules, problems: &mut Problems) {
    let place = format!("object {}", rules.object);
    match &rules.fold_into {
        Some(fold) if !rules.to.is_empty() => {
            problems.add(&place, fold.object.as_str(), "is folded into and there are destinations too; choose one")
        }
        Some(fold) if mapping.object(fold.object).is_none_or(|parent| parent.to.is_empty()) => {
            problems.add(&place, fold.object.as_str(), "is folded into, but the mapping has no destination for it");
        }
        Some(fold) => check_way(mapping, rules.object, fold, &place, problems),
        None if rules.to.is_empty() && rules.skip.is_empty() => {
            problems.add(&place, "", "has no destination, no fold_into and no skip rule")
        }
        _ => {}
    }
}

/// What lies between a child and its parent is read too, and each kind once.
fn check_way(mapping: &Mapping, child: Object, fold: &FoldInto, place: &str, problems: &mut Problems) {
    for (position, through) in fold.through.iter().enumerate() {
        let object = through.object;
        let is_on_it = object == child
            || object == fold.object
            || fold.through[..position].iter().any(|other| other.object == object);
        if is_on_it {
            problems.add(place, object.as_str(), "stands twice on the way to the parent");
        } else if mapping.object(object).is_none() {
            problems.add(place, object.as_str(), "lies on the way to the parent, and the mapping leaves its rows out");
        }
    }
}

/// Required fields are there, and a repeated target has a condition on every line but the last.
fn check_targets(mapping: &Mapping, destination: &Destination, place: &str, problems: &mut Problems) {
    for facts in accepted(destination.entity).iter().filter(|facts| facts.required) {
        let target = Target::System(facts.name.to_owned());
        if !destination.fields.iter().any(|field| field.target == target) {
            problems.add(
                place,
                "",
                format!("needs the field {}: Pipedrive refuses a {} without it", facts.name, destination.entity),
            );
        }
    }
    for (position, field) in destination.fields.iter().enumerate() {
        let repeats = destination.fields[position + 1..].iter().any(|later| later.target == field.target);
        if repeats && !field.applies.is_conditional() && !is_optional_link(field) {
            problems.add(
                place,
                field.target.to_string(),
                "is filled again below; give this line a condition, or join the columns",
            );
        }
        let is_reserved = matches!(&field.target, Target::Custom(name) if *name == mapping.marker || mapping.owners.original_field.as_ref() == Some(name));
        if is_reserved {
            problems.add(place, field.target.to_string(), "is a field that Crossdock fills itself");
        }
    }
    if destination.fields.iter().any(|field| field.kind == Kind::Due)
        && destination.fields.iter().any(|field| field.target == Target::System("due_time".to_owned()))
    {
        problems.add(place, "due_time", "is written by the kind due already");
    }
}

/// A column is either left out or migrated.
fn check_left(rules: &ObjectRules, destination: &Destination, place: &str, problems: &mut Problems) {
    for (position, field) in destination.fields.iter().enumerate() {
        let columns = field.columns().into_iter().filter(|column| rules.leave.contains_key(&column.name));
        for column in columns {
            let place = format!("{place}, field {} ({})", position + 1, field.target);
            problems.add(&place, &*column.name, "is in leave, the columns that are not migrated, and is migrated here");
        }
    }
}

/// A link by a column is itself a condition: without a value the next line has its turn.
fn is_optional_link(field: &Field) -> bool {
    field.kind == Kind::Link && matches!(field.from, Origin::First(_)) && !field.required
}

/// A link points at a role that exists and that Pipedrive takes in this field.
fn check_link(
    mapping: &Mapping,
    rules: &ObjectRules,
    (entity, field): (Entity, &Field),
    place: &str,
    problems: &mut Problems,
) {
    let (object, role) = match &field.extra {
        Extra::Link(link) => (link.object, &link.role),
        Extra::OwnRole(role) => (rules.object, role),
        _ => return,
    };
    let Some(destination) = mapping.destination(object, role) else {
        problems.add(place, format!("{object}/{role}"), "is no role in the mapping");
        return;
    };
    if destination.each.is_some() && matches!(&field.extra, Extra::Link(link) if link.by != LinkBy::Id) {
        problems.add(place, format!("{object}/{role}"), "stands in lists, whose records are linked to by id only");
    }
    let Target::System(name) = &field.target else { return };
    let takes = accepted(entity).iter().find(|facts| facts.name == name).map(|facts| facts.links).unwrap_or_default();
    if !takes.is_empty() && !takes.contains(&destination.entity) {
        problems.add(
            place,
            format!("{object}/{role}"),
            format!("is a {}, which {name} cannot point at", destination.entity),
        );
    }
}

/// A field folded from children needs an object that is folded into this one.
fn check_folded(mapping: &Mapping, own: Object, field: &Field, place: &str, problems: &mut Problems) {
    let Some(fold) = &field.fold else { return };
    let is_child = mapping.children_of(own).any(|child| child.object == fold.object);
    if !is_child {
        problems.add(place, fold.object.as_str(), format!("is not folded into {own}; give it fold_into"));
    }
}

/// A pipeline that a field names is declared, unless pipelines come from the source's rows.
fn check_pipeline(mapping: &Mapping, field: &Field, place: &str, problems: &mut Problems) {
    let Extra::PipelineNamed(name) = &field.extra else { return };
    let comes_over = mapping.object(Object::Pipeline).is_some();
    if !comes_over && mapping.pipelines.declared(Some(name)).is_none() {
        problems.add(place, name, "is no pipeline that the mapping declares");
    }
}

/// A custom field has one type, whichever destinations fill it.
fn check_custom_types(mapping: &Mapping, problems: &mut Problems) {
    let mut seen: Vec<(Entity, &str, &'static str)> = Vec::new();
    for (object, destination) in mapping.destinations() {
        let Some(owner) = custom_owner(destination.entity) else { continue };
        for field in &destination.fields {
            let (Target::Custom(name), Some(field_type)) = (&field.target, custom_type(field.kind)) else { continue };
            match seen.iter().find(|(entity, known, _)| *entity == owner && known == name) {
                Some((_, _, known)) if *known != field_type => {
                    let place = format!("object {object}, {}", destination.role);
                    problems.add(
                        &place,
                        field.target.to_string(),
                        format!("is {field_type} here and {known} elsewhere in the mapping"),
                    );
                }
                Some(_) => {}
                None => seen.push((owner, name, field_type)),
            }
        }
    }
}
