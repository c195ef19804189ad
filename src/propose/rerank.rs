//! What a language model may be asked, and what of its answer counts.
//!
//! It is shown names, shapes, masked samples and numbered candidates, never a value; and it may only put these candidates
//! into another order. An answer that is anything else counts for nothing.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::plan::{Known, Planned};

/// Candidates of a column that are shown.
const CANDIDATES: usize = 4;

/// Columns of a table that are asked about at once; the least sure ones go first.
const COLUMNS: usize = 60;

/// What is surer than this is not asked about.
const SURE: f64 = 0.9;

/// The instruction, the same for every table.
const TASK: &str = "You map columns of a CRM's table to fields of Pipedrive. For each column you get its name, what its \
    values look like, masked samples and numbered candidates, best first. Answer with JSON only: {\"columns\": \
    [{\"name\": \"...\", \"order\": [1, 0, 2]}]}, where order lists the candidates' numbers, best first. Leave out columns \
    whose order is right. Do not add candidates.";

/// The messages about one table; `None` when all of its columns are sure.
#[must_use]
pub fn question(plan: &Planned, known: &Known) -> Option<Value> {
    let table = known.tables.get(plan.at)?;
    let mut doubtful: Vec<_> = plan
        .columns
        .iter()
        .filter(|column| column.ranked.confidence < SURE && column.ranked.answers.len() > 1)
        .collect();
    doubtful.sort_by(|a, b| a.ranked.confidence.total_cmp(&b.ranked.confidence));
    if plan.object.is_none() || doubtful.is_empty() {
        return None;
    }
    let column = |column: &&super::plan::Found| {
        let samples = table.column(&column.name).map(|own| own.samples.clone()).unwrap_or_default();
        let places = column.ranked.answers.iter().take(CANDIDATES).enumerate();
        let candidates: Vec<String> = places.map(|(at, answer)| format!("{at}: {}", answer.place)).collect();
        json!({
            "name": column.name,
            "values": column.shape.words(),
            "samples": samples,
            "candidates": candidates,
        })
    };
    let columns: Vec<Value> = doubtful.iter().take(COLUMNS).map(column).collect();
    let shown = json!({ "table": table.name, "rows_become": plan.becomes, "columns": columns });
    Some(json!([
        { "role": "system", "content": TASK },
        { "role": "user", "content": shown.to_string() },
    ]))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    columns: Vec<Ordered>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordered {
    name: String,
    order: Vec<usize>,
}

/// Puts candidates into the order that an answer gives, and says how many columns got another first one.
///
/// # Errors
/// Why the answer counts for nothing: it is no such JSON, names a column that was not asked about, or a candidate that
/// was not given. The plan is then as it was.
pub fn apply(plan: &mut Planned, answer: &str) -> Result<usize, String> {
    let reply: Reply =
        serde_json::from_str(answer).map_err(|error| format!("it is not the JSON asked for: {error}"))?;
    let mut named = BTreeSet::new();
    for ordered in &reply.columns {
        let column = plan.column(&ordered.name).filter(|column| column.ranked.confidence < SURE);
        let column = column.ok_or("it names a column that was not asked about")?;
        let shown = column.ranked.answers.len().min(CANDIDATES);
        let numbers: BTreeSet<usize> = ordered.order.iter().copied().collect();
        if numbers.len() != ordered.order.len() || numbers.iter().any(|number| *number >= shown) {
            return Err("it names a candidate that was not given".to_owned());
        }
        if !named.insert(ordered.name.clone()) {
            return Err("it names a column twice".to_owned());
        }
    }
    Ok(reply.columns.iter().filter(|ordered| reorder(plan, ordered)).count())
}

/// Whether the column got another first candidate. A place that other columns fill already stays theirs.
fn reorder(plan: &mut Planned, ordered: &Ordered) -> bool {
    let Some(first) = ordered.order.first().copied().filter(|first| *first > 0) else { return false };
    let Some(column) = plan.column(&ordered.name) else { return false };
    let Some(place) = column.ranked.answers.get(first).map(|answer| answer.place.clone()) else { return false };
    let others = plan.columns.iter().filter(|other| other.name != ordered.name && other.place() == place).count();
    if place.capacity().is_some_and(|capacity| others >= capacity) {
        return false;
    }
    let Some(column) = plan.columns.iter_mut().find(|column| column.name == ordered.name) else { return false };
    let answer = column.ranked.answers.remove(first);
    column.ranked.answers.insert(0, answer);
    if let Some(answer) = column.ranked.answers.first_mut() {
        answer.why.push_str("; put first by the language model");
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::propose::plan::plan;
    use crate::propose::profile::Table;
    use crate::propose::vocabulary::Vocabulary;

    fn planned() -> (Known, Planned) {
        let mut table = Table::new("projects", &[]);
        for number in 0..30 {
            let row = json!({ "id": format!("P{number}"), "name": format!("Order {number}"), "Stage": "Quote", "zork": format!("blip {number}"), "value": number });
            table.add(row.as_object().expect("an object"));
        }
        table.is_whole = true;
        let known = Known { tables: vec![table], ..Known::default() };
        let vocabulary = Vocabulary::shipped().expect("the vocabulary is whole");
        let mut plans = plan(&known, &vocabulary, &std::collections::BTreeMap::new()).expect("plans");
        (known, plans.remove(0))
    }

    #[test]
    fn only_doubtful_columns_are_asked_about_and_no_value_is_shown() {
        let (known, plan) = planned();
        let asked = question(&plan, &known).expect("zork is doubtful").to_string();
        assert!(asked.contains("zork") && asked.contains("xxxx 9"), "{asked}");
        assert!(!asked.contains("blip") && !asked.contains("Quote"), "{asked}");
    }

    #[test]
    fn an_answer_may_only_reorder() {
        let (_, plan) = planned();
        let before = plan.column("zork").expect("it is there").place();
        let check = |answer: &str, expected: Result<usize, ()>| {
            let mut own = plan.clone();
            let found = apply(&mut own, answer);
            assert_eq!(found.clone().map_err(drop), expected, "{answer}: {found:?}");
            let is_same = own.column("zork").expect("it is there").place() == before;
            assert_eq!(is_same, found.unwrap_or(0) == 0, "{answer}");
        };
        check(r#"{"columns":[{"name":"zork","order":[1,0]}]}"#, Ok(1));
        check(r#"{"columns":[]}"#, Ok(0));
        check(r#"{"columns":[{"name":"zork","order":[0,1]}]}"#, Ok(0));
        check(r#"{"columns":[{"name":"zork","order":[9]}]}"#, Err(()));
        check(r#"{"columns":[{"name":"zork","order":[1,1]}]}"#, Err(()));
        check(r#"{"columns":[{"name":"nobody","order":[0]}]}"#, Err(()));
        check(r#"{"columns":[{"name":"zork","order":[1],"place":"deal:title"}]}"#, Err(()));
        check("Certainly! Here is the mapping.", Err(()));
    }
}
