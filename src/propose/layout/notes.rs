//! Prose of a client, a lead or a project: a note at that record, where the proposal says so, and no field.

use super::contact::found;
use super::{Laid, line, section};
use crate::propose::answer::Place;
use crate::propose::plan::{Found, Planned};
use crate::propose::shape::Shape;
use crate::propose::write::{Line, Section, quoted, quoted_list};
use crate::record::Entity;

/// Records that a note can belong to, with its field for each.
const PARENTS: [(Entity, &str); 4] = [
    (Entity::Deal, "deal_id"),
    (Entity::Lead, "lead_id"),
    (Entity::Person, "person_id"),
    (Entity::Organization, "org_id"),
];

/// Takes prose out of the fields of a row's records, and makes one note of it.
pub(super) fn apart(plan: &Planned, laid: &mut Laid) {
    let prose: Vec<&Found> = plan.columns.iter().filter(|column| is_prose(column)).collect();
    let names: Vec<String> = prose.iter().map(|column| column.name.clone()).collect();
    let Some(first) = prose.first() else { return };
    let is_alone = |line: &Line| line.columns.len() == 1 && names.contains(&line.columns[0]);
    for own in &mut laid.part.to {
        own.lines.retain(|line| !(is_alone(line) && line.to.starts_with("custom:")));
    }
    let links: Vec<Line> = links(&laid.part.to);
    if links.is_empty() {
        return;
    }
    let mut own = section(Entity::Note);
    own.head.push(format!("when_any = {}", list(&names)));
    let content = Line::from("content", "html", &names).key("cut = true").remark(super::remark(first, plan));
    own.lines.push(if names.len() > 1 { content.key("join = \"<br>\"") } else { content });
    let created = found(plan, Entity::Person, "add_time").into_iter().chain(plan.of_concept("created"));
    own.lines.extend(
        created
            .filter(|column| column.shape != Shape::Unknown)
            .take(1)
            .map(|column| line("add_time", "datetime", column, plan)),
    );
    own.lines.extend(links);
    laid.part.to.push(own);
}

/// Links to the row's own records; a lead's note stands at the lead alone.
fn links(sections: &[Section]) -> Vec<Line> {
    let has = |entity: Entity| sections.iter().any(|section| section.entity == entity.as_str());
    let link = |(entity, field): (Entity, &str)| Line::plain(field, "link").key(format!("own_role = \"{entity}\""));
    let main =
        PARENTS.iter().copied().find(|(entity, _)| matches!(entity, Entity::Deal | Entity::Lead) && has(*entity));
    match main {
        Some(main) => vec![link(main)],
        None => PARENTS.iter().copied().filter(|(entity, _)| has(*entity)).map(link).collect(),
    }
}

fn list(names: &[String]) -> String {
    match names {
        [one] => format!("[{}]", quoted(one)),
        names => quoted_list(names),
    }
}

/// Text of several lines or with markup, for which the proposal names a note.
fn is_prose(column: &Found) -> bool {
    matches!(column.place(), Place::Note(_)) && matches!(column.shape, Shape::Html | Shape::LongText)
}
