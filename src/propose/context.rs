//! The table that a column stands in: what its rows become, and what its other columns tell.

use std::collections::HashSet;

use super::score::Clue;
use super::shape::Shape;
use super::vocabulary::Vocabulary;
use super::words::words;
use crate::record::Entity;

/// Concepts that belong to the person where a row becomes an organization first of all, and a person beside it.
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
    "anniversary",
    "gender",
    "language",
    "opt_out",
    "assistant",
    "reports_to",
    "assistant_phone",
    "spouse",
    "personal_number",
    "mobile",
    "phone_other",
    "phone_extension",
];

/// Of these, only where the table names persons.
const CONTACTS: &[&str] = &["email", "email_other", "phone", "fax", "title"];

/// Concepts that belong to the organization where a row becomes a person first of all, as in an address book.
const CORPORATE: &[&str] = &[
    "company_name",
    "legal_name",
    "industry",
    "employee_count",
    "size_range",
    "annual_revenue",
    "tax_id",
    "founded",
    "founded_date",
    "company_phone",
    "company_email",
    "company_address",
    "website",
];

/// Words of a column that only says of what kind the column beside it is.
const KINDS: &[&str] =
    &["label", "type", "kind", "typ", "art", "soort", "tipo", "etiqueta", "category", "is_primary", "primary"];

/// What people have several of, so that lists of them say of what kind each is.
const SEVERAL: &[&str] =
    &["email", "mail", "phone", "address", "website", "url", "fax", "social", "im", "link", "messenger", "number"];

/// Words of stages.
const STAGES: &[&str] =
    &["stage", "phase", "step", "milestone", "etape", "etapa", "fase", "stufe", "estagio", "stadium"];

/// Words of the plain amount of a deal.
const AMOUNTS: &[&str] = &[
    "amount",
    "value",
    "total",
    "deal",
    "opportunity",
    "project",
    "order",
    "price",
    "montant",
    "betrag",
    "wert",
    "importe",
    "monto",
    "valor",
    "bedrag",
    "waarde",
    "importo",
    "valore",
    "monetary",
    "revenue",
    "summe",
];

/// Columns that must share their first word before it says nothing any more.
const SHARERS: usize = 6;

/// The table that a column stands in.
#[derive(Debug, Clone)]
pub struct Context {
    /// What a row becomes, the record that it is first of all in front.
    pub becomes: Vec<Entity>,
    /// The words of the table's own name.
    pub own_words: Vec<String>,
    /// Some column holds names of persons.
    pub names_persons: bool,
    /// Some column is a street, a city or a postal code.
    pub has_address_parts: bool,
    /// Some column is the stage of a deal.
    pub has_stage: bool,
    /// Some column is the plain amount of a deal.
    pub has_amount: bool,
    /// Some column is the plain amount of a deal, and no total.
    pub has_plain_value: bool,
    /// Some column is called just an address.
    pub has_plain_address: bool,
    /// Some column is when an activity is due.
    pub has_due: bool,
    /// Some column is the owner of the record.
    pub has_owner: bool,
    /// The source declares lists of options as such.
    pub declares_options: bool,
    /// The first word of most columns, which tells nothing there.
    pub shared: Option<String>,
    /// Columns that only say of what kind the column beside them is.
    pub describing: HashSet<String>,
    /// Names of the columns as words run together.
    pub names: HashSet<String>,
    /// The source's tables of one word, and what their rows are first of all.
    pub tables: Vec<(String, Entity)>,
}

impl Context {
    /// The context of a table, from its name, what its rows become, and its columns.
    #[must_use]
    pub fn new(table: &str, becomes: &[Entity], clues: &[Clue], vocabulary: &Vocabulary) -> Self {
        let mut clear: HashSet<&str> = HashSet::new();
        for clue in clues {
            for text in [Some(clue.name.as_str()), clue.label.as_deref()].into_iter().flatten() {
                let meanings = vocabulary.meanings(&vocabulary.words(text));
                let best = meanings.iter().filter(|meaning| meaning.score > 0.85);
                let concepts = best.filter_map(|meaning| vocabulary.concepts.get(meaning.concept));
                clear.extend(concepts.map(|concept| concept.name.as_str()));
            }
        }
        let means = |names: &[&str]| names.iter().any(|name| clear.contains(name));
        Self {
            becomes: becomes.to_vec(),
            own_words: vocabulary.words(table),
            names_persons: means(&["first_name", "last_name", "full_name"]),
            has_address_parts: means(&["street", "city", "zip"]),
            has_stage: means(&["stage"]) || clues.iter().any(|clue| has_word(clue, STAGES, vocabulary)),
            has_amount: clues.iter().any(|clue| is_plain_amount(clue, vocabulary)),
            has_plain_value: clues.iter().any(|clue| {
                let words = vocabulary.words(&clue.name);
                let ends = words.last().is_some_and(|word| matches!(word.as_str(), "amount" | "value"));
                ends && words.len() < 3 && is_plain_amount(clue, vocabulary) && words.iter().all(|word| word != "total")
            }),
            has_plain_address: clues.iter().any(|clue| {
                matches!(vocabulary.words(&clue.name).as_slice(), [only] if only == "address" || only == "adresse")
            }),
            has_due: means(&["due_date", "due_time"]),
            has_owner: means(&["owner"]),
            declares_options: clues.iter().any(|clue| matches!(clue.shape, Some(Shape::Enum | Shape::Set))),
            shared: shared_word(clues, vocabulary),
            describing: describing(clues),
            names: clues.iter().map(|clue| vocabulary.words(&clue.name).concat()).collect(),
            tables: Vec::new(),
        }
    }

