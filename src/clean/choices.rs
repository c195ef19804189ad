//! Yes or no, and lists of options.

use std::collections::BTreeSet;

use super::{Cleaned, Outcome, Unreadable, code, text};

/// Yes, no, or nothing.
///
/// # Errors
/// Any word that is neither.
pub fn flag(text: &str) -> Outcome<Option<bool>> {
    const YES: &[&str] = &["true", "1", "yes", "y", "t", "on", "x", "active", "checked"];
    const NO: &[&str] = &["false", "0", "no", "n", "f", "off", "inactive", "unchecked"];
    let word = text.trim();
    let is_one_of = |words: &[&str]| words.iter().any(|own| word.eq_ignore_ascii_case(own));
    if is_one_of(YES) {
        Ok(Cleaned::plain(Some(true)))
    } else if is_one_of(NO) {
        Ok(Cleaned::plain(Some(false)))
    } else if super::is_absent(word) {
        Ok(Cleaned::plain(None))
    } else {
        Err(Unreadable::new(code::INVALID_BOOL, text, "is neither yes nor no"))
    }
}

/// The options of a cell: separated by `;`, `,`, `|` or line ends, each once, compared by letters without case.
#[must_use]
pub fn options(cell: &str) -> Cleaned<BTreeSet<String>> {
    let mut found: Cleaned<BTreeSet<String>> = Cleaned::plain(BTreeSet::new());
    // Composed first: some look-alikes of the semicolon become one only then.
    let cell = text::block(cell).into_value(&mut found.notes);
    add_options(&mut found, cell.split([';', ',', '|', '\n']));
    found
}

/// The options of a cell where one separator is known; otherwise as [`options`].
#[must_use]
pub fn options_at(cell: &str, separator: &str) -> Cleaned<BTreeSet<String>> {
    let mut found: Cleaned<BTreeSet<String>> = Cleaned::plain(BTreeSet::new());
    add_options(&mut found, cell.split(separator));
    found
}

fn add_options<'p>(found: &mut Cleaned<BTreeSet<String>>, pieces: impl Iterator<Item = &'p str>) {
    for piece in pieces {
        let option = text::line(piece).into_value(&mut found.notes);
        let known = found.value.iter().any(|known| known.to_lowercase() == option.to_lowercase());
        if !option.is_empty() && !known {
            found.value.insert(option);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn flags() {
        for (text, expected) in [
            ("true", Some(true)),
            ("1", Some(true)),
            ("Active", Some(true)),
            ("Y", Some(true)),
            ("FALSE", Some(false)),
            ("0", Some(false)),
            ("no", Some(false)),
            ("", None),
            ("N/A", None),
        ] {
            assert_eq!(flag(text).map(|cleaned| cleaned.value), Ok(expected), "{text:?}");
        }
        assert_eq!(flag("maybe").map_err(|error| error.to_string()), Err("\"maybe\" is neither yes nor no".to_owned()));
    }

    #[test]
    fn option_lists() {
        let check = |cell: &str, expected: &[&str]| {
            assert_eq!(options(cell).value.into_iter().collect::<Vec<_>>(), expected, "{cell:?}");
        };
        check("", &[]);
        check("school, rush", &["rush", "school"]);
        check("AI; EPS; PDF;", &["AI", "EPS", "PDF"]);
        check("rush, Rush ,RUSH", &["rush"]);
        check("a|b\nc", &["a", "b", "c"]);
        check("a\u{37e}b", &["a", "b"]);
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn never_panic(text in "\\PC{0,40}") {
            flag(&text).ok();
            let once = options(&text).value;
            let joined = once.iter().cloned().collect::<Vec<_>>().join("; ");
            prop_assert_eq!(options(&joined).value, once);
        }
    }
}
