//! Crossdock streams a PromoXcrm account into Pipedrive and keeps the two in step until cutover.
//!
//! A record flows `extract → dedupe → normalize → resolve → load`, five bounded stages that `pipeline` joins. The
//! `journal` keeps every row as received, every intent before its call and every outcome after it, so that a migration
//! resumes anywhere. `migration` walks the phases and stops at the gates; `control` and `cli` are its faces; `standin`
//! holds both simulated ends.
//!
//! Modules in reading order; each imports from lower layers only (`tests/tidy.rs` keeps that):

// Layer 0: nouns, errors with their verdict, stop, time, the write permit, metric names.
pub mod clock;
pub mod error;
pub mod permit;
pub mod progress;
pub mod record;
pub mod stop;
pub mod telemetry;

// Layer 1: settings, and the mapping's model.
pub mod config;
pub mod mapping;

// Layer 2: the one HTTP client, when to try again, and files from outside.
pub mod http;
pub mod retry;
pub mod spreadsheet;

// Layer 3: the journal, the source, Pipedrive; never one another.
pub mod journal;
pub mod pipedrive;
pub mod source;

// Layer 4: values made clean, the five stages, and what a new mapping is proposed from.
pub mod clean;
pub mod propose;
pub mod stage;

// Layer 5: the stages joined; what the customer reads.
pub mod pipeline;
pub mod report;

// Layer 6: the phases of a migration.
pub mod migration;

// Layers 7 and 8: the daemon's face, and the command line.
pub mod cli;
pub mod control;

// Apart: layers 0 and 1 only.
#[cfg(feature = "standin")]
pub mod standin;
