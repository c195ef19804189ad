//! Tests of whole mappings: the ones we ship, and what a bad one says.

use super::field::Kind;
use super::workspace::Options;
use super::*;
use crate::record::Entity;

const MAVEN: &str = include_str!("../../tests/fixtures/maven-crm.mapping.toml");

#[test]
fn the_default_mapping_parses() {
    let mapping = Mapping::parse(PROMOX, "promox.toml").expect("the default mapping is right");
    assert_eq!(mapping.objects.len(), 8);
    assert_eq!(mapping.destination(Object::Lead, "person").map(|to| to.entity), Some(Entity::Person));
    assert_eq!(
        mapping.children_of(Object::Project).map(|rules| rules.object).collect::<Vec<_>>(),
        [Object::Commission]
    );
    assert_eq!(mapping.activity_types().into_iter().collect::<Vec<_>>(), ["Proof", "call", "email", "meeting", "task"]);
    assert!(mapping.uses_lead_labels());
}

#[test]
fn the_maven_mapping_parses() {
    let mapping = Mapping::parse(MAVEN, "maven-crm.mapping.toml").expect("the fixture is right");
    assert_eq!(mapping.pipelines.declared[0].stages.len(), 4);
    assert!(!mapping.uses_lead_labels());
}

#[test]
fn custom_fields_are_told_once_with_type_and_options() {
    let fields = Mapping::promox().custom_fields();
    let of = |entity: Entity, name: &str| {
        let mut found = fields.iter().filter(|field| field.entity == entity && field.name == name);
        let first = found.next().map(|field| (field.field_type, field.options.clone()));
        assert!(found.next().is_none(), "{entity} {name} twice");
        first
    };
    for entity in [Entity::Organization, Entity::Person, Entity::Deal] {
        assert_eq!(of(entity, "Crossdock ID"), Some(("varchar", Options::Declared(Vec::new()))));
    }
    assert_eq!(of(Entity::Deal, "Lead stage"), Some(("enum", Options::FromData)));
    assert_eq!(of(Entity::Deal, "Commission total").map(|(field_type, _)| field_type), Some("monetary"));
    assert_eq!(of(Entity::Deal, "Rush"), Some(("enum", Options::Declared(vec!["Yes".to_owned(), "No".to_owned()]))));
    assert_eq!(of(Entity::Deal, "Created at source").map(|(field_type, _)| field_type), Some("date"));
    // The Growth plan has room for 100 custom fields in a company.
    assert!(fields.len() <= 60, "{}", fields.len());
}

#[test]
fn the_digest_follows_the_content_only() {
    let digest = |text: &str| Mapping::parse(text, "test").expect("a mapping").digest().to_owned();
    let with_comment = format!("# another comment\n{MAVEN}\n");
    assert_eq!(digest(MAVEN), digest(&with_comment));
    assert_ne!(digest(MAVEN), digest(&MAVEN.replace("probability = 40", "probability = 45")));
    assert_eq!(digest(MAVEN).len(), 64);
    // What was chosen for whole tables is approved with the rest, also where the objects could be laid out so either way.
    let placed = |word: &str| format!("{PROMOX}\n[placement]\nprojects = \"{word}\"\n");
    let (deal, own) = (placed("deal"), placed("deal in a pipeline of its own"));
    assert_ne!(digest(&deal), digest(PROMOX));
    assert_ne!(digest(&deal), digest(&own));
    let told = super::difference::difference(&deal, &own);
    assert!(told.iter().any(|line| line.contains("placement") && line.contains("pipeline of its own")), "{told:?}");
}

const HEAD: &str = r#"
version = 1
[defaults]
currency = "USD"
time_zone = "UTC"
day_order = "month_first"
phone_country = "US"
decimal_sign = "point"
"#;

#[track_caller]
fn check_problems(text: &str, expected: &[&str]) {
    let error = Mapping::parse(text, "test.toml").expect_err("a bad mapping");
    assert_eq!(error.kind(), crate::error::Kind::Settings);
    for part in expected {
        assert!(error.message().contains(part), "{part:?} is not in:\n{}", error.message());
    }
    assert!(error.message().starts_with(&format!("test.toml has {} problem", expected.len())), "{}", error.message());
}

