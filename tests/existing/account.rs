//! An account that people have worked in, and an export whose clients are partly in it. Each record says what it is for.

use std::fmt::Write as _;
use std::path::Path;

use crossdock::record::Entity;
use crossdock::standin::pipedrive::{PeopleAction, PeopleEdit, Running};
use serde_json::{Value, json};

/// What an existing person is to the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A client with the same address; phone, organization and account number are blank.
    Blank,
    /// A client with the same address; nothing is blank, and everything but the address is another.
    Full,
    /// A client with the same address; the phone is another, the rest is blank.
    Mixed,
    /// Two persons with one address, which a client has, too.
    Pair,
    /// Nobody the source knows.
    Stranger,
}

/// What the person with a number is for: of ten, three are blank, one is full, one is mixed, two are a pair.
pub(crate) const fn kind(number: usize) -> Kind {
    match number % 10 {
        0..=2 => Kind::Blank,
        3 => Kind::Full,
        4 => Kind::Mixed,
        5 | 6 => Kind::Pair,
        _ => Kind::Stranger,
    }
}

/// Companies that existing and new people work for; the even ones are in Pipedrive, every fourth with its address.
pub(crate) const COMPANIES: usize = 40;

/// Of how many numbers one has a second client with the same address.
pub(crate) const TWICE: usize = 100;

/// An account and an export.
pub(crate) struct Account {
    /// Persons that are there; a multiple of [`TWICE`].
    pub(crate) persons: usize,
    /// Id of each person, by number.
    pub(crate) ids: Vec<i64>,
    /// Id of each company that is there, by number.
    pub(crate) companies: Vec<Option<i64>>,
    /// Code of the field for account numbers.
    pub(crate) account_code: String,
}

fn made(pipedrive: &Running, entity: Entity, body: Value) -> Value {
    let edit = PeopleEdit::new(PeopleAction::Create, entity, "").with(body);
    pipedrive.edit_as_people(edit).expect("people can make it")
}

impl Account {
    /// Lets people make the account.
    pub(crate) fn fill(pipedrive: &Running, persons: usize) -> Self {
        let field = json!({"field_name": "Account number", "field_type": "varchar"});
        let account_code =
            made(pipedrive, Entity::PersonField, field)["field_code"].as_str().expect("a code").to_owned();
        let company = |number: usize| {
            let address = if number.is_multiple_of(4) { json!({"value": "1 Old Rd"}) } else { Value::Null };
            let body = json!({"name": format!("company   {number} LTD"), "address": address});
            number.is_multiple_of(2).then(|| made(pipedrive, Entity::Organization, body)["id"].as_i64().expect("an id"))
        };
        let companies: Vec<Option<i64>> = (0..COMPANIES).map(company).collect();
        let person = |number: usize| {
            let email = match kind(number) {
                Kind::Stranger => format!("stranger{number}@elsewhere.example"),
                Kind::Pair => format!("Pair{}@Example.com", number - number % 10),
                _ => format!("Client{number}@EXAMPLE.com"),
            };
            let mut body = json!({"name": format!("Kept {number}"), "emails": [{"value": email, "label": "home"}]});
            if matches!(kind(number), Kind::Full | Kind::Mixed) {
                body["phones"] = json!([{"value": "+1 312 555 0199", "label": "home"}]);
            }
            if kind(number) == Kind::Full {
                body["org_id"] = json!(companies[0]);
                body["custom_fields"] = json!({&account_code: "kept"});
            }
            made(pipedrive, Entity::Person, body)["id"].as_i64().expect("an id")
        };
        let ids = (0..persons).map(person).collect();
        Self { persons, ids, companies, account_code }
    }

    /// Clients of the source that are nobody in the account.
    pub(crate) const fn new_clients(&self) -> usize {
        self.persons / 5
    }

    /// Numbers of the persons of one kind.
    pub(crate) fn of(&self, wanted: Kind) -> impl Iterator<Item = usize> {
        (0..self.persons).filter(move |number| kind(*number) == wanted)
    }

    /// Writes the export: a client, a deal and now and then a note for each person but strangers, one client for each
    /// pair, second clients, and new ones.
    pub(crate) fn export(&self, folder: &Path) {
        let (mut clients, mut deals, mut notes) = (
            "id,name,email,phone,company,company_address,account,created_at\n".to_owned(),
            "id,name,client_id,stage,value\n".to_owned(),
            "id,body,client_id\n".to_owned(),
        );
        let mut client = |id: &str, number: usize, email: &str| {
            let company = number % COMPANIES;
            let line = format!(
                "{id},Source {id},{email},312-555-0{:03},Company {company} ltd,{company} New St,A-{id},2020-01-02T00:00:00Z",
                number % 1000
            );
            writeln!(clients, "{line}").expect("written");
            writeln!(deals, "d{id},Deal {id},{id},Quote,100").expect("written");
            if number.is_multiple_of(7) {
                writeln!(notes, "n{id},Note {id},{id}").expect("written");
            }
        };
        for number in 0..self.persons {
            match kind(number) {
                Kind::Stranger => {}
                Kind::Pair if number % 10 == 6 => {}
                Kind::Pair => client(&format!("c{number}"), number, &format!("pair{}@example.com", number - 5)),
                _ => client(&format!("c{number}"), number, &format!("\"  client{number}@Example.com \"")),
            }
            if number.is_multiple_of(TWICE) {
                client(&format!("c{number}b"), number, &format!("client{number}@example.com"));
            }
        }
        for number in 0..self.new_clients() {
            client(&format!("new{number}"), number, &format!("new{number}@example.com"));
        }
        for (name, text) in [("clients", clients), ("projects", deals), ("notes", notes)] {
            std::fs::write(folder.join(format!("{name}.csv")), text).expect("written");
        }
    }
}
