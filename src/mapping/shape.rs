//! What a field does to its text before it is read: takes a part of it, looks it up in a table, reads it by a format.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::field::Kind;
use crate::record::fold_name;

/// The most rows of a table that values are looked up in: far above any list of codes, far below a table of records.
pub const LOOKUP_ROWS_MAX: usize = 100_000;

/// A part of a text, or all parts of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// What separates the parts; never empty.
    pub at: String,
    /// Which part: from 1, or from -1 backwards. `None`: all of them, for a field of several options.
    pub part: Option<i64>,
}

impl Split {
    /// The part of a text, trimmed; `None` when there is no such part or it is empty.
    #[must_use]
    pub fn part<'t>(&self, text: &'t str) -> Option<&'t str> {
        let wanted = self.part?;
        let nth = usize::try_from(wanted.unsigned_abs()).ok()?.checked_sub(1)?;
        let mut parts = text.split(&self.at);
        let part = if wanted > 0 { parts.nth(nth) } else { parts.collect::<Vec<_>>().into_iter().rev().nth(nth) };
        part.map(str::trim).filter(|part| !part.is_empty())
    }
}

/// How a date, a time or a number is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// A date or a time, with the directives of `strptime`: `%d.%m.%Y`.
    Moment(String),
    /// A number, by an example of it: `1.234,56`.
    Number {
        /// The mark before the fraction.
        decimal: char,
        /// The mark between groups of three digits, if any.
        grouping: Option<char>,
    },
}

impl Format {
    /// Reads a format for a kind of value.
    ///
    /// # Errors
    /// The reason in words when it does not fit the kind or cannot be read back.
    pub fn parse(written: &str, kind: Kind) -> Result<Self, String> {
        match kind {
            Kind::Number | Kind::Percent | Kind::Money => number_format(written),
            Kind::Date | Kind::Datetime | Kind::Due | Kind::Time => {
                let sample = DateTime::constant(2024, 11, 23, 21, 34, 56, 0);
                let moment = TimeZone::UTC
                    .to_timestamp(sample)
                    .and_then(|instant| strtime::format(written, instant))
                    .and_then(|text| strtime::parse(written, text))
                    .map_err(|error| format!("is no format of a date or time: {error}"))?;
                let is_complete = if kind == Kind::Time { moment.hour().is_some() } else { moment.to_date().is_ok() };
                if is_complete {
                    Ok(Self::Moment(written.to_owned()))
                } else {
                    Err(format!("does not hold a whole {kind}, such as %d.%m.%Y"))
                }
            }
            _ => Err(format!("does not belong to kind {kind}; only dates, times and numbers have a format")),
        }
    }
}

fn number_format(written: &str) -> Result<Format, String> {
    const REASON: &str = "is no example of a number, such as 1,234.56 or 1.234,56 or 1234,5";
    let marks: Vec<char> = written.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    let format = match marks.as_slice() {
        [decimal] => Format::Number { decimal: *decimal, grouping: None },
        [grouping, decimal] if grouping != decimal => {
            Format::Number { decimal: *decimal, grouping: Some(if *grouping == '\u{a0}' { ' ' } else { *grouping }) }
        }
        _ => return Err(REASON.to_owned()),
    };
    let digits: Vec<usize> =
        written.split(|letter: char| !letter.is_ascii_digit()).map(|digits| digits.chars().count()).collect();
    let fits = match digits.as_slice() {
        [whole, fraction] => *whole > 0 && *fraction > 0,
        [first, group, fraction] => (1..=3).contains(first) && *group == 3 && *fraction > 0,
        _ => false,
    };
    let is_mark = |mark: &char| matches!(mark, '.' | ',' | ' ' | '\'' | '’' | '\u{a0}' | '_');
    if fits && marks.iter().all(is_mark) { Ok(format) } else { Err(REASON.to_owned()) }
}

/// A value that stands for another, as another table of the source says: a code and its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The CSV file with the table, beside the mapping.
    pub file: String,
    /// Its column with the values that the source's rows hold.
    pub key: String,
    /// Its column with the values that are meant.
    pub value: String,
    /// The table, by folded key; empty until it was read.
    #[serde(skip)]
    pub listed: HashMap<String, String>,
}

impl Lookup {
    /// What a value stands for.
    #[must_use]
    pub fn get(&self, value: &str) -> Option<&str> {
        self.listed.get(value).or_else(|| self.listed.get(&fold_name(value))).map(String::as_str)
    }

    /// Takes the table from the text of its file.
    ///
    /// # Errors
    /// The reason in words when a column is missing, a key stands twice with different values, or it is too long.
    pub fn fill(&mut self, text: &str) -> Result<(), String> {
        self.listed = self.rows(text)?.into_iter().map(|(key, (_, value))| (key, value)).collect();
        Ok(())
    }

