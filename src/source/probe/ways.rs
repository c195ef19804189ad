//! Ways to show a secret: in which parts of a request it may go, and under which names.
//!
//! Where a secret may go under one of many names, one way carries it under all of them: a name that nobody looks at is no
//! failed attempt, and what is not needed is taken away again once the whole is let in.

use super::words::{KEY_HEADERS, KEY_PARAMETERS, folded};
use crate::config::SourceCredentials;
use crate::source::profile::{Carrier, Login, Part};

/// Headers and parameters for a second secret of which nothing is known.
const SECOND_HEADERS: &[&str] = &[
    "x-user-email",
    "x-pw-useremail",
    "x-api-secret",
    "x-app-key",
    "x-app-id",
    "x-secret",
    "api-secret",
    "app-key",
    "x-company",
    "x-account-id",
    "x-email",
];
const SECOND_PARAMETERS: &[&str] =
    &["app_key", "appKey", "api_secret", "secret", "app_id", "email", "company", "account"];

/// Cookies in which a key may go.
const KEY_COOKIES: &[&str] = &["api_key", "token"];

/// Further names for what the settings call so: of headers, then of parameters.
const SYNONYMS: &[(&str, &[&str], &[&str])] = &[
    ("email", &["x-user-email", "x-pw-useremail", "user-email"], &["user_email", "user"]),
    ("user", &["x-user", "x-user-id", "x-username"], &["username", "login"]),
    ("company", &["x-company-id", "x-account", "x-account-id", "x-tenant"], &["company_id", "account", "tenant"]),
    ("account", &["x-account-id", "x-tenant", "x-company"], &["account_id", "tenant", "company"]),
    ("tenant", &["x-tenant-id", "x-account", "x-company"], &["tenant_id", "account", "company"]),
    ("app_key", &["x-application-key", "x-app-id"], &["application_key", "app_id"]),
    ("api_secret", &["x-secret", "x-api-secret-key"], &["secret"]),
];

/// A way to be tried: what is sent, of which some under one of several names.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// In words.
    pub(super) name: &'static str,
    /// Carriers, any of which may be the one that counts.
    pub(super) send: Vec<Carrier>,
    pub(super) login: Option<Login>,
}

pub(super) fn way(name: &'static str, send: Vec<Carrier>) -> Way {
    Way { name, send, login: None }
}

fn carriers<'n>(at: Part, names: impl IntoIterator<Item = &'n str>, value: &str) -> Vec<Carrier> {
    let carrier = |name: &str| Carrier { at, name: name.to_owned(), value: value.to_owned() };
    names.into_iter().map(carrier).collect()
}

fn authorization(value: String) -> Carrier {
    Carrier { at: Part::Header, name: "Authorization".to_owned(), value }
}

pub(super) fn basic(value: &str) -> Carrier {
    Carrier { at: Part::Basic, name: String::new(), value: value.to_owned() }
}

/// What a carrier shows: its placeholder.
pub(super) fn shows(carrier: &Carrier) -> &str {
    let inner = carrier.value.split_once('{').map_or("", |(_, rest)| rest);
    inner.split_once('}').map_or("", |(name, _)| name)
}

/// Ways for one secret that is sent as it is, the likeliest first (source API shapes, section 2). `own` is its placeholder.
pub(super) fn key_ways(own: &str, hints: &str) -> Vec<Way> {
    let named = named_headers(hints);
    let own_headers = || {
        let names = named.iter().map(String::as_str).chain(KEY_HEADERS.iter().copied());
        [carriers(Part::Header, names, own), carriers(Part::Cookie, KEY_COOKIES.iter().copied(), own)].concat()
    };
    let parameters = || carriers(Part::Query, KEY_PARAMETERS.iter().copied(), own);
    let scheme = |scheme: &str| authorization(format!("{scheme}{own}"));
    let mut ways = vec![
        way("bearer token", vec![scheme("Bearer ")]),
        way(
            "a header of its own, or the Authorization header as Token",
            [own_headers(), vec![scheme("Token ")]].concat(),
        ),
        way("HTTP Basic, the key as the user", vec![basic(&format!("{own}:"))]),
        way("a parameter of the query, or the Authorization header, raw", [parameters(), vec![scheme("")]].concat()),
        way("the Authorization header as Token token=", vec![scheme("Token token=")]),
        way("the Authorization header as Key", vec![scheme("Key ")]),
        way("the Authorization header as AccessKey", vec![scheme("AccessKey ")]),
    ];
    // What the refusal speaks of goes first.
    let rank = |way: &Way| match way.name {
        "HTTP Basic, the key as the user" if hints.starts_with("basic") => 0,
        "a header of its own, or the Authorization header as Token"
            if hints.starts_with("token") || hints.contains("x-api-key") || !named.is_empty() =>
        {
            0
        }
        "a parameter of the query, or the Authorization header, raw"
            if hints.contains("query") || hints.contains("parameter") =>
        {
            0
        }
        "bearer token" if hints.contains("bearer") => 0,
        _ => 1,
    };
    ways.sort_by_key(rank);
    ways
}

