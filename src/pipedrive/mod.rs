//! The client of Pipedrive's API (v2 wherever it exists, v1 where it must be) and the budget that paces it.
//!
//! Every call is priced from one table ([`route`]) before it is sent, and nothing that changes Pipedrive can be sent
//! without a [`WritePermit`](crate::permit::WritePermit). Facts come from Pipedrive's OpenAPI documents as published
//! 2026-08-18 and its documentation pages, unless said otherwise.

mod access;
mod answer;
mod attachments;
mod budget;
mod client;
mod compare;
mod concurrency;
mod day;
mod endpoint;
mod fields;
mod notices;
mod others;
mod page;
mod record;
mod route;
mod sales;
mod window;

pub use attachments::{CallLog, File, NewCallLog, NewFile};
pub use budget::{Budget, Reason, Slot, Waiting};
pub use client::{Client, Me, User, Written};
pub use compare::{Difference, differences, field_count};
pub use day::Memory;
pub use endpoint::Listed;
pub use fields::{Field, FieldOption, NewField};
pub use notices::{Change, Currency, LeadSource, NewWebhook, Recent, WEBHOOKS_MAX, Webhook};
pub use page::{Listing, Order, Page, PageToken, Row, time_of};
pub use record::{
    Activity, Address, Contact, CustomValue, CustomValues, Deal, DealStatus, Lead, LeadValue, Note, Organization,
    Participant, Person, Pipeline, Stage, to_body,
};
pub use route::{Api, Route, route};
pub use sales::{
    BULK_PRODUCTS_MAX, Conversion, DealParticipant, DealProduct, NewDealProduct, NewProduct, Price, Product,
};
