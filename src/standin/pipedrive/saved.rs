//! The whole account as JSON: written to a file and read from it, so that an account that already has data is a fixture.
//!
//! What a file brings was there before: the books begin anew and the minimum does not count it. Not in it: settings,
//! faults, conversions under way, and writes that lists do not show yet, which they show at once after a load.

use jiff::Timestamp;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::activities::Activity;
use super::activity_types::ActivityType;
use super::address::Address;
use super::call_logs::CallLog;
use super::comments::Comment;
use super::crud::Resource;
use super::custom::{Custom, CustomValue, Money, TimeOfDay};
use super::deal_products::DealProduct;
use super::deals::Deal;
use super::field_set::{FieldDef, FieldSet};
use super::fields::Owner;
use super::files::File;
use super::history::History;
use super::lead_labels::LeadLabel;
use super::leads::Lead;
use super::limits::Limits;
use super::notes::Note;
use super::organizations::Organization;
use super::participants::Participant;
use super::persons::Person;
use super::pipelines::{Pipeline, Stage};
use super::products::Product;
use super::state::State;
use super::table::{Meta, Row as _, Table};
use super::texts;
use super::users::User;
use super::webhooks::Webhook;
use crate::error::{Error, Kind, Result};

/// Form of the file; another one is refused.
const FORMAT: u64 = 1;

/// A kind of record that a file keeps: its own keys are those of `Serialize`, and the rest is here.
pub(super) trait Saved: Resource + Serialize + DeserializeOwned {
    /// Its custom values, where it has some.
    fn custom(&self) -> Option<&Custom> {
        None
    }
    /// Takes its custom values.
    fn set_custom(&mut self, _custom: Custom) {}
    /// What its own keys do not say.
    fn rest(&self) -> Value {
        Value::Null
    }
    /// Takes what its own keys do not say.
    ///
    /// # Errors
    /// When it is something else.
    fn set_rest(&mut self, _rest: Value) -> serde_json::Result<()> {
        Ok(())
    }
}

impl Saved for Activity {}
impl Saved for ActivityType {}
impl Saved for CallLog {}
impl Saved for File {}
impl Saved for LeadLabel {}
impl Saved for Note {}
impl Saved for Participant {}
impl Saved for Comment {}
impl Saved for Pipeline {}
impl Saved for Stage {}

/// One record in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedRow {
    id: u64,
    add_time: Timestamp,
    update_time: Timestamp,
    is_deleted: bool,
    row: Value,
    #[serde(default)]
    custom: Vec<(u32, Tagged)>,
    #[serde(default)]
    rest: Value,
}

/// One table in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTable {
    next_id: u64,
    rows: Vec<SavedRow>,
}

/// A custom value with its type, which the words of the API do not tell.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Tagged(#[serde(with = "SavedValue")] CustomValue);

