//! Owners and pipelines: matched, and made in the workspace.

use super::lines::is_empty;
use super::{Laid, Scene, section};
use crate::propose::plan::Planned;
use crate::propose::write::{Line, pair, quoted};
use crate::record::Entity;

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
    let mut laid = Laid::default();
    laid.part.to.push(own);
    laid
}

/// A table of pipelines with their stages nested in it.
pub(super) fn pipeline(plan: &Planned, scene: &mut Scene<'_>) -> Laid {
    let mut laid = Laid::default();
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
