//! Which kind of record a table holds: by its name, by its columns, and by which tables point at which.

use super::profile::{Column, Table};
use super::shape::Shape;
use super::vocabulary::Vocabulary;
use crate::record::Object;

/// Columns by which a kind of record is recognised, with their weights; together at most 1.
const SIGNS: &[(&str, &[(&str, f64)])] = &[
    ("person", &[("first_name", 0.3), ("last_name", 0.3), ("email", 0.15), ("job_title", 0.1), ("company_name", 0.1)]),
    (
        "company",
        &[
            ("website", 0.2),
            ("industry", 0.2),
            ("employee_count", 0.2),
            ("annual_revenue", 0.2),
            ("company_name", 0.15),
        ],
    ),
    ("lead", &[("lead_source", 0.2), ("converted", 0.35), ("score", 0.15), ("company_name", 0.1), ("email", 0.1)]),
    ("project", &[("stage", 0.3), ("value", 0.3), ("expected_close", 0.2), ("probability", 0.15), ("deal_title", 0.1)]),
    ("commission", &[("commission_field", 0.5), ("rate", 0.15), ("ref_deal", 0.15), ("value_other", 0.1)]),
    ("task", &[("due_date", 0.3), ("subject", 0.25), ("done", 0.15), ("activity_type", 0.1), ("due_time", 0.1)]),
    ("note", &[("body", 0.35), ("author", 0.2), ("related_id", 0.1), ("notes", 0.1)]),
];

/// What a table is taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    /// The kind, as the vocabulary's tables name it.
    pub kind: String,
    /// How much speaks for it, 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub why: String,
}

/// What a table may be, best first; never empty.
#[must_use]
pub fn guesses(table: &Table, vocabulary: &Vocabulary) -> Vec<Guess> {
    let mut guesses: Vec<Guess> = Vec::new();
    let words = vocabulary.words(&table.name);
    for (kind, names) in vocabulary.tables() {
        let fits = |name: &Vec<String>| name_score(&words, name);
        if let Some(score) = names.iter().map(fits).max_by(f64::total_cmp).filter(|score| *score > 0.0) {
            offer(&mut guesses, kind, score, format!("the table is called {:?}", table.name));
        }
    }
    let concepts: Vec<&str> = table.columns.iter().filter_map(|column| concept_of(column, vocabulary)).collect();
    for (kind, signs) in SIGNS {
        let found: Vec<&(&str, f64)> = signs.iter().filter(|(concept, _)| concepts.contains(concept)).collect();
        let score: f64 = found.iter().map(|(_, weight)| weight).sum();
        if score >= 0.3 {
            let named: Vec<String> = found.iter().map(|(concept, _)| concept.replace('_', " ")).collect();
            offer(&mut guesses, kind, 0.85 * score, format!("it has columns for {}", named.join(", ")));
        }
    }
    if guesses.is_empty() {
        let why = "neither its name nor its columns are those of a kind of record that is known";
        offer(&mut guesses, "other", 0.3, why.to_owned());
    }
    guesses.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.kind.cmp(&b.kind)));
    guesses
}

fn offer(guesses: &mut Vec<Guess>, kind: &str, score: f64, why: String) {
    match guesses.iter_mut().find(|guess| guess.kind == kind) {
        Some(known) => {
            // Name and columns together say more than either.
            known.score = known.score.max(score) + 0.1 * known.score.min(score);
            known.why = format!("{}; {why}", known.why);
        }
        None => guesses.push(Guess { kind: kind.to_owned(), score, why }),
    }
}

/// 1 for the same words, less where the table's name has more of them.
fn name_score(words: &[String], name: &[String]) -> f64 {
    if words == name {
        return 0.95;
    }
    let has_all = !name.is_empty() && name.iter().all(|word| words.contains(word));
    match (has_all, words.last() == name.last()) {
        (true, true) => 0.55 + 0.3 * name.len() as f64 / words.len() as f64,
        (true, false) => 0.35 + 0.2 * name.len() as f64 / words.len() as f64,
        (false, _) => 0.0,
    }
}

/// The concept that a column's name clearly means.
#[must_use]
pub fn concept_of<'v>(column: &Column, vocabulary: &'v Vocabulary) -> Option<&'v str> {
    let meanings = vocabulary.meanings(&vocabulary.words(&column.name));
    let best = meanings.first().filter(|meaning| meaning.score > 0.85)?;
    vocabulary.concepts.get(best.concept).map(|concept| concept.name.as_str())
}

/// The object that a kind of table becomes; `None` for tables that are left out or of a kind that nobody knows.
#[must_use]
pub fn object_of(kind: &str, has_companies: bool) -> Option<Object> {
    match kind {
        "person" if has_companies => Some(Object::Contact),
        "company" | "client" | "person" => Some(Object::Client),
        "stage" | "other" => None,
        kind => Object::parse(kind),
    }
}

