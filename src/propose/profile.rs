//! What the columns of a table hold: counted row by row in bounded memory, judged at the end.
//!
//! Distinct values are told by the smallest hashes of them (a sketch of fixed size), so that columns of any length can be
//! compared; the values themselves are kept only as long as they are few. Whether a text is a date, a number or a phone
//! number is asked of [`crate::clean`].

use std::collections::{BTreeMap, HashMap};

use phonenumber::country::Id as Country;
use serde_json::Value;

use super::shape::Shape;
use super::tested::Tests;
use crate::clean::{code, phones};
use crate::mapping::column::{Column as Path, Payload};
use crate::mapping::defaults::DayOrder;
use crate::record::fold_name;

/// Hashes that a sketch keeps.
const SKETCH: usize = 4_096;

/// Different values of a column that are counted exactly.
pub const DISTINCT_MAX: u64 = SKETCH as u64;

/// Different values that are kept as such; a list of options is shorter.
pub const VALUES: usize = 200;

/// The longest value that is kept as an option.
const OPTION_CHARS: usize = 80;

/// Values of a column that are looked into; after these only lengths, counts and the sketch go on.
const TESTED: u64 = 3_000;

/// Masked samples of a column.
const SAMPLES: usize = 4;

/// Columns of a table; more would be no table.
pub const COLUMNS: usize = 2_000;

/// One column while it is read.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Its name; a dotted path into nested objects.
    pub name: String,
    /// Rows that have a value.
    pub filled: u64,
    /// Characters of the longest value.
    pub longest: usize,
    /// The smallest hashes of its values, with how often each was seen.
    pub sketch: BTreeMap<u64, u32>,
    /// Values in the order of their first appearance, with counts, while they are few and short.
    pub values: Vec<(String, u64)>,
    /// There were more, or longer ones.
    pub has_more_values: bool,
    /// Values with letters and digits masked.
    pub samples: Vec<String>,
    /// Names of the parts of nested lists.
    pub parts: Vec<String>,
    /// Values that look like phone numbers, while they are few.
    pub numbers: Vec<String>,
    /// What the values were found to be.
    pub tests: Tests,
    /// Positions in `values` by their folded text.
    known: HashMap<String, usize>,
    /// Days written with figures only, counted over all values.
    pub days: Days,
}

/// Days written with figures only, by what their figures allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Days {
    /// `03/04/2024`: either may be the day.
    pub ambiguous: u64,
    /// `25/12/2024`.
    pub day_first: u64,
    /// `12/25/2024`.
    pub month_first: u64,
}

/// Countries whose phone numbers are tried, where numbers name none.
pub const COUNTRIES: [Country; 14] = [
    Country::US,
    Country::GB,
    Country::DE,
    Country::FR,
    Country::ES,
    Country::IT,
    Country::NL,
    Country::PT,
    Country::BR,
    Country::AT,
    Country::CH,
    Country::BE,
    Country::AU,
    Country::MX,
];

/// Phone numbers of a column that are tried in all of them.
const TRIED: usize = 100;

/// How many of the phone numbers that were kept are valid in each of [`COUNTRIES`].
///
/// Country by country: the rules of one stay in memory, those of all would be read anew for each number.
#[must_use]
pub fn valid_in_countries(columns: &[&Column]) -> [u64; COUNTRIES.len()] {
    let is_valid = |text: &&String, country: Country| {
        phones::phones(text, country).notes.iter().all(|found| found.code != code::INVALID_PHONE)
    };
    let numbers = || columns.iter().flat_map(|column| &column.numbers);
    COUNTRIES.map(|country| numbers().filter(|text| is_valid(text, country)).count() as u64)
}

/// A table while it is read.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its name at the source.
    pub name: String,
    /// Rows that were read.
    pub rows: u64,
    /// Whether these were all.
    pub is_whole: bool,
    /// Its columns in the order of their first appearance.
    pub columns: Vec<Column>,
    /// Columns beyond [`COLUMNS`], which nobody looked at.
    pub columns_left_out: u64,
}

