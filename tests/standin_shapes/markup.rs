//! Small readers for the test client: XML into JSON, and base64.

use serde_json::{Map, Value};

/// The document as JSON: elements named `item` make an array, elements without elements are texts. Null if it is no XML.
pub(crate) fn parsed(text: &str) -> Value {
    let Some(start) = text.find("<response>") else { return Value::Null };
    element(&text[start..]).map_or(Value::Null, |(_, value, _)| value)
}

/// Name, value and rest of the element at the start.
fn element(text: &str) -> Option<(&str, Value, &str)> {
    let (name, mut rest) = text.strip_prefix('<')?.split_once('>')?;
    let end = format!("</{name}>");
    let mut members = Map::new();
    let mut items = Vec::new();
    let mut inner = String::new();
    loop {
        if let Some(after) = rest.strip_prefix(end.as_str()) {
            let value = match (items.is_empty(), members.is_empty()) {
                (false, _) => Value::Array(items),
                (true, false) => Value::Object(members),
                (true, true) => Value::from(inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")),
            };
            return Some((name, value, after));
        }
        if rest.starts_with('<') {
            let (name, value, after) = element(rest)?;
            if name == "item" {
                items.push(value);
            } else {
                members.insert(name.to_owned(), value);
            }
            rest = after;
        } else {
            let until = rest.find('<')?;
            inner.push_str(&rest[..until]);
            rest = &rest[until..];
        }
    }
}

/// Base64 as in RFC 4648, section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let joined = chunk.iter().fold(0_u32, |joined, byte| joined << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sign = SIGNS[(joined >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() { char::from(sign) } else { '=' });
        }
    }
    out
}
