//! A page for people: title, what it says in one sentence, figures, then tables. One template shows them all.

use std::borrow::Cow;
use std::path::Path;

use askama::Template;
use jiff::Timestamp;
use jiff::fmt::strtime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::data::DataFile;
use super::tally::{Example, Tally, cut};
use crate::error::Result;

/// Rows of a table that a page shows.
pub const ROWS_MAX: usize = 200;

/// Longer words may be broken anywhere, so that one value does not push a table off the page.
const WORD_CHARS_MAX: usize = 40;

/// How something looks: said in words and shown by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// All well.
    Good,
    /// Neither.
    #[default]
    Plain,
    /// Somebody should look or decide.
    Attention,
    /// Something is wrong.
    Bad,
}

impl Tone {
    /// The name of its style.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Plain => "plain",
            Tone::Attention => "attention",
            Tone::Bad => "bad",
        }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// What it says, in one sentence.
    pub says: String,
    /// How that looks.
    pub tone: Tone,
    /// The figures above everything else, few.
    pub figures: Vec<Figure>,
    /// The rest, in order.
    pub sections: Vec<Section>,
}

/// One large number with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What it counts.
    pub label: String,
    /// The number as shown.
    pub value: String,
    /// What else must be known about it; may be empty.
    pub note: String,
    /// How it looks.
    pub tone: Tone,
}

impl Figure {
    /// A figure without a note.
    #[must_use]
    pub fn new(label: &str, value: impl Into<String>) -> Self {
        Self { label: label.to_owned(), value: value.into(), note: String::new(), tone: Tone::Plain }
    }

    /// Adds a note.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Sets how it looks.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// A count that is well when it is zero, and otherwise looks as told.
    #[must_use]
    pub fn zero_is_good(label: &str, value: u64, otherwise: Tone) -> Self {
        Self::new(label, number(value)).tone(if value == 0 { Tone::Good } else { otherwise })
    }
}

/// A heading with a table under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// What the reader must know first; may be empty.
    pub intro: String,
    /// A picture above the table: SVG of our own making, put on the page as it is.
    pub chart: Option<String>,
    /// The table.
    pub table: Table,
}

impl Section {
    /// A section.
    #[must_use]
    pub fn new(title: &str, intro: impl Into<String>, table: Table) -> Self {
        Self { title: title.to_owned(), intro: intro.into(), chart: None, table }
    }

    /// Puts a picture above the table.
    #[must_use]
    pub fn chart(self, svg: Option<String>) -> Self {
        Self { chart: svg, ..self }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<Cow<'static, str>>,
    /// The rows; the page shows the first [`ROWS_MAX`].
    pub rows: Vec<Row>,
    /// Said instead of a table without rows.
    pub empty: &'static str,
    /// Where the whole of it is.
    pub whole: Whole,
}

/// Where the whole of a table is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Whole {
    /// On the page. For tables that are short by their nature.
    #[default]
    Page,
    /// In this file of `reports/data/`, which is written with the page. The name is without its ending.
    File(String),
    /// In this file of `reports/data/`, which was written while the report was built.
    Streamed(String),
    /// In this file of `reports/data/`, in more detail, as this table.
    Detailed(String, Box<Table>),
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its cells, one for each column.
    pub cells: Vec<Cell>,
    /// Examples of what it counts.
    pub examples: Vec<Example>,
    /// Whether it sums up the rows above it.
    pub total: bool,
}

impl Row {
    /// A row without examples.
    #[must_use]
    pub fn new(cells: Vec<Cell>) -> Self {
        Self { cells, examples: Vec::new(), total: false }
    }

    /// A row that sums up those above it.
    #[must_use]
    pub fn total(cells: Vec<Cell>) -> Self {
        Self { total: true, ..Self::new(cells) }
    }

    /// Adds examples.
    #[must_use]
    pub fn examples(self, examples: &[Example]) -> Self {
        Self { examples: examples.to_vec(), ..self }
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// As the page shows it.
    pub shown: String,
    /// As a file keeps it: whole, digits without separators.
    pub plain: String,
    /// Whether it is a number, which stands at the right.
    pub numeric: bool,
    /// How it looks.
    pub tone: Tone,
}

impl Cell {
    /// Text; the page shows the beginning of very long ones.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let plain = text.into();
        Self { shown: cut(&plain), plain, numeric: false, tone: Tone::Plain }
    }

    /// Our own words, shown whole.
    #[must_use]
    pub fn words(words: &str) -> Self {
        Self { shown: words.to_owned(), ..Self::text(words) }
    }

    /// A count.
    #[must_use]
    pub fn count(value: u64) -> Self {
        Self { shown: number(value), plain: value.to_string(), numeric: true, tone: Tone::Plain }
    }

    /// A count where 0 is quiet and anything else looks as told.
    #[must_use]
    pub fn count_toned(value: u64, otherwise: Tone) -> Self {
        if value == 0 { Self::count(0) } else { Self::count(value).tone(otherwise) }
    }

    /// An amount of money, with its cents.
    #[must_use]
    pub fn amount(mut value: Decimal) -> Self {
        // 815,486.40, not 815,486.4.
        value.rescale(value.scale().max(2));
        Self::decimal(value)
    }

    /// An exact decimal.
    #[must_use]
    pub fn decimal(value: Decimal) -> Self {
        Self { shown: decimal(value), plain: value.to_string(), numeric: true, tone: Tone::Plain }
    }

    /// Something known or not; `unknown` is shown when it is not.
    #[must_use]
    pub fn maybe(value: Option<u64>, unknown: &str) -> Self {
        match value {
            Some(value) => Self::count(value),
            None => Self { numeric: true, ..Self::text(unknown) },
        }
    }