impl Table {
    /// A table of which nothing was read yet. Columns of the header may be told at once, so that empty ones are known.
    #[must_use]
    pub fn new(name: &str, header: &[String]) -> Self {
        let column = |name: &String| Column { name: name.clone(), ..Column::default() };
        let columns = header.iter().take(COLUMNS).map(column).collect();
        Self { name: name.to_owned(), columns, ..Self::default() }
    }

    /// Counts one row.
    pub fn add(&mut self, row: &Payload) {
        self.rows += 1;
        self.add_parts("", row);
    }

    fn add_parts(&mut self, prefix: &str, parts: &Payload) {
        for (name, value) in parts {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Object(inner) if prefix.matches('.').count() < 3 && !is_one_value(inner) => {
                    self.add_parts(&path, inner);
                }
                _ => {
                    if let Some(column) = self.column_mut(&path) {
                        column.add(value);
                    }
                }
            }
        }
    }

    fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        let at = match self.columns.iter().position(|column| column.name == name) {
            Some(at) => at,
            None if self.columns.len() >= COLUMNS => {
                self.columns_left_out += 1;
                return None;
            }
            None => {
                self.columns.push(Column { name: name.to_owned(), ..Column::default() });
                self.columns.len() - 1
            }
        };
        self.columns.get_mut(at)
    }

    /// The column with a name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Objects that the mapping reads as one value: a reference, an amount, a postal address.
fn is_one_value(parts: &Payload) -> bool {
    let has = |names: &[&str]| parts.keys().any(|key| names.contains(&key.to_lowercase().as_str()));
    let is_money = has(&["amount", "value"]) && has(&["currency", "currency_code"]);
    let is_reference = parts.len() <= 4 && has(&["id", "value"]) && parts.values().all(|value| !value.is_object());
    is_money || is_reference || is_address(parts)
}

fn is_address(parts: &Payload) -> bool {
    let has = |names: &[&str]| parts.keys().any(|key| names.contains(&key.to_lowercase().as_str()));
    has(&["city", "town", "locality"])
        && has(&["line1", "street", "address1", "street1", "line_1", "address", "zip", "postal_code"])
}

impl Column {
    fn add(&mut self, value: &Value) {
        let key = Path::new("v");
        let row: Payload = [("v".to_owned(), value.clone())].into_iter().collect();
        let Some(text) = key.text(&row) else { return };
        self.filled += 1;
        self.longest = self.longest.max(text.chars().count());
        let folded = fold_name(&text);
        self.sketch_in(hash(&folded));
        self.days.add(&text);
        self.count_value(&text, folded);
        if self.samples.len() < SAMPLES {
            let masked = mask(&text);
            if !self.samples.contains(&masked) {
                self.samples.push(masked);
            }
        }
        if self.tests.tested < TESTED {
            self.test(value, &text);
        }
    }

    fn sketch_in(&mut self, hash: u64) {
        let largest = self.sketch.last_key_value().map(|(largest, _)| *largest);
        if self.sketch.len() >= SKETCH && largest.is_some_and(|largest| hash > largest) {
            return;
        }
        *self.sketch.entry(hash).or_default() += 1;
        if self.sketch.len() > SKETCH {
            self.sketch.pop_last();
        }
    }

    fn count_value(&mut self, text: &str, folded: String) {
        if let Some((_, count)) = self.known.get(&folded).and_then(|at| self.values.get_mut(*at)) {
            *count += 1;
        } else if self.values.len() < VALUES && text.chars().count() <= OPTION_CHARS {
            self.known.insert(folded, self.values.len());
            self.values.push((text.to_owned(), 1));
        } else {
            self.has_more_values = true;
        }
    }

    fn test(&mut self, value: &Value, text: &str) {
        let tests = &mut self.tests;
        tests.tested += 1;
        match value {
            Value::Array(items) => {
                if let Some(Value::Object(first)) = items.first() {
                    tests.list += 1;
                    self.parts = first.keys().cloned().collect();
                } else {
                    tests.several += 1;
                }
                return;
            }
            Value::Object(parts) => {
                tests.object += u64::from(is_address(parts));
                tests.signed_money += u64::from(parts.contains_key("currency"));
                return;
            }
            _ => {}
        }
        if tests.text(text) && self.numbers.len() < TRIED {
            self.numbers.push(text.to_owned());
        }
    }

