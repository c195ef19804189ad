//! Clients: people, companies and both, with most of the identity mess.

use rand::Rng as _;
use serde::Serialize;

use super::super::account::instant;
use super::super::invent::{Company, Dice, Registry, person, pick, sentences};
use super::super::mess::Mess;
use super::super::spell::{Markup, day, email_separator, html, iso_day, respelled};
use super::super::words::{
    APOSTROPHE_NAMES, ARTWORK, CLIENT_STATUSES, LETTERED_NAMES, MOJIBAKE_NAMES, RETIRED_INDUSTRIES, TAGS, TIERS, TITLES,
};
use super::{Sheet, World, owner};
use crate::record::Object;

/// How many recent companies and clean clients are remembered, for more people of the same company and for duplicates.
const MEMORY: usize = 64;

/// Share of clients that are one more person of a company that is already there, spelled the same.
const JOINS_KNOWN_COMPANY: f64 = 0.3;

/// Mail domain of people without a company.
const PRIVATE_DOMAIN: &str = "mailbox.test";

/// Who a client is, before and after it is spoiled.
#[derive(Clone)]
pub(in super::super) struct Identity {
    pub(in super::super) first: String,
    pub(in super::super) last: String,
    pub(in super::super) company: String,
    pub(in super::super) email: String,
}

/// A client's row.
#[derive(Serialize)]
pub(in super::super) struct ClientRow {
    id: u64,
    account_number: String,
    first_name: String,
    last_name: String,
    title: &'static str,
    company: String,
    email: String,
    phone: String,
    status: String,
    industry: &'static str,
    tags: String,
    website: String,
    billing_address: AddressRow,
    owner_id: String,
    supplier_tier: String,
    artwork_formats: String,
    opted_out: bool,
    birthday: String,
    notes: String,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct AddressRow {
    line1: String,
    city: &'static str,
    state: &'static str,
    zip: String,
    country: &'static str,
}

/// Makes the clients.
pub(super) fn fill(world: &mut World, count: usize) {
    let mut sheet = world.sheet(Object::Client);
    let mut memory = Memory::default();
    for number in 0..count {
        sheet.at(number);
        let id = sheet.next_id();
        let (company, identity) = identity(world, &mut sheet, &mut memory);
        let times = sheet.times(0);
        let owner_id = owner(&mut sheet.dice, &world.owners).id.clone();
        let mut row = row(&mut sheet.dice, id, &company, identity);
        row.owner_id = owner_id;
        row.phone = phone(&mut sheet, &company);
        spoil_options(&mut sheet, &mut row);
        row.notes = if sheet.dice.random_bool(0.4) { String::new() } else { notes(&mut sheet) };
        row.created_at = times.created_at;
        row.updated_at = instant(times.updated);
        world.table(Object::Client).push(id, times.updated, &row);
        world.client_created.push(times.created);
    }
    sheet.planter.report(&mut world.truth);
}

/// A new client without mess, for the sales team's edits. Company and address are its own.
pub(in super::super) fn fresh(dice: &mut Dice, registry: &mut Registry, id: u64, at: i64) -> ClientRow {
    let company = registry.company(dice);
    let (first, last) = person(dice);
    let email = registry.email(first, last, &company.domain);
    let identity = Identity { first: first.to_owned(), last: last.to_owned(), company: company.name.clone(), email };
    let mut row = row(dice, id, &company, identity);
    row.phone = company.phone(dice).plain(0);
    row.notes = html(&sentences(dice), Markup::Plain);
    row.created_at = instant(at);
    row.updated_at = instant(at);
    row
}

impl ClientRow {
    /// The same row with this owner.
    pub(in super::super) fn owned_by(mut self, owner_id: &str) -> Self {
        owner_id.clone_into(&mut self.owner_id);
        self
    }
}

#[derive(Default)]
struct Memory {
    companies: Vec<Company>,
    /// Clients with a clean name, company and e-mail. One is taken out when it is used.
    clean: Vec<(Company, Identity)>,
}

impl Memory {
    fn keep<T>(list: &mut Vec<T>, item: T, dice: &mut Dice) {
        if list.len() < MEMORY {
            list.push(item);
        } else {
            let place = dice.random_range(0..MEMORY);
            list[place] = item;
        }
    }

