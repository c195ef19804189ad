//! What whole tables become, as somebody chose it: each placement is migrated to the end, with every record accounted for,
//! everything verified, and commissions equal to the cent.

use std::path::Path;

use crossdock::mapping::Mapping;
use crossdock::mapping::edit::{Edit, Editor, FieldPlace};
use crossdock::mapping::placement::{Placement, Placements};
use crossdock::mapping::relay::{relay, wanted};
use crossdock::record::{Entity, Fate, Object};
use rust_decimal::Decimal;
use serde_json::Value;

use super::layouts::{Moved, moved_as, moved_edited, proposals, write};

pub(crate) const CLIENTS: usize = 24;
pub(crate) const DEALS: usize = 30;

/// Amounts in cents of the commissions of a deal, the earliest first.
pub(crate) fn amounts(deal: usize) -> Vec<i64> {
    (0..deal % 4).map(|part| (deal * 1_111 + part * 37) as i64 * if part == 2 { -1 } else { 1 }).collect()
}

pub(crate) fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

pub(crate) fn users() -> Vec<(String, String)> {
    ["Ada Stone", "Bo Field"].map(|name| (name.to_owned(), format!("{}@own.example", name.replace(' ', ".")))).to_vec()
}

fn header(columns: &str) -> Vec<String> {
    vec![columns.to_owned()]
}

/// An account with clients, deals, commissions, presentations and two kinds of custom objects.
pub(crate) fn account(folder: &Path) {
    let mut staff = header("UserID,Full Name,E-mail");
    for (number, (name, email)) in users().iter().enumerate() {
        staff.push(format!("u_{number},{name},{email}"));
    }
    write(folder, "staff.csv", &staff);
    let mut clients = header("ClientID,First Name,Last Name,Company,Email,Phone,Notes,Created");
    for number in 1..=CLIENTS {
        clients.push(format!(
            "CL-{number:04},First{number},Last{number}x,Firm {} Ltd,p{number}@firm.example,(602) 555-01{number:02},\"<p>Likes \
             matte.</p><p>Second line {number}</p>\",2024-0{}-11",
            number / 2,
            number % 9 + 1
        ));
    }
    write(folder, "clients.csv", &clients);
    let mut deals = header("DealNo,Deal Name,ClientID,Stage,Amount,Currency,Assigned To");
    let mut commissions = header("CommissionID,DealNo,ClientID,Rep,Rep Type,Amount,Rate,Paid Date");
    let mut presentations = header("PresentationID,DealNo,Title,File Name,Share Link,Status");
    let mut scorecards = header("ScorecardID,ClientID,Score,Verdict");
    let mut samples = header("SampleID,DealNo,Item,Sent On");
    for number in 1..=DEALS {
        let client = number % CLIENTS + 1;
        deals.push(format!(
            "D-{number:04},Order {number} of mugs,CL-{client:04},{},{}.50,USD,u_{}",
            ["Quote", "Artwork", "Won", "Lost"][number % 4],
            number * 100,
            number % 2
        ));
        for (part, amount) in amounts(number).into_iter().enumerate() {
            commissions.push(format!(
                "K-{number:04}{part},D-{number:04},CL-{client:04},u_{},{},{},{}%,2025-0{}-1{part}",
                part % 2,
                ["Client Rep", "Order Rep"][part % 2],
                cents(amount),
                10 + part,
                number % 9 + 1
            ));
        }
        for part in 0..number % 3 {
            presentations.push(format!(
                "PR-{number:04}{part},D-{number:04},Ideas {number}.{part},ideas-{number}-{part}.pdf,https://files.example/{number}/{part},Open"
            ));
            samples.push(format!(
                "SA-{number:04}{part},D-{number:04},Mug {number}.{part} (navy),2025-0{}-0{}",
                number % 9 + 1,
                part + 1
            ));
        }
    }
    for number in 1..=CLIENTS {
        scorecards.push(format!("SC-{number:04},CL-{number:04},{},Good and reliable {number}", number % 5));
    }
    write(folder, "deals.csv", &deals);
    write(folder, "commissions.csv", &commissions);
    write(folder, "presentations.csv", &presentations);
    write(folder, "vendor_scorecards.csv", &scorecards);
    write(folder, "sample_requests.csv", &samples);
}

