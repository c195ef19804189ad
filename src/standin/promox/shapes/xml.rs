//! JSON answers as XML, for the paths that give it.

use serde_json::Value;

/// The whole document.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    element(&mut out, "response", value);
    out
}

fn element(out: &mut String, name: &str, value: &Value) {
    let name =
        if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name.to_owned() };
    out.push_str(&format!("<{name}>"));
    match value {
        Value::Null => {}
        Value::Object(members) => members.iter().for_each(|(name, value)| element(out, name, value)),
        Value::Array(items) => items.iter().for_each(|item| element(out, "item", item)),
        Value::String(text) => {
            out.push_str(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
        }
        other => out.push_str(&other.to_string()),
    }
    out.push_str(&format!("</{name}>"));
}
