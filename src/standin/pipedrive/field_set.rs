//! What a field is: its type, its options, and all fields of one owner.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Moment;

/// The types a field made through the API can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FieldKind {
    /// One line, at most 255 characters.
    Varchar,
    /// One line with suggestions.
    VarcharAuto,
    /// Many lines.
    Text,
    /// A number.
    Double,
    /// An amount and its currency.
    Monetary,
    /// A day.
    Date,
    /// Two days.
    Daterange,
    /// A time of day.
    Time,
    /// Two times of day.
    Timerange,
    /// Several options.
    Set,
    /// One option.
    Enum,
    /// A postal address.
    Address,
    /// A phone number.
    Phone,
    /// An organization, without a real relation.
    Org,
    /// A person, without a real relation.
    People,
    /// A user.
    User,
}

/// One option of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FieldOption {
    pub(super) label: String,
    pub(super) color: Option<Cow<'static, str>>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FieldDef {
    pub(super) number: u32,
    pub(super) code: String,
    pub(super) kind: FieldKind,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) options: BTreeMap<u64, FieldOption>,
    pub(super) is_custom: bool,
    pub(super) is_deleted: bool,
    #[serde(skip)]
    pub(super) by_api: bool,
    #[serde(skip)]
    pub(super) changed_by_api: bool,
    #[serde(skip)]
    pub(super) shown_at: Moment,
    /// `ui_visibility`, `important_fields` and `required_fields` as given.
    pub(super) display: [Value; DISPLAY.len()],
}

/// Keys that only matter to the web application.
pub(super) const DISPLAY: [&str; 3] = ["ui_visibility", "important_fields", "required_fields"];

impl FieldDef {
    pub(super) fn has_option(&self, id: u64) -> bool {
        self.options.contains_key(&id)
    }

    pub(super) fn option(&self, id: u64) -> Option<&FieldOption> {
        self.options.get(&id)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_custom(&self) -> bool {
        self.is_custom
    }

    /// True once lists show it.
    pub(super) fn is_shown(&self, now: Moment) -> bool {
        self.shown_at <= now
    }

    /// Its options as answers have them; null where its type has none.
    pub(super) fn option_rows(&self) -> Value {
        let rows = self.options.iter().map(|(id, option)| option_row(*id, option));
        if matches!(self.kind, FieldKind::Enum | FieldKind::Set) { rows.collect() } else { Value::Null }
    }

    pub(super) fn row(&self) -> Value {
        let parts: &[&str] = match self.kind {
            FieldKind::Monetary => &["value", "currency"],
            FieldKind::Daterange => &["value", "until"],
            FieldKind::Time => &["value", "timezone_id", "timezone_name"],
            FieldKind::Timerange => &["value", "until", "timezone_id", "timezone_name"],
            FieldKind::Address => &["value", "street_number", "route", "locality", "country", "postal_code"],
            _ => &[],
        };
        let part = |code: &&str| {
            let kind = if self.kind == FieldKind::Monetary && *code == "value" { "double" } else { "varchar" };
            json!({"field_code": code, "field_name": format!("{code} of {}", self.name), "field_type": kind})
        };
        json!({
            "field_name": self.name,
            "field_code": self.code,
            "description": self.description,
            "field_type": self.kind,
            "options": self.option_rows(),
            "subfields": if parts.is_empty() { Value::Null } else { parts.iter().map(part).collect() },
            "is_custom_field": self.is_custom,
            "is_optional_response_field": false,
            "ui_visibility": self.display[0],
            "important_fields": self.display[1],
            "required_fields": self.display[2],
        })
    }
}

/// An option as answers have it.
pub(super) fn option_row(id: u64, option: &FieldOption) -> Value {
    match &option.color {
        Some(color) => json!({"id": id, "label": option.label, "color": color}),
        None => json!({"id": id, "label": option.label}),
    }
}

/// All fields of one owner, deleted ones too.
#[derive(Debug, Default)]
pub(super) struct FieldSet {
    pub(super) defs: Vec<FieldDef>,
    pub(super) by_code: HashMap<String, usize>,
}

impl FieldSet {
    /// A field that is not deleted, by its code.
    pub(super) fn get(&self, code: &str) -> Option<&FieldDef> {
        self.by_code.get(code).map(|place| &self.defs[*place]).filter(|def| !def.is_deleted)
    }

