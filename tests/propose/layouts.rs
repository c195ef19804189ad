//! Exports of other layouts, without ids or with others, in another language: proposed, then migrated to the end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::control::{Saying, keep};
use crossdock::journal::{FateCount, GateVerdict, Journal, Landed};
use crossdock::mapping::Mapping;
use crossdock::mapping::defaults::{DayOrder, DecimalSign};
use crossdock::mapping::placement::{Placement, Placements};
use crossdock::mapping::proposal::Proposal;
use crossdock::migration::map::{Before, Chosen, Reading, propose_as};
use crossdock::migration::{Ending, GateState, Migration, Opening, Point, Signals, artefact};
use crossdock::permit::Gate;
use crossdock::progress::Progress;
use crossdock::record::{Entity, Fate, Object};
use crossdock::standin::pipedrive::{Pipedrive, Running, Settings};
use crossdock::standin::promox::lookalike::maven_lookalike;
use crossdock::stop;
use futures::FutureExt as _;
use serde_json::Value;

use super::assert_nothing_is_silent;

/// What came of an export.
pub(crate) struct Moved {
    pub(crate) proposal: Proposal,
    pub(crate) mapping: Mapping,
    pub(crate) text: String,
    pub(crate) fates: Vec<FateCount>,
    /// Of what was left out or waits: its kind and id, how it ended, and why.
    pub(crate) reasons: Vec<(Object, String, Fate, String)>,
    /// What was noticed about records, by their ids.
    pub(crate) findings: Vec<(String, String)>,
    pub(crate) pipedrive: Running,
}

impl Moved {
    pub(crate) fn live(&self, entity: Entity) -> Vec<Value> {
        let mut rows = self.pipedrive.rows(entity);
        rows.retain(|row| row["is_deleted"] != true);
        rows
    }

    pub(crate) fn object(&self, table: &str) -> Option<Object> {
        self.proposal.tables.iter().find(|proposed| proposed.table == table).expect("the table").object
    }
}

/// An account with these users, and the settings of a migration from a folder of files into it.
async fn ends_of(files: &Path, users: &[(String, String)], folder: &Path) -> (Clock, Running, Config) {
    let clock = Clock::system();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let settings = Settings { unlimited: true, caps: false, ..Settings::default() };
    let pipedrive = Pipedrive::start(settings, clock.clone(), listener).expect("an account");
    users.iter().for_each(|(name, email)| drop(pipedrive.add_user(name, email)));
    let text = format!(
        "name = \"files\"\n[source]\nfolder = {files:?}\npoll_seconds = 1\n[pipedrive]\naddress = \"http://{}\"\n\
         unlimited = true\nlist_lag_seconds = 0\n",
        pipedrive.address()
    );
    let environment = |name: &str| (name == "CROSSDOCK_PIPEDRIVE_TOKEN").then(|| pipedrive.token());
    let surroundings = Surroundings { folder, environment: &environment };
    let config = Config::parse(&text, &surroundings).expect("settings");
    (clock, pipedrive, config)
}

/// The proposals for a folder of files with two sets of placements: those before, then those chosen.
pub(crate) fn proposals(files: &Path, before: Placements, placements: Placements) -> (String, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        let (clock, _pipedrive, config) = ends_of(files, &[], folder.path()).await;
        let (_stopper, stop) = stop::switch();
        let reading = Reading { clock, stop, progress: Progress::default() };
        let chosen = Chosen { placements, before: Some(Before { placements: before, held: None }) };
        let proposed = propose_as(&config, &reading, chosen).await.expect("a proposal");
        (proposed.before.expect("asked for"), proposed.mapping)
    })
}

/// Proposes a mapping for a folder of files and migrates with it. `users` are the account's, by name and address.
fn moved(files: &Path, users: &[(String, String)]) -> Moved {
    let moved = moved_as(files, users, &[]);
    for count in &moved.fates {
        assert!(!matches!(count.fate, Some(Fate::Rejected | Fate::Parked)), "{count:?}");
    }
    moved
}

