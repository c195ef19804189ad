//! The workbook is written from a mapping, edited as people edit it, and read back.

use std::path::PathBuf;

use super::answers::{Answers, read as read_answers};
use super::*;
use crate::mapping::PROMOX;
use crate::mapping::difference::difference;
use crate::report::workbook::read::read;
use crate::report::workbook::write::write;
use crate::report::workbook::{Content, Workbook};

const MAVEN: &str = include_str!("../../../tests/fixtures/maven-crm.mapping.toml");
const EXISTING: &str = include_str!("../../../tests/fixtures/existing.mapping.toml");

fn mapping(text: &str) -> Mapping {
    Mapping::parse(text, "test").expect("a mapping")
}

/// What is known of clients: one column is mapped, one is not.
fn proposal() -> Proposal {
    let column = |name: &str, holds: &str| ColumnFacts {
        name: name.to_owned(),
        holds: holds.to_owned(),
        filled: 90,
        distinct: 80,
        samples: vec!["xxxx@xxxx.xxx".to_owned(), "=1+1".to_owned()],
    };
    Proposal {
        held: None,
        tables: vec![ProposedTable {
            table: "clients".to_owned(),
            object: Some(Object::Client),
            rows: 100,
            is_whole: true,
            confidence: 0.97,
            columns: vec![column("email", "e-mail address"), column("fax", "phone number"), column("-x", "text")],
            fields: vec![ProposedField {
                columns: vec!["email".to_owned()],
                entity: Some(Entity::Person),
                role: "person".to_owned(),
                target: "emails".to_owned(),
                confidence: 0.99,
                reasons: vec!["98 of 100 values are e-mail addresses".to_owned()],
                alternatives: vec![Alternative { entity: None, target: String::new(), confidence: 0.1 }],
                losses: vec!["2 values are no addresses".to_owned()],
            }],
            ..ProposedTable::default()
        }],
        shown_to: None,
    }
}

fn review(text: &str, remarks: &Remarks) -> Review {
    let mapping = mapping(text);
    let previews = BTreeMap::new();
    Review::new(Parts {
        text,
        mapping: &mapping,
        proposal: proposal(),
        remarks,
        previews,
        rules: BTreeMap::new(),
        no_previews: "nothing was read yet".to_owned(),
        owners: owners::OwnersReview::default(),
    })
}

/// Writes the workbook of a mapping, lets somebody edit it, and reads it back against another mapping.
fn round(made_of: &str, edit: impl FnOnce(&mut Workbook), now: &str, remarks: &Remarks) -> Answers {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("mapping.xlsx");
    let mut workbook = sheets::workbook(&review(made_of, remarks), &mapping(made_of));
    edit(&mut workbook);
    write(&path, &workbook).expect("written");
    read_answers(&read(&path).expect("read"), "mapping.xlsx", now, &mapping(now), remarks)
}

/// Sets a cell of the line with a key. Columns: 5 target, 6 transform, 11 remark.
fn set(workbook: &mut Workbook, key: &str, column: usize, text: &str) {
    let rows = workbook.sheets.iter_mut().filter(|sheet| sheet.columns.len() == 12).flat_map(|sheet| &mut sheet.rows);
    let mut lines = rows.filter(|row| row[0].value == Content::Text(key.to_owned()));
    lines.next().unwrap_or_else(|| panic!("no line {key}"))[column].value = Content::Text(text.to_owned());
}

/// The key of the client's field with this target.
fn key(target: &str) -> String {
    let review = review(PROMOX, &Remarks::default());
    let mut fields = review.tables.iter().filter(|table| table.table == "clients").flat_map(|table| &table.fields);
    fields.find(|field| field.target == target).unwrap_or_else(|| panic!("{target}")).key.clone()
}

/// What edits of the default mapping's workbook change.
#[track_caller]
fn check(edits: &[(&str, usize, &str)], expected: &[&str]) -> Answers {
    let answers = round(
        PROMOX,
        |workbook| edits.iter().for_each(|(key, column, text)| set(workbook, key, *column, text)),
        PROMOX,
        &Remarks::default(),
    );
    assert_eq!(answers.problems, Vec::<String>::new());
    assert_eq!(difference(PROMOX, &answers.text), expected);
    mapping(&answers.text);
    answers
}

