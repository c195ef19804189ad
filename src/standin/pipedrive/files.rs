//! Files (API v1): uploads, remote links, downloads. Facts: fact sheet 5.11, OpenAPI v1 of 2026-08-18, tutorials on files.
//!
//! The greatest size is in no document and therefore a setting, with the status that refuses what is larger.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom;
use super::envelope::{Answer, Refusal};
use super::fields::Input;
use super::form;
use super::leads;
use super::links::{Linked, Links};
use super::list::{Filter, Listed};
use super::noun::Noun;
use super::offset::{self, Shape};
use super::older;
use super::query::Query;
use super::route::{Collection, Operation};
use super::state::{Act, State};
use super::table::{Meta, Row, Table};
use super::texts;

/// Files of one page at most (OpenAPI v1).
const PAGE: Shape = Shape { archived: false, null_when_empty: true, filters: None, limit_max: 100 };

/// Keys that the files of one record do not have: the first two nowhere, the others not those of a product (OpenAPI v1,
/// `GET /v1/products/{id}/files`).
const OF_OTHERS: [&str; 16] = [
    "project_id",
    "project_name",
    "activity_id",
    "cid",
    "deal_id",
    "deal_name",
    "lead_id",
    "lead_name",
    "log_id",
    "mail_message_id",
    "mail_template_id",
    "org_id",
    "org_name",
    "person_id",
    "person_name",
    "user_id",
];

/// The links of a file that are numbers.
const LINKS: [&str; 6] = ["deal_id", "person_id", "org_id", "product_id", "activity_id", "project_id"];

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct File {
    #[serde(skip)]
    pub(super) meta: Meta,
    pub(super) user_id: u64,
    /// By [`LINKS`].
    pub(super) links: [Option<u64>; LINKS.len()],
    #[serde(with = "texts::uuid_or_null")]
    pub(super) lead_id: Option<Uuid>,
    pub(super) name: String,
    pub(super) file_name: String,
    pub(super) description: String,
    #[serde(with = "texts::hex")]
    pub(super) content: Bytes,
    /// Id of a file that is kept elsewhere, and its type there.
    pub(super) remote: Option<(String, String)>,
}

impl Row for File {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for File {
    const NOUN: Noun = Noun::File;
    const NAME: &'static str = "File";

    fn table(state: &State) -> &Table<Self> {
        &state.files
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.files
    }

    fn blank(_state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            user_id: act.user,
            links: [None; LINKS.len()],
            lead_id: None,
            name: String::new(),
            file_name: String::new(),
            description: String::new(),
            content: Bytes::new(),
            remote: None,
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, _act: &Act) {
        body.put("name", &mut self.name, check::text(check::LINE_MAX));
        body.put("description", &mut self.description, check::any_text(check::TEXT_MAX));
        if body.purpose == Purpose::Update {
            return;
        }
        for (key, slot) in LINKS.iter().zip(&mut self.links) {
            let exists = |id| match *key {
                "deal_id" => state.deals.live(id).is_some(),
                "person_id" => state.persons.live(id).is_some(),
                "org_id" => state.organizations.live(id).is_some(),
                "product_id" => state.products.live(id).is_some(),
                "activity_id" => state.activities.live(id).is_some(),
                _ => false,
            };
            body.put_or_null(key, slot, check::link("Parent", exists));
        }
        body.put_or_null("lead_id", &mut self.lead_id, |value| {
            let id = check::uuid(value)?;
            if leads::exists(state, id) { Ok(id) } else { Err(format!("Lead {id} does not exist")) }
        });
    }

