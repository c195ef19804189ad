//! The workbook `reports/owners.xlsx`: who each owner of the source is in Pipedrive, and the administrator's decision where
//! nobody is; read back into decisions of the mapping.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::aliases;
use super::answers::Answers;
use super::remarks::Remarks;
use super::sheets::ORIGIN;
use crate::mapping::Mapping;
use crate::mapping::clauses::hint;
use crate::mapping::edit::{Edit, Editor};
use crate::mapping::owners::OwnerDecision;
use crate::report::page::counted;
use crate::report::workbook::read::{ReadBook, ReadSheet};
use crate::report::workbook::{Cell, Column, Line, Look, Sheet, Sight, Workbook, place};

/// Name of the workbook in `reports/`.
pub const FILE: &str = "owners.xlsx";

/// The section of remarks about owners.
const SECTION: &str = "owners";

/// What may be decided, as the cells say it.
const DECISIONS: [&str; 5] = [BY_MATCH, "match", "provision", "reassign", "wait"];
const BY_MATCH: &str = "automatic";

/// The owners of the source as the administrator reviews them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OwnersReview {
    /// E-mail addresses of the account's active users; empty when nobody could ask.
    pub users: Vec<String>,
    /// Every owner, those for whom most records wait first.
    pub owners: Vec<OwnerReview>,
    /// Whether the records of each owner were counted; only a survey does.
    pub is_counted: bool,
}

/// One owner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OwnerReview {
    /// Its id in the source.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its e-mail address; empty when it has none.
    pub email: String,
    /// Who it is at present, in words.
    pub stands: String,
    /// Whether its records wait.
    pub waits: bool,
    /// Records that name it.
    pub records: u64,
    /// Records that wait for it, with those that belong to them.
    pub waiting: u64,
}

const COLUMNS: &[Column] = &[
    Column::new("Key", 0),
    Column::new("Owner", 26),
    Column::new("E-mail at the source", 30),
    Column::new("Id", 12),
    Column::new("At present", 44),
    Column::new("Records", 10),
    Column::new("Waiting, with what belongs to them", 16),
    Column::edited(
        "Decision",
        14,
        "automatic: by e-mail or name. match: is that user. provision: that user will be made, wait for it. reassign: records go to that user. wait: until you decide.",
    ),
    Column::edited("User (e-mail)", 32, "The user for match, provision or reassign."),
    Column::edited("Your remark", 34, "Anything you want to say. It is kept."),
];
const EDITED: [&str; 4] = ["Key", "Decision", "User (e-mail)", "Your remark"];
const ORIGIN_COLUMNS: [&str; 4] = ["Key", "Decision", "User", "Remark"];

const EXPLAINED: &[&str] = &[
    "Records belong to somebody. Each owner of your old system becomes the Pipedrive user with the same e-mail address (or name, as the mapping says). Who has no such user waits, and so do the records and what belongs to them. Decide here, save, and give the file back: crossdock map --read.",
    "automatic: as said above.   match: it is the user with the e-mail beside it.   provision: a user with that e-mail will be made; the records wait until then, and go on by themselves.   reassign: the records go to that user, and the old owner's name is kept in a field.   wait: nothing is done until you decide.",
];

/// A decision as the cells say it: the word and the user.
fn cells(decision: Option<&OwnerDecision>) -> (&'static str, &str) {
    match decision {
        None => (BY_MATCH, ""),
        Some(OwnerDecision::Match(user)) => ("match", user),
        Some(OwnerDecision::Provision(user)) => ("provision", user),
        Some(OwnerDecision::Reassign(user)) => ("reassign", user),
        Some(OwnerDecision::Park) => ("wait", ""),
    }
}

