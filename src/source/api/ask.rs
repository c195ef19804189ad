//! What is asked for next, as a request; and where the answer says that the list goes on.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::auth::Draft;
use super::path::{find, put};
use super::rows::{Row, id_text, is_false};
use super::time;
use crate::error::{Error, Kind, Result};
use crate::source::profile::{At, Changes, Deletions, List, Method, Paging, Size, Step};

/// Where in a list a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::source) enum Spot {
    /// At its first row.
    #[default]
    First,
    /// Behind so many pages, which had so many rows.
    Behind {
        /// Whole pages.
        pages: u64,
        /// Rows.
        rows: u64,
    },
    /// At a cursor, or behind an id.
    Token(String),
    /// At an address that the source gave.
    Url(String),
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::source) struct Ask {
    pub(in crate::source) spot: Spot,
    /// Only what changed since then.
    pub(in crate::source) since: Option<Timestamp>,
    /// Newest first.
    pub(in crate::source) newest: bool,
    /// Deleted rows too, where a parameter asks for them.
    pub(in crate::source) deleted: bool,
    /// Rows of a page, where the profile does not say.
    pub(in crate::source) page_rows: u32,
}

/// Where the list goes on after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) enum Next {
    /// Behind what was read; whether there is more follows from counting.
    Counted,
    /// There.
    At(Spot),
    /// Nowhere.
    End,
}

/// An address from the base and a path; a whole address must be of the same host.
///
/// # Errors
/// `Source` for an address elsewhere, `Settings` for a path that is none.
pub(in crate::source) fn address(base: &Url, path: &str) -> Result<Url> {
    let wrong = || Error::new(Kind::Settings, "source profile: a path cannot be added to the address");
    if path.contains("://") {
        let url = Url::parse(path).map_err(|error| wrong().because(error))?;
        if url.host_str() != base.host_str() {
            let host = url.host_str().unwrap_or_default();
            return Err(Error::new(
                Kind::Source,
                format!("the source points to another host, {host}; it is not followed"),
            ));
        }
        // The same host behind another scheme is a proxy that does not know its own.
        let mut own = base.clone();
        own.set_path(url.path());
        own.set_query(url.query());
        return Ok(own);
    }
    let mut url = base.clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let root = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{root}/{}", path.trim_start_matches('/')));
    url.set_query(query);
    Ok(url)
}

/// The path of one record.
pub(in crate::source) fn record_path(path: &str, id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    path.replace("{id}", &id.replace('+', "%20"))
}

/// Adds parameters to the query of a request.
pub(in crate::source) fn add_query(draft: &mut Draft, params: &[(String, String)]) {
    if !params.is_empty() {
        draft.url.query_pairs_mut().extend_pairs(params);
    }
}

/// The request for a page of a list.
///
/// # Errors
/// As [`address`].
pub(in crate::source) fn request(base: &Url, list: &List, ask: &Ask) -> Result<Draft> {
    if let Spot::Url(next) = &ask.spot {
        let url = if next.starts_with('/') {
            let mut url = base.clone();
            url.set_path("");
            address(&url, next)?
        } else if let Some(query) = next.strip_prefix('?') {
            let mut url = address(base, &list.path)?;
            url.set_query(Some(query));
            url
        } else {
            address(base, next)?
        };
        if list.method == Method::Get {
            return Ok(Draft::new(list.method, url));
        }
        // What reads by POST takes its parameters from the body, also those of an address that it gave; and nothing is posted
        // to another path than that of the list, whatever the source says.
        let own = address(base, &list.path)?;
        if url.path().trim_end_matches('/') != own.path().trim_end_matches('/') {
            return Err(Error::new(Kind::Source, "the source points to another path for a POST; it is not followed"));
        }
        let mut draft = begin(list, own)?;
        for (name, value) in url.query_pairs() {
            put(draft.body.get_or_insert(Value::Null), &name, body_value(&value));
        }
        return Ok(draft);
    }
    let filter_path = match (&list.changes, ask.since) {
        (Changes::Filter { path: Some(path), .. }, Some(_)) => path,
        _ => &list.path,
    };
    let mut draft = begin(list, address(base, filter_path)?)?;
    let mut blanks = Vec::new();
    add_position(&mut draft, &mut blanks, list, ask)?;
    if let Some(since) = ask.since {
        add_filter(&mut draft, &mut blanks, list, since)?;
    }
    if let (true, Some(Deletions::Parameter { param, value, at })) = (ask.deleted, &list.deletions) {
        add(&mut draft, &mut blanks, *at, param, Value::String(value.clone()))?;
    }
    add_always(&mut draft, list, &blanks);
    if let (true, Changes::Newest { query }) = (ask.newest, &list.changes) {
        draft.url.query_pairs_mut().extend_pairs(query);
    }
    Ok(draft)
}

