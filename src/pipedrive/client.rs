//! One account's client: every call is priced, paced, counted and sorted here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use metrics::{counter, histogram};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::access::{Access, Pass, Standing};
use super::answer::{self, Effect, TurnedAway};
use super::budget::{Budget, Reason, Reply, Slot, Waiting};
use super::page::{Row, row_of};
use super::route::{Route, route};
use crate::config::Credentials;
use crate::error::{Error, Kind, Result};
use crate::http::{Answer, Http, Reached, Request};
use crate::permit::WritePermit;
use crate::record::Entity;
use crate::{retry, telemetry};

/// Times a call that was refused for its pace is sent again. Refusals are rare (the budget prevents them), so a longer
/// row of them means that something else is wrong.
const PACE_TRIES: usize = 20;

/// Times a read is tried again when the far end is away: about ten minutes with the pauses of [`retry::Pauses`].
const READ_TRIES: usize = 14;

/// Where activities are made and changed.
const ACTIVITIES: &str = "api/v2/activities";

/// Name of the call that asks who we are.
const ME: &str = "GET /v1/users/me";

/// The client. Clones share connections and budget.
#[derive(Clone)]
pub struct Client {
    http: Http,
    base: Url,
    access: Arc<Access>,
    budget: Arc<Budget>,
}

/// Who the token belongs to (`GET /v1/users/me`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The user.
    pub user_id: Arc<str>,
    /// The company, pinned by the journal.
    pub company_id: String,
    /// The company's name.
    pub company_name: String,
    /// ISO code of the user's default currency.
    pub default_currency: String,
    /// Parts of Pipedrive that the user is an administrator of, or is not: `global` (contacts and activities of everybody),
    /// `sales` (deals and leads of everybody, pipelines), `account_settings`. Empty when Pipedrive does not tell (OpenAPI
    /// v1: `access` of a user, names of `GET /v1/permissionSets`).
    pub access: BTreeMap<String, bool>,
}

impl Me {
    /// Parts whose administrator must make a migration, and who is none: what others own stays unseen otherwise. `None`
    /// when Pipedrive does not tell.
    #[must_use]
    pub fn lacks(&self) -> Option<Vec<&'static str>> {
        if self.access.is_empty() {
            return None;
        }
        let is_missing = |part: &&str| self.access.get(*part) != Some(&true);
        Some(["global", "sales", "account_settings"].into_iter().filter(is_missing).collect())
    }
}

/// A user of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: Arc<str>,
    /// Its name.
    pub name: String,
    /// Its e-mail address, as Pipedrive writes it.
    pub email: String,
    /// Deactivated users can own nothing new.
    pub active: bool,
    /// Whether the user administers contacts and deals of everybody; `false` too when Pipedrive does not tell.
    pub admin: bool,
}

/// A record that was written, as Pipedrive answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its id.
    pub id: Arc<str>,
    /// Its fields, as JSON.
    pub body: String,
}

/// One call about to be made.
pub(super) struct Call {
    /// Method and path pattern, for metrics and messages.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Bytes>,
    /// What the body is; JSON when it is not said.
    pub(super) content_type: Option<HeaderValue>,
    pub(super) cost: u32,
    pub(super) effect: Effect,
}

impl Client {
    /// A client of the account at `base` (`https://acme.pipedrive.com`).
    #[must_use]
    pub fn new(http: Http, base: Url, credentials: Credentials, budget: Arc<Budget>) -> Self {
        let access = Arc::new(Access::new(http.clone(), credentials));
        Self { http, base, access, budget }
    }

