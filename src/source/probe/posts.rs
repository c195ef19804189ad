//! Lists that are read by POST, where the operator approved that: a path with a verb for each list, one path with the name
//! of the list in the body, or GraphQL (source API shapes, section 15).

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::graphql;
use super::guard::Guard;
use super::lists::{Call, KEPT_FOR_SHAPE, Listed, MISSES_ALL_MAX, WANTED};
use super::look::{Look, find_rows, look};
use super::{Ended, Known, Stage};
use crate::record::Object;
use crate::source::api::ask::address;
use crate::source::api::auth::Draft;
use crate::source::profile::{At, Method};

/// Members of a body that name what is called.
pub(super) const SERVICES: &[&str] = &["serviceId", "service", "action", "method"];

/// How a list is named.
#[derive(Debug, Clone, Copy)]
enum Naming {
    /// `/clients/list`, with this verb.
    Path(&'static str),
    /// In the body, under this name.
    Body(&'static str),
}

/// Finds lists that are read by POST below one of some bases, which then is the base. False where there are none, or none
/// were approved.
pub(super) async fn discover(guard: &mut Guard<'_>, bases: &[Url], known: &mut Known) -> Result<bool, Ended> {
    for base in bases {
        known.base = base.clone();
        if let Ok(url) = address(base, "/graphql")
            && guard.may_post(&url)
            && graphql::discover(guard, known).await?
        {
            return Ok(true);
        }
        let paths = ["list", "search", "query", "find"].map(Naming::Path);
        let services = SERVICES.iter().map(|name| Naming::Body(name));
        for naming in paths.into_iter().chain(services) {
            // Users are called so nearly everywhere, and leads nearly as often.
            for name in ["users", "leads"] {
                if guard.left() >= KEPT_FOR_SHAPE && try_list(guard, known, Object::Owner, (name, naming)).await? {
                    known.lists.clear();
                    return every_list(guard, known, naming).await.map(|()| true);
                }
            }
        }
    }
    Ok(false)
}

/// Looks for every list, named in one way.
async fn every_list(guard: &mut Guard<'_>, known: &mut Known, naming: Naming) -> Result<(), Ended> {
    let mut misses = 0;
    let rounds = WANTED.iter().map(|(_, names)| names.len()).max().unwrap_or_default();
    for round in 0..rounds {
        for (object, names) in WANTED {
            let Some(name) = names.get(round) else { continue };
            if known.lists.iter().any(|list| list.object == Some(*object)) {
                continue;
            }
            if misses >= MISSES_ALL_MAX || guard.left() < KEPT_FOR_SHAPE {
                return Ok(());
            }
            misses += u32::from(!try_list(guard, known, *object, (name, naming)).await?);
        }
    }
    Ok(())
}

async fn try_list(
    guard: &mut Guard<'_>,
    known: &mut Known,
    object: Object,
    (name, naming): (&str, Naming),
) -> Result<bool, Ended> {
    let (path, body) = match naming {
        Naming::Path(verb) => (format!("/{name}/{verb}"), Value::Object(Map::new())),
        Naming::Body(member) => ("/".to_owned(), json!({member: format!("{name}.list")})),
    };
    let url = address(&known.base, &path).map_err(Ended)?;
    if !guard.may_post(&url) {
        return Ok(false);
    }
    let mut draft = Draft::new(Method::Post, url);
    draft.body = Some(body.clone());
    let purpose = format!("whether there is, by POST, a list of {name}");
    let Some(answer) = guard.read(Stage::Objects, &purpose, draft).await? else { return Ok(false) };
    let Look::Json(seen) = look(&answer) else { return Ok(false) };
    let Some(rows) = find_rows(&seen, name) else { return Ok(false) };
    let call = Call { method: Method::Post, body: Some(body), ..Call::default() };
    let mut list = Listed::new((object, name, path), (call, At::Body), rows, (&answer, seen));
    list.note(guard, format!("{} rows in the first answer, each with its own '{}'", list.bare.ids.len(), list.look.id));
    known.lists.push(list);
    Ok(true)
}
