//! Leave to send one call, and what becomes of it.

use std::time::Duration;

use super::{Budget, Told, lock};
use crate::clock::Moment;
use crate::pipedrive::window::{Came, Place};

/// Leave to send one call. Give it back with the answer; dropping it counts as no answer, or as not sent.
pub struct Slot<'a> {
    pub(super) budget: &'a Budget,
    pub(super) cost: u64,
    pub(super) place: Option<Place>,
    pub(super) is_scout: bool,
    pub(super) is_look: bool,
    pub(super) reply: Reply,
    pub(super) sent: Moment,
    /// Whether the call went out. One that did not has spent nothing.
    pub(super) is_sent: bool,
    /// What [`Day::answered`] was when the call was sent.
    pub(super) answered_before: u64,
}

/// What became of a call, as far as it matters to the next ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipedrive) enum Reply {
    /// Pipedrive worked on it.
    Heard {
        /// The time it took.
        took: Duration,
        /// Requests left in the window, if the answer said so.
        window_left: Option<u32>,
    },
    /// The window was full.
    WindowFull,
    /// It was turned away at the door: by the day's budget, for its token, or by the gateway. Or nothing came back.
    Unheard,
}

impl Slot<'_> {
    /// The call goes out, under this name in the ledger.
    pub(in crate::pipedrive) fn spend(&mut self, endpoint: &'static str, cost: u32) {
        self.is_sent = true;
        self.budget.spend(endpoint, cost);
    }

    /// Gives the slot back with what the answer said.
    pub(in crate::pipedrive) fn give_back(mut self, told: Told, reply: Reply) {
        self.is_sent = true;
        let (budget, cost, before) = (self.budget, self.cost, self.answered_before);
        let (sent, is_look) = (self.sent, self.is_look);
        self.reply = reply;
        drop(self);
        let answered = budget.day.as_ref().map_or(0, |day| lock(day).answered());
        budget.told(told, answered.saturating_sub(before + cost));
        if let Reply::Heard { took, .. } = reply {
            budget.answered(took);
            if !is_look {
                budget.goes_on(sent);
            }
            *lock(&budget.refusals) = None;
            lock(&budget.block).times = 0;
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let budget = self.budget;
        if let Some(day) = &budget.day {
            let mut day = lock(day);
            if self.is_sent { day.ended(self.cost) } else { day.unspent(self.cost) }
        }
        if let (Some(window), Some(place)) = (&budget.window, self.place) {
            window.give_back(
                place,
                match self.reply {
                    Reply::Heard { took, window_left } => Came::Answer(took, window_left),
                    Reply::WindowFull => Came::Refusal,
                    Reply::Unheard => Came::Nothing,
                },
            );
        }
        if self.is_scout {
            let mut scout = lock(&budget.scout);
            scout.is_out = false;
            scout.is_needed &= !matches!(self.reply, Reply::Heard { .. });
            drop(scout);
            budget.changed.notify_waiters();
        }
    }
}
