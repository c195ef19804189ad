//! Reads an edited `mapping.xlsx` back into edits of the mapping: what people changed, and nothing else.
//!
//! What every line was when the workbook was made stands on its sheet for no eyes. A line counts as edited when its target,
//! its transform or its remark is no longer that. Where the mapping itself changed meanwhile, an edited line is applied
//! only if its own field is still as it was; else it is a conflict. Nothing is applied while anything is wrong.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::lines::{Given, Origin, columns, kind_for, tidy};
use super::remarks::{Remarks, column_key, field_key};
use super::sheets::{EDITED, ORIGIN, ORIGIN_COLUMNS, WHOLE};
use super::target::{self, Target};
use super::{fingerprint, placements, written_fields};
use crate::mapping::edit::{Edit, Editor, FieldPlace};
use crate::mapping::field::Kind;
use crate::mapping::object::ObjectRules;
use crate::mapping::placement::Placement;
use crate::mapping::{Mapping, clauses};
use crate::record::Object;
use crate::report::workbook::read::ReadBook;

/// The reason of a column that was left out without a remark.
const NO_REASON: &str = "decided in the workbook";

/// What a workbook asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// The mapping with its edits; the same text when nothing was edited or anything is wrong.
    pub text: String,
    /// The remarks with their edits.
    pub remarks: Remarks,
    /// What the rows of whole tables are to become, where that was changed, each with its cell: the tables must be laid out
    /// anew for that.
    pub placements: BTreeMap<String, (Placement, String)>,
    /// Everything that is wrong, each with its cell. Not empty: nothing may be applied.
    pub problems: Vec<String>,
    /// What was noticed and hinders nothing, each with its place.
    pub notices: Vec<String>,
}

/// Reads what was edited in a workbook. `text` is the mapping as it is written now, `file` the workbook's name in messages.
#[must_use]
pub fn read(book: &ReadBook, file: &str, text: &str, mapping: &Mapping, remarks: &Remarks) -> Answers {
    let mut reading = Reading {
        file,
        mapping,
        document: text.parse().unwrap_or_default(),
        is_stale: false,
        edits: Vec::new(),
        cells: Vec::new(),
        left: Vec::new(),
        answers: Answers {
            text: text.to_owned(),
            remarks: remarks.clone(),
            notices: book.warnings.clone(),
            ..Answers::default()
        },
    };
    let Some(origins) = reading.origins(book) else { return reading.answers };
    let given = reading.given(book, &origins);
    // In the order of the workbook, as people go through it.
    let mut lines: Vec<(&String, &Origin)> = origins.iter().collect();
    lines.sort_by_key(|(key, _)| given.get(*key).map(|given| (given.sheet_position, given.row)));
    for (key, origin) in lines {
        match given.get(key) {
            Some(given) => reading.line(key, origin, given),
            None => {
                let what = format!("{file}: the line of {} is missing; nothing was changed for it", name(key, origin));
                reading.answers.notices.push(what);
            }
        }
    }
    reading.placements(book);
    reading.leave();
    reading.apply(text);
    reading.answers
}

fn name(key: &str, origin: &Origin) -> String {
    match key.split_once("//") {
        Some((object, column)) => format!("{object} column {column}"),
        None => format!("{} {}", origin.object, origin.target),
    }
}

struct Reading<'a> {
    file: &'a str,
    mapping: &'a Mapping,
    document: Table,
    is_stale: bool,
    edits: Vec<Edit>,
    /// For each edit, the cell it came from and the object and role it is about.
    cells: Vec<(String, Object, String)>,
    /// Columns of removed fields, with the reason to leave them out.
    left: Vec<(Object, Vec<String>, String, String)>,
    answers: Answers,
}

