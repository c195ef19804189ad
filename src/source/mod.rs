//! Readers of the source: the PromoXcrm API, folders of CSV exports, and workbooks that people filled in. All give pages of
//! [`SourceRecord`]s; a source may be several of them, each for objects of its own.
//!
//! Every row that is read ends in exactly one of three lists of its [`Page`]: a record, a rejected row with its reason, or
//! a row that only repeats another. A page carries the [`Cursor`] after it; reading on from a cursor gives the rows after
//! that page, in this process or in the next one. A record may come twice (after a restart, after a walk that had to be
//! repeated, in a later walk of changes): whoever lands it keeps the latest.
//!
//! Nothing here knows the journal, Pipedrive or the mapping, and nothing here cleans a value.

pub mod api;
pub mod csv;
mod pace;
pub mod probe;
pub mod profile;
pub mod workbook;

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::record::{Object, Place, SourceRecord};

/// Characters of a rejected row that are kept for the people who mend it.
const REJECTED_CHARS_MAX: usize = 4_000;

/// Where the records come from. Clones read from the same place at one common pace.
#[derive(Clone)]
pub struct Source(Origin);

#[derive(Clone)]
enum Origin {
    Api(api::Client),
    Csv(csv::Folder),
    Books(workbook::Books),
    /// Several, each for these objects.
    Shared(Arc<[(Vec<Object>, Source)]>),
}

/// A stream of pages. It ends after the page that says [`Page::last`], or with its first error.
pub type Pages = BoxStream<'static, Result<Page>>;

/// The account at the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// IANA name of the zone in which the source writes times without a zone; empty if it does not say.
    pub timezone: String,
    /// ISO 4217 code of its money; empty if it does not say.
    pub currency: String,
}

/// Some consecutive rows of one object.
#[derive(Debug, Clone)]
pub struct Page {
    /// The records, in the source's order. Ids are not empty.
    pub records: Vec<SourceRecord>,
    /// Rows that are no records.
    pub rejected: Vec<RejectedRow>,
    /// Rows that repeat a record and add nothing to it.
    pub repeated: Vec<RepeatedRow>,
    /// Where to read on after this page.
    pub cursor: Cursor,
    /// True for the last page of the walk.
    pub last: bool,
    /// Rows that the source counts: of the object, of the changes asked for, or of the file.
    pub total: Option<u64>,
    /// What the walk has counted up to the end of this page.
    pub counts: Counts,
    /// Of a source that is always read as a whole: which state of it this is. Rows of an earlier state that this one does
    /// not have are deleted.
    pub whole: Option<Whole>,
    /// How often the walk began again, because rows moved or because two readings must agree: earlier rejected rows of the
    /// walk are void then.
    pub pass: u32,
}

/// One state of a table that is always read as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Digest of its content.
    pub digest: Arc<str>,
    /// It was read to its end before, and nothing was written to it since: it is not one that is still being copied.
    pub settled: bool,
}

/// What a walk has counted so far. For a file the three add up to its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Different records.
    pub records: u64,
    /// Rejected rows.
    pub rejected: u64,
    /// Rows that repeat a record.
    pub repeated: u64,
}

/// A row that cannot be a record. It is never loaded in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Where it was read.
    pub place: Place,
    /// Why it is no record, in words for the operator.
    pub reason: String,
    /// The row as received, cut after some thousand characters.
    pub text: String,
    /// The line of the text that it begins in, from 1, where people see lines.
    pub line: Option<u64>,
    /// The byte of the file that it begins at, where the encoding tells.
    pub byte: Option<u64>,
}

impl RejectedRow {
    /// A rejected row at a place, without a reason yet.
    fn at(place: Place) -> Self {
        Self { place, reason: String::new(), text: String::new(), line: None, byte: None }
    }
}

/// A row that brings nothing which an earlier row did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedRow {
    /// The id that both have.
    pub id: Arc<str>,
    /// Where the repetition was read.
    pub place: Place,
    /// Where the record was read first.
    pub first: Place,
}

/// Where to read on in one object. Kept in the journal as text; only this module knows what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(At);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum At {
    Start,
    Full(api::FullAt),
    Changes(api::ChangesAt),
    Deletions(Box<api::DeletionsAt>),
    File(csv::FileAt),
}

impl Cursor {
    /// Before the first row.
    #[must_use]
    pub fn start() -> Self {
        Self(At::Start)
    }

    /// At the changes made since an instant. A folder of files reads its whole file again instead.
    #[must_use]
    pub fn changes_since(since: Timestamp) -> Self {
        Self(At::Changes(api::ChangesAt::since(since)))
    }

    /// True when the object was read as a whole, so that only changes are still to come.
    #[must_use]
    pub fn is_at_changes(&self) -> bool {
        match &self.0 {
            At::Start | At::Full(_) => false,
            At::Changes(_) | At::Deletions(_) => true,
            At::File(at) => at.is_at_end(),
        }
    }
}

