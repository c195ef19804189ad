//! How the bytes of files come, tried on one file and never on a whole one: its first kilobyte is asked for, and no more than
//! that is read, whatever comes.
//!
//! The credentials go to the host of the API alone. Other hosts are asked only where the operator named them, and nothing is
//! shown there. What by its name would mark a file as fetched, or begin a job, is not asked at all (source API shapes,
//! section 9).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use reqwest::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use serde_json::{Map, Value};

use super::guard::{Guard, authority};
use super::lists::Listed;
use super::words::folded;
use super::{Ended, FileWay, Known, record};
use crate::http::Answer;
use crate::record::Object;
use crate::source::api::ask::record_path;
use crate::source::api::auth::Draft;
use crate::source::profile::{FileKey, Files};

mod bytes;

use bytes::{Bytes, Seen, seen};

/// Requests that must be left to begin with this.
const KEPT: u32 = 8;

/// The bytes of a file that are asked for.
const FIRST_BYTES: usize = 1_024;

/// Text that is shorter is no file in base64.
const BASE64_CHARS_MIN: usize = 64;

/// Words of columns that lead to a file, the likeliest first.
const WORDS: &[&str] =
    &["download", "content", "file", "attachment", "document", "proof", "artwork", "url", "view", "link", "path"];

/// Words of columns in lists of other things than files.
const FILE_WORDS: &[&str] = &["file", "attachment", "document", "download", "proof", "artwork"];

/// Words of what changes something when it is read: it marks a file as fetched, or begins a job.
const MARKING: &[&str] = &["pickup", "markas"];
const STARTING: &[&str] = &["render", "export", "generate", "job"];

/// Last words of the paths of bytes.
const PATHS: &[&str] = &["content", "download"];

/// Words in the query of an address that is its own key.
const SIGNED: &[&str] = &["signature", "sig", "expires", "x-amz-signature", "x-goog-signature", "token", "hmac", "se"];

/// What was found about a file: how its bytes come, in words, and what that rests on.
struct Way {
    files: Files,
    method: String,
    reason: String,
    risk: String,
}

/// What came of trying what a row has.
enum Tried {
    /// There is a way, or it is plain that there is none.
    Settled(Way),
    /// This one leads nowhere; another may.
    Failed(Way),
    /// There is nothing to try.
    Nothing,
}

/// A file that is tried.
struct Trial<'a> {
    base: &'a Url,
    list: &'a Listed,
    /// Cookies that answers of the API set: name and value.
    cookies: Vec<(String, String)>,
}

/// Learns how the bytes of files come.
pub(super) async fn learn(guard: &mut Guard<'_>, known: &mut Known) -> Result<(), Ended> {
    let base = known.base.clone();
    let cookies = known.lists.iter().flat_map(|list| cookies(&list.bare.headers)).collect::<Vec<_>>();
    let is_file = |list: &Listed| list.object == Some(Object::File);
    let names_files = |list: &Listed| list.bare.rows.iter().any(|row| !addresses(row, FILE_WORDS).is_empty());
    let own = known.lists.iter().position(|list| is_file(list) && !list.bare.rows.is_empty());
    let others =
        (0..known.lists.len()).filter(|index| !is_file(&known.lists[*index]) && names_files(&known.lists[*index]));
    // Where files have a list of their own, columns of other lists lead to the same ones.
    let chosen: Vec<usize> = own.map_or_else(|| others.take(1).collect(), |own| vec![own]);
    for index in chosen {
        if guard.left() < KEPT {
            return Ok(());
        }
        let trial = Trial { base: &base, list: &known.lists[index], cookies: cookies.clone() };
        let Some(way) = trial.run(guard).await? else { continue };
        let list = &mut known.lists[index];
        let column = match &way.files {
            Files::Address { column, .. }
            | Files::Base64 { column, .. }
            | Files::Page { column }
            | Files::Job { column }
            | Files::Name { column } => column.clone(),
            Files::Path { .. } => String::new(),
        };
        known.files.push(FileWay {
            list: list.name.clone(),
            column,
            rows: list.rows.unwrap_or(list.bare.rows.len() as u64),
            method: way.method.clone(),
            reason: way.reason.clone(),
            risk: way.risk,
        });
        list.note(guard, format!("files: {}; {}", way.method, way.reason));
        list.rules.files = Some(way.files);
    }
    Ok(())
}

/// The cookies that an answer sets.
fn cookies(headers: &reqwest::header::HeaderMap) -> Vec<(String, String)> {
    let pair = |value: &HeaderValue| {
        let (name, value) = value.to_str().ok()?.split(';').next()?.split_once('=')?;
        (!value.is_empty()).then(|| (name.trim().to_owned(), value.trim().to_owned()))
    };
    headers.get_all(SET_COOKIE).iter().filter_map(pair).collect()
}

