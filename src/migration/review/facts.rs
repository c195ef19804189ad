//! What the columns of a few rows hold, for a mapping that nobody proposed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Sample;
use crate::mapping::proposal::{ColumnFacts, ProposedTable};
use crate::migration::columns::leaves;

/// Different values kept of a column; more are only known to be many.
const DISTINCT_MAX: usize = 200;
/// Samples of a column.
const SAMPLES: usize = 3;
/// Characters of a sample.
const SAMPLE_CHARS: usize = 40;
/// The most values of a column that counts as a list to choose from.
const CHOICES_MAX: usize = 12;

/// Counts the columns of the rows.
pub(super) fn fill(table: &mut ProposedTable, sample: &Sample) {
    let mut columns: Vec<String> = Vec::new();
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in &sample.records {
        for (name, text) in leaves(&record.payload) {
            if !values.contains_key(&name) {
                columns.push(name.clone());
            }
            values.entry(name).or_default().push(text);
        }
    }
    table.rows = sample.records.len() as u64;
    table.is_whole = sample.is_whole;
    // The elements of a list count each, and there may be more of them than rows.
    let rows = table.rows;
    table.columns = columns.into_iter().map(|name| facts(&values[&name], name.clone(), rows)).collect();
}

fn facts(values: &[String], name: String, rows: u64) -> ColumnFacts {
    let filled: Vec<&String> = values.iter().filter(|text| !text.is_empty()).collect();
    let distinct: BTreeSet<&String> = filled.iter().copied().take(DISTINCT_MAX * 10).collect();
    let mut samples: Vec<String> = Vec::new();
    for text in &filled {
        let masked = masked(text);
        if samples.len() < SAMPLES && !samples.contains(&masked) {
            samples.push(masked);
        }
    }
    ColumnFacts {
        name,
        holds: holds(&filled, distinct.len()),
        filled: (filled.len() as u64).min(rows),
        distinct: distinct.len().min(DISTINCT_MAX) as u64,
        samples,
    }
}

/// What most values look like, in words.
fn holds(filled: &[&String], distinct: usize) -> String {
    if filled.is_empty() {
        return "nothing in the rows looked at".to_owned();
    }
    let most = |is: &dyn Fn(&str) -> bool| filled.iter().filter(|text| is(text)).count() * 10 >= filled.len() * 9;
    let is_day = |text: &str| text.get(..10).is_some_and(|day| day.parse::<Date>().is_ok());
    if most(&|text| matches!(text.to_lowercase().as_str(), "true" | "false" | "yes" | "no")) {
        "yes or no".to_owned()
    } else if most(&|text| text.split([';', ',']).all(|part| email_address::EmailAddress::is_valid(part.trim()))) {
        "e-mail address".to_owned()
    } else if most(&is_day) {
        if most(&|text| text.len() <= 10) { "date" } else { "date and time" }.to_owned()
    } else if most(&|text| text.parse::<Decimal>().is_ok()) {
        "number".to_owned()
    } else if most(&|text| text.contains('<') && text.contains('>')) {
        "HTML".to_owned()
    } else if distinct <= CHOICES_MAX && filled.len() >= distinct * 3 {
        format!("one of {distinct} {}", if distinct == 1 { "value" } else { "values" })
    } else {
        let longest = filled.iter().map(|text| text.chars().count()).max().unwrap_or_default();
        format!("text up to {longest} characters")
    }
}

/// Letters become `x` and digits `0`; what is left shows the form.
fn masked(text: &str) -> String {
    let mask = |letter: char| match letter {
        letter if letter.is_ascii_digit() => '0',
        letter if letter.is_uppercase() => 'X',
        letter if letter.is_alphanumeric() => 'x',
        letter if letter.is_control() => ' ',
        letter => letter,
    };
    let mut masked: String = text.chars().take(SAMPLE_CHARS).map(mask).collect();
    if text.chars().count() > SAMPLE_CHARS {
        masked.push('…');
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_told_by_what_they_hold() {
        let check = |values: &[&str], expected: &str| {
            let values: Vec<String> = values.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(facts(&values, "x".to_owned(), 9).holds, expected);
        };
        check(&["", ""], "nothing in the rows looked at");
        check(&["a@x.org", "b@x.org; c@x.org"], "e-mail address");
        check(&["2024-03-05", "2024-03-06"], "date");
        check(&["2024-03-05T10:00:00Z"], "date and time");
        check(&["1", "2.50"], "number");
        check(&["yes", "no"], "yes or no");
        check(&["<p>a</p>"], "HTML");
        check(&["a", "a", "a", "b", "b", "b"], "one of 2 values");
        check(&["Harbor", "Foods"], "text up to 6 characters");
    }

    #[test]
    fn samples_hide_what_they_hold() {
        assert_eq!(masked("Dana.Ruiz@x.org 555"), "Xxxx.Xxxx@x.xxx 000");
        assert_eq!(masked(&"é".repeat(60)).chars().count(), SAMPLE_CHARS + 1);
    }
}
