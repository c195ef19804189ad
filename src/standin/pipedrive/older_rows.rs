//! Activities, products, pipelines and stages in the shapes of API v1, and what a page of recents says of every kind.
//!
//! Facts: OpenAPI v1 of 2026-08-18, `GET /v1/recents`; see `older` for deals, persons and organizations.

use serde_json::{Map, Value, json};

use super::activities::Activity;
use super::activity_types::ActivityType;
use super::deals::Deal;
use super::files::File;
use super::leads::Lead;
use super::notes::Note;
use super::older::{self, Links};
use super::organizations::Organization;
use super::persons::Person;
use super::pipelines::{Pipeline, Stage};
use super::products::Product;
use super::state::State;
use super::tally::Tallies;

/// A record of recents, by the name that recents have for its kind.
pub(super) fn row(state: &State, kind: &str, id: u64, tallies: &Tallies) -> Value {
    match kind {
        "activity" => activity(state, id),
        "activityType" => older::newer::<ActivityType>(state, id),
        "deal" => older::deal(state, id, tallies, Links::Ids),
        "file" => older::newer::<File>(state, id),
        "note" => older::newer::<Note>(state, id),
        "organization" => older::organization(state, id, tallies),
        "person" => older::person(state, id, tallies, Links::Ids),
        "pipeline" => pipeline(state, id),
        "product" => product(state, id),
        _ => stage(state, id),
    }
}

fn activity(state: &State, id: u64) -> Value {
    let own = older::newer::<Activity>(state, id);
    // Minutes are enough for v1, and what is not set is an empty text (recorded answers).
    let minutes = |key: &str| own[key].as_str().map_or("", |text| text.get(..5).unwrap_or(text)).to_owned();
    let kind = own["type"].as_str().unwrap_or_default();
    let lead = own["lead_id"].as_str().and_then(|id| state.lead_numbers.get(&id.parse().ok()?));
    let mut row = json!({
        "id": id,
        "company_id": state.settings.company_id,
        "user_id": own["owner_id"],
        "assigned_to_user_id": own["owner_id"],
        "created_by_user_id": own["creator_user_id"],
        "owner_name": older::user_name(state, &own["owner_id"]),
        "done": own["done"],
        "type": kind,
        "type_name": super::activity_types::name(state, kind),
        "due_date": own["due_date"],
        "due_time": minutes("due_time"),
        "duration": minutes("duration"),
        "busy_flag": own["busy"],
        "add_time": older::time(&own["add_time"]),
        "update_time": older::time(&own["update_time"]),
        "marked_as_done_time": older::time(&own["marked_as_done_time"]).as_str().unwrap_or_default(),
        "active_flag": own["is_deleted"] == false,
        "org_name": older::name_of::<Organization>(state, &own["org_id"]),
        "person_name": older::name_of::<Person>(state, &own["person_id"]),
        "deal_title": older::name_of::<Deal>(state, &own["deal_id"]),
        "lead_title": lead.map(|number| older::name_of::<Lead>(state, &json!(number))),
        "person_dropbox_bcc": (!own["person_id"].is_null()).then(|| older::cc(state, "")),
        "deal_dropbox_bcc": own["deal_id"].as_u64().map(|deal| older::cc(state, &format!("+deal{deal}"))),
        "attendees": listed(&own["attendees"], attendee),
        "participants": listed(&own["participants"], |one| {
            json!({"person_id": one["person_id"], "primary_flag": one["primary"]})
        }),
        "private": false,
    });
    if let Value::Object(row) = &mut row {
        for key in ["subject", "deal_id", "lead_id", "person_id", "org_id", "project_id", "note", "priority"] {
            row.insert(key.to_owned(), own[key].clone());
        }
        for key in
            ["public_description", "conference_meeting_client", "conference_meeting_url", "conference_meeting_id"]
        {
            row.insert(key.to_owned(), own[key].clone());
        }
        older::address(row, "location", &own["location"]);
        row.extend(NOT_KEPT.iter().map(|key| ((*key).to_owned(), Value::Null)));
    }
    row
}

