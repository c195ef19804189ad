//! Workbooks to be filled in: headings with what belongs under them, drop-downs, and one row that shows how.
//!
//! The sheets are not protected: people paste rows into them. Texts are guarded as in every other workbook.

use std::path::Path;

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DataValidationRule, ExcelDateTime, Format, FormatBorder, Formula,
    Note, Worksheet, XlsxError,
};

use super::{Line, column_letters, guarded};
use crate::error::{Error, Kind, Result};
use crate::report::file;

/// The sheet that explains the others.
const ABOUT: &str = "How to fill it in";

/// The hidden sheet with the lists to choose from.
const LISTS: &str = "lists";

/// Rows that have drop-downs and checks; more may be pasted, and are read and checked all the same.
const ROWS: u32 = 5_000;

/// A workbook to be filled in.
#[derive(Debug, Clone, Default)]
pub struct Template {
    /// What people must know first.
    pub about: Vec<Line>,
    /// The sheets that they fill in.
    pub forms: Vec<Form>,
}

/// A sheet to be filled in.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// Its name; see [`super::sheet_name`].
    pub name: String,
    /// Its columns.
    pub columns: Vec<FormColumn>,
    /// The rows that stand in it already; the first shows how, and is written in grey.
    pub rows: Vec<Vec<String>>,
}

/// A column to be filled in.
#[derive(Debug, Clone, Default)]
pub struct FormColumn {
    /// Its heading.
    pub title: String,
    /// What belongs into it, in words.
    pub help: String,
    /// What its cells hold.
    pub holds: Holds,
    /// What can be chosen; empty: anything.
    pub choices: Vec<String>,
    /// Whether something else than the choices is refused.
    pub is_closed: bool,
    /// Whether every row needs it.
    pub is_required: bool,
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Holds {
    /// Text, which stays as it is typed: `007` is no seven.
    #[default]
    Text,
    /// Numbers and amounts.
    Number,
    /// Days.
    Date,
    /// Days with a time.
    Datetime,
    /// Times of day.
    Time,
}

/// Writes the workbook; it appears whole or not at all.
///
/// # Errors
/// `Settings` naming the file that cannot be written, `Bug` for a workbook that Excel would refuse.
pub fn write(path: &Path, template: &Template) -> Result<()> {
    let bytes = bytes(template)
        .map_err(|error| Error::new(Kind::Bug, format!("making the workbook {}", path.display())).because(error))?;
    file::write(path, &bytes)
}

fn bytes(template: &Template) -> std::result::Result<Vec<u8>, XlsxError> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let mut lists: Vec<&[String]> = Vec::new();
    for form in &template.forms {
        for column in form.columns.iter().filter(|column| !column.choices.is_empty()) {
            if !lists.contains(&column.choices.as_slice()) {
                lists.push(&column.choices);
            }
        }
        write_form(book.add_worksheet(), form, &lists)?;
    }
    write_about(book.add_worksheet(), &template.about)?;
    if !lists.is_empty() {
        let sheet = book.add_worksheet();
        sheet.set_name(LISTS)?.set_very_hidden(true);
        for (column, list) in (0..).zip(&lists) {
            for (row, choice) in (0..).zip(list.iter()) {
                sheet.write_string(row, column, &*guarded(choice))?;
            }
        }
    }
    book.save_to_buffer()
}

fn write_about(sheet: &mut Worksheet, lines: &[Line]) -> std::result::Result<(), XlsxError> {
    sheet.set_name(ABOUT)?.set_column_width(0, 110)?;
    for (row, line) in (0..).zip(lines) {
        let format = Format::new().set_text_wrap();
        let format = if line.is_heading { format.set_bold().set_font_size(14) } else { format };
        sheet.write_string_with_format(row, 0, &*guarded(&line.text), &format)?;
    }
    Ok(())
}

fn write_form(sheet: &mut Worksheet, form: &Form, lists: &[&[String]]) -> std::result::Result<(), XlsxError> {
    sheet.set_name(&form.name)?;
    let heading = Format::new().set_bold().set_text_wrap().set_border(FormatBorder::Hair).set_font_color(Color::White);
    for (position, column) in (0..).zip(&form.columns) {
        let own = column_format(column.holds);
        sheet.set_column_width(position, width(column))?;
        sheet.set_column_format(position, &own)?;
        let ground = if column.is_required { Color::RGB(0x20_50_8A) } else { Color::RGB(0x24_32_42) };
        let heading = heading.clone().set_background_color(ground);
        sheet.write_string_with_format(0, position, &*guarded(&column.title), &heading)?;
        if !column.help.is_empty() {
            sheet.insert_note(0, position, &Note::new(&*column.help).add_author_prefix(false).set_width(320))?;
        }
        if let Some(validation) = validation(column, lists)? {
            sheet.add_data_validation(1, position, ROWS, position, &validation)?;
        }
        let example = own.clone().set_font_color(Color::RGB(0x66_6F_78)).set_italic();
        for (row, cells) in (1..).zip(&form.rows) {
            let format = if row == 1 { &example } else { &own };
            if let Some(text) = cells.get(usize::from(position)).filter(|text| !text.is_empty()) {
                write_cell(sheet, (row, position), (column.holds, text.as_str()), format)?;
            }
        }
    }
    let last = u16::try_from(form.columns.len().saturating_sub(1)).unwrap_or_default();
    sheet.autofilter(0, 0, u32::try_from(form.rows.len()).unwrap_or(1).max(1), last)?;
    sheet.set_freeze_panes(1, 1)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    Ok(())
}

