//! What a field does with its value, as text for a cell: one clause a line, `as emails`, `join: " "`, `values: A=B; C=D`.
//!
//! Every key of a field but its target and its columns has a clause, so the text says all of it, and reading it back gives
//! the same keys. Clauses stand on lines of their own, or have ` | ` between them. A text in double quotes is taken
//! as it stands (`\"`, `\\`, `\n`, `\t` in it); others are trimmed.

use toml::{Table, Value};

use super::field::Kind;

/// How a clause writes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `name: text`.
    Text,
    /// `name: a; b`: one text or several.
    OneOrMany,
    /// `name: a; b`: always several.
    Many,
    /// `name`.
    Flag,
    /// `name: 12`.
    Number,
    /// `name: column = a; column = b`.
    Conditions,
    /// `values: A=B; C=D; other=E`, and `others stay`.
    Values,
    /// `split: "," 2`.
    Split,
    /// `lookup: file.csv, code -> name`.
    Lookup,
}

/// The clauses in the order in which they are written: their name, the key of the mapping, their form.
const CLAUSES: &[(&str, &str, Form)] = &[
    ("as", "kind", Form::Text),
    ("constant", "constant", Form::Text),
    ("template", "template", Form::Text),
    ("own role", "own_role", Form::Text),
    ("link to", "object", Form::Text),
    ("role", "role", Form::Text),
    ("by", "by", Form::Text),
    ("fold", "fold", Form::Text),
    ("count", "count", Form::Flag),
    ("sum", "sum", Form::Text),
    ("sum in", "sum_in", Form::Text),
    ("list", "list", Form::Text),
    ("first", "first", Form::Text),
    ("latest", "latest", Form::Text),
    ("by", "by", Form::Text),
    ("nth", "nth", Form::Number),
    ("fold if", "fold_if", Form::Conditions),
    ("join", "join", Form::Text),
    ("split", "split", Form::Split),
    ("lookup", "lookup", Form::Lookup),
    ("format", "format", Form::Text),
    ("values", "values", Form::Values),
    ("options", "options", Form::Many),
    ("scale", "scale", Form::Text),
    ("default", "default", Form::Text),
    ("flag missing", "flag_missing", Form::Text),
    ("required", "required", Form::Flag),
    ("longest", "max_length", Form::Number),
    ("cut", "cut", Form::Flag),
    ("when", "when", Form::OneOrMany),
    ("unless", "unless", Form::OneOrMany),
    ("only if", "only_if", Form::Conditions),
    ("currency from", "currency_from", Form::Text),
    ("time from", "time_from", Form::Text),
    ("pipeline from", "pipeline_from", Form::Text),
    ("pipeline", "pipeline", Form::Text),
    ("label", "label", Form::Text),
    ("footer", "footer", Form::Many),
];

/// In `values`: what is not listed stays as it is.
const OTHERS_STAY: &str = "others stay";

/// In `values`: what is not listed becomes this.
const OTHER: &str = "other";

/// The clauses of a field, without its target and its columns.
#[must_use]
pub fn write(field: &Table) -> String {
    let mut lines = Vec::new();
    for (name, key, form) in CLAUSES {
        let Some(value) = field.get(*key) else { continue };
        let text = match (form, value) {
            (Form::Flag, Value::Boolean(true)) => (*name).to_owned(),
            (Form::Flag, _) => continue,
            (Form::Text, Value::String(text)) if *key == "kind" => format!("{name} {text}"),
            (Form::Values, Value::Table(values)) => format!("{name}: {}", write_values(field, values)),
            (_, value) => format!("{name}: {}", write_value(*form, value)),
        };
        lines.push(text);
    }
    lines.join("\n")
}

fn write_values(field: &Table, values: &Table) -> String {
    let mut items: Vec<String> = values
        .iter()
        .map(|(from, to)| {
            let from = if from == OTHER { in_quotes(from) } else { item(from) };
            format!("{from}={}", item(plain(to)))
        })
        .collect();
    if let Some(Value::String(other)) = field.get("other") {
        items.push(format!("{OTHER}={}", item(other)));
    }
    if field.get("keep_other") == Some(&Value::Boolean(true)) {
        items.push(OTHERS_STAY.to_owned());
    }
    items.join("; ")
}

