//! How far the migration is: written by the stages, read by the terminal, the status command and the metrics.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The part that counts requests, and no records.
pub const PROBE: &str = "probe";

/// Parts that are done and not shown yet. Nobody may be looking, so they do not pile up.
const KEPT: usize = 64;

/// Progress of the present phase. Clones are the same progress.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    inner: Arc<Inner>,
    /// The phase that everything told through this handle belongs to; `None` for the one that is told.
    phase: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Inner {
    doing: Mutex<Doing>,
    company: Mutex<String>,
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
    /// The Pipedrive company that is written to; empty before anything may be written.
    pub company: String,
    /// Records of this part that are done.
    pub done: u64,
    /// Records of this part; 0 when nobody knows.
    pub total: u64,
    /// Writes of the whole run.
    pub writes: u64,
}

impl Snapshot {
    /// What is counted.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        if self.doing.part == PROBE { "requests" } else { "records" }
    }
}

impl Progress {
    /// The same progress, for parts of one phase that tell another: a sample that is loaded in staging.
    #[must_use]
    pub fn of_phase(&self, phase: &'static str) -> Self {
        Self { inner: Arc::clone(&self.inner), phase: Some(phase) }
    }

    /// Names the Pipedrive company that is written to from here on.
    pub fn writes_to(&self, company: &str) {
        company.clone_into(&mut lock(&self.inner.company));
    }

    /// Begins a part of a phase with so many records (0: not known); the one before it is done.
    pub fn begin(&self, phase: &str, part: &str, total: u64) {
        let before = self.snapshot();
        if !before.doing.phase.is_empty() {
            let mut ended = lock(&self.inner.ended);
            ended.push_back(before);
            let excess = ended.len().saturating_sub(KEPT);
            drop(ended.drain(..excess));
        }
        let phase = self.phase.unwrap_or(phase);
        *self.doing() = Doing { phase: phase.to_owned(), part: part.to_owned(), waits: String::new() };
        self.inner.done.store(0, Ordering::Relaxed);
        self.inner.total.store(total, Ordering::Relaxed);
    }

    /// Says why nothing moves; empty when it moves again.
    pub fn waits(&self, why: &str) {
        why.clone_into(&mut self.doing().waits);
    }

    /// Counts records of the present part.
    pub fn add_done(&self, records: u64) {
        self.inner.done.fetch_add(records, Ordering::Relaxed);
    }

    /// Counts writes.
    pub fn add_writes(&self, writes: u64) {
        self.inner.writes.fetch_add(writes, Ordering::Relaxed);
    }

    /// Parts that ended since the last look, with their final counts.
    #[must_use]
    pub fn take_ended(&self) -> Vec<Snapshot> {
        lock(&self.inner.ended).drain(..).collect()
    }

    /// How things stand.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            doing: self.doing().clone(),
            company: lock(&self.inner.company).clone(),
            done: self.inner.done.load(Ordering::Relaxed),
            total: self.inner.total.load(Ordering::Relaxed),
            writes: self.inner.writes.load(Ordering::Relaxed),
        }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        lock(&self.inner.doing)
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
    fn a_handle_of_a_phase_tells_that_phase_of_the_same_progress() {
        let progress = Progress::default();
        let staging = progress.of_phase("staging");
        staging.begin("sample", "deal", 2);
        staging.writes_to("Acme Staging");
        progress.add_done(1);
        let seen = progress.snapshot();
        assert_eq!((&*seen.doing.phase, &*seen.doing.part, seen.done), ("staging", "deal", 1));
        assert_eq!(seen.company, "Acme Staging");
        progress.begin("configure", "", 0);
        assert_eq!(progress.snapshot().doing.phase, "configure");
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
