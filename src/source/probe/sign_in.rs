//! How to prove who we are: one way after the other, the likeliest first, with few failures, because every failure brings an
//! account closer to being locked (source API shapes, section 2).
//!
//! A way works when what was refused without credentials is not refused with them. Where a key may go under one of many
//! names, one request carries it under all of them, and what is not needed is taken away again.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::SET_COOKIE;
use serde_json::Value;

use super::guard::Guard;
use super::look::{Look, look};
use super::roots::Ground;
use super::words::{KEY_HEADERS, KEY_PARAMETERS, LOGINS, TOKENS, folded};
use super::{Ended, Stage, Target};
use crate::config::SourceCredentials;
use crate::error::Kind;
use crate::http::Answer;
use crate::source::api::ask::address;
use crate::source::api::auth::{Draft, Signer, keep_refresh};
use crate::source::api::path::find;
use crate::source::profile::{Auth, Carrier, Evidence, Login, LoginForm, Method, Part};

/// Failures with one credential.
const FAILURES_MAX: u32 = 6;

/// Headers and parameters for a second secret.
const SECOND_HEADERS: &[&str] = &[
    "x-user-email",
    "x-pw-useremail",
    "x-api-secret",
    "x-app-key",
    "x-app-id",
    "x-secret",
    "api-secret",
    "app-key",
    "x-company",
    "x-account-id",
    "x-email",
];
const SECOND_PARAMETERS: &[&str] =
    &["app_key", "appKey", "api_secret", "secret", "app_id", "email", "company", "account"];

/// A way that works.
pub(super) struct SignedIn {
    pub(super) base: Url,
    pub(super) auth: Auth,
    pub(super) signer: Signer,
    pub(super) evidence: Vec<Evidence>,
    pub(super) quirks: Vec<String>,
}

/// A way to be tried: what is sent, of which some under one of several names.
#[derive(Debug, Clone)]
struct Way {
    /// In words.
    name: &'static str,
    /// Carriers, any of which may be the one that counts.
    send: Vec<Carrier>,
    login: Option<Login>,
}

struct Trial<'t, 'g> {
    guard: &'t mut Guard<'g>,
    /// As they are now: a source may change a refresh token with each use.
    credentials: SourceCredentials,
    /// What is asked for.
    on: Url,
    failures: u32,
    /// What it answers without credentials.
    bare: u8,
    /// The same, its body.
    refusal: Option<Vec<u8>>,
}

/// Finds a way to sign in.
pub(super) async fn sign_in(
    guard: &mut Guard<'_>,
    target: &Target,
    ground: &Ground,
    credentials: &SourceCredentials,
) -> Result<SignedIn, Ended> {
    let base = ground.bases.first().cloned().unwrap_or_else(|| target.address.clone());
    if ground.is_open {
        let quirks = vec!["It answers without any credentials.".to_owned()];
        let auth = Auth::default();
        let signer = Signer::new(auth.clone(), credentials.clone()).map_err(Ended)?;
        return Ok(SignedIn { base, auth, signer, evidence: Vec::new(), quirks });
    }
    let on = match &ground.refused {
        Some(url) => url.clone(),
        None => address(&base, "users").map_err(Ended)?,
    };
    let bare = ground.bare.as_ref().map_or(u8::MAX, Look::kind);
    let mut trial =
        Trial { guard, credentials: credentials.clone(), on, failures: 0, bare, refusal: ground.refusal.clone() };
    let way = trial.find(target, &base, &ground.hints).await?;
    let Some(way) = way else {
        let kind = trial.credentials.kind();
        let why = format!("no way to sign in with the {kind} works; {} were refused", trial.failures);
        return Err(Ended::new(Kind::Unauthorized, why));
    };
    let evidence =
        trial.guard.last().map(|sent| sent.evidence(format!("signed in: {}", way.name))).into_iter().collect();
    let auth = Auth { send: way.send, login: way.login };
    let mut quirks = Vec::new();
    if auth.send.len() > 2 {
        quirks.push(
            "The secret is sent under several names, because taking one away more might have locked the account."
                .to_owned(),
        );
    }
    let signer = Signer::new(auth.clone(), trial.credentials).map_err(Ended)?;
    Ok(SignedIn { base, auth, signer, evidence, quirks })
}

fn header(name: &str, value: &str) -> Carrier {
    Carrier { at: Part::Header, name: name.to_owned(), value: value.to_owned() }
}

