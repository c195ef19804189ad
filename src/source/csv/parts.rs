//! Where the rows of a table are: in a file of the folder, in a member of a ZIP archive, in a sheet of an XLSX workbook, or
//! in several of these, when an export was split.
//!
//! A member or a sheet is unpacked into a file that has no name, so that nothing of it stays behind, whatever ends the
//! process. A sheet becomes comma-separated text with one row for each row of the sheet.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use calamine::{Reader as _, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;

use crate::error::{Error, Kind, Result};
use crate::spreadsheet::{self, Bounds};

/// Endings of files that hold rows as text.
const TEXTS: [&str; 3] = ["csv", "tsv", "txt"];

/// What an archive of exports may be. The largest table that was tried has ten million rows and two gigabytes.
const ARCHIVE: Bounds = Bounds { entries: 10_000, unpacked_bytes: 64 << 30 };

/// What a workbook may be: Excel's own largest sheet, filled, unpacks to about a gigabyte.
const BOOK: Bounds = Bounds { entries: 10_000, unpacked_bytes: 4 << 30 };

/// Something that holds rows.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// For messages and as the origin of its rows: `clients.csv`, `export.zip/clients.csv`, `crm.xlsx/Clients`.
    pub(super) name: Arc<str>,
    /// What a table may be called that is in here: the file's name without its ending, the sheet's, or both.
    stems: Vec<String>,
    inside: Inside,
}

#[derive(Debug, Clone)]
enum Inside {
    File(PathBuf),
    Member(PathBuf, usize),
    Sheet(PathBuf, String),
}

/// The bytes of a part, to be read as often as needed.
#[derive(Debug, Clone)]
pub(super) struct Content {
    /// The part's name.
    pub(super) name: Arc<str>,
    file: Arc<File>,
    /// `None` for text. Of a sheet: where its rows are numbered otherwise than the text's, because rows without a value are
    /// left out. For each such place the number of the text's row, and by how much the sheet's is greater from there on.
    gaps: Option<Arc<[(u64, u64)]>>,
}

impl Content {
    /// Reads from the start, beside all others who do.
    pub(super) fn reader(&self) -> impl Read + Send + use<> {
        Positioned { file: Arc::clone(&self.file), at: 0 }
    }

    /// The number that a row of the text has in the file that people see.
    pub(super) fn row_number(&self, row: u64) -> u64 {
        let gaps = self.gaps.as_deref().unwrap_or_default();
        let passed = gaps.partition_point(|(from, _)| *from <= row);
        row + passed.checked_sub(1).map_or(0, |last| gaps[last].1)
    }

    /// Whether people see a sheet and not the text.
    pub(super) fn is_sheet(&self) -> bool {
        self.gaps.is_some()
    }
}

