//! How the test client turns pages: by what the shape says, not by what the answers look like.

use crossdock::record::Object;
use crossdock::standin::promox::shapes::choices::*;
use crossdock::standin::promox::shapes::dimension::Dimension as _;
use crossdock::standin::promox::shapes::{Serving, Shape};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, Read, at};

/// Rows of a page, where the client may say.
pub(crate) const SIZE: usize = 7;

/// A walk through one list.
pub(crate) struct Pages<'a> {
    shape: &'a Shape,
    object: Object,
    serving: &'a Serving,
    /// Ids on the wire by text, and the name of their field.
    id_key: String,
    /// Pages turned, rows read, the last id, and what the last answer said of the next page.
    page: usize,
    read: usize,
    last: Option<String>,
    next: Option<Value>,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(shape: &'a Shape, object: Object, serving: &'a Serving) -> Self {
        let truth = serving.truth(object);
        let is_id = |name: &&String| truth.iter().all(|row| row.wire.get(*name).map(text).as_ref() == Some(&row.id));
        let id_key = truth.first().and_then(|row| row.wire.keys().find(is_id)).expect("rows have their ids").clone();
        Self { shape, object, serving, id_key, page: 0, read: 0, last: None, next: None }
    }

    fn style(&self) -> Paging {
        match self.shape.protocol {
            Protocol::Odata4 | Protocol::Odata2 => return Paging::NextUrl,
            Protocol::Graphql => return Paging::Cursor,
            Protocol::Sql => return Paging::Offset,
            Protocol::Rest | Protocol::Rpc | Protocol::RpcSingle | Protocol::Xml | Protocol::Soap => {}
        }
        match self.shape.mixed {
            Mixed::Yes if matches!(self.object, Object::Note | Object::Owner) => Paging::Page,
            _ => self.shape.paging,
        }
    }

    /// Asks for the page.
    pub(crate) async fn ask(&self, client: &Client) -> Read {
        match self.shape.protocol {
            Protocol::Graphql => return self.ask_graph(client).await,
            Protocol::Sql => {
                let word = self.word();
                let query = format!("select * from {word} limit {},{SIZE};", self.read);
                let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
                return client.get(&format!("query?query={query}")).await;
            }
            _ => {}
        }
        if let Some(Value::String(url)) = &self.next
            && matches!(self.style(), Paging::NextUrl | Paging::Link)
        {
            let url = if url.starts_with('/') { format!("{}{url}", self.serving.site()) } else { url.clone() };
            if !matches!(self.shape.protocol, Protocol::Rpc | Protocol::RpcSingle) {
                return client.call(Method::GET, &url, &[], None).await;
            }
        }
        let params = self.params();
        let path = self.serving.path(self.object).expect("a list has a path");
        if matches!(self.shape.protocol, Protocol::Rpc | Protocol::RpcSingle) {
            let members: serde_json::Map<String, Value> =
                params.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            return client.post(&path, Value::Object(members)).await;
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        client.get(&format!("{path}?{query}")).await
    }

    fn params(&self) -> Vec<(String, String)> {
        let shape = self.shape;
        let mut out: Vec<(String, String)> = Vec::new();
        if matches!(shape.protocol, Protocol::Odata4 | Protocol::Odata2) {
            return out;
        }
        let mut put = |name: &str, value: String| out.push((name.to_owned(), value));
        match shape.custom {
            Custom::Fields => put("fields", "all".to_owned()),
            Custom::Expand => put("expand", "custom_fields".to_owned()),
            _ => {}
        }
        if self.style() != Paging::None && shape.size_param != SizeParam::None {
            put(shape.size_param.text(), SIZE.to_string());
        }
        let base = if shape.page_base == PageBase::Zero { 0 } else { 1 };
        match self.style() {
            Paging::Page => put(shape.page_param.text(), (self.page + base).to_string()),
            Paging::Offset if shape.paging_flaw == PagingFlaw::OffsetIsPage => {
                put(shape.offset_param.text(), self.page.to_string());
            }
            Paging::Offset => put(shape.offset_param.text(), self.read.to_string()),
            Paging::Keyset => {
                if let Some(last) = &self.last {
                    put(shape.keyset_param.text(), last.clone());
                }
            }
            Paging::Cursor => {
                let name = match shape.cursor_form {
                    CursorForm::NextCursor => "cursor",
                    CursorForm::Bookmark => "bookmark",
                    CursorForm::PageToken => "pageToken",
                    CursorForm::StartingAfter => "starting_after",
                    CursorForm::PagingNextAfter => "after",
                    CursorForm::NextOffset | CursorForm::NextPageOffset | CursorForm::Next => "offset",
                };
                let value = match shape.cursor_form {
                    CursorForm::StartingAfter => self.last.clone(),
                    _ => self.next.as_ref().map(text),
                };
                if let Some(value) = value {
                    put(name, value);
                }
            }
            // Addresses of the next page carry their place as `cursor`.
            Paging::NextUrl | Paging::Link => {
                if let Some(url) = self.next.as_ref().map(text) {
                    let query =
                        url.split_once('?').map_or("", |(_, query)| query.split('>').next().unwrap_or_default());
                    let place = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "cursor");
                    put("cursor", place.map(|(_, place)| place.into_owned()).unwrap_or_default());
                }
            }
            Paging::None => {}
        }
        out
    }

    async fn ask_graph(&self, client: &Client) -> Read {
        let first = self.serving.truth(self.object).into_iter().map(|row| row.wire);
        let mut fields: std::collections::BTreeMap<String, &str> = std::collections::BTreeMap::new();
        for row in first {
            for (name, value) in row {
                let inner = match value {
                    Value::Object(members) if members.contains_key("amount") && members.contains_key("currency") => {
                        "{amount currency}"
                    }
                    Value::Object(members) if members.contains_key("amount") => "{amount}",
                    Value::Object(members) if members.len() == 2 && members.contains_key("id") => "{id name}",
                    _ => "",
                };
                let known = fields.entry(name).or_default();
                if !inner.is_empty() {
                    *known = inner;
                }
            }
        }
        let fields: Vec<String> = fields.into_iter().map(|(name, inner)| format!("{name}{inner}")).collect();
        let query = format!(
            "query Walk($after: String) {{ {}(first: {SIZE}, after: $after) {{ nodes {{ {} }} \
             pageInfo {{ hasNextPage endCursor }} }} }}",
            self.word(),
            fields.join(" ")
        );
        let body = json!({"query": query, "variables": {"after": self.next}});
        let url = format!("{}/graphql", self.serving.root());
        client.call(Method::POST, &url, &[], Some(body)).await
    }

    /// The rows of an answer: ids as text, and the rows.
    pub(crate) fn rows(&self, read: &Read) -> Vec<(String, Value)> {
        let shape = self.shape;
        let found = match shape.protocol {
            Protocol::Odata4 => at(&read.body, "value"),
            Protocol::Odata2 => at(&read.body, "d.results"),
            Protocol::Graphql => at(&read.body, &format!("data.{}.nodes", self.word())),
            Protocol::Sql => at(&read.body, "data"),
            _ => match shape.envelope {
                Envelope::Bare => &read.body,
                Envelope::Data | Envelope::Keyed => either(&read.body, &["data", "Data"]),
                Envelope::Items => either(&read.body, &["items", "Items"]),
                Envelope::Results => either(&read.body, &["results", "Results"]),
                Envelope::Resource => self.resource(&read.body),
                Envelope::Nested => match shape.nesting {
                    Nesting::Result => self.resource(&read.body["result"]),
                    other => at(&read.body, other.text()),
                },
            },
        };
        let mut rows: Vec<Value> = match found {
            Value::Array(rows) => rows.clone(),
            Value::Object(keyed) if shape.envelope == Envelope::Keyed => keyed.values().cloned().collect(),
            _ => Vec::new(),
        };
        let has_own_lists =
            !matches!(shape.protocol, Protocol::Rest | Protocol::Rpc | Protocol::RpcSingle | Protocol::Xml);
        if shape.meta_row == MetaRow::Yes && !has_own_lists && !rows.is_empty() {
            rows.remove(0);
        }
        rows.into_iter().map(|row| (text(&row[&self.id_key]), row)).collect()
    }

    fn resource<'b>(&self, body: &'b Value) -> &'b Value {
        let word = self.word();
        let capital = word[..1].to_uppercase() + &word[1..];
        either(body, &[&word, &capital])
    }

    /// The plural of the object in the words of the shape.
    fn word(&self) -> String {
        let words = self.shape.words;
        let word = match self.object {
            Object::Owner => "users",
            Object::Pipeline => "pipelines",
            Object::Client => match words {
                Words::Promox => "clients",
                Words::Orders => "customers",
                Words::Accounts => "accounts",
                Words::Contacts => "contacts",
                Words::Companies => "companies",
            },
            Object::Lead => "leads",
            Object::Project => match words {
                Words::Promox => "projects",
                Words::Orders => "orders",
                Words::Accounts => "opportunities",
                Words::Contacts => "deals",
                Words::Companies => "jobs",
            },
            Object::Commission => "commissions",
            Object::Task if matches!(words, Words::Accounts | Words::Companies) => "activities",
            Object::Task => "tasks",
            Object::Note => "notes",
            _ => "files",
        };
        word.to_owned()
    }

    /// Goes on to the next page; false where there is none.
    pub(crate) fn turn(&mut self, read: &Read, count: usize) -> bool {
        self.page += 1;
        self.read += count;
        self.last = self.rows(read).last().map(|(id, _)| id.clone());
        let body = &read.body;
        let said = match self.shape.protocol {
            Protocol::Odata4 => body["@odata.nextLink"].clone(),
            Protocol::Odata2 => body["d"]["__next"].clone(),
            Protocol::Graphql => {
                let info = at(body, &format!("data.{}.pageInfo", self.word()));
                if info["hasNextPage"] == json!(true) { info["endCursor"].clone() } else { Value::Null }
            }
            Protocol::Sql => return count == SIZE,
            _ => match self.style() {
                Paging::Page | Paging::Offset | Paging::Keyset => return true,
                Paging::None => return false,
                Paging::Link => {
                    let link = read.headers.get("link").and_then(|link| link.to_str().ok()).unwrap_or_default();
                    let url = link.strip_prefix('<').and_then(|link| link.split_once('>')).map(|(url, _)| url);
                    url.map_or(Value::Null, Value::from)
                }
                Paging::NextUrl => at(body, self.shape.next_form.text()).clone(),
                Paging::Cursor => match self.shape.cursor_form {
                    CursorForm::StartingAfter => {
                        let is_more =
                            matches!(at(body, "has_more"), Value::Bool(true)) || at(body, "has_more") == "true";
                        return is_more;
                    }
                    form => at(body, form.text()).clone(),
                },
            },
        };
        let is_said = !said.is_null() && said != "";
        self.next = is_said.then_some(said);
        is_said
    }
}

fn either<'b>(body: &'b Value, names: &[&str]) -> &'b Value {
    names.iter().map(|name| &body[*name]).find(|value| !value.is_null()).unwrap_or(&Value::Null)
}

/// A value as text, texts as they are.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
