//! The description of the service (WSDL 1.1): types, messages, the port type, its binding to SOAP over HTTP, the service.

use std::collections::BTreeMap;

use super::super::choices::Wsdl;
use super::super::desk::Desk;
use super::super::names;
use super::operations::{Does, Operation, operations};
use super::types::{Kind, declare_sequence};
use super::{NAMESPACE, PATH, described_list, row_kind};
use crate::record::Object;

/// What asks for the types by themselves.
pub(super) const TYPES: &str = "xsd=xsd0";

/// The whole document.
pub(super) fn document(desk: &Desk) -> String {
    let operations = operations(desk.shape);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><wsdl:definitions name=\"PromoXcrm\" targetNamespace=\"{NAMESPACE}\" \
         xmlns:tns=\"{NAMESPACE}\" xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" \
         xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><wsdl:types>"
    );
    match desk.shape.wsdl {
        Wsdl::Whole => out.push_str(&schema(desk)),
        Wsdl::Split => out.push_str(&format!(
            "<xsd:schema targetNamespace=\"{NAMESPACE}/imports\"><xsd:import namespace=\"{NAMESPACE}\" \
             schemaLocation=\"{}/{PATH}?{TYPES}\"/></xsd:schema>",
            desk.root
        )),
    }
    out.push_str("</wsdl:types>");
    for Operation { name, .. } in &operations {
        for (message, element) in
            [(format!("{name}In"), name.clone()), (format!("{name}Out"), format!("{name}Response"))]
        {
            out.push_str(&format!(
                "<wsdl:message name=\"{message}\"><wsdl:part name=\"parameters\" element=\"tns:{element}\"/></wsdl:message>"
            ));
        }
    }
    out.push_str("<wsdl:portType name=\"PromoXcrmPort\">");
    for Operation { name, .. } in &operations {
        out.push_str(&format!(
            "<wsdl:operation name=\"{name}\"><wsdl:input message=\"tns:{name}In\"/><wsdl:output message=\"tns:{name}Out\"/>\
             </wsdl:operation>"
        ));
    }
    out.push_str(
        "</wsdl:portType><wsdl:binding name=\"PromoXcrmSoap\" type=\"tns:PromoXcrmPort\"><soap:binding \
         transport=\"http://schemas.xmlsoap.org/soap/http\" style=\"document\"/>",
    );
    for Operation { name, .. } in &operations {
        out.push_str(&format!(
            "<wsdl:operation name=\"{name}\"><soap:operation soapAction=\"{NAMESPACE}#{name}\"/><wsdl:input>\
             <soap:body use=\"literal\"/></wsdl:input><wsdl:output><soap:body use=\"literal\"/></wsdl:output></wsdl:operation>"
        ));
    }
    out.push_str(&format!(
        "</wsdl:binding><wsdl:service name=\"PromoXcrm\"><wsdl:port name=\"PromoXcrmSoap\" binding=\"tns:PromoXcrmSoap\">\
         <soap:address location=\"{}/{PATH}\"/></wsdl:port></wsdl:service></wsdl:definitions>",
        desk.root
    ));
    out
}

/// The types, as a document by itself.
pub(super) fn types(desk: &Desk) -> String {
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{}", schema(desk))
}

fn schema(desk: &Desk) -> String {
    let mut out = format!(
        "<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:tns=\"{NAMESPACE}\" \
         targetNamespace=\"{NAMESPACE}\" elementFormDefault=\"qualified\">"
    );
    let mut types: BTreeMap<String, Kind> = BTreeMap::new();
    for operation in &operations(desk.shape) {
        request(&mut out, operation);
        response(&mut out, desk, operation, &mut types);
    }
    for (name, kind) in &types {
        out.push_str(&format!("<xsd:complexType name=\"{name}\">"));
        declare_sequence(&mut out, "", kind);
        out.push_str("</xsd:complexType>");
    }
    out.push_str("</xsd:schema>");
    out
}

/// The element of a call.
fn request(out: &mut String, operation: &Operation) {
    out.push_str(&format!("<xsd:element name=\"{}\"><xsd:complexType><xsd:sequence>", operation.name));
    for element in &operation.elements {
        let (name, kind) = (&element.name, element.kind);
        let occurs = if element.is_required { "" } else { " minOccurs=\"0\"" };
        match element.only {
            None => out.push_str(&format!("<xsd:element name=\"{name}\" type=\"{kind}\"{occurs}/>")),
            Some(only) => out.push_str(&format!(
                "<xsd:element name=\"{name}\"{occurs}><xsd:simpleType><xsd:restriction base=\"{kind}\">\
                 <xsd:enumeration value=\"{only}\"/></xsd:restriction></xsd:simpleType></xsd:element>"
            )),
        }
    }
    out.push_str("</xsd:sequence></xsd:complexType></xsd:element>");
}

/// The element of an answer.
fn response(out: &mut String, desk: &Desk, operation: &Operation, types: &mut BTreeMap<String, Kind>) {
    let Operation { name, object, does, .. } = operation;
    let (singular, _) = names::word(desk.shape.words, *object);
    out.push_str(&format!("<xsd:element name=\"{name}Response\"><xsd:complexType>"));
    match does {
        Does::Write => declare_sequence(out, "", &Kind::Object([("success".to_owned(), Kind::Flag)].into())),
        // The rows of lists and single records are of one type with a name.
        Does::Record => out.push_str(&format!(
            "<xsd:sequence><xsd:element name=\"{singular}\" type=\"tns:{}\"/></xsd:sequence>",
            type_name(types, desk, *object, singular)
        )),
        Does::List | Does::WriteList => declare_sequence(out, singular, &described_list(desk, *object)),
    }
    out.push_str("</xsd:complexType></xsd:element>");
}

/// The name of the type of an object's rows.
fn type_name(types: &mut BTreeMap<String, Kind>, desk: &Desk, object: Object, singular: &str) -> String {
    let name = names::capital(singular);
    types.entry(name.clone()).or_insert_with(|| row_kind(desk, object));
    name
}
