//! Reads the cells of a workbook that people edited: every value as the text that was typed.
//!
//! A formula counts as the value that the program last computed for it, with a warning. A merged cell counts for every row
//! it spans.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;

use calamine::{Dimensions, Reader as _, Xlsx, XlsxError};

use super::{CELL_CHARS_MAX, bounds, place, unguarded};
use crate::error::{Error, Kind, Result};
use crate::spreadsheet::text;

/// A workbook as it was read.
#[derive(Debug, Clone, Default)]
pub struct ReadBook {
    /// Its sheets, in order.
    pub sheets: Vec<ReadSheet>,
    /// What was noticed while reading, each with its place.
    pub warnings: Vec<String>,
}

/// A sheet as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSheet {
    /// Its name.
    pub name: String,
    /// The texts of its cells by row and column, from 0. Empty cells are not there.
    pub cells: BTreeMap<(u32, u32), String>,
}

impl ReadBook {
    /// The sheet with a name.
    #[must_use]
    pub fn sheet(&self, name: &str) -> Option<&ReadSheet> {
        self.sheets.iter().find(|sheet| sheet.name == name)
    }
}

impl ReadSheet {
    /// The text of a cell, trimmed; empty when there is none.
    #[must_use]
    pub fn text(&self, row: u32, column: u32) -> &str {
        self.cells.get(&(row, column)).map(|text| text.trim()).unwrap_or_default()
    }

    /// The rows that hold anything, in order.
    #[must_use]
    pub fn rows(&self) -> BTreeSet<u32> {
        self.cells.keys().map(|(row, _)| *row).collect()
    }

    /// The row with these headings, and the column of each; the first row that has them all.
    #[must_use]
    pub fn header(&self, titles: &[&str]) -> Option<(u32, Vec<u32>)> {
        self.rows().into_iter().find_map(|row| {
            let column = |title: &&str| {
                let mut cells = self.cells.range((row, 0)..=(row, u32::MAX));
                cells.find(|(_, text)| text.trim() == *title).map(|((_, column), _)| *column)
            };
            titles.iter().map(column).collect::<Option<Vec<u32>>>().map(|columns| (row, columns))
        })
    }
}

/// Reads a workbook from outside.
///
/// # Errors
/// `Settings` naming the file, and the sheet where one is meant: it cannot be read, is no XLSX, is too large, or has too
/// many rows or columns or too long a cell.
pub fn read(path: &Path) -> Result<ReadBook> {
    let bytes = bounds::bytes(path)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let failed = |what: String| Error::new(Kind::Settings, format!("{} {what}", path.display()));
    let broken = |error: XlsxError| failed("cannot be read as a workbook".to_owned()).because(error);
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let mut book = ReadBook::default();
    let mut unknown: Vec<String> = Vec::new();
    for sheet in workbook.sheet_names() {
        let merged = workbook.merge_cells_by_sheet_name(&sheet).map_err(broken)?;
        let mut read = ReadSheet { name: sheet.clone(), cells: BTreeMap::new() };
        let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(broken)?;
        while let Some(cell) = cells.next_cell_with_formula().map_err(broken)? {
            let (row, column) = cell.pos;
            let at = format!("sheet {sheet}, cell {}", place(row, column));
            if row >= bounds::ROWS_MAX || column >= bounds::COLUMNS_MAX {
                let (rows, columns) = (bounds::ROWS_MAX, bounds::COLUMNS_MAX);
                return Err(failed(format!(
                    "has something at {at}; at most {rows} rows and {columns} columns are read"
                )));
            }
            let Some(text) = text(&cell.value).filter(|text| cell.formula.is_none() || !text.is_empty()) else {
                if cell.formula.is_some() {
                    unknown.push(at);
                }
                continue;
            };
            if text.chars().count() > CELL_CHARS_MAX {
                return Err(failed(format!("has a text longer than {CELL_CHARS_MAX} characters at {at}")));
            }
            if cell.formula.is_some() {
                book.warnings.push(format!("{name}, {at}: holds a formula; what it last showed was taken: {text:?}"));
            }
            if !text.trim().is_empty() {
                read.cells.insert(cell.pos, unguarded(&text).to_owned());
            }
        }
        fill_merged(&mut read, &merged, &name, &mut book.warnings);
        book.sheets.push(read);
    }
    // To take such a cell for an empty one would undo what somebody meant.
    if !unknown.is_empty() {
        let what = format!(
            "holds a formula without a value at {}; type the text itself, with an apostrophe in front where it begins with =",
            unknown.join("; ")
        );
        return Err(failed(what));
    }
    Ok(book)
}