    /// A custom field that is not deleted, by its code.
    pub(super) fn custom(&self, code: &str) -> Option<&FieldDef> {
        self.get(code).filter(|def| def.is_custom)
    }

    /// All fields that are not deleted, in the order they were made.
    pub(super) fn live(&self) -> impl Iterator<Item = &FieldDef> {
        self.defs.iter().filter(|def| !def.is_deleted)
    }

    /// Changes the name and all options of a field, as far as they are given.
    pub(super) fn replace(
        &mut self,
        code: &str,
        name: Option<String>,
        options: Option<BTreeMap<u64, FieldOption>>,
        by_api: bool,
    ) {
        let Some(place) = self.by_code.get(code) else { return };
        let def = &mut self.defs[*place];
        let before = def.clone();
        def.name = name.unwrap_or_else(|| before.name.clone());
        def.options = options.unwrap_or_else(|| before.options.clone());
        def.changed_by_api |= by_api && *def != before;
    }

    /// All custom fields that are not deleted, in the order they were made.
    pub(super) fn live_custom(&self) -> impl Iterator<Item = &FieldDef> {
        self.defs.iter().filter(|def| def.is_custom && !def.is_deleted)
    }

    /// Live fields that were made through the API, and those that an update through it changed.
    pub(super) fn made_and_changed(&self) -> (u64, u64) {
        let live = || self.defs.iter().filter(|def| !def.is_deleted);
        let made = live().filter(|def| def.by_api).count();
        (made as u64, live().filter(|def| def.changed_by_api).count() as u64)
    }

    /// All fields as rows with `is_deleted`, for the control API.
    pub(super) fn rows(&self) -> Vec<Value> {
        let row = |def: &FieldDef| {
            let mut row = def.row();
            row["is_deleted"] = Value::Bool(def.is_deleted);
            row
        };
        self.defs.iter().map(row).collect()
    }

    /// All fields, deleted ones too, for a file.
    pub(super) fn defs(&self) -> &[FieldDef] {
        &self.defs
    }

    /// The fields of a file; none of them was made by this run.
    pub(super) fn restore(defs: Vec<FieldDef>) -> Self {
        let mut set = Self::default();
        for def in defs {
            set.push(def);
        }
        set
    }

    /// Adds a system field under its fixed code.
    pub(super) fn add_system(&mut self, (name, code, kind): (&str, &str, FieldKind), options: Vec<(u64, FieldOption)>) {
        let mut def = blank(name, kind);
        def.code = code.to_owned();
        def.options.extend(options);
        self.push(def);
    }

    pub(super) fn custom_mut(&mut self, code: &str) -> Option<&mut FieldDef> {
        let place = *self.by_code.get(code)?;
        Some(&mut self.defs[place]).filter(|def| def.is_custom && !def.is_deleted)
    }

    pub(super) fn push(&mut self, mut def: FieldDef) {
        let place = self.defs.len();
        def.number = u32::try_from(place).unwrap_or(u32::MAX);
        self.by_code.insert(def.code.clone(), place);
        self.defs.push(def);
    }
}

/// A field without code, options and conditions.
pub(super) fn blank(name: &str, kind: FieldKind) -> FieldDef {
    FieldDef {
        number: 0,
        code: String::new(),
        kind,
        name: name.to_owned(),
        description: None,
        options: BTreeMap::new(),
        is_custom: false,
        is_deleted: false,
        by_api: false,
        changed_by_api: false,
        shown_at: Moment::default(),
        display: [
            json!({"add_visible_flag": true, "details_visible_flag": true}),
            json!({"enabled": false, "stage_ids": []}),
            json!({"enabled": false}),
        ],
    }
}
