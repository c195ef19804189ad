//! Texts made of several columns: `{product} – {account|no account}`.

use std::fmt::Write;

use super::column::{Column, Payload};
use super::owners::Owners;

/// A text with columns in braces: `{column}`, `{column|text when empty}`, `{column:owner}` for the owner's name.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// As the mapping writes it.
    pub written: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Column { column: Column, when_empty: Option<String>, is_owner: bool },
}

impl Template {
    /// Reads a template; `column` makes each column from its name.
    ///
    /// # Errors
    /// The reason in words when braces do not match or a column has no name.
    pub fn parse(written: &str, column: impl Fn(&str) -> Column) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = written;
        while let Some(open) = rest.find(['{', '}']) {
            if rest[open..].starts_with('}') {
                return Err("has a closing brace without an opening one".to_owned());
            }
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let inner = &rest[open + 1..];
            let Some(close) = inner.find('}') else {
                return Err("has an opening brace without a closing one".to_owned());
            };
            pieces.push(column_piece(&inner[..close], &column)?);
            rest = &inner[close + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { written: written.to_owned(), pieces })
    }

    /// The columns it names, in order.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Column { column, .. } => Some(column),
            Piece::Text(_) => None,
        })
    }

    /// The text for a row; `None` when none of its columns has a value.
    #[must_use]
    pub fn render(&self, payload: &Payload, owners: &Owners) -> Option<String> {
        let mut text = String::with_capacity(self.written.len() + 32);
        let mut filled = false;
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Column { column, when_empty, is_owner } => match column.text(payload) {
                    Some(value) => {
                        filled = true;
                        text.push_str(if *is_owner { owners.display_name(&value) } else { &value });
                    }
                    None => text.push_str(when_empty.as_deref().unwrap_or_default()),
                },
            }
        }
        filled.then_some(text)
    }
}

fn column_piece(inner: &str, column: &impl Fn(&str) -> Column) -> Result<Piece, String> {
    let (name, when_empty) = match inner.split_once('|') {
        Some((name, when_empty)) => (name, Some(when_empty.to_owned())),
        None => (inner, None),
    };
    let (name, is_owner) = match name.strip_suffix(":owner") {
        Some(name) => (name, true),
        None => (name, false),
    };
    if name.trim().is_empty() {
        let mut reason = String::from("has braces without a column name");
        // The place in the text helps where a template has many columns.
        if !inner.is_empty() {
            write!(reason, " in {{{inner}}}").map_err(|error| error.to_string())?;
        }
        return Err(reason);
    }
    Ok(Piece::Column { column: column(name.trim()), when_empty, is_owner })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(written: &str, expected: Option<&str>) {
        let row = json!({"product": "GTX Pro", "account": "", "rep": "u_1", "n": 3});
        let mut owners = Owners::default();
        owners.set_names([("u_1".to_owned(), "Dana Ruiz".to_owned())]);
        let template = Template::parse(written, Column::new).expect("a template");
        assert_eq!(template.render(row.as_object().expect("an object"), &owners).as_deref(), expected);
    }

    #[test]
    fn rows_fill_templates() {
        check("{product} – {account|no account}", Some("GTX Pro – no account"));
        check("{rep:owner}: {n}", Some("Dana Ruiz: 3"));
        check("{product:owner}", Some("GTX Pro"));
        check("created {account}", None);
        check("no column", None);
    }

    #[test]
    fn bad_templates_say_why() {
        for written in ["{a", "a}", "{}", "{|x}", "{:owner}"] {
            assert!(Template::parse(written, Column::new).is_err(), "{written:?}");
        }
    }
}
