//! Records in the shapes that API v1 still answers with, for kinds whose own endpoints have moved to API v2: what merges,
//! duplicates, recents, participants and the archived list of v1 say.
//!
//! Facts: OpenAPI v1 of 2026-08-18, schemas and examples of those endpoints. A row is made from the same record's row of
//! API v2. What this account does not keep, such as mail and followers, is zero or null. Deals of an organization's people
//! are its related deals; no document says what related means.

use serde_json::{Map, Value, json};

use super::crud::Resource;
use super::custom::Custom;
use super::custom_flat;
use super::deals::Deal;
use super::field_set::FieldSet;
use super::older_rows;
use super::organizations::Organization;
use super::persons::Person;
use super::pipelines::{Pipeline, Stage};
use super::saved::Saved as _;
use super::state::State;
use super::tally::{Tallies, Tally};
use super::users;

/// A record's row of API v2; null where there is none.
pub(super) fn newer<R: Resource>(state: &State, id: u64) -> Value {
    let mut text = Vec::with_capacity(512);
    if let Some(row) = R::table(state).get(id) {
        row.write(state, None, &mut text);
    }
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Whether links are ids, or the records they lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Ids,
    Records,
}

/// A deal.
pub(super) fn deal(state: &State, id: u64, tallies: &Tallies, links: Links) -> Value {
    let own = newer::<Deal>(state, id);
    let tally = tallies.deal(id);
    let stage = newer::<Stage>(state, number(&own["stage_id"]));
    let pipeline = newer::<Pipeline>(state, number(&own["pipeline_id"]));
    let currency = own["currency"].as_str().unwrap_or_default();
    let weighted = weighted(&own, &stage, &pipeline);
    let mut row = picked(
        &own,
        &["id", "stage_id", "title", "value", "currency", "is_archived", "status", "probability", "lost_reason"],
    );
    extend(&mut row, &own, &["pipeline_id", "expected_close_date", "origin", "origin_id", "channel", "channel_id"]);
    extend(&mut row, &own, &["acv", "arr", "mrr", "local_won_date", "local_lost_date", "local_close_date"]);
    extend(&mut row, &own, &["source_lead_id"]);
    times(&mut row, &own, &["add_time", "update_time", "stage_change_time", "close_time", "won_time", "lost_time"]);
    times(&mut row, &own, &["archive_time"]);
    for (key, value) in [
        ("active", json!(own["is_deleted"] == false)),
        ("deleted", own["is_deleted"].clone()),
        ("visible_to", as_text(&own["visible_to"])),
        ("first_won_time", time(&own["won_time"])),
        ("label", joined(&own["label_ids"])),
        ("stage_order_nr", stage["order_nr"].clone()),
        ("person_name", name_of::<Person>(state, &own["person_id"])),
        ("org_name", name_of::<Organization>(state, &own["org_id"])),
        ("formatted_value", money(&own["value"], currency)),
        ("weighted_value", weighted.clone()),
        ("formatted_weighted_value", money(&weighted, currency)),
        ("weighted_value_currency", own["currency"].clone()),
        ("owner_name", user_name(state, &own["owner_id"])),
        ("cc_email", json!(cc(state, &format!("+deal{id}")))),
        ("org_hidden", json!(false)),
        ("person_hidden", json!(false)),
        ("products_count", json!(tally.products)),
        ("participants_count", json!(tally.participants + u64::from(!own["person_id"].is_null()))),
    ] {
        row.insert(key.to_owned(), value);
    }
    for key in ["acv", "arr", "mrr"] {
        let known = !own[key].is_null();
        row.insert(format!("{key}_currency"), if known { own["currency"].clone() } else { Value::Null });
    }
    nulls(&mut row, &["last_incoming_mail_time", "last_outgoing_mail_time", "rotten_time", "sequence_enrollment"]);
    counts(&mut row, tally);
    next_in_words(&mut row, tally);
    let custom = state.deals.get(id).and_then(|deal| deal.custom().cloned());
    flat(&mut row, custom.as_ref(), &state.deal_fields);
    for (key, from) in [("creator_user_id", "creator_user_id"), ("user_id", "owner_id")] {
        let user = if links == Links::Ids { own[from].clone() } else { pictured(user(state, &own[from], true)) };
        row.insert(key.to_owned(), user);
    }
    let (person_id, org_id) = (own["person_id"].clone(), own["org_id"].clone());
    row.insert(
        "person_id".to_owned(),
        if links == Links::Ids { person_id } else { person_in_short(state, &person_id, true) },
    );
    row.insert(
        "org_id".to_owned(),
        if links == Links::Ids { org_id } else { organization_in_short(state, &org_id, tallies, true) },
    );
    Value::Object(row)
}

