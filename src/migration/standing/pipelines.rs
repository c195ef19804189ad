//! Pipelines of the account that have the name of one of ours: which stages they have, lack, and keep otherwise.

use super::super::inventory::{Inventory, Known};
use super::super::pipelines::PipelinePlan;
use super::{NAME_CHARS, RENAME_OURS, Wanted, names};
use crate::record::{Entity, fold_name};
use crate::report::page::counted;
use crate::report::plan::conflicts::{Conflict, Found};
use crate::report::plan::{PlannedPipeline, PlannedStage};

/// Judges every pipeline to be there.
pub(super) fn judge(inventory: &Inventory, wanted: &Wanted<'_>, conflicts: &mut Vec<Conflict>) -> Vec<PlannedPipeline> {
    wanted.pipelines.iter().map(|plan| judge_one(inventory, wanted, plan, conflicts)).collect()
}

fn judge_one(
    inventory: &Inventory,
    wanted: &Wanted<'_>,
    plan: &PipelinePlan,
    conflicts: &mut Vec<Conflict>,
) -> PlannedPipeline {
    let named = |entity, there: Option<&Known>, is_several: bool| match there {
        None => Found::New,
        Some(_) if is_several => Found::InTheWay,
        Some(known) if wanted.ours.made(entity, &known.id) => Found::Ours,
        Some(_) => Found::There,
    };
    let there: Vec<&Known> = inventory.pipelines.iter().filter(|known| known.is_called(&plan.name)).collect();
    if there.len() > 1 {
        let says =
            format!("The account has {} pipelines of that name, and nobody can tell which is meant.", there.len());
        conflicts
            .push(Conflict::block("Pipeline", &plan.name, says).way(RENAME_OURS).way("rename theirs in Pipedrive"));
    }
    let longest =
        plan.stages.iter().map(|stage| &stage.name).chain([&plan.name]).find(|name| name.chars().count() > NAME_CHARS);
    if let Some(name) = longest {
        let says = format!("A name of it is longer than {NAME_CHARS} characters: '{name}'.");
        conflicts
            .push(Conflict::block("Pipeline", &plan.name, says).way("shorten it, in the mapping or at the source"));
    }
    let stages = there.first().map(|pipeline| inventory.stages_of(pipeline)).unwrap_or_default();
    let same = |name: &str| stages.iter().filter(|stage| stage.is_called(name)).copied().collect::<Vec<_>>();
    let planned = plan.stages.iter().map(|stage| {
        let same = same(&stage.name);
        let found = named(Entity::Stage, same.first().copied(), same.len() > 1);
        if found == Found::InTheWay {
            let about = format!("Stage of pipeline '{}'", plan.name);
            let says = format!("The pipeline has {} stages of that name.", same.len());
            conflicts.push(Conflict::block(about, &stage.name, says).way("rename all but one of them in Pipedrive"));
        }
        PlannedStage { name: stage.name.clone(), found, probability: stage.probability.map(Into::into) }
    });
    let stages_planned: Vec<PlannedStage> = planned.collect();
    let found = named(Entity::Pipeline, there.first().copied(), there.len() > 1);
    if found == Found::There
        && let Some(pipeline) = there.first()
    {
        conflicts.push(Conflict::notice("Pipeline", &plan.name, says(pipeline, &stages, plan)));
    }
    PlannedPipeline { name: plan.name.clone(), found, stages: stages_planned }
}

/// What becomes of a pipeline that is there.
fn says(pipeline: &Known, stages: &[&Known], plan: &PipelinePlan) -> String {
    let find = |name: &str| stages.iter().position(|stage| stage.is_called(name));
    let mut says = vec![match pipeline.text("name") {
        same if same == plan.name => "It is there and is used as it is.".to_owned(),
        other => format!("It is there as '{other}' and is used as it is."),
    }];
    let (known, missing): (Vec<_>, Vec<_>) = plan.stages.iter().partition(|stage| find(&stage.name).is_some());
    let list = |stages: &[&super::super::pipelines::StagePlan]| {
        names(&stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>())
    };
    if !known.is_empty() {
        says.push(format!("Of our stages it has {}.", list(&known)));
    }
    if !missing.is_empty() {
        says.push(format!("Added behind its last stage: {}.", list(&missing)));
    }
    let others: Vec<&str> = stages
        .iter()
        .map(|stage| stage.text("name"))
        .filter(|name| plan.stages.iter().all(|own| fold_name(&own.name) != fold_name(name)))
        .collect();
    if !others.is_empty() {
        says.push(format!(
            "{} of its own: {}.",
            counted(others.len() as u64, "stage stays", "stages stay"),
            names(&others)
        ));
    }
    let places: Vec<usize> = known.iter().filter_map(|stage| find(&stage.name)).collect();
    if !places.is_sorted() {
        says.push("Its stages stand in another order than ours and stay so.".to_owned());
    }
    if plan.has_probability && pipeline.flag("is_deal_probability_enabled") == Some(false) {
        says.push("It does not use probabilities, and that is not changed.".to_owned());
    }
    for stage in &known {
        let theirs = find(&stage.name).and_then(|place| stages[place].number("deal_probability"));
        if let (Some(theirs), Some(ours)) = (theirs, stage.probability)
            && theirs != ours
        {
            says.push(format!(
                "The probability of '{}' is {theirs} % there and {ours} % at the source; it stays.",
                stage.name
            ));
        }
    }
    says.join(" ")
}