/// Keys of an activity that need calendars, notifications or repetition, which this account has not.
const NOT_KEPT: [&str; 19] = [
    "reference_type",
    "reference_id",
    "last_notification_time",
    "last_notification_user_id",
    "notification_language_id",
    "update_user_id",
    "gcal_event_id",
    "google_calendar_id",
    "google_calendar_etag",
    "calendar_sync_include_context",
    "source_timezone",
    "rec_rule",
    "rec_rule_extension",
    "rec_master_activity_id",
    "original_start_time",
    "series",
    "is_recurring",
    "file",
    "lead",
];

fn attendee(own: &Value) -> Value {
    json!({"email_address": own["email"], "is_organizer": u8::from(own["is_organizer"] == true), "name": own["name"],
        "person_id": own["person_id"], "status": own["status"], "user_id": own["user_id"]})
}

/// A list, or null for an empty one.
fn listed(own: &Value, write: impl Fn(&Value) -> Value) -> Value {
    let rows: Vec<Value> = own.as_array().into_iter().flatten().map(write).collect();
    if rows.is_empty() { Value::Null } else { Value::Array(rows) }
}

fn product(state: &State, id: u64) -> Value {
    let own = older::newer::<Product>(state, id);
    let files = state.files.iter().filter(|file| !file.meta.is_deleted && file.links[3] == Some(id)).count();
    let first = own["name"].as_str().and_then(|name| name.chars().next());
    let price = |(place, price): (usize, &Value)| {
        json!({"id": place + 1, "product_id": id, "price": price["price"], "currency": price["currency"],
            "cost": price["cost"], "overhead_cost": price["direct_cost"], "notes": price["notes"]})
    };
    let prices: Vec<Value> = own["prices"].as_array().into_iter().flatten().enumerate().map(price).collect();
    let mut row = Map::new();
    for key in ["id", "name", "code", "description", "unit", "tax", "visible_to", "owner_id"] {
        row.insert(key.to_owned(), own[key].clone());
    }
    for (key, value) in [
        ("category", own["category"].as_u64().map_or(Value::Null, |id| json!(id.to_string()))),
        ("active_flag", json!(own["is_deleted"] == false)),
        ("selectable", own["is_linkable"].clone()),
        ("first_char", json!(first.map(|first| first.to_lowercase().to_string()))),
        ("files_count", json!(files)),
        ("add_time", older::time(&own["add_time"])),
        ("update_time", older::time(&own["update_time"])),
        ("prices", json!(prices)),
        ("product_variations", json!([])),
    ] {
        row.insert(key.to_owned(), value);
    }
    Value::Object(row)
}

/// A pipeline.
pub(super) fn pipeline(state: &State, id: u64) -> Value {
    let own = older::newer::<Pipeline>(state, id);
    let url = own["name"].as_str().unwrap_or_default().replace(' ', "-");
    json!({"id": id, "name": own["name"], "url_title": if id == 1 { "default" } else { url.as_str() },
        "order_nr": own["order_nr"], "active": own["is_deleted"] == false,
        "deal_probability": own["is_deal_probability_enabled"], "add_time": older::time(&own["add_time"]),
        "update_time": older::time(&own["update_time"])})
}

/// A stage.
pub(super) fn stage(state: &State, id: u64) -> Value {
    let own = older::newer::<Stage>(state, id);
    json!({"id": id, "order_nr": own["order_nr"], "name": own["name"], "active_flag": own["is_deleted"] == false,
        "deal_probability": own["deal_probability"], "pipeline_id": own["pipeline_id"],
        "rotten_flag": own["is_deal_rot_enabled"], "rotten_days": own["days_to_rotten"],
        "add_time": older::time(&own["add_time"]), "update_time": older::time(&own["update_time"])})
}
