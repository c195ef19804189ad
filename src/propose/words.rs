//! Names of columns as words: split, without accents, in lower case, abbreviations written out.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

/// Words that say nothing in a column's name, in the languages of the vocabulary.
const STOP: &[&str] = &[
    "the", "of", "a", "an", "is", "de", "du", "des", "la", "le", "les", "l", "d", "del", "della", "dell", "di", "der",
    "die", "das", "den", "dem", "des", "do", "da", "dos", "van", "het", "een", "el", "los", "las", "un", "une", "and",
    "und", "et", "y", "e", "en", "c", "hs", "fk", "utc",
];

/// Abbreviations, and what they stand for.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("no", "number"),
    ("nr", "number"),
    ("num", "number"),
    ("nbr", "number"),
    ("qty", "quantity"),
    ("amt", "amount"),
    ("dt", "date"),
    ("addr", "address"),
    ("adr", "address"),
    ("desc", "description"),
    ("descr", "description"),
    ("org", "organization"),
    ("organisation", "organization"),
    ("co", "company"),
    ("acct", "account"),
    ("cust", "customer"),
    ("opp", "opportunity"),
    ("oppty", "opportunity"),
    ("prob", "probability"),
    ("est", "estimated"),
    ("mgr", "manager"),
    ("cat", "category"),
    ("pct", "percent"),
    ("perc", "percent"),
    ("pos", "position"),
    ("prio", "priority"),
    ("ref", "reference"),
    ("postalcode", "postal code"),
    ("dept", "department"),
    ("ph", "phone"),
    ("mob", "mobile"),
    ("msg", "message"),
    ("src", "source"),
    ("curr", "currency"),
    ("ccy", "currency"),
    ("lang", "language"),
    ("contacto", "contacto"),
    ("ids", "id"),
    ("ext", "extension"),
    ("usr", "user"),
    ("ts", "timestamp"),
    ("yr", "year"),
    ("colour", "color"),
    ("alt", "alternate"),
    ("referred", "referred"),
    ("refered", "referred"),
    ("avg", "average"),
    ("tstamp", "timestamp"),
    ("kd", "kunden"),
    ("tlf", "telefon"),
    ("prozent", "percent"),
    ("procent", "percent"),
    ("pourcentage", "percent"),
    ("porcentaje", "percent"),
    ("percentuale", "percent"),
    ("percentual", "percent"),
    ("percentage", "percent"),
    ("cod", "code"),
    ("identifier", "id"),
    ("cnt", "count"),
    ("fname", "first name"),
    ("lname", "last name"),
    ("favourite", "favorite"),
    ("centre", "center"),
    ("licence", "license"),
    ("temp", "temperature"),
];

/// The words of a name: `billingAddress_Line1__c` is `billing address line 1`.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let name = name.strip_suffix("__c").or_else(|| name.strip_suffix("__r")).unwrap_or(name);
    let name = without_wrapping(name);
    // A path repeats itself: `lost_reason.reason`.
    let mut words = written_out(&split(&folded(name)));
    words.dedup();
    words
}

/// Words with their abbreviations written out, and without plurals.
fn written_out(short: &[String]) -> Vec<String> {
    let mut words = Vec::with_capacity(short.len());
    for word in short {
        match ABBREVIATIONS.iter().find(|(short, _)| short == word) {
            Some((_, long)) => words.extend(long.split(' ').map(singular)),
            None => words.push(singular(word)),
        }
    }
    words
}

/// What stands before the names of fields that customers made, and of nested ones.
const WRAPPINGS: &[&str] = &[
    "properties.",
    "fields.",
    "attributes.",
    "custom.",
    "custom_fields.",
    "customfields.",
    "custom_field_",
    "cf_",
    "cf.",
    "custom_attributes.",
    "udf_",
    "x_studio_",
    "data.",
    "extrafields.",
    "extra.",
    "customField.",
    "userdef_",
];

/// The name without such beginnings, and without the short alias of a table before a dot.
fn without_wrapping(name: &str) -> &str {
    let bare = WRAPPINGS.iter().find_map(|wrapping| name.strip_prefix(wrapping)).unwrap_or(name);
    match bare.split_once('.') {
        Some((alias, rest))
            if alias.len() <= 2
                && alias.chars().all(|letter| letter.is_ascii_lowercase())
                && rest.starts_with(|letter: char| letter.is_ascii_lowercase()) =>
        {
            rest
        }
        _ => bare,
    }
}

/// The words without those that say nothing; all of them where nothing else is left.
#[must_use]
pub fn telling(words: &[String]) -> Vec<String> {
    let telling: Vec<String> = words.iter().filter(|word| !STOP.contains(&word.as_str())).cloned().collect();
    if telling.is_empty() { words.to_vec() } else { telling }
}

/// Without accents; letters keep their case, which is where camel case is split.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfd() {
        match letter {
            'ß' => folded.push_str("ss"),
            'ø' | 'Ø' => folded.push('o'),
            'æ' | 'Æ' => folded.push_str("ae"),
            'ł' | 'Ł' => folded.push('l'),
            // `N°` and `#` are numbers, in every language.
            '°' | 'º' if folded.ends_with(['n', 'N']) => folded.push_str("r "),
            '#' => folded.push_str(" number "),
            '%' => folded.push_str(" percent "),
            '\u{300}'..='\u{36f}' => {}
            _ => folded.push(letter),
        }
    }
    folded
}

