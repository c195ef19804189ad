//! The stages a record flows through. Each is a plain core here and an asynchronous shell around it; none imports another.

pub mod dedupe;
pub mod normalize;
