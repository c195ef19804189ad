//! The client of a source's API: one page at a time, at a safe pace, with a bounded number of tries, driven by the source
//! profile alone.
//!
//! Nothing here knows a vendor. Where lists are, how they are paged and signed, how changes and deletions show: all of that
//! is in the [`Profile`]. A walk through a list ends with a proof that all of it was read, or with an error that says why
//! there is none; it never just ends.

pub(in crate::source) mod answer;
pub(in crate::source) mod ask;
pub(in crate::source) mod auth;
mod changes;
pub(in crate::source) mod deletions;
pub mod drift;
pub(in crate::source) mod full;
pub(in crate::source) mod hint;
pub(in crate::source) mod page;
pub(in crate::source) mod path;
pub(in crate::source) mod rows;
pub(in crate::source) mod soap;
pub(in crate::source) mod time;
mod window;
mod xml;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::stream::{self, Stream};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use crate::config::{SourceCredentials, base_url};
use crate::error::{Error, Kind, Result, Verdict};
use crate::http::Http;
use crate::record::Object;
use crate::retry;
use crate::source::pace::Pace;
use crate::source::profile::{Changes as ChangeRules, List, Method, PastEnd, Profile};
use crate::source::{Account, At, Cursor, Page};

use answer::{Judge, Read};
use ask::{Ask, Spot};
use auth::{Draft, Signer, place};
use changes::Changes;
pub(super) use changes::ChangesAt;
use deletions::Deletions;
pub(super) use deletions::DeletionsAt;
use full::Full;
pub(super) use full::FullAt;
use page::Portion;
use rows::Reader;

/// Rows asked for at once when nothing else is known: the most that such APIs commonly allow without asking.
pub const PAGE_ROWS: NonZeroU32 = NonZeroU32::new(100).expect("a hundred is not zero");

/// A list of which rows that are gone count as deleted is read as a whole this often, while changes are followed by a
/// filter.
const COMPARE_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// What the client must be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the account is, unless the profile says so. Checked by [`crate::config::base_url`].
    pub base: Url,
    /// How we prove who we are.
    pub credentials: SourceCredentials,
    /// How the API is read.
    pub profile: Profile,
    /// Rows per page, where the profile does not say. The source may give fewer.
    pub page_rows: NonZeroU32,
    /// Time between two requests at the fastest: the safe rate that the operator set. The profile may only slow it down.
    pub period: Duration,
    /// How far a walk of changes reaches back behind the newest change that it knows, because rows can appear late and
    /// clocks differ. At least 15 minutes is advised.
    pub overlap: Duration,
    /// How often a failed read is tried again before the error is given.
    pub retries: usize,
    /// Where the pace that was learned is kept, to begin with it the next time; `None`: it is forgotten.
    pub pace_file: Option<PathBuf>,
}

/// Name of the file of the pace, in a migration's folder.
pub const PACE_FILE: &str = "source.pace.toml";

/// The client. Clones share their connections, their session and their pace.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: Http,
    pace: Pace,
    signer: Signer,
    base: Url,
    readers: BTreeMap<Object, Arc<Reader>>,
    /// Of the lists of deletions.
    deletions: BTreeMap<Object, Arc<Reader>>,
    settings: Settings,
}

/// One walk through a list.
enum Walk {
    Full(Full),
    Changes(Changes),
    Deletions(Box<Deletions>),
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// `Settings` for credentials that cannot be sent or that the profile does not expect, a zone or an address of the
    /// profile that is none, or an impossible pace.
    pub fn new(http: Http, settings: Settings) -> Result<Self> {
        let profile = &settings.profile;
        let base = profile.address.as_deref().map_or_else(|| Ok(settings.base.clone()), base_url)?;
        let signer = Signer::new(profile.auth.clone(), settings.credentials.clone())?;
        let milliseconds = |value: Option<u64>| value.map(Duration::from_millis);
        let fastest = settings.period.max(milliseconds(profile.limits.period_ms).unwrap_or_default());
        let start = milliseconds(profile.limits.start_period_ms).unwrap_or(fastest).max(fastest);
        let clock = http.clock().clone();
        let pace = match &settings.pace_file {
            Some(file) => Pace::kept(clock, fastest, start, file.clone())?,
            None => Pace::new(clock, fastest, start)?,
        };
        let (mut readers, mut deletions) = (BTreeMap::new(), BTreeMap::new());
        for object in profile.objects() {
            if let Some(list) = profile.list(object) {
                if let Some(own) = deletions::list(&list) {
                    deletions.insert(object, Arc::new(Reader::new(own, profile.zone.as_deref())?));
                }
                readers.insert(object, Arc::new(Reader::new(list, profile.zone.as_deref())?));
            }
        }
        Ok(Self(Arc::new(Inner { http, pace, signer, base, readers, deletions, settings })))
    }

