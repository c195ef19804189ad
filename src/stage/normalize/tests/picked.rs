//! One of several folded rows gives its value, or only some of them count.

use super::*;

/// The default mapping with more lines of a deal.
fn with(lines: &str) -> Mapping {
    let before = "  { to = \"custom:Commission records\"";
    let text = crate::mapping::PROMOX.replacen(before, &format!("{lines}\n{before}"), 1);
    Mapping::parse(&text, "picked").expect("a mapping")
}

fn project() -> SourceRecord {
    let row = json!({"id": 1, "name": "Kits", "client_id": 2, "currency": "EUR", "stage": "New"});
    let mut project = record(Object::Project, row);
    let child = |id: u32, paid: &str, amount: &str, kind: &str| {
        record(
            Object::Commission,
            json!({"id": id, "project_id": 1, "rep_id": format!("u_{id}"), "rep_type": kind, "amount": amount, "paid_date": paid}),
        )
    };
    project.children = vec![
        child(10, "2025-03-01", "30.10", "Order Rep"),
        child(2, "2025-04-01", "20.05", "Client Rep"),
        child(3, "", "(5.00)", "Client Rep"),
    ];
    project
}

#[track_caller]
fn check(line: &str, expected: &str) {
    let lines = Made::of(&project(), &with(&format!("  {{ to = \"custom:X\", {line} }},"))).lines("deal");
    let found = lines.iter().find_map(|line| line.strip_prefix("custom:X = ")).unwrap_or("nothing");
    assert_eq!(found, expected, "{line}");
}

#[test]
fn one_child_gives_its_value() {
    check("kind = \"money\", fold = \"commission\", first = \"amount\"", "20.05 USD");
    check("kind = \"money\", fold = \"commission\", first = \"amount\", currency_from = \"currency\"", "20.05 EUR");
    check("kind = \"number\", fold = \"commission\", first = \"amount\", nth = 2", "-5.00");
    check("kind = \"number\", fold = \"commission\", latest = \"amount\"", "30.10");
    check("kind = \"number\", fold = \"commission\", latest = \"amount\", by = \"paid_date\"", "20.05");
    // A row without a date is none of the latest.
    check("kind = \"number\", fold = \"commission\", latest = \"amount\", by = \"paid_date\", nth = 3", "-5.00");
    check("kind = \"number\", fold = \"commission\", latest = \"amount\", nth = 4", "nothing");
    check("kind = \"text\", fold = \"commission\", latest = \"{rep_id} as {rep_type}\"", "u_10 as Order Rep");
    check("kind = \"date\", fold = \"commission\", first = \"paid_date\"", "2025-04-01");
}

#[test]
fn only_some_children_count() {
    let of = "fold = \"commission\", fold_if = { rep_type = \"client rep\" }";
    check(&format!("kind = \"money\", {of}, sum = \"amount\""), "15.05 USD");
    check(&format!("kind = \"number\", {of}, count = true"), "2");
    check(&format!("kind = \"number\", {of}, latest = \"amount\""), "-5.00");
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |line: &str, expected: &str| {
        let before = "  { to = \"custom:Commission records\"";
        let line = format!("  {{ to = \"custom:X\", {line} }},\n{before}");
        let problems = Mapping::problems(&crate::mapping::PROMOX.replacen(before, &line, 1));
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|problem| problem.contains(expected)), "{told:?}");
    };
    check(
        "kind = \"number\", fold = \"commission\", sum = \"amount\", nth = 2",
        "has by or nth without first or latest",
    );
    check("kind = \"stage\", fold = \"commission\", first = \"amount\"", "does not fit: count makes a number");
    check(
        "kind = \"number\", fold = \"commission\", first = \"amount\", latest = \"amount\"",
        "has more than one of count",
    );
    check("kind = \"number\", fold = \"commission\", first = \"amount\", nth = 0", "nth counts from 1");
    check("kind = \"text\", from = \"name\", fold_if = { a = \"b\" }", "has fold_if without fold");
}