/// The request for a list with parameters of one's own, which go where `at` says.
///
/// # Errors
/// As [`address`].
pub(in crate::source) fn with_params(base: &Url, list: &List, at: At, params: &[(String, String)]) -> Result<Draft> {
    let mut draft = begin(list, address(base, &list.path)?)?;
    let mut blanks = Vec::new();
    for (name, value) in params {
        let value = if at == At::Body { body_value(value) } else { Value::String(value.clone()) };
        add(&mut draft, &mut blanks, at, name, value)?;
    }
    add_always(&mut draft, list, &blanks);
    Ok(draft)
}

/// The verb and the body of a list, without parameters.
fn begin(list: &List, url: Url) -> Result<Draft> {
    let mut draft = Draft::new(list.method, url);
    if let Some(soap) = &list.soap {
        draft.call(soap)?;
    }
    if let Some(body) = &list.body {
        let body = serde_json::from_str(body)
            .map_err(|error| Error::new(Kind::Settings, "source profile: a body is not JSON").because(error))?;
        draft.body = Some(body);
    } else if list.method == Method::Post {
        draft.body = Some(Value::Object(Map::new()));
    }
    Ok(draft)
}

/// The parameters that are always sent. What stands in braces in them is filled with what goes there, or with nothing.
fn add_always(draft: &mut Draft, list: &List, blanks: &[(String, String)]) {
    for (name, value) in &list.query {
        if blanks.is_empty() {
            draft.url.query_pairs_mut().append_pair(name, value);
            continue;
        }
        let mut text = String::new();
        let mut rest = value.as_str();
        while let Some((before, (blank, behind))) =
            rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            text.push_str(before);
            let filled = blanks.iter().find(|(own, _)| own == blank);
            text.push_str(filled.map_or("", |(_, value)| value.as_str()));
            rest = behind;
        }
        text.push_str(rest);
        draft.url.query_pairs_mut().append_pair(name, &text);
    }
}

type Blanks = Vec<(String, String)>;

fn add_position(draft: &mut Draft, blanks: &mut Blanks, list: &List, ask: &Ask) -> Result<()> {
    let (pages, rows) = match ask.spot {
        Spot::Behind { pages, rows } => (pages, rows),
        _ => (0, 0),
    };
    match &list.page {
        Paging::None { .. } => Ok(()),
        Paging::Page { param, first, size, at } => {
            add(draft, blanks, *at, param, Value::from(pages + u64::from(*first)))?;
            add_size(draft, blanks, *at, size, ask.page_rows)
        }
        Paging::Offset { param, step, size, at } => {
            let value = match step {
                Step::Rows => rows,
                Step::RowsFromOne => rows + 1,
                Step::Pages => pages,
            };
            add(draft, blanks, *at, param, Value::from(value))?;
            add_size(draft, blanks, *at, size, ask.page_rows)
        }
        Paging::Cursor { param, size, at, .. } | Paging::Keyset { param, size, at } => {
            if let Spot::Token(token) = &ask.spot {
                let value = if *at == At::Body { body_value(token) } else { Value::String(token.clone()) };
                add(draft, blanks, *at, param, value)?;
            }
            add_size(draft, blanks, *at, size, ask.page_rows)
        }
        Paging::Url { size, .. } | Paging::Link { size } => {
            let at = if list.method == Method::Post { At::Body } else { At::Query };
            add_size(draft, blanks, at, size, ask.page_rows)
        }
    }
}

/// What is a number goes into a body as one.
fn body_value(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) if number.to_string() == text => Value::from(number),
        _ => Value::String(text.to_owned()),
    }
}

fn add_size(draft: &mut Draft, blanks: &mut Blanks, at: At, size: &Size, page_rows: u32) -> Result<()> {
    match &size.param {
        Some(param) => add(draft, blanks, at, param, Value::from(size.rows.unwrap_or(page_rows))),
        None => Ok(()),
    }
}

