//! Leads: strangers, people who are clients already, and converted ones that are still listed.

use rand::Rng as _;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::account::instant;
use super::super::invent::pick;
use super::super::mess::Mess;
use super::super::spell::respelled;
use super::super::words::{LEAD_SOURCES, TERRITORIES};
use super::people::PIPELINES;
use super::{Sheet, World, owner};
use crate::record::Object;

/// How often another row is tried when the first does not suit.
const TRIES: usize = 200;

#[derive(Serialize)]
struct LeadRow {
    id: u64,
    name: String,
    email: String,
    phone: String,
    company: String,
    pipeline: &'static str,
    stage: String,
    score: Option<u8>,
    territory: &'static str,
    source: &'static str,
    owner_id: String,
    converted: bool,
    client_id: Option<u64>,
    project_id: Option<u64>,
    created_at: String,
    updated_at: String,
}

/// Who a lead is, and what it became.
#[derive(Default)]
struct Party {
    name: String,
    email: String,
    phone: String,
    company: String,
    client_id: Option<u64>,
    project_id: Option<u64>,
}

/// Makes the leads. Clients and projects must be there.
pub(super) fn fill(world: &mut World, count: usize) {
    let mut sheet = world.sheet(Object::Lead);
    let pipeline = PIPELINES.iter().find(|pipeline| pipeline.name == "New Business").unwrap_or(&PIPELINES[0]);
    for number in 0..count {
        sheet.at(number);
        let party = party(world, &mut sheet);
        let times = sheet.times(0);
        let stage = pick(&mut sheet.dice, pipeline.stages).name;
        let is_respelled = sheet.takes(Mess::StageSpelling);
        let score = sheet.dice.random_range(0..=100);
        let row = LeadRow {
            id: sheet.next_id(),
            converted: party.project_id.is_some(),
            name: party.name,
            email: party.email,
            phone: party.phone,
            company: party.company,
            pipeline: pipeline.name,
            stage: if is_respelled { respelled(stage, sheet.turn(Mess::StageSpelling)) } else { stage.to_owned() },
            score: if sheet.takes(Mess::LeadWithoutScore) { None } else { Some(score) },
            territory: pick(&mut sheet.dice, TERRITORIES),
            source: pick(&mut sheet.dice, LEAD_SOURCES),
            owner_id: owner(&mut sheet.dice, &world.owners).id.clone(),
            client_id: party.client_id,
            project_id: party.project_id,
            created_at: times.created_at,
            updated_at: instant(times.updated),
        };
        world.table(Object::Lead).push(row.id, times.updated, &row);
    }
    sheet.planter.report(&mut world.truth);
}

fn party(world: &mut World, sheet: &mut Sheet) -> Party {
    let mess =
        sheet.first_due(&[Mess::LeadNameless, Mess::LeadOfKnownEmail, Mess::LeadWithClient, Mess::LeadConverted]);
    match mess {
        Some(Mess::LeadNameless) => {
            let company = world.registry.company(&mut sheet.dice);
            Party { phone: company.phone(&mut sheet.dice).plain(2), ..Party::default() }
        }
        Some(Mess::LeadConverted) => converted(world, sheet),
        Some(mess) => {
            let (id, client) = named_client(world, sheet);
            let client_id = (mess == Mess::LeadWithClient).then_some(id);
            Party { client_id, ..party_of(&client) }
        }
        None => stranger(world, sheet),
    }
}

fn stranger(world: &mut World, sheet: &mut Sheet) -> Party {
    let company = world.registry.company(&mut sheet.dice);
    let (first, last) = super::super::invent::person(&mut sheet.dice);
    let has_company = sheet.dice.random_bool(0.8);
    let has_email = sheet.dice.random_bool(0.85);
    let style = sheet.dice.random_range(0..5);
    Party {
        name: format!("{first} {last}"),
        email: if has_email { world.registry.email(first, last, &company.domain) } else { String::new() },
        phone: if sheet.takes(Mess::PhoneMissing) {
            String::new()
        } else {
            company.phone(&mut sheet.dice).plain(style)
        },
        company: if has_company { company.name } else { String::new() },
        ..Party::default()
    }
}

/// A lead that became a project and its client. Where tries find no project with a client, the lead is a client's only.
fn converted(world: &mut World, sheet: &mut Sheet) -> Party {
    for _ in 0..TRIES {
        let number = sheet.dice.random_range(0..world.projects.len());
        let (project_id, project) = world.table(Object::Project).row(number);
        let client = project.get("client_id").and_then(Value::as_u64);
        if let Some(number) = client.and_then(|id| world.table(Object::Client).find(id)) {
            let (client_id, client) = world.table(Object::Client).row(number);
            return Party { client_id: Some(client_id), project_id: Some(project_id), ..party_of(&client) };
        }
    }
    let (id, client) = named_client(world, sheet);
    Party { client_id: Some(id), ..party_of(&client) }
}

/// A client with a name and one plain e-mail address; any client where tries find none.
fn named_client(world: &mut World, sheet: &mut Sheet) -> (u64, Map<String, Value>) {
    let mut drawn = (0, Map::new());
    for _ in 0..TRIES {
        let number = sheet.dice.random_range(0..world.client_created.len());
        drawn = world.table(Object::Client).row(number);
        let email = text(&drawn.1, "email");
        let is_plain = email.ends_with(".example") && !email.contains([' ', ';', ',', ':', '\n', '<']);
        if is_plain && !text(&drawn.1, "last_name").is_empty() {
            break;
        }
    }
    drawn
}

fn party_of(client: &Map<String, Value>) -> Party {
    let name = format!("{} {}", text(client, "first_name").trim(), text(client, "last_name").trim());
    Party {
        name: name.trim().to_owned(),
        email: text(client, "email").to_owned(),
        phone: text(client, "phone").to_owned(),
        company: text(client, "company").to_owned(),
        ..Party::default()
    }
}

fn text<'row>(row: &'row Map<String, Value>, field: &str) -> &'row str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}
