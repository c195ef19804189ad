//! What a caller of API v2 can have besides or instead of the usual keys: counts, labels, and only some custom fields.
//!
//! Names: OpenAPI v2 of 2026-08-18, parameters `include_fields`, `include_labels`, `include_option_labels` and
//! `custom_fields`. Namespaces of fields and attendees of activities, which can be asked for too, are in every answer, as
//! the examples of the document show them.

use serde_json::{Map, Value, json};

use super::fields::Owner;
use super::list::Listed;
use super::noun::Noun;
use super::older::{self, Links};
use super::query::Query;
use super::state::State;
use super::tally::Tallies;

/// Most custom fields that can be named.
const CUSTOM_KEYS_MAX: usize = 15;

/// What deals, persons and organizations can have besides.
pub(super) const OF_DEALS: &[&str] = &[
    "next_activity_id",
    "last_activity_id",
    "first_won_time",
    "products_count",
    "files_count",
    "notes_count",
    "followers_count",
    "email_messages_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "participants_count",
    "last_incoming_mail_time",
    "last_outgoing_mail_time",
    "smart_bcc_email",
    "source_lead_id",
];
pub(super) const OF_PERSONS: &[&str] = &[
    "next_activity_id",
    "last_activity_id",
    "open_deals_count",
    "related_open_deals_count",
    "closed_deals_count",
    "related_closed_deals_count",
    "participant_open_deals_count",
    "participant_closed_deals_count",
    "email_messages_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "files_count",
    "notes_count",
    "followers_count",
    "won_deals_count",
    "related_won_deals_count",
    "lost_deals_count",
    "related_lost_deals_count",
    "last_incoming_mail_time",
    "last_outgoing_mail_time",
    "marketing_status",
    "doi_status",
    "smart_bcc_email",
];
pub(super) const OF_ORGANIZATIONS: &[&str] = &[
    "next_activity_id",
    "last_activity_id",
    "open_deals_count",
    "related_open_deals_count",
    "closed_deals_count",
    "related_closed_deals_count",
    "email_messages_count",
    "people_count",
    "activities_count",
    "done_activities_count",
    "undone_activities_count",
    "files_count",
    "notes_count",
    "followers_count",
    "won_deals_count",
    "related_won_deals_count",
    "lost_deals_count",
    "related_lost_deals_count",
    "smart_bcc_email",
];

/// What one request asks for.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// Custom fields wanted; `None`: all.
    pub(super) only: Option<Vec<String>>,
    include: Vec<String>,
    labels: bool,
    option_labels: bool,
}

impl Extras {
    /// Takes the parameters out of a query that this kind of record has.
    pub(super) fn read<R: Listed>(query: &mut Query, archived: bool) -> Self {
        let mut extras = Self::default();
        if !R::INCLUDES.is_empty() {
            extras.include = names(query, R::INCLUDES).unwrap_or_default();
        }
        let has_labels = matches!(R::NOUN, Noun::Deal | Noun::Person | Noun::Organization);
        if has_labels && !archived {
            let mut flag = |name| query.read(name, "boolean", |text| text.parse().ok()).unwrap_or(false);
            (extras.labels, extras.option_labels) = (flag("include_labels"), flag("include_option_labels"));
        }
        if has_labels || R::NOUN == Noun::Product {
            let keys = |text: &str| {
                let keys: Vec<String> = text.split(',').map(str::to_owned).collect();
                (keys.len() <= CUSTOM_KEYS_MAX).then_some(keys)
            };
            extras.only = query.read("custom_fields", "up to 15 keys", keys);
        }
        extras
    }

    /// True if rows are as usual, but for the choice of custom fields.
    pub(super) fn is_plain(&self) -> bool {
        self.include.is_empty() && !self.labels && !self.option_labels
    }

    /// A row with everything that is asked for.
    pub(super) fn row<R: Listed>(&self, state: &State, row: &R, tallies: &Tallies) -> Value {
        let mut text = Vec::with_capacity(512);
        row.write(state, self.only.as_deref(), &mut text);
        let mut keys: Map<String, Value> = serde_json::from_slice(&text).unwrap_or_default();
        let owner = match R::NOUN {
            Noun::Deal => Owner::Deal,
            Noun::Person => Owner::Person,
            Noun::Organization => Owner::Organization,
            _ => return Value::Object(keys),
        };
        self.count::<R>(state, row.meta().id, tallies, &mut keys);
        if self.labels {
            let labels = options(state, owner, "label_ids", &keys.get("label_ids").cloned().unwrap_or_default());
            keys.insert("labels".to_owned(), labels);
        }
        if self.option_labels
            && let Some(Value::Object(custom)) = keys.get_mut("custom_fields")
        {
            for (code, value) in custom {
                *value = options(state, owner, code, value);
            }
        }
        Value::Object(keys)
    }

    /// Adds what hangs on the record; what only Campaigns have is left out.
    fn count<R: Listed>(&self, state: &State, id: u64, tallies: &Tallies, keys: &mut Map<String, Value>) {
        if self.include.is_empty() {
            return;
        }
        let older = match R::NOUN {
            Noun::Deal => older::deal(state, id, tallies, Links::Ids),
            Noun::Person => older::person(state, id, tallies, Links::Ids),
            _ => older::organization(state, id, tallies),
        };
        for name in &self.include {
            let value = match name.as_str() {
                "marketing_status" | "doi_status" => continue,
                "smart_bcc_email" => older["cc_email"].clone(),
                "first_won_time" => keys.get("won_time").cloned().unwrap_or_default(),
                name => older[name].clone(),
            };
            keys.insert(name.clone(), value);
        }
    }
}

/// The parameter `include_fields`: known names with commas between them.
pub(super) fn names(query: &mut Query, known: &[&str]) -> Option<Vec<String>> {
    query.read("include_fields", "known fields", |text| {
        text.split(',').map(|name| known.contains(&name).then(|| name.to_owned())).collect()
    })
}

/// Option ids with their labels; any other value as it is.
fn options(state: &State, owner: Owner, code: &str, value: &Value) -> Value {
    let Some(field) = state.fields(owner).get(code) else { return value.clone() };
    let labelled = |id: &Value| {
        let option = field.option(id.as_u64()?)?;
        Some(json!({"id": id, "label": option.label}))
    };
    match value {
        Value::Array(ids) => ids.iter().filter_map(labelled).collect(),
        id => labelled(id).unwrap_or_else(|| value.clone()),
    }
}
