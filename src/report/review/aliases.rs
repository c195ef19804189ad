//! The sheet *Aliases* of `reports/owners.xlsx`: names and e-mail addresses as the old system writes them, and whom to look
//! for among Pipedrive's users instead; read back into `[owners.aliases]` of the mapping.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::Answers;
use super::remarks::Remarks;
use crate::mapping::Mapping;
use crate::mapping::edit::Edit;
use crate::record::fold_name;
use crate::report::workbook::read::{ReadBook, ReadSheet};
use crate::report::workbook::{Cell, Column, Line, Sheet, Sight, place};

/// The sheet that people see.
const SHEET: &str = "Aliases";

/// The sheet that keeps the aliases as they were when the workbook was made.
const ORIGIN: &str = "crossdock aliases";

/// The section of remarks about aliases.
const SECTION: &str = "aliases";

/// Empty lines for new aliases.
const OPEN_LINES: usize = 20;

const COLUMNS: &[Column] = &[
    Column::new("Key", 0),
    Column::edited("As your old system writes it", 38, "An owner's e-mail address or name, as it stands there."),
    Column::edited("Look for this user", 38, "The e-mail address or name of the Pipedrive user. Empty: no alias."),
    Column::edited("Your remark", 34, "Anything you want to say. It is kept."),
];
const EDITED: [&str; 4] = ["Key", "As your old system writes it", "Look for this user", "Your remark"];
const ORIGIN_COLUMNS: [&str; 3] = ["Key", "User", "Remark"];

const EXPLAINED: &str = "People change their name or address, and old systems keep the first one. Where an owner's e-mail \
    address or name is the one on the left, the user on the right is looked for. It holds for all owners with it. For a \
    single owner decide on the sheet Owners.";

/// The aliases of a mapping, as it writes them, and the same for reading back.
pub(super) fn sheets(mapping: &Mapping, remarks: &Remarks, users: Option<usize>) -> [Sheet; 2] {
    let open = |text: &str| match users {
        Some(users) => Cell::open(text).choose(users),
        None => Cell::open(text),
    };
    let (mut rows, mut origin) = (Vec::new(), Vec::new());
    for (written, meant) in mapping.owners.aliases() {
        let remark = remarks.get(SECTION, written);
        rows.push(vec![Cell::text(written), Cell::open(written), open(meant), Cell::open(&*remark)]);
        origin.push([written, meant, &*remark].map(Cell::text).to_vec());
    }
    rows.extend((0..OPEN_LINES).map(|_| vec![Cell::text(""), Cell::open(""), open(""), Cell::open("")]));
    let sheet = |name: &str, above, columns, rows, sight| Sheet { name: name.to_owned(), above, columns, rows, sight };
    let above = vec![Line::heading("Aliases: who is called otherwise in Pipedrive"), Line::text(EXPLAINED)];
    let columns = ORIGIN_COLUMNS.iter().map(|title| Column::new(title, 20)).collect();
    [
        sheet(SHEET, above, COLUMNS.to_vec(), rows, Sight::Shown),
        sheet(ORIGIN, Vec::new(), columns, origin, Sight::Never),
    ]
}

/// Whether a sheet of the workbook is one of these.
pub(super) fn is_ours(sheet: &ReadSheet) -> bool {
    [SHEET, ORIGIN].contains(&&*sheet.name)
}