/// The same with placements that somebody chose, by table.
pub(crate) fn moved_as(files: &Path, users: &[(String, String)], placements: &[(&str, &str)]) -> Moved {
    moved_edited(files, users, placements, &|text| text)
}

/// The same with a mapping that somebody edited.
pub(crate) fn moved_edited(
    files: &Path,
    users: &[(String, String)],
    placements: &[(&str, &str)],
    edit: &dyn Fn(String) -> String,
) -> Moved {
    moved_while(files, users, placements, edit, |_| ())
}

/// The same with files that change after the load.
pub(crate) fn moved_while(
    files: &Path,
    users: &[(String, String)],
    placements: &[(&str, &str)],
    edit: &dyn Fn(String) -> String,
    change: impl Fn(&Path) + Send + Sync + 'static,
) -> Moved {
    let placements = placements
        .iter()
        .map(|(table, word)| ((*table).to_owned(), Placement::parse(word).expect("a placement")))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(async {
        let (clock, pipedrive, config) = ends_of(files, users, folder.path()).await;
        let (_stopper, stop) = stop::switch();
        let reading = Reading { clock: clock.clone(), stop: stop.clone(), progress: Progress::default() };
        let chosen = Chosen { placements, before: None };
        let mut proposed = propose_as(&config, &reading, chosen).await.expect("a proposal");
        assert_nothing_is_silent(&proposed.proposal, &proposed.mapping);
        proposed.mapping = edit(proposed.mapping);
        std::fs::write(folder.path().join("mapping.toml"), &proposed.mapping).expect("written");
        let signals = Signals::default();
        // One round of changes follows.
        signals.freeze();
        let own = files.to_owned();
        let checkpoint = move |point| {
            if point == Point::Loaded {
                change(&own);
            }
            async { Ok(()) }.boxed()
        };
        let opening = Opening {
            signals,
            checkpoint: Some(Arc::new(checkpoint)),
            ..Opening::new(folder.path(), clock.clone(), stop)
        };
        let migration = Migration::open(config, opening).await.expect("it opens");
        let approver = tokio::spawn(approve_all(migration.journal().clone(), clock));
        let ending = migration.run().await.expect("it runs to its end");
        approver.abort();
        assert_eq!(ending, Ending::Done);
        let verification = migration.verification().expect("it was verified");
        assert!(verification.is_clean(), "{verification:?}");
        let fates = migration.journal().fates().await.expect("the journal reads");
        assert!(fates.iter().all(|count| count.fate.is_some()), "a record has no fate: {fates:?}");
        let mapping = Mapping::parse(&proposed.mapping, "proposed").expect("valid");
        let reasons = reasons(migration.journal()).await;
        let noticed = migration.journal().noteworthy(None, 0, 1_000).await.expect("the journal reads");
        let of_one = |landed: Landed| {
            let id = landed.record.id.to_string();
            landed.findings.into_iter().map(move |finding| (id.clone(), finding.detail)).collect::<Vec<_>>()
        };
        let findings = noticed.into_iter().flat_map(of_one).collect();
        Moved { proposal: proposed.proposal, mapping, text: proposed.mapping, fates, reasons, findings, pipedrive }
    })
}

async fn reasons(journal: &Journal) -> Vec<(Object, String, Fate, String)> {
    let mut found = Vec::new();
    for fate in [Fate::Rejected, Fate::Skipped, Fate::Parked] {
        for landed in journal.noteworthy(Some(fate), 0, 1_000).await.expect("the journal reads") {
            found.push((landed.record.object, landed.record.id.to_string(), fate, landed.reason.unwrap_or_default()));
        }
    }
    found
}