/// Columns of a row that hold an address or a path and whose name has one of some words, the likeliest first.
fn addresses(row: &Map<String, Value>, words: &[&str]) -> Vec<(String, String)> {
    let is_address = |text: &str| {
        text.starts_with("http://") || text.starts_with("https://") || text.starts_with('/') && text.len() > 1
    };
    let mut found: Vec<(usize, String, String)> = row
        .iter()
        .filter_map(|(name, value)| {
            let text = value.get("value").unwrap_or(value).as_str().filter(|text| is_address(text))?;
            let folded = folded(name).replace("profile", "");
            let rank = words.iter().position(|word| folded.contains(word))?;
            Some((rank, name.clone(), text.to_owned()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, name, text)| (name, text)).collect()
}

/// A column that holds a file in base64, and how many bytes it is.
fn in_row(row: &Map<String, Value>) -> Option<(String, Vec<u8>)> {
    row.iter().find_map(|(name, value)| {
        let text = value.get("value").unwrap_or(value).as_str().filter(|text| text.len() >= BASE64_CHARS_MIN)?;
        let is_named = ["base64", "content", "data", "body"].iter().any(|word| folded(name).contains(word));
        let bytes = BASE64_STANDARD.decode(text.trim()).ok().filter(|_| is_named)?;
        Some((name.clone(), bytes))
    })
}

fn named(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| folded(name).contains(word))
}

impl Trial<'_> {
    async fn run(&self, guard: &mut Guard<'_>) -> Result<Option<Way>, Ended> {
        let (rows, ids) = (&self.list.bare.rows, &self.list.bare.ids);
        let has_address = |row: &Map<String, Value>| !addresses(row, WORDS).is_empty() || in_row(row).is_some();
        let at = rows.iter().position(has_address).unwrap_or_default();
        let (Some(row), Some(id)) = (rows.get(at), ids.get(at)) else { return Ok(None) };
        let mut failed = match self.of_row(guard, row, false).await? {
            Tried::Settled(way) => return Ok(Some(way)),
            Tried::Failed(way) => Some(way),
            Tried::Nothing => None,
        };
        if self.list.object != Some(Object::File) {
            return Ok(failed);
        }
        let record = self.list.rules.record.as_ref().map(|record| record.path.clone());
        if let Some(path) = record.filter(|_| failed.is_none())
            && let Some((_, Some(record))) =
                record::read(guard, self.base, self.list, (&path, id, "how a file's bytes come")).await?
        {
            failed = match self.of_row(guard, &record, true).await? {
                Tried::Settled(way) => return Ok(Some(way)),
                Tried::Failed(way) => Some(way),
                Tried::Nothing => None,
            };
        }
        for word in PATHS {
            let path = format!("{}/{{id}}/{word}", self.list.stem());
            let Ok(url) = crate::source::api::ask::address(self.base, &record_path(&path, id)) else { continue };
            if let Reached::File(bytes, key, leads_to) = self.reach(guard, url).await? {
                let way = Files::Path { path: path.clone(), key, leads_to };
                return Ok(Some(of_bytes(way, &format!("the path {path}"), &bytes, None)));
            }
        }
        Ok(Some(failed.unwrap_or_else(|| self.by_name(row))))
    }

    /// Tries what a row has.
    async fn of_row(&self, guard: &mut Guard<'_>, row: &Map<String, Value>, is_record: bool) -> Result<Tried, Ended> {
        if let Some((column, content)) = in_row(row) {
            let reason = format!("'{column}' holds {} bytes in base64{}", content.len(), bytes::kind_of(&content));
            let risk = if is_record {
                "each file is one request".to_owned()
            } else {
                "each reading of the list carries all of them".to_owned()
            };
            let method = "in the record itself, as base64".to_owned();
            return Ok(Tried::Settled(Way {
                files: Files::Base64 { column, record: is_record },
                method,
                reason,
                risk,
            }));
        }
        let mut failed = None;
        for (column, text) in addresses(row, WORDS) {
            if let Some(way) = unasked(&column) {
                return Ok(Tried::Settled(way));
            }
            let Some(url) = self.resolved(&text) else { continue };
            match self.reach(guard, url.clone()).await? {
                Reached::File(bytes, key, leads_to) => {
                    let lives = lives(&url, guard.http.clock().utc());
                    let way = Files::Address { column: column.clone(), record: is_record, key, leads_to };
                    return Ok(Tried::Settled(of_bytes(way, &format!("the address in '{column}'"), &bytes, lives)));
                }
                Reached::Page { links } => {
                    failed = Some(Way {
                        method: "from a page for people, which leads to them: not by Crossdock. Ask the vendor for the files \
                                 as a folder"
                            .to_owned(),
                        reason: format!("'{column}' leads to a page with {links} links, and not to a file"),
                        risk: "what is behind the links was not opened: that may mark files as fetched".to_owned(),
                        files: Files::Page { column },
                    });
                }
                Reached::Not { reason, risk, is_settled } => {
                    let reason = format!("'{column}' {reason}");
                    let method = "not yet: see why. Otherwise ask the vendor for the files as a folder".to_owned();
                    let host = authority(&url);
                    let leads_to = if host == authority(self.base) { String::new() } else { host };
                    let key = if leads_to.is_empty() { FileKey::Credentials } else { FileKey::Nothing };
                    let files = Files::Address { column, record: is_record, key, leads_to };
                    let way = Way { files, method, reason, risk };
                    if is_settled {
                        return Ok(Tried::Settled(way));
                    }
                    failed = failed.or(Some(way));
                }
            }
        }
        Ok(failed.map_or(Tried::Nothing, Tried::Failed))
    }

    fn by_name(&self, row: &Map<String, Value>) -> Way {
        let column =
            row.keys().find(|name| named(name, &["name", "file", "title"])).unwrap_or(&self.list.look.id).clone();
        Way {
            method: "they are names only: the files themselves must be handed over as a folder".to_owned(),
            reason: format!("no column leads to the bytes, nor does {}", PATHS.join(" or ")),
            risk: "perhaps they are made on demand by a call that is no read".to_owned(),
            files: Files::Name { column },
        }
    }

    fn resolved(&self, text: &str) -> Option<Url> {
        if text.starts_with('/') { self.base.join(text).ok() } else { Url::parse(text).ok() }
    }

    /// Tries an address: with the credentials at the API's own host, without them anywhere else.
    async fn reach(&self, guard: &mut Guard<'_>, url: Url) -> Result<Reached, Ended> {
        let is_own = authority(&url) == authority(self.base) && url.scheme() == self.base.scheme();
        if !is_own {
            return self.reach_bare(guard, &url, String::new()).await;
        }
        let is_signed = url.query_pairs().any(|(name, _)| SIGNED.contains(&name.to_lowercase().as_str()));
        if is_signed && let Reached::File(bytes, key, to) = self.reach_bare(guard, &url, String::new()).await? {
            return Ok(Reached::File(bytes, key, to));
        }
        let answer = self.ask(guard, &url, Some(&FileKey::Credentials)).await?;
        match answer.as_ref().map(seen) {
            Some(Seen::File(bytes)) => return Ok(Reached::File(bytes, FileKey::Credentials, String::new())),
            Some(Seen::Page { links, is_login: false }) if links > 0 => return Ok(Reached::Page { links }),
            Some(Seen::Elsewhere) => {
                let to = answer.as_ref().and_then(|answer| answer.headers.get(LOCATION)?.to_str().ok());
                let Some(to) = to.and_then(|to| url.join(to).ok()) else { return Ok(refused(answer.as_ref())) };
                let host = if authority(&to) == authority(self.base) { String::new() } else { authority(&to) };
                return match self.reach_bare(guard, &to, host).await? {
                    Reached::File(bytes, _, to) => Ok(Reached::File(bytes, FileKey::Credentials, to)),
                    other => Ok(other),
                };
            }
            _ => {}
        }
        for (name, value) in self.cookies.iter().take(1) {
            let key = FileKey::Cookie(name.clone());
            let mut draft = Draft::file(url.clone(), FIRST_BYTES);
            draft.headers.extend(HeaderValue::try_from(format!("{name}={value}")).ok().map(|cookie| (COOKIE, cookie)));
            let answer = guard.file(&self.purpose("with a cookie that the API sets"), draft, false).await?;
            if let Some(Seen::File(bytes)) = answer.as_ref().map(seen) {
                return Ok(Reached::File(bytes, key, String::new()));
            }
        }
        Ok(refused(answer.as_ref()))
    }

    /// Tries an address with nothing shown there. `leads_to` is the other host that led here, if one did.
    async fn reach_bare(&self, guard: &mut Guard<'_>, url: &Url, leads_to: String) -> Result<Reached, Ended> {
        let host = authority(url);
        if !guard.may_ask(url) {
            return Ok(Reached::Not {
                is_settled: true,
                reason: format!("leads to another host, {host}, which was not asked"),
                risk: format!(
                    "if files may be fetched there, name {host} among the hosts and discover again; no credentials go there"
                ),
            });
        }
        let answer = self.ask(guard, url, None).await?;
        let leads_to = if host == authority(self.base) { leads_to } else { host };
        Ok(match answer.as_ref().map(seen) {
            Some(Seen::File(bytes)) => Reached::File(bytes, FileKey::Nothing, leads_to),
            Some(Seen::Page { links, is_login: false }) if links > 0 => Reached::Page { links },
            _ => refused(answer.as_ref()),
        })
    }

    async fn ask(&self, guard: &mut Guard<'_>, url: &Url, key: Option<&FileKey>) -> Result<Option<Answer>, Ended> {
        let how = if key.is_some() { "with the credentials" } else { "with nothing shown" };
        guard.file(&self.purpose(how), Draft::file(url.clone(), FIRST_BYTES), key.is_some()).await
    }

    fn purpose(&self, how: &str) -> String {
        format!("{}: whether a file's first bytes come, {how}", self.list.name)
    }
}

