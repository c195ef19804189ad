//! What a record takes from the records folded into it.

use std::borrow::Cow;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::Row;
use crate::clean::{Cleaned, Outcome, Unreadable, code, dates, money, numbers};
use crate::mapping::column::Column;
use crate::mapping::field::{Extra, Field, Fold, FoldOf, Kind, Pick};
use crate::record::{FieldValue, SourceRecord};

/// The folded value; nothing without children. A sum of which one part cannot be read is left out as a whole, since half
/// a sum is a wrong number.
pub(super) fn folded(row: &Row<'_>, field: &Field, fold: &Fold) -> Outcome<Option<FieldValue>> {
    let children = children(row, fold);
    if children.is_empty() {
        return Ok(Cleaned::plain(None));
    }
    match &fold.of {
        FoldOf::Count => Ok(Cleaned::plain(Some(FieldValue::Number(Decimal::from(children.len()))))),
        FoldOf::Sum(column) => sum(row, field, &children, column).map(Cleaned::plain),
        FoldOf::List(template) => {
            let lines: Vec<String> =
                children.iter().filter_map(|child| template.render(&child.payload, &row.mapping.owners)).collect();
            Ok(crate::clean::text::block(&lines.join("\n"))
                .map(|text| (!text.is_empty()).then_some(FieldValue::Text(text))))
        }
        // Read as a field of its own: see `value`.
        FoldOf::Pick(_) => Ok(Cleaned::plain(None)),
    }
}

/// The live children that the field is about, in the order of their ids.
fn children<'a>(row: &Row<'a>, fold: &Fold) -> Vec<&'a SourceRecord> {
    let rules = row.mapping.object(fold.object);
    let is_skipped = |child: &SourceRecord| rules.is_some_and(|rules| rules.skipped(&child.payload).is_some());
    let mut children: Vec<&SourceRecord> = row
        .record
        .children
        .iter()
        .filter(|child| child.object == fold.object && !child.deleted && !is_skipped(child))
        .filter(|child| fold.only.iter().all(|condition| condition.holds(&child.payload)))
        .collect();
    children.sort_by_key(|child| natural_order(&child.id));
    children
}

/// The child whose value is meant; `None` where there are not so many.
pub(super) fn picked<'a>(row: &Row<'a>, fold: &Fold, pick: &Pick) -> Option<&'a SourceRecord> {
    let mut children = children(row, fold);
    if let Some(by) = &pick.by {
        // The order of equals stays.
        children.sort_by_cached_key(|child| when(by, child, row));
    }
    let place = if pick.from_end { children.len().checked_sub(pick.nth)? } else { pick.nth - 1 };
    children.get(place).copied()
}

/// What puts children in order: nothing before a time, and a time before any other text.
fn when(by: &Column, child: &SourceRecord, row: &Row<'_>) -> (u8, Option<Timestamp>, Option<Decimal>, String) {
    let defaults = &row.mapping.defaults;
    let Some(text) = by.text(&child.payload) else { return (0, None, None, String::new()) };
    if let Ok(Cleaned { value: Some(time), .. }) = dates::timestamp(&text, defaults) {
        return (1, Some(time), None, String::new());
    }
    match numbers::number(&text, defaults.decimal_sign) {
        Ok(Cleaned { value: Some(number), .. }) => (1, None, Some(number), String::new()),
        _ => (0, None, None, text.into_owned()),
    }
}

fn sum(
    row: &Row<'_>,
    field: &Field,
    children: &[&SourceRecord],
    column: &Column,
) -> Result<Option<FieldValue>, Unreadable> {
    let defaults = &row.mapping.defaults;
    let currency_of = |child: &SourceRecord| match &field.extra {
        // The child's own goes before that of the row it is folded into.
        Extra::Currency(column) => {
            column.text(&child.payload).or_else(|| column.text(row.payload)).map(Cow::into_owned)
        }
        _ => None,
    };
    let mut total: Option<Decimal> = None;
    let mut currency: Option<String> = None;
    for child in children {
        let value = column.value(&child.payload).unwrap_or(&Value::Null);
        let amount = if field.kind == Kind::Money {
            let read = money::money(value, currency_of(child).as_deref(), defaults)
                .map_err(|error| incomplete(child, &error))?;
            let Some(own) = read.value else { continue };
            if currency.get_or_insert_with(|| own.currency.clone()) != &own.currency {
                return Err(Unreadable::new(
                    code::FOLD_INCOMPLETE,
                    &own.currency,
                    format!("is another currency, in {} {}", child.object, child.id),
                ));
            }
            own.amount
        } else {
            let text = column.text(&child.payload).unwrap_or_default();
            let read = numbers::number(&text, defaults.decimal_sign).map_err(|error| incomplete(child, &error))?;
            let Some(own) = read.value else { continue };
            own
        };
        let added = total.unwrap_or(Decimal::ZERO).checked_add(amount);
        total =
            Some(added.ok_or_else(|| {
                Unreadable::new(code::FOLD_INCOMPLETE, &amount.to_string(), "makes the sum too large")
            })?);
    }
    Ok(total.map(|amount| match currency {
        Some(currency) => FieldValue::Money { amount, currency },
        None => FieldValue::Number(amount),
    }))
}

fn incomplete(child: &SourceRecord, error: &Unreadable) -> Unreadable {
    Unreadable {
        code: code::FOLD_INCOMPLETE,
        value: error.value.clone(),
        reason: format!("{}, in {} {}", error.reason, child.object, child.id),
    }
}

/// Sorts numbers by value and before texts: 2 before 10 before `a`.
pub(super) fn natural_order(text: &str) -> (bool, u64, String) {
    match text.parse::<u64>() {
        Ok(number) => (false, number, String::new()),
        Err(_) => (true, 0, text.to_owned()),
    }
}
