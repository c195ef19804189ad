//! What the API tells of itself before anybody logs in, and what lies around it on the site (section 1).

use serde_json::{Map, Value, json};

use super::choices::{Docs, Protocol, Site};
use super::desk::Desk;
use super::errors::PAGE;
use super::names;
use super::reply::Reply;

/// A description of the API, where one lies at this path of the site.
pub(super) fn public(desk: &Desk, path: &str) -> Option<Reply> {
    let at = match desk.shape.docs {
        Docs::None => return None,
        Docs::Openapi => "/openapi.json",
        Docs::Swagger => "/swagger.json",
        Docs::SwaggerV1 => "/swagger/v1/swagger.json",
        Docs::ApiDocs => "/api-docs",
        Docs::WellKnown if path == "/.well-known/api-catalog" => {
            let linkset = json!({"linkset": [{"anchor": desk.root, "service-desc": [{"href": format!("{}/docs/openapi.json", desk.site)}]}]});
            return Some(Reply::json(200, linkset).header("content-type", "application/linkset+json"));
        }
        Docs::WellKnown => "/docs/openapi.json",
    };
    (path == at).then(|| Reply::json(200, openapi(desk)))
}

/// The paths of the lists, as vendors describe them: names and verbs, and little else.
fn openapi(desk: &Desk) -> Value {
    let verb = if matches!(desk.shape.protocol, Protocol::Rpc | Protocol::RpcSingle | Protocol::Graphql) {
        "post"
    } else {
        "get"
    };
    let mut paths = Map::new();
    for (object, path) in desk.lists() {
        let (_, plural) = names::word(desk.shape.words, object);
        let path = match desk.shape.protocol {
            Protocol::RpcSingle => "/".to_owned(),
            Protocol::Graphql => "/graphql".to_owned(),
            Protocol::Sql => "/query".to_owned(),
            _ => format!("/{path}"),
        };
        paths.insert(
            path,
            json!({verb: {"summary": format!("Lists {plural}"), "responses": {"200": {"description": "OK"}}}}),
        );
    }
    json!({
        "openapi": "3.0.3",
        "info": {"title": "PromoXcrm", "version": "1"},
        "servers": [{"url": desk.root}],
        "paths": paths,
    })
}

/// What the site answers where nothing of the API lies.
pub(super) fn around(site: Site, path: &str) -> Reply {
    let page = |status: u16| Reply::typed(status, "text/html; charset=utf-8", PAGE);
    match site {
        Site::Spa => page(200),
        Site::Page => page(if path == "/" { 200 } else { 404 }),
        Site::Missing => Reply::json(404, json!({"error": "not found"})),
    }
}
