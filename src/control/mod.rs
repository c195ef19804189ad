//! The daemon's face on loopback: health, readiness, metrics, status, and what people tell it.
//!
//! A running daemon writes its address and a random word into `crossdock.run` (mode 0600); commands that change something
//! must show the word, so that nobody else on the machine can approve a gate.

mod gauges;
mod status;

use std::fs::OpenOptions;
use std::future::IntoFuture as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::Approvers;
use crate::error::{Error, Kind, Result};
use crate::journal::{Decision, GateVerdict, Journal, Proof};
use crate::migration::{self, Accepted, GateState, Signals, artefact, blocked};
use crate::permit::Gate;
use crate::progress::Progress;
use crate::record::Object;
use crate::stop::Stop;

pub use status::{GateStatus, ObjectStatus, StagingStatus, Status};

/// Where commands find a running daemon, in the migration's folder.
pub const RUN_FILE: &str = "crossdock.run";

/// The header that carries the daemon's word.
const WORD: &str = "x-crossdock-word";

/// How to reach a running daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Its address.
    pub address: SocketAddr,
    /// The word it wants to see.
    pub word: String,
}

/// What the face shows and changes.
#[derive(Clone)]
pub struct Face {
    /// The migration's folder.
    pub folder: PathBuf,
    /// The journal.
    pub journal: Journal,
    /// The staging company's; `None` without one.
    pub staging: Option<Journal>,
    /// The clock.
    pub clock: Clock,
    /// How far the migration is.
    pub progress: Progress,
    /// What people tell it.
    pub signals: Signals,
    /// The metrics.
    pub metrics: PrometheusHandle,
}

#[derive(Clone)]
struct Shared {
    face: Arc<Face>,
    word: Arc<str>,
    gauges: Arc<gauges::Gauges>,
}

/// A gate and a name, as commands send them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saying {
    /// The gate.
    pub gate: Gate,
    /// Yes or no.
    pub verdict: GateVerdict,
    /// Who says it.
    pub by: String,
}

/// A [`Saying`] with the token of whoever says it, where approvers are listed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What is said.
    pub saying: Saying,
    /// The token; it goes to the daemon on this machine and is kept nowhere.
    pub token: Option<String>,
}

/// The token is not shown.
impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = if self.token.is_some() { "shown" } else { "none" };
        f.debug_struct("Signed").field("saying", &self.saying).field("token", &token).finish()
    }
}

/// Who accepts a change of the source, as commands send it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The kind of record that is paused.
    pub object: Object,
    /// Who accepts it.
    pub by: String,
    /// Their token, as in [`Signed`].
    pub token: Option<String>,
}

/// The token is not shown.
impl std::fmt::Debug for Acceptance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = if self.token.is_some() { "shown" } else { "none" };
        f.debug_struct("Acceptance").field("object", &self.object).field("by", &self.by).field("token", &token).finish()
    }
}

/// The daemon's open face. Its run file goes away with it.
pub struct Open {
    listener: TcpListener,
    reach: Reach,
    file: PathBuf,
}

impl Open {
    /// Binds the address and writes the run file.
    ///
    /// # Errors
    /// `Settings` when the address is taken or the folder cannot be written.
    pub async fn bind(listen: SocketAddr, folder: &Path) -> Result<Self> {
        let failed = |what: String| move |source: std::io::Error| Error::new(Kind::Settings, what).because(source);
        let listener = TcpListener::bind(listen).await.map_err(failed(format!("daemon.listen {listen}")))?;
        let address = listener.local_addr().map_err(failed(format!("daemon.listen {listen}")))?;
        let reach = Reach { address, word: uuid::Uuid::new_v4().simple().to_string() };
        let file = folder.join(RUN_FILE);
        let text = serde_json::to_vec(&reach).map_err(|error| Error::new(Kind::Bug, "the run file").because(error))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut opened = options.open(&file).map_err(failed(format!("writing {}", file.display())))?;
        opened.write_all(&text).map_err(failed(format!("writing {}", file.display())))?;
        Ok(Self { listener, reach, file })
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.reach.address
    }

    /// Answers until the stop, and takes the run file away.
    ///
    /// # Errors
    /// `Bug` when the listener fails.
    pub async fn serve(self, face: Face, mut stop: Stop) -> Result<()> {
        let word = self.reach.word.as_str().into();
        let (clock, recorder) = (face.clock.clone(), face.metrics.clone());
        let shared = Shared { face: Arc::new(face), word, gauges: Arc::default() };
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .route("/status", get(status))
            .route("/decide", post(decide))
            .route("/accept", post(accept))
            .route("/signal/{name}", post(signal))
            .with_state(shared);
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(async move { stop.stopped().await });
        let upkeep = async {
            loop {
                clock.sleep(UPKEEP).await;
                recorder.run_upkeep();
            }
        };
        let served = tokio::select! {
            served = serving.into_future() => served,
            () = upkeep => Ok(()),
        };
        // A file that is gone already is as good as removed.
        drop(std::fs::remove_file(&self.file));
        served.map_err(|source| Error::new(Kind::Bug, "the daemon's face has failed").because(source))
    }
}

