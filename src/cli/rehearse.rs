//! `rehearse`: the whole migration on this machine, into a simulated Pipedrive, in virtual time.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::net::TcpListener;

use super::{Success, terminal};
use crate::clock::Clock;
use crate::config::{Config, Plan, Surroundings};
use crate::error::{Error, Kind, Result};
use crate::journal::{FolderLock, GateVerdict, Journal};
use crate::mapping::PROMOX;
use crate::migration::{GateState, Migration, Opening, Point, Signals, artefact};
use crate::permit::Gate;
use crate::progress::Progress;
use crate::report::page::{counted, title_case};
use crate::report::summary::{self, Forecast, Requests, Run, Summary, Tokens};
use crate::standin::{pipedrive, promox};
use crate::stop;

/// Monday morning in Chicago, so that every rehearsal of a seed is the same.
const VIRTUAL_START: &str = "2026-01-05T14:00:00Z";

/// A round trip over the Atlantic, as Pipedrive's users often have it.
const ROUND_TRIP_MS: u64 = 80;

/// How often the rehearsal looks whether a gate waits for it.
const LOOK: Duration = Duration::from_secs(1);

/// Who approves in a rehearsal.
const APPROVER: &str = "rehearsal";

/// Move a generated account, or an export, into a simulated Pipedrive.
#[derive(Debug, clap::Args)]
pub(super) struct Rehearse {
    /// Records of the generated account
    #[arg(long, value_name = "N", default_value_t = 5000, conflicts_with = "export")]
    records: usize,
    /// A folder of CSV files to move in place of a generated account
    #[arg(long, value_name = "DIR", requires = "mapping")]
    export: Option<PathBuf>,
    /// The mapping of the export
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Keep the migration's folder here; it must not exist or be empty
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Seed of everything that is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Pipedrive plan: lite, growth, premium, ultimate
    #[arg(long, value_name = "P", default_value = "growth", value_parser = plan)]
    plan: Plan,
    /// Paid seats
    #[arg(long, value_name = "N", default_value_t = 5)]
    seats: u32,
    /// Share of the day's tokens that the company's other tools spend, evenly over the day: 0 to 0.9
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, conflicts_with = "unlimited")]
    rival_share: f64,
    /// Take the time that it would really take
    #[arg(long, conflicts_with = "unlimited")]
    real_time: bool,
    /// Without limits, round trips or virtual time: as fast as this machine can
    #[arg(long)]
    unlimited: bool,
    /// Go on serving both ends and the reports after the end, until interrupted
    #[arg(long)]
    serve: bool,
    /// End standard output with one JSON object on one line
    #[arg(long)]
    json: bool,
    /// What is logged to standard error
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    log: String,
}

fn plan(text: &str) -> Result<Plan, String> {
    let all: Vec<&str> = Plan::ALL.iter().map(|plan| plan.as_str()).collect();
    Plan::parse(text).ok_or_else(|| format!("must be one of {}", all.join(", ")))
}

/// A share of the day's tokens. More than that leaves a rehearsal nothing to show.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=0.9).contains(share));
    share.ok_or_else(|| "must be a number from 0 to 0.9".to_owned())
}

/// Both ends and the folder of one rehearsal.
struct Stage {
    clock: Clock,
    promox: Option<Arc<promox::Running>>,
    pipedrive: Arc<pipedrive::Running>,
    folder: PathBuf,
    /// Removes a folder that nobody asked to keep.
    _scratch: Option<tempfile::TempDir>,
}

impl Rehearse {
    pub(super) async fn run(self) -> Result<Success> {
        let began = Instant::now();
        terminal::log(&self.log)?;
        let stage = self.set_up().await?;
        let _lock = FolderLock::take(&stage.folder)?;
        let config = stage.config(&self)?;
        let (_stopper, stop) = stop::switch();
        let (signals, progress) = (Signals::default(), Progress::default());
        let opened = Arc::new(OnceLock::new());
        let people = People {
            promox: stage.promox.clone(),
            pipedrive: Arc::clone(&stage.pipedrive),
            signals: signals.clone(),
            migration: Arc::clone(&opened),
        };
        let opening = Opening {
            folder: stage.folder.clone(),
            clock: stage.clock.clone(),
            stop,
            signals,
            progress: progress.clone(),
            checkpoint: Some(Arc::new(move |point| people.clone().act(point))),
            failpoint: None,
        };
        let clock = stage.clock.clone();
        let show = terminal::Show::start(progress);
        let migration = clock.track(Migration::open(config, opening)).await?;
        let migration = Arc::clone(opened.get_or_init(|| Arc::new(migration)));
        let approver = tokio::spawn(clock.track(approve_all(migration.journal().clone(), clock.clone())));
        let ended = clock.track(migration.run()).await;
        approver.abort();
        drop(show);
        ended?;
        self.tell(&stage, &migration, began.elapsed()).await
    }

