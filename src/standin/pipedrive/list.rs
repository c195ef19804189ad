//! Lists of API v2: pages by an opaque cursor, with the documented filters and orders.
//!
//! A cursor names the last row's place in the order, as real ones do (fact sheet section 4), so a page takes time by its
//! own length. Only rare orders take time by the length of the table.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};
use uuid::Uuid;

use super::check;
use super::crud::Resource;
use super::envelope::{Answer, Refusal};
use super::extras::Extras;
use super::query::Query;
use super::state::{Act, State};
use super::table::Order;
use super::tally::Tallies;
use super::users;

/// Rows of a page by default, and at most (document "Pagination").
pub(super) const PAGE_ROWS: usize = 100;
pub(super) const PAGE_ROWS_MAX: usize = 500;

/// Most ids in `ids` (OpenAPI v2).
const IDS_MAX: usize = 100;

/// What notes can be pinned to, in the order of [`Filter::pinned`].
pub(super) const PINS: [&str; 6] = ["lead", "deal", "organization", "person", "project", "task"];

/// Rows updated lately up to which `updated_since` walks those instead of all rows by id.
pub(super) const FEW_ROWS: usize = 4 * PAGE_ROWS_MAX;

/// A kind of record that is listed in pages.
pub(super) trait Listed: Resource {
    /// Filters of its list, besides `archived`.
    const FILTERS: &'static [&'static str];
    /// Orders besides id, `add_time` and `update_time`.
    const ORDERS: &'static [&'static str] = &[];

    /// What a caller can have besides (`include_fields` of OpenAPI v2).
    const INCLUDES: &'static [&'static str] = &[];

    /// True if the filter lets it through; deletion is not for here.
    fn passes(&self, filter: &Filter, state: &State) -> bool;
    /// Its place in one of [`Listed::ORDERS`], as text that sorts rightly.
    fn place(&self, _order: &str) -> String {
        String::new()
    }
}

/// What a list is asked for. Unset parts let everything through.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) ids: Option<Vec<u64>>,
    pub(super) owner_id: Option<u64>,
    pub(super) user_id: Option<u64>,
    pub(super) person_id: Option<u64>,
    pub(super) org_id: Option<u64>,
    pub(super) deal_id: Option<u64>,
    pub(super) deal_ids: Option<Vec<u64>>,
    pub(super) product_id: Option<u64>,
    pub(super) note_id: Option<u64>,
    pub(super) lead_id: Option<Uuid>,
    pub(super) pipeline_id: Option<u64>,
    pub(super) stage_id: Option<u64>,
    pub(super) done: Option<bool>,
    /// Of archived deals only (API v1).
    pub(super) only_own: Option<bool>,
    /// Whether a note is pinned to a lead, deal, organization, person, project or task.
    pub(super) pinned: [Option<bool>; PINS.len()],
    /// First and last day on which it was added, UTC.
    pub(super) first_day: Option<Date>,
    pub(super) last_day: Option<Date>,
    /// Statuses of deals, and whether deleted ones are asked for.
    pub(super) statuses: Option<Vec<String>>,
    pub(super) deleted: bool,
    /// Nothing can pass.
    pub(super) nothing: bool,
    /// The list of archived records, not the usual one.
    pub(super) archived: bool,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    /// Only what this user sees; `None`: everything.
    pub(super) seen_by: Option<u64>,
}

impl Filter {
    /// True if an id is the one asked for, or none was.
    pub(super) fn is(wanted: Option<u64>, own: Option<u64>) -> bool {
        wanted.is_none() || wanted == own
    }

