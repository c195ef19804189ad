//! Times as sources write them, and instants as sources want to be asked.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::source::profile::TimeStyle;

/// A zone by its IANA name or its offset; UTC for nothing. `None` for a name that nobody knows.
pub(in crate::source) fn zone(name: Option<&str>) -> Option<TimeZone> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Some(TimeZone::UTC) };
    if let Some(seconds) = offset_seconds(name) {
        return Offset::from_seconds(seconds).ok().map(TimeZone::fixed);
    }
    TimeZone::get(name).ok()
}

/// `+02:00`, `-0500`, `+7`, `UTC-5`.
fn offset_seconds(text: &str) -> Option<i32> {
    let text = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// What a value says about time.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::source) enum Read {
    /// An instant.
    Instant(Timestamp),
    /// A day without a time of day.
    Day(Date),
}

/// Reads a value in a style; times without a zone are of `zone`. `None` for what is not of that style.
pub(in crate::source) fn read(value: &Value, style: TimeStyle, zone: &TimeZone) -> Option<Read> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    match style {
        TimeStyle::Epoch => whole(&text).and_then(|seconds| Timestamp::from_second(seconds).ok()).map(Read::Instant),
        TimeStyle::EpochMs => whole(&text).and_then(|ms| Timestamp::from_millisecond(ms).ok()).map(Read::Instant),
        TimeStyle::Net => net(&text).map(Read::Instant),
        TimeStyle::Http => rfc2822::parse(&text).ok().map(|time| Read::Instant(time.timestamp())),
        TimeStyle::MonthFirst | TimeStyle::DayFirst => in_figures(&text, style == TimeStyle::DayFirst, zone),
        TimeStyle::Rfc3339 | TimeStyle::Naive | TimeStyle::Space | TimeStyle::Date => iso(&text, zone),
        TimeStyle::MixedMonthFirst | TimeStyle::MixedDayFirst => any(&text, style == TimeStyle::MixedDayFirst, zone),
    }
}

/// An instant out of a value in any style; a day counts from its beginning.
pub(in crate::source) fn instant(value: &Value, style: TimeStyle, zone: &TimeZone) -> Option<Timestamp> {
    match read(value, style, zone)? {
        Read::Instant(at) => Some(at),
        Read::Day(day) => in_zone(day.to_datetime(Time::midnight()), zone),
    }
}

fn any(text: &str, day_first: bool, zone: &TimeZone) -> Option<Read> {
    if let Some(number) = whole(text) {
        return match text.len() {
            9 | 10 => Timestamp::from_second(number).ok().map(Read::Instant),
            12 | 13 => Timestamp::from_millisecond(number).ok().map(Read::Instant),
            _ => None,
        };
    }
    iso(text, zone)
        .or_else(|| net(text).map(Read::Instant))
        .or_else(|| in_figures(text, day_first, zone))
        .or_else(|| rfc2822::parse(text).ok().map(|time| Read::Instant(time.timestamp())))
        .or_else(|| in_words(text, zone))
}

/// Whole seconds or milliseconds; a fraction is cut.
fn whole(text: &str) -> Option<i64> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, "0"));
    fraction.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn net(text: &str) -> Option<Timestamp> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let end = inner.get(1..)?.find(['+', '-']).map_or(inner.len(), |at| at + 1);
    Timestamp::from_millisecond(inner.get(..end)?.parse().ok()?).ok()
}

fn in_zone(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

/// ISO 8601 with `T` or a space, with or without an offset, or a day alone.
fn iso(text: &str, zone: &TimeZone) -> Option<Read> {
    if text.len() == 10 {
        return text.parse::<Date>().ok().map(Read::Day);
    }
    // Eight digits alone would be read as a day; they are more often something else.
    if !text.get(..5)?.ends_with('-') {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Read::Instant(at));
    }
    // An offset without its colon, which `Timestamp` does not take everywhere.
    if let Ok(at) =
        strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text.replacen(' ', "T", 1)).and_then(|time| time.to_timestamp())
    {
        return Some(Read::Instant(at));
    }
    in_zone(text.parse::<DateTime>().ok()?, zone).map(Read::Instant)
}

/// A day in figures with `/`, `.` or `-`, the year last, perhaps with a time of day behind it.
fn in_figures(text: &str, day_first: bool, zone: &TimeZone) -> Option<Read> {
    let (day, time) = text.split_once([' ', 'T']).map_or((text, None), |(day, time)| (day, Some(time.trim())));
    let mut parts = day.split(['/', '.', '-']);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let (first, second): (i8, i8) = (first.parse().ok()?, second.parse().ok()?);
    let (month, number) = if day_first { (second, first) } else { (first, second) };
    let date = Date::new(year.parse().ok()?, month, number).ok()?;
    match time {
        None => Some(Read::Day(date)),
        Some(time) => in_zone(date.to_datetime(time_of_day(time)?), zone).map(Read::Instant),
    }
}

