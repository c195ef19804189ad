//! The five stages that a record passes through. Stages never import one another; `pipeline` joins them.

pub mod item;
pub mod load;
