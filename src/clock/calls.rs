//! HTTP calls on the clock: they count as running on both sides, except while a stand-in holds the answer.

use std::time::Duration;

use super::{Clock, Stepped};

/// A call counts as running unless a stand-in is holding its answer.
#[derive(Clone, Copy)]
pub(super) struct CallState {
    pub(super) client_waits: bool,
    pub(super) served: bool,
    pub(super) holding: bool,
}

/// See [`Clock::call`].
#[derive(Debug)]
pub struct Call {
    pub(super) clock: Clock,
    pub(super) id: Option<u64>,
}

impl Call {
    /// What to send in [`CALL_HEADER`](super::CALL_HEADER); `None` under the system clock.
    #[must_use]
    pub fn header(&self) -> Option<u64> {
        self.id
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        end_call(&self.clock, self.id, |call| call.client_waits = false);
    }
}

/// See [`Clock::serve`].
#[derive(Debug)]
pub struct Served {
    pub(super) clock: Clock,
    pub(super) id: Option<u64>,
}

impl Served {
    /// Holds the answer for a span of the clock's time. Safe to drop half-way.
    pub async fn hold(&self, wait: Duration) {
        // Borrowing `self` for the whole wait keeps the call's count alive until the hold is over.
        self.clock.sleeper(self.clock.now() + wait, self.id).await;
    }

    /// The clock it counts on.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        end_call(&self.clock, self.id, |call| call.served = false);
    }
}

/// Ends one side of a call; the count goes with the side that ends last.
fn end_call(clock: &Clock, id: Option<u64>, end: impl FnOnce(&mut CallState)) {
    let (Some(stepped), Some(id)) = (clock.as_stepped(), id) else { return };
    let mut state = stepped.lock();
    let Some(call) = state.calls.get_mut(&id) else { return };
    end(call);
    let CallState { client_waits, served, holding } = *call;
    if !client_waits && !served {
        state.calls.remove(&id);
        // A held call has given its count away already.
        if !holding {
            state.running -= 1;
        }
    }
    Stepped::jump_if_idle(state);
}
