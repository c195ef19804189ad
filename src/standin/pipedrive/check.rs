//! Reading a request's body strictly: every key is taken once, by name and type; what is left over is unknown and refused.
//!
//! All problems of a body are collected and told together, as the real validation does. API v2 wants numbers as numbers
//! and booleans as booleans (migration guide); the checks are the same for both APIs.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::envelope::Refusal;

/// Longest one-line text, in characters (fact sheet 3.3: `varchar`).
pub(super) const LINE_MAX: usize = 255;

/// Longest text of many lines, in characters (fact sheet 3.3: `text`, "65k").
pub(super) const TEXT_MAX: usize = 65_535;

/// Digits before the point of a number (help centre: "numeric fields up to 14 digits").
const INTEGER_DIGITS_MAX: u32 = 14;

/// Decimals that a number keeps (document "Custom fields").
const DECIMALS_MAX: u32 = 16;

/// Whether a body makes a record or changes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Create,
    Update,
}

/// A request's body while it is read.
#[derive(Debug)]
pub(super) struct Body {
    keys: Map<String, Value>,
    problems: Vec<String>,
    /// A refusal that is not about the schema; the first one counts.
    refusal: Option<Refusal>,
    pub(super) purpose: Purpose,
}

impl Body {
    /// Reads the bytes of a JSON object.
    ///
    /// # Errors
    /// 400 when they are none.
    pub(super) fn parse(bytes: &[u8], purpose: Purpose) -> Result<Self, Refusal> {
        match serde_json::from_slice::<Value>(bytes) {
            Ok(Value::Object(keys)) => Ok(Self::new(keys, purpose)),
            _ => Err(Refusal::invalid(&["body: Expected object".to_owned()])),
        }
    }

    /// A body of keys that were read already.
    pub(super) fn new(keys: Map<String, Value>, purpose: Purpose) -> Self {
        Self { keys, problems: Vec::new(), refusal: None, purpose }
    }

    /// True if the key is there and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.get(key).is_some_and(|value| !value.is_null())
    }

    /// The names of all keys not yet taken.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.keys.keys()
    }

    /// Takes a value as it is.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.keys.remove(key)
    }

    /// Notes that a key is wrong, and why.
    pub(super) fn problem(&mut self, key: &str, why: impl AsRef<str>) {
        self.problems.push(format!("{key}: {}", why.as_ref()));
    }

    /// Notes a refusal that is not about the schema.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    /// Notes the problem if a record is being made and the key is missing or null.
    pub(super) fn require(&mut self, key: &str) {
        if self.purpose == Purpose::Create && !self.has(key) {
            self.keys.remove(key);
            self.problem(key, "Required");
        }
    }

    /// Takes a key and reads it; null is a problem. True if the slot was filled.
    pub(super) fn put<T>(&mut self, key: &str, slot: &mut T, read: impl FnOnce(&Value) -> Result<T, String>) -> bool {
        let Some(value) = self.keys.remove(key) else { return false };
        match read(&value) {
            Ok(value) => *slot = value,
            Err(why) => {
                self.problem(key, why);
                return false;
            }
        }
        true
    }

    /// Takes a key and reads it; null empties the slot. True if the key was there and well.
    pub(super) fn put_or_null<T>(
        &mut self,
        key: &str,
        slot: &mut Option<T>,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> bool {
        self.put(key, slot, |value| if value.is_null() { Ok(None) } else { read(value).map(Some) })
    }

    /// Ends the reading, with `lenient` unknown keys are passed over.
    ///
    /// # Errors
    /// 400 with every problem; or the refusal that was noted.
    pub(super) fn finish(mut self, lenient: bool) -> Result<(), Refusal> {
        if !lenient {
            for key in std::mem::take(&mut self.keys).keys() {
                self.problem(key, format!("Parameter '{key}' is not allowed for this request"));
            }
        }
        if !self.problems.is_empty() {
            return Err(Refusal::invalid(&self.problems));
        }
        self.refusal.map_or(Ok(()), Err)
    }
}

/// What a value is, in the words of the validation.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The problem of a wrong type.
pub(super) fn expected(what: &str, value: &Value) -> String {
    format!("Expected {what}, received {}", kind(value))
}

/// Text, trimmed, not empty, of at most `max` characters.
pub(super) fn text(max: usize) -> impl Fn(&Value) -> Result<String, String> {
    move |value| {
        let text = any_text(max)(value)?;
        if text.is_empty() { Err("String must contain at least 1 character(s)".to_owned()) } else { Ok(text) }
    }
}

