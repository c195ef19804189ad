//! Projects as deals: stage, status, value, links, and what is folded into them.

use super::contact::{found, link, unique, value_line};
use super::lines::is_empty;
use super::{Laid, Scene, line, section};
use crate::mapping::placement::Placement;
use crate::propose::plan::{Found, Known, Planned};
use crate::propose::write::{Line, pair, quoted, quoted_list};
use crate::record::{Entity, Object};

/// The pipeline that is declared from the stages of the deals.
pub(in super::super) const MAIN_PIPELINE: &str = "Sales";

/// The only stage of a pipeline whose deals name none.
pub(in super::super) const ONLY_STAGE: &str = "Open";

/// Words for a deal that is won or lost, in the languages of the vocabulary; compared as the beginning of a value.
const WON: &[&str] = &[
    "won",
    "closed won",
    "complete",
    "gewonnen",
    "gagn",
    "ganad",
    "vint",
    "ganho",
    "success",
    "order confirmed",
    "accepted",
    "erfolgreich",
    "abgeschlossen",
    "sold",
    "verkauft",
    "beauftragt",
    "conclu",
    "chiuso vint",
    "cerrado ganad",
    "fechado ganho",
    "delivered",
    "paid",
    "invoiced",
    "voltooid",
    "signed",
    "afgerond",
    "fulfilled",
];
const LOST: &[&str] = &[
    "lost",
    "closed lost",
    "cancel",
    "verlor",
    "perd",
    "perso",
    "storniert",
    "rejected",
    "abgelehnt",
    "declined",
    "dead",
    "abandoned",
    "abgesagt",
    "abgebrochen",
    "annul",
    "verloren",
    "disqualified",
    "cerrado perd",
    "fechado perd",
    "chiuso pers",
    "no sale",
];

/// What a value of a status or stage means.
pub(in super::super) fn meaning(value: &str) -> &'static str {
    let folded = crate::record::fold_name(value);
    let begins = |words: &[&str]| words.iter().any(|word| folded.starts_with(word) || folded.ends_with(word));
    if begins(LOST) {
        "lost"
    } else if begins(WON) {
        "won"
    } else {
        "open"
    }
}

/// A table of projects, deals or orders.
pub(super) fn project(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid::default();
    let mut own = section(Entity::Deal);
    own.lines.push(title(plan, scene));
    own.lines.extend(scene.owner_line("owner_id", &found(plan, Entity::Deal, "owner_id"), plan));
    own.lines.extend(links(plan, scene));
    own.lines.extend(stage(plan, scene).or_else(|| own_stage(plan, scene)));
    own.lines.extend(
        value_line(plan, Entity::Deal).map(|line| line.key("default = \"0\", flag_missing = \"missing_value\"")),
    );
    let status = status(plan);
    own.lines.extend(status.clone());
    own.lines.extend(closing(plan));
    let done = [
        "title",
        "owner_id",
        "person_id",
        "org_id",
        "stage_id",
        "value",
        "status",
        "won_time",
        "lost_time",
        "close_time",
    ];
    let mut rest = scene.lines_of(Entity::Deal, plan, &done);
    rest.retain(|line| line.to != "lost_reason" || status.is_some());
    own.lines.extend(rest);
    own.lines.extend(kept(plan, scene, &own.lines, &done));
    own.lines = unique(own.lines);
    laid.part.to.push(own);
    laid
}

/// The title: the name, else the number, else what the row names.
fn title(plan: &Planned, scene: &Scene<'_>) -> Line {
    let mut columns: Vec<String> =
        found(plan, Entity::Deal, "title").iter().map(|column| column.name.clone()).collect();
    let theirs = ["po", "customer", "invoice", "purchase", "client", "rechnung"];
    let is_own = |name: &str| !theirs.iter().any(|word| name.to_lowercase().contains(word));
    let mut numbers = plan.columns.iter().filter(|column| column.concept() == "deal_number" && !is_empty(column));
    let number = numbers.find(|column| is_own(&column.name));
    columns.extend(number.map(|column| column.name.clone()));
    if !columns.is_empty() {
        return Line::from("title", "text", &columns).key("cut = true").remark("the first of these that has a value");
    }
    // Without a name: what is sold, and to whom.
    let client = links(plan, scene).into_iter().find_map(|line| line.columns.first().cloned());
    let product = plan.columns.iter().find(|column| column.concept() == "deal_type" && !is_empty(column));
    let names: Vec<String> = product.map(|column| column.name.clone()).into_iter().chain(client).collect();
    let names = if names.is_empty() { plan.key.clone().into_iter().collect() } else { names };
    let template: Vec<String> = names.iter().map(|name| format!("{{{name}|no {name}}}")).collect();
    let mut line =
        Line::plain("title", "text").key(format!("template = {}", quoted(&template.join(" – ")))).key("cut = true");
    line.columns = names;
    line.remark("the source has no names for them")
}

/// Links to the person and the organization, the clearest column first.
fn links(plan: &Planned, scene: &Scene<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (field, entity) in [("person_id", Entity::Person), ("org_id", Entity::Organization)] {
        let mut columns = found(plan, Entity::Deal, field);
        let others = plan.columns.iter().filter(|column| {
            let object = scene.target(column, entity);
            object.is_some_and(super::contact::is_party) && !columns.iter().any(|known| known.name == column.name)
        });
        columns.extend(others.collect::<Vec<_>>());
        lines.extend(columns.into_iter().filter_map(|column| link(field, column, entity, scene, plan)));
    }
    lines
}

