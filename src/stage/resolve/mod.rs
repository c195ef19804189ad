//! Resolve: owners, links, stages, labels, options and field keys become Pipedrive's ids; what cannot be resolved waits.

mod body;
mod owners;
mod slots;
mod workspace;

pub use owners::{Assignment, OwnerBook, SourceOwner};
pub use workspace::{FieldKey, StageKey, Workspace};