/// Text, trimmed, of at most `max` characters.
pub(super) fn any_text(max: usize) -> impl Fn(&Value) -> Result<String, String> {
    move |value| {
        let Value::String(text) = value else { return Err(expected("string", value)) };
        let text = text.trim();
        // Bytes are at least as many as characters, so most texts need no count.
        if text.len() > max && text.chars().count() > max {
            return Err(format!("String must contain at most {max} character(s)"));
        }
        Ok(text.to_owned())
    }
}

/// True or false, as JSON has them.
pub(super) fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| expected("boolean", value))
}

/// 0 or 1, as v1 writes flags.
pub(super) fn bit(value: &Value) -> Result<bool, String> {
    match value.as_u64() {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => Err("Expected 0 or 1".to_owned()),
    }
}

/// A whole number within bounds.
pub(super) fn whole(least: u64, most: u64) -> impl Fn(&Value) -> Result<u64, String> {
    move |value| {
        let Value::Number(number) = value else { return Err(expected("number", value)) };
        match number.as_u64() {
            Some(whole) if (least..=most).contains(&whole) => Ok(whole),
            _ => Err(format!("Expected integer from {least} to {most}")),
        }
    }
}

/// The id of a record for which `exists` holds.
pub(super) fn link(what: &str, exists: impl Fn(u64) -> bool) -> impl Fn(&Value) -> Result<u64, String> {
    move |value| {
        let id = whole(1, u64::MAX)(value)?;
        if exists(id) { Ok(id) } else { Err(format!("{what} {id} does not exist")) }
    }
}

/// A list, each item read by `read`.
pub(super) fn list<T>(read: impl Fn(&Value) -> Result<T, String>) -> impl Fn(&Value) -> Result<Vec<T>, String> {
    move |value| {
        let Value::Array(items) = value else { return Err(expected("array", value)) };
        items.iter().map(&read).collect()
    }
}

/// One of a few fixed texts.
pub(super) fn one_of(allowed: &'static [&'static str]) -> impl Fn(&Value) -> Result<&'static str, String> {
    move |value| {
        let Value::String(text) = value else { return Err(expected("string", value)) };
        let found = allowed.iter().find(|one| *one == text).copied();
        found.ok_or_else(|| format!("Invalid value '{text}'. Expected {}", allowed.join(" | ")))
    }
}

/// A number as Pipedrive keeps it: at most 14 digits before the point, rounded to 16 behind it.
pub(super) fn number(value: &Value) -> Result<Decimal, String> {
    let Value::Number(number) = value else { return Err(expected("number", value)) };
    let number = decimal(number).ok_or("Number is out of range")?;
    if number.trunc().abs() >= Decimal::from(10_u64.pow(INTEGER_DIGITS_MAX)) {
        return Err(format!("Number must have at most {INTEGER_DIGITS_MAX} digits"));
    }
    Ok(round(number, DECIMALS_MAX))
}

/// Rounds half away from zero and drops zeros at the end.
pub(super) fn round(number: Decimal, decimals: u32) -> Decimal {
    number.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero).normalize()
}

/// The exact value of a JSON number; `None` beyond 28 digits before the point.
fn decimal(number: &Number) -> Option<Decimal> {
    let text = number.as_str();
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { text.parse().ok() }
}

/// RFC 3339 with a zone and whole seconds, as v2 wants it (seen on live accounts: a fraction is refused).
pub(super) fn instant(value: &Value) -> Result<Timestamp, String> {
    let Value::String(text) = value else { return Err(expected("string", value)) };
    instant_text(text).ok_or_else(|| format!("Invalid datetime '{text}'. Expected RFC 3339 with whole seconds"))
}

/// The same from text.
pub(super) fn instant_text(text: &str) -> Option<Timestamp> {
    let plain = text.len() >= 20 && text.as_bytes()[10] == b'T' && !text.contains(['.', ',', '[']);
    plain.then(|| text.parse().ok()).flatten()
}

/// "YYYY-MM-DD HH:MM:SS", always UTC, as v1 has it (document "Date format").
pub(super) fn v1_instant(value: &Value) -> Result<Timestamp, String> {
    let Value::String(text) = value else { return Err(expected("string", value)) };
    v1_instant_text(text).ok_or_else(|| format!("Invalid datetime '{text}'. Expected YYYY-MM-DD HH:MM:SS"))
}

