//! How a list is cut into pages: what a request asks for, which rows that is, and where the next ones are (section 3).

use serde_json::Value;

use super::choices::*;
use super::dimension::Dimension as _;
use super::errors::Fault;
use super::ids;
use super::list::order;
use super::reply::Params;
use super::rules::has_own_lists;
use super::shape::Shape;
use super::store::Row;
use crate::record::Object;

/// Name of the parameter that carries an opaque place in addresses.
const PLACE: &str = "cursor";

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// At so many rows.
    At(usize),
    /// After this row, or at so many rows if it is gone.
    After(u64, usize),
}

/// Which page is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) turn: Turn,
    pub(super) size: usize,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) rows: Vec<&'a Row>,
    /// Rows before it, as the shape counts.
    pub(super) from: usize,
    /// All rows of the list.
    pub(super) total: usize,
    /// Where the next page begins.
    pub(super) next: Option<Turn>,
}

/// The style of an object's pages.
pub(super) fn style(shape: &Shape, object: Object) -> Paging {
    match shape.protocol {
        Protocol::Odata4 | Protocol::Odata2 => return Paging::NextUrl,
        Protocol::Graphql => return Paging::Cursor,
        Protocol::Sql => return Paging::Offset,
        Protocol::Rest | Protocol::Rpc | Protocol::RpcSingle | Protocol::Xml | Protocol::Soap => {}
    }
    match shape.mixed {
        Mixed::Yes if matches!(object, Object::Note | Object::Owner) => Paging::Page,
        _ => shape.paging,
    }
}

/// What is wrong with the pages. Protocols with lists of their own keep their word.
fn flaw(shape: &Shape) -> PagingFlaw {
    if has_own_lists(shape) { PagingFlaw::None } else { shape.paging_flaw }
}

/// Reads what a request asks for. `known` gives the number of the row with an id.
pub(super) fn asked(
    shape: &Shape,
    object: Object,
    params: &mut Params,
    known: impl Fn(&str) -> Option<u64>,
) -> Result<Part, Fault> {
    let style = style(shape, object);
    if style == Paging::None {
        return Ok(Part { turn: Turn::At(0), size: usize::MAX });
    }
    let size = size(shape, params)?;
    let turn = match style {
        Paging::Page => {
            let base = if shape.page_base == PageBase::Zero { 0 } else { 1 };
            let page = number(params, shape.page_param.text())?.unwrap_or(base);
            if page < base {
                return Err(Fault::bad(format!("{} begins with {base}.", shape.page_param.text())));
            }
            Turn::At((page - base).saturating_mul(size))
        }
        Paging::Offset => {
            let skip = number(params, shape.offset_param.text())?.unwrap_or(0);
            Turn::At(if flaw(shape) == PagingFlaw::OffsetIsPage { skip.saturating_mul(size) } else { skip })
        }
        Paging::Cursor => cursor(shape, params, known)?,
        Paging::NextUrl | Paging::Link => place(params, PLACE)?,
        Paging::Keyset => match params.take(shape.keyset_param.text()) {
            None => Turn::At(0),
            Some(id) => {
                let id: u64 = id.parse().map_err(|_| Fault::bad(format!("{} is no id.", shape.keyset_param.text())))?;
                let first: u64 = ids::text(shape.ids, object, 0).parse().unwrap_or_default();
                Turn::After(id.saturating_sub(first), usize::MAX)
            }
        },
        Paging::None => Turn::At(0),
    };
    let turn = if flaw(shape) == PagingFlaw::Ignored { Turn::At(0) } else { turn };
    Ok(Part { turn, size })
}

fn size(shape: &Shape, params: &mut Params) -> Result<usize, Fault> {
    let default: usize = shape.page_default.text().parse().unwrap_or(100);
    let most: usize = shape.page_max.text().parse().unwrap_or(100);
    if shape.size_param == SizeParam::None {
        return Ok(default.min(most));
    }
    let Some(size) = number(params, shape.size_param.text())? else { return Ok(default.min(most)) };
    match size {
        0 => Err(Fault::bad(format!("{} is at least 1.", shape.size_param.text()))),
        _ if size > most && shape.oversize == Oversize::Refused => {
            Err(Fault::bad(format!("{} is at most {most}.", shape.size_param.text())))
        }
        _ => Ok(size.min(most)),
    }
}

fn number(params: &mut Params, name: &str) -> Result<Option<usize>, Fault> {
    let Some(text) = params.take(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Fault::bad(format!("{name} is a whole number.")))
}

fn cursor(shape: &Shape, params: &mut Params, known: impl Fn(&str) -> Option<u64>) -> Result<Turn, Fault> {
    let name = cursor_param(shape.cursor_form);
    match shape.cursor_form {
        CursorForm::NextOffset | CursorForm::NextPageOffset | CursorForm::Next => {
            Ok(Turn::At(number(params, name)?.unwrap_or(0)))
        }
        CursorForm::StartingAfter => match params.take(name) {
            None => Ok(Turn::At(0)),
            Some(id) => {
                let key = known(&id).ok_or_else(|| Fault::bad("There is no such id."))?;
                Ok(Turn::After(key, usize::MAX))
            }
        },
        _ => place(params, name),
    }
}

