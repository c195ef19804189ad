//! The discovery as a page.

use super::{Days, Discovery, Sort, TableFound};
use crate::config::extraction::Method;
use crate::report::Report;
use crate::report::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, instant, number, title_case};

const SCOPE: &str =
    "How each kind of record will be read. To decide otherwise, say so under [source.from] in migration.toml.";
const TABLES: &str = "Rows in are rows read and rows rejected; what is rejected is never loaded in part.";
const LINKS: &str =
    "Names are not unique: where several records have one, none is chosen, and the record waits for an answer.";
const SAMPLES: &str = "Letters and digits of the samples are masked, so that this page may be passed on.";
const REBUILD: &str = "Nothing of this is migrated: it is built again in Pipedrive by hand.";

/// What the discovery says in one sentence.
pub(super) fn says(found: &Discovery) -> String {
    let delivered = found.objects.iter().filter(|object| object.records > 0).count() as u64;
    let records: u64 = found.objects.iter().map(|object| object.records).sum();
    let mut says = format!(
        "{} in {}",
        counted(records, "record", "records"),
        counted(delivered, "kind of record", "kinds of record")
    );
    let waiting =
        found.objects.iter().filter(|object| object.method == Method::Workbook && object.records == 0).count();
    if waiting > 0 {
        says.push_str(&format!(", {} to be filled in", counted(waiting as u64, "workbook", "workbooks")));
    }
    match found.questions.len() {
        0 => says.push_str("; nothing is left to ask."),
        count => says.push_str(&format!("; {} to answer.", counted(count as u64, "question", "questions"))),
    }
    says
}

impl Report for Discovery {
    fn page(&self) -> Page {
        let blocks = self.questions.iter().any(|question| question.blocks);
        let tone = match (blocks, self.spoilt(), self.questions.is_empty()) {
            (true, _, _) => Tone::Bad,
            (false, 0, true) => Tone::Good,
            (false, _, _) => Tone::Attention,
        };
        let rows: u64 = self.tables.iter().map(|table| table.rows).sum();
        let rejected: u64 = self.tables.iter().map(|table| table.rejected).sum();
        let missing: u64 = self.links.iter().map(|link| link.missing).sum();
        let ambiguous: u64 = self.links.iter().map(|link| link.ambiguous).sum();
        let mut sections = vec![scope(self)];
        sections.extend(changes(self));
        sections.extend([questions(self), tables(self), rejected_rows(self), columns(self), links(self)]);
        sections.extend([fields(self), inventory(self), files(self), did(self)]);
        sections.extend(asked(self));
        let mut figures = vec![
            Figure::new("Tables", number(self.tables.len() as u64)),
            Figure::new("Rows", number(rows)),
            Figure::zero_is_good("Rejected rows", rejected, Tone::Attention),
            Figure::zero_is_good("Links to nothing", missing, Tone::Attention),
            Figure::zero_is_good("Ambiguous links", ambiguous, Tone::Attention),
            Figure::zero_is_good("Questions", self.questions.len() as u64, Tone::Attention),
        ];
        if self.requests > 0 {
            figures.push(Figure::new("Requests", number(self.requests)).note("to the source, all of them reads"));
        }
        Page { title: "Discovery".to_owned(), says: self.says(), tone, figures, sections }
    }
}

fn lines(texts: &[String]) -> Cell {
    let text = texts.join("; ");
    let mut letters = text.chars();
    let sentence: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    Cell::words(&sentence)
}

fn scope(found: &Discovery) -> Section {
    let row = |object: &super::ObjectFound| {
        let tone = match object.method {
            Method::Workbook if object.records == 0 => Tone::Attention,
            Method::None => Tone::Attention,
            _ => Tone::Plain,
        };
        let records =
            if object.is_whole { number(object.records) } else { format!("{} or more", number(object.records)) };
        Row::new(vec![
            Cell::text(title_case(object.object.as_str())),
            Cell { shown: records, ..Cell::count(object.records) },
            Cell::text(words(object.method)).tone(tone),
            Cell::text(object.table.as_str()),
            lines(&object.reasons),
            lines(&object.risks),
        ])
    };
    let rows = found.objects.iter().map(row).collect();
    let columns = ["Kind of record", "Records", "Read from", "Table", "Why", "What may go wrong"];
    Section::new("Scope", SCOPE, Table::new(&columns, rows, "The source holds nothing that is known."))
}

/// A method in words.
pub(super) fn words(method: Method) -> &'static str {
    match method {
        Method::Api => "the API",
        Method::Csv => "files",
        Method::Workbook => "a workbook",
        Method::None => "nothing",
    }
}