    /// Takes the filters of these names out of a query; `instant` reads an instant as the API in question has it.
    pub(super) fn read(query: &mut Query, names: &[&str], instant: fn(&str) -> Option<Timestamp>) -> Self {
        let mut filter = Self::default();
        for name in names {
            match *name {
                "ids" => filter.ids = query.read("ids", "up to 100 ids", read_ids),
                "owner_id" => filter.owner_id = query.whole(name),
                "person_id" => filter.person_id = query.whole(name),
                "user_id" => filter.user_id = query.whole(name),
                "org_id" | "organization_id" => filter.org_id = query.whole(name),
                "deal_ids" => {
                    if let Some(text) = query.take_all(name) {
                        filter.deal_ids = read_ids(&text);
                        if filter.deal_ids.is_none() {
                            query.problem(name, "Expected up to 100 ids");
                        }
                    }
                }
                "note_id" => filter.note_id = query.whole(name),
                "product_id" => filter.product_id = query.whole(name),
                "deal_id" => filter.deal_id = query.whole(name),
                "pipeline_id" => filter.pipeline_id = query.whole(name),
                "stage_id" => filter.stage_id = query.whole(name),
                "lead_id" => filter.lead_id = query.read(name, "uuid", |text| Uuid::parse_str(text).ok()),
                "done" => filter.done = query.read(name, "boolean", |text| text.parse().ok()),
                "status" => filter.statuses = query.read(name, "open,won,lost,deleted", read_statuses),
                "older_status" => {
                    let all = |text: &str| if text == "all_not_deleted" { "open,won,lost" } else { text }.to_owned();
                    let known = "open,won,lost,deleted,all_not_deleted";
                    filter.statuses = query.read("status", known, |text| read_statuses(&all(text)));
                }
                "owned_by_you" => filter.only_own = query.bit(name),
                "pinned" => {
                    for (slot, name) in filter.pinned.iter_mut().zip(PINS) {
                        *slot = query.bit(&format!("pinned_to_{name}_flag"));
                    }
                }
                // Nothing hangs on projects and tasks, which this account has not.
                "project_id" | "task_id" => filter.nothing |= query.whole(name).is_some(),
                "updated_since" => filter.since = query.read(name, "RFC 3339 with whole seconds", instant),
                "updated_until" => filter.until = query.read(name, "RFC 3339 with whole seconds", instant),
                "start_date" => filter.first_day = query.read(name, "YYYY-MM-DD", |text| text.parse().ok()),
                "end_date" => filter.last_day = query.read(name, "YYYY-MM-DD", |text| text.parse().ok()),
                // Saved filters are made in the web application; this account has none.
                _ => {
                    if query.take(name).is_some() {
                        query.problem(name, "Filter does not exist");
                    }
                }
            }
        }
        filter.deleted = filter.statuses.as_ref().is_some_and(|all| all.iter().any(|one| one == "deleted"));
        filter
    }

    /// True if a list shows the row.
    pub(super) fn lets<R: Listed>(&self, row: &R, state: &State) -> bool {
        let meta = row.meta();
        !self.nothing
            && (!meta.is_deleted || self.deleted)
            && self.seen_by.is_none_or(|user| row.is_seen_by(user))
            && self.since.is_none_or(|since| meta.update_time >= since)
            && self.until.is_none_or(|until| meta.update_time < until)
            && row.passes(self, state)
    }
}

pub(super) fn read_ids(text: &str) -> Option<Vec<u64>> {
    let mut ids: Vec<u64> = text.split(',').map(|id| id.parse().ok()).collect::<Option<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    (ids.len() <= IDS_MAX).then_some(ids)
}

fn read_statuses(text: &str) -> Option<Vec<String>> {
    let known = |status: &&str| ["open", "won", "lost", "deleted"].contains(status);
    text.split(',').map(|status| Some(status).filter(known).map(str::to_owned)).collect()
}

/// The parameter `limit`.
pub(super) fn limit(query: &mut Query) -> usize {
    let read = |text: &str| text.parse().ok().filter(|limit| (1..=PAGE_ROWS_MAX).contains(limit));
    query.read("limit", "integer from 1 to 500", read).unwrap_or(PAGE_ROWS)
}

