//! A client that knows the shape: it logs in, asks and turns pages as the shape itself says, so that what is served can be
//! held against the truth. It learns nothing; learning is the prober's.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::http::{Answer, Http, Request};
use crossdock::record::Object;
use crossdock::standin::promox::generate::generate;
use crossdock::standin::promox::shapes::choices::*;
use crossdock::standin::promox::shapes::dimension::Dimension as _;
use crossdock::standin::promox::shapes::{self, Serving, Settings, Shape};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::markup;

pub(crate) const START: &str = "2026-03-02T15:00:00Z";

/// Longer than any window of a limit but the day's.
const WINDOW: Duration = Duration::from_secs(61);

/// No list has more pages.
const PAGES_MAX: usize = 500;

/// A served shape and what its operator holds.
pub(crate) struct Client {
    pub(crate) serving: Serving,
    pub(crate) clock: Clock,
    pub(crate) shape: Shape,
    http: Http,
    session: RefCell<Option<String>>,
    /// Rows that walks were given a second time.
    pub(crate) repeated: Cell<usize>,
}

/// An answer read: status, headers, and the body as JSON, also where it came as XML.
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) bytes: Vec<u8>,
}

/// Serves a shape and runs a test with it, in stepped time.
pub(crate) fn drive<F: Future<Output = ()>>(shape: &str, records: usize, test: impl FnOnce(Client) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped(START.parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let client = Client::start(shape, records, clock.clone()).await;
        test(client).await;
    }));
}

impl Client {
    async fn start(shape: &str, records: usize, clock: Clock) -> Self {
        let account = generate(records, 1, clock.utc());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let shape: Shape = shape.parse().expect("a shape");
        let serving = shapes::serve(account, shape.clone(), Settings::default(), clock.clone(), listener);
        let serving = serving.await.expect("it serves");
        let http = Http::new(clock.clone(), Duration::from_secs(60), 2).expect("a client");
        Self { serving, clock, shape, http, session: RefCell::default(), repeated: Cell::default() }
    }

