//! The load stage: intent durable, call, outcome durable; and what is needed when the middle part goes wrong.
//!
//! Writes of one kind of record go out at a time ([`run`]); a write whose outcome is unknown stays in doubt while the
//! others go on and is settled at the end of the step (`settle`). A step ends with a sweep of all markers (`sweep`).
//! Two calls for one binding are never in flight together.

mod failpoint;
mod marker;
mod refusal;
mod remove;
mod send;
mod settle;
mod sweep;
mod update;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use metrics::{counter, gauge};
use serde_json::Value;
use tokio::sync::mpsc;

use super::item::{Ready, Work};
use crate::clock::Clock;
use crate::config::Conflict;
use crate::error::{Error, Kind, Result};
use crate::journal::{CORRECTION, Conclusion, EffectKind, Intent, Journal, LedgerEntry, Outcome, RoleFate};
use crate::permit::WritePermit;
use crate::pipedrive::{Client, Listing, Order, Row};
use crate::progress::Progress;
use crate::record::{Entity, Fate, Finding};
use crate::telemetry::{self, BatchTimer};

pub use failpoint::{Failpoint, Step};
pub use marker::Markers;
pub use refusal::PLAN_LIMIT;
pub use sweep::Swept;

use failpoint::reach;
use refusal::Caps;
use send::{Sent, Write};

/// Outcomes that share one command to the journal at the most.
const OUTCOMES: usize = 64;

/// Batches with durable intents at the most: one being sent, and the next one, so that sending never waits for a commit.
pub const BATCHES_INTENDED: usize = 2;

/// Commands with outcomes on their way to the journal at the same time. Sending goes on meanwhile.
const OUTCOME_COMMANDS: usize = 4;

/// Everything a load needs. Made once for a run.
pub struct Loader {
    client: Client,
    journal: Journal,
    clock: Clock,
    permit: WritePermit,
    markers: Markers,
    limits: LoadLimits,
    failpoint: Option<Arc<Failpoint>>,
    progress: Progress,
    field_names: HashMap<String, String>,
    caps: Mutex<Caps>,
    /// The highest numeric id known, by kind of record.
    floors: Mutex<HashMap<Entity, u64>>,
    /// When the last call ended whose outcome is unknown; at first, when the load began, because calls of an earlier run
    /// may have been on their way until then.
    last_doubt: Mutex<Timestamp>,
}

/// The parts of a [`Loader`].
pub struct LoadParts {
    /// Pipedrive.
    pub client: Client,
    /// The journal.
    pub journal: Journal,
    /// The clock.
    pub clock: Clock,
    /// Leave to write.
    pub permit: WritePermit,
    /// Our markers in this account.
    pub markers: Markers,
    /// Bounds.
    pub limits: LoadLimits,
    /// Where a test makes the process die.
    pub failpoint: Option<Arc<Failpoint>>,
    /// Counts what was written.
    pub progress: Progress,
    /// Names of custom fields by their code, for words that people read.
    pub field_names: HashMap<String, String>,
}

/// Bounds of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadLimits {
    /// Calls in flight at the most. By Little's law 64 carry 320 calls a second at a round trip of 200 ms, far more than
    /// any plan allows.
    pub calls_in_flight: usize,
    /// How much later than its answer a write may show up in lists.
    pub list_lag: Duration,
    /// What to do when both sides changed a field.
    pub conflict: Conflict,
}

/// The first error that ends the run; what was not sent by then is not sent any more.
#[derive(Default)]
struct Halt(OnceLock<Mutex<Option<Error>>>);

impl Halt {
    fn set(&self, error: Error) {
        // Later errors are consequences of the first, or come again at the next run.
        drop(self.0.set(Mutex::new(Some(error))));
    }

    fn is_set(&self) -> bool {
        self.0.get().is_some()
    }

    fn take(&self) -> Result<()> {
        let error = self.0.get().and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        error.map_or(Ok(()), Err)
    }
}

/// Writes everything that comes in, until the channel is closed and empty. What ends in doubt is left to [`Loader::settle`].
///
/// # Errors
/// The first error whose verdict is to halt, after the calls in flight have ended.
pub async fn run(input: mpsc::Receiver<Vec<Work>>, loader: Arc<Loader>) -> Result<()> {
    let ended = write_all(input, Arc::clone(&loader)).await;
    if ended.is_err() {
        // Calls in flight may have been dropped with their answers.
        loader.doubt();
    }
    ended
}

