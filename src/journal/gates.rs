//! Gates: what was laid before each, and what named persons said to it.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::{Journal, unknown_name, unreadable};
use crate::error::Result;
use crate::permit::{Approval, Gate};
use crate::record::named_enum;

/// What a named person said to an artefact at a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The gate.
    pub gate: Gate,
    /// Yes or no.
    pub verdict: GateVerdict,
    /// Who said it.
    pub by: String,
    /// Digest of the artefact it is about.
    pub digest: String,
    /// How we know that it was them.
    pub proof: Proof,
}

named_enum! {
    /// Yes or no at a gate.
    GateVerdict {
        /// The artefact is approved.
        Approved = "approved",
        /// The artefact is rejected; an earlier approval no longer stands.
        Rejected = "rejected",
    }
}

named_enum! {
    /// How an approver is known.
    Proof {
        /// By the name that was given; whoever can write the migration's folder could have given it.
        Name = "name",
        /// By a token that only they have.
        Token = "token",
    }
}

/// A decision as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What was said.
    pub decision: Decision,
    /// When.
    pub at: Timestamp,
}

/// Where the journal keeps the digest of the artefact that lies before a gate.
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

impl Journal {
    /// Lays an artefact before a gate, in place of the one that lay there. `content` is what people are shown of a change:
    /// one line for each thing that it is about.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn lay(&self, gate: Gate, digest: String, content: String, at: Timestamp) -> Result<()> {
        self.put_fact(fact_of(gate), digest.clone()).await?;
        self.write("laying an artefact before a gate", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO artefact (gate, digest, content, laid_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                )?
                .execute(params![gate.as_str(), digest, content, at.to_string()])
                .map(drop)
        })
        .await
    }

    /// Digest of the artefact that lies before a gate; `None` when the walk has not come to it.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn laid(&self, gate: Gate) -> Result<Option<String>> {
        self.fact(fact_of(gate)).await
    }

    /// What an artefact held; `None` for one that was never laid.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn artefact(&self, gate: Gate, digest: String) -> Result<Option<String>> {
        self.read("reading an artefact", move |connection| {
            connection
                .prepare_cached("SELECT content FROM artefact WHERE gate = ?1 AND digest = ?2")?
                .query_row(params![gate.as_str(), digest], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Keeps an approval or a rejection by a named person.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn decide(&self, decision: Decision, at: Timestamp) -> Result<()> {
        self.write("keeping a decision", move |connection| {
            let Decision { gate, verdict, by, digest, proof } = decision;
            connection
                .prepare_cached(
                    "INSERT INTO approval (gate, decision, approved_by, approved_at, digest, proof) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![gate.as_str(), verdict.as_str(), by, at.to_string(), digest, proof.as_str()])
                .map(drop)
        })
        .await
    }

    /// The approval that stands for a gate: its latest decision, if that was one.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn approval(&self, gate: Gate) -> Result<Option<Approval>> {
        let latest = self.decisions(gate).await?.pop();
        let approved = latest.filter(|latest| latest.decision.verdict == GateVerdict::Approved);
        Ok(approved.map(|Decided { decision, at }| Approval::recorded(gate, decision.by, at, decision.digest)))
    }

    /// Everything that was said at a gate, oldest first. A migration has few of them.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn decisions(&self, gate: Gate) -> Result<Vec<Decided>> {
        self.read("reading decisions", move |connection| {
            connection
                .prepare_cached(
                    "SELECT decision, approved_by, approved_at, digest, proof FROM approval WHERE gate = ?1 ORDER BY id",
                )?
                .query_map([gate.as_str()], |row| {
                    let (verdict, at, proof): (String, String, String) = (row.get(0)?, row.get(2)?, row.get(4)?);
                    let decision = Decision {
                        gate,
                        verdict: GateVerdict::parse(&verdict).ok_or_else(|| unknown_name(0, &verdict))?,
                        by: row.get(1)?,
                        digest: row.get(3)?,
                        proof: Proof::parse(&proof).ok_or_else(|| unknown_name(4, &proof))?,
                    };
                    Ok(Decided { decision, at: at.parse().map_err(|error| unreadable(2, error))? })
                })?
                .collect()
        })
        .await
    }
}
