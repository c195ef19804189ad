//! Gates: the walk stops until a named person has approved the exact artefact, by its digest; and it turns back when what
//! was approved no longer stands.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::ahead::Stuck;
use super::origin::beside;
use super::pause::{paused, profile_digest};
use super::{FORECAST, Migration, read_mapping};
use crate::error::{Error, Kind, Result};
use crate::journal::{GateVerdict, Journal};
use crate::mapping::written::Written;
use crate::permit::{Gate, WritePermit};
use crate::source::profile::{FILE, Profile};

/// How often a closed gate is looked at. Approvals are rare and written by another command.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is looked whether what was approved still stands. A load that goes on a few seconds longer is brought up to
/// date like any other.
const WATCH: Duration = Duration::from_secs(10);

/// Where the journal keeps how long people were waited for since the forecast was made: seconds.
const WAITED: &str = "gates_waited_seconds";

/// Differences that are named.
const DIFFERENCES: usize = 50;

/// What people approve: its digest, and what it holds, one line for each thing, so that a change can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Artefact {
    pub(super) digest: String,
    pub(super) content: String,
}

impl Artefact {
    /// An artefact that is just its lines.
    pub(super) fn of_lines(lines: &[String]) -> Self {
        let content = lines.join("\n");
        Self { digest: blake3::hash(content.as_bytes()).to_hex().to_string(), content }
    }
}

/// An artefact of which nothing but the digest is known.
impl From<&String> for Artefact {
    fn from(digest: &String) -> Self {
        Self { digest: digest.clone(), content: String::new() }
    }
}

/// Where the journal keeps the digest of the workspace as it was made: what people changed before they approved anything is
/// told against that.
pub(super) const MADE: &str = "gate:workspace:made";

/// Where the journal keeps why the plan cannot be laid before its gate; empty when it can.
const BLOCKED: &str = "gate:plan:blocked";

/// Why nothing waits at a gate that people may expect to be asked at, one reason a line; empty when there is none.
///
/// # Errors
/// `Journal`.
pub async fn blocked(journal: &Journal, gate: Gate) -> Result<String> {
    Ok(match gate {
        Gate::Plan => journal.fact(BLOCKED).await?.unwrap_or_default(),
        Gate::Cutover => {
            let paused = paused(journal).await?;
            let lines: Vec<String> = paused.iter().map(|paused| format!("paused: {}", paused.says())).collect();
            lines.join("\n")
        }
        Gate::Map | Gate::Data | Gate::Workspace | Gate::Sample => String::new(),
    })
}

/// How a gate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateState {
    /// The walk has not come to it.
    NotReached,
    /// It waits for approval of the artefact with this digest.
    Waits(String),
    /// The artefact with this digest is approved.
    Approved {
        /// Digest of the artefact.
        digest: String,
        /// Who approved it.
        by: String,
    },
}

/// How a gate stands, by the journal. Only one waits at a time: what lies before a later gate follows from what is not
/// approved yet, and may come out otherwise.
///
/// # Errors
/// `Journal`.
pub async fn artefact(journal: &Journal, gate: Gate) -> Result<GateState> {
    let state = by_itself(journal, gate).await?;
    if !matches!(state, GateState::Waits(_)) {
        return Ok(state);
    }
    for earlier in Gate::ALL.iter().take_while(|earlier| **earlier != gate) {
        if let GateState::Waits(_) = by_itself(journal, *earlier).await? {
            return Ok(GateState::NotReached);
        }
    }
    Ok(state)
}

pub(super) async fn by_itself(journal: &Journal, gate: Gate) -> Result<GateState> {
    let Some(digest) = journal.laid(gate).await? else { return Ok(GateState::NotReached) };
    let approval = journal.approval(gate).await?;
    Ok(match approval.filter(|approval| approval.digest() == digest) {
        Some(approval) => GateState::Approved { digest, by: approval.by().to_owned() },
        None => GateState::Waits(digest),
    })
}

