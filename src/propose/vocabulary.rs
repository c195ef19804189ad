//! The vocabulary: which words name which concept, where a concept goes, which type words mean which shape.
//!
//! It stands in data files beside this one, in seven languages; here it is only read and looked up.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::answer::Place;
use super::forms::canonical;
use super::seen::Seen;
use super::shape::Shape;
use super::weights::Weights;
use super::words::{Splitter, telling, words};
use crate::error::{Error, Kind, Result};

/// The files that come with the program.
const FILES: [&str; 6] = [
    include_str!("vocabulary/people.toml"),
    include_str!("vocabulary/address.toml"),
    include_str!("vocabulary/sales.toml"),
    include_str!("vocabulary/activity.toml"),
    include_str!("vocabulary/general.toml"),
    include_str!("vocabulary/system.toml"),
];
const HOMES: &str = include_str!("vocabulary/homes.toml");
const TYPES: &str = include_str!("vocabulary/types.toml");
const TABLES: &str = include_str!("vocabulary/tables.toml");

/// Words that hardly narrow a name down: what is left of a name beside a phrase costs little when it is one of these.
const QUALIFIERS: &[&str] = &[
    "primary",
    "main",
    "work",
    "business",
    "office",
    "default",
    "current",
    "1",
    "field",
    "value",
    "custom",
    "text",
    "info",
    "general",
    "company",
    "geschaftlich",
    "code",
    "name",
    "id",
    "my",
    "our",
    "full",
    "usual",
    "new",
    "one",
    "mailing",
    "mail",
    "billing",
    "bill",
    "invoice",
    "physical",
    "visiting",
    "postal",
    "official",
    "social",
    "selected",
    "associated",
    "related",
    "linked",
    "percent",
];

/// Words that say too little to be a phrase among others: they count only where they are the whole name.
const VAGUE: &[&str] = &[
    "first",
    "last",
    "open",
    "start",
    "end",
    "from",
    "to",
    "post",
    "set",
    "key",
    "text",
    "size",
    "site",
    "function",
    "level",
    "age",
    "view",
    "import",
    "object",
    "step",
    "process",
    "column",
    "hour",
    "place",
    "stand",
    "art",
    "stelle",
    "konto",
    "term",
    "need",
    "plan",
    "group",
    "class",
    "brand",
    "kind",
    "reason",
    "position",
    "standard",
    "direction",
    "marker",
    "flag",
    "sends",
    "notiz",
    "no",
    "fin",
    "data",
    "zusatz",
    "service",
    "type",
    "date",
];

/// What another form of a phrase is worth: a little less than the phrase word by word.
pub(super) const FORM: f64 = 0.95;

/// A concept as its file says.
#[derive(Debug, Deserialize)]
struct RawConcept {
    shapes: Vec<Shape>,
    #[serde(flatten)]
    languages: BTreeMap<String, String>,
}

/// What a column can mean.
#[derive(Debug)]
pub struct Concept {
    /// Its name in the files.
    pub name: String,
    /// The shapes its values have, the commonest first.
    pub shapes: Vec<Shape>,
    /// Where it goes, by the letter of the record's kind or `any`: answers, best first.
    pub homes: BTreeMap<String, Vec<String>>,
}

/// One way to name a concept.
#[derive(Debug)]
struct Phrase {
    concept: usize,
    words: Vec<String>,
    joined: String,
}

/// How well a name fits a concept.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// Position in [`Vocabulary::concepts`].
    pub concept: usize,
    /// 0 to 1; 1 is a phrase of the vocabulary word by word.
    pub score: f64,
    /// The phrase that fits, for people.
    pub phrase: String,
    /// Words of the name that the phrase leaves over.
    pub left: Vec<String>,
}

/// All of it.
#[derive(Debug)]
pub struct Vocabulary {
    /// Every concept.
    pub concepts: Vec<Concept>,
    phrases: Vec<Phrase>,
    by_joined: HashMap<String, Vec<usize>>,
    by_word: HashMap<String, Vec<usize>>,
    /// By the form that stands for all of a name's forms.
    by_form: HashMap<String, Vec<usize>>,
    types: HashMap<String, Shape>,
    tables: BTreeMap<String, Vec<Vec<String>>>,
    /// Kinds of record by the names of their tables, where these are one word.
    record_words: HashMap<String, Vec<String>>,
    by_name: HashMap<String, usize>,
    /// What other CRMs say of answers.
    pub weights: Weights,
    /// Names of columns with places that were right for them elsewhere.
    seen: Seen,
    /// Phrases that count for nothing, as words run together.
    forgotten: HashSet<String>,
    splitter: Splitter,
}

