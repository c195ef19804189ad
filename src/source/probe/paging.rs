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
use super::words::{COUNTS, CURSORS, KEYSETS, OFFSETS, PAGES, SIZES, folded};
use super::{Ended, Stage};
use crate::source::api::ask::{self, Ask, Spot, link_next};
use crate::source::profile::{At, Paging, PastEnd, Size, Step, Total};

/// Rows asked for while learning.
const FEW: usize = 2;

/// A page that no list has.
const FAR: u64 = 90_000;

/// Rows that the first answer must have, to tell pages apart.
const ROWS_MIN: usize = 5;

type Params = Vec<(String, String)>;

fn all(names: &[&str], value: &str) -> Params {
    names.iter().map(|name| ((*name).to_owned(), value.to_owned())).collect()
}

/// Learns the paging of one list, from scratch.
pub(super) async fn learn(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<(), Ended> {
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
    let works = |list: &Listed, got: &Got| got.is_good && got.ids.len() == FEW && got.ids[..] == list.bare.ids[..FEW];
    let text = FEW.to_string();
    let mut names: Vec<&str> = SIZES.to_vec();
    let purpose = (Stage::Shape, "whether a parameter sets the number of rows");
    let got = list.fetch(guard, base, &all(&names, &text), purpose).await?;
    if !works(list, &got) {
        if got.is_good {
            return Ok(None);
        }
        // One that is strict about parameters is asked for each by itself, the likeliest only.
        for name in SIZES.iter().take(8) {
            let got = list.fetch(guard, base, &all(&[name], &text), purpose).await?;
            if works(list, &got) {
                list.note(guard, format!("'{name}' sets the number of rows"));
                return Ok(Some(((*name).to_owned(), got)));
            }
        }
        return Ok(None);
    }
    let mut last = got;
    let mut last_names = names.len();
    while names.len() > 1 {
        let half = names[..names.len() / 2].to_vec();
        let got = list
            .fetch(guard, base, &all(&half, &text), (Stage::Shape, "which parameter sets the number of rows"))
            .await?;
        if works(list, &got) {
            (names, last) = (half, got);
            last_names = names.len();
        } else {
            names = names[half.len()..].to_vec();
        }
    }
    let Some(name) = names.first() else { return Ok(None) };
    // The last answer may have had more names in it than the one that is left.
    if last_names > 1 {
        last = list.fetch(guard, base, &all(&[name], &text), (Stage::Shape, "the number of rows once more")).await?;
        if !works(list, &last) {
            return Ok(None);
        }
    }
    list.note(guard, format!("'{name}' sets the number of rows"));
    Ok(Some(((*name).to_owned(), last)))
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
    list.rules.query.get_or_insert_default().extend(query);
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

fn sized(size: Option<&str>) -> Params {
    size.map(|name| (name.to_owned(), FEW.to_string())).into_iter().collect()
}

fn size_rules(size: Option<&str>) -> Size {
    Size { param: size.map(str::to_owned), rows: Some(FEW as u32).filter(|_| size.is_some()), echo: None }
}

/// The rows that follow, where the first answer showed them; otherwise any that were not there.
fn follows(list: &Listed, first: &Got, got: &Got) -> bool {
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
            let page = Paging::Cursor { param, next: path.clone(), more, size: size_rules(size), at: At::Query };
            list.note(guard, format!("'{path}' is the cursor of the next page"));
            return Ok(Some(page));
        }
    }
    Ok(None)
}

/// Whether a way of paging gives the rows that follow.
async fn try_page(guard: &mut Guard<'_>, base: &Url, list: &Listed, page: &Paging, few: &Got) -> Result<bool, Ended> {
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
    let with = |names: &[String]| {
        let mut params = sized(size);
        params.extend(names.iter().map(|name| (name.clone(), value.to_owned())));
        params
    };
    let purpose = (Stage::Shape, "which parameter takes the cursor");
    let got = list.fetch(guard, base, &with(&names[..1]), purpose).await?;
    if follows(list, few, &got) {
        return Ok(names.into_iter().next());
    }
    names.remove(0);
    let got = list.fetch(guard, base, &with(&names), purpose).await?;
    if !follows(list, few, &got) {
        return Ok(None);
    }
    while names.len() > 1 {
        let half = names[..names.len() / 2].to_vec();
        let got = list.fetch(guard, base, &with(&half), purpose).await?;
        names = if follows(list, few, &got) { half } else { names[half.len()..].to_vec() };
    }
    Ok(names.into_iter().next())
}

