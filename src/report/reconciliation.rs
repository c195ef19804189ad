//! Reconciliation: every record of the source, and how it ended; what we hold bound, and what the sweeps saw alive.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::Report;
use super::data::DataFile;
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, grouped, number, title_case};
use super::tally::{Example, FindingKind, LeftOut, Tally, wording};
use crate::error::Result;
use crate::journal::{FateCount, Journal, Notable};
use crate::record::{Entity, Fate, Object};

/// Places of the order of landing that are read at once: a few megabytes of rows at the worst.
const SPAN: i64 = 2_000;

/// Name of the file with every record that is not in Pipedrive as itself.
const LEFT_OUT_FILE: &str = "reconciliation";
/// Name of the file with every finding.
const FINDINGS_FILE: &str = "findings";

/// Records by fate. `extracted` is the sum of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Fates {
    /// Records that were read.
    pub extracted: u64,
    /// With their own live record.
    pub loaded: u64,
    /// Gone into a survivor.
    pub merged: u64,
    /// Their data lives in another record.
    pub folded: u64,
    /// Found in Pipedrive.
    pub matched: u64,
    /// Waiting for something named.
    pub parked: u64,
    /// Cannot be loaded.
    pub rejected: u64,
    /// Left out by rule or decision.
    pub skipped: u64,
    /// Not yet decided.
    pub without_fate: u64,
}

impl Fates {
    fn add(&mut self, fate: Option<Fate>, records: u64) {
        self.extracted += records;
        *match fate {
            Some(Fate::Loaded) => &mut self.loaded,
            Some(Fate::Merged) => &mut self.merged,
            Some(Fate::Folded) => &mut self.folded,
            Some(Fate::Matched) => &mut self.matched,
            Some(Fate::Parked) => &mut self.parked,
            Some(Fate::Rejected) => &mut self.rejected,
            Some(Fate::Skipped) => &mut self.skipped,
            None => &mut self.without_fate,
        } += records;
    }

    /// Records whose data is in Pipedrive.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.loaded + self.merged + self.folded + self.matched
    }

    /// Whether every record has one of the seven fates.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.without_fate == 0
    }
}

/// The records of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ObjectFates {
    /// The object.
    pub object: Object,
    /// Its records by fate.
    #[serde(flatten)]
    pub fates: Fates,
    /// Whether every one has a fate.
    pub balanced: bool,
}

/// The live records of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EntityCount {
    /// Kind of the Pipedrive records.
    pub entity: Entity,
    /// Live records that the journal knows as made by us.
    pub loaded: u64,
    /// Live records that were there before us and stand for one of the source.
    pub matched: u64,
    /// Live records with our marker that the sweep saw; `None` where there was no sweep.
    pub marked: Option<u64>,
    /// Whether the two agree; `None` where there was no sweep.
    pub agrees: Option<bool>,
}

/// A kind of Pipedrive record that records lack although they are there under another role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOutPart {
    /// Kind of the source records.
    pub object: Object,
    /// Kind of the Pipedrive record that is lacking.
    pub entity: Entity,
    /// Why, without the values of a single record.
    pub reason: String,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Whether every record of every object has a fate, and every sweep saw what the journal knows.
    pub balanced: bool,
    /// All records.
    pub totals: Fates,
    /// By object, in the order of the flow.
    pub objects: Vec<ObjectFates>,
    /// By kind of Pipedrive record.
    pub entities: Vec<EntityCount>,
    /// Reads that brought nothing new.
    pub unchanged_reads: u64,
    /// Parked records' roles by what they wait for.
    pub waits: Vec<Wait>,
    /// Records that are not in Pipedrive as themselves: parked, rejected, skipped, undecided.
    pub left_out: Tally<LeftOut>,
    /// Roles that were rejected of records that are there under another role.
    pub parts_left_out: Tally<LeftOutPart>,
    /// What was found on records, whatever their fate.
    pub findings: Tally<FindingKind>,
}

/// How many roles wait for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// What they wait for.
    pub waits_for: String,
    /// How many.
    pub roles: u64,
}

impl Reconciliation {
    /// Reads the journal, and on the way writes the complete lists into `reports/data/` of the migration's `folder`.
    /// `marked` are the live marked records that sweeps saw. Memory does not grow with the account.
    ///
    /// # Errors
    /// `Journal`; `Settings` when a file cannot be written.
    pub async fn build(journal: &Journal, folder: &Path, marked: &BTreeMap<Entity, u64>) -> Result<Self> {
        let (totals, objects) = by_object(journal.fates().await?);
        let mut entities = Vec::new();
        for entity in Entity::ALL.iter().copied() {
            let (loaded, marked) = (journal.loaded(entity).await?, marked.get(&entity).copied());
            let matched = journal.matched(entity).await?;
            if loaded + matched > 0 || marked.is_some() {
                let agrees = marked.map(|marked| marked == loaded);
                entities.push(EntityCount { entity, loaded, matched, marked, agrees });
            }
        }
        let waits = journal.parked().await?;
        let mut built = Self {
            balanced: totals.is_balanced() && entities.iter().all(|entity| entity.agrees != Some(false)),
            totals,
            objects,
            entities,
            unchanged_reads: journal.unchanged_reads().await?,
            waits: waits.into_iter().map(|(waits_for, roles)| Wait { waits_for, roles }).collect(),
            left_out: Tally::default(),
            parts_left_out: Tally::default(),
            findings: Tally::default(),
        };
        built.walk(journal, folder).await?;
        Ok(built)
    }

