//! SOAP 1.1: the envelope of a call, faults, and elements that come once or more often.

use quick_xml::escape::escape;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::answer::value;
use super::path::find;
use crate::error::{Error, Kind, Result};
use crate::http::Answer;
use crate::source::profile::Soap;

/// Namespace of envelopes (SOAP 1.1, section 4).
const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

const ACTION: HeaderName = HeaderName::from_static("soapaction");

/// Words of faults that speak of who calls.
const AUTH_WORDS: &[&str] =
    &["authenticat", "credential", "unauthor", "not authorized", "password", "log in", "login", "sign in", "api key"];

/// Words of faults that speak of a lock.
const LOCK_WORDS: &[&str] = &["locked", "too many attempts", "too many failed"];

/// What a fault says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct Fault {
    /// The end of its code: `Client` blames the call, `Server` does not.
    pub(in crate::source) code: String,
    /// Its text, which may repeat what was sent.
    pub(in crate::source) text: String,
}

impl Fault {
    /// The status that HTTP would have for it: by its code and its words, because a fault has 500 whatever it is (SOAP 1.1,
    /// section 6.2).
    fn status(&self) -> u16 {
        let text = self.text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match self.code.as_str() {
            _ if says(LOCK_WORDS) => 423,
            _ if says(AUTH_WORDS) => 401,
            "Client" | "Sender" | "VersionMismatch" | "MustUnderstand" => 400,
            _ => 500,
        }
    }
}

/// The fault that an answer holds, whether it has the status of one or of success.
pub(in crate::source) fn fault(answer: &Answer) -> Option<Fault> {
    let may_be_one = matches!(answer.status, 200..=299 | 500);
    if !may_be_one || !answer.body[..answer.body.len().min(4_000)].windows(5).any(|part| part == b"Fault") {
        return None;
    }
    let body = value(answer).ok()?;
    let fault = find(&body, "Body.Fault")?;
    let text = |paths: [&str; 2]| paths.into_iter().find_map(|path| find(fault, path)?.as_str()).unwrap_or_default();
    // The second is where SOAP 1.2 has it.
    let code = text(["faultcode", "Code.Value"]);
    let code = code.rsplit(':').next().unwrap_or_default();
    // `Client.Authentication` is a finer `Client` (SOAP 1.1, section 4.4.1).
    let code = code.split('.').next().unwrap_or_default().to_owned();
    Some(Fault { code, text: text(["faultstring", "Reason.Text"]).trim().to_owned() })
}

/// The status of an answer, where a fault counts as what it means.
pub(in crate::source) fn status(answer: &Answer) -> u16 {
    fault(answer).map_or(answer.status, |fault| fault.status())
}

