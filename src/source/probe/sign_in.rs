//! How to prove who we are: one way after the other, the likeliest first, with few failures, because every failure brings an
//! account closer to being locked (source API shapes, section 2).
//!
//! A way works when what was refused without credentials is not refused with them. Where a key may go under one of many
//! names, one request carries it under all of them, and what is not needed is taken away again.

use reqwest::Url;

use super::guard::Guard;
use super::look::{Look, look};
use super::roots::{self, Ground};
use super::ways::{Way, basic, beside, client_ways, key_ways, mute_ways, password_ways, shows, token_ways, way};
use super::{Ended, Stage, Target};
use crate::config::SourceCredentials;
use crate::error::Kind;
use crate::http::Answer;
use crate::source::api::ask::address;
use crate::source::api::auth::{Draft, Signer};
use crate::source::profile::{Auth, Carrier, Evidence, Login, Method};

/// Failures with one credential.
pub(super) const FAILURES_MAX: u32 = 6;

/// Failures with a token that a login gave: it is new each time, and nobody's account is locked for it.
pub(super) const SESSION_FAILURES_MAX: u32 = 10;

/// Requests for taking away what is not needed. They leave out names under which nothing was looked for, or the one that
/// counts: a request without credentials, which is no failed attempt.
const NARROWING_MAX: u32 = 16;

/// Paths that are looked at where a refusal looks like any other answer, the likeliest first.
const LIKELY_PATHS: &[&str] = &["users", "user", "users/list", "Users", "users.json"];

/// Of these, how many are looked at with credentials that may have been let in and were shown nothing.
const PROOFS_MAX: usize = 3;

/// A parameter that nobody has.
const NO_PARAMETER: &str = "zx81";

/// A way that works.
pub(super) struct SignedIn {
    pub(super) base: Url,
    pub(super) auth: Auth,
    pub(super) signer: Signer,
    pub(super) evidence: Vec<Evidence>,
    pub(super) quirks: Vec<String>,
}

pub(super) struct Trial<'t, 'g> {
    pub(super) guard: &'t mut Guard<'g>,
    /// As they are now: a source may change a refresh token with each use.
    pub(super) credentials: SourceCredentials,
    /// What is asked for, each below its base; one of them where refusals can be told from other answers.
    pub(super) on: Vec<(Url, Url)>,
    pub(super) failures: u32,
    /// Failures until no more is tried.
    pub(super) failures_max: u32,
    /// What it answers without credentials.
    bare: u8,
    /// The same, its status and its body.
    refusal: Option<(u16, Vec<u8>)>,
    /// The last answer may be one to somebody who is known.
    is_vague: bool,
    /// Looks that were spent on such answers.
    proofs: usize,
    /// Its refusals say nothing by which they could be told from other answers.
    is_mute: bool,
    /// The answer to the last login.
    pub(super) login: Option<Answer>,
    /// What is asked for where a GET is no call.
    call: Option<Draft>,
    /// A parameter that nobody has is refused before it is asked who came.
    judges_parameters_first: Option<bool>,
    /// What was tried in vain, in words, with what was answered.
    pub(super) tried: Vec<String>,
}

/// Finds a way to sign in.
pub(super) async fn sign_in(
    guard: &mut Guard<'_>,
    target: &Target,
    ground: &Ground,
    credentials: &SourceCredentials,
) -> Result<SignedIn, Ended> {
    sign_in_on(guard, target, ground, (credentials, None)).await
}

