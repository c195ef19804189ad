//! One migration: opened from its folder, walked phase by phase, stopped at its gates.
//!
//! `map ▢ → survey ▢ → plan ▢ → configure ▢ → sample ▢ → load → follow → freeze → final delta → verify → cutover ▢`. Every
//! phase is idempotent: after a crash or a stop the walk begins again at the first phase that is not done, and finds what is
//! there. A mapping that was changed sends it back to the first gate; what is loaded already is then changed, not made again.
//! With a staging company, workspace and sample are made there first (`staging`).

mod accept;
mod account;
mod ahead;
mod amend;
mod columns;
mod configure;
mod course;
mod data;
pub mod discover;
mod ensure;
mod existing;
mod fields;
mod fold;
mod follow;
mod gates;
mod gauges;
mod independent;
mod inventory;
mod land;
mod load;
mod made;
pub mod map;
mod map_model;
mod origin;
mod others;
mod outlook;
mod owners;
mod pause;
mod pipelines;
mod plan;
mod preflight;
pub mod review;
mod sample;
mod settled;
mod staging;
mod standing;
mod survey;
mod vanished;
mod verify;
mod write;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::journal::{Journal, PhaseState};
use crate::mapping::Mapping;
use crate::mapping::written::Written;
use crate::permit::Gate;
use crate::pipedrive::{Budget, Client, Me, Memory};
use crate::pipeline::{Capacities, Parts};
use crate::progress::Progress;
use crate::report::plan::forecast::{Effort, Schedule};
use crate::report::verification::Verification;
use crate::source::Source;
use crate::stage::cpu::Cpu;
use crate::stage::load::{Failpoint, keep_ledger};
use crate::stop::{self, Stop, Stopper};

pub use accept::{Accepted, accept, accepted};
pub use ahead::{Reached, Upto, is_over};
pub use course::{Course, course};
pub use follow::freeze;
pub use gates::{GateState, artefact, blocked, changes};
pub use gauges::in_step_since;
use origin::{api_source, open_source};
pub use pause::{Paused, paused};
pub use plan::Planned;
pub use staging::writes_to;
pub use verify::{Found, found};
pub use write::refresh_reports;

/// Name of the journal's file in a migration's folder.
pub const JOURNAL: &str = "journal.db";

/// Name of the file of the staging company's own journal, beside it.
pub const STAGING_JOURNAL: &str = "staging.db";

/// Rows that one page of the source holds.
const SOURCE_PAGE_ROWS: NonZeroU32 = NonZeroU32::new(200).expect("two hundred is not zero");

/// Times a read of the source is tried again: about ten minutes with growing pauses.
const SOURCE_RETRIES: usize = 14;

/// The phases in their order, with the names that journal, status and metrics use. `staging` is walked only by migrations
/// with a staging company; for these, `sample` is no more than its gate and that of the workspace.
pub const PHASES: [&str; 8] = ["survey", "staging", "configure", "sample", "load", "follow", "verify", "cutover"];

/// A moment of a run at which a rehearsal lets its simulated people act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Everything is landed.
    Surveyed,
    /// Every record of the load's first half is there (organizations, persons, leads).
    HalfLoaded,
    /// The load is over.
    Loaded,
    /// One round of changes was followed; counted from 1.
    Followed(u32),
}

/// Called at each [`Point`], while nothing else of the migration runs.
pub type Checkpoint = Arc<dyn Fn(Point) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// What people tell a running migration.
#[derive(Debug, Clone, Default)]
pub struct Signals(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    frozen: AtomicBool,
    paused: AtomicBool,
    retries: AtomicBool,
}

impl Signals {
    /// The source is frozen: after one more round of changes comes the verification.
    pub fn freeze(&self) {
        self.0.frozen.store(true, Ordering::Relaxed);
    }

