//! Calls beside those on whole kinds of records: named, priced, and typed in and out.
//!
//! Answers are read leniently: fields that nobody asked for are ignored, a list may be `null`, ids may be numbers or texts.

use std::sync::Arc;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::answer::{self, Effect};
use super::client::{Call, Client};
use super::page::id_text;
use crate::error::{Error, Kind, Result};
use crate::permit::WritePermit;

/// One operation of the API: what it is called in metrics and messages, how it is asked for, what it costs.
pub(super) struct Endpoint {
    /// Method and path: `PUT /v1/deals/ID/merge`. Capitals stand for values.
    pub(super) name: &'static str,
    pub(super) method: Method,
    /// The path with `{}` for each value: `api/v1/deals/{}/merge`.
    pub(super) path: &'static str,
    /// Tokens, by the extension `x-token-cost` of the OpenAPI documents.
    pub(super) cost: u32,
}

impl Endpoint {
    fn call(&self, values: &[&str], effect: Effect) -> Call {
        let mut path = String::with_capacity(self.path.len() + 40);
        let mut values = values.iter();
        for (number, part) in self.path.split("{}").enumerate() {
            if number > 0 {
                path.push_str(&segment(values.next().copied().unwrap_or_default()));
            }
            path.push_str(part);
        }
        let (name, method, cost) = (self.name, self.method.clone(), self.cost);
        Call { name, method, path, query: Vec::new(), body: None, content_type: None, cost, effect }
    }
}

/// A value as one part of a path, whatever characters it has.
fn segment(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the list goes on: a cursor (v2) or a start (v1). `None` at its end.
    pub next: Option<String>,
}

impl Client {
    /// Asks, and reads the answer's data.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        values: &[&str],
        query: Vec<(&'static str, String)>,
    ) -> Result<T> {
        let call = Call { query, ..endpoint.call(values, Effect::Read) };
        let mut answer = self.read(call).await?;
        data(endpoint, Effect::Read, answer.remove("data"))
    }

    /// Asks for one page of a list.
    pub(super) async fn ask_page<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        values: &[&str],
        query: Vec<(&'static str, String)>,
    ) -> Result<Listed<T>> {
        let call = Call { query, ..endpoint.call(values, Effect::Read) };
        let mut answer = self.read(call).await?;
        let rows: Option<Vec<T>> = match answer.remove("data") {
            None => None,
            Some(rows) => data(endpoint, Effect::Read, Some(rows))?,
        };
        Ok(Listed { rows: rows.unwrap_or_default(), next: next(&answer) })
    }

    /// Changes something with a JSON body, and reads the answer's data.
    pub(super) async fn tell<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        values: &[&str],
        body: &impl Serialize,
        permit: &WritePermit,
    ) -> Result<T> {
        let name = endpoint.name;
        let body = serde_json::to_vec(body).map_err(|error| Error::new(Kind::Bug, name).because(error))?;
        let call = Call { body: Some(body.into()), ..endpoint.call(values, Effect::Write) };
        let mut answer = self.send(call, Some(permit)).await?;
        data(endpoint, Effect::Write, answer.remove("data"))
    }

    /// Changes something with a body that is no JSON, and reads the answer's data.
    pub(super) async fn tell_form<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        values: &[&str],
        form: crate::http::Form,
        permit: &WritePermit,
    ) -> Result<T> {
        let (content_type, body) = form.encoded().await?;
        let call = endpoint.call(values, Effect::Write);
        let call = Call { body: Some(body), content_type: Some(content_type), ..call };
        let mut answer = self.send(call, Some(permit)).await?;
        data(endpoint, Effect::Write, answer.remove("data"))
    }

    /// Removes something; what is gone already is as good.
    pub(super) async fn remove(&self, endpoint: &Endpoint, values: &[&str], permit: &WritePermit) -> Result<()> {
        match self.send(endpoint.call(values, Effect::Write), Some(permit)).await {
            Err(error) if error.kind() != Kind::Gone => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Asks for bytes that are no JSON.
    pub(super) async fn bytes(&self, endpoint: &Endpoint, values: &[&str]) -> Result<bytes::Bytes> {
        let call = endpoint.call(values, Effect::Read);
        let answer = self.answered(call, None).await?;
        if (200..=299).contains(&answer.status) {
            return Ok(answer.body);
        }
        answer::body(&answer, Effect::Read, endpoint.name)?;
        Err(answer::unclear(Effect::Read, endpoint.name))
    }
}

fn data<T: DeserializeOwned>(endpoint: &Endpoint, effect: Effect, data: Option<Value>) -> Result<T> {
    let unusual = |error| answer::unclear(effect, endpoint.name).because(error);
    serde_json::from_value(data.unwrap_or_default()).map_err(unusual)
}

/// Where a list goes on, in both envelopes; recents and call logs have v1's.
fn next(answer: &Map<String, Value>) -> Option<String> {
    let more = answer.get("additional_data")?;
    if let Some(cursor) = more.get("next_cursor").and_then(Value::as_str) {
        return Some(cursor.to_owned());
    }
    let pagination = more.get("pagination")?;
    let goes_on = pagination.get("more_items_in_collection").and_then(Value::as_bool).unwrap_or(false);
    goes_on.then(|| pagination.get("next_start").map(ToString::to_string)).flatten()
}

/// An id that may be a number or a text.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
    let value = Value::deserialize(from)?;
    id_text(&value).ok_or_else(|| serde::de::Error::custom("an id that is neither a number nor a text"))
}

/// An id that may be missing, and that some answers spread into an object with `value` or `id`.
pub(super) fn maybe_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<str>>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(id_text(&value).or_else(|| value.get("value").or(value.get("id")).and_then(id_text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_one_part_of_the_path() {
        let endpoint = Endpoint { name: "x", method: Method::GET, path: "api/v2/deals/{}/status/{}", cost: 1 };
        let path = |values: &[&str]| endpoint.call(values, Effect::Read).path;
        assert_eq!(path(&["7", "a-b"]), "api/v2/deals/7/status/a-b");
        assert_eq!(path(&["7/../8", "a b?"]), "api/v2/deals/7%2F..%2F8/status/a%20b%3F");
    }

    #[test]
    fn lists_may_be_null_and_go_on_in_two_ways() {
        let check = |text: &str, expected: Option<&str>| {
            let answer: Map<String, Value> = serde_json::from_str(text).expect("JSON");
            assert_eq!(next(&answer).as_deref(), expected, "{text}");
        };
        check(r#"{"data":null}"#, None);
        check(r#"{"additional_data":{"next_cursor":"abc"}}"#, Some("abc"));
        check(r#"{"additional_data":{"next_cursor":null}}"#, None);
        let pages = |more: bool| {
            format!(r#"{{"additional_data":{{"pagination":{{"more_items_in_collection":{more},"next_start":100}}}}}}"#)
        };
        check(&pages(true), Some("100"));
        check(&pages(false), None);
    }
}
