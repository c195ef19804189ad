//! Takes over into the text of a profile how columns are now. Whatever else stands there, comments and order too, stays.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Item, value};

use super::{FILE, Profile, ValueKind};
use crate::error::{Error, Kind, Result};
use crate::record::Object;

impl Profile {
    /// The text of a profile in which columns of an object are gone (`None`) or of another kind.
    ///
    /// # Errors
    /// `Settings` for a text that is no profile, before or after, or that does not speak of the object.
    pub fn with_columns(text: &str, object: Object, now: &BTreeMap<String, Option<ValueKind>>) -> Result<String> {
        let unknown = || Error::new(Kind::Settings, format!("{FILE} does not say what columns {object} has"));
        Self::parse(text)?;
        let mut document: DocumentMut =
            text.parse().map_err(|error| Error::new(Kind::Settings, format!("reading {FILE}")).because(error))?;
        let columns = document
            .get_mut("object")
            .and_then(|objects| objects.get_mut(object.as_str()))
            .and_then(|own| own.get_mut("columns"))
            .and_then(Item::as_table_like_mut)
            .ok_or_else(unknown)?;
        for (column, kind) in now {
            match kind {
                None => drop(columns.remove(column)),
                Some(kind) => drop(columns.insert(column, value(word(*kind)?))),
            }
        }
        let text = document.to_string();
        Self::parse(&text)?;
        Ok(text)
    }
}

/// A kind as a profile names it.
fn word(kind: ValueKind) -> Result<String> {
    let bug = |error: toml::ser::Error| Error::new(Kind::Bug, "a kind of value as TOML").because(error);
    let quoted = toml::Value::try_from(kind).map_err(bug)?;
    Ok(quoted.as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_taken_over_and_the_rest_stays() {
        let text = "# by Ada\nversion = 1\n\
                    [object.client]\npath = \"/clients\" # the list\n[object.client.columns]\nid = \"number\" # ours\n\
                    phone = \"text\"\nfax = \"text\"\n[object.lead]\npath = \"/leads\"\n";
        let now = [("phone".to_owned(), None), ("fax".to_owned(), Some(ValueKind::Object))].into();
        let edited = Profile::with_columns(text, Object::Client, &now).expect("a profile");
        let kept = ["# by Ada", "# the list", "id = \"number\" # ours"];
        assert!(kept.iter().all(|kept| edited.contains(kept)), "{edited}");
        let columns = Profile::parse(&edited).expect("it reads back").list(Object::Client).expect("a list").columns;
        let expected = [("id".to_owned(), ValueKind::Number), ("fax".to_owned(), ValueKind::Object)];
        assert_eq!(columns, expected.into(), "{edited}");
        assert!(Profile::with_columns(text, Object::Lead, &now).is_err());
        assert!(Profile::with_columns(text, Object::Task, &now).is_err());
        assert!(Profile::with_columns("version = 1\n[", Object::Client, &now).is_err());
    }
}
