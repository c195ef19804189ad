//! Activities (API v2). Facts: fact sheet 5.7. The person is the primary participant; `person_id` is read-only, and the
//! moment an activity is marked as done is always the present.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::activity_types;
use super::address::Address;
use super::check::{self, Body, Purpose};
use super::crud::Resource;
use super::custom;
use super::leads;
use super::links::{Anchor, Linked, Links};
use super::list::{Filter, Listed};
use super::noun::Noun;
use super::state::{Act, State};
use super::system;
use super::table::{Meta, Row, Table};
use super::texts;
use super::users;

/// Longest note of an activity, in bytes (changelog of 2025-07: 100 KB).
const NOTE_BYTES_MAX: usize = 100 * 1024;

/// Ids of the options of `priority` in every account of this stand-in.
pub(super) const PRIORITIES: [u64; 3] = [263, 264, 265];

/// Type of an activity that names none; no document says which.
const TYPE_DEFAULT: &str = "call";

/// One activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Activity {
    #[serde(flatten, skip_deserializing)]
    meta: Meta,
    subject: String,
    #[serde(rename = "type")]
    kind: String,
    owner_id: u64,
    creator_user_id: u64,
    deal_id: Option<u64>,
    #[serde(with = "texts::uuid_or_null")]
    lead_id: Option<Uuid>,
    person_id: Option<u64>,
    org_id: Option<u64>,
    project_id: Option<u64>,
    due_date: Option<Date>,
    due_time: Option<Time>,
    duration: Option<Time>,
    busy: bool,
    done: bool,
    marked_as_done_time: Option<Timestamp>,
    location: Option<Box<Address>>,
    participants: Vec<Participant>,
    attendees: Vec<Attendee>,
    conference_meeting_client: Option<String>,
    conference_meeting_url: Option<String>,
    conference_meeting_id: Option<String>,
    public_description: Option<String>,
    priority: Option<u64>,
    outcome: Option<u64>,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Participant {
    person_id: u64,
    primary: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
struct Attendee {
    email: String,
    name: Option<String>,
    status: Option<String>,
    is_organizer: bool,
    person_id: Option<u64>,
    user_id: Option<u64>,
}

impl Row for Activity {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Activity {
    const NOUN: Noun = Noun::Activity;
    const NAME: &'static str = "Activity";

    fn table(state: &State) -> &Table<Self> {
        &state.activities
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.activities
    }

    fn blank(_state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            subject: String::new(),
            kind: TYPE_DEFAULT.to_owned(),
            owner_id: act.user,
            creator_user_id: act.user,
            deal_id: None,
            lead_id: None,
            person_id: None,
            org_id: None,
            project_id: None,
            due_date: None,
            due_time: None,
            duration: None,
            busy: false,
            done: false,
            marked_as_done_time: None,
            location: None,
            participants: Vec::new(),
            attendees: Vec::new(),
            conference_meeting_client: None,
            conference_meeting_url: None,
            conference_meeting_id: None,
            public_description: None,
            priority: None,
            outcome: None,
            note: None,
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, act: &Act) {
        let known = |value: &Value| {
            let key = check::text(check::LINE_MAX)(value)?;
            activity_types::name(state, &key).map(|_| key.clone()).ok_or_else(|| format!("Type '{key}' does not exist"))
        };
        body.put("type", &mut self.kind, known);
        let given = body.put("subject", &mut self.subject, check::text(check::LINE_MAX));
        if body.purpose == Purpose::Create && !given {
            self.subject = activity_types::name(state, &self.kind).unwrap_or(TYPE_DEFAULT).to_owned();
        }
        system::read_owner(body, state, &mut self.owner_id);
        self.read_links(body, state);
        body.put_or_null("due_date", &mut self.due_date, check::day);
        body.put_or_null("due_time", &mut self.due_time, check::time_of_day);
        body.put_or_null("duration", &mut self.duration, check::time_of_day);
        body.put("busy", &mut self.busy, check::flag);
        let was_done = self.done;
        body.put("done", &mut self.done, check::flag);
        if self.done != was_done {
            self.marked_as_done_time = self.done.then(|| act.second());
        }
        body.put_or_null("location", &mut self.location, |value| Address::read(value).map(Box::new));
        body.put("attendees", &mut self.attendees, check::list(|own| read_attendee(own, state)));
        body.put_or_null("public_description", &mut self.public_description, check::any_text(check::TEXT_MAX));
        body.put_or_null("priority", &mut self.priority, check::link("Option", |id| PRIORITIES.contains(&id)));
        body.put_or_null("outcome", &mut self.outcome, check::link("Option", |_| false));
        body.put_or_null("note", &mut self.note, read_note);
        self.note = self.note.take().filter(|note| !note.is_empty());
    }

    fn write(&self, _state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        custom::write_json(self, out);
    }
}

impl Activity {
    /// True for a call, which can become a call log.
    pub(super) fn is_call(&self) -> bool {
        self.kind == "call"
    }

    /// Whether it is done, and when it is due.
    pub(super) fn due(&self) -> (bool, Option<Date>, Option<Time>) {
        (self.done, self.due_date, self.due_time)
    }

    /// Deal, person, organization and lead.
    pub(super) fn links(&self) -> (Option<u64>, Option<u64>, Option<u64>, Option<Uuid>) {
        (self.deal_id, self.person_id, self.org_id, self.lead_id)
    }

    /// A deal and a lead exclude each other: an inference from the web application, in no document.
    fn read_links(&mut self, body: &mut Body, state: &State) {
        body.put_or_null("deal_id", &mut self.deal_id, check::link("Deal", |id| state.deals.live(id).is_some()));
        body.put_or_null("lead_id", &mut self.lead_id, |value| {
            let id = check::uuid(value)?;
            if leads::exists(state, id) { Ok(id) } else { Err(format!("Lead {id} does not exist")) }
        });
        if self.deal_id.is_some() && self.lead_id.is_some() {
            body.problem("lead_id", "An activity is linked to a deal or to a lead");
        }
        let organization = check::link("Organization", |id| state.organizations.live(id).is_some());
        body.put_or_null("org_id", &mut self.org_id, organization);
        body.put_or_null("project_id", &mut self.project_id, check::link("Project", |_| false));
        body.put("participants", &mut self.participants, |value| read_participants(value, state));
        self.person_id = self.participants.iter().find(|one| one.primary).map(|one| one.person_id);
    }
}

impl Linked for Activity {
    fn links_mut(&mut self) -> Links<'_> {
        Links {
            deal: Some(&mut self.deal_id),
            lead: Some(&mut self.lead_id),
            person: Some(&mut self.person_id),
            organization: Some(&mut self.org_id),
        }
    }

    fn move_more(&mut self, from: Anchor, to: Anchor) -> bool {
        let (Anchor::Person(from), Anchor::Person(to)) = (from, to) else { return false };
        let mut moved = false;
        for one in self.participants.iter_mut().filter(|one| one.person_id == from) {
            (one.person_id, moved) = (to, true);
        }
        moved
    }
}

impl Listed for Activity {
    const INCLUDES: &'static [&'static str] = &["attendees"];
    const FILTERS: &'static [&'static str] = &[
        "ids",
        "filter_id",
        "owner_id",
        "deal_id",
        "lead_id",
        "person_id",
        "org_id",
        "done",
        "updated_since",
        "updated_until",
    ];
    const ORDERS: &'static [&'static str] = &["due_date"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        Filter::is(filter.owner_id, Some(self.owner_id))
            && Filter::is(filter.deal_id, self.deal_id)
            && Filter::is(filter.person_id, self.person_id)
            && Filter::is(filter.org_id, self.org_id)
            && filter.lead_id.is_none_or(|wanted| self.lead_id == Some(wanted))
            && filter.done.is_none_or(|wanted| self.done == wanted)
    }

    fn place(&self, _order: &str) -> String {
        self.due_date.map(|day| day.to_string()).unwrap_or_default()
    }
}