    /// Whether the source is frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.0.frozen.load(Ordering::Relaxed)
    }

    /// Pauses the walk at the next border of a step.
    pub fn pause(&self) {
        self.0.paused.store(true, Ordering::Relaxed);
    }

    /// Goes on after a pause.
    pub fn resume(&self) {
        self.0.paused.store(false, Ordering::Relaxed);
    }

    /// What was refused or waits is tried again in the next round of changes.
    pub fn retry(&self) {
        self.0.retries.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked for that since the last look.
    fn take_retry(&self) -> bool {
        self.0.retries.swap(false, Ordering::Relaxed)
    }

    /// Whether the walk is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Relaxed)
    }
}

/// What a migration is opened with, besides its settings.
pub struct Opening {
    /// The migration's folder.
    pub folder: PathBuf,
    /// The clock.
    pub clock: Clock,
    /// The switch that ends it.
    pub stop: Stop,
    /// What people tell it.
    pub signals: Signals,
    /// Where others read how far it is.
    pub progress: Progress,
    /// Lets simulated people act.
    pub checkpoint: Option<Checkpoint>,
    /// Where a test makes the process die.
    pub failpoint: Option<Failpoint>,
}

impl Opening {
    /// A folder's migration on a clock, ended by a switch, that nobody tells anything and nobody watches.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, clock: Clock, stop: Stop) -> Self {
        let (signals, progress) = (Signals::default(), Progress::default());
        Self { folder: folder.into(), clock, stop, signals, progress, checkpoint: None, failpoint: None }
    }
}

/// An open migration.
pub struct Migration {
    config: Config,
    folder: PathBuf,
    clock: Clock,
    /// The switch that people throw.
    told: Stop,
    /// The walk's own switch: thrown with that of people, and when what was approved no longer stands.
    turn: Stopper,
    stop: Stop,
    signals: Signals,
    progress: Progress,
    checkpoint: Option<Checkpoint>,
    failpoint: Option<Arc<Failpoint>>,
    journal: Journal,
    client: Client,
    source: Source,
    mapping: Mapping,
    /// The mapping as it is written, with its tables.
    written: Written,
    /// Digest of the source's profile as it was when this was opened.
    profile_digest: String,
    passed: gates::Passed,
    patience: ahead::Patience,
    users: owners::Known,
    cpu: Cpu,
    /// The last verification of this run.
    verified: std::sync::Mutex<Option<Verification>>,
    /// What the sweeps of this run saw.
    swept: write::SweptCounts,
    /// The staging company with a journal, a budget and a workspace of its own; `None` without one.
    staging: Option<Box<Migration>>,
    /// Set on the staging company's side: who stands in for owners without a user there.
    as_staging: Option<staging::Standby>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every phase is done; the cutover is approved.
    Done,
    /// A stop was asked for.
    Stopped,
    /// What was approved no longer stands: open it again with [`Migration::reopen`], and it waits at the gate concerned.
    TurnedBack,
}

impl Migration {
    /// Opens the journal, reads the mapping and prepares both ends. Nothing is sent yet.
    ///
    /// # Errors
    /// `Settings`, `Journal`.
    pub async fn open(config: Config, opening: Opening) -> Result<Self> {
        let open = |name: &str| Journal::open(&opening.folder.join(name), opening.clock.clone());
        let journal = open(JOURNAL)?;
        let staging = config.staging.as_ref().map(|_| open(STAGING_JOURNAL)).transpose()?;
        let failpoint = opening.failpoint.map(Arc::new);
        Self::open_on(config, Opening { failpoint: None, ..opening }, (journal, staging), failpoint).await
    }

    /// Opens it again on the same journal, with the mapping as it now is.
    ///
    /// # Errors
    /// As [`Migration::open`].
    pub async fn reopen(self) -> Result<Self> {
        let Self { config, folder, clock, told, signals, progress, checkpoint, failpoint, journal, staging, .. } = self;
        let staging = staging.map(|staging| staging.journal);
        let opening = Opening { folder, clock, stop: told, signals, progress, checkpoint, failpoint: None };
        Self::open_on(config, opening, (journal, staging), failpoint).await
    }

