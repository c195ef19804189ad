//! A document of XML with its names resolved, and the types of XML Schema in it, as far as calls need them.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// How deep elements may lie in one another.
const DEPTH_MAX: usize = 64;

/// How deep types are followed: one may hold itself.
const TYPES_DEEP_MAX: usize = 8;

/// Attributes whose values are names with a prefix.
const NAMES: &[&str] = &["type", "element", "base", "ref", "binding", "message"];

/// A name with its namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) space: String,
    pub(super) local: String,
}

/// An element.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) name: Name,
    attributes: BTreeMap<String, String>,
    names: BTreeMap<String, Name>,
    pub(super) inner: Vec<Node>,
}

impl Node {
    pub(super) fn is(&self, space: &str, local: &str) -> bool {
        self.name.space == space && self.name.local == local
    }

    pub(super) fn all<'n>(&'n self, space: &'n str, local: &'n str) -> impl Iterator<Item = &'n Node> {
        self.inner.iter().filter(move |node| node.is(space, local))
    }

    pub(super) fn one(&self, space: &str, local: &str) -> Option<&Node> {
        self.inner.iter().find(|node| node.is(space, local))
    }

    /// An attribute without a namespace.
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    /// An attribute that is a name.
    pub(super) fn named(&self, attribute: &str) -> Option<&Name> {
        self.names.get(attribute)
    }
}

/// The document; `None` for what is not well-formed or has a type of its own.
pub(super) fn parsed(body: &[u8]) -> Option<Node> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Node> = Vec::new();
    let mut spaces: Vec<Vec<(String, String)>> = Vec::new();
    loop {
        let whole = match reader.read_event().ok()? {
            Event::Start(start) if open.len() < DEPTH_MAX => {
                open.push(begun(&start, &mut spaces)?);
                None
            }
            Event::Empty(start) => {
                let node = begun(&start, &mut spaces)?;
                spaces.pop();
                Some(node)
            }
            Event::End(_) => {
                spaces.pop();
                Some(open.pop()?)
            }
            Event::Start(_) | Event::DocType(_) | Event::Eof => return None,
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

fn begun(start: &BytesStart<'_>, spaces: &mut Vec<Vec<(String, String)>>) -> Option<Node> {
    let mut own = Vec::new();
    let mut attributes = BTreeMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let key = attribute.key.as_ref();
        let value = quick_xml::escape::unescape(&attribute.value).ok()?.into_owned();
        match key.split_once(':') {
            _ if key == "xmlns" => own.push((String::new(), value)),
            Some(("xmlns", prefix)) => own.push((prefix.to_owned(), value)),
            Some(_) => {}
            None => drop(attributes.insert(key.to_owned(), value)),
        }
    }
    spaces.push(own);
    let resolve = |text: &str| {
        let (prefix, local) = text.split_once(':').unwrap_or(("", text));
        let declared = spaces.iter().rev().flatten().find(|(own, _)| own == prefix);
        Name { space: declared.map_or(String::new(), |(_, space)| space.clone()), local: local.to_owned() }
    };
    let names = NAMES.iter().filter_map(|name| Some(((*name).to_owned(), resolve(attributes.get(*name)?.trim()))));
    Some(Node { name: resolve(start.name().as_ref()), names: names.collect(), attributes, inner: Vec::new() })
}

/// An element that a type declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) is_required: bool,
    pub(super) is_repeated: bool,
    pub(super) is_qualified: bool,
    /// The one value that it may have, or the one that it has when nothing is said.
    pub(super) value: Option<String>,
    /// What is in it; empty where that is no element.
    pub(super) parts: Vec<Part>,
}