/// What is different between what lies before a gate and what was last approved there, in words; empty when nothing was
/// ever approved, or it is the same.
///
/// # Errors
/// `Journal`.
pub async fn changes(journal: &Journal, gate: Gate) -> Result<Vec<String>> {
    let decisions = journal.decisions(gate).await?;
    let approved = decisions.iter().rfind(|decided| decided.decision.verdict == GateVerdict::Approved);
    let before = match approved {
        Some(approved) => Some(approved.decision.digest.clone()),
        None if gate == Gate::Workspace => journal.fact(MADE).await?,
        None => None,
    };
    let (Some(before), Some(now)) = (before, journal.laid(gate).await?) else { return Ok(Vec::new()) };
    if before == now {
        let latest = decisions.last().map(|decided| &decided.decision);
        let rejected = latest.filter(|latest| latest.verdict == GateVerdict::Rejected);
        return Ok(rejected.map(|latest| format!("{} took the approval back", latest.by)).into_iter().collect());
    }
    let (before, now) = (journal.artefact(gate, before).await?, journal.artefact(gate, now).await?);
    let (before, now) = (before.unwrap_or_default(), now.unwrap_or_default());
    let mut changes = match gate {
        Gate::Map => Written::from_text(&now).since(&Written::from_text(&before)),
        Gate::Data | Gate::Plan | Gate::Workspace | Gate::Sample | Gate::Cutover => different_lines(&before, &now),
    };
    if changes.is_empty() {
        changes.push("it is not what was approved; what changed is not known".to_owned());
    }
    let more = changes.len().saturating_sub(DIFFERENCES);
    if more > 0 {
        changes.truncate(DIFFERENCES);
        changes.push(format!("and {more} more"));
    }
    Ok(changes)
}

