//! What a record takes from the records folded into it.

use rust_decimal::Decimal;
use serde_json::Value;

use super::Row;
use crate::clean::{Cleaned, Outcome, Unreadable, code, money, numbers};
use crate::mapping::column::Column;
use crate::mapping::field::{Extra, Field, Fold, FoldOf, Kind};
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
    }
}

/// The live children that the field is about, in the order of their ids.
fn children<'a>(row: &Row<'a>, fold: &Fold) -> Vec<&'a SourceRecord> {
    let skip = row.mapping.object(fold.object).map(|rules| rules.skip.as_slice()).unwrap_or_default();
    let is_skipped = |child: &SourceRecord| {
        skip.iter().any(|skip| skip.conditions.iter().all(|condition| condition.holds(&child.payload)))
    };
    let mut children: Vec<&SourceRecord> = row
        .record
        .children
        .iter()
        .filter(|child| child.object == fold.object && !child.deleted && !is_skipped(child))
        .collect();
    children.sort_by_key(|child| natural_order(&child.id));
    children
}

fn sum(
    row: &Row<'_>,
    field: &Field,
    children: &[&SourceRecord],
    column: &Column,
) -> Result<Option<FieldValue>, Unreadable> {
    let defaults = &row.mapping.defaults;
    let currency_column = match &field.extra {
        Extra::Currency(column) => column.text(row.payload),
        _ => None,
    };
    let mut total: Option<Decimal> = None;
    let mut currency: Option<String> = None;
    for child in children {
        let value = column.value(&child.payload).unwrap_or(&Value::Null);
        let amount = if field.kind == Kind::Money {
            let read =
                money::money(value, currency_column.as_deref(), defaults).map_err(|error| incomplete(child, &error))?;
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