/// The same from text.
pub(super) fn v1_instant_text(text: &str) -> Option<Timestamp> {
    let plain = text.len() == 19 && text.as_bytes()[10] == b' ';
    let local: DateTime = plain.then(|| text.parse().ok()).flatten()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// An instant as v1 writes it.
pub(super) fn v1_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// "YYYY-MM-DD".
pub(super) fn day(value: &Value) -> Result<Date, String> {
    let Value::String(text) = value else { return Err(expected("string", value)) };
    let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
    date.ok_or_else(|| format!("Invalid date '{text}'. Expected YYYY-MM-DD"))
}

/// "HH:MM" or "HH:MM:SS", a time of day.
pub(super) fn time_of_day(value: &Value) -> Result<Time, String> {
    let Value::String(text) = value else { return Err(expected("string", value)) };
    let time = matches!(text.len(), 5 | 8).then(|| text.parse().ok()).flatten();
    time.ok_or_else(|| format!("Invalid time '{text}'. Expected HH:MM or HH:MM:SS"))
}

/// A UUID with hyphens.
pub(super) fn uuid(value: &Value) -> Result<Uuid, String> {
    let Value::String(text) = value else { return Err(expected("string", value)) };
    let id = (text.len() == 36).then(|| Uuid::parse_str(text).ok()).flatten();
    id.ok_or_else(|| format!("Invalid uuid '{text}'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check<T: std::fmt::Debug + ToString>(read: Result<T, String>, expected: Option<&str>) {
        assert_eq!(read.as_ref().ok().map(ToString::to_string).as_deref(), expected, "{read:?}");
    }

    #[test]
    fn types_are_strict() {
        check(text(5)(&json!("  Acme ")), Some("Acme"));
        check(text(3)(&json!("Acme")), None);
        check(text(4)(&json!("Ärme")), Some("Ärme"));
        check(text(5)(&json!("  ")), None);
        check(text(5)(&json!(12)), None);
        check(flag(&json!(true)), Some("true"));
        check(flag(&json!(1)), None);
        check(whole(0, 100)(&json!(100)), Some("100"));
        check(whole(0, 100)(&json!(100.5)), None);
        check(whole(0, 100)(&json!("7")), None);
        check(link("Person", |id| id == 7)(&json!(8)), None);
        check(bit(&json!(1)), Some("true"));
        check(bit(&json!(true)), None);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let read = |text: &str| number(&serde_json::from_str(text).expect("JSON"));
        check(read("1250.10"), Some("1250.1"));
        check(read("1e3"), Some("1000"));
        check(read("-0.12345678901234567"), Some("-0.1234567890123457"));
        check(read("99999999999999.5"), Some("99999999999999.5"));
        check(read("100000000000000"), None);
        check(read("\"5\""), None);
    }

    #[test]
    fn times_are_whole_and_have_one_form() {
        check(instant(&json!("2019-03-04T09:00:00Z")), Some("2019-03-04T09:00:00Z"));
        check(instant(&json!("2019-03-04T09:00:00+02:00")), Some("2019-03-04T07:00:00Z"));
        check(instant(&json!("2019-03-04T09:00:00.5Z")), None);
        check(instant(&json!("2019-03-04 09:00:00")), None);
        check(v1_instant(&json!("2019-03-04 09:00:00")), Some("2019-03-04T09:00:00Z"));
        check(v1_instant(&json!("2019-03-04T09:00:00Z")), None);
        check(day(&json!("2024-02-29")), Some("2024-02-29"));
        check(day(&json!("2023-02-29")), None);
        check(day(&json!("2023-02-20T00:00:00Z")), None);
        check(time_of_day(&json!("09:30")), Some("09:30:00"));
        check(time_of_day(&json!("25:30")), None);
    }

    #[test]
    fn all_problems_are_told_together() {
        let mut body = Body::parse(br#"{"a":1,"b":2}"#, Purpose::Create).expect("an object");
        body.require("name");
        body.put("a", &mut String::new(), text(9));
        let refusal = body.finish(false).expect_err("three problems");
        assert_eq!(
            refusal.error,
            "Validation failed: name: Required; a: Expected string, received number; \
             b: Parameter 'b' is not allowed for this request"
        );
    }
}
