//! XML answers as the JSON that they stand for, so that one reader reads both.
//!
//! An element with elements in it is an object, one whose elements all have one name is a list when that name is `item` or
//! comes more than once, and any other is its text. An element without anything is null. Attributes are members too.
//! Of an envelope of SOAP the one element in its body is read, or the body with its fault; no element in it is taken for a
//! list, because there a schema says which ones are.
//! Entities of a document's own are not followed.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// How deep elements may lie in one another.
const DEPTH_MAX: usize = 64;

/// Elements that are open.
#[derive(Default)]
struct Open {
    name: String,
    members: Vec<(String, Value)>,
    /// The first of the members that is an element; those before it are attributes.
    attributes: usize,
    text: String,
}

/// The document without its outermost element; `None` for what is not whole XML.
pub(in crate::source) fn read(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut finds_lists = true;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if open.len() < DEPTH_MAX => {
                finds_lists &= !(open.is_empty() && is_envelope(&start));
                open.push(begun(&start)?);
            }
            Event::Start(_) => return None,
            Event::Empty(start) => {
                let whole = begun(&start)?;
                match open.last_mut() {
                    None => return Some(content(whole.value(finds_lists), finds_lists)),
                    Some(outer) => outer.members.push((whole.name.clone(), whole.value(finds_lists))),
                }
            }
            Event::Text(text) => open.last_mut().into_iter().for_each(|own| own.text.push_str(&text)),
            Event::CData(text) => open.last_mut().into_iter().for_each(|own| own.text.push_str(&text)),
            Event::GeneralRef(entity) => {
                let own = open.last_mut()?;
                match entity.resolve_char_ref().ok()? {
                    Some(sign) => own.text.push(sign),
                    None => own.text.push_str(resolve_predefined_entity(&entity)?),
                }
            }
            Event::End(_) => {
                let whole = open.pop()?;
                match open.last_mut() {
                    None => return Some(content(whole.value(finds_lists), finds_lists)),
                    Some(outer) => outer.members.push((whole.name.clone(), whole.value(finds_lists))),
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Whether an outermost element is an envelope of SOAP, of either version.
fn is_envelope(start: &BytesStart<'_>) -> bool {
    const NAMESPACES: [&str; 2] =
        ["http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"];
    let mut attributes = start.attributes().flatten();
    start.local_name().as_ref() == "Envelope" && attributes.any(|one| NAMESPACES.contains(&one.value.as_ref()))
}

/// What is in the one element of the body of an envelope; the body itself where that is a fault.
fn content(mut whole: Value, finds_lists: bool) -> Value {
    let body = whole.get_mut("Body").and_then(Value::as_object_mut).filter(|_| !finds_lists);
    match body {
        Some(body) if body.len() == 1 && !body.contains_key("Fault") => {
            body.values_mut().next().map(Value::take).unwrap_or_default()
        }
        _ => whole,
    }
}

fn begun(start: &BytesStart<'_>) -> Option<Open> {
    let mut own = Open { name: start.local_name().as_ref().to_owned(), ..Open::default() };
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let name = attribute.key.as_ref().to_owned();
        if !name.starts_with("xmlns") && !name.contains(':') {
            let value = quick_xml::escape::unescape(&attribute.value).ok()?.into_owned();
            own.members.push((name, Value::String(value)));
        }
    }
    own.attributes = own.members.len();
    Some(own)
}

impl Open {
    fn value(self, finds_lists: bool) -> Value {
        let is_leaf = self.members.is_empty();
        if is_leaf {
            return if self.text.is_empty() { Value::Null } else { Value::String(self.text) };
        }
        let elements = &self.members[self.attributes..];
        let first = elements.first().map(|(name, _)| name.clone()).unwrap_or_default();
        let is_list = (first == "item" || elements.len() > 1) && elements.iter().all(|(name, _)| *name == first);
        if finds_lists && self.attributes == 0 && is_list {
            return Value::Array(self.members.into_iter().map(|(_, value)| value).collect());
        }
        let mut map = Map::new();
        if !self.text.trim().is_empty() {
            map.insert("value".to_owned(), Value::String(self.text));
        }
        for (name, value) in self.members {
            // An element that comes more than once beside others is a list of its own.
            match map.get_mut(&name) {
                Some(Value::Array(list)) => list.push(value),
                Some(known) => *known = Value::Array(vec![known.take(), value]),
                None => {
                    map.insert(name, value);
                }
            }
        }
        Value::Object(map)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_objects_lists_and_texts() {
        let check = |text: &str, expected: Option<Value>| assert_eq!(read(text.as_bytes()), expected, "{text}");
        check(
            "<?xml version=\"1.0\"?><r><clients><item><id>1</id><name>A &amp; B &#233;</name><x/></item></clients>\
             <total>1</total></r>",
            Some(json!({"clients": [{"id": "1", "name": "A & B é", "x": null}], "total": "1"})),
        );
        check("<r><clients></clients></r>", Some(json!({"clients": null})));
        check("<r><c id=\"1\"><n>a</n></c><c id=\"2\"/></r>", Some(json!([{"id": "1", "n": "a"}, {"id": "2"}])));
        check("<r><t>1</t><c>x</c><c>y</c></r>", Some(json!({"t": "1", "c": ["x", "y"]})));
        check("<r><t><![CDATA[<b>]]></t></r>", Some(json!({"t": "<b>"})));
        check(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:i=\"i\"><s:Body><r><a><c><n>1</n></c><c/></a>\
             <b><item>x</item></b><z i:nil=\"true\"/></r></s:Body></s:Envelope>",
            Some(json!({"a": {"c": [{"n": "1"}, null]}, "b": {"item": "x"}, "z": null})),
        );
        check(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault><faultcode>s:Client</faultcode>\
             </s:Fault></s:Body></s:Envelope>",
            Some(json!({"Body": {"Fault": {"faultcode": "s:Client"}}})),
        );
        check("<r><t>1</t>", None);
        check("<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><r>&e;</r>", None);
        check("<r>".repeat(100).as_str(), None);
        check("oops", None);
    }
}