async fn write_all(input: mpsc::Receiver<Vec<Work>>, loader: Arc<Loader>) -> Result<()> {
    let halt = Arc::new(Halt::default());
    let (intended, writes) = mpsc::channel(BATCHES_INTENDED - 1);
    // Side by side, not one stream: a stream is only asked for more when there is room for more calls, and a look at
    // Pipedrive that nobody asks about would keep its slot of the window from the calls that fill the room.
    let (ended, sent) =
        tokio::join!(intend_all(input, intended, &loader, &halt), send_all(writes, Arc::clone(&loader), &halt));
    ended.and(sent)?;
    loader.ask_about_caps().await?;
    halt.take()
}

/// Makes batches durable ahead of their turn; ends early when the sending has ended.
async fn intend_all(
    mut input: mpsc::Receiver<Vec<Work>>,
    output: mpsc::Sender<Vec<Write>>,
    loader: &Loader,
    halt: &Halt,
) -> Result<()> {
    // The place first, then the batch: what is not taken up yet costs nothing when the run ends.
    while let Ok(place) = output.reserve().await {
        let Some(batch) = input.recv().await else { break };
        place.send(loader.intend(batch, halt).await?);
    }
    Ok(())
}

async fn send_all(writes: mpsc::Receiver<Vec<Write>>, loader: Arc<Loader>, halt: &Arc<Halt>) -> Result<()> {
    let batches = stream::unfold(writes, |mut writes| async { writes.recv().await.map(|batch| (batch, writes)) });
    // Each future owns its handles: borrowed ones lose their Send through this many adapters.
    let both = || (Arc::clone(&loader), Arc::clone(halt));
    batches
        .flat_map(stream::iter)
        .map(|write| {
            let (loader, halt) = both();
            async move { loader.send(write, &halt).await }
        })
        .buffer_unordered(loader.limits.calls_in_flight)
        .ready_chunks(OUTCOMES)
        .map(|sent: Vec<Sent>| {
            let (loader, halt) = both();
            async move { loader.conclude(sent, &halt).await }
        })
        .buffer_unordered(OUTCOME_COMMANDS)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await
}

impl Loader {
    /// A load with nothing written yet.
    #[must_use]
    pub fn new(parts: LoadParts) -> Self {
        let LoadParts { client, journal, clock, permit, markers, limits, failpoint, progress, field_names } = parts;
        Self {
            client,
            journal,
            permit,
            markers,
            limits,
            failpoint,
            progress,
            field_names,
            caps: Mutex::default(),
            floors: Mutex::default(),
            last_doubt: Mutex::new(clock.utc()),
            clock,
        }
    }

    /// Plans a batch and makes its intents durable. What needs no write ends here.
    async fn intend(&self, batch: Vec<Work>, halt: &Halt) -> Result<Vec<Write>> {
        if halt.is_set() {
            // Without an intent these records stay as they are and come again at the next run.
            return Ok(Vec::new());
        }
        let timer = Arc::new(BatchTimer::start("load"));
        let (mut writes, mut changes, mut removals) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
        let mut kept_outs = Vec::new();
        for work in batch {
            match work {
                Work::Write(ready) if ready.known.is_none() => match self.cap(ready.entity) {
                    None => writes.push(self.create_of(ready)?),
                    Some(why) => kept_outs.push(kept_out(&self.create_of(ready)?.intent, why)),
                },
                Work::Write(ready) => changes.push(ready),
                Work::Remove(removal) => removals.push(removal),
            }
        }
        if !kept_outs.is_empty() {
            self.progress.add_done(kept_outs.len() as u64);
            self.journal.end_roles(kept_outs).await?;
        }
        if !changes.is_empty() {
            writes.extend(self.updates_of(changes).await?);
        }
        for removal in removals {
            writes.extend(self.removal_of(removal).await?);
        }
        if writes.is_empty() {
            return Ok(writes);
        }
        reach(self.failpoint.as_deref(), Step::BeforeIntent);
        let intents = writes.iter().map(|write| write.intent.clone()).collect();
        let ids = self.journal.intend(intents, self.clock.utc()).await?;
        for (write, id) in writes.iter_mut().zip(ids) {
            write.effect = id;
            write.timer = Some(Arc::clone(&timer));
        }
        reach(self.failpoint.as_deref(), Step::AfterIntent);
        Ok(writes)
    }