impl Vocabulary {
    /// The vocabulary that comes with the program.
    ///
    /// # Errors
    /// `Bug` when its files do not fit one another.
    pub fn shipped() -> Result<Self> {
        Self::parse(&FILES, HOMES, TYPES, TABLES)
    }

    fn parse(files: &[&str], homes: &str, types: &str, tables: &str) -> Result<Self> {
        let bad = |what: &str| Error::new(Kind::Bug, format!("the vocabulary: {what}"));
        let read = |error: toml::de::Error| bad("a file cannot be read").because(error);
        let mut homes: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(homes).map_err(read)?;
        let mut own = Self {
            concepts: Vec::new(),
            phrases: Vec::new(),
            by_joined: HashMap::new(),
            by_word: HashMap::new(),
            by_form: HashMap::new(),
            types: HashMap::new(),
            tables: BTreeMap::new(),
            record_words: HashMap::new(),
            by_name: HashMap::new(),
            weights: Weights::shipped().map_err(|why| bad(&why))?,
            seen: Seen::shipped().map_err(|why| bad(&why))?,
            forgotten: HashSet::new(),
            splitter: Splitter::default(),
        };
        own.splitter.learn_abbreviations();
        for file in files {
            let concepts: BTreeMap<String, RawConcept> = toml::from_str(file).map_err(read)?;
            for (name, raw) in concepts {
                let answers = |text: &String| text.split(';').map(|answer| answer.trim().to_owned()).collect();
                let homes = homes.remove(&name).ok_or_else(|| bad(&format!("{name} has no home")))?;
                let homes = homes.iter().map(|(letter, text)| (letter.clone(), answers(text))).collect();
                own.by_name.insert(name.clone(), own.concepts.len());
                own.concepts.push(Concept { name, shapes: raw.shapes, homes });
                for phrase in raw.languages.values().flat_map(|phrases| phrases.split(';')) {
                    own.add(own.concepts.len() - 1, phrase);
                }
            }
        }
        if let Some(name) = homes.keys().next() {
            return Err(bad(&format!("{name} has a home and no words")));
        }
        let types: BTreeMap<Shape, Vec<String>> = toml::from_str(types).map_err(read)?;
        own.types =
            types.iter().flat_map(|(shape, words)| words.iter().map(|word| (type_word(word), *shape))).collect();
        let tables: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(tables).map_err(read)?;
        for (kind, languages) in tables {
            let names: Vec<Vec<String>> = languages.values().flat_map(|names| names.split(';')).map(words).collect();
            for word in names.iter().filter_map(|name| if let [only] = name.as_slice() { Some(only) } else { None }) {
                own.record_words.entry(word.clone()).or_default().push(kind.clone());
            }
            own.tables.insert(kind, names);
        }
        Ok(own)
    }

    fn add(&mut self, concept: usize, phrase: &str) {
        let all = words(phrase);
        self.splitter.learn(&all);
        let words = telling(&all);
        let at = self.phrases.len();
        self.by_joined.entry(words.concat()).or_default().push(at);
        let full = all.concat();
        if full != words.concat() {
            self.by_joined.entry(full).or_default().push(at);
        }
        for word in &words {
            self.by_word.entry(word.clone()).or_default().push(at);
        }
        self.by_form.entry(canonical(&all)).or_default().push(at);
        self.phrases.push(Phrase { concept, joined: words.concat(), words });
    }

    /// Makes phrases count for nothing: what the proposer would do if nobody had met these names.
    pub fn forget(&mut self, names: impl IntoIterator<Item = Vec<String>>) {
        self.forgotten = names.into_iter().map(|name| telling(&name).concat()).collect();
    }

    /// Another CRM than those forgotten has a column of these words that rightly went to this place.
    #[must_use]
    pub fn has_seen(&self, words: &[String], place: &Place) -> bool {
        !self.forgotten.contains(&telling(words).concat()) && self.seen.has(words, place)
    }

