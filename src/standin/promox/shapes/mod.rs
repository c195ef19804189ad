//! The same account under any shape that an API can have, for the prober of unknown APIs.
//!
//! A [`Shape`] is one value of each dimension in [`choices`]: authentication, paging, envelopes, ids, dates, limits, errors
//! and so on. `Shape::draw(seed)` draws one by weights, `"auth=basic,paging=cursor".parse()` spells one by hand, and its text
//! replays it. [`serve`] answers an account in that shape on loopback:
//!
//! ```no_run
//! # use crossdock::clock::Clock;
//! # use crossdock::record::Object;
//! # use crossdock::standin::promox::{generate::generate, shapes::{self, Edit, Settings, Shape}};
//! # async fn example() -> crossdock::error::Result<()> {
//! let clock = Clock::stepped("2026-03-02T15:00:00Z".parse().expect("an instant"));
//! let account = generate(300, 1, clock.utc());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
//! let serving = shapes::serve(account, Shape::draw(17), Settings::default(), clock, listener).await?;
//! let (root, credentials) = (serving.root(), serving.credentials());
//! serving.edit(Edit::Delete { object: Object::Client, key: 4_003 })?;
//! let rows = serving.listed(Object::Client); // what a walk must give: ids, values, and the rows as lists show them
//! assert_eq!(serving.ledger().writes, 0); // neither reads nor log-ins
//! # Ok(()) }
//! ```
//!
//! A second port has the storage of files and a control API for tests in other processes ([`Edit`], [`Hook`], [`Drift`]
//! and the truth as JSON). Writes are answered as such an API would, written down, and change nothing.
//!
//! Written from the reference on API shapes alone; it shares nothing with the prober that reads it.

mod answer;
mod auth;
pub mod choices;
mod control;
mod credentials;
mod custom;
mod delta;
mod desk;
pub mod dimension;
mod docs;
mod drift;
mod envelope;
mod errors;
mod files;
mod graphql;
mod graphql_schema;
mod ids;
mod ledger;
mod limits;
mod list;
mod names;
mod odata;
mod paging;
mod purpose;
mod reply;
mod route;
mod row;
mod rules;
mod schema;
mod serve;
mod settings;
mod shape;
mod soap;
mod sql;
mod store;
mod truth;
mod values;
mod writes;
mod xml;

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::control::{Edit, Hook};
pub use self::credentials::Credentials;
pub use self::drift::Drift;
pub use self::ledger::{Ledger, Line};
use self::serve::{Shared, State};
pub use self::settings::Settings;
pub use self::shape::{Choice, Shape};
pub use self::truth::TrueRow;
use super::account::Account;
use super::edits::EditSummary;
use super::generate::generate;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::record::Object;

/// The objects that are served: those of the account, and its files where the shape lists them.
pub const SERVED: &[Object] = schema::SERVED;

/// How long a shutdown waits for answers that are still held.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Makes an account as the settings say, as it stands at the clock's present time, and serves it like [`serve`].
///
/// # Errors
/// `Settings` when the listener has no address or there is no second port.
pub async fn start(shape: Shape, settings: Settings, clock: Clock, listener: TcpListener) -> Result<Serving> {
    let account = generate(settings.records, settings.seed, clock.utc());
    serve(account, shape, settings, clock, listener).await
}

/// Serves an account in a shape on the listener; records and seed in the settings mean nothing then. Its storage and
/// its control API are on a second port of loopback.
///
/// # Errors
/// `Settings` when the listener has no address or there is no second port.
pub async fn serve(
    account: Account,
    shape: Shape,
    settings: Settings,
    clock: Clock,
    listener: TcpListener,
) -> Result<Serving> {
    let failed = |error: std::io::Error| Error::new(Kind::Settings, "opening the ports of the stand-in").because(error);
    let beside = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let (address, control) = (listener.local_addr().map_err(failed)?, beside.local_addr().map_err(failed)?);
    let state = State::new(shape, store::Store::new(account), &settings, clock.now());
    let addresses = (format!("http://{address}"), format!("http://{control}"));
    let shared = Arc::new(Shared::new(clock.clone(), settings, addresses, state));
    let (stop, stopped) = watch::channel(false);
    let run = |listener: TcpListener, router: axum::Router| {
        let mut stopped = stopped.clone();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            // A dropped sender means that nobody holds the stand-in any more, which ends it too.
            drop(stopped.wait_for(|stop| *stop).await);
        });
        tokio::spawn(clock.track(server.into_future()))
    };
    let tasks = vec![run(listener, serve::router(&shared)), run(beside, control::router(&shared))];
    Ok(Serving { address, control, shared, stop, tasks })
}