    fn write(&self, state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        let [deal, person, organization, product, activity, _] = self.links;
        let (location, remote_id) = match &self.remote {
            Some((id, _)) => ("googledocs", id.as_str()),
            None => ("s3", self.file_name.as_str()),
        };
        let row = json!({
            "id": self.meta.id,
            "user_id": self.user_id,
            "deal_id": deal,
            "person_id": person,
            "org_id": organization,
            "product_id": product,
            "activity_id": activity,
            "lead_id": self.lead_id.map(|id| id.to_string()),
            "project_id": null,
            "log_id": null,
            "add_time": check::v1_text(self.meta.add_time),
            "update_time": check::v1_text(self.meta.update_time),
            "file_name": self.file_name,
            "file_type": self.kind(),
            "file_size": self.content.len(),
            "active_flag": !self.meta.is_deleted,
            "inline_flag": false,
            "remote_location": location,
            "remote_id": remote_id,
            "cid": "",
            "s3_bucket": "",
            "mail_message_id": "",
            "mail_template_id": "",
            "deal_name": deal.and_then(|id| state.deals.get(id)).map_or("", |deal| deal.title()),
            "person_name": person.and_then(|id| state.persons.get(id)).map_or("", |person| person.name()),
            "org_name": organization.and_then(|id| state.organizations.get(id)).map_or("", |own| own.name()),
            "product_name": product.and_then(|id| state.products.get(id)).map_or("", |own| own.name()),
            "lead_name": self.lead_id.and_then(|id| leads::title(state, id)).unwrap_or_default(),
            "project_name": "",
            "url": format!("https://{}.pipedrive.com/api/v1/files/{}/download", state.settings.company_domain, self.meta.id),
            "name": self.name,
            "description": self.description,
        });
        custom::write_json(&row, out);
    }

    fn is_lenient(_state: &State) -> bool {
        true
    }
}

impl Linked for File {
    fn links_mut(&mut self) -> Links<'_> {
        let [deal, person, organization, ..] = &mut self.links;
        let lead = Some(&mut self.lead_id);
        Links { deal: Some(deal), lead, person: Some(person), organization: Some(organization) }
    }
}

impl Listed for File {
    const FILTERS: &'static [&'static str] = &["deal_id", "person_id", "org_id", "product_id"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        let [deal, person, organization, product, ..] = self.links;
        Filter::is(filter.deal_id, deal)
            && Filter::is(filter.person_id, person)
            && Filter::is(filter.org_id, organization)
            && Filter::is(filter.product_id, product)
    }
}

impl File {
    /// The type as answers name it: `img` for pictures, else the ending of the name.
    fn kind(&self) -> String {
        if let Some((_, kind)) = &self.remote {
            return kind.clone();
        }
        let ending = self.name.rsplit_once('.').map_or("", |(_, ending)| ending).to_lowercase();
        if matches!(ending.as_str(), "jpg" | "jpeg" | "png" | "gif") { "img".to_owned() } else { ending }
    }
}

/// Carries out a request about files.
///
/// # Errors
/// 400, 404, or the status for a file that is too large.
pub(super) fn perform(
    state: &mut State,
    act: &Act,
    operation: Operation,
    id: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    let number = match operation {
        Operation::List => return offset::page::<File>(state, act, unlinked(input.query), &PAGE),
        Operation::Create => upload(state, act, input)?,
        Operation::Remote | Operation::RemoteLink => remote(state, act, operation, input.body)?,
        operation => {
            let number = crud::number::<File>(state, id)?;
            let file = crud::live::<File>(state, number)?;
            match operation {
                Operation::Download => return download(file),
                Operation::Update => {
                    let body = Body::new(form::encoded(input.body), Purpose::Update);
                    crud::update::<File>(state, act, number, body)?;
                }
                Operation::Delete => {
                    crud::delete::<File>(state, act, number)?;
                    return Ok(Answer::value(200, &json!({ "id": number })));
                }
                _ => {}
            }
            number
        }
    };
    Ok(super::perform::one::<File>(state, number, 200))
}

/// The files of one record.
///
/// # Errors
/// 404 for an unknown record; 400 for parameters that cannot be read.
pub(super) fn of_record(
    state: &mut State,
    act: &Act,
    collection: Collection,
    id: &str,
    query: &str,
) -> Result<Answer, Refusal> {
    let number: Option<u64> = id.parse().ok();
    let (key, exists) = match collection {
        Collection::Deals => ("deal_id", number.is_some_and(|id| state.deals.get(id).is_some())),
        Collection::Persons => ("person_id", number.is_some_and(|id| state.persons.get(id).is_some())),
        Collection::Products => ("product_id", number.is_some_and(|id| state.products.get(id).is_some())),
        _ => ("org_id", number.is_some_and(|id| state.organizations.get(id).is_some())),
    };
    if !exists {
        return Err(Refusal::not_found("Record"));
    }
    let mut query = unlinked(query);
    query.set(key, id);
    let hidden: &[&str] = if collection == Collection::Products { &OF_OTHERS } else { &OF_OTHERS[..2] };
    offset::page_of::<File>(state, act, query, &PAGE, |state, rows| {
        let row = |row: &Arc<File>| {
            let mut row = older::newer::<File>(state, row.meta.id);
            if let Value::Object(keys) = &mut row {
                keys.retain(|key, _| !hidden.contains(&key.as_str()));
            }
            row
        };
        (rows.iter().map(row).collect(), Value::Null)
    })
}

