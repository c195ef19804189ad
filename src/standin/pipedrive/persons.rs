//! Persons (API v2). Facts: fact sheet 5.3, migration guide.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom::Custom;
use super::envelope::Refusal;
use super::extras;
use super::fields::Owner;
use super::links::{Anchor, Linked, Links};
use super::list::{Filter, Listed};
use super::merge::Mergeable;
use super::noun::Noun;
use super::saved::Saved;
use super::state::{Act, State};
use super::system;
use super::table::{Meta, Row, Table};

/// Keys that do not exist before somebody sets up contact sync or buys Campaigns; sending them is refused.
const NOT_HERE: [&str; 6] = ["im", "postal_address", "notes", "birthday", "job_title", "marketing_status"];

/// Text of the label when none is given (migration guide).
const LABEL_DEFAULT: &str = "work";

/// One person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Person {
    #[serde(flatten, skip_deserializing)]
    meta: Meta,
    name: String,
    first_name: Option<String>,
    last_name: Option<String>,
    owner_id: u64,
    org_id: Option<u64>,
    emails: Vec<Contact>,
    phones: Vec<Contact>,
    visible_to: u64,
    label_ids: Vec<u64>,
    picture_id: Option<u64>,
    #[serde(skip)]
    custom: Custom,
}

/// One e-mail address or phone number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Contact {
    value: String,
    primary: bool,
    label: String,
}

impl Row for Person {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Person {
    const NOUN: Noun = Noun::Person;
    const NAME: &'static str = "Person";

    fn table(state: &State) -> &Table<Self> {
        &state.persons
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.persons
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            name: String::new(),
            first_name: None,
            last_name: None,
            owner_id: act.user,
            org_id: None,
            emails: Vec::new(),
            phones: Vec::new(),
            visible_to: state.default_visibility(),
            label_ids: Vec::new(),
            picture_id: None,
            custom: Custom::default(),
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, act: &Act) {
        self.read_name(body);
        system::read_owner(body, state, &mut self.owner_id);
        system::read_visibility(body, state, &mut self.visible_to);
        system::read_labels(body, state, Owner::Person, &mut self.label_ids);
        if body.purpose == Purpose::Create {
            system::read_add_time(body, state, act, &mut self.meta.add_time, check::instant);
        }
        let organization = check::link("Organization", |id| state.organizations.live(id).is_some());
        body.put_or_null("org_id", &mut self.org_id, organization);
        for (key, slot) in [("emails", &mut self.emails), ("phones", &mut self.phones)] {
            body.put(key, slot, |value| {
                let contacts = read_contacts(value)?;
                match state.settings.contacts_max {
                    Some(max) if contacts.len() > max => Err(format!("Array must contain at most {max} element(s)")),
                    _ => Ok(contacts),
                }
            });
        }
        for key in NOT_HERE {
            if body.take(key).is_some() {
                body.refuse(Refusal::forbidden(format!("Field '{key}' is not available: contact sync is not set up")));
            }
        }
        system::read_custom(body, state, Owner::Person, &mut self.custom);
    }

    fn is_seen_by(&self, user: u64) -> bool {
        self.visible_to != system::OWNER_ONLY || self.owner_id == user
    }

    fn write(&self, state: &State, only: Option<&[String]>, out: &mut Vec<u8>) {
        crud::write_with_custom(self, &self.custom, &state.person_fields, only, out);
    }
}

impl Linked for Person {
    fn links_mut(&mut self) -> Links<'_> {
        Links { organization: Some(&mut self.org_id), ..Links::default() }
    }
}

impl Mergeable for Person {
    fn absorb(&mut self, other: &Self) {
        self.org_id = self.org_id.or(other.org_id);
        for (own, more) in [(&mut self.emails, &other.emails), (&mut self.phones, &other.phones)] {
            let has_primary = !own.is_empty();
            for contact in more {
                if !own.iter().any(|mine| mine.value == contact.value) {
                    own.push(Contact { primary: contact.primary && !has_primary, ..contact.clone() });
                }
            }
        }
        system::unite(&mut self.label_ids, &other.label_ids);
        self.custom.fill(&other.custom);
    }

    fn anchor(id: u64) -> Anchor {
        Anchor::Person(id)
    }
}

impl Saved for Person {
    fn custom(&self) -> Option<&Custom> {
        Some(&self.custom)
    }

    fn set_custom(&mut self, custom: Custom) {
        self.custom = custom;
    }
}

