//! Drives the simulated Pipedrive over loopback on a stepped clock.

#![cfg(feature = "standin")]

mod attachments;
mod books;
mod catalog;
mod changes;
mod faults;
mod hooks;
mod limits;
mod oauth;
mod older;
mod records;
mod refusals;
mod search;
mod site;
mod state;
mod strict;
mod team;
