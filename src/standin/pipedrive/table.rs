//! One kind of record in memory: by id for those who ask for one, and by id, add time and update time for lists, which
//! may lag behind.
//!
//! Rows are shared between the two sides, so an account costs its rows once. A list page takes time by the length of the
//! page, not of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::Moment;

/// What every record has. Serialized in the words of API v2.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub(super) struct Meta {
    pub(super) id: u64,
    pub(super) add_time: Timestamp,
    pub(super) update_time: Timestamp,
    pub(super) is_deleted: bool,
    /// Made through the API, not by people or with the account.
    #[serde(skip)]
    pub(super) by_api: bool,
    /// Changed in effect by an update through the API.
    #[serde(skip)]
    pub(super) changed_by_api: bool,
    /// Number of the write that left it so; orders late writes of one record.
    #[serde(skip)]
    version: u64,
}

impl Meta {
    /// The meta data of a new record; its id is given when it is written.
    pub(super) fn new(at: Timestamp, by_api: bool) -> Self {
        Self { id: 0, add_time: at, update_time: at, is_deleted: false, by_api, changed_by_api: false, version: 0 }
    }
}

/// A record that a [`Table`] can keep.
pub(super) trait Row: Clone + PartialEq {
    /// What every record has.
    fn meta(&self) -> &Meta;
    /// The same, to be changed.
    fn meta_mut(&mut self) -> &mut Meta;
}

/// All records of one kind, deleted ones too.
#[derive(Debug)]
pub(super) struct Table<R> {
    rows: BTreeMap<u64, Arc<R>>,
    shown: Shown<R>,
    /// Writes that lists do not show yet, by the moment they will.
    late: BTreeMap<(Moment, u64), Arc<R>>,
    /// What the search finds, and writes that it does not find yet, by the moment it will.
    found: BTreeMap<u64, Arc<R>>,
    unfound: BTreeMap<(Moment, u64), Arc<R>>,
    next_id: u64,
    writes: u64,
}

/// From when a write is seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shows {
    /// By lists; `None`: at once.
    pub(super) lists: Option<Moment>,
    /// By the search.
    pub(super) search: Moment,
    /// The present.
    pub(super) now: Moment,
}

impl From<Option<Moment>> for Shows {
    fn from(lists: Option<Moment>) -> Self {
        Self { lists, ..Self::default() }
    }
}

/// What lists show.
#[derive(Debug)]
pub(super) struct Shown<R> {
    rows: BTreeMap<u64, Arc<R>>,
    by_add: BTreeSet<(Timestamp, u64)>,
    by_update: BTreeSet<(Timestamp, u64)>,
}

/// An indexed order of a list; records with the same time are in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Id,
    AddTime,
    UpdateTime,
}

impl<R: Row> Table<R> {
    /// An empty table whose first record gets `first_id`.
    pub(super) fn new(first_id: u64) -> Self {
        let shown = Shown { rows: BTreeMap::new(), by_add: BTreeSet::new(), by_update: BTreeSet::new() };
        Self {
            rows: BTreeMap::new(),
            shown,
            late: BTreeMap::new(),
            found: BTreeMap::new(),
            unfound: BTreeMap::new(),
            next_id: first_id,
            writes: 0,
        }
    }

    /// The record as it is now, deleted or not.
    pub(super) fn get(&self, id: u64) -> Option<&Arc<R>> {
        self.rows.get(&id)
    }

    /// The record as it is now, unless it is deleted.
    pub(super) fn live(&self, id: u64) -> Option<&Arc<R>> {
        self.rows.get(&id).filter(|row| !row.meta().is_deleted)
    }

