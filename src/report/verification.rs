//! Verification: what Pipedrive holds against what was promised, field by field; and, independently of that, source
//! against Pipedrive by counts, sums and identities.

use std::collections::BTreeMap;
use std::path::Path;

use rust_decimal::Decimal;
use serde::Serialize;

use super::Report;
use super::data::DataFile;
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, number, title_case};
use super::tally::{EXAMPLES_MAX, cut};
use crate::error::Result;
use crate::record::{BindingKey, Entity};

/// The first layer's numbers, of one kind of record or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Compared {
    /// Records that were compared.
    pub compared: u64,
    /// Fields and links that were compared.
    pub fields: u64,
    /// Fields that are not as promised.
    pub mismatched: u64,
    /// Records that should be there and are not.
    pub missing: u64,
    /// Records with our mark that nobody promised.
    pub extra: u64,
}

impl Compared {
    fn add(&mut self, other: &Compared) {
        self.compared += other.compared;
        self.fields += other.fields;
        self.mismatched += other.mismatched;
        self.missing += other.missing;
        self.extra += other.extra;
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.mismatched + self.missing + self.extra == 0
    }
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferenceLine {
    /// Kind of the Pipedrive record.
    pub entity: Entity,
    /// What differs.
    pub what: What,
    /// Id of the Pipedrive record; empty when it is missing and its id is unknown.
    pub destination_id: String,
    /// The source record and role; empty when nobody knows.
    pub record: String,
    /// The field; empty for missing and extra records.
    pub field: String,
    /// What was promised.
    pub promised: String,
    /// What is there.
    pub found: String,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A field.
    Mismatched,
    /// A record is not there.
    Missing,
    /// A record is there that nobody promised.
    Extra,
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            What::Mismatched => "differs",
            What::Missing => "missing",
            What::Extra => "extra",
        }
    }
}

/// A number that both sides should agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SumLine {
    /// What is summed up: `value of deals in stage Quote`.
    pub what: String,
    /// ISO 4217 code; empty for counts.
    pub currency: String,
    /// What the source says.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub source: Decimal,
    /// What Pipedrive says.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub pipedrive: Decimal,
    /// Known reasons why they may differ, in words; empty when they must not.
    pub allowed: String,
}

impl SumLine {
    /// A count without an allowed difference.
    #[must_use]
    pub fn count(what: impl Into<String>, source: u64, pipedrive: u64) -> Self {
        let (source, pipedrive) = (Decimal::from(source), Decimal::from(pipedrive));
        Self { what: what.into(), currency: String::new(), source, pipedrive, allowed: String::new() }
    }

    /// Whether both sides agree, or the difference has a known reason.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.source == self.pipedrive || !self.allowed.is_empty()
    }
}

/// Identity values (names, numbers, addresses) compared as multisets: which value is on one side only, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityLine {
    /// Kind of the Pipedrive records.
    pub entity: Entity,
    /// The field.
    pub field: String,
    /// Values that were compared.
    pub values: u64,
    /// How many the source has and Pipedrive lacks.
    pub only_source: u64,
    /// How many Pipedrive has and the source lacks.
    pub only_pipedrive: u64,
    /// The first of either, as `source: VALUE` or `Pipedrive: VALUE`.
    pub examples: Vec<String>,
}

impl IdentityLine {
    /// A field whose values are still to be compared.
    #[must_use]
    pub fn new(entity: Entity, field: &str) -> Self {
        let (values, only_source, only_pipedrive) = (0, 0, 0);
        Self { entity, field: field.to_owned(), values, only_source, only_pipedrive, examples: Vec::new() }
    }

    /// Counts a value that one side has more often than the other: positive when the source does.
    pub fn add_difference(&mut self, value: &str, source_minus_pipedrive: i64) {
        let times = source_minus_pipedrive.unsigned_abs();
        let side = if source_minus_pipedrive > 0 {
            self.only_source += times;
            "source"
        } else {
            self.only_pipedrive += times;
            "Pipedrive"
        };
        if times > 0 && self.examples.len() < EXAMPLES_MAX {
            self.examples.push(cut(&format!("{side}: {value}")));
        }
    }

