//! Gates: the walk stops until a named person has approved the exact artefact, by its digest.

use std::time::Duration;

use super::Migration;
use crate::error::{Error, Kind, Result};
use crate::journal::Journal;
use crate::permit::{Gate, WritePermit};

/// How often a closed gate is looked at. Approvals are rare and written by another command.
const LOOK: Duration = Duration::from_secs(1);

/// Where the journal keeps the digest of the artefact that waits at a gate.
const fn fact_of(gate: Gate) -> &'static str {
    match gate {
        Gate::Map => "gate:map",
        Gate::Data => "gate:data",
        Gate::Plan => "gate:plan",
        Gate::Workspace => "gate:workspace",
        Gate::Sample => "gate:sample",
        Gate::Cutover => "gate:cutover",
    }
}

/// Where the journal keeps why the plan cannot be laid before its gate; empty when it can.
const BLOCKED: &str = "gate:plan:blocked";

/// Why nothing waits at a gate that people may expect to be asked at, one reason a line; empty when there is none.
///
/// # Errors
/// `Journal`.
pub async fn blocked(journal: &Journal, gate: Gate) -> Result<String> {
    Ok(if gate == Gate::Plan { journal.fact(BLOCKED).await?.unwrap_or_default() } else { String::new() })
}

/// How a gate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateState {
    /// The walk has not come to it.
    NotReached,
    /// It waits for approval of the artefact with this digest.
    Waits(String),
    /// The artefact with this digest is approved.
    Approved {
        /// Digest of the artefact.
        digest: String,
        /// Who approved it.
        by: String,
    },
}

/// How a gate stands, by the journal.
///
/// # Errors
/// `Journal`.
pub async fn artefact(journal: &Journal, gate: Gate) -> Result<GateState> {
    let digest = journal.fact(fact_of(gate)).await?.unwrap_or_default();
    if digest.is_empty() {
        return Ok(GateState::NotReached);
    }
    let approval = journal.approval(gate).await?;
    Ok(match approval.filter(|approval| approval.digest() == digest) {
        Some(approval) => GateState::Approved { digest, by: approval.by().to_owned() },
        None => GateState::Waits(digest),
    })
}

impl Migration {
    /// The permit of a gate that was passed before, for more of what it allows under the same rules.
    ///
    /// # Errors
    /// `Gate` when it is closed; `Journal`.
    pub(super) async fn standing_permit(&self, gate: Gate) -> Result<WritePermit> {
        let digest = self.journal.fact(fact_of(gate)).await?.unwrap_or_default();
        WritePermit::mint(gate, &digest, self.journal.approval(gate).await?.as_ref())
    }

    /// Takes the artefact away from the plan gate, and says why nothing can be approved there.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn block(&self, gate: Gate, reasons: &[String]) -> Result<()> {
        self.journal.put_fact(fact_of(gate), String::new()).await?;
        self.journal.put_fact(BLOCKED, reasons.join("\n")).await
    }

    /// Lays an artefact before a gate.
    async fn lay(&self, gate: Gate, digest: &str) -> Result<()> {
        if gate == Gate::Plan {
            self.journal.put_fact(BLOCKED, String::new()).await?;
        }
        self.journal.put_fact(fact_of(gate), digest.to_owned()).await
    }

    /// Lays an artefact before a gate and says whether it is approved, without waiting.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn is_approved(&self, gate: Gate, digest: &str) -> Result<bool> {
        self.lay(gate, digest).await?;
        Ok(WritePermit::mint(gate, digest, self.journal.approval(gate).await?.as_ref()).is_ok())
    }

    /// Waits at a gate until this artefact is approved; the permit is good for what the gate unlocks.
    ///
    /// # Errors
    /// `Stopped`; `Journal`.
    pub(super) async fn pass(&self, gate: Gate, digest: &str) -> Result<WritePermit> {
        self.lay(gate, digest).await?;
        let mut told = false;
        loop {
            let approval = self.journal.approval(gate).await?;
            match WritePermit::mint(gate, digest, approval.as_ref()) {
                Ok(permit) => {
                    self.progress.waits("");
                    tracing::info!(%gate, by = approval.map(|approval| approval.by().to_owned()), "gate is open");
                    return Ok(permit);
                }
                Err(closed) => {
                    if !told {
                        told = true;
                        self.progress.waits(&format!("for approval at gate '{gate}'"));
                        tracing::info!(%gate, digest, why = closed.chain(), "waiting at a gate");
                    }
                }
            }
            if self.stop.is_stopped() {
                return Err(Error::new(Kind::Stopped, "a stop was asked for"));
            }
            self.pause_for(LOOK).await;
        }
    }
}
