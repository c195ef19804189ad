//! What the name and the label of a column may mean, with the record that each meaning speaks of.

use super::context::Context;
use super::score::Clue;
use super::vocabulary::{FORM, Meaning, Vocabulary};
use crate::record::Entity;

/// A name that is a phrase of the vocabulary word by word has at least this.
pub(super) const EXACT: f64 = 0.96;

/// What the last part of a compound is worth beside the whole word.
const COMPOUND: f64 = 0.75;

/// Concepts whose values are chosen from a list, so that a source may keep them as ids.
const CHOICES: &[&str] = &[
    "lead_source",
    "lost_reason",
    "won_reason",
    "industry",
    "status",
    "stage",
    "pipeline",
    "activity_type",
    "deal_type",
    "lifecycle",
    "priority",
    "ownership",
    "salutation",
    "payment_terms",
    "job_role",
    "language",
    "gender",
    "size_range",
];

/// A meaning of a name, and the record it speaks of where that is another one.
pub(super) struct Reading {
    pub(super) meaning: Meaning,
    pub(super) of: Option<Entity>,
    pub(super) factor: f64,
    /// The other record is none that the row becomes: what stands here is a copy.
    pub(super) is_copy: bool,
    /// Name and label say the same.
    pub(super) agrees: bool,
}

impl Reading {
    pub(super) fn strength(&self) -> f64 {
        self.meaning.score * self.factor
    }
}

/// All readings of a column.
pub(super) fn readings(clue: &Clue, context: &Context, vocabulary: &Vocabulary) -> Vec<Reading> {
    let label = clue.label.as_deref().filter(|label| !label.is_empty());
    let words = vocabulary.words(&clue.name);
    let own = context.told(&words);
    let mut readings = Vec::new();
    read_words(own, if label.is_some() { 0.95 } else { 1.0 }, context, vocabulary, &mut readings);
    read_path(&clue.name, context, vocabulary, &mut readings);
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
        let other = best(&readings, reading.meaning.concept);
        reading.factor += 0.1 * other;
        reading.agrees = other > 0.9;
    }
    // What is written for people says more where both are clear and differ.
    let label_is_clear = labelled.iter().any(|reading| reading.meaning.score >= EXACT);
    for (reading, other) in readings.iter_mut().zip(weaker) {
        reading.factor += 0.1 * other - if label_is_clear && other < 0.6 { 0.07 } else { 0.0 };
        reading.agrees = other > 0.9;
    }
    readings.extend(labelled);
    readings
}

fn read_words(words: &[String], trust: f64, context: &Context, vocabulary: &Vocabulary, readings: &mut Vec<Reading>) {
    let mut read = |meaning: Meaning, of: Option<Entity>, factor: f64, is_copy: bool| {
        readings.push(Reading { meaning, of, factor, is_copy, agrees: false });
    };
    let whole = vocabulary.meanings(words);
    let is_clear = whole.first().is_some_and(|meaning| meaning.score >= EXACT);
    for meaning in whole.iter().take(12) {
        let of = mentioned(&meaning.left, context, vocabulary).filter(|entity| context.becomes.contains(entity));
        read(meaning.clone(), of, trust, false);
    }
    // The same name without the words for the table's own records, or for another kind of record.
    let is_own =
        |word: &String| context.own_words.contains(word) || names(word, context.primary(), context, vocabulary);
    let rest: Vec<String> = words.iter().filter(|word| !is_own(word)).cloned().collect();
    if !rest.is_empty() && rest.len() < words.len() {
        for meaning in vocabulary.meanings(&rest).into_iter().take(8) {
            // `Lead Title` is the title of the lead, not of the person.
            let is_titled = matches!(rest.as_slice(), [only] if only == "title")
                && matches!(context.primary(), Entity::Lead | Entity::Deal);
            let meaning = match vocabulary.position("deal_title").filter(|_| is_titled) {
                Some(concept) => Meaning { concept, ..meaning },
                None => meaning,
            };
            let of = (!context.is_mixed_client()).then(|| context.primary());
            // Where the whole name is known, what is left of it says less.
            read(meaning, of, trust * if is_clear { 0.9 } else { 0.995 }, false);
        }
    }
    read_forms(words, is_clear, (context, vocabulary), &mut |meaning, factor| {
        read(meaning, None, trust * factor, false)
    });
    // A name that is a phrase word by word speaks of one thing, and not of a part of another record.
    if whole.iter().any(|meaning| is_whole(meaning, vocabulary)) && !context.is_mixed_client() {
        return;
    }
    for other in [
        Entity::Organization,
        Entity::Person,
        Entity::Lead,
        Entity::Deal,
        Entity::User,
        Entity::Stage,
        Entity::Pipeline,
    ] {
        let is_copy = !context.becomes.contains(&other);
        if (is_clear && other == Entity::User) || (is_copy && matches!(other, Entity::Stage | Entity::Pipeline)) {
            continue;
        }
        let is_of = |word: &String| names(word, other, context, vocabulary);
        let rest: Vec<String> = words.iter().filter(|word| !is_of(word)).cloned().collect();
        if rest.is_empty() || rest.len() == words.len() || (other == context.primary() && !context.is_mixed_client()) {
            continue;
        }
        for meaning in vocabulary.meanings(&rest).into_iter().take(6) {
            // Where the row becomes that other record too, the word says which of the two is meant.
            let factor = match (is_copy, is_clear) {
                (true, _) => 0.97,
                (false, true) => 0.95,
                (false, false) => 1.02,
            };
            read(meaning, Some(other), trust * factor, is_copy);
        }
    }
}