    /// All records as they are now, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<R>> {
        self.rows.values()
    }

    /// Adds a record under the next id, which is returned; lists and the search show it as `shows` says.
    pub(super) fn add(&mut self, mut row: R, shows: impl Into<Shows>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        row.meta_mut().id = id;
        self.put(row, shows);
        id
    }

    /// Replaces a record; lists and the search show the change as `shows` says.
    pub(super) fn put(&mut self, mut row: R, shows: impl Into<Shows>) {
        let shows = shows.into();
        self.writes += 1;
        row.meta_mut().version = self.writes;
        let row = Arc::new(row);
        self.rows.insert(row.meta().id, Arc::clone(&row));
        // Drained here too, because most accounts are never searched.
        self.index(shows.now);
        self.unfound.insert((shows.search, self.writes), Arc::clone(&row));
        match shows.lists {
            None => self.shown.put(row),
            Some(moment) => {
                self.late.insert((moment, self.writes), row);
            }
        }
    }

    /// The id of the next record.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// A table of records that have ids, all shown at once.
    pub(super) fn restore(rows: Vec<R>, next_id: u64) -> Self {
        let mut table = Self::new(next_id);
        for row in rows {
            table.put(row, None);
        }
        table
    }

    fn index(&mut self, now: Moment) {
        while let Some(entry) = self.unfound.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let row = entry.remove();
            let known = self.found.get(&row.meta().id);
            if known.is_none_or(|known| known.meta().version < row.meta().version) {
                self.found.insert(row.meta().id, row);
            }
        }
    }

    /// What the search finds at a moment, by id; records that were deleted since may be among it.
    pub(super) fn found(&mut self, now: Moment) -> impl Iterator<Item = &Arc<R>> {
        self.index(now);
        self.found.values().filter(|row| !row.meta().is_deleted)
    }

    /// What lists show at a moment.
    pub(super) fn shown(&mut self, now: Moment) -> &Shown<R> {
        while let Some(entry) = self.late.first_entry() {
            if entry.key().0 > now {
                break;
            }
            self.shown.put(entry.remove());
        }
        &self.shown
    }

    /// What lists show now, if everything due has been shown by [`Table::shown`].
    pub(super) fn settled(&self) -> &Shown<R> {
        &self.shown
    }
}

impl<R: Row> Shown<R> {
    fn put(&mut self, row: Arc<R>) {
        let meta = row.meta();
        let id = meta.id;
        if let Some(old) = self.rows.get(&id) {
            let old = old.meta();
            if old.version > meta.version {
                return;
            }
            let (added, updated) = ((old.add_time, id), (old.update_time, id));
            self.by_add.remove(&added);
            self.by_update.remove(&updated);
        }
        self.by_add.insert((meta.add_time, id));
        self.by_update.insert((meta.update_time, id));
        self.rows.insert(id, row);
    }

    /// A record as lists show it.
    pub(super) fn get(&self, id: u64) -> Option<&Arc<R>> {
        self.rows.get(&id)
    }

