//! Projects: promo orders of clients, with the mess in money, dates, stages and links.

use jiff::civil::Date;
use rand::Rng as _;
use serde::Serialize;
use serde_json::Value;

use super::super::account::instant;
use super::super::invent::{Dice, pick, sentences};
use super::super::mess::Mess;
use super::super::spell::{day, iso_day, money_number, money_parentheses, money_separators, respelled, us_day};
use super::super::words::{DECORATIONS, FULFILLMENT, FULFILLMENT_CODES, OCCASIONS, PRODUCTS, PROJECT_KINDS};
use super::people::{PIPELINES, PipelinePlan, RETIRED_STAGE, StagePlan};
use super::{ProjectFact, Sheet, World, owner};
use crate::record::Object;

/// A project's row.
#[derive(Serialize)]
pub(in super::super) struct ProjectRow {
    id: u64,
    number: String,
    name: String,
    client_id: Option<u64>,
    owner_id: String,
    pipeline_id: u64,
    stage: String,
    status: &'static str,
    value: Value,
    currency: &'static str,
    order_date: String,
    in_hands_date: String,
    expected_close: String,
    closed_at: Option<String>,
    rush: u8,
    customer_po: String,
    fulfillment_status: &'static str,
    decoration_method: &'static str,
    notes_internal: String,
    created_at: String,
    updated_at: String,
}

/// Makes the projects.
pub(super) fn fill(world: &mut World, count: usize) {
    let mut sheet = world.sheet(Object::Project);
    for number in 0..count {
        sheet.at(number);
        let id = sheet.next_id();
        let (client_id, client_created) = client(world, &mut sheet);
        let times = sheet.times(client_created);
        let cents = cents(&mut sheet.dice);
        let mut row = row(&mut sheet.dice, id, cents, times.created);
        row.client_id = client_id;
        row.owner_id = owner(&mut sheet.dice, &world.owners).id.clone();
        if row.status != "open" {
            row.closed_at = Some(instant(sheet.dice.random_range(times.created..=times.updated)));
        }
        let known = spoil_value(&mut sheet, &mut row, cents);
        spoil_dates(&mut sheet, &mut row);
        spoil_names(&mut sheet, &mut row);
        row.created_at = times.created_at;
        row.updated_at = instant(times.updated);
        world.table(Object::Project).push(id, times.updated, &row);
        world.projects.push(ProjectFact { created: times.created, cents: known });
    }
    sheet.planter.report(&mut world.truth);
}

/// A new open project without mess, for the sales team's edits.
pub(in super::super) fn fresh(dice: &mut Dice, id: u64, at: i64) -> ProjectRow {
    let cents = cents(dice);
    let mut row = row(dice, id, cents, at);
    let pipeline = &PIPELINES[0];
    row.pipeline_id = pipeline.id;
    pipeline.stages[0].name.clone_into(&mut row.stage);
    row.status = "open";
    row.created_at = instant(at);
    row.updated_at = instant(at);
    row
}

impl ProjectRow {
    /// The same row with this client and owner.
    pub(in super::super) fn belonging_to(mut self, client_id: u64, owner_id: &str) -> Self {
        self.client_id = Some(client_id);
        owner_id.clone_into(&mut self.owner_id);
        self
    }
}

/// A project's value in cents: 8 to 36,000 dollars, half of them whole.
pub(in super::super) fn cents(dice: &mut Dice) -> i64 {
    let dollars = dice.random_range(8..900) * dice.random_range(1..40);
    if dice.random_bool(0.5) { dollars * 100 } else { dollars * 100 + dice.random_range(0..100) }
}

fn client(world: &mut World, sheet: &mut Sheet) -> (Option<u64>, i64) {
    if sheet.takes(Mess::OrphanProject) {
        return (Some(sheet.purged_id(Object::Client)), 0);
    }
    if sheet.takes(Mess::ProjectWithoutClient) {
        return (None, 0);
    }
    world.truth.projects_with_client += 1;
    let (id, created) = world.random_client(&mut sheet.dice);
    (Some(id), created)
}

