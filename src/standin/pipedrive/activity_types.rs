//! Activity types (API v1). Facts: fact sheet 5.7. The key of a type follows from its name and never changes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::check::{self, Body, Purpose};
use super::crud::Resource;
use super::custom;
use super::envelope::Refusal;
use super::noun::Noun;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};

/// The icons a type can have (OpenAPI v1).
const ICONS: &[&str] = &[
    "task",
    "email",
    "meeting",
    "deadline",
    "call",
    "lunch",
    "calendar",
    "downarrow",
    "document",
    "smartphone",
    "camera",
    "scissors",
    "cogs",
    "bubble",
    "uparrow",
    "checkbox",
    "signpost",
    "shuffle",
    "addressbook",
    "linegraph",
    "picture",
    "car",
    "world",
    "search",
    "clip",
    "sound",
    "brush",
    "key",
    "padlock",
    "pricetag",
    "suitcase",
    "finish",
    "plane",
    "loop",
    "wifi",
    "truck",
    "cart",
    "bulb",
    "bell",
    "presentation",
];

/// Types of a fresh account: name and key, which is its icon too.
const DEFAULTS: [(&str, &str); 6] = [
    ("Call", "call"),
    ("Meeting", "meeting"),
    ("Task", "task"),
    ("Deadline", "deadline"),
    ("Email", "email"),
    ("Lunch", "lunch"),
];

/// One type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ActivityType {
    #[serde(skip)]
    meta: Meta,
    order_nr: u64,
    name: String,
    key: String,
    icon: Cow<'static, str>,
    color: Option<String>,
    is_custom: bool,
}

impl Row for ActivityType {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for ActivityType {
    const NOUN: Noun = Noun::ActivityType;
    const NAME: &'static str = "Activity type";

    fn table(state: &State) -> &Table<Self> {
        &state.activity_types
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.activity_types
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            order_nr: state.activity_types.iter().filter(|row| !row.meta.is_deleted).count() as u64 + 1,
            name: String::new(),
            key: String::new(),
            icon: Cow::Borrowed("task"),
            color: None,
            is_custom: true,
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, _act: &Act) {
        body.require("name");
        body.put("name", &mut self.name, check::text(check::LINE_MAX));
        body.require("icon_key");
        body.put("icon_key", &mut self.icon, |value| check::one_of(ICONS)(value).map(Cow::Borrowed));
        body.put_or_null("color", &mut self.color, read_color);
        if body.purpose == Purpose::Create {
            let used = state.activity_types.iter().filter(|own| !own.meta.is_deleted).count();
            if state.settings.activity_types_max.is_some_and(|max| used >= max) {
                let error = "Couldn't add activity type. You've reached the activity type per company limit.";
                body.refuse(Refusal::forbidden(error));
            }
            self.key = fresh_key(state, &self.name);
        } else {
            body.put("order_nr", &mut self.order_nr, check::whole(0, 10_000));
        }
    }

    fn write(&self, _state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        let row = json!({
            "id": self.meta.id,
            "order_nr": self.order_nr,
            "name": self.name,
            "key_string": self.key,
            "icon_key": self.icon,
            "active_flag": !self.meta.is_deleted,
            "color": self.color,
            "is_custom_flag": self.is_custom,
            "add_time": check::v1_text(self.meta.add_time),
            "update_time": check::v1_text(self.meta.update_time),
        });
        custom::write_json(&row, out);
    }

    fn is_lenient(_state: &State) -> bool {
        true
    }
}

fn read_color(value: &serde_json::Value) -> Result<String, String> {
    let color = check::text(6)(value)?;
    let is_hex = color.len() == 6 && color.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { Ok(color.to_uppercase()) } else { Err("Expected a colour in 6-character HEX format".to_owned()) }
}

/// The key of a new type: its name in lower case with underscores; a number behind it where that is taken.
fn fresh_key(state: &State, name: &str) -> String {
    let plain: String =
        name.to_lowercase().chars().map(|sign| if sign.is_alphanumeric() { sign } else { '_' }).collect();
    let taken = |key: &str| state.activity_types.iter().any(|own| own.key == key);
    let numbered = (1..).map(|number| format!("{plain}_{number}"));
    std::iter::once(plain.clone()).chain(numbered).find(|key| !taken(key)).unwrap_or(plain)
}

/// The name of a type that can be used, by its key.
pub(super) fn name<'state>(state: &'state State, key: &str) -> Option<&'state str> {
    let live = state.activity_types.iter().filter(|own| !own.meta.is_deleted);
    live.map(|own| &**own).find(|own| own.key == key).map(|own| own.name.as_str())
}

/// The types of a fresh account.
pub(super) fn add_defaults(state: &mut State, act: &Act) {
    for (name, key) in DEFAULTS {
        let mut row = ActivityType::blank(state, act);
        (row.name, row.key, row.icon, row.is_custom) = (name.to_owned(), key.to_owned(), Cow::Borrowed(key), false);
        state.activity_types.add(row, None);
    }
}
