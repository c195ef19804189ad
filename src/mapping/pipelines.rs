//! Where pipelines and stages come from, and what happens to stage names that no pipeline has.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::record::{fold_name, named_enum};

named_enum! {
    /// What reaching a stage means.
    StageKind {
        /// The deal goes on.
        Open = "open",
        /// The deal is won.
        Won = "won",
        /// The deal is lost.
        Lost = "lost",
    }
}

/// A stage declared in the mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredStage {
    /// Its name, also the name that source rows give.
    pub name: String,
    /// Probability in percent, 0 to 100; none where the pipeline does not use it.
    pub probability: Option<Decimal>,
    /// What reaching it means.
    pub kind: StageKind,
}

/// A pipeline declared in the mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredPipeline {
    /// Its name.
    pub name: String,
    /// Its stages in order; never empty.
    pub stages: Vec<DeclaredStage>,
}

/// What to do with a stage name that the record's pipeline lacks (renamed or deleted at the source).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fallback {
    /// The record waits.
    Park,
    /// The first stage that is open, with the finding `unknown_stage`.
    FirstOpen,
    /// The stage with this name, with the finding `unknown_stage`.
    Stage(String),
}

/// The `[pipelines]` of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipelines {
    /// Pipelines declared in the mapping; empty when they come from the source's pipeline rows.
    pub declared: Vec<DeclaredPipeline>,
    /// What to do with unknown stage names.
    pub fallback: Fallback,
    /// Whether a won or lost stage sets the status of deals whose mapping gives them none.
    pub status_from_stage: bool,
}

impl Pipelines {
    /// The declared pipeline a record names; the only one when it names none.
    #[must_use]
    pub fn declared(&self, name: Option<&str>) -> Option<&DeclaredPipeline> {
        match name {
            None => self.declared.first(),
            Some(name) => self.declared.iter().find(|pipeline| fold_name(&pipeline.name) == fold_name(name)),
        }
    }
}

impl DeclaredPipeline {
    /// The stage with this name, compared by letters without case.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&DeclaredStage> {
        let folded = fold_name(name);
        self.stages
            .iter()
            .find(|stage| stage.name == name)
            .or_else(|| self.stages.iter().find(|stage| fold_name(&stage.name) == folded))
    }

    /// The stage that stands in for an unknown one.
    #[must_use]
    pub fn fallback(&self, fallback: &Fallback) -> Option<&DeclaredStage> {
        match fallback {
            Fallback::Park => None,
            Fallback::FirstOpen => self.stages.iter().find(|stage| stage.kind == StageKind::Open),
            Fallback::Stage(name) => self.stage(name),
        }
    }
}
