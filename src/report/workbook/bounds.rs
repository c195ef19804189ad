//! What a workbook from outside may be: bounded in its file, in what it unpacks to, and in each sheet.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::spreadsheet::{self, Bounds};

/// The largest file: ours have some hundred kilobytes.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// The most files in it: a sheet takes two or three.
const ENTRIES_MAX: usize = 1_000;
/// The most that it unpacks to, all files together.
const UNPACKED_BYTES_MAX: u64 = 128 << 20;
/// What is said of a file that is none.
const NO_WORKBOOK: &str =
    "is no XLSX workbook; save it as \"Excel workbook (.xlsx)\", without a password for opening it";
/// The most rows of a sheet.
pub(super) const ROWS_MAX: u32 = 20_000;
/// The most columns of a sheet.
pub(super) const COLUMNS_MAX: u32 = 200;

/// The bytes of a workbook that is small enough, packed and unpacked.
///
/// # Errors
/// `Settings` naming the file and what is wrong with it.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let failed = |what: String| Error::new(Kind::Settings, format!("{} {what}", path.display()));
    let file = File::open(path).map_err(|error| failed("cannot be read".to_owned()).because(error))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed("cannot be read".to_owned()).because(error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(format!("is larger than {} MB, the most that is read", FILE_BYTES_MAX >> 20)));
    }
    check(&bytes, UNPACKED_BYTES_MAX).map_err(failed)?;
    Ok(bytes)
}

fn check(bytes: &[u8], unpacked_bytes: u64) -> std::result::Result<(), String> {
    let bounds = Bounds { entries: ENTRIES_MAX, unpacked_bytes };
    spreadsheet::check(Cursor::new(bytes), bounds, NO_WORKBOOK)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// An archive of files of zeros.
    fn archive(files: &[u64]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        let zeros = vec![0_u8; 1 << 20];
        for (position, size) in files.iter().enumerate() {
            writer.start_file(format!("xl/{position}.xml"), options).expect("begun");
            let mut left = *size;
            while left > 0 {
                let piece = left.min(1 << 20);
                writer.write_all(&zeros[..usize::try_from(piece).expect("small")]).expect("written");
                left -= piece;
            }
        }
        writer.finish().expect("finished").into_inner()
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked_into_memory() {
        let bomb = archive(&[9 << 20, 9 << 20]);
        assert!(bomb.len() < 64 << 10, "18 MB of zeros pack to {} bytes", bomb.len());
        let told = check(&bomb, 16 << 20).expect_err("refused");
        assert_eq!(told, "unpacks to more than 16 MB, the most that is read");
        check(&archive(&[1 << 20, 1 << 20]), UNPACKED_BYTES_MAX).expect("small enough");
    }

    #[test]
    fn a_directory_that_lies_about_sizes_helps_no_bomb() {
        let mut bomb = archive(&[4 << 20]);
        let size = (4_u32 << 20).to_le_bytes();
        // The size stands in the entry's header or descriptor, and in the directory.
        let places: Vec<usize> = (0..bomb.len() - 4).filter(|at| bomb[*at..at + 4] == size).collect();
        assert!(!places.is_empty());
        for at in places {
            bomb[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
        }
        let told = check(&bomb, 2 << 20).expect_err("refused");
        assert!(told.contains("unpacks to more than 2 MB") || told.contains("is no XLSX workbook"), "{told}");
    }

    #[test]
    fn what_is_no_archive_or_has_too_many_files_is_refused() {
        assert!(check(b"PK\x03\x04 nothing", 1 << 20).expect_err("refused").contains("is no XLSX workbook"));
        assert!(check(b"", 1 << 20).expect_err("refused").contains("without a password"));
        let many = archive(&vec![0; ENTRIES_MAX + 1]);
        assert!(check(&many, 1 << 20).expect_err("refused").contains("more than 1000"));
    }

    #[test]
    fn a_large_file_is_refused_unread() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("big.xlsx");
        File::create(&path).and_then(|file| file.set_len(FILE_BYTES_MAX + 1)).expect("made");
        assert!(bytes(&path).expect_err("refused").message().contains("larger than 16 MB"));
    }
}