#[test]
fn all_problems_are_told_with_their_places() {
    let text = r#"
version = 2
[defaults]
currency = "dollars"
time_zone = "Chicago"
day_order = "month_first"
phone_country = "USA"
decimal_sign = "point"
[owners]
match_by = "email"
[[owners.decision]]
owner = "u_1"
[[owners.decision]]
owner = "u_2"
reassign = "x@y"
[[object]]
kind = "client"
table = "clients"
id = "id"
[[object.to]]
entity = "person"
fields = [
  { to = "name", kind = "name", frm = "name" },
  { to = "name", kind = "nome", from = "name" },
  { to = "fullname", kind = "name", from = "name" },
  { to = "emails", kind = "text", from = "email" },
  { to = "name", kind = "name" },
  { to = "name", kind = "name", template = "{a" },
]
"#;
    check_problems(
        text,
        &[
            "version: \"2\" is not known",
            "defaults: \"dollars\" is no ISO 4217 code",
            "defaults: \"Chicago\" is no IANA time zone",
            "defaults: \"USA\" is no ISO 3166 country",
            "owners, decision 1: \"u_1\" needs exactly one of match, reassign, provision and park",
            "owners, decision 2: \"x@y\" needs original_field",
            "object client, person, field 1 (name): unknown field `frm`",
            "object client, person, field 2 (name): unknown variant `nome`",
            "object client, person, field 3 (fullname): \"fullname\" is no field of a person that can be set; known: name, owner_id",
            "object client, person, field 4 (emails): \"text\" does not fit emails; it takes emails",
            "object client, person, field 5 (name): needs exactly one of from, template",
            "object client, person, field 6 (name): \"{a\" has an opening brace without a closing one",
        ],
    );
}

#[test]
fn links_folds_and_types_are_checked_over_the_whole() {
    let text = format!(
        r#"{HEAD}
[[object]]
kind = "client"
table = "clients"
id = "id"
[[object.to]]
entity = "organization"
fields = [{{ to = "custom:Size", kind = "text", from = "size" }}]
[[object]]
kind = "project"
table = "projects"
id = "id"
[[object.to]]
entity = "deal"
fields = [
  {{ to = "title", kind = "text", from = "name" }},
  {{ to = "title", kind = "text", from = "number" }},
  {{ to = "person_id", kind = "link", from = "client_id", object = "client", role = "person" }},
  {{ to = "person_id", kind = "link", from = "client_id", object = "client", role = "organization" }},
  {{ to = "custom:Total", kind = "money", fold = "commission", sum = "amount" }},
  {{ to = "custom:Crossdock ID", kind = "text", from = "id" }},
  {{ to = "status", kind = "enum", from = "status", values = {{ open = "opened" }} }},
]
[[object.to]]
entity = "lead"
fields = [
  {{ to = "title", kind = "text", from = "name" }},
  {{ to = "custom:Total", kind = "number", from = "total" }},
]
[[object]]
kind = "commission"
table = "commissions"
id = "id"
fold_into = {{ object = "lead", from = "project_id" }}
"#
    );
    check_problems(
        &text,
        &[
            "object client, organization: needs the field name",
            "object project, deal: \"title\" is filled again below",
            "object project, deal, field 3 (person_id): \"client/person\" is no role in the mapping",
            "object project, deal, field 4 (person_id): \"client/organization\" is a organization, which person_id cannot point at",
            "object project, deal, field 5 (custom:Total): \"commission\" is not folded into project",
            "object project, deal: \"custom:Crossdock ID\" is a field that Crossdock fills itself",
            "object project, deal, field 7 (status): \"opened\" is not one of open, won, lost",
            "object project, lead: \"custom:Total\" is double here and monetary elsewhere",
            "object commission: \"lead\" is folded into, but the mapping has no destination for it",
        ],
    );
}