/// Ways for sources whose refusals cannot be told from their other answers, so that each look at a path must do for many
/// ways: those for the likeliest place, and those for the others. A parameter that is not known may be one more answer that
/// cannot be told from the others, so that parameters are used at the likeliest place only, after everything else. `login`
/// and `cookie` are those of a secret that a login gave.
pub(super) fn mute_ways(own: &str, login: Option<&Login>, cookie: Option<&str>) -> (Vec<Way>, Vec<Way>) {
    let named = cookie.and_then(|cookie| cookie.strip_prefix("cookie:"));
    let cookies = KEY_COOKIES.iter().copied().chain(named);
    let headers =
        [carriers(Part::Header, KEY_HEADERS.iter().copied(), own), carriers(Part::Cookie, cookies, own)].concat();
    let parameters = carriers(Part::Query, KEY_PARAMETERS.iter().copied(), own);
    let bearer = || vec![authorization(format!("Bearer {own}"))];
    let raw = || vec![authorization(own.to_owned())];
    let of = |name: &'static str, send: Vec<Carrier>| Way { name, send, login: login.cloned() };
    let in_headers = of("a key in any header", [bearer(), headers.clone()].concat());
    let anywhere = of("a key in any header or parameter", [bearer(), headers.clone(), parameters].concat());
    match login {
        None => (vec![in_headers.clone(), anywhere], vec![in_headers]),
        Some(_) => {
            let raw = of("a token in any header, raw", [raw(), headers].concat());
            (vec![in_headers.clone(), raw.clone(), anywhere], vec![in_headers, raw])
        }
    }
}

/// Names of headers that a refusal speaks of.
fn named_headers(hints: &str) -> Vec<String> {
    hints
        .split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-' && sign != '_')
        .filter(|word| word.starts_with("x-") && word.len() > 4 && !KEY_HEADERS.contains(word))
        .map(str::to_owned)
        .collect()
}

/// Ways for a user with a password, and perhaps a key.
pub(super) fn password_ways(has_key: bool) -> Vec<Way> {
    let pair = || basic("{user}:{password}");
    let mut ways = vec![way("HTTP Basic", vec![pair()])];
    if has_key {
        let keys = || carriers(Part::Header, KEY_HEADERS.iter().copied(), "{key}");
        ways.insert(0, way("HTTP Basic with a key", [keys(), vec![pair()]].concat()));
        ways.push(way("HTTP Basic with three parts", vec![basic("{key}:{user}:{password}")]));
    }
    let users = carriers(Part::Query, ["login", "username", "user", "email"], "{user}");
    ways.push(way(
        "user and password in the query",
        [users, carriers(Part::Query, ["password"], "{password}")].concat(),
    ));
    ways
}

/// Ways for an app that shows itself without asking for a token.
pub(super) fn client_ways() -> Vec<Way> {
    let ids = carriers(Part::Header, ["client-id", "x-client-id", "client_id"], "{client_id}");
    let secrets = carriers(Part::Header, ["client-secret", "x-client-secret", "client_secret"], "{client_secret}");
    vec![
        way("HTTP Basic", vec![basic("{client_id}:{client_secret}")]),
        way("id and secret in headers", [ids, secrets].concat()),
    ]
}

