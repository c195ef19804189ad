//! From places to destinations: which records a row becomes, under which roles, with which links, keys and conditions.

mod activity;
mod child;
mod contact;
mod deal;
mod lines;
mod notes;
mod others;

use super::answer::Place;
use super::plan::{Found, Known, Planned};
use super::write::{Line, Part, Section, pair, quoted, quoted_list};
use crate::mapping::placement::Placement;
use crate::mapping::proposal::{Alternative, ProposedField};
use crate::record::{Entity, Object};

pub use child::{has_amount, says_amount};
pub(super) use deal::{MAIN_PIPELINE, ONLY_STAGE, meaning, own_pipeline, telling_stage};
pub use lines::Names;

/// What a table's layout is made from.
pub struct Scene<'a> {
    /// What was read.
    pub known: &'a Known,
    /// All tables.
    pub plans: &'a [Planned],
    /// Names of custom fields so far, with their types.
    pub names: Names,
}

/// A table laid out.
#[derive(Debug, Default)]
pub struct Laid {
    /// Its part of the mapping.
    pub part: Part,
    /// What a row becomes, in words.
    pub placement: String,
    /// Where each column goes.
    pub fields: Vec<ProposedField>,
}

impl Scene<'_> {
    /// The table that an object was proposed for.
    #[must_use]
    pub fn of_object(&self, object: Object) -> Option<&Planned> {
        self.plans.iter().find(|plan| plan.object == Some(object))
    }

    /// The object and role that a column points at, when the row it names becomes such a record.
    #[must_use]
    pub fn target(&self, column: &Found, entity: Entity) -> Option<Object> {
        column.points_at.iter().find_map(|at| {
            let plan = self.plans.get(*at)?;
            let object = plan.object?;
            plan.becomes.contains(&entity).then_some(object)
        })
    }
}

/// Lays a table out.
pub fn lay(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let Some(object) = plan.object else { return Laid::default() };
    let is_within = matches!(plan.placement(), Some(Placement::Within(..)));
    let mut laid = match object {
        Object::Owner => others::owner(plan, scene),
        Object::Pipeline => others::pipeline(plan, scene),
        _ if is_within => child::child(plan, scene),
        Object::Client | Object::Contact => contact::client(plan, scene),
        Object::Lead => contact::lead(plan, scene),
        Object::Deal | Object::Project => deal::project(plan, scene),
        Object::Note => activity::note(plan, scene),
        _ => activity::activity(plan, scene),
    };
    if let Some(placement) = plan.placement() {
        laid.placement = placement.words();
    }
    hold(plan, scene, &mut laid);
    if matches!(object, Object::Client | Object::Contact | Object::Lead | Object::Deal | Object::Project) {
        notes::apart(plan, &mut laid);
    }
    head(plan, object, scene, &mut laid);
    cover(plan, &mut laid);
    if is_within {
        kept(plan, scene, &mut laid);
    }
    laid
}

/// Fields made of the rows that belong to this one.
fn hold(plan: &Planned, scene: &mut Scene<'_>, laid: &mut Laid) {
    let names = contact::person_names(plan, Entity::Person);
    let is_both = plan.becomes == [Entity::Organization, Entity::Person];
    for section in &mut laid.part.to {
        let Some(entity) = Entity::parse(&section.entity).filter(|entity| plan.becomes.contains(entity)) else {
            continue;
        };
        section.lines.extend(child::folded(plan, entity, scene).into_iter().map(|folded| folded.line));
        if is_both && entity == Entity::Organization && !names.is_empty() {
            // Rows without a person's name have only their company to hold them.
            let others = child::folded(plan, Entity::Person, scene).into_iter();
            let copies = others.map(|folded| folded.line.key(condition("unless", &names)));
            section.lines.extend(copies.map(|line| line.remark("for rows that become only this record")));
        }
        section.lines = contact::unique(std::mem::take(&mut section.lines));
    }
}

/// What is folded stands in the fields of its parent.
fn kept(plan: &Planned, scene: &mut Scene<'_>, laid: &mut Laid) {
    let kept = child::kept_by_parent(plan, scene);
    for (column, field) in plan.columns.iter().zip(&mut laid.fields) {
        let Some((_, entity, target)) = kept.iter().find(|(name, ..)| *name == column.name) else { continue };
        laid.part.leave.retain(|(name, _, _)| *name != column.name);
        field.entity = Some(*entity);
        field.role = entity.to_string();
        field.target.clone_from(target);
    }
}

/// The lines of the object itself.
fn head(plan: &Planned, object: Object, scene: &Scene<'_>, laid: &mut Laid) {
    let table = scene.known.tables.get(plan.at);
    let name = table.map_or("", |table| table.name.as_str());
    let mut lines = vec![format!("kind = {}", quoted(object.as_str())), format!("table = {}", quoted(name))];
    let id = plan.key.clone().unwrap_or_default();
    lines.push(format!("id = {}", quoted(&id)));
    if let Some(modified) = plan.columns.iter().find(|column| column.place() == Place::Modified) {
        lines.push(format!("modified = {}", quoted(&modified.name)));
    }
    if scene.known.is_api {
        lines.push("deleted = { is_deleted = [\"true\", \"1\"] }".to_owned());
    } else if let Some(deleted) = plan.columns.iter().find(|column| column.place() == Place::Deleted) {
        let flags = "[\"true\", \"1\", \"yes\", \"y\", \"x\", \"t\"]";
        lines.push(format!("deleted = {{ {} }}", pair(&deleted.name, flags)));
    }
    lines.append(&mut laid.part.head);
    laid.part.head = lines;
    if let Some(guess) = plan.guesses.first() {
        laid.part.remarks.push(format!("{}: {}.", laid.placement, guess.why));
    }
}