/// Makes the workbook.
#[must_use]
pub fn workbook(review: &OwnersReview, mapping: &Mapping, remarks: &Remarks) -> Workbook {
    let mut workbook = Workbook::default();
    let decisions = workbook.list(DECISIONS.map(str::to_owned).to_vec());
    let users = if review.users.is_empty() { None } else { Some(workbook.list(review.users.clone())) };
    let mut above = vec![Line::heading("Owners: who is who in Pipedrive")];
    above.extend(EXPLAINED.iter().map(|line| Line::text(*line)));
    if review.users.is_empty() {
        above.push(Line::text("The account's users could not be read, so there is no list to choose from."));
    }
    if !review.is_counted {
        above.push(Line::text(
            "How many records wait for each owner is counted by the survey, which has not been made yet.",
        ));
    }
    let mut rows = Vec::new();
    let mut origin = Vec::new();
    for owner in &review.owners {
        let (decision, user) = cells(mapping.owners.decisions.get(&owner.id));
        let remark = remarks.get(SECTION, &owner.id);
        let look = if owner.waits { Look::Attention } else { Look::Good };
        let count = |count: u64| if review.is_counted { Cell::count(count) } else { Cell::text("") };
        let user_cell = Cell::open(user);
        rows.push(vec![
            Cell::text(&*owner.id),
            Cell::text(&*owner.name),
            Cell::text(&*owner.email),
            Cell::text(&*owner.id).look(Look::Quiet),
            Cell::text(&*owner.stands).look(look),
            count(owner.records),
            count(owner.waiting).look(if owner.waiting > 0 { Look::Attention } else { Look::Plain }),
            Cell::open(decision).choose(decisions).look(if owner.waits { Look::Attention } else { Look::Plain }),
            match users {
                Some(users) => user_cell.choose(users),
                None => user_cell,
            },
            Cell::open(&*remark),
        ]);
        origin.push([&*owner.id, decision, user, &*remark].map(Cell::text).to_vec());
    }
    let shown = Sheet { name: "Owners".to_owned(), above, columns: COLUMNS.to_vec(), rows, sight: Sight::Shown };
    let hidden = Sheet {
        name: ORIGIN.to_owned(),
        above: Vec::new(),
        columns: ORIGIN_COLUMNS.iter().map(|title| Column::new(title, 20)).collect(),
        rows: origin,
        sight: Sight::Never,
    };
    let [aliases, aliases_origin] = aliases::sheets(mapping, remarks, users);
    workbook.sheets = vec![shown, aliases, hidden, aliases_origin];
    workbook
}

/// Whether a workbook is one about owners.
#[must_use]
pub fn is_ours(book: &ReadBook) -> bool {
    book.sheet(ORIGIN).is_some_and(|sheet| sheet.header(&ORIGIN_COLUMNS).is_some())
}

/// Reads what was decided. `text` is the mapping as it is written now, `users` the account's active users, if known.
#[must_use]
pub fn read(
    book: &ReadBook,
    (file, text): (&str, &str),
    mapping: &Mapping,
    remarks: &Remarks,
    users: &[String],
) -> Answers {
    let mut answers = Answers {
        text: text.to_owned(),
        remarks: remarks.clone(),
        notices: book.warnings.clone(),
        ..Answers::default()
    };
    let Some(origin) = book.sheet(ORIGIN).and_then(origin) else {
        answers
            .problems
            .push(format!("{file}: is no workbook that `crossdock map` made, or its hidden sheet was lost"));
        return answers;
    };
    let mut edits: Vec<(Edit, String)> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for sheet in book.sheets.iter().filter(|sheet| sheet.name != ORIGIN && !aliases::is_ours(sheet)) {
        let Some((header, columns)) = sheet.header(&EDITED) else { continue };
        for row in sheet.rows().into_iter().filter(|row| *row > header) {
            let cell =
                |position: usize| format!("{file}, sheet {}, cell {}", sheet.name, place(row, columns[position]));
            let [id, decision, user, remark] =
                [0, 1, 2, 3].map(|position| sheet.text(row, columns[position]).to_owned());
            let Some([was, was_user, was_remark]) = origin.get(&id) else {
                answers.problems.push(format!("{}: {decision:?}: stands in a line that is not ours", cell(1)));
                continue;
            };
            if !seen.insert(id.clone()) {
                answers
                    .problems
                    .push(format!("{}: {decision:?}: is a copy of another line; remove one of them", cell(1)));
                continue;
            }
            if remark != *was_remark {
                answers.remarks.set(SECTION, &id, &remark);
            }
            if (&decision, &user) == (was, was_user) {
                continue;
            }
            if cells(mapping.owners.decisions.get(&id)) != (was.as_str(), was_user.as_str()) {
                answers.problems.push(format!(
                    "{}: {decision:?}: was edited here, and mapping.toml decides otherwise since the workbook was made; make \
                     the workbook again (crossdock map) and edit that",
                    cell(1)
                ));
                continue;
            }
            match decided(&decision, &user, users) {
                Ok(decision) => edits.push((Edit::Decide(id, decision), cell(1))),
                Err((position, value, reason)) => {
                    answers.problems.push(format!("{}: {value:?}: {reason}", cell(position)));
                }
            }
        }
    }
    for id in origin.keys().filter(|id| !seen.contains(*id)) {
        answers.notices.push(format!("{file}: the line of owner {id} is missing; nothing was changed for it"));
    }
    edits.extend(aliases::read(book, file, mapping, users, &mut answers));
    apply(&mut answers, &edits, (file, text));
    answers
}

