//! What the servers are filled with: an account of our own making, the same each time, and the public CRM data.

use std::path::Path;

use serde_json::{Map, Value, json};

/// The rows of one table, each with a text under `id`.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<Map<String, Value>>,
}

/// An account as a sales team leaves it behind: names of many alphabets, gaps, quotes, markup and long notes.
pub(crate) fn lookalike() -> Vec<Table> {
    vec![
        table("users", 40, |at| {
            json!({"name": name(at), "email": format!("user{at}@example.com"), "active": at % 7 != 0,
                "updated_at": moment(at)})
        }),
        table("clients", 1_203, |at| {
            json!({"company": filled(at, 9, &format!("{} & Sons {at}", word(at))), "first_name": word(at + 3),
                "last_name": filled(at, 11, &name(at)), "email": filled(at, 5, &format!("client{at}@example.com")),
                "phone": filled(at, 4, &format!("+1 212 555 {:04}", at % 10_000)), "owner_id": id("users", at % 40 + 1),
                "rating": at % 6, "balance": money(at), "notes": note(at), "created_at": moment(at * 3),
                "updated_at": moment(at)})
        }),
        table("leads", 407, |at| {
            json!({"name": format!("Lead {at} “{}”", word(at)), "stage": one_of(&["New", "Warm", "Hot"], at),
                "client_id": id("clients", at % 1_203 + 1), "score": at % 101, "updated_at": moment(at)})
        }),
        table("projects", 911, |at| {
            json!({"name": format!("Order {at}: {}", word(at)), "client_id": id("clients", at % 1_203 + 1),
                "value": money(at), "currency": "USD", "status": one_of(&["open", "won", "lost"], at),
                "expected_close": day(at), "updated_at": moment(at)})
        }),
        table("tasks", 1_502, |at| {
            json!({"subject": format!("<b>Call</b> {at}"), "project_id": id("projects", at % 911 + 1),
                "due_date": day(at), "done": at % 2 == 0, "comment": filled(at, 3, &note(at)), "updated_at": moment(at)})
        }),
    ]
}

/// "CRM Sales Opportunities" of Maven Analytics, as it comes, with ids for the files that have none.
pub(crate) fn maven(folder: &Path) -> Vec<Table> {
    let read = |name: &'static str, file: &str, id: &str, numbers: &[&str]| {
        let mut reader = csv::Reader::from_path(folder.join(file)).expect("the file opens");
        let rows = reader.deserialize().map(|line| {
            let line: std::collections::BTreeMap<String, String> = line.expect("a row");
            let own = line[id].replace(|sign: char| !sign.is_ascii_alphanumeric(), "-");
            let number = |text: &str| text.parse::<f64>().map_or_else(|_| json!(text), |number| json!(number));
            let values = line.iter().map(|(column, text)| match () {
                () if text.is_empty() => (column.clone(), Value::Null),
                () if numbers.contains(&column.as_str()) => (column.clone(), number(text)),
                () => (column.clone(), json!(text)),
            });
            std::iter::once(("id".to_owned(), json!(own))).chain(values).collect()
        });
        Table { name, rows: rows.collect() }
    };
    vec![
        read("users", "sales_teams.csv", "sales_agent", &[]),
        read("clients", "accounts.csv", "account", &["revenue", "employees"]),
        read("projects", "sales_pipeline.csv", "opportunity_id", &["close_value"]),
    ]
}

fn table(name: &'static str, rows: usize, row: impl Fn(usize) -> Value) -> Table {
    let rows = (1..=rows).map(|at| {
        let Value::Object(mut fields) = row(at) else { panic!("a row is an object") };
        fields.insert("id".to_owned(), json!(id(name, at)));
        fields
    });
    Table { name, rows: rows.collect() }
}

fn id(table: &str, at: usize) -> String {
    format!("{}-{at}", table.trim_end_matches('s'))
}

fn word(at: usize) -> &'static str {
    ["Alder", "Böhm", "Çelik", "O'Neil", "Žižka", "山田", "Nguyễn", "de la Cruz", "\"Quoted\""][at % 9]
}

fn one_of(words: &[&'static str], at: usize) -> &'static str {
    words[at % words.len()]
}

fn name(at: usize) -> String {
    format!("{} {}", word(at), word(at / 9 + 4))
}

fn note(at: usize) -> String {
    format!("Met {}; wants {} caps,\nsamples by mail. ", name(at), at % 500).repeat(at % 4 + 1)
}

/// Nothing in every so many rows.
fn filled(at: usize, every: usize, text: &str) -> Value {
    if at.is_multiple_of(every) { Value::Null } else { json!(text) }
}

fn money(at: usize) -> f64 {
    (at * 37 % 100_000) as f64 + (at % 4) as f64 * 0.25
}

fn day(at: usize) -> String {
    format!("2026-{:02}-{:02}", at % 12 + 1, at % 28 + 1)
}

/// A time that no other row of a few thousand has.
fn moment(at: usize) -> String {
    format!("2025-{:02}-{:02}T{:02}:{:02}:{:02}Z", at % 12 + 1, at / 12 % 28 + 1, at % 24, at % 60, at / 60 % 60)
}
