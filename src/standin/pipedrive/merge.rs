//! Merging two records of a kind (API v1). Facts: fact sheet 5.16, OpenAPI v1 of 2026-08-18.
//!
//! Which of the two ids lives on is seen on live accounts only (the one in the body); a setting turns it round.

use serde_json::{Value, json};

use super::check::{self, Body, Purpose};
use super::crud;
use super::crud::Resource;
use super::envelope::{Answer, Refusal};
use super::history;
use super::ledger::Write;
use super::links::{self, Anchor};
use super::noun::Noun;
use super::older::{self, Links};
use super::state::{Act, State};
use super::tally::Tallies;

/// A kind of record that can be merged.
pub(super) trait Mergeable: Resource {
    /// Fills what is blank from another record, and adds what it has more of.
    fn absorb(&mut self, other: &Self);
    /// What hangs on it.
    fn anchor(id: u64) -> Anchor;
}

/// `PUT /v1/{deals|persons|organizations}/{id}/merge`.
///
/// # Errors
/// 404 for an unknown record in the path, 400 for one in the body.
pub(super) fn perform<R: Mergeable>(state: &mut State, act: &Act, id: &str, body: &[u8]) -> Result<Answer, Refusal> {
    let path = crud::number::<R>(state, id)?;
    crud::live::<R>(state, path)?;
    let mut body = Body::parse(body, Purpose::Create)?;
    body.require("merge_with_id");
    let mut other = 0;
    body.put("merge_with_id", &mut other, check::link(R::NAME, |id| id != path && R::table(state).live(id).is_some()));
    body.finish(true)?;
    let (survivor, gone) = if state.settings.merge_keeps_path_id { (path, other) } else { (other, path) };
    merge::<R>(state, act, survivor, gone)?;
    if R::NOUN == Noun::Organization {
        return Ok(Answer::value(200, &json!({ "id": survivor })));
    }
    let tallies = Tallies::of(state);
    let mut data = match R::NOUN {
        Noun::Person => older::person(state, survivor, &tallies, Links::Ids),
        _ => older::deal(state, survivor, &tallies, Links::Ids),
    };
    data["merge_what_id"] = Value::from(gone);
    Ok(Answer::value(200, &data))
}

/// Merges a record into another, which lives on; everything that hung on the first hangs on the second then.
///
/// # Errors
/// 404 for an unknown or deleted record.
pub(super) fn merge<R: Mergeable>(state: &mut State, act: &Act, survivor: u64, gone: u64) -> Result<(), Refusal> {
    let before = crud::live::<R>(state, survivor)?.clone();
    let other = crud::live::<R>(state, gone)?.clone();
    let mut merged = R::clone(&before);
    merged.absorb(&other);
    merged.meta_mut().update_time = R::stamp(act);
    R::table_mut(state).put(merged, act.shown_at());
    history::wrote::<R>(state, act, survivor, Some(&before), Write::Update);
    crud::delete::<R>(state, act, gone)?;
    links::shift(state, act, R::anchor(gone), R::anchor(survivor));
    Ok(())
}
