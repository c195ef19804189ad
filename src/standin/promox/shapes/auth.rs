//! Who is let in: keys in their places, log-ins with sessions, OAuth, and the lock after too many wrong ones (section 2).

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::choices::*;
use super::credentials::*;
use super::dimension::Dimension as _;
use super::envelope::put;
use super::errors::Fault;
use super::reply::{Incoming, Params, Purpose, Reply};
use super::shape::Shape;
use crate::clock::Moment;

/// Where OAuth tokens are given, below the host.
pub(super) const TOKEN_PATH: &str = "/oauth/token";

/// How long a lock lasts.
const LOCK: Duration = Duration::from_secs(15 * 60);

/// Sessions kept; older ones end.
const SESSIONS_MAX: usize = 1_000;

/// Who came.
enum Caller {
    /// The one whose account this is.
    Known,
    /// Somebody without credentials where the shape looks for them.
    Stranger,
    /// Somebody with wrong ones.
    Wrong,
}

/// Sessions, failures and the lock.
pub(super) struct Gate {
    lockout: u64,
    sessions: BTreeMap<String, Moment>,
    issued: u64,
    /// Wrong credentials since the last right ones.
    wrong: u64,
    pub(super) failures: u64,
    locked_until: Option<Moment>,
}

impl Gate {
    pub(super) fn new(lockout: u64) -> Self {
        Self { lockout, sessions: BTreeMap::new(), issued: 0, wrong: 0, failures: 0, locked_until: None }
    }

    pub(super) fn is_locked(&self, now: Moment) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// Lets a request in, or says why not. Takes the parameters that are credentials.
    pub(super) fn admit(
        &mut self,
        shape: &Shape,
        incoming: &Incoming,
        params: &mut Params,
        now: Moment,
    ) -> Result<(), Fault> {
        let caller = self.caller(shape, incoming, params, now);
        if self.is_locked(now) {
            return Err(locked());
        }
        match caller {
            Caller::Known => {
                self.wrong = 0;
                Ok(())
            }
            Caller::Stranger => Err(Fault::new(401, "unauthorized", "Credentials are needed.")),
            Caller::Wrong => Err(self.refused(now)),
        }
    }

    /// Counts wrong credentials.
    fn refused(&mut self, now: Moment) -> Fault {
        self.failures += 1;
        self.wrong += 1;
        if self.wrong >= self.lockout {
            self.locked_until = Some(now + LOCK);
            self.wrong = 0;
            return locked();
        }
        Fault::new(401, "unauthorized", "These credentials are not valid.")
    }

    fn caller(&mut self, shape: &Shape, incoming: &Incoming, params: &mut Params, now: Moment) -> Caller {
        let first = match shape.auth {
            Auth::Bearer => same(incoming.header("authorization"), &format!("Bearer {TOKEN}")),
            Auth::ApiKey => same(incoming.header("x-api-key"), TOKEN),
            Auth::Basic => same(incoming.header("authorization"), &basic_value(shape)),
            Auth::Query if shape.query_key == QueryKey::LoginPassword => {
                let (login, password) = (params.take_secret("login"), params.take_secret("password"));
                both(same(login.as_deref(), USER), same(password.as_deref(), PASSWORD))
            }
            Auth::Query => same(params.take_secret(shape.query_key.text()).as_deref(), TOKEN),
            Auth::Odd => odd(shape, incoming),
            Auth::TwoStep => {
                let shown = match shape.session_use {
                    SessionUse::Bearer => bearer(incoming),
                    SessionUse::Raw => incoming.header("authorization").map(str::to_owned),
                    SessionUse::Cookie => incoming.cookie("JSESSIONID").map(str::to_owned),
                    SessionUse::Query => params.take_secret("sessionName"),
                };
                self.session(shown, now)
            }
            Auth::OauthClient | Auth::OauthRefresh => self.session(bearer(incoming), now),
            Auth::Body if shape.protocol == Protocol::Soap => {
                let (id, password) = (params.take_secret("id"), params.take_secret("password"));
                both(same(id.as_deref(), USER), same(password.as_deref(), PASSWORD))
            }
            Auth::Body => {
                params.take_secret("auth");
                let body = incoming.json();
                let part =
                    |name: &str| body.pointer(&format!("/auth/{name}")).and_then(Value::as_str).map(str::to_owned);
                let company = same(part("acctId").as_deref(), COMPANY);
                let user = same(part("loginId").as_deref(), USER);
                both(both(company, user), same(part("key").as_deref(), TOKEN))
            }
        };
        both(first, second(shape, incoming, params))
    }

