//! What comes in and what goes out, apart from the web framework.

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use url::form_urlencoded;

/// A request taken out of its connection.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Incoming {
    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The host it was sent to, with its port.
    pub(super) fn host(&self) -> &str {
        self.header("host").unwrap_or_default()
    }

    /// The body as JSON; null if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The parameters of the query.
    pub(super) fn params(&self) -> Params {
        Params::read(self.query.as_bytes())
    }

    /// The cookie of a name.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let all = self.header("cookie")?;
        all.split(';')
            .filter_map(|one| one.trim().split_once('='))
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }
}

/// Parameters, each of which is taken once; what is left over nobody knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Params {
    all: Vec<(String, String)>,
    left: Vec<(String, String)>,
}

impl Params {
    /// Reads `a=b&c=d`.
    pub(super) fn read(encoded: &[u8]) -> Self {
        let all: Vec<(String, String)> =
            form_urlencoded::parse(encoded).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self { left: all.clone(), all }
    }

    /// The members of a JSON object; texts as they are, other values as JSON.
    pub(super) fn of_json(body: &Value) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let members = body.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let all: Vec<(String, String)> = members.map(|(name, value)| (name.clone(), text(value))).collect();
        Self { left: all.clone(), all }
    }

    /// Names and values as they are.
    pub(super) fn of_pairs(all: Vec<(String, String)>) -> Self {
        Self { left: all.clone(), all }
    }

    /// Takes a parameter; empty ones are not there.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let place = self.left.iter().position(|(own, _)| own == name)?;
        Some(self.left.remove(place).1).filter(|text| !text.is_empty())
    }

    /// Takes a credential: it is in no address that is made of these parameters.
    pub(super) fn take_secret(&mut self, name: &str) -> Option<String> {
        self.all.retain(|(own, _)| own != name);
        self.take(name)
    }

    /// The first one that nobody took.
    pub(super) fn unknown(&self) -> Option<&str> {
        self.left.first().map(|(name, _)| name.as_str())
    }

    /// All of them again, with one set and some left out, as a query.
    pub(super) fn with(&self, name: &str, value: &str, without: &[&str]) -> String {
        let kept = self.all.iter().filter(|(own, _)| own != name && !without.contains(&own.as_str()));
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (own, value) in kept {
            out.append_pair(own, value);
        }
        out.append_pair(name, value).finish()
    }
}

/// What an answer was for, for the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading.
    Read,
    /// A log-in or a token.
    Login,
    /// Anything that would have changed something.
    Write,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
    /// Rows in it.
    pub(super) rows: usize,
    pub(super) purpose: Purpose,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Empty,
    Json(Value),
    Typed(&'static str, Vec<u8>),
}

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body), rows: 0, purpose: Purpose::Read }
    }

    pub(super) fn typed(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = Body::Typed(content_type, body.into());
        Self { status, headers: Vec::new(), body, rows: 0, purpose: Purpose::Read }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty, rows: 0, purpose: Purpose::Read }
    }

    pub(super) fn of(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    pub(super) fn holding(self, rows: usize) -> Self {
        Self { rows, ..self }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match self.body {
            Body::Empty => status.into_response(),
            Body::Json(value) => {
                let has_type = self.headers.iter().any(|(name, _)| *name == "content-type");
                let mut response = (status, value.to_string()).into_response();
                if !has_type {
                    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                }
                response
            }
            Body::Typed(content_type, bytes) => (status, [(CONTENT_TYPE, content_type)], bytes).into_response(),
        };
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