    async fn walk(&mut self, journal: &Journal, folder: &Path) -> Result<()> {
        let mut left_out = DataFile::create(folder, LEFT_OUT_FILE, &["object", "id", "part", "fate", "reason"])?;
        let mut findings = DataFile::create(folder, FINDINGS_FILE, &["object", "id", "code", "field", "detail"])?;
        let (mut at, last) = (0, journal.last_seq().await?);
        while at < last {
            for record in journal.notable(at, at + SPAN).await? {
                self.note(&record, &mut left_out, &mut findings)?;
            }
            at += SPAN;
        }
        let mut after = None;
        loop {
            let page = journal.left_out_roles(after, SPAN.unsigned_abs() as usize).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            for role in page {
                let (object, id) = (role.key.object, &*role.key.source_id);
                left_out.row(&[object.as_str(), id, &role.key.role, Fate::Rejected.as_str(), &role.reason])?;
                let key = LeftOutPart { object, entity: role.entity, reason: wording(&role.reason) };
                self.parts_left_out.add(key, || Example::new(object, id, &role.key.role, &role.reason));
            }
        }
        left_out.finish()?;
        findings.finish()?;
        Ok(())
    }

    fn note(&mut self, record: &Notable, left_out: &mut DataFile, findings: &mut DataFile) -> Result<()> {
        let Notable { object, source_id, fate, reason, findings: found } = record;
        if !matches!(fate, Some(Fate::Loaded | Fate::Merged | Fate::Folded | Fate::Matched)) {
            let fate_name = fate.map_or("none", Fate::as_str);
            let reason = reason.as_deref().unwrap_or("no reason was noted");
            left_out.row(&[object.as_str(), source_id, "", fate_name, reason])?;
            self.left_out.add_left_out(*object, source_id, *fate, reason);
        }
        for finding in found {
            findings.row(&[object.as_str(), source_id, &finding.code, &finding.field, &finding.detail])?;
            self.findings.add_finding(*object, source_id, finding);
        }
        Ok(())
    }

    fn says(&self) -> String {
        let Fates { extracted, parked, rejected, skipped, without_fate, .. } = self.totals;
        let read = counted(extracted, "record was read", "records were read");
        if without_fate > 0 {
            return format!("{read}, and {} not yet decided: the migration is not complete.", is(without_fate));
        }
        let disagree = self.entities.iter().filter(|entity| entity.agrees == Some(false)).count();
        if disagree > 0 {
            return format!(
                "{read} and each has its fate, but for {} Pipedrive shows another number of our records than the journal.",
                counted(disagree as u64, "kind of record", "kinds of records")
            );
        }
        let moved = number(self.totals.moved());
        if parked + rejected + skipped == 0 {
            return format!("{read}, and all of them are in Pipedrive.");
        }
        format!(
            "{read}: the data of {moved} is in Pipedrive, {} by rule, {} and {} be loaded. Everything adds up.",
            phrase(skipped, "was left out", "were left out"),
            phrase(parked, "waits", "wait"),
            phrase(rejected, "cannot", "cannot"),
        )
    }
}

fn is(count: u64) -> String {
    phrase(count, "is", "are")
}

fn phrase(count: u64, one: &str, many: &str) -> String {
    counted(count, one, many)
}

/// Totals, and the objects in the order of the flow.
fn by_object(counts: Vec<FateCount>) -> (Fates, Vec<ObjectFates>) {
    let (mut totals, mut objects) = (Fates::default(), BTreeMap::<Object, Fates>::new());
    for FateCount { object, fate, records } in counts {
        totals.add(fate, records);
        objects.entry(object).or_default().add(fate, records);
    }
    let objects =
        objects.into_iter().map(|(object, fates)| ObjectFates { object, fates, balanced: fates.is_balanced() });
    (totals, objects.collect())
}

const FATE_COLUMNS: &[&str] = &[
    "Source records",
    "Read",
    "Loaded",
    "Merged",
    "Folded",
    "Matched",
    "Waiting",
    "Rejected",
    "Left out",
    "Undecided",
    "Balanced",
];

fn fates_cells(name: &str, fates: &Fates) -> Vec<Cell> {
    vec![
        Cell::text(name),
        Cell::count(fates.extracted),
        Cell::count(fates.loaded),
        Cell::count(fates.merged),
        Cell::count(fates.folded),
        Cell::count(fates.matched),
        Cell::count_toned(fates.parked, Tone::Attention),
        Cell::count_toned(fates.rejected, Tone::Attention),
        Cell::count(fates.skipped),
        Cell::count_toned(fates.without_fate, Tone::Bad),
        Cell::verdict(fates.is_balanced()),
    ]
}