/// Splits at signs, at `aB`, at `ABc` before the `B`, and between letters and digits.
fn split(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let is_border = before.is_some_and(|before| {
            (before.is_lowercase() && letter.is_uppercase())
                || (before.is_uppercase() && letter.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
                || (before.is_alphabetic() && letter.is_numeric())
                || (before.is_numeric() && letter.is_alphabetic())
        });
        if is_border && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(letter.to_lowercase());
    }
    if !word.is_empty() {
        words.push(word);
    }
    if text.contains('.') { acronyms(words, text) } else { words }
}

/// Single letters with full stops between them as one word: `P.O. Box` is `po box`.
fn acronyms(words: Vec<String>, text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let is_letter = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
        match joined.last_mut() {
            Some(last) if is_letter && lower.contains(&format!("{}.{word}", dotted(last))) => last.push_str(&word),
            _ => joined.push(word),
        }
    }
    joined
}

fn dotted(letters: &str) -> String {
    letters.chars().map(String::from).collect::<Vec<_>>().join(".")
}

/// English, French, Spanish and Portuguese plurals, as far as both sides of a comparison end up the same.
fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return format!("{stem}y");
    }
    // `addresses`, `branches`; but French `adresses` is `adresse`.
    let is_hissed = |stem: &&str| ["ss", "sh", "ch", "x"].iter().any(|end| stem.ends_with(end));
    if let Some(stem) = word.strip_suffix("es").filter(is_hissed).filter(|stem| !stem.starts_with("adres")) {
        return stem.to_owned();
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// Splits words that were run together (`numberofemployees`), as far as all their pieces are known.
#[derive(Debug, Default)]
pub struct Splitter(HashMap<String, usize>);

impl Splitter {
    /// Knows the words of a vocabulary.
    pub fn learn(&mut self, words: &[String]) {
        for word in words.iter().filter(|word| word.len() > 1 || word.chars().all(char::is_numeric)) {
            *self.0.entry(word.clone()).or_default() += 1;
        }
    }

    /// Knows the abbreviations as well, as pieces of longer words.
    pub fn learn_abbreviations(&mut self) {
        for (short, _) in ABBREVIATIONS.iter().filter(|(short, _)| short.len() > 2) {
            self.0.entry((*short).to_owned()).or_default();
        }
    }

    /// The pieces of each word that is not known and can be split into known ones; fewer and longer pieces win.
    #[must_use]
    pub fn split(&self, words: &[String]) -> Vec<String> {
        let pieces = |word: &String| {
            if word.len() < 5 || self.0.contains_key(word) {
                return vec![word.clone()];
            }
            let pieces = self.pieces(word);
            if pieces.len() > 1 { written_out(&pieces) } else { pieces }
        };
        words.iter().flat_map(pieces).collect()
    }

    fn pieces(&self, word: &str) -> Vec<String> {
        // Accents are gone, but other scripts may be there: borders of characters only.
        let borders: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
        let mut best: Vec<Option<(usize, usize)>> = vec![None; borders.len()];
        best[0] = Some((0, 0));
        for end in 1..borders.len() {
            for start in 0..end {
                let piece = &word[borders[start]..borders[end]];
                let is_known = self.0.contains_key(piece)
                    && (piece.len() > 2
                    || matches!(piece, "of" | "or" | "id")
                    // `createdon`, `modifiedby`.
                    || (matches!(piece, "on" | "at" | "by") && word[..borders[start]].ends_with("ed")));
                let Some((cost, _)) = best[start] else { continue };
                if is_known && best[end].is_none_or(|(known, _)| cost + 1 < known) {
                    best[end] = Some((cost + 1, start));
                }
            }
        }
        let mut pieces = Vec::new();
        let mut end = borders.len() - 1;
        while end > 0 {
            let Some((_, start)) = best[end] else { return vec![word.to_owned()] };
            pieces.push(word[borders[start]..borders[end]].to_owned());
            end = start;
        }
        pieces.reverse();
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        let check = |name: &str, expected: &str| assert_eq!(words(name).join(" "), expected, "{name}");
        check("billingAddress_Line1__c", "billing address line 1");
        check("IsDeleted", "is deleted");
        check("AccountID", "account id");
        check("HTMLBody", "html body");
        check("Straße und Hausnummer", "strasse und hausnummer");
        check("Téléphone", "telephone");
        check("Companies", "company");
        check("Adr. Status", "address status");
        check("E-Mail-Adresse", "e mail adresse");
        check("qty", "quantity");
    }

    #[test]
    fn run_together_words_are_split_where_all_pieces_are_known() {
        let mut splitter = Splitter::default();
        for known in ["number of employee", "website", "state province", "or"] {
            splitter.learn(&words(known));
        }
        let split = |name: &str| splitter.split(&words(name)).join(" ");
        assert_eq!(split("numberofemployee"), "number of employee");
        assert_eq!(split("stateorprovince"), "state or province");
        assert_eq!(split("website"), "website");
        assert_eq!(split("numberofghosts"), "numberofghost");
    }
}