/// The same, on a request of one's own in place of a GET where there is one, and by ways of its own before all others.
pub(super) async fn sign_in_on(
    guard: &mut Guard<'_>,
    target: &Target,
    ground: &Ground,
    (credentials, call): (&SourceCredentials, Option<(Draft, Vec<Way>)>),
) -> Result<SignedIn, Ended> {
    let base = ground.bases.first().cloned().unwrap_or_else(|| target.address.clone());
    if ground.is_open {
        let quirks = vec!["It answers without any credentials.".to_owned()];
        let auth = Auth::default();
        let signer = Signer::new(auth.clone(), credentials.clone()).map_err(Ended)?;
        return Ok(SignedIn { base, auth, signer, evidence: Vec::new(), quirks });
    }
    let is_mute = matches!(ground.bare, Some(Look::Failed(200..=299)));
    let base = if is_mute { roots::guarded_base(guard, ground, &base).await? } else { base };
    let on = if is_mute { likely_places(ground, &base)? } else { vec![(base.clone(), place(ground, &base)?)] };
    let bare = ground.bare.as_ref().map_or(u8::MAX, Look::kind);
    let (call, own) = call.map_or((None, Vec::new()), |(draft, ways)| (Some(draft), ways));
    let mut trial = Trial {
        guard,
        credentials: credentials.clone(),
        on,
        failures: 0,
        failures_max: FAILURES_MAX,
        bare,
        refusal: ground.refusal.clone(),
        is_vague: false,
        proofs: 0,
        is_mute,
        login: None,
        judges_parameters_first: call.as_ref().map(|_| true),
        call,
        tried: Vec::new(),
    };
    let way = match trial.first(own).await? {
        Some(way) => Some(way),
        None => trial.find(target, &base, &ground.hints).await?,
    };
    let Some(way) = way else {
        let kind = trial.credentials.kind();
        let tried = if trial.tried.is_empty() { "nothing".to_owned() } else { trial.tried.join("; ") };
        let why = format!(
            "no way to sign in with the {kind} works; {} were refused. Tried on {}: {tried}",
            trial.failures,
            place_of(&trial.on)
        );
        return Err(Ended::new(Kind::Unauthorized, why));
    };
    let evidence =
        trial.guard.last().map(|sent| sent.evidence(format!("signed in: {}", way.name))).into_iter().collect();
    let auth = Auth { send: way.send, login: way.login };
    let mut quirks = Vec::new();
    let secrets: std::collections::BTreeSet<&str> = auth.send.iter().map(shows).collect();
    if auth.send.len() > secrets.len() {
        quirks.push(
            "A secret is sent under several names: requests for finding out which one counts were used up.".into(),
        );
    }
    let base = trial.on.first().map_or(base, |(base, _)| base.clone());
    let signer = Signer::new(auth.clone(), trial.credentials.clone()).map_err(Ended)?;
    trial.resume(&signer)?;
    Ok(SignedIn { base, auth, signer, evidence, quirks })
}

/// The path of what was asked for first.
fn place_of(on: &[(Url, Url)]) -> &str {
    on.first().map_or("nothing", |(_, url)| url.path())
}

/// What is asked for with credentials: what was refused without.
fn place(ground: &Ground, base: &Url) -> Result<Url, Ended> {
    match &ground.refused {
        Some(url) => Ok(url.clone()),
        None => address(base, "users").map_err(Ended),
    }
}

/// Paths at which there may be a list: where refusals look like any other answer, only a good one tells.
fn likely_places(ground: &Ground, base: &Url) -> Result<Vec<(Url, Url)>, Ended> {
    let mut places: Vec<(Url, Url)> = Vec::new();
    for path in ground.described.iter().map(String::as_str).chain(LIKELY_PATHS.iter().copied()) {
        let url = address(base, path).map_err(Ended)?;
        if !places.iter().any(|(_, known)| *known == url) {
            places.push((base.clone(), url));
        }
    }
    places.truncate(LIKELY_PATHS.len());
    Ok(places)
}

impl Trial<'_, '_> {
    async fn find(&mut self, target: &Target, base: &Url, hints: &str) -> Result<Option<Way>, Ended> {
        match self.credentials.first().clone() {
            SourceCredentials::Token(_) if self.is_mute => self.first_mute(mute_ways("{token}", None, None)).await,
            SourceCredentials::Token(_) => self.first(key_ways("{token}", hints)).await,
            SourceCredentials::Key { .. } if self.is_mute => self.first_mute(mute_ways("{key}", None, None)).await,
            SourceCredentials::Key { second: None, .. } => self.first(key_ways("{key}", hints)).await,
            SourceCredentials::Key { .. } => {
                let mut ways = key_ways("{key}", hints);
                ways.insert(ways.len().min(4), way("HTTP Basic with both", vec![basic("{key}:{second}")]));
                self.first(ways).await
            }
            SourceCredentials::Password { key, .. } => {
                let ways = password_ways(key.is_some());
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
                self.first(client_ways()).await
            }
            SourceCredentials::Refresh { .. } => {
                let grant = [("grant_type", "refresh_token"), ("refresh_token", "{refresh_token}")];
                self.by_token(target, base, &grant).await
            }
            SourceCredentials::Beside { .. } => Ok(None),
        }
    }

