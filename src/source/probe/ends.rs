//! What comes behind the last page.

use reqwest::Url;

use super::guard::Guard;
use super::lists::Listed;
use super::{Ended, Stage};
use crate::record::Object;
use crate::source::api::ask::{self, Ask, Spot};
use crate::source::profile::{Paging, PastEnd};

/// A page that no list has.
const FAR: u64 = 90_000;

const PURPOSE: (Stage, &str) = (Stage::Shape, "what comes behind the last page");

/// Where pages are counted: asked for one that no list has.
pub(super) async fn past_end(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<(), Ended> {
    if list.rows.is_some() || !matches!(list.rules.page, Some(Paging::Page { .. } | Paging::Offset { .. })) {
        return Ok(());
    }
    let Some(object) = list.object else { return Ok(()) };
    let resolved = list.rules.clone().resolved(object);
    let ask = Ask { spot: Spot::Behind { pages: FAR, rows: FAR * 100 }, page_rows: 100, ..Ask::default() };
    let draft = ask::request(base, &resolved, &ask).map_err(Ended)?;
    let got = list.fetch_draft(guard, draft, PURPOSE).await?;
    let past = match got.status {
        200..=299 if got.is_good && got.ids.is_empty() => PastEnd::Empty,
        200..=299 if got.is_good => PastEnd::Repeats,
        200..=299 if got.is_nothing => PastEnd::Failure,
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
    let rows = guard.allowance.page_rows;
    let only = list.fetch_draft(guard, list.first(base, rows)?, PURPOSE).await?;
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
    let got = list.fetch_draft(guard, draft, PURPOSE).await?;
    if got.is_good && got.ids == only.ids && !matches!(resolved.page, Paging::Keyset { .. }) {
        for list in lists.iter_mut().filter(|list| leads(list)) {
            list.rules.past_end = Some(PastEnd::Restarts);
            list.note(guard, "the last page leads back to the first");
        }
    }
    Ok(())
}
