//! What the words beside a phrase make of its concept: the second address, a sum that the source computes, a page that is
//! none of the company's.

use super::context::Context;
use super::reading::Reading;
use super::shape::Shape;
use crate::record::Entity;

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
    "dollar",
];

/// Words that make a count or an amount one of a few steps.
const RANGES: &[&str] = &["range", "band", "bracket", "size", "class", "tier", "tranche", "klasse", "rango", "fascia"];

/// Words of an amount that is only expected.
const EXPECTED: &[&str] =
    &["expected", "erwarteter", "attendu", "esperado", "esperada", "verwachte", "atteso", "previsto"];

/// A concept that the words beside its phrase make another one: a second address, an amount that the source computes.
pub(super) fn refined(concept: &str, reading: &Reading, shape: Shape, context: &Context) -> Option<&'static str> {
    let left = &reading.meaning.left;
    let phrase = || reading.meaning.phrase.split(' ');
    let is_yes_no = shape == Shape::Bool;
    let has = |words: &[&str]| left.iter().any(|word| words.contains(&word.as_str()));
    match concept {
        "address" | "street" | "street_2" | "city" | "state" | "zip" | "country" if has(OTHER_ADDRESS) => {
            Some("address_other")
        }
        "address" | "street" | "street_2" | "city" | "state" | "zip" | "country"
            if context.has_plain_address && phrase().chain(left.iter().map(String::as_str)).any(is_legal) =>
        {
            Some("address_other")
        }
        // The address of a page or a document is none of the company's.
        "website" if phrase().all(|word| matches!(word, "url" | "uri" | "link")) && has(SOCIAL) => Some("social"),
        "website"
            if phrase().all(|word| matches!(word, "url" | "uri" | "link"))
                && !left.iter().all(|word| is_site(word)) =>
        {
            Some("system_field")
        }
        "value" | "value_other" if has(COMPUTED) => Some("value_computed"),
        "employee_count" | "annual_revenue" if has(RANGES) || matches!(shape, Shape::Enum) => Some("size_range"),
        // A total beside the plain amount is what the source sums up of its lines.
        "value" if phrase().any(|word| matches!(word, "total" | "subtotal" | "sum")) && context.has_plain_value => {
            Some("value_other")
        }
        // What is expected is the amount where none is beside it, else the amount times its probability.
        "value" | "value_computed" if phrase().any(|word| EXPECTED.contains(&word)) => {
            Some(if context.has_amount { "value_computed" } else { "value" })
        }
        // A yes or no beside a client or a supplier says what kind of client the row is.
        "ref_client" | "competitor" | "employee_count" if is_yes_no => Some("ownership"),
        "ref_company" | "company_name" | "ref_person" if is_yes_no => Some("system_field"),
        "description" if context.primary() == Entity::Activity && phrase().eq(["summary"]) => Some("subject"),
        "deal_title" if context.primary() == Entity::Activity && phrase().eq(["topic"]) => Some("subject"),
        "activity_stamp" if context.primary() == Entity::Activity && phrase().eq(["activity", "status"]) => {
            Some("status")
        }
        // How far a call or a meeting is; an address has a city beside its state.
        "state" if context.primary() == Entity::Activity && !context.has_address_parts => Some("status"),
        "promo_field" if context.primary() == Entity::Organization && phrase().eq(["size"]) && left.is_empty() => {
            Some(if matches!(shape, Shape::Number | Shape::Unknown) { "employee_count" } else { "size_range" })
        }
        // A meeting or a call ends when it is over; a task that ends is due.
        "due_date" if context.is_appointment() && phrase().any(|word| matches!(word, "end" | "ends" | "until")) => {
            Some("end_time")
        }
        // When a deal is due, it should be closed.
        "due_date" if context.primary() == Entity::Deal && phrase().any(|word| matches!(word, "due" | "deadline")) => {
            Some("expected_close")
        }
        // How many pieces, not which part of a firm.
        "department" if context.primary() == Entity::Deal && phrase().eq(["unit"]) => Some("promo_field"),
        // What somebody can spend is the amount of a deal that has no other.
        "value_other" if phrase().eq(["budget"]) && left.is_empty() && !context.has_amount => Some("value"),
        _ => None,
    }
}

/// Words of the address at which a company is registered, which is not always where it is.
fn is_legal(word: &str) -> bool {
    matches!(word, "legal" | "registered" | "reg" | "statutory" | "fiscal" | "legale" | "sociale")
}

/// Words that a web address of the record itself may have.
fn is_site(word: &str) -> bool {
    const SITE: &[&str] =
        &["web", "site", "website", "company", "home", "page", "homepage", "main", "business", "1", "primary"];
    SITE.contains(&word)
}

/// Words of a page that is one at a social network.
const SOCIAL: &[&str] =
    &["social", "linkedin", "facebook", "twitter", "x", "instagram", "youtube", "xing", "tiktok", "skype", "profile"];

/// Whether an address, a phone or a name says that it is the company's.
pub(super) fn names_company(concept: &str, reading: &Reading) -> bool {
    const COMPANY: &[&str] = &[
        "company",
        "firma",
        "firmen",
        "organization",
        "unternehmen",
        "societe",
        "entreprise",
        "empresa",
        "azienda",
        "bedrijf",
    ];
    let is_place =
        matches!(concept, "description" | "address" | "street" | "street_2" | "city" | "state" | "zip" | "country");
    let words = reading.meaning.phrase.split(' ').chain(reading.meaning.left.iter().map(String::as_str));
    is_place && words.into_iter().any(|word| COMPANY.contains(&word))
}
