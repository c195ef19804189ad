//! Tasks on the clock: they count as running from their wake to the end of the poll that leaves them waiting.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::Clock;

/// See [`Clock::track`].
#[must_use = "a task does nothing unless awaited or spawned"]
pub struct Tracked<F> {
    pub(super) task: Pin<Box<F>>,
    pub(super) wake: Option<Arc<TaskWake>>,
}

pub(super) struct TaskWake {
    clock: Clock,
    state: Mutex<(TaskPhase, Option<Waker>)>,
}

/// All but `Waiting` and `Done` count as running.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TaskPhase {
    Scheduled,
    Polling,
    WokenWhilePolling,
    Waiting,
    Done,
}

impl TaskWake {
    /// A task that was not polled yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::new((TaskPhase::Scheduled, None)) }
    }

    fn lock(&self) -> MutexGuard<'_, (TaskPhase, Option<Waker>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for TaskWake {
    fn wake(self: Arc<Self>) {
        let mut state = self.lock();
        match state.0 {
            TaskPhase::Waiting => {
                // Counted before the waker that calls us can end its own count.
                self.clock.add_running();
                state.0 = TaskPhase::Scheduled;
            }
            TaskPhase::Polling => state.0 = TaskPhase::WokenWhilePolling,
            TaskPhase::Scheduled | TaskPhase::WokenWhilePolling | TaskPhase::Done => {}
        }
        let waker = state.1.clone();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let Some(wake) = &this.wake else { return this.task.as_mut().poll(context) };
        {
            let mut state = wake.lock();
            if state.0 == TaskPhase::Waiting {
                // Polled without a wake, as join sets may do.
                wake.clock.add_running();
            }
            state.0 = TaskPhase::Polling;
            state.1 = Some(context.waker().clone());
        }
        let waker = Waker::from(Arc::clone(wake));
        let polled = this.task.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = wake.lock();
        let ends_count = if polled.is_ready() {
            state.0 = TaskPhase::Done;
            true
        } else if state.0 == TaskPhase::WokenWhilePolling {
            state.0 = TaskPhase::Scheduled;
            false
        } else {
            state.0 = TaskPhase::Waiting;
            true
        };
        drop(state);
        if ends_count {
            wake.clock.end_running();
        }
        polled
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        let Some(wake) = &self.wake else { return };
        let mut state = wake.lock();
        let counted = !matches!(state.0, TaskPhase::Waiting | TaskPhase::Done);
        state.0 = TaskPhase::Done;
        state.1 = None;
        drop(state);
        if counted {
            wake.clock.end_running();
        }
    }
}
