//! One record by its id, and one that is not there: where records are read one by one, whether they hold more so than in the
//! list, and how an API says that there is none.

use std::collections::BTreeSet;

use reqwest::Url;
use serde_json::{Map, Value};

use super::guard::Guard;
use super::lists::Listed;
use super::look::{Look, look};
use super::{Ended, Known, Stage};
use crate::source::api::ask::{self, address, record_path};
use crate::source::api::auth::Draft;
use crate::source::api::rows::{id_text, record_in};
use crate::source::profile::{At, Method, RecordAt};

/// Requests that must be left to begin with this.
const KEPT: u32 = 12;

/// Columns that are named one by one.
const NAMED: usize = 8;

/// What a single record was found at.
struct Single {
    at: String,
    columns: Vec<String>,
}

/// Learns how single records are read.
pub(super) async fn learn(guard: &mut Guard<'_>, known: &mut Known) -> Result<(), Ended> {
    let base = known.base.clone();
    let can_be_asked = |list: &Listed| {
        list.is_learned
            && !list.is_told
            && list.at == At::Query
            && list.rules.method.is_none()
            && !list.bare.ids.is_empty()
    };
    let longest = (0..known.lists.len())
        .filter(|index| can_be_asked(&known.lists[*index]))
        .max_by_key(|index| known.lists[*index].bare.ids.len());
    let Some(model) = longest.filter(|_| guard.left() >= KEPT) else { return Ok(()) };
    let mut found = None;
    for form in forms(&known.lists[model]) {
        if let Some(single) = one(guard, &base, &known.lists[model], form).await? {
            found = Some((form, single));
            break;
        }
    }
    let Some((form, single)) = found else { return Ok(()) };
    let Some(missing) = missing(guard, &base, &known.lists[model], form).await? else { return Ok(()) };
    keep(&mut known.lists[model], single, missing);
    known.lists[model].note(guard, format!("a record that is not there is answered with status {missing}"));
    for index in (0..known.lists.len()).filter(|index| *index != model) {
        if guard.left() < KEPT || !can_be_asked(&known.lists[index]) {
            continue;
        }
        if let Some(single) = one(guard, &base, &known.lists[index], form).await? {
            known.lists[index].note(guard, "a record is read by its id as in other lists");
            keep(&mut known.lists[index], single, missing);
        }
    }
    gone(guard, &base, known).await
}

/// How the path of a record may be made of that of its list, the likeliest first.
fn forms(list: &Listed) -> &'static [&'static str] {
    let is_odata = list.look.path == "value" || list.look.path == "d.results";
    if is_odata { &["{path}({id})", "{path}('{id}')"] } else { &["{stem}/{id}", "{path}?id={id}"] }
}

fn path(list: &Listed, form: &str) -> String {
    form.replace("{path}", &list.path).replace("{stem}", list.stem())
}

/// Reads the first known record by itself.
async fn one(guard: &mut Guard<'_>, base: &Url, list: &Listed, form: &str) -> Result<Option<Single>, Ended> {
    let (Some(id), at) = (list.bare.ids.first(), path(list, form)) else { return Ok(None) };
    let Some((_, record)) = read(guard, base, list, (&at, id, "whether a record is read by its id")).await? else {
        return Ok(None);
    };
    let Some(record) = record else { return Ok(None) };
    let known: BTreeSet<&String> = list.bare.rows.iter().flat_map(Map::keys).collect();
    let columns = record.keys().filter(|column| !known.contains(column)).cloned().collect();
    Ok(Some(Single { at, columns }))
}

/// Reads one record: the status of the answer, and the record where there is one. `None` when no answer came.
pub(super) async fn read(
    guard: &mut Guard<'_>,
    base: &Url,
    list: &Listed,
    (at, id, purpose): (&str, &str, &str),
) -> Result<Option<(u16, Option<Map<String, Value>>)>, Ended> {
    let mut draft = Draft::new(Method::Get, address(base, &record_path(at, id)).map_err(Ended)?);
    ask::add_query(&mut draft, &list.always);
    let purpose = format!("{}: {purpose}", list.name);
    let Some(answer) = guard.read(Stage::Record, &purpose, draft).await? else { return Ok(None) };
    let Look::Json(body) = look(&answer) else { return Ok(Some((answer.status, None))) };
    Ok(Some((answer.status, record_in(&body, &list.look.id, id).cloned())))
}

