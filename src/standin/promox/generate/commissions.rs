//! Commission records: none, one or two per project, with stated amounts that need not follow from base and rate.

use rand::Rng as _;
use serde::Serialize;
use serde_json::{Number, Value};

use super::super::account::instant;
use super::super::invent::{Dice, pick};
use super::super::mess::Mess;
use super::super::spell::{day, iso_day, money_number, money_parentheses, money_separators};
use super::{Sheet, World, owner, projects};
use crate::record::Object;

/// A commission's row.
#[derive(Serialize)]
pub(in super::super) struct CommissionRow {
    id: u64,
    project_id: u64,
    rep_id: String,
    rep_type: &'static str,
    basis: &'static str,
    base_amount: Value,
    rate: Value,
    amount: Value,
    split: i64,
    status: &'static str,
    paid_date: String,
    created_at: String,
    updated_at: String,
}

/// Makes the commissions. There are fewer than projects, so spreading them evenly leaves at most two on one.
pub(super) fn fill(world: &mut World, count: usize) {
    let mut sheet = world.sheet(Object::Commission);
    // The share that the second record of a project gets, and that project's number.
    let mut second: Option<(i64, usize)> = None;
    for number in 0..count {
        sheet.at(number);
        let (split, project) = match second.take() {
            Some(share) => share,
            None => {
                let project = number * world.projects.len() / count;
                let first = if number + 1 < count && sheet.takes(Mess::CommissionSplit) {
                    let first = pick(&mut sheet.dice, &[50, 60]);
                    let cut = if sheet.takes(Mess::SplitNotWhole) { 10 } else { 0 };
                    second = Some((100 - first - cut, project));
                    first
                } else {
                    100
                };
                (first, project)
            }
        };
        one(world, &mut sheet, project, split);
    }
    sheet.planter.report(&mut world.truth);
}

fn one(world: &mut World, sheet: &mut Sheet, project: usize, split: i64) {
    let fact = world.projects[project];
    let times = sheet.times(fact.created);
    let value = fact.cents.filter(|cents| *cents > 0).unwrap_or_else(|| projects::cents(&mut sheet.dice));
    let is_orphan = split == 100 && sheet.takes(Mess::OrphanCommission);
    let project_id =
        if is_orphan { sheet.purged_id(Object::Project) } else { world.table(Object::Project).id(project) };
    let rep_id = owner(&mut sheet.dice, &world.owners).id.clone();
    let id = sheet.next_id();
    let mut row = row(&mut sheet.dice, id, value, split);
    row.project_id = project_id;
    row.rep_id = rep_id;
    spoil_amount(sheet, &mut row, value);
    if row.status == "Paid" {
        row.paid_date = iso_day(day(times.updated), 0);
    }
    row.created_at = times.created_at;
    row.updated_at = instant(times.updated);
    world.table(Object::Commission).push(id, times.updated, &row);
}

/// A new unpaid commission without mess, for the sales team's edits.
pub(in super::super) fn fresh(dice: &mut Dice, id: u64, at: i64) -> CommissionRow {
    let cents = projects::cents(dice);
    let mut row = row(dice, id, cents, 100);
    row.status = "Unpaid";
    row.created_at = instant(at);
    row.updated_at = instant(at);
    row
}

impl CommissionRow {
    /// The same row of this project and representative.
    pub(in super::super) fn belonging_to(mut self, project_id: u64, rep_id: &str) -> Self {
        self.project_id = project_id;
        rep_id.clone_into(&mut self.rep_id);
        self
    }
}

fn spoil_amount(sheet: &mut Sheet, row: &mut CommissionRow, value: i64) {
    let stated = value / 8 + 1;
    let mess =
        sheet.first_due(&[Mess::CommissionNegative, Mess::CommissionEdited, Mess::ValueDollar, Mess::ValueSeparators]);
    match mess {
        Some(Mess::CommissionNegative) if sheet.turn(Mess::CommissionNegative).is_multiple_of(2) => {
            row.amount = Value::from(money_parentheses(stated));
        }
        Some(Mess::CommissionNegative) => row.amount = money_number(-stated),
        Some(Mess::CommissionEdited) => row.amount = money_number(stated),
        Some(Mess::ValueDollar) => row.amount = Value::from(format!("${}", money_separators(stated))),
        Some(_) => row.base_amount = Value::from(money_separators(value)),
        None => {}
    }
}

/// A clean row: the amount is base times rate times split, cut to whole cents. Links and times are still empty.
fn row(dice: &mut Dice, id: u64, value: i64, split: i64) -> CommissionRow {
    let is_margin = dice.random_bool(0.6);
    // Tenths of a percent: of the margin a rep gets much, of sales little.
    let tenths = if is_margin { pick(dice, &[350, 400, 450, 500]) } else { pick(dice, &[80, 100, 125]) };
    let base = if is_margin { value * dice.random_range(25..45) / 100 } else { value };
    CommissionRow {
        id,
        project_id: 0,
        rep_id: String::new(),
        rep_type: pick(dice, &["Client Rep", "Order Rep", "Order+Client Rep"]),
        basis: if is_margin { "Margin" } else { "Sales" },
        base_amount: money_number(base),
        rate: rate(dice, tenths),
        amount: money_number(base * tenths / 1_000 * split / 100),
        split,
        status: if dice.random_bool(0.6) { "Paid" } else { "Unpaid" },
        paid_date: String::new(),
        created_at: String::new(),
        updated_at: String::new(),
    }
}

/// A rate as `"40%"`, `"0.4"` or `40`, each a third of the time.
fn rate(dice: &mut Dice, tenths: i64) -> Value {
    let decimal = |scale| rust_decimal::Decimal::new(tenths, scale).normalize().to_string();
    match dice.random_range(0..3) {
        0 => Value::from(format!("{}%", decimal(1))),
        1 => Value::from(decimal(3)),
        _ => decimal(1).parse::<Number>().map_or(Value::Null, Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::super::invent::dice;
    use super::*;

    #[test]
    fn a_rate_has_three_forms() {
        let mut dice = dice(1, 0);
        let forms: BTreeSet<String> = (0..50).map(|_| rate(&mut dice, 125).to_string()).collect();
        assert_eq!(forms.into_iter().collect::<Vec<_>>(), ["\"0.125\"", "\"12.5%\"", "12.5"]);
    }
}
