//! Lays tables out anew in a mapping that people have edited: what the proposal changes with another placement is merged
//! with what they changed, line by line; where both changed the same lines, nothing is decided for them.

use std::collections::BTreeMap;

use diffy::merge;
use toml::{Table, Value};

use super::Mapping;
use super::placement::{Placement, Placements};

/// The placements that a mapping names, as it is written; words that are none are left to the check.
#[must_use]
pub fn wanted(text: &str) -> Placements {
    let document: Table = text.parse().unwrap_or_default();
    let section = document.get("placement").and_then(Value::as_table);
    let read = |(table, word): (&String, &Value)| Some((table.clone(), Placement::parse(word.as_str()?).ok()?));
    section.into_iter().flatten().filter_map(read).collect()
}

/// Merges: `base` is the mapping as it was proposed, `mine` as people edited it, `theirs` as it is proposed with the other
/// placements.
///
/// # Errors
/// Every line that was edited where another placement changes it too, each with its place; or what would be wrong with the
/// merged mapping.
pub fn relay(base: &str, mine: &str, theirs: &str) -> Result<String, Vec<String>> {
    // The words themselves are what was asked for, and no edit of their own.
    let (base, theirs) = (&with_remarks_of(base, mine), &with_remarks_of(theirs, mine));
    let merged = merge(base, &with_section_of(mine, base), theirs);
    let text = merged.map_err(|conflicts| told(&conflicts, mine))?;
    let problems = Mapping::problems(&text);
    if problems.is_empty() {
        return Ok(text);
    }
    Err(problems.iter().map(|problem| format!("the mapping would no longer be right: {problem}")).collect())
}

/// The text with the remarks behind its lines as another text has them, where the lines say the same: how sure something is
/// changes with the rows of the source, and is no edit. Those of `[placement]` go with what is chosen.
fn with_remarks_of(text: &str, other: &str) -> String {
    let mut known: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for line in other.lines().filter(|line| !said(line).is_empty()) {
        // One that is there twice with other remarks could be either.
        let is_other = |first: &mut Option<&str>| *first = first.filter(|first| *first == line);
        known.entry(said(line)).and_modify(is_other).or_insert(Some(line));
    }
    let chosen = section(text).unwrap_or_default();
    let same = |(at, line): (usize, _)| match known.get(said(line)) {
        Some(Some(own)) if !chosen.contains(&at) => own,
        _ => line,
    };
    text.lines().enumerate().map(same).flat_map(|line| [line, "\n"]).collect()
}

/// A line without the remark behind it.
fn said(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, sign) in line.char_indices() {
        match (quote, sign) {
            (None, '#') => return line[..at].trim_end(),
            (None, '"' | '\'') => quote = Some(sign),
            (Some(open), _) if sign == open && (open == '\'' || before != '\\') => quote = None,
            _ => {}
        }
        // Two of them are one sign, which escapes nothing.
        before = if before == '\\' && sign == '\\' { ' ' } else { sign };
    }
    line.trim_end()
}

/// The text with the lines of `[placement]` as another text has them.
fn with_section_of(text: &str, other: &str) -> String {
    let (Some(own), Some(meant)) = (section(text), section(other)) else { return text.to_owned() };
    let lines: Vec<&str> = text.lines().collect();
    let meant: Vec<&str> = other.lines().collect::<Vec<_>>()[meant].to_vec();
    let whole = [&lines[..own.start], meant.as_slice(), &lines[own.end..]].concat();
    whole.join("\n") + "\n"
}

/// The lines behind `[placement]` up to the next section, without what stands before that.
fn section(text: &str) -> Option<std::ops::Range<usize>> {
    let start = text.lines().position(|line| line.trim() == "[placement]")? + 1;
    let rest = text.lines().skip(start).take_while(|line| !line.trim().is_empty() && !line.starts_with(['[', '#']));
    Some(start..start + rest.count())
}

/// The edited lines of a merge that did not come out, each with its place in the file.
fn told(conflicts: &str, mine: &str) -> Vec<String> {
    let mut told = Vec::new();
    let mut is_ours = false;
    for line in conflicts.lines() {
        match line {
            line if line.starts_with("<<<<<<<") => is_ours = true,
            line if line.starts_with("|||||||") || line.starts_with("=======") => is_ours = false,
            line if is_ours && !line.trim().is_empty() => {
                let number =
                    mine.lines().position(|own| own == line).map_or(String::new(), |at| format!(" line {}", at + 1));
                let shown: String = line.trim().chars().take(100).collect();
                told.push(format!("mapping.toml{number}: {shown:?} was edited, and another placement changes it too"));
            }
            _ => {}
        }
    }
    if told.is_empty() {
        told.push("mapping.toml: lines were removed that another placement changes".to_owned());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "a\n[placement]\nx = \"deal: sum\"  # 1\n\n[[object]]\none\ntwo\nthree\nfour\nfive\n";

    #[test]
    fn edits_elsewhere_are_kept() {
        let mine = BASE.replace("one", "ONE").replace("deal: sum", "deal: note");
        let theirs = BASE.replace("five", "FIVE").replace("deal: sum\"  # 1", "deal: note\"  # 2");
        let merged = merge(BASE, &with_section_of(&mine, BASE), &theirs);
        let expected = theirs.replace("one", "ONE");
        assert_eq!(merged.as_deref(), Ok(expected.as_str()));
    }

    #[test]
    fn remarks_that_changed_with_the_rows_are_no_edit() {
        let check = |line, expected| assert_eq!(said(line), expected, "{line}");
        check("a = \"# \\\" # \\\\\"  # 1", "a = \"# \\\" # \\\\\"");
        check("a = '# \\'  # 1", "a = '# \\'");
        check("# all", "");
        let mine = "one  # 90 %\ntwo  # 80 %\nsame  # a\nsame  # b\n";
        let text = "two  # 81 %\none  # 91 %\nsame  # c\n# whole\n";
        assert_eq!(with_remarks_of(text, mine), "two  # 80 %\none  # 90 %\nsame  # c\n# whole\n");
    }

    #[test]
    fn edits_in_the_same_place_are_named() {
        let mine = BASE.replace("three", "mine");
        let conflict = merge(BASE, &mine, &BASE.replace("three", "theirs")).expect_err("a conflict");
        assert_eq!(
            told(&conflict, &mine),
            ["mapping.toml line 8: \"mine\" was edited, and another placement changes it too"]
        );
    }
}
