//! Every write happens once, whatever happens to its call: faults of each kind on each kind of record, copies by people,
//! restarts in the middle, and updates.

#![cfg(feature = "standin")]

#[path = "../support/bench.rs"]
mod bench;
mod changes;
mod copies;
mod creates;
mod fills;
mod refusals;
mod restarts;