/// Days and numbers stand as such, so that what is typed below the example is taken the same way.
fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    (holds, text): (Holds, &str),
    format: &Format,
) -> std::result::Result<(), XlsxError> {
    match holds {
        Holds::Date | Holds::Datetime | Holds::Time => {
            if let Ok(moment) = ExcelDateTime::parse_from_str(&text.replace(' ', "T")) {
                sheet.write_datetime_with_format(row, column, &moment, format)?;
                return Ok(());
            }
        }
        Holds::Number => {
            if let Ok(number) = text.parse::<f64>() {
                sheet.write_number_with_format(row, column, number, format)?;
                return Ok(());
            }
        }
        Holds::Text => {}
    }
    sheet.write_string_with_format(row, column, &*guarded(text), format)?;
    Ok(())
}

fn column_format(holds: Holds) -> Format {
    Format::new().set_num_format(match holds {
        Holds::Text => "@",
        Holds::Number => "General",
        Holds::Date => "yyyy-mm-dd",
        Holds::Datetime => "yyyy-mm-dd hh:mm:ss",
        Holds::Time => "hh:mm",
    })
}

fn width(column: &FormColumn) -> f64 {
    let longest = column.title.chars().count().max(match column.holds {
        Holds::Datetime => 19,
        _ => 12,
    });
    u8::try_from(longest.min(40)).map_or(40.0, f64::from) + 3.0
}

/// What the program itself refuses or asks about. What it lets through is checked when the workbook is read.
fn validation(column: &FormColumn, lists: &[&[String]]) -> std::result::Result<Option<DataValidation>, XlsxError> {
    let list = lists.iter().position(|list| !list.is_empty() && *list == column.choices.as_slice());
    let validation = DataValidation::new();
    let day = |year: u16| ExcelDateTime::from_ymd(year, 1, 1);
    let validation = match (list, column.holds) {
        (Some(position), _) => {
            let letters = column_letters(u32::try_from(position).unwrap_or_default());
            let range = format!("={LISTS}!${letters}$1:${letters}${}", column.choices.len());
            let style =
                if column.is_closed { DataValidationErrorStyle::Stop } else { DataValidationErrorStyle::Information };
            validation.allow_list_formula(Formula::new(range)).set_error_style(style)
        }
        (None, Holds::Date | Holds::Datetime) => validation
            .allow_date(DataValidationRule::Between(day(1900)?, day(2200)?))
            .set_error_style(DataValidationErrorStyle::Warning)
            .set_error_message("A day, such as 2026-03-31")?,
        (None, Holds::Number) => validation
            .allow_decimal_number(DataValidationRule::Between(-1e12, 1e12))
            .set_error_style(DataValidationErrorStyle::Warning)
            .set_error_message("A number, such as 1250.50")?,
        (None, Holds::Text | Holds::Time) => return Ok(None),
    };
    Ok(Some(validation))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn a_template_reads_back_as_text_and_holds_no_formula() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.xlsx");
        let column = |title: &str, holds| FormColumn { title: title.to_owned(), holds, ..FormColumn::default() };
        let form = Form {
            name: "tasks".to_owned(),
            columns: vec![
                column("=id", Holds::Text),
                column("due", Holds::Date),
                column("at", Holds::Time),
                column("sum", Holds::Number),
                FormColumn { choices: vec!["yes".to_owned(), "=no".to_owned()], ..column("done", Holds::Text) },
            ],
            rows: vec![["=1+1", "2026-03-31", "09:30", "12.5", "yes"].map(str::to_owned).to_vec()],
        };
        write(&path, &Template { about: vec![Line::heading("@about")], forms: vec![form] }).expect("written");
        let book = read::read(&path).expect("read");
        let sheet = book.sheet("tasks").expect("the sheet");
        let row = |row: u32| (0..5).map(|column| sheet.text(row, column)).collect::<Vec<_>>();
        assert_eq!(row(0), ["=id", "due", "at", "sum", "done"]);
        assert_eq!(row(1), ["=1+1", "2026-03-31", "09:30:00", "12.5", "yes"]);
        assert!(book.warnings.is_empty(), "{:?}", book.warnings);
        assert_eq!(book.sheet(LISTS).expect("lists").text(1, 0), "=no");
    }
}
