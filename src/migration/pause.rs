//! Contract drift: an object whose answers are not what the profile says is paused by itself, and everything else goes on.
//!
//! Nothing of a page that drifted is landed and the cursor stays before it, so that the object goes on where it was once the
//! source is as before, or once the profile says what it is now. Until then it is looked at again, less and less often, and
//! neither the survey, nor the last round of changes, nor the verification is over.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::gauge;
use serde::{Deserialize, Serialize};

use super::ahead::Stuck;
use super::origin::beside;
use super::{Migration, PhaseState};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::journal::{Journal, Question};
use crate::record::Object;
use crate::report::questions::Questions;
use crate::source::api::drift::Drifted;
use crate::source::profile::{FILE, ValueKind};
use crate::telemetry;

/// Where the journal keeps the [`Paused`] objects.
const PAUSED: &str = "paused_objects";

/// What the question to the customer is about.
const TOPIC: &str = "source changed";

/// An object that is paused is looked at at least this often: a request an hour costs the source nothing.
const LOOK_MAX: Duration = Duration::from_secs(3_600);

/// An object that is not read, because its answers are not what the profile says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// The object.
    pub object: Object,
    /// When the drift was first seen, UTC.
    pub since: Timestamp,
    /// What is different, in words.
    pub why: String,
    /// Columns that are gone, and those of another kind with what they are now.
    pub columns: BTreeMap<String, Option<ValueKind>>,
    /// True when a profile with these columns could be followed.
    pub only_columns: bool,
    /// How often it was looked at since.
    pub looks: u32,
    /// When it is looked at again, UTC.
    pub next_look: Timestamp,
    /// Digest of the profile that the answers were held against.
    profile: String,
}

/// The objects that are paused, in the order of their names.
///
/// # Errors
/// `Journal`.
pub async fn paused(journal: &Journal) -> Result<Vec<Paused>> {
    let unreadable = |error| Error::new(Kind::Journal, "journal: paused objects").because(error);
    let text = journal.fact(PAUSED).await?;
    Ok(text.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()?.unwrap_or_default())
}

/// Digest of the profile in a migration's folder; empty where there is none.
pub(super) fn profile_digest(config: &Config) -> String {
    std::fs::read(beside(config).join(FILE)).map(|text| blake3::hash(&text).to_hex().to_string()).unwrap_or_default()
}

impl Paused {
    /// What is paused and why, in one line.
    #[must_use]
    pub fn says(&self) -> String {
        format!("{} since {}: {}", self.object, self.since, self.why)
    }
}

impl Migration {
    /// What an earlier run paused stays paused, and is looked at at once.
    pub(super) async fn tell_paused_at_start(&self) -> Result<()> {
        let known = paused(&self.journal).await?;
        for object in self.objects() {
            tell(object, known.iter().any(|paused| paused.object == object));
        }
        self.look_at_paused_now().await
    }

    /// The next round looks at every object that is paused.
    pub(super) async fn look_at_paused_now(&self) -> Result<()> {
        let mut all = paused(&self.journal).await?;
        if all.is_empty() {
            return Ok(());
        }
        all.iter_mut().for_each(|paused| paused.next_look = self.clock.utc());
        self.put_json(PAUSED, &all).await
    }

    /// Whether an object is to be read now: it is not paused, or it is time to look, or the profile is another one.
    pub(super) async fn is_due(&self, object: Object) -> Result<bool> {
        let all = paused(&self.journal).await?;
        let found = all.iter().find(|paused| paused.object == object);
        Ok(found.is_none_or(|paused| self.clock.utc() >= paused.next_look || paused.profile != self.profile_digest))
    }

    /// Whether an error is about one object's answers and not about the source as a whole. What could once be read and
    /// makes no sense now has drifted too, whatever it says.
    pub(super) async fn is_drift(&self, object: Object, error: &Error) -> Result<bool> {
        Ok(match error.kind() {
            Kind::Drift => true,
            Kind::Source => {
                self.source.lists().iter().any(|(listed, _)| *listed == object)
                    && self.journal.phase("survey").await? == Some(PhaseState::Done)
            }
            _ => false,
        })
    }