/// What a column leads to that is not asked at all, by its name.
fn unasked(column: &str) -> Option<Way> {
    let column = column.to_owned();
    if named(&column, MARKING) {
        return Some(Way {
            method: "from a page for people, which leads to them: not by Crossdock. Ask the vendor for the files as a folder"
                .to_owned(),
            reason: format!("'{column}' leads to a place where files are picked up; it was not opened"),
            risk: "opening it may mark the file as fetched".to_owned(),
            files: Files::Page { column },
        });
    }
    named(&column, STARTING).then(|| Way {
        method: "by a job that makes each file when it is asked to: not by Crossdock. Ask the vendor for the files as a folder"
            .to_owned(),
        reason: format!("'{column}' leads to something that is begun by a write; it was not tried"),
        risk: "a file that is made anew may look otherwise than the one that was sent".to_owned(),
        files: Files::Job { column },
    })
}

/// What an address gave.
enum Reached {
    /// A file, what was shown for it, and the other host that it came from.
    File(Bytes, FileKey, String),
    /// A page that leads on.
    Page { links: usize },
    /// No file, in words that follow the column's name; and whether no other column will lead further.
    Not { reason: String, risk: String, is_settled: bool },
}

fn refused(answer: Option<&Answer>) -> Reached {
    let (reason, risk) = match answer.map(|answer| (seen(answer), answer.status)) {
        None => ("gives no answer".to_owned(), ""),
        Some((Seen::Page { .. }, status)) => (
            format!("gives a page to sign in or to look at (status {status}), and no file"),
            "it wants a browser's session, which these credentials do not open",
        ),
        Some((_, status)) => (format!("gives no file, with status {status}"), ""),
    };
    Reached::Not { reason, risk: risk.to_owned(), is_settled: false }
}

