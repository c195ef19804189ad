//! OData v4 and v2: entity sets, `$top`, `$filter`, `$orderby`, next links, `$metadata` (section 15).

use serde_json::{Map, Value, json};

use super::choices::{Protocol, Unknown};
use super::delta;
use super::desk::Desk;
use super::dimension::Dimension as _;
use super::errors::Fault;
use super::list::{Ask, listed, sorting};
use super::names;
use super::paging::{self, Part, Turn, read_place, write_place};
use super::reply::{Params, Reply};
use super::route;
use super::schema::{Role, fields};
use crate::record::Object;

/// Answers a read below the base.
pub(super) fn read(desk: &Desk, below: &str, params: &mut Params) -> Result<Reply, Fault> {
    if below == "$metadata" {
        return Ok(Reply::typed(200, "application/xml", metadata(desk)));
    }
    if below.is_empty() {
        return Ok(Reply::json(200, services(desk)));
    }
    if route::identity_path(desk.shape) == Some(below) {
        return Ok(Reply::json(200, desk.whoami()));
    }
    for (object, set) in desk.lists() {
        if below == set {
            return list(desk, object, &set, params);
        }
        if let Some(key) = below.strip_prefix(set.as_str()).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')')) {
            desk.gated(object)?;
            let row = desk.find(object, key.trim_matches('\''), false)?;
            let row = Value::Object(desk.listed_row(&desk.wire(true), object, row));
            let is_v2 = desk.shape.protocol == Protocol::Odata2;
            return Ok(Reply::json(200, if is_v2 { json!({"d": row}) } else { row }).holding(1));
        }
    }
    Err(Fault::not_found())
}

fn list(desk: &Desk, object: Object, set: &str, params: &mut Params) -> Result<Reply, Fault> {
    desk.gated(object)?;
    let (shape, all) = (desk.shape, params.clone());
    let is_v2 = shape.protocol == Protocol::Odata2;
    let number = |text: Option<String>, name: &str| match text {
        None => Ok(None),
        Some(text) => text.parse::<usize>().map(Some).map_err(|_| Fault::bad(format!("{name} is a whole number."))),
    };
    let most: usize = shape.page_max.text().parse().unwrap_or(100);
    let top = number(params.take("$top"), "$top")?;
    let skip = number(params.take("$skip"), "$skip")?.unwrap_or(0);
    let mut ask = Ask::default();
    if let Some(filter) = params.take("$filter") {
        ask.since = Some(delta::where_clause(shape, &filter)?);
    }
    ask.sort = params.take("$orderby").map(|text| sorting(shape, object, &text)).transpose()?;
    let counts = match is_v2 {
        true => params.take("$inlinecount").as_deref() == Some("allpages"),
        false => params.take("$count").as_deref() == Some("true"),
    };
    let token = params.take("$skiptoken");
    let turn = match &token {
        Some(token) => read_place(token).ok_or_else(|| Fault::bad("$skiptoken is not one of ours."))?,
        None => Turn::At(skip),
    };
    for known in ["$select", "$expand", "$format"] {
        params.take(known);
    }
    if let Some(name) = params.unknown().filter(|name| name.starts_with('$') || shape.unknown == Unknown::Refused) {
        return Err(Fault::bad(format!("The query option {name} is not known.")));
    }
    let rows = listed(shape, desk.store, object, &ask, desk.now);
    let size = top.unwrap_or(usize::MAX).min(most);
    let page = paging::cut(shape, object, &rows, Part { turn, size })?;
    // A page that is as large as `$top` asked for is all that was asked for.
    let next = page.next.filter(|_| top.is_none_or(|top| top > most)).map(|turn| {
        let left = top.map(|top| top.saturating_sub(size).to_string());
        let query = all.with("$skiptoken", &write_place(turn), &["$skip"]);
        let query = match left {
            Some(left) => Params::read(query.as_bytes()).with("$top", &left, &[]),
            None => query,
        };
        format!("{}/{set}?{query}", desk.root)
    });
    let wire = desk.wire(true);
    let values: Vec<Value> = page.rows.iter().map(|row| Value::Object(desk.listed_row(&wire, object, row))).collect();
    let count = values.len();
    let mut out = Map::new();
    if is_v2 {
        out.insert("results".to_owned(), Value::Array(values));
        out.extend(counts.then(|| ("__count".to_owned(), Value::from(page.total.to_string()))));
        out.extend(next.map(|next| ("__next".to_owned(), Value::from(next))));
        return Ok(Reply::json(200, json!({"d": out})).holding(count));
    }
    out.insert("@odata.context".to_owned(), Value::from(format!("{}/$metadata#{set}", desk.root)));
    out.extend(counts.then(|| ("@odata.count".to_owned(), Value::from(page.total))));
    out.insert("value".to_owned(), Value::Array(values));
    out.extend(next.map(|next| ("@odata.nextLink".to_owned(), Value::from(next))));
    Ok(Reply::json(200, Value::Object(out)).header("odata-version", "4.0").holding(count))
}

/// The names of the entity sets.
fn services(desk: &Desk) -> Value {
    let sets: Vec<String> = desk.lists().into_iter().map(|(_, set)| set).collect();
    if desk.shape.protocol == Protocol::Odata2 {
        return json!({"d": {"EntitySets": sets}});
    }
    let sets: Vec<Value> = sets.iter().map(|set| json!({"name": set, "kind": "EntitySet", "url": set})).collect();
    json!({"@odata.context": format!("{}/$metadata", desk.root), "value": sets})
}

/// The entity types and sets.
fn metadata(desk: &Desk) -> String {
    let (shape, wire) = (desk.shape, desk.wire(true));
    let mut types = String::new();
    let mut sets = String::new();
    for (object, set) in desk.lists() {
        let name = names::capital(names::word(shape.words, object).0);
        let id = wire.id_key(object);
        types.push_str(&format!("<EntityType Name=\"{name}\"><Key><PropertyRef Name=\"{id}\"/></Key>"));
        for field in fields(object) {
            let kind = match field.role {
                Role::Id => "Edm.String",
                Role::Instant | Role::Stamp => "Edm.DateTimeOffset",
                Role::Money | Role::Number => "Edm.Decimal",
                _ => "Edm.String",
            };
            let name = if field.role == Role::Id { id.clone() } else { names::field(shape, field.name) };
            types.push_str(&format!("<Property Name=\"{name}\" Type=\"{kind}\"/>"));
        }
        types.push_str("</EntityType>");
        sets.push_str(&format!("<EntitySet Name=\"{set}\" EntityType=\"Promox.{name}\"/>"));
    }
    let version = if shape.protocol == Protocol::Odata2 { "1.0" } else { "4.0" };
    format!(
        "<?xml version=\"1.0\"?><edmx:Edmx Version=\"{version}\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\
         <edmx:DataServices><Schema Namespace=\"Promox\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">{types}\
         <EntityContainer Name=\"Container\">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"
    )
}
