//! Days and instants, in every form of `promoxcrm.md` section 6.
//!
//! A day has no zone and never moves. Times without a zone are the account's. Years with two digits are 2000–2069 and
//! 1970–1999.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::moment::{Moment, clock_time, moment};
use super::{Cleaned, Outcome, Unreadable, code};
use crate::mapping::defaults::Defaults;

/// A calendar day, or nothing.
///
/// An instant is the day it falls on in the account's zone, except exactly midnight UTC: that is how many systems write a
/// day without a time, and moving it back to the evening before would be wrong far more often.
///
/// # Errors
/// Text that is no date.
pub fn date(text: &str, defaults: &Defaults) -> Outcome<Option<Date>> {
    let cleaned = moment(text, defaults)?;
    Ok(cleaned.map(|moment| {
        moment.map(|moment| match moment {
            Moment::Day(day) => day,
            Moment::Local(local) => local.date(),
            Moment::Instant(instant) => local_day(instant, &defaults.time_zone),
        })
    }))
}

/// An instant in whole seconds, or nothing. A day without a time is noon UTC, which is that day in most zones.
///
/// # Errors
/// Text that is no date.
pub fn timestamp(text: &str, defaults: &Defaults) -> Outcome<Option<Timestamp>> {
    // The usual case: RFC 3339 in UTC.
    if text.len() >= 20
        && text.ends_with('Z')
        && let Ok(instant) = text.parse::<Timestamp>()
    {
        return Ok(Cleaned::plain(Some(whole_seconds(instant))));
    }
    let cleaned = moment(text, defaults)?;
    let instant = cleaned.value.map(|moment| match moment {
        Moment::Day(day) => at_zone(day.at(12, 0, 0, 0), &TimeZone::UTC),
        Moment::Local(local) => at_zone(local, &defaults.time_zone),
        Moment::Instant(instant) => Some(instant),
    });
    match instant {
        None => Ok(Cleaned { value: None, notes: cleaned.notes }),
        Some(Some(instant)) => Ok(Cleaned { value: Some(whole_seconds(instant)), notes: cleaned.notes }),
        Some(None) => Err(unreadable(text)),
    }
}

/// A time of day, or nothing: `09:30`, `2:22 PM`, `14:22:10`.
///
/// # Errors
/// Text that is no time of day.
pub fn time_of_day(text: &str) -> Outcome<Option<Time>> {
    if super::is_absent(text) {
        return Ok(Cleaned::plain(None));
    }
    match clock_time(text.trim()) {
        Some((time, None)) => Ok(Cleaned::plain(Some(time))),
        _ => Err(Unreadable::new(code::INVALID_TIME, text, "is not a time of day")),
    }
}

/// When something is due, in UTC: a day, and a time of day if one was given.
///
/// `time` is the account's. Without a time the day stays what it is; midnight is read as "no time".
///
/// # Errors
/// A day or a time that cannot be read.
pub fn due(day: &str, time: Option<&str>, defaults: &Defaults) -> Outcome<Option<(Date, Option<Time>)>> {
    let cleaned = moment(day, defaults)?;
    let Some(moment) = cleaned.value else { return Ok(Cleaned { value: None, notes: cleaned.notes }) };
    let time = match time {
        Some(time) => time_of_day(time)?.value,
        None => None,
    };
    let instant = match (moment, time) {
        (Moment::Day(day), Some(time)) => at_zone(day.to_datetime(time), &defaults.time_zone),
        (Moment::Day(day), None) => return Ok(Cleaned { value: Some((day, None)), notes: cleaned.notes }),
        (Moment::Local(local), Some(time)) => at_zone(local.date().to_datetime(time), &defaults.time_zone),
        (Moment::Local(local), None) if local.time() == Time::midnight() => {
            return Ok(Cleaned { value: Some((local.date(), None)), notes: cleaned.notes });
        }
        (Moment::Local(local), None) => at_zone(local, &defaults.time_zone),
        (Moment::Instant(instant), Some(time)) => {
            at_zone(local_day(instant, &defaults.time_zone).to_datetime(time), &defaults.time_zone)
        }
        (Moment::Instant(instant), None) => Some(instant),
    };
    let utc = Offset::UTC.to_datetime(instant.ok_or_else(|| unreadable(day))?);
    let is_day_only = matches!(moment, Moment::Instant(_)) && utc.time() == Time::midnight() && time.is_none();
    let value = Some((utc.date(), (!is_day_only).then_some(utc.time())));
    Ok(Cleaned { value, notes: cleaned.notes })
}

fn unreadable(text: &str) -> Unreadable {
    Unreadable::new(code::INVALID_DATE, text, "is out of the range of dates")
}

fn at_zone(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    // In the hour that summer time skips, jiff moves forward; in the doubled hour it takes the first.
    zone.to_timestamp(local).ok()
}

fn local_day(instant: Timestamp, zone: &TimeZone) -> Date {
    let utc = Offset::UTC.to_datetime(instant);
    if utc.time() == Time::midnight() { utc.date() } else { zone.to_datetime(instant).date() }
}

