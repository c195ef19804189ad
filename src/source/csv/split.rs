//! Splits text into rows and says which rows cannot be trusted. The `csv` crate then parses the cells of the others.
//!
//! The crate forgives a quote that is never closed (it takes the rest of the file into one cell) and text after a closing
//! quote. Both shift values into other columns or other rows, so rows are split here, by the same rules as the crate's but
//! without forgiving: such a row is rejected up to its first line break, and splitting goes on behind that.

use crate::error::{Error, Kind, Result};

use super::text::Text;

/// The longest row. Notes with pictures inside reach some megabytes; what is longer is a quote that was never closed.
pub(super) const ROW_BYTES_MAX: usize = 8 << 20;

/// How the cells of a file are written. The quote is always `"`: a single quote is far more often the guard that
/// spreadsheets put before `+` and `-` than a quote (source API shapes, section 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) escape: Escape,
}

/// How a quote is written inside a quoted cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// `""`, as RFC 4180 says.
    Doubled,
    /// `\"`, and `""` too.
    Backslash,
}

/// One row as written, not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawRow {
    /// From 1, blank lines not counted.
    pub(super) row: u64,
    /// Line on which it begins, from 1; 0 for the row of a sheet.
    pub(super) line: u64,
    /// Byte of the file at which it begins, from 0; `None` where the encoding does not tell.
    pub(super) offset: Option<u64>,
    /// Its text without the line break at its end.
    pub(super) text: String,
    /// Why it cannot be trusted.
    pub(super) flaw: Option<Flaw>,
}

/// Why a row cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Bytes without meaning in the file's encoding, the first at this place.
    Undecodable(u64),
    /// A quote is opened and not closed.
    QuoteOpen,
    /// A quoted cell goes on after its closing quote.
    QuoteInside,
}

/// The rows of a text.
pub(super) struct Splitter {
    text: Text,
    dialect: Dialect,
    row: u64,
    line: u64,
}

/// Where in a cell the splitter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    CellStart,
    Plain,
    Quoted,
    Escaped,
    /// After a quote in a quoted cell: its end, or the first half of a doubled quote.
    Quote,
}

/// Where a row ends, in bytes of the rest.
struct End {
    /// Length without the line break.
    text: usize,
    /// Length of the line break.
    line_break: usize,
    flaw: Option<Flaw>,
}

impl Splitter {
    pub(super) fn new(text: Text, dialect: Dialect) -> Self {
        Self { text, dialect, row: 0, line: 1 }
    }

    /// The next row that is not blank; `None` at the end.
    ///
    /// # Errors
    /// `Source` when the file cannot be read or has an endless line.
    pub(super) fn next(&mut self) -> Result<Option<RawRow>> {
        loop {
            if self.text.rest().is_empty() && !self.fill_some()? {
                return Ok(None);
            }
            let end = match self.row_end()? {
                Ok(end) => end,
                Err(flaw) => self.line_end(flaw)?,
            };
            let flaw = self.text.first_bad(end.text).map(Flaw::Undecodable).or(end.flaw);
            let (line, offset) = (self.line, self.text.offset());
            let text = self.text.rest()[..end.text].to_owned();
            self.line += line_breaks(&self.text.rest().as_bytes()[..end.text + end.line_break]);
            self.text.consume(end.text + end.line_break);
            if !text.is_empty() {
                self.row += 1;
                return Ok(Some(RawRow { row: self.row, line, offset, text, flaw }));
            }
        }
    }

