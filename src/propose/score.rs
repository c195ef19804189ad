//! Scores where one column may go: its name and label against the vocabulary, its values against the concepts' shapes.

use super::answer::{Answer, Place, letter};
use super::shape::Shape;
use super::vocabulary::{Concept, Meaning, Vocabulary};
use crate::record::Entity;

/// What an answer is worth by its position among a concept's answers.
const RANKS: [f64; 4] = [1.0, 0.55, 0.4, 0.32];

/// Concepts that belong to the person where a row becomes a person and an organization.
const PERSONAL: &[&str] = &[
    "first_name",
    "last_name",
    "middle_name",
    "full_name",
    "name_suffix",
    "nickname",
    "maiden_name",
    "salutation",
    "job_title",
    "job_role",
    "department",
    "birthday",
    "gender",
    "language",
    "opt_out",
    "assistant",
    "reports_to",
    "assistant_phone",
    "spouse",
    "mobile",
    "phone_other",
    "phone_extension",
];

/// Concepts that belong to the person only where the table names persons.
const CONTACTS: &[&str] = &["email", "email_other", "phone", "fax", "title"];

/// Concepts that name a record of another table.
const NAMING: &[&str] =
    &["name", "id", "full_name", "title", "account_number", "deal_number", "external_id", "subject"];

/// Words that make an address the second one.
const OTHER_ADDRESS: &[&str] = &[
    "shipping",
    "delivery",
    "other",
    "alternate",
    "alternative",
    "home",
    "second",
    "secondary",
    "2",
    "ship",
    "envio",
    "entrega",
    "lieferung",
    "liefer",
    "versand",
    "privat",
    "livraison",
    "spedizione",
    "consegna",
    "verzend",
    "aflever",
    "private",
    "residential",
    "3",
    "expedition",
    "domicile",
];

/// Words that say that the source computes an amount.
const COMPUTED: &[&str] = &[
    "weighted",
    "base",
    "converted",
    "convertido",
    "usdollar",
    "ponderado",
    "ponderada",
    "gewichtet",
    "pondere",
    "rollup",
];

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

/// The table that a column stands in.
#[derive(Debug, Clone)]
pub struct Context {
    /// What a row becomes.
    pub becomes: Vec<Entity>,
    /// The words of the table's own name.
    pub own_words: Vec<String>,
    /// Some column holds names of persons.
    pub names_persons: bool,
    /// Some column is a street, a city or a postal code.
    pub has_address_parts: bool,
    /// The source declares lists of options as such.
    pub declares_options: bool,
}

impl Context {
    /// The record that a row is first of all.
    #[must_use]
    pub fn primary(&self) -> Entity {
        let lead = self.becomes.iter().find(|entity| **entity == Entity::Lead);
        lead.or_else(|| self.becomes.first()).copied().unwrap_or(Entity::Organization)
    }

    fn is_mixed_client(&self) -> bool {
        !self.becomes.contains(&Entity::Lead)
            && self.becomes.contains(&Entity::Organization)
            && self.becomes.contains(&Entity::Person)
    }

    /// The record that a concept belongs to.
    fn home_of(&self, concept: &str) -> Entity {
        if self.is_mixed_client() {
            let is_personal = PERSONAL.contains(&concept) || (self.names_persons && CONTACTS.contains(&concept));
            return if is_personal { Entity::Person } else { Entity::Organization };
        }
        self.primary()
    }
}

/// All answers for a column, each place once, best first.
#[must_use]
pub fn answers(clue: &Clue, context: &Context, vocabulary: &Vocabulary) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    let readings = readings(clue, context, vocabulary);
    for reading in &readings {
        offer_concept(&mut found, reading, clue, context, vocabulary);
    }
    offer_reference(&mut found, clue, context, vocabulary);
    offer_values(&mut found, clue, context);
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.place.cmp(&b.place)));
    let mut answers: Vec<Answer> = Vec::with_capacity(found.len());
    for answer in found {
        if !answers.iter().any(|known| known.place == answer.place) {
            answers.push(answer);
        }
    }
    answers
}

/// A meaning of a name, and the record it speaks of where that is another one.
struct Reading {
    meaning: Meaning,
    of: Option<Entity>,
    factor: f64,
    /// The other record is none that the row becomes: what stands here is a copy.
    is_copy: bool,
}

