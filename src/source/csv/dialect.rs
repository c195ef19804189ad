//! Finds out how a file is written: its delimiter, how quotes are escaped, and which row is the header.
//!
//! The strongest evidence is known beforehand: the header holds the columns that the mapping names. Among the dialects
//! under which it does, the one wins under which most rows of the sample have as many cells as the header. (A general
//! sniffer does not know the columns; the one tried, qsv-sniffer 0.12, failed on 6 of 24 sample files.)

use std::io::Cursor;

use ::csv::StringRecord;
use encoding_rs::UTF_8;

use crate::error::{Error, Kind, Result};

use super::rows::parse;
use super::split::{Dialect, Escape, Flaw, RawRow, Splitter};
use super::text::Text;

/// Bytes of text that are looked at.
pub(super) const SAMPLE_BYTES: usize = 256 << 10;

/// Rows of the sample that are compared.
const SAMPLE_ROWS: usize = 100;

/// Rows above the header: titles, dates of the export, filters. More are not looked through.
const ROWS_ABOVE_HEADER: usize = 20;

/// In the order in which they win when the evidence is equal.
const DELIMITERS: &[u8] = b",;\t|";

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) dialect: Dialect,
    /// Number of the row that is the header, from 1; blank lines do not count.
    pub(super) header_row: u64,
    pub(super) edge: Edge,
}

/// Whether header and rows end alike. A delimiter behind the last cell is written by some exports, and only on one of them.
/// A row counts as such only where most rows end so: otherwise it is one whose cells were shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Edge {
    /// The rows have a delimiter more, and nothing behind it.
    RowsLonger,
    /// The header has one more, and no name behind it.
    HeaderLonger,
    #[default]
    Even,
}

/// Finds the layout of a sample in which the columns named `required` exist. `is_whole` says that the sample is the whole
/// file.
///
/// # Errors
/// `Settings` naming the columns that are missing, and those that are there.
pub(super) fn layout(sample: &str, is_whole: bool, required: &[&str], file: &str) -> Result<Layout> {
    let mut best: Option<(Layout, Score)> = None;
    let mut headers: Vec<StringRecord> = Vec::new();
    for escape in [Escape::Doubled, Escape::Backslash] {
        for delimiter in DELIMITERS {
            let dialect = Dialect { delimiter: *delimiter, escape };
            let rows = sample_rows(sample, is_whole, dialect, file)?;
            let holds_all =
                |row: &&Option<StringRecord>| row.as_ref().is_some_and(|row| missing(row, required).is_empty());
            let header = rows.iter().take(ROWS_ABOVE_HEADER).find(holds_all).and_then(Option::as_ref);
            let Some(header) = header else {
                headers.extend(rows.into_iter().flatten().next());
                continue;
            };
            let header_index = rows.iter().position(|row| row.as_ref() == Some(header)).unwrap_or_default();
            let score = Score::new(&rows[header_index + 1..], header);
            if best.as_ref().is_none_or(|(_, best)| score > *best) {
                best = Some((Layout { dialect, header_row: header_index as u64 + 1, edge: score.edge }, score));
            }
        }
    }
    let Some((layout, _)) = best else { return Err(no_header(&headers, required, file)) };
    Ok(layout)
}

/// Finds the layout of a sample of which no column is known: the dialect and header under which most rows below have as
/// many cells, and more than one.
///
/// # Errors
/// `Settings` for a file without rows.
pub(super) fn guess(sample: &str, is_whole: bool, file: &str) -> Result<Layout> {
    let mut best: Option<(Layout, Likely)> = None;
    for escape in [Escape::Doubled, Escape::Backslash] {
        for delimiter in DELIMITERS {
            let dialect = Dialect { delimiter: *delimiter, escape };
            let rows = sample_rows(sample, is_whole, dialect, file)?;
            for (index, header) in rows.iter().enumerate().take(ROWS_ABOVE_HEADER) {
                let Some(header) =
                    header.as_ref().filter(|header| header.iter().all(|cell| clean_name(cell).len() < 120))
                else {
                    continue;
                };
                let filled = header.iter().filter(|cell| !clean_name(cell).is_empty()).count();
                let score = Score::new(&rows[index + 1..], header);
                let is_table = header.len() > 1 && filled * 2 > header.len() && score.agreeing >= 700;
                let rank = (is_table, score, std::cmp::Reverse(index));
                if best.as_ref().is_none_or(|(_, known)| rank > *known) {
                    best = Some((Layout { dialect, header_row: index as u64 + 1, edge: score.edge }, rank));
                }
            }
        }
    }
    let none = || Error::new(Kind::Settings, format!("file '{file}' has no rows, not even a header"));
    best.map(|(layout, _)| layout).ok_or_else(none)
}

