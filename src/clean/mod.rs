//! Pure functions that turn the values a source holds into values Pipedrive keeps.
//!
//! No I/O, no mapping decisions, no panic on any input. A function answers with the cleaned value and what it noticed on
//! the way, or with [`Unreadable`]: the value as written and the reason in words. What a value must become is decided by
//! the mapping; here is only how.

pub mod address;
pub mod choices;
pub mod dates;
pub mod emails;
pub mod existing;
pub mod formats;
pub mod html;
pub mod identity;
pub mod keys;
mod moment;
pub mod money;
pub mod names;
pub mod numbers;
pub mod phones;
pub mod text;

use std::fmt;

use crate::record::Finding;

/// The fixed codes of findings that cleaning and normalizing make. Reports group by them.
pub mod code {
    /// Control characters were removed.
    pub const CONTROL_CHARACTERS: &str = "control_characters";
    /// The text looks like UTF-8 read in a wrong encoding. It is kept as it is.
    pub const MOJIBAKE: &str = "mojibake";
    /// "Last, First" was turned round.
    pub const NAME_REORDERED: &str = "name_reordered";
    /// A piece of an e-mail cell is no address and was dropped.
    pub const INVALID_EMAIL: &str = "invalid_email";
    /// An address that stands for "none" was dropped.
    pub const DUMMY_EMAIL: &str = "dummy_email";
    /// A phone number is not valid for its country and was kept as written.
    pub const INVALID_PHONE: &str = "invalid_phone";
    /// A second number was written as its last digits only and was completed from the first.
    pub const PHONE_COMPLETED: &str = "phone_completed";
    /// The day proves an order other than the one in the mapping.
    pub const DAY_ORDER: &str = "day_order";
    /// 1970-01-01: perhaps an empty date. It is kept.
    pub const SUSPECT_DATE: &str = "suspect_date";
    /// A date that cannot be read.
    pub const INVALID_DATE: &str = "invalid_date";
    /// A time of day that cannot be read.
    pub const INVALID_TIME: &str = "invalid_time";
    /// A number that cannot be read.
    pub const INVALID_NUMBER: &str = "invalid_number";
    /// An amount that cannot be read.
    pub const INVALID_MONEY: &str = "invalid_money";
    /// A currency that is not known; the default was used.
    pub const UNKNOWN_CURRENCY: &str = "unknown_currency";
    /// The amount and the currency column name different currencies.
    pub const CURRENCY_CONFLICT: &str = "currency_conflict";
    /// Neither yes nor no.
    pub const INVALID_BOOL: &str = "invalid_bool";
    /// A script or a style was taken out of HTML.
    pub const SCRIPT_REMOVED: &str = "script_removed";
    /// An image that was not a plain web address was taken out of HTML.
    pub const IMAGE_REMOVED: &str = "image_removed";
    /// HTML had been escaped once more than needed.
    pub const HTML_UNESCAPED: &str = "html_unescaped";
    /// The value is longer than Pipedrive keeps and was dropped.
    pub const TOO_LONG: &str = "too_long";
    /// The value is longer than Pipedrive keeps and was cut, as the mapping says.
    pub const CUT: &str = "cut";
    /// The mapping lists the values of this column, and this one is not among them.
    pub const UNKNOWN_VALUE: &str = "unknown_value";
    /// The pipeline in the mapping has no such stage; the fallback was used.
    pub const UNKNOWN_STAGE: &str = "unknown_stage";
    /// A folded record holds a value that cannot be read, so the whole was left out.
    pub const FOLD_INCOMPLETE: &str = "fold_incomplete";
    /// A required value is missing.
    pub const MISSING: &str = "missing";
}

/// A value and what was noticed while cleaning it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleaned<T> {
    /// The value.
    pub value: T,
    /// What was noticed; mostly empty.
    pub notes: Vec<Note>,
}

impl<T> Cleaned<T> {
    /// A value about which there is nothing to say.
    pub fn plain(value: T) -> Self {
        Self { value, notes: Vec::new() }
    }

    /// Keeps the notes, changes the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Cleaned<U> {
        Cleaned { value: change(self.value), notes: self.notes }
    }

    /// Moves the notes to `notes` and gives the value.
    pub fn into_value(self, notes: &mut Vec<Note>) -> T {
        notes.extend(self.notes);
        self.value
    }
}

/// One thing noticed about a value; the caller knows the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// One of [`code`], or a code that the mapping gives.
    pub code: String,
    /// What was found and what was done about it, in words.
    pub detail: String,
}

impl Note {
    /// A note.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }

    /// The finding about a source field.
    #[must_use]
    pub fn into_finding(self, field: &str) -> Finding {
        Finding::new(self.code, field, self.detail)
    }
}

/// A value that cannot be read as what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// One of [`code`].
    pub code: &'static str,
    /// The value as written, at most [`SHOWN_CHARS`] characters of it.
    pub value: String,
    /// Why, as the end of the sentence "VALUE …".
    pub reason: String,
}

/// How much of a bad value a message shows: enough to recognise it, too little to fill a report.
pub const SHOWN_CHARS: usize = 120;

impl Unreadable {
    /// Says why a value cannot be read.
    pub fn new(code: &'static str, value: &str, reason: impl Into<String>) -> Self {
        Self { code, value: shown(value), reason: reason.into() }
    }

    /// The finding about a source field whose value was left out.
    #[must_use]
    pub fn into_finding(self, field: &str) -> Finding {
        let detail = format!("{self}; the value was left out");
        Finding::new(self.code, field, detail)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.value, self.reason)
    }
}

/// What a cleaning function answers.
pub type Outcome<T> = Result<Cleaned<T>, Unreadable>;

/// The start of a value, for a message.
#[must_use]
pub fn shown(value: &str) -> String {
    match value.char_indices().nth(SHOWN_CHARS) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

/// Whether a date, number, amount, address or yes/no cell says "nothing": empty, `N/A`, a dash, `null`.
///
/// Not for free text and option lists, where such a word may be meant.
#[must_use]
pub fn is_absent(text: &str) -> bool {
    const WORDS: &[&str] =
        &["n/a", "na", "null", "none", "nil", "-", "--", "—", "#n/a", "(none)", "(null)", "undefined"];
    let text = text.trim();
    text.is_empty() || (text.len() <= 9 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

/// Settings of property tests: always the same cases, nothing written to disk.
#[cfg(test)]
pub(crate) fn fixed_cases(cases: u32) -> proptest::prelude::ProptestConfig {
    use proptest::test_runner::{Config, RngSeed};
    Config { cases, rng_seed: RngSeed::Fixed(0xC0FFEE), failure_persistence: None, ..Config::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing() {
        for text in ["", "  ", "N/A", "n/a", "NULL", "-", "—", " None "] {
            assert!(is_absent(text), "{text:?}");
        }
        for text in ["0", "no", "nano", "--1"] {
            assert!(!is_absent(text), "{text:?}");
        }
    }

    #[test]
    fn long_values_are_shown_in_part() {
        let shown = shown(&"é".repeat(500));
        assert_eq!(shown.chars().count(), SHOWN_CHARS + 1);
    }

    #[test]
    fn an_unreadable_value_names_field_value_and_reason() {
        let finding = Unreadable::new(code::INVALID_MONEY, "TBD", "is not an amount").into_finding("value");
        assert_eq!(finding, Finding::new("invalid_money", "value", "\"TBD\" is not an amount; the value was left out"));
    }
}
