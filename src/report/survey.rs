//! The quality report: what the survey saw in the whole account before anything was written. Filled while records stream
//! by, in bounded memory.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Report;
use super::owners::{OWNERS_INTRO, OwnerLine, OwnerUser, owners_table};
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, number, title_case};
use super::reconciliation::{findings_of, left_out_table};
use super::tally::{FindingKind, LeftOut, Tally};
use crate::clean::code;
use crate::record::{Entity, Fate, Finding, Object};

/// Labels kept of one field: Pipedrive takes no more options (documentation, "Custom fields").
pub const LABELS_MAX: usize = 10_000;

/// Labels of a field that the page names.
const LABELS_SHOWN: usize = 12;

/// What the survey saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    objects: BTreeMap<Object, u64>,
    drafts: BTreeMap<Entity, u64>,
    left_out: Tally<LeftOut>,
    findings: Tally<FindingKind>,
    labels: BTreeMap<(Entity, String), Labels>,
    /// Owners of the source. Sorted by [`Survey::set_owners`].
    owners: Vec<OwnerLine>,
    undecided: Vec<Undecided>,
}

/// A column of the source with values, of which the mapping says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undecided {
    /// The kind of records it belongs to.
    pub object: Object,
    /// The table, as the mapping names it.
    pub table: String,
    /// Its name; what is nested by its dotted path.
    pub column: String,
    /// Rows that have a value in it.
    pub filled: u64,
    /// Rows of the table.
    pub rows: u64,
}

/// The labels that one list field needs, and how often each is used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// Uses by label, at most [`LABELS_MAX`] labels.
    pub uses: BTreeMap<String, u64>,
    /// Uses of labels beyond that. Not zero: the field cannot be a list.
    pub beyond: u64,
}

impl Survey {
    /// Counts records that were read.
    pub fn add_records(&mut self, object: Object, records: u64) {
        *self.objects.entry(object).or_default() += records;
    }

    /// Counts a draft: a Pipedrive record that would be created.
    pub fn add_draft(&mut self, entity: Entity) {
        *self.drafts.entry(entity).or_default() += 1;
    }

    /// Counts a record (or a role of it) that will not become its own Pipedrive record, and why: merged, parked,
    /// rejected, skipped.
    pub fn add_left_out(&mut self, object: Object, source_id: &str, fate: Fate, reason: &str) {
        self.left_out.add_left_out(object, source_id, Some(fate), reason);
    }

    /// Counts a finding.
    pub fn add_finding(&mut self, object: Object, source_id: &str, finding: &Finding) {
        self.findings.add_finding(object, source_id, finding);
    }

    /// Counts one use of a label of a list field.
    pub fn add_label(&mut self, entity: Entity, field: &str, label: &str) {
        let key = (entity, field.to_owned());
        let labels = self.labels.entry(key).or_default();
        if let Some(uses) = labels.uses.get_mut(label) {
            *uses += 1;
        } else if labels.uses.len() < LABELS_MAX {
            labels.uses.insert(label.to_owned(), 1);
        } else {
            labels.beyond += 1;
        }
    }

    /// Sets the owners with the records that name each.
    pub fn set_owners(&mut self, owners: Vec<OwnerLine>) {
        self.owners = super::owners::Owners::new(owners).owners;
    }

    /// Sets the columns that nobody decided about; those that hold most come first.
    pub fn set_undecided(&mut self, mut undecided: Vec<Undecided>) {
        undecided.sort_by(|one, other| other.filled.cmp(&one.filled).then_with(|| one.column.cmp(&other.column)));
        self.undecided = undecided;
    }

    /// The owners: first those for whom records wait.
    #[must_use]
    pub fn owners(&self) -> &[OwnerLine] {
        &self.owners
    }

    /// Records read of an object.
    #[must_use]
    pub fn records(&self, object: Object) -> u64 {
        self.objects.get(&object).copied().unwrap_or(0)
    }

    /// Pipedrive records that would be created, by kind.
    #[must_use]
    pub fn drafts(&self) -> &BTreeMap<Entity, u64> {
        &self.drafts
    }

    /// The labels that list fields need, by entity and field name.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<(Entity, String), Labels> {
        &self.labels
    }

    /// What will not become its own Pipedrive record, by reason.
    #[must_use]
    pub fn left_out(&self) -> &Tally<LeftOut> {
        &self.left_out
    }

    /// How many will end with a fate.
    #[must_use]
    pub fn count_of(&self, fate: Fate) -> u64 {
        let groups = self.left_out.groups().into_iter();
        groups.filter(|(key, _)| key.fate == Some(fate)).map(|(_, group)| group.count).sum()
    }

    fn waiting(&self) -> u64 {
        self.owners.iter().map(OwnerLine::waiting).sum()
    }
}

