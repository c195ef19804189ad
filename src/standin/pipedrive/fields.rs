//! Requests about the fields of organizations, persons, deals and products (API v2), and about their options.
//!
//! Shapes: fact sheet 5.10 and 8, OpenAPI v2 `…Fields`. Codes of custom fields are 40 hexadecimal digits from the seed.

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::check::{self, Body, Purpose};
use super::envelope::{Answer, Refusal};
use super::extras;
use super::field_set::{DISPLAY, FieldDef, FieldKind, FieldOption, FieldSet, Looks, blank, option_row};
use super::ledger::Write;
use super::list;
use super::noun::Noun;
use super::query::Query;
use super::route::{Collection, Operation};
use super::state::{Act, State};

/// Options of one field ("Custom fields").
pub(super) const OPTIONS_MAX: usize = 10_000;

/// Whose fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Organization,
    Person,
    Deal,
    Product,
}

impl Owner {
    /// All of them.
    pub(super) const ALL: [Owner; 4] = [Owner::Organization, Owner::Person, Owner::Deal, Owner::Product];

    /// The owner of an endpoint's fields.
    pub(super) const fn of(collection: Collection) -> Self {
        match collection {
            Collection::OrganizationFields => Owner::Organization,
            Collection::PersonFields => Owner::Person,
            Collection::ProductFields => Owner::Product,
            _ => Owner::Deal,
        }
    }

    pub(super) const fn collection(self) -> Collection {
        match self {
            Owner::Organization => Collection::OrganizationFields,
            Owner::Person => Collection::PersonFields,
            Owner::Deal => Collection::DealFields,
            Owner::Product => Collection::ProductFields,
        }
    }

    /// How its fields look (OpenAPI v2, the answers of each of the lists).
    pub(super) fn looks(self) -> Looks {
        let dialog = || json!({"show": false, "order": null});
        let mut shown = json!({"add_visible_flag": true, "details_visible_flag": true});
        match self {
            Owner::Organization => {
                for part in ["org", "person", "deal"] {
                    shown[format!("{part}_detail_visible_flag")] = json!(true);
                }
                shown["show_in_add_deal_dialog"] = dialog();
                shown["show_in_add_person_dialog"] = dialog();
            }
            Owner::Person => shown["show_in_add_deal_dialog"] = dialog(),
            Owner::Deal => {
                shown["projects_detail_visible_flag"] = json!(true);
                shown["show_in_pipelines"] = json!({"show_in_all": true, "pipeline_ids": []});
            }
            Owner::Product => {}
        }
        let important = json!({"enabled": false, "stage_ids": []});
        let display = match self {
            Owner::Product => [shown, Value::Null, Value::Null],
            Owner::Deal => [shown, important, json!({"enabled": false, "stage_ids": [], "statuses": {}})],
            _ => [shown, important, json!({"enabled": false})],
        };
        Looks { display, is_described: matches!(self, Owner::Deal | Owner::Person) }
    }

    pub(super) const fn noun(self) -> Noun {
        match self {
            Owner::Organization => Noun::OrganizationField,
            Owner::Person => Noun::PersonField,
            Owner::Deal => Noun::DealField,
            Owner::Product => Noun::ProductField,
        }
    }
}

/// Carries out a request about fields.
///
/// # Errors
/// 400, 403 or 404.
pub(super) fn perform(
    state: &mut State,
    act: &Act,
    (owner, operation): (Owner, Operation),
    code: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    match operation {
        Operation::Create => create(state, act, owner, Body::parse(input.body, Purpose::Create)?),
        Operation::Read => read(state.fields(owner), code, input.query),
        Operation::List => list_page(state.fields(owner), act, input.query),
        Operation::Update => update(state, act, owner, code, Body::parse(input.body, Purpose::Update)?),
        Operation::Delete => {
            let def = changeable(state, owner, code)?;
            def.is_deleted = true;
            let row = def.row();
            wrote(state, act, owner, Write::Delete);
            Ok(Answer::value(200, &row))
        }
        _ => change_options(state, act, (owner, operation), code, input.body),
    }
}

/// One field of a set.
///
/// # Errors
/// 404 for an unknown code, 400 for unknown parameters.
pub(super) fn read(fields: &FieldSet, code: &str, query: &str) -> Result<Answer, Refusal> {
    let def = fields.get(code).ok_or_else(|| Refusal::not_found("Field"))?;
    let mut query = Query::parse(query);
    extras::names(&mut query, fields.namespaces());
    query.finish(false)?;
    Ok(Answer::value(200, &def.whole_row()))
}

/// What a request brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'request> {
    /// The second id of the path.
    pub(super) sub: &'request str,
    pub(super) query: &'request str,
    /// The header `content-type`, which tells where the parts of a form end.
    pub(super) kind: &'request str,
    pub(super) body: &'request [u8],
}

