//! What a record takes from the records folded into it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::Row;
use crate::clean::{Cleaned, Note, Outcome, Unreadable, code, dates, money, numbers};
use crate::mapping::column::Column;
use crate::mapping::defaults::Defaults;
use crate::mapping::field::{Extra, Field, Fold, FoldOf, Kind, Pick};
use crate::record::{FieldValue, Object, SourceRecord};

/// Records that a finding names; the reader finds the others by them.
const NAMED: usize = 5;

/// The folded value; nothing without children. A sum of which one part cannot be read is left out as a whole, since half
/// a sum is a wrong number.
pub(super) fn folded(row: &Row<'_>, field: &Field, fold: &Fold) -> Outcome<Option<FieldValue>> {
    let children = children(row, fold);
    if children.is_empty() {
        return Ok(Cleaned::plain(None));
    }
    match &fold.of {
        FoldOf::Count => Ok(Cleaned::plain(Some(FieldValue::Number(Decimal::from(children.len()))))),
        FoldOf::Sum(column) => sum(row, (field, fold), &children, column),
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
    (field, fold): (&Field, &Fold),
    children: &[&SourceRecord],
    column: &Column,
) -> Outcome<Option<FieldValue>> {
    let defaults = &row.mapping.defaults;
    let mut total: Option<Decimal> = None;
    let mut currency = fold.currency.clone();
    let mut aside = Aside::default();
    for child in children {
        let value = column.value(&child.payload).unwrap_or(&Value::Null);
        let amount = if field.kind == Kind::Money {
            let told = told_currency(row, field, child);
            let read = money::money(value, told.as_deref(), defaults).map_err(|error| incomplete(child, &error))?;
            let Some(own) = read.value else { continue };
            if let Some(wanted) = &fold.currency {
                // The default is nobody's word about this amount.
                let is_told = told.is_some_and(|told| money::currency(&told, defaults).is_some())
                    || names_currency(value, defaults);
                if !is_told {
                    aside.unknown.push(&child.id);
                    continue;
                }
                if own.currency != *wanted {
                    if sums(row, field, fold).all(|other| other.currency.as_ref() != Some(&own.currency)) {
                        aside.others.entry(own.currency).or_default().push(&child.id);
                    }
                    continue;
                }
            } else if currency.get_or_insert_with(|| own.currency.clone()) != &own.currency {
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
    let value = total.map(|amount| match currency {
        Some(currency) => FieldValue::Money { amount, currency },
        None => FieldValue::Number(amount),
    });
    // What no sum takes is told once, with the first of them.
    let tells = sums(row, field, fold).next().is_some_and(|first| std::ptr::eq(first, fold));
    Ok(Cleaned { value, notes: if tells { aside.notes(fold.object) } else { Vec::new() } })
}

/// What the currency of a child's amount is said to be: by the child itself, else by what it goes through, the nearest
/// first, and at last by the row that it is folded into.
fn told_currency(row: &Row<'_>, field: &Field, child: &SourceRecord) -> Option<String> {
    let Extra::Currency(column) = &field.extra else { return None };
    let between = child.between.iter().map(|between| &between.payload);
    let payloads = [&child.payload].into_iter().chain(between).chain([row.payload]);
    payloads.filter_map(|payload| column.text(payload)).next().map(Cow::into_owned)
}

/// Whether an amount names its currency itself: then another default makes no other amount of it.
fn names_currency(value: &Value, defaults: &Defaults) -> bool {
    let with = |currency: &str| {
        let defaults = Defaults { currency: currency.to_owned(), ..defaults.clone() };
        money::money(value, None, &defaults).ok().and_then(|read| read.value).map(|money| money.currency)
    };
    with("EUR") == with("USD") && with("USD") == with("CAD")
}

/// The sums of the same rows in one currency each, of the same record, in the mapping's order.
fn sums<'a>(row: &Row<'a>, field: &Field, fold: &'a Fold) -> impl Iterator<Item = &'a Fold> {
    let own = row.rules.to.iter().find(|to| to.fields.iter().any(|known| std::ptr::eq(known, field)));
    let folds = own.into_iter().flat_map(|to| &to.fields).filter_map(|field| field.fold.as_ref());
    folds.filter(|other| other.currency.is_some() && other.object == fold.object && other.of == fold.of)
}

/// Amounts that no sum takes.
#[derive(Default)]
struct Aside<'a> {
    unknown: Vec<&'a str>,
    others: BTreeMap<String, Vec<&'a str>>,
}

impl Aside<'_> {
    fn notes(self, object: Object) -> Vec<Note> {
        let told = |ids: &[&str]| {
            let more = ids.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{object} {}{more}", ids.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "))
        };
        let unknown = (!self.unknown.is_empty())
            .then(|| format!("nothing tells the currency of {}; the sums are without it", told(&self.unknown)));
        let others = self.others.iter().map(|(currency, ids)| {
            format!("the mapping has no sum in {currency}, the currency of {}; the sums are without it", told(ids))
        });
        unknown.into_iter().chain(others).map(|detail| Note::new(code::FOLD_INCOMPLETE, detail)).collect()
    }
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
