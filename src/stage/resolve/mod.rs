//! Resolve: owners, links, stages, labels, options and field keys become Pipedrive's ids; what cannot be resolved waits.

mod body;
mod existing;
mod owners;
mod slots;
mod workspace;

use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use metrics::counter;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::error::Result;
use crate::journal::{Bound, Journal, Question, RoleFate};
use crate::mapping::Mapping;
use crate::mapping::existing::Then;
use crate::progress::Progress;
use crate::record::{BindingKey, Draft, Entity, Fate, FieldValue, Finding};
use crate::stage::item::{Became, Drafted, Known, Manner, Ready, Removal, Why, Work};
use crate::telemetry::{self, BatchTimer};

pub use existing::{Match, Matcher, UNCLEAR, lighten};
pub use owners::{Assignment, OwnerBook, SourceOwner};
pub use workspace::{FieldKey, StageKey, Workspace};

use body::{Assembled, Desk, LinkState, Obstacle, assemble, link_key};
use existing::{has_blank, writes_nothing};

/// Links kept in memory at the most: about 4 MB. The journal has the rest, at a few microseconds each.
const CACHED_LINKS: usize = 20_000;

/// Batches whose links are looked up at the same time.
pub const LOOKUPS: usize = 2;

/// What resolve works with. Share it between the steps of a run: its cache of links carries over.
pub struct Resolver {
    /// The journal.
    journal: Journal,
    /// The approved mapping.
    mapping: Arc<Mapping>,
    /// The account's keys.
    workspace: Workspace,
    /// Whose records go to whom.
    owners: OwnerBook,
    /// Counts what ends here.
    progress: Progress,
    /// Finds what was there before us.
    matcher: Matcher,
    /// The clock.
    clock: Clock,
    /// Records that are there for good; a bounded cache over the journal.
    links: DashMap<BindingKey, Arc<str>>,
}

/// The parts of a [`Resolver`].
pub struct ResolverParts {
    /// The journal.
    pub journal: Journal,
    /// The approved mapping.
    pub mapping: Arc<Mapping>,
    /// The clock.
    pub clock: Clock,
    /// The account's keys.
    pub workspace: Workspace,
    /// Whose records go to whom.
    pub owners: OwnerBook,
    /// Counts what ends here.
    pub progress: Progress,
}

/// Resolves drafts until the input is closed and empty. What needs no write ends here.
///
/// # Errors
/// `Journal`.
pub async fn run(
    input: mpsc::Receiver<Vec<Drafted>>,
    output: mpsc::Sender<Vec<Work>>,
    resolver: Arc<Resolver>,
) -> Result<()> {
    let batches = stream::unfold(input, |mut input| async { input.recv().await.map(|batch| (batch, input)) });
    batches
        .map(|batch| resolver.resolve(batch))
        .buffered(LOOKUPS)
        .try_for_each(|work| async {
            if !work.is_empty() && output.send(work).await.is_err() {
                tracing::debug!("the stage after resolve has ended");
            }
            Ok(())
        })
        .await
}

impl Resolver {
    /// A resolver that has looked nothing up yet.
    #[must_use]
    pub fn new(parts: ResolverParts) -> Self {
        let ResolverParts { journal, mapping, clock, workspace, owners, progress } = parts;
        let matcher = Matcher::new(journal.clone(), Arc::clone(&mapping), clock.clone());
        Self { journal, mapping, workspace, owners, progress, matcher, clock, links: DashMap::new() }
    }