#[track_caller]
fn check_refused(edits: &[(&str, usize, &str)], expected: &[&str]) {
    let edit = |workbook: &mut Workbook| edits.iter().for_each(|(key, column, text)| set(workbook, key, *column, text));
    let answers = round(PROMOX, edit, PROMOX, &Remarks::default());
    assert_eq!(answers.problems, expected);
    assert_eq!(answers.text, PROMOX, "nothing is applied");
}

#[test]
fn an_unedited_workbook_changes_nothing() {
    for text in [PROMOX, MAVEN, EXISTING] {
        let answers = round(text, |_| (), text, &Remarks::default());
        assert_eq!(answers.text, text);
        assert_eq!((answers.problems, answers.notices), (Vec::new(), Vec::new()));
    }
}

#[test]
fn sorted_rows_change_nothing() {
    let reverse = |workbook: &mut Workbook| {
        workbook.sheets.iter_mut().filter(|sheet| sheet.columns.len() == 12).for_each(|sheet| sheet.rows.reverse());
    };
    let answers = round(PROMOX, reverse, PROMOX, &Remarks::default());
    assert_eq!((answers.text.as_str(), answers.problems), (PROMOX, Vec::new()));
}

#[test]
fn edits_change_what_was_edited() {
    let birthday = key("person: custom:Birthday");
    check(
        &[(&birthday, 6, "as date | format: %d.%m.%Y")],
        &["object client, person, custom:Birthday: format is now \"%d.%m.%Y\"; it was not set"],
    );
    check(
        &[(&birthday, 5, "custom:Born")],
        &["object client, person: birthday goes to custom:Born; it went to custom:Birthday"],
    );
    check(
        &[(&birthday, 5, "do not migrate"), (&birthday, 11, "private")],
        &[
            "object client: column birthday is left out: \"private\"",
            "object client, person: custom:Birthday is no longer filled, from birthday as date",
        ],
    );
    let website = key("person: custom:Website");
    check(
        &[(&website, 5, "do not migrate")],
        &["object client, person: custom:Website is no longer filled, from website as text"],
    );
    check(
        &[(&key("organization: custom:Website"), 5, "organization: website")],
        &["object client, organization: website goes to website; it went to custom:Website"],
    );
    check(
        &[(&key("person: custom:Account number"), 5, "organization: custom:Number")],
        &[
            "object client, organization: custom:Number is now filled, from account_number as text",
            "object client, person: custom:Account number is no longer filled, from account_number as text",
        ],
    );
}

#[test]
fn columns_without_a_place_get_one() {
    check(
        &[("client//fax", 5, "person: custom:Fax"), ("client//-x", 5, "do not migrate")],
        &[
            "object client: column -x is left out: \"decided in the workbook\"",
            "object client, person: custom:Fax is now filled, from fax as text",
        ],
    );
    let text = PROMOX.replace("kind = \"client\"\n", "kind = \"client\"\nleave = { fax = \"nobody faxes\" }\n");
    let answers =
        round(&text, |workbook| set(workbook, "client//fax", 5, "person: custom:Fax"), &text, &Remarks::default());
    assert_eq!(
        difference(&text, &answers.text),
        [
            "object client: column fax is no longer left out",
            "object client, person: custom:Fax is now filled, from fax as text",
        ]
    );
}

#[test]
fn mistakes_are_told_with_their_cells_all_at_once() {
    let (emails, birthday) = (key("person: emails"), key("person: custom:Birthday"));
    let name = key("person: name");
    check_refused(
        &[(&emails, 5, "emials"), (&birthday, 6, "as date\nformat"), ("client//fax", 5, "fax")],
        &[
            "mapping.xlsx, sheet Clients, cell F22: \"emials\": is no field of a person; did you mean emails?; a new field of yours is custom:NAME",
            "mapping.xlsx, sheet Clients, cell G32: \"as date\\nformat\": format: needs a value after a colon",
            "mapping.xlsx, sheet Clients, cell F36: \"fax\": does not say of which record; write organization: fax or person: fax",
        ],
    );
    check_refused(
        &[(&emails, 6, "as name")],
        &[
            "mapping.xlsx, sheet Clients, cell G22: the mapping would no longer be right: object client, person, field 5 (emails): \"name\" does not fit emails; it takes emails",
        ],
    );
    check_refused(
        &[(&name, 5, "do not migrate")],
        &[
            "mapping.xlsx, sheet Clients, cell F18: the mapping would no longer be right: object client, person: needs the field name: Pipedrive refuses a person without it",
        ],
    );
    check_refused(
        &[("client//fax", 5, "person: phones")],
        &[
            "mapping.xlsx, sheet Clients, cell F36: the mapping would no longer be right: object client, person: \"phones\" is filled again below; give this line a condition, or join the columns",
        ],
    );
    check_refused(
        &[(&emails, 5, "")],
        &["mapping.xlsx, sheet Clients, cell F22: the target is empty; choose one, or \"do not migrate\""],
    );
}

