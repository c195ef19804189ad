//! How a shape writes single values: instants, days, money, missing values, long texts.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Number, Value, json};

use super::super::spell::{money_separators, zone};
use super::choices::{Currency, Dates, Money, Nulls, Text, Zone};
use super::schema::Role;
use super::shape::Shape;

/// Where a truncated text ends.
const TEXT_MAX: usize = 255;

/// An instant in the form of the shape. `is_created` matters where the forms are mixed.
pub(super) fn instant(shape: &Shape, at: Timestamp, is_created: bool) -> Value {
    let form = match (shape.dates, is_created) {
        (Dates::Mixed, true) => Dates::Z,
        (Dates::Mixed, false) => Dates::Space,
        (form, _) => form,
    };
    let zone = if shape.zone == Zone::Account { zone() } else { TimeZone::UTC };
    let local = |format: &str| {
        let zoned = at.to_zoned_datetime(zone.clone());
        Value::from(strtime::format(format, &zoned).unwrap_or_default())
    };
    match form {
        Dates::Z | Dates::Mixed => Value::from(at.to_string()),
        Dates::Offset => Value::from(at.to_string().replace('Z', "+00:00")),
        Dates::Compact => Value::from(at.to_string().replace('Z', "+0000")),
        Dates::Naive => local("%Y-%m-%dT%H:%M:%S"),
        Dates::Space => local("%Y-%m-%d %H:%M:%S"),
        Dates::Epoch => Value::from(at.as_second()),
        Dates::EpochMs => Value::from(at.as_millisecond()),
        Dates::EpochText => Value::from(at.as_second().to_string()),
        Dates::Json => Value::from(format!("/Date({}+0000)/", at.as_millisecond())),
        Dates::MonthFirst => local("%m/%d/%Y %I:%M:%S %p"),
        Dates::DayFirst => local("%d/%m/%Y %H:%M:%S"),
        Dates::MonthName => local("%b %-d, %Y %-I:%M %p"),
    }
}

/// A day in the form of the shape.
pub(super) fn day(shape: &Shape, day: Date) -> Value {
    let written = |format: &str| Value::from(strtime::format(format, day).unwrap_or_default());
    match shape.dates {
        Dates::MonthFirst | Dates::Mixed => written("%m/%d/%Y"),
        Dates::DayFirst => written("%d/%m/%Y"),
        Dates::MonthName => written("%b %-d, %Y"),
        Dates::Json => {
            let midnight = day.to_zoned_datetime(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_millisecond());
            Value::from(format!("/Date({midnight}+0000)/"))
        }
        _ => Value::from(day.to_string()),
    }
}

/// A number of money in the form of the shape. `key` tells the rows that have text where numbers and texts are mixed.
pub(super) fn money(shape: &Shape, amount: &Number, key: u64) -> Value {
    let Ok(decimal) = amount.to_string().parse::<Decimal>() else { return Value::Number(amount.clone()) };
    let number = |text: String| text.parse::<Number>().map_or(Value::Null, Value::Number);
    let cents = (decimal * Decimal::ONE_HUNDRED).round();
    let cents_number = || i64::try_from(cents).unwrap_or_default();
    let float = || {
        let text = decimal.normalize().to_string();
        number(if text.contains('.') { text } else { format!("{text}.0") })
    };
    match shape.money {
        Money::Float => float(),
        Money::Text => Value::from(format!("{decimal:.2}")),
        Money::Cents => Value::from(cents_number()),
        Money::Object if shape.currency == Currency::Nowhere => json!({"amount": float()}),
        Money::Object => json!({"amount": float(), "currency": "USD"}),
        Money::Dollar if cents_number() < 0 => Value::from(format!("-${}", money_separators(-cents_number()))),
        Money::Dollar => Value::from(format!("${}", money_separators(cents_number()))),
        Money::Both if key.is_multiple_of(2) => Value::from(format!("{decimal:.2}")),
        Money::Both => float(),
    }
}

