//! Reading lists: pages of rows by cursor (v2) or by start (v1), newest first where settling needs it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::answer::Effect;
use super::client::{Call, Client};
use super::route::{Api, Route, route};
use crate::error::{Error, Kind, Result};
use crate::record::Entity;
use reqwest::Method;

/// One record of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its id as text; the field code for fields.
    pub id: Arc<str>,
    /// Its fields as answered.
    pub body: Map<String, Value>,
}

impl Row {
    /// A text field.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// A custom field: nested on v2, flat on v1.
    #[must_use]
    pub fn custom(&self, code: &str) -> Option<&Value> {
        let nested = self.body.get("custom_fields").and_then(Value::as_object).and_then(|fields| fields.get(code));
        nested.or_else(|| self.body.get(code))
    }

    /// When it was made, as Pipedrive says: RFC 3339 on v2 and leads, `YYYY-MM-DD HH:MM:SS` UTC on other v1 records.
    #[must_use]
    pub fn added_at(&self) -> Option<Timestamp> {
        self.time("add_time")
    }

    /// A time field, in either form.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        time_of(self.text(name)?)
    }
}

/// A time as Pipedrive writes it: RFC 3339, or `YYYY-MM-DD HH:MM:SS` in UTC.
#[must_use]
pub fn time_of(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{}Z", text.replace(' ', "T")).parse().ok())
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first.
    #[default]
    Oldest,
    /// Newest first: by id, or by time of adding for leads, whose ids have no order.
    Newest,
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The order.
    pub order: Order,
    /// Only what changed at or after this time (whole seconds; a fraction is refused by the API).
    pub updated_since: Option<Timestamp>,
    /// Only these records, at most 100 (v2 only).
    pub ids: Vec<Arc<str>>,
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(String);

/// One page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The rows, in the order asked for.
    pub rows: Vec<Row>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<PageToken>,
}

impl Client {
    /// Reads one page of a list.
    ///
    /// # Errors
    /// See [`Client::send`](super::client::Client).
    pub async fn page(&self, entity: Entity, listing: &Listing, from: Option<&PageToken>) -> Result<Page> {
        let route = route(entity);
        let call = Call {
            name: route.list_name,
            method: Method::GET,
            path: route.full_path(),
            query: query(entity, &route, listing, from),
            body: None,
            content_type: None,
            cost: route.list,
            effect: Effect::Read,
        };
        let answer = self.read(call).await?;
        rows(entity, &route, answer)
    }

    /// Reads a whole list page by page and hands each page to `each`.
    ///
    /// # Errors
    /// Those of [`Client::page`] and of `each`.
    pub async fn pages(
        &self,
        entity: Entity,
        listing: &Listing,
        mut each: impl AsyncFnMut(Vec<Row>) -> Result<()>,
    ) -> Result<()> {
        let mut from = None;
        loop {
            let page = self.page(entity, listing, from.as_ref()).await?;
            each(page.rows).await?;
            if page.next.is_none() {
                return Ok(());
            }
            if page.next == from {
                return Err(Error::new(Kind::Unreachable, format!("listing {entity}: the list never ends")));
            }
            from = page.next;
        }
    }

    /// Reads a whole short list (fields, stages, labels) at once.
    ///
    /// # Errors
    /// Those of [`Client::page`].
    pub async fn all(&self, entity: Entity) -> Result<Vec<Row>> {
        let mut all = Vec::new();
        self.pages(entity, &Listing::default(), async |rows| {
            all.extend(rows);
            Ok(())
        })
        .await?;
        Ok(all)
    }
}

