//! Services that are called by SOAP: a description says what there is, so that nothing about the calls is guessed (source
//! API shapes, sections 2, 14 and 15).
//!
//! The description is read by GET. Every call is a POST, so that none is made where the operator did not approve the path;
//! of the operations only those are called whose name begins with a word of reading and has none of writing in it.

mod schema;
mod ways;
mod wsdl;

use bytes::Bytes;
use reqwest::Url;
use serde_json::{Map, Value};

use self::wsdl::{Documents, Operation, RowsAt, Service};
use super::guard::Guard;
use super::lists::{Call, KEPT_FOR_SHAPE, Listed, WANTED};
use super::look::{Look, Rows, id_column, look};
use super::roots::{self, Ground};
use super::sign_in::{self, SignedIn};
use super::words::{changes_by_action, folded, reads_operation};
use super::{Ended, Known, Stage, Target};
use crate::config::SourceCredentials;
use crate::error::Kind;
use crate::record::Object;
use crate::source::api::ask::address;
use crate::source::api::auth::Draft;
use crate::source::api::path::{find, put};
use crate::source::api::soap;
use crate::source::profile::{At, Auth, Method, Part as Place, RowsForm, Soap};

/// Paths at which services commonly are, looked at where nothing else shows.
const USUAL: &[&str] = &[
    "/soap",
    "/api/v1/soap",
    "/api/soap",
    "/v1/soap",
    "/api/v2/soap",
    "/rest/soap",
    "/service",
    "/services",
    "/ws",
    "/service.asmx",
    "/api.asmx",
    "/webservice.asmx",
];

/// Approved paths that are looked at for a description.
const APPROVED_MAX: usize = 3;

/// Documents that are read because another one imports them.
const IMPORTS_MAX: usize = 6;

/// Signs of a fault's text that are told.
const TOLD_MAX: usize = 200;

/// A service that was found.
pub(super) struct Described {
    /// Scheme and host.
    site: Url,
    /// Where it is called: the path, and what else the description gives.
    path: String,
    service: Service,
}

/// What lies at the address: a service where one is described, and otherwise what can be seen.
pub(super) async fn survey(guard: &mut Guard<'_>, target: &Target) -> Result<(Ground, Option<Described>), Ended> {
    let mut site = target.address.clone();
    site.set_path("");
    let approved = target.posts.iter().filter(|path| !path.contains('*') && !path.ends_with("graphql"));
    for path in approved.take(APPROVED_MAX) {
        if let Some(service) = described(guard, &site, path).await? {
            return grounded(guard, service).await;
        }
    }
    let ground = roots::survey(guard, target).await?;
    if ground.refused.is_some() || ground.is_open {
        return Ok((ground, None));
    }
    let own = target.address.path().trim_end_matches('/').to_owned();
    for path in std::iter::once(own.as_str()).filter(|path| !path.is_empty()).chain(USUAL.iter().copied()) {
        if let Some(service) = described(guard, &site, path).await? {
            return grounded(guard, service).await;
        }
    }
    Ok((ground, None))
}

/// The service that is described at a path.
async fn described(guard: &mut Guard<'_>, site: &Url, path: &str) -> Result<Option<Described>, Ended> {
    let mut url = address(site, path).map_err(Ended)?;
    url.set_query(Some("wsdl"));
    let Some(body) = document(guard, url.clone()).await? else { return Ok(None) };
    let Some(mut documents) = Documents::first(&body) else { return Ok(None) };
    let mut seen: Vec<Url> = Vec::new();
    while seen.len() < IMPORTS_MAX {
        // Only of the same host, whatever a document says.
        let imports =
            documents.imports().into_iter().filter_map(|place| address(site, url.join(place).ok()?.as_str()).ok());
        let Some(next) = imports.into_iter().find(|import| !seen.contains(import)) else { break };
        seen.push(next.clone());
        if let Some(body) = document(guard, next).await? {
            documents.add(&body);
        }
    }
    let Some(service) = documents.service() else { return Ok(None) };
    // Behind a proxy a service names a host that only it knows; it is called where it was found.
    let own = Url::parse(&service.location).ok().filter(|own| own.host_str() == url.host_str());
    let path = own.as_ref().map_or_else(|| url.path().to_owned(), crate::source::api::auth::place);
    Ok(Some(Described { site: site.clone(), path, service }))
}

/// A document by GET.
async fn document(guard: &mut Guard<'_>, url: Url) -> Result<Option<Bytes>, Ended> {
    let draft = Draft::new(Method::Get, url);
    let answer = guard.send(Stage::Evidence, "whether a service is described here", draft, None).await?;
    Ok(answer.filter(|answer| answer.status == 200).map(|answer| answer.body))
}