fn run(placements: &[(&str, &str)]) -> Moved {
    let files = tempfile::tempdir().expect("a folder");
    account(files.path());
    moved_as(files.path(), &users(), placements)
}

impl Moved {
    /// The value of a custom field, by its name; null where it has none.
    pub(crate) fn custom(&self, row: &Value, field: Entity, name: &str) -> Value {
        let fields = self.pipedrive.rows(field);
        let code = fields.iter().find(|field| field["field_name"] == name || field["name"] == name);
        let code = code.and_then(|field| field["field_code"].as_str().or_else(|| field["key"].as_str()));
        let code = code.unwrap_or_else(|| panic!("there is no field {name}: {fields:?}"));
        let value = row["custom_fields"].get(code).or_else(|| row.get(code)).cloned().unwrap_or(Value::Null);
        match value.get("value") {
            Some(inner) => inner.clone(),
            None => value,
        }
    }

    pub(crate) fn fate(&self, object: Object, fate: Fate) -> u64 {
        let own = self.fates.iter().filter(|count| count.object == object && count.fate == Some(fate));
        own.map(|count| count.records).sum()
    }

    pub(crate) fn deal(&self, number: usize) -> Value {
        let title = format!("Order {number} of mugs");
        self.live(Entity::Deal).into_iter().find(|deal| deal["title"] == *title).expect("the deal")
    }
}

pub(crate) fn decimal(value: &Value) -> Decimal {
    value.to_string().trim_matches('"').parse().unwrap_or_else(|_| panic!("no number: {value}"))
}

fn commissions() -> u64 {
    (1..=DEALS).map(|number| amounts(number).len() as u64).sum()
}

#[test]
fn as_it_is_proposed() {
    let moved = run(&[]);
    println!("{}", moved.text);
    let placed = |table: &str| {
        let table = moved.proposal.tables.iter().find(|proposed| proposed.table == table).expect("the table");
        assert!((1..=3).contains(&table.alternatives.len()), "{table:?}");
        assert!(table.alternatives.iter().all(|other| Placement::parse(&other.placed).is_ok()), "{table:?}");
        assert!(!table.reasons.is_empty() && table.confidence > 0.0, "{table:?}");
        table.placed.clone().expect("placed")
    };
    assert_eq!(placed("clients"), "person and organization");
    assert_eq!(placed("commissions"), "deal: sum");
    assert_eq!(placed("presentations"), "deal: list");
    assert_eq!(placed("vendor_scorecards"), "person: first");
    assert_eq!(placed("sample_requests"), "deal: list");
    assert_ne!(moved.object("vendor_scorecards"), moved.object("sample_requests"));
    // Commissions add up to the cent, deal by deal.
    for number in 1..=DEALS {
        let total = moved.custom(&moved.deal(number), Entity::DealField, "Commission total");
        match amounts(number).as_slice() {
            [] => assert!(total.is_null(), "{total}"),
            amounts => assert_eq!(decimal(&total), cents(amounts.iter().sum()), "deal {number}"),
        }
    }
    assert_eq!(moved.fate(Object::Commission, Fate::Folded), commissions());
    let presentations = moved.custom(&moved.deal(2), Entity::DealField, "Presentation details");
    let lines = presentations.as_str().expect("text");
    assert!(lines.contains("ideas-2-0.pdf") && lines.contains("https://files.example/2/1"), "{lines}");
    let persons = moved.live(Entity::Person);
    assert_eq!(persons.len(), CLIENTS);
    for person in &persons {
        let verdict = moved.custom(person, Entity::PersonField, "Vendor scorecard verdict");
        assert!(verdict.as_str().is_some_and(|text| text.starts_with("Good and reliable")), "{verdict}");
    }
}

