//! The secrets of a shape, and those that its operator would hold. They open invented data only.

use super::choices::*;
use super::shape::Shape;

pub(super) const TOKEN: &str = "px-live-5f0b6c1e9a7d";
pub(super) const USER: &str = "dana";
pub(super) const PASSWORD: &str = "larkspur-2026";
pub(super) const EMAIL: &str = "dana@larkspur-promo.example";
pub(super) const CLIENT_ID: &str = "larkspur-app";
pub(super) const CLIENT_SECRET: &str = "app-secret-77c1";
pub(super) const REFRESH_TOKEN: &str = "refresh-0d94e2";
pub(super) const APP_KEY: &str = "app-key-3310";
pub(super) const COMPANY: &str = "larkspur";
pub(super) const API_SECRET: &str = "api-secret-90aa";
pub(super) const VERSION: &str = "2020-01-31";

/// What the operator holds; only what the shape asks for is there. Not secret: it opens invented data only.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Credentials {
    /// A token or key.
    pub token: Option<String>,
    /// A user's name.
    pub user: Option<String>,
    /// That user's password.
    pub password: Option<String>,
    /// That user's e-mail, where it is asked for beside a key.
    pub email: Option<String>,
    /// Id of an OAuth client, or of one that is named in headers.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<String>,
    /// A refresh token that was granted before.
    pub refresh_token: Option<String>,
    /// Where tokens are given.
    pub token_url: Option<String>,
    /// Where one logs in for a session.
    pub login_url: Option<String>,
    /// A second key, of the application.
    pub app_key: Option<String>,
    /// Name of the company at the API.
    pub company: Option<String>,
    /// A second secret.
    pub api_secret: Option<String>,
    /// The version to name in the header `api-version`.
    pub version: Option<String>,
}

impl Credentials {
    /// Those of a shape whose site and API are at these addresses.
    pub(super) fn of(shape: &Shape, site: &str, root: &str) -> Self {
        let mut own = Self::default();
        let some = |text: &str| Some(text.to_owned());
        match shape.auth {
            Auth::Bearer | Auth::ApiKey | Auth::Odd => own.token = some(TOKEN),
            Auth::Query if shape.query_key == QueryKey::LoginPassword => own.with_user(),
            Auth::Query => own.token = some(TOKEN),
            Auth::Basic => match shape.basic_form {
                BasicForm::UserPassword => own.with_user(),
                BasicForm::KeyAsUser => own.token = some(TOKEN),
                BasicForm::UserKey => (own.user, own.token) = (some(USER), some(TOKEN)),
                BasicForm::Packed => {
                    own.with_user();
                    own.token = some(TOKEN);
                }
            },
            Auth::TwoStep => {
                own.with_user();
                own.login_url = Some(format!("{root}/{}", super::auth::login_path(shape)));
            }
            Auth::OauthClient | Auth::OauthRefresh => {
                (own.client_id, own.client_secret) = (some(CLIENT_ID), some(CLIENT_SECRET));
                own.token_url = Some(format!("{site}{}", super::auth::TOKEN_PATH));
                if shape.auth == Auth::OauthRefresh {
                    own.refresh_token = some(REFRESH_TOKEN);
                }
            }
            Auth::Body if shape.protocol == Protocol::Soap => own.with_user(),
            Auth::Body => (own.company, own.user, own.token) = (some(COMPANY), some(USER), some(TOKEN)),
        }
        match shape.second {
            Second::None => {}
            Second::Email => own.email = some(EMAIL),
            Second::AppKey => own.app_key = some(APP_KEY),
            Second::TwoHeaders => (own.company, own.api_secret) = (some(COMPANY), some(API_SECRET)),
            Second::ClientPair => (own.client_id, own.client_secret) = (some(CLIENT_ID), some(CLIENT_SECRET)),
        }
        if shape.version == VersionHeader::Header {
            own.version = some(VERSION);
        }
        own
    }

    fn with_user(&mut self) {
        (self.user, self.password) = (Some(USER.to_owned()), Some(PASSWORD.to_owned()));
    }
}
