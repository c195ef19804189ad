//! What a list says of the number of its rows, and whether it says that there are more.

use reqwest::Url;

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::look::{Rows, more_flag, next_values, numbers};
use super::narrow::Params;
use super::paging::FEW;
use super::words::{COUNTS, folded};
use super::{Ended, Stage};
use crate::source::api::ask::link_next;
use crate::source::api::path::find;
use crate::source::api::rows::is_true;
use crate::source::profile::Total;

/// Headers in which the number of rows stands.
const HEADERS: &[&str] = &["x-total-count", "x-total", "total-count", "x-pagination-total", "x-totalcount"];

/// Learns what the source counts.
pub(super) async fn learn(
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
    let with = |names: &[(&str, &str)]| -> Params {
        let own = names.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        own.chain(size.map(|name| (name.to_owned(), FEW.to_string()))).collect()
    };
    if list.takes.is_some() {
        return Ok(());
    }
    let got = list.fetch(guard, base, &with(COUNTS), (Stage::Shape, "whether it counts when asked to")).await?;
    let Some((total, rows)) = total_of(list, &got, &got).filter(|(_, rows)| *rows > few.ids.len() as u64) else {
        return Ok(());
    };
    // Asked for all at once; which of them it was does not matter, and sending the others harms nobody.
    let mut candidates: Vec<(&str, &str)> = COUNTS.to_vec();
    while candidates.len() > 1 {
        let half = candidates[..candidates.len() / 2].to_vec();
        let got = list.fetch(guard, base, &with(&half), (Stage::Shape, "which parameter makes it count")).await?;
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
pub(super) fn total_of(list: &Listed, bare: &Got, few: &Got) -> Option<(Total, u64)> {
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
    HEADERS.iter().find_map(|name| {
        let total = Total::Header((*name).to_owned());
        let rows = read(list, &total, bare)?;
        (read(list, &total, few) == Some(rows) && rows >= seen).then_some((total, rows))
    })
}

/// What stands in an answer where totals stand.
fn read(list: &Listed, total: &Total, got: &Got) -> Option<u64> {
    match total {
        Total::Nowhere => None,
        Total::Body(path) => numbers(&got.body, &list.look).into_iter().find(|(own, _)| own == path).map(|(_, n)| n),
        Total::Header(name) => got.headers.get(name)?.to_str().ok()?.trim().parse().ok(),
    }
}

/// Takes the total of a list from an answer in which it stands where another list has its own.
pub(super) fn take(list: &mut Listed, model: &Listed, got: &Got) {
    let Some(total) = model.rules.total.clone().filter(|_| got.is_good) else { return };
    let seen = list.bare.ids.len().max(got.ids.len()) as u64;
    if let Some(rows) = read(list, &total, got).filter(|rows| *rows >= seen) {
        (list.rules.total, list.rows) = (Some(total), Some(rows));
    }
}

/// Whether an answer says that there are more rows behind its own; nothing where it says nothing about it.
pub(super) fn says_more(got: &Got, look: &Rows) -> Option<bool> {
    let flag = more_flag(&got.body, look).and_then(|path| find(&got.body, &path).map(is_true));
    let is_pages = |path: &str| {
        let name = folded(path.rsplit('.').next().unwrap_or(path));
        matches!(name.as_str(), "totalpages" | "pagecount" | "pages" | "numpages" | "pagestotal" | "lastpage")
    };
    let pages = numbers(&got.body, look).into_iter().find(|(path, _)| is_pages(path)).map(|(_, pages)| pages);
    let leads_on =
        link_next(&got.headers).is_some() || next_values(&got.body, look).iter().any(|(_, value)| !value.is_empty());
    if leads_on || flag == Some(true) || pages.is_some_and(|pages| pages > 1) {
        return Some(true);
    }
    flag.is_some().then_some(false).or(pages.is_some().then_some(false))
}
