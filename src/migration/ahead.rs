//! A phase without the daemon: the same walk, which ends where a person is waited for.

use std::sync::{Mutex, PoisonError};

use super::Migration;
use super::gates::{self, GateState};
use crate::error::{Error, Kind, Result};
use crate::journal::{Journal, PhaseState};
use crate::permit::Gate;
use crate::pipedrive::Me;
use crate::record::named_enum;
use serde::{Deserialize, Serialize};
use std::fmt;

named_enum! {
    /// How far a command brings the migration.
    Upto {
        /// Everything is read, and what it is like is known.
        Survey = "survey",
        /// The workspace is made.
        Configure = "configure",
        /// The sample is loaded and read back.
        Sample = "sample",
    }
}

/// How far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// The phase is done, and what follows from it lies before its gate.
    Done,
    /// A gate must be passed first.
    Waits(Gate),
    /// Something stands in the way of the plan, one thing a line.
    Blocked(Vec<String>),
}

/// Where a walk ended that does not wait for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stuck {
    Gate(Gate),
    Blocked(Vec<String>),
}

/// Whether the walk waits for people, and where it ended when it does not.
#[derive(Debug, Default)]
pub(super) struct Patience(Mutex<(bool, Option<Stuck>)>);

impl Patience {
    /// From here on the walk ends where a person is waited for.
    fn give_up_at_gates(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (true, None);
    }

    /// Ends a walk that does not wait. One that waits goes on.
    ///
    /// # Errors
    /// `Gate`, with what is waited for.
    pub(super) fn waits_for(&self, stuck: Stuck) -> Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.0 {
            return Ok(());
        }
        let why = match &stuck {
            Stuck::Gate(gate) => format!("gate '{gate}' waits"),
            Stuck::Blocked(things) => format!("in the way of the plan: {}", things.join("; ")),
        };
        state.1 = Some(stuck);
        Err(Error::new(Kind::Gate, why))
    }

    fn stuck(&self) -> Option<Stuck> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

impl Upto {
    /// The gate at which what the phase made is judged.
    #[must_use]
    pub const fn gate(self) -> Gate {
        match self {
            Self::Survey => Gate::Data,
            Self::Configure => Gate::Workspace,
            Self::Sample => Gate::Sample,
        }
    }
}

/// Whether a phase is over, by the journal: the sample too when it lies before its gate, wherever it was loaded.
///
/// # Errors
/// `Journal`.
pub async fn is_over(journal: &Journal, upto: Upto) -> Result<bool> {
    if journal.phase("load").await?.is_some() {
        return Ok(true);
    }
    Ok(match upto {
        Upto::Survey | Upto::Configure => journal.phase(upto.as_str()).await? == Some(PhaseState::Done),
        Upto::Sample => !matches!(gates::by_itself(journal, Gate::Sample).await?, GateState::NotReached),
    })
}

impl Migration {
    /// Brings the migration as far as a phase, if the gates before it are passed, and lays what came of it before the gate
    /// that follows. What is done already is passed over.
    ///
    /// # Errors
    /// Those of the phases.
    pub async fn walk_to(&self, upto: Upto) -> Result<Reached> {
        // What is loaded is the daemon's: a mapping that was changed since then becomes updates there.
        if self.journal.phase("load").await?.is_some() {
            return Ok(Reached::Done);
        }
        self.patience.give_up_at_gates();
        let me = self.first_contact().await?;
        self.greet_staging(&me).await?;
        let walked = tokio::select! {
            walked = Box::pin(self.phases_to(&me, upto)) => walked,
            // These never end by themselves.
            kept = self.keep_budget() => kept,
            kept = self.keep_staging_budget() => kept,
        };
        match (walked, self.patience.stuck()) {
            (Ok(()), _) => Ok(Reached::Done),
            // The phase is over; it is its own gate that waits.
            (Err(error), Some(Stuck::Gate(gate))) if error.kind() == Kind::Gate && gate == upto.gate() => {
                Ok(Reached::Done)
            }
            (Err(error), Some(Stuck::Gate(gate))) if error.kind() == Kind::Gate => Ok(Reached::Waits(gate)),
            (Err(error), Some(Stuck::Blocked(things))) if error.kind() == Kind::Gate => Ok(Reached::Blocked(things)),
            (Err(error), _) => Err(error),
        }
    }

    async fn phases_to(&self, me: &Me, upto: Upto) -> Result<()> {
        self.pass(Gate::Map, self.map_artefact()?).await?;
        self.surveyed(me).await?;
        self.pass_data().await?;
        if upto == Upto::Survey {
            return Ok(());
        }
        self.staged(me).await?;
        if upto == Upto::Sample && self.went_by_staging().await? {
            return Ok(());
        }
        self.phase("configure", async || self.configure(me).await).await?;
        if upto == Upto::Configure {
            return self.pass(Gate::Workspace, &self.workspace(me).await?.digest()).await.map(drop);
        }
        self.phase("sample", async || self.sample(me).await).await
    }
}
