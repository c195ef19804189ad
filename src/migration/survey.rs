//! The survey: lands the whole account, then runs everything through to drafts without a write, so that what the
//! workspace needs and what the load will cost are known on the complete data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Migration;
use super::existing::LOOKED_FOR;
use super::load::STEPS;
use super::outlook::{End, Outlook};
use super::sample::{SEEDS, Sampler};
use crate::clean::code;
use crate::error::{Error, Kind, Result};
use crate::mapping::Mapping;
use crate::mapping::existing::Then;
use crate::mapping::field::custom_owner;
use crate::permit::Gate;
use crate::pipedrive::Me;
use crate::pipeline::{self, Step};
use crate::record::{Draft, Entity, Fate, FieldValue, Finding, Object, Target};
use crate::report::owners::Owners;
use crate::report::plan::caps::Existing;
use crate::report::survey::Survey;
use crate::stage::extract::Which;
use crate::stage::item::{Became, Drafted};
use crate::stage::resolve::{Match, Matcher, ask_unclear, lighten};

/// Options of a field that are kept: those that it can have (documentation "Custom fields": 10,000), and one more, so that
/// the plan shows that there are too many.
const OPTIONS: usize = 10_001;

/// Days before the survey in which changes are counted: long enough for a month's end, short enough to be the present.
pub(super) const RECENT_DAYS: u64 = 30;

/// Where the journal keeps what the survey found.
pub(super) const NEEDS: &str = "needs";

/// What the data needs in the workspace, and how much of it there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Needs {
    /// Digest of the mapping that made the drafts; empty in journals of older versions.
    #[serde(default)]
    pub(super) mapping: String,
    /// Options by entity and name of the custom field.
    pub(super) options: BTreeMap<String, BTreeSet<String>>,
    /// Lead labels.
    pub(super) lead_labels: BTreeSet<String>,
    /// Activity types.
    pub(super) activity_types: BTreeSet<String>,
    /// Drafts, by kind.
    pub(super) drafts: BTreeMap<String, u64>,
    /// Of these, by kind, those that Pipedrive would refuse, because what they belong to does not exist.
    #[serde(default)]
    pub(super) lost: BTreeMap<String, u64>,
    /// Of these, those that wait for an owner who had no user then: by owner, then by kind.
    #[serde(default)]
    pub(super) waiting: BTreeMap<String, BTreeMap<String, u64>>,
    /// Of these, by kind, those that Pipedrive holds already.
    #[serde(default)]
    pub(super) matched: BTreeMap<String, u64>,
    /// Of the matched ones, by kind, those that may be written to.
    #[serde(default)]
    pub(super) to_fill: BTreeMap<String, u64>,
    /// Roles, by kind, that may be several records of Pipedrive, so that people must decide. Not among the drafts.
    #[serde(default)]
    pub(super) unclear: BTreeMap<String, u64>,
    /// Records that Pipedrive holds already, by kind, for the kinds that are looked for.
    #[serde(default)]
    pub(super) held: BTreeMap<String, u64>,
    /// Roles that end without a record of their own, by what becomes of them.
    pub(super) without_record: BTreeMap<String, u64>,
    /// Drafts that name an owner, by its id.
    #[serde(default)]
    pub(super) by_owner: BTreeMap<String, u64>,
    /// Drafts that have a value for a custom field, by entity and name of the field.
    #[serde(default)]
    pub(super) filled: BTreeMap<String, u64>,
    /// The same for fields that every account has.
    #[serde(default)]
    pub(super) filled_system: BTreeMap<String, u64>,
    /// Amounts by their currency.
    #[serde(default)]
    pub(super) currencies: BTreeMap<String, u64>,
    /// Records of owners whose user is deactivated, by the owner's name.
    #[serde(default)]
    pub(super) deactivated: BTreeMap<String, u64>,
    /// Drafts of deals that are won or lost.
    #[serde(default)]
    pub(super) closed_deals: u64,
    /// Drafts by kind whose record was changed at the source in the last [`RECENT_DAYS`].
    #[serde(default)]
    pub(super) recent: BTreeMap<String, u64>,
    /// Values that were left out because they are too long for their field.
    #[serde(default)]
    pub(super) too_long: u64,
    /// Values that were cut for the same reason.
    #[serde(default)]
    pub(super) cut: u64,
    /// What the account held already; `None` without limits.
    #[serde(default)]
    pub(super) existing: Option<Existing>,
}

