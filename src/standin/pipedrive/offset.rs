//! Lists of API v1: pages by offset in any order of fields, and short lists without pages.
//!
//! An offset takes time by its size, an order without an index by the length of the table.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::check;
use super::crud::Resource;
use super::envelope::{Answer, Refusal};
use super::list::{FEW_ROWS, Filter, Listed, PAGE_ROWS, PAGE_ROWS_MAX, write_rows};
use super::query::Query;
use super::state::{Act, State};
use super::table::Order;
use super::users;

/// What the lists of API v1 differ in.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) archived: bool,
    /// An empty page has null for its rows.
    pub(super) null_when_empty: bool,
    /// Filters; `None`: those of the list in API v2.
    pub(super) filters: Option<&'static [&'static str]>,
    /// Rows of one page at most; who asks for more gets this many.
    pub(super) limit_max: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { archived: false, null_when_empty: false, filters: None, limit_max: PAGE_ROWS_MAX }
    }
}

/// A page of API v1: `start`, `limit`, `sort` as `field ASC,field DESC`.
///
/// # Errors
/// 400 for values that cannot be read; unknown parameters are passed over, as v1 does.
pub(super) fn page<R: Listed>(state: &mut State, act: &Act, query: Query, shape: &Shape) -> Result<Answer, Refusal> {
    let page = read_page::<R>(state, act, query, shape)?;
    let mut body = Vec::with_capacity(128 + page.rows.len() * 512);
    body.extend_from_slice(br#"{"success":true,"data":"#);
    if page.rows.is_empty() && shape.null_when_empty {
        body.extend_from_slice(b"null");
    } else {
        write_rows(&page.rows, state, None, &mut body);
    }
    body.extend_from_slice(br#","additional_data":"#);
    body.extend_from_slice(json!({ "pagination": page.pagination }).to_string().as_bytes());
    body.push(b'}');
    Ok(Answer::json(200, body))
}

/// The same with rows in another shape, and the related objects beside them; null: none.
///
/// # Errors
/// As for [`page`].
pub(super) fn page_of<R: Listed>(
    state: &mut State,
    act: &Act,
    query: Query,
    shape: &Shape,
    write: impl FnOnce(&State, &[Arc<R>]) -> (Value, Value),
) -> Result<Answer, Refusal> {
    let page = read_page::<R>(state, act, query, shape)?;
    let (data, related) = write(state, &page.rows);
    let beside = json!({ "pagination": page.pagination });
    let data = if shape.null_when_empty && page.rows.is_empty() { Value::Null } else { data };
    let mut body = json!({"success": true, "data": data, "additional_data": beside});
    if !related.is_null() {
        body["related_objects"] = related;
    }
    Ok(Answer::json(200, body.to_string()))
}

/// The rows of a page, and where it stands in the whole.
struct Page<R> {
    rows: Vec<Arc<R>>,
    pagination: Value,
}

fn read_page<R: Listed>(state: &mut State, act: &Act, mut query: Query, shape: &Shape) -> Result<Page<R>, Refusal> {
    let filters = shape.filters.unwrap_or(R::FILTERS);
    let mut filter = Filter::read(&mut query, filters, any_instant);
    if filter.only_own == Some(true) {
        filter.owner_id = Some(act.user);
    }
    filter.archived = shape.archived;
    filter.seen_by = (!users::is_admin(act.user)).then_some(act.user);
    let start = query.read("start", "integer", |text| text.parse::<usize>().ok()).unwrap_or(0);
    let limit = query.read("limit", "integer", |text| text.parse::<usize>().ok().filter(|limit| *limit > 0));
    let limit = limit.unwrap_or(PAGE_ROWS).min(shape.limit_max);
    let sort = query.read("sort", "known fields, each with ASC or DESC", read_sort::<R>).unwrap_or_default();
    query.finish(true)?;
    R::table_mut(state).shown(act.moment);
    let mut rows = self::rows::<R>(state, &filter, &sort, (start, limit + 1));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut pagination = json!({"start": start, "limit": limit, "more_items_in_collection": more});
    if more {
        pagination["next_start"] = json!(start + limit);
    }
    Ok(Page { rows, pagination })
}

/// Both forms of an instant that v1 takes.
fn any_instant(text: &str) -> Option<Timestamp> {
    check::v1_instant_text(text).or_else(|| text.parse().ok())
}

/// The fields of a `sort` and whether each descends.
fn read_sort<R: Listed>(text: &str) -> Option<Vec<(String, bool)>> {
    let known = |name: &str| ["id", "add_time", "update_time"].contains(&name) || R::ORDERS.contains(&name);
    let field = |text: &str| {
        let mut words = text.split_whitespace();
        let name = words.next().filter(|name| known(name))?;
        let descending = match words.next().map(str::to_uppercase).as_deref() {
            None | Some("ASC") => false,
            Some("DESC") => true,
            Some(_) => return None,
        };
        words.next().is_none().then(|| (name.to_owned(), descending))
    };
    text.split(',').map(field).collect()
}

fn rows<R: Listed>(
    state: &State,
    filter: &Filter,
    sort: &[(String, bool)],
    (start, count): (usize, usize),
) -> Vec<Arc<R>> {
    let shown = R::table(state).settled();
    let lets = |row: &&Arc<R>| filter.lets(row.as_ref(), state);
    let indexed = match sort {
        [] => Some((Order::Id, false)),
        [(name, descending)] if name == "add_time" => Some((Order::AddTime, *descending)),
        [(name, descending)] if name == "update_time" => Some((Order::UpdateTime, *descending)),
        [(name, descending)] if name == "id" && !R::ORDERS.contains(&"id") => Some((Order::Id, *descending)),
        _ => None,
    };
    if let Some((order, descending)) = indexed {
        let within = if order == Order::UpdateTime { (filter.since, filter.until) } else { (None, None) };
        let few = filter.since.and_then(|since| shown.few_since(since, FEW_ROWS));
        if let (Order::Id, false, Some(few)) = (order, descending, few) {
            let rows = few.iter().filter_map(|id| shown.get(*id));
            return rows.filter(lets).skip(start).take(count).cloned().collect();
        }
        let rows = shown.walk(order, descending, None, within);
        return rows.filter(lets).skip(start).take(count).cloned().collect();
    }
    let place = |row: &R, name: &str| match name {
        "add_time" => row.meta().add_time.to_string(),
        "update_time" => row.meta().update_time.to_string(),
        "id" if !R::ORDERS.contains(&"id") => format!("{:020}", row.meta().id),
        other => row.place(other),
    };
    let mut rows: Vec<Arc<R>> = shown.walk(Order::Id, false, None, (None, None)).filter(lets).cloned().collect();
    // Sorting is stable, so the last field is sorted by first.
    for (name, descending) in sort.iter().rev() {
        rows.sort_by(|one, other| {
            let order = place(one, name).cmp(&place(other, name));
            if *descending { order.reverse() } else { order }
        });
    }
    rows.into_iter().skip(start).take(count).collect()
}

/// All records that are not deleted, without pages, as v1 gives its short lists.
pub(super) fn whole<R: Resource>(state: &mut State, act: &Act) -> Answer {
    let shown = R::table_mut(state).shown(act.moment).walk(Order::Id, false, None, (None, None));
    let rows: Vec<Arc<R>> = shown.filter(|row| !row.meta().is_deleted).cloned().collect();
    Answer::data(200, |out| write_rows(&rows, state, None, out))
}
