//! What an answer looks like: the envelopes of API v1 and v2, their errors, and the gateway's own.
//!
//! Shapes: fact sheet sections 3.1 and 8. Where the real text is in no document, it is one that names the key.

use std::borrow::Cow;

use serde_json::{Value, json};

/// The code of a refusal that has v1's envelope under v2 too.
pub(super) const OLD_SHAPE: &str = "old_shape";

/// The content type of nearly all answers.
const JSON: &str = "application/json; charset=utf-8";

/// Which of the two APIs a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Version {
    V1,
    V2,
}

/// A whole answer before it becomes HTTP.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// The header `content-type`.
    pub(super) kind: Cow<'static, str>,
    /// Whole seconds for the header `retry-after`.
    pub(super) retry_after: Option<u64>,
}

impl Answer {
    /// JSON text with a status.
    pub(super) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), kind: Cow::Borrowed(JSON), retry_after: None }
    }

    /// A page with a status.
    pub(super) fn html(status: u16, body: &str) -> Self {
        let kind = Cow::Borrowed("text/html; charset=UTF-8");
        Self { status, body: body.as_bytes().to_vec(), kind, retry_after: None }
    }

    /// `{success:true, data}` around JSON text written by `data`.
    pub(super) fn data(status: u16, data: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut body = Vec::with_capacity(512);
        body.extend_from_slice(br#"{"success":true,"data":"#);
        data(&mut body);
        body.push(b'}');
        Self::json(status, body)
    }

    /// The same around a value.
    pub(super) fn value(status: u16, data: &Value) -> Self {
        Self::data(status, |body| body.extend_from_slice(data.to_string().as_bytes()))
    }
}

/// Why a request is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// The sentence in `error`.
    pub(super) error: String,
    /// The fixed text in `code`.
    pub(super) code: Option<&'static str>,
}

impl Refusal {
    /// 400: the request does not fit its schema.
    pub(super) fn invalid(problems: &[String]) -> Self {
        let error = format!("Validation failed: {}", problems.join("; "));
        Self { status: 400, error, code: Some("ERR_SCHEMA_VALIDATION_FAILED") }
    }

    /// 404: there is no such record.
    pub(super) fn not_found(name: &str) -> Self {
        Self { status: 404, error: format!("{name} not found"), code: Some("ERR_NOT_FOUND") }
    }

    /// 403: a cap of the plan is reached.
    pub(super) fn capped(error: &str, code: &'static str) -> Self {
        Self { status: 403, error: error.to_owned(), code: Some(code) }
    }

    /// 403: the account or the endpoint does not allow it.
    pub(super) fn forbidden(error: impl Into<String>) -> Self {
        Self { status: 403, error: error.into(), code: Some("ERR_FORBIDDEN") }
    }

    /// The answer in the envelope of an API. Caps have v1's envelope and a code under both (fact sheet 3.3 and 8).
    pub(super) fn answer(&self, version: Version) -> Answer {
        let capped = self.code.is_some_and(|code| code.starts_with("feature_capping"));
        // The conversions answer in v1's shape under v2 (OpenAPI v2).
        let version = if self.code == Some(OLD_SHAPE) { Version::V1 } else { version };
        let body = if capped {
            let info = "Please upgrade your plan to add more.";
            json!({"success": false, "error": self.error, "error_info": info, "data": null, "additional_data": null,
                "code": self.code})
        } else if version == Version::V2 {
            json!({"success": false, "error": self.error, "code": self.code.unwrap_or("ERR_UNKNOWN")})
        } else {
            let info = match self.status {
                404 => "Object was not found.",
                _ => "Please check developers.pipedrive.com for more information.",
            };
            json!({"success": false, "error": self.error, "error_info": info, "data": null, "additional_data": null})
        };
        Answer::json(self.status, body.to_string())
    }
}

/// 401 of the gateway, the same for any path (fact sheet section 2).
pub(super) fn unauthorized() -> Answer {
    gateway(401, "unauthorized access")
}

/// 429 of the two-second window; `tells` how long to wait, which live answers may or may not do.
pub(super) fn over_window(tells: bool) -> Answer {
    Answer { retry_after: tells.then_some(2), ..gateway(429, "request over limit") }
}

/// 429 of the daily limit on POST and PUT of 2019, with the whole seconds until it ends. Its text is in no document.
pub(super) fn over_writes(reset_seconds: u64) -> Answer {
    Answer { retry_after: Some(reset_seconds), ..gateway(429, "daily request limit exceeded") }
}

/// 429 of the day's tokens, with the whole seconds until they are there again.
pub(super) fn over_budget(reset_seconds: u64) -> Answer {
    Answer { retry_after: Some(reset_seconds), ..gateway(429, "daily request budget exceeded") }
}

/// A web page in place of an answer, as proxies in front of the API send.
pub(super) fn page(status: u16) -> Answer {
    Answer::html(status, "<!DOCTYPE html><html><body><h1>We will be right back</h1></body></html>")
}

/// 403 of the protection in front of the API, for a token that goes on through refusals.
pub(super) fn blocked() -> Answer {
    let page = "<!DOCTYPE html><html><head><title>Access denied | Cloudflare</title></head>\
        <body><h1>Access denied</h1><p>Error 1020. You have been blocked.</p></body></html>";
    Answer::html(403, page)
}

fn gateway(status: u16, error: &str) -> Answer {
    let body = json!({"success": false, "error": error, "errorCode": status,
        "error_info": "Please check developers.pipedrive.com"});
    Answer::json(status, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &Answer, expected: &str) {
        let read = |text: &[u8]| serde_json::from_slice::<Value>(text).expect("JSON");
        assert_eq!(read(&answer.body), read(expected.as_bytes()));
    }

    #[test]
    fn refusals_have_the_envelope_of_their_api() {
        let missing = Refusal::not_found("Deal");
        check(&missing.answer(Version::V2), r#"{"success":false,"error":"Deal not found","code":"ERR_NOT_FOUND"}"#);
        check(
            &missing.answer(Version::V1),
            concat!(
                r#"{"success":false,"error":"Deal not found","error_info":"Object was not found.","#,
                r#""data":null,"additional_data":null}"#
            ),
        );
        let invalid = Refusal::invalid(&["a: b".to_owned(), "c: d".to_owned()]);
        check(
            &invalid.answer(Version::V2),
            r#"{"success":false,"error":"Validation failed: a: b; c: d","code":"ERR_SCHEMA_VALIDATION_FAILED"}"#,
        );
    }

    #[test]
    fn the_gateway_answers_in_its_own_shape() {
        let answer = over_budget(3939);
        assert_eq!((answer.status, answer.retry_after), (429, Some(3939)));
        check(
            &answer,
            concat!(
                r#"{"success":false,"error":"daily request budget exceeded","errorCode":429,"#,
                r#""error_info":"Please check developers.pipedrive.com"}"#
            ),
        );
    }
}
