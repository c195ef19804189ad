//! What an answer of the API means: judged by status and content first, then read row by row.
//!
//! An answer counts only when its status is 2xx, it is JSON, and the list stands where it should. Bodies never become part
//! of an error, because they hold people's data.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::http::Answer;
use crate::record::{Object, Place, SourceRecord};
use crate::source::{Account, RejectedRow, cut_text};

/// The longest wait that a Retry-After may ask of us; a longer one is a mistake of the far end.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// A good answer, not yet looked into.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) body: Bytes,
    /// Time at the source when it answered, or earlier.
    pub(super) at: Timestamp,
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct List {
    pub(super) rows: Vec<Result<SourceRecord, RejectedRow>>,
    /// What the source says it has in all.
    pub(super) total: Option<u64>,
    /// Rows that a full page has.
    pub(super) page_rows: u64,
    /// See [`Read::at`].
    pub(super) at: Timestamp,
    /// What was asked, for messages.
    pub(super) origin: Arc<str>,
}

impl List {
    /// What tells one page from another: the ids on it, in order. `None` for an empty page.
    pub(super) fn digest(&self) -> Option<[u8; 16]> {
        if self.rows.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        for row in &self.rows {
            let text = row.as_ref().map_or_else(|rejected| rejected.text.as_bytes(), |record| record.id.as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text);
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        Some(digest)
    }
}

/// Sorts an answer by who must act.
///
/// # Errors
/// `Unauthorized` for 401 and 403, `RateLimited` for 429, `Unreachable` for 408, 5xx and what is not whole JSON, `Source`
/// for the rest.
pub(super) fn judge(answer: Answer, path: &str, clock: &Clock) -> Result<Read> {
    let status = answer.status;
    let at = source_time(&answer.headers, clock);
    let fail = |kind, what: &str| {
        Err(Error::new(kind, format!("reading GET {path} from the source: {what}"))
            .retry_after(retry_after(&answer.headers, at)))
    };
    match status {
        200..=299 => {}
        401 => return fail(Kind::Unauthorized, "it does not accept the token (401)"),
        403 => return fail(Kind::Unauthorized, "the token may not read this (403)"),
        429 => return fail(Kind::RateLimited, "it asks for a slower pace (429)"),
        408 | 500..=599 => return fail(Kind::Unreachable, &format!("it failed with status {status}")),
        300..=399 => return fail(Kind::Source, &format!("it redirects ({status}), which is never followed")),
        _ => return fail(Kind::Source, &format!("it refused with status {status}")),
    }
    // The body is only checked here, so that an answer cut off half-way is asked for again like a failed one.
    match serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body) {
        Ok(_) => Ok(Read { body: answer.body, at }),
        Err(_) if answer.body.trim_ascii_start().starts_with(b"<") => {
            fail(Kind::Unreachable, "it answered with a web page instead of JSON")
        }
        Err(error) if error.is_eof() => fail(Kind::Unreachable, "the answer ends before its JSON does"),
        Err(_) => fail(Kind::Unreachable, "the answer is not JSON"),
    }
}

/// Reads the account.
///
/// # Errors
/// `Source` when it has no name.
pub(super) fn account(body: &[u8], path: &str) -> Result<Account> {
    let wrong = || Error::new(Kind::Source, format!("reading GET {path} from the source: it names no account"));
    let value: Value = serde_json::from_slice(body).map_err(|error| wrong().because(error))?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let account = Account { name: text("name"), timezone: text("timezone"), currency: text("currency") };
    if account.name.is_empty() { Err(wrong()) } else { Ok(account) }
}

/// Reads one page of a list. `asked_rows` is the page size that was asked for.
///
/// # Errors
/// `Source` when there is no list under `data`.
pub(super) fn list(read: &Read, object: Object, origin: &str, asked_rows: u32) -> Result<List> {
    let wrong = || Error::new(Kind::Source, format!("reading GET {origin} from the source: no list under 'data'"));
    let mut whole: Map<String, Value> = serde_json::from_slice(&read.body).map_err(|error| wrong().because(error))?;
    let Some(Value::Array(data)) = whole.remove("data") else { return Err(wrong()) };
    let number = |key: &str| whole.get(key).and_then(Value::as_u64);
    let origin: Arc<str> = origin.into();
    let place = |index: usize| Place { origin: Arc::clone(&origin), row: index as u64 + 1 };
    let rows = data.into_iter().enumerate().map(|(index, value)| record(object, value, place(index))).collect();
    // A source may quietly give smaller pages than asked for; it never gives larger ones.
    let page_rows = number("per_page").filter(|rows| *rows > 0).unwrap_or(u64::MAX).min(u64::from(asked_rows));
    Ok(List { rows, total: number("total"), page_rows, at: read.at, origin })
}

fn record(object: Object, value: Value, place: Place) -> Result<SourceRecord, RejectedRow> {
    let reject = |value: &Value, place, reason: &str| {
        Err(RejectedRow { reason: reason.to_owned(), text: cut_text(&value.to_string()), ..RejectedRow::at(place) })
    };
    let Value::Object(payload) = value else { return reject(&value, place, "it is not an object") };
    let id = match payload.get("id") {
        None => Err("it has no id"),
        Some(id) => id_text(id).ok_or("its id is neither text nor a whole number"),
    };
    match id {
        Err(reason) => reject(&Value::Object(payload), place, reason),
        Ok(id) => {
            let modified = payload.get("updated_at").and_then(Value::as_str).and_then(|text| text.trim().parse().ok());
            let deleted = payload.get("is_deleted").is_some_and(is_true);
            Ok(SourceRecord { object, id, payload, modified, deleted, place, children: Vec::new() })
        }
    }
}

