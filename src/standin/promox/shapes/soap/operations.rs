//! What the service can do, and which elements each call has, in the order of its schema.

use super::super::choices::*;
use super::super::dimension::Dimension as _;
use super::super::names::{self, capital};
use super::super::paging;
use super::super::route::is_served;
use super::super::schema::SERVED;
use super::super::shape::Shape;
use crate::record::Object;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    List,
    Record,
    /// It would change something; answered, counted, and nothing is changed.
    Write,
    /// The same, called and answered like a list.
    WriteList,
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) object: Object,
    pub(super) does: Does,
    pub(super) elements: Vec<Element>,
}

/// An element of a call.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) name: String,
    /// Its type in XML Schema.
    pub(super) kind: &'static str,
    pub(super) is_required: bool,
    /// The one value that it may have.
    pub(super) only: Option<&'static str>,
}

fn element(name: &str, kind: &'static str, is_required: bool) -> Element {
    Element { name: name.to_owned(), kind, is_required, only: None }
}

/// Every operation.
pub(super) fn operations(shape: &Shape) -> Vec<Operation> {
    let mut all = Vec::new();
    for object in SERVED.iter().copied().filter(|object| is_served(shape, *object)) {
        let (singular, plural) = names::word(shape.words, object);
        let (one, many) = (capital(singular), capital(plural));
        let mut add = |name: String, does: Does, own: Vec<Element>| {
            let elements = [credentials(shape), own].concat();
            all.push(Operation { name, object, does, elements });
        };
        let id = || element(&id_element(singular), "xsd:string", true);
        let name = || element("name", "xsd:string", true);
        add(format!("archive{many}"), Does::WriteList, list(shape, object));
        add(format!("create{one}"), Does::Write, vec![name()]);
        add(format!("delete{one}"), Does::Write, vec![id()]);
        add(format!("findOrCreate{one}"), Does::Write, vec![name()]);
        add(format!("get{many}"), Does::List, list(shape, object));
        add(format!("get{one}"), Does::Record, vec![id()]);
        add(format!("update{one}"), Does::Write, vec![id(), name()]);
    }
    all
}

/// The element with the id of one record.
pub(super) fn id_element(singular: &str) -> String {
    format!("{singular}Id")
}

/// Credentials in every call, and the version of the service beside them, as PromoStandards has them.
fn credentials(shape: &Shape) -> Vec<Element> {
    if shape.auth != Auth::Body {
        return Vec::new();
    }
    let version = Element { only: Some("1.0.0"), ..element("wsVersion", "xsd:string", true) };
    vec![version, element("id", "xsd:string", true), element("password", "xsd:string", false)]
}

/// What a list can be asked for.
fn list(shape: &Shape, object: Object) -> Vec<Element> {
    let whole = |name: &str| element(name, "xsd:int", false);
    let text = |name: &str| element(name, "xsd:string", false);
    let mut elements = Vec::new();
    match paging::style(shape, object) {
        Paging::Page => elements.push(whole(shape.page_param.text())),
        Paging::Offset => elements.push(whole(shape.offset_param.text())),
        Paging::Cursor => elements.push(text(paging::cursor_param(shape.cursor_form))),
        Paging::Keyset => elements.push(text(shape.keyset_param.text())),
        Paging::NextUrl | Paging::Link | Paging::None => {}
    }
    if paging::style(shape, object) != Paging::None && shape.size_param != SizeParam::None {
        elements.push(whole(shape.size_param.text()));
    }
    match shape.sort {
        SortParam::None => {}
        SortParam::SortBy => elements.extend([text("sort_by"), text("sort_order")]),
        named => elements.push(text(named.text())),
    }
    if shape.delta != Delta::None {
        elements.push(text(shape.delta.text()));
    }
    elements
}
