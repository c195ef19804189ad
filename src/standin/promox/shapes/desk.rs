//! The reads of plain REST and of RPC over POST: lists, records, definitions, identity.

use serde_json::{Map, Value, json};

use super::choices::*;
use super::delta;
use super::drift::Drifted;
use super::envelope;
use super::errors::Fault;
use super::files;
use super::list::{Ask, listed};
use super::names;
use super::paging::{self, Next};
use super::reply::{Incoming, Params, Reply};
use super::route::{self, Route, is_served};
use super::row::Wire;
use super::schema::SERVED;
use super::shape::Shape;
use super::store::{Row, Store};
use super::{credentials, custom};
use crate::record::Object;

/// What a read is answered from.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) shape: &'a Shape,
    pub(super) store: &'a Store,
    pub(super) drifted: &'a Drifted,
    /// Seconds since 1970.
    pub(super) now: i64,
    /// Scheme and host of the site.
    pub(super) site: &'a str,
    /// Scheme, host and base path of the API.
    pub(super) root: &'a str,
    /// Scheme and host of the storage.
    pub(super) storage: &'a str,
}

impl<'a> Desk<'a> {
    /// How rows are written.
    pub(super) fn wire(&self, with_custom: bool) -> Wire<'a> {
        Wire { shape: self.shape, store: self.store, drifted: self.drifted, root: self.root, with_custom }
    }

    /// Answers a read. Files are answered elsewhere.
    pub(super) fn read(&self, route: &Route, incoming: &Incoming, params: &mut Params) -> Result<Reply, Fault> {
        match route {
            Route::List(object) => self.list(*object, incoming, params, Source::List),
            Route::Search(object) => self.list(*object, incoming, params, Source::Search),
            Route::Deleted(object) => self.list(*object, incoming, params, Source::Deleted),
            Route::Record(object, id) => self.record(*object, id, params),
            Route::Definitions(object) => self.definitions(*object, params),
            Route::Identity => self.identity(params),
            Route::File(..) | Route::Job(_) => Err(Fault::not_found()),
        }
    }

    /// Refuses an object that the customer's plan does not open.
    pub(super) fn gated(&self, object: Object) -> Result<(), Fault> {
        if object == Object::Commission && self.shape.gated == Gated::Commissions {
            return Err(Fault::new(403, "forbidden", "Your plan does not include this."));
        }
        Ok(())
    }

    fn known(&self, params: &Params) -> Result<(), Fault> {
        match params.unknown() {
            Some(name) if self.shape.unknown == Unknown::Refused => {
                Err(Fault::bad(format!("There is no parameter {name}.")))
            }
            _ => Ok(()),
        }
    }

    /// Whether custom fields come, taken from the parameters where they must be asked for.
    fn asks_custom(&self, params: &mut Params) -> bool {
        match self.shape.custom {
            Custom::Fields => params.take("fields").is_some(),
            Custom::Expand => {
                params.take("expand").is_some_and(|text| text.split(',').any(|one| one == "custom_fields"))
            }
            _ => true,
        }
    }

    fn list(&self, object: Object, incoming: &Incoming, params: &mut Params, source: Source) -> Result<Reply, Fault> {
        self.gated(object)?;
        let shape = self.shape;
        let all = params.clone();
        let mut ask = Ask::take(shape, object, params)?;
        ask.since = delta::asked(shape, incoming, params, source == Source::Search)?;
        ask.only_deleted |= source == Source::Deleted;
        let ids = self.wire(true);
        let known =
            |id: &str| self.store.rows(object).iter().map(|row| row.key).find(|key| ids.id_text(object, *key) == id);
        let part = paging::asked(shape, object, params, known)?;
        let counts = shape.total == Total::OnRequest
            && params.take("count_total").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let wire = self.wire(self.asks_custom(params));
        self.known(params)?;
        let rows = listed(shape, self.store, object, &ask, self.now);
        if rows.is_empty() && ask.since.is_some() && shape.delta == Delta::Header {
            return Ok(Reply::empty(304));
        }
        let page = paging::cut(shape, object, &rows, part)?;
        let path = match source {
            Source::List => names::list_path(shape, object),
            Source::Search => format!("{}/search", names::stem(shape, object)),
            Source::Deleted => format!("{}/deleted", names::stem(shape, object)),
        };
        let address = match shape.protocol {
            Protocol::RpcSingle => self.root.to_owned(),
            _ => format!("{}/{path}", self.root),
        };
        let mut beside: Vec<(&'static str, Value)> = Vec::new();
        beside.extend(envelope::total(shape, page.total, part.size, page.next.is_some()));
        let mut headers = Vec::new();
        match paging::next(shape, object, &page, &all, &address) {
            Next::Body(path, value) => beside.push((path, value.unwrap_or(Value::Null))),
            Next::Link(link) => headers.push(("link", link)),
            Next::Nothing => {}
        }
        if shape.total == Total::Header || counts {
            headers.push(("x-total-count", page.total.to_string()));
        }
        let is_bare = source == Source::Deleted && shape.deleted == Deleted::Ids;
        let shown = |row: &&Row| match is_bare {
            true => wire.trace(object, row),
            false => self.listed_row(&wire, object, row),
        };
        let rendered: Vec<(String, Map<String, Value>)> =
            page.rows.iter().map(|row| (wire.id_text(object, row.key), shown(row))).collect();
        let count = rendered.len();
        let mut reply = Reply::json(200, envelope::list(shape, object, rendered, beside)).holding(count);
        reply.headers = headers;
        Ok(reply)
    }

    /// A row as lists show it.
    pub(super) fn listed_row(&self, wire: &Wire, object: Object, row: &Row) -> Map<String, Value> {
        if self.shape.deleted == Deleted::Grave && row.deleted.is_some() {
            return wire.grave(object, row);
        }
        let mut out = wire.row(object, row);
        if object == Object::File {
            files::decorate(self, row, &mut out, false);
        }
        out
    }

    /// A live row by its id, or a deleted one where the shape still shows it.
    pub(super) fn find(&self, object: Object, id: &str, with_deleted: bool) -> Result<&'a Row, Fault> {
        let shape = self.shape;
        let wire = self.wire(true);
        let row = self.store.rows(object).iter().find(|row| wire.id_text(object, row.key) == id);
        let row = row.ok_or_else(|| Fault::new(404, "not_found", "There is no such record."))?;
        let shows = match shape.deleted {
            Deleted::Vanish | Deleted::Endpoint | Deleted::Grave | Deleted::Only | Deleted::Ids => false,
            Deleted::Flag | Deleted::Stamp | Deleted::Trashed | Deleted::Inverted => true,
            Deleted::IncludeDeleted | Deleted::Archived => with_deleted,
        };
        if row.deleted.is_none() || shows {
            return Ok(row);
        }
        Err(match shape.gone {
            Gone::Missing => Fault::new(404, "not_found", "There is no such record."),
            Gone::Gone => Fault::new(410, "gone", "This record was deleted."),
        })
    }

    fn record(&self, object: Object, id: &str, params: &mut Params) -> Result<Reply, Fault> {
        self.gated(object)?;
        let ask = Ask::take(self.shape, object, params)?;
        let wire = self.wire(self.asks_custom(params));
        self.known(params)?;
        let row = self.find(object, id, ask.with_deleted)?;
        let mut out = wire.row(object, row);
        if object == Object::File {
            files::decorate(self, row, &mut out, true);
        }
        Ok(Reply::json(200, envelope::single(self.shape, object, out)).holding(1))
    }

    fn definitions(&self, object: Option<Object>, params: &mut Params) -> Result<Reply, Fault> {
        let wanted = params.take("object");
        self.known(params)?;
        let is_wanted = |own: &&Object| {
            let (singular, plural) = names::word(self.shape.words, **own);
            let by_name = wanted.as_deref().is_none_or(|name| name == singular || name == plural);
            is_served(self.shape, **own) && by_name && object.is_none_or(|object| object == **own)
        };
        let all: Vec<Value> =
            SERVED.iter().filter(is_wanted).flat_map(|own| custom::definitions(self.shape, self.store, *own)).collect();
        let count = all.len();
        let body = match self.shape.envelope {
            Envelope::Bare => Value::Array(all),
            _ => json!({"fields": all}),
        };
        Ok(Reply::json(200, body).holding(count))
    }

    fn identity(&self, params: &Params) -> Result<Reply, Fault> {
        self.known(params)?;
        if self.shape.identity == Identity::Ping {
            return Ok(Reply::json(200, json!({"ping": "pong"})));
        }
        Ok(Reply::json(200, self.whoami()))
    }

    /// The user and the account.
    pub(super) fn whoami(&self) -> Value {
        let spelled = |name: &str| names::spelled(self.shape.spelling, name);
        let account = self.store.description();
        let users = self.store.rows(Object::Owner);
        let id = users.first().map_or(Value::Null, |row| self.wire(true).id(Object::Owner, row.key));
        let mut out = json!({
            spelled("id"): id,
            spelled("email"): credentials::EMAIL,
            spelled("account"): account["name"],
            spelled("timezone"): account["timezone"],
        });
        if self.shape.currency != Currency::Nowhere {
            out[spelled("currency")] = account["currency"].clone();
        }
        out
    }

    /// The names of the lists, as something that describes the API gives them.
    pub(super) fn lists(&self) -> Vec<(Object, String)> {
        let served = SERVED.iter().filter(|object| route::is_served(self.shape, **object));
        served.map(|object| (*object, names::list_path(self.shape, *object))).collect()
    }
}

/// Which list of an object is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    List,
    Search,
    Deleted,
}
