//! What one list showed of its paging, held against another one (source API shapes, section 16): learned once, assumed of
//! the others, and verified with a call or two.

use reqwest::Url;

use super::counts::{take, total_of};
use super::guard::Guard;
use super::lists::{Got, Listed};
use super::paging::{FEW, follows, page_behind, set_size};
use super::whole::at_once;
use super::{Ended, Stage};
use crate::source::api::ask::{self, Ask};
use crate::source::profile::{Paging, PastEnd};

/// Holds a list against one whose paging is known. True when it is paged so too.
pub(super) async fn verify(
    guard: &mut Guard<'_>,
    base: &Url,
    model: &Listed,
    list: &mut Listed,
) -> Result<bool, Ended> {
    let Some(page) = model.rules.page.clone().filter(|_| model.is_learned && !list.is_told) else { return Ok(false) };
    let before = list.clone();
    if list.always.is_empty() {
        list.set_always(model.always.clone());
    }
    list.rules.past_end = model.rules.past_end;
    list.is_sorted &= model.is_sorted;
    if let Paging::None { .. } = page {
        ask_again(guard, base, model, list).await?;
        at_once(list);
        return settled(list, before);
    }
    if list.bare.ids.len() < 3 {
        // Too few rows to divide them: what holds elsewhere is taken to hold here, and reading them all proves it or not.
        ask_again(guard, base, model, list).await?;
        list.rules.page = Some(page);
        list.is_learned = true;
        list.risks.push("it has too few rows to see how it is paged; it is read as the other lists are".to_owned());
        return Ok(true);
    }
    let is_like = if page.size().is_some_and(|size| size.param.is_some()) {
        is_sized_like(guard, base, model, list, &page).await?
    } else {
        ask_again(guard, base, model, list).await?;
        is_placed_like(guard, base, model, list, &page).await?
    };
    if !is_like {
        *list = before;
        return Ok(false);
    }
    list.rules.page = Some(page);
    list.is_learned = true;
    list.note(guard, "it is paged like the others");
    Ok(true)
}

/// A list that is none of the kind stays as it was.
fn settled(list: &mut Listed, before: Listed) -> Result<bool, Ended> {
    if !list.is_learned {
        *list = before;
    }
    Ok(list.is_learned)
}

/// Whether so many rows come as are asked for, and then the next ones.
async fn is_sized_like(
    guard: &mut Guard<'_>,
    base: &Url,
    model: &Listed,
    list: &mut Listed,
    page: &Paging,
) -> Result<bool, Ended> {
    let mut small = list.clone();
    small.rules.page = Some(page.clone());
    set_size(&mut small, FEW as u32);
    let Some(object) = list.object else { return Ok(false) };
    let resolved = small.rules.clone().resolved(object);
    let draft = ask::request(base, &resolved, &Ask { page_rows: FEW as u32, ..Ask::default() }).map_err(Ended)?;
    let got = list.fetch_draft(guard, draft, (Stage::Shape, "whether it is paged like the others")).await?;
    if !got.is_good || got.ids.len() != FEW || !begins(list, &got) {
        return Ok(false);
    }
    // Only what the few rows do not change is a total; what must be asked for is not in the first answer.
    match total_of(list, &list.bare, &got).filter(|(total, _)| model.rules.total.as_ref() == Some(total)) {
        Some((total, rows)) => (list.rules.total, list.rows) = (Some(total), Some(rows)),
        None if !list.always.is_empty() => take(list, model, &got),
        None => {}
    }
    let behind = page_behind(guard, base, list, &resolved.page, &got).await?;
    Ok(behind.is_some_and(|behind| follows(list, &got, &behind)))
}

/// Where no size can be asked for: whether what comes behind the first page is something else than that page again.
async fn is_placed_like(
    guard: &mut Guard<'_>,
    base: &Url,
    model: &Listed,
    list: &Listed,
    page: &Paging,
) -> Result<bool, Ended> {
    if !matches!(page, Paging::Page { .. } | Paging::Offset { .. } | Paging::Keyset { .. }) {
        return Ok(true);
    }
    let first = list.bare.clone();
    let Some(behind) = page_behind(guard, base, list, page, &first).await? else { return Ok(false) };
    let is_same = behind.ids.len() == first.ids.len() && behind.ids.iter().all(|id| first.ids.contains(id));
    let is_empty = behind.is_good && behind.ids.is_empty();
    let is_refused = matches!(behind.status, 400 | 416 | 422);
    let ends = match model.rules.past_end {
        Some(PastEnd::Empty | PastEnd::Restarts) => is_empty,
        Some(PastEnd::Repeats) => is_same,
        Some(PastEnd::NotFound) => behind.status == 404,
        Some(PastEnd::Refused) => is_refused,
        Some(PastEnd::Failure) => behind.is_nothing,
        None => is_empty || is_refused || behind.status == 404 || behind.is_nothing,
    };
    let is_longer = first.ids.len() > model.bare.ids.len();
    Ok(follows(list, &first, &behind) || ends && !is_longer)
}

/// Whether an answer holds the first rows of a list.
fn begins(list: &Listed, got: &Got) -> bool {
    if list.is_ordered() {
        list.bare.ids.starts_with(&got.ids)
    } else {
        got.ids.iter().all(|id| list.bare.ids.contains(id))
    }
}

/// The first rows as they come with what is always sent, and what they count.
async fn ask_again(guard: &mut Guard<'_>, base: &Url, model: &Listed, list: &mut Listed) -> Result<(), Ended> {
    if !list.always.is_empty() {
        let got = list.fetch(guard, base, &[], (Stage::Shape, "what it gives as the others are asked")).await?;
        if got.is_good {
            list.bare = got;
        }
    }
    let got = list.bare.clone();
    take(list, model, &got);
    Ok(())
}

/// What is left of a list for which asking for itself would bring nothing new: as far as an answer holds all of its rows,
/// it is read so.
pub(super) async fn assume(guard: &mut Guard<'_>, base: &Url, model: &Listed, list: &mut Listed) -> Result<(), Ended> {
    if list.always.is_empty() {
        list.set_always(model.always.clone());
    }
    ask_again(guard, base, model, list).await?;
    at_once(list);
    Ok(())
}
