//! Reading the keys that several kinds of records have alike: owner, visibility, labels, custom fields.

use jiff::Timestamp;
use serde_json::Value;

use super::check::{self, Body};
use super::custom::Custom;
use super::envelope::Refusal;
use super::fields::Owner;
use super::state::{Act, State};
use super::users;

/// Labels of one record (changelog of 2024-03).
const LABELS_MAX: usize = 100;

/// The level of visibility of what only its owner, followers and administrators see (fact sheet 5.10).
pub(super) const OWNER_ONLY: u64 = 1;

/// Reads `owner_id`: an active user, or who it is already. No document says how a deactivated one is refused.
pub(super) fn read_owner(body: &mut Body, state: &State, owner_id: &mut u64) {
    let before = *owner_id;
    body.put("owner_id", owner_id, check::link("User", |id| id == before || users::can_own(state, id)));
}

/// The levels of visibility of a plan (fact sheet 5.10).
pub(super) fn visibilities(state: &State) -> &'static [u64] {
    if state.settings.plan.numbers().visibility_groups { &[1, 3, 5, 7] } else { &[1, 3] }
}

/// Reads `visible_to` as a number.
pub(super) fn read_visibility(body: &mut Body, state: &State, visible_to: &mut u64) {
    let allowed = visibilities(state);
    body.put("visible_to", visible_to, |value| {
        let level = check::whole(1, 7)(value)?;
        if allowed.contains(&level) { Ok(level) } else { Err(format!("Expected one of {allowed:?} on this plan")) }
    });
}

/// Reads `label_ids`: options of the system field of that name.
pub(super) fn read_labels(body: &mut Body, state: &State, of: Owner, label_ids: &mut Vec<u64>) {
    let has = |id| state.fields(of).get("label_ids").is_some_and(|field| field.has_option(id));
    body.put("label_ids", label_ids, |value| {
        let ids = check::list(check::link("Label", has))(value)?;
        if ids.len() > LABELS_MAX {
            Err(format!("Array must contain at most {LABELS_MAX} element(s)"))
        } else {
            Ok(ids)
        }
    });
}

/// Reads `add_time`, where the caller may set it: which users may is in no document.
pub(super) fn read_add_time(
    body: &mut Body,
    state: &State,
    act: &Act,
    add_time: &mut Timestamp,
    read: fn(&Value) -> Result<Timestamp, String>,
) {
    if body.put("add_time", add_time, read) && state.settings.back_dating_needs_admin && !users::is_admin(act.user) {
        body.refuse(Refusal::forbidden("Only administrators can set add_time"));
    }
}

/// Adds the labels of a record that was merged into another, as far as there is room.
pub(super) fn unite(label_ids: &mut Vec<u64>, others: &[u64]) {
    for id in others {
        if !label_ids.contains(id) && label_ids.len() < LABELS_MAX {
            label_ids.push(*id);
        }
    }
}

/// Reads `custom_fields`.
pub(super) fn read_custom(body: &mut Body, state: &State, of: Owner, custom: &mut Custom) {
    let Some(value) = body.take("custom_fields") else { return };
    if let Err(why) = custom.read(&value, state.fields(of), state) {
        body.problem("custom_fields", why);
    }
}
