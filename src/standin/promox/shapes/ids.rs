//! The forms of ids: pure functions of object and number, so that a link to a row that is not there has one, too.

use serde_json::Value;

use super::choices::Ids;
use crate::record::Object;

/// Ids beyond what a float holds begin here.
const BIG_FIRST: u64 = (1 << 53) + 1;

/// Letters and digits of an id where the case matters.
const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An id as a list shows it: a number for the forms that are one, else text.
pub(super) fn value(form: Ids, object: Object, key: u64) -> Value {
    match form {
        Ids::Int => Value::from(key),
        Ids::Big => Value::from(big(key)),
        _ => Value::from(text(form, object, key)),
    }
}

/// The same id as text.
pub(super) fn text(form: Ids, object: Object, key: u64) -> String {
    match form {
        Ids::Int | Ids::Text => key.to_string(),
        Ids::Big => big(key).to_string(),
        Ids::Hex => hex(object, key, 24),
        Ids::Prefixed => format!("{}_{}", prefix(object), hex(object, key, 16)),
        Ids::Suffixed => format!("{key}-{object}s"),
        Ids::Case18 => case18(object, key),
        Ids::Uuid => uuid(object, key),
        Ids::Composite => format!("{}x{key}", module(object)),
    }
}

/// Odd and even ones lie beside one another, so that a float would make them the same.
fn big(key: u64) -> u64 {
    BIG_FIRST + key
}

fn digest(object: Object, key: u64) -> blake3::Hash {
    blake3::hash(format!("{object}:{key}").as_bytes())
}

fn hex(object: Object, key: u64, digits: usize) -> String {
    digest(object, key).to_hex().chars().take(digits).collect()
}

fn uuid(object: Object, key: u64) -> String {
    let hash = digest(object, key);
    let bytes = hash.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Three of the object, then fifteen that tell neighbours apart by case as well.
fn case18(object: Object, key: u64) -> String {
    let hash = digest(object, key);
    let tail = hash.as_bytes().iter().take(15).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    format!("{:03}", module(object)).chars().chain(tail).collect()
}

fn prefix(object: Object) -> &'static str {
    match object {
        Object::Owner => "usr",
        Object::Pipeline => "pip",
        Object::Client => "con",
        Object::Lead => "lea",
        Object::Project => "prj",
        Object::Commission => "com",
        Object::Task => "tsk",
        Object::Note => "not",
        _ => "fil",
    }
}

fn module(object: Object) -> u8 {
    match object {
        Object::Owner => 19,
        Object::Pipeline => 47,
        Object::Client => 12,
        Object::Lead => 10,
        Object::Project => 13,
        Object::Commission => 41,
        Object::Task => 9,
        Object::Note => 15,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_forms() {
        let check = |form, expected: &str| assert_eq!(text(form, Object::Client, 4_821), expected);
        check(Ids::Int, "4821");
        check(Ids::Big, "9007199254745814");
        check(Ids::Suffixed, "4821-clients");
        check(Ids::Composite, "12x4821");
        assert_eq!(text(Ids::Hex, Object::Client, 1).len(), 24);
        assert_eq!(text(Ids::Case18, Object::Client, 1).len(), 18);
        assert!(text(Ids::Prefixed, Object::Client, 1).starts_with("con_"));
        assert_eq!(uuid::Uuid::parse_str(&text(Ids::Uuid, Object::Note, 1)).map(|id| id.get_version_num()), Ok(4));
        assert!(value(Ids::Big, Object::Client, 2).is_u64());
    }
}
