//! One clock for the whole migration: the system's, or a *stepped* one that jumps to the next deadline when nothing runs.
//!
//! Under the stepped clock a three-day load is rehearsed in seconds over real HTTP. It must not jump while anything can
//! still happen without time passing, so everything that can is counted: tasks ([`Clock::track`], from their wake to the
//! end of the poll that leaves them waiting), jobs on threads and journal commands ([`Clock::job`]), and HTTP calls
//! ([`Clock::call`]). A stand-in in the same process takes over a call's count ([`Clock::serve`]), so that an answer
//! *held on the clock* ([`Served::hold`]) lets time pass while a kernel buffer in between does not.
//!
//! Under the system clock all of this counts nothing. Wall time never enters decisions in any other way, and tokio's own
//! timers are used only inside this file.

mod calls;
#[cfg(test)]
mod tests;
mod track;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::ops::Add;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use calls::CallState;
use track::TaskWake;

pub use calls::{Call, Served};
pub use track::Tracked;

/// Name of the request header by which a call names itself to a stand-in that shares the clock.
pub const CALL_HEADER: &str = "x-crossdock-call";

/// A point in time of one [`Clock`]: the time since that clock was made. Never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(Duration);

impl Moment {
    /// Time from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Time since the clock was made.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, wait: Duration) -> Moment {
        Moment(self.0.saturating_add(wait))
    }
}

/// The clock. Clones are the same clock.
#[derive(Clone)]
pub struct Clock(Arc<Kind>);

enum Kind {
    System { start: Instant },
    Stepped(Stepped),
}

struct Stepped {
    start: Timestamp,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Duration,
    /// Everything that can go on without time passing.
    running: usize,
    next_id: u64,
    /// Ordered by deadline, then by registration.
    sleepers: BTreeMap<(Duration, u64), Sleeper>,
    calls: HashMap<u64, CallState>,
}