fn write_value(form: Form, value: &Value) -> String {
    let list = |values: &[Value]| values.iter().map(|value| item(plain(value))).collect::<Vec<_>>().join("; ");
    match (form, value) {
        (Form::Split, Value::Table(split)) => {
            let at = in_quotes(split.get("at").map_or("", plain));
            split.get("part").map_or_else(|| at.clone(), |part| format!("{at} {part}"))
        }
        (Form::Lookup, Value::Table(lookup)) => {
            let part = |key: &str| item(lookup.get(key).map_or("", plain));
            format!("{}; {} = {}", part("file"), part("key"), part("value"))
        }
        (Form::Conditions, Value::Table(conditions)) => {
            let one = |(column, values): (&String, &Value)| match values {
                Value::Array(values) => {
                    let each = values.iter().map(|value| format!("{} = {}", item(column), item(plain(value))));
                    each.collect::<Vec<_>>().join("; ")
                }
                value => format!("{} = {}", item(column), item(plain(value))),
            };
            conditions.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        (_, Value::Array(values)) => list(values),
        (Form::Text, Value::String(text)) => bare_or_quoted(text, &[]),
        (_, Value::String(text)) => item(text),
        (_, value) => value.to_string(),
    }
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text among others.
fn item(text: &str) -> String {
    bare_or_quoted(text, &[';', '='])
}

fn bare_or_quoted(text: &str, marks: &[char]) -> String {
    let is_bare = !text.is_empty()
        && text.trim() == text
        && !text.contains(['"', '\n', '\r', '\t'])
        && !text.contains(" | ")
        && !text.contains(marks)
        && text != OTHERS_STAY
        // Beside the space around it, the mark would separate clauses.
        && !text.starts_with('|')
        && !text.ends_with('|');
    if is_bare { text.to_owned() } else { in_quotes(text) }
}

fn in_quotes(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Reads clauses back into the keys of a field.
///
/// # Errors
/// What is wrong in words, with the clause it stands in.
pub fn read(text: &str) -> Result<Table, String> {
    let mut field = Table::new();
    for clause in split(text, &["\n", "\r", " | "])?.into_iter().map(str::trim).filter(|clause| !clause.is_empty()) {
        let (name, rest) = match split_once(clause, ":") {
            Some((name, rest)) => (name.trim(), Some(rest.trim())),
            None => match clause.strip_prefix("as ") {
                Some(kind) => ("as", Some(kind.trim())),
                None => (clause, None),
            },
        };
        let folded = name.to_lowercase();
        let Some((name, key, form)) = CLAUSES.iter().find(|(known, ..)| *known == folded) else {
            let names: Vec<&str> = CLAUSES.iter().map(|(name, ..)| *name).collect();
            return Err(format!("{name:?} is no transform{}", hint(&folded, &names)));
        };
        let wrong = |reason: String| format!("{name}: {reason}");
        let value = match (form, rest) {
            (Form::Flag, None) => Value::Boolean(true),
            (Form::Flag, Some(_)) => return Err(wrong("stands alone, without a value".to_owned())),
            (_, None | Some("")) => return Err(wrong("needs a value after a colon".to_owned())),
            (Form::Values, Some(rest)) => {
                read_values(rest, &mut field).map_err(wrong)?;
                continue;
            }
            (form, Some(rest)) => read_value(*form, rest).map_err(wrong)?,
        };
        if *key == "kind" && value.as_str().is_none_or(|kind| Kind::parse(kind).is_none()) {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            let kind = plain(&value);
            return Err(format!("{kind:?} is no kind of value{}", hint(kind, &known)));
        }
        if field.insert((*key).to_owned(), value).is_some() {
            return Err(wrong("stands twice".to_owned()));
        }
    }
    Ok(field)
}

fn read_values(text: &str, field: &mut Table) -> Result<(), String> {
    let mut values = Table::new();
    for written in items(text)? {
        if written.trim() == OTHERS_STAY {
            field.insert("keep_other".to_owned(), Value::Boolean(true));
            continue;
        }
        let (from, to) = pair(written)?;
        let to = Value::String(unquoted(to)?);
        if from.trim() == OTHER {
            field.insert("other".to_owned(), to);
        } else if values.insert(unquoted(from)?, to).is_some() {
            return Err(format!("{} stands twice", from.trim()));
        }
    }
    if field.insert("values".to_owned(), Value::Table(values)).is_some() {
        return Err("stands twice".to_owned());
    }
    Ok(())
}

fn read_value(form: Form, text: &str) -> Result<Value, String> {
    match form {
        Form::Number => text.parse().map(Value::Integer).map_err(|_| format!("{text:?} is no whole number")),
        Form::Many | Form::OneOrMany => {
            let texts: Vec<Value> =
                items(text)?.into_iter().map(|item| unquoted(item).map(Value::String)).collect::<Result<_, _>>()?;
            match (form, <[Value; 1]>::try_from(texts)) {
                (Form::OneOrMany, Ok([one])) => Ok(one),
                (_, Ok([one])) => Ok(Value::Array(vec![one])),
                (_, Err(several)) => Ok(Value::Array(several)),
            }
        }
        Form::Conditions => {
            let mut conditions: Vec<(String, Vec<Value>)> = Vec::new();
            for item in items(text)? {
                let (column, value) = pair(item)?;
                let (column, value) = (unquoted(column)?, Value::String(unquoted(value)?));
                match conditions.iter_mut().find(|(known, _)| *known == column) {
                    Some((_, values)) => values.push(value),
                    None => conditions.push((column, vec![value])),
                }
            }
            let one = |(column, mut values): (String, Vec<Value>)| match values.len() {
                1 => (column, values.remove(0)),
                _ => (column, Value::Array(values)),
            };
            Ok(Value::Table(conditions.into_iter().map(one).collect()))
        }
        Form::Split => {
            let Some((at, part)) = text.strip_prefix('"').and_then(|_| text.rsplit_once('"')) else {
                return Err("the separator stands in double quotes: split: \",\" 1".to_owned());
            };
            let mut split = Table::new();
            split.insert("at".to_owned(), Value::String(unquoted(&format!("{at}\""))?));
            if !part.trim().is_empty() {
                let number = part.trim().parse().map_err(|_| format!("{:?} is no number of a part", part.trim()))?;
                split.insert("part".to_owned(), Value::Integer(number));
            }
            Ok(Value::Table(split))
        }
        Form::Lookup => {
            const SHAPE: &str = "is written as file.csv; column = column: lookup: territories.csv; code = name";
            let items = items(text)?;
            let [file, columns] = items.as_slice() else { return Err(SHAPE.to_owned()) };
            let (key, value) = pair(columns).map_err(|_| SHAPE.to_owned())?;
            let entry = |name: &str, text: &str| Ok((name.to_owned(), Value::String(unquoted(text)?)));
            let entries: Result<Table, String> =
                [entry("file", file), entry("key", key), entry("value", value)].into_iter().collect();
            entries.map(Value::Table)
        }
        Form::Text | Form::Flag | Form::Values => unquoted(text).map(Value::String),
    }
}

fn items(text: &str) -> Result<Vec<&str>, String> {
    Ok(split(text, &[";"])?.into_iter().filter(|item| !item.trim().is_empty()).collect())
}

fn pair(item: &str) -> Result<(&str, &str), String> {
    split_once(item, "=").ok_or_else(|| format!("{:?} has no = between what it was and what it becomes", item.trim()))
}

/// A text as it is meant: without its quotes, or trimmed.
fn unquoted(text: &str) -> Result<String, String> {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('"') else {
        return if text.contains('"') {
            Err(format!("{text:?} has a quotation mark in it; put the whole text in quotes, and \\ before that one"))
        } else {
            Ok(text.to_owned())
        };
    };
    let Some(inner) = inner.strip_suffix('"') else { return Err(format!("{text} has no closing quotation mark")) };
    let mut meant = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => meant.push('\n'),
                Some('r') => meant.push('\r'),
                Some('t') => meant.push('\t'),
                Some(escaped @ ('"' | '\\')) => meant.push(escaped),
                _ => return Err(format!("{text} has a \\ that is followed by none of \" \\ n r t")),
            },
            '"' => return Err(format!("{text} has a quotation mark in it; write \\\"")),
            letter => meant.push(letter),
        }
    }
    Ok(meant)
}

