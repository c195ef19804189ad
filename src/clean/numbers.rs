//! Numbers as people and spreadsheets write them.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::{Cleaned, Outcome, Unreadable, code};
use crate::mapping::defaults::DecimalSign;

/// Pipedrive's numeric fields keep at most 14 digits before the decimal sign (`pipedrive-api.md`,
/// section 3.3, from the help centre).
const WHOLE_DIGITS_MAX: usize = 14;

/// A number, or nothing. Digit groups, a leading or trailing sign, parentheses for negative numbers, exponents.
///
/// # Errors
/// Anything else, and numbers with more digits than Pipedrive keeps.
pub fn number(text: &str, sign: DecimalSign) -> Outcome<Option<Decimal>> {
    if super::is_absent(text) {
        return Ok(Cleaned::plain(None));
    }
    match decimal(text, sign) {
        Ok(number) => Ok(Cleaned::plain(Some(number))),
        Err(reason) => Err(Unreadable::new(code::INVALID_NUMBER, text, reason)),
    }
}

/// A share in percent: `10%`, `10` and `0.1` are all 10.
///
/// Without a percent sign a number between -1 and 1 is a fraction; exactly 1 stays 1 %.
///
/// # Errors
/// As [`number`].
pub fn percent(text: &str, sign: DecimalSign) -> Outcome<Option<Decimal>> {
    let trimmed = text.trim();
    let bare = trimmed.strip_suffix('%').map(str::trim_end);
    let cleaned =
        number(bare.unwrap_or(trimmed), sign).map_err(|error| Unreadable::new(error.code, text, error.reason))?;
    Ok(cleaned.map(|share| {
        share.map(|share| {
            let is_fraction = bare.is_none() && share.abs() < Decimal::ONE;
            let percent = if is_fraction { share.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(share) } else { share };
            percent.normalize()
        })
    }))
}

/// The number a text spells, or the reason why it spells none.
pub(super) fn decimal(text: &str, sign: DecimalSign) -> Result<Decimal, &'static str> {
    let (negative, digits) = signed(text.trim())?;
    let number = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Decimal::from_str(digits).map_err(|_| NOT_A_NUMBER)
    } else if digits.contains(['e', 'E']) {
        Decimal::from_scientific(digits).map_err(|_| NOT_A_NUMBER)
    } else {
        grouped(digits, sign)
    }?;
    if number.trunc().abs().mantissa().checked_ilog10().is_some_and(|digits| digits as usize >= WHOLE_DIGITS_MAX) {
        return Err("has more than 14 digits before the decimal sign, the most that Pipedrive keeps");
    }
    Ok(if negative { -number } else { number })
}

const NOT_A_NUMBER: &str = "is not a number";

/// Splits off the sign: `-1`, `1-`, `(1)`, `+1`, and the typographic minus.
fn signed(text: &str) -> Result<(bool, &str), &'static str> {
    let is_minus = |character: char| matches!(character, '-' | '−' | '–');
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let (mut negative, mut digits) = (inner.is_some(), inner.unwrap_or(text).trim());
    if let Some(rest) = digits.strip_prefix(is_minus).or_else(|| digits.strip_suffix(is_minus)) {
        // A minus within parentheses says "negative" twice, as some ledgers print it.
        negative = true;
        digits = rest.trim();
    } else if let Some(rest) = digits.strip_prefix('+') {
        digits = rest.trim();
    }
    let starts_well =
        digits.starts_with(|character: char| character.is_ascii_digit() || matches!(character, '.' | ','));
    if starts_well { Ok((negative, digits)) } else { Err(NOT_A_NUMBER) }
}

/// Reads `1,250.00`, `1.250,00`, `1 250`, `1'250.5`: the last of two different marks is the decimal sign; a single mark
/// before exactly three digits is whatever `sign` says.
fn grouped(digits: &str, sign: DecimalSign) -> Result<Decimal, &'static str> {
    let decimal_at = decimal_position(digits, sign)?;
    let (whole, fraction) = match decimal_at {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, ""),
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NOT_A_NUMBER);
    }
    let mut plain = String::with_capacity(digits.len() + 1);
    for (position, group) in whole.split(['.', ',', ' ', '\'', '’', '\u{a0}', '\u{202f}']).enumerate() {
        let has_digits = group.bytes().all(|byte| byte.is_ascii_digit());
        if !has_digits
            || (position > 0 && group.len() != 3)
            || (position == 0 && group.len() > 3 && whole.len() > group.len())
        {
            return Err(NOT_A_NUMBER);
        }
        plain.push_str(group);
    }
    if plain.is_empty() && fraction.is_empty() {
        return Err(NOT_A_NUMBER);
    }
    if plain.is_empty() {
        plain.push('0');
    }
    if !fraction.is_empty() {
        plain.push('.');
        plain.push_str(fraction);
    }
    Decimal::from_str_exact(&plain).map_err(|_| "has more digits than can be kept exactly")
}