    /// Begins the step of one kind of record.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn begin(&self, entity: Entity) -> Result<()> {
        self.matcher.begin(entity).await
    }

    async fn resolve(&self, batch: Vec<Drafted>) -> Result<Vec<Work>> {
        let _timer = BatchTimer::start("resolve");
        ask_unclear(&self.journal, &batch, &self.clock).await?;
        let links = self.link_states(&batch).await?;
        let desk = Desk { mapping: &self.mapping, workspace: &self.workspace, owners: &self.owners, links: &links };
        let mut matches = self.matcher.find(&batch).await?;
        let (mut work, mut ends, mut begun, mut found) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for drafted in batch {
            let key = drafted.key.clone();
            let there = self.there(&drafted, matches.remove(&key));
            let (next, findings) = settle_one(drafted, there, &desk);
            if !findings.is_empty() {
                found.push((key, findings));
            }
            match next {
                Next::Work(one) => work.push(one),
                Next::Bound(end, one) => {
                    begun.push(end);
                    work.push(one);
                }
                Next::End(end) => {
                    counter!(telemetry::RECORDS, "object" => end.key.object.as_str(), "stage" => "resolve",
                        "fate" => end.fate.as_str())
                    .increment(1);
                    ends.push(end);
                }
            }
        }
        self.progress.add_done(ends.len() as u64);
        ends.extend(begun);
        if !ends.is_empty() {
            self.journal.end_roles(ends).await?;
        }
        if !found.is_empty() {
            self.journal.add_findings(found).await?;
        }
        Ok(work)
    }

    /// What stands in Pipedrive for a draft already.
    fn there(&self, drafted: &Drafted, found: Option<Match>) -> There {
        let then = || self.matcher.rule(&drafted.key).map_or(Then::Keep, |rule| rule.then);
        match (&drafted.known, found) {
            (Some(known), _) if known.existing => There::Bound(then()),
            (Some(_), _) | (None, None) => There::Ours,
            (None, Some(found)) => There::Found(found, then()),
        }
    }

    /// Looks up everything that the drafts of a batch point at.
    async fn link_states(&self, batch: &[Drafted]) -> Result<HashMap<BindingKey, LinkState>> {
        let mut states = HashMap::new();
        let mut unknown = Vec::new();
        for key in batch.iter().filter_map(draft_of).flat_map(links_of) {
            if states.contains_key(&key) {
                continue;
            }
            // The guard ends with this statement: none is held over an await.
            let cached = self.links.get(&key).map(|id| Arc::clone(&id));
            match cached {
                Some(id) => {
                    states.insert(key, LinkState::There(id));
                }
                None => {
                    states.insert(key.clone(), LinkState::Unknown);
                    unknown.push(key);
                }
            }
        }
        let bound = self.journal.bound(unknown.clone()).await?;
        let survivors: Vec<BindingKey> = bound.iter().flatten().filter_map(|bound| bound.survivor.clone()).collect();
        let survived = self.journal.bound(survivors.clone()).await?;
        let survived: HashMap<BindingKey, Bound> =
            survivors.into_iter().zip(survived).filter_map(|(key, bound)| Some((key, bound?))).collect();
        let mut missing = Vec::new();
        for (key, bound) in unknown.into_iter().zip(bound) {
            match bound {
                None => missing.push(key),
                Some(bound) => {
                    let stands = bound.survivor.as_ref().map_or(Some(&bound), |survivor| survived.get(survivor));
                    let state = state_of(&key, stands);
                    if let LinkState::There(id) = &state {
                        self.remember(&key, id);
                    }
                    states.insert(key, state);
                }
            }
        }
        let records = missing.iter().map(|key| (key.object, Arc::clone(&key.source_id))).collect();
        for (key, exists) in missing.into_iter().zip(self.journal.exist(records).await?) {
            let state = if exists { LinkState::NotYet(format!("{key} is not there yet")) } else { LinkState::Unknown };
            states.insert(key, state);
        }
        Ok(states)
    }

    fn remember(&self, key: &BindingKey, id: &Arc<str>) {
        if self.links.len() >= CACHED_LINKS {
            // Starting over is simple, and as good as any order: neighbours of a record are read soon after it.
            self.links.clear();
        }
        self.links.insert(key.clone(), Arc::clone(id));
    }
}

enum Next {
    Work(Work),
    End(RoleFate),
    /// It is bound first, so that others can link to it and a restart knows it, and written to then.
    Bound(RoleFate, Work),
}

/// What stands in Pipedrive for a draft.
enum There {
    /// Nothing, or a record that we made.
    Ours,
    /// A record that was there before us and is bound already.
    Bound(Then),
    /// What was found just now.
    Found(Match, Then),
}

/// The version of a binding whose record was found and not written to yet: behind every version there is.
const BEHIND: i64 = 0;

fn settle_one(drafted: Drafted, there: There, desk: &Desk<'_>) -> (Next, Vec<Finding>) {
    let Drafted { key, entity, version, modified, known, became, mut findings } = drafted;
    let end = |fate| RoleFate::new(key.clone(), entity, version, fate);
    let next = match became {
        Became::Merged(survivor) => {
            let why = format!("the same {} as {} {}", survivor.role, survivor.object, survivor.source_id);
            Next::End(end(Fate::Merged).because(why).into_survivor(survivor))
        }
        Became::Nothing(fate, reason) => Next::End(end(fate).because(reason)),
        Became::Deleted => match known {
            Some(known) => Next::Work(Work::Remove(Removal { key, version, entity, known, why: Why::DeletedAtSource })),
            None => Next::End(end(Fate::Skipped).because("deleted at the source")),
        },
        Became::Draft(draft) => {
            let role = Role { key, entity, version, modified };
            match there {
                There::Ours => written(role, (&draft, known, Manner::Ours), desk, &mut findings),
                There::Bound(then) if writes_nothing(then) => Next::End(role.end(Fate::Matched)),
                There::Bound(then) => {
                    let (draft, manner) = lightened(draft, then);
                    written(role, (&draft, known, manner), desk, &mut findings)
                }
                There::Found(found, then) => matched(role, draft, (found, then), desk, &mut findings),
            }
        }
    };
    (next, findings)
}

/// The role that a draft is of.
struct Role {
    key: BindingKey,
    entity: Entity,
    version: i64,
    modified: Option<jiff::Timestamp>,
}

impl Role {
    fn end(&self, fate: Fate) -> RoleFate {
        RoleFate::new(self.key.clone(), self.entity, self.version, fate)
    }
}