    /// The budget behind the client.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The longest a call can take: settling waits longer than this.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.http.timeout()
    }

    /// Who we are, and in which company.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn me(&self) -> Result<Me> {
        let mut answer = self.read(who_we_are()).await?;
        let row = answer.remove("data").and_then(|data| row_of(Entity::User, data));
        let row = row.ok_or_else(|| Error::new(Kind::Unreachable, format!("{ME}: no usable answer")))?;
        let company_id = match row.body.get("company_id") {
            Some(Value::Number(id)) => id.to_string(),
            Some(Value::String(id)) => id.clone(),
            _ => return Err(Error::new(Kind::Unreachable, format!("{ME}: no company_id"))),
        };
        let text = |name: &str| row.text(name).unwrap_or_default().to_owned();
        let (company_name, default_currency) = (text("company_name"), text("default_currency"));
        Ok(Me { access: access(&row), user_id: row.id, company_id, company_name, default_currency })
    }

    /// Every user of the account.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn users(&self) -> Result<Vec<User>> {
        let user = |row: Row| {
            let text = |name: &str| row.text(name).unwrap_or_default().to_owned();
            let active = row.body.get("active_flag").and_then(Value::as_bool).unwrap_or(true);
            let access = access(&row);
            let admin = ["global", "sales"].into_iter().all(|part| access.get(part) == Some(&true));
            User { name: text("name"), email: text("email"), active, admin, id: row.id }
        };
        Ok(self.all(Entity::User).await?.into_iter().map(user).collect())
    }

    /// One record as it is now; `None` when it is gone or deleted.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn get(&self, entity: Entity, id: &str) -> Result<Option<Row>> {
        let route = route(entity);
        let call = Call {
            name: route.get_name,
            method: Method::GET,
            path: format!("{}/{id}", route.full_path()),
            query: Vec::new(),
            body: None,
            content_type: None,
            cost: route.get,
            effect: Effect::Read,
        };
        let mut answer = match self.read(call).await {
            Err(error) if error.kind() == Kind::Gone => return Ok(None),
            answer => answer?,
        };
        let row = answer.remove("data").and_then(|data| row_of(entity, data));
        Ok(row.filter(|row| !is_deleted(row)))
    }

    /// Makes a record. The answer is the record as Pipedrive keeps it.
    ///
    /// # Errors
    /// `InDoubt` when nobody can tell whether it was made, `Unreachable` when it certainly was not, and otherwise by
    /// Pipedrive's answer.
    pub async fn create(&self, entity: Entity, body: &Map<String, Value>, permit: &WritePermit) -> Result<Row> {
        let route = route(entity);
        let call = write(route.create_name, Method::POST, &route, None, Some(encoded(body)));
        let answer = self.send(Call { cost: route.create, ..call }, Some(permit)).await?;
        self.row(entity, answer, route.create_name)
    }

    /// As [`Client::create`], from a body that is JSON already, and without taking the answer apart.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub async fn create_encoded(&self, entity: Entity, body: Bytes, permit: &WritePermit) -> Result<Written> {
        let route = route(entity);
        let call = write(route.create_name, Method::POST, &route, None, Some(body));
        self.written(entity, Call { cost: route.create, ..call }, permit).await
    }

    /// Changes a record: only the fields in `body`, which is JSON already.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub async fn update_encoded(&self, entity: Entity, id: &str, body: Bytes, permit: &WritePermit) -> Result<Written> {
        let route = route(entity);
        let call = write(route.update_name, route.update_verb(), &route, Some(id), Some(body));
        self.written(entity, Call { cost: route.update, ..call }, permit).await
    }

    async fn written(&self, entity: Entity, call: Call, permit: &WritePermit) -> Result<Written> {
        let (name, effect) = (call.name, call.effect);
        let answer = self.answered(call, Some(permit)).await?;
        match answer::record(&answer) {
            Some((id, body)) => Ok(Written { id, body }),
            // Not as simple as that: an error, or a good answer in an unusual form.
            None => {
                let row = self.row(entity, answer::body(&answer, effect, name)?, name)?;
                Ok(Written { id: row.id, body: Value::Object(row.body).to_string() })
            }
        }
    }

    /// Deletes a record (Pipedrive keeps it for 30 days).
    ///
    /// # Errors
    /// As [`Client::create`]; a record that is already gone is not an error.
    pub async fn delete(&self, entity: Entity, id: &str, permit: &WritePermit) -> Result<()> {
        let route = route(entity);
        let call = write(route.delete_name, Method::DELETE, &route, Some(id), None);
        match self.send(Call { cost: route.delete, ..call }, Some(permit)).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == Kind::Gone => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn row(&self, entity: Entity, mut answer: Map<String, Value>, name: &str) -> Result<Row> {
        let row = answer.remove("data").and_then(|data| row_of(entity, data));
        row.ok_or_else(|| answer::unclear(Effect::Write, name).because("the answer has no record in it"))
    }

    /// Does a read, again and again while the far end is away.
    pub(super) async fn read(&self, call: Call) -> Result<Map<String, Value>> {
        retry::reads(self.http.clock(), READ_TRIES, || self.send(call.again(), None)).await
    }

    /// Sends a call and reads the body of its good answer.
    pub(super) async fn send(&self, call: Call, permit: Option<&WritePermit>) -> Result<Map<String, Value>> {
        let (name, effect) = (call.name, call.effect);
        answer::body(&self.answered(call, permit).await?, effect, name)
    }

    /// Sends a call once, or again when it was refused for its pace alone. Writes go out with a permit only.
    pub(super) async fn answered(&self, call: Call, permit: Option<&WritePermit>) -> Result<Answer> {
        if call.effect == Effect::Write && permit.is_none() {
            return Err(Error::new(Kind::Bug, format!("{}: a write without a permit", call.name)));
        }
        if call.effect == Effect::Write && invites(&call) {
            return Err(Error::new(Kind::Bug, format!("{}: would send invitations", call.name)));
        }
        let mut url = self.base.join(&call.path).map_err(|error| {
            Error::new(Kind::Bug, format!("{}: the path cannot be joined", call.name)).because(error)
        })?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut headers = HeaderMap::new();
        if call.body.is_some() {
            let json = || HeaderValue::from_static("application/json");
            headers.insert(CONTENT_TYPE, call.content_type.clone().unwrap_or_else(json));
        }
        let request = Request { method: call.method.clone(), url, headers, body: call.body.clone() };
        let (mut paces, mut was_blocked) = (0, false);
        loop {
            // The slot first: its wait may take hours, after which an access token has ended.
            let slot = self.budget.take(call.cost).await?;
            let Pass { name, value, generation } = match self.access.pass().await? {
                Standing::Good(pass) => pass,
                Standing::Refused(look) => {
                    drop(slot);
                    let until = self.http.clock().utc() + look;
                    self.budget.wait(Waiting { reason: Reason::Unauthorized, until: None }, until).await?;
                    continue;
                }
            };
            let mut request = request.clone();
            request.headers.insert(name, value);
            let (answer, turned_away) = self.send_once(&call, request, slot).await?;
            match turned_away {
                None => {
                    self.access.accepted(generation).await;
                    return Ok(answer);
                }
                Some(TurnedAway::Window(wait)) => {
                    self.budget.window_refused(wait);
                    paces += 1;
                }
                Some(TurnedAway::Day(wait)) => self.budget.day_refused(wait),
                Some(TurnedAway::Access) if self.access.refused(generation).await => self.budget.needs_scout(),
                Some(TurnedAway::Access) => return Ok(answer),
                Some(TurnedAway::Blocked) if was_blocked => {
                    let why = "the gateway answered with its page (403) to this call, and not to others";
                    return Err(Error::new(Kind::Refused, format!("{}: refused", call.name)).because(why));
                }
                Some(TurnedAway::Blocked) => {
                    self.budget.blocked();
                    // The next call after the wait is a harmless one. When that passes and this one does not, it is not
                    // we who are blocked, but something in this call.
                    if call.name != ME {
                        self.probe().await?;
                        was_blocked = true;
                    }
                }
            }
            if paces >= PACE_TRIES {
                let why = format!("{}: refused for its pace {PACE_TRIES} times", call.name);
                return Err(Error::new(Kind::RateLimited, why));
            }
        }
    }

    /// A harmless call. Boxed, because it is made in the middle of another one.
    fn probe(&self) -> BoxFuture<'_, Result<Answer>> {
        Box::pin(self.answered(who_we_are(), None))
    }

    async fn send_once(
        &self,
        call: &Call,
        request: Request,
        mut slot: Slot<'_>,
    ) -> Result<(Answer, Option<TurnedAway>)> {
        slot.spend(call.name, call.cost);
        let sent = self.http.send(request).await;
        let status = sent.as_ref().map_or(0, |answer| answer.status);
        let labels = [("endpoint", call.name), ("status", status_name(status))];
        counter!(telemetry::REQUESTS, telemetry::of_company(self.budget.is_staging, &labels)).increment(1);
        // Without an answer the slot is given back as it is.
        let answer = sent.map_err(|error| match error.reached {
            Reached::No => {
                Error::new(Kind::Unreachable, format!("{}: Pipedrive cannot be reached", call.name)).because(error)
            }
            Reached::Perhaps => answer::unclear(call.effect, call.name).because(error),
        })?;
        histogram!(telemetry::REQUEST_SECONDS, "endpoint" => call.name).record(answer.took);
        let turned_away = answer::turned_away(&answer);
        give_back(slot, &answer, turned_away);
        Ok((answer, turned_away))
    }
}