/// What can be seen of a service without credentials, where it may be called.
async fn grounded(guard: &mut Guard<'_>, own: Described) -> Result<(Ground, Option<Described>), Ended> {
    let url = address(&own.site, &own.path).map_err(Ended)?;
    let names = own.lists().map(|(_, operation)| operation.name.as_str()).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        return Err(Ended::new(
            Kind::Source,
            format!("the SOAP service at {} describes no operation that reads a list we know", url.path()),
        ));
    }
    if !guard.may_post(&url) {
        return Err(Ended::new(
            Kind::Settings,
            format!(
                "a SOAP service is described that reads by POST to {} ({names}), and that path is not among those that were \
                 approved; nothing was sent to it",
                url.path()
            ),
        ));
    }
    let mut ground = Ground {
        bases: vec![own.site.clone()],
        refused: Some(url),
        hints: String::new(),
        bare: None,
        refusal: None,
        is_open: false,
        is_certain: true,
        described: Vec::new(),
    };
    if let Some((operation, rows)) = own.first()
        && let Some(draft) = own.call(operation, &rows, &Auth::default())?.0
        && let Some(answer) = guard.send(Stage::Auth, "what a call without credentials answers", draft, None).await?
    {
        let seen = look(&answer);
        ground.is_open = matches!(seen, Look::Json(_));
        ground.hints = roots::hints(&answer);
        ground.refusal = Some((answer.status, answer.body.to_vec()));
        ground.bare = Some(seen);
    }
    Ok((ground, Some(own)))
}

/// Finds a way to sign in, on the call of a list.
pub(super) async fn sign_in(
    guard: &mut Guard<'_>,
    target: &Target,
    (ground, own): (&Ground, &Described),
    credentials: &SourceCredentials,
) -> Result<SignedIn, Ended> {
    let nothing = || Ended::new(Kind::Source, "the service describes no call of a list that could be made");
    let (operation, rows) = own.first().ok_or_else(nothing)?;
    let ways = ways::of_call(operation, credentials);
    let auth = ways.first().map(|way| Auth { send: way.send.clone(), login: None }).unwrap_or_default();
    let draft = own.call(operation, &rows, &auth)?.0.ok_or_else(nothing)?;
    sign_in::sign_in_on(guard, target, ground, (credentials, Some((draft, ways)))).await
}

/// Finds the lists that the service has.
pub(super) async fn discover(guard: &mut Guard<'_>, own: &Described, known: &mut Known) -> Result<(), Ended> {
    known.base = own.site.clone();
    known.quirks.push(format!("It is called by SOAP: every read is a POST to {}.", own.path));
    for (object, operation) in own.lists() {
        if guard.left() < KEPT_FOR_SHAPE {
            break;
        }
        let Some(rows) = operation.rows() else { continue };
        try_list(guard, known, (object, own), (operation, rows)).await?;
    }
    if known.lists.is_empty() {
        return Err(Ended::new(Kind::Source, "no list of the service could be read"));
    }
    Ok(())
}

async fn try_list(
    guard: &mut Guard<'_>,
    known: &mut Known,
    (object, own): (Object, &Described),
    (operation, rows): (&Operation, RowsAt),
) -> Result<(), Ended> {
    let name = list_name(&operation.name).unwrap_or_default();
    let (draft, missing) = own.call(operation, &rows, &known.auth)?;
    let Some(draft) = draft else {
        known.quirks.push(format!("{} is not called: it needs '{missing}', which is not known.", operation.name));
        return Ok(());
    };
    let body = draft.body.clone();
    let purpose = format!("whether we may read {name}");
    let Some(answer) = guard.read(Stage::Objects, &purpose, draft).await? else { return Ok(()) };
    let Look::Json(seen) = look(&answer) else {
        if let Some(fault) = soap::fault(&answer) {
            known.quirks.push(format!(
                "{} is refused: {}",
                operation.name,
                told(guard.credentials().as_ref(), &fault.text)
            ));
        }
        return Ok(());
    };
    let found = rows_of(&seen, &rows, &name);
    let call = Call { method: Method::Post, body, ..Call::default() };
    let mut list = Listed::new((object, &name, own.path.clone()), (call, At::Body), found, (&answer, seen));
    list.takes = Some(free(operation, &known.auth));
    list.rules.soap = Some(operation.soap(rows.repeated));
    let whole = std::mem::take(&mut list.bare.body);
    list.bare = list.got(answer.status, answer.headers, whole);
    list.note(guard, format!("{} rows in the first answer to {}", list.bare.ids.len(), operation.name));
    known.lists.push(list);
    Ok(())
}

/// The rows of an answer, at the place that the schema gives.
fn rows_of(body: &Value, at: &RowsAt, name: &str) -> Rows {
    let held = find(body, &at.path);
    let rows: Vec<&Map<String, Value>> = match held {
        Some(Value::Array(rows)) => rows.iter().filter_map(Value::as_object).collect(),
        Some(Value::Object(row)) => vec![row],
        _ => Vec::new(),
    };
    // Without rows their columns tell, and each is then its own value.
    let declared: Map<String, Value> = at.columns.iter().map(|name| (name.clone(), name.as_str().into())).collect();
    let id = id_column(&rows, false, name).or_else(|| id_column(&[&declared], false, name));
    Rows {
        path: at.path.clone(),
        form: RowsForm::Elements,
        row: String::new(),
        wrapped: false,
        id: id.unwrap_or_else(|| "id".to_owned()),
        is_empty: rows.is_empty(),
    }
}

