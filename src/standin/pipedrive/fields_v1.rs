//! Fields in API v1: numbered, and with all options in one list, which an update sends whole. Facts: fact sheet 5.10,
//! OpenAPI v1 of 2026-08-18.
//!
//! The options of the labels of deals, persons and organizations are changed here for certain; whether the endpoints of
//! API v2 change them too is in no document, and a setting there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::check::{self, Body, Purpose};
use super::envelope::{Answer, Refusal};
use super::field_set::{FieldDef, FieldOption};
use super::fields::{self, Input, OPTIONS_MAX, Owner};
use super::ledger::Write;
use super::list::{PAGE_ROWS, PAGE_ROWS_MAX};
use super::query::Query;
use super::route::Operation;
use super::state::{Act, State};

/// Name of the labels in API v1.
const LABEL: &str = "label";

/// The one part of `ui_visibility` that API v1 writes; fields of products have none there (OpenAPI v1).
const FLAG: &str = "add_visible_flag";

/// Carries out a request about fields.
///
/// # Errors
/// 400, 403 or 404.
pub(super) fn perform(
    state: &mut State,
    act: &Act,
    (owner, operation): (Owner, Operation),
    id: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    match operation {
        Operation::ListV1 => return list(state, act, owner, input.query),
        Operation::CreateV1 => return create(state, act, owner, input),
        _ => {}
    }
    let code = code(state, owner, id)?;
    match operation {
        Operation::UpdateV1 => update(state, act, owner, &code, Body::parse(input.body, Purpose::Update)?)?,
        Operation::DeleteV1 => {
            fields::perform(state, act, (owner, Operation::Delete), &code, input)?;
            return Ok(Answer::value(200, &json!({"id": id.parse::<u64>().unwrap_or_default()})));
        }
        _ => {}
    }
    one(state, owner, &code, 200)
}

/// The code of a field that is not deleted, by its number.
fn code(state: &State, owner: Owner, id: &str) -> Result<String, Refusal> {
    let found = state.fields(owner).live().find(|def| number(def).to_string() == id);
    found.map(|def| def.code.clone()).ok_or_else(|| Refusal::not_found("Field"))
}

fn number(def: &FieldDef) -> u64 {
    u64::from(def.number) + 1
}

fn one(state: &State, owner: Owner, code: &str, status: u16) -> Result<Answer, Refusal> {
    let def = state.fields(owner).get(code).ok_or_else(|| Refusal::not_found("Field"))?;
    Ok(Answer::value(status, &row(state, def)))
}

fn list(state: &State, act: &Act, owner: Owner, query: &str) -> Result<Answer, Refusal> {
    let mut query = Query::parse(query);
    let start = query.read("start", "integer", |text| text.parse::<usize>().ok()).unwrap_or(0);
    let limit = query.read("limit", "integer", |text| text.parse::<usize>().ok()).unwrap_or(PAGE_ROWS);
    let limit = limit.clamp(1, PAGE_ROWS_MAX);
    query.finish(true)?;
    let mut rows: Vec<Value> = state
        .fields(owner)
        .live()
        .filter(|def| def.is_shown(act.moment))
        .skip(start)
        .take(limit + 1)
        .map(|def| row(state, def))
        .collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut pagination = json!({"start": start, "limit": limit, "more_items_in_collection": more});
    if more {
        pagination["next_start"] = json!(start + limit);
    }
    let body = json!({"success": true, "data": rows, "additional_data": {"pagination": pagination}});
    Ok(Answer::json(200, body.to_string()))
}

