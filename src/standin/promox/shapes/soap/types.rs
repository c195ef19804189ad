//! Values as elements: what kind each is, how a schema declares it, and how it is written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::super::names::capital;

/// What stands in an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing so far.
    Nothing,
    Flag,
    Whole,
    Decimal,
    Time,
    Text,
    Object(BTreeMap<String, Kind>),
    List(Box<Kind>),
}

impl Kind {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Kind::Nothing,
            Value::Bool(_) => Kind::Flag,
            Value::Number(number) if number.is_i64() || number.is_u64() => Kind::Whole,
            Value::Number(_) => Kind::Decimal,
            Value::String(text) if text.contains('T') && text.parse::<Timestamp>().is_ok() => Kind::Time,
            Value::String(_) => Kind::Text,
            Value::Array(items) => Kind::List(Box::new(items.iter().map(Kind::of).fold(Kind::Nothing, Kind::joined))),
            Value::Object(members) => {
                Kind::Object(members.iter().map(|(name, value)| (name.clone(), Kind::of(value))).collect())
            }
        }
    }

    /// What holds for both.
    pub(super) fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Kind::Nothing, kind) | (kind, Kind::Nothing) => kind,
            (Kind::Object(mut own), Kind::Object(others)) => {
                for (name, kind) in others {
                    let known = own.remove(&name).unwrap_or(Kind::Nothing);
                    own.insert(name, known.joined(kind));
                }
                Kind::Object(own)
            }
            (Kind::List(own), Kind::List(other)) => Kind::List(Box::new(own.joined(*other))),
            (Kind::Whole, Kind::Decimal) | (Kind::Decimal, Kind::Whole) => Kind::Decimal,
            (own, other) if own == other => own,
            _ => Kind::Text,
        }
    }

    /// The same with these as the items of its lists, outside of which are no others.
    pub(super) fn with_items(self, items: &Kind) -> Self {
        match self {
            Kind::List(_) => Kind::List(Box::new(items.clone())),
            Kind::Object(members) => {
                Kind::Object(members.into_iter().map(|(name, kind)| (name, kind.with_items(items))).collect())
            }
            other => other,
        }
    }

    /// Name of the items of a list in a row.
    fn item(&self) -> &'static str {
        if *self == Kind::Text { "string" } else { "item" }
    }
}

/// The name of an element: one begins with no digit.
fn element_name(name: &str) -> String {
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name.to_owned() }
}

/// A text as XML has it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

/// What stands in an element of this kind. `item` names the rows of a list; empty within rows.
pub(super) fn write_inner(out: &mut String, item: &str, kind: &Kind, value: &Value) {
    match (kind, value) {
        (Kind::Object(kinds), Value::Object(members)) => {
            for (name, kind) in kinds {
                if let Some(value) = members.get(name) {
                    write(out, item, (&element_name(name), kind), value);
                }
            }
        }
        (Kind::List(inner), Value::Array(items)) => {
            let name = if item.is_empty() { inner.item() } else { item };
            items.iter().for_each(|value| write(out, "", (name, inner), value));
        }
        (_, Value::String(text)) => out.push_str(&escaped(text)),
        (_, other) => out.push_str(&escaped(&other.to_string())),
    }
}

fn write(out: &mut String, item: &str, (name, kind): (&str, &Kind), value: &Value) {
    if value.is_null() {
        out.push_str(&format!("<{name} xsi:nil=\"true\"/>"));
        return;
    }
    out.push_str(&format!("<{name}>"));
    write_inner(out, item, kind, value);
    out.push_str(&format!("</{name}>"));
}

/// The parts of a type that has a name: its elements in a sequence.
pub(super) fn declare_sequence(out: &mut String, item: &str, kind: &Kind) {
    out.push_str("<xsd:sequence>");
    match kind {
        Kind::Object(members) => {
            for (name, kind) in members {
                declare(out, item, (&element_name(name), kind), "minOccurs=\"0\"");
            }
        }
        Kind::List(inner) => {
            let occurs = "minOccurs=\"0\" maxOccurs=\"unbounded\"";
            match item {
                "" => declare(out, "", (inner.item(), inner), occurs),
                // Rows have a type with a name, which single records have too.
                _ => out.push_str(&format!("<xsd:element name=\"{item}\" type=\"tns:{}\" {occurs}/>", capital(item))),
            }
        }
        _ => {}
    }
    out.push_str("</xsd:sequence>");
}

/// Declares an element.
fn declare(out: &mut String, item: &str, (name, kind): (&str, &Kind), occurs: &str) {
    let plain = match kind {
        Kind::Flag => "xsd:boolean",
        Kind::Whole => "xsd:long",
        Kind::Decimal => "xsd:decimal",
        Kind::Time => "xsd:dateTime",
        Kind::Nothing | Kind::Text => "xsd:string",
        Kind::Object(_) | Kind::List(_) => {
            out.push_str(&format!("<xsd:element name=\"{name}\" {occurs} nillable=\"true\"><xsd:complexType>"));
            declare_sequence(out, item, kind);
            out.push_str("</xsd:complexType></xsd:element>");
            return;
        }
    };
    out.push_str(&format!("<xsd:element name=\"{name}\" type=\"{plain}\" {occurs} nillable=\"true\"/>"));
}
