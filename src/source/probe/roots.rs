//! What can be seen without credentials: whether every path gives the same page, and below which path an API answers.

use reqwest::Url;

use super::guard::Guard;
use super::look::{Look, look};
use super::words::ROOTS;
use super::{Ended, Stage, Target};
use crate::config::base_url;
use crate::error::Kind;
use crate::http::Answer;
use crate::source::api::answer::{is_failure, value};
use crate::source::api::ask::address;
use crate::source::api::auth::Draft;
use crate::source::profile::Method;

/// A path that nobody has.
const NOWHERE: &str = "/zx81-nothing-is-here";

/// Lists that many APIs have, by one of which an API is recognized.
const LIKELY: &[&str] = &["users", "contacts", "clients", "customers", "companies", "me"];

/// Bases that are tried with the less likely words.
const ROOTS_AGAIN: usize = 6;

/// Documents that describe an API.
const DOCUMENTS: &[&str] = &["/openapi.json", "/swagger.json", "/swagger/v1/swagger.json", "/api-docs"];

/// A list of such documents (RFC 9727).
const CATALOG: &str = "/.well-known/api-catalog";

/// Paths of a document that are kept.
const DESCRIBED_MAX: usize = 3;

/// What was seen.
#[derive(Debug)]
pub(super) struct Ground {
    /// Bases that an API may have, the likeliest first.
    pub(super) bases: Vec<Url>,
    /// A path that was refused without credentials, on which they can be tried.
    pub(super) refused: Option<Url>,
    /// What the refusal said: header and body in lower case, for hints.
    pub(super) hints: String,
    /// What that path answers without credentials.
    pub(super) bare: Option<Look>,
    /// The same, its status and its body.
    pub(super) refusal: Option<(u16, Vec<u8>)>,
    /// An API answers without any credentials.
    pub(super) is_open: bool,
    /// The first base is the one.
    pub(super) is_certain: bool,
    /// Paths below the base that a document says can be read.
    pub(super) described: Vec<String>,
}

/// Looks around: at the address, and where nothing shows there at the other hosts that the operator named.
pub(super) async fn survey(guard: &mut Guard<'_>, target: &Target) -> Result<Ground, Ended> {
    let first = survey_at(guard, target, &target.address).await;
    let shows = |ground: &Ground| ground.refused.is_some() || ground.is_open;
    if first.as_ref().is_ok_and(shows) {
        return first;
    }
    for host in &target.hosts {
        let Ok(site) = Url::parse(&format!("{}://{host}/", target.address.scheme())) else { continue };
        let Ok(site) = base_url(site.as_str()) else { continue };
        let ground = survey_at(guard, target, &site).await?;
        if shows(&ground) {
            return Ok(ground);
        }
    }
    first
}

async fn survey_at(guard: &mut Guard<'_>, target: &Target, base: &Url) -> Result<Ground, Ended> {
    let nowhere = ask(guard, base, NOWHERE, "what a path that is not there answers").await?;
    let nowhere_look = nowhere.as_ref().map(look);
    let mut ground = Ground {
        bases: Vec::new(),
        refused: None,
        hints: String::new(),
        bare: None,
        refusal: None,
        is_open: false,
        is_certain: false,
        described: Vec::new(),
    };
    let guards_all = nowhere.as_ref().is_some_and(guards);
    if let Some(answer) = nowhere.as_ref().filter(|_| guards_all) {
        ground.refused = address(base, NOWHERE).ok();
        ground.hints = hints(answer);
        ground.refusal = Some((answer.status, answer.body.to_vec()));
        ground.bare = nowhere_look.clone();
    }
    read_documents(guard, base, &mut ground).await?;
    let own_path = base.path().trim_matches('/').to_owned();
    let first = (!own_path.is_empty()).then_some("");
    let named = named_roots(target);
    let roots: Vec<&str> = first
        .into_iter()
        .chain(named.iter().map(String::as_str))
        .chain(ROOTS.iter().copied().filter(|root| first.is_none() || !root.is_empty()))
        .fold(Vec::new(), |mut roots, root| {
            if !roots.contains(&root) {
                roots.push(root);
            }
            roots
        });
    let mut scored: Vec<(u8, Url)> = Vec::new();
    // Where everything is refused, nothing tells one path from another before we are let in.
    let words = if guards_all { &[] } else { LIKELY };
    for (round, word) in words.iter().enumerate() {
        let some = if round == 0 { roots.len() } else { ROOTS_AGAIN.min(roots.len()) };
        for root in &roots[..some] {
            let Some((score, url)) = try_root(guard, base, (root, word), nowhere_look.as_ref(), &mut ground).await?
            else {
                continue;
            };
            scored.push((score, url));
            if ground.is_certain {
                break;
            }
        }
        if ground.is_certain {
            break;
        }
    }
    settle_bases(&mut ground, scored, base, &roots);
    match (&nowhere_look, &ground.bare) {
        // Whoever guards a path that nobody has guards the whole site: the API probably begins there.
        _ if guards_all && own_path.is_empty() && named.is_empty() => {
            ground.bases.retain(|url| url.path() != "/");
            ground.bases.insert(0, base.clone());
            ground.is_certain = true;
        }
        // Where the site answers otherwise than the API, the API does not begin at its root.
        (Some(nowhere), Some(bare)) if nowhere.kind() != bare.kind() && own_path.is_empty() => {
            ground.bases.retain(|url| url.path() != "/");
        }
        _ => {}
    }
    if ground.refused.is_none() && !ground.is_open && ground.hints.is_empty() && nowhere.is_none() {
        return Err(Ended::new(Kind::Unreachable, "nothing answers at the address"));
    }
    Ok(ground)
}

