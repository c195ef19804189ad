//! What Pipedrive would not take: which field of a record it blames, in words that people can act on, and limits of the
//! account that stop one kind of record while the others go on.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Loader;
use super::send::parse;
use crate::error::{Error, Result};
use crate::journal::{Intent, Question};
use crate::record::Entity;

/// What parked records wait for while a limit of the account keeps them out. Each later pass tries one of them.
pub const PLAN_LIMIT: &str = "plan_limit";

/// The longest value that a reason quotes.
const VALUE_CHARS_MAX: usize = 80;

/// Limits of the account that this run has met.
pub(super) type Caps = HashMap<Entity, String>;

impl Loader {
    /// The words for a record that Pipedrive refused: the field and value, where the answer names one, and the reason.
    pub(super) fn why_refused(&self, intent: &Intent, error: &Error) -> String {
        let words = error.chain();
        let body = parse(intent.sent.as_deref().unwrap_or(&intent.body)).unwrap_or_default();
        match blamed(&words, &body) {
            None => words,
            Some((field, value)) => {
                let name = self.field_names.get(field).map_or(field, String::as_str);
                format!("Pipedrive refused field '{name}' with the value {}: {words}", quoted(value))
            }
        }
    }

    /// A limit of the account that keeps records of a kind out, if this run has met one.
    pub(super) fn cap(&self, entity: Entity) -> Option<String> {
        self.caps().get(&entity).cloned()
    }

    /// A limit of the account was met: nothing more of this kind is made in this run, and the customer is told.
    pub(super) fn meet_cap(&self, entity: Entity, error: &Error) -> String {
        let mut caps = self.caps();
        let met = caps.entry(entity).or_insert_with(|| {
            let why = format!("{}; {}", error.chain(), advice(entity));
            tracing::error!(%entity, error = why, "a limit of the account stops one kind of record; the others go on");
            why
        });
        met.clone()
    }

    /// Asks the customer what to do about the limits that this run has met.
    pub(super) async fn ask_about_caps(&self) -> Result<()> {
        let question = |(entity, why): (&Entity, &String)| Question {
            topic: PLAN_LIMIT.to_owned(),
            subject: entity.to_string(),
            text: why.clone(),
        };
        let questions: Vec<Question> = self.caps().iter().map(question).collect();
        if questions.is_empty() { Ok(()) } else { self.journal.ask(questions, self.clock.utc()).await }
    }
}

/// What to buy, archive or delete. Archived leads and deals do not count (knowledge base, "Usage limits").
fn advice(entity: Entity) -> &'static str {
    match entity {
        Entity::Deal | Entity::Lead => {
            "archive closed deals and leads, which then do not count, or add seats or take a larger plan; the rest waits \
             and goes on by itself"
        }
        Entity::OrganizationField | Entity::PersonField | Entity::DealField => {
            "take fields out of the mapping or merge them, delete custom fields that nobody uses, or take a larger plan"
        }
        _ => "delete in Pipedrive what nobody uses, or take a larger plan; the rest waits and goes on by itself",
    }
}

/// The field of a body that an answer names, with its value. The longest one, because `org_id` is in `org_id_2`.
fn blamed<'a>(words: &str, body: &'a Map<String, Value>) -> Option<(&'a str, &'a Value)> {
    let custom = body.get("custom_fields").and_then(Value::as_object);
    let fields = custom.into_iter().flatten().chain(body.iter().filter(|(name, _)| *name != "custom_fields"));
    fields
        .map(|(name, value)| (name.as_str(), value))
        .filter(|(name, _)| names(words, name))
        .max_by_key(|(name, _)| name.len())
}

/// Whether a name stands in a text as a word of its own that is marked as a name: in quotes, or before a colon. The
/// word alone (`note`, `done`) may be one of the sentence.
fn names(words: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    words.match_indices(name).any(|(at, _)| {
        let (before, after) = (words[..at].chars().next_back(), words[at + name.len()..].chars().next());
        let is_whole = !before.is_some_and(is_part) && !after.is_some_and(is_part);
        let is_marked = matches!(after, Some(':' | '\'' | '"' | '`')) || matches!(before, Some('\'' | '"' | '`'));
        is_whole && (is_marked || name.len() == CODE_CHARS)
    })
}

/// The length of a custom field's code, which is no word of any sentence.
const CODE_CHARS: usize = 40;

fn quoted(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= VALUE_CHARS_MAX {
        return text;
    }
    text.chars().take(VALUE_CHARS_MAX).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_field_that_is_named_is_found_with_its_value() {
        let code = "a".repeat(40);
        let body = json!({"title": "x", "note": "n", "org_id": 7, "owner_id": 8, "custom_fields": {code.clone(): "y"}});
        let body = body.as_object().expect("a map");
        let check = |words: &str, expected: Option<&str>| {
            assert_eq!(blamed(words, body).map(|(name, _)| name), expected, "{words}");
        };
        check("Validation failed: org_id: Parameter 'org_id' is not allowed for this request", Some("org_id"));
        check("Validation failed: title: must be a string", Some("title"));
        check("Validation failed: custom_fields: 'yy' is not a valid option of 'owner_id'", Some("owner_id"));
        check(&format!("Validation failed: custom_fields: {code} expected a number"), Some(&code));
        check("please note that the deal cannot be made", None);
        check("organization not found", None);
        assert_eq!(blamed("org_id: bad", body).map(|(_, value)| value.clone()), Some(json!(7)));
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(quoted(&json!("x".repeat(500))).chars().count(), VALUE_CHARS_MAX + 1);
        assert_eq!(quoted(&json!("é")), "\"é\"");
    }
}
