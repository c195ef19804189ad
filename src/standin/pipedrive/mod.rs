//! The simulated Pipedrive: one account over HTTP that is as strict, as lossy and as limited as the real one.
//!
//! Strict: unknown keys, wrong types, dead links and missing tokens are refused. Lossy: names are split, texts trimmed,
//! HTML is cleaned, numbers are rounded, defaults filled in. Limited: the two-second window, the day's tokens and the
//! plan's caps hold exactly. What no document says is a setting, or is named where it is decided.
//!
//! A request goes `serve → route → limits → faults → perform → crud | list | fields → envelope`; `state` holds
//! everything under one lock that is never held over a wait. Nothing is shared with the client of this crate but the
//! clock, errors and nouns.

mod activities;
mod activity_types;
mod address;
mod call_logs;
mod check;
mod comments;
mod control;
mod convert;
mod crud;
mod custom;
mod custom_flat;
mod deal_products;
mod deals;
mod delivery;
mod endpoints;
mod envelope;
mod extras;
mod faults;
mod field_defaults;
mod field_set;
mod fields;
mod fields_v1;
mod files;
mod form;
mod history;
mod lead_labels;
mod leads;
mod ledger;
mod limits;
mod links;
mod list;
mod merge;
mod notes;
mod noun;
mod oauth;
mod offset;
mod older;
mod older_rows;
mod organizations;
mod participants;
mod people;
mod perform;
mod persons;
mod pipelines;
mod products;
mod query;
mod recents;
mod reply;
mod rival;
mod route;
mod saved;
mod search;
mod serve;
mod settings;
mod state;
mod system;
mod table;
mod tally;
mod team;
mod texts;
mod users;
mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::serve::ListenerExt as _;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::faults::{FaultKind, FaultRule};
pub use self::ledger::{CUT_STATUS, Ledger};
pub use self::noun::Noun;
pub use self::people::{PeopleAction, PeopleEdit};
pub use self::settings::{Plan, Settings};
pub use self::team::Team;
pub use self::users::User;

use self::serve::App;
use self::state::State;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};

/// The simulated Pipedrive, before it runs.
#[derive(Debug)]
pub struct Pipedrive;

/// A simulated Pipedrive that runs. [`Running::shutdown`] stops it and waits for the end; dropping it stops it
/// too.
#[derive(Debug)]
pub struct Running {
    app: Arc<App>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Pipedrive {
    /// Starts a fresh account that answers on a listener. Called within a tokio runtime.
    ///
    /// # Errors
    /// `Settings` for an unknown time zone or currency; `Unreachable` when the listener has no address.
    pub fn start(settings: Settings, clock: Clock, listener: TcpListener) -> Result<Running> {
        Self::open(settings, clock, listener, None)
    }

    /// The same with an account that has data already: the value of [`Running::state`]. Its data are not counted as made
    /// through the API.
    ///
    /// # Errors
    /// Also `Settings` for a state that cannot be read.
    pub fn start_with(settings: Settings, clock: Clock, listener: TcpListener, state: Value) -> Result<Running> {
        Self::open(settings, clock, listener, Some(state))
    }

    fn open(settings: Settings, clock: Clock, listener: TcpListener, saved: Option<Value>) -> Result<Running> {
        let address = listener.local_addr().map_err(|error| {
            Error::new(Kind::Unreachable, "asking the stand-in's listener for its address").because(error)
        })?;
        let start = limits::Arrival { moment: clock.now(), at: clock.utc() };
        let mut state = State::new(settings, start)?;
        if let Some(saved) = saved {
            saved::load(&mut state, saved)?;
        }
        let (stop, mut stopped) = watch::channel(false);
        let app = Arc::new(App::new(state, clock, stopped.clone()));
        team::start(&app);
        let router = Router::new().fallback(serve::handle).with_state(Arc::clone(&app));
        // Small answers must not wait for more of them.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move {
            let end = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
            let served = axum::serve(listener, service).with_graceful_shutdown(end).await;
            if let Err(error) = served {
                tracing::warn!(%error, "the simulated Pipedrive stopped by itself");
            }
        });
        Ok(Running { app, address, stop, server })
    }
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API token of the administrator.
    #[must_use]
    pub fn token(&self) -> String {
        self.app.lock().users.first().map(|user| user.token.clone()).unwrap_or_default()
    }

    /// Everything the account holds, for [`Pipedrive::start_with`]. Takes time by the number of records.
    #[must_use]
    pub fn state(&self) -> Value {
        saved::save(&self.app.lock())
    }

    /// The books as they are now. Takes time by the number of records.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.app.lock().ledger()
    }

    /// Adds a user, as an administrator would in the web application.
    #[must_use]
    pub fn add_user(&self, name: &str, email: &str) -> User {
        control::add_user(&self.app, name, email)
    }

    /// Deactivates a user, as an administrator would in the web application; false for an unknown one.
    #[must_use]
    pub fn deactivate_user(&self, user: u64) -> bool {
        users::deactivate(&mut self.app.lock(), user)
    }

    /// All users, by id.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        self.app.lock().users.clone()
    }

    /// Replaces the faults in force; an empty list ends them.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        self.app.lock().faults = faults::Faults::new(rules);
    }

    /// All records of a kind as the API writes them, deleted ones too, each with `is_deleted`, by internal number.
    #[must_use]
    pub fn rows(&self, noun: impl Into<Noun>) -> Vec<Value> {
        people::rows(&self.app.lock(), noun.into())
    }

    /// Carries out an edit by people in the web application; the answer is the record afterwards. Called within a tokio
    /// runtime, because webhooks may hear of it.
    ///
    /// # Errors
    /// `Refused` with the account's reason.
    pub fn edit_as_people(&self, edit: PeopleEdit) -> Result<Value> {
        let edited = control::edit_as_people(&self.app, edit);
        delivery::start(&self.app);
        edited.map_err(|refusal| Error::new(Kind::Refused, refusal.error))
    }

    /// Lets the simulated team act at once; the answer is what it did. Called within a tokio runtime.
    #[must_use]
    pub fn act_as_team(&self, team: &Team) -> Value {
        let done = control::act_as_team(&self.app, team);
        delivery::start(&self.app);
        done
    }

    /// Gives a user a new API token, as the user would in the settings; `None` for an unknown user.
    #[must_use]
    pub fn renew_token(&self, user: u64) -> Option<String> {
        users::renew(&mut self.app.lock(), user)
    }

    /// Stops: ends every wait, lets running requests finish, closes idle connections.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        self.app.abort_apart();
        // Only a panic or an abort makes this fail, and both have ended the server too.
        drop(self.server.await);
    }
}