    /// Records in an order, from behind `after` (the time by which they are ordered, and the id). `within` bounds the
    /// time of the order: from the first instant, and before the second; it is not used in the order of ids.
    pub(super) fn walk<'table>(
        &'table self,
        order: Order,
        descending: bool,
        after: Option<(Timestamp, u64)>,
        within: (Option<Timestamp>, Option<Timestamp>),
    ) -> Box<dyn Iterator<Item = &'table Arc<R>> + 'table> {
        let index = match order {
            Order::Id => {
                let after = after.map(|(_, id)| id);
                return if descending {
                    let end = after.map_or(Bound::Unbounded, Bound::Excluded);
                    Box::new(self.rows.range((Bound::Unbounded, end)).rev().map(|(_, row)| row))
                } else {
                    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
                    Box::new(self.rows.range((start, Bound::Unbounded)).map(|(_, row)| row))
                };
            }
            Order::AddTime => &self.by_add,
            Order::UpdateTime => &self.by_update,
        };
        let mut start = within.0.map_or(Bound::Unbounded, |since| Bound::Included((since, 0)));
        let mut end = within.1.map_or(Bound::Unbounded, |until| Bound::Excluded((until, 0)));
        if let (Some(since), Some(until)) = within
            && since >= until
        {
            return Box::new(std::iter::empty());
        }
        if let Some(key) = after {
            // A key outside the bounds can only come from a cursor of another query: nothing is left, or all of it.
            if within.0.is_some_and(|since| key.0 < since) || within.1.is_some_and(|until| key.0 >= until) {
                return Box::new(std::iter::empty());
            }
            if descending {
                end = Bound::Excluded(key);
            } else {
                start = Bound::Excluded(key);
            }
        }
        let row = |(_, id): &(Timestamp, u64)| self.rows.get(id);
        if descending {
            Box::new(index.range((start, end)).rev().filter_map(row))
        } else {
            Box::new(index.range((start, end)).filter_map(row))
        }
    }

    /// The ids of records updated since an instant, ascending, if they are at most `limit`; else `None`.
    pub(super) fn few_since(&self, since: Timestamp, limit: usize) -> Option<Vec<u64>> {
        let mut ids = Vec::new();
        for (_, id) in self.by_update.range((since, 0)..) {
            if ids.len() == limit {
                return None;
            }
            ids.push(*id);
        }
        ids.sort_unstable();
        Some(ids)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Sample(Meta);

    impl Row for Sample {
        fn meta(&self) -> &Meta {
            &self.0
        }
        fn meta_mut(&mut self) -> &mut Meta {
            &mut self.0
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small instant")
    }

    fn filled() -> Table<Sample> {
        let mut table = Table::new(1);
        for second in [30, 10, 20, 10] {
            table.add(Sample(Meta::new(at(second), true)), None);
        }
        table
    }

    #[test]
    fn walks_in_every_order_from_a_key() {
        let table = filled();
        let check = |order, descending, after, within, expected: &[u64]| {
            let ids: Vec<u64> =
                table.settled().walk(order, descending, after, within).map(|row| row.meta().id).collect();
            assert_eq!(ids, expected, "{order:?} {descending} {after:?} {within:?}");
        };
        let all = (None, None);
        check(Order::Id, false, None, all, &[1, 2, 3, 4]);
        check(Order::Id, true, Some((at(0), 3)), all, &[2, 1]);
        check(Order::UpdateTime, false, None, all, &[2, 4, 3, 1]);
        check(Order::UpdateTime, false, Some((at(10), 2)), all, &[4, 3, 1]);
        check(Order::AddTime, true, Some((at(20), 3)), all, &[4, 2]);
        check(Order::UpdateTime, false, None, (Some(at(20)), None), &[3, 1]);
        check(Order::UpdateTime, false, None, (Some(at(10)), Some(at(30))), &[2, 4, 3]);
        check(Order::UpdateTime, true, None, (Some(at(40)), Some(at(30))), &[]);
        check(Order::UpdateTime, false, Some((at(10), 2)), (Some(at(20)), None), &[]);
    }

    #[test]
    fn lists_show_a_late_write_when_it_is_due_and_never_an_older_one_after_it() {
        let mut table = filled();
        let start = Moment::default();
        let second = Duration::from_secs(1);
        let write = |table: &mut Table<Sample>, update: i64, lag: u32| {
            let mut row = Sample::clone(table.get(1).expect("a row"));
            row.0.update_time = at(update);
            table.put(row, Some(start + second * lag));
        };
        write(&mut table, 100, 9);
        write(&mut table, 200, 3);
        let seen = |table: &mut Table<Sample>, after: u32| {
            table.shown(start + second * after).get(1).expect("a row").0.update_time
        };
        assert_eq!(table.get(1).map(|row| row.0.update_time), Some(at(200)));
        assert_eq!(seen(&mut table, 2), at(30));
        assert_eq!(seen(&mut table, 3), at(200));
        assert_eq!(seen(&mut table, 9), at(200));
        assert_eq!(table.settled().by_update.len(), 4);
        assert_eq!(table.settled().few_since(at(20), 2), Some(vec![1, 3]));
        assert_eq!(table.settled().few_since(at(10), 3), None);
    }
}
