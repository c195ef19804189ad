//! The handover and the index: every report with its state in one sentence, and where Pipedrive differs.

use std::fs;
use std::path::Path;

use askama::Template;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::deviations::{self, Deviation};
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, counted, instant, number, title_case};
use super::{Head, Report, file, reports};
use crate::error::{Error, Kind, Result};

/// The order in which a reader wants them; others follow by name.
const ORDER: &[&str] = &[
    "handover",
    "reconciliation",
    "verification",
    "questions",
    "owners",
    "plan",
    "preflight",
    "workspace",
    "sample",
    "quality",
    "mapping",
    "discovery",
];

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handover {
    /// The reports there are, as they stand.
    pub reports: Vec<Head>,
    /// Where Pipedrive cannot do what one would expect.
    pub deviations: Vec<Deviation>,
    /// Changes of the source that somebody accepted, one line for each, oldest first.
    pub accepted: Vec<String>,
}

impl Handover {
    /// Gathers what reports there are in the migration's `folder`; `accepted` are the changes of the source that somebody
    /// accepted.
    ///
    /// # Errors
    /// `Settings` when the folder cannot be read.
    pub fn build(folder: &Path, accepted: Vec<String>) -> Result<Self> {
        let others = heads(folder)?.into_iter().filter(|head| head.name != "handover");
        let planned = planned(folder).filter(|deviations| !deviations.is_empty());
        Ok(Self { reports: others.collect(), deviations: planned.unwrap_or_else(deviations::all), accepted })
    }
}

/// The deviations that the approved plan named for this account.
fn planned(folder: &Path) -> Option<Vec<Deviation>> {
    #[derive(Deserialize)]
    struct Planned {
        deviations: Vec<Deviation>,
    }
    let text = fs::read(reports(folder).join("plan.json")).ok()?;
    serde_json::from_slice::<Planned>(&text).ok().map(|plan| plan.deviations)
}

/// The heads of all reports in the folder, in the order for reading. Files that are no reports are passed over.
pub(super) fn heads(folder: &Path) -> Result<Vec<Head>> {
    let reports = reports(folder);
    let unreadable =
        |error: std::io::Error| Error::new(Kind::Settings, format!("reading {}", reports.display())).because(error);
    let mut heads = Vec::new();
    for entry in fs::read_dir(&reports).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let text = fs::read(&path).map_err(unreadable)?;
            heads.extend(serde_json::from_slice::<Head>(&text).ok());
        }
    }
    let place = |head: &Head| ORDER.iter().position(|name| *name == head.name).unwrap_or(ORDER.len());
    heads.sort_by(|one, other| place(one).cmp(&place(other)).then_with(|| one.name.cmp(&other.name)));
    Ok(heads)
}

#[derive(Template)]
#[template(path = "index.html")]
struct IndexFile {
    links: Vec<Link>,
    written: String,
}

struct Link {
    head: Head,
    written: String,
}

/// Writes `reports/index.html`.
pub(super) fn write_index(folder: &Path, at: Timestamp) -> Result<()> {
    let links = heads(folder)?.into_iter().map(|head| Link { written: instant(head.written_at), head }).collect();
    let index = IndexFile { links, written: instant(at) }
        .render()
        .map_err(|error| Error::new(Kind::Bug, "the index of the reports as a page").because(error))?;
    file::write(&reports(folder).join("index.html"), index.as_bytes())
}

pub(super) fn deviations_section(deviations: &[Deviation]) -> Section {
    let rows = deviations.iter().map(|line| {
        let mut cells = [&*line.about, &*line.expected, &*line.instead].map(Cell::words).to_vec();
        cells.push(Cell::maybe(line.records, ""));
        Row::new(cells)
    });
    let columns = ["About", "Expected", "What happens instead", "Records"];
    let table = Table::new(&columns, rows.collect(), "None.");
    Section::new("Where Pipedrive differs from what one may expect", "", table)
}

impl Report for Handover {
    fn page(&self) -> Page {
        let titles = |tone: Tone| {
            let titles = self.reports.iter().filter(|head| head.tone == tone).map(|head| head.title.as_str());
            titles.collect::<Vec<_>>().join(", ")
        };
        let bad = self.reports.iter().filter(|head| head.tone == Tone::Bad).count() as u64;
        let open = self.reports.iter().filter(|head| head.tone == Tone::Attention).count() as u64;
        let (says, tone) = match (bad, open) {
            (0, 0) => ("The migration is complete; every report is clean.".to_owned(), Tone::Good),
            (0, _) => (
                format!("Nothing is wrong; {} something to look at.", counted(open, "report has", "reports have")),
                Tone::Attention,
            ),
            (_, _) => (format!("Something is wrong: see {}.", titles(Tone::Bad)), Tone::Bad),
        };
        let state = |tone: Tone| match tone {
            Tone::Bad => "wrong",
            Tone::Attention => "look",
            Tone::Good => "good",
            Tone::Plain => "for information",
        };
        let rows = self.reports.iter().map(|head| {
            let cells = [&*title_case(&head.name), &head.says].map(Cell::words);
            let mut cells = cells.to_vec();
            cells.push(Cell::text(state(head.tone)).tone(head.tone));
            cells.push(Cell::text(instant(head.written_at)));
            Row::new(cells)
        });
        let table =
            Table::new(&["Report", "What it says", "State", "Written"], rows.collect(), "There are no reports.");
        let mut sections = vec![
            Section::new("How things stand", "The index of all reports links each of them.", table),
            deviations_section(&self.deviations),
        ];
        if !self.accepted.is_empty() {
            let rows = self.accepted.iter().map(|line| Row::new(vec![Cell::words(line)])).collect();
            let table = Table::new(&["What, by whom and when"], rows, "None.");
            sections.push(Section::new("Changes of the source that were accepted", "", table));
        }
        Page {
            title: "Handover".to_owned(),
            says,
            tone,
            figures: vec![
                Figure::new("Reports", number(self.reports.len() as u64)),
                Figure::zero_is_good("To look at", open, Tone::Attention),
                Figure::zero_is_good("Wrong", bad, Tone::Bad),
            ],
            sections,
        }
    }
}