/// A merged cell holds its value in its first row only; people mean all of its rows.
fn fill_merged(sheet: &mut ReadSheet, merged: &[Dimensions], name: &str, warnings: &mut Vec<String>) {
    let Some(last) = sheet.rows().last().copied() else { return };
    for region in merged {
        let (row, column) = region.start;
        if region.end.0 <= row {
            continue;
        }
        let Some(text) = sheet.cells.get(&region.start).cloned() else { continue };
        warnings.push(format!(
            "{name}, sheet {}, cell {}: is merged with the rows below; its text was taken for each of them",
            sheet.name,
            place(row, column)
        ));
        for below in row + 1..=region.end.0.min(last) {
            sheet.cells.insert((below, column), text.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{Format, Workbook};

    use super::*;

    /// Writes a workbook with one sheet and reads it.
    fn round(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Result<ReadBook> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.xlsx");
        let mut workbook = Workbook::new();
        fill(workbook.add_worksheet().set_name("Data").expect("a name"));
        workbook.save(&path).expect("saved");
        read(&path)
    }

    fn cells(book: &ReadBook) -> Vec<(String, &str)> {
        book.sheets[0].cells.iter().map(|((row, column), text)| (place(*row, *column), text.as_str())).collect()
    }

    #[test]
    fn what_was_typed_is_read_as_text() {
        let book = round(|sheet| {
            let format = Format::new().set_num_format("yyyy-mm-dd hh:mm");
            sheet.write(0, 0, 17).expect("written");
            sheet.write(0, 1, 0.1).expect("written");
            sheet.write(0, 2, 12_345_678_901_234.0).expect("written");
            sheet.write(0, 3, true).expect("written");
            sheet.write_with_format(0, 4, 45_356.0, &format).expect("written");
            sheet.write_with_format(0, 5, 45_356.5, &format).expect("written");
            sheet.write_with_format(0, 6, 0.25, &format).expect("written");
            sheet.write(2, 0, "'=1+1").expect("written");
            sheet.write(2, 1, "  ").expect("written");
        })
        .expect("read");
        assert_eq!(
            cells(&book),
            [
                ("A1".to_owned(), "17"),
                ("B1".to_owned(), "0.1"),
                ("C1".to_owned(), "12345678901234"),
                ("D1".to_owned(), "true"),
                ("E1".to_owned(), "2024-03-05"),
                ("F1".to_owned(), "2024-03-05T12:00:00"),
                ("G1".to_owned(), "06:00:00"),
                ("A3".to_owned(), "=1+1"),
            ]
        );
        assert!(book.warnings.is_empty());
    }

    #[test]
    fn formulas_and_merged_cells_are_told() {
        let book = round(|sheet| {
            let formula = rust_xlsxwriter::Formula::new("=A9").set_result("emails");
            sheet.write_formula(0, 0, formula).expect("written");
            sheet.merge_range(1, 1, 3, 1, "same", &Format::new()).expect("merged");
            sheet.write(2, 0, "x").expect("written");
            sheet.write(3, 0, "y").expect("written");
        })
        .expect("read");
        assert_eq!(
            cells(&book),
            [
                ("A1".to_owned(), "emails"),
                ("B2".to_owned(), "same"),
                ("A3".to_owned(), "x"),
                ("B3".to_owned(), "same"),
                ("A4".to_owned(), "y"),
                ("B4".to_owned(), "same"),
            ]
        );
        assert_eq!(
            book.warnings,
            [
                "t.xlsx, sheet Data, cell A1: holds a formula; what it last showed was taken: \"emails\"",
                "t.xlsx, sheet Data, cell B2: is merged with the rows below; its text was taken for each of them",
            ]
        );
    }

    #[test]
    fn sheets_are_bounded() {
        let refused = |row: u32, column: u16| {
            round(|sheet| {
                sheet.write(row, column, "x").expect("written");
            })
            .expect_err("refused")
            .message()
            .to_owned()
        };
        assert!(refused(bounds::ROWS_MAX, 0).contains("has something at sheet Data, cell A20001; at most 20000 rows"));
        assert!(refused(0, 200).contains("sheet Data, cell GS1"));
    }

    #[test]
    fn headings_are_found_below_other_lines() {
        let mut sheet = ReadSheet::default();
        for (at, text) in [((0, 0), "About"), ((2, 1), "Target "), ((2, 3), "Key"), ((3, 1), "emails")] {
            sheet.cells.insert(at, text.to_owned());
        }
        assert_eq!(sheet.header(&["Key", "Target"]), Some((2, vec![3, 1])));
        assert_eq!(sheet.header(&["Key", "Other"]), None);
    }
}
