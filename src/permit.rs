//! The permit to write: no call that changes Pipedrive can be made without one, and only approvals mint it.
//!
//! [`Approval`]s are made by the journal alone, from rows that a named person's command wrote; `tests/tidy.rs` keeps
//! that. A permit is for one gate, and so for what that gate unlocks (design: section 7).

use std::sync::Arc;

use jiff::Timestamp;

use crate::error::{Error, Kind, Result};
use crate::record::named_enum;
use std::fmt;

use serde::{Deserialize, Serialize};

named_enum! {
    /// A place where the migration stops until a named person approves the exact artefact.
    Gate {
        /// The mapping; unlocks the survey that counts.
        Map = "map",
        /// Mapping, rules, decisions and the quality report; unlocks the plan.
        Data = "data",
        /// What will be created in Pipedrive and what it costs; unlocks the workspace.
        Plan = "plan",
        /// The workspace as it now is; unlocks the sample.
        Workspace = "workspace",
        /// The sample as read back; unlocks the full load.
        Sample = "sample",
        /// Reconciliation and verification; makes Pipedrive the system of record.
        Cutover = "cutover",
    }
}

/// One approval as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    gate: Gate,
    by: String,
    at: Timestamp,
    digest: String,
}

impl Approval {
    /// An approval read from the journal. Called by `journal` only.
    pub(crate) fn recorded(gate: Gate, by: String, at: Timestamp, digest: String) -> Self {
        Self { gate, by, at, digest }
    }

    /// The gate that was approved.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// Who approved it.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.by
    }

    /// When, in UTC.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Digest of the artefact that was approved.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Leave to change Pipedrive, as far as one gate allows. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WritePermit(Arc<Approval>);

impl WritePermit {
    /// Turns an approval into a permit, if it was given for this gate and this very artefact.
    ///
    /// # Errors
    /// `Gate` when there is no approval, it is for another gate, or the artefact has changed since.
    pub fn mint(gate: Gate, artefact_digest: &str, approval: Option<&Approval>) -> Result<Self> {
        let Some(approval) = approval else {
            return Err(Error::new(Kind::Gate, format!("gate '{gate}' is not approved")));
        };
        if approval.gate != gate {
            return Err(Error::new(Kind::Gate, format!("gate '{gate}' is not approved by '{}'", approval.gate)));
        }
        if approval.digest != artefact_digest {
            return Err(Error::new(
                Kind::Gate,
                format!("gate '{gate}' is closed again: what was approved has changed"),
            ));
        }
        Ok(Self(Arc::new(approval.clone())))
    }

    /// The gate whose approval stands behind the permit.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.0.gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_approval_of_the_right_artefact_mints() {
        let approval = Approval::recorded(Gate::Plan, "Ada".into(), Timestamp::UNIX_EPOCH, "d1".into());
        assert!(WritePermit::mint(Gate::Plan, "d1", Some(&approval)).is_ok());
        for refused in [
            WritePermit::mint(Gate::Plan, "d1", None),
            WritePermit::mint(Gate::Plan, "d2", Some(&approval)),
            WritePermit::mint(Gate::Sample, "d1", Some(&approval)),
        ] {
            assert_eq!(refused.map(|_| ()).map_err(|error| error.kind()), Err(Kind::Gate));
        }
    }
}
