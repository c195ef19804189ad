//! The search of API v2: over several kinds at once, of one kind, and by one field. It never finds a write at once.
//!
//! Facts: fact sheet 5.16, OpenAPI v2 of 2026-08-18. How late it finds a write is in no document; a setting says. Rows
//! are read as answers have them, so a search takes time by the number of records.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::crud::Resource;
use super::deals::Deal;
use super::envelope::{Answer, Refusal};
use super::extras;
use super::field_set::FieldKind;
use super::fields::Owner;
use super::leads::Lead;
use super::list;
use super::notes::Note;
use super::organizations::Organization;
use super::persons::Person;
use super::products::Product;
use super::query::Query;
use super::route::{Collection, Endpoint, Operation};
use super::state::{Act, State};
use super::users;

/// Most items of one page: of several kinds at once, and of one kind (OpenAPI v2).
const MIXED_MAX: usize = 100;
const ONE_KIND_MAX: usize = 500;

/// Found records of one relation that are looked at (OpenAPI v2: "upper limit … is 2000").
const RELATED_MAX: usize = 2_000;

/// The kinds that can be searched, with the fields of each.
const KINDS: [(&str, &[&str]); 5] = [
    ("deal", &["custom_fields", "notes", "title"]),
    ("person", &["custom_fields", "email", "notes", "phone", "name"]),
    ("organization", &["address", "custom_fields", "notes", "name"]),
    ("product", &["code", "custom_fields", "name"]),
    ("lead", &["custom_fields", "notes", "title"]),
];

/// Kinds that exist and are never found here.
const EMPTY_KINDS: [&str; 3] = ["file", "mail_attachment", "project"];