/// Puts on a request the headers of a call.
///
/// # Errors
/// `Settings` for an action that no header can hold.
pub(in crate::source) fn head(headers: &mut HeaderMap, soap: &Soap) -> Result<()> {
    let action = HeaderValue::try_from(format!("\"{}\"", soap.action)).map_err(|error| {
        Error::new(Kind::Settings, "source profile: a SOAP action is one that no header can hold").because(error)
    })?;
    headers.insert(ACTION, action);
    headers.insert(ACCEPT, HeaderValue::from_static("text/xml"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    Ok(())
}

/// The envelope of a call. What the profile does not name as an element stays out of it.
pub(in crate::source) fn envelope(soap: &Soap, body: &Value) -> String {
    let (prefix, operation) = (if soap.qualified { "m:" } else { "" }, &soap.operation);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{ENVELOPE}\"><soap:Body>\
         <m:{operation} xmlns:m=\"{}\">",
        escape(&soap.namespace)
    );
    inner(&mut out, (soap, prefix), "", body);
    out.push_str(&format!("</m:{operation}></soap:Body></soap:Envelope>"));
    out
}

fn inner(out: &mut String, (soap, prefix): (&Soap, &str), path: &str, value: &Value) {
    let Value::Object(members) = value else {
        match value {
            Value::Null => {}
            Value::String(text) => out.push_str(&escape(text.as_str())),
            other => out.push_str(&escape(other.to_string())),
        }
        return;
    };
    for element in &soap.elements {
        let own = if path.is_empty() { Some(element.as_str()) } else { element.strip_prefix(path) };
        let Some(name) = own.filter(|name| !name.contains('.')) else { continue };
        let Some(value) = members.get(name) else { continue };
        out.push_str(&format!("<{prefix}{name}>"));
        inner(out, (soap, prefix), &format!("{element}."), value);
        out.push_str(&format!("</{prefix}{name}>"));
    }
}

/// Makes lists of the elements of a row that may come more than once. An element that holds nothing else becomes the list.
pub(in crate::source) fn make_lists(row: &mut Map<String, Value>, soap: &Soap) {
    // The innermost first, while the way to them is as it was.
    for path in soap.repeated.iter().rev() {
        let segments: Vec<&str> = path.split('.').collect();
        make_list(row, &segments);
    }
}

fn make_list(within: &mut Map<String, Value>, path: &[&str]) {
    match path {
        [] => {}
        [last] => {
            if let Some(value) = within.get_mut(*last)
                && !value.is_array()
            {
                *value = Value::Array(vec![value.take()]);
            }
        }
        [first, rest @ ..] => match within.get_mut(*first) {
            Some(Value::Array(items)) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| make_list(item, rest));
            }
            Some(value) => {
                let Value::Object(map) = value else { return };
                make_list(map, rest);
                if let ([last], 1) = (rest, map.len())
                    && let Some(list) = map.get_mut(*last)
                {
                    *value = list.take();
                }
            }
            None => {}
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn soap() -> Soap {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Soap {
            operation: "getClients".to_owned(),
            namespace: "urn:x".to_owned(),
            action: "urn:x#getClients".to_owned(),
            qualified: true,
            elements: texts(&["auth", "auth.id", "auth.password", "page"]),
            repeated: texts(&["tags.string", "stages.item", "stages.item.names.string", "phone"]),
        }
    }

    #[test]
    fn elements_stand_in_the_order_of_the_schema_and_nothing_else_is_sent() {
        let body = json!({"page": 2, "other": 1, "auth": {"password": "a<b&", "id": "dana"}});
        let text = envelope(&soap(), &body);
        let expected = "<m:getClients xmlns:m=\"urn:x\"><m:auth><m:id>dana</m:id><m:password>a&lt;b&amp;</m:password></m:auth>\
                        <m:page>2</m:page></m:getClients>";
        assert!(text.contains(expected), "{text}");
        let text = envelope(&Soap { qualified: false, ..soap() }, &json!({"page": 2}));
        assert!(text.contains("<m:getClients xmlns:m=\"urn:x\"><page>2</page></m:getClients>"), "{text}");
    }

    #[test]
    fn what_may_come_more_than_once_is_a_list_when_it_comes_once() {
        let mut row =
            json!({"tags": {"string": "a"}, "phone": "1", "stages": {"item": {"names": {"string": ["x", "y"]}}}});
        make_lists(row.as_object_mut().expect("an object"), &soap());
        assert_eq!(row, json!({"tags": ["a"], "phone": ["1"], "stages": [{"names": ["x", "y"]}]}));
        let mut row = json!({"tags": null});
        make_lists(row.as_object_mut().expect("an object"), &soap());
        assert_eq!(row, json!({"tags": null}));
    }

    #[test]
    fn a_fault_means_what_it_says_and_not_its_status() {
        let check = |http: u16, code: &str, text: &str, expected: u16| {
            let body = format!(
                "<s:Envelope xmlns:s=\"{ENVELOPE}\"><s:Body><s:Fault><faultcode>s:{code}</faultcode><faultstring>{text}\
                 </faultstring></s:Fault></s:Body></s:Envelope>"
            );
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/xml"))]);
            let answer = Answer { status: http, headers, body: body.into(), took: Duration::ZERO };
            assert_eq!(status(&answer), expected, "{http} {code} {text}");
        };
        check(500, "Client", "There is no such page.", 400);
        check(200, "Client", "There is no such page.", 400);
        check(500, "Server", "Something broke.", 500);
        check(500, "Client.Auth", "Authentication Credentials failed", 401);
        check(500, "Server", "The account is locked.", 423);
        check(403, "Client", "Rate limit exceeded", 403);
    }
}
