//! Reads a WSDL 1.1: which operations a service has over SOAP 1.1, what each call takes, and what it gives.
//!
//! Only wrapped document/literal is read, which is what nearly all services are. A small reader of our own: the crates for
//! this make code at build time, and nothing is known then of the service that is probed.

use super::schema::{Name, Node, Part, Schemas, XSD, parsed};
use crate::source::profile::Soap;

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const OVER_HTTP: &str = "http://schemas.xmlsoap.org/soap/http";

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Service {
    /// The address that the description gives.
    pub(super) location: String,
    pub(super) operations: Vec<Operation>,
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) action: String,
    /// The element of the call.
    pub(super) element: Name,
    pub(super) takes: Vec<Part>,
    /// What the element of the answer holds.
    pub(super) gives: Vec<Part>,
}

/// Where an answer has its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowsAt {
    /// The path within the element of the answer.
    pub(super) path: String,
    pub(super) columns: Vec<String>,
    /// What may come more than once in a row.
    pub(super) repeated: Vec<String>,
}

/// A description: one document, or several of which one imports the others.
pub(super) struct Documents(Vec<Node>);

impl Documents {
    /// The first document; `None` for what is none.
    pub(super) fn first(body: &[u8]) -> Option<Self> {
        let root = parsed(body).filter(|root| root.is(WSDL, "definitions"))?;
        Some(Self(vec![root]))
    }

    /// Adds a document that another one imports; what is none is left out.
    pub(super) fn add(&mut self, body: &[u8]) {
        let is_one = |root: &Node| root.is(WSDL, "definitions") || root.is(XSD, "schema");
        self.0.extend(parsed(body).filter(is_one));
    }

    /// Where the documents are that these import.
    pub(super) fn imports(&self) -> Vec<&str> {
        let documents = self.all("import").filter_map(|import| import.text("location"));
        let schemas = self.schemas().flat_map(|schema| &schema.inner);
        let schemas = schemas.filter(|node| node.is(XSD, "import") || node.is(XSD, "include"));
        documents.chain(schemas.filter_map(|import| import.text("schemaLocation"))).collect()
    }

    fn definitions(&self) -> impl Iterator<Item = &Node> {
        self.0.iter().filter(|root| root.is(WSDL, "definitions"))
    }

    /// Every definition of a kind.
    fn all<'n>(&'n self, local: &'n str) -> impl Iterator<Item = &'n Node> {
        self.definitions().flat_map(move |root| root.all(WSDL, local))
    }

    fn schemas(&self) -> impl Iterator<Item = &Node> {
        let inside = self.all("types").flat_map(|types| types.all(XSD, "schema"));
        inside.chain(self.0.iter().filter(|root| root.is(XSD, "schema")))
    }

    /// The definition of a kind that has a name.
    fn named(&self, local: &str, name: &Name) -> Option<&Node> {
        self.definitions().filter(|root| root.text("targetNamespace").unwrap_or_default() == name.space).find_map(
            |root| {
                root.inner.iter().find(|node| node.is(WSDL, local) && node.text("name") == Some(name.local.as_str()))
            },
        )
    }

    /// The service that is described; `None` where there is none over SOAP 1.1.
    pub(super) fn service(&self) -> Option<Service> {
        let schemas = Schemas::read(self.schemas());
        let (binding, location) = self.bound()?;
        let port = self.named("portType", binding.named("type")?)?;
        let operations = binding.all(WSDL, "operation").filter_map(|bound| self.operation(bound, port, &schemas));
        Some(Service { location, operations: operations.collect() })
    }

    /// One operation, where it is wrapped document/literal.
    fn operation(&self, bound: &Node, port: &Node, schemas: &Schemas<'_>) -> Option<Operation> {
        let is_document = |node: &&Node| node.text("style").is_none_or(|style| style == "document");
        let soap = bound.one(SOAP, "operation").filter(is_document)?;
        let mut bodies = bound.inner.iter().flat_map(|part| part.all(SOAP, "body"));
        if bodies.any(|body| body.text("use").is_some_and(|kind| kind != "literal")) {
            return None;
        }
        let name = bound.text("name")?;
        let own = port.all(WSDL, "operation").find(|own| own.text("name") == Some(name))?;
        let element = |part: &str| self.element(own.one(WSDL, part)?.named("message")?);
        let (call, answer) = (element("input")?, element("output")?);
        Some(Operation {
            name: name.to_owned(),
            action: soap.text("soapAction").unwrap_or_default().to_owned(),
            takes: schemas.parts(&call)?,
            element: call,
            gives: schemas.parts(&answer)?,
        })
    }