    fn create_of(&self, ready: Ready) -> Result<Write> {
        let Ready { key, version, entity, mut body, .. } = ready;
        if !self.markers.put(entity, &key, &mut body) {
            let why = format!("{key}: {entity} has no place for our marker; run configure first");
            return Err(Error::new(Kind::Bug, why));
        }
        Ok(Write::new(Intent {
            key,
            version,
            entity,
            kind: EffectKind::Create,
            body: Value::Object(body).to_string(),
            sent: None,
            asked: None,
            floor_id: self.floor(entity).map(|id| id.to_string()),
            dest_id: None,
            preimage: None,
            tries: 1,
        }))
    }

    /// Makes outcomes durable.
    async fn conclude(&self, sent: Vec<Sent>, halt: &Halt) -> Result<()> {
        let mut conclusions = Vec::with_capacity(sent.len());
        let mut ends = Vec::new();
        for Sent { write, result, tokens } in sent {
            let outcome = match result {
                Ok(written) => {
                    match write.intent.kind {
                        EffectKind::Delete => ends.extend(remove::end_of(&write.intent)),
                        EffectKind::Create | EffectKind::Update => self.raise_floor(write.intent.entity, &written.id),
                    }
                    Outcome::Done { dest_id: written.id, base: written.body }
                }
                Err(error) => match self.failed(&write.intent, error, &mut ends, halt) {
                    Some(outcome) => outcome,
                    None => continue,
                },
            };
            counter!(telemetry::RECORDS, "object" => write.intent.key.object.as_str(), "stage" => "load",
                "fate" => if matches!(outcome, Outcome::Done { .. }) { write.fate.as_str() } else { "failed" })
            .increment(1);
            conclusions.push(Conclusion { effect: write.effect, outcome, tokens });
        }
        reach(self.failpoint.as_deref(), Step::BeforeOutcome);
        self.progress.add_done(conclusions.len() as u64);
        self.progress.add_writes(conclusions.len() as u64);
        if !conclusions.is_empty() {
            // Told together, they share a commit: a process that dies forgets the tokens of its last few calls only.
            let concluded = self.journal.conclude(conclusions, self.clock.utc());
            futures::future::try_join(concluded, keep_ledger(&self.client, &self.journal)).await?;
        }
        if ends.is_empty() {
            return Ok(());
        }
        let kept = ends.iter().filter(|end| end.fate == Fate::Loaded);
        let found = kept
            .map(|end| (end.key.clone(), vec![Finding::new("refused", "", end.reason.clone().unwrap_or_default())]));
        let found = found.collect();
        self.journal.end_roles(ends).await?;
        self.journal.add_findings(found).await
    }

    /// Keeps promises that Pipedrive holds already, without a call.
    async fn hold(&self, held: Vec<(Intent, Row)>) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        let done = |row: Row| Outcome::Done { dest_id: row.id, base: Value::Object(row.body).to_string() };
        let held = held.into_iter().map(|(intent, row)| (intent, done(row))).collect();
        self.journal.hold(held, self.clock.utc()).await
    }

    /// What a failed write ends as; `None` leaves it in doubt.
    fn failed(&self, intent: &Intent, error: Error, ends: &mut Vec<RoleFate>, halt: &Halt) -> Option<Outcome> {
        let (key, note) = (&intent.key, error.chain());
        match error.kind() {
            Kind::InDoubt => {
                self.doubt();
                gauge!(telemetry::IN_DOUBT).increment(1.0);
                tracing::warn!(key = %key, error = note, "the outcome of a write is unknown; it will be settled");
                None
            }
            Kind::Refused | Kind::Gone => {
                tracing::warn!(key = %key, error = note, "Pipedrive refused a write");
                if intent.kind == EffectKind::Create || error.kind() != Kind::Gone {
                    ends.extend(refused(intent, &self.why_refused(intent, &error)));
                }
                Some(Outcome::Refused { note })
            }
            // A change needs no room: a limit that refuses one has nothing to do with this record.
            Kind::Capped if intent.kind == EffectKind::Create => {
                ends.push(kept_out(intent, self.meet_cap(intent.entity, &error)));
                Some(Outcome::Refused { note })
            }
            _ => {
                halt.set(error);
                Some(Outcome::NotDone { note })
            }
        }
    }
}

