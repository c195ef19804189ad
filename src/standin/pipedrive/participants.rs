//! Persons who take part in a deal besides its contact person (API v1). Facts: fact sheet 5.4, OpenAPI v1 of 2026-08-18.
//!
//! A person who takes part already is refused a second time; no document says.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom;
use super::deals::Deal;
use super::envelope::{Answer, Refusal};
use super::fields::Input;
use super::links::{Anchor, Linked, Links};
use super::list::{Filter, Listed};
use super::noun::Noun;
use super::offset;
use super::older::{self, Links as Form};
use super::query::Query;
use super::route::Operation;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};
use super::tally::Tallies;

/// One person in one deal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Participant {
    #[serde(skip)]
    meta: Meta,
    deal_id: u64,
    person_id: u64,
    added_by: u64,
}

impl Row for Participant {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Participant {
    const NOUN: Noun = Noun::Participant;
    const NAME: &'static str = "Participant";

    fn table(state: &State) -> &Table<Self> {
        &state.participants
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.participants
    }

    fn blank(_state: &mut State, act: &Act) -> Self {
        Self { meta: Meta::new(act.second(), act.by_api), deal_id: 0, person_id: 0, added_by: act.user }
    }

    fn apply(&mut self, body: &mut Body, state: &State, _act: &Act) {
        body.require("person_id");
        let given = body.put("person_id", &mut self.person_id, |value| {
            check::link("Person", |id| state.persons.live(id).is_some())(value)
        });
        if given && of_deal(state, self.deal_id).any(|other| other == self.person_id) {
            body.problem("person_id", "The person is already a participant of this deal");
        }
    }

    fn write(&self, _state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        let row = json!({"id": self.meta.id, "deal_id": self.deal_id, "person_id": self.person_id});
        custom::write_json(&row, out);
    }

    fn is_lenient(_state: &State) -> bool {
        true
    }
}

impl Linked for Participant {
    fn links_mut(&mut self) -> Links<'_> {
        Links::default()
    }

    fn move_more(&mut self, from: Anchor, to: Anchor) -> bool {
        let (slot, from, to) = match (from, to) {
            (Anchor::Person(from), Anchor::Person(to)) => (&mut self.person_id, from, to),
            (Anchor::Deal(from), Anchor::Deal(to)) => (&mut self.deal_id, from, to),
            _ => return false,
        };
        let moved = *slot == from;
        if moved {
            *slot = to;
        }
        moved
    }
}

impl Listed for Participant {
    const FILTERS: &'static [&'static str] = &["deal_id"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        Filter::is(filter.deal_id, Some(self.deal_id))
    }
}

impl Participant {
    /// As answers have it.
    fn whole(&self, state: &State, tallies: &Tallies) -> Value {
        let person_id = json!(self.person_id);
        let deal = state.deals.get(self.deal_id);
        json!({
            "id": self.meta.id,
            "person_id": older::person_in_short(state, &person_id, true),
            "add_time": check::v1_text(self.meta.add_time),
            "active_flag": !self.meta.is_deleted,
            "related_item_data": {"deal_id": self.deal_id, "title": deal.map(|deal| deal.title())},
            "person": older::person(state, self.person_id, tallies, Form::Records),
            "added_by_user_id": older::user(state, &json!(self.added_by), true),
            "related_item_type": "deal",
            "related_item_id": self.deal_id,
        })
    }

    /// The deal and the person.
    pub(super) fn pair(&self) -> (u64, u64) {
        (self.deal_id, self.person_id)
    }
}

fn of_deal(state: &State, deal_id: u64) -> impl Iterator<Item = u64> {
    let live = state.participants.iter().filter(move |row| row.deal_id == deal_id && !row.meta.is_deleted);
    live.map(|row| row.person_id)
}

/// Carries out a request about the participants of a deal, whose id is that of the path.
///
/// # Errors
/// 400, 403 or 404.
pub(super) fn perform(
    state: &mut State,
    act: &Act,
    operation: Operation,
    id: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    let deal_id = crud::number::<Deal>(state, id)?;
    if operation != Operation::List && crud::live::<Deal>(state, deal_id)?.is_in_archive() {
        return Err(Refusal::forbidden("Archived deals cannot be changed"));
    }
    crud::live::<Deal>(state, deal_id)?;
    match operation {
        Operation::List => {
            let mut query = Query::parse(input.query);
            query.set("deal_id", &deal_id.to_string());
            offset::page_of::<Participant>(state, act, query, &offset::Shape::default(), |state, rows| {
                let tallies = Tallies::of(state);
                let rows: Vec<Value> = rows.iter().map(|row| row.whole(state, &tallies)).collect();
                let related = older::related(state, &rows, &tallies);
                (Value::Array(rows), related)
            })
        }
        Operation::Create => {
            let mut row = Participant::blank(state, act);
            row.deal_id = deal_id;
            let mut body = Body::parse(input.body, Purpose::Create)?;
            row.apply(&mut body, state, act);
            body.finish(true)?;
            let number = crud::add(state, act, row)?;
            let tallies = Tallies::of(state);
            let row = crud::live::<Participant>(state, number)?.whole(state, &tallies);
            let related = older::related(state, std::slice::from_ref(&row), &tallies);
            let body = json!({"success": true, "data": row, "related_objects": related});
            Ok(Answer::json(200, body.to_string()))
        }
        _ => {
            let number = crud::number::<Participant>(state, input.sub)?;
            if crud::live::<Participant>(state, number)?.deal_id != deal_id {
                return Err(Refusal::not_found(Participant::NAME));
            }
            crud::delete::<Participant>(state, act, number)?;
            Ok(Answer::value(200, &json!({ "id": number })))
        }
    }
}