    async fn open_on(
        config: Config,
        opening: Opening,
        (journal, staging): (Journal, Option<Journal>),
        failpoint: Option<Arc<Failpoint>>,
    ) -> Result<Self> {
        let Opening { folder, clock, stop: told, signals, progress, checkpoint, failpoint: _ } = opening;
        let (turn, stop) = stop::switch();
        let (written, mapping) = read_written(&config.mapping)?;
        let client = pipedrive_client(&config, &clock, &journal, (stop.clone(), progress.clone()), false).await?;
        // Taken first: a profile that is written meanwhile is another one.
        let profile_digest = pause::profile_digest(&config);
        let source = open_source(&config, &clock, &mapping)?;
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let cpu = Cpu::start(threads, clock.clone())?;
        let mut migration = Self {
            config,
            folder,
            clock,
            told,
            turn,
            stop,
            signals,
            progress,
            checkpoint,
            failpoint,
            journal,
            client,
            source,
            mapping,
            written,
            profile_digest,
            passed: gates::Passed::default(),
            patience: ahead::Patience::default(),
            users: owners::Known::default(),
            cpu,
            verified: std::sync::Mutex::default(),
            swept: write::SweptCounts::default(),
            staging: None,
            as_staging: None,
        };
        if let Some(staging) = staging {
            migration.staging = migration.staging_beside(staging).await?.map(Box::new);
        }
        Ok(migration)
    }

    /// The journal, for reports and commands.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The mapping as it was read.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The last verification of this run.
    #[must_use]
    pub fn verification(&self) -> Option<Verification> {
        self.verified.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The first write is near: from here on the forecast is compared with what comes. The gate may have stood open for
    /// days, so it counts from now; a run that is taken up again keeps the first one.
    async fn keep_forecast(&self, forecast: Forecast) -> Result<()> {
        if self.journal.fact(FORECAST).await?.is_some() {
            return Ok(());
        }
        self.put_json(FORECAST, &forecast).await
    }

    /// The load is over.
    async fn keep_actual(&self) -> Result<()> {
        let waited = self.waited_at_gates().await?;
        self.put_json(LOADED, &Loaded { at: self.clock.utc(), tokens: self.spent().await?, waited }).await?;
        self.estimate(&mut course::Pace::default()).await
    }

    /// What the load and the verification came to, against [`Migration::forecast`]. `None` before the end of the load.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn actual(&self) -> Result<Option<Actual>> {
        let (Some(forecast), Some(Loaded { at, tokens, waited })) = (self.forecast().await?, self.fact(LOADED).await?)
        else {
            return Ok(None);
        };
        let took = Duration::try_from(at.duration_since(forecast.schedule.start.at)).unwrap_or_default();
        let took = took.saturating_sub(waited);
        let verifying: u64 = self.fact(VERIFYING).await?.unwrap_or_default();
        Ok(Some(Actual { took, load_tokens: tokens, tokens: tokens + verifying }))
    }

    /// Tokens spent so far.
    async fn spent(&self) -> Result<u64> {
        self.keep_ledger().await?;
        Ok(self.journal.ledger().await?.iter().map(|entry| entry.tokens).sum())
    }

    async fn put_json<T: Serialize>(&self, name: &'static str, value: &T) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|error| Error::new(Kind::Bug, name).because(error))?;
        self.journal.put_fact(name, text).await
    }

    async fn fact<T: for<'de> Deserialize<'de>>(&self, name: &'static str) -> Result<Option<T>> {
        let unreadable = |error| Error::new(Kind::Journal, format!("journal: {name}")).because(error);
        self.journal.fact(name).await?.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()
    }