/// What a user administers. Several permission sets of one part add up.
fn access(row: &Row) -> BTreeMap<String, bool> {
    let mut access = BTreeMap::new();
    for part in row.body.get("access").and_then(Value::as_array).into_iter().flatten() {
        if let Some(app) = part.get("app").and_then(Value::as_str) {
            let admin = part.get("admin").and_then(Value::as_bool).unwrap_or(false);
            *access.entry(app.to_owned()).or_default() |= admin;
        }
    }
    access
}

fn give_back(slot: Slot<'_>, answer: &Answer, turned_away: Option<TurnedAway>) {
    let told = answer::told(&answer.headers);
    let reply = match turned_away {
        None => Reply::Heard { took: answer.took, window_left: told.window_left },
        Some(TurnedAway::Window(_)) => Reply::WindowFull,
        Some(_) => Reply::Unheard,
    };
    slot.give_back(told, reply);
}

/// v2 marks deleted records, v1 makes them inactive.
fn is_deleted(row: &Row) -> bool {
    let flag = |name: &str| row.body.get(name).and_then(Value::as_bool);
    flag("is_deleted") == Some(true) || flag("active_flag") == Some(false)
}

impl Call {
    fn again(&self) -> Call {
        Call {
            name: self.name,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            body: self.body.clone(),
            content_type: self.content_type.clone(),
            cost: self.cost,
            effect: self.effect,
        }
    }
}

