//! E-mail cells: one address, several, or something that only looks like one.

use std::str::FromStr;

use email_address::EmailAddress;

use super::{Cleaned, Note, code, shown};

/// Local parts and domains that people type to get past a required field. Only such pairs are dummies, so that a
/// real `info@none.com` survives.
const DUMMY_LOCALS: &[&str] = &["none", "no", "na", "n/a", "noemail", "nomail", "no-email", "unknown", "null", "test"];
const DUMMY_DOMAINS: &[&str] = &[
    "none.com",
    "no.com",
    "na.com",
    "noemail.com",
    "nomail.com",
    "no-email.com",
    "email.com",
    "unknown.com",
    "null.com",
    "test.com",
];

/// The longest cell that is taken apart; more is a text that was put into the wrong column.
const CELL_BYTES: usize = 4_000;

/// All addresses of a cell in their order, each once; the domain in lower case.
///
/// Addresses may be separated by `;`, `,`, spaces or line ends, begin with `mailto:` or stand after a name in angle
/// brackets. Pieces that are no address are dropped with a note. Validity is RFC 5322's as the crate `email_address`
/// reads it, with at least two domain labels.
#[must_use]
pub fn emails(cell: &str) -> Cleaned<Vec<String>> {
    let mut found = Cleaned::plain(Vec::new());
    if super::is_absent(cell) {
        return found;
    }
    if cell.len() > CELL_BYTES {
        found
            .notes
            .push(Note::new(code::INVALID_EMAIL, format!("{:?} is too long for addresses; dropped", shown(cell))));
        return found;
    }
    let has_names = cell.contains('<');
    for piece in cell.split(|character: char| character.is_whitespace() || matches!(character, ';' | ',' | '|')) {
        let bare = bare_address(piece);
        if bare.is_empty() || (has_names && !bare.contains('@')) {
            continue;
        }
        match valid(bare) {
            None => found
                .notes
                .push(Note::new(code::INVALID_EMAIL, format!("{:?} is not an e-mail address; dropped", shown(piece)))),
            Some(address) if is_dummy(&address) => {
                found.notes.push(Note::new(code::DUMMY_EMAIL, format!("{address} stands for no address; dropped")));
            }
            Some(address) => {
                if !found.value.iter().any(|known| known.eq_ignore_ascii_case(&address)) {
                    found.value.push(address);
                }
            }
        }
    }
    found
}

/// Takes off `mailto:` with its parameters, brackets, quotes and a full stop at the end.
fn bare_address(piece: &str) -> &str {
    let around =
        |character: char| matches!(character, '<' | '>' | '"' | '\'' | '(' | ')' | '[' | ']' | '.' | ':' | '/');
    let mut piece = piece.trim_matches(around);
    if piece.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("mailto:")) {
        piece = piece[7..].split('?').next().unwrap_or_default().trim_matches(around);
    }
    piece
}

fn valid(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let address = format!("{local}@{}", domain.to_lowercase());
    let parsed = EmailAddress::from_str(&address).ok()?;
    let domain = parsed.domain();
    (domain.contains('.') && !domain.starts_with('[')).then_some(address)
}

fn is_dummy(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    DUMMY_LOCALS.iter().any(|word| local.eq_ignore_ascii_case(word)) && DUMMY_DOMAINS.contains(&domain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(cell: &str, expected: &[&str], codes: &[&str]) {
        let cleaned = emails(cell);
        assert_eq!(cleaned.value, expected, "{cell:?}");
        assert_eq!(cleaned.notes.iter().map(|note| note.code.as_str()).collect::<Vec<_>>(), codes, "{cell:?}");
    }

    #[test]
    fn cells() {
        check("", &[], &[]);
        check("N/A", &[], &[]);
        check("Dana@Northline-Promo.EXAMPLE ", &["Dana@northline-promo.example"], &[]);
        check(
            "a@x.org; b@x.org,c@x.org d@x.org\ne@x.org",
            &["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"],
            &[],
        );
        check("a@x.org; A@X.org", &["a@x.org"], &[]);
        check("mailto:dana@x.org?subject=Hi", &["dana@x.org"], &[]);
        check("MAILTO:dana@x.org", &["dana@x.org"], &[]);
        check("Dana Ruiz <dana@x.org>", &["dana@x.org"], &[]);
        check("\"Ruiz, Dana\" <dana@x.org>; bob@x.org", &["dana@x.org", "bob@x.org"], &[]);
        check("<mailto:dana@x.org>", &["dana@x.org"], &[]);
        check("dana@x.org.", &["dana@x.org"], &[]);
        check("none@none.com", &[], &["dummy_email"]);
        check("NONE@None.com; dana@x.org", &["dana@x.org"], &["dummy_email"]);
        check("info@none.com", &["info@none.com"], &[]);
        check("dana at x.org", &[], &["invalid_email", "invalid_email", "invalid_email"]);
        check("dana@localhost", &[], &["invalid_email"]);
        check("dana@@x.org", &[], &["invalid_email"]);
        check("o'neil@x.org", &["o'neil@x.org"], &[]);
        check("jürgen@müller.example", &["jürgen@müller.example"], &[]);
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn cleaning_twice_changes_nothing(cell in "\\PC{0,60}|([a-zA-Z0-9.'\"<>(@:;, ]{0,9}@?[a-z.]{0,6}[;, <>]?){0,4}") {
            let once = emails(&cell).value;
            prop_assert_eq!(&emails(&once.join("; ")).value, &once);
        }
    }
}
