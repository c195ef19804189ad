//! Sources that are asked in a language like SQL, in one parameter: `query?query=select * from clients limit 0,100;`.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::Value;

use super::guard::Guard;
use super::lists::{Call, Expression, Listed, WANTED};
use super::look::{Look, find_rows, look};
use super::words::folded;
use super::{Ended, Known, Stage};
use crate::http::Answer;
use crate::record::Object;
use crate::source::api::ask::address;
use crate::source::api::auth::Draft;
use crate::source::profile::{At, Method, Paging, Size, Step};

/// The path of the types, and of the questions.
const TYPES: &str = "/listtypes";
const PATH: &str = "/query";

/// Bases that are asked for their types.
const BASES_MAX: usize = 9;

/// Rows of the first answer.
const ROWS: &str = "20";

/// Finds the types of a source that says which it has, below one of some bases, which then is the base.
pub(super) async fn discover(guard: &mut Guard<'_>, bases: &[Url], known: &mut Known) -> Result<bool, Ended> {
    for base in bases.iter().take(BASES_MAX) {
        let url = address(base, TYPES).map_err(Ended)?;
        let Some((_, body)) = ask(guard, url, "whether it tells the types of its records").await? else { continue };
        let Some(types) = types(&body) else { continue };
        known.base = base.clone();
        for (object, names) in WANTED {
            for name in *names {
                let Some(own) = types.iter().find(|own| folded(own) == folded(name)) else { continue };
                if try_list(guard, known, *object, own).await? {
                    break;
                }
            }
        }
        return Ok(!known.lists.is_empty());
    }
    Ok(false)
}

async fn ask(guard: &mut Guard<'_>, url: Url, purpose: &str) -> Result<Option<(Answer, Value)>, Ended> {
    let Some(answer) = guard.read(Stage::Objects, purpose, Draft::new(Method::Get, url)).await? else {
        return Ok(None);
    };
    Ok(match look(&answer) {
        Look::Json(body) => Some((answer, body)),
        _ => None,
    })
}

async fn try_list(guard: &mut Guard<'_>, known: &mut Known, object: Object, name: &str) -> Result<bool, Ended> {
    // Names come from the source; one with other signs in it is not put into a question.
    if !name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
        return Ok(false);
    }
    let query = |place: &str| BTreeMap::from([("query".to_owned(), format!("select * from {name}{place};"))]);
    let mut url = address(&known.base, PATH).map_err(Ended)?;
    url.query_pairs_mut().extend_pairs(query(&format!(" limit 0,{ROWS}")));
    let Some((answer, seen)) = ask(guard, url, &format!("whether we may ask for {name}")).await? else {
        return Ok(false);
    };
    let Some(rows) = find_rows(&seen, name) else { return Ok(false) };
    let call = Call { query: query("{where} limit {skip},{size}"), ..Call::default() };
    let mut list = Listed::new((object, name, PATH.to_owned()), (call, At::Blank), rows, (&answer, seen));
    let size = Size { param: Some("size".to_owned()), rows: None, echo: None };
    list.rules.page = Some(Paging::Offset { param: "skip".to_owned(), step: Step::Rows, size, at: At::Blank });
    list.is_told = true;
    list.filter = Some(Expression { param: "where".to_owned(), form: " where {column} > '{time}'" });
    list.note(guard, format!("{} rows answer a question for {name}", list.bare.ids.len()));
    known.lists.push(list);
    Ok(true)
}

/// The longest list of words in an answer.
fn types(body: &Value) -> Option<Vec<String>> {
    match body {
        Value::Array(list) => {
            let words: Vec<String> = list.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect();
            (!words.is_empty() && words.len() == list.len()).then_some(words)
        }
        Value::Object(map) => map.values().filter_map(types).max_by_key(Vec::len),
        _ => None,
    }
}