impl Reading<'_> {
    fn problem(&mut self, cell: &str, value: &str, reason: &str) {
        self.answers.problems.push(if value.is_empty() {
            format!("{cell}: {reason}")
        } else {
            format!("{cell}: {value:?}: {reason}")
        });
    }

    /// The lines as they were; `None` with a problem when the workbook is none of ours.
    fn origins(&mut self, book: &ReadBook) -> Option<BTreeMap<String, Origin>> {
        let sheet = book.sheet(ORIGIN);
        let found = sheet.and_then(|sheet| Some((sheet, sheet.header(&ORIGIN_COLUMNS)?)));
        let Some((sheet, (header, columns))) = found else {
            let what = format!("{}: is no workbook that `crossdock map` made, or its hidden sheet was lost", self.file);
            self.answers.problems.push(what);
            return None;
        };
        let mut origins = BTreeMap::new();
        for row in sheet.rows().into_iter().filter(|row| *row > header) {
            let cell = |position: usize| sheet.cells.get(&(row, columns[position])).map_or("", String::as_str);
            if cell(0) == WHOLE {
                self.is_stale = cell(4) != self.mapping.digest();
                continue;
            }
            let Some(object) = Object::parse(cell(1)) else { continue };
            let origin = Origin {
                object,
                role: cell(2).to_owned(),
                position: cell(3).parse().unwrap_or_default(),
                fingerprint: cell(4).to_owned(),
                target: tidy(cell(5)),
                transform: tidy(cell(6)),
                remark: tidy(cell(7)),
            };
            origins.insert(cell(0).to_owned(), origin);
        }
        Some(origins)
    }

    /// Whole tables whose placement was changed.
    fn placements(&mut self, book: &ReadBook) {
        for changed in placements::changed(book, self.file, self.mapping) {
            match changed.placement {
                Ok(placement) => {
                    self.answers.placements.insert(changed.table, (placement, changed.cell));
                }
                Err(reason) => self.problem(&changed.cell, &changed.given, &reason),
            }
        }
    }

    fn given(&mut self, book: &ReadBook, origins: &BTreeMap<String, Origin>) -> BTreeMap<String, Given> {
        let mut all: BTreeMap<String, Given> = BTreeMap::new();
        for (sheet_position, sheet) in book.sheets.iter().enumerate().filter(|(_, sheet)| sheet.name != ORIGIN) {
            let Some((header, columns)) = sheet.header(&EDITED) else { continue };
            for row in sheet.rows().into_iter().filter(|row| *row > header) {
                let text = |position: usize| tidy(sheet.text(row, columns[position]));
                let given = Given {
                    sheet: sheet.name.clone(),
                    sheet_position,
                    row,
                    columns: columns.clone(),
                    target: text(1),
                    transform: text(2),
                    remark: text(3),
                };
                let key = sheet.text(row, columns[0]).to_owned();
                if key.is_empty() || !origins.contains_key(&key) {
                    if !(given.target.is_empty() && given.transform.is_empty() && given.remark.is_empty()) {
                        let cell = given.cell(self.file, 1);
                        self.problem(
                            &cell,
                            &given.target,
                            "stands in a line that is not ours; lines cannot be added, only edited",
                        );
                    }
                } else if let Some(other) = all.get(&key) {
                    let (cell, other) = (given.cell(self.file, 1), other.cell(self.file, 1));
                    self.problem(
                        &cell,
                        &given.target,
                        &format!("is a copy of the line at {other}; remove one of them"),
                    );
                } else {
                    all.insert(key, given);
                }
            }
        }
        all
    }

    fn line(&mut self, key: &str, origin: &Origin, given: &Given) {
        let Some(rules) = self.mapping.object(origin.object) else {
            if given.target != origin.target || given.transform != origin.transform {
                let cell = given.cell(self.file, 1);
                self.problem(&cell, &given.target, "was edited, and the mapping no longer has this table");
            }
            return;
        };
        match key.split_once("//") {
            Some((_, column)) => self.column(rules, column, origin, given),
            None => self.field(rules, origin, given),
        }
    }

    /// A column that went nowhere.
    fn column(&mut self, rules: &ObjectRules, column: &str, origin: &Origin, given: &Given) {
        let section = rules.object.as_str();
        let (old_about, mut about) = (column_key(column), column_key(column));
        if given.target != origin.target || given.transform != origin.transform {
            let cell = given.cell(self.file, 1);
            let was_left = origin.target == target::LEAVE;
            let is_left = rules.leave.contains_key(column);
            let is_mapped = self.mapping.uncovered(rules.object, &[column]).is_empty() && !is_left;
            if self.is_stale && (is_mapped || was_left != is_left) {
                self.problem(&cell, &given.target, CONFLICT);
                return;
            }
            if given.target.is_empty() {
                if !given.transform.is_empty() {
                    self.problem(&given.cell(self.file, 2), &given.transform, "has no target beside it");
                } else {
                    self.edit(Edit::Leave(rules.object, column.to_owned(), None), &cell, rules.object, "");
                }
            } else {
                match Target::read(&given.target, "", rules) {
                    Err(reason) => self.problem(&cell, &given.target, &reason),
                    Ok(Target::Leave) => {
                        let reason = if given.remark.is_empty() { NO_REASON } else { &given.remark };
                        let edit = Edit::Leave(rules.object, column.to_owned(), Some(reason.to_owned()));
                        self.edit(edit, &cell, rules.object, "");
                    }
                    Ok(Target::Field { role, to }) => {
                        if is_left {
                            self.edit(Edit::Leave(rules.object, column.to_owned(), None), &cell, rules.object, "");
                        }
                        about = field_key(&Target::field(&role, &to).to_string(), &[column.to_owned()]);
                        self.new_field(rules, column, (&role, &to), given);
                    }
                }
            }
        }
        self.remark(section, (&old_about, &about), origin, given);
    }

    fn new_field(&mut self, rules: &ObjectRules, column: &str, (role, to): (&str, &str), given: &Given) {
        let mut field = match clauses::read(&given.transform) {
            Ok(field) => field,
            Err(reason) => return self.problem(&given.cell(self.file, 2), &given.transform, &reason),
        };
        // A note of the row's own text is made with the first column in it.
        let fitting = rules.destination(role).map_or(Kind::Html, |destination| kind_for(destination, to, None));
        field.entry("kind").or_insert_with(|| Value::String(fitting.as_str().to_owned()));
        field.insert("to".to_owned(), Value::String(to.to_owned()));
        field.insert("from".to_owned(), Value::String(column.to_owned()));
        self.edit(Edit::Add(rules.object, role.to_owned(), field), &given.cell(self.file, 1), rules.object, role);
    }

    /// A field of the mapping.
    fn field(&mut self, rules: &ObjectRules, origin: &Origin, given: &Given) {
        let is_edited = given.target != origin.target || given.transform != origin.transform;
        let is_remarked = given.remark != origin.remark;
        if !is_edited && !is_remarked {
            return;
        }
        let fields = written_fields(&self.document, origin.object, &origin.role);
        let is_same = |position: &usize| {
            fields.get(*position).is_some_and(|field| fingerprint(&field.to_string()) == origin.fingerprint)
        };
        let position = Some(origin.position).filter(is_same).or_else(|| (0..fields.len()).find(is_same));
        let Some(position) = position else {
            if is_edited && self.is_so_already(rules, origin, given, &fields) {
                return;
            }
            let heading = if given.target != origin.target {
                1
            } else if is_edited {
                2
            } else {
                3
            };
            let value = [&given.target, &given.transform, &given.remark][heading - 1].clone();
            return self.problem(&given.cell(self.file, heading), &value, CONFLICT);
        };
        let at = FieldPlace { object: origin.object, role: origin.role.clone(), position };
        let field = &fields[position];
        let columns = columns(field);
        let section = rules.object.as_str();
        let old_about = field_key(&origin.target, &columns);
        let mut about = old_about.clone();
        if is_edited {
            match self.edited_field(rules, (&at, field), origin, given) {
                Some(Target::Leave) if columns.len() == 1 => about = column_key(&columns[0]),
                Some(Target::Leave) => {}
                Some(target) => about = field_key(&target.to_string(), &columns),
                None => {}
            }
        }
        self.remark(section, (&old_about, &about), origin, given);
    }

    /// Whether the mapping says already what an edited line asks for: a workbook may be read back twice.
    fn is_so_already(&mut self, rules: &ObjectRules, origin: &Origin, given: &Given, fields: &[Table]) -> bool {
        let Ok(target) = Target::read(&given.target, &origin.role, rules) else { return false };
        let goes_to = |field: &Table, to: &str| field.get("to").and_then(Value::as_str) == Some(to);
        let is_so = match &target {
            Target::Leave => {
                let was = origin.target.split_once(": ").map_or("", |(_, to)| to);
                !fields.iter().any(|field| goes_to(field, was))
            }
            Target::Field { role, to } => written_fields(&self.document, origin.object, role)
                .iter()
                .any(|field| goes_to(field, to) && tidy(&clauses::write(field)) == given.transform),
        };
        if is_so {
            self.answers.notices.push(format!("{}: {:?}: is so already", given.cell(self.file, 1), given.target));
        }
        is_so
    }

    fn edited_field(
        &mut self,
        rules: &ObjectRules,
        (at, field): (&FieldPlace, &Table),
        origin: &Origin,
        given: &Given,
    ) -> Option<Target> {
        let cell = given.cell(self.file, 1);
        if given.target.is_empty() {
            let reason = format!("the target is empty; choose one, or \"{}\"", target::LEAVE);
            self.problem(&cell, "", &reason);
            return None;
        }
        let target = match Target::read(&given.target, &origin.role, rules) {
            Ok(target) => target,
            Err(reason) => {
                self.problem(&cell, &given.target, &reason);
                return None;
            }
        };
        let Target::Field { role, to } = &target else {
            let reason = if given.remark.is_empty() { NO_REASON.to_owned() } else { given.remark.clone() };
            self.left.push((at.object, columns(field), reason, cell.clone()));
            self.edit(Edit::Remove(at.clone()), &cell, at.object, &at.role);
            return Some(target);
        };
        let (was, is) = match (clauses::read(&origin.transform), clauses::read(&given.transform)) {
            (Ok(was), Ok(is)) => (was, is),
            (_, Err(reason)) | (Err(reason), _) => {
                self.problem(&given.cell(self.file, 2), &given.transform, &reason);
                return None;
            }
        };
        let mut keys: BTreeMap<String, Option<Value>> = BTreeMap::new();
        for key in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
            if was.get(key) != is.get(key) {
                keys.insert(key.clone(), is.get(key).cloned());
            }
        }
        let is_moved = *role != at.role;
        let old_to = field.get("to").and_then(Value::as_str).unwrap_or_default();
        if to != old_to {
            keys.insert("to".to_owned(), Some(Value::String(to.clone())));
        }
        // Who chose another target and no other kind means the kind that fits it.
        if (is_moved || to != old_to) && !keys.contains_key("kind") {
            let kind = is.get("kind").and_then(Value::as_str).and_then(Kind::parse);
            let fitting = rules.destination(role).map_or(Kind::Html, |destination| kind_for(destination, to, kind));
            if Some(fitting) != kind {
                keys.insert("kind".to_owned(), Some(Value::String(fitting.as_str().to_owned())));
            }
        }
        if is_moved {
            let mut moved = field.clone();
            for (key, value) in keys {
                match value {
                    Some(value) => moved.insert(key, value),
                    None => moved.remove(&key),
                };
            }
            self.edit(Edit::Remove(at.clone()), &cell, at.object, &at.role);
            self.edit(Edit::Add(at.object, role.clone(), moved), &cell, at.object, role);
        } else if !keys.is_empty() {
            let cell = if to == old_to { given.cell(self.file, 2) } else { cell };
            self.edit(Edit::Set(at.clone(), keys.into_iter().collect()), &cell, at.object, &at.role);
        }
        Some(target)
    }

    fn edit(&mut self, edit: Edit, cell: &str, object: Object, role: &str) {
        self.edits.push(edit);
        self.cells.push((cell.to_owned(), object, role.to_owned()));
    }

    /// A remark is kept under what it is about, which an edit may have changed.
    fn remark(&mut self, section: &str, (old_about, about): (&str, &str), origin: &Origin, given: &Given) {
        if given.remark == origin.remark && (old_about == about || given.remark.is_empty()) {
            return;
        }
        if given.remark != origin.remark && self.answers.remarks.get(section, old_about) != origin.remark {
            let cell = given.cell(self.file, 3);
            return self.problem(&cell, &given.remark, "this remark was changed since the workbook was made");
        }
        self.answers.remarks.set(section, old_about, "");
        self.answers.remarks.set(section, about, &given.remark);
    }

    /// Columns of removed fields are left out on purpose, unless something else still takes them.
    fn leave(&mut self) {
        for (object, columns, reason, cell) in std::mem::take(&mut self.left) {
            for column in columns {
                let stays = self.mapping.object(object).is_some_and(|rules| {
                    rules.to.iter().any(|to| {
                        to.fields.iter().enumerate().any(|(position, field)| {
                            let place = FieldPlace { object, role: to.role.to_string(), position };
                            let is_gone =
                                self.edits.iter().any(|edit| matches!(edit, Edit::Remove(at) if *at == place))
                                    && !self.is_moved(&place);
                            !is_gone && field.columns().iter().any(|own| own.name == column)
                        })
                    })
                });
                if !stays {
                    self.edit(Edit::Leave(object, column, Some(reason.clone())), &cell, object, "");
                }
            }
        }
    }

    /// Whether a field that is removed here is added elsewhere: its removal and its addition follow each other.
    fn is_moved(&self, place: &FieldPlace) -> bool {
        let mut pairs =
            self.edits.iter().zip(self.edits.iter().skip(1)).zip(self.cells.iter().zip(self.cells.iter().skip(1)));
        pairs.any(|((edit, next), (cell, next_cell))| {
            matches!((edit, next), (Edit::Remove(at), Edit::Add(..)) if at == place) && cell.0 == next_cell.0
        })
    }

    /// Makes the edits on a copy and checks what comes out; its problems are told with the cells they come from.
    fn apply(&mut self, text: &str) {
        if !self.answers.problems.is_empty() || self.edits.is_empty() {
            return;
        }
        let edited = Editor::new(text).and_then(|mut editor| {
            let places = editor.apply(&self.edits)?;
            Ok((editor.text(), places))
        });
        let (edited, places) = match edited {
            Ok(edited) => edited,
            Err(error) => return self.answers.problems.push(format!("{}: {}", self.file, error.message())),
        };
        for problem in Mapping::problems(&edited) {
            let by_field = places.iter().position(|place| {
                place.as_ref().is_some_and(|at| {
                    let place = format!("object {}, {}, field {} (", at.object, at.role, at.position + 1);
                    problem.place.starts_with(&place)
                })
            });
            let about = |(_, object, role): &(String, Object, String)| {
                problem.place.starts_with(&format!("object {object}, {role}"))
                    || problem.place == format!("object {object}")
            };
            let cell =
                by_field.and_then(|edit| self.cells.get(edit)).or_else(|| self.cells.iter().find(|cell| about(cell)));
            let what = match cell {
                Some((cell, ..)) => format!("{cell}: the mapping would no longer be right: {problem}"),
                None => format!("{}: the mapping would no longer be right: {problem}", self.file),
            };
            self.answers.problems.push(what);
        }
        if self.answers.problems.is_empty() {
            self.answers.text = edited;
        }
    }
}

pub(super) const CONFLICT: &str = "was edited here, and mapping.toml was changed in the same place since the workbook was made; make \
    the workbook again (crossdock map) and edit that";

/// Whether a workbook holds remarks or edits that were not read back: the text of the mapping or the remarks would change,
/// or something in it is wrong.
#[must_use]
pub fn holds_edits(answers: &Answers, text: &str, remarks: &Remarks) -> bool {
    answers.text != text
        || answers.remarks != *remarks
        || !answers.problems.is_empty()
        || !answers.placements.is_empty()
}
