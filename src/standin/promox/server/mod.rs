//! The source's HTTP API on loopback or any address, its faults, its ledger of requests, and the control API of the
//! stand-in.
//!
//! An answer is made when the request arrives and held on the clock for the round trip, so that a rehearsal in stepped
//! time feels the source's latency without waiting for it.

mod api;
mod control;
mod faults;
mod ledger;

use std::collections::BTreeMap;
use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use self::faults::{Fault, FaultKind};
pub use self::ledger::{RequestLine, Requests};
use super::account::Account;
use super::edits::EditSummary;
use super::generate::generate;
use crate::clock::{Clock, Moment};
use crate::error::{Error, Kind, Result};
use crate::record::Object;

/// The window of the rate limit.
const WINDOW: Duration = Duration::from_secs(60);

/// How long a shutdown waits for answers that are still held.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// What the stand-in is to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Records over all objects, at least [`super::generate::RECORDS_MIN`]. Default 5,000.
    pub records: usize,
    /// Seed of the account. Default 1.
    pub seed: u64,
    /// The bearer token that the API asks for. Not a secret: it opens invented data only.
    pub token: String,
    /// Time from a request to its answer, in milliseconds of the clock. Default 40, a request across a country.
    pub rtt_ms: u64,
    /// Requests allowed in a minute; more are answered with 429. Default: no limit.
    pub requests_per_minute: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        let token = "standin-promox-token".to_owned();
        Self { records: 5_000, seed: 1, token, rtt_ms: 40, requests_per_minute: None }
    }
}

/// Starts stand-ins; see [`Promox::start`].
pub struct Promox;

impl Promox {
    /// Makes the account as it stands at the clock's present time, and serves it. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `Settings` when the listener has no address.
    pub fn start(settings: Settings, clock: Clock, listener: TcpListener) -> Result<Running> {
        let account = generate(settings.records, settings.seed, clock.utc());
        Self::serve(account, settings, clock, listener)
    }

    /// Serves an account that is there already; records and seed in the settings mean nothing then.
    ///
    /// # Errors
    /// `Settings` when the listener has no address.
    pub fn serve(account: Account, settings: Settings, clock: Clock, listener: TcpListener) -> Result<Running> {
        let address = listener
            .local_addr()
            .map_err(|error| Error::new(Kind::Settings, "reading the stand-in's address").because(error))?;
        let shared = Arc::new(Shared {
            clock: clock.clone(),
            settings,
            state: Mutex::new(State {
                account,
                is_frozen: false,
                faults: Vec::new(),
                requests: Requests::default(),
                window: Window { start: clock.now(), used: 0 },
            }),
        });
        let service = api::router(&shared).into_make_service_with_connect_info::<SocketAddr>();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, service).with_graceful_shutdown(async move {
            // A dropped sender means that nobody holds the stand-in any more, which ends it too.
            stopped.await.unwrap_or_default();
        });
        let task = tokio::spawn(clock.track(server.into_future()));
        Ok(Running { address, shared, stop, task })
    }
}

/// A running stand-in. Dropping it stops it, without waiting.
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bearer token its API asks for.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.settings.token
    }

    /// Live records by the object's name in the path.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        self.inspect(Account::counts)
    }

    /// All live rows of an object, by id.
    #[must_use]
    pub fn rows(&self, object: Object) -> Vec<Value> {
        self.inspect(|account| account.rows(object))
    }

    /// Reads anything of the account. Requests wait meanwhile.
    pub fn inspect<T>(&self, read: impl FnOnce(&Account) -> T) -> T {
        read(&self.shared.lock().account)
    }

    /// Makes a round of edits at the clock's present time, once per round.
    ///
    /// # Errors
    /// `Refused` after [`Running::freeze`].
    pub fn edit(&self, round: u32) -> Result<EditSummary> {
        self.shared.edit(round)
    }

    /// Lets no more edits in: the operator told the sales team to stop.
    pub fn freeze(&self) {
        self.shared.lock().is_frozen = true;
    }

    /// Adds a fault for coming requests.
    ///
    /// # Errors
    /// `Settings` when the fault answers with a status that is not an error.
    pub fn fault(&self, fault: Fault) -> Result<()> {
        self.shared.add_fault(fault)
    }

    /// The API's requests so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.shared.lock().requests.clone()
    }

    /// Stops listening and waits for open answers, for a few seconds of the clock at most.
    pub async fn shutdown(self) {
        let Self { shared, stop, mut task, .. } = self;
        // The server may have ended by itself; then there is nobody left to tell.
        stop.send(()).unwrap_or_default();
        if shared.clock.timeout(SHUTDOWN, &mut task).await.is_none() {
            task.abort();
        }
    }
}

/// What all requests share.
struct Shared {
    clock: Clock,
    settings: Settings,
    state: Mutex<State>,
}

struct State {
    account: Account,
    is_frozen: bool,
    faults: Vec<faults::Armed>,
    requests: Requests,
    window: Window,
}

/// The minute that the rate limit counts in.
struct Window {
    start: Moment,
    used: u32,
}

impl Shared {
    /// Every change under the lock is whole before anything can panic, so a poisoned lock is still sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn edit(&self, round: u32) -> Result<EditSummary> {
        let mut state = self.lock();
        if state.is_frozen {
            return Err(Error::new(Kind::Refused, format!("round {round} of edits: the account is frozen")));
        }
        Ok(state.account.edit_round(round, self.clock.utc()))
    }

    fn add_fault(&self, fault: Fault) -> Result<()> {
        let armed = faults::Armed::new(fault)?;
        self.lock().faults.push(armed);
        Ok(())
    }
}

impl State {
    /// Counts a request against the limit; the wait until the next window if there are too many.
    fn over_limit(&mut self, limit: Option<u32>, now: Moment) -> Option<Duration> {
        let limit = limit?;
        if now.since(self.window.start) >= WINDOW {
            self.window = Window { start: now, used: 0 };
        }
        if self.window.used >= limit {
            return Some(WINDOW.saturating_sub(now.since(self.window.start)));
        }
        self.window.used += 1;
        None
    }
}
