//! Drives the simulated Pipedrive over loopback on a stepped clock.

#![cfg(feature = "standin")]

mod attachments;
mod books;
mod catalog;
mod faults;
mod limits;
mod older;
mod records;
mod refusals;
mod site;
