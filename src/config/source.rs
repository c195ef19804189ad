//! How we prove to the source who we are. Which kind it is follows from the keys that the settings name.

use super::raw::RawSource;
use super::{Problems, Secret, Surroundings};

/// What the source is shown. Where it goes in a request is said by the source profile.
#[derive(Debug, Clone)]
pub enum SourceCredentials {
    /// A token that is sent as it is.
    Token(Secret),
    /// A key, and what some sources want beside it: a second key, or the user's address.
    Key {
        /// The key.
        key: Secret,
        /// The second secret.
        second: Option<Secret>,
    },
    /// A user who logs in.
    Password {
        /// The user's name there.
        user: String,
        /// The password.
        password: Secret,
        /// A key that is wanted beside it.
        key: Option<Secret>,
    },
    /// An app that signs in for itself.
    Client {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
    /// A grant that was given before.
    Refresh {
        /// The app that it was given to.
        client_id: Option<String>,
        /// The app's secret.
        client_secret: Option<Secret>,
        /// What access tokens are made of.
        token: Secret,
    },
}

impl SourceCredentials {
    /// A token that stays as it is.
    #[must_use]
    pub fn token(text: &str) -> Self {
        Self::Token(Secret::fixed(text.into()))
    }

    /// Their kind, in words for people.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Key { second: None, .. } => "key",
            Self::Key { .. } => "key and second secret",
            Self::Password { .. } => "user and password",
            Self::Client { .. } => "client id and secret",
            Self::Refresh { .. } => "refresh token",
        }
    }

    /// What stands for a placeholder of the profile; `None` where these credentials have no such part.
    #[must_use]
    pub fn part(&self, placeholder: &str) -> Option<&str> {
        match (self, placeholder) {
            (Self::Token(token), "token" | "key") => Some(token.expose()),
            (Self::Key { key, .. }, "key" | "token") => Some(key.expose()),
            (Self::Key { second, .. }, "second") => second.as_ref().map(Secret::expose),
            (Self::Password { user, .. }, "user") => Some(user),
            (Self::Password { password, .. }, "password") => Some(password.expose()),
            (Self::Password { key, .. }, "key") => key.as_ref().map(Secret::expose),
            (Self::Client { id, .. }, "client_id") => Some(id),
            (Self::Client { secret, .. }, "client_secret") => Some(secret.expose()),
            (Self::Refresh { client_id, .. }, "client_id") => client_id.as_deref(),
            (Self::Refresh { client_secret, .. }, "client_secret") => client_secret.as_ref().map(Secret::expose),
            (Self::Refresh { token, .. }, "refresh_token") => Some(token.expose()),
            _ => None,
        }
    }

    /// Everything that must never be shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let parts = ["token", "key", "second", "password", "client_secret", "refresh_token"];
        parts.into_iter().filter_map(|name| self.part(name))
    }
}

