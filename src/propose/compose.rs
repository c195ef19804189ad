//! The whole proposal: every table laid out, the mapping's text with its head, and what people read beside it.

use super::layout::{Laid, Names, Scene, lay};
use super::placement::Placed;
use super::plan::{Found, Known, Planned};
use super::profile::{COUNTRIES, Column, day_order, valid_in_countries};
use super::shape::Shape;
use super::write::{Part, pair, quoted, text};
use crate::mapping::defaults::{DayOrder, DecimalSign};
use crate::mapping::placement::Placement;
use crate::mapping::proposal::{ColumnFacts, PlacementChoice, Proposal, ProposedTable};
use crate::record::{Entity, Object, fold_name};

/// Objects in the order in which a mapping is read.
const ORDER: [Object; 15] = [
    Object::Owner,
    Object::Pipeline,
    Object::Client,
    Object::Contact,
    Object::Lead,
    Object::Deal,
    Object::Project,
    Object::Commission,
    Object::Task,
    Object::Call,
    Object::Email,
    Object::Meeting,
    Object::Note,
    Object::Presentation,
    Object::File,
];

/// What was proposed, and from what.
#[derive(Debug)]
pub struct Composed {
    /// For people and programs that show it.
    pub proposal: Proposal,
    /// The text of the mapping.
    pub mapping: String,
}

/// Proposes a mapping from the plans of all tables.
#[must_use]
pub fn compose(known: &Known, plans: &[Planned]) -> Composed {
    let mut scene = Scene { known, plans, names: Names::default() };
    let mut proposal = Proposal::default();
    let mut parts: Vec<Part> = Vec::new();
    let mut usable: Vec<&Planned> = Vec::new();
    let mut left: Vec<(&Planned, String)> = Vec::new();
    for object in ORDER.into_iter().chain(Object::customs()) {
        let Some(planned) = plans.iter().find(|planned| planned.object == Some(object)) else { continue };
        if planned.placement() == Some(&Placement::LeftOut) {
            left.push((planned, planned.placed[0].why.clone()));
            continue;
        }
        let laid = lay(planned, &mut scene);
        if is_usable(&laid, planned) {
            proposal.tables.push(table(planned, known, &laid));
            parts.push(laid.part);
            usable.push(planned);
        } else {
            left.push((planned, "a record of its kind needs a key and a name, and it has none".to_owned()));
        }
    }
    let mut head = head(known, plans);
    let chosen = left.iter().filter(|(planned, _)| planned.placement() == Some(&Placement::LeftOut));
    head.push_str(&placements(usable.into_iter().chain(chosen.map(|(planned, _)| *planned)), known));
    left.extend(plans.iter().filter(|planned| planned.object.is_none()).map(|planned| (planned, reason(planned))));
    for (planned, reason) in left {
        let name = &known.tables[planned.at].name;
        head.push_str(&format!("# Left out: {name}: {reason}.\n"));
        proposal.tables.push(left_out(planned, known, &reason));
    }
    Composed { proposal, mapping: text(&head, &parts) }
}

/// A table needs its key, and something that becomes of it.
fn is_usable(laid: &Laid, planned: &Planned) -> bool {
    let folds = laid.part.head.iter().any(|line| line.starts_with("fold_into"));
    let named = laid.part.to.iter().all(|section| !section.lines.is_empty());
    planned.key.is_some() && (folds || (!laid.part.to.is_empty() && named))
}

fn reason(planned: &Planned) -> String {
    match planned.guesses.first().map(|guess| guess.kind.as_str()) {
        Some("stage") => "its stages come with the pipelines".to_owned(),
        Some("other") | None => "no kind of record that Pipedrive has, and nothing that it could belong to".to_owned(),
        Some(kind) => format!("another table holds the {kind} records"),
    }
}

fn table(planned: &Planned, known: &Known, laid: &Laid) -> ProposedTable {
    let base = facts(planned, known);
    let mut reasons: Vec<String> = planned.guesses.first().map(|guess| guess.why.clone()).into_iter().collect();
    reasons.extend(planned.placed.first().map(|placed| placed.why.clone()));
    ProposedTable {
        object: planned.object,
        placement: laid.placement.clone(),
        confidence: confidence(planned),
        reasons,
        placed: planned.placement().map(ToString::to_string),
        alternatives: alternatives(planned),
        fields: laid.fields.clone(),
        ..base
    }
}

/// How sure it is what a table becomes: how much speaks for its kind and how little for the next one, and how sure it is
/// what rows of that kind become.
fn confidence(planned: &Planned) -> f64 {
    let score = |at: usize| planned.guesses.get(at).map_or(0.0, |guess| guess.score);
    let placed = planned.placed.first().map_or(1.0, |placed| placed.confidence);
    // Both are rarely wrong about the same table for different reasons.
    (score(0) - 0.3 * score(1)).clamp(0.05, 0.98).min(placed)
}

