//! What hangs on what: the links of records to deals, leads, persons and organizations, and moving them from one to
//! another, as merges and conversions do.

use uuid::Uuid;

use super::activities::Activity;
use super::crud::Resource;
use super::deal_products::DealProduct;
use super::deals::Deal;
use super::files::File;
use super::leads::Lead;
use super::notes::Note;
use super::participants::Participant;
use super::persons::Person;
use super::state::{Act, State};

/// A record that others hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Deal(u64),
    Lead(Uuid),
    Person(u64),
    Organization(u64),
}

/// The links that a record has; `None` where its kind has no such link.
#[derive(Debug, Default)]
pub(super) struct Links<'row> {
    pub(super) deal: Option<&'row mut Option<u64>>,
    pub(super) lead: Option<&'row mut Option<Uuid>>,
    pub(super) person: Option<&'row mut Option<u64>>,
    pub(super) organization: Option<&'row mut Option<u64>>,
}

/// A kind of record that hangs on others.
pub(super) trait Linked: Resource {
    /// Its links.
    fn links_mut(&mut self) -> Links<'_>;
    /// Moves what [`Links`] cannot say; true if something moved.
    fn move_more(&mut self, _from: Anchor, _to: Anchor) -> bool {
        false
    }
}

impl Links<'_> {
    /// Moves a link from one record to another; false if there was none.
    fn shift(self, from: Anchor, to: Anchor) -> bool {
        let Self { mut deal, mut lead, mut person, mut organization } = self;
        let taken = match from {
            Anchor::Deal(id) => take(deal.as_deref_mut(), id),
            Anchor::Lead(id) => take(lead.as_deref_mut(), id),
            Anchor::Person(id) => take(person.as_deref_mut(), id),
            Anchor::Organization(id) => take(organization.as_deref_mut(), id),
        };
        if !taken {
            return false;
        }
        match to {
            Anchor::Deal(id) => set(deal, id),
            Anchor::Lead(id) => set(lead, id),
            Anchor::Person(id) => set(person, id),
            Anchor::Organization(id) => set(organization, id),
        }
        true
    }
}

fn take<T: PartialEq>(slot: Option<&mut Option<T>>, id: T) -> bool {
    slot.is_some_and(|slot| slot.take_if(|own| *own == id).is_some())
}

fn set<T>(slot: Option<&mut Option<T>>, id: T) {
    if let Some(slot) = slot {
        *slot = Some(id);
    }
}

/// Moves everything that hangs on one record to another.
pub(super) fn shift(state: &mut State, act: &Act, from: Anchor, to: Anchor) {
    shift_kind::<Person>(state, act, from, to);
    shift_kind::<Deal>(state, act, from, to);
    shift_kind::<Lead>(state, act, from, to);
    shift_kind::<Activity>(state, act, from, to);
    shift_kind::<Note>(state, act, from, to);
    shift_kind::<File>(state, act, from, to);
    shift_kind::<Participant>(state, act, from, to);
    shift_kind::<DealProduct>(state, act, from, to);
}

fn shift_kind<R: Linked>(state: &mut State, act: &Act, from: Anchor, to: Anchor) {
    let mut moved = Vec::new();
    for row in R::table(state).iter().filter(|row| !row.meta().is_deleted) {
        let mut row = R::clone(row);
        if row.links_mut().shift(from, to) | row.move_more(from, to) {
            row.meta_mut().update_time = R::stamp(act);
            moved.push(row);
        }
    }
    for row in moved {
        R::table_mut(state).put(row, act.shown_at());
    }
}
