//! Every request of a probe goes through here: the rules that keep it harmless, and the log of what it did.

use std::time::Duration;

use reqwest::{Method as Verb, Url};

use super::refused::{self, Refused};
use super::words::{changes_by_action, is_approved, reads, reads_operation, signs_in};
use super::{Allowance, Ended, Sent, Stage, Target};
use crate::clock::Moment;
use crate::error::{Error, Kind};
use crate::http::{Answer, Http};
use crate::source::api::answer::{Judge, is_lockout, is_page};
use crate::source::api::auth::{Draft, Signer};
use crate::source::api::{hint, soap};
use crate::source::profile::Limits;
use crate::stop::Stop;

/// Failures of the far end in a row before the probe leaves it alone.
const FAILURES_MAX: u32 = 3;

/// How often one request is sent again after a refusal for its pace.
const SLOWER_MAX: u32 = 4;

/// The longest wait for a limit to pass.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// An answer that takes longer shows that the source is at its limits.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Refusals of a credential that worked before, until the probe stops.
const REFUSALS_MAX: u32 = 2;

/// Headers that say that a read costs money.
const COST_HEADERS: &[&str] = &["x-cost", "x-credits-used", "x-credit-cost", "x-request-charge", "x-billed-units"];

/// Words of pages that stand before a site to keep programs away.
const WALL_WORDS: &[&str] = &["captcha", "cf-challenge", "attention required", "are you a robot", "request blocked"];

/// Sends, counts, waits and stops.
pub(super) struct Guard<'a> {
    pub(super) http: &'a Http,
    pub(super) allowance: Allowance,
    pub(super) log: Vec<Sent>,
    pub(super) limits: Limits,
    pub(super) limits_seen: Vec<String>,
    /// A list without rows was null.
    pub(super) saw_null: bool,
    /// Lists that were refused to somebody who is known.
    pub(super) refused: Vec<Refused>,
    hosts: Vec<String>,
    headers: Vec<(String, String)>,
    posts: Vec<String>,
    stop: Stop,
    signer: Option<Signer>,
    next_turn: Moment,
    period: Duration,
    failures: u32,
    refusals: u32,
    slow_answers: u32,
}

impl<'a> Guard<'a> {
    pub(super) fn new(http: &'a Http, target: &Target, allowance: Allowance, stop: Stop) -> Self {
        let mut hosts = target.hosts.clone();
        hosts.push(authority(&target.address));
        hosts.extend(target.logins.iter().filter_map(|login| Url::parse(login).ok()).map(|url| authority(&url)));
        let (next_turn, period) = (http.clock().now(), allowance.period);
        Self {
            http,
            allowance,
            log: Vec::new(),
            limits: Limits::default(),
            limits_seen: Vec::new(),
            saw_null: false,
            refused: Vec::new(),
            hosts,
            headers: target.headers.clone(),
            posts: target.posts.clone(),
            stop,
            signer: None,
            next_turn,
            period,
            failures: 0,
            refusals: 0,
            slow_answers: 0,
        }
    }

    pub(super) fn ceiling(&self) -> u32 {
        self.allowance.requests
    }

    /// Requests that may still be sent.
    pub(super) fn left(&self) -> u32 {
        self.allowance.requests.saturating_sub(u32::try_from(self.log.len()).unwrap_or(u32::MAX))
    }

    /// What [`Guard::read`] signs with from now on.
    pub(super) fn signs_by(&mut self, signer: Signer) {
        self.signer = Some(signer);
    }

    /// The credentials as the signer has them now.
    pub(super) fn credentials(&self) -> Option<crate::config::SourceCredentials> {
        self.signer.as_ref().map(Signer::credentials)
    }

    /// The last request, for evidence.
    pub(super) fn last(&self) -> Option<&Sent> {
        self.log.last()
    }

    /// A read with the credentials that work. `None` when no answer came.
    pub(super) async fn read(&mut self, stage: Stage, purpose: &str, draft: Draft) -> Result<Option<Answer>, Ended> {
        let Some(signer) = self.signer.take() else { return self.send(stage, purpose, draft, None).await };
        let sent = self.signed_read(stage, purpose, draft.clone(), &signer).await;
        self.signer = Some(signer);
        if let (Stage::Objects, Ok(Some(answer))) = (stage, &sent)
            && refused::forbids(answer)
        {
            refused::keep(self, purpose, &draft);
        }
        sent
    }

    /// The first bytes of a file, with the credentials or without them; `None` when no answer came. A refusal says something of
    /// the file alone, since the credentials are known to work.
    pub(super) async fn file(&mut self, purpose: &str, draft: Draft, is_signed: bool) -> Result<Option<Answer>, Ended> {
        let Some(signer) = self.signer.take() else { return self.send(Stage::Files, purpose, draft, None).await };
        let sent = match is_signed {
            true => self.signed_file(purpose, draft, &signer).await,
            false => self.send(Stage::Files, purpose, draft, None).await,
        };
        self.signer = Some(signer);
        sent
    }

