//! Calls that would change something. They are answered as such an API would, written down, and change nothing.

use serde_json::json;

use super::choices::Protocol;
use super::desk::Desk;
use super::errors::Fault;
use super::names;
use super::reply::{Purpose, Reply};
use super::route::Route;
use super::schema::SERVED;

/// By method, on a path of REST or OData.
pub(super) fn of_method(desk: &Desk, method: &str, found: Option<&Route>) -> Result<Reply, Fault> {
    let write = |reply: Reply| Ok(reply.of(Purpose::Write));
    match (method, found) {
        ("OPTIONS", _) => Ok(Reply::empty(204).header("allow", "GET, HEAD, OPTIONS")),
        ("POST", Some(Route::List(object))) => {
            let next = desk.store.rows(*object).last().map_or(1, |row| row.key + 1);
            let wire = desk.wire(true);
            write(Reply::json(201, json!({wire.id_key(*object): wire.id(*object, next)})))
        }
        ("PUT" | "PATCH", Some(Route::Record(object, id))) => {
            let row = desk.find(*object, id, false)?;
            write(Reply::json(200, json!(desk.wire(true).row(*object, row))))
        }
        ("DELETE", Some(Route::Record(object, id))) => {
            desk.find(*object, id, false)?;
            write(Reply::empty(204))
        }
        _ => Err(Fault::new(405, "method_not_allowed", "This is not allowed here.")),
    }
}

/// By verb, where every call is a POST: verbs that write are known for each object, others are not.
pub(super) fn of_verb(desk: &Desk, verb: &str) -> Result<Reply, Fault> {
    if desk.shape.protocol == Protocol::RpcSingle && verb == "describe" {
        let services: Vec<String> = desk.lists().into_iter().map(|(_, path)| path).collect();
        return Ok(Reply::json(200, json!({"services": services})));
    }
    let verb = verb.replace('.', "/");
    let (noun, action) = verb.split_once('/').ok_or_else(Fault::not_found)?;
    let is_known = SERVED.iter().any(|object| names::word(desk.shape.words, *object).1 == noun);
    let writes = ["create", "update", "delete", "save", "send", "merge"];
    if is_known && writes.contains(&action) {
        return Ok(Reply::json(200, json!({"success": true})).of(Purpose::Write));
    }
    Err(Fault::not_found())
}
