//! Counts of right and wrong answers.

use crossdock::propose::answer::Answer;
use crossdock::propose::context::Context;
use crossdock::propose::fields::{Ranked, rank};
use crossdock::propose::score::Clue;
use crossdock::propose::shape::Shape;
use crossdock::propose::values::shape_of_words;
use crossdock::propose::vocabulary::Vocabulary;
use crossdock::propose::weights::{Beside, features};
use crossdock::record::Entity;
use serde_json::json;

use crate::baseline;
use crate::catalogue::{Catalogue, Field, Table};

/// Bins of the calibration error.
const BINS: usize = 10;

/// What counts as sure.
const SURE: f64 = 0.9;

/// The head of the lines.
pub(crate) const HEAD: &str =
    "catalogue                                   fields   top-1   top-3   sure   sure but wrong   calibration error";

/// Counts over some fields.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    fields: usize,
    first: usize,
    third: usize,
    sure: usize,
    sure_wrong: usize,
    bins: [(usize, usize, f64); BINS],
}

impl Tally {
    fn count(&mut self, is_first: bool, is_third: bool, confidence: f64) {
        self.fields += 1;
        self.first += usize::from(is_first);
        self.third += usize::from(is_third);
        if confidence >= SURE {
            self.sure += 1;
            self.sure_wrong += usize::from(!is_first);
        }
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        let (count, right, sum) = &mut self.bins[bin];
        *count += 1;
        *right += usize::from(is_first);
        *sum += confidence;
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.fields += other.fields;
        self.first += other.first;
        self.third += other.third;
        self.sure += other.sure;
        self.sure_wrong += other.sure_wrong;
        for (own, more) in self.bins.iter_mut().zip(other.bins) {
            own.0 += more.0;
            own.1 += more.1;
            own.2 += more.2;
        }
    }

    pub(crate) fn line(&self, name: &str) -> String {
        let share = |count: usize, of: usize| if of == 0 { 0.0 } else { 100.0 * count as f64 / of as f64 };
        let gap = |(_, right, sum): &(usize, usize, f64)| (*right as f64 - sum).abs();
        let error = self.bins.iter().map(gap).sum::<f64>() / self.fields.max(1) as f64;
        format!(
            "{name:<42} {:>7} {:>6.1}% {:>6.1}% {:>5.1}% {:>6} ({:>4.1} %) {:>14.3}\n",
            self.fields,
            share(self.first, self.fields),
            share(self.third, self.fields),
            share(self.sure, self.fields),
            self.sure_wrong,
            share(self.sure_wrong, self.sure),
            error
        )
    }
}

/// A field with what was proposed for it.
pub(crate) struct Judged<'c> {
    table: &'c Table,
    field: &'c Field,
    shape: Shape,
    words: Vec<String>,
    record: Entity,
    ranked: Ranked,
    pub(crate) is_first: bool,
    is_third: bool,
}

impl Judged<'_> {
    /// What is wrong, for people: `3` where none of three answers is right, `!` where it was sure.
    pub(crate) fn line(&self) -> String {
        let Self { table, field, ranked, .. } = self;
        let texts: Vec<String> = ranked.answers.iter().take(3).map(|answer| answer.place.to_string()).collect();
        format!(
            "{}{} {}.{} ({}) [{}]: {} {:.2} not {}; {}; {}",
            if self.is_third { "1" } else { "3" },
            if ranked.confidence >= SURE { "!" } else { " " },
            table.name,
            field.name,
            field.label.as_deref().unwrap_or_default(),
            field.declared.as_deref().unwrap_or_default(),
            texts.first().cloned().unwrap_or_default(),
            ranked.confidence,
            field.target.join(" | "),
            ranked.answers.first().map(|answer| answer.why.clone()).unwrap_or_default(),
            texts.get(1..).unwrap_or_default().join(", "),
        )
    }

    /// Every answer with what it rests on, as a line of JSON: what `src/propose/vocabulary/weights.toml` is fitted from.
    pub(crate) fn answers(&self, catalogue: &str) -> String {
        let Self { table, field, ranked, .. } = self;
        let beside = Beside { shape: self.shape, words: &self.words, record: self.record };
        let answer = |answer: &Answer| {
            let evidence = answer.evidence;
            json!({
                "place": answer.place.to_string(),
                "score": answer.score,
                "concept": answer.concept,
                "why": answer.why,
                "name": evidence.name,
                "shape": evidence.shape,
                "agrees": evidence.agrees,
                "features": features(answer, beside).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            })
        };
        json!({
            "catalogue": catalogue,
            "table": table.name,
            "becomes": table.becomes,
            "field": field.name,
            "label": field.label,
            "declared": field.declared,
            "shape": self.shape,
            "words": self.words,
            "options": field.options,
            "target": field.target,
            "confidence": ranked.confidence,
            "answers": ranked.answers.iter().map(answer).collect::<Vec<_>>(),
        })
        .to_string()
    }
}