/// Whether an answer to a path that nobody has is a refusal, or an error in a good status with nothing in it that says what
/// is wrong.
fn guards(answer: &Answer) -> bool {
    match look(answer) {
        Look::Refused => true,
        Look::Failed(200..=299) => answer.body.is_empty() || value(answer).is_ok_and(|body| is_failure(&body)),
        _ => false,
    }
}

/// Where refusals look like any other answer: the base furthest up whose paths are still answered so.
pub(super) async fn guarded_base(guard: &mut Guard<'_>, ground: &Ground, base: &Url) -> Result<Url, Ended> {
    let mut guarded = base.clone();
    for parent in parents(base) {
        let answer = ask(guard, &parent, NOWHERE, "whether the API begins further up").await?;
        let is_same = answer.is_some_and(|answer| ground.refusal == Some((answer.status, answer.body.to_vec())));
        if !is_same {
            break;
        }
        guarded = parent;
    }
    Ok(guarded)
}

/// Looks for a document that describes the API. Only paths are taken from it: it may not lead to another host.
async fn read_documents(guard: &mut Guard<'_>, base: &Url, ground: &mut Ground) -> Result<(), Ended> {
    let mut documents: Vec<String> = DOCUMENTS.iter().map(|path| (*path).to_owned()).collect();
    documents.push(CATALOG.to_owned());
    let mut at = 0;
    while let Some(document) = documents.get(at).cloned() {
        at += 1;
        let Some(answer) = ask(guard, base, &document, "a document that describes the API").await? else { continue };
        let Look::Json(body) = look(&answer) else { continue };
        if let Some(root) = described_root(&body) {
            ground.bases.extend(address(base, &root).ok());
            ground.described = described_lists(&body);
            break;
        }
        if document == CATALOG {
            documents.extend(cataloged(&body));
        }
    }
    Ok(())
}

/// The path of the first document that a catalog names.
fn cataloged(body: &serde_json::Value) -> Option<String> {
    let sets = body.get("linkset")?.as_array()?.iter();
    let text = sets.filter_map(|set| set.get("service-desc")?.get(0)?.get("href")?.as_str()).next()?;
    Some(path_of(text))
}

/// Paths that a document says can be read as they are.
fn described_lists(body: &serde_json::Value) -> Vec<String> {
    let paths = body.get("paths").and_then(|paths| paths.as_object()).into_iter().flatten();
    let can_get = paths.filter(|(path, verbs)| !path.contains('{') && verbs.get("get").is_some());
    can_get.map(|(path, _)| path.clone()).take(DESCRIBED_MAX).collect()
}

/// Bases that the operator's logins stand below: `/api/login` speaks of `/api`.
fn named_roots(target: &Target) -> Vec<String> {
    let paths = target.logins.iter().map(|login| path_of(login));
    let parents = paths.filter_map(|path| path.rsplit_once('/').map(|(parent, _)| parent.to_owned()));
    parents.filter(|parent| !parent.is_empty() && !parent.contains("oauth")).collect()
}

