//! Sorting answers: what was done, what was refused, what is unknown, and what the headers say.
//!
//! Sources: Pipedrive documentation "HTTP status codes", "Responses", "Rate limiting"; bodies of 429 and of validation
//! errors are seen on live accounts by several clients, not documented, so every shape is accepted.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::budget::Told;
use super::page::id_text;
use crate::error::{Error, Kind, Result};
use crate::http::Answer;

/// Whether a call changes something: an unclear answer then leaves it in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It only reads.
    Read,
    /// It changes something.
    Write,
}

/// A refusal at the door, which has nothing to do with the request itself: it was not worked on, and may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnedAway {
    /// The window is full; the answer may say for how long.
    Window(Option<Duration>),
    /// The day's tokens are used up.
    Day(Option<Duration>),
    /// The token is not accepted (401), or the account is not open (402).
    Access,
    /// The gateway's page for those who go on after refusals (403 with HTML).
    Blocked,
}

/// Waits longer than this are not about a two-second window.
const WINDOW_WAIT_MAX: Duration = Duration::from_secs(60);

/// Reads why an answer turned us away, if it did.
pub(super) fn turned_away(answer: &Answer) -> Option<TurnedAway> {
    match answer.status {
        401 | 402 => Some(TurnedAway::Access),
        403 if !is_json(&answer.body) => Some(TurnedAway::Blocked),
        429 => Some(too_many(answer)),
        _ => None,
    }
}

