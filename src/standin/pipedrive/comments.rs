//! Comments on notes (API v1). Facts: fact sheet 5.8, OpenAPI v1 of 2026-08-18. They have neither an author nor a time of
//! the caller's choice, and go away with their note.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::activities::clean_html;
use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom;
use super::envelope::{Answer, Refusal};
use super::fields::Input;
use super::leads::with_milliseconds;
use super::list::{Filter, Listed};
use super::notes::{CONTENT_MAX, Note};
use super::noun::Noun;
use super::offset;
use super::query::Query;
use super::route::Operation;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};
use super::texts;

/// One comment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Comment {
    #[serde(skip)]
    meta: Meta,
    #[serde(with = "texts::uuid_text")]
    uuid: Uuid,
    note_id: u64,
    content: String,
    user_id: u64,
    updater_id: u64,
}

impl Row for Comment {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Comment {
    const NOUN: Noun = Noun::Comment;
    const NAME: &'static str = "Comment";

    fn table(state: &State) -> &Table<Self> {
        &state.comments
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.comments
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        let meta = Meta::new(Self::stamp(act), act.by_api);
        let (user_id, updater_id) = (act.user, act.user);
        Self { meta, uuid: state.uuid(), note_id: 0, content: String::new(), user_id, updater_id }
    }

    fn apply(&mut self, body: &mut Body, _state: &State, act: &Act) {
        // The document requires it of updates too.
        if !body.has("content") {
            body.problem("content", "Required");
        }
        body.put("content", &mut self.content, |value| check::text(CONTENT_MAX)(value).map(|html| clean_html(&html)));
        self.updater_id = act.user;
    }

    fn write(&self, state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        let row = json!({
            "uuid": self.uuid.to_string(),
            "active_flag": !self.meta.is_deleted,
            "add_time": with_milliseconds(self.meta.add_time),
            "update_time": with_milliseconds(self.meta.update_time),
            "content": self.content,
            "object_id": self.note_id.to_string(),
            "object_type": "note",
            "user_id": self.user_id,
            "updater_id": self.updater_id,
            "company_id": state.settings.company_id,
        });
        custom::write_json(&row, out);
    }

    fn number(state: &State, id: &str) -> Option<u64> {
        let uuid = Uuid::parse_str(id).ok()?;
        state.comments.iter().find(|own| own.uuid == uuid).map(|own| own.meta.id)
    }

    fn public_id(&self) -> Value {
        Value::from(self.uuid.to_string())
    }

    fn stamp(act: &Act) -> jiff::Timestamp {
        act.millisecond()
    }

    fn is_lenient(_state: &State) -> bool {
        true
    }
}

impl Listed for Comment {
    const FILTERS: &'static [&'static str] = &["note_id"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        Filter::is(filter.note_id, Some(self.note_id))
    }
}

/// Carries out a request about the comments of a note, whose id is that of the path.
///
/// # Errors
/// 400 or 404.
pub(super) fn perform(
    state: &mut State,
    act: &Act,
    operation: Operation,
    id: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    let note_id = crud::number::<Note>(state, id)?;
    crud::live::<Note>(state, note_id)?;
    if operation == Operation::List {
        let mut query = Query::parse(input.query);
        query.set("note_id", &note_id.to_string());
        return offset::page::<Comment>(state, act, query, &offset::Shape::default());
    }
    if operation == Operation::Create {
        let mut row = Comment::blank(state, act);
        row.note_id = note_id;
        let mut body = Body::parse(input.body, Purpose::Create)?;
        row.apply(&mut body, state, act);
        body.finish(true)?;
        let number = crud::add(state, act, row)?;
        return Ok(super::perform::one::<Comment>(state, number, 200));
    }
    let number = crud::number::<Comment>(state, input.sub)?;
    if crud::live::<Comment>(state, number)?.note_id != note_id {
        return Err(Refusal::not_found(Comment::NAME));
    }
    match operation {
        Operation::Update => crud::update::<Comment>(state, act, number, Body::parse(input.body, Purpose::Update)?)?,
        Operation::Delete => {
            crud::delete::<Comment>(state, act, number)?;
            return Ok(Answer::json(200, r#"{"success":true,"data":true}"#));
        }
        _ => {}
    }
    Ok(super::perform::one::<Comment>(state, number, 200))
}