    /// Whether both sides hold the same values.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.only_source + self.only_pipedrive == 0
    }
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Verification {
    /// What was verified: `the whole account`, `the sample`.
    pub scope: String,
    /// All records.
    pub totals: Compared,
    /// By kind of record.
    pub entities: BTreeMap<Entity, Compared>,
    /// The first differences of each kind.
    pub examples: Vec<DifferenceLine>,
    /// Second layer: counts.
    pub counts: Vec<SumLine>,
    /// Second layer: sums of values by stage.
    pub stages: Vec<SumLine>,
    /// Second layer: sums of values by owner.
    pub owners: Vec<SumLine>,
    /// Second layer: identities.
    pub identities: Vec<IdentityLine>,
    /// Name of the file with every difference; the migration's folder has it in `reports/data/`.
    file: String,
}

/// A verification under way: counts, keeps examples, and writes every difference to a file.
pub struct Verifying {
    report: Verification,
    file: DataFile,
}

impl Verifying {
    /// Begins. `name` is that of the report (`verification`, `sample`), `scope` what is verified, in words. `folder` is
    /// the migration's folder.
    ///
    /// # Errors
    /// `Settings` when the file with the differences cannot be written.
    pub fn begin(folder: &Path, name: &str, scope: &str) -> Result<Self> {
        let columns = ["what", "entity", "destination_id", "record", "field", "promised", "found"];
        let file = DataFile::create(folder, name, &columns)?;
        Ok(Self {
            report: Verification { scope: scope.to_owned(), file: name.to_owned(), ..Verification::default() },
            file,
        })
    }

    /// Counts records that were compared, with their fields.
    pub fn compared(&mut self, entity: Entity, records: u64, fields: u64) {
        let line = self.report.entities.entry(entity).or_default();
        line.compared += records;
        line.fields += fields;
    }

    /// A field that is not as promised. Values as JSON or text.
    ///
    /// # Errors
    /// `Settings` when the file cannot be written.
    pub fn mismatched(
        &mut self,
        entity: Entity,
        found_in: (&str, &BindingKey),
        field: (&str, &str, &str),
    ) -> Result<()> {
        let (destination_id, key) = found_in;
        let (field, promised, found) = field;
        self.differs(DifferenceLine {
            entity,
            what: What::Mismatched,
            destination_id: destination_id.to_owned(),
            record: key.to_string(),
            field: field.to_owned(),
            promised: promised.to_owned(),
            found: found.to_owned(),
        })
    }

    /// A record that should be there and is not.
    ///
    /// # Errors
    /// `Settings` when the file cannot be written.
    pub fn missing(&mut self, entity: Entity, destination_id: &str, key: &BindingKey) -> Result<()> {
        self.differs(whole_record(entity, What::Missing, destination_id, key.to_string()))
    }

    /// A record with our mark that nobody promised.
    ///
    /// # Errors
    /// `Settings` when the file cannot be written.
    pub fn extra(&mut self, entity: Entity, destination_id: &str, marker: &str) -> Result<()> {
        self.differs(whole_record(entity, What::Extra, destination_id, marker.to_owned()))
    }

    /// The report so far, for the second layer's lines.
    pub fn report(&mut self) -> &mut Verification {
        &mut self.report
    }

    /// Ends: sums up and moves the file to its place.
    ///
    /// # Errors
    /// `Settings` when the file cannot be written.
    pub fn finish(mut self) -> Result<Verification> {
        self.file.finish()?;
        let mut totals = Compared::default();
        self.report.entities.values().for_each(|line| totals.add(line));
        self.report.totals = totals;
        Ok(self.report)
    }

    fn differs(&mut self, line: DifferenceLine) -> Result<()> {
        let DifferenceLine { entity, what, destination_id, record, field, promised, found } = &line;
        self.file.row(&[what.as_str(), entity.as_str(), destination_id, record, field, promised, found])?;
        let numbers = self.report.entities.entry(*entity).or_default();
        let earlier = match what {
            What::Mismatched => &mut numbers.mismatched,
            What::Missing => &mut numbers.missing,
            What::Extra => &mut numbers.extra,
        };
        *earlier += 1;
        if *earlier <= EXAMPLES_MAX as u64 {
            let (promised, found) = (cut(promised), cut(found));
            self.report.examples.push(DifferenceLine { promised, found, ..line });
        }
        Ok(())
    }
}