    /// What the approved plan costs and when it was to be done. `None` before the plan is approved.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn forecast(&self) -> Result<Option<Forecast>> {
        self.fact(FORECAST).await
    }

    /// Walks the phases until all are done or a stop is asked for.
    ///
    /// # Errors
    /// The first error whose verdict is to halt.
    pub async fn run(&self) -> Result<Ending> {
        self.tell_at_start().await?;
        let me = self.first_contact().await?;
        self.greet_staging(&me).await?;
        self.remember_freeze().await?;
        self.tell_paused_at_start().await?;
        let ended = tokio::select! {
            ended = Box::pin(self.walk(&me)) => ended,
            // These never end by themselves.
            () = self.keep_course() => Ok(()),
            kept = self.keep_budget() => kept,
            kept = self.keep_staging_budget() => kept,
            watched = self.watch() => watched,
        };
        if ended.as_ref().is_err_and(|error| error.kind() == Kind::Stopped) {
            // Nobody looks any more; whoever asks for the status meanwhile shall see how far it came.
            self.estimate(&mut course::Pace::default()).await?;
        }
        match ended {
            Ok(()) => Ok(Ending::Done),
            Err(error) if error.kind() == Kind::Stopped && self.told.is_stopped() => Ok(Ending::Stopped),
            Err(error) if error.kind() == Kind::Stopped => Ok(Ending::TurnedBack),
            Err(error) => Err(error),
        }
    }

    async fn walk(&self, me: &Me) -> Result<()> {
        self.amended(me).await?;
        // Also when the survey is done: a mapping that was changed and changed back lies before the gate as it is now.
        self.pass(Gate::Map, self.map_artefact()?).await?;
        self.surveyed(me).await?;
        self.at(Point::Surveyed).await?;
        self.pass_data().await?;
        self.staged(me).await?;
        self.phase("configure", async || self.configure(me).await).await?;
        self.phase("sample", async || self.sample(me).await).await?;
        self.phase("load", async || self.load_all(me).await).await?;
        self.phase("follow", async || self.follow(me).await).await?;
        self.phase("verify", async || self.verify(me).await).await?;
        self.phase("cutover", async || self.cutover().await).await
    }

    /// Does a phase once; one that is done is passed over.
    async fn phase(&self, name: &'static str, work: impl AsyncFn() -> Result<()>) -> Result<()> {
        if self.journal.phase(name).await? == Some(PhaseState::Done) {
            return Ok(());
        }
        self.border().await?;
        gauges::tell_phase(name);
        self.progress.begin(name, "", 0);
        tracing::info!(phase = name, "phase begins");
        self.journal.put_phase(name, PhaseState::Running, self.clock.utc()).await?;
        let ended = work().await;
        self.keep_ledger().await?;
        ended?;
        self.journal.put_phase(name, PhaseState::Done, self.clock.utc()).await?;
        tracing::info!(phase = name, "phase is done");
        Ok(())
    }

    /// Between two steps: stops if asked to, and waits out a pause.
    async fn border(&self) -> Result<()> {
        let mut told = false;
        loop {
            if self.stop.is_stopped() {
                return Err(Error::new(Kind::Stopped, "a stop was asked for"));
            }
            if !self.signals.is_paused() {
                if told {
                    self.progress.waits("");
                }
                return Ok(());
            }
            if !told {
                self.progress.waits("paused by the operator");
                told = true;
            }
            self.pause_for(Duration::from_secs(1)).await;
        }
    }

    /// Waits on the clock, or until a stop is asked for.
    async fn pause_for(&self, wait: Duration) {
        let mut stop = self.stop.clone();
        if self.clock.timeout(wait, stop.stopped()).await.is_some() {
            tracing::debug!("a wait was ended by the stop");
        }
    }

    async fn at(&self, point: Point) -> Result<()> {
        match &self.checkpoint {
            Some(checkpoint) => checkpoint(point).await,
            None => Ok(()),
        }
    }

    /// Keeps what a restart must know of the day's tokens, whenever that changes. Never ends by itself.
    async fn keep_budget(&self) -> Result<()> {
        let mut memory = self.client.budget().memory();
        loop {
            let known = *memory.borrow_and_update();
            if let Some(known) = known {
                self.put_json(BUDGET, &known).await?;
            }
            if memory.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Who we are in Pipedrive; any other company than the first one is refused.
    async fn first_contact(&self) -> Result<Me> {
        let me = self.client.me().await?;
        self.known_as(&me).await?;
        Ok(me)
    }

    async fn known_as(&self, me: &Me) -> Result<()> {
        self.journal.pin_company(me.company_id.clone()).await?;
        // The first answer tells what is left of the day. Later the day may be over, and with it what others spent.
        self.keep_ledger().await?;
        self.others_tokens_day().await.map(drop)
    }

    /// Writes what was spent since the last time into the journal.
    async fn keep_ledger(&self) -> Result<()> {
        keep_ledger(&self.client, &self.journal).await
    }

    /// The parts of a pipeline, with the owners' names told to the mapping.
    async fn parts(&self) -> Result<Parts> {
        Ok(Parts {
            clock: self.clock.clone(),
            journal: self.journal.clone(),
            mapping: self.named_mapping().await?,
            cpu: self.cpu.clone(),
            capacities: Capacities::default(),
            stop: self.stop.clone(),
        })
    }
}

/// What was forecast before the first write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// All that is to be spent.
    pub effort: Effort,
    /// Of this, the verification, which comes after the load.
    #[serde(default)]
    pub verification: Effort,
    /// Records to be made.
    #[serde(default)]
    pub records: u64,
    /// When the load will be done.
    pub schedule: Schedule,
}

