//! The columns of one table, each with its place.

use super::answer::Answer;
use super::assign::assign;
use super::confidence::{Look, confidence};
use super::context::Context;
use super::score::{Clue, answers};
use super::vocabulary::Vocabulary;

/// What was found for one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// All its answers: the chosen one, then the others, best first.
    pub answers: Vec<Answer>,
    /// How sure the first one is, 0 to 1.
    pub confidence: f64,
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
