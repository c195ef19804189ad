//! Automations, task rules and integrations: read from the source where it lists them, otherwise from a questionnaire that
//! the customer fills in. None of it is migrated; each gets what to build in Pipedrive instead.

use std::path::Path;

use serde_json::Value;

use super::look::Seen;
use crate::error::Result;
use crate::mapping::column::Payload;
use crate::report::discovery::{Entry, Inventory, Sort};
use crate::report::workbook::template::{self, Form, FormColumn, Template};
use crate::report::workbook::{Line, place, read};
use crate::source::workbook::EXAMPLE;

/// The questionnaire in the folder of workbooks.
pub(super) const FILE: &str = "inventory.xlsx";

/// Entries of one table that are taken in.
const ENTRIES_MAX: usize = 2_000;

/// A column: its heading, what is asked, and an example.
type Question = (&'static str, &'static str, &'static str);

/// The sheets of the questionnaire.
const SHEETS: &[(Sort, &str, &[Question])] = &[
    (
        Sort::Automation,
        "Automations",
        &[
            ("Name", "What it is called", "Won deal thanks"),
            ("Starts when", "What starts it", "a project is completed"),
            ("Only if", "Conditions, if there are any", "value above 1,000"),
            ("Does", "What it does then", "sends the e-mail \"Thank you\""),
            ("On", "yes or no", "yes"),
        ],
    ),
    (
        Sort::TaskRule,
        "Task rules",
        &[
            ("Name", "What it is called", "Proof follow-up"),
            ("Starts when", "The stage that brings the task", "stage Proof sent"),
            ("Only if", "Conditions, if there are any", ""),
            (
                "Does",
                "The task, who gets it and when it is due",
                "task \"Ask about the proof\" for the owner, due in 2 days",
            ),
            ("On", "yes or no", "yes"),
        ],
    ),
    (
        Sort::Integration,
        "Integrations",
        &[
            ("Name", "The other program", "QuickBooks Online"),
            ("Starts when", "Which way data goes", "invoices come in"),
            ("Only if", "The account it is connected to; no passwords", "main company"),
            ("Does", "What it is used for", "paid invoices complete the project"),
            ("On", "yes or no", "yes"),
        ],
    ),
    (
        Sort::Report,
        "Reports",
        &[
            ("Name", "What it is called", "Pipeline by rep"),
            ("Starts when", "Who looks at it, and how often", "sales manager, weekly"),
            ("Only if", "Its filters", "open projects"),
            ("Does", "What it shows", "value by stage and owner"),
            ("On", "yes or no", "yes"),
        ],
    ),
    (
        Sort::Template,
        "E-mail templates",
        &[
            ("Name", "What it is called", "Thank you"),
            ("Starts when", "When it is used", "after delivery"),
            ("Only if", "For whom", "all clients"),
            ("Does", "Its text, or where it can be found", "Thank you for your order …"),
            ("On", "yes or no", "yes"),
        ],
    ),
];

/// What tables of the source, or the questionnaire, say. A missing questionnaire is written.
///
/// # Errors
/// Those of reading or writing the questionnaire.
pub(super) fn inventory(folder: &Path, seen: &mut [Seen]) -> Result<Inventory> {
    let mut entries = Vec::new();
    let mut tables = Vec::new();
    for table in seen.iter_mut() {
        let Some(sort) = sort_of(&table.name) else { continue };
        tables.push(table.name.clone());
        for row in table.spool.rows()?.take(ENTRIES_MAX) {
            entries.extend(entry(sort, &row?, &table.name));
        }
    }
    let path = folder.join(FILE);
    let is_there = path.exists();
    let asked = if is_there { questionnaire(&path)? } else { Vec::new() };
    if !is_there && tables.is_empty() {
        template::write(&path, &form())?;
    }
    let has_answer = !asked.is_empty();
    entries.extend(asked);
    let known = match (tables.is_empty(), has_answer) {
        (false, false) => format!("Read from {}.", tables.join(", ")),
        (false, true) => format!("Read from {} and from workbooks/{FILE}.", tables.join(", ")),
        (true, true) => format!("As workbooks/{FILE} was filled in."),
        (true, false) => format!("The source does not list them; workbooks/{FILE} asks for them."),
    };
    Ok(Inventory { known, is_answered: has_answer || !tables.is_empty(), entries })
}

/// Tables whose names say that they hold no records but what works on them.
fn sort_of(name: &str) -> Option<Sort> {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match () {
        () if has(&["task_rule", "task rule", "taskrule"]) => Some(Sort::TaskRule),
        () if has(&["automation", "workflow"]) => Some(Sort::Automation),
        () if has(&["integration", "connected_app", "webhook"]) => Some(Sort::Integration),
        () if has(&["dashboard"]) || name == "reports" => Some(Sort::Report),
        () if has(&["email_template", "email template", "mail_template"]) => Some(Sort::Template),
        () => None,
    }
}

fn entry(sort: Sort, row: &Payload, table: &str) -> Option<Entry> {
    let text = |names: &[&str]| {
        let found = row.iter().find(|(name, _)| names.contains(&name.to_lowercase().as_str()));
        found.map(|(_, value)| words(value)).filter(|text| !text.is_empty())
    };
    let name = text(&["name", "title", "label", "rule"])?;
    let parts = [
        text(&["trigger", "event", "when", "stage"]),
        text(&["condition", "conditions", "filter"]),
        text(&["action", "actions", "does", "task", "description", "subject"]),
    ];
    let does = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let state = text(&["active", "enabled", "status", "connected", "on"]).unwrap_or_default();
    let rebuild = rebuild(sort, &name, &does);
    Some(Entry { sort, name, does, state, rebuild, place: table.to_owned() })
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

fn questionnaire(path: &Path) -> Result<Vec<Entry>> {
    let book = read::read(path)?;
    let mut entries = Vec::new();
    for (sort, name, columns) in SHEETS {
        let Some(sheet) = book.sheet(name) else { continue };
        let titles: Vec<&str> = columns.iter().map(|(title, _, _)| *title).collect();
        let Some((header, at)) = sheet.header(&titles) else { continue };
        for row in sheet.rows().into_iter().filter(|row| *row > header) {
            let cells: Vec<&str> = at.iter().map(|column| sheet.text(row, *column)).collect();
            let [called, starts, only, does, on] = cells.as_slice() else { continue };
            if called.is_empty() || called.to_uppercase().starts_with(EXAMPLE) {
                continue;
            }
            let does: Vec<&str> = [*starts, *only, *does].into_iter().filter(|text| !text.is_empty()).collect();
            let does = does.join("; ");
            entries.push(Entry {
                sort: *sort,
                name: (*called).to_owned(),
                rebuild: rebuild(*sort, called, &does),
                does,
                state: (*on).to_owned(),
                place: format!("{FILE}, sheet {name}, cell {}", place(row, at.first().copied().unwrap_or_default())),
            });
        }
    }
    Ok(entries)
}

fn form() -> Template {
    let column = |(title, help, _): &(&str, &str, &str)| FormColumn {
        title: (*title).to_owned(),
        help: (*help).to_owned(),
        choices: if *title == "On" { vec!["yes".to_owned(), "no".to_owned()] } else { Vec::new() },
        is_required: *title == "Name",
        ..FormColumn::default()
    };
    let form = |(_, name, columns): &(Sort, &str, &[(&str, &str, &str)])| {
        let mut example: Vec<String> = columns.iter().map(|(_, _, example)| (*example).to_owned()).collect();
        if let Some(first) = example.first_mut() {
            *first = format!("{EXAMPLE}: {first}");
        }
        Form { name: (*name).to_owned(), columns: columns.iter().map(column).collect(), rows: vec![example] }
    };
    let about = vec![
        Line::heading("What works on your records today"),
        Line::text(
            "None of this can be read from the source, and none of it is migrated: it is built again in Pipedrive. List it here, \
             one row for each, and run crossdock discover again; the report then says what to build.",
        ),
        Line::text(format!(
            "The grey row of each sheet shows how; a row whose name begins with {EXAMPLE} is never read. Never type a password \
             or a key."
        )),
    ];
    Template { about, forms: SHEETS.iter().map(form).collect() }
}

/// What to build in Pipedrive: by what starts it and what it does, as far as the words tell.
fn rebuild(sort: Sort, name: &str, does: &str) -> String {
    let text = format!("{name} {does}").to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match sort {
        Sort::TaskRule => {
            "An automation: when a deal's stage changes to this one, create an activity with a due date for the deal's owner"
                .to_owned()
        }
        Sort::Automation => {
            let trigger = match () {
                () if has(&["stage"]) => "deal updated, its stage changed",
                () if has(&["complete", "won"]) => "deal updated, its status became won",
                () if has(&["cancel", "lost"]) => "deal updated, its status became lost",
                () if has(&["lead"]) => "lead created or updated",
                () if has(&["task", "activity", "overdue"]) => "activity created or updated",
                () if has(&["date", "day", "before", "after", "weekly"]) => "a date trigger on the deal's date field",
                () if has(&["client", "contact", "company"]) => "person or organization created or updated",
                () => "deal created or updated",
            };
            let action = match () {
                () if has(&["mail"]) => "send an e-mail from a template",
                () if has(&["task", "activity", "follow"]) => "create an activity",
                () if has(&["assign", "owner"]) => "change the owner",
                () if has(&["webhook", "api", "slack"]) => "send a webhook or a message to the connected app",
                () if has(&["note"]) => "create a note",
                () => "update the deal",
            };
            format!("An automation: {trigger}; then {action}")
        }
        Sort::Integration => {
            "Look for it in Pipedrive's Marketplace; where there is no app, connect it through webhooks and the API. Connect it \
             only after the cutover"
                .to_owned()
        }
        Sort::Report => {
            "A report in Insights on deals, activities or leads, put on a dashboard; it needs the custom fields listed above"
                .to_owned()
        }
        Sort::Template => "An e-mail template in Pipedrive's mail settings; placeholders have to be chosen anew".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_questionnaire_reads_back_without_its_examples() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = inventory(folder.path(), &mut []).expect("written");
        assert!(!first.is_answered && first.entries.is_empty() && first.known.contains("asks for them"), "{first:?}");
        let again = inventory(folder.path(), &mut []).expect("read");
        assert_eq!(again, first, "examples are no answers");
    }

    #[test]
    fn what_is_built_again_follows_from_the_words() {
        let check = |sort, does: &str, expected: &str| assert_eq!(rebuild(sort, "x", does), expected);
        check(
            Sort::Automation,
            "stage becomes Proof; send the e-mail Proof",
            "An automation: deal updated, its stage changed; then send an e-mail from a template",
        );
        check(
            Sort::Automation,
            "project is completed; assign to service",
            "An automation: deal updated, its status became won; then change the owner",
        );
        assert_eq!(sort_of("Task Rules"), Some(Sort::TaskRule));
        assert_eq!(sort_of("tasks"), None);
    }
}