fn changes(found: &Discovery) -> Option<Section> {
    let changes = found.changes.as_ref()?;
    let row = |change: &super::Change| {
        Row::new(vec![
            Cell::text(change.subject.as_str()),
            Cell::text(change.before.as_str()),
            Cell::text(change.now.as_str()),
        ])
    };
    let intro = format!("Compared with the discovery of {}.", instant(changes.since));
    let table = Table::new(&["What", "Before", "Now"], changes.list.iter().map(row).collect(), "Nothing is different.");
    Some(Section::new("What is different", intro, table.whole(Whole::File("discovery-changes".to_owned()))))
}

fn questions(found: &Discovery) -> Section {
    let row = |question: &super::Question| {
        let tone = if question.blocks { Tone::Bad } else { Tone::Plain };
        Row::new(vec![
            Cell::text(question.about.as_str()).tone(tone),
            Cell::words(&question.asks),
            Cell::words(&question.answer),
        ])
    };
    let rows = found.questions.iter().map(row).collect();
    let intro = "What the source does not say of itself. In red what the migration cannot go on without.";
    Section::new("Open questions", intro, Table::new(&["About", "Question", "How to answer"], rows, "None."))
}

fn tables(found: &Discovery) -> Section {
    let mut rows = Vec::new();
    for table in &found.tables {
        let becomes = table.object.map_or("not migrated".to_owned(), |object| title_case(object.as_str()));
        let rejected = |count: u64| Cell::count_toned(count, Tone::Attention);
        if table.files.is_empty() {
            let whole = if table.is_whole { "" } else { "the first rows" };
            rows.push(Row::new(vec![
                Cell::text(table.name.as_str()),
                Cell::text(words(table.method)),
                Cell::text(becomes.as_str()),
                Cell::count(table.rows),
                Cell::count(table.parsed),
                rejected(table.rejected),
                Cell::text(whole),
            ]));
        }
        for file in &table.files {
            let above = match file.rows_above {
                0 => String::new(),
                count => format!(", {} above the header", counted(count, "row", "rows")),
            };
            rows.push(Row::new(vec![
                Cell::text(table.name.as_str()),
                Cell::text(file.name.as_str()),
                Cell::text(becomes.as_str()),
                Cell::count(file.rows),
                Cell::count(file.parsed),
                rejected(file.rejected),
                Cell::text(format!("{}, {}{above}", file.encoding, file.delimiter)),
            ]));
        }
    }
    let columns = ["Table", "Where", "Becomes", "Rows in", "Read", "Rejected", "Written as"];
    Section::new("Tables and files", TABLES, Table::new(&columns, rows, "None."))
}

fn rejected_rows(found: &Discovery) -> Section {
    let maybe = |value: Option<u64>| Cell::maybe(value, "");
    let rows = found.tables.iter().flat_map(|table| &table.rejected_rows).map(|row| {
        Row::new(vec![
            Cell::text(row.file.as_str()),
            Cell::count(row.row),
            maybe(row.line),
            maybe(row.byte),
            Cell::text(row.reason.as_str()),
        ])
    });
    let intro = format!("The first {} of each table.", super::REJECTED_SHOWN);
    let table = Table::new(&["File", "Row", "Line", "Byte", "Why it is no record"], rows.collect(), "None.");
    Section::new("Rejected rows", intro, table.whole(Whole::File("discovery-rejected".to_owned())))
}

fn columns(found: &Discovery) -> Section {
    let mut rows = Vec::new();
    for table in &found.tables {
        rows.extend(table.columns.iter().map(|column| column_row(table, column)));
    }
    let columns = ["Table", "Field", "Holds", "Filled", "Share", "Different", "Samples", "Order of days"];
    let table = Table::new(&columns, rows, "None.");
    Section::new("Fields", SAMPLES, table.whole(Whole::File("discovery-fields".to_owned())))
}

fn column_row(table: &TableFound, column: &super::ColumnFound) -> Row {
    let distinct =
        if column.has_more { format!("{} or more", number(column.distinct)) } else { number(column.distinct) };
    let is_open = |days: &Days| days.settled.starts_with("not settled");
    let days = column.days.as_ref().map_or_else(
        || Cell::text(""),
        |days| {
            let tone = if is_open(days) { Tone::Attention } else { Tone::Plain };
            Cell::words(&days_words(days)).tone(tone)
        },
    );
    let fill = Cell { shown: format!("{} %", table.fill(column)), ..Cell::count(table.fill(column)) };
    Row::new(vec![
        Cell::text(table.name.as_str()),
        Cell::text(column.name.as_str()),
        Cell::text(column.holds.as_str()),
        Cell::count(column.filled),
        fill,
        Cell { shown: distinct, ..Cell::count(column.distinct) },
        Cell::text(column.samples.join(" · ")),
        days,
    ])
}

