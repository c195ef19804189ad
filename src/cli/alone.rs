//! A migration that a command opens by itself, because no daemon runs on its folder.

use super::{Folder, terminal};
use crate::clock::Clock;
use crate::config::{Config, Surroundings};
use crate::error::Result;
use crate::journal::FolderLock;
use crate::migration::{Migration, Opening, Signals};
use crate::progress::Progress;
use crate::stop::{self, Stopper};

/// The folder of a command that works by itself, and how much it tells.
#[derive(Debug, clap::Args)]
pub(super) struct Here {
    #[command(flatten)]
    pub(super) folder: Folder,
    /// What is logged to standard error
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    log: String,
}

/// The migration, for as long as the command works on it.
pub(super) struct Alone {
    pub(super) migration: Migration,
    pub(super) progress: Progress,
    _stopper: Stopper,
    _lock: FolderLock,
}

impl Alone {
    /// Opens the migration of a folder whose lock is held.
    pub(super) async fn open(lock: FolderLock, Here { folder, log }: &Here) -> Result<Self> {
        let folder = &folder.folder;
        let environment = |name: &str| std::env::var(name).ok();
        let config = Config::load(&Surroundings { folder, environment: &environment })?;
        terminal::log(log)?;
        let (stopper, stop) = stop::switch();
        let progress = Progress::default();
        let opening = Opening {
            folder: folder.clone(),
            clock: Clock::system(),
            stop,
            signals: Signals::default(),
            progress: progress.clone(),
            checkpoint: None,
            failpoint: None,
        };
        let migration = Migration::open(config, opening).await?;
        Ok(Self { migration, progress, _stopper: stopper, _lock: lock })
    }
}
