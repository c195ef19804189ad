//! Archives and workbooks from outside: what a cell holds, as text, and bounds that a file may not exceed by lying about
//! itself.

use std::io::{Read, Seek};

use calamine::{DataRef, ExcelDateTime};
use rust_decimal::Decimal;
use zip::ZipArchive;

/// What a ZIP archive may be. An XLSX workbook is one.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most files in it.
    pub entries: usize,
    /// The most bytes that it unpacks to, all files together.
    pub unpacked_bytes: u64,
}

/// Unpacks everything once, into nothing: a directory may lie about the sizes.
///
/// # Errors
/// What is wrong, in words that go on from the file's name.
pub fn check(archive: impl Read + Seek, bounds: Bounds, no_archive: &str) -> Result<(), String> {
    let broken = |error: zip::result::ZipError| format!("{no_archive} ({error})");
    let mut archive = ZipArchive::new(archive).map_err(broken)?;
    if archive.len() > bounds.entries {
        return Err(format!("holds {} files, more than {}", archive.len(), bounds.entries));
    }
    let too_large = || format!("unpacks to more than {} MB, the most that is read", bounds.unpacked_bytes >> 20);
    let mut declared: u64 = 0;
    for position in 0..archive.len() {
        declared = declared.saturating_add(archive.by_index_raw(position).map_err(broken)?.size());
    }
    if declared > bounds.unpacked_bytes {
        return Err(too_large());
    }
    let mut room = bounds.unpacked_bytes;
    for position in 0..archive.len() {
        let entry = archive.by_index(position).map_err(broken)?;
        let read = std::io::copy(&mut entry.take(room + 1), &mut std::io::sink())
            .map_err(|error| format!("{no_archive} ({error})"))?;
        room = room.checked_sub(read).ok_or_else(too_large)?;
    }
    Ok(())
}

/// A value as it was typed; `None` for an empty cell. Excel's errors are texts that no reader takes for a value.
#[must_use]
pub fn text(value: &DataRef<'_>) -> Option<String> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(moment) => moment_text(moment),
        DataRef::Error(error) => format!("#{error}"),
    })
}

/// The letters of a column, from 0: `A`, `Z`, `AA`.
#[must_use]
pub fn column_letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        let digit = (rest - 1) % 26;
        letters.push(char::from(b'A' + u8::try_from(digit).unwrap_or_default()));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// The digits that the sheet shows: fifteen at most, as Excel keeps no more (Microsoft, "Excel specifications and limits":
/// number precision 15 digits), so that a sum stored as 0.30000000000000004 is 0.3. Never with an exponent: 17, not 17.0.
fn number_text(number: f64) -> String {
    let rounded = Decimal::from_scientific(&format!("{number:.14e}"));
    rounded.map_or_else(|_| number.to_string(), |decimal| decimal.normalize().to_string())
}

/// A day, a time of day, or both, as ISO 8601.
fn moment_text(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let has_time = (hour, minute, second) != (0, 0, 0);
    if moment.as_f64() < 1.0 {
        time
    } else if has_time {
        format!("{year:04}-{month:02}-{day:02}T{time}")
    } else {
        format!("{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_the_sheet_shows_them() {
        let check = |number: f64, expected: &str| assert_eq!(number_text(number), expected);
        check(17.0, "17");
        check(0.1 + 0.2, "0.3");
        check(1_234.560_000_000_000_1, "1234.56");
        check(12_345_678_901_234.0, "12345678901234");
        check(-0.05, "-0.05");
        check(0.0, "0");
        check(1e-7, "0.0000001");
        check(1e300, &1e300_f64.to_string());
    }
}
