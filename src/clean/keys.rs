//! Keys by which records are found to be the same, or alike.

use crate::mapping::column::Payload;
use crate::mapping::defaults::Defaults;
use crate::mapping::object::{KeyClean, KeyPart};
use crate::mapping::owners::Owners;
use crate::record::fold_name;

use super::{emails, names, phones};

/// Parts the pieces of a key; no cleaned value holds it, because cleaning removes control characters.
pub(super) const BETWEEN: char = '\u{1f}';

/// The key of a row, made of its cleaned parts; `None` without parts, or when a required one is empty.
#[must_use]
pub fn key(parts: &[KeyPart], payload: &Payload, owners: &Owners, defaults: &Defaults) -> Option<String> {
    if parts.is_empty() {
        return None;
    }
    let mut key = String::with_capacity(64);
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            key.push(BETWEEN);
        }
        let text = part.from.text(payload, owners).unwrap_or_default();
        let cleaned = if text.is_empty() { String::new() } else { cleaned(&text, part.clean, defaults) };
        if cleaned.is_empty() && part.required {
            return None;
        }
        key.push_str(&cleaned);
    }
    Some(key)
}

fn cleaned(text: &str, clean: KeyClean, defaults: &Defaults) -> String {
    let mut values = values(text, clean, defaults);
    values.sort_unstable();
    values.join(";")
}

/// The values in a text, each in the form in which equal ones are the same: several for addresses and numbers, one for
/// everything else.
#[must_use]
pub fn values(text: &str, clean: KeyClean, defaults: &Defaults) -> Vec<String> {
    match clean {
        KeyClean::Exact => vec![text.replace(BETWEEN, " ")],
        KeyClean::Text => vec![fold_name(&super::text::line(text).value)],
        KeyClean::Name => vec![fold_name(&names::person(text).value)],
        KeyClean::Emails => emails::emails(text).value.into_iter().map(|address| address.to_lowercase()).collect(),
        KeyClean::Phones => phones::phones(text, defaults.phone_country).value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::mapping::Mapping;
    use crate::record::Object;

    #[track_caller]
    fn person_key(row: Value) -> Option<String> {
        let mapping = Mapping::promox();
        let person = mapping.destination(Object::Client, "person").expect("clients become persons");
        key(&person.duplicate_key, row.as_object().expect("an object"), &mapping.owners, &mapping.defaults)
    }

    #[test]
    fn equal_people_have_equal_keys() {
        let first = person_key(
            json!({"first_name": "Dana", "last_name": "Ruiz", "email": "Dana@X.org", "company": "Harbor  Foods"}),
        );
        let second = person_key(
            json!({"first_name": " DANA ", "last_name": "ruiz", "email": "mailto:dana@x.ORG", "company": "harbor foods "}),
        );
        assert_eq!(first.as_deref(), Some("dana@x.org\u{1f}dana ruiz\u{1f}harbor foods"));
        assert_eq!(first, second);
        let elsewhere =
            person_key(json!({"first_name": "Dana", "last_name": "Ruiz", "email": "dana@x.org", "company": "Other"}));
        assert_ne!(first, elsewhere);
    }

    #[test]
    fn without_an_address_nobody_is_merged() {
        assert_eq!(person_key(json!({"first_name": "Dana", "last_name": "Ruiz", "company": "Harbor"})), None);
        assert_eq!(person_key(json!({"first_name": "Dana", "email": "none@none.com", "company": "Harbor"})), None);
    }
}
