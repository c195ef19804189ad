//! Writes a workbook: headers that stay in sight, wrapped cells, lists to choose from, and protection without a password
//! where a change would mean nothing.

use std::collections::HashMap;
use std::path::Path;

use rust_xlsxwriter::{
    Color, DataValidation, Format, FormatAlign, FormatBorder, Formula, ProtectionOptions, Worksheet, XlsxError,
};

use super::{CELL_CHARS_MAX, Cell, Content, Look, Sheet, Sight, Workbook, column_letters, guarded};
use crate::error::{Error, Kind, Result};
use crate::report::file;

/// The hidden sheet with the lists to choose from.
const LISTS: &str = "lists";

/// The longest row in lines: what fits on a screen beside others.
const LINES_MAX: usize = 12;

/// The height of one line, in points.
const LINE_POINTS: f64 = 15.0;

/// The text of a help bubble that Excel shows.
const HELP_CHARS_MAX: usize = 255;

/// Writes the workbook; it appears whole or not at all.
///
/// # Errors
/// `Settings` naming the file that cannot be written, `Bug` for a workbook that Excel would refuse.
pub fn write(path: &Path, workbook: &Workbook) -> Result<()> {
    let bytes = bytes(workbook)
        .map_err(|error| Error::new(Kind::Bug, format!("making the workbook {}", path.display())).because(error))?;
    file::write(path, &bytes)
}

/// The workbook as a file.
fn bytes(workbook: &Workbook) -> std::result::Result<Vec<u8>, XlsxError> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let mut formats = Formats::default();
    for sheet in &workbook.sheets {
        write_sheet(book.add_worksheet(), sheet, &workbook.lists, &mut formats)?;
    }
    if !workbook.lists.is_empty() {
        let lists = book.add_worksheet();
        lists.set_name(LISTS)?.set_very_hidden(true);
        for (column, list) in (0..).zip(&workbook.lists) {
            for (row, choice) in (0..).zip(list) {
                lists.write_string(row, column, cell_text(choice))?;
            }
        }
    }
    book.save_to_buffer()
}

/// Formats by what they depend on: a workbook should hold each once.
#[derive(Default)]
struct Formats(HashMap<(Look, bool, bool), Format>);

impl Formats {
    fn of(&mut self, cell: &Cell) -> &Format {
        let is_count = matches!(cell.value, Content::Count(_));
        self.0.entry((cell.look, cell.is_open, is_count)).or_insert_with(|| {
            let mut format = Format::new().set_align(FormatAlign::Top).set_text_wrap().set_border(FormatBorder::Hair);
            format = format.set_border_color(Color::RGB(0xB8_C0_C8));
            format = match cell.look {
                Look::Plain => format,
                Look::Good => format.set_background_color(Color::RGB(0xE3_F4_E6)),
                Look::Attention => format.set_background_color(Color::RGB(0xFF_F3_D6)),
                Look::Bad => format.set_background_color(Color::RGB(0xFB_E0_DE)),
                Look::Quiet => format.set_font_color(Color::RGB(0x66_6F_78)),
            };
            if cell.is_open {
                format = format.set_unlocked();
                if cell.look == Look::Plain {
                    format = format.set_background_color(Color::RGB(0xEE_F4_FC));
                }
            }
            // Text, so that what is typed stays as typed: no dates, no numbers, no formulas.
            if is_count {
                format.set_num_format("#,##0").set_align(FormatAlign::Right)
            } else {
                format.set_num_format("@")
            }
        })
    }
}

fn write_sheet(
    target: &mut Worksheet,
    sheet: &Sheet,
    lists: &[Vec<String>],
    formats: &mut Formats,
) -> std::result::Result<(), XlsxError> {
    target.set_name(&sheet.name)?;
    if sheet.sight == Sight::Never {
        target.set_very_hidden(true);
    }
    let widths: Vec<u8> = sheet.columns.iter().map(|column| column.width).collect();
    for (position, width) in (0..).zip(&widths) {
        if *width == 0 {
            target.set_column_hidden(position)?;
        } else {
            target.set_column_width(position, f64::from(*width))?;
        }
    }
    let mut row = 0;
    let last = u16::try_from(sheet.columns.len().saturating_sub(1)).unwrap_or_default();
    if sheet.columns.is_empty() {
        target.set_column_width(0, f64::from(TEXT_WIDTH))?;
    }
    for line in &sheet.above {
        let width = if widths.is_empty() {
            usize::from(TEXT_WIDTH)
        } else {
            widths.iter().map(|width| usize::from(*width)).sum()
        };
        let mut format = Format::new().set_align(FormatAlign::Top).set_text_wrap();
        let mut points = LINE_POINTS;
        if line.is_heading {
            format = format.set_bold().set_font_size(14);
            points = 21.0;
        }
        let first = u16::try_from(widths.iter().position(|width| *width > 0).unwrap_or_default()).unwrap_or_default();
        if last > first {
            target.merge_range(row, first, row, last, &cell_text(&line.text), &format)?;
        } else {
            target.write_string_with_format(row, first, cell_text(&line.text), &format)?;
        }
        target.set_row_height(row, points * height(&line.text, width))?;
        row += 1;
    }
    if !sheet.columns.is_empty() {
        write_table(target, sheet, lists, (row, last), formats)?;
    }
    target.set_landscape().set_print_fit_to_pages(1, 0);
    // No password: it keeps people from typing where it means nothing, and from nothing else.
    target.protect_with_options(&ProtectionOptions {
        format_cells: true,
        format_columns: true,
        format_rows: true,
        sort: true,
        use_autofilter: true,
        ..ProtectionOptions::default()
    });
    Ok(())
}