fn query(name: &str, value: &str) -> Carrier {
    Carrier { at: Part::Query, name: name.to_owned(), value: value.to_owned() }
}

fn basic(value: &str) -> Carrier {
    Carrier { at: Part::Basic, name: String::new(), value: value.to_owned() }
}

fn way(name: &'static str, send: Vec<Carrier>) -> Way {
    Way { name, send, login: None }
}

/// Ways for one secret that is sent as it is.
fn key_ways(hints: &str) -> Vec<Way> {
    let headers = named_headers(hints).into_iter().chain(KEY_HEADERS.iter().map(|name| (*name).to_owned()));
    let headers: Vec<Carrier> = headers.map(|name| header(&name, "{token}")).collect();
    let parameters = KEY_PARAMETERS.iter().map(|name| query(name, "{token}")).collect();
    let mut ways = vec![
        way("bearer token", vec![header("Authorization", "Bearer {token}")]),
        way("a header of its own", headers),
        way("HTTP Basic, the key as the user", vec![basic("{token}:")]),
        way("a parameter of the query", parameters),
        way("the Authorization header, raw", vec![header("Authorization", "{token}")]),
        way("the Authorization header as Token", vec![header("Authorization", "Token {token}")]),
    ];
    // What the refusal speaks of goes first.
    let rank = |way: &Way| match way.name {
        "HTTP Basic, the key as the user" if hints.starts_with("basic") => 0,
        "a header of its own" if hints.contains("x-api-key") || !named_headers(hints).is_empty() => 0,
        "a parameter of the query" if hints.contains("query") || hints.contains("parameter") => 0,
        "the Authorization header as Token" if hints.starts_with("token") => 0,
        "bearer token" if hints.contains("bearer") => 0,
        _ => 1,
    };
    ways.sort_by_key(rank);
    ways
}

/// Names of headers that a refusal speaks of.
fn named_headers(hints: &str) -> Vec<String> {
    hints
        .split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-' && sign != '_')
        .filter(|word| word.starts_with("x-") && word.len() > 4 && !KEY_HEADERS.contains(word))
        .map(str::to_owned)
        .collect()
}

/// Ways for two secrets that go together.
fn double_ways() -> Vec<Way> {
    let headers = |names: &[&str], value: &str| names.iter().map(|name| header(name, value)).collect::<Vec<_>>();
    let parameters = |names: &[&str], value: &str| names.iter().map(|name| query(name, value)).collect::<Vec<_>>();
    let seconds = || [headers(SECOND_HEADERS, "{second}"), parameters(SECOND_PARAMETERS, "{second}")].concat();
    vec![
        way("two headers", [headers(KEY_HEADERS, "{key}"), headers(SECOND_HEADERS, "{second}")].concat()),
        way(
            "two parameters",
            [parameters(KEY_PARAMETERS, "{key}"), parameters(SECOND_PARAMETERS, "{second}")].concat(),
        ),
        way("HTTP Basic with both", vec![basic("{key}:{second}")]),
        way("bearer token and a second secret", [vec![header("Authorization", "Bearer {key}")], seconds()].concat()),
    ]
}

/// How a token that a login gave may be sent.
fn token_ways(login: &Login) -> Vec<Way> {
    let headers: Vec<Carrier> = KEY_HEADERS.iter().map(|name| header(name, "{token}")).collect();
    let parameters = KEY_PARAMETERS.iter().map(|name| query(name, "{token}")).collect();
    let mut ways = Vec::new();
    if let Some(name) = login.token.strip_prefix("cookie:") {
        ways.push(way(
            "a cookie",
            vec![Carrier { at: Part::Cookie, name: name.to_owned(), value: "{token}".to_owned() }],
        ));
    }
    ways.push(way("login, then a bearer token", vec![header("Authorization", "Bearer {token}")]));
    ways.push(way("login, then the Authorization header, raw", vec![header("Authorization", "{token}")]));
    ways.push(way("login, then a header of its own", headers));
    ways.push(way("login, then a parameter of the query", parameters));
    ways.iter_mut().for_each(|way| way.login = Some(login.clone()));
    ways
}