    fn take_clean(&mut self, dice: &mut Dice) -> (Company, Identity) {
        let place = dice.random_range(0..self.clean.len());
        self.clean.swap_remove(place)
    }
}

/// Company and identity of the next client. Exactly one of the identity's kinds of mess, or none.
fn identity(world: &mut World, sheet: &mut Sheet, memory: &mut Memory) -> (Company, Identity) {
    if !memory.clean.is_empty() {
        if sheet.takes(Mess::ExactDuplicate) {
            return duplicate(world, sheet, memory);
        }
        if sheet.takes(Mess::SharedEmail) {
            let (_, other) = memory.take_clean(&mut sheet.dice);
            let (company, mut own) = plain(world, sheet, None);
            // Half of them are the same person at another company.
            if sheet.dice.random_bool(0.5) {
                (own.first, own.last) = (other.first, other.last);
            }
            own.email = other.email;
            world.truth.companies += 1;
            world.truth.clients_with_person += 1;
            return (company, own);
        }
    }
    if sheet.takes(Mess::PersonOnly) {
        return person_only(world, sheet);
    }
    if sheet.takes(Mess::CompanyOnly) {
        let (company, own) = plain(world, sheet, None);
        world.truth.companies += 1;
        let email = format!("hello@{}", company.domain);
        let identity = Identity { first: String::new(), last: String::new(), email, ..own };
        Memory::keep(&mut memory.companies, company.clone(), &mut sheet.dice);
        return (company, identity);
    }
    employee(world, sheet, memory)
}

fn duplicate(world: &mut World, sheet: &mut Sheet, memory: &mut Memory) -> (Company, Identity) {
    let (company, original) = memory.take_clean(&mut sheet.dice);
    let turn = sheet.turn(Mess::ExactDuplicate);
    let identity = Identity {
        first: respelled(&original.first, turn),
        last: respelled(&original.last, turn),
        company: respelled(&original.company, turn + 1),
        email: if turn.is_multiple_of(2) { original.email.to_uppercase() } else { original.email },
    };
    world.truth.clients_with_person += 1;
    (company, identity)
}

fn person_only(world: &mut World, sheet: &mut Sheet) -> (Company, Identity) {
    let company = world.registry.company(&mut sheet.dice);
    let (first, last) = person(&mut sheet.dice);
    let email = world.registry.email(first, last, PRIVATE_DOMAIN);
    world.truth.clients_with_person += 1;
    let identity = Identity { first: first.to_owned(), last: last.to_owned(), company: String::new(), email };
    // The company only lends its town; nobody else belongs to it.
    (company, identity)
}

/// A person of a company, new or known, with at most one mess in the name and one in the e-mail.
fn employee(world: &mut World, sheet: &mut Sheet, memory: &mut Memory) -> (Company, Identity) {
    let has_known = !memory.companies.is_empty();
    let is_respelled = has_known && sheet.takes(Mess::CompanySpelling);
    let joins = is_respelled || (has_known && sheet.dice.random_bool(JOINS_KNOWN_COMPANY));
    let known = joins.then(|| {
        let place = sheet.dice.random_range(0..memory.companies.len());
        memory.companies[place].clone()
    });
    let (company, mut identity) = plain(world, sheet, known);
    if !joins {
        world.truth.companies += 1;
        Memory::keep(&mut memory.companies, company.clone(), &mut sheet.dice);
    }
    let name_mess = spoil_name(sheet, &mut identity);
    let email_mess = spoil_email(world, sheet, &company, &mut identity);
    world.truth.clients_with_person += u64::from(name_mess != Some(Mess::NameCompanyInLast));
    if is_respelled {
        identity.company = respelled(&identity.company, sheet.turn(Mess::CompanySpelling));
    } else if name_mess.is_none() && email_mess.is_none() {
        Memory::keep(&mut memory.clean, (company.clone(), identity.clone()), &mut sheet.dice);
    }
    (company, identity)
}

/// A clean person of a company: the given one, or a new one.
fn plain(world: &mut World, sheet: &mut Sheet, known: Option<Company>) -> (Company, Identity) {
    let company = known.unwrap_or_else(|| world.registry.company(&mut sheet.dice));
    let (first, last) = person(&mut sheet.dice);
    let email = world.registry.email(first, last, &company.domain);
    let identity = Identity { first: first.to_owned(), last: last.to_owned(), company: company.name.clone(), email };
    (company, identity)
}

fn spoil_name(sheet: &mut Sheet, own: &mut Identity) -> Option<Mess> {
    let mess = sheet.first_due(&[
        Mess::NameEmoji,
        Mess::NameMojibake,
        Mess::NameCompanyInLast,
        Mess::NameLastFirst,
        Mess::NameApostrophe,
        Mess::NameAllCaps,
        Mess::NameLetters,
    ])?;
    match mess {
        Mess::NameEmoji => own.first.push_str(" 🎉"),
        Mess::NameMojibake => (own.first, own.last) = owned(pick(&mut sheet.dice, MOJIBAKE_NAMES)),
        Mess::NameCompanyInLast => (own.first, own.last) = (String::new(), own.company.clone()),
        Mess::NameLastFirst => (own.first, own.last) = (String::new(), format!("{}, {}", own.last, own.first)),
        Mess::NameApostrophe => pick(&mut sheet.dice, APOSTROPHE_NAMES).clone_into(&mut own.last),
        Mess::NameAllCaps => (own.first, own.last) = (own.first.to_uppercase(), own.last.to_uppercase()),
        _ => (own.first, own.last) = owned(pick(&mut sheet.dice, LETTERED_NAMES)),
    }
    Some(mess)
}

fn owned((first, last): (&str, &str)) -> (String, String) {
    (first.to_owned(), last.to_owned())
}

fn spoil_email(world: &mut World, sheet: &mut Sheet, company: &Company, own: &mut Identity) -> Option<Mess> {
    let mess = sheet.first_due(&[
        Mess::EmailMailto,
        Mess::EmailDisplayName,
        Mess::EmailPlaceholder,
        Mess::EmailSeveral,
        Mess::EmailMissing,
    ])?;
    own.email = match mess {
        Mess::EmailMailto => format!("mailto:{}", own.email),
        Mess::EmailDisplayName => format!("{} {} <{}>", own.first, own.last, own.email).trim_start().to_owned(),
        Mess::EmailPlaceholder => "none@none.com".to_owned(),
        Mess::EmailSeveral => {
            let second = world.registry.email("orders", "desk", &company.domain);
            format!("{}{}{second}", own.email, email_separator(sheet.turn(Mess::EmailSeveral)))
        }
        _ => String::new(),
    };
    Some(mess)
}

fn phone(sheet: &mut Sheet, company: &Company) -> String {
    let phone = company.phone(&mut sheet.dice);
    let style = sheet.dice.random_range(0..5);
    match sheet.first_due(&[
        Mess::PhoneVanity,
        Mess::PhoneTwo,
        Mess::PhoneGuard,
        Mess::PhoneExtension,
        Mess::PhoneMissing,
    ]) {
        Some(Mess::PhoneVanity) => phone.vanity(),
        Some(Mess::PhoneTwo) => phone.two(),
        Some(Mess::PhoneGuard) => phone.guarded(),
        Some(Mess::PhoneExtension) => phone.extension(),
        Some(_) => String::new(),
        None => phone.plain(style),
    }
}

fn spoil_options(sheet: &mut Sheet, row: &mut ClientRow) {
    if sheet.takes(Mess::OptionSpelling) {
        row.status = respelled(&row.status, sheet.turn(Mess::OptionSpelling));
    }
    if sheet.takes(Mess::OptionRetired) {
        row.industry = pick(&mut sheet.dice, RETIRED_INDUSTRIES);
    }
    if sheet.takes(Mess::OptionCode) {
        row.supplier_tier = sheet.dice.random_range(1..4).to_string();
    }
    if sheet.takes(Mess::DateZero) {
        let turn = sheet.turn(Mess::DateZero);
        row.birthday = ["0000-00-00", "1970-01-01"][turn % 2].to_owned();
    }
}

fn notes(sheet: &mut Sheet) -> String {
    let text = sentences(&mut sheet.dice);
    html(&text, sheet.markup())
}

/// A clean row; owner, phone, notes and times are still empty.
fn row(dice: &mut Dice, id: u64, company: &Company, identity: Identity) -> ClientRow {
    let address = company.address(dice);
    let tags: Vec<&str> = (0..dice.random_range(0..3)).map(|_| pick(dice, TAGS)).collect();
    let formats = dice.random_range(0..ARTWORK.len() - 2);
    let has_company = !identity.company.is_empty();
    let has_birthday = !identity.first.is_empty() && dice.random_bool(0.2);
    let birthday = iso_day(day(0), dice.random_range(-9_000..12_000));
    ClientRow {
        id,
        account_number: format!("NL-{:05}", id - 4_000),
        title: if identity.last.is_empty() { "" } else { pick(dice, TITLES) },
        first_name: identity.first,
        last_name: identity.last,
        company: identity.company,
        email: identity.email,
        phone: String::new(),
        status: pick(dice, CLIENT_STATUSES).to_owned(),
        industry: if has_company { company.industry } else { "" },
        tags: tags.join(", "),
        website: if has_company && dice.random_bool(0.5) { format!("www.{}", company.domain) } else { String::new() },
        billing_address: AddressRow {
            line1: address.line1,
            city: address.city,
            state: address.state,
            zip: address.zip,
            country: "US",
        },
        owner_id: String::new(),
        supplier_tier: pick(dice, TIERS).to_owned(),
        artwork_formats: ARTWORK[formats..formats + dice.random_range(1..=2)].join("; "),
        opted_out: dice.random_bool(0.08),
        birthday: if has_birthday { birthday } else { String::new() },
        notes: String::new(),
        created_at: String::new(),
        updated_at: String::new(),
    }
}
