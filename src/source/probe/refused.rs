//! Lists that are there and that these credentials may not read: a missing right, or a plan that does not include them. They
//! are told as such, and not as missing, because somebody can change it.

use std::collections::BTreeMap;

use super::guard::Guard;
use super::look::{Look, look};
use super::words::{LISTS, folded};
use super::{Ended, Found, Known, Stage, Verdict};
use crate::http::Answer;
use crate::record::Object;
use crate::source::api::ask::address;
use crate::source::api::auth::Draft;
use crate::source::api::soap;
use crate::source::profile::Method;

/// Beside a list, a path that nobody has.
const NOWHERE: &str = "/zx81-nothing-is-here";

/// Words by which a failure with a good status says that the caller is known and may not read this.
const FORBIDDEN_WORDS: &[&str] = &[
    "forbidden",
    "permission",
    "not allowed",
    "not permitted",
    "privilege",
    "your plan",
    "upgrade",
    "does not include",
    "not included",
    "insufficient",
    "scope",
];

/// A list that was refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    /// Its name, as it was looked for.
    name: String,
    /// Verb and path.
    request: String,
}

/// Whether an answer to a caller who is known says that this one thing is not for them.
pub(super) fn forbids(answer: &Answer) -> bool {
    match (answer.status, look(answer)) {
        (403, _) => true,
        _ if soap::fault(answer).is_some_and(|fault| says_forbidden(&fault.text)) => true,
        (200..=299, Look::Failed(_) | Look::Refused) => {
            says_forbidden(&String::from_utf8_lossy(&answer.body[..answer.body.len().min(2_000)]))
        }
        _ => false,
    }
}

fn says_forbidden(text: &str) -> bool {
    let text = text.to_lowercase();
    FORBIDDEN_WORDS.iter().any(|word| text.contains(word))
}

/// Keeps a list that was refused.
pub(super) fn keep(guard: &mut Guard<'_>, purpose: &str, draft: &Draft) {
    let name = purpose.rsplit(' ').next().unwrap_or_default().to_owned();
    let request = draft.shown();
    guard.refused.push(Refused { name, request });
}

/// Finds out which of the refused lists are there: a source that refuses what nobody has says nothing by it.
pub(super) async fn settle(guard: &mut Guard<'_>, known: &mut Known) -> Result<(), Ended> {
    let mut refused: BTreeMap<Object, Refused> = BTreeMap::new();
    for list in std::mem::take(&mut guard.refused) {
        let called = |name: &str| folded(name) == folded(&list.name);
        let object = LISTS.iter().find(|(_, names)| names.iter().any(|name| called(name))).map(|(object, _)| *object);
        let Some(object) = object.filter(|object| !known.lists.iter().any(|list| list.object == Some(*object))) else {
            continue;
        };
        refused.entry(object).or_insert(list);
    }
    if refused.is_empty() {
        return Ok(());
    }
    if known.lists.iter().any(|list| list.rules.soap.is_some()) {
        // They are in the description of the service.
        known.refused = refused;
        return Ok(());
    }
    let draft = Draft::new(Method::Get, address(&known.base, NOWHERE).map_err(Ended)?);
    let answer = guard.read(Stage::Identity, "what a path that is not there answers to us", draft).await?;
    if answer.is_some_and(|answer| !forbids(&answer)) {
        known.refused = refused;
    }
    Ok(())
}

/// A list that these credentials may not read.
pub(super) fn found(object: Object, list: &Refused) -> Found {
    let path = list.request.split_once(' ').map_or("", |(_, path)| path);
    let why = format!(
        "there is a list '{}', but these credentials may not read it ({} is refused, other lists are not): none of its rows \
         comes across until its owner lets these credentials read it, by a right or by the plan, and discover is run again; \
         otherwise an export or a workbook must bring them",
        list.name, list.request
    );
    Found {
        object: Some(object),
        name: list.name.clone(),
        path: path.to_owned(),
        verdict: Verdict::Refused(why),
        rows: None,
        seen: 0,
        columns: BTreeMap::new(),
        hidden: Vec::new(),
        reasons: Vec::new(),
        risks: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::HeaderMap;

    use super::*;

    #[test]
    fn a_refusal_of_one_thing_is_told_from_others() {
        let check = |status: u16, body: &'static str, expected: bool| {
            let answer = Answer { status, headers: HeaderMap::new(), body: body.into(), took: Duration::ZERO };
            assert_eq!(forbids(&answer), expected, "{status} {body}");
        };
        check(403, "", true);
        check(403, "<html>", true);
        check(200, r#"{"ok":false,"errNum":10403,"errMsg":"Your plan does not include this."}"#, true);
        check(200, r#"{"ok":false,"errMsg":"There is nothing here."}"#, false);
        check(200, r#"{"data":[{"name":"Your plan"}]}"#, false);
        check(401, r#"{"error":"Credentials are needed."}"#, false);
        check(404, "{}", false);
        check(200, "false", false);
    }
}