/// The schemas of a document.
pub(super) struct Schemas<'n> {
    elements: BTreeMap<Name, (&'n Node, bool)>,
    types: BTreeMap<Name, (&'n Node, bool)>,
}

impl<'n> Schemas<'n> {
    pub(super) fn read(schemas: impl Iterator<Item = &'n Node>) -> Self {
        let (mut elements, mut types) = (BTreeMap::new(), BTreeMap::new());
        for schema in schemas {
            let space = schema.text("targetNamespace").unwrap_or_default();
            let qualifies = schema.text("elementFormDefault") == Some("qualified");
            for node in &schema.inner {
                let Some(local) = node.text("name") else { continue };
                let name = Name { space: space.to_owned(), local: local.to_owned() };
                if node.is(XSD, "element") {
                    elements.insert(name, (node, qualifies));
                } else if node.is(XSD, "complexType") || node.is(XSD, "simpleType") {
                    types.insert(name, (node, qualifies));
                }
            }
        }
        Self { elements, types }
    }

    /// What a global element holds; `None` where it is not declared here.
    pub(super) fn parts(&self, element: &Name) -> Option<Vec<Part>> {
        let (node, qualifies) = self.elements.get(element)?;
        Some(self.parts_of_element(node, *qualifies, 0))
    }

    fn parts_of_element(&self, element: &'n Node, qualifies: bool, depth: usize) -> Vec<Part> {
        if depth > TYPES_DEEP_MAX {
            return Vec::new();
        }
        if let Some(own) = element.one(XSD, "complexType") {
            return self.parts_of_type(own, qualifies, depth);
        }
        let named = element.named("type").and_then(|name| self.types.get(name));
        named.map(|(node, qualifies)| self.parts_of_type(node, *qualifies, depth)).unwrap_or_default()
    }

    fn parts_of_type(&self, node: &'n Node, qualifies: bool, depth: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        if depth > TYPES_DEEP_MAX {
            return parts;
        }
        for inner in &node.inner {
            match inner.name.local.as_str() {
                _ if inner.name.space != XSD => {}
                "complexContent" => parts.extend(self.parts_of_type(inner, qualifies, depth)),
                "extension" => {
                    if let Some((base, qualifies)) = inner.named("base").and_then(|base| self.types.get(base)) {
                        parts.extend(self.parts_of_type(base, *qualifies, depth + 1));
                    }
                    parts.extend(self.parts_of_type(inner, qualifies, depth));
                }
                "sequence" | "all" => {
                    let mut within = self.parts_of_type(inner, qualifies, depth);
                    let is_repeated = is_many(inner);
                    let may_be_missing = inner.text("minOccurs") == Some("0");
                    for part in &mut within {
                        part.is_repeated |= is_repeated;
                        part.is_required &= !may_be_missing;
                    }
                    parts.extend(within);
                }
                // One of several: none of them is needed by itself.
                "choice" => {
                    let mut within = self.parts_of_type(inner, qualifies, depth);
                    for part in &mut within {
                        part.is_repeated |= is_many(inner);
                        part.is_required = false;
                    }
                    parts.extend(within);
                }
                "element" => parts.extend(self.part(inner, qualifies, depth)),
                _ => {}
            }
        }
        parts
    }

    fn part(&self, node: &'n Node, qualifies: bool, depth: usize) -> Option<Part> {
        let (declared, is_qualified, inner_qualifies) = match node.named("ref") {
            Some(name) => {
                let (declared, qualifies) = self.elements.get(name)?;
                (*declared, true, *qualifies)
            }
            None => (node, node.text("form").map_or(qualifies, |form| form == "qualified"), qualifies),
        };
        Some(Part {
            name: declared.text("name")?.to_owned(),
            is_required: node.text("minOccurs") != Some("0"),
            is_repeated: is_many(node),
            is_qualified,
            value: self.value(declared),
            parts: self.parts_of_element(declared, inner_qualifies, depth + 1),
        })
    }

    /// The one value of an element, where it is fixed, given when missing, or the only one of its type.
    fn value(&self, element: &'n Node) -> Option<String> {
        if let Some(value) = element.text("fixed").or_else(|| element.text("default")) {
            return Some(value.to_owned());
        }
        let of_name = || element.named("type").and_then(|name| self.types.get(name)).map(|(node, _)| *node);
        let kind = element.one(XSD, "simpleType").or_else(of_name)?;
        let mut values = kind.one(XSD, "restriction")?.all(XSD, "enumeration");
        let only = values.next()?.text("value")?;
        values.next().is_none().then(|| only.to_owned())
    }
}

fn is_many(node: &Node) -> bool {
    node.text("maxOccurs").is_some_and(|most| most != "0" && most != "1")
}