/// The status of the answer for a record that is not there; `None` where nothing tells it from one that is.
async fn missing(guard: &mut Guard<'_>, base: &Url, list: &Listed, form: &str) -> Result<Option<u16>, Ended> {
    let (Some(id), at) = (list.bare.ids.first(), path(list, form)) else { return Ok(None) };
    let id = wrong(id, &list.bare.ids);
    let mut draft = Draft::new(Method::Get, address(base, &record_path(&at, &id)).map_err(Ended)?);
    ask::add_query(&mut draft, &list.always);
    let purpose = format!("{}: how a record is told that is not there", list.name);
    let Some(answer) = guard.read(Stage::Record, &purpose, draft).await? else { return Ok(None) };
    let holds_something = match look(&answer) {
        Look::Json(body) => holds_record(&body, &list.look.id),
        _ => false,
    };
    Ok(Some(answer.status).filter(|status| !holds_something && (*status < 300 || (400..500).contains(status))))
}

/// Whether something in an answer has an id at all.
fn holds_record(body: &Value, id: &str) -> bool {
    match body {
        Value::Object(map) => {
            map.get(id).and_then(id_text).is_some() || map.values().any(|inner| holds_record(inner, id))
        }
        Value::Array(list) => list.iter().any(|inner| holds_record(inner, id)),
        _ => false,
    }
}

/// An id of the same form that no record has: other figures in their places, or a number far behind the known ones.
fn wrong(id: &str, known: &[String]) -> String {
    let numbers: Option<Vec<u64>> = known.iter().map(|id| id.parse().ok()).collect();
    if let Some(largest) = numbers.and_then(|numbers| numbers.into_iter().max()) {
        return (largest.saturating_add(7_654_321)).to_string();
    }
    let turned = |sign: char| match sign {
        '0'..='9' => char::from(b'9' - (sign as u8 - b'0')),
        other => other,
    };
    id.chars().map(turned).collect()
}

fn keep(list: &mut Listed, single: Single, missing: u16) {
    list.rules.record = Some(RecordAt { path: single.at, missing, deleted: None });
    if single.columns.is_empty() {
        return;
    }
    let more = single.columns.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = single.columns.iter().take(NAMED).cloned().collect::<Vec<_>>().join("', '");
    let what = format!("a record that is read by its id has more columns than in the list: '{named}'{rest}");
    list.rules.quirks.push(what.clone());
    list.risks.push(format!("{what}; they are not read"));
}

/// How a record is told that was deleted, where the id of one is known.
async fn gone(guard: &mut Guard<'_>, base: &Url, known: &mut Known) -> Result<(), Ended> {
    let with_gone = known.lists.iter().find(|list| list.gone.is_some() && list.rules.record.is_some());
    let Some((list, id, at)) = with_gone.and_then(|list| Some((list, list.gone.clone()?, list.rules.record.clone()?)))
    else {
        return Ok(());
    };
    if guard.left() < KEPT {
        return Ok(());
    }
    let purpose = "how a record is told that was deleted";
    let Some((status, record)) = read(guard, base, list, (&at.path, &id, purpose)).await? else { return Ok(()) };
    let told = match &record {
        Some(_) => "a deleted record can still be read by its id".to_owned(),
        None => format!("a deleted record is answered with status {status}"),
    };
    for list in &mut known.lists {
        if let Some(own) = &mut list.rules.record {
            own.deleted = Some(status).filter(|status| record.is_none() && (400..500).contains(status));
        }
    }
    known.evidence.extend(guard.last().map(|sent| sent.evidence(told)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_id_has_the_form_of_a_right_one() {
        let check = |id: &str, expected: &str| assert_eq!(wrong(id, &[id.to_owned()]), expected);
        check("4821", "7659142");
        check("con_9f2c", "con_0f7c");
        check("12x4821", "87x5178");
    }
}