/// What is known of the order of days, in words.
fn days_words(days: &Days) -> String {
    format!("{} may be read two ways; {}", number(days.ambiguous), days.settled)
}

fn links(found: &Discovery) -> Section {
    let row = |link: &super::LinkFound| {
        Row::new(vec![
            Cell::text(format!("{}.{}", link.table, link.column)),
            Cell::text(link.to.join(", ")),
            Cell::count(link.filled),
            Cell::count(link.by_id),
            Cell::count(link.by_email),
            Cell::count(link.by_name),
            Cell::count(link.by_folded_name),
            Cell::count_toned(link.ambiguous, Tone::Attention),
            Cell::count_toned(link.missing, Tone::Attention),
        ])
    };
    let columns = [
        "Field",
        "Names records of",
        "Filled",
        "By id",
        "By e-mail",
        "By name",
        "By name, cleaned",
        "Ambiguous",
        "Missing",
    ];
    let rows = found.links.iter().map(row).collect();
    Section::new("Relationships", LINKS, Table::new(&columns, rows, "No field names records of another table."))
}

fn fields(found: &Discovery) -> Section {
    let row = |field: &super::FieldToMake| {
        Row::new(vec![
            Cell::text(title_case(field.entity.as_str())),
            Cell::text(field.name.as_str()),
            Cell::text(field.field_type.as_str()),
            Cell::words(&field.why),
            Cell::text(field.sample.as_str()),
        ])
    };
    let columns = ["Of", "Field", "Type", "Why", "Sample"];
    let table = Table::new(&columns, found.fields.iter().map(row).collect(), "None.");
    let intro = format!("{} Crossdock makes them itself once the plan is approved.", found.fields_from);
    Section::new(
        "Custom fields to be made in Pipedrive",
        intro,
        table.whole(Whole::File("discovery-custom-fields".to_owned())),
    )
}

fn inventory(found: &Discovery) -> Section {
    let mut rows = Vec::new();
    for sort in Sort::ALL {
        for entry in found.inventory.entries.iter().filter(|entry| entry.sort == *sort) {
            rows.push(Row::new(vec![
                Cell::text(title_case(sort.as_str())),
                Cell::text(entry.name.as_str()),
                Cell::text(entry.does.as_str()),
                Cell::text(entry.state.as_str()),
                Cell::words(&entry.rebuild),
            ]));
        }
    }
    let columns = ["What", "Name", "What it does", "On", "In Pipedrive"];
    let empty = if found.inventory.is_answered { "There is none." } else { "Not answered yet." };
    let intro = format!("{} {REBUILD}", found.inventory.known);
    Section::new("Automations, task rules and integrations", intro, Table::new(&columns, rows, empty))
}

fn files(found: &Discovery) -> Section {
    let row = |files: &super::FilesFound| {
        Row::new(vec![
            Cell::text(files.place.as_str()),
            Cell::count(files.count),
            Cell::words(&files.method),
            Cell::words(&files.reason),
            Cell::words(&files.risk),
        ])
    };
    let rows = found.files.iter().map(row).collect();
    let empty = "No field names files. What people uploaded is not part of exports; ask the vendor for it.";
    let intro =
        "Crossdock moves no files itself yet; addresses of files are kept in the fields that the mapping names.";
    Section::new(
        "Files",
        intro,
        Table::new(&["Where", "Files named", "How they come over", "Why", "Risk"], rows, empty),
    )
}

/// Every request of the probe.
fn asked(found: &Discovery) -> Option<Section> {
    let row = |asked: &super::Asked| {
        Row::new(vec![
            Cell::count(asked.number),
            Cell::text(asked.stage.as_str()),
            Cell::text(asked.request.as_str()),
            Cell::maybe(asked.status.map(u64::from), "none"),
            Cell::text(asked.purpose.as_str()),
        ])
    };
    let rows: Vec<Row> = found.asked.iter().map(row).collect();
    let table = Table::new(&["", "Finds out", "Request", "Status", "Why"], rows, "None.");
    let intro = "One after the other, and none that could change anything. Secrets are left out.";
    let table = table.whole(Whole::File("discovery-requests".to_owned()));
    (!found.asked.is_empty()).then(|| Section::new("Requests of the probe", intro, table))
}

fn did(found: &Discovery) -> Section {
    let rows = found.did.iter().map(|line| Row::new(vec![Cell::words(line)])).collect();
    Section::new("What was done", "Discovery only reads.", Table::new(&["Step"], rows, "Nothing."))
}