/// What came of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actual {
    /// From the first write to the end of the load, on the migration's clock.
    pub took: Duration,
    /// Tokens until the end of the load.
    pub load_tokens: u64,
    /// These, and those of the verification.
    pub tokens: u64,
}

/// The end of the load, as the journal keeps it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Loaded {
    at: Timestamp,
    tokens: u64,
    /// How long people were waited for since the forecast was made.
    #[serde(default)]
    waited: Duration,
}

/// Where the journal keeps the [`Forecast`].
const FORECAST: &str = "forecast";

/// Where the journal keeps when the load ended.
const LOADED: &str = "loaded";

/// Where the journal keeps what a restart must know of the day's tokens.
const BUDGET: &str = "budget";

/// Where the journal keeps what the last verification cost.
const VERIFYING: &str = "verifying_tokens";

/// Reads a mapping file and the tables beside it.
///
/// # Errors
/// `Settings`, with every problem of the files.
pub fn read_mapping(path: &Path) -> Result<Mapping> {
    read_written(path).map(|(_, mapping)| mapping)
}

fn read_written(path: &Path) -> Result<(Written, Mapping)> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::new(Kind::Settings, format!("reading {}", path.display())).because(error))?;
    Written::parse(text, &path.display().to_string(), |name| read_table(&path.with_file_name(name)))
}

/// The text of a table beside the mapping, or why it cannot be had.
fn read_table(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("is not UTF-8 in line {line}; save it as CSV in UTF-8")
    })
}

async fn pipedrive_client(
    config: &Config,
    clock: &Clock,
    journal: &Journal,
    (stop, progress): (Stop, Progress),
    is_staging: bool,
) -> Result<Client> {
    let settings = &config.pipedrive;
    let http = Http::new(clock.clone(), settings.request_timeout, settings.calls_in_flight)?;
    let budget = Budget::new(clock.clone(), settings.spending, settings.calls_in_flight)?;
    let budget = if is_staging { budget.of_staging() } else { budget }.of_run(stop, progress);
    if let Some(memory) = journal.fact(BUDGET).await? {
        let unreadable = |error| Error::new(Kind::Journal, format!("journal: {BUDGET}")).because(error);
        budget.recall(serde_json::from_str::<Memory>(&memory).map_err(unreadable)?);
    }
    let (today, ledger) = (budget.day(), journal.ledger().await?);
    budget.already_spent(ledger.iter().filter(|entry| entry.day == today).map(|entry| entry.tokens).sum());
    Ok(Client::new(http, settings.address.clone(), settings.credentials.clone(), Arc::new(budget)))
}
