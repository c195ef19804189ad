//! What values and the bare form of a name say of a column that no word of the vocabulary explains.

use super::answer::{Answer, Evidence, Place};
use super::context::Context;
use super::forms::{counts_children, lists_children};
use super::score::{Clue, custom};
use super::shape::Shape;
use super::vocabulary::Vocabulary;
use crate::record::Entity;

/// Words of what a system keeps for itself.
const TECHNICAL: &[&str] = &[
    "hash",
    "token",
    "sync",
    "synced",
    "checksum",
    "internal",
    "system",
    "calculated",
    "computed",
    "auto",
    "automated",
    "automatic",
    "cache",
    "merged",
    "duplicate",
    "import",
    "imported",
    "importer",
    "workflow",
    "layout",
    "avatar",
    "thumbnail",
    "icon",
    "sequence",
    "bounce",
    "bounced",
    "analytics",
    "session",
    "pageview",
    "opens",
    "version",
    "revision",
    "batch",
    "integration",
    "legacy",
    "tenant",
    "workspace",
    "mime",
    "mimetype",
    "embed",
    "cookie",
    "gclid",
    "ip",
    "latitude",
    "longitude",
    "geocode",
    "geo",
    "predictive",
    "enrichment",
    "enriched",
    "stalled",
    "rotting",
    "rotten",
    "unread",
    "notification",
    "notify",
    "snooze",
    "kanban",
    "thread",
    "preview",
    "snippet",
    "etag",
    "digest",
    "lookup",
    "rollup",
    "trigger",
    "locked",
    "editable",
    "readonly",
    "permission",
    "visibility",
    "followers",
    "follower",
    "watcher",
    "enrolled",
    "sla",
    "elapsed",
    "idle",
    "overdue",
    "cti",
    "dialer",
    "password",
    "username",
    "sandbox",
    "uri",
    "filename",
    "dateless",
    "normalized",
    "formatted",
    "sanitized",
    "canonical",
    "soundex",
    "metaphone",
    "pixel",
    "experiment",
    "anonymous",
    "gravatar",
    "emailed",
    "clicked",
    "contacted",
];

/// Words that stand for a key at the end of a name.
const KEYS: &[&str] = &["id", "guid", "uid", "uuid", "key", "hash", "token", "oid", "gid", "etag"];

/// Words that count or measure what the source itself can count again.
const COUNTS: &[&str] = &["count", "counter", "total", "number", "day", "anzahl", "nombre", "aantal", "numero"];

/// First words of times and sums that a source keeps up by itself.
const MOMENTS: &[&str] = &[
    "last",
    "next",
    "recent",
    "latest",
    "first",
    "previous",
    "since",
    "letzte",
    "letzter",
    "letztes",
    "nachste",
    "dernier",
    "derniere",
    "prochaine",
    "ultima",
    "ultimo",
    "proxima",
    "proximo",
    "laatste",
    "volgende",
    "prossima",
];

/// How much the form of a name speaks for something technical, 0 to 1.
fn technical(words: &[String], shape: Shape) -> f64 {
    let is = |word: Option<&String>, list: &[&str]| word.is_some_and(|word| list.contains(&word.as_str()));
    let (first, last) = (words.first(), words.last());
    let is_time = matches!(shape, Shape::Date | Shape::Datetime | Shape::Unknown);
    let is_count = matches!(shape, Shape::Number | Shape::Formula | Shape::Unknown);
    let named = words.iter().filter(|word| TECHNICAL.contains(&word.as_str())).count();
    match () {
        () if is(last, KEYS) && words.len() > 1 => 1.0,
        () if is(last, &["url", "uri", "href", "permalink", "pdf", "slug", "endpoint"]) && words.len() > 1 => 1.0,
        () if named > 1 => 1.0,
        () if is_count && words.len() > 1 && (is(last, COUNTS) || is(first, &["num", "count", "total", "day"])) => 0.9,
        () if is_time && is(first, MOMENTS) => 0.9,
        () if named == 1 => 0.8,
        () if is(last, &["by", "von", "par", "por", "door"]) && words.len() > 1 => 0.8,
        () if is(first, MOMENTS) => 0.6,
        () if is(first, &["is", "has", "can", "should", "was", "did", "do", "show", "use", "enable", "include"]) => 0.4,
        () => 0.0,
    }
}

