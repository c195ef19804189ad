//! What the proposed mapping would lose on the rows that were read: the findings of cleaning, counted by field.

use std::collections::BTreeMap;

use crate::clean::code;
use crate::record::Finding;

/// Findings by column and code.
#[derive(Debug, Clone, Default)]
pub struct Losses(BTreeMap<(String, String), u64>);

/// The codes by which a value, or a part of it, does not arrive, each in words.
const LOSSES: &[(&str, &str)] = &[
    (code::TOO_LONG, "are longer than Pipedrive keeps, and would be left out"),
    (code::CUT, "are longer than Pipedrive keeps, and would be cut"),
    (code::INVALID_EMAIL, "hold something that is no e-mail address"),
    (code::DUMMY_EMAIL, "hold an address that stands for none"),
    (code::INVALID_PHONE, "are no valid phone number, and would be kept as written"),
    (code::INVALID_DATE, "cannot be read as a date"),
    (code::INVALID_TIME, "cannot be read as a time of day"),
    (code::INVALID_NUMBER, "cannot be read as a number, or have more digits than Pipedrive keeps"),
    (code::INVALID_MONEY, "cannot be read as an amount"),
    (code::INVALID_BOOL, "are neither yes nor no"),
    (code::UNKNOWN_CURRENCY, "name a currency that is not known"),
    (code::UNKNOWN_VALUE, "are not among the values of the mapping"),
    (code::UNKNOWN_STAGE, "name a stage that does not exist"),
    (code::IMAGE_REMOVED, "lose an image"),
];

impl Losses {
    /// Counts a finding.
    pub fn add(&mut self, finding: &Finding) {
        *self.0.entry((finding.field.clone(), finding.code.clone())).or_default() += 1;
    }

    /// Counts a row that would be rejected for a column.
    pub fn reject(&mut self, column: &str) {
        *self.0.entry((column.to_owned(), "rejected".to_owned())).or_default() += 1;
    }

    /// The losses of a column in words; `of` is how many of its values were looked at.
    #[must_use]
    pub fn of(&self, column: &str, of: u64) -> Vec<String> {
        let own = self.0.iter().filter(|((field, _), _)| field.split('+').any(|part| part == column));
        let told = own.filter_map(|((_, code), count)| {
            let words = match LOSSES.iter().find(|(known, _)| known == code) {
                Some((_, words)) => words,
                None if code == "rejected" => "keep their row from being loaded",
                None => return None,
            };
            Some(format!("{count} of {of} values {words}"))
        });
        told.collect()
    }
}