/// What is looked for.
struct Wanted {
    term: String,
    exact: bool,
    fields: Option<Vec<String>>,
    /// Keys of a found row that must have a value.
    relations: Vec<(&'static str, String)>,
}

/// Carries out a search.
///
/// # Errors
/// 400 for parameters that are missing, unknown or cannot be read.
pub(super) fn perform(state: &mut State, act: &Act, endpoint: Endpoint, query: &str) -> Result<Answer, Refusal> {
    let mut query = Query::parse(query);
    if endpoint.operation() == Operation::SearchField {
        return by_field(state, act, query);
    }
    let own = match endpoint.collection() {
        Collection::Deals => Some("deal"),
        Collection::Persons => Some("person"),
        Collection::Organizations => Some("organization"),
        Collection::Products => Some("product"),
        Collection::Leads => Some("lead"),
        _ => None,
    };
    let exact = query.read("exact_match", "boolean", |text| text.parse().ok()).unwrap_or(false);
    let term = read_term(&mut query, exact).to_lowercase();
    let known: BTreeSet<&str> = KINDS
        .iter()
        .filter(|(kind, _)| own.is_none_or(|own| own == *kind))
        .flat_map(|(_, fields)| *fields)
        .copied()
        .collect();
    let known_field = |name: &str| known.contains(name) || (own.is_none() && name == "description");
    let fields = query.read("fields", "known fields", |text| all_of(text, known_field));
    let kind = |name: &str| EMPTY_KINDS.contains(&name) || KINDS.iter().any(|(kind, _)| *kind == name);
    let kinds = match own {
        Some(own) => vec![own.to_owned()],
        None => {
            let asked = query.read("item_types", "known item types", |text| all_of(text, kind));
            asked.unwrap_or_else(|| KINDS.iter().map(|(kind, _)| (*kind).to_owned()).collect())
        }
    };
    let relations = read_relations(&mut query, own);
    let more: &[&str] = match own {
        Some("deal") => &["deal.cc_email"],
        Some("person") => &["person.picture"],
        Some("product") => &["product.price"],
        Some("lead") => &["lead.was_seen"],
        Some(_) => &[],
        None => &["deal.cc_email", "person.picture", "product.price"],
    };
    if !more.is_empty() {
        extras::names(&mut query, more);
    }
    if own.is_none() {
        query.read("search_for_related_items", "boolean", |text| text.parse::<bool>().ok());
    }
    let limit_max = if own.is_none() { MIXED_MAX } else { ONE_KIND_MAX };
    let page = read_page(&mut query, limit_max);
    query.finish(false)?;
    let wanted = Wanted { term, exact, fields, relations };
    let mut found = Vec::new();
    for kind in &kinds {
        match kind.as_str() {
            "deal" => find::<Deal>(state, act, "deal", &wanted, &mut found),
            "person" => find::<Person>(state, act, "person", &wanted, &mut found),
            "organization" => find::<Organization>(state, act, "organization", &wanted, &mut found),
            "product" => find::<Product>(state, act, "product", &wanted, &mut found),
            "lead" => find::<Lead>(state, act, "lead", &wanted, &mut found),
            _ => {}
        }
    }
    let (items, next) = cut(found, page);
    let mut data = json!({ "items": items });
    if own.is_none() {
        data["related_items"] = json!([]);
    }
    Ok(Answer::json(200, json!({"success": true, "data": data, "additional_data": {"next_cursor": next}}).to_string()))
}

/// The relations that the search of one kind can ask for.
fn read_relations(query: &mut Query, own: Option<&str>) -> Vec<(&'static str, String)> {
    let mut relations = Vec::new();
    let related: &[(&str, &'static str)] = match own {
        Some("deal" | "lead") => &[("person_id", "person_id"), ("organization_id", "org_id"), ("status", "status")],
        Some("person") => &[("organization_id", "org_id")],
        _ => &[],
    };
    for (name, key) in related {
        if *name == "status" && own == Some("lead") {
            continue;
        }
        let wrong = |text: &str| {
            if *name == "status" { !["open", "won", "lost"].contains(&text) } else { text.parse::<u64>().is_err() }
        };
        if let Some(value) = query.read(name, "a known value", |text| (!wrong(text)).then(|| text.to_owned())) {
            relations.push((*key, value));
        }
    }
    relations
}

/// The term: two characters, or one for an exact match.
fn read_term(query: &mut Query, exact: bool) -> String {
    let term = query.take("term").unwrap_or_default();
    let least = if exact { 1 } else { 2 };
    if term.trim().chars().count() < least {
        query.problem("term", &format!("String must contain at least {least} character(s)"));
    }
    term.trim().to_owned()
}

fn all_of(text: &str, known: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    text.split(',').map(|name| known(name).then(|| name.to_owned())).collect()
}

/// Where a page begins and how long it is.
fn read_page(query: &mut Query, limit_max: usize) -> (usize, usize) {
    let read = |text: &str| text.parse().ok().filter(|limit| (1..=limit_max).contains(limit));
    let limit = query.read("limit", &format!("integer from 1 to {limit_max}"), read).unwrap_or(list::PAGE_ROWS);
    let start = query.read("cursor", "cursor", |text| list::Cursor::parse(text, "search"));
    (start.map_or(0, |cursor| usize::try_from(cursor.id).unwrap_or(usize::MAX)), limit)
}

fn cut(mut found: Vec<Value>, (start, limit): (usize, usize)) -> (Vec<Value>, Option<String>) {
    let end = start.saturating_add(limit);
    let next = (found.len() > end).then(|| list::Cursor::after_id("search", end as u64).text());
    found.truncate(end);
    (found.split_off(start.min(found.len())), next)
}

/// Adds the items of one kind that are found.
fn find<R: Resource>(state: &mut State, act: &Act, kind: &'static str, wanted: &Wanted, items: &mut Vec<Value>) {
    let rows = seen::<R>(state, act);
    let notes = if kind == "product" { Vec::new() } else { notes(state, act, kind, wanted) };
    let mut related = 0;
    for row in rows {
        let keys = keys(state, row.as_ref());
        if !wanted.relations.iter().all(|(key, value)| has_value(&keys, key, value)) {
            continue;
        }
        related += 1;
        if !wanted.relations.is_empty() && related > RELATED_MAX {
            break;
        }
        let own_notes: Vec<&str> =
            notes.iter().filter(|(parent, _)| *parent == row.public_id()).map(|(_, text)| text.as_str()).collect();
        let custom = custom_texts(state, kind, &keys);
        let looks = |field: &str| {
            KINDS.iter().any(|(own, fields)| *own == kind && fields.contains(&field))
                && wanted.fields.as_ref().is_none_or(|fields| fields.iter().any(|own| own == field))
        };
        let texts = texts(&keys);
        let hit = texts.iter().any(|(field, text)| looks(field) && wanted.hits(text))
            || (looks("custom_fields") && custom.iter().any(|text| wanted.hits(text)))
            || (looks("notes") && !own_notes.is_empty());
        if hit {
            let custom: Vec<&String> = custom.iter().filter(|text| wanted.hits(text)).collect();
            let item = item(state, kind, &keys, json!(custom), json!(own_notes));
            items.push(json!({"result_score": if wanted.exact { 1.0 } else { 0.5 }, "item": item}));
        }
    }
}

/// What the search knows and the caller may see.
fn seen<R: Resource>(state: &mut State, act: &Act) -> Vec<Arc<R>> {
    let sees_all = users::is_admin(act.user);
    R::table_mut(state).found(act.moment).filter(|row| sees_all || row.is_seen_by(act.user)).cloned().collect()
}

impl Wanted {
    fn hits(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        if self.exact { text == self.term } else { text.contains(&self.term) }
    }
}

fn keys<R: Resource>(state: &State, row: &R) -> Map<String, Value> {
    let mut text = Vec::with_capacity(512);
    row.write(state, None, &mut text);
    serde_json::from_slice(&text).unwrap_or_default()
}

fn has_value(keys: &Map<String, Value>, key: &str, value: &str) -> bool {
    let own = keys.get(key).or_else(|| keys.get("organization_id").filter(|_| key == "org_id"));
    let number = value.parse().ok();
    own.is_some_and(|own| own.as_str() == Some(value) || (number.is_some() && own.as_u64() == number))
}

/// Notes that have the term, with the id of what they hang on.
fn notes(state: &mut State, act: &Act, kind: &str, wanted: &Wanted) -> Vec<(Value, String)> {
    let key = if kind == "organization" { "org_id".to_owned() } else { format!("{kind}_id") };
    let rows: Vec<_> = state.notes.found(act.moment).cloned().collect();
    let mut found = Vec::new();
    for row in rows {
        let keys = keys::<Note>(state, &row);
        let Some(content) = keys.get("content").and_then(Value::as_str).filter(|text| wanted.hits(text)) else {
            continue;
        };
        if let Some(parent) = keys.get(&key).filter(|parent| !parent.is_null()) {
            found.push((parent.clone(), content.to_owned()));
        }
    }
    found
}

/// The texts of a row by the name of the search's field.
fn texts(keys: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let mut texts = Vec::new();
    for (key, field) in [("title", "title"), ("name", "name"), ("code", "code")] {
        texts.extend(keys.get(key).and_then(Value::as_str).map(|text| (field, text.to_owned())));
    }
    for (key, field) in [("emails", "email"), ("phones", "phone")] {
        texts.extend(values(keys, key).into_iter().map(|text| (field, text)));
    }
    texts.extend(keys.get("address").and_then(|own| own["value"].as_str()).map(|text| ("address", text.to_owned())));
    texts
}

fn values(keys: &Map<String, Value>, key: &str) -> Vec<String> {
    let all = keys.get(key).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|one| one["value"].as_str().map(str::to_owned)).collect()
}

/// The custom values that can be searched, as texts: addresses, texts, numbers, amounts and phone numbers.
fn custom_texts(state: &State, kind: &str, keys: &Map<String, Value>) -> Vec<String> {
    let custom = keys.get("custom_fields").and_then(Value::as_object).unwrap_or(keys);
    let fields = state.fields(owner(kind));
    let searchable = fields.live_custom().filter(|field| is_searchable(field.kind));
    searchable.filter_map(|field| plain(custom.get(&field.code)?)).collect()
}

fn is_searchable(kind: FieldKind) -> bool {
    use FieldKind::{Address, Double, Monetary, Phone, Text, Varchar, VarcharAuto};
    matches!(kind, Address | Varchar | Text | VarcharAuto | Double | Monetary | Phone)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(parts) => plain(parts.get("value")?),
        _ => None,
    }
}

