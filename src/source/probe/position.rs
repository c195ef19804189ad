//! Pages that are counted: by their number, by the rows before them, or by the id of the last row.

use reqwest::Url;

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::narrow::{Search, all, texts};
use super::paging::{FEW, follows, size_rules, sized, try_page};
use super::words::{KEYSETS, OFFSETS, PAGES};
use super::{Ended, Stage};
use crate::source::profile::{Paging, Step};

/// Names in the order in which they are tried by themselves, before the others.
const LIKELY: &[&str] =
    &["page", "offset", "$skip", "skip", "start", "from", "page[number]", "pageNumber", "p", "pg[offset]"];

/// The same for ids.
const LIKELY_KEYSETS: &[&str] = &["since_id", "after_id", "max_id", "starting_after", "changed_object_id__gt"];

/// Names for positions beside certain names for sizes.
const PAIRS: &[(&str, &[&str])] = &[
    ("$top", &["$skip"]),
    ("page[size]", &["page[number]", "page[offset]", "page[page]"]),
    ("pg[limit]", &["pg[offset]"]),
    ("_limit", &["_page", "_skip", "_start", "_offset"]),
    ("pageSize", &["pageNumber"]),
    ("PageSize", &["PageNumber"]),
    ("page_size", &["page_number"]),
    ("maxResults", &["startAt", "startIndex"]),
];

/// Rows at the beginning of a list without an order whose places are found out.
const PLACED: usize = 6;

/// What a parameter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// Pages, the first of which has this number.
    Pages(u32),
    Rows,
    RowsFromOne,
}

impl Counts {
    /// What parameters of such a name may count, the likeliest first: there are "offsets" that count pages.
    fn all(is_page: bool) -> Vec<Self> {
        let (pages, rows) = ([Counts::Pages(1), Counts::Pages(0)], [Counts::Rows, Counts::RowsFromOne]);
        if is_page { [pages, rows].concat() } else { [rows, [Counts::Pages(0), Counts::Pages(1)]].concat() }
    }

    /// The place of the first row that a value gives, where pages have so many rows.
    fn place(self, value: usize, full: usize) -> usize {
        match self {
            Counts::Pages(first) => value.saturating_sub(first as usize) * full,
            Counts::Rows => value,
            Counts::RowsFromOne => value.saturating_sub(1),
        }
    }

    fn paging(self, param: String, list: &Listed, size: Option<&str>) -> Paging {
        let (size, at) = (size_rules(size), list.at);
        let step = match self {
            Counts::Pages(0) if !PAGES.contains(&param.as_str()) => Step::Pages,
            Counts::Pages(first) => return Paging::Page { param, first, size, at },
            Counts::Rows => Step::Rows,
            Counts::RowsFromOne => Step::RowsFromOne,
        };
        Paging::Offset { param, step, size, at }
    }
}

