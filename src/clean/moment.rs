//! Reads what a text says about time: a day, a day and a time of day, or an instant.
//!
//! Only the reading; what is made of it is in [`super::dates`].

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::{Cleaned, Note, Outcome, Unreadable, code};
use crate::mapping::defaults::{DayOrder, Defaults};

/// What a text says about time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Moment {
    /// A day.
    Day(Date),
    /// A day and a time of day, in the account's zone.
    Local(DateTime),
    /// An instant.
    Instant(Timestamp),
}

/// The moment a text names; nothing for an empty cell or a date of zeros.
pub(super) fn moment(text: &str, defaults: &Defaults) -> Outcome<Option<Moment>> {
    let bare = text.trim().trim_start_matches('\'').trim_start();
    if super::is_absent(bare) || is_zero_date(bare) {
        return Ok(Cleaned::plain(None));
    }
    let mut notes = Vec::new();
    // Longer than any date in words, and short enough to read many of.
    let read = if bare.len() > 64 {
        None
    } else {
        from_digits(bare).or_else(|| from_parts(bare, defaults.day_order, &mut notes))
    };
    let moment = read.ok_or_else(|| Unreadable::new(code::INVALID_DATE, text, "is not a date"))?;
    let day = match moment {
        Moment::Day(day) => day,
        Moment::Local(local) => local.date(),
        Moment::Instant(instant) => Offset::UTC.to_datetime(instant).date(),
    };
    if day == jiff::civil::date(1970, 1, 1) {
        notes.push(Note::new(code::SUSPECT_DATE, "1970-01-01 is often an empty date; kept as it is"));
    }
    Ok(Cleaned { value: Some(moment), notes })
}

/// `0`, `0000-00-00`, `00/00/0000 00:00:00`: all digits are zero.
fn is_zero_date(text: &str) -> bool {
    let mut digits = text.chars().filter(char::is_ascii_digit).peekable();
    let only_marks = text.chars().all(|character| character.is_ascii_digit() || "-/.: TZ".contains(character));
    digits.peek().is_some() && only_marks && digits.all(|digit| digit == '0')
}

/// Epoch seconds (9–10 digits), epoch milliseconds (12–13), `YYYYMMDD` (8), and `/Date(milliseconds+zone)/`.
fn from_digits(text: &str) -> Option<Moment> {
    if let Some(inner) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        let end = inner.get(1..).and_then(|rest| rest.find(['+', '-'])).map_or(inner.len(), |at| at + 1);
        return Timestamp::from_millisecond(inner[..end].parse().ok()?).ok().map(Moment::Instant);
    }
    let digits = text.split('.').next().unwrap_or_default();
    let rest_is_fraction =
        text.len() == digits.len() || text[digits.len() + 1..].bytes().all(|byte| byte.is_ascii_digit());
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !rest_is_fraction {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        8 if text.len() == 8 => {
            day((number / 10_000) as i32, (number / 100 % 100) as i32, (number % 100) as i32).map(Moment::Day)
        }
        9 | 10 => Timestamp::from_second(number).ok().map(Moment::Instant),
        12 | 13 => Timestamp::from_millisecond(number).ok().map(Moment::Instant),
        _ => None,
    }
}

/// A day in figures or words, then perhaps a time.
fn from_parts(text: &str, order: DayOrder, notes: &mut Vec<Note>) -> Option<Moment> {
    let text = without_weekday(text);
    let (first, after) = number(text)?.or_word(text)?;
    let (second, after) = next_part(after)?;
    let (third, rest) = next_part(after)?;
    let date = match (first, second, third) {
        (Part::Number(year, 4), Part::Number(month, _), Part::Number(date, 1..=2)) => day(year, month, date)?,
        (Part::Number(one, 1..=2), Part::Number(two, 1..=2), Part::Number(year, digits @ (2 | 4))) => {
            // Points between the figures are written only where the day comes first.
            let order = if text.contains('.') && !text.contains('/') { DayOrder::DayFirst } else { order };
            in_order(one, two, full_year(year, digits), order, notes)?
        }
        (Part::Number(date, 1..=2), Part::Month(month), Part::Number(year, digits @ (2 | 4)))
        | (Part::Month(month), Part::Number(date, 1..=2), Part::Number(year, digits @ (2 | 4))) => {
            day(full_year(year, digits), month, date)?
        }
        _ => return None,
    };
    if rest.trim().is_empty() {
        return Some(Moment::Day(date));
    }
    let starts_time = rest.starts_with(['T', 't', ' ', ',']);
    let (time, offset) = clock_time(rest.trim_start_matches(['T', 't', ' ', ',']))?;
    let local = date.to_datetime(time);
    match (starts_time, offset) {
        (false, _) => None,
        (true, None) => Some(Moment::Local(local)),
        (true, Some(offset)) => offset.to_timestamp(local).ok().map(Moment::Instant),
    }
}

