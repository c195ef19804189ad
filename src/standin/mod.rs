//! Both simulated ends: a Pipedrive and a PromoXcrm that run on loopback, in a rehearsal or as servers of their own.
//!
//! They use layers 0 and 1 only and share no wire types with the clients, so that one misreading of an API cannot hide in
//! both ends.

pub mod pipedrive;
pub mod promox;
