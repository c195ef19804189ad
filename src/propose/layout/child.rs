//! Rows that belong to another record: commissions, presentations, custom objects, and whatever else is placed within one.
//! They become fields of it by a rule, or a note or an activity each.

use super::activity::parents;
use super::contact::{found, unique};
use super::lines::{custom_kind, is_empty, plain_title};
use super::{Laid, Scene, section};
use crate::mapping::field::Kind;
use crate::mapping::placement::{Placement, Rule};
use crate::propose::answer::Place;
use crate::propose::placement::{BETWEEN, currency_codes, lies_between};
use crate::propose::plan::{Found, Planned};
use crate::propose::profile::Table;
use crate::propose::shape::Shape;
use crate::propose::write::{Line, quoted};
use crate::record::{Entity, Object};

/// Rows that have fields of their own where the rule splits them.
const SPLIT: usize = 3;

/// Words for an amount, the plainest first.
const AMOUNTS: &[&str] =
    &["amount", "betrag", "montant", "importe", "bedrag", "importo", "valor", "commission", "provision", "total"];

/// What becomes of a child's columns: each with the target that keeps it.
pub(super) fn kept_by_parent(child: &Planned, scene: &mut Scene<'_>) -> Vec<(String, Entity, String)> {
    let Some(Placement::Within(entity, _)) = child.placement().cloned() else { return Vec::new() };
    let Some(Way { object, .. }) = way(child, scene, entity) else { return Vec::new() };
    let plans = scene.plans;
    let Some(own) = plans.iter().find(|plan| plan.object == Some(object)) else { return Vec::new() };
    let mut kept: Vec<(String, Entity, String)> = Vec::new();
    for Folded { line, columns } in folded(own, entity, scene) {
        let is_child =
            line.keys.iter().any(|key| child.object.is_some_and(|object| key.contains(&format!("\"{object}\""))));
        for column in columns.into_iter().filter(|_| is_child) {
            // The plainest line goes last: what is told of a column is the field that holds it alone.
            if !kept.iter().any(|(known, ..)| *known == column) {
                kept.push((column, entity, line.to.clone()));
            }
        }
    }
    kept
}

/// A line of the parent, with the columns of the child that it keeps.
pub(super) struct Folded {
    pub(super) line: Line,
    pub(super) columns: Vec<String>,
}

/// A table whose rows belong to others.
pub(super) fn child(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid::default();
    match plan.placement() {
        Some(Placement::Within(_, Rule::Note)) => laid.part.to.push(note(plan, scene)),
        Some(Placement::Within(_, Rule::Activity)) => laid.part.to.push(activity(plan, scene)),
        Some(Placement::Within(entity, _)) => {
            if let Some(way) = way(plan, scene, *entity) {
                laid.part.head.push(way.line());
            }
        }
        _ => {}
    }
    laid
}

/// The column that names the record it belongs to.
fn parent<'p>(plan: &'p Planned, scene: &Scene<'_>, entity: Entity) -> Option<(&'p Found, Object)> {
    plan.columns.iter().find_map(|column| {
        let object = scene.target(column, entity)?;
        (Some(object) != plan.object).then_some((column, object))
    })
}

/// How rows reach the record that holds them.
struct Way {
    /// The row's own column.
    column: String,
    /// The records between, with the column of each that names the next.
    through: Vec<(Object, String)>,
    /// What holds them.
    object: Object,
}

impl Way {
    fn line(&self) -> String {
        let (object, from) = (self.object, quoted(&self.column));
        let step = |(object, from): &(Object, String)| format!("{{ object = \"{object}\", from = {} }}", quoted(from));
        let through: Vec<String> = self.through.iter().map(step).collect();
        match through.as_slice() {
            [] => format!("fold_into = {{ object = \"{object}\", from = {from} }}"),
            steps => {
                let steps = steps.join(", ");
                format!("fold_into = {{ object = \"{object}\", from = {from}, through = [{steps}] }}")
            }
        }
    }
}