fn query(entity: Entity, route: &Route, listing: &Listing, from: Option<&PageToken>) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    if route.page_rows > 0 {
        query.push(("limit", route.page_rows.to_string()));
    }
    if let Some(PageToken(token)) = from {
        query.push((if route.api == Api::V2 { "cursor" } else { "start" }, token.clone()));
    }
    if listing.order == Order::Newest {
        match (route.api, entity) {
            (Api::V2, _) => {
                query.push(("sort_by", "id".to_owned()));
                query.push(("sort_direction", "desc".to_owned()));
            }
            (Api::V1, Entity::Lead) => query.push(("sort", "add_time DESC".to_owned())),
            (Api::V1, _) => query.push(("sort", "id DESC".to_owned())),
        }
    }
    if let Some(since) = listing.updated_since {
        let whole = since.round(jiff::Unit::Second).unwrap_or(since);
        query.push(("updated_since", whole.to_string()));
    }
    if matches!(entity, Entity::OrganizationField | Entity::PersonField | Entity::DealField) {
        // Which of them people must fill is told only when it is asked for (OpenAPI v2, `include_fields`).
        query.push(("include_fields", "important_fields,required_fields".to_owned()));
    }
    if !listing.ids.is_empty() {
        query.push(("ids", listing.ids.join(",")));
    }
    query
}

/// Both envelopes; v1 answers `null` for an empty list in places.
fn rows(entity: Entity, route: &Route, mut answer: Map<String, Value>) -> Result<Page> {
    let nonsense = |why: &str| {
        Error::new(Kind::Unreachable, format!("GET {}: no usable answer", route.full_path())).because(why.to_owned())
    };
    let rows = match answer.remove("data") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(rows)) => rows,
        Some(_) => return Err(nonsense("data is not a list")),
    };
    let rows = rows.into_iter().map(|row| row_of(entity, row).ok_or_else(|| nonsense("a row has no id")));
    let rows = rows.collect::<Result<_>>()?;
    let more = answer.get("additional_data");
    let next = match route.api {
        Api::V2 => more.and_then(|more| more.get("next_cursor")).and_then(Value::as_str).map(str::to_owned),
        Api::V1 => more.and_then(|more| more.get("pagination")).and_then(|pagination| {
            let goes_on = pagination.get("more_items_in_collection").and_then(Value::as_bool).unwrap_or(false);
            goes_on.then(|| pagination.get("next_start").map(ToString::to_string)).flatten()
        }),
    };
    Ok(Page { rows, next: next.map(PageToken) })
}

/// A row with its id: a number, a UUID, or the code of a field.
pub(super) fn row_of(entity: Entity, row: Value) -> Option<Row> {
    let Value::Object(body) = row else { return None };
    let id = match entity {
        Entity::OrganizationField | Entity::PersonField | Entity::DealField => body.get("field_code"),
        _ => body.get("id"),
    };
    Some(Row { id: id_text(id?)?, body })
}

/// An id: a number, a UUID, or the code of a field.
pub(super) fn id_text(id: &Value) -> Option<Arc<str>> {
    match id {
        Value::String(text) if !text.is_empty() => Some(Arc::from(text.as_str())),
        Value::Number(number) => Some(Arc::from(number.as_str())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(entity: Entity, answer: Value) -> Result<Page> {
        let Value::Object(answer) = answer else { panic!("an object") };
        rows(entity, &route(entity), answer)
    }

    #[test]
    fn both_envelopes_and_empty_lists_are_read() {
        let v2 = page(Entity::Deal, json!({"data":[{"id":7}],"additional_data":{"next_cursor":"abc"}})).expect("read");
        assert_eq!((&*v2.rows[0].id, v2.next), ("7", Some(PageToken("abc".into()))));
        let last = page(Entity::Deal, json!({"data":[],"additional_data":{"next_cursor":null}})).expect("read");
        assert_eq!((last.rows.len(), last.next), (0, None));
        let v1 = json!({"data":[{"id":"u-1"}],"additional_data":{"pagination":{"more_items_in_collection":true,"next_start":500}}});
        assert_eq!(page(Entity::Lead, v1).expect("read").next, Some(PageToken("500".into())));
        assert!(page(Entity::Note, json!({"data":null})).expect("read").rows.is_empty());
        assert!(page(Entity::Deal, json!({"data":[{"title":"no id"}]})).is_err());
    }

    #[test]
    fn times_read_in_both_forms() {
        let row = |text: &str| row_of(Entity::Note, json!({"id":1,"add_time":text})).expect("a row").added_at();
        assert_eq!(row("2018-05-06 07:08:09"), row("2018-05-06T07:08:09Z"));
        assert!(row("2018-05-06 07:08:09").is_some());
        assert_eq!(row("yesterday"), None);
    }
}