fn spoil_value(sheet: &mut Sheet, row: &mut ProjectRow, cents: i64) -> Option<i64> {
    match sheet.first_due(&[Mess::CurrencyMissing, Mess::CurrencySign]) {
        Some(Mess::CurrencyMissing) => row.currency = "",
        Some(_) => row.currency = "$",
        None => {}
    }
    let mess = sheet.first_due(&[
        Mess::ValueToBeDone,
        Mess::ValueParentheses,
        Mess::ValueZero,
        Mess::ValueMissing,
        Mess::ValueDollar,
        Mess::ValueSeparators,
    ]);
    let (value, known) = match mess {
        Some(Mess::ValueToBeDone) => (Value::from("TBD"), None),
        Some(Mess::ValueParentheses) => (Value::from(money_parentheses(cents)), Some(-cents)),
        Some(Mess::ValueZero) => (Value::from(0), Some(0)),
        Some(Mess::ValueMissing) => (Value::Null, None),
        Some(Mess::ValueDollar) => (Value::from(format!("${}", money_separators(cents))), Some(cents)),
        Some(_) => (Value::from(money_separators(cents)), Some(cents)),
        None => return Some(cents),
    };
    row.value = value;
    known
}

fn spoil_dates(sheet: &mut Sheet, row: &mut ProjectRow) {
    match sheet.first_due(&[Mess::DateZero, Mess::DateNotAvailable]) {
        Some(Mess::DateZero) => "0000-00-00".clone_into(&mut row.in_hands_date),
        Some(_) => "N/A".clone_into(&mut row.in_hands_date),
        None => {}
    }
    if sheet.takes(Mess::DateMissing) {
        row.expected_close.clear();
    }
}

fn spoil_names(sheet: &mut Sheet, row: &mut ProjectRow) {
    match sheet.first_due(&[Mess::StageRetired, Mess::StageSpelling]) {
        Some(Mess::StageRetired) => RETIRED_STAGE.clone_into(&mut row.stage),
        Some(_) => row.stage = respelled(&row.stage, sheet.turn(Mess::StageSpelling)),
        None => {}
    }
    if sheet.row > 0 && sheet.takes(Mess::NumberTwice) {
        row.number = format!("P{}", row.id - 1);
    }
    if sheet.takes(Mess::TestOrder) {
        "TEST ORDER - do not ship".clone_into(&mut row.name);
    }
    if sheet.takes(Mess::OptionCode) {
        row.fulfillment_status = pick(&mut sheet.dice, FULFILLMENT_CODES);
    }
    if sheet.takes(Mess::NameEmoji) {
        row.name.push_str(" 🎁");
    }
}

/// A clean row; client, owner, closing time and times are still empty.
fn row(dice: &mut Dice, id: u64, cents: i64, created: i64) -> ProjectRow {
    let (pipeline, stage) = stage(dice);
    let ordered: Date = day(created);
    let lead_days = dice.random_range(10..60);
    let po = dice.random_range(1..90_000);
    ProjectRow {
        id,
        number: format!("P{id}"),
        name: name(dice),
        client_id: None,
        owner_id: String::new(),
        pipeline_id: pipeline.id,
        stage: stage.name.to_owned(),
        status: status_of(stage.kind),
        value: money_number(cents),
        currency: "USD",
        order_date: us_day(ordered),
        in_hands_date: iso_day(ordered, lead_days),
        expected_close: iso_day(ordered, lead_days / 2),
        closed_at: None,
        rush: u8::from(dice.random_bool(0.15)),
        customer_po: if dice.random_bool(0.75) { format!("{po:06}") } else { String::new() },
        fulfillment_status: pick(dice, FULFILLMENT),
        decoration_method: pick(dice, DECORATIONS),
        notes_internal: if dice.random_bool(0.5) { sentences(dice) } else { String::new() },
        created_at: String::new(),
        updated_at: String::new(),
    }
}

/// What a project's status says when its stage is of this kind.
pub(in super::super) fn status_of(kind: &str) -> &'static str {
    match kind {
        "won" => "complete",
        "lost" => "canceled",
        _ => "open",
    }
}

/// A pipeline for projects and one of its stages: half of all projects are won, one in eight is lost.
fn stage(dice: &mut Dice) -> (&'static PipelinePlan, StagePlan) {
    let pipeline = &PIPELINES[usize::from(dice.random_bool(0.25))];
    let kind = match dice.random_range(0..8) {
        0..4 => "won",
        4 => "lost",
        _ => "open",
    };
    let stages: Vec<StagePlan> = pipeline.stages.iter().filter(|stage| stage.kind == kind).copied().collect();
    (pipeline, pick(dice, &stages))
}

fn name(dice: &mut Dice) -> String {
    match dice.random_range(0..3) {
        0 => format!("{} {}", pick(dice, OCCASIONS), pick(dice, PROJECT_KINDS)),
        1 => format!("{} {}", dice.random_range(1..40) * 25, pick(dice, PRODUCTS)),
        _ => format!("{} {}", pick(dice, OCCASIONS), pick(dice, PRODUCTS)),
    }
}
