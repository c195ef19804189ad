//! What objects and fields are called: the words of an API, their paths, and the spelling of fields.

use super::choices::{PathStyle, Protocol, Spelling, Words};
use super::dimension::Dimension as _;
use super::shape::Shape;
use crate::record::Object;

/// Singular and plural of an object in the words of a shape.
pub(super) fn word(words: Words, object: Object) -> (&'static str, &'static str) {
    match object {
        Object::Owner => ("user", "users"),
        Object::Pipeline => ("pipeline", "pipelines"),
        Object::Client => match words {
            Words::Promox => ("client", "clients"),
            Words::Orders => ("customer", "customers"),
            Words::Accounts => ("account", "accounts"),
            Words::Contacts => ("contact", "contacts"),
            Words::Companies => ("company", "companies"),
        },
        Object::Lead => ("lead", "leads"),
        Object::Project => match words {
            Words::Promox => ("project", "projects"),
            Words::Orders => ("order", "orders"),
            Words::Accounts => ("opportunity", "opportunities"),
            Words::Contacts => ("deal", "deals"),
            Words::Companies => ("job", "jobs"),
        },
        Object::Commission => ("commission", "commissions"),
        Object::Task => match words {
            Words::Accounts | Words::Companies => ("activity", "activities"),
            _ => ("task", "tasks"),
        },
        Object::Note => ("note", "notes"),
        _ => ("file", "files"),
    }
}

/// The name of an object's list, as it stands in the path and, for envelopes, in the body.
pub(super) fn resource(shape: &Shape, object: Object) -> String {
    let (_, plural) = word(shape.words, object);
    if matches!(shape.spelling, Spelling::Pascal) || shape.paths == PathStyle::Pascal {
        return capital(plural);
    }
    plural.to_owned()
}

/// The path of an object's list below the base, without a slash at either end. For calls by POST it is that of the verb.
pub(super) fn list_path(shape: &Shape, object: Object) -> String {
    let (singular, plural) = word(shape.words, object);
    match shape.protocol {
        Protocol::Rpc => return format!("{plural}/list"),
        Protocol::RpcSingle => return format!("{plural}.list"),
        _ => {}
    }
    match shape.paths {
        PathStyle::Plural => plural.to_owned(),
        PathStyle::Singular => singular.to_owned(),
        PathStyle::Json => format!("{plural}.json"),
        PathStyle::Pascal => capital(plural),
        PathStyle::List => format!("{plural}/list"),
    }
}

/// The path of one record below the base.
pub(super) fn record_path(shape: &Shape, object: Object, id: &str) -> String {
    let stem = stem(shape, object);
    match shape.paths {
        PathStyle::Json => format!("{stem}/{id}.json"),
        _ => format!("{stem}/{id}"),
    }
}

/// What the paths of an object's records and parts begin with.
pub(super) fn stem(shape: &Shape, object: Object) -> String {
    let (singular, plural) = word(shape.words, object);
    match shape.paths {
        PathStyle::Singular => singular.to_owned(),
        PathStyle::Pascal => capital(plural),
        _ => plural.to_owned(),
    }
}

/// The name of a field in the words and the spelling of a shape: `client_id` becomes `customerId`.
pub(super) fn field(shape: &Shape, name: &str) -> String {
    let renamed = match name {
        "updated_at" => shape.stamp_name.text().to_owned(),
        _ => in_words(shape.words, name),
    };
    spelled(shape.spelling, &renamed)
}

/// `client_id` in the words of a shape.
fn in_words(words: Words, name: &str) -> String {
    for object in [Object::Client, Object::Project] {
        let own = object.as_str();
        if let Some(rest) = name.strip_prefix(own) {
            return format!("{}{rest}", word(words, object).0);
        }
    }
    name.to_owned()
}

/// A name of snake case in another spelling.
pub(super) fn spelled(spelling: Spelling, name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    match spelling {
        Spelling::Snake => name.to_owned(),
        Spelling::Upper => name.to_uppercase(),
        Spelling::Pascal => words.map(capital).collect(),
        Spelling::Camel => {
            words.enumerate().map(|(at, word)| if at == 0 { word.to_owned() } else { capital(word) }).collect()
        }
        Spelling::Title => {
            let words: Vec<String> =
                words.map(|word| if word == "id" { "ID".to_owned() } else { capital(word) }).collect();
            words.join(" ")
        }
    }
}

/// The word with a capital at its start.
pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_spellings() {
        let check = |spelling, expected: &str| assert_eq!(spelled(spelling, "client_id"), expected);
        check(Spelling::Snake, "client_id");
        check(Spelling::Camel, "clientId");
        check(Spelling::Pascal, "ClientId");
        check(Spelling::Upper, "CLIENT_ID");
        check(Spelling::Title, "Client ID");
        let shape = Shape { words: Words::Accounts, spelling: Spelling::Camel, ..Shape::default() };
        assert_eq!(field(&shape, "project_id"), "opportunityId");
        assert_eq!(list_path(&shape, Object::Task), "activities");
    }
}
