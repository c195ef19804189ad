//! Proving who asks: what the profile wants on every request, and the login that gives a token where there is one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, RANGE, SET_COOKIE,
};
use reqwest::{Method as Verb, Url};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::answer::Judge;
use super::path::{find, put};
use super::rows::id_text;
use super::soap;
use crate::clock::Moment;
use crate::config::{SourceCredentials, base_url};
use crate::error::{Error, Kind, Result};
use crate::http::{Answer, Http, Request};
use crate::source::profile::{Auth, Carrier, Limits, Login, LoginForm, Method, Part, Soap};

/// A request before and after it is signed.
#[derive(Debug, Clone)]
pub(in crate::source) struct Draft {
    pub(in crate::source) method: Verb,
    pub(in crate::source) url: Url,
    pub(in crate::source) headers: HeaderMap,
    pub(in crate::source) body: Option<Value>,
    /// How the body becomes a call by SOAP, where it does.
    pub(in crate::source) soap: Option<Arc<Soap>>,
    /// What may be shown of it in place of path and query, where these hold secrets.
    shown_as: Option<String>,
    /// Bytes of the answer's body that are wanted; the rest is not read.
    pub(in crate::source) body_bytes_max: Option<usize>,
}

impl Draft {
    /// A request for JSON.
    pub(in crate::source) fn new(method: Method, url: Url) -> Self {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let method = match method {
            Method::Get => Verb::GET,
            Method::Post => Verb::POST,
        };
        Self { method, url, headers, body: None, soap: None, shown_as: None, body_bytes_max: None }
    }

    /// A request for the first bytes of a file. Its query is not shown: that of a signed address is a key.
    pub(in crate::source) fn file(url: Url, bytes: usize) -> Self {
        let range = HeaderValue::try_from(format!("bytes=0-{}", bytes.saturating_sub(1)));
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("*/*"))]);
        headers.extend(range.ok().map(|range| (RANGE, range)));
        let shown_as = Some(url.path().to_owned());
        Self { method: Verb::GET, url, headers, body: None, soap: None, shown_as, body_bytes_max: Some(bytes) }
    }

    /// Makes it a call by SOAP.
    ///
    /// # Errors
    /// `Settings` for an action that no header can hold.
    pub(in crate::source) fn call(&mut self, soap: &Soap) -> Result<()> {
        soap::head(&mut self.headers, soap)?;
        self.soap = Some(Arc::new(soap.clone()));
        Ok(())
    }

    /// Verb, path and query, without secrets; only of a request that is not signed yet.
    pub(in crate::source) fn shown(&self) -> String {
        match (&self.shown_as, &self.soap) {
            (Some(place), _) => format!("{} {place}", self.method),
            (None, Some(soap)) => format!("{} {} ({})", self.method, place(&self.url), soap.operation),
            (None, None) => format!("{} {}", self.method, place(&self.url)),
        }
    }

    /// The request as it is sent.
    pub(in crate::source) fn ready(mut self) -> Request {
        if self.body.is_some() && !self.headers.contains_key(CONTENT_TYPE) {
            self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = self.body.map(|body| match body {
            body if self.soap.is_some() => {
                self.soap.as_deref().map(|soap| soap::envelope(soap, &body)).unwrap_or_default().into_bytes().into()
            }
            Value::String(form) => form.into_bytes().into(),
            other => other.to_string().into_bytes().into(),
        });
        Request { method: self.method, url: self.url, headers: self.headers, body }
    }
}