#[test]
fn a_stale_workbook_changes_only_what_stayed() {
    let (emails, birthday) = (key("person: emails"), key("person: custom:Birthday"));
    let now = PROMOX
        .replace(
            "  { to = \"add_time\", kind = \"datetime\", from = \"created_at\" },\n  { to = \"emails\"",
            "  { to = \"emails\"",
        )
        .replace("{ to = \"custom:Birthday\", kind = \"date\"", "{ to = \"custom:Birthday\", kind = \"text\"");
    let answers =
        round(PROMOX, |workbook| set(workbook, &emails, 6, "as emails | label: home"), &now, &Remarks::default());
    assert_eq!(answers.problems, Vec::<String>::new());
    assert_eq!(
        difference(&now, &answers.text),
        ["object client, person, emails: label is now \"home\"; it was not set"]
    );
    let edit = |workbook: &mut Workbook| {
        set(workbook, &birthday, 5, "custom:Born");
        set(workbook, &emails, 5, "custom:E-mail");
    };
    let answers = round(PROMOX, edit, &now, &Remarks::default());
    assert_eq!(answers.text, now, "nothing is applied where one line is in conflict");
    assert_eq!(answers.problems.len(), 1);
    assert!(answers.problems[0].starts_with(
        "mapping.xlsx, sheet Clients, cell F32: \"custom:Born\": was edited here, and mapping.toml was changed"
    ));
}

#[test]
fn remarks_are_kept_and_follow_their_field() {
    let birthday = key("person: custom:Birthday");
    let answers = check(&[(&birthday, 11, "=ask Dana"), ("client//fax", 11, "why?")], &[]);
    assert_eq!(answers.remarks.get("client", "person: custom:Birthday from birthday"), "=ask Dana");
    assert_eq!(answers.remarks.get("client", "column fax"), "why?");
    let shown = review(PROMOX, &answers.remarks);
    let line =
        shown.tables.iter().flat_map(|table| &table.fields).find(|field| field.key == birthday).expect("the line");
    assert_eq!(line.remark, "=ask Dana");
    let moved = round(PROMOX, |workbook| set(workbook, &birthday, 5, "custom:Born"), PROMOX, &answers.remarks);
    assert_eq!(moved.remarks.get("client", "person: custom:Born from birthday"), "=ask Dana");
    assert_eq!(moved.remarks.get("client", "person: custom:Birthday from birthday"), "");
    let gone = round(PROMOX, |workbook| set(workbook, &birthday, 11, ""), PROMOX, &answers.remarks);
    assert_eq!(gone.remarks.get("client", "person: custom:Birthday from birthday"), "");
}

#[test]
fn lines_that_are_copied_added_or_missing_are_told() {
    let copy = |workbook: &mut Workbook| {
        let sheet = workbook.sheets.iter_mut().find(|sheet| sheet.name == "Clients").expect("the sheet");
        sheet.rows.push(sheet.rows[3].clone());
    };
    let answers = round(PROMOX, copy, PROMOX, &Remarks::default());
    assert!(
        answers.problems[0].contains("is a copy of the line at mapping.xlsx, sheet Clients, cell F7"),
        "{:?}",
        answers.problems
    );
    let add = |workbook: &mut Workbook| {
        let sheet = workbook.sheets.iter_mut().find(|sheet| sheet.name == "Clients").expect("the sheet");
        let mut row = sheet.rows[3].clone();
        row[0] = super::super::workbook::Cell::default();
        sheet.rows.push(row);
    };
    assert!(round(PROMOX, add, PROMOX, &Remarks::default()).problems[0].contains("stands in a line that is not ours"));
    let cut = |workbook: &mut Workbook| {
        let sheet = workbook.sheets.iter_mut().find(|sheet| sheet.name == "Clients").expect("the sheet");
        sheet.rows.pop();
    };
    let answers = round(PROMOX, cut, PROMOX, &Remarks::default());
    assert_eq!(answers.notices, ["mapping.xlsx: the line of client column -x is missing; nothing was changed for it"]);
    let none = round(PROMOX, |workbook| drop(workbook.sheets.pop()), PROMOX, &Remarks::default());
    assert_eq!(none.problems, ["mapping.xlsx: is no workbook that `crossdock map` made, or its hidden sheet was lost"]);
}