/// An id as text: trimmed text, or a whole number with all its digits. `None` for anything else.
fn id_text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(Arc::from),
        Value::Number(number) => {
            let text = number.to_string();
            let digits = text.strip_prefix('-').unwrap_or(&text);
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.into())
        }
        _ => None,
    }
}

/// Flags come as booleans, numbers and words (source API shapes, section 20).
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.to_string() == "1",
        Value::String(text) => matches!(text.trim(), "1" | "true" | "True" | "yes"),
        _ => false,
    }
}

/// The earlier of our time and the answer's `Date`, so that a clock of ours that runs ahead loses no change. A rehearsal's
/// clock has nothing to do with that header, which servers take from their machine.
fn source_time(headers: &HeaderMap, clock: &Clock) -> Timestamp {
    let own = clock.utc();
    if clock.is_stepped() {
        return own;
    }
    header_time(headers, &DATE).map_or(own, |date| date.min(own))
}

/// How long the source asks us to wait: seconds or an instant (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // An instant that has passed asks for no wait at all.
        Err(_) => Duration::try_from(header_time(headers, &RETRY_AFTER)?.duration_since(now)).unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// An instant in a header, in the form of RFC 9110, section 5.6.7, which is one that RFC 2822 allows.
fn header_time(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    rfc2822::parse(headers.get(name)?.to_str().ok()?).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn judged(status: u16, body: &'static str) -> Result<Read> {
        let answer = Answer { status, headers: HeaderMap::new(), body: body.into(), took: Duration::ZERO };
        judge(answer, "/api/v1/leads", &Clock::system())
    }

    #[test]
    fn an_answer_is_judged_by_status_then_content() {
        let kind = |status, body| judged(status, body).map(|_| ()).map_err(|error| error.kind());
        assert_eq!(kind(200, "{\"data\":[]}"), Ok(()));
        assert_eq!(kind(200, "{\"data\":[{\"id\":1},"), Err(Kind::Unreachable));
        assert_eq!(kind(200, " <!doctype html>"), Err(Kind::Unreachable));
        assert_eq!(kind(200, "oops"), Err(Kind::Unreachable));
        assert_eq!(kind(200, ""), Err(Kind::Unreachable));
        assert_eq!(kind(302, ""), Err(Kind::Source));
        assert_eq!(kind(401, "{}"), Err(Kind::Unauthorized));
        assert_eq!(kind(403, "{}"), Err(Kind::Unauthorized));
        assert_eq!(kind(404, "{}"), Err(Kind::Source));
        assert_eq!(kind(429, "{}"), Err(Kind::RateLimited));
        assert_eq!(kind(503, "{}"), Err(Kind::Unreachable));
        let error = judged(200, "{\"email\":\"ada@acme.test").map(|_| ()).expect_err("it is cut off");
        assert!(!error.chain().contains("ada"), "no data in errors: {}", error.chain());
    }

    #[test]
    fn rows_without_an_id_are_set_aside() {
        let read = Read {
            body: r#"{"data":[{"id":7},{"id":" u_1 "},{"id":12345678901234567890},{"id":""},{"id":1.5},{"id":null},
                     {"name":"x"},"text"],"per_page":50,"total":8}"#
                .into(),
            at: Timestamp::UNIX_EPOCH,
        };
        let list = list(&read, Object::Owner, "/api/v1/owners?page=1", 100).expect("a list");
        let ids: Vec<&str> = list.rows.iter().flatten().map(|record| &*record.id).collect();
        assert_eq!(ids, ["7", "u_1", "12345678901234567890"]);
        let rejected: Vec<(u64, &str)> =
            list.rows.iter().filter_map(|row| row.as_ref().err()).map(|row| (row.place.row, &*row.text)).collect();
        let expected =
            [(4, r#"{"id":""}"#), (5, r#"{"id":1.5}"#), (6, r#"{"id":null}"#), (7, r#"{"name":"x"}"#), (8, "\"text\"")];
        assert_eq!(rejected, expected);
        assert_eq!((list.total, list.page_rows), (Some(8), 50));
    }

    #[test]
    fn a_row_says_when_it_changed_and_whether_it_is_gone() {
        let row = |value| record(Object::Task, value, Place { origin: "x".into(), row: 1 }).expect("a record");
        let gone = row(json!({"id": 1, "is_deleted": true, "updated_at": "2026-03-01T10:00:00Z"}));
        assert!(gone.deleted);
        assert_eq!(gone.modified.map(|time| time.to_string()).as_deref(), Some("2026-03-01T10:00:00Z"));
        let odd = row(json!({"id": 1, "is_deleted": 0, "updated_at": "yesterday"}));
        assert!(!odd.deleted && odd.modified.is_none());
    }

    #[test]
    fn the_sources_time_is_never_ahead_of_ours() {
        let check = |date: &'static str, expected: &str| {
            let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
            assert_eq!(source_time(&headers, &Clock::system()).to_string().get(..4), expected.get(..4), "{date}");
        };
        check("Mon, 05 Jan 2015 00:01:00 GMT", "2015");
        check("Mon, 05 Jan 2224 00:01:00 GMT", &Timestamp::now().to_string());
        check("noon", &Timestamp::now().to_string());
    }

    #[test]
    fn retry_after_is_seconds_or_an_instant() {
        let now: Timestamp = "2026-01-05T00:00:00Z".parse().expect("a valid instant");
        let check = |text: &'static str, seconds: Option<u64>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text}");
        };
        check("30", Some(30));
        check("Mon, 05 Jan 2026 00:01:00 GMT", Some(60));
        check("Sun, 04 Jan 2026 00:01:00 GMT", Some(0));
        check("999999999", Some(24 * 3600));
        check("soon", None);
    }
}