    /// Yes, which is well, or no, which is not.
    #[must_use]
    pub fn verdict(good: bool) -> Self {
        let (text, tone) = if good { ("yes", Tone::Good) } else { ("no", Tone::Bad) };
        Self::text(text).tone(tone)
    }

    /// Sets how it looks.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// The class of its style.
    #[must_use]
    pub fn class(&self) -> String {
        let long = !self.numeric && self.shown.split_whitespace().any(|word| word.chars().count() > WORD_CHARS_MAX);
        let form = match (self.numeric, long) {
            (true, _) => " number",
            (_, true) => " long",
            (_, false) => "",
        };
        format!("{}{form}", self.tone.class())
    }
}

impl Table {
    /// A table that stands on the page as a whole.
    #[must_use]
    pub fn new(columns: &[&'static str], rows: Vec<Row>, empty: &'static str) -> Self {
        Self { columns: columns.iter().map(|name| Cow::Borrowed(*name)).collect(), rows, empty, whole: Whole::Page }
    }

    /// As [`Table::new`], with columns that depend on the data.
    #[must_use]
    pub fn with_columns(columns: Vec<String>, rows: Vec<Row>, empty: &'static str) -> Self {
        Self { columns: columns.into_iter().map(Cow::Owned).collect(), rows, empty, whole: Whole::Page }
    }

    /// Says where the whole of it is.
    #[must_use]
    pub fn whole(self, whole: Whole) -> Self {
        Self { whole, ..self }
    }

    /// The rows that the page shows.
    #[must_use]
    pub fn shown(&self) -> &[Row] {
        match self.whole {
            Whole::Page | Whole::Detailed(..) => &self.rows,
            Whole::File(_) | Whole::Streamed(_) => &self.rows[..self.rows.len().min(ROWS_MAX)],
        }
    }

    /// Whether numbers stand in a column, judged by its first row.
    #[must_use]
    pub fn is_numeric(&self, column: &usize) -> bool {
        self.rows.first().and_then(|row| row.cells.get(*column)).is_some_and(|cell| cell.numeric)
    }

    /// Where the rest is, in words; empty when everything is here.
    #[must_use]
    pub fn rest(&self) -> String {
        match &self.whole {
            Whole::Page => String::new(),
            Whole::File(_) if self.rows.len() > ROWS_MAX => {
                format!("The first {ROWS_MAX} of {}; all of them: ", number(self.rows.len() as u64))
            }
            Whole::File(_) => "As a file: ".to_owned(),
            Whole::Streamed(_) | Whole::Detailed(..) => "Every single one: ".to_owned(),
        }
    }

    /// The file with all rows, relative to the page.
    #[must_use]
    pub fn file(&self) -> Option<String> {
        match &self.whole {
            Whole::Page => None,
            Whole::File(name) | Whole::Streamed(name) | Whole::Detailed(name, _) => Some(format!("data/{name}.csv")),
        }
    }
}

/// A table of groups with their examples. `cells` gives the cells before the count.
#[must_use]
pub fn grouped<K: Ord>(
    columns: &[&'static str],
    tally: &Tally<K>,
    empty: &'static str,
    cells: impl Fn(&K) -> Vec<Cell>,
) -> Table {
    let mut rows: Vec<Row> = tally
        .groups()
        .into_iter()
        .map(|(key, group)| {
            let mut cells = cells(key);
            cells.push(Cell::count(group.count));
            Row::new(cells).examples(&group.examples)
        })
        .collect();
    if tally.beyond() > 0 {
        let mut cells = vec![Cell::text("further groups")];
        cells.resize(columns.len() - 1, Cell::text(""));
        cells.push(Cell::count(tally.beyond()));
        rows.push(Row::new(cells));
    }
    Table::new(columns, rows, empty)
}

impl Page {
    /// Writes the files that its tables promise.
    pub(super) fn write_tables(&self, folder: &Path) -> Result<()> {
        for section in &self.sections {
            let (name, table) = match &section.table.whole {
                Whole::File(name) => (name, &section.table),
                Whole::Detailed(name, table) => (name, &**table),
                Whole::Page | Whole::Streamed(_) => continue,
            };
            let columns: Vec<&str> = table.columns.iter().map(AsRef::as_ref).collect();
            let mut file = DataFile::create(folder, name, &columns)?;
            for row in &table.rows {
                file.row(&row.cells.iter().map(|cell| cell.plain.as_str()).collect::<Vec<_>>())?;
            }
            file.finish()?;
        }
        Ok(())
    }
}

/// The page as a file.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct PageFile<'a> {
    page: &'a Page,
    written: String,
}

impl<'a> PageFile<'a> {
    pub(super) fn new(page: &'a Page, at: Timestamp) -> Self {
        Self { page, written: instant(at) }
    }
}

/// An instant as people read it, UTC.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    strtime::format("%Y-%m-%d %H:%M UTC", at).unwrap_or_else(|_| at.to_string())
}

/// Digits in groups of three.
#[must_use]
pub fn number(value: u64) -> String {
    grouped_digits(&value.to_string())
}

/// A decimal with its digits in groups of three before the point.
#[must_use]
pub fn decimal(value: Decimal) -> String {
    let text = value.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    match digits.split_once('.') {
        Some((whole, part)) => format!("{sign}{}.{part}", grouped_digits(whole)),
        None => format!("{sign}{}", grouped_digits(digits)),
    }
}

fn grouped_digits(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 record`, `2 records`.
#[must_use]
pub fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// A fixed name as a heading: `lead_label` becomes `Lead label`.
#[must_use]
pub fn title_case(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let check = |value: u64, expected: &str| assert_eq!(number(value), expected);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_234_567, "1,234,567");
        assert_eq!(decimal(Decimal::new(-123_456_789, 2)), "-1,234,567.89");
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(title_case("lead_label"), "Lead label");
    }
}