#[test]
fn prose_of_a_client_as_a_note_at_it() {
    let files = tempfile::tempdir().expect("a folder");
    account(files.path());
    let moved = moved_edited(files.path(), &users(), &[], &|text| {
        let mapping = Mapping::parse(&text, "proposed").expect("valid");
        let person = mapping.destination(Object::Client, "person").expect("a person");
        let position = person.fields.iter().position(|field| field.label == "Notes").expect("the field");
        let field = "to = \"content\"\nkind = \"html\"\nfrom = \"Notes\"\ncut = true".parse().expect("TOML");
        let at = FieldPlace { object: Object::Client, role: "person".to_owned(), position };
        let mut editor = Editor::new(&text).expect("TOML");
        editor.apply(&[Edit::Remove(at), Edit::Add(Object::Client, "note".to_owned(), field)]).expect("edited");
        editor.text()
    });
    let notes = moved.live(Entity::Note);
    assert_eq!(notes.len(), CLIENTS);
    assert!(notes.iter().all(|note| note["person_id"].is_number() && note["org_id"].is_number()), "{:?}", notes[0]);
    assert!(notes.iter().any(|note| note["content"].as_str().is_some_and(|text| text.contains("Second line 7"))));
    assert_eq!(moved.fate(Object::Client, Fate::Loaded), CLIENTS as u64);
}

#[test]
fn clients_as_persons_only() {
    let moved = run(&[("clients", "person")]);
    assert_eq!((moved.live(Entity::Person).len(), moved.live(Entity::Organization).len()), (CLIENTS, 0));
    let person = moved.live(Entity::Person).into_iter().find(|person| person["name"] == "First8 Last8x").expect("one");
    assert_eq!(moved.custom(&person, Entity::PersonField, "Company"), "Firm 4 Ltd");
    assert!(moved.live(Entity::Deal).iter().all(|deal| deal["person_id"].is_number()));
}

#[test]
fn clients_as_companies_only() {
    let moved = run(&[("clients", "organization"), ("commissions", "deal: latest"), ("presentations", "deal: note")]);
    let (persons, organizations) = (moved.live(Entity::Person).len(), moved.live(Entity::Organization).len());
    assert_eq!((persons, organizations), (0, CLIENTS / 2 + 1));
    assert_eq!(moved.live(Entity::Deal).iter().filter(|deal| deal["org_id"].is_number()).count(), DEALS);
    for number in (1..=DEALS).filter(|number| number % 4 != 0) {
        let latest = moved.custom(&moved.deal(number), Entity::DealField, "Commission amount");
        assert_eq!(decimal(&latest), cents(*amounts(number).last().expect("one")), "deal {number}");
    }
    let presentations = (1..=DEALS).map(|number| number % 3).sum::<usize>();
    let at_deals = moved.live(Entity::Note).into_iter().filter(|note| note["deal_id"].is_number());
    assert_eq!(at_deals.count(), presentations);
    assert_eq!(moved.fate(Object::Presentation, Fate::Loaded), presentations as u64);
}

#[test]
fn commissions_at_the_person_and_split_by_rep() {
    let moved = run(&[("commissions", "person: sum"), ("sample_requests", "deal: latest")]);
    for client in 1..=CLIENTS {
        let expected: i64 = (1..=DEALS).filter(|number| number % CLIENTS + 1 == client).flat_map(amounts).sum();
        let name = format!("First{client} Last{client}x");
        let person = moved.live(Entity::Person).into_iter().find(|person| person["name"] == *name).expect("the person");
        let total = moved.custom(&person, Entity::PersonField, "Commission total");
        assert_eq!(if total.is_null() { Decimal::ZERO } else { decimal(&total) }, cents(expected), "{name}");
    }
    assert_eq!(moved.fate(Object::Commission, Fate::Folded), commissions());
    let latest = moved.custom(&moved.deal(5), Entity::DealField, "Sample request item");
    assert_eq!(latest, "Mug 5.1 (navy)");

    let moved = run(&[("commissions", "deal: split"), ("vendor_scorecards", "person: note")]);
    for number in 1..=DEALS {
        for (part, amount) in amounts(number).into_iter().enumerate() {
            let deal = moved.deal(number);
            let own = moved.custom(&deal, Entity::DealField, &format!("Commission {} amount", part + 1));
            let rep = moved.custom(&deal, Entity::DealField, &format!("Commission {} rep", part + 1));
            assert_eq!((decimal(&own), rep.as_str()), (cents(amount), Some(["Ada Stone", "Bo Field"][part % 2])));
        }
    }
    assert_eq!(moved.live(Entity::Note).len(), CLIENTS);
}