/// Alternatives that are shown.
const ALTERNATIVES: usize = 3;

fn alternatives(planned: &Planned) -> Vec<PlacementChoice> {
    let choice = |placed: &Placed| PlacementChoice {
        placed: placed.placement.to_string(),
        words: placed.placement.words(),
        confidence: placed.confidence,
    };
    planned.placed.iter().skip(1).take(ALTERNATIVES).map(choice).collect()
}

/// What becomes of whole tables, for those of which people may choose.
fn placements<'p>(plans: impl Iterator<Item = &'p Planned>, known: &Known) -> String {
    let mut lines = Vec::new();
    for planned in plans.filter(|planned| planned.placed.len() > 1) {
        let Some(first) = planned.placed.first() else { continue };
        let others: Vec<String> =
            planned.placed.iter().skip(1).map(|placed| quoted(&placed.placement.to_string())).collect();
        let name = &known.tables[planned.at].name;
        let sure = format!("{:.0} %", first.confidence * 100.0);
        let chosen = pair(name, &quoted(&first.placement.to_string()));
        lines.push(format!("{chosen}  # {sure}: {}; or {}", first.why, others.join(", ")));
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = "\n# What the rows of a table become. Change a word and run crossdock map: it lays the table out anew, and keeps\n\
                    # what you edited elsewhere.\n[placement]\n"
        .to_owned();
    lines.iter().for_each(|line| text.push_str(&format!("{}\n", line.replace('\n', " "))));
    text
}

fn left_out(planned: &Planned, known: &Known, reason: &str) -> ProposedTable {
    let mut base = facts(planned, known);
    base.confidence = confidence(planned);
    base.placement = format!("left out: {reason}");
    base.reasons = planned.guesses.first().map(|guess| guess.why.clone()).into_iter().collect();
    // A table that cannot be laid out is none of which people may choose.
    base.placed = planned.placement().filter(|placement| **placement == Placement::LeftOut).map(ToString::to_string);
    base.alternatives = alternatives(planned);
    base
}

fn facts(planned: &Planned, known: &Known) -> ProposedTable {
    let Some(table) = known.tables.get(planned.at) else { return ProposedTable::default() };
    let column = |(column, found): (&Column, &Found)| ColumnFacts {
        name: column.name.clone(),
        holds: match found.points_at.first().and_then(|at| known.tables.get(*at)) {
            Some(other) => format!("keys of {}", other.name),
            None => column.holds(found.shape),
        },
        filled: column.filled,
        distinct: column.distinct(),
        samples: column.samples.clone(),
    };
    ProposedTable {
        table: table.name.clone(),
        rows: table.rows,
        is_whole: table.is_whole,
        columns: table.columns.iter().zip(&planned.columns).map(column).collect(),
        ..ProposedTable::default()
    }
}

/// The sections before the objects, each value with what speaks for it.
fn head(known: &Known, plans: &[Planned]) -> String {
    let mut lines = vec![
        "# A proposed mapping: read it, change it, then approve it. Nothing is written before that.".to_owned(),
        "# Beside each line: how sure it is, why, and what else it could be.".to_owned(),
        "version = 1".to_owned(),
        String::new(),
        "[defaults]".to_owned(),
    ];
    let with = |key: &str, value: &str, why: &str| format!("{key} = {}  # {why}", quoted(value));
    let columns: Vec<&Column> = known.tables.iter().flat_map(|table| &table.columns).collect();
    let (currency, why) = currency(known, plans);
    lines.push(with("currency", &currency, &why));
    let zone = if known.time_zone.is_empty() {
        ("UTC", "the source does not say")
    } else {
        (known.time_zone.as_str(), "as the account says")
    };
    lines.push(with("time_zone", zone.0, zone.1));
    let (order, why) = match day_order(columns.iter().copied()) {
        Some((order, count)) => (order, format!("{count} values can be read in this order only")),
        None => (DayOrder::MonthFirst, "no value tells".to_owned()),
    };
    lines.push(with("day_order", order.as_str(), &why));
    let (country, why) = country(&columns);
    lines.push(with("phone_country", &country, &why));
    let (commas, points) = columns.iter().fold((0, 0), |(commas, points), column| {
        (commas + column.tests.decimal_comma, points + column.tests.decimal_point)
    });
    let sign = if commas > points { DecimalSign::Comma } else { DecimalSign::Point };
    lines.push(with("decimal_sign", sign.as_str(), &format!("{} values are written so", commas.max(points))));
    lines.extend(["".to_owned(), "[owners]".to_owned()]);
    let owners = plans.iter().find(|planned| planned.object == Some(Object::Owner));
    let has_emails = owners
        .is_some_and(|owners| owners.at_place(Entity::User, "email").any(|column| column.shape != Shape::Unknown));
    lines.push(format!("match_by = {}", quoted(if has_emails { "email" } else { "name" })));
    lines.push("original_field = \"Original owner\"".to_owned());
    lines.extend(pipelines(known, plans));
    lines.join("\n") + "\n"
}

fn currency(known: &Known, plans: &[Planned]) -> (String, String) {
    if known.currency.len() == 3 {
        return (known.currency.clone(), "as the account says".to_owned());
    }
    let columns = plans.iter().flat_map(|planned| planned.columns.iter().map(move |column| (planned.at, column)));
    let written = columns.filter(|(_, column)| column.concept() == "currency").find_map(|(at, column)| {
        let column = known.tables.get(at)?.column(&column.name)?;
        let codes = column
            .values
            .iter()
            .filter(|(value, _)| value.len() == 3 && value.chars().all(|sign| sign.is_ascii_uppercase()));
        codes.max_by_key(|(_, count)| *count).map(|(code, _)| code.clone())
    });
    match written {
        Some(code) => (code, "the commonest of the source's".to_owned()),
        None => ("USD".to_owned(), "the source does not say".to_owned()),
    }
}

/// The country in which most of the numbers are valid.
fn country(columns: &[&Column]) -> (String, String) {
    let phones: Vec<&Column> = columns.iter().filter(|column| column.shape() == Shape::Phone).copied().collect();
    let counts = valid_in_countries(&phones);
    // Of equals the first wins.
    let best = counts.iter().enumerate().rev().max_by_key(|(_, count)| **count);
    match best.filter(|(_, count)| **count > 0).and_then(|(at, count)| Some((COUNTRIES.get(at)?, count))) {
        Some((country, count)) => (format!("{country:?}"), format!("{count} of the numbers tried are valid there")),
        None => ("US".to_owned(), "no number tells".to_owned()),
    }
}

/// Pipelines of the source's own rows, or declared from the stages that deals have.
fn pipelines(known: &Known, plans: &[Planned]) -> Vec<String> {
    let mut lines = vec![String::new(), "[pipelines]".to_owned(), "unknown_stage = \"first_open\"".to_owned()];
    let table = plans.iter().find(|planned| planned.object == Some(Object::Pipeline));
    let nested =
        table.is_some_and(|table| known.tables[table.at].columns.iter().any(|column| !column.parts.is_empty()));
    let deals: Vec<&Planned> = plans.iter().filter(|planned| planned.becomes == [Entity::Deal]).collect();
    let is_own = |planned: &&&Planned| planned.placement() == Some(&Placement::OwnPipeline);
    let main = deals.iter().find(|planned| !is_own(planned)).filter(|_| !nested);
    let own = deals.iter().find(is_own);
    let telling = main.into_iter().chain(own).any(|deals| super::layout::telling_stage(deals).is_some());
    lines.push(format!("status_from_stage = {telling}"));
    if let Some(main) = main {
        lines.extend(declared(main, super::layout::MAIN_PIPELINE));
    }
    if let Some(own) = own {
        let name = super::layout::own_pipeline(own, known);
        let stages = declared(own, &name);
        let only = format!("stages = [{{ name = \"{}\", kind = \"open\" }}]", super::layout::ONLY_STAGE);
        match stages.is_empty() {
            true => lines.extend([
                String::new(),
                "[[pipelines.declare]]".to_owned(),
                format!("name = {}", quoted(&name)),
                only,
            ]),
            false => lines.extend(stages),
        }
    }
    lines
}

/// A pipeline declared from the stages that deals have; nothing where they have none.
fn declared(deals: &Planned, name: &str) -> Vec<String> {
    let stage = deals.at_place(Entity::Deal, "stage_id").find(|column| column.concept() == "stage");
    let Some(stage) = stage.filter(|stage| !stage.values.is_empty()) else { return Vec::new() };
    let mut seen: Vec<String> = Vec::new();
    let mut stages: Vec<(usize, String)> = Vec::new();
    for value in &stage.values {
        if !seen.contains(&fold_name(value)) {
            seen.push(fold_name(value));
            let kind = super::layout::meaning(value);
            let rank = ["open", "won", "lost"].iter().position(|known| *known == kind).unwrap_or(0);
            stages.push((rank, format!("  {{ name = {}, kind = {} }},", quoted(value.trim()), quoted(kind))));
        }
    }
    // Open stages first, in the order of their first appearance; what ends a deal comes last.
    stages.sort_by_key(|(rank, _)| *rank);
    let mut lines = vec![String::new(), "# From the stages that the deals have; put them into their order.".to_owned()];
    lines.extend(["[[pipelines.declare]]".to_owned(), format!("name = {}", quoted(name)), "stages = [".to_owned()]);
    lines.extend(stages.into_iter().map(|(_, line)| line));
    lines.push("]".to_owned());
    lines
}