    /// Pauses an object, or keeps it paused for longer.
    pub(super) async fn pause_object(&self, object: Object, error: &Error) -> Result<()> {
        let now = self.clock.utc();
        let mut all = paused(&self.journal).await?;
        let known = all.iter().position(|paused| paused.object == object).map(|at| all.remove(at));
        let looks = known.as_ref().map_or(0, |paused| paused.looks.saturating_add(1));
        let drifted = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Drifted>());
        let wait = SignedDuration::try_from(self.wait_after(looks)).unwrap_or(SignedDuration::MAX);
        let paused = Paused {
            object,
            since: known.as_ref().map_or(now, |paused| paused.since),
            why: error.chain(),
            columns: drifted.map(|drifted| drifted.columns.clone()).unwrap_or_default(),
            only_columns: drifted.is_some_and(|drifted| drifted.only_columns),
            looks,
            next_look: now.checked_add(wait).unwrap_or(Timestamp::MAX),
            profile: self.profile_digest.clone(),
        };
        if known.is_none() {
            tracing::error!(%object, why = paused.why, "the source has changed; this kind of record is paused");
        } else {
            tracing::warn!(%object, why = paused.why, looks, "the source is still changed; this kind of record stays paused");
        }
        let question = Question { topic: TOPIC.to_owned(), subject: self.table_of(object), text: asks(&paused) };
        all.push(paused);
        all.sort_by_key(|paused| paused.object.as_str());
        self.put_json(PAUSED, &all).await?;
        tell(object, true);
        self.journal.withdraw_question(TOPIC, self.table_of(object)).await?;
        self.journal.ask(vec![question], now).await?;
        self.write_questions().await
    }

    /// An object was read: it is paused no longer.
    pub(super) async fn unpause_object(&self, object: Object) -> Result<()> {
        let mut all = paused(&self.journal).await?;
        let Some(at) = all.iter().position(|paused| paused.object == object) else { return Ok(()) };
        let was = all.remove(at);
        self.put_json(PAUSED, &all).await?;
        tell(object, false);
        tracing::info!(%object, since = %was.since, "the source can be read again; this kind of record goes on");
        self.journal.withdraw_question(TOPIC, self.table_of(object)).await?;
        self.write_questions().await
    }

    /// The paused objects that this migration reads.
    pub(super) async fn unread(&self) -> Result<Vec<Paused>> {
        let objects = self.objects();
        let all = paused(&self.journal).await?;
        Ok(all.into_iter().filter(|paused| objects.contains(&paused.object)).collect())
    }

    /// Waits until no object is paused. A command that does not wait for people ends instead.
    ///
    /// # Errors
    /// `Stopped`; `Gate` where nobody waits; those of reads.
    pub(super) async fn until_all_are_read(&self) -> Result<()> {
        loop {
            let unread = self.unread().await?;
            let Some(next) = unread.iter().map(|paused| paused.next_look).min() else {
                self.progress.waits("");
                return Ok(());
            };
            self.border().await?;
            self.patience.waits_for(Stuck::Blocked(unread.iter().map(Paused::says).collect()))?;
            self.progress.waits(&waits_for(&unread));
            let wait = Duration::try_from(next.duration_since(self.clock.utc())).unwrap_or_default();
            self.pause_for(wait).await;
            for paused in unread {
                self.border().await?;
                self.land_object(paused.object).await?;
            }
        }
    }

    async fn write_questions(&self) -> Result<()> {
        self.write_report("questions", &Questions::build(&self.journal).await?)
    }

    /// Twice as long after each look, from the time between two polls on.
    fn wait_after(&self, looks: u32) -> Duration {
        let poll = self.config.source.poll();
        poll.saturating_mul(1_u32.checked_shl(looks).unwrap_or(u32::MAX)).min(LOOK_MAX.max(poll))
    }

    fn table_of(&self, object: Object) -> String {
        self.mapping.object(object).map_or(object.as_str(), |rules| rules.table.as_str()).to_owned()
    }
}

/// Why nothing goes on, for the status.
pub(super) fn waits_for(unread: &[Paused]) -> String {
    let names: Vec<&str> = unread.iter().map(|paused| paused.object.as_str()).collect();
    format!("for the source, which has changed: {}", names.join(", "))
}

fn tell(object: Object, is_paused: bool) {
    gauge!(telemetry::PAUSED, "object" => object.as_str()).set(if is_paused { 1.0 } else { 0.0 });
}

fn asks(paused: &Paused) -> String {
    let object = paused.object;
    let then = if paused.only_columns {
        format!(
            "run crossdock accept {object} --by NAME, which takes the columns over into {FILE}, or crossdock discover"
        )
    } else {
        format!("run crossdock discover, or correct {FILE}")
    };
    format!(
        "The source answers in another form than it did: {}. Nothing of it is loaded, and what changes there waits. If the \
         form comes back, it goes on by itself. If this is how the source is from now on, {then}.",
        paused.why
    )
}