#[test]
fn commissions_as_records_of_their_own() {
    for (word, entity) in [("deal: note", Entity::Note), ("deal: activity", Entity::Activity)] {
        let moved = run(&[("commissions", word), ("vendor_scorecards", "do not migrate")]);
        let own: Vec<Value> = moved.live(entity).into_iter().filter(|row| row["deal_id"].is_number()).collect();
        assert_eq!(own.len() as u64, commissions(), "{word}");
        assert_eq!(moved.fate(Object::Commission, Fate::Loaded), commissions());
        let text = Value::Array(own).to_string();
        let stated = (1..=DEALS).flat_map(amounts).map(cents);
        assert!(stated.into_iter().all(|amount| text.contains(&amount.to_string())), "{word}: an amount is missing");
        assert!(moved.text.contains("# Left out: vendor_scorecards"));
    }
}

/// Deals with several projects each, and tasks that belong to projects.
pub(crate) fn deals_with_projects(folder: &Path) {
    account(folder);
    std::fs::remove_file(folder.join("commissions.csv")).expect("removed");
    let mut projects = header("ProjectID,DealNo,Project Name,Phase,Budget,Due");
    for number in 1..=DEALS {
        for part in 0..number % 3 {
            let phase = ["Artwork", "Production", "Shipped"][part];
            projects.push(format!(
                "PJ-{number:04}{part},D-{number:04},Mugs {number}.{part},{phase},{}.25,2026-03-0{}",
                10 + part,
                part + 1
            ));
        }
    }
    write(folder, "projects.csv", &projects);
}

#[test]
fn deals_with_projects_of_their_own() {
    let files = tempfile::tempdir().expect("a folder");
    deals_with_projects(files.path());
    let projects = (1..=DEALS).map(|number| number % 3).sum::<usize>();
    let moved = moved_as(files.path(), &users(), &[]);
    println!("{}", moved.text);
    assert_eq!((moved.object("deals"), moved.object("projects")), (Some(Object::Deal), Some(Object::Project)));
    assert_eq!(moved.live(Entity::Deal).len(), DEALS);
    assert_eq!(moved.fate(Object::Project, Fate::Folded), projects as u64);
    let details = moved.custom(&moved.deal(2), Entity::DealField, "Project details");
    assert!(
        details
            .as_str()
            .is_some_and(|text| text.contains("Mugs 2.0") && text.contains("Shipped") == text.contains("Mugs 2.2"))
    );

    let moved = moved_as(files.path(), &users(), &[("projects", "deal in a pipeline of its own")]);
    let deals = moved.live(Entity::Deal);
    assert_eq!(deals.len(), DEALS + projects);
    let pipelines: std::collections::BTreeSet<String> =
        deals.iter().map(|deal| deal["pipeline_id"].to_string()).collect();
    assert_eq!(pipelines.len(), 2, "{pipelines:?}");
    assert_eq!(moved.mapping.pipelines.declared.len(), 2);

    let moved = moved_as(files.path(), &users(), &[("projects", "deal"), ("deals", "do not migrate")]);
    assert_eq!(moved.live(Entity::Deal).len(), projects);
}