fn apply(answers: &mut Answers, edits: &[(Edit, String)], (file, text): (&str, &str)) {
    if !answers.problems.is_empty() || edits.is_empty() {
        return;
    }
    let plain: Vec<Edit> = edits.iter().map(|(edit, _)| edit.clone()).collect();
    let edited = Editor::new(text).and_then(|mut editor| editor.apply(&plain).map(|_| editor.text()));
    match edited {
        Ok(edited) => {
            for problem in Mapping::problems(&edited) {
                answers.problems.push(format!("{file}: the mapping would no longer be right: {problem}"));
            }
            if answers.problems.is_empty() {
                answers.text = edited;
            }
        }
        Err(error) => answers.problems.push(format!("{file}: {}", error.message())),
    }
}

/// The lines as they were: decision, user and remark by owner.
fn origin(sheet: &ReadSheet) -> Option<BTreeMap<String, [String; 3]>> {
    let (header, columns) = sheet.header(&ORIGIN_COLUMNS)?;
    let rows = sheet.rows().into_iter().filter(|row| *row > header);
    let line = |row: u32| {
        let [id, decision, user, remark] = [0, 1, 2, 3].map(|position| sheet.text(row, columns[position]).to_owned());
        (id, [decision, user, remark])
    };
    Some(rows.map(line).collect())
}

/// The decision that two cells make; otherwise which of them is wrong (by its heading), its text, and why.
fn decided(word: &str, user: &str, users: &[String]) -> Result<Option<OwnerDecision>, (usize, String, String)> {
    let folded = word.to_lowercase();
    let with_user = match folded.as_str() {
        "match" | "provision" | "reassign" => true,
        "" | BY_MATCH | "wait" => false,
        _ => return Err((1, word.to_owned(), format!("is no decision{}", hint(&folded, &DECISIONS)))),
    };
    if with_user && !email_address::EmailAddress::is_valid(user) {
        return Err((2, user.to_owned(), format!("is no e-mail address of a user, which {folded} needs")));
    }
    if !with_user && !user.is_empty() {
        return Err((
            2,
            user.to_owned(),
            "is named, and the decision names no user; choose match, provision or reassign".to_owned(),
        ));
    }
    let is_known = users.is_empty() || users.iter().any(|known| known.eq_ignore_ascii_case(user));
    if matches!(folded.as_str(), "match" | "reassign") && !is_known {
        let names: Vec<&str> = users.iter().map(String::as_str).collect();
        let near = hint(user, &names);
        let near = if near.starts_with("; did") { near } else { String::new() };
        return Err((
            2,
            user.to_owned(),
            format!("is no active user of the account{near}; for one who is still to be made choose provision"),
        ));
    }
    let user = user.to_owned();
    Ok(match folded.as_str() {
        "match" => Some(OwnerDecision::Match(user)),
        "provision" => Some(OwnerDecision::Provision(user)),
        "reassign" => Some(OwnerDecision::Reassign(user)),
        "wait" => Some(OwnerDecision::Park),
        _ => None,
    })
}