    /// Time between two requests now: the settings' at best, longer after refusals and while the pace is being found.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.0.pace.period()
    }

    /// The lists that can be read, each with its name.
    pub fn lists(&self) -> impl Iterator<Item = (Object, &str)> {
        self.0.readers.iter().map(|(object, reader)| (*object, reader.list.table.as_str()))
    }

    /// The account that the credentials belong to; `None` where the profile knows no place that says so.
    ///
    /// # Errors
    /// As [`super::Source::pages`].
    pub async fn account(&self) -> Result<Option<Account>> {
        let Some(at) = &self.0.settings.profile.account else { return Ok(None) };
        let draft = Draft::new(Method::Get, ask::address(&self.0.base, &at.path)?);
        let path = draft.url.path().to_owned();
        let read = self.read(&draft, None).await?;
        answer::account(&read.body, at, &path).map(Some)
    }

    /// See [`super::Source::is_there`].
    ///
    /// # Errors
    /// Those of reads.
    pub(super) async fn is_there(&self, object: Object, id: &str) -> Result<Option<bool>> {
        let Some(reader) = self.0.readers.get(&object) else { return Ok(None) };
        let list = &reader.list;
        let Some(at) = list.record.as_ref().filter(|_| list.method == Method::Get) else { return Ok(None) };
        let missing = match at.missing {
            200 => None,
            404 | 410 => Some(PastEnd::NotFound),
            400 | 416 | 422 => Some(PastEnd::Refused),
            _ => return Ok(None),
        };
        let mut draft = Draft::new(Method::Get, ask::address(&self.0.base, &ask::record_path(&at.path, id))?);
        ask::add_query(&mut draft, &list.query.clone().into_iter().collect::<Vec<_>>());
        match self.read(&draft, missing).await {
            Ok(read) if read.past_end => Ok(Some(false)),
            Ok(read) => Ok(match rows::record_in(&read.body, &list.id, id) {
                Some(record) => Some(!rows::is_deleted(record, &list.deleted)),
                None if at.missing == 200 => Some(false),
                None => None,
            }),
            // A failure that says so with a good status is how this one says that there is none.
            Err(error) if at.missing == 200 && error.kind() == Kind::Source => Ok(Some(false)),
            Err(error) => Err(error),
        }
    }

    /// See [`super::Source::pages`].
    pub(super) fn pages(&self, object: Object, from: Cursor) -> impl Stream<Item = Result<Page>> + use<> {
        let client = self.clone();
        let walk = self.walk(object, from);
        stream::try_unfold(Some(walk), move |walk| {
            let client = client.clone();
            async move {
                let Some(walk) = walk else { return Ok(None) };
                let (mut walk, reader) = walk?;
                let own = match (&walk, client.0.deletions.get(&object)) {
                    (Walk::Deletions(_), Some(own)) => own,
                    _ => &reader,
                };
                let portion = client.portion(own, walk.ask(client.0.settings.page_rows.get())).await?;
                let since = walk.since();
                let mut page = walk.take(portion, own, &reader.list)?;
                if let (Some(since), Some(_), true) = (since, client.0.deletions.get(&object), page.last) {
                    page = deletions::before(page, since);
                }
                // A walk that was cut short goes on another way, and one through changes goes on with deletions.
                let is_other = matches!(
                    (&walk, &page.cursor.0),
                    (Walk::Full(_), At::Changes(_)) | (Walk::Changes(_), At::Deletions(_))
                );
                let next = match (page.last, is_other) {
                    (true, _) => None,
                    (false, true) => Some(client.walk(object, page.cursor.clone())),
                    (false, false) => Some(Ok((walk, reader))),
                };
                Ok(Some((page, next)))
            }
        })
    }

    fn walk(&self, object: Object, from: Cursor) -> Result<(Walk, Arc<Reader>)> {
        let Some(reader) = self.0.readers.get(&object).cloned() else {
            return Err(Error::new(Kind::Settings, format!("the source's API has no list of objects '{object}'")));
        };
        let list = &reader.list;
        let walk = match from.0 {
            At::Full(at) => Walk::Full(Full::resumed(list, at)),
            At::Changes(at) if self.reads_all_again(list, &at) => Walk::Full(Full::resumed(list, FullAt::default())),
            At::Changes(at) => Walk::Changes(Changes::resumed(at, list, self.0.settings.overlap)),
            At::Deletions(at) => match self.0.deletions.get(&object) {
                Some(own) => Walk::Deletions(Box::new(Deletions::resumed(*at, &own.list, self.0.settings.overlap))),
                // The profile names no such list any more.
                None => return self.walk(object, Cursor(At::Changes(at.then))),
            },
            At::Start | At::File(_) => Walk::Full(Full::resumed(list, FullAt::default())),
        };
        Ok((walk, reader))
    }

    /// Whether the next reading of changes is one of everything: because there is no other way, or because rows that are
    /// gone count as deleted and it is time to look.
    fn reads_all_again(&self, list: &List, at: &ChangesAt) -> bool {
        match list.changes {
            ChangeRules::Reread => true,
            _ if !list.compare => false,
            _ => {
                at.is_between_walks()
                    && at
                        .compared
                        .is_none_or(|compared| self.0.http.clock().utc().duration_since(compared) >= COMPARE_EVERY)
            }
        }
    }

    async fn portion(&self, reader: &Reader, ask: Ask) -> Result<Portion> {
        let list = &reader.list;
        let mut draft = ask::request(&self.0.base, list, &ask)?;
        self.0.signer.clean(&mut draft.url);
        let is_first = matches!(ask.spot, Spot::First | Spot::Behind { pages: 0, .. });
        let read = self.read(&draft, Some(list.past_end).filter(|_| !is_first)).await?;
        Portion::read(reader, read, &place(&draft.url), ask.page_rows)
    }

    /// Reads again and again while that helps, and gives an answer that is JSON.
    async fn read(&self, draft: &Draft, past_end: Option<PastEnd>) -> Result<Read> {
        let Inner { http, pace, signer, settings, .. } = &*self.0;
        let refusals = AtomicU32::new(0);
        retry::reads(http.clock(), settings.retries, || async {
            let generation = signer.generation();
            let read = self.read_once(draft, past_end).await;
            match read {
                // A session ends by itself; one new login is a try, a second would be an attack.
                Err(error) if error.kind() == Kind::Unauthorized && signer.can_login() && generation > 0 => {
                    signer.forget(generation);
                    self.read_once(draft, past_end).await
                }
                Err(error) => {
                    if error.kind() != Kind::RateLimited {
                        return Err(error);
                    }
                    pace.refused();
                    // Most limits are of a minute, and whoever does not say so is asked again ever later.
                    let again = refusals.fetch_add(1, Ordering::Relaxed).min(5);
                    match error.verdict() {
                        Verdict::Wait(None) => Err(error.retry_after(Some(Duration::from_secs(2 << again)))),
                        _ => Err(error),
                    }
                }
                read => read,
            }
        })
        .await
    }

    async fn read_once(&self, draft: &Draft, past_end: Option<PastEnd>) -> Result<Read> {
        let Inner { http, pace, signer, settings, base, .. } = &*self.0;
        let limits = &settings.profile.limits;
        pace.turn().await;
        signer.ensure(base, limits, http).await?;
        let mut signed = draft.clone();
        signer.sign(&mut signed)?;
        let request = format!("{} {}", draft.method, draft.url.path());
        let answer = http.send(signed.ready()).await.map_err(|source| {
            Error::new(Kind::Unreachable, format!("reading {request} from the source")).because(source)
        })?;
        let read = Judge { request: &request, limits, past_end }.judge(&answer, http.clock())?;
        if hint::is_low(&answer.headers) {
            pace.refused();
        } else {
            pace.answered(answer.took);
        }
        Ok(read)
    }
}

impl Walk {
    fn ask(&self, page_rows: u32) -> Ask {
        let ask = match self {
            Walk::Full(full) => full.ask(),
            Walk::Changes(changes) => changes.ask(),
            Walk::Deletions(deletions) => deletions.ask(),
        };
        Ask { page_rows, ..ask }
    }

    /// From when on a walk reads changes, before it is at its end.
    fn since(&self) -> Option<Timestamp> {
        match self {
            Walk::Changes(changes) => Some(changes.watermark()),
            Walk::Full(_) | Walk::Deletions(_) => None,
        }
    }

    /// Takes an answer that was read by `reader`; `list` is that of the living rows.
    fn take(&mut self, portion: Portion, reader: &Reader, list: &List) -> Result<Page> {
        match self {
            Walk::Full(full) => full.take(portion, list),
            Walk::Changes(changes) => changes.take(portion, list),
            Walk::Deletions(deletions) => deletions.take(portion, &reader.list, list),
        }
    }
}