/// A person.
pub(super) fn person(state: &State, id: u64, tallies: &Tallies, links: Links) -> Value {
    let own = newer::<Person>(state, id);
    let tally = tallies.person(id);
    let mut row = picked(&own, &["id", "name", "first_name", "last_name", "label_ids", "picture_id"]);
    times(&mut row, &own, &["add_time", "update_time"]);
    common(&mut row, &own, state);
    for (key, value) in [
        ("phone", contacts(&own["phones"])),
        ("email", contacts(&own["emails"])),
        ("primary_email", primary(&own["emails"])),
        ("org_name", name_of::<Organization>(state, &own["org_id"])),
        ("participant_open_deals_count", json!(tally.participant_open)),
        ("participant_closed_deals_count", json!(tally.participant_closed)),
        ("delete_time", if own["is_deleted"] == true { time(&own["update_time"]) } else { Value::Null }),
    ] {
        row.insert(key.to_owned(), value);
    }
    nulls(&mut row, &["last_incoming_mail_time", "last_outgoing_mail_time"]);
    counts(&mut row, tally);
    deals_of(&mut row, tally);
    let custom = state.persons.get(id).and_then(|person| person.custom().cloned());
    flat(&mut row, custom.as_ref(), &state.person_fields);
    let (owner, organization) = match links {
        Links::Ids => (own["owner_id"].clone(), own["org_id"].clone()),
        Links::Records => {
            (user(state, &own["owner_id"], true), organization_in_short(state, &own["org_id"], tallies, true))
        }
    };
    row.insert("owner_id".to_owned(), owner);
    row.insert("org_id".to_owned(), organization);
    Value::Object(row)
}

/// An organization.
pub(super) fn organization(state: &State, id: u64, tallies: &Tallies) -> Value {
    let own = newer::<Organization>(state, id);
    let tally = tallies.organization(id);
    let mut row = picked(&own, &["id", "name", "label_ids"]);
    times(&mut row, &own, &["add_time", "update_time"]);
    common(&mut row, &own, state);
    address(&mut row, "address", &own["address"]);
    for (key, value) in [
        ("owner_id", user(state, &own["owner_id"], true)),
        ("people_count", json!(tally.people)),
        ("delete_time", if own["is_deleted"] == true { time(&own["update_time"]) } else { Value::Null }),
    ] {
        row.insert(key.to_owned(), value);
    }
    for key in ["website", "linkedin", "industry", "annual_revenue", "employee_count"] {
        if let Some(value) = own.get(key) {
            row.insert(key.to_owned(), value.clone());
        }
    }
    nulls(&mut row, &["picture_id", "country_code", "address_country_code"]);
    counts(&mut row, tally);
    deals_of(&mut row, tally);
    let custom = state.organizations.get(id).and_then(|own| own.custom().cloned());
    flat(&mut row, custom.as_ref(), &state.organization_fields);
    Value::Object(row)
}

/// What stands beside the rows of deals and participants: the records that they name, by kind and id.
pub(super) fn related(state: &State, rows: &[Value], tallies: &Tallies) -> Value {
    let mut all = Map::new();
    for (kind, keys) in [
        ("user", &["creator_user_id", "user_id", "added_by_user_id", "owner_id"][..]),
        ("organization", &["org_id"]),
        ("person", &["person_id"]),
    ] {
        let mut own = Map::new();
        let inner = rows.iter().filter_map(|row| row.get("person").filter(|person| person.is_object()));
        let ids = rows.iter().chain(inner).flat_map(|row| keys.iter().filter_map(|key| row.get(*key)?.get("value")));
        for id in ids {
            let value = match kind {
                "user" => user(state, id, false),
                "organization" => organization_in_short(state, id, tallies, false),
                _ => person_in_short(state, id, false),
            };
            if !value.is_null() {
                own.insert(id.to_string(), value);
            }
        }
        if !own.is_empty() {
            all.insert(kind.to_owned(), Value::Object(own));
        }
    }
    for (kind, key) in [("stage", "stage_id"), ("pipeline", "pipeline_id")] {
        let ids = rows.iter().filter_map(|row| row.get(key)?.as_u64());
        let own: Map<String, Value> = ids.map(|id| (id.to_string(), step(state, kind, id))).collect();
        if !own.is_empty() {
            all.insert(kind.to_owned(), Value::Object(own));
        }
    }
    Value::Object(all)
}

/// A pipeline, or a stage with what it says of its pipeline.
fn step(state: &State, kind: &str, id: u64) -> Value {
    if kind == "pipeline" {
        return older_rows::pipeline(state, id);
    }
    let mut stage = older_rows::stage(state, id);
    let pipeline = newer::<Pipeline>(state, number(&stage["pipeline_id"]));
    stage["pipeline_name"] = pipeline["name"].clone();
    stage["pipeline_deal_probability"] = pipeline["is_deal_probability_enabled"].clone();
    stage
}

