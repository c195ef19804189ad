//! Invented people, companies, addresses and sentences.
//!
//! Companies and e-mail addresses never repeat by accident ([`Registry`]); people's names may, as in life.

use std::collections::HashSet;

use rand::Rng as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::spell::Phone;
use super::words::{
    CITIES, COINED_ENDS, COINED_MIDDLES, COINED_STARTS, FIRST_NAMES, FORMS, LAST_NAMES, PRODUCTS, SENTENCES,
    STREET_KINDS, STREETS, TRADES,
};

/// The seeded source of every choice.
pub(super) type Dice = ChaCha8Rng;

/// Dice of their own for each purpose, so that one table's size does not change another's content.
pub(super) fn dice(seed: u64, purpose: u64) -> Dice {
    let mut dice = Dice::seed_from_u64(seed);
    dice.set_stream(purpose);
    dice
}

/// One of a list that is not empty.
pub(super) fn pick<T: Copy>(dice: &mut Dice, list: &[T]) -> T {
    list[dice.random_range(0..list.len())]
}

/// A company.
#[derive(Debug, Clone)]
pub(super) struct Company {
    pub(super) name: String,
    pub(super) industry: &'static str,
    /// Without `www.`.
    pub(super) domain: String,
    /// Number in the list of cities.
    city: usize,
}

impl Company {
    /// A phone of the company's area.
    pub(super) fn phone(&self, dice: &mut Dice) -> Phone {
        Phone { area: CITIES[self.city].3, line: dice.random_range(100..200) }
    }

    /// Street, city, state and ZIP code.
    pub(super) fn address(&self, dice: &mut Dice) -> Address {
        let (city, state, zip, _) = CITIES[self.city];
        let (street, kind) = (pick(dice, STREETS), pick(dice, STREET_KINDS));
        Address {
            line1: format!("{} {street} {kind}", dice.random_range(1..9_900)),
            city,
            state,
            zip: format!("{zip}{:02}", dice.random_range(1..80)),
        }
    }
}

/// A postal address in the United States.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) line1: String,
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    /// Five digits; a leading zero matters.
    pub(super) zip: String,
}

/// First and last name.
pub(super) fn person(dice: &mut Dice) -> (&'static str, &'static str) {
    (pick(dice, FIRST_NAMES), pick(dice, LAST_NAMES))
}

/// Keeps company names, domains and e-mail addresses apart. Holds hashes only.
#[derive(Default)]
pub(super) struct Registry {
    taken: HashSet<u64>,
}

impl Registry {
    /// A company whose name and domain no other has.
    pub(super) fn company(&mut self, dice: &mut Dice) -> Company {
        let (trade, industry) = pick(dice, TRADES);
        let coined = format!("{}{}{}", pick(dice, COINED_STARTS), pick(dice, COINED_MIDDLES), pick(dice, COINED_ENDS));
        let form = pick(dice, FORMS);
        let city = dice.random_range(0..CITIES.len());
        let mut base = format!("{coined} {trade}");
        let mut attempt = 0;
        loop {
            let domain = format!("{}.example", slug(&base));
            if self.is_new(&domain) {
                return Company { name: format!("{base}{form}"), industry, domain, city };
            }
            // The place tells namesakes apart first; after that a number does.
            base = match attempt {
                0 => format!("{coined} {trade} of {}", CITIES[city].0),
                _ => format!("{coined} {trade} No. {}", dice.random_range(2..100_000)),
            };
            attempt += 1;
        }
    }

    /// An e-mail address that no other has.
    pub(super) fn email(&mut self, first: &str, last: &str, domain: &str) -> String {
        let (first, last) = (slug(first), slug(last));
        let plain = format!("{first}.{last}@{domain}");
        if self.is_new(&plain) {
            return plain;
        }
        let mut numbered = (2_u32..).map(|number| format!("{first}.{last}{number}@{domain}"));
        numbered.find(|email| self.is_new(email)).expect("some number is free")
    }

    fn is_new(&mut self, text: &str) -> bool {
        let hash = blake3::hash(text.as_bytes());
        let start = hash.as_bytes().first_chunk::<8>().copied().unwrap_or_default();
        self.taken.insert(u64::from_le_bytes(start))
    }
}

/// One to three sentences, joined by spaces.
pub(super) fn sentences(dice: &mut Dice) -> String {
    let count = dice.random_range(1..=3);
    let mut text = String::new();
    for number in 0..count {
        if number > 0 {
            text.push(' ');
        }
        let sentence = pick(dice, SENTENCES).replace("{product}", pick(dice, PRODUCTS));
        text.push_str(&sentence.replace("{number}", &dice.random_range(2..500).to_string()));
    }
    text
}

/// Letters and digits in lower case; `x` if none is left.
fn slug(text: &str) -> String {
    let kept: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    if kept.is_empty() { "x".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companies_and_addresses_never_repeat() {
        let (mut dice, mut registry) = (dice(1, 0), Registry::default());
        let mut names = HashSet::new();
        for _ in 0..20_000 {
            let company = registry.company(&mut dice);
            assert!(names.insert(company.name.clone()), "{}", company.name);
        }
        assert_eq!(registry.email("Dana", "Ruiz", "a.example"), "dana.ruiz@a.example");
        assert_eq!(registry.email("Dana", "Ruiz", "a.example"), "dana.ruiz2@a.example");
        assert_eq!(registry.email("Łł", "O’Neil", "a.example"), "x.oneil@a.example");
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let story = |seed| sentences(&mut dice(seed, 3));
        assert_eq!(story(9), story(9));
        assert_ne!(story(9), story(10));
    }
}