/// What stands for a missing value; `None` leaves the key out.
pub(super) fn missing(nulls: Nulls, role: Role) -> Option<Value> {
    let is_text = matches!(role, Role::Plain | Role::Label | Role::Html | Role::Currency);
    Some(match nulls {
        Nulls::Null => Value::Null,
        Nulls::Missing => return None,
        Nulls::Text => Value::from(""),
        Nulls::Zero => match role {
            Role::Day | Role::Instant => Value::from("0000-00-00"),
            _ if is_text => Value::from(""),
            _ => Value::from(0),
        },
        Nulls::NotAvailable => Value::from("N/A"),
        Nulls::Dash => Value::from("-"),
        Nulls::Array => json!([]),
        Nulls::Object => json!({}),
        Nulls::False => Value::from(false),
    })
}

/// A long text in the form of the shape, and its twin where it has one.
pub(super) fn text(form: Text, html: &str) -> (String, Option<String>) {
    match form {
        Text::Html => (html.to_owned(), None),
        Text::Escaped => (html.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"), None),
        Text::Twins => (plain(html, "\n"), Some(html.to_owned())),
        Text::Crlf => (plain(html, "\r\n"), None),
        Text::Markdown => (format!("**Note**\n\n{}", plain(html, "\n\n")), None),
        Text::Rtf => (format!("{{\\rtf1\\ansi {}\\par}}", plain(html, "\\par ")), None),
        Text::Truncated => (html.chars().take(TEXT_MAX).collect(), None),
        Text::Nul => (format!("{html}\u{0} 🎉"), None),
    }
}

/// Without tags; paragraphs end in `end`.
fn plain(html: &str, end: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut is_tag = false;
    for sign in html.replace("</p><p>", end).chars() {
        match sign {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            _ if !is_tag => text.push(sign),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Shape {
        text.parse().expect("a shape")
    }

    #[test]
    fn instants_have_their_forms() {
        let at: Timestamp = "2024-03-05T14:22:10Z".parse().expect("an instant");
        let check = |text: &str, expected: Value| assert_eq!(instant(&shape(text), at, false), expected, "{text}");
        check("dates=iso-z", json!("2024-03-05T14:22:10Z"));
        check("dates=iso-offset", json!("2024-03-05T14:22:10+00:00"));
        check("dates=iso-compact", json!("2024-03-05T14:22:10+0000"));
        check("dates=naive", json!("2024-03-05T14:22:10"));
        check("dates=naive-space,zone=account", json!("2024-03-05 08:22:10"));
        check("dates=epoch", json!(1_709_648_530));
        check("dates=epoch-ms", json!(1_709_648_530_000_i64));
        check("dates=epoch-text", json!("1709648530"));
        check("dates=json", json!("/Date(1709648530000+0000)/"));
        check("dates=us", json!("03/05/2024 02:22:10 PM"));
        check("dates=dmy", json!("05/03/2024 14:22:10"));
        check("dates=month-name", json!("Mar 5, 2024 2:22 PM"));
        check("dates=mixed", json!("2024-03-05 14:22:10"));
    }

    #[test]
    fn money_has_its_forms() {
        let check = |text: &str, amount: &str, expected: &str| {
            let amount: Number = amount.parse().expect("a number");
            assert_eq!(money(&shape(text), &amount, 3).to_string(), expected, "{text}");
        };
        check("money=float", "1250", "1250.0");
        check("money=float", "1250.50", "1250.5");
        check("money=text", "1250", "\"1250.00\"");
        check("money=cents", "1250.50", "125050");
        check("money=object", "1250.50", r#"{"amount":1250.5,"currency":"USD"}"#);
        check("money=dollar", "1250.50", "\"$1,250.50\"");
        check("money=dollar", "-1250.50", "\"-$1,250.50\"");
        check("money=both", "1250.50", "1250.5");
    }
}