/// `14:02`, `14:02:10`, `2:02 PM`.
fn time_of_day(text: &str) -> Option<Time> {
    if let Ok(time) = text.parse::<Time>() {
        return Some(time);
    }
    ["%H:%M", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p"].iter().find_map(|format| Time::strptime(format, text).ok())
}

/// `5 Mar 2026`, `Mar 5, 2026`, perhaps with a time of day behind it.
fn in_words(text: &str, zone: &TimeZone) -> Option<Read> {
    const FORMS: &[&str] = &["%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y"];
    if let Some(date) = FORMS.iter().find_map(|form| Date::strptime(form, text).ok()) {
        return Some(Read::Day(date));
    }
    let local = FORMS.iter().find_map(|form| {
        ["%H:%M", "%H:%M:%S", "%I:%M %p"]
            .iter()
            .find_map(|time| DateTime::strptime(format!("{form} {time}"), text).ok())
    })?;
    in_zone(local, zone).map(Read::Instant)
}

/// An instant as a filter wants it, in a zone and at a granularity: rounded down.
pub(in crate::source) fn write(at: Timestamp, style: TimeStyle, zone: &TimeZone, granularity_seconds: u64) -> String {
    let at = round_down(at, zone, granularity_seconds);
    let local = zone.to_datetime(at);
    match style {
        TimeStyle::Rfc3339 => at.to_string(),
        TimeStyle::Naive => local.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        TimeStyle::Space => local.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        TimeStyle::Date => local.strftime("%Y-%m-%d").to_string(),
        TimeStyle::Epoch => at.as_second().to_string(),
        TimeStyle::EpochMs => at.as_millisecond().to_string(),
        TimeStyle::Net => format!("/Date({})/", at.as_millisecond()),
        TimeStyle::MonthFirst | TimeStyle::MixedMonthFirst => local.strftime("%m/%d/%Y %H:%M:%S").to_string(),
        TimeStyle::DayFirst | TimeStyle::MixedDayFirst => local.strftime("%d/%m/%Y %H:%M:%S").to_string(),
        TimeStyle::Http => at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    }
}

/// The granule that an instant lies in; whole days are those of the zone. Sub-seconds stay where the step is a second.
fn round_down(at: Timestamp, zone: &TimeZone, granularity_seconds: u64) -> Timestamp {
    let Ok(step) = i64::try_from(granularity_seconds) else { return at };
    if step <= 1 {
        return at;
    }
    let offset = i64::from(zone.to_offset(at).seconds());
    let past = (at.as_second() + offset).rem_euclid(step);
    at.checked_sub(SignedDuration::from_secs(past)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_style_is_read() {
        let chicago = zone(Some("-06:00")).expect("an offset");
        let check = |value: Value, style, expected: &str| {
            let told = instant(&value, style, &chicago).map(|at| at.to_string());
            assert_eq!(told.as_deref(), Some(expected).filter(|text| !text.is_empty()), "{value} {style:?}");
        };
        let at = "2024-03-05T14:02:10Z";
        check(json!("2024-03-05T14:02:10Z"), TimeStyle::Rfc3339, at);
        check(json!("2024-03-05T14:02:10+0000"), TimeStyle::Rfc3339, at);
        check(json!("2024-03-05T15:02:10.000+01:00"), TimeStyle::Rfc3339, at);
        check(json!("2024-03-05T08:02:10"), TimeStyle::Naive, at);
        check(json!("2024-03-05 08:02:10"), TimeStyle::Space, at);
        check(json!("2024-03-05"), TimeStyle::Date, "2024-03-05T06:00:00Z");
        check(json!(1_709_647_330), TimeStyle::Epoch, at);
        check(json!("1709647330000"), TimeStyle::EpochMs, at);
        check(json!("/Date(1709647330000+0000)/"), TimeStyle::Net, at);
        check(json!("03/05/2024 08:02"), TimeStyle::MonthFirst, "2024-03-05T14:02:00Z");
        check(json!("05/03/2024 08:02:10"), TimeStyle::DayFirst, at);
        check(json!("03/05/2024 8:02 AM"), TimeStyle::MonthFirst, "2024-03-05T14:02:00Z");
        check(json!("Tue, 05 Mar 2024 14:02:10 GMT"), TimeStyle::Http, at);
        check(json!("13/05/2024"), TimeStyle::MonthFirst, "");
        for mixed in ["2024-03-05T14:02:10Z", "1709647330", "2024-03-05 08:02:10", "03/05/2024 08:02:10"] {
            check(json!(mixed), TimeStyle::MixedMonthFirst, at);
        }
        check(json!("5 Mar 2024"), TimeStyle::MixedDayFirst, "2024-03-05T06:00:00Z");
        check(json!("n/a"), TimeStyle::MixedDayFirst, "");
    }

    #[test]
    fn a_filter_is_written_in_its_zone_and_rounded_down() {
        let at: Timestamp = "2024-03-05T02:02:10Z".parse().expect("an instant");
        let west = zone(Some("-0500")).expect("an offset");
        let check = |style, granularity, expected: &str| assert_eq!(write(at, style, &west, granularity), expected);
        check(TimeStyle::Rfc3339, 1, "2024-03-05T02:02:10Z");
        check(TimeStyle::Space, 1, "2024-03-04 21:02:10");
        check(TimeStyle::Date, 86_400, "2024-03-04");
        check(TimeStyle::Space, 86_400, "2024-03-04 00:00:00");
        check(TimeStyle::Epoch, 60, "1709604120");
        check(TimeStyle::Http, 1, "Tue, 05 Mar 2024 02:02:10 GMT");
    }

    #[test]
    fn zones_have_names_or_offsets() {
        assert!(zone(None).is_some() && zone(Some("UTC")).is_some() && zone(Some("UTC-5")).is_some());
        assert!(zone(Some("America/Chicago")).is_some());
        assert!(zone(Some("Nowhere/Land")).is_none());
    }
}
