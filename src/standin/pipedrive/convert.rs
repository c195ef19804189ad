//! Turning a lead into a deal and back (API v2): a job that is asked for, runs a while and can be looked up.
//!
//! Facts: OpenAPI v2 of 2026-08-18, `/leads/{id}/convert/deal` and `/deals/{id}/convert/lead`. How long it takes is in no
//! document; a setting says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::check::{self, Body, Purpose};
use super::crud::{self, Resource as _};
use super::deals::Deal;
use super::envelope::{Answer, OLD_SHAPE, Refusal};
use super::leads::{self, Lead};
use super::limits::Arrival;
use super::links::{self, Anchor};
use super::pipelines;
use super::state::{Act, State};
use crate::clock::Moment;

/// How long a conversion can be looked up ("a few days").
const KEPT: Duration = Duration::from_secs(3 * 86_400);

/// One job.
#[derive(Debug, Clone)]
pub(super) struct Conversion {
    act: Act,
    source: Source,
    asked_at: Moment,
    due: Moment,
    /// Id of what came of it, or that nothing did.
    result: Option<Result<Value, ()>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Source {
    /// A lead and the stage that its deal goes to.
    Lead(Uuid, Option<u64>),
    Deal(u64),
}

/// All jobs by their id.
pub(super) type Conversions = BTreeMap<Uuid, Conversion>;

/// Asks for a conversion.
///
/// # Errors
/// 404 for an unknown record, 400 for an unknown stage or pipeline.
pub(super) fn ask_lead(state: &mut State, act: &Act, id: &str, body: &[u8]) -> Result<Answer, Refusal> {
    let lead = Uuid::parse_str(id).ok().filter(|id| leads::exists(state, *id)).ok_or_else(missing)?;
    let mut body =
        if body.is_empty() { Body::new(Map::new(), Purpose::Create) } else { Body::parse(body, Purpose::Create)? };
    let (mut stage, mut pipeline) = (None, None);
    body.put_or_null("stage_id", &mut stage, check::link("Stage", |id| pipelines::stage(state, id).is_some()));
    body.put_or_null("pipeline_id", &mut pipeline, check::link("Pipeline", |id| state.pipelines.live(id).is_some()));
    body.finish(false)?;
    let stage = stage.or_else(|| pipelines::first_stage(state, pipeline?));
    Ok(ask(state, act, Source::Lead(lead, stage)))
}

/// The same for a deal.
///
/// # Errors
/// 404 for an unknown deal.
pub(super) fn ask_deal(state: &mut State, act: &Act, id: &str) -> Result<Answer, Refusal> {
    let deal = id.parse().ok().filter(|id| state.deals.live(*id).is_some()).ok_or_else(missing)?;
    Ok(ask(state, act, Source::Deal(deal)))
}

/// 404 with the text of the document.
fn missing() -> Refusal {
    Refusal { status: 404, error: "Entity was not found".to_owned(), code: Some(OLD_SHAPE) }
}

fn ask(state: &mut State, act: &Act, source: Source) -> Answer {
    let id = state.uuid();
    let due = act.moment + state.settings.conversion;
    state.conversions.insert(id, Conversion { act: *act, source, asked_at: act.moment, due, result: None });
    Answer::json(
        200,
        json!({"success": true, "data": {"conversion_id": id.to_string()}, "additional_data": null}).to_string(),
    )
}

/// Carries out the jobs whose time has come, and forgets old ones.
pub(super) fn run_due(state: &mut State, now: Arrival) {
    if state.conversions.is_empty() {
        return;
    }
    state.conversions.retain(|_, own| now.moment.since(own.asked_at) < KEPT);
    let due: Vec<Uuid> = state
        .conversions
        .iter()
        .filter(|(_, own)| own.result.is_none() && own.due <= now.moment)
        .map(|(id, _)| *id)
        .collect();
    for id in due {
        let Some(job) = state.conversions.get(&id).cloned() else { continue };
        let act = Act { now: now.at, moment: now.moment, ..job.act };
        let done = match job.source {
            Source::Lead(lead, stage) => lead_to_deal(state, &act, lead, stage).map(Value::from),
            Source::Deal(deal) => deal_to_lead(state, &act, deal).map(|lead| Value::from(lead.to_string())),
        };
        if let Some(job) = state.conversions.get_mut(&id) {
            job.result = Some(done.map_err(drop));
        }
    }
}

fn lead_to_deal(state: &mut State, act: &Act, lead: Uuid, stage: Option<u64>) -> Result<u64, Refusal> {
    let number = crud::number::<Lead>(state, &lead.to_string())?;
    let deal = leads::convert(state, act, number, stage)?;
    links::shift(state, act, Anchor::Lead(lead), Anchor::Deal(deal));
    Ok(deal)
}

/// What people do too: a lead takes the deal's place.
///
/// # Errors
/// 404 for an unknown deal, 403 for one without person and organization, which no lead can be.
pub(super) fn deal_to_lead(state: &mut State, act: &Act, deal: u64) -> Result<Uuid, Refusal> {
    let row = Deal::clone(crud::live::<Deal>(state, deal)?);
    let (keys, custom) = row.as_lead();
    let mut lead = Lead::blank(state, act);
    let mut body = Body::new(keys, Purpose::Create);
    lead.apply(&mut body, state, act);
    body.finish(false)?;
    lead.take_over(deal, custom);
    crud::delete::<Deal>(state, act, deal)?;
    let number = crud::add(state, act, lead)?;
    let id = crud::live::<Lead>(state, number)?.uuid();
    links::shift(state, act, Anchor::Deal(deal), Anchor::Lead(id));
    Ok(id)
}

/// The state of a job; `of_lead` tells which of the two endpoints is asked.
///
/// # Errors
/// 404 for an unknown job, or one of another record.
pub(super) fn status(state: &State, act: &Act, of_lead: bool, id: &str, job: &str) -> Result<Answer, Refusal> {
    let job_id = Uuid::parse_str(job).map_err(|_| missing())?;
    let job = state.conversions.get(&job_id).ok_or_else(missing)?;
    let own = match &job.source {
        Source::Lead(lead, _) => of_lead && lead.to_string() == id,
        Source::Deal(deal) => !of_lead && deal.to_string() == id,
    };
    if !own {
        return Err(missing());
    }
    let mut data = json!({"conversion_id": job_id.to_string()});
    let half = job.due.since(job.asked_at) / 2;
    data["status"] = Value::from(match &job.result {
        None if act.moment.since(job.asked_at) < half => "not_started",
        None => "running",
        Some(Ok(_)) => "completed",
        Some(Err(())) => "failed",
    });
    if let Some(Ok(made)) = &job.result {
        data[if of_lead { "deal_id" } else { "lead_id" }] = made.clone();
    }
    Ok(Answer::json(200, json!({"success": true, "data": data, "additional_data": null}).to_string()))
}
