//! Columns of source rows: how the mapping names them and how their values are read.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::record::fold_name;

/// The fields of a source row.
pub type Payload = Map<String, Value>;

/// A column: a field of the row, or a dotted path into nested objects (`billing_address.city`).
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// As the mapping writes it.
    pub name: String,
    /// The path's parts; empty when the name has no dot.
    parts: Vec<String>,
    /// Corrections of the source's values: folded value, value meant.
    aliases: Vec<(String, String)>,
}

impl Column {
    /// A column by its name or path.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let parts = if name.contains('.') { name.split('.').map(str::to_owned).collect() } else { Vec::new() };
        Self { name: name.to_owned(), parts, aliases: Vec::new() }
    }

    /// The column with corrections of its values: pairs of the value written and the value meant.
    #[must_use]
    pub fn with_aliases<'a>(mut self, aliases: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        self.aliases = aliases.into_iter().map(|(written, meant)| (fold_name(written), meant.clone())).collect();
        self
    }

    /// The raw value; `None` when the row lacks it or holds null. A field whose own name has the dots goes first.
    #[must_use]
    pub fn value<'p>(&self, payload: &'p Payload) -> Option<&'p Value> {
        let direct = payload.get(&self.name);
        let value = match (direct, self.parts.split_first()) {
            (None, Some((first, rest))) => rest.iter().try_fold(payload.get(first)?, |value, part| value.get(part))?,
            _ => direct?,
        };
        (!value.is_null()).then_some(value)
    }

    /// The value as text, trimmed and corrected; `None` when there is none.
    ///
    /// Numbers keep their digits; lists of plain values are joined by `; `; of an object its `value`, else its `id`, else
    /// its `name` counts, else its JSON text.
    #[must_use]
    pub fn text<'p>(&'p self, payload: &'p Payload) -> Option<Cow<'p, str>> {
        let text = value_text(self.value(payload)?)?;
        if self.aliases.is_empty() {
            return Some(text);
        }
        let folded = fold_name(&text);
        let meant = self.aliases.iter().find(|(written, _)| *written == folded);
        Some(meant.map_or(text, |(_, meant)| Cow::Borrowed(meant.as_str())))
    }

    /// Whether the row has a value here.
    #[must_use]
    pub fn is_filled(&self, payload: &Payload) -> bool {
        match self.value(payload) {
            None => false,
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(value) => value_text(value).is_some(),
        }
    }
}

/// A value as trimmed text; `None` for null, empty text, empty lists and empty objects.
fn value_text(value: &Value) -> Option<Cow<'_, str>> {
    let text = match value {
        Value::Null => return None,
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(number) => Cow::Borrowed(number.as_str()),
        Value::String(text) => Cow::Borrowed(text.trim()),
        Value::Array(values) => Cow::Owned(values.iter().filter_map(value_text).collect::<Vec<_>>().join("; ")),
        Value::Object(parts) => {
            let inner = ["value", "id", "name"].iter().find_map(|name| parts.get(*name));
            match inner {
                Some(inner) => return value_text(inner),
                None if parts.is_empty() => return None,
                None => Cow::Owned(value.to_string()),
            }
        }
    };
    (!text.is_empty()).then_some(text)
}

/// A column and the values of it that are meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column.
    pub column: Column,
    /// Folded values, of which one must be there. The empty text stands for "no value".
    values: Vec<String>,
}

impl Condition {
    /// The column must hold one of the values, compared by letters without case.
    #[must_use]
    pub fn new(column: Column, values: &[String]) -> Self {
        Self { column, values: values.iter().map(|value| fold_name(value)).collect() }
    }

    /// The values that are meant, folded.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether the row meets it.
    #[must_use]
    pub fn holds(&self, payload: &Payload) -> bool {
        let text = self.column.text(payload).unwrap_or_default();
        self.values.iter().any(|value| **value == *text || *value == fold_name(&text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Payload {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn values_are_read_as_text() {
        let row = row(json!({
            "id": 17, "flag": true, "name": "  Dana ", "none": null, "empty": " ", "rate": 0.4, "tags": ["a", "b"],
            "client": {"id": 5, "name": "Harbor"}, "address": {"city": "Cork"}, "dotted.name": "x", "wrapped": {"value": 3}
        }));
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(Column::new(name).text(&row).as_deref(), expected, "{name}")
        };
        check("id", Some("17"));
        check("flag", Some("true"));
        check("name", Some("Dana"));
        check("none", None);
        check("empty", None);
        check("absent", None);
        check("rate", Some("0.4"));
        check("tags", Some("a; b"));
        check("client", Some("5"));
        check("client.name", Some("Harbor"));
        check("address.city", Some("Cork"));
        check("address.street", None);
        check("name.first", None);
        check("dotted.name", Some("x"));
        check("wrapped", Some("3"));
    }

    #[test]
    fn aliases_correct_values() {
        let aliases = [("GTXPro".to_owned(), "GTX Pro".to_owned())];
        let column = Column::new("product").with_aliases(aliases.iter().map(|(written, meant)| (written, meant)));
        assert_eq!(column.text(&row(json!({"product": "gtxpro "}))).as_deref(), Some("GTX Pro"));
        assert_eq!(column.text(&row(json!({"product": "GTK 500"}))).as_deref(), Some("GTK 500"));
    }

    #[test]
    fn conditions_compare_without_case() {
        let condition = Condition::new(Column::new("converted"), &["true".to_owned(), "1".to_owned()]);
        assert!(condition.holds(&row(json!({"converted": true}))));
        assert!(condition.holds(&row(json!({"converted": "TRUE "}))));
        assert!(condition.holds(&row(json!({"converted": 1}))));
        assert!(!condition.holds(&row(json!({"converted": "no"}))));
        assert!(!condition.holds(&row(json!({}))));
        assert!(Condition::new(Column::new("x"), &[String::new()]).holds(&row(json!({}))));
    }
}
