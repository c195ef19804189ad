//! The client of the PromoXcrm API: one page at a time, at a safe pace, with a bounded number of tries.
//!
//! The vendor publishes no reference. What is read here is the wire format that discovery found and the stand-in serves:
//! `GET /api/v1/{list}?page=1&per_page=100[&updated_since=RFC3339]` gives `{"data":[…],"page":1,"per_page":100,"total":N}`,
//! sorted by id, or by `updated_at` and id when `updated_since` is given; rows deleted at the source appear in the latter
//! only, as `{"id":…,"is_deleted":true,"updated_at":…}`. `GET /api/v1/account` gives name, timezone and currency.

mod answer;
mod changes;
mod full;
mod window;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{Error, Kind, Result};
use crate::http::{Http, Request};
use crate::record::Object;
use crate::retry;
use crate::source::pace::Pace;
use crate::source::{Account, At, Cursor, Page};

use answer::List;
use changes::Changes;
pub(super) use changes::ChangesAt;
use full::Full;
pub(super) use full::FullAt;

/// Rows asked for at once when nothing else is known: the most that such APIs commonly allow without asking.
pub const PAGE_ROWS: NonZeroU32 = NonZeroU32::new(100).expect("a hundred is not zero");

/// The lists of the API by the objects they hold.
const LISTS: &[(Object, &str)] = &[
    (Object::Owner, "owners"),
    (Object::Pipeline, "pipelines"),
    (Object::Client, "clients"),
    (Object::Lead, "leads"),
    (Object::Project, "projects"),
    (Object::Commission, "commissions"),
    (Object::Task, "tasks"),
    (Object::Note, "notes"),
];

/// What the client must be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the account is, without `/api/v1`. Checked by [`crate::config::base_url`].
    pub base: Url,
    /// The bearer token.
    pub token: SecretString,
    /// Rows per page. The source may give fewer.
    pub page_rows: NonZeroU32,
    /// Time between two requests at the fastest: the safe rate that discovery or the operator found.
    pub period: Duration,
    /// How far a walk of changes reaches back behind the newest change that it knows, because rows can appear late and
    /// clocks differ. At least 15 minutes is advised.
    pub overlap: Duration,
    /// How often a failed read is tried again before the error is given.
    pub retries: usize,
}

/// The client. Clones share their connections and their pace.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: Http,
    pace: Pace,
    settings: Settings,
}

/// What a walk asks for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ask {
    /// From 1.
    page: u32,
    since: Option<jiff::Timestamp>,
}

/// One walk through a list.
enum Walk {
    Full(Full),
    Changes(Changes),
}

/// The objects that the API lists.
pub(super) fn objects() -> Vec<Object> {
    LISTS.iter().map(|(object, _)| *object).collect()
}

/// The lists that the API has, each with its name in the address.
pub fn lists() -> impl Iterator<Item = (Object, &'static str)> {
    LISTS.iter().copied()
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// `Settings` for a token that cannot be sent, or an impossible pace.
    pub fn new(http: Http, settings: Settings) -> Result<Self> {
        bearer(&settings.token)?;
        let pace = Pace::new(http.clock().clone(), settings.period)?;
        Ok(Self(Arc::new(Inner { http, pace, settings })))
    }

    /// Time between two requests now: the settings' at best, longer after refusals.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.0.pace.period()
    }

    /// The account that the token belongs to.
    ///
    /// # Errors
    /// As [`super::Source::pages`].
    pub async fn account(&self) -> Result<Account> {
        let url = self.url("account");
        let body = self.read(&url).await?.body;
        answer::account(&body, url.path())
    }

    /// See [`super::Source::pages`].
    pub(super) fn pages(&self, object: Object, from: Cursor) -> impl Stream<Item = Result<Page>> + use<> {
        let client = self.clone();
        let walk = match from.0 {
            At::Full(at) => Walk::Full(Full::resumed(object, at)),
            At::Changes(at) => Walk::Changes(Changes::resumed(at, client.0.settings.overlap)),
            At::Start | At::File(_) => Walk::Full(Full::resumed(object, FullAt::default())),
        };
        stream::try_unfold(Some(walk), move |walk| {
            let client = client.clone();
            async move {
                let Some(mut walk) = walk else { return Ok(None) };
                let list = client.list(object, walk.ask()).await?;
                let page = walk.take(list)?;
                let next = (!page.last).then_some(walk);
                Ok(Some((page, next)))
            }
        })
    }

    async fn list(&self, object: Object, ask: Ask) -> Result<List> {
        let Some((_, list)) = LISTS.iter().find(|(own, _)| *own == object) else {
            return Err(Error::new(Kind::Settings, format!("the source's API has no list of objects '{object}'")));
        };
        let mut url = self.url(list);
        let page_rows = self.0.settings.page_rows.get();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("page", &ask.page.to_string()).append_pair("per_page", &page_rows.to_string());
            if let Some(since) = ask.since {
                query.append_pair("updated_since", &since.to_string());
            }
        }
        let read = self.read(&url).await?;
        let place = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        answer::list(&read, object, &place, page_rows)
    }

    /// Reads an address, again and again while that helps, and gives an answer that is JSON.
    async fn read(&self, url: &Url) -> Result<answer::Read> {
        let Inner { http, pace, settings } = &*self.0;
        retry::reads(http.clock(), settings.retries, || async {
            pace.turn().await;
            let read = self.read_once(url).await;
            match &read {
                Ok(_) => pace.answered(),
                Err(error) if error.kind() == Kind::RateLimited => pace.refused(),
                Err(_) => {}
            }
            read
        })
        .await
    }

    async fn read_once(&self, url: &Url) -> Result<answer::Read> {
        let Inner { http, settings, .. } = &*self.0;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer(&settings.token)?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let request = Request { method: Method::GET, url: url.clone(), headers, body: None };
        let answer = http.send(request).await.map_err(|source| {
            Error::new(Kind::Unreachable, format!("reading GET {} from the source", url.path())).because(source)
        })?;
        answer::judge(answer, url.path(), http.clock())
    }

    /// The address of a list or of the account.
    fn url(&self, name: &str) -> Url {
        let mut url = self.0.settings.base.clone();
        // An address without a host cannot have segments; settings refuse those, and a request to it fails by itself.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1", name]);
        }
        url
    }
}

/// The header value for a token, marked so that it is never logged.
fn bearer(token: &SecretString) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|_| Error::new(Kind::Settings, "source token: holds a character that no header may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Walk {
    fn ask(&self) -> Ask {
        match self {
            Walk::Full(full) => full.ask(),
            Walk::Changes(changes) => changes.ask(),
        }
    }

    fn take(&mut self, list: List) -> Result<Page> {
        match self {
            Walk::Full(full) => full.take(list),
            Walk::Changes(changes) => changes.take(list),
        }
    }
}
