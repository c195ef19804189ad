//! Finds out how an API without a reference is read, without harm, and writes it down as a profile.
//!
//! It only reads: GET, and POST for signing in and for reads that the operator approved. It never asks another host than the operator named, asks at most a set number
//! of times, one at a time and slowly, stops at the first sign that it is not welcome, and says of every request what it was
//! for. What it cannot find out becomes a verdict with a reason, and a list of which nothing proves that all of it was read is
//! not taken for readable. The order follows "source API shapes", section 16.

mod changes;
mod columns;
mod counts;
mod deleted;
mod ends;
mod files;
mod graphql;
mod guard;
mod listed;
mod lists;
mod logins;
mod look;
mod narrow;
mod paging;
mod parallel;
mod position;
mod posts;
mod record;
mod refused;
mod roots;
mod select;
mod shape;
mod sign_in;
mod soap;
mod ways;
mod whole;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::config::SourceCredentials;
use crate::error::{Error, Kind};
use crate::http::Http;
use crate::record::Object;
use crate::source::Account;
use crate::source::profile::{AccountAt, Auth, Carrier, Evidence, Limits, Part, Profile, Rules, VERSION, ValueKind};
use crate::stop::Stop;

use guard::Guard;
use lists::Listed;
use refused::Refused;

pub use columns::ZONE_UNKNOWN;

/// What is probed.
#[derive(Debug, Clone)]
pub struct Target {
    /// The address that users log in to, or any base of the API.
    pub address: Url,
    /// Further hosts that the operator named, with their ports where these are not the usual ones; no other is ever asked,
    /// least of all one of a private network that an answer points to.
    pub hosts: Vec<String>,
    /// Paths, or whole addresses, that the operator knows to be the login or to give tokens; tried before all others.
    pub logins: Vec<String>,
    /// A header that the operator knows to be wanted, such as a version: name and value. It is no secret.
    pub headers: Vec<(String, String)>,
    /// Paths at which the operator approved reads by POST: whole ones, with `*` for any segments: `*/list`, `/api/graphql`.
    /// None: only signing in is ever a POST.
    pub posts: Vec<String>,
}

/// Hears of each request.
pub type Watch = Arc<dyn Fn(&Sent) + Send + Sync>;

/// What a probe may do.
#[derive(Clone)]
pub struct Allowance {
    /// Requests in all.
    pub requests: u32,
    /// Time between two requests.
    pub period: Duration,
    /// The most rows that are asked for at once.
    pub page_rows: u32,
    /// Hears of each request as it is answered.
    pub watch: Option<Watch>,
}

impl Default for Allowance {
    /// 150 requests, one in two seconds, a hundred rows (source API shapes, sections 3, 6 and 16).
    fn default() -> Self {
        Self { requests: 150, period: Duration::from_secs(2), page_rows: 100, watch: None }
    }
}

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// What can be seen without credentials.
    Evidence,
    /// How to prove who we are.
    Auth,
    /// Whose account it is.
    Identity,
    /// Which lists there are.
    Objects,
    /// How they are paged.
    Shape,
    /// How changes are found.
    Changes,
    /// How deleted rows are told, and which others are hidden.
    Deleted,
    /// How one record is read, and how one is told that is not there.
    Record,
    /// How the bytes of a file come.
    Files,
}

impl Stage {
    /// Its name, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::Evidence => "evidence",
            Stage::Auth => "auth",
            Stage::Identity => "identity",
            Stage::Objects => "objects",
            Stage::Shape => "shape",
            Stage::Changes => "changes",
            Stage::Deleted => "deleted",
            Stage::Record => "record",
            Stage::Files => "files",
        }
    }
}

/// One request that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// From 1.
    pub number: u32,
    /// What it was for.
    pub stage: Stage,
    /// The same in words.
    pub purpose: String,
    /// Verb, path and query, without secrets.
    pub request: String,
    /// The status; `None` when no answer came.
    pub status: Option<u16>,
    /// Time until the whole answer was there.
    pub took: Duration,
    /// Bytes of its body.
    pub bytes: u64,
    /// First 16 hexadecimal digits of the BLAKE3 hash of its body.
    pub hash: String,
}