impl Trial<'_, '_> {
    async fn find(&mut self, target: &Target, base: &Url, hints: &str) -> Result<Option<Way>, Ended> {
        match self.credentials.clone() {
            SourceCredentials::Token(_) | SourceCredentials::Key { second: None, .. } => {
                self.first(key_ways(hints)).await
            }
            SourceCredentials::Key { .. } => self.first(double_ways()).await,
            SourceCredentials::Password { key, .. } => {
                let mut ways = vec![way("HTTP Basic", vec![basic("{user}:{password}")])];
                if key.is_some() {
                    let with_key = KEY_HEADERS.iter().map(|name| header(name, "{key}"));
                    ways.insert(
                        0,
                        way("HTTP Basic with a key", with_key.chain([basic("{user}:{password}")]).collect()),
                    );
                    ways.push(way("HTTP Basic with three parts", vec![basic("{key}:{user}:{password}")]));
                }
                if hints.starts_with("basic") || target.logins.is_empty() {
                    if let Some(way) = self.first(ways).await? {
                        return Ok(Some(way));
                    }
                    return self.by_login(target, base).await;
                }
                match self.by_login(target, base).await? {
                    Some(way) => Ok(Some(way)),
                    None => self.first(ways).await,
                }
            }
            SourceCredentials::Client { .. } => {
                let grant = [("grant_type", "client_credentials")];
                if let Some(way) = self.by_token(target, base, &grant).await? {
                    return Ok(Some(way));
                }
                let ids = ["client-id", "x-client-id", "client_id"].map(|name| header(name, "{client_id}"));
                let secrets =
                    ["client-secret", "x-client-secret", "client_secret"].map(|name| header(name, "{client_secret}"));
                let both = way("id and secret in headers", ids.into_iter().chain(secrets).collect());
                self.first(vec![way("HTTP Basic", vec![basic("{client_id}:{client_secret}")]), both]).await
            }
            SourceCredentials::Refresh { .. } => {
                let grant = [("grant_type", "refresh_token"), ("refresh_token", "{refresh_token}")];
                self.by_token(target, base, &grant).await
            }
        }
    }

