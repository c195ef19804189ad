//! What the rows of whole tables are to become, as the first sheet of an edited workbook says it.

use super::answers::CONFLICT;
use super::lines::tidy;
use super::sheets::{ORIGIN, ORIGIN_COLUMNS, PLACED, TABLE};
use crate::mapping::Mapping;
use crate::mapping::placement::Placement;
use crate::report::workbook::place;
use crate::report::workbook::read::ReadBook;

/// A table whose placement was edited.
pub(super) struct Changed {
    pub(super) table: String,
    /// Where it was edited.
    pub(super) cell: String,
    /// As it is written there.
    pub(super) given: String,
    /// What it means, or why it cannot be.
    pub(super) placement: Result<Placement, String>,
}

/// The tables whose placement is no longer that of when the workbook was made.
pub(super) fn changed(book: &ReadBook, file: &str, mapping: &Mapping) -> Vec<Changed> {
    let mut found = Vec::new();
    for sheet in book.sheets.iter().filter(|sheet| sheet.name != ORIGIN) {
        let Some((header, columns)) = sheet.header(&PLACED) else { continue };
        for row in sheet.rows().into_iter().filter(|row| *row > header) {
            let (table, given) = (sheet.text(row, columns[0]), tidy(sheet.text(row, columns[1])));
            let was = origin(book, table);
            if was.as_deref().unwrap_or_default() == given {
                continue;
            }
            let now = mapping.placements.get(table).map(ToString::to_string);
            let placement = match (was, Placement::parse(&given)) {
                (None, _) => Err("stands beside a table of which nothing can be chosen".to_owned()),
                (Some(was), Ok(_)) if now.is_some_and(|now| now != was && now != given) => Err(CONFLICT.to_owned()),
                (Some(_), read) => read,
            };
            let cell = format!("{file}, sheet {}, cell {}", sheet.name, place(row, columns[1]));
            found.push(Changed { table: table.to_owned(), cell, given, placement });
        }
    }
    found
}

/// The placement of a table when the workbook was made; `None` where there was nothing to choose.
fn origin(book: &ReadBook, table: &str) -> Option<String> {
    let sheet = book.sheet(ORIGIN)?;
    let (header, columns) = sheet.header(&ORIGIN_COLUMNS)?;
    let key = format!("{TABLE}{table}");
    let is_meant = |row: &u32| *row > header && sheet.text(*row, columns[0]) == key;
    sheet.rows().into_iter().find(is_meant).map(|row| sheet.text(row, columns[5]).to_owned())
}