/// A draft that becomes a write, or waits.
fn written(
    role: Role,
    (draft, known, manner): (&Draft, Option<Known>, Manner),
    desk: &Desk<'_>,
    findings: &mut Vec<Finding>,
) -> Next {
    let Assembled { body, findings: noticed } = assemble(draft, desk);
    findings.extend(noticed);
    match body {
        Err(Obstacle::Waits(what, why)) => Next::End(role.end(Fate::Parked).because(why).waiting_for(what)),
        Err(Obstacle::Impossible(why)) => Next::End(role.end(Fate::Rejected).because(why)),
        Ok(body) => {
            let Role { key, entity, version, modified } = role;
            Next::Work(Work::Write(Ready { key, version, entity, body, known, manner, modified }))
        }
    }
}

/// A draft for which something was found that was there before us.
fn matched(
    role: Role,
    draft: Draft,
    (found, then): (Match, Then),
    desk: &Desk<'_>,
    findings: &mut Vec<Finding>,
) -> Next {
    let (dest_id, filled, why) = match found {
        Match::Several { why } => return Next::End(role.end(Fate::Parked).because(why).waiting_for(UNCLEAR)),
        Match::Taken { survivor, why } => {
            let why = format!("{why}, as {} {}", survivor.object, survivor.source_id);
            return Next::End(role.end(Fate::Merged).because(why).into_survivor(survivor));
        }
        Match::One { dest_id, filled, why } => (dest_id, filled, why),
    };
    let bound = role.end(Fate::Matched).found_at(Arc::clone(&dest_id)).because(why);
    if writes_nothing(then) {
        return Next::End(bound);
    }
    let (draft, manner) = lightened(draft, then);
    match written(role, (&draft, Some(Known::found(Arc::clone(&dest_id))), manner), desk, findings) {
        Next::Work(Work::Write(ready)) if manner == Manner::Fill && !has_blank(&filled, &ready.body) => {
            Next::End(bound)
        }
        Next::Work(work) => Next::Bound(RoleFate { version: BEHIND, ..bound }, work),
        // What its fields wait for does not hold up those who link to it.
        Next::End(end) | Next::Bound(end, _) => Next::End(end.found_at(dest_id)),
    }
}

fn lightened(mut draft: Draft, then: Then) -> (Draft, Manner) {
    lighten(&mut draft, then);
    (draft, if then == Then::Update { Manner::Update } else { Manner::Fill })
}

/// What the question to the customer is about.
const UNCLEAR_LINK: &str = "link";

/// Asks which record is meant where a link's name is that of several.
///
/// # Errors
/// `Journal`.
pub async fn ask_unclear(journal: &Journal, batch: &[Drafted], clock: &Clock) -> Result<()> {
    let links =
        batch.iter().filter_map(draft_of).flat_map(|draft| &draft.fields).filter_map(|(_, value)| match value {
            FieldValue::Link(link) if !link.several.is_empty() => Some(link),
            _ => None,
        });
    let mut questions: Vec<Question> = Vec::new();
    for link in links {
        let subject = format!("{} {}", link.object, link.value);
        if !questions.iter().any(|known| known.subject == subject) {
            let text = format!(
                "Several {0} records are called '{1}' ({2}), and other records name one of them. Which one is meant? Give the \
                 {0} records names of their own at the source, or let the others name them by id; until then they wait",
                link.object,
                link.value,
                link.several.join(", ")
            );
            questions.push(Question { topic: UNCLEAR_LINK.to_owned(), subject, text });
        }
    }
    if questions.is_empty() { Ok(()) } else { journal.ask(questions, clock.utc()).await }
}

fn draft_of(drafted: &Drafted) -> Option<&Draft> {
    match &drafted.became {
        Became::Draft(draft) => Some(draft),
        _ => None,
    }
}

fn links_of(draft: &Draft) -> impl Iterator<Item = BindingKey> {
    draft.fields.iter().filter_map(|(_, value)| match value {
        FieldValue::Link(link) => Some(link_key(link)),
        _ => None,
    })
}

/// What stands behind a link, by the binding that stands for it.
fn state_of(key: &BindingKey, stands: Option<&Bound>) -> LinkState {
    let not_yet = || LinkState::NotYet(format!("{key} is not there yet"));
    let Some(bound) = stands else { return not_yet() };
    if let Some(id) = bound.live_id() {
        return LinkState::There(Arc::clone(id));
    }
    let why = || bound.reason.clone().unwrap_or_default();
    match (bound.fate, &bound.dest_id) {
        (Fate::Matched, Some(id)) => LinkState::There(Arc::clone(id)),
        (Fate::Rejected | Fate::Skipped | Fate::Folded, _) => LinkState::Never(why()),
        (Fate::Parked, _) => LinkState::NotYet(format!("{key} waits: {}", why())),
        (Fate::Loaded | Fate::Matched | Fate::Merged, _) => not_yet(),
    }
}
