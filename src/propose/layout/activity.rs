//! Tasks, calls, meetings, e-mails and notes, and what they relate to.

use super::contact::{found, link, unique};
use super::lines::{is_empty, title};
use super::{Laid, Scene, line, section};
use crate::propose::plan::{Found, Planned};
use crate::propose::shape::Shape;
use crate::propose::write::{Line, pair, quoted, quoted_list};
use crate::record::{Entity, Object, fold_name};

/// Words for something that is done.
const DONE: &[&str] = &[
    "done",
    "complete",
    "completed",
    "held",
    "closed",
    "finished",
    "true",
    "1",
    "yes",
    "erledigt",
    "abgeschlossen",
    "fait",
    "termine",
    "terminee",
    "hecho",
    "completado",
    "completada",
    "realizada",
    "gedaan",
    "voltooid",
    "afgerond",
    "fatto",
    "completato",
    "completata",
    "feito",
    "concluido",
    "concluida",
    "gehalten",
    "sent",
    "received",
];

/// Words for types of activities that Pipedrive has from the start.
const TYPES: &[(&str, &[&str])] = &[
    ("call", &["call", "phone", "anruf", "telefonat", "appel", "llamada", "gesprek", "chiamata", "ligacao", "chamada"]),
    ("email", &["email", "e-mail", "mail", "courriel", "correo"]),
    (
        "meeting",
        &[
            "meeting",
            "appointment",
            "visit",
            "event",
            "besprechung",
            "termin",
            "besuch",
            "reunion",
            "rendez-vous",
            "afspraak",
            "riunione",
            "appuntamento",
            "reuniao",
            "demo",
        ],
    ),
    ("deadline", &["deadline", "frist"]),
    ("lunch", &["lunch"]),
    (
        "task",
        &[
            "task",
            "todo",
            "to-do",
            "to do",
            "aufgabe",
            "tache",
            "tarea",
            "taak",
            "compito",
            "tarefa",
            "other",
            "follow-up",
            "followup",
        ],
    ),
];

/// Records that an activity or a note belongs to: the field, the kind of record.
const PARENTS: [(&str, &str, Entity); 4] = [
    ("deal_id", "deal_id", Entity::Deal),
    ("lead_id", "lead_id", Entity::Lead),
    ("participants", "person_id", Entity::Person),
    ("org_id", "org_id", Entity::Organization),
];

/// A table of tasks, calls, e-mails or meetings.
pub(super) fn activity(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid::default();
    let mut own = section(Entity::Activity);
    own.lines.push(subject(plan));
    own.lines.push(kind(plan));
    own.lines.extend(scene.owner_line("owner_id", &found(plan, Entity::Activity, "owner_id"), plan));
    own.lines.extend(due(plan));
    own.lines.extend(done(plan));
    own.lines.extend(parents(plan, scene, Entity::Activity));
    if let Some(location) = found(plan, Entity::Activity, "location").into_iter().next() {
        own.lines.push(line("location", "address", location, plan).key("cut = true"));
    }
    own.lines.push(text(plan, &own.lines));
    own.lines = unique(own.lines);
    laid.part.to.push(own);
    laid
}

/// A table of notes.
pub(super) fn note(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid::default();
    let mut own = section(Entity::Note);
    let mut texts = found(plan, Entity::Note, "content");
    // The text before its title: of several columns the longest kind is the text.
    texts.sort_by_key(|column| !matches!(column.shape, Shape::Html | Shape::LongText));
    let names: Vec<String> = texts.iter().map(|column| column.name.clone()).collect();
    if let Some(first) = texts.first() {
        let content = Line::from("content", "html", &names).key("cut = true").remark(super::remark(first, plan));
        let content = if names.len() > 1 { content.key("join = \"<br>\"") } else { content };
        own.lines.push(content);
    }
    let author = plan.columns.iter().filter(|column| matches!(column.concept(), "author" | "created_by" | "owner"));
    own.lines.extend(scene.owner_line("user_id", &author.collect::<Vec<_>>(), plan));
    own.lines
        .extend(found(plan, Entity::Note, "add_time").first().map(|column| line("add_time", "datetime", column, plan)));
    own.lines.extend(parents(plan, scene, Entity::Note));
    own.lines = unique(own.lines);
    laid.part.to.push(own);
    laid
}

