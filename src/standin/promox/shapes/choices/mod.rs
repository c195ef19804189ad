//! Every variant that a shape can have, with its weight.
//!
//! Weights of section 17 of the reference on API shapes are used as they stand there; where that section says nothing they
//! follow the counts of the other sections, bent toward APIs of small vendors.

mod access;
mod lists;
mod manners;
mod rows;

pub use self::access::*;
pub use self::lists::*;
pub use self::manners::*;
pub use self::rows::*;