/// What shows the secrets that stand beside the others, each wherever it may go.
pub(super) fn beside(credentials: &SourceCredentials) -> Vec<Carrier> {
    let mut all = Vec::new();
    if credentials.part("second").is_some() {
        all.extend(carriers(Part::Header, SECOND_HEADERS.iter().copied(), "{second}"));
        all.extend(carriers(Part::Query, SECOND_PARAMETERS.iter().copied(), "{second}"));
    }
    for (name, placeholder) in credentials.beside() {
        let value = format!("{{{placeholder}}}");
        let dashed = name.replace('_', "-");
        let known = SYNONYMS.iter().find(|(own, ..)| folded(own) == folded(name));
        let (headers, parameters) =
            known.map_or((&[][..], &[][..]), |(_, headers, parameters)| (*headers, *parameters));
        let own_headers = [format!("x-{dashed}"), dashed.clone(), name.to_owned()];
        let own_parameters = [name.to_owned(), camel(name), dashed];
        let mut names: Vec<&str> = own_headers.iter().map(String::as_str).chain(headers.iter().copied()).collect();
        names.dedup();
        all.extend(carriers(Part::Header, names, &value));
        let mut names: Vec<&str> =
            own_parameters.iter().map(String::as_str).chain(parameters.iter().copied()).collect();
        names.dedup();
        all.extend(carriers(Part::Query, names, &value));
    }
    all
}

/// How a token that a login gave may be sent. `cookie` is a cookie that the login set, as the profile names it.
pub(super) fn token_ways(login: &Login, cookie: Option<&str>) -> Vec<Way> {
    let by_cookie = |named: &str| {
        let name = named.strip_prefix("cookie:").unwrap_or(named);
        let login = Login { token: format!("cookie:{name}"), ..login.clone() };
        Way { name: "login, then a cookie", send: carriers(Part::Cookie, [name], "{token}"), login: Some(login) }
    };
    let mut ways: Vec<Way> = Vec::new();
    if login.token.starts_with("cookie:") {
        ways.push(by_cookie(&login.token));
    }
    let raw = authorization("{token}".to_owned());
    let headers = carriers(Part::Header, KEY_HEADERS.iter().copied(), "{token}");
    let parameters = carriers(Part::Query, KEY_PARAMETERS.iter().copied(), "{token}");
    let of_token = [
        way("login, then a bearer token", vec![authorization("Bearer {token}".to_owned())]),
        way("login, then a header of its own, or the Authorization header, raw", [headers, vec![raw]].concat()),
        way("login, then a parameter of the query", parameters),
    ];
    ways.extend(of_token.into_iter().map(|way| Way { login: Some(login.clone()), ..way }));
    if let Some(cookie) = cookie.filter(|cookie| *cookie != login.token) {
        ways.insert(1, by_cookie(cookie));
    }
    ways
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut signs = word.chars();
        out.extend(signs.next().into_iter().flat_map(char::to_uppercase));
        out.extend(signs);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Secret;

    #[test]
    fn what_a_refusal_speaks_of_goes_first() {
        let first = |hints: &str| key_ways("{token}", hints).first().map(|way| way.name);
        assert_eq!(first(""), Some("bearer token"));
        assert_eq!(first("basic realm=\"x\"\n"), Some("HTTP Basic, the key as the user"));
        assert_eq!(
            first("\n{\"error\":\"send x-acme-key\"}"),
            Some("a header of its own, or the Authorization header as Token")
        );
        let ways = key_ways("{token}", "\nsend x-acme-key");
        assert_eq!(ways[0].send[0].name, "x-acme-key");
    }

    #[test]
    fn secrets_beside_go_under_the_names_that_they_have() {
        let others = BTreeMap::from([("app_key".to_owned(), Secret::fixed("k".into()))]);
        let credentials = SourceCredentials::Beside { first: Box::new(SourceCredentials::token("t")), others };
        let all = beside(&credentials);
        let has = |at: Part, name: &str| all.iter().any(|carrier| carrier.at == at && carrier.name == name);
        assert!(has(Part::Header, "x-app-key") && has(Part::Query, "app_key") && has(Part::Query, "appKey"), "{all:?}");
        assert!(all.iter().all(|carrier| carrier.value == "{beside.app_key}" && shows(carrier) == "beside.app_key"));
        assert!(beside(&SourceCredentials::token("t")).is_empty());
    }
}
