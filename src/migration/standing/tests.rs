//! What an account has, as it is judged.

use serde_json::{Value, json};

use super::*;
use crate::pipedrive::{Currency, FieldOption, User, Webhook};
use crate::report::preflight::Outcome;

const MAPPING: &str = r#"
    version = 1
    [defaults]
    currency = "USD"
    time_zone = "UTC"
    day_order = "month_first"
    phone_country = "US"
    decimal_sign = "point"
    marker = "Crossdock ID"
    [owners]
    match_by = "email"
    [pipelines]
    unknown_stage = "first_open"
    [[object]]
    kind = "project"
    table = "projects"
    id = "id"
    [[object.to]]
    entity = "deal"
    fields = [
      { to = "title", kind = "text", from = "name" },
      { to = "custom:Customer PO", kind = "text", from = "po" },
      { to = "custom:Method", kind = "enum", from = "method" },
      { to = "custom:Due", kind = "date", from = "due" },
    ]
"#;

fn field(code: &str, name: &str, field_type: &str, labels: &[&str]) -> Field {
    let options = labels.iter().zip(1..).map(|(label, id)| FieldOption { id, label: (*label).to_owned() });
    Field {
        code: code.to_owned(),
        name: name.to_owned(),
        field_type: field_type.to_owned(),
        custom: true,
        required: false,
        important: false,
        options: options.collect(),
    }
}

fn rows(rows: Value) -> Vec<Known> {
    let row = |row: &Value| Known { id: row["id"].to_string(), body: row.as_object().cloned().unwrap_or_default() };
    rows.as_array().map(|rows| rows.iter().map(row).collect()).unwrap_or_default()
}

fn account(fields: Vec<Field>) -> Inventory {
    let currency = |code: &str, active_flag| Currency { code: code.to_owned(), active_flag };
    Inventory {
        lacks: Some(Vec::new()),
        fields: vec![(Entity::Deal, fields)],
        currencies: vec![currency("USD", true), currency("MXN", false)],
        webhooks: Some(Vec::new()),
        ..Inventory::default()
    }
}

fn needs() -> Needs {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Needs {
        options: [("deal/Method".to_owned(), set(&["Embroidery", "Screen print"]))].into(),
        lead_labels: set(&["Hot", "New", "new "]),
        activity_types: set(&["Proof"]),
        drafts: [("deal".to_owned(), 10)].into(),
        currencies: [("USD".to_owned(), 10)].into(),
        ..Needs::default()
    }
}

fn judged(inventory: &Inventory, needs: &Needs, ours: &Ours) -> Standing {
    let mapping = Mapping::parse(MAPPING, "a test").expect("a mapping");
    judge(inventory, &Wanted { mapping: &mapping, needs, pipelines: &[], ours, has_groups: false })
}

fn says<'a>(standing: &'a Standing, name: &str) -> Vec<(&'a str, bool)> {
    let about = standing.conflicts.iter().filter(|conflict| conflict.name == name);
    about.map(|conflict| (conflict.says.as_str(), conflict.blocks)).collect()
}

#[test]
fn an_empty_account_stands_in_nobodys_way() {
    let standing = judged(&account(Vec::new()), &needs(), &Ours::default());
    assert_eq!(standing.conflicts, []);
    assert!(standing.fields.iter().all(|field| field.found == Found::New));
    assert_eq!((standing.lead_labels.len(), standing.activity_types.len()), (2, 1));
    assert!(standing.checks.iter().all(|check| check.outcome == Outcome::Good), "{:?}", standing.checks);
}

#[test]
fn a_field_of_the_same_name_is_used_or_stands_in_the_way() {
    let fields = vec![
        field("a", "customer  po", "varchar", &[]),
        field("b", "Method", "enum", &["embroidery", "Laser"]),
        field("c", "Due", "varchar", &[]),
    ];
    let standing = judged(&account(fields), &needs(), &Ours::default());
    let found = |name: &str| standing.fields.iter().find(|field| field.name == name).expect("planned");
    assert_eq!(found("Customer PO").found, Found::There);
    assert_eq!((found("Method").found, found("Method").options, found("Method").new_options), (Found::There, 2, 1));
    assert_eq!(found("Due").found, Found::InTheWay);
    assert_eq!(says(&standing, "Customer PO"), [("It is there as 'customer  po' and is used as it is.", false)]);
    let method = says(&standing, "Method");
    assert!(method[0].0.contains("another spelling are used as they are: 'Embroidery'"), "{method:?}");
    assert!(method[0].0.contains("Its 2 options stay; added: 'Screen print'") && !method[0].1, "{method:?}");
    let due = says(&standing, "Due");
    assert!(due[0].1 && due[0].0.contains("with the type Text and is needed with the type Date"), "{due:?}");
    let ways = &standing.conflicts.iter().find(|conflict| conflict.name == "Due").expect("there").ways;
    assert!(ways[2].contains("kind = \"text\""), "{ways:?}");
}