/// Reads a shared file at a place of its own.
struct Positioned {
    file: Arc<File>,
    at: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The source folder. What is in an archive or a workbook is looked up once, as long as the file stays the same.
pub(super) struct Shelf {
    folder: PathBuf,
    packed: Mutex<HashMap<PathBuf, (Stamp, Vec<Part>)>>,
}

/// Tells one state of a file from the next without reading it: its length and when it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(u64, Option<SystemTime>);

impl Stamp {
    fn of(path: &Path, name: &str) -> Result<Self> {
        let failed = |error: std::io::Error| unreadable(name).because(error);
        let metadata = std::fs::metadata(path).map_err(failed)?;
        Ok(Self(metadata.len(), metadata.modified().ok()))
    }
}

impl Shelf {
    pub(super) fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), packed: Mutex::default() }
    }

    /// Everything in the folder that holds rows, in the order of names.
    ///
    /// # Errors
    /// `Settings` when the folder cannot be read, `Source` for an archive or workbook that cannot.
    pub(super) fn list(&self) -> Result<Vec<Part>> {
        let failed = |error| Error::new(Kind::Settings, format!("folder '{}'", self.folder.display())).because(error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Spreadsheets put a locked copy beside an open workbook, whose name begins with these two signs.
            if entry.path().is_file() && !name.starts_with('.') && !name.starts_with("~$") {
                names.push((name, entry.path()));
            }
        }
        names.sort();
        let mut parts = Vec::new();
        for (name, path) in names {
            match ending(&name).as_str() {
                "zip" => parts.extend(self.packed(&name, &path, members)?),
                "xlsx" => parts.extend(self.packed(&name, &path, sheets)?),
                text if TEXTS.contains(&text) => {
                    parts.push(Part {
                        name: name.as_str().into(),
                        stems: vec![stem(&name)],
                        inside: Inside::File(path),
                    });
                }
                _ => {}
            }
        }
        Ok(parts)
    }

    fn packed(&self, name: &str, path: &Path, look: impl Fn(&str, &Path) -> Result<Vec<Part>>) -> Result<Vec<Part>> {
        let stamp = Stamp::of(path, name)?;
        let known = || self.packed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, parts)) = known().get(path).filter(|(known, _)| *known == stamp) {
            return Ok(parts.clone());
        }
        let parts = look(name, path)?;
        known().insert(path.to_owned(), (stamp, parts.clone()));
        Ok(parts)
    }

    /// The parts that hold a table, in their order: what is called exactly so, and what is called so with a number behind
    /// it, each with its number. `table` may also be the name of one file.
    ///
    /// # Errors
    /// As [`Shelf::list`]; `Settings` when there is none, with what there is.
    pub(super) fn of_table(&self, table: &str) -> Result<Vec<(Option<u64>, Part)>> {
        let parts = self.list()?;
        if let Some(part) = parts.iter().find(|part| &*part.name == table) {
            return Ok(vec![(None, part.clone())]);
        }
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let mut found: Vec<(Option<u64>, Part)> = Vec::new();
        for part in &parts {
            let number = part.stems.iter().find_map(|stem| {
                let (base, number) = numbered(stem);
                if same(stem, table) { Some(None) } else { number.filter(|_| same(base, table)).map(Some) }
            });
            found.extend(number.map(|number| (number, part.clone())));
        }
        found.sort_by_key(|(number, _)| *number);
        if found.is_empty() {
            let there: Vec<String> = parts.iter().map(|part| format!("'{}'", part.name)).collect();
            let there = if there.is_empty() { "no table".to_owned() } else { there.join(", ") };
            let file = if table.contains('.') { table.to_owned() } else { format!("{table}.csv") };
            let what = format!(
                "file '{file}' is not in the source folder, nor a sheet or packed file of that name; there is {there}"
            );
            return Err(Error::new(Kind::Settings, what));
        }
        Ok(found)
    }
}

impl Part {
    /// What the part's table is called when nothing else says so.
    pub(super) fn stem(&self) -> &str {
        self.stems.first().map_or("", String::as_str)
    }

    /// Tells one state of the part from the next without reading it.
    ///
    /// # Errors
    /// `Source` when the file is not there any more.
    pub(super) fn stamp(&self) -> Result<String> {
        let (Inside::File(path) | Inside::Member(path, _) | Inside::Sheet(path, _)) = &self.inside;
        let Stamp(bytes, written) = Stamp::of(path, &self.name)?;
        let written = written.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        Ok(format!("{} {bytes} {}", self.name, written.unwrap_or_default().as_nanos()))
    }

    /// Opens the part; what is packed is unpacked.
    ///
    /// # Errors
    /// `Settings` when it is not there any more, `Source` when it cannot be read or is more than a table can be.
    pub(super) fn open(&self) -> Result<Content> {
        let name = Arc::clone(&self.name);
        let (file, gaps) = match &self.inside {
            Inside::File(path) => (open(path, &name)?, None),
            Inside::Member(path, position) => (unpacked(path, *position, &name)?, None),
            Inside::Sheet(path, sheet) => {
                let (file, gaps) = rows_of_sheet(path, sheet, &name)?;
                (file, Some(gaps.into()))
            }
        };
        Ok(Content { name, file: Arc::new(file), gaps })
    }
}

fn open(path: &Path, name: &str) -> Result<File> {
    File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(Kind::Settings, format!("file '{name}' is not in the source folder"))
        }
        _ => unreadable(name).because(error),
    })
}

pub(super) fn unreadable(name: &str) -> Error {
    Error::new(Kind::Source, format!("reading file '{name}'"))
}