/// Path and query of an address.
pub(in crate::source) fn place(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// Signs requests.
pub(in crate::source) struct Signer {
    auth: Auth,
    credentials: Mutex<SourceCredentials>,
    /// What the login gave, and how many logins there were.
    session: Mutex<(Option<Arc<str>>, u64)>,
    /// When what the login gave is old enough to be renewed, where its life is known.
    renew_at: Mutex<Option<Moment>>,
    /// Held while somebody logs in, so that the others wait for the outcome.
    login: tokio::sync::Mutex<()>,
}

impl Signer {
    /// A signer; nothing is sent yet.
    ///
    /// # Errors
    /// `Settings` when the profile wants something that the credentials do not have, or that no request can carry.
    pub(in crate::source) fn new(auth: Auth, credentials: SourceCredentials) -> Result<Self> {
        let session = Some("x").filter(|_| auth.login.is_some());
        let mut trial = Draft::new(
            Method::Get,
            Url::parse("https://trial.invalid/")
                .map_err(|error| Error::new(Kind::Bug, "an address of our own is none").because(error))?,
        );
        for carrier in &auth.send {
            carry(&mut trial, carrier, &credentials, session)?;
        }
        if let Some(login) = &auth.login {
            login_request(login, &trial.url, &credentials)?;
        }
        Ok(Self {
            auth,
            credentials: Mutex::new(credentials),
            session: Mutex::new((None, 0)),
            renew_at: Mutex::new(None),
            login: tokio::sync::Mutex::new(()),
        })
    }

    /// Whether signing in again may help after a refusal.
    pub(in crate::source) fn can_login(&self) -> bool {
        self.auth.login.is_some()
    }

    /// The login under way or behind us: a request signed in one generation is not a reason to leave a later one.
    pub(in crate::source) fn generation(&self) -> u64 {
        lock(&self.session).1
    }

    /// What is needed before a request can be signed: a login, or nothing.
    pub(in crate::source) fn missing_login(&self, base: &Url) -> Result<Option<Draft>> {
        match &self.auth.login {
            Some(login) if lock(&self.session).0.is_none() => {
                let credentials = lock(&self.credentials);
                let mut draft = login_request(login, base, &credentials)?;
                // What every request needs, a login needs too, except for what it gives.
                draft.shown_as = Some(draft.url.path().to_owned());
                for carrier in self.auth.send.iter().filter(|carrier| !carrier.value.contains("{token}")) {
                    carry(&mut draft, carrier, &credentials, None)?;
                }
                Ok(Some(draft))
            }
            _ => Ok(None),
        }
    }

    /// Takes the answer to a login.
    ///
    /// # Errors
    /// `Unauthorized` when it holds no token, and whatever the answer says.
    pub(in crate::source) fn logged_in(&self, answer: &Answer, limits: &Limits, http: &Http) -> Result<()> {
        let Some(login) = &self.auth.login else { return Ok(()) };
        let request = format!("the login {}", login.path.split('?').next().unwrap_or_default());
        let token = if let Some(name) = login.token.strip_prefix("cookie:") {
            if !(200..400).contains(&answer.status) {
                Judge { request: &request, limits, past_end: None }.judge(answer, http.clock())?;
            }
            cookie(&answer.headers, name)
        } else {
            let read = Judge { request: &request, limits, past_end: None }.judge(answer, http.clock())?;
            if let Some(new) = login.refresh.as_deref().and_then(|path| find(&read.body, path)).and_then(Value::as_str)
            {
                keep_refresh(&mut lock(&self.credentials), new)?;
            }
            find(&read.body, &login.token).and_then(id_text)
        };
        let Some(token) = token else {
            return Err(Error::new(Kind::Unauthorized, format!("{request} gives no token at '{}'", login.token)));
        };
        *lock(&self.renew_at) = login.lives_seconds.map(|seconds| {
            // A tenth early: the last request with a token must still arrive in time.
            http.clock().now() + Duration::from_secs(seconds - seconds / 10)
        });
        let mut session = lock(&self.session);
        *session = (Some(token), session.1 + 1);
        Ok(())
    }

    /// Forgets a token that is about to end, so that the next request signs in: a source may refuse it in a way that cannot
    /// be told from another failure.
    pub(in crate::source) fn forget_old(&self, now: Moment) {
        let mut renew_at = lock(&self.renew_at);
        if renew_at.is_some_and(|at| now >= at) {
            *renew_at = None;
            lock(&self.session).0 = None;
        }
    }

    /// The credentials as they are now.
    pub(in crate::source) fn credentials(&self) -> SourceCredentials {
        lock(&self.credentials).clone()
    }

    /// Forgets the token of a generation, so that the next request signs in.
    pub(in crate::source) fn forget(&self, generation: u64) {
        let mut session = lock(&self.session);
        if session.1 == generation {
            session.0 = None;
        }
    }

    /// Makes sure that there is a session, signing in by `http` if there is none.
    pub(in crate::source) async fn ensure(&self, base: &Url, limits: &Limits, http: &Http) -> Result<()> {
        if !self.can_login() {
            return Ok(());
        }
        let _alone = self.login.lock().await;
        self.forget_old(http.clock().now());
        let Some(request) = self.missing_login(base)? else { return Ok(()) };
        let answer = http
            .send(request.ready())
            .await
            .map_err(|source| Error::new(Kind::Unreachable, "signing in to the source").because(source))?;
        self.logged_in(&answer, limits, http)
    }

    /// Takes secrets out of an address that the source gave, so that it can be shown and signed like any other.
    pub(in crate::source) fn clean(&self, url: &mut Url) {
        let names: Vec<&str> = self
            .auth
            .send
            .iter()
            .filter(|carrier| carrier.at == Part::Query)
            .map(|carrier| carrier.name.as_str())
            .collect();
        if !url.query_pairs().any(|(name, _)| names.contains(&name.as_ref())) {
            return;
        }
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !names.contains(&name.as_ref()))
            .map(|(a, b)| (a.into(), b.into()))
            .collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }

    /// Puts on a request what the profile wants there.
    pub(in crate::source) fn sign(&self, draft: &mut Draft) -> Result<()> {
        let session = lock(&self.session).0.clone();
        let credentials = lock(&self.credentials);
        self.auth.send.iter().try_for_each(|carrier| carry(draft, carrier, &credentials, session.as_deref()))
    }
}