/// The byte position of the decimal sign, which is a point or a comma, each one byte long.
fn decimal_position(digits: &str, sign: DecimalSign) -> Result<Option<usize>, &'static str> {
    let points = digits.matches('.').count();
    let commas = digits.matches(',').count();
    let last = digits.rfind(['.', ',']);
    match (points, commas, last) {
        (_, _, None) => Ok(None),
        (0, 1, Some(at)) | (1, 0, Some(at)) => {
            let after = digits.len() - at - 1;
            let is_own_sign = digits.as_bytes()[at] == sign.byte();
            let could_group = after == 3 && (1..=3).contains(&at) && !digits.starts_with('0');
            Ok((is_own_sign || !could_group).then_some(at))
        }
        (0, _, _) | (_, 0, _) => Ok(None),
        (1, _, Some(at)) if digits.as_bytes()[at] == b'.' => Ok(Some(at)),
        (_, 1, Some(at)) if digits.as_bytes()[at] == b',' => Ok(Some(at)),
        _ => Err(NOT_A_NUMBER),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, sign: DecimalSign, expected: Option<&str>) {
        let read = decimal(text, sign).ok().map(|number| number.to_string());
        assert_eq!(read.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("1250", "1250"),
            ("1,250.00", "1250.00"),
            ("1.250,00", "1250.00"),
            ("1,250", "1250"),
            ("1.250", "1.250"),
            ("0,5", "0.5"),
            ("0,125", "0.125"),
            (".5", "0.5"),
            ("1250,5", "1250.5"),
            ("12,345,678", "12345678"),
            ("1 250", "1250"),
            ("1'250.5", "1250.5"),
            ("(120.50)", "-120.50"),
            ("-120.50", "-120.50"),
            ("120.50-", "-120.50"),
            ("−3", "-3"),
            ("+3", "3"),
            ("1.25e3", "1250"),
        ] {
            check(text, DecimalSign::Point, Some(expected));
        }
        check("1.250", DecimalSign::Comma, Some("1250"));
        check("1,250", DecimalSign::Comma, Some("1.250"));
        for text in
            ["", "TBD", "1,25,0", "1.2.3,4,5", "12 34", "--1", "1250 USD", "e5", "1e99", ",", ".", "()", "1,2345,678"]
        {
            check(text, DecimalSign::Point, None);
        }
        check("123456789012345", DecimalSign::Point, None);
        check("12345678901234.55", DecimalSign::Point, Some("12345678901234.55"));
    }

    #[test]
    fn percents() {
        for (text, expected) in
            [("40%", "40"), ("40", "40"), ("0.4", "40"), ("12.5", "12.5"), ("0.5 %", "0.5"), ("1", "1"), ("0", "0")]
        {
            let read = percent(text, DecimalSign::Point).map(|cleaned| cleaned.value.map(|share| share.to_string()));
            assert_eq!(read, Ok(Some(expected.to_owned())), "{text:?}");
        }
        assert_eq!(percent("", DecimalSign::Point).map(|cleaned| cleaned.value), Ok(None));
        assert!(percent("lots", DecimalSign::Point).is_err());
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn never_panic_and_read_back(text in "\\PC{0,24}|[-+(]?[0-9., ']{0,30}[e0-9)%-]{0,4}") {
            percent(&text, DecimalSign::Comma).ok();
            if let Ok(Some(number)) = number(&text, DecimalSign::Point).map(|cleaned| cleaned.value) {
                // A decimal's own text has a point, and three digits after it must not read as a group.
                prop_assert_eq!(decimal(&number.to_string(), DecimalSign::Point), Ok(number));
            }
        }
    }
}
