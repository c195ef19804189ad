//! Postal addresses in one line, as Pipedrive's address fields take them.

use serde_json::{Map, Value};

use super::{Cleaned, text};

/// The parts an address object may have, in the order of a North American address; each with the names seen for it
/// (`promoxcrm.md` section 4.2, and common exports).
const PARTS: &[&[&str]] = &[
    &["line1", "address1", "street1", "street", "address"],
    &["line2", "address2", "street2"],
    &["city", "town", "locality"],
    &["state", "province", "region"],
    &["zip", "postal_code", "postcode"],
    &["country"],
];
const STATE: usize = 3;
const ZIP: usize = 4;

/// An address written as text: one line, a space after each comma, no empty parts.
#[must_use]
pub fn from_text(address: &str) -> Cleaned<String> {
    let one_line = address.replace(['\n', '\r'], ", ");
    text::line(&one_line).map(|line| {
        let parts: Vec<&str> = line.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    })
}

/// An address given as an object: `line1, line2, city, state zip, country`. Parts with other names are not read.
#[must_use]
pub fn from_object(address: &Map<String, Value>) -> Cleaned<String> {
    let mut notes = Vec::new();
    let mut line = String::new();
    for (position, names) in PARTS.iter().enumerate() {
        let part = names.iter().find_map(|name| match address.get(*name) {
            Some(Value::String(part)) if !part.trim().is_empty() => Some(part.clone()),
            Some(Value::Number(part)) => Some(part.to_string()),
            _ => None,
        });
        let Some(part) = part else { continue };
        let part = from_text(&part).into_value(&mut notes);
        if part.is_empty() {
            continue;
        }
        if !line.is_empty() {
            let after_state = position == ZIP && PARTS[STATE].iter().any(|name| has_text(address, name));
            line.push_str(if after_state { " " } else { ", " });
        }
        line.push_str(&part);
    }
    Cleaned { value: line, notes }
}

fn has_text(address: &Map<String, Value>, name: &str) -> bool {
    address.get(name).and_then(Value::as_str).is_some_and(|part| !part.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_line() {
        assert_eq!(from_text("12 Elm St,,Chicago,IL 60601\nUS ").value, "12 Elm St, Chicago, IL 60601, US");
        assert_eq!(from_text(" , ").value, "");
    }

    #[test]
    fn objects() {
        let check = |address: Value, expected: &str| {
            assert_eq!(from_object(address.as_object().expect("an object")).value, expected);
        };
        check(
            json!({"line1": "12 Elm St", "line2": "", "city": "Chicago", "state": "IL", "zip": "60601", "country": "US"}),
            "12 Elm St, Chicago, IL 60601, US",
        );
        check(
            json!({"line1": "1 Quay", "line2": "Unit 4", "city": "Cork", "zip": 123, "country": null}),
            "1 Quay, Unit 4, Cork, 123",
        );
        check(json!({"city": "", "state": null}), "");
    }
}