/// Parts of an object that stand for all of it; of a person more than of others.
const STANDING: &[&str] = &["id", "name", "label", "value", "title", "key", "code", "text", "uid", "guid", "uuid"];
const STANDING_FOR_USERS: &[&str] = &["email", "username", "login", "mail", "fullname", "firstname", "lastname"];
const STANDING_FOR_WAYS: &[&str] = &["address", "number", "value", "url", "uri", "email", "phone"];

/// What is nested speaks of what it is nested in: `owner.username`, `type.name`, `websites.address`.
fn read_path(name: &str, context: &Context, vocabulary: &Vocabulary, readings: &mut Vec<Reading>) {
    let Some((path, part)) = name.rsplit_once('.') else { return };
    let mut parent = vocabulary.words(path.rsplit('.').next().unwrap_or(path));
    if parent.len() > 1 && parent.last().is_some_and(|last| last == "reference") {
        parent.pop();
    }
    let part = vocabulary.words(part).concat();
    let is = |all: &[&str]| all.contains(&part.as_str());
    for meaning in vocabulary.meanings(&parent).into_iter().take(3).filter(|meaning| meaning.score >= FORM) {
        let concept = vocabulary.concepts.get(meaning.concept).map_or("", |concept| concept.name.as_str());
        let is_user = matches!(concept, "owner" | "created_by" | "modified_by" | "author" | "second_owner");
        let is_way = matches!(concept, "email" | "phone" | "website" | "mobile" | "fax");
        let is_link = concept.starts_with("ref_") || concept == "parent_company" || CHOICES.contains(&concept);
        let stands = (is_user && (is(STANDING) || is(STANDING_FOR_USERS)))
            || (is_way && is(STANDING_FOR_WAYS))
            || (is_link && is(STANDING) && !names(&parent.concat(), context.primary(), context, vocabulary));
        if stands {
            readings.push(Reading { meaning, of: None, factor: 1.05, is_copy: false, agrees: false });
        }
    }
}

/// What the form of a name says: an id of a choice, a link of a framework, a compound.
fn read_forms(
    words: &[String],
    is_clear: bool,
    (context, vocabulary): (&Context, &Vocabulary),
    read: &mut dyn FnMut(Meaning, f64),
) {
    // The id of a choice is that choice: `lead_source_id`, `lost_reason_id`.
    if let [choice @ .., last] = words
        && matches!(last.as_str(), "id" | "label" | "name" | "value" | "key" | "code" | "text" | "reference")
        && !choice.is_empty()
    {
        let factor = if last == "id" { 1.04 } else { 1.0 };
        for meaning in vocabulary.meanings(choice).into_iter().take(2).filter(|meaning| meaning.score >= FORM) {
            let concept = vocabulary.concepts.get(meaning.concept).map_or("", |concept| concept.name.as_str());
            if CHOICES.contains(&concept) {
                read(Meaning { left: vec![last.clone()], ..meaning }, factor);
            }
        }
    }
    // `taskable_id`, `noteable_type`: whatever it hangs on, as frameworks call it.
    let hangs = |word: &String| word.len() > 6 && word.ends_with("able") && !VERBS_OF_ABILITY.contains(&word.as_str());
    if matches!(context.primary(), Entity::Activity | Entity::Note)
        && let [first, rest @ ..] = words
        && hangs(first)
        && let Some(concept) = vocabulary.position(if is_type(rest) { "related_type" } else { "related_id" })
        && rest.len() < 2
    {
        read(Meaning { concept, score: FORM, phrase: words.join(" "), left: Vec::new() }, 1.0);
    }
    // `do_not_trade`, `no_sms`, `fax_opt_out`: what people do not want.
    let refuses = matches!(words, [first, second, _, ..] if matches!(first.as_str(), "do" | "don") && matches!(second.as_str(), "not" | "t"))
        || words.windows(2).any(|pair| pair[0] == "opt" && matches!(pair[1].as_str(), "in" | "out"))
        || words.iter().any(|word| matches!(word.as_str(), "optin" | "optout" | "consent" | "unsubscribed"));
    if refuses
        && !matches!(context.primary(), Entity::Activity | Entity::Note | Entity::User)
        && let Some(concept) = vocabulary.position("opt_out")
    {
        read(Meaning { concept, score: FORM, phrase: words.join(" "), left: Vec::new() }, 1.0);
    }
    // `ssalesprocessesid` in a table of that name: its key, whatever the name is made of.
    let joined = words.concat();
    let own_words = context.own_words.concat();
    let names_own = |own: &str| {
        own.len() > 2
            && [own, own.trim_end_matches('s'), own.trim_end_matches("es")].iter().any(|own| own_words.ends_with(own))
    };
    if joined.strip_suffix("id").is_some_and(names_own)
        && let Some(concept) = vocabulary.position("id")
    {
        read(Meaning { concept, score: 1.0, phrase: "id".to_owned(), left: Vec::new() }, 1.0);
    }
    // An unknown compound means what its last part means, if anything.
    if let [.., last] = words
        && !is_clear
        && let Some(head) = vocabulary.head(last)
    {
        for meaning in vocabulary.meanings(&[head]).into_iter().take(4).filter(|meaning| meaning.score >= FORM) {
            read(meaning, COMPOUND);
        }
    }
}

