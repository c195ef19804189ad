//! Phone cells: one number, several, extensions, vanity letters, a spreadsheet's guard quote.

use phonenumber::Mode;
use phonenumber::country::Id as Country;

use super::{Cleaned, Note, code, shown, text};

/// Numbers shorter than this are no numbers of their own but the changed end of the one before: `602-555-0142 / 0143`.
const OWN_NUMBER_DIGITS: usize = 7;

/// The most digits that are looked up: E.164 allows 15, an international prefix adds a few.
const DIGITS_MAX: usize = 20;

/// All numbers of a cell in their order, each once.
///
/// A number that is valid in its country (the default where it names none) is given in E.164, with ` ext. N` after it
/// where it has an extension. Any other is kept as written, with a note: a number that we cannot read, people often can.
#[must_use]
pub fn phones(cell: &str, default_country: Country) -> Cleaned<Vec<String>> {
    let mut found = Cleaned::plain(Vec::new());
    if super::is_absent(cell) {
        return found;
    }
    let mut first_written: Option<String> = None;
    for piece in cell.split([';', ',', '/', '|', '\n', '\r']) {
        let mut piece = text::line(unguarded(piece)).value;
        if piece.is_empty() {
            continue;
        }
        if let (Some(last), ("", Some(extension))) = (found.value.last_mut(), split_extension(&piece)) {
            // "602-555-0142, ext. 3": the comma did not begin a second number.
            if last.starts_with('+') && !last.contains(' ') {
                last.push_str(" ext. ");
                last.push_str(extension);
                continue;
            }
        }
        if let Some(whole) = first_written.as_deref().and_then(|first| completed(first, &piece)) {
            found.notes.push(Note::new(code::PHONE_COMPLETED, format!("{piece:?} was completed to {whole:?}")));
            piece = whole;
        }
        let number = match e164(&piece, default_country) {
            Some(number) => number,
            None => {
                let detail = format!(
                    "{:?} is not a valid number in {default_country:?} or abroad; kept as written",
                    shown(&piece)
                );
                found.notes.push(Note::new(code::INVALID_PHONE, detail));
                piece.clone()
            }
        };
        first_written.get_or_insert(piece);
        if !found.value.contains(&number) {
            found.value.push(number);
        }
    }
    found
}

/// Without the quote or formula by which spreadsheets keep a plus sign or a leading zero: `'+1…`, `="+1…"`.
fn unguarded(piece: &str) -> &str {
    let piece = piece.trim();
    let piece = piece.strip_prefix("=\"").and_then(|inner| inner.strip_suffix('"')).unwrap_or(piece);
    piece.trim_start_matches(['\'', '’'])
}

/// The first number with its end replaced by the digits of a short second one.
fn completed(first: &str, second: &str) -> Option<String> {
    let digits: Vec<char> = second.chars().filter(char::is_ascii_digit).collect();
    let first_digits = first.chars().filter(char::is_ascii_digit).count();
    let only_digits =
        second.chars().all(|character| character.is_ascii_digit() || matches!(character, ' ' | '-' | '.'));
    if digits.is_empty()
        || !only_digits
        || digits.len() >= OWN_NUMBER_DIGITS
        || first_digits < OWN_NUMBER_DIGITS
        || split_extension(first).1.is_some()
    {
        return None;
    }
    let mut replacement = digits.iter().rev();
    let whole: Vec<char> = first
        .chars()
        .rev()
        .map(|character| if character.is_ascii_digit() { *replacement.next().unwrap_or(&character) } else { character })
        .collect();
    Some(whole.into_iter().rev().collect())
}

/// E.164 with the extension, if the number is valid.
///
/// Only `+` and digits reach the crate: its parser holds unchecked slices, and short plain input is also its fastest.
fn e164(written: &str, default_country: Country) -> Option<String> {
    let (number, extension) = split_extension(written);
    let dialled = dialled(number)?;
    let parsed = phonenumber::parse(Some(default_country), &dialled).ok()?;
    if !phonenumber::is_valid(&parsed) {
        return None;
    }
    let mut formatted = parsed.format().mode(Mode::E164).to_string();
    // E.164 as the crate prints it may carry the extension; ours is added below.
    formatted.truncate(
        formatted.find(|character: char| character != '+' && !character.is_ascii_digit()).unwrap_or(formatted.len()),
    );
    if let Some(extension) = extension {
        formatted.push_str(" ext. ");
        formatted.push_str(extension);
    }
    Some(formatted)
}

