//! The proposal engine: what a source's tables and columns hold, which records they become, and where each column goes.
//!
//! Pure: it gets what was read and answers with a [`crate::mapping::proposal::Proposal`] and the text of a mapping. Names
//! are compared with a vocabulary in seven languages, values with the shapes that its concepts have; each table is then
//! assigned as a whole. Nothing here decides anything: people read it, change it, and approve the mapping.

pub mod answer;
pub mod assign;
pub mod compose;
pub mod confidence;
pub mod context;
pub mod fields;
pub mod forms;
pub mod layout;
pub mod losses;
pub mod placement;
pub mod plan;
pub mod profile;
mod reading;
mod refine;
pub mod rerank;
pub mod score;
pub mod seen;
pub mod shape;
pub mod tables;
pub mod tested;
pub mod values;
pub mod vocabulary;
pub mod weights;
pub mod words;
pub mod write;

#[cfg(test)]
mod tests;