/// Words in `able` that say what can be done, and not what a record hangs on.
const VERBS_OF_ABILITY: &[&str] = &["billable", "taxable", "available", "editable", "payable", "cancelable"];

fn is_type(rest: &[String]) -> bool {
    matches!(rest, [only] if matches!(only.as_str(), "type" | "class" | "kind"))
}

/// Whether a name that means this says all by itself which record it speaks of.
fn is_whole(meaning: &Meaning, vocabulary: &Vocabulary) -> bool {
    let concept = vocabulary.concepts.get(meaning.concept).map_or("", |concept| concept.name.as_str());
    let is_reference = concept == "parent_company" || concept.starts_with("ref_");
    let is_count = matches!(concept, "employee_count" | "activity_stamp" | "owner");
    meaning.score >= EXACT && (is_reference || is_count)
}

/// Whether a word names records of a kind.
fn names(word: &str, entity: Entity, context: &Context, vocabulary: &Vocabulary) -> bool {
    // In a mixed word such as `status` or `e mail` the table's meaning is the weaker one.
    const NOT_RECORDS: &[&str] =
        &["mail", "email", "message", "event", "office", "business", "adresse", "sale", "owner", "status", "process"];
    if let Some(own) = context.table_of(word) {
        return own == entity;
    }
    let kinds: &[&str] = match entity {
        Entity::Organization => &["company", "client"],
        Entity::Person => &["person"],
        Entity::Lead => &["lead"],
        Entity::Deal => &["project"],
        Entity::User => &["owner"],
        Entity::Activity => &["task", "call", "meeting", "email"],
        Entity::Note => &["note"],
        Entity::Pipeline => &["pipeline"],
        Entity::Stage => &["stage"],
        _ => &[],
    };
    !NOT_RECORDS.contains(&word) && vocabulary.names_records(word, kinds)
}

fn mentioned(left: &[String], context: &Context, vocabulary: &Vocabulary) -> Option<Entity> {
    let kinds = [Entity::Person, Entity::Organization, Entity::Lead, Entity::Deal];
    kinds.into_iter().find(|entity| left.iter().any(|word| names(word, *entity, context, vocabulary)))
}

/// The concept of a reference to such records.
pub(super) const fn reference_to(entity: Option<Entity>) -> &'static str {
    match entity {
        Some(Entity::Organization) => "ref_company",
        Some(Entity::Person) => "ref_person",
        Some(Entity::Lead) => "ref_lead",
        Some(Entity::Deal) => "ref_deal",
        _ => "owner",
    }
}

/// A reference by the name of a table whose rows become something else than that name says: `lead_id` where the source
/// calls its companies leads.
pub(super) fn redirected(concept: &str, phrase: &str, context: &Context) -> Option<&'static str> {
    if !matches!(concept, "ref_company" | "ref_person" | "ref_client" | "ref_lead" | "ref_deal") {
        return None;
    }
    phrase.split(' ').find_map(|word| context.table_of(word)).map(|entity| reference_to(Some(entity)))
}
