//! Workbooks (XLSX) that people edit: a plain model that is written, and cells that are read back.
//!
//! Every text is written as text, never as a formula, and a text that would begin a formula gets an apostrophe in front
//! ([`guarded`]), so that it also stays text when a program saves the sheet as CSV. Reading takes that apostrophe away.
//! What is read is a stranger's file: [`read`] bounds it before anything is taken from it.

mod bounds;
pub mod read;
pub mod template;
pub mod write;

use std::borrow::Cow;

pub use crate::spreadsheet::column_letters;

/// The longest text of a cell: what Excel keeps.
pub const CELL_CHARS_MAX: usize = 32_767;

/// A workbook to be written.
#[derive(Debug, Clone, Default)]
pub struct Workbook {
    /// Its sheets, in order; at least one is visible.
    pub sheets: Vec<Sheet>,
    /// Lists to choose from, each once; cells name them by position. They stand on a hidden sheet.
    pub lists: Vec<Vec<String>>,
}

impl Workbook {
    /// The position of a list to choose from, which is kept once however many cells use it.
    pub fn list(&mut self, choices: Vec<String>) -> usize {
        match self.lists.iter().position(|known| *known == choices) {
            Some(position) => position,
            None => {
                self.lists.push(choices);
                self.lists.len() - 1
            }
        }
    }
}

/// One sheet.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// Its name: at most 31 characters, none of `[]:*?/\`; see [`sheet_name`].
    pub name: String,
    /// Lines above the table, each in one cell over all its columns.
    pub above: Vec<Line>,
    /// The columns of the table; a sheet without any is text only.
    pub columns: Vec<Column>,
    /// Its rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// Whether people see it.
    pub sight: Sight,
}

/// Whether people see a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sight {
    /// They see it.
    #[default]
    Shown,
    /// Not even the program's menu shows it: it is only for reading back.
    Never,
}

/// A line above a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The text.
    pub text: String,
    /// Whether it is a heading.
    pub is_heading: bool,
}

impl Line {
    /// A heading.
    #[must_use]
    pub fn heading(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_heading: true }
    }

    /// A line of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_heading: false }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Its width in characters; 0 hides it.
    pub width: u8,
    /// What the program tells who edits one of its cells; empty: nothing.
    pub help: &'static str,
}

impl Column {
    /// A column to be read.
    #[must_use]
    pub const fn new(title: &'static str, width: u8) -> Self {
        Self { title, width, help: "" }
    }

    /// A column to be edited.
    #[must_use]
    pub const fn edited(title: &'static str, width: u8, help: &'static str) -> Self {
        Self { title, width, help }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    /// What it holds.
    pub value: Content,
    /// How it looks.
    pub look: Look,
    /// Whether people may change it.
    pub is_open: bool,
    /// The list to choose from. Other texts may be typed.
    pub list: Option<usize>,
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A text; the empty one is an empty cell.
    Text(String),
    /// A count.
    Count(u64),
}

impl Default for Content {
    fn default() -> Self {
        Content::Text(String::new())
    }
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Look {
    /// As text.
    #[default]
    Plain,
    /// All well.
    Good,
    /// Somebody should look.
    Attention,
    /// Something is wrong or unsure.
    Bad,
    /// Of less weight.
    Quiet,
}

impl Cell {
    /// A text to be read.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { value: Content::Text(text.into()), ..Self::default() }
    }

    /// A count.
    #[must_use]
    pub fn count(value: u64) -> Self {
        Self { value: Content::Count(value), ..Self::default() }
    }

    /// A text that people may change.
    #[must_use]
    pub fn open(text: impl Into<String>) -> Self {
        Self { is_open: true, ..Self::text(text) }
    }

    /// With a list to choose from.
    #[must_use]
    pub fn choose(self, list: usize) -> Self {
        Self { list: Some(list), ..self }
    }

    /// With a look.
    #[must_use]
    pub fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }
}

/// A name that a sheet may have, made of any text: without the letters that Excel refuses, at most 31 characters, and none
/// of those taken, whatever their case.
#[must_use]
pub fn sheet_name(wanted: &str, taken: &[String]) -> String {
    const CHARS_MAX: usize = 31;
    let plain: String = wanted
        .chars()
        .map(|letter| if "[]:*?/\\".contains(letter) || letter.is_control() { ' ' } else { letter })
        .collect();
    let plain = plain.trim().trim_matches('\'').trim();
    let plain = if plain.is_empty() { "Sheet" } else { plain };
    (1..)
        .map(|number: u32| {
            let ending = if number == 1 { String::new() } else { format!(" {number}") };
            let room = CHARS_MAX - ending.len();
            format!("{}{ending}", plain.chars().take(room).collect::<String>().trim_end())
        })
        .find(|name| !taken.iter().any(|other| other.to_lowercase() == name.to_lowercase()))
        .unwrap_or_default()
}

/// The text as a cell holds it: never the beginning of a formula, also after the sheet was saved as CSV.
#[must_use]
pub fn guarded(text: &str) -> Cow<'_, str> {
    if begins_formula(text.trim_start_matches('\'')) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that a guarded cell means.
#[must_use]
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if begins_formula(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}

fn begins_formula(text: &str) -> bool {
    matches!(super::data::safe_cell(text), Cow::Owned(_))
}

/// A place as people name it: `F12`. Row and column from 0.
#[must_use]
pub fn place(row: u32, column: u32) -> String {
    format!("{}{}", column_letters(column), row + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarded_texts_are_no_formulas_and_read_back() {
        for text in
            ["=1+1", "+1 555", "-x", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1", "'x", "'", "", "plain", "-12.5", "＝1"]
        {
            let cell = guarded(text);
            assert!(!begins_formula(&cell), "{cell:?}");
            assert_eq!(unguarded(&cell), text);
        }
        assert_eq!(guarded("=1+1"), "'=1+1");
        // Typed by a person, who sees no guard.
        assert_eq!(unguarded("=1+1"), "=1+1");
    }

    #[test]
    fn places_are_named_as_excel_names_them() {
        for (column, letters) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(column_letters(column), letters);
        }
        assert_eq!(place(11, 5), "F12");
    }

    #[test]
    fn sheets_have_names_that_excel_takes() {
        assert_eq!(sheet_name("clients", &[]), "clients");
        assert_eq!(sheet_name("a/b:c", &[]), "a b c");
        assert_eq!(sheet_name("", &[]), "Sheet");
        assert_eq!(sheet_name("Clients", &["clients".to_owned()]), "Clients 2");
        let long = "x".repeat(40);
        assert_eq!(sheet_name(&long, &[sheet_name(&long, &[])]), format!("{} 2", "x".repeat(29)));
    }
}