    /// Different values: exact while the sketch is not full, a lower bound after that.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        self.sketch.len() as u64
    }

    /// Whether no value was seen twice, as far as the sketch tells.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.filled > 0 && self.sketch.values().all(|count| *count == 1)
    }

    /// Share of this column's values that another one has, 0 to 1, compared by the hashes that both kept.
    #[must_use]
    pub fn share_in(&self, other: &Column) -> f64 {
        let full = |column: &Column| column.sketch.len() >= SKETCH;
        let limit = [self, other].into_iter().filter(|column| full(column));
        let limit = limit.filter_map(|column| column.sketch.last_key_value().map(|(last, _)| *last)).min();
        let own = self.sketch.keys().filter(|hash| limit.is_none_or(|limit| **hash <= limit));
        let (mut all, mut shared) = (0.0, 0.0);
        for hash in own {
            all += 1.0;
            shared += f64::from(u8::from(other.sketch.contains_key(hash)));
        }
        if all == 0.0 { 0.0 } else { shared / all }
    }

    /// What most of the values look like.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let tests = &self.tests;
        if tests.tested == 0 {
            return Shape::Unknown;
        }
        let share = |count: u64| count as f64 / tests.tested as f64;
        let few = !self.has_more_values && self.values.len() as u64 * 3 <= self.filled.max(6);
        let amounts = share(tests.number.max(tests.signed_money + tests.number));
        match () {
            () if share(tests.list) > 0.5 => Shape::List,
            () if share(tests.object) > 0.5 => Shape::Address,
            () if share(tests.html) > 0.2 => Shape::Html,
            () if share(tests.email) > 0.7 => Shape::Email,
            () if share(tests.url) > 0.8 => Shape::Url,
            () if share(tests.flag) > 0.98 && self.values.len() <= 3 => Shape::Bool,
            () if share(tests.instant) > 0.6 && share(tests.instant + tests.day) > 0.8 => Shape::Datetime,
            () if share(tests.day) > 0.8 || share(tests.instant + tests.day) > 0.85 => Shape::Date,
            () if share(tests.clock) > 0.8 => Shape::Time,
            () if share(tests.currency) > 0.9 => Shape::Currency,
            () if share(tests.phone) > 0.6 => Shape::Phone,
            () if share(tests.percent) > 0.3 && amounts > 0.6 => Shape::Percent,
            () if share(tests.signed_money) > 0.1 && amounts > 0.85 => Shape::Money,
            () if share(tests.number) > 0.95 => Shape::Number,
            () if share(tests.long) > 0.3 => Shape::LongText,
            () if share(tests.several) > 0.15 && self.longest <= 200 => Shape::Set,
            () if few && self.values.len() <= 60 => Shape::Enum,
            () if share(tests.name) > 0.85 => Shape::PersonName,
            () => Shape::Text,
        }
    }

    /// The shape in words with what was counted: `one of 7 values`, `text up to 240 characters`.
    #[must_use]
    pub fn holds(&self, shape: Shape) -> String {
        match shape {
            Shape::Enum => format!("one of {} values", self.values.len()),
            Shape::Text | Shape::LongText | Shape::Html => {
                format!("{} up to {} characters", shape.words(), self.longest)
            }
            Shape::List if !self.parts.is_empty() => format!("lists of records with {}", self.parts.join(", ")),
            _ => shape.words().to_owned(),
        }
    }
}

impl Days {
    fn add(&mut self, text: &str) {
        let day = text.split([' ', 'T']).next().unwrap_or_default();
        let mut figures = day.split(['/', '.', '-']).map(|part| part.parse::<u32>().ok());
        let (Some(Some(first)), Some(Some(second)), Some(Some(_)), None) =
            (figures.next(), figures.next(), figures.next(), figures.next())
        else {
            return;
        };
        match (first, second) {
            (1..=12, 1..=12) if first == second => {}
            (1..=12, 1..=12) => self.ambiguous += 1,
            (13..=31, 1..=12) => self.day_first += 1,
            (1..=12, 13..=31) => self.month_first += 1,
            _ => {}
        }
    }
}

