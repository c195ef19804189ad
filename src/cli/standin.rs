//! `standin`: a simulated end as a server of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Success, terminal};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::standin::{pipedrive, promox};

/// A simulated end as a server of its own, on a loopback address, until it is interrupted.
#[derive(Debug, clap::Args)]
pub(super) struct Standin {
    #[command(subcommand)]
    end: End,
}

#[derive(Debug, clap::Subcommand)]
enum End {
    /// A Pipedrive account, as strict and as limited as the real one
    Pipedrive(PipedriveServer),
    /// A generated PromoXcrm account, in its own shape or in any that APIs have
    Promox(PromoxServer),
}

/// The same in another shape.
#[derive(Debug, clap::Args)]
struct PromoxServer {
    #[command(flatten)]
    server: Server,
    /// Serves the account in another shape: a number draws one by the weights of real APIs, and KEY=VALUE,... spells one
    /// out (auth=basic,paging=cursor,envelope=nested); a number may be followed by KEY=VALUE,... The shape that was drawn is
    /// printed and replays it. A wrong key or value is answered with all that are known
    #[arg(long, value_name = "SEED|KEY=VALUE,...")]
    shape: Option<promox::shapes::Shape>,
}

/// The same with an account that lives longer than its server.
#[derive(Debug, clap::Args)]
struct PipedriveServer {
    #[command(flatten)]
    server: Server,
    /// File that the account is read from if it is there, and written to at the end
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Where it answers and how it is set.
#[derive(Debug, clap::Args)]
struct Server {
    /// Loopback address to answer on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Settings in TOML; every key has a default
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// One setting, as KEY=VALUE in TOML; stands before those of the file
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Standin {
    pub(super) async fn run(self) -> Result<Success> {
        let clock = Clock::system();
        match self.end {
            End::Pipedrive(PipedriveServer { server, state }) => {
                let listener = server.bind().await?;
                let running = match state.as_deref().map(read_state).transpose()?.flatten() {
                    Some(state) => pipedrive::Pipedrive::start_with(server.settings()?, clock, listener, state)?,
                    None => pipedrive::Pipedrive::start(server.settings()?, clock, listener)?,
                };
                announce(running.address(), &running.token());
                interrupted().await?;
                if let Some(path) = state {
                    write_state(&path, &running.state())?;
                }
                running.shutdown().await;
            }
            End::Promox(PromoxServer { server, shape: Some(shape) }) => {
                let listener = server.bind().await?;
                let serving = promox::shapes::start(shape, server.settings()?, clock, listener).await?;
                announce_shape(&serving);
                interrupted().await?;
                serving.shutdown().await;
            }
            End::Promox(PromoxServer { server, shape: None }) => {
                let listener = server.bind().await?;
                let running = promox::Promox::start(server.settings()?, clock, listener)?;
                announce(running.address(), running.token());
                interrupted().await?;
                running.shutdown().await;
            }
        }
        Ok(Success::Well)
    }
}

impl Server {
    async fn bind(&self) -> Result<TcpListener> {
        let listen = self.listen;
        if !listen.ip().is_loopback() {
            return Err(Error::new(Kind::Settings, format!("--listen {listen}: a stand-in answers on loopback only")));
        }
        let failed = |source| Error::new(Kind::Settings, format!("--listen {listen}")).because(source);
        TcpListener::bind(listen).await.map_err(failed)
    }

    fn settings<T: DeserializeOwned>(&self) -> Result<T> {
        let mut table = match &self.settings {
            None => toml::Table::new(),
            Some(path) => {
                let failed = |what: &str| Error::new(Kind::Settings, format!("--settings {}: {what}", path.display()));
                let text = std::fs::read_to_string(path).map_err(|error| failed("cannot be read").because(error))?;
                text.parse().map_err(|error: toml::de::Error| failed("is not TOML").because(error))?
            }
        };
        for setting in &self.set {
            let failed = |error: toml::de::Error| Error::new(Kind::Settings, format!("--set {setting}")).because(error);
            table.extend(setting.parse::<toml::Table>().map_err(failed)?);
        }
        table.try_into().map_err(|error| Error::new(Kind::Settings, "the stand-in's settings").because(error))
    }
}

/// The account of a file; `None` if there is no such file yet.
fn read_state(path: &Path) -> Result<Option<Value>> {
    let failed = |what: &str| Error::new(Kind::Settings, format!("--state {}: {what}", path.display()));
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read(path).map_err(|error| failed("cannot be read").because(error))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| failed("is not JSON").because(error))
}

/// Writes beside the file first, so that an end half-way leaves the old one.
fn write_state(path: &Path, state: &Value) -> Result<()> {
    let failed =
        |error| Error::new(Kind::Settings, format!("--state {}: cannot be written", path.display())).because(error);
    let beside = path.with_extension("new");
    std::fs::write(&beside, state.to_string()).and_then(|()| std::fs::rename(&beside, path)).map_err(failed)
}

/// One JSON line, for scripts: where it answers and with which token.
fn announce(address: SocketAddr, token: &str) {
    terminal::say(&json!({ "address": format!("http://{address}"), "token": token }).to_string());
}

/// One JSON line: where site, API and control API answer, what the operator holds, and the shape as it can be spelled out.
fn announce_shape(serving: &promox::shapes::Serving) {
    let line = json!({
        "address": serving.site(),
        "api": serving.root(),
        "control": format!("http://{}", serving.control_address()),
        "credentials": serving.credentials(),
        "shape": serving.shape().to_string(),
    });
    terminal::say(&line.to_string());
}

async fn interrupted() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |source| Error::new(Kind::Bug, "listening for signals").because(source);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        // Both are safe to drop half-way.
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(failed),
    }
}
