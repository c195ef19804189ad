//! What only people can answer.

use super::Rules;
use crate::config::extraction::Method;
use crate::report::discovery::{Discovery, Question};
use crate::report::page::{counted, number};
use crate::source::probe::ZONE_UNKNOWN;

/// Columns, links and rows that are asked about one by one; more of them are asked about together.
const EACH_MAX: usize = 40;

/// The questions, what blocks first.
pub(super) fn questions(
    found: &Discovery,
    rules: &Rules,
    unread: &[(String, String)],
    (other_lists, hidden): (&[String], &[Question]),
) -> Vec<Question> {
    let mut questions = Vec::new();
    for (what, why) in unread {
        push(
            &mut questions,
            what,
            format!("It could not be read: {why}."),
            "Mend it and run crossdock discover again.",
            true,
        );
    }
    if let Some(profile) = found.profile.as_ref().filter(|profile| profile.is_edited) {
        let asks = format!(
            "It was edited, so it stays as it is. What was found now differs: {}.",
            profile.differences.join("; ")
        );
        push(
            &mut questions,
            "source.toml",
            asks,
            "Compare it with source.found.toml, and take over what is right.",
            false,
        );
    }
    if !other_lists.is_empty() {
        let asks = format!(
            "Its lists {} are no kind of record that is migrated. Does anybody need them?",
            other_lists.join(", ")
        );
        push(&mut questions, "the API", asks, "Export them, and map them as tables.", false);
    }
    questions.extend_from_slice(hidden);
    of_mapping(found, rules, &mut questions);
    of_zone(found, &mut questions);
    of_tables(found, &mut questions);
    of_days(found, &mut questions);
    of_links(found, &mut questions);
    of_books(found, &mut questions);
    if !found.inventory.is_answered {
        push(
            &mut questions,
            "automations, task rules, integrations",
            "What works on the records today? It is built again in Pipedrive, not migrated.".to_owned(),
            "Fill in workbooks/inventory.xlsx.",
            false,
        );
    }
    questions.sort_by_key(|question| !question.blocks);
    questions
}

fn push(questions: &mut Vec<Question>, about: &str, asks: String, answer: &str, blocks: bool) {
    questions.push(Question { about: about.to_owned(), asks, answer: answer.to_owned(), blocks });
}

fn of_mapping(found: &Discovery, rules: &Rules, questions: &mut Vec<Question>) {
    if !rules.wrong.is_empty() {
        push(
            questions,
            "mapping.toml",
            format!("It cannot be used: {}.", rules.wrong),
            "crossdock map --check names every mistake.",
            true,
        );
    }
    let unmapped: Vec<&str> = found
        .objects
        .iter()
        .filter(|object| object.records > 0 && (!rules.is_own || rules.mapping.object(object.object).is_none()))
        .map(|object| object.table.as_str())
        .collect();
    if !unmapped.is_empty() {
        let asks = format!("It does not say yet what becomes of {}.", unmapped.join(", "));
        push(questions, "mapping.toml", asks, "crossdock map --propose proposes it; review every line.", true);
    }
    let not_known: Vec<&str> = found
        .tables
        .iter()
        .filter(|table| table.object.is_none() && table.rows > 0)
        .map(|table| table.name.as_str())
        .collect();
    if !not_known.is_empty() {
        let asks = format!("What do they hold? Nothing of {} is migrated as it stands.", not_known.join(", "));
        push(questions, "tables", asks, "Map them, or leave them.", false);
    }
}

fn of_zone(found: &Discovery, questions: &mut Vec<Question>) {
    let is_open = |risks: &[String]| risks.iter().any(|risk| risk == ZONE_UNKNOWN);
    let lists = found.objects.iter().filter(|object| object.method == Method::Api && is_open(&object.risks)).count();
    if lists == 0 {
        return;
    }
    let whose = counted(lists as u64, "list that writes times", "lists that write times");
    let asks = format!(
        "Which time zone are its times in? It has {whose} without a zone, and the account does not say which one is meant. \
         UTC is assumed; if that is wrong, every time is off by the same hours, and some days by one."
    );
    push(
        questions,
        "the API",
        asks,
        "Write zone = \"America/New_York\" at the head of source.toml, or as it is.",
        false,
    );
}

fn of_tables(found: &Discovery, questions: &mut Vec<Question>) {
    for table in &found.tables {
        if table.object.is_some() && table.key.is_empty() && table.parsed > 0 {
            let asks = "No column holds a value of its own for each row, so records cannot be told apart.".to_owned();
            push(questions, &table.name, asks, "Export it again with all columns and the id.", true);
        }
        if table.rejected > 0 {
            let first = table.rejected_rows.first().map(|row| row.reason.clone()).unwrap_or_default();
            let rows = counted(table.rejected, "row is no record", "rows are no records");
            let answer = if table.method == Method::Workbook {
                "Mend the cells that are named, save, and run crossdock discover again."
            } else {
                "Export it again, or let them go; each stands in the list of rejected rows."
            };
            push(questions, &table.name, format!("{rows}; the first: {first}."), answer, false);
        }
        for object in
            found.objects.iter().filter(|object| Some(object.object) == table.object && object.method == table.method)
        {
            for risk in object.risks.iter().filter(|risk| risk.starts_with("exactly")) {
                push(
                    questions,
                    &table.name,
                    format!("Is it whole? It has {risk}."),
                    "Compare with the count that the source shows.",
                    false,
                );
            }
        }
    }
}

fn of_days(found: &Discovery, questions: &mut Vec<Question>) {
    for table in &found.tables {
        for column in &table.columns {
            let Some(days) = column.days.as_ref().filter(|days| days.settled.starts_with("not settled")) else {
                continue;
            };
            let asks = format!(
                "Is 03/04/2024 the fourth of March or the third of April? {} of its values may be read either way; {}.",
                number(days.ambiguous),
                days.settled
            );
            let answer = "Give its field in mapping.toml format = \"%m/%d/%Y\" or format = \"%d/%m/%Y\", or set day_order for all.";
            push(questions, &format!("{}.{}", table.name, column.name), asks, answer, false);
        }
    }
}

fn of_links(found: &Discovery, questions: &mut Vec<Question>) {
    for link in found.links.iter().take(EACH_MAX) {
        let place = format!("{}.{}", link.table, link.column);
        let to = link.to.join(", ");
        if link.ambiguous > 0 {
            let asks = format!(
                "{} of its values are the name or address of several records of {to}. Which ones are meant?",
                number(link.ambiguous)
            );
            push(questions, &place, asks, "Export it again with the ids, or make the names different.", false);
        }
        if link.missing * 10 > link.filled {
            let asks = format!("{} of {} values are nothing that {to} has.", number(link.missing), number(link.filled));
            push(questions, &place, asks, "Is the export of the other table whole?", false);
        }
    }
}

fn of_books(found: &Discovery, questions: &mut Vec<Question>) {
    let empty: Vec<String> = found
        .objects
        .iter()
        .filter(|object| object.method == Method::Workbook && object.records == 0)
        .map(|object| format!("{}s", object.object))
        .collect();
    if !empty.is_empty() {
        let asks = format!("Nothing delivers {}. Are there any?", empty.join(", "));
        push(
            questions,
            "workbooks",
            asks,
            "Fill in the workbooks in the folder workbooks, or leave them as they are.",
            false,
        );
    }
}
