//! `accept`: how the source answers now is how it is to be read from now on.

use std::path::PathBuf;

use super::approve::{tell, token};
use super::{Folder, Success, status, terminal};
use crate::clock::Clock;
use crate::control::{self, Acceptance};
use crate::error::{Error, Kind, Result};
use crate::journal::{FolderLock, Journal};
use crate::migration::{Accepted, JOURNAL};
use crate::record::Object;

/// The kind of record whose changed columns are accepted, and who speaks.
#[derive(Debug, clap::Args)]
pub(super) struct Accept {
    /// Kind of the source record that is paused: client, lead, project, …
    #[arg(value_name = "OBJECT", value_parser = status::object)]
    object: Object,
    #[command(flatten)]
    folder: Folder,
    /// Who accepts it: where approvers are listed, one of gate 'map'
    #[arg(long, value_name = "NAME")]
    by: String,
    /// A file with the approver's token, where approvers are listed; otherwise CROSSDOCK_APPROVER_TOKEN is read
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Accept {
    /// Writes the columns as they are now into the profile. A running daemon sees the new profile by itself.
    pub(super) async fn run(self) -> Result<Success> {
        let folder = &self.folder.folder;
        let acceptance = Acceptance { object: self.object, by: self.by, token: token(self.token_file.as_deref())? };
        // The lock tells whether a daemon runs; a run file alone may be left over from one that died.
        let accepted = match FolderLock::take(folder) {
            Ok(_lock) => {
                // Without a journal nothing was ever read, and none is made here.
                drop(status::open(&self.folder)?);
                let clock = Clock::system();
                let journal = Journal::open(&folder.join(JOURNAL), clock.clone())?;
                control::accept_signed(&journal, &clock, folder, acceptance).await?
            }
            Err(taken) => {
                let reach = control::reach(folder).ok_or(taken)?;
                let body = serde_json::to_vec(&acceptance);
                let body = body.map_err(|error| Error::new(Kind::Bug, "an acceptance").because(error))?;
                let answer = tell(&reach, "/accept", body).await?;
                serde_json::from_str::<Accepted>(&answer)
                    .map_err(|error| Error::new(Kind::Bug, "the daemon's answer").because(error))?
            }
        };
        for line in accepted.lines() {
            terminal::say(&format!("{}: {line}", accepted.object));
        }
        terminal::say("The mapping stays as it is: look whether it reads these columns.");
        Ok(Success::Well)
    }
}
