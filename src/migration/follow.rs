//! Follow: rounds of changes until the source is frozen, then one more.

use jiff::{SignedDuration, Timestamp};

use super::load::{STEPS, Sweep};
use super::pause::waits_for;
use super::{Migration, Point, Signals};
use crate::clock::Clock;
use crate::error::Result;
use crate::journal::Journal;
use crate::pipedrive::Me;
use crate::record::Object;
use crate::stage::extract::LandCount;

/// How often parked records are tried again while nothing changes at the source: what they wait for may have appeared in
/// Pipedrive (a user, for example), and looking costs tokens.
pub(super) const TRY_PARKED: SignedDuration = SignedDuration::from_mins(15);

/// Where the journal keeps when people said that the source is frozen.
const FROZEN: &str = "frozen";

/// The source is frozen: kept first, so that a daemon that dies right after still knows it at its next start.
///
/// # Errors
/// `Journal`.
pub async fn freeze(journal: &Journal, clock: &Clock, signals: &Signals) -> Result<()> {
    journal.put_fact(FROZEN, clock.utc().to_string()).await?;
    signals.freeze();
    Ok(())
}

impl Migration {
    pub(super) async fn follow(&self, me: &Me) -> Result<()> {
        let mut tried_parked = Timestamp::MIN;
        for round in 1.. {
            let began = self.clock.utc();
            // Asked before the round: one that was under way when the source froze may have read some objects too early.
            let is_last = self.signals.is_frozen();
            let is_told = self.signals.take_retry();
            if is_told {
                self.look_at_paused_now().await?;
            }
            let tries_parked = is_told || is_last || began.duration_since(tried_parked) >= TRY_PARKED;
            if self.round(me, tries_parked).await? {
                tried_parked = began;
            }
            // Of an object that is paused nobody knows what changed: we are not in step, and cannot be done.
            let unread = self.unread().await?;
            if unread.is_empty() {
                self.is_in_step_since(began).await?;
            }
            if is_last && unread.is_empty() {
                break;
            }
            self.at(Point::Followed(round)).await?;
            self.border().await?;
            if !self.signals.is_frozen() || !unread.is_empty() {
                self.progress.begin("follow", "", 0);
                let waits = if unread.is_empty() { "for changes at the source".to_owned() } else { waits_for(&unread) };
                self.progress.waits(&waits);
                self.pause_for(self.config.source.poll()).await;
                self.progress.waits("");
            }
        }
        self.write_owners().await?;
        tracing::info!("the source is frozen; the last changes are across");
        Ok(())
    }

    /// Takes a freeze that an earlier run was told up again.
    pub(super) async fn remember_freeze(&self) -> Result<()> {
        if self.journal.fact(FROZEN).await?.is_some() {
            self.signals.freeze();
        }
        Ok(())
    }

    /// One round: what changed at the source is landed, and what is pending goes through the stages. What is pending
    /// since earlier rounds goes along when something changed, or when it is its turn. Says whether it did.
    async fn round(&self, me: &Me, tries_parked: bool) -> Result<bool> {
        let mut count = LandCount::default();
        for object in self.objects() {
            self.border().await?;
            let landed = self.land_object(object).await?;
            count.read += landed.read;
            count.new += landed.new;
            count.changed += landed.changed;
        }
        self.keep_ledger().await?;
        let objects: Vec<Object> = self.objects();
        let is_quiet = count.new + count.changed == 0 && !tries_parked;
        if is_quiet || self.journal.pending_count(objects).await? == 0 {
            return Ok(false);
        }
        tracing::info!(new = count.new, changed = count.changed, "following changes");
        self.steps_of_round(me).await?;
        // What the changes needed and the workspace lacked is there after this, and the second walk finds it.
        let waits_for_option = self.journal.parked().await?.iter().any(|(waits_for, _)| waits_for == "option");
        if waits_for_option {
            self.configure_again(me).await?;
            self.steps_of_round(me).await?;
        }
        Ok(true)
    }

    async fn steps_of_round(&self, me: &Me) -> Result<()> {
        let permit = self.load_permit(me).await?;
        self.forget_users();
        let run = self.begin_run(me, permit, self.match_owners().await?).await?;
        for entity in STEPS {
            self.step(&run, entity, Sweep::Later).await?;
        }
        self.journal.clear_pending(self.objects()).await
    }
}
