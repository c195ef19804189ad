//! A change of the source that somebody accepts: the profile says from then on how the source answers now, and the journal
//! keeps who said so, when, and about what.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pause::paused;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::journal::Journal;
use crate::record::Object;
use crate::source::profile::{FILE, Profile, ValueKind};

/// Where the journal keeps the [`Accepted`] changes.
const ACCEPTED: &str = "accepted_changes";

/// A change of the source that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The kind of record that was paused.
    pub object: Object,
    /// Who accepted it.
    pub by: String,
    /// Whether a token proved who they are; a name alone anybody could have given who can write the migration's folder.
    pub by_token: bool,
    /// When, UTC.
    pub at: Timestamp,
    /// Columns that are not expected any more, and those that are read as another kind of value from then on.
    pub columns: BTreeMap<String, Option<ValueKind>>,
}

impl Accepted {
    /// What was accepted, by whom and when, in one line.
    #[must_use]
    pub fn says(&self) -> String {
        format!("{} by {} at {}: {}", self.object, self.by, self.at, self.lines().join("; "))
    }

    /// What is so from then on, one line for each column.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |(column, kind): (&String, &Option<ValueKind>)| {
            let now = if kind.is_some() { "is read as it is now" } else { "is not expected any more" };
            format!("'{column}' {now}")
        };
        self.columns.iter().map(line).collect()
    }
}

/// Everything that was accepted, oldest first. People do so a few times in a migration.
///
/// # Errors
/// `Journal`.
pub async fn accepted(journal: &Journal) -> Result<Vec<Accepted>> {
    let unreadable = |error| Error::new(Kind::Journal, "journal: accepted changes").because(error);
    let text = journal.fact(ACCEPTED).await?;
    Ok(text.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()?.unwrap_or_default())
}

/// Accepts that columns of a paused kind of record are gone or of another kind. The journal keeps it before the profile in
/// the migration's `folder` is written: a crash between the two leaves the pause, and it is accepted once more.
///
/// # Errors
/// `Settings` where nothing is paused, more than columns has changed, no name is given, or the profile cannot be written;
/// `Journal`.
pub async fn accept(
    (journal, clock, folder): (&Journal, &Clock, &Path),
    object: Object,
    (by, by_token): (&str, bool),
) -> Result<Accepted> {
    if by.trim().is_empty() {
        return Err(Error::new(Kind::Settings, "accepting a change needs the name of a person"));
    }
    let path = folder.join(FILE);
    let all = paused(journal).await?;
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
    let one = Accepted { object, by: by.trim().to_owned(), by_token, at: clock.utc(), columns: paused.columns };
    let mut kept = accepted(journal).await?;
    kept.push(one.clone());
    let kept =
        serde_json::to_string(&kept).map_err(|error| Error::new(Kind::Bug, "accepted changes").because(error))?;
    journal.put_fact(ACCEPTED, kept).await?;
    // A daemon that looks meanwhile sees the one or the other.
    let beside = path.with_extension("toml.new");
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &path)).map_err(failed("writing"))?;
    tracing::info!(%object, by = one.by, "a change of the source was accepted");
    Ok(one)
}
