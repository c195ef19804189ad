//! How deleted rows are told that a list leaves out, and which other rows it hides.
//!
//! A list is asked with all the parameters that commonly show more, at once; what comes beside the known rows tells what
//! they are. Rows that are marked as deleted, or come by a parameter that says so, are deletions, and reading changes asks
//! for them. Rows that are archived, inactive or for tests are still records of the customer's: they are told and asked about,
//! and nobody decides here what becomes of them. Where neither shows anything, a list of deletions is looked for (source API
//! shapes, section 8).

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde_json::{Map, Value};

use super::guard::Guard;
use super::lists::{Got, Listed};
use super::look::{Look, find_rows, look};
use super::narrow::{Params, Search, texts};
use super::words::{DELETED, HIDDEN, folded};
use super::{Ended, Hidden, Known, Stage, columns};
use crate::record::Object;
use crate::source::api::ask::{self, Ask, address};
use crate::source::api::auth::Draft;
use crate::source::api::deletions;
use crate::source::api::page::total;
use crate::source::api::rows::is_deleted;
use crate::source::profile::{At, Changes, Deleted, Deletions, Method, RowsForm, Stamp, TimeStyle};

/// Requests that must be left to begin with this.
const KEPT: u32 = 12;

/// Rows that are asked for at once.
const ROWS: u32 = 100;

/// Names that are asked for each by itself where unknown parameters are refused.
const ALONE: usize = 2;

/// Columns that say when a row was deleted.
const STAMPS: &[&str] =
    &["deletedat", "deleteddate", "deletedtime", "datedeleted", "deletedon", "deletiondate", "removedat", "trashedat"];

/// Last words of the paths of lists of deletions.
const PATHS: &[&str] = &["deleted", "trash"];

/// What a parameter showed beside the known rows.
#[derive(Debug, Clone)]
struct Shown {
    param: String,
    value: String,
    /// How rows that came beside the known ones are marked as deleted.
    how: Deleted,
    what: What,
}

/// What the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// Deleted, marked, beside the living ones.
    Beside,
    /// Deleted, and no others.
    Only,
    /// Deleted by the parameter's name, with nothing in the row that says so.
    Unmarked,
    /// Hidden for another reason.
    Hidden,
}