/// A user as rows name one; `in_place` of a link it has its id as value too.
pub(super) fn user(state: &State, id: &Value, in_place: bool) -> Value {
    let Some(own) = users::get(state, number(id)) else { return Value::Null };
    let mut row = json!({"id": own.id, "name": own.name, "email": own.email, "has_pic": 0, "pic_hash": null, "active_flag": true});
    if in_place {
        row["value"] = json!(own.id);
    }
    row
}

/// The archived list says whether there is a picture by a boolean (OpenAPI v1, schema and example).
fn pictured(mut user: Value) -> Value {
    if user.is_object() {
        user["has_pic"] = json!(false);
    }
    user
}

/// A person as rows name one.
pub(super) fn person_in_short(state: &State, id: &Value, in_place: bool) -> Value {
    let own = newer::<Person>(state, number(id));
    if own.is_null() {
        return own;
    }
    let mut row = json!({"active_flag": own["is_deleted"] == false, "name": own["name"], "email": contacts(&own["emails"]),
        "phone": contacts(&own["phones"]), "owner_id": own["owner_id"], "company_id": state.settings.company_id});
    row[if in_place { "value" } else { "id" }] = id.clone();
    row
}

/// An organization as rows name one.
fn organization_in_short(state: &State, id: &Value, tallies: &Tallies, in_place: bool) -> Value {
    let own = newer::<Organization>(state, number(id));
    if own.is_null() {
        return own;
    }
    let mut row = json!({"name": own["name"], "people_count": tallies.organization(number(id)).people,
        "owner_id": own["owner_id"], "address": own["address"]["value"], "label_ids": own["label_ids"],
        "active_flag": own["is_deleted"] == false, "cc_email": cc(state, ""),
        "owner_name": user_name(state, &own["owner_id"])});
    row[if in_place { "value" } else { "id" }] = id.clone();
    row
}

/// An address as flat keys with a common beginning.
pub(super) fn address(row: &mut Map<String, Value>, start: &str, own: &Value) {
    row.insert(start.to_owned(), own["value"].clone());
    for part in super::address::PARTS {
        row.insert(format!("{start}_{part}"), own[part].clone());
    }
    row.insert(format!("{start}_formatted_address"), own["value"].clone());
}

/// What persons and organizations have alike.
fn common(row: &mut Map<String, Value>, own: &Value, state: &State) {
    let first = own["name"].as_str().and_then(|name| name.chars().next());
    for (key, value) in [
        ("company_id", json!(state.settings.company_id)),
        ("active_flag", json!(own["is_deleted"] == false)),
        ("first_char", json!(first.map(|first| first.to_lowercase().to_string()))),
        ("visible_to", as_text(&own["visible_to"])),
        ("label", own["label_ids"][0].clone()),
        ("owner_name", user_name(state, &own["owner_id"])),
        ("cc_email", json!(cc(state, ""))),
    ] {
        row.insert(key.to_owned(), value);
    }
}

/// What hangs on a record, counted.
fn counts(row: &mut Map<String, Value>, tally: &Tally) {
    let next = tally.next.as_ref();
    let last = tally.last.as_ref();
    for (key, value) in [
        ("notes_count", json!(tally.notes)),
        ("files_count", json!(tally.files)),
        ("activities_count", json!(tally.done + tally.undone)),
        ("done_activities_count", json!(tally.done)),
        ("undone_activities_count", json!(tally.undone)),
        ("email_messages_count", json!(0)),
        ("followers_count", json!(0)),
        ("next_activity_id", json!(next.map(|own| own.id))),
        ("next_activity_date", json!(next.map(|own| own.date))),
        ("next_activity_time", json!(next.and_then(|own| own.time))),
        ("last_activity_id", json!(last.map(|own| own.id))),
        ("last_activity_date", json!(last.map(|own| own.date))),
    ] {
        row.insert(key.to_owned(), value);
    }
}

/// The next activity in words, which only deals have.
fn next_in_words(row: &mut Map<String, Value>, tally: &Tally) {
    let next = tally.next.as_ref().map(|own| &own.words);
    for (key, from) in [("subject", "subject"), ("type", "type"), ("duration", "duration"), ("note", "note")] {
        row.insert(format!("next_activity_{key}"), next.map_or(Value::Null, |words| words[from].clone()));
    }
}

/// The deals of a person or an organization, counted.
fn deals_of(row: &mut Map<String, Value>, tally: &Tally) {
    for (start, own) in [("", &tally.deals), ("related_", &tally.related)] {
        row.insert(format!("{start}open_deals_count"), json!(own.open));
        row.insert(format!("{start}closed_deals_count"), json!(own.won + own.lost));
        row.insert(format!("{start}won_deals_count"), json!(own.won));
        row.insert(format!("{start}lost_deals_count"), json!(own.lost));
    }
}

