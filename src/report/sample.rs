//! The sample report: the records that were loaded first, field by field, as the source has them and as Pipedrive shows
//! them, for people to judge before everything else is loaded.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Report;
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, number, title_case};
use crate::record::{Entity, Fate};

/// Records that the page shows field by field; the file has all.
const RECORDS_SHOWN: usize = 120;

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Sample {
    /// Name of the Pipedrive company that the sample is in.
    pub company: String,
    /// What is so because that is a staging company; `None` for the company itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staging: Option<InStaging>,
    /// The records, in the order of loading.
    pub records: Vec<SampleRecord>,
    /// Those of the sample that did not become a record of their own.
    pub waiting: Vec<SampleWaiting>,
}

/// What is to be known of a sample in a staging company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InStaging {
    /// Id of the staging company.
    pub company_id: String,
    /// The company that the migration is for, in which nothing of the sample is.
    pub instead_of: String,
    /// The user who stands in for owners.
    pub stand_in: String,
    /// Names of the owners who have a user in the company itself and none in staging.
    pub stood_in_for: Vec<String>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SampleRecord {
    /// What kind of Pipedrive record it is.
    pub entity: Entity,
    /// Which role of which source record.
    pub record: String,
    /// Why it is in the sample.
    pub why: String,
    /// Its name in Pipedrive.
    pub title: String,
    /// Its id in Pipedrive.
    pub dest_id: String,
    /// Where to look at it; empty for kinds without a page.
    pub link: String,
    /// Pipedrive does not have it any more.
    pub is_missing: bool,
    /// Pipedrive had it before us.
    pub was_there: bool,
    /// Its fields.
    pub fields: Vec<SampleField>,
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SampleField {
    /// Its name in Pipedrive.
    pub name: String,
    /// As the source has it; empty where it is not from one column.
    pub source: String,
    /// As Pipedrive shows it.
    pub pipedrive: String,
    /// What was promised, where Pipedrive holds something else.
    pub promised: Option<String>,
}

/// A role without a record of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SampleWaiting {
    /// Which role of which source record.
    pub record: String,
    /// How it ended.
    pub fate: Fate,
    /// Why.
    pub reason: String,
}

impl SampleRecord {
    /// Fields that are not as promised.
    #[must_use]
    pub fn different(&self) -> u64 {
        self.fields.iter().filter(|field| field.promised.is_some()).count() as u64
    }
}

impl Sample {
    /// Records that are missing or hold something else than promised.
    #[must_use]
    pub fn different(&self) -> u64 {
        self.records.iter().filter(|record| record.is_missing || record.different() > 0).count() as u64
    }