/// A place in an order: behind the row with this value and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Name of the order with its direction.
    order: String,
    value: String,
    pub(super) id: u64,
}

impl Cursor {
    /// The place behind an id, in an order by ids.
    pub(super) fn after_id(order: &str, id: u64) -> Self {
        Self { order: order.to_owned(), value: String::new(), id }
    }

    /// The opaque text.
    pub(super) fn text(&self) -> String {
        let plain = format!("{}|{}|{}", self.order, self.id, self.value);
        plain.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads the opaque text; `None` if it is not ours or belongs to another order.
    pub(super) fn parse(text: &str, order: &str) -> Option<Self> {
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let bytes: Option<Vec<u8>> = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
        let plain = String::from_utf8(bytes?).ok()?;
        let mut parts = plain.splitn(3, '|');
        let (own, id, value) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        (own == order).then(|| Self { order: own.to_owned(), value: value.to_owned(), id })
    }
}

/// One page that a list was asked for.
struct Page {
    order: String,
    descending: bool,
    after: Option<Cursor>,
    limit: usize,
    filter: Filter,
    extras: Extras,
}

impl Page {
    fn read<R: Listed>(mut query: Query, archived: bool) -> Result<Self, Refusal> {
        let mut filter = Filter::read(&mut query, R::FILTERS, check::instant_text);
        filter.archived = archived;
        let limit = limit(&mut query);
        let known = |name: &str| ["id", "add_time", "update_time"].contains(&name) || R::ORDERS.contains(&name);
        let order = query.read("sort_by", "a known order", |name| known(name).then(|| name.to_owned()));
        let order = order.unwrap_or_else(|| "id".to_owned());
        let descending = query.read("sort_direction", "asc or desc", |text| match text {
            "asc" => Some(false),
            "desc" => Some(true),
            _ => None,
        });
        let descending = descending.unwrap_or(false);
        let name = if descending { format!("{order}-") } else { order.clone() };
        let after = query.read("cursor", "cursor", |text| Cursor::parse(text, &name));
        let extras = Extras::read::<R>(&mut query, archived);
        query.finish(false)?;
        Ok(Self { order, descending, after, limit, filter, extras })
    }

    fn cursor<R: Listed>(&self, row: &R) -> Cursor {
        let value = match self.order.as_str() {
            "id" => String::new(),
            "add_time" => row.meta().add_time.to_string(),
            "update_time" => row.meta().update_time.to_string(),
            other => row.place(other),
        };
        let order = if self.descending { format!("{}-", self.order) } else { self.order.clone() };
        Cursor { order, value, id: row.meta().id }
    }

    /// One row more than the page has, so that its end can be told.
    fn rows<R: Listed>(&self, state: &State) -> Vec<Arc<R>> {
        let shown = R::table(state).settled();
        let lets = |row: &&Arc<R>| self.filter.lets(row.as_ref(), state);
        let behind = |id: &u64| self.after.as_ref().is_none_or(|after| (*id < after.id) == self.descending);
        let few = match (&self.filter.ids, self.filter.since) {
            (Some(ids), _) => Some(ids.clone()),
            (None, Some(since)) => shown.few_since(since, FEW_ROWS),
            (None, None) => None,
        };
        let by_time = match self.order.as_str() {
            "id" => None,
            "add_time" => Some(Order::AddTime),
            "update_time" => Some(Order::UpdateTime),
            other => return self.rows_in_rare_order(other, state),
        };
        let after = self.after.as_ref().map(|after| (after.value.parse().unwrap_or_default(), after.id));
        match (by_time, few) {
            (None, Some(mut ids)) => {
                if self.descending {
                    ids.reverse();
                }
                let rows = ids.iter().filter(|id| behind(id) && self.after.as_ref().is_none_or(|own| own.id != **id));
                rows.filter_map(|id| shown.get(*id)).filter(lets).take(self.limit + 1).cloned().collect()
            }
            (by_time, _) => {
                let order = by_time.unwrap_or(Order::Id);
                let within =
                    if order == Order::UpdateTime { (self.filter.since, self.filter.until) } else { (None, None) };
                let wanted = |row: &&Arc<R>| {
                    self.filter.ids.as_ref().is_none_or(|ids| ids.binary_search(&row.meta().id).is_ok())
                };
                let rows = shown.walk(order, self.descending, after, within);
                rows.filter(wanted).filter(lets).take(self.limit + 1).cloned().collect()
            }
        }
    }

