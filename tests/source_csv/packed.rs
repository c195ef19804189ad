//! Exports that are packed, stand in workbooks, or were split: their rows are those of the plain file, with places that
//! people find.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crossdock::error::Kind;
use crossdock::source::csv::Table;
use crossdock::source::csv::raw::{RawTable, tables};
use crossdock::source::{Cursor, Page};

use super::{ids, read_from, reasons, table};

fn clients() -> Table {
    Table { name: "clients".to_owned(), ..table(&["id"]) }
}

fn read_all(folder: &Path) -> Vec<Page> {
    let pages = read_from(folder, clients(), Cursor::start()).expect("the table can be read");
    let last = pages.last().expect("a page");
    assert_eq!(Some(last.counts.records + last.counts.rejected + last.counts.repeated), last.total);
    pages
}

fn read_page(folder: &Path) -> Page {
    let mut pages = read_all(folder);
    assert_eq!(pages.len(), 1);
    pages.remove(0)
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("written");
}

fn zip(path: &Path, files: &[(&str, &[u8])]) {
    let mut writer = ZipWriter::new(File::create(path).expect("created"));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a file");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("finished");
}

fn texts(page: &Page, column: &str) -> Vec<String> {
    page.records.iter().map(|record| record.payload[column].as_str().expect("text").to_owned()).collect()
}

#[test]
fn a_table_may_lie_in_a_zip_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain("id;name\n1;Ünal\nbroken\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    zip(
        &folder.path().join("export.zip"),
        &[
            ("export/clients.csv", &utf16),
            ("__MACOSX/export/._clients.csv", b"\0\0"),
            ("read me.pdf", b"%PDF"),
            ("leads.csv", b"id\n7\n"),
        ],
    );
    let page = read_page(folder.path());
    assert_eq!((ids(&page.records), texts(&page, "name")), (vec!["1"], vec!["Ünal".to_owned()]));
    assert_eq!(
        reasons(&page),
        ["export.zip/export/clients.csv row 3: it has 1 cells where the header has 2 (line 3, byte 32)"]
    );
    assert_eq!(tables(folder.path()).expect("tables"), ["clients", "leads"]);
}

#[test]
fn an_archive_that_is_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "export.zip", "PK\u{3}\u{4}nothing");
    let error = read_from(folder.path(), clients(), Cursor::start()).map(drop).expect_err("no archive");
    assert_eq!(error.kind(), Kind::Source);
    assert!(error.message().starts_with("file 'export.zip' is no ZIP archive"), "{error:?}");
}

#[test]
fn a_table_may_be_a_sheet_of_a_workbook() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Clients").expect("a name");
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let moment = ExcelDateTime::parse_from_str("2026-03-05").expect("a day");
    // A title, an empty row, the header, rows with gaps between them, and one without a value that has only a format.
    sheet.write(0, 0, "Clients as of today").expect("written");
    for (column, name) in ["id", "name", "since", "value", "active"].into_iter().enumerate() {
        sheet.write(2, u16::try_from(column).expect("small"), name).expect("written");
    }
    sheet.write(3, 0, 17).expect("written");
    sheet.write(3, 1, "Line one\nline, \"two\"").expect("written");
    sheet.write_with_format(3, 2, &moment, &day).expect("written");
    sheet.write(3, 3, 0.1 + 0.2).expect("written");
    sheet.write(3, 4, true).expect("written");
    sheet.write_blank(4, 0, &day).expect("written");
    sheet.write(6, 0, "00018").expect("written");
    sheet.write(8, 1, "no id").expect("written");
    workbook.add_worksheet().set_name("Leads").expect("a name").write(0, 0, "id").expect("written");
    workbook.add_worksheet().set_name("Empty").expect("a name");
    let hidden = workbook.add_worksheet().set_name("Secret").expect("a name");
    hidden.write(0, 0, "id").expect("written");
    hidden.set_hidden(true);
    workbook.save(folder.path().join("crm.xlsx")).expect("saved");

    let page = read_page(folder.path());
    assert_eq!(ids(&page.records), ["17", "00018"]);
    let first = &page.records[0];
    let cells = ["name", "since", "value", "active"].map(|column| first.payload[column].as_str().expect("text"));
    assert_eq!(cells, ["Line one\nline, \"two\"", "2026-03-05", "0.3", "true"]);
    // The rows have the numbers that the sheet shows.
    assert_eq!((first.place.to_string(), page.records[1].place.row), ("crm.xlsx/Clients row 4".to_owned(), 7));
    assert_eq!(page.rejected[0].place.row, 9, "{:?}", reasons(&page));
    assert!(!page.rejected[0].reason.contains("byte"), "{:?}", reasons(&page));
    assert_eq!(tables(folder.path()).expect("tables"), ["Clients", "Leads"]);
}