    /// The first of some ways that works, with nothing in it that is not needed.
    async fn first(&mut self, ways: Vec<Way>) -> Result<Option<Way>, Ended> {
        for way in ways {
            if self.failures >= FAILURES_MAX {
                return Ok(None);
            }
            if self.works(&way).await? {
                return self.narrowed(way).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Whether a way is let in. A refusal counts as a failure.
    async fn works(&mut self, way: &Way) -> Result<bool, Ended> {
        let auth = Auth { send: way.send.clone(), login: way.login.clone() };
        // A way that wants a part which these credentials do not have is not one for them.
        let Ok(signer) = Signer::new(auth, self.credentials.clone()) else { return Ok(false) };
        self.guard.login(Stage::Auth, &self.on, &signer).await?;
        self.credentials = signer.credentials();
        let draft = Draft::new(Method::Get, self.on.clone());
        let purpose = format!("whether it lets in: {}", way.name);
        let Some(answer) = self.guard.send(Stage::Auth, &purpose, draft, Some(&signer)).await? else {
            return Ok(false);
        };
        let seen = look(&answer);
        let is_in = match &seen {
            // Known, and not allowed to see just this (source API shapes, section 2).
            Look::Refused => {
                answer.status == 403 && answer.body.trim_ascii_start().starts_with(b"{") && says_forbidden(&answer)
            }
            Look::Json(_) => true,
            Look::Missing { .. } => self.bare != u8::MAX && self.bare != seen.kind(),
            Look::Page | Look::Failed(_) => false,
        };
        if !is_in {
            self.failures += 1;
        }
        Ok(is_in)
    }

    /// Takes away what is not needed, as long as failures are left for it.
    async fn narrowed(&mut self, mut way: Way) -> Result<Way, Ended> {
        let mut kept: Vec<Carrier> = Vec::new();
        // The values are narrowed one after the other: first the names of the key, then those of the second secret.
        while let Some(value) = way
            .send
            .iter()
            .map(|carrier| carrier.value.clone())
            .find(|value| !kept.iter().any(|carrier| carrier.value == *value))
        {
            let (mut same, rest): (Vec<Carrier>, Vec<Carrier>) =
                way.send.iter().cloned().partition(|carrier| carrier.value == value);
            let mut first_only = true;
            while same.len() > 1 && self.failures + 1 < FAILURES_MAX && self.guard.left() > 0 {
                let half = if first_only { 1 } else { same.len() / 2 };
                first_only = false;
                let trial = Way { send: [&same[..half], &rest[..]].concat(), ..way.clone() };
                same = if self.works(&trial).await? { same[..half].to_vec() } else { same[half..].to_vec() };
            }
            way.send = [&same[..], &rest[..]].concat();
            kept.extend(same);
        }
        Ok(way)
    }

    /// By a login with user and password.
    async fn by_login(&mut self, target: &Target, base: &Url) -> Result<Option<Way>, Ended> {
        let fields = ["username", "email", "login", "user"].map(|name| (name.to_owned(), "{user}".to_owned()));
        let fields: BTreeMap<String, String> =
            fields.into_iter().chain([("password".to_owned(), "{password}".to_owned())]).collect();
        for url in self.places(target, base, LOGINS) {
            if !self.may_be_login(target, &url).await? {
                continue;
            }
            for form in [LoginForm::Json, LoginForm::Form] {
                if self.failures >= FAILURES_MAX {
                    return Ok(None);
                }
                let login = Login {
                    path: url.to_string(),
                    method: Method::Post,
                    form,
                    fields: fields.clone(),
                    token: String::new(),
                    refresh: None,
                    lives_seconds: None,
                };
                match self.log_in(&login).await? {
                    Tried::Token(login) => return self.first(token_ways(&login)).await,
                    Tried::OtherVerb => match self.log_in(&by_basic(&login)).await? {
                        Tried::Token(login) => return self.first(token_ways(&login)).await,
                        _ => break,
                    },
                    Tried::Absent => break,
                    Tried::Refused => {}
                }
            }
        }
        Ok(None)
    }

    /// By a token for an app.
    async fn by_token(&mut self, target: &Target, base: &Url, grant: &[(&str, &str)]) -> Result<Option<Way>, Ended> {
        let own = |name: &str| (name.to_owned(), format!("{{{name}}}"));
        let mut fields: BTreeMap<String, String> =
            grant.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        fields.extend(
            ["client_id", "client_secret"].into_iter().filter(|name| self.credentials.part(name).is_some()).map(own),
        );
        for url in self.places(target, base, TOKENS) {
            if !self.may_be_login(target, &url).await? {
                continue;
            }
            let mut login = Login {
                path: url.to_string(),
                method: Method::Post,
                form: LoginForm::Form,
                fields: fields.clone(),
                token: String::new(),
                refresh: None,
                lives_seconds: None,
            };
            for round in 0..3 {
                if self.failures >= FAILURES_MAX {
                    return Ok(None);
                }
                match self.log_in(&login).await? {
                    Tried::Token(login) => return self.first(token_ways(&login)).await,
                    Tried::Absent | Tried::OtherVerb => break,
                    Tried::Refused if round == 0 && self.credentials.part("client_secret").is_some() => {
                        login.form = LoginForm::Basic;
                        login.fields =
                            grant.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
                        login.fields.insert("user".to_owned(), "{client_id}".to_owned());
                        login.fields.insert("password".to_owned(), "{client_secret}".to_owned());
                    }
                    Tried::Refused if round < 2 => {
                        login.form = LoginForm::Json;
                        login.fields = fields.clone();
                    }
                    Tried::Refused => {}
                }
            }
        }
        Ok(None)
    }

    /// Addresses of a login: those that the operator named, then the usual ones below the base and the site.
    fn places(&self, target: &Target, base: &Url, usual: &[&str]) -> Vec<Url> {
        let named = target.logins.iter().filter_map(|login| {
            if login.contains("://") { Url::parse(login).ok() } else { address(&target.address, login).ok() }
        });
        let mut site = base.clone();
        site.set_path("");
        let both = usual.iter().flat_map(|path| [address(base, path).ok(), address(&site, path).ok()]).flatten();
        let mut places: Vec<Url> = Vec::new();
        for url in named.chain(both) {
            if !places.contains(&url) {
                places.push(url);
            }
        }
        places
    }

    /// Whether something may be posted to an address: the operator named it, or a read shows that it wants another verb.
    async fn may_be_login(&mut self, target: &Target, url: &Url) -> Result<bool, Ended> {
        if target.logins.iter().any(|login| url.as_str() == login || url.path() == login) {
            return Ok(true);
        }
        let draft = Draft::new(Method::Get, url.clone());
        let answer = self.guard.send(Stage::Auth, "whether there is a login here", draft, None).await?;
        Ok(answer.is_some_and(|answer| matches!(answer.status, 400 | 405 | 415 | 422)))
    }

    /// One login. Finds where its answer holds the token.
    async fn log_in(&mut self, login: &Login) -> Result<Tried, Ended> {
        let with_token = Login { token: "token".to_owned(), ..login.clone() };
        let auth = Auth { send: Vec::new(), login: Some(with_token) };
        let signer = Signer::new(auth, self.credentials.clone()).map_err(Ended)?;
        let Some(draft) = signer.missing_login(&self.on).map_err(Ended)? else { return Ok(Tried::Absent) };
        let Some(answer) = self.guard.send(Stage::Auth, "whether one signs in here", draft, None).await? else {
            return Ok(Tried::Absent);
        };
        match look(&answer) {
            Look::Json(body) => {
                let mut login = login.clone();
                login.refresh = path_of(&body, "", &|name| u8::from(name == "refreshtoken") * 9);
                if let Some(new) = login.refresh.as_deref().and_then(|path| find(&body, path)).and_then(Value::as_str) {
                    keep_refresh(&mut self.credentials, new).map_err(Ended)?;
                }
                let scored = |name: &str| match name {
                    "accesstoken" => 10,
                    "token" | "authtoken" | "apitoken" | "sessiontoken" | "bearertoken" => 9,
                    "sessionid" | "sessionname" | "jwt" | "sid" | "session" => 8,
                    "access" | "bearer" => 6,
                    _ if name.ends_with("token") && !name.contains("refresh") && !name.contains("csrf") => 7,
                    _ => 0,
                };
                match path_of(&body, "", &scored).or_else(|| session_cookie(&answer)) {
                    Some(token) => {
                        login.token = token;
                        Ok(Tried::Token(login))
                    }
                    None => Ok(Tried::Absent),
                }
            }
            Look::Failed(204) | Look::Page if session_cookie(&answer).is_some() && answer.status < 400 => {
                let token = session_cookie(&answer).unwrap_or_default();
                Ok(Tried::Token(Login { token, ..login.clone() }))
            }
            Look::Missing { .. } if answer.status == 405 && login.method == Method::Post => Ok(Tried::OtherVerb),
            Look::Missing { .. } | Look::Page => Ok(Tried::Absent),
            // The refusal that every path gives is not about what was sent.
            Look::Refused | Look::Failed(200..=299) if self.refusal.as_deref() == Some(&*answer.body) => {
                Ok(Tried::Absent)
            }
            Look::Refused | Look::Failed(_) => {
                self.failures += 1;
                Ok(Tried::Refused)
            }
        }
    }
}

enum Tried {
    Token(Login),
    /// There is something, but not for this verb.
    OtherVerb,
    Absent,
    Refused,
}

/// The same login as a GET with HTTP Basic.
fn by_basic(login: &Login) -> Login {
    let part = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = BTreeMap::from([part("user", "{user}"), part("password", "{password}")]);
    Login { method: Method::Get, form: LoginForm::Basic, fields, ..login.clone() }
}

/// Whether a refusal is about this one thing only.
fn says_forbidden(answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(1_000)]).to_lowercase();
    !["key", "token", "credential", "authenticat", "login"].iter().any(|word| text.contains(word))
}

/// The dotted path of the text whose name scores most.
fn path_of(value: &Value, path: &str, score: &dyn Fn(&str) -> u8) -> Option<String> {
    fn walk(value: &Value, path: &str, score: &dyn Fn(&str) -> u8, best: &mut Option<(u8, String)>) {
        let Value::Object(map) = value else { return };
        for (key, inner) in map {
            let own = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if inner.as_str().is_some_and(|text| text.len() >= 4) {
                // `tokens.access.token`: every name on the way counts.
                let points = score(&folded(key));
                if points > 0 && best.as_ref().is_none_or(|(known, _)| points > *known) {
                    *best = Some((points, own.clone()));
                }
            }
            let is_refresh = folded(key).contains("refresh");
            if !is_refresh || score("refreshtoken") > 0 {
                walk(inner, &own, score, best);
            }
        }
    }
    let mut best = None;
    walk(value, path, score, &mut best);
    best.map(|(_, path)| path)
}

/// The first cookie that an answer sets, as the profile names it.
fn session_cookie(answer: &Answer) -> Option<String> {
    let set = answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let names: Vec<&str> = set.filter_map(|text| text.split_once('=').map(|(name, _)| name.trim())).collect();
    let session = names.iter().find(|name| folded(name).contains("sess") || folded(name).contains("sid"));
    session.or(names.first()).map(|name| format!("cookie:{name}"))
}
