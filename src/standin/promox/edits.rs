//! The sales team at work while the migration runs: rounds of edits, the same for the same seed, round and account.
//!
//! A round changes about one record in 200: values and stages of projects, phones and titles of clients, tasks done,
//! commission amounts, new records, a deletion or two, and rows that are only saved again.

use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::account::{Account, instant};
use super::generate::clients;
use super::generate::commissions;
use super::generate::history::{self, Anchor};
use super::generate::projects::{self, status_of};
use super::generate::{PIPELINES, first_id, owner};
use super::invent::{Dice, dice, pick};
use super::spell::{Phone, money_number};
use super::words::{CITIES, TITLES};
use crate::record::{Object, named_enum};

/// One record in so many is edited in a round.
const EDITED_ONE_IN: usize = 200;

/// The fewest edits of a round.
const EDITS_MIN: usize = 6;

/// How often another row is tried when one was already edited in the round.
const TRIES: usize = 50;

/// Streams of dice below this belong to the tables.
const EDIT_STREAMS: u64 = 1_000;

named_enum! {
    /// What an edit did to a row.
    EditKind {
        /// A field changed.
        Changed = "changed",
        /// The row is new.
        Created = "created",
        /// The row was deleted.
        Deleted = "deleted",
        /// The row was saved without a change: only `updated_at` moved.
        Touched = "touched",
    }
}

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Kind of the record.
    pub object: Object,
    /// Its id.
    pub id: u64,
    /// What happened to it.
    pub kind: EditKind,
}

/// What a round of edits did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EditSummary {
    /// Number of the round.
    pub round: u32,
    /// The `updated_at` of all its rows.
    pub at: String,
    /// The edits in order; a row appears at most once.
    pub edits: Vec<Edit>,
}

impl EditSummary {
    /// How many edits of a kind the round has.
    #[must_use]
    pub fn count(&self, kind: EditKind) -> usize {
        self.edits.iter().filter(|edit| edit.kind == kind).count()
    }
}

#[derive(Clone, Copy)]
enum Step {
    ProjectValue,
    ClientPhone,
    TaskDone,
    NewNote,
    CommissionAmount,
    DeleteTask,
    Touch,
    NewClient,
    ProjectStage,
    NewProject,
    ClientTitle,
    NewTask,
    NewCommission,
    DeleteNote,
}

/// Steps follow one another in this order; a round starts where the round before left off in the smallest accounts.
const STEPS: [Step; 14] = [
    Step::ProjectValue,
    Step::ClientPhone,
    Step::TaskDone,
    Step::NewNote,
    Step::CommissionAmount,
    Step::DeleteTask,
    Step::Touch,
    Step::NewClient,
    Step::ProjectStage,
    Step::NewProject,
    Step::ClientTitle,
    Step::NewTask,
    Step::NewCommission,
    Step::DeleteNote,
];

impl Account {
    /// Makes a round of edits; every row it edits is updated at `now`, cut to whole seconds. A round that was made before
    /// is not made again: its summary comes back.
    pub fn edit_round(&mut self, round: u32, now: Timestamp) -> EditSummary {
        if let Some(made) = self.rounds.get(&round) {
            return made.clone();
        }
        let at = now.as_second();
        let count = (self.records() / EDITED_ONE_IN).max(EDITS_MIN);
        let start = (round as usize % STEPS.len()) * EDITS_MIN;
        let mut desk = Desk {
            dice: dice(self.seed, EDIT_STREAMS + u64::from(round)),
            account: self,
            at,
            edited: HashSet::new(),
            edits: Vec::with_capacity(count),
        };
        for number in 0..count {
            let step = STEPS[(start + number) % STEPS.len()];
            // One deletion of each kind is enough; later ones only save a row.
            let is_repeated = number >= STEPS.len() && matches!(step, Step::DeleteTask | Step::DeleteNote);
            desk.make(if is_repeated { Step::Touch } else { step });
        }
        let edits = desk.edits;
        self.tables.values_mut().for_each(super::account::Table::index);
        let summary = EditSummary { round, at: instant(at), edits };
        self.rounds.insert(round, summary.clone());
        summary
    }
}

/// A round while it is made.
struct Desk<'account> {
    dice: Dice,
    account: &'account mut Account,
    /// Seconds since 1970.
    at: i64,
    edited: HashSet<(Object, u64)>,
    edits: Vec<Edit>,
}