    /// Keys as they are written and what they stand for, by folded key.
    ///
    /// # Errors
    /// As [`Lookup::fill`].
    pub fn rows(&self, text: &str) -> Result<BTreeMap<String, (String, String)>, String> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|error| format!("cannot be read as CSV: {error}"))?.clone();
        let column = |name: &str| {
            let known = || headers.iter().collect::<Vec<_>>().join(", ");
            headers
                .iter()
                .position(|header| header.trim() == name)
                .ok_or_else(|| format!("has no column {name:?}; it has {}", known()))
        };
        let (key, value) = (column(&self.key)?, column(&self.value)?);
        let mut listed: BTreeMap<String, (String, String)> = BTreeMap::new();
        for (position, row) in reader.records().enumerate() {
            let row = row.map_err(|error| format!("cannot be read as CSV: {error}"))?;
            if position >= LOOKUP_ROWS_MAX {
                return Err(format!("has more than {LOOKUP_ROWS_MAX} rows"));
            }
            let cell = |column: usize| row.get(column).map(str::trim).unwrap_or_default();
            if cell(key).is_empty() {
                continue;
            }
            if let Some((_, other)) =
                listed.insert(fold_name(cell(key)), (cell(key).to_owned(), cell(value).to_owned()))
                && other != cell(value)
            {
                let (key, value, line) = (cell(key), cell(value), line_of(&row, text));
                return Err(format!(
                    "says in line {line} that {key:?} is {value:?}, and further up that it is {other:?}"
                ));
            }
        }
        Ok(listed)
    }
}

/// The line of a text that a row stands in, from 1. The reader says where the row before it ended: blank lines come between.
fn line_of(row: &csv::StringRecord, text: &str) -> u64 {
    let Some(at) = row.position() else { return 0 };
    let rest = usize::try_from(at.byte()).ok().and_then(|from| text.as_bytes().get(from..)).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count();
    at.line() + blank as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_texts() {
        let check = |at: &str, part: i64, text: &str, expected: Option<&str>| {
            assert_eq!(Split { at: at.to_owned(), part: Some(part) }.part(text), expected, "{text:?} {part}");
        };
        check(",", 1, "Ruiz, Dana", Some("Ruiz"));
        check(",", 2, "Ruiz, Dana", Some("Dana"));
        check(",", -1, "a, b, c", Some("c"));
        check(",", -3, "a, b, c", Some("a"));
        check(",", 3, "Ruiz, Dana", None);
        check(",", -3, "Ruiz, Dana", None);
        check(",", 2, "Ruiz,  ", None);
        check(" - ", 2, "NL-1 - North", Some("North"));
        check(",", i64::MIN, "a", None);
    }

    #[test]
    fn formats_are_read_or_refused() {
        let fits = |written: &str, kind: Kind| Format::parse(written, kind).is_ok();
        for (written, kind) in [
            ("%d.%m.%Y", Kind::Date),
            ("%d.%m.%y", Kind::Date),
            ("%d %B %Y", Kind::Date),
            ("%Y-%m-%d %H:%M", Kind::Datetime),
            ("%d/%m/%Y", Kind::Due),
            ("%I:%M %p", Kind::Time),
            ("1,234.56", Kind::Money),
            ("1.234,56", Kind::Number),
            ("1 234,5", Kind::Percent),
            ("1234,5", Kind::Number),
        ] {
            assert!(fits(written, kind), "{written} {kind}");
        }
        for (written, kind) in [
            ("%d.%m", Kind::Date),
            ("%Q", Kind::Date),
            ("", Kind::Date),
            ("%d.%m.%Y", Kind::Time),
            ("%d.%m.%Y", Kind::Text),
            ("1,234,56", Kind::Number),
            ("1234", Kind::Number),
            ("1x234.5", Kind::Number),
            ("12,34.5", Kind::Number),
        ] {
            assert!(!fits(written, kind), "{written} {kind}");
        }
    }

    #[test]
    fn tables_are_read_and_checked() {
        let lookup = || Lookup {
            file: "t.csv".to_owned(),
            key: "code".to_owned(),
            value: "name".to_owned(),
            listed: HashMap::new(),
        };
        let mut read = lookup();
        read.fill("\u{feff}code,name\nN, North \ns,South\n,\nS,South\n").expect("a table");
        assert_eq!((read.get("n"), read.get("S "), read.get("W")), (Some("North"), Some("South"), None));
        let refused = |text: &str, reason: &str| {
            let told = lookup().fill(text).expect_err("refused");
            assert!(told.contains(reason), "{told}");
        };
        refused("code,title\nN,North\n", "has no column \"name\"; it has code, title");
        refused(
            "code,name\nN,North\n\nn,Nord\n",
            "says in line 4 that \"n\" is \"Nord\", and further up that it is \"North\"",
        );
        refused(&format!("code,name\n{}", "a,b\n".repeat(LOOKUP_ROWS_MAX + 1)), "more than 100000 rows");
    }
}
