//! Scores where one column may go: its name and label against the vocabulary, its values against the concepts' shapes.

use super::answer::{Answer, Evidence, Place, letter};
use super::context::Context;
use super::reading::{Reading, readings, redirected, reference_to};
use super::refine::{names_company, refined};
use super::shape::Shape;
use super::values::{offer_values, shape_of_words};
use super::vocabulary::{Concept, Vocabulary};
use crate::mapping::accepted::accepted;
use crate::record::Entity;

/// What an answer is worth by its position among a concept's answers.
const RANKS: [f64; 4] = [1.0, 0.55, 0.4, 0.32];

/// Concepts that name a record of another table.
const NAMING: &[&str] =
    &["name", "id", "full_name", "title", "account_number", "deal_number", "external_id", "subject"];

/// What is known of a column before it is scored.
#[derive(Debug, Clone, Default)]
pub struct Clue {
    /// Its name.
    pub name: String,
    /// What people call it, where the source says so.
    pub label: Option<String>,
    /// What its values look like.
    pub shape: Option<Shape>,
    /// Labels of its options, where it has some.
    pub options: Vec<String>,
    /// The kind of table that its values point at, where they do.
    pub points_at: Option<String>,
    /// Nothing is in it.
    pub is_empty: bool,
    /// It is the row's key.
    pub is_key: bool,
}

/// All answers for a column, each place once, best first.
#[must_use]
pub fn answers(clue: &Clue, context: &Context, vocabulary: &Vocabulary) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    let text = clue.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&clue.name);
    let words = vocabulary.words(text);
    let promised = shape_of_words(&words);
    let scene = Scene { clue, context, vocabulary, promised, last: words.last().cloned() };
    for reading in &readings(clue, context, vocabulary) {
        offer_concept(&mut found, reading, &scene);
    }
    offer_reference(&mut found, clue, context, vocabulary);
    offer_values(&mut found, clue, context, vocabulary);
    if context.describing.contains(&clue.name) {
        let why = "it only says of what kind the column beside it is".to_owned();
        let evidence = Evidence { name: 0.9, shape: 1.0, agrees: false };
        found.push(Answer { place: Place::Leave, score: 1.1, likely: 0.0, concept: String::new(), why, evidence });
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.place.cmp(&b.place)));
    let mut answers: Vec<Answer> = Vec::with_capacity(found.len());
    for answer in found {
        if !answers.iter().any(|known| known.place == answer.place) {
            answers.push(answer);
        }
    }
    answers
}

/// A column where it stands.
struct Scene<'s> {
    clue: &'s Clue,
    context: &'s Context,
    vocabulary: &'s Vocabulary,
    /// The shape that the name's words promise.
    promised: Option<Shape>,
    /// The name's last word.
    last: Option<String>,
}

impl Scene<'_> {
    /// The shape of the values, or where none is known the one that the name's words promise.
    fn typed(&self, shape: Shape) -> Shape {
        if shape == Shape::Unknown { self.promised.unwrap_or(shape) } else { shape }
    }

    /// How well the last word of a name goes with a concept that explains only other words of it: the fee of a rush is
    /// an amount, and the type of a price is none.
    fn head_fit(&self, reading: &Reading, concept: &Concept, shape: Shape) -> f64 {
        let Some(promised) = self.promised.filter(|_| matches!(shape, Shape::Unknown | Shape::Text | Shape::Number))
        else {
            return 1.0;
        };
        let is_left = |word: &String| reading.meaning.left.contains(word);
        if !self.last.as_ref().is_some_and(is_left) {
            return 1.0;
        }
        concept.shapes.iter().map(|wanted| promised.fits(*wanted)).fold(0.6, f64::max)
    }
}

