//! Owners, pipelines, commissions: matched, made in the workspace, folded into deals.

use super::lines::{is_empty, title};
use super::{Laid, Scene, section};
use crate::propose::answer::Place;
use crate::propose::plan::{Found, Planned};
use crate::propose::write::{Line, pair, quoted};
use crate::record::{Entity, Object};

/// A table of users: only matched, never written.
pub(super) fn owner(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut own = section(Entity::User);
    own.lines = scene.lines_of(Entity::User, plan, &[]);
    own.lines.retain(|line| !line.to.starts_with("custom:"));
    if !own.lines.iter().any(|line| line.to == "name")
        && let Some(key) = plan.key.clone()
    {
        own.lines.push(Line::from("name", "name", &[key]).remark("the key is the name"));
    }
    let mut laid = Laid { placement: "a user of the account, found and never written".to_owned(), ..Laid::default() };
    laid.part.to.push(own);
    laid
}

/// A table of pipelines with their stages nested in it.
pub(super) fn pipeline(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid { placement: "a pipeline with its stages".to_owned(), ..Laid::default() };
    let mut own = section(Entity::Pipeline);
    let name = plan.columns.iter().find(|column| matches!(column.concept(), "name" | "pipeline") && !is_empty(column));
    let key = name.map(|column| column.name.clone()).or_else(|| plan.key.clone()).unwrap_or_default();
    own.lines.push(Line::from("name", "text", &[key]));
    let parts = scene.known.tables.get(plan.at).into_iter().flat_map(|table| &table.columns);
    let list = parts.clone().find(|column| !column.parts.is_empty() && column.name.to_lowercase().contains("stage"));
    let list = list.or_else(|| parts.clone().find(|column| !column.parts.is_empty()));
    let part = |list: &super::super::profile::Column, names: &[&str]| {
        names.iter().find_map(|name| list.parts.iter().find(|part| part.to_lowercase() == *name).cloned())
    };
    let stages = list.and_then(|list| {
        Some((list, part(list, &["id", "key", "stage_id"])?, part(list, &["name", "label", "title"])?))
    });
    if let Some((list, id, stage_name)) = stages {
        let probability = part(list, &["probability", "win_probability", "chance", "deal_probability"]);
        if probability.is_some() {
            own.lines.push(Line::plain("is_deal_probability_enabled", "bool").key("constant = \"true\""));
        }
        let order = part(list, &["position", "order", "sort", "sort_order", "display_order", "order_nr", "sequence"]);
        let order = order.map_or(String::new(), |order| format!(", order = {}", quoted(&order)));
        let mut stage = section(Entity::Stage);
        stage.head.push(format!("each = {{ from = {}, id = {}{order} }}", quoted(&list.name), quoted(&id)));
        let mut named = Line::from("name", "text", &[stage_name]);
        named.columns.push(list.name.clone());
        stage.lines.push(named);
        stage.lines.push(Line::plain("pipeline_id", "link").key("own_role = \"pipeline\""));
        stage.lines.extend(probability.map(|name| Line::from("deal_probability", "percent", &[name])));
        laid.part.to.push(own);
        laid.part.to.push(stage);
    } else {
        laid.part.to.push(own);
    }
    // Pipelines of leads have no stages in Pipedrive.
    let serves = plan.columns.iter().find(|column| {
        column.values.iter().any(|value| value.eq_ignore_ascii_case("lead") || value.eq_ignore_ascii_case("leads"))
    });
    if let Some(serves) = serves {
        let values: Vec<String> =
            serves.values.iter().filter(|value| value.to_lowercase().starts_with("lead")).cloned().collect();
        let only = pair(&serves.name, &crate::propose::write::quoted_list(&values));
        laid.part.head.push("skip = [".to_owned());
        laid.part.head.push(format!(
            "  {{ if = {{ {only} }}, reason = \"a pipeline of leads: its stages become lead labels\" }},"
        ));
        laid.part.head.push("]".to_owned());
    }
    laid
}

/// A table of commission records, folded into their deals.
pub(super) fn commission(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid { placement: "part of its deal: a sum, a count and a list".to_owned(), ..Laid::default() };
    if let Some((parent, object)) = parent(plan, scene) {
        laid.part.head.push(format!("fold_into = {{ object = \"{object}\", from = {} }}", quoted(&parent.name)));
    }
    laid
}

/// The column that names the record it is folded into.
pub(super) fn parent<'p>(plan: &'p Planned, scene: &Scene<'_>) -> Option<(&'p Found, Object)> {
    plan.columns.iter().find_map(|column| Some((column, scene.target(column, Entity::Deal)?)))
}

/// The column of the amount.
pub(super) fn amount(plan: &Planned) -> Option<&Found> {
    let is_amount = |column: &&Found| {
        let name = column.name.to_lowercase();
        let number = matches!(column.shape, crate::propose::shape::Shape::Number | crate::propose::shape::Shape::Money);
        number
            && [
                "amount",
                "betrag",
                "montant",
                "importe",
                "bedrag",
                "importo",
                "valor",
                "commission",
                "provision",
                "total",
            ]
            .iter()
            .any(|word| name.contains(word))
    };
    let mut found: Vec<&Found> = plan.columns.iter().filter(is_amount).collect();
    // `amount` before `base_amount`.
    found.sort_by_key(|column| column.name.len());
    found.first().copied()
}

/// A line for each record, with all that its columns hold.
pub(super) fn list(plan: &Planned, scene: &Scene<'_>) -> String {
    let owners = scene.of_object(Object::Owner).map(|owner| owner.at);
    let parent = parent(plan, scene).map(|(column, _)| column.name.clone());
    let mut pieces = Vec::new();
    for column in &plan.columns {
        let is_key = plan.key.as_ref() == Some(&column.name) || parent.as_ref() == Some(&column.name);
        let stays = matches!(column.place(), Place::Modified | Place::Deleted | Place::Id);
        if is_key
            || stays
            || is_empty(column)
            || column.name.contains(['{', '}', '|', ':'])
            || column.concept() == "created"
        {
            continue;
        }
        if owners.is_some() && column.points_at.first() == owners.as_ref() {
            pieces.insert(0, format!("{{{}:owner}}", column.name));
        } else {
            pieces.push(format!("{} {{{}|none}}", title(&column.name, plan).to_lowercase(), column.name));
        }
    }
    pieces.join(", ")
}

/// Whether a commission's column stands in the list of its deal.
pub(super) fn is_listed(plan: &Planned, scene: &Scene<'_>, column: &Found) -> bool {
    list(plan, scene).contains(&format!("{{{}", column.name))
}