/// The same rules as in API v2, under the names of v1.
fn create(state: &mut State, act: &Act, owner: Owner, input: Input<'_>) -> Result<Answer, Refusal> {
    let mut keys = input.body_object()?;
    let name = keys.remove("name").ok_or_else(|| Refusal::invalid(&["name: Required".to_owned()]))?;
    let mut new = serde_json::Map::from_iter([("field_name".to_owned(), name)]);
    for key in ["field_type", "options"] {
        new.extend(keys.remove(key).map(|value| (key.to_owned(), value)));
    }
    if owner != Owner::Product
        && let Some(flag) = keys.remove(FLAG)
    {
        check::flag(&flag).map_err(|why| Refusal::invalid(&[format!("{FLAG}: {why}")]))?;
        new.insert("ui_visibility".to_owned(), json!({ FLAG: flag }));
    }
    let body = Value::Object(new).to_string();
    let answer = fields::perform(state, act, (owner, Operation::Create), "", Input { body: body.as_bytes(), ..input })?;
    let made: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let status = if owner == Owner::Product { 201 } else { 200 };
    one(state, owner, made["data"]["field_code"].as_str().unwrap_or_default(), status)
}

fn update(state: &mut State, act: &Act, owner: Owner, code: &str, mut body: Body) -> Result<(), Refusal> {
    let Some(def) = state.fields(owner).get(code).cloned() else { return Err(Refusal::not_found("Field")) };
    let is_label = code == "label_ids";
    let mut name = None;
    body.put_or_null("name", &mut name, check::text(check::LINE_MAX));
    if !def.is_custom() && (!is_label || name.is_some()) {
        return Err(Refusal::forbidden(format!("Field '{code}' is not a custom field and cannot be changed")));
    }
    let mut flag = None;
    if owner != Owner::Product {
        body.put_or_null(FLAG, &mut flag, check::flag);
    }
    let mut items = None;
    body.put_or_null("options", &mut items, check::list(|item| option(&def, item)));
    if items.as_ref().is_some_and(|items: &Vec<_>| items.is_empty() || items.len() > OPTIONS_MAX) {
        body.problem("options", format!("Expected 1 to {OPTIONS_MAX} options"));
    }
    body.finish(true)?;
    let mut options = BTreeMap::new();
    for (id, label) in items.unwrap_or_default() {
        let color = id.and_then(|id| def.option(id)).and_then(|own| own.color.clone());
        options.insert(id.unwrap_or_else(|| state.option_id()), FieldOption { label, color });
    }
    let options = (!options.is_empty()).then_some(options);
    let by = (act.second(), act.user);
    state.fields_mut(owner).replace(code, (name, options, flag), by, act.by_api);
    fields::wrote(state, act, owner, Write::Update);
    Ok(())
}

/// An existing option by its id, or a new one; both with a label.
fn option(def: &FieldDef, value: &Value) -> Result<(Option<u64>, String), String> {
    let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
    let id = keys.get("id").map(|id| check::link("Option", |id| def.has_option(id))(id)).transpose()?;
    Ok((id, check::text(check::LINE_MAX)(keys.get("label").unwrap_or(&Value::Null))?))
}

fn row(state: &State, def: &FieldDef) -> Value {
    // What came with the account is as old as its first user.
    let opened = state.users.first().map(|user| (user.created, user.id));
    let (made, changed) = (def.made.or(opened), def.changed.or(def.made).or(opened));
    let time = |at: Option<(Timestamp, u64)>| at.map(|(time, _)| check::v1_text(time));
    let user = |at: Option<(Timestamp, u64)>| at.map(|(_, user)| user);
    let key = if def.code == "label_ids" { LABEL } else { &def.code };
    json!({
        "id": number(def),
        "key": key,
        "name": def.name(),
        "order_nr": number(def),
        "field_type": def.kind,
        "add_time": time(made),
        "update_time": time(changed),
        "created_by_user_id": user(made),
        "last_updated_by_user_id": user(changed),
        "active_flag": true,
        "edit_flag": def.is_custom(),
        "index_visible_flag": true,
        "details_visible_flag": true,
        FLAG: def.display[0][FLAG],
        "important_flag": false,
        "bulk_edit_allowed": true,
        "searchable_flag": false,
        "filtering_allowed": true,
        "sortable_flag": true,
        "mandatory_flag": false,
        "options": def.option_rows(),
    })
}