fn members(name: &str, path: &Path) -> Result<Vec<Part>> {
    let refused = |what: String| Error::new(Kind::Source, format!("file '{name}' {what}"));
    spreadsheet::check(BufReader::new(open(path, name)?), ARCHIVE, "is no ZIP archive").map_err(refused)?;
    let broken = |error: zip::result::ZipError| refused("is no ZIP archive".to_owned()).because(error);
    let mut archive = ZipArchive::new(BufReader::new(open(path, name)?)).map_err(broken)?;
    let mut parts = Vec::new();
    for position in 0..archive.len() {
        let member = archive.by_index_raw(position).map_err(broken)?;
        let inner = member.name().map_err(broken)?.into_owned();
        let file = inner.rsplit(['/', '\\']).next().unwrap_or_default();
        // A Mac puts a shadow of every file beside it.
        let is_shadow = inner.starts_with("__MACOSX") || file.starts_with('.');
        if member.is_file() && !is_shadow && TEXTS.contains(&ending(file).as_str()) {
            parts.push(Part {
                name: format!("{name}/{inner}").into(),
                stems: vec![stem(file)],
                inside: Inside::Member(path.to_owned(), position),
            });
        }
    }
    Ok(parts)
}

fn unpacked(path: &Path, position: usize, name: &str) -> Result<File> {
    let broken = |error: zip::result::ZipError| unreadable(name).because(error);
    let mut archive = ZipArchive::new(BufReader::new(open(path, name)?)).map_err(broken)?;
    let mut member = archive.by_index(position).map_err(broken)?;
    let mut file = nameless(name)?;
    std::io::copy(&mut member, &mut file).map_err(|error| unreadable(name).because(error))?;
    Ok(file)
}

fn nameless(name: &str) -> Result<File> {
    let failed = |error| Error::new(Kind::Source, format!("unpacking '{name}'")).because(error);
    tempfile::tempfile().map_err(failed)
}

type Book = Xlsx<BufReader<File>>;

fn book(name: &str, path: &Path) -> Result<Book> {
    let refused = |what: String| Error::new(Kind::Source, format!("file '{name}' {what}"));
    spreadsheet::check(BufReader::new(open(path, name)?), BOOK, "is no XLSX workbook").map_err(refused)?;
    Xlsx::new(BufReader::new(open(path, name)?)).map_err(|error| unreadable(name).because(error))
}

/// The sheets that people see and that hold something. A single one may be called by the file's name too.
fn sheets(name: &str, path: &Path) -> Result<Vec<Part>> {
    let mut book = book(name, path)?;
    let seen = book.sheets_metadata().iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let seen: Vec<String> = seen.map(|sheet| sheet.name.clone()).collect();
    let mut filled = Vec::new();
    for sheet in seen {
        let mut cells = match book.worksheet_cells_reader(&sheet) {
            // A sheet that is only a chart.
            Err(XlsxError::NotAWorksheet(_)) => continue,
            cells => cells.map_err(|error| unreadable(name).because(error))?,
        };
        if cells.next_cell().map_err(|error| unreadable(name).because(error))?.is_some() {
            filled.push(sheet);
        }
    }
    let is_only = filled.len() == 1;
    let part = |sheet: String| Part {
        name: format!("{name}/{sheet}").into(),
        stems: if is_only { vec![stem(name), sheet.clone()] } else { vec![sheet.clone()] },
        inside: Inside::Sheet(path.to_owned(), sheet),
    };
    Ok(filled.into_iter().map(part).collect())
}

