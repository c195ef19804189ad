//! What an answer of the API means: judged by status, content and the failures that some sources put into a 200.
//!
//! An answer counts only when its status is 2xx, it is JSON or XML, and nothing in it says that it failed. Bodies never become part
//! of an error, because they hold people's data.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName};
use serde_json::Value;

use super::hint;
use super::path::find;
use super::rows::is_false;
use super::soap;
use super::xml;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::http::Answer;
use crate::source::Account;
use crate::source::profile::{AccountAt, Limits, PastEnd};

/// Words of errors that mean "slower".
const LIMIT_WORDS: &[&str] = &[
    "rate limit",
    "ratelimit",
    "rate_limit",
    "too many",
    "throttl",
    "slow down",
    "quota",
    "request limit",
    "limit exceeded",
];

/// Words of errors that mean "sign in again".
const AUTH_WORDS: &[&str] = &[
    "unauthor",
    "not authenticated",
    "authentication",
    "invalid token",
    "token expired",
    "expired token",
    "session",
    "log in",
    "login",
    "sign in",
    "api key",
    "apikey",
    "access denied",
    "invalid key",
    "credential",
];

/// Words of errors that mean "there is nothing".
const NOTHING_WORDS: &[&str] =
    &["nothing here", "no such", "not found", "not_found", "notfound", "does not exist", "no more", "out of range"];

/// Words of errors that pass by themselves.
const PASSING_WORDS: &[&str] = &["try again", "temporar", "timeout", "timed out", "unavailable", "maintenance", "busy"];

/// Bytes of a failure that are looked at for such words.
const WORDS_BYTES_MAX: usize = 4_000;

/// A good answer.
#[derive(Debug)]
pub(in crate::source) struct Read {
    pub(in crate::source) body: Value,
    pub(in crate::source) headers: HeaderMap,
    /// Time at the source when it answered, or earlier.
    pub(in crate::source) at: Timestamp,
    /// It says that there is no such page, as the profile says it would.
    pub(in crate::source) past_end: bool,
}

/// What an answer is judged by.
#[derive(Clone, Copy)]
pub(in crate::source) struct Judge<'a> {
    /// Verb and path, for messages.
    pub(in crate::source) request: &'a str,
    /// What limits look like.
    pub(in crate::source) limits: &'a Limits,
    /// What is said to pages behind the last one; `None` where there must be an answer.
    pub(in crate::source) past_end: Option<PastEnd>,
}

impl Judge<'_> {
    /// Sorts an answer by who must act.
    ///
    /// # Errors
    /// `Unauthorized` for 401 and 403, `RateLimited` for 429 and whatever else asks for a slower pace, `Unreachable` for 408,
    /// 5xx and what is not whole JSON, `Source` for the rest.
    pub(in crate::source) fn judge(self, answer: &Answer, clock: &Clock) -> Result<Read> {
        let at = source_time(&answer.headers, clock);
        let wait = || hint::wait(&answer.headers, &answer.body, self.limits, at);
        let fail = |kind, what: &str| {
            Err(Error::new(kind, format!("reading {} from the source: {what}", self.request)).retry_after(wait()))
        };
        let status = answer.status;
        let says_slower = || has_words(&answer.body, LIMIT_WORDS);
        if let Some(fault) = soap::fault(answer) {
            return self.fault(&fault, answer, at, clock);
        }
        let fails = || {
            let says_otherwise = says_slower() || has_words(&answer.body, PASSING_WORDS);
            !says_otherwise && value(answer).is_ok_and(|body| is_failure(&body))
        };
        let past_end = match self.past_end {
            Some(PastEnd::NotFound) => matches!(status, 404 | 410),
            Some(PastEnd::Refused) => matches!(status, 400 | 416 | 422),
            Some(PastEnd::Failure) => status == 204 || status == 200 && says_nothing(&answer.body) && fails(),
            _ => false,
        };
        match status {
            429 => return fail(Kind::RateLimited, "it asks for a slower pace (429)"),
            400 | 402..=422 | 424..=499 | 503 if self.limits.statuses.contains(&status) || says_slower() => {
                return fail(Kind::RateLimited, &format!("it asks for a slower pace ({status})"));
            }
            _ if past_end => {
                return Ok(Read { body: Value::Null, headers: answer.headers.clone(), at, past_end });
            }
            200..=299 => {}
            401 => return fail(Kind::Unauthorized, "it does not accept the token (401)"),
            403 => return fail(Kind::Unauthorized, "the token may not read this (403)"),
            423 => return fail(Kind::Unauthorized, "the account is locked (423)"),
            408 | 500..=599 => return fail(Kind::Unreachable, &format!("it failed with status {status}")),
            300..=399 => return fail(Kind::Source, &format!("it redirects ({status}), which is never followed")),
            _ => return fail(Kind::Source, &format!("it refused with status {status}")),
        }
        let body = match value(answer) {
            Ok(body) => body,
            Err(_) if is_page(answer) => return fail(Kind::Unreachable, "it answered with a web page instead of JSON"),
            Err(Unread::CutOff) => return fail(Kind::Unreachable, "the answer ends before its JSON or XML does"),
            Err(Unread::NoData) => return fail(Kind::Unreachable, "the answer is neither JSON nor XML"),
        };
        if !is_failure(&body) {
            return Ok(Read { body, headers: answer.headers.clone(), at, past_end: false });
        }
        match () {
            () if says_slower() => {
                fail(Kind::RateLimited, &format!("it asks for a slower pace ({status} with a failure)"))
            }
            () if has_words(&answer.body, PASSING_WORDS) => {
                fail(Kind::Unreachable, "it answered with a passing failure")
            }
            () if has_words(&answer.body, AUTH_WORDS) => {
                fail(Kind::Unauthorized, &format!("it does not accept the token ({status} with a failure)"))
            }
            () => fail(Kind::Source, &format!("it failed, and said so with status {status}")),
        }
    }
}