fn readings(clue: &Clue, context: &Context, vocabulary: &Vocabulary) -> Vec<Reading> {
    let label = clue.label.as_deref().filter(|label| !label.is_empty());
    let trust = if label.is_some() { 0.95 } else { 1.0 };
    let mut readings = Vec::new();
    read_words(&vocabulary.words(&clue.name), trust, context, vocabulary, &mut readings);
    let Some(label) = label else { return readings };
    let mut labelled = Vec::new();
    read_words(&vocabulary.words(label), 1.0, context, vocabulary, &mut labelled);
    // Where name and label say the same, it is surer than what one of them says.
    let best = |readings: &[Reading], concept: usize| {
        let own = readings.iter().filter(|reading| reading.meaning.concept == concept);
        own.map(Reading::strength).fold(0.0, f64::max)
    };
    let weaker: Vec<f64> = readings.iter().map(|own| best(&labelled, own.meaning.concept)).collect();
    for reading in &mut labelled {
        reading.factor += 0.1 * best(&readings, reading.meaning.concept);
    }
    for (reading, other) in readings.iter_mut().zip(weaker) {
        reading.factor += 0.1 * other;
    }
    readings.extend(labelled);
    readings
}

impl Reading {
    fn strength(&self) -> f64 {
        self.meaning.score * self.factor
    }
}

fn read_words(words: &[String], trust: f64, context: &Context, vocabulary: &Vocabulary, readings: &mut Vec<Reading>) {
    for meaning in vocabulary.meanings(words).into_iter().take(12) {
        let of = mentioned(&meaning.left, vocabulary).filter(|entity| context.becomes.contains(entity));
        readings.push(Reading { meaning, of, factor: trust, is_copy: false });
    }
    // The same name without the words for the table's own records, or for another kind of record.
    let is_own = |word: &String| context.own_words.contains(word) || names(word, context.primary(), vocabulary);
    let rest: Vec<String> = words.iter().filter(|word| !is_own(word)).cloned().collect();
    if !rest.is_empty() && rest.len() < words.len() {
        for meaning in vocabulary.meanings(&rest).into_iter().take(8) {
            let of = context.becomes.contains(&context.primary()).then(|| context.primary());
            let of = if context.is_mixed_client() { None } else { of };
            readings.push(Reading { meaning, of, factor: trust * 0.995, is_copy: false });
        }
    }
    // A name that is a reference word by word speaks of the other record as a whole, not of a part of it.
    let is_reference = |meaning: &Meaning| {
        let concept = vocabulary.concepts.get(meaning.concept).map_or("", |concept| concept.name.as_str());
        meaning.score > 0.96 && (concept == "parent_company" || concept.starts_with("ref_"))
    };
    if vocabulary.meanings(words).iter().any(is_reference) && !context.is_mixed_client() {
        return;
    }
    for other in [Entity::Organization, Entity::Person, Entity::Lead, Entity::Deal, Entity::User] {
        let is_of = |word: &String| names(word, other, vocabulary);
        let rest: Vec<String> = words.iter().filter(|word| !is_of(word)).cloned().collect();
        if rest.is_empty() || rest.len() == words.len() || (other == context.primary() && !context.is_mixed_client()) {
            continue;
        }
        let is_copy = !context.becomes.contains(&other);
        for meaning in vocabulary.meanings(&rest).into_iter().take(6) {
            // Where the row becomes that other record too, the word says which of the two is meant.
            let factor = if is_copy { trust * 0.97 } else { trust * 1.02 };
            readings.push(Reading { meaning, of: Some(other), factor, is_copy });
        }
    }
}

/// Whether a word names records of a kind.
fn names(word: &str, entity: Entity, vocabulary: &Vocabulary) -> bool {
    let kinds: &[&str] = match entity {
        Entity::Organization => &["company", "client"],
        Entity::Person => &["person"],
        Entity::Lead => &["lead"],
        Entity::Deal => &["project"],
        Entity::User => &["owner"],
        Entity::Activity => &["task", "call", "meeting", "email"],
        Entity::Note => &["note"],
        _ => &[],
    };
    // In a mixed word such as `status` or `e mail` the table's meaning is the weaker one.
    const NOT_RECORDS: &[&str] =
        &["mail", "email", "message", "event", "office", "business", "adresse", "sale", "owner"];
    !NOT_RECORDS.contains(&word)
        && vocabulary
            .tables()
            .filter(|(kind, _)| kinds.contains(kind))
            .any(|(_, all)| all.iter().any(|name| matches!(name.as_slice(), [only] if only == word)))
}