/// The parameter that says where the page begins, and the answer to a two in it.
async fn find_position(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<(String, Got)>, Ended> {
    let moves = |got: &Got| {
        let is_same = got.ids.len() == few.ids.len() && got.ids.iter().all(|id| few.ids.contains(id));
        got.is_good && !is_same && (size.is_none() || got.ids.len() <= FEW)
    };
    let purpose = (Stage::Shape, "whether a parameter says where the page begins");
    let names = [texts(PAGES), texts(OFFSETS)].concat();
    let beside = PAIRS.iter().find(|(own, _)| size == Some(*own)).map_or(&[][..], |(_, names)| *names);
    let alone = in_order(&[beside, LIKELY], &names);
    let search = Search { base, list, purpose, alone: &alone };
    search.name(guard, names.clone(), |names| [sized(size), all(names, "2")].concat(), moves).await
}

/// Names, some of them first.
fn in_order(first: &[&[&str]], names: &[String]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    let first = first.iter().flat_map(|some| some.iter().map(|name| (*name).to_owned()));
    for name in first.chain(names.iter().cloned()) {
        if names.contains(&name) && !order.contains(&name) {
            order.push(name);
        }
    }
    order
}

/// By the number of the page, or of the rows before it.
pub(super) async fn by_position(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<Paging>, Ended> {
    let Some((name, two)) = find_position(guard, base, list, size, few).await? else { return Ok(None) };
    let mut few = few.clone();
    let mut horizon = list.bare.ids.len();
    if !list.is_ordered() {
        let Some(size) = size else { return Ok(None) };
        horizon = put_in_order(guard, base, list, size).await?;
        few.ids = list.bare.ids[..few.ids.len().min(horizon)].to_vec();
    }
    let full = few.ids.len();
    // Where the first of its rows stands, as far as places are known.
    let place = |list: &Listed, got: &Got| {
        let places = got.ids.iter().filter_map(|id| list.bare.ids.iter().position(|own| own == id));
        let place = if list.is_ordered() { places.take(1).min() } else { places.min() };
        place.filter(|place| *place < horizon)
    };
    let shown = |counts: Counts, value: usize| Some(counts.place(value, full)).filter(|place| *place < horizon);
    let mut left = Counts::all(PAGES.contains(&name.as_str()));
    let seen = place(list, &two);
    left.retain(|counts| shown(*counts, 2) == seen);
    // With two rows a page, an offset of two and the second page look the same; other values of it tell them apart.
    for value in [3, 1] {
        if left.iter().all(|counts| shown(*counts, value) == shown(left[0], value)) {
            continue;
        }
        let params = [sized(size), vec![(name.clone(), value.to_string())]].concat();
        let got = list.fetch(guard, base, &params, (Stage::Shape, "what the parameter counts")).await?;
        if got.is_good {
            let seen = place(list, &got);
            left.retain(|counts| shown(*counts, value) == seen);
        }
    }
    let Some(counts) = left.first() else { return Ok(None) };
    let found = counts.paging(name.clone(), list, size);
    if !try_page(guard, base, list, &found, &few).await? {
        return Ok(None);
    }
    list.note(guard, format!("'{name}' says where the page begins ({})", found.name()));
    Ok(Some(found))
}

/// Puts the first ids of a list whose answers have no order into the order of the source, by asking for one row more each
/// time. Gives how many.
async fn put_in_order(guard: &mut Guard<'_>, base: &Url, list: &mut Listed, size: &str) -> Result<usize, Ended> {
    let mut order: Vec<String> = Vec::new();
    for rows in 1..=PLACED {
        let params = vec![(size.to_owned(), rows.to_string())];
        let got = list.fetch(guard, base, &params, (Stage::Shape, "in which order the rows are")).await?;
        let mut fresh = got.ids.iter().filter(|id| !order.contains(id));
        let (Some(next), None) = (fresh.next().cloned(), fresh.next()) else { break };
        order.push(next);
    }
    let placed = order.len();
    let rest: Vec<String> = list.bare.ids.iter().filter(|id| !order.contains(id)).cloned().collect();
    list.bare.ids = [order, rest].concat();
    Ok(placed)
}

/// By the id of the last row.
pub(super) async fn by_last_id(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<Paging>, Ended> {
    let Some(last) = few.ids.last().filter(|_| list.is_ordered() && few.ids.len() < list.bare.ids.len()) else {
        return Ok(None);
    };
    let names = texts(KEYSETS);
    let purpose = (Stage::Shape, "whether a parameter gives the rows behind an id");
    let alone = in_order(&[LIKELY_KEYSETS], &names);
    let search = Search { base, list, purpose, alone: &alone };
    let with = |names: &[String]| [sized(size), all(names, last)].concat();
    let found = search.name(guard, names.clone(), with, |got| follows(list, few, got)).await?;
    let Some((param, _)) = found else { return Ok(None) };
    list.note(guard, format!("'{param}' gives the rows behind an id"));
    Ok(Some(Paging::Keyset { param, size: size_rules(size), at: list.at }))
}