    /// The words of a column's or table's name, with run-together ones split.
    #[must_use]
    pub fn words(&self, name: &str) -> Vec<String> {
        self.splitter.split(&words(name))
    }

    /// The concept with a name.
    #[must_use]
    pub fn concept(&self, name: &str) -> Option<&Concept> {
        self.by_name.get(name).and_then(|at| self.concepts.get(*at))
    }

    /// The known word that an unknown compound ends with: `Haupttelefon` is a `telefon`.
    #[must_use]
    pub fn head(&self, word: &str) -> Option<String> {
        if word.len() < 8 || self.by_word.contains_key(word) {
            return None;
        }
        let starts = word.char_indices().map(|(at, _)| at).filter(|at| (3..=word.len().saturating_sub(5)).contains(at));
        starts.map(|at| &word[at..]).find(|end| self.by_word.contains_key(*end)).map(ToOwned::to_owned)
    }

    /// The position of a concept in [`Self::concepts`].
    #[must_use]
    pub fn position(&self, concept: &str) -> Option<usize> {
        self.by_name.get(concept).copied()
    }

    /// Whether a word alone names the tables of one of these kinds of record.
    #[must_use]
    pub fn names_records(&self, word: &str, kinds: &[&str]) -> bool {
        self.record_words.get(word).is_some_and(|own| own.iter().any(|kind| kinds.contains(&kind.as_str())))
    }

    /// Names of tables for a kind of record, as words.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &[Vec<String>])> {
        self.tables.iter().map(|(kind, names)| (kind.as_str(), names.as_slice()))
    }

    /// The shape that a declared type means; `Unknown` for a word that is not known.
    #[must_use]
    pub fn shape(&self, declared: &str) -> Shape {
        let word = type_word(declared);
        let is_list = declared.trim_end().ends_with("[]")
            || ["array", "list", "set", "collection"].iter().any(|wrapping| {
                declared.to_lowercase().strip_prefix(wrapping).is_some_and(|rest| rest.starts_with(['<', '[', '(']))
            });
        if is_list {
            return Shape::List;
        }
        self.types.get(&word).copied().unwrap_or_else(|| shape_of_composed(declared))
    }

    /// The shapes that the declared types of one table mean. `text` is one line where nothing else declares one.
    #[must_use]
    pub fn shapes<'a>(&self, declared: impl Iterator<Item = Option<&'a str>> + Clone) -> Vec<Shape> {
        let is_line = |word: &str| self.shape(word) == Shape::Text;
        let has_lines = declared.clone().flatten().any(is_line);
        let shape = |word: Option<&str>| match word {
            None => Shape::Unknown,
            Some(word) if !has_lines && type_word(word) == "text" => Shape::Text,
            Some(word) => self.shape(word),
        };
        declared.map(shape).collect()
    }

    /// What a name may mean, each concept once, best first.
    #[must_use]
    pub fn meanings(&self, name: &[String]) -> Vec<Meaning> {
        let full = name.concat();
        let form = canonical(name);
        let name = telling(name);
        let mut best: HashMap<usize, Meaning> = HashMap::new();
        let joined = name.concat();
        let is_known = |at: &usize| !self.forgotten.contains(&self.phrases[*at].joined);
        for key in [&joined, &full] {
            for at in self.by_joined.get(key).into_iter().flatten().filter(|at| is_known(at)) {
                keep_better(&mut best, self.meaning(*at, 1.0, Vec::new()));
            }
        }
        for at in self.by_form.get(&form).into_iter().flatten().filter(|at| is_known(at)) {
            keep_better(&mut best, self.meaning(*at, FORM, Vec::new()));
        }
        let mut seen: Vec<usize> = name.iter().filter_map(|word| self.by_word.get(word)).flatten().copied().collect();
        seen.retain(is_known);
        seen.sort_unstable();
        seen.dedup();
        for at in seen {
            if let Some(meaning) = self.partly(at, &name) {
                keep_better(&mut best, meaning);
            }
        }
        if best.values().all(|meaning| meaning.score < 0.6) && joined.len() > 5 {
            // Each letter more or less is one edit, so much longer and shorter phrases need no look.
            let near = |phrase: &Phrase| {
                let (a, b) = (phrase.joined.len(), joined.len());
                a > 5 && a.abs_diff(b) * 100 <= a.max(b) * 13
            };
            for (at, phrase) in self.phrases.iter().enumerate().filter(|(at, phrase)| near(phrase) && is_known(at)) {
                let alike = strsim::normalized_damerau_levenshtein(&phrase.joined, &joined);
                if alike >= 0.87 {
                    keep_better(&mut best, self.meaning(at, 0.85 * alike, Vec::new()));
                }
            }
        }
        let mut meanings: Vec<Meaning> = best.into_values().collect();
        meanings.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.concept.cmp(&b.concept)));
        meanings
    }

    fn meaning(&self, phrase: usize, score: f64, left: Vec<String>) -> Meaning {
        let phrase = &self.phrases[phrase];
        Meaning { concept: phrase.concept, score, phrase: phrase.words.join(" "), left }
    }

    /// A phrase that shares words with the name.
    fn partly(&self, at: usize, name: &[String]) -> Option<Meaning> {
        let phrase = &self.phrases[at];
        if matches!(phrase.words.as_slice(), [only] if is_vague_in(only, name)) {
            return None;
        }
        let left: Vec<String> = name.iter().filter(|word| !phrase.words.contains(word)).cloned().collect();
        let missing = phrase.words.iter().filter(|word| !name.contains(word));
        let missing: f64 = missing.map(|word| self.weight(word)).sum();
        let shared = phrase.words.iter().filter(|word| name.contains(word));
        let shared: f64 = shared.map(|word| self.weight(word)).sum();
        let rest: f64 = left.iter().map(|word| self.weight(word)).sum();
        let share = shared / (shared + missing + rest);
        let score = if missing > 0.0 {
            0.55 * share
        } else {
            // The last word of an English or German name says what it is, the first one of a Romance name. Numbers at
            // the end only count columns of a kind.
            let last = |words: &[String]| words.iter().rev().find(|word| !word.chars().all(char::is_numeric)).cloned();
            let head = match (last(name) == last(&phrase.words), name.first() == phrase.words.first()) {
                (true, _) => 0.0,
                (false, true) => 0.08,
                (false, false) => 0.14,
            };
            match left.is_empty() {
                true if name == phrase.words => 0.97,
                // The same words in another order may say something else: `number of contacts`, `contact number`.
                true => 0.9,
                false => 0.5 + 0.48 * share - head,
            }
        };
        (score > 0.2).then(|| self.meaning(at, score, left))
    }

    /// How much a word tells: rare ones tell more, qualifiers little.
    fn weight(&self, word: &str) -> f64 {
        let phrases = self.by_word.get(word).map_or(0, Vec::len) as f64;
        let rarity = 1.0 / (1.0 + phrases / 40.0);
        let telling = if QUALIFIERS.contains(&word) { 0.35 } else { 1.0 };
        telling * (0.35 + 0.65 * rarity)
    }
}