/// A source that changes the refresh token with each use makes the old one worthless.
pub(in crate::source) fn keep_refresh(credentials: &mut SourceCredentials, new: &str) -> Result<()> {
    if let SourceCredentials::Refresh { token, .. } = credentials.first_mut()
        && token.expose() != new
    {
        token
            .replace(SecretString::from(new))
            .map_err(|error| Error::new(Kind::Settings, "keeping the source's new refresh token").because(error))?;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is replaced as a whole, so a panic elsewhere leaves it valid.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A cookie that an answer sets.
fn cookie(headers: &HeaderMap, name: &str) -> Option<Arc<str>> {
    headers.get_all(SET_COOKIE).iter().find_map(|value| {
        let pair = value.to_str().ok()?.split(';').next()?;
        let (own, value) = pair.split_once('=')?;
        (own.trim() == name && !value.is_empty()).then(|| value.trim().into())
    })
}

/// A text of the profile with its placeholders filled.
fn filled(text: &str, credentials: &SourceCredentials, session: Option<&str>) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after
            .split_once('}')
            .ok_or_else(|| Error::new(Kind::Settings, "source profile: auth has a brace that is not closed"))?;
        let part = session.filter(|_| name == "token").or_else(|| credentials.part(name)).ok_or_else(|| {
            let kind = credentials.kind();
            Error::new(
                Kind::Settings,
                format!("source profile: auth needs '{{{name}}}', and the settings give a {kind}"),
            )
        })?;
        out.push_str(before);
        out.push_str(part);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

fn header_value(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::new(Kind::Settings, "source token: holds a character that no header may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn basic(pair: &str) -> Result<HeaderValue> {
    header_value(&format!("Basic {}", BASE64_STANDARD.encode(pair)))
}

fn carry(draft: &mut Draft, carrier: &Carrier, credentials: &SourceCredentials, session: Option<&str>) -> Result<()> {
    let text = filled(&carrier.value, credentials, session)?;
    match carrier.at {
        Part::Header => {
            let name = HeaderName::try_from(&carrier.name)
                .map_err(|_| Error::new(Kind::Settings, format!("source profile: '{}' is no header", carrier.name)))?;
            draft.headers.insert(name, header_value(&text)?);
        }
        Part::Basic => drop(draft.headers.insert(AUTHORIZATION, basic(&text)?)),
        Part::Cookie => {
            // All cookies go in one header (RFC 6265, section 5.4).
            let own = format!("{}={text}", carrier.name);
            let before = draft.headers.get(COOKIE).and_then(|value| value.to_str().ok());
            let all = before.map_or_else(|| own.clone(), |before| format!("{before}; {own}"));
            draft.headers.insert(COOKIE, header_value(&all)?);
        }
        Part::Query => drop(draft.url.query_pairs_mut().append_pair(&carrier.name, &text)),
        Part::Body => {
            put(draft.body.get_or_insert_with(|| Value::Object(Map::new())), &carrier.name, Value::String(text));
        }
    }
    Ok(())
}

/// The request of a login.
fn login_request(login: &Login, base: &Url, credentials: &SourceCredentials) -> Result<Draft> {
    // A login may be at another host; only people write such an address, and they review it.
    let url = match login.path.contains("://") {
        true => base_url(&login.path)?,
        false => super::ask::address(base, &login.path)?,
    };
    let mut draft = Draft::new(login.method, url);
    let mut fields = Vec::new();
    for (name, value) in &login.fields {
        fields.push((name.clone(), filled(value, credentials, None)?));
    }
    match login.form {
        LoginForm::Json => {
            let mut body = Value::Object(Map::new());
            fields.into_iter().for_each(|(name, value)| put(&mut body, &name, Value::String(value)));
            draft.body = Some(body);
        }
        LoginForm::Query => {
            draft.url.query_pairs_mut().extend_pairs(fields);
        }
        LoginForm::Form => form_body(&mut draft, fields),
        LoginForm::Basic => {
            let part = |name: &str| fields.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.as_str());
            let pair = format!("{}:{}", part("user"), part("password"));
            draft.headers.insert(AUTHORIZATION, basic(&pair)?);
            fields.retain(|(name, _)| !matches!(name.as_str(), "user" | "password"));
            if !fields.is_empty() {
                form_body(&mut draft, fields);
            }
        }
    }
    Ok(draft)
}

fn form_body(draft: &mut Draft, fields: Vec<(String, String)>) {
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    draft.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    draft.body = Some(Value::String(text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn credentials() -> SourceCredentials {
        let secret = |text: &str| Secret::fixed(text.into());
        SourceCredentials::Password { user: "ada".to_owned(), password: secret("pw"), key: Some(secret("k1")) }
    }

    fn signed(at: Part, name: &str, value: &str) -> Result<Draft> {
        let auth = Auth { send: vec![Carrier { at, name: name.to_owned(), value: value.to_owned() }], login: None };
        let mut draft = Draft::new(Method::Get, Url::parse("https://crm.test/x?page=1").expect("an address"));
        Signer::new(auth, credentials())?.sign(&mut draft)?;
        Ok(draft)
    }

    /// What is shown of a login stands in reports: neither its fields nor the secrets that go beside them may be there.
    #[test]
    fn a_login_is_shown_without_secrets() {
        let login = Login {
            path: "/login?tenant=acme".to_owned(),
            method: Method::Get,
            form: LoginForm::Query,
            fields: [("user", "{user}"), ("pass", "{password}")].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
            token: "token".to_owned(),
            refresh: None,
            lives_seconds: None,
        };
        let beside = Carrier { at: Part::Query, name: "api_key".to_owned(), value: "{key}".to_owned() };
        let signer = Signer::new(Auth { send: vec![beside], login: Some(login) }, credentials()).expect("a signer");
        let base = Url::parse("https://crm.test/v1").expect("an address");
        let draft = signer.missing_login(&base).expect("a login").expect("it is needed");
        assert!(draft.url.query().is_some_and(|query| query.contains("pw") && query.contains("k1")), "{}", draft.url);
        assert_eq!(draft.shown(), "GET /v1/login");
    }

    #[test]
    fn secrets_go_where_the_profile_says() {
        let draft = signed(Part::Basic, "", "{user}:{password}").expect("signed");
        assert_eq!(draft.headers[AUTHORIZATION], "Basic YWRhOnB3");
        assert!(!format!("{draft:?}").contains("YWRh"), "secrets are not printed");
        assert_eq!(signed(Part::Header, "x-api-key", "{key}").expect("signed").headers["x-api-key"], "k1");
        let draft = signed(Part::Query, "api_key", "{key}").expect("signed");
        assert_eq!(draft.url.query(), Some("page=1&api_key=k1"));
        assert_eq!(signed(Part::Cookie, "sid", "{key}").expect("signed").headers[COOKIE], "sid=k1");
        let mut draft = signed(Part::Cookie, "sid", "{key}").expect("signed");
        let second = Carrier { at: Part::Cookie, name: "user".to_owned(), value: "{user}".to_owned() };
        carry(&mut draft, &second, &credentials(), None).expect("signed");
        assert_eq!(draft.headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["sid=k1; user=ada"]);
        let draft = signed(Part::Body, "auth.loginId", "{user}").expect("signed");
        assert_eq!(draft.body.expect("a body")["auth"]["loginId"], "ada");
    }

    #[test]
    fn what_the_settings_do_not_give_is_named() {
        for (value, expected) in [("Bearer {client_secret}", "{client_secret}"), ("{key", "not closed")] {
            let error = signed(Part::Header, "x", value).map(|_| ()).expect_err("wrong");
            assert!(error.kind() == Kind::Settings && error.message().contains(expected), "{error:?}");
        }
    }

    #[test]
    fn cookies_are_found_by_name() {
        let set = "JSESSIONID=abc123; Path=/; HttpOnly";
        let headers = HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_static(set))]);
        assert_eq!(cookie(&headers, "JSESSIONID").as_deref(), Some("abc123"));
        assert_eq!(cookie(&headers, "Path"), None);
    }
}
