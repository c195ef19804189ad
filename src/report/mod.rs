//! Reports: answers read from the journal or gathered by the migration, as files for machines and pages for people.
//!
//! A report is a plain struct. [`write()`] makes three things of it in the migration's folder: `reports/NAME.json`, one
//! self-contained page `reports/NAME.html`, and for tables too long for a page the whole of them in `reports/data/`.
//! `reports/index.html` links every page with its one-sentence state. Examples are bounded, in number and in length, and
//! show the record, the field and the value concerned, nothing else. Reports are the customer's and may hold personal
//! values; nothing of them goes to the log.

pub mod amendment;
pub mod data;
pub mod deviations;
pub mod discovery;
mod file;
pub mod handover;
pub mod owners;
pub mod page;
pub mod plan;
pub mod preflight;
pub mod questions;
pub mod reconciliation;
pub mod review;
pub mod sample;
pub mod summary;
pub mod survey;
pub mod tally;
pub mod verification;
pub mod workbook;
pub mod workspace;

use std::path::{Path, PathBuf};

use askama::Template as _;
use jiff::Timestamp;
use serde::Serialize;

use crate::error::{Error, Kind, Result};
use page::{Page, PageFile, Tone};

/// What can be written as a report.
pub trait Report: Serialize {
    /// The page for people. What it says must follow from what the JSON holds.
    fn page(&self) -> Page;
}

/// The beginning of every report's JSON: enough for an index without knowing the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Head {
    /// File name without its ending.
    pub name: String,
    /// Title of the page.
    pub title: String,
    /// What the report says, in one sentence.
    pub says: String,
    /// How it looks.
    pub tone: Tone,
    /// When it was written, UTC.
    pub written_at: Timestamp,
}

#[derive(Serialize)]
struct Whole<'a, R: Report> {
    #[serde(flatten)]
    head: &'a Head,
    #[serde(flatten)]
    report: &'a R,
}

/// The reports that are in a migration's folder, in the order for reading.
///
/// # Errors
/// `Settings` when the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Head>> {
    if reports(folder).is_dir() { handover::heads(folder) } else { Ok(Vec::new()) }
}

/// Where the reports of a migration's folder are.
#[must_use]
pub fn reports(folder: &Path) -> PathBuf {
    folder.join("reports")
}

/// Writes a report as `reports/NAME.json`, `reports/NAME.html` and the files in `reports/data/` that its page names, and
/// brings `reports/index.html` up to date. Each file appears whole or not at all. `folder` is the migration's folder.
///
/// # Errors
/// `Settings` naming the file that cannot be written; what was there before stays.
pub fn write<R: Report>(folder: &Path, name: &str, at: Timestamp, report: &R) -> Result<()> {
    let page = report.page();
    page.write_tables(folder)?;
    let head = Head {
        name: name.to_owned(),
        title: page.title.clone(),
        says: page.says.clone(),
        tone: page.tone,
        written_at: at,
    };
    let mut json = serde_json::to_vec_pretty(&Whole { head: &head, report })
        .map_err(|error| Error::new(Kind::Bug, format!("report {name} as JSON")).because(error))?;
    json.push(b'\n');
    let html = PageFile::new(&page, at)
        .render()
        .map_err(|error| Error::new(Kind::Bug, format!("report {name} as a page")).because(error))?;
    let reports = reports(folder);
    file::write(&reports.join(format!("{name}.json")), &json)?;
    file::write(&reports.join(format!("{name}.html")), html.as_bytes())?;
    handover::write_index(folder, at)
}
