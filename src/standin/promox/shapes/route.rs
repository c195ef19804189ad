//! Which read a path or a verb names.

use super::choices::*;
use super::names;
use super::schema::SERVED;
use super::shape::Shape;
use crate::record::Object;

/// A read of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A list.
    List(Object),
    /// A list behind the path for searches.
    Search(Object),
    /// What was deleted.
    Deleted(Object),
    /// One record by its id.
    Record(Object, String),
    /// Definitions of custom fields: of one object, or of all.
    Definitions(Option<Object>),
    /// Whose credentials these are.
    Identity,
    /// Something of a file: its id and the part.
    File(String, FilePart),
    /// A job that renders a file.
    Job(String),
}

/// What is asked of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilePart {
    /// Its bytes.
    Content,
    /// A job that makes them; a POST.
    Render,
}

/// Whether an object has a list at all.
pub(super) fn is_served(shape: &Shape, object: Object) -> bool {
    object != Object::File || shape.files != Files::None
}

/// The read at a path below the base.
pub(super) fn of_path(shape: &Shape, below: &str) -> Option<Route> {
    if identity_path(shape) == Some(below) {
        return Some(Route::Identity);
    }
    if definitions_path(shape) == Some(below) {
        return Some(Route::Definitions(None));
    }
    if let Some(job) = below.strip_prefix("jobs/")
        && shape.files == Files::Job
    {
        return Some(Route::Job(job.to_owned()));
    }
    SERVED.iter().filter(|object| is_served(shape, **object)).find_map(|object| of_object(shape, *object, below))
}

fn of_object(shape: &Shape, object: Object, below: &str) -> Option<Route> {
    if below == names::list_path(shape, object) {
        return Some(Route::List(object));
    }
    let rest = below.strip_prefix(&names::stem(shape, object))?.strip_prefix('/')?;
    let rest = if shape.paths == PathStyle::Json { rest.strip_suffix(".json").unwrap_or(rest) } else { rest };
    match (rest, shape.definitions) {
        ("", _) => return None,
        ("list", _) if shape.paths == PathStyle::List => return None,
        ("deleted", _) if matches!(shape.deleted, Deleted::Endpoint | Deleted::Ids) => {
            return Some(Route::Deleted(object));
        }
        ("search", _) if shape.delta == Delta::SearchPath => return Some(Route::Search(object)),
        ("fields", Definitions::ObjectFields) | ("fields/definitions", Definitions::ObjectDefinitions) => {
            return Some(Route::Definitions(Some(object)));
        }
        _ => {}
    }
    if object == Object::File
        && let Some((id, part)) = rest.split_once('/')
    {
        let part = match (part, shape.files) {
            ("download", Files::Token | Files::Redirect) | ("content", Files::Content) => FilePart::Content,
            ("render", Files::Job) => FilePart::Render,
            _ => return None,
        };
        return Some(Route::File(id.to_owned(), part));
    }
    (!rest.contains('/')).then(|| Route::Record(object, rest.to_owned()))
}

/// The read that a verb names where every read is a POST: `clients/list`, or `clients.list` in the body. `id` comes from
/// the body.
pub(super) fn of_verb(shape: &Shape, verb: &str, id: Option<String>) -> Option<Route> {
    let verb = verb.replace('.', "/");
    if identity_path(shape) == Some(verb.as_str()) {
        return Some(Route::Identity);
    }
    if definitions_path(shape) == Some(verb.as_str()) {
        return Some(Route::Definitions(None));
    }
    let (noun, action) = verb.split_once('/')?;
    let own = |object: &&Object| is_served(shape, **object) && names::word(shape.words, **object).1 == noun;
    let object = *SERVED.iter().find(own)?;
    match (action, shape.definitions) {
        ("list", _) => Some(Route::List(object)),
        ("get", _) => Some(Route::Record(object, id?)),
        ("deleted", _) if matches!(shape.deleted, Deleted::Endpoint | Deleted::Ids) => Some(Route::Deleted(object)),
        ("fields", Definitions::ObjectFields) | ("fields/definitions", Definitions::ObjectDefinitions) => {
            Some(Route::Definitions(Some(object)))
        }
        ("content" | "download", _) if object == Object::File => Some(Route::File(id?, FilePart::Content)),
        ("render", _) if object == Object::File && shape.files == Files::Job => {
            Some(Route::File(id?, FilePart::Render))
        }
        _ => None,
    }
}

/// The path of the base, without a slash at its end.
pub(super) fn base_path(shape: &Shape) -> &'static str {
    match shape.base {
        Base::ApiV1 => "/api/v1",
        Base::ApiV2 => "/api/v2",
        Base::Api => "/api",
        Base::V1 => "/v1",
        Base::Root => "",
        Base::Rest => "/rest",
        Base::RestV1 => "/rest/v1",
    }
}

/// The path of the identity below the base.
pub(super) fn identity_path(shape: &Shape) -> Option<&'static str> {
    Some(match shape.identity {
        Identity::Me => "me",
        Identity::UsersMe => "users/me",
        Identity::Account => "account",
        Identity::Ping => "ping",
        Identity::Whoami => "whoami",
        Identity::User => "user",
        Identity::None => return None,
    })
}

fn definitions_path(shape: &Shape) -> Option<&'static str> {
    Some(match shape.definitions {
        Definitions::Fields => "fields",
        Definitions::CustomFields => "custom_fields",
        Definitions::Metadata => "metadata",
        Definitions::Describe => "describe",
        Definitions::Settings => "settings/fields",
        Definitions::None | Definitions::ObjectFields | Definitions::ObjectDefinitions => return None,
    })
}