impl Serialize for Survey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct LabelLine<'a> {
            entity: Entity,
            field: &'a str,
            labels: &'a BTreeMap<String, u64>,
            uses_of_further_labels: u64,
        }
        #[derive(Serialize)]
        struct Whole<'a> {
            objects: &'a BTreeMap<Object, u64>,
            drafts: &'a BTreeMap<Entity, u64>,
            left_out: &'a Tally<LeftOut>,
            findings: &'a Tally<FindingKind>,
            list_fields: Vec<LabelLine<'a>>,
            owners: &'a [OwnerLine],
            undecided_columns: &'a [Undecided],
        }
        let lists = self.labels.iter().map(|((entity, field), labels)| LabelLine {
            entity: *entity,
            field,
            labels: &labels.uses,
            uses_of_further_labels: labels.beyond,
        });
        Whole {
            objects: &self.objects,
            drafts: &self.drafts,
            left_out: &self.left_out,
            findings: &self.findings,
            list_fields: lists.collect(),
            owners: &self.owners,
            undecided_columns: &self.undecided,
        }
        .serialize(serializer)
    }
}

impl Report for Survey {
    fn page(&self) -> Page {
        let read: u64 = self.objects.values().sum();
        let drafts: u64 = self.drafts.values().sum();
        let (rejected, waiting) = (self.count_of(Fate::Rejected), self.waiting());
        let without_user = self.owners.iter().filter(|line| matches!(line.user, OwnerUser::Nobody(_))).count() as u64;
        let says = format!(
            "{} read and will become {} in Pipedrive; {} be loaded as they are, and {} on owners without a user.",
            counted(read, "record was", "records were"),
            counted(drafts, "record", "records"),
            counted(rejected, "cannot", "cannot"),
            counted(waiting, "depends", "depend"),
        );
        Page {
            title: "Data quality".to_owned(),
            says,
            tone: if rejected + waiting == 0 && self.undecided.is_empty() { Tone::Good } else { Tone::Attention },
            figures: vec![
                Figure::new("Read from the source", number(read)),
                Figure::new("Will be created", number(drafts)).note("records in Pipedrive"),
                Figure::new("Merged", number(self.count_of(Fate::Merged))).note("exact duplicates"),
                Figure::zero_is_good("Cannot be loaded", rejected, Tone::Attention),
                Figure::new("Left out by rule", number(self.count_of(Fate::Skipped))),
                Figure::zero_is_good("Columns undecided", self.undecided.len() as u64, Tone::Attention),
                Figure::zero_is_good("Owners without a user", without_user, Tone::Attention).note(counted(
                    waiting,
                    "record waits",
                    "records wait",
                )),
            ],
            sections: self.sections(),
        }
    }
}

impl Survey {
    fn sections(&self) -> Vec<Section> {
        let rows = |counts: Vec<(String, u64)>| {
            counts.into_iter().map(|(name, count)| Row::new(vec![Cell::text(name), Cell::count(count)])).collect()
        };
        let objects = self.objects.iter().map(|(object, count)| (title_case(object.as_str()), *count)).collect();
        let entities = self.drafts.iter().map(|(entity, count)| (title_case(entity.as_str()), *count)).collect();
        let findings = |title: &str, intro: &str, empty: &'static str, kind: Kind| {
            Section::new(title, intro, findings_of(&self.findings, empty, &|code| kind_of(code) == kind))
        };
        vec![
            Section::new(
                "Read from the source",
                "",
                Table::new(&["Source records", "Read"], rows(objects), "Nothing was read."),
            ),
            Section::new(
                "Will be created in Pipedrive",
                "",
                Table::new(&["Pipedrive records", "Records"], rows(entities), "Nothing."),
            ),
            Section::new(
                "What will not become a record of its own, and why",
                LEFT_OUT_INTRO,
                left_out_table(&self.left_out, "Nothing."),
            ),
            Section::new("Owners", OWNERS_INTRO, owners_table(&self.owners)),
            Section::new("Columns that nobody decided about", UNDECIDED_INTRO, self.undecided_table()),
            findings("What is missing or leads nowhere", MISSING_INTRO, "Nothing is missing.", Kind::Missing),
            findings("Values that will not fit", UNFIT_INTRO, "Every value fits.", Kind::Unfit),
            findings("Other findings", OTHER_INTRO, "Nothing was found.", Kind::Other),
            Section::new(
                "Lists and their options",
                "The options that fields with a list need for this data.",
                self.labels_table(),
            ),
        ]
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A value that should be there, an owner or a record that does not exist.
    Missing,
    /// A value that Pipedrive or the mapping has no place for.
    Unfit,
    /// Anything else.
    Other,
}