    pub(crate) async fn send(&self, method: Method, url: &str, headers: &[(&str, &str)], body: Option<String>) -> Read {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            all.insert(name, HeaderValue::from_str(value).expect("a header's value"));
        }
        let url = url.parse().expect("an address");
        let request = Request { method, url, headers: all, body: body.map(Into::into) };
        let Answer { status, headers, body, .. } = self.http.send(request).await.expect("an answer");
        let text = String::from_utf8_lossy(&body).into_owned();
        let read = serde_json::from_slice(&body).unwrap_or_else(|_| markup::parsed(&text));
        Read { status, headers, body: read, bytes: body.to_vec() }
    }

    /// GET without credentials.
    pub(crate) async fn bare(&self, url: &str) -> Read {
        self.send(Method::GET, url, &[], None).await
    }

    /// Any call with credentials, at the pace that the shape allows.
    pub(crate) async fn call(&self, method: Method, url: &str, headers: &[(&str, &str)], body: Option<Value>) -> Read {
        loop {
            let before = self.serving.ledger().refused_for_pace;
            let (mut own, query, auth) = self.credentials().await;
            own.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let separator = if url.contains('?') { "&" } else { "?" };
            let url = if query.is_empty() { url.to_owned() } else { format!("{url}{separator}{query}") };
            let body = body.clone().map(|mut body| {
                if let Some(auth) = auth {
                    body["auth"] = auth;
                }
                body.to_string()
            });
            let read = self.send(method.clone(), &url, &own, body).await;
            if self.serving.ledger().refused_for_pace == before {
                return read;
            }
            let day = Duration::from_secs(86_400);
            self.clock.sleep(if self.shape.window == Window::Day { day } else { WINDOW }).await;
        }
    }

    pub(crate) async fn get(&self, below: &str) -> Read {
        let url = format!("{}/{below}", self.serving.root());
        self.call(Method::GET, &url, &[], None).await
    }

    /// A read by POST, where the shape has these.
    pub(crate) async fn post(&self, verb: &str, mut body: Value) -> Read {
        let root = self.serving.root();
        let url = match self.shape.protocol {
            Protocol::RpcSingle => {
                body["serviceId"] = json!(verb);
                root
            }
            _ => format!("{root}/{verb}"),
        };
        self.call(Method::POST, &url, &[], Some(body)).await
    }

    /// Headers, query, and what goes into bodies.
    pub(crate) async fn credentials(&self) -> (Vec<(String, String)>, String, Option<Value>) {
        let (own, shape) = (self.serving.credentials(), &self.shape);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let basic = |user: String, password: String| {
            let value = markup::base64(format!("{user}:{password}").as_bytes());
            ("authorization".to_owned(), format!("Basic {value}"))
        };
        let header = |name: &str, value: String| (name.to_owned(), value);
        let (mut headers, mut query, mut auth) = (Vec::new(), Vec::new(), None);
        match shape.auth {
            Auth::Bearer => headers.push(header("authorization", format!("Bearer {}", text(&own.token)))),
            Auth::ApiKey => headers.push(header("x-api-key", text(&own.token))),
            Auth::Basic => headers.push(match shape.basic_form {
                BasicForm::UserPassword => basic(text(&own.user), text(&own.password)),
                BasicForm::KeyAsUser => basic(text(&own.token), String::new()),
                BasicForm::UserKey => basic(text(&own.user), text(&own.token)),
                BasicForm::Packed => basic(text(&own.token), format!("{}:{}", text(&own.user), text(&own.password))),
            }),
            Auth::Query if shape.query_key == QueryKey::LoginPassword => {
                query.push(format!("login={}&password={}", text(&own.user), text(&own.password)));
            }
            Auth::Query => query.push(format!("{}={}", shape.query_key.text(), text(&own.token))),
            Auth::Odd => headers.push(match shape.odd_header {
                OddHeader::Raw => header("authorization", text(&own.token)),
                OddHeader::Token => header("authorization", format!("Token {}", text(&own.token))),
                OddHeader::TokenToken => header("authorization", format!("Token token={}", text(&own.token))),
                OddHeader::Key => header("authorization", format!("Key {}", text(&own.token))),
                OddHeader::AccessKey => header("authorization", format!("AccessKey {}", text(&own.token))),
                OddHeader::Cookie => header("cookie", format!("api_key={}", text(&own.token))),
                named => header(named.text(), text(&own.token)),
            }),
            Auth::TwoStep | Auth::OauthClient | Auth::OauthRefresh => {
                let session = self.session().await;
                match shape.session_use {
                    _ if shape.auth != Auth::TwoStep => {
                        headers.push(header("authorization", format!("Bearer {session}")))
                    }
                    SessionUse::Bearer => headers.push(header("authorization", format!("Bearer {session}"))),
                    SessionUse::Raw => headers.push(header("authorization", session)),
                    SessionUse::Cookie => headers.push(header("cookie", format!("JSESSIONID={session}"))),
                    SessionUse::Query => query.push(format!("sessionName={session}")),
                }
            }
            Auth::Body => {
                let (account, login, key) = (text(&own.company), text(&own.user), text(&own.token));
                auth = Some(json!({"acctId": account, "loginId": login, "key": key}));
            }
        }
        match shape.second {
            Second::None => {}
            Second::Email => headers.push(header("x-user-email", text(&own.email))),
            Second::AppKey => query.push(format!("app_key={}", text(&own.app_key))),
            Second::TwoHeaders => {
                headers.push(header("x-company", text(&own.company)));
                headers.push(header("x-api-secret", text(&own.api_secret)));
            }
            Second::ClientPair => {
                headers.push(header("x-client-id", text(&own.client_id)));
                headers.push(header("x-client-secret", text(&own.client_secret)));
            }
        }
        headers.extend(own.version.map(|version| header("api-version", version)));
        match shape.host {
            Host::Any => {}
            Host::Api => headers.push(header("host", "api.promox.test".to_owned())),
            Host::Tenant => headers.push(header("host", "larkspur.promox.test".to_owned())),
        }
        (headers, query.join("&"), auth)
    }

    /// Forgets the session, as after a long pause.
    pub(crate) fn forget_session(&self) {
        self.session.take();
    }

    async fn session(&self) -> String {
        if let Some(session) = self.session.borrow().clone() {
            return session;
        }
        let read = loop {
            let before = self.serving.ledger().refused_for_pace;
            let read = self.log_in().await;
            if self.serving.ledger().refused_for_pace == before {
                break read;
            }
            self.clock.sleep(WINDOW).await;
        };
        let path = if self.shape.auth == Auth::TwoStep { self.shape.session_at.text() } else { "access_token" };
        let session = at(&read.body, path).as_str().unwrap_or_default().to_owned();
        assert!(!session.is_empty(), "{}: {} {}", self.shape, read.status, read.body);
        self.session.replace(Some(session.clone()));
        session
    }

    async fn log_in(&self) -> Read {
        let own = self.serving.credentials();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut headers: Vec<(&str, String)> = Vec::new();
        headers.extend(own.version.clone().map(|version| ("api-version", version)));
        let send = async |method: Method, url: &str, headers: Vec<(&str, String)>, body: Option<String>| {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            self.send(method, url, &headers, body).await
        };
        if self.shape.auth != Auth::TwoStep {
            let grant = match self.shape.auth {
                Auth::OauthClient => "client_credentials".to_owned(),
                _ => format!("refresh_token&refresh_token={}", text(&own.refresh_token)),
            };
            let (id, secret) = (text(&own.client_id), text(&own.client_secret));
            let form = format!("grant_type={grant}&client_id={id}&client_secret={secret}");
            headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
            return send(Method::POST, &text(&own.token_url), headers, Some(form)).await;
        }
        let (url, user, password) = (text(&own.login_url), text(&own.user), text(&own.password));
        match self.shape.login {
            Login::Json => {
                let body = json!({"username": user, "password": password}).to_string();
                headers.push(("content-type", "application/json".to_owned()));
                send(Method::POST, &url, headers, Some(body)).await
            }
            Login::Form => {
                send(Method::POST, &url, headers, Some(format!("username={user}&password={password}"))).await
            }
            Login::Basic => {
                let value = markup::base64(format!("{user}:{password}").as_bytes());
                headers.push(("authorization", format!("Basic {value}")));
                send(Method::GET, &url, headers, None).await
            }
        }
    }

    /// All rows of a list in the order they came, each once, as far as the shape's pages lead.
    pub(crate) async fn walk(&self, object: Object) -> Vec<(String, Value)> {
        let mut pages = super::pages::Pages::new(&self.shape, object, &self.serving);
        let (mut seen, mut rows) = (BTreeSet::new(), Vec::new());
        for _ in 0..PAGES_MAX {
            let read = pages.ask(self).await;
            if !rows.is_empty()
                && matches!(self.shape.past_end, PastEnd::Missing | PastEnd::Refused)
                && read.status >= 400
            {
                return rows;
            }
            assert!(read.status < 300, "{} {object}: {} {}", self.shape, read.status, read.body);
            let page = pages.rows(&read);
            let count = page.len();
            let fresh: Vec<(String, Value)> = page.into_iter().filter(|(id, _)| seen.insert(id.clone())).collect();
            let is_new = !fresh.is_empty();
            self.repeated.set(self.repeated.get() + count - fresh.len());
            rows.extend(fresh);
            if !is_new || !pages.turn(&read, count) {
                return rows;
            }
        }
        panic!("{} {object}: the walk does not end", self.shape);
    }
}

/// The value at a dotted path.
pub(crate) fn at<'a>(body: &'a Value, path: &str) -> &'a Value {
    path.split('.').filter(|name| !name.is_empty()).fold(body, |at, name| &at[name])
}