    /// The first way in which the token of a login is let in. `cookie` is one that the login set.
    pub(super) async fn first_token(&mut self, login: &Login, cookie: Option<&str>) -> Result<Option<Way>, Ended> {
        if self.is_mute {
            return self.first_mute(mute_ways("{token}", Some(login), cookie)).await;
        }
        self.first(token_ways(login, cookie)).await
    }

    /// The same where refusals look like any other answer: every way at the likeliest place, and those that show a secret
    /// nearly everywhere at the other ones.
    async fn first_mute(&mut self, (here, elsewhere): (Vec<Way>, Vec<Way>)) -> Result<Option<Way>, Ended> {
        let others = beside(&self.credentials);
        for (index, place) in self.on.clone().into_iter().enumerate() {
            for way in if index == 0 { &here } else { &elsewhere } {
                let mut way = way.clone();
                way.send.extend(others.iter().cloned());
                if self.failures >= self.failures_max {
                    return Ok(None);
                }
                match self.lets_in(&way, &place.1).await? {
                    Some(true) => {
                        self.on = vec![place];
                        return self.narrowed(way).await.map(Some);
                    }
                    Some(false) => self.failed(way.name),
                    None => {}
                }
            }
        }
        Ok(None)
    }

    /// The first of some ways that works, with nothing in it that is not needed.
    pub(super) async fn first(&mut self, ways: Vec<Way>) -> Result<Option<Way>, Ended> {
        if self.is_mute {
            let likeliest = ways.iter().take(1).cloned().collect();
            return self.first_mute((ways, likeliest)).await;
        }
        let others = beside(&self.credentials);
        for mut way in ways {
            if self.failures >= self.failures_max {
                return Ok(None);
            }
            way.send.extend(others.iter().cloned());
            if self.works(&way).await? {
                return self.narrowed(way).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Whether a way is let in. A refusal counts as a failure.
    async fn works(&mut self, way: &Way) -> Result<bool, Ended> {
        let Some(place) = self.on.first().cloned() else { return Ok(false) };
        match self.lets_in(way, &place.1).await? {
            Some(true) => return Ok(true),
            Some(false) => self.failed(way.name),
            None => return Ok(false),
        }
        Ok(self.is_vague && self.is_proved(way, &place).await?)
    }

    /// Whether a way that was answered otherwise than a stranger, and shown nothing, is let in where there may be something:
    /// some sources answer 403 to whatever they do not have.
    async fn is_proved(&mut self, way: &Way, (base, tried): &(Url, Url)) -> Result<bool, Ended> {
        for path in LIKELY_PATHS {
            let url = address(base, path).map_err(Ended)?;
            if self.proofs >= PROOFS_MAX || self.failures >= self.failures_max {
                break;
            }
            if url == *tried {
                continue;
            }
            self.proofs += 1;
            match self.lets_in(way, &url).await? {
                Some(true) => {
                    self.on = vec![(base.clone(), url)];
                    return Ok(true);
                }
                Some(false) => self.failed(way.name),
                None => break,
            }
        }
        Ok(false)
    }

    /// Counts a failure, and keeps what it was for those who want to know what was tried.
    pub(super) fn failed(&mut self, what: &str) {
        self.failures += 1;
        let status = self.guard.last().and_then(|sent| sent.status);
        let text = format!("{what} ({})", status.map_or("no answer".to_owned(), |status| status.to_string()));
        if !self.tried.contains(&text) {
            self.tried.push(text);
        }
    }

    /// Whether a way is let in at one place; `None` where it could not be tried.
    async fn lets_in(&mut self, way: &Way, on: &Url) -> Result<Option<bool>, Ended> {
        let auth = Auth { send: way.send.clone(), login: way.login.clone() };
        // A way that wants a part which these credentials do not have is not one for them.
        let Ok(signer) = Signer::new(auth, self.credentials.clone()) else { return Ok(None) };
        self.resume(&signer)?;
        self.guard.login(Stage::Auth, on, &signer).await?;
        self.credentials = signer.credentials();
        let draft = self.call.clone().unwrap_or_else(|| Draft::new(Method::Get, on.clone()));
        let purpose = format!("whether it lets in: {}", way.name);
        let Some(answer) = self.guard.send(Stage::Auth, &purpose, draft, Some(&signer)).await? else {
            return Ok(None);
        };
        self.is_in(&answer, on).await.map(Some)
    }

    /// Whether an answer is one to somebody who is known.
    async fn is_in(&mut self, answer: &Answer, on: &Url) -> Result<bool, Ended> {
        let seen = look(answer);
        let was_refused = self.bare == Look::Refused.kind();
        // What a stranger is told as well says nothing.
        let is_other = !self.is_refusal(answer);
        self.is_vague = false;
        Ok(match &seen {
            // Known, and not allowed to see just this (source API shapes, section 2).
            Look::Refused if answer.status == 403 && is_other => {
                let is_known = answer.body.trim_ascii_start().starts_with(b"{") && says_forbidden(answer);
                self.is_vague = !is_known;
                is_known
            }
            Look::Refused => false,
            Look::Json(_) => true,
            // Where refusals look like any other answer, several places are tried, and one that is not there says nothing.
            Look::Missing { .. } => !self.is_mute && self.bare != u8::MAX && self.bare != seen.kind(),
            // Another complaint than that about who came: about the verb, or about a name that is not known there.
            Look::Failed(200..=299) => was_refused && is_other,
            Look::Failed(400..=499) => was_refused && !self.judges_parameters(on).await?,
            Look::Page | Look::Failed(_) => false,
        })
    }

    /// Whether an answer is the refusal that strangers get.
    pub(super) fn is_refusal(&self, answer: &Answer) -> bool {
        self.refusal.as_ref().is_some_and(|(status, body)| *status == answer.status && *body == *answer.body)
    }

    /// Whether the source refuses a parameter that it does not know before it asks who came: then such a refusal proves
    /// nothing.
    async fn judges_parameters(&mut self, on: &Url) -> Result<bool, Ended> {
        if let Some(known) = self.judges_parameters_first {
            return Ok(known);
        }
        let mut url = on.clone();
        url.query_pairs_mut().append_pair(NO_PARAMETER, "1");
        let draft = Draft::new(Method::Get, url);
        let answer = self.guard.send(Stage::Auth, "whether names are judged before callers", draft, None).await?;
        let judges = answer.is_none_or(|answer| !matches!(look(&answer), Look::Refused));
        self.judges_parameters_first = Some(judges);
        Ok(judges)
    }

    /// Goes on with the session of the last login, so that no way costs a login of its own.
    fn resume(&self, signer: &Signer) -> Result<(), Ended> {
        match &self.login {
            Some(answer) if signer.can_login() => {
                signer.logged_in(answer, &self.guard.limits, self.guard.http).map_err(Ended)
            }
            _ => Ok(()),
        }
    }

    /// Takes away what is not needed, as long as requests are left for it.
    async fn narrowed(&mut self, mut way: Way) -> Result<Way, Ended> {
        let Some((_, on)) = self.on.first().cloned() else { return Ok(way) };
        let mut asked = 0;
        let mut done: Vec<String> = Vec::new();
        // One secret after the other, each down to the one place that counts.
        while let Some(secret) =
            way.send.iter().map(|carrier| shows(carrier).to_owned()).find(|secret| !done.contains(secret))
        {
            let (mut same, rest): (Vec<Carrier>, Vec<Carrier>) =
                way.send.iter().cloned().partition(|carrier| shows(carrier) == secret);
            let mut first_only = true;
            while same.len() > 1 && asked < NARROWING_MAX && self.guard.left() > 0 {
                let half = if first_only { 1 } else { same.len() / 2 };
                first_only = false;
                asked += 1;
                let trial = Way { send: [&same[..half], &rest[..]].concat(), ..way.clone() };
                let works = self.lets_in(&trial, &on).await? == Some(true);
                same = if works { same[..half].to_vec() } else { same[half..].to_vec() };
            }
            way.send = [&same[..], &rest[..]].concat();
            done.push(secret);
        }
        Ok(way)
    }
}

/// Whether a refusal is about this one thing only.
fn says_forbidden(answer: &Answer) -> bool {
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(1_000)]).to_lowercase();
    !["key", "token", "credential", "authenticat", "login"].iter().any(|word| text.contains(word))
}
