//! SOAP 1.1 with a WSDL 1.1 that describes it: wrapped document/literal, one service, one path (section 15).
//!
//! Lists, pages, filters and totals are those of the shape, as elements that the schema declares. Like the real ones it is
//! strict: what the schema does not declare, in its order and its namespace, is a fault.

mod call;
mod operations;
mod types;
mod wsdl;

use serde_json::{Map, Value, json};

use self::call::Called;
use self::operations::{Does, Operation, operations};
use self::types::Kind;
use super::auth;
use super::choices::{Auth, Wsdl};
use super::desk::Desk;
use super::envelope;
use super::errors::Fault;
use super::names;
use super::reply::{Body, Incoming, Params, Purpose, Reply};
use super::route::Route;
use super::serve::{Shared, State};
use super::shape::Shape;
use crate::clock::Moment;
use crate::record::Object;

/// The path of the service below the base.
pub(super) const PATH: &str = "soap";

/// Namespace of the service's own elements.
const NAMESPACE: &str = "urn:promox:crm:1";

/// Namespace of envelopes (SOAP 1.1, section 4).
const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// Namespace of `nil` (XML Schema, part 1, section 2.6.2).
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

const XML: &str = "text/xml; charset=utf-8";

/// Answers a request below the base of the API.
pub(super) fn answer(
    state: &mut State,
    shared: &Shared,
    (incoming, below, root): (&Incoming, &str, &str),
    now: Moment,
) -> (Reply, Option<Object>) {
    let shape = state.shape.clone();
    if below != PATH {
        return (Reply::typed(404, "text/plain", "Not Found"), None);
    }
    if matches!(incoming.method.as_str(), "GET" | "HEAD") {
        let is_asked = incoming.query.split('&').any(|part| part.eq_ignore_ascii_case("wsdl"));
        let reply = match is_asked {
            _ if shape.wsdl == Wsdl::Split && incoming.query == wsdl::TYPES => {
                Reply::typed(200, XML, wsdl::types(&state.desk(shared, root)))
            }
            true => Reply::typed(200, XML, wsdl::document(&state.desk(shared, root))),
            false => Reply::typed(405, "text/plain", "Calls are POSTs; the description is at ?wsdl."),
        };
        return (reply, None);
    }
    match called(state, shared, (incoming, root), now) {
        Ok(done) => done,
        Err(fault) => {
            let mut reply = fault.reply(&shape);
            if let (401, Some(scheme)) = (reply.status, auth::challenge(&shape)) {
                reply = reply.header("www-authenticate", scheme);
            }
            (reply, None)
        }
    }
}

fn called(
    state: &mut State,
    shared: &Shared,
    (incoming, root): (&Incoming, &str),
    now: Moment,
) -> Result<(Reply, Option<Object>), Fault> {
    let shape = state.shape.clone();
    if incoming.method != "POST" {
        return Err(Fault::new(405, "method_not_allowed", "Calls are POSTs."));
    }
    let is_by_header = shape.auth != Auth::Body;
    if is_by_header {
        state.gate.admit(&shape, incoming, &mut incoming.params(), now)?;
    }
    let operations = operations(&shape);
    let Called { operation, values } = call::read(incoming, &operations)?;
    let mut params = Params::of_pairs(values);
    if !is_by_header {
        state.gate.admit(&shape, incoming, &mut params, now)?;
        params.take("wsVersion");
    }
    let desk = state.desk(shared, root);
    match operation.does {
        Does::Write => {
            let reply = written(&operation.name, "", &Kind::of(&json!({"success": true})), &json!({"success": true}));
            Ok((reply.of(Purpose::Write), None))
        }
        Does::WriteList => {
            let body = envelope::list(&shape, operation.object, Vec::new(), Vec::new());
            Ok((written(&operation.name, "", &Kind::of(&body), &body).of(Purpose::Write), None))
        }
        Does::List => {
            let object = operation.object;
            let reply = desk.read(&Route::List(object), incoming, &mut params)?;
            let Body::Json(body) = &reply.body else { return Ok((reply, Some(object))) };
            let (singular, _) = names::word(shape.words, object);
            let reply = written(&operation.name, singular, &list_kind(&desk, object, body), body).holding(reply.rows);
            Ok((reply, Some(object)))
        }
        Does::Record => {
            let (singular, _) = names::word(shape.words, operation.object);
            let id = params.take(&operations::id_element(singular)).unwrap_or_default();
            desk.gated(operation.object)?;
            let row = desk.find(operation.object, &id, false)?;
            let row = Value::Object(desk.listed_row(&desk.wire(true), operation.object, row));
            let kind = Kind::Object([(singular.to_owned(), row_kind(&desk, operation.object))].into());
            Ok((written(&operation.name, "", &kind, &json!({singular: row})).holding(1), None))
        }
    }
}

