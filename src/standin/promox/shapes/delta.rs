//! Filters by the time of the last change: how one is read, and the second from which rows match (section 5).

use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::super::spell::zone;
use super::choices::{Delta, DeltaEdge, DeltaGrain, DeltaZone, Stamp};
use super::dimension::Dimension as _;
use super::errors::Fault;
use super::names;
use super::reply::{Incoming, Params};
use super::shape::Shape;
use crate::record::Object;

/// How long changes stay out of filtered lists where an index lags, in seconds.
pub(super) const LAG_SECONDS: i64 = 180;

/// Larger numbers of seconds are milliseconds.
const SECONDS_MAX: i64 = 100_000_000_000;

/// Whether rows of an object have the time of their last change.
pub(super) fn has_stamp(shape: &Shape, object: Object) -> bool {
    match shape.stamp {
        Stamp::All => true,
        Stamp::Some => !matches!(object, Object::Owner | Object::Pipeline),
        Stamp::None => false,
    }
}

/// The second from which rows match, as a request asks for it by header or parameter; `None` if it does not.
pub(super) fn asked(
    shape: &Shape,
    incoming: &Incoming,
    params: &mut Params,
    is_search: bool,
) -> Result<Option<i64>, Fault> {
    let text = match shape.delta {
        Delta::None => return Ok(None),
        Delta::Header => {
            let Some(text) = incoming.header("if-modified-since") else { return Ok(None) };
            let at = rfc2822::parse(text).map_err(|_| Fault::bad("If-Modified-Since is no HTTP date."))?;
            return Ok(Some(edged(shape, at.timestamp(), shape.delta_edge)));
        }
        Delta::Expression => match params.take("filter") {
            Some(text) => return expression(shape, &text).map(Some),
            None => return Ok(None),
        },
        Delta::SearchPath if !is_search => return Ok(None),
        Delta::SearchPath => params.take("updated_after_utc"),
        named => params.take(named.text()),
    };
    let Some(text) = text else { return Ok(None) };
    let at = moment(shape, &text).ok_or_else(|| Fault::bad(format!("{} is no time.", shape.delta.text())))?;
    Ok(Some(edged(shape, at, shape.delta_edge)))
}

/// The same in a protocol that filters by expressions only; refused where the shape has no filter by time.
pub(super) fn where_clause(shape: &Shape, text: &str) -> Result<i64, Fault> {
    match shape.delta {
        Delta::None => Err(Fault::bad("Lists cannot be filtered.")),
        _ => expression(shape, text),
    }
}

/// Reads `updated_at gt 2026-03-02T15:00:00Z`.
fn expression(shape: &Shape, text: &str) -> Result<i64, Fault> {
    let refused = || Fault::bad("filter is FIELD gt TIME or FIELD ge TIME.");
    let mut parts = text.trim().splitn(3, ' ');
    let (field, operator) = (parts.next().ok_or_else(refused)?, parts.next().ok_or_else(refused)?);
    let value = parts.next().ok_or_else(refused)?.trim();
    if field != names::field(shape, "updated_at") {
        return Err(Fault::bad(format!("There is no field {field} to filter by.")));
    }
    let edge = match operator {
        "gt" | ">" => DeltaEdge::Exclusive,
        "ge" | ">=" => DeltaEdge::Inclusive,
        _ => return Err(refused()),
    };
    let value = value.strip_prefix("datetime").or_else(|| value.strip_prefix("datetimeoffset")).unwrap_or(value);
    let at = moment(shape, value.trim_matches('\'')).ok_or_else(|| Fault::bad(format!("{value} is no time.")))?;
    Ok(edged(shape, at, edge))
}

/// The first second that matches.
fn edged(shape: &Shape, at: Timestamp, edge: DeltaEdge) -> i64 {
    let is_inclusive = edge == DeltaEdge::Inclusive;
    if shape.delta_grain == DeltaGrain::Second {
        // Rows change on whole seconds, so a fraction means the next one in any case.
        let is_whole = at.subsec_nanosecond() == 0;
        return at.as_second() + i64::from(!(is_whole && is_inclusive));
    }
    let zone = if shape.delta_zone == DeltaZone::Account { zone() } else { TimeZone::UTC };
    let day = at.to_zoned_datetime(zone.clone()).date();
    let first = if is_inclusive { day } else { day.saturating_add(Span::new().days(1)) };
    first.to_zoned_datetime(zone).map_or(at.as_second(), |midnight| midnight.timestamp().as_second())
}

/// A time as people and programs send it: RFC 3339, without a zone, a day, or a number since 1970.
fn moment(shape: &Shape, text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return if number > SECONDS_MAX {
            Timestamp::from_millisecond(number).ok()
        } else {
            Timestamp::from_second(number).ok()
        };
    }
    let read_zone = if shape.delta_zone == DeltaZone::Account { zone() } else { TimeZone::UTC };
    let in_zone = |local: DateTime| read_zone.to_ambiguous_timestamp(local).compatible().ok();
    if let Ok(day) = text.parse::<Date>()
        && text.len() == "YYYY-MM-DD".len()
    {
        return in_zone(day.to_datetime(jiff::civil::Time::midnight()));
    }
    let joined = text.replacen(' ', "T", 1);
    if shape.delta_zone == DeltaZone::Account {
        // The digits count; what they say about their zone does not.
        let digits = joined.get(.."YYYY-MM-DDTHH:MM:SS".len())?;
        return in_zone(digits.parse().ok()?);
    }
    joined.parse::<Timestamp>().ok().or_else(|| in_zone(joined.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, asked: &str) -> Option<String> {
        let shape: Shape = text.parse().expect("a shape");
        let at = moment(&shape, asked)?;
        Timestamp::from_second(edged(&shape, at, shape.delta_edge)).ok().map(|at| at.to_string())
    }

    #[test]
    fn filters_match_from_their_second() {
        let check = |shape: &str, asked: &str, expected: &str| {
            assert_eq!(first(shape, asked).as_deref(), Some(expected), "{shape} {asked}");
        };
        check("default", "2026-03-02T15:00:00Z", "2026-03-02T15:00:00Z");
        check("default", "2026-03-02T15:00:00.5Z", "2026-03-02T15:00:01Z");
        check("delta-edge=exclusive", "2026-03-02T15:00:00Z", "2026-03-02T15:00:01Z");
        check("default", "2026-03-02 15:00:00", "2026-03-02T15:00:00Z");
        check("default", "1772463600", "2026-03-02T15:00:00Z");
        check("default", "1772463600000", "2026-03-02T15:00:00Z");
        check("delta-zone=account", "2026-03-02T15:00:00Z", "2026-03-02T21:00:00Z");
        check("delta-grain=day", "2026-03-02T15:00:00Z", "2026-03-02T00:00:00Z");
        check("delta-grain=day,delta-edge=exclusive", "2026-03-02T15:00:00Z", "2026-03-03T00:00:00Z");
        check("delta-grain=day,delta-zone=account", "2026-03-02", "2026-03-02T06:00:00Z");
        assert_eq!(first("default", "yesterday"), None);
    }
}