fn whole_record(entity: Entity, what: What, destination_id: &str, record: String) -> DifferenceLine {
    let empty = String::new;
    let destination_id = destination_id.to_owned();
    DifferenceLine { entity, what, destination_id, record, field: empty(), promised: empty(), found: empty() }
}

impl Verification {
    /// Whether nothing differs in either layer.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.totals.is_clean() && self.second_layer_differences() == 0
    }

    fn second_layer_differences(&self) -> u64 {
        let sums = self.counts.iter().chain(&self.stages).chain(&self.owners);
        let sums = sums.filter(|line| !line.is_clean()).count();
        (sums + self.identities.iter().filter(|line| !line.is_clean()).count()) as u64
    }

    /// The report in one sentence.
    #[must_use]
    pub fn says(&self) -> String {
        let Compared { compared, fields, mismatched, missing, extra } = self.totals;
        let read = format!(
            "Of {}, {} with {} were compared",
            self.scope,
            counted(compared, "record", "records"),
            counted(fields, "field", "fields")
        );
        if self.is_clean() {
            return format!("{read}: everything is in Pipedrive as promised.");
        }
        let mut differ = Vec::new();
        for (count, one, many) in [
            (mismatched, "field differs", "fields differ"),
            (missing, "record is missing", "records are missing"),
            (extra, "record is there that nobody promised", "records are there that nobody promised"),
            (self.second_layer_differences(), "total does not agree", "totals do not agree"),
        ] {
            if count > 0 {
                differ.push(counted(count, one, many));
            }
        }
        format!("{read}: {}.", differ.join(", "))
    }
}

/// One line a sum; `sides` are the names of the two columns that should agree.
fn sums(title: &str, name: &'static str, sides: [&'static str; 2], lines: &[SumLine]) -> Section {
    let with_currency = lines.iter().any(|line| !line.currency.is_empty());
    let row = |line: &SumLine| {
        let agrees = match (line.source == line.pipedrive, line.allowed.is_empty()) {
            (true, _) => Cell::verdict(true),
            (false, true) => Cell::verdict(false),
            (false, false) => Cell::text(&*line.allowed).tone(Tone::Attention),
        };
        let numbers =
            [line.source, line.pipedrive].map(|sum| if with_currency { Cell::amount(sum) } else { Cell::decimal(sum) });
        let currency = with_currency.then(|| Cell::text(&*line.currency));
        let cells = std::iter::once(Cell::text(&*line.what)).chain(currency).chain(numbers).chain([agrees]);
        Row::new(cells.collect())
    };
    let columns: &[&'static str] = if with_currency {
        &[name, "Currency", sides[0], sides[1], "Agree"]
    } else {
        &[name, sides[0], sides[1], "Agree"]
    };
    Section::new(title, "", Table::new(columns, lines.iter().map(row).collect(), "Not compared."))
}

impl Report for Verification {
    fn page(&self) -> Page {
        let Compared { compared, fields, mismatched, missing, extra } = self.totals;
        let cells = |name: String, line: &Compared| {
            let differ = [line.mismatched, line.missing, line.extra].map(|count| Cell::count_toned(count, Tone::Bad));
            [Cell::text(name), Cell::count(line.compared), Cell::count(line.fields)].into_iter().chain(differ).collect()
        };
        let mut entities: Vec<Row> =
            self.entities.iter().map(|(entity, line)| Row::new(cells(title_case(entity.as_str()), line))).collect();
        if entities.len() > 1 {
            entities.push(Row::total(cells("All".to_owned(), &self.totals)));
        }
        let columns = ["Pipedrive records", "Compared", "Fields", "Differ", "Missing", "Extra"];
        Page {
            title: format!("Verification of {}", self.scope),
            says: self.says(),
            tone: if self.is_clean() { Tone::Good } else { Tone::Bad },
            figures: vec![
                Figure::new("Records compared", number(compared)),
                Figure::new("Fields compared", number(fields)),
                Figure::zero_is_good("Fields that differ", mismatched, Tone::Bad),
                Figure::zero_is_good("Records missing", missing, Tone::Bad),
                Figure::zero_is_good("Records extra", extra, Tone::Bad),
                Figure::zero_is_good("Totals that disagree", self.second_layer_differences(), Tone::Bad),
            ],
            sections: vec![
                Section::new("Field by field", FIRST_INTRO, Table::new(&columns, entities, "Nothing was compared.")),
                Section::new("Differences", "", self.differences_table()),
                sums("Counts", "Source records", ["At the source", "Landed"], &self.counts),
                sums("Values by stage", "Stage", BOTH, &self.stages),
                sums("Values by owner", "Owner", BOTH, &self.owners),
                Section::new("Identities", IDENTITIES_INTRO, self.identities_table()),
            ],
        }
    }
}