/// Learns how deleted rows are told.
pub(super) async fn learn(guard: &mut Guard<'_>, known: &mut Known) -> Result<(), Ended> {
    let base = known.base.clone();
    let models = models(known);
    by_parameter(guard, &base, known, &models).await?;
    if let Some(model) = models.first().copied()
        && known.lists.iter().all(|list| list.rules.deletions.is_none())
        && known.lists[model].rules.method.is_none()
    {
        by_list(guard, &base, known, model).await?;
    }
    if known.lists.iter().all(|list| list.rules.deletions.is_none()) {
        in_changes(guard, &base, known, &models).await?;
    }
    for list in known.lists.iter_mut().filter(|list| list.is_learned) {
        let how = list.rules.deleted.clone().unwrap_or(Deleted::Vanishes);
        let is_seen = list.bare.rows.iter().any(|row| is_deleted(row, &how));
        if how != Deleted::Vanishes && !is_seen {
            list.rules.compare = Some(true);
            list.reasons.push(
                "no row was seen that is marked as deleted; whether deleted rows stay in the list is found out by reading all \
                 of it once a day"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

/// The lists that are asked for more rows: the longest, which likely has deleted ones, and those of which customers archive
/// rows and make some to try something.
fn models(known: &Known) -> Vec<usize> {
    let can_be_asked = |index: &usize| {
        let list = &known.lists[*index];
        list.is_learned && !list.is_told && matches!(list.at, At::Query | At::Body) && !list.bare.ids.is_empty()
    };
    let all: Vec<usize> = (0..known.lists.len()).filter(can_be_asked).collect();
    let rows = |index: &usize| (known.lists[*index].rows, known.lists[*index].bare.ids.len());
    let longest = all.iter().copied().max_by_key(rows);
    let of = |object| all.iter().copied().find(|index| known.lists[*index].object == Some(object));
    let mut models: Vec<usize> = Vec::new();
    for model in [longest, of(Object::Client), of(Object::Project)].into_iter().flatten() {
        if !models.contains(&model) {
            models.push(model);
        }
    }
    models
}

/// Looks for parameters that show more rows: on some lists, then on the others with the one that was found.
async fn by_parameter(guard: &mut Guard<'_>, base: &Url, known: &mut Known, models: &[usize]) -> Result<(), Ended> {
    let mut open: Vec<&[(&str, &str)]> = vec![DELETED, HIDDEN];
    for model in models {
        // One list may hide rows of both kinds.
        while !open.is_empty() && guard.left() >= KEPT {
            let is_first = models.first() == Some(model);
            let found = find(guard, base, &known.lists[*model], (&open.concat(), is_first)).await?;
            let Some((shown, got)) = found else { break };
            take(guard, &mut known.lists[*model], &shown, &got);
            let done = if shown.what == What::Hidden { HIDDEN } else { DELETED };
            open.retain(|group| *group != done);
            spread(guard, base, known, (*model, &shown)).await?;
        }
    }
    Ok(())
}

/// Holds what one list showed against every other one.
async fn spread(
    guard: &mut Guard<'_>,
    base: &Url,
    known: &mut Known,
    (model, shown): (usize, &Shown),
) -> Result<(), Ended> {
    let at = known.lists[model].at;
    for list in known.lists.iter_mut().enumerate().filter(|(index, _)| *index != model).map(|(_, list)| list) {
        if guard.left() == 0 || !list.is_learned || list.at != at {
            continue;
        }
        let params = [(shown.param.clone(), shown.value.clone())];
        let got = list.fetch(guard, base, &params, (Stage::Deleted, "whether the same parameter shows more")).await?;
        let extras = extras(&list.bare, &got);
        let how = marks(list, &extras).unwrap_or_else(|| shown.how.clone());
        let is_same = match shown.what {
            What::Beside => {
                let keeps = list.bare.ids.iter().filter(|id| got.ids.contains(id)).count() * 2 >= list.bare.ids.len();
                keeps && extras.iter().all(|row| is_deleted(row, &how))
            }
            What::Only => !got.ids.iter().any(|id| list.bare.ids.contains(id)),
            What::Unmarked | What::Hidden => reacts(list, &list.bare, &got),
        };
        if got.is_good && is_same {
            take(guard, list, &Shown { how, ..shown.clone() }, &got);
        }
    }
    Ok(())
}

/// The parameter among some that shows more rows of a list, and what these are.
async fn find(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    (among, is_first): (&[(&str, &str)], bool),
) -> Result<Option<(Shown, Got)>, Ended> {
    let value = |name: &str| among.iter().find(|(own, _)| *own == name).map_or("true", |(_, value)| *value);
    let with =
        |names: &[String]| -> Params { names.iter().map(|name| (name.clone(), value(name).to_owned())).collect() };
    let names: Vec<&str> = among.iter().map(|(name, _)| *name).collect();
    let purpose = (Stage::Deleted, "whether a parameter shows deleted or hidden rows");
    let narrows = Cell::new(false);
    let works = |got: &Got| {
        let is_more = reacts(list, &list.bare, got);
        narrows.set(narrows.get() || got.is_good && !is_more && got.ids != list.bare.ids);
        is_more
    };
    let alone = if is_first { texts(&names[..ALONE.min(names.len())]) } else { Vec::new() };
    let search = Search { base, list, purpose, alone: &alone };
    let mut found = search.name(guard, texts(&names), with, works).await?;
    // A parameter that narrows the list may hide that another one widens it.
    if found.is_none() && narrows.get() && among.len() > DELETED.len() && guard.left() >= KEPT {
        let deleted: Vec<&str> = names.iter().take(DELETED.len()).copied().collect();
        let search = Search { base, list, purpose, alone: &[] };
        found = search.name(guard, texts(&deleted), with, works).await?;
    }
    let Some((param, got)) = found else { return Ok(None) };
    // A row that somebody made meanwhile is no hidden one.
    let plain = list.fetch(guard, base, &[], (Stage::Deleted, "the same list without it")).await?;
    if !plain.is_good || !reacts(list, &plain, &got) {
        return Ok(None);
    }
    let extras = extras(&plain, &got);
    let by_name = DELETED.iter().any(|(name, _)| *name == param);
    let how = marks(list, &extras).unwrap_or(Deleted::Vanishes);
    let is_only = !extras.is_empty() && extras.len() == got.ids.len();
    let is_marked = how != Deleted::Vanishes && extras.iter().all(|row| is_deleted(row, &how));
    let what = match (is_marked && (by_name || !extras.is_empty()), by_name) {
        (true, _) | (_, true) if is_only => What::Only,
        (true, _) => What::Beside,
        (false, true) => What::Unmarked,
        (false, false) => What::Hidden,
    };
    let value = value(&param).to_owned();
    Ok(Some((Shown { param, value, how, what }, got)))
}

/// What the source counts in an answer.
fn count(list: &Listed, got: &Got) -> Option<u64> {
    let resolved = list.rules.clone().resolved(list.object.unwrap_or(Object::Custom));
    total(&resolved, &got.body, &got.headers)
}

/// Whether an answer has rows that the plain list has not.
fn reacts(list: &Listed, plain: &Got, got: &Got) -> bool {
    let before = count(list, plain).or(list.rows);
    let is_more = before.zip(count(list, got)).is_some_and(|(before, now)| now > before);
    got.is_good && (is_more || !extras(plain, got).is_empty())
}

/// The rows of an answer that the plain list did not show. It is looked at up to its last known row: behind that one others
/// may follow because a row went meanwhile.
fn extras(plain: &Got, got: &Got) -> Vec<Map<String, Value>> {
    let is_known = |id: &String| plain.ids.contains(id);
    let mut rows: Vec<_> = got.ids.iter().zip(&got.rows).collect();
    if let Some(last) = rows.iter().rposition(|(id, _)| is_known(id)) {
        rows.truncate(last + 1);
    }
    rows.into_iter().filter(|(id, _)| !is_known(id)).map(|(_, row)| row.clone()).collect()
}

/// How rows beside the known ones are marked as deleted, if the known ones are not.
fn marks(list: &Listed, extras: &[Map<String, Value>]) -> Option<Deleted> {
    let own = list.rules.deleted.clone().filter(|own| *own != Deleted::Vanishes);
    // Among the living rows it shows what is the exception.
    let all: Vec<Map<String, Value>> = list.bare.rows.iter().chain(extras).cloned().collect();
    let names = all.iter().flat_map(Map::keys).cloned().collect();
    own.or_else(|| Some(columns::deleted(&names, &all)).filter(|how| *how != Deleted::Vanishes))
}

/// Takes over what a parameter shows, by the answer with it.
fn take(guard: &Guard<'_>, list: &mut Listed, shown: &Shown, got: &Got) {
    let asked = format!("{}={}", shown.param, shown.value);
    let is_empty = !reacts(list, &list.bare, got);
    if matches!(shown.what, What::Beside | What::Only) {
        list.gone = got.ids.iter().find(|id| !list.bare.ids.contains(id)).cloned();
    }
    match shown.what {
        What::Beside => {
            list.rules.deleted = Some(shown.how.clone());
            list.rules.deletions =
                Some(Deletions::Parameter { param: shown.param.clone(), value: shown.value.clone(), at: list.at });
            list.rules.compare = Some(true);
            list.note(
                guard,
                if is_empty {
                    format!("it takes '{asked}', which shows deleted rows in another list; there are none here")
                } else {
                    format!("deleted rows come with '{asked}' only")
                },
            );
        }
        What::Only if list.at == At::Query => {
            list.rules.deletions = Some(Deletions::List {
                path: list.path.clone(),
                query: [(shown.param.clone(), shown.value.clone())].into(),
                rows: None,
                id: None,
                stamp: list.rules.stamp.clone(),
                filtered: matches!(list.rules.changes, Some(Changes::Filter { .. })),
            });
            list.rules.compare = Some(true);
            list.note(guard, format!("'{asked}' gives the deleted rows, and no others"));
        }
        What::Only | What::Unmarked => {
            list.note(guard, format!("'{asked}' shows more rows, and nothing in them says that they are deleted"));
            list.risks.push(format!(
                "deleted rows, which '{asked}' shows, cannot be told from living ones; they are found by reading all of the \
                 list once a day"
            ));
        }
        What::Hidden => {
            let more = count(list, got).zip(list.rows);
            let hidden = Hidden {
                param: shown.param.clone(),
                value: shown.value.clone(),
                rows: more.map(|(all, own)| all.saturating_sub(own)),
            };
            list.rules.quirks.push(hidden.told(&list.name));
            list.note(guard, format!("'{asked}' shows rows that the list leaves out"));
            list.hidden.push(hidden);
        }
    }
}

/// What was changed since then may hold rows of which nothing is left but that they were deleted.
const CHANGED_SINCE: SignedDuration = SignedDuration::from_hours(24 * 60);

/// Looks for deleted rows among what changed, where lists themselves do not show any.
async fn in_changes(guard: &mut Guard<'_>, base: &Url, known: &mut Known, models: &[usize]) -> Result<(), Ended> {
    for model in models {
        let list = &known.lists[*model];
        let is_open = matches!(list.rules.deleted, None | Some(Deleted::Vanishes));
        if guard.left() < KEPT || !is_open || !matches!(list.rules.changes, Some(Changes::Filter { .. })) {
            continue;
        }
        let since = guard.http.clock().utc().checked_sub(CHANGED_SINCE).unwrap_or(Timestamp::UNIX_EPOCH);
        let resolved = list.rules.clone().resolved(list.object.unwrap_or(Object::Custom));
        let draft = ask::request(base, &resolved, &Ask { since: Some(since), page_rows: ROWS, ..Ask::default() });
        let purpose = (Stage::Deleted, "whether deleted rows are among what changed");
        let got = list.fetch_draft(guard, draft.map_err(Ended)?, purpose).await?;
        let Some(how) = marks(list, &got.rows).filter(|how| got.rows.iter().any(|row| is_deleted(row, how))) else {
            continue;
        };
        known.lists[*model].note(guard, "deleted rows come among what changed, and in no list of living ones");
        // A mark that living rows do not have is not seen in a list where nothing was deleted.
        for list in &mut known.lists {
            let has_filter = matches!(list.rules.changes, Some(Changes::Filter { .. }));
            if has_filter && matches!(list.rules.deleted, None | Some(Deleted::Vanishes)) {
                list.rules.deleted = Some(how.clone());
            }
        }
        return Ok(());
    }
    Ok(())
}

/// Looks for a list of deletions: beside one list, then beside the others.
async fn by_list(guard: &mut Guard<'_>, base: &Url, known: &mut Known, model: usize) -> Result<(), Ended> {
    let mut word = None;
    for own in PATHS {
        if guard.left() >= KEPT
            && let Some(rows) = told(guard, base, known, (model, own)).await?
        {
            word = Some((own, rows));
            break;
        }
    }
    let Some((word, mut most)) = word else { return Ok(()) };
    let mut longest = model;
    for index in (0..known.lists.len()).filter(|index| *index != model) {
        let list = &known.lists[index];
        if guard.left() > 1
            && list.is_learned
            && list.rules.method.is_none()
            && let Some(rows) = told(guard, base, known, (index, word)).await?
            && rows > most
        {
            (longest, most) = (index, rows);
        }
    }
    // A list without rows would show nothing.
    let takes = most > 0 && takes_filter(guard, base, &mut known.lists[longest]).await?;
    for list in &mut known.lists {
        let has_filter = matches!(list.rules.changes, Some(Changes::Filter { path: None, .. }));
        if let Some(Deletions::List { filtered, .. }) = &mut list.rules.deletions {
            *filtered = takes && has_filter;
        }
    }
    Ok(())
}

/// Whether there is a list of deletions beside a list, with this word in its path; then its rules say so, and its first
/// answer has so many rows.
async fn told(
    guard: &mut Guard<'_>,
    base: &Url,
    known: &mut Known,
    (index, word): (usize, &str),
) -> Result<Option<usize>, Ended> {
    let order = columns::day_order(known.lists.iter().map(|list| list.bare.rows.as_slice()));
    let list = &mut known.lists[index];
    let path = format!("{}/{word}", list.stem());
    let draft = Draft::new(Method::Get, address(base, &path).map_err(Ended)?);
    let purpose = format!("{}: whether deletions have a list of their own", list.name);
    let Some(answer) = guard.read(Stage::Deleted, &purpose, draft).await? else { return Ok(None) };
    let Look::Json(body) = look(&answer) else { return Ok(None) };
    let Some(found) = find_rows(&body, &list.name) else { return Ok(None) };
    let mut reader = list.clone();
    if found.is_empty {
        // Nothing but the place shows then that this is a list.
        if found.path != list.look.path {
            return Ok(None);
        }
    } else {
        reader.look = found.clone();
        reader.set_look();
    }
    let got = reader.got(answer.status, answer.headers, body);
    if !got.is_good || found.form == RowsForm::AfterMetadata || got.ids.iter().any(|id| list.bare.ids.contains(id)) {
        return Ok(None);
    }
    let own = |text: &String, own: &str| (!found.is_empty && text != own).then(|| text.clone());
    list.rules.deletions = Some(Deletions::List {
        path: path.clone(),
        query: std::collections::BTreeMap::new(),
        rows: own(&found.path, &list.look.path),
        id: own(&found.id, &list.look.id),
        stamp: stamp(list, &got, order),
        filtered: false,
    });
    list.rules.compare = Some(true);
    list.gone = got.ids.first().cloned();
    list.note(guard, format!("deletions have a list of their own, with {} rows in its first answer", got.ids.len()));
    Ok(Some(got.ids.len()))
}

/// Where a list of deletions says when each was made; the time of the last change, where it says nothing else.
fn stamp(list: &Listed, got: &Got, order: columns::DayOrder) -> Option<Stamp> {
    let names = got.rows.iter().flat_map(Map::keys);
    let own = names.filter(|name| STAMPS.contains(&folded(name).as_str())).find_map(|name| {
        let style = columns::style(name, &got.rows, order).filter(|style| *style != TimeStyle::Date)?;
        Some(Stamp { column: name.clone(), style, zone: None })
    });
    own.or_else(|| {
        let stamp = list.rules.stamp.clone()?;
        let has_it = |row: &Map<String, Value>| row.contains_key(&stamp.column);
        (!got.rows.is_empty() && got.rows.iter().all(has_it)).then_some(stamp)
    })
}

/// Whether the list of deletions of a list takes its filter for changes.
async fn takes_filter(guard: &mut Guard<'_>, base: &Url, list: &mut Listed) -> Result<bool, Ended> {
    if !matches!(list.rules.changes, Some(Changes::Filter { path: None, .. })) || guard.left() == 0 {
        return Ok(false);
    }
    if let Some(Deletions::List { filtered, .. }) = &mut list.rules.deletions {
        *filtered = true;
    }
    let future = guard.http.clock().utc().checked_add(SignedDuration::from_hours(24 * 400)).unwrap_or(Timestamp::MAX);
    let resolved = list.rules.clone().resolved(list.object.unwrap_or(Object::Custom));
    let Some(own) = deletions::list(&resolved) else { return Ok(false) };
    let draft = ask::request(base, &own, &Ask { since: Some(future), ..Ask::default() }).map_err(Ended)?;
    let purpose = format!("{}: whether the list of deletions takes the filter for changes", list.name);
    let answer = guard.read(Stage::Deleted, &purpose, draft).await?;
    let body = match answer.as_ref().map(look) {
        Some(Look::Json(body)) => body,
        _ => Value::Bool(false),
    };
    let is_empty = find_rows(&body, &list.name).is_some_and(|rows| rows.is_empty);
    Ok(is_empty)
}
