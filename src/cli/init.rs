//! `init`: a new migration's folder.

use std::path::PathBuf;

use super::{Success, terminal};
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::mapping::PROMOX;

/// The settings file that `init` writes, and that `deploy/` shows.
pub(crate) const SETTINGS: &str = include_str!("../../deploy/migration.toml");

/// Make a new migration's folder with settings and mapping to fill in.
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// The folder to make
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Init {
    pub(super) fn run(self) -> Result<Success> {
        let failed =
            |source| Error::new(Kind::Settings, format!("making folder {}", self.folder.display())).because(source);
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        for (name, text) in [(config::FILE, SETTINGS), ("mapping.toml", PROMOX)] {
            let path = self.folder.join(name);
            if path.exists() {
                return Err(Error::new(
                    Kind::Settings,
                    format!("{} is there already; nothing was changed", path.display()),
                ));
            }
            std::fs::write(&path, text).map_err(failed)?;
        }
        terminal::say(&format!(
            "Made {0}. Fill in {0}/{1}, review {0}/mapping.toml, then: crossdock run -C {0}",
            self.folder.display(),
            config::FILE
        ));
        Ok(Success::Well)
    }
}