/// What the answer to a list holds.
fn list_kind(desk: &Desk, object: Object, body: &Value) -> Kind {
    Kind::of(body).with_items(&row_kind(desk, object))
}

/// The same before anybody asked for it.
fn described_list(desk: &Desk, object: Object) -> Kind {
    let nobody = Incoming::default();
    let read = desk.read(&Route::List(object), &nobody, &mut Params::default());
    let body = match read.map(|reply| reply.body) {
        Ok(Body::Json(body)) => body,
        _ => envelope::list(desk.shape, object, vec![(String::new(), Map::new())], Vec::new()),
    };
    list_kind(desk, object, &body)
}

/// What the rows of an object hold.
fn row_kind(desk: &Desk, object: Object) -> Kind {
    let wire = desk.wire(true);
    let rows = desk.store.rows(object).iter();
    rows.map(|row| Kind::of(&Value::Object(desk.listed_row(&wire, object, row)))).fold(Kind::Nothing, Kind::joined)
}

/// An answer in its envelope.
fn written(operation: &str, item: &str, kind: &Kind, body: &Value) -> Reply {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{ENVELOPE}\" xmlns:xsi=\"{INSTANCE}\">\
         <soap:Body><{operation}Response xmlns=\"{NAMESPACE}\">"
    );
    types::write_inner(&mut out, item, kind, body);
    out.push_str(&format!("</{operation}Response></soap:Body></soap:Envelope>"));
    Reply::typed(200, XML, out)
}

/// An error as SOAP writes it (SOAP 1.1, sections 4.4 and 6.2): with status 500 whatever it is, but for what HTTP itself
/// refuses.
pub(super) fn fault(shape: &Shape, fault: &Fault) -> Reply {
    let is_of_http = matches!(fault.status, 405 | 415) || fault.status == 401 && shape.auth != Auth::Body;
    let status = if is_of_http { fault.status } else { 500 };
    let code = match fault.code {
        "version_mismatch" => "VersionMismatch",
        "must_understand" => "MustUnderstand",
        _ if fault.status >= 500 => "Server",
        _ => "Client",
    };
    let (message, detail) = (types::escaped(&fault.message), fault.code);
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{ENVELOPE}\"><soap:Body><soap:Fault>\
         <faultcode>soap:{code}</faultcode><faultstring>{message}</faultstring><detail><code xmlns=\"{NAMESPACE}\">\
         {detail}</code></detail></soap:Fault></soap:Body></soap:Envelope>"
    );
    Reply::typed(status, XML, text)
}

/// What a POST to the service was for: a read only where both its envelope and its header name one.
pub(super) fn purpose(shape: &Shape, incoming: &Incoming) -> Purpose {
    let operations = operations(shape);
    let does = |name: Option<String>| {
        let own = operations.iter().find(|own| Some(&own.name) == name.as_ref());
        own.is_some_and(|own: &Operation| matches!(own.does, Does::List | Does::Record))
    };
    let action = call::action(incoming).and_then(|action| action.rsplit('#').next().map(str::to_owned));
    match does(call::named(incoming)) && action.is_none_or(|action| does(Some(action))) {
        true => Purpose::Read,
        false => Purpose::Write,
    }
}
