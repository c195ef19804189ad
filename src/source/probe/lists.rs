//! Which lists there are, found by what they are commonly called, and whose account it is.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::Value;

use super::guard::Guard;
pub(super) use super::listed::{Call, Expression, Got, Listed};
use super::look::{Look, find_rows, look};
use super::roots::Ground;
use super::words::{IDENTITY, LISTS, folded};
use super::{Ended, Found, Known, Stage, Verdict};
use super::{posts, select};
use crate::error::Kind;
use crate::record::Object;
use crate::source::Account;
use crate::source::api::ask::address;
use crate::source::api::auth::Draft;
use crate::source::api::path::find;
use crate::source::api::time::zone;
use crate::source::profile::{AccountAt, At, Method};

/// The objects that are looked for.
pub(super) const WANTED: &[(Object, &[&str])] = LISTS;

/// Misses in a row after which a way to write names is given up.
const MISSES_MAX: u32 = 8;

/// Misses in all once some lists were found.
pub(super) const MISSES_ALL_MAX: u32 = 22;

/// Requests that must be left for learning how the lists are paged.
pub(super) const KEPT_FOR_SHAPE: u32 = 60;

/// The same once the way is known that leads to the lists.
const KEPT_AT_LEAST: u32 = 45;

/// Writes the name of a list.
type Style = fn(&str) -> String;

/// A style of names, and the words to try in it.
type Scout = (usize, &'static [(Object, &'static str)]);

/// Words by which a base is recognized, by the style that they are written in. Users and leads are called so nearly
/// everywhere.
const SCOUTS: &[Scout] = &[
    (0, &[(Object::Owner, "users"), (Object::Lead, "leads")]),
    (1, &[(Object::Owner, "users")]),
    (2, &[(Object::Owner, "users")]),
    (4, &[(Object::Owner, "users")]),
    (3, &[(Object::Owner, "users")]),
    (0, &[(Object::Client, "clients"), (Object::Client, "contacts")]),
    (1, &[(Object::Lead, "leads")]),
    (2, &[(Object::Lead, "leads")]),
    (4, &[(Object::Lead, "leads")]),
    (3, &[(Object::Lead, "leads")]),
];

/// How the names of lists may be written.
const STYLES: &[Style] = &[
    |name| name.to_owned(),
    |name| format!("{name}.json"),
    |name| capitalized(name),
    |name| singular(name),
    |name| format!("{name}/list"),
    |name| camel(name),
];

/// Rows below what describes their list (Kinto, PocketBase).
const BELOW: Style = |name| format!("{name}/records");

/// An object that no list was found for.
pub(super) fn missing(object: Object, stopped: Option<&str>) -> Found {
    let names = LISTS.iter().find(|(own, _)| *own == object).map(|(_, names)| names.join(", ")).unwrap_or_default();
    let why = match stopped {
        None => format!("no list was found that is called one of {names}"),
        Some(why) => format!("no list was found before the probe ended: {why}"),
    };
    Found {
        object: Some(object),
        name: object.to_string(),
        path: String::new(),
        verdict: Verdict::Fallback(why),
        rows: None,
        seen: 0,
        columns: BTreeMap::new(),
        hidden: Vec::new(),
        reasons: Vec::new(),
        risks: Vec::new(),
    }
}

/// Finds the lists.
pub(super) async fn discover(guard: &mut Guard<'_>, ground: &Ground, known: &mut Known) -> Result<(), Ended> {
    let mut bases = vec![known.base.clone()];
    bases.extend(ground.bases.iter().filter(|base| **base != known.base).cloned());
    if ground.is_certain {
        bases.truncate(3);
    }
    if posts::discover(guard, &bases, known).await? {
        return Ok(());
    }
    let (likely, others) = SCOUTS.split_at(1);
    let mut found = scout(guard, &bases, known, likely).await?;
    if found.is_none() {
        if select::discover(guard, &bases, known).await? {
            return Ok(());
        }
        found = scout(guard, &bases, known, others).await?;
    }
    if let Some((base, style)) = found {
        known.base = base;
        return try_style(guard, known, style).await;
    }
    bases.truncate(6);
    for style in STYLES {
        for base in &bases {
            known.base = base.clone();
            try_style(guard, known, *style).await?;
            if !known.lists.is_empty() {
                return Ok(());
            }
        }
    }
    Err(Ended::new(Kind::Source, "no list was found under any of the usual names"))
}

