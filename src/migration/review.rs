//! What a review of the map shows beside the map itself: what the source's columns hold, what becomes of real values, and
//! who the owners are. It reads, and writes nothing anywhere.

mod facts;
mod previews;
mod rules;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt as _;

use super::map::in_time;
use super::owners::source_owner;
use super::survey::Needs;
use super::{JOURNAL, open_source};
use crate::clean::identity;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::http::Http;
use crate::journal::Journal;
use crate::mapping::Mapping;
use crate::mapping::object::FoldInto;
use crate::mapping::proposal::{Proposal, ProposedTable};
use crate::pipedrive::{Budget, Client, User};
use crate::record::{Object, SourceRecord};
use crate::report::review::owners::{OwnerReview, OwnersReview};
use crate::report::review::{Preview, RulePreviews};
use crate::source::Cursor;
use crate::stage::resolve::{Assignment, OwnerBook, SourceOwner};

/// Rows of a table that are looked at: enough to see what a column holds, read in a few requests.
const ROWS: usize = 300;

/// Owners that are read; more than any account has users.
const OWNERS: usize = 5_000;

/// What there is to see beside the map.
pub struct Seen {
    /// The tables with what their columns hold; fields and reasons only where something was proposed before.
    pub proposal: Proposal,
    /// What becomes of real values, by object, role and position.
    pub previews: BTreeMap<(Object, String, usize), Vec<Preview>>,
    /// What each rule of folding would make of real rows, by the kind of these.
    pub rules: BTreeMap<Object, RulePreviews>,
    /// The owners.
    pub owners: OwnersReview,
    /// What could not be read, in words; empty when everything could.
    pub missing: Vec<String>,
}

/// Looks at the rows that are landed, or else at the first of the source, and asks Pipedrive for its users.
///
/// `proposed` is what is known from before. The caller holds the folder's lock.
///
/// # Errors
/// `Journal`; those of reading the source. That Pipedrive does not answer is told and no error.
pub async fn look(
    config: &Config,
    folder: &Path,
    clock: &Clock,
    mapping: &Mapping,
    proposed: Proposal,
) -> Result<Seen> {
    let path = folder.join(JOURNAL);
    let journal = if path.exists() { Some(Journal::read_only(&path, clock.clone())?) } else { None };
    let mut rows = match &journal {
        Some(journal) => landed(journal, mapping).await?,
        None => BTreeMap::new(),
    };
    if rows.values().all(|table| table.records.is_empty()) {
        rows = first_rows(config, clock, mapping).await?;
    }
    let mut missing = Vec::new();
    let users = match in_time(clock, users(config, clock)).await {
        Ok(users) => users,
        Err(error) => {
            missing.push(format!("the account's users could not be read: {}", error.message()));
            Vec::new()
        }
    };
    let needs = match &journal {
        Some(journal) => journal.fact(super::survey::NEEDS).await?.and_then(|text| serde_json::from_str(&text).ok()),
        None => None,
    };
    let owners = source_owners(&rows, mapping);
    let mut named = mapping.clone();
    named.owners.set_names(owners.iter().map(|owner| (owner.id.clone(), owner.name.clone())));
    Ok(Seen {
        rules: rules::of(&rows, &named),
        previews: previews::of(&rows, &named),
        proposal: with_facts(proposed, &rows, mapping),
        owners: owners_review(&owners, mapping, &users, needs.as_ref()),
        missing,
    })
}

/// Rows of one table.
#[derive(Default)]
pub(super) struct Sample {
    records: Vec<SourceRecord>,
    is_whole: bool,
}

type Rows = BTreeMap<Object, Sample>;

fn rows_max(object: Object) -> usize {
    if object == Object::Owner { OWNERS } else { ROWS }
}

async fn landed(journal: &Journal, mapping: &Mapping) -> Result<Rows> {
    let mut rows = Rows::new();
    for rules in &mapping.objects {
        let wanted = rows_max(rules.object);
        let mut landed = journal.landed(rules.object, 0, wanted + 1).await?;
        let is_whole = landed.len() <= wanted;
        landed.truncate(wanted);
        let records = landed.into_iter().map(|landed| landed.record).collect();
        rows.insert(rules.object, Sample { records, is_whole });
    }
    Ok(rows)
}