#[test]
fn a_way_to_a_parent_goes_through_records_that_are_read_and_through_each_once() {
    let own = "fold_into = { object = \"project\", from = \"project_id\" }";
    let by = |through: &str| {
        let way = format!("fold_into = {{ object = \"client\", from = \"project_id\", through = [{through}] }}");
        let text = PROMOX.replacen(own, &way, 1);
        // What a deal takes of its commissions goes.
        text.lines().filter(|line| !line.contains("fold = \"commission\"")).collect::<Vec<_>>().join("\n")
    };
    let mapping = Mapping::parse(&by("{ object = \"project\", from = \"client_id\" }"), "test.toml").expect("valid");
    assert_eq!(mapping.children_of(Object::Client).map(|rules| rules.object).collect::<Vec<_>>(), [Object::Commission]);
    let ways: Vec<_> =
        mapping.ways_through(Object::Project).map(|(column, next)| (column.name.as_str(), next)).collect();
    assert_eq!(ways, [("client_id", Object::Client)]);
    check_problems(
        &by("{ object = \"meeting\", from = \"order_id\" }, { object = \"client\", from = \"client_id\" }"),
        &[
            "object commission: \"meeting\" lies on the way to the parent, and the mapping leaves its rows out",
            "object commission: \"client\" stands twice on the way to the parent",
        ],
    );
}

#[test]
fn what_is_no_toml_is_told_as_such() {
    let error = Mapping::parse("version = ", "test.toml").expect_err("no TOML");
    assert_eq!(error.message(), "test.toml is not TOML");
    assert!(error.chain().contains("line 1"), "{}", error.chain());
    assert!(Mapping::parse("", "test.toml").is_err());
}

#[test]
fn kinds_are_written_as_they_are_named() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
    }
}

const PERSON: &str = r#"
[[object]]
kind = "client"
table = "clients"
id = "id"
[[object.to]]
entity = "person"
fields = [{ to = "name", kind = "name", from = "name" }, { to = "emails", kind = "emails", from = "email" }]
"#;

/// A mapping of persons with e-mail addresses and no phones, and of deals, with a rule for what exists.
fn with_existing(rule: &str) -> String {
    let deal = r#"
[[object]]
kind = "project"
table = "projects"
id = "id"
[[object.to]]
entity = "deal"
fields = [{ to = "title", kind = "text", from = "name" }]
"#;
    format!("{HEAD}{}{deal}", PERSON.replace("fields =", &format!("{rule}\nfields =")))
}

/// A mapping of persons with one more field.
fn with_field(field: &str) -> String {
    format!("{HEAD}{}", PERSON.replace(" }]\n", &format!(" }}, {field}]\n")))
}