fn subject(plan: &Planned) -> Line {
    let own = found(plan, Entity::Activity, "subject");
    let names: Vec<String> = own.iter().map(|column| column.name.clone()).collect();
    let line = match names.is_empty() {
        true => Line::plain("subject", "text").key("constant = \"(no subject)\""),
        false => {
            Line::from("subject", "text", &names).key("default = \"(no subject)\", flag_missing = \"missing_subject\"")
        }
    };
    let line = line.key("cut = true");
    own.first().map_or(line.clone(), |column| line.remark(super::remark(column, plan)))
}

/// The type of activity, from a column or from what the table holds.
fn kind(plan: &Planned) -> Line {
    let column = found(plan, Entity::Activity, "type").into_iter().find(|column| !column.values.is_empty());
    let Some(column) = column else {
        let constant = match plan.object {
            Some(Object::Call) => "call",
            Some(Object::Email) => "email",
            Some(Object::Meeting) => "meeting",
            _ => "task",
        };
        return Line::plain("type", "activity_type").key(format!("constant = \"{constant}\""));
    };
    let mut seen: Vec<String> = Vec::new();
    let mut values = Vec::new();
    for value in column.values.iter().take(30) {
        let folded = fold_name(value);
        if !seen.contains(&folded) {
            let known = TYPES
                .iter()
                .find(|(_, words)| words.iter().any(|word| folded == *word || folded.starts_with(&format!("{word} "))));
            let own = title(value, plan);
            values.push(pair(&folded, &quoted(known.map_or(own.as_str(), |(name, _)| name))));
            seen.push(folded);
        }
    }
    line("type", "activity_type", column, plan)
        .key(format!("values = {{ {} }}", values.join(", ")))
        .key("other = \"task\"")
}

fn due(plan: &Planned) -> Option<Line> {
    let columns = found(plan, Entity::Activity, "due_date");
    let day = columns.iter().find(|column| matches!(column.shape, Shape::Date | Shape::Datetime | Shape::Text))?;
    let time = found(plan, Entity::Activity, "due_time").into_iter().find(|column| column.shape == Shape::Time);
    let own = line("due_date", "due", day, plan);
    let Some(time) = time.filter(|_| day.shape != Shape::Datetime) else { return Some(own) };
    let mut own = own.key(format!("time_from = {}", quoted(&time.name)));
    own.columns.push(time.name.clone());
    Some(own)
}

fn done(plan: &Planned) -> Option<Line> {
    let column = found(plan, Entity::Activity, "done").into_iter().next()?;
    if column.shape == Shape::Bool || column.values.is_empty() {
        return Some(line("done", "bool", column, plan));
    }
    let is_done = |value: &String| DONE.contains(&fold_name(value).as_str());
    let mut seen: Vec<String> = Vec::new();
    let mut values = Vec::new();
    for value in &column.values {
        if !seen.contains(&fold_name(value)) {
            seen.push(fold_name(value));
            values.push(pair(&fold_name(value), if is_done(value) { "\"true\"" } else { "\"false\"" }));
        }
    }
    Some(
        line("done", "bool", column, plan)
            .key(format!("values = {{ {} }}", values.join(", ")))
            .key("other = \"false\""),
    )
}

