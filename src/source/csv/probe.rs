//! The first look at a file: is it text, in which encoding, and exactly which file is it.
//!
//! Order of evidence: byte order mark, UTF-16 by its zero bytes, UTF-8 by validity, then `chardetng`'s guess. The whole file
//! is looked at, because the first accent may stand in its last row.

use std::io::Read as _;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, Kind, Result};

use super::parts::{Content, unreadable};

/// Bytes read at once.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Starts of files that are no text, and what they are.
const NOT_TEXT: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a workbook or a ZIP archive"),
    (b"\xD0\xCF\x11\xE0", "an old workbook"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"\xFF\xFE\0\0", "text in UTF-32"),
    (b"\0\0\xFE\xFF", "text in UTF-32"),
];

/// What the first look found.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    pub(super) encoding: &'static Encoding,
    /// Length of the byte order mark.
    pub(super) mark_bytes: u64,
    /// Length of the file.
    pub(super) bytes: u64,
    /// blake3 of the file, hexadecimal.
    pub(super) digest: String,
}

/// Looks through a part of the source.
///
/// # Errors
/// `Source` when it cannot be read or is no text.
pub(super) fn probe(content: &Content) -> Result<Probe> {
    let (mut file, name) = (content.reader(), &*content.name);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut evidence = Evidence::new();
    loop {
        let read = file.read(&mut chunk).map_err(|error| unreadable(name).because(error))?;
        if read == 0 {
            break;
        }
        if evidence.bytes == 0
            && let Some((_, what)) = NOT_TEXT.iter().find(|(start, _)| chunk[..read].starts_with(start))
        {
            return Err(Error::new(Kind::Source, format!("file '{name}' is {what}; export it as CSV in UTF-8")));
        }
        evidence.add(&chunk[..read]);
    }
    evidence.conclude(name)
}

/// What is counted while the file passes.
struct Evidence {
    bytes: u64,
    mark: Option<(&'static Encoding, usize)>,
    hasher: blake3::Hasher,
    detector: EncodingDetector,
    /// The end of a chunk that may be the start of a UTF-8 character.
    pending: Vec<u8>,
    /// Characters of two or more bytes that are valid UTF-8.
    long_characters: u64,
    /// Places that are not UTF-8.
    invalid: u64,
    /// Zero bytes at even and at odd places.
    zeros: [u64; 2],
}

impl Evidence {
    fn new() -> Self {
        Self {
            bytes: 0,
            mark: None,
            hasher: blake3::Hasher::new(),
            detector: EncodingDetector::new(Iso2022JpDetection::Allow),
            pending: Vec::new(),
            long_characters: 0,
            invalid: 0,
            zeros: [0; 2],
        }
    }

    fn add(&mut self, chunk: &[u8]) {
        if self.bytes == 0 {
            self.mark = Encoding::for_bom(chunk);
        }
        self.hasher.update(chunk);
        self.detector.feed(chunk, false);
        let parity = usize::from(self.bytes % 2 == 1);
        for (index, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == 0) {
            self.zeros[(index + parity) % 2] += 1;
        }
        self.bytes += chunk.len() as u64;
        let text = [std::mem::take(&mut self.pending).as_slice(), chunk].concat();
        self.pending = self.count_utf8(&text, false);
    }

    /// Counts what is and what is not UTF-8; gives back the incomplete character at the end unless it is the file's end.
    fn count_utf8(&mut self, text: &[u8], at_end: bool) -> Vec<u8> {
        let mut chunks = text.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.long_characters += chunk.valid().chars().filter(|sign| !sign.is_ascii()).count() as u64;
            if chunk.invalid().is_empty() {
                continue;
            }
            let is_cut = std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
            if is_cut && chunks.peek().is_none() && !at_end {
                return chunk.invalid().to_vec();
            }
            self.invalid += 1;
        }
        Vec::new()
    }

    fn conclude(mut self, name: &str) -> Result<Probe> {
        let pending = std::mem::take(&mut self.pending);
        self.count_utf8(&pending, true);
        self.detector.feed(&[], true);
        let (encoding, mark_bytes) = match self.mark {
            Some((encoding, length)) => (encoding, length as u64),
            None => (self.without_mark(name)?, 0),
        };
        let digest = self.hasher.finalize().to_hex().to_string();
        Ok(Probe { encoding, mark_bytes, bytes: self.bytes, digest })
    }

    fn without_mark(&self, name: &str) -> Result<&'static Encoding> {
        let [even, odd] = self.zeros;
        // Latin text in UTF-16 has a zero in nearly every pair, always on the same side; other text has none at all.
        let many = self.bytes / 2 / 3;
        if odd > many && even <= odd / 16 {
            return Ok(UTF_16LE);
        }
        if even > many && odd <= even / 16 {
            return Ok(UTF_16BE);
        }
        if even + odd > self.bytes / 100 {
            let what = format!("file '{name}' is not text in any known encoding; export it as CSV in UTF-8");
            return Err(Error::new(Kind::Source, what));
        }
        // Text in an older encoding is hardly ever valid UTF-8 by chance. So some damaged places in a file with more valid
        // characters than that are damage, and only their rows are rejected.
        if self.invalid == 0 || self.long_characters > self.invalid {
            return Ok(UTF_8);
        }
        Ok(self.detector.guess(None, Utf8Detection::Deny))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parts::Shelf;
    use super::*;

    fn check(bytes: &[u8], expected: Result<&str, Kind>) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("x.csv"), bytes).expect("the file can be written");
        let part = Shelf::new(folder.path()).of_table("x").expect("the part").remove(0).1;
        let found =
            probe(&part.open().expect("opened")).map(|probe| probe.encoding.name()).map_err(|error| error.kind());
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn encodings_are_told_apart() {
        let text = "id,name\n1,Müller\n2,Ångström\n3,Łukasz\n";
        check(b"", Ok("UTF-8"));
        check(b"id,name\n1,Ann\n", Ok("UTF-8"));
        check(text.as_bytes(), Ok("UTF-8"));
        check(b"\xEF\xBB\xBFid\n1\n", Ok("UTF-8"));
        check(&utf16(text, u16::to_le_bytes), Ok("UTF-16LE"));
        check(&utf16(text, u16::to_be_bytes), Ok("UTF-16BE"));
        check(&[b"\xFF\xFE".as_slice(), &utf16(text, u16::to_le_bytes)].concat(), Ok("UTF-16LE"));
        check(
            b"id,name\n1,Ren\xE9e M\xFCller\n2,Fran\xE7ois Lef\xE8vre\n3,\x93quoted\x94 caf\xE9\n",
            Ok("windows-1252"),
        );
        let cyrillic = "id,имя\n1,Анна Петрова\n2,Сергей Иванов и компания\n";
        check(&encoding_rs::WINDOWS_1251.encode(cyrillic).0, Ok("windows-1251"));
        check(b"id,name\n1,M\xC3\xBCller\n2,Caf\xC3\xA9\n3,broken \xFF here\n", Ok("UTF-8"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        check(b"PK\x03\x04rest", Err(Kind::Source));
        check(b"\xFF\xFE\0\0i\0\0\0", Err(Kind::Source));
        check(&[0, 1, 2, 0, 0, 9, 0, 0, 7], Err(Kind::Source));
    }

    #[test]
    fn a_character_across_chunks_is_one_character() {
        let long = format!("{}é,ü\n", "a".repeat(CHUNK_BYTES - 1));
        check(long.as_bytes(), Ok("UTF-8"));
    }
}