/// By the finding's code; those of `flag_missing` are the mapping's own and begin alike.
fn kind_of(finding: &str) -> Kind {
    let of = |codes: &[&str]| codes.contains(&finding);
    if finding.starts_with("missing") || of(&["broken_link", "unknown_owner"]) {
        Kind::Missing
    } else if finding.starts_with("invalid_")
        || of(&[code::TOO_LONG, code::CUT, code::UNKNOWN_VALUE, code::UNKNOWN_STAGE])
        || of(&[code::UNKNOWN_CURRENCY, code::CURRENCY_CONFLICT, code::FOLD_INCOMPLETE])
    {
        Kind::Unfit
    } else {
        Kind::Other
    }
}

const MISSING_INTRO: &str = "Records without a value that the mapping asks for, records that hang on one that the source does \
    not have, and owners whom the source does not know. The first of each are named.";

const UNFIT_INTRO: &str = "Values that cannot be read as what their field holds, that are longer than it takes, or that the \
    mapping does not list. The first of each are named; the rest of their record is not affected.";

const OTHER_INTRO: &str = "What cleaning will do to values, and what else was noticed.";

const LEFT_OUT_INTRO: &str = "A source record may stand here for one of its parts: a client without a company has a person \
    but no organization, and that is counted as left out.";

const UNDECIDED_INTRO: &str = "Columns of the source that hold something, and that the mapping neither carries over nor leaves \
    out on purpose. What is in them stays behind. Give each a target or a reason in the mapping's workbook (crossdock map).";

impl Survey {
    fn undecided_table(&self) -> Table {
        let row = |column: &Undecided| {
            Row::new(vec![
                Cell::text(title_case(column.object.as_str())),
                Cell::text(column.table.as_str()),
                Cell::text(column.column.as_str()).tone(Tone::Attention),
                Cell::count(column.filled),
                Cell::count(column.rows),
            ])
        };
        Table::new(
            &["Source records", "Table", "Column", "With a value", "Of rows"],
            self.undecided.iter().map(row).collect(),
            "Every column has a target or a reason to stay behind.",
        )
    }

    fn labels_table<'a>(&'a self) -> Table {
        let row = |((entity, field), labels): (&(Entity, String), &Labels)| {
            let mut most: Vec<_> = labels.uses.iter().collect();
            most.sort_by_key(|(_, uses)| std::cmp::Reverse(**uses));
            let mut named: Vec<&str> = most.iter().take(LABELS_SHOWN).map(|(label, _)| label.as_str()).collect();
            if most.len() > LABELS_SHOWN {
                named.push("…");
            }
            let options = labels.uses.len() as u64;
            let tone = if labels.beyond > 0 { Tone::Bad } else { Tone::Plain };
            let (entity, field) = (Cell::text(title_case(entity.as_str())), Cell::text(field.as_str()));
            Row::new(vec![entity, field, Cell::count(options).tone(tone), Cell::text(named.join(", "))])
        };
        let each = |((entity, field), labels): (&'a (Entity, String), &'a Labels)| {
            let entity = title_case(entity.as_str());
            labels.uses.iter().map(move |(label, uses)| {
                let texts = [&*entity, field, label].map(Cell::text);
                Row::new(texts.into_iter().chain([Cell::count(*uses)]).collect())
            })
        };
        Table::new(
            &["Pipedrive records", "Field", "Options", "Used most"],
            self.labels.iter().map(row).collect(),
            "No field takes its options from the data.",
        )
        .whole(Whole::Detailed(
            "options".to_owned(),
            Box::new(Table::new(
                &["Pipedrive records", "Field", "Option", "Uses"],
                self.labels.iter().flat_map(each).collect(),
                "",
            )),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded_and_counted() {
        let mut survey = Survey::default();
        for number in 0..LABELS_MAX + 5 {
            survey.add_label(Entity::Deal, "Method", &number.to_string());
            survey.add_label(Entity::Deal, "Method", "0");
        }
        let labels = &survey.labels()[&(Entity::Deal, "Method".to_owned())];
        assert_eq!((labels.uses.len(), labels.beyond), (LABELS_MAX, 5));
        assert_eq!(labels.uses["0"], LABELS_MAX as u64 + 6);
    }

    #[test]
    fn what_is_left_out_is_grouped() {
        let mut survey = Survey::default();
        for id in ["1", "2"] {
            survey.add_left_out(Object::Lead, id, Fate::Rejected, &format!("lead {id} has no name"));
        }
        assert_eq!(survey.count_of(Fate::Rejected), 2);
        assert_eq!(survey.left_out().groups()[0].0.reason, "lead … has no name");
    }
}