impl Judge<'_> {
    /// Sorts a fault of SOAP by its code and its words. Only its code is told: its text may repeat what was sent.
    fn fault(self, fault: &soap::Fault, answer: &Answer, at: Timestamp, clock: &Clock) -> Result<Read> {
        let status = soap::status(answer);
        if self.past_end == Some(PastEnd::Refused) && status == 400 && !has_words(&answer.body, LIMIT_WORDS) {
            return Ok(Read { body: Value::Null, headers: answer.headers.clone(), at, past_end: true });
        }
        let code: String = fault.code.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        let kind = match status {
            _ if has_words(&answer.body, LIMIT_WORDS) => Kind::RateLimited,
            401 | 423 => Kind::Unauthorized,
            _ if has_words(&answer.body, PASSING_WORDS) => Kind::Unreachable,
            400 => Kind::Source,
            _ => Kind::Unreachable,
        };
        let wait = hint::wait(&answer.headers, &answer.body, self.limits, source_time(&answer.headers, clock));
        let what = format!("reading {} from the source: it answered with a SOAP fault ({code})", self.request);
        Err(Error::new(kind, what).retry_after(wait))
    }
}

/// Why an answer holds no value.
#[derive(Debug)]
pub(in crate::source) enum Unread {
    /// It ends too early.
    CutOff,
    /// It is something else.
    NoData,
}

/// The value that an answer holds, in JSON or in XML.
pub(in crate::source) fn value(answer: &Answer) -> Result<Value, Unread> {
    if is_xml(answer) {
        return xml::read(&answer.body).ok_or(Unread::CutOff);
    }
    serde_json::from_slice(&answer.body).map_err(|error| if error.is_eof() { Unread::CutOff } else { Unread::NoData })
}

/// Whether an answer is XML that is no web page.
fn is_xml(answer: &Answer) -> bool {
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let says_so = kind == "application/xml" || kind == "text/xml" || kind.ends_with("+xml") && !kind.contains("xhtml");
    says_so && answer.body.trim_ascii_start().starts_with(b"<")
}

/// Whether an answer is a web page.
pub(in crate::source) fn is_page(answer: &Answer) -> bool {
    let html = answer.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    html || !is_xml(answer) && answer.body.trim_ascii_start().starts_with(b"<")
}