/// Ends of words that promise a shape; single words of several languages, and the last parts of German and Dutch ones.
const PROMISES: &[(Shape, &[&str])] = &[
    (Shape::Date, &["date", "datum", "fecha", "day", "birthday", "anniversary", "deadline", "termin", "expiry", "on"]),
    (Shape::Datetime, &["at", "datetime", "timestamp", "till", "until", "since"]),
    (
        Shape::Money,
        &[
            "amount",
            "price",
            "cost",
            "value",
            "revenue",
            "budget",
            "fee",
            "total",
            "subtotal",
            "betrag",
            "preis",
            "kosten",
            "summe",
            "montant",
            "prix",
            "importe",
            "precio",
            "costo",
            "bedrag",
            "prijs",
            "importo",
            "prezzo",
            "valor",
            "preco",
            "balance",
            "salary",
            "income",
            "spend",
            "turnover",
            "mrr",
            "arr",
            "umsatz",
            "omzet",
            "fatturato",
            "profit",
            "deposit",
        ],
    ),
    (
        Shape::Number,
        &[
            "count",
            "quantity",
            "percent",
            "percentage",
            "rate",
            "score",
            "menge",
            "anzahl",
            "aantal",
            "quantite",
            "cantidad",
            "quantita",
            "quantidade",
            "year",
            "units",
            "weight",
            "length",
            "width",
            "height",
        ],
    ),
    (
        Shape::Enum,
        &[
            "type",
            "status",
            "category",
            "level",
            "tier",
            "rating",
            "source",
            "class",
            "grade",
            "segment",
            "priority",
            "method",
            "kind",
            "typ",
            "kategorie",
            "categorie",
            "tipo",
            "categoria",
            "soort",
            "stage",
            "reason",
            "group",
            "gender",
            "size",
            "range",
            "model",
            "classification",
            "frequency",
            "terms",
        ],
    ),
    (
        Shape::LongText,
        &[
            "notes",
            "note",
            "description",
            "comment",
            "remark",
            "summary",
            "detail",
            "instruction",
            "bemerkung",
            "beschreibung",
            "notiz",
            "notizen",
            "anmerkung",
            "commentaire",
            "remarque",
            "descripcion",
            "comentario",
            "opmerking",
            "omschrijving",
            "descrizione",
            "descricao",
            "background",
            "bio",
            "message",
            "requirement",
        ],
    ),
    (
        Shape::Phone,
        &["phone", "telephone", "mobile", "fax", "telefon", "handy", "telefono", "telefoon", "telefone", "cell"],
    ),
    (Shape::Address, &["address", "adresse", "anschrift", "direccion", "indirizzo", "adres", "endereco"]),
    (Shape::Set, &["tags", "labels", "skills", "interests", "technologies"]),
];

/// First words of a question, and last words of a flag: both are answered by yes or no.
const QUESTIONS: &[&str] = &[
    "is", "has", "can", "was", "ist", "hat", "est", "allow", "use", "require", "need", "should", "enable", "include",
    "accept", "do", "send", "show", "hide", "exclude", "apply",
];
const FLAGS: &[&str] = &["required", "enabled", "allowed", "flag", "exempt", "verified", "kennzeichen", "yn"];

/// What was done, or is to be, at a time: `created_time`; an estimated or a logged time is a duration.
const DONE: &str = "created create updated update modified modify changed added add closed close opened deleted \
    completed finished started archived converted unsubscribed sent received registered assigned won lost due start end";

