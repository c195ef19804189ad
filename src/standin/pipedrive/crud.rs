//! Making, changing, reading and deleting one record, the same way for every kind.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::check::Body;
use super::custom::{self, Custom};
use super::envelope::Refusal;
use super::field_set::FieldSet;
use super::history;
use super::ledger::Write;
use super::noun::Noun;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};
use super::users;

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
    /// True if it counts towards the cap on archived leads and deals.
    fn is_archived(&self) -> bool {
        false
    }
    /// True if a user may see it. Administrators see everything.
    fn is_seen_by(&self, _user: u64) -> bool {
        true
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
    make_room(state, Place::none(), Place::of(state, &row, true))?;
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
        make_room(state, Place::of(state, before.as_ref(), false), Place::of(state, &after, false))?;
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
    make_room(state, Place::of(state, &row, false), Place::none())?;
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

/// What a record takes up of the caps on leads and deals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    active: bool,
    archived: bool,
    /// It needs room among the active ones, if only for a moment.
    passing: bool,
}

impl Place {
    const fn none() -> Self {
        Self { active: false, archived: false, passing: false }
    }

    fn of<R: Resource>(state: &State, row: &R, is_new: bool) -> Self {
        let archived = row.is_archived();
        // Whether a record that is made as archived passes by the cap is in no document.
        let passing = is_new && archived && state.settings.archived_needs_room;
        Self { active: row.is_active(), archived, passing }
    }
}

/// Keeps the counts of leads and deals when a record's part in them changes.
fn make_room(state: &mut State, before: Place, after: Place) -> Result<(), Refusal> {
    let full = |cap: Option<u64>, used: u64| cap.is_some_and(|cap| used >= cap);
    if (after.active || after.passing) && !before.active && full(state.settings.active_cap(), state.active) {
        let error = "Couldn't add the deal. Open deals limit reached.";
        return Err(Refusal::capped(error, "feature_capping_deals_limit"));
    }
    if after.archived && !before.archived && full(state.settings.archive_cap(), state.archived) {
        return Err(Refusal::forbidden("Couldn't archive. Archived deals and leads limit reached."));
    }
    state.active = state.active + u64::from(after.active) - u64::from(before.active);
    state.archived = state.archived + u64::from(after.archived) - u64::from(before.archived);
    Ok(())
}

/// Hides a record from a user who may not see it, as if it were not there.
///
/// # Errors
/// 404.
pub(super) fn visible<R: Resource>(state: &State, act: &Act, number: u64) -> Result<(), Refusal> {
    let seen = R::table(state).get(number).is_none_or(|row| users::is_admin(act.user) || row.is_seen_by(act.user));
    if seen { Ok(()) } else { Err(Refusal::not_found(R::NAME)) }
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
