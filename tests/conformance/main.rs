//! Holds the simulated Pipedrive against the official documents, distilled in `contract.json`, and against recorded answers
//! of the real service. `run.mjs` beside it drives the same account with the official client.

#![cfg(feature = "standin")]

mod account;
mod contract;
mod mutations;
mod recordings;
mod refusals;
mod requests;
#[expect(dead_code, reason = "shared with the tests of the stand-in, which use all of it")]
#[path = "../standin_pipedrive/site.rs"]
mod site;
