//! Call logs (API v1), each of which comes with an activity. Facts: fact sheet 5.12, OpenAPI v1 of 2026-08-18.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::activities::{self, Activity};
use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom;
use super::envelope::{Answer, Refusal};
use super::fields::Input;
use super::form;
use super::leads::{self, with_milliseconds};
use super::list::{Filter, Listed};
use super::noun::Noun;
use super::offset::{self, Shape};
use super::query::Query;
use super::route::Operation;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};
use super::users;

/// Call logs of one page at most (OpenAPI v1).
const PAGE: Shape = Shape { archived: false, null_when_empty: false, filters: None, limit_max: 50 };

/// How a call ended.
const OUTCOMES: &[&str] = &["connected", "no_answer", "left_message", "left_voicemail", "wrong_number", "busy"];

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CallLog {
    #[serde(skip)]
    meta: Meta,
    id: String,
    activity_id: Option<u64>,
    person_id: Option<u64>,
    org_id: Option<u64>,
    deal_id: Option<u64>,
    lead_id: Option<String>,
    subject: String,
    duration: String,
    outcome: String,
    from_phone_number: Option<String>,
    to_phone_number: String,
    has_recording: bool,
    start_time: Timestamp,
    end_time: Timestamp,
    user_id: u64,
    note: Option<String>,
}

impl Row for CallLog {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for CallLog {
    const NOUN: Noun = Noun::CallLog;
    const NAME: &'static str = "Call log";

    fn table(state: &State) -> &Table<Self> {
        &state.call_logs
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.call_logs
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            id: format!("CA{}", state.hex(28)),
            activity_id: None,
            person_id: None,
            org_id: None,
            deal_id: None,
            lead_id: None,
            subject: "Call".to_owned(),
            duration: "0".to_owned(),
            outcome: String::new(),
            from_phone_number: None,
            to_phone_number: String::new(),
            has_recording: false,
            start_time: act.second(),
            end_time: act.second(),
            user_id: act.user,
            note: None,
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, act: &Act) {
        for key in ["outcome", "to_phone_number", "start_time", "end_time"] {
            body.require(key);
        }
        body.put("outcome", &mut self.outcome, |value| check::one_of(OUTCOMES)(value).map(str::to_owned));
        body.put("to_phone_number", &mut self.to_phone_number, check::text(check::LINE_MAX));
        body.put_or_null("from_phone_number", &mut self.from_phone_number, check::text(check::LINE_MAX));
        body.put("start_time", &mut self.start_time, check::v1_instant);
        body.put("end_time", &mut self.end_time, check::v1_instant);
        if self.end_time < self.start_time {
            body.problem("end_time", "Must not be before start_time");
        }
        body.put("duration", &mut self.duration, |value| {
            let text = check::text(20)(value)?;
            text.parse::<u64>().map(|_| text.clone()).map_err(|_| format!("Expected seconds, received '{text}'"))
        });
        body.put("subject", &mut self.subject, check::text(check::LINE_MAX));
        body.put_or_null("note", &mut self.note, activities::read_note);
        body.put("user_id", &mut self.user_id, check::link("User", |id| users::get(state, id).is_some()));
        if self.user_id != act.user && !users::is_admin(act.user) {
            body.refuse(Refusal::forbidden("Only users with account settings access log calls of others"));
        }
        let call = |id| state.activities.live(id).is_some_and(|own: &std::sync::Arc<Activity>| own.is_call());
        body.put_or_null("activity_id", &mut self.activity_id, check::link("Call activity", call));
        let (mut deal, mut person, mut organization, mut lead) = (None, None, None, None::<Uuid>);
        body.put_or_null("deal_id", &mut deal, check::link("Deal", |id| state.deals.live(id).is_some()));
        body.put_or_null("person_id", &mut person, check::link("Person", |id| state.persons.live(id).is_some()));
        let exists = |id| state.organizations.live(id).is_some();
        body.put_or_null("org_id", &mut organization, check::link("Organization", exists));
        body.put_or_null("lead_id", &mut lead, |value| {
            let id = check::uuid(value)?;
            if leads::exists(state, id) { Ok(id) } else { Err(format!("Lead {id} does not exist")) }
        });
        if deal.is_some() && lead.is_some() {
            body.problem("lead_id", "A call log is linked to a deal or to a lead");
        }
        // The links of an activity that becomes a call log count, and those sent with it do not (OpenAPI v1).
        if let Some(own) = self.activity_id.and_then(|id| state.activities.live(id)) {
            (deal, person, organization, lead) = own.links();
        }
        (self.deal_id, self.person_id, self.org_id) = (deal, person, organization);
        self.lead_id = lead.map(|id| id.to_string());
    }

