//! Carrying out a request that was let in: from its endpoint to the function that does it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::activities::{Activity, PRIORITIES};
use super::activity_types::ActivityType;
use super::call_logs;
use super::check::{Body, Purpose};
use super::comments;
use super::convert;
use super::crud::{self, Resource};
use super::deal_products;
use super::deals::{Deal, OLDER_FILTERS};
use super::envelope::{Answer, Refusal};
use super::extras::Extras;
use super::field_defaults;
use super::fields::{self, Input, Owner};
use super::fields_v1;
use super::files;
use super::history;
use super::lead_labels::{self, LeadLabel};
use super::leads::Lead;
use super::list::{self, Listed};
use super::merge;
use super::notes::Note;
use super::noun::Noun;
use super::offset::{self, Shape};
use super::older::{self, Links};
use super::organizations::Organization;
use super::participants;
use super::persons::Person;
use super::pipelines::{Pipeline, Stage};
use super::products::Product;
use super::query::Query;
use super::recents;
use super::route::{Collection, Endpoint, Operation};
use super::search;
use super::state::{Act, State};
use super::table::Row as _;
use super::tally::Tallies;
use super::users;
use super::webhooks;

/// Carries out a request of an endpoint; `id` is that of its path.
///
/// # Errors
/// The refusal, if the account does not accept it; nothing has changed then.
pub(super) fn perform(
    state: &mut State,
    act: &Act,
    endpoint: Endpoint,
    id: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    let operation = endpoint.operation();
    if operation == Operation::ListFiles {
        return files::of_record(state, act, endpoint.collection(), id, input.query);
    }
    match (endpoint.collection(), operation) {
        (Collection::Organizations, Operation::Merge) => merge::perform::<Organization>(state, act, id, input.body),
        (Collection::Persons, Operation::Merge) => merge::perform::<Person>(state, act, id, input.body),
        (_, Operation::Merge) => merge::perform::<Deal>(state, act, id, input.body),
        (Collection::Organizations, Operation::Changelog) => history::page::<Organization>(state, act, id, input.query),
        (Collection::Persons, Operation::Changelog) => history::page::<Person>(state, act, id, input.query),
        (_, Operation::Changelog) => history::page::<Deal>(state, act, id, input.query),
        (Collection::Leads, Operation::Convert) => convert::ask_lead(state, act, id, input.body),
        (_, Operation::Convert) => convert::ask_deal(state, act, id),
        (collection, Operation::ConvertStatus) => {
            Query::parse(input.query).finish(false)?;
            convert::status(state, act, collection == Collection::Leads, id, input.sub)
        }
        (Collection::Deals, Operation::ListArchivedV1) => {
            let shape = Shape { archived: true, filters: Some(OLDER_FILTERS), ..Shape::default() };
            offset::page_of::<Deal>(state, act, Query::parse(input.query), &shape, |state, rows| {
                let tallies = Tallies::of(state);
                let deal = |row: &Arc<Deal>| older::deal(state, row.meta().id, &tallies, Links::Records);
                let rows: Vec<Value> = rows.iter().map(deal).collect();
                let related = older::related(state, &rows, &tallies);
                (Value::Array(rows), related)
            })
        }
        (_, Operation::Search | Operation::SearchField) => search::perform(state, act, endpoint, input.query),
        _ => usual(state, act, endpoint, id, input),
    }
}

/// Only administrators change what belongs to the whole account (scope `admin` of the OpenAPI documents).
fn allowed(act: &Act, collection: Collection, operation: Operation) -> Result<(), Refusal> {
    use Collection::{ActivityTypes, DealFields, OrganizationFields, PersonFields, Pipelines, ProductFields, Stages};
    let shared = matches!(
        collection,
        ActivityTypes | DealFields | OrganizationFields | PersonFields | Pipelines | ProductFields | Stages
    );
    let reads = matches!(operation, Operation::Read | Operation::List | Operation::ReadV1 | Operation::ListV1);
    if shared && !reads && !users::is_admin(act.user) {
        return Err(Refusal::forbidden("Only administrators can do this"));
    }
    Ok(())
}