/// The first rows of the source; children are joined to the parents among them.
async fn first_rows(config: &Config, clock: &Clock, mapping: &Mapping) -> Result<Rows> {
    let source = open_source(config, clock, mapping)?;
    let readable = source.objects();
    let mut rows = Rows::new();
    for rules in mapping.objects.iter().filter(|rules| readable.contains(&rules.object)) {
        let (mut sample, mut pass) = (Sample::default(), 0);
        let mut pages = source.pages(rules.object, Cursor::start());
        while sample.records.len() < rows_max(rules.object)
            && let Some(page) = pages.try_next().await?
        {
            // The walk begins again where rows moved, or where two readings must agree: what was read before is void.
            if page.pass != pass {
                pass = page.pass;
                sample.records.clear();
            }
            sample.is_whole = page.last;
            // A row without an id is the survey's to tell.
            let read = page.records.into_iter().filter_map(|record| {
                identity::source_record(rules, &mapping.defaults, record.payload, record.place).ok()
            });
            sample.records.extend(read);
        }
        sample.is_whole &= sample.records.len() <= rows_max(rules.object);
        sample.records.truncate(rows_max(rules.object));
        rows.insert(rules.object, sample);
    }
    for rules in &mapping.objects {
        let Some(fold) = &rules.fold_into else { continue };
        let children: Vec<SourceRecord> = rows.get(&rules.object).map(|own| own.records.clone()).unwrap_or_default();
        for child in children {
            let Some(parent) = parent_among(&rows, &child, fold) else { continue };
            let mut parents = rows.get_mut(&fold.object).into_iter().flat_map(|parents| &mut parents.records);
            if let Some(parent) = parents.find(|own| *own.id == *parent) {
                parent.children.push(child);
            }
        }
    }
    Ok(rows)
}

/// The id of a child's parent, by way of the rows that were read.
fn parent_among(rows: &Rows, child: &SourceRecord, fold: &FoldInto) -> Option<String> {
    let mut id = fold.from.text(&child.payload)?.into_owned();
    for (object, column, _) in fold.way(child.object).skip(1) {
        let between = rows.get(&object)?.records.iter().find(|row| *row.id == *id)?;
        id = column.text(&between.payload)?.into_owned();
    }
    Some(id)
}

async fn users(config: &Config, clock: &Clock) -> Result<Vec<User>> {
    let settings = &config.pipedrive;
    let http = Http::new(clock.clone(), settings.request_timeout, settings.calls_in_flight)?;
    let budget = Budget::new(clock.clone(), settings.spending, settings.calls_in_flight)?;
    let client = Client::new(http, settings.address.clone(), settings.credentials.clone(), Arc::new(budget));
    client.users().await
}

fn source_owners(rows: &Rows, mapping: &Mapping) -> Vec<SourceOwner> {
    let records = rows.get(&Object::Owner).map(|own| own.records.as_slice()).unwrap_or_default();
    records.iter().filter_map(|record| source_owner(record, mapping)).collect()
}

fn owners_review(owners: &[SourceOwner], mapping: &Mapping, users: &[User], needs: Option<&Needs>) -> OwnersReview {
    let book = OwnerBook::new(owners, &mapping.owners, users);
    let user = |id: i64| {
        users.iter().find(|user| *user.id == *id.to_string()).map_or(id.to_string(), |user| user.email.clone())
    };
    let review = |owner: &SourceOwner| {
        let (stands, waits) = match book.assignment(&owner.id) {
            _ if users.is_empty() => ("not known: the account's users could not be read".to_owned(), false),
            Assignment::User(id) => (format!("the user {}", user(id)), false),
            Assignment::Reassigned(id, _) => (format!("its records go to {}", user(id)), false),
            Assignment::Waits(why) => (why, true),
        };
        let records = needs.and_then(|needs| needs.by_owner.get(&owner.id).copied()).unwrap_or_default();
        let waiting: u64 = needs.and_then(|needs| needs.waiting.get(&owner.id)).map_or(0, |kinds| kinds.values().sum());
        OwnerReview {
            id: owner.id.clone(),
            name: owner.name.clone(),
            email: owner.email.clone(),
            stands,
            waits,
            records,
            waiting: if waits { waiting } else { 0 },
        }
    };
    let mut all: Vec<OwnerReview> = owners.iter().map(review).collect();
    all.sort_by(|one, other| {
        (other.waits, other.waiting, other.records)
            .cmp(&(one.waits, one.waiting, one.records))
            .then_with(|| one.name.cmp(&other.name))
    });
    let mut active: Vec<String> =
        users.iter().filter(|user| user.active && !user.email.is_empty()).map(|user| user.email.clone()).collect();
    active.sort();
    OwnersReview { users: active, owners: all, is_counted: needs.is_some() }
}

/// What the columns hold: as it was proposed, and else by the rows.
fn with_facts(mut proposed: Proposal, rows: &Rows, mapping: &Mapping) -> Proposal {
    for rules in &mapping.objects {
        let Some(sample) = rows.get(&rules.object).filter(|sample| !sample.records.is_empty()) else { continue };
        let known = proposed.tables.iter_mut().find(|known| known.table == rules.table);
        match known {
            // Who proposed looked at more rows.
            Some(known) if !known.columns.is_empty() && known.rows >= sample.records.len() as u64 => {}
            Some(known) => facts::fill(known, sample),
            None => {
                let mut table = ProposedTable {
                    table: rules.table.clone(),
                    object: Some(rules.object),
                    ..ProposedTable::default()
                };
                facts::fill(&mut table, sample);
                proposed.tables.push(table);
            }
        }
    }
    proposed
}
