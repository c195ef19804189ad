//! How a list comes in portions, and what shows that all of it came.
//!
//! Names of parameters are tried many at once: one request with all names for the size of a page tells whether any of them
//! works, and halves of them tell which. A name counts only when the answer shows exactly what it asks for: the rows that the
//! first answer had at that place.

use reqwest::Url;
use serde_json::Value;

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::look::{more_flag, next_values, numbers};
use super::narrow::{Params, Search, all, texts};
use super::position::{by_last_id, by_position};
use super::words::{COUNTS, CURSORS, SIZES, folded};
use super::{Ended, Stage};
use crate::record::Object;
use crate::source::api::ask::{self, Ask, Spot, link_next};
use crate::source::profile::{Paging, PastEnd, Size, Total};

/// Rows asked for while learning.
pub(super) const FEW: usize = 2;

/// A page that no list has.
const FAR: u64 = 90_000;

/// Rows that the first answer must have, to tell pages apart.
const ROWS_MIN: usize = 5;

/// Names for a cursor that its own name suggests.
const OWN: usize = 1;

/// Learns the paging of one list, from scratch.
pub(super) async fn learn(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<(), Ended> {
    if list.is_told {
        return confirm(guard, base, list).await;
    }
    if list.bare.ids.len() < ROWS_MIN {
        return few_rows(list);
    }
    let size = find_size(guard, base, list).await?;
    let few = match &size {
        Some((_, got)) => got.clone(),
        None => list.bare.clone(),
    };
    let name = size.as_ref().map(|(name, _)| name.clone());
    count(guard, base, list, name.as_deref(), &few).await?;
    let mut page = by_evidence(guard, base, list, name.as_deref(), &few).await?;
    if page.is_none() {
        page = by_position(guard, base, list, name.as_deref(), &few).await?;
    }
    if page.is_none() {
        page = by_last_id(guard, base, list, name.as_deref(), &few).await?;
    }
    let Some(page) = page else { return at_once(list) };
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

/// Too few rows to see how they are paged: what the other lists show counts, if the total says that these are all.
fn few_rows(list: &mut Listed) -> Result<(), Ended> {
    list.risks.push("it has too few rows to see how it is paged".to_owned());
    at_once(list)
}

/// All rows come in one answer, unless something says otherwise.
fn at_once(list: &mut Listed) -> Result<(), Ended> {
    let own = list.bare.ids.len() as u64;
    let leads_on = link_next(&list.bare.headers).is_some()
        || next_values(&list.bare.body, &list.look).iter().any(|(_, value)| !value.is_empty());
    match list.rows {
        Some(total) if total > own => {
            list.refused =
                Some(format!("it gives {own} rows of the {total} that it counts, and no parameter gives the others"));
        }
        _ if leads_on => {
            list.refused =
                Some("it says that there are more rows, and it was not found out how to ask for them".to_owned());
        }
        _ => {
            list.rules.page = Some(Paging::None { cap: None });
            list.is_learned = true;
            list.reasons.push("all rows come in one answer; no parameter divides it".to_owned());
        }
    }
    Ok(())
}

/// The parameter for the number of rows, and the answer with few.
async fn find_size(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<Option<(String, Got)>, Ended> {
    let works = |got: &Got| got.is_good && got.ids.len() == FEW && got.ids[..] == list.bare.ids[..FEW];
    let purpose = (Stage::Shape, "whether a parameter sets the number of rows");
    let search = Search { base, list, purpose, alone: &SIZES[..8] };
    let found = search.name(guard, texts(SIZES), |names| all(names, &FEW.to_string()), works).await?;
    if let Some((name, _)) = &found {
        list.note(guard, format!("'{name}' sets the number of rows"));
    }
    Ok(found)
}

/// What the source counts.
async fn count(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<(), Ended> {
    if let Some((total, rows)) = total_of(list, &list.bare, few) {
        list.rules.total = Some(total);
        list.rows = Some(rows);
        list.reasons.push(format!("it counts {rows} rows"));
        return Ok(());
    }
    if list.takes.is_some() {
        return Ok(());
    }
    let mut params: Params = COUNTS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    params.extend(size.map(|name| (name.to_owned(), FEW.to_string())));
    let got = list.fetch(guard, base, &params, (Stage::Shape, "whether it counts when asked to")).await?;
    let Some((total, rows)) = total_of(list, &got, &got).filter(|(_, rows)| *rows > few.ids.len() as u64) else {
        return Ok(());
    };
    // Asked for all at once; which of them it was does not matter, and sending the others harms nobody.
    let mut candidates: Vec<(&str, &str)> = COUNTS.to_vec();
    while candidates.len() > 1 {
        let half = candidates[..candidates.len() / 2].to_vec();
        let mut params: Params = half.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        params.extend(size.map(|name| (name.to_owned(), FEW.to_string())));
        let got = list.fetch(guard, base, &params, (Stage::Shape, "which parameter makes it count")).await?;
        let counts = total_of(list, &got, &got).is_some_and(|(again, _)| again == total);
        candidates = if counts { half } else { candidates[half.len()..].to_vec() };
    }
    let query = candidates.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    list.set_always(list.always.iter().cloned().chain(query).collect());
    list.note(guard, format!("it counts {rows} rows when asked to"));
    list.rules.total = Some(total);
    list.rows = Some(rows);
    Ok(())
}

/// A number that is the same whatever the size of the page, and no smaller than what was seen.
fn total_of(list: &Listed, bare: &Got, few: &Got) -> Option<(Total, u64)> {
    let seen = bare.ids.len().max(few.ids.len()) as u64;
    let small = numbers(&few.body, &list.look);
    let mut found: Option<(u8, Total, u64)> = None;
    for (path, number) in numbers(&bare.body, &list.look) {
        let name = folded(path.rsplit('.').next().unwrap_or(&path));
        let score = match name.as_str() {
            "totalcount" | "totalrecords" | "recordstotal" | "totalsize" | "totalresults" | "totalitems" => 9,
            "total" | "odatacount" | "itemcount" | "numfound" => 8,
            "count" => 5,
            _ if name.contains("total") && !name.contains("page") => 4,
            _ => continue,
        };
        let same = small.iter().any(|(own, again)| *own == path && *again == number);
        let is_count_of_page = name == "count" && number == seen && bare.ids.len() == few.ids.len();
        if same && number >= seen && !is_count_of_page && found.as_ref().is_none_or(|(known, _, _)| score > *known) {
            found = Some((score, Total::Body(path), number));
        }
    }
    if let Some((_, total, number)) = found {
        return Some((total, number));
    }
    ["x-total-count", "x-total", "total-count", "x-pagination-total", "x-totalcount"].iter().find_map(|name| {
        let number = |got: &Got| got.headers.get(*name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let rows = number(bare)?;
        (number(few) == Some(rows) && rows >= seen).then(|| (Total::Header((*name).to_owned()), rows))
    })
}

pub(super) fn sized(size: Option<&str>) -> Params {
    size.map(|name| (name.to_owned(), FEW.to_string())).into_iter().collect()
}

pub(super) fn size_rules(size: Option<&str>) -> Size {
    Size { param: size.map(str::to_owned), rows: Some(FEW as u32).filter(|_| size.is_some()), echo: None }
}

/// The rows that follow, where the first answer showed them; otherwise any that were not there.
pub(super) fn follows(list: &Listed, first: &Got, got: &Got) -> bool {
    let at = first.ids.len();
    if !got.is_good || got.ids.is_empty() {
        return false;
    }
    if at < list.bare.ids.len() {
        let expected = &list.bare.ids[at..list.bare.ids.len().min(at + got.ids.len())];
        got.ids.starts_with(expected) || expected.starts_with(&got.ids)
    } else {
        got.ids.iter().all(|id| !first.ids.contains(id))
    }
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
    let mut rules = list.rules.clone();
    rules.page = Some(page.clone());
    let Some(object) = list.object else { return Ok(false) };
    let resolved = rules.resolved(object);
    let spot = match page {
        Paging::Keyset { .. } => Spot::Token(few.ids.last().cloned().unwrap_or_default()),
        Paging::Page { .. } | Paging::Offset { .. } => Spot::Behind { pages: 1, rows: few.ids.len() as u64 },
        _ => match ask::next(&resolved, &few.body, &few.headers, &[]) {
            ask::Next::At(spot) => spot,
            _ => return Ok(false),
        },
    };
    let ask = Ask { spot, page_rows: FEW as u32, ..Ask::default() };
    let Ok(draft) = ask::request(base, &resolved, &ask) else { return Ok(false) };
    let got = list.fetch_draft(guard, draft, (Stage::Shape, "whether the next page follows")).await?;
    Ok(follows(list, few, &got))
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
    let search = Search { base, list, purpose, alone: &[] };
    let with = |names: &[String]| [sized(size), all(names, value)].concat();
    // Those that are told apart by their names come first.
    let others = names.split_off(names.len().min(OWN));
    for names in [names, others] {
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

/// What comes behind the last page.
async fn past_end(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<(), Ended> {
    if list.rows.is_some() || !matches!(list.rules.page, Some(Paging::Page { .. } | Paging::Offset { .. })) {
        return Ok(());
    }
    let Some(object) = list.object else { return Ok(()) };
    let resolved = list.rules.clone().resolved(object);
    let ask = Ask { spot: Spot::Behind { pages: FAR, rows: FAR * 100 }, page_rows: 100, ..Ask::default() };
    let draft = ask::request(base, &resolved, &ask).map_err(Ended)?;
    let got = list.fetch_draft(guard, draft, (Stage::Shape, "what comes behind the last page")).await?;
    let past = match got.status {
        200..=299 if got.ids.is_empty() => PastEnd::Empty,
        200..=299 => PastEnd::Repeats,
        404 => PastEnd::NotFound,
        400 | 416 | 422 => PastEnd::Refused,
        _ => return Ok(()),
    };
    list.rules.past_end = Some(past);
    list.note(guard, format!("behind the last page: {past:?}"));
    Ok(())
}

/// What the last page leads to, where the answers lead from page to page: seen on the shortest list.
pub(super) async fn behind_end(guard: &mut Guard<'_>, base: &Url, lists: &mut [Listed]) -> Result<(), Ended> {
    let leads = |list: &Listed| {
        let page = list.rules.page.as_ref().filter(|_| list.is_learned && list.object.is_some());
        matches!(page, Some(Paging::Cursor { .. } | Paging::Url { .. } | Paging::Link { .. } | Paging::Keyset { .. }))
    };
    let Some(list) = lists.iter().filter(|list| leads(list)).min_by_key(|list| list.bare.ids.len()) else {
        return Ok(());
    };
    let purpose = (Stage::Shape, "what comes behind the last page");
    let rows = guard.allowance.page_rows;
    let only = list.fetch_draft(guard, list.first(base, rows)?, purpose).await?;
    let resolved = list.rules.clone().resolved(list.object.unwrap_or(Object::Custom));
    let is_last = only.is_good && !only.ids.is_empty() && (only.ids.len() as u64) < u64::from(rows).min(20);
    let spot = match &resolved.page {
        Paging::Keyset { .. } => only.ids.last().cloned().map(Spot::Token),
        _ => match ask::next(&resolved, &only.body, &only.headers, &[]) {
            ask::Next::At(spot) => Some(spot),
            _ => None,
        },
    };
    let Some(spot) = spot.filter(|_| is_last) else { return Ok(()) };
    let draft = ask::request(base, &resolved, &Ask { spot, page_rows: rows, ..Ask::default() }).map_err(Ended)?;
    let got = list.fetch_draft(guard, draft, purpose).await?;
    if got.is_good && got.ids == only.ids && !matches!(resolved.page, Paging::Keyset { .. }) {
        for list in lists.iter_mut().filter(|list| leads(list)) {
            list.rules.past_end = Some(PastEnd::Restarts);
            list.note(guard, "the last page leads back to the first");
        }
    }
    Ok(())
}

/// Holds what one list showed against another one.
pub(super) async fn verify(guard: &mut Guard<'_>, base: &Url, model: &Listed, list: &mut Listed) -> Result<(), Ended> {
    let (Some(page), true, false) = (&model.rules.page, model.is_learned, list.is_told) else {
        return learn(guard, base, list).await;
    };
    if list.always.is_empty() {
        list.set_always(model.always.clone());
    }
    list.rules.past_end = model.rules.past_end;
    if let Paging::None { .. } = page {
        return take_total(guard, base, model, list).await.map(|_| ()).and(at_once(list));
    }
    if list.bare.ids.len() < 3 {
        // Too few rows to divide them: what holds elsewhere is taken to hold here, and reading them all proves it or not.
        take_total(guard, base, model, list).await?;
        list.rules.page = Some(page.clone());
        list.is_learned = true;
        list.risks.push("it has too few rows to see how it is paged; it is read as the other lists are".to_owned());
        return Ok(());
    }
    let mut small = list.clone();
    small.rules.page = Some(page.clone());
    set_size(&mut small, FEW as u32);
    let Some(object) = list.object else { return Ok(()) };
    let resolved = small.rules.clone().resolved(object);
    let first = Ask { page_rows: FEW as u32, ..Ask::default() };
    let draft = ask::request(base, &resolved, &first).map_err(Ended)?;
    let sized = page.size().is_some_and(|size| size.param.is_some());
    let got = list.fetch_draft(guard, draft, (Stage::Shape, "whether it is paged like the others")).await?;
    let starts = got.is_good && list.bare.ids.starts_with(&got.ids) && (!sized || got.ids.len() == FEW);
    if starts {
        // Only what the few rows do not change is a total.
        if let Some((total, rows)) =
            total_of(list, &list.bare, &got).filter(|(total, _)| model.rules.total.as_ref() == Some(total))
        {
            (list.rules.total, list.rows) = (Some(total), Some(rows));
        }
        let page_small = resolved.page.clone();
        if !sized || try_page(guard, base, list, &page_small, &got).await? {
            list.rules.page = Some(page.clone());
            list.is_learned = true;
            list.note(guard, "it is paged like the others");
            return Ok(());
        }
    }
    learn(guard, base, list).await
}

/// What another list's total is here.
async fn take_total(guard: &mut Guard<'_>, base: &Url, model: &Listed, list: &mut Listed) -> Result<(), Ended> {
    let Some(total) = model.rules.total.clone() else { return Ok(()) };
    if !list.always.is_empty() {
        let got = list.fetch(guard, base, &[], (Stage::Shape, "what it counts")).await?;
        if got.is_good {
            list.bare = got;
        }
    }
    let read = match &total {
        Total::Nowhere => None,
        Total::Body(path) => crate::source::api::path::find(&list.bare.body, path).and_then(Value::as_u64),
        Total::Header(name) => list.bare.headers.get(name).and_then(|value| value.to_str().ok()?.trim().parse().ok()),
    };
    if let Some(rows) = read {
        (list.rules.total, list.rows) = (Some(total), Some(rows));
    }
    Ok(())
}
