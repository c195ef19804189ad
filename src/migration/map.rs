//! Proposes a mapping: reads every table of the source once, asks Pipedrive for its fields, and writes nothing.
//!
//! It needs the settings only, no mapping and no journal. Rows are kept in a nameless temporary file, so that what the
//! proposal would lose can be counted on the same rows; the file is gone with the process.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use serde_json::Value;

use crate::clean::identity;
use crate::clock::Clock;
use crate::config::{Config, SourceConfig};
use crate::error::{Error, Kind, Result, Verdict};
use crate::http::Http;
use crate::mapping::Mapping;
use crate::mapping::column::Payload;
use crate::mapping::object::ObjectRules;
use crate::mapping::placement::Placements;
use crate::mapping::proposal::{Held, Proposal};
use crate::pipedrive::{Budget, Client};
use crate::progress::Progress;
use crate::propose::compose::compose;
use crate::propose::losses::Losses;
use crate::propose::plan::{Known, Planned, plan};
use crate::propose::profile::Table;
use crate::propose::vocabulary::Vocabulary;
use crate::record::{Entity, Object, Place};
use crate::source::csv::raw::{RawTable, tables};
use crate::source::{Cursor, Source};
use crate::stage::normalize::{Normalized, RoleResult, normalize};
use crate::stop::Stop;

use super::api_source;
use super::map_model::ask_all;
use super::origin::filled_books;

/// Rows of a table that are looked at: enough for rare values, and some minutes of reading at most.
const ROWS: u64 = 50_000;

/// What reading needs beside the settings.
#[derive(Clone)]
pub struct Reading {
    /// The clock.
    pub clock: Clock,
    /// The switch that ends it.
    pub stop: Stop,
    /// Where others read how far it is.
    pub progress: Progress,
}

/// A proposal.
#[derive(Debug)]
pub struct Proposed {
    /// What was found and why it is proposed so.
    pub proposal: Proposal,
    /// The text of `mapping.toml`.
    pub mapping: String,
    /// The same with the placements before, where they were asked for.
    pub before: Option<String>,
    /// Why Pipedrive could not be asked which fields it has, which the proposal then does not know; else empty.
    pub unasked: String,
}

/// How long whoever waits for a map waits for Pipedrive. Its answers take a second or two; a load can wait longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What Pipedrive answers, if it does so while somebody still waits for it.
///
/// # Errors
/// Those of asking; `Unreachable` when nothing came in time.
pub(super) async fn in_time<T>(clock: &Clock, asked: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        answer = asked => answer,
        () = clock.sleep(PATIENCE) => {
            let what = format!("Pipedrive did not answer within {} seconds", PATIENCE.as_secs());
            Err(Error::new(Kind::Unreachable, what))
        }
    }
}

/// Rows of one table, as JSON lines.
pub(super) struct Spool(File);

/// Placements to propose with.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// What the rows of tables become, where somebody chose that.
    pub placements: Placements,
    /// What was known when the mapping was last proposed; `None`: nobody asks for that mapping too.
    pub before: Option<Before>,
}

/// What a mapping was proposed from, beside the rows.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// What the rows of tables became.
    pub placements: Placements,
    /// Fields that Pipedrive had then, which shaped the mapping; `None` where nobody kept them, and it is asked.
    pub held: Option<Vec<Held>>,
}

/// Proposes a mapping for the source and the account that the settings name.
///
/// # Errors
/// Those of reading the source and the account; `Stopped`; `Bug` when the proposed text is no valid mapping.
pub async fn propose(config: &Config, reading: &Reading) -> Result<Proposed> {
    propose_as(config, reading, Chosen::default()).await
}

