//! What changed lately (API v1): of many kinds at once, by time of change, at most a month back.
//!
//! Facts: fact sheet 5.16, OpenAPI v1 of 2026-08-18. Leads are not among it. Kinds that moved to API v2 have the shapes that
//! v1 had for them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::activities::Activity;
use super::activity_types::ActivityType;
use super::check;
use super::crud::Resource;
use super::deals::Deal;
use super::envelope::{Answer, Refusal};
use super::files::File;
use super::list::{PAGE_ROWS, PAGE_ROWS_MAX};
use super::notes::Note;
use super::older_rows;
use super::organizations::Organization;
use super::persons::Person;
use super::pipelines::{Pipeline, Stage};
use super::products::Product;
use super::query::Query;
use super::state::{Act, State};
use super::table::Order;
use super::tally::Tallies;
use super::users;

/// How far back it reaches (changelog of 2024-09).
const REACH: Duration = Duration::from_secs(31 * 86_400);

/// What can be asked for; filters and users never change here.
const ITEMS: [&str; 12] = [
    "activity",
    "activityType",
    "deal",
    "file",
    "filter",
    "note",
    "person",
    "organization",
    "pipeline",
    "product",
    "stage",
    "user",
];

/// Time of change, kind, id: by this rows are ordered before they are written.
type Changed = (Timestamp, &'static str, u64);

/// `GET /v1/recents`.
///
/// # Errors
/// 400 without `since_timestamp` and for values that cannot be read.
pub(super) fn page(state: &mut State, act: &Act, query: &str) -> Result<Answer, Refusal> {
    let mut query = Query::parse(query);
    if !query.has("since_timestamp") {
        query.problem("since_timestamp", "Required");
    }
    let since = query.read("since_timestamp", "YYYY-MM-DD HH:MM:SS", check::v1_instant_text).unwrap_or(act.now);
    let names = query.read("items", "known items", |text| {
        text.split(',').map(|name| ITEMS.iter().find(|own| **own == name).copied()).collect::<Option<Vec<_>>>()
    });
    let start = query.read("start", "integer", |text| text.parse::<usize>().ok()).unwrap_or(0);
    let limit = query.read("limit", "integer", |text| text.parse::<usize>().ok()).unwrap_or(PAGE_ROWS);
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    query.finish(true)?;
    let oldest = act.now.checked_sub(jiff::SignedDuration::try_from(REACH).unwrap_or_default()).unwrap_or(act.now);
    let since = since.max(oldest);
    let wanted = |name: &str| names.as_ref().is_none_or(|all| all.contains(&name));
    let mut all = Vec::new();
    for (name, collect) in KINDS {
        if wanted(name) {
            collect(state, act, (name, since), &mut all);
        }
    }
    all.sort_unstable();
    let more = all.len() > start.saturating_add(limit);
    let page: Vec<Changed> = all.into_iter().skip(start).take(limit).collect();
    let tallies = Tallies::of(state);
    let row =
        |(_, name, id): &Changed| json!({"item": name, "id": id, "data": older_rows::row(state, name, *id, &tallies)});
    let rows: Vec<Value> = page.iter().map(row).collect();
    let last = page.last().map(|(time, ..)| check::v1_text(*time));
    let mut pagination = json!({"start": start, "limit": limit, "more_items_in_collection": more});
    if more {
        pagination["next_start"] = json!(start + limit);
    }
    let beside =
        json!({"since_timestamp": check::v1_text(since), "last_timestamp_on_page": last, "pagination": pagination});
    Ok(Answer::json(200, json!({"success": true, "data": rows, "additional_data": beside}).to_string()))
}

type Collect = fn(&mut State, &Act, (&'static str, Timestamp), &mut Vec<Changed>);

const KINDS: [(&str, Collect); 10] = [
    ("activity", collect::<Activity>),
    ("activityType", collect::<ActivityType>),
    ("deal", collect::<Deal>),
    ("file", collect::<File>),
    ("note", collect::<Note>),
    ("organization", collect::<Organization>),
    ("person", collect::<Person>),
    ("pipeline", collect::<Pipeline>),
    ("product", collect::<Product>),
    ("stage", collect::<Stage>),
];

fn collect<R: Resource>(
    state: &mut State,
    act: &Act,
    (name, since): (&'static str, Timestamp),
    all: &mut Vec<Changed>,
) {
    let sees_all = users::is_admin(act.user);
    let shown = R::table_mut(state).shown(act.moment);
    let rows = shown.walk(Order::UpdateTime, false, None, (Some(since), None));
    let rows = rows.filter(|row| sees_all || row.is_seen_by(act.user));
    all.extend(rows.map(|row| (row.meta().update_time, name, row.meta().id)));
}
