//! Counts by key with the first examples of each: what a stream of any length can be summed up in.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::record::{Fate, Finding, Object};

/// Examples kept of each group: enough to see the pattern, few enough to read.
pub const EXAMPLES_MAX: usize = 20;

/// Groups kept. Keys are codes and wordings without values, of which there are a few dozen; this only bounds surprises.
pub const GROUPS_MAX: usize = 500;

/// Characters of an example's value that are kept.
pub const VALUE_CHARS_MAX: usize = 200;

/// One record as an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The record: `client 17`.
    pub record: String,
    /// The field it is about; empty when it is about the whole record.
    pub field: String,
    /// What is to say about it, cut at [`VALUE_CHARS_MAX`].
    pub detail: String,
}

impl Example {
    /// An example about a source record.
    #[must_use]
    pub fn new(object: Object, source_id: &str, field: &str, detail: &str) -> Self {
        Self { record: cut(&format!("{object} {source_id}")), field: cut(field), detail: cut(detail) }
    }
}

/// Counts by key, with the first examples of each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally<K> {
    groups: BTreeMap<K, Group>,
    beyond: u64,
}

/// What is counted under one key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// The first of them, at most [`EXAMPLES_MAX`].
    pub examples: Vec<Example>,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self { groups: BTreeMap::new(), beyond: 0 }
    }
}

impl<K: Ord> Tally<K> {
    /// Counts one; `example` is called only while examples are still kept.
    pub fn add(&mut self, key: K, example: impl FnOnce() -> Example) {
        if !self.groups.contains_key(&key) && self.groups.len() >= GROUPS_MAX {
            self.beyond += 1;
            return;
        }
        let group = self.groups.entry(key).or_default();
        group.count += 1;
        if group.examples.len() < EXAMPLES_MAX {
            group.examples.push(example());
        }
    }

    /// The groups, largest first, then by key.
    #[must_use]
    pub fn groups(&self) -> Vec<(&K, &Group)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
        groups
    }

    /// How many were counted in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.groups.values().map(|group| group.count).sum::<u64>() + self.beyond
    }

    /// How many belong to groups that were not kept, because [`GROUPS_MAX`] were there already.
    #[must_use]
    pub fn beyond(&self) -> u64 {
        self.beyond
    }
}

impl<K: Ord + Serialize> Serialize for Tally<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'a, K> {
            #[serde(flatten)]
            key: &'a K,
            #[serde(flatten)]
            group: &'a Group,
        }
        #[derive(Serialize)]
        struct Whole<'a, K> {
            total: u64,
            groups: Vec<Line<'a, K>>,
            in_further_groups: u64,
        }
        let groups = self.groups().into_iter().map(|(key, group)| Line { key, group }).collect();
        Whole { total: self.total(), groups, in_further_groups: self.beyond }.serialize(serializer)
    }
}

/// Records that are not in Pipedrive as themselves, by what happened to them and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOut {
    /// Kind of the source records.
    pub object: Object,
    /// What happened; `None`: not yet decided.
    pub fate: Option<Fate>,
    /// Why, without the values of a single record.
    pub reason: String,
}

impl Tally<LeftOut> {
    /// Counts a record; records are grouped by the wording of their reasons.
    pub fn add_left_out(&mut self, object: Object, source_id: &str, fate: Option<Fate>, reason: &str) {
        let key = LeftOut { object, fate, reason: wording(reason) };
        self.add(key, || Example::new(object, source_id, "", reason));
    }
}

/// Findings by what they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FindingKind {
    /// Kind of the source records.
    pub object: Object,
    /// The finding's code.
    pub code: String,
}

impl Tally<FindingKind> {
    /// Counts a finding.
    pub fn add_finding(&mut self, object: Object, source_id: &str, finding: &Finding) {
        let key = FindingKind { object, code: finding.code.clone() };
        self.add(key, || Example::new(object, source_id, &finding.field, &finding.detail));
    }
}

/// A reason without the values of the record it was given for: quoted text and words with digits become `…`.
#[must_use]
pub fn wording(reason: &str) -> String {
    let mut plain = String::with_capacity(reason.len());
    let mut rest = reason;
    while let Some(at) = rest.find(['"', '\'', '‘', '“']) {
        let (before, quoted) = rest.split_at(at);
        let open = quoted.chars().next().unwrap_or('"');
        let close = match open {
            '‘' => '’',
            '“' => '”',
            same => same,
        };
        let starts_word = before.chars().next_back().is_none_or(|sign| !sign.is_alphanumeric());
        let inside = &quoted[open.len_utf8()..];
        match inside.find(close).filter(|_| starts_word) {
            Some(end) => {
                plain.push_str(before);
                plain.push('…');
                rest = &inside[end + close.len_utf8()..];
            }
            None => {
                plain.push_str(before);
                plain.push(open);
                rest = inside;
            }
        }
    }
    plain.push_str(rest);
    let words = plain.split(' ').map(|word| if word.chars().any(|sign| sign.is_ascii_digit()) { "…" } else { word });
    let words = words.collect::<Vec<_>>().join(" ");
    // A reason that is nothing but a value says more as it is.
    cut(if words.contains(char::is_alphabetic) { &words } else { reason })
}

/// At most [`VALUE_CHARS_MAX`] characters.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_grouped_by_their_wording() {
        let check = |reason: &str, expected: &str| assert_eq!(wording(reason), expected);
        check("waits for client 4711", "waits for client …");
        check("\"TBD, maybe\" is not an amount", "… is not an amount");
        check("stage 'Art's end' is gone", "stage …s end' is gone");
        check("the owner's records wait", "the owner's records wait");
        check("owner u_17 has no user", "owner … has no user");
        check("left out by rule", "left out by rule");
        check("'no such thing'", "'no such thing'");
    }

    #[test]
    fn groups_and_examples_are_bounded() {
        let mut tally: Tally<u32> = Tally::default();
        for number in 0..1_000 {
            tally.add(number, || Example::new(Object::Client, "1", "", &"é".repeat(1_000)));
            tally.add(0, || Example::new(Object::Client, "1", "", ""));
        }
        assert_eq!((tally.groups().len(), tally.beyond(), tally.total()), (GROUPS_MAX, 500, 2_000));
        let (key, group) = tally.groups()[0];
        assert_eq!((*key, group.count, group.examples.len()), (0, 1_001, EXAMPLES_MAX));
        assert_eq!(group.examples[0].detail.chars().count(), VALUE_CHARS_MAX + 1);
    }
}
