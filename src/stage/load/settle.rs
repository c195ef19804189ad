//! Settling: what became of a write whose answer never came? Found by listing, never by the lagging search index, and
//! never by blindly trying again.
//!
//! A miss is proof only after a quiet time, counted from the end of the last call in doubt, and once a create of ours
//! that was intended after that is visible in the same list (or after a second quiet time, when there is none). Then the
//! create is tried again, marked as a second try. Should the first one still come through after that, the sweep finds it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::{counter, gauge};
use serde_json::Value;

use super::send::{Write, parse};
use super::{Halt, Loader, remove};
use crate::error::{Error, Kind, Result};
use crate::journal::{Bound, Conclusion, EffectKind, Intent, OpenEffect, Outcome, RoleFate};
use crate::pipedrive::{Listing, Order, Page, Row, differences};
use crate::record::{Entity, Fate};
use crate::telemetry;

/// Tries of one create. Each costs a quiet time; a record that fails this often waits for a person.
const TRIES: u32 = 6;

/// How far the two clocks may differ where a list can only be cut by time (leads).
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// What a list says about creates in doubt.
struct Sighting {
    /// Rows by marker, oldest last.
    rows: HashMap<String, Row>,
    /// When the latest create of ours in the list was intended.
    latest_intent: Option<Timestamp>,
}

