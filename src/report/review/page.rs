//! The page `reports/mapping.html`: each table with its fields, why they go where they go, and what becomes of real values.

use super::sheets::{LIKELY, SURE, percent, percent_of};
use super::{FieldReview, Preview, Review, RulePreview, TableReview, target};
use crate::mapping::proposal::PlacementChoice;
use crate::report::Report;
use crate::report::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, number, title_case};

impl Report for Review {
    fn page(&self) -> Page {
        let mapped: Vec<&TableReview> = self.tables.iter().filter(|table| table.object.is_some()).collect();
        let fields = || mapped.iter().flat_map(|table| &table.fields);
        let count = |is: &dyn Fn(&FieldReview) -> bool| fields().filter(|field| is(field)).count() as u64;
        let migrated = count(&|field| !field.role.is_empty());
        let left = count(&|field| field.target == target::LEAVE);
        let open = count(&|field| field.target.is_empty());
        let unsure = count(&|field| field.confidence.is_some_and(|sure| sure < SURE));
        let losses = count(&|field| !field.losses.is_empty());
        let says = match open {
            0 => format!(
                "{} of {} go into Pipedrive; every column has a place or is left out on purpose.",
                counted(migrated, "field", "fields"),
                counted(mapped.len() as u64, "table", "tables")
            ),
            _ => format!(
                "{} of {} go into Pipedrive; {} without a place: decide about them, so that nothing is lost unnoticed.",
                counted(migrated, "field", "fields"),
                counted(mapped.len() as u64, "table", "tables"),
                counted(open, "column is", "columns are")
            ),
        };
        let mut sections = vec![overview(self)];
        for table in &mapped {
            sections.push(section(table, &self.no_previews));
            sections.extend((!table.rules.rules.is_empty()).then(|| rules(table)));
        }
        Page {
            title: "Mapping".to_owned(),
            says,
            tone: if open + unsure + losses == 0 { Tone::Good } else { Tone::Attention },
            figures: vec![
                Figure::new("Fields", number(migrated)).note("that go into Pipedrive"),
                Figure::zero_is_good("To look at", unsure, Tone::Attention).note("less sure than 90 %"),
                Figure::zero_is_good("With losses", losses, Tone::Attention).note("fields that lose part of a value"),
                Figure::new("Left out", number(left)).note("columns, on purpose"),
                Figure::zero_is_good("To decide", open, Tone::Attention).note("columns without a place"),
            ],
            sections,
        }
    }
}

fn overview(review: &Review) -> Section {
    let row = |table: &TableReview| {
        let open = table.fields.iter().filter(|field| field.target.is_empty()).count() as u64;
        let fields = table.fields.iter().filter(|field| !field.role.is_empty()).count() as u64;
        let looked_at = match (table.rows, table.is_whole) {
            (0, _) => Cell::text("–"),
            (rows, true) => Cell::count(rows),
            (rows, false) => Cell::text(format!("the first {}", number(rows))),
        };
        Row::new(vec![
            Cell::text(&*table.table),
            Cell::words(&table.placement),
            sure(table.confidence),
            looked_at,
            Cell::count(fields),
            Cell::count_toned(open, Tone::Attention),
            Cell::words(&table.reasons.join("; ")),
        ])
    };
    let mut intro =
        "To change something, edit mapping.toml, or reports/mapping.xlsx and give it back with `crossdock map \
        --read`."
            .to_owned();
    if let Some(address) = &review.proposal.shown_to {
        intro.push_str(&format!(
            " Names, types and masked samples of the columns were shown to the language model at {address}."
        ));
    }
    let columns = &["Table", "Each row becomes", "Sure", "Rows looked at", "Fields", "To decide", "Why"];
    Section::new(
        "Tables",
        intro,
        Table::new(columns, review.tables.iter().map(row).collect(), "The mapping has no tables."),
    )
}

