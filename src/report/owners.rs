//! The owner queue: owners of the source, the Pipedrive user each of them is, and the records that wait for the rest.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Report;
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, number};

/// One owner of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerLine {
    /// Its id in the source.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its e-mail address; empty when it has none.
    pub email: String,
    /// What the customer decided, in words; empty when nothing was decided.
    pub decision: String,
    /// The Pipedrive user that stands for it, or why there is none.
    pub user: OwnerUser,
    /// Records that name it.
    pub records: u64,
    /// Pipedrive records that waited for it at the survey, by kind: its own, and what hangs on them.
    pub with_descendants: BTreeMap<String, u64>,
}

/// Who stands for an owner in Pipedrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerUser {
    /// This user: name or e-mail address, as Pipedrive shows it.
    Is(String),
    /// Nobody, for this reason; its records wait.
    Nobody(String),
}

impl OwnerLine {
    /// How many records wait because of it, with what hangs on them.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        match self.user {
            OwnerUser::Is(_) => 0,
            OwnerUser::Nobody(_) => self.with_descendants.values().sum(),
        }
    }
}

impl OwnerLine {
    /// What waits, by kind: `300 organizations, 2 deals`. Empty when nothing does.
    fn waiting_words(&self) -> String {
        if self.waiting() == 0 {
            return String::new();
        }
        let kinds = self.with_descendants.iter();
        kinds.map(|(kind, count)| counted(*count, kind, &plural(kind))).collect::<Vec<_>>().join(", ")
    }
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Owners {
    /// Records that wait for a decision or a user.
    pub waiting: u64,
    /// Every owner: first those for whom records wait, most records first.
    pub owners: Vec<OwnerLine>,
}

impl Owners {
    /// Sorts the owners and counts what waits.
    #[must_use]
    pub fn new(mut owners: Vec<OwnerLine>) -> Self {
        owners.sort_by(|one, other| {
            let order = |line: &OwnerLine| (line.waiting(), line.records);
            order(other).cmp(&order(one)).then_with(|| one.id.cmp(&other.id))
        });
        Self { waiting: owners.iter().map(OwnerLine::waiting).sum(), owners }
    }

    fn without_user(&self) -> u64 {
        self.owners.iter().filter(|line| matches!(line.user, OwnerUser::Nobody(_))).count() as u64
    }
}

fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    }
}

pub(super) fn owners_table(owners: &[OwnerLine]) -> Table {
    let row = |line: &OwnerLine| {
        let (user, tone) = match &line.user {
            OwnerUser::Is(user) => (user.clone(), Tone::Plain),
            OwnerUser::Nobody(why) => (format!("nobody: {why}"), Tone::Attention),
        };
        let decision = if line.decision.is_empty() { "–" } else { &line.decision };
        Row::new(vec![
            Cell::text(&*line.name),
            Cell::text(&*line.email),
            Cell::text(&*line.id),
            Cell::text(decision),
            Cell::text(user).tone(tone),
            Cell::count(line.records),
            Cell::count_toned(line.waiting(), Tone::Attention),
            Cell::words(&line.waiting_words()),
        ])
    };
    Table::new(
        &["Owner", "E-mail", "Id", "Decision", "Pipedrive user", "Records", "Waiting", "Of these"],
        owners.iter().map(row).collect(),
        "The source names no owners.",
    )
    .whole(Whole::File("owners".to_owned()))
}

pub(super) const OWNERS_INTRO: &str = "Records of an owner without a Pipedrive user wait, and with them what belongs to \
    them. They go on by themselves once the user exists; or decide in the mapping to match another user or to reassign them.";

impl Report for Owners {
    fn page(&self) -> Page {
        let without = self.without_user();
        let says = if without == 0 {
            format!("Every one of {} is a user in Pipedrive.", counted(self.owners.len() as u64, "owner", "owners"))
        } else {
            format!(
                "{} no user in Pipedrive yet; {} for them.",
                counted(without, "owner has", "owners have"),
                counted(self.waiting, "record waits", "records wait")
            )
        };
        let tone = if without == 0 { Tone::Good } else { Tone::Attention };
        Page {
            title: "Owners".to_owned(),
            says,
            tone,
            figures: vec![
                Figure::new("Owners", number(self.owners.len() as u64)),
                Figure::zero_is_good("Without a user", without, Tone::Attention),
                Figure::zero_is_good("Records waiting", self.waiting, Tone::Attention),
            ],
            sections: vec![Section::new("Owner queue", OWNERS_INTRO, owners_table(&self.owners))],
        }
    }
}