impl Problems {
    /// The credentials that the keys of `[source]` name.
    pub(super) fn source_credentials(
        &mut self,
        raw: &RawSource,
        surroundings: &Surroundings<'_>,
    ) -> Option<SourceCredentials> {
        let mut secret = |name: &str, variable: &Option<String>, file: &Option<std::path::PathBuf>| {
            let usual = format!("CROSSDOCK_SOURCE_{}", name.to_uppercase());
            let key = format!("source.{name}");
            self.secret((&key, variable.as_deref().unwrap_or(&usual), file.as_deref()), surroundings)
        };
        let named = |variable: &Option<String>, file: &Option<std::path::PathBuf>| variable.is_some() || file.is_some();
        let has_key = named(&raw.key_env, &raw.key_file);
        let kinds = [
            named(&raw.token_env, &raw.token_file),
            raw.user.is_some(),
            named(&raw.refresh_token_env, &raw.refresh_token_file) || raw.client_id.is_some(),
        ];
        if kinds.iter().filter(|kind| **kind).count() > 1 || (kinds[0] || kinds[2]) && has_key {
            self.0.push(
                "source: must name one kind of credentials: token, key, user, client_id or refresh_token".to_owned(),
            );
            return None;
        }
        if let Some(user) = &raw.user {
            let password = secret("password", &raw.password_env, &raw.password_file)?;
            let key = if has_key { Some(secret("key", &raw.key_env, &raw.key_file)?) } else { None };
            return Some(SourceCredentials::Password { user: user.clone(), password, key });
        }
        if named(&raw.refresh_token_env, &raw.refresh_token_file) {
            let has_secret = named(&raw.client_secret_env, &raw.client_secret_file);
            let client_secret = match has_secret {
                true => Some(secret("client_secret", &raw.client_secret_env, &raw.client_secret_file)?),
                false => None,
            };
            let token = secret("refresh_token", &raw.refresh_token_env, &raw.refresh_token_file)?;
            return Some(SourceCredentials::Refresh { client_id: raw.client_id.clone(), client_secret, token });
        }
        if let Some(id) = &raw.client_id {
            let secret = secret("client_secret", &raw.client_secret_env, &raw.client_secret_file)?;
            return Some(SourceCredentials::Client { id: id.clone(), secret });
        }
        if has_key {
            let key = secret("key", &raw.key_env, &raw.key_file)?;
            let has_second = named(&raw.second_env, &raw.second_file);
            let second = if has_second { Some(secret("second", &raw.second_env, &raw.second_file)?) } else { None };
            return Some(SourceCredentials::Key { key, second });
        }
        secret("token", &raw.token_env, &raw.token_file).map(SourceCredentials::Token)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, SourceConfig, Surroundings};

    /// The kind of credentials that some keys name, or what is wrong with them.
    fn kind(keys: &str) -> Result<&'static str, String> {
        let text = format!(
            "name = \"a\"\n[source]\naddress = \"https://crm.promox.test\"\n{keys}\n[pipedrive]\n\
             address = \"https://acme.pipedrive.com\"\nplan = \"growth\"\nseats = 5\n"
        );
        let environment = |name: &str| (name != "NOTHING").then(|| format!("secret of {name}"));
        let surroundings = Surroundings { folder: std::path::Path::new("/m"), environment: &environment };
        let config = Config::parse(&text, &surroundings).map_err(|error| error.chain())?;
        assert!(!format!("{config:?}").contains("secret of"), "{config:?}");
        let SourceConfig::Api { credentials, .. } = config.source else { panic!("an address") };
        assert!(credentials.secrets().all(|secret| secret.starts_with("secret of")));
        Ok(credentials.kind())
    }

    #[test]
    fn the_keys_say_which_credentials_there_are() {
        assert_eq!(kind("").as_deref(), Ok("token"));
        assert_eq!(kind("token_env = \"T\"").as_deref(), Ok("token"));
        assert_eq!(kind("key_env = \"K\"").as_deref(), Ok("key"));
        assert_eq!(kind("key_env = \"K\"\nsecond_env = \"S\"").as_deref(), Ok("key and second secret"));
        assert_eq!(kind("user = \"ada\"").as_deref(), Ok("user and password"));
        assert_eq!(kind("user = \"ada\"\nkey_env = \"K\"").as_deref(), Ok("user and password"));
        assert_eq!(kind("client_id = \"c\"").as_deref(), Ok("client id and secret"));
        assert_eq!(kind("client_id = \"c\"\nrefresh_token_env = \"R\"").as_deref(), Ok("refresh token"));
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let check = |keys, expected: &str| {
            let told = kind(keys).expect_err("wrong");
            assert!(told.contains(expected), "{expected} is not in {told}");
        };
        check("user = \"ada\"\npassword_env = \"NOTHING\"", "source.password: is missing");
        check("token_env = \"T\"\nuser = \"ada\"", "must name one kind of credentials");
        check("client_id = \"c\"\nkey_env = \"K\"", "must name one kind of credentials");
        check("key_env = \"NOTHING\"", "expected it in environment variable NOTHING");
    }
}