fn add_filter(draft: &mut Draft, blanks: &mut Blanks, list: &List, since: Timestamp) -> Result<()> {
    let Changes::Filter { param, value, at, style, zone, granularity_seconds, .. } = &list.changes else {
        return Ok(());
    };
    let zone = time::zone(zone.as_deref())
        .ok_or_else(|| Error::new(Kind::Settings, "source profile: the zone of a filter is not one"))?;
    let text = value.replace("{time}", &time::write(since, *style, &zone, *granularity_seconds));
    let value = if *at == At::Body { body_value(&text) } else { Value::String(text) };
    add(draft, blanks, *at, param, value)
}

fn add(draft: &mut Draft, blanks: &mut Blanks, at: At, name: &str, value: Value) -> Result<()> {
    let text = || match &value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match at {
        At::Query => drop(draft.url.query_pairs_mut().append_pair(name, &text())),
        At::Body => put(draft.body.get_or_insert(Value::Null), name, value),
        At::Blank => blanks.push((name.to_owned(), text())),
        At::Header => {
            let wrong = || Error::new(Kind::Settings, format!("source profile: '{name}' is no header"));
            let name = HeaderName::try_from(name).map_err(|error| wrong().because(error))?;
            let value = HeaderValue::try_from(text()).map_err(|error| wrong().because(error))?;
            draft.headers.insert(name, value);
        }
    }
    Ok(())
}

/// Where the list goes on. `rows` are those of the page.
pub(in crate::source) fn next(list: &List, body: &Value, headers: &HeaderMap, rows: &[Row]) -> Next {
    let spot = match &list.page {
        Paging::None { .. } => None,
        Paging::Page { .. } | Paging::Offset { .. } => return Next::Counted,
        Paging::Cursor { next, more, .. } => {
            let is_over = more.as_deref().and_then(|path| find(body, path)).is_some_and(is_false);
            text_at(body, next).filter(|_| !is_over).map(Spot::Token)
        }
        Paging::Url { next, .. } => text_at(body, next).map(Spot::Url),
        Paging::Link { .. } => link_next(headers).map(Spot::Url),
        Paging::Keyset { .. } => {
            let last = rows.iter().rev().flatten().next();
            last.map(|record| Spot::Token(record.id.as_ref().to_owned()))
        }
    };
    spot.map_or(Next::End, Next::At)
}

fn text_at(body: &Value, path: &str) -> Option<String> {
    let text: Arc<str> = id_text(find(body, path)?)?;
    Some(text.as_ref().to_owned())
}

/// A header with nothing but the address of the next page (Kinto).
const NEXT_PAGE: &str = "next-page";

/// The address with `rel="next"` of a `Link` header (RFC 8288, section 3), or that of a header of its own.
pub(in crate::source) fn link_next(headers: &HeaderMap) -> Option<String> {
    let own = || headers.get(NEXT_PAGE).and_then(|value| value.to_str().ok()).map(|text| text.trim().to_owned());
    linked(headers).or_else(own).filter(|address| !address.is_empty())
}

fn linked(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(|text| {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('<') {
            let (address, behind) = after.split_once('>')?;
            let end = behind.find(",<").or_else(|| behind.find(", <")).unwrap_or(behind.len());
            let is_next = behind[..end].split(';').any(|part| {
                let Some((name, value)) = part.trim().trim_end_matches(',').split_once('=') else { return false };
                name.trim().eq_ignore_ascii_case("rel")
                    && value.trim().trim_matches('"').split(' ').any(|word| word.eq_ignore_ascii_case("next"))
            });
            if is_next {
                return Some(address.to_owned());
            }
            rest = &behind[end..];
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        let check = |text: &'static str, expected: Option<&str>| {
            let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(text))]);
            assert_eq!(link_next(&headers).as_deref(), expected, "{text}");
        };
        check(
            "<https://a.test/x?p=1>; rel=\"prev\", <https://a.test/x?p=3,4>; rel=\"next\"",
            Some("https://a.test/x?p=3,4"),
        );
        check("</x?p=2>;rel=next", Some("/x?p=2"));
        check("<https://a.test/x>; rel=\"last\"", None);
    }

    #[test]
    fn addresses_stay_on_their_host() {
        let base = Url::parse("https://crm.test/root/").expect("an address");
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(address(&base, path).ok().as_ref().map(Url::as_str), expected, "{path}");
        };
        check("/api/v1/x?a=1", Some("https://crm.test/root/api/v1/x?a=1"));
        check("http://crm.test/y?b=2", Some("https://crm.test/y?b=2"));
        check("https://elsewhere.test/y", None);
    }
}