    async fn set_up(&self) -> Result<Stage> {
        let clock = if self.real_time || self.unlimited { Clock::system() } else { virtual_clock()? };
        let promox = match &self.export {
            Some(_) => None,
            None => {
                let settings = promox::Settings {
                    records: self.records,
                    seed: self.seed,
                    rtt_ms: if self.unlimited { 0 } else { ROUND_TRIP_MS },
                    ..promox::Settings::default()
                };
                Some(Arc::new(promox::Promox::start(settings, clock.clone(), listener().await?)?))
            }
        };
        let settings = pipedrive::Settings {
            plan: pipedrive_plan(self.plan),
            seats: self.seats,
            unlimited: self.unlimited,
            caps: !self.unlimited,
            rtt: Duration::from_millis(if self.unlimited { 0 } else { ROUND_TRIP_MS }),
            seed: self.seed,
            rival_day_share: self.rival_share,
            ..pipedrive::Settings::default()
        };
        let pipedrive = Arc::new(pipedrive::Pipedrive::start(settings, clock.clone(), listener().await?)?);
        if let Some(promox) = &promox {
            for (name, email) in promox.inspect(promox::Account::expected_users) {
                drop(pipedrive.add_user(&name, &email));
            }
        }
        let (folder, scratch) = self.folder()?;
        Ok(Stage { clock, promox, pipedrive, folder, _scratch: scratch })
    }

    fn folder(&self) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
        let failed = |source| Error::new(Kind::Settings, "making the rehearsal's folder").because(source);
        match &self.into {
            None => {
                let scratch = tempfile::Builder::new().prefix("crossdock-rehearsal-").tempdir().map_err(failed)?;
                Ok((scratch.path().to_owned(), Some(scratch)))
            }
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(failed)?;
                let is_empty = std::fs::read_dir(folder).map_err(failed)?.next().is_none();
                if !is_empty {
                    let why = format!("--into {}: the folder is not empty", folder.display());
                    return Err(Error::new(Kind::Settings, why));
                }
                Ok((folder.clone(), None))
            }
        }
    }
}

impl Stage {
    /// Writes the folder as a person would, and reads it as `run` does.
    fn config(&self, rehearse: &Rehearse) -> Result<Config> {
        let failed = |source| Error::new(Kind::Settings, "writing the rehearsal's settings").because(source);
        let mapping = match &rehearse.mapping {
            None => PROMOX.to_owned(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| Error::new(Kind::Settings, format!("--mapping {}", path.display())).because(error))?,
        };
        std::fs::write(self.folder.join("mapping.toml"), mapping).map_err(failed)?;
        let source = match (&self.promox, &rehearse.export) {
            (Some(promox), _) => format!("address = \"http://{}\"\nrequests_per_second = 20", promox.address()),
            (None, Some(export)) => format!("folder = {:?}", absolute(export)?),
            (None, None) => String::new(),
        };
        let limits = if rehearse.unlimited {
            "unlimited = true".to_owned()
        } else {
            format!("plan = \"{}\"\nseats = {}", rehearse.plan, rehearse.seats)
        };
        let text = format!(
            "# Settings of a rehearsal, written by `crossdock rehearse`.\nname = \"rehearsal\"\n\n[source]\n{source}\n\
             poll_seconds = 60\n\n[pipedrive]\naddress = \"http://{}\"\n{limits}\nconflict = \"source\"\nlist_lag_seconds = 1\n",
            self.pipedrive.address()
        );
        std::fs::write(self.folder.join(crate::config::FILE), text).map_err(failed)?;
        let tokens = |name: &str| match name {
            "CROSSDOCK_SOURCE_TOKEN" => self.promox.as_ref().map(|promox| promox.token().to_owned()),
            "CROSSDOCK_PIPEDRIVE_TOKEN" => Some(self.pipedrive.token()),
            _ => None,
        };
        Config::load(&Surroundings { folder: &self.folder, environment: &tokens })
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path)
        .map_err(|error| Error::new(Kind::Settings, format!("--export {}", path.display())).because(error))
}

fn virtual_clock() -> Result<Clock> {
    let start = VIRTUAL_START.parse().map_err(|error| Error::new(Kind::Bug, "the virtual start").because(error))?;
    Ok(Clock::stepped(start))
}

async fn listener() -> Result<TcpListener> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    TcpListener::bind(any).await.map_err(|source| Error::new(Kind::Settings, "binding a loopback port").because(source))
}

const fn pipedrive_plan(plan: Plan) -> pipedrive::Plan {
    match plan {
        Plan::Lite => pipedrive::Plan::Lite,
        Plan::Growth => pipedrive::Plan::Growth,
        Plan::Premium => pipedrive::Plan::Premium,
        Plan::Ultimate => pipedrive::Plan::Ultimate,
        Plan::Essential => pipedrive::Plan::Essential,
        Plan::Advanced => pipedrive::Plan::Advanced,
        Plan::Professional => pipedrive::Plan::Professional,
        Plan::Power => pipedrive::Plan::Power,
        Plan::Enterprise => pipedrive::Plan::Enterprise,
    }
}