/// The path of an address, or a path as it stands.
fn path_of(text: &str) -> String {
    match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or(String::new(), |(_, path)| format!("/{path}")),
        None => text.to_owned(),
    }
}

/// Puts the bases in order, the likeliest first.
fn settle_bases(ground: &mut Ground, mut scored: Vec<(u8, Url)>, base: &Url, roots: &[&str]) {
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    if ground.is_certain {
        // What a document says of other bases counts less than an answer.
        ground.bases.clear();
    }
    for (_, url) in scored {
        if !ground.bases.contains(&url) {
            ground.bases.push(url);
        }
    }
    // What is refused may begin further up: `/api/v1/users` is refused by an API at `/api` too.
    if ground.is_certain && !ground.is_open {
        let parents: Vec<Url> = ground.bases.first().into_iter().flat_map(parents).collect();
        ground.bases.extend(parents);
    }
    if ground.bases.is_empty() {
        // Nothing tells one base from another; signed in, one of them may.
        ground.bases = roots.iter().filter_map(|root| address(base, root).ok()).collect();
    }
}

/// Tries one base with one word.
async fn try_root(
    guard: &mut Guard<'_>,
    base: &Url,
    (root, word): (&str, &str),
    nowhere: Option<&Look>,
    ground: &mut Ground,
) -> Result<Option<(u8, Url)>, Ended> {
    let path = format!("{root}/{word}");
    let Some(mut answer) = ask(guard, base, &path, "whether an API answers here").await? else { return Ok(None) };
    let mut seen = look(&answer);
    // Some show people a page under the name that programs read with an ending (Datasette).
    if matches!(seen, Look::Page) && score(&seen, nowhere) > 0 {
        let beside = ask(guard, base, &format!("{path}.json"), "whether the page is there as JSON too").await?;
        if let Some(beside) = beside.filter(|beside| matches!(look(beside), Look::Json(_))) {
            (seen, answer) = (look(&beside), beside);
        }
    }
    let score = score(&seen, nowhere);
    let Ok(url) = address(base, root) else { return Ok(None) };
    if score >= 3 {
        ground.is_certain = true;
        if matches!(seen, Look::Json(_)) {
            ground.is_open = true;
        } else {
            ground.refused = address(base, &path).ok();
            ground.hints = hints(&answer);
            ground.refusal = Some((answer.status, answer.body.to_vec()));
            ground.bare = Some(seen);
        }
    }
    Ok((score > 0).then_some((score, url)))
}

async fn ask(guard: &mut Guard<'_>, base: &Url, path: &str, purpose: &str) -> Result<Option<Answer>, Ended> {
    let draft = Draft::new(Method::Get, address(base, path).map_err(Ended)?);
    guard.send(Stage::Evidence, purpose, draft, None).await
}

/// The bases above one, the nearest first.
fn parents(base: &Url) -> Vec<Url> {
    let mut parents = Vec::new();
    let mut path = base.path().trim_end_matches('/').to_owned();
    while let Some((above, _)) = path.rsplit_once('/') {
        let mut parent = base.clone();
        parent.set_path(above);
        parents.push(parent);
        path = above.to_owned();
    }
    parents
}

/// How much an answer looks like an API's, compared with that of a path that is not there.
fn score(seen: &Look, nowhere: Option<&Look>) -> u8 {
    let is_same = nowhere.is_some_and(|nowhere| nowhere.kind() == seen.kind());
    match seen {
        _ if is_same => 0,
        Look::Refused | Look::Json(_) => 4,
        // An error with a good status: some sources refuse so.
        Look::Failed(200..=299) => 3,
        Look::Failed(_) => 2,
        Look::Missing { is_json: true } => 1,
        // A page for people to sign in, where other paths have none.
        Look::Page => 3,
        Look::Missing { .. } => 0,
    }
}

/// What a refusal says, for hints at how to sign in.
pub(super) fn hints(answer: &Answer) -> String {
    let header = answer.headers.get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(2_000)]);
    format!("{header}\n{body}").to_lowercase()
}

/// The base path of an OpenAPI or Swagger document.
fn described_root(body: &serde_json::Value) -> Option<String> {
    if let Some(path) = body.get("basePath").and_then(|path| path.as_str()) {
        return Some(path.to_owned());
    }
    let server = body.get("servers")?.get(0)?.get("url")?.as_str()?;
    Some(path_of(server))
}
