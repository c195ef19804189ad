//! Notes (API v1). Facts: fact sheet 5.8. They are the only records besides contacts that can be back-dated.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::activities::clean_html;
use super::check::{self, Body, Purpose};
use super::crud::Resource;
use super::custom;
use super::envelope::Refusal;
use super::leads;
use super::links::{Linked, Links};
use super::list::{Filter, Listed, PINS};
use super::noun::Noun;
use super::state::{Act, State};
use super::system;
use super::table::{Meta, Row, Table};
use super::texts;
use super::users;

/// Longest content, in characters (OpenAPI v1, text of the tag: about 100,000).
pub(super) const CONTENT_MAX: usize = 100_000;

/// One note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    #[serde(skip)]
    meta: Meta,
    content: String,
    user_id: u64,
    last_update_user_id: Option<u64>,
    deal_id: Option<u64>,
    person_id: Option<u64>,
    org_id: Option<u64>,
    #[serde(with = "texts::uuid_or_null")]
    lead_id: Option<Uuid>,
    pinned: [bool; PINS.len()],
}

impl Row for Note {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Note {
    const NOUN: Noun = Noun::Note;
    const NAME: &'static str = "Note";

    fn table(state: &State) -> &Table<Self> {
        &state.notes
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.notes
    }

    fn blank(_state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            content: String::new(),
            user_id: act.user,
            last_update_user_id: None,
            deal_id: None,
            person_id: None,
            org_id: None,
            lead_id: None,
            pinned: [false; PINS.len()],
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, act: &Act) {
        let (before, deal) = (self.user_id, self.deal_id);
        body.require("content");
        body.put("content", &mut self.content, |value| check::text(CONTENT_MAX)(value).map(|html| clean_html(&html)));
        body.put("user_id", &mut self.user_id, check::link("User", |id| users::get(state, id).is_some()));
        if self.user_id != before && !users::is_admin(act.user) {
            body.refuse(Refusal::forbidden("Only administrators write notes in the name of others"));
        }
        system::read_add_time(body, state, act, &mut self.meta.add_time, check::v1_instant);
        body.put_or_null("deal_id", &mut self.deal_id, check::link("Deal", |id| state.deals.live(id).is_some()));
        let notes = || state.notes.iter().filter(|own| own.deal_id == self.deal_id && !own.meta.is_deleted).count();
        let full = |max: usize| self.deal_id.is_some() && self.deal_id != deal && notes() >= max;
        if state.settings.notes_per_deal_max.is_some_and(full) {
            body.refuse(Refusal::forbidden("Couldn't add note. You've reached the notes per deal limit."));
        }
        let person = check::link("Person", |id| state.persons.live(id).is_some());
        body.put_or_null("person_id", &mut self.person_id, person);
        let organization = check::link("Organization", |id| state.organizations.live(id).is_some());
        body.put_or_null("org_id", &mut self.org_id, organization);
        body.put_or_null("lead_id", &mut self.lead_id, |value| {
            let id = check::uuid(value)?;
            if leads::exists(state, id) { Ok(id) } else { Err(format!("Lead {id} does not exist")) }
        });
        for key in ["project_id", "task_id"] {
            body.put_or_null(key, &mut None, check::link("Parent", |_| false));
        }
        let parents = [self.lead_id.is_some(), self.deal_id.is_some(), self.org_id.is_some(), self.person_id.is_some()];
        if !parents.contains(&true) {
            body.problem("deal_id", "A note needs one of lead_id, deal_id, person_id, org_id, project_id, task_id");
        }
        for (place, name) in PINS.iter().enumerate() {
            let key = format!("pinned_to_{name}_flag");
            body.put(&key, &mut self.pinned[place], check::bit);
            if self.pinned[place] && !parents.get(place).is_some_and(|linked| *linked) {
                body.problem(&key, "The note is not linked to it");
            }
        }
        if body.purpose == Purpose::Update {
            self.last_update_user_id = Some(act.user);
        }
    }

    fn write(&self, state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        let deal = self.deal_id.and_then(|id| state.deals.get(id)).map(|deal| json!({"title": deal.title()}));
        let person = self.person_id.and_then(|id| state.persons.get(id)).map(|person| json!({"name": person.name()}));
        let organization = self.org_id.and_then(|id| state.organizations.get(id));
        let user = users::get(state, self.user_id);
        let mut row = json!({
            "id": self.meta.id,
            "active_flag": !self.meta.is_deleted,
            "add_time": check::v1_text(self.meta.add_time),
            "update_time": check::v1_text(self.meta.update_time),
            "content": self.content,
            "deal_id": self.deal_id,
            "person_id": self.person_id,
            "org_id": self.org_id,
            "lead_id": self.lead_id.map(|id| id.to_string()),
            "project_id": null,
            "task_id": null,
            "user_id": self.user_id,
            "last_update_user_id": self.last_update_user_id,
            "deal": deal,
            "person": person,
            "organization": organization.map(|own| json!({"name": own.name()})),
            "project": null,
            "task": null,
            "lead": self.lead_id.and_then(|id| leads::title(state, id)).map(|title| json!({ "title": title })),
            "user": user.map(|user| json!({"email": user.email, "name": user.name, "icon_url": null, "is_you": false})),
        });
        for (name, pinned) in PINS.iter().zip(self.pinned) {
            row[format!("pinned_to_{name}_flag")] = Value::Bool(pinned);
        }
        custom::write_json(&row, out);
    }

    fn is_lenient(_state: &State) -> bool {
        true
    }
}

impl Linked for Note {
    fn links_mut(&mut self) -> Links<'_> {
        Links {
            deal: Some(&mut self.deal_id),
            lead: Some(&mut self.lead_id),
            person: Some(&mut self.person_id),
            organization: Some(&mut self.org_id),
        }
    }
}

impl Listed for Note {
    const FILTERS: &'static [&'static str] = &[
        "user_id",
        "lead_id",
        "deal_id",
        "person_id",
        "org_id",
        "start_date",
        "end_date",
        "updated_since",
        "pinned",
        "project_id",
        "task_id",
    ];
    const ORDERS: &'static [&'static str] = &["user_id", "deal_id", "person_id", "org_id", "content"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        let day = jiff::tz::TimeZone::UTC.to_datetime(self.meta.add_time).date();
        Filter::is(filter.user_id, Some(self.user_id))
            && Filter::is(filter.deal_id, self.deal_id)
            && Filter::is(filter.person_id, self.person_id)
            && Filter::is(filter.org_id, self.org_id)
            && filter.lead_id.is_none_or(|wanted| self.lead_id == Some(wanted))
            && filter.pinned.iter().zip(self.pinned).all(|(wanted, own)| wanted.is_none_or(|wanted| wanted == own))
            && filter.first_day.is_none_or(|first| day >= first)
            && filter.last_day.is_none_or(|last| day <= last)
    }

    fn place(&self, order: &str) -> String {
        let id = match order {
            "user_id" => Some(self.user_id),
            "deal_id" => self.deal_id,
            "person_id" => self.person_id,
            "org_id" => self.org_id,
            _ => return self.content.clone(),
        };
        format!("{:020}", id.unwrap_or_default())
    }
}