/// Approves whatever waits at a gate, for as long as it runs. Both ends are this process's own stand-ins on loopback.
async fn approve_all(journal: Journal, clock: Clock) -> Result<()> {
    loop {
        for gate in Gate::ALL {
            if let GateState::Waits(_) = artefact(&journal, *gate).await? {
                let saying =
                    crate::control::Saying { gate: *gate, verdict: GateVerdict::Approved, by: APPROVER.to_owned() };
                crate::control::keep(&journal, &clock, saying).await?;
            }
        }
        clock.sleep(LOOK).await;
    }
}

/// The people of a rehearsal: the sales team that goes on working, and the administrator.
#[derive(Clone)]
struct People {
    promox: Option<Arc<promox::Running>>,
    pipedrive: Arc<pipedrive::Running>,
    signals: Signals,
    migration: Arc<OnceLock<Arc<Migration>>>,
}

impl People {
    fn act(self, point: Point) -> BoxFuture<'static, Result<()>> {
        async move {
            let edit = |round| self.promox.as_ref().map_or(Ok(()), |promox| promox.edit(round).map(drop));
            match point {
                Point::Surveyed => {
                    if self.promox.is_none() {
                        self.invite_owners().await?;
                    }
                    edit(1)
                }
                Point::HalfLoaded => edit(2),
                Point::Loaded => edit(3),
                Point::Followed(1) => {
                    let late = self.promox.as_ref().and_then(|promox| promox.inspect(promox::Account::late_user));
                    if let Some((name, email)) = late {
                        drop(self.pipedrive.add_user(&name, &email));
                    }
                    edit(4)
                }
                Point::Followed(_) => {
                    if let Some(promox) = &self.promox {
                        promox.freeze();
                    }
                    self.signals.freeze();
                    Ok(())
                }
            }
        }
        .boxed()
    }

    /// An export's owners have users in the simulated account, as they would have in the real one.
    async fn invite_owners(&self) -> Result<()> {
        let Some(migration) = self.migration.get() else { return Ok(()) };
        for owner in migration.owners().await? {
            let invented = format!("{}@users.example", owner.name.replace(' ', ".").to_lowercase());
            let email = if owner.email.is_empty() { invented } else { owner.email };
            drop(self.pipedrive.add_user(&owner.name, &email));
        }
        Ok(())
    }
}

impl Rehearse {
    /// Plan, seats and neighbours in words.
    fn account(&self) -> String {
        let seats = counted(u64::from(self.seats), "seat", "seats");
        let account = format!("{} with {seats}", title_case(self.plan.as_str()));
        if self.rival_share > 0.0 {
            format!("{account}, beside tools that spend {:.0} %", self.rival_share * 100.0)
        } else {
            account
        }
    }

    /// The end of the rehearsal, as the customer reads it.
    async fn tell(&self, stage: &Stage, migration: &Migration, took: Duration) -> Result<Success> {
        let ledger = stage.pipedrive.ledger();
        let (forecast, actual) = (migration.forecast().await?, migration.actual().await?);
        let reconciliation = migration.reconciliation().await?;
        let verification = migration.verification().unwrap_or_default();
        let run = Run {
            requests: Requests { total: ledger.requests, rate_limited: ledger.rate_limited },
            tokens: Tokens { spent: ledger.tokens, minimum: ledger.minimum },
            forecast: Forecast {
                forecast_seconds: forecast.and_then(|forecast| forecast.schedule.seconds).unwrap_or_default() as f64,
                actual_seconds: actual.map_or(0.0, |actual| actual.took.as_secs_f64()),
                forecast_tokens: forecast.map_or(0, |forecast| forecast.effort.tokens),
                actual_tokens: actual.map_or(0, |actual| actual.tokens),
            },
            elapsed_seconds: took.as_secs_f64(),
            simulated: true,
            plan: self.account(),
            reports: self
                .into
                .as_ref()
                .map(|folder| folder.join("reports/index.html").display().to_string())
                .unwrap_or_default(),
        };
        let summary = Summary::new(&reconciliation, &verification, run);
        if self.json {
            terminal::complain(summary::text(&summary).trim_end());
            terminal::say(&summary.json_line()?);
        } else {
            terminal::say(summary::text(&summary).trim_end());
        }
        if !summary.balanced {
            return Err(Error::new(Kind::Conservation, "the fates of the records do not add up"));
        }
        check_books(&ledger, migration.journal()).await?;
        Ok(if summary.verified { Success::Well } else { Success::Differences })
    }
}

/// Every call was priced as Pipedrive charges it: what the journal says was spent is what the account took.
async fn check_books(ledger: &pipedrive::Ledger, journal: &Journal) -> Result<()> {
    let counted: u64 = journal.ledger().await?.iter().map(|entry| entry.tokens).sum();
    // What is refused costs nothing there, but nobody knows that before the answer.
    let mut statuses = ledger.requests_by_endpoint.values().flat_map(|statuses| statuses.keys());
    let is_refused = statuses.any(|status| !(200..300).contains(status));
    if counted == ledger.tokens || is_refused && counted > ledger.tokens {
        return Ok(());
    }
    let why = format!("Pipedrive charged {} tokens, but calls were priced at {counted}", ledger.tokens);
    Err(Error::new(Kind::Bug, why))
}
