//! Dates and numbers in a format that the mapping names, rewritten so that the readers of dates and numbers take them
//! without doubt.

use std::borrow::Cow;

use jiff::fmt::strtime::{self, BrokenDownTime};

use super::{Unreadable, code, is_absent};
use crate::mapping::defaults::DecimalSign;
use crate::mapping::shape::Format;

/// The text as ISO 8601 or as a number with the account's decimal sign and no grouping. What says "nothing" stays.
///
/// # Errors
/// `invalid_date` or `invalid_number` when the text is not in the format.
pub fn canonical<'t>(format: &Format, text: &'t str, sign: DecimalSign) -> Result<Cow<'t, str>, Unreadable> {
    if is_absent(text) {
        return Ok(Cow::Borrowed(text));
    }
    match format {
        Format::Moment(written) => strtime::parse(written, text.trim())
            .ok()
            .and_then(|moment| iso(&moment))
            .map(Cow::Owned)
            .ok_or_else(|| Unreadable::new(code::INVALID_DATE, text, format!("is not in the format {written}"))),
        Format::Number { decimal, grouping } => plain_number(text, *decimal, *grouping, sign)
            .map(Cow::Owned)
            .ok_or_else(|| Unreadable::new(code::INVALID_NUMBER, text, "is not in the format of the mapping")),
    }
}

/// The most exact text that the parts allow: an instant, a day with its time, a day, a time.
fn iso(moment: &BrokenDownTime) -> Option<String> {
    if moment.offset().is_some() {
        return moment.to_timestamp().ok().map(|instant| instant.to_string());
    }
    match (moment.to_date().ok(), moment.hour().is_some()) {
        (Some(day), false) => Some(day.to_string()),
        (Some(day), true) => Some(day.to_datetime(moment.to_time().ok()?).to_string()),
        // A day that does not exist is no time of day.
        (None, true) if moment.day().is_none() => moment.to_time().ok().map(|time| time.to_string()),
        (None, _) => None,
    }
}

/// The number in a text, which may have a currency or a percent sign around it.
fn plain_number(text: &str, decimal: char, grouping: Option<char>, sign: DecimalSign) -> Option<String> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let (start, end) = (text.find(is_digit)?, text.rfind(is_digit)? + 1);
    let written = text[start..end].replace(['\u{a0}', '\u{202f}'], " ");
    let (whole, fraction) = match written.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (written.as_str(), None),
    };
    if fraction.is_some_and(|digits| !digits.chars().all(is_digit)) {
        return None;
    }
    let groups: Vec<&str> = match grouping {
        Some(mark) => whole.split(mark).collect(),
        None => vec![whole],
    };
    let is_number = |digits: &&str| !digits.is_empty() && digits.chars().all(is_digit);
    let fits = groups.iter().all(is_number)
        && (groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3)));
    if !fits {
        return None;
    }
    let mut number = groups.concat();
    if let Some(fraction) = fraction {
        number.push(char::from(sign.byte()));
        number.push_str(fraction);
    }
    Some(format!("{}{number}{}", &text[..start], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::field::Kind;

    #[track_caller]
    fn check(format: &str, kind: Kind, text: &str, expected: Option<&str>) {
        let format = Format::parse(format, kind).expect("a format");
        let read = canonical(&format, text, DecimalSign::Point).ok();
        assert_eq!(read.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn dates_become_iso() {
        check("%d.%m.%Y", Kind::Date, "05.03.2024", Some("2024-03-05"));
        check("%d.%m.%Y", Kind::Date, " 5.3.2024 ", Some("2024-03-05"));
        check("%d.%m.%Y", Kind::Date, "2024-03-05", None);
        check("%d.%m.%Y", Kind::Date, "31.02.2024", None);
        check("%d.%m.%Y", Kind::Date, "n/a", Some("n/a"));
        check("%d.%m.%y %H:%M", Kind::Datetime, "05.03.24 14:05", Some("2024-03-05T14:05:00"));
        check("%Y-%m-%d %H:%M %z", Kind::Datetime, "2024-03-05 14:05 +0100", Some("2024-03-05T13:05:00Z"));
        check("%I:%M %p", Kind::Time, "02:05 PM", Some("14:05:00"));
    }

    #[test]
    fn numbers_lose_their_marks() {
        check("1.234,56", Kind::Money, "1.250", Some("1250"));
        check("1.234,56", Kind::Money, "€ 1.234.567,8", Some("€ 1234567.8"));
        check("1.234,56", Kind::Money, "-12,5 EUR", Some("-12.5 EUR"));
        check("1.234,56", Kind::Money, "1,234.56", None);
        check("1.234,56", Kind::Money, "12.34", None);
        check("1 234,56", Kind::Number, "12\u{a0}345,5", Some("12345.5"));
        check("1234,56", Kind::Number, "1234,5", Some("1234.5"));
        check("1234,56", Kind::Number, "1.234,5", None);
        check("1,234.56", Kind::Number, "TBD", None);
    }
}
