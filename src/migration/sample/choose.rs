//! Which records make the sample: those that show something that none before them showed, and some drawn from all.
//!
//! Chosen while the survey's drafts stream by, in bounded memory, and the same on every run over the same data.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::record::{Draft, Entity, FieldValue, Object, Target};
use crate::stage::item::{Became, Drafted};

/// Telling records that are kept of one kind while the survey runs.
const TELLING: usize = 200;

/// Things of which it is remembered that a record of a kind showed them.
const SHOWN: usize = 5_000;

/// A record chosen by the survey. What it belongs to comes along later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::migration) struct Seed {
    pub(in crate::migration) object: Object,
    pub(in crate::migration) source_id: Arc<str>,
    pub(in crate::migration) why: String,
}

/// What makes a record worth looking at, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Shows {
    Finding,
    Merge,
    Stage,
    Status,
    Field,
    Owner,
}

/// Looks at every draft and keeps what is worth showing.
#[derive(Debug, Default)]
pub(in crate::migration) struct Sampler {
    pools: BTreeMap<Entity, Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    shown: HashSet<u64>,
    telling: Vec<(Shows, Seed)>,
    /// By a number that depends on the record alone: the smallest ones are a fair draw.
    drawn: BTreeMap<u64, Seed>,
}

impl Sampler {
    /// Looks at one draft. Records that become nothing are not loaded, so there is nothing to look at.
    pub(in crate::migration) fn see(&mut self, drafted: &Drafted) {
        let pool = self.pools.entry(drafted.entity).or_default();
        let seed =
            |why: String| Seed { object: drafted.key.object, source_id: Arc::clone(&drafted.key.source_id), why };
        let draft = match &drafted.became {
            Became::Draft(draft) => Some(draft),
            Became::Merged(_) => None,
            Became::Nothing(..) | Became::Deleted => return,
        };
        if pool.telling.len() < TELLING {
            let found = drafted.findings.iter().map(|finding| (Shows::Finding, &*finding.code, &*finding.field));
            let merged = draft.is_none().then_some((Shows::Merge, "", &*drafted.key.role)).into_iter();
            let mut best: Option<(Shows, String)> = None;
            for (shows, what, of) in found.chain(merged).chain(draft.into_iter().flat_map(shown_by)) {
                // All of it is remembered, the best is the reason.
                if pool.is_new((shows, what, of)) && best.as_ref().is_none_or(|(known, _)| shows < *known) {
                    best = Some((shows, words(shows, what, of)));
                }
            }
            if let Some((shows, why)) = best {
                pool.telling.push((shows, seed(why)));
            }
        }
        let number = number(&(drafted.key.object.as_str(), &*drafted.key.source_id));
        let is_small = pool.drawn.len() < TELLING || pool.drawn.keys().next_back().is_some_and(|last| number < *last);
        if is_small {
            pool.drawn.insert(number, seed("drawn at random".to_owned()));
            if pool.drawn.len() > TELLING {
                pool.drawn.pop_last();
            }
        }
    }

    /// At most about `records` records, as many of each kind: two thirds of them telling, the rest drawn.
    pub(in crate::migration) fn chosen(self, records: usize) -> Vec<Seed> {
        let kinds = self.pools.len().max(1);
        let quota = records.div_ceil(kinds).max(1);
        let mut chosen: Vec<Seed> = Vec::new();
        let mut known: HashSet<(Object, Arc<str>)> = HashSet::new();
        for Pool { mut telling, drawn, .. } in self.pools.into_values() {
            telling.sort_by_key(|(shows, _)| *shows);
            let two_thirds = (quota * 2).div_ceil(3);
            let (first, rest) = telling.split_at(telling.len().min(two_thirds));
            let in_order =
                first.iter().map(|(_, seed)| seed).chain(drawn.values()).chain(rest.iter().map(|(_, seed)| seed));
            let mut left = quota;
            for seed in in_order {
                if left == 0 {
                    break;
                }
                if known.insert((seed.object, Arc::clone(&seed.source_id))) {
                    chosen.push(seed.clone());
                    left -= 1;
                }
            }
        }
        chosen
    }
}

impl Pool {
    fn is_new(&mut self, what: (Shows, &str, &str)) -> bool {
        self.shown.len() < SHOWN && self.shown.insert(number(&what))
    }
}

fn shown_by(draft: &Draft) -> impl Iterator<Item = (Shows, &str, &str)> {
    draft.fields.iter().map(|(target, value)| {
        let (Target::System(name) | Target::Custom(name)) = target;
        let name = name.as_str();
        match value {
            FieldValue::Owner(owner) => (Shows::Owner, owner.as_str(), ""),
            FieldValue::Stage { pipeline, stage } => {
                (Shows::Stage, stage.as_str(), pipeline.as_deref().unwrap_or_default())
            }
            FieldValue::Choice(label) if ["status", "type"].contains(&name) => (Shows::Status, label.as_str(), name),
            _ => (Shows::Field, name, ""),
        }
    })
}

fn words(shows: Shows, what: &str, of: &str) -> String {
    match shows {
        Shows::Finding if of.is_empty() => format!("the first with the finding {what}"),
        Shows::Finding => format!("the first with the finding {what} on {of}"),
        Shows::Merge => format!("the first that is merged into another {of}"),
        Shows::Stage if of.is_empty() => format!("the first in stage {what}"),
        Shows::Stage => format!("the first in stage {what} of pipeline {of}"),
        Shows::Status => format!("the first with {of} {what}"),
        Shows::Field => format!("the first with {what}"),
        Shows::Owner => format!("the first of owner {what}"),
    }
}

/// The same on every machine and run.
fn number(what: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BindingKey, Finding};

    fn drafted(id: &str, status: &str, finding: Option<&str>) -> Drafted {
        let key = BindingKey::new(Object::Project, id, "deal");
        let draft = Draft {
            entity: Entity::Deal,
            binding: key.clone(),
            fields: vec![(Target::System("status".to_owned()), FieldValue::Choice(status.to_owned()))],
            duplicate_key: None,
        };
        Drafted {
            key,
            entity: Entity::Deal,
            version: 1,
            modified: None,
            known: None,
            became: Became::Draft(draft),
            findings: finding.map(|code| Finding::new(code, "title", "x")).into_iter().collect(),
        }
    }

    #[test]
    fn what_shows_something_new_comes_first_and_the_rest_is_drawn() {
        let mut sampler = Sampler::default();
        for number in 0..1_000 {
            let status = if number == 700 { "won" } else { "open" };
            sampler.see(&drafted(&number.to_string(), status, (number == 900).then_some("too_long")));
        }
        let chosen = sampler.chosen(6);
        let whys: Vec<(&str, &str)> = chosen.iter().map(|seed| (&*seed.source_id, seed.why.as_str())).collect();
        assert_eq!(
            whys[..3],
            [
                ("900", "the first with the finding too_long on title"),
                ("0", "the first with status open"),
                ("700", "the first with status won"),
            ]
        );
        assert_eq!(chosen.len(), 6);
        assert!(whys[3..].iter().all(|(_, why)| *why == "drawn at random"), "{whys:?}");
    }

    #[test]
    fn an_account_smaller_than_the_sample_is_all_of_it() {
        let mut sampler = Sampler::default();
        (0..4).for_each(|number| sampler.see(&drafted(&number.to_string(), "open", None)));
        assert_eq!(sampler.chosen(60).len(), 4);
    }
}
