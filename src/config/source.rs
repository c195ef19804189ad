//! How we prove to the source who we are, and what else its operator knows. Which kind of credentials it is follows from the
//! keys that the settings name.

use std::collections::BTreeMap;

use url::Url;

use super::raw::{RawProbe, RawSource};
use super::{Problems, Secret, Surroundings, base_url};

/// What stands before the name of a further secret in a placeholder: `{beside.company}`.
pub const BESIDE: &str = "beside.";

/// Further secrets at the most; no API is known that wants more.
const BESIDE_MAX: usize = 6;

/// What the operator knows of an API and no answer tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceHints {
    /// Further hosts that may be asked, each with its port where that is not the usual one: `api.acme.com`.
    pub hosts: Vec<String>,
    /// Where one signs in: paths of the site, or whole addresses.
    pub logins: Vec<String>,
    /// Headers that every request needs and that are no secrets, such as a version.
    pub headers: Vec<(String, String)>,
    /// Paths at which reads by POST are approved, with `*` for any segments: `*/list`, `/api/graphql`.
    pub posts: Vec<String>,
}

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
    /// Any of these, and further secrets beside it by the names that the settings give them: `company`, `email`, `app_key`.
    Beside {
        /// What they stand beside.
        first: Box<SourceCredentials>,
        /// The others.
        others: BTreeMap<String, Secret>,
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
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Beside { first, .. } => first.kind(),
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
            (Self::Beside { first, others }, _) => match placeholder.strip_prefix(BESIDE) {
                Some(name) => others.get(name).map(Secret::expose),
                None => first.part(placeholder),
            },
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
        parts
            .into_iter()
            .filter_map(|name| self.part(name))
            .chain(self.beside().filter_map(|(_, name)| self.part(&name)))
    }

    /// The further secrets: name and placeholder.
    pub fn beside(&self) -> impl Iterator<Item = (&str, String)> {
        let others = match self {
            Self::Beside { others, .. } => Some(others),
            _ => None,
        };
        others.into_iter().flatten().map(|(name, _)| (name.as_str(), format!("{BESIDE}{name}")))
    }

    /// What the further secrets stand beside; these credentials themselves where there are none.
    #[must_use]
    pub fn first(&self) -> &Self {
        match self {
            Self::Beside { first, .. } => first.first(),
            own => own,
        }
    }

    /// The same, to be changed.
    pub fn first_mut(&mut self) -> &mut Self {
        match self {
            Self::Beside { first, .. } => first.first_mut(),
            own => own,
        }
    }
}