#[test]
fn two_fields_of_one_name_are_told_apart_only_by_what_we_made() {
    let fields = vec![field("a", "Due", "date", &[]), field("b", "due", "date", &[])];
    let standing = judged(&account(fields.clone()), &needs(), &Ours::default());
    assert!(says(&standing, "Due")[0].0.contains("The account has 2 fields of that name"), "{standing:?}");
    let standing = judged(&account(fields), &needs(), &Ours::of_made(Entity::DealField, "b"));
    assert_eq!(says(&standing, "Due"), [("It is there as 'due' and is used as it is.", false)]);
    assert!(standing.fields.iter().any(|field| field.name == "Due" && field.found == Found::Ours));
}

#[test]
fn a_field_of_pipedrives_own_is_named_but_does_not_block() {
    let system = Field { custom: false, ..field("due_date", "Due", "date", &[]) };
    let standing = judged(&account(vec![system]), &needs(), &Ours::default());
    assert_eq!(says(&standing, "Due"), [("Pipedrive itself has a field of that name; people will see two.", false)]);
}

#[test]
fn labels_and_types_are_found_whatever_their_case() {
    let mut account = account(Vec::new());
    account.lead_labels = rows(json!([{"id": 1, "name": "HOT"}]));
    account.activity_types = rows(json!([{"id": 7, "name": "Proof", "key_string": "proof", "active_flag": false}]));
    let standing = judged(&account, &needs(), &Ours::default());
    assert_eq!((standing.lead_labels, standing.activity_types), (vec!["New".to_owned()], Vec::<String>::new()));
    let mut said = standing.conflicts.iter().map(|conflict| (conflict.name.as_str(), conflict.blocks));
    assert_eq!((said.next(), said.next(), said.next()), (Some(("Hot", false)), Some(("Proof", true)), None));
    // A type of that name that is on is used, whatever else is off.
    account
        .activity_types
        .extend(rows(json!([{"id": 8, "name": "proof ", "key_string": "proof2", "active_flag": true}])));
    let standing = judged(&account, &needs(), &Ours::default());
    assert_eq!(says(&standing, "Proof"), [("It is there as 'proof ' and is used as it is.", false)]);
}

#[test]
fn amounts_in_a_currency_that_is_off_or_unknown_block() {
    let mut needs = needs();
    needs.currencies.extend([("MXN".to_owned(), 4), ("XAU".to_owned(), 1)]);
    let standing = judged(&account(Vec::new()), &needs, &Ours::default());
    assert_eq!(
        says(&standing, "MXN"),
        [("4 amounts of the data are in it, and the account has it switched off.", true)]
    );
    assert_eq!(says(&standing, "XAU"), [("1 amount of the data is in it, and the account does not know it.", true)]);
    let unknown = Inventory { currencies: Vec::new(), ..account(Vec::new()) };
    assert_eq!(judged(&unknown, &needs, &Ours::default()).conflicts, []);
}

#[test]
fn names_and_options_have_a_longest_length() {
    let mut needs = needs();
    needs.options.insert("deal/Method".to_owned(), ["x".repeat(256)].into());
    needs.lead_labels = ["y".repeat(256)].into();
    let standing = judged(&account(Vec::new()), &needs, &Ours::default());
    let blocks = standing.conflicts.iter().filter(|conflict| conflict.blocks).count();
    assert_eq!(blocks, 2, "{:?}", standing.conflicts);
}

#[test]
fn the_account_is_checked() {
    let mut account = account(vec![Field { required: true, ..field("a", "Customer PO", "varchar", &[]) }]);
    account.lacks = Some(vec!["sales".to_owned(), "account_settings".to_owned()]);
    let user =
        |name: &str, admin| User { id: "1".into(), name: name.to_owned(), email: String::new(), active: true, admin };
    account.users = vec![user("Bo", false), user("Ada", true)];
    account.webhooks = Some(vec![Webhook {
        id: "1".into(),
        subscription_url: "https://hooks.test/in?token=secret".to_owned(),
        event_action: "create".to_owned(),
        event_object: "deal".to_owned(),
    }]);
    let mut needs = needs();
    needs.filled.insert("deal/Customer PO".to_owned(), 3);
    needs.deactivated.insert("Dana".to_owned(), 12);
    let checks = judged(&account, &needs, &Ours::default()).checks;
    let said = |about: &str| checks.iter().find(|check| check.about == about).expect("checked");
    let access = said("What our user may see and do");
    assert_eq!(access.outcome, Outcome::Blocks);
    assert!(access.says.contains("deals and leads, nor the account's settings"), "{}", access.says);
    assert!(access.says.ends_with("Use the token of an administrator: 'Ada'."), "{}", access.says);
    let must = said("Fields that people must fill");
    assert!(must.says.starts_with("'Customer PO' of deals is required: 7 of 10 new deals come without it"), "{must:?}");
    assert!(said("Owners with a deactivated user").says.starts_with("'Dana'; 12 records wait for them"));
    let hooks = said("Webhooks");
    assert!(hooks.says.contains("https://hooks.test/in (create deal)") && !hooks.says.contains("secret"), "{hooks:?}");
    assert_eq!(checks::to_confirm(&account).len(), 2);
    account.lacks = None;
    assert_eq!(judged(&account, &needs, &Ours::default()).checks[0].outcome, Outcome::Unknown);
}
