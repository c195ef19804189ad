//! What hangs on deals, persons and organizations, counted for the rows of API v1. One pass over all records, so it takes
//! time by their number.

use std::collections::{HashMap, HashSet};

use jiff::civil::{Date, Time};
use serde_json::Value;

use super::deals::Deal;
use super::files::File;
use super::links::Linked;
use super::notes::Note;
use super::older;
use super::persons::Person;
use super::state::State;
use super::table::Row as _;

/// Deals by their status.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Deals {
    pub(super) open: u64,
    pub(super) won: u64,
    pub(super) lost: u64,
}

/// An activity that is the next or the last one.
#[derive(Debug, Clone)]
pub(super) struct Beside {
    pub(super) id: u64,
    pub(super) date: Date,
    pub(super) time: Option<Time>,
    /// Its row of API v2.
    pub(super) words: Value,
}

/// What hangs on one record.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    pub(super) notes: u64,
    pub(super) files: u64,
    pub(super) done: u64,
    pub(super) undone: u64,
    pub(super) products: u64,
    pub(super) participants: u64,
    pub(super) people: u64,
    pub(super) deals: Deals,
    pub(super) related: Deals,
    pub(super) participant_open: u64,
    pub(super) participant_closed: u64,
    /// The first activity that is not done, and the last that is.
    pub(super) next: Option<Beside>,
    pub(super) last: Option<Beside>,
}

/// What hangs on all records.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    deals: HashMap<u64, Tally>,
    persons: HashMap<u64, Tally>,
    organizations: HashMap<u64, Tally>,
    none: Tally,
}

/// Deal, person and organization that a record hangs on.
type Parents = (Option<u64>, Option<u64>, Option<u64>);

impl Tallies {
    /// Counts everything that is not deleted.
    pub(super) fn of(state: &State) -> Self {
        let mut tallies = Self::default();
        tallies.each::<Note>(state, |tally| tally.notes += 1);
        tallies.each::<File>(state, |tally| tally.files += 1);
        tallies.count_activities(state);
        tallies.count_people(state);
        tallies.count_deals(state);
        for row in state.deal_products.iter().filter(|row| !row.meta().is_deleted) {
            tallies.deals.entry(row.deal_id()).or_default().products += 1;
        }
        tallies
    }

    pub(super) fn deal(&self, id: u64) -> &Tally {
        self.deals.get(&id).unwrap_or(&self.none)
    }

    pub(super) fn person(&self, id: u64) -> &Tally {
        self.persons.get(&id).unwrap_or(&self.none)
    }

    pub(super) fn organization(&self, id: u64) -> &Tally {
        self.organizations.get(&id).unwrap_or(&self.none)
    }

    fn each<R: Linked>(&mut self, state: &State, count: impl Fn(&mut Tally)) {
        for row in R::table(state).iter().filter(|row| !row.meta().is_deleted) {
            self.on(parents(row.as_ref()), &count);
        }
    }

    fn on(&mut self, (deal, person, organization): Parents, count: impl Fn(&mut Tally)) {
        for (id, all) in [(deal, &mut self.deals), (person, &mut self.persons), (organization, &mut self.organizations)]
        {
            if let Some(id) = id {
                count(all.entry(id).or_default());
            }
        }
    }

    fn count_activities(&mut self, state: &State) {
        for row in state.activities.iter().filter(|row| !row.meta().is_deleted) {
            let (done, date, time) = row.due();
            let beside = date.map(|date| Beside { id: row.meta().id, date, time, words: Value::Null });
            self.on(parents(row.as_ref()), |tally| {
                if done {
                    tally.done += 1
                } else {
                    tally.undone += 1
                }
                let at = |own: &Beside| (own.date, own.time, own.id);
                let slot = if done { &mut tally.last } else { &mut tally.next };
                let closer = beside.as_ref().is_some_and(|beside| {
                    slot.as_ref().is_none_or(|own| if done { at(beside) > at(own) } else { at(beside) < at(own) })
                });
                if closer {
                    slot.clone_from(&beside);
                }
            });
        }
        for tally in self.deals.values_mut() {
            if let Some(next) = &mut tally.next {
                next.words = older::newer::<super::activities::Activity>(state, next.id);
            }
        }
    }

    fn count_people(&mut self, state: &State) {
        for row in state.persons.iter().filter(|row| !row.meta().is_deleted) {
            if let (_, _, Some(id)) = parents::<Person>(row.as_ref()) {
                self.organizations.entry(id).or_default().people += 1;
            }
        }
    }

    fn count_deals(&mut self, state: &State) {
        let mut pairs = HashSet::new();
        for row in state.participants.iter().filter(|row| !row.meta().is_deleted) {
            let (deal, person) = row.pair();
            self.deals.entry(deal).or_default().participants += 1;
            pairs.insert((deal, person));
        }
        for row in state.deals.iter().filter(|row| !row.meta().is_deleted) {
            let (_, person, organization) = parents::<Deal>(row.as_ref());
            let add = |deals: &mut Deals| match row.status_text() {
                "won" => deals.won += 1,
                "lost" => deals.lost += 1,
                _ => deals.open += 1,
            };
            self.on((None, person, organization), |tally| add(&mut tally.deals));
            let employer = person.and_then(|id| parents::<Person>(state.persons.get(id)?.as_ref()).2);
            if let Some(employer) = employer.filter(|id| Some(*id) != organization) {
                add(&mut self.organizations.entry(employer).or_default().related);
            }
        }
        for (deal, person) in pairs {
            let Some(deal) = state.deals.live(deal) else { continue };
            let tally = self.persons.entry(person).or_default();
            if deal.status_text() == "open" { tally.participant_open += 1 } else { tally.participant_closed += 1 }
        }
    }
}

/// What a record hangs on.
fn parents<R: Linked>(row: &R) -> Parents {
    let mut row = row.clone();
    let links = row.links_mut();
    let id = |slot: Option<&mut Option<u64>>| slot.and_then(|own| *own);
    (id(links.deal), id(links.person), id(links.organization))
}