fn owner(kind: &str) -> Owner {
    match kind {
        "person" => Owner::Person,
        "organization" => Owner::Organization,
        "product" => Owner::Product,
        _ => Owner::Deal,
    }
}

/// A found row in the words of the search.
fn item(state: &State, kind: &str, keys: &Map<String, Value>, custom_fields: Value, notes: Value) -> Value {
    let get = |key: &str| keys.get(key).cloned().unwrap_or_default();
    let person = get("person_id").as_u64().and_then(|id| state.persons.get(id));
    let person = person.map(|own| json!({"id": get("person_id"), "name": own.name()}));
    let organization = keys.get("org_id").or_else(|| keys.get("organization_id")).and_then(Value::as_u64);
    let organization = organization.and_then(|id| Some(json!({"id": id, "name": state.organizations.get(id)?.name()})));
    let stage = get("stage_id").as_u64().and_then(|id| state.stages.get(id));
    // A lead's own row has it as text.
    let visible_to =
        get("visible_to").as_str().and_then(|text| text.parse::<u64>().ok()).map_or(get("visible_to"), Value::from);
    let mut item = json!({"id": get("id"), "type": kind, "visible_to": visible_to, "owner": {"id": get("owner_id")},
        "custom_fields": custom_fields});
    if kind != "product" {
        item["notes"] = notes;
    }
    let more = match kind {
        "deal" => {
            json!({"title": get("title"), "value": get("value"), "currency": get("currency"), "status": get("status"),
            "stage": {"id": get("stage_id"), "name": stage.map(|own| own.name())}, "person": person, "organization": organization,
            "is_archived": get("is_archived")})
        }
        "lead" => json!({"title": get("title"), "value": get("value")["amount"], "currency": get("value")["currency"],
            "person": person, "organization": organization, "is_archived": get("is_archived"), "phones": [], "emails": []}),
        "person" => json!({"name": get("name"), "phones": values(keys, "phones"), "emails": values(keys, "emails"),
            "organization": organization}),
        "organization" => json!({"name": get("name"), "address": get("address")["value"]}),
        _ => json!({"name": get("name"), "code": get("code")}),
    };
    if let (Value::Object(item), Value::Object(more)) = (&mut item, more) {
        item.extend(more);
    }
    item
}