/// The width of a sheet that is text only, in characters.
const TEXT_WIDTH: u8 = 110;

fn write_table(
    target: &mut Worksheet,
    sheet: &Sheet,
    lists: &[Vec<String>],
    (header, last): (u32, u16),
    formats: &mut Formats,
) -> std::result::Result<(), XlsxError> {
    let heading = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_align(FormatAlign::VerticalCenter)
        .set_background_color(Color::RGB(0x24_32_42))
        .set_font_color(Color::White)
        .set_border(FormatBorder::Hair);
    for (position, column) in (0..).zip(&sheet.columns) {
        target.write_string_with_format(header, position, column.title, &heading)?;
    }
    // Bold letters are wider than others.
    let lines = sheet.columns.iter().filter(|column| column.width > 0);
    let lines = lines.map(|column| height(column.title, usize::from(column.width) * 3 / 4)).fold(2.0, f64::max);
    target.set_row_height(header, LINE_POINTS * lines)?;
    let mut row = header;
    for cells in &sheet.rows {
        row += 1;
        let mut lines: f64 = 1.0;
        for ((position, column), cell) in (0..).zip(&sheet.columns).zip(cells) {
            let format = formats.of(cell);
            match &cell.value {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "Excel has no other numbers; counts stay far below 2^53"
                )]
                Content::Count(count) => target.write_number_with_format(row, position, *count as f64, format)?,
                Content::Text(text) if text.is_empty() => target.write_blank(row, position, format)?,
                Content::Text(text) => {
                    if column.width > 0 {
                        lines = lines.max(height(text, usize::from(column.width)));
                    }
                    target.write_string_with_format(row, position, cell_text(text), format)?
                }
            };
            if let Some(validation) = validation(cell, column.help, lists)? {
                target.add_data_validation(row, position, row, position, &validation)?;
            }
        }
        target.set_row_height(row, LINE_POINTS * lines)?;
    }
    target.autofilter(header, 0, row.max(header + 1), last)?;
    target.set_freeze_panes(header + 1, frozen(sheet))?;
    Ok(())
}

/// The columns that stay in sight: up to the first that is shown.
fn frozen(sheet: &Sheet) -> u16 {
    let shown = sheet.columns.iter().position(|column| column.width > 0).unwrap_or_default();
    u16::try_from(shown + 1).unwrap_or(1)
}

/// The list of a cell, and the help for who edits it. What is typed beside the list is not refused: it may name a new
/// custom field.
fn validation(
    cell: &Cell,
    help: &str,
    lists: &[Vec<String>],
) -> std::result::Result<Option<DataValidation>, XlsxError> {
    if !cell.is_open || (cell.list.is_none() && help.is_empty()) {
        return Ok(None);
    }
    let mut validation = DataValidation::new();
    let list = cell.list.and_then(|list| Some((u32::try_from(list).ok()?, lists.get(list)?)));
    match list {
        Some((position, list)) if !list.is_empty() => {
            let letters = column_letters(position);
            let range = format!("={LISTS}!${letters}$1:${letters}${}", list.len());
            validation = validation.allow_list_formula(Formula::new(range)).show_error_message(false);
        }
        _ => validation = validation.allow_any_value(),
    }
    if !help.is_empty() {
        let help: String = help.chars().take(HELP_CHARS_MAX).collect();
        validation = validation.set_input_message(help)?;
    }
    Ok(Some(validation))
}

/// Lines that a text takes in a column; wrapping is by words, so that a few more are counted than letters alone make.
#[expect(clippy::cast_precision_loss, reason = "a few lines")]
fn height(text: &str, width: usize) -> f64 {
    let room = width.max(4);
    let lines: usize = text.lines().map(|line| line.chars().count().div_ceil(room).max(1)).sum();
    lines.clamp(1, LINES_MAX) as f64
}

/// The text as it is written: guarded, and no longer than Excel keeps.
fn cell_text(text: &str) -> String {
    guarded(text).chars().take(CELL_CHARS_MAX).collect()
}