#[test]
fn a_workbook_of_one_sheet_is_called_as_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, text) in ["id", "1"].into_iter().enumerate() {
        sheet.write(u32::try_from(row).expect("small"), 0, text).expect("written");
    }
    workbook.save(folder.path().join("clients.xlsx")).expect("saved");
    assert_eq!(ids(&read_page(folder.path()).records), ["1"]);
    assert_eq!(tables(folder.path()).expect("tables"), ["clients"]);
}

#[test]
fn the_parts_of_a_split_export_are_one_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    // The tenth part comes after the second, another order of columns and another delimiter do no harm, and the header of
    // each part is none of its rows.
    put(path, "clients-1.csv", "id,name\n1,a\n2,b\n");
    put(path, "clients-2.csv", "name;id\nc;3\n;\nb;2\n");
    put(path, "clients-10.csv", "id,name\n4,d\n1,other\n");
    let page = read_page(path);
    assert_eq!(ids(&page.records), ["2", "3", "4"]);
    assert_eq!(texts(&page, "name"), ["b", "c", "d"]);
    assert_eq!(
        reasons(&page),
        [
            "clients-1.csv row 2: id '1' stands in row 3 of clients-10.csv too, with other values (line 2, byte 8)",
            "clients-2.csv row 3: it has no id: column 'id' is empty (line 3, byte 12)",
            "clients-10.csv row 3: id '1' stands in row 2 of clients-1.csv too, with other values (line 3, byte 12)",
        ]
    );
    assert_eq!(page.repeated.len(), 1);
    assert_eq!(tables(path).expect("tables"), ["clients"]);
    let mut raw = RawTable::open(path, "clients").expect("opened");
    let rows: Vec<_> = raw.next_rows().expect("read").expect("rows").into_iter().flatten().collect();
    assert_eq!(rows.iter().map(|row| row.values["id"].clone()).collect::<Vec<_>>(), ["1", "2", "3", "", "2", "4", "1"]);
}

#[test]
fn a_part_with_other_columns_is_a_table_of_its_own_or_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    put(path, "clients.csv", "id,name\n1,a\n");
    put(path, "clients-2.csv", "id,phone\n2,555\n");
    assert_eq!(ids(&read_page(path).records), ["1"]);
    assert_eq!(tables(path).expect("tables"), ["clients", "clients-2"]);
    std::fs::rename(path.join("clients.csv"), path.join("clients-1.csv")).expect("renamed");
    let error = read_from(path, clients(), Cursor::start()).map(drop).expect_err("two tables");
    assert_eq!(
        error.message(),
        "file 'clients-2.csv' and file 'clients-1.csv' are parts of one table by their names, but the first has 'phone' that the other has not, and lacks 'name'"
    );
}

#[test]
fn a_delimiter_behind_every_row_is_no_cell_and_one_behind_a_single_row_is() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "clients.csv", "id,name\n1,a,\n2,b,\n3,c\n4,d,x\n5,e,\n");
    let page = read_page(folder.path());
    assert_eq!(ids(&page.records), ["1", "2", "5"]);
    assert_eq!(page.rejected.len(), 2);
    put(folder.path(), "clients.csv", "id,name,note\n1,a,\n2,Lee, Ann,\n3,c,\n");
    let page = read_page(folder.path());
    assert_eq!(ids(&page.records), ["1", "3"], "the second row's cells were shifted");
}

#[test]
fn the_apostrophe_before_a_formula_is_not_part_of_the_value() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "clients.csv", "id,name\n1,'+1 555 0100\n2,'-120.50\n3,'=1+1\n4,'t Hooft\n5,''\n");
    assert_eq!(texts(&read_page(folder.path()), "name"), ["+1 555 0100", "-120.50", "=1+1", "'t Hooft", "''"]);
}

#[test]
fn a_table_that_nobody_wrote_to_is_not_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clients.csv");
    put(folder.path(), "clients.csv", "id,name\n1,a\n");
    let written = std::fs::metadata(&path).and_then(|file| file.modified()).expect("a time");
    let end = read_page(folder.path()).cursor;
    // The same length and the same time: nothing tells that the content is another, so nothing is read.
    put(folder.path(), "clients.csv", "id,name\n1,b\n");
    let set = |time| File::options().write(true).open(&path).and_then(|file| file.set_modified(time)).expect("set");
    set(written);
    let again = read_from(folder.path(), clients(), end.clone()).expect("read");
    assert_eq!((again.len(), again[0].records.len(), again[0].total), (1, 0, Some(1)));
    assert!(again[0].last && again[0].cursor == end);
    set(written + std::time::Duration::from_secs(1));
    let again = read_from(folder.path(), clients(), end).expect("read");
    assert_eq!(texts(&again[0], "name"), ["b"]);
}