/// Cuts a text at separators that stand outside of quotes.
fn split<'t>(text: &'t str, separators: &[&str]) -> Result<Vec<&'t str>, String> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    for at in outside_quotes(text) {
        if at < begin {
            continue;
        }
        if let Some(separator) = separators.iter().find(|separator| text[at..].starts_with(**separator)) {
            pieces.push(&text[begin..at]);
            begin = at + separator.len();
        }
    }
    pieces.push(&text[begin..]);
    let marks = text.replace("\\\\", "").replace("\\\"", "").matches('"').count();
    if marks % 2 == 1 { Err("a quotation mark is not closed".to_owned()) } else { Ok(pieces) }
}

fn split_once<'t>(text: &'t str, separator: &str) -> Option<(&'t str, &'t str)> {
    let at = outside_quotes(text).into_iter().find(|at| text[*at..].starts_with(separator))?;
    Some((&text[..at], &text[at + separator.len()..]))
}

/// The places of letters outside of quotes.
fn outside_quotes(text: &str) -> Vec<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let mut places = Vec::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if !is_quoted => places.push(at),
            _ => {}
        }
    }
    places
}

/// `; did you mean X?` for the nearest of some words, and otherwise all of them.
#[must_use]
pub fn hint(word: &str, known: &[&str]) -> String {
    let word = word.to_lowercase();
    let near = known.iter().map(|name| (strsim::osa_distance(&word, &name.to_lowercase()), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + name.chars().count() / 4 => format!("; did you mean {name}?"),
        _ => format!("; known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::PROMOX;

    const MAVEN: &str = include_str!("../../tests/fixtures/maven-crm.mapping.toml");
    const EXISTING: &str = include_str!("../../tests/fixtures/existing.mapping.toml");

    /// A field without its target and columns.
    fn rest(mut field: Table) -> Table {
        field.remove("to");
        field.remove("from");
        // No is what a missing flag says, too.
        field.into_iter().filter(|(_, value)| *value != Value::Boolean(false)).collect()
    }

    #[test]
    fn every_shipped_field_reads_back_as_it_was() {
        let mut fields = 0;
        for text in [PROMOX, MAVEN, EXISTING] {
            let mapping: Table = text.parse().expect("TOML");
            let list = |table: &Table, key: &str| table.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            for object in list(&mapping, "object") {
                for destination in list(object.as_table().expect("an object"), "to") {
                    for field in list(destination.as_table().expect("a destination"), "fields") {
                        let field = rest(field.as_table().expect("a field").clone());
                        let written = write(&field);
                        assert_eq!(read(&written).as_ref(), Ok(&field), "{written}");
                        fields += 1;
                    }
                }
            }
        }
        assert!(fields > 100, "{fields}");
    }

    #[test]
    fn awkward_texts_read_back_as_they_were() {
        let awkward = [
            "",
            " ",
            ";",
            "=",
            "a;b",
            "a = b",
            "\"",
            "a\"b",
            "\\",
            "a\nb",
            " | ",
            "|",
            "a | b",
            "others stay",
            "other",
            ":",
            "as x",
            "join: y",
            "'",
            "\t",
            "=1+1",
            "ä→",
            "\\\"",
            "\\\\\"",
            "a\\",
        ];
        for one in awkward {
            for other in awkward {
                let text = |text: &str| Value::String(text.to_owned());
                let values: Table = [(one.to_owned(), text(other))].into_iter().collect();
                let split: Table =
                    [("at".to_owned(), text(one)), ("part".to_owned(), Value::Integer(-2))].into_iter().collect();
                let field: Table = [
                    ("kind".to_owned(), text("text")),
                    ("join".to_owned(), text(one)),
                    ("default".to_owned(), text(other)),
                    ("values".to_owned(), Value::Table(values.clone())),
                    ("other".to_owned(), text(other)),
                    ("options".to_owned(), Value::Array(vec![text(one), text(other)])),
                    ("when".to_owned(), Value::Array(vec![text(one), text(other)])),
                    ("only_if".to_owned(), Value::Table(values)),
                    ("split".to_owned(), Value::Table(split)),
                    ("max_length".to_owned(), Value::Integer(12)),
                    ("cut".to_owned(), Value::Boolean(true)),
                ]
                .into_iter()
                .collect();
                let written = write(&field);
                assert_eq!(read(&written).as_ref(), Ok(&field), "{one:?} {other:?}\n{written}");
            }
        }
    }

    #[test]
    fn people_may_write_it_more_freely() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                read(text).map(|field| field.to_string().replace('\n', " ").trim().to_owned()),
                Ok(expected.to_owned())
            );
        };
        check("As: emails | CUT", "cut = true kind = \"emails\"");
        check("values: A = B ;C=D;", "[values] A = \"B\" C = \"D\"");
        check("split:\";\"2", "[split] at = \";\" part = 2");
        check("", "");
    }

    #[test]
    fn mistakes_are_named() {
        let check = |text: &str, expected: &str| assert_eq!(read(text), Err(expected.to_owned()), "{text:?}");
        check("as emials", "\"emials\" is no kind of value; did you mean emails?");
        check("vales: A=B", "\"vales\" is no transform; did you mean values?");
        check("values: A", "values: \"A\" has no = between what it was and what it becomes");
        check("values: A=1; A=2", "values: A stands twice");
        check("join:", "join: needs a value after a colon");
        check("cut: yes", "cut: stands alone, without a value");
        check("join: \"a", "a quotation mark is not closed");
        check("split: , 1", "split: the separator stands in double quotes: split: \",\" 1");
        check("longest: many", "longest: \"many\" is no whole number");
        check("cut\ncut", "cut: stands twice");
    }
}
