//! Making, changing, reading and deleting one record, the same way for every kind.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::check::Body;
use super::custom::{self, Custom};
use super::envelope::Refusal;
use super::fields::FieldSet;
use super::history;
use super::ledger::Write;
use super::noun::Noun;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};

/// A kind of record that the API writes.
pub(super) trait Resource: Row {
    /// What the rest of the program calls it.
    const NOUN: Noun;
    /// What messages call it.
    const NAME: &'static str;

    /// Where it is kept.
    fn table(state: &State) -> &Table<Self>;
    /// The same, to be changed.
    fn table_mut(state: &mut State) -> &mut Table<Self>;
    /// A new record with every default filled in.
    fn blank(state: &mut State, act: &Act) -> Self;
    /// Reads a body into the record; problems are left in the body.
    fn apply(&mut self, body: &mut Body, state: &State, act: &Act);
    /// Appends the record as JSON; `only` names the custom fields wanted, default all.
    fn write(&self, state: &State, only: Option<&[String]>, out: &mut Vec<u8>);

    /// The internal number behind the id in a path.
    fn number(_state: &State, id: &str) -> Option<u64> {
        id.parse().ok()
    }
    /// The id as answers have it.
    fn public_id(&self) -> Value {
        Value::from(self.meta().id)
    }
    /// Gives a copy a public id of its own.
    fn renew(&mut self, _state: &mut State) {}
    /// The present as this kind of record keeps it.
    fn stamp(act: &Act) -> Timestamp {
        act.second()
    }
    /// True if it counts towards the cap on active leads and deals.
    fn is_active(&self) -> bool {
        false
    }
    /// True where unknown keys of a body are passed over.
    fn is_lenient(_state: &State) -> bool {
        false
    }
    /// What else happens when a record was made.
    fn made(_state: &mut State, _number: u64, _act: &Act) {}
    /// What else happens when a record was deleted.
    fn removed(_state: &mut State, _number: u64, _act: &Act) {}
}

/// Makes a record; the answer is its number.
///
/// # Errors
/// 400 with every problem, or 403 at a cap.
pub(super) fn create<R: Resource>(state: &mut State, act: &Act, mut body: Body) -> Result<u64, Refusal> {
    let mut row = R::blank(state, act);
    row.apply(&mut body, state, act);
    body.finish(R::is_lenient(state))?;
    add(state, act, row)
}

/// Adds a record that is whole.
///
/// # Errors
/// 403 at a cap.
pub(super) fn add<R: Resource>(state: &mut State, act: &Act, row: R) -> Result<u64, Refusal> {
    make_room(state, false, row.is_active())?;
    let number = R::table_mut(state).add(row, act.shown_at());
    if act.by_api {
        state.books.wrote(R::NOUN, Write::Create);
    }
    R::made(state, number, act);
    history::wrote::<R>(state, act, number, None, Write::Create);
    Ok(number)
}

/// Changes a record. When nothing changes in effect, its update time stays too (no document says).
///
/// # Errors
/// 404 for an unknown or deleted record, 400 with every problem, 403 at a cap.
pub(super) fn update<R: Resource>(state: &mut State, act: &Act, number: u64, mut body: Body) -> Result<(), Refusal> {
    let before = Arc::clone(live::<R>(state, number)?);
    let mut after = R::clone(&before);
    after.apply(&mut body, state, act);
    body.finish(R::is_lenient(state))?;
    if after != *before {
        make_room(state, before.is_active(), after.is_active())?;
        let meta = after.meta_mut();
        meta.update_time = R::stamp(act);
        meta.changed_by_api |= act.by_api;
        R::table_mut(state).put(after, act.shown_at());
        history::wrote::<R>(state, act, number, Some(&before), Write::Update);
    }
    if act.by_api {
        state.books.wrote(R::NOUN, Write::Update);
    }
    Ok(())
}

/// Marks a record as deleted.
///
/// # Errors
/// 404 for an unknown or deleted record.
pub(super) fn delete<R: Resource>(state: &mut State, act: &Act, number: u64) -> Result<(), Refusal> {
    let before = Arc::clone(live::<R>(state, number)?);
    let mut row = R::clone(&before);
    make_room(state, row.is_active(), false)?;
    let meta = row.meta_mut();
    (meta.is_deleted, meta.update_time) = (true, R::stamp(act));
    R::table_mut(state).put(row, act.shown_at());
    if act.by_api {
        state.books.wrote(R::NOUN, Write::Delete);
    }
    R::removed(state, number, act);
    history::wrote::<R>(state, act, number, Some(&before), Write::Delete);
    Ok(())
}

/// Makes a copy of a record with all its fields, custom ones too; the answer is its number.
///
/// # Errors
/// 404 for an unknown or deleted record, 403 at a cap.
pub(super) fn duplicate<R: Resource>(state: &mut State, act: &Act, number: u64) -> Result<u64, Refusal> {
    let mut copy = R::clone(live::<R>(state, number)?);
    *copy.meta_mut() = Meta::new(R::stamp(act), act.by_api);
    copy.renew(state);
    add(state, act, copy)
}

/// A record that is not deleted.
///
/// # Errors
/// 404.
pub(super) fn live<R: Resource>(state: &State, number: u64) -> Result<&Arc<R>, Refusal> {
    R::table(state).live(number).ok_or_else(|| Refusal::not_found(R::NAME))
}

/// The number behind the id of a path.
///
/// # Errors
/// 404 when the id is of no record.
pub(super) fn number<R: Resource>(state: &State, id: &str) -> Result<u64, Refusal> {
    R::number(state, id).ok_or_else(|| Refusal::not_found(R::NAME))
}

/// Keeps the count of active leads and deals when a record's part in it changes.
fn make_room(state: &mut State, before: bool, after: bool) -> Result<(), Refusal> {
    match (before, after) {
        (false, true) => {
            if state.settings.active_cap().is_some_and(|cap| state.active >= cap) {
                let error = "Couldn't add the deal. Open deals limit reached.";
                return Err(Refusal::capped(error, "feature_capping_deals_limit"));
            }
            state.active += 1;
        }
        (true, false) => state.active -= 1,
        _ => {}
    }
    Ok(())
}

/// Writes a record of v2 that has custom fields: its own keys, then `custom_fields`.
pub(super) fn write_with_custom(
    row: &impl serde::Serialize,
    custom: &Custom,
    fields: &FieldSet,
    only: Option<&[String]>,
    out: &mut Vec<u8>,
) {
    custom::write_json(row, out);
    // The row ends with its closing brace, and has keys before it.
    out.pop();
    out.extend_from_slice(br#","custom_fields":"#);
    custom.write(fields, only, out);
    out.push(b'}');
}