impl Desk<'_> {
    fn make(&mut self, step: Step) {
        match step {
            Step::ProjectValue => self.change(Object::Project, |row, dice, _| {
                let cents = projects::cents(dice);
                set_other(row, "value", [cents, cents + 100].map(money_number));
            }),
            Step::ProjectStage => self.change(Object::Project, move_stage),
            Step::ClientPhone => self.change(Object::Client, |row, dice, _| {
                let phone = Phone { area: pick(dice, CITIES).3, line: dice.random_range(100..199) };
                let next = Phone { line: phone.line + 1, ..phone };
                set_other(row, "phone", [phone, next].map(|phone| Value::from(phone.plain(0))));
            }),
            Step::ClientTitle => self.change(Object::Client, |row, dice, _| {
                let place = dice.random_range(1..TITLES.len());
                set_other(row, "title", [TITLES[place], TITLES[place - 1]].map(Value::from));
            }),
            Step::TaskDone => self.change(Object::Task, finish_task),
            Step::CommissionAmount => self.change(Object::Commission, |row, dice, _| {
                let cents = projects::cents(dice) / 8;
                set_other(row, "amount", [cents, cents + 100].map(money_number));
            }),
            Step::Touch => {
                let object = pick(&mut self.dice, &[Object::Client, Object::Project, Object::Lead]);
                self.write(object, EditKind::Touched, |_, _, _| {});
            }
            Step::DeleteTask => self.delete(Object::Task),
            Step::DeleteNote => self.delete(Object::Note),
            Step::NewClient => self.add(Object::Client),
            Step::NewProject => self.add(Object::Project),
            Step::NewTask => self.add(Object::Task),
            Step::NewNote => self.add(Object::Note),
            Step::NewCommission => self.add(Object::Commission),
        }
    }

    fn change(&mut self, object: Object, edit: impl FnOnce(&mut Map<String, Value>, &mut Dice, i64)) {
        self.write(object, EditKind::Changed, edit);
    }

    fn write(&mut self, object: Object, kind: EditKind, edit: impl FnOnce(&mut Map<String, Value>, &mut Dice, i64)) {
        let Some(number) = self.untouched(object) else { return };
        let (id, mut row) = self.account.table(object).row(number);
        edit(&mut row, &mut self.dice, self.at);
        row.insert("updated_at".to_owned(), Value::from(instant(self.at)));
        self.account.table_mut(object).replace(number, self.at, &row);
        self.note(object, id, kind);
    }

    fn delete(&mut self, object: Object) {
        let Some(number) = self.untouched(object) else { return };
        let id = self.account.table(object).id(number);
        self.account.table_mut(object).delete(number, self.at);
        self.note(object, id, EditKind::Deleted);
    }

    fn add(&mut self, object: Object) {
        let (at, dice) = (self.at, &mut self.dice);
        let owner_id = owner(dice, &self.account.owners).id.clone();
        let client_id = random_id(self.account, Object::Client, dice);
        let project_id = random_id(self.account, Object::Project, dice);
        let id = self.account.table(object).next_id(first_id(object));
        match object {
            Object::Client => {
                let row = clients::fresh(dice, &mut self.account.registry, id, at).owned_by(&owner_id);
                self.account.table_mut(object).push(id, at, &row);
            }
            Object::Project => {
                let row = projects::fresh(dice, id, at).belonging_to(client_id, &owner_id);
                self.account.table_mut(object).push(id, at, &row);
            }
            Object::Commission => {
                let row = commissions::fresh(dice, id, at).belonging_to(project_id, &owner_id);
                self.account.table_mut(object).push(id, at, &row);
            }
            Object::Task => {
                let row = history::fresh_task(dice, id, &Anchor::new("project", project_id), at).assigned_to(&owner_id);
                self.account.table_mut(object).push(id, at, &row);
            }
            _ => {
                let row = history::fresh_note(dice, id, &Anchor::new("client", client_id), at).written_by(&owner_id);
                self.account.table_mut(object).push(id, at, &row);
            }
        }
        self.note(object, id, EditKind::Created);
    }

    fn note(&mut self, object: Object, id: u64, kind: EditKind) {
        self.edited.insert((object, id));
        self.edits.push(Edit { object, id, kind });
    }

    /// Number of a random row that this round has not edited; `None` if there is hardly one left.
    fn untouched(&mut self, object: Object) -> Option<usize> {
        let table = self.account.table(object);
        let count = table.len();
        (0..TRIES).filter(|_| count > 0).find_map(|_| {
            let number = self.dice.random_range(0..count);
            (!self.edited.contains(&(object, table.id(number)))).then_some(number)
        })
    }
}

fn random_id(account: &Account, object: Object, dice: &mut Dice) -> u64 {
    let table = account.table(object);
    table.id(dice.random_range(0..table.len()))
}