/// Whether a body says of itself that it is a failure (source API shapes, section 14).
pub(in crate::source) fn is_failure(body: &Value) -> bool {
    let Value::Object(map) = body else { return body == &Value::Bool(false) };
    let says_no = |key: &str| map.get(key).is_some_and(is_false);
    let nested_no = || {
        let inner = map.get("data").and_then(|data| data.get("success"));
        inner.is_some_and(is_false)
    };
    let is_error_word = || {
        let status = map.get("status").and_then(Value::as_str).unwrap_or_default();
        matches!(status.to_ascii_lowercase().as_str(), "error" | "fail" | "failed" | "failure")
    };
    let is_there = |key: &str| {
        map.get(key).is_some_and(|value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Bool(true) => true,
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Object(inner) => !inner.is_empty(),
            Value::Number(number) => number.to_string() != "0",
        })
    };
    says_no("success")
        || says_no("ok")
        || nested_no()
        || is_error_word()
        || ["error", "errors", "errNum", "errMsg", "fault", "exception", "Fault"].iter().any(|key| is_there(key))
}

fn has_words(body: &[u8], words: &[&str]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(WORDS_BYTES_MAX)]).to_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Whether a failure says in words that there is nothing.
pub(in crate::source) fn says_nothing(body: &[u8]) -> bool {
    has_words(body, NOTHING_WORDS)
}

/// Whether a refusal speaks of a lock, after which not one more try may be made.
pub(in crate::source) fn is_lockout(answer: &Answer) -> bool {
    answer.status == 423 || has_words(&answer.body, &["locked", "too many attempts", "captcha", "too many failed"])
}

/// Reads the account.
///
/// # Errors
/// `Source` when it has no name.
pub(super) fn account(body: &Value, at: &AccountAt, path: &str) -> Result<Account> {
    let text = |path: &str| find(body, path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let optional = |path: &Option<String>| path.as_deref().map(text).unwrap_or_default();
    let account = Account { name: text(&at.name), timezone: optional(&at.timezone), currency: optional(&at.currency) };
    if account.name.is_empty() {
        return Err(Error::new(Kind::Source, format!("reading GET {path} from the source: it names no account")));
    }
    Ok(account)
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

/// An instant in a header, in the form of RFC 9110, section 5.6.7, which is one that RFC 2822 allows.
fn header_time(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    rfc2822::parse(headers.get(name)?.to_str().ok()?).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::HeaderValue;

    use super::*;

    fn judged(status: u16, body: &'static str) -> Result<Read> {
        let answer = Answer { status, headers: HeaderMap::new(), body: body.into(), took: Duration::ZERO };
        let limits = Limits::default();
        Judge { request: "GET /api/v1/leads", limits: &limits, past_end: None }.judge(&answer, &Clock::system())
    }

    fn kind(status: u16, body: &'static str) -> Result<(), Kind> {
        judged(status, body).map(|_| ()).map_err(|error| error.kind())
    }

    #[test]
    fn an_answer_is_judged_by_status_then_content() {
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
    fn a_failure_inside_a_good_status_is_one() {
        assert_eq!(kind(200, r#"{"success":false,"data":[]}"#), Err(Kind::Source));
        assert_eq!(kind(200, r#"{"success":"0"}"#), Err(Kind::Source));
        assert_eq!(kind(200, r#"{"ok":false,"errNum":7}"#), Err(Kind::Source));
        assert_eq!(kind(200, r#"{"data":{"success":"0"}}"#), Err(Kind::Source));
        assert_eq!(kind(200, r#"{"data":{},"errors":[{"message":"x"}]}"#), Err(Kind::Source));
        assert_eq!(kind(200, "false"), Err(Kind::Source));
        assert_eq!(kind(200, r#"{"error":"rate limit exceeded, retry in 5 seconds"}"#), Err(Kind::RateLimited));
        assert_eq!(kind(200, r#"{"success":false,"message":"session expired"}"#), Err(Kind::Unauthorized));
        assert_eq!(kind(403, r#"{"message":"Rate limit exceeded"}"#), Err(Kind::RateLimited));
        assert_eq!(kind(400, r#"{"message":"too many requests"}"#), Err(Kind::RateLimited));
        assert_eq!(kind(200, r#"{"success":true,"error":null,"errors":[],"data":[]}"#), Ok(()));
        assert_eq!(kind(200, r#"{"success":"1","errNum":0,"data":[]}"#), Ok(()));
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
}
