//! Credentials as elements of every call (source API shapes, section 2): which of the elements that a call takes are such.

use super::super::ways::{Way, way};
use super::super::words::folded;
use super::wsdl::Operation;
use crate::config::SourceCredentials;
use crate::source::profile::{Carrier, Part};

const USERS: &[&str] = &["user", "username", "userid", "login", "loginid", "loginname", "email", "useremail"];
const PASSWORDS: &[&str] = &["password", "pass", "pwd", "passwd", "userpassword"];
const KEYS: &[&str] =
    &["key", "apikey", "token", "apitoken", "accesstoken", "authtoken", "securitytoken", "licensekey", "accesskey"];

/// The ways that the elements of a call suggest, if they do.
pub(super) fn of_call(operation: &Operation, credentials: &SourceCredentials) -> Vec<Way> {
    let values = operation.values();
    let last = |path: &str| folded(path.rsplit('.').next().unwrap_or(path));
    let has_password = values.iter().any(|(path, _)| PASSWORDS.contains(&last(path).as_str()));
    let mut send = Vec::new();
    for (path, _) in &values {
        let name = last(path);
        // Beside a password an `id` is that of who calls; elsewhere it is that of a record.
        let is_user = USERS.contains(&name.as_str()) || has_password && name == "id";
        let placeholder = match () {
            () if is_user => "user".to_owned(),
            () if PASSWORDS.contains(&name.as_str()) => "password".to_owned(),
            () if KEYS.contains(&name.as_str()) => "key".to_owned(),
            () => match credentials.beside().find(|(own, _)| folded(own) == name) {
                Some((_, placeholder)) => placeholder,
                None => continue,
            },
        };
        if credentials.part(&placeholder).is_some() {
            send.push(Carrier { at: Part::Body, name: path.clone(), value: format!("{{{placeholder}}}") });
        }
    }
    let holds_secret = send.iter().any(|carrier| carrier.value != "{user}");
    if holds_secret { vec![way("elements of every call", send)] } else { Vec::new() }
}
