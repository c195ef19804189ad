//! The amendment report: what a mapping that was changed after the load began does to what is loaded, and what it costs.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::Report;
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, counted, number, title_case};
use crate::record::{Entity, named_enum};
use serde::Deserialize;
use std::fmt;

named_enum! {
    /// What becomes of a record.
    Change {
        /// Some of its fields are written.
        Changed = "changed",
        /// It is made, because it was not loaded before.
        Made = "made",
        /// The mapping no longer makes it; it stays in Pipedrive as it is.
        Stays = "stays",
        /// It is made, because it is not the same as another any more.
        Parted = "parted",
        /// Another record stands for it, which did not before.
        Merged = "merged",
        /// It is the same as another now; both are in Pipedrive, and both stay.
        Twin = "twin",
    }
}

/// Records that are named because other keys part or join them.
const NAMED: usize = 50;

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Amendment {
    /// Custom fields to be made first.
    pub new_fields: Vec<String>,
    /// Tokens for all of it.
    pub tokens: u64,
    /// Some of the records that are the same as another now, with that one, or as none any more.
    pub named: BTreeMap<String, Option<String>>,
    #[serde(serialize_with = "records")]
    records: BTreeMap<(Entity, Change), u64>,
    #[serde(serialize_with = "fields")]
    fields: BTreeMap<(Entity, String), u64>,
}

impl Amendment {
    /// An amendment that needs these fields.
    #[must_use]
    pub fn new(new_fields: Vec<String>) -> Self {
        Self { new_fields, ..Self::default() }
    }

    /// Counts one record, and the fields of it that change.
    pub fn add(&mut self, entity: Entity, change: Change, fields: &[String]) {
        *self.records.entry((entity, change)).or_default() += 1;
        if change == Change::Changed {
            for field in fields {
                *self.fields.entry((entity, field.clone())).or_default() += 1;
            }
        }
    }

    /// Names a record that is the same as another now, or as none any more: the first ones by name are kept.
    pub fn name(&mut self, record: &str, same_as: Option<&str>) {
        self.named.insert(record.to_owned(), same_as.map(str::to_owned));
        if self.named.len() > NAMED {
            self.named.pop_last();
        }
    }

    /// Adds up what it costs; `price` says it for so many records of a kind.
    pub fn price(&mut self, price: impl Fn(Entity, Change, u64) -> u64) {
        self.tokens = self.records.iter().map(|((entity, change), records)| price(*entity, *change, *records)).sum();
    }

    /// Records of all kinds to which this happens.
    #[must_use]
    pub fn count(&self, change: Change) -> u64 {
        self.records.iter().filter(|((_, known), _)| *known == change).map(|(_, records)| records).sum()
    }

    /// What an approval is about.
    #[must_use]
    pub fn lines(&self, mapping: &str) -> Vec<String> {
        let mut lines = vec![format!("mapping: {mapping}")];
        lines.extend(self.new_fields.iter().map(|field| format!("custom field to be made: {field}")));
        lines.extend(self.records.iter().map(|((entity, change), records)| format!("{entity} {change}: {records}")));
        lines.push(format!("tokens: {}", self.tokens));
        lines
    }
}

fn records<S: Serializer>(records: &BTreeMap<(Entity, Change), u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer
        .collect_seq(records.iter().map(|((entity, change), records)| (entity.as_str(), change.as_str(), records)))
}

fn fields<S: Serializer>(fields: &BTreeMap<(Entity, String), u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(fields.iter().map(|((entity, field), records)| (entity.as_str(), field, records)))
}