impl Sent {
    /// The request as evidence for a finding.
    fn evidence(&self, finding: impl Into<String>) -> Evidence {
        Evidence {
            finding: finding.into(),
            request: self.request.clone(),
            status: self.status.unwrap_or_default(),
            hash: self.hash.clone(),
        }
    }
}

/// What is to be done about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is read from the API.
    Api,
    /// It is there, but these credentials may not read it: somebody must give them the right, or deliver it otherwise.
    Refused(String),
    /// It is not, for this reason: a CSV export or a workbook is needed.
    Fallback(String),
}

/// What was seen of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSeen {
    /// Rows that have a value in it.
    pub filled: u64,
    /// The kind of its values.
    pub kind: ValueKind,
}

/// Rows that a list leaves out unless a parameter asks for them: archived ones, inactive ones, those made to try something.
/// They are not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The parameter.
    pub param: String,
    /// Its value.
    pub value: String,
    /// How many they are; `None` where the source does not count.
    pub rows: Option<u64>,
}

impl Hidden {
    /// What there is, as a sentence, and what becomes of it.
    #[must_use]
    pub fn told(&self, list: &str) -> String {
        let rows = self.rows.map_or("More rows".to_owned(), |rows| format!("{rows} more rows"));
        format!(
            "{rows} of {list} come with '{}={}' only, and nothing says that they are deleted. They are left out, and a row that \
             joins them counts as gone",
            self.param, self.value
        )
    }
}

/// What was found out about one list.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it holds; `None` for a list that no object of ours stands for.
    pub object: Option<Object>,
    /// Its name there; that of the object where no list was found.
    pub name: String,
    /// Its path; empty where no list was found.
    pub path: String,
    /// What is to be done.
    pub verdict: Verdict,
    /// Rows that the source counts.
    pub rows: Option<u64>,
    /// Rows that were looked at.
    pub seen: u64,
    /// What was seen of its columns, by name.
    pub columns: BTreeMap<String, ColumnSeen>,
    /// Rows that it leaves out.
    pub hidden: Vec<Hidden>,
    /// What the verdict rests on, in words.
    pub reasons: Vec<String>,
    /// What somebody should know.
    pub risks: Vec<String>,
}

/// How the bytes of files come that a list names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWay {
    /// The list.
    pub list: String,
    /// The column that names them, or leads to them; empty where none does.
    pub column: String,
    /// Rows of the list, as far as they were counted or seen.
    pub rows: u64,
    /// How they come, in words.
    pub method: String,
    /// What that rests on.
    pub reason: String,
    /// What may go wrong; empty for nothing in particular.
    pub risk: String,
}

/// What a probe found.
#[derive(Debug, Clone)]
pub struct Probed {
    /// How the API is read.
    pub profile: Profile,
    /// The account.
    pub account: Option<Account>,
    /// Every list that was looked at, and every object that none was found for.
    pub objects: Vec<Found>,
    /// How the bytes of files come, by one file that was tried.
    pub files: Vec<FileWay>,
    /// The credentials as they are now: a source may change a refresh token with each use.
    pub credentials: SourceCredentials,
    /// Every request.
    pub requests: Vec<Sent>,
    /// How many there might have been.
    pub ceiling: u32,
    /// Why the probe ended before its time, if it did.
    pub stopped: Option<String>,
}

/// A probe that found nothing, and what it did.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// Every request.
    pub requests: Vec<Sent>,
}

/// Why a probe ends before its time.
#[derive(Debug)]
pub(super) struct Ended(pub(super) Error);

impl Ended {
    fn new(kind: Kind, why: impl Into<String>) -> Self {
        Self(Error::new(kind, format!("probing the source: {}", why.into())))
    }
}

/// Probes an API.
///
/// # Errors
/// `Settings` for an address that may not be asked, `Unauthorized` when no way to sign in works, `Unreachable` and `Source`
/// when nothing that could be an API answers or a rule for stopping applies before anything is known. What goes wrong later
/// is in [`Probed::stopped`] and the verdicts.
pub async fn probe(
    http: &Http,
    target: Target,
    credentials: &SourceCredentials,
    allowance: Allowance,
    stop: Stop,
) -> Result<Probed, Failed> {
    let mut guard = Guard::new(http, &target, allowance, stop);
    match Box::pin(run(&mut guard, &target, credentials)).await {
        Ok(mut probed) => {
            probed.requests = std::mem::take(&mut guard.log);
            Ok(probed)
        }
        Err(Ended(error)) => Err(Failed { error, requests: guard.log }),
    }
}

