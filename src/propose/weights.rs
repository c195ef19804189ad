//! How likely an answer is beside the others of its column: what the labelled fields of other CRMs say of such answers.
//!
//! Scores say how well a name and its values fit a concept. What they cannot say was counted: which concepts are often
//! mistaken, which words make a column technical, of which type a column of such values is. Each answer has features,
//! each feature a weight, and the weights of all answers of a column become probabilities. `benches/map/README.md` says
//! how they are fitted.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::answer::{Answer, Place};
use super::shape::Shape;
use crate::record::Entity;

/// The file that comes with the program.
const FILE: &str = include_str!("vocabulary/weights.toml");

/// Of what a name's words say, each word is only a part.
const WORD: f64 = 0.5;

/// Names of this many words and more are alike.
const WORDS: usize = 4;

/// Weights by feature: `FAMILY/ANSWER/KEY`.
#[derive(Debug, Default)]
pub struct Weights(HashMap<String, f64>);

/// The file: of each family and each kind of answer, keys with their weights, parted by ";".
#[derive(Debug, Deserialize)]
struct Raw(BTreeMap<String, BTreeMap<String, String>>);

/// The column that answers are for.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'c> {
    /// What its values look like.
    pub shape: Shape,
    /// The words of its name that tell something.
    pub words: &'c [String],
    /// The record that a row is first of all.
    pub record: Entity,
}

impl Weights {
    /// The weights that come with the program.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub fn shipped() -> Result<Self, String> {
        let Raw(families) = toml::from_str(FILE).map_err(|error| error.to_string())?;
        let mut weights = HashMap::new();
        for (family, answers) in families {
            for (answer, keys) in answers {
                for key in keys.split(';').map(str::trim).filter(|key| !key.is_empty()) {
                    let (key, weight) = key.rsplit_once(' ').ok_or_else(|| format!("{key:?} has no weight"))?;
                    let weight = weight.parse().map_err(|_| format!("{weight:?} is no weight"))?;
                    weights.insert(format!("{family}/{answer}/{key}"), weight);
                }
            }
        }
        Ok(Self(weights))
    }

    /// Says of each answer how likely it is, and puts the likeliest first.
    pub fn weigh(&self, answers: &mut [Answer], beside: Beside<'_>) {
        let odds = |answer: &Answer| -> f64 {
            let features = features(answer, beside);
            features.iter().filter_map(|(feature, much)| self.0.get(feature).map(|weight| weight * much)).sum()
        };
        let odds: Vec<f64> = answers.iter().map(odds).collect();
        let largest = odds.iter().copied().fold(f64::MIN, f64::max);
        let all: f64 = odds.iter().map(|odds| (odds - largest).exp()).sum();
        for (answer, odds) in answers.iter_mut().zip(odds) {
            answer.likely = (odds - largest).exp() / all;
        }
        answers.sort_by(|a, b| b.likely.total_cmp(&a.likely).then_with(|| a.place.cmp(&b.place)));
    }
}

/// What an answer has that may speak for or against it, and how much of it.
#[must_use]
pub fn features(answer: &Answer, beside: Beside<'_>) -> Vec<(String, f64)> {
    let Beside { shape, words, record } = beside;
    let (sort, kind) = (sort(&answer.place), kind(&answer.place));
    let concept = if answer.concept.is_empty() { "default" } else { answer.concept.as_str() };
    let mut features = vec![
        ("alone/any/score".to_owned(), 4.0 * answer.score),
        ("alone/any/name".to_owned(), answer.evidence.name),
        ("alone/any/shape".to_owned(), answer.evidence.shape),
        (format!("score/any/{sort}"), 2.0 * answer.score),
        (format!("place/any/{}", answer.place), 1.0),
        (format!("shape/{sort}/{shape}"), 1.0),
        (format!("shape_of_kind/{kind}/{shape}"), 1.0),
        (format!("concept/{sort}/{concept}"), 1.0),
        (format!("concept_in_{record}/{kind}/{concept}"), 1.0),
        (format!("length/{sort}/{}", words.len().min(WORDS)), 1.0),
    ];
    let mut seen: Vec<&String> = Vec::with_capacity(words.len());
    for word in words {
        if !seen.contains(&word) {
            features.push((format!("word/{sort}/{word}"), WORD));
            seen.push(word);
        }
    }
    if let Some(last) = words.last() {
        features.push((format!("last_word/{sort}/{last}"), WORD));
        features.push((format!("last_word_of_kind/{kind}/{last}"), WORD));
    }
    features
}

/// The sort of a place.
const fn sort(place: &Place) -> &'static str {
    match place {
        Place::System(..) => "system",
        Place::Custom(..) => "custom",
        Place::Note(_) => "note",
        Place::Leave => "none",
        Place::Id => "id",
        Place::Modified => "modified",
        Place::Deleted => "deleted",
    }
}

/// The place without its record.
fn kind(place: &Place) -> String {
    match place {
        Place::System(_, field) => format!("system:{field}"),
        Place::Custom(_, field_type) => format!("custom:{field_type}"),
        _ => sort(place).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::Evidence;
    use super::*;

    fn answer(place: Place, score: f64, concept: &str) -> Answer {
        let evidence = Evidence { name: 1.0, shape: 1.0, agrees: false };
        Answer { place, score, likely: 0.0, concept: concept.to_owned(), why: String::new(), evidence }
    }

    #[test]
    fn likelihoods_of_a_column_add_up_and_the_better_score_wins_among_equals() {
        let weights = Weights::shipped().expect("the file that comes with the program");
        let words = ["zork".to_owned()];
        let beside = Beside { shape: Shape::Text, words: &words, record: Entity::Deal };
        let title = Place::System(Entity::Deal, "title".to_owned());
        let mut answers = vec![
            answer(Place::Leave, 0.2, ""),
            answer(title.clone(), 1.0, "deal_title"),
            answer(Place::Custom(Entity::Deal, "varchar".to_owned()), 0.3, ""),
        ];
        weights.weigh(&mut answers, beside);
        assert_eq!(answers[0].place, title);
        assert!((answers.iter().map(|answer| answer.likely).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn every_weight_is_of_a_family_that_answers_have() {
        let weights = Weights::shipped().expect("the file that comes with the program");
        let words = ["zork".to_owned()];
        let families = |record: Entity| {
            let beside = Beside { shape: Shape::Text, words: &words, record };
            features(&answer(Place::Leave, 1.0, "name"), beside).into_iter().map(|(feature, _)| feature)
        };
        let known: Vec<String> = Entity::ALL.iter().flat_map(|record| families(*record)).collect();
        let family = |feature: &str| feature.split('/').next().unwrap_or_default().to_owned();
        let known: Vec<String> = known.iter().map(|feature| family(feature)).collect();
        assert!(weights.0.len() > 500);
        for feature in weights.0.keys() {
            assert!(known.contains(&family(feature)), "{feature} counts for nothing");
        }
    }
}