/// A fate as customers read it.
#[must_use]
pub fn fate_words(fate: Option<Fate>) -> &'static str {
    match fate {
        Some(Fate::Parked) => "waiting",
        Some(Fate::Skipped) => "left out",
        Some(fate) => fate.as_str(),
        None => "undecided",
    }
}

pub(super) fn left_out_table(tally: &Tally<LeftOut>, empty: &'static str) -> Table {
    grouped(&["Source records", "What happened", "Why", "Records"], tally, empty, |key| {
        vec![Cell::text(title_case(key.object.as_str())), Cell::text(fate_words(key.fate)), Cell::text(&*key.reason)]
    })
}

/// The findings whose code is wanted.
pub(super) fn findings_of(tally: &Tally<FindingKind>, empty: &'static str, wanted: &dyn Fn(&str) -> bool) -> Table {
    let mut table = findings_table(tally);
    let mut groups = tally.groups().into_iter();
    // A last row for groups that were not kept has no code.
    table.rows.retain(|_| wanted(groups.next().map_or("", |(key, _)| &key.code)));
    table.empty = empty;
    table
}

pub(super) fn findings_table(tally: &Tally<FindingKind>) -> Table {
    grouped(&["Source records", "Finding", "Times"], tally, "Nothing was found.", |key| {
        vec![Cell::text(title_case(key.object.as_str())), Cell::text(title_case(&key.code))]
    })
}

impl Report for Reconciliation {
    fn page(&self) -> Page {
        let Fates { extracted, parked, rejected, skipped, without_fate, .. } = self.totals;
        let mut rows: Vec<Row> = self
            .objects
            .iter()
            .map(|line| Row::new(fates_cells(&title_case(line.object.as_str()), &line.fates)))
            .collect();
        rows.push(Row::total(fates_cells("All", &self.totals)));
        let entities = self.entities.iter().map(|line| {
            let agrees = line.agrees.map_or(Cell::text("not looked at"), Cell::verdict);
            Row::new(vec![
                Cell::text(title_case(line.entity.as_str())),
                Cell::count(line.loaded),
                Cell::count(line.matched),
                Cell::maybe(line.marked, "–"),
                agrees,
            ])
        });
        let parts = grouped(
            &["Source records", "Lacking in Pipedrive", "Why", "Records"],
            &self.parts_left_out,
            "None.",
            |key| {
                let lacking = Cell::text(title_case(key.entity.as_str()));
                vec![Cell::text(title_case(key.object.as_str())), lacking, Cell::text(&*key.reason)]
            },
        );
        let left_out = left_out_table(&self.left_out, "None: every record is in Pipedrive.");
        let tone = match (self.balanced, parked + rejected) {
            (false, _) => Tone::Bad,
            (true, 0) => Tone::Good,
            (true, _) => Tone::Attention,
        };
        Page {
            title: "Reconciliation".to_owned(),
            says: self.says(),
            tone,
            figures: vec![
                Figure::new("Read from the source", number(extracted)),
                Figure::new("In Pipedrive", number(self.totals.moved())).note("loaded, merged, folded or matched"),
                Figure::zero_is_good("Waiting", parked, Tone::Attention),
                Figure::zero_is_good("Cannot be loaded", rejected, Tone::Attention),
                Figure::new("Left out by rule", number(skipped)),
                Figure::zero_is_good("Undecided", without_fate, Tone::Bad),
            ],
            sections: vec![
                Section::new("Every record has one fate", FATES_INTRO, Table::new(FATE_COLUMNS, rows, "")),
                Section::new(
                    "Records in Pipedrive",
                    ENTITIES_INTRO,
                    Table::new(
                        &["Pipedrive records", "Made, by the journal", "There before", "Seen in Pipedrive", "Agree"],
                        entities.collect(),
                        "Nothing has been loaded yet.",
                    ),
                ),
                Section::new(
                    "Records that are not in Pipedrive, and why",
                    "",
                    left_out.whole(Whole::Streamed(LEFT_OUT_FILE.to_owned())),
                ),
                Section::new("Records of which a part is lacking", PARTS_INTRO, parts),
                Section::new(
                    "Findings",
                    FINDINGS_INTRO,
                    findings_table(&self.findings).whole(Whole::Streamed(FINDINGS_FILE.to_owned())),
                ),
            ],
        }
    }
}

const FATES_INTRO: &str = "Loaded: has its own record in Pipedrive. Merged: is the same as another record and went into it. \
    Folded: its data is in fields of another record. Matched: was there before. Waiting: goes on by itself as soon as what \
    it waits for is there. The numbers of a row add up to what was read.";
const ENTITIES_INTRO: &str = "After the load every record in Pipedrive that carries our mark was listed and counted, \
    independently of the journal. What was there before stands for a source record too, and is not among those made.";
const PARTS_INTRO: &str = "One source record may become several Pipedrive records, such as a person and an organization. \
    These are in Pipedrive, but not with every part; the file above lists them too.";
const FINDINGS_INTRO: &str =
    "Things worth knowing about records, whatever happened to them: values that were cleaned, shortened or left out.";
