//! How far the migration is: written by the stages, read by the terminal, the status command and the metrics.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Parts that are done and not shown yet. Nobody may be looking, so they do not pile up.
const KEPT: usize = 64;

/// Progress of the present phase. Clones are the same progress.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    doing: Mutex<Doing>,
    ended: Mutex<VecDeque<Snapshot>>,
    done: AtomicU64,
    total: AtomicU64,
    writes: AtomicU64,
}

/// What is being done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doing {
    /// The phase: `survey`, `load`, `follow`, …
    pub phase: String,
    /// The part of it: an object or a kind of record; empty when there are no parts.
    pub part: String,
    /// Why nothing moves at present; empty when it does.
    pub waits: String,
}

/// Progress at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What is being done.
    pub doing: Doing,
    /// Records of this part that are done.
    pub done: u64,
    /// Records of this part; 0 when nobody knows.
    pub total: u64,
    /// Writes of the whole run.
    pub writes: u64,
}

impl Progress {
    /// Begins a part of a phase with so many records (0: not known); the one before it is done.
    pub fn begin(&self, phase: &str, part: &str, total: u64) {
        let before = self.snapshot();
        if !before.doing.phase.is_empty() {
            let mut ended = lock(&self.0.ended);
            ended.push_back(before);
            let excess = ended.len().saturating_sub(KEPT);
            drop(ended.drain(..excess));
        }
        *self.doing() = Doing { phase: phase.to_owned(), part: part.to_owned(), waits: String::new() };
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// Says why nothing moves; empty when it moves again.
    pub fn waits(&self, why: &str) {
        why.clone_into(&mut self.doing().waits);
    }

    /// Counts records of the present part.
    pub fn add_done(&self, records: u64) {
        self.0.done.fetch_add(records, Ordering::Relaxed);
    }

    /// Counts writes.
    pub fn add_writes(&self, writes: u64) {
        self.0.writes.fetch_add(writes, Ordering::Relaxed);
    }

    /// Parts that ended since the last look, with their final counts.
    #[must_use]
    pub fn take_ended(&self) -> Vec<Snapshot> {
        lock(&self.0.ended).drain(..).collect()
    }

    /// How things stand.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            doing: self.doing().clone(),
            done: self.0.done.load(Ordering::Relaxed),
            total: self.0.total.load(Ordering::Relaxed),
            writes: self.0.writes.load(Ordering::Relaxed),
        }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        lock(&self.0.doing)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_ended_keeps_its_final_count() {
        let progress = Progress::default();
        progress.begin("load", "deal", 3);
        progress.add_done(2);
        assert_eq!(progress.take_ended(), []);
        progress.add_done(1);
        progress.begin("load", "note", 0);
        let ended = progress.take_ended();
        assert_eq!(ended.iter().map(|part| (&*part.doing.part, part.done)).collect::<Vec<_>>(), [("deal", 3)]);
        assert_eq!(progress.take_ended(), []);
    }

    #[test]
    fn parts_that_nobody_looks_at_do_not_pile_up() {
        let progress = Progress::default();
        for part in 0..3 * KEPT {
            progress.begin("follow", &part.to_string(), 0);
        }
        assert_eq!(progress.take_ended().len(), KEPT);
    }
}
