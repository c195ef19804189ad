//! `accept`: how the source answers now is how it is to be read from now on.

use super::{Folder, Success, status, terminal};
use crate::error::{Error, Kind, Result};
use crate::migration::paused;
use crate::record::Object;
use crate::source::profile::{FILE, Profile};

/// The kind of record whose changed columns are accepted.
#[derive(Debug, clap::Args)]
pub(super) struct Accept {
    /// Kind of the source record that is paused: client, lead, project, …
    #[arg(value_name = "OBJECT", value_parser = status::object)]
    object: Object,
    #[command(flatten)]
    folder: Folder,
}

impl Accept {
    /// Writes the columns as they are now into the profile. A running daemon sees the new profile by itself.
    pub(super) async fn run(self) -> Result<Success> {
        let (object, path) = (self.object, self.folder.folder.join(FILE));
        let all = paused(&status::open(&self.folder)?).await?;
        let not_paused = || Error::new(Kind::Settings, format!("{object} is not paused"));
        let paused = all.into_iter().find(|paused| paused.object == object).ok_or_else(not_paused)?;
        if !paused.only_columns {
            let what = format!("more than columns has changed; run crossdock discover, or correct {FILE}");
            return Err(Error::new(Kind::Settings, what).because(paused.why));
        }
        let failed = |verb: &str| {
            let what = format!("{verb} {}", path.display());
            move |error: std::io::Error| Error::new(Kind::Settings, what).because(error)
        };
        let text = std::fs::read_to_string(&path).map_err(failed("reading"))?;
        let text = Profile::with_columns(&text, object, &paused.columns)?;
        // A daemon that looks meanwhile sees the one or the other.
        let beside = path.with_extension("toml.new");
        std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &path)).map_err(failed("writing"))?;
        for (column, kind) in &paused.columns {
            let now = if kind.is_some() { "is read as it is now" } else { "is not expected any more" };
            terminal::say(&format!("{object}: '{column}' {now}"));
        }
        terminal::say("The mapping stays as it is: look whether it reads these columns.");
        Ok(Success::Well)
    }
}
