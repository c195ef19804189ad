//! One field of a draft: reads its value, cleans it as its kind says, and deals with what is missing or bad.

use std::borrow::Cow;

use serde_json::Value;

use super::convert::{Read, amount, body, converted, limited, one, within_length};
use super::folds::{folded, picked};
use super::{Rejection, Row};
use crate::clean::{Cleaned, Note, Outcome, Unreadable, address, code, formats, shown};
use crate::mapping::Mapping;
use crate::mapping::field::{Extra, Field, Fold, FoldOf, Kind, Origin, Other};
use crate::record::{Entity, FieldValue, Finding, LinkTarget, Target};

type Fields = Vec<(Target, FieldValue)>;

/// Fills one field of a draft. The first line of the mapping that gives a target a value wins.
///
/// # Errors
/// A required field has no value or one that cannot be read, and the mapping has no default.
pub(super) fn fill(
    row: &Row<'_>,
    field: &Field,
    fields: &mut Fields,
    findings: &mut Vec<Finding>,
) -> Result<(), Rejection> {
    if !field.applies.holds(row.payload) || fields.iter().any(|(target, _)| *target == field.target) {
        return Ok(());
    }
    let mut notes = Vec::new();
    let value = match read(row, field) {
        Ok(Cleaned { value: Some(value), notes: noticed }) => {
            notes = noticed;
            Some(value)
        }
        Ok(Cleaned { value: None, notes: noticed }) => {
            notes = noticed;
            if let Some(code) = &field.flag_missing {
                notes.push(missing(code, field));
            }
            default(row, field)
        }
        Err(unreadable) if field.required && field.default.is_none() => {
            let reason = unreadable.reason;
            return Err(Rejection { role: String::new(), field: field.label.clone(), value: unreadable.value, reason });
        }
        Err(unreadable) => {
            findings.push(unreadable.into_finding(&field.label));
            default(row, field)
        }
    };
    findings.extend(notes.into_iter().map(|note| note.into_finding(&field.label)));
    match value {
        Some(Read::One(value)) => fields.push((field.target.clone(), value)),
        Some(Read::DayAndTime(day, time)) => {
            fields.push((field.target.clone(), day));
            fields.push((Target::System("due_time".to_owned()), time));
        }
        None if field.required => {
            let reason = format!("is empty, and {} needs a value", field.target);
            return Err(Rejection { role: String::new(), field: field.label.clone(), value: String::new(), reason });
        }
        None => {}
    }
    Ok(())
}

fn missing(code: &str, field: &Field) -> Note {
    let detail = match &field.default {
        Some(default) => format!("is empty; {} was set to {default:?}", field.target),
        None => format!("is empty; {} was left out", field.target),
    };
    Note::new(code, detail)
}

/// The mapping's own text for a missing value. What it is was checked by whoever approved the mapping.
fn default(row: &Row<'_>, field: &Field) -> Option<Read> {
    let text = field.default.as_deref()?;
    converted(row, field, Cow::Borrowed(text)).ok().and_then(|cleaned| cleaned.value)
}

fn read(row: &Row<'_>, field: &Field) -> Outcome<Option<Read>> {
    if let Some(fold @ Fold { of: FoldOf::Pick(pick), .. }) = &field.fold {
        let Some(child) = picked(row, fold, pick) else { return Ok(Cleaned::plain(None)) };
        return read_row(&Row { payload: &child.payload, between: &child.between, ..*row }, field);
    }
    if let Some(fold) = &field.fold {
        let folded = folded(row, field, fold)?;
        let Cleaned { value: Some(FieldValue::Text(lines)), mut notes } = folded else {
            return Ok(folded.map(|value| value.and_then(one)));
        };
        let lines = within_length(lines, field)?.into_value(&mut notes);
        return Ok(Cleaned { value: one(FieldValue::Text(lines)), notes });
    }
    read_row(row, field)
}

