//! `discover`: what the source holds, how each kind of record is read, and what is still to be asked.

use serde_json::Value;

use super::{Folder, Success, terminal};
use crate::clock::Clock;
use crate::config::{Config, Surroundings};
use crate::error::{Error, Kind, Result};
use crate::migration::discover::discover;
use crate::migration::map::Reading;
use crate::progress::Progress;
use crate::report::discovery::NAME;
use crate::report::reports;
use crate::stop;

/// What the source holds, how each kind of record will be read, and what is still to be asked. Reads the source only, and
/// writes reports/discovery, extraction.toml, and workbooks for what nothing delivers.
#[derive(Debug, clap::Args)]
pub(super) struct Discover {
    #[command(flatten)]
    folder: Folder,
    /// One JSON object on one line: the report reports/discovery.json
    #[arg(long)]
    json: bool,
    /// What is logged to standard error
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    log: String,
}

impl Discover {
    pub(super) async fn run(self) -> Result<Success> {
        let folder = &self.folder.folder;
        let environment = |name: &str| std::env::var(name).ok();
        let config = Config::load(&Surroundings { folder, environment: &environment })?;
        terminal::log(&self.log)?;
        let (_stopper, stop) = stop::switch();
        let progress = Progress::default();
        let show = terminal::Show::start(progress.clone());
        let reading = Reading { clock: Clock::system(), stop, progress };
        let found = Box::pin(discover(&config, folder, &reading)).await;
        drop(show);
        let found = found?;
        let page = reports(folder).join(NAME);
        if self.json {
            terminal::say(&one_line(&page.with_extension("json"))?);
        } else {
            terminal::say(found.text().trim_end());
            let page = page.with_extension("html");
            terminal::say(&format!("\n{}\nThe whole discovery   {}", found.says(), page.display()));
        }
        let is_different = found.changes.as_ref().is_some_and(|changes| !changes.list.is_empty());
        Ok(if is_different || found.spoilt() > 0 { Success::Differences } else { Success::Well })
    }
}

fn one_line(path: &std::path::Path) -> Result<String> {
    let failed = |what: &str| Error::new(Kind::Settings, format!("{}: {what}", path.display()));
    let text = std::fs::read(path).map_err(|error| failed("cannot be read").because(error))?;
    let value: Value = serde_json::from_slice(&text).map_err(|error| failed("is not JSON").because(error))?;
    Ok(value.to_string())
}
