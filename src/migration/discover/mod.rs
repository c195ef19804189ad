//! `discover`: finds out what the source holds, decides how each kind of record is read, writes workbooks for what nothing
//! delivers, and says what is still to be asked. It reads the source only; nothing is sent to Pipedrive.

mod ask;
mod books;
mod decide;
mod inventory;
mod join;
mod look;
mod probing;
mod report;

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::extraction::{self, Method};
use crate::config::{Config, SourceConfig};
use crate::error::{Error, Kind, Result};
use crate::mapping::Mapping;
use crate::propose::compose::compose;
use crate::propose::plan::{Known, Planned, plan};
use crate::propose::vocabulary::Vocabulary;
use crate::record::Object;
use crate::report::discovery::{Asked, Changes, Discovery, NAME, ProfileKept, Question};
use crate::report::{self as reports, Head};
use crate::source::csv::raw;
use crate::source::probe::FileWay;

use super::map::{Reading, stopped};
use super::origin::{api_source, book_of, filled_books};
use super::read_mapping;
use decide::{Case, Refusals};
use look::Seen;

/// What was read, before anything is concluded.
#[derive(Default)]
struct Looked {
    seen: Vec<Seen>,
    /// Why the API does not deliver an object.
    refusals: Refusals,
    /// What was done, in sentences.
    did: Vec<String>,
    requests: u64,
    /// Tables that could not be read, with the reason.
    unread: Vec<(String, String)>,
    /// What the probe says of lists that the API delivers: reasons and risks.
    notes: BTreeMap<Object, (Vec<String>, Vec<String>)>,
    /// What is asked about lists that hide rows.
    hidden: Vec<Question>,
    /// How files of the API come, by one that was tried.
    files: Vec<FileWay>,
    /// Lists of the API that are no kind of record of ours.
    other_lists: Vec<String>,
    asked: Vec<Asked>,
    profile: Option<ProfileKept>,
    time_zone: String,
    currency: String,
}

/// The mapping that is gone by, and whether it is the one of the folder.
struct Rules {
    mapping: Mapping,
    /// True for `mapping.toml`; otherwise it is what would be proposed.
    is_own: bool,
    /// What is wrong with `mapping.toml`; empty when nothing is.
    wrong: String,
}

/// Looks at the source that the settings name, and writes report, workbooks and what was decided into the folder.
///
/// # Errors
/// Those of reading the source and of writing the files; `Stopped`.
pub async fn discover(config: &Config, folder: &Path, reading: &Reading) -> Result<Discovery> {
    let own = if config.mapping.exists() { Some(read_mapping(&config.mapping)) } else { None };
    let standard = Mapping::with_history();
    let known_sheets = own.as_ref().and_then(|own| own.as_ref().ok()).unwrap_or(&standard);
    let before = last(folder);
    let kept = before.as_ref().and_then(|(before, _)| before.profile.as_ref()).map(|kept| kept.digest.clone());
    let looked = look_all(config, (known_sheets, &standard), kept.as_deref(), reading).await?;
    let (config, folder, at) = (config.clone(), folder.to_owned(), reading.clock.utc());
    let job = reading.clock.job();
    let work = tokio::task::spawn_blocking(move || {
        let concluded = conclude(&config, looked, own).and_then(|mut discovery| {
            discovery.changes = before.map(|(before, since)| Changes::between(&before, since, &discovery));
            keep(&folder, &discovery)?;
            reports::write(&folder, NAME, at, &discovery)?;
            Ok(discovery)
        });
        (concluded, job)
    });
    let (concluded, _job) = work.await.map_err(|error| Error::new(Kind::Bug, "discovering").because(error))?;
    concluded
}

