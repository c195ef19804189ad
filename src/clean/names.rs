//! Names of people.

use super::{Cleaned, Note, code, text};

/// Suffixes after a comma that do not make "Last, First" of a name. Lower case, without dots.
const SUFFIXES: &[&str] = &[
    "jr", "sr", "ii", "iii", "iv", "phd", "md", "dds", "cpa", "esq", "mba", "rn", "pe", "mas", "mas+", "cas", "inc",
    "llc", "ltd", "co", "corp", "gmbh", "plc", "lp", "llp", "pllc", "pc", "sa", "ag",
];

/// The most words on either side of the comma that still read as "Last, First".
const WORDS_PER_SIDE: usize = 3;

/// A person's name in one line; "Last, First" is turned round, with a note.
///
/// Capitals are left alone (nobody knows whether `DEVRIES` is `DeVries` or `de Vries`), and so is a company's name in
/// the place of a last name. One comma with letters on both sides makes "Last, First", unless the right side is a suffix
/// such as `Jr.` or `Inc`.
#[must_use]
pub fn person(name: &str) -> Cleaned<String> {
    let mut cleaned = text::line(name);
    if let Some(turned) = turned_round(&cleaned.value) {
        cleaned.notes.push(Note::new(code::NAME_REORDERED, format!("{:?} was read as {turned:?}", cleaned.value)));
        cleaned.value = turned;
    }
    cleaned
}

fn turned_round(name: &str) -> Option<String> {
    let (last, first) = name.split_once(',')?;
    let (last, first) = (last.trim(), first.trim());
    let is_side = |side: &str| {
        let words = side.split(' ').count();
        (1..=WORDS_PER_SIDE).contains(&words)
            && side.chars().next().is_some_and(char::is_alphabetic)
            && side
                .chars()
                .all(|character| character.is_alphabetic() || " .'’-".contains(character) || is_mark(character))
    };
    if !is_side(last) || !is_side(first) || has_suffix(first) {
        return None;
    }
    Some(format!("{first} {last}"))
}

/// Combining marks that have no composed form belong to the letter before them.
fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
}

fn has_suffix(side: &str) -> bool {
    let Some(word) = side.split(' ').next_back() else { return false };
    let word = word.replace('.', "").to_lowercase();
    SUFFIXES.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(person(name).value, expected, "{name:?}");
    }

    #[test]
    fn people() {
        check("Dana Ruiz", "Dana Ruiz");
        check("Ruiz, Dana", "Dana Ruiz");
        check("  Ruiz ,  Dana  M. ", "Dana M. Ruiz");
        check("O’Neil, Seán", "Seán O’Neil");
        check("van der Berg, Ån", "Ån van der Berg");
        check("DANA RUIZ", "DANA RUIZ");
        check("Dana Ruiz, Jr.", "Dana Ruiz, Jr.");
        check("Dana Ruiz, PhD", "Dana Ruiz, PhD");
        check("Harbor Foods, Inc.", "Harbor Foods, Inc.");
        check("Dana Harbor Foods Ltd", "Dana Harbor Foods Ltd");
        check("Ruiz, Dana, Kim", "Ruiz, Dana, Kim");
        check("Ruiz,", "Ruiz,");
        check("🎈 Party, Co", "🎈 Party, Co");
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn cleaning_twice_changes_nothing(name in "\\PC{0,40}|[A-Z][a-z]{1,5}, ?[A-Z][a-z]{1,5}") {
            let once = person(&name).value;
            prop_assert_eq!(&person(&once).value, &once);
        }
    }
}
