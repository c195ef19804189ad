//! A file as text: decoded piece by piece, remembering where bytes had no meaning.

use std::collections::VecDeque;
use std::io::Read;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, Kind, Result};

use super::parts::Content;
use super::probe::{CHUNK_BYTES, Probe};

/// The text of a file from where it was last consumed.
pub(super) struct Text {
    input: Box<dyn Read + Send>,
    name: String,
    decoder: Decoder,
    width: Width,
    chunk: Vec<u8>,
    text: String,
    /// Bytes of `text` that are consumed.
    taken: usize,
    /// Bytes without meaning in what is not consumed, by their place in `text`.
    bad: VecDeque<Bad>,
    /// Place in the file of what is not consumed; `None` where the encoding does not tell.
    offset: Option<u64>,
    /// Bytes of the file that were decoded.
    decoded: u64,
    ended: bool,
}

#[derive(Debug)]
struct Bad {
    at: usize,
    offset: u64,
    /// By how much the file is longer there than the text suggests.
    extra_bytes: i64,
}

/// How many bytes of the file a character takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Utf8,
    Utf16,
    One,
    Unknown,
}

impl Text {
    /// The text of a part of the source.
    pub(super) fn of(content: &Content, probe: &Probe) -> Result<Self> {
        Self::new(Box::new(content.reader()), &content.name, probe.encoding, probe.mark_bytes)
    }

    /// Text from the start of `input`, whose byte order mark is `mark_bytes` long. `name` is for messages.
    pub(super) fn new(
        input: Box<dyn Read + Send>,
        name: &str,
        encoding: &'static Encoding,
        mark_bytes: u64,
    ) -> Result<Self> {
        let width = match encoding {
            encoding if encoding == UTF_8 => Width::Utf8,
            encoding if encoding == UTF_16LE || encoding == UTF_16BE => Width::Utf16,
            encoding if encoding.is_single_byte() => Width::One,
            _ => Width::Unknown,
        };
        let mut text = Self {
            input,
            name: name.to_owned(),
            decoder: encoding.new_decoder_without_bom_handling(),
            width,
            chunk: vec![0; CHUNK_BYTES],
            text: String::new(),
            taken: 0,
            bad: VecDeque::new(),
            offset: (width != Width::Unknown).then_some(mark_bytes),
            decoded: mark_bytes,
            ended: false,
        };
        let mut mark = (&mut text.input).take(mark_bytes);
        std::io::copy(&mut mark, &mut std::io::sink()).map_err(|error| text.unreadable().because(error))?;
        Ok(text)
    }

    /// Name of the file, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What is decoded and not consumed.
    pub(super) fn rest(&self) -> &str {
        &self.text[self.taken..]
    }

    /// Place of the rest in the file, in bytes from 0; `None` where the encoding does not tell.
    pub(super) fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// Place in the file of the first byte without meaning among the next `length` bytes of text.
    pub(super) fn first_bad(&self, length: usize) -> Option<u64> {
        self.bad.front().filter(|bad| bad.at < self.taken + length).map(|bad| bad.offset)
    }

    /// Goes on by `length` bytes of text, a whole number of characters.
    pub(super) fn consume(&mut self, length: usize) {
        let passed = &self.text[self.taken..self.taken + length];
        let mut bytes = match self.width {
            Width::Utf8 | Width::Unknown => passed.len(),
            Width::Utf16 => passed.encode_utf16().count() * 2,
            Width::One => passed.chars().count(),
        } as i64;
        self.taken += length;
        while self.bad.front().is_some_and(|bad| bad.at < self.taken) {
            bytes += self.bad.pop_front().map_or(0, |bad| bad.extra_bytes);
        }
        self.offset = self.offset.map(|offset| offset.saturating_add_signed(bytes));
    }

    /// Decodes another piece; false at the end of the file.
    ///
    /// # Errors
    /// `Source` when the file cannot be read.
    pub(super) fn fill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.text.drain(..self.taken);
        for bad in &mut self.bad {
            bad.at -= self.taken;
        }
        self.taken = 0;
        let read = self.input.read(&mut self.chunk).map_err(|error| self.unreadable().because(error))?;
        self.ended = read == 0;
        self.decode(read);
        Ok(true)
    }

    fn decode(&mut self, read: usize) {
        let mut at = 0;
        loop {
            let piece = &self.chunk[at..read];
            let room = self.decoder.max_utf8_buffer_length_without_replacement(piece.len()).unwrap_or(piece.len() * 3);
            self.text.reserve(room);
            let start = self.text.len();
            let (result, used) = self.decoder.decode_to_string_without_replacement(piece, &mut self.text, self.ended);
            self.note_controls(start);
            at += used;
            self.decoded += used as u64;
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, after) => {
                    let offset = self.decoded.saturating_sub(u64::from(length) + u64::from(after));
                    // What `consume` will count for the replacement character.
                    let replaced = match self.width {
                        Width::Utf8 => 3,
                        Width::Utf16 => 2,
                        Width::One | Width::Unknown => 1,
                    };
                    let extra_bytes = i64::from(length) - replaced;
                    self.bad.push_back(Bad { at: self.text.len(), offset, extra_bytes });
                    self.text.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }

    /// Encodings of one byte a character map bytes without meaning to control characters instead of refusing them.
    fn note_controls(&mut self, start: usize) {
        if self.width != Width::One {
            return;
        }
        for (index, (at, sign)) in self.text[start..].char_indices().enumerate() {
            if matches!(sign, '\u{80}'..='\u{9f}') {
                let offset = self.decoded + index as u64;
                self.bad.push_back(Bad { at: start + at, offset, extra_bytes: 0 });
            }
        }
    }

    fn unreadable(&self) -> Error {
        Error::new(Kind::Source, format!("reading file '{}'", self.name))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use encoding_rs::WINDOWS_1252;

    use super::*;

    /// Text, place of the first bad byte, and place of the last character when all before it is consumed.
    fn check(bytes: &[u8], encoding: &'static Encoding, mark: u64, expected: (&str, Option<u64>, u64)) {
        let mut text = Text::new(Box::new(Cursor::new(bytes.to_vec())), "x.csv", encoding, mark).expect("it opens");
        while text.fill().expect("it can be read") {}
        assert_eq!(text.rest(), expected.0);
        assert_eq!(text.first_bad(usize::MAX / 2), expected.1, "{}", expected.0);
        text.consume(text.rest().len() - 1);
        assert_eq!(text.offset(), Some(expected.2), "{}", expected.0);
    }

    #[test]
    fn text_and_places_in_each_encoding() {
        check("aéz".as_bytes(), UTF_8, 0, ("aéz", None, 3));
        check(b"\xEF\xBB\xBFaz", UTF_8, 3, ("az", None, 4));
        check(b"a\xFFbz", UTF_8, 0, ("a\u{fffd}bz", Some(1), 3));
        check(b"a\xE2\x82z", UTF_8, 0, ("a\u{fffd}z", Some(1), 3));
        check(b"\xFF\xFEa\0\xE9\0z\0", UTF_16LE, 2, ("aéz", None, 6));
        check(b"a\0\x00\xD8b\0z\0", UTF_16LE, 0, ("a\u{fffd}bz", Some(2), 6));
        check(b"a\xE9z", WINDOWS_1252, 0, ("aéz", None, 2));
        check(b"a\xE9\x81z", WINDOWS_1252, 0, ("aé\u{81}z", Some(2), 3));
        check("a\u{fffd}z".as_bytes(), UTF_8, 0, ("a\u{fffd}z", None, 4));
    }
}