/// The list of all files has no filters: keys that would be some are unknown to it.
fn unlinked(query: &str) -> Query {
    let mut query = Query::parse(query);
    for key in File::FILTERS {
        query.take(key);
    }
    query
}

fn upload(state: &mut State, act: &Act, input: Input<'_>) -> Result<u64, Refusal> {
    let mut keys = Map::new();
    let mut file = None;
    for part in form::multipart(input.kind, input.body)? {
        if part.name == "file" {
            if file.is_some() {
                return Err(Refusal::invalid(&["file: Only one file can be sent".to_owned()]));
            }
            file = Some((part.file_name, part.data));
        } else {
            keys.insert(part.name, Value::from(String::from_utf8_lossy(part.data)));
        }
    }
    let Some((Some(name), data)) = file else { return Err(Refusal::invalid(&["file: Required".to_owned()])) };
    if data.len() > state.settings.file_bytes_max {
        let error = format!("file: Must be at most {} bytes", state.settings.file_bytes_max);
        return Err(Refusal { status: state.settings.file_too_large_status, error, code: None });
    }
    keys.insert("name".to_owned(), Value::from(name));
    let mut row = File::blank(state, act);
    let mut body = Body::new(form::with_numbers(keys, &LINKS), Purpose::Create);
    row.apply(&mut body, state, act);
    body.finish(true)?;
    row.content = Bytes::copy_from_slice(data);
    let (stem, ending) = row.name.rsplit_once('.').unwrap_or((&row.name, ""));
    row.file_name = format!("{stem}_{}.{ending}", state.hex(40)).trim_end_matches('.').to_owned();
    crud::add(state, act, row)
}

/// A link to a file in the user's Google account, or a new empty one there; an account without one refuses both.
fn remote(state: &mut State, act: &Act, operation: Operation, form: &[u8]) -> Result<u64, Refusal> {
    let mut body = Body::new(form::with_numbers(form::encoded(form), &["item_id"]), Purpose::Create);
    for key in ["item_type", "item_id", "remote_location"] {
        body.require(key);
    }
    let (mut place, mut number, mut remote_id) = ("", 0, String::new());
    body.put("item_type", &mut place, check::one_of(&["deal", "organization", "person"]));
    body.put("remote_location", &mut "", check::one_of(&["googledrive"]));
    let exists = |id| match place {
        "deal" => state.deals.live(id).is_some(),
        "person" => state.persons.live(id).is_some(),
        _ => state.organizations.live(id).is_some(),
    };
    body.put("item_id", &mut number, check::link("Item", exists));
    let (mut kind, mut name) = ("gdoc", "Remote file".to_owned());
    if operation == Operation::Remote {
        body.require("file_type");
        body.require("title");
        body.put("file_type", &mut kind, check::one_of(&["gdoc", "gslides", "gsheet", "gform", "gdraw"]));
        body.put("title", &mut name, check::text(check::LINE_MAX));
    } else {
        body.require("remote_id");
        body.put("remote_id", &mut remote_id, check::text(check::LINE_MAX));
    }
    if !state.settings.google_drive {
        body.refuse(Refusal::forbidden("No Google Drive account is connected"));
    }
    body.finish(true)?;
    if remote_id.is_empty() {
        remote_id = state.hex(44);
    }
    let mut row = File::blank(state, act);
    let link = match place {
        "deal" => 0,
        "person" => 1,
        _ => 2,
    };
    row.links[link] = Some(number);
    (row.name, row.remote) = (name, Some((remote_id, kind.to_owned())));
    crud::add(state, act, row)
}

fn download(file: &File) -> Result<Answer, Refusal> {
    if file.remote.is_some() {
        return Err(Refusal::not_found("Content of a remote file"));
    }
    let kind = Cow::Borrowed("application/octet-stream");
    Ok(Answer { kind, ..Answer::json(200, file.content.to_vec()) })
}