async fn approve_all(journal: Journal, clock: Clock) {
    loop {
        for gate in Gate::ALL {
            if let GateState::Waits(_) = artefact(&journal, *gate).await.expect("the journal reads") {
                let saying = Saying { gate: *gate, verdict: GateVerdict::Approved, by: "Ada Tester".to_owned() };
                keep(&journal, &clock, saying).await.expect("kept");
            }
        }
        clock.sleep(Duration::from_millis(200)).await;
    }
}

pub(crate) fn write(folder: &Path, file: &str, rows: &[String]) {
    std::fs::write(folder.join(file), rows.join("\r\n")).expect("written");
}

#[test]
fn files_without_keys_and_contacts() {
    let files = tempfile::tempdir().expect("a folder");
    maven_lookalike(files.path(), 400, 11).expect("written");
    let mut reader = csv::Reader::from_path(files.path().join("sales_teams.csv")).expect("the file opens");
    let agents = reader.records().map(|row| row.expect("a row")[0].to_owned());
    let users: Vec<(String, String)> =
        agents.map(|name| (name.clone(), format!("{}@users.example", name.replace(' ', ".").to_lowercase()))).collect();
    let moved = moved(files.path(), &users);
    assert_eq!(moved.object("accounts"), Some(Object::Client));
    assert_eq!(moved.object("sales_teams"), Some(Object::Owner));
    assert_eq!(moved.object("sales_pipeline"), Some(Object::Project));
    assert_eq!(moved.object("products"), None);
    assert_eq!(moved.live(Entity::Organization).len(), 85);
    let deals = moved.live(Entity::Deal);
    assert_eq!(deals.len(), 400);
    for status in ["open", "won", "lost"] {
        assert!(deals.iter().any(|deal| deal["status"] == status), "no deal is {status}");
    }
    assert!(deals.iter().filter(|deal| deal["org_id"].is_number()).count() > 300);
    assert!(deals.iter().all(|deal| deal["owner_id"].is_number()));
    assert!(deals.iter().any(|deal| deal["won_time"].is_string()));
}

#[test]
fn companies_with_a_table_of_contacts() {
    let files = tempfile::tempdir().expect("a folder");
    let mut companies = vec![
        "CompanyID,Company Name,Web Site,Industry,Billing Street,Billing City,Billing Zip,Account Owner,Created On"
            .to_owned(),
    ];
    let mut contacts =
        vec!["ContactID,CompanyID,FirstName,LastName,EmailAddress,Cell Phone,JobTitle,Do Not Call".to_owned()];
    let mut jobs =
        vec!["JobNo,Job Name,CompanyID,Contact,Sales Stage,Total,Currency,Expected Close,Assigned To".to_owned()];
    let owners = ["Ada Stone", "Bo Field", "Cy Marsh"];
    for number in 1..=60 {
        let owner = owners[number % 3];
        companies.push(format!(
            "C-{number:04},Firm {number} Ltd,www.firm{number}.example,{},{number} Elm Street,Waco,7670{},{owner},2024-0{}-11",
            ["Retail", "Finance", "Energy"][number % 3],
            number % 10,
            number % 9 + 1
        ));
        for part in 1..=2 {
            contacts.push(format!(
                "P-{number:04}{part},C-{number:04},First{},Last{number}x,p{number}.{part}@firm{number}.example,(602) 555-01{number:02},Buyer,{}",
                ["one", "two"][part - 1],
                ["no", "yes"][part - 1]
            ));
        }
        jobs.push(format!(
            "J-{number:04},Order {number} of mugs,C-{number:04},P-{number:04}1,{},\"{}.50\",USD,2026-0{}-15,{owner}",
            ["Quote", "Artwork", "Won", "Lost"][number % 4],
            number * 100,
            number % 9 + 1
        ));
    }
    write(files.path(), "companies.csv", &companies);
    write(files.path(), "contacts.csv", &contacts);
    write(files.path(), "jobs.csv", &jobs);
    write(files.path(), "staff.csv", &{
        let mut rows = vec!["Full Name,E-mail".to_owned()];
        rows.extend(owners.iter().map(|name| format!("{name},{}@own.example", name.replace(' ', "."))));
        rows
    });
    let users: Vec<(String, String)> =
        owners.iter().map(|name| ((*name).to_owned(), format!("{}@own.example", name.replace(' ', ".")))).collect();
    let moved = moved(files.path(), &users);
    assert_eq!(moved.object("companies"), Some(Object::Client));
    assert_eq!(moved.object("contacts"), Some(Object::Contact));
    assert_eq!(moved.object("jobs"), Some(Object::Project));
    assert_eq!(moved.live(Entity::Organization).len(), 60);
    let persons = moved.live(Entity::Person);
    assert_eq!(persons.len(), 120);
    assert!(persons.iter().all(|person| person["org_id"].is_number()), "a person has lost its company");
    let deals = moved.live(Entity::Deal);
    assert_eq!(deals.len(), 60);
    assert!(deals.iter().all(|deal| deal["org_id"].is_number() && deal["person_id"].is_number()));
    assert!(deals.iter().all(|deal| deal["expected_close_date"].is_string()));
}

