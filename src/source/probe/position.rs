//! Pages that are counted: by their number, by the rows before them, or by the id of the last row.

use reqwest::Url;

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::narrow::{Search, all, texts};
use super::paging::{FEW, follows, size_rules, sized, try_page};
use super::words::{KEYSETS, OFFSETS, PAGES};
use super::{Ended, Stage};
use crate::source::profile::{Paging, Step};

/// Names that are tried by themselves.
const LIKELY: &[&str] = &["page", "offset", "skip", "start", "p", "from"];

/// The parameter that says where the page begins, and the answer to a two in it.
async fn find_position(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<(String, Got)>, Ended> {
    let moves = |got: &Got| got.is_good && got.ids != few.ids && (size.is_none() || got.ids.len() <= FEW);
    let purpose = (Stage::Shape, "whether a parameter says where the page begins");
    let search = Search { base, list, purpose, alone: LIKELY };
    let names = [texts(PAGES), texts(OFFSETS)].concat();
    search.name(guard, names, |names| [sized(size), all(names, "2")].concat(), moves).await
}

/// By the number of the page, or of the rows before it.
pub(super) async fn by_position(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<Paging>, Ended> {
    let Some((name, got)) = find_position(guard, base, list, size, few).await? else { return Ok(None) };
    let is_page = PAGES.contains(&name.as_str());
    let place = list.bare.ids.iter().position(|id| got.ids.first() == Some(id));
    let full = few.ids.len();
    let page = |first: u32| Paging::Page { param: name.clone(), first, size: size_rules(size), at: list.at };
    let offset = |step: Step| Paging::Offset { param: name.clone(), step, size: size_rules(size), at: list.at };
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
    let offset = |step| Paging::Offset { param: param.clone(), step, size: sizes(), at: list.at };
    let page = |first| Paging::Page { param: param.clone(), first, size: sizes(), at: list.at };
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
pub(super) async fn by_last_id(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &mut Listed,
    size: Option<&str>,
    few: &Got,
) -> Result<Option<Paging>, Ended> {
    let Some(last) = few.ids.last().filter(|_| few.ids.len() < list.bare.ids.len()) else { return Ok(None) };
    let purpose = (Stage::Shape, "whether a parameter gives the rows behind an id");
    let search = Search { base, list, purpose, alone: &KEYSETS[..3] };
    let with = |names: &[String]| [sized(size), all(names, last)].concat();
    let found = search.name(guard, texts(KEYSETS), with, |got| follows(list, few, got)).await?;
    let Some((param, _)) = found else { return Ok(None) };
    list.note(guard, format!("'{param}' gives the rows behind an id"));
    Ok(Some(Paging::Keyset { param, size: size_rules(size), at: list.at }))
}
