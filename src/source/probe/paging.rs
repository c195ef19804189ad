//! How a list comes in portions, and what shows that all of it came.
//!
//! Names of parameters are tried many at once: one request with all names for the size of a page tells whether any of them
//! works, and halves of them tell which. A name counts only when the answer shows exactly what it asks for: the rows that the
//! first answer had at that place.

use reqwest::Url;

use super::counts::{self, total_of};
use super::ends::past_end;
use super::guard::Guard;
use super::lists::{Got, Listed};
use super::look::{more_flag, next_values};
use super::narrow::{Params, Search, all, texts};
use super::position::{by_last_id, by_position};
use super::whole::{at_once, with_size};
use super::words::{CURSORS, SIZES};
use super::{Ended, Stage};
use crate::source::api::ask::{self, Ask, Spot, link_next};
use crate::source::profile::{Paging, RowsForm, Size};

/// Rows asked for while learning.
pub(super) const FEW: usize = 2;

/// Rows that the first answer must have, to tell pages apart.
const ROWS_MIN: usize = 5;

/// Names for a cursor that its own name suggests.
const OWN: usize = 1;

/// Names for a cursor that are tried by themselves.
const ALONE: usize = 8;

/// Learns the paging of one list, from scratch.
pub(super) async fn learn(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<(), Ended> {
    if list.is_told {
        return confirm(guard, base, list).await;
    }
    if list.bare.ids.len() < ROWS_MIN {
        // What the other lists show counts, if the total says that these are all.
        list.risks.push("it has too few rows to see how it is paged".to_owned());
        at_once(list);
        return Ok(());
    }
    let size = find_size(guard, base, list).await?;
    let few = match &size {
        Some((_, got)) => got.clone(),
        None => list.bare.clone(),
    };
    let name = size.as_ref().map(|(name, _)| name.clone());
    counts::learn(guard, base, list, name.as_deref(), &few).await?;
    let mut page = by_evidence(guard, base, list, name.as_deref(), &few).await?;
    if page.is_none() {
        page = by_position(guard, base, list, name.as_deref(), &few).await?;
    }
    if page.is_none() {
        page = by_last_id(guard, base, list, name.as_deref(), &few).await?;
    }
    let Some(page) = page else {
        match name {
            Some(name) => with_size(guard, base, list, &name).await?,
            None => at_once(list),
        }
        return Ok(());
    };
    list.rules.page = Some(page);
    list.is_learned = true;
    settle_size(guard, base, list).await?;
    past_end(guard, base, list).await
}

/// Holds what a description says of the paging against the rows.
async fn confirm(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<(), Ended> {
    let draft = list.first(base, FEW as u32)?;
    let few = list.fetch_draft(guard, draft, (Stage::Shape, "whether it is paged as it is described")).await?;
    let page = list.rules.page.clone();
    let is_right = few.is_good && few.ids.len() <= FEW && list.bare.ids.starts_with(&few.ids);
    let Some(mut page) = page.filter(|_| is_right) else { return Ok(()) };
    if list.bare.ids.len() > few.ids.len() {
        if let Some(size) = page.size_mut() {
            size.rows = Some(FEW as u32);
        }
        if !try_page(guard, base, list, &page, &few).await? {
            return Ok(());
        }
    }
    if let Some((total, rows)) = total_of(list, &list.bare, &few) {
        (list.rules.total, list.rows) = (Some(total), Some(rows));
    }
    list.is_learned = true;
    list.note(guard, format!("it is paged as it is described ({})", page.name()));
    settle_size(guard, base, list).await?;
    past_end(guard, base, list).await
}

/// The parameter for the number of rows, and the answer with few.
async fn find_size(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<Option<(String, Got)>, Ended> {
    let is_keyed = list.look.form == RowsForm::Keyed;
    let is_part = |got: &Got| got.ids.iter().all(|id| list.bare.ids.contains(id));
    let works = |got: &Got| {
        got.is_good && got.ids.len() == FEW && (list.bare.ids.starts_with(&got.ids) || is_keyed && is_part(got))
    };
    let purpose = (Stage::Shape, "whether a parameter sets the number of rows");
    let names = texts(SIZES);
    let search = Search { base, list, purpose, alone: &names };
    let found = search.name(guard, names.clone(), |names| all(names, &FEW.to_string()), works).await?;
    if let Some((name, got)) = &found {
        // The newest may come first, which an object does not show.
        list.is_sorted &= list.bare.ids.starts_with(&got.ids);
        list.note(guard, format!("'{name}' sets the number of rows"));
    }
    Ok(found)
}

pub(super) fn sized(size: Option<&str>) -> Params {
    size.map(|name| (name.to_owned(), FEW.to_string())).into_iter().collect()
}

pub(super) fn size_rules(size: Option<&str>) -> Size {
    Size { param: size.map(str::to_owned), rows: Some(FEW as u32).filter(|_| size.is_some()), echo: None }
}

/// The rows that follow, where the first answer showed them; otherwise any that were not there.
pub(super) fn follows(list: &Listed, first: &Got, got: &Got) -> bool {
    let (at, seen) = (first.ids.len(), list.bare.ids.len());
    let is_new = got.ids.iter().all(|id| !first.ids.contains(id));
    if !got.is_good || got.ids.is_empty() {
        return false;
    }
    if at >= seen {
        return is_new;
    }
    if !list.is_ordered() {
        return is_new && (at + got.ids.len() > seen || got.ids.iter().all(|id| list.bare.ids.contains(id)));
    }
    let expected = &list.bare.ids[at..seen.min(at + got.ids.len())];
    got.ids.starts_with(expected) || expected.starts_with(&got.ids)
}

/// By what the answer itself says about the next page.
async fn by_evidence(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<Paging>, Ended> {
    let is_more = list.rows.is_none_or(|rows| rows > few.ids.len() as u64);
    if link_next(&few.headers).is_some() && is_more {
        let page = Paging::Link { size: size_rules(size) };
        if try_page(guard, base, list, &page, few).await? {
            list.note(guard, "the Link header leads to the next page");
            return Ok(Some(page));
        }
    }
    let more = more_flag(&few.body, &list.look);
    for (path, value) in next_values(&few.body, &list.look) {
        if value.is_empty() {
            continue;
        }
        if value.contains("://") || value.starts_with('/') || value.starts_with('?') {
            let page = Paging::Url { next: path.clone(), size: size_rules(size) };
            if try_page(guard, base, list, &page, few).await? {
                list.note(guard, format!("'{path}' is the address of the next page"));
                return Ok(Some(page));
            }
            continue;
        }
        if let Some(param) = find_cursor(guard, base, list, (size, few), (&path, &value)).await? {
            let page = Paging::Cursor { param, next: path.clone(), more, size: size_rules(size), at: list.at };
            list.note(guard, format!("'{path}' is the cursor of the next page"));
            return Ok(Some(page));
        }
    }
    Ok(None)
}

/// Whether a way of paging gives the rows that follow.
pub(super) async fn try_page(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    page: &Paging,
    few: &Got,
) -> Result<bool, Ended> {
    let behind = page_behind(guard, base, list, page, few).await?;
    Ok(behind.is_some_and(|behind| follows(list, few, &behind)))
}

/// What a way of paging gives behind a first page; nothing where that leads nowhere.
pub(super) async fn page_behind(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    page: &Paging,
    first: &Got,
) -> Result<Option<Got>, Ended> {
    let mut rules = list.rules.clone();
    rules.page = Some(page.clone());
    let Some(object) = list.object else { return Ok(None) };
    let resolved = rules.resolved(object);
    let spot = match page {
        Paging::Keyset { .. } => Spot::Token(first.ids.last().cloned().unwrap_or_default()),
        Paging::Page { .. } | Paging::Offset { .. } => Spot::Behind { pages: 1, rows: first.ids.len() as u64 },
        _ => match ask::next(&resolved, &first.body, &first.headers, &[]) {
            ask::Next::At(spot) => spot,
            _ => return Ok(None),
        },
    };
    let ask = Ask { spot, page_rows: FEW as u32, ..Ask::default() };
    let Ok(draft) = ask::request(base, &resolved, &ask) else { return Ok(None) };
    list.fetch_draft(guard, draft, (Stage::Shape, "whether the next page follows")).await.map(Some)
}

/// The parameter that takes a cursor.
async fn find_cursor(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    (size, few): (Option<&str>, &Got),
    (path, value): (&str, &str),
) -> Result<Option<String>, Ended> {
    // `next_cursor` is asked for as `cursor`, `nextPageToken` as `pageToken`, `paging.next.after` as `after`.
    let last = path.rsplit('.').next().unwrap_or(path);
    let stem = last.strip_prefix("next_").or(last.strip_prefix("next")).unwrap_or(last).to_owned();
    let mut lowered: Vec<char> = stem.chars().collect();
    if let Some(first) = lowered.first_mut() {
        *first = first.to_ascii_lowercase();
    }
    let lowered: String = lowered.into_iter().collect();
    let own = [lowered, last.to_owned()].into_iter().filter(|name| !name.is_empty());
    let mut names: Vec<String> = Vec::new();
    for name in own.chain(CURSORS.iter().map(|name| (*name).to_owned())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let purpose = (Stage::Shape, "which parameter takes the cursor");
    let with = |names: &[String]| [sized(size), all(names, value)].concat();
    // Those that are told apart by their names come first.
    let others = names.split_off(names.len().min(OWN));
    for names in [names, others] {
        let alone = names[..names.len().min(ALONE)].to_vec();
        let search = Search { base, list, purpose, alone: &alone };
        if let Some((name, _)) = search.name(guard, names, with, |got| follows(list, few, got)).await? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// How many rows may be asked for at once.
async fn settle_size(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<(), Ended> {
    let most = guard.allowance.page_rows;
    if list.rules.page.as_ref().and_then(Paging::size).is_none_or(|size| size.param.is_none()) {
        return Ok(());
    }
    let draft = list.first(base, most)?;
    let got = list.fetch_draft(guard, draft, (Stage::Shape, "how many rows it gives at once")).await?;
    if !got.is_good {
        let own = u32::try_from(list.bare.ids.len()).unwrap_or(most).min(most).max(1);
        set_size(list, own);
        list.risks.push(format!("it refuses {most} rows at once; {own} are asked for"));
        return Ok(());
    }
    let given = u32::try_from(got.ids.len()).unwrap_or(most);
    let is_all = list.rows.is_some_and(|rows| rows <= u64::from(given));
    let mut is_cut =
        given < most && !is_all && (list.rows.is_some() || given <= u32::try_from(list.bare.ids.len()).unwrap_or(0));
    if is_cut && list.rows.is_none() && given > 0 {
        // As many as without a size: that is the most it gives, or there are no more.
        set_size(list, most);
        let page = list.rules.page.clone();
        is_cut = match &page {
            Some(page) => try_page(guard, base, list, page, &got).await?,
            None => false,
        };
    }
    if is_cut && given > 0 {
        set_size(list, given);
        list.note(guard, format!("it gives {given} rows at once, though {most} were asked for"));
    } else {
        set_size(list, most);
    }
    if got.ids.len() > list.bare.ids.len() {
        list.bare = got;
    }
    Ok(())
}

pub(super) fn set_size(list: &mut Listed, rows: u32) {
    if let Some(size) = list.rules.page.as_mut().and_then(Paging::size_mut) {
        size.rows = Some(rows);
    }
}