fn offer_concept(found: &mut Vec<Answer>, reading: &Reading, scene: &Scene<'_>) {
    let Scene { clue, context, vocabulary, .. } = *scene;
    let Some(concept) = vocabulary.concepts.get(reading.meaning.concept) else { return };
    let shape = match clue.shape.unwrap_or(Shape::Unknown) {
        // A name that is a question is answered by yes or no.
        Shape::Unknown | Shape::Text if scene.promised == Some(Shape::Bool) => Shape::Bool,
        // Seconds since 1970, as `created_at` often is.
        Shape::Number if matches!(scene.promised, Some(Shape::Date | Shape::Datetime)) => Shape::Datetime,
        known => known,
    };
    let refined = refined(&concept.name, reading, shape, context);
    let Some(concept) = refined.map_or(Some(concept), |name| vocabulary.concept(name)) else { return };
    let fit = concept.shapes.iter().map(|wanted| shape.fits(*wanted)).fold(0.3, f64::max);
    let evidence = Evidence { name: reading.meaning.score, shape: fit, agrees: reading.agrees };
    let mut score = reading.strength() * fit * scene.head_fit(reading, concept, shape);
    if let Some(strength) = reading.foreign_key(concept, context) {
        let why = "a key of another system";
        found.push(reading.answer(Place::Leave, score * strength, (&concept.name, why), evidence));
        score *= if strength > 0.8 { 0.75 } else { 0.95 };
    }
    let mut name = concept.name.as_str();
    let is_other = reading.of.is_some_and(|of| of != context.primary());
    let is_reference = is_other && name == "id" && context.becomes.contains(&Entity::Lead);
    if is_reference || (reading.is_copy && NAMING.contains(&name)) {
        name = reference_to(reading.of);
    } else if reading.is_copy {
        // What the source copied from another record stands there as well.
        score *= 0.72;
        found.push(reading.answer(Place::Leave, score * 0.85, (name, "a copy"), evidence));
        let own = custom(context.primary(), scene.typed(shape), None);
        found.extend(own.map(|place| reading.answer(place, score, (name, "a copy"), evidence)));
        return;
    }
    name = redirected(name, &reading.meaning.phrase, context).unwrap_or(name);
    let of = reading.of.filter(|_| !reading.is_copy && !is_reference).unwrap_or_else(|| context.home_of(name));
    if name == "id"
        && of == context.primary()
        && context.has_key_beside(&vocabulary.words(&clue.name).concat())
        && !reading.meaning.phrase.eq(&clue.name)
        && vocabulary.words(&clue.name).len() > 1
    {
        // The row has a key of its own, so this one is of something else.
        score *= 0.7;
    }
    if name == "owner" && context.primary() == Entity::User && scene.last.as_deref() == Some("id") {
        name = "id";
    }
    if is_own_reference(name, of, reading) {
        score *= 0.6;
    }
    let of = if context.becomes.contains(&Entity::Organization) && names_company(name, reading) {
        Entity::Organization
    } else {
        of
    };
    let is_activity = of == Entity::Activity;
    // Where nothing says when or by whom it was done, it was when and by whom it was written down.
    if is_activity && name == "created" && !context.has_due {
        name = "due_date";
        score *= 0.9;
    }
    if is_activity && matches!(name, "author" | "created_by") && !context.has_owner {
        name = "owner";
        score *= 0.95;
    }
    let is_state = name == "status" && !reading.meaning.phrase.split(' ').any(|word| word == "type");
    if is_state && of == Entity::Deal && !context.has_stage && shape != Shape::Bool {
        // A source that names no stage means it by the status.
        name = "stage";
    }
    let Some(concept) = vocabulary.concept(name) else { return };
    offer_homes(found, (reading, evidence, score), (concept, of, shape), scene);
}

/// The places of a concept on one kind of record.
fn offer_homes(
    found: &mut Vec<Answer>,
    (reading, evidence, mut score): (&Reading, Evidence, f64),
    (concept, of, shape): (&Concept, Entity, Shape),
    scene: &Scene<'_>,
) {
    let Scene { clue, context, .. } = *scene;
    let name = concept.name.as_str();
    let own = own_homes(concept, of, context);
    if own.is_none() && concept.homes.len() > 1 {
        // The concept belongs to other kinds of records first of all.
        score *= 0.95;
    }
    if name == "id" && matches!(clue.name.to_lowercase().as_str(), "id" | "_id") {
        score *= 1.05;
    }
    if name == "state" && context.has_address_parts && clue.options.is_empty() {
        score *= 1.06;
    }
    let Some(homes) = own.or_else(|| concept.homes.get("any")) else { return };
    if !is_at_home(name, of) {
        score *= 0.9;
    }
    let has_line = homes.iter().any(|home| home == "c:varchar");
    let has_list = homes.iter().any(|home| home == "c:enum");
    for (home, rank) in homes.iter().zip(RANKS) {
        // A source that declares lists of options and declares none here means a line of text.
        let rank = match home.as_str() {
            _ if !context.declares_options || shape != Shape::Text => rank,
            "c:enum" if has_line => rank * 0.75,
            "c:varchar" if has_list => rank.max(0.97),
            _ => rank,
        };
        // A concept that has a type of its own needs no guess from the words.
        let is_open = matches!(home.rsplit(':').next(), Some("c" | "varchar" | "enum" | "rank"));
        let shape = if is_open { scene.typed(shape) } else { shape };
        // Such a text is a line, though its type allows more.
        let shape = if shape == Shape::LongText && is_line(name) { Shape::Text } else { shape };
        if let Some(place) = place(home, of, context, shape) {
            found.push(reading.answer(place, score * rank, (name, &name.replace('_', " ")), evidence));
        }
    }
}

