//! The discovery as lines for a terminal.

use super::Discovery;
use super::page::words;
use crate::report::page::{counted, number, title_case};

/// Changes and questions that are shown; the page has all of them.
const SHOWN: usize = 12;

/// The lines.
pub(super) fn text(found: &Discovery) -> String {
    let mut text = String::new();
    let name = |table: &str| if table.is_empty() { "·".to_owned() } else { table.to_owned() };
    let wide = found.objects.iter().map(|object| object.table.chars().count()).max().unwrap_or_default().max(5);
    push(&mut text, &format!("{:<14}{:<12}{:<wide$}  {:>9}  {:>8}", "", "read from", "table", "records", "rejected"));
    for object in &found.objects {
        let of_table =
            |table: &&super::TableFound| table.object == Some(object.object) && table.method == object.method;
        let rejected: u64 = found.tables.iter().filter(of_table).map(|table| table.rejected).sum();
        let zero = |count: u64| if count == 0 { "·".to_owned() } else { number(count) };
        let more = if object.is_whole { "" } else { "+" };
        push(
            &mut text,
            &format!(
                "{:<14}{:<12}{:<wide$}  {:>9}  {:>8}",
                title_case(object.object.as_str()),
                words(object.method),
                name(&object.table),
                zero(object.records) + more,
                zero(rejected)
            ),
        );
    }
    links(found, &mut text);
    if let Some(changes) = &found.changes {
        let count = changes.list.len();
        let since = crate::report::page::instant(changes.since);
        match count {
            0 => push(&mut text, &format!("\nNothing is different from the discovery of {since}.")),
            _ => push(&mut text, &format!("\nDifferent from the discovery of {since}:")),
        }
        for change in changes.list.iter().take(SHOWN) {
            push(&mut text, &format!("  {}: {} → {}", change.subject, change.before, change.now));
        }
        rest(&mut text, count, "change", "changes");
    }
    if !found.questions.is_empty() {
        push(&mut text, "\nTo be answered:");
    }
    for question in found.questions.iter().take(SHOWN) {
        let mark = if question.blocks { "!" } else { " " };
        push(&mut text, &format!(" {mark}{}: {} {}", question.about, question.asks, question.answer));
    }
    rest(&mut text, found.questions.len(), "question", "questions");
    text.push('\n');
    for line in &found.did {
        push(&mut text, line);
    }
    text
}

fn links(found: &Discovery, text: &mut String) {
    let doubtful: Vec<&super::LinkFound> =
        found.links.iter().filter(|link| link.missing + link.ambiguous > 0).collect();
    if doubtful.is_empty() {
        return;
    }
    push(text, "\nLinks that do not join:");
    for link in doubtful.iter().take(SHOWN) {
        push(
            text,
            &format!(
                "  {}.{} → {}: {} of {} missing, {} ambiguous",
                link.table,
                link.column,
                link.to.join(", "),
                number(link.missing),
                number(link.filled),
                number(link.ambiguous)
            ),
        );
    }
    rest(text, doubtful.len(), "field", "fields");
}

fn rest(text: &mut String, count: usize, one: &str, many: &str) {
    if let Some(more) = count.checked_sub(SHOWN).filter(|more| *more > 0) {
        push(text, &format!("  and {} on the page", counted(more as u64, one, many)));
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}