/// Reads which aliases were added, changed and taken away. A workbook without the sheets changes nothing.
pub(super) fn read(
    book: &ReadBook,
    file: &str,
    mapping: &Mapping,
    users: &[String],
    answers: &mut Answers,
) -> Vec<(Edit, String)> {
    let Some(origin) = book.sheet(ORIGIN).and_then(origin) else { return Vec::new() };
    let Some(sheet) = book.sheet(SHEET) else {
        answers.notices.push(format!("{file}: the sheet {SHEET} is missing; no alias was changed"));
        return Vec::new();
    };
    let Some((header, columns)) = sheet.header(&EDITED) else {
        answers.problems.push(format!("{file}, sheet {SHEET}: has lost its headings {}", EDITED[1..].join(", ")));
        return Vec::new();
    };
    let present: BTreeMap<&str, &str> = mapping.owners.aliases().collect();
    let (mut edits, mut removed, mut added) = (Vec::new(), Vec::new(), Vec::new());
    let (mut seen, mut written_once) = (BTreeSet::new(), BTreeMap::new());
    for row in sheet.rows().into_iter().filter(|row| *row > header) {
        let cell = |position: usize| format!("{file}, sheet {SHEET}, cell {}", place(row, columns[position]));
        let [key, written, meant, remark] = [0, 1, 2, 3].map(|position| sheet.text(row, columns[position]).to_owned());
        if [&key, &written, &meant, &remark].iter().all(|text| text.is_empty()) {
            continue;
        }
        let was = origin.get(&key);
        if !key.is_empty() && (was.is_none() || !seen.insert(key.clone())) {
            answers
                .problems
                .push(format!("{}: {written:?}: stands in a line that is not ours or a copy of one", cell(1)));
            continue;
        }
        // A line whose user was emptied, or all of it, is no alias any more.
        let is_gone = meant.is_empty() && !key.is_empty();
        if !is_gone && (written.is_empty() || meant.is_empty()) {
            let empty = if written.is_empty() { 1 } else { 2 };
            answers.problems.push(format!("{}: {:?}: is empty, and an alias needs both", cell(empty), ""));
            continue;
        }
        if !is_gone && let Some(first) = written_once.insert(fold_name(&written), cell(1)) {
            answers.problems.push(format!("{}: {written:?}: has an alias already, in {first}", cell(1)));
            continue;
        }
        let is_as_it_was = was.is_some_and(|(user, _)| written == key && meant == *user);
        if !is_as_it_was {
            if let Some((user, _)) = was
                && present.get(key.as_str()) != Some(&user.as_str())
            {
                answers.problems.push(format!(
                    "{}: {written:?}: was edited here, and mapping.toml says otherwise since the workbook was made; make the \
                     workbook again (crossdock map) and edit that",
                    cell(1)
                ));
                continue;
            }
            if let Some(problem) = unfit(&meant, users, &cell(2), answers) {
                answers.problems.push(problem);
                continue;
            }
            if !key.is_empty() && (is_gone || key != written) {
                removed.push((Edit::Alias(key.clone(), None), cell(2)));
            }
            if !is_gone {
                added.push((Edit::Alias(written.clone(), Some(meant)), cell(2)));
            }
        }
        let (old, about) = (was.map_or("", |(_, remark)| remark.as_str()), if is_gone { &key } else { &written });
        if remark != old || (written != key && !remark.is_empty()) {
            answers.remarks.set(SECTION, about, &remark);
        }
    }
    for key in origin.keys().filter(|key| !seen.contains(*key)) {
        answers.notices.push(format!("{file}: the line of the alias {key} is missing; nothing was changed for it"));
    }
    // What is renamed may take a name that another line gives up.
    edits.append(&mut removed);
    edits.append(&mut added);
    edits
}

/// Why a text names no user. That nobody has the address yet is only noticed: the user may be made later.
fn unfit(meant: &str, users: &[String], cell: &str, answers: &mut Answers) -> Option<String> {
    if !meant.contains('@') {
        return None;
    }
    if !email_address::EmailAddress::is_valid(meant) {
        return Some(format!("{cell}: {meant:?}: is no e-mail address"));
    }
    if !users.is_empty() && !users.iter().any(|known| known.eq_ignore_ascii_case(meant)) {
        answers.notices.push(format!("{cell}: {meant:?}: no active user has this address yet; records wait for one"));
    }
    None
}

/// The aliases as they were: user and remark by what is written.
fn origin(sheet: &ReadSheet) -> Option<BTreeMap<String, (String, String)>> {
    let (header, columns) = sheet.header(&ORIGIN_COLUMNS)?;
    let rows = sheet.rows().into_iter().filter(|row| *row > header);
    let line = |row: u32| {
        let [key, user, remark] = [0, 1, 2].map(|position| sheet.text(row, columns[position]).to_owned());
        (key, (user, remark))
    };
    Some(rows.map(line).collect())
}