/// The proposer on a catalogue, field by field.
pub(crate) fn proposed<'c>(catalogue: &'c Catalogue, vocabulary: &Vocabulary) -> (Tally, Vec<Judged<'c>>) {
    let (mut tally, mut judged) = (Tally::default(), Vec::new());
    for table in &catalogue.table {
        let declared = vocabulary.shapes(table.field.iter().map(|field| field.declared.as_deref()));
        let clue = |(field, declared): (&Field, Shape)| {
            let declared = as_date(field, declared, vocabulary);
            let has_options = !field.options.is_empty() && !matches!(declared, Shape::Set | Shape::Bool);
            Clue {
                name: field.name.clone(),
                label: field.label.clone(),
                shape: Some(if has_options { Shape::Enum } else { declared }),
                options: field.options.clone(),
                ..Clue::default()
            }
        };
        let clues: Vec<Clue> = table.field.iter().zip(declared).map(clue).collect();
        let tables = catalogue.table.iter().map(|table| (table.name.as_str(), table.becomes.as_slice()));
        let context = Context::new(&table.name, &table.becomes, &clues, vocabulary).among(tables, vocabulary);
        let found = rank(&clues, &context, vocabulary);
        for ((field, clue), ranked) in table.field.iter().zip(&clues).zip(found) {
            let is_right = |answer: &Answer| field.target.contains(&answer.place.to_string());
            let is_first = ranked.answers.first().is_some_and(is_right);
            let is_third = ranked.answers.iter().take(3).any(is_right);
            tally.count(is_first, is_third, ranked.confidence);
            let shape = clue.shape.unwrap_or(Shape::Unknown);
            let words = context.told(&vocabulary.words(&field.name)).to_vec();
            judged.push(Judged { table, field, shape, words, record: context.primary(), ranked, is_first, is_third });
        }
    }
    (tally, judged)
}

/// JSON has no type for a day or a time, so where its "string" is called one, the values of a real source would be dates.
fn as_date(field: &Field, declared: Shape, vocabulary: &Vocabulary) -> Shape {
    let is_string = field.declared.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("string"));
    match shape_of_words(&vocabulary.words(&field.name)) {
        Some(date @ (Shape::Date | Shape::Datetime)) if is_string && declared == Shape::Text => date,
        _ => declared,
    }
}

/// The plain comparison on a catalogue.
pub(crate) fn plain(catalogue: &Catalogue) -> Tally {
    let mut tally = Tally::default();
    for table in &catalogue.table {
        for field in &table.field {
            let answers = baseline::answers(field.label.as_deref().unwrap_or(&field.name), &table.becomes);
            let is_right = |(text, _): &(String, f64)| field.target.contains(text);
            let is_first = answers.first().is_some_and(is_right);
            let confidence = answers.first().map_or(0.0, |(_, alike)| *alike);
            tally.count(is_first, answers.iter().take(3).any(is_right), confidence);
        }
    }
    tally
}