    /// Knows the source's other tables, and what their rows become.
    #[must_use]
    pub fn among<'t>(mut self, tables: impl Iterator<Item = (&'t str, &'t [Entity])>, vocabulary: &Vocabulary) -> Self {
        for (name, becomes) in tables {
            if let ([word], Some(first)) = (vocabulary.words(name).as_slice(), becomes.first()) {
                self.tables.push((word.clone(), *first));
            }
        }
        self
    }

    /// The record that a row is first of all.
    #[must_use]
    pub fn primary(&self) -> Entity {
        let lead = self.becomes.iter().find(|entity| matches!(entity, Entity::Lead | Entity::Deal));
        lead.or_else(|| self.becomes.first()).copied().unwrap_or(Entity::Organization)
    }

    /// Whether a row is by its table's name something that takes its time, and no task.
    pub(super) fn is_appointment(&self) -> bool {
        let takes_time = |word: &String| {
            ["meeting", "call", "event", "appointment"].contains(&word.strip_suffix('s').unwrap_or(word))
        };
        self.primary() == Entity::Activity && self.own_words.iter().any(takes_time)
    }

    /// Whether a row is a person and an organization, and no lead or deal.
    pub(super) fn is_mixed_client(&self) -> bool {
        !matches!(self.primary(), Entity::Lead | Entity::Deal)
            && self.becomes.contains(&Entity::Organization)
            && self.becomes.contains(&Entity::Person)
    }

    /// Whether a row is a deal with the people and companies it is about.
    pub(super) fn is_mixed_deal(&self) -> bool {
        self.primary() == Entity::Deal
            && (self.becomes.contains(&Entity::Organization) || self.becomes.contains(&Entity::Person))
    }

    /// The record that a concept belongs to.
    pub(super) fn home_of(&self, concept: &str) -> Entity {
        match (self.is_mixed_client(), self.primary()) {
            (false, primary) => primary,
            (true, Entity::Person) if CORPORATE.contains(&concept) => Entity::Organization,
            (true, Entity::Person) => Entity::Person,
            (true, _) if PERSONAL.contains(&concept) => Entity::Person,
            (true, _) if self.names_persons && CONTACTS.contains(&concept) => Entity::Person,
            (true, _) => Entity::Organization,
        }
    }

    /// Whether another column is the row's key by its name: `id`, or the table's name with it.
    pub(super) fn has_key_beside(&self, name: &str) -> bool {
        let own = format!("{}id", self.own_words.concat());
        name != own && (self.names.contains("id") || self.names.contains(&own))
    }

    /// The kind of record that a word names, where the source has a table of that name.
    pub(super) fn table_of(&self, word: &str) -> Option<Entity> {
        self.tables.iter().find(|(name, _)| name == word).map(|(_, entity)| *entity)
    }

    /// The words of a column's name without the one that most columns share.
    #[must_use]
    pub fn told<'w>(&self, words: &'w [String]) -> &'w [String] {
        match words {
            [first, rest @ ..] if !rest.is_empty() && self.shared.as_ref() == Some(first) => rest,
            _ => words,
        }
    }
}

fn has_word(clue: &Clue, words: &[&str], vocabulary: &Vocabulary) -> bool {
    let texts = [Some(clue.name.as_str()), clue.label.as_deref()];
    texts.into_iter().flatten().any(|text| vocabulary.words(text).iter().any(|word| words.contains(&word.as_str())))
}

fn is_plain_amount(clue: &Clue, vocabulary: &Vocabulary) -> bool {
    vocabulary.words(&clue.name).iter().all(|word| AMOUNTS.contains(&word.as_str()))
}

/// The first word of most columns: a prefix such as `contact_`.
fn shared_word(clues: &[Clue], vocabulary: &Vocabulary) -> Option<String> {
    let firsts: Vec<String> = clues
        .iter()
        .filter_map(|clue| match vocabulary.words(&clue.name).as_slice() {
            [first, _, ..] => Some(first.clone()),
            _ => None,
        })
        .collect();
    let count = |word: &String| firsts.iter().filter(|other| *other == word).count();
    let word = firsts.iter().max_by_key(|word| count(word))?;
    (count(word) >= SHARERS && count(word) * 10 >= clues.len() * 7).then(|| word.clone())
}

/// Columns such as `Phone 1 - Label`, which stand beside `Phone 1 - Value` or other parts of `Phone 1`.
fn describing(clues: &[Clue]) -> HashSet<String> {
    let split = |name: &str| -> Option<(String, String)> {
        let (before, last) = name.rsplit_once([' ', '_', '.', ':', '-'])?;
        Some((before.trim_end_matches([' ', '-', '_', '.', ':']).to_owned(), last.to_lowercase()))
    };
    let parts: Vec<Option<(String, String)>> = clues.iter().map(|clue| split(&clue.name)).collect();
    let is_kind = |last: &str| KINDS.contains(&last);
    let has_sibling = |before: &str| {
        let is_counted = before.ends_with(|sign: char| sign.is_ascii_digit());
        if is_counted && clues.iter().any(|clue| clue.name == before) {
            return true;
        }
        let is_several = |before: &str| {
            before.contains('.') || clues.iter().any(|clue| clue.name.starts_with(&format!("{before}.")))
        };
        let is_list = is_several(before) && words(before).last().is_some_and(|last| SEVERAL.contains(&last.as_str()));
        let mut others = parts.iter().flatten().filter(|(other, last)| other == before && !is_kind(last));
        others.any(|(_, last)| is_counted || is_list || last == "value")
    };
    let found = clues.iter().zip(&parts).filter(|(_, parts)| {
        parts.as_ref().is_some_and(|(before, last)| is_kind(last) && !before.is_empty() && has_sibling(before))
    });
    found.map(|(clue, _)| clue.name.clone()).collect()
}
