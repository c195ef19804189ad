//! Makes the account: the same number of records, seed and time always give the same bytes.
//!
//! Tables are made in the order in which rows point at one another. Each has its own dice and its own planter of mess, so
//! a change in one table leaves the others as they were.

pub(super) mod clients;
pub(super) mod commissions;
pub(super) mod history;
mod leads;
mod people;
pub(super) mod projects;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rand::Rng as _;

pub(super) use self::people::PIPELINES;
use super::account::{Account, OBJECTS, Owner, Table, instant};
use super::invent::{Dice, Registry, dice, pick};
use super::mess::{Mess, Planter, Truth};
use super::spell::{DAY, Markup, without_zone};
use crate::record::Object;

/// The smallest account in which every object has rows.
pub const RECORDS_MIN: usize = 30;

/// Shares of clients, leads, projects and commissions and tasks, per thousand of what owners and pipelines leave; notes
/// are the rest, about 127.
const SHARES: [(Object, usize); 5] = [
    (Object::Client, 301),
    (Object::Lead, 120),
    (Object::Project, 201),
    (Object::Commission, 120),
    (Object::Task, 131),
];

/// How far back the account's history goes.
const HISTORY_DAYS: i64 = 4 * 365;

/// Share of records owned by people who left.
const LEFT_OWNS: f64 = 0.06;

/// Makes an account with exactly `records` records over all objects, as it stands at `now`. Fewer than [`RECORDS_MIN`]
/// become [`RECORDS_MIN`].
#[must_use]
pub fn generate(records: usize, seed: u64, now: Timestamp) -> Account {
    let records = records.max(RECORDS_MIN);
    let mut world = World {
        seed,
        now: now.as_second(),
        registry: Registry::default(),
        owners: Vec::new(),
        tables: OBJECTS.iter().map(|(object, _)| (*object, Table::default())).collect(),
        truth: Truth::default(),
        client_created: Vec::new(),
        projects: Vec::new(),
    };
    people::owners(&mut world, owners_of(records));
    people::pipelines(&mut world);
    let left = records - world.owners.len() - PIPELINES.len();
    let sizes = sizes(left);
    clients::fill(&mut world, sizes[&Object::Client]);
    projects::fill(&mut world, sizes[&Object::Project]);
    leads::fill(&mut world, sizes[&Object::Lead]);
    commissions::fill(&mut world, sizes[&Object::Commission]);
    history::fill_tasks(&mut world, sizes[&Object::Task]);
    history::fill_notes(&mut world, sizes[&Object::Note]);
    let World { mut tables, owners, truth, registry, .. } = world;
    tables.values_mut().for_each(Table::index);
    Account { seed, tables, owners, truth, registry, rounds: BTreeMap::new() }
}

/// How many owners an account has: twelve for 5,000 records, five for the smallest, then one more per 20,000.
fn owners_of(records: usize) -> usize {
    if records < 200 { 5 } else { 12 + records.saturating_sub(5_000) / 20_000 }
}

fn sizes(left: usize) -> BTreeMap<Object, usize> {
    let mut sizes: BTreeMap<Object, usize> =
        SHARES.iter().map(|(object, share)| (*object, left * share / 1_000)).collect();
    let notes = left - sizes.values().sum::<usize>();
    sizes.insert(Object::Note, notes);
    sizes
}

/// The account while it is made.
pub(super) struct World {
    seed: u64,
    /// Seconds since 1970.
    now: i64,
    registry: Registry,
    owners: Vec<Owner>,
    tables: BTreeMap<Object, Table>,
    truth: Truth,
    /// When each client was created, by number.
    client_created: Vec<i64>,
    /// What later tables need to know of each project, by number.
    projects: Vec<ProjectFact>,
}

/// What commissions, tasks and notes need to know of their project.
#[derive(Clone, Copy)]
struct ProjectFact {
    created: i64,
    /// Its value if it has one.
    cents: Option<i64>,
}