/// The parameter that carries a cursor.
pub(super) fn cursor_param(form: CursorForm) -> &'static str {
    match form {
        CursorForm::NextCursor => "cursor",
        CursorForm::Bookmark => "bookmark",
        CursorForm::PageToken => "pageToken",
        CursorForm::StartingAfter => "starting_after",
        CursorForm::PagingNextAfter => "after",
        CursorForm::NextOffset | CursorForm::NextPageOffset | CursorForm::Next => "offset",
    }
}

/// An opaque place: hexadecimal text of a row's number and its place.
fn place(params: &mut Params, name: &str) -> Result<Turn, Fault> {
    let Some(text) = params.take(name) else { return Ok(Turn::At(0)) };
    read_place(&text).ok_or_else(|| Fault::bad(format!("{name} is not one of ours.")))
}

/// Reads an opaque place.
pub(super) fn read_place(text: &str) -> Option<Turn> {
    let (key, at) = text.strip_prefix("c")?.split_once('z')?;
    let at = usize::from_str_radix(at, 16).ok()?;
    if key.is_empty() {
        return Some(Turn::At(at));
    }
    Some(Turn::After(u64::from_str_radix(key, 16).ok()?, at))
}

/// Writes an opaque place.
pub(super) fn write_place(turn: Turn) -> String {
    match turn {
        Turn::At(at) => format!("cz{at:x}"),
        Turn::After(key, at) => format!("c{key:x}z{at:x}"),
    }
}

/// Cuts a page out of a list.
pub(super) fn cut<'a>(shape: &Shape, object: Object, listed: &[&'a Row], part: Part) -> Result<Page<'a>, Fault> {
    let reach = cap(shape).min(listed.len());
    let within = &listed[..reach];
    let total = listed.len();
    let mut from = begin(shape, within, part.turn);
    let style = style(shape, object);
    if from >= reach && from > 0 && matches!(style, Paging::Page | Paging::Offset) {
        match shape.past_end {
            PastEnd::Empty => {}
            PastEnd::Missing => return Err(Fault::not_found()),
            PastEnd::Refused => return Err(Fault::bad("There is no such page.")),
            PastEnd::Repeat => from = reach.saturating_sub(1) / part.size.max(1) * part.size,
        }
    }
    let until = from.saturating_add(part.size).min(reach);
    let rows = within.get(from..until).unwrap_or_default().to_vec();
    let next = match rows.last() {
        Some(last) if until < reach => Some(Turn::After(last.key, until)),
        _ if flaw(shape) == PagingFlaw::Loop && reach > 0 => Some(Turn::At(0)),
        _ => None,
    };
    Ok(Page { rows, from, total: if flaw(shape) == PagingFlaw::CountIsLast { until } else { total }, next })
}

fn begin(shape: &Shape, listed: &[&Row], turn: Turn) -> usize {
    let (key, at) = match turn {
        Turn::At(at) => return at,
        Turn::After(key, at) => (key, at),
    };
    match listed.iter().position(|row| row.key == key) {
        Some(place) => place + 1,
        None => match order(shape) {
            Order::IdUp => listed.partition_point(|row| row.key <= key),
            Order::IdDown => listed.partition_point(|row| row.key >= key),
            _ => at,
        },
    }
}

fn cap(shape: &Shape) -> usize {
    shape.cap.text().parse().unwrap_or(usize::MAX)
}

/// What the next page is called in the body: path in the body, and text or number.
pub(super) enum Next {
    /// A member of the body; `None` says that there is no further page.
    Body(&'static str, Option<Value>),
    /// A `Link` header.
    Link(String),
    /// Nothing is said.
    Nothing,
}

/// Says where the next page is.
pub(super) fn next(shape: &Shape, object: Object, page: &Page, params: &Params, list: &str) -> Next {
    let text = page.next.map(write_place);
    let address = |place: &String| format!("{list}?{}", params.with(PLACE, place, &[]));
    match style(shape, object) {
        Paging::Cursor => {
            let offset = page.next.map(|turn| match turn {
                Turn::At(at) | Turn::After(_, at) => Value::from(at),
            });
            let token = text.map(Value::from);
            match shape.cursor_form {
                CursorForm::NextCursor => Next::Body("next_cursor", token),
                CursorForm::Bookmark => Next::Body("bookmark", token),
                CursorForm::PageToken => Next::Body("nextPageToken", token),
                CursorForm::StartingAfter => Next::Body("has_more", Some(Value::from(page.next.is_some()))),
                CursorForm::PagingNextAfter => Next::Body("paging.next.after", token),
                CursorForm::NextOffset => Next::Body("next_offset", offset),
                CursorForm::NextPageOffset => Next::Body("next_page.offset", offset),
                CursorForm::Next => Next::Body("next", offset),
            }
        }
        Paging::NextUrl => {
            let url = text.as_ref().map(address);
            let url = match shape.next_form {
                NextForm::NextRecordsUrl => url.map(|url| without_host(&url)),
                _ => url,
            };
            Next::Body(shape.next_form.text(), url.map(Value::from))
        }
        Paging::Link => {
            text.as_ref().map_or(Next::Nothing, |place| Next::Link(format!("<{}>; rel=\"next\"", address(place))))
        }
        Paging::Page | Paging::Offset | Paging::Keyset | Paging::None => Next::Nothing,
    }
}

/// The path and query of an address.
pub(super) fn without_host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned())
}
