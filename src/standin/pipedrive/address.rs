//! Postal addresses: only the whole line is needed, the parts are null when left out (fact sheet 5.2, 5.10).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check;

/// The names of the parts, in the order of [`Address::parts`].
pub(super) const PARTS: [&str; 9] = [
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
];

/// One address.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Address {
    pub(super) value: String,
    pub(super) parts: [Option<String>; PARTS.len()],
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.entries())
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut keys = BTreeMap::<String, Option<String>>::deserialize(from)?;
        let value = keys.remove("value").flatten().unwrap_or_default();
        Ok(Self { value, parts: PARTS.map(|part| keys.remove(part).flatten()) })
    }
}

impl Address {
    /// Every key with its value, as v2 writes an address.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        let whole = std::iter::once(("value", Some(self.value.as_str())));
        whole.chain(PARTS.into_iter().zip(self.parts.iter().map(Option::as_deref)))
    }

    /// Reads an address as v2 takes it; parts left out are null, also on an update.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
        let mut address = Self::default();
        for (key, part) in keys {
            if key == "value" {
                address.value = check::text(check::TEXT_MAX)(part)?;
                continue;
            }
            let place = PARTS.iter().position(|own| own == key).ok_or_else(|| format!("Unknown key '{key}'"))?;
            if !part.is_null() {
                let text = check::any_text(check::LINE_MAX)(part).map_err(|why| format!("{key}: {why}"))?;
                address.parts[place] = Some(text).filter(|text| !text.is_empty());
            }
        }
        if address.value.is_empty() { Err("value: Required".to_owned()) } else { Ok(address) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_line_is_needed() {
        let read = |value| Address::read(&value).map(|address| json!(address));
        let address = read(json!({"value": " 1 Main St ", "locality": "Reno", "country": null})).expect("an address");
        assert_eq!((&address["value"], &address["locality"]), (&json!("1 Main St"), &json!("Reno")));
        assert!(address["country"].is_null() && address["postal_code"].is_null());
        assert!(read(json!({"locality": "Reno"})).is_err());
        assert!(read(json!({"value": "x", "city": "Reno"})).is_err_and(|why| why.contains("city")));
        assert!(read(json!("1 Main St")).is_err());
    }
}
