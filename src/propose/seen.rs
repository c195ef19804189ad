//! Names of columns that other CRMs have, each with the place that was proposed there and right.
//!
//! A name alone may be read wrongly with full conviction (`percent`, `topic`). Where a CRM that has the very same name
//! was proposed the same place without being known, and rightly, that is a second witness. `benches/map/fit.py` writes
//! the file.

use std::collections::{BTreeMap, HashSet};

use super::answer::Place;

/// The file that comes with the program: by place, words of names, parted by ";".
const FILE: &str = include_str!("vocabulary/seen.toml");

/// Names with their places.
#[derive(Debug, Default)]
pub struct Seen(HashSet<(String, String)>);

impl Seen {
    /// The names that come with the program.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub fn shipped() -> Result<Self, String> {
        let places: BTreeMap<String, String> = toml::from_str(FILE).map_err(|error| error.to_string())?;
        let names = |(place, names): (String, String)| {
            let each = names.split(';').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
            each.map(|name| (place.clone(), name)).collect::<Vec<_>>()
        };
        Ok(Self(places.into_iter().flat_map(names).collect()))
    }

    /// Another CRM has a column of these words that rightly went to this place.
    #[must_use]
    pub fn has(&self, words: &[String], place: &Place) -> bool {
        self.0.contains(&(place.to_string(), words.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Entity;

    #[test]
    fn a_name_that_many_have_was_seen_at_its_place_only() {
        let seen = Seen::shipped().expect("the file that comes with the program");
        let words = ["website".to_owned()];
        assert!(seen.has(&words, &Place::System(Entity::Organization, "website".to_owned())));
        assert!(!seen.has(&words, &Place::System(Entity::Organization, "name".to_owned())));
        assert!(!seen.has(&["zork".to_owned()], &Place::Leave));
    }
}
