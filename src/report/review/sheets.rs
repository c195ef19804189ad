//! The workbook `reports/mapping.xlsx`: a sheet that explains, one sheet for each table, and a sheet for no eyes that says
//! what every line was when the workbook was made.

use super::{FieldReview, Review, RulePreview, TableReview, target};
use crate::mapping::Mapping;
use crate::mapping::placement::Placement;
use crate::propose::profile::mask;
use crate::report::page::{counted, number, title_case};
use crate::report::workbook::{Cell, Column, Line, Look, Sheet, Sight, Workbook, sheet_name};

/// Name of the workbook in `reports/`.
pub const FILE: &str = "mapping.xlsx";

/// The sheet for no eyes.
pub(super) const ORIGIN: &str = "crossdock";

/// Its columns.
pub(super) const ORIGIN_COLUMNS: [&str; 8] =
    ["Key", "Object", "Role", "Position", "Fingerprint", "Target", "Transform", "Remark"];

/// The headings of whole tables that are read back.
pub(super) const PLACED: [&str; 2] = ["Table", PLACEMENT];
const PLACEMENT: &str = "Placement";

/// The beginning of the keys of whole tables, on the sheet for no eyes.
pub(super) const TABLE: &str = "table:";

/// The key of its first line, whose fingerprint is the mapping's digest.
pub(super) const WHOLE: &str = "mapping";

/// The headings that are read back.
pub(super) const EDITED: [&str; 4] = ["Key", TARGET, TRANSFORM, REMARK];
const TARGET: &str = "Target in Pipedrive";
const TRANSFORM: &str = "What happens to the value";
pub(super) const REMARK: &str = "Your remark";

const COLUMNS: &[Column] = &[
    Column::new("Key", 0),
    Column::new("Source column", 24),
    Column::new("What it holds", 26),
    Column::new("Filled", 9),
    Column::new("Samples (masked)", 24),
    Column::edited(
        TARGET,
        34,
        "Choose from the list, or type RECORD: FIELD. A new custom field is RECORD: custom:NAME. \"do not migrate\" leaves it out.",
    ),
    Column::edited(
        TRANSFORM,
        36,
        "One clause a line, or with \" | \" between: as date, format: %d.%m.%Y, values: A=B; C=D; other=E. See the first sheet.",
    ),
    Column::new("Sure", 8),
    Column::new("Why", 40),
    Column::new("What would be lost", 30),
    Column::new("Other targets", 30),
    Column::edited(REMARK, 34, "Anything you want to say about this line. It is kept."),
];

/// Makes the workbook.
#[must_use]
pub fn workbook(review: &Review, mapping: &Mapping) -> Workbook {
    let mut workbook = Workbook::default();
    let mut names: Vec<String> = vec![START.to_owned(), ORIGIN.to_owned(), "lists".to_owned()];
    let mut sheets = Vec::new();
    for table in &review.tables {
        let Some(rules) = table.object.and_then(|object| mapping.object(object)) else { continue };
        if table.fields.is_empty() {
            continue;
        }
        let name = sheet_name(&title_case(&table.table), &names);
        names.push(name.clone());
        let choices = target::choices(rules);
        let rows = table.fields.iter().map(|field| row(field, table, &choices, &mut workbook)).collect();
        let decided = table.fields.iter().filter(|field| field.target.is_empty()).count() as u64;
        let mut about = format!("Each row becomes: {}.", table.placement);
        if table.rows > 0 {
            let whole = if table.is_whole { "all of them" } else { "the first of them" };
            about.push_str(&format!(" {} looked at, {whole}.", counted(table.rows, "row was", "rows were")));
        }
        if decided > 0 {
            about.push_str(&format!(
                " At the end, {}: choose a target or \"{}\".",
                counted(decided, "column has no place yet", "columns have no place yet"),
                target::LEAVE
            ));
        }
        let mut above = vec![Line::heading(title_case(&table.table)), Line::text(about)];
        above.extend(rules_to_choose_from(table).into_iter().map(Line::text));
        sheets.push(Sheet { name, above, columns: COLUMNS.to_vec(), rows, sight: Sight::Shown });
    }
    let start = start(review, &mut workbook);
    workbook.sheets.push(start);
    workbook.sheets.extend(sheets);
    workbook.sheets.push(origin(review));
    workbook
}

/// What each rule would give on real records, masked as all samples of the workbook are.
fn rules_to_choose_from(table: &TableReview) -> Vec<String> {
    let line = |preview: &RulePreview| {
        let gives: Vec<String> = preview.gives.iter().map(|gives| mask(gives)).collect();
        format!("{}: {}", preview.rule, gives.join("  ·  "))
    };
    let parents = &table.rules.parents;
    if parents.is_empty() {
        return Vec::new();
    }
    let heading = format!("What each rule would give (masked; the page shows it in full) for {}:", parents.join(", "));
    std::iter::once(heading).chain(table.rules.rules.iter().map(line)).collect()
}