    /// Reads until there is text; false at the end of the file.
    fn fill_some(&mut self) -> Result<bool> {
        while self.text.rest().is_empty() {
            if !self.text.fill()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The byte at a place of the rest, reading on where needed; `None` at the end of the file.
    fn byte(&mut self, at: usize) -> Result<Option<u8>> {
        loop {
            if let Some(byte) = self.text.rest().as_bytes().get(at) {
                return Ok(Some(*byte));
            }
            if !self.text.fill()? {
                return Ok(None);
            }
        }
    }

    /// The end of the row by the rules of quoting, or how it breaks them.
    fn row_end(&mut self) -> Result<Result<End, Flaw>> {
        let (mut at, mut within) = (0, Within::CellStart);
        loop {
            if at > ROW_BYTES_MAX {
                return Ok(Err(Flaw::QuoteOpen));
            }
            let Some(byte) = self.byte(at)? else {
                let is_open = matches!(within, Within::Quoted | Within::Escaped);
                return Ok(if is_open {
                    Err(Flaw::QuoteOpen)
                } else {
                    Ok(End { text: at, line_break: 0, flaw: None })
                });
            };
            within = match (within, byte) {
                (Within::CellStart, b'"') => Within::Quoted,
                (Within::Quoted, b'\\') if self.dialect.escape == Escape::Backslash => Within::Escaped,
                (Within::Quoted, b'"') => Within::Quote,
                (Within::Quoted | Within::Escaped, _) | (Within::Quote, b'"') => Within::Quoted,
                (_, b'\n' | b'\r') => {
                    let line_break = self.line_break(at)?;
                    return Ok(Ok(End { text: at, line_break, flaw: None }));
                }
                (_, byte) if byte == self.dialect.delimiter => Within::CellStart,
                (Within::Quote, _) => return Ok(Err(Flaw::QuoteInside)),
                (Within::CellStart | Within::Plain, _) => Within::Plain,
            };
            at += 1;
        }
    }

    /// The end of the line, whatever is quoted.
    fn line_end(&mut self, flaw: Flaw) -> Result<End> {
        let mut at = 0;
        loop {
            match self.byte(at)? {
                None => return Ok(End { text: at, line_break: 0, flaw: Some(flaw) }),
                Some(b'\n' | b'\r') => {
                    return Ok(End { text: at, line_break: self.line_break(at)?, flaw: Some(flaw) });
                }
                Some(_) if at > ROW_BYTES_MAX => {
                    let name = self.text.name();
                    let what = format!("file '{name}': line {} is longer than {ROW_BYTES_MAX} bytes", self.line);
                    return Err(Error::new(Kind::Source, what));
                }
                Some(_) => at += 1,
            }
        }
    }

    /// Length of the line break at a place where one begins.
    fn line_break(&mut self, at: usize) -> Result<usize> {
        let is_pair = self.byte(at)? == Some(b'\r') && self.byte(at + 1)? == Some(b'\n');
        Ok(if is_pair { 2 } else { 1 })
    }
}

/// Line breaks of any kind; CR LF is one.
fn line_breaks(bytes: &[u8]) -> u64 {
    let is_break = |index: usize, byte: u8| byte == b'\n' || (byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'));
    bytes.iter().enumerate().filter(|(index, byte)| is_break(*index, **byte)).count() as u64
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use encoding_rs::UTF_8;

    use super::*;

    const COMMA: Dialect = Dialect { delimiter: b',', escape: Escape::Doubled };

    fn split(text: &[u8], dialect: Dialect) -> Vec<RawRow> {
        let text = Text::new(Box::new(Cursor::new(text.to_vec())), "x.csv", UTF_8, 0).expect("it opens");
        let mut splitter = Splitter::new(text, dialect);
        std::iter::from_fn(|| splitter.next().expect("it can be read")).collect()
    }

    fn check(text: &str, expected: &[(&str, Option<Flaw>)]) {
        let rows = split(text.as_bytes(), COMMA);
        let found: Vec<(&str, Option<Flaw>)> = rows.iter().map(|row| (&*row.text, row.flaw)).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn rows_end_where_no_quote_is_open() {
        check("a,b\nc,d", &[("a,b", None), ("c,d", None)]);
        check("a\r\nb\rc\n", &[("a", None), ("b", None), ("c", None)]);
        check("\n\na\n\n", &[("a", None)]);
        check("\"a\nb\",c\nd,e\n", &[("\"a\nb\",c", None), ("d,e", None)]);
        check("\"a \"\"b\"\"\n\",c\n", &[("\"a \"\"b\"\"\n\",c", None)]);
        check("6' 2\" tall,x\ny,z\n", &[("6' 2\" tall,x", None), ("y,z", None)]);
        check("\"\",\"\"\n", &[("\"\",\"\"", None)]);
    }

    #[test]
    fn broken_quotes_cost_one_line() {
        let inside = Some(Flaw::QuoteInside);
        check("\"a \"b\" c\",d\ne,f\n", &[("\"a \"b\" c\",d", inside), ("e,f", None)]);
        check("1,\"open\n2,b\n3,c\n", &[("1,\"open", Some(Flaw::QuoteOpen)), ("2,b", None), ("3,c", None)]);
        // The stray quote of the second row would otherwise close the first one's cell and swallow a row.
        check("1,\"open\n2,\"b\"\n3,c\n", &[("1,\"open", inside), ("2,\"b\"", None), ("3,c", None)]);
    }

    #[test]
    fn backslashes_escape_only_where_they_are_meant_to() {
        let backslash = Dialect { delimiter: b',', escape: Escape::Backslash };
        assert_eq!(split(b"\"a \\\" b\",c\n", backslash).len(), 1);
        assert_eq!(split(b"\"a \\\" b\",c\n", COMMA)[0].flaw, Some(Flaw::QuoteInside));
        assert_eq!(split(b"\"C:\\\",c\n", COMMA)[0].flaw, None);
    }

    #[test]
    fn rows_know_their_place() {
        let rows = split(b"a,\"x\r\ny\"\r\n\r\nb\xFF,1\nc,2\n", COMMA);
        let places: Vec<_> = rows.iter().map(|row| (row.row, row.line, row.offset, row.flaw)).collect();
        assert_eq!(
            places,
            [(1, 1, Some(0), None), (2, 4, Some(12), Some(Flaw::Undecodable(13))), (3, 5, Some(17), None)]
        );
    }

    #[test]
    fn a_row_longer_than_a_piece_is_whole() {
        let long = format!("\"{}\",b\nc,d\n", "a\n".repeat(100_000));
        let rows = split(long.as_bytes(), COMMA);
        assert_eq!((rows.len(), rows[0].text.len(), rows[1].line), (2, 200_004, 100_002));
    }
}