/// The stage, by the source's pipelines or the declared ones.
fn stage(plan: &Planned, scene: &Scene<'_>) -> Option<Line> {
    let columns = found(plan, Entity::Deal, "stage_id");
    let stage = columns.iter().find(|column| column.concept() == "stage")?;
    let own = line("stage_id", "stage", stage, plan);
    let pipeline = columns.iter().find(|column| column.concept() == "pipeline");
    let has_table = scene.of_object(Object::Pipeline).is_some();
    match pipeline.filter(|_| has_table) {
        Some(pipeline) => {
            let mut own = own.key(format!("pipeline_from = {}", quoted(&pipeline.name)));
            own.columns.push(pipeline.name.clone());
            Some(own)
        }
        None => Some(match declared_pipeline(plan, scene) {
            Some(name) => own.key(format!("pipeline = {}", quoted(&name))),
            None => own,
        }),
    }
}

/// The pipeline that is declared for a table; `None` where only one is, and stages name it.
fn declared_pipeline(plan: &Planned, scene: &Scene<'_>) -> Option<String> {
    let own = scene.plans.iter().find(|other| other.placement() == Some(&Placement::OwnPipeline))?;
    Some(if own.at == plan.at { own_pipeline(own, scene.known) } else { MAIN_PIPELINE.to_owned() })
}

/// The name of the pipeline of deals that stand beside others: that of their table.
pub(in super::super) fn own_pipeline(plan: &Planned, known: &Known) -> String {
    known.tables.get(plan.at).map_or_else(|| "Projects".to_owned(), |table| super::lines::plain_title(&table.name))
}

/// The stage of deals that have none, in a pipeline of their own.
fn own_stage(plan: &Planned, scene: &Scene<'_>) -> Option<Line> {
    (plan.placement() == Some(&Placement::OwnPipeline)).then(|| {
        Line::plain("stage_id", "stage")
            .key(format!("constant = \"{ONLY_STAGE}\""))
            .key(format!("pipeline = {}", quoted(&own_pipeline(plan, scene.known))))
    })
}

/// The status column with what its values mean; none where the stage tells it.
fn status(plan: &Planned) -> Option<Line> {
    let column = status_column(plan)?;
    let values: Vec<String> = column.values.iter().map(|value| pair(value, &quoted(meaning(value)))).collect();
    Some(
        line("status", "enum", column, plan)
            .key(format!("values = {{ {} }}", values.join(", ")))
            .key("other = \"open\""),
    )
}

fn status_column(plan: &Planned) -> Option<&Found> {
    let columns = found(plan, Entity::Deal, "status");
    columns
        .into_iter()
        .find(|column| !column.values.is_empty() && column.values.iter().any(|value| meaning(value) != "open"))
}

/// The stage column, where its values tell that deals are won or lost and no status does.
pub(in super::super) fn telling_stage(plan: &Planned) -> Option<&Found> {
    let stage = found(plan, Entity::Deal, "stage_id").into_iter().find(|column| column.concept() == "stage")?;
    let tells = stage.values.iter().any(|value| meaning(value) != "open");
    (status_column(plan).is_none() && tells).then_some(stage)
}

/// When a deal was won or lost, where the values say which it was.
fn closing(plan: &Planned) -> Vec<Line> {
    let Some(told) = status_column(plan).or_else(|| telling_stage(plan)) else { return Vec::new() };
    let closed = ["close_time", "won_time", "lost_time"].iter().flat_map(|field| found(plan, Entity::Deal, field));
    let Some(closed) = closed.into_iter().next().or_else(|| closing_date(plan)) else { return Vec::new() };
    let mut lines = Vec::new();
    for (field, meant) in [("won_time", "won"), ("lost_time", "lost")] {
        let own = found(plan, Entity::Deal, field).into_iter().next().unwrap_or(closed);
        let values: Vec<String> = told.values.iter().filter(|value| meaning(value) == meant).cloned().collect();
        if !values.is_empty() {
            let only = pair(&told.name, &quoted_list(&values));
            lines.push(line(field, "datetime", own, plan).key(format!("only_if = {{ {only} }}")));
        }
    }
    lines
}

/// A closing date that tells when deals were closed, and not when they are expected to be.
fn closing_date(plan: &Planned) -> Option<&Found> {
    let date = found(plan, Entity::Deal, "expected_close_date").into_iter().next()?;
    let words = ["expected", "estimated", "forecast", "planned", "target", "erwartet", "geplant", "prevue", "prevista"];
    let is_expected = words.iter().any(|word| date.name.to_lowercase().contains(word));
    (!is_expected).then_some(date)
}

/// Columns whose place is taken by no line so far are fields of their own, so that nothing is lost.
fn kept(plan: &Planned, scene: &mut Scene<'_>, lines: &[Line], done: &[&str]) -> Vec<Line> {
    let is_used = |name: &String| lines.iter().any(|line| line.columns.contains(name));
    let left: Vec<Found> = done
        .iter()
        .flat_map(|field| found(plan, Entity::Deal, field))
        .filter(|column| !is_used(&column.name))
        .cloned()
        .collect();
    left.iter().map(|column| scene.custom_line(column, Entity::Deal, plan)).collect()
}