/// The answers of a concept that belong to a kind of record, where it has some.
fn own_homes<'c>(concept: &'c Concept, of: Entity, context: &Context) -> Option<&'c Vec<String>> {
    let homes = &concept.homes;
    match of {
        Entity::Lead if !context.names_persons => homes.get("l_unnamed").or_else(|| homes.get("l")),
        Entity::Person if context.is_mixed_client() => homes.get("m").or_else(|| homes.get("p")),
        // Where a deal's goods are sent to is no address of its people.
        Entity::Deal if concept.name == "address_other" => homes.get("any"),
        // A deal with its people beside it is laid out like a lead with its people.
        Entity::Deal if context.is_mixed_deal() => {
            let of_other = |homes: &&Vec<String>| {
                homes.first().is_some_and(|home| home.starts_with("person:") || home.starts_with("organization:"))
            };
            homes.get("l").filter(of_other).or_else(|| homes.get("d"))
        }
        _ => homes.get(letter(of)),
    }
}

impl Reading {
    fn answer(&self, place: Place, score: f64, (concept, what): (&str, &str), evidence: Evidence) -> Answer {
        let why = format!("its name reads as {what} ({:?})", self.meaning.phrase);
        Answer { place, score, likely: 0.0, concept: concept.to_owned(), why, evidence }
    }

    /// How much speaks for a key of something that is no record here, such as `outlook_id` or `reason_id`.
    fn foreign_key(&self, concept: &Concept, context: &Context) -> Option<f64> {
        let left = &self.meaning.left;
        let has_key = left.iter().any(|word| matches!(word.as_str(), "id" | "guid" | "key"));
        let points = concept.shapes.iter().any(|shape| matches!(shape, Shape::Reference | Shape::Id | Shape::User));
        // Where its name stands beside it, the key tells nothing; alone, its values may be looked up.
        let is_named = || {
            matches!(left.as_slice(), [only] if only == "id")
                && !context.names.contains(&self.meaning.phrase.replace(' ', ""))
        };
        let is_other = concept.name == "id" && left.iter().any(|word| !context.own_words.contains(word));
        match () {
            () if is_other && self.of.is_none() => Some(0.95),
            () if has_key && !points && is_named() => Some(0.6),
            () if has_key && !points => Some(0.9),
            () => None,
        }
    }
}

/// Whether a concept's texts are short whatever the source's type for them allows.
fn is_line(concept: &str) -> bool {
    matches!(concept, "social" | "title" | "job_title" | "linkedin" | "phone_extension" | "name_suffix" | "nickname")
}

/// Whether a concept is usual on such records: dates and steps of a sale are none of an activity, and so on.
fn is_at_home(concept: &str, of: Entity) -> bool {
    match of {
        Entity::Activity => !matches!(
            concept,
            "promo_field"
                | "next_step"
                | "custom_slot"
                | "deal_title"
                | "region"
                | "department"
                | "lead_source"
                | "payment_terms"
                | "ownership"
                | "middle_name"
                | "social"
        ),
        Entity::Note => true,
        _ => !matches!(concept, "related_id" | "done" | "activity_type" | "activity_detail"),
    }
}

/// A reference to the table's own kind of record is rather its own key.
fn is_own_reference(concept: &str, of: Entity, reading: &Reading) -> bool {
    let says_key = || reading.meaning.phrase.split(' ').any(|word| word == "id");
    match (concept, of) {
        ("ref_company" | "ref_client", Entity::Organization)
        | ("ref_person", Entity::Person)
        | ("ref_lead", Entity::Lead)
        | ("ref_deal", Entity::Deal) => true,
        ("pipeline", Entity::Pipeline) | ("stage", Entity::Stage) => says_key(),
        _ => false,
    }
}

