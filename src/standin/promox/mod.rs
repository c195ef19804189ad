//! The simulated PromoXcrm: a seeded, messy account of a promotional-products distributor, served over HTTP.
//!
//! [`generate`](generate::generate()) makes the [`Account`], [`edits`] is the sales team at work while the migration
//! runs, [`server`] answers the API, and [`export`] writes the same account as the CSV files a CRM would give.
//! [`lookalike`] writes another kind of CRM export, without keys and without contacts.
//!
//! Nothing public documents the real PromoXcrm API. The shapes here are those of comparable CRMs, and the mess is what
//! their exports are known for ([`mess`] lists every kind with its rate).

pub mod account;
pub mod edits;
pub mod export;
pub mod generate;
mod invent;
pub mod lookalike;
pub mod mess;
pub mod server;
pub mod shapes;
mod spell;
// Word lists read best as they are wrapped by hand.
#[rustfmt::skip]
mod words;

pub use account::{Account, OBJECTS};
pub use server::{Promox, Running, Settings};
