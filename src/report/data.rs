//! The long tables, whole, as CSV in `reports/data/`; streamed, so that their length costs no memory.
//!
//! Spreadsheets run text that begins like a formula. Such cells get an apostrophe in front (the advice of OWASP, "CSV
//! Injection"); numbers stay as they are.

use std::borrow::Cow;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use rust_decimal::Decimal;

use super::file;
use crate::error::Result;

/// A CSV file under construction. Dropped before [`DataFile::finish`], it leaves nothing behind.
pub struct DataFile {
    writer: Option<csv::Writer<BufWriter<File>>>,
    beside: PathBuf,
    path: PathBuf,
    rows: u64,
}

impl DataFile {
    /// Begins `reports/data/NAME.csv` with a row of column names. `folder` is the migration's folder.
    ///
    /// # Errors
    /// `Settings` when it cannot be written.
    pub fn create(folder: &Path, name: &str, columns: &[&str]) -> Result<Self> {
        let path = super::reports(folder).join("data").join(format!("{name}.csv"));
        let (file, beside) = file::begin(&path)?;
        let mut begun = Self { writer: Some(csv::Writer::from_writer(BufWriter::new(file))), beside, path, rows: 0 };
        begun.put(columns)?;
        Ok(begun)
    }

    /// Adds a row, each cell made safe for spreadsheets.
    ///
    /// # Errors
    /// `Settings` when it cannot be written.
    pub fn row(&mut self, cells: &[&str]) -> Result<()> {
        self.rows += 1;
        self.put(cells)
    }

    /// Moves the file to its place and says how many rows it has.
    ///
    /// # Errors
    /// `Settings` when it cannot be written; what was there before stays.
    pub fn finish(mut self) -> Result<u64> {
        if let Some(writer) = self.writer.take() {
            let buffer = writer.into_inner().map_err(|error| file::failed(&self.path, error.into_error()))?;
            let file = buffer.into_inner().map_err(|error| file::failed(&self.path, error.into_error()))?;
            file::finish(&file, &self.beside, &self.path)?;
        }
        Ok(self.rows)
    }

    fn put(&mut self, cells: &[&str]) -> Result<()> {
        match &mut self.writer {
            Some(writer) => writer
                .write_record(cells.iter().map(|cell| safe_cell(cell).into_owned()))
                .map_err(|error| file::failed(&self.path, error)),
            None => Ok(()),
        }
    }
}

impl Drop for DataFile {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            // Nothing can be done about a file that cannot be removed; the next run writes over it.
            drop(std::fs::remove_file(&self.beside));
        }
    }
}

/// The cell as a spreadsheet may see it: never a formula.
#[must_use]
pub fn safe_cell(cell: &str) -> Cow<'_, str> {
    let starts = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if starts && Decimal::from_str(cell).is_err() { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let check = |cell: &str, expected: &str| assert_eq!(safe_cell(cell), expected, "{cell:?}");
        check("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")");
        check("+1 555 0100", "'+1 555 0100");
        check("-2+3", "'-2+3");
        check("@SUM(A1)", "'@SUM(A1)");
        check("\t=1", "'\t=1");
        check("-120.50", "-120.50");
        check("+15550100", "+15550100");
        check("Harbor = Foods", "Harbor = Foods");
        check("", "");
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut begun = DataFile::create(folder.path(), "x", &["a", "b"]).expect("begun");
        begun.row(&["=1", "2,3"]).expect("written");
        drop(begun);
        let data = folder.path().join("reports/data");
        assert_eq!(std::fs::read_dir(&data).expect("there").count(), 0);
        let mut begun = DataFile::create(folder.path(), "x", &["a", "b"]).expect("begun");
        begun.row(&["=1", "2,3"]).expect("written");
        assert_eq!(begun.finish().expect("finished"), 1);
        assert_eq!(std::fs::read_to_string(data.join("x.csv")).expect("there"), "a,b\n'=1,\"2,3\"\n");
    }
}