/// The day from two figures of which one is the month.
fn in_order(one: i32, two: i32, year: i32, order: DayOrder, notes: &mut Vec<Note>) -> Option<Date> {
    let (month, date) = match order {
        DayOrder::MonthFirst => (one, two),
        DayOrder::DayFirst => (two, one),
    };
    day(year, month, date).or_else(|| {
        let turned = day(year, date, month)?;
        notes.push(Note::new(
            code::DAY_ORDER,
            format!("{one}/{two} can only be {turned}, which is not the order of the mapping"),
        ));
        Some(turned)
    })
}

fn full_year(year: i32, digits: usize) -> i32 {
    match (digits, year) {
        (2, 0..70) => 2000 + year,
        (2, _) => 1900 + year,
        _ => year,
    }
}

fn day(year: i32, month: i32, date: i32) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(date).ok()?).ok()
}

/// A figure with its number of digits, or a month's number.
#[derive(Clone, Copy)]
enum Part {
    Number(i32, usize),
    Month(i32),
}

/// The figure at the start of a text, and what follows; `None` inside when the text starts with something else.
fn number(text: &str) -> Option<Figure<'_>> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 4 {
        return None;
    }
    Some(Figure { value: text[..digits].parse().ok().map(|value| (value, digits)), rest: &text[digits..] })
}

struct Figure<'t> {
    value: Option<(i32, usize)>,
    rest: &'t str,
}

impl<'t> Figure<'t> {
    /// The figure, or the month's name in its place.
    fn or_word(self, text: &'t str) -> Option<(Part, &'t str)> {
        if let Some((value, digits)) = self.value {
            return Some((Part::Number(value, digits), self.rest));
        }
        let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        month(&text[..letters]).map(|month| (Part::Month(month), &text[letters..]))
    }
}

/// The next figure or month after its separators.
fn next_part(text: &str) -> Option<(Part, &str)> {
    let text = strip_ordinal(text);
    let bare = text.trim_start_matches(['-', '/', '.', ' ', ',']);
    // No separator, or a heap of them, is no date.
    if bare.len() == text.len() || text.len() - bare.len() > 3 {
        return None;
    }
    number(bare)?.or_word(bare)
}

/// `5th March`: without the letters after the figure.
fn strip_ordinal(text: &str) -> &str {
    ["st", "nd", "rd", "th"].iter().find_map(|ending| text.strip_prefix(ending)).unwrap_or(text)
}

/// `Tue, 5 Mar 2024`: without the day's name.
fn without_weekday(text: &str) -> &str {
    const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let is_day = letters >= 3 && DAYS.iter().any(|day| text[..3].eq_ignore_ascii_case(day));
    if is_day { text[letters..].trim_start_matches([',', ' ', '.']) } else { text }
}

/// A month's English name, whole or its first letters, at least three.
fn month(word: &str) -> Option<i32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let is_name = |name: &&str| word.len() >= 3 && name.starts_with(&word);
    MONTHS.iter().position(is_name).and_then(|index| i32::try_from(index + 1).ok())
}

/// `14:22`, `14:22:10.5`, `2:22 PM`, each with an offset or `Z` or without.
pub(super) fn clock_time(text: &str) -> Option<(Time, Option<Offset>)> {
    let (hour, rest) = two_digits(text)?;
    let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => two_digits(rest)?,
        None => (0, rest),
    };
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|character: char| character.is_ascii_digit()),
        None => rest,
    };
    let rest = rest.trim();
    let half = rest.get(..2).map(str::to_ascii_lowercase);
    let (hour, rest) = match half.as_deref() {
        Some("am") if (1..=12).contains(&hour) => (hour % 12, &rest[2..]),
        Some("pm") if (1..=12).contains(&hour) => (hour % 12 + 12, &rest[2..]),
        _ => (hour, rest),
    };
    // A leap second is the last second that a clock can show.
    let time = Time::new(hour, minute, second.min(59), 0).ok()?;
    match rest.trim() {
        "" => Some((time, None)),
        zone => Some((time, Some(offset(zone)?))),
    }
}

fn two_digits(text: &str) -> Option<(i8, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=2).contains(&digits) {
        return None;
    }
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// `Z`, `UTC`, `GMT`, `+01:00`, `+0100`, `+01`.
fn offset(zone: &str) -> Option<Offset> {
    if ["z", "utc", "gmt"].iter().any(|name| zone.eq_ignore_ascii_case(name)) {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match zone.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, zone.strip_prefix(['-', '−'])?),
    };
    let digits: String = rest.chars().filter(|character| *character != ':').collect();
    let (hours, minutes): (i32, i32) = match digits.len() {
        2 if digits.is_ascii() => (digits.parse().ok()?, 0),
        4 if digits.is_ascii() => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}
