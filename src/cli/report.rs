//! `report`: the reports that can be read from the journal, written anew, and where all of them are.

use serde_json::json;

use super::{Folder, Success, status, terminal};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::journal::FolderLock;
use crate::migration;
use crate::report::{self, Head, reports};

/// The reports as things stand, and where they are. Those that follow from the journal alone are written anew; a running
/// daemon does that itself.
#[derive(Debug, clap::Args)]
pub(super) struct Report {
    /// One of them: plan, quality, sample, reconciliation, …; all without this
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    folder: Folder,
    /// One JSON object on one line
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) async fn run(self) -> Result<Success> {
        let folder = &self.folder.folder;
        match FolderLock::take(folder) {
            Ok(_lock) => {
                let journal = status::open(&self.folder)?;
                migration::refresh_reports(&journal, folder, Clock::system().utc(), self.name.as_deref()).await?;
            }
            Err(_) if folder.is_dir() => {
                terminal::complain("Another crossdock runs on this folder and writes the reports itself.");
            }
            Err(missing) => return Err(missing),
        }
        let mut there = report::list(folder)?;
        if let Some(name) = &self.name {
            let names: Vec<String> = there.iter().map(|head| head.name.clone()).collect();
            there.retain(|head| head.name == *name);
            if there.is_empty() {
                let why = format!("there is no report '{name}' yet; there are: {}", names.join(", "));
                return Err(Error::new(Kind::Settings, why));
            }
        }
        let path = |head: &Head, ending: &str| reports(folder).join(format!("{}.{ending}", head.name));
        if self.json {
            let line = |head: &Head| {
                json!({"name": head.name, "says": head.says, "written_at": head.written_at,
                    "json": path(head, "json"), "html": path(head, "html")})
            };
            terminal::say(&json!({"reports": there.iter().map(line).collect::<Vec<_>>()}).to_string());
        } else {
            for head in &there {
                terminal::say(&format!("{}\n  {}", path(head, "html").display(), head.says));
            }
        }
        Ok(Success::Well)
    }
}