/// Every column is named: what no line reads stays behind with a reason, and each has its entry in the proposal.
fn cover(plan: &Planned, laid: &mut Laid) {
    let mut leave = Vec::new();
    for column in &plan.columns {
        let used = laid.part.to.iter().find_map(|section| {
            let line = section.lines.iter().find(|line| line.columns.contains(&column.name))?;
            Some((section.entity.clone(), line.clone()))
        });
        let role = used.as_ref().map_or(String::new(), |(entity, _)| entity.clone());
        let entity = Entity::parse(&role);
        let target = match (&used, column.place()) {
            (Some((_, line)), _) => line.to.clone(),
            (None, _) if laid.part.head.iter().any(|line| speaks_of(line, &column.name)) => {
                structural(column, plan).to_owned()
            }
            (None, Place::Modified) => "tells what changed since the last look; Pipedrive keeps its own".to_owned(),
            (None, Place::Deleted) => "tells which rows were deleted".to_owned(),
            (None, _) => {
                let reason = reason(column);
                leave.push((column.name.clone(), reason.clone(), percent(column.ranked.confidence)));
                reason
            }
        };
        laid.fields.push(ProposedField {
            columns: vec![column.name.clone()],
            entity,
            role,
            target,
            confidence: column.ranked.confidence,
            reasons: column.answer().map(|answer| answer.why.clone()).into_iter().collect(),
            alternatives: alternatives(column, plan),
            losses: Vec::new(),
        });
    }
    laid.part.leave = leave;
}

/// Whether a line of the mapping names a column, quoted or bare.
fn speaks_of(line: &str, column: &str) -> bool {
    let mut words = line.split(|sign: char| !sign.is_alphanumeric() && sign != '_');
    line.contains(&quoted(column))
        || words.any(|word| word == column && !line.starts_with("kind ") && !line.starts_with("table "))
}

/// What a column is to the row, where no field is made of it.
fn structural(column: &Found, plan: &Planned) -> &'static str {
    match column.place() {
        _ if plan.key.as_ref() == Some(&column.name) => "the row's key; the marker field keeps it",
        Place::Modified => "tells what changed since the last look; Pipedrive keeps its own",
        Place::Deleted => "tells which rows were deleted",
        _ => "decides what becomes of the row",
    }
}

/// Why a column stays behind.
fn reason(column: &Found) -> String {
    match column.concept() {
        _ if column.shape == crate::propose::shape::Shape::Unknown => "no row has a value".to_owned(),
        "" => format!("{}, and nothing says what for", column.shape.words()),
        concept => match column.place() {
            Place::Leave => format!("{}: kept by the source for itself", concept.replace('_', " ")),
            _ => format!("{}: another column tells it already", concept.replace('_', " ")),
        },
    }
}

fn alternatives(column: &Found, plan: &Planned) -> Vec<Alternative> {
    let others = column.ranked.answers.iter().skip(1).filter(|answer| answer.likely > 0.02).take(3);
    let alternative = |answer: &super::answer::Answer| Alternative {
        entity: answer.place.entity(),
        target: target_text(&answer.place, column, plan),
        confidence: answer.likely.clamp(0.0, 1.0 - column.ranked.confidence),
    };
    others.map(alternative).collect()
}

/// A place as the mapping would write it.
fn target_text(place: &Place, column: &Found, plan: &Planned) -> String {
    match place {
        Place::System(_, field) => field.clone(),
        Place::Custom(..) => format!("custom:{}", lines::title(&column.name, plan)),
        Place::Note(_) => "a note".to_owned(),
        Place::Leave => "not migrated".to_owned(),
        Place::Id => "the row's key".to_owned(),
        Place::Modified => "the time of the last change".to_owned(),
        Place::Deleted => "the flag of deleted rows".to_owned(),
    }
}

fn percent(confidence: f64) -> String {
    format!("{:.0} %", confidence * 100.0)
}

/// Names as a list of `when` and the like.
fn condition(key: &str, columns: &[String]) -> String {
    format!("{key} = {}", quoted_list(columns))
}

/// A section without lines.
fn section(entity: Entity) -> Section {
    Section { entity: entity.to_string(), head: Vec::new(), lines: Vec::new() }
}

/// What is said beside a line: how sure it is, why, and what else it could be.
fn remark(column: &Found, plan: &Planned) -> String {
    let why = column.answer().map_or(String::new(), |answer| answer.why.clone());
    let others = column.ranked.answers.iter().skip(1).filter(|answer| answer.likely > 0.05).take(2);
    let chosen = target_text(&column.place(), column, plan);
    let mut others: Vec<String> = others.map(|answer| target_text(&answer.place, column, plan)).collect();
    others.dedup();
    others.retain(|other| *other != chosen);
    let or = if others.is_empty() { String::new() } else { format!("; or {}", others.join(", ")) };
    format!("{}: {why}{or}", percent(column.ranked.confidence))
}

/// A line of one column with its remark.
fn line(to: &str, kind: &str, column: &Found, plan: &Planned) -> Line {
    Line::from(to, kind, std::slice::from_ref(&column.name)).remark(remark(column, plan))
}