/// Proposes a mapping in which tables become what somebody chose.
///
/// # Errors
/// As [`propose`]; `Settings` naming every choice that cannot be.
pub async fn propose_as(config: &Config, reading: &Reading, chosen: Chosen) -> Result<Proposed> {
    let (mut known, mut spools) = match &config.source {
        SourceConfig::Csv { folder, .. } => read_files(folder, reading).await?,
        SourceConfig::Api { .. } => read_api(config, reading).await?,
    };
    read_beside(config, reading, &mut known, &mut spools).await?;
    let Chosen { placements, mut before } = chosen;
    let mut unasked = String::new();
    match before.as_mut().and_then(|before| before.held.take()) {
        Some(held) => known.held = held,
        None => match in_time(&reading.clock, held(config, reading)).await {
            Ok(held) => known.held = held,
            Err(error) if matches!(error.verdict(), Verdict::Wait(_)) => error.message().clone_into(&mut unasked),
            Err(error) => return Err(error),
        },
    }
    let job = reading.clock.job();
    let planned = tokio::task::spawn_blocking(move || {
        let plans = Vocabulary::shipped().and_then(|vocabulary| {
            let before = before.map(|before| plan(&known, &vocabulary, &before.placements)).transpose()?;
            Ok((plan(&known, &vocabulary, &placements)?, before))
        });
        (known, plans, job)
    });
    let (known, plans, _job) = planned.await.map_err(proposing)?;
    let (mut plans, mut before) = plans?;
    let shown = match &config.map_model {
        Some(model) => {
            if let Some(before) = &mut before {
                ask_all(model, before, &known, reading).await?;
            }
            Some(ask_all(model, &mut plans, &known, reading).await?)
        }
        None => None,
    };
    let job = reading.clock.job();
    let work = tokio::task::spawn_blocking(move || {
        let written = |plans: &[Planned]| {
            let mut composed = compose(&known, plans);
            if let Some(shown) = &shown {
                composed.mapping.insert_str(0, &format!("# {shown}.\n"));
            }
            composed
        };
        let before = before.map(|before| written(&before).mapping);
        let mut composed = written(&plans);
        composed.proposal.shown_to = shown;
        composed.proposal.held = Some(known.held.clone());
        let mapping = Mapping::parse(&composed.mapping, "the proposed mapping")
            .map_err(|error| Error::new(Kind::Bug, "the proposed mapping is none").because(error.chain()))?;
        let mut proposal = composed.proposal;
        for (table, spool) in known.tables.iter().zip(spools) {
            if let Some(rules) = mapping.objects.iter().find(|rules| rules.table == table.name) {
                count_losses(rules, &mapping, table, spool, &mut proposal)?;
            }
        }
        Ok((Proposed { proposal, mapping: composed.mapping, before, unasked }, job))
    });
    let done: Result<_> = work.await.map_err(proposing)?;
    done.map(|(proposed, _job)| proposed)
}

fn proposing(error: tokio::task::JoinError) -> Error {
    Error::new(Kind::Bug, "proposing a mapping").because(error)
}

async fn read_files(folder: &Path, reading: &Reading) -> Result<(Known, Vec<Spool>)> {
    let mut known = Known::default();
    let mut spools = Vec::new();
    for table in tables(folder)? {
        stopped(&reading.stop)?;
        reading.progress.begin("map", &table, 0);
        let (path, job, progress) = (folder.to_owned(), reading.clock.job(), reading.progress.clone());
        let read = tokio::task::spawn_blocking(move || (read_table(&path, &table, &progress), job));
        let (read, _job) = read.await.map_err(|error| Error::new(Kind::Bug, "reading a table").because(error))?;
        let (table, spool) = read?;
        known.tables.push(table);
        spools.push(spool);
    }
    Ok((known, spools))
}

fn read_table(folder: &Path, name: &str, progress: &Progress) -> Result<(Table, Spool)> {
    let mut rows = RawTable::open(folder, name)?;
    let mut table = Table::new(name, rows.header());
    let mut spool = Spool::new()?;
    table.is_whole = true;
    while let Some(batch) = rows.next_rows()? {
        progress.add_done(batch.len() as u64);
        for row in batch.into_iter().flatten() {
            table.add(&row.values);
            spool.add(&row.values)?;
        }
        if table.rows >= ROWS {
            table.is_whole = rows.next_rows()?.is_none();
            break;
        }
    }
    Ok((table, spool))
}

async fn read_api(config: &Config, reading: &Reading) -> Result<(Known, Vec<Spool>)> {
    let source = api_source(config, &reading.clock)?;
    let account = source.account().await?;
    let mut known = Known { is_api: true, ..Known::default() };
    if let Some(account) = account {
        (known.time_zone, known.currency) = (account.timezone, account.currency);
    }
    let mut spools = Vec::new();
    for (object, name) in source.lists() {
        let (table, spool) = read_pages(&source, object, &name, reading).await?;
        known.tables.push(table);
        spools.push(spool);
    }
    Ok((known, spools))
}

async fn read_pages(source: &Source, object: Object, name: &str, reading: &Reading) -> Result<(Table, Spool)> {
    stopped(&reading.stop)?;
    reading.progress.begin("map", name, 0);
    let (mut table, mut spool) = (Table::new(name, &[]), Spool::new()?);
    let mut pages = source.pages(object, Cursor::start());
    let mut pass = 0;
    while let Some(page) = pages.try_next().await? {
        stopped(&reading.stop)?;
        // The walk begins again where rows moved, or where two readings must agree: what was read before is void.
        if page.pass != pass {
            pass = page.pass;
            (table, spool) = (Table::new(name, &[]), Spool::new()?);
            reading.progress.begin("map", name, 0);
        }
        reading.progress.add_done(page.records.len() as u64);
        for record in &page.records {
            table.add(&record.payload);
            spool.add(&record.payload)?;
        }
        table.is_whole = page.last;
        if table.rows >= ROWS {
            break;
        }
    }
    Ok((table, spool))
}