    fn rows_in_rare_order<R: Listed>(&self, order: &str, state: &State) -> Vec<Arc<R>> {
        let all = R::table(state).settled().walk(Order::Id, false, None, (None, None));
        let mut rows: Vec<(String, u64, Arc<R>)> = all
            .filter(|row| self.filter.lets(row.as_ref(), state))
            .map(|row| (row.place(order), row.meta().id, Arc::clone(row)))
            .collect();
        rows.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        if self.descending {
            rows.reverse();
        }
        let behind = |place: &str, id: u64| match &self.after {
            None => true,
            Some(after) => {
                let (own, cursor) = ((place, id), (after.value.as_str(), after.id));
                if self.descending { own < cursor } else { own > cursor }
            }
        };
        let rows = rows.into_iter().filter(|(place, id, _)| behind(place, *id)).map(|(_, _, row)| row);
        rows.take(self.limit + 1).collect()
    }
}

/// A page of API v2.
///
/// # Errors
/// 400 for unknown parameters and values that cannot be read.
pub(super) fn page<R: Listed>(state: &mut State, act: &Act, query: Query, archived: bool) -> Result<Answer, Refusal> {
    let mut page = Page::read::<R>(query, archived)?;
    page.filter.seen_by = (!users::is_admin(act.user)).then_some(act.user);
    R::table_mut(state).shown(act.moment);
    let mut rows = page.rows::<R>(state);
    let more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let next = if more { rows.last().map(|row| page.cursor(row.as_ref()).text()) } else { None };
    let mut body = Vec::with_capacity(128 + rows.len() * 512);
    body.extend_from_slice(br#"{"success":true,"data":"#);
    if page.extras.is_plain() {
        write_rows(&rows, state, page.extras.only.as_deref(), &mut body);
    } else {
        let tallies = Tallies::of(state);
        let rows: Vec<Value> = rows.iter().map(|row| page.extras.row(state, row.as_ref(), &tallies)).collect();
        body.extend_from_slice(Value::Array(rows).to_string().as_bytes());
    }
    body.extend_from_slice(br#","additional_data":"#);
    body.extend_from_slice(json!({ "next_cursor": next }).to_string().as_bytes());
    body.push(b'}');
    Ok(Answer::json(200, body))
}

/// Appends rows as a JSON list.
pub(super) fn write_rows<R: Resource>(rows: &[Arc<R>], state: &State, only: Option<&[String]>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        row.write(state, only, out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_in_their_own_order_only() {
        let cursor = Cursor { order: "add_time-".into(), value: "2019-03-04T09:00:00Z".into(), id: 12 };
        let text = cursor.text();
        assert_eq!(Cursor::parse(&text, "add_time-"), Some(cursor));
        assert_eq!(Cursor::parse(&text, "add_time"), None);
        for nonsense in ["", "xyz", "6", "é", "00ff"] {
            assert_eq!(Cursor::parse(nonsense, "id"), None, "{nonsense}");
        }
    }

    #[test]
    fn ids_are_few_and_numbers() {
        assert_eq!(read_ids("3,1,3"), Some(vec![1, 3]));
        assert_eq!(read_ids("3,x"), None);
        assert_eq!(read_ids(&vec!["1"; 101].join(",")), Some(vec![1]));
        let many: Vec<String> = (0..101).map(|id| id.to_string()).collect();
        assert_eq!(read_ids(&many.join(",")), None);
    }
}