/// How likely a header is one: whether it is a table at all, how well the rows fit, and the earlier the better.
type Likely = (bool, Score, std::cmp::Reverse<usize>);

/// How well a dialect explains the rows below the header; more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Rows with as many cells as the header, in thousandths.
    agreeing: usize,
    columns: usize,
    edge: Edge,
}

impl Score {
    fn new(rows: &[Option<StringRecord>], header: &StringRecord) -> Self {
        let width = header.len();
        let share = |fits: &dyn Fn(&StringRecord) -> bool| {
            let agreeing = rows.iter().flatten().filter(|row| fits(row)).count();
            (agreeing * 1000).checked_div(rows.len())
        };
        let even =
            Self { agreeing: share(&|row| row.len() == width).unwrap_or(1000), columns: width, edge: Edge::Even };
        let longer = share(&|row| row.len() == width + 1 && row.get(width) == Some("")).unwrap_or(0);
        let is_open = width > 1 && header.get(width - 1).is_some_and(|name| clean_name(name).is_empty());
        let shorter = if is_open { share(&|row| row.len() + 1 == width).unwrap_or(0) } else { 0 };
        [
            even,
            Self { agreeing: longer, edge: Edge::RowsLonger, ..even },
            Self { agreeing: shorter, columns: width - usize::from(is_open), edge: Edge::HeaderLonger },
        ]
        .into_iter()
        .max_by_key(|score| (score.agreeing, score.edge))
        .unwrap_or(even)
    }
}

/// The first rows under a dialect; `None` for a row that breaks its rules.
fn sample_rows(sample: &str, is_whole: bool, dialect: Dialect, file: &str) -> Result<Vec<Option<StringRecord>>> {
    let text = Text::new(Box::new(Cursor::new(sample.to_owned().into_bytes())), file, UTF_8, 0)?;
    let mut splitter = Splitter::new(text, dialect);
    let mut raws: Vec<RawRow> = Vec::new();
    while raws.len() < SAMPLE_ROWS
        && let Some(raw) = splitter.next()?
    {
        // The sample may end inside a quoted cell; what follows from there says nothing.
        if !is_whole && raw.flaw == Some(Flaw::QuoteOpen) {
            break;
        }
        raws.push(raw);
    }
    if !is_whole && raws.len() < SAMPLE_ROWS && raws.len() > 1 {
        raws.pop();
    }
    let is_trusted = |raw: &RawRow| raw.flaw.is_none();
    let trusted: Vec<RawRow> = raws.iter().filter(|raw| is_trusted(raw)).cloned().collect();
    let mut parsed = parse(&trusted, dialect)?.into_iter();
    Ok(raws.iter().map(|raw| if is_trusted(raw) { parsed.next() } else { None }).collect())
}

fn missing<'a>(header: &StringRecord, required: &[&'a str]) -> Vec<&'a str> {
    required.iter().filter(|name| !header.iter().any(|cell| clean_name(cell) == **name)).copied().collect()
}

fn no_header(headers: &[StringRecord], required: &[&str], file: &str) -> Error {
    // The dialect with most cells is the best guess at what the operator sees.
    let Some(header) = headers.iter().max_by_key(|header| header.len()) else {
        return Error::new(Kind::Settings, format!("file '{file}' has no rows, not even a header"));
    };
    let quoted = |names: Vec<&str>| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let (missing, found) = (quoted(missing(header, required)), quoted(header.iter().map(clean_name).collect()));
    Error::new(Kind::Settings, format!("file '{file}' has no column {missing}; its first row is {found}"))
}

/// A column's name without white space and marks that nobody sees.
pub(super) fn clean_name(cell: &str) -> &str {
    cell.trim_matches(|sign: char| sign.is_whitespace() || matches!(sign, '\u{feff}' | '\u{200b}'..='\u{200d}'))
}

