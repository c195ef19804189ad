//! OAuth: access tokens that end after an hour, and the refresh tokens that give new ones.
//!
//! Facts: documents "OAuth authorization" and "OAuth status codes", fact sheet section 2. A refresh token stays the same
//! when it is used. That a customer agrees in a browser is not simulated: the control API grants. The bodies of refused
//! refreshes are in no document.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::delivery::base64;
use super::envelope::Answer;
use super::form;
use super::state::State;
use super::users;
use crate::clock::Moment;

/// The path of the token endpoint; it costs nothing and counts nowhere.
pub(super) const PATH: &str = "/oauth/token";

/// An unused refresh token ends after so long.
const REFRESH_LIFE: Duration = Duration::from_secs(60 * 86_400);

/// All grants.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// User and end of each access token.
    access: HashMap<String, (u64, Moment)>,
    /// User and last use of each refresh token.
    refresh: HashMap<String, (u64, Moment)>,
}

impl Grants {
    /// The user of an access token that has not ended.
    pub(super) fn user(&self, access: &str, now: Moment) -> Option<u64> {
        self.access.get(access).filter(|(_, until)| now < *until).map(|(user, _)| *user)
    }

    /// Ends the access tokens of a user; the refresh token lives on.
    pub(super) fn end_access(&mut self, user: u64) {
        self.access.retain(|_, (own, _)| *own != user);
    }
}

/// What the app gets when a user agrees; `None` for an unknown user.
pub(super) fn grant(state: &mut State, user: u64, now: Moment) -> Option<Value> {
    users::get(state, user)?;
    let refresh = state.hex(40);
    state.grants.refresh.insert(refresh.clone(), (user, now));
    Some(tokens(state, user, &refresh, now))
}

/// A new access token with all that comes with it.
fn tokens(state: &mut State, user: u64, refresh: &str, now: Moment) -> Value {
    // Real ones are far longer than API tokens ("store at least 768 characters").
    let access = state.hex(400);
    state.grants.access.insert(access.clone(), (user, now + state.settings.oauth_life));
    json!({
        "access_token": access,
        "token_type": "bearer",
        "refresh_token": refresh,
        "scope": "deals:full contacts:full leads:full activities:full products:full users:read search:read admin",
        "expires_in": state.settings.oauth_life.as_secs(),
        "api_domain": format!("https://{}.pipedrive.com", state.settings.company_domain),
    })
}

/// `POST /oauth/token` with a refresh token; `authorization` is the header of that name.
pub(super) fn exchange(state: &mut State, now: Moment, authorization: &str, body: &[u8]) -> Answer {
    let refused = |status: u16, error: &str| {
        Answer::json(status, json!({"success": false, "error": error, "message": error}).to_string())
    };
    let client = format!("{}:{}", state.settings.oauth_client_id, state.settings.oauth_client_secret);
    if authorization != format!("Basic {}", base64(client.as_bytes())) {
        return refused(401, "invalid_client");
    }
    let form = form::encoded(body);
    let get = |key: &str| form.get(key).and_then(Value::as_str).unwrap_or_default();
    if get("grant_type") != "refresh_token" {
        return refused(400, "unsupported_grant_type");
    }
    let refresh = get("refresh_token").to_owned();
    let Some((user, used)) = state.grants.refresh.get(&refresh).copied() else { return refused(400, "invalid_grant") };
    if now.since(used) >= REFRESH_LIFE {
        return refused(400, "invalid_grant");
    }
    state.grants.refresh.insert(refresh.clone(), (user, now));
    Answer::json(200, tokens(state, user, &refresh, now).to_string())
}
