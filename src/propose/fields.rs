//! The columns of one table, each with its place.

use super::answer::Answer;
use super::assign::assign;
use super::confidence::{Look, confidence};
use super::score::{Clue, Context, answers};
use super::shape::Shape;
use super::vocabulary::Vocabulary;
use crate::record::Entity;

/// What was found for one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// All its answers: the chosen one, then the others, best first.
    pub answers: Vec<Answer>,
    /// How sure the first one is, 0 to 1.
    pub confidence: f64,
}

/// The context of a table, from its name, what its rows become, and its columns.
#[must_use]
pub fn context(table: &str, becomes: &[Entity], clues: &[Clue], vocabulary: &Vocabulary) -> Context {
    let means = |names: &[&str]| {
        clues.iter().any(|clue| {
            let texts = [Some(clue.name.as_str()), clue.label.as_deref()];
            texts.into_iter().flatten().any(|text| {
                let meanings = vocabulary.meanings(&vocabulary.words(text));
                let best = meanings.iter().filter(|meaning| meaning.score > 0.8);
                best.filter_map(|meaning| vocabulary.concepts.get(meaning.concept))
                    .any(|concept| names.contains(&concept.name.as_str()))
            })
        })
    };
    Context {
        becomes: becomes.to_vec(),
        own_words: vocabulary.words(table),
        names_persons: means(&["first_name", "last_name", "full_name"]),
        has_address_parts: means(&["street", "city", "zip"]),
        declares_options: clues.iter().any(|clue| matches!(clue.shape, Some(Shape::Enum | Shape::Set))),
    }
}

/// A place for every column of a table.
#[must_use]
pub fn rank(clues: &[Clue], context: &Context, vocabulary: &Vocabulary) -> Vec<Ranked> {
    let all: Vec<Vec<Answer>> = clues.iter().map(|clue| answers(clue, context, vocabulary)).collect();
    let chosen = assign(&all);
    all.into_iter().zip(chosen).map(|(answers, chosen)| ranked(answers, chosen.unwrap_or(0))).collect()
}

fn ranked(mut answers: Vec<Answer>, chosen: usize) -> Ranked {
    let confidence = confidence(Look::of(&answers, chosen));
    if chosen < answers.len() {
        let first = answers.remove(chosen);
        answers.insert(0, first);
    }
    Ranked { answers, confidence }
}
