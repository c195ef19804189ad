//! One assignment for a whole table: every column gets one place, and no place more columns than it holds.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use super::answer::{Answer, Place};

/// Likelihoods are compared in whole steps of this.
const STEPS: f64 = 100_000.0;

/// What a score counts beside the likelihood where columns want the same place: of two that are likely, the better fit.
const FIT: f64 = 0.2;

/// The second and later columns of one place are worth a little less, so that the clearest one comes first.
const LATER: f64 = 0.97;

/// For each column the position of its answer. Columns without any answer get `None`.
#[must_use]
pub fn assign(columns: &[Vec<Answer>]) -> Vec<Option<usize>> {
    let mut slots: Vec<(Place, usize)> = Vec::new();
    for answer in columns.iter().flatten() {
        if let Some(capacity) = answer.place.capacity()
            && !slots.iter().any(|(place, _)| *place == answer.place)
        {
            slots.extend((0..capacity).map(|turn| (answer.place.clone(), turn)));
        }
    }
    let height = columns.len();
    if height == 0 {
        return Vec::new();
    }
    let worth = |answer: &Answer| answer.likely + FIT * answer.score;
    // Beside the shared places each column has one of its own: the best of those that any number may use.
    let width = slots.len() + height;
    let own = |answers: &[Answer]| {
        let free = answers.iter().enumerate().filter(|(_, answer)| answer.place.capacity().is_none());
        free.map(|(at, answer)| (at, worth(answer))).max_by(|(_, a), (_, b)| a.total_cmp(b))
    };
    let weights = Matrix::from_fn(height, width, |(row, column)| {
        let answers = columns.get(row).map(Vec::as_slice).unwrap_or_default();
        let likely = match slots.get(column) {
            Some((place, turn)) => {
                let answer = answers.iter().find(|answer| answer.place == *place);
                answer.map_or(-0.5, |answer| worth(answer) * LATER.powi(i32::try_from(*turn).unwrap_or(i32::MAX)))
            }
            None if column - slots.len() == row => own(answers).map_or(0.0, |(_, likely)| likely),
            None => -1.0,
        };
        (likely * STEPS) as i64
    });
    let (_, chosen) = kuhn_munkres(&weights);
    let position = |(row, column): (usize, usize)| {
        let answers = columns.get(row)?;
        match slots.get(column) {
            Some((place, _)) => answers.iter().position(|answer| answer.place == *place),
            None => own(answers).map(|(at, _)| at),
        }
    };
    chosen.into_iter().enumerate().map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::super::answer::Evidence;
    use super::*;
    use crate::record::Entity;

    fn answer(place: Place, likely: f64) -> Answer {
        Answer {
            place,
            score: likely,
            likely,
            concept: String::new(),
            why: String::new(),
            evidence: Evidence::default(),
        }
    }

    #[test]
    fn the_whole_table_counts_and_not_the_first_column() {
        let title = || Place::System(Entity::Deal, "title".to_owned());
        let custom = || Place::Custom(Entity::Deal, "varchar".to_owned());
        // Alone, both columns would be the title.
        let first = vec![answer(title(), 0.8), answer(custom(), 0.7)];
        let second = vec![answer(title(), 0.9), answer(custom(), 0.2)];
        assert_eq!(assign(&[first, second]), [Some(1), Some(0)]);
        assert_eq!(assign(&[Vec::new()]), [None]);
    }
}
