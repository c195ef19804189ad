//! The shell of normalize: batches go to the CPU threads and come back in order.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc;

use super::{Normalized, Rejection, RoleOutcome, RoleResult, normalize};
use crate::error::Result;
use crate::mapping::Mapping;
use crate::record::{BindingKey, Entity, Fate, Finding};
use crate::stage::cpu::Cpu;
use crate::stage::item::{Became, Drafted, Fresh, FreshRole};
use crate::telemetry::BatchTimer;

/// What normalize works with.
#[derive(Clone)]
pub struct Normalize {
    /// The approved mapping.
    pub mapping: Arc<Mapping>,
    /// The CPU threads.
    pub cpu: Cpu,
    /// The kind of Pipedrive record that this step makes.
    pub entity: Entity,
}

/// Turns records into drafts until the input is closed and empty.
///
/// # Errors
/// `Bug` when a job panics.
pub async fn run(
    input: mpsc::Receiver<Vec<Fresh>>,
    output: mpsc::Sender<Vec<Drafted>>,
    normalize: Normalize,
) -> Result<()> {
    let batches = stream::unfold(input, |mut input| async { input.recv().await.map(|batch| (batch, input)) });
    batches
        .map(|batch| {
            let (mapping, entity) = (Arc::clone(&normalize.mapping), normalize.entity);
            normalize.cpu.run(move || {
                let _timer = BatchTimer::start("normalize");
                batch.into_iter().flat_map(|fresh| drafted(fresh, &mapping, entity)).collect()
            })
        })
        .buffered(normalize.cpu.threads())
        .try_for_each(|drafted: Vec<Drafted>| async {
            if output.send(drafted).await.is_err() {
                tracing::debug!("the stage after normalize has ended");
            }
            Ok(())
        })
        .await
}

/// Every role of a record that is behind, with what it became.
fn drafted(fresh: Fresh, mapping: &Mapping, entity: Entity) -> Vec<Drafted> {
    let Fresh { landed, roles, findings } = fresh;
    let record = &landed.record;
    let outcome = normalize(record, mapping, Some(entity));
    let became = |role: &FreshRole| -> (Became, Vec<Finding>) {
        if record.deleted {
            return (Became::Deleted, Vec::new());
        }
        match (&outcome, &role.survivor) {
            (Normalized::Rejected(rejection), _) => (Became::Nothing(Fate::Rejected, rejected(rejection)), Vec::new()),
            (Normalized::Skipped(reason), _) => (Became::Nothing(Fate::Skipped, reason.clone()), Vec::new()),
            (Normalized::Folded(parent), _) => {
                let reason = format!("part of {} {}", parent.object, parent.source_id);
                (Became::Nothing(Fate::Folded, reason), Vec::new())
            }
            (Normalized::Roles(_), Some(survivor)) => (Became::Merged(survivor.clone()), Vec::new()),
            (Normalized::Roles(outcomes), None) => of_role(outcomes, role),
        }
    };
    let one = |role: FreshRole| {
        let (became, mut found) = became(&role);
        found.extend_from_slice(&findings);
        Drafted {
            key: BindingKey::new(record.object, Arc::clone(&record.id), Arc::clone(&role.role)),
            entity,
            version: landed.version,
            modified: record.modified,
            known: role.known,
            became,
            findings: found,
        }
    };
    roles.into_iter().map(one).collect()
}

fn of_role(outcomes: &[RoleOutcome], role: &FreshRole) -> (Became, Vec<Finding>) {
    let outcome = outcomes.iter().find(|outcome| outcome.role == role.role);
    match outcome.map(|outcome| &outcome.result) {
        Some(RoleResult::Draft { draft, findings }) => (Became::Draft(draft.clone()), findings.clone()),
        Some(RoleResult::LeftOut(reason)) => (Became::Nothing(Fate::Skipped, reason.clone()), Vec::new()),
        None => (Became::Nothing(Fate::Skipped, "the mapping gives this role nothing".to_owned()), Vec::new()),
    }
}

/// The rejection in words, with role, field and value.
fn rejected(rejection: &Rejection) -> String {
    let Rejection { role, field, value, reason } = rejection;
    let mut words = reason.clone();
    if !field.is_empty() {
        words = format!("{field}: {words}");
    }
    if !value.is_empty() {
        words = format!("{words} (value: {value:?})");
    }
    if !role.is_empty() {
        words = format!("{words}, needed for its {role}");
    }
    words
}