/// Lines of which only one side has one. A line `name: value` is one thing whose value changed.
fn different_lines(before: &str, now: &str) -> Vec<String> {
    let read = |text: &str| -> BTreeMap<String, String> {
        let lines = text.lines().map(|line| line.rsplit_once(": ").unwrap_or((line, "")));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (before, now) = (read(before), read(now));
    let line = |name: &str, value: &str| {
        if value.is_empty() { name.to_owned() } else { format!("{name}: {value}") }
    };
    let gone = before.iter().filter(|(name, _)| !now.contains_key(*name));
    let mut changes: Vec<String> = gone.map(|(name, value)| format!("no longer: {}", line(name, value))).collect();
    for (name, value) in &now {
        match before.get(name) {
            None => changes.push(format!("new: {}", line(name, value))),
            Some(old) if old != value => changes.push(format!("{name}: was {old}, is {value}")),
            Some(_) => {}
        }
    }
    changes
}

/// The gates that the walk has passed, with what was approved there.
pub(super) type Passed = std::sync::Mutex<BTreeMap<Gate, String>>;

/// When and how long a file was, so that it is read again only when somebody wrote it.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

impl Migration {
    /// The permit of a gate that was passed before, for more of what it allows under the same rules.
    ///
    /// # Errors
    /// `Gate` when it is closed; `Journal`.
    pub(super) async fn standing_permit(&self, gate: Gate) -> Result<WritePermit> {
        let digest = self.journal.laid(gate).await?.unwrap_or_default();
        WritePermit::mint(gate, &digest, self.journal.approval(gate).await?.as_ref())
    }

    /// Takes the artefact away from the plan gate, and says why nothing can be approved there.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn block(&self, gate: Gate, reasons: &[String]) -> Result<()> {
        self.journal.withdraw(&[gate]).await?;
        self.journal.put_fact(BLOCKED, reasons.join("\n")).await
    }

    /// Lays an artefact before a gate.
    async fn lay(&self, gate: Gate, digest: String, content: String) -> Result<()> {
        if gate == Gate::Plan {
            self.journal.put_fact(BLOCKED, String::new()).await?;
        }
        self.journal.lay(gate, digest, content, self.clock.utc()).await
    }

    /// Lays an artefact before a gate and says whether it is approved, without waiting.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn is_approved(&self, gate: Gate, artefact: impl Into<Artefact>) -> Result<bool> {
        let Artefact { digest, content } = artefact.into();
        self.lay(gate, digest.clone(), content).await?;
        Ok(WritePermit::mint(gate, &digest, self.journal.approval(gate).await?.as_ref()).is_ok())
    }

    /// Waits at a gate until this artefact is approved; the permit is good for what the gate unlocks.
    ///
    /// # Errors
    /// `Stopped`; `Journal`.
    pub(super) async fn pass(&self, gate: Gate, artefact: impl Into<Artefact>) -> Result<WritePermit> {
        let Artefact { digest, content } = artefact.into();
        let was = self.passed().remove(&gate);
        let began = self.clock.utc();
        self.lay(gate, digest.clone(), content).await?;
        let mut told = false;
        loop {
            let approval = self.journal.approval(gate).await?;
            match WritePermit::mint(gate, &digest, approval.as_ref()) {
                Ok(permit) => {
                    if told {
                        self.progress.waits("");
                        let waited = Duration::try_from(self.clock.utc().duration_since(began));
                        self.waited_for_people(waited.unwrap_or_default()).await?;
                    }
                    if was.as_ref() != Some(&digest) {
                        tracing::info!(%gate, by = approval.map(|approval| approval.by().to_owned()), "gate is open");
                    }
                    self.passed().insert(gate, digest);
                    return Ok(permit);
                }
                Err(closed) => {
                    if !told {
                        told = true;
                        self.progress.waits(&format!("for approval at gate '{gate}'"));
                        let changed = changes(&self.journal, gate).await?.join("; ");
                        tracing::info!(%gate, digest, why = closed.chain(), changed, "waiting at a gate");
                    }
                }
            }
            if self.stop.is_stopped() {
                return Err(Error::new(Kind::Stopped, "a stop was asked for"));
            }
            self.patience.waits_for(Stuck::Gate(gate))?;
            self.pause_for(LOOK).await;
        }
    }

    /// Waits at a gate until what lies before it is approved, as far as it is not.
    ///
    /// # Errors
    /// As [`Migration::pass`]; `Gate` when nothing was ever laid there.
    pub(super) async fn pass_again(&self, gate: Gate) -> Result<WritePermit> {
        let never = || Error::new(Kind::Gate, format!("nothing lies before gate '{gate}' yet"));
        let digest = self.journal.laid(gate).await?.ok_or_else(never)?;
        self.pass(gate, &digest).await
    }

    /// The mapping with its tables, as it lies before its gate.
    pub(super) fn map_artefact(&self) -> Result<Artefact> {
        Ok(Artefact { digest: self.mapping.digest().to_owned(), content: self.written.to_text()? })
    }

    /// When the mapping, its tables and the source's profile were written.
    fn stamps(&self) -> Vec<Stamp> {
        let tables = self.written.tables.keys().map(|file| self.config.mapping.with_file_name(file));
        let files = [self.config.mapping.clone(), beside(&self.config).join(FILE)];
        files.into_iter().chain(tables).map(|path| stamp(&path)).collect()
    }

    /// Throws the walk's own switch when a stop is asked for, when the mapping or the source's profile is another one, or
    /// when somebody took an approval back that the walk builds on. Never ends by itself.
    pub(super) async fn watch(&self) -> Result<()> {
        let mut told = self.told.clone();
        // Nothing is seen yet: the first look reads what may have changed while the migration was opened.
        let mut seen = Vec::new();
        loop {
            let turns = match self.clock.timeout(WATCH, told.stopped()).await {
                Some(()) => true,
                None => self.stands_no_longer(&mut seen).await?,
            };
            if turns {
                self.turn.stop();
                std::future::pending::<()>().await;
            }
        }
    }

    async fn stands_no_longer(&self, seen: &mut Vec<Stamp>) -> Result<bool> {
        let now = self.stamps();
        if now != *seen {
            *seen = now;
            match read_mapping(&self.config.mapping) {
                Ok(mapping) if mapping.digest() != self.mapping.digest() => {
                    tracing::info!("the mapping has changed; the gates that it was approved at are closed again");
                    return Ok(true);
                }
                Ok(_) => {}
                // Perhaps half-written. What was approved goes on until there is something else to approve.
                Err(error) => tracing::warn!(error = error.chain(), "the mapping has changed and cannot be used"),
            }
            if profile_digest(&self.config) != self.profile_digest {
                match Profile::load(beside(&self.config)) {
                    Ok(_) => {
                        tracing::info!("the profile of the source has changed; it is read by the new one");
                        return Ok(true);
                    }
                    Err(error) => tracing::warn!(error = error.chain(), "the source's profile cannot be used"),
                }
            }
        }
        let passed = self.passed().clone();
        for (gate, digest) in passed {
            let approval = self.journal.approval(gate).await?;
            if approval.is_none_or(|approval| approval.digest() != digest) {
                tracing::info!(%gate, "an approval was taken back");
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn passed(&self) -> std::sync::MutexGuard<'_, BTreeMap<Gate, String>> {
        self.passed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// People take the time they take; a forecast is not about that.
    pub(super) async fn waited_for_people(&self, wait: Duration) -> Result<()> {
        if self.journal.fact(FORECAST).await?.is_none() {
            return Ok(());
        }
        let before: f64 = self.fact(WAITED).await?.unwrap_or_default();
        self.put_json(WAITED, &(before + wait.as_secs_f64())).await
    }

    /// How long people were waited for at gates since the forecast was made.
    pub(super) async fn waited_at_gates(&self) -> Result<Duration> {
        let seconds: f64 = self.fact(WAITED).await?.unwrap_or_default();
        Ok(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_changed_are_named() {
        let check = |before: &str, now: &str, expected: &[&str]| {
            assert_eq!(different_lines(before, now), expected, "{before:?} → {now:?}");
        };
        check("a: 1\nb", "a: 1\nb", &[]);
        check("a: 1\nb", "a: 2\nc", &["no longer: b", "a: was 1, is 2", "new: c"]);
        check("deal: Quote: enum", "deal: Quote: set", &["deal: Quote: was enum, is set"]);
        check("", "x: 1", &["new: x: 1"]);
    }
}