/// Tries every base and every style with a few words, so that the right ones are met before the requests are used up.
async fn scout(
    guard: &mut Guard<'_>,
    bases: &[Url],
    known: &mut Known,
    scouts: &[Scout],
) -> Result<Option<(Url, Style)>, Ended> {
    for (style, words) in scouts.iter().map(|(style, words)| (STYLES[*style], *words)) {
        for (object, name) in words {
            for base in bases {
                if guard.left() < KEPT_FOR_SHAPE {
                    return Ok(None);
                }
                known.base = base.clone();
                let mut found = try_list(guard, known, *object, name, style).await?.then_some(style);
                // Something is there that is no list itself.
                let is_there = || guard.last().is_some_and(|sent| sent.status == Some(200));
                if found.is_none() && bases.first() == Some(base) && is_there() {
                    found = try_list(guard, known, *object, name, BELOW).await?.then_some(BELOW);
                }
                if let Some(style) = found {
                    // The list is looked for again beside the others, among which there may be a better one.
                    known.lists.clear();
                    return Ok(Some((base.clone(), style)));
                }
            }
        }
    }
    Ok(None)
}

async fn try_style(guard: &mut Guard<'_>, known: &mut Known, style: Style) -> Result<(), Ended> {
    let rounds = LISTS.iter().map(|(_, names)| names.len()).max().unwrap_or_default();
    let (mut straight, mut all) = (0, 0);
    for round in 0..rounds {
        for (object, names) in LISTS {
            let Some(name) = names.get(round) else { continue };
            if known.lists.iter().any(|list| list.object == Some(*object)) {
                continue;
            }
            let is_over = if known.lists.is_empty() { straight >= MISSES_MAX } else { all >= MISSES_ALL_MAX };
            let kept = if known.lists.is_empty() { KEPT_FOR_SHAPE } else { KEPT_AT_LEAST };
            if is_over || guard.left() < kept {
                return Ok(());
            }
            if try_list(guard, known, *object, name, style).await? {
                straight = 0;
            } else {
                straight += 1;
                all += 1;
            }
        }
    }
    Ok(())
}

async fn try_list(
    guard: &mut Guard<'_>,
    known: &mut Known,
    object: Object,
    name: &str,
    style: Style,
) -> Result<bool, Ended> {
    let path = format!("/{}", style(name));
    let draft = Draft::new(Method::Get, address(&known.base, &path).map_err(Ended)?);
    let purpose = format!("whether there is a list of {name}");
    let Some(answer) = guard.read(Stage::Objects, &purpose, draft).await? else { return Ok(false) };
    let body = match look(&answer) {
        Look::Json(body) => body,
        _ => return Ok(false),
    };
    let Some(rows) = find_rows(&body, name) else { return Ok(false) };
    let plain = (Call::default(), At::Query);
    let mut list = Listed::new((object, name, path), plain, rows, (&answer, body));
    list.note(guard, format!("{} rows in the first answer, each with its own '{}'", list.bare.ids.len(), list.look.id));
    known.lists.push(list);
    Ok(true)
}

/// Finds out whose account it is.
pub(super) async fn identify(guard: &mut Guard<'_>, known: &mut Known) -> Result<(), Ended> {
    for word in IDENTITY.iter().take(5) {
        let path = format!("/{word}");
        let draft = Draft::new(Method::Get, address(&known.base, &path).map_err(Ended)?);
        let Some(answer) = guard.read(Stage::Identity, "whose account it is", draft).await? else { continue };
        let Look::Json(body) = look(&answer) else { continue };
        let leaf = |names: &[&str]| leaf(&body, "", names, 0);
        let Some(name) = leaf(&["name", "accountname", "companyname", "company", "organization", "fullname", "email"])
        else {
            continue;
        };
        let text = |path: &str| find(&body, path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let timezone = leaf(&["timezone", "tz", "timezoneid", "zone"]).filter(|path| zone(Some(&text(path))).is_some());
        let currency = leaf(&["currency", "currencycode", "defaultcurrency"]);
        let account = Account {
            name: text(&name),
            timezone: timezone.as_deref().map(text).unwrap_or_default(),
            currency: currency.as_deref().map(text).unwrap_or_default(),
        };
        let has_zone = timezone.is_some();
        known.evidence.extend(guard.last().map(|sent| sent.evidence("the account")));
        if has_zone || known.account.is_none() {
            known.account = Some((AccountAt { path, name, timezone, currency }, account));
        }
        if has_zone {
            return Ok(());
        }
    }
    Ok(())
}

/// The path of the first text with one of some names.
fn leaf(value: &Value, path: &str, names: &[&str], depth: usize) -> Option<String> {
    let map = value.as_object()?;
    let join = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    names
        .iter()
        .find_map(|name| {
            map.iter().find(|(key, value)| folded(key) == *name && is_text(value)).map(|(key, _)| join(key))
        })
        .or_else(|| {
            let inner = map.iter().filter(|_| depth < 2);
            inner.into_iter().find_map(|(key, value)| leaf(value, &join(key), names, depth + 1))
        })
}

fn capitalized(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut signs = word.chars();
            signs.next().map_or(String::new(), |first| first.to_uppercase().chain(signs).collect::<String>())
        })
        .collect()
}

fn camel(name: &str) -> String {
    let whole = capitalized(name);
    let mut signs = whole.chars();
    signs.next().map_or(String::new(), |first| first.to_lowercase().chain(signs).collect())
}

fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}
