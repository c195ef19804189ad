//! `approve`, `reject`, `retry`, and the signals to a running daemon: freeze, pause, resume.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::{Folder, Success, terminal};
use crate::clock::Clock;
use crate::control::{self, Reach, Saying, Signed};
use crate::error::{Error, Kind, Result};
use crate::http::{Http, Reached, Request};
use crate::journal::{FolderLock, GateVerdict, Journal};
use crate::migration::JOURNAL;
use crate::permit::Gate;
use crate::report::reports;

/// A daemon on the same machine answers at once.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A gate and who speaks.
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    /// The gate: map, data, plan, workspace, sample, cutover
    #[arg(value_name = "GATE", value_parser = gate)]
    gate: Gate,
    #[command(flatten)]
    folder: Folder,
    /// Who approves
    #[arg(long, value_name = "NAME")]
    by: String,
    /// A file with the approver's token, where approvers are listed; otherwise CROSSDOCK_APPROVER_TOKEN is read
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Environment variable that holds an approver's token. An argument would show in process lists.
const TOKEN: &str = "CROSSDOCK_APPROVER_TOKEN";

/// A signal to a running daemon.
#[derive(Debug, clap::Args)]
pub(super) struct Signal {
    #[command(flatten)]
    folder: Folder,
}

/// Refused records that are to be tried again.
#[derive(Debug, clap::Args)]
pub(super) struct Retry {
    #[command(flatten)]
    folder: Folder,
}

impl Retry {
    pub(super) async fn run(self) -> Result<Success> {
        let folder = &self.folder.folder;
        let (records, when) = match FolderLock::take(folder) {
            Ok(_lock) => {
                let journal = Journal::open(&folder.join(JOURNAL), Clock::system())?;
                (journal.retry().await?.to_string(), "when the daemon runs")
            }
            Err(taken) => {
                let reach = control::reach(folder).ok_or(taken)?;
                (tell(&reach, "/signal/retry", Vec::new()).await?, "in the next round")
            }
        };
        terminal::say(&format!("refused records that are tried again {when}: {records}"));
        Ok(Success::Well)
    }
}

fn gate(text: &str) -> Result<Gate, String> {
    let all: Vec<&str> = Gate::ALL.iter().map(|gate| gate.as_str()).collect();
    Gate::parse(text).ok_or_else(|| format!("must be one of {}", all.join(", ")))
}

impl Approve {
    pub(super) async fn approve(self) -> Result<Success> {
        self.decide(GateVerdict::Approved).await
    }

    pub(super) async fn reject(self) -> Result<Success> {
        self.decide(GateVerdict::Rejected).await
    }

    async fn decide(self, verdict: GateVerdict) -> Result<Success> {
        let folder = &self.folder.folder;
        let token = token(self.token_file.as_deref())?;
        let signed = Signed { saying: Saying { gate: self.gate, verdict, by: self.by }, token };
        // The lock tells whether a daemon runs; a run file alone may be left over from one that died.
        let digest = match FolderLock::take(folder) {
            Ok(_lock) => {
                let clock = Clock::system();
                let journal = Journal::open(&folder.join(JOURNAL), clock.clone())?;
                control::keep_signed(&journal, &clock, folder, signed).await?
            }
            Err(taken) => {
                let reach = control::reach(folder).ok_or(taken)?;
                let body =
                    serde_json::to_vec(&signed).map_err(|error| Error::new(Kind::Bug, "a saying").because(error))?;
                tell(&reach, "/decide", body).await?
            }
        };
        terminal::say(&format!("gate '{}' {verdict}: artefact {digest}", self.gate));
        if self.gate == Gate::Plan && verdict == GateVerdict::Approved {
            for what in confirmed(folder) {
                terminal::say(&format!("confirmed with it, in the name given: {what}"));
            }
        }
        Ok(Success::Well)
    }
}

/// The approver's token: from the file that was named, else from the environment; `None` without either.
///
/// # Errors
/// `Settings` where the file cannot be read.
pub(super) fn token(file: Option<&Path>) -> Result<Option<String>> {
    let Some(path) = file else { return Ok(std::env::var(TOKEN).ok().filter(|token| !token.is_empty())) };
    let failed = |error| Error::new(Kind::Settings, format!("--token-file {}", path.display())).because(error);
    std::fs::read_to_string(path).map(Some).map_err(failed)
}

/// What whoever approves the plan confirms, because nobody can read it from the account: as the plan says it. A plan that
/// cannot be read says nothing; its page does.
fn confirmed(folder: &Path) -> Vec<String> {
    let text = std::fs::read(reports(folder).join("plan.json")).unwrap_or_default();
    let plan: Value = serde_json::from_slice(&text).unwrap_or_default();
    let listed = plan["preflight"]["to_confirm"].as_array().cloned().unwrap_or_default();
    listed.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Signal {
    pub(super) async fn send(self, name: &str) -> Result<Success> {
        let none = || Error::new(Kind::Settings, format!("no daemon runs on {}", self.folder.folder.display()));
        let reach = control::reach(&self.folder.folder).ok_or_else(none)?;
        tell(&reach, &format!("/signal/{name}"), Vec::new()).await?;
        terminal::say(&format!("the daemon was told: {name}"));
        Ok(Success::Well)
    }
}

/// Says something to a running daemon; gives its answer.
pub(super) async fn tell(reach: &Reach, path: &str, body: Vec<u8>) -> Result<String> {
    let request = Request::post_json(&reach.url(path), reach.header(), body)?;
    let answer = Http::new(Clock::system(), TIMEOUT, 1)?.send(request).await;
    let answer = answer.map_err(|error| {
        let what =
            if error.reached == Reached::No { "no daemon answers there" } else { "the daemon gave no whole answer" };
        Error::new(Kind::Unreachable, what).because(error)
    })?;
    let text = String::from_utf8_lossy(&answer.body).trim().to_owned();
    match answer.status {
        200..=299 => Ok(text),
        401 => Err(Error::new(Kind::Unauthorized, text)),
        409 => Err(Error::new(Kind::Gate, text)),
        _ => Err(Error::new(Kind::Settings, text)),
    }
}