    fn session(&mut self, shown: Option<String>, now: Moment) -> Caller {
        let Some(shown) = shown else { return Caller::Stranger };
        match self.sessions.get(&shown) {
            Some(until) if now < *until => Caller::Known,
            // One that has ended is no attempt to break in.
            Some(_) => Caller::Stranger,
            None => Caller::Wrong,
        }
    }

    fn issue(&mut self, shape: &Shape, now: Moment) -> (String, u64) {
        let seconds = match shape.lifetime {
            Lifetime::Hour => 3_600,
            Lifetime::FiveMinutes => 300,
            Lifetime::Day => 86_400,
        };
        self.issued += 1;
        let name = format!("session-{}", self.issued);
        let session: String = blake3::hash(name.as_bytes()).to_hex().chars().take(32).collect();
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.pop_first();
        }
        self.sessions.insert(session.clone(), now + Duration::from_secs(seconds));
        (session, seconds)
    }

    /// Answers a log-in, where the request is one. `below` is its path below the base.
    pub(super) fn log_in(&mut self, shape: &Shape, incoming: &Incoming, below: &str, now: Moment) -> Option<Reply> {
        if shape.auth != Auth::TwoStep || below != login_path(shape) {
            return None;
        }
        let wanted = if shape.login == Login::Basic { "GET" } else { "POST" };
        if incoming.method != wanted {
            return Some(Fault::new(405, "method_not_allowed", format!("This is for {wanted}.")).reply(shape));
        }
        if self.is_locked(now) {
            return Some(locked().reply(shape).of(Purpose::Login));
        }
        let pair = format!("{USER}:{PASSWORD}");
        let is_right = match shape.login {
            Login::Json => {
                let body = incoming.json();
                body["username"] == USER && body["password"] == PASSWORD
            }
            Login::Form => {
                let mut form = Params::read(&incoming.body);
                form.take("username").as_deref() == Some(USER) && form.take("password").as_deref() == Some(PASSWORD)
            }
            Login::Basic => incoming.header("authorization") == Some(&format!("Basic {}", STANDARD.encode(pair))),
        };
        if !is_right {
            return Some(self.refused(now).reply(shape).of(Purpose::Login));
        }
        self.wrong = 0;
        let (session, seconds) = self.issue(shape, now);
        let mut body = json!({"expires_in": seconds});
        put(&mut body, shape.session_at.text(), Value::from(session.clone()));
        let reply = Reply::json(200, body).of(Purpose::Login);
        Some(match shape.session_use {
            SessionUse::Cookie => reply.header("set-cookie", format!("JSESSIONID={session}; Path=/; HttpOnly")),
            _ => reply,
        })
    }

    /// Answers a request for an OAuth token (RFC 6749, sections 4.4, 5 and 6).
    pub(super) fn token(&mut self, shape: &Shape, incoming: &Incoming, now: Moment) -> Reply {
        let mut form = Params::read(&incoming.body);
        let error = |status: u16, code: &str| Reply::json(status, json!({"error": code})).of(Purpose::Login);
        if self.is_locked(now) {
            return error(423, "locked");
        }
        let by_header = incoming.header("authorization") == Some(&basic(CLIENT_ID, CLIENT_SECRET));
        let by_form = form.take("client_id").as_deref() == Some(CLIENT_ID)
            && form.take("client_secret").as_deref() == Some(CLIENT_SECRET);
        if !by_header && !by_form {
            self.refused(now);
            return error(401, "invalid_client");
        }
        let grant = form.take("grant_type");
        let is_granted = match (shape.auth, grant.as_deref()) {
            (Auth::OauthClient, Some("client_credentials")) => true,
            (Auth::OauthRefresh, Some("refresh_token")) => {
                if form.take("refresh_token").as_deref() != Some(REFRESH_TOKEN) {
                    self.refused(now);
                    return error(400, "invalid_grant");
                }
                true
            }
            _ => false,
        };
        if !is_granted {
            return error(400, "unsupported_grant_type");
        }
        let (session, seconds) = self.issue(shape, now);
        let mut body = json!({"access_token": session, "token_type": "Bearer", "expires_in": seconds});
        if shape.auth == Auth::OauthRefresh {
            body["refresh_token"] = Value::from(REFRESH_TOKEN);
        }
        Reply::json(200, body).of(Purpose::Login)
    }
}