const BOTH: [&str; 2] = ["Source", "Pipedrive"];

const FIRST_INTRO: &str =
    "Every record was read back from Pipedrive and compared with what was promised for it, each field and each link.";
const IDENTITIES_INTRO: &str = "Names, numbers and addresses of both sides as two piles: what lies on one of them only. \
    This and the totals above are taken from the source afresh, without the rules that made the records.";

impl Verification {
    fn differences_table(&self) -> Table {
        let row = |line: &DifferenceLine| {
            let record = format!("{} {}", title_case(line.entity.as_str()), line.destination_id);
            let cells = [&record, line.what.as_str(), &line.record, &line.field, &line.promised, &line.found];
            Row::new(cells.map(Cell::text).to_vec())
        };
        let columns = ["In Pipedrive", "What", "Source record", "Field", "Promised", "Found"];
        let table = Table::new(&columns, self.examples.iter().map(row).collect(), "None.");
        if self.file.is_empty() { table } else { table.whole(Whole::Streamed(self.file.clone())) }
    }

    fn identities_table(&self) -> Table {
        let row = |line: &IdentityLine| {
            Row::new(vec![
                Cell::text(title_case(line.entity.as_str())),
                Cell::text(&*line.field),
                Cell::count(line.values),
                Cell::count_toned(line.only_source, Tone::Bad),
                Cell::count_toned(line.only_pipedrive, Tone::Bad),
                Cell::text(line.examples.join(" · ")),
            ])
        };
        let columns = ["Pipedrive records", "Field", "Values", "Only in the source", "Only in Pipedrive", "Examples"];
        Table::new(&columns, self.identities.iter().map(row).collect(), "Not compared.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Object;

    #[test]
    fn differences_are_all_in_the_file_and_the_first_in_the_report() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut verifying = Verifying::begin(folder.path(), "sample", "the sample").expect("begun");
        let key = BindingKey::new(Object::Project, "7", "deal");
        verifying.compared(Entity::Deal, 50, 500);
        for _ in 0..50 {
            verifying.mismatched(Entity::Deal, ("9", &key), ("title", "\"=a\"", "\"b\"")).expect("written");
        }
        verifying.missing(Entity::Deal, "10", &key).expect("written");
        verifying.report().counts.push(SumLine::count("deals", 50, 49));
        let report = verifying.finish().expect("finished");
        let expected = Compared { compared: 50, fields: 500, mismatched: 50, missing: 1, extra: 0 };
        assert_eq!((report.totals, report.examples.len(), report.is_clean()), (expected, EXAMPLES_MAX + 1, false));
        let file = std::fs::read_to_string(folder.path().join("reports/data/sample.csv")).expect("there");
        assert_eq!(file.lines().count(), 52);
        assert!(report.says().ends_with("50 fields differ, 1 record is missing, 1 total does not agree."));
    }

    #[test]
    fn a_difference_with_a_known_reason_is_clean() {
        let mut line = SumLine::count("deals", 2, 1);
        assert!(!line.is_clean());
        line.allowed = "one waits for its owner".to_owned();
        assert!(line.is_clean());
        let mut identity = IdentityLine::new(Entity::Person, "emails");
        identity.add_difference("ada@example.test", 0);
        assert!(identity.is_clean());
        identity.add_difference("ada@example.test", -2);
        assert_eq!((identity.only_source, identity.only_pipedrive, identity.examples.len()), (0, 2, 1));
    }
}