impl Amendment {
    fn records_section(&self) -> Section {
        let row = |((entity, change), records): (&(Entity, Change), &u64)| {
            let what = match change {
                Change::Changed => "changed where it differs",
                Change::Made => "made, because it was not loaded before",
                Change::Stays => "no longer made; what is there stays",
                Change::Parted => "made, because it is not the same as another any more",
                Change::Merged => "the same as another now, which stands for it",
                Change::Twin => "the same as another now; both are there, and both stay",
            };
            Row::new(vec![Cell::text(title_case(entity.as_str())), Cell::words(what), Cell::count(*records)])
        };
        Section::new(
            "Records",
            "Only fields that come out otherwise are written, and only where nobody changed them in Pipedrive meanwhile. \
             Nothing is deleted: records that are the same as another now, and are both in Pipedrive, stay two, because \
             people may have worked on either. Merge them there.",
            Table::new(
                &["Kind", "What becomes of them", "Records"],
                self.records.iter().map(row).collect(),
                "No record comes out otherwise.",
            ),
        )
    }

    fn duplicates_section(&self) -> Section {
        let row = |(record, same): (&String, &Option<String>)| {
            let same =
                same.as_ref().map_or_else(|| "a record of its own".to_owned(), |same| format!("the same as {same}"));
            Row::new(vec![Cell::words(record), Cell::words(&same)])
        };
        Section::new(
            "Duplicates",
            "Records that the changed keys make the same as another, or no longer; the first ones by name.",
            Table::new(
                &["Record", "Is now"],
                self.named.iter().map(row).collect(),
                "No keys of duplicates come out otherwise.",
            ),
        )
    }
}

impl Report for Amendment {
    fn page(&self) -> Page {
        let [changed, stays, twins] = [Change::Changed, Change::Stays, Change::Twin].map(|change| self.count(change));
        let made = self.count(Change::Made) + self.count(Change::Parted);
        let says = format!(
            "The changed mapping changes {} and makes {}, for {}.",
            counted(changed, "record", "records"),
            counted(made, "more", "more"),
            counted(self.tokens, "token", "tokens"),
        );
        let field = |((entity, field), records): (&(Entity, String), &u64)| {
            Row::new(vec![Cell::text(title_case(entity.as_str())), Cell::text(&**field), Cell::count(*records)])
        };
        let new = |field: &String| Row::new(vec![Cell::text(&**field)]);
        Page {
            title: "Changed mapping".to_owned(),
            says,
            tone: if stays + twins > 0 { Tone::Attention } else { Tone::Plain },
            figures: vec![
                Figure::new("Changed", number(changed)),
                Figure::new("Made", number(made)),
                Figure::zero_is_good("Left as they are", stays, Tone::Attention),
                Figure::zero_is_good("In Pipedrive twice", twins, Tone::Attention),
                Figure::new("Tokens", number(self.tokens)),
            ],
            sections: vec![
                self.records_section(),
                Section::new(
                    "Fields",
                    "",
                    Table::new(
                        &["Kind", "Field", "Records"],
                        self.fields.iter().map(field).collect(),
                        "No field changes.",
                    ),
                ),
                self.duplicates_section(),
                Section::new(
                    "Custom fields to be made",
                    "",
                    Table::new(&["Field"], self.new_fields.iter().map(new).collect(), "None."),
                ),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_counted_and_priced() {
        let mut amendment = Amendment::new(vec!["Rush of deal (enum)".to_owned()]);
        for _ in 0..3 {
            amendment.add(Entity::Deal, Change::Changed, &["value".to_owned()]);
        }
        amendment.add(Entity::Note, Change::Made, &[]);
        amendment.add(Entity::Person, Change::Parted, &[]);
        (0..60).for_each(|number| amendment.name(&format!("client {number}"), Some("client 1")));
        amendment.price(|_, change, records| if change == Change::Changed { 5 * records } else { 10 * records });
        assert_eq!(amendment.tokens, 35);
        assert_eq!(amendment.page().says, "The changed mapping changes 3 records and makes 2 more, for 35 tokens.");
        assert!(amendment.lines("d").contains(&"deal changed: 3".to_owned()));
        assert!(amendment.lines("d").contains(&"person parted: 1".to_owned()));
        assert_eq!(amendment.named.len(), NAMED);
    }
}