impl Source {
    /// Reads from the API.
    #[must_use]
    pub fn api(client: api::Client) -> Self {
        Self(Origin::Api(client))
    }

    /// Reads from a folder of CSV files.
    #[must_use]
    pub fn csv(folder: csv::Folder) -> Self {
        Self(Origin::Csv(folder))
    }

    /// Reads from workbooks that people filled in.
    #[must_use]
    pub fn books(books: workbook::Books) -> Self {
        Self(Origin::Books(books))
    }

    /// Reads each object from the first of several sources that is given it.
    #[must_use]
    pub fn shared(shares: Vec<(Vec<Object>, Source)>) -> Self {
        Self(Origin::Shared(shares.into()))
    }

    /// The account; `None` for files, and for an API of which nobody knows where it says so.
    ///
    /// # Errors
    /// As [`api::Client::account`].
    pub async fn account(&self) -> Result<Option<Account>> {
        match &self.0 {
            Origin::Api(client) => client.account().await,
            Origin::Csv(_) | Origin::Books(_) => Ok(None),
            Origin::Shared(shares) => {
                for (_, source) in shares.iter() {
                    if let Some(account) = Box::pin(source.account()).await? {
                        return Ok(Some(account));
                    }
                }
                Ok(None)
            }
        }
    }

    /// The objects that can be read here.
    #[must_use]
    pub fn objects(&self) -> Vec<Object> {
        match &self.0 {
            Origin::Api(client) => client.lists().map(|(object, _)| object).collect(),
            Origin::Csv(folder) => folder.objects(),
            Origin::Books(books) => books.objects(),
            Origin::Shared(shares) => shares.iter().flat_map(|(objects, _)| objects.iter().copied()).collect(),
        }
    }

    /// The lists of an API, each with its name there; nothing for files, whose tables the mapping names.
    #[must_use]
    pub fn lists(&self) -> Vec<(Object, String)> {
        match &self.0 {
            Origin::Api(client) => client.lists().map(|(object, name)| (object, name.to_owned())).collect(),
            Origin::Csv(_) | Origin::Books(_) => Vec::new(),
            Origin::Shared(shares) => {
                let own = |(objects, source): &(Vec<Object>, Source)| {
                    source.lists().into_iter().filter(|(object, _)| objects.contains(object)).collect::<Vec<_>>()
                };
                shares.iter().flat_map(own).collect()
            }
        }
    }

    /// Whether a record that a list does not show is there all the same; `None` where nobody knows, as for files and for an
    /// API that reads no records by their ids.
    ///
    /// # Errors
    /// Those of reads.
    pub async fn is_there(&self, object: Object, id: &str) -> Result<Option<bool>> {
        match &self.0 {
            Origin::Api(client) => client.is_there(object, id).await,
            Origin::Csv(_) | Origin::Books(_) => Ok(None),
            Origin::Shared(shares) => match shares.iter().find(|(objects, _)| objects.contains(&object)) {
                Some((_, source)) => Box::pin(source.is_there(object, id)).await,
                None => Ok(None),
            },
        }
    }

    /// Reads one object from a cursor on. A cursor of the other kind of source reads from the start, which is safe because
    /// records may come twice.
    ///
    /// # Errors
    /// In the stream: `Settings` for an object, file or column that is not there, `Unauthorized`, `RateLimited` and
    /// `Unreachable` once the bounded tries are used up, `Source` for an answer or a file that makes no sense and for a list
    /// of which nothing proves that all of it was read, `Drift` for one that is not what its profile says,
    /// `Conservation` when the rows of a file do not add up.
    #[must_use]
    pub fn pages(&self, object: Object, from: Cursor) -> Pages {
        match &self.0 {
            Origin::Api(client) => client.pages(object, from).boxed(),
            Origin::Csv(folder) => folder.pages(object, from).boxed(),
            Origin::Books(books) => books.pages(object, from).boxed(),
            Origin::Shared(shares) => match shares.iter().find(|(objects, _)| objects.contains(&object)) {
                Some((_, source)) => source.pages(object, from),
                None => {
                    let what = format!("nothing delivers objects '{object}'");
                    futures::stream::once(async move { Err(Error::new(Kind::Settings, what)) }).boxed()
                }
            },
        }
    }
}

/// The text of a rejected row, cut at a character.
fn cut_text(text: &str) -> String {
    match text.char_indices().nth(REJECTED_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_journal() {
        let since = "2026-01-05T00:00:00Z".parse().expect("a valid instant");
        for cursor in [Cursor::start(), Cursor::changes_since(since)] {
            let text = serde_json::to_string(&cursor).expect("a cursor is JSON");
            assert_eq!(serde_json::from_str::<Cursor>(&text).expect("it reads back"), cursor, "{text}");
        }
    }

    #[test]
    fn a_long_row_is_cut_at_a_character() {
        assert_eq!(cut_text("ä"), "ä");
        assert_eq!(cut_text(&"ä".repeat(REJECTED_CHARS_MAX + 1)).chars().count(), REJECTED_CHARS_MAX + 1);
    }
}