impl Described {
    /// The operation that reads each object's list.
    fn lists(&self) -> impl Iterator<Item = (Object, &Operation)> {
        WANTED.iter().filter_map(|(object, names)| {
            let named = |name: &&str| {
                self.service.operations.iter().find(|operation| {
                    list_name(&operation.name).is_some_and(|own| folded(&own) == folded(name))
                        && guarded(operation)
                        && operation.rows().is_some()
                })
            };
            names.iter().find_map(named).map(|operation| (*object, operation))
        })
    }

    /// The operation that signing in is tried on.
    fn first(&self) -> Option<(&Operation, RowsAt)> {
        let usual = [Object::Owner, Object::Lead];
        let lists: Vec<_> = self.lists().collect();
        let best = usual.into_iter().find_map(|object| lists.iter().find(|(own, _)| *own == object));
        let (_, operation) = best.or(lists.first())?;
        Some((operation, operation.rows()?))
    }

    /// The call of a list, with what it needs beside the credentials; without it, what is missing.
    fn call(&self, operation: &Operation, rows: &RowsAt, auth: &Auth) -> Result<(Option<Draft>, String), Ended> {
        let is_signed = |path: &str| auth.send.iter().any(|carrier| carrier.at == Place::Body && carrier.name == path);
        let mut body = Value::Object(Map::new());
        for (path, part) in operation.values() {
            if !part.is_required || is_signed(&path) {
                continue;
            }
            match part.value {
                Some(value) => put(&mut body, &path, Value::String(value)),
                // A call without credentials is answered by a refusal, whatever else it lacks.
                None if auth.send.is_empty() => {}
                None => return Ok((None, path)),
            }
        }
        let soap: Soap = operation.soap(rows.repeated.clone());
        let mut draft = Draft::new(Method::Post, address(&self.site, &self.path).map_err(Ended)?);
        draft.call(&soap).map_err(Ended)?;
        draft.body = Some(body);
        Ok((Some(draft), String::new()))
    }
}

/// Whether everything about an operation says that it reads: its name, its element, and the action that the server may go by.
fn guarded(operation: &Operation) -> bool {
    let soap = operation.soap(Vec::new());
    let says_reading = reads_operation(&operation.name) && reads_operation(&soap.operation);
    says_reading && !changes_by_action(&soap.action) && soap.has_names()
}

/// What a list is called whose operation has such a name: `clients` of `getClients`, `listAllClients`, `getClientsList`.
fn list_name(operation: &str) -> Option<String> {
    let words = super::words::camel_words(operation);
    let mut words: Vec<&str> = words.iter().map(String::as_str).skip(1).collect();
    if words.first() == Some(&"all") {
        words.remove(0);
    }
    let is_listed = words.len() > 1 && words.last() == Some(&"list");
    if is_listed {
        words.pop();
    }
    let name = words.join("_");
    match is_listed && !name.ends_with('s') {
        true => Some(format!("{name}s")),
        false => Some(name).filter(|name| !name.is_empty()),
    }
}

/// The elements of a call that are neither credentials nor always sent.
fn free(operation: &Operation, auth: &Auth) -> Vec<String> {
    let is_signed = |path: &str| auth.send.iter().any(|carrier| carrier.at == Place::Body && carrier.name == path);
    let values = operation.values().into_iter();
    values.filter(|(path, part)| !part.is_required && !is_signed(path)).map(|(path, _)| path).collect()
}

/// The text of a fault as it may be shown: it may repeat what was sent.
fn told(credentials: Option<&SourceCredentials>, text: &str) -> String {
    let secrets = credentials.into_iter().flat_map(SourceCredentials::secrets).filter(|secret| !secret.is_empty());
    let text = secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "…"));
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TOLD_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn lists_are_called_what_their_operations_say() {
        let check = |operation: &str, expected: &str| {
            assert_eq!(list_name(operation).unwrap_or_default(), expected, "{operation}");
        };
        check("getClients", "clients");
        check("ListAllClients", "clients");
        check("getClientList", "clients");
        check("getSalesOrders", "sales_orders");
        check("get", "");
    }

    #[test]
    fn what_a_fault_repeats_of_the_secrets_is_not_shown() {
        let credentials =
            SourceCredentials::Password { user: "ada".to_owned(), password: Secret::fixed("s3cret".into()), key: None };
        let text = told(Some(&credentials), "'s3cret' is not the password of ada");
        assert_eq!(text, "'…' is not the password of ada");
        assert_eq!(told(None, &"x".repeat(10_000)).len(), TOLD_MAX);
    }
}