/// The shape that the last word of a name promises; yes or no for a question.
#[must_use]
pub fn shape_of_words(words: &[String]) -> Option<Shape> {
    let last = words.iter().rev().find(|word| !word.chars().all(char::is_numeric))?;
    // `Event 1 - Value` is the first of several, not an amount.
    if matches!(words, [.., count, last] if last == "value" && count.chars().all(char::is_numeric)) {
        return None;
    }
    let is_question = words.len() > 1 && words.first().is_some_and(|word| QUESTIONS.contains(&word.as_str()));
    let is_flag = words.len() > 1 && FLAGS.contains(&last.as_str());
    if is_question || is_flag {
        return Some(Shape::Bool);
    }
    let starts_count = words.first().is_some_and(|word| matches!(word.as_str(), "anzahl" | "aantal"))
        || matches!(words, [first, second, ..] if first == "number" && second == "of");
    if starts_count && words.len() > 1 {
        return Some(Shape::Number);
    }
    let ends = |end: &&str| last == end || (end.len() > 4 && last.len() > end.len() + 2 && last.ends_with(end));
    let first_date = match words {
        // Italian and Portuguese; in English it is something else.
        [first, second, ..] if first == "data" => {
            matches!(second.as_str(), "di" | "de" | "da" | "do" | "del" | "della")
        }
        [first, ..] => matches!(first.as_str(), "date" | "fecha" | "datum"),
        [] => false,
    };
    // What was last, first or next is a day, unless it is the name or number of something.
    let is_moment = words.len() > 1
        && words.first().is_some_and(|first| MOMENTS.contains(&first.as_str()))
        && !matches!(last.as_str(), "name" | "number" | "id" | "by" | "note" | "title" | "step" | "action" | "task");
    if let [.., done, time] = words
        && matches!(time.as_str(), "time" | "timestamp")
        && DONE.split(' ').any(|word| word == done)
    {
        return Some(Shape::Datetime);
    }
    let found = PROMISES.iter().find(|(_, all)| all.iter().any(&ends)).map(|(shape, _)| *shape);
    if first_date && words.len() > 1 { Some(Shape::Date) } else { found.or(is_moment.then_some(Shape::Date)) }
}

/// Answers that are seldom right, and still the next ones where nothing else is known: other types, the row's other record.
fn offer_rest(offer: &mut impl FnMut(Option<Place>, f64, &str), shape: Shape, context: &Context, why: &str) {
    let primary = context.primary();
    let of_type = |name: &str| Some(Place::Custom(primary, name.to_owned()));
    let field = |name: &str| Some(Place::System(primary, name.to_owned()));
    let is_known = |name: &str| crate::mapping::accepted::accepted(primary).iter().any(|known| known.name == name);
    if matches!(shape, Shape::Date | Shape::Datetime) {
        offer(Some(Place::Modified), 0.12, why);
        offer(field("add_time").filter(|_| is_known("add_time")), 0.15, why);
        offer(field("due_date").filter(|_| is_known("due_date")), 0.2, why);
    }
    if !matches!(primary, Entity::Organization | Entity::Person | Entity::Lead | Entity::Deal) {
        return;
    }
    let types: &[&str] = match shape {
        Shape::Unknown | Shape::Text => &["enum", "text", "date"],
        Shape::Number => &["enum", "monetary", "varchar"],
        Shape::Enum => &["varchar", "set"],
        Shape::LongText | Shape::Html => &["varchar"],
        Shape::Reference | Shape::Object | Shape::List => &["enum", "set"],
        _ => &[],
    };
    for name in types {
        offer(of_type(name), 0.15, why);
    }
    let others = context.becomes.iter().filter(|other| **other != primary);
    for other in others.filter(|other| matches!(other, Entity::Organization | Entity::Person)) {
        offer(custom(*other, shape, None), 0.2, why);
    }
}

/// Whether a name says that its numbers are seconds since 1970: `closed_at`, `complete_till`, `cdate`.
fn is_instant(words: &[String]) -> bool {
    words.len() > 1 && matches!(shape_of_words(words), Some(Shape::Date | Shape::Datetime))
}

