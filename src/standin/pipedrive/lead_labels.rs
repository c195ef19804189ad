//! Lead labels and lead sources (API v1). Facts: fact sheet 5.5.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::check::{self, Body};
use super::crud::Resource;
use super::custom;
use super::envelope::Answer;
use super::leads::with_milliseconds;
use super::noun::Noun;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};
use super::texts;

/// Colours of labels (OpenAPI v1).
const COLORS: &[&str] = &["blue", "brown", "dark-gray", "gray", "green", "orange", "pink", "purple", "red", "yellow"];

/// Sources of leads; the list is fixed.
const SOURCES: [&str; 10] = [
    "Manually created",
    "Deal",
    "Web forms",
    "Prospector",
    "Leadbooster",
    "Live chat",
    "Import",
    "Website visitors",
    "Workflow automation",
    "API",
];

/// One label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LeadLabel {
    #[serde(skip)]
    meta: Meta,
    #[serde(with = "texts::uuid_text")]
    id: Uuid,
    name: String,
    color: Cow<'static, str>,
}

impl Row for LeadLabel {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for LeadLabel {
    const NOUN: Noun = Noun::LeadLabel;
    const NAME: &'static str = "Lead label";

    fn table(state: &State) -> &Table<Self> {
        &state.lead_labels
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.lead_labels
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.millisecond(), act.by_api),
            id: state.uuid(),
            name: String::new(),
            color: Cow::Borrowed("blue"),
        }
    }

    fn apply(&mut self, body: &mut Body, _state: &State, _act: &Act) {
        body.require("name");
        body.put("name", &mut self.name, check::text(check::LINE_MAX));
        body.require("color");
        body.put("color", &mut self.color, |value| check::one_of(COLORS)(value).map(Cow::Borrowed));
    }

    fn is_lenient(_state: &State) -> bool {
        true
    }

    fn write(&self, _state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        let row = json!({
            "id": self.id.to_string(),
            "name": self.name,
            "color": self.color,
            "add_time": with_milliseconds(self.meta.add_time),
            "update_time": with_milliseconds(self.meta.update_time),
        });
        custom::write_json(&row, out);
    }

    fn number(state: &State, id: &str) -> Option<u64> {
        let id = Uuid::parse_str(id).ok()?;
        state.lead_labels.iter().find(|label| label.id == id).map(|label| label.meta.id)
    }

    fn public_id(&self) -> Value {
        Value::from(self.id.to_string())
    }

    fn stamp(act: &Act) -> jiff::Timestamp {
        act.millisecond()
    }

    fn renew(&mut self, state: &mut State) {
        self.id = state.uuid();
    }
}

/// True if a label of that id is there.
pub(super) fn exists(state: &State, id: Uuid) -> bool {
    state.lead_labels.iter().any(|label| label.id == id && !label.meta.is_deleted)
}

/// The three labels of a fresh account.
pub(super) fn add_defaults(state: &mut State, act: &Act) {
    for (name, color) in [("Hot", "red"), ("Cold", "blue"), ("Warm", "yellow")] {
        let mut label = LeadLabel::blank(state, act);
        (label.name, label.color) = (name.to_owned(), Cow::Borrowed(color));
        state.lead_labels.add(label, None);
    }
}

/// `GET /v1/leadSources`.
pub(super) fn sources() -> Answer {
    Answer::value(200, &SOURCES.iter().map(|name| json!({ "name": name })).collect())
}
