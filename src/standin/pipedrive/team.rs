//! The customer's people at work in the web application while a migration runs: they edit, make, copy, delete, merge and
//! convert what they see, by a seed.
//!
//! What they do costs no tokens and appears in no book; a log tells it. They never touch what nobody would: fields,
//! pipelines, users.

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::crud::Resource;
use super::deals::Deal;
use super::delivery;
use super::leads::Lead;
use super::limits::Arrival;
use super::noun::Noun;
use super::people::{self, PeopleAction, PeopleEdit};
use super::serve::App;
use super::settings::{as_seconds, seconds};
use super::state::State;

/// What people mostly do, out of a hundred.
const MIX: [(PeopleAction, u32); 6] = [
    (PeopleAction::Update, 50),
    (PeopleAction::Create, 15),
    (PeopleAction::Duplicate, 15),
    (PeopleAction::Delete, 10),
    (PeopleAction::Merge, 5),
    (PeopleAction::Convert, 5),
];

/// Acts that the log keeps.
const LOG_MAX: usize = 10_000;

/// Tries to find something to do in one act; an empty account offers nothing.
const TRIES: usize = 20;

/// A team and its habits. Unknown keys are refused; every key has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Team {
    /// How often they act before they go home. Default: 100.
    pub acts: u64,
    /// Mean time between two acts; each wait is between none and twice that; key `every_seconds`. Default: 60.
    #[serde(rename = "every_seconds", deserialize_with = "seconds", serialize_with = "as_seconds")]
    pub every: Duration,
    /// What they do; others of their habits are left out. Default: everything.
    pub actions: Vec<PeopleAction>,
    /// Added to the account's seed. Default: 0.
    pub seed: u64,
}

impl Default for Team {
    fn default() -> Self {
        let actions = MIX.iter().map(|(action, _)| *action).collect();
        Self { acts: 100, every: Duration::from_secs(60), actions, seed: 0 }
    }
}

/// The random numbers of a team.
pub(super) fn random(team: &Team, seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed.wrapping_add(team.seed) ^ 0x7465_616d)
}

/// Sets the team of the settings to work, if there is one.
pub(super) fn start(app: &Arc<App>) {
    let Some((team, seed)) = ({
        let state = app.lock();
        state.settings.team.clone().map(|team| (team, state.settings.seed))
    }) else {
        return;
    };
    let own = Arc::clone(app);
    app.spawn_apart(async move {
        let mut random = random(&team, seed);
        for _ in 0..team.acts {
            own.clock.sleep(team.every.mul_f64(2.0 * random.random::<f64>())).await;
            act(&mut own.lock(), own.arrival(), &team, &mut random);
            delivery::start(&own);
        }
    });
}

/// Does one thing; `None` if there was nothing to do.
pub(super) fn act(state: &mut State, arrival: Arrival, team: &Team, random: &mut ChaCha8Rng) -> Option<PeopleEdit> {
    let act = people::act(state, arrival);
    for _ in 0..TRIES {
        let Some(edit) = invent(state, team, random) else { continue };
        if people::edit(state, &act, edit.clone()).is_ok() {
            if state.team_log.len() < LOG_MAX {
                state.team_log.push(edit.clone());
            }
            return Some(edit);
        }
    }
    None
}

/// Thinks of something that could be done.
fn invent(state: &State, team: &Team, random: &mut ChaCha8Rng) -> Option<PeopleEdit> {
    let all: u32 = MIX.iter().filter(|(own, _)| team.actions.contains(own)).map(|(_, weight)| weight).sum();
    let mut drawn = (random.random::<f64>() * f64::from(all)) as u32;
    let (action, _) = *MIX.iter().filter(|(own, _)| team.actions.contains(own)).find(|(_, weight)| {
        let here = drawn < *weight;
        drawn = drawn.saturating_sub(*weight);
        here
    })?;
    let nouns: &[Noun] = match action {
        PeopleAction::Merge => &[Noun::Organization, Noun::Person, Noun::Deal],
        PeopleAction::Convert => &[Noun::Lead, Noun::Deal],
        PeopleAction::Duplicate => &[Noun::Deal],
        PeopleAction::Create => &[Noun::Person, Noun::Deal, Noun::Activity],
        _ => &[Noun::Organization, Noun::Person, Noun::Deal, Noun::Lead, Noun::Activity, Noun::Note],
    };
    let noun = nouns[random.random_range(0..nouns.len())];
    let number: u32 = random.random_range(0..1_000_000);
    let text = format!("By people {number}");
    if action == PeopleAction::Create {
        let keys = match noun {
            Noun::Person => json!({ "name": text }),
            Noun::Deal => json!({ "title": text }),
            _ => json!({"subject": text, "type": "call"}),
        };
        return Some(PeopleEdit::new(action, noun, "").with(keys));
    }
    let ids = ids(state, noun);
    let pick = |random: &mut ChaCha8Rng| Some(ids.get(random.random_range(0..ids.len().max(1)))?.clone());
    let edit = PeopleEdit::new(action, noun, pick(random)?);
    Some(match (action, noun) {
        (PeopleAction::Update, Noun::Organization | Noun::Person) => edit.with(json!({ "name": text })),
        (PeopleAction::Update, Noun::Deal) => edit.with(deal_change(&text, number)),
        (PeopleAction::Update, Noun::Lead) => edit.with(json!({ "title": text })),
        (PeopleAction::Update, Noun::Activity) => edit.with(json!({"subject": text, "done": number.is_multiple_of(2)})),
        (PeopleAction::Update, _) => edit.with(json!({ "content": text })),
        (PeopleAction::Merge, _) => {
            let other: u64 = pick(random)?.parse().ok()?;
            edit.with(json!({ "merge_with_id": other }))
        }
        _ => edit,
    })
}

fn deal_change(text: &str, number: u32) -> Value {
    match number % 4 {
        0 => json!({"status": "won"}),
        1 => json!({"status": "lost", "lost_reason": text}),
        2 => json!({ "value": number }),
        _ => json!({ "title": text }),
    }
}

/// Public ids of what people see.
fn ids(state: &State, noun: Noun) -> Vec<String> {
    match noun {
        Noun::Organization => live::<super::organizations::Organization>(state),
        Noun::Person => live::<super::persons::Person>(state),
        Noun::Deal => live::<Deal>(state),
        Noun::Lead => live::<Lead>(state),
        Noun::Activity => live::<super::activities::Activity>(state),
        _ => live::<super::notes::Note>(state),
    }
}

fn live<R: Resource>(state: &State) -> Vec<String> {
    let rows = R::table(state).iter().filter(|row| !row.meta().is_deleted);
    rows.map(|row| row.public_id().as_str().map_or_else(|| row.public_id().to_string(), str::to_owned)).collect()
}
