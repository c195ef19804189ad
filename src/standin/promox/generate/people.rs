//! Owners, and the pipelines with their stages.

use rand::Rng as _;
use serde::Serialize;

use super::super::account::{Owner, PipedriveUser, instant};
use super::super::invent::{person, pick};
use super::super::mess::Mess;
use super::super::spell::DAY;
use super::World;
use crate::record::Object;

/// A pipeline of every account.
pub(in super::super) struct PipelinePlan {
    pub(in super::super) id: u64,
    pub(in super::super) name: &'static str,
    team: &'static str,
    record_type: &'static str,
    /// In order; ids follow from the pipeline's id.
    pub(in super::super) stages: &'static [StagePlan],
}

/// A stage of a pipeline.
#[derive(Clone, Copy)]
pub(in super::super) struct StagePlan {
    pub(in super::super) name: &'static str,
    probability: &'static str,
    /// `open`, `won` or `lost`.
    pub(in super::super) kind: &'static str,
}

/// Two project pipelines that share stage names, and one for leads.
pub(in super::super) const PIPELINES: &[PipelinePlan] = &[
    PipelinePlan {
        id: 1,
        name: "Promo Orders",
        team: "Field Sales",
        record_type: "project",
        stages: &[
            open("New", "5%"),
            open("Quote Requested", "10%"),
            open("Presentation Sent", "25%"),
            open("Quote Sent", "40%"),
            open("Artwork Pending", "60%"),
            open("Artwork Approved", "80%"),
            StagePlan { name: "Order Confirmed", probability: "100%", kind: "won" },
            StagePlan { name: "Lost", probability: "0%", kind: "lost" },
        ],
    },
    PipelinePlan {
        id: 2,
        name: "Web Store Programs",
        team: "Programs",
        record_type: "project",
        stages: &[
            open("New", "10%"),
            open("Quote Sent", "30%"),
            open("Artwork Approved", "70%"),
            open("Store Live", "90%"),
            StagePlan { name: "Order Confirmed", probability: "100%", kind: "won" },
            StagePlan { name: "Lost", probability: "0%", kind: "lost" },
        ],
    },
    PipelinePlan {
        id: 3,
        name: "New Business",
        team: "Field Sales",
        record_type: "lead",
        stages: &[
            open("New", "5%"),
            open("Contacted", "10%"),
            open("Qualified", "25%"),
            open("Presentation Sent", "40%"),
            StagePlan { name: "Disqualified", probability: "0%", kind: "lost" },
        ],
    },
];

/// A stage that project pipelines once had.
pub(super) const RETIRED_STAGE: &str = "Proof Hold";

const fn open(name: &'static str, probability: &'static str) -> StagePlan {
    StagePlan { name, probability, kind: "open" }
}

#[derive(Serialize)]
struct OwnerRow<'row> {
    id: &'row str,
    email: String,
    first_name: &'row str,
    last_name: &'row str,
    role: &'static str,
    active: bool,
    team: &'static str,
    default_commission_rate: u8,
    created_at: String,
    updated_at: String,
}

/// Owners. The last of them left: one who has a Pipedrive user (in accounts that are not tiny), one who gets one later,
/// one who never does.
pub(super) fn owners(world: &mut World, count: usize) {
    let mut sheet = world.sheet(Object::Owner);
    for number in 0..count {
        sheet.at(number);
        let id = sheet.next_id();
        let (first, last) = person(&mut sheet.dice);
        let email = world.registry.email(first, last, "larkspur-promo.example");
        let pipedrive = match count - number {
            1 => PipedriveUser::Absent,
            2 => PipedriveUser::Late,
            _ => PipedriveUser::Present,
        };
        let active = count - number > if count < 8 { 2 } else { 3 };
        let times = sheet.times(0);
        let source_id = format!("u_{id}");
        let row = OwnerRow {
            id: &source_id,
            email: if sheet.takes(Mess::OwnerEmailSpelling) { respelled(&email) } else { email.clone() },
            first_name: first,
            last_name: last,
            role: pick(&mut sheet.dice, &["Sales rep", "Sales rep", "CSR", "Production", "Admin"]),
            active,
            team: pick(&mut sheet.dice, &["Field Sales", "Programs"]),
            default_commission_rate: pick(&mut sheet.dice, &[35, 40, 45, 50]),
            created_at: times.created_at,
            updated_at: instant(times.updated),
        };
        world.table(Object::Owner).push(id, times.updated, &row);
        world.owners.push(Owner { id: source_id, name: format!("{first} {last}"), email, active, pipedrive });
    }
    sheet.planter.report(&mut world.truth);
}

/// The same address as someone typed it: a capital first letter and a space at the end.
fn respelled(email: &str) -> String {
    let (first, rest) = email.split_at(1);
    format!("{}{rest} ", first.to_uppercase())
}

#[derive(Serialize)]
struct PipelineRow {
    id: u64,
    name: &'static str,
    team: &'static str,
    record_type: &'static str,
    position: usize,
    active: bool,
    stages: Vec<StageRow>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct StageRow {
    id: u64,
    name: &'static str,
    position: usize,
    probability: &'static str,
    kind: &'static str,
}

/// The pipelines; positions count from 1.
pub(super) fn pipelines(world: &mut World) {
    let mut sheet = world.sheet(Object::Pipeline);
    for (number, plan) in PIPELINES.iter().enumerate() {
        let created = world.now - sheet.dice.random_range(1_500..1_600) * DAY;
        let updated = world.now - sheet.dice.random_range(200..300) * DAY;
        let stage = |(place, stage): (usize, &StagePlan)| StageRow {
            id: plan.id * 100 + place as u64 + 1,
            name: stage.name,
            position: place + 1,
            probability: stage.probability,
            kind: stage.kind,
        };
        let row = PipelineRow {
            id: plan.id,
            name: plan.name,
            team: plan.team,
            record_type: plan.record_type,
            position: number + 1,
            active: true,
            stages: plan.stages.iter().enumerate().map(stage).collect(),
            created_at: instant(created),
            updated_at: instant(updated),
        };
        world.table(Object::Pipeline).push(plan.id, updated, &row);
    }
}