#[derive(Serialize, Deserialize)]
#[serde(remote = "CustomValue", rename_all = "snake_case")]
enum SavedValue {
    Text(Box<str>),
    Number(#[serde(with = "rust_decimal::serde::arbitrary_precision")] Decimal),
    Money(Box<Money>),
    Id(u64),
    Ids(Box<[u64]>),
    Day(jiff::civil::Date),
    Days { value: jiff::civil::Date, until: jiff::civil::Date },
    Time(Box<TimeOfDay>),
    Address(Box<Address>),
}

/// The whole account.
pub(super) fn save(state: &State) -> Value {
    let fields: Map<String, Value> =
        Owner::ALL.iter().map(|owner| (owner.noun().to_string(), json!(state.fields(*owner).defs()))).collect();
    let mut tables = Map::new();
    for (name, save, _) in TABLES {
        tables.insert((*name).to_owned(), save(state));
    }
    json!({
        "format": FORMAT,
        "users": state.users,
        "random": [texts::to_hex(&state.random.get_seed()), state.random.get_word_pos().to_string()],
        "next_option": state.next_option,
        "fields": fields,
        "tables": tables,
        "webhooks": state.webhooks.all.values().collect::<Vec<_>>(),
        "history": state.history.saved(),
        "day": state.limits.day(),
    })
}

/// Puts the account of a file in place of a fresh one.
///
/// # Errors
/// `Settings` when the file is none of ours; the state must not be used then.
pub(super) fn load(state: &mut State, mut saved: Value) -> Result<()> {
    read(state, &mut saved).map_err(|error| Error::new(Kind::Settings, "the stand-in's state").because(error))
}

fn read(state: &mut State, saved: &mut Value) -> serde_json::Result<()> {
    if saved["format"] != json!(FORMAT) {
        return Err(serde_json::Error::custom(format!("format {} is not {FORMAT}", saved["format"])));
    }
    state.users = part::<Vec<User>>(saved, "users")?;
    state.tokens = state.users.iter().map(|user| (user.token.clone(), user.id)).collect();
    let (seed, position): (String, String) = part(saved, "random")?;
    let seed = texts::from_hex(&seed).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let (Some(seed), Ok(position)) = (seed, position.parse()) else {
        return Err(serde_json::Error::custom("random: expected a seed and a position"));
    };
    state.random = ChaCha8Rng::from_seed(seed);
    state.random.set_word_pos(position);
    state.next_option = part(saved, "next_option")?;
    for owner in Owner::ALL {
        let defs: Vec<FieldDef> = part(&mut saved["fields"], owner.noun().as_str())?;
        *state.fields_mut(owner) = FieldSet::restore(defs);
    }
    for (name, _, load) in TABLES {
        load(state, saved["tables"][*name].take())?;
    }
    let hooks: Vec<Webhook> = part(saved, "webhooks")?;
    state.webhooks.next_id = hooks.iter().map(|hook| hook.id).max().unwrap_or(0);
    state.webhooks.all = hooks.into_iter().map(|hook| (hook.id, hook)).collect();
    state.history = History::restore(saved["history"].take())?;
    state.limits = Limits::of_day(part(saved, "day")?);
    state.lead_numbers = state.leads.iter().map(|lead| (lead.uuid(), lead.meta().id)).collect();
    let deals = state.deals.iter().map(|row| (row.is_active(), row.is_archived()));
    let leads = state.leads.iter().map(|row| (row.is_active(), row.is_archived()));
    let places: Vec<(bool, bool)> = deals.chain(leads).collect();
    state.active = places.iter().filter(|(active, _)| *active).count() as u64;
    state.archived = places.iter().filter(|(_, archived)| *archived).count() as u64;
    Ok(())
}

fn part<T: DeserializeOwned>(saved: &mut Value, key: &str) -> serde_json::Result<T> {
    T::deserialize(saved[key].take()).map_err(|error| serde_json::Error::custom(format!("{key}: {error}")))
}

type Save = fn(&State) -> Value;
type Load = fn(&mut State, Value) -> serde_json::Result<()>;

const TABLES: &[(&str, Save, Load)] = &[
    ("organization", save_table::<Organization>, load_table::<Organization>),
    ("person", save_table::<Person>, load_table::<Person>),
    ("deal", save_table::<Deal>, load_table::<Deal>),
    ("lead", save_table::<Lead>, load_table::<Lead>),
    ("lead_label", save_table::<LeadLabel>, load_table::<LeadLabel>),
    ("activity", save_table::<Activity>, load_table::<Activity>),
    ("activity_type", save_table::<ActivityType>, load_table::<ActivityType>),
    ("note", save_table::<Note>, load_table::<Note>),
    ("pipeline", save_table::<Pipeline>, load_table::<Pipeline>),
    ("stage", save_table::<Stage>, load_table::<Stage>),
    ("product", save_table::<Product>, load_table::<Product>),
    ("deal_product", save_table::<DealProduct>, load_table::<DealProduct>),
    ("participant", save_table::<Participant>, load_table::<Participant>),
    ("comment", save_table::<Comment>, load_table::<Comment>),
    ("file", save_table::<File>, load_table::<File>),
    ("call_log", save_table::<CallLog>, load_table::<CallLog>),
];

fn save_table<R: Saved>(state: &State) -> Value {
    let table = R::table(state);
    let rows = table.iter().map(|row| {
        let meta = row.meta();
        let custom = row.custom().map(Custom::values).unwrap_or_default();
        SavedRow {
            id: meta.id,
            add_time: meta.add_time,
            update_time: meta.update_time,
            is_deleted: meta.is_deleted,
            row: json!(row.as_ref()),
            custom: custom.iter().map(|(number, value)| (*number, Tagged(value.clone()))).collect(),
            rest: row.rest(),
        }
    });
    json!(SavedTable { next_id: table.next_id(), rows: rows.collect() })
}

fn load_table<R: Saved>(state: &mut State, saved: Value) -> serde_json::Result<()> {
    let SavedTable { next_id, rows } = SavedTable::deserialize(saved)?;
    let rows = rows.into_iter().map(|saved| {
        let mut row = R::deserialize(saved.row)?;
        let mut meta = Meta::new(saved.add_time, false);
        (meta.id, meta.update_time, meta.is_deleted) = (saved.id, saved.update_time, saved.is_deleted);
        *row.meta_mut() = meta;
        let mut custom = Custom::default();
        for (number, Tagged(value)) in saved.custom {
            custom.set(number, Some(value));
        }
        row.set_custom(custom);
        row.set_rest(saved.rest)?;
        Ok(row)
    });
    *R::table_mut(state) = Table::restore(rows.collect::<serde_json::Result<_>>()?, next_id);
    Ok(())
}