fn section(table: &TableReview, no_previews: &str) -> Section {
    let mut intro = format!("Each row becomes {}.", table.placement);
    if !table.alternatives.is_empty() {
        let one =
            |other: &PlacementChoice| format!("{} (\"{}\", {})", other.words, other.placed, percent(other.confidence));
        let others: Vec<String> = table.alternatives.iter().map(one).collect();
        intro.push_str(&format!(" It could also become {}.", others.join(", or ")));
    }
    if !no_previews.is_empty() {
        intro.push_str(&format!(" There are no values to show: {no_previews}."));
    }
    let has = |is: &dyn Fn(&FieldReview) -> bool| table.fields.iter().any(is);
    let (is_judged, is_known) = (has(&|field| field.confidence.is_some()), has(&|field| !field.holds.is_empty()));
    let (is_lossy, is_remarked) = (has(&|field| !field.losses.is_empty()), has(&|field| !field.remark.is_empty()));
    let mut columns = vec!["Source column", "Goes to", "How"];
    // Empty columns would push the values off the page.
    let optional = [
        (is_known, "Holds"),
        (is_judged, "Sure"),
        (is_judged || has(&|field| !field.reasons.is_empty()), "Why"),
        (is_lossy, "Would be lost"),
        (no_previews.is_empty(), "What becomes of real values"),
        (is_remarked, "Remark"),
    ];
    columns.extend(optional.iter().filter(|(is_shown, _)| *is_shown).map(|(_, title)| *title));
    let row = |field: &FieldReview| {
        let goes = if field.target.is_empty() { "nobody decided" } else { &field.target };
        let tone = if field.target.is_empty() { Tone::Attention } else { Tone::Plain };
        let mut cells = vec![
            Cell::text(if field.columns.is_empty() { "–".to_owned() } else { field.columns.join(", ") }),
            Cell::words(goes).tone(tone),
            Cell::text(field.transform.replace('\n', "; ")),
        ];
        let shown = [
            holds(field, table.rows),
            sure(field.confidence),
            Cell::words(&field.reasons.join("; ")),
            Cell::words(&field.losses.join("; ")).tone(if field.losses.is_empty() {
                Tone::Plain
            } else {
                Tone::Attention
            }),
            previews(&field.previews),
            Cell::text(&*field.remark),
        ];
        cells.extend(optional.iter().zip(shown).filter(|((is_shown, _), _)| *is_shown).map(|(_, cell)| cell));
        Row::new(cells)
    };
    let rows = table.fields.iter().map(row).collect();
    let name = format!("mapping-{}", table.table.replace(|letter: char| !letter.is_alphanumeric(), "-"));
    Section::new(
        &title_case(&table.table),
        intro,
        Table::new(&columns, rows, "No fields of its own.").whole(Whole::File(name)),
    )
}

/// What each rule would make of the rows of a few records.
fn rules(table: &TableReview) -> Section {
    let mut columns = vec!["Rule".to_owned()];
    columns.extend(table.rules.parents.iter().cloned());
    let row = |preview: &RulePreview| {
        let cells = preview.gives.iter().map(|gives| Cell::text(&**gives));
        Row::new([Cell::text(&*preview.rule)].into_iter().chain(cells).collect())
    };
    let intro = format!(
        "Now each row becomes {}. What every rule would give on records of this account; in [placement] it is chosen as \
         \"RECORD: RULE\".",
        table.placement
    );
    let rows = table.rules.rules.iter().map(row).collect();
    Section::new(
        &format!("{}: rules to choose from", title_case(&table.table)),
        intro,
        Table::with_columns(columns, rows, "No record has such rows."),
    )
}

fn holds(field: &FieldReview, rows: u64) -> Cell {
    let filled = field.filled.filter(|_| rows > 0).map(|filled| format!("; filled in {}", percent_of(filled, rows)));
    Cell::text(format!("{}{}", field.holds.replace('\n', "; "), filled.unwrap_or_default()))
}

fn sure(confidence: Option<f64>) -> Cell {
    match confidence {
        None => Cell::text("–"),
        // A narrow column breaks at no other space.
        Some(sure) => Cell::text(percent(sure).replace(' ', "\u{a0}")).tone(match sure {
            sure if sure >= SURE => Tone::Good,
            sure if sure >= LIKELY => Tone::Attention,
            _ => Tone::Bad,
        }),
    }
}

fn previews(previews: &[Preview]) -> Cell {
    let one = |preview: &Preview| {
        let after = if preview.after.is_empty() { "nothing" } else { &preview.after };
        let notes = if preview.notes.is_empty() { String::new() } else { format!(" ({})", preview.notes.join("; ")) };
        format!("{} → {after}{notes}", preview.before)
    };
    Cell::words(&previews.iter().map(one).collect::<Vec<_>>().join("  ·  "))
}