    async fn signed_file(&mut self, purpose: &str, draft: Draft, signer: &Signer) -> Result<Option<Answer>, Ended> {
        self.login(Stage::Files, &draft.url, signer).await?;
        self.send(Stage::Files, purpose, draft, Some(signer)).await
    }

    /// Whether an address may be asked: its host is one that the operator named.
    pub(super) fn may_ask(&self, url: &Url) -> bool {
        self.hosts.contains(&authority(url))
    }

    async fn signed_read(
        &mut self,
        stage: Stage,
        purpose: &str,
        draft: Draft,
        signer: &Signer,
    ) -> Result<Option<Answer>, Ended> {
        self.login(stage, &draft.url, signer).await?;
        let answer = self.send(stage, purpose, draft.clone(), Some(signer)).await?;
        if answer.as_ref().is_none_or(|answer| soap::status(answer) != 401) {
            if signer.can_login() {
                self.refusals = 0;
            }
            return Ok(answer);
        }
        // A session may have ended by itself: one new login is a try, a second would be an attack.
        if signer.can_login() && self.refusals == 0 {
            self.refusals += 1;
            signer.forget(signer.generation());
            self.login(stage, &draft.url, signer).await?;
            return self.send(stage, purpose, draft, Some(signer)).await;
        }
        self.refusals += 1;
        if self.refusals >= REFUSALS_MAX {
            return Err(Ended::new(Kind::Unauthorized, "what worked before is refused (401); the probe stops"));
        }
        Ok(answer)
    }

    /// Signs in, if that is needed.
    pub(super) async fn login(&mut self, stage: Stage, base: &Url, signer: &Signer) -> Result<(), Ended> {
        let mut root = base.clone();
        root.set_path("");
        root.set_query(None);
        signer.forget_old(self.http.clock().now());
        let Some(draft) = signer.missing_login(&root).map_err(Ended)? else { return Ok(()) };
        let Some(answer) = self.send(stage, "signing in", draft, None).await? else {
            return Err(Ended::new(Kind::Unreachable, "no answer to the login"));
        };
        signer.logged_in(&answer, &self.limits, self.http).map_err(Ended)
    }

    /// Sends one request, again where a limit asks for patience. `None` when no answer came.
    pub(super) async fn send(
        &mut self,
        stage: Stage,
        purpose: &str,
        draft: Draft,
        signer: Option<&Signer>,
    ) -> Result<Option<Answer>, Ended> {
        for again in 0..=SLOWER_MAX {
            let Some(answer) = self.send_once(stage, purpose, &draft, signer).await? else { return Ok(None) };
            locks(&answer)?;
            let Some(wait) = self.asks_for_patience(&answer, again) else {
                self.judge(&answer, &draft)?;
                return Ok(Some(answer));
            };
            if wait > WAIT_MAX {
                return Err(Ended::new(Kind::RateLimited, "it asks for a wait of more than a quarter of an hour"));
            }
            self.period = (self.period * 2).min(Duration::from_secs(60));
            self.http.clock().sleep(wait).await;
        }
        Err(Ended::new(Kind::RateLimited, "it refuses one request again and again for its pace; try again in an hour"))
    }

    /// How long to wait when an answer asks for a slower pace.
    fn asks_for_patience(&mut self, answer: &Answer, again: u32) -> Option<Duration> {
        let judge = Judge { request: "a probe", limits: &self.limits, past_end: None };
        let error = judge.judge(answer, self.http.clock()).err()?;
        let has_hint = hint::wait(&answer.headers, b"", &self.limits, self.http.clock().utc()).is_some();
        let is_limit = error.kind() == Kind::RateLimited || answer.status == 503 && has_hint;
        if !is_limit {
            return None;
        }
        let crate::error::Verdict::Wait(hint) = error.verdict() else { return None };
        let seen = format!(
            "status {} asks for a slower pace, {}",
            answer.status,
            match hint {
                Some(_) => "and says how long to wait",
                None => "without saying how long to wait",
            }
        );
        if !self.limits_seen.contains(&seen) {
            self.limits_seen.push(seen);
        }
        if answer.status == 503 && !self.limits.statuses.contains(&503) {
            self.limits.statuses.push(503);
        }
        Some(hint.unwrap_or_default().max(Duration::from_secs(2u64.pow(again + 1))))
    }

