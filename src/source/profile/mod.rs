//! The source profile: what was found out about an API without a reference, written so that people can review and edit it.
//!
//! The reader of the API ([`super::api`]) is driven by a profile alone. A migration's folder may hold one as [`FILE`];
//! without it the built-in one ([`Profile::promox`]) says what the API of PromoXcrm is assumed to look like. A profile
//! never holds a secret: it says only where each one goes.

mod check;
mod edit;
mod forms;
mod read;
mod rules;
mod soap;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::Object;

pub use forms::{
    Custom, Deleted, Deletions, FileKey, Files, LinkForm, MoneyForm, RecordAt, TimeForm, TimeStyle, Total, ValueKind,
};
pub use rules::{At, Changes, Edge, List, Method, Paging, PastEnd, Proof, RowsForm, Rules, Size, Stamp, Step};
pub use soap::Soap;

/// Name of the profile in a migration's folder.
pub const FILE: &str = "source.toml";

/// The version of the format that this program writes and reads.
pub const VERSION: u32 = 1;

/// The built-in profile.
const PROMOX: &str = include_str!("promox.toml");

/// What is known about the API of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Of the format: [`VERSION`].
    pub version: u32,
    /// The address that every path below is added to. Missing: the address in the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The zone of times that name none: an IANA name or an offset such as `+02:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What somebody should know who reads this: what is odd, and what could not be found out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quirks: Vec<String>,
    /// How every request proves who asks.
    #[serde(default)]
    pub auth: Auth,
    /// Where the account says who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountAt>,
    /// The pace, and what limits look like.
    #[serde(default)]
    pub limits: Limits,
    /// What holds for every object that does not say otherwise.
    #[serde(default)]
    pub defaults: Rules,
    /// How each object is read.
    #[serde(default)]
    pub object: BTreeMap<Object, Rules>,
    /// What the findings that concern no single object rest on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// One answer that a finding rests on. Never holds a secret or a value of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What was found, in words.
    pub finding: String,
    /// Verb, path and query, without secrets.
    pub request: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// First 16 hexadecimal digits of the BLAKE3 hash of its body.
    pub hash: String,
}

/// How a request proves who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// What is put on every request; empty for an API that asks for nothing.
    #[serde(default)]
    pub send: Vec<Carrier>,
    /// The call that exchanges the credentials for a token, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

/// One place of a request that carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carrier {
    /// Which part of the request.
    pub at: Part,
    /// Name of the header, parameter or cookie; dotted path in a body. Empty for `basic`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What is written there, with [placeholders](PLACEHOLDERS): `Bearer {token}`. For `basic`: user, colon, password.
    pub value: String,
}

/// What may stand in braces in [`Carrier::value`] and [`Login::fields`]. `{token}` is what the login gave, or the token of
/// the settings where there is no login. `{beside.NAME}` is the secret that `[source.beside]` of the settings calls so.
pub const PLACEHOLDERS: &[&str] =
    &["token", "key", "second", "user", "password", "client_id", "client_secret", "refresh_token"];

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A header.
    Header,
    /// A parameter of the query.
    Query,
    /// A cookie.
    Cookie,
    /// A value in a JSON body, or an element in that of a SOAP call.
    Body,
    /// The `Authorization` header of HTTP Basic.
    Basic,
}

/// The call that gives a token or a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Its path, or its whole address.
    pub path: String,
    /// Its verb.
    pub method: Method,
    /// How the fields are sent.
    pub form: LoginForm,
    /// The fields, with placeholders.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Where the answer holds the token: a dotted path in the body, or `cookie:NAME`.
    pub token: String,
    /// Where the answer holds a new refresh token, if it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// How long a token lives, in seconds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lives_seconds: Option<u64>,
}

/// How a login sends its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginForm {
    /// A JSON object.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Parameters of the query.
    Query,
    /// HTTP Basic of the fields `user` and `password`; other fields go as a form.
    Basic,
}

/// Where the account says who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountAt {
    /// The path.
    pub path: String,
    /// Dotted path of the name.
    pub name: String,
    /// Dotted path of the time zone, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Dotted path of the currency, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// The pace, and what limits look like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Time between two requests at the fastest, in milliseconds. Missing: the pace of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_ms: Option<u64>,
    /// Time between two requests to begin with, in milliseconds, from which the pace is raised while answers come clean.
    /// Missing: [`Limits::period_ms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period_ms: Option<u64>,
    /// A header that says how long to wait, beside those that are commonly used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_header: Option<String>,
    /// Statuses besides 429 that mean "slower".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<u16>,
    /// What was seen of limits, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
}

impl Profile {
    /// The objects that the profile says how to read, in the order in which they are named in [`Object`].
    pub fn objects(&self) -> impl Iterator<Item = Object> + '_ {
        self.object.keys().copied()
    }

    /// How one object is read, with the defaults filled in.
    #[must_use]
    pub fn list(&self, object: Object) -> Option<List> {
        self.object.get(&object).map(|rules| rules.over(&self.defaults).resolved(object))
    }

    /// Moves what all objects have in common into the defaults.
    pub fn gather_defaults(&mut self) {
        if self.object.len() > 1 {
            Rules::gather(&mut self.defaults, self.object.values_mut().collect());
        }
    }
}