/// `(602) 555-0142 x3`, `… ext. 3`, `… #3`: the number and its extension.
fn split_extension(written: &str) -> (&str, Option<&str>) {
    let trimmed = written.trim_end();
    let digits_from = trimmed.len() - trimmed.bytes().rev().take_while(u8::is_ascii_digit).count();
    let extension = &trimmed[digits_from..];
    let before = trimmed[..digits_from].trim_end_matches([' ', '.', ':']);
    if extension.is_empty() || extension.len() >= OWN_NUMBER_DIGITS {
        return (written, None);
    }
    for mark in ["extension", "extn", "ext", "x", "#"] {
        let start = before.len().checked_sub(mark.len());
        let matches = start.and_then(|start| before.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(mark));
        if let (true, Some(start)) = (matches, start) {
            return (&before[..start], Some(extension));
        }
    }
    (written, None)
}

/// Plus and digits only; vanity letters become digits. `None` for anything that no phone number holds.
fn dialled(number: &str) -> Option<String> {
    let mut dialled = String::with_capacity(number.len());
    let mut letters = 0;
    for character in number.trim().chars() {
        match character {
            '0'..='9' => dialled.push(character),
            '+' if dialled.is_empty() => dialled.push('+'),
            ' ' | '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2015}' => {}
            'a'..='z' | 'A'..='Z' => {
                letters += 1;
                dialled.push(keypad(character.to_ascii_lowercase()));
            }
            _ => return None,
        }
    }
    let digits = dialled.trim_start_matches('+').len();
    // "(0)" after a country code is said at home and not dialled from abroad.
    let dialled = if number.contains("(0)") && dialled.starts_with('+') { without_trunk_zero(number) } else { dialled };
    let is_vanity = letters == 0 || (letters >= 3 && digits > letters);
    (is_vanity && (4..=DIGITS_MAX).contains(&digits)).then_some(dialled)
}

fn without_trunk_zero(number: &str) -> String {
    number.replacen("(0)", "", 1).chars().filter(|character| *character == '+' || character.is_ascii_digit()).collect()
}

/// ITU-T E.161's letters on the keys.
fn keypad(letter: char) -> char {
    match letter {
        'a'..='c' => '2',
        'd'..='f' => '3',
        'g'..='i' => '4',
        'j'..='l' => '5',
        'm'..='o' => '6',
        'p'..='s' => '7',
        't'..='v' => '8',
        _ => '9',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(cell: &str, expected: &[&str], codes: &[&str]) {
        let cleaned = phones(cell, Country::US);
        assert_eq!(cleaned.value, expected, "{cell:?}");
        assert_eq!(cleaned.notes.iter().map(|note| note.code.as_str()).collect::<Vec<_>>(), codes, "{cell:?}");
    }

    #[test]
    fn cells() {
        check("", &[], &[]);
        check("n/a", &[], &[]);
        check("(602) 555-0142", &["+16025550142"], &[]);
        check("602.555.0142", &["+16025550142"], &[]);
        check("1-602-555-0142", &["+16025550142"], &[]);
        check("(602) 555-0142 x3", &["+16025550142 ext. 3"], &[]);
        check("602-555-0142 Ext. 204", &["+16025550142 ext. 204"], &[]);
        check("602-555-0142, ext. 3", &["+16025550142 ext. 3"], &[]);
        check("602-555-0142 #7", &["+16025550142 ext. 7"], &[]);
        check("'+1 602 555 0142", &["+16025550142"], &[]);
        check("=\"+16025550142\"", &["+16025550142"], &[]);
        check("602-555-0142 / 0143", &["+16025550142", "+16025550143"], &["phone_completed"]);
        check("602-555-0142 / 602-555-0199", &["+16025550142", "+16025550199"], &[]);
        check("602-555-0142; 6025550142", &["+16025550142"], &[]);
        check("1-800-FLOWERS", &["+18003569377"], &[]);
        check("+44 (0)20 7946 0958", &["+442079460958"], &[]);
        check("+49 30 901820", &["+4930901820"], &[]);
        check("555-0142", &["555-0142"], &["invalid_phone"]);
        check("call the front desk", &["call the front desk"], &["invalid_phone"]);
        check("+", &["+"], &["invalid_phone"]);
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn cleaning_twice_changes_nothing(cell in "\\PC{0,40}|[+0-9x#()/ .a-z-]{0,24}") {
            let once = phones(&cell, Country::US).value;
            let joined = once.join("; ");
            let twice = phones(&joined, Country::US).value;
            // A number kept as written may still complete a shorter one after it, so only what was read must stay.
            for number in once.iter().filter(|number| number.starts_with('+') && number.len() > 8) {
                prop_assert!(twice.contains(number), "{:?} of {:?}", number, twice);
            }
        }
    }
}