impl World {
    fn sheet(&self, object: Object) -> Sheet {
        Sheet {
            object,
            now: self.now,
            dice: dice(self.seed, object as u64),
            planter: Planter::new(self.seed, object),
            row: 0,
            id: first_id(object),
        }
    }

    fn table(&mut self, object: Object) -> &mut Table {
        self.tables.get_mut(&object).expect("the world has a table for each object")
    }

    /// Id and creation time of a random row that others may point at: a client or a project.
    fn random_client(&mut self, dice: &mut Dice) -> (u64, i64) {
        let number = dice.random_range(0..self.client_created.len());
        (self.table(Object::Client).id(number), self.client_created[number])
    }
}

/// The dice, the mess and the place in one table while its rows are made.
struct Sheet {
    object: Object,
    now: i64,
    dice: Dice,
    planter: Planter,
    row: usize,
    id: u64,
}

/// When a row was made and last changed.
struct Times {
    /// Seconds since 1970.
    created: i64,
    /// As the row says it.
    created_at: String,
    /// Seconds since 1970, not before `created`, at least an hour before the account's time.
    updated: i64,
}

impl Sheet {
    /// Moves to the row of this number, from 0.
    fn at(&mut self, row: usize) {
        self.row = row;
        self.planter.at(row);
    }

    fn takes(&mut self, mess: Mess) -> bool {
        self.planter.takes(mess)
    }

    /// The first of these that is due.
    fn first_due(&mut self, candidates: &[Mess]) -> Option<Mess> {
        candidates.iter().copied().find(|mess| self.planter.takes(*mess))
    }

    /// Which of a few forms a mess takes: they take turns.
    fn turn(&self, mess: Mess) -> usize {
        self.row / mess.one_in()
    }

    fn next_id(&mut self) -> u64 {
        self.id += 1;
        self.id - 1
    }

    /// An id below all of this object's: such records were removed long ago.
    fn purged_id(&mut self, object: Object) -> u64 {
        self.dice.random_range(1..first_id(object))
    }

    fn times(&mut self, not_before: i64) -> Times {
        let latest = self.now - 7_200;
        let earliest = not_before.max(self.now - HISTORY_DAYS * DAY).min(latest - 1);
        let created = self.dice.random_range(earliest..latest);
        let updated = self.dice.random_range(created..self.now - 3_600);
        let zoneless = self.takes(Mess::CreatedWithoutZone);
        let created_at = if zoneless { without_zone(created) } else { instant(created) };
        Times { created, created_at, updated }
    }

    fn markup(&mut self) -> Markup {
        match self.first_due(&[Mess::HtmlScript, Mess::HtmlInlineImage, Mess::HtmlEscaped, Mess::HtmlWord]) {
            Some(Mess::HtmlScript) => Markup::Script,
            Some(Mess::HtmlInlineImage) => Markup::InlineImage,
            Some(Mess::HtmlEscaped) => Markup::Escaped,
            Some(_) => Markup::Word,
            None => Markup::Plain,
        }
    }
}

/// The lowest id of an object. Different for each, so that a link of the wrong kind is noticed.
pub(super) fn first_id(object: Object) -> u64 {
    match object {
        Object::Client => 4_001,
        Object::Lead => 9_001,
        Object::Project => 10_001,
        Object::Task => 30_001,
        Object::Note => 70_001,
        Object::Commission => 500_001,
        _ => 1,
    }
}

/// The owner of a record: mostly someone active.
pub(super) fn owner<'owners>(dice: &mut Dice, owners: &'owners [Owner]) -> &'owners Owner {
    let left = dice.random_bool(LEFT_OWNS);
    let candidates: Vec<&Owner> = owners.iter().filter(|owner| owner.active != left).collect();
    pick(dice, &candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up_exactly() {
        for left in [22, 100, 485, 4_985, 99_970, 999_900] {
            let sizes = sizes(left);
            assert_eq!(sizes.values().sum::<usize>(), left);
            assert!(sizes.values().all(|size| *size > 0), "{left}: {sizes:?}");
            assert!(sizes[&Object::Project] > sizes[&Object::Commission]);
        }
    }
}
