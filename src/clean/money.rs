//! Amounts with their currency.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Cleaned, Note, Outcome, Unreadable, code, numbers};
use crate::mapping::defaults::Defaults;

/// ISO 4217's active codes for money in circulation (list one of 2026-01-01), parted by spaces.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD \
    IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR \
    MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
    SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// Currencies that write themselves with a bare `$`.
const DOLLARS: &[&str] = &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"];

/// An amount in units of its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// The amount; digits as the source wrote them.
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
}

/// An amount from a cell, or from an object `{amount, currency}`; nothing for an empty cell.
///
/// The currency is the one written with the amount, else the one of the source's currency column, else the default. An
/// unknown currency falls back the same way, with a note. 0 is an amount; an empty cell is none.
///
/// # Errors
/// Text that is no amount, such as `TBD`.
pub fn money(value: &Value, column_currency: Option<&str>, defaults: &Defaults) -> Outcome<Option<Money>> {
    match value {
        Value::Null => Ok(Cleaned::plain(None)),
        Value::String(text) => from_text(text, column_currency, defaults),
        Value::Number(number) => from_text(number.as_str(), column_currency, defaults),
        Value::Object(parts) => {
            let amount = parts.get("amount").or_else(|| parts.get("value")).unwrap_or(&Value::Null);
            let currency = parts.get("currency").and_then(Value::as_str).or(column_currency);
            match amount {
                Value::String(text) => from_text(text, currency, defaults),
                Value::Number(number) => from_text(number.as_str(), currency, defaults),
                Value::Null => Ok(Cleaned::plain(None)),
                _ => Err(Unreadable::new(code::INVALID_MONEY, &value.to_string(), "is not an amount")),
            }
        }
        Value::Bool(_) | Value::Array(_) => {
            Err(Unreadable::new(code::INVALID_MONEY, &value.to_string(), "is not an amount"))
        }
    }
}

/// As [`money`], for a cell of text.
///
/// # Errors
/// As [`money`].
pub fn from_text(text: &str, column_currency: Option<&str>, defaults: &Defaults) -> Outcome<Option<Money>> {
    if super::is_absent(text) {
        return Ok(Cleaned::plain(None));
    }
    let mut notes = Vec::new();
    let (written, number) = take_apart(text.trim());
    let amount = numbers::decimal(&number, defaults.decimal_sign).map_err(|reason| {
        let reason = if reason == "is not a number" { "is not an amount" } else { reason };
        Unreadable::new(code::INVALID_MONEY, text, reason)
    })?;
    let with_amount = if written.is_empty() { None } else { Some(written.as_str()) };
    if let Some(written) = with_amount
        && currency(written, defaults).is_none()
    {
        return Err(Unreadable::new(code::INVALID_MONEY, text, format!("names no known currency ({written})")));
    }
    let column = column_currency.map(str::trim).filter(|column| !column.is_empty());
    let of_column = column.and_then(|column| currency(column, defaults));
    if let (Some(column), None) = (column, &of_column) {
        notes.push(Note::new(
            code::UNKNOWN_CURRENCY,
            format!("{column:?} is no known currency; {} was used", defaults.currency),
        ));
    }
    let of_amount = with_amount.and_then(|written| currency(written, defaults));
    if let (Some(own), Some(other)) = (&of_amount, &of_column)
        && own != other
        && with_amount != Some("$")
    {
        notes.push(Note::new(
            code::CURRENCY_CONFLICT,
            format!("the amount says {own}, the currency column {other}; {own} was used"),
        ));
    }
    // A bare "$" does not say whose dollar it is; a column that names a dollar does.
    let dollar_of_column =
        of_column.clone().filter(|other| with_amount == Some("$") && DOLLARS.contains(&other.as_str()));
    let currency = dollar_of_column.or(of_amount).or(of_column).unwrap_or_else(|| defaults.currency.clone());
    Ok(Cleaned { value: Some(Money { amount, currency }), notes })
}