/// What is known while probing.
struct Known {
    base: Url,
    auth: Auth,
    account: Option<(AccountAt, Account)>,
    evidence: Vec<Evidence>,
    quirks: Vec<String>,
    lists: Vec<Listed>,
    /// Lists that these credentials may not read.
    refused: BTreeMap<Object, Refused>,
    /// How the bytes of files come.
    files: Vec<FileWay>,
}

async fn run(guard: &mut Guard<'_>, target: &Target, credentials: &SourceCredentials) -> Result<Probed, Ended> {
    let (ground, service) = soap::survey(guard, target).await?;
    let signed = match &service {
        Some(service) => soap::sign_in(guard, target, (&ground, service), credentials).await?,
        None => sign_in::sign_in(guard, target, &ground, credentials).await?,
    };
    guard.signs_by(signed.signer);
    let mut auth = signed.auth;
    auth.send.extend(target.headers.iter().map(|(name, value)| Carrier {
        at: Part::Header,
        name: name.clone(),
        value: value.clone(),
    }));
    let mut known = Known {
        base: signed.base.clone(),
        auth,
        account: None,
        evidence: signed.evidence,
        quirks: signed.quirks,
        lists: Vec::new(),
        refused: BTreeMap::new(),
        files: Vec::new(),
    };
    // From here on what was found is worth keeping, whatever ends the probe.
    let stopped = go_on(guard, (&ground, service.as_ref()), &mut known).await.err().map(|Ended(error)| error.chain());
    Ok(finish(guard, known, stopped, credentials))
}

async fn go_on(
    guard: &mut Guard<'_>,
    (ground, service): (&roots::Ground, Option<&soap::Described>),
    known: &mut Known,
) -> Result<(), Ended> {
    match service {
        Some(service) => soap::discover(guard, service, known).await?,
        None => lists::discover(guard, ground, known).await?,
    }
    refused::settle(guard, known).await?;
    if service.is_none() {
        lists::identify(guard, known).await?;
    }
    let zone = known.account.as_ref().map(|(_, account)| account.timezone.clone()).filter(|zone| !zone.is_empty());
    shape::learn(guard, known, zone.as_deref()).await?;
    changes::learn(guard, known, zone.as_deref()).await?;
    whole::prove(guard, known, zone.as_deref()).await?;
    deleted::learn(guard, known).await?;
    record::learn(guard, known).await?;
    files::learn(guard, known).await
}

fn finish(guard: &Guard<'_>, known: Known, stopped: Option<String>, credentials: &SourceCredentials) -> Probed {
    let (at, account) = known.account.map_or((None, None), |(at, account)| (Some(at), Some(account)));
    let zone = account.as_ref().map(|account| account.timezone.clone()).filter(|zone| !zone.is_empty());
    let address = known.base.as_str().trim_end_matches('/').to_owned();
    let mut profile = Profile {
        version: VERSION,
        address: Some(address),
        zone,
        quirks: known.quirks,
        auth: known.auth,
        account: at,
        limits: Limits { seen: guard.limits_seen.clone(), ..guard.limits.clone() },
        defaults: Rules::default(),
        object: BTreeMap::new(),
        evidence: known.evidence,
    };
    let mut objects = Vec::new();
    for list in known.lists {
        let found = list.found(stopped.as_deref());
        if let (Some(object), Verdict::Api) = (found.object, &found.verdict) {
            let null_when_empty = guard.saw_null.then_some(true);
            profile.object.insert(object, Rules { null_when_empty, ..list.rules });
        }
        objects.push(found);
    }
    for object in lists::WANTED.iter().map(|(object, _)| *object) {
        if !objects.iter().any(|found| found.object == Some(object)) {
            objects.push(match known.refused.get(&object) {
                Some(list) => refused::found(object, list),
                None => lists::missing(object, stopped.as_deref()),
            });
        }
    }
    profile.gather_defaults();
    let credentials = guard.credentials().unwrap_or_else(|| credentials.clone());
    Probed {
        profile,
        account,
        objects,
        files: known.files,
        credentials,
        requests: Vec::new(),
        ceiling: guard.ceiling(),
        stopped,
    }
}
