//! How long a source asks us to wait, in all the forms that are seen (source API shapes, section 6).
//!
//! One header has several meanings: below a million it is seconds, about 1.7×10⁹ it is a time in seconds, a thousand times
//! that in milliseconds, and with letters in it an instant. Some sources say it only in the text of the error.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::source::profile::Limits;

/// The longest wait that may be asked of us; a longer one is a mistake of the far end.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Headers that say when a limit ends, the most exact ones first.
const HEADERS: &[&str] = &[
    "x-retry-after",
    "x-ratelimit-retry-after",
    "x-rate-limit-retry-after",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "ratelimit-reset",
    "x-ratelimit-minutely-reset",
];

/// Headers that say what is left.
const REMAINING: &[&str] = &["x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining"];

/// Headers that say what there is in all.
const LIMIT: &[&str] = &["x-ratelimit-limit", "x-rate-limit-limit", "ratelimit-limit"];

/// Below this share of what there is, the pace is halved.
const LOW_PERCENT: u64 = 20;

/// How long the source asks us to wait, if it does.
pub(in crate::source) fn wait(headers: &HeaderMap, body: &[u8], limits: &Limits, now: Timestamp) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let found = header(RETRY_AFTER.as_str())
        .and_then(|text| from_text(text, now))
        .or_else(|| limits.wait_header.as_deref().and_then(header).and_then(|text| from_text(text, now)))
        .or_else(|| HEADERS.iter().find_map(|name| from_text(header(name)?, now)))
        .or_else(|| from_sentence(body))?;
    Some(found.min(WAIT_MAX))
}

/// Whether little is left of what the source allows.
pub(in crate::source) fn is_low(headers: &HeaderMap) -> bool {
    let number =
        |names: &[&str]| names.iter().find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse::<u64>().ok());
    match (number(REMAINING), number(LIMIT)) {
        (Some(left), Some(all)) => all > 0 && left * 100 < all * LOW_PERCENT,
        _ => false,
    }
}

/// Seconds, a time since 1970 in seconds or milliseconds, or an instant.
fn from_text(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        if !number.is_finite() || number < 0.0 {
            return None;
        }
        let until = |at: Timestamp| Some(Duration::try_from(at.duration_since(now)).unwrap_or_default());
        return match number {
            seconds if seconds < 1e6 => Some(Duration::from_secs_f64(seconds)),
            seconds if seconds < 1e11 => until(Timestamp::from_second(seconds as i64).ok()?),
            milliseconds => until(Timestamp::from_millisecond(milliseconds as i64).ok()?),
        };
    }
    let at = rfc2822::parse(text).ok().map(|time| time.timestamp()).or_else(|| text.parse::<Timestamp>().ok())?;
    // An instant that has passed asks for no wait at all.
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

/// The first number in the text of an error that a unit of time follows: "try again in 30 seconds".
fn from_sentence(body: &[u8]) -> Option<Duration> {
    /// Errors are short; what is longer is a page.
    const TEXT_MAX: usize = 2_000;
    let text = std::str::from_utf8(body.get(..body.len().min(TEXT_MAX))?).ok()?.to_lowercase();
    if !["limit", "many", "throttl", "retry", "again", "quota", "slow"].iter().any(|word| text.contains(word)) {
        return None;
    }
    let words = text.split(|sign: char| !sign.is_alphanumeric() && sign != '.');
    let mut words = words.map(|word| word.trim_end_matches('.')).filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        let digits = word.trim_end_matches(|sign: char| sign.is_alphabetic());
        let Ok(number) = digits.parse::<f64>() else { continue };
        let unit = match &word[digits.len()..] {
            "" => words.peek().copied().unwrap_or_default(),
            unit => unit,
        };
        let seconds = match unit {
            "ms" | "milliseconds" | "millisecond" => number / 1000.0,
            "s" | "sec" | "secs" | "second" | "seconds" => number,
            "m" | "min" | "mins" | "minute" | "minutes" => number * 60.0,
            "h" | "hour" | "hours" => number * 3600.0,
            _ => continue,
        };
        return Duration::try_from_secs_f64(seconds).ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const NOW: &str = "2026-01-05T00:00:00Z";

    fn check(headers: &[(&'static str, &str)], body: &str, seconds: Option<u64>) {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header")));
        let now: Timestamp = NOW.parse().expect("a valid instant");
        let limits = Limits { wait_header: Some("x-acme-wait".to_owned()), ..Limits::default() };
        let waits = wait(&pairs.collect(), body.as_bytes(), &limits, now);
        assert_eq!(waits, seconds.map(Duration::from_secs), "{headers:?} {body}");
    }

    #[test]
    fn every_form_of_a_hint_is_read() {
        check(&[("retry-after", "30")], "", Some(30));
        check(&[("retry-after", "Mon, 05 Jan 2026 00:01:00 GMT")], "", Some(60));
        check(&[("retry-after", "Sun, 04 Jan 2026 00:01:00 GMT")], "", Some(0));
        check(&[("retry-after", "999999")], "", Some(24 * 3600));
        check(&[("retry-after", "soon")], "", None);
        check(&[("x-ratelimit-reset", "45")], "", Some(45));
        check(&[("x-ratelimit-reset", "1767571260")], "", Some(60));
        check(&[("x-ratelimit-reset", "1767571260000")], "", Some(60));
        check(&[("ratelimit-reset", "2026-01-05T00:02:00Z")], "", Some(120));
        check(&[("x-acme-wait", "7")], "", Some(7));
        check(&[("retry-after", "5"), ("x-ratelimit-reset", "45")], "", Some(5));
        check(&[], r#"{"error":"Rate limit exceeded. Try again in 30 seconds."}"#, Some(30));
        check(&[], r#"{"message":"too many requests, retry in 2 minutes"}"#, Some(120));
        check(&[], "slow down: 3000ms", Some(3));
        check(&[], r#"{"error":"in 30 seconds"}"#, None);
        check(&[], "", None);
    }
}