async fn look_all(
    config: &Config,
    (own, standard): (&Mapping, &Mapping),
    kept: Option<&str>,
    reading: &Reading,
) -> Result<Looked> {
    let mut looked = Looked::default();
    if let SourceConfig::Api { address, .. } = &config.source {
        let host = address.host_str().unwrap_or_default().to_owned();
        match look_at_api(config, kept, &mut looked, reading).await {
            Ok(()) => {
                looked.did.push(format!("Asked the API at {host}: {} requests, all of them reads.", looked.requests))
            }
            // Where files may stand in, a silent API is told and no end.
            Err(error) if config.extraction.folder.is_some() && error.kind() != Kind::Stopped => {
                looked.did.push(format!("Asked the API at {host}, in vain: {}.", error.chain()));
                looked.unread.push((format!("the API at {host}"), error.chain()));
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(files) = &config.extraction.folder {
        for name in raw::tables(files)? {
            stopped(&reading.stop)?;
            match look::files(files, &name, reading).await {
                Ok(seen) => looked.seen.push(seen),
                Err(error) if matches!(error.kind(), Kind::Source | Kind::Settings) => {
                    looked.unread.push((format!("table {name}"), error.chain()));
                }
                Err(error) => return Err(error),
            }
        }
        let tables = looked.seen.iter().filter(|seen| seen.method == Method::Csv).count();
        looked.did.push(format!("Read {tables} tables of {} from the first row to the last.", files.display()));
    }
    look_at_books(config, (own, standard), &mut looked, reading).await?;
    Ok(looked)
}

async fn look_at_api(config: &Config, kept: Option<&str>, looked: &mut Looked, reading: &Reading) -> Result<()> {
    probing::probe_api(config, kept, looked, reading).await?;
    let source = api_source(config, &reading.clock)?;
    looked.requests += 1;
    if let Some(account) = source.account().await? {
        (looked.time_zone, looked.currency) = (account.timezone, account.currency);
    }
    for (object, name) in source.lists() {
        match look::pages(&source, (object, &name, Method::Api), reading).await {
            Ok(seen) => {
                looked.requests += seen.requests;
                looked.seen.push(seen);
            }
            Err(error) if matches!(error.kind(), Kind::Source | Kind::Record | Kind::Drift | Kind::Settings) => {
                looked.requests += 1;
                looked.refusals.insert(object, error.chain());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Workbooks that are there already, filled in or not.
async fn look_at_books(
    config: &Config,
    (own, standard): (&Mapping, &Mapping),
    looked: &mut Looked,
    reading: &Reading,
) -> Result<()> {
    let folder = &config.extraction.workbooks;
    let mut read = 0;
    for (object, name, book) in filled_books(config, &[own, standard], &reading.clock)? {
        match look::pages(&book, (object, &name, Method::Workbook), reading).await {
            // One that nobody filled in holds nothing that anything could join.
            Ok(seen) if seen.parsed + seen.rejected == 0 => {}
            Ok(seen) => looked.seen.push(Seen { requests: 0, ..seen }),
            Err(error) if matches!(error.kind(), Kind::Source | Kind::Settings) => {
                looked.unread.push((format!("workbook {name}.xlsx"), error.chain()));
            }
            Err(error) => return Err(error),
        }
        read += 1;
    }
    if read > 0 {
        looked.did.push(format!("Read {read} workbooks of {}.", folder.display()));
    }
    Ok(())
}

/// Everything that follows from what was read.
fn conclude(config: &Config, looked: Looked, own: Option<Result<Mapping>>) -> Result<Discovery> {
    let Looked {
        mut seen,
        refusals,
        did,
        requests,
        unread,
        time_zone,
        currency,
        notes,
        hidden,
        files,
        other_lists,
        asked,
        profile,
    } = looked;
    let known = Known {
        tables: seen.iter().map(|seen| seen.table.clone()).collect(),
        is_api: matches!(config.source, SourceConfig::Api { .. }),
        time_zone,
        currency,
        held: Vec::new(),
    };
    let placements =
        own.as_ref().and_then(|own| own.as_ref().ok()).map(|own| own.placements.clone()).unwrap_or_default();
    let plans = plan(&known, &Vocabulary::shipped()?, &placements)?;
    let rules = rules(own, &seen, &known, &plans);
    let objects = objects(&rules, &seen, &plans);
    let standard = Mapping::with_history();
    let usable = usable(&rules, &standard);
    let mut decided = Case {
        extraction: &config.extraction,
        seen: &seen,
        objects: &objects,
        mapping: &rules.mapping,
        standard: &standard,
        refusals: &refusals,
        has_api: known.is_api,
        usable: &usable,
    }
    .decide();
    for found in decided.iter_mut().filter(|found| found.method == Method::Api) {
        let (reasons, risks) = notes.get(&found.object).cloned().unwrap_or_default();
        found.reasons.extend(reasons);
        found.risks.extend(risks);
    }
    let links = report::links(&mut seen, &objects, &plans, &rules.mapping)?;
    let choices = report::choices(&mut seen, &objects, &plans)?;
    let written = write_books(config, (&rules.mapping, &standard), &decided, &choices)?;
    let inventory = inventory::inventory(&config.extraction.workbooks, &mut seen)?;
    let mut discovery = Discovery {
        did,
        requests,
        asked,
        profile,
        objects: decided,
        tables: report::tables(&seen, &objects, &plans, &rules.mapping),
        links,
        fields: report::fields(&seen, &objects, &rules.mapping),
        fields_from: if rules.is_own { "As mapping.toml says." } else { "As crossdock map --propose would propose." }
            .to_owned(),
        inventory,
        files: report::files(&seen, &files),
        questions: Vec::new(),
        changes: None,
    };
    if !written.is_empty() {
        discovery.did.push(format!("Wrote {} into {}.", written.join(", "), config.extraction.workbooks.display()));
    }
    discovery.questions = ask::questions(&discovery, &rules, &unread, (&other_lists, &hidden));
    Ok(discovery)
}

/// The folder's mapping where it reads any table that is there; otherwise what would be proposed.
fn rules(own: Option<Result<Mapping>>, seen: &[Seen], known: &Known, plans: &[Planned]) -> Rules {
    let (own, wrong) = match own {
        Some(Ok(mapping)) => (Some(mapping), String::new()),
        Some(Err(error)) => (None, error.chain()),
        None => (None, String::new()),
    };
    let reads_any = |mapping: &Mapping| {
        seen.is_empty()
            || mapping.objects.iter().any(|rules| seen.iter().any(|seen| is_table(&seen.name, &rules.table)))
    };
    if let Some(mapping) = own.as_ref().filter(|own| reads_any(own)) {
        return Rules { mapping: mapping.clone(), is_own: true, wrong };
    }
    match Mapping::parse(&compose(known, plans).mapping, "the proposed mapping") {
        Ok(mapping) if !mapping.objects.is_empty() => Rules { mapping, is_own: false, wrong },
        _ => Rules { mapping: own.unwrap_or_else(Mapping::promox), is_own: true, wrong },
    }
}

fn is_table(name: &str, table: &str) -> bool {
    name.to_lowercase() == table.to_lowercase()
}

/// What each table holds: as the mapping says, and where it says nothing, as its name and columns do.
fn objects(rules: &Rules, seen: &[Seen], plans: &[Planned]) -> Vec<Option<Object>> {
    let mapped = |seen: &Seen| {
        seen.object.or_else(|| {
            let own = rules.mapping.objects.iter().find(|rules| is_table(&seen.name, &rules.table));
            own.map(|rules| rules.object)
        })
    };
    let known: Vec<Option<Object>> = seen.iter().map(mapped).collect();
    let guessed = |(at, object): (usize, &Option<Object>)| {
        object.or_else(|| {
            let guess = plans.iter().find(|planned| planned.at == at).and_then(|planned| planned.object)?;
            (!known.contains(&Some(guess))).then_some(guess)
        })
    };
    known.iter().enumerate().map(guessed).collect()
}

/// The objects that the migration could use: those that the mapping reads, and those that it can learn to read.
fn usable(rules: &Rules, standard: &Mapping) -> Vec<Object> {
    let is_declared = !rules.mapping.pipelines.declared.is_empty();
    let is_usable = |object: &&Object| {
        let is_mapped = rules.mapping.object(**object).is_some();
        is_mapped || (standard.object(**object).is_some() && !(**object == Object::Pipeline && is_declared))
    };
    Object::ALL.iter().filter(is_usable).copied().collect()
}

/// Writes workbooks for what nothing delivers, where there are none yet. Gives their names.
fn write_books(
    config: &Config,
    (mapping, standard): (&Mapping, &Mapping),
    decided: &[crate::report::discovery::ObjectFound],
    choices: &books::Choices,
) -> Result<Vec<String>> {
    let mut written = Vec::new();
    for found in decided.iter().filter(|found| found.method == Method::Workbook) {
        let Some(rules) = mapping.sheet(found.object).or_else(|| standard.sheet(found.object)) else { continue };
        let (file, _) = book_of(&rules);
        if config.extraction.workbooks.join(&file).exists() {
            continue;
        }
        books::write(&config.extraction.workbooks, &rules, choices)?;
        written.push(file);
    }
    Ok(written)
}

/// Keeps what was decided beside the settings.
fn keep(folder: &Path, discovery: &Discovery) -> Result<()> {
    let decided: BTreeMap<Object, Method> =
        discovery.objects.iter().map(|found| (found.object, found.method)).collect();
    let path = folder.join(extraction::FILE);
    let failed = |error| Error::new(Kind::Settings, format!("writing {}", path.display())).because(error);
    let beside = path.with_extension("part");
    std::fs::write(&beside, extraction::text(&decided)).map_err(failed)?;
    std::fs::rename(&beside, &path).map_err(failed)
}

/// The discovery before this one, and when it was made; `None` where there is none, or one of another version.
fn last(folder: &Path) -> Option<(Discovery, jiff::Timestamp)> {
    let text = std::fs::read(reports::reports(folder).join(format!("{NAME}.json"))).ok()?;
    let head: Head = serde_json::from_slice(&text).ok()?;
    Some((serde_json::from_slice(&text).ok()?, head.written_at))
}
