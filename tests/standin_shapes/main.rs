//! The shapes of the simulated PromoXcrm: every variant served as the reference on API shapes describes it.

mod access;
mod client;
mod draws;
mod files;
mod lists;
mod manners;
mod markup;
mod pages;
mod protocols;
mod rows;
mod soap;