/// Reads the pace from an answer with status 429.
fn too_many(answer: &Answer) -> TurnedAway {
    let retry_after = number(&answer.headers, "retry-after").map(Duration::from_secs);
    let nothing_left = number(&answer.headers, "x-daily-ratelimit-token-remaining") == Some(0);
    let says_daily = String::from_utf8_lossy(&answer.body).contains("daily request budget exceeded");
    if says_daily || nothing_left || retry_after > Some(WINDOW_WAIT_MAX) {
        return TurnedAway::Day(retry_after);
    }
    let reset = number(&answer.headers, "x-ratelimit-reset").map(Duration::from_secs);
    TurnedAway::Window(retry_after.max(reset))
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// The parts of a good answer to a write that are looked at.
#[derive(Deserialize)]
struct Envelope<'a> {
    success: Option<bool>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Named {
    id: Value,
}

/// Id and text of the record in a good answer to a write: the text goes into the journal as it is, so it is not taken
/// apart. `None` for every other answer; [`body`] says what that one means.
pub(super) fn record(answer: &Answer) -> Option<(Arc<str>, String)> {
    if !(200..=299).contains(&answer.status) {
        return None;
    }
    let Envelope { success, data } = serde_json::from_slice(&answer.body).ok()?;
    let Named { id } = serde_json::from_str(data.get()).ok()?;
    if success == Some(false) { None } else { Some((id_text(&id)?, data.get().to_owned())) }
}

/// What the headers say about limits.
pub(super) fn told(headers: &HeaderMap) -> Told {
    Told {
        window_limit: number(headers, "x-ratelimit-limit").and_then(|limit| u32::try_from(limit).ok()),
        window_left: number(headers, "x-ratelimit-remaining").and_then(|left| u32::try_from(left).ok()),
        day_limit: number(headers, "x-daily-ratelimit-token-limit"),
        day_remaining: number(headers, "x-daily-ratelimit-token-remaining"),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The body of a good answer as JSON, or the error that the answer stands for. `doing` names the call.
///
/// # Errors
/// By status: `Unauthorized`, `Capped`, `Blocked`, `RateLimited`, `Gone`, `Refused`; `InDoubt` (writes) or `Unreachable` (reads)
/// when nobody can tell.
pub(super) fn body(answer: &Answer, effect: Effect, doing: &str) -> Result<Map<String, Value>> {
    let json: Option<Map<String, Value>> = serde_json::from_slice(&answer.body).ok();
    let unclear = || unclear(effect, doing);
    match (answer.status, json) {
        (204, _) => Ok(Map::new()),
        (200..=299, Some(json)) if json.get("success") != Some(&Value::Bool(false)) => Ok(json),
        (200..=299, _) => Err(unclear().because("the answer is not what Pipedrive documents")),
        (401, _) => Err(Error::new(Kind::Unauthorized, format!("{doing}: Pipedrive does not accept the token"))),
        (402, _) => Err(Error::new(Kind::Unauthorized, format!("{doing}: the Pipedrive account is not open"))),
        (403, None) => Err(Error::new(Kind::Blocked, format!("{doing}: Pipedrive's gateway blocks this token"))),
        (403, Some(json)) if is_cap(&json) => {
            Err(Error::new(Kind::Capped, format!("{doing}: a limit of the account is reached")).because(words(&json)))
        }
        (429, _) => Err(Error::new(Kind::RateLimited, format!("{doing}: too many requests"))),
        // A gateway gave up waiting; what is behind it may have done the work.
        (408, _) => Err(unclear().because("status 408")),
        (400..=499, json) => {
            let why = json.as_ref().map_or_else(|| format!("status {}", answer.status), words);
            // 410 is listed in the documentation ("HTTP status codes"), 404 is what is usually seen.
            let kind = if matches!(answer.status, 404 | 410) { Kind::Gone } else { Kind::Refused };
            Err(Error::new(kind, format!("{doing}: refused with {}", answer.status)).because(why))
        }
        (status, _) => Err(unclear().because(format!("status {status}"))),
    }
}

/// Nobody can tell whether the call was done.
pub(super) fn unclear(effect: Effect, doing: &str) -> Error {
    match effect {
        Effect::Write => Error::new(Kind::InDoubt, format!("{doing}: the outcome is unknown")),
        Effect::Read => Error::new(Kind::Unreachable, format!("{doing}: no usable answer")),
    }
}

/// Limits of a plan have codes of their own; other limits on numbers of things have none, but say so ("Limits", changelog
/// of 2024-11: "You've reached the activity type per company limit.").
fn is_cap(json: &Map<String, Value>) -> bool {
    let text = json.get("error").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    code(json).starts_with("feature_capping") || (text.contains("limit") && text.contains("reached"))
}

fn code(json: &Map<String, Value>) -> &str {
    json.get("code").and_then(Value::as_str).unwrap_or_default()
}

/// Pipedrive's own words. They name the key that is wrong; values in them are those we sent. Webhooks have them by field
/// (OpenAPI document v1).
fn words(json: &Map<String, Value>) -> String {
    let by_field = json.get("errors").map(Value::to_string);
    let text = json.get("error").and_then(Value::as_str).or(by_field.as_deref()).unwrap_or("no reason given");
    let info = json.get("error_info").and_then(Value::as_str).unwrap_or_default();
    let code = code(json);
    let mut words = text.to_owned();
    if !code.is_empty() {
        words = format!("{words} ({code})");
    }
    if !info.is_empty() && info != "Please check developers.pipedrive.com" {
        words = format!("{words}; {info}");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (reqwest::header::HeaderName::from_static(name), reqwest::header::HeaderValue::from_static(value))
            })
            .collect();
        Answer { status, headers, body: body.into(), took: Duration::ZERO }
    }

    #[test]
    fn both_kinds_of_429_are_told_apart() {
        use TurnedAway as TooMany;
        let check =
            |headers: &[_], body, expected| assert_eq!(turned_away(&answer(429, headers, body)), Some(expected));
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        check(&[], r#"{"error":"request over limit"}"#, TooMany::Window(None));
        check(&[("x-ratelimit-reset", "2")], "", TooMany::Window(seconds(2)));
        check(&[("retry-after", "3939")], "", TooMany::Day(seconds(3939)));
        check(&[], r#"{"error":"daily request budget exceeded"}"#, TooMany::Day(None));
        check(&[("x-daily-ratelimit-token-remaining", "0"), ("retry-after", "5")], "{}", TooMany::Day(seconds(5)));
        assert_eq!(turned_away(&answer(200, &[], "{}")), None);
    }

    #[test]
    fn answers_are_sorted_by_who_must_act() {
        let check = |status, text, effect, expected| {
            let kind = body(&answer(status, &[], text), effect, "POST /v2/deals").err().map(|error| error.kind());
            assert_eq!(kind, expected, "{status} {text}");
        };
        check(201, r#"{"success":true,"data":{"id":1}}"#, Effect::Write, None);
        check(204, "", Effect::Write, None);
        check(200, "<html>", Effect::Write, Some(Kind::InDoubt));
        check(200, r#"{"success":true,"da"#, Effect::Read, Some(Kind::Unreachable));
        check(502, "bad gateway", Effect::Write, Some(Kind::InDoubt));
        check(500, "{}", Effect::Read, Some(Kind::Unreachable));
        check(400, r#"{"success":false,"error":"Validation failed: x"}"#, Effect::Write, Some(Kind::Refused));
        check(404, "gone", Effect::Read, Some(Kind::Gone));
        check(408, "", Effect::Write, Some(Kind::InDoubt));
        check(408, "", Effect::Read, Some(Kind::Unreachable));
        check(410, r#"{"success":false}"#, Effect::Write, Some(Kind::Gone));
        check(403, r#"{"code":"feature_capping_deals_limit"}"#, Effect::Write, Some(Kind::Capped));
        check(403, r#"{"error":"You've reached the limit"}"#, Effect::Write, Some(Kind::Capped));
        check(403, r#"{"error":"Forbidden"}"#, Effect::Write, Some(Kind::Refused));
        check(403, "<html>Access denied</html>", Effect::Write, Some(Kind::Blocked));
        check(401, "", Effect::Write, Some(Kind::Unauthorized));
    }

    /// Everything that can come in, what is done about it, and what people read. `Wait` at the door is done by the
    /// budget and by the access, which tell how long; the other verdicts are the error's own.
    #[test]
    fn every_answer_has_its_verdict_and_its_words() {
        use crate::error::Verdict;
        const V2: &str =
            r#"{"success":false,"error":"Validation failed: title: too long","code":"ERR_SCHEMA_VALIDATION_FAILED"}"#;
        const V1: &str = r#"{"success":false,"error":"Bad request","error_info":"Please check developers.pipedrive.com","data":null,"additional_data":null}"#;
        const DAY: &str = r#"{"success":false,"error":"daily request budget exceeded","errorCode":429}"#;
        const FULL: &str = r#"{"success":false,"error":"Couldn't add the deal. Open deals limit reached.","code":"feature_capping_deals_limit"}"#;
        const TYPES: &str = r#"{"success":false,"error":"Couldn't add activity type. You've reached the activity type per company limit."}"#;
        let verdict = |status, text: &'static str, effect| {
            let answer = answer(status, &[], text);
            match (turned_away(&answer), body(&answer, effect, "POST /v2/deals")) {
                (Some(TurnedAway::Window(_)), _) => ("wait: window", String::new()),
                (Some(TurnedAway::Day(_)), _) => ("wait: day", String::new()),
                (Some(TurnedAway::Access), Err(error)) => ("wait: access", error.chain()),
                (Some(TurnedAway::Blocked), Err(error)) => ("wait: block", error.chain()),
                (Some(away), Ok(_)) => panic!("{away:?} with a good body"),
                (None, Ok(_)) => ("done", String::new()),
                (None, Err(error)) => match error.verdict() {
                    Verdict::Wait(_) => ("wait: retry", error.chain()),
                    Verdict::Settle => ("settle", error.chain()),
                    Verdict::Park => ("park", error.chain()),
                    Verdict::Halt(hint) => ("halt", format!("{}; {hint}", error.chain())),
                },
            }
        };
        let check = |status, text, effect, expected: &str, words: &str| {
            let (done, said) = verdict(status, text, effect);
            assert_eq!(done, expected, "{status} {text}: {said}");
            assert!(said.contains(words), "{status} {text}: {said}");
            assert!(said.is_empty() || said.starts_with("POST /v2/deals: "), "what was tried comes first: {said}");
        };
        use Effect::{Read, Write};
        for status in [200, 201, 202, 299] {
            check(status, r#"{"success":true,"data":{"id":1},"unknown":[]}"#, Write, "done", "");
        }
        check(200, r#"{"success":true,"data":null}"#, Read, "done", "");
        check(204, "", Write, "done", "");
        check(200, r#"{"success":false}"#, Write, "settle", "the outcome is unknown");
        check(200, "<html>", Write, "settle", "not what Pipedrive documents");
        check(200, "<html>", Read, "wait: retry", "no usable answer");
        check(200, r#"{"success":tr"#, Read, "wait: retry", "no usable answer");
        check(301, "", Write, "settle", "status 301");
        check(400, V2, Write, "park", "Validation failed: title: too long (ERR_SCHEMA_VALIDATION_FAILED)");
        check(400, V1, Write, "park", "refused with 400: Bad request");
        check(400, "<html>", Write, "park", "refused with 400: status 400");
        check(401, "", Write, "wait: access", "does not accept the token");
        check(402, "{}", Write, "wait: access", "the Pipedrive account is not open");
        check(403, FULL, Write, "halt", "limit reached. (feature_capping_deals_limit); raise the plan limit");
        check(403, TYPES, Write, "halt", "activity type per company limit");
        check(403, r#"{"success":false,"error":"Scope and URL mismatch"}"#, Write, "park", "Scope and URL mismatch");
        check(403, "<html>Access denied</html>", Read, "wait: block", "gateway blocks this token");
        check(403, "", Write, "wait: block", "gateway blocks this token");
        check(404, V1, Read, "park", "refused with 404");
        check(405, "{}", Write, "park", "no reason given");
        check(408, "", Write, "settle", "status 408");
        check(408, "", Read, "wait: retry", "status 408");
        check(409, "{}", Write, "park", "refused with 409");
        check(410, "{}", Write, "park", "refused with 410");
        check(413, "too large", Write, "park", "refused with 413");
        check(415, "{}", Write, "park", "refused with 415");
        check(422, r#"{"status":"error","success":false,"errors":{"name":["is wrong"]}}"#, Write, "park", "is wrong");
        check(429, "", Write, "wait: window", "");
        check(429, DAY, Write, "wait: day", "");
        for status in [500, 501, 502, 503, 504, 520] {
            check(status, "<html>", Write, "settle", "the outcome is unknown");
            check(status, "{}", Read, "wait: retry", "no usable answer");
        }
    }

    #[test]
    fn a_refusal_quotes_pipedrives_words() {
        let text = r#"{"success":false,"error":"Validation failed: foo: Parameter 'foo' is not allowed","code":"ERR_SCHEMA_VALIDATION_FAILED"}"#;
        let error = body(&answer(400, &[], text), Effect::Write, "POST /v2/deals").expect_err("refused");
        assert!(error.chain().contains("Parameter 'foo'"), "{}", error.chain());
    }
}
