//! What becomes of real values: a few rows through the mapping, field by field.

use std::collections::BTreeMap;

use super::Rows;
use crate::clean::shown;
use crate::mapping::Mapping;
use crate::mapping::field::Field;
use crate::mapping::object::Destination;
use crate::record::{FieldValue, Finding, Object, SourceRecord};
use crate::report::review::{PREVIEWS_MAX, Preview};
use crate::stage::normalize::{Normalized, RoleResult, normalize};

/// Previews by object, role and position of the field.
pub(super) fn of(rows: &Rows, mapping: &Mapping) -> BTreeMap<(Object, String, usize), Vec<Preview>> {
    let mut previews: BTreeMap<(Object, String, usize), Vec<Preview>> = BTreeMap::new();
    for rules in &mapping.objects {
        let records = rows.get(&rules.object).map(|sample| sample.records.as_slice()).unwrap_or_default();
        for record in records {
            let Normalized::Roles(roles) = normalize(record, mapping, None) else { continue };
            for role in roles {
                let RoleResult::Draft { draft, findings } = role.result else { continue };
                // Each element of a nested list has a role of its own; a row's own columns say nothing of it.
                let Some(destination) = rules.destination(&role.role).filter(|to| to.each.is_none()) else { continue };
                for (position, field) in destination.fields.iter().enumerate() {
                    let key = (rules.object, destination.role.to_string(), position);
                    let known = previews.entry(key).or_default();
                    if known.len() >= PREVIEWS_MAX {
                        continue;
                    }
                    let value = draft.fields.iter().find(|(target, _)| *target == field.target).map(|(_, value)| value);
                    let preview = preview(record, (destination, position), value, &findings, mapping);
                    known.extend(preview.filter(|preview| !known.iter().any(|other| other.before == preview.before)));
                }
            }
        }
    }
    previews
}

/// The preview of one field on one row; `None` where the row has nothing for it.
fn preview(
    record: &SourceRecord,
    (destination, position): (&Destination, usize),
    value: Option<&FieldValue>,
    findings: &[Finding],
    mapping: &Mapping,
) -> Option<Preview> {
    let field = destination.fields.get(position)?;
    if !field.applies.holds(&record.payload) || is_taken(record, destination, position, mapping) {
        return None;
    }
    let before = before(record, field)?;
    let notes = findings.iter().filter(|finding| finding.field == field.label).map(|finding| shown(&finding.detail));
    Some(Preview { before, after: value.map(|value| shown(&words(value))).unwrap_or_default(), notes: notes.collect() })
}

/// Whether an earlier line gives this row's target its value.
fn is_taken(record: &SourceRecord, destination: &Destination, position: usize, mapping: &Mapping) -> bool {
    let target = &destination.fields[position].target;
    destination.fields[..position].iter().any(|earlier| {
        earlier.target == *target
            && earlier.applies.holds(&record.payload)
            && earlier.from.text(&record.payload, &mapping.owners).is_some()
    })
}

/// The values of the field's columns as the source holds them.
fn before(record: &SourceRecord, field: &Field) -> Option<String> {
    if let Some(fold) = &field.fold {
        let count = record.children.iter().filter(|child| child.object == fold.object).count();
        return (count > 0).then(|| format!("{count} × {}", fold.object));
    }
    let texts: Vec<String> = field
        .columns()
        .into_iter()
        .filter_map(|column| column.value(&record.payload))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned()))
        .filter(|text| !text.is_empty())
        .collect();
    (!texts.is_empty()).then(|| shown(&texts.join(" + ")))
}

/// A value as Pipedrive will hold it.
pub(super) fn words(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text)
        | FieldValue::Html(text)
        | FieldValue::Time(text)
        | FieldValue::Choice(text)
        | FieldValue::Address(text) => text.clone(),
        FieldValue::Owner(owner) => format!("the user for {owner}"),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Money { amount, currency } => format!("{amount} {currency}"),
        FieldValue::Date(day) => day.to_string(),
        FieldValue::Timestamp(instant) => instant.to_string(),
        FieldValue::Bool(flag) => (if *flag { "yes" } else { "no" }).to_owned(),
        FieldValue::Choices(options) => options.iter().cloned().collect::<Vec<_>>().join(", "),
        FieldValue::Emails(values) | FieldValue::Phones(values) => {
            values.iter().map(|contact| contact.value.as_str()).collect::<Vec<_>>().join(", ")
        }
        FieldValue::Link(link) => format!("the {} of {} {}", link.role, link.object, link.value),
        FieldValue::Stage { pipeline, stage } => match pipeline {
            Some(pipeline) => format!("{stage} in pipeline {pipeline}"),
            None => stage.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Sample;
    use super::*;
    use crate::record::Place;

    #[test]
    fn real_values_are_shown_before_and_after() {
        let record = |id: u64, email: &str, birthday: &str| SourceRecord {
            object: Object::Client,
            id: id.to_string().into(),
            payload: json!({"id": id, "first_name": "ruiz", "last_name": "Dana", "email": email, "birthday": birthday})
                .as_object()
                .expect("an object")
                .clone(),
            modified: None,
            deleted: false,
            place: Place { origin: "test".into(), row: id },
            children: Vec::new(),
            between: Vec::new(),
        };
        let records = vec![
            record(1, "A@X.org", "03/05/2024"),
            record(2, "A@X.org", "soon"),
            record(3, "", ""),
            record(4, "b@x.org", ""),
            record(5, "c@x.org", ""),
            record(6, "d@x.org", ""),
        ];
        let mapping = Mapping::promox();
        let rows: Rows = [(Object::Client, Sample { records, is_whole: true })].into_iter().collect();
        let previews = of(&rows, &mapping);
        let person = mapping.destination(Object::Client, "person").expect("a person");
        let of_target = |target: &str| {
            let position =
                person.fields.iter().position(|field| field.target.to_string() == target).expect("the field");
            let previews = &previews[&(Object::Client, "person".to_owned(), position)];
            previews.iter().map(|preview| (preview.before.as_str(), preview.after.as_str())).collect::<Vec<_>>()
        };
        assert_eq!(of_target("emails"), [("A@X.org", "A@x.org"), ("b@x.org", "b@x.org"), ("c@x.org", "c@x.org")]);
        assert_eq!(of_target("custom:Birthday"), [("03/05/2024", "2024-03-05"), ("soon", "")]);
        assert_eq!(of_target("phones"), []);
    }
}
