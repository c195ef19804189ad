//! How sure a proposal is: the share of right answers among such proposals, as counted on labelled fields of other CRMs.

use super::answer::Answer;

/// What a proposal looks like before anybody judges it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Score of the chosen answer.
    pub score: f64,
    /// Score of the best other answer.
    pub other: f64,
}

impl Look {
    /// Of the answer at a position among all answers of a column.
    #[must_use]
    pub fn of(answers: &[Answer], chosen: usize) -> Self {
        let others = answers.iter().enumerate().filter(|(at, _)| *at != chosen);
        let other = others.map(|(_, answer)| answer.score).fold(0.0, f64::max);
        Self { score: answers.get(chosen).map_or(0.0, |answer| answer.score), other }
    }
}

/// Confidence, 0 to 1: a logistic curve over the score and its lead over the next answer.
///
/// Set on the tune half of `benches/map` (2026-11-24), with room below what was counted there, because the vocabulary
/// was tuned on the same fields: 96 % of the first answers were accepted at a mean confidence of 87 %, and of those
/// with 0.9 and more, 0.4 % were wrong.
#[must_use]
pub fn confidence(look: Look) -> f64 {
    let odds = -4.6 + 6.0 * look.score.min(1.05) + 2.8 * (look.score - look.other);
    1.0 / (1.0 + (-odds).exp())
}