/// HTML as the real service keeps it: without scripts, styles and unknown tags. Which tags it allows is in no document;
/// these are ammonia's.
pub(super) fn clean_html(html: &str) -> String {
    if html.contains(['<', '>', '&']) { ammonia::clean(html) } else { html.to_owned() }
}

pub(super) fn read_note(value: &Value) -> Result<String, String> {
    let Value::String(html) = value else { return Err(check::expected("string", value)) };
    if html.len() > NOTE_BYTES_MAX {
        return Err(format!("Must be at most {NOTE_BYTES_MAX} bytes"));
    }
    Ok(clean_html(html.trim()))
}

fn read_participants(value: &Value, state: &State) -> Result<Vec<Participant>, String> {
    let mut participants = check::list(|item| {
        let Value::Object(keys) = item else { return Err(check::expected("object", item)) };
        if let Some(key) = keys.keys().find(|key| *key != "person_id" && *key != "primary") {
            return Err(format!("Unknown key '{key}'"));
        }
        let person = check::link("Person", |id| state.persons.live(id).is_some());
        let person_id = person(keys.get("person_id").ok_or("person_id: Required")?)?;
        let primary = keys.get("primary").map_or(Ok(false), check::flag)?;
        Ok(Participant { person_id, primary })
    })(value)?;
    if participants.iter().filter(|one| one.primary).count() > 1 {
        return Err("Only one item can be primary".to_owned());
    }
    if !participants.iter().any(|one| one.primary)
        && let Some(first) = participants.first_mut()
    {
        first.primary = true;
    }
    Ok(participants)
}

fn read_attendee(value: &Value, state: &State) -> Result<Attendee, String> {
    let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
    let mut attendee = Attendee::default();
    for (key, value) in keys {
        let line = check::any_text(check::LINE_MAX);
        match key.as_str() {
            "email" => attendee.email = check::text(check::LINE_MAX)(value)?,
            "name" => attendee.name = Some(line(value)?),
            "status" => attendee.status = Some(line(value)?),
            "is_organizer" => attendee.is_organizer = check::flag(value)?,
            "person_id" => {
                let person = check::link("Person", |id| state.persons.live(id).is_some());
                attendee.person_id = if value.is_null() { None } else { Some(person(value)?) };
            }
            "user_id" => {
                let user = check::link("User", |id| users::get(state, id).is_some());
                attendee.user_id = if value.is_null() { None } else { Some(user(value)?) };
            }
            _ => return Err(format!("Unknown key '{key}'")),
        }
    }
    if attendee.email.is_empty() { Err("email: Required".to_owned()) } else { Ok(attendee) }
}