#[test]
fn the_review_says_what_is_known() {
    let review = review(PROMOX, &Remarks::default());
    assert_eq!(review.uncovered(), [("clients", "fax"), ("clients", "-x")]);
    let clients = review.tables.iter().find(|table| table.table == "clients").expect("clients");
    let emails = clients.fields.iter().find(|field| field.target == "person: emails").expect("e-mails");
    assert_eq!((emails.confidence, emails.filled), (Some(0.99), Some(90)));
    assert_eq!(emails.alternatives, ["do not migrate"]);
    assert_eq!(clients.placement, "an organization and a person");
    let page = crate::report::Report::page(&review);
    assert!(page.says.contains("2 columns are without a place"), "{}", page.says);
    let moved = PROMOX.replace(
        "{ to = \"emails\", kind = \"emails\", from = \"email\" },\n  { to = \"phones\", kind = \"phones\", from = \"phone\" },\n  { to = \"custom:Job title\"",
        "{ to = \"custom:E\", kind = \"emails\", from = \"email\" },\n  { to = \"phones\", kind = \"phones\", from = \"phone\" },\n  { to = \"custom:Job title\"",
    ).replacen("existing = { by = [\"emails\"], then = \"fill\" }\nfields", "fields", 1);
    let review = super::tests::review(&moved, &Remarks::default());
    let fields = review.tables.iter().flat_map(|table| &table.fields);
    let field = fields.into_iter().find(|field| field.target == "person: custom:E").expect("the field");
    assert_eq!(
        (field.confidence, field.reasons.as_slice()),
        (None, ["chosen by you; person: emails was proposed".to_owned()].as_slice())
    );
}

/// A mapping that names what its clients become, and what was proposed for them.
fn placed() -> (String, Review) {
    let text = PROMOX.replacen("[pipelines]", "[placement]\nclients = \"person and organization\"\n\n[pipelines]", 1);
    let mut known = review(&text, &Remarks::default());
    known.tables.iter_mut().filter(|table| table.table == "clients").for_each(|table| {
        table.alternatives =
            vec![PlacementChoice { placed: "person".to_owned(), words: "a person".to_owned(), confidence: 0.1 }];
    });
    (text, known)
}

/// Sets the placement of the clients in the first sheet, and reads the workbook back.
fn place_clients(word: &str) -> Answers {
    let (text, review) = placed();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mapping.xlsx");
    let mut workbook = sheets::workbook(&review, &mapping(&text));
    let start = &mut workbook.sheets[0];
    let column = start.columns.iter().position(|column| column.title == "Placement").expect("the column");
    let row = start.rows.iter_mut().find(|row| row[0].value == Content::Text("clients".to_owned())).expect("the row");
    assert_eq!(row[column].value, Content::Text("person and organization".to_owned()));
    row[column].value = Content::Text(word.to_owned());
    write(&path, &workbook).expect("written");
    read_answers(&read(&path).expect("read"), "mapping.xlsx", &text, &mapping(&text), &Remarks::default())
}

#[test]
fn placements_are_chosen_in_the_first_sheet() {
    let answers = place_clients("person");
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    let chosen: Vec<String> = answers.placements.iter().map(|(table, (word, _))| format!("{table}: {word}")).collect();
    assert_eq!(chosen, ["clients: person"]);
    assert!(place_clients("person and organization").placements.is_empty());
    let problems = place_clients("persn").problems;
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert!(problem.starts_with("mapping.xlsx, sheet Start here, cell C"), "{problem}");
    assert!(problem.ends_with("\"persn\": \"persn\" is no kind of record; did you mean person?"), "{problem}");
}

#[test]
fn a_mapping_that_differs_from_its_placements_is_refused() {
    let (text, _) = placed();
    let problems = Mapping::problems(&text.replacen("person and organization", "person", 1));
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("placement, clients") && told[0].contains("crossdock map lays it out anew"), "{told:?}");
}
