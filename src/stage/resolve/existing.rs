//! Which drafts are records that Pipedrive holds already: looked up in the journal, a batch at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use super::draft_of;
use crate::clean::existing::{is_blank, keys_of_draft};
use crate::clock::Clock;
use crate::error::Result;
use crate::journal::{Candidate, Journal, Question};
use crate::mapping::Mapping;
use crate::mapping::existing::{Existing, MatchKey, Then};
use crate::record::{BindingKey, Draft, Entity, Target};
use crate::stage::item::Drafted;

/// What a parked role waits for when several records of Pipedrive may be it.
pub const UNCLEAR: &str = "existing";

/// Candidates that a question names; more are counted.
const NAMED: usize = 20;

/// What was found for a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Exactly one record, which is this draft's from now on.
    One {
        /// Its id.
        dest_id: Arc<str>,
        /// Its fields that held a value when it was read, parted by spaces.
        filled: String,
        /// Why it is the same, in words.
        why: String,
    },
    /// Exactly one record, for which another record of the source stands already.
    Taken {
        /// Which.
        survivor: BindingKey,
        /// Why it is the same, in words.
        why: String,
    },
    /// Several; which of them is for people to decide.
    Several {
        /// The question in words.
        why: String,
    },
}

/// Looks up what exists.
pub struct Matcher {
    journal: Journal,
    mapping: Arc<Mapping>,
    clock: Clock,
    /// Whether there is anything to look up: an account that was empty costs no query.
    looks: AtomicBool,
}

impl Matcher {
    /// A matcher that looks nothing up yet.
    #[must_use]
    pub fn new(journal: Journal, mapping: Arc<Mapping>, clock: Clock) -> Self {
        Self { journal, mapping, clock, looks: AtomicBool::new(false) }
    }

    /// Begins one kind of record.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn begin(&self, entity: Entity) -> Result<()> {
        self.looks.store(self.journal.holds_existing(entity).await?, Ordering::Relaxed);
        Ok(())
    }

    /// What the mapping says of one role.
    pub(super) fn rule(&self, key: &BindingKey) -> Option<&Existing> {
        self.mapping.destination(key.object, &key.role).map(|destination| &destination.existing)
    }

    /// Finds the drafts of a batch that have no record yet among what exists, and asks about those that are unclear.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn find(&self, batch: &[Drafted]) -> Result<HashMap<BindingKey, Match>> {
        if !self.looks.load(Ordering::Relaxed) {
            return Ok(HashMap::new());
        }
        let (mut asked, mut groups) = (Vec::new(), Vec::new());
        for drafted in batch.iter().filter(|drafted| drafted.known.is_none()) {
            let Some((draft, rule)) = draft_of(drafted).zip(self.rule(&drafted.key)) else { continue };
            let keys = keys_of_draft(rule, draft, &self.mapping.defaults);
            for (by, group) in rule.by.iter().zip(keys).filter(|(_, group)| !group.is_empty()) {
                asked.push((drafted, by));
                groups.push(group);
            }
        }
        let Some(entity) = asked.first().map(|(drafted, _)| drafted.entity) else { return Ok(HashMap::new()) };
        let found = self.journal.find_existing(entity, groups).await?;
        let (mut ones, mut several) = (Vec::new(), Vec::new());
        let mut done: Option<&BindingKey> = None;
        for ((drafted, by), mut candidates) in asked.into_iter().zip(found) {
            // The first key by which anything is found decides.
            if candidates.is_empty() || done == Some(&drafted.key) {
                continue;
            }
            done = Some(&drafted.key);
            if candidates.len() > 1 {
                several.push((drafted.key.clone(), by, candidates));
            } else if let Some(one) = candidates.pop() {
                ones.push((drafted.key.clone(), by, one));
            }
        }
        let mut all = self.claim(entity, ones).await?;
        all.extend(self.ask(entity, several).await?);
        Ok(all)
    }

    /// Two records of the source that are one record of Pipedrive become one, as duplicates do.
    async fn claim(
        &self,
        entity: Entity,
        ones: Vec<(BindingKey, &MatchKey, Candidate)>,
    ) -> Result<HashMap<BindingKey, Match>> {
        if ones.is_empty() {
            return Ok(HashMap::new());
        }
        let claims = ones.iter().map(|(key, _, one)| (entity, Arc::clone(&one.dest_id), key.clone()));
        let survivors = self.journal.claim_existing(UNCLEAR, claims.collect()).await?;
        let matched = |((key, by, one), survivor): ((BindingKey, &MatchKey, Candidate), BindingKey)| {
            let Candidate { dest_id, filled } = one;
            let why = format!("was there before as {entity} {dest_id}: the same {}", words(by));
            let found =
                if survivor == key { Match::One { dest_id, filled, why } } else { Match::Taken { survivor, why } };
            (key, found)
        };
        Ok(ones.into_iter().zip(survivors).map(matched).collect())
    }

    async fn ask(
        &self,
        entity: Entity,
        several: Vec<(BindingKey, &MatchKey, Vec<Candidate>)>,
    ) -> Result<HashMap<BindingKey, Match>> {
        if several.is_empty() {
            return Ok(HashMap::new());
        }
        let (mut all, mut questions, mut unclear) = (HashMap::new(), Vec::new(), Vec::new());
        for (key, by, candidates) in several {
            let count = candidates.len();
            let ids: Vec<&str> = candidates.iter().take(NAMED).map(|one| &*one.dest_id).collect();
            let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
            let (ids, by) = (ids.join(", "), words(by));
            let why = format!("{count} records of kind {entity} in Pipedrive have the same {by}: {ids}{more}");
            questions.push(Question {
                topic: UNCLEAR.to_owned(),
                subject: key.to_string(),
                text: format!("{why}; which one is it? Merge them in Pipedrive, and it is found by itself"),
            });
            unclear.extend(candidates.into_iter().map(|one| one.dest_id));
            all.insert(key, Match::Several { why });
        }
        unclear.sort_unstable();
        unclear.dedup();
        self.journal.mark_unclear(entity, unclear).await?;
        self.journal.ask(questions, self.clock.utc()).await?;
        Ok(all)
    }
}