    fn write(&self, state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        let mut row = json!(self);
        row["start_time"] = Value::from(with_milliseconds(self.start_time));
        row["end_time"] = Value::from(with_milliseconds(self.end_time));
        row["company_id"] = Value::from(state.settings.company_id);
        custom::write_json(&row, out);
    }

    fn number(state: &State, id: &str) -> Option<u64> {
        state.call_logs.iter().find(|row| row.id == id).map(|row| row.meta.id)
    }

    fn public_id(&self) -> Value {
        Value::from(self.id.clone())
    }

    fn is_lenient(_state: &State) -> bool {
        true
    }
}

impl Listed for CallLog {
    const FILTERS: &'static [&'static str] = &["user_id"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        Filter::is(filter.user_id, Some(self.user_id))
    }
}

impl CallLog {
    /// The keys of its activity: done, at the time of the call.
    fn activity(&self) -> Map<String, Value> {
        let minutes = (self.end_time.as_second() - self.start_time.as_second()) / 60;
        let mut keys = Map::new();
        for (key, value) in [
            ("subject", json!(self.subject)),
            ("type", json!("call")),
            ("owner_id", json!(self.user_id)),
            ("deal_id", json!(self.deal_id)),
            ("lead_id", json!(self.lead_id)),
            ("org_id", json!(self.org_id)),
            ("due_date", json!(self.start_time.strftime("%Y-%m-%d").to_string())),
            ("due_time", json!(self.start_time.strftime("%H:%M").to_string())),
            ("duration", json!(format!("{:02}:{:02}", (minutes / 60).min(23), minutes % 60))),
            ("note", json!(self.note)),
            ("done", json!(true)),
        ] {
            keys.insert(key.to_owned(), value);
        }
        if let Some(person) = self.person_id {
            keys.insert("participants".to_owned(), json!([{"person_id": person, "primary": true}]));
        }
        keys
    }
}

/// Carries out a request about call logs.
///
/// # Errors
/// 400, 403, 404, and 409 for a second recording.
pub(super) fn perform(
    state: &mut State,
    act: &Act,
    operation: Operation,
    id: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    match operation {
        Operation::List => {
            let mut query = Query::parse(input.query);
            query.set("user_id", &act.user.to_string());
            offset::page::<CallLog>(state, act, query, &PAGE)
        }
        Operation::Create => {
            let mut row = CallLog::blank(state, act);
            let mut body = Body::parse(input.body, Purpose::Create)?;
            row.apply(&mut body, state, act);
            body.finish(true)?;
            // The activity costs nothing of its own, so the minimum must not count it.
            let silent = Act { by_api: false, ..*act };
            let (purpose, existing) = (row.activity_id.map_or(Purpose::Create, |_| Purpose::Update), row.activity_id);
            let body = Body::new(row.activity(), purpose);
            row.activity_id = Some(match existing {
                None => crud::create::<Activity>(state, &silent, body)?,
                Some(number) => {
                    crud::update::<Activity>(state, &silent, number, body)?;
                    number
                }
            });
            let number = crud::add(state, act, row)?;
            Ok(super::perform::one::<CallLog>(state, number, 200))
        }
        operation => {
            let number = crud::number::<CallLog>(state, id)?;
            if crud::live::<CallLog>(state, number)?.user_id != act.user {
                return Err(Refusal::not_found(CallLog::NAME));
            }
            match operation {
                Operation::Read => return Ok(super::perform::one::<CallLog>(state, number, 200)),
                Operation::Record => record(state, act, number, input)?,
                _ => crud::delete::<CallLog>(state, act, number)?,
            }
            Ok(Answer::json(200, r#"{"success":true}"#))
        }
    }
}

fn record(state: &mut State, act: &Act, number: u64, input: Input<'_>) -> Result<(), Refusal> {
    let parts = form::multipart(input.kind, input.body)?;
    if !parts.iter().any(|part| part.name == "file" && part.file_name.is_some()) {
        return Err(Refusal::invalid(&["file: Required".to_owned()]));
    }
    let mut row = CallLog::clone(crud::live::<CallLog>(state, number)?);
    if row.has_recording {
        let error = "The call log already has a recording".to_owned();
        return Err(Refusal { status: 409, error, code: None });
    }
    row.has_recording = true;
    state.call_logs.put(row, act.shown_at());
    Ok(())
}
