//! The five stages that a record passes through, each a plain core with an asynchronous shell around it. Stages never
//! import one another; `pipeline` joins them.

pub mod cpu;
pub mod dedupe;
pub mod extract;
pub mod item;
pub mod load;
pub mod normalize;
pub mod resolve;