#[test]
fn transforms_are_checked() {
    #[track_caller]
    fn check(field: &str, expected: &str) {
        check_problems(&with_field(field), &[&format!("object client, person, field 3 (custom:X): {expected}")]);
    }
    let field = |rest: &str| format!("{{ to = \"custom:X\", {rest} }}");
    check(&field(r#"kind = "text", from = "x", split = { at = "", part = 1 }"#), "has an empty separator");
    check(&field(r#"kind = "text", from = "x", split = { at = "," }"#), "\"text\" needs a part in split");
    check(&field(r#"kind = "text", from = "x", split = { at = ",", part = 0 }"#), "\"0\" is no part");
    check(
        &field(r#"kind = "text", constant = "x", split = { at = ",", part = 1 }"#),
        "\"split\" needs from, template, first or latest",
    );
    check(&field(r#"kind = "text", from = "x", format = "%d""#), "\"%d\" does not belong to kind text");
    check(&field(r#"kind = "date", from = "x", format = "%d.%m""#), "\"%d.%m\" does not hold a whole date");
    check(
        &field(r#"kind = "text", from = "x", lookup = { file = "../t.csv", key = "a", value = "b" }"#),
        "\"../t.csv\" is no CSV file beside the mapping",
    );
}

#[test]
fn a_column_is_left_or_mapped() {
    let text = |leave: &str| {
        with_field(r#"{ to = "custom:X", kind = "text", from = "x" }"#)
            .replace("id = \"id\"", &format!("id = \"id\"\nleave = {leave}"))
    };
    let mapping = Mapping::parse(&text(r#"{ fax = "nobody faxes" }"#), "test").expect("a mapping");
    assert_eq!(mapping.objects[0].leave["fax"], "nobody faxes");
    check_problems(&text(r#"{ x = "not needed" }"#), &["object client, person, field 3 (custom:X): \"x\" is in leave"]);
    check_problems(
        &text(r#"{ fax = "" }"#),
        &["object client, leave: \"fax\" needs the name of a column and a reason"],
    );
}

#[test]
fn tables_for_lookup_are_part_of_what_is_approved() {
    let lookup = |file: &str, key: &str| {
        with_field(&format!(
            r#"{{ to = "custom:X", kind = "text", from = "x", lookup = {{ file = "{file}", key = "{key}", value = "b" }} }}"#
        ))
    };
    let read = |text: &str, table: &str| {
        let mut mapping = Mapping::parse(text, "test").expect("a mapping");
        mapping.take_lookups(|_| Ok(table.to_owned())).map(|_| mapping)
    };
    let mapping = read(&lookup("t.csv", "a"), "a,b\n1,One\n").expect("read");
    let field = &mapping.objects[0].to[0].fields[2];
    assert_eq!(field.lookup.as_ref().and_then(|lookup| lookup.get("1")), Some("One"));
    let other = read(&lookup("t.csv", "a"), "a,b\n1,Two\n").expect("read");
    assert_ne!(mapping.digest(), other.digest());
    let wrong = read(&lookup("t.csv", "c"), "a,b\n").expect_err("no such column");
    assert!(wrong.message().contains("t.csv has no column \"c\""), "{}", wrong.message());
    let mut mapping = Mapping::parse(&lookup("t.csv", "a"), "test").expect("a mapping");
    let gone = mapping.take_lookups(|_| Err("cannot be read: gone".to_owned())).expect_err("no such file");
    assert!(gone.message().contains("t.csv cannot be read: gone (object client, custom:X)"), "{}", gone.message());
    let untouched = read(PROMOX, "").expect("reads no table");
    assert_eq!(untouched.digest(), Mapping::promox().digest());
}

#[test]
fn what_exists_is_kept_unless_the_mapping_says_more() {
    use super::existing::{Existing, KeyField, Then};
    let rule = |rule: &str| {
        let mapping = Mapping::parse(&with_existing(rule), "test").expect("a mapping");
        mapping.destination(Object::Client, "person").expect("a person").existing.clone()
    };
    let emails = vec![vec![KeyField::Emails]];
    assert_eq!(rule(""), Existing { by: emails.clone(), then: Then::Keep });
    assert_eq!(rule(r#"existing = { then = "fill" }"#), Existing { by: emails, then: Then::Fill });
    assert_eq!(rule(r#"existing = { then = "ignore" }"#), Existing { by: Vec::new(), then: Then::Ignore });
    let both = Existing { by: vec![vec![KeyField::Emails, KeyField::Name]], then: Then::Update };
    assert_eq!(rule(r#"existing = { by = [["name", "emails"]], then = "update" }"#), both);
    let promox = Mapping::promox();
    let company = &promox.destination(Object::Client, "organization").expect("an organization").existing;
    assert_eq!(*company, Existing { by: vec![vec![KeyField::Name]], then: Then::Fill });
    let deal = &promox.destination(Object::Project, "deal").expect("a deal").existing;
    assert!(deal.by.is_empty());
}

#[test]
fn rules_for_what_exists_are_checked() {
    #[track_caller]
    fn check(rule: &str, expected: &str) {
        check_problems(&with_existing(rule), &[expected]);
    }
    let at = "object client, person, existing: ";
    check(r#"existing = { by = ["emails"], then = "merge" }"#, &format!("{at}unknown variant `merge`"));
    check(r#"existing = { by = ["emails"] }"#, &format!("{at}missing field `then`"));
    check(r#"existing = { by = ["emails"], then = "fill", when = "x" }"#, &format!("{at}unknown field `when`"));
    check(r#"existing = { by = [], then = "fill" }"#, &format!("{at}needs a key in by"));
    check(
        r#"existing = { by = ["address"], then = "fill" }"#,
        &format!("{at}\"address\" is no key of a person; known: emails, phones, name"),
    );
    check(
        r#"existing = { by = ["phones"], then = "fill" }"#,
        &format!("{at}\"phones\" is a key, but no field of this destination is filled with it"),
    );
    check(
        r#"existing = { by = ["emails", "name"], then = "fill" }"#,
        &format!("{at}\"name\" does not tell one person from another"),
    );
    check(r#"existing = { by = ["emails", "emails"], then = "keep" }"#, &format!("{at}\"emails\" is a key already"));
    check(r#"existing = { by = ["emails"], then = "ignore" }"#, &format!("{at}\"ignore\" looks for nothing"));
    let text = with_existing("").replace("entity = \"deal\"", "entity = \"deal\"\nexisting = { then = \"keep\" }");
    check_problems(&text, &["object project, deal, existing: \"deal\" is not looked for in Pipedrive"]);
}