impl Problems {
    /// The credentials that the keys of `[source]` name, with what `[source.beside]` names.
    pub(super) fn source_credentials(
        &mut self,
        raw: &RawSource,
        surroundings: &Surroundings<'_>,
    ) -> Option<SourceCredentials> {
        let first = self.first_credentials(raw, surroundings);
        let mut others = BTreeMap::new();
        if raw.beside.len() > BESIDE_MAX {
            self.add("source.beside", &raw.beside.len().to_string(), &format!("at most {BESIDE_MAX} secrets"));
        }
        for (name, place) in &raw.beside {
            let is_name = |name: &str| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            };
            if !is_name(name) {
                self.add("source.beside", name, "named in small letters, digits and underscores");
                continue;
            }
            let usual = format!("CROSSDOCK_SOURCE_{}", name.to_uppercase());
            let key = format!("source.beside.{name}");
            let variable = place.env.as_deref().unwrap_or(&usual);
            if let Some(secret) = self.secret((&key, variable, place.file.as_deref()), surroundings) {
                others.insert(name.clone(), secret);
            }
        }
        let first = first?;
        Some(if others.is_empty() { first } else { SourceCredentials::Beside { first: Box::new(first), others } })
    }

    /// What `[source.probe]` says.
    pub(super) fn source_hints(&mut self, raw: &RawProbe) -> SourceHints {
        for host in &raw.hosts {
            let is_host = Url::parse(&format!("https://{host}/"))
                .is_ok_and(|url| url.path() == "/" && url.query().is_none() && url.username().is_empty())
                && !host.contains(['/', '@', '#', '?']);
            if !is_host {
                self.add("source.probe.hosts", host, "a host, with its port where that is not the usual one");
            }
        }
        for login in &raw.logins {
            if !login.starts_with('/') && base_url(login).is_err() {
                self.add("source.probe.logins", login, "a path that begins with '/', or a whole address");
            }
        }
        for (name, value) in &raw.headers {
            if !is_header(name, value) {
                self.add("source.probe.headers", name, "a header that a request can carry");
            } else if matches!(name.to_ascii_lowercase().as_str(), "authorization" | "cookie") {
                let why = "no secret: those are named as token, key, user, client_id or beside";
                self.add("source.probe.headers", name, why);
            }
        }
        for path in &raw.posts {
            if !path.starts_with(['/', '*']) || path.contains(['?', '#', ' ']) {
                self.add("source.probe.posts", path, "a path that begins with '/' or '*', without parameters");
            }
        }
        SourceHints {
            posts: raw.posts.clone(),
            hosts: raw.hosts.clone(),
            logins: raw.logins.clone(),
            headers: raw.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }

    fn first_credentials(&mut self, raw: &RawSource, surroundings: &Surroundings<'_>) -> Option<SourceCredentials> {
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

/// Whether a request can carry a header (RFC 9110, section 5).
fn is_header(name: &str, value: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty()
        && name.bytes().all(is_token)
        && value.bytes().all(|byte| byte == b'\t' || (32..127).contains(&byte))
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
    fn further_secrets_stand_beside_any_kind() {
        assert_eq!(
            kind("token_env = \"T\"\nbeside.company.env = \"C\"\nbeside.email.env = \"E\"").as_deref(),
            Ok("token")
        );
        let client = "user = \"ada\"\nbeside.client_id.env = \"I\"\nbeside.client_secret = { env = \"S\" }";
        assert_eq!(kind(client).as_deref(), Ok("user and password"));
        let first = Box::new(super::SourceCredentials::token("t"));
        let others = std::collections::BTreeMap::from([("email".to_owned(), super::Secret::fixed("e".into()))]);
        let both = super::SourceCredentials::Beside { first, others };
        assert_eq!((both.part("token"), both.part("beside.email"), both.part("email")), (Some("t"), Some("e"), None));
        assert!(
            ["t", "e"].iter().all(|secret| both.secrets().any(|own| own == *secret)),
            "all of them are kept out of sight"
        );
    }

    #[test]
    fn what_the_operator_knows_is_checked() {
        let good = "[source.probe]\nhosts = [\"api.promox.test:8443\"]\nlogins = [\"/login\", \"https://id.promox.test/token\"]\n\
                    headers = { api-version = \"2020-01-31\" }\nposts = [\"*/list\", \"/api/graphql\"]";
        assert_eq!(kind(good).as_deref(), Ok("token"));
        let check = |keys: &str, expected: &str| {
            let told = kind(&format!("[source.probe]\n{keys}")).expect_err("wrong");
            assert!(told.contains(expected), "{expected} is not in {told}");
        };
        check("hosts = [\"https://api.promox.test\"]", "source.probe.hosts");
        check("hosts = [\"api.promox.test/v1\"]", "source.probe.hosts");
        check("logins = [\"login\"]", "source.probe.logins");
        check("logins = [\"http://id.promox.test/token\"]", "source.probe.logins");
        check("headers = { authorization = \"Bearer x\" }", "no secret");
        check("posts = [\"list\"]", "source.probe.posts");
        check("posts = [\"/list?all=1\"]", "source.probe.posts");
        check("headers = { \"a b\" = \"x\" }", "source.probe.headers");
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
        check("beside.email.env = \"NOTHING\"", "source.beside.email: is missing");
        check("beside.E-mail.env = \"E\"", "named in small letters");
    }
}