/// The column that is the table's key: the one whose name says so, else a unique one, best first those that others use.
#[must_use]
pub fn key_column<'t>(table: &'t Table, kind: &str, used: &[String], vocabulary: &Vocabulary) -> Option<&'t Column> {
    let own = vocabulary.words(&table.name);
    let rank = |column: &&'t Column| {
        let words = vocabulary.words(&column.name);
        let rest: Vec<&String> = words.iter().filter(|word| !own.contains(word)).collect();
        let says_key = |words: &[&String]| matches!(words, [only] if ["id", "uid", "uuid", "guid", "key", "nummer", "number", "code", "pk"].contains(&only.as_str()));
        let all: Vec<&String> = words.iter().collect();
        let named =
            says_key(&all) || says_key(&rest) || (words.last().is_some_and(|word| word == "id") && column.is_unique());
        // The key of another table is none of this one, even where each row has another one.
        let concept = concept_of(column, vocabulary).unwrap_or_default();
        let is_own = matches!(
            (concept, kind),
            ("ref_company" | "ref_client", "company" | "client")
                | ("ref_person" | "ref_client", "person")
                | ("ref_deal", "project")
                | ("ref_lead", "lead")
        );
        let is_foreign = concept.starts_with("ref_") && !is_own && !words.iter().any(|word| own.contains(word));
        let is_whole = column.filled * 100 >= table.rows * 99;
        let score = u32::from(used.contains(&column.name)) * 4
            + u32::from(column.is_unique()) * 4
            + u32::from(named) * 3
            + u32::from(words.last().is_some_and(|word| word == "id"))
            + u32::from(column.shape() == Shape::Text);
        (is_whole, if is_foreign { score.saturating_sub(6) } else { score })
    };
    let usable = table
        .columns
        .iter()
        .filter(|column| column.filled > 0 && !matches!(column.shape(), Shape::List | Shape::Address));
    // The first of equals: keys stand at the left.
    let ranked = usable.rev().map(|column| (rank(&column), column));
    let ((is_whole, score), best) = ranked.max_by_key(|(rank, _)| *rank)?;
    (is_whole && score >= 4).then_some(best)
}

/// A column whose values are keys of another table.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The column.
    pub column: String,
    /// Position of the other table.
    pub table: usize,
    /// Share of the values that are there.
    pub share: f64,
    /// The other table's column that holds them.
    pub key: String,
}

/// Every reference between tables. Small whole numbers agree by chance, so they need a name that says the same.
#[must_use]
pub fn references(tables: &[Table], kinds: &[String], vocabulary: &Vocabulary) -> Vec<Vec<Reference>> {
    let keys: Vec<Vec<&Column>> = tables.iter().zip(kinds).map(|(table, kind)| keys(table, kind, vocabulary)).collect();
    let spoken: Vec<Vec<Vec<String>>> =
        tables.iter().zip(kinds).map(|(table, kind)| names_of(kind, &table.name, vocabulary)).collect();
    let of_table = |(at, table): (usize, &Table)| {
        let mut found = Vec::new();
        for column in table.columns.iter().filter(|column| column.filled > 0) {
            let own = keys[at].first().is_some_and(|key| key.name == column.name);
            let words = vocabulary.words(&column.name);
            let concept = concept_of(column, vocabulary).unwrap_or_default();
            // A column for records of any kind holds some of each.
            let is_parent = matches!(concept, "related_id" | "who" | "what");
            for (other, candidates) in keys.iter().enumerate() {
                let is_owner =
                    kinds[other] == "owner" && matches!(concept, "owner" | "author" | "created_by" | "second_owner");
                let says = |name: &Vec<String>| !name.is_empty() && name.iter().all(|word| words.contains(word));
                let named = is_owner || is_parent || spoken[other].iter().any(says);
                let found_key = candidates.iter().find_map(|key| {
                    if own || (other == at && key.name == column.name) || key.filled == 0 {
                        return None;
                    }
                    let share = column.share_in(key);
                    let telling =
                        is_telling(column) && !matches!(column.shape(), Shape::Bool | Shape::Date | Shape::Datetime);
                    let wanted = match (is_parent, named) {
                        (true, _) => 0.005,
                        (false, true) => 0.5,
                        (false, false) => 0.85,
                    };
                    (share >= wanted && (named || (telling && column.distinct() >= 3))).then_some((share, key))
                });
                if let Some((share, key)) = found_key {
                    found.push(Reference { column: column.name.clone(), table: other, share, key: key.name.clone() });
                }
            }
        }
        found
    };
    tables.iter().enumerate().map(of_table).collect()
}

/// Columns by which other tables may name a row: the key, the name, the e-mail address.
fn keys<'t>(table: &'t Table, kind: &str, vocabulary: &Vocabulary) -> Vec<&'t Column> {
    let key = key_column(table, kind, &[], vocabulary);
    let named = table.columns.iter().filter(|column| {
        let is_name = matches!(
            concept_of(column, vocabulary),
            Some("name" | "company_name" | "full_name" | "email" | "account_number" | "deal_title" | "deal_number")
        );
        is_name && key.is_none_or(|key| key.name != column.name) && column.distinct() * 10 >= column.filled * 8
    });
    key.into_iter().chain(named).collect()
}

/// Letters, or numbers too large to agree by chance.
fn is_telling(column: &Column) -> bool {
    column.tests.letters * 2 > column.tests.tested || column.longest >= 4
}

/// The names by which columns speak of a table.
fn names_of(kind: &str, table: &str, vocabulary: &Vocabulary) -> Vec<Vec<String>> {
    vocabulary
        .tables()
        .filter(|(own, _)| *own == kind || (kind == "client" && matches!(*own, "company" | "person")))
        .flat_map(|(_, names)| names.to_vec())
        .chain([vocabulary.words(table)])
        .collect()
}