#[test]
fn a_second_table_of_a_kind_is_part_of_what_it_names() {
    let files = tempfile::tempdir().expect("a folder");
    account(files.path());
    for (file, key, rows) in [("tasks.csv", "TaskID", 1..=DEALS), ("old_tasks.csv", "OldTaskID", 1..=20)] {
        let mut tasks = header(&format!("{key},DealNo,Subject,Due Date,Done"));
        for number in rows {
            let done = ["no", "yes"][number % 2];
            tasks.push(format!(
                "{key}-{number:04},D-{number:04},Call about {number} ({key}),2025-03-{:02},{done}",
                number % 28 + 1
            ));
        }
        write(files.path(), file, &tasks);
    }
    let moved = moved_as(files.path(), &users(), &[]);
    assert_eq!(moved.object("tasks"), Some(Object::Task));
    let second = moved.object("old_tasks").expect("it is not left out");
    assert!(second.is_custom(), "{second}");
    assert_eq!((moved.fate(Object::Task, Fate::Loaded), moved.fate(second, Fate::Folded)), (DEALS as u64, 20));
    let deal = moved.deal(7);
    assert!(deal.to_string().contains("Call about 7 (OldTaskID)"), "{deal}");
    assert_eq!(moved.live(Entity::Activity).len(), DEALS);
}

#[test]
fn contacts_as_a_list_of_their_company() {
    let files = tempfile::tempdir().expect("a folder");
    let mut companies = header("CompanyID,Company Name,Web Site");
    let mut contacts = header("ContactID,CompanyID,FirstName,LastName,EmailAddress");
    for number in 1..=20 {
        companies.push(format!("C-{number:04},Firm {number} Ltd,www.firm{number}.example"));
        for part in 1..=number % 3 {
            contacts.push(format!(
                "P-{number:04}{part},C-{number:04},First{part},Last{number}x,p{number}.{part}@firm.example"
            ));
        }
    }
    write(files.path(), "companies.csv", &companies);
    write(files.path(), "contacts.csv", &contacts);
    let moved = moved_as(files.path(), &[], &[("contacts", "organization: list")]);
    assert_eq!((moved.live(Entity::Organization).len(), moved.live(Entity::Person).len()), (20, 0));
    assert_eq!(moved.fate(Object::Contact, Fate::Folded), (1..=20).map(|number| number % 3).sum::<u64>());
    let organizations = moved.live(Entity::Organization);
    let five = organizations.iter().find(|one| one["name"] == "Firm 5 Ltd").expect("the company");
    let details = moved.custom(five, Entity::OrganizationField, "Contact details");
    assert!(
        details.as_str().is_some_and(|text| text.contains("p5.1@firm.example") && text.contains("p5.2@")),
        "{details}"
    );
}

#[test]
fn another_placement_keeps_what_was_edited_elsewhere() {
    let files = tempfile::tempdir().expect("a folder");
    account(files.path());
    let note: Placements =
        [("commissions".to_owned(), Placement::parse("deal: note").expect("a placement"))].into_iter().collect();
    let (base, theirs) = proposals(files.path(), Placements::new(), note.clone());
    let asked = base.replacen("commissions = \"deal: sum\"", "commissions = \"deal: note\"", 1);
    // What is asked for and what is laid out are two things until it is laid out anew.
    let refused = Mapping::problems(&asked);
    assert!(refused.iter().any(|problem| problem.place == "placement, commissions"), "{refused:?}");
    assert_eq!(wanted(&asked).get("commissions"), note.get("commissions"));
    let mine = asked.replacen("\"custom:Client notes\"", "\"custom:What we know\"", 1);
    let merged = relay(&base, &mine, &theirs).expect("merged");
    let mapping = Mapping::parse(&merged, "merged").expect("valid");
    assert!(merged.contains("custom:What we know"), "the edit is lost");
    assert!(mapping.destination(Object::Commission, "note").is_some());
    assert!(!merged.contains("custom:Commission total"));
    // Who edited the lines that go is told which.
    let mine = asked.replacen("custom:Commission total", "custom:Payout", 1);
    let told = relay(&base, &mine, &theirs).expect_err("both changed it");
    assert!(told.iter().any(|line| line.contains("custom:Payout") && line.contains("mapping.toml line")), "{told:?}");
}

#[test]
fn placements_that_cannot_be_are_named() {
    let moved = std::panic::catch_unwind(|| run(&[("presentations", "person: sum"), ("nothing", "deal")]));
    let Err(told) = moved else { panic!("it was not refused") };
    let told = told.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(told.contains("placement, presentations: \"person: sum\" cannot be; possible: \"deal: list\""), "{told}");
    assert!(told.contains("placement, nothing"), "{told}");
}