/// An account that is being served in a shape. Dropping it stops it, without waiting.
pub struct Serving {
    address: SocketAddr,
    control: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Serving {
    /// Where the site and its API listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where storage and control API listen.
    #[must_use]
    pub fn control_address(&self) -> SocketAddr {
        self.control
    }

    /// The address that users log in to: scheme, host and port.
    #[must_use]
    pub fn site(&self) -> String {
        self.shared.site.clone()
    }

    /// The address of the API: the site and the base path.
    #[must_use]
    pub fn root(&self) -> String {
        control::root(&self.shared, &self.shared.lock().shape)
    }

    /// The shape as it is now, drift included.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shared.lock().shape.clone()
    }

    /// What the operator holds.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials::of(&self.shape(), &self.shared.site, &self.root())
    }

    /// Whether an object has a list at all, with a path of its own or without.
    #[must_use]
    pub fn serves(&self, object: Object) -> bool {
        SERVED.contains(&object) && route::is_served(&self.shape(), object)
    }

    /// The path of an object's list below the base; `None` where it is not served, and where lists have no paths.
    #[must_use]
    pub fn path(&self, object: Object) -> Option<String> {
        let shape = self.shape();
        let has_paths =
            !matches!(shape.protocol, choices::Protocol::Graphql | choices::Protocol::Sql | choices::Protocol::Soap);
        let is_served = SERVED.contains(&object) && route::is_served(&shape, object);
        (has_paths && is_served).then(|| names::list_path(&shape, object))
    }

    /// Whether the shape refuses an object's list to everybody, as a plan does that does not include it.
    #[must_use]
    pub fn refuses(&self, object: Object) -> bool {
        object == Object::Commission && self.shape().gated == choices::Gated::Commissions
    }

    /// Every row of an object, deleted ones too, by number.
    #[must_use]
    pub fn truth(&self, object: Object) -> Vec<TrueRow> {
        let state = self.shared.lock();
        let root = control::root(&self.shared, &state.shape);
        truth::all(&state.desk(&self.shared, &root), object)
    }

    /// The rows that a walk of the plain list gives which misses none, by number.
    #[must_use]
    pub fn listed(&self, object: Object) -> Vec<TrueRow> {
        let state = self.shared.lock();
        let root = control::root(&self.shared, &state.shape);
        truth::walked(&state.desk(&self.shared, &root), object)
    }

    /// The bytes of a file, by its number.
    #[must_use]
    pub fn file(&self, key: u64) -> Vec<u8> {
        store::content(key)
    }

    /// Makes an edit at the clock's present time; gives the row's number.
    ///
    /// # Errors
    /// `Gone` when there is no such live row.
    pub fn edit(&self, edit: Edit) -> Result<u64> {
        self.shared.lock().edit(edit, self.shared.clock.utc())
    }

    /// Makes a round of the sales team's edits, once per round.
    pub fn edit_round(&self, round: u32) -> EditSummary {
        self.shared.lock().store.edit_round(round, self.shared.clock.utc())
    }

    /// Adds edits that happen while somebody turns pages.
    pub fn hook(&self, hook: Hook) {
        self.shared.lock().hooks.add(hook);
    }

    /// Lets the API drift.
    ///
    /// # Errors
    /// `Settings` where there is no such value, or it contradicts the rest of the shape.
    pub fn drift(&self, drift: Drift) -> Result<()> {
        self.shared.lock().drift(drift)
    }

    /// Takes every drift back.
    pub fn undo_drift(&self) {
        self.shared.lock().undo_drift();
    }

    /// The requests so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.shared.lock().books(self.shared.clock.now())
    }

    /// Stops listening and waits for open answers, for a few seconds of the clock at most.
    pub async fn shutdown(self) {
        let Self { shared, stop, tasks, .. } = self;
        // The servers may have ended by themselves; then there is nobody left to tell.
        stop.send_replace(true);
        for mut task in tasks {
            if shared.clock.timeout(SHUTDOWN, &mut task).await.is_none() {
                task.abort();
            }
        }
    }
}