/// Sets the field to the first of two values that differs from what it holds.
fn set_other(row: &mut Map<String, Value>, field: &str, values: [Value; 2]) {
    let [first, second] = values;
    let value = if row.get(field) == Some(&first) { second } else { first };
    row.insert(field.to_owned(), value);
}

/// Moves a project to another stage of its pipeline; its status follows.
fn move_stage(row: &mut Map<String, Value>, dice: &mut Dice, at: i64) {
    let pipeline_id = row.get("pipeline_id").and_then(Value::as_u64);
    let Some(pipeline) = PIPELINES.iter().find(|pipeline| Some(pipeline.id) == pipeline_id) else { return };
    let current = row.get("stage").and_then(Value::as_str).unwrap_or_default();
    let others: Vec<_> = pipeline.stages.iter().filter(|stage| !stage.name.eq_ignore_ascii_case(current)).collect();
    let stage = pick(dice, &others);
    let status = status_of(stage.kind);
    let closed_at = if status == "open" { Value::Null } else { Value::from(instant(at)) };
    row.insert("stage".to_owned(), Value::from(stage.name));
    row.insert("status".to_owned(), Value::from(status));
    row.insert("closed_at".to_owned(), closed_at);
}

/// Marks an open task as done, or opens a done one again.
fn finish_task(row: &mut Map<String, Value>, _dice: &mut Dice, at: i64) {
    let was_open = row.get("status").and_then(Value::as_str) == Some("open");
    let completed_at = if was_open { Value::from(instant(at)) } else { Value::Null };
    row.insert("status".to_owned(), Value::from(if was_open { "done" } else { "open" }));
    row.insert("completed_at".to_owned(), completed_at);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::generate::generate;
    use super::*;

    const START: &str = "2026-03-02T15:00:00Z";
    const LATER: &str = "2026-03-02T16:30:00.7Z";

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a valid instant")
    }

    fn by_id(account: &Account, object: Object) -> BTreeMap<u64, Value> {
        let rows = account.rows(object).into_iter();
        rows.filter_map(|row| Some((row.get("id")?.as_u64()?, row))).collect()
    }

    #[test]
    fn a_round_does_what_it_says_and_nothing_else() {
        let (mut account, before) = (generate(5_000, 3, at(START)), generate(5_000, 3, at(START)));
        let summary = account.edit_round(1, at(LATER));
        assert_eq!(summary.edits.len(), 25);
        assert_eq!(summary.at, "2026-03-02T16:30:00Z");
        let mut told: BTreeMap<(Object, u64), EditKind> = BTreeMap::new();
        for edit in &summary.edits {
            assert_eq!(told.insert((edit.object, edit.id), edit.kind), None, "{edit:?} comes twice");
        }
        for object in [Object::Client, Object::Lead, Object::Project, Object::Commission, Object::Task, Object::Note] {
            let (old, new) = (by_id(&before, object), by_id(&account, object));
            let ids: HashSet<u64> = old.keys().chain(new.keys()).copied().collect();
            for id in ids {
                let seen = match (old.get(&id), new.get(&id)) {
                    (None, Some(_)) => Some(EditKind::Created),
                    (Some(_), None) => Some(EditKind::Deleted),
                    (Some(old), Some(new)) if old == new => None,
                    (Some(old), Some(new)) if without_time(old) == without_time(new) => Some(EditKind::Touched),
                    _ => Some(EditKind::Changed),
                };
                assert_eq!(told.get(&(object, id)).copied(), seen, "{object} {id}");
            }
        }
    }

    fn without_time(row: &Value) -> Value {
        let mut row = row.clone();
        if let Some(fields) = row.as_object_mut() {
            fields.remove("updated_at");
        }
        row
    }

    #[test]
    fn rounds_are_the_same_for_the_same_seed_and_made_once() {
        let (mut one, mut two) = (generate(600, 3, at(START)), generate(600, 3, at(START)));
        for round in 1..5 {
            assert_eq!(one.edit_round(round, at(LATER)), two.edit_round(round, at(LATER)));
        }
        let records = one.records();
        assert_eq!(one.edit_round(4, at("2027-01-01T00:00:00Z")).at, "2026-03-02T16:30:00Z");
        assert_eq!(one.records(), records);
    }

    #[test]
    fn small_accounts_see_every_kind_of_edit_over_some_rounds() {
        let mut account = generate(100, 3, at(START));
        let mut kinds = HashSet::new();
        for round in 0..7 {
            let summary = account.edit_round(round, at(LATER));
            assert_eq!(summary.edits.len(), EDITS_MIN);
            kinds.extend(summary.edits.iter().map(|edit| edit.kind));
        }
        assert_eq!(kinds.len(), EditKind::ALL.len());
    }
}