fn row(field: &FieldReview, table: &TableReview, choices: &[String], workbook: &mut Workbook) -> Vec<Cell> {
    let mut list: Vec<String> = field.alternatives.clone();
    if field.role.is_empty() {
        // A column without a place is best kept under its own name.
        let own = choices.iter().find_map(|choice| choice.split_once(": custom:")).map(|(role, _)| role);
        let column = field.columns.first().map(|column| title_case(&column.replace('.', " "))).unwrap_or_default();
        list.extend(own.map(|role| format!("{role}: custom:{column}")));
    }
    list.extend(choices.iter().filter(|choice| !field.alternatives.contains(choice)).cloned());
    if !field.target.is_empty() && !list.contains(&field.target) {
        list.insert(0, field.target.clone());
    }
    let list = workbook.list(list);
    let is_left = field.target == target::LEAVE;
    let (is_open, quiet) = (field.target.is_empty(), if is_left { Look::Quiet } else { Look::Plain });
    let sure = match field.confidence {
        Some(confidence) => percent(confidence),
        None => String::new(),
    };
    let look = match field.confidence {
        _ if is_open => Look::Attention,
        None => Look::Plain,
        Some(confidence) if confidence >= SURE => Look::Good,
        Some(confidence) if confidence >= LIKELY => Look::Attention,
        Some(_) => Look::Bad,
    };
    let columns = if field.columns.is_empty() { "(none)".to_owned() } else { field.columns.join("\n") };
    let filled = match field.filled {
        Some(filled) if table.rows > 0 => percent_of(filled, table.rows),
        _ => String::new(),
    };
    vec![
        Cell::text(&*field.key),
        Cell::text(columns).look(quiet),
        Cell::text(&*field.holds).look(quiet),
        Cell::text(filled).look(quiet),
        Cell::text(field.samples.join("\n")).look(Look::Quiet),
        Cell::open(&*field.target).choose(list).look(if is_open { Look::Attention } else { Look::Plain }),
        Cell::open(&*field.transform),
        Cell::text(sure).look(look),
        Cell::text(if is_open && field.reasons.is_empty() {
            "nobody decided about it yet".to_owned()
        } else {
            field.reasons.join("\n")
        })
        .look(quiet),
        Cell::text(field.losses.join("\n")).look(if field.losses.is_empty() { Look::Plain } else { Look::Attention }),
        Cell::text(field.alternatives.join("\n")).look(Look::Quiet),
        Cell::open(&*field.remark),
    ]
}

/// From here on a target needs no second look, as measured on labelled fields of other CRMs.
pub(super) const SURE: f64 = 0.9;

/// Below this a target is a guess.
pub(super) const LIKELY: f64 = 0.6;

/// `0.984` as `98 %`; never 100 % unless it is.
pub(super) fn percent(share: f64) -> String {
    let percent = (share * 100.0).clamp(0.0, 100.0);
    let whole = if percent < 100.0 { percent.floor() } else { 100.0 };
    format!("{whole:.0} %")
}

/// A share of rows: `98 %`, and never 0 % or 100 % where it is neither.
pub(super) fn percent_of(part: u64, whole: u64) -> String {
    match (part.saturating_mul(100) / whole.max(1), part) {
        (_, 0) => "0 %".to_owned(),
        (0, _) => "< 1 %".to_owned(),
        (percent, _) => format!("{} %", percent.min(100)),
    }
}

/// The first sheet.
const START: &str = "Start here";

const EXPLAINED: &[&str] = &[
    "This workbook shows where every column of your old system goes in Pipedrive. Change what is not right, save the file, and give it back: crossdock map --read. Nothing is written to Pipedrive by that.",
    "Placement, in the list of tables below: what the rows of a whole table become. \"deal: sum\" is fields of the deal with a sum, a count and a line for each row; others are first, latest, count, list, split (fields for each of the first three), note and activity.",
    "Target in Pipedrive: choose from the list, or type. \"person: emails\" is the field emails of the person; \"deal: custom:Rush\" is a custom field named Rush, which is made if it is new; \"do not migrate\" leaves the column out. A column without a target is yellow: decide about it, so that nothing is lost unnoticed.",
    "What happens to the value: one clause a line (Alt+Enter), or with \" | \" between them. \"as KIND\" says how it is read. What else there is:",
    "    join: \" \"   several columns become one text, with a space between        split: \",\" 2   the second part; -1 is the last        constant: Web   always the same text",
    "    format: %d.%m.%Y   how a date is written; 1.234,56 for a number        values: A=B; C=D; other=E   what values become; \"others stay\" leaves the rest        default: none   where it is empty",
    "    lookup: territories.csv; code = name   what a code stands for, by a table beside mapping.toml        scale: 0.01   a factor for numbers        longest: 200, cut   a shorter text",
    "    when: a; b   only where these columns are filled        unless: a   only where it is empty        only if: status = open; status = new   only where it has one of these values",
    "A text with ; = | or a quotation mark in it stands in double quotes: values: \"a;b\"=c",
    "Your remark is kept with the mapping. The other cells are for reading; changes in them are not taken over. To sort the rows, unprotect the sheet first (Review, Unprotect sheet; there is no password). Rows may stand in any order; do not copy or delete the hidden first column.",
    "Green is sure, yellow wants a look, red is a guess.",
];

