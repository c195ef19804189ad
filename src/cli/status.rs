//! `status` and `explain`: answers read from the journal; a running daemon adds what it is doing.

use std::time::Duration;

use super::{Folder, Success, terminal};
use crate::clock::Clock;
use crate::control::{self, Status as Standing};
use crate::error::{Error, Kind, Result};
use crate::http::{Http, Request};
use crate::journal::{Bound, Journal};
use crate::migration::{JOURNAL, STAGING_JOURNAL};
use crate::record::Object;

/// A daemon on the same machine answers at once, unless it is very busy.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where the migration stands.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    folder: Folder,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Why a record ended as it did.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// Kind of the source record: client, lead, project, …
    #[arg(value_name = "OBJECT", value_parser = object)]
    object: Object,
    /// Its id at the source
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    folder: Folder,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn object(text: &str) -> Result<Object, String> {
    let all: Vec<&str> = Object::ALL.iter().map(|object| object.as_str()).collect();
    Object::parse(text).ok_or_else(|| format!("must be one of {}", all.join(", ")))
}

/// Opens the journal beside a daemon that may be running: readers and one writer get along.
pub(super) fn open(folder: &Folder) -> Result<Journal> {
    let path = folder.folder.join(JOURNAL);
    if !path.exists() {
        return Err(Error::new(Kind::Settings, format!("{} is not there; has the migration begun?", path.display())));
    }
    Journal::read_only(&path, Clock::system())
}

/// The staging company's journal; `None` when nothing was done there.
fn open_staging(folder: &Folder) -> Result<Option<Journal>> {
    let path = folder.folder.join(STAGING_JOURNAL);
    path.exists().then(|| Journal::read_only(&path, Clock::system())).transpose()
}

/// What a running daemon says of itself, which is more than its journal knows: how far it is and what it waits for.
pub(super) async fn told(folder: &Folder) -> Option<Standing> {
    let reach = control::reach(&folder.folder)?;
    let request = Request::get(&reach.url("/status")).ok()?;
    // A run file may be left over from a daemon that died; then nobody answers, and the journal tells.
    let answer = Http::new(Clock::system(), TIMEOUT, 1).ok()?.send(request).await.ok()?;
    if answer.status == 200 { serde_json::from_slice(&answer.body).ok() } else { None }
}

impl Status {
    pub(super) async fn run(self) -> Result<Success> {
        let status = match told(&self.folder).await {
            Some(status) => status,
            None => Standing::read(&open(&self.folder)?, open_staging(&self.folder)?.as_ref(), None).await?,
        };
        if self.json {
            let text = serde_json::to_string(&status);
            terminal::say(&text.map_err(|error| Error::new(Kind::Bug, "the status").because(error))?);
        } else {
            terminal::say(status.text().trim_end());
        }
        Ok(if status.waiting_gate().is_some() { Success::AtGate } else { Success::Well })
    }
}

impl Explain {
    pub(super) async fn run(self) -> Result<Success> {
        let journal = open(&self.folder)?;
        let found = journal.record(self.object, self.id.as_str().into()).await?;
        let unknown =
            || Error::new(Kind::Settings, format!("{} {} was never read from the source", self.object, self.id));
        let record = found.ok_or_else(unknown)?;
        let roles = journal.roles(self.object, self.id.as_str().into()).await?;
        let in_staging = match open_staging(&self.folder)? {
            Some(staging) => staging.roles(self.object, self.id.as_str().into()).await?,
            None => Vec::new(),
        };
        if self.json {
            let [roles, in_staging] =
                [&roles, &in_staging].map(|roles| roles.iter().map(role_json).collect::<Vec<_>>());
            let whole = serde_json::json!({"object": self.object, "id": self.id, "fate": record.fate,
                "reason": record.reason, "findings": record.findings, "place": record.record.place, "roles": roles,
                "in_staging": in_staging});
            terminal::say(&whole.to_string());
            return Ok(Success::Well);
        }
        let fate = record.fate.map_or("not decided yet", |fate| fate.as_str());
        terminal::say(&format!("{} {}: {fate}", self.object, self.id));
        terminal::say(&format!("  read from {}", record.record.place));
        roles.iter().for_each(|role| terminal::say(&format!("  {}", role_line(role))));
        in_staging.iter().for_each(|role| terminal::say(&format!("  in the staging company {}", role_line(role))));
        for finding in record.findings {
            terminal::say(&format!("  noticed {} at {:?}: {}", finding.code, finding.field, finding.detail));
        }
        Ok(Success::Well)
    }
}

fn role_json(role: &Bound) -> serde_json::Value {
    serde_json::json!({"role": role.key.role, "entity": role.entity, "fate": role.fate, "destination": role.dest_id,
        "reason": role.reason, "waits_for": role.waits_for})
}

fn role_line(role: &Bound) -> String {
    let at = role.dest_id.as_ref().map(|id| format!(" as {} {id}", role.entity)).unwrap_or_default();
    let why = role.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("its {} is {}{at}{why}", role.key.role, role.fate)
}
