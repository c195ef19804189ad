//! Reads a call, and refuses what its schema does not allow.

use quick_xml::NsReader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

use super::super::errors::Fault;
use super::super::reply::Incoming;
use super::operations::{Element, Operation};
use super::{ENVELOPE, NAMESPACE};

/// An element with what is in it.
#[derive(Debug, Default)]
struct Node {
    namespace: String,
    name: String,
    text: String,
    must_be_understood: bool,
    inner: Vec<Node>,
}

/// A call that may be made.
pub(super) struct Called<'o> {
    pub(super) operation: &'o Operation,
    pub(super) values: Vec<(String, String)>,
}

/// The action that the header names, without its quotes.
pub(super) fn action(incoming: &Incoming) -> Option<&str> {
    incoming.header("soapaction")?.strip_prefix('"')?.strip_suffix('"')
}

/// The operation that the envelope names, whatever else is wrong with it.
pub(super) fn named(incoming: &Incoming) -> Option<String> {
    let envelope = parsed(&incoming.body)?;
    let body = envelope.inner.into_iter().find(|part| part.name == "Body")?;
    body.inner.into_iter().next().map(|operation| operation.name)
}

/// Reads a call.
pub(super) fn read<'o>(incoming: &Incoming, operations: &'o [Operation]) -> Result<Called<'o>, Fault> {
    let is_xml = incoming.header("content-type").is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("text/xml")
    });
    if !is_xml {
        return Err(Fault::new(415, "unsupported_media_type", "Calls are text/xml."));
    }
    let action = action(incoming).ok_or_else(|| Fault::bad("The header SOAPAction is needed, in quotes."))?;
    let envelope = parsed(&incoming.body).ok_or_else(|| Fault::bad("The envelope is not well-formed XML."))?;
    if envelope.name != "Envelope" {
        return Err(Fault::bad("The outermost element is an Envelope."));
    }
    if envelope.namespace != ENVELOPE {
        return Err(Fault::new(400, "version_mismatch", "Envelopes are those of SOAP 1.1."));
    }
    let is_of_envelope = |node: &Node| node.namespace == ENVELOPE;
    let mut parts = envelope.inner.into_iter().peekable();
    if let Some(header) = parts.next_if(|part| part.name == "Header" && is_of_envelope(part))
        && header.inner.iter().any(|block| block.must_be_understood)
    {
        return Err(Fault::new(400, "must_understand", "There is a header that is not understood."));
    }
    let body = parts.next().filter(|part| part.name == "Body" && is_of_envelope(part));
    let body = body.ok_or_else(|| Fault::bad("The envelope has a Body."))?;
    let [call] = <[Node; 1]>::try_from(body.inner).map_err(|_| Fault::bad("The Body holds one call."))?;
    let operation = operations.iter().find(|own| own.name == call.name && call.namespace == NAMESPACE);
    let operation = operation.ok_or_else(|| {
        Fault::new(400, "no_operation", format!("There is no operation {{{}}}{}.", call.namespace, call.name))
    })?;
    if action != format!("{NAMESPACE}#{}", operation.name) {
        return Err(Fault::bad(format!("SOAPAction does not name {}.", operation.name)));
    }
    let values = checked(call.inner, &operation.elements)?;
    Ok(Called { operation, values })
}

/// The values of a call in the order of its schema.
fn checked(given: Vec<Node>, declared: &[Element]) -> Result<Vec<(String, String)>, Fault> {
    let mut given = given.into_iter().peekable();
    let mut values = Vec::new();
    for element in declared {
        let own = given.next_if(|node| node.name == element.name && node.namespace == NAMESPACE);
        let Some(own) = own else {
            if element.is_required {
                return Err(Fault::bad(format!("The element {} is missing.", element.name)));
            }
            continue;
        };
        let is_right = match element.kind {
            "xsd:int" => own.text.trim().parse::<i32>().is_ok(),
            _ => element.only.is_none_or(|only| own.text == only),
        };
        if !own.inner.is_empty() || !is_right {
            return Err(Fault::bad(format!("The value of {} is not valid for its type.", element.name)));
        }
        values.push((own.name, own.text));
    }
    match given.next() {
        None => Ok(values),
        Some(node) => Err(Fault::bad(format!("The element {{{}}}{} is not expected here.", node.namespace, node.name))),
    }
}

/// The document; `None` if it is not well-formed, or has a type of its own.
fn parsed(body: &[u8]) -> Option<Node> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = NsReader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    loop {
        let (namespace, event) = reader.read_resolved_event().ok()?;
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => namespace.into_inner().to_owned(),
            ResolveResult::Unbound => String::new(),
            ResolveResult::Unknown(_) => return None,
        };
        let whole = match event {
            Event::Start(start) => {
                open.push(node(namespace, &start));
                None
            }
            Event::Empty(start) => Some(node(namespace, &start)),
            Event::End(_) => Some(open.pop()?),
            Event::Text(text) => {
                open.last_mut().into_iter().for_each(|own| own.text.push_str(&text));
                None
            }
            Event::CData(text) => {
                open.last_mut()?.text.push_str(&text);
                None
            }
            Event::GeneralRef(entity) => {
                let own = open.last_mut()?;
                match entity.resolve_char_ref().ok()? {
                    Some(sign) => own.text.push(sign),
                    None => own.text.push_str(resolve_predefined_entity(&entity)?),
                }
                None
            }
            Event::DocType(_) | Event::Eof => return None,
            _ => None,
        };
        if let Some(whole) = whole {
            match open.last_mut() {
                Some(outer) => outer.inner.push(whole),
                None => return Some(whole),
            }
        }
    }
}

fn node(namespace: String, start: &quick_xml::events::BytesStart<'_>) -> Node {
    let must_be_understood = start
        .attributes()
        .flatten()
        .any(|attribute| attribute.key.local_name().as_ref() == "mustUnderstand" && attribute.value.trim() == "1");
    Node { namespace, name: start.local_name().as_ref().to_owned(), must_be_understood, ..Node::default() }
}