/// The place that a home names, for a row that becomes `of` among others.
fn place(home: &str, of: Entity, context: &Context, shape: Shape) -> Option<Place> {
    let (entity, field) = match home.split_once(':') {
        Some((name, field)) if Entity::parse(name).is_some() => (Entity::parse(name)?, field),
        _ => (of, home),
    };
    if !context.becomes.contains(&entity) && !matches!(field, "none" | "id" | "modified" | "deleted") {
        // A person who is only mentioned: a custom field of the record itself.
        return custom(of, shape, field.strip_prefix("custom:"));
    }
    match field {
        "none" => Some(Place::Leave),
        "id" => Some(Place::Id),
        "modified" => Some(Place::Modified),
        "deleted" => Some(Place::Deleted),
        "note" if entity == Entity::Activity => Some(Place::System(entity, "note".to_owned())),
        "note" => Some(Place::Note(entity)),
        "c" => custom(entity, shape, None),
        // A rank is a number or a class, as the source keeps it.
        "c:rank" if matches!(shape, Shape::Number | Shape::Percent | Shape::Formula) => {
            custom(entity, Shape::Number, Some("double"))
        }
        "c:rank" => custom(entity, shape, Some("enum")),
        _ => match field.strip_prefix("c:").or_else(|| field.strip_prefix("custom:")) {
            Some(field_type) => custom(entity, shape, Some(field_type)),
            None if accepted(entity).iter().any(|known| known.name == field) => {
                Some(Place::System(entity, field.to_owned()))
            }
            None => None,
        },
    }
}

/// A custom field, of the type that the values ask for where they do, else of the concept's.
pub(super) fn custom(entity: Entity, shape: Shape, wanted: Option<&str>) -> Option<Place> {
    match entity {
        Entity::Organization | Entity::Person | Entity::Lead | Entity::Deal => {}
        Entity::Activity => return Some(Place::System(entity, "note".to_owned())),
        _ => return Some(Place::Leave),
    }
    let wanted = wanted.unwrap_or(shape.custom_type());
    let is_fixed = matches!(wanted, "phone" | "address" | "org" | "people" | "user");
    let is_telling = match shape {
        Shape::Bool | Shape::Enum | Shape::Set | Shape::Date | Shape::Datetime | Shape::LongText | Shape::Html => true,
        Shape::Money => !matches!(wanted, "varchar" | "enum"),
        Shape::Number | Shape::Percent => !matches!(wanted, "varchar" | "enum" | "monetary"),
        _ => false,
    };
    let field_type = if is_telling && !is_fixed { shape.custom_type() } else { wanted };
    Some(Place::Custom(entity, field_type.to_owned()))
}

/// Answers that the table gives whose keys the values are.
fn offer_reference(found: &mut Vec<Answer>, clue: &Clue, context: &Context, vocabulary: &Vocabulary) {
    if clue.is_key {
        let why = "its values are unique and name the row".to_owned();
        let evidence = Evidence { name: 1.0, shape: 1.0, agrees: true };
        found.push(Answer { place: Place::Id, score: 1.2, likely: 0.0, concept: "id".to_owned(), why, evidence });
        return;
    }
    let concept = match clue.points_at.as_deref() {
        Some("company") => "ref_company",
        Some("person") => "ref_person",
        Some("client") => "ref_client",
        Some("lead") => "ref_lead",
        Some("project") => "ref_deal",
        _ => return,
    };
    let of = context.primary();
    let Some(concept) = vocabulary.concept(concept) else { return };
    let Some(homes) = concept.homes.get(letter(of)).or_else(|| concept.homes.get("any")) else { return };
    for (home, rank) in homes.iter().zip(RANKS) {
        if let Some(place) = place(home, of, context, Shape::Reference) {
            let why = "its values are keys of another table".to_owned();
            let evidence = Evidence { name: 1.0, shape: 1.0, agrees: false };
            found.push(Answer { place, score: 0.95 * rank, likely: 0.0, concept: concept.name.clone(), why, evidence });
        }
    }
}
