//! Everything that is not plain REST.

use crossdock::record::Object;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, at, drive};

const ODATA4: &str = "protocol=odata4,delta=expression";
const GRAPHQL: &str = "protocol=graphql,delta=expression";
const RPC: &str = "protocol=rpc";

/// Every row once, in the protocol's own way.
async fn whole(client: &Client) {
    for object in [Object::Client, Object::Project, Object::Note, Object::Owner] {
        let walked = client.walk(object).await.len();
        assert_eq!(walked, client.serving.listed(object).len(), "{} {object}", client.shape);
    }
    assert_eq!(client.serving.ledger().writes, 0);
}

#[test]
fn odata_answers_as_odata() {
    drive(ODATA4, 300, |client| async move {
        whole(&client).await;
        let sets = client.get("").await;
        assert!(sets.body["value"].as_array().is_some_and(|sets| sets.iter().any(|set| set["name"] == "clients")));
        let metadata = client.get("$metadata").await;
        assert!(String::from_utf8_lossy(&metadata.bytes).contains("<EntitySet Name=\"clients\""));
        let all = client.serving.listed(Object::Client);
        let read = client.get("clients?$count=true&$top=2&$skip=1").await;
        assert_eq!(read.body["@odata.count"], json!(all.len()));
        assert_eq!(read.body["value"].as_array().map(Vec::len), Some(2));
        assert!(read.body.get("@odata.nextLink").is_none(), "two were asked for");
        let one = client.get(&format!("clients({})", all[0].id)).await;
        assert_eq!(one.body["id"].to_string(), all[0].id);
        let newest =
            client.get("clients?$orderby=updated_at%20desc&$top=1").await.body["value"][0]["updated_at"].clone();
        let newest = newest.as_str().expect("a time").to_owned();
        let since = client.get(&format!("clients?$filter=updated_at%20ge%20{newest}")).await;
        assert_eq!(since.body["value"].as_array().map(Vec::len), Some(1));
        assert_eq!(client.get("clients?$frobnicate=1").await.status, 400);
    });
    drive("protocol=odata2,dates=json", 300, |client| async move {
        whole(&client).await;
        let read = client.get("clients?$inlinecount=allpages").await;
        assert_eq!(read.body["d"]["__count"], json!(client.serving.listed(Object::Client).len().to_string()));
        assert!(read.body["d"]["results"][0]["updated_at"].as_str().is_some_and(|text| text.starts_with("/Date(")));
    });
}

#[test]
fn graphql_answers_questions_and_names_its_schema() {
    drive(GRAPHQL, 300, |client| async move {
        whole(&client).await;
        let url = format!("{}/graphql", client.serving.root());
        let ask = async |query: &str| client.call(Method::POST, &url, &[], Some(json!({"query": query}))).await.body;
        let schema = ask("{ __schema { queryType { name } types { name kind fields { name args { name } type { ...T } } } } } fragment T on __Type { kind name ofType { kind name } }").await;
        let types = at(&schema, "data.__schema.types").as_array().cloned().unwrap_or_default();
        let client_type = types.iter().find(|one| one["name"] == "Client").expect("the type is there");
        assert!(
            client_type["fields"]
                .as_array()
                .is_some_and(|fields| fields.iter().any(|field| field["name"] == "first_name"))
        );
        let id = client.serving.listed(Object::Client)[0].id.clone();
        let one = ask(&format!("{{ it: client(id: \"{id}\") {{ id first_name }} }}")).await;
        assert_eq!(one["data"]["it"]["id"].to_string(), id);
        let edges = ask("{ clients(first: 2) { edges { cursor node { id } } totalCount } }").await;
        assert_eq!(at(&edges, "data.clients.edges").as_array().map(Vec::len), Some(2));
        for wrong in
            ["{ clients { nodes { nothing } } }", "{ nothing { id } }", "{ clients(size: 2) { totalCount } }", "{"]
        {
            assert!(ask(wrong).await["errors"][0]["message"].is_string(), "{wrong}");
        }
        let since = ask("{ clients(filter: \"updated_at gt 2030-01-01\") { nodes { id } } }").await;
        assert_eq!(at(&since, "data.clients.nodes"), &json!([]));
        assert_eq!(client.serving.ledger().writes, 0);
        ask("mutation { deleteClient(id: 1) { id } }").await;
        assert_eq!(client.serving.ledger().writes, 1);
    });
}

#[test]
fn calls_by_post_read_only_at_their_verbs() {
    for shape in [RPC, "protocol=rpc-single", "protocol=rpc,auth=body", "protocol=rpc-single,auth=body"] {
        drive(shape, 120, |client| async move {
            whole(&client).await;
            let id = client.serving.listed(Object::Client)[0].id.clone();
            let dot = if client.shape.protocol.eq(&crossdock::standin::promox::shapes::choices::Protocol::Rpc) {
                "/"
            } else {
                "."
            };
            let one = client.post(&format!("clients{dot}get"), json!({"id": id})).await;
            assert_eq!(at(&one.body, "data.id").to_string(), id, "{shape}: {}", one.body);
            assert_eq!(client.post(&format!("clients{dot}frobnicate"), json!({})).await.status, 404, "{shape}");
            assert_eq!(client.serving.ledger().writes, 1, "{shape}: an unknown verb is no read");
            assert_eq!(client.post(&format!("clients{dot}delete"), json!({"id": id})).await.status, 200, "{shape}");
            assert_eq!(client.serving.ledger().writes, 2, "{shape}");
        });
    }
    drive("protocol=rpc-single", 60, |client| async move {
        let services = client.post("describe", json!({})).await;
        assert!(services.body["services"].as_array().is_some_and(|all| all.contains(&json!("clients.list"))));
    });
}

#[test]
fn sql_is_read() {
    let shape = "protocol=sql,delta=expression";
    drive(shape, 300, |client| async move {
        whole(&client).await;
        let types = client.get("listtypes").await;
        assert!(at(&types.body, "data.types").as_array().is_some_and(|types| types.contains(&json!("clients"))));
        let fields = client.get("describe?elementType=clients").await;
        assert!(at(&fields.body, "data.fields").as_array().is_some_and(|fields| fields.len() > 10));
        let none =
            client.get("query?query=select%20*%20from%20clients%20where%20updated_at%20%3E%20'2030-01-01';").await;
        assert_eq!(none.body["data"], json!([]));
        assert_eq!(client.get("query?query=drop%20table%20clients").await.status, 400);
    });
}

#[test]
fn xml_holds_what_json_would() {
    drive("protocol=xml,envelope=resource,nulls=text", 300, |client| async move {
        whole(&client).await;
        let read = client.get("clients?limit=1").await;
        assert!(String::from_utf8_lossy(&read.bytes).starts_with("<?xml"));
        let (_, row) = client.walk(Object::Client).await.remove(0);
        let truth = Value::Object(client.serving.listed(Object::Client)[0].wire.clone());
        assert_eq!(row["account_number"], truth["account_number"]);
    });
}