/// How many wait, in words.
#[must_use]
pub fn says(review: &OwnersReview) -> String {
    let waiting = review.owners.iter().filter(|owner| owner.waits).count() as u64;
    match waiting {
        0 => format!("every one of {} is a user", counted(review.owners.len() as u64, "owner", "owners")),
        _ => format!(
            "{} of {} without a user",
            counted(waiting, "owner", "owners"),
            counted(review.owners.len() as u64, "owner", "owners")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::PROMOX;
    use crate::mapping::difference::difference;
    use crate::report::workbook::{Content, read as reading, write as writing};

    fn review() -> OwnersReview {
        let owner = |id: &str, waits: bool| OwnerReview {
            id: id.to_owned(),
            name: format!("Owner {id}"),
            email: format!("{id}@old.example"),
            stands: "nobody".to_owned(),
            waits,
            records: 12,
            waiting: 30,
        };
        OwnersReview {
            users: vec!["ada@x.example".to_owned(), "bo@x.example".to_owned()],
            owners: vec![owner("u_1", true), owner("u_2", true), owner("u_3", false)],
            is_counted: true,
        }
    }

    /// Edits cells of the sheet Aliases by line: 1 written, 2 user, 3 remark.
    fn round_aliases(edits: &[(usize, usize, &str)], made_of: &str, now: &str) -> Answers {
        edited(made_of, now, |workbook| {
            for (row, column, text) in edits {
                workbook.sheets[1].rows[*row][*column].value = Content::Text((*text).to_owned());
            }
        })
    }

    /// Edits cells by owner: 7 decision, 8 user, 9 remark.
    fn round(edits: &[(&str, usize, &str)], made_of: &str, now: &str) -> Answers {
        edited(made_of, now, |workbook| {
            for (id, column, text) in edits {
                let row =
                    workbook.sheets[0].rows.iter_mut().find(|row| row[0].value == Content::Text((*id).to_owned()));
                row.expect("the owner")[*column].value = Content::Text((*text).to_owned());
            }
        })
    }

    fn edited(made_of: &str, now: &str, edit: impl FnOnce(&mut Workbook)) -> Answers {
        let mapping = |text: &str| Mapping::parse(text, "test").expect("a mapping");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let mut workbook = workbook(&review(), &mapping(made_of), &Remarks::default());
        edit(&mut workbook);
        writing::write(&path, &workbook).expect("written");
        let book = reading::read(&path).expect("read");
        read(&book, (FILE, now), &mapping(now), &Remarks::default(), &review().users)
    }

    #[test]
    fn an_unedited_workbook_decides_nothing() {
        let decided = format!("{PROMOX}\n[[owners.decision]]\nowner = \"u_2\"\nreassign = \"bo@x.example\"\n");
        for text in [PROMOX, &decided] {
            let answers = round(&[], text, text);
            assert_eq!((answers.text.as_str(), answers.problems, answers.notices), (text, Vec::new(), Vec::new()));
        }
    }

    #[test]
    fn decisions_are_read_back() {
        let edits = [
            ("u_1", 7, "provision"),
            ("u_1", 8, "new@x.example"),
            ("u_2", 7, "reassign"),
            ("u_2", 8, "bo@x.example"),
            ("u_3", 7, "wait"),
            ("u_3", 9, "left in May"),
        ];
        let answers = round(&edits, PROMOX, PROMOX);
        assert_eq!(answers.problems, Vec::<String>::new());
        assert_eq!(
            difference(PROMOX, &answers.text),
            [
                "owner u_1: its records wait until the user new@x.example is made",
                "owner u_2: its records go to bo@x.example",
                "owner u_3: its records wait until a user appears",
            ]
        );
        assert_eq!(answers.remarks.get("owners", "u_3"), "left in May");
    }

    #[test]
    fn decisions_that_cannot_be_are_told() {
        let edits =
            [("u_1", 7, "reasign"), ("u_2", 7, "match"), ("u_2", 8, "boo@x.example"), ("u_3", 8, "ada@x.example")];
        let answers = round(&edits, PROMOX, PROMOX);
        assert_eq!(
            answers.problems,
            [
                "owners.xlsx, sheet Owners, cell H5: \"reasign\": is no decision; did you mean reassign?",
                "owners.xlsx, sheet Owners, cell I6: \"boo@x.example\": is no active user of the account; did you mean bo@x.example?; for one who is still to be made choose provision",
                "owners.xlsx, sheet Owners, cell I7: \"ada@x.example\": is named, and the decision names no user; choose match, provision or reassign",
            ]
        );
        assert_eq!(answers.text, PROMOX);
        let now = format!("{PROMOX}\n[[owners.decision]]\nowner = \"u_1\"\npark = true\n");
        let stale = round(&[("u_1", 7, "match"), ("u_1", 8, "ada@x.example")], PROMOX, &now);
        assert!(stale.problems[0].contains("mapping.toml decides otherwise"), "{:?}", stale.problems);
    }

    #[test]
    fn aliases_are_added_changed_and_taken_away() {
        let lines = "\"Old@X.example\" = \"ada@x.example\"\n\"Bo Old\" = \"Bo New\"\n\"gone\" = \"ada@x.example\"\n";
        let text = PROMOX.replace("[owners.aliases]\n", &format!("[owners.aliases]\n{lines}"));
        // In the order of their folded names: bo old, gone, old@x.example; then the empty lines.
        assert_eq!(round_aliases(&[], &text, &text).text, text);
        let edits = [
            (0, 1, "Bob Old"),
            (1, 2, ""),
            (2, 2, "bo@x.example"),
            (2, 3, "married in May"),
            (5, 1, "cy@old.example"),
            (5, 2, "later@x.example"),
        ];
        let answers = round_aliases(&edits, &text, &text);
        assert_eq!(answers.problems, Vec::<String>::new());
        assert_eq!(
            difference(&text, &answers.text),
            [
                "owners, aliases: Bo Old is no longer set; it was \"Bo New\"",
                "owners, aliases: Bob Old is now \"Bo New\"; it was not set",
                "owners, aliases: Old@X.example is now \"bo@x.example\"; it was \"ada@x.example\"",
                "owners, aliases: cy@old.example is now \"later@x.example\"; it was not set",
                "owners, aliases: gone is no longer set; it was \"ada@x.example\"",
            ]
        );
        assert_eq!(answers.remarks.get("aliases", "Old@X.example"), "married in May");
        assert_eq!(
            answers.notices,
            [
                "owners.xlsx, sheet Aliases, cell C9: \"later@x.example\": no active user has this address yet; records wait for one"
            ]
        );
    }

    #[test]
    fn aliases_that_cannot_be_are_told() {
        let text = PROMOX.replace("[owners.aliases]\n", "[owners.aliases]\n\"old@x.example\" = \"ada@x.example\"\n");
        let edits = [
            (1, 1, "half"),
            (2, 2, "ada@x.example"),
            (3, 1, "OLD@x.example"),
            (3, 2, "bo@x.example"),
            (4, 1, "x"),
            (4, 2, "not@an@address"),
        ];
        let answers = round_aliases(&edits, &text, &text);
        assert_eq!(
            answers.problems,
            [
                "owners.xlsx, sheet Aliases, cell C5: \"\": is empty, and an alias needs both",
                "owners.xlsx, sheet Aliases, cell B6: \"\": is empty, and an alias needs both",
                "owners.xlsx, sheet Aliases, cell B7: \"OLD@x.example\": has an alias already, in owners.xlsx, sheet Aliases, cell B4",
                "owners.xlsx, sheet Aliases, cell C8: \"not@an@address\": is no e-mail address",
            ]
        );
        assert_eq!(answers.text, text);
        let now = text.replace("ada@x.example", "bo@x.example");
        let stale = round_aliases(&[(0, 2, "cy@x.example")], &text, &now);
        assert!(stale.problems[0].contains("mapping.toml says otherwise"), "{:?}", stale.problems);
    }
}
