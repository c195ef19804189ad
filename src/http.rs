//! The one HTTP client: limits on every connection, counted on the [`Clock`], and errors that say whether the request may
//! have reached the other side.
//!
//! It never follows redirects (a token must not travel to another host) and never retries by itself. `config` allows
//! plain HTTP to loopback addresses only.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::clock::{CALL_HEADER, Clock};
use crate::error::{Error, Kind, Result};

/// The longest answer that is read. Pipedrive's largest page (500 deals with 500 custom fields) stays far below it.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Idle connections are closed after this time, before most servers and middle boxes do it under us.
const IDLE: Duration = Duration::from_secs(20);

/// The HTTP client. Clones share their connections.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    clock: Clock,
    timeout: Duration,
}

/// A request ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// Headers; secrets among them are marked sensitive.
    pub headers: HeaderMap,
    /// The body, JSON or a form, already encoded.
    pub body: Option<Bytes>,
}

impl Request {
    /// A GET without anything beside.
    ///
    /// # Errors
    /// `Bug` when the address is none.
    pub fn get(url: &str) -> Result<Self> {
        let url = url.parse().map_err(|_| Error::new(Kind::Bug, "a request of our own cannot be sent"))?;
        Ok(Self { method: Method::GET, url, headers: HeaderMap::new(), body: None })
    }

    /// A POST of a JSON body with one header beside.
    ///
    /// # Errors
    /// `Bug` when address or header cannot be sent.
    pub fn post_json(url: &str, header: (&'static str, &str), body: Vec<u8>) -> Result<Self> {
        let bug = || Error::new(Kind::Bug, "a request of our own cannot be sent");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static(header.0), HeaderValue::from_str(header.1).map_err(|_| bug())?);
        let url = url.parse().map_err(|_| bug())?;
        Ok(Self { method: Method::POST, url, headers, body: Some(body.into()) })
    }
}

/// A form: with a file it goes out as `multipart/form-data`, without one as `application/x-www-form-urlencoded`.
#[derive(Debug, Clone)]
pub struct Form {
    /// Plain parts: name and text.
    pub fields: Vec<(&'static str, String)>,
    /// Name of the part, name of the file, content.
    pub file: Option<(&'static str, String, Bytes)>,
}

impl Form {
    /// The form as a body, and its content type.
    ///
    /// # Errors
    /// `Bug` when the library cannot write it.
    pub async fn encoded(self) -> Result<(HeaderValue, Bytes)> {
        if self.file.is_none() {
            let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.fields).finish();
            return Ok((HeaderValue::from_static("application/x-www-form-urlencoded"), text.into()));
        }
        let bug = || Error::new(Kind::Bug, "a form of our own cannot be written");
        let mut form = reqwest::multipart::Form::new();
        for (name, text) in self.fields {
            form = form.text(name, text);
        }
        if let Some((name, file_name, content)) = self.file {
            let length = content.len() as u64;
            form = form.part(name, reqwest::multipart::Part::stream_with_length(content, length).file_name(file_name));
        }
        let content_type = format!("multipart/form-data; boundary={}", form.boundary());
        let content_type = HeaderValue::from_str(&content_type).map_err(|error| bug().because(error))?;
        let mut body = BytesMut::new();
        let mut chunks = Box::pin(form.into_stream());
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.map_err(|error| bug().because(error.without_url()))?);
        }
        Ok((content_type, body.freeze()))
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Time from sending to the last byte, on the clock.
    pub took: Duration,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub struct SendError {
    /// Whether the other side may have acted on the request.
    pub reached: Reached,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Whether a request without an answer may have been acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// No connection was made; nothing left this machine.
    No,
    /// Nobody knows.
    Perhaps,
}

impl SendError {
    /// Nothing left this machine, or not in a way that counts.
    pub fn unsent(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { reached: Reached::No, source: source.into() }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reached {
            Reached::No => "no connection",
            Reached::Perhaps => "no whole answer",
        })
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl Http {
    /// A client whose every call takes at most `timeout` of the clock's time, and keeps at most `connections` idle ones.
    ///
    /// # Errors
    /// `Bug` when the TLS library cannot be set up.
    pub fn new(clock: Clock, timeout: Duration, connections: usize) -> Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that sets the limits")]
        let builder = reqwest::Client::builder();
        let client = builder
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(connections)
            .user_agent(concat!("crossdock/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| Error::new(Kind::Bug, "setting up HTTP").because(source))?;
        Ok(Self { client, clock, timeout })
    }

    /// The longest a call can take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The clock the calls are counted on.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sends a request once and reads the whole answer. Any status is an answer.
    ///
    /// # Errors
    /// [`SendError`] when there is no whole answer in time; it says whether the request may have been acted on.
    pub async fn send(&self, request: Request) -> Result<Answer, SendError> {
        self.exchange(request, None).await
    }

    /// The same, but reads no more of the answer's body than so many bytes: of a file whose server knows no ranges the rest is
    /// not taken.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn begin(&self, request: Request, body_bytes_max: usize) -> Result<Answer, SendError> {
        self.exchange(request, Some(body_bytes_max)).await
    }

    async fn exchange(&self, request: Request, first: Option<usize>) -> Result<Answer, SendError> {
        let call = self.clock.call();
        let started = self.clock.now();
        let mut builder = self.client.request(request.method, request.url).headers(request.headers);
        if let Some(id) = call.header() {
            builder = builder.header(CALL_HEADER, id);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let exchange = async {
            let response = builder.send().await.map_err(|error| {
                let reached = if error.is_connect() { Reached::No } else { Reached::Perhaps };
                SendError { reached, source: error.without_url().into() }
            })?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = match first {
                Some(bytes) => first_bytes(response, bytes).await?,
                None => whole_body(response).await?,
            };
            Ok(Answer { status, headers, body, took: self.clock.now().since(started) })
        };
        self.clock.timeout(self.timeout, exchange).await.unwrap_or_else(|| {
            let waited = format!("no answer within {} s", self.timeout.as_secs_f64());
            Err(SendError { reached: Reached::Perhaps, source: waited.into() })
        })
    }
}

/// The first bytes of a body. What is behind them is never read: the connection is closed with the response.
async fn first_bytes(response: reqwest::Response, bytes: usize) -> Result<Bytes, SendError> {
    let mut chunks = response.bytes_stream();
    let mut body = BytesMut::new();
    while body.len() < bytes
        && let Some(chunk) = chunks.next().await
    {
        let cut = |source| SendError { reached: Reached::Perhaps, source };
        let chunk = chunk.map_err(|error| cut(error.without_url().into()))?;
        body.extend_from_slice(&chunk[..chunk.len().min(bytes - body.len())]);
    }
    Ok(body.freeze())
}

async fn whole_body(response: reqwest::Response) -> Result<Bytes, SendError> {
    let cut = |source| SendError { reached: Reached::Perhaps, source };
    let mut chunks = response.bytes_stream();
    // Most answers are one chunk, which then needs no copy.
    let mut only = None;
    let mut body = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| cut(error.without_url().into()))?;
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(cut(format!("the answer is longer than {BODY_BYTES_MAX} bytes").into()));
        }
        match only.take() {
            None if body.is_empty() => only = Some(chunk),
            first => {
                body.extend_from_slice(first.as_deref().unwrap_or_default());
                body.extend_from_slice(&chunk);
            }
        }
    }
    if let Some(only) = only {
        return Ok(only);
    }
    Ok(body.freeze())
}
