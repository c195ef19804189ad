//! What one CRM alone brought into the vocabulary: forgotten, that CRM is as good as one that nobody has tuned on.

use std::collections::HashSet;

use crossdock::propose::vocabulary::Vocabulary;
use crossdock::propose::words::telling;

use crate::catalogue::Catalogue;

/// The names and labels of a CRM's fields that no other one has, as words; with and without the first word, and without
/// the words of the table's own name.
pub(crate) fn only_in(catalogue: &Catalogue, all: &[Catalogue], vocabulary: &Vocabulary) -> Vec<Vec<String>> {
    let others = all.iter().filter(|other| other.name != catalogue.name && other.split.is_open());
    let known: HashSet<String> = others.flat_map(|other| names(other, vocabulary)).map(|name| name.concat()).collect();
    names(catalogue, vocabulary).into_iter().filter(|name| !known.contains(&name.concat())).collect()
}

fn names(catalogue: &Catalogue, vocabulary: &Vocabulary) -> Vec<Vec<String>> {
    let mut names = Vec::new();
    for table in &catalogue.table {
        let own = vocabulary.words(&table.name);
        for text in table.field.iter().flat_map(|field| [Some(&field.name), field.label.as_ref()]).flatten() {
            let words = vocabulary.words(text);
            let rest: Vec<String> = words.iter().filter(|word| !own.contains(word)).cloned().collect();
            let told: Vec<String> = words.iter().skip(1).cloned().collect();
            names.extend([words, rest, told].iter().filter(|words| !words.is_empty()).map(|words| telling(words)));
        }
    }
    names
}