fn mentioned(left: &[String], vocabulary: &Vocabulary) -> Option<Entity> {
    let kinds = [Entity::Person, Entity::Organization, Entity::Lead, Entity::Deal];
    kinds.into_iter().find(|entity| left.iter().any(|word| names(word, *entity, vocabulary)))
}

fn offer_concept(found: &mut Vec<Answer>, reading: &Reading, clue: &Clue, context: &Context, vocabulary: &Vocabulary) {
    let Some(concept) = vocabulary.concepts.get(reading.meaning.concept) else { return };
    let refined = refined(&concept.name, &reading.meaning.left);
    let Some(concept) = refined.map_or(Some(concept), |name| vocabulary.concept(name)) else { return };
    let shape = clue.shape.unwrap_or(Shape::Unknown);
    let fit = concept.shapes.iter().map(|wanted| shape.fits(*wanted)).fold(0.3, f64::max);
    let mut score = reading.strength() * fit;
    if let Some(strength) = reading.foreign_key(concept, context) {
        found.push(reading.answer(Place::Leave, score * strength, &concept.name, "a key of another system"));
        score *= 0.75;
    }
    let mut name = concept.name.as_str();
    let is_other = reading.of.is_some_and(|of| of != context.primary());
    let is_reference = is_other && name == "id" && context.becomes.contains(&Entity::Lead);
    if is_reference || (reading.is_copy && NAMING.contains(&name)) {
        name = reference_to(reading.of);
    } else if reading.is_copy {
        // What the source copied from another record stands there as well.
        score *= 0.72;
        found.push(reading.answer(Place::Leave, score * 0.85, name, "a copy"));
        let own = custom(context.primary(), shape, None);
        found.extend(own.map(|place| reading.answer(place, score, name, "a copy")));
        return;
    }
    let of = reading.of.filter(|_| !reading.is_copy && !is_reference).unwrap_or_else(|| context.home_of(name));
    if is_own_reference(name, of) {
        score *= 0.6;
    }
    let Some(concept) = vocabulary.concept(name) else { return };
    let unnamed = (of == Entity::Lead && !context.names_persons).then(|| concept.homes.get("l_unnamed")).flatten();
    let own = unnamed.or_else(|| concept.homes.get(letter(of)));
    if own.is_none() && concept.homes.len() > 1 {
        // The concept belongs to other kinds of records first of all.
        score *= 0.93;
    }
    if name == "state" && context.has_address_parts && clue.options.is_empty() {
        score *= 1.06;
    }
    let Some(homes) = own.or_else(|| concept.homes.get("any")) else { return };
    let has_line = homes.iter().any(|home| home == "c:varchar");
    for (home, rank) in homes.iter().zip(RANKS) {
        // A source that declares lists of options and declares none here means a line of text.
        let rank = match home.as_str() {
            _ if !context.declares_options || shape != Shape::Text => rank,
            "c:enum" if has_line => rank * 0.75,
            "c:varchar" => rank.max(0.97),
            _ => rank,
        };
        if let Some(place) = place(home, of, context, shape) {
            found.push(reading.answer(place, score * rank, name, &name.replace('_', " ")));
        }
    }
}

impl Reading {
    fn answer(&self, place: Place, score: f64, concept: &str, what: &str) -> Answer {
        let why = format!("its name reads as {what} ({:?})", self.meaning.phrase);
        Answer { place, score, concept: concept.to_owned(), why }
    }

    /// How much speaks for a key of something that is no record here, such as `outlook_id` or `reason_id`.
    fn foreign_key(&self, concept: &Concept, context: &Context) -> Option<f64> {
        let left = &self.meaning.left;
        let has_key = left.iter().any(|word| matches!(word.as_str(), "id" | "guid" | "key"));
        let points = concept.shapes.iter().any(|shape| matches!(shape, Shape::Reference | Shape::Id | Shape::User));
        let is_other = concept.name == "id" && left.iter().any(|word| !context.own_words.contains(word));
        match () {
            () if is_other && self.of.is_none() => Some(0.95),
            () if has_key && !points => Some(0.9),
            () => None,
        }
    }
}