/// Names of the columns, cleaned, none empty, no two the same: `column 3` for an empty one, `Phone (2)` for a second one.
pub(super) fn column_names(header: &StringRecord) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    let cleaned: Vec<&str> = header.iter().map(clean_name).collect();
    for (index, cell) in cleaned.iter().enumerate() {
        let base = if cell.is_empty() { format!("column {}", index + 1) } else { (*cell).to_owned() };
        let mut name = base.clone();
        let mut number = 2;
        // A column that is really called `Phone (2)` keeps its name wherever it stands.
        while names.contains(&name) || (name != *cell && cleaned.contains(&name.as_str())) {
            name = format!("{base} ({number})");
            number += 1;
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sample: &str, required: &[&str], expected: Option<(u8, Escape, u64)>) {
        let found = layout(sample, true, required, "x.csv").map_err(|error| error.kind());
        let expected = expected
            .map(|(delimiter, escape, header_row)| Layout {
                dialect: Dialect { delimiter, escape },
                header_row,
                edge: Edge::Even,
            })
            .ok_or(Kind::Settings);
        assert_eq!(found, expected, "{sample:?}");
    }

    #[test]
    fn delimiters_are_told_by_columns_and_rows() {
        use Escape::{Backslash, Doubled};
        check("id,name\n1,a\n", &["id"], Some((b',', Doubled, 1)));
        check("id;name;amount\n1;Nilsen;12,50\n2;Berg;1,75\n", &["id"], Some((b';', Doubled, 1)));
        check("id\tname\n1\tLee, Ann\n", &["id", "name"], Some((b'\t', Doubled, 1)));
        check("id|tags\n1|a,b\n", &["id"], Some((b'|', Doubled, 1)));
        check("email\na@b.test\n", &["email"], Some((b',', Doubled, 1)));
        check("id,name\n", &["id"], Some((b',', Doubled, 1)));
        check("id,note\n1,\"a\nb; c\nd\"\n2,\"x;\ny\"\n3,z\n", &["id"], Some((b',', Doubled, 1)));
        check("id,note\n1,\"say \\\"hi\\\", all\"\n2,b\n", &["id"], Some((b',', Backslash, 1)));
        check("id;name, first\n1;Lee, Ann\n2;Ek, Bo\n", &["id"], Some((b';', Doubled, 1)));
        check(" id ,name\n1,a\n", &["id"], Some((b',', Doubled, 1)));
    }

    #[test]
    fn a_delimiter_may_stand_at_the_end_of_every_row_or_of_the_header() {
        let check = |sample: &str, expected: Edge| {
            let found = layout(sample, true, &["id"], "x.csv").expect("a layout");
            assert_eq!((found.edge, found.dialect.delimiter), (expected, b','), "{sample:?}");
        };
        check("id,name\n1,a,\n2,b,\n3,c,d\n", Edge::RowsLonger);
        check("id,name,\n1,a\n2,b\n", Edge::HeaderLonger);
        check("id,name,\n1,a,\n2,b,x\n", Edge::Even);
        check("id,name\n1,a\n2,b\n3,c,\n", Edge::Even);
        check("id,name\n", Edge::Even);
    }

    #[test]
    fn the_header_may_stand_below_titles() {
        check("Clients\nas of 2026-01-05\n\nid,name\n1,a\n", &["id", "name"], Some((b',', Escape::Doubled, 3)));
    }

    #[test]
    fn a_missing_column_is_named_with_what_is_there() {
        check("", &["id"], None);
        check("ID,name\n1,a\n", &["id"], None);
        let error = layout("ID,name\n1,a\n", true, &["id", "name"], "x.csv").expect_err("there is no id");
        assert_eq!(error.message(), "file 'x.csv' has no column 'id'; its first row is 'ID', 'name'");
    }

    #[test]
    fn a_cut_sample_says_nothing_about_its_last_row() {
        let found = layout("id;note\n1;\"a\n2,3,4", false, &["id"], "x.csv").map(|layout| layout.dialect.delimiter);
        assert_eq!(found.expect("a layout"), b';');
    }

    #[test]
    fn columns_have_names_of_their_own() {
        let check = |header: &[&str], expected: &[&str]| {
            assert_eq!(column_names(&StringRecord::from(header.to_vec())), expected);
        };
        check(&[" id\u{a0}", "Phone", "Phone", "", "Phone"], &["id", "Phone", "Phone (2)", "column 4", "Phone (3)"]);
        check(&["Phone", "Phone", "Phone (2)"], &["Phone", "Phone (3)", "Phone (2)"]);
    }
}