/// A sheet's rows as text, and where rows without a value were left out.
fn rows_of_sheet(path: &Path, sheet: &str, name: &str) -> Result<(File, Vec<(u64, u64)>)> {
    let broken = |error: XlsxError| unreadable(name).because(error);
    let mut book = book(name, path)?;
    // Trailing empty cells are not stored, so the width must be known before the first row is written.
    let mut cells = book.worksheet_cells_reader(sheet).map_err(broken)?;
    let mut width = 0;
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        if spreadsheet::text(cell.get_value()).is_some_and(|text| !text.is_empty()) {
            width = width.max(cell.get_position().1 as usize + 1);
        }
    }
    drop(cells);
    let failed = |error: csv::Error| Error::new(Kind::Source, format!("unpacking '{name}'")).because(error);
    let mut writer = csv::Writer::from_writer(BufWriter::new(nameless(name)?));
    let mut gaps: Vec<(u64, u64)> = Vec::new();
    let (mut row, mut written) = (None, 0_u64);
    let mut texts: Vec<String> = vec![String::new(); width];
    let mut put = |row: Option<u32>, texts: &mut Vec<String>| {
        let Some(row) = row.filter(|_| texts.iter().any(|text| !text.trim().is_empty())) else { return Ok(()) };
        written += 1;
        let ahead = u64::from(row) + 1 - written;
        if gaps.last().map_or(0, |(_, last)| *last) != ahead {
            gaps.push((written, ahead));
        }
        let result = writer.write_record(&*texts);
        texts.iter_mut().for_each(String::clear);
        result
    };
    let mut cells = book.worksheet_cells_reader(sheet).map_err(broken)?;
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        let (at, column) = cell.get_position();
        if row != Some(at) {
            put(row, &mut texts).map_err(failed)?;
            row = Some(at);
        }
        if let (Some(text), Some(place)) = (spreadsheet::text(cell.get_value()), texts.get_mut(column as usize)) {
            *place = text;
        }
    }
    put(row, &mut texts).map_err(failed)?;
    let unpacking = |error: std::io::Error| Error::new(Kind::Source, format!("unpacking '{name}'")).because(error);
    let buffered = writer.into_inner().map_err(|error| unpacking(error.into_error()))?;
    let mut file = buffered.into_inner().map_err(|error| unpacking(error.into_error()))?;
    file.flush().and_then(|()| file.rewind()).map_err(unpacking)?;
    Ok((file, gaps))
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

fn stem(name: &str) -> String {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// A name without the number of its part: `clients-2`, `clients (2)`, `clients_part_02` are parts of `clients`.
pub(super) fn numbered(stem: &str) -> (&str, Option<u64>) {
    let inner = stem.trim_end();
    let (inner, is_bracketed) = inner.strip_suffix(')').map_or((inner, false), |inner| (inner, true));
    let name = inner.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let Ok(number) = inner[name.len()..].parse::<u64>() else { return (stem, None) };
    let name = if is_bracketed {
        match name.strip_suffix('(') {
            Some(name) => name,
            None => return (stem, None),
        }
    } else {
        name
    };
    let is_between = |sign: char| matches!(sign, ' ' | '_' | '-' | '.');
    let bare = name.trim_end_matches(is_between);
    let word = bare.to_lowercase();
    let is_part = word.strip_suffix("part").is_some_and(|before| before.ends_with(is_between));
    let base = if is_part { bare[..bare.len() - "part".len()].trim_end_matches(is_between) } else { bare };
    // Without anything between, the digits belong to the name: `q3` is no part of `q`.
    let is_apart = is_bracketed || is_part || bare.len() < name.len();
    if base.is_empty() || !is_apart { (stem, None) } else { (base, Some(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_their_numbers() {
        let check = |stem: &str, base: &str, number: Option<u64>| assert_eq!(numbered(stem), (base, number));
        check("clients", "clients", None);
        check("clients-2", "clients", Some(2));
        check("clients (3)", "clients", Some(3));
        check("clients_part_02", "clients", Some(2));
        check("Clients Part 2", "Clients", Some(2));
        check("q3", "q3", None);
        check("2024", "2024", None);
        check("clients)", "clients)", None);
        check("client 7)", "client 7)", None);
        check("part-2", "part", Some(2));
        check("naïve.10", "naïve", Some(10));
    }

    #[test]
    fn rows_keep_the_numbers_that_people_see() {
        let file = Arc::new(tempfile::tempfile().expect("a file"));
        let content =
            |gaps: &[(u64, u64)]| Content { name: "x".into(), file: Arc::clone(&file), gaps: Some(gaps.into()) };
        assert_eq!(content(&[]).row_number(7), 7);
        // The sheet's rows 1, 3, 4, 9.
        let sheet = content(&[(2, 1), (4, 5)]);
        assert_eq!([1, 2, 3, 4].map(|row| sheet.row_number(row)), [1, 3, 4, 9]);
    }
}