/// The ISO code for a code or sign: `usd`, `$`, `US$`, `€`.
#[must_use]
pub fn currency(text: &str, defaults: &Defaults) -> Option<String> {
    let upper = text.trim().to_uppercase();
    let known = match upper.as_str() {
        "$" if DOLLARS.contains(&defaults.currency.as_str()) => defaults.currency.as_str(),
        "$" | "US$" | "USD$" => "USD",
        "C$" | "CA$" | "CAD$" => "CAD",
        "A$" | "AU$" => "AUD",
        "€" => "EUR",
        "£" => "GBP",
        "¥" => "JPY",
        "₹" => "INR",
        code if code.len() == 3 && CURRENCIES.split(' ').any(|known| known == code) => code,
        _ => return None,
    };
    Some(known.to_owned())
}

/// Parts the currency from the number: `-$1,250.00`, `USD 5`, `($5)`, `5 €`.
fn take_apart(text: &str) -> (String, String) {
    let is_currency = |character: char| character.is_alphabetic() || matches!(character, '$' | '€' | '£' | '¥' | '₹');
    // An exponent's `e` stands between digits and must not be taken for a currency.
    let is_plain =
        text.chars().all(|character| character.is_ascii_digit() || matches!(character, '.' | '-' | '+' | 'e' | 'E'));
    if is_plain && text.starts_with(|character: char| character.is_ascii_digit() || character == '-') {
        return (String::new(), text.to_owned());
    }
    let mut currency = String::new();
    let mut number = String::with_capacity(text.len());
    for character in text.chars() {
        if is_currency(character) { currency.push(character) } else { number.push(character) }
    }
    (currency, number.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: Value, column: Option<&str>, expected: Option<&str>) {
        let read = money(&value, column, &Defaults::promox()).ok().map(|cleaned| match cleaned.value {
            None => "none".to_owned(),
            Some(money) => format!("{} {}", money.amount, money.currency),
        });
        assert_eq!(read.as_deref(), expected, "{value}");
    }

    #[test]
    fn amounts() {
        check(json!(1250), None, Some("1250 USD"));
        check(json!(1250.5), None, Some("1250.5 USD"));
        check(json!("1,250.00"), Some("USD"), Some("1250.00 USD"));
        check(json!("$1,250.00"), Some("$"), Some("1250.00 USD"));
        check(json!("$1,250.00"), Some("CAD"), Some("1250.00 CAD"));
        check(json!("1.250,00 €"), None, Some("1250.00 EUR"));
        check(json!("(120.50)"), Some(""), Some("-120.50 USD"));
        check(json!("($120.50)"), None, Some("-120.50 USD"));
        check(json!("-$5"), None, Some("-5 USD"));
        check(json!("US$ 5"), None, Some("5 USD"));
        check(json!("EUR 5"), Some("USD"), Some("5 EUR"));
        check(json!("5"), Some("doubloons"), Some("5 USD"));
        check(json!({"amount": "1250.00", "currency": "CAD"}), None, Some("1250.00 CAD"));
        check(json!({"amount": null}), None, Some("none"));
        check(json!(0), None, Some("0 USD"));
        check(json!(""), None, Some("none"));
        check(json!(null), None, Some("none"));
        check(json!("N/A"), None, Some("none"));
        check(json!("TBD"), None, None);
        check(json!("TBD 5"), None, None);
        check(json!("5 or 6"), None, None);
        check(json!(true), None, None);
        check(json!("$"), None, None);
    }

    #[test]
    fn notes_and_reasons() {
        let defaults = Defaults::promox();
        let notes = |value: &str, column| from_text(value, column, &defaults).expect("an amount").notes;
        assert_eq!(notes("EUR 5", Some("USD"))[0].code, code::CURRENCY_CONFLICT);
        assert_eq!(notes("5", Some("doubloons"))[0].code, code::UNKNOWN_CURRENCY);
        assert_eq!(from_text("TBD", None, &defaults).map_err(|error| error.reason), Err("is not an amount".to_owned()));
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn never_panic(text in "\\PC{0,24}|[$€(-]?[0-9., ]{0,12}[)A-Z -]{0,5}") {
            from_text(&text, Some(&text), &Defaults::promox()).ok();
        }
    }
}