fn who_we_are() -> Call {
    Call {
        name: ME,
        method: Method::GET,
        path: "api/v1/users/me".to_owned(),
        query: Vec::new(),
        body: None,
        content_type: None,
        cost: 2,
        effect: Effect::Read,
    }
}

/// Whether a write names attendees, to whom Pipedrive would send invitations (OpenAPI v2, activities). Within a text of
/// JSON its quotes are escaped, so this is a key wherever it stands.
fn invites(call: &Call) -> bool {
    const KEY: &[u8] = b"\"attendees\":";
    let body = call.body.as_deref().unwrap_or_default();
    call.path.starts_with(ACTIVITIES) && body.windows(KEY.len()).any(|part| part == KEY)
}

pub(super) fn write(name: &'static str, method: Method, route: &Route, id: Option<&str>, body: Option<Bytes>) -> Call {
    let path = id.map_or_else(|| route.full_path(), |id| format!("{}/{id}", route.full_path()));
    Call { name, method, path, query: Vec::new(), body, content_type: None, cost: 0, effect: Effect::Write }
}

fn encoded(body: &Map<String, Value>) -> Bytes {
    // Serializing a map with text keys into memory cannot fail.
    serde_json::to_vec(body).expect("a JSON map is JSON").into()
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client of {}", self.base)
    }
}

/// Status classes are few; exact codes that matter have their own name. 0 stands for no answer.
const fn status_name(status: u16) -> &'static str {
    match status {
        0 => "none",
        200..=299 => "2xx",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        429 => "429",
        other if other < 500 => "4xx",
        _ => "5xx",
    }
}