impl Listed for Person {
    const INCLUDES: &'static [&'static str] = extras::OF_PERSONS;
    const FILTERS: &'static [&'static str] =
        &["ids", "filter_id", "owner_id", "org_id", "deal_id", "updated_since", "updated_until"];

    fn passes(&self, filter: &Filter, state: &State) -> bool {
        let in_deal = |deal: u64| state.deals.live(deal).is_some_and(|deal| deal.person_id() == Some(self.meta.id));
        Filter::is(filter.owner_id, Some(self.owner_id))
            && Filter::is(filter.org_id, self.org_id)
            && filter.deal_id.is_none_or(in_deal)
    }
}

impl Person {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reads either the whole name, which is split at its first space, or its two parts; the other form follows.
    fn read_name(&mut self, body: &mut Body) {
        let parts = body.has("first_name") || body.has("last_name");
        if body.has("name") || !parts {
            body.require("name");
            let given = body.put("name", &mut self.name, check::text(check::LINE_MAX));
            if parts {
                body.problem("first_name", "Only one of name, or first_name and last_name");
            } else if given {
                let (first, last) = split_name(&self.name);
                (self.first_name, self.last_name) = (first, last);
                self.join_name();
            }
            return;
        }
        if body.purpose == Purpose::Create {
            body.require("first_name");
            body.require("last_name");
        }
        body.put_or_null("first_name", &mut self.first_name, check::text(check::LINE_MAX));
        body.put_or_null("last_name", &mut self.last_name, check::text(check::LINE_MAX));
        self.join_name();
    }

    fn join_name(&mut self) {
        let parts = [self.first_name.as_deref(), self.last_name.as_deref()];
        self.name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    }
}

/// First word, and the rest; no document says where the real service splits.
fn split_name(name: &str) -> (Option<String>, Option<String>) {
    match name.split_once(char::is_whitespace) {
        None => (Some(name.to_owned()), None),
        Some((first, rest)) => (Some(first.to_owned()), Some(rest.trim_start().to_owned())),
    }
}

/// Reads e-mail addresses or phone numbers: at most one primary, else the first is it; empty ones fall away.
fn read_contacts(value: &Value) -> Result<Vec<Contact>, String> {
    let mut contacts = check::list(read_contact)(value)?;
    contacts.retain(|contact| !contact.value.is_empty());
    if contacts.iter().filter(|contact| contact.primary).count() > 1 {
        return Err("Only one item can be primary".to_owned());
    }
    if !contacts.iter().any(|contact| contact.primary)
        && let Some(first) = contacts.first_mut()
    {
        first.primary = true;
    }
    Ok(contacts)
}

fn read_contact(value: &Value) -> Result<Contact, String> {
    let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
    if let Some(key) = keys.keys().find(|key| !["value", "primary", "label"].contains(&key.as_str())) {
        return Err(format!("Unknown key '{key}'"));
    }
    let text = keys.get("value").ok_or("value: Required")?;
    let value = check::any_text(check::LINE_MAX)(text).map_err(|why| format!("value: {why}"))?;
    let primary = keys.get("primary").map_or(Ok(false), check::flag).map_err(|why| format!("primary: {why}"))?;
    let label = keys.get("label").map_or(Ok(LABEL_DEFAULT.to_owned()), check::text(check::LINE_MAX));
    Ok(Contact { value, primary, label: label.map_err(|why| format!("label: {why}"))? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_split_at_the_first_space() {
        let check = |name: &str, first: Option<&str>, last: Option<&str>| {
            let (own_first, own_last) = split_name(name);
            assert_eq!((own_first.as_deref(), own_last.as_deref()), (first, last), "{name}");
        };
        check("Ada", Some("Ada"), None);
        check("Ada Muster", Some("Ada"), Some("Muster"));
        check("Ada  von Muster", Some("Ada"), Some("von Muster"));
    }

    #[test]
    fn one_contact_is_primary() {
        let primaries = |value: Value| {
            let contacts = read_contacts(&value)?;
            Ok::<_, String>(contacts.iter().map(|contact| contact.primary).collect::<Vec<_>>())
        };
        assert_eq!(primaries(json!([{"value": "a"}, {"value": "b"}])), Ok(vec![true, false]));
        assert_eq!(primaries(json!([{"value": "a"}, {"value": "b", "primary": true}])), Ok(vec![false, true]));
        assert_eq!(primaries(json!([{"value": " "}, {"value": "b"}])), Ok(vec![true]));
        assert!(primaries(json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}])).is_err());
        assert!(primaries(json!([{"value": "a", "type": "work"}])).is_err());
        assert!(primaries(json!([{"value": "a", "primary": 1}])).is_err());
    }
}
