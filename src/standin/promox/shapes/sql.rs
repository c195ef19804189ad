//! SQL-like query strings: `query?query=select * from clients where updated_at > '…' limit 100,50;` (section 15).

use serde_json::{Value, json};

use super::delta;
use super::desk::Desk;
use super::dimension::Dimension as _;
use super::errors::Fault;
use super::list::{Ask, listed, sorting};
use super::names;
use super::paging::{self, Part, Turn};
use super::reply::{Params, Reply};
use super::route;
use super::schema::fields;
use crate::record::Object;

/// A select, read.
#[derive(Debug, PartialEq, Eq)]
struct Select {
    table: String,
    filter: Option<String>,
    order: Option<String>,
    skip: usize,
    size: Option<usize>,
}

/// Answers a read below the base: `query`, `listtypes`, `describe`, and the identity.
pub(super) fn read(desk: &Desk, below: &str, params: &mut Params) -> Result<Reply, Fault> {
    let shape = desk.shape;
    if route::identity_path(shape) == Some(below) {
        return Ok(Reply::json(200, desk.whoami()));
    }
    match below {
        "listtypes" => {
            let types: Vec<&str> = desk.lists().iter().map(|(object, _)| names::word(shape.words, *object).1).collect();
            Ok(Reply::json(200, json!({"data": {"types": types}})))
        }
        "describe" => {
            let object = table(desk, &params.take("elementType").unwrap_or_default())?;
            let names: Vec<Value> =
                fields(object).iter().map(|field| json!({"name": names::field(shape, field.name)})).collect();
            Ok(Reply::json(200, json!({"data": {"fields": names}})))
        }
        "query" => {
            let text = params.take("query").or_else(|| params.take("q"));
            select(desk, &text.ok_or_else(|| Fault::bad("query is missing."))?)
        }
        _ => Err(Fault::not_found()),
    }
}

fn table(desk: &Desk, name: &str) -> Result<Object, Fault> {
    let words = desk.shape.words;
    let known = desk.lists().into_iter().map(|(object, _)| object);
    let mut known = known.filter(|object| names::word(words, *object).1.eq_ignore_ascii_case(name));
    known.next().ok_or_else(|| Fault::new(404, "not_found", format!("There is no type {name}.")))
}

fn select(desk: &Desk, text: &str) -> Result<Reply, Fault> {
    let shape = desk.shape;
    let asked = parsed(text).ok_or_else(|| {
        Fault::bad(
            "A query is: select * from TYPE [where FIELD > 'TIME'] [order by FIELD [desc]] [limit [SKIP,] SIZE];",
        )
    })?;
    let object = table(desk, &asked.table)?;
    desk.gated(object)?;
    let mut ask = Ask::default();
    if let Some(filter) = asked.filter {
        ask.since = Some(delta::where_clause(shape, &filter)?);
    }
    ask.sort = asked.order.map(|text| sorting(shape, object, &text)).transpose()?;
    let most: usize = shape.page_max.text().parse().unwrap_or(100);
    let default: usize = shape.page_default.text().parse().unwrap_or(100);
    let size = asked.size.unwrap_or(default).min(most);
    let rows = listed(shape, desk.store, object, &ask, desk.now);
    let page = paging::cut(shape, object, &rows, Part { turn: Turn::At(asked.skip), size })?;
    let wire = desk.wire(true);
    let values: Vec<Value> = page.rows.iter().map(|row| Value::Object(desk.listed_row(&wire, object, row))).collect();
    let count = values.len();
    Ok(Reply::json(200, json!({"data": values})).holding(count))
}

/// Reads a select; `None` if it is none.
fn parsed(text: &str) -> Option<Select> {
    let text = text.trim().trim_end_matches(';').trim();
    let lower = text.to_lowercase();
    let from = lower.find(" from ")?;
    if lower[..from].trim() != "select *" {
        return None;
    }
    let clauses = [" where ", " order by ", " limit "];
    let places: Vec<Option<usize>> = clauses.iter().map(|clause| lower.find(clause)).collect();
    let end =
        |after: usize| places.iter().flatten().copied().filter(|place| *place > after).min().unwrap_or(text.len());
    let clause = |number: usize| {
        let start = places[number]?;
        Some(text[start + clauses[number].len()..end(start)].trim().to_owned())
    };
    let head = from + " from ".len();
    let (skip, size) = match clause(2) {
        None => (0, None),
        Some(limit) => match limit.split_once(',') {
            Some((skip, size)) => (skip.trim().parse().ok()?, Some(size.trim().parse().ok()?)),
            None => (0, Some(limit.parse().ok()?)),
        },
    };
    Some(Select { table: text[head..end(head)].trim().to_owned(), filter: clause(0), order: clause(1), skip, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read() {
        let whole = parsed("SELECT * FROM Clients WHERE updated_at > '2026-01-01' ORDER BY id desc LIMIT 100, 50;");
        let expected = Select {
            table: "Clients".to_owned(),
            filter: Some("updated_at > '2026-01-01'".to_owned()),
            order: Some("id desc".to_owned()),
            skip: 100,
            size: Some(50),
        };
        assert_eq!(whole, Some(expected));
        assert_eq!(parsed("select * from leads").map(|read| (read.skip, read.size)), Some((0, None)));
        for wrong in ["", "delete from clients", "select name from clients", "select * from clients limit x"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