impl Input<'_> {
    /// The body as keys of a JSON object.
    ///
    /// # Errors
    /// 400 when it is none.
    pub(super) fn body_object(&self) -> Result<serde_json::Map<String, Value>, Refusal> {
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(keys)) => Ok(keys),
            _ => Err(Refusal::invalid(&["body: Expected object".to_owned()])),
        }
    }
}

/// Keeps the books of a write.
pub(super) fn wrote(state: &mut State, act: &Act, owner: Owner, write: Write) {
    if act.by_api {
        state.books.wrote(owner.noun(), write);
    }
}

fn changeable<'state>(state: &'state mut State, owner: Owner, code: &str) -> Result<&'state mut FieldDef, Refusal> {
    if state.fields(owner).get(code).is_some_and(|def| !def.is_custom) {
        return Err(Refusal::forbidden(format!("Field '{code}' is not a custom field and cannot be changed")));
    }
    state.fields_mut(owner).custom_mut(code).ok_or_else(|| Refusal::not_found("Field"))
}

/// A field whose options can be changed: a custom one, and the labels where the account is set so.
fn with_options<'state>(state: &'state mut State, owner: Owner, code: &str) -> Result<&'state mut FieldDef, Refusal> {
    if code == "label_ids" && state.settings.label_options_in_v2 {
        let fields = state.fields_mut(owner);
        let place = *fields.by_code.get(code).ok_or_else(|| Refusal::not_found("Field"))?;
        return Ok(&mut fields.defs[place]);
    }
    changeable(state, owner, code)
}

fn create(state: &mut State, act: &Act, owner: Owner, mut body: Body) -> Result<Answer, Refusal> {
    let mut def = blank("", FieldKind::Varchar, owner.looks());
    body.require("field_name");
    body.require("field_type");
    body.put("field_type", &mut def.kind, |value| {
        FieldKind::deserialize(value).map_err(|_| format!("Invalid field type {value}"))
    });
    let mut labels = Vec::new();
    let given = body.put("options", &mut labels, check::list(option_label));
    let wants = matches!(def.kind, FieldKind::Enum | FieldKind::Set);
    if wants && labels.is_empty() {
        body.problem("options", "Required for field types enum and set");
    } else if !wants && given {
        body.problem("options", "Only for field types enum and set");
    } else if labels.len() > OPTIONS_MAX {
        body.problem("options", format!("Array must contain at most {OPTIONS_MAX} element(s)"));
    }
    read_common(&mut def, owner, &mut body);
    body.finish(false)?;
    let customs: usize = Owner::ALL.into_iter().map(|owner| state.fields(owner).live_custom().count()).sum();
    if state.settings.custom_field_cap().is_some_and(|cap| customs >= cap) {
        let error = "Couldn't add the custom field. Custom fields limit reached.";
        return Err(Refusal::capped(error, "feature_capping_custom_fields_limit"));
    }
    def.code = state.hex(40);
    for label in labels {
        def.options.insert(state.option_id(), FieldOption { label, color: None });
    }
    (def.is_custom, def.by_api, def.shown_at) = (true, act.by_api, act.moment + act.lag);
    def.made = Some((act.second(), act.user));
    let row = def.whole_row();
    state.fields_mut(owner).push(def);
    wrote(state, act, owner, Write::Create);
    Ok(Answer::value(200, &row))
}

fn update(state: &mut State, act: &Act, owner: Owner, code: &str, mut body: Body) -> Result<Answer, Refusal> {
    let def = changeable(state, owner, code)?;
    let before = def.clone();
    let mut after = def.clone();
    read_common(&mut after, owner, &mut body);
    body.finish(false)?;
    if after != before {
        after.changed_by_api |= act.by_api;
        after.changed = Some((act.second(), act.user));
    }
    let row = after.whole_row();
    *def = after;
    wrote(state, act, owner, Write::Update);
    Ok(Answer::value(200, &row))
}

/// Reads the keys that a create and an update share.
fn read_common(def: &mut FieldDef, owner: Owner, body: &mut Body) {
    body.put("field_name", &mut def.name, check::text(check::LINE_MAX));
    if owner == Owner::Deal {
        body.put_or_null("description", &mut def.description, check::any_text(check::TEXT_MAX));
    }
    for (key, slot) in DISPLAY.iter().zip(&mut def.display).filter(|(_, slot)| !slot.is_null()) {
        let before = slot.clone();
        body.put(key, slot, |value| laid_over(&before, value));
    }
}