    /// What an approval is about: every value that people saw.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("company: {}", self.company)];
        if let Some(staging) = &self.staging {
            lines.push(format!("staging company: {}, instead of: {}", staging.company_id, staging.instead_of));
            let stood_in = |owner: &String| format!("owner {owner}, in staging: {} stands in", staging.stand_in);
            lines.extend(staging.stood_in_for.iter().map(stood_in));
        }
        for record in &self.records {
            lines.push(format!("{} as {} {}", record.record, record.entity, record.dest_id));
            if record.is_missing {
                lines.push(format!("{}: missing", record.record));
            }
            let field = |field: &SampleField| format!("{} {}: {}", record.record, field.name, flat(&field.pipedrive));
            lines.extend(record.fields.iter().map(field));
        }
        let waiting =
            |waiting: &SampleWaiting| format!("{}: {}, {}", waiting.record, waiting.fate, flat(&waiting.reason));
        lines.extend(self.waiting.iter().map(waiting));
        lines
    }

    fn by_kind(&self) -> BTreeMap<Entity, (u64, u64)> {
        let mut kinds = BTreeMap::new();
        for record in &self.records {
            let (records, fields): &mut (u64, u64) = kinds.entry(record.entity).or_default();
            *records += 1;
            *fields += record.fields.len() as u64;
        }
        kinds
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Report for Sample {
    fn page(&self) -> Page {
        let different = self.different();
        let fields: u64 = self.by_kind().values().map(|(_, fields)| fields).sum();
        let says = format!(
            "{} of the sample {} in {}{}; {}.",
            counted(self.records.len() as u64, "record", "records"),
            if self.records.len() == 1 { "is" } else { "are" },
            if self.staging.is_some() { "the staging company " } else { "" },
            self.company,
            match different {
                0 => "every field holds what was promised".to_owned(),
                more => format!("{} from what was promised", counted(more, "differs", "differ")),
            },
        );
        let mut sections = vec![Section::new(
            "The sample",
            "Each record was chosen for what it shows; what it belongs to came along. Look at some of them in Pipedrive \
             itself. If something is wrong, change the mapping: after the approvals the sample is taken back and loaded anew. \
             If all is well, approve the gate: the sample stays, and everything else is loaded.",
            self.overview(),
        )];
        sections.extend(self.staging.iter().map(|staging| staging.section(&self.company)));
        if !self.waiting.is_empty() {
            sections.push(Section::new(
                "Not a record of their own",
                "These were in the sample and wait, were merged into another record, or were left out.",
                self.left_out(),
            ));
        }
        for record in self.records.iter().take(RECORDS_SHOWN) {
            let title = format!("{} {}: {}", title_case(record.entity.as_str()), record.dest_id, record.title);
            let link = if record.link.is_empty() { String::new() } else { format!(" {}", record.link) };
            let intro = format!("{}; {}.{link}", record.record, record.why);
            sections.push(Section::new(title.trim_end_matches([':', ' ']), intro, fields_table(record)));
        }
        Page {
            title: "Sample".to_owned(),
            says,
            tone: if different == 0 { Tone::Good } else { Tone::Bad },
            figures: vec![
                Figure::new("Records", number(self.records.len() as u64)),
                Figure::new("Fields", number(fields)),
                Figure::zero_is_good("Records that differ", different, Tone::Bad),
            ],
            sections,
        }
    }
}

impl InStaging {
    fn section(&self, company: &str) -> Section {
        let intro = format!(
            "The sample is in the staging company {company} ({}), and {} holds nothing of it. Approving it lets the workspace \
             be made in {1}, which is shown and approved before everything is loaded there, these records among it. Owners \
             are matched by e-mail in staging as they are there; those who have a user there and none in staging are stood \
             in for by {}, whom the token belongs to.",
            self.company_id, self.instead_of, self.stand_in
        );
        let owner = |owner: &String| Row::new(vec![Cell::words(owner), Cell::words(&self.stand_in)]);
        let rows = self.stood_in_for.iter().map(owner).collect();
        let table = Table::new(&["Owner without a user in staging", "Whose records belong there to"], rows, "Nobody.");
        Section::new("In staging", intro, table)
    }
}

impl Sample {
    fn overview(&self) -> Table {
        let row = |record: &SampleRecord| {
            let state = match (record.is_missing, record.different(), record.was_there) {
                (true, ..) => Cell::text("missing").tone(Tone::Bad),
                (false, 0, true) => Cell::text("was there before").tone(Tone::Good),
                (false, 0, false) => Cell::text("as promised").tone(Tone::Good),
                (false, fields, _) => Cell::text(counted(fields, "field differs", "fields differ")).tone(Tone::Bad),
            };
            Row::new(vec![
                Cell::text(title_case(record.entity.as_str())),
                Cell::text(&*record.dest_id),
                Cell::text(&*record.title),
                Cell::text(&*record.record),
                Cell::text(&*record.why),
                Cell::count(record.fields.len() as u64),
                state,
            ])
        };
        Table::new(
            &["Kind", "Id", "Name in Pipedrive", "Source record", "Why", "Fields", "Compared"],
            self.records.iter().map(row).collect(),
            "There is nothing to load.",
        )
        .whole(Whole::Detailed("sample".to_owned(), Box::new(self.all_fields())))
    }

    fn all_fields(&self) -> Table {
        let rows = self.records.iter().flat_map(|record| {
            record.fields.iter().map(|field| {
                Row::new(vec![
                    Cell::text(record.entity.as_str()),
                    Cell::text(&*record.dest_id),
                    Cell::text(&*record.record),
                    Cell::text(&*field.name),
                    Cell::text(&*field.source),
                    Cell::text(&*field.pipedrive),
                    Cell::text(field.promised.as_deref().unwrap_or_default()),
                ])
            })
        });
        Table::new(
            &["Kind", "Id", "Source record", "Field", "At the source", "In Pipedrive", "Promised, where it differs"],
            rows.collect(),
            "There is nothing to load.",
        )
    }

    fn left_out(&self) -> Table {
        let row = |waiting: &SampleWaiting| {
            Row::new(vec![
                Cell::text(&*waiting.record),
                Cell::text(waiting.fate.as_str()),
                Cell::text(&*waiting.reason),
            ])
        };
        Table::new(&["Source record", "Fate", "Why"], self.waiting.iter().map(row).collect(), "None.")
    }
}

fn fields_table(record: &SampleRecord) -> Table {
    let row = |field: &SampleField| {
        let (state, tone) = match &field.promised {
            None => (String::new(), Tone::Plain),
            Some(promised) => (format!("promised: {promised}"), Tone::Bad),
        };
        Row::new(vec![
            Cell::text(&*field.name),
            Cell::text(&*field.source),
            Cell::text(&*field.pipedrive),
            Cell::text(state).tone(tone),
        ])
    };
    Table::new(
        &["Field", "At the source", "In Pipedrive", "Difference"],
        record.fields.iter().map(row).collect(),
        "It was there before, and nothing was written to it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(found: &str, promised: Option<&str>) -> Sample {
        let field = SampleField {
            name: "title".into(),
            source: "GTX  Pro".into(),
            pipedrive: found.into(),
            promised: promised.map(str::to_owned),
        };
        let record = SampleRecord {
            entity: Entity::Deal,
            record: "project 7 deal".into(),
            why: "drawn at random".into(),
            title: found.into(),
            dest_id: "12".into(),
            link: "https://acme.pipedrive.com/deal/12".into(),
            is_missing: false,
            was_there: false,
            fields: vec![field],
        };
        Sample { company: "Acme".into(), staging: None, records: vec![record], waiting: Vec::new() }
    }

    #[test]
    fn a_sample_in_staging_says_so_and_who_stands_in() {
        let real = sample("GTX Pro", None);
        let staging = InStaging {
            company_id: "42".into(),
            instead_of: "Acme".into(),
            stand_in: "Ada Admin".into(),
            stood_in_for: vec!["Bo Rep".into()],
        };
        let there = Sample { company: "Acme Staging".into(), staging: Some(staging), ..real.clone() };
        assert!(there.page().says.starts_with("1 record of the sample is in the staging company Acme Staging; every"));
        assert!(there.lines().contains(&"owner Bo Rep, in staging: Ada Admin stands in".to_owned()));
        assert!(!real.lines().iter().any(|line| line.contains("staging")));
    }

    #[test]
    fn the_page_says_what_differs_and_an_approval_is_of_what_was_seen() {
        let (same, other) = (sample("GTX Pro", None), sample("GTX", Some("\"GTX Pro\"")));
        assert_eq!(same.page().says, "1 record of the sample is in Acme; every field holds what was promised.");
        assert_eq!(other.page().says, "1 record of the sample is in Acme; 1 differs from what was promised.");
        assert_eq!((same.page().tone, other.page().tone), (Tone::Good, Tone::Bad));
        assert_ne!(same.lines(), other.lines());
    }
}
