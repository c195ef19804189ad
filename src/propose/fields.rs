//! The columns of one table, each with its place.

use super::answer::{Answer, Place};
use super::assign::assign;
use super::confidence::confidence;
use super::context::Context;
use super::score::{Clue, answers};
use super::shape::Shape;
use super::vocabulary::Vocabulary;
use super::weights::Beside;

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
    let all: Vec<Vec<Answer>> = clues.iter().map(|clue| weighed(clue, context, vocabulary)).collect();
    let chosen = assign(&all);
    let ranked = |((answers, chosen), clue): ((Vec<Answer>, Option<usize>), &Clue)| {
        let words = vocabulary.words(&clue.name);
        ranked(answers, chosen.unwrap_or(0), |place| vocabulary.has_seen(context.told(&words), place))
    };
    all.into_iter().zip(chosen).zip(clues).map(ranked).collect()
}

/// All answers for a column, the likeliest first.
fn weighed(clue: &Clue, context: &Context, vocabulary: &Vocabulary) -> Vec<Answer> {
    let mut answers = answers(clue, context, vocabulary);
    let words = vocabulary.words(&clue.name);
    let shape = clue.shape.unwrap_or(Shape::Unknown);
    let beside = Beside { shape, words: context.told(&words), record: context.primary() };
    vocabulary.weights.weigh(&mut answers, beside);
    answers
}

fn ranked(mut answers: Vec<Answer>, chosen: usize, is_seen: impl Fn(&Place) -> bool) -> Ranked {
    let confidence = answers.get(chosen).map_or(0.0, |answer| confidence(answer.likely, is_seen(&answer.place)));
    if chosen < answers.len() {
        let first = answers.remove(chosen);
        answers.insert(0, first);
    }
    Ranked { answers, confidence }
}
