//! The text of a mapping: destinations and their lines, written as people write them, with the reason beside each line.

/// A field line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its target.
    pub to: String,
    /// The kind by which it is read.
    pub kind: String,
    /// The other keys as TOML: `from = "email"`.
    pub keys: Vec<String>,
    /// Columns it takes its value from.
    pub columns: Vec<String>,
    /// What is said beside it; empty: nothing.
    pub remark: String,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    /// Its entity.
    pub entity: String,
    /// The lines before its fields, as TOML.
    pub head: Vec<String>,
    /// Its fields.
    pub lines: Vec<Line>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    /// What is said above it.
    pub remarks: Vec<String>,
    /// The lines of the object itself, as TOML.
    pub head: Vec<String>,
    /// Columns that stay behind, with the reason and what is said beside it.
    pub leave: Vec<(String, String, String)>,
    /// Its destinations.
    pub to: Vec<Section>,
}

/// A text as a TOML string.
#[must_use]
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.replace(['\n', '\r'], " ")).to_string()
}

/// Texts as a TOML list; one text as itself.
#[must_use]
pub fn quoted_list(texts: &[String]) -> String {
    match texts {
        [only] => quoted(only),
        _ => format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")),
    }
}

/// A pair of a TOML table: `key = value`, the key quoted where it must be.
#[must_use]
pub fn pair(key: &str, value: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-'));
    if is_bare { format!("{key} = {value}") } else { format!("{} = {value}", quoted(key)) }
}

impl Line {
    /// A line that reads one column or several.
    #[must_use]
    pub fn from(to: &str, kind: &str, columns: &[String]) -> Self {
        Self {
            to: to.to_owned(),
            kind: kind.to_owned(),
            keys: vec![format!("from = {}", quoted_list(columns))],
            columns: columns.to_vec(),
            remark: String::new(),
        }
    }

    /// A line that reads no column.
    #[must_use]
    pub fn plain(to: &str, kind: &str) -> Self {
        Self { to: to.to_owned(), kind: kind.to_owned(), keys: Vec::new(), columns: Vec::new(), remark: String::new() }
    }

    /// With another key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// With what is said beside it.
    #[must_use]
    pub fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = remark.into();
        self
    }

    fn text(&self) -> String {
        let mut parts = vec![format!("to = {}", quoted(&self.to)), format!("kind = {}", quoted(&self.kind))];
        parts.extend(self.keys.iter().cloned());
        format!("{{ {} }},", parts.join(", "))
    }
}

/// The objects as text, behind the head of the mapping.
#[must_use]
pub fn text(head: &str, parts: &[Part]) -> String {
    let mut out = head.to_owned();
    for part in parts {
        out.push('\n');
        part.remarks.iter().for_each(|remark| push(&mut out, &format!("# {}", one_line(remark))));
        push(&mut out, "[[object]]");
        part.head.iter().for_each(|line| push(&mut out, line));
        if !part.leave.is_empty() {
            push(&mut out, "\n# Columns that stay behind, and why.");
            push(&mut out, "[object.leave]");
            for (column, reason, remark) in &part.leave {
                let remark = if remark.is_empty() { String::new() } else { format!("  # {}", one_line(remark)) };
                push(&mut out, &format!("{}{remark}", pair(column, &quoted(reason))));
            }
        }
        for section in &part.to {
            push(&mut out, "\n[[object.to]]");
            push(&mut out, &format!("entity = {}", quoted(&section.entity)));
            section.head.iter().for_each(|line| push(&mut out, line));
            push(&mut out, "fields = [");
            for line in &section.lines {
                let remark =
                    if line.remark.is_empty() { String::new() } else { format!("  # {}", one_line(&line.remark)) };
                push(&mut out, &format!("  {}{remark}", line.text()));
            }
            push(&mut out, "]");
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_texts_are_quoted_where_toml_asks_for_it() {
        assert_eq!(pair("a_b", "1"), "a_b = 1");
        assert_eq!(pair("Straße \"1\"", "1"), "'Straße \"1\"' = 1");
        assert_eq!(quoted_list(&["a".to_owned()]), "\"a\"");
        let line = Line::from("name", "text", &["a".to_owned(), "b".to_owned()]).key("join = \" \"");
        assert_eq!(line.text(), "{ to = \"name\", kind = \"text\", from = [\"a\", \"b\"], join = \" \" },");
    }
}