    async fn send_once(
        &mut self,
        stage: Stage,
        purpose: &str,
        draft: &Draft,
        signer: Option<&Signer>,
    ) -> Result<Option<Answer>, Ended> {
        self.allow(draft)?;
        let mut ready = draft.clone();
        if let Some(signer) = signer {
            signer.sign(&mut ready).map_err(Ended)?;
        }
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (reqwest::header::HeaderName::try_from(name), reqwest::header::HeaderValue::try_from(value))
            {
                ready.headers.insert(name, value);
            }
        }
        let clock = self.http.clock();
        clock.sleep_until(self.next_turn).await;
        self.next_turn = clock.now() + self.period;
        let outcome = match ready.body_bytes_max {
            Some(bytes) => self.http.begin(ready.ready(), bytes).await,
            None => self.http.send(ready.ready()).await,
        };
        let number = u32::try_from(self.log.len()).unwrap_or(u32::MAX).saturating_add(1);
        let (status, took, bytes, hash) = match &outcome {
            Ok(answer) => {
                let hash = blake3::hash(&answer.body).to_hex();
                (Some(answer.status), answer.took, answer.body.len() as u64, hash[..16].to_owned())
            }
            Err(_) => (None, Duration::ZERO, 0, String::new()),
        };
        let sent =
            Sent { number, stage, purpose: purpose.to_owned(), request: draft.shown(), status, took, bytes, hash };
        if let Some(watch) = &self.allowance.watch {
            watch(&sent);
        }
        self.log.push(sent);
        match outcome {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => {
                self.failures += 1;
                if self.failures >= FAILURES_MAX {
                    let why = Error::new(Kind::Unreachable, "probing the source: it does not answer");
                    return Err(Ended(why.because(error)));
                }
                Ok(None)
            }
        }
    }

    /// Whether a request may be sent at all.
    fn allow(&self, draft: &Draft) -> Result<(), Ended> {
        if self.stop.is_stopped() {
            return Err(Ended::new(Kind::Stopped, "a stop was asked for"));
        }
        if self.left() == 0 {
            return Err(Ended::new(
                Kind::Source,
                format!("the {} requests that it may send are used up", self.ceiling()),
            ));
        }
        let host = authority(&draft.url);
        if !self.hosts.contains(&host) {
            return Err(Ended::new(Kind::Settings, format!("{host} is not among the hosts that were named")));
        }
        let is_read = draft.method == Verb::GET || draft.method == Verb::HEAD || draft.method == Verb::OPTIONS;
        let may_be_sent =
            is_read || draft.method == Verb::POST && (signs_in(draft.url.path()) || self.is_approved_read(draft));
        if !may_be_sent {
            return Err(Ended::new(Kind::Bug, format!("{} {} is no read", draft.method, draft.url.path())));
        }
        Ok(())
    }

    /// Whether the operator approved reads by POST at an address.
    pub(super) fn may_post(&self, url: &Url) -> bool {
        is_approved(url.path(), &self.posts)
    }

    /// Whether a POST is a read that the operator approved: the path is one of those, and it or the body says that it reads.
    fn is_approved_read(&self, draft: &Draft) -> bool {
        let member = |name: &str| draft.body.as_ref().and_then(|body| body.get(name)?.as_str());
        // A question of GraphQL that would change something begins so, whatever it is called.
        let changes =
            ["mutation", "subscription"].iter().any(|word| member("query").is_some_and(|text| text.contains(word)));
        if let Some(soap) = &draft.soap {
            return self.may_post(&draft.url) && reads_operation(&soap.operation) && !changes_by_action(&soap.action);
        }
        let service = super::posts::SERVICES.iter().find_map(|name| member(name));
        self.may_post(&draft.url) && !changes && service.map_or_else(|| reads(draft.url.path()), reads)
    }

    /// The rules for stopping.
    fn judge(&mut self, answer: &Answer, draft: &Draft) -> Result<(), Ended> {
        let stop = |why: &str| Err(Ended::new(Kind::Source, why));
        if answer.status == 401 || answer.status == 403 {
            let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(4_000)]).to_lowercase();
            if is_page(answer) && WALL_WORDS.iter().any(|word| text.contains(word)) {
                return stop("a page stands before it that keeps programs away");
            }
        }
        if COST_HEADERS.iter().any(|name| answer.headers.contains_key(*name)) {
            return stop("its answers say that reading costs money; ask the owner first");
        }
        if draft.method == Verb::GET && answer.status == 201 {
            return stop("an answer looks as if a read had made something (201)");
        }
        self.failures = if soap::status(answer) >= 500 { self.failures + 1 } else { 0 };
        if self.failures >= FAILURES_MAX {
            return Err(Ended::new(Kind::Unreachable, "it failed three times in a row"));
        }
        self.slow_answers = if answer.took > ANSWER_MAX { self.slow_answers + 1 } else { 0 };
        if self.slow_answers >= FAILURES_MAX {
            return stop("its answers take longer than ten seconds");
        }
        Ok(())
    }
}

/// Stops at a word of a lock: one more try might be the one that locks an account.
fn locks(answer: &Answer) -> Result<(), Ended> {
    match soap::status(answer) {
        423 => Err(Ended::new(Kind::Unauthorized, "it speaks of a lock; the probe stops at once")),
        401 | 403 | 429 if is_lockout(answer) => {
            Err(Ended::new(Kind::Unauthorized, "it speaks of a lock; the probe stops at once"))
        }
        _ => Ok(()),
    }
}

/// Host and port of an address.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
