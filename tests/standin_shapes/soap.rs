//! SOAP: the description, calls as strict as real ones, pages, faults, and what counts as a write.

use crossdock::record::Object;
use crossdock::standin::promox::shapes::TrueRow;
use reqwest::Method;
use serde_json::Value;

use super::client::{Client, Read, drive};

const TNS: &str = "urn:promox:crm:1";

fn envelope(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header/><e:Body>\
         {inner}</e:Body></e:Envelope>"
    )
}

/// A call with these elements.
fn call(operation: &str, elements: &[(&str, &str)]) -> String {
    let inner: String = elements.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    envelope(&format!("<{operation} xmlns=\"{TNS}\">{inner}</{operation}>"))
}

fn text(read: &Read) -> String {
    String::from_utf8_lossy(&read.bytes).into_owned()
}

async fn sent(client: &Client, headers: &[(&str, &str)], body: String) -> Read {
    let (own, _, _) = client.credentials().await;
    let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<(&str, &str)> = own.chain(headers.iter().copied()).collect();
    client.send(Method::POST, &format!("{}/soap", client.serving.root()), &all, Some(body)).await
}

/// A call as it should be, but for its elements.
async fn ask(client: &Client, operation: &str, elements: &[(&str, &str)]) -> Read {
    let action = format!("\"{TNS}#{operation}\"");
    let headers = [("content-type", "text/xml; charset=utf-8"), ("soapaction", action.as_str())];
    sent(client, &headers, call(operation, elements)).await
}

/// The parts of an answer that lie in elements of a name.
fn rows<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    text.split(start.as_str()).skip(1).map(|rest| rest.split(end.as_str()).next().unwrap_or_default()).collect()
}

/// The plain values of a row as elements.
fn holds(row: &str, truth: &TrueRow) {
    for (name, value) in &truth.wire {
        let expected = match value {
            Value::Null => format!("<{name} xsi:nil=\"true\"/>"),
            Value::Object(_) | Value::Array(_) => format!("<{name}>"),
            Value::String(text) => format!(
                "<{name}>{}</{name}>",
                text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
            ),
            plain => format!("<{name}>{plain}</{name}>"),
        };
        assert!(row.contains(&expected), "{expected} is not in {row}");
    }
}

#[test]
fn the_description_names_every_operation_and_is_free() {
    drive("protocol=soap,auth=basic,base=api,delta=updated_after", 120, |client| async move {
        let url = format!("{}/soap?wsdl", client.serving.root());
        let read = client.bare(&url).await;
        let text = text(&read);
        assert_eq!(read.status, 200);
        for expected in [
            "<soap:operation soapAction=\"urn:promox:crm:1#getClients\"/>",
            "<wsdl:part name=\"parameters\" element=\"tns:deleteClient\"/>",
            "elementFormDefault=\"qualified\"",
            "<xsd:element name=\"page\" type=\"xsd:int\" minOccurs=\"0\"/>",
            "<xsd:element name=\"updated_after\" type=\"xsd:string\" minOccurs=\"0\"/>",
            "<xsd:element name=\"client\" type=\"tns:Client\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>",
            "style=\"document\"",
            "use=\"literal\"",
        ] {
            assert!(text.contains(expected), "{expected} is not in {text}");
        }
        assert!(text.contains(&format!("location=\"{}/soap\"", client.serving.root())), "{text}");
        assert_eq!(client.bare(&format!("{}/soap", client.serving.root())).await.status, 405);
        assert_eq!(client.bare(&format!("{}/clients", client.serving.root())).await.status, 404);
        assert_eq!(client.serving.ledger().writes, 0);
    });
}

#[test]
fn lists_are_paged_by_what_the_schema_declares() {
    for shape in ["protocol=soap,auth=basic", "protocol=soap,envelope=bare,total=none,nulls=missing,spelling=camel"] {
        drive(shape, 120, |client| async move {
            let truth = client.serving.listed(Object::Client);
            let mut seen = Vec::new();
            for page in 1..=truth.len().div_ceil(7) + 1 {
                let read = ask(&client, "getClients", &[("page", &page.to_string()), ("limit", "7")]).await;
                assert_eq!(read.status, 200, "{}", text(&read));
                seen.extend(rows(&text(&read), "client").into_iter().map(str::to_owned));
            }
            assert_eq!(seen.len(), truth.len(), "{shape}");
            for (row, own) in seen.iter().zip(&truth) {
                if shape.contains("nulls=missing") {
                    assert!(!row.contains("nil"), "{row}");
                }
                holds(row, own);
            }
            assert_eq!(client.serving.ledger().writes, 0);
        });
    }
}

