//! `plan`: what will be made in Pipedrive, what that costs and when it is done, before the first write.

use std::path::Path;

use serde_json::Value;

use super::alone::{Alone, Here};
use super::{Success, terminal};
use crate::error::{Error, Kind, Result};
use crate::journal::FolderLock;
use crate::migration::Planned;
use crate::report::reports;

/// What will be made in Pipedrive, what that costs and when it is done. Reads both ends and writes nothing to Pipedrive.
#[derive(Debug, clap::Args)]
pub(super) struct Plan {
    #[command(flatten)]
    here: Here,
    /// One JSON object on one line: the report reports/plan.json
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(super) async fn run(self) -> Result<Success> {
        let folder = &self.here.folder.folder;
        let lock = match FolderLock::take(folder) {
            Ok(lock) => lock,
            Err(taken) if folder.is_dir() => return self.tell_written(DAEMON, taken),
            Err(missing) => return Err(missing),
        };
        let alone = Alone::open(lock, &self.here).await?;
        let show = terminal::Show::start(alone.progress.clone());
        let planned = alone.migration.plan_ahead().await;
        drop(show);
        match planned? {
            Planned::Waits(gate) => {
                terminal::complain(&format!(
                    "The plan needs an approved mapping. Review {0}/mapping.toml, then:\n  crossdock approve {gate} -C \
                     {0} --by NAME\n  crossdock plan -C {0}",
                    folder.display()
                ));
                Ok(Success::AtGate)
            }
            Planned::Past => {
                let missing = Error::new(Kind::Settings, "the plan of this migration is no longer in its reports");
                self.tell_written(PAST, missing)
            }
            Planned::Plan(_) if self.json => {
                say_json(&written(folder)?)?;
                Ok(Success::Well)
            }
            Planned::Plan(plan) => {
                terminal::say(plan.text().trim_end());
                let next = if plan.blockers().is_empty() {
                    format!("crossdock approve plan -C {0} --by NAME, then crossdock run -C {0}", folder.display())
                } else {
                    format!("solve what is in the way, then crossdock plan -C {}", folder.display())
                };
                let page = reports(folder).join("plan.html");
                terminal::say(&format!("\nThe whole plan   {}\nTo go on         {next}", page.display()));
                Ok(Success::Well)
            }
        }
    }

    /// The plan as it was last written, where no new one can be made.
    fn tell_written(&self, why: &str, missing: Error) -> Result<Success> {
        let folder = &self.here.folder.folder;
        if !reports(folder).join("plan.json").exists() {
            terminal::complain(&format!(
                "No plan is written yet. How far it is:\n  crossdock status -C {}",
                folder.display()
            ));
            return Err(missing);
        }
        let plan = written(folder)?;
        terminal::complain(&format!("{why} How it goes since:\n  crossdock status -C {}", folder.display()));
        if self.json {
            say_json(&plan)?;
        } else {
            let text = |name: &str| plan.get(name).and_then(Value::as_str).unwrap_or_default();
            terminal::say(&format!(
                "{}\n\nWritten          {}\nThe whole plan   {}",
                text("says"),
                text("written_at"),
                reports(folder).join("plan.html").display()
            ));
        }
        Ok(Success::Well)
    }
}

const DAEMON: &str =
    "Another crossdock runs on this folder and holds its journal; this is the plan as it was last written.";
const PAST: &str = "The workspace is made already; this is the plan as it was approved.";

/// The report as it stands in its file.
fn written(folder: &Path) -> Result<Value> {
    let path = reports(folder).join("plan.json");
    let failed = |what: &str| Error::new(Kind::Settings, format!("{}: {what}", path.display()));
    let text = std::fs::read(&path).map_err(|error| failed("cannot be read").because(error))?;
    serde_json::from_slice(&text).map_err(|error| failed("is not JSON").because(error))
}

fn say_json(plan: &Value) -> Result<()> {
    let text = serde_json::to_string(plan).map_err(|error| Error::new(Kind::Bug, "the plan as JSON").because(error))?;
    terminal::say(&text);
    Ok(())
}
