//! Files: how their bytes are reached (section 9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::choices::Files;
use super::desk::Desk;
use super::errors::{Fault, PAGE};
use super::names;
use super::reply::{Incoming, Params, Reply};
use super::store::{Row, content};
use crate::record::Object;

/// How long a signed address lives.
const SIGNED_SECONDS: i64 = 600;

/// How long a job renders.
const RENDER_SECONDS: i64 = 5;

/// Paths on the site and on the storage.
const PORTAL: &str = "/portal/files/";
const PICKUP: &str = "/pickup/";
pub(super) const STORAGE: &str = "/storage/";

/// The cookie of the portal and its value.
const PORTAL_COOKIE: &str = "portal_session";
const PORTAL_SESSION: &str = "8f1c2ab0";

/// Puts into a file's row how it is reached. What changes from call to call is in single records only.
pub(super) fn decorate(desk: &Desk, row: &Row, out: &mut Map<String, Value>, is_single: bool) {
    let shape = desk.shape;
    let id = desk.wire(true).id_text(Object::File, row.key);
    let stem = names::stem(shape, Object::File);
    let mut put = |name: &str, value: Value| {
        out.insert(names::spelled(shape.spelling, name), value);
    };
    match shape.files {
        Files::Token | Files::Redirect => {
            put("download_url", Value::from(format!("{}/{stem}/{id}/download", desk.root)))
        }
        Files::Cookie => put("view_url", Value::from(format!("{}{PORTAL}{}", desk.site, row.key))),
        Files::Browser => put("view_url", Value::from(format!("{}{PORTAL}{}", desk.site, row.key))),
        Files::Page => put("files_url", Value::from(format!("{}{PICKUP}{}", desk.site, row.key))),
        Files::Job => put("render_url", Value::from(format!("{}/{stem}/{id}/render", desk.root))),
        Files::Landing => put("files_pickup_url", Value::from(format!("{}{PICKUP}{}", desk.site, row.key))),
        Files::Signed if is_single => put("download_url", Value::from(signed(desk, row.key))),
        Files::Base64 if is_single => put("content_base64", Value::from(STANDARD.encode(content(row.key)))),
        Files::None | Files::Signed | Files::Base64 | Files::Content | Files::NameOnly => {}
    }
}

/// Cookies that an answer of the API sets, for the portal.
pub(super) fn cookie(desk: &Desk) -> Option<String> {
    (desk.shape.files == Files::Cookie).then(|| format!("{PORTAL_COOKIE}={PORTAL_SESSION}; Path=/portal"))
}

fn signed(desk: &Desk, key: u64) -> String {
    let until = desk.now + SIGNED_SECONDS;
    format!("{}{STORAGE}{key}?expires={until}&signature={}", desk.storage, signature(key, until))
}

fn signature(key: u64, until: i64) -> String {
    blake3::hash(format!("storage:{key}:{until}").as_bytes()).to_hex().chars().take(32).collect()
}

/// The bytes of a file through the API, or where they are.
pub(super) fn fetch(desk: &Desk, id: &str, incoming: &Incoming) -> Result<Reply, Fault> {
    let row = desk.find(Object::File, id, false)?;
    if desk.shape.files == Files::Redirect {
        return Ok(Reply::empty(302).header("location", signed(desk, row.key)));
    }
    Ok(bytes(row.key, incoming))
}

/// Begins a job; the number of it comes from the caller.
pub(super) fn render(desk: &Desk, id: &str, job: usize) -> Result<(Reply, u64), Fault> {
    let row = desk.find(Object::File, id, false)?;
    let body = json!({"job": job, "status": "queued", "status_url": format!("{}/jobs/{job}", desk.root)});
    Ok((Reply::json(202, body), row.key))
}

/// Where a job stands that began at `since`.
pub(super) fn job(desk: &Desk, (key, since): (u64, i64)) -> Reply {
    if desk.now < since + RENDER_SECONDS {
        return Reply::json(200, json!({"status": "running"}));
    }
    Reply::json(200, json!({"status": "done", "url": signed(desk, key)}))
}

/// Paths of the site that give files without the API's credentials. The number is that of a file now marked as downloaded.
pub(super) fn of_site(desk: &Desk, incoming: &Incoming) -> Option<(Reply, Option<u64>)> {
    let known = |text: &str| {
        let key: u64 = text.parse().ok()?;
        desk.store.find(Object::File, key).map(|row| row.key)
    };
    match desk.shape.files {
        Files::Cookie => {
            let key = known(incoming.path.strip_prefix(PORTAL)?)?;
            if incoming.cookie(PORTAL_COOKIE) != Some(PORTAL_SESSION) {
                return Some((Reply::typed(200, "text/html; charset=utf-8", PAGE), None));
            }
            Some((bytes(key, incoming), None))
        }
        Files::Browser => {
            known(incoming.path.strip_prefix(PORTAL)?)?;
            Some((Reply::typed(200, "text/html; charset=utf-8", PAGE), None))
        }
        Files::Landing | Files::Page => {
            let rest = incoming.path.strip_prefix(PICKUP)?;
            if let Some(key) = rest.strip_suffix("/1") {
                let key = known(key)?;
                return Some((bytes(key, incoming), Some(key).filter(|_| desk.shape.files == Files::Landing)));
            }
            let key = known(rest)?;
            let page = format!(
                "<!doctype html><html><body><ul><li><a href=\"{}{PICKUP}{key}/1\">Proof</a></li></ul></body></html>",
                desk.site
            );
            Some((Reply::typed(200, "text/html; charset=utf-8", page), None))
        }
        _ => None,
    }
}

/// A file at the storage: only by a signed address, only while it lives, and never with an `Authorization` beside it.
pub(super) fn of_storage(incoming: &Incoming, now: i64) -> Reply {
    let refused = |status: u16, code: &str| {
        let text = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
        Reply::typed(status, "application/xml", text)
    };
    if incoming.header("authorization").is_some() {
        return refused(400, "InvalidArgument");
    }
    let mut params: Params = incoming.params();
    let key = incoming.path.strip_prefix(STORAGE).and_then(|text| text.parse::<u64>().ok());
    let until = params.take("expires").and_then(|text| text.parse::<i64>().ok());
    let (Some(key), Some(until)) = (key, until) else { return refused(404, "NoSuchKey") };
    if now > until || params.take("signature") != Some(signature(key, until)) {
        return refused(403, "AccessDenied");
    }
    bytes(key, incoming)
}

/// The bytes, all or a range, with a name as in RFC 5987.
fn bytes(key: u64, incoming: &Incoming) -> Reply {
    let all = content(key);
    let name = format!("attachment; filename*=UTF-8''Proof%20{key}.pdf");
    let whole = all.len();
    let range = incoming.header("range").and_then(|text| span(text, whole));
    let reply = match range {
        Some((from, until)) => Reply::typed(206, "application/pdf", &all[from..until])
            .header("content-range", format!("bytes {from}-{}/{whole}", until.saturating_sub(1))),
        None => Reply::typed(200, "application/pdf", all),
    };
    reply.header("content-disposition", name)
}

/// `bytes=0-1023`, as a half-open span.
fn span(text: &str, whole: usize) -> Option<(usize, usize)> {
    let (from, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let from: usize = from.parse().ok()?;
    let last: usize = if last.is_empty() { whole } else { last.parse().ok()? };
    (from < whole && from <= last).then(|| (from, last.saturating_add(1).min(whole)))
}