/// What is not as the schema says is refused, and a refusal is a fault with status 500.
#[test]
fn calls_are_as_strict_as_the_schema() {
    drive("protocol=soap,auth=basic", 60, |client| async move {
        let quoted = format!("\"{TNS}#getClients\"");
        let (kind, action) = (("content-type", "text/xml"), ("soapaction", quoted.as_str()));
        let fault = async |what: &str, headers: &[(&str, &str)], body: String, expected: &str| {
            let read = sent(&client, headers, body).await;
            let text = text(&read);
            assert!(read.status == 500 && text.contains("<soap:Fault>") && text.contains(expected), "{what}: {text}");
        };
        let good = || call("getClients", &[("page", "1"), ("limit", "2")]);
        fault("no action", &[kind], good(), "SOAPAction").await;
        fault("no quotes", &[kind, ("soapaction", quoted.trim_matches('"'))], good(), "SOAPAction").await;
        let other = format!("\"{TNS}#getLeads\"");
        fault("another action", &[kind, ("soapaction", &other)], good(), "does not name").await;
        let elements = |elements: &[(&str, &str)]| call("getClients", elements);
        fault("unknown", &[kind, action], elements(&[("per_page", "2")]), "per_page is not expected").await;
        fault("order", &[kind, action], elements(&[("limit", "2"), ("page", "1")]), "page is not expected").await;
        fault("twice", &[kind, action], elements(&[("page", "1"), ("page", "1")]), "not expected").await;
        fault("type", &[kind, action], elements(&[("page", "one")]), "not valid").await;
        fault("namespace", &[kind, action], good().replace(TNS, "urn:other"), "no operation").await;
        let unqualified = envelope(&format!("<t:getClients xmlns:t=\"{TNS}\"><page>1</page></t:getClients>"));
        fault("unqualified", &[kind, action], unqualified, "not expected").await;
        let newer =
            good().replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
        fault("SOAP 1.2", &[kind, action], newer, "VersionMismatch").await;
        let header = good().replace("<e:Header/>", "<e:Header><x e:mustUnderstand=\"1\"/></e:Header>");
        fault("a header", &[kind, action], header, "MustUnderstand").await;
        fault("no XML", &[kind, action], "<e:Envelope".to_owned(), "well-formed").await;
        fault("a type of its own", &[kind, action], good().replace("?>", "?><!DOCTYPE e [<!ENTITY a \"b\">]>"), "well")
            .await;
        let read = sent(&client, &[("content-type", "application/json"), action], good()).await;
        assert_eq!(read.status, 415);
        let missing = ask(&client, "getClient", &[]).await;
        assert!(text(&missing).contains("clientId is missing"), "{}", text(&missing));
        assert_eq!(sent(&client, &[kind, action], good()).await.status, 200, "and one that is right");
    });
}

#[test]
fn credentials_go_where_the_shape_says() {
    drive("protocol=soap,auth=basic,www-authenticate=told", 60, |client| async move {
        let action = format!("\"{TNS}#getClients\"");
        let headers = [("content-type", "text/xml"), ("soapaction", action.as_str())];
        let url = format!("{}/soap", client.serving.root());
        let read = client.send(Method::POST, &url, &headers, Some(call("getClients", &[]))).await;
        assert_eq!(read.status, 401, "{}", text(&read));
        assert!(read.headers.contains_key("www-authenticate"));
    });
    drive("protocol=soap,auth=body", 60, |client| async move {
        let own = client.serving.credentials();
        let (user, password) = (own.user.expect("a user"), own.password.expect("a password"));
        let version = ("wsVersion", "1.0.0");
        let read = ask(&client, "getClients", &[version, ("id", &user), ("password", &password)]).await;
        assert_eq!(rows(&text(&read), "client").len(), client.serving.listed(Object::Client).len().min(25));
        let read = ask(&client, "getClients", &[version, ("id", &user)]).await;
        assert!(read.status == 500 && text(&read).contains("Credentials are needed"), "{}", text(&read));
        let read = ask(&client, "getClients", &[version, ("id", &user), ("password", "x")]).await;
        assert!(read.status == 500 && text(&read).contains("not valid"), "{}", text(&read));
        assert_eq!(client.serving.ledger().failed_logins, 1);
        let read = ask(&client, "getClients", &[("wsVersion", "2.0.0"), ("id", &user)]).await;
        assert!(text(&read).contains("wsVersion is not valid"), "{}", text(&read));
    });
}

/// Single rows, deltas, gates; and operations that would change something, which are counted whatever is wrong with them.
#[test]
fn reads_are_told_from_writes() {
    drive("protocol=soap,auth=basic,delta=updated_since,gated=commissions", 120, |client| async move {
        let truth = client.serving.listed(Object::Client);
        let one = ask(&client, "getClient", &[("clientId", &truth[0].id)]).await;
        holds(&text(&one), &truth[0]);
        let none = ask(&client, "getClients", &[("updated_since", "2030-01-01T00:00:00Z")]).await;
        assert!(text(&none).contains("<data></data>"), "{}", text(&none));
        let refused = ask(&client, "getCommissions", &[]).await;
        assert!(refused.status == 500 && text(&refused).contains("plan"), "{}", text(&refused));
        assert_eq!(client.serving.ledger().writes, 0);
        for (count, operation) in
            ["createClient", "findOrCreateClient", "archiveClients", "frobnicate"].into_iter().enumerate()
        {
            ask(&client, operation, &[("name", "x")]).await;
            assert_eq!(client.serving.ledger().writes, count as u64 + 1, "{operation}");
        }
        let (read, write) = (format!("\"{TNS}#getClients\""), format!("\"{TNS}#deleteClient\""));
        let kind = ("content-type", "text/xml");
        sent(&client, &[kind, ("soapaction", &write)], call("getClients", &[])).await;
        sent(&client, &[kind, ("soapaction", &read)], call("deleteClient", &[("clientId", "1")])).await;
        assert_eq!(client.serving.ledger().writes, 6, "whichever of the two names it");
        assert_eq!(client.serving.listed(Object::Client).len(), truth.len(), "nothing was changed");
    });
}