/// What the quality report shows.
#[derive(Default)]
pub(super) struct Seen {
    survey: Survey,
    sampler: Sampler,
}

/// The key of a field's options in [`Needs::options`].
pub(super) fn option_key(entity: Entity, field: &str) -> String {
    format!("{entity}/{field}")
}

impl Migration {
    pub(super) async fn survey(&self, me: &Me) -> Result<()> {
        self.pass(Gate::Map, self.map_artefact()?).await?;
        self.begins_to_read().await?;
        for object in self.objects() {
            self.border().await?;
            self.progress.begin("survey", object.as_str(), 0);
            let count = self.land_object(object).await?;
            tracing::info!(%object, rows = count.read, new = count.new, "landed");
        }
        // What is approved is about all of the data.
        self.until_all_are_read().await?;
        self.refold().await?;
        let mut seen = Seen::default();
        for count in self.journal.fates().await? {
            seen.survey.add_records(count.object, count.records);
        }
        let workspace = self.workspace(me).await?;
        let mut held = BTreeMap::new();
        for entity in LOOKED_FOR {
            self.border().await?;
            self.progress.begin("survey", &format!("{entity}s that are there"), 0);
            held.insert(entity.to_string(), self.look_for_existing(entity, &workspace).await?);
        }
        let inventory = self.read_inventory(me).await?;
        self.keep_inventory(&inventory).await?;
        let book = self.match_owners_to(&inventory.users).await?;
        let outlook = Outlook::new(&book, &self.owners().await?);
        let mut needs = Needs { held, ..self.draft_walk(Which::All, &mut seen, outlook).await? };
        self.count_existing(&mut needs, &inventory).await?;
        let lines = self.owner_lines(&book, &needs).await?;
        let off = lines.iter().filter(|line| book.is_deactivated(&line.id));
        needs.deactivated = off.map(|line| (line.name.clone(), line.waiting())).collect();
        seen.survey.set_owners(lines);
        seen.survey.set_undecided(self.undecided_columns().await?);
        self.write_report("quality", &seen.survey)?;
        self.write_report("owners", &Owners::new(seen.survey.owners().to_vec()))?;
        self.put_json(SEEDS, &seen.sampler.chosen(self.config.sample_records)).await?;
        self.put_needs(&needs).await
    }

    /// Keeps what the survey found.
    pub(super) async fn put_needs(&self, needs: &Needs) -> Result<()> {
        self.put_json(NEEDS, needs).await
    }

    /// Writes the owner queue anew: users may have appeared since the survey.
    pub(super) async fn write_owners(&self) -> Result<()> {
        let lines = self.owner_lines(&self.match_owners().await?, &self.needs().await?).await?;
        self.write_report("owners", &Owners::new(lines))
    }

    /// Objects that both the source and the mapping know, in the order of landing: what others point at goes first.
    pub(super) fn objects(&self) -> Vec<Object> {
        let readable = self.source.objects();
        let mapped = Object::ALL.iter().filter(|object| self.mapping.object(**object).is_some());
        mapped.filter(|object| readable.contains(object)).copied().collect()
    }

    /// What the survey found.
    pub(super) async fn needs(&self) -> Result<Needs> {
        let text = self.journal.fact(NEEDS).await?;
        let text = text.ok_or_else(|| Error::new(Kind::Gate, "nothing is known about the data yet; run the survey"))?;
        serde_json::from_str(&text).map_err(|error| Error::new(Kind::Journal, "journal: needs").because(error))
    }

