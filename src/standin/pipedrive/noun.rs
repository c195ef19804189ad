//! What the account keeps, by name: every entity of the program, and what only Pipedrive has.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{Entity, named_enum};

named_enum! {
    /// A kind of thing in the account. Those that are also an [`Entity`] have the same name.
    Noun {
        /// A user.
        User = "user",
        /// A pipeline.
        Pipeline = "pipeline",
        /// A stage of a pipeline.
        Stage = "stage",
        /// A lead label.
        LeadLabel = "lead_label",
        /// An activity type.
        ActivityType = "activity_type",
        /// A field of organizations.
        OrganizationField = "organization_field",
        /// A field of persons.
        PersonField = "person_field",
        /// A field of deals, which leads share.
        DealField = "deal_field",
        /// A field of products.
        ProductField = "product_field",
        /// An organization.
        Organization = "organization",
        /// A person.
        Person = "person",
        /// A lead.
        Lead = "lead",
        /// A deal.
        Deal = "deal",
        /// An activity.
        Activity = "activity",
        /// A note.
        Note = "note",
        /// A comment on a note.
        Comment = "comment",
        /// A product.
        Product = "product",
        /// A product on a deal.
        DealProduct = "deal_product",
        /// A person who takes part in a deal besides its contact person.
        Participant = "participant",
        /// A file.
        File = "file",
        /// A call log.
        CallLog = "call_log",
        /// A webhook.
        Webhook = "webhook",
    }
}

impl From<Entity> for Noun {
    fn from(entity: Entity) -> Self {
        Self::parse(entity.as_str()).expect("every entity has a noun of its name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entity_has_a_noun() {
        for entity in Entity::ALL {
            assert_eq!(Noun::from(*entity).as_str(), entity.as_str());
        }
    }
}