/// Links to what the row belongs to; a column that points at several kinds is told apart by the one that names the kind.
pub(super) fn parents(plan: &Planned, scene: &Scene<'_>, own: Entity) -> Vec<Line> {
    let mut lines = Vec::new();
    for (activity_field, note_field, entity) in PARENTS {
        let field = if own == Entity::Note { note_field } else { activity_field };
        for column in plan.columns.iter().filter(|column| !is_empty(column)) {
            for at in &column.points_at {
                let Some(parent) = scene.plans.get(*at) else { continue };
                let Some(object) = parent.object.filter(|object| Some(*object) != plan.object) else { continue };
                if !parent.becomes.contains(&entity) || (entity != Entity::Lead && object == Object::Lead) {
                    continue;
                }
                let is_one_of_many = column.points_at.len() > 1;
                let base = line(field, "link", column, plan);
                let base = base.key(format!("object = \"{object}\"")).key(format!("role = \"{entity}\""));
                match (is_one_of_many, kind_column(plan, parent, scene)) {
                    (true, Some((kind, values))) => {
                        let only = pair(&kind, &quoted_list(&values));
                        let mut line = base.key(format!("only_if = {{ {only} }}"));
                        line.columns.push(kind);
                        lines.push(line);
                    }
                    (true, None) if column.points_at.first() != Some(at) => {}
                    _ => lines.extend(link(field, column, entity, scene, plan).map(|_| base)),
                }
            }
        }
    }
    lines
}

/// The column that names the kind of record, with the values that mean the parent's table.
fn kind_column(plan: &Planned, parent: &Planned, scene: &Scene<'_>) -> Option<(String, Vec<String>)> {
    let table = scene.known.tables.get(parent.at)?;
    let stem = |text: &str| fold_name(text).trim_end_matches('s').to_owned();
    let names: Vec<String> =
        parent.guesses.iter().take(1).map(|guess| stem(&guess.kind)).chain([stem(&table.name)]).collect();
    plan.columns.iter().find_map(|column| {
        let fits = |value: &&String| {
            names.contains(&stem(value)) || names.iter().any(|name| *name == stem(value).replace(' ', "_"))
        };
        let values: Vec<String> = column.values.iter().filter(fits).cloned().collect();
        (!values.is_empty() && column.values.len() <= 20).then(|| (column.name.clone(), values))
    })
}

/// The text, with what has no field of its own at its end.
fn text(plan: &Planned, lines: &[Line]) -> Line {
    let columns = found(plan, Entity::Activity, "note");
    let is_text = |column: &&&Found| {
        matches!(column.shape, Shape::Html | Shape::LongText)
            || matches!(column.concept(), "body" | "description" | "notes")
    };
    let texts: Vec<String> = columns.iter().filter(is_text).map(|column| column.name.clone()).collect();
    let is_used = |name: &String| texts.contains(name) || lines.iter().any(|line| line.columns.contains(name));
    let mut others: Vec<String> =
        columns.iter().map(|column| column.name.clone()).filter(|name| !is_used(name)).collect();
    for field in ["duration", "due_date", "due_time", "busy", "public_description", "done", "type"] {
        others.extend(
            found(plan, Entity::Activity, field).iter().map(|column| column.name.clone()).filter(|name| !is_used(name)),
        );
    }
    others.dedup();
    let footer: Vec<String> = others
        .iter()
        .filter(|name| !name.contains(['{', '}', '|', ':']))
        .map(|name| quoted(&format!("{} at source: {{{name}}}", title(name, plan).trim_end_matches(" at"))))
        .collect();
    let first = texts.first().or_else(|| others.first()).cloned();
    let mut line = match (&first, texts.len()) {
        (None, _) => Line::plain("note", "html").key("constant = \"\""),
        (Some(_), 0) => Line::from("note", "html", &others[..1]),
        (Some(_), 1) => Line::from("note", "html", &texts),
        (Some(_), _) => Line::from("note", "html", &texts).key("join = \"<br>\""),
    };
    line = line.key("cut = true");
    if !footer.is_empty() && !texts.is_empty() {
        line = line.key(format!("footer = [{}]", footer.join(", ")));
        line.columns.extend(others);
    }
    line.remark(
        "activities cannot be back-dated, and have no fields of their own: the rest stands at the end of the text",
    )
}