    /// Landed records through dedupe and normalize.
    pub(super) async fn draft_walk(&self, which: Which, seen: &mut Seen, mut outlook: Outlook) -> Result<Needs> {
        let parts = self.parts().await?;
        let mut needs = Needs {
            mapping: self.mapping.digest().to_owned(),
            activity_types: self.mapping.activity_types(),
            ..Needs::default()
        };
        let recent = self.clock.utc() - SignedDuration::from_hours(24) * RECENT_DAYS as i32;
        let matcher = Matcher::new(parts.journal.clone(), Arc::clone(&parts.mapping), self.clock.clone());
        for entity in STEPS {
            self.border().await?;
            matcher.begin(entity).await?;
            let objects = self.objects_of(entity);
            let total = self.journal.pending_count(objects.clone()).await?;
            self.progress.begin("survey", entity.as_str(), total);
            let step = Step { entity, objects, which };
            pipeline::drafts(&parts, step, async |mut batch| {
                self.progress.add_done(batch.len() as u64);
                ask_unclear(&self.journal, &batch, &self.clock).await?;
                let mut matches = matcher.find(&batch).await?;
                for drafted in &mut batch {
                    needs.find(drafted, matches.remove(&drafted.key), &parts.mapping);
                }
                let ends = outlook.of(&self.journal, &batch).await?;
                for (drafted, (end, broken)) in batch.iter().zip(ends) {
                    needs.count(drafted, end, recent);
                    seen.count(drafted, &broken);
                }
                Ok(())
            })
            .await?;
        }
        Ok(needs)
    }

    /// The objects that can become one kind of Pipedrive record, in the mapping's order.
    pub(super) fn objects_of(&self, entity: Entity) -> Vec<Object> {
        let has = |object: &Object| {
            let rules = self.mapping.object(*object);
            rules.is_some_and(|rules| rules.to.iter().any(|to| to.entity == entity && to.each.is_none()))
        };
        self.objects().into_iter().filter(has).collect()
    }
}

impl Seen {
    fn count(&mut self, drafted: &Drafted, broken: &[Finding]) {
        self.sampler.see(drafted);
        let (object, id) = (drafted.key.object, &*drafted.key.source_id);
        for finding in drafted.findings.iter().chain(broken) {
            self.survey.add_finding(object, id, finding);
        }
        match &drafted.became {
            Became::Draft(draft) => {
                self.survey.add_draft(drafted.entity);
                for (target, value) in &draft.fields {
                    match (target, value) {
                        (Target::Custom(name), FieldValue::Choice(label)) => {
                            self.survey.add_label(drafted.entity, name, label);
                        }
                        (Target::Custom(name), FieldValue::Choices(labels)) => {
                            labels.iter().for_each(|label| self.survey.add_label(drafted.entity, name, label));
                        }
                        _ => {}
                    }
                }
            }
            Became::Merged(into) => {
                let why = format!("the same {} as {} {}", into.role, into.object, into.source_id);
                self.survey.add_left_out(object, id, Fate::Merged, &why);
            }
            Became::Nothing(fate, reason) => self.survey.add_left_out(object, id, *fate, reason),
            Became::Deleted => self.survey.add_left_out(object, id, Fate::Skipped, "deleted at the source"),
        }
    }
}