fn whole_seconds(instant: Timestamp) -> Timestamp {
    let part = i64::from(instant.subsec_nanosecond());
    // Down, not to zero: the second that the instant lies in.
    let down = if part < 0 { part + 1_000_000_000 } else { part };
    instant.checked_sub(SignedDuration::from_nanos(down)).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::defaults::DayOrder;

    fn day_first() -> Defaults {
        Defaults { day_order: DayOrder::DayFirst, ..Defaults::promox() }
    }

    #[track_caller]
    fn check_date(text: &str, expected: Option<&str>) {
        let read = date(text, &Defaults::promox()).map(|cleaned| cleaned.value.map(|day| day.to_string()));
        assert_eq!(read.as_ref().map(Option::as_deref), Ok(expected), "{text:?}");
    }

    #[test]
    fn days() {
        for text in [
            "2024-03-05",
            "2024-03-05T14:22:10Z",
            "2024-03-05 14:22:10",
            "2024-03-05T00:00:00Z",
            "2024-03-05T00:00:00+00:00",
            "2024-03-05 00:00:00",
            "03/05/2024",
            "3/5/2024",
            "3/5/24",
            "3/5/24 2:22 PM",
            "05.03.2024",
            "20240305",
            "1709648530",
            "1709648530000",
            "1709648530.25",
            "/Date(1709648530000+0000)/",
            "5 Mar 2024",
            "5th March 2024",
            "March 5, 2024",
            "05-Mar-24",
            "Tue, 5 Mar 2024 14:22:10 +0000",
            "'2024-03-05",
            "2024/03/05",
        ] {
            check_date(text, Some("2024-03-05"));
        }
        for text in ["", "N/A", "0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "0", "null"] {
            check_date(text, None);
        }
        // Chicago is six hours behind: this instant is still the evening of the fourth there.
        check_date("2024-03-05T03:00:00Z", Some("2024-03-04"));
        check_date("1970-01-01", Some("1970-01-01"));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "TBD",
            "soon",
            "2024-13-05",
            "2024-02-30",
            "31/31/2024",
            "12",
            "5/2024",
            "2024-03-05x",
            "2024-03-05 25:00",
            "1/2/3",
            "99999999",
        ] {
            let error = date(text, &Defaults::promox()).expect_err(text);
            assert_eq!((error.code, error.reason.as_str()), (code::INVALID_DATE, "is not a date"), "{text:?}");
        }
    }

    #[test]
    fn the_order_of_day_and_month() {
        let read = |text: &str, defaults: &Defaults| date(text, defaults).expect("a date");
        assert_eq!(read("05/03/2024", &day_first()).value, Some(jiff::civil::date(2024, 3, 5)));
        let turned = read("13/02/2024", &Defaults::promox());
        assert_eq!(turned.value, Some(jiff::civil::date(2024, 2, 13)));
        assert_eq!(turned.notes[0].code, code::DAY_ORDER);
        assert_eq!(read("1970-01-01", &day_first()).notes[0].code, code::SUSPECT_DATE);
    }

    #[test]
    fn instants() {
        for (text, expected) in [
            ("2024-03-05T14:22:10Z", "2024-03-05T14:22:10Z"),
            ("2024-03-05T14:22:10.987Z", "2024-03-05T14:22:10Z"),
            ("2024-03-05T14:22:10+02:00", "2024-03-05T12:22:10Z"),
            ("2024-03-05T14:22:10+0200", "2024-03-05T12:22:10Z"),
            ("2024-03-05 14:22:10", "2024-03-05T20:22:10Z"),
            ("2024-07-05 14:22:10", "2024-07-05T19:22:10Z"),
            ("3/5/24 2:22 PM", "2024-03-05T20:22:00Z"),
            ("12:00 AM", ""),
            ("3/5/24, 12:00 AM", "2024-03-05T06:00:00Z"),
            ("2017-03-01", "2017-03-01T12:00:00Z"),
            ("1709648530", "2024-03-05T14:22:10Z"),
            ("2024-03-10 02:30:00", "2024-03-10T08:30:00Z"),
        ] {
            let read = timestamp(text, &Defaults::promox()).ok().and_then(|cleaned| cleaned.value);
            assert_eq!(read.map(|instant| instant.to_string()).unwrap_or_default(), expected, "{text:?}");
        }
    }

    #[test]
    fn due_times_go_to_utc_and_days_stay() {
        let check = |day: &str, time: Option<&str>, expected: (&str, &str)| {
            let (day, time) = due(day, time, &Defaults::promox()).expect("readable").value.expect("a day");
            assert_eq!(
                (day.to_string().as_str(), time.map(|time| time.to_string()).unwrap_or_default().as_str()),
                expected
            );
        };
        check("2024-03-05", None, ("2024-03-05", ""));
        check("2024-03-05", Some(""), ("2024-03-05", ""));
        check("2024-03-05", Some("09:30"), ("2024-03-05", "15:30:00"));
        check("2024-03-05", Some("21:30"), ("2024-03-06", "03:30:00"));
        check("2024-03-05 00:00:00", None, ("2024-03-05", ""));
        check("2024-03-05T00:00:00Z", None, ("2024-03-05", ""));
        check("2024-03-05T09:30:00Z", None, ("2024-03-05", "09:30:00"));
        assert!(due("2024-03-05", Some("noonish"), &Defaults::promox()).is_err());
        assert_eq!(due("", Some("09:30"), &Defaults::promox()).map(|cleaned| cleaned.value), Ok(None));
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn never_panic(text in "\\PC{0,40}|[0-9/.:T +Zamp-]{0,30}|[A-Za-z]{3,9},? [0-9]{1,2}[a-z]{0,2} [A-Za-z0-9]{2,9} [0-9:]{0,8}") {
            timestamp(&text, &day_first()).ok();
            due(&text, Some(&text), &Defaults::promox()).ok();
            if let Ok(Some(day)) = date(&text, &Defaults::promox()).map(|cleaned| cleaned.value) {
                let again = date(&day.to_string(), &Defaults::promox()).map(|cleaned| cleaned.value);
                prop_assert!(again == Ok(Some(day)) || day.year() < 1000, "{} {:?}", day, again);
            }
        }
    }
}