/// How long an address lives that says when it ends, in seconds.
fn lives(url: &Url, now: jiff::Timestamp) -> Option<i64> {
    let until: i64 = url
        .query_pairs()
        .find(|(name, _)| matches!(name.to_lowercase().as_str(), "expires" | "x-amz-expires" | "se" | "exp"))?
        .1
        .parse()
        .ok()?;
    // A small number is a span already.
    Some(if until > 1_000_000_000 { until - now.as_second() } else { until })
}

fn of_bytes(files: Files, place: &str, bytes: &Bytes, lives: Option<i64>) -> Way {
    let (key, leads_to, is_record) = match &files {
        Files::Address { key, leads_to, record, .. } => (key, leads_to.as_str(), *record),
        Files::Path { key, leads_to, .. } => (key, leads_to.as_str(), false),
        _ => (&FileKey::Nothing, "", false),
    };
    let shown = match key {
        FileKey::Credentials => "with the API's credentials".to_owned(),
        FileKey::Nothing => "with nothing but the address itself".to_owned(),
        FileKey::Cookie(name) => format!("with the cookie '{name}' that the API's answers set"),
    };
    let through =
        if leads_to.is_empty() { String::new() } else { format!(", from {leads_to}, to which no credentials go") };
    let mut risks = Vec::new();
    if let Some(seconds) = lives {
        let minutes = seconds.max(0).unsigned_abs().div_ceil(60);
        risks.push(format!("the address lives some {minutes} minutes, so it is read anew before each file"));
    }
    if is_record {
        risks.push("only a record that is read by its id has the address: two requests for each file".to_owned());
    }
    risks.extend(bytes.doubt.clone());
    let method = format!("from {place}, {shown}{through}");
    Way { files, method, reason: bytes.told(), risk: risks.join("; ") }
}
