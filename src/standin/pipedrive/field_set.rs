//! What a field is: its type, its options, and all fields of one owner.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
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
    /// By [`DISPLAY`]; null where fields of this owner have no such key.
    pub(super) display: [Value; DISPLAY.len()],
    /// Whether answers have its description, which those of deals and persons do (OpenAPI v2).
    #[serde(default)]
    pub(super) is_described: bool,
    /// When it was made and last changed, and by which user; nothing for those that came with the account.
    #[serde(default)]
    pub(super) made: Option<(Timestamp, u64)>,
    #[serde(default)]
    pub(super) changed: Option<(Timestamp, u64)>,
}

/// Parts of an address, as the example of `GET /api/v2/organizationFields` lists them (OpenAPI v2).
const ADDRESS_PARTS: [&str; 10] = [
    "value",
    "street_number",
    "route",
    "subpremise",
    "locality",
    "admin_area_level_1",
    "admin_area_level_2",
    "country",
    "postal_code",
    "formatted_address",
];

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

    /// The same with a colour for every option, or null, as API v2 shows them with their field.
    fn colored_rows(&self) -> Value {
        let mut rows = self.option_rows();
        for row in rows.as_array_mut().into_iter().flatten() {
            if row.get("color").is_none() {
                row["color"] = Value::Null;
            }
        }
        rows
    }

    pub(super) fn row(&self) -> Value {
        let parts: &[&str] = match self.kind {
            FieldKind::Monetary => &["value", "currency"],
            FieldKind::Daterange => &["value", "until"],
            FieldKind::Time => &["value", "timezone_id", "timezone_name"],
            FieldKind::Timerange => &["value", "until", "timezone_id", "timezone_name"],
            FieldKind::Address => &ADDRESS_PARTS,
            _ => &[],
        };
        let part = |code: &&str| {
            let kind = if self.kind == FieldKind::Monetary && *code == "value" { "double" } else { "varchar" };
            json!({"field_code": code, "field_name": format!("{code} of {}", self.name), "field_type": kind})
        };
        let mut row = json!({
            "field_name": self.name,
            "field_code": self.code,
            "field_type": self.kind,
            "options": self.colored_rows(),
            "subfields": if parts.is_empty() { Value::Null } else { parts.iter().map(part).collect() },
            "is_custom_field": self.is_custom,
            "is_optional_response_field": false,
        });
        if self.is_described {
            row["description"] = json!(self.description);
        }
        row
    }

    /// The same with what only matters to the web application, which the answer to a delete has not (OpenAPI v2).
    pub(super) fn whole_row(&self) -> Value {
        let mut row = self.row();
        for (key, value) in DISPLAY.iter().zip(&self.display) {
            if !value.is_null() {
                row[*key] = value.clone();
            }
        }
        row
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
    pub(super) looks: Looks,
}

impl FieldSet {
    /// The keys of [`DISPLAY`] that its fields have.
    pub(super) fn namespaces(&self) -> &'static [&'static str] {
        if self.looks.display[1].is_null() { &DISPLAY[..1] } else { &DISPLAY }
    }

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
        (name, options, is_added): (Option<String>, Option<BTreeMap<u64, FieldOption>>, Option<bool>),
        by: (Timestamp, u64),
        by_api: bool,
    ) {
        let Some(place) = self.by_code.get(code) else { return };
        let def = &mut self.defs[*place];
        let before = def.clone();
        def.name = name.unwrap_or_else(|| before.name.clone());
        def.options = options.unwrap_or_else(|| before.options.clone());
        if let Some(is_added) = is_added {
            def.display[0]["add_visible_flag"] = Value::Bool(is_added);
        }
        if *def != before {
            def.changed_by_api |= by_api;
            def.changed = Some(by);
        }
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
            let mut row = def.whole_row();
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
        let mut def = blank(name, kind, self.looks.clone());
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

/// How the fields of one owner look in answers: the values of [`DISPLAY`] of a new field, and whether it is described.
#[derive(Debug, Clone, Default)]
pub(super) struct Looks {
    pub(super) display: [Value; DISPLAY.len()],
    pub(super) is_described: bool,
}

/// A field without code, options and conditions.
pub(super) fn blank(name: &str, kind: FieldKind, looks: Looks) -> FieldDef {
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
        display: looks.display,
        is_described: looks.is_described,
        made: None,
        changed: None,
    }
}
