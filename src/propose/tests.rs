//! Proposals that need no values: names of many systems, by what they have in common.

use super::answer::Place;
use super::context::Context;
use super::fields::{Ranked, rank};
use super::score::Clue;
use super::shape::Shape;
use super::values::shape_of_words;
use super::vocabulary::Vocabulary;
use super::words::words;
use crate::record::Entity;

fn clues(names: &[&str]) -> Vec<Clue> {
    names.iter().map(|name| Clue { name: (*name).to_owned(), ..Clue::default() }).collect()
}

/// The proposals for the columns of a table, among other tables of its source.
fn ranked(table: &str, becomes: &[Entity], columns: &[Clue], others: &[(&str, &[Entity])]) -> Vec<Ranked> {
    let vocabulary = Vocabulary::shipped().expect("the vocabulary that comes with the program");
    let context = Context::new(table, becomes, columns, &vocabulary).among(others.iter().copied(), &vocabulary);
    rank(columns, &context, &vocabulary)
}

fn places(table: &str, becomes: &[Entity], names: &[&str], others: &[(&str, &[Entity])]) -> Vec<String> {
    let first =
        |ranked: &Ranked| ranked.answers.first().map_or(Place::Leave, |answer| answer.place.clone()).to_string();
    ranked(table, becomes, &clues(names), others).iter().map(first).collect()
}

#[test]
fn an_address_book_belongs_to_the_person_except_for_what_is_the_companys() {
    let names = ["First Name", "Last Name", "Company", "E-mail", "Home City", "Notes", "Industry", "Created"];
    let found = places("contacts", &[Entity::Person, Entity::Organization], &names, &[]);
    assert_eq!(found[0], "person:name");
    assert_eq!(found[2], "organization:name");
    assert_eq!(found[3], "person:emails");
    assert_eq!(found[4], "person:custom:address");
    assert_eq!(found[5], "person:custom:text");
    assert_eq!(found[6], "organization:industry");
    assert_eq!(found[7], "person:add_time");
}

#[test]
fn a_column_that_only_labels_the_one_beside_it_stays_behind() {
    let names = ["Phone 1 - Label", "Phone 1 - Value", "Address 1 - Type", "Address 1 - City", "Price Label", "Label"];
    let found = places("contacts", &[Entity::Person], &names, &[]);
    assert_eq!(found[..4], ["none", "person:phones", "none", "person:custom:address"]);
    assert_ne!(found[4], "none", "there is no price beside it");
    assert_ne!(found[5], "none");
}

#[test]
fn a_link_goes_where_the_table_of_that_name_goes() {
    let becomes: &[Entity] = &[Entity::Deal];
    let as_lead = places("opportunity", becomes, &["id", "lead_id"], &[("lead", &[Entity::Lead])]);
    let as_company = places("opportunity", becomes, &["id", "lead_id"], &[("lead", &[Entity::Organization])]);
    assert_eq!((as_lead[1].as_str(), as_company[1].as_str()), ("none", "deal:org_id"));
}

#[test]
fn a_status_is_the_stage_where_there_is_no_other() {
    let with = places("deals", &[Entity::Deal], &["title", "stage", "status"], &[]);
    let without = places("deals", &[Entity::Deal], &["title", "status"], &[]);
    assert_eq!((with[2].as_str(), without[1].as_str()), ("deal:status", "deal:stage_id"));
}

#[test]
fn an_expected_amount_is_the_amount_where_there_is_no_other() {
    let beside = places("deals", &[Entity::Deal], &["name", "amount", "expected_revenue"], &[]);
    let alone = places("deals", &[Entity::Deal], &["name", "expected_revenue"], &[]);
    assert_eq!((beside[2].as_str(), alone[1].as_str()), ("none", "deal:value"));
}

#[test]
fn names_of_something_technical_are_left_and_other_unknown_ones_kept_with_little_confidence() {
    let names = ["zork_sync_hash", "num_zorks_count", "zork_guid", "Zork Flavour Wheel"];
    let found = ranked("companies", &[Entity::Organization], &clues(&names), &[]);
    for (name, ranked) in names.iter().zip(&found) {
        let place = ranked.answers[0].place.to_string();
        let wanted = if name.starts_with("Zork") { "organization:custom:varchar" } else { "none" };
        assert_eq!(place, wanted, "{name}");
        assert!(ranked.confidence < 0.9, "{name}: nothing is sure of it, {}", ranked.confidence);
    }
}

#[test]
fn a_name_word_by_word_is_surer_than_one_with_a_rest_and_than_a_default() {
    let found = ranked("contacts", &[Entity::Person], &clues(&["birthday", "zork birthday", "zork"]), &[]);
    let sure: Vec<f64> = found.iter().map(|ranked| ranked.confidence).collect();
    assert!(sure[0] > sure[1] && sure[1] > sure[2], "{sure:?}");
}

#[test]
fn a_prefix_of_most_columns_says_nothing() {
    let names = ["acme_id", "acme_first_name", "acme_last_name", "acme_email", "acme_phone", "acme_city", "acme_notes"];
    let found = places("zork", &[Entity::Person], &names, &[]);
    assert_eq!(found[1..4], ["person:name", "person:name", "person:emails"]);
}