fn start(review: &Review, workbook: &mut Workbook) -> Sheet {
    let mut above = vec![Line::heading("The map: what goes where")];
    above.extend(EXPLAINED.iter().map(|line| Line::text(*line)));
    if let Some(address) = &review.proposal.shown_to {
        above.push(Line::text(format!(
            "Names, types and masked samples of the columns were shown to the language model at {address}."
        )));
    }
    above.push(Line::heading("The tables"));
    let mut row = |table: &TableReview| {
        let open = table.fields.iter().filter(|field| field.target.is_empty()).count() as u64;
        let unsure =
            table.fields.iter().filter(|field| field.confidence.is_some_and(|sure| sure < SURE)).count() as u64;
        let look = |count: u64| if count > 0 { Look::Attention } else { Look::Plain };
        vec![
            Cell::text(&*table.table),
            Cell::text(&*table.placement),
            placed(table, workbook),
            Cell::text(table.confidence.map(percent).unwrap_or_default()),
            Cell::text(if table.rows > 0 { number(table.rows) } else { String::new() }),
            Cell::count(table.fields.iter().filter(|field| !field.role.is_empty()).count() as u64),
            Cell::count(unsure).look(look(unsure)),
            Cell::count(open).look(look(open)),
            Cell::text(table.reasons.join("\n")),
        ]
    };
    Sheet {
        name: START.to_owned(),
        above,
        columns: vec![
            Column::new("Table", 24),
            Column::new("Each row becomes", 40),
            Column::edited(
                PLACEMENT,
                30,
                "Choose from the list. The table is laid out anew when the workbook is read back; what you edited elsewhere stays.",
            ),
            Column::new("Sure", 9),
            Column::new("Rows looked at", 11),
            Column::new("Fields", 9),
            Column::new("To look at", 10),
            Column::new("To decide", 10),
            Column::new("Why", 50),
        ],
        rows: review.tables.iter().map(&mut row).collect(),
        sight: Sight::Shown,
    }
}

/// What the rows of a table become, to choose from where there is a choice.
fn placed(table: &TableReview, workbook: &mut Workbook) -> Cell {
    if table.placed.is_empty() {
        return Cell::text("");
    }
    let mut choices = vec![table.placed.clone()];
    choices.extend(table.alternatives.iter().map(|other| other.placed.clone()));
    let leave = Placement::LeftOut.to_string();
    if !choices.contains(&leave) {
        choices.push(leave);
    }
    let list = workbook.list(choices);
    Cell::open(&*table.placed).choose(list)
}

fn origin(review: &Review) -> Sheet {
    let line = |field: &FieldReview, table: &TableReview| {
        let object = table.object.map(|object| object.as_str()).unwrap_or_default();
        let position = field.position.to_string();
        [&field.key, object, &field.role, &position, &field.fingerprint, &field.target, &field.transform, &field.remark]
            .map(Cell::text)
            .to_vec()
    };
    let whole = [WHOLE, "", "", "", &review.mapping, "", "", ""].map(Cell::text).to_vec();
    let placed = review.tables.iter().filter(|table| !table.placed.is_empty()).map(|table| {
        [&format!("{TABLE}{}", table.table), "", "", "", "", &table.placed, "", ""].map(Cell::text).to_vec()
    });
    let lines = review.tables.iter().flat_map(|table| table.fields.iter().map(move |field| line(field, table)));
    Sheet {
        name: ORIGIN.to_owned(),
        above: Vec::new(),
        columns: ORIGIN_COLUMNS.iter().map(|title| Column::new(title, 20)).collect(),
        rows: std::iter::once(whole).chain(placed).chain(lines).collect(),
        sight: Sight::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_all_or_nothing() {
        assert_eq!([percent(0.999), percent(1.0), percent(0.0)], ["99 %", "100 %", "0 %"]);
        assert_eq!(
            [percent_of(0, 9), percent_of(1, 900), percent_of(899, 900), percent_of(9, 9), percent_of(1, 0)],
            ["0 %", "< 1 %", "99 %", "100 %", "100 %"]
        );
    }
}
