//! Free text: white space, control characters, one Unicode form, and a look-out for wrong encodings.
//!
//! Wrong encodings are only flagged. Repairing them would sometimes spoil a right text, and nobody would see it.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::{Cleaned, Note, code};

/// One line: trimmed, inner white space single (line ends too), without control and zero-width characters, in NFC.
#[must_use]
pub fn line(text: &str) -> Cleaned<String> {
    if is_tidy(text) {
        return Cleaned::plain(text.to_owned());
    }
    let (text, notes) = composed(text);
    Cleaned { value: text.split_whitespace().collect::<Vec<_>>().join(" "), notes }
}

/// Several lines: line ends as `\n`, each line trimmed at its end, the whole trimmed; else as [`line()`].
#[must_use]
pub fn block(text: &str) -> Cleaned<String> {
    if is_tidy(text) {
        return Cleaned::plain(text.to_owned());
    }
    let (text, notes) = composed(&text.replace("\r\n", "\n").replace('\r', "\n"));
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Cleaned { value: lines.join("\n").trim().to_owned(), notes }
}

/// Printable ASCII with single inner spaces: the common case, which needs no second look.
fn is_tidy(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut before = b' ';
    for &byte in bytes {
        if !(b' '..=b'~').contains(&byte) || (byte == b' ' && before == b' ') {
            return false;
        }
        before = byte;
    }
    bytes.is_empty() || before != b' '
}

/// Removes what nobody sees and composes accents, so that equal names are equal bytes.
fn composed(text: &str) -> (String, Vec<Note>) {
    let mut notes = Vec::new();
    let mut controls = 0_usize;
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // Byte order mark, zero-width space, word joiner, soft hyphen. The zero-width joiner stays: emoji need it.
            '\u{feff}' | '\u{200b}' | '\u{2060}' | '\u{ad}' => {}
            _ if character.is_whitespace() => kept.push(character),
            _ if character.is_control() => controls += 1,
            _ => kept.push(character),
        }
    }
    if controls > 0 {
        notes.push(Note::new(code::CONTROL_CHARACTERS, format!("{controls} control characters were removed")));
    }
    if is_nfc_quick(kept.chars()) != IsNormalized::Yes {
        kept = kept.nfc().collect();
    }
    if looks_misread(&kept) {
        notes.push(Note::new(code::MOJIBAKE, "looks like text read in a wrong encoding; kept as it is"));
    }
    (kept, notes)
}

/// Traces of UTF-8 read as Windows-1252 or Latin-1, or characters already lost.
fn looks_misread(text: &str) -> bool {
    let mut before = ' ';
    for character in text.chars() {
        let second_byte = matches!(
            character,
            '\u{80}'..='\u{bf}' | '€' | '‚' | 'ƒ' | '„' | '…' | '†' | '‡' | 'ˆ' | '‰' | '™' | 'œ' | 'ž'
        );
        if character == '\u{fffd}'
            || (matches!(before, 'Ã' | 'Â') && second_byte)
            || (before == 'â' && character == '€')
        {
            return true;
        }
        before = character;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str, codes: &[&str]) {
        let cleaned = line(text);
        assert_eq!(cleaned.value, expected);
        assert_eq!(cleaned.notes.iter().map(|note| note.code.as_str()).collect::<Vec<_>>(), codes);
    }

    #[test]
    fn lines() {
        check("", "", &[]);
        check("Harbor Foods Ltd", "Harbor Foods Ltd", &[]);
        check("  Harbor \t Foods\r\nLtd ", "Harbor Foods Ltd", &[]);
        check("Harbor\u{a0}Foods", "Harbor Foods", &[]);
        check("\u{feff}Har\u{200b}bor", "Harbor", &[]);
        check("Har\0bor\u{7}", "Harbor", &["control_characters"]);
        check("A\u{30a}ngstro\u{308}m", "Ångström", &[]);
        check("O’Neil 🎈", "O’Neil 🎈", &[]);
        check("👩\u{200d}🔧", "👩\u{200d}🔧", &[]);
        check("Ã…ngstrÃ¶m", "Ã…ngstrÃ¶m", &["mojibake"]);
        check("itâ€™s", "itâ€™s", &["mojibake"]);
        check("caf\u{fffd}", "caf\u{fffd}", &["mojibake"]);
        check("Âge", "Âge", &[]);
    }

    #[test]
    fn blocks_keep_their_lines() {
        assert_eq!(block("  one \r\n\r\n two\u{0}  \n").value, "one\n\n two");
        assert_eq!(block("one\rtwo").value, "one\ntwo");
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn cleaning_twice_changes_nothing(text in "\\PC*|(.|\\s){0,60}") {
            let once = line(&text).value;
            prop_assert_eq!(&line(&once).value, &once);
            let once = block(&text).value;
            prop_assert_eq!(&block(&once).value, &once);
        }
    }
}