/// What stands beside the API or the files: files of what the API does not deliver, and workbooks that were filled in.
async fn read_beside(config: &Config, reading: &Reading, known: &mut Known, spools: &mut Vec<Spool>) -> Result<()> {
    let is_new = |known: &Known, name: &str| !known.tables.iter().any(|table| table.name == name && table.rows > 0);
    if let (SourceConfig::Api { .. }, Some(folder)) = (&config.source, &config.extraction.folder) {
        let (files, rows) = read_files(folder, reading).await?;
        for (table, spool) in files.tables.into_iter().zip(rows) {
            if is_new(known, &table.name) {
                known.tables.push(table);
                spools.push(spool);
            }
        }
    }
    for (object, name, source) in filled_books(config, &[&Mapping::with_history()], &reading.clock)? {
        let (table, spool) = read_pages(&source, object, &name, reading).await?;
        if table.rows > 0 && is_new(known, &name) {
            known.tables.push(table);
            spools.push(spool);
        }
    }
    Ok(())
}

/// The fields that the account has. Three reads; nothing is kept.
async fn held(config: &Config, reading: &Reading) -> Result<Vec<Held>> {
    let settings = &config.pipedrive;
    let http = Http::new(reading.clock.clone(), settings.request_timeout, settings.calls_in_flight)?;
    let budget = Budget::new(reading.clock.clone(), settings.spending, settings.calls_in_flight)?;
    let budget = budget.of_run(reading.stop.clone(), reading.progress.clone());
    let client = Client::new(http, settings.address.clone(), settings.credentials.clone(), Arc::new(budget));
    let mut held = Vec::new();
    for (entity, fields) in [
        (Entity::Organization, Entity::OrganizationField),
        (Entity::Person, Entity::PersonField),
        (Entity::Deal, Entity::DealField),
    ] {
        reading.progress.begin("map", &format!("fields of {entity}s"), 0);
        held.extend(client.fields(fields).await?.into_iter().map(|field| Held {
            entity,
            code: field.code,
            name: field.name,
            field_type: field.field_type,
            custom: field.custom,
            options: field.options.into_iter().map(|option| option.label).collect(),
        }));
    }
    Ok(held)
}

/// Runs the proposed mapping over the rows that were read, and says per column what would be lost.
fn count_losses(
    rules: &ObjectRules,
    mapping: &Mapping,
    table: &Table,
    mut spool: Spool,
    proposal: &mut Proposal,
) -> Result<()> {
    let mut losses = Losses::default();
    for (number, row) in spool.rows()?.enumerate() {
        let row = row?;
        let place = Place { origin: Arc::from(table.name.as_str()), row: number as u64 + 1 };
        let Ok(record) = identity::source_record(rules, &mapping.defaults, row, place) else { continue };
        match normalize(&record, mapping, None) {
            Normalized::Roles(roles) => {
                for role in roles {
                    if let RoleResult::Draft { findings, .. } = role.result {
                        findings.iter().for_each(|finding| losses.add(finding));
                    }
                }
            }
            Normalized::Rejected(rejection) => rejection.field.split('+').for_each(|column| losses.reject(column)),
            Normalized::Folded(_) | Normalized::Skipped(_) => {}
        }
    }
    let own = proposal.tables.iter_mut().find(|proposed| proposed.table == table.name);
    for field in own.into_iter().flat_map(|proposed| &mut proposed.fields) {
        let filled = |name: &String| table.column(name).map_or(0, |column| column.filled);
        field.losses = field.columns.iter().flat_map(|name| losses.of(name, filled(name))).collect();
    }
    Ok(())
}

pub(super) fn stopped(stop: &Stop) -> Result<()> {
    if stop.is_stopped() { Err(Error::new(Kind::Stopped, "a stop was asked for")) } else { Ok(()) }
}

impl Spool {
    pub(super) fn new() -> Result<Self> {
        tempfile::tempfile().map(Self).map_err(spooling)
    }

    pub(super) fn add(&mut self, row: &Payload) -> Result<()> {
        let mut line = serde_json::to_vec(row).map_err(spooling)?;
        line.push(b'\n');
        self.0.write_all(&line).map_err(spooling)
    }

    /// The rows from the first on; as often as wanted, one after the other.
    pub(super) fn rows(&mut self) -> Result<impl Iterator<Item = Result<Payload>> + use<'_>> {
        self.0.rewind().map_err(spooling)?;
        let row = |line: std::io::Result<String>| {
            let line = line.map_err(spooling)?;
            match serde_json::from_str(&line).map_err(spooling)? {
                Value::Object(row) => Ok(row),
                _ => Err(Error::new(Kind::Bug, "a kept row is no object")),
            }
        };
        Ok(BufReader::new(&mut self.0).lines().map(row))
    }
}

fn spooling(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Settings, "keeping the rows in a temporary file").because(error)
}
