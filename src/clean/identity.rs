//! Who a source row is: its id, when it changed, whether it was deleted.

use serde_json::{Map, Value};

use super::dates;
use crate::error::{Error, Kind, Result};
use crate::mapping::defaults::Defaults;
use crate::mapping::object::ObjectRules;
use crate::record::{Place, SourceRecord};

/// Makes a source record of a row, by the mapping's rules for its object. Its children are empty.
///
/// A modified time that cannot be read counts as none: the row is then compared by its digest.
///
/// # Errors
/// [`Kind::Record`] when the row has no id.
pub fn source_record(
    rules: &ObjectRules,
    defaults: &Defaults,
    payload: Map<String, Value>,
    place: Place,
) -> Result<SourceRecord> {
    let Some(id) = rules.source_id(&payload) else {
        let columns: Vec<&str> = rules.id.iter().map(|column| column.name.as_str()).collect();
        return Err(Error::new(
            Kind::Record,
            format!("{place}: the {} has no id in {}", rules.object, columns.join(", ")),
        ));
    };
    let modified = rules
        .modified
        .as_ref()
        .and_then(|column| column.text(&payload))
        .and_then(|text| dates::timestamp(&text, defaults).ok())
        .and_then(|cleaned| cleaned.value);
    let deleted = rules.is_deleted(&payload);
    Ok(SourceRecord {
        object: rules.object,
        id: id.into(),
        payload,
        modified,
        deleted,
        place,
        children: Vec::new(),
        between: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::Mapping;
    use crate::record::Object;

    #[test]
    fn a_row_says_who_it_is() {
        let mapping = Mapping::promox();
        let rules = mapping.object(Object::Client).expect("clients are mapped");
        let make = |payload: Value| {
            let place = Place { origin: "clients".into(), row: 3 };
            source_record(rules, &mapping.defaults, payload.as_object().expect("an object").clone(), place)
        };
        let record = make(json!({"id": 4821, "updated_at": "2024-03-05T14:22:10Z"})).expect("an id");
        assert_eq!((&*record.id, record.deleted), ("4821", false));
        assert_eq!(record.modified, Some("2024-03-05T14:22:10Z".parse().expect("a timestamp")));
        assert!(make(json!({"id": 4821, "is_deleted": true})).expect("an id").deleted);
        let error = make(json!({"id": ""})).expect_err("no id");
        assert_eq!(error.to_string(), "clients row 3: the client has no id in id");
    }
}
