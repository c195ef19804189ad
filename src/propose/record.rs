//! What other CRMs say of a concept and of its words: how often proposals of this kind were right there.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// The file that comes with the program.
const FILE: &str = include_str!("vocabulary/evidence.toml");

/// The file's form.
#[derive(Debug, Deserialize)]
struct Raw {
    wrong: BTreeMap<String, f64>,
    often: BTreeMap<String, String>,
    twice: BTreeMap<String, String>,
    disputed: BTreeMap<String, String>,
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Record {
    wrong: HashMap<String, f64>,
    phrases: HashMap<(String, String), f64>,
}

/// What a share of wrong proposals weighs, in log odds, and what it weighs that a phrase was right often or twice, or wrong
/// somewhere (`confidence`).
const WRONG: f64 = -1.18;
const OFTEN: f64 = 1.37;
const TWICE: f64 = 0.52;
const DISPUTED: f64 = 0.58;

impl Record {
    /// The record that comes with the program.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn shipped() -> Result<Self, toml::de::Error> {
        let raw: Raw = toml::from_str(FILE)?;
        let mut own = Self { wrong: raw.wrong.into_iter().collect(), phrases: HashMap::new() };
        for (phrases, weight) in [(raw.often, OFTEN), (raw.twice, TWICE), (raw.disputed, DISPUTED)] {
            for (concept, phrases) in phrases {
                for phrase in phrases.split(';') {
                    own.phrases.insert((concept.clone(), phrase.trim().to_owned()), weight);
                }
            }
        }
        Ok(own)
    }

    /// What the record says of a concept that a phrase stands for, in log odds. The phrase counts where it is the name.
    #[must_use]
    pub fn odds(&self, concept: &str, phrase: Option<&str>) -> f64 {
        let own = if concept.is_empty() { "default" } else { concept };
        let wrong = self.wrong.get(own).or_else(|| self.wrong.get("unmet")).copied().unwrap_or(0.1);
        let phrase = phrase.and_then(|phrase| self.phrases.get(&(concept.to_owned(), phrase.to_owned())));
        WRONG * (wrong / (1.0 - wrong)).ln() + phrase.copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_right_in_many_crms_is_surer_than_what_was_wrong_in_one() {
        let record = Record::shipped().expect("the file that comes with the program");
        let plain = record.odds("first_name", None);
        assert!(record.odds("first_name", Some("first name")) > plain);
        assert!(plain > record.odds("deal_type", None), "names are rarely anything else");
        assert!(plain > record.odds("", None), "values alone say less");
    }
}