/// Custom values as flat keys; those that are not set are null.
fn flat(row: &mut Map<String, Value>, custom: Option<&Custom>, fields: &FieldSet) {
    for field in fields.live_custom() {
        row.insert(field.code.clone(), Value::Null);
    }
    let Some(custom) = custom else { return };
    let mut text = Vec::new();
    custom_flat::write(custom, fields, &mut text);
    // What is written begins with a comma.
    let Some(start) = text.first_mut() else { return };
    *start = b'{';
    text.push(b'}');
    row.extend(serde_json::from_slice::<Map<String, Value>>(&text).unwrap_or_default());
}

/// Contacts of API v1: none is one that is empty, as recorded answers have it.
fn contacts(own: &Value) -> Value {
    if own.as_array().is_none_or(Vec::is_empty) { json!([{"value": "", "primary": true}]) } else { own.clone() }
}

fn primary(contacts: &Value) -> Value {
    let primary = contacts.as_array().into_iter().flatten().find(|own| own["primary"] == true);
    primary.map_or(Value::Null, |own| own["value"].clone())
}

/// The value weighted by probability, where the pipeline has probabilities.
fn weighted(own: &Value, stage: &Value, pipeline: &Value) -> Value {
    let value = own["value"].as_f64().unwrap_or_default();
    if pipeline["is_deal_probability_enabled"] != true {
        return own["value"].clone();
    }
    let percent = own["probability"].as_f64().or_else(|| stage["deal_probability"].as_f64()).unwrap_or(100.0);
    json!((value * percent).round() / 100.0)
}

/// An amount as people read it: the sign of its currency, and commas between thousands.
fn money(value: &Value, currency: &str) -> Value {
    let text = value.to_string();
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (minus, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let rest = rest.filter(|rest| rest.bytes().any(|digit| digit != b'0')).map(|rest| format!(".{rest}"));
    json!(format!("{minus}{}{grouped}{}", users::symbol(currency), rest.unwrap_or_default()))
}

/// The address that takes copies of mail.
pub(super) fn cc(state: &State, end: &str) -> String {
    format!("{}{end}@pipedrivemail.example", state.settings.company_domain)
}

pub(super) fn user_name(state: &State, id: &Value) -> Value {
    users::get(state, number(id)).map_or(Value::Null, |user| json!(user.name))
}

pub(super) fn name_of<R: Resource>(state: &State, id: &Value) -> Value {
    let row = newer::<R>(state, number(id));
    row.get("name").or_else(|| row.get("title")).cloned().unwrap_or_default()
}

/// A time as API v1 writes it; null stays.
pub(super) fn time(value: &Value) -> Value {
    value.as_str().map_or(Value::Null, |text| json!(text.replace('T', " ").trim_end_matches('Z')))
}

fn times(row: &mut Map<String, Value>, own: &Value, keys: &[&str]) {
    for key in keys {
        row.insert((*key).to_owned(), time(&own[*key]));
    }
}

fn as_text(value: &Value) -> Value {
    if value.is_null() { Value::Null } else { json!(value.to_string()) }
}

/// Ids in one text with commas; null for none.
fn joined(ids: &Value) -> Value {
    let ids: Vec<String> = ids.as_array().into_iter().flatten().map(ToString::to_string).collect();
    if ids.is_empty() { Value::Null } else { json!(ids.join(",")) }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn picked(own: &Value, keys: &[&str]) -> Map<String, Value> {
    let mut row = Map::new();
    extend(&mut row, own, keys);
    row
}

fn extend(row: &mut Map<String, Value>, own: &Value, keys: &[&str]) {
    row.extend(keys.iter().map(|key| ((*key).to_owned(), own[*key].clone())));
}

fn nulls(row: &mut Map<String, Value>, keys: &[&str]) {
    row.extend(keys.iter().map(|key| ((*key).to_owned(), Value::Null)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_as_people_write_it() {
        let check = |value: Value, currency: &str, expected: &str| assert_eq!(money(&value, currency), expected);
        check(json!(50_000), "USD", "$50,000");
        check(json!(0), "USD", "$0");
        check(json!(-1_234_567.5), "EUR", "-€1,234,567.5");
        check(json!(999), "CHF", "CHF999");
    }

    #[test]
    fn times_and_ids_are_texts() {
        assert_eq!(time(&json!("2026-03-02T10:00:00Z")), "2026-03-02 10:00:00");
        assert_eq!(
            (time(&Value::Null), joined(&json!([])), joined(&json!([3, 4]))),
            (Value::Null, Value::Null, json!("3,4"))
        );
    }
}