#[test]
fn the_id_of_a_choice_is_the_choice_and_not_a_key() {
    let names = ["id", "title", "zork_id", "lead_source_id", "payment_terms_id"];
    let found = ranked("deals", &[Entity::Deal], &clues(&names), &[]);
    let place = |at: usize| found[at].answers[0].place.to_string();
    assert_eq!(
        (place(2).as_str(), place(3).as_str(), place(4).as_str()),
        ("none", "deal:custom:enum", "deal:custom:enum")
    );
    assert!(found[3].confidence > 0.5 && found[4].confidence > 0.5, "the whole name but its end is known: {found:?}");
}

#[test]
fn lists_and_counts_of_other_records_stay_behind() {
    let names = ["name", "approval requests", "number of subsidiaries", "employee count", "notes"];
    let found = places("companies", &[Entity::Organization], &names, &[]);
    assert_eq!(found[1..3], ["none", "none"]);
    assert_eq!(found[3], "organization:employee_count");
    assert_ne!(found[4], "none");
}

#[test]
fn what_a_name_ends_with_has_to_go_with_what_it_is_taken_for() {
    let found = places("orders", &[Entity::Deal], &["title", "amount", "total_weight", "price_type"], &[]);
    assert_eq!(found[1], "deal:value");
    assert!(!found[2..].contains(&"deal:value".to_owned()), "{found:?}");
}

#[test]
fn times_are_read_however_they_are_written() {
    for name in ["created_at", "Create Time", "creation_timestamp", "Date Added", "createdon"] {
        assert_eq!(places("contacts", &[Entity::Person], &["email", name], &[])[1], "person:add_time", "{name}");
    }
}

#[test]
fn an_unknown_compound_is_what_its_last_part_is() {
    assert_eq!(places("Kontakte", &[Entity::Person], &["Nachname", "Zorktelefon"], &[])[1], "person:phones");
}

#[test]
fn what_an_activity_hangs_on_is_known_by_its_form() {
    let found = places("tasks", &[Entity::Activity], &["subject", "zorkable_id", "zorkable_type"], &[]);
    assert_eq!((found[1].as_str(), found[2].as_str()), ("activity:deal_id", "none"));
}

#[test]
fn words_promise_shapes_in_several_languages() {
    let check = |name: &str, shape: Option<Shape>| assert_eq!(shape_of_words(&words(name)), shape, "{name}");
    check("Lieferdatum", Some(Shape::Date));
    check("signed_at", Some(Shape::Datetime));
    check("Auftragswert", None);
    check("Angebotspreis", Some(Shape::Money));
    check("Anzahl Filialen", Some(Shape::Number));
    check("is_vip", Some(Shape::Bool));
    check("Tipo", Some(Shape::Enum));
    check("Event 1 - Value", None);
}

#[test]
fn wrappings_signs_and_acronyms_are_read_as_people_do() {
    let check = |name: &str, expected: &str| assert_eq!(words(name).join(" "), expected, "{name}");
    check("cf_renewal_date", "renewal date");
    check("properties.hs_tier", "hs tier");
    check("s.town", "town");
    check("P.O. Box", "po box");
    check("N° devis", "number devis");
    check("Order #", "order number");
    check("Rabatt %", "rabatt percent");
    check("Addresses", "address");
}

#[test]
fn a_part_of_an_object_speaks_of_the_object() {
    let names = ["id", "name", "assigned_user.username", "stage.name", "company.id", "phones.type"];
    let found = places("opportunities", &[Entity::Deal], &names, &[]);
    assert_eq!(found[2..5], ["deal:owner_id", "deal:stage_id", "deal:org_id"]);
    let found = places("contacts", &[Entity::Person], &["name", "phones.number", "phones.type"], &[]);
    assert_eq!(found[1..], ["person:phones", "none"]);
}

#[test]
fn a_key_named_after_its_table_is_its_key_whatever_the_name_is_made_of() {
    let found = places("ssalesprocesses", &[Entity::Deal], &["subject", "ssalesprocessesid"], &[]);
    assert_eq!(found[1], "id");
    let found = places("others", &[Entity::Deal], &["subject", "ssalesprocessesid"], &[]);
    assert_ne!(found[1], "id", "it is the key of another table");
}

#[test]
fn shapes_that_say_little_are_read_with_the_name() {
    let of = |name: &str, shape: Shape| Clue { name: name.to_owned(), shape: Some(shape), ..Clue::default() };
    let first = |table: &str, entity: Entity, clue: Clue| {
        ranked(table, &[entity], &[clue], &[])[0].answers.first().map(|answer| answer.place.to_string())
    };
    let person = |name, shape| first("contacts", Entity::Person, of(name, shape)).unwrap_or_default();
    assert_eq!(person("created_at", Shape::Number), "person:add_time", "seconds since 1970");
    assert_eq!(person("do_not_trade", Shape::Bool), "person:custom:enum");
    let company = |name, shape| first("companies", Entity::Organization, of(name, shape)).unwrap_or_default();
    assert_eq!(company("contacts", Shape::List), "none", "its people come by themselves");
}

#[test]
fn a_column_has_three_answers_even_where_nothing_speaks_for_any() {
    let found = ranked("deals", &[Entity::Deal], &clues(&["zorkblip"]), &[]);
    assert!(found[0].answers.len() >= 3, "{:?}", found[0].answers);
}