/// The path of a log-in below the base.
pub(super) fn login_path(shape: &Shape) -> &'static str {
    if shape.login == Login::Form { "auth" } else { "login" }
}

/// What a stranger is told beside the refusal.
pub(super) fn challenge(shape: &Shape) -> Option<&'static str> {
    if shape.challenge == Challenge::Silent {
        return None;
    }
    match shape.auth {
        Auth::Bearer | Auth::OauthClient | Auth::OauthRefresh => Some("Bearer realm=\"promox\""),
        Auth::Basic => Some("Basic realm=\"promox\""),
        Auth::TwoStep if shape.session_use == SessionUse::Bearer => Some("Bearer realm=\"promox\""),
        _ => None,
    }
}

fn locked() -> Fault {
    Fault::new(423, "locked", "Too many attempts: the account is locked for a while.")
}

fn same(shown: Option<&str>, expected: &str) -> Caller {
    match shown {
        None => Caller::Stranger,
        Some(shown) if shown == expected => Caller::Known,
        Some(_) => Caller::Wrong,
    }
}

/// Both must be right; one that is missing makes a stranger.
fn both(first: Caller, second: Caller) -> Caller {
    match (first, second) {
        (Caller::Known, other) | (other, Caller::Known) => other,
        (Caller::Stranger, _) | (_, Caller::Stranger) => Caller::Stranger,
        (Caller::Wrong, Caller::Wrong) => Caller::Wrong,
    }
}

fn bearer(incoming: &Incoming) -> Option<String> {
    let shown = incoming.header("authorization")?;
    Some(shown.strip_prefix("Bearer ").unwrap_or_default().to_owned())
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn basic_value(shape: &Shape) -> String {
    match shape.basic_form {
        BasicForm::UserPassword => basic(USER, PASSWORD),
        BasicForm::KeyAsUser => basic(TOKEN, ""),
        BasicForm::UserKey => basic(USER, TOKEN),
        BasicForm::Packed => basic(TOKEN, &format!("{USER}:{PASSWORD}")),
    }
}

fn odd(shape: &Shape, incoming: &Incoming) -> Caller {
    let authorization = |expected: String| same(incoming.header("authorization"), &expected);
    match shape.odd_header {
        OddHeader::Raw => authorization(TOKEN.to_owned()),
        OddHeader::Token => authorization(format!("Token {TOKEN}")),
        OddHeader::TokenToken => authorization(format!("Token token={TOKEN}")),
        OddHeader::Key => authorization(format!("Key {TOKEN}")),
        OddHeader::AccessKey => authorization(format!("AccessKey {TOKEN}")),
        OddHeader::Cookie => same(incoming.cookie("api_key"), TOKEN),
        named => same(incoming.header(named.text()), TOKEN),
    }
}

fn second(shape: &Shape, incoming: &Incoming, params: &mut Params) -> Caller {
    let header = |name: &str, expected: &str| same(incoming.header(name), expected);
    match shape.second {
        Second::None => Caller::Known,
        Second::Email => header("x-user-email", EMAIL),
        Second::AppKey => same(params.take_secret("app_key").as_deref(), APP_KEY),
        Second::TwoHeaders => both(header("x-company", COMPANY), header("x-api-secret", API_SECRET)),
        Second::ClientPair => both(header("x-client-id", CLIENT_ID), header("x-client-secret", CLIENT_SECRET)),
    }
}