/// Answers that the values alone give, whatever the name says.
pub(super) fn offer_values(found: &mut Vec<Answer>, clue: &Clue, context: &Context, vocabulary: &Vocabulary) {
    let shape = match clue.shape.unwrap_or(Shape::Unknown) {
        Shape::Text if shape_of_words(&vocabulary.words(&clue.name)) == Some(Shape::Bool) => Shape::Bool,
        Shape::Number if is_instant(&vocabulary.words(&clue.name)) => Shape::Datetime,
        known => known,
    };
    let primary = context.primary();
    let mut offer = |place: Option<Place>, score: f64, why: &str| {
        let answer = |place| Answer {
            place,
            score,
            likely: 0.0,
            concept: String::new(),
            why: why.to_owned(),
            evidence: Evidence::default(),
        };
        found.extend(place.map(answer));
    };
    if clue.is_empty {
        offer(Some(Place::Leave), 0.8, "no row has a value");
    }
    // Activities and notes have no custom fields, so of them less is kept.
    let is_event = matches!(primary, Entity::Activity | Entity::Note);
    let (kept, left) = match shape {
        Shape::File => (0.2, 0.62),
        Shape::Formula => (0.3, 0.5),
        Shape::List | Shape::Object => (0.25, 0.45),
        Shape::Reference => (0.3, 0.42),
        Shape::Id => (0.25, 0.48),
        Shape::User => (0.4, 0.35),
        Shape::Bool if is_event => (0.35, 0.45),
        Shape::Date | Shape::Datetime if is_event => (0.36, 0.42),
        Shape::Bool => (0.42, 0.38),
        Shape::Enum | Shape::Set => (0.55, 0.2),
        Shape::Money | Shape::LongText | Shape::Html => (0.52, 0.18),
        Shape::Date | Shape::Datetime => (0.45, 0.32),
        Shape::Number | Shape::Percent => (0.42, 0.35),
        _ => (0.45, 0.25),
    };
    let why = format!("its values are {}", shape.words());
    let words = vocabulary.words(&clue.name);
    let words = context.told(&words);
    let typed = match (shape, clue.label.as_deref()) {
        (Shape::Unknown, Some(label)) if !label.is_empty() => shape_of_words(&vocabulary.words(label)),
        (Shape::Unknown, _) => shape_of_words(words),
        _ => None,
    };
    // What people write and choose is hardly technical, whatever its name.
    let is_human = matches!(shape, Shape::Money | Shape::LongText | Shape::Html | Shape::Enum | Shape::Set);
    let technical = technical(words, shape) * if is_human { 0.5 } else { 1.0 };
    let (kept, left) = (kept - 0.12 * technical, left + 0.3 * technical);
    offer(custom(primary, typed.unwrap_or(shape), None), kept, &why);
    offer(
        Some(Place::Leave),
        left.min(0.7),
        if technical > 0.5 { "its name is that of something technical" } else { &why },
    );
    offer_lists(&mut offer, (&clue.name, words), shape, primary);
    offer_rest(&mut offer, shape, context, &why);
    offer_ways(&mut offer, shape, context, &why);
}

/// What lists or counts records that hang on this one stays behind, since they come by themselves.
fn offer_lists(
    offer: &mut impl FnMut(Option<Place>, f64, &str),
    (name, words): (&str, &[String]),
    shape: Shape,
    primary: Entity,
) {
    if matches!(primary, Entity::Organization | Entity::Person | Entity::Lead | Entity::Deal)
        && lists_children(name, words)
        && !matches!(shape, Shape::Enum | Shape::Set | Shape::Number | Shape::Money | Shape::Bool)
    {
        let is_plain = words.len() == 1 || shape == Shape::List;
        offer(Some(Place::Leave), if is_plain { 0.98 } else { 0.9 }, "it lists records that hang on this one");
    }
    let names_people = |word: &String| matches!(word.as_str(), "contact" | "person" | "people" | "member" | "customer");
    if shape == Shape::List && primary == Entity::Organization && matches!(words, [only] if names_people(only)) {
        offer(Some(Place::Leave), 0.98, "its people come as records of their own");
    }
    if counts_children(words) && !matches!(shape, Shape::Enum | Shape::Set | Shape::Bool | Shape::Date) {
        offer(Some(Place::Leave), 0.98, "it counts records that hang on this one");
    }
}

/// System fields that values of a form of their own have: ways of contact and long texts.
fn offer_ways(offer: &mut impl FnMut(Option<Place>, f64, &str), shape: Shape, context: &Context, why: &str) {
    let primary = context.primary();
    let person = context.becomes.contains(&Entity::Person);
    match shape {
        Shape::Email if person => offer(Some(Place::System(Entity::Person, "emails".into())), 0.62, why),
        Shape::Phone if person => offer(Some(Place::System(Entity::Person, "phones".into())), 0.62, why),
        Shape::Url if primary == Entity::Organization => {
            offer(Some(Place::System(Entity::Organization, "website".into())), 0.5, why);
        }
        Shape::LongText | Shape::Html => match primary {
            Entity::Activity => offer(Some(Place::System(primary, "note".into())), 0.56, why),
            Entity::Note => offer(Some(Place::System(primary, "content".into())), 0.6, why),
            _ => offer(Some(Place::Note(primary)), 0.4, why),
        },
        _ => {}
    }
}