/// `GET /api/v2/itemSearch/field`: records by the value of one field; here case does matter.
fn by_field(state: &mut State, act: &Act, mut query: Query) -> Result<Answer, Refusal> {
    let kinds = |name: &str| KINDS.iter().find(|(kind, _)| *kind == name).map(|(kind, _)| *kind);
    for key in ["entity_type", "field"] {
        if !query.has(key) {
            query.problem(key, "Required");
        }
    }
    let kind = query.read("entity_type", "a known entity", kinds).unwrap_or("deal");
    let code = query.take("field").unwrap_or_default();
    let known = ["exact", "beginning", "middle"];
    let how = query.read("match", "exact, beginning or middle", |text| known.into_iter().find(|own| *own == text));
    let how = how.unwrap_or("exact");
    let term = read_term(&mut query, how == "exact");
    let page = read_page(&mut query, ONE_KIND_MAX);
    if !state.fields(owner(kind)).get(&code).is_some_and(|field| is_searchable(field.kind)) && !code.is_empty() {
        query.problem("field", "The field does not exist or cannot be searched");
    }
    query.finish(false)?;
    let mut found = Vec::new();
    let hits = |text: &str| match how {
        "exact" => text == term,
        "beginning" => text.starts_with(&term),
        _ => text.contains(&term),
    };
    match kind {
        "person" => named::<Person>(state, act, &code, hits, &mut found),
        "organization" => named::<Organization>(state, act, &code, hits, &mut found),
        "product" => named::<Product>(state, act, &code, hits, &mut found),
        "lead" => named::<Lead>(state, act, &code, hits, &mut found),
        _ => named::<Deal>(state, act, &code, hits, &mut found),
    }
    let (rows, next) = cut(found, page);
    Ok(Answer::json(200, json!({"success": true, "data": rows, "additional_data": {"next_cursor": next}}).to_string()))
}

fn named<R: Resource>(state: &mut State, act: &Act, code: &str, hits: impl Fn(&str) -> bool, found: &mut Vec<Value>) {
    for row in seen::<R>(state, act) {
        let keys = keys(state, row.as_ref());
        let custom = keys.get("custom_fields").and_then(|custom| custom.get(code));
        if custom.or_else(|| keys.get(code)).and_then(plain).is_some_and(|text| hits(&text)) {
            let name = keys.get("name").or_else(|| keys.get("title")).cloned();
            found.push(json!({"id": row.public_id(), "name": name}));
        }
    }
}