struct Sleeper {
    waker: Waker,
    /// The call whose answer is held, if this is a hold.
    holds: Option<u64>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Kind::System { start: Instant::now() }))
    }

    /// A clock that starts at `start` and jumps whenever nothing that it counts is running.
    #[must_use]
    pub fn stepped(start: Timestamp) -> Self {
        Self(Arc::new(Kind::Stepped(Stepped { start, state: Mutex::default() })))
    }

    /// True for a stepped clock.
    #[must_use]
    pub fn is_stepped(&self) -> bool {
        matches!(*self.0, Kind::Stepped(_))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        match &*self.0 {
            Kind::System { start } => Moment(start.elapsed()),
            Kind::Stepped(stepped) => Moment(stepped.lock().now),
        }
    }

    /// The present time of day, UTC.
    #[must_use]
    pub fn utc(&self) -> Timestamp {
        match &*self.0 {
            Kind::System { .. } => Timestamp::now(),
            Kind::Stepped(stepped) => {
                let now = SignedDuration::try_from(stepped.lock().now).unwrap_or(SignedDuration::MAX);
                stepped.start.checked_add(now).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Waits for a span of this clock's time. Safe to drop half-way.
    pub fn sleep(&self, wait: Duration) -> Sleep {
        self.sleep_until(self.now() + wait)
    }

    /// Waits until a moment of this clock. Safe to drop half-way.
    pub fn sleep_until(&self, deadline: Moment) -> Sleep {
        self.sleeper(deadline, None)
    }

    fn sleeper(&self, deadline: Moment, holds: Option<u64>) -> Sleep {
        let phase = match &*self.0 {
            Kind::System { start } => {
                SleepPhase::System(Box::pin(tokio::time::sleep_until((*start + deadline.0).into())))
            }
            Kind::Stepped(_) => SleepPhase::New,
        };
        Sleep { clock: self.clone(), deadline: deadline.0, holds, phase }
    }

    /// Runs `work` but gives up at the end of `limit`; `None` when the limit came first. `work` is dropped then.
    pub async fn timeout<F: Future>(&self, limit: Duration, work: F) -> Option<F::Output> {
        let mut work = Box::pin(work);
        let mut limit = self.sleep(limit);
        std::future::poll_fn(move |context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            Pin::new(&mut limit).poll(context).map(|()| None)
        })
        .await
    }

    /// Counts a task as running whenever it can go on. Every spawned task of a migration goes through here.
    pub fn track<F: Future>(&self, task: F) -> Tracked<F> {
        let wake = self.is_stepped().then(|| {
            self.add_running();
            Arc::new(TaskWake::new(self.clone()))
        });
        Tracked { task: Box::pin(task), wake }
    }

    /// Counts work outside the async tasks (a job on a CPU thread, a journal command) until the guard is dropped.
    /// Drop it after the result was handed over.
    #[must_use]
    pub fn job(&self) -> Job {
        if self.is_stepped() {
            self.add_running();
        }
        Job(self.clone())
    }

    /// Counts an HTTP call until the guard is dropped, except while a stand-in holds its answer on this clock.
    #[must_use]
    pub fn call(&self) -> Call {
        let id = self.as_stepped().map(|stepped| {
            let mut state = stepped.lock();
            let id = state.take_id();
            state.calls.insert(id, CallState { client_waits: true, served: false, holding: false });
            state.running += 1;
            id
        });
        Call { clock: self.clone(), id }
    }

    /// Takes a call over on the server's side, by the number in its [`CALL_HEADER`]; an unknown or missing number counts
    /// as a call of its own. Keep the guard until the answer is ready.
    #[must_use]
    pub fn serve(&self, call: Option<&str>) -> Served {
        let id = self.as_stepped().map(|stepped| {
            let mut state = stepped.lock();
            let named = call.and_then(|text| text.parse::<u64>().ok());
            match named.and_then(|id| state.calls.get_mut(&id).map(|call| (id, call))) {
                Some((id, call)) => {
                    call.served = true;
                    id
                }
                None => {
                    let id = state.take_id();
                    state.calls.insert(id, CallState { client_waits: false, served: true, holding: false });
                    state.running += 1;
                    id
                }
            }
        });
        Served { clock: self.clone(), id }
    }

    fn as_stepped(&self) -> Option<&Stepped> {
        match &*self.0 {
            Kind::System { .. } => None,
            Kind::Stepped(stepped) => Some(stepped),
        }
    }

    fn add_running(&self) {
        if let Some(stepped) = self.as_stepped() {
            stepped.lock().running += 1;
        }
    }

    fn end_running(&self) {
        if let Some(stepped) = self.as_stepped() {
            let mut state = stepped.lock();
            state.running -= 1;
            Stepped::jump_if_idle(state);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::System { .. } => f.write_str("Clock::System"),
            Kind::Stepped(stepped) => {
                let state = stepped.lock();
                let (sleepers, calls) = (state.sleepers.len(), state.calls.len());
                write!(
                    f,
                    "Clock::Stepped at {:?}, {} running, {sleepers} asleep, {calls} calls",
                    state.now, state.running
                )
            }
        }
    }
}

impl Stepped {
    /// A panic while the lock was held leaves counts that are still sums of whole steps, so going on is safe.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Jumps to the next deadline when nothing runs. What it wakes counts as running until it was polled, so one jump is
    /// always enough. The wakers run after the lock is released, because waking a tracked task takes it again.
    fn jump_if_idle(mut state: MutexGuard<'_, State>) {
        if state.running > 0 {
            return;
        }
        let Some((&(deadline, _), _)) = state.sleepers.first_key_value() else { return };
        state.now = state.now.max(deadline);
        let mut woken = Vec::new();
        while let Some(entry) = state.sleepers.first_entry() {
            if entry.key().0 > deadline {
                break;
            }
            let sleeper = entry.remove();
            state.running += 1;
            if let Some(call) = sleeper.holds.and_then(|id| state.calls.get_mut(&id)) {
                call.holding = false;
            }
            woken.push(sleeper.waker);
        }
        drop(state);
        for waker in woken {
            waker.wake();
        }
    }
}

impl State {
    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// See [`Clock::sleep`].
#[must_use = "a sleep does nothing unless awaited"]
pub struct Sleep {
    clock: Clock,
    deadline: Duration,
    /// The call whose answer this sleep holds. Its count passes to the call again when the sleep ends.
    holds: Option<u64>,
    phase: SleepPhase,
}

enum SleepPhase {
    System(Pin<Box<tokio::time::Sleep>>),
    New,
    Waiting(u64),
    Done,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let clock = this.clock.clone();
        match &mut this.phase {
            SleepPhase::System(sleep) => sleep.as_mut().poll(context),
            SleepPhase::Done => Poll::Ready(()),
            SleepPhase::New => {
                let Some(stepped) = clock.as_stepped() else { return Poll::Ready(()) };
                let mut state = stepped.lock();
                if state.now >= this.deadline {
                    this.phase = SleepPhase::Done;
                    return Poll::Ready(());
                }
                let id = state.take_id();
                let sleeper = Sleeper { waker: context.waker().clone(), holds: this.holds };
                state.sleepers.insert((this.deadline, id), sleeper);
                if let Some(call) = this.holds.and_then(|id| state.calls.get_mut(&id)) {
                    call.holding = true;
                    state.running -= 1;
                }
                this.phase = SleepPhase::Waiting(id);
                Stepped::jump_if_idle(state);
                Poll::Pending
            }
            SleepPhase::Waiting(id) => {
                let Some(stepped) = clock.as_stepped() else { return Poll::Ready(()) };
                let mut state = stepped.lock();
                if let Some(sleeper) = state.sleepers.get_mut(&(this.deadline, *id)) {
                    sleeper.waker.clone_from(context.waker());
                    return Poll::Pending;
                }
                this.phase = SleepPhase::Done;
                // A plain sleep gives back the count it got when it fired; a hold leaves it with its call.
                if this.holds.is_none() {
                    state.running -= 1;
                    Stepped::jump_if_idle(state);
                }
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let SleepPhase::Waiting(id) = self.phase else { return };
        let Some(stepped) = self.clock.as_stepped() else { return };
        let mut state = stepped.lock();
        let asleep = state.sleepers.remove(&(self.deadline, id)).is_some();
        match (asleep, self.holds) {
            // Woken but never polled: give the count back.
            (false, None) => state.running -= 1,
            (false, Some(_)) | (true, None) => {}
            (true, Some(call)) => {
                state.running += 1;
                if let Some(call) = state.calls.get_mut(&call) {
                    call.holding = false;
                }
            }
        }
        Stepped::jump_if_idle(state);
    }
}

/// See [`Clock::job`].
#[derive(Debug)]
pub struct Job(Clock);

impl Drop for Job {
    fn drop(&mut self) {
        self.0.end_running();
    }
}
