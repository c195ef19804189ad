//! Tasks and notes: what was done and said, hung onto clients, leads and projects.

use rand::Rng as _;
use serde::Serialize;

use super::super::account::instant;
use super::super::invent::{Dice, pick, sentences};
use super::super::mess::Mess;
use super::super::spell::{DAY, Markup, day, html, iso_day, respelled};
use super::super::words::TASKS;
use super::{Sheet, World, owner};
use crate::record::Object;

/// A task's row.
#[derive(Serialize)]
pub(in super::super) struct TaskRow {
    id: u64,
    subject: String,
    body: String,
    #[serde(rename = "type")]
    kind: String,
    due_date: String,
    due_time: String,
    status: &'static str,
    completed_at: Option<String>,
    assignee_id: String,
    related_type: &'static str,
    related_id: u64,
    created_at: String,
    updated_at: String,
}

/// A note's row.
#[derive(Serialize)]
pub(in super::super) struct NoteRow {
    id: u64,
    body: String,
    author_id: String,
    related_type: &'static str,
    related_id: u64,
    created_at: String,
    updated_at: String,
}

/// What a task or note hangs on.
pub(in super::super) struct Anchor {
    pub(in super::super) related_type: &'static str,
    pub(in super::super) related_id: u64,
    /// Seconds since 1970; 0 where it does not matter.
    created: i64,
}

impl Anchor {
    /// A record of this type.
    pub(in super::super) fn new(related_type: &'static str, related_id: u64) -> Self {
        Self { related_type, related_id, created: 0 }
    }
}

/// Makes the tasks.
pub(super) fn fill_tasks(world: &mut World, count: usize) {
    let mut sheet = world.sheet(Object::Task);
    for number in 0..count {
        sheet.at(number);
        bury(world, &mut sheet);
        let anchor = anchor(world, &mut sheet, Mess::OrphanTask);
        let times = sheet.times(anchor.created);
        let assignee = owner(&mut sheet.dice, &world.owners).id.clone();
        let id = sheet.next_id();
        let mut row = task(&mut sheet.dice, id, &anchor, times.created);
        row.assignee_id = assignee;
        let body = sentences(&mut sheet.dice);
        row.body = html(&body, sheet.markup());
        if sheet.takes(Mess::DateMissing) {
            row.due_date.clear();
            row.due_time.clear();
        }
        if sheet.takes(Mess::OptionSpelling) {
            row.kind = respelled(&row.kind, sheet.turn(Mess::OptionSpelling));
        }
        if sheet.dice.random_bool(0.6) {
            row.status = "done";
            row.completed_at = Some(instant(times.updated));
        }
        row.created_at = times.created_at;
        row.updated_at = instant(times.updated);
        world.table(Object::Task).push(id, times.updated, &row);
    }
    sheet.planter.report(&mut world.truth);
}

/// Makes the notes.
pub(super) fn fill_notes(world: &mut World, count: usize) {
    let mut sheet = world.sheet(Object::Note);
    for number in 0..count {
        sheet.at(number);
        bury(world, &mut sheet);
        let anchor = anchor(world, &mut sheet, Mess::OrphanNote);
        let times = sheet.times(anchor.created);
        let author = owner(&mut sheet.dice, &world.owners).id.clone();
        let id = sheet.next_id();
        let mut row = note(&mut sheet.dice, id, &anchor, &author);
        let body = sentences(&mut sheet.dice);
        row.body = html(&body, sheet.markup());
        row.created_at = times.created_at;
        row.updated_at = instant(times.updated);
        world.table(Object::Note).push(id, times.updated, &row);
    }
    sheet.planter.report(&mut world.truth);
}

/// A new open task without mess, for the sales team's edits.
pub(in super::super) fn fresh_task(dice: &mut Dice, id: u64, anchor: &Anchor, at: i64) -> TaskRow {
    let mut row = task(dice, id, anchor, at);
    row.created_at = instant(at);
    row.updated_at = instant(at);
    row
}

/// A new note without mess, for the sales team's edits.
pub(in super::super) fn fresh_note(dice: &mut Dice, id: u64, anchor: &Anchor, at: i64) -> NoteRow {
    let mut row = note(dice, id, anchor, "");
    row.created_at = instant(at);
    row.updated_at = instant(at);
    row
}

impl TaskRow {
    /// The same row with this assignee.
    pub(in super::super) fn assigned_to(mut self, owner_id: &str) -> Self {
        owner_id.clone_into(&mut self.assignee_id);
        self
    }
}

impl NoteRow {
    /// The same row with this author.
    pub(in super::super) fn written_by(mut self, owner_id: &str) -> Self {
        owner_id.clone_into(&mut self.author_id);
        self
    }
}

/// Where it is due, a row that was deleted in the last two months comes before the next one.
fn bury(world: &mut World, sheet: &mut Sheet) {
    if sheet.takes(Mess::DeletedBefore) {
        let deleted = sheet.now - sheet.dice.random_range(1..60) * DAY;
        let id = sheet.next_id();
        world.table(sheet.object).push_deleted(id, deleted);
    }
}

fn anchor(world: &mut World, sheet: &mut Sheet, orphan: Mess) -> Anchor {
    let (related_type, object) = match sheet.dice.random_range(0..10) {
        0 => ("lead", Object::Lead),
        1..6 => ("client", Object::Client),
        _ => ("project", Object::Project),
    };
    if sheet.takes(orphan) {
        return Anchor { related_type, related_id: sheet.purged_id(object), created: 0 };
    }
    let number = sheet.dice.random_range(0..world.table(object).len());
    let created = match object {
        Object::Client => world.client_created[number],
        Object::Project => world.projects[number].created,
        _ => 0,
    };
    Anchor { related_type, related_id: world.table(object).id(number), created }
}

/// A clean open task; assignee and times are still empty.
fn task(dice: &mut Dice, id: u64, anchor: &Anchor, created: i64) -> TaskRow {
    let (subject, kind) = pick(dice, TASKS);
    let hour = dice.random_range(8..18);
    let has_time = dice.random_bool(0.6);
    TaskRow {
        id,
        subject: subject.to_owned(),
        body: html(&sentences(dice), Markup::Plain),
        kind: kind.to_owned(),
        due_date: iso_day(day(created), dice.random_range(1..45)),
        due_time: if has_time { format!("{hour:02}:{:02}", dice.random_range(0..4) * 15) } else { String::new() },
        status: "open",
        completed_at: None,
        assignee_id: String::new(),
        related_type: anchor.related_type,
        related_id: anchor.related_id,
        created_at: String::new(),
        updated_at: String::new(),
    }
}

/// A clean note; times are still empty.
fn note(dice: &mut Dice, id: u64, anchor: &Anchor, author_id: &str) -> NoteRow {
    NoteRow {
        id,
        body: html(&sentences(dice), Markup::Plain),
        author_id: author_id.to_owned(),
        related_type: anchor.related_type,
        related_id: anchor.related_id,
        created_at: String::new(),
        updated_at: String::new(),
    }
}