/// How a role ends that a limit of the account keeps out.
fn kept_out(intent: &Intent, why: String) -> RoleFate {
    let end = RoleFate::new(intent.key.clone(), intent.entity, intent.version, Fate::Parked);
    end.because(why).waiting_for(PLAN_LIMIT)
}

/// How a role ends whose write Pipedrive refused: a create leaves nothing, and waits until somebody has mended it; a change or removal leaves what was there,
/// which stays ours. A change of a record that is gone is not decided here: it comes by again, with a fresh look.
fn refused(intent: &Intent, note: &str) -> Option<RoleFate> {
    let end = |fate| RoleFate::new(intent.key.clone(), intent.entity, intent.version, fate).because(note);
    match (intent.kind, &intent.dest_id) {
        (EffectKind::Create, _) => Some(end(Fate::Parked).waiting_for(CORRECTION)),
        (EffectKind::Update | EffectKind::Delete, Some(id)) if !remove::is_double(intent) => {
            Some(end(Fate::Loaded).at(Arc::clone(id)))
        }
        (EffectKind::Update | EffectKind::Delete, _) => None,
    }
}

/// Writes into the journal what was spent since the last time.
///
/// # Errors
/// `Journal`.
pub async fn keep_ledger(client: &Client, journal: &Journal) -> Result<()> {
    let day = client.budget().day();
    let entry = |(endpoint, requests, tokens): (&'static str, u64, u64)| LedgerEntry {
        day: day.clone(),
        endpoint: endpoint.to_owned(),
        requests,
        tokens,
    };
    let spent: Vec<LedgerEntry> = client.budget().take_spent().into_iter().map(entry).collect();
    if spent.is_empty() { Ok(()) } else { journal.charge(spent).await }
}

/// Shared by the parts of the load.
impl Loader {
    fn caps(&self) -> std::sync::MutexGuard<'_, Caps> {
        self.caps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Longer than any call can take, the lag of lists, and some seconds for clocks that differ: after this time a write
    /// that is not in a list is late, not on its way.
    fn quiet_time(&self) -> Duration {
        self.client.timeout() + self.limits.list_lag + Duration::from_millis(500)
    }

    /// A call has just ended and nobody knows how.
    fn doubt(&self) {
        *self.last_doubt.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.utc();
    }

    /// The time after which none of our calls in doubt was sent. An intent is no such time: between it and its call lie
    /// the waits for the window, for the day's tokens, and for a connection.
    fn last_doubt(&self) -> Timestamp {
        *self.last_doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The highest id of an entity known so far. What is made after now has a higher one.
    fn floor(&self, entity: Entity) -> Option<u64> {
        self.floors.lock().unwrap_or_else(PoisonError::into_inner).get(&entity).copied()
    }

    fn raise_floor(&self, entity: Entity, id: &str) {
        let Ok(id) = id.parse::<u64>() else { return };
        let mut floors = self.floors.lock().unwrap_or_else(PoisonError::into_inner);
        let floor = floors.entry(entity).or_default();
        *floor = id.max(*floor);
    }

    /// Begins the step of one kind of record: learns the highest id, and settles what an earlier run left in doubt.
    ///
    /// # Errors
    /// As [`Loader::settle`].
    pub async fn begin(&self, entity: Entity) -> Result<()> {
        let highest = match self.journal.highest_id(entity).await? {
            Some(highest) => Some(highest.to_string().into()),
            None => {
                let newest = Listing { order: Order::Newest, ..Listing::default() };
                self.client.page(entity, &newest, None).await?.rows.into_iter().next().map(|row| row.id)
            }
        };
        self.raise_floor(entity, highest.as_deref().unwrap_or("0"));
        self.settle(entity).await
    }
}