fn words(by: &MatchKey) -> String {
    let names: Vec<&str> = by.iter().map(|field| field.as_str()).collect();
    names.join(" and ")
}

/// Takes out what a record that exists cannot take or does not need: its time of adding is set at creation only (OpenAPI
/// v2), and it has an owner, so that it never waits for one unless the source is to win.
pub fn lighten(draft: &mut Draft, then: Then) {
    let system = |name: &str| Target::System(name.to_owned());
    let (added, owner) = (system("add_time"), system("owner_id"));
    draft.fields.retain(|(target, _)| *target != added && (*target != owner || then == Then::Update));
}

/// Whether a record to be filled had a blank for anything in the body when it was read.
pub(super) fn has_blank(filled: &str, body: &Map<String, Value>) -> bool {
    let is_filled = |name: &str| filled.split(' ').any(|field| field == name);
    body.iter().any(|(name, value)| match (name.as_str(), value) {
        ("custom_fields", Value::Object(custom)) => {
            custom.iter().any(|(code, value)| !is_blank(value) && !is_filled(code))
        }
        (name, value) => !is_blank(value) && !is_filled(name),
    })
}

/// Whether nothing is written to what is found.
pub(super) const fn writes_nothing(then: Then) -> bool {
    matches!(then, Then::Keep | Then::Ignore)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blanks_are_seen_from_the_names_of_what_is_filled() {
        let has_blank = |filled: &str, body: Value| has_blank(filled, body.as_object().expect("a map"));
        let body = json!({"name": "Dana", "emails": [{"value": "d@x.org"}], "custom_fields": {"c0de": 1}});
        assert!(!has_blank("name emails c0de", body.clone()));
        assert!(has_blank("name emails", body.clone()));
        assert!(has_blank("name c0de", body));
        assert!(!has_blank("name", json!({"name": "Dana", "phones": [], "custom_fields": {"c0de": null}})));
    }
}