/// The shortest way to a record of a kind: the row names it, or a record that does.
fn way(plan: &Planned, scene: &Scene<'_>, entity: Entity) -> Option<Way> {
    if let Some((column, object)) = parent(plan, scene, entity) {
        return Some(Way { column: column.name.clone(), through: Vec::new(), object });
    }
    for length in 1..=BETWEEN {
        let found = plan.columns.iter().find_map(|column| {
            let (through, object) = between(column, scene, entity, (length, plan))?;
            Some(Way { column: column.name.clone(), through, object })
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

/// So many records between, from the one that a column names, and what the last of them names.
fn between(
    column: &Found,
    scene: &Scene<'_>,
    entity: Entity,
    (length, child): (usize, &Planned),
) -> Option<(Vec<(Object, String)>, Object)> {
    let plans = column.points_at.iter().filter_map(|at| scene.plans.get(*at));
    let mut plans = plans.filter(|plan| lies_between(plan.object, plan.placement()) && plan.object != child.object);
    plans.find_map(|plan| {
        let own = plan.object?;
        if length == 1 {
            let (next, object) = parent(plan, scene, entity)?;
            return (Some(object) != child.object).then(|| (vec![(own, next.name.clone())], object));
        }
        plan.columns.iter().find_map(|next| {
            let (mut through, object) = between(next, scene, entity, (length - 1, child))?;
            if object == own || through.iter().any(|(other, _)| *other == own) {
                return None;
            }
            through.insert(0, (own, next.name.clone()));
            Some((through, object))
        })
    })
}

/// The lines of a record that are made of the rows that belong to it.
pub(super) fn folded(own: &Planned, entity: Entity, scene: &mut Scene<'_>) -> Vec<Folded> {
    let plans = scene.plans;
    let mut lines = Vec::new();
    for child in plans {
        let Some(Placement::Within(holder, rule)) = child.placement() else { continue };
        let is_ours = *holder == entity
            && child.placement().is_some_and(Placement::is_folded)
            && child.key.is_some()
            && way(child, scene, entity).is_some_and(|way| Some(way.object) == own.object);
        if is_ours {
            lines.extend(by_rule(child, *rule, (own, entity), scene));
        }
    }
    lines
}

fn by_rule(child: &Planned, rule: Rule, (own, entity): (&Planned, Entity), scene: &mut Scene<'_>) -> Vec<Folded> {
    let object = child.object.map_or("", |object| object.as_str());
    let fold = format!("fold = \"{object}\"");
    let noun = noun(child, scene);
    let mut lines = Vec::new();
    let amount = amount(child).cloned();
    match rule {
        Rule::First | Rule::Latest => {
            let by = if rule == Rule::Latest { order(child) } else { None };
            lines.extend(fields(child, rule, (by, None), entity, scene));
        }
        Rule::Split => {
            for place in 1..=SPLIT {
                lines.extend(fields(child, Rule::First, (None, Some(place)), entity, scene));
            }
        }
        _ => {}
    }
    if let (Some(amount), Rule::Sum | Rule::Split) = (&amount, rule) {
        let kind = Kind::Money;
        let sum = |to: &str| {
            let sum = Line::plain(to, kind.as_str()).key(fold.clone()).key(format!("sum = {}", quoted(&amount.name)));
            sum.remark("amounts are copied and added up, never computed")
        };
        let columns = vec![amount.name.clone()];
        match of_between(child, scene, entity) {
            Some((column, codes)) if codes.len() > 1 => {
                for code in codes {
                    let (to, _) = scene.named(&format!("{noun} total {code}"), kind, entity, child);
                    let line = sum(&to).key(format!("currency_from = {}, sum_in = {}", quoted(&column), quoted(&code)));
                    lines.push(Folded { line, columns: columns.clone() });
                }
            }
            _ => {
                let (to, _) = scene.named(&format!("{noun} total"), kind, entity, child);
                lines.push(Folded { line: with_currency(sum(&to), child, own, (entity, scene)), columns });
            }
        }
    }
    if rule != Rule::First {
        let (to, kind) = scene.named(&format!("{noun} records"), Kind::Number, entity, child);
        let line = Line::plain(&to, kind.as_str()).key(format!("{fold}, count = true"));
        lines.push(Folded { line, columns: Vec::new() });
    }
    if matches!(rule, Rule::Sum | Rule::Split | Rule::List) {
        let (list, columns) = list(child, scene);
        let (to, kind) = scene.named(&format!("{noun} details"), Kind::LongText, entity, child);
        let line =
            Line::plain(&to, kind.as_str()).key(format!("{fold}, cut = true")).key(format!("list = {}", quoted(&list)));
        lines.push(Folded { line, columns });
    }
    lines
}

/// A field for each column of one of the rows.
fn fields(
    child: &Planned,
    rule: Rule,
    (by, place): (Option<String>, Option<usize>),
    entity: Entity,
    scene: &mut Scene<'_>,
) -> Vec<Folded> {
    let object = child.object.map_or("", |object| object.as_str());
    let noun = noun(child, scene);
    let mut lines = Vec::new();
    for column in kept(child, scene) {
        let is_owner = is_owner(column, scene);
        // Of the rows that are split only who and how much; the rest stands in the lines.
        let is_amount = amount(child).is_some_and(|amount| amount.name == column.name);
        if place.is_some() && !is_owner && !is_amount {
            continue;
        }
        let of = match place {
            Some(place) => format!("{noun} {place} {}", plain_title(&column.name).to_lowercase()),
            None => format!("{noun} {}", plain_title(&column.name).to_lowercase()),
        };
        let kind = match custom_kind(column) {
            _ if is_owner => Kind::Text,
            Kind::Number if is_amount => Kind::Money,
            kind => kind,
        };
        let (to, kind) = scene.named(&of, kind, entity, child);
        let value = if is_owner { format!("{{{}:owner}}", column.name) } else { column.name.clone() };
        let mut line = Line::plain(&to, kind.as_str()).key(format!("fold = \"{object}\""));
        line = line.key(format!("{rule} = {}", quoted(&value)));
        if let Some(by) = &by {
            line = line.key(format!("by = {}", quoted(by)));
        }
        if let Some(place) = place.filter(|place| *place > 1) {
            line = line.key(format!("nth = {place}"));
        }
        if matches!(kind, Kind::Text | Kind::LongText | Kind::Html) {
            line = line.key("cut = true");
        }
        let between = || of_between(child, scene, entity).map(|(column, _)| column);
        if kind == Kind::Money
            && let Some(currency) = currency(child).map(|column| column.name.clone()).or_else(between)
        {
            line = line.key(format!("currency_from = {}", quoted(&currency)));
        }
        let mut columns = vec![column.name.clone()];
        columns.extend(by.clone());
        lines.push(Folded { line, columns });
    }
    lines
}

/// The currency of amounts: the child's own column, else that of what lies between, else that of the record they belong to.
fn with_currency(line: Line, child: &Planned, own: &Planned, (entity, scene): (Entity, &Scene<'_>)) -> Line {
    let own = || found(own, entity, "value").into_iter().find(|column| column.concept() == "currency");
    let between = || of_between(child, scene, entity).map(|(column, _)| column);
    let known = currency(child).map(|column| column.name.clone()).or_else(between);
    match known.or_else(|| own().map(|column| column.name.clone())) {
        Some(currency) => line.key(format!("currency_from = {}", quoted(&currency))),
        None => line,
    }
}

/// The column of what lies between that tells the currency of amounts which do not say it themselves, with its currencies;
/// none of these where they are too many to have a sum each.
fn of_between(child: &Planned, scene: &Scene<'_>, entity: Entity) -> Option<(String, Vec<String>)> {
    if currency(child).is_some() {
        return None;
    }
    way(child, scene, entity)?.through.iter().find_map(|(object, _)| {
        let plan = scene.of_object(*object)?;
        let name = &currency(plan)?.name;
        let column = scene.known.tables.get(plan.at)?.column(name)?;
        Some((name.clone(), currency_codes(column).unwrap_or_default()))
    })
}

fn currency(child: &Planned) -> Option<&Found> {
    child.columns.iter().find(|column| column.concept() == "currency" && !is_empty(column))
}

/// What one row is called: `Commission`, `Vendor scorecard`.
fn noun(child: &Planned, scene: &Scene<'_>) -> String {
    match child.object {
        Some(object) if !object.is_custom() => plain_title(object.as_str()),
        _ => {
            let table = scene.known.tables.get(child.at).map_or("", |table| table.name.as_str());
            let name = plain_title(table);
            let one = match name.strip_suffix("ies") {
                Some(stem) => format!("{stem}y"),
                None => name.strip_suffix('s').filter(|stem| !stem.ends_with('s')).unwrap_or(&name).to_owned(),
            };
            one.chars().take(60).collect()
        }
    }
}

fn is_owner(column: &Found, scene: &Scene<'_>) -> bool {
    let owners = scene.of_object(Object::Owner).map(|owner| owner.at);
    owners.is_some() && column.points_at.first() == owners.as_ref()
}

/// Columns that say something of the row itself.
fn kept<'p>(child: &'p Planned, scene: &Scene<'_>) -> Vec<&'p Found> {
    let parents: Vec<String> = [Entity::Deal, Entity::Person, Entity::Organization, Entity::Lead]
        .into_iter()
        .filter_map(|entity| way(child, scene, entity).map(|way| way.column))
        .collect();
    let says = |column: &&Found| {
        let is_key = child.key.as_ref() == Some(&column.name) || parents.contains(&column.name);
        let stays = matches!(column.place(), Place::Modified | Place::Deleted | Place::Id);
        let is_written = column.name.contains(['{', '}', '|', ':']);
        let is_currency = column.concept() == "currency" && amount(child).is_some();
        !(is_key || stays || is_empty(column) || is_written || is_currency || column.concept() == "created")
    };
    child.columns.iter().filter(says).collect()
}

/// The column that tells which row is the latest.
fn order(child: &Planned) -> Option<String> {
    let is_time = |column: &&Found| matches!(column.shape, Shape::Date | Shape::Datetime);
    let of = |wanted: &dyn Fn(&Found) -> bool| child.columns.iter().filter(is_time).find(|column| wanted(column));
    let found = of(&|column| column.concept() == "created")
        .or_else(|| of(&|column| column.place() == Place::Modified))
        .or_else(|| of(&|_| true));
    found.map(|column| column.name.clone())
}

/// The column of the amount.
pub(super) fn amount(plan: &Planned) -> Option<&Found> {
    let mut found: Vec<&Found> = plan.columns.iter().filter(|column| is_amount(&column.name, column.shape)).collect();
    // `amount` before `base_amount`.
    found.sort_by_key(|column| column.name.len());
    found.first().copied()
}

/// Whether a table has an amount that can be added up.
#[must_use]
pub fn has_amount(table: &Table) -> bool {
    table.columns.iter().any(|column| is_amount(&column.name, column.shape()))
}

fn is_amount(name: &str, shape: Shape) -> bool {
    matches!(shape, Shape::Number | Shape::Money) && says_amount(name)
}

/// Whether a column's name speaks of an amount.
#[must_use]
pub fn says_amount(name: &str) -> bool {
    let name = name.to_lowercase();
    AMOUNTS.iter().any(|word| name.contains(word))
}

/// A line for each row, with all that its columns hold, and which these are.
fn list(plan: &Planned, scene: &Scene<'_>) -> (String, Vec<String>) {
    let mut pieces = Vec::new();
    let mut columns = Vec::new();
    for column in kept(plan, scene) {
        if is_owner(column, scene) {
            pieces.insert(0, format!("{{{}:owner}}", column.name));
        } else {
            pieces.push(format!("{} {{{}|none}}", plain_title(&column.name).to_lowercase(), column.name));
        }
        columns.push(column.name.clone());
    }
    if pieces.is_empty()
        && let Some(key) = &plan.key
    {
        pieces.push(format!("{{{key}}}"));
    }
    (pieces.join(", "), columns)
}

/// Lines at the end of a text, one for each column that is not in it.
fn footer(plan: &Planned, scene: &Scene<'_>, used: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut lines = Vec::new();
    let mut columns = Vec::new();
    let created = plan.columns.iter().filter(|column| column.concept() == "created" && !is_empty(column));
    let currency = currency(plan).filter(|_| amount(plan).is_some());
    for column in kept(plan, scene).into_iter().chain(created).chain(currency) {
        if used.contains(&column.name.as_str()) {
            continue;
        }
        let value = if is_owner(column, scene) { ":owner" } else { "" };
        lines.push(quoted(&format!("{}: {{{}{value}}}", plain_title(&column.name), column.name)));
        columns.push(column.name.clone());
    }
    (lines, columns)
}

fn note(plan: &Planned, scene: &Scene<'_>) -> crate::propose::write::Section {
    let mut own = section(Entity::Note);
    let kept = kept(plan, scene);
    let is_text = |column: &&&Found| matches!(column.shape, Shape::Html | Shape::LongText);
    let texts: Vec<String> = kept.iter().filter(is_text).map(|column| column.name.clone()).collect();
    let used: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (lines, columns) = footer(plan, scene, &used);
    let heading = quoted(&noun(plan, scene));
    let mut content = match texts.as_slice() {
        [] => Line::plain("content", "html").key(format!("constant = {heading}")),
        [_] => Line::from("content", "html", &texts),
        _ => Line::from("content", "html", &texts).key("join = \"<br>\""),
    };
    content = content.key("cut = true");
    if !lines.is_empty() {
        content = content.key(format!("footer = [{}]", lines.join(", ")));
        content.columns.extend(columns);
    }
    own.lines.push(content.remark("what the row says, one line for each column"));
    let author = plan.columns.iter().filter(|column| is_owner(column, scene)).collect::<Vec<_>>();
    own.lines.extend(scene.owner_line("user_id", &author, plan));
    let created = plan.columns.iter().find(|column| column.concept() == "created" && !is_empty(column));
    own.lines.extend(created.map(|column| super::line("add_time", "datetime", column, plan)));
    own.lines.extend(parents(plan, scene, Entity::Note));
    own.lines = unique(own.lines);
    own
}

fn activity(plan: &Planned, scene: &Scene<'_>) -> crate::propose::write::Section {
    let mut own = section(Entity::Activity);
    let subject = match amount(plan) {
        Some(amount) => {
            let text = format!("{}: {{{}|no amount}}", noun(plan, scene), amount.name);
            let mut line = Line::plain("subject", "text").key(format!("template = {}", quoted(&text)));
            line.columns.push(amount.name.clone());
            line
        }
        None => Line::plain("subject", "text").key(format!("constant = {}", quoted(&noun(plan, scene)))),
    };
    let default = format!("default = {}, cut = true", quoted(&noun(plan, scene)));
    own.lines.push(if subject.columns.is_empty() { subject } else { subject.key(default) });
    own.lines.push(Line::plain("type", "activity_type").key("constant = \"task\""));
    let owner = plan.columns.iter().filter(|column| is_owner(column, scene)).collect::<Vec<_>>();
    own.lines.extend(scene.owner_line("owner_id", &owner, plan));
    if let Some(day) = order(plan) {
        own.lines.push(Line::from("due_date", "due", &[day]));
    }
    own.lines.push(Line::plain("done", "bool").key("constant = \"true\"").remark("it is a record of the past"));
    own.lines.extend(parents(plan, scene, Entity::Activity));
    let (lines, columns) = footer(plan, scene, &[]);
    let mut text =
        Line::plain("note", "html").key(format!("constant = {}", quoted(&noun(plan, scene)))).key("cut = true");
    if !lines.is_empty() {
        text = text.key(format!("footer = [{}]", lines.join(", ")));
        text.columns.extend(columns);
    }
    own.lines.push(text);
    own.lines = unique(own.lines);
    own
}