/// The parameter that says where the page begins, and the answer to a two in it.
async fn find_position(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<(&'static str, Got)>, Ended> {
    let with = |names: &[&str]| [sized(size), all(names, "2")].concat();
    let moves = |got: &Got| got.is_good && got.ids != few.ids && (size.is_none() || got.ids.len() <= FEW);
    let purpose = (Stage::Shape, "whether a parameter says where the page begins");
    let mut names: Vec<&'static str> = PAGES.iter().chain(OFFSETS).copied().collect();
    let mut last = list.fetch(guard, base, &with(&names), purpose).await?;
    if !moves(&last) {
        if last.is_good {
            return Ok(None);
        }
        // One that is strict about parameters is asked for each by itself, the likeliest only.
        for name in ["page", "offset", "skip", "start", "p", "from"] {
            let got = list.fetch(guard, base, &with(&[name]), purpose).await?;
            if moves(&got) {
                return Ok(Some((name, got)));
            }
        }
        return Ok(None);
    }
    let mut last_names = names.len();
    while names.len() > 1 {
        let half = names[..names.len() / 2].to_vec();
        let got = list.fetch(guard, base, &with(&half), purpose).await?;
        if moves(&got) {
            (names, last) = (half, got);
            last_names = names.len();
        } else {
            names = names[half.len()..].to_vec();
        }
    }
    let Some(name) = names.first().copied() else { return Ok(None) };
    if last_names > 1 {
        // The last answer had more names in it than the one that is left.
        last = list.fetch(guard, base, &with(&[name]), purpose).await?;
    }
    Ok(moves(&last).then_some((name, last)))
}

/// By the number of the page, or of the rows before it.
async fn by_position(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<Paging>, Ended> {
    let Some((name, got)) = find_position(guard, base, list, size, few).await? else { return Ok(None) };
    let is_page = PAGES.contains(&name);
    let place = list.bare.ids.iter().position(|id| got.ids.first() == Some(id));
    let full = few.ids.len();
    let page = |first: u32| Paging::Page { param: name.to_owned(), first, size: size_rules(size), at: At::Query };
    let offset = |step: Step| Paging::Offset { param: name.to_owned(), step, size: size_rules(size), at: At::Query };
    let found = match (place, is_page) {
        (Some(place), true) if place == full => Some(page(1)),
        (Some(place), true) if place == 2 * full => Some(page(0)),
        (Some(2), false) if full != 1 => Some(offset(Step::Rows)),
        (Some(1), false) => Some(offset(Step::RowsFromOne)),
        (Some(place), false) if place == 2 * full => Some(offset(Step::Pages)),
        // Without a size the second page is behind all that was seen.
        (None, true) if size.is_none() && !got.ids.is_empty() => Some(page(1)),
        _ => None,
    };
    let Some(mut found) = found else { return Ok(None) };
    // With two rows a page, an offset of two and the second page look the same; three of it tells them apart.
    if let Some(better) = tell_steps_apart(guard, base, list, &found, (size, few)).await? {
        found = better;
    }
    if !try_page(guard, base, list, &found, few).await? {
        return Ok(None);
    }
    list.note(guard, format!("'{name}' says where the page begins ({})", found.name()));
    Ok(Some(found))
}

/// An offset may count rows or pages, whatever its name: three of it are asked for.
async fn tell_steps_apart(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    found: &Paging,
    (size, few): (Option<&str>, &Got),
) -> Result<Option<Paging>, Ended> {
    let (param, is_page) = match found {
        Paging::Offset { param, .. } => (param, false),
        Paging::Page { param, .. } => (param, true),
        _ => return Ok(None),
    };
    if size.is_none() || list.bare.ids.len() < 3 * FEW {
        return Ok(None);
    }
    let mut params = sized(size);
    params.push((param.clone(), "3".to_owned()));
    let got = list.fetch(guard, base, &params, (Stage::Shape, "what the parameter counts")).await?;
    let Some(place) = list.bare.ids.iter().position(|id| got.ids.first() == Some(id)) else { return Ok(None) };
    let full = few.ids.len();
    let sizes = || size_rules(size);
    let offset = |step| Paging::Offset { param: param.clone(), step, size: sizes(), at: At::Query };
    let page = |first| Paging::Page { param: param.clone(), first, size: sizes(), at: At::Query };
    Ok(match (place, is_page) {
        (3, _) => Some(offset(Step::Rows)),
        (2, false) => Some(offset(Step::RowsFromOne)),
        (place, true) if place == 2 * full => Some(page(1)),
        (place, true) if place == 3 * full => Some(page(0)),
        (place, false) if place == 2 * full => Some(page(1)),
        (place, false) if place == 3 * full => Some(offset(Step::Pages)),
        _ => None,
    })
}

/// By the id of the last row.
async fn by_last_id(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<Paging>, Ended> {
    let Some(last) = few.ids.last().filter(|_| few.ids.len() < list.bare.ids.len()) else { return Ok(None) };
    let with = |names: &[&str]| [sized(size), all(names, last)].concat();
    let purpose = (Stage::Shape, "whether a parameter gives the rows behind an id");
    let mut names = KEYSETS.to_vec();
    let got = list.fetch(guard, base, &with(&names), purpose).await?;
    if !follows(list, few, &got) {
        return Ok(None);
    }
    while names.len() > 1 {
        let half = names[..names.len() / 2].to_vec();
        let got = list.fetch(guard, base, &with(&half), purpose).await?;
        names = if follows(list, few, &got) { half } else { names[half.len()..].to_vec() };
    }
    let Some(name) = names.first() else { return Ok(None) };
    list.note(guard, format!("'{name}' gives the rows behind an id"));
    Ok(Some(Paging::Keyset { param: (*name).to_owned(), size: size_rules(size), at: At::Query }))
}

/// How many rows may be asked for at once.
async fn settle_size(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<(), Ended> {
    let most = guard.allowance.page_rows;
    let Some(param) = list.rules.page.as_ref().and_then(Paging::size).and_then(|size| size.param.clone()) else {
        return Ok(());
    };
    let params = vec![(param, most.to_string())];
    let got = list.fetch(guard, base, &params, (Stage::Shape, "how many rows it gives at once")).await?;
    if !got.is_good {
        let own = u32::try_from(list.bare.ids.len()).unwrap_or(most).min(most).max(1);
        set_size(list, own);
        list.risks.push(format!("it refuses {most} rows at once; {own} are asked for"));
        return Ok(());
    }
    let given = u32::try_from(got.ids.len()).unwrap_or(most);
    let is_all = list.rows.is_some_and(|rows| rows <= u64::from(given));
    let is_cut =
        given < most && !is_all && (list.rows.is_some() || given <= u32::try_from(list.bare.ids.len()).unwrap_or(0));
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

fn set_size(list: &mut Listed, rows: u32) {
    let size = match &mut list.rules.page {
        Some(
            Paging::Page { size, .. }
            | Paging::Offset { size, .. }
            | Paging::Cursor { size, .. }
            | Paging::Url { size, .. }
            | Paging::Link { size }
            | Paging::Keyset { size, .. },
        ) => size,
        _ => return,
    };
    size.rows = Some(rows);
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

/// Holds what one list showed against another one.
pub(super) async fn verify(guard: &mut Guard<'_>, base: &Url, model: &Listed, list: &mut Listed) -> Result<(), Ended> {
    let (Some(page), true) = (&model.rules.page, model.is_learned) else {
        return learn(guard, base, list).await;
    };
    list.rules.query = list.rules.query.take().or_else(|| model.rules.query.clone());
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
    if list.rules.query.is_some() {
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