/// Carries out what a collection is mostly asked for.
fn usual(state: &mut State, act: &Act, endpoint: Endpoint, id: &str, input: Input<'_>) -> Result<Answer, Refusal> {
    let operation = endpoint.operation();
    allowed(act, endpoint.collection(), operation)?;
    match endpoint.collection() {
        Collection::Organizations => v2::<Organization>(state, act, operation, id, input),
        Collection::Persons => v2::<Person>(state, act, operation, id, input),
        Collection::Deals => v2::<Deal>(state, act, operation, id, input),
        Collection::DealProducts => deal_products::perform(state, act, operation, id, input),
        Collection::Participants => participants::perform(state, act, operation, id, input),
        Collection::Comments => comments::perform(state, act, operation, id, input),
        Collection::Products => v2::<Product>(state, act, operation, id, input),
        Collection::Files => files::perform(state, act, operation, id, input),
        Collection::CallLogs => call_logs::perform(state, act, operation, id, input),
        Collection::Webhooks => match operation {
            Operation::Create => webhooks::create(state, act, input.body),
            Operation::List => Ok(webhooks::list(state)),
            _ => Ok(webhooks::delete(state, id)),
        },
        Collection::Recents => recents::page(state, act, input.query),
        Collection::ItemSearch => search::perform(state, act, endpoint, input.query),
        Collection::Pipelines => v2::<Pipeline>(state, act, operation, id, input),
        Collection::Stages => v2::<Stage>(state, act, operation, id, input),
        Collection::OrganizationFields
        | Collection::PersonFields
        | Collection::DealFields
        | Collection::ProductFields => {
            use Operation::{CreateV1, DeleteV1, ListV1, ReadV1, UpdateV1};
            if matches!(operation, CreateV1 | DeleteV1 | ListV1 | ReadV1 | UpdateV1) {
                return fields_v1::perform(state, act, (Owner::of(endpoint.collection()), operation), id, input);
            }
            fields::perform(state, act, (Owner::of(endpoint.collection()), operation), id, input)
        }
        Collection::ActivityFields => {
            let set = field_defaults::of_activities(PRIORITIES);
            match operation {
                Operation::List => fields::list_page(&set, act, input.query),
                _ => fields::read(&set, id, input.query),
            }
        }
        Collection::Users => match operation {
            Operation::Me => users::me(state, act.user),
            Operation::Find => users::find(state, Query::parse(input.query), act.user),
            Operation::List => Ok(users::list(state, act.user)),
            _ => users::read(state, id, act.user),
        },
        Collection::Currencies => Ok(users::currencies(state, Query::parse(input.query))),
        Collection::Activities => v2::<Activity>(state, act, operation, id, input),
        Collection::Leads => match operation {
            Operation::List => offset::page::<Lead>(state, act, Query::parse(input.query), &Shape::default()),
            Operation::ListArchivedV1 => {
                let shape = Shape { archived: true, ..Shape::default() };
                offset::page::<Lead>(state, act, Query::parse(input.query), &shape)
            }
            _ => v1::<Lead>(state, act, (operation, 201), id, input.body),
        },
        Collection::LeadLabels => v1::<LeadLabel>(state, act, (operation, 200), id, input.body),
        Collection::LeadSources => Ok(lead_labels::sources()),
        Collection::Notes => match operation {
            Operation::List => {
                let shape = Shape { null_when_empty: true, ..Shape::default() };
                offset::page::<Note>(state, act, Query::parse(input.query), &shape)
            }
            Operation::Delete => {
                v1::<Note>(state, act, (operation, 200), id, input.body)?;
                Ok(Answer::json(200, r#"{"success":true,"data":true}"#))
            }
            _ => v1::<Note>(state, act, (operation, 200), id, input.body),
        },
        Collection::ActivityTypes => v1::<ActivityType>(state, act, (operation, 200), id, input.body),
    }
}

/// The operations of API v1 on one kind of record; a create is answered with `created`. Deleted records are not found.
fn v1<R: Resource>(
    state: &mut State,
    act: &Act,
    (operation, created): (Operation, u16),
    id: &str,
    body: &[u8],
) -> Result<Answer, Refusal> {
    match operation {
        Operation::Create => {
            let number = crud::create::<R>(state, act, Body::parse(body, Purpose::Create)?)?;
            Ok(one::<R>(state, number, created))
        }
        Operation::Update => {
            let number = crud::number::<R>(state, id)?;
            crud::visible::<R>(state, act, number)?;
            crud::update::<R>(state, act, number, Body::parse(body, Purpose::Update)?)?;
            Ok(one::<R>(state, number, 200))
        }
        Operation::Delete => {
            let number = crud::number::<R>(state, id)?;
            crud::visible::<R>(state, act, number)?;
            let public_id = crud::live::<R>(state, number)?.public_id();
            crud::delete::<R>(state, act, number)?;
            if R::NOUN == Noun::ActivityType {
                return Ok(one::<R>(state, number, 200));
            }
            Ok(Answer::value(200, &json!({ "id": public_id })))
        }
        Operation::Read => {
            let number = crud::number::<R>(state, id)?;
            crud::visible::<R>(state, act, number)?;
            crud::live::<R>(state, number)?;
            Ok(one::<R>(state, number, 200))
        }
        _ => Ok(offset::whole::<R>(state, act)),
    }
}

/// The five operations of API v2 on one kind of record. A deleted record can still be read by its id (`is_deleted` is
/// true then); no document says.
fn v2<R: Listed>(
    state: &mut State,
    act: &Act,
    operation: Operation,
    id: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    let mut query = Query::parse(input.query);
    match operation {
        Operation::List => return list::page::<R>(state, act, query, false),
        Operation::ListArchived => return list::page::<R>(state, act, query, true),
        Operation::Read => {
            // The document has no parameters for one product.
            let extras =
                if R::NOUN == Noun::Product { Extras::default() } else { Extras::read::<R>(&mut query, false) };
            query.finish(false)?;
            let number = crud::number::<R>(state, id)?;
            crud::visible::<R>(state, act, number)?;
            let row = R::table(state).get(number).ok_or_else(|| Refusal::not_found(R::NAME))?;
            if !extras.is_plain() {
                return Ok(Answer::value(200, &extras.row(state, row.as_ref(), &Tallies::of(state))));
            }
            return Ok(Answer::data(200, |out| row.write(state, extras.only.as_deref(), out)));
        }
        _ => query.finish(false)?,
    }
    let number = match operation {
        Operation::Create => crud::create::<R>(state, act, Body::parse(input.body, Purpose::Create)?)?,
        Operation::Duplicate => {
            let number = crud::number::<R>(state, id)?;
            crud::visible::<R>(state, act, number)?;
            let number = crud::duplicate::<R>(state, act, number)?;
            if R::NOUN == Noun::Product {
                return Ok(one::<R>(state, number, 201));
            }
            let tallies = Tallies::of(state);
            return Ok(Answer::value(200, &older::deal(state, number, &tallies, Links::Ids)));
        }
        Operation::Delete => {
            let number = crud::number::<R>(state, id)?;
            crud::visible::<R>(state, act, number)?;
            crud::delete::<R>(state, act, number)?;
            return Ok(Answer::json(200, format!(r#"{{"success":true,"data":{{"id":{number}}}}}"#)));
        }
        _ => {
            let number = crud::number::<R>(state, id)?;
            crud::visible::<R>(state, act, number)?;
            crud::update::<R>(state, act, number, Body::parse(input.body, Purpose::Update)?)?;
            number
        }
    };
    let created = if R::NOUN == Noun::Product { 201 } else { state.settings.created_status };
    Ok(one::<R>(state, number, if operation == Operation::Create { created } else { 200 }))
}

/// The answer with one record that is there.
pub(super) fn one<R: Resource>(state: &State, number: u64, status: u16) -> Answer {
    Answer::data(status, |out| match R::table(state).get(number) {
        Some(row) => row.write(state, None, out),
        None => out.extend_from_slice(b"null"),
    })
}