impl Loader {
    /// Settles every write in doubt of one kind of record, trying again what certainly did not happen, until none is left.
    ///
    /// # Errors
    /// Those of reads; errors whose verdict is to halt.
    pub async fn settle(&self, entity: Entity) -> Result<()> {
        loop {
            let open = self.journal.in_doubt(Some(entity)).await?;
            if open.is_empty() {
                return Ok(());
            }
            tracing::info!(%entity, in_doubt = open.len(), "settling writes whose outcome is unknown");
            let (creates, changes): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|effect| effect.intent.kind == EffectKind::Create);
            for change in changes {
                self.settle_change(change).await?;
            }
            if !creates.is_empty() {
                self.settle_creates(entity, creates).await?;
            }
        }
    }

    async fn settle_creates(&self, entity: Entity, open: Vec<OpenEffect>) -> Result<()> {
        let latest = self.last_doubt();
        self.wait_after(latest, self.quiet_time()).await;
        let mut seen = self.sight(entity, &open).await?;
        let unproved = |seen: &Sighting| {
            let found = |effect: &OpenEffect| seen.rows.contains_key(&self.markers.text(&effect.intent.key));
            open.iter().any(|effect| !found(effect)) && seen.latest_intent.is_none_or(|intent| intent <= latest)
        };
        if unproved(&seen) {
            self.wait_after(latest, 2 * self.quiet_time()).await;
            seen = self.sight(entity, &open).await?;
        }
        let mut again = Vec::new();
        let mut conclusions = Vec::with_capacity(open.len());
        for effect in open {
            gauge!(telemetry::IN_DOUBT).decrement(1.0);
            let outcome = match seen.rows.remove(&self.markers.text(&effect.intent.key)) {
                Some(row) => Outcome::Done { dest_id: row.id, base: Value::Object(row.body).to_string() },
                None => {
                    again.push(effect.intent);
                    Outcome::Void { note: "not in the list after the quiet time".to_owned() }
                }
            };
            conclusions.push(Conclusion { effect: effect.id, outcome, tokens: 0 });
        }
        let (found, missed) = (conclusions.len() - again.len(), again.len());
        tracing::info!(%entity, found, missed, "settled");
        self.journal.conclude(conclusions, self.clock.utc()).await?;
        self.create_again(again).await
    }

    /// Lists the newest records back to what was known before the oldest intent.
    async fn sight(&self, entity: Entity, open: &[OpenEffect]) -> Result<Sighting> {
        let floor =
            open.iter().map(|effect| effect.intent.floor_id.as_deref().and_then(|id| id.parse::<u64>().ok())).min();
        let oldest = open.iter().map(|effect| effect.intended_at).min().unwrap_or(Timestamp::MIN);
        let cut = oldest.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
        let is_older = |row: &Row| match (row.id.parse::<u64>(), floor.flatten()) {
            (Ok(id), Some(floor)) => id <= floor,
            (Err(_), _) => row.added_at().is_some_and(|added| added < cut),
            (Ok(_), None) => false,
        };
        let listing = Listing { order: Order::Newest, ..Listing::default() };
        let mut sighting = Sighting { rows: HashMap::new(), latest_intent: None };
        let mut from = None;
        loop {
            let Page { rows, next } = self.client.page(entity, &listing, from.as_ref()).await?;
            let end = rows.iter().any(is_older) || next.is_none();
            let ids = rows.iter().map(|row| row.id.to_string()).collect();
            let bound: HashMap<String, Bound> = self.journal.bound_to(entity, ids).await?;
            for row in rows {
                match bound.get(&*row.id) {
                    Some(bound) if bound.written == Some(EffectKind::Create) => {
                        sighting.latest_intent = sighting.latest_intent.max(bound.intended_at);
                    }
                    // An old record that was changed lately is in every list.
                    Some(_) => {}
                    None => {
                        if let Some(marker) = self.markers.read(entity, &row) {
                            sighting.rows.insert(marker.to_owned(), row);
                        }
                    }
                }
            }
            if end {
                return Ok(sighting);
            }
            from = next;
        }
    }

    /// Second and later tries, one after the other: they are few.
    async fn create_again(&self, intents: Vec<Intent>) -> Result<()> {
        let mut given_up = Vec::new();
        for intent in intents {
            if intent.tries >= TRIES {
                let end = RoleFate::new(intent.key, intent.entity, intent.version, Fate::Parked)
                    .because(format!("Pipedrive gave no answer {TRIES} times"))
                    .waiting_for("pipedrive");
                given_up.push(end);
                continue;
            }
            // The floor stays that of the first try, which may still show up.
            self.write_alone(Intent { tries: intent.tries + 1, ..intent }).await?;
        }
        self.journal.end_roles(given_up).await
    }

    /// One write by itself: intent, call, outcome.
    pub(super) async fn write_alone(&self, intent: Intent) -> Result<()> {
        let halt = Halt::default();
        let ids = self.journal.intend(vec![intent.clone()], self.clock.utc()).await?;
        let effect = *ids.first().ok_or_else(|| Error::new(Kind::Bug, "an intent without a number"))?;
        let sent = self.send(Write { effect, ..Write::new(intent) }, &halt).await;
        self.conclude(vec![sent], &halt).await?;
        halt.take()
    }

    /// A change or delete in doubt: look at the record itself.
    async fn settle_change(&self, effect: OpenEffect) -> Result<()> {
        self.wait_after(self.last_doubt(), self.quiet_time()).await;
        gauge!(telemetry::IN_DOUBT).decrement(1.0);
        let OpenEffect { id, intent, .. } = effect;
        let Some(dest_id) = intent.dest_id.clone() else {
            return Err(Error::new(Kind::Bug, format!("{}: a change without a record", intent.key)));
        };
        let row = self.client.get(intent.entity, &dest_id).await?;
        let sent = parse(intent.sent.as_deref().unwrap_or(&intent.body))?;
        let (outcome, again) = match (intent.kind, row) {
            (EffectKind::Delete, None) => (done(&dest_id, "{}".to_owned()), false),
            (EffectKind::Delete, Some(_)) => (void("the record is still there"), intent.tries < TRIES),
            (_, None) => (void("the record is gone"), false),
            (_, Some(row)) if differences(intent.entity, &sent, &row.body).is_empty() => {
                (done(&dest_id, Value::Object(row.body).to_string()), false)
            }
            (_, Some(row)) => {
                let preimage = intent.preimage.as_deref().map(parse).transpose()?.unwrap_or_default();
                let untouched = differences(intent.entity, &preimage, &row.body).is_empty();
                (void("the change is not there"), untouched && intent.tries < TRIES)
            }
        };
        let removed = matches!((intent.kind, &outcome), (EffectKind::Delete, Outcome::Done { .. }));
        let removed = removed.then(|| remove::end_of(&intent)).flatten();
        self.journal.conclude(vec![Conclusion { effect: id, outcome, tokens: 0 }], self.clock.utc()).await?;
        self.journal.end_roles(removed.into_iter().collect()).await?;
        // Without a second try the record stays behind its version, and comes by again with a fresh look at Pipedrive.
        if again { self.write_alone(Intent { tries: intent.tries + 1, ..intent }).await } else { Ok(()) }
    }

    /// Waits until `pause` after a time of day has passed.
    pub(super) async fn wait_after(&self, time: Timestamp, pause: Duration) {
        let passed = Duration::try_from(self.clock.utc().duration_since(time)).unwrap_or_default();
        let wait = pause.saturating_sub(passed);
        if !wait.is_zero() {
            counter!(telemetry::WAIT_SECONDS, "reason" => "settling").increment(wait.as_secs().max(1));
            self.clock.sleep(wait).await;
        }
    }
}

fn done(dest_id: &Arc<str>, base: String) -> Outcome {
    Outcome::Done { dest_id: Arc::clone(dest_id), base }
}

fn void(note: &str) -> Outcome {
    Outcome::Void { note: note.to_owned() }
}
