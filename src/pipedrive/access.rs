//! Showing who we are: a user's API token, or an OAuth grant whose access token is renewed before it ends.
//!
//! A credential that Pipedrive has accepted before and refuses now stops all calls, not the run: somebody makes a new one,
//! or switches the API on again, and it goes on. One that was never accepted is an error at once.
//! Source: Pipedrive documentation, "Authentication", "OAuth authorization", 2026-09; refresh tokens stay the same there,
//! but a new one that comes is kept.

use std::time::Duration;

use futures::future::BoxFuture;
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::http::StatusCode;
use oauth2::{
    AsyncHttpClient, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken, RequestTokenError,
    TokenResponse as _, TokenUrl,
};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use tokio::sync::Mutex;

use crate::clock::Moment;
use crate::config::{Credentials, OAuthApp};
use crate::error::{Error, Kind, Result};
use crate::http::{Http, Reached, Request, SendError};
use crate::retry;

/// How often it is looked whether the file of a refused credential has a new one.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// How often a refused credential is tried again as it is: somebody may have switched the API on again.
const TRY_AGAIN: Duration = Duration::from_secs(300);

/// An access token is renewed this long before its end, so that calls under way do not outlive it.
const EARLY: Duration = Duration::from_secs(300);

/// What Pipedrive says of the life of an access token, should an answer not say it ("OAuth authorization").
const LIFE: Duration = Duration::from_secs(3_600);

/// Times a renewal is tried again while Pipedrive's token service is away.
const RENEWAL_TRIES: usize = 14;

/// The header to send, and which credential it shows.
pub(super) struct Pass {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
    pub(super) generation: u64,
}

/// How things stand with our credential.
pub(super) enum Standing {
    /// Calls may be sent.
    Good(Pass),
    /// It was refused, and nothing has changed since: look again after that time.
    Refused(Duration),
}

/// Our credential.
pub(super) struct Access {
    http: Http,
    state: Mutex<State>,
}

struct State {
    credentials: Credentials,
    /// The access token of an OAuth grant, and when to renew it.
    grant: Option<(HeaderValue, Moment)>,
    generation: u64,
    /// Whether this very credential was accepted, and whether any was.
    is_proven: bool,
    /// Whether an access token was made because the one before was refused.
    is_second: bool,
    was_ever_proven: bool,
    /// When a refused credential was last tried.
    refused: Option<Moment>,
}

impl Access {
    pub(super) fn new(http: Http, credentials: Credentials) -> Self {
        let state = State {
            credentials,
            grant: None,
            generation: 0,
            is_proven: false,
            is_second: false,
            was_ever_proven: false,
            refused: None,
        };
        Self { http, state: Mutex::new(state) }
    }

    /// The header for the next call.
    ///
    /// # Errors
    /// `Unauthorized` when a grant was never accepted; `Unreachable` when the token service is away for long; `Settings`
    /// when the credential cannot be a header.
    pub(super) async fn pass(&self) -> Result<Standing> {
        let mut state = self.state.lock().await;
        let now = self.http.clock().now();
        if let Some(tried) = state.refused {
            if state.credentials.renew() {
                tracing::info!("a new credential was found");
                state.turn_over();
            } else if now.since(tried) >= TRY_AGAIN {
                state.refused = Some(now);
                state.grant = None;
            } else {
                return Ok(Standing::Refused(LOOK));
            }
        }
        let generation = state.generation;
        let good = |(name, value)| Ok(Standing::Good(Pass { name, value, generation }));
        let app = match &state.credentials {
            Credentials::ApiToken(token) => {
                return good((HeaderName::from_static("x-api-token"), header(token.expose())?));
            }
            Credentials::OAuth(app) => app.clone(),
        };
        if let Some((value, until)) = &state.grant
            && now < *until
        {
            return good((AUTHORIZATION, value.clone()));
        }
        match self.renewed(&app).await {
            Ok(grant) => {
                let value = state.take_over(grant, self.http.clock().now())?;
                Ok(Standing::Good(Pass { name: AUTHORIZATION, value, generation: state.generation }))
            }
            Err(error) if error.kind() == Kind::Unauthorized && state.was_ever_proven => {
                tracing::error!(error = error.chain(), "the OAuth grant is not accepted any more");
                state.refused = Some(now);
                Ok(Standing::Refused(LOOK))
            }
            Err(error) => Err(error),
        }
    }