/// How often samples of durations are put into their buckets. Between scrapes they pile up, and perhaps nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// How to reach the daemon of a folder, if one has written so. It may have died since.
#[must_use]
pub fn reach(folder: &Path) -> Option<Reach> {
    let text = std::fs::read(folder.join(RUN_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

impl Reach {
    /// The address of one of its pages.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The header that a command must send.
    #[must_use]
    pub fn header(&self) -> (&'static str, &str) {
        (WORD, &self.word)
    }
}

/// Keeps what a person said about what waits at a gate, if the settings let them speak there.
///
/// # Errors
/// As [`keep`]; `Unauthorized` for whom the settings do not list as an approver.
pub async fn keep_signed(journal: &Journal, clock: &Clock, folder: &Path, signed: Signed) -> Result<String> {
    let Signed { saying, token } = signed;
    let token = token.map(SecretString::from);
    let by_token = Approvers::read(folder)?.admit(saying.gate, &saying.by, token.as_ref())?;
    keep_as(journal, clock, saying, if by_token { Proof::Token } else { Proof::Name }).await
}

/// Keeps what a person said about what waits at a gate, by the name given.
///
/// # Errors
/// `Gate` when nothing waits there; `Settings` without a name; `Journal`.
pub async fn keep(journal: &Journal, clock: &Clock, saying: Saying) -> Result<String> {
    keep_as(journal, clock, saying, Proof::Name).await
}

async fn keep_as(journal: &Journal, clock: &Clock, saying: Saying, proof: Proof) -> Result<String> {
    let Saying { gate, verdict, by } = saying;
    if by.trim().is_empty() {
        return Err(Error::new(Kind::Settings, "an approval needs the name of a person"));
    }
    let digest = match (artefact(journal, gate).await?, verdict) {
        (GateState::Waits(digest), _) | (GateState::Approved { digest, .. }, GateVerdict::Rejected) => digest,
        (GateState::NotReached, _) => {
            let nothing = Error::new(Kind::Gate, format!("nothing waits at gate '{gate}' yet"));
            return Err(match blocked(journal, gate).await? {
                none if none.is_empty() => nothing,
                reasons => nothing.because(format!("this must be solved first:\n{reasons}")),
            });
        }
        (GateState::Approved { by, .. }, GateVerdict::Approved) => {
            return Err(Error::new(Kind::Gate, format!("gate '{gate}' is approved already, by {by}")));
        }
    };
    let decision = Decision { gate, verdict, by: by.trim().to_owned(), digest: digest.clone(), proof };
    journal.decide(decision, clock.utc()).await?;
    Ok(digest)
}

/// Accepts a change of the source, if the settings let whoever says so approve the map: with the profile it says how the
/// source is read.
///
/// # Errors
/// As [`migration::accept`]; `Unauthorized` for whom the settings do not list as an approver of that gate.
pub async fn accept_signed(
    journal: &Journal,
    clock: &Clock,
    folder: &Path,
    acceptance: Acceptance,
) -> Result<Accepted> {
    let Acceptance { object, by, token } = acceptance;
    let token = token.map(SecretString::from);
    let by_token = Approvers::read(folder)?.admit(Gate::Map, &by, token.as_ref())?;
    migration::accept((journal, clock, folder), object, (&by, by_token)).await
}

async fn ready(State(shared): State<Shared>) -> Response {
    if shared.face.progress.snapshot().doing.phase.is_empty() {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response()
    } else {
        "ready\n".into_response()
    }
}

async fn metrics(State(shared): State<Shared>) -> Result<String, Refusal> {
    let Face { journal, clock, metrics, .. } = &*shared.face;
    shared.gauges.tell(journal, clock).await?;
    metrics.run_upkeep();
    Ok(metrics.render())
}

async fn status(State(shared): State<Shared>) -> Result<Json<Status>, Refusal> {
    let Face { journal, staging, progress, .. } = &*shared.face;
    Ok(Json(Status::read(journal, staging.as_ref(), Some(progress)).await?))
}

async fn decide(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Json(signed): Json<Signed>,
) -> Result<String, Refusal> {
    shared.admit(&headers)?;
    let Face { journal, clock, folder, .. } = &*shared.face;
    Ok(keep_signed(journal, clock, folder, signed).await?)
}

async fn accept(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Json(acceptance): Json<Acceptance>,
) -> Result<Json<Accepted>, Refusal> {
    shared.admit(&headers)?;
    let Face { journal, clock, folder, .. } = &*shared.face;
    Ok(Json(accept_signed(journal, clock, folder, acceptance).await?))
}

async fn signal(
    State(shared): State<Shared>,
    headers: HeaderMap,
    axum::extract::Path(name): axum::extract::Path<String>,
) -> Result<String, Refusal> {
    shared.admit(&headers)?;
    let Face { journal, clock, signals, .. } = &*shared.face;
    match name.as_str() {
        "freeze" => migration::freeze(journal, clock, signals).await?,
        "pause" => signals.pause(),
        "resume" => signals.resume(),
        "retry" => {
            let records = journal.retry().await?;
            signals.retry();
            return Ok(format!("{records}\n"));
        }
        _ => return Err(Error::new(Kind::Settings, format!("unknown signal '{name}'")).into()),
    }
    Ok(format!("{name}\n"))
}

impl Shared {
    fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let shown = headers.get(WORD).map(axum::http::HeaderValue::as_bytes);
        // The word is random and new at every start, so the time of the comparison tells nothing of use.
        if shown == Some(self.word.as_bytes()) {
            Ok(())
        } else {
            Err(Error::new(Kind::Unauthorized, "the daemon's word was not shown").into())
        }
    }
}

/// An error as an answer.
struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.0.kind() {
            Kind::Gate => StatusCode::CONFLICT,
            Kind::Unauthorized => StatusCode::UNAUTHORIZED,
            Kind::Settings => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.0.chain()).into_response()
    }
}