/// The day order that the values of a table's columns show; `None` where none shows any.
#[must_use]
pub fn day_order<'a>(columns: impl Iterator<Item = &'a Column>) -> Option<(DayOrder, u64)> {
    let (month, day) =
        columns.fold((0, 0), |(month, day), column| (month + column.tests.month_first, day + column.tests.day_first));
    match (month, day) {
        (0, 0) => None,
        _ if day > month => Some((DayOrder::DayFirst, day)),
        _ => Some((DayOrder::MonthFirst, month)),
    }
}

fn hash(folded: &str) -> u64 {
    let digest = blake3::hash(folded.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}

/// Letters become `x` and `X`, digits `9`; signs stay. At most forty characters.
#[must_use]
pub fn mask(text: &str) -> String {
    let masked = text.chars().take(40).map(|sign| match sign {
        _ if sign.is_uppercase() => 'X',
        _ if sign.is_alphabetic() => 'x',
        _ if sign.is_numeric() => '9',
        _ if sign.is_control() => ' ',
        _ => sign,
    });
    masked.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(values: &[&str]) -> Shape {
        let mut table = Table::default();
        for value in values.iter().cycle().take(values.len().max(24)) {
            table.add(json!({ "v": value }).as_object().expect("an object"));
        }
        table.columns[0].shape()
    }

    #[test]
    fn shapes_are_told_by_values() {
        assert_eq!(shape(&["ada@x.test", "bo@y.test; c@y.test"]), Shape::Email);
        assert_eq!(shape(&["(602) 555-0142 x3", "+1 225 555 0186", "602.555.0142"]), Shape::Phone);
        assert_eq!(shape(&["03/05/2024", "2024-03-05", "0000-00-00", "12.11.2023"]), Shape::Date);
        assert_eq!(shape(&["2024-03-05T14:22:10Z", "2024-03-05 14:22:10"]), Shape::Datetime);
        assert_eq!(shape(&["$1,250.00", "870.28", "266"]), Shape::Money);
        assert_eq!(shape(&["12.5%", "0.45", "50"]), Shape::Percent);
        assert_eq!(shape(&["true", "false"]), Shape::Bool);
        assert_eq!(shape(&["www.belwimar.example", "https://x.test/a"]), Shape::Url);
        assert_eq!(shape(&["<p>Likes matte.</p>", "<p>PO follows</p>"]), Shape::Html);
        assert_eq!(shape(&["13:45", "08:30"]), Shape::Time);
        assert_eq!(shape(&["school; rush", "rush", "reorder, web store"]), Shape::Set);
        assert_eq!(shape(&["Active", "Inactive", "Prospect"]), Shape::Enum);
        assert_eq!(shape(&[""]), Shape::Unknown);
    }

    #[test]
    fn days_are_told_by_what_their_figures_allow() {
        let mut table = Table::default();
        for day in ["03/04/2024", "3.4.24", "25/12/2024", "12/25/2024 10:00", "2024-03-04", "05/05/2024", "1.2.3.4"] {
            table.add(json!({ "v": day }).as_object().expect("an object"));
        }
        assert_eq!(table.columns[0].days, Days { ambiguous: 2, day_first: 1, month_first: 1 });
    }

    #[test]
    fn samples_hold_no_letter_and_no_digit_of_the_value() {
        assert_eq!(mask("Dana-Ruiz 17/Å"), "Xxxx-Xxxx 99/X");
    }

    #[test]
    fn a_reference_is_told_by_the_values_of_both_columns() {
        let mut clients = Table::default();
        let mut projects = Table::default();
        for id in 0..20_000 {
            clients.add(json!({ "id": id }).as_object().expect("an object"));
            projects.add(json!({ "client": id / 2, "other": id + 1_000_000 }).as_object().expect("an object"));
        }
        let id = &clients.columns[0];
        let column = |name: &str| projects.column(name).expect("it is there");
        assert!(id.is_unique() && !column("client").is_unique());
        assert!(column("client").share_in(id) > 0.95);
        assert!(column("other").share_in(id) < 0.05);
    }
}
