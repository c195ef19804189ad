//! The control API under `/standin`: what tests and operators of a rehearsal ask of the account itself. No token, loopback
//! only, and nothing of it is counted.

use std::net::SocketAddr;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::endpoints::{ENDPOINTS, Line};
use super::envelope::{Answer, Refusal, Version};
use super::faults::FaultRule;
use super::noun::Noun;
use super::oauth;
use super::people::{self, PeopleEdit};
use super::saved;
use super::serve::App;
use super::team::{self, Team};
use super::users::{self, User};

/// Where the control API begins.
pub(super) const PREFIX: &str = "/standin";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
    email: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenOf {
    user_id: u64,
}

/// Answers one request of the control API.
pub(super) fn answer(app: &App, peer: SocketAddr, method: &str, path: &str, body: &[u8]) -> Answer {
    if !peer.ip().to_canonical().is_loopback() {
        return Refusal::forbidden("the control API answers loopback only").answer(Version::V2);
    }
    let part = path[PREFIX.len()..].trim_matches('/');
    let (name, rest) = part.split_once('/').unwrap_or((part, ""));
    let done = match (method, name, rest) {
        ("GET", "health", "") => Ok(json!({"up": true})),
        ("GET", "endpoints", "") => Ok(endpoints()),
        ("GET", "ledger", "") => Ok(serde_json::to_value(app.lock().ledger()).unwrap_or_default()),
        ("GET", "state", "") => Ok(saved::save(&app.lock())),
        ("GET", "users", "") => Ok(json!(app.lock().users)),
        ("POST", "users", "") => parse(body).map(|new: NewUser| json!(add_user(app, &new.name, &new.email))),
        ("POST", "tokens", "") => parse(body).and_then(|user: TokenOf| renew_token(app, user.user_id)),
        ("POST", "oauth", "") => parse(body).and_then(|user: TokenOf| {
            let now = app.clock.now();
            oauth::grant(&mut app.lock(), user.user_id, now).ok_or_else(|| Refusal::not_found("User"))
        }),
        ("POST", "team", "") => parse(body).map(|team: Team| act_as_team(app, &team)),
        ("GET", "team", "") => Ok(json!(app.lock().team_log)),
        ("POST", "faults", "") => rules(body).map(|rules| add_faults(app, rules)),
        ("DELETE", "faults", "") => {
            app.lock().faults = super::faults::Faults::default();
            Ok(json!({"rules": 0}))
        }
        ("POST", "people", "") => parse(body).and_then(|edit| edit_as_people(app, edit)),
        ("GET", "rows", entity) => match Noun::parse(entity) {
            Some(noun) => Ok(Value::Array(people::rows(&app.lock(), noun))),
            None => Err(Refusal::not_found("Entity")),
        },
        _ => Err(Refusal::not_found("Control endpoint")),
    };
    match done {
        Ok(value) => Answer::json(200, value.to_string()),
        Err(refusal) => refusal.answer(Version::V2),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::invalid(&[error.to_string()]))
}

/// One rule or several. No untagged enum: with numbers of any precision it cannot read one that has a point.
fn rules(body: &[u8]) -> Result<Vec<FaultRule>, Refusal> {
    if body.trim_ascii_start().starts_with(b"[") { parse(body) } else { parse(body).map(|rule| vec![rule]) }
}

fn add_faults(app: &App, rules: Vec<FaultRule>) -> Value {
    let added = rules.len();
    app.lock().faults.extend(rules);
    json!({ "added": added })
}

/// Every endpoint with its cost.
fn endpoints() -> Value {
    let line = |line: &Line| json!({"method": line.method, "path": line.path, "tokens": line.tokens});
    ENDPOINTS.iter().map(line).collect()
}

/// Gives a user a new token, as the user would in the settings.
fn renew_token(app: &App, user: u64) -> Result<Value, Refusal> {
    let token = users::renew(&mut app.lock(), user).ok_or_else(|| Refusal::not_found("User"))?;
    Ok(json!({ "token": token }))
}

/// Lets the team act at once; the answer is what it did.
pub(super) fn act_as_team(app: &App, team: &Team) -> Value {
    let mut state = app.lock();
    let mut random = team::random(team, state.settings.seed);
    let done = (0..team.acts).filter_map(|_| team::act(&mut state, app.arrival(), team, &mut random));
    json!(done.collect::<Vec<_>>())
}

/// Adds a user, as an administrator would.
pub(super) fn add_user(app: &App, name: &str, email: &str) -> User {
    let at = app.clock.utc();
    let mut state = app.lock();
    let id = users::add(&mut state, name, email, at);
    users::get(&state, id).cloned().expect("the user was added just now")
}

/// Carries out an edit by people, in the name of the administrator.
pub(super) fn edit_as_people(app: &App, edit: PeopleEdit) -> Result<Value, Refusal> {
    let mut state = app.lock();
    let act = people::act(&state, app.arrival());
    people::edit(&mut state, &act, edit)
}