/// Whether a vague word stands before others that tell more; at the end it says what the whole is.
fn is_vague_in(word: &str, name: &[String]) -> bool {
    VAGUE.contains(&word) && name.len() > 1 && name.last().is_none_or(|last| last != word)
}

fn keep_better(best: &mut HashMap<usize, Meaning>, meaning: Meaning) {
    match best.get_mut(&meaning.concept) {
        Some(known) if known.score >= meaning.score => {}
        Some(known) => *known = meaning,
        None => drop(best.insert(meaning.concept, meaning)),
    }
}

/// The shape of a type whose name is composed: `ContactConnection`, `varchar(255)`, `DynamicLink`.
fn shape_of_composed(declared: &str) -> Shape {
    let words = words(declared);
    let has = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
    match words.last().map(String::as_str) {
        Some("connection" | "edge" | "collection" | "list" | "table") => Shape::List,
        Some("date" | "day") if words.len() > 1 => Shape::Date,
        Some("datetime" | "timestamp") => Shape::Datetime,
        Some("enum" | "select" | "picklist" | "option") => Shape::Enum,
        _ if has(&["varchar", "char", "nvarchar"]) => Shape::Text,
        _ if has(&["decimal", "numeric", "double", "float", "int", "integer", "bigint", "tinyint"]) => Shape::Number,
        _ if has(&["union", "link", "lookup"]) => Shape::Reference,
        _ => Shape::Unknown,
    }
}

/// A type word without case, spaces and signs.
fn type_word(word: &str) -> String {
    word.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