    /// Pipedrive accepted the credential of that generation.
    pub(super) async fn accepted(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.generation == generation && !state.is_proven {
            (state.is_proven, state.is_second, state.was_ever_proven, state.refused) = (true, false, true, None);
        }
    }

    /// Pipedrive refused the credential of that generation. `false`: none was ever accepted, so waiting helps nobody.
    pub(super) async fn refused(&self, generation: u64) -> bool {
        let mut state = self.state.lock().await;
        if state.generation != generation {
            // It was renewed meanwhile.
            return true;
        }
        let may_renew = matches!(state.credentials, Credentials::OAuth(_)) && !state.is_second;
        (state.grant, state.is_proven) = (None, false);
        if may_renew {
            // The access token has ended early, which is no news before a fresh one is refused too.
            state.is_second = true;
            state.generation += 1;
            return true;
        }
        state.refused = Some(self.http.clock().now());
        state.was_ever_proven
    }

    /// Boxed: the compiler cannot see through the library's futures that they may change threads.
    fn renewed<'a>(&'a self, app: &'a OAuthApp) -> BoxFuture<'a, Result<BasicTokenResponse>> {
        Box::pin(retry::reads(self.http.clock(), RENEWAL_TRIES, || self.renew(app)))
    }

    async fn renew(&self, app: &OAuthApp) -> Result<BasicTokenResponse> {
        let wrong = |error| Error::new(Kind::Settings, "pipedrive.oauth.token_address").because(error);
        let client = BasicClient::new(ClientId::new(app.client_id.clone()))
            .set_client_secret(ClientSecret::new(app.client_secret.expose().to_owned()))
            .set_token_uri(TokenUrl::new(app.token_address.to_string()).map_err(wrong)?);
        let refresh = RefreshToken::new(app.refresh_token.expose().to_owned());
        client.exchange_refresh_token(&refresh).request_async(&Carrier(self.http.clone())).await.map_err(not_renewed)
    }
}

impl State {
    /// Another credential: what was known of the one before does not count.
    fn turn_over(&mut self) {
        (self.refused, self.grant, self.is_proven, self.is_second) = (None, None, false, false);
        self.generation += 1;
    }

    fn take_over(&mut self, grant: BasicTokenResponse, now: Moment) -> Result<HeaderValue> {
        let value = header(&format!("Bearer {}", grant.access_token().secret()))?;
        let life = grant.expires_in().unwrap_or(LIFE);
        self.grant = Some((value.clone(), now + life.saturating_sub(EARLY.min(life / 4))));
        self.generation += 1;
        self.is_proven = false;
        if let (Some(refresh), Credentials::OAuth(app)) = (grant.refresh_token(), &mut self.credentials)
            && refresh.secret() != app.refresh_token.expose()
        {
            tracing::info!("Pipedrive gave a new refresh token");
            let kept = app.refresh_token.replace(refresh.secret().as_str().into());
            kept.map_err(|error| Error::new(Kind::Settings, "keeping a new refresh token in its file").because(error))?;
        }
        Ok(value)
    }
}

fn header(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::new(Kind::Settings, "the Pipedrive token holds characters that no token has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Carries requests of the OAuth library over our one HTTP client, with its limits.
struct Carrier(Http);

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = SendError;
    type Future = BoxFuture<'c, Result<HttpResponse, SendError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async {
            let (parts, body) = request.into_parts();
            let url = parts.uri.to_string().parse().map_err(SendError::unsent)?;
            let request = Request { method: Method::POST, url, headers: parts.headers, body: Some(body.into()) };
            let answer = self.0.send(request).await?;
            let mut response = HttpResponse::new(answer.body.to_vec());
            *response.status_mut() = StatusCode::from_u16(answer.status).map_err(SendError::unsent)?;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

/// A renewal may be tried again as often as one likes: the refresh token stays the same. Error texts of the service are
/// quoted, its other words are not, because they might hold what we sent.
fn not_renewed(error: RequestTokenError<SendError, BasicErrorResponse>) -> Error {
    let doing = "renewing the OAuth access token";
    match error {
        RequestTokenError::ServerResponse(answer) => {
            Error::new(Kind::Unauthorized, doing).because(format!("refused with '{}'", answer.error()))
        }
        RequestTokenError::Request(error) if error.reached == Reached::No => {
            Error::new(Kind::Unreachable, format!("{doing}: the token service cannot be reached")).because(error)
        }
        RequestTokenError::Request(error) => Error::new(Kind::Unreachable, doing).because(error),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Error::new(Kind::Unreachable, doing).because("the answer is not what OAuth documents")
        }
    }
}