impl Needs {
    /// Turns a draft into what was found for it, as the load will: it is another's, or nobody's until people decide, or it
    /// needs no owner any more, because it has one.
    fn find(&mut self, drafted: &mut Drafted, found: Option<Match>, mapping: &Mapping) {
        let (Became::Draft(draft), Some(found)) = (&mut drafted.became, found) else { return };
        let kind = drafted.entity.to_string();
        match found {
            Match::Taken { survivor, .. } => drafted.became = Became::Merged(survivor),
            Match::Several { why } => {
                *self.unclear.entry(kind).or_default() += 1;
                drafted.became = Became::Nothing(Fate::Parked, why);
            }
            Match::One { .. } => {
                let key = &drafted.key;
                let then = mapping.destination(key.object, &key.role).map_or(Then::Keep, |to| to.existing.then);
                lighten(draft, then);
                if matches!(then, Then::Fill | Then::Update) {
                    *self.to_fill.entry(kind.clone()).or_default() += 1;
                }
                *self.matched.entry(kind).or_default() += 1;
            }
        }
    }

    fn count(&mut self, drafted: &Drafted, end: End, recent: Timestamp) {
        let has = |code: &str| drafted.findings.iter().filter(|finding| finding.code == code).count() as u64;
        self.too_long += has(code::TOO_LONG);
        self.cut += has(code::CUT);
        if matches!(drafted.became, Became::Draft(_)) {
            let kinds = match end {
                End::Made => None,
                End::Nothing => Some(&mut self.lost),
                End::Waits(owner) => Some(self.waiting.entry(owner.to_string()).or_default()),
            };
            if let Some(kinds) = kinds {
                *kinds.entry(drafted.entity.to_string()).or_default() += 1;
            }
        }
        let kind = match &drafted.became {
            Became::Draft(draft) => {
                *self.drafts.entry(drafted.entity.to_string()).or_default() += 1;
                if drafted.modified.is_some_and(|modified| modified >= recent) {
                    *self.recent.entry(drafted.entity.to_string()).or_default() += 1;
                }
                return self.add(draft);
            }
            Became::Merged(_) => "merged",
            Became::Nothing(fate, _) => fate.as_str(),
            Became::Deleted => "deleted",
        };
        *self.without_record.entry(format!("{} {kind}", drafted.key.role)).or_default() += 1;
    }

    fn add(&mut self, draft: &Draft) {
        for (target, value) in &draft.fields {
            match target {
                Target::Custom(name) => {
                    if let Some(owner) = custom_owner(draft.entity) {
                        *self.filled.entry(option_key(owner, name)).or_default() += 1;
                    }
                }
                Target::System(name) => {
                    *self.filled_system.entry(option_key(draft.entity, name)).or_default() += 1;
                }
            }
            match (target, value) {
                (_, FieldValue::Money { currency, .. }) => {
                    *self.currencies.entry(currency.clone()).or_default() += 1;
                }
                (Target::System(name), FieldValue::Choice(status))
                    if draft.entity == Entity::Deal && name == "status" && status != "open" =>
                {
                    self.closed_deals += 1;
                }
                (_, FieldValue::Owner(owner)) => *self.by_owner.entry(owner.clone()).or_default() += 1,
                (Target::Custom(name), FieldValue::Choice(label)) => self.add_option(draft.entity, name, label),
                (Target::Custom(name), FieldValue::Choices(labels)) => {
                    labels.iter().for_each(|label| self.add_option(draft.entity, name, label));
                }
                (Target::Custom(name), FieldValue::Bool(_)) => {
                    crate::mapping::workspace::YES_NO
                        .iter()
                        .for_each(|label| self.add_option(draft.entity, name, label));
                }
                (Target::System(name), FieldValue::Choices(labels))
                    if draft.entity == Entity::Lead && name == "label_ids" =>
                {
                    self.lead_labels.extend(labels.iter().cloned());
                }
                (Target::System(name), FieldValue::Choice(label))
                    if draft.entity == Entity::Activity && name == "type" =>
                {
                    self.activity_types.insert(label.clone());
                }
                _ => {}
            }
        }
    }

    fn add_option(&mut self, entity: Entity, field: &str, label: &str) {
        let Some(owner) = custom_owner(entity) else { return };
        let options = self.options.entry(option_key(owner, field)).or_default();
        if options.len() < OPTIONS && !options.contains(label) {
            options.insert(label.to_owned());
        }
    }
}
