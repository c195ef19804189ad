//! `run`: the daemon of one migration.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::signal::unix::{SignalKind, signal};

use super::{Folder, Success, terminal};
use crate::clock::Clock;
use crate::config::{Config, Surroundings};
use crate::control::{Face, Open};
use crate::error::{Error, Kind, Result};
use crate::journal::FolderLock;
use crate::migration::{Ending, Migration, Opening, Signals, found};
use crate::progress::Progress;
use crate::stage::load::Failpoint;
use crate::stop::{self, Stopper};
use crate::telemetry;

/// Walk the migration of a folder from where it is, until its end or a signal.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    folder: Folder,
    /// What is logged: error, warn, info, debug, or a filter such as crossdock=debug
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: String,
    /// Die at the N-th time that a step of the protocol is reached (for tests)
    #[arg(long, value_name = "STEP:N", hide = true)]
    failpoint: Option<String>,
}

impl Run {
    pub(super) async fn run(self) -> Result<Success> {
        let folder = self.folder.folder;
        let environment = |name: &str| std::env::var(name).ok();
        let config = Config::load(&Surroundings { folder: &folder, environment: &environment })?;
        let _lock = FolderLock::take(&folder)?;
        terminal::log(&self.log)?;
        let metrics = telemetry::builder(&config.name)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|source| Error::new(Kind::Bug, "setting up metrics").because(source))?;
        telemetry::describe();
        let (stopper, stop) = stop::switch();
        let (clock, progress, signals) = (Clock::system(), Progress::default(), Signals::default());
        let open = Open::bind(config.listen, &folder).await?;
        tracing::info!(address = %open.address(), migration = config.name, "the daemon answers");
        let grace = config.shutdown_grace;
        let mut migration = Migration::open(
            config,
            Opening {
                folder: folder.clone(),
                clock: clock.clone(),
                stop: stop.clone(),
                signals: signals.clone(),
                progress: progress.clone(),
                checkpoint: None,
                failpoint: self.failpoint.as_deref().map(Failpoint::parse).transpose()?,
            },
        )
        .await?;
        let face = Face {
            folder,
            journal: migration.journal().clone(),
            staging: migration.staging_journal().cloned(),
            clock: clock.clone(),
            progress,
            signals,
            metrics,
        };
        let serving = tokio::spawn(open.serve(face, stopper.listener()));
        let told = tokio::spawn(listen_for_signals(stopper.clone(), clock.clone(), grace));
        let ended = loop {
            match migration.run().await {
                Ok(Ending::TurnedBack) => migration = migration.reopen().await?,
                ended => break ended,
            }
        };
        stopper.stop();
        told.abort();
        serving.await.map_err(|source| Error::new(Kind::Bug, "the daemon's face").because(source))??;
        match ended? {
            Ending::Done => tracing::info!("the migration is done"),
            Ending::Stopped | Ending::TurnedBack => {
                tracing::info!("stopped; start again to go on");
                return Ok(Success::Well);
            }
        }
        // Somebody approved the cutover with them; scripts shall still see them.
        let found = found(migration.journal()).await?;
        Ok(if found.is_some_and(|found| !found.is_clean) { Success::Differences } else { Success::Well })
    }
}

/// The first signal drains, the second one, or the end of the grace, ends at once: the journal makes that safe.
async fn listen_for_signals(stopper: Stopper, clock: Clock, grace: Duration) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard");
        return;
    };
    let mut next = async || {
        tokio::select! {
            // Both are safe to drop half-way: a signal that is not taken here is taken by the next call.
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let name = next().await;
    tracing::info!(signal = name, "draining: calls in flight are finished, then the daemon ends");
    stopper.stop();
    let again = clock.timeout(grace, next()).await;
    tracing::warn!(again, grace_seconds = grace.as_secs(), "ending at once; the next start settles what was under way");
    std::process::exit(1);
}