#[test]
fn persons_with_a_text_for_the_company_in_german() {
    let files = tempfile::tempdir().expect("a folder");
    let mut clients = vec![
        "Kundennr;Anrede;Vorname;Nachname;Firma;Straße;PLZ;Ort;Telefon;E-Mail;Geburtstag;Angelegt am;Bemerkung"
            .to_owned(),
    ];
    let mut orders = vec!["Auftragsnummer;Projektname;Kundennr;Phase;Betrag;Währung;Liefertermin;Status".to_owned()];
    for number in 1..=60_usize {
        let (day, month) = (number % 28 + 1, number % 12 + 1);
        clients.push(format!(
            "K{number:05};{};Vorname{};Müller{};Werk {} GmbH;Hauptstraße {number};101{:02};Berlin;030 12345{number:02};kunde{number}@werk.example;{day:02}.{month:02}.1980;{day:02}.{month:02}.2024;Ruft gern vormittags an",
            ["Herr", "Frau"][number % 2],
            ["a", "b", "c", "d", "e"][number % 5],
            ["x", "y", "z"][number % 3],
            number / 2,
            number
        ));
        orders.push(format!(
            "A-{number:04};Becher {number};K{number:05};{};{}.250,{:02};EUR;{day:02}.{month:02}.2026;{}",
            ["Angebot", "Freigabe", "Produktion"][number % 3],
            number,
            number,
            ["offen", "gewonnen", "verloren"][number % 3]
        ));
    }
    write(files.path(), "Kunden.csv", &clients);
    write(files.path(), "Aufträge.csv", &orders);
    let moved = moved(files.path(), &[]);
    assert_eq!(moved.object("Kunden"), Some(Object::Client));
    assert_eq!(moved.object("Aufträge"), Some(Object::Project));
    assert_eq!(moved.mapping.defaults.day_order, DayOrder::DayFirst);
    assert_eq!(moved.mapping.defaults.decimal_sign, DecimalSign::Comma);
    assert_eq!(moved.mapping.defaults.currency, "EUR");
    assert_eq!(format!("{:?}", moved.mapping.defaults.phone_country), "DE");
    assert_eq!(moved.live(Entity::Person).len(), 60);
    assert_eq!(moved.live(Entity::Organization).len(), 31);
    let deals = moved.live(Entity::Deal);
    assert_eq!(deals.len(), 60);
    let value = |deal: &Value| deal["value"].as_f64().expect("a number");
    assert!(deals.iter().all(|deal| deal["person_id"].is_number() && value(deal) >= 1_250.0), "{:?}", deals.first());
    assert_eq!(deals.iter().filter(|deal| deal["status"] == "won").count(), 20);
}
