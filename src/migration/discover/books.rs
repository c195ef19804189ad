//! Workbooks for kinds of record that nothing delivers: written once, never over what people typed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::mapping::field::Kind;
use crate::mapping::sheet::{SheetColumn, SheetRules};
use crate::migration::origin::book_of;
use crate::record::Object;
use crate::report::page::title_case;
use crate::report::workbook::Line;
use crate::report::workbook::template::{self, Form, FormColumn, Holds, Template};
use crate::source::workbook::EXAMPLE;

/// What can be chosen in drop-downs, as far as other tables tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Choices {
    /// How records of an object are named: owners' e-mail addresses, pipelines.
    pub(super) names: BTreeMap<Object, Vec<String>>,
    pub(super) stages: Vec<String>,
}

/// The longest list that is offered; a longer one is no list to choose from.
const CHOICES_MAX: usize = 500;

/// Writes an object's workbook into the folder of workbooks.
///
/// # Errors
/// Those of writing it.
pub(super) fn write(folder: &Path, rules: &SheetRules, choices: &Choices) -> Result<()> {
    let (file, sheet) = book_of(rules);
    let columns: Vec<FormColumn> = rules.columns.iter().map(|column| form_column(column, rules, choices)).collect();
    let example = rules.columns.iter().zip(&columns).map(|(column, form)| example(column, form, rules)).collect();
    let about = about(rules, &sheet);
    let form = Form { name: sheet, columns, rows: vec![example] };
    template::write(&folder.join(file), &Template { about, forms: vec![form] })
}

fn about(rules: &SheetRules, sheet: &str) -> Vec<Line> {
    let object = rules.object;
    let mut lines = vec![
        Line::heading(format!("{} records", title_case(object.as_str()))),
        Line::text(format!(
            "Neither the source's API nor an export delivers {object} records. Type or paste them into the sheet {sheet}, one row \
             for each, and save the workbook under its own name. If there are none, leave it as it is."
        )),
        Line::text(format!(
            "The grey row shows how; a row whose id begins with {EXAMPLE} is never read. Headings stay as they are; columns may \
             be moved, and columns that you have nothing for may stay empty."
        )),
        Line::text(format!(
            "Headings in blue are needed in each row: {}. The id may be any text, but each record needs its own, and it must not \
             change later: it is how other tables name the record.",
            required(rules).join(", ")
        )),
        Line::text(
            "Days are best typed as 2026-03-31. What cannot be read is told with its cell when crossdock discover is run again; \
             such a row is left out until it is mended, the others are read.",
        ),
    ];
    if let Some((list, _)) = &rules.list {
        lines.push(Line::text(format!(
            "A record takes one row for each of its {list}: repeat its own columns in each of these rows."
        )));
    }
    lines.push(Line::heading("Columns"));
    lines.extend(rules.columns.iter().map(|column| Line::text(format!("{}: {}", column.name, help(column)))));
    lines
}

fn required(rules: &SheetRules) -> Vec<&str> {
    rules.columns.iter().filter(|column| column.is_required).map(|column| column.name.as_str()).collect()
}

fn form_column(column: &SheetColumn, rules: &SheetRules, choices: &Choices) -> FormColumn {
    let own = match column.kind {
        Kind::Bool => vec!["yes".to_owned(), "no".to_owned()],
        Kind::Stage => choices.stages.clone(),
        _ if !column.values.is_empty() => column.values.clone(),
        _ => only(column).and_then(|object| choices.names.get(&object)).cloned().unwrap_or_default(),
    };
    let is_id = rules.ids.contains(&column.name);
    FormColumn {
        title: column.name.clone(),
        help: help(column),
        holds: holds(column.kind),
        choices: if own.len() > CHOICES_MAX || is_id { Vec::new() } else { own },
        is_closed: column.kind == Kind::Bool || column.is_closed,
        is_required: column.is_required,
    }
}

fn holds(kind: Kind) -> Holds {
    match kind {
        Kind::Number | Kind::Money => Holds::Number,
        Kind::Date | Kind::Due => Holds::Date,
        Kind::Datetime => Holds::Datetime,
        Kind::Time => Holds::Time,
        _ => Holds::Text,
    }
}

/// The object whose records a column names, where it is one.
fn only(column: &SheetColumn) -> Option<Object> {
    match column.names.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// What belongs into a column, in words.
fn help(column: &SheetColumn) -> String {
    let kind = match (column.kind, column.names.as_slice()) {
        (_, [Object::Owner]) => "the owner: the e-mail address or the id".to_owned(),
        (_, [Object::Pipeline]) => "the pipeline: its id or its name".to_owned(),
        (_, [object]) => format!("the id of the {object}"),
        (_, [_, ..]) => "the id of the record that the other column says the kind of".to_owned(),
        (Kind::Number, _) => "a number, such as 12.5".to_owned(),
        (Kind::Percent, _) => "a percentage, such as 10 %".to_owned(),
        (Kind::Money, _) => "an amount, such as 1250.50".to_owned(),
        (Kind::Date | Kind::Due, _) => "a day, such as 2026-03-31".to_owned(),
        (Kind::Datetime, _) => "a day with a time, such as 2026-03-31 14:30".to_owned(),
        (Kind::Time, _) => "a time of day, such as 14:30".to_owned(),
        (Kind::Bool, _) => "yes or no".to_owned(),
        (Kind::Set, _) => "one or several, with semicolons between them".to_owned(),
        (Kind::Email, _) => "an e-mail address".to_owned(),
        (Kind::Emails, _) => "e-mail addresses, with semicolons between them".to_owned(),
        (Kind::Phones, _) => "phone numbers, with semicolons between them".to_owned(),
        (Kind::Html | Kind::LongText, _) => "text of any length".to_owned(),
        (Kind::Address, _) => "a postal address in one line".to_owned(),
        (Kind::Stage, _) => "the stage's name".to_owned(),
        _ => "text".to_owned(),
    };
    let values = match column.values.as_slice() {
        [] => String::new(),
        values => format!("; {}{}", if column.is_closed { "one of " } else { "such as " }, values.join(", ")),
    };
    let needed = if column.is_required { "; needed" } else { "" };
    format!("{kind}{values}{needed}")
}

fn example(column: &SheetColumn, form: &FormColumn, rules: &SheetRules) -> String {
    if rules.ids.contains(&column.name) {
        return format!("{EXAMPLE}-1");
    }
    if let Some(choice) = form.choices.first() {
        return choice.clone();
    }
    match (column.kind, column.names.as_slice()) {
        (_, [Object::Owner]) => "ann.example@example.com",
        (_, [_, ..]) => "id of the record",
        (Kind::Number, _) => "1",
        (Kind::Money, _) => "1250.50",
        (Kind::Percent, _) => "10%",
        (Kind::Date | Kind::Due, _) => "2026-03-31",
        (Kind::Datetime, _) => "2026-03-31 14:30:00",
        (Kind::Time, _) => "14:30",
        (Kind::Email | Kind::Emails, _) => "ann.example@example.com",
        (Kind::Phones, _) => "+1 602 555 0142",
        (Kind::Address, _) => "1 Example Street, Phoenix, AZ 85001",
        _ => "example",
    }
    .to_owned()
}
