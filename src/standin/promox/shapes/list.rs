//! Which rows a list holds, and in which order: filters by time, deleted and hidden rows, sorting.

use std::cmp::Ordering;

use super::choices::{Deleted, DeltaFlaw, Hidden, KeysetParam, Order, Paging, SortParam};
use super::delta::{self, LAG_SECONDS};
use super::errors::Fault;
use super::names;
use super::reply::Params;
use super::rules::has_own_lists;
use super::shape::Shape;
use super::store::{Row, Store, title};
use crate::record::Object;

/// What a request asks of a list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ask {
    /// Rows changed from this second on.
    pub(super) since: Option<i64>,
    /// Deleted rows too, where they must be asked for.
    pub(super) with_deleted: bool,
    /// Rows too that are hidden unless asked for.
    pub(super) with_hidden: bool,
    /// Deleted rows only.
    pub(super) only_deleted: bool,
    /// The order, where one was asked for.
    pub(super) sort: Option<Sorting>,
}

/// An order that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sorting {
    pub(super) by_change: bool,
    pub(super) is_falling: bool,
}

impl Ask {
    /// Takes what the shape knows from the parameters.
    pub(super) fn take(shape: &Shape, object: Object, params: &mut Params) -> Result<Self, Fault> {
        let is_true = |text: Option<String>| {
            text.is_some_and(|text| matches!(text.to_lowercase().as_str(), "true" | "1" | "yes"))
        };
        let with_deleted = match shape.deleted {
            Deleted::IncludeDeleted => is_true(params.take("include_deleted")),
            Deleted::Archived => is_true(params.take("archived")),
            _ => false,
        };
        let only_deleted = shape.deleted == Deleted::Only && is_true(params.take("deleted"));
        let with_hidden = match shape.hidden {
            Hidden::TestOrders => object == Object::Project && is_true(params.take("include_test")),
            Hidden::Archived => is_true(params.take("archived")),
            Hidden::Inactive => params.take("status").is_some_and(|text| text == "all"),
            Hidden::None => false,
        };
        let sort = match shape.sort {
            SortParam::None => None,
            SortParam::Sort => params.take("sort"),
            SortParam::OrderBy => params.take("orderBy"),
            SortParam::SortBy => {
                let order = params.take("sort_order").unwrap_or_default();
                params.take("sort_by").map(|by| format!("{by} {order}"))
            }
        };
        let sort = sort.map(|text| sorting(shape, object, &text)).transpose()?;
        Ok(Self { since: None, with_deleted, with_hidden, only_deleted, sort })
    }
}

/// `id`, `-updated_at`, `updated_at desc`, by the names that the shape gives to these fields.
pub(super) fn sorting(shape: &Shape, object: Object, text: &str) -> Result<Sorting, Fault> {
    let (bare, minus) = text.trim().strip_prefix('-').map_or((text.trim(), false), |rest| (rest, true));
    let (field, is_desc) =
        bare.strip_suffix(" desc").map_or((bare.trim_end_matches(" asc"), false), |rest| (rest, true));
    let field = field.trim();
    let by_change = field == names::field(shape, "updated_at") || field == "updated_at";
    let (singular, _) = names::word(shape.words, object);
    let lower = field.to_lowercase().replace([' ', '_'], "");
    let by_id = matches!(lower.as_str(), "id" | "uuid" | "guid" | "key") || lower == format!("{singular}id");
    if !by_change && !by_id {
        return Err(Fault::bad(format!("Rows cannot be sorted by {field}.")));
    }
    if by_change && !delta::has_stamp(shape, object) {
        return Err(Fault::bad(format!("Rows cannot be sorted by {field}.")));
    }
    Ok(Sorting { by_change, is_falling: minus || is_desc })
}

/// The rows of a list, in its order. `now` is in seconds since 1970.
pub(super) fn listed<'a>(shape: &Shape, store: &'a Store, object: Object, ask: &Ask, now: i64) -> Vec<&'a Row> {
    let since = ask.since.filter(|_| shape.delta_flaw != DeltaFlaw::Ignored && delta::has_stamp(shape, object));
    let until = if shape.delta_flaw == DeltaFlaw::Lag { now - LAG_SECONDS } else { i64::MAX };
    let shows_deleted = match shape.deleted {
        Deleted::Vanish | Deleted::Endpoint | Deleted::Only | Deleted::Ids => false,
        Deleted::Flag | Deleted::Stamp | Deleted::Trashed | Deleted::Inverted => true,
        Deleted::IncludeDeleted | Deleted::Archived => ask.with_deleted,
        Deleted::Grave => since.is_some(),
    };
    let is_listed = |row: &&Row| {
        let by_deletion = match (ask.only_deleted, row.deleted.is_some()) {
            (true, is_deleted) => is_deleted,
            (false, is_deleted) => !is_deleted || shows_deleted,
        };
        let by_time = since.is_none_or(|since| row.updated >= since && row.updated <= until);
        by_deletion && by_time && (ask.with_hidden || !is_hidden(shape, object, row))
    };
    let mut rows: Vec<&Row> = store.rows(object).iter().filter(is_listed).collect();
    rows.sort_by(|a, b| compare(shape, ask.sort, a, b));
    rows
}

/// One of so many rows is archived or inactive, where such rows are hidden.
const HIDDEN_ONE_IN: u64 = 9;

/// Whether a row is left out unless asked for.
pub(super) fn is_hidden(shape: &Shape, object: Object, row: &Row) -> bool {
    match shape.hidden {
        Hidden::None => false,
        Hidden::TestOrders => object == Object::Project && is_test(row),
        // Or somebody made it so: an edit of a field that rows do not have otherwise.
        Hidden::Archived | Hidden::Inactive => {
            matches!(object, Object::Client | Object::Project)
                && (row.key.is_multiple_of(HIDDEN_ONE_IN) || row.fields.contains_key("archived"))
        }
    }
}

/// Whether a project is a test order.
fn is_test(row: &Row) -> bool {
    row.fields.get("name").and_then(|name| name.as_str()).is_some_and(|name| name.starts_with("TEST ORDER"))
}

fn compare(shape: &Shape, sort: Option<Sorting>, a: &Row, b: &Row) -> Ordering {
    let by_change = || (a.updated, a.key).cmp(&(b.updated, b.key));
    let by_id = || a.key.cmp(&b.key);
    match sort {
        Some(Sorting { by_change: true, is_falling }) => turned(by_change(), is_falling),
        Some(Sorting { by_change: false, is_falling }) => turned(by_id(), is_falling),
        None => match order(shape) {
            Order::IdUp => by_id(),
            Order::IdDown => by_id().reverse(),
            Order::UpdatedDown => by_change().reverse(),
            Order::Name => title(a).cmp(&title(b)).then_with(by_id),
        },
    }
}

fn turned(order: Ordering, is_falling: bool) -> Ordering {
    if is_falling { order.reverse() } else { order }
}

/// The order that nobody asked for.
pub(super) fn order(shape: &Shape) -> Order {
    let is_keyset = shape.paging == Paging::Keyset && !has_own_lists(shape);
    if is_keyset && shape.keyset_param == KeysetParam::MaxId { Order::IdDown } else { shape.order }
}