/// The concept of a reference to such records.
const fn reference_to(entity: Option<Entity>) -> &'static str {
    match entity {
        Some(Entity::Organization) => "ref_company",
        Some(Entity::Person) => "ref_person",
        Some(Entity::Lead) => "ref_lead",
        Some(Entity::Deal) => "ref_deal",
        _ => "owner",
    }
}

/// A concept that the words beside its phrase make another one: a second address, an amount that the source computes.
fn refined(concept: &str, left: &[String]) -> Option<&'static str> {
    let has = |words: &[&str]| left.iter().any(|word| words.contains(&word.as_str()));
    match concept {
        "address" | "street" | "street_2" | "city" | "state" | "zip" | "country" if has(OTHER_ADDRESS) => {
            Some("address_other")
        }
        "value" | "value_other" if has(COMPUTED) => Some("value_computed"),
        _ => None,
    }
}

/// A reference to the table's own kind of record is rather its own key.
fn is_own_reference(concept: &str, of: Entity) -> bool {
    matches!(
        (concept, of),
        ("ref_company" | "ref_client", Entity::Organization)
            | ("ref_person", Entity::Person)
            | ("ref_lead", Entity::Lead)
            | ("ref_deal", Entity::Deal)
    )
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
        _ => match field.strip_prefix("c:").or_else(|| field.strip_prefix("custom:")) {
            Some(field_type) => custom(entity, shape, Some(field_type)),
            None => Some(Place::System(entity, field.to_owned())),
        },
    }
}

/// A custom field, of the type that the values ask for where they do, else of the concept's.
fn custom(entity: Entity, shape: Shape, wanted: Option<&str>) -> Option<Place> {
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
        found.push(Answer { place: Place::Id, score: 1.2, concept: "id".to_owned(), why });
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
            found.push(Answer { place, score: 0.95 * rank, concept: concept.name.clone(), why });
        }
    }
}

/// Answers that the values alone give, whatever the name says.
fn offer_values(found: &mut Vec<Answer>, clue: &Clue, context: &Context) {
    let shape = clue.shape.unwrap_or(Shape::Unknown);
    let primary = context.primary();
    let mut offer = |place: Option<Place>, score: f64, why: &str| {
        found.extend(place.map(|place| Answer { place, score, concept: String::new(), why: why.to_owned() }));
    };
    if clue.is_empty {
        offer(Some(Place::Leave), 0.8, "no row has a value");
    }
    let (kept, left) = match shape {
        Shape::File => (0.2, 0.62),
        Shape::Formula => (0.3, 0.5),
        Shape::List | Shape::Object => (0.25, 0.45),
        Shape::Reference => (0.3, 0.42),
        Shape::Id => (0.25, 0.48),
        Shape::User => (0.4, 0.35),
        Shape::Bool => (0.42, 0.38),
        Shape::Enum | Shape::Set => (0.55, 0.2),
        Shape::Money | Shape::LongText | Shape::Html => (0.52, 0.18),
        Shape::Date | Shape::Datetime => (0.45, 0.32),
        Shape::Number | Shape::Percent => (0.42, 0.35),
        _ => (0.45, 0.25),
    };
    let why = format!("its values are {}", shape.words());
    offer(custom(primary, shape, None), kept, &why);
    offer(Some(Place::Leave), left, &why);
    let person = context.becomes.contains(&Entity::Person);
    match shape {
        Shape::Email if person => offer(Some(Place::System(Entity::Person, "emails".into())), 0.62, &why),
        Shape::Phone if person => offer(Some(Place::System(Entity::Person, "phones".into())), 0.62, &why),
        Shape::Url if primary == Entity::Organization => {
            offer(Some(Place::System(Entity::Organization, "website".into())), 0.5, &why);
        }
        Shape::LongText | Shape::Html => match primary {
            Entity::Activity => offer(Some(Place::System(primary, "note".into())), 0.56, &why),
            Entity::Note => offer(Some(Place::System(primary, "content".into())), 0.6, &why),
            _ => offer(Some(Place::Note(primary)), 0.4, &why),
        },
        _ => {}
    }
}