    /// The first binding to SOAP 1.1 over HTTP that a service is reached by, and its address.
    fn bound(&self) -> Option<(&Node, String)> {
        let ports = self.all("service").flat_map(|service| service.all(WSDL, "port"));
        ports.into_iter().find_map(|port| {
            let location = port.one(SOAP, "address")?.text("location")?;
            let binding = self.named("binding", port.named("binding")?)?;
            let soap = binding.one(SOAP, "binding")?;
            let is_ours = soap.text("transport").is_none_or(|transport| transport == OVER_HTTP)
                && soap.text("style").is_none_or(|style| style == "document");
            is_ours.then(|| (binding, location.to_owned()))
        })
    }

    /// The element of a message that has one part.
    fn element(&self, message: &Name) -> Option<Name> {
        let mut parts = self.named("message", message)?.all(WSDL, "part");
        let element = parts.next()?.named("element")?.clone();
        parts.next().is_none().then_some(element)
    }
}

impl Operation {
    /// How it is called.
    pub(super) fn soap(&self, repeated: Vec<String>) -> Soap {
        let mut elements = Vec::new();
        each(&self.takes, "", &mut |path, _| elements.push(path.to_owned()));
        Soap {
            operation: self.element.local.clone(),
            namespace: self.element.space.clone(),
            action: self.action.clone(),
            qualified: self.takes.first().is_none_or(|part| part.is_qualified),
            elements,
            repeated,
        }
    }

    /// Every element of the call that holds a value: path and declaration. What lies in one that may be missing may be missing.
    pub(super) fn values(&self) -> Vec<(String, Part)> {
        let mut optional: Vec<String> = Vec::new();
        let mut values = Vec::new();
        each(&self.takes, "", &mut |path, part| {
            let is_within = optional.iter().any(|outer| path.starts_with(outer));
            if part.parts.is_empty() {
                let is_required = part.is_required && !is_within;
                values.push((path.to_owned(), Part { is_required, ..part.clone() }));
            } else if !part.is_required {
                optional.push(format!("{path}."));
            }
        });
        values
    }

    /// Where its answers have rows: the outermost elements that are repeated and hold others.
    pub(super) fn rows(&self) -> Option<RowsAt> {
        let mut found: Option<(usize, String, &Part)> = None;
        each(&self.gives, "", &mut |path, part| {
            let depth = path.matches('.').count();
            let is_better = found.as_ref().is_none_or(|(known, ..)| depth < *known);
            if part.is_repeated && !part.parts.is_empty() && is_better {
                found = Some((depth, path.to_owned(), part));
            }
        });
        let (_, path, row) = found?;
        let mut repeated = Vec::new();
        each(&row.parts, "", &mut |path, part| {
            if part.is_repeated {
                repeated.push(path.to_owned());
            }
        });
        let columns = row.parts.iter().map(|part| part.name.clone()).collect();
        Some(RowsAt { path, columns, repeated })
    }
}