/// An object laid over what was there: known keys keep their type, others are taken as they are (`additionalProperties` of
/// OpenAPI v2).
fn laid_over(before: &Value, value: &Value) -> Result<Value, String> {
    let (Value::Object(old), Value::Object(new)) = (before, value) else {
        return Err(check::expected("object", value));
    };
    let mut whole = old.clone();
    for (key, value) in new {
        let wrong = |why: String| format!("{key}: {why}");
        let value = match old.get(key) {
            Some(before @ Value::Object(_)) => laid_over(before, value).map_err(wrong)?,
            Some(Value::Bool(_)) => json!(check::flag(value).map_err(wrong)?),
            Some(Value::Array(_)) => json!(check::list(check::whole(1, u64::MAX))(value).map_err(wrong)?),
            Some(Value::Null) if !value.is_null() => json!(check::whole(0, u64::MAX)(value).map_err(wrong)?),
            _ => value.clone(),
        };
        whole.insert(key.clone(), value);
    }
    Ok(Value::Object(whole))
}

fn option_label(value: &Value) -> Result<String, String> {
    let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
    match keys.keys().find(|key| *key != "label") {
        Some(key) => Err(format!("Unknown key '{key}'")),
        None => check::text(check::LINE_MAX)(keys.get("label").unwrap_or(&Value::Null)),
    }
}

fn option_id(field: &FieldDef, value: &Value, with_label: bool) -> Result<(u64, String), String> {
    let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
    let known = |key: &&String| *key == "id" || (with_label && *key == "label");
    if let Some(key) = keys.keys().find(|key| !known(key)) {
        return Err(format!("Unknown key '{key}'"));
    }
    let id = check::link("Option", |id| field.has_option(id))(keys.get("id").unwrap_or(&Value::Null))?;
    let label = with_label.then(|| check::text(check::LINE_MAX)(keys.get("label").unwrap_or(&Value::Null)));
    Ok((id, label.transpose()?.unwrap_or_default()))
}

/// Adds, renames or removes options: all of them or none; the answer has only the touched ones.
fn change_options(
    state: &mut State,
    act: &Act,
    (owner, operation): (Owner, Operation),
    code: &str,
    body: &[u8],
) -> Result<Answer, Refusal> {
    let invalid = |why: String| Refusal::invalid(&[format!("options: {why}")]);
    let value: Value = serde_json::from_slice(body).map_err(|_| invalid("Expected array".to_owned()))?;
    let field = with_options(state, owner, code)?;
    if !matches!(field.kind, FieldKind::Enum | FieldKind::Set) {
        return Err(invalid("Only for field types enum and set".to_owned()));
    }
    let touched: Vec<(u64, String)> = if operation == Operation::AddOptions {
        let labels = check::list(option_label)(&value).map_err(invalid)?;
        if field.options.len() + labels.len() > OPTIONS_MAX {
            return Err(invalid(format!("Array must contain at most {OPTIONS_MAX} element(s)")));
        }
        labels.into_iter().map(|label| (state.option_id(), label)).collect()
    } else {
        let with_label = operation == Operation::UpdateOptions;
        check::list(|item| option_id(field, item, with_label))(&value).map_err(invalid)?
    };
    if touched.is_empty() {
        return Err(invalid("Array must contain at least 1 element(s)".to_owned()));
    }
    let field = with_options(state, owner, code)?;
    let before = field.options.clone();
    let mut rows = Vec::new();
    for (id, label) in touched {
        let option = if operation == Operation::DeleteOptions {
            field.options.remove(&id)
        } else {
            let option = FieldOption { label, color: None };
            field.options.insert(id, option.clone());
            Some(option)
        };
        rows.extend(option.map(|option| option_row(id, &option)));
    }
    if field.options != before {
        field.changed_by_api |= act.by_api;
        field.changed = Some((act.second(), act.user));
    }
    wrote(state, act, owner, Write::Update);
    let body = json!({"success": true, "data": rows, "additional_data": null});
    Ok(Answer::json(200, body.to_string()))
}

/// `GET …Fields`: pages by a cursor that counts fields.
pub(super) fn list_page(fields: &FieldSet, act: &Act, query: &str) -> Result<Answer, Refusal> {
    let mut query = Query::parse(query);
    extras::names(&mut query, fields.namespaces());
    let limit = list::limit(&mut query);
    let start = query.read("cursor", "cursor", |cursor| list::Cursor::parse(cursor, "field_id"));
    query.finish(false)?;
    let after = start.map(|cursor| cursor.id);
    let shown = fields.defs.iter().filter(|def| !def.is_deleted && def.shown_at <= act.moment);
    let mut rest = shown.skip_while(|def| after.is_some_and(|after| u64::from(def.number) <= after)).peekable();
    let mut rows = Vec::new();
    let mut last = None;
    while let Some(def) = rest.next_if(|_| rows.len() < limit) {
        rows.push(def.whole_row());
        last = Some(def.number);
    }
    let next = rest.peek().and(last).map(|number| list::Cursor::after_id("field_id", u64::from(number)).text());
    let body = json!({"success": true, "data": rows, "additional_data": {"next_cursor": next}});
    Ok(Answer::json(200, body.to_string()))
}
