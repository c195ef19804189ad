//! Parts, formats, looked-up values and constants, each on a row.

use super::*;

const HEAD: &str = r#"
version = 1
[defaults]
currency = "EUR"
time_zone = "UTC"
day_order = "month_first"
phone_country = "DE"
decimal_sign = "point"
[[object]]
kind = "project"
table = "projects"
id = "id"
[[object.to]]
entity = "deal"
fields = [
  { to = "title", kind = "text", from = "id" },
"#;

/// One field from column `x`, and what it makes of a value: its line without the title, and the findings' codes.
#[track_caller]
fn check(rest: &str, value: Value, expected: Option<&str>, codes: &[&str]) {
    let text = format!("{HEAD}  {{ to = \"custom:X\", {rest} }},\n]\n");
    let mut mapping = Mapping::parse(&text, "test").expect("a mapping");
    mapping.take_lookups(|_| Ok("code,name\nN,North\nS,South\n".to_owned())).expect("the table");
    let made = Made::of(&record(Object::Project, json!({"id": "1", "x": value})), &mapping);
    let lines = made.lines("deal");
    assert_eq!(lines.get(1).map(String::as_str), expected.map(|text| format!("custom:X = {text}")).as_deref());
    assert_eq!(made.codes, codes);
}

#[test]
fn parts() {
    let second = r#"kind = "text", from = "x", split = { at = "/", part = 2 }"#;
    check(second, json!("Harbor / North / 7"), Some("North"), &[]);
    check(second, json!("Harbor"), None, &[]);
    check(r#"kind = "text", from = "x", split = { at = "/", part = -1 }"#, json!("Harbor/North/7"), Some("7"), &[]);
    check(r#"kind = "set", from = "x", split = { at = "/" }"#, json!("b, c/a"), Some("a|b, c"), &[]);
    check(r#"kind = "number", from = "x", split = { at = " ", part = 1 }"#, json!("12.5 kg"), Some("12.5"), &[]);
}

#[test]
fn formats() {
    let day = r#"kind = "date", from = "x", format = "%d.%m.%Y""#;
    check(day, json!("03.04.2024"), Some("2024-04-03"), &[]);
    check(day, json!("04/03/2024"), None, &["invalid_date"]);
    check(day, json!("-"), None, &[]);
    let amount = r#"kind = "money", from = "x", format = "1.234,56""#;
    check(amount, json!("1.250"), Some("1250 EUR"), &[]);
    check(amount, json!("1.250,40"), Some("1250.40 EUR"), &[]);
    check(amount, json!(1250.5), Some("1250.5 EUR"), &[]);
    check(amount, json!("12,50.0"), None, &["invalid_number"]);
    check(r#"kind = "number", from = "x""#, json!("1.250"), Some("1.250"), &[]);
    check(
        r#"kind = "date", from = "x", format = "%d.%m.%Y", default = "2020-01-02""#,
        json!(""),
        Some("2020-01-02"),
        &[],
    );
}

#[test]
fn lookups() {
    let name = r#"kind = "enum", from = "x", lookup = { file = "t.csv", key = "code", value = "name" }"#;
    check(name, json!("n"), Some("North"), &[]);
    check(name, json!("W"), None, &["unknown_value"]);
    let part = r#"kind = "text", from = "x", split = { at = "-", part = 1 }, lookup = { file = "t.csv", key = "code", value = "name" }, values = { North = "N.", South = "S." }"#;
    check(part, json!("S-17"), Some("S."), &[]);
}

#[test]
fn constants_and_joins() {
    check(r#"kind = "text", constant = "from PromoX""#, json!(null), Some("from PromoX"), &[]);
    check(r#"kind = "text", from = ["x", "id"], join = " / ""#, json!("a"), Some("a / 1"), &[]);
    check(r#"kind = "html", from = "x""#, json!("<p>a <b>b</b></p><p>c</p>"), Some("a b\nc"), &[]);
}
