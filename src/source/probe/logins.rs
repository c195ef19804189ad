//! Signing in by a call that gives a token or a session: where it is, what it wants, and where its answer holds the token.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::SET_COOKIE;
use serde_json::Value;

use super::look::{Look, look};
use super::sign_in::{SESSION_FAILURES_MAX, Trial};
use super::ways::Way;
use super::words::{LOGINS, TOKENS, folded};
use super::{Ended, Stage, Target};
use crate::http::Answer;
use crate::source::api::ask::address;
use crate::source::api::auth::{Draft, Signer, keep_refresh};
use crate::source::api::path::find;
use crate::source::profile::{Auth, Login, LoginForm, Method};

impl Trial<'_, '_> {
    /// By a login with user and password.
    pub(super) async fn by_login(&mut self, target: &Target, base: &Url) -> Result<Option<Way>, Ended> {
        let fields = ["username", "email", "login", "user"].map(|name| (name.to_owned(), "{user}".to_owned()));
        let fields: BTreeMap<String, String> =
            fields.into_iter().chain([("password".to_owned(), "{password}".to_owned())]).collect();
        for url in self.places(target, base, LOGINS) {
            if !self.may_be_login(target, &url).await? {
                continue;
            }
            let mut wants_other = is_named(target, &url);
            for form in [LoginForm::Json, LoginForm::Form] {
                if self.failures >= self.failures_max {
                    return Ok(None);
                }
                let login = Login { form, ..json_login(&url, &fields) };
                match self.log_in(&login, target).await? {
                    Tried::Token(login) => return self.with_token(&login).await,
                    Tried::OtherVerb => {
                        wants_other = true;
                        break;
                    }
                    Tried::Absent => {
                        wants_other = false;
                        break;
                    }
                    Tried::Refused => {}
                }
            }
            // A login that takes neither form may be one by another verb, and have no words to say so.
            if wants_other
                && self.failures < self.failures_max
                && let Tried::Token(login) = self.log_in(&by_basic(&json_login(&url, &fields)), target).await?
            {
                return self.with_token(&login).await;
            }
        }
        Ok(None)
    }

    /// By a token for an app.
    pub(super) async fn by_token(
        &mut self,
        target: &Target,
        base: &Url,
        grant: &[(&str, &str)],
    ) -> Result<Option<Way>, Ended> {
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
            let mut login = Login { form: LoginForm::Form, ..json_login(&url, &fields) };
            for round in 0..3 {
                if self.failures >= self.failures_max {
                    return Ok(None);
                }
                match self.log_in(&login, target).await? {
                    Tried::Token(login) => return self.with_token(&login).await,
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
        if is_named(target, url) {
            return Ok(true);
        }
        let draft = Draft::new(Method::Get, url.clone());
        let answer = self.guard.send(Stage::Auth, "whether there is a login here", draft, None).await?;
        Ok(answer.is_some_and(|answer| matches!(answer.status, 400 | 405 | 415 | 422)))
    }

    /// One login. Finds where its answer holds the token.
    async fn log_in(&mut self, login: &Login, target: &Target) -> Result<Tried, Ended> {
        let with_token = Login { token: "token".to_owned(), ..login.clone() };
        let auth = Auth { send: Vec::new(), login: Some(with_token) };
        let signer = Signer::new(auth, self.credentials.clone()).map_err(Ended)?;
        let Some((base, _)) = self.on.first().cloned() else { return Ok(Tried::Absent) };
        let Some(draft) = signer.missing_login(&base).map_err(Ended)? else { return Ok(Tried::Absent) };
        let url = draft.url.clone();
        let Some(answer) = self.guard.send(Stage::Auth, "whether one signs in here", draft, None).await? else {
            return Ok(Tried::Absent);
        };
        let is_named = is_named(target, &url);
        self.login = Some(answer.clone());
        match look(&answer) {
            Look::Json(body) => {
                let mut login = login.clone();
                login.lives_seconds = life(&body);
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
            _ if login.method == Method::Post && speaks_of_verb(&answer) => Ok(Tried::OtherVerb),
            Look::Missing { .. } | Look::Page => Ok(Tried::Absent),
            // The refusal that every path gives is not about what was sent, unless somebody says that one signs in here.
            Look::Refused | Look::Failed(200..=299) if !is_named && self.is_refusal(&answer) => Ok(Tried::Absent),
            Look::Refused | Look::Failed(_) => {
                self.failed(&format!("the login {}", url.path()));
                Ok(Tried::Refused)
            }
        }
    }

    /// The first way to send the token of the last login that is let in.
    async fn with_token(&mut self, login: &Login) -> Result<Option<Way>, Ended> {
        let cookie = self.login.as_ref().and_then(session_cookie);
        // Whoever gave a token knows the credentials; what is open is only how the token is shown.
        let (failures, most) = (self.failures, self.failures_max);
        (self.failures, self.failures_max) = (0, SESSION_FAILURES_MAX);
        let found = self.first_token(login, cookie.as_deref()).await;
        (self.failures, self.failures_max) = (failures, most);
        found
    }
}

enum Tried {
    Token(Login),
    /// There is something, but not for this verb.
    OtherVerb,
    Absent,
    Refused,
}

/// A login by JSON.
fn json_login(url: &Url, fields: &BTreeMap<String, String>) -> Login {
    Login {
        path: url.to_string(),
        method: Method::Post,
        form: LoginForm::Json,
        fields: fields.clone(),
        token: String::new(),
        refresh: None,
        lives_seconds: None,
    }
}

/// The same login as a GET with HTTP Basic.
fn by_basic(login: &Login) -> Login {
    let part = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = BTreeMap::from([part("user", "{user}"), part("password", "{password}")]);
    Login { method: Method::Get, form: LoginForm::Basic, fields, ..login.clone() }
}

/// Whether an answer says that there is something, but not for this verb.
fn speaks_of_verb(answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(2_000)]).to_lowercase();
    let says = || {
        ["method not allowed", "method_not_allowed", "methodnotallowed", "405"].iter().any(|word| text.contains(word))
    };
    answer.status == 405
        || matches!(look(answer), Look::Failed(200..=299) | Look::Missing { .. }) && answer.status != 404 && says()
}

/// Whether the operator named an address as a login.
fn is_named(target: &Target, url: &Url) -> bool {
    target.logins.iter().any(|login| url.as_str() == login || url.path() == login)
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

/// The shortest life of a token that is believed; a shorter one would cost a login for every other request.
const LIFE_MIN: u64 = 30;

/// How long the token of a login lives, in seconds, where its answer says so (RFC 6749, section 5.1).
fn life(body: &Value) -> Option<u64> {
    let Value::Object(map) = body else { return None };
    let own = map.iter().find(|(name, _)| matches!(folded(name).as_str(), "expiresin" | "expiresinseconds"));
    let seconds = own.and_then(|(_, value)| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    seconds.filter(|seconds| *seconds >= LIFE_MIN).or_else(|| map.values().find_map(life))
}

/// The first cookie that an answer sets, as the profile names it.
fn session_cookie(answer: &Answer) -> Option<String> {
    let set = answer.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let names: Vec<&str> = set.filter_map(|text| text.split_once('=').map(|(name, _)| name.trim())).collect();
    let session = names.iter().find(|name| folded(name).contains("sess") || folded(name).contains("sid"));
    session.or(names.first()).map(|name| format!("cookie:{name}"))
}