/// Reads the field from the row itself, or from the child that stands in for it.
fn read_row(row: &Row<'_>, field: &Field) -> Outcome<Option<Read>> {
    if let Extra::OwnRole(role) = &field.extra {
        let link = || LinkTarget {
            object: row.record.object,
            role: role.clone(),
            value: row.record.id.to_string(),
            several: Vec::new(),
        };
        return Ok(Cleaned::plain(row.has_role(role).then(|| Read::One(FieldValue::Link(link())))));
    }
    // Amounts and addresses may be objects, which have no text of their own.
    if let (Kind::Money | Kind::Address, Some(value @ Value::Object(parts))) = (field.kind, raw(row, field)) {
        if field.kind == Kind::Money {
            return amount(row, field, value);
        }
        let cleaned = address::from_object(parts);
        return limited(cleaned, field, FieldValue::Address);
    }
    let Some(written) = field.from.text(row.payload, &row.mapping.owners) else {
        // A footer is worth a text of its own.
        return if matches!(field.extra, Extra::Footer(_)) { body(row, field, "") } else { Ok(Cleaned::plain(None)) };
    };
    let Some(written) = shaped(field, written)? else { return Ok(Cleaned::plain(None)) };
    let Some(values) = &field.values else { return in_format(row, field, written) };
    if let Some(meant) = values.get(&written) {
        return converted(row, field, Cow::Borrowed(meant));
    }
    match &values.other {
        Other::Keep => in_format(row, field, written),
        Other::Drop => Err(Unreadable::new(code::UNKNOWN_VALUE, &written, "is not among the values of the mapping")),
        Other::Use(other) => {
            let mut cleaned = converted(row, field, Cow::Borrowed(other))?;
            let detail = format!("{:?} is not among the values of the mapping; {other:?} was used", shown(&written));
            cleaned.notes.push(Note::new(code::UNKNOWN_VALUE, detail));
            Ok(cleaned)
        }
    }
}

/// The part of the text that is meant, and what it stands for; `None` when it has no such part.
fn shaped<'t>(field: &Field, written: Cow<'t, str>) -> Result<Option<Cow<'t, str>>, Unreadable> {
    let part = match &field.split {
        Some(split) if split.part.is_some() => match split.part(&written) {
            Some(part) => Cow::Owned(part.to_owned()),
            None => return Ok(None),
        },
        _ => written,
    };
    let Some(lookup) = &field.lookup else { return Ok(Some(part)) };
    match lookup.get(&part) {
        Some(meant) => Ok(Some(Cow::Owned(meant.to_owned()))),
        None => Err(Unreadable::new(
            code::UNKNOWN_VALUE,
            &part,
            format!("is not in column {} of {}", lookup.key, lookup.file),
        )),
    }
}

/// Reads a text of the source, in the format that the mapping names. What the mapping itself writes needs none.
fn in_format(row: &Row<'_>, field: &Field, written: Cow<'_, str>) -> Outcome<Option<Read>> {
    // A number of JSON has no marks of its own: the format is about texts.
    let is_number = || matches!(raw(row, field), Some(Value::Number(_)));
    let Some(format) = field.format.as_ref().filter(|_| !is_number()) else { return converted(row, field, written) };
    let canonical = formats::canonical(format, &written, row.mapping.defaults.decimal_sign)?;
    converted(row, field, canonical)
}

/// The raw value of the first column that has one.
fn raw<'a>(row: &Row<'a>, field: &'a Field) -> Option<&'a Value> {
    match &field.from {
        Origin::First(columns) => columns.iter().find(|column| column.is_filled(row.payload))?.value(row.payload),
        _ => None,
    }
}

/// Sets the status of a deal from its stage, where the mapping declares the stages and says so.
pub(super) fn status_from_stage(mapping: &Mapping, entity: Entity, fields: &mut Fields) {
    let status = Target::System("status".to_owned());
    if entity != Entity::Deal
        || !mapping.pipelines.status_from_stage
        || fields.iter().any(|(target, _)| *target == status)
    {
        return;
    }
    let stage = fields.iter().find_map(|(_, value)| match value {
        FieldValue::Stage { pipeline, stage } => mapping.pipelines.declared(pipeline.as_deref())?.stage(stage),
        _ => None,
    });
    if let Some(stage) = stage {
        let kind = stage.kind.as_str().to_owned();
        fields.push((status, FieldValue::Choice(kind)));
    }
}