/// Goes through elements, the outer ones first.
fn each<'p>(parts: &'p [Part], within: &str, to: &mut impl FnMut(&str, &'p Part)) {
    for part in parts {
        let path = if within.is_empty() { part.name.clone() } else { format!("{within}.{}", part.name) };
        to(&path, part);
        each(&part.parts, &path, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service with one operation whose elements are these.
    fn described(style: &str, schema: &str) -> String {
        format!(
            "<definitions xmlns='{WSDL}' xmlns:s='{SOAP}' xmlns:x='{XSD}' xmlns:t='urn:t' targetNamespace='urn:t'><types>\
             <x:schema targetNamespace='urn:t'>{schema}</x:schema></types>\
             <message name='In'><part name='p' element='t:getOrders'/></message>\
             <message name='Out'><part name='p' element='t:getOrdersResponse'/></message><portType name='P'>\
             <operation name='getOrders'><input message='t:In'/><output message='t:Out'/></operation></portType>\
             <binding name='B' type='t:P'><s:binding style='{style}'/><operation name='getOrders'>\
             <s:operation soapAction='urn:t/getOrders'/><input><s:body use='literal'/></input></operation></binding>\
             <service name='S'><port name='twelve' binding='t:B12'/><port name='B' binding='t:B'>\
             <s:address location='http://inside.test/soap'/></port></service></definitions>"
        )
    }

    const TYPES: &str = "\
        <x:element name='getOrders'><x:complexType><x:sequence><x:element ref='t:version'/>\
          <x:choice><x:element name='since' type='x:string'/><x:element name='until' type='x:string'/></x:choice>\
          <x:element name='paging' minOccurs='0'><x:complexType><x:all><x:element name='page' type='x:int'/></x:all>\
          </x:complexType></x:element><x:any/></x:sequence></x:complexType></x:element>\
        <x:element name='version' type='t:Version'/>\
        <x:simpleType name='Version'><x:restriction base='x:string'><x:enumeration value='1.0'/></x:restriction></x:simpleType>\
        <x:element name='getOrdersResponse' type='t:Answer'/>\
        <x:complexType name='Answer'><x:sequence><x:element name='total' type='x:int'/><x:element name='list'>\
          <x:complexType><x:sequence><x:element name='order' type='t:Order' maxOccurs='unbounded'/></x:sequence>\
          </x:complexType></x:element></x:sequence></x:complexType>\
        <x:complexType name='Base'><x:sequence><x:element name='id' type='x:int'/></x:sequence></x:complexType>\
        <x:complexType name='Order'><x:complexContent><x:extension base='t:Base'><x:sequence>\
          <x:element name='line' type='x:string' maxOccurs='5'/><x:element name='parent' type='t:Order' minOccurs='0'/>\
          </x:sequence></x:extension></x:complexContent></x:complexType>";

    #[test]
    fn a_description_says_what_calls_take_and_where_rows_are() {
        let service = Documents::first(described("document", TYPES).as_bytes()).and_then(|all| all.service());
        let service = service.expect("a service");
        assert_eq!(service.location, "http://inside.test/soap");
        let [operation] = service.operations.as_slice() else { panic!("{service:?}") };
        let soap = operation.soap(Vec::new());
        assert_eq!(soap.elements, ["version", "since", "until", "paging", "paging.page"]);
        assert_eq!((soap.action.as_str(), soap.qualified), ("urn:t/getOrders", true), "a ref is always qualified");
        let values = operation.values();
        let required: Vec<&str> =
            values.iter().filter(|(_, part)| part.is_required).map(|(path, _)| path.as_str()).collect();
        assert_eq!(required, ["version"], "one of a choice is none, nor is what is in an optional one");
        assert_eq!(values[0].1.value.as_deref(), Some("1.0"));
        let rows = operation.rows().expect("rows");
        assert_eq!(
            (rows.path.as_str(), rows.columns),
            ("list.order", vec!["id".into(), "line".into(), "parent".into()])
        );
        assert_eq!(rows.repeated[0], "line");
    }

    #[test]
    fn what_is_not_read_is_left_out() {
        let service = |text: &str| Documents::first(text.as_bytes()).and_then(|all| all.service());
        assert!(service(&described("rpc", TYPES)).is_none());
        let encoded = described("document", TYPES).replace("use='literal'", "use='encoded'");
        assert!(service(&encoded).is_some_and(|service| service.operations.is_empty()));
        assert!(service(&described("document", "")).is_some_and(|service| service.operations.is_empty()));
        assert!(service("<html/>").is_none() && service("{}").is_none());
    }

    #[test]
    fn types_may_be_in_a_document_of_their_own() {
        let import = "<x:import namespace='urn:t' schemaLocation='types.xsd'/>";
        let mut all = Documents::first(described("document", import).as_bytes()).expect("a description");
        assert_eq!(all.imports(), ["types.xsd"]);
        all.add(
            format!("<x:schema xmlns:x='{XSD}' xmlns:t='urn:t' targetNamespace='urn:t'>{TYPES}</x:schema>").as_bytes(),
        );
        assert_eq!(all.service().map(|service| service.operations.len()), Some(1));
    }
}
